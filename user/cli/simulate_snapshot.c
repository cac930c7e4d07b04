// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `simulate --snapshot FILE`: a socket that was written to a file, in place of one made from words.
 * Receives the file's name; hands a view that the engine has filled.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/simulate_snapshot.h"
#include "tcptimer/snapshot_file.h"
#include "text.h"

static int snapshot_load(const char *path, struct tcptimer_snapshot_file *ret_file)
{
	unsigned char bytes[sizeof(*ret_file) + 1]; /* one more tells a file that is too long */
	FILE *in = fopen(path, "re");
	char safe[512];
	size_t len;
	int err;

	text_escape(path, safe, sizeof(safe));
	if (!in)
		return cli_fail("'%s': %s", safe, strerror(errno));
	len = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	err = tcptimer_snapshot_file_read(bytes, len, ret_file);
	if (err)
		return cli_fail("'%s': %s", safe, tcptimer_snapshot_file_strerror(err));
	return CLI_OK;
}

int simulate_snapshot(const struct command *command, const char *path,
		      const struct simulation *simulation, struct timeline_view *view,
		      char *subject, size_t subject_size)
{
	struct tcptimer_snapshot_file file;
	int status, err;

	/* What shapes a socket is in the file; what is assumed around it may be asked anew. */
	if (simulation->change_count)
		return cli_usage(command,
				 "with --snapshot the settings are the file's; only peer= may "
				 "be given");
	status = snapshot_load(path, &file);
	if (status)
		return status;
	view->profile = file.profile;
	view->snap = file.snapshot;
	view->params = (struct tcptimer_engine_params){
		.hz = file.hz,
		.peer = simulation->peer ? simulation->peer : file.peer,
		.rtt_us = file.rtt_us,
	};
	snprintf(subject, subject_size, "%s, as of the snapshot",
		 tcptimer_state_name(file.snapshot.state));
	view->title = view->profile.name;
	view->subject = subject;
	err = timeline_run(view);
	if (err)
		return cli_fail("the snapshot: %s", tcptimer_engine_strerror(err));
	return CLI_OK;
}

int simulate_snapshot_save(const char *path, const struct timeline_view *view)
{
	struct tcptimer_snapshot_file file;
	FILE *out = fopen(path, "we");
	char safe[512];
	bool written;

	text_escape(path, safe, sizeof(safe));
	if (!out)
		return cli_fail("'%s': %s", safe, strerror(errno));
	tcptimer_snapshot_file_fill(&view->profile, &view->params, &view->snap, &file);
	written = fwrite(&file, sizeof(file), 1, out) == 1;
	if (fclose(out) || !written)
		return cli_fail("'%s': %s", safe, strerror(errno));
	return CLI_OK;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer kill: ends connections that a filter chooses, after showing them and asking.
 * Receives snapshots and an answer from the terminal; hands the chosen ones to user/kernel/destroy.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "deadline.h"
#include "kernel/destroy.h"
#include "kernel/kernel.h"
#include "text.h"

struct kill {
	bool dry_run, yes;
	struct filter *filter;
	struct names names;
	struct owners *owners;
	struct text_table *table;
	struct destroy_target *targets; /* what was shown, and nothing else, is destroyed */
	size_t count, room;
	bool too_many;
};

enum { OPT_DRY_RUN = 256, OPT_YES };

static const struct option kill_options[] = {
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "yes", no_argument, NULL, OPT_YES },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static const struct text_column kill_columns[] = {
	{ "STATE", TEXT_LEFT, 10 },
	{ "LOCAL", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "REMOTE", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "STALLED", TEXT_RIGHT, 7 },
	{ "DEADLINE", TEXT_RIGHT, 8 },
	{ "COOKIE", TEXT_RIGHT, 6 },
	{ "CGROUP", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "PROCESS", TEXT_LEFT | TEXT_SHRINK, 12 },
};

#define KILL_COLUMNS (sizeof(kill_columns) / sizeof(kill_columns[0]))

static int kill_filter(const struct command *command, int argc, char **argv, struct kill *k)
{
	struct filter_hints hints;
	int status;

	if (!argc)
		return cli_usage(command, "needs a FILTER that says which connections");
	status = cli_filter(argc, argv, &k->filter);
	if (status)
		return status;
	filter_hints(k->filter, &hints);
	if (!hints.exact)
		return cli_usage(command,
				 "the filter may match any connection of the host: name an "
				 "address, port, cgroup, netns or pid as well");
	return CLI_OK;
}

static int kill_parse(const struct command *command, int argc, char **argv, struct kill *k)
{
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":nyh", kill_options, NULL)) != -1) {
		switch (opt) {
		case 'n':
		case OPT_DRY_RUN:
			k->dry_run = true;
			break;
		case 'y':
		case OPT_YES:
			k->yes = true;
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	return kill_filter(command, argc - optind, argv + optind, k);
}

/* ---- which */

static int kill_row(struct kill *k, const struct conn *conn)
{
	const struct tcptimer_snapshot *s = conn->snap;
	char local[64], remote[64], age[24], deadline[24], cookie[24], cgroup[512], process[128];
	char comm[80];
	const char *cells[KILL_COLUMNS] = {
		tcptimer_state_ss_name(s->state),
		text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local)),
		text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote)),
		"-",
		deadline_text(conn, deadline, sizeof(deadline)),
		cookie,
		"-",
		"-",
	};

	if (!k->table) /* no title without a row */
		k->table = text_table_new(stdout, kill_columns, KILL_COLUMNS, cli_width(), 1);
	if (!k->table)
		return -ENOMEM;
	if (tcptimer_stall_timer(s))
		cells[3] = text_span(conn_stall_ms(s, k->names.hz), age, sizeof(age));
	snprintf(cookie, sizeof(cookie), "%llu", (unsigned long long)s->cookie);
	if (conn->cgroup)
		cells[6] = text_cgroup(conn->cgroup, 40, cgroup, sizeof(cgroup));
	if (conn->pid) {
		snprintf(process, sizeof(process), "%s/%d",
			 text_escape(conn->comm, comm, sizeof(comm)), conn->pid);
		cells[7] = process;
	}
	return text_table_row(k->table, cells);
}

static int kill_add(struct kill *k, const struct tcptimer_snapshot *snap)
{
	struct destroy_target *grown;

	if (k->count == DESTROY_TARGETS_MAX) {
		k->too_many = true;
		return -E2BIG;
	}
	if (k->count == k->room) {
		size_t room = k->room ? k->room * 2 : 64;

		grown = reallocarray(k->targets, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		k->targets = grown;
		k->room = room;
	}
	k->targets[k->count++] = (struct destroy_target){ .snap = *snap };
	return 0;
}

static int kill_socket(const struct tcptimer_snapshot *snap, void *arg)
{
	struct kill *k = arg;
	struct conn conn;
	int err;

	if (snap->state == TCPTIMER_STATE_LISTEN || snap->state == TCPTIMER_STATE_CLOSE)
		return 0; /* no connections */
	names_fill(&conn, snap, &k->names);
	if (!filter_match(k->filter, &conn))
		return 0;
	err = kill_add(k, snap);
	return err ? err : kill_row(k, &conn);
}

/* Show them and keep them: k->targets. */
static int kill_preview(struct kill *k)
{
	struct snapshot_options options = { .states = ~0U, .owners = true };
	struct snapshot_reader reader;
	int err = snapshots_open(&reader, &options);

	if (err)
		return cli_fail_kernel("loading the snapshot program", err);
	err = owners_load(reader.owners, &k->owners);
	k->names.owners = k->owners;
	if (!err)
		err = snapshots_read(&reader, kill_socket, k);
	snapshots_close(&reader);
	if (k->table && text_table_end(k->table) && !err)
		err = -EIO;
	if (k->too_many)
		return cli_fail("more than %d connections match; narrow the filter",
				DESTROY_TARGETS_MAX);
	if (err)
		return cli_fail_kernel("reading the sockets", err);
	return cli_flush();
}

/* ---- the question */

static bool kill_is_yes(const char *line)
{
	return !strcasecmp(line, "y\n") || !strcasecmp(line, "yes\n");
}

/* Asked of a person, not of whatever stdin is. CLI_OK: yes. */
static int kill_ask(const struct kill *k)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	char line[16] = "";

	if (!tty)
		return cli_fail("there is no terminal to ask; --yes destroys without asking, "
				"--dry-run only shows");
	if (k->count == 1)
		fputs("Destroy this connection? [y/N] ", tty);
	else
		fprintf(tty, "Destroy these %zu connections? [y/N] ", k->count);
	fflush(tty);
	if (!fgets(line, sizeof(line), tty))
		fputc('\n', tty);
	fclose(tty);
	if (kill_is_yes(line))
		return CLI_OK;
	return cli_fail("nothing was destroyed");
}

/* ---- and then */

static int kill_report(const struct kill *k)
{
	size_t done = 0, gone = 0, failed = 0, i;

	for (i = 0; i < k->count; i++) {
		const struct destroy_target *t = &k->targets[i];
		const struct tcptimer_snapshot *s = &t->snap;
		char local[64], remote[64];

		if (!t->err)
			done++;
		else if (t->err == -ENOENT)
			gone++;
		else
			failed++;
		if (t->err && t->err != -ENOENT)
			fprintf(stderr, "tcptimer: %s -> %s could not be destroyed: %s\n",
				text_addr_port(s->family, s->local_addr, s->local_port, local,
					       sizeof(local)),
				text_addr_port(s->family, s->remote_addr, s->remote_port, remote,
					       sizeof(remote)),
				t->err == -EOPNOTSUPP ? "this kernel can't destroy sockets "
							"(CONFIG_INET_DIAG_DESTROY)" :
							strerror(-t->err));
	}
	printf("\n%zu destroyed", done);
	if (gone)
		printf(", %zu had ended before", gone);
	if (failed)
		printf(", %zu could not be", failed);
	putchar('\n');
	return failed ? CLI_FAILED : CLI_OK;
}

static int kill_all(struct kill *k)
{
	int status = kill_preview(k);
	int err;

	if (status)
		return status;
	if (!k->count)
		return cli_fail("no connection matches (listeners apart); `tcptimer list FILTER` "
				"shows what there is");
	if (k->dry_run) {
		printf("\n%zu would be destroyed\n", k->count);
		return cli_flush();
	}
	if (!k->yes) {
		status = kill_ask(k);
		if (status)
			return status;
	}
	err = destroy_sockets(k->targets, k->count);
	if (err)
		cli_fail_kernel("destroying", err);
	status = kill_report(k);
	return err || cli_flush() ? CLI_FAILED : status;
}

int kill_run(const struct command *command, int argc, char **argv)
{
	struct kill k = {};
	int status = kill_parse(command, argc, argv, &k);

	if (status < 0)
		return cli_flush();
	if (!status)
		status = cli_need_root(command->name);
	if (!status)
		status = names_init(&k.names);
	if (!status)
		status = kill_all(&k);
	free(k.targets);
	owners_free(k.owners);
	filter_free(k.filter);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which policy is in force: taken over, read from files, applied, cleared.
 * Receives files and requests; hands policies to user/kernel/enforce.c, and what is wrong to the log.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "daemon/daemon_impl.h"
#include "daemon/lock.h"
#include "text.h"

#define FINDINGS_LOGGED 20
#define SECOND_PASS_US 1000000 /* by then a socket that was on its way has arrived */

static int64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void log_findings(const struct policy_report *report)
{
	unsigned int told = 0, all = report->errors + report->warnings;
	char line[LOAD_LINE];

	if (report->no_memory)
		log_error("no memory for the policy");
	for (size_t i = 0; i < report->count; i++) {
		const struct policy_finding *f = &report->findings[i];

		if (f->severity == POLICY_NOTE)
			continue;
		if (told++ == FINDINGS_LOGGED)
			break;
		load_finding_text(f, line, sizeof(line));
		log_line(LOG_SOURCE_FINDINGS, f->severity == POLICY_ERROR ? LOG_ERR : LOG_WARNING,
			 NULL, 0, "%s", line);
	}
	if (all > FINDINGS_LOGGED)
		log_line(LOG_SOURCE_FINDINGS, LOG_WARNING, NULL, 0,
			 "%u more findings: `tcptimer policy check FILE` tells all of them",
			 all - FINDINGS_LOGGED);
}

/* "a.yaml, b.yaml", escaped and cut. */
static const char *name_files(const struct policy_source *source, char *buf, size_t size)
{
	char safe[256];
	size_t used = 0;

	snprintf(buf, size, "no file");
	for (size_t i = 0; i < source->count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
					 text_escape(source->files[i].name, safe, sizeof(safe)));
	return buf;
}

void daemon_tell(struct daemon *d)
{
	if (!d->enforce)
		sd_notify(0,
			  "STATUS=Detached: no policy until `tcptimer policy apply` or a reload");
	else if (!d->known)
		sd_notify(0, "STATUS=A policy is in force whose files are not known");
	else
		sd_notifyf(0, "STATUS=%zu rule%s in force, policy %.12s%s", d->running.policy.count,
			   d->running.policy.count == 1 ? "" : "s", d->digest,
			   d->running.source.audit ? ", all in mode audit" : "");
}

/* ---- putting it in force ---- */

static int dispatch_enforce(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct daemon *d = arg;
	int err = enforce_dispatch(d->enforce);

	if (err)
		log_line(LOG_SOURCE_AUDIT, LOG_WARNING, NULL, 0, "cgroups that came or went: %s",
			 enforce_error());
	return 0;
}

static int failed(struct daemon *d, int err, const char *words)
{
	snprintf(d->error, sizeof(d->error), "%s", words);
	return err;
}

/* Made and locked before it is used: `policy clear` takes it away. */
static int lock_pins(struct daemon *d)
{
	const char *pins = d->options->pin_dir;
	char safe[256], line[400];
	int holder;

	d->pins_fd = lock_directory(pins, &holder);
	if (d->pins_fd != -EWOULDBLOCK)
		return 0; /* enforce_open() says what else is wrong with it */
	snprintf(line, sizeof(line),
		 "a daemon with pid %d works on %s already; --pin-dir names another directory",
		 holder, text_escape(pins, safe, sizeof(safe)));
	return failed(d, -EWOULDBLOCK, line);
}

static void unlock_pins(struct daemon *d)
{
	if (d->pins_fd >= 0)
		close(d->pins_fd);
	d->pins_fd = -1;
}

/* Somebody may have wiped the bpffs: what is attached goes on, and is pinned anew. */
static int find_pins(struct daemon *d)
{
	if (!access(d->options->pin_dir, F_OK))
		return 0;
	log_warning("the pins have been removed; they are made anew");
	unlock_pins(d);
	return lock_pins(d);
}

int daemon_attach(struct daemon *d)
{
	struct enforce_options options = { .pin_dir = d->options->pin_dir,
					   .cgroup = d->options->cgroup };
	int err = lock_pins(d);

	if (err)
		return err;
	err = enforce_open(&options, &d->enforce);
	if (err) {
		d->enforce = NULL;
		return failed(d, err, enforce_error());
	}
	err = sd_event_add_io(d->event, &d->enforce_source, enforce_fd(d->enforce), EPOLLIN,
			      dispatch_enforce, d);
	if (err < 0) {
		enforce_close(d->enforce);
		d->enforce = NULL;
		return failed(d, err, strerror(-err));
	}
	return 0;
}

static int second_pass(sd_event_source *source, uint64_t usec, void *arg)
{
	struct daemon *d = arg;
	struct enforce_pass pass = {};

	if (d->enforce && enforce_pass(d->enforce, &pass))
		log_warning("the second look at the sockets: %s", enforce_error());
	else if (pass.changed)
		log_info("%llu sockets that raced the change were reached",
			 (unsigned long long)pass.changed);
	d->second_pass = sd_event_source_unref(d->second_pass);
	return 0;
}

static void plan_second_pass(struct daemon *d)
{
	d->second_pass = sd_event_source_disable_unref(d->second_pass);
	sd_event_add_time_relative(d->event, &d->second_pass, CLOCK_MONOTONIC, SECOND_PASS_US, 0,
				   second_pass, d);
}

static int put_in_force(struct daemon *d, struct loaded *l, struct enforce_pass *ret_pass)
{
	size_t size = 0;
	void *blob = NULL;
	int err = source_encode(&l->source, &blob, &size);

	if (!err)
		err = enforce_apply(d->enforce, &l->policy, blob, size, ret_pass);
	free(blob);
	return err;
}

int daemon_put(struct daemon *d, struct loaded *loaded, struct enforce_pass *ret_pass)
{
	bool attach = !d->enforce;
	char files[512];
	int err;

	if (d->options->audit)
		for (size_t i = 0; i < loaded->policy.count; i++)
			loaded->policy.rules[i].mode = POLICY_AUDIT;
	loaded->source.audit = d->options->audit;
	if (!loaded->source.time_ns)
		loaded->source.time_ns = realtime_ns();
	err = attach ? daemon_attach(d) : find_pins(d);
	if (!err) {
		err = put_in_force(d, loaded, ret_pass);
		if (err)
			failed(d, err,
			       err == -E2BIG ? "the files are more than a policy may have" :
					       enforce_error());
	}
	if (err) {
		load_free(loaded);
		return err;
	}
	trace_watch_forget(d->trace);
	load_free(&d->running);
	d->running = *loaded;
	*loaded = (struct loaded){};
	policy_report_free(&d->running.report);
	d->known = true;
	source_digest(&d->running.source, d->digest);
	plan_second_pass(d);
	trace_watch_policy(d->trace, attach);
	metrics_policy(d->metrics, attach);
	daemon_tell(d);
	log_info("policy %.12s (%s) is in force: %zu rule%s%s; %llu sockets seen, %llu changed, "
		 "%llu options refused, in %u network namespace%s",
		 d->digest, name_files(&d->running.source, files, sizeof(files)),
		 d->running.policy.count, d->running.policy.count == 1 ? "" : "s",
		 d->options->audit ? ", all in mode audit" : "", (unsigned long long)ret_pass->seen,
		 (unsigned long long)ret_pass->changed, (unsigned long long)ret_pass->refused,
		 ret_pass->netns, ret_pass->netns == 1 ? "" : "s");
	return 0;
}

int daemon_clear(struct daemon *d, struct enforce_pass *ret_pass, bool *ret_was)
{
	struct enforce_options options = { .pin_dir = d->options->pin_dir,
					   .cgroup = d->options->cgroup };
	int err;

	d->second_pass = sd_event_source_disable_unref(d->second_pass);
	d->enforce_source = sd_event_source_disable_unref(d->enforce_source);
	if (d->enforce)
		enforce_close(d->enforce);
	d->enforce = NULL;
	d->known = false;
	trace_watch_forget(d->trace);
	load_free(&d->running);
	d->digest[0] = '\0';
	trace_watch_policy(d->trace, false);
	metrics_policy(d->metrics, false);
	daemon_tell(d);
	err = enforce_clear(&options, ret_pass, ret_was);
	unlock_pins(d);
	return err ? failed(d, err, enforce_error()) : 0;
}

/* ---- from files ---- */

/* What the paths hold now. 0, or -errno when the findings say that it is no policy. */
static int read_files(struct daemon *d, struct loaded *ret)
{
	const struct daemon_options *o = d->options;
	struct stat st;

	*ret = (struct loaded){ .source = { .kind = SOURCE_FILES } };
	if (watch_arm(d->watch))
		log_warning("not all policy files can be watched; SIGHUP reloads");
	for (size_t i = 0; i < o->path_count; i++) {
		bool there = !stat(o->paths[i], &st);
		const char *dot = strrchr(o->paths[i], '.');
		bool file = dot && !strcmp(dot, ".yaml");

		if (there ? S_ISDIR(st.st_mode) : !file)
			load_directory(ret, o->paths[i]);
		else if (there || strcmp(o->paths[i], DAEMON_POLICY_FILE))
			load_file(ret, o->paths[i]);
	}
	return load_check(ret, &d->names.profile, d->names.hz);
}

/* Were they the same at the last look, and the same wrong with them? */
static bool tried_before(struct daemon *d, const struct loaded *l)
{
	struct policy_source seen = {};
	char digest[SOURCE_DIGEST];
	bool same;

	for (size_t i = 0; i < l->source.count; i++)
		source_add(&seen, l->source.files[i].name, l->source.files[i].bytes,
			   l->source.files[i].size);
	for (size_t i = 0; i < l->report.count; i++)
		source_add(&seen, "", l->report.findings[i].text,
			   strlen(l->report.findings[i].text));
	source_digest(&seen, digest);
	source_free(&seen);
	same = !strcmp(digest, d->tried);
	memcpy(d->tried, digest, sizeof(digest));
	return same;
}

static void note_reload(struct daemon *d, const struct policy_report *report)
{
	d->reload_ns = realtime_ns();
	d->reload_errors = report->errors;
	d->reload_warnings = report->warnings;
}

void daemon_reload(struct daemon *d, enum reload_reason reason)
{
	struct enforce_pass pass = {};
	struct loaded loaded;
	int err = read_files(d, &loaded);

	if (tried_before(d, &loaded) && reason == RELOAD_FILES) {
		load_free(&loaded);
		return;
	}
	note_reload(d, &loaded.report);
	log_findings(&loaded.report);
	if (err) {
		load_free(&loaded);
		log_error("the policy files can't be used: %s",
			  d->enforce ? "what was in force stays in force" :
				       "no policy is in force");
		return;
	}
	if (reason == RELOAD_FILES && !d->enforce) {
		load_free(&loaded);
		log_info("the policy files have changed, but the policy was cleared: SIGHUP or "
			 "`tcptimer policy apply` puts one in force");
		return;
	}
	if (daemon_put(d, &loaded, &pass))
		log_error("the policy files are not in force: %s", d->error);
}

/* ---- at the start ---- */

/* Put what an earlier daemon had in force in force again: its cgroups are to be watched. */
static int keep(struct daemon *d, struct loaded *before)
{
	struct enforce_pass pass = {};
	int err = load_check(before, NULL, 0);

	if (err) {
		log_findings(&before->report);
		load_free(before);
		return err;
	}
	err = daemon_put(d, before, &pass);
	if (err)
		log_error("the policy that was in force: %s", d->error);
	return err;
}

static void keep_unknown(struct daemon *d)
{
	log_warning("a policy is in force whose files can't be read back: it stays in force as it "
		    "is, and new cgroups get what their parents have; SIGHUP or `tcptimer policy "
		    "apply` replaces it");
	daemon_tell(d);
}

/* Files that can't be used stop a daemon that has nothing else to keep in force. */
static int start_files(struct daemon *d, const struct enforce_state *state, struct loaded *before)
{
	struct enforce_pass pass = {};
	struct loaded loaded;
	int err = read_files(d, &loaded);

	tried_before(d, &loaded);
	note_reload(d, &loaded.report);
	log_findings(&loaded.report);
	if (!err && !loaded.source.count && !state->generation) {
		d->running = loaded;
		d->known = true;
		source_digest(&loaded.source, d->digest);
		log_info("no policy files: no policy is in force");
		return 0;
	}
	if (!err) {
		err = daemon_put(d, &loaded, &pass);
		if (err)
			log_error("the policy is not in force: %s", d->error);
		return err;
	}
	load_free(&loaded);
	if (!state->generation) {
		log_error("the policy files can't be used, and no policy is in force");
		return err;
	}
	log_error("the policy files can't be used: what was in force stays in force");
	if (!before->source.count || keep(d, before))
		keep_unknown(d);
	return 0;
}

int daemon_start_policy(struct daemon *d)
{
	struct enforce_state state = {};
	struct loaded before = {};
	void *blob = NULL;
	size_t size = 0;
	int err = enforce_state(d->enforce, &state);

	if (!err)
		err = enforce_source(d->enforce, &blob, &size);
	if (err) {
		log_error("%s", enforce_error());
		return err;
	}
	d->adopted = state.adopted;
	if (state.generation && size)
		source_decode(blob, size, &before.source);
	free(blob);
	if (state.generation && before.source.kind == SOURCE_APPLY && before.source.count) {
		log_info("the policy that `tcptimer policy apply` put in force is kept; SIGHUP "
			 "loads the files in its place");
		if (watch_arm(d->watch))
			log_warning("not all policy files can be watched; SIGHUP reloads");
		if (keep(d, &before))
			keep_unknown(d);
		return 0;
	}
	err = start_files(d, &state, &before);
	load_free(&before);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer top: stalled connections on a live screen.
 * Receives looks at the host (watch.c) and keys; hands top_draw()'s lines to the terminal.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/explain_text.h"
#include "cli/top_screen.h"
#include "cli/watch.h"
#include "kernel/rules.h"
#include "text.h"
#include "timeline_text.h"
#include "top.h"

#define LOOK_MS 1000
#define DRAW_MS 250 /* countdowns go on between looks */
#define LOOK_SHARE                                                                                 \
	10 /* a look takes no more than this part of the time: on a full host they thin */
#define EXPLAIN_INDENT 100 /* the timeline's table is no wider */

struct top_run {
	struct top top;
	struct watch watch;
	struct watch_options options;
	struct top_screen screen;
	char kernel[80];
	double seconds;
	int64_t look_ns, next_look_ns;
	bool quit;
	int err; /* of a look */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* ---- a look ---- */

static int add_conn(const struct conn *conn, void *arg)
{
	return top_look_add(arg, conn, now_ns());
}

static int add_counts(const struct conn *who, const struct tcptimer_summary_counts *counts,
		      void *arg)
{
	(void)who;
	top_look_counts(arg, counts);
	return 0;
}

static void tell_policy(struct top *t)
{
	uint32_t generation, rules;

	if (rules_in_force(&generation, &rules))
		snprintf(t->policy, sizeof(t->policy), "%u rule%s (generation %u)", rules,
			 rules == 1 ? "" : "s", generation);
	else
		snprintf(t->policy, sizeof(t->policy), "none");
}

/* While the screen is frozen nothing is read: what was counted meanwhile comes with the next look. */
static void look(struct top_run *r)
{
	int64_t begun_ns = now_ns(), took_ns;
	struct summary_losses lost;

	watch_sweep(&r->watch);
	top_look_begin(&r->top);
	r->err = watch_sockets(&r->watch, add_conn, &r->top);
	if (!r->err)
		r->err = watch_counts(&r->watch, add_counts, &r->top);
	watch_losses(&r->watch, &lost);
	r->top.lost += lost.groups + lost.stalls + lost.unseen + lost.missed;
	tell_policy(&r->top);
	top_look_end(&r->top, begun_ns);
	took_ns = now_ns() - begun_ns;
	r->next_look_ns = begun_ns + (int64_t)(r->seconds * 1e9);
	if (r->next_look_ns < begun_ns + took_ns * LOOK_SHARE)
		r->next_look_ns = begun_ns + took_ns * LOOK_SHARE;
}

/* ---- explain ---- */

static int print_timeline(const struct top_run *r, const struct top_row *row,
			  struct timeline_view *view, FILE *out)
{
	char ends[144], cgroup[4096];
	int err;

	view->profile = r->watch.names.profile;
	view->params = (struct tcptimer_engine_params){ .hz = r->watch.names.hz };
	view->snap = row->snap;
	view->title = "as it is";
	view->subject = tcptimer_state_name(row->snap.state);
	fprintf(out, "%s  %s  cookie %llu\n", explain_ends(&row->snap, ends, sizeof(ends)),
		tcptimer_state_ss_name(row->snap.state), (unsigned long long)row->snap.cookie);
	fprintf(out, "process   %s\ncgroup    %s\n\n", row->process ? row->process : "-",
		row->cgroup ? text_escape(row->cgroup, cgroup, sizeof(cgroup)) : "-");
	err = timeline_run(view);
	if (err) {
		fprintf(out, "%s\n", tcptimer_engine_strerror(view->error));
		return 0;
	}
	err = timeline_print_events(view, out, EXPLAIN_INDENT);
	fputc('\n', out);
	return err ? err : timeline_print_end(view, out);
}

/* The engine's timeline of a row, as lines. malloc()ed; NULL: no memory. */
static char *timeline_lines(const struct top_run *r, const struct top_row *row)
{
	struct timeline_view *view = calloc(1, sizeof(*view));
	char *lines = NULL;
	size_t size;
	FILE *out = view ? open_memstream(&lines, &size) : NULL;
	int err = -ENOMEM;

	if (out)
		err = print_timeline(r, row, view, out);
	free(view);
	if (out && (fclose(out) || err)) {
		free(lines);
		lines = NULL;
	}
	return lines;
}

static void explain(struct top_run *r, const struct top_row *row)
{
	char *lines = timeline_lines(r, row);

	if (lines)
		top_explain(&r->top, lines, row->snap.sk, row->snap.cookie);
}

/* With each look the timeline is worked out anew; of one that stalls no more the last stands. */
static void explain_again(struct top_run *r)
{
	const struct top_row *row = top_explained(&r->top);
	static const char gone[] =
		"\nIt stalls no more: it recovered or ended. The above was the last.\n";
	char *longer;

	if (row) {
		explain(r, row);
	} else if (r->top.explain && !strstr(r->top.explain, gone)) {
		longer = malloc(strlen(r->top.explain) + sizeof(gone));
		if (!longer)
			return;
		strcpy(longer, r->top.explain);
		strcat(longer, gone);
		top_explain(&r->top, longer, r->top.explain_sk, r->top.explain_cookie);
	}
}

/* ---- filter ---- */

/* The programs count otherwise with a filter than without: then they are loaded anew. */
static int set_filter(struct top_run *r, struct filter *filter, bool filtered)
{
	bool reload = filtered != r->options.filtered;
	struct filter_hints hints;
	int status = CLI_OK;

	filter_hints(filter, &hints);
	r->options.filter = filter;
	r->options.filtered = filtered;
	if (reload) {
		watch_close(&r->watch);
		status = watch_open(&r->watch, &r->options);
	} else {
		watch_filter(&r->watch, filter);
	}
	r->next_look_ns = 0;
	return status;
}

/* What is written in the filter's line. What it says of errors: its first line. */
static void take_filter(struct top_run *r)
{
	char message[4096], *words[] = { r->top.edited, NULL };
	struct filter *filter, *old = r->options.filter;
	bool filtered = strspn(r->top.edited, " ") < strlen(r->top.edited);

	if (filter_parse(filtered, words, &filter, message, sizeof(message))) {
		message[strcspn(message, "\n")] = '\0';
		top_filter_refused(&r->top, message);
		return;
	}
	top_filter_taken(&r->top);
	if (set_filter(r, filter, filtered))
		r->err = -EIO;
	filter_free(old);
}

/* ---- the loop ---- */

static void keys(struct top_run *r)
{
	const struct top_row *row;
	uint32_t key;

	while (!r->quit && !r->err && top_screen_key(&key)) {
		switch (top_key(&r->top, key, now_ns())) {
		case TOP_ASKS_QUIT:
			r->quit = true;
			break;
		case TOP_ASKS_FILTER:
			take_filter(r);
			break;
		case TOP_ASKS_EXPLAIN:
			row = top_selected(&r->top);
			if (row)
				explain(r, row);
			break;
		default:
			break;
		}
	}
}

static void draw(struct top_run *r)
{
	unsigned int height, width;
	char clock[16];
	time_t seconds = time(NULL);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	top_screen_size(&height, &width);
	r->err = top_draw(&r->top, now_ns(), clock, height, width, &r->screen);
	if (!r->err)
		top_screen_show(&r->screen);
}

static void wait_for_keys(const struct top_run *r)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int sweep_ms = watch_sweep_ms(&r->watch);
	int wait_ms = sweep_ms > 0 && sweep_ms < DRAW_MS ? sweep_ms : DRAW_MS;

	/* The terminal is gone: so is whoever looks at it. */
	if (poll(&fd, 1, wait_ms) > 0 && (fd.revents & (POLLHUP | POLLERR)))
		interrupted = 1;
}

static void loop(struct top_run *r)
{
	while (!r->quit && !r->err && !interrupted) {
		if (!r->top.frozen && now_ns() >= r->next_look_ns) {
			look(r);
			if (r->top.mode == TOP_EXPLAIN)
				explain_again(r);
		}
		if (r->err)
			break;
		draw(r);
		wait_for_keys(r);
		watch_sweep(&r->watch);
		keys(r);
	}
}

static int parse(const struct command *command, int argc, char **argv, struct top_run *r)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, {} };
	char *end, safe[64];
	size_t used = 0;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":d:h", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			r->seconds = strtod(optarg, &end);
			if (end == optarg || *end || !(r->seconds >= 0.1 && r->seconds <= 3600))
				return cli_usage(command,
						 "'%s' is no number of seconds from 0.1 to 3600",
						 text_escape(optarg, safe, sizeof(safe)));
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	r->options.filtered = optind < argc;
	for (int i = optind; i < argc && used < sizeof(r->top.filter); i++)
		used += (size_t)snprintf(r->top.filter + used, sizeof(r->top.filter) - used, "%s%s",
					 used ? " " : "", argv[i]);
	if (used >= sizeof(r->top.filter))
		return cli_usage(command, "the filter is longer than %zu bytes",
				 sizeof(r->top.filter) - 1);
	return cli_filter(argc - optind, argv + optind, &r->options.filter);
}

/* From here to the end the terminal is ours; messages come after. */
static int show(struct top_run *r)
{
	struct sigaction action = { .sa_handler = on_signal };
	const char *why;
	int status;

	status = top_screen_open(&why);
	if (status)
		return cli_fail("%s; `tcptimer summary 1` and `tcptimer list --stalled` need none",
				why);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	loop(r);
	top_screen_close();
	return r->err ? cli_fail_kernel("reading the sockets", r->err) : CLI_OK;
}

int top_run(const struct command *command, int argc, char **argv)
{
	struct top_run *r = calloc(1, sizeof(*r));
	const char *why;
	int status;

	if (!r)
		return cli_fail("no memory");
	top_init(&r->top);
	r->seconds = LOOK_MS / 1000.0;
	status = parse(command, argc, argv, r);
	if (status) {
		free(r);
		return status < 0 ? cli_flush() : status;
	}
	r->options.what = command->name;
	r->options.counting = r->options.owners = true;
	r->options.count_by = TCPTIMER_BY_ALL;
	r->top.ascii = !top_screen_utf8();
	if (top_screen_check(&why))
		status = cli_fail(
			"%s; `tcptimer summary 1` and `tcptimer list --stalled` need none", why);
	if (!status)
		status = watch_open(&r->watch, &r->options);
	if (!status) {
		snprintf(r->kernel, sizeof(r->kernel), "%s", r->watch.names.profile.name);
		r->top.kernel = r->kernel;
		status = show(r);
	}
	watch_close(&r->watch);
	top_screen_free(&r->screen);
	top_free(&r->top);
	filter_free(r->options.filter);
	free(r);
	return status;
}

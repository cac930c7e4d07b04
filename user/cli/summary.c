// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer summary: connections by group, once or every interval, what hurts most first.
 * Receives connections and counts (watch.c); hands tables or JSON to stdout.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/watch.h"
#include "text.h"

#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS (24 * 3600 * 1000LL)

struct summary_run {
	struct watch watch;
	struct watch_options options;
	struct summary *groups; /* of the look at hand */
	enum summary_by by;
	int64_t interval_ms; /* 0: one snapshot */
	long count;          /* of intervals; 0: until interrupted */
	bool json, full, histogram;
	int signal_fd;
	int64_t offset_ns;
	int64_t last_ns; /* CLOCK_MONOTONIC of the last look */
};

enum { OPT_JSON = 256, OPT_BY, OPT_HISTOGRAM, OPT_FULL };

static const struct option summary_options[] = {
	{ "by", required_argument, NULL, OPT_BY },
	{ "histogram", no_argument, NULL, OPT_HISTOGRAM },
	{ "full", no_argument, NULL, OPT_FULL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int parse_by(const struct command *command, struct summary_run *r, const char *word)
{
	int by = summary_by_of(word);
	char safe[64];

	if (by < 0)
		return cli_usage(command,
				 "no group '%s'; use cgroup, netns, remote, process or rule",
				 text_escape(word, safe, sizeof(safe)));
	r->by = (enum summary_by)by;
	return CLI_OK;
}

/* "5", "0.5" seconds, or with a unit. */
static int parse_interval(const struct command *command, struct summary_run *r, const char *word)
{
	char *end, safe[64];
	double seconds = strtod(word, &end);
	int64_t ms;

	if (*end ? text_parse_span(word, &ms) : 0)
		ms = -1;
	else if (!*end)
		ms = seconds > 0 && seconds < 1e6 ? (int64_t)(seconds * 1000) : -1;
	if (ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS)
		return cli_usage(command, "'%s' is no interval from 100ms to 24h",
				 text_escape(word, safe, sizeof(safe)));
	r->interval_ms = ms;
	return CLI_OK;
}

/* No word of a filter begins with a digit: INTERVAL and COUNT are told apart by that. */
static int parse_words(const struct command *command, struct summary_run *r, int argc, char **argv)
{
	int status = CLI_OK;
	char safe[64];

	if (optind < argc && argv[optind][0] >= '0' && argv[optind][0] <= '9')
		status = parse_interval(command, r, argv[optind++]);
	if (!status && r->interval_ms && optind < argc && argv[optind][0] >= '0' &&
	    argv[optind][0] <= '9') {
		if (cli_number(argv[optind], 1, 1000000000, &r->count))
			status = cli_usage(command, "'%s' is no count from 1 to 1000000000",
					   text_escape(argv[optind], safe, sizeof(safe)));
		optind++;
	}
	return status;
}

/* CLI_OK, -1 when help was all, or CLI_USAGE. */
static int parse(const struct command *command, int argc, char **argv, struct summary_run *r)
{
	int opt, status = CLI_OK;

	opterr = 0;
	while (!status && (opt = getopt_long(argc, argv, ":h", summary_options, NULL)) != -1) {
		switch (opt) {
		case OPT_BY:
			status = parse_by(command, r, optarg);
			break;
		case OPT_HISTOGRAM:
			r->histogram = true;
			break;
		case OPT_FULL:
			r->full = true;
			break;
		case OPT_JSON:
			r->json = true;
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	if (!status)
		status = parse_words(command, r, argc, argv);
	r->options.filtered = optind < argc;
	return status ? status : cli_filter(argc - optind, argv + optind, &r->options.filter);
}

/* ---- a look ---- */

static int add_conn(const struct conn *conn, void *arg)
{
	return summary_add_conn(arg, conn);
}

static int add_counts(const struct conn *who, const struct tcptimer_summary_counts *counts,
		      void *arg)
{
	return summary_add_counts(arg, who, counts);
}

static int print_json(const struct summary_run *r, const char *when, int64_t interval_ms,
		      const struct summary_losses *lost)
{
	struct summary_report report = {
		.time = when, .interval_ms = interval_ms, .lost = *lost, .histogram = r->histogram
	};

	return conn_json_print(summary_json(r->groups, &report), "", "\n");
}

static int print_text(const struct summary_run *r, const char *when, int64_t interval_ms,
		      const struct summary_losses *lost)
{
	struct summary_show show = {
		.when = when,
		.interval_ms = interval_ms,
		.lost = lost->groups + lost->stalls + lost->unseen + lost->missed,
		.width = cli_width(),
		.full = r->full,
		.histogram = r->histogram,
	};

	if (summary_print(r->groups, &show, stdout) == -ENOMEM)
		return cli_fail("no memory for the table");
	if (r->interval_ms)
		putchar('\n');
	return CLI_OK;
}

static int print_look(struct summary_run *r, int64_t at_ns)
{
	int64_t interval_ms = r->interval_ms ? (at_ns - r->last_ns + 500000) / 1000000 : 0;
	struct summary_losses lost = {};
	char when[32];
	int status;

	if (r->interval_ms)
		watch_losses(&r->watch, &lost);
	if (r->interval_ms && !interval_ms)
		interval_ms = 1;
	text_time(at_ns + r->offset_ns, when, sizeof(when));
	status = r->json ? print_json(r, when, interval_ms, &lost) :
			   print_text(r, when, interval_ms, &lost);
	return status ? status : cli_flush();
}

/* Sockets as they are, what was counted since the last look, and the report, when one is wanted. */
static int look(struct summary_run *r, bool report)
{
	int64_t at_ns = now_ns();
	int err, status = CLI_OK;

	r->groups = summary_new(r->by);
	if (!r->groups)
		return cli_fail("no memory for the groups");
	watch_sweep(&r->watch);
	err = watch_sockets(&r->watch, add_conn, r->groups);
	if (!err)
		err = watch_counts(&r->watch, add_counts, r->groups);
	if (err)
		status = cli_fail_kernel("reading the sockets", err);
	else if (report)
		status = print_look(r, at_ns);
	r->last_ns = at_ns;
	summary_free(r->groups);
	r->groups = NULL;
	return status;
}

/* Wait for the end of the interval, looking at stalls meanwhile. True: interrupted. */
static bool wait_interval(struct summary_run *r)
{
	int64_t end_ns = r->last_ns + r->interval_ms * 1000000, left_ns;

	while ((left_ns = end_ns - now_ns()) > 0) {
		int64_t wait_ms = (left_ns + 999999) / 1000000;
		int sweep_ms = watch_sweep_ms(&r->watch);
		struct pollfd fd = { .fd = r->signal_fd, .events = POLLIN };

		/* The kernel side may open a stall at any time: look whether it has. */
		if (sweep_ms < 0)
			sweep_ms = 1000;
		if (poll(&fd, 1, (int)(wait_ms < sweep_ms ? wait_ms : sweep_ms)) > 0)
			return true;
		watch_sweep(&r->watch);
	}
	return false;
}

static int run(struct summary_run *r)
{
	int status = CLI_OK;
	long done = 0;

	if (!r->interval_ms)
		return look(r, true);
	status = look(r, false);
	while (!status && !ferror(stdout) && (!r->count || done++ < r->count)) {
		if (wait_interval(r))
			break;
		status = look(r, true);
	}
	return status;
}

static uint32_t count_by(enum summary_by by)
{
	switch (by) {
	case SUMMARY_BY_NETNS:
		return TCPTIMER_BY_NETNS;
	case SUMMARY_BY_REMOTE:
		return TCPTIMER_BY_REMOTE;
	case SUMMARY_BY_PROCESS:
		return TCPTIMER_BY_SOCKET;
	case SUMMARY_BY_RULE:
		return TCPTIMER_BY_RULE;
	default:
		return TCPTIMER_BY_CGROUP;
	}
}

static int block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int summary_run(const struct command *command, int argc, char **argv)
{
	struct summary_run r = { .offset_ns = cli_realtime_offset_ns(), .signal_fd = -1 };
	int status = parse(command, argc, argv, &r);

	if (status)
		return status < 0 ? cli_flush() : status;
	r.options.what = command->name;
	r.options.counting = r.interval_ms > 0;
	r.options.owners = r.by == SUMMARY_BY_PROCESS;
	r.options.count_by = count_by(r.by);
	if (r.interval_ms)
		r.signal_fd = block_signals();
	status = watch_open(&r.watch, &r.options);
	if (!status)
		status = run(&r);
	watch_close(&r.watch);
	if (r.signal_fd >= 0)
		close(r.signal_fd);
	filter_free(r.options.filter);
	return status;
}

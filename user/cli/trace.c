// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer trace: timers of stalled connections as they fire.
 * Receives records from user/kernel/tracer.c; hands lines of text or JSON to stdout, each at once.
 */
#include <getopt.h>
#include <stdio.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/trace_out.h"
#include "event.h"
#include "kernel/rules.h"

struct trace {
	struct follow follow;
	struct trace_out out;
	struct filter *filter;
	struct names names;
	long count; /* 0: no bound */
	unsigned long told;
	int status;
};

enum { OPT_JSON = 256, OPT_RING };

static const struct option trace_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "ring-size", required_argument, NULL, OPT_RING },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int trace_parse(const struct command *command, int argc, char **argv, struct trace *t)
{
	int opt, status = CLI_OK;

	opterr = 0;
	while (!status && (opt = getopt_long(argc, argv, ":ad:c:h", trace_options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			t->follow.read.all = true;
			break;
		case OPT_JSON:
			t->out.json = true;
			break;
		case 'd':
			status = follow_parse_seconds(command, optarg, &t->follow.seconds);
			break;
		case 'c':
			status = follow_parse_count(command, optarg, &t->count);
			break;
		case OPT_RING:
			status = follow_parse_ring(command, optarg, &t->follow.read.ring_bytes);
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	return status;
}

/* stdout takes no more. */
static void trace_stop(struct trace *t)
{
	t->status = cli_flush();
	t->follow.done = true;
}

static int trace_record(void *arg, void *data, size_t size)
{
	struct trace *t = arg;
	struct tcptimer_event event;
	struct conn conn;

	if (t->follow.done)
		return 0;
	if (event_decode(data, size, &event)) {
		t->out.sums.malformed++;
		return 0;
	}
	if (!event.after.policy)
		event.after.policy = rules_find(&event.after);
	t->names.owners = follow_owners(&t->follow, &event);
	names_fill(&conn, &event.after, &t->names);
	trace_out_judge(&t->out, &event, &conn);
	if (!filter_match(t->filter, &conn))
		return 0;
	if (trace_out_event(&t->out, &event, &conn)) {
		trace_stop(t);
		return 0;
	}
	if (t->count && ++t->told >= (unsigned long)t->count)
		t->follow.done = true;
	return 0;
}

/* Lines of one wake-up go out together: each at once when events are rare, many a write() when not. */
static void trace_turn(void *arg)
{
	struct trace *t = arg;

	trace_out_losses(&t->out, &t->follow.tracer);
	if (!t->status && (fflush(stdout) || ferror(stdout)))
		trace_stop(t);
}

static int trace_follow(struct trace *t)
{
	int status;

	t->status = follow_open(&t->follow);
	if (t->status)
		return t->status;
	trace_out_begin(&t->out);
	status = follow_run(&t->follow);
	if (status)
		t->status = status;
	trace_out_losses(&t->out, &t->follow.tracer);
	trace_out_end(&t->out, &t->follow.tracer);
	if (!t->status)
		t->status = cli_flush();
	return t->status;
}

static uint32_t trace_quiet_timers(uint32_t named)
{
	/* `timer NAME` in the filter lets through the timers that are no part of a stall. */
	return named & (1U << TCPTIMER_TIMER_DELACK | 1U << TCPTIMER_TIMER_TIMEWAIT |
			1U << TCPTIMER_TIMER_LOSS_PROBE | 1U << TCPTIMER_TIMER_REO_TIMEOUT |
			1U << TCPTIMER_TIMER_FIN_WAIT2);
}

int trace_run(const struct command *command, int argc, char **argv)
{
	struct trace t = { .follow = { .record = trace_record, .turn = trace_turn },
			   .out = { .offset_ns = cli_realtime_offset_ns() } };
	struct filter_hints hints;
	int status = trace_parse(command, argc, argv, &t);

	if (status)
		return status < 0 ? cli_flush() : status;
	status = cli_filter(argc - optind, argv + optind, &t.filter);
	if (status)
		return status;
	filter_hints(t.filter, &hints);
	t.follow.read.timers = trace_quiet_timers(hints.timers);
	t.follow.arg = &t;
	status = cli_need_root(command->name);
	if (!status)
		status = names_init(&t.names);
	if (!status) {
		t.out.hz = t.names.hz;
		t.out.foretold = foretold_new();
		if (!t.out.foretold)
			return cli_fail("no memory");
		status = trace_follow(&t);
		follow_close(&t.follow);
	}
	foretold_free(t.out.foretold);
	filter_free(t.filter);
	return status;
}

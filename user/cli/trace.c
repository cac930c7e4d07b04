// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer trace: timers of stalled connections as they fire.
 * Receives records from user/kernel/tracer.c; hands lines of text or JSON to stdout, each at once.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/trace_out.h"
#include "event.h"
#include "kernel/kernel.h"
#include "kernel/rules.h"

/* How often open stalls are looked at for a recovery, which no tracepoint tells. */
#define TRACE_SWEEP_MS 100
/* ... so many at a time: with more, the looks are further apart, and cost no more in all. */
#define TRACE_SWEEP_STALLS 10000
/* How often, at most, /proc is asked who holds a socket that is not known yet. */
#define TRACE_OWNERS_MS 500

struct trace {
	struct tracer_options read;
	struct tracer tracer;
	struct trace_out out;
	struct filter *filter;
	struct names names;
	struct owners *owners;
	int64_t owners_ns; /* CLOCK_MONOTONIC of the last look */
	double seconds;    /* 0: until interrupted */
	long count;        /* 0: no bound */
	unsigned long told;
	bool needs_pid;
	uint64_t sweep_ms; /* between looks at open stalls; 0: none are open */
	bool done;
	int sweep_fd;
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

static int trace_parse_value(const struct command *command, struct trace *t, int opt)
{
	long value;
	char *end;

	switch (opt) {
	case 'd':
		t->seconds = strtod(optarg, &end);
		if (end == optarg || *end || !(t->seconds > 0 && t->seconds < 1e9))
			return cli_usage(command, "'%s' is no number of seconds above 0", optarg);
		return CLI_OK;
	case 'c':
		if (cli_number(optarg, 1, 1000000000, &t->count))
			return cli_usage(command, "'%s' is no count from 1 to 1000000000", optarg);
		return CLI_OK;
	default:
		if (cli_number(optarg, 4096, 1L << 30, &value) || (value & (value - 1)))
			return cli_usage(command, "'%s' is no power of two from 4096 to 1073741824",
					 optarg);
		t->read.ring_bytes = (uint32_t)value;
		return CLI_OK;
	}
}

static int trace_parse(const struct command *command, int argc, char **argv, struct trace *t)
{
	int opt, status = CLI_OK;

	opterr = 0;
	while (!status && (opt = getopt_long(argc, argv, ":ad:c:h", trace_options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			t->read.all = true;
			break;
		case OPT_JSON:
			t->out.json = true;
			break;
		case 'd':
		case 'c':
		case OPT_RING:
			status = trace_parse_value(command, t, opt);
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

/* Who holds the socket; looked up again when it is not known, but not at every event. */
static const struct owners *trace_owners(struct trace *t, const struct tcptimer_event *event)
{
	int64_t now_ns = (int64_t)event->time_ns;
	struct owners *fresh;

	if (event->after.flags & TCPTIMER_F_DEAD ||
	    owners_find(t->owners, event->after.sk, event->after.cookie))
		return t->owners;
	if (t->owners && now_ns - t->owners_ns < TRACE_OWNERS_MS * 1000000LL)
		return t->owners;
	t->owners_ns = now_ns;
	if (!owners_load(t->tracer.bpf, &fresh)) {
		owners_free(t->owners);
		t->owners = fresh;
	}
	return t->owners;
}

static bool trace_ends(const struct tcptimer_event *event)
{
	return event->kind == TCPTIMER_EVENT_ABORT || event->kind == TCPTIMER_EVENT_RESET ||
	       event->kind == TCPTIMER_EVENT_CLOSED || (event->what & TCPTIMER_W_CLOSED);
}

/* Hold the end against what was foretold at the last event; or foretell anew. */
static void trace_foretell(struct trace *t, const struct tcptimer_event *event,
			   const struct event_verdict *verdict, struct conn *conn)
{
	t->out.has_drift = false;
	if (!trace_ends(event)) {
		foretold_set(t->out.foretold, conn, event->after.now_ns);
		return;
	}
	/* No timer of what is left foretells anything. */
	conn->deadline_known = conn->has_deadline = conn->has_silent = false;
	if (event->kind == TCPTIMER_EVENT_ABORT)
		t->out.has_drift = foretold_end(t->out.foretold, &event->after, verdict->limit,
						event->time_ns, &t->out.drift);
	else
		foretold_forget(t->out.foretold, event->after.sk);
}

static int trace_record(void *arg, void *data, size_t size)
{
	struct trace *t = arg;
	struct tcptimer_event event;
	struct event_verdict verdict;
	struct conn conn;

	if (t->done)
		return 0;
	if (event_decode(data, size, &event)) {
		t->out.sums.malformed++;
		return 0;
	}
	if (!event.after.policy)
		event.after.policy = rules_find(&event.after);
	event_judge(&event, t->out.hz, &verdict);
	t->names.owners = trace_owners(t, &event);
	names_fill(&conn, &event.after, &t->names);
	conn.fired = event.timer ? 1U << event.timer : 0;
	conn.in_stall = event.stall_timer != TCPTIMER_TIMER_NONE;
	trace_foretell(t, &event, &verdict, &conn);
	if (!filter_match(t->filter, &conn))
		return 0;
	if (trace_out_event(&t->out, &event, &verdict, &conn)) {
		t->status = cli_flush();
		t->done = true;
		return 0;
	}
	if (t->count && ++t->told >= (unsigned long)t->count)
		t->done = true;
	return 0;
}

/* Sweep while there are stalls, and be woken by nothing while there are none. */
static void trace_arm_sweep(struct trace *t)
{
	uint64_t stalls = tracer_open_stalls(&t->tracer);
	uint64_t ms = stalls ? TRACE_SWEEP_MS * (1 + stalls / TRACE_SWEEP_STALLS) : 0;
	struct itimerspec every = {};

	if (ms == t->sweep_ms)
		return;
	every.it_value.tv_sec = (time_t)(ms / 1000);
	every.it_value.tv_nsec = (long)(ms % 1000 * 1000000);
	every.it_interval = every.it_value;
	timerfd_settime(t->sweep_fd, 0, &every, NULL);
	t->sweep_ms = ms;
}

static int trace_epoll_add(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int trace_end_timer(const struct trace *t)
{
	struct itimerspec when = {};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	when.it_value.tv_sec = (time_t)t->seconds;
	when.it_value.tv_nsec = (long)((t->seconds - (double)when.it_value.tv_sec) * 1e9);
	if (fd >= 0)
		timerfd_settime(fd, 0, &when, NULL);
	return fd;
}

/* What a descriptor that became readable asks for. Events themselves are taken after every wake-up. */
static void trace_wake(struct trace *t, int fd, int signal_fd, int end_fd)
{
	uint64_t expirations;

	if (fd == signal_fd || fd == end_fd) {
		tracer_consume(&t->tracer); /* what came before the end is told */
		t->done = true;
	} else if (fd == t->sweep_fd &&
		   read(fd, &expirations, sizeof(expirations)) == sizeof(expirations)) {
		tracer_sweep(&t->tracer);
	}
}

static int trace_loop(struct trace *t, int signal_fd, int end_fd)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int err = epoll_fd < 0 ? -errno : 0;

	if (!err)
		err = trace_epoll_add(epoll_fd, t->tracer.epoll_fd);
	if (!err)
		err = trace_epoll_add(epoll_fd, signal_fd);
	if (!err)
		err = trace_epoll_add(epoll_fd, t->sweep_fd);
	if (!err && end_fd >= 0)
		err = trace_epoll_add(epoll_fd, end_fd);
	while (!err && !t->done) {
		struct epoll_event ready[4];
		int i, n;

		tracer_consume(&t->tracer);
		trace_out_losses(&t->out, &t->tracer);
		trace_arm_sweep(t);
		if (t->done)
			break;
		n = epoll_wait(epoll_fd, ready, 4, -1);
		if (n < 0 && errno != EINTR)
			err = -errno;
		for (i = 0; i < n; i++)
			trace_wake(t, ready[i].data.fd, signal_fd, end_fd);
	}
	if (epoll_fd >= 0)
		close(epoll_fd);
	return err;
}

static int trace_follow(struct trace *t, int signal_fd)
{
	int end_fd = t->seconds > 0 ? trace_end_timer(t) : -1;
	int err;

	t->sweep_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	err = tracer_open(&t->tracer, &t->read, trace_record, t);
	if (err) {
		t->status = cli_fail_kernel("loading the trace programs", err);
		goto out;
	}
	if (t->tracer.skipped)
		fprintf(stderr,
			"tcptimer: %u network namespaces vanished or could not be entered\n",
			t->tracer.skipped);
	trace_out_begin(&t->out);
	err = trace_loop(t, signal_fd, end_fd);
	if (err)
		t->status = cli_fail("waiting for events: %s", strerror(-err));
	trace_out_losses(&t->out, &t->tracer);
	trace_out_end(&t->out, &t->tracer);
	tracer_close(&t->tracer);
	if (!t->status)
		t->status = cli_flush();
out:
	close(t->sweep_fd);
	if (end_fd >= 0)
		close(end_fd);
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
	struct trace t = { .out = { .offset_ns = cli_realtime_offset_ns() } };
	struct filter_hints hints;
	sigset_t signals;
	int signal_fd, status = trace_parse(command, argc, argv, &t);

	if (status)
		return status < 0 ? cli_flush() : status;
	status = cli_filter(argc - optind, argv + optind, &t.filter);
	if (status)
		return status;
	filter_hints(t.filter, &hints);
	t.read.timers = trace_quiet_timers(hints.timers);
	status = cli_need_root(command->name);
	if (!status)
		status = names_init(&t.names);
	if (!status) {
		t.out.hz = t.names.hz;
		t.out.foretold = foretold_new();
		if (!t.out.foretold)
			return cli_fail("no memory");
		sigemptyset(&signals);
		sigaddset(&signals, SIGINT);
		sigaddset(&signals, SIGTERM);
		sigaddset(&signals, SIGHUP);
		sigprocmask(SIG_BLOCK, &signals, NULL);
		signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
		status = trace_follow(&t, signal_fd);
		close(signal_fd);
	}
	foretold_free(t.out.foretold);
	owners_free(t.owners);
	filter_free(t.filter);
	return status;
}

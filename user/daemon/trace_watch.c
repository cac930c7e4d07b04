// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The trace inside the daemon: how connections end, and whether that had been foretold.
 * Receives records from user/kernel/tracer.c; hands ends by policy to the log, and sums to `status` and
 * to metrics.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <json-c/json.h>
#include "daemon/audit_watch.h"
#include "daemon/daemon_impl.h"
#include "event.h"
#include "foretold.h"
#include "kernel/kernel.h"
#include "kernel/rules.h"
#include "metrics_page.h"
#include "text.h"

/* Of the ring while few connections are stalled. */
#define TRACE_RING_BYTES (2U << 20)
/* How often open stalls are looked at for a recovery; never while none are open. */
#define TRACE_SWEEP_US 1000000ULL
#define TRACE_SWEEP_STALLS 10000

struct trace_watch {
	struct daemon *d;
	struct tracer tracer;
	struct foretold *foretold;
	struct audit_watch *audit;
	sd_event_source *ready, *sweep, *pause;
	uint64_t seen, malformed;
	uint64_t lost[TRACER_LOSS_KINDS], missed; /* by tracers that are closed */
	struct metrics_events events;
};

static const char *const loss_words[TRACER_LOSS_KINDS] = { "ring_full", "table_full", "unseen" };

static uint64_t lost_of(const struct trace_watch *t, unsigned int kind)
{
	return t->lost[kind] + (t->tracer.bpf ? tracer_lost_kind(&t->tracer, kind) : 0);
}

static uint64_t missed_of(const struct trace_watch *t)
{
	return t->missed + (t->tracer.bpf ? tracer_missed(&t->tracer) : 0);
}

static bool is_end(const struct tcptimer_event *event)
{
	return event->kind == TCPTIMER_EVENT_ABORT || event->kind == TCPTIMER_EVENT_RESET ||
	       event->kind == TCPTIMER_EVENT_CLOSED || event->what & TCPTIMER_W_CLOSED;
}

static void log_end(const struct tcptimer_event *event, const struct conn *conn,
		    const struct event_verdict *verdict)
{
	const struct tcptimer_snapshot *s = conn->snap;
	const char *limit = event_policy_limit(event, verdict);
	char local[64], remote[64], cgroup[512], number[24];
	const char *error = verdict->err ? conn_errno(verdict->err, number, sizeof(number)) :
					   "none";

	text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local));
	text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote));
	text_escape(conn->cgroup ? conn->cgroup : "?", cgroup, sizeof(cgroup));
	const struct log_field fields[] = {
		{ "TCPTIMER_RULE", conn->rule }, { "TCPTIMER_LOCAL", local },
		{ "TCPTIMER_REMOTE", remote },   { "TCPTIMER_CGROUP", cgroup },
		{ "TCPTIMER_ERRNO", error },     { "TCPTIMER_LIMIT", limit },
	};

	log_line(LOG_SOURCE_ENDS, LOG_NOTICE, fields, sizeof(fields) / sizeof(fields[0]),
		 "rule '%s' ended %s -> %s of %s by %s (%s)", conn->rule ? conn->rule : "?", local,
		 remote, cgroup, limit ? limit : "its limit", error);
}

/* Hold the end against what was foretold at the last event; or foretell anew. */
static void foretell(struct trace_watch *t, const struct tcptimer_event *event,
		     const struct event_verdict *verdict, const struct conn *conn)
{
	struct foretold_drift drift;

	if (!is_end(event))
		foretold_set(t->foretold, conn, event->after.now_ns);
	else if (event->kind != TCPTIMER_EVENT_ABORT)
		foretold_forget(t->foretold, event->after.sk);
	else if (foretold_end(t->foretold, &event->after, verdict->limit, event->time_ns, &drift))
		foretold_count(t->foretold, &drift, t->d->names.hz);
}

static int take_record(void *arg, void *data, size_t size)
{
	struct trace_watch *t = arg;
	struct tcptimer_event event;
	struct event_verdict verdict;
	struct conn conn;

	t->seen++;
	if (event_decode(data, size, &event)) {
		t->malformed++;
	} else {
		if (!event.after.policy)
			event.after.policy = rules_find(&event.after);
		event_judge(&event, t->d->names.hz, &verdict);
		names_fill(&conn, &event.after, &t->d->names);
		foretell(t, &event, &verdict, &conn);
		audit_watch_event(t->audit, &event, &conn);
		metrics_events_count(&t->events, &event, &verdict, &conn, is_end(&event));
		if (is_end(&event) && verdict.cause == TCPTIMER_CAUSE_POLICY)
			log_end(&event, &conn, &verdict);
	}
	return 0;
}

/* Sweep while there are stalls, or a ring that they have made large; then be woken by nothing. */
static void arm_sweep(struct trace_watch *t)
{
	uint64_t stalls = t->tracer.bpf ? tracer_open_stalls(&t->tracer) : 0;
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(t->sweep, &enabled);
	if ((!stalls && !tracer_ring_large(&t->tracer)) || enabled != SD_EVENT_OFF)
		return;
	sd_event_source_set_time_relative(t->sweep,
					  TRACE_SWEEP_US * (1 + stalls / TRACE_SWEEP_STALLS));
	sd_event_source_set_enabled(t->sweep, SD_EVENT_ONESHOT);
}

static int on_records(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct trace_watch *t = arg;

	tracer_consume(&t->tracer);
	arm_sweep(t);
	if (tracer_crowded(&t->tracer)) {
		sd_event_source_set_enabled(t->ready, SD_EVENT_OFF);
		sd_event_source_set_time_relative(t->pause, TRACER_PAUSE_MS * 1000ULL);
		sd_event_source_set_enabled(t->pause, SD_EVENT_ONESHOT);
	}
	return 0;
}

static int on_pause(sd_event_source *source, uint64_t usec, void *arg)
{
	struct trace_watch *t = arg;

	if (t->ready)
		sd_event_source_set_enabled(t->ready, SD_EVENT_ON);
	return 0;
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *arg)
{
	struct trace_watch *t = arg;

	if (t->tracer.bpf) {
		tracer_sweep(&t->tracer);
		tracer_ring_fit(&t->tracer);
	}
	arm_sweep(t);
	return 0;
}

/* All that has happened until now: recoveries, which nothing tells, among it. */
static void look(void *arg)
{
	struct trace_watch *t = arg;

	if (!t->tracer.bpf)
		return;
	tracer_sweep(&t->tracer);
	tracer_consume(&t->tracer);
}

/* Loads the programs and puts them into the loop. */
static int trace_open(struct trace_watch *t)
{
	struct tracer_options options = { .ring_bytes = TRACE_RING_BYTES, .ring_grows = true };
	int err = tracer_open(&t->tracer, &options, take_record, t);

	if (err)
		return err;
	err = sd_event_add_io(t->d->event, &t->ready, t->tracer.epoll_fd, EPOLLIN, on_records, t);
	if (err < 0) {
		tracer_close(&t->tracer);
		return err;
	}
	/* Signals, cgroups and requests first: a flood of events must not keep them waiting. */
	sd_event_source_set_priority(t->ready, SD_EVENT_PRIORITY_IDLE);
	arm_sweep(t);
	return 0;
}

static void trace_close(struct trace_watch *t)
{
	t->ready = sd_event_source_disable_unref(t->ready);
	if (!t->tracer.bpf)
		return;
	for (unsigned int i = 0; i < TRACER_LOSS_KINDS; i++)
		t->lost[i] = lost_of(t, i);
	t->missed = missed_of(t);
	tracer_close(&t->tracer);
}

static void log_failed(int err)
{
	char safe[512];

	log_error("loading the trace programs: %s%s%s; `tcptimer doctor` tells what is missing",
		  strerror(-err), kernel_error()[0] ? ": " : "",
		  text_escape(kernel_error(), safe, sizeof(safe)));
}

int trace_watch_new(struct daemon *d, struct trace_watch **ret_watch)
{
	struct trace_watch *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	if (t)
		t->foretold = foretold_new();
	if (t && t->foretold) {
		t->d = d;
		metrics_events_init(&t->events);
		err = sd_event_add_time(d->event, &t->sweep, CLOCK_MONOTONIC, UINT64_MAX, 10000,
					on_sweep, t);
	}
	if (err >= 0)
		err = sd_event_add_time(d->event, &t->pause, CLOCK_MONOTONIC, UINT64_MAX, 1000,
					on_pause, t);
	if (err >= 0) {
		sd_event_source_set_enabled(t->sweep, SD_EVENT_OFF);
		sd_event_source_set_enabled(t->pause, SD_EVENT_OFF);
		err = audit_watch_new(d, look, t, &t->audit);
	}
	if (!err)
		err = trace_open(t);
	if (err) {
		log_failed(err);
		trace_watch_free(t);
		return err;
	}
	*ret_watch = t;
	return 0;
}

void trace_watch_policy(struct trace_watch *watch, bool new_pins)
{
	int err = 0;

	if (!watch)
		return;
	/* Which rule a socket has stands in a pinned map: the programs take the new one. */
	if (new_pins) {
		rules_forget();
		trace_close(watch);
		err = trace_open(watch);
	}
	if (err)
		log_failed(err);
	audit_watch_policy(watch->audit);
}

void trace_watch_forget(struct trace_watch *watch)
{
	if (watch)
		audit_watch_forget(watch->audit);
}

void trace_watch_free(struct trace_watch *watch)
{
	if (!watch)
		return;
	trace_close(watch);
	audit_watch_free(watch->audit);
	sd_event_source_disable_unref(watch->sweep);
	sd_event_source_disable_unref(watch->pause);
	foretold_free(watch->foretold);
	free(watch);
}

static struct json_object *number(uint64_t value)
{
	return json_object_new_int64((int64_t)value);
}

static struct json_object *events_json(struct trace_watch *t)
{
	struct json_object *o = json_object_new_object(), *lost = json_object_new_object();
	bool on = t->tracer.bpf != NULL;

	for (unsigned int i = 0; i < TRACER_LOSS_KINDS; i++)
		json_object_object_add(lost, loss_words[i], number(lost_of(t, i)));
	json_object_object_add(o, "seen", number(t->seen));
	json_object_object_add(o, "malformed", number(t->malformed));
	json_object_object_add(o, "lost", lost);
	json_object_object_add(o, "programs_missed", number(missed_of(t)));
	json_object_object_add(o, "open_stalls", number(on ? tracer_open_stalls(&t->tracer) : 0));
	return o;
}

void trace_watch_json(struct trace_watch *watch, struct json_object *object)
{
	const struct foretold_sums *sums = foretold_sums(watch->foretold);
	struct json_object *ends = json_object_new_object(), *drift = json_object_new_object();

	for (unsigned int i = TCPTIMER_CAUSE_NONE + 1; i < TCPTIMER_CAUSE_COUNT; i++)
		json_object_object_add(ends, tcptimer_cause_name(i), number(watch->events.ends[i]));
	json_object_object_add(drift, "ends", number(sums->ends));
	json_object_object_add(drift, "right_cause", number(sums->right_cause));
	json_object_object_add(drift, "in_time", number(sums->in_time));
	json_object_object_add(drift, "worst_ms", json_object_new_int64(sums->worst_ms));
	json_object_object_add(object, "events", events_json(watch));
	json_object_object_add(object, "ends", ends);
	json_object_object_add(object, "foretold", drift);
	json_object_object_add(object, "audit", audit_watch_json(watch->audit));
}

void trace_watch_metrics(const struct trace_watch *watch, struct metrics_page *page,
			 struct metrics_loss *losses)
{
	size_t n = 0;

	_Static_assert(TRACE_WATCH_LOSSES == TRACER_LOSS_KINDS + 2, "kinds of losses");
	for (unsigned int i = 0; i < TRACER_LOSS_KINDS; i++)
		losses[n++] = (struct metrics_loss){ loss_words[i], lost_of(watch, i) };
	losses[n++] = (struct metrics_loss){ "missed", missed_of(watch) };
	losses[n++] = (struct metrics_loss){ "malformed", watch->malformed };
	page->events = &watch->events;
	page->foretold = foretold_sums(watch->foretold);
	page->losses = losses;
	page->loss_count = n;
}

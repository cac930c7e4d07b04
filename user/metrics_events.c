// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the trace has seen, as counters and histograms that only grow.
 * Receives judged events; read by metrics_page.c. Pure.
 */
#include "metrics_events.h"

/* Bounds of buckets, in ms: where limits and defaults of the kernel and of policies lie. */
static const uint32_t stall_bounds[] = { 200,     500,     1000,    2000,   5000,   10000,
					 20000,   30000,   60000,   120000, 300000, 600000,
					 1000000, 1800000, 3600000, 7200000 };
static const uint32_t rto_bounds[] = { 50,   100,  200,  250,   300,   400,   600,   1000,
				       2000, 4000, 8000, 16000, 32000, 64000, 120000 };
static const uint32_t deadline_bounds[] = { 1000,    2000,    5000,    10000,   20000,  30000,
					    60000,   120000,  180000,  300000,  600000, 1000000,
					    1800000, 3600000, 7200000, 14400000 };

#define BOUNDS(array)                                                                              \
	{                                                                                          \
		.bounds_ms = array, .count = sizeof(array) / sizeof(array[0])                      \
	}

_Static_assert(sizeof(stall_bounds) <= METRICS_BUCKETS_MAX * sizeof(uint32_t), "buckets");
_Static_assert(sizeof(deadline_bounds) <= METRICS_BUCKETS_MAX * sizeof(uint32_t), "buckets");

void metrics_events_init(struct metrics_events *events)
{
	*events = (struct metrics_events){ .stall = BOUNDS(stall_bounds),
					   .rto = BOUNDS(rto_bounds),
					   .deadline = BOUNDS(deadline_bounds) };
}

static void stall_ended(struct metrics_events *m, const struct tcptimer_event *event,
			uint64_t end_ns)
{
	if (event->stall_since_ns)
		metrics_observe(&m->stall, (int64_t)(end_ns - event->stall_since_ns) / 1000000);
}

/* What went out, or was meant to. */
static void count_sending(struct metrics_events *m, const struct tcptimer_event *event,
			  const struct event_verdict *verdict, unsigned int hz)
{
	switch (verdict->action) {
	case TCPTIMER_ACTION_RETRANSMITTED:
	case TCPTIMER_ACTION_RETRANSMIT_FAILED:
		if (event->kind != TCPTIMER_EVENT_EXPIRED)
			return;
		m->retransmissions += verdict->action == TCPTIMER_ACTION_RETRANSMITTED;
		if (event->before.rto_jiffies)
			metrics_observe(&m->rto, (int64_t)event->before.rto_jiffies * 1000 / hz);
		break;
	case TCPTIMER_ACTION_PROBED:
		m->probes[event->timer]++;
		break;
	default:
		break;
	}
}

void metrics_events_count(struct metrics_events *events, const struct tcptimer_event *event,
			  const struct event_verdict *verdict, const struct conn *conn, bool end)
{
	if (end) {
		events->ends[verdict->cause]++;
		stall_ended(events, event, event->time_ns);
		return;
	}
	switch (event->kind) {
	case TCPTIMER_EVENT_STALL:
		events->stalls[event->timer]++;
		if (conn->has_deadline)
			metrics_observe(&events->deadline, conn->deadline_ms);
		break;
	case TCPTIMER_EVENT_RECOVERED:
		events->recovered[event->timer]++;
		stall_ended(events, event, event->stall_end_ns);
		break;
	default:
		count_sending(events, event, verdict, conn->hz);
		break;
	}
}

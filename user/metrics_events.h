/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the trace has seen, as counters and histograms that only grow.
 * Receives judged events; read by metrics_page.c. Pure.
 */
#ifndef TCPTIMER_METRICS_EVENTS_H
#define TCPTIMER_METRICS_EVENTS_H

#include "conn.h"
#include "event.h"
#include "metrics_text.h"

struct metrics_events {
	uint64_t stalls[TCPTIMER_TIMER_COUNT], recovered[TCPTIMER_TIMER_COUNT];
	uint64_t retransmissions; /* by a timer */
	uint64_t probes[TCPTIMER_TIMER_COUNT];
	uint64_t ends[TCPTIMER_CAUSE_COUNT];
	struct metrics_histogram stall;    /* length of stalls that ended, well or not */
	struct metrics_histogram rto;      /* timeouts that fired */
	struct metrics_histogram deadline; /* time left as a stall began */
};

void metrics_events_init(struct metrics_events *events);
/* `end`: the connection is over with it. */
void metrics_events_count(struct metrics_events *events, const struct tcptimer_event *event,
			  const struct event_verdict *verdict, const struct conn *conn, bool end);

#endif

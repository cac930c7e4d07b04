/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `trace` prints: header, a line an event, losses, the closing summary.
 * Receives judged events; hands text or JSON lines to stdout, flushed one by one.
 */
#ifndef TCPTIMER_CLI_TRACE_OUT_H
#define TCPTIMER_CLI_TRACE_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include "conn.h"
#include "event.h"
#include "foretold.h"

struct tracer;

struct trace_sums {
	unsigned long events[TCPTIMER_EVENT_COUNT];
	unsigned long timers[TCPTIMER_TIMER_COUNT]; /* of `expired` and `abort` */
	unsigned long causes[TCPTIMER_CAUSE_COUNT]; /* of what ended */
	unsigned long malformed;                    /* records that did not decode */
	uint64_t lost;                              /* told so far ... */
	uint64_t *lost_by_cpu;                      /* ... and by CPU */
};

struct trace_out {
	bool json;
	unsigned int hz;
	int64_t offset_ns; /* from CLOCK_MONOTONIC to CLOCK_REALTIME */
	struct trace_sums sums;
	struct foretold *foretold;   /* what was foretold, and how it held */
	bool has_drift;              /* this event is an end that was foretold ... */
	struct foretold_drift drift; /* ... and how well */
};

void trace_out_begin(const struct trace_out *out);
/* 0, or -EIO when stdout takes no more. */
int trace_out_event(struct trace_out *out, const struct tcptimer_event *event,
		    const struct event_verdict *verdict, const struct conn *conn);
/* Tell of losses that are new since the last call. */
void trace_out_losses(struct trace_out *out, const struct tracer *tracer);
void trace_out_end(struct trace_out *out, const struct tracer *tracer);

#endif

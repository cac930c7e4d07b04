/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `trace` prints: header, a line an event, losses, the closing summary.
 * Receives judged events; hands text or JSON lines to stdout; the caller flushes.
 */
#ifndef TCPTIMER_CLI_TRACE_OUT_H
#define TCPTIMER_CLI_TRACE_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include "conn.h"
#include "event.h"
#include "foretold.h"
#include "json_out.h"

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
	struct foretold *foretold; /* what was foretold, and how it held */
	/* of the event that is judged and printed */
	const struct tcptimer_event *event;
	struct event_verdict verdict;
	bool has_drift;              /* it is an end that was foretold ... */
	struct foretold_drift drift; /* ... and how well */
	/* What `replay` adds to an event's line; NULL: nothing. */
	void (*more_text)(const struct trace_out *out, const struct conn *conn);
	void (*more_json)(const struct trace_out *out, const struct conn *conn,
			  struct json_out *json);
	struct json_out line; /* its memory, from one line to the next */
};

/* What was not told, for the summary. */
struct trace_lost {
	uint64_t kinds[3]; /* tracer_loss_name() */
	uint64_t missed;
};

void trace_out_begin(const struct trace_out *out);
/*
 * What the event means, into out->verdict; what `conn` is at that moment; and whether an end had been
 * foretold, or what is foretold now.
 */
void trace_out_judge(struct trace_out *out, const struct tcptimer_event *event, struct conn *conn);
/* Counts what trace_out_judge() has judged, for the summary. */
void trace_out_count(struct trace_out *out, const struct tcptimer_event *event);
/* Counts and prints what trace_out_judge() has judged. 0, or -EIO when stdout takes no more. */
int trace_out_event(struct trace_out *out, const struct tcptimer_event *event,
		    const struct conn *conn);
/* The event's clock of the day, in local time; its stall's age. */
void trace_out_clock(const struct trace_out *out, int64_t time_ns, char *buf, size_t size);
int64_t trace_event_time_ns(const struct tcptimer_event *event);
int64_t trace_event_stall_ms(const struct tcptimer_event *event);
/* Tell of losses that are new since the last call. */
void trace_out_losses(struct trace_out *out, const struct tracer *tracer);
/* The same of new ones that are known, by CPU. */
void trace_out_lost(struct trace_out *out, const uint64_t *by_cpu, unsigned int cpus,
		    int64_t realtime_ns);
void trace_out_end(struct trace_out *out, const struct tracer *tracer);
void trace_out_summary(struct trace_out *out, const struct trace_lost *lost);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection's coming timeline with what it was worked out from, for text, SVG and JSON.
 * Receives a snapshot and assumptions from `simulate` or `explain`; hands a filled view. Pure.
 */
#ifndef TCPTIMER_TIMELINE_H
#define TCPTIMER_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tcptimer/engine.h"

/* More than any limit of the kernel's takes (255 probes), with room for two timers. */
#define TIMELINE_EVENTS_MAX 1024
/* Of a connection that never ends: no more than this, and less when it repeats itself. */
#define TIMELINE_NEVER_MAX 16

struct timeline_view {
	/* set by the caller */
	struct tcptimer_profile profile;
	struct tcptimer_engine_params params;
	struct tcptimer_snapshot snap;
	const char *title;   /* "6.12", "what if": tells views side by side; borrowed, printable */
	const char *subject; /* "established, a segment in flight"; borrowed, printable */

	/* filled by timeline_run() */
	struct tcptimer_timeline timeline;
	bool peer_chosen; /* params.peer was AUTO; timeline.deadline.peer says what was chosen */
	bool has_silent;  /* the peer answers: `silent` is how it ends if that stops */
	struct tcptimer_deadline silent;
	int error; /* of enum tcptimer_engine_error; ELONG: what is there stands */
	struct tcptimer_engine_event events[TIMELINE_EVENTS_MAX];
};

/* Ask the engine. Returns 0 or an error of the engine's that leaves nothing to show. */
int timeline_run(struct timeline_view *view);

/* What kind of mark or word an event gets: one row of a table for text, SVG and legend. */
enum timeline_kind {
	TIMELINE_SYN,
	TIMELINE_SYNACK,
	TIMELINE_RETRANSMISSION,
	TIMELINE_LOSS_PROBE,
	TIMELINE_WINDOW_PROBE,
	TIMELINE_KEEPALIVE_PROBE,
	TIMELINE_ACK,
	TIMELINE_FAILED,
	TIMELINE_REARMED,
	TIMELINE_HANDED_OVER,
	TIMELINE_END,
	TIMELINE_KIND_COUNT
};

enum timeline_kind timeline_kind(const struct tcptimer_engine_event *event);
/*
 * Its number for people: how many went without an answer. 0: a number would say nothing (the end, a
 * loss probe, which has no second, probes that are answered).
 */
unsigned int timeline_number(const struct tcptimer_engine_event *event);
/* "retransmission", "keepalive probe": static. */
const char *timeline_kind_name(enum timeline_kind kind);

/*
 * How many events from `first` on are of one kind with one interval, so that text may fold them;
 * at least 1.
 */
size_t timeline_run_length(const struct timeline_view *view, size_t first);

#endif

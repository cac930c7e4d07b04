// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks the engine for a timeline, and sorts its events into kinds.
 * Receives a view with its snapshot and assumptions; hands it back filled. Pure.
 */
#include "timeline.h"

/* Flags that make two events different for a reader. */
#define TELLING_FLAGS                                                                              \
	(TCPTIMER_EV_LINEAR | TCPTIMER_EV_CLAMPED | TCPTIMER_EV_LOCAL_DROP |                       \
	 TCPTIMER_EV_CLOSED_WINDOW | TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RTO_REVERTED |             \
	 TCPTIMER_EV_RST | TCPTIMER_EV_RECOVERED)

static bool events_alike(const struct tcptimer_engine_event *a,
			 const struct tcptimer_engine_event *b)
{
	return a->timer == b->timer && a->action == b->action && a->rto_ms == b->rto_ms &&
	       !((a->flags ^ b->flags) & TELLING_FLAGS);
}

/* What never ends repeats itself, by one event or by two: twice is enough to see it. */
static void never_cut(struct timeline_view *view)
{
	const struct tcptimer_engine_event *ev = view->events;
	size_t i, most = view->timeline.count;

	if (most > TIMELINE_NEVER_MAX)
		most = TIMELINE_NEVER_MAX;
	for (i = 4; i <= most; i++)
		if (events_alike(&ev[i - 1], &ev[i - 3]) && events_alike(&ev[i - 2], &ev[i - 4]))
			break;
	if (i > most)
		i = most;
	view->timeline.truncated |= i < view->timeline.count;
	view->timeline.count = i;
}

int timeline_run(struct timeline_view *view)
{
	struct tcptimer_engine_params silent = view->params;
	const struct tcptimer_deadline *deadline = &view->timeline.deadline;

	view->has_silent = false;
	view->peer_chosen = view->params.peer == TCPTIMER_PEER_AUTO;
	view->error = tcptimer_engine_timeline(&view->profile, &view->params, &view->snap,
					       view->events, TIMELINE_EVENTS_MAX, &view->timeline);
	if (view->error && view->error != TCPTIMER_ENGINE_ELONG)
		return view->error;
	if (deadline->never)
		never_cut(view);
	if (deadline->peer == TCPTIMER_PEER_ZERO_WINDOW || deadline->peer == TCPTIMER_PEER_ACKS) {
		silent.peer = TCPTIMER_PEER_SILENT;
		view->has_silent = !tcptimer_engine_deadline(&view->profile, &silent, &view->snap,
							     &view->silent);
	}
	return 0;
}

enum timeline_kind timeline_kind(const struct tcptimer_engine_event *event)
{
	switch (event->action) {
	case TCPTIMER_ACTION_RETRANSMITTED:
		if (event->timer == TCPTIMER_TIMER_SYN)
			return TIMELINE_SYN;
		return event->timer == TCPTIMER_TIMER_SYNACK ? TIMELINE_SYNACK :
							       TIMELINE_RETRANSMISSION;
	case TCPTIMER_ACTION_PROBED:
		if (event->timer == TCPTIMER_TIMER_PROBE0)
			return TIMELINE_WINDOW_PROBE;
		return event->timer == TCPTIMER_TIMER_KEEPALIVE ? TIMELINE_KEEPALIVE_PROBE :
								  TIMELINE_LOSS_PROBE;
	case TCPTIMER_ACTION_ACKED:
		return TIMELINE_ACK;
	case TCPTIMER_ACTION_RETRANSMIT_FAILED:
		return TIMELINE_FAILED;
	case TCPTIMER_ACTION_HANDED_OVER:
		return TIMELINE_HANDED_OVER;
	case TCPTIMER_ACTION_ABORTED:
	case TCPTIMER_ACTION_ENDED:
		return TIMELINE_END;
	default:
		return TIMELINE_REARMED;
	}
}

unsigned int timeline_number(const struct tcptimer_engine_event *event)
{
	enum timeline_kind kind = timeline_kind(event);

	if (kind == TIMELINE_END || kind == TIMELINE_LOSS_PROBE ||
	    event->flags & TCPTIMER_EV_ANSWERED)
		return 0;
	return event->n;
}

const char *timeline_kind_name(enum timeline_kind kind)
{
	static const char *const names[TIMELINE_KIND_COUNT] = {
		[TIMELINE_SYN] = "SYN again",
		[TIMELINE_SYNACK] = "SYN-ACK again",
		[TIMELINE_RETRANSMISSION] = "retransmission",
		[TIMELINE_LOSS_PROBE] = "tail loss probe",
		[TIMELINE_WINDOW_PROBE] = "window probe",
		[TIMELINE_KEEPALIVE_PROBE] = "keepalive probe",
		[TIMELINE_ACK] = "delayed ACK",
		[TIMELINE_FAILED] = "not sent",
		[TIMELINE_REARMED] = "timer set again",
		[TIMELINE_HANDED_OVER] = "to a mini-socket",
		[TIMELINE_END] = "end",
	};

	return names[kind];
}

size_t timeline_run_length(const struct timeline_view *view, size_t first)
{
	const struct tcptimer_engine_event *head = &view->events[first];
	size_t length = 1;

	for (; first + length < view->timeline.count; length++)
		if (!events_alike(&view->events[first + length], head))
			break;
	return length;
}

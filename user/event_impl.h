/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Within the event's judgement: what its functions ask of an event's facts.
 * Receives decoded events; hands answers to event.c, event_cause.c and event_text.c. No other file
 * includes it.
 */
#ifndef TCPTIMER_EVENT_IMPL_H
#define TCPTIMER_EVENT_IMPL_H

#include <stdbool.h>
#include "event.h"

#define EVENT_IN_HANDLER (TCPTIMER_W_TIMER | TCPTIMER_W_LATE)

/* The connection is over. */
static inline bool event_is_end(const struct tcptimer_event *event)
{
	return event->kind == TCPTIMER_EVENT_ABORT || event->kind == TCPTIMER_EVENT_RESET ||
	       event->kind == TCPTIMER_EVENT_CLOSED;
}

/* Before the handler ran, or where no handler ran, before the state changed. */
static inline unsigned int event_state_before(const struct tcptimer_event *event)
{
	return event->before.state ? event->before.state : event->old_state;
}

static inline bool event_is_orphan(const struct tcptimer_event *event)
{
	return event->after.flags & TCPTIMER_F_DEAD;
}

static inline bool event_in_syn_state(const struct tcptimer_event *event)
{
	unsigned int state = event_state_before(event);

	return state == TCPTIMER_STATE_SYN_SENT || state == TCPTIMER_STATE_SYN_RECV;
}

/*
 * tcp_retransmit_timer(): the branch that probes a window shrunk to zero, and counts nothing. A
 * late handler has no `before`; it leaves snd_wnd as it was.
 */
static inline bool event_in_shrunk_window(const struct tcptimer_event *event)
{
	bool seen_before = event->what & TCPTIMER_W_TIMER;

	return event->timer == TCPTIMER_TIMER_RETRANS &&
	       !(seen_before ? event->before.snd_wnd : event->after.snd_wnd) &&
	       !event_is_orphan(event) && !event_in_syn_state(event);
}

/* Why the connection ended (event_cause.c); `verdict` has its action and err. */
enum tcptimer_cause event_cause(const struct tcptimer_event *event,
				const struct event_verdict *verdict, unsigned int hz);
/* The limit that ran out, also where an ICMP error gave the errno; `verdict` has its cause. */
enum tcptimer_cause event_limit(const struct tcptimer_event *event,
				const struct event_verdict *verdict, unsigned int hz);
/* That limit was set by policy, not by the application or the host. */
bool event_limit_is_policy(const struct tcptimer_event *event, enum tcptimer_cause limit);

#endif

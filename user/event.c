// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a record of the ring buffer means: what the kernel did, and why a connection ended.
 * Receives raw bytes; hands a checked event, its verdict and a sentence to commands. Pure.
 */
#include <errno.h>
#include <string.h>
#include "conn.h"
#include "event.h"
#include "event_impl.h"

#define MINI_ENDED (TCPTIMER_W_CLOSED | TCPTIMER_W_DESTROYED | TCPTIMER_W_GONE)

int event_decode(const void *data, size_t len, struct tcptimer_event *ret_event)
{
	struct tcptimer_event event; /* aligned, and no writer can change it while it is checked */

	if (!data || len != sizeof(event))
		return -EINVAL;
	memcpy(&event, data, sizeof(event));
	if (event.size != sizeof(event) || event.version != TCPTIMER_EVENT_VERSION)
		return -EINVAL;
	if (event.kind == TCPTIMER_EVENT_NONE || event.kind >= TCPTIMER_EVENT_COUNT)
		return -EINVAL;
	if (event.timer >= TCPTIMER_TIMER_COUNT || event.stall_timer >= TCPTIMER_TIMER_COUNT)
		return -EINVAL;
	if (event.old_state >= TCPTIMER_STATE_COUNT || event.before.state >= TCPTIMER_STATE_COUNT ||
	    event.after.state >= TCPTIMER_STATE_COUNT)
		return -EINVAL;
	if (event.after.kind > TCPTIMER_SOCK_REQUEST)
		return -EINVAL;
	*ret_event = event;
	return 0;
}

static bool is_write_timer(unsigned int timer)
{
	switch (timer) {
	case TCPTIMER_TIMER_SYN:
	case TCPTIMER_TIMER_RETRANS:
	case TCPTIMER_TIMER_LOSS_PROBE:
	case TCPTIMER_TIMER_REO_TIMEOUT:
	case TCPTIMER_TIMER_PROBE0:
		return true;
	default:
		return false;
	}
}

/* The write timer is one timer with five purposes: after a loss probe it runs on as retrans. */
static int64_t next_ms(const struct tcptimer_event *event, unsigned int hz)
{
	struct armed_timer timers[ARMED_MAX];
	unsigned int count = conn_timers(&event->after, hz, timers);

	for (unsigned int i = 0; i < count; i++)
		if (timers[i].timer == event->timer ||
		    (is_write_timer(timers[i].timer) && is_write_timer(event->timer)))
			return timers[i].expires_ms > 0 ? timers[i].expires_ms : 0;
	return -1;
}

static unsigned int retransmission_number(const struct tcptimer_event *event)
{
	if (!(event->what & EVENT_IN_HANDLER) || event_in_shrunk_window(event))
		return 0;
	if (event->after.retransmits > event->before.retransmits)
		return event->after.retransmits;
	return event->before.retransmits + 1U;
}

/* From the tcp_retransmit_skb tracepoint; before 6.17 that tells of successes only. */
static enum tcptimer_action judge_retransmission(const struct tcptimer_event *event,
						 struct event_verdict *verdict)
{
	bool tried = event->what & TCPTIMER_W_RETRANSMIT;

	if (!tried && event->after.retransmits <= event->before.retransmits)
		return TCPTIMER_ACTION_NONE;
	verdict->n = retransmission_number(event);
	if (tried && !event->sent_err)
		return TCPTIMER_ACTION_RETRANSMITTED;
	if (event->sent_err > 0)
		verdict->err = ENOBUFS; /* net_xmit_errno() */
	else if (event->sent_err > INT32_MIN)
		verdict->err = -event->sent_err;
	return TCPTIMER_ACTION_RETRANSMIT_FAILED;
}

static enum tcptimer_action judge_loss_probe(const struct tcptimer_event *event,
					     struct event_verdict *verdict)
{
	/* tcp_send_loss_probe(): new data when there is some, else the last segment again */
	if (event->after.snd_nxt != event->before.snd_nxt ||
	    ((event->what & TCPTIMER_W_RETRANSMIT) && !event->sent_err)) {
		verdict->n = 1;
		return TCPTIMER_ACTION_PROBED;
	}
	return judge_retransmission(event, verdict);
}

static enum tcptimer_action judge_probe(const struct tcptimer_event *event,
					struct event_verdict *verdict)
{
	/* icsk_probes_out has 8 bits: with a long user_timeout keepalive's 256th wraps it */
	if (event->after.probes_out > event->before.probes_out ||
	    (event->before.probes_out == UINT8_MAX && !event->after.probes_out)) {
		verdict->n = event->before.probes_out + 1U;
		return TCPTIMER_ACTION_PROBED;
	}
	/* tcp_send_probe0(): the window had room after all, and data went out; n stays 0 */
	if (event->timer == TCPTIMER_TIMER_PROBE0 &&
	    event->after.packets_out > event->before.packets_out)
		return TCPTIMER_ACTION_PROBED;
	return TCPTIMER_ACTION_NONE;
}

static enum tcptimer_action judge_synack(const struct tcptimer_event *event,
					 struct event_verdict *verdict)
{
	bool counted = event->after.num_timeout > event->before.num_timeout;

	/* num_timeout counts turns, also those of TCP_DEFER_ACCEPT without a resend; num_retrans resends */
	if (event->after.kind == TCPTIMER_SOCK_REQUEST) {
		if (!(event->what & TCPTIMER_W_SYNACK))
			return TCPTIMER_ACTION_NONE;
		verdict->n = event->before.retransmits + 1U;
		return TCPTIMER_ACTION_RETRANSMITTED;
	}
	if (event->what & TCPTIMER_W_SYNACK) {
		verdict->n = counted ? event->after.num_timeout : event->before.num_timeout + 1U;
		return TCPTIMER_ACTION_RETRANSMITTED;
	}
	if (counted) { /* tcp_fastopen_synack_timer() counts what could not be sent too */
		verdict->n = event->after.num_timeout;
		return TCPTIMER_ACTION_RETRANSMIT_FAILED;
	}
	return TCPTIMER_ACTION_NONE;
}

static enum tcptimer_action judge_delack(const struct tcptimer_event *event)
{
	unsigned int before = event->before.delack_pending, after = event->after.delack_pending;

	/* Stale, or for an ACK that SACK compression held back, which is not seen here. */
	if (!(before & TCPTIMER_ACK_TIMER))
		return TCPTIMER_ACTION_NONE;
	if (before & ~after & TCPTIMER_ACK_SCHED)
		return TCPTIMER_ACTION_ACKED;
	return TCPTIMER_ACTION_NONE;
}

/* The work of the handler of event->timer, when it left the socket alive. */
static enum tcptimer_action judge_timer(const struct tcptimer_event *event,
					struct event_verdict *verdict)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYN:
	case TCPTIMER_TIMER_RETRANS:
		return judge_retransmission(event, verdict);
	case TCPTIMER_TIMER_LOSS_PROBE:
		return judge_loss_probe(event, verdict);
	case TCPTIMER_TIMER_REO_TIMEOUT:
		if (event->after.pending == TCPTIMER_PENDING_REO_TIMEOUT) /* too early */
			return TCPTIMER_ACTION_NONE;
		return TCPTIMER_ACTION_RECOVERING;
	case TCPTIMER_TIMER_PROBE0:
	case TCPTIMER_TIMER_KEEPALIVE:
		return judge_probe(event, verdict);
	case TCPTIMER_TIMER_SYNACK:
		return judge_synack(event, verdict);
	case TCPTIMER_TIMER_DELACK:
		return judge_delack(event);
	default:
		return TCPTIMER_ACTION_NONE;
	}
}

static bool mini_ended(const struct tcptimer_event *event)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYNACK:
	case TCPTIMER_TIMER_FIN_WAIT2:
	case TCPTIMER_TIMER_TIMEWAIT:
		return event->after.kind != TCPTIMER_SOCK_FULL &&
		       ((event->what & MINI_ENDED) || !(event->after.flags & TCPTIMER_F_TIMER_HW));
	default:
		return false;
	}
}

static enum tcptimer_action judge_action(const struct tcptimer_event *event,
					 struct event_verdict *verdict)
{
	enum tcptimer_action action;

	/* What the handler did is told by the EXPIRED that goes with a stall's begin. */
	if (event->kind == TCPTIMER_EVENT_RECOVERED || event->kind == TCPTIMER_EVENT_STALL)
		return TCPTIMER_ACTION_NONE;
	if (event->what & TCPTIMER_W_DEFERRED)
		return TCPTIMER_ACTION_DEFERRED;
	if (event->what & TCPTIMER_W_TIMEWAIT)
		return TCPTIMER_ACTION_HANDED_OVER;
	if (event->kind == TCPTIMER_EVENT_ABORT && event->after.kind == TCPTIMER_SOCK_FULL)
		return TCPTIMER_ACTION_ABORTED;
	if (!(event->what & EVENT_IN_HANDLER)) {
		if (event->what & TCPTIMER_W_RETRANSMIT)
			return judge_retransmission(event, verdict);
		return TCPTIMER_ACTION_NONE;
	}
	if (mini_ended(event))
		return TCPTIMER_ACTION_ENDED;
	if (event->what & TCPTIMER_W_CLOSED)
		return TCPTIMER_ACTION_ABORTED;
	/* tcp_write_timer_handler(): nothing was pending, so nothing is done */
	if ((event->what & TCPTIMER_W_TIMER) && is_write_timer(event->timer) &&
	    event->before.pending == TCPTIMER_PENDING_NONE)
		return TCPTIMER_ACTION_NONE;
	action = judge_timer(event, verdict);
	if (action == TCPTIMER_ACTION_NONE && verdict->next_ms >= 0)
		return TCPTIMER_ACTION_REARMED;
	return action;
}

/* What the application is told: an orphan has none. */
static int application_err(const struct tcptimer_event *event)
{
	if (event_is_orphan(event))
		return 0;
	if (event->err > 0)
		return event->err;
	return (event->what & TCPTIMER_W_CLOSED) && event->after.err > 0 ? event->after.err : 0;
}

void event_judge(const struct tcptimer_event *event, unsigned int hz,
		 struct event_verdict *ret_verdict)
{
	*ret_verdict = (struct event_verdict){ .next_ms = next_ms(event, hz) };
	ret_verdict->action = judge_action(event, ret_verdict);
	if (ret_verdict->action != TCPTIMER_ACTION_RETRANSMIT_FAILED)
		ret_verdict->err = application_err(event);
	ret_verdict->cause = event_cause(event, ret_verdict, hz);
	ret_verdict->limit = event_limit(event, ret_verdict, hz);
	if (event_limit_is_policy(event, ret_verdict->limit))
		ret_verdict->cause = TCPTIMER_CAUSE_POLICY;
	else
		ret_verdict->limit = ret_verdict->cause;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why a connection ended: in each function, the kernel's own tests in the kernel's own order.
 * Receives a decoded event and what the kernel did; hands the cause to event_judge(). Pure.
 */
#include <errno.h>
#include "event_impl.h"

static uint32_t jiffies_to_ms(uint64_t jiffies, unsigned int hz)
{
	uint64_t ms = jiffies * 1000 / hz;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* now - retrans_stamp, as retransmits_timed_out() has it; a tick more, for what rounding took. */
static uint32_t since_retrans_ms(const struct tcptimer_event *event, unsigned int hz)
{
	const struct tcptimer_snapshot *after = &event->after;
	uint32_t tick_ms = 1000 / hz + 1;

	if (!after->retrans_stamp)
		return 0;
	if (after->flags & TCPTIMER_F_USEC_TS)
		return ((uint32_t)(after->now_ns / 1000) - after->retrans_stamp) / 1000 + tick_ms;
	return (uint32_t)(after->now_ns / 1000000) - after->retrans_stamp + tick_ms;
}

static bool user_timeout_passed(const struct tcptimer_event *event, uint32_t elapsed_ms)
{
	return event->after.user_timeout_ms && elapsed_ms >= event->after.user_timeout_ms;
}

/* tcp_write_timeout() in SYN_SENT and SYN_RECV: by count, else by user_timeout, else by model. */
static enum tcptimer_cause cause_syn(const struct tcptimer_event *event, unsigned int hz)
{
	const struct tcptimer_snapshot *after = &event->after;
	unsigned int limit = after->syn_retries ? after->syn_retries : after->sysctls.syn_retries;

	if (event_state_before(event) == TCPTIMER_STATE_SYN_SENT)
		limit += after->sysctls.syn_linear_timeouts;
	if (event->after.retransmits >= limit) /* not counted further when it gave up */
		return TCPTIMER_CAUSE_SYN_RETRIES;
	if (user_timeout_passed(event, since_retrans_ms(event, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	return TCPTIMER_CAUSE_SYN_RETRIES;
}

/* tcp_rtx_probe0_timed_out(): a user_timeout below 2 * rto_max takes its place, too (6.10). */
static enum tcptimer_cause cause_shrunk_window(const struct tcptimer_event *event, unsigned int hz)
{
	uint32_t user_ms = event->after.user_timeout_ms;

	if (user_ms && (user_timeout_passed(event, since_retrans_ms(event, hz)) ||
			user_ms < jiffies_to_ms(2 * (uint64_t)event->after.rto_max_jiffies, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	return TCPTIMER_CAUSE_SHRUNK_WINDOW;
}

/* tcp_out_of_resources() ends an orphan with tcp_done() alone: no error is left. */
static bool out_of_resources(const struct tcptimer_event *event)
{
	return event_is_orphan(event) && !event->err && !event->after.err;
}

static enum tcptimer_cause cause_retrans(const struct tcptimer_event *event, unsigned int hz)
{
	if (event_in_shrunk_window(event))
		return cause_shrunk_window(event, hz);
	if (event_in_syn_state(event))
		return cause_syn(event, hz);
	if (out_of_resources(event))
		return TCPTIMER_CAUSE_OUT_OF_RESOURCES;
	if (user_timeout_passed(event, since_retrans_ms(event, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	return event_is_orphan(event) ? TCPTIMER_CAUSE_ORPHAN : TCPTIMER_CAUSE_RETRIES;
}

/* tcp_probe_timer(): the first probe's firing sets the stamp, and compares nothing. */
static enum tcptimer_cause cause_probe0(const struct tcptimer_event *event, unsigned int hz)
{
	uint32_t since = (uint32_t)event->after.now_jiffies - event->after.probes_tstamp;
	bool in_timer = event->what & TCPTIMER_W_TIMER;
	uint32_t stamp = in_timer ? event->before.probes_tstamp : event->after.probes_tstamp;

	if (stamp && user_timeout_passed(event, jiffies_to_ms(since, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	if (out_of_resources(event))
		return TCPTIMER_CAUSE_OUT_OF_RESOURCES;
	return event_is_orphan(event) ? TCPTIMER_CAUSE_ORPHAN : TCPTIMER_CAUSE_PROBE0;
}

/* reqsk_timer_handler(): a crowded queue lowers the limit, to 2 at least. */
static enum tcptimer_cause cause_request(const struct tcptimer_event *event)
{
	const struct tcptimer_snapshot *after = &event->after;
	unsigned int limit = after->syn_retries ? after->syn_retries :
						  after->sysctls.synack_retries;
	uint64_t crowd = after->max_ack_backlog > 8 ? after->max_ack_backlog : 8;
	uint64_t young = (uint64_t)after->ack_young * 2;

	if ((uint64_t)after->ack_backlog * 2 > crowd)
		for (; limit > 2 && after->ack_backlog >= young; limit--)
			young *= 2;
	if (event->before.num_timeout >= limit)
		return TCPTIMER_CAUSE_SYNACK_RETRIES;
	return TCPTIMER_CAUSE_CLOSED; /* the listener closed */
}

/* A mini-socket or request went away on time. */
static enum tcptimer_cause cause_mini(const struct tcptimer_event *event)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYNACK:
		return cause_request(event);
	case TCPTIMER_TIMER_FIN_WAIT2:
		return TCPTIMER_CAUSE_FIN_WAIT2;
	default:
		return TCPTIMER_CAUSE_CLOSED;
	}
}

/* The limit that event->timer's handler found reached. */
static enum tcptimer_cause cause_timer(const struct tcptimer_event *event, unsigned int hz)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYN:
		return cause_syn(event, hz);
	case TCPTIMER_TIMER_RETRANS:
		return cause_retrans(event, hz);
	case TCPTIMER_TIMER_PROBE0:
		return cause_probe0(event, hz);
	case TCPTIMER_TIMER_KEEPALIVE: /* a user_timeout takes the place of the number of probes */
		return event->after.user_timeout_ms ? TCPTIMER_CAUSE_USER_TIMEOUT :
						      TCPTIMER_CAUSE_KEEPALIVE;
	case TCPTIMER_TIMER_FIN_WAIT2:
		return TCPTIMER_CAUSE_FIN_WAIT2;
	case TCPTIMER_TIMER_SYNACK:
		return TCPTIMER_CAUSE_SYNACK_RETRIES;
	default:
		return TCPTIMER_CAUSE_NONE;
	}
}

/* Ended by something else than a timer: the peer, the network, the application. */
static enum tcptimer_cause cause_outside(const struct tcptimer_event *event, int err,
					 unsigned int hz)
{
	if (event->what & TCPTIMER_W_RST_OUT)
		return TCPTIMER_CAUSE_LOCAL_RESET;
	switch (err) {
	case 0:
		return TCPTIMER_CAUSE_CLOSED;
	case ETIMEDOUT: /* tcp_ld_RTO_revert(): an ICMP error ran the handler */
		return cause_retrans(event, hz);
	case ECONNABORTED: /* tcp_abort(): `ss -K`, bpf_sock_destroy */
		return TCPTIMER_CAUSE_LOCAL_RESET;
	case ECONNRESET:
	case EPIPE:
		return TCPTIMER_CAUSE_PEER_RESET;
	case ECONNREFUSED: /* RST or ICMP port unreachable; of a stalled socket, RSTs are flagged */
		return event->what & TCPTIMER_W_STALLED ? TCPTIMER_CAUSE_UNREACHABLE :
							  TCPTIMER_CAUSE_PEER_RESET;
	default: /* tcp_v4_err(), tcp_v6_err() */
		return TCPTIMER_CAUSE_UNREACHABLE;
	}
}

enum tcptimer_cause event_cause(const struct tcptimer_event *event,
				const struct event_verdict *verdict, unsigned int hz)
{
	if (verdict->action == TCPTIMER_ACTION_ENDED)
		return cause_mini(event);
	if (!event_is_end(event) && verdict->action != TCPTIMER_ACTION_ABORTED)
		return TCPTIMER_CAUSE_NONE; /* a FIN_WAIT2 handed over to a mini-socket lives on */
	if (event->what & TCPTIMER_W_RST_IN)
		return TCPTIMER_CAUSE_PEER_RESET;
	if (verdict->action == TCPTIMER_ACTION_HANDED_OVER)
		return TCPTIMER_CAUSE_CLOSED;
	/* A request gone, but not by its timer: reset, or its listener closed; nothing tells. */
	if (event->after.kind == TCPTIMER_SOCK_REQUEST && !(event->what & EVENT_IN_HANDLER))
		return TCPTIMER_CAUSE_NONE;
	if (!(event->what & EVENT_IN_HANDLER))
		return cause_outside(event, verdict->err, hz);
	/* tcp_write_err(): sk_err_soft, when an ICMP error left one, in place of ETIMEDOUT */
	if (verdict->err && verdict->err != ETIMEDOUT)
		return TCPTIMER_CAUSE_UNREACHABLE;
	return cause_timer(event, hz);
}

enum tcptimer_cause event_limit(const struct tcptimer_event *event,
				const struct event_verdict *verdict, unsigned int hz)
{
	if (verdict->cause == TCPTIMER_CAUSE_UNREACHABLE && (event->what & EVENT_IN_HANDLER))
		return cause_timer(event, hz);
	return verdict->cause;
}

bool event_limit_is_policy(const struct tcptimer_event *event, enum tcptimer_cause limit)
{
	uint32_t policy = event->after.policy;

	switch (limit) {
	case TCPTIMER_CAUSE_USER_TIMEOUT:
		return policy & (TCPTIMER_POLICY_USER_TIMEOUT | TCPTIMER_POLICY_LAST_RETRY);
	case TCPTIMER_CAUSE_SYN_RETRIES:
		return policy & TCPTIMER_POLICY_SYN_RETRIES;
	case TCPTIMER_CAUSE_KEEPALIVE:
		return policy & TCPTIMER_POLICY_KEEPALIVE;
	default:
		return false;
	}
}

const char *event_policy_limit(const struct tcptimer_event *event,
			       const struct event_verdict *verdict)
{
	if (verdict->cause != TCPTIMER_CAUSE_POLICY)
		return NULL;
	if (verdict->limit == TCPTIMER_CAUSE_USER_TIMEOUT &&
	    (event->after.policy & TCPTIMER_POLICY_LAST_RETRY))
		return "max_retries";
	return tcptimer_cause_name(verdict->limit);
}

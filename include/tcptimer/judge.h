/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an event's facts amount to: what the kernel did, and why the connection ended. One definition
 * for `trace`, which judges in user space, and `summary`, which counts in the kernel.
 * Receives a record of bpf/trace.bpf.c; hands action, cause and limit. Pure.
 *
 * Why a connection ended: in each function, the kernel's own tests in the kernel's own order.
 */
#ifndef TCPTIMER_JUDGE_H
#define TCPTIMER_JUDGE_H

#ifdef __bpf__
#define JUDGE_INT32_MIN (-2147483647 - 1)
#define JUDGE_U8_MAX 255
#define JUDGE_U32_MAX (~0U)
#define JUDGE_ALONE __noinline /* a global function: the verifier walks its loop once */
/* include/uapi/asm-generic/errno.h, those of architectures that BPF is run on */
enum {
	EPIPE = 32,
	ECONNABORTED = 103,
	ECONNRESET = 104,
	ENOBUFS = 105,
	ETIMEDOUT = 110,
	ECONNREFUSED = 111,
};
#else
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#define JUDGE_INT32_MIN INT32_MIN
#define JUDGE_U8_MAX UINT8_MAX
#define JUDGE_U32_MAX UINT32_MAX
#define JUDGE_ALONE static inline
#endif
#include "event.h"

#define JUDGE_IN_HANDLER (TCPTIMER_W_TIMER | TCPTIMER_W_LATE)
#define JUDGE_MINI_ENDED (TCPTIMER_W_CLOSED | TCPTIMER_W_DESTROYED | TCPTIMER_W_GONE)

struct tcptimer_verdict {
	__u32 action; /* enum tcptimer_action; NONE for STALL and RECOVERED */
	__u32 cause;  /* enum tcptimer_cause: why the connection ended; NONE while it lives */
	__u32 limit;  /* cause POLICY: which limit of the rule; else the cause */
	__u32 n;      /* which retransmission or probe, from 1; 0: neither */
	__s32 err;    /* errno that the application sees, or why a send failed; 0: none */
};

/* The connection is over. */
static inline bool judge_is_end(const struct tcptimer_event *event)
{
	return event->kind == TCPTIMER_EVENT_ABORT || event->kind == TCPTIMER_EVENT_RESET ||
	       event->kind == TCPTIMER_EVENT_CLOSED;
}

/* Before the handler ran, or where no handler ran, before the state changed. */
static inline unsigned int judge_state_before(const struct tcptimer_event *event)
{
	return event->before.state ? event->before.state : event->old_state;
}

static inline bool judge_is_orphan(const struct tcptimer_event *event)
{
	return event->after.flags & TCPTIMER_F_DEAD;
}

static inline bool judge_in_syn_state(const struct tcptimer_event *event)
{
	unsigned int state = judge_state_before(event);

	return state == TCPTIMER_STATE_SYN_SENT || state == TCPTIMER_STATE_SYN_RECV;
}

/*
 * tcp_retransmit_timer(): the branch that probes a window shrunk to zero, and counts nothing. A
 * late handler has no `before`; it leaves snd_wnd as it was.
 */
static inline bool judge_in_shrunk_window(const struct tcptimer_event *event)
{
	bool seen_before = event->what & TCPTIMER_W_TIMER;

	return event->timer == TCPTIMER_TIMER_RETRANS &&
	       !(seen_before ? event->before.snd_wnd : event->after.snd_wnd) &&
	       !judge_is_orphan(event) && !judge_in_syn_state(event);
}

static inline bool judge_is_write_timer(unsigned int timer)
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

static inline unsigned int judge_retransmission_number(const struct tcptimer_event *event)
{
	if (!(event->what & JUDGE_IN_HANDLER) || judge_in_shrunk_window(event))
		return 0;
	if (event->after.retransmits > event->before.retransmits)
		return event->after.retransmits;
	return event->before.retransmits + 1U;
}

/* From the tcp_retransmit_skb tracepoint; before 6.17 that tells of successes only. */
static inline enum tcptimer_action judge_retransmission(const struct tcptimer_event *event,
							struct tcptimer_verdict *verdict)
{
	bool tried = event->what & TCPTIMER_W_RETRANSMIT;

	if (!tried && event->after.retransmits <= event->before.retransmits)
		return TCPTIMER_ACTION_NONE;
	verdict->n = judge_retransmission_number(event);
	if (tried && !event->sent_err)
		return TCPTIMER_ACTION_RETRANSMITTED;
	if (event->sent_err > 0)
		verdict->err = ENOBUFS; /* net_xmit_errno() */
	else if (event->sent_err > JUDGE_INT32_MIN)
		verdict->err = -event->sent_err;
	return TCPTIMER_ACTION_RETRANSMIT_FAILED;
}

static inline enum tcptimer_action judge_loss_probe(const struct tcptimer_event *event,
						    struct tcptimer_verdict *verdict)
{
	/* tcp_send_loss_probe(): new data when there is some, else the last segment again */
	if (event->after.snd_nxt != event->before.snd_nxt ||
	    ((event->what & TCPTIMER_W_RETRANSMIT) && !event->sent_err)) {
		verdict->n = 1;
		return TCPTIMER_ACTION_PROBED;
	}
	return judge_retransmission(event, verdict);
}

static inline enum tcptimer_action judge_probe(const struct tcptimer_event *event,
					       struct tcptimer_verdict *verdict)
{
	/* icsk_probes_out has 8 bits: with a long user_timeout keepalive's 256th wraps it */
	if (event->after.probes_out > event->before.probes_out ||
	    (event->before.probes_out == JUDGE_U8_MAX && !event->after.probes_out)) {
		verdict->n = event->before.probes_out + 1U;
		return TCPTIMER_ACTION_PROBED;
	}
	/* tcp_send_probe0(): the window had room after all, and data went out; n stays 0 */
	if (event->timer == TCPTIMER_TIMER_PROBE0 &&
	    event->after.packets_out > event->before.packets_out)
		return TCPTIMER_ACTION_PROBED;
	return TCPTIMER_ACTION_NONE;
}

static inline enum tcptimer_action judge_synack(const struct tcptimer_event *event,
						struct tcptimer_verdict *verdict)
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

static inline enum tcptimer_action judge_delack(const struct tcptimer_event *event)
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
static inline enum tcptimer_action judge_timer(const struct tcptimer_event *event,
					       struct tcptimer_verdict *verdict)
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

static inline bool judge_mini_ended(const struct tcptimer_event *event)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYNACK:
	case TCPTIMER_TIMER_FIN_WAIT2:
	case TCPTIMER_TIMER_TIMEWAIT:
		return event->after.kind != TCPTIMER_SOCK_FULL &&
		       ((event->what & JUDGE_MINI_ENDED) ||
			!(event->after.flags & TCPTIMER_F_TIMER_HW));
	default:
		return false;
	}
}

/* `next_ms`: until this timer fires again, -1 when it does not: tells REARMED from NONE. */
static inline enum tcptimer_action judge_action(const struct tcptimer_event *event, __s64 next_ms,
						struct tcptimer_verdict *verdict)
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
	if (!(event->what & JUDGE_IN_HANDLER)) {
		if (event->what & TCPTIMER_W_RETRANSMIT)
			return judge_retransmission(event, verdict);
		return TCPTIMER_ACTION_NONE;
	}
	if (judge_mini_ended(event))
		return TCPTIMER_ACTION_ENDED;
	if (event->what & TCPTIMER_W_CLOSED)
		return TCPTIMER_ACTION_ABORTED;
	/* tcp_write_timer_handler(): nothing was pending, so nothing is done */
	if ((event->what & TCPTIMER_W_TIMER) && judge_is_write_timer(event->timer) &&
	    event->before.pending == TCPTIMER_PENDING_NONE)
		return TCPTIMER_ACTION_NONE;
	action = judge_timer(event, verdict);
	if (action == TCPTIMER_ACTION_NONE && next_ms >= 0)
		return TCPTIMER_ACTION_REARMED;
	return action;
}

/* What the application is told: an orphan has none. */
static inline int judge_application_err(const struct tcptimer_event *event)
{
	if (judge_is_orphan(event))
		return 0;
	if (event->err > 0)
		return event->err;
	return (event->what & TCPTIMER_W_CLOSED) && event->after.err > 0 ? event->after.err : 0;
}

static inline __u32 judge_jiffies_to_ms(__u64 jiffies, unsigned int hz)
{
	__u64 ms = jiffies * 1000 / hz;

	return ms < JUDGE_U32_MAX ? (__u32)ms : JUDGE_U32_MAX;
}

/* now - retrans_stamp, as retransmits_timed_out() has it; a tick more, for what rounding took. */
static inline __u32 judge_since_retrans_ms(const struct tcptimer_event *event, unsigned int hz)
{
	const struct tcptimer_snapshot *after = &event->after;
	__u32 tick_ms = 1000 / hz + 1;

	if (!after->retrans_stamp)
		return 0;
	if (after->flags & TCPTIMER_F_USEC_TS)
		return ((__u32)(after->now_ns / 1000) - after->retrans_stamp) / 1000 + tick_ms;
	return (__u32)(after->now_ns / 1000000) - after->retrans_stamp + tick_ms;
}

static inline bool judge_user_timeout_passed(const struct tcptimer_event *event, __u32 elapsed_ms)
{
	return event->after.user_timeout_ms && elapsed_ms >= event->after.user_timeout_ms;
}

/* tcp_write_timeout() in SYN_SENT and SYN_RECV: by count, else by user_timeout, else by model. */
static inline enum tcptimer_cause judge_cause_syn(const struct tcptimer_event *event,
						  unsigned int hz)
{
	const struct tcptimer_snapshot *after = &event->after;
	unsigned int limit = after->syn_retries ? after->syn_retries : after->sysctls.syn_retries;

	if (judge_state_before(event) == TCPTIMER_STATE_SYN_SENT)
		limit += after->sysctls.syn_linear_timeouts;
	if (event->after.retransmits >= limit) /* not counted further when it gave up */
		return TCPTIMER_CAUSE_SYN_RETRIES;
	if (judge_user_timeout_passed(event, judge_since_retrans_ms(event, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	return TCPTIMER_CAUSE_SYN_RETRIES;
}

/* tcp_rtx_probe0_timed_out(): a user_timeout below 2 * rto_max takes its place, too (6.10). */
static inline enum tcptimer_cause judge_cause_shrunk_window(const struct tcptimer_event *event,
							    unsigned int hz)
{
	__u32 user_ms = event->after.user_timeout_ms;

	if (user_ms && (judge_user_timeout_passed(event, judge_since_retrans_ms(event, hz)) ||
			user_ms < judge_jiffies_to_ms(2 * (__u64)event->after.rto_max_jiffies, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	return TCPTIMER_CAUSE_SHRUNK_WINDOW;
}

/* tcp_out_of_resources() ends an orphan with tcp_done() alone: no error is left. */
static inline bool judge_out_of_resources(const struct tcptimer_event *event)
{
	return judge_is_orphan(event) && !event->err && !event->after.err;
}

static inline enum tcptimer_cause judge_cause_retrans(const struct tcptimer_event *event,
						      unsigned int hz)
{
	if (judge_in_shrunk_window(event))
		return judge_cause_shrunk_window(event, hz);
	if (judge_in_syn_state(event))
		return judge_cause_syn(event, hz);
	if (judge_out_of_resources(event))
		return TCPTIMER_CAUSE_OUT_OF_RESOURCES;
	if (judge_user_timeout_passed(event, judge_since_retrans_ms(event, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	return judge_is_orphan(event) ? TCPTIMER_CAUSE_ORPHAN : TCPTIMER_CAUSE_RETRIES;
}

/* tcp_probe_timer(): the first probe's firing sets the stamp, and compares nothing. */
static inline enum tcptimer_cause judge_cause_probe0(const struct tcptimer_event *event,
						     unsigned int hz)
{
	__u32 since = (__u32)event->after.now_jiffies - event->after.probes_tstamp;
	bool in_timer = event->what & TCPTIMER_W_TIMER;
	__u32 stamp = in_timer ? event->before.probes_tstamp : event->after.probes_tstamp;

	if (stamp && judge_user_timeout_passed(event, judge_jiffies_to_ms(since, hz)))
		return TCPTIMER_CAUSE_USER_TIMEOUT;
	if (judge_out_of_resources(event))
		return TCPTIMER_CAUSE_OUT_OF_RESOURCES;
	return judge_is_orphan(event) ? TCPTIMER_CAUSE_ORPHAN : TCPTIMER_CAUSE_PROBE0;
}

/* reqsk_timer_handler(): a crowded queue lowers the limit, to 2 at least. */
JUDGE_ALONE int judge_request_limit(__u32 limit, __u32 backlog, __u32 max_backlog, __u32 half_young)
{
	__u64 crowd = max_backlog > 8 ? max_backlog : 8;
	__u64 young = (__u64)half_young * 2;

	if ((__u64)backlog * 2 <= crowd)
		return (int)limit;
	for (__u32 i = 0; i < 256; i++) { /* the limit has 8 bits: a bound that the verifier sees */
		if (limit <= 2 || backlog < young)
			break;
		limit--;
		young *= 2;
	}
	return (int)limit;
}

static inline enum tcptimer_cause judge_cause_request(const struct tcptimer_event *event)
{
	const struct tcptimer_snapshot *after = &event->after;
	__u32 limit = after->syn_retries ? after->syn_retries : after->sysctls.synack_retries;

	limit = (__u32)judge_request_limit(limit, after->ack_backlog, after->max_ack_backlog,
					   after->ack_young);
	if (event->before.num_timeout >= limit)
		return TCPTIMER_CAUSE_SYNACK_RETRIES;
	return TCPTIMER_CAUSE_CLOSED; /* the listener closed */
}

/* A mini-socket or request went away on time. */
static inline enum tcptimer_cause judge_cause_mini(const struct tcptimer_event *event)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYNACK:
		return judge_cause_request(event);
	case TCPTIMER_TIMER_FIN_WAIT2:
		return TCPTIMER_CAUSE_FIN_WAIT2;
	default:
		return TCPTIMER_CAUSE_CLOSED;
	}
}

/* The limit that event->timer's handler found reached. */
static inline enum tcptimer_cause judge_cause_timer(const struct tcptimer_event *event,
						    unsigned int hz)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYN:
		return judge_cause_syn(event, hz);
	case TCPTIMER_TIMER_RETRANS:
		return judge_cause_retrans(event, hz);
	case TCPTIMER_TIMER_PROBE0:
		return judge_cause_probe0(event, hz);
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
static inline enum tcptimer_cause judge_cause_outside(const struct tcptimer_event *event, int err,
						      unsigned int hz)
{
	if (event->what & TCPTIMER_W_RST_OUT)
		return TCPTIMER_CAUSE_LOCAL_RESET;
	switch (err) {
	case 0:
		return TCPTIMER_CAUSE_CLOSED;
	case ETIMEDOUT: /* tcp_ld_RTO_revert(): an ICMP error ran the handler */
		return judge_cause_retrans(event, hz);
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

static inline enum tcptimer_cause judge_cause(const struct tcptimer_event *event,
					      const struct tcptimer_verdict *verdict,
					      unsigned int hz)
{
	if (verdict->action == TCPTIMER_ACTION_ENDED)
		return judge_cause_mini(event);
	if (!judge_is_end(event) && verdict->action != TCPTIMER_ACTION_ABORTED)
		return TCPTIMER_CAUSE_NONE; /* a FIN_WAIT2 handed over to a mini-socket lives on */
	if (event->what & TCPTIMER_W_RST_IN)
		return TCPTIMER_CAUSE_PEER_RESET;
	if (verdict->action == TCPTIMER_ACTION_HANDED_OVER)
		return TCPTIMER_CAUSE_CLOSED;
	/* A request gone, but not by its timer: reset, or its listener closed; nothing tells. */
	if (event->after.kind == TCPTIMER_SOCK_REQUEST && !(event->what & JUDGE_IN_HANDLER))
		return TCPTIMER_CAUSE_NONE;
	if (!(event->what & JUDGE_IN_HANDLER))
		return judge_cause_outside(event, verdict->err, hz);
	/* tcp_write_err(): sk_err_soft, when an ICMP error left one, in place of ETIMEDOUT */
	if (verdict->err && verdict->err != ETIMEDOUT)
		return TCPTIMER_CAUSE_UNREACHABLE;
	return judge_cause_timer(event, hz);
}

static inline enum tcptimer_cause judge_limit(const struct tcptimer_event *event,
					      const struct tcptimer_verdict *verdict,
					      unsigned int hz)
{
	if (verdict->cause == TCPTIMER_CAUSE_UNREACHABLE && (event->what & JUDGE_IN_HANDLER))
		return judge_cause_timer(event, hz);
	return verdict->cause;
}

static inline bool judge_limit_is_policy(const struct tcptimer_event *event,
					 enum tcptimer_cause limit)
{
	__u32 policy = event->after.policy;

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

/* Judge a decoded event. `hz`: the kernel's CONFIG_HZ, > 0; `next_ms` as judge_action() takes it. */
static inline void tcptimer_judge(const struct tcptimer_event *event, unsigned int hz,
				  __s64 next_ms, struct tcptimer_verdict *ret_verdict)
{
	ret_verdict->n = 0;
	ret_verdict->err = 0;
	ret_verdict->action = judge_action(event, next_ms, ret_verdict);
	if (ret_verdict->action != TCPTIMER_ACTION_RETRANSMIT_FAILED)
		ret_verdict->err = judge_application_err(event);
	ret_verdict->cause = judge_cause(event, ret_verdict, hz);
	ret_verdict->limit = judge_limit(event, ret_verdict, hz);
	if (judge_limit_is_policy(event, ret_verdict->limit))
		ret_verdict->cause = TCPTIMER_CAUSE_POLICY;
	else
		ret_verdict->limit = ret_verdict->cause;
}

#endif

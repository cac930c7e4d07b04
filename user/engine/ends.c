// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives from the rules that a limit is reached, or what the peer answers.
 * Hands on how the connection ends, what the application sees, and events in ms.
 */
#include "core.h"

__u64 engine_jiffies_ms(const struct engine_stream *st, __s64 jiffies)
{
	return jiffies > 0 ? (__u64)jiffies * st->tick_ns / 1000000 : 0;
}

/* An interval for people: what jiffies_to_msecs() makes of it, bounded to 32 bits. */
__u32 engine_interval_ms(const struct engine_stream *st, __u64 jiffies)
{
	__u64 ms = (jiffies * 1000 + st->hz - 1) / st->hz;

	return ms > 0xffffffffu ? 0xffffffffu : (__u32)ms;
}

void engine_event_fill(const struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	if (!st->told) {
		ev->flags = 0;
		return;
	}
	*ev = (struct tcptimer_engine_event){
		.at_min_jiffies = (__u64)st->at.lo,
		.at_max_jiffies = (__u64)st->at.hi,
		.at_min_ms = engine_jiffies_ms(st, st->at.lo),
		.at_max_ms = ((__u64)st->at.hi * st->tick_ns + 999999) / 1000000,
		.timer = st->timer,
		.flags = st->maybe_dead ? TCPTIMER_EV_MAYBE : 0,
	};
	ev->at_ms = ev->at_min_ms + (ev->at_max_ms - ev->at_min_ms) / 2;
}

/*
 * tcp_write_err(), net/ipv4/tcp_timer.c: the kept ICMP error, else ETIMEDOUT. An orphan has nobody
 * to be told. The cause names what the application will see; the limit says what decided.
 */
void engine_end_write_err(struct engine_stream *st, enum tcptimer_cause cause,
			  enum tcptimer_limit limit, __u32 value)
{
	/* No application reads an orphan's error: its end is told by the limit alone. */
	bool soft = st->err_soft > 0 && !engine_is_dead(st);

	st->end = (struct engine_end){
		.cause = (__u8)(soft ? TCPTIMER_CAUSE_UNREACHABLE : cause),
		.limit = (__u8)limit,
		.limit_value = value,
		.err = soft ? st->err_soft : ENGINE_ETIMEDOUT,
		.reported = !engine_is_dead(st),
	};
}

/* An end without an error: tcp_done(), a request dropped, a mini-socket gone. */
void engine_end_plain(struct engine_stream *st, enum tcptimer_cause cause,
		      enum tcptimer_limit limit, __u32 value)
{
	st->end = (struct engine_end){
		.cause = (__u8)cause,
		.limit = (__u8)limit,
		.limit_value = value,
	};
}

bool engine_conclude(struct engine_stream *st, enum engine_answer answer,
		     struct tcptimer_engine_event *ev)
{
	struct engine_span at = st->at;

	if (st->maybe_dead)
		at.lo = engine_min_s64(at.lo, st->end_at.lo);
	st->end_at = at;
	st->end_n = st->n;
	if (answer == ENGINE_MAYBE) {
		st->maybe_dead = true;
		ev->flags |= TCPTIMER_EV_MAYBE;
		return false;
	}
	st->state = ENGINE_ENDED;
	if (!st->told)
		return true;
	ev->action = TCPTIMER_ACTION_ABORTED;
	ev->cause = st->end.cause;
	ev->err = st->end.reported ? st->end.err : 0;
	ev->n = st->n;
	ev->rto_ms = 0;
	ev->flags &= ~TCPTIMER_EV_MAYBE;
	if (st->end.rst)
		ev->flags |= TCPTIMER_EV_RST;
	ev->at_min_jiffies = (__u64)at.lo;
	ev->at_min_ms = engine_jiffies_ms(st, at.lo);
	ev->at_ms = ev->at_min_ms + (ev->at_max_ms - ev->at_min_ms) / 2;
	return true;
}

/* tcp_reset(), net/ipv4/tcp_input.c */
static __s32 ends_reset_errno(__u8 tcp_state)
{
	switch (tcp_state) {
	case TCPTIMER_STATE_SYN_SENT:
		return ENGINE_ECONNREFUSED;
	case TCPTIMER_STATE_CLOSE_WAIT:
		return ENGINE_EPIPE;
	default:
		return ENGINE_ECONNRESET;
	}
}

/*
 * An RST ends every state; an ICMP unreachable ends the SYN states at once (tcp_v4_err(): sk_err),
 * and a request without a word (tcp_req_err()). The answer takes a round trip to arrive.
 */
bool engine_answer_fatal(struct engine_stream *st)
{
	bool request = st->kind == ENGINE_STREAM_MINI;

	if (st->flags & TCPTIMER_ENGINE_LOCAL_DROP)
		return false;
	if (st->peer == TCPTIMER_PEER_RESETS) {
		engine_end_plain(st, TCPTIMER_CAUSE_PEER_RESET, TCPTIMER_LIMIT_NONE, 0);
		st->end.err = ends_reset_errno(st->tcp_state);
	} else if (st->peer == TCPTIMER_PEER_UNREACHABLE && (request || engine_in_syn_state(st))) {
		engine_end_plain(st, TCPTIMER_CAUSE_UNREACHABLE, TCPTIMER_LIMIT_NONE, 0);
		st->end.err = ENGINE_EHOSTUNREACH;
	} else {
		return false;
	}
	st->end.reported = !request && !engine_is_dead(st);
	if (request)
		st->end.err = 0;
	engine_arm(st, st->timer, st->rtt_jiffies);
	st->slack = (struct engine_span){ 0, 0 };
	st->answer_due = true;
	return true;
}

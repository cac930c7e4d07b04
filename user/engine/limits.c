// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream at a firing of its write timer.
 * Hands back whether tcp_write_timeout() and its neighbours end the connection there.
 */
#include "core.h"

static enum engine_answer limits_both(bool at_lo, bool at_hi)
{
	if (at_lo != at_hi)
		return ENGINE_MAYBE;
	return at_lo ? ENGINE_YES : ENGINE_NO;
}

/* The timeout of retransmits_timed_out() in jiffies, for kernels whose retrans_stamp is jiffies. */
static enum engine_answer limits_timed_out_jiffies(const struct engine_mark *mark, __u32 timeout)
{
	return limits_both((__u32)mark->since.lo >= timeout, (__u32)mark->since.hi >= timeout);
}

/* tcp_model_timeout() in ms; one limit's is asked for at every firing, and divides three times. */
__u32 engine_model_ms(struct engine_stream *st, __u32 boundary, __u32 base)
{
	if (st->model.base != base || st->model.boundary != boundary) {
		st->model.base = base;
		st->model.boundary = boundary;
		st->model.ms = tcptimer_model_timeout_ms(boundary, base, st->rto_max, st->hz);
	}
	return st->model.ms;
}

/*
 * retransmits_timed_out(), net/ipv4/tcp_timer.c. Always no before the first counted retransmission.
 * The compare is signed 32-bit, so a timeout above 2^31 (ms, or us on usec_ts sockets: 2147 s) is
 * over at once. usec_ts sockets get a jiffy of grace (6.7).
 */
enum engine_answer engine_retransmits_timed_out(struct engine_stream *st, __u32 boundary,
						__u32 user_timeout)
{
	__u32 base = engine_in_syn_state(st) ? st->timeout_init : TCPTIMER_RTO_MIN_JIFFIES(st->hz);
	enum engine_mark_id id = ENGINE_MARK_RETRANS;
	const struct engine_mark *mark;
	struct engine_span ms;
	__u32 timeout = user_timeout;

	if (!st->retransmits)
		return ENGINE_NO;
	/* Without a stamp: the head's, in old kernels; since 5.1, 0, and so the age of the host. */
	if (!st->marks[id].set && st->profile->stamp_head)
		id = ENGINE_MARK_HEAD;
	mark = &st->marks[id];
	if (st->profile->retrans_clock == TCPTIMER_CLOCK_JIFFIES) {
		timeout = user_timeout ?
				  (__u32)tcptimer_msecs_to_jiffies(user_timeout, st->hz) :
				  tcptimer_model_timeout_jiffies(boundary, base, st->rto_max);
		return limits_timed_out_jiffies(mark, timeout);
	}
	if (!timeout)
		timeout = engine_model_ms(st, boundary, base);
	/* Before 4.19 the setting was kept in jiffies, and so lost what those round off. */
	else if (!st->profile->user_timeout_ms)
		timeout = tcptimer_jiffies_to_msecs(tcptimer_msecs_to_jiffies(user_timeout, st->hz),
						    st->hz);

	if (st->profile->usec_ts && (st->s->flags & TCPTIMER_F_USEC_TS)) {
		__s64 tick_us = tcptimer_jiffies_to_usecs(1, st->hz);
		__s64 lo, hi;

		if (st->exact) {
			__u64 ns = st->base_ns + (__u64)st->at.lo * st->tick_ns;

			lo = hi = (__u32)(ns / 1000) - mark->stamp;
		} else {
			lo = (mark->since.lo * st->tick_ns + mark->skew_lo_ns) / 1000;
			hi = (mark->since.hi * st->tick_ns + mark->skew_hi_ns + 999) / 1000;
		}
		return limits_both((__s32)((__u32)(lo + tick_us) - timeout * 1000) >= 0,
				   (__s32)((__u32)(hi + tick_us) - timeout * 1000) >= 0);
	}
	ms = engine_elapsed_ms(st, id);
	return limits_both((__s32)((__u32)ms.lo - timeout) >= 0,
			   (__s32)((__u32)ms.hi - timeout) >= 0);
}

/*
 * tcp_out_of_resources(), where tcp_check_oom() is the caller's assumption: no error is left, and an
 * RST leaves when the caller wants one, something was sent in the last 60 s, or the window is closed.
 */
bool engine_out_of_resources(struct engine_stream *st, bool do_reset)
{
	__s64 since_sent = (__s32)((__u32)st->s->now_jiffies - st->s->lsndtime) + st->at.lo;

	if (!(st->flags & TCPTIMER_ENGINE_OUT_OF_RESOURCES) ||
	    engine_ignores(st, TCPTIMER_LIMIT_MEMORY))
		return false;
	if (since_sent <= (__s64)TCPTIMER_TIMEWAIT_LEN_JIFFIES(st->hz) ||
	    (!st->snd_wnd && !st->packets_out))
		do_reset = true;
	engine_end_plain(st, TCPTIMER_CAUSE_OUT_OF_RESOURCES, TCPTIMER_LIMIT_MEMORY, 0);
	st->end.rst = do_reset;
	return true;
}

/* The limit named when time by the model, or TCP_USER_TIMEOUT in its place, runs out. */
static enum engine_answer limits_time(struct engine_stream *st, __u32 boundary,
				      enum tcptimer_cause cause, enum tcptimer_limit limit)
{
	enum engine_answer answer;

	if (!st->user_timeout && engine_ignores(st, limit))
		return ENGINE_NO;
	answer = engine_retransmits_timed_out(st, boundary, st->user_timeout);
	if (answer == ENGINE_NO)
		return answer;
	if (st->user_timeout)
		engine_end_write_err(st, TCPTIMER_CAUSE_USER_TIMEOUT, TCPTIMER_LIMIT_USER_TIMEOUT,
				     st->user_timeout);
	else
		engine_end_write_err(st, cause, limit, boundary);
	return answer;
}

/* retries1 passed: a black hole is looked for, the route is questioned. Nothing ends by it. */
static void limits_retries1(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	if (!st->told || engine_retransmits_timed_out(st, st->s->sysctls.retries1, 0) != ENGINE_YES)
		return;
	ev->flags |= TCPTIMER_EV_ROUTE_CHECKED;
	if (st->s->sysctls.mtu_probing)
		ev->flags |= TCPTIMER_EV_MTU_PROBE;
}

/*
 * tcp_write_timeout(), net/ipv4/tcp_timer.c: does this firing of the retransmission timer end the
 * connection? An orphan counts tcp_orphan_retries in place of tcp_retries2 (as a model time too),
 * and may be sacrificed to memory first.
 */
enum engine_answer engine_write_timeout(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	bool alive = st->rto < st->rto_max;
	__u32 boundary;
	bool do_reset;

	if (engine_in_syn_state(st))
		return engine_syn_timeout(st, ev);

	limits_retries1(st, ev);
	if (!engine_is_dead(st))
		return limits_time(st, st->s->sysctls.retries2, TCPTIMER_CAUSE_RETRIES,
				   TCPTIMER_LIMIT_RETRIES2);

	boundary = engine_orphan_retries(st, alive);
	do_reset = alive || engine_retransmits_timed_out(st, boundary, 0) != ENGINE_YES;
	if (engine_out_of_resources(st, do_reset))
		return ENGINE_YES;
	return limits_time(st, boundary, TCPTIMER_CAUSE_ORPHAN, TCPTIMER_LIMIT_ORPHAN_RETRIES);
}

/* The SYN's limit: the socket's TCP_SYNCNT or the sysctl, one setting for count and model. */
enum engine_answer engine_syn_timeout(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	__u32 retries = st->s->syn_retries ? st->s->syn_retries : st->s->sysctls.syn_retries;
	enum tcptimer_limit limit = st->s->syn_retries ? TCPTIMER_LIMIT_SYNCNT :
							 TCPTIMER_LIMIT_SYN_RETRIES;
	__u32 count = retries;
	__u32 user_timeout = st->user_timeout;
	enum engine_answer answer = ENGINE_NO;

	if (st->retransmits)
		ev->flags |= TCPTIMER_EV_ROUTE_CHECKED;
	if (st->retransmits && (st->s->flags & TCPTIMER_F_SYN_FASTOPEN))
		ev->flags |= TCPTIMER_EV_TFO_DISABLED;
	if (st->profile->syn_linear && st->tcp_state == TCPTIMER_STATE_SYN_SENT)
		count += st->s->sysctls.syn_linear_timeouts;

	if (st->profile->syn_limit != TCPTIMER_SYN_MODEL && st->retransmits >= count &&
	    !engine_ignores(st, limit)) {
		engine_end_write_err(st, TCPTIMER_CAUSE_SYN_RETRIES, limit, retries);
		return ENGINE_YES;
	}
	if (st->profile->syn_limit == TCPTIMER_SYN_COUNT)
		return ENGINE_NO;
	/* Before 5.4 the model ran without TCP_USER_TIMEOUT. */
	if (st->profile->syn_limit == TCPTIMER_SYN_MODEL)
		st->user_timeout = 0;
	answer = limits_time(st, retries, TCPTIMER_CAUSE_SYN_RETRIES, limit);
	st->user_timeout = user_timeout;
	return answer;
}

/* What tcp_rtx_probe0_timed_out() decides for one pair of times. */
static bool limits_rtx_probe0(const struct engine_stream *st, __u32 rtx_ms, __s64 rcv_delta,
			      bool *ret_user)
{
	__u32 user = st->user_timeout;
	__u64 timeout = (__u64)st->rto_max * (st->profile->shrunk_twice ? 2 : 1);
	__u64 rtx_jiffies = tcptimer_msecs_to_jiffies(rtx_ms, st->hz);
	bool jiffies_ms = st->profile->shrunk_window == TCPTIMER_SHRUNK_JIFFIES_MS;

	*ret_user = false;
	if (engine_ignores(st, TCPTIMER_LIMIT_RTO_MAX))
		timeout = 0x7fffffff;
	if (st->profile->shrunk_window == TCPTIMER_SHRUNK_RCV)
		return rcv_delta > (__s64)timeout;
	if (user && st->profile->shrunk_window != TCPTIMER_SHRUNK_BOTH) {
		__u64 user_jiffies = tcptimer_msecs_to_jiffies(user, st->hz);

		*ret_user = true;
		/* 6.1 stable: rtx_delta is already jiffies here, user_timeout is not. */
		if ((jiffies_ms ? (__u32)rtx_jiffies : rtx_ms) > user)
			return true;
		if ((__u32)user_jiffies < timeout)
			timeout = (__u32)user_jiffies;
		else
			*ret_user = false;
	}
	return rcv_delta > (__s64)timeout && (__u32)rtx_jiffies > timeout;
}

/*
 * tcp_rtx_probe0_timed_out() (6.6; before it, the test that stood in tcp_retransmit_timer()): data is
 * in flight and the peer closed its window. Strictly more than the limit, unlike all others.
 */
enum engine_answer engine_rtx_probe0_timed_out(struct engine_stream *st)
{
	const struct engine_mark *rcv = &st->marks[ENGINE_MARK_RCV];
	bool stamped = st->marks[ENGINE_MARK_RETRANS].set;
	struct engine_span ms =
		engine_elapsed_ms(st, stamped ? ENGINE_MARK_RETRANS : ENGINE_MARK_HEAD);
	struct engine_span late = st->late;
	bool user_lo, user_hi, lo, hi;

	/* Before 6.6 it was jiffies - rcv_tstamp; since, the timer's own expiry. */
	if (st->profile->shrunk_window == TCPTIMER_SHRUNK_RCV)
		late = (struct engine_span){ 0, 0 };
	lo = limits_rtx_probe0(st, (__u32)ms.lo, rcv->since.lo - late.hi, &user_lo);
	hi = limits_rtx_probe0(st, (__u32)ms.hi, rcv->since.hi - late.lo, &user_hi);
	/* Time only adds to it: what lo says, hi says as well. */
	if (!hi)
		return ENGINE_NO;
	if (user_lo || user_hi)
		engine_end_write_err(st, TCPTIMER_CAUSE_USER_TIMEOUT, TCPTIMER_LIMIT_USER_TIMEOUT,
				     st->user_timeout);
	else
		engine_end_write_err(
			st, TCPTIMER_CAUSE_SHRUNK_WINDOW, TCPTIMER_LIMIT_RTO_MAX,
			engine_interval_ms(st, (__u64)st->rto_max *
						       (st->profile->shrunk_twice ? 2 : 1)));
	return limits_both(lo, hi);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream whose retransmission timer fires: SYN_SENT, data or a FIN in flight.
 * Hands back what tcp_retransmit_timer() does there, and arms the next firing.
 */
#include "core.h"

/*
 * tcp_clamp_rto_to_user_timeout() (4.19): no later than TCP_USER_TIMEOUT after retrans_stamp, and a
 * jiffy from now once that passed. The expiry so lies at a fixed distance from the stamp, whenever
 * the handler ran: armed from the mark, so that ranges stay as narrow as the stamp's.
 */
static void retrans_arm(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	const struct engine_mark *mark = &st->marks[ENGINE_MARK_RETRANS];
	struct engine_span delay = { st->rto, st->rto };
	struct engine_span x, ms;
	__s64 lo = st->rto, hi = st->rto, skew;
	bool clamped = false;

	if (st->profile->rto_clamp && st->user_timeout) {
		ms = engine_elapsed_ms(st, ENGINE_MARK_RETRANS);
		lo = tcptimer_time_left((__u32)ms.hi, 0, st->user_timeout);
		hi = tcptimer_time_left((__u32)ms.lo, 0, st->user_timeout);
		lo = lo ? (__s64)tcptimer_msecs_to_jiffies((__u32)lo, st->hz) : 1;
		hi = hi ? (__s64)tcptimer_msecs_to_jiffies((__u32)hi, st->hz) : 1;
		clamped = lo < st->rto;
		delay.lo = engine_min_s64(lo, st->rto);
		delay.hi = engine_min_s64(hi, st->rto);
	}
	/* inet_csk_reset_xmit_timer(): bounded by rto_max. */
	delay.lo = engine_min_s64(delay.lo, st->rto_max);
	delay.hi = engine_min_s64(delay.hi, st->rto_max);
	if (clamped)
		ev->flags |= TCPTIMER_EV_CLAMPED;
	ev->rto_ms = engine_told_ms(st, (__u64)delay.hi);
	if (delay.lo == delay.hi) {
		engine_arm(st, st->timer, delay.lo);
		return;
	}
	/*
	 * The longest delay belongs to the youngest stamp. What the stamp's clock may lie off its
	 * jiffy, and rounding to ms, can move the expiry either way.
	 */
	skew = (mark->skew_hi_ns - mark->skew_lo_ns + st->tick_ns - 1) / st->tick_ns;
	if (st->tick_ns %
	    1000000) /* a jiffy is no whole number of ms: either stamp rounds by one */
		skew += 2 * (st->hz / 1000) + 2;
	x.lo = mark->since.lo + delay.hi - skew;
	x.hi = mark->since.hi + delay.lo + skew;
	engine_arm_from(st, st->timer, ENGINE_MARK_RETRANS, x, delay);
}

/*
 * tcp_ld_RTO_revert() (RFC 6069): ICMP host or net unreachable about the segment in flight takes one
 * backoff back, and re-arms what is left of that shorter RTO, not clamped to TCP_USER_TIMEOUT. So
 * against such a network the RTO stays what it was.
 */
static bool retrans_revert(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	const struct tcptimer_snapshot *s = st->s;
	__u64 rto;

	st->err_soft = ENGINE_EHOSTUNREACH;
	ev->flags |= TCPTIMER_EV_ANSWERED;
	if (!st->retransmits || !st->backoff)
		return false;
	if (s->family == 10) /* AF_INET6: tcp_v6_err() reverts for "no route" alone */
		return false;
	st->backoff--;
	st->rto = s->srtt_us ? (__u32)tcptimer_usecs_to_jiffies((s->srtt_us >> 3) + s->rttvar_us,
								st->hz) :
			       TCPTIMER_TIMEOUT_INIT_JIFFIES(st->hz);
	rto = engine_rto_backoff(st);
	st->rto = rto < st->rto_max ? (__u32)rto : st->rto_max;
	ev->flags |= TCPTIMER_EV_RTO_REVERTED;
	/* The time since it was sent is rounded up, so that even at once a jiffy is gone. */
	if (st->rto > st->rtt_jiffies + 1) {
		ev->rto_ms = engine_told_ms(st, st->rto - 1u);
		engine_arm_after(st, st->timer, st->rtt_jiffies, st->rto - st->rtt_jiffies - 1);
		return true;
	}
	/* Overdue already, it retransmits as the error arrives. */
	ev->rto_ms = engine_told_ms(st, st->rtt_jiffies);
	engine_arm(st, st->timer, st->rtt_jiffies);
	st->slack = (struct engine_span){ 0, 0 };
	return true;
}

/* The answer to the retransmission, as assumed. True when it decides what is armed. */
static bool retrans_answer(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	if (engine_answer_fatal(st))
		return true;
	switch (st->peer) {
	case TCPTIMER_PEER_ZERO_WINDOW:
		if (!engine_in_syn_state(st)) {
			/* A duplicate ACK that closes the window: no progress, and no new timer. */
			st->snd_wnd = 0;
			st->err_soft = 0;
			ev->flags |= TCPTIMER_EV_ANSWERED;
			engine_mark_answer(st, ENGINE_MARK_RCV, st->rto);
			return false;
		}
		/* A SYN that is answered at all is acknowledged. */
		/* fall through */
	case TCPTIMER_PEER_ACKS:
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		return true;
	case TCPTIMER_PEER_UNREACHABLE:
		return retrans_revert(st, ev);
	default:
		return false;
	}
}

/* out_reset_timer: linear for thin streams and the first SYNs, else doubled. */
static void retrans_backoff(struct engine_stream *st, struct tcptimer_engine_event *ev, bool count)
{
	bool linear_syn = st->profile->syn_linear && st->tcp_state == TCPTIMER_STATE_SYN_SENT &&
			  st->total_rto <= st->s->sysctls.syn_linear_timeouts;

	if (engine_is_thin(st)) {
		ev->flags |= TCPTIMER_EV_LINEAR;
		st->backoff = 0;
		st->rto = engine_rto_thin(st);
	} else if (linear_syn) {
		ev->flags |= TCPTIMER_EV_LINEAR;
		/* Until 6.8 backoff counted these, too. */
		if (!st->profile->backoff_shrunk)
			st->backoff++;
	} else {
		if (count)
			st->backoff++;
		st->rto = tcptimer_rto_doubled(st->rto, st->rto_max);
	}
}

/*
 * tcp_retransmit_skb() stamps the first attempt; since 5.1 also one that failed, with the time at
 * which the segment last left.
 */
static void retrans_stamp(struct engine_stream *st, bool sent)
{
	struct engine_mark *stamp = &st->marks[ENGINE_MARK_RETRANS];

	if (sent)
		engine_mark_now(st, ENGINE_MARK_HEAD);
	if (stamp->set)
		return;
	if (sent)
		engine_mark_now(st, ENGINE_MARK_RETRANS);
	else if (st->profile->local_drop == TCPTIMER_DROP_COUNT)
		*stamp = st->marks[ENGINE_MARK_HEAD];
}

/* Dropped by this host's own queue: TCP_RESOURCE_PROBE_INTERVAL, no backoff. */
static void retrans_local_drop(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	__u32 wait = TCPTIMER_RESOURCE_PROBE_JIFFIES(st->hz);

	ev->action = TCPTIMER_ACTION_RETRANSMIT_FAILED;
	ev->flags |= TCPTIMER_EV_LOCAL_DROP;
	if (st->profile->local_drop == TCPTIMER_DROP_ONCE) {
		if (!st->retransmits)
			st->retransmits = 1;
		wait = engine_min_u32(st->rto, wait);
	}
	ev->rto_ms = engine_told_ms(st, wait);
	engine_arm(st, st->timer, wait);
}

/* The window shrank to nothing over data in flight: each retransmission is a probe of it. */
static void retrans_closed_window(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	enum engine_answer answer = engine_rtx_probe0_timed_out(st);
	bool drop = st->flags & TCPTIMER_ENGINE_LOCAL_DROP;

	ev->flags |= TCPTIMER_EV_CLOSED_WINDOW;
	if (answer != ENGINE_NO && engine_conclude(st, answer, ev))
		return;
	engine_enter_loss(st);
	ev->flags |= TCPTIMER_EV_LOSS | TCPTIMER_EV_ROUTE_RESET |
		     (drop ? TCPTIMER_EV_LOCAL_DROP : 0);
	ev->action = drop ? TCPTIMER_ACTION_RETRANSMIT_FAILED : TCPTIMER_ACTION_RETRANSMITTED;
	ev->n = ++st->n;
	retrans_stamp(st, !drop);
	engine_route_reset(st); /* before the interval is reckoned, unlike after an ordinary RTO */
	retrans_backoff(st, ev, st->profile->backoff_shrunk);
	if (drop || !retrans_answer(st, ev))
		retrans_arm(st, ev);
}

/* tcp_retransmit_timer(), net/ipv4/tcp_timer.c */
void engine_retrans_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	bool drop = st->flags & TCPTIMER_ENGINE_LOCAL_DROP;
	bool counted = st->profile->local_drop == TCPTIMER_DROP_COUNT;
	enum engine_answer answer;

	if (!st->packets_out)
		return;
	if (!st->snd_wnd && !engine_is_dead(st) && !engine_in_syn_state(st)) {
		retrans_closed_window(st, ev);
		return;
	}
	answer = engine_write_timeout(st, ev);
	if (answer != ENGINE_NO && engine_conclude(st, answer, ev))
		return;

	engine_enter_loss(st);
	ev->flags |= TCPTIMER_EV_LOSS;
	if (counted) {
		st->retransmits++;
		st->total_rto++;
	}
	retrans_stamp(st, !drop);
	if (drop) {
		retrans_local_drop(st, ev);
		ev->n = ++st->n;
		return;
	}
	if (!counted) { /* before 5.1, after the segment left */
		st->retransmits++;
		st->total_rto++;
	}
	ev->action = TCPTIMER_ACTION_RETRANSMITTED;
	ev->n = ++st->n;
	retrans_backoff(st, ev, true);
	if (st->told &&
	    engine_retransmits_timed_out(st, st->s->sysctls.retries1 + 1u, 0) == ENGINE_YES)
		ev->flags |= TCPTIMER_EV_ROUTE_RESET;
	if (!retrans_answer(st, ev))
		retrans_arm(st, ev);
}

/* tcp_rtx_probe0_timed_out() will not say yes: not while the peer answers, or by no limit at all. */
static bool retrans_closed_hopeless(const struct engine_stream *st)
{
	const struct engine_mark *rcv = &st->marks[ENGINE_MARK_RCV];
	bool ignored = engine_ignores(st, TCPTIMER_LIMIT_RTO_MAX);
	bool answered = st->peer == TCPTIMER_PEER_ZERO_WINDOW &&
			!(st->flags & TCPTIMER_ENGINE_LOCAL_DROP);
	__s64 limit = (__s64)st->rto_max * (st->profile->shrunk_twice ? 2 : 1);

	if (st->profile->shrunk_window != TCPTIMER_SHRUNK_RCV && st->user_timeout)
		return false;
	if (ignored)
		return true;
	/* Answers come with every retransmission, of which none waits longer than rto_max. */
	return answered && st->profile->shrunk_window != TCPTIMER_SHRUNK_RCV &&
	       rcv->since.hi + st->delay.hi <= limit;
}

/* No limit is left that could end it, however long it retransmits. */
bool engine_retrans_hopeless(const struct engine_stream *st)
{
	bool drop = st->flags & TCPTIMER_ENGINE_LOCAL_DROP;
	bool dead = engine_is_dead(st);

	if (!drop && (st->peer == TCPTIMER_PEER_ACKS || st->peer == TCPTIMER_PEER_RESETS))
		return false;
	if (dead && (st->flags & TCPTIMER_ENGINE_OUT_OF_RESOURCES) &&
	    !engine_ignores(st, TCPTIMER_LIMIT_MEMORY))
		return false;
	if (engine_in_syn_state(st)) {
		if (st->peer != TCPTIMER_PEER_SILENT && !drop)
			return false;
		if (st->user_timeout && st->profile->syn_limit == TCPTIMER_SYN_COUNT_OR_TIME)
			return false;
		return engine_ignores(st, st->s->syn_retries ? TCPTIMER_LIMIT_SYNCNT :
							       TCPTIMER_LIMIT_SYN_RETRIES);
	}
	if (!st->snd_wnd && !dead)
		return retrans_closed_hopeless(st);
	if (st->user_timeout || (st->peer == TCPTIMER_PEER_ZERO_WINDOW && !dead && !drop))
		return false;
	return engine_ignores(st, dead ? TCPTIMER_LIMIT_ORPHAN_RETRIES : TCPTIMER_LIMIT_RETRIES2);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives round-trip times, or a stream whose first timer is a loss probe or RACK's.
 * Hands back RTOs as tcp_set_rto() computes them, and what those timers do ahead of the first RTO.
 */
#include "core.h"

/* __tcp_set_rto(), include/net/tcp.h; srtt_us is scaled by 8. The sum is 32 bits. */
static __u32 rto_unbounded(__u32 hz, __u32 srtt_us, __u32 rttvar_us)
{
	return (__u32)tcptimer_usecs_to_jiffies((srtt_us >> 3) + rttvar_us, hz);
}

__u32 tcptimer_rto_from_rtt(__u32 hz, __u32 srtt_us, __u32 rttvar_us, __u32 rto_max_jiffies)
{
	return engine_min_u32(rto_unbounded(hz, srtt_us, rttvar_us), rto_max_jiffies);
}

/* tcp_rtt_estimator(), net/ipv4/tcp_input.c: the first sample makes rto = 3 rtt, or rtt + rto_min. */
void tcptimer_rto_first_sample(__u32 hz, struct tcptimer_snapshot *s, __u32 rtt_us)
{
	__u32 rto_min = s->rto_min_jiffies ? s->rto_min_jiffies : TCPTIMER_RTO_MIN_JIFFIES(hz);

	s->srtt_us = engine_max_u32(rtt_us << 3, 1);
	s->mdev_us = rtt_us << 1;
	s->rttvar_us = engine_max_u32(s->mdev_us, tcptimer_jiffies_to_usecs(rto_min, hz));
}

/*
 * TCP_TIMEOUT_INIT: 1 s since 3.1 (RFC 6298), 3 s before. A handshake that needed a retransmission
 * gives no RTT sample: TCP_TIMEOUT_FALLBACK, 3 s (tcp_init_transfer(), tcp_create_openreq_child()).
 */
__u32 tcptimer_rto_initial(const struct tcptimer_profile *profile, __u32 hz, bool retransmitted,
			   __u32 timeout_init_jiffies)
{
	__u32 init = timeout_init_jiffies ? timeout_init_jiffies :
					    TCPTIMER_TIMEOUT_INIT_JIFFIES(hz);

	(void)profile; /* all of the profiles are younger than 3.1 */
	return retransmitted ? 3 * hz : engine_min_u32(init, TCPTIMER_RTO_MAX_JIFFIES(hz));
}

/* tcp_stream_is_thin() and who asked for linear timeouts: tcp_retransmit_timer(). */
bool engine_is_thin(const struct engine_stream *st)
{
	return st->tcp_state == TCPTIMER_STATE_ESTABLISHED &&
	       ((st->s->flags & TCPTIMER_F_THIN_LTO) || st->s->sysctls.thin_linear_timeouts) &&
	       st->packets_out < 4 && st->ssthresh < ENGINE_INFINITE_SSTHRESH &&
	       st->retransmits <= ENGINE_THIN_LINEAR_RETRIES;
}

/* clamp(__tcp_set_rto(), rto_min, rto_max) since 6.5; before, not below nothing: 1 ms storms. */
__u32 engine_rto_thin(const struct engine_stream *st)
{
	__u32 rto = rto_unbounded(st->hz, st->s->srtt_us, st->s->rttvar_us);

	if (st->profile->thin_clamp)
		rto = engine_max_u32(rto, st->rto_min);
	return engine_min_u32(rto, st->rto_max);
}

/*
 * __sk_dst_reset(): without the route its metric is gone, and the socket's own rto_min holds again. A
 * snapshot lacks that one where the route's took its place, but sockets begin with the namespace's.
 */
void engine_route_reset(struct engine_stream *st)
{
	__u32 own_us = st->s->sysctls.rto_min_us;

	if (!(st->s->flags & TCPTIMER_F_RTO_MIN_ROUTE))
		return;
	st->rto_min = own_us ? (__u32)tcptimer_usecs_to_jiffies(own_us, st->hz) :
			       TCPTIMER_RTO_MIN_JIFFIES(st->hz);
}

/*
 * tcp_enter_loss(), net/ipv4/tcp_input.c, as far as timers see it: ssthresh is set in the first RTO
 * of an episode, so that even a stream that never left slow start counts as thin from then on.
 */
void engine_enter_loss(struct engine_stream *st)
{
	bool high_after = (__s32)(st->s->high_seq - st->s->snd_una) > 0;

	if (st->ca_state <= 1 || !high_after || (st->ca_state == 4 && !st->retransmits))
		st->ssthresh = engine_min_u32(st->ssthresh, 2);
	st->ca_state = 4; /* TCP_CA_Loss */
	st->tlp_outstanding = 0;
}

/* 3.10 to 4.12: twice the RTT, more for a lone segment whose ACK may be delayed; 10 ms at least. */
static __u32 loss_probe_rtt2(__u32 hz, const struct tcptimer_snapshot *s)
{
	__u32 rtt = (__u32)tcptimer_usecs_to_jiffies(s->srtt_us >> 3, hz);
	__u32 timeout = rtt << 1;

	if (s->packets_out == 1)
		timeout = engine_max_u32(timeout, rtt + (rtt >> 1) + hz / 5);
	return engine_max_u32(timeout, (__u32)tcptimer_msecs_to_jiffies(10, hz));
}

/*
 * tcp_schedule_loss_probe(), net/ipv4/tcp_output.c: two RTTs, plus rto_min for a lone segment (a
 * delayed ACK), but not after the RTO. Nothing while in recovery, without SACK, or before a fast
 * open is acknowledged.
 */
__u32 tcptimer_loss_probe_delay(const struct tcptimer_profile *profile, __u32 hz,
				const struct tcptimer_snapshot *s, __u32 rto_left_jiffies)
{
	__u32 rto_min = s->rto_min_jiffies ? s->rto_min_jiffies : TCPTIMER_RTO_MIN_JIFFIES(hz);
	bool lone = s->packets_out == 1;
	__u32 timeout, us;

	if (s->sysctls.early_retrans != 3 && s->sysctls.early_retrans != 4)
		return 0;
	if ((s->flags & TCPTIMER_F_TFO_CHILD) || !(s->flags & TCPTIMER_F_SACK) || !s->packets_out)
		return 0;
	/* TCP_CA_Open or CWR; before 4.13 Open alone. */
	if (s->ca_state != 0 && (s->ca_state != 2 || profile->tlp_needs_rtt))
		return 0;

	if (!s->srtt_us) {
		if (profile->tlp_needs_rtt)
			return 0;
		timeout = TCPTIMER_TIMEOUT_INIT_JIFFIES(hz);
	} else if (profile->tlp == TCPTIMER_TLP_RTT2) {
		timeout = loss_probe_rtt2(hz, s);
	} else if (profile->tlp == TCPTIMER_TLP_JIFFIES) {
		timeout = (__u32)tcptimer_usecs_to_jiffies(s->srtt_us >> 2, hz);
		timeout += lone ? rto_min : 2;
	} else {
		us = (s->srtt_us >> 2) + (lone ? tcptimer_jiffies_to_usecs(rto_min, hz) : 2000);
		timeout = (__u32)tcptimer_usecs_to_jiffies(us, hz);
	}
	return rto_left_jiffies ? engine_min_u32(timeout, rto_left_jiffies) : timeout;
}

/* tcp_rack_reo_wnd(), net/ipv4/tcp_recovery.c */
__u32 tcptimer_reo_wnd_us(const struct tcptimer_snapshot *s, bool reordering_seen)
{
	if (!reordering_seen) {
		if (s->ca_state >= 3) /* TCP_CA_Recovery */
			return 0;
		/* TCP_RACK_NO_DUPTHRESH; tp->reordering starts at 3 */
		if (s->sacked_out >= 3 && !(s->sysctls.recovery & 4))
			return 0;
	}
	return engine_min_u32((s->min_rtt_us >> 2) * s->reordering_steps, s->srtt_us >> 3);
}

/* tcp_rack_mark_lost(): with TCP_TIMEOUT_MIN added, in us since 6.6; never beyond the RTO. */
__u32 tcptimer_reo_delay(const struct tcptimer_profile *profile, __u32 hz,
			 const struct tcptimer_snapshot *s, __u32 remaining_us)
{
	__u32 delay;

	if (!remaining_us)
		return 0;
	if (profile->tlp == TCPTIMER_TLP_US)
		delay = (__u32)tcptimer_usecs_to_jiffies(remaining_us + 2000, hz);
	else
		delay = (__u32)tcptimer_usecs_to_jiffies(remaining_us, hz) + 2;
	return engine_min_u32(delay, s->rto_jiffies);
}

/*
 * tcp_rearm_rto() when what fired was not the RTO timer: the rest of the RTO since the head was last
 * sent, at least a microsecond.
 */
static void rto_arm_rest(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	const struct engine_mark *head = &st->marks[ENGINE_MARK_HEAD];
	struct engine_span rest;

	if (st->exact) {
		/* tcp_rto_delta_us() rounds up, and the stamp lost what it had below a ms. */
		__s64 gone = engine_elapsed_ms(st, ENGINE_MARK_HEAD).lo * 1000000 +
			     (__s64)((st->base_ns + (__u64)st->at.lo * st->tick_ns) % 1000000);

		rest.lo = (st->rto * (__s64)st->tick_ns - gone) / st->tick_ns + 1;
		rest.lo = engine_min_s64(engine_max_s64(rest.lo, 1), st->rto);
		rest.hi = rest.lo;
	} else {
		__s64 early = (-head->skew_lo_ns + st->tick_ns - 1) / st->tick_ns;
		__s64 late = (head->skew_hi_ns + st->tick_ns - 1) / st->tick_ns;

		rest.lo = engine_max_s64(st->rto - head->since.hi - late, 1);
		rest.hi = engine_max_s64(st->rto - head->since.lo + early + 1, 1);
	}
	ev->rto_ms = engine_told_ms(st, (__u64)rest.hi);
	engine_arm_from(st, TCPTIMER_TIMER_RETRANS, ENGINE_MARK_COUNT, rest, rest);
}

/*
 * tcp_send_loss_probe(), net/ipv4/tcp_output.c: the last segment again (or new data), and the RTO
 * starts over from now. One probe at most is out: a second firing only re-arms the rest of the RTO,
 * and so does a probe that this host's own queue dropped.
 */
void engine_loss_probe_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	bool drop = st->flags & TCPTIMER_ENGINE_LOCAL_DROP;

	if (!st->packets_out) {
		ev->action = TCPTIMER_ACTION_NONE;
		return;
	}
	if (st->tlp_outstanding || drop) {
		ev->action = drop && !st->tlp_outstanding ? TCPTIMER_ACTION_RETRANSMIT_FAILED :
							    TCPTIMER_ACTION_REARMED;
		ev->flags |= drop ? TCPTIMER_EV_LOCAL_DROP : 0;
		rto_arm_rest(st, ev);
		return;
	}
	/* __tcp_retransmit_skb(): behind a window that shrank to nothing only the head may go (EAGAIN). */
	if (!st->snd_wnd && st->packets_out > 1) {
		ev->action = TCPTIMER_ACTION_RETRANSMIT_FAILED;
		ev->n = 1;
		rto_arm_rest(st, ev);
		return;
	}
	ev->action = TCPTIMER_ACTION_PROBED;
	ev->n = 1;
	st->tlp_outstanding = 1;
	/* The probe of a lone segment is its head. */
	if (st->packets_out == 1)
		engine_mark_now(st, ENGINE_MARK_HEAD);
	if (st->peer == TCPTIMER_PEER_ACKS) {
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		return;
	}
	if (engine_answer_fatal(st))
		return;
	if (st->peer == TCPTIMER_PEER_ZERO_WINDOW) {
		ev->flags |= TCPTIMER_EV_ANSWERED;
		st->snd_wnd = 0;
		engine_mark_answer(st, ENGINE_MARK_RCV, st->rto);
	} else if (st->peer == TCPTIMER_PEER_UNREACHABLE) {
		ev->flags |= TCPTIMER_EV_ANSWERED;
		st->err_soft = ENGINE_EHOSTUNREACH;
	}
	engine_arm(st, TCPTIMER_TIMER_RETRANS, st->rto);
	ev->rto_ms = engine_told_ms(st, st->rto);
}

/*
 * tcp_rack_reo_timeout(), net/ipv4/tcp_recovery.c: what waited long enough is lost and is sent
 * again, which stamps the first retransmission; the RTO starts over with it. With nothing sent
 * (a local drop), tcp_rearm_rto() leaves the rest of the RTO.
 */
void engine_reo_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	bool drop = st->flags & TCPTIMER_ENGINE_LOCAL_DROP;

	if (!st->packets_out) {
		ev->action = TCPTIMER_ACTION_NONE;
		return;
	}
	ev->action = TCPTIMER_ACTION_RECOVERING;
	if (st->ca_state < 3)
		st->ca_state = 3; /* TCP_CA_Recovery */
	if (drop) {
		ev->flags |= TCPTIMER_EV_LOCAL_DROP;
		rto_arm_rest(st, ev);
		return;
	}
	if (!st->marks[ENGINE_MARK_RETRANS].set)
		engine_mark_now(st, ENGINE_MARK_RETRANS);
	engine_mark_now(st, ENGINE_MARK_HEAD);
	if (st->peer == TCPTIMER_PEER_ACKS) {
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		return;
	}
	if (engine_answer_fatal(st))
		return;
	engine_arm(st, TCPTIMER_TIMER_RETRANS, st->rto);
	ev->rto_ms = engine_told_ms(st, st->rto);
}

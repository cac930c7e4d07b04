// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream whose delayed-ACK timer fires, or a socket to which data has come.
 * Hands back when its ACK leaves, and how ato and pingpong change when it was missed.
 */
#include "core.h"

/* inet_csk_in_pingpong_mode(): the count against tcp_pingpong_thresh (1 before 6.4, or 3). */
static bool delack_pingpong(const struct tcptimer_snapshot *s)
{
	__u8 thresh = s->sysctls.pingpong_thresh ? s->sysctls.pingpong_thresh : 1;

	return s->delack_pingpong >= thresh;
}

/* tcp_delack_max(): since 6.7 below rto_min, so that a peer's TLP does not outrun the ACK. */
static __u32 delack_max(const struct tcptimer_profile *profile, __u32 hz,
			const struct tcptimer_snapshot *s)
{
	__u32 limit = s->delack_max_jiffies ? s->delack_max_jiffies : hz / 5;
	__u32 rto_min = s->rto_min_jiffies ? s->rto_min_jiffies : TCPTIMER_RTO_MIN_JIFFIES(hz);

	if (!profile->delack_rto_min)
		return limit;
	return engine_min_u32(limit, engine_max_u32(rto_min, 2) - 1);
}

/* tcp_send_delayed_ack(), net/ipv4/tcp_output.c */
void tcptimer_delack_schedule(const struct tcptimer_profile *profile, __u32 hz,
			      const struct tcptimer_snapshot *s, struct tcptimer_delack *ret_delack)
{
	__u32 ato_min = hz >= 100 ? hz / 25 : 4; /* TCP_DELACK_MIN */
	__u32 ato = s->delack_ato_jiffies;
	__u32 max_ato = hz / 2;
	__u32 rtt;

	*ret_delack = (struct tcptimer_delack){ 0 };
	if (ato > ato_min) {
		if (delack_pingpong(s) || (s->delack_pending & TCPTIMER_ACK_PUSHED))
			max_ato = hz / 5; /* TCP_DELACK_MAX */
		if (s->srtt_us) {
			rtt = (__u32)tcptimer_usecs_to_jiffies(s->srtt_us >> 3, hz);
			max_ato = engine_min_u32(max_ato, engine_max_u32(rtt, ato_min));
		}
		ato = engine_min_u32(ato, max_ato);
	}
	ato = engine_min_u32(ato, delack_max(profile, hz, s));
	ret_delack->ato_jiffies = ato;
	ret_delack->expires = s->now_jiffies + ato;
	if (!(s->delack_pending & TCPTIMER_ACK_TIMER))
		return;
	/* An earlier timer: about to expire, the ACK leaves now; else the earlier of the two. */
	if ((__s64)(s->delack_expires - (s->now_jiffies + (ato >> 2))) <= 0)
		ret_delack->now = true;
	else if ((__s64)(ret_delack->expires - s->delack_expires) >= 0)
		ret_delack->expires = s->delack_expires;
}

/*
 * tcp_delack_timer_handler(), net/ipv4/tcp_timer.c: a timer that had to send the ACK either doubles
 * ato, or ends pingpong and starts ato over. icsk_ack.ato has 8 bits since 6.10; what they held
 * above 255 was lost until stable kernels capped it.
 */
void tcptimer_delack_missed(const struct tcptimer_profile *profile, __u32 hz,
			    const struct tcptimer_snapshot *s, __u32 *ret_ato_jiffies,
			    __u8 *ret_pingpong)
{
	__u32 ato = engine_min_u32(s->delack_ato_jiffies << 1, s->rto_jiffies);

	*ret_pingpong = s->delack_pingpong;
	if (delack_pingpong(s)) {
		*ret_pingpong = 0;
		*ret_ato_jiffies = hz >= 100 ? hz / 25 : 4; /* TCP_ATO_MIN */
		return;
	}
	if (profile->ato_inflate == TCPTIMER_ATO_DELACK_MAX)
		ato = engine_min_u32(ato, hz / 5) & 255;
	else if (profile->ato_inflate == TCPTIMER_ATO_WRAP8)
		ato &= 255;
	*ret_ato_jiffies = ato;
}

/* __tcp_send_ack() without memory for the segment: 200 ms, doubled each time, up to rto_max. */
__u32 tcptimer_delack_retry(__u32 hz, __u32 rto_max_jiffies, __u8 *retry)
{
	__u64 delay = (__u64)(hz / 5) << (*retry & 63);

	if (delay < rto_max_jiffies)
		++*retry;
	return delay < rto_max_jiffies ? (__u32)delay : rto_max_jiffies;
}

/*
 * tcp_delack_timer_handler(): nothing when the ACK left meanwhile; again when icsk_ack.timeout was
 * moved. A socket in use leaves it to release_sock() (TCP_DELACK_TIMER_DEFERRED; `blocked` before).
 */
void engine_delack_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	const struct tcptimer_snapshot *s = st->s;
	__s32 later = (__s32)(s->dack_timeout - (__u32)s->delack_expires);
	__s64 rest = later - st->late.lo;

	if (!(s->delack_pending & TCPTIMER_ACK_TIMER))
		return;
	if (st->steps == 1 && later > 0 && rest > 0) {
		ev->action = TCPTIMER_ACTION_REARMED;
		ev->rto_ms = engine_told_ms(st, (__u64)rest);
		engine_arm(st, TCPTIMER_TIMER_DELACK, rest);
		return;
	}
	if (s->delack_pending & TCPTIMER_ACK_SCHED)
		ev->action = TCPTIMER_ACTION_ACKED;
}

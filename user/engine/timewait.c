// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a mini-socket (TIME_WAIT, or FIN_WAIT2 without its process), or a segment that meets it.
 * Hands back when it goes away, and what each kind of segment does to it.
 */
#include "core.h"

/*
 * Before 4.1 mini-sockets shared host-wide timers, include/net/inet_timewait_sock.h and
 * inet_twsk_schedule() (3.15; from memory): up to about 4 s, 32 fast slots; above, 8 slow ones of
 * 7.5 s, where the first comes up at any time within its period. So 60 s are 52.5 to 60 s.
 */
struct engine_span engine_timewait_slot(const struct engine_stream *st, __u32 timeout)
{
	__u32 tick = 1, slot, period;

	/* INET_TWDR_RECYCLE_TICK: the smallest with 32 << tick at least 4 s, of those for HZ 16..4096 */
	while (32u << tick < 4 * st->hz && tick < 9)
		tick++;
	slot = (timeout + (1u << tick) - 1) >> tick;
	if (slot < 32) {
		struct engine_span fast = { (__s64)(slot ? slot : 1) << tick, 0 };

		/* The wheel of fast slots may have started up to a slot ago. */
		fast.hi = fast.lo + (1ll << tick);
		fast.lo = engine_max_s64(fast.lo - (1ll << tick), 1);
		return fast;
	}
	period = TCPTIMER_TIMEWAIT_LEN_JIFFIES(st->hz) / 8;
	slot = engine_min_u32((timeout + period - 1) / period, 7);
	return (struct engine_span){ (__s64)slot * period + 1, (__s64)(slot + 1) * period };
}

/* tw_timer_handler(), net/ipv4/inet_timewait_sock.c: nobody is told and nothing is sent. */
void engine_timewait_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	enum tcptimer_limit limit = TCPTIMER_LIMIT_TIMEWAIT_LEN;
	__u32 length = TCPTIMER_TIMEWAIT_LEN_JIFFIES(st->hz);

	if (st->tcp_state == TCPTIMER_STATE_FIN_WAIT2) {
		length = tcptimer_fin_time(st->s, &limit);
		engine_end_plain(st, TCPTIMER_CAUSE_FIN_WAIT2, limit,
				 engine_interval_ms(st, length));
	} else {
		engine_end_plain(st, TCPTIMER_CAUSE_CLOSED, limit, engine_interval_ms(st, length));
	}
	engine_conclude(st, ENGINE_YES, ev);
	ev->action = TCPTIMER_ACTION_ENDED;
}

/* An ACK in answer, unless tcp_invalid_ratelimit holds it back (4.0). */
static void timewait_ack(const struct tcptimer_profile *profile, const struct tcptimer_snapshot *s,
			 const struct tcptimer_tw_segment *seg, enum tcptimer_oow_reason reason,
			 struct tcptimer_tw_result *res)
{
	struct tcptimer_oow_result oow;

	tcptimer_oow_check(profile, s, reason, !seg->empty, seg->syn, &oow);
	res->ratelimited = oow.limited;
	res->verdict = oow.limited ? TCPTIMER_TW_DROP : TCPTIMER_TW_ACK;
	if (oow.limited)
		res->counter = oow.counter;
}

static void timewait_restart(__u32 hz, struct tcptimer_tw_result *res)
{
	res->timer = TCPTIMER_TW_RESTARTED;
	res->timeout_jiffies = TCPTIMER_TIMEWAIT_LEN_JIFFIES(hz);
}

/* The FIN_WAIT2 half of tcp_timewait_state_process(). */
static void timewait_fin_wait2(const struct tcptimer_profile *profile, __u32 hz,
			       const struct tcptimer_snapshot *s,
			       const struct tcptimer_tw_segment *seg, bool recycle,
			       struct tcptimer_tw_result *res)
{
	if (seg->paws_reject || !seg->in_window) {
		timewait_ack(profile, s, seg, TCPTIMER_OOW_FIN_WAIT2, res);
		return;
	}
	if (seg->rst) {
		res->timer = TCPTIMER_TW_KILLED;
		return;
	}
	if (seg->syn && (seg->seq_after || seg->at_rcv_nxt)) {
		res->verdict = TCPTIMER_TW_RST;
		res->timer = TCPTIMER_TW_KILLED;
		return;
	}
	/* A duplicate ACK */
	if (!seg->ack || !seg->end_after || seg->empty)
		return;
	/* Data after both sides' half-close, or a FIN that is not next */
	if (!seg->fin || !seg->end_is_next) {
		res->verdict = TCPTIMER_TW_RST;
		res->timer = TCPTIMER_TW_KILLED;
		return;
	}
	res->verdict = TCPTIMER_TW_ACK;
	res->substate = TCPTIMER_STATE_TIME_WAIT;
	timewait_restart(hz, res);
	/* tcp_tw_recycle (removed in 4.12): with timestamps, tw_timeout, which is 3.5 RTOs. */
	if (recycle && profile->tw_recycle && s->tw_ts_recent_stamp)
		res->timeout_jiffies = (s->rto_jiffies << 2) - (s->rto_jiffies >> 1);
}

/*
 * tcp_timewait_state_process(), net/ipv4/tcp_minisocks.c: an ACK restarts the 60 s, an RST kills
 * (unless tcp_rfc1337), a SYN with a newer sequence number or timestamp may reopen, and all else is
 * answered by an ACK.
 */
int tcptimer_timewait_segment(const struct tcptimer_profile *profile, __u32 hz,
			      const struct tcptimer_snapshot *s,
			      const struct tcptimer_tw_segment *seg, bool recycle,
			      struct tcptimer_tw_result *ret_result)
{
	struct tcptimer_tw_result *res = ret_result;

	if (!profile || !s || !seg || !res)
		return TCPTIMER_ENGINE_EARG;
	if (hz < TCPTIMER_HZ_MIN || hz > TCPTIMER_HZ_MAX)
		return TCPTIMER_ENGINE_EHZ;
	if (s->kind != TCPTIMER_SOCK_TIMEWAIT)
		return TCPTIMER_ENGINE_ESTATE;
	*res = (struct tcptimer_tw_result){ .substate = s->state };
	if (s->state == TCPTIMER_STATE_FIN_WAIT2) {
		timewait_fin_wait2(profile, hz, s, seg, recycle, res);
		return 0;
	}
	/* In window it may only be an RST or a bare ACK. */
	if (!seg->paws_reject && seg->at_rcv_nxt && (seg->empty || seg->rst)) {
		if (!seg->rst)
			timewait_restart(hz, res);
		else if (!s->sysctls.rfc1337)
			res->timer = TCPTIMER_TW_KILLED;
		return 0;
	}
	if (seg->syn && !seg->rst && !seg->ack && !seg->paws_reject &&
	    (seg->seq_after || (seg->has_tstamp && seg->tstamp_newer))) {
		/* tcp_v4_rcv(): with a listener the mini-socket goes, else an ACK is sent. */
		res->verdict = TCPTIMER_TW_SYN;
		return 0;
	}
	if (seg->paws_reject)
		res->counter = profile->paws_tw_counter ? "PAWSTimewait" : "PAWSEstab";
	if (seg->rst)
		return 0;
	/* An ACKless SYN may be a good new one with an older number: it does not restart. */
	if (seg->paws_reject || seg->ack)
		timewait_restart(hz, res);
	timewait_ack(profile, s, seg, TCPTIMER_OOW_TIME_WAIT, res);
	return 0;
}

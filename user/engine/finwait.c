// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a socket that was closed in FIN_WAIT2, full or handed over to a mini-socket.
 * Hands back how long the kernel waits for the peer's FIN, and what it does then.
 */
#include "core.h"

/* 3.5 RTOs: 1 + 2 and half of one, in which two retransmissions of the peer's FIN fit. */
static __s64 finwait_rto(__u32 rto)
{
	return (__s64)((__u64)rto << 2) - (rto >> 1);
}

/* tcp_fin_time(), include/net/tcp.h: TCP_LINGER2, or the sysctl, but at least 3.5 RTOs. */
__u32 tcptimer_fin_time(const struct tcptimer_snapshot *s, enum tcptimer_limit *ret_limit)
{
	__s64 rto = finwait_rto(s->rto_jiffies);
	__s64 time = s->linger2_jiffies;

	*ret_limit = TCPTIMER_LIMIT_LINGER2;
	if (!time) {
		time = s->sysctls.fin_timeout_jiffies;
		*ret_limit = TCPTIMER_LIMIT_FIN_TIMEOUT;
	}
	if (time < rto) {
		time = rto;
		*ret_limit = TCPTIMER_LIMIT_FIN_RTO;
	}
	return (__u32)time;
}

/* The mini-socket's time, once tcp_time_wait() took over: at least 3.5 RTOs. */
static void finwait_hand_over(struct engine_stream *st, struct tcptimer_engine_event *ev,
			      __u32 timeout)
{
	timeout = (__u32)engine_max_s64(timeout, finwait_rto(st->rto));
	ev->action = TCPTIMER_ACTION_HANDED_OVER;
	ev->rto_ms = engine_told_ms(st, timeout);
	engine_arm(st, TCPTIMER_TIMER_FIN_WAIT2, timeout);
	if (st->profile->tw_timer == TCPTIMER_TW_SLOTS) {
		st->delay = engine_timewait_slot(st, timeout);
		st->slack = (struct engine_span){ 0, 0 };
		st->next_phase.bits = 0;
	}
	/* From here on the timer is the mini-socket's. */
	st->kind = ENGINE_STREAM_MINI;
	st->tcp_state = TCPTIMER_STATE_FIN_WAIT2;
}

/*
 * The FIN_WAIT2 part of tcp_keepalive_timer(), net/ipv4/tcp_timer.c: the socket itself waited for
 * what exceeds TCP_TIMEWAIT_LEN, a mini-socket waits for the same rest again. With no rest, or a
 * negative TCP_LINGER2, an RST leaves and nobody is told.
 */
void engine_fin_wait2_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	enum tcptimer_limit limit;
	__u32 time = tcptimer_fin_time(st->s, &limit);
	__u32 length = TCPTIMER_TIMEWAIT_LEN_JIFFIES(st->hz);

	engine_end_plain(st, TCPTIMER_CAUSE_FIN_WAIT2, limit, engine_interval_ms(st, time));
	if (st->s->linger2_jiffies >= 0 && time > length) {
		finwait_hand_over(st, ev, time - length);
		return;
	}
	st->end.rst = true;
	engine_conclude(st, ENGINE_YES, ev);
}

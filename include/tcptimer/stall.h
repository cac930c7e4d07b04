/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "stalled" means, and how long a stall has lasted: one definition for the kernel side and ours.
 * Receives a snapshot; hands the timer that keeps the stall, and its age. See tcptimer(8), STALLED.
 */
#ifndef TCPTIMER_STALL_H
#define TCPTIMER_STALL_H

#include "snapshot.h"
#include "words.h"

#define TCPTIMER_CA_LOSS 4 /* TCP_CA_Loss */

/*
 * A keepalive probe is out, and an answer would be here by now: a second one had to follow, or an RTO
 * has passed since the first. (It left when its timer was armed, an interval before that expires.) A
 * healthy peer's answer takes a round trip, and is no stall.
 */
static inline int tcptimer_keepalive_unanswered(const struct tcptimer_snapshot *s)
{
	__u64 left = s->keep_expires - s->now_jiffies;

	if (!(s->flags & TCPTIMER_F_KEEPOPEN) || !s->probes_out)
		return 0;
	if (s->probes_out > 1 || left >> 63)
		return 1;
	return left + s->rto_jiffies <= s->keepalive_intvl_jiffies;
}

/*
 * What an open stall is made of, named by the timer that keeps it: TCPTIMER_TIMER_NONE when the
 * socket is not stalled, else SYN, SYNACK, RETRANS, PROBE0 or KEEPALIVE. The definition of
 * "stalled", for the kernel side and the user's alike (see tcptimer(8), STALLED).
 */
static inline int tcptimer_stall_timer(const struct tcptimer_snapshot *s)
{
	if (s->kind == TCPTIMER_SOCK_TIMEWAIT)
		return TCPTIMER_TIMER_NONE;
	if (s->kind == TCPTIMER_SOCK_REQUEST)
		return s->retransmits ? TCPTIMER_TIMER_SYNACK : TCPTIMER_TIMER_NONE;
	switch (s->state) {
	case TCPTIMER_STATE_SYN_SENT: /* a second SYN went out, or was tried */
		return s->retransmits ? TCPTIMER_TIMER_SYN : TCPTIMER_TIMER_NONE;
	case TCPTIMER_STATE_CLOSE:
	case TCPTIMER_STATE_LISTEN:
		return TCPTIMER_TIMER_NONE;
	}
	if (s->flags & TCPTIMER_F_TFO_CHILD)
		return s->num_timeout ? TCPTIMER_TIMER_SYNACK : TCPTIMER_TIMER_NONE;
	if (s->packets_out) {
		/* Against a window that shrank to zero the RTO fires and icsk_retransmits stays 0. */
		if (s->retransmits ||
		    (!s->snd_wnd && s->ca_state == TCPTIMER_CA_LOSS && s->retrans_stamp))
			return TCPTIMER_TIMER_RETRANS;
		return TCPTIMER_TIMER_NONE;
	}
	/* probes_tstamp is set as the first probe goes and cleared when the window opens */
	if (s->write_seq != s->snd_nxt)
		return s->probes_tstamp ? TCPTIMER_TIMER_PROBE0 : TCPTIMER_TIMER_NONE;
	return tcptimer_keepalive_unanswered(s) ? TCPTIMER_TIMER_KEEPALIVE : TCPTIMER_TIMER_NONE;
}

/* A stamp this little after "now" was taken between the two reads: not one from before the wrap. */
#define TCPTIMER_STAMP_AHEAD_MAX 1000U

/* now - stamp on a clock of 32 bits; 0 for a stamp that is slightly ahead. */
static inline __u32 tcptimer_stamp_age(__u32 now, __u32 stamp)
{
	__u32 age = now - stamp;

	return age > ~0U - TCPTIMER_STAMP_AHEAD_MAX ? 0 : age;
}

/*
 * Since the first retransmission was tried (SYN: since the SYN itself), by retrans_stamp, as
 * retransmits_timed_out() measures. In microseconds (TCP timestamps in us, 6.7) the stamp wraps
 * after 71 minutes, beyond which only a stall against a shrunk window can last.
 */
static inline __u64 tcptimer_stall_retrans_ms(const struct tcptimer_snapshot *s)
{
	__u32 now_ms = (__u32)(s->now_ns / 1000000);

	if (!s->retrans_stamp) /* undone: the head's last sending is all that is left */
		return s->head_stamp_ms ? tcptimer_stamp_age(now_ms, s->head_stamp_ms) : 0;
	if (s->flags & TCPTIMER_F_USEC_TS)
		return tcptimer_stamp_age((__u32)(s->now_ns / 1000), s->retrans_stamp) / 1000;
	return tcptimer_stamp_age(now_ms, s->retrans_stamp);
}

/*
 * Since the request was made, that is since the first SYN-ACK: reqsk_timer_handler() waits timeout,
 * then min(timeout << n, RTO_MAX) after its n-th run. So: the periods that are over, plus what of
 * the running one has passed. A SYN that the peer repeats starts the running period anew: then this
 * is too little.
 */
static inline __u64 tcptimer_stall_synack_jiffies(const struct tcptimer_snapshot *s, __u32 hz)
{
	__u64 max = s->rto_max_jiffies ? s->rto_max_jiffies : 120ULL * hz;
	__u64 period = s->rto_jiffies ? s->rto_jiffies :
					hz; /* before 5.17 it has none of its own */
	__u64 left = s->mini_expires - s->now_jiffies;
	__u64 age = 0;
	unsigned int i;

	for (i = 0; i < 128 && i < s->num_timeout; i++) {
		age += period < max ? period : max;
		period = period < max ? period * 2 : max;
	}
	if (period > max)
		period = max;
	if (!(s->flags & TCPTIMER_F_TIMER_HW) || left >> 63)
		left = 0;
	return left < period ? age + period - left : age;
}

/*
 * Since the first unanswered probe was due: tcp_keepalive_timer() measures silence by
 * keepalive_time_elapsed(), and the first probe goes out when that reaches the idle time.
 */
static inline __u64 tcptimer_stall_keepalive_jiffies(const struct tcptimer_snapshot *s)
{
	__u32 data = tcptimer_stamp_age((__u32)s->now_jiffies, s->lrcvtime);
	__u32 ack = tcptimer_stamp_age((__u32)s->now_jiffies, s->rcv_tstamp);
	__u32 silence = data < ack ? data : ack;

	return silence > s->keepalive_time_jiffies ? silence - s->keepalive_time_jiffies : 0;
}

/* How long the stall has lasted, by the clock that the kernel itself uses for its timer; in ms. */
static inline __u64 tcptimer_stall_age_ms(const struct tcptimer_snapshot *s, __u32 hz)
{
	switch (tcptimer_stall_timer(s)) {
	case TCPTIMER_TIMER_SYN:
	case TCPTIMER_TIMER_RETRANS:
		return tcptimer_stall_retrans_ms(s);
	case TCPTIMER_TIMER_PROBE0: /* tcp_probe_timer(): since the first probe (5.11) */
		return tcptimer_stamp_age((__u32)s->now_jiffies, s->probes_tstamp) * 1000ULL / hz;
	case TCPTIMER_TIMER_KEEPALIVE:
		return tcptimer_stall_keepalive_jiffies(s) * 1000 / hz;
	case TCPTIMER_TIMER_SYNACK:
		/* tcp_fastopen_synack_timer() stamps the first resend of a TFO child's SYN-ACK. */
		if (s->kind == TCPTIMER_SOCK_REQUEST)
			return tcptimer_stall_synack_jiffies(s, hz) * 1000 / hz;
		return tcptimer_stall_retrans_ms(s);
	default:
		return 0;
	}
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives a seed or bytes from the property tests and the fuzz target.
 * Hands them snapshots: plausible ones of every state, or whatever the bytes say.
 */
#ifndef TCPTIMER_TESTS_ENGINE_RANDOM_H
#define TCPTIMER_TESTS_ENGINE_RANDOM_H

#include "tcptimer/engine.h"

struct engine_random {
	__u64 state;
};

static inline __u64 random_next(struct engine_random *r)
{
	__u64 z = r->state += 0x9e3779b97f4a7c15ull; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline __u32 random_below(struct engine_random *r, __u32 n)
{
	return (__u32)(random_next(r) % n);
}

static inline bool random_one_in(struct engine_random *r, __u32 n)
{
	return !random_below(r, n);
}

/* Small numbers often, large ones sometimes: up to 2^bits - 1. */
static inline __u32 random_magnitude(struct engine_random *r, __u32 bits)
{
	return (__u32)(random_next(r) & ((1ull << random_below(r, bits + 1)) - 1));
}

static inline __u32 random_hz(struct engine_random *r)
{
	static const __u32 common[] = { 100, 250, 300, 1000, 1000, 250, 24, 1024, 128, 10000 };

	return common[random_below(r, sizeof(common) / sizeof(common[0]))];
}

static inline void random_sysctls(struct engine_random *r, __u32 hz, struct tcptimer_sysctls *c)
{
	if (random_one_in(r, 3))
		c->retries2 = (__u8)random_below(r, 20);
	if (random_one_in(r, 4))
		c->orphan_retries = (__u8)random_below(r, 12);
	if (random_one_in(r, 3))
		c->syn_retries = (__u8)random_below(r, 9);
	if (random_one_in(r, 3))
		c->synack_retries = (__u8)random_below(r, 9);
	if (random_one_in(r, 3) && c->syn_linear_timeouts)
		c->syn_linear_timeouts = (__u8)random_below(r, 9);
	if (random_one_in(r, 3))
		c->fin_timeout_jiffies = (1 + random_below(r, 200)) * hz;
	if (random_one_in(r, 4))
		c->rto_min_us = 1 + random_below(r, 400000);
	if (random_one_in(r, 4))
		c->rto_max_ms = 1000 + random_below(r, 119001);
	c->retries1 = (__u8)random_below(r, 6);
	c->thin_linear_timeouts = random_one_in(r, 5);
	c->mtu_probing = random_one_in(r, 4);
	c->rfc1337 = random_one_in(r, 2);
}

/* The socket's own settings and its luck so far. */
static inline void random_socket(struct engine_random *r, __u32 hz, struct tcptimer_snapshot *s)
{
	if (random_one_in(r, 2))
		s->user_timeout_ms = random_magnitude(r, 20);
	if (random_one_in(r, 4))
		s->syn_retries = (__u8)(1 + random_below(r, 9));
	if (random_one_in(r, 4)) {
		s->own_keepalive = 7;
		s->keepalive_time_jiffies = (1 + random_magnitude(r, 12)) * hz;
		s->keepalive_intvl_jiffies = (1 + random_magnitude(r, 8)) * hz;
		s->keepalive_probes = (__u8)(1 + random_below(r, 20));
	}
	if (random_one_in(r, 4))
		s->linger2_jiffies =
			(__s32)(random_below(r, 121) * hz) - (random_one_in(r, 9) ? 1 : 0);
	if (random_one_in(r, 6))
		s->flags |= TCPTIMER_F_THIN_LTO;
	if (random_one_in(r, 5))
		s->flags &= ~TCPTIMER_F_SACK;
	if (random_one_in(r, 6))
		s->flags |= TCPTIMER_F_USEC_TS;
	if (random_one_in(r, 9))
		s->err_soft = 113;
	if (random_one_in(r, 8))
		s->snd_wnd = 0;
	s->packets_out = s->packets_out ? 1 + random_below(r, 6) : 0;
	s->family = random_one_in(r, 3) ? 10 : 2;
	s->defer_accept = (__u8)(random_one_in(r, 4) ? random_below(r, 6) : 0);
	s->flags |= random_one_in(r, 4) ? TCPTIMER_F_REQ_ACKED : 0;
	s->ack_backlog = random_below(r, 5000);
	s->ack_young = random_below(r, 3000);
}

/*
 * A plausible snapshot whose write timer is armed just now, so that it stays one when it is moved to
 * another jiffy. Returns false where the state has no timer.
 */
static inline bool random_snapshot(struct engine_random *r, const struct tcptimer_profile *p,
				   __u32 hz, struct tcptimer_snapshot *s)
{
	static const __u8 states[] = { 1, 1, 1, 1, 2, 2, 4, 5, 6, 8, 9, 11, 12 };
	__u8 state = states[random_below(r, sizeof(states))];

	if (tcptimer_snapshot_init_defaults(p, hz, state, s))
		return false;
	random_sysctls(r, hz, &s->sysctls);
	random_socket(r, hz, s);
	tcptimer_snapshot_apply_sysctls(p, hz, s);
	if (state == 1 || state == 4 || state == 8 || state == 9 || state == 11) {
		tcptimer_snapshot_set_rto(p, hz, s, 1 + random_magnitude(r, 15));
		tcptimer_snapshot_arm_data(p, hz, s);
		if (random_one_in(r, 3))
			tcptimer_snapshot_arm_probe0(p, hz, s);
		else if (random_one_in(r, 3))
			tcptimer_snapshot_arm_idle(p, hz, s);
		if (random_one_in(r, 2))
			tcptimer_snapshot_arm_keepalive(p, hz, s);
		if (random_one_in(r, 4))
			tcptimer_snapshot_arm_delack(p, hz, s);
		if (s->packets_out && random_one_in(r, 3)) { /* in the middle of it */
			s->pending = TCPTIMER_PENDING_RETRANS;
			s->write_expires = s->now_jiffies + s->rto_jiffies;
			s->write_timeout = s->write_expires;
			s->retransmits = (__u8)(1 + random_below(r, 9));
			s->backoff = s->retransmits;
			s->retrans_stamp = (__u32)(s->now_ns / 1000000) - random_magnitude(r, 17);
			if (p->usec_ts && (s->flags & TCPTIMER_F_USEC_TS))
				s->retrans_stamp =
					(__u32)(s->now_ns / 1000) - random_magnitude(r, 25);
			s->ca_state = 4;
		}
	} else if (state == 5) {
		tcptimer_snapshot_arm_fin_wait2(p, hz, s);
	}
	return true;
}

#endif

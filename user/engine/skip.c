// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream whose deadline is asked for, between two of its firings.
 * Hands it back some firings later: those of a silent peer's series that no limit ends.
 *
 * What is here is said elsewhere (retrans.c, probe0.c, keepalive.c) and has to agree with it to the bit;
 * a series that is not of the plain kind is left to those. Only exact runs, wheels of levels, and peers
 * that say nothing: there each firing is a few additions, and the last alone is followed.
 */
#include "core.h"

/* The part of the stream that each firing of a plain series changes. Jiffies are absolute. */
struct skip {
	__u64 at;    /* the firing followed last */
	__u64 next;  /* the firing that is armed */
	__s64 delay; /* with which it was armed */
	__u32 fired;
};

/* Retransmissions and probes are counted in 8 bits: a series ends before that wraps. */
#define SKIP_COUNT_MAX 254u
/*
 * Longer intervals, which no kernel has, could pass the wheel's capacity, the engine's horizon, or the 2^31 ms
 * in which a limit is seen to be reached.
 */
#define SKIP_INTERVAL_MAX (1u << 25)
/* CLOCK_MONOTONIC in ns has room for what is added to it. */
#define SKIP_CLOCK_MAX (1ull << 62)

/* tcp_write_timer_handler(): the firing to come may be too early, and re-arm. */
static bool skip_may_rearm(const struct engine_stream *st)
{
	return !st->steps && st->kind == ENGINE_STREAM_WRITE &&
	       st->s->write_timeout != st->s->write_expires;
}

/*
 * Profiles that count local drops (5.1) have what is older: the wheel's levels, the clamp, and since 5.10 SYN
 * limits by count or time.
 */
static bool skip_plain(const struct engine_stream *st)
{
	const __u32 drop = TCPTIMER_ENGINE_LOCAL_DROP | TCPTIMER_ENGINE_OUT_OF_RESOURCES;

	return st->peer == TCPTIMER_PEER_SILENT && st->exact && !(st->flags & drop) &&
	       st->profile->local_drop == TCPTIMER_DROP_COUNT && st->steps < ENGINE_STEPS_MAX / 2 &&
	       st->at.lo < ENGINE_HORIZON_JIFFIES / 2 && st->rto_max < SKIP_INTERVAL_MAX &&
	       st->base_ns < SKIP_CLOCK_MAX && !skip_may_rearm(st);
}

static void skip_open(const struct engine_stream *st, struct skip *skip)
{
	*skip = (struct skip){
		.at = st->phase.residue,
		.next = st->phase.residue + (__u64)(st->delay.lo + st->slack.lo),
		.delay = st->delay.lo,
	};
}

/* engine_stream_fire(), and engine_arm() at the new `at`. */
static inline __attribute__((always_inline)) void skip_fire(const struct engine_stream *st,
							    struct skip *skip, __s64 delay)
{
	skip->at = skip->next;
	skip->delay = delay;
	skip->next = wheel_fires(st->hz, skip->at + (__u64)delay, delay);
	skip->fired++;
}

static void skip_close(struct engine_stream *st, const struct skip *skip)
{
	__s64 passed = (__s64)(skip->at - st->phase.residue);
	__s64 slack = (__s64)(skip->next - skip->at) - skip->delay;
	unsigned int i;

	if (!skip->fired)
		return;
	for (i = 0; i < ENGINE_MARK_COUNT; i++) {
		st->marks[i].since.lo += passed;
		st->marks[i].since.hi += passed;
	}
	st->at.lo += passed;
	st->at.hi = st->at.lo;
	st->delay = (struct engine_span){ skip->delay, skip->delay };
	st->slack = (struct engine_span){ slack, slack };
	st->phase.residue = skip->at;
	st->next_phase.residue = skip->next;
	st->steps += skip->fired;
	st->n += (__u16)skip->fired;
}

/* ---- retransmissions */

/* What engine_write_timeout() compares with: constant over a plain series. */
struct skip_limit {
	__u32 count;  /* retransmissions */
	__u32 ms;     /* since the first */
	__u32 rto;    /* an orphan counts otherwise from this RTO on */
	__u32 linear; /* SYNs to come that do not double the RTO */
};

/* engine_is_thin() may say so of a firing to come: only of established streams, and of their first timeouts. */
static bool skip_may_be_thin(const struct engine_stream *st)
{
	return st->tcp_state == TCPTIMER_STATE_ESTABLISHED && st->packets_out < 4 &&
	       st->retransmits < ENGINE_THIN_LINEAR_RETRIES &&
	       ((st->s->flags & TCPTIMER_F_THIN_LTO) || st->s->sysctls.thin_linear_timeouts);
}

/* Linear timeouts of data, closed windows, and stamps in us are left to retrans.c. */
static bool skip_retrans_plain(const struct engine_stream *st)
{
	bool syn = st->tcp_state == TCPTIMER_STATE_SYN_SENT;

	return (st->snd_wnd || syn || engine_is_dead(st)) && st->packets_out &&
	       st->tcp_state != TCPTIMER_STATE_SYN_RECV && !st->ignored && !skip_may_be_thin(st) &&
	       (st->marks[ENGINE_MARK_RETRANS].set || !st->retransmits) &&
	       st->total_rto < 0xffff - SKIP_COUNT_MAX && !(st->s->flags & TCPTIMER_F_USEC_TS);
}

static void skip_syn_limit(struct engine_stream *st, struct skip_limit *ret_limit)
{
	__u32 retries = st->s->syn_retries ? st->s->syn_retries : st->s->sysctls.syn_retries;
	__u32 linear = st->s->sysctls.syn_linear_timeouts;

	ret_limit->count = retries;
	if (st->profile->syn_linear) {
		ret_limit->count += linear;
		ret_limit->linear = linear > st->total_rto ? linear - st->total_rto : 0;
	}
	ret_limit->count = engine_min_u32(ret_limit->count, SKIP_COUNT_MAX);
	ret_limit->ms = st->user_timeout ? st->user_timeout :
					   engine_model_ms(st, retries, st->timeout_init);
}

static void skip_retrans_limit(struct engine_stream *st, struct skip_limit *ret_limit)
{
	bool dead = engine_is_dead(st);
	__u32 boundary = dead ? engine_orphan_retries(st, true) : st->s->sysctls.retries2;

	*ret_limit = (struct skip_limit){ .count = SKIP_COUNT_MAX, .rto = ~0u };
	if (st->tcp_state == TCPTIMER_STATE_SYN_SENT) {
		skip_syn_limit(st, ret_limit);
		return;
	}
	if (dead)
		ret_limit->rto = st->rto_max;
	ret_limit->ms = st->user_timeout ?
				st->user_timeout :
				engine_model_ms(st, boundary, TCPTIMER_RTO_MIN_JIFFIES(st->hz));
}

/* The jiffy from which on retransmits_timed_out() says yes; `next` when it does already. */
static __u64 skip_due(const struct engine_stream *st, __u64 next, __u32 stamp, __u32 limit_ms)
{
	__u64 now = st->s->now_jiffies;
	__u64 next_ms = (st->base_ns + (next - now) * st->tick_ns) / 1000000;
	__u32 left_ms = limit_ms - ((__u32)next_ms - stamp);
	__u64 due_ns = (next_ms + left_ms) * 1000000 - st->base_ns;

	if ((__s32)left_ms <= 0)
		return next;
	return now + (due_ns + st->tick_ns - 1) / st->tick_ns;
}

/* tcp_clamp_rto_to_user_timeout() at the firing to come */
static __s64 skip_clamp(const struct engine_stream *st, const struct skip *skip, __u32 stamp,
			__u32 rto)
{
	__s64 ahead = (__s64)(skip->next - st->s->now_jiffies);
	__u32 left_ms = tcptimer_time_left(engine_stamp_ms(st, ahead), stamp, st->user_timeout);

	return engine_min_s64(rto, left_ms ? (__s64)tcptimer_msecs_to_jiffies(left_ms, st->hz) : 1);
}

/* retrans_backoff(), retrans_arm(): each firing until a limit is reached, the first in any case. */
static void skip_retrans_series(struct engine_stream *st, const struct skip_limit *limit, __u64 due,
				struct skip *skip)
{
	__u32 stamp = st->marks[ENGINE_MARK_RETRANS].stamp;
	__u32 count = limit->count - st->retransmits;
	__u32 rto = st->rto, linear = 0;
	__s64 delay;

	do {
		if (skip->fired < limit->linear)
			linear++;
		else
			rto = tcptimer_rto_doubled(rto, st->rto_max);
		delay = engine_min_u32(rto, st->rto_max);
		/* No longer than half of what is left, it is not clamped, whatever ticks and ms round off. */
		if (st->user_timeout && delay > (__s64)(due - skip->next) / 2)
			delay = skip_clamp(st, skip, stamp, (__u32)delay);
		skip_fire(st, skip, delay);
	} while (skip->fired < count && rto < limit->rto && (__s64)(skip->next - due) < 0);
	st->rto = rto;
	st->retransmits += (__u8)skip->fired;
	st->total_rto += (__u16)skip->fired;
	st->backoff += (__u8)(skip->fired - (st->profile->backoff_shrunk ? linear : 0));
}

/* No time is asked for before the first retransmission, which stamps. */
static void skip_retrans(struct engine_stream *st)
{
	__s64 wait = st->delay.lo + st->slack.lo;
	struct skip_limit limit;
	struct skip skip;
	__u64 due;

	if (!skip_retrans_plain(st))
		return;
	skip_retrans_limit(st, &limit);
	if (st->retransmits >= limit.count || st->rto >= limit.rto)
		return;
	if (!st->marks[ENGINE_MARK_RETRANS].set)
		engine_mark_ahead(st, ENGINE_MARK_RETRANS, wait);
	skip_open(st, &skip);
	due = skip_due(st, skip.next, st->marks[ENGINE_MARK_RETRANS].stamp, limit.ms);
	if (st->retransmits && due == skip.next)
		return;
	skip_retrans_series(st, &limit, due, &skip);
	skip_close(st, &skip);
}

/* ---- probes: their number alone is the limit */

static void skip_probe0(struct engine_stream *st)
{
	__u32 max = engine_min_u32(st->s->sysctls.retries2, SKIP_COUNT_MAX);
	__u32 probes = st->probes_out, backoff = st->backoff;
	__u64 base = engine_probe0_base(st);
	struct skip skip;

	if (engine_is_dead(st) || st->snd_wnd || !st->unsent || st->packets_out)
		return;
	skip_open(st, &skip);
	for (; probes < max; probes++) {
		if (backoff < st->s->sysctls.retries2)
			backoff++;
		skip_fire(st, &skip, engine_probe0_when(st, base, backoff));
	}
	st->probes_out = (__u8)probes;
	st->backoff = (__u8)backoff;
	skip_close(st, &skip);
}

static void skip_keepalive(struct engine_stream *st)
{
	__u32 max = engine_min_u32(st->s->keepalive_probes, SKIP_COUNT_MAX);
	__s64 idle = st->marks[ENGINE_MARK_RCV].since.lo + st->delay.lo + st->slack.lo;
	__u32 wait = st->s->keepalive_intvl_jiffies;
	__u32 probes = st->probes_out;
	struct skip skip;

	if (idle < st->s->keepalive_time_jiffies || wait >= SKIP_INTERVAL_MAX ||
	    st->tcp_state == TCPTIMER_STATE_SYN_SENT)
		return;
	skip_open(st, &skip);
	for (; probes < max; probes++)
		skip_fire(st, &skip, wait);
	st->probes_out = (__u8)probes;
	skip_close(st, &skip);
}

void engine_skip(struct engine_stream *st)
{
	if (!skip_plain(st))
		return;
	switch (st->timer) {
	case TCPTIMER_TIMER_SYN:
	case TCPTIMER_TIMER_RETRANS:
		skip_retrans(st);
		break;
	case TCPTIMER_TIMER_PROBE0:
		if (!st->user_timeout && !st->ignored)
			skip_probe0(st);
		break;
	case TCPTIMER_TIMER_KEEPALIVE:
		if (!st->user_timeout && !st->ignored)
			skip_keepalive(st);
		break;
	}
}

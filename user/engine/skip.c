// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream whose deadline is asked for, between two of its firings.
 * Hands it back some firings later: those of a silent peer's series that no limit ends.
 *
 * What is here is said elsewhere (retrans.c, probe0.c, keepalive.c) and has to agree with it to the bit;
 * a series that is not of the plain kind is left to those. Only exact runs, wheels of levels, and peers
 * that say nothing: there each firing is a few additions, and a deadline costs a fifth.
 */
#include "core.h"

/* The part of the stream that a plain series changes. */
struct skip {
	__s64 at;    /* the firing followed last, relative */
	__s64 delay; /* armed there */
	__s64 slack;
	__s64 late;  /* what `slack` was before */
	__u64 jiffy; /* `at`, absolute */
	__u32 fired;
};

/* Retransmissions and probes are counted in 8 bits: a series ends before that wraps. */
#define SKIP_COUNT_MAX 254
/* Longer intervals, which no kernel has, could pass the wheel's capacity and the engine's horizon. */
#define SKIP_INTERVAL_MAX (1u << 26)

/*
 * The first firing is never skipped: it sets the stamps that the series is measured from. Profiles that
 * count local drops (5.1) have what is older: the wheel's levels, the clamp, and since 5.10 SYN limits
 * by count or time.
 */
static bool skip_plain(const struct engine_stream *st)
{
	const __u32 drop = TCPTIMER_ENGINE_LOCAL_DROP | TCPTIMER_ENGINE_OUT_OF_RESOURCES;

	return st->exact && st->steps && st->steps < ENGINE_STEPS_MAX / 2 &&
	       st->at.lo < ENGINE_HORIZON_JIFFIES / 2 && st->peer == TCPTIMER_PEER_SILENT &&
	       !(st->flags & drop) && st->profile->local_drop == TCPTIMER_DROP_COUNT &&
	       st->rto_max < SKIP_INTERVAL_MAX;
}

static void skip_open(const struct engine_stream *st, struct skip *skip)
{
	*skip = (struct skip){
		.at = st->at.lo,
		.delay = st->delay.lo,
		.slack = st->slack.lo,
		.late = st->late.lo,
		.jiffy = st->phase.residue,
	};
}

static inline __s64 skip_next(const struct skip *skip)
{
	return skip->at + skip->delay + skip->slack;
}

/* engine_stream_fire(), and engine_arm() at the new `at`. */
static inline __attribute__((always_inline)) void skip_fire(const struct engine_stream *st,
							    struct skip *skip, __s64 delay)
{
	__s64 next = skip_next(skip);
	__u64 ahead = (__u64)(delay - (delay > 0));
	__u64 expires;

	skip->jiffy += (__u64)(next - skip->at);
	skip->at = next;
	skip->late = skip->slack;
	skip->delay = delay;
	expires = skip->jiffy + (__u64)delay;
	skip->slack = (__s64)(wheel_bucket(expires, wheel_level(st->hz, ahead)) - expires);
	skip->fired++;
}

static void skip_close(struct engine_stream *st, const struct skip *skip)
{
	__s64 passed = skip->at - st->at.lo;
	unsigned int i;

	if (!skip->fired)
		return;
	for (i = 0; i < ENGINE_MARK_COUNT; i++) {
		st->marks[i].since.lo += passed;
		st->marks[i].since.hi += passed;
	}
	st->at = (struct engine_span){ skip->at, skip->at };
	st->late = (struct engine_span){ skip->late, skip->late };
	st->delay = (struct engine_span){ skip->delay, skip->delay };
	st->slack = (struct engine_span){ skip->slack, skip->slack };
	st->phase.residue = skip->jiffy;
	st->next_phase.residue = skip->jiffy + (__u64)(skip->delay + skip->slack);
	st->steps += skip->fired;
	st->n += (__u16)skip->fired;
}

/* ---- retransmissions */

/* What engine_write_timeout() compares with: constant over a plain series. */
struct skip_limit {
	__u32 count;  /* retransmissions */
	__u32 ms;     /* since the first */
	__s32 linear; /* SYNs that do not double the RTO; -1: none */
};

/* Linear timeouts, closed windows, and stamps in us are left to retrans.c. */
static bool skip_retrans_plain(const struct engine_stream *st)
{
	bool thin = (st->s->flags & TCPTIMER_F_THIN_LTO) || st->s->sysctls.thin_linear_timeouts;
	bool syn = st->tcp_state == TCPTIMER_STATE_SYN_SENT;

	return !thin && (st->snd_wnd || syn || engine_is_dead(st)) && st->packets_out &&
	       st->retransmits && st->tcp_state != TCPTIMER_STATE_SYN_RECV &&
	       st->marks[ENGINE_MARK_RETRANS].set && !(st->s->flags & TCPTIMER_F_USEC_TS);
}

static bool skip_syn_limit(struct engine_stream *st, struct skip_limit *ret_limit)
{
	__u32 retries = st->s->syn_retries ? st->s->syn_retries : st->s->sysctls.syn_retries;
	__u32 linear = st->s->sysctls.syn_linear_timeouts;

	if (st->ignored)
		return false;
	ret_limit->count = retries;
	if (st->profile->syn_linear) {
		ret_limit->count += linear;
		ret_limit->linear = (__s32)linear;
	}
	ret_limit->count = engine_min_u32(ret_limit->count, SKIP_COUNT_MAX);
	ret_limit->ms = st->user_timeout ? st->user_timeout :
					   engine_model_ms(st, retries, st->timeout_init);
	return true;
}

static bool skip_retrans_limit(struct engine_stream *st, struct skip_limit *ret_limit)
{
	bool dead = engine_is_dead(st);
	__u32 boundary = dead ? engine_orphan_retries(st, true) : st->s->sysctls.retries2;

	*ret_limit = (struct skip_limit){ .count = SKIP_COUNT_MAX, .linear = -1 };
	if (st->tcp_state == TCPTIMER_STATE_SYN_SENT)
		return skip_syn_limit(st, ret_limit);
	/* An orphan counts otherwise once its RTO is at its most. */
	if (st->ignored || (dead && st->rto >= st->rto_max))
		return false;
	ret_limit->ms = st->user_timeout ?
				st->user_timeout :
				engine_model_ms(st, boundary, TCPTIMER_RTO_MIN_JIFFIES(st->hz));
	return true;
}

/* retrans_backoff(), and what retrans_arm() then arms: clamped to the user_timeout left. */
static __s64 skip_backoff(struct engine_stream *st, const struct skip_limit *limit, __u32 gone_ms)
{
	__u32 left_ms;

	if (st->total_rto <= limit->linear) {
		st->backoff += !st->profile->backoff_shrunk;
	} else {
		st->backoff++;
		st->rto = tcptimer_rto_doubled(st->rto, st->rto_max);
	}
	if (!st->user_timeout)
		return engine_min_u32(st->rto, st->rto_max);
	/* The limit has not passed, so that something is left. */
	left_ms = tcptimer_time_left(gone_ms, 0, st->user_timeout);
	return engine_min_s64((__s64)tcptimer_msecs_to_jiffies(left_ms, st->hz),
			      engine_min_u32(st->rto, st->rto_max));
}

static void skip_retrans(struct engine_stream *st)
{
	__u32 stamp = st->marks[ENGINE_MARK_RETRANS].stamp;
	bool dead = engine_is_dead(st);
	struct skip_limit limit;
	struct skip skip;

	if (!skip_retrans_plain(st) || !skip_retrans_limit(st, &limit))
		return;
	skip_open(st, &skip);
	while (st->retransmits < limit.count && !(dead && st->rto >= st->rto_max)) {
		__u32 gone_ms = engine_stamp_ms(st, skip_next(&skip)) - stamp;

		if ((__s32)(gone_ms - limit.ms) >= 0)
			break;
		st->retransmits++;
		st->total_rto++;
		skip_fire(st, &skip, skip_backoff(st, &limit, gone_ms));
	}
	skip_close(st, &skip);
	if (skip.fired)
		engine_mark_now(st, ENGINE_MARK_HEAD);
}

/* ---- probes: their number alone is the limit */

static void skip_probe0(struct engine_stream *st)
{
	__u32 max = engine_min_u32(st->s->sysctls.retries2, SKIP_COUNT_MAX);
	struct skip skip;

	if (engine_is_dead(st) || st->snd_wnd || !st->unsent || st->packets_out)
		return;
	skip_open(st, &skip);
	while (st->probes_out < max) {
		st->probes_out++;
		if (st->backoff < st->s->sysctls.retries2)
			st->backoff++;
		skip_fire(st, &skip, engine_probe0_when(st));
	}
	skip_close(st, &skip);
}

static void skip_keepalive(struct engine_stream *st)
{
	__u32 max = engine_min_u32(st->s->keepalive_probes, SKIP_COUNT_MAX);
	__u32 wait = st->s->keepalive_intvl_jiffies;
	bool idle = st->marks[ENGINE_MARK_RCV].since.lo >= st->s->keepalive_time_jiffies;
	struct skip skip;

	if (!idle || wait >= SKIP_INTERVAL_MAX || st->tcp_state == TCPTIMER_STATE_SYN_SENT)
		return;
	skip_open(st, &skip);
	while (st->probes_out < max) {
		st->probes_out++;
		skip_fire(st, &skip, wait);
	}
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

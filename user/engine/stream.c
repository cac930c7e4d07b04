// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a snapshot from the engine's callers and delays from the rules of each timer.
 * Hands the rules their clocks: when the timer fires, and how long ago each stamp was then.
 */
#include <string.h>

#include "core.h"

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ll
#define NSEC_PER_USEC 1000ull

/* include/linux/jiffies.h TICK_NSEC; the tick lies on its multiples since 4.0 (tick-sched.c). */
static __u32 stream_tick_ns(__u32 hz)
{
	return (__u32)((NSEC_PER_SEC + hz / 2) / hz);
}

static bool stream_usec(const struct engine_stream *st)
{
	return st->profile->usec_ts && (st->s->flags & TCPTIMER_F_USEC_TS);
}

/* tcp_time_stamp_ts() at a relative jiffy: CLOCK_MONOTONIC in ms or us. */
static __u32 stream_stamp_at(const struct engine_stream *st, __s64 jiffies)
{
	__u64 ns = st->base_ns + (__u64)jiffies * st->tick_ns;

	return (__u32)(stream_usec(st) ? ns / NSEC_PER_USEC : ns / (__u64)NSEC_PER_MSEC);
}

void engine_mark_ahead(struct engine_stream *st, enum engine_mark_id id, __s64 jiffies)
{
	st->marks[id] = (struct engine_mark){
		.set = true,
		.stamp = stream_stamp_at(st, st->at.lo + jiffies),
		.since = { -jiffies, -jiffies },
		.origin = { st->at.lo + jiffies, st->at.hi + jiffies },
		.phase = wheel_phase_add(st->phase, jiffies),
	};
}

void engine_mark_now(struct engine_stream *st, enum engine_mark_id id)
{
	engine_mark_ahead(st, id, 0);
}

void engine_mark_answer(struct engine_stream *st, enum engine_mark_id id, __s64 next)
{
	engine_mark_ahead(st, id, engine_min_s64(st->rtt_jiffies, next));
}

/* A 32-bit jiffies stamp of the snapshot; one of the future (another CPU's) counts as just now. */
void engine_mark_jiffies(struct engine_stream *st, enum engine_mark_id id, __u32 stamp)
{
	struct engine_mark *mark = &st->marks[id];
	__s64 since = (__u32)((__u32)st->s->now_jiffies - stamp);

	*mark = (struct engine_mark){
		.set = true,
		.stamp = stream_stamp_at(st, -since),
		.since = { since, since },
		.origin = { -since, -since },
		.phase = wheel_phase_add(st->phase, -since),
	};
}

/* A stamp of the snapshot in ms or us, of the same clock as now_ns. */
void engine_mark_clock(struct engine_stream *st, enum engine_mark_id id, __u32 stamp, bool usec)
{
	struct engine_mark *mark = &st->marks[id];
	__u64 unit = usec ? NSEC_PER_USEC : (__u64)NSEC_PER_MSEC;
	__u32 delta = (__u32)(st->s->now_ns / unit) - stamp;
	__s64 ns = (__s64)((__u64)delta * unit);
	__s64 since = ns / st->tick_ns;

	*mark = (struct engine_mark){
		.set = stamp != 0,
		.stamp = stamp,
		.since = { since, since },
		.origin = { -since, -since },
		/* `now` lies up to a tick after the tick, and the stamp's clock ticks in ms. */
		.skew_lo_ns = ns - since * st->tick_ns - st->tick_ns,
		.skew_hi_ns = ns - since * st->tick_ns + (usec ? 0 : NSEC_PER_MSEC - 1),
	};
}

struct engine_span engine_elapsed_ms(const struct engine_stream *st, enum engine_mark_id id)
{
	const struct engine_mark *mark = &st->marks[id];
	struct engine_span ms;

	if (st->exact) {
		__u32 delta = stream_stamp_at(st, st->at.lo) - mark->stamp;

		if (stream_usec(st))
			delta /= 1000;
		return (struct engine_span){ delta, delta };
	}
	ms.lo = mark->since.lo * st->tick_ns + mark->skew_lo_ns;
	ms.hi = mark->since.hi * st->tick_ns + mark->skew_hi_ns + NSEC_PER_MSEC - 1;
	ms.lo = ms.lo > 0 ? ms.lo / NSEC_PER_MSEC : 0;
	ms.hi /= NSEC_PER_MSEC;
	return ms;
}

/* Arms the leveled wheel at a jiffy that is known, `wait` jiffies after `at`. */
static void stream_arm_exact(struct engine_stream *st, __u8 timer, __s64 delay, __s64 wait)
{
	__u64 expires, fires;

	/* WHEEL_TIMEOUT_CUTOFF */
	delay = engine_min_s64(delay, (__s64)wheel_timeout_max(st->hz) + 1);
	expires = st->phase.residue + (__u64)delay;
	fires = wheel_fires(st->hz, expires, delay - wait);
	st->timer = timer;
	st->state = ENGINE_ARMED;
	st->anchor = -1;
	st->delay = (struct engine_span){ delay, delay };
	st->slack.lo = st->slack.hi = (__s64)(fires - expires);
	st->next_phase = (struct engine_phase){ fires, ENGINE_PHASE_EXACT };
}

static bool stream_arms_exactly(const struct engine_stream *st)
{
	return st->phase.bits == ENGINE_PHASE_EXACT && st->profile->wheel == TCPTIMER_WHEEL_LEVELS;
}

void engine_arm_from_after(struct engine_stream *st, __u8 timer, enum engine_mark_id id,
			   struct engine_span x, struct engine_span delay, struct engine_span wait)
{
	struct engine_span level;
	struct engine_phase expires = { 0, 0 };
	__s64 capacity = (__s64)wheel_timeout_max(st->hz) + 1;

	if (stream_arms_exactly(st)) { /* delays are single then */
		stream_arm_exact(st, timer, delay.lo, wait.lo);
		return;
	}
	if (st->exact) {
		expires = wheel_phase_add(st->phase, delay.lo);
	} else if (id != ENGINE_MARK_COUNT && x.lo == x.hi) {
		expires = wheel_phase_add(st->marks[id].phase, x.lo);
	} else if (delay.lo == delay.hi) {
		expires = wheel_phase_add(st->phase, delay.lo);
	}
	/* Beyond its capacity the wheel fires early: WHEEL_TIMEOUT_CUTOFF. */
	if (st->profile->wheel == TCPTIMER_WHEEL_LEVELS && delay.hi > capacity) {
		delay.lo = engine_min_s64(delay.lo, capacity);
		delay.hi = capacity;
		expires.bits = 0;
		id = ENGINE_MARK_COUNT;
	}
	st->timer = timer;
	st->state = ENGINE_ARMED;
	st->delay = delay;
	st->anchor = id == ENGINE_MARK_COUNT ? -1 : (__s8)id;
	st->anchor_x = x;
	/* The wheel's level goes by the time from the moment of arming. */
	level = (struct engine_span){ delay.lo - wait.lo, delay.hi - wait.hi };
	st->slack = wheel_slack(st->profile->wheel, st->hz, level, expires, &st->next_phase);
}

void engine_arm_from(struct engine_stream *st, __u8 timer, enum engine_mark_id id,
		     struct engine_span x, struct engine_span delay)
{
	engine_arm_from_after(st, timer, id, x, delay, (struct engine_span){ 0, 0 });
}

void engine_arm(struct engine_stream *st, __u8 timer, __s64 delay)
{
	struct engine_span span = { delay, delay };

	if (stream_arms_exactly(st))
		stream_arm_exact(st, timer, delay, 0);
	else
		engine_arm_from(st, timer, ENGINE_MARK_COUNT, span, span);
}

void engine_arm_after(struct engine_stream *st, __u8 timer, __s64 wait, __s64 delay)
{
	struct engine_span span = { wait + delay, wait + delay };

	engine_arm_from_after(st, timer, ENGINE_MARK_COUNT, span, span,
			      (struct engine_span){ wait, wait });
}

/* The bucket that an armed timer of the snapshot sits in, relative; it may be past (then: now). */
static void stream_arm_bucket(struct engine_stream *st, __u64 expires, bool pending, __u32 index)
{
	__u64 now = st->s->now_jiffies;
	__s64 rel = (__s64)(expires - now);
	__u64 bucket;

	if (st->profile->wheel == TCPTIMER_WHEEL_CASCADING)
		bucket = pending ? expires : wheel_apply_slack(now, expires);
	else if (pending)
		bucket = wheel_bucket_of_index(expires, index, now);
	else
		bucket = rel < 0 ? now : wheel_bucket(expires, wheel_level(st->hz, (__u64)rel));
	if ((__s64)(bucket - now) < 0)
		bucket = now;
	st->slack.lo = (__s64)(bucket - expires);
	st->slack.hi = st->slack.lo;
	st->next_phase = (struct engine_phase){ bucket, ENGINE_PHASE_EXACT };
}

/* The same for any phase of the wheel: only the level is known, or both levels at a boundary. */
static void stream_arm_any_bucket(struct engine_stream *st, __s64 rel, bool pending, __u32 index)
{
	unsigned int first = index / 64 % 9;
	unsigned int last = first;

	st->next_phase = (struct engine_phase){ 0, 0 };
	if (st->profile->wheel == TCPTIMER_WHEEL_CASCADING) {
		st->slack = (struct engine_span){ 0, !pending && rel >= 256 ? rel / 256 : 0 };
	} else {
		if (!pending) {
			first = wheel_level(st->hz, rel > 0 ? (__u64)rel - 1 : 0);
			last = wheel_level(st->hz, rel > 0 ? (__u64)rel : 0);
		}
		st->slack = (struct engine_span){ 1, 1ll << (3 * last) };
		st->next_phase.bits = 3 * first;
	}
	/* Due already: it fires now at the earliest. */
	st->slack.lo = engine_max_s64(st->slack.lo, -rel);
	st->slack.hi = engine_max_s64(st->slack.hi, st->slack.lo);
	if (rel < 0)
		st->next_phase.bits = 0;
}

void engine_arm_snapshot(struct engine_stream *st, __u8 timer, __u64 expires, bool pending,
			 __u32 timer_flags)
{
	__s64 rel = (__s64)(expires - st->s->now_jiffies);

	st->timer = timer;
	st->state = ENGINE_ARMED;
	st->anchor = -1;
	st->delay = (struct engine_span){ rel, rel };
	if (st->exact)
		stream_arm_bucket(st, expires, pending, timer_flags >> 22);
	else
		stream_arm_any_bucket(st, rel, pending, timer_flags >> 22);
}

void engine_stream_fire(struct engine_stream *st)
{
	struct engine_span delta = { st->delay.lo + st->slack.lo, st->delay.hi + st->slack.hi };
	unsigned int i;

	st->at.lo += delta.lo;
	st->at.hi += delta.hi;
	st->late = st->slack;
	st->phase = st->next_phase;
	for (i = 0; i < ENGINE_MARK_COUNT; i++) {
		st->marks[i].since.lo += delta.lo;
		st->marks[i].since.hi += delta.hi;
	}
	if (st->anchor >= 0) { /* never in exact runs, whose delays are single */
		struct engine_mark *mark = &st->marks[st->anchor];
		struct engine_span x = { st->anchor_x.lo + st->slack.lo,
					 st->anchor_x.hi + st->slack.hi };

		mark->since.lo = engine_max_s64(mark->since.lo, x.lo);
		mark->since.hi = engine_min_s64(mark->since.hi, x.hi);
		st->at.lo = engine_max_s64(st->at.lo, mark->origin.lo + x.lo);
		st->at.hi = engine_min_s64(st->at.hi, mark->origin.hi + x.hi);
	}
	st->steps++;
}

static bool stream_timer_sane(__u64 expires, __u64 now)
{
	__s64 rel = (__s64)(expires - now);

	/* Overdue by any time is due now; a future beyond an int of jiffies no kernel arms. */
	return rel <= (__s64)ENGINE_JIFFIES_MAX && rel >= -ENGINE_HORIZON_JIFFIES;
}

static bool stream_state_fits(const struct tcptimer_snapshot *s)
{
	switch (s->kind) {
	case TCPTIMER_SOCK_FULL:
		return s->state > TCPTIMER_STATE_UNKNOWN && s->state < TCPTIMER_STATE_NEW_SYN_RECV;
	case TCPTIMER_SOCK_TIMEWAIT:
		return s->state == TCPTIMER_STATE_TIME_WAIT || s->state == TCPTIMER_STATE_FIN_WAIT2;
	case TCPTIMER_SOCK_REQUEST:
		return s->state == TCPTIMER_STATE_NEW_SYN_RECV ||
		       s->state == TCPTIMER_STATE_SYN_RECV;
	}
	return false;
}

/* A timer that is not armed may hold any old expiry. */
static bool stream_timers_sane(const struct tcptimer_snapshot *s)
{
	if (s->kind != TCPTIMER_SOCK_FULL)
		return stream_timer_sane(s->mini_expires, s->now_jiffies);
	if (s->pending && !stream_timer_sane(s->write_expires, s->now_jiffies))
		return false;
	if (s->pending && !stream_timer_sane(s->write_timeout, s->now_jiffies))
		return false;
	if ((s->flags & TCPTIMER_F_KEEP_PENDING) &&
	    !stream_timer_sane(s->keep_expires, s->now_jiffies))
		return false;
	return !(s->flags & TCPTIMER_F_DELACK_PENDING) ||
	       stream_timer_sane(s->delack_expires, s->now_jiffies);
}

int engine_stream_check(const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s)
{
	if (!profile || !params || !s)
		return TCPTIMER_ENGINE_EARG;
	if (params->hz < TCPTIMER_HZ_MIN || params->hz > TCPTIMER_HZ_MAX)
		return TCPTIMER_ENGINE_EHZ;
	if (params->peer >= TCPTIMER_PEER_COUNT)
		return TCPTIMER_ENGINE_EPEER;
	if (!stream_state_fits(s))
		return TCPTIMER_ENGINE_ESTATE;
	if (s->rto_jiffies > ENGINE_JIFFIES_MAX / 4 ||
	    s->rto_max_jiffies > ENGINE_JIFFIES_MAX / 4 ||
	    s->keepalive_time_jiffies > ENGINE_JIFFIES_MAX ||
	    s->keepalive_intvl_jiffies > ENGINE_JIFFIES_MAX ||
	    s->sysctls.fin_timeout_jiffies > ENGINE_JIFFIES_MAX ||
	    params->timeout_init_jiffies > ENGINE_JIFFIES_MAX / 4)
		return TCPTIMER_ENGINE_EFIELD;
	return stream_timers_sane(s) ? 0 : TCPTIMER_ENGINE_EFIELD;
}

/*
 * What the snapshot says nothing of, by the piece: cleared as a whole, as compilers do it, the stream cost a
 * tenth of a deadline.
 */
static void stream_clear(struct engine_stream *st)
{
	const struct engine_span zero = { 0, 0 };
	unsigned int i;

	st->state = ENGINE_QUIET;
	st->timer = TCPTIMER_TIMER_NONE;
	st->answer_due = st->maybe_dead = st->told = false;
	st->user_timeout = 0;
	st->n = 0;
	st->at = st->late = st->delay = st->slack = st->anchor_x = st->end_at = zero;
	st->phase = st->next_phase = (struct engine_phase){ 0, 0 };
	for (i = 0; i < ENGINE_MARK_COUNT; i++)
		st->marks[i] = (struct engine_mark){ 0 };
	st->anchor = -1;
	st->model.base = 0;
	st->end = (struct engine_end){ 0 };
	st->end_n = 0;
	st->steps = 0;
}

void engine_stream_init(struct engine_stream *st, enum engine_stream_kind kind,
			const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s)
{
	__u32 rtt_us = params->rtt_us ? params->rtt_us : s->srtt_us >> 3;
	__u32 hz = params->hz;

	stream_clear(st);
	st->profile = profile;
	st->s = s;
	st->hz = hz;
	st->flags = params->flags;
	st->ignored = params->ignored_limits;
	st->rtt_jiffies = (__u32)((__u64)rtt_us * hz / 1000000);
	st->timeout_init = params->timeout_init_jiffies ? params->timeout_init_jiffies :
							  TCPTIMER_TIMEOUT_INIT_JIFFIES(hz);
	st->peer = (__u8)params->peer;
	st->kind = (__u8)kind;
	st->exact = !(params->flags & TCPTIMER_ENGINE_ANY_PHASE);
	st->tick_ns = stream_tick_ns(hz);
	st->rto = s->rto_jiffies;
	st->rto_min = s->rto_min_jiffies ? s->rto_min_jiffies : TCPTIMER_RTO_MIN_JIFFIES(hz);
	st->rto_max = TCPTIMER_RTO_MAX_JIFFIES(hz);
	st->packets_out = s->packets_out;
	st->snd_wnd = s->snd_wnd;
	st->ssthresh = s->snd_ssthresh;
	st->ack_young = s->ack_young;
	st->tlp_outstanding = s->tlp_high_seq;
	st->tcp_state = s->state;
	st->retransmits = s->retransmits;
	st->backoff = s->backoff;
	st->probes_out = s->probes_out;
	st->num_timeout = s->num_timeout;
	st->ca_state = s->ca_state;
	st->total_rto = s->total_rto;
	st->err_soft = s->err_soft;
	st->unsent = s->write_seq != s->snd_nxt;
	if (profile->rto_max_socket && s->rto_max_jiffies)
		st->rto_max = s->rto_max_jiffies;
	if (!engine_ignores(st, TCPTIMER_LIMIT_USER_TIMEOUT))
		st->user_timeout = s->user_timeout_ms;
	if (st->peer == TCPTIMER_PEER_AUTO)
		st->peer = (__u8)tcptimer_engine_peer(s);
	st->timeout_init = engine_min_u32(st->timeout_init, TCPTIMER_RTO_MAX_JIFFIES(hz));
	st->base_ns = s->now_ns - s->now_ns % st->tick_ns;
	if (st->exact)
		st->phase = (struct engine_phase){ s->now_jiffies, ENGINE_PHASE_EXACT };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives expiries in jiffies from the streams.
 * Hands back the jiffy at which the kernel's timer wheel fires, or the range over its phases.
 */
#ifndef TCPTIMER_ENGINE_WHEEL_H
#define TCPTIMER_ENGINE_WHEEL_H

#include <stdbool.h>
#include <linux/types.h>

/* A closed range of jiffies; lo == hi when it is known. */
struct engine_span {
	__s64 lo;
	__s64 hi;
};

/* What is known of an absolute jiffy: its low `bits` bits are `residue`. 64: all of it. */
struct engine_phase {
	__u64 residue;
	__u32 bits;
};

#define ENGINE_PHASE_EXACT 64u

/* enum tcptimer_wheel_kind as `kind` everywhere below. */

/* LVL_CLK_SHIFT, LVL_SIZE: eight buckets of one level are one bucket of the next. */
#define WHEEL_SHIFT 3u
#define WHEEL_SIZE 64u

/* LVL_DEPTH: 9 levels above 100 HZ, else 8. */
static inline unsigned int wheel_depth(__u32 hz)
{
	return hz > 100 ? 9 : 8;
}

/*
 * calc_wheel_index(): the level that a timer `delta` jiffies ahead of the base's clock goes to. LVL_START(n)
 * is 63 << 3 (n - 1), so it is the first level n at which delta >> 3 n is below 63. Where that leaves 6 to
 * 8 bits of delta, it is this level or the next.
 */
static inline unsigned int wheel_level(__u32 hz, __u64 delta)
{
	unsigned int last = wheel_depth(hz) - 1;
	unsigned int top = 63 ^ (unsigned int)__builtin_clzll(delta | (WHEEL_SIZE - 1));
	unsigned int level = (top - 5) / WHEEL_SHIFT;

	level += delta >> (level * WHEEL_SHIFT) >= WHEEL_SIZE - 1;
	return level < last ? level : last;
}

/* LVL_START(n): the first delta that is too far for level n - 1. */
static inline __u64 wheel_start(unsigned int level)
{
	return (__u64)(WHEEL_SIZE - 1) << ((level - 1) * WHEEL_SHIFT);
}

/* WHEEL_TIMEOUT_MAX: no timer is put further ahead than this. */
static inline __u64 wheel_timeout_max(__u32 hz)
{
	unsigned int depth = wheel_depth(hz);

	return wheel_start(depth) - (1ull << ((depth - 1) * WHEEL_SHIFT));
}

/* calc_index(): the jiffy at which the bucket of that level fires. */
static inline __u64 wheel_bucket(__u64 expires, unsigned int level)
{
	unsigned int shift = level * WHEEL_SHIFT;

	return ((expires >> shift) + 1) << shift;
}

/*
 * When a timer fires that a handler arms `delay` jiffies ahead. Inside a handler base->clk is already one
 * ahead of jiffies, so the level is that of delay - 1.
 */
static inline __u64 wheel_fires(__u32 hz, __u64 expires, __s64 delay)
{
	return wheel_bucket(expires, wheel_level(hz, delay > 0 ? (__u64)delay - 1 : 0));
}

/* The same as wheel_bucket(), from the bucket's index in timer_list.flags: also for a timer enqueued overdue. */
__u64 wheel_bucket_of_index(__u64 expires, __u32 index, __u64 now);
/* apply_slack() of 2.6.35 to 4.7: where mod_timer() moved an expiry. */
__u64 wheel_apply_slack(__u64 now, __u64 expires);

static inline __u64 wheel_mask(unsigned int bits)
{
	return bits >= 64 ? ~0ull : (1ull << bits) - 1;
}

static inline struct engine_phase wheel_phase_add(struct engine_phase phase, __s64 jiffies)
{
	phase.residue = (phase.residue + (__u64)jiffies) & wheel_mask(phase.bits);
	return phase;
}

/*
 * How much later than asked a timer fires that a handler arms `delay` jiffies ahead (1 or more
 * jiffies with the leveled wheel). expires: what is known of the expiry; *ret_fired: of the firing.
 * Inside a handler base->clk is already one ahead of jiffies, so the level is that of delay - 1.
 */
struct engine_span wheel_slack(unsigned int kind, __u32 hz, struct engine_span delay,
			       struct engine_phase expires, struct engine_phase *ret_fired);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives expiries from the streams of the timer engine.
 * Hands back when the timer wheel fires: kernel/time/timer.c of 4.8 to 7.2, and that before 4.8.
 */
#include "wheel.h"

#include "tcptimer/engine.h"

/*
 * A pending timer says its bucket (timer->flags >> TIMER_ARRAYSHIFT), so its level is known even
 * when it was armed long ago. Timers armed overdue go to the clock's own bucket (delta < 0), and
 * timers beyond the wheel's capacity to an earlier one: then only the index tells, and the bucket
 * is the next of that index that is not yet past.
 */
__u64 wheel_bucket_of_index(__u64 expires, __u32 index, __u64 now)
{
	unsigned int level = (index / WHEEL_SIZE) % 9;
	unsigned int shift = level * WHEEL_SHIFT;
	__u64 slot = index % WHEEL_SIZE;
	__u64 bucket = (expires >> shift) + 1;
	__u64 first = now >> shift;

	if ((bucket & (WHEEL_SIZE - 1)) == slot)
		return bucket << shift;
	return (first + ((slot - first) & (WHEEL_SIZE - 1))) << shift;
}

/*
 * kernel/time/timer.c apply_slack(), from memory: a timer of which nobody said otherwise may be late
 * by delta/256, and is moved to the roundest jiffy in that range.
 */
__u64 wheel_apply_slack(__u64 now, __u64 expires)
{
	__u64 delta = expires - now;
	__u64 limit, mask;

	if ((__s64)delta < 256)
		return expires;
	limit = expires + delta / 256;
	mask = expires ^ limit;
	/* clear every bit below the highest one that differs */
	mask |= mask >> 1;
	mask |= mask >> 2;
	mask |= mask >> 4;
	mask |= mask >> 8;
	mask |= mask >> 16;
	mask |= mask >> 32;
	return limit & ~(mask >> 1);
}

/* Before 4.8: fires on the jiffy that apply_slack() chose. */
static struct engine_span wheel_slack_cascading(struct engine_span delay,
						struct engine_phase expires,
						struct engine_phase *ret_fired)
{
	struct engine_span slack = { 0, delay.hi >= 256 ? delay.hi / 256 : 0 };
	struct engine_phase unknown = { 0, 0 };

	if (expires.bits == ENGINE_PHASE_EXACT && delay.lo == delay.hi) {
		__u64 now = expires.residue - (__u64)delay.lo;

		slack.lo = (__s64)(wheel_apply_slack(now, expires.residue) - expires.residue);
		slack.hi = slack.lo;
	}
	*ret_fired = slack.lo == slack.hi ? wheel_phase_add(expires, slack.lo) : unknown;
	return slack;
}

/*
 * Since 4.8. When fewer of the expiry's bits are known than the level rounds away, the slack is
 * known but for those between: it lies in steps of 2^known.
 */
static struct engine_span wheel_slack_level(unsigned int level, struct engine_phase expires,
					    struct engine_phase *ret_fired)
{
	unsigned int shift = level * WHEEL_SHIFT;
	unsigned int known = expires.bits < shift ? expires.bits : shift;
	__u64 low = expires.residue & wheel_mask(known);
	struct engine_span slack;

	slack.lo = (__s64)((1ull << known) - low);
	slack.hi = slack.lo + (__s64)((1ull << shift) - (1ull << known));
	if (known == shift) {
		*ret_fired = wheel_phase_add(expires, slack.lo);
	} else {
		ret_fired->residue = 0;
		ret_fired->bits = shift;
	}
	return slack;
}

struct engine_span wheel_slack(unsigned int kind, __u32 hz, struct engine_span delay,
			       struct engine_phase expires, struct engine_phase *ret_fired)
{
	unsigned int first, last;
	struct engine_span slack;

	if (kind == TCPTIMER_WHEEL_CASCADING)
		return wheel_slack_cascading(delay, expires, ret_fired);

	first = wheel_level(hz, delay.lo > 0 ? (__u64)delay.lo - 1 : 0);
	last = wheel_level(hz, delay.hi > 0 ? (__u64)delay.hi - 1 : 0);
	if (first == last)
		return wheel_slack_level(first, expires, ret_fired);

	slack.lo = 1;
	slack.hi = (__s64)(1ull << (last * WHEEL_SHIFT));
	ret_fired->residue = 0;
	ret_fired->bits = first * WHEEL_SHIFT;
	return slack;
}

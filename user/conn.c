// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which timers are armed on a socket, when they fire, and how long its stall has lasted.
 * Receives a snapshot; hands timers and ages in ms to the filter, text and JSON output. Pure.
 */
#include "conn.h"
#include "tcptimer/stall.h"

#define WHEEL_SLOTS 64U    /* LVL_SIZE: buckets in a level */
#define WHEEL_LEVELS 9U    /* LVL_DEPTH at most: 8 when HZ <= 100 */
#define WHEEL_CLK_SHIFT 3U /* LVL_CLK_SHIFT: each level is eight times as coarse */
#define WHEEL_IDX_SHIFT 22 /* TIMER_ARRAYSHIFT: timer_list.flags >> 22 is the bucket's index */

static int64_t jiffies_to_ms(int64_t jiffies, unsigned int hz)
{
	return jiffies * 1000 / (int64_t)hz;
}

/*
 * The jiffy at which the wheel runs a pending timer: kernel/time/timer.c calc_index() undone (4.8).
 * The bucket's number at its level is normally that of `expires`, rounded up. Two timers sit
 * elsewhere (calc_wheel_index): one set for the past goes to the bucket of that moment, and one
 * beyond the wheel's reach is put at the end of it. For those, the index and now tell.
 */
static uint64_t wheel_bucket(uint64_t expires, uint32_t flags, uint64_t now)
{
	uint32_t index = flags >> WHEEL_IDX_SHIFT;
	unsigned int shift = index / WHEEL_SLOTS * WHEEL_CLK_SHIFT;
	uint64_t slot = index % WHEEL_SLOTS;
	uint64_t number, next;

	if (index >= WHEEL_SLOTS * WHEEL_LEVELS)
		return expires;
	number = (expires >> shift) + 1;
	next = (now >> shift) + 1;
	/* Set for the past: the latest such bucket up to the next jiffy. */
	if (!shift && expires <= now &&
	    (number % WHEEL_SLOTS != slot || now - expires > WHEEL_SLOTS))
		return next - (next - slot) % WHEEL_SLOTS;
	if (number % WHEEL_SLOTS == slot)
		return number << shift;
	return (next + (slot - next) % WHEEL_SLOTS) << shift;
}

/* Signed, since a due timer's bucket is behind now. */
static int64_t timer_ms(const struct tcptimer_snapshot *snap, unsigned int hz, uint64_t expires,
			uint32_t flags)
{
	uint64_t bucket = wheel_bucket(expires, flags, snap->now_jiffies);
	int64_t left = (int64_t)(bucket - snap->now_jiffies);

	/* No wheel reaches further: what claims to is no timer of ours. */
	if (left > INT64_C(1) << 32)
		left = INT64_C(1) << 32;
	else if (left < -(INT64_C(1) << 32))
		left = -(INT64_C(1) << 32);
	return jiffies_to_ms(left, hz);
}

/* tcp_write_timer_handler(): icsk_pending says what the one write timer is for. */
static enum tcptimer_timer write_timer(const struct tcptimer_snapshot *snap)
{
	if (snap->state == TCPTIMER_STATE_CLOSE || snap->state == TCPTIMER_STATE_LISTEN)
		return TCPTIMER_TIMER_NONE;
	switch (snap->pending) {
	case TCPTIMER_PENDING_RETRANS:
		if (snap->flags & TCPTIMER_F_TFO_CHILD)
			return TCPTIMER_TIMER_SYNACK;
		return snap->state == TCPTIMER_STATE_SYN_SENT ? TCPTIMER_TIMER_SYN :
								TCPTIMER_TIMER_RETRANS;
	case TCPTIMER_PENDING_PROBE0:
		return TCPTIMER_TIMER_PROBE0;
	case TCPTIMER_PENDING_LOSS_PROBE:
		return TCPTIMER_TIMER_LOSS_PROBE;
	case TCPTIMER_PENDING_REO_TIMEOUT:
		return TCPTIMER_TIMER_REO_TIMEOUT;
	default: /* cancelled: left on the wheel, and the handler will do nothing */
		return TCPTIMER_TIMER_NONE;
	}
}

/* tcp_keepalive_timer(): sk_timer serves two purposes. */
static enum tcptimer_timer keep_timer(const struct tcptimer_snapshot *snap)
{
	switch (snap->state) {
	case TCPTIMER_STATE_CLOSE:
	case TCPTIMER_STATE_LISTEN:
		return TCPTIMER_TIMER_NONE;
	case TCPTIMER_STATE_FIN_WAIT2:
		if (snap->flags & TCPTIMER_F_DEAD)
			return TCPTIMER_TIMER_FIN_WAIT2;
	}
	return TCPTIMER_TIMER_KEEPALIVE;
}

static enum tcptimer_timer mini_timer(const struct tcptimer_snapshot *snap)
{
	if (snap->kind == TCPTIMER_SOCK_REQUEST)
		return TCPTIMER_TIMER_SYNACK;
	return snap->state == TCPTIMER_STATE_FIN_WAIT2 ? TCPTIMER_TIMER_FIN_WAIT2 :
							 TCPTIMER_TIMER_TIMEWAIT;
}

/* Insert in the order of time; the caller adds at most ARMED_MAX. */
static void timers_add(struct armed_timer *timers, unsigned int *count, enum tcptimer_timer timer,
		       int64_t expires_ms)
{
	unsigned int i = *count;

	if (timer == TCPTIMER_TIMER_NONE)
		return;
	for (; i > 0 && timers[i - 1].expires_ms > expires_ms; i--)
		timers[i] = timers[i - 1];
	timers[i].timer = timer;
	timers[i].expires_ms = expires_ms;
	(*count)++;
}

unsigned int conn_timers(const struct tcptimer_snapshot *snap, unsigned int hz,
			 struct armed_timer ret_timers[ARMED_MAX])
{
	unsigned int count = 0;

	if (snap->kind != TCPTIMER_SOCK_FULL) {
		if (snap->flags & TCPTIMER_F_TIMER_HW)
			timers_add(ret_timers, &count, mini_timer(snap),
				   timer_ms(snap, hz, snap->mini_expires, snap->mini_flags));
		return count;
	}
	if (snap->flags & TCPTIMER_F_WRITE_PENDING)
		timers_add(ret_timers, &count, write_timer(snap),
			   timer_ms(snap, hz, snap->write_expires, snap->write_flags));
	if (snap->flags & TCPTIMER_F_KEEP_PENDING)
		timers_add(ret_timers, &count, keep_timer(snap),
			   timer_ms(snap, hz, snap->keep_expires, snap->keep_flags));
	/* Without ICSK_ACK_TIMER the delayed ACK was cancelled and its timer left on the wheel. */
	if ((snap->flags & TCPTIMER_F_DELACK_PENDING) &&
	    (snap->delack_pending & TCPTIMER_ACK_TIMER) && snap->state != TCPTIMER_STATE_CLOSE &&
	    snap->state != TCPTIMER_STATE_LISTEN)
		timers_add(ret_timers, &count, TCPTIMER_TIMER_DELACK,
			   timer_ms(snap, hz, snap->delack_expires, snap->delack_flags));
	return count;
}

int64_t conn_stall_ms(const struct tcptimer_snapshot *snap, unsigned int hz)
{
	return (int64_t)tcptimer_stall_age_ms(snap, hz);
}

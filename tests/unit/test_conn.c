// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which timers a snapshot has armed, when their wheel buckets run, and how old its stall is.
 * Receives nothing; hands cmocka's verdict to tests/run.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "conn.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TEST_HZ 250U

/*
 * The wheel as kernel/time/timer.c fills it (calc_wheel_index), written from its description: the
 * level is the first whose 63 steps reach, the bucket the next step after `expires`.
 */
static uint32_t wheel_flags(uint64_t expires, uint64_t clk, uint64_t *ret_bucket)
{
	uint64_t delta = expires - clk;
	uint64_t reach = UINT64_C(63) << 24;
	unsigned int level = 0;

	if ((int64_t)delta < 0) {
		*ret_bucket = clk;
		return (uint32_t)(clk % 64) << 22;
	}
	while (level < 8 && delta >= UINT64_C(63) << (3 * level))
		level++;
	if (delta >= reach) { /* beyond the wheel: at its end */
		expires = clk + reach - (UINT64_C(1) << 24);
		level = 8;
	}
	*ret_bucket = ((expires >> (3 * level)) + 1) << (3 * level);
	return (uint32_t)(level * 64 + ((expires >> (3 * level)) + 1) % 64) << 22;
}

/* Low bits of timer_list.flags: CPU, pinned, irqsafe; they are not the index. */
#define OTHER_FLAGS 0x3c0007U

static struct tcptimer_snapshot armed_at(uint64_t now, uint64_t expires, uint32_t flags)
{
	return (struct tcptimer_snapshot){
		.state = TCPTIMER_STATE_ESTABLISHED,
		.now_jiffies = now,
		.flags = TCPTIMER_F_WRITE_PENDING,
		.pending = TCPTIMER_PENDING_RETRANS,
		.write_expires = expires,
		.write_flags = flags | OTHER_FLAGS,
	};
}

static void check_bucket(uint64_t clk, uint64_t expires, uint64_t now)
{
	struct armed_timer timers[ARMED_MAX];
	uint64_t bucket;
	uint32_t flags = wheel_flags(expires, clk, &bucket);
	struct tcptimer_snapshot snap = armed_at(now, expires, flags);

	assert_int_equal(conn_timers(&snap, 1000, timers), 1);
	if (timers[0].expires_ms != (int64_t)(bucket - now))
		fail_msg("clk %llu expires %llu now %llu: %lld, not %lld", (unsigned long long)clk,
			 (unsigned long long)expires, (unsigned long long)now,
			 (long long)timers[0].expires_ms, (long long)(bucket - now));
}

/* Every edge of every level, near the wrap of the low 32 bits, too; read at once and later. */
static void test_buckets(void **state)
{
	static const uint64_t clocks[] = {
		64, 1000000, 4294937296U, 0xfffffff0U, 0x100000007U, 0x123456789aU,
	};

	for (size_t c = 0; c < COUNT(clocks); c++) {
		uint64_t clk = clocks[c];

		for (unsigned int level = 0; level < 9; level++) {
			for (int64_t off = -9; off <= 9; off++) {
				uint64_t edge = UINT64_C(63) << (3 * level);
				uint64_t delta = edge + (uint64_t)off;

				if ((int64_t)delta < 0)
					continue;
				check_bucket(clk, clk + delta, clk);
				check_bucket(clk, clk + delta, clk + delta / 2);
			}
		}
		check_bucket(clk, clk, clk);
	}
	(void)state;
}

/* Beyond the wheel's reach, and for the past: neither sits where its own `expires` says. */
static void test_odd_buckets(void **state)
{
	uint64_t reach = UINT64_C(63) << 24;

	check_bucket(1000000, 1000000 + reach, 1000000);
	check_bucket(1000000, 1000000 + 3 * reach, 1000000);
	check_bucket(1000000, 1000000 + 3 * reach, 2000000);
	check_bucket(1000000, 999999, 1000000);
	check_bucket(1000000, 999000, 1000000);
	check_bucket(1000000, 999000, 1000010);
	check_bucket(1000001, 0, 1000000); /* while handlers run, the wheel's clock is one ahead */
	(void)state;
}

/* An index that no kernel has, or an absurd expiry: an answer, and no undefined behaviour. */
static void test_hostile_wheel(void **state)
{
	static const uint64_t values[] = { 0,          1,         63,
					   UINT32_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1,
					   UINT64_MAX };
	struct armed_timer timers[ARMED_MAX];

	for (uint32_t index = 0; index < 1024; index++) {
		for (size_t e = 0; e < COUNT(values); e++) {
			for (size_t n = 0; n < COUNT(values); n++) {
				struct tcptimer_snapshot snap =
					armed_at(values[n], values[e], index << 22);

				assert_int_equal(conn_timers(&snap, 1, timers), 1);
				assert_true(llabs(timers[0].expires_ms) <= INT64_C(1000) << 32);
			}
		}
	}
	(void)state;
}

/* From kernels: default sysctls at 250 TEST_HZ; the bucket against what was seen to happen. */
static void test_milliseconds(void **state)
{
	static const struct {
		unsigned int hz;
		uint64_t delta;
		int64_t at_least_ms, at_most_ms;
	} rows[] = {
		{ 250, 53, 216, 216 },              /* 212 ms: one jiffy later */
		{ 250, 1800000, 7200000, 7332000 }, /* two hours: steps of 131 s */
		{ 1000, 200, 200, 208 },
		{ 100, 100, 1000, 1080 },
		{ 300, 300, 1000, 1214 },
	};
	struct armed_timer timers[ARMED_MAX];

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t bucket, now = 5000000;
		uint32_t flags = wheel_flags(now + rows[i].delta, now, &bucket);
		struct tcptimer_snapshot snap = armed_at(now, now + rows[i].delta, flags);

		assert_int_equal(conn_timers(&snap, rows[i].hz, timers), 1);
		assert_in_range(timers[0].expires_ms, rows[i].at_least_ms, rows[i].at_most_ms);
	}
	(void)state;
}

/*
 * Names
 */

#define W TCPTIMER_F_WRITE_PENDING
#define K TCPTIMER_F_KEEP_PENDING
#define D TCPTIMER_F_DELACK_PENDING
#define HW TCPTIMER_F_TIMER_HW
#define ST(name) TCPTIMER_STATE_##name
#define TI(name) (1U << TCPTIMER_TIMER_##name)

static const struct {
	const char *what;
	unsigned int kind, state, flags, pending, delack;
	uint32_t timers; /* mask */
} armed[] = {
	{ "nothing", 0, ST(ESTABLISHED), 0, TCPTIMER_PENDING_RETRANS, TCPTIMER_ACK_TIMER, 0 },
	{ "retrans", 0, ST(ESTABLISHED), W, TCPTIMER_PENDING_RETRANS, 0, TI(RETRANS) },
	{ "fin", 0, ST(FIN_WAIT1), W, TCPTIMER_PENDING_RETRANS, 0, TI(RETRANS) },
	{ "syn", 0, ST(SYN_SENT), W, TCPTIMER_PENDING_RETRANS, 0, TI(SYN) },
	{ "crossed syn", 0, ST(SYN_RECV), W, TCPTIMER_PENDING_RETRANS, 0, TI(RETRANS) },
	{ "tfo child", 0, ST(SYN_RECV), W | TCPTIMER_F_TFO_CHILD, TCPTIMER_PENDING_RETRANS, 0,
	  TI(SYNACK) },
	{ "closed tfo child", 0, ST(FIN_WAIT1), W | TCPTIMER_F_TFO_CHILD, TCPTIMER_PENDING_RETRANS,
	  0, TI(SYNACK) },
	{ "loss probe", 0, ST(ESTABLISHED), W, TCPTIMER_PENDING_LOSS_PROBE, 0, TI(LOSS_PROBE) },
	{ "reo timeout", 0, ST(ESTABLISHED), W, TCPTIMER_PENDING_REO_TIMEOUT, 0, TI(REO_TIMEOUT) },
	{ "probe0", 0, ST(CLOSE_WAIT), W, TCPTIMER_PENDING_PROBE0, 0, TI(PROBE0) },
	{ "stale write timer", 0, ST(ESTABLISHED), W, TCPTIMER_PENDING_NONE, 0, 0 },
	{ "unknown purpose", 0, ST(ESTABLISHED), W, 4, 0, 0 },
	{ "closed", 0, ST(CLOSE), W | K | D, TCPTIMER_PENDING_RETRANS, TCPTIMER_ACK_TIMER, 0 },
	{ "listening", 0, ST(LISTEN), W | K | D, TCPTIMER_PENDING_RETRANS, TCPTIMER_ACK_TIMER, 0 },
	{ "keepalive", 0, ST(ESTABLISHED), K, 0, 0, TI(KEEPALIVE) },
	{ "fin_wait2 orphan", 0, ST(FIN_WAIT2), K | TCPTIMER_F_DEAD, 0, 0, TI(FIN_WAIT2) },
	{ "fin_wait2 held", 0, ST(FIN_WAIT2), K, 0, 0, TI(KEEPALIVE) },
	{ "delack", 0, ST(ESTABLISHED), D, 0, TCPTIMER_ACK_TIMER | TCPTIMER_ACK_SCHED, TI(DELACK) },
	{ "stale delack", 0, ST(ESTABLISHED), D, 0, TCPTIMER_ACK_SCHED, 0 },
	{ "three", 0, ST(ESTABLISHED), W | K | D, TCPTIMER_PENDING_RETRANS, TCPTIMER_ACK_TIMER,
	  TI(RETRANS) | TI(KEEPALIVE) | TI(DELACK) },
	{ "request", TCPTIMER_SOCK_REQUEST, ST(NEW_SYN_RECV), HW, 0, 0, TI(SYNACK) },
	{ "request at work", TCPTIMER_SOCK_REQUEST, ST(NEW_SYN_RECV), W | K, 0, 0, 0 },
	{ "time wait", TCPTIMER_SOCK_TIMEWAIT, ST(TIME_WAIT), HW, 0, 0, TI(TIMEWAIT) },
	{ "fin wait 2", TCPTIMER_SOCK_TIMEWAIT, ST(FIN_WAIT2), HW, 0, 0, TI(FIN_WAIT2) },
};

static void test_names(void **state)
{
	for (size_t i = 0; i < COUNT(armed); i++) {
		struct tcptimer_snapshot snap = {
			.kind = (uint8_t)armed[i].kind,
			.state = (uint8_t)armed[i].state,
			.flags = armed[i].flags,
			.pending = (uint8_t)armed[i].pending,
			.delack_pending = (uint8_t)armed[i].delack,
		};
		struct armed_timer timers[ARMED_MAX];
		unsigned int count = conn_timers(&snap, TEST_HZ, timers);
		uint32_t got = 0;

		for (unsigned int t = 0; t < count; t++)
			got |= 1U << timers[t].timer;
		if (got != armed[i].timers || count != (unsigned int)__builtin_popcount(got))
			fail_msg("%s: %u timers, %x, not %x", armed[i].what, count, got,
				 armed[i].timers);
	}
	(void)state;
}

/* The soonest first, whatever the order in the socket. */
static void test_order(void **state)
{
	static const uint64_t whens[] = { 10, 20, 30 };
	struct armed_timer timers[ARMED_MAX];

	for (int w = 0; w < 3; w++) {
		for (int k = 0; k < 3; k++) {
			int d = 3 - w - k;
			uint64_t bucket, now = 640;
			struct tcptimer_snapshot snap = {
				.state = TCPTIMER_STATE_ESTABLISHED,
				.flags = W | K | D,
				.pending = TCPTIMER_PENDING_PROBE0,
				.delack_pending = TCPTIMER_ACK_TIMER,
				.now_jiffies = now,
			};

			if (w == k || d == w || d == k || d < 0 || d > 2)
				continue;
			snap.write_expires = now + whens[w];
			snap.write_flags = wheel_flags(snap.write_expires, now, &bucket);
			snap.keep_expires = now + whens[k];
			snap.keep_flags = wheel_flags(snap.keep_expires, now, &bucket);
			snap.delack_expires = now + whens[d];
			snap.delack_flags = wheel_flags(snap.delack_expires, now, &bucket);
			assert_int_equal(conn_timers(&snap, 1000, timers), 3);
			assert_int_equal(timers[w].timer, TCPTIMER_TIMER_PROBE0);
			assert_int_equal(timers[k].timer, TCPTIMER_TIMER_KEEPALIVE);
			assert_int_equal(timers[d].timer, TCPTIMER_TIMER_DELACK);
			assert_int_equal(timers[0].expires_ms, 11);
			assert_int_equal(timers[2].expires_ms, 31);
		}
	}
	(void)state;
}

/*
 * Stalls
 */

static void test_retrans_age(void **state)
{
	struct tcptimer_snapshot snap = {
		.state = TCPTIMER_STATE_ESTABLISHED,
		.packets_out = 1,
		.retransmits = 2,
		.snd_wnd = 100,
		.now_ns = UINT64_C(5000123456789),
		.retrans_stamp = 4998000,
	};

	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 2123);
	snap.retrans_stamp = 5000500; /* written while we read: not 49 days ago */
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0);
	snap.now_ns = (UINT64_C(0x100000000) + 500) * 1000000; /* the clock's low half wrapped */
	snap.retrans_stamp = UINT32_MAX - 499;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 1000);
	snap.flags = TCPTIMER_F_USEC_TS;
	snap.now_ns = (UINT64_C(0x100000000) + 1500000) * 1000;
	snap.retrans_stamp = UINT32_MAX - 499999;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 2000);
	snap.state = TCPTIMER_STATE_SYN_SENT;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 2000);
	/* the stamp was undone: since the head went out */
	snap.state = TCPTIMER_STATE_ESTABLISHED;
	snap.retrans_stamp = 0;
	snap.head_stamp_ms = (uint32_t)(snap.now_ns / 1000000) - 250;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 250);
	snap.head_stamp_ms = 0;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0);
	snap.retransmits = 0;
	snap.retrans_stamp = 1;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0); /* not stalled */
	(void)state;
}

static void test_probe0_age(void **state)
{
	struct tcptimer_snapshot snap = {
		.state = TCPTIMER_STATE_ESTABLISHED,
		.pending = TCPTIMER_PENDING_PROBE0,
		.write_seq = 10,
		.now_jiffies = UINT64_C(0x100000064), /* 32 bits wrapped 100 jiffies ago */
		.probes_tstamp = UINT32_MAX - 149,
	};

	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 1000);
	snap.probes_tstamp = 110;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0);
	(void)state;
}

static void test_keepalive_age(void **state)
{
	struct tcptimer_snapshot snap = {
		.state = TCPTIMER_STATE_ESTABLISHED,
		.flags = TCPTIMER_F_KEEPOPEN,
		.probes_out = 1,
		.now_jiffies = 1000000,
		.keepalive_time_jiffies = 30 * TEST_HZ,
		.rcv_tstamp = 1000000 - 40 * TEST_HZ,
		.lrcvtime = 1000000 - 90 * TEST_HZ,
	};

	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 10000); /* by the later of the two */
	snap.lrcvtime = 1000000 - 32 * TEST_HZ;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 2000);
	snap.lrcvtime = 1000000 - 3 * TEST_HZ;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0);
	(void)state;
}

static void test_synack_age(void **state)
{
	static const struct {
		unsigned int num_timeout;
		uint32_t timeout, rto_max;
		int64_t left; /* of the running period, jiffies; < 0: not on the wheel */
		int64_t ms;
	} rows[] = {
		{ 1, TEST_HZ, 0, 2 * TEST_HZ, 1000 }, /* 1 s over, 2 s to go of 2 */
		{ 1, TEST_HZ, 0, TEST_HZ, 2000 },
		{ 2, TEST_HZ, 0, 4 * TEST_HZ, 3000 },
		{ 3, TEST_HZ, 0, 0, 15000 }, /* 1 + 2 + 4 + 8 */
		{ 3, TEST_HZ, 0, -1, 15000 },
		{ 3, TEST_HZ, 0, 100 * TEST_HZ, 7000 }, /* no more than its period can be left */
		{ 2, TEST_HZ, 2 * TEST_HZ, 2 * TEST_HZ, 3000 }, /* capped at 2 s */
		{ 3, TEST_HZ, 2 * TEST_HZ, 2 * TEST_HZ, 5000 },
		{ 8, TEST_HZ, 0, 120 * TEST_HZ, 247000 }, /* capped at 120 s: 127 + 120 */
		{ 1, 0, 0, 2 * TEST_HZ, 1000 },           /* a kernel without req->timeout */
		{ 127, UINT32_MAX, UINT32_MAX, 0, INT64_C(128) * UINT32_MAX * 4 }, /* 7 bits */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tcptimer_snapshot snap = {
			.kind = TCPTIMER_SOCK_REQUEST,
			.state = TCPTIMER_STATE_NEW_SYN_RECV,
			.retransmits = 1,
			.num_timeout = (uint8_t)rows[i].num_timeout,
			.rto_jiffies = rows[i].timeout,
			.rto_max_jiffies = rows[i].rto_max,
			.now_jiffies = 777,
			.mini_expires = 777 + (uint64_t)(rows[i].left > 0 ? rows[i].left : 0),
			.flags = rows[i].left < 0 ? 0 : TCPTIMER_F_TIMER_HW,
		};

		assert_int_equal(conn_stall_ms(&snap, TEST_HZ), rows[i].ms);
	}
	(void)state;
}

/* A fast-open child resends its SYN-ACK by the write timer, stamped as retransmissions are. */
static void test_tfo_age(void **state)
{
	struct tcptimer_snapshot snap = {
		.state = TCPTIMER_STATE_SYN_RECV,
		.flags = TCPTIMER_F_TFO_CHILD,
		.num_timeout = 1,
		.now_ns = UINT64_C(9000000000),
		.retrans_stamp = 7000,
	};

	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 2000);
	snap.num_timeout = 0;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0);
	(void)state;
}

static void test_no_stall(void **state)
{
	struct tcptimer_snapshot snap = { .kind = TCPTIMER_SOCK_TIMEWAIT,
					  .retransmits = 1,
					  .retrans_stamp = 1,
					  .now_ns = 1000000000 };

	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0);
	snap.kind = TCPTIMER_SOCK_FULL;
	snap.state = TCPTIMER_STATE_LISTEN;
	assert_int_equal(conn_stall_ms(&snap, TEST_HZ), 0);
	(void)state;
}

/*
 * Words
 */

static void test_words(void **state)
{
	for (unsigned int i = 0; i < TCPTIMER_TIMER_COUNT; i++)
		assert_int_equal(tcptimer_timer_by_name(tcptimer_timer_name(i)), i);
	assert_int_equal(tcptimer_timer_by_name("retransmit"), -1);
	assert_int_equal(tcptimer_timer_by_name(""), -1);
	assert_string_equal(tcptimer_timer_name(TCPTIMER_TIMER_LOSS_PROBE), "loss_probe");
	assert_string_equal(tcptimer_timer_name(TCPTIMER_TIMER_COUNT), "unknown");
	assert_string_equal(tcptimer_cause_name(TCPTIMER_CAUSE_CLOSED), "closed");
	assert_string_equal(tcptimer_cause_name(UINT32_MAX), "unknown");
	assert_string_equal(tcptimer_event_name(TCPTIMER_EVENT_ABORT), "abort");
	assert_string_equal(tcptimer_event_name(TCPTIMER_EVENT_COUNT), "unknown");
	assert_string_equal(tcptimer_action_name(TCPTIMER_ACTION_ENDED), "ended");
	assert_string_equal(tcptimer_action_name(TCPTIMER_ACTION_COUNT), "unknown");
	assert_string_equal(tcptimer_state_name(TCPTIMER_STATE_FIN_WAIT2), "fin_wait2");
	assert_string_equal(tcptimer_state_name(TCPTIMER_STATE_NEW_SYN_RECV), "syn_recv");
	assert_string_equal(tcptimer_state_name(TCPTIMER_STATE_COUNT), "unknown");
	assert_string_equal(tcptimer_state_ss_name(TCPTIMER_STATE_CLOSE), "UNCONN");
	assert_string_equal(tcptimer_state_ss_name(255), "unknown");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),       cmocka_unit_test(test_odd_buckets),
		cmocka_unit_test(test_hostile_wheel), cmocka_unit_test(test_milliseconds),
		cmocka_unit_test(test_names),         cmocka_unit_test(test_order),
		cmocka_unit_test(test_retrans_age),   cmocka_unit_test(test_probe0_age),
		cmocka_unit_test(test_keepalive_age), cmocka_unit_test(test_synack_age),
		cmocka_unit_test(test_tfo_age),       cmocka_unit_test(test_no_stall),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives edges of single rules, each calculated by hand in its row.
 * Hands on to cmocka whether the engine's mirrored functions agree.
 */
#include "engine_fixture.h"

#include "../../user/engine/wheel.h"

/* model: base 50, rto_max 30000 jiffies (250 HZ): 30000/50 = 600, ilog2 = 9 */
static void test_model_timeout(void **state)
{
	static const struct {
		__u32 boundary, base, max, jiffies;
	} rows[] = {
		{ 0, 50, 30000, 50 },        /* (2^1 - 1) * 50 */
		{ 8, 50, 30000, 25550 },     /* threshold - 1: 511 * 50 */
		{ 9, 50, 30000, 51150 },     /* threshold: 1023 * 50 */
		{ 10, 50, 30000, 81150 },    /* threshold + 1: + 30000 */
		{ 15, 50, 30000, 231150 },   /* the default: 924.6 s at 250 HZ */
		{ 6, 250, 30000, 31750 },    /* SYN: 127 s; 30000/250 = 120, ilog2 6 */
		{ 7, 250, 30000, 61750 },    /* one beyond: + 120 s */
		{ 15, 200, 120000, 924600 }, /* 1000 HZ, the same 924.6 s */
		{ 15, 20, 12000, 92460 },    /* 100 HZ */
		{ 15, 60, 36000, 277380 },   /* 300 HZ */
		{ 3, 400, 300, 6000 },       /* rto_max below base: exponential, 15 * 400 */
		{ 40, 400, 300, 204400 },    /* the shift goes by 5 bits: (2 << 8) - 1 */
		{ 5, 0, 30000, 0 },          /* no base */
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(tcptimer_model_timeout_jiffies(rows[i].boundary, rows[i].base,
								rows[i].max),
				 rows[i].jiffies);
	assert_int_equal(tcptimer_model_timeout_ms(15, 60, 36000, 300), 924600);
}

static void test_conversions(void **state)
{
	(void)state;
	assert_int_equal(tcptimer_msecs_to_jiffies(1, 250), 1);
	assert_int_equal(tcptimer_msecs_to_jiffies(4, 250), 1);
	assert_int_equal(tcptimer_msecs_to_jiffies(5, 250), 2);
	assert_int_equal(tcptimer_msecs_to_jiffies(10, 300), 3);
	assert_int_equal(tcptimer_msecs_to_jiffies(11, 300), 4);
	assert_int_equal(tcptimer_msecs_to_jiffies(1, 10000), 10);
	assert_int_equal(tcptimer_msecs_to_jiffies(0x80000000u, 250), TCPTIMER_JIFFIES_FOREVER);
	assert_int_equal(tcptimer_usecs_to_jiffies(0, 250), 0);
	assert_int_equal(tcptimer_usecs_to_jiffies(201000, 250), 51);
	assert_int_equal(tcptimer_jiffies_to_msecs(1, 300), 4);    /* 3.33 up */
	assert_int_equal(tcptimer_jiffies_to_usecs(1, 300), 3333); /* down */
	assert_int_equal(tcptimer_ilog2(0), 0);
	assert_int_equal(tcptimer_ilog2(1), 0);
	assert_int_equal(tcptimer_ilog2(0xffffffffu), 31);
	assert_int_equal(tcptimer_ilog2(0x10000), 16);
	assert_int_equal(tcptimer_time_left(100, 90, 10), 0);
	assert_int_equal(tcptimer_time_left(100, 90, 11), 1);
	assert_int_equal(tcptimer_time_left(5, 0xfffffff0u, 30), 9); /* wraps */
	assert_int_equal(tcptimer_rto_doubled(20000, 30000), 30000);
	assert_int_equal(tcptimer_rto_doubled(10000, 30000), 20000);
	assert_int_equal(tcptimer_last_retry_user_timeout_ms(0, 100, 250), 400);
	assert_int_equal(tcptimer_last_retry_user_timeout_ms(1200, 100, 250), 1600);
	assert_int_equal(tcptimer_last_retry_user_timeout_ms(0, 0, 250), 1);
	assert_int_equal(tcptimer_last_retry_user_timeout_ms(0x7fffffffu, 100, 250), 0x7fffffff);
}

/* max_retries: the user_timeout set at retransmission N ends the connection at N + 1, no earlier. */
static void test_last_retry(void **state)
{
	static const __u32 hzs[] = { 100, 250, 300, 1000 };
	struct tcptimer_engine_event ev[32];
	struct tcptimer_timeline line;
	struct tcptimer_snapshot s;
	size_t h, i;
	__u32 n;

	(void)state;
	for (h = 0; h < COUNT(hzs); h++) {
		for (n = 1; n <= 8; n++) {
			__u32 hz = hzs[h], rto, elapsed = 0, sent = 0;
			__u64 due = 0;

			fixture_socket("6.12", hz, ESTAB, &s);
			s.flags &= ~TCPTIMER_F_SACK;
			tcptimer_snapshot_arm_data(fixture_profile("6.12"), hz, &s);
			rto = s.rto_jiffies << n;
			fixture_events("6.12", hz, TCPTIMER_PEER_SILENT, 0, &s, ev, 32, &line);
			due = ev[n].at_min_jiffies; /* of retransmission n + 1 */
			elapsed = (__u32)(ev[n - 1].at_ms - ev[0].at_ms);
			/* the setting in force from that moment on is the same as from the start */
			s.user_timeout_ms = tcptimer_last_retry_user_timeout_ms(elapsed, rto, hz);
			fixture_events("6.12", hz, TCPTIMER_PEER_SILENT, 0, &s, ev, 32, &line);
			for (i = 0; i < line.count; i++)
				sent += ev[i].action == TCPTIMER_ACTION_RETRANSMITTED;
			assert_int_equal(sent, n);
			assert_int_equal(line.deadline.at_min_jiffies, due);
			assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
		}
	}
}

/* calc_wheel_index(), level after level: below LVL_START(1) the first, below LVL_START(2) the second ... */
static unsigned int wheel_level_searched(__u64 delta)
{
	unsigned int level = 0;

	while (level < 8 && delta >= 63ull << (3 * level))
		level++;
	return level;
}

static void test_wheel_levels(void **state)
{
	unsigned int shift;
	__s64 near;

	(void)state;
	for (shift = 0; shift < 32; shift++) {
		for (near = -70; near <= 70; near++) {
			__u64 delta = (1ull << shift) + (__u64)near;

			if ((__s64)delta >= 0)
				assert_int_equal(wheel_level(250, delta),
						 wheel_level_searched(delta));
			delta = (63ull << shift) + (__u64)near;
			if ((__s64)delta >= 0)
				assert_int_equal(wheel_level(250, delta),
						 wheel_level_searched(delta));
		}
	}
}

static void test_wheel(void **state)
{
	struct engine_phase exact = { 1000, ENGINE_PHASE_EXACT }, none = { 0, 0 }, fired;
	struct engine_span one = { 500, 500 }, wide = { 10, 1000 }, slack;

	(void)state;
	/* LVL_START: 63, 504, 4032 ... */
	assert_int_equal(wheel_level(250, 62), 0);
	assert_int_equal(wheel_level(250, 63), 1);
	assert_int_equal(wheel_level(250, 503), 1);
	assert_int_equal(wheel_level(250, 504), 2);
	assert_int_equal(wheel_level(250, ~0ull), 8);
	assert_int_equal(wheel_level(100, ~0ull), 7); /* LVL_DEPTH 8 up to 100 HZ */
	assert_int_equal(wheel_timeout_max(250), (63ull << 24) - (1ull << 24));
	/* never early, at least one late, also on a boundary */
	assert_int_equal(wheel_bucket(1000, 0), 1001);
	assert_int_equal(wheel_bucket(1000, 1), 1008);
	assert_int_equal(wheel_bucket(1007, 1), 1008);
	assert_int_equal(wheel_bucket(1008, 1), 1016);
	/* from the index of a pending timer: level 1, slot 1008 / 8 = 126 & 63 = 62 */
	assert_int_equal(wheel_bucket_of_index(1000, 64 + 62, 900), 1008);
	/* enqueued overdue: the clock's own slot, the next time it comes round */
	assert_int_equal(wheel_bucket_of_index(500, 40, 1000), 1000);
	assert_int_equal(wheel_bucket_of_index(500, 41, 1000), 1001);
	assert_int_equal(wheel_bucket_of_index(500, 39, 1000), 1063);
	/* apply_slack: below 256 none; 30000/256 = 117: 0x1fbd0 and 0x1fc45 differ from bit 10 down */
	assert_int_equal(wheel_apply_slack(0, 255), 255);
	assert_int_equal(wheel_apply_slack(100000, 130000), 0x1fc00);
	assert_int_equal(wheel_apply_slack(0, 256), 257); /* 256 ^ 257 = 1: nothing below bit 0 */

	slack = wheel_slack(TCPTIMER_WHEEL_LEVELS, 250, one, exact, &fired);
	assert_int_equal(slack.lo, 8); /* 1000 is on a boundary of 8: a whole one more */
	assert_int_equal(slack.hi, 8);
	assert_int_equal(fired.residue, 1008);
	slack = wheel_slack(TCPTIMER_WHEEL_LEVELS, 250, one, none, &fired);
	assert_int_equal(slack.lo, 1);
	assert_int_equal(slack.hi, 8);
	assert_int_equal(fired.bits, 3);
	slack = wheel_slack(TCPTIMER_WHEEL_LEVELS, 250, wide, none, &fired);
	assert_int_equal(slack.hi, 64);
	assert_int_equal(fired.bits, 0);
	slack = wheel_slack(TCPTIMER_WHEEL_CASCADING, 250, one, none, &fired);
	assert_int_equal(slack.lo, 0);
	assert_int_equal(slack.hi, 1);
	slack = wheel_slack(TCPTIMER_WHEEL_CASCADING, 250, wide, exact, &fired);
	assert_int_equal(slack.hi, 3);
	one.lo = one.hi = 100;
	slack = wheel_slack(TCPTIMER_WHEEL_CASCADING, 250, one, none, &fired);
	assert_int_equal(slack.hi, 0);
}

/* jiffies wrap: the same life wherever in 2^32 and 2^64 it is lived, to the wheel's rounding. */
static void test_jiffies_wrap(void **state)
{
	static const __u64 at[] = { 0, 0xfffffff0ull, 0xffffffffull, 0x1fffffff0ull, ~0ull - 500 };
	struct tcptimer_snapshot s, base;
	size_t i;

	(void)state;
	fixture_socket("6.12", 1000, ESTAB, &base);
	base.user_timeout_ms = 30000;
	for (i = 0; i < COUNT(at); i++) {
		struct tcptimer_deadline dl;

		s = base;
		tcptimer_snapshot_set_jiffies(fixture_profile("6.12"), 1000, &s, at[i]);
		dl = fixture_deadline("6.12", 1000, TCPTIMER_PEER_SILENT, 0, &s);
		assert_in_range(dl.at_ms, 30400, 32000);
	}
	/* the ms clock wraps, too */
	base.now_ns = 0x100000000ull * 1000000 - 1000000000ull;
	base.head_stamp_ms = (__u32)(base.now_ns / 1000000);
	assert_in_range(fixture_deadline("6.12", 1000, TCPTIMER_PEER_SILENT, 0, &base).at_ms, 30400,
			32000);
}

static const struct tcptimer_profile *profile_of(const char *release, const char *version,
						 struct tcptimer_profile *p)
{
	struct tcptimer_kernel_facts facts = { .release = release, .version = version };

	assert_int_equal(tcptimer_profile_detect(&facts, p), 0);
	return p;
}

/* The history of changes leads from 3.15 to every built-in profile. */
static void test_profile_history(void **state)
{
	const struct tcptimer_profile *builtin;
	struct tcptimer_behaviour mine, theirs;
	struct tcptimer_profile p;
	size_t i, b;

	(void)state;
	for (i = 0; (builtin = tcptimer_profile_at(i)); i++) {
		assert_ptr_equal(tcptimer_profile_by_name(builtin->name), builtin);
		profile_of(builtin->name, NULL, &p);
		assert_string_equal(p.name, builtin->name);
		for (b = 0; tcptimer_behaviour_at(&p, b, &mine); b++) {
			tcptimer_behaviour_at(builtin, b, &theirs);
			if (mine.value != theirs.value)
				fail_msg("%s %s: history %u, table %u", builtin->name, mine.name,
					 mine.value, theirs.value);
		}
		assert_int_equal(b, tcptimer_behaviour_count());
	}
	assert_int_equal(i, 9);
	assert_null(tcptimer_profile_by_name("2.6"));
	assert_null(tcptimer_profile_by_name(NULL));
}

static void test_profile_detect(void **state)
{
	struct tcptimer_kernel_facts facts = { 0 };
	struct tcptimer_profile p;

	(void)state;
	profile_of("6.1.0-39-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-1 (2026-10-01)", &p);
	assert_string_equal(p.name, "6.1.192");
	assert_int_equal(p.shrunk_window, TCPTIMER_SHRUNK_JIFFIES_MS);
	assert_int_equal(p.probe0_clamp, TCPTIMER_PROBE0_CLAMP_UNDERFLOW);
	profile_of("6.1.20", NULL, &p);
	assert_string_equal(p.name, "6.1.20");
	assert_int_equal(p.shrunk_window, TCPTIMER_SHRUNK_RCV);
	assert_int_equal(p.tlp, TCPTIMER_TLP_JIFFIES);
	profile_of("6.1.0-9", "Linux version 6.1.0-9 (gcc 12.2.0)", &p);
	assert_string_equal(p.name, "6.1");
	profile_of("6.9.3", NULL, &p);
	assert_int_equal(p.shrunk_window, TCPTIMER_SHRUNK_BOTH);
	profile_of("5.4.17", NULL, &p);
	assert_int_equal(p.syn_limit, TCPTIMER_SYN_COUNT_OR_TIME);
	assert_int_equal(p.probe0_ut, TCPTIMER_PROBE0_UT_MODEL);
	profile_of("8.0.1-rc1", NULL, &p);
	assert_int_equal(p.synack_rto_max, 1);

	/* facts say more than versions */
	facts.release = "5.14.0-503.el9.x86_64";
	facts.btf_total_rto = TCPTIMER_YES;
	facts.sysctl_syn_linear_timeouts = TCPTIMER_YES;
	facts.btf_ato_bits = 8;
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_int_equal(p.syn_linear, 1);
	assert_int_equal(p.backoff_shrunk, 1);
	assert_int_equal(p.ato_inflate, TCPTIMER_ATO_WRAP8);
	facts = (struct tcptimer_kernel_facts){ .release = "6.1.150",
						.btf_ato_bits = 32,
						.btf_tcp_usec_ts = TCPTIMER_YES,
						.btf_probes_tstamp = TCPTIMER_NO };
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_int_equal(p.shrunk_window, TCPTIMER_SHRUNK_USER_TIMEOUT);
	assert_int_equal(p.probe0_ut, TCPTIMER_PROBE0_UT_MODEL);
	assert_int_equal(p.ato_inflate, TCPTIMER_ATO_RTO);
	facts = (struct tcptimer_kernel_facts){ .release = "5.4.1",
						.btf_probes_tstamp = TCPTIMER_YES,
						.sysctl_rto_max_ms = TCPTIMER_NO };
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_int_equal(p.probe0_clamp, TCPTIMER_PROBE0_CLAMP_UNDERFLOW);
	facts.release = "6.12.99";
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_int_equal(p.probe0_clamp, TCPTIMER_PROBE0_CLAMP_SIGNED);

	facts.release = "3.10.0";
	assert_int_equal(tcptimer_profile_detect(&facts, &p), TCPTIMER_ENGINE_ENOPROFILE);
	for (const char *const *bad = (const char *const[]){ "x", "6", "6.", "300.1", "1234.1",
							     "12345.1", "6.1234", NULL };
	     *bad; bad++) {
		facts.release = *bad;
		assert_int_equal(tcptimer_profile_detect(&facts, &p), TCPTIMER_ENGINE_ENOPROFILE);
	}
	facts.release = NULL;
	assert_int_equal(tcptimer_profile_detect(&facts, &p), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_profile_detect(NULL, &p), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_profile_detect(&facts, NULL), TCPTIMER_ENGINE_EARG);
}

/* tcp_timewait_state_process(), a row a kind of segment */
static void test_timewait_segments(void **state)
{
	static const struct {
		const char *what;
		__u8 substate, rfc1337;
		bool limited, recycle;
		struct tcptimer_tw_segment seg;
		enum tcptimer_tw_verdict verdict;
		enum tcptimer_tw_timer_effect timer;
	} rows[] = {
		{ "bare ACK", 6, .seg = { .ack = 1, .at_rcv_nxt = 1, .empty = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_RESTARTED },
		{ "RST kills", 6, .seg = { .rst = 1, .at_rcv_nxt = 1, .empty = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KILLED },
		{ "RST under rfc1337", 6, 1, .seg = { .rst = 1, .at_rcv_nxt = 1, .empty = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "RST out of window", 6, .seg = { .rst = 1, .seq_after = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "SYN with a newer number", 6, .seg = { .syn = 1, .seq_after = 1 },
		  .verdict = TCPTIMER_TW_SYN, .timer = TCPTIMER_TW_KEPT },
		{ "SYN with a newer stamp", 6,
		  .seg = { .syn = 1, .has_tstamp = 1, .tstamp_newer = 1 },
		  .verdict = TCPTIMER_TW_SYN, .timer = TCPTIMER_TW_KEPT },
		{ "SYN with an older stamp", 6, .seg = { .syn = 1, .has_tstamp = 1 },
		  .verdict = TCPTIMER_TW_ACK, .timer = TCPTIMER_TW_KEPT },
		{ "old SYN", 6, .seg = { .syn = 1 }, .verdict = TCPTIMER_TW_ACK,
		  .timer = TCPTIMER_TW_KEPT },
		{ "old SYN, rate-limited", 6, .limited = 1, .seg = { .syn = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "SYN-ACK", 6, .seg = { .syn = 1, .ack = 1, .seq_after = 1 },
		  .verdict = TCPTIMER_TW_ACK, .timer = TCPTIMER_TW_RESTARTED },
		{ "data", 6, .seg = { .ack = 1, .seq_after = 1 }, .verdict = TCPTIMER_TW_ACK,
		  .timer = TCPTIMER_TW_RESTARTED },
		{ "data is not rate-limited", 6, .limited = 1, .seg = { .ack = 1, .seq_after = 1 },
		  .verdict = TCPTIMER_TW_ACK, .timer = TCPTIMER_TW_RESTARTED },
		{ "old ACK, rate-limited", 6, .limited = 1, .seg = { .ack = 1, .empty = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_RESTARTED },
		{ "PAWS", 6, .seg = { .at_rcv_nxt = 1, .empty = 1, .paws_reject = 1 },
		  .verdict = TCPTIMER_TW_ACK, .timer = TCPTIMER_TW_RESTARTED },
		{ "RST with data", 6, .seg = { .rst = 1, .at_rcv_nxt = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KILLED },
		{ "SYN with RST", 6, .seg = { .syn = 1, .rst = 1, .seq_after = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		/* FIN_WAIT2 */
		{ "out of window", 5, .seg = { .ack = 1, .empty = 1 }, .verdict = TCPTIMER_TW_ACK,
		  .timer = TCPTIMER_TW_KEPT },
		{ "out of window, rate-limited", 5, .limited = 1, .seg = { .ack = 1, .empty = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "PAWS in FIN_WAIT2", 5, .seg = { .in_window = 1, .paws_reject = 1, .empty = 1 },
		  .verdict = TCPTIMER_TW_ACK, .timer = TCPTIMER_TW_KEPT },
		{ "RST in FIN_WAIT2", 5, 1, .seg = { .rst = 1, .in_window = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KILLED },
		{ "SYN in window", 5, .seg = { .syn = 1, .in_window = 1, .at_rcv_nxt = 1 },
		  .verdict = TCPTIMER_TW_RST, .timer = TCPTIMER_TW_KILLED },
		{ "SYN after", 5, .seg = { .syn = 1, .in_window = 1, .seq_after = 1 },
		  .verdict = TCPTIMER_TW_RST, .timer = TCPTIMER_TW_KILLED },
		{ "old SYN in window", 5, .seg = { .syn = 1, .in_window = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "no ACK flag", 5, .seg = { .in_window = 1, .end_after = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "duplicate ACK", 5, .seg = { .ack = 1, .in_window = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "empty beyond", 5,
		  .seg = { .ack = 1, .in_window = 1, .end_after = 1, .empty = 1 },
		  .verdict = TCPTIMER_TW_DROP, .timer = TCPTIMER_TW_KEPT },
		{ "data after close", 5, .seg = { .ack = 1, .in_window = 1, .end_after = 1 },
		  .verdict = TCPTIMER_TW_RST, .timer = TCPTIMER_TW_KILLED },
		{ "FIN behind data", 5,
		  .seg = { .ack = 1, .fin = 1, .in_window = 1, .end_after = 1 },
		  .verdict = TCPTIMER_TW_RST, .timer = TCPTIMER_TW_KILLED },
		{ "FIN", 5,
		  .seg = { .ack = 1, .fin = 1, .in_window = 1, .end_after = 1, .end_is_next = 1 },
		  .verdict = TCPTIMER_TW_ACK, .timer = TCPTIMER_TW_RESTARTED },
		{ "FIN, recycled", 5, .recycle = 1,
		  .seg = { .ack = 1, .fin = 1, .in_window = 1, .end_after = 1, .end_is_next = 1 },
		  .verdict = TCPTIMER_TW_ACK, .timer = TCPTIMER_TW_RESTARTED },
	};
	struct tcptimer_tw_segment seg = { 0 };
	struct tcptimer_tw_result res;
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *name = rows[i].recycle ? "4.3" : "7.2";

		fixture_socket(name, 250, rows[i].substate, &s);
		s.sysctls.rfc1337 = rows[i].rfc1337;
		s.tw_ts_recent_stamp = 1;
		s.rto_jiffies = 50;
		s.last_oow_ack_time = rows[i].limited ? (__u32)s.now_jiffies - 1 : 0;
		if (rows[i].limited && !s.last_oow_ack_time)
			s.last_oow_ack_time = 1;
		assert_int_equal(tcptimer_timewait_segment(fixture_profile(name), 250, &s,
							   &rows[i].seg, rows[i].recycle, &res),
				 0);
		if (res.verdict != rows[i].verdict || res.timer != rows[i].timer)
			fail_msg("%s: verdict %u timer %u", rows[i].what, res.verdict, res.timer);
		if (res.timer == TCPTIMER_TW_RESTARTED)
			assert_int_equal(res.timeout_jiffies, rows[i].recycle ? 175 : 15000);
	}
	assert_int_equal(res.substate, TCPTIMER_STATE_TIME_WAIT);
	/* counters, by version */
	fixture_socket("6.12", 250, TCPTIMER_STATE_TIME_WAIT, &s);
	seg.paws_reject = true;
	tcptimer_timewait_segment(fixture_profile("6.12"), 250, &s, &seg, false, &res);
	assert_string_equal(res.counter, "PAWSEstab");
	tcptimer_timewait_segment(fixture_profile("7.2"), 250, &s, &seg, false, &res);
	assert_string_equal(res.counter, "PAWSTimewait");
	assert_int_equal(tcptimer_timewait_segment(NULL, 250, &s, &seg, false, &res),
			 TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_timewait_segment(fixture_profile("7.2"), 1, &s, &seg, false,
						   &res),
			 TCPTIMER_ENGINE_EHZ);
	s.kind = TCPTIMER_SOCK_FULL;
	assert_int_equal(tcptimer_timewait_segment(fixture_profile("7.2"), 250, &s, &seg, false,
						   &res),
			 TCPTIMER_ENGINE_ESTATE);
}

/* tcp_invalid_ratelimit of 125 jiffies (500 ms at 250 HZ) */
static void test_oow(void **state)
{
	static const struct {
		__u32 age;
		bool stamped, data, syn, limited;
		enum tcptimer_oow_reason reason;
		__u32 wait;
	} rows[] = {
		{ 0, false, .reason = TCPTIMER_OOW_SEQ }, /* never answered */
		{ 1, true, .reason = TCPTIMER_OOW_SEQ, .limited = 1, .wait = 124 },
		{ 124, true, .reason = TCPTIMER_OOW_PAWS, .limited = 1, .wait = 1 },
		{ 125, true, .reason = TCPTIMER_OOW_PAWS },         /* over */
		{ (__u32)-5, true, .reason = TCPTIMER_OOW_PAWS },   /* of the future */
		{ 1, true, .data = 1, .reason = TCPTIMER_OOW_SEQ }, /* data: no loop */
		{ 1, true, .data = 1, .syn = 1, .reason = TCPTIMER_OOW_SYN_RECV, .limited = 1,
		  .wait = 124 },
		{ 1, true, .data = 1, .reason = TCPTIMER_OOW_CHALLENGE, .limited = 1, .wait = 124 },
	};
	struct tcptimer_oow_result res;
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		fixture_socket("6.1", 250, ESTAB, &s);
		s.now_jiffies = 5000;
		s.last_oow_ack_time = rows[i].stamped ? 5000 - rows[i].age : 0;
		tcptimer_oow_check(fixture_profile("6.1"), &s, rows[i].reason, rows[i].data,
				   rows[i].syn, &res);
		assert_int_equal(res.limited, rows[i].limited);
		assert_int_equal(res.wait_jiffies, rows[i].wait);
		if (!res.limited && !(rows[i].data && !rows[i].syn))
			assert_int_equal(res.stamp, 5000);
	}
	assert_string_equal(tcptimer_oow_counter(TCPTIMER_OOW_FIN_WAIT2), "TCPACKSkippedFinWait2");
	assert_string_equal(tcptimer_oow_counter(TCPTIMER_OOW_COUNT), "unknown");
	s.last_oow_ack_time = 4999;
	tcptimer_oow_check(fixture_profile("3.15"), &s, TCPTIMER_OOW_SEQ, false, false, &res);
	assert_false(res.limited);
}

static void test_delack(void **state)
{
	const struct tcptimer_profile *p612 = fixture_profile("6.12"),
				      *p61 = fixture_profile("6.1");
	struct tcptimer_delack d;
	struct tcptimer_snapshot s;
	__u8 pingpong, retry = 0;
	__u32 ato;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s); /* ato 10 (ATO_MIN), rto_min 50 */
	tcptimer_delack_schedule(p612, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 10);
	s.srtt_us = 0;
	s.delack_ato_jiffies = 200;
	tcptimer_delack_schedule(p612, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 49); /* HZ/2, DELACK_MAX 50, rto_min - 1 */
	tcptimer_delack_schedule(p61, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 50);
	s.delack_max_jiffies = 0;
	s.rto_min_jiffies = 0;
	tcptimer_delack_schedule(p612, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 49); /* the defaults of both */
	s.rto_min_jiffies = 1;
	tcptimer_delack_schedule(p612, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 1); /* max(1, 2) - 1 */
	s.rto_min_jiffies = 50;
	s.srtt_us = 100000 << 3; /* 25 jiffies */
	tcptimer_delack_schedule(p612, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 25);
	s.srtt_us = 1000000u << 3;
	s.delack_pending = TCPTIMER_ACK_PUSHED;
	s.delack_max_jiffies = 400;
	tcptimer_delack_schedule(p61, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 50); /* pushed: DELACK_MAX */
	s.delack_pending = 0;
	s.delack_pingpong = 1;
	s.sysctls.pingpong_thresh = 0;
	tcptimer_delack_schedule(p61, 250, &s, &d);
	assert_int_equal(d.ato_jiffies, 50);
	/* a pending timer: within ato/4 = 12 the ACK leaves; else the earlier of both */
	s.delack_pending = TCPTIMER_ACK_TIMER;
	s.delack_expires = s.now_jiffies + 12;
	tcptimer_delack_schedule(p61, 250, &s, &d);
	assert_true(d.now);
	s.delack_expires = s.now_jiffies + 13;
	tcptimer_delack_schedule(p61, 250, &s, &d);
	assert_false(d.now);
	assert_int_equal(d.expires, s.now_jiffies + 13);
	s.delack_expires = s.now_jiffies + 90;
	tcptimer_delack_schedule(p61, 250, &s, &d);
	assert_int_equal(d.expires, s.now_jiffies + 50);
	/* below 100 HZ the minimum is 4 jiffies */
	fixture_socket("6.1", 50, ESTAB, &s);
	tcptimer_delack_schedule(p61, 50, &s, &d);
	assert_int_equal(d.ato_jiffies, 4);

	fixture_socket("6.12", 1000, ESTAB, &s);
	s.delack_ato_jiffies = 150;
	s.rto_jiffies = 1000;
	tcptimer_delack_missed(p612, 1000, &s, &ato, &pingpong);
	assert_int_equal(ato, 200); /* 300, DELACK_MAX 200 */
	tcptimer_delack_missed(p61, 1000, &s, &ato, &pingpong);
	assert_int_equal(ato, 300);
	tcptimer_delack_missed(fixture_profile("6.18"), 1000, &s, &ato, &pingpong);
	assert_int_equal(ato, 44); /* 300 & 255 */
	s.rto_jiffies = 201;
	tcptimer_delack_missed(p61, 1000, &s, &ato, &pingpong);
	assert_int_equal(ato, 201);
	s.delack_pingpong = 3;
	tcptimer_delack_missed(p61, 1000, &s, &ato, &pingpong);
	assert_int_equal(ato, 40);
	assert_int_equal(pingpong, 0);
	tcptimer_delack_missed(p61, 50, &s, &ato, &pingpong);
	assert_int_equal(ato, 4);
	/* no memory: 200 ms, 400, ... and not beyond rto_max */
	assert_int_equal(tcptimer_delack_retry(250, 30000, &retry), 50);
	assert_int_equal(tcptimer_delack_retry(250, 30000, &retry), 100);
	retry = 10;
	assert_int_equal(tcptimer_delack_retry(250, 30000, &retry), 30000);
	assert_int_equal(retry, 10);
}

static void test_keepalive_setsockopt(void **state)
{
	struct tcptimer_snapshot s;
	__u64 at;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.now_jiffies += 1000;
	s.keep_expires = 77;
	assert_true(tcptimer_keepalive_set(&s, true, &at));
	assert_int_equal(at, s.now_jiffies + 1800000); /* whole, however long it idled */
	assert_false(tcptimer_keepalive_set_idle(&s, 500, &at));
	s.flags |= TCPTIMER_F_KEEPOPEN | TCPTIMER_F_KEEP_PENDING;
	assert_true(tcptimer_keepalive_set(&s, true, &at));
	assert_int_equal(at, 77); /* set already: unchanged */
	assert_false(tcptimer_keepalive_set(&s, false, &at));
	assert_true(tcptimer_keepalive_set_idle(&s, 1500, &at));
	assert_int_equal(at, s.now_jiffies + 500); /* 1000 of 1500 are over */
	s.lrcvtime += 900;                         /* data came later than the last ACK */
	assert_true(tcptimer_keepalive_set_idle(&s, 1500, &at));
	assert_int_equal(at, s.now_jiffies + 1400);
	assert_true(tcptimer_keepalive_set_idle(&s, 100, &at));
	assert_int_equal(at, s.now_jiffies); /* over: at once */
	s.state = TCPTIMER_STATE_LISTEN;
	assert_true(tcptimer_keepalive_set(&s, false, &at));
	assert_int_equal(at, 77);
	s.state = TCPTIMER_STATE_CLOSE;
	assert_true(tcptimer_keepalive_set_idle(&s, 100, &at));
	s.kind = TCPTIMER_SOCK_TIMEWAIT;
	assert_true(tcptimer_keepalive_set_idle(&s, 100, &at));
}

static void test_rto(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("6.12");
	enum tcptimer_limit limit;
	struct tcptimer_snapshot s;

	(void)state;
	assert_int_equal(tcptimer_rto_initial(p, 250, false, 0), 250);
	assert_int_equal(tcptimer_rto_initial(p, 250, true, 0), 750);
	assert_int_equal(tcptimer_rto_initial(p, 250, false, 100000), 30000);
	assert_int_equal(tcptimer_rto_from_rtt(250, 8000, 200000, 30000), 51);
	assert_int_equal(tcptimer_rto_from_rtt(250, 0xfffffff8u, 0, 250), 250);
	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_rto_first_sample(250, &s, 0);
	assert_int_equal(s.srtt_us, 1);
	s.rto_min_jiffies = 0;
	tcptimer_rto_first_sample(250, &s, 150000); /* rto = 3 rtt */
	assert_int_equal(tcptimer_rto_from_rtt(250, s.srtt_us, s.rttvar_us, 30000), 113);
	/* RACK: min_rtt/4 a step, not beyond srtt; none in recovery or past the threshold */
	s.min_rtt_us = 40000;
	s.srtt_us = 80000 << 3;
	assert_int_equal(tcptimer_reo_wnd_us(&s, false), 10000);
	s.reordering_steps = 200;
	assert_int_equal(tcptimer_reo_wnd_us(&s, true), 80000);
	s.sacked_out = 3;
	assert_int_equal(tcptimer_reo_wnd_us(&s, false), 0);
	s.sysctls.recovery = 4;
	assert_int_equal(tcptimer_reo_wnd_us(&s, false), 80000);
	s.ca_state = 3;
	assert_int_equal(tcptimer_reo_wnd_us(&s, false), 0);
	assert_int_equal(tcptimer_reo_delay(p, 250, &s, 0), 0);
	s.rto_jiffies = 60;
	assert_int_equal(tcptimer_reo_delay(p, 250, &s, 10000), 3); /* 12 ms */
	assert_int_equal(tcptimer_reo_delay(fixture_profile("4.3"), 250, &s, 10000), 5);
	assert_int_equal(tcptimer_reo_delay(p, 250, &s, 1000000), 60);
	/* tcp_fin_time() */
	s.rto_jiffies = 51;
	assert_int_equal(tcptimer_fin_time(&s, &limit), 15000);
	assert_int_equal(limit, TCPTIMER_LIMIT_FIN_TIMEOUT);
	assert_int_equal(tcptimer_defer_accept_periods(0, 1, 120), 0);
	assert_int_equal(tcptimer_defer_accept_periods(1, 1, 120), 1);
	assert_int_equal(tcptimer_defer_accept_periods(7, 1, 120), 3); /* 1 + 2 + 4 */
	assert_int_equal(tcptimer_defer_accept_periods(8, 1, 120), 4);
	assert_int_equal(tcptimer_defer_accept_periods(0x7fffffff, 1, 120), 255);
	assert_int_equal(tcptimer_defer_accept_periods(0x80000000u, 1, 120), 0);
}

static void test_loss_probe(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("6.12"), *old = fixture_profile("4.3");
	struct tcptimer_profile mid = *p;
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);                         /* srtt 1 ms, one segment */
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 51); /* 2 + 200 ms = 50.5 */
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 7), 7);
	s.packets_out = 2;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 1); /* 2 + 2 ms */
	mid.tlp = TCPTIMER_TLP_JIFFIES;
	assert_int_equal(tcptimer_loss_probe_delay(&mid, 250, &s, 0), 3); /* 1 + 2 jiffies */
	s.packets_out = 1;
	assert_int_equal(tcptimer_loss_probe_delay(&mid, 250, &s, 0), 51);
	assert_int_equal(tcptimer_loss_probe_delay(old, 250, &s, 0), 51); /* 1.5 rtt + 50 */
	s.packets_out = 2;
	assert_int_equal(tcptimer_loss_probe_delay(old, 250, &s, 0), 3); /* 10 ms at least */
	s.srtt_us = 0;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 250); /* no sample: 1 s */
	assert_int_equal(tcptimer_loss_probe_delay(old, 250, &s, 0), 0);
	s.srtt_us = 8000;
	s.ca_state = 2; /* CWR */
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 1);
	assert_int_equal(tcptimer_loss_probe_delay(old, 250, &s, 0), 0);
	s.ca_state = 3;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 0);
	s.ca_state = 0;
	s.packets_out = 0;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 0);
	s.packets_out = 1;
	s.rto_min_jiffies = 0;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 51);
	s.flags |= TCPTIMER_F_TFO_CHILD;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 0);
	s.flags = 0;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 0); /* no SACK */
	s.sysctls.early_retrans = 4;
	s.flags = TCPTIMER_F_SACK;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 51);
	s.sysctls.early_retrans = 2;
	assert_int_equal(tcptimer_loss_probe_delay(p, 250, &s, 0), 0);
}

static void test_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i > -8; i--)
		assert_string_not_equal(tcptimer_engine_strerror(i), "unknown error");
	assert_string_equal(tcptimer_engine_strerror(-99), "unknown error");
	for (i = 0; i < (int)TCPTIMER_PEER_COUNT; i++)
		assert_int_equal(tcptimer_peer_by_name(tcptimer_peer_name((unsigned int)i)), i);
	assert_string_equal(tcptimer_peer_name(99), "unknown");
	assert_int_equal(tcptimer_peer_by_name("nobody"), -1);
	assert_int_equal(tcptimer_peer_by_name(NULL), -1);
	assert_string_equal(tcptimer_limit_name(TCPTIMER_LIMIT_RETRIES2), "tcp_retries2");
	assert_string_equal(tcptimer_limit_unit(TCPTIMER_LIMIT_LINGER2), "ms");
	assert_string_equal(tcptimer_limit_name(99), "unknown");
	assert_string_equal(tcptimer_limit_unit(99), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model_timeout),
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_last_retry),
		cmocka_unit_test(test_wheel_levels),
		cmocka_unit_test(test_wheel),
		cmocka_unit_test(test_jiffies_wrap),
		cmocka_unit_test(test_profile_history),
		cmocka_unit_test(test_profile_detect),
		cmocka_unit_test(test_timewait_segments),
		cmocka_unit_test(test_oow),
		cmocka_unit_test(test_delack),
		cmocka_unit_test(test_keepalive_setsockopt),
		cmocka_unit_test(test_rto),
		cmocka_unit_test(test_loss_probe),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("engine rules", tests, NULL, NULL);
}

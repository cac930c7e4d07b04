// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives the cases in which engine and kernel once disagreed (tests/conformance).
 * Hands on to cmocka whether the engine still says what the kernels were seen to do.
 */
#include "engine_fixture.h"

#define LINE_MAX_EVENTS 64
#define FINDINGS_HZ 250
#define INET6 10 /* AF_INET6 */

static struct tcptimer_engine_event ev[LINE_MAX_EVENTS];
static struct tcptimer_timeline line;

static const char *const kernels[] = { "6.1", "6.12", "6.18", "7.2" };

static void run(const char *name, enum tcptimer_peer peer, __u32 rtt_us,
		const struct tcptimer_snapshot *s)
{
	struct tcptimer_engine_params params = { .hz = FINDINGS_HZ,
						 .peer = peer,
						 .rtt_us = rtt_us };

	assert_int_equal(tcptimer_engine_timeline(fixture_profile(name), &params, s, ev,
						  LINE_MAX_EVENTS, &line),
			 0);
}

/* tcp_v4_err(): a probe's sequence number, snd_una - 1, is out of window: no sk_err_soft. */
static void probes_leave_no_soft_error(void **state)
{
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kernels); i++) {
		fixture_socket(kernels[i], FINDINGS_HZ, ESTAB, &s);
		s.sysctls.retries2 = 3;
		tcptimer_snapshot_arm_probe0(fixture_profile(kernels[i]), FINDINGS_HZ, &s);
		run(kernels[i], TCPTIMER_PEER_UNREACHABLE, 1, &s);
		assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_PROBE0);
		assert_int_equal(line.deadline.err, 110);
		fixture_socket(kernels[i], FINDINGS_HZ, ESTAB, &s);
		s.flags |= TCPTIMER_F_KEEPOPEN;
		tcptimer_snapshot_arm_idle(fixture_profile(kernels[i]), FINDINGS_HZ, &s);
		tcptimer_snapshot_arm_keepalive(fixture_profile(kernels[i]), FINDINGS_HZ, &s);
		run(kernels[i], TCPTIMER_PEER_UNREACHABLE, 1, &s);
		assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_KEEPALIVE);
		assert_int_equal(line.deadline.err, 110);
	}
}

/* tcp_ld_RTO_revert(): the time since sending rounds up to a jiffy; IPv6 reverts for "no route" only. */
static void unreachable_reverts_a_jiffy_short(void **state)
{
	struct tcptimer_snapshot s;
	__u64 first;

	(void)state;
	fixture_socket("6.12", FINDINGS_HZ, ESTAB, &s);
	s.flags &= ~TCPTIMER_F_SACK;
	tcptimer_snapshot_arm_data(fixture_profile("6.12"), FINDINGS_HZ, &s);
	run("6.12", TCPTIMER_PEER_UNREACHABLE, 1, &s);
	first = ev[1].at_min_jiffies - ev[0].at_min_jiffies;
	/* rto - 1, and the wheel adds one: level 0 */
	assert_int_equal(first, s.rto_jiffies);
	assert_int_equal(ev[3].at_min_jiffies - ev[2].at_min_jiffies, s.rto_jiffies);
	assert_true(ev[1].flags & TCPTIMER_EV_RTO_REVERTED);
	s.family = INET6;
	run("6.12", TCPTIMER_PEER_UNREACHABLE, 1, &s);
	assert_false(ev[1].flags & TCPTIMER_EV_RTO_REVERTED);
	assert_true(ev[1].at_min_jiffies - ev[0].at_min_jiffies > 2 * s.rto_jiffies);
	assert_int_equal(line.deadline.err, 113);
}

/* Armed when the answer comes, the wheel's level goes by what is armed then. */
static void answers_do_not_raise_the_level(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", FINDINGS_HZ, ESTAB, &s);
	tcptimer_snapshot_set_rto(fixture_profile("6.12"), FINDINGS_HZ, &s, 200);
	tcptimer_snapshot_arm_probe0(fixture_profile("6.12"), FINDINGS_HZ, &s);
	/* after the first probe 400 ms are armed, 100 jiffies, on level 1: steps of 8 from the answer */
	run("6.12", TCPTIMER_PEER_ZERO_WINDOW, 1800000, &s);
	assert_in_range(ev[1].at_min_jiffies - ev[0].at_min_jiffies, 450 + 101, 450 + 108);
}

/* __mod_timer() to the same expiry does nothing: what was clamped when the probe left keeps its bucket. */
static void a_clamped_probe_keeps_its_bucket(void **state)
{
	struct tcptimer_snapshot s;
	__u64 expires, left;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kernels); i++) {
		fixture_socket(kernels[i], FINDINGS_HZ, ESTAB, &s);
		tcptimer_snapshot_set_rto(fixture_profile(kernels[i]), FINDINGS_HZ, &s, 200);
		tcptimer_snapshot_arm_probe0(fixture_profile(kernels[i]), FINDINGS_HZ, &s);
		s.user_timeout_ms = 1740;
		run(kernels[i], TCPTIMER_PEER_ZERO_WINDOW, 110000, &s);
		assert_int_equal(line.count, 4);
		assert_true(ev[2].flags & TCPTIMER_EV_CLAMPED);
		expires = ev[0].at_min_jiffies + 435;
		left = expires - ev[2].at_min_jiffies;
		/* level 1 when the probe left, level 0 when the answer came 27 jiffies later */
		assert_in_range(left, 63, 63 + 26);
		assert_int_equal((s.now_jiffies + ev[3].at_min_jiffies) % 8, 0);
		assert_in_range(ev[3].at_min_jiffies, expires + 1, expires + 8);
		assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	}
}

/* Timers of one jiffy fire in the order of the wheel's lists: the end is told after what may precede it. */
static void the_end_comes_last_in_its_jiffy(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", FINDINGS_HZ, ESTAB, &s);
	s.flags &= ~TCPTIMER_F_SACK;
	s.flags |= TCPTIMER_F_KEEPOPEN | TCPTIMER_F_WRITE_PENDING | TCPTIMER_F_KEEP_PENDING;
	tcptimer_snapshot_arm_data(fixture_profile("6.12"), FINDINGS_HZ, &s);
	tcptimer_snapshot_arm_keepalive(fixture_profile("6.12"), FINDINGS_HZ, &s);
	s.sysctls.retries2 = 0;
	s.retransmits = 1;
	s.retrans_stamp = (__u32)(s.now_ns / 1000000) - 10000;
	s.write_expires = s.write_timeout = s.keep_expires = s.now_jiffies + 51;
	s.write_flags = s.keep_flags = (__u32)((s.now_jiffies + 52) % 64) << 22;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(line.count, 2);
	assert_int_equal(ev[0].timer, TCPTIMER_TIMER_KEEPALIVE);
	assert_int_equal(ev[1].cause, TCPTIMER_CAUSE_RETRIES);
	assert_int_equal(ev[0].at_max_jiffies, ev[1].at_max_jiffies);
}

/* An answer stamps rcv_tstamp when it comes: the next firing finds less idle time than it needs. */
static void keepalive_idles_from_the_answer(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", FINDINGS_HZ, ESTAB, &s);
	s.flags |= TCPTIMER_F_KEEPOPEN;
	s.keepalive_time_jiffies = s.keepalive_intvl_jiffies = FINDINGS_HZ;
	tcptimer_snapshot_arm_idle(fixture_profile("6.12"), FINDINGS_HZ, &s);
	tcptimer_snapshot_arm_keepalive(fixture_profile("6.12"), FINDINGS_HZ, &s);
	run("6.12", TCPTIMER_PEER_ACKS, 40000, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_PROBED);
	assert_int_equal(ev[1].action, TCPTIMER_ACTION_REARMED);
	assert_int_equal(ev[2].action, TCPTIMER_ACTION_PROBED);
}

/* __tcp_retransmit_skb(): behind a window of nothing only the head may be sent again. */
static void no_loss_probe_behind_a_shrunk_window(void **state)
{
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kernels); i++) {
		fixture_socket(kernels[i], FINDINGS_HZ, ESTAB, &s);
		tcptimer_snapshot_arm_data(fixture_profile(kernels[i]), FINDINGS_HZ, &s);
		s.packets_out = 3;
		s.snd_wnd = 0;
		run(kernels[i], TCPTIMER_PEER_SILENT, 0, &s);
		assert_int_equal(ev[0].timer, TCPTIMER_TIMER_LOSS_PROBE);
		assert_int_equal(ev[0].action, TCPTIMER_ACTION_RETRANSMIT_FAILED);
		/* the rest of the RTO, not a whole one */
		assert_in_range(ev[1].at_min_jiffies, s.rto_jiffies, s.rto_jiffies + 3);
		s.packets_out = 1;
		run(kernels[i], TCPTIMER_PEER_SILENT, 0, &s);
		assert_int_equal(ev[0].action, TCPTIMER_ACTION_PROBED);
	}
}

/* tcp_retransmit_timer(): __sk_dst_reset() comes before a thin stream's RTO, which so loses the metric. */
static void a_shrunk_window_loses_the_route(void **state)
{
	static const char *const clamping[] = { "6.6", "6.12", "7.2" };
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(clamping); i++) {
		fixture_socket(clamping[i], FINDINGS_HZ, ESTAB, &s);
		s.flags |= TCPTIMER_F_RTO_MIN_ROUTE | TCPTIMER_F_THIN_LTO;
		s.flags &= ~TCPTIMER_F_SACK;
		s.rto_min_jiffies = s.rto_jiffies = 2;
		s.srtt_us = 8;
		s.rttvar_us = 8000;
		tcptimer_snapshot_arm_data(fixture_profile(clamping[i]), FINDINGS_HZ, &s);
		s.snd_wnd = 0;
		run(clamping[i], TCPTIMER_PEER_SILENT, 0, &s);
		/* 200 ms, and the wheel's one */
		assert_int_equal(ev[1].at_min_jiffies - ev[0].at_min_jiffies, 51);
		s.snd_wnd = 65535;
		run(clamping[i], TCPTIMER_PEER_SILENT, 0, &s);
		assert_in_range(ev[1].at_min_jiffies - ev[0].at_min_jiffies, 3, 4);
	}
}

/* reqsk_timer_handler(): a period on, nothing that is queued now is young. */
static void a_crowd_ages(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", FINDINGS_HZ, TCPTIMER_STATE_NEW_SYN_RECV, &s);
	s.ack_backlog = s.ack_young = 7;
	s.max_ack_backlog = 8;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(line.deadline.n, 2);
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_SYNACK_RETRIES);
}

/* tcp_send_probe0(): what finds room in the window is data, and counts as no probe. */
static void data_is_no_probe(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", FINDINGS_HZ, ESTAB, &s);
	tcptimer_snapshot_arm_probe0(fixture_profile("6.12"), FINDINGS_HZ, &s);
	s.snd_wnd = 65535;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_PROBED);
	assert_int_equal(ev[0].n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_leave_no_soft_error),
		cmocka_unit_test(unreachable_reverts_a_jiffy_short),
		cmocka_unit_test(answers_do_not_raise_the_level),
		cmocka_unit_test(a_clamped_probe_keeps_its_bucket),
		cmocka_unit_test(the_end_comes_last_in_its_jiffy),
		cmocka_unit_test(keepalive_idles_from_the_answer),
		cmocka_unit_test(no_loss_probe_behind_a_shrunk_window),
		cmocka_unit_test(a_shrunk_window_loses_the_route),
		cmocka_unit_test(a_crowd_ages),
		cmocka_unit_test(data_is_no_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives what real kernels were measured to do, and what hand calculation says.
 * Hands on to cmocka whether the engine's ranges contain it.
 */
#include "engine_fixture.h"

/*
 * One row: a socket, and when a kernel ended it. Times in ms at 250 HZ, from the moment the timer is
 * armed. lo..hi is the measurement's own range; the engine's [min, max] must contain it, and be no
 * wider than `width`, so that a range that contains everything fails.
 */
static const struct anchor {
	const char *what;
	const char *profile;
	unsigned int state;
	enum tcptimer_peer peer;
	__u32 user_timeout_ms;
	__u32 rto_min_us, rto_ms;
	__u8 retries2;
	__u8 syncnt;
	bool sack;
	bool probe0;
	bool keepalive;
	__u8 keep[3]; /* idle s, interval s, probes */
	__u64 lo_ms, hi_ms, width_ms;
	enum tcptimer_cause cause;
	enum tcptimer_limit limit;
	__u32 n;
} anchors[] = {
	/* SYN: 1+2+4+8+16+32 s of RTOs, and 64 s until noticed; each rounded up by the wheel. */
	{ "SYN, default, 6.1", "6.1", SYN_SENT, TCPTIMER_PEER_SILENT, .sack = 1, .lo_ms = 131070,
	  .hi_ms = 131070, .width_ms = 2048, .cause = TCPTIMER_CAUSE_SYN_RETRIES,
	  .limit = TCPTIMER_LIMIT_SYN_RETRIES, .n = 6 },
	/* Four linear seconds more (6.5), so 4 + 127 s and 10 retransmissions. */
	{ "SYN, default, 6.12", "6.12", SYN_SENT, TCPTIMER_PEER_SILENT, .sack = 1, .lo_ms = 135170,
	  .hi_ms = 135170, .width_ms = 2048, .cause = TCPTIMER_CAUSE_SYN_RETRIES,
	  .limit = TCPTIMER_LIMIT_SYN_RETRIES, .n = 10 },
	{ "SYN, default, 7.2", "7.2", SYN_SENT, TCPTIMER_PEER_SILENT, .sack = 1, .lo_ms = 135170,
	  .hi_ms = 135170, .width_ms = 2048, .cause = TCPTIMER_CAUSE_SYN_RETRIES,
	  .limit = TCPTIMER_LIMIT_SYN_RETRIES, .n = 10 },
	/* By count it would be 1 + 4 retransmissions; the model time of 1 is 3 s: noticed at 3.07. */
	{ "SYNCNT 1 ends by the model", "6.18", SYN_SENT, TCPTIMER_PEER_SILENT, .sack = 1,
	  .syncnt = 1, .lo_ms = 3070, .hi_ms = 3070, .width_ms = 32,
	  .cause = TCPTIMER_CAUSE_SYN_RETRIES, .limit = TCPTIMER_LIMIT_SYNCNT, .n = 2 },
	/*
	 * 2^3 - 1 = 7 s on the grid of 1, 2, 3, 4, 5, 7. 1 s is 250 jiffies: the first fires 251 to 258
	 * after the SYN, on a multiple of 8, the next four 256 apart (250 + 6), and 2 s, 500 jiffies,
	 * takes 504: 251..258 + 4 * 256 + 504 = 1779..1786 jiffies, 7116..7144 ms.
	 */
	{ "SYNCNT 2", "6.18", SYN_SENT, TCPTIMER_PEER_SILENT, .sack = 1, .syncnt = 2, .lo_ms = 7116,
	  .hi_ms = 7144, .width_ms = 28, .cause = TCPTIMER_CAUSE_SYN_RETRIES,
	  .limit = TCPTIMER_LIMIT_SYNCNT, .n = 5 },
	{ "SYN, user_timeout 2500", "6.18", SYN_SENT, TCPTIMER_PEER_SILENT, 2500, .sack = 1,
	  .lo_ms = 2510, .hi_ms = 2510, .width_ms = 48, .cause = TCPTIMER_CAUSE_USER_TIMEOUT,
	  .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .n = 3 },
	/* The first timer is never clamped: 1 s, then a jiffy. */
	{ "SYN, user_timeout 500", "6.18", SYN_SENT, TCPTIMER_PEER_SILENT, 500, .sack = 1,
	  .lo_ms = 1030, .hi_ms = 1030, .width_ms = 32, .cause = TCPTIMER_CAUSE_USER_TIMEOUT,
	  .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .n = 1 },
	{ "data, default", "6.1", ESTAB, TCPTIMER_PEER_SILENT, .sack = 1, .lo_ms = 938700,
	  .hi_ms = 939100, .width_ms = 2048, .cause = TCPTIMER_CAUSE_RETRIES,
	  .limit = TCPTIMER_LIMIT_RETRIES2, .n = 15 },
	{ "data, default", "6.12", ESTAB, TCPTIMER_PEER_SILENT, .sack = 1, .lo_ms = 938700,
	  .hi_ms = 939100, .width_ms = 2048, .cause = TCPTIMER_CAUSE_RETRIES,
	  .limit = TCPTIMER_LIMIT_RETRIES2, .n = 15 },
	{ "data, default", "7.2", ESTAB, TCPTIMER_PEER_SILENT, .sack = 1, .lo_ms = 938700,
	  .hi_ms = 939100, .width_ms = 2048, .cause = TCPTIMER_CAUSE_RETRIES,
	  .limit = TCPTIMER_LIMIT_RETRIES2, .n = 15 },
	/* user_timeout counts from the first retransmission, not from the data. */
	{ "data, user_timeout 5000, no SACK", "6.18", ESTAB, TCPTIMER_PEER_SILENT, 5000,
	  .lo_ms = 5350, .hi_ms = 5350, .width_ms = 252, .cause = TCPTIMER_CAUSE_USER_TIMEOUT,
	  .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .n = 4 },
	{ "data, user_timeout 5000, loss probe", "6.18", ESTAB, TCPTIMER_PEER_SILENT, 5000,
	  .sack = 1, .lo_ms = 5660, .hi_ms = 5660, .width_ms = 252,
	  .cause = TCPTIMER_CAUSE_USER_TIMEOUT, .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .n = 4 },
	/*
	 * The model's base is 200 ms whatever rto_min is: 63 * 200 ms = 12.6 s after the first
	 * retransmission. The ninth RTO notices: 511 * 32 ms = 16.4 s, and 4 % of rounding.
	 */
	{ "retries2 5, rto_min 20 ms, rto 32", "6.18", ESTAB, TCPTIMER_PEER_SILENT,
	  .rto_min_us = 20000, .rto_ms = 32, .retries2 = 5, .lo_ms = 17000, .hi_ms = 17200,
	  .width_ms = 256, .cause = TCPTIMER_CAUSE_RETRIES, .limit = TCPTIMER_LIMIT_RETRIES2,
	  .n = 8 },
	/* 7200 s rounded up by up to 131 s, then nine intervals of 75 s. */
	{ "keepalive, default", "6.1", ESTAB, TCPTIMER_PEER_SILENT, .sack = 1, .keepalive = 1,
	  .lo_ms = 7905280, .hi_ms = 7905280, .width_ms = 131072, .cause = TCPTIMER_CAUSE_KEEPALIVE,
	  .limit = TCPTIMER_LIMIT_KEEPALIVE_PROBES, .n = 9 },
	{ "keepalive, default", "7.2", ESTAB, TCPTIMER_PEER_SILENT, .sack = 1, .keepalive = 1,
	  .lo_ms = 7905280, .hi_ms = 7905280, .width_ms = 131072, .cause = TCPTIMER_CAUSE_KEEPALIVE,
	  .limit = TCPTIMER_LIMIT_KEEPALIVE_PROBES, .n = 9 },
	/* With user_timeout the probes' number is ignored; it is noticed on a probe's tick. */
	{ "keepalive 3/2/9, user_timeout 6000", "6.18", ESTAB, TCPTIMER_PEER_SILENT, 6000,
	  .sack = 1, .keepalive = 1, .keep = { 3, 2, 9 }, .lo_ms = 7200, .hi_ms = 7200,
	  .width_ms = 256, .cause = TCPTIMER_CAUSE_USER_TIMEOUT,
	  .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .n = 2 },
	{ "keepalive 3/2/9, user_timeout 1000", "6.18", ESTAB, TCPTIMER_PEER_SILENT, 1000,
	  .sack = 1, .keepalive = 1, .keep = { 3, 2, 9 }, .lo_ms = 5100, .hi_ms = 5100,
	  .width_ms = 256, .cause = TCPTIMER_CAUSE_USER_TIMEOUT,
	  .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .n = 1 },
	/* 5.02 s after the first probe, which is sent 204..212 ms after it is armed. */
	{ "probe0, answered, user_timeout 5000", "6.18", ESTAB, TCPTIMER_PEER_ZERO_WINDOW, 5000,
	  .sack = 1, .probe0 = 1, .lo_ms = 5228, .hi_ms = 5228, .width_ms = 252,
	  .cause = TCPTIMER_CAUSE_USER_TIMEOUT, .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .n = 0 },
};

static void anchor_socket(const struct anchor *a, const struct tcptimer_profile *profile,
			  struct tcptimer_snapshot *s)
{
	fixture_socket(a->profile, 250, a->state, s);
	s->user_timeout_ms = a->user_timeout_ms;
	s->syn_retries = a->syncnt;
	if (a->retries2)
		s->sysctls.retries2 = a->retries2;
	if (!a->sack)
		s->flags &= ~TCPTIMER_F_SACK;
	if (a->rto_min_us) {
		s->sysctls.rto_min_us = a->rto_min_us;
		tcptimer_snapshot_apply_sysctls(profile, 250, s);
		tcptimer_snapshot_set_rto(profile, 250, s, a->rto_ms);
	}
	if (a->state == ESTAB)
		tcptimer_snapshot_arm_data(profile, 250, s);
	if (a->probe0)
		tcptimer_snapshot_arm_probe0(profile, 250, s);
	if (a->keepalive) {
		tcptimer_snapshot_arm_idle(profile, 250, s);
		if (a->keep[0]) {
			s->keepalive_time_jiffies = a->keep[0] * 250;
			s->keepalive_intvl_jiffies = a->keep[1] * 250;
			s->keepalive_probes = a->keep[2];
		}
		tcptimer_snapshot_arm_keepalive(profile, 250, s);
	}
}

static void test_anchors(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(anchors); i++) {
		const struct anchor *a = &anchors[i];
		struct tcptimer_snapshot s;
		struct tcptimer_deadline dl;

		anchor_socket(a, fixture_profile(a->profile), &s);
		dl = fixture_deadline(a->profile, 250, a->peer, TCPTIMER_ENGINE_ANY_PHASE, &s);
		if (dl.never || dl.at_min_ms > a->lo_ms || dl.at_max_ms < a->hi_ms ||
		    dl.at_max_ms - dl.at_min_ms > a->width_ms || dl.cause != a->cause ||
		    dl.limit != a->limit || dl.n != a->n)
			fail_msg("%s (%s): [%llu, %llu] cause %u limit %s n %u", a->what,
				 a->profile, dl.at_min_ms, dl.at_max_ms, dl.cause,
				 tcptimer_limit_name(dl.limit), dl.n);
		assert_int_equal(dl.err, 110);
		assert_true(dl.reported);
		assert_int_equal(dl.rst, a->keepalive);
	}
}

/* TCP_LINGER2 of 1 s under an RTO of 76 jiffies: 3.5 RTOs, 266 jiffies. Of 70 s: 10 s, and 10 s. */
static void test_fin_wait2(void **state)
{
	struct tcptimer_engine_event ev[8];
	struct tcptimer_timeline line;
	struct tcptimer_snapshot s;
	struct tcptimer_deadline dl;

	(void)state;
	fixture_socket("6.18", 250, TCPTIMER_STATE_FIN_WAIT2, &s);
	s.rto_jiffies = 76;
	s.linger2_jiffies = 250;
	tcptimer_snapshot_arm_fin_wait2(fixture_profile("6.18"), 250, &s);
	assert_int_equal(s.kind, TCPTIMER_SOCK_TIMEWAIT);
	assert_int_equal(s.mini_expires - s.now_jiffies, 266);
	dl = fixture_deadline("6.18", 250, TCPTIMER_PEER_AUTO, 0, &s);
	assert_int_equal(dl.limit, TCPTIMER_LIMIT_FIN_RTO);
	assert_in_range(dl.at_max_jiffies, 267, 274);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_FIN_WAIT2);
	assert_false(dl.rst);
	assert_int_equal(dl.err, 0);

	fixture_socket("6.18", 250, TCPTIMER_STATE_FIN_WAIT2, &s);
	s.linger2_jiffies = 70 * 250;
	tcptimer_snapshot_arm_fin_wait2(fixture_profile("6.18"), 250, &s);
	assert_int_equal(s.kind, TCPTIMER_SOCK_FULL);
	assert_int_equal(s.keep_expires - s.now_jiffies, 10 * 250);
	assert_int_equal(fixture_events("6.18", 250, TCPTIMER_PEER_AUTO, 0, &s, ev, 8, &line), 2);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_HANDED_OVER);
	assert_int_equal(ev[0].rto_ms, 10000);
	assert_int_equal(ev[1].action, TCPTIMER_ACTION_ENDED);
	/* level 2 rounds each 10 s by up to 256 ms */
	assert_in_range(ev[0].at_ms, 10004, 10256);
	assert_in_range(ev[1].at_ms, 20008, 20512);
	assert_int_equal(line.deadline.limit, TCPTIMER_LIMIT_LINGER2);
	assert_int_equal(line.deadline.limit_value, 70000);
}

/* Each SYN of the two defaults, in s: nominal times, which the wheel only ever exceeds. */
static void test_syn_schedule(void **state)
{
	static const __u64 v61[] = { 1, 3, 7, 15, 31, 63, 127 };
	static const __u64 v612[] = { 1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131 };
	struct tcptimer_engine_event ev[16];
	struct tcptimer_timeline line;
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	fixture_socket("6.1", 250, SYN_SENT, &s);
	assert_int_equal(fixture_events("6.1", 250, TCPTIMER_PEER_SILENT, 0, &s, ev, 16, &line), 7);
	for (i = 0; i < COUNT(v61); i++)
		assert_in_range(ev[i].at_ms, v61[i] * 1000, v61[i] * 1125);
	fixture_socket("6.12", 250, SYN_SENT, &s);
	assert_int_equal(fixture_events("6.12", 250, TCPTIMER_PEER_SILENT, 0, &s, ev, 16, &line),
			 11);
	for (i = 0; i < COUNT(v612); i++)
		assert_in_range(ev[i].at_ms, v612[i] * 1000, v612[i] * 1125);
	assert_true(ev[3].flags & TCPTIMER_EV_LINEAR);
	assert_false(ev[4].flags & TCPTIMER_EV_LINEAR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_fin_wait2),
		cmocka_unit_test(test_syn_schedule),
	};

	return cmocka_run_group_tests_name("engine anchors", tests, NULL, NULL);
}

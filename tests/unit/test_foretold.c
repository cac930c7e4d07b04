// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was foretold against what came: the table, the sums, and what is not compared.
 * Receives user/foretold.c and user/deadline.c; no kernel, no libbpf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "deadline.h"
#include "foretold.h"

#define NS_PER_MS 1000000ULL

static struct conn conn_of(struct tcptimer_snapshot *snap, uint64_t sk, int64_t deadline_ms)
{
	snap->sk = sk;
	return (struct conn){ .snap = snap,
			      .hz = 250,
			      .deadline_known = true,
			      .has_deadline = true,
			      .deadline_ms = deadline_ms,
			      .deadline_cause = TCPTIMER_CAUSE_RETRIES };
}

/* One end a row: what was foretold at 1000 ms, what changed, what came. */
static void test_ends(void **state)
{
	static const struct {
		const char *what;
		int64_t deadline_ms, end_ms;
		enum tcptimer_cause cause;
		uint32_t new_user_timeout_ms;
		uint32_t new_flags;
		bool compared, right_cause;
		int64_t drift_ms;
	} rows[] = {
		{ "on time", 500, 1500, TCPTIMER_CAUSE_RETRIES, 0, 0, true, true, 0 },
		{ "a jiffy late", 500, 1504, TCPTIMER_CAUSE_RETRIES, 0, 0, true, true, 4 },
		{ "early", 500, 1200, TCPTIMER_CAUSE_RETRIES, 0, 0, true, true, -300 },
		{ "by another limit", 500, 1500, TCPTIMER_CAUSE_ORPHAN, 0, 0, true, false, 0 },
		{ "setsockopt since", 500, 1200, TCPTIMER_CAUSE_USER_TIMEOUT, 200, 0, false, false,
		  0 },
		{ "close() since", 500, 1200, TCPTIMER_CAUSE_ORPHAN, 0, TCPTIMER_F_DEAD, false,
		  false, 0 },
		{ "an ICMP error since", 500, 1100, TCPTIMER_CAUSE_UNREACHABLE, 0, 0, false, false,
		  0 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct foretold *f = foretold_new();
		struct tcptimer_snapshot snap = {};
		struct conn conn = conn_of(&snap, 64, rows[i].deadline_ms);
		struct foretold_drift drift = {};
		bool compared;

		foretold_set(f, &conn, 1000 * NS_PER_MS);
		snap.user_timeout_ms = rows[i].new_user_timeout_ms;
		snap.flags |= rows[i].new_flags;
		compared = foretold_end(f, &snap, rows[i].cause,
					(uint64_t)rows[i].end_ms * NS_PER_MS, &drift);
		if (compared != rows[i].compared || drift.ms != rows[i].drift_ms ||
		    drift.right_cause != rows[i].right_cause)
			fail_msg("%s: compared %d drift %lld cause %d", rows[i].what, compared,
				 (long long)drift.ms, drift.right_cause);
		/* an end is told once */
		assert_false(foretold_end(f, &snap, rows[i].cause, 0, &drift));
		foretold_free(f);
	}
}

static void test_sums(void **state)
{
	static const struct foretold_drift drifts[] = {
		{ 0, true }, { 8, true }, { -9, false }, { 9, true }, { -30, true },
	};
	struct foretold *f = foretold_new();
	size_t i;

	for (i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++)
		foretold_count(f, &drifts[i], 250); /* two jiffies are 8 ms */
	assert_int_equal(foretold_sums(f)->ends, 5);
	assert_int_equal(foretold_sums(f)->right_cause, 4);
	assert_int_equal(foretold_sums(f)->in_time, 2);
	assert_int_equal(foretold_sums(f)->worst_ms, -30);
	foretold_free(f);
}

/* A later event replaces what was foretold; one with no end in sight takes it back. */
static void test_replaced(void **state)
{
	struct foretold *f = foretold_new();
	struct tcptimer_snapshot snap = {};
	struct conn conn = conn_of(&snap, 64, 500);
	struct foretold_drift drift;

	foretold_set(f, &conn, 0);
	conn.deadline_ms = 900;
	foretold_set(f, &conn, 100 * NS_PER_MS);
	assert_true(foretold_end(f, &snap, TCPTIMER_CAUSE_RETRIES, 1001 * NS_PER_MS, &drift));
	assert_int_equal(drift.ms, 1);
	foretold_set(f, &conn, 0);
	conn.has_deadline = false;
	foretold_set(f, &conn, 0);
	assert_false(foretold_end(f, &snap, TCPTIMER_CAUSE_RETRIES, 0, &drift));
	foretold_free(f);
}

/* Thousands come and go in any order: what is left is found, and what went is not. */
static void test_many(void **state)
{
	enum { COUNT = 20000 };
	struct foretold *f = foretold_new();
	bool *there = calloc(COUNT, sizeof(*there));
	struct tcptimer_snapshot snap = {};
	struct foretold_drift drift;
	unsigned int draw = 12345;
	size_t i, step;

	for (step = 0; step < 10 * COUNT; step++) {
		struct conn conn;

		draw = draw * 1103515245 + 12345;
		i = (draw >> 8) % COUNT;
		/* addresses as a slab gives them: neighbours, 2304 bytes apart */
		conn = conn_of(&snap, 0xffff888000000000ULL + i * 2304, (int64_t)i);
		if ((draw >> 4) & 1) {
			foretold_set(f, &conn, 0);
			there[i] = true;
		} else {
			foretold_forget(f, snap.sk);
			there[i] = false;
		}
	}
	for (i = 0; i < COUNT; i++) {
		conn_of(&snap, 0xffff888000000000ULL + i * 2304, 0);
		assert_int_equal(foretold_end(f, &snap, TCPTIMER_CAUSE_RETRIES, (i + 7) * NS_PER_MS,
					      &drift),
				 there[i]);
		if (there[i])
			assert_int_equal(drift.ms, 7);
	}
	free(there);
	foretold_free(f);
}

/* The three answers: an end, never with an end if the peer fell silent, and no answer. */
static void test_deadline(void **state)
{
	const struct tcptimer_profile *profile = tcptimer_profile_by_name("6.12");
	struct tcptimer_snapshot snap;
	struct conn conn = { .snap = &snap, .hz = 250 };
	char buf[24];

	assert_int_equal(
		tcptimer_snapshot_init_defaults(profile, 250, TCPTIMER_STATE_SYN_SENT, &snap), 0);
	deadline_fill(&conn, profile);
	assert_true(conn.deadline_known && conn.has_deadline && conn.has_silent);
	assert_int_equal(conn.deadline_cause, TCPTIMER_CAUSE_SYN_RETRIES);
	assert_in_range(conn.deadline_ms, 133000, 136000);
	assert_int_equal(conn.silent_ms, conn.deadline_ms);

	/* a closed window whose peer answers: never, and 15 probes if it fell silent */
	assert_int_equal(tcptimer_snapshot_init_defaults(profile, 250, TCPTIMER_STATE_ESTABLISHED,
							 &snap),
			 0);
	tcptimer_snapshot_arm_probe0(profile, 250, &snap);
	snap.probes_tstamp = (unsigned int)snap.now_jiffies - 100;
	conn = (struct conn){ .snap = &snap, .hz = 250 };
	deadline_fill(&conn, profile);
	assert_true(conn.deadline_known && !conn.has_deadline && conn.has_silent);
	assert_int_equal(conn.silent_cause, TCPTIMER_CAUSE_PROBE0);
	assert_string_equal(deadline_text(&conn, buf, sizeof(buf)), "never");
	assert_string_not_equal(deadline_silent_text(&conn, buf, sizeof(buf)), "never");

	snap.state = 99; /* no state that the engine knows */
	conn = (struct conn){ .snap = &snap, .hz = 250 };
	deadline_fill(&conn, profile);
	assert_false(conn.deadline_known || conn.has_deadline || conn.has_silent);
	assert_string_equal(deadline_text(&conn, buf, sizeof(buf)), "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),     cmocka_unit_test(test_sums),
		cmocka_unit_test(test_replaced), cmocka_unit_test(test_many),
		cmocka_unit_test(test_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

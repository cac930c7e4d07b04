// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives sockets at the edges of each timer's rules.
 * Hands on to cmocka whether events, causes, errors and limits are those of the kernel's handlers.
 */
#include "engine_fixture.h"

#define TIMERS_EVENTS 64

static struct tcptimer_engine_event ev[TIMERS_EVENTS];
static struct tcptimer_timeline line;

static size_t run(const char *profile, enum tcptimer_peer peer, __u32 flags,
		  const struct tcptimer_snapshot *s)
{
	return fixture_events(profile, 250, peer, flags, s, ev, TIMERS_EVENTS, &line);
}

/* What the application sees, by what comes back. */
static void test_answers(void **state)
{
	static const struct {
		unsigned int tcp_state;
		enum tcptimer_peer peer;
		enum tcptimer_cause cause;
		__s32 err;
		bool never;
	} rows[] = {
		{ SYN_SENT, TCPTIMER_PEER_RESETS, TCPTIMER_CAUSE_PEER_RESET, 111, 0 },
		{ ESTAB, TCPTIMER_PEER_RESETS, TCPTIMER_CAUSE_PEER_RESET, 104, 0 },
		{ TCPTIMER_STATE_CLOSE_WAIT, TCPTIMER_PEER_RESETS, TCPTIMER_CAUSE_PEER_RESET, 32,
		  0 },
		{ TCPTIMER_STATE_FIN_WAIT1, TCPTIMER_PEER_RESETS, TCPTIMER_CAUSE_PEER_RESET, 0, 0 },
		{ SYN_SENT, TCPTIMER_PEER_UNREACHABLE, TCPTIMER_CAUSE_UNREACHABLE, 113, 0 },
		{ ESTAB, TCPTIMER_PEER_UNREACHABLE, TCPTIMER_CAUSE_UNREACHABLE, 113, 0 },
		{ SYN_SENT, TCPTIMER_PEER_ACKS, 0, 0, 1 },
		{ SYN_SENT, TCPTIMER_PEER_ZERO_WINDOW, 0, 0, 1 },
		{ ESTAB, TCPTIMER_PEER_ACKS, 0, 0, 1 },
		{ ESTAB, TCPTIMER_PEER_ZERO_WINDOW, 0, 0, 1 },
		{ TCPTIMER_STATE_NEW_SYN_RECV, TCPTIMER_PEER_ACKS, 0, 0, 1 },
		{ TCPTIMER_STATE_NEW_SYN_RECV, TCPTIMER_PEER_RESETS, TCPTIMER_CAUSE_PEER_RESET, 0,
		  0 },
		{ TCPTIMER_STATE_NEW_SYN_RECV, TCPTIMER_PEER_UNREACHABLE,
		  TCPTIMER_CAUSE_UNREACHABLE, 0, 0 },
	};
	struct tcptimer_snapshot s;
	size_t i, sack;

	(void)state;
	for (sack = 0; sack < 2; sack++) {
		for (i = 0; i < COUNT(rows); i++) {
			struct tcptimer_deadline dl;

			fixture_socket("6.12", 250, rows[i].tcp_state, &s);
			if (sack && s.kind == TCPTIMER_SOCK_FULL && rows[i].tcp_state != SYN_SENT) {
				s.flags &= ~TCPTIMER_F_SACK;
				tcptimer_snapshot_arm_data(fixture_profile("6.12"), 250, &s);
			}
			dl = fixture_deadline("6.12", 250, rows[i].peer, 0, &s);
			assert_int_equal(dl.never, rows[i].never);
			assert_int_equal(dl.cause, rows[i].cause);
			assert_int_equal(dl.err, rows[i].err);
		}
	}
}

/* The state a socket is in says what to assume. */
static void test_auto_peer(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_ACKS);
	s.retransmits = 1;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_SILENT);
	s.err_soft = 113;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_UNREACHABLE);
	s.snd_wnd = 0;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_ZERO_WINDOW);
	s.retrans_stamp = 1;
	s.now_jiffies += 1000;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_SILENT);
	s.flags |= TCPTIMER_F_DEAD;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_UNREACHABLE);
	tcptimer_snapshot_arm_probe0(fixture_profile("6.12"), 250, &s);
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_ZERO_WINDOW);
	s.probes_out = 1;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_ZERO_WINDOW);
	s.probes_out = 2;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_SILENT);
	tcptimer_snapshot_arm_idle(fixture_profile("6.12"), 250, &s);
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_SILENT);
	s.probes_out = 0;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_ACKS);
	s.state = TCPTIMER_STATE_FIN_WAIT2;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_SILENT);
	fixture_socket("6.12", 250, TCPTIMER_STATE_NEW_SYN_RECV, &s);
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_SILENT);
}

/* tcp_orphan_retries() and tcp_out_of_resources() */
static void test_orphans(void **state)
{
	static const struct {
		const char *what;
		__u8 retries, soft;
		__u32 flags;
		bool sent_long_ago;
		enum tcptimer_cause cause;
		enum tcptimer_limit limit;
		__u32 value, n;
		bool rst;
	} rows[] = {
		/* 0 means 8 while the RTO is below rto_max: model(8) = 102.2 s */
		{ "default", 0, 0, 0, 0, TCPTIMER_CAUSE_ORPHAN, TCPTIMER_LIMIT_ORPHAN_RETRIES, 8, 8,
		  0 },
		/* model(2) = 1.4 s, after retransmissions at 0, 0.4, 1.2 s: noticed at the fourth */
		{ "2", 2, 0, 0, 0, TCPTIMER_CAUSE_ORPHAN, TCPTIMER_LIMIT_ORPHAN_RETRIES, 2, 3, 0 },
		/* an ICMP error counts only once not alive, so 8 here as well; nobody reads it */
		{ "soft error", 0, 1, 0, 0, TCPTIMER_CAUSE_ORPHAN, TCPTIMER_LIMIT_ORPHAN_RETRIES, 8,
		  8, 0 },
		{ "memory, sent lately", 0, 0, TCPTIMER_ENGINE_OUT_OF_RESOURCES, 0,
		  TCPTIMER_CAUSE_OUT_OF_RESOURCES, TCPTIMER_LIMIT_MEMORY, 0, 0, 1 },
		{ "memory, alive", 0, 0, TCPTIMER_ENGINE_OUT_OF_RESOURCES, 1,
		  TCPTIMER_CAUSE_OUT_OF_RESOURCES, TCPTIMER_LIMIT_MEMORY, 0, 0, 1 },
	};
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		fixture_socket("6.12", 250, TCPTIMER_STATE_FIN_WAIT1, &s);
		s.flags &= ~TCPTIMER_F_SACK;
		tcptimer_snapshot_arm_data(fixture_profile("6.12"), 250, &s);
		s.sysctls.orphan_retries = rows[i].retries;
		s.err_soft = rows[i].soft ? 113 : 0;
		if (rows[i].sent_long_ago)
			s.lsndtime -= 100 * 250;
		run("6.12", TCPTIMER_PEER_SILENT, rows[i].flags, &s);
		if (line.deadline.cause != rows[i].cause || line.deadline.n != rows[i].n ||
		    line.deadline.limit != rows[i].limit ||
		    line.deadline.limit_value != rows[i].value || line.deadline.rst != rows[i].rst)
			fail_msg("%s: cause %u n %u value %u rst %u", rows[i].what,
				 line.deadline.cause, line.deadline.n, line.deadline.limit_value,
				 line.deadline.rst);
		assert_false(line.deadline.reported); /* nobody is left to tell */
	}
	/* not alive, timed out, and nothing sent for a minute: no RST */
	fixture_socket("6.12", 250, TCPTIMER_STATE_FIN_WAIT1, &s);
	s.pending = TCPTIMER_PENDING_RETRANS;
	s.rto_jiffies = 30000;
	s.sysctls.orphan_retries = 1;
	s.retransmits = 3;
	s.retrans_stamp = (__u32)(s.now_ns / 1000000) - 90000;
	s.lsndtime -= 100 * 250;
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_OUT_OF_RESOURCES, &s);
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_OUT_OF_RESOURCES);
	assert_false(line.deadline.rst);
}

/* Thin streams: six linear RTOs, then doubling; and the 1 ms storms before 6.5. */
static void test_thin(void **state)
{
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.flags = TCPTIMER_F_THIN_LTO;
	tcptimer_snapshot_arm_data(fixture_profile("6.12"), 250, &s);
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	for (i = 0; i < 6; i++) {
		assert_true(ev[i].flags & TCPTIMER_EV_LINEAR);
		assert_int_equal(ev[i].rto_ms, 204);
	}
	assert_false(ev[6].flags & TCPTIMER_EV_LINEAR);
	assert_int_equal(ev[6].rto_ms, 408);
	s.packets_out = 4; /* not thin */
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].rto_ms, 408);
	s.packets_out = 1;
	s.rttvar_us = 0;
	s.srtt_us = 8000;
	s.sysctls.thin_linear_timeouts = 1;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].rto_ms, 200); /* clamped to rto_min */
	run("4.3", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].rto_ms, 4); /* 1 ms is a jiffy */
}

/* Dropped by this host: HZ/2, no backoff; counted since 5.1, before only once. */
static void test_local_drop(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_RETRANSMIT_FAILED); /* the loss probe */
	assert_int_equal(ev[1].action, TCPTIMER_ACTION_RETRANSMIT_FAILED);
	assert_int_equal(ev[1].rto_ms, 500);
	assert_int_equal(ev[9].rto_ms, 500);
	assert_true(ev[1].flags & TCPTIMER_EV_LOCAL_DROP);
	/* the stamp is that of the data itself: 924.6 s from then */
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_RETRIES);
	assert_in_range(line.deadline.at_ms, 924600, 925200);
	run("4.3", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(ev[1].rto_ms, 204); /* min(rto, HZ/2) */
	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_snapshot_arm_probe0(fixture_profile("6.12"), 250, &s);
	run("6.12", TCPTIMER_PEER_ZERO_WINDOW, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(line.deadline.n, 15); /* each one counts */
	assert_int_equal(ev[0].rto_ms, 500);
	run("4.3", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(ev[0].rto_ms, 204);
	assert_true(line.deadline.never);
	tcptimer_snapshot_arm_idle(fixture_profile("6.12"), 250, &s);
	tcptimer_snapshot_arm_keepalive(fixture_profile("6.12"), 250, &s);
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(ev[0].rto_ms, 500);
	assert_true(line.deadline.never); /* a probe that never left is not counted */
	s.probes_out = 9;
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_false(line.deadline.never);
}

/* A window that shrank over data in flight, by version. */
static void test_shrunk_window(void **state)
{
	struct tcptimer_profile quirk = *fixture_profile("6.1");
	struct tcptimer_engine_params params = { .hz = 250, .peer = TCPTIMER_PEER_SILENT };
	struct tcptimer_deadline dl;
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.snd_wnd = 0;
	s.flags &= ~TCPTIMER_F_SACK;
	tcptimer_snapshot_arm_data(fixture_profile("6.12"), 250, &s);
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_true(ev[0].flags & TCPTIMER_EV_CLOSED_WINDOW);
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_SHRUNK_WINDOW);
	assert_int_equal(line.deadline.limit_value, 240000); /* 2 * rto_max */
	assert_in_range(line.deadline.at_ms, 320000,
			340000); /* the firing after 240 s: 212 + 120 */
	run("6.12", TCPTIMER_PEER_ZERO_WINDOW, 0, &s);
	assert_true(line.deadline.never);
	s.user_timeout_ms = 5000;
	run("6.12", TCPTIMER_PEER_ZERO_WINDOW, 0, &s);
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	assert_in_range(line.deadline.at_ms, 5200, 5500);
	/* 6.1: jiffies against ms, so that at 250 HZ it takes four times as long */
	run("6.1", TCPTIMER_PEER_ZERO_WINDOW, 0, &s);
	assert_in_range(line.deadline.at_ms, 20000, 22000);
	/* 6.6 to 6.9: unheeded but by the clamp, so that from 200 s on every jiffy is a retransmission */
	quirk.shrunk_window = TCPTIMER_SHRUNK_BOTH;
	s.user_timeout_ms = 200000;
	assert_int_equal(tcptimer_engine_deadline(&quirk, &params, &s, &dl), 0);
	assert_int_equal(dl.limit, TCPTIMER_LIMIT_RTO_MAX);
	assert_in_range(dl.n, 4000, 6000);
	s.user_timeout_ms = 5000;
	/* before 6.6: 120 s without any segment received */
	run("4.3", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(line.deadline.limit_value, 120000);
	s.flags |= TCPTIMER_F_DEAD; /* an orphan is counted as usual */
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_false(ev[0].flags & TCPTIMER_EV_CLOSED_WINDOW);
}

/* Probes at their limit: the probe that is sent, and the next firing that ends it. */
static void test_probe0(void **state)
{
	static const struct {
		const char *profile;
		__u8 retries2, orphan, out, backoff;
		bool dead;
		enum tcptimer_peer peer;
		__u32 n, value;
		enum tcptimer_cause cause;
		bool never;
	} rows[] = {
		{ "6.12", 3, .peer = TCPTIMER_PEER_SILENT, .n = 3, .value = 3,
		  .cause = TCPTIMER_CAUSE_PROBE0 },
		{ "4.3", 3, .peer = TCPTIMER_PEER_SILENT, .n = 4, .value = 3, /* off by one */
		  .cause = TCPTIMER_CAUSE_PROBE0 },
		{ "6.12", 3, .out = 3, .peer = TCPTIMER_PEER_SILENT, .n = 3, .value = 3,
		  .cause = TCPTIMER_CAUSE_PROBE0 },
		{ "6.12", 3, .out = 2, .peer = TCPTIMER_PEER_SILENT, .n = 3, .value = 3,
		  .cause = TCPTIMER_CAUSE_PROBE0 },
		{ "6.12", 3, .peer = TCPTIMER_PEER_ZERO_WINDOW, .never = 1 },
		{ "6.12", 0, .peer = TCPTIMER_PEER_ZERO_WINDOW, .cause = TCPTIMER_CAUSE_PROBE0 },
		{ "6.12", 15, .dead = 1, .peer = TCPTIMER_PEER_SILENT, .n = 8, .value = 8,
		  .cause = TCPTIMER_CAUSE_ORPHAN },
		/* answered: ends as 51 << 10 passes rto_max, at backoff 10 */
		{ "6.12", 15, .dead = 1, .peer = TCPTIMER_PEER_ZERO_WINDOW, .n = 0, .value = 0,
		  .cause = TCPTIMER_CAUSE_ORPHAN },
		/* ... which tcp_retries2 8 never lets it reach */
		{ "6.12", 8, .dead = 1, .peer = TCPTIMER_PEER_ZERO_WINDOW, .never = 1 },
		{ "6.12", 15, 12, .dead = 1, .backoff = 12, .peer = TCPTIMER_PEER_SILENT, .n = 0,
		  .value = 12, .cause = TCPTIMER_CAUSE_ORPHAN },
		{ "6.12", 15, .peer = TCPTIMER_PEER_ACKS, .never = 1 },
		{ "6.12", 15, .peer = TCPTIMER_PEER_RESETS, .n = 1,
		  .cause = TCPTIMER_CAUSE_PEER_RESET },
		/* about a probe, whose sequence number is out of window, an ICMP error says nothing */
		{ "6.12", 2, .peer = TCPTIMER_PEER_UNREACHABLE, .n = 2, .value = 2,
		  .cause = TCPTIMER_CAUSE_PROBE0 },
	};
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		fixture_socket(rows[i].profile, 250, ESTAB, &s);
		tcptimer_snapshot_arm_probe0(fixture_profile(rows[i].profile), 250, &s);
		s.sysctls.retries2 = rows[i].retries2;
		s.sysctls.orphan_retries = rows[i].orphan;
		s.probes_out = rows[i].out;
		s.backoff = rows[i].backoff;
		if (rows[i].dead)
			s.flags |= TCPTIMER_F_DEAD;
		run(rows[i].profile, rows[i].peer, 0, &s);
		if (line.deadline.never != rows[i].never || line.deadline.cause != rows[i].cause ||
		    line.deadline.n != rows[i].n || line.deadline.limit_value != rows[i].value)
			fail_msg("row %zu: never %u cause %u n %u value %u", i, line.deadline.never,
				 line.deadline.cause, line.deadline.n, line.deadline.limit_value);
	}
}

/* TCP_USER_TIMEOUT and probes, by version; and the clamp that underflows. */
static void test_probe0_user_timeout(void **state)
{
	struct tcptimer_profile model = *fixture_profile("6.12");
	struct tcptimer_engine_params params = { .hz = 250, .peer = TCPTIMER_PEER_SILENT };
	struct tcptimer_snapshot s;
	struct tcptimer_deadline dl;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_snapshot_arm_probe0(fixture_profile("6.12"), 250, &s);
	s.user_timeout_ms = 5000;
	assert_int_equal(fixture_deadline("3.15", 250, TCPTIMER_PEER_SILENT, 0, &s).cause,
			 TCPTIMER_CAUSE_PROBE0);
	/* 4.3: the head's stamp is of the first probe (204 ms); probes at 0.6, 1.4, 3.1, 6.3 s */
	dl = fixture_deadline("4.3", 250, TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	assert_in_range(dl.at_ms, 6300, 6400);
	/* 5.1: model(4) = 6.2 s, with four probes out */
	model.probe0_ut = TCPTIMER_PROBE0_UT_MODEL;
	tcptimer_engine_deadline(&model, &params, &s, &dl);
	assert_int_equal(dl.n, 4);
	/* set late, 10 s after the first probe: 2 jiffies, or before the fix a whole interval */
	s.probes_tstamp = (__u32)s.now_jiffies - 2500;
	if (!s.probes_tstamp)
		s.probes_tstamp = 1;
	s.user_timeout_ms = 9000;
	dl = fixture_deadline("6.12", 250, TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	assert_in_range(dl.at_ms, 204, 212); /* at the very next firing */
	s.user_timeout_ms = 10400;
	params.rtt_us = 400000; /* the answer comes after the timeout passed */
	params.peer = TCPTIMER_PEER_ZERO_WINDOW;
	tcptimer_engine_deadline(fixture_profile("6.12"), &params, &s, &dl);
	assert_in_range(dl.at_ms, 600, 640); /* 208 + 400 + 2 jiffies */
	tcptimer_engine_deadline(fixture_profile("6.1"), &params, &s, &dl);
	assert_in_range(dl.at_ms, 1000, 1060); /* 208 + 400 + a whole 408 */
}

/* Window probes with room in the window are data from then on. */
static void test_probe0_becomes_data(void **state)
{
	static const struct {
		enum tcptimer_peer peer;
		enum tcptimer_cause cause;
		bool never;
	} rows[] = {
		{ TCPTIMER_PEER_SILENT, TCPTIMER_CAUSE_RETRIES, 0 },
		{ TCPTIMER_PEER_ACKS, 0, 1 },
		{ TCPTIMER_PEER_RESETS, TCPTIMER_CAUSE_PEER_RESET, 0 },
	};
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		fixture_socket("6.12", 250, ESTAB, &s);
		tcptimer_snapshot_arm_probe0(fixture_profile("6.12"), 250, &s);
		s.snd_wnd = 100;
		run("6.12", rows[i].peer, 0, &s);
		assert_int_equal(ev[0].action, TCPTIMER_ACTION_PROBED);
		assert_int_equal(line.deadline.never, rows[i].never);
		assert_int_equal(line.deadline.cause, rows[i].cause);
	}
}

/* reqsk_timer_handler(), and the fast-open child */
static void test_synack(void **state)
{
	static const struct {
		const char *what;
		__u8 retries, syncnt, defer, timeouts;
		bool acked;
		__u32 queued, young;
		__u32 value, sent;
	} rows[] = {
		{ "default", 5, .value = 5, .sent = 5 },
		{ "listener's TCP_SYNCNT", 5, 2, .value = 2, .sent = 2 },
		{ "half full is not crowded", 5, .queued = 2048, .value = 5, .sent = 5 },
		{ "crowded, none young", 5, .queued = 2049, .value = 2, .sent = 2 },
		/* who is young now has timed out once a period from now, before any limit matters */
		{ "crowded, half young", 5, .queued = 2049, .young = 751, .value = 2, .sent = 2 },
		{ "2 is the floor", 2, .queued = 4000, .value = 2, .sent = 2 },
		/* deferred: silent until period defer - 1, and alive until defer */
		{ "deferred, acked", 2, .defer = 4, .acked = 1, .value = 2, .sent = 1 },
		{ "deferred, not acked", 2, .defer = 4, .value = 2, .sent = 2 },
		{ "at the limit", 5, .timeouts = 5, .value = 5, .sent = 0 },
	};
	struct tcptimer_snapshot s;
	size_t i, k, sent;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		fixture_socket("6.12", 250, TCPTIMER_STATE_NEW_SYN_RECV, &s);
		s.sysctls.synack_retries = rows[i].retries;
		s.syn_retries = rows[i].syncnt;
		s.defer_accept = rows[i].defer;
		s.num_timeout = rows[i].timeouts;
		s.flags |= rows[i].acked ? TCPTIMER_F_REQ_ACKED : 0;
		s.ack_backlog = rows[i].queued;
		s.ack_young = rows[i].young;
		run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
		for (k = 0, sent = 0; k < line.count; k++)
			sent += ev[k].action == TCPTIMER_ACTION_RETRANSMITTED;
		if (sent != rows[i].sent || line.deadline.limit_value != rows[i].value)
			fail_msg("%s: sent %zu, limit %u", rows[i].what, sent,
				 line.deadline.limit_value);
		assert_int_equal(ev[line.count - 1].action, TCPTIMER_ACTION_ENDED);
		assert_int_equal(line.deadline.err, 0);
	}
	/* a SYN-ACK that does not leave takes the request with it, unless it was acknowledged */
	fixture_socket("6.12", 250, TCPTIMER_STATE_NEW_SYN_RECV, &s);
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(line.count, 1);
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_CLOSED);
	s.flags |= TCPTIMER_F_REQ_ACKED;
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_SYNACK_RETRIES);
	/* 6.19: the listener's rto_max caps the period */
	s.rto_max_jiffies = 500;
	s.flags = 0;
	run("7.2", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[3].rto_ms, 2000);
	run("6.18", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[3].rto_ms, 16000);
}

static void test_tfo_child(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.state = TCPTIMER_STATE_SYN_RECV;
	s.flags |= TCPTIMER_F_TFO_CHILD;
	tcptimer_snapshot_arm_data(fixture_profile("6.12"), 250, &s);
	s.fastopen_timeout = 500;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(line.count, 7); /* one more than a request: 6, and the end */
	assert_int_equal(ev[0].timer, TCPTIMER_TIMER_SYNACK);
	assert_int_equal(ev[0].rto_ms, 4000);
	assert_int_equal(line.deadline.err, 110);
	run("5.10", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_int_equal(ev[0].rto_ms, 2000); /* 1 s, doubled */
	assert_int_equal(line.count, 7);
	s.syn_retries = 1;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(line.deadline.limit, TCPTIMER_LIMIT_SYNCNT);
	run("6.12", TCPTIMER_PEER_ACKS, 0, &s);
	assert_true(line.deadline.never);
	run("6.12", TCPTIMER_PEER_RESETS, 0, &s);
	assert_int_equal(line.deadline.err, 104);
}

/* 3.15: ranges even with exact jiffies, as nobody knows where the host-wide timers stand. */
static void test_before_own_timers(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("3.15", 250, TCPTIMER_STATE_TIME_WAIT, &s);
	run("3.15", TCPTIMER_PEER_AUTO, 0, &s);
	assert_in_range(line.deadline.at_min_ms, 52500, 52508);
	assert_int_equal(line.deadline.at_max_ms, 60000);
	fixture_socket("3.15", 250, TCPTIMER_STATE_FIN_WAIT2, &s);
	s.mini_expires = s.now_jiffies + 250; /* 1 s: fast slots of 32 jiffies, 8 of them */
	run("3.15", TCPTIMER_PEER_AUTO, 0, &s);
	assert_int_equal(line.deadline.at_min_jiffies, 7 * 32);
	assert_int_equal(line.deadline.at_max_jiffies, 9 * 32);
	s.linger2_jiffies = 70 * 250;
	tcptimer_snapshot_arm_fin_wait2(fixture_profile("3.15"), 250, &s);
	run("3.15", TCPTIMER_PEER_AUTO, 0, &s);
	assert_int_equal(line.count, 2);
	fixture_socket("3.15", 250, TCPTIMER_STATE_NEW_SYN_RECV, &s);
	run("3.15", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].at_min_ms, 1000);
	assert_int_equal(ev[0].at_max_ms, 1600); /* three walks of HZ/5 */
}

/* FIN_WAIT2 of an orphan: linger2 < 0 and a time that shrank end with an RST. */
static void test_fin_wait2_reset(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, TCPTIMER_STATE_FIN_WAIT2, &s);
	s.linger2_jiffies = 70 * 250;
	tcptimer_snapshot_arm_fin_wait2(fixture_profile("6.12"), 250, &s);
	s.linger2_jiffies = -1;
	run("6.12", TCPTIMER_PEER_AUTO, 0, &s);
	assert_true(line.deadline.rst);
	assert_true(ev[0].flags & TCPTIMER_EV_RST);
	s.linger2_jiffies = 60 * 250;
	run("6.12", TCPTIMER_PEER_AUTO, 0, &s);
	assert_true(line.deadline.rst);
	s.linger2_jiffies = -1;
	tcptimer_snapshot_arm_fin_wait2(fixture_profile("6.12"), 250, &s);
	assert_int_equal(s.state, TCPTIMER_STATE_CLOSE);
	assert_int_equal(run("6.12", TCPTIMER_PEER_AUTO, 0, &s), 0);
	assert_true(line.deadline.never);
}

/* Keepalive beside other timers, and the u8 of its probes. */
static void test_keepalive(void **state)
{
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.keepalive_time_jiffies = 250;
	s.keepalive_intvl_jiffies = 250;
	tcptimer_snapshot_arm_keepalive(fixture_profile("6.12"), 250, &s);
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s); /* data in flight: only re-armed */
	assert_int_equal(line.deadline.cause, TCPTIMER_CAUSE_RETRIES);
	for (i = 0; i < line.count; i++)
		if (ev[i].timer == TCPTIMER_TIMER_KEEPALIVE)
			assert_int_equal(ev[i].action, TCPTIMER_ACTION_REARMED);
	tcptimer_snapshot_arm_idle(fixture_profile("6.12"), 250, &s);
	run("6.12", TCPTIMER_PEER_ACKS, 0, &s);
	assert_true(line.deadline.never && line.truncated);
	s.user_timeout_ms = 300000; /* 300 s of 1 s probes: the 256th wraps probes_out */
	assert_in_range(fixture_deadline("6.12", 250, TCPTIMER_PEER_SILENT, 0, &s).at_ms, 300000,
			302000);
	s.user_timeout_ms = 0;
	run("6.12", TCPTIMER_PEER_RESETS, 0, &s);
	assert_int_equal(line.deadline.err, 104);
	run("6.12", TCPTIMER_PEER_UNREACHABLE, 0, &s);
	assert_int_equal(line.deadline.err, 110); /* the probe is out of window: no soft error */
	assert_true(line.deadline.rst);
	s.own_keepalive = 4;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(line.deadline.limit, TCPTIMER_LIMIT_KEEPCNT);
	s.flags &= ~TCPTIMER_F_KEEPOPEN; /* switched off: a stale timer does nothing */
	assert_int_equal(run("6.12", TCPTIMER_PEER_SILENT, 0, &s), 1);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_NONE);
	s.flags |= TCPTIMER_F_KEEPOPEN;
	s.state = SYN_SENT;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_NONE);
	run("4.3", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_PROBED);
}

/* Timers that fire and find nothing, too early, deferred, or overdue. */
static void test_odd_firings(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.packets_out = 0;
	assert_int_equal(run("6.12", TCPTIMER_PEER_SILENT, 0, &s), 1); /* stale loss probe */
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_NONE);
	s.pending = TCPTIMER_PENDING_RETRANS;
	assert_int_equal(run("6.12", TCPTIMER_PEER_SILENT, 0, &s), 1);
	s.pending = TCPTIMER_PENDING_REO_TIMEOUT;
	assert_int_equal(run("6.12", TCPTIMER_PEER_SILENT, 0, &s), 1);
	s.pending = TCPTIMER_PENDING_PROBE0;
	assert_int_equal(run("6.12", TCPTIMER_PEER_SILENT, 0, &s), 1);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_NONE);
	s.pending = 77;
	assert_int_equal(run("6.12", TCPTIMER_PEER_SILENT, 0, &s), 0);

	fixture_socket("6.12", 250, ESTAB, &s);
	s.write_timeout = s.write_expires + 100; /* icsk_timeout moved on */
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_REARMED);
	assert_int_equal(ev[1].action, TCPTIMER_ACTION_PROBED);
	s.write_timeout = s.write_expires;
	s.flags |= TCPTIMER_F_WRITE_DEFERRED; /* its owner runs it on release */
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].at_max_jiffies, 0);
	s.flags &= ~TCPTIMER_F_WRITE_DEFERRED;
	s.write_expires = s.write_timeout = s.now_jiffies - 5; /* overdue: now */
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].at_max_jiffies, 0);
	s.flags |= TCPTIMER_F_WRITE_PENDING;
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_ANY_PHASE, &s);
	assert_int_equal(ev[0].at_min_jiffies, 0);

	fixture_socket("6.12", 250, ESTAB, &s);
	s.tlp_high_seq = 1; /* a probe is out: the rest of the RTO */
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_REARMED);
	s.tlp_high_seq = 0;
	s.pending = TCPTIMER_PENDING_REO_TIMEOUT;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_RECOVERING);
	run("6.12", TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, &s);
	assert_true(ev[0].flags & TCPTIMER_EV_LOCAL_DROP);
	run("6.12", TCPTIMER_PEER_ACKS, 0, &s);
	assert_true(ev[0].flags & TCPTIMER_EV_RECOVERED);
	run("6.12", TCPTIMER_PEER_RESETS, 0, &s);
	assert_int_equal(line.deadline.err, 104);

	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_snapshot_arm_idle(fixture_profile("6.12"), 250, &s);
	tcptimer_snapshot_arm_delack(fixture_profile("6.12"), 250, &s);
	assert_int_equal(run("6.12", TCPTIMER_PEER_AUTO, 0, &s), 1);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_ACKED);
	s.dack_timeout += 20;
	assert_int_equal(run("6.12", TCPTIMER_PEER_AUTO, 0, &s), 2);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_REARMED);
	s.delack_pending = 0;
	assert_int_equal(run("6.12", TCPTIMER_PEER_AUTO, 0, &s), 1);
	assert_int_equal(ev[0].action, TCPTIMER_ACTION_NONE);
}

static void test_errors(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("6.12");
	struct tcptimer_engine_params params = { .hz = 250 };
	struct tcptimer_engine_event event;
	struct tcptimer_deadline dl;
	struct tcptimer_snapshot s, bad;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	assert_int_equal(tcptimer_engine_deadline(NULL, &params, &s, &dl), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_engine_deadline(p, NULL, &s, &dl), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_engine_deadline(p, &params, NULL, &dl), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, NULL), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_engine_next(p, &params, &s, NULL), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_engine_timeline(p, &params, &s, NULL, 4, &line),
			 TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_engine_timeline(p, &params, &s, NULL, 0, NULL),
			 TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_engine_timeline(p, &params, &s, NULL, 0, &line), 0);
	assert_true(line.truncated);
	params.hz = 23;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), TCPTIMER_ENGINE_EHZ);
	assert_int_equal(tcptimer_engine_next(p, &params, &s, &event), TCPTIMER_ENGINE_EHZ);
	assert_int_equal(tcptimer_engine_timeline(p, &params, &s, NULL, 0, &line),
			 TCPTIMER_ENGINE_EHZ);
	params.hz = 10001;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), TCPTIMER_ENGINE_EHZ);
	params.hz = 250;
	params.peer = TCPTIMER_PEER_COUNT;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), TCPTIMER_ENGINE_EPEER);
	params.peer = TCPTIMER_PEER_SILENT;

#define BAD(field, value, error)                                                                   \
	do {                                                                                       \
		bad = s;                                                                           \
		bad.field = value;                                                                 \
		assert_int_equal(tcptimer_engine_deadline(p, &params, &bad, &dl), error);          \
	} while (0)
	BAD(state, 0, TCPTIMER_ENGINE_ESTATE);
	BAD(state, 13, TCPTIMER_ENGINE_ESTATE);
	BAD(kind, 1, TCPTIMER_ENGINE_ESTATE);
	BAD(kind, 2, TCPTIMER_ENGINE_ESTATE);
	BAD(kind, 3, TCPTIMER_ENGINE_ESTATE);
	BAD(rto_jiffies, 1u << 30, TCPTIMER_ENGINE_EFIELD);
	BAD(rto_max_jiffies, 1u << 30, TCPTIMER_ENGINE_EFIELD);
	BAD(keepalive_time_jiffies, 1u << 31, TCPTIMER_ENGINE_EFIELD);
	BAD(keepalive_intvl_jiffies, 1u << 31, TCPTIMER_ENGINE_EFIELD);
	BAD(sysctls.fin_timeout_jiffies, 1u << 31, TCPTIMER_ENGINE_EFIELD);
	BAD(write_expires, s.now_jiffies + (1ull << 31), TCPTIMER_ENGINE_EFIELD);
	BAD(write_timeout, s.now_jiffies - (1ull << 37), TCPTIMER_ENGINE_EFIELD);
	s.flags |= TCPTIMER_F_KEEP_PENDING;
	BAD(keep_expires, s.now_jiffies + (1ull << 31), TCPTIMER_ENGINE_EFIELD);
	s.flags = TCPTIMER_F_DELACK_PENDING;
	BAD(delack_expires, s.now_jiffies + (1ull << 31), TCPTIMER_ENGINE_EFIELD);
	s.flags = 0;
	/* an RTO of 0 fires on every jiffy: alive after all that the engine follows */
	s.flags = TCPTIMER_F_THIN_LTO;
	s.snd_wnd = 0;
	s.rto_min_jiffies = 1;
	s.srtt_us = 8;
	s.rttvar_us = 1;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), TCPTIMER_ENGINE_ELONG);
	assert_int_equal(tcptimer_engine_timeline(p, &params, &s, ev, TIMERS_EVENTS, &line),
			 TCPTIMER_ENGINE_ELONG);
	assert_int_equal(line.count, TIMERS_EVENTS);
	params.timeout_init_jiffies = 1u << 30;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), TCPTIMER_ENGINE_EFIELD);
	assert_int_equal(tcptimer_snapshot_init_defaults(NULL, 250, 1, &s), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_snapshot_init_defaults(p, 250, 1, NULL), TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_snapshot_init_defaults(p, 1, 1, &s), TCPTIMER_ENGINE_EHZ);
	assert_int_equal(tcptimer_snapshot_init_defaults(p, 20000, 1, &s), TCPTIMER_ENGINE_EHZ);
	assert_int_equal(tcptimer_snapshot_init_defaults(p, 250, 10, &s), TCPTIMER_ENGINE_ESTATE);
}

/* user_timeout of 1 ms: nothing before the first RTO knows it; then a jiffy. */
static void test_user_timeout_1ms(void **state)
{
	static const __u32 hzs[] = { 100, 250, 300, 1000 };
	struct tcptimer_snapshot s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(hzs); i++) {
		struct tcptimer_deadline dl;

		fixture_socket("6.12", hzs[i], ESTAB, &s);
		s.flags &= ~TCPTIMER_F_SACK;
		s.user_timeout_ms = 1;
		tcptimer_snapshot_arm_data(fixture_profile("6.12"), hzs[i], &s);
		dl = fixture_deadline("6.12", hzs[i], TCPTIMER_PEER_SILENT, 0, &s);
		assert_int_equal(dl.n, 1);
		/* a jiffy, and one that the wheel adds, after the first retransmission */
		assert_in_range(dl.at_max_jiffies, s.rto_jiffies + 3, s.rto_jiffies + 10);
	}
}

/* tcp_usec_ts: a jiffy of grace, and 32 bits of microseconds that run out at 2147 s. */
static void test_usec_ts(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.flags |= TCPTIMER_F_USEC_TS;
	assert_in_range(fixture_deadline("6.12", 250, TCPTIMER_PEER_SILENT, 0, &s).at_ms, 937600,
			939800);
	/* 2.2e9 us are -2094967296 as s32: less than any delta below 52 s, so over at once */
	s.user_timeout_ms = 2200000;
	assert_int_equal(fixture_deadline("6.12", 250, TCPTIMER_PEER_SILENT, 0, &s).n, 1);
	s.user_timeout_ms = 2147483;
	assert_true(fixture_deadline("6.12", 250, TCPTIMER_PEER_SILENT, 0, &s).at_ms > 2147483);
	s.user_timeout_ms = 5000;
	assert_in_range(fixture_deadline("6.12", 250, TCPTIMER_PEER_SILENT,
					 TCPTIMER_ENGINE_ANY_PHASE, &s)
				.at_ms,
			5400, 5700);
}

/* The limit that decides, and the one that would have. */
static void test_runner_up(void **state)
{
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	s.user_timeout_ms = 10000;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_int_equal(line.deadline.limit, TCPTIMER_LIMIT_USER_TIMEOUT);
	assert_int_equal(line.runner_up.limit, TCPTIMER_LIMIT_RETRIES2);
	assert_in_range(line.runner_up.at_ms, 937600, 939800);
	s.user_timeout_ms = 0;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_true(line.runner_up.never);
	assert_true(ev[5].flags & TCPTIMER_EV_ROUTE_CHECKED); /* 3.0 s of retries1 are over */
	assert_false(ev[3].flags & TCPTIMER_EV_ROUTE_CHECKED);
	s.sysctls.mtu_probing = 1;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_true(ev[5].flags & TCPTIMER_EV_MTU_PROBE);
	fixture_socket("6.12", 250, SYN_SENT, &s);
	s.flags |= TCPTIMER_F_SYN_FASTOPEN;
	run("6.12", TCPTIMER_PEER_SILENT, 0, &s);
	assert_true(ev[1].flags & TCPTIMER_EV_TFO_DISABLED);
	assert_true(line.runner_up.never);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_auto_peer),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_thin),
		cmocka_unit_test(test_local_drop),
		cmocka_unit_test(test_shrunk_window),
		cmocka_unit_test(test_probe0),
		cmocka_unit_test(test_probe0_user_timeout),
		cmocka_unit_test(test_probe0_becomes_data),
		cmocka_unit_test(test_synack),
		cmocka_unit_test(test_tfo_child),
		cmocka_unit_test(test_before_own_timers),
		cmocka_unit_test(test_fin_wait2_reset),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_odd_firings),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_user_timeout_1ms),
		cmocka_unit_test(test_usec_ts),
		cmocka_unit_test(test_runner_up),
	};

	return cmocka_run_group_tests_name("engine timers", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives sockets in states that a kernel rarely leaves them in, and kernels between the profiles.
 * Hands on to cmocka whether the engine's remaining branches decide as the kernel's do.
 */
#include "engine_fixture.h"

#define EDGES_EVENTS 16
#define MANY 20000

static struct tcptimer_engine_event ev[EDGES_EVENTS], many[MANY];

static struct tcptimer_deadline ask(const struct tcptimer_profile *p, __u32 hz,
				    enum tcptimer_peer peer, __u32 flags, __u32 ignored,
				    const struct tcptimer_snapshot *s)
{
	struct tcptimer_engine_params params = {
		.hz = hz,
		.peer = peer,
		.flags = flags,
		.ignored_limits = ignored,
	};
	struct tcptimer_deadline dl;

	assert_int_equal(tcptimer_engine_deadline(p, &params, s, &dl), 0);
	return dl;
}

/* 4.16 to 5.3: SYNs by count alone; 4.14 to 4.18: user_timeout rounded to jiffies. */
static void test_between_profiles(void **state)
{
	struct tcptimer_profile count = *fixture_profile("6.1"), rounded = count;
	struct tcptimer_snapshot s;

	(void)state;
	count.syn_limit = TCPTIMER_SYN_COUNT;
	fixture_socket("6.1", 250, SYN_SENT, &s);
	s.syn_retries = 2;
	s.user_timeout_ms = 10;
	count.rto_clamp = 0;
	assert_int_equal(ask(&count, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).n, 2);
	assert_int_equal(ask(&count, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).limit,
			 TCPTIMER_LIMIT_SYNCNT);
	/* without that limit nothing is left */
	assert_true(
		ask(&count, 250, TCPTIMER_PEER_SILENT, 0, 1u << TCPTIMER_LIMIT_SYNCNT, &s).never);
	rounded.user_timeout_ms = 0;
	rounded.rto_clamp = 0;
	fixture_socket("6.1", 250, ESTAB, &s);
	s.flags &= ~TCPTIMER_F_SACK;
	tcptimer_snapshot_arm_data(&rounded, 250, &s);
	/*
	 * 413 ms are 104 jiffies, 416 ms. The next RTO comes 408 ms after the first, and up to 8
	 * jiffies late: 102 + 1..8. On jiffy 2^32 + 51 + 1 the bucket is 2^32 + 160: 108 after it.
	 */
	s.user_timeout_ms = 413;
	assert_int_equal(ask(&rounded, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).n, 1);
	s.user_timeout_ms = 433; /* 109 jiffies: one too many for that firing */
	assert_int_equal(ask(&rounded, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).n, 2);
}

/* Keepalive that fires about when the time is over: in ranges, some phases probe and some wait. */
static void test_keepalive_straddles(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("6.12");
	struct tcptimer_deadline any, exact;
	struct tcptimer_snapshot s, moved;
	__u64 j;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_snapshot_arm_idle(p, 250, &s);
	s.keepalive_time_jiffies = 203;
	s.keepalive_intvl_jiffies = 100;
	s.keepalive_probes = 2;
	tcptimer_snapshot_arm_keepalive(p, 250, &s);
	s.keep_expires -= 3; /* armed 3 jiffies before the last segment came: 200 + 1..8 */
	any = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_ANY_PHASE, 0, &s);
	for (j = 0; j < 512; j++) {
		moved = s;
		tcptimer_snapshot_set_jiffies(p, 250, &moved, s.now_jiffies + j);
		exact = ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &moved);
		assert_in_range(exact.at_min_jiffies, any.at_min_jiffies, any.at_max_jiffies);
	}
	/* fixed levels, no phase: an ordinary wait for the rest */
	s.keep_expires = s.now_jiffies + 100;
	s.keep_flags = 0;
	any = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_ANY_PHASE, 0, &s);
	assert_false(any.never);
	/* answers: what was unanswered before decides at most the next firing */
	s.user_timeout_ms = 1;
	s.probes_out = 1;
	s.keep_expires = s.now_jiffies + 300;
	assert_false(ask(p, 250, TCPTIMER_PEER_ACKS, 0, 0, &s).never);
	s.probes_out = 0;
	assert_true(ask(p, 250, TCPTIMER_PEER_ACKS, 0, 0, &s).never);
	s.state = TCPTIMER_STATE_CLOSE;
	assert_true(ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).never);
	s.state = TCPTIMER_STATE_LISTEN;
	assert_true(ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).never);
}

/* Two timers that both end the socket: the earlier one, and in ranges the earliest min. */
static void test_two_timers(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("6.12");
	struct tcptimer_snapshot s;
	struct tcptimer_deadline dl;

	(void)state;
	fixture_socket("6.12", 250, TCPTIMER_STATE_FIN_WAIT2, &s);
	s.linger2_jiffies = 70 * 250;
	tcptimer_snapshot_arm_fin_wait2(p, 250, &s);
	tcptimer_snapshot_arm_data(p, 250, &s);
	s.user_timeout_ms = 1000;
	dl = ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	s.user_timeout_ms = 60000;
	dl = ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_FIN_WAIT2); /* 20 s */
	/* In ranges that overlap: the earlier min, and the earlier max. */
	for (s.user_timeout_ms = 17000; s.user_timeout_ms < 22000; s.user_timeout_ms += 50) {
		struct tcptimer_deadline fin, data;

		dl = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_ANY_PHASE, 0, &s);
		data = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_ANY_PHASE,
			   1u << TCPTIMER_LIMIT_LINGER2, &s);
		fin = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_ANY_PHASE,
			  1u << TCPTIMER_LIMIT_USER_TIMEOUT | 1u << TCPTIMER_LIMIT_ORPHAN_RETRIES,
			  &s);
		assert_int_equal(dl.at_min_ms,
				 fin.at_min_ms < data.at_min_ms ? fin.at_min_ms : data.at_min_ms);
		assert_int_equal(dl.at_max_ms,
				 fin.at_max_ms < data.at_max_ms ? fin.at_max_ms : data.at_max_ms);
	}
	/*
	 * The one range within the other: an RTO of 16.4 s is late by up to 2.048 s, and ends it two
	 * jiffies on; FIN_WAIT2 with a negative TCP_LINGER2 by an RST after 17.2 s, armed early enough
	 * to be late by 256 ms at most.
	 */
	s.linger2_jiffies = -1;
	s.keep_expires = s.now_jiffies + 4300;
	s.keep_flags = 2 * 64 << 22;
	s.user_timeout_ms = 1;
	s.flags &= ~TCPTIMER_F_SACK;
	s.rto_jiffies = 4100;
	tcptimer_snapshot_arm_data(p, 250, &s);
	dl = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_ANY_PHASE, 0, &s);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_FIN_WAIT2);
	assert_in_range(dl.at_min_ms, 16404, 16420);
	assert_in_range(dl.at_max_ms, 17204, 17456);
	/* A timer that outlives what the engine follows matters not where another ends the socket. */
	s.user_timeout_ms = 0x7fffffff;
	s.linger2_jiffies = 0;
	s.rto_jiffies = 1;
	s.srtt_us = 8;
	s.rttvar_us = 1;
	s.flags &= ~TCPTIMER_F_SACK;
	tcptimer_snapshot_arm_data(p, 250, &s);
	dl = ask(p, 250, TCPTIMER_PEER_UNREACHABLE, 0, 0, &s);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_FIN_WAIT2);
}

/* Times so long that no end is in sight. */
static void test_horizon(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("6.12");
	struct tcptimer_engine_params params = { .hz = 250, .peer = TCPTIMER_PEER_SILENT };
	struct tcptimer_timeline line;
	struct tcptimer_snapshot s;
	struct tcptimer_deadline dl;

	(void)state;
	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_snapshot_arm_idle(p, 250, &s);
	s.keepalive_time_jiffies = 10;
	s.keepalive_intvl_jiffies = 0x7fffffff; /* beyond the wheel's capacity: it fires early */
	s.keepalive_probes = 255;
	tcptimer_snapshot_arm_keepalive(p, 250, &s);
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), TCPTIMER_ENGINE_ELONG);
	assert_true(dl.at_min_jiffies > 1ull << 36);
	params.flags = TCPTIMER_ENGINE_ANY_PHASE;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), TCPTIMER_ENGINE_ELONG);
	/* probes that come to an end are followed to it */
	s.keepalive_probes = 1;
	s.keepalive_intvl_jiffies = 1000;
	params.flags = 0;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), 0);
	/* a write timer that ends it makes it no matter: a fast-open child, not acknowledged */
	s.keepalive_probes = 255;
	s.keepalive_intvl_jiffies = 0x7fffffff;
	s.state = TCPTIMER_STATE_SYN_RECV;
	s.flags |= TCPTIMER_F_TFO_CHILD | TCPTIMER_F_WRITE_PENDING;
	s.pending = TCPTIMER_PENDING_RETRANS;
	s.write_expires = s.write_timeout = s.now_jiffies + 250;
	s.fastopen_timeout = 250;
	assert_int_equal(tcptimer_engine_deadline(p, &params, &s, &dl), 0);
	assert_false(dl.never);
	assert_int_equal(dl.timer, TCPTIMER_TIMER_SYNACK);
	/* the timeline says so, too: 1 jiffy RTOs of a thin stream, closed window */
	fixture_socket("6.12", 250, ESTAB, &s);
	s.flags = TCPTIMER_F_THIN_LTO;
	s.snd_wnd = 0;
	s.rto_min_jiffies = 1;
	s.srtt_us = 8;
	s.rttvar_us = 1;
	tcptimer_snapshot_arm_data(p, 250, &s);
	assert_int_equal(tcptimer_engine_timeline(p, &params, &s, ev, EDGES_EVENTS, &line),
			 TCPTIMER_ENGINE_ELONG);
	assert_true(line.truncated);
	assert_true(line.deadline.never);
	assert_true(line.deadline.at_min_jiffies > 16384);
	assert_int_equal(tcptimer_engine_timeline(p, &params, &s, many, MANY, &line),
			 TCPTIMER_ENGINE_ELONG);
	assert_true(line.truncated);
	assert_int_equal(line.count, 16384);
}

/* Delays beyond TCP's own, overdue mini-sockets, states that only other versions have. */
static void test_leftovers(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("6.12"), *old = fixture_profile("3.15");
	struct tcptimer_profile model = *p;
	struct tcptimer_snapshot s;
	struct tcptimer_deadline dl;

	(void)state;
	/* 3.15: a mini-socket whose time is over goes with the next slot */
	fixture_socket("3.15", 250, TCPTIMER_STATE_TIME_WAIT, &s);
	s.mini_expires = s.now_jiffies - 10;
	assert_true(ask(old, 250, TCPTIMER_PEER_AUTO, 0, 0, &s).at_max_jiffies <= 64);
	fixture_socket("3.15", 250, TCPTIMER_STATE_NEW_SYN_RECV, &s);
	s.mini_expires = s.now_jiffies - 10;
	assert_int_equal(ask(old, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).n, 5);
	/* a request may be filled in as SYN_RECV */
	fixture_socket("6.12", 250, TCPTIMER_STATE_NEW_SYN_RECV, &s);
	s.state = TCPTIMER_STATE_SYN_RECV;
	assert_int_equal(ask(p, 250, TCPTIMER_PEER_AUTO, 0, 0, &s).cause,
			 TCPTIMER_CAUSE_SYNACK_RETRIES);
	/* simultaneous open: no linear timeouts in SYN_RECV, and the same limit */
	fixture_socket("6.12", 250, SYN_SENT, &s);
	s.state = TCPTIMER_STATE_SYN_RECV;
	dl = ask(p, 250, TCPTIMER_PEER_AUTO, 0, 0, &s);
	assert_int_equal(dl.n, 6);
	assert_int_equal(dl.peer, TCPTIMER_PEER_SILENT);
	/* nothing known: TCP_RTO_MIN and 120 s */
	fixture_socket("7.2", 250, ESTAB, &s);
	s.rto_min_jiffies = 0;
	s.rto_max_jiffies = 0;
	assert_int_equal(ask(fixture_profile("7.2"), 250, TCPTIMER_PEER_SILENT, 0, 0, &s).n, 15);
	/*
	 * ICMP errors before any RTT sample: back to 1 s each time, which the wheel makes 1.024 s. But
	 * icsk_retransmits has 8 bits, and tcp_ld_RTO_revert() does nothing while it is 0: after 256
	 * (262 s) one backoff stays, 2.016 s each; after 512 (778 s) two, 4.096 s each. 924.6 s after
	 * the first, 36 of those later, it ends: 548 firings, 547 retransmissions.
	 */
	fixture_socket("6.12", 250, ESTAB, &s);
	s.srtt_us = 0;
	s.flags &= ~TCPTIMER_F_SACK;
	s.rto_jiffies = 250;
	tcptimer_snapshot_arm_data(p, 250, &s);
	assert_in_range(ask(p, 250, TCPTIMER_PEER_UNREACHABLE, 0, 0, &s).n, 546, 549);
	/* no stamp of the head: a whole RTO after a probe that was dropped */
	fixture_socket("6.12", 250, ESTAB, &s);
	s.head_stamp_ms = 0;
	s.lsndtime = (__u32)s.now_jiffies;
	dl = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, 0, &s);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_RETRIES);
	/* a probe out and a drop: what fired only re-arms */
	s.tlp_high_seq = 5;
	dl = ask(p, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, 0, &s);
	assert_false(dl.never);
	/* in loss already, stamped already */
	s.pending = TCPTIMER_PENDING_REO_TIMEOUT;
	s.ca_state = 4;
	s.retrans_stamp = (__u32)(s.now_ns / 1000000) - 100;
	assert_false(ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).never);
	/* ssthresh was set by the recovery that is still under way: tcp_enter_loss() leaves it */
	fixture_socket("6.12", 250, ESTAB, &s);
	s.flags = TCPTIMER_F_THIN_LTO;
	tcptimer_snapshot_arm_data(p, 250, &s);
	s.ca_state = 3;
	s.high_seq = s.snd_una + 1;
	assert_int_equal(ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).n, 15);
	s.ca_state = 4;
	s.retransmits = 1;
	assert_false(ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).never);
	s.retransmits = 0; /* in loss, and acknowledged since: a new episode */
	assert_false(ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).never);
	/* 5.1 to 5.10: model time of the probes out, and none without a setting */
	model.probe0_ut = TCPTIMER_PROBE0_UT_MODEL;
	model.probe0_clamp = TCPTIMER_PROBE0_CLAMP_NONE;
	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_snapshot_arm_probe0(p, 250, &s);
	assert_int_equal(ask(&model, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).n, 15);
	s.user_timeout_ms = 5000;
	assert_true(ask(&model, 250, TCPTIMER_PEER_ZERO_WINDOW, 0, 0, &s).never);
	/* a window smaller than what is unacknowledged has no room */
	s.snd_wnd = 10;
	s.snd_nxt = s.snd_una + 20;
	s.write_seq = s.snd_nxt + 1;
	assert_int_equal(ask(p, 250, TCPTIMER_PEER_SILENT, 0, 0, &s).cause,
			 TCPTIMER_CAUSE_USER_TIMEOUT);
	/* orphans: a limit above where tcp_retries2 stops backoff is never reached by answers */
	fixture_socket("6.12", 250, TCPTIMER_STATE_LAST_ACK, &s);
	tcptimer_snapshot_arm_probe0(p, 250, &s);
	s.sysctls.orphan_retries = 100;
	assert_true(ask(p, 250, TCPTIMER_PEER_ZERO_WINDOW, 0, 0, &s).never);
	assert_true(
		ask(p, 250, TCPTIMER_PEER_ZERO_WINDOW, 0, 1u << TCPTIMER_LIMIT_ORPHAN_RETRIES, &s)
			.never);
	/* 3.15, dropped here, not alive any more: by the backoff that it already has */
	s.sysctls.orphan_retries = 2;
	s.backoff = 12;
	assert_int_equal(
		ask(old, 250, TCPTIMER_PEER_SILENT, TCPTIMER_ENGINE_LOCAL_DROP, 0, &s).cause,
		TCPTIMER_CAUSE_ORPHAN);
	/* closed window, answered until now: the silence before may yet count once */
	fixture_socket("6.12", 250, ESTAB, &s);
	s.snd_wnd = 0;
	s.rcv_tstamp -= 70000;
	s.retrans_stamp = (__u32)(s.now_ns / 1000000) - 280000;
	assert_int_equal(ask(p, 250, TCPTIMER_PEER_ZERO_WINDOW, 0, 0, &s).never, 1);
	s.pending = TCPTIMER_PENDING_RETRANS;
	assert_int_equal(ask(p, 250, TCPTIMER_PEER_ZERO_WINDOW, 0, 0, &s).cause,
			 TCPTIMER_CAUSE_SHRUNK_WINDOW);
	/* a delayed ACK whose timer fires with nothing scheduled any more */
	fixture_socket("6.12", 250, ESTAB, &s);
	tcptimer_snapshot_arm_idle(p, 250, &s);
	tcptimer_snapshot_arm_delack(p, 250, &s);
	s.delack_pending = TCPTIMER_ACK_TIMER;
	s.dack_timeout++;
	{
		struct tcptimer_timeline line;

		assert_int_equal(fixture_events("6.12", 250, TCPTIMER_PEER_AUTO, 0, &s, ev,
						EDGES_EVENTS, &line),
				 1);
		assert_int_equal(ev[0].action, TCPTIMER_ACTION_NONE);
	}
	/* a fast-open child without its limit, and one whose peer closes the window at once */
	fixture_socket("6.12", 250, ESTAB, &s);
	s.flags |= TCPTIMER_F_TFO_CHILD;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_SILENT);
	tcptimer_snapshot_arm_data(p, 250, &s);
	assert_true(
		ask(p, 250, TCPTIMER_PEER_SILENT, 0, 1u << TCPTIMER_LIMIT_SYNACK_RETRIES, &s).never);
	s.num_timeout = 6;
	assert_true(
		ask(p, 250, TCPTIMER_PEER_ZERO_WINDOW, 0, 1u << TCPTIMER_LIMIT_SYNACK_RETRIES, &s)
			.never);
	s.state = TCPTIMER_STATE_FIN_WAIT2;
	s.flags = 0;
	s.packets_out = 0;
	s.write_seq = s.snd_nxt;
	assert_int_equal(tcptimer_engine_peer(&s), TCPTIMER_PEER_ACKS);
	/* a socket's RTO of any length, and one below rto_min */
	tcptimer_snapshot_set_rto(p, 250, &s, 50);
	assert_int_equal(s.rto_jiffies, 13);
	tcptimer_snapshot_set_rto(p, 250, &s, 0);
	assert_int_equal(s.rto_jiffies, 0);
	tcptimer_snapshot_set_rto(p, 250, &s, 0x10000000);
	assert_int_equal(s.srtt_us, 0xfffffff8u);
	s.probes_tstamp = 100;
	tcptimer_snapshot_set_jiffies(p, 250, &s, s.now_jiffies + 50);
	assert_int_equal(s.probes_tstamp, 150);
	s.sysctls.rto_min_us = 0;
	s.sysctls.rto_max_ms = 0;
	tcptimer_snapshot_apply_sysctls(fixture_profile("7.2"), 250, &s);
	assert_int_equal(s.rto_max_jiffies, 30000);
}

/* Detection: what versions say that are no versions, and facts that agree. */
static void test_detect_leftovers(void **state)
{
	struct tcptimer_kernel_facts facts = {
		.release = "6.12.0-amd64",
		.version = "#1 SMP Debian 13.0 4567 6.1.9 6.12/x 6:6.12.107-1"
	};
	struct tcptimer_profile p;

	(void)state;
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_string_equal(p.name, "6.12.107");
	facts = (struct tcptimer_kernel_facts){ .release = "6.6.50",
						.btf_tcp_usec_ts = TCPTIMER_YES,
						.btf_ato_bits = 8 };
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_int_equal(p.shrunk_window, TCPTIMER_SHRUNK_USER_TIMEOUT);
	facts = (struct tcptimer_kernel_facts){ .release = "6.12.9",
						.btf_ato_bits = 8,
						.btf_tcp_usec_ts = TCPTIMER_YES };
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_int_equal(p.ato_inflate, TCPTIMER_ATO_WRAP8);
	facts = (struct tcptimer_kernel_facts){ .release = "4.9.1",
						.btf_probes_tstamp = TCPTIMER_NO };
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_int_equal(p.probe0_ut, TCPTIMER_PROBE0_UT_HEAD);
	facts = (struct tcptimer_kernel_facts){ .release = "6.300" };
	assert_int_equal(tcptimer_profile_detect(&facts, &p), TCPTIMER_ENGINE_ENOPROFILE);
	facts.release = "4.14.336"; /* more than a byte: the latest */
	assert_int_equal(tcptimer_profile_detect(&facts, &p), 0);
	assert_string_equal(p.name, "4.14");
	facts.release = "5.x";
	assert_int_equal(tcptimer_profile_detect(&facts, &p), TCPTIMER_ENGINE_ENOPROFILE);
}

static void test_timewait_leftovers(void **state)
{
	const struct tcptimer_profile *p = fixture_profile("4.3");
	struct tcptimer_tw_segment fin = {
		.ack = 1, .fin = 1, .in_window = 1, .end_after = 1, .end_is_next = 1
	};
	struct tcptimer_tw_segment data = { .ack = 1, .at_rcv_nxt = 1 };
	struct tcptimer_tw_segment paws_syn = { .syn = 1, .seq_after = 1, .paws_reject = 1 };
	struct tcptimer_tw_result res;
	struct tcptimer_snapshot s;

	(void)state;
	fixture_socket("4.3", 250, TCPTIMER_STATE_FIN_WAIT2, &s);
	/* recycling needs timestamps, and a kernel that has it */
	tcptimer_timewait_segment(p, 250, &s, &fin, true, &res);
	assert_int_equal(res.timeout_jiffies, 15000);
	s.tw_ts_recent_stamp = 1;
	tcptimer_timewait_segment(fixture_profile("6.1"), 250, &s, &fin, true, &res);
	assert_int_equal(res.timeout_jiffies, 15000);
	fixture_socket("4.3", 250, TCPTIMER_STATE_TIME_WAIT, &s);
	tcptimer_timewait_segment(p, 250, &s, &data, false, &res);
	assert_int_equal(res.verdict, TCPTIMER_TW_ACK); /* data at rcv_nxt is out of window here */
	tcptimer_timewait_segment(p, 250, &s, &paws_syn, false, &res);
	assert_int_equal(res.verdict, TCPTIMER_TW_ACK);
	assert_int_equal(tcptimer_timewait_segment(p, 250, NULL, &fin, false, &res),
			 TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_timewait_segment(p, 250, &s, NULL, false, &res),
			 TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_timewait_segment(p, 250, &s, &fin, false, NULL),
			 TCPTIMER_ENGINE_EARG);
	assert_int_equal(tcptimer_timewait_segment(p, 99999, &s, &fin, false, &res),
			 TCPTIMER_ENGINE_EHZ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_between_profiles),
		cmocka_unit_test(test_keepalive_straddles),
		cmocka_unit_test(test_two_timers),
		cmocka_unit_test(test_horizon),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_detect_leftovers),
		cmocka_unit_test(test_timewait_leftovers),
	};

	return cmocka_run_group_tests_name("engine edges", tests, NULL, NULL);
}

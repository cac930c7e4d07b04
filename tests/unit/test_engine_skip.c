// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives sockets of every kind, plain and strange; asks for the deadline, which skips firings, and
 * for the timeline, which follows each of them. Hands on to cmocka whether both say the same.
 *
 * TCPTIMER_PROPERTY_COUNT sets the number of random snapshots, TCPTIMER_PROPERTY_SEED the seed.
 */
#include <stdlib.h>

#include "engine_fixture.h"
#include "engine_random.h"

#define SKIP_EVENTS 4096

static struct tcptimer_engine_event events[SKIP_EVENTS];

/* The deadline against the last event. False when the timeline was too long to hold against. */
static bool skip_agrees(const char *what, const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s)
{
	const struct tcptimer_engine_event *last;
	struct tcptimer_timeline line;
	struct tcptimer_deadline dl;
	int err = tcptimer_engine_deadline(profile, params, s, &dl);
	int line_err = tcptimer_engine_timeline(profile, params, s, events, SKIP_EVENTS, &line);
	bool ended;

	assert_int_equal(err, line_err);
	if (err || line.truncated || !line.count)
		return false;
	last = &events[line.count - 1];
	ended = last->action == TCPTIMER_ACTION_ABORTED || last->action == TCPTIMER_ACTION_ENDED;
	/* An end of another timer may precede: the timeline stops at whichever is certain first. */
	if (dl.never || !ended)
		return false;
	if (last->timer != dl.timer || last->cause != dl.cause || last->n != dl.n ||
	    last->at_min_jiffies != dl.at_min_jiffies ||
	    last->at_max_jiffies != dl.at_max_jiffies || last->at_ms != dl.at_ms ||
	    last->err != dl.err) {
		print_error("%s: deadline %llu..%llu n %u cause %u, timeline %llu..%llu n %u "
			    "cause %u (profile %s hz %u peer %u state %u pending %u)\n",
			    what, dl.at_min_jiffies, dl.at_max_jiffies, dl.n, dl.cause,
			    last->at_min_jiffies, last->at_max_jiffies, last->n, last->cause,
			    profile->name, params->hz, params->peer, s->state, s->pending);
		fail();
	}
	return true;
}

/* ---- one thing after another that takes a series out of the ordinary */

enum skip_kind { KIND_DATA, KIND_ORPHAN, KIND_PROBE0, KIND_KEEPALIVE, KIND_SYN, KIND_COUNT };

static const __u8 kind_state[KIND_COUNT] = { 1, 4, 1, 1, 2 };

static void skip_socket(enum skip_kind kind, const struct tcptimer_profile *p, __u32 hz,
			struct tcptimer_snapshot *s)
{
	assert_int_equal(tcptimer_snapshot_init_defaults(p, hz, kind_state[kind], s), 0);
	if (kind == KIND_DATA)
		tcptimer_snapshot_arm_data(p, hz, s);
	if (kind == KIND_PROBE0)
		tcptimer_snapshot_arm_probe0(p, hz, s);
	if (kind == KIND_KEEPALIVE) {
		tcptimer_snapshot_arm_idle(p, hz, s);
		tcptimer_snapshot_arm_keepalive(p, hz, s);
	}
}

/* In the middle of it, with the write timer's true expiry a while after that of the wheel. */
static void make_midway(struct tcptimer_snapshot *s)
{
	s->retransmits = 3;
	s->retrans_stamp = (__u32)(s->now_ns / 1000000) - 5000;
	s->write_timeout = s->write_expires + 7;
}

static void make_unstamped(struct tcptimer_snapshot *s)
{
	make_midway(s);
	s->retrans_stamp = 0;
}

static void make_nothing_out(struct tcptimer_snapshot *s)
{
	make_midway(s);
	s->packets_out = 0;
	s->write_seq = s->snd_nxt;
}

static void make_late_syn_recv(struct tcptimer_snapshot *s)
{
	make_midway(s);
	s->state = TCPTIMER_STATE_SYN_RECV;
}

static void make_user_timeout(struct tcptimer_snapshot *s)
{
	s->user_timeout_ms = 20000;
}

static void make_month(struct tcptimer_snapshot *s)
{
	s->user_timeout_ms = 0x7fffffff;
}

static void make_thin(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_THIN_LTO;
}

static void make_thin_host(struct tcptimer_snapshot *s)
{
	s->sysctls.thin_linear_timeouts = 1;
}

static void make_window_closed(struct tcptimer_snapshot *s)
{
	s->snd_wnd = 0;
}

static void make_window_open(struct tcptimer_snapshot *s)
{
	s->snd_wnd = 65535;
}

static void make_dead(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_DEAD;
}

static void make_dead_late(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_DEAD;
	s->sysctls.orphan_retries = 12;
}

static void make_dead_at_most(struct tcptimer_snapshot *s)
{
	make_midway(s);
	s->flags |= TCPTIMER_F_DEAD;
	s->rto_jiffies = s->rto_max_jiffies;
}

static void make_usec(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_USEC_TS;
}

static void make_patient(struct tcptimer_snapshot *s)
{
	s->sysctls.retries2 = 255;
	s->sysctls.syn_retries = 255;
	s->keepalive_probes = 255;
	s->rto_max_jiffies = s->rto_jiffies;
}

static void make_impatient(struct tcptimer_snapshot *s)
{
	s->sysctls.retries2 = 3;
	s->sysctls.syn_retries = 1;
	s->keepalive_probes = 2;
}

static void make_endless_rto(struct tcptimer_snapshot *s)
{
	s->rto_jiffies = s->rto_max_jiffies = 500u << 20;
	s->keepalive_intvl_jiffies = 500u << 20;
}

static void make_hasty(struct tcptimer_snapshot *s)
{
	s->rto_jiffies = 0;
	s->keepalive_intvl_jiffies = 0;
}

static void make_syncnt(struct tcptimer_snapshot *s)
{
	s->syn_retries = 5;
}

static void make_idle_for_long(struct tcptimer_snapshot *s)
{
	s->lrcvtime = s->rcv_tstamp = (__u32)s->now_jiffies - 2 * s->keepalive_time_jiffies;
	s->probes_out = 1;
}

/* Of its seven linear timeouts the last is due, or was. */
static void make_thin_late(struct tcptimer_snapshot *s)
{
	make_midway(s);
	s->flags |= TCPTIMER_F_THIN_LTO;
	s->retransmits = 6;
}

static void make_thin_crowd(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_THIN_LTO;
	s->packets_out = 4;
}

/* Recovery stamped, no timeout yet: the first asks no limit, however long ago that was. */
static void make_recovering(struct tcptimer_snapshot *s)
{
	s->retrans_stamp = (__u32)(s->now_ns / 1000000) - 5000;
	s->user_timeout_ms = 4000;
	s->pending = s->pending == TCPTIMER_PENDING_LOSS_PROBE ? TCPTIMER_PENDING_RETRANS :
								 s->pending;
}

/* TCP_USER_TIMEOUT a little before and a little after a firing: clamped, or not quite. */
static void make_near(struct tcptimer_snapshot *s)
{
	s->user_timeout_ms = 1401;
}

static void make_nearer(struct tcptimer_snapshot *s)
{
	s->user_timeout_ms = 1;
}

/* The count of timeouts is near the end of its 16 bits, that of linear SYNs within them. */
static void make_many_timeouts(struct tcptimer_snapshot *s)
{
	make_midway(s);
	s->total_rto = 0xfff0;
}

static void make_linear(struct tcptimer_snapshot *s)
{
	s->sysctls.syn_linear_timeouts = 3;
	s->total_rto = 2;
}

/* The clock is near the end of its 64 bits, jiffies near that of theirs. */
static void make_old_host(struct tcptimer_snapshot *s)
{
	s->now_ns = ~0ull - 1000000000;
}

static void make_overdue(struct tcptimer_snapshot *s)
{
	s->write_expires = s->now_jiffies - 50;
	s->write_timeout = s->write_expires;
	s->keep_expires = s->now_jiffies - 50;
}

static void make_nothing(struct tcptimer_snapshot *s)
{
	(void)s;
}

static void (*const strange[])(struct tcptimer_snapshot *s) = {
	make_nothing,       make_midway,        make_unstamped,     make_nothing_out,
	make_late_syn_recv, make_user_timeout,  make_month,         make_thin,
	make_thin_host,     make_window_closed, make_window_open,   make_dead,
	make_dead_late,     make_dead_at_most,  make_usec,          make_patient,
	make_impatient,     make_endless_rto,   make_syncnt,        make_idle_for_long,
	make_hasty,         make_thin_late,     make_thin_crowd,    make_recovering,
	make_near,          make_nearer,        make_many_timeouts, make_linear,
	make_old_host,      make_overdue,
};

static void a_deadline_is_where_the_timeline_ends(void **state)
{
	static const __u32 hz[] = { 24, 100, 250, 1000 };
	unsigned int held = 0;
	size_t p, h, k, i;

	(void)state;
	for (p = 0; tcptimer_profile_at(p); p++) {
		const struct tcptimer_profile *profile = tcptimer_profile_at(p);

		for (h = 0; h < COUNT(hz); h++) {
			for (k = 0; k < KIND_COUNT; k++) {
				for (i = 0; i < COUNT(strange); i++) {
					struct tcptimer_engine_params params = {
						.hz = hz[h], .peer = TCPTIMER_PEER_SILENT
					};
					struct tcptimer_snapshot s;
					char what[64];

					skip_socket((enum skip_kind)k, profile, hz[h], &s);
					strange[i](&s);
					snprintf(what, sizeof(what), "kind %zu row %zu", k, i);
					held += skip_agrees(what, profile, &params, &s);
					params.ignored_limits = 1u << TCPTIMER_LIMIT_RETRIES2 |
								1u << TCPTIMER_LIMIT_SYNCNT;
					held += skip_agrees(what, profile, &params, &s);
				}
			}
		}
	}
	/* Most of them end; if they did not, nothing would have been held against anything. */
	assert_true(held > 9 * COUNT(hz) * KIND_COUNT * COUNT(strange));
}

/* The keepalive timer of a SYN_SENT socket does nothing, also when a probe is counted. */
static void keepalive_of_a_syn_is_not_skipped(void **state)
{
	const struct tcptimer_profile *profile = fixture_profile("6.18");
	struct tcptimer_engine_params params = { .hz = 250, .peer = TCPTIMER_PEER_SILENT };
	struct tcptimer_snapshot s;

	(void)state;
	skip_socket(KIND_KEEPALIVE, profile, 250, &s);
	make_idle_for_long(&s);
	s.keepalive_probes = 9;
	assert_true(skip_agrees("keepalive", profile, &params, &s));
	skip_socket(KIND_SYN, profile, 250, &s);
	s.sysctls.syn_retries = 2;
	s.flags |= TCPTIMER_F_KEEPOPEN | TCPTIMER_F_KEEP_PENDING;
	s.keep_expires = s.now_jiffies + 10;
	assert_true(skip_agrees("SYN with keepalive", profile, &params, &s));
}

static unsigned long skip_env(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : fallback;
}

/* Bytes at random, too: what a snapshot says has no bounds. */
static void skip_spoil(struct engine_random *r, struct tcptimer_snapshot *s)
{
	unsigned int bytes = random_below(r, 4);
	size_t used = offsetof(struct tcptimer_snapshot, sysctls);

	while (bytes--)
		((unsigned char *)s)[random_below(r, (__u32)used)] = (unsigned char)random_next(r);
}

static void a_random_deadline_is_where_the_timeline_ends(void **state)
{
	unsigned long count = skip_env("TCPTIMER_PROPERTY_COUNT", 60000), i, held = 0;
	unsigned long seed = skip_env("TCPTIMER_PROPERTY_SEED", 1);

	(void)state;
	for (i = 0; i < count; i++) {
		struct engine_random r = { seed * 0x100000001b3ull + i };
		const struct tcptimer_profile *profile = tcptimer_profile_at(random_below(&r, 9));
		struct tcptimer_engine_params params = { .hz = random_hz(&r) };
		struct tcptimer_snapshot s;

		params.peer = random_one_in(&r, 3) ? random_below(&r, TCPTIMER_PEER_COUNT) :
						     TCPTIMER_PEER_SILENT;
		params.flags = random_one_in(&r, 9) ? random_below(&r, 8) : 0;
		if (!random_snapshot(&r, profile, params.hz, &s))
			continue;
		tcptimer_snapshot_set_jiffies(profile, params.hz, &s,
					      (1ull << 32) + random_below(&r, 1u << 24));
		if (random_one_in(&r, 4))
			skip_spoil(&r, &s);
		/* Ranges of two timers overlap, and then the first possible end is not one event. */
		if (params.flags & TCPTIMER_ENGINE_ANY_PHASE)
			continue;
		held += skip_agrees("random", profile, &params, &s);
	}
	assert_true(held > count / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_is_where_the_timeline_ends),
		cmocka_unit_test(keepalive_of_a_syn_is_not_skipped),
		cmocka_unit_test(a_random_deadline_is_where_the_timeline_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

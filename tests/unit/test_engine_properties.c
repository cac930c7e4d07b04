// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives random snapshots of every state, profile and HZ.
 * Hands on to cmocka whether what must hold of every answer of the engine holds.
 *
 * TCPTIMER_PROPERTY_COUNT sets the number of snapshots, TCPTIMER_PROPERTY_SEED the seed.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine_random.h"

#define PROPERTIES_EVENTS 64

/* One case: everything that a failure must print to be repeated. */
struct property_case {
	struct engine_random r;
	const struct tcptimer_profile *profile;
	struct tcptimer_engine_params params;
	struct tcptimer_snapshot s;
	unsigned long index;
};

static unsigned long property_env(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : fallback;
}

static void property_fail(const struct property_case *c, const char *what)
{
	print_error("case %lu profile %s hz %u peer %s flags %x ignored %x state %u kind %u: %s\n",
		    c->index, c->profile->name, c->params.hz, tcptimer_peer_name(c->params.peer),
		    c->params.flags, c->params.ignored_limits, c->s.state, c->s.kind, what);
	print_error(
		"pending %u flags %x rto %u rto_max %u user_timeout %u retries2 %u retransmits %u "
		"backoff %u packets %u keepalive %u/%u/%u rtt %u err_soft %d\n",
		c->s.pending, c->s.flags, c->s.rto_jiffies, c->s.rto_max_jiffies,
		c->s.user_timeout_ms, c->s.sysctls.retries2, c->s.retransmits, c->s.backoff,
		c->s.packets_out, c->s.keepalive_time_jiffies, c->s.keepalive_intvl_jiffies,
		c->s.keepalive_probes, c->params.rtt_us, c->s.err_soft);
	fail();
}

#define property_check(c, condition)                                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			property_fail(c, #condition);                                              \
	} while (0)

static bool property_draw(struct property_case *c, unsigned long index, unsigned long seed)
{
	size_t profiles = 9;

	*c = (struct property_case){ .r = { seed * 0x100000001b3ull + index }, .index = index };
	c->profile = tcptimer_profile_at(random_below(&c->r, (__u32)profiles));
	c->params.hz = random_hz(&c->r);
	c->params.peer = random_below(&c->r, TCPTIMER_PEER_COUNT);
	if (random_one_in(&c->r, 8))
		c->params.flags |= TCPTIMER_ENGINE_LOCAL_DROP;
	if (random_one_in(&c->r, 12))
		c->params.flags |= TCPTIMER_ENGINE_OUT_OF_RESOURCES;
	if (random_one_in(&c->r, 3))
		c->params.rtt_us = random_magnitude(&c->r, 21);
	if (random_one_in(&c->r, 6))
		c->params.timeout_init_jiffies = 1 + random_magnitude(&c->r, 12);
	return random_snapshot(&c->r, c->profile, c->params.hz, &c->s);
}

/* ELONG is an answer (so many events, and alive): treated as later than everything. */
static __u64 property_end(const struct property_case *c, const struct tcptimer_snapshot *s,
			  __u32 ignored, struct tcptimer_deadline *dl)
{
	struct tcptimer_engine_params params = c->params;
	int err;

	params.ignored_limits |= ignored;
	err = tcptimer_engine_deadline(c->profile, &params, s, dl);
	if (err != 0 && err != TCPTIMER_ENGINE_ELONG)
		property_fail(c, tcptimer_engine_strerror(err));
	return err || dl->never ? UINT64_MAX : dl->at_max_jiffies;
}

/* Time never runs backward, no event precedes now, and the last one is the deadline. */
static void property_order(const struct property_case *c)
{
	struct tcptimer_engine_event events[PROPERTIES_EVENTS], next;
	struct tcptimer_engine_params params = c->params;
	struct tcptimer_timeline line;
	unsigned int mode;
	bool maybe;
	__u64 last;
	size_t i;
	int err;

	/* exact and in ranges, by turns */
	for (mode = c->index & 1; mode < 2; mode += 2) {
		params.flags ^= mode ? TCPTIMER_ENGINE_ANY_PHASE : 0;
		err = tcptimer_engine_timeline(c->profile, &params, &c->s, events,
					       PROPERTIES_EVENTS, &line);
		property_check(c, err == 0 || err == TCPTIMER_ENGINE_ELONG);
		property_check(c, line.count <= PROPERTIES_EVENTS);
		property_check(c, line.truncated || line.count < PROPERTIES_EVENTS ||
					  events[PROPERTIES_EVENTS - 1].action ==
						  TCPTIMER_ACTION_ABORTED ||
					  events[PROPERTIES_EVENTS - 1].action ==
						  TCPTIMER_ACTION_ENDED);
		for (last = 0, maybe = false, i = 0; i < line.count; i++) {
			maybe |= events[i].flags & TCPTIMER_EV_MAYBE;
			property_check(c, events[i].at_min_jiffies <= events[i].at_max_jiffies);
			property_check(c, events[i].at_min_ms <= events[i].at_ms);
			property_check(c, events[i].at_ms <= events[i].at_max_ms);
			property_check(c, events[i].at_max_jiffies >= last);
			property_check(c, (__s64)events[i].at_min_jiffies >= 0);
			last = events[i].at_max_jiffies;
		}
		if (!err && !line.truncated && !line.deadline.never) {
			property_check(c, line.count > 0);
			property_check(c, line.deadline.at_max_jiffies <= last);
			/* Recovered in some phases, ended in others: then the line goes on. */
			property_check(c, events[line.count - 1].cause == line.deadline.cause ||
						  maybe);
		}
		property_check(c, tcptimer_engine_next(c->profile, &params, &c->s, &next) == 0);
		if (line.count)
			property_check(c, !memcmp(&next, &events[0], sizeof(next)));
		else
			property_check(c, next.timer == TCPTIMER_TIMER_NONE);
	}
}

/*
 * min <= exact <= max, at random phases of the wheel and of the tick. Where some phases end and
 * others never do, the range is that of those that end.
 */
static void property_range(struct property_case *c)
{
	struct tcptimer_deadline any, exact;
	struct tcptimer_engine_params params = c->params;
	struct tcptimer_snapshot s = c->s;
	__u32 tick_ms = 1000 / c->params.hz;
	unsigned int i;
	int err, err_exact;

	params.flags |= TCPTIMER_ENGINE_ANY_PHASE;
	err = tcptimer_engine_deadline(c->profile, &params, &s, &any);
	for (i = 0; i < 1 + c->index % 8 / 7; i++) {
		__u32 ms = tick_ms ? random_below(&c->r, tick_ms) : 0;

		s = c->s;
		s.now_ns += ms * 1000000ull;
		if (c->profile->usec_ts && (s.flags & TCPTIMER_F_USEC_TS) && s.retrans_stamp)
			s.retrans_stamp += ms * 1000;
		else if (s.retrans_stamp)
			s.retrans_stamp += ms;
		if (s.head_stamp_ms)
			s.head_stamp_ms += ms;
		tcptimer_snapshot_set_jiffies(c->profile, c->params.hz, &s,
					      random_next(&c->r) >> random_below(&c->r, 40));
		err_exact = tcptimer_engine_deadline(c->profile, &c->params, &s, &exact);
		if (err || err_exact)
			continue;
		if (any.never)
			property_check(c, exact.never);
		if (exact.never)
			continue;
		property_check(c, any.at_min_jiffies <= exact.at_min_jiffies);
		property_check(c, exact.at_max_jiffies <= any.at_max_jiffies);
		property_check(c, any.at_min_ms <= exact.at_min_ms);
		property_check(c, exact.at_max_ms <= any.at_max_ms);
	}
}

/*
 * The deadline is no later than that of any limit alone, so taking one away never shortens a life.
 * The exception is the kernel's: TCP_USER_TIMEOUT replaces the retry limits, and so can lengthen.
 */
static void property_limits(struct property_case *c)
{
	struct tcptimer_deadline with, without;
	__u64 end = property_end(c, &c->s, 0, &with);
	unsigned int limit;

	for (limit = TCPTIMER_LIMIT_NONE + 1; limit < TCPTIMER_LIMIT_COUNT; limit++) {
		__u64 other;

		/* those that matter always, of the others one in four */
		if (limit != with.limit && limit != TCPTIMER_LIMIT_USER_TIMEOUT &&
		    !random_one_in(&c->r, 4))
			continue;
		other = property_end(c, &c->s, 1u << limit, &without);
		if (other >= end)
			continue;
		property_check(c, limit == TCPTIMER_LIMIT_USER_TIMEOUT);
		property_check(c, c->s.user_timeout_ms != 0);
		property_check(c, without.limit == TCPTIMER_LIMIT_RETRIES2 ||
					  without.limit == TCPTIMER_LIMIT_ORPHAN_RETRIES ||
					  without.limit == TCPTIMER_LIMIT_SYN_RETRIES ||
					  without.limit == TCPTIMER_LIMIT_SYNCNT ||
					  without.limit == TCPTIMER_LIMIT_KEEPALIVE_PROBES ||
					  without.limit == TCPTIMER_LIMIT_KEEPCNT ||
					  without.limit == TCPTIMER_LIMIT_RTO_MAX ||
					  without.limit == TCPTIMER_LIMIT_MEMORY);
	}
}

/*
 * A stricter number never lengthens a life. Numbers and model times leave the firings where they
 * are, so that this is exact for them.
 */
static void property_tighten_counts(struct property_case *c)
{
	struct tcptimer_deadline dl;
	struct tcptimer_snapshot s = c->s;
	__u64 end = property_end(c, &c->s, 0, &dl);

	/*
	 * tcp_send_probe0() stops backoff at tcp_retries2. An orphan with tcp_orphan_retries 0 ends
	 * when backoff carries it to rto_max; stopped below that it counts as alive, and gets 8
	 * probes: a lower tcp_retries2 lengthens its life. And with TCP_USER_TIMEOUT it only moves
	 * the probes, and so the tick on which that is noticed.
	 */
	if (s.sysctls.retries2 && !(s.pending == TCPTIMER_PENDING_PROBE0 &&
				    ((s.flags & TCPTIMER_F_DEAD) || s.user_timeout_ms)))
		s.sysctls.retries2--;
	if (s.syn_retries > 1)
		s.syn_retries--;
	else if (!s.syn_retries && s.sysctls.syn_retries)
		s.sysctls.syn_retries--;
	if (s.sysctls.synack_retries)
		s.sysctls.synack_retries--;
	if (s.keepalive_probes)
		s.keepalive_probes--;
	/* 0 means 8 while alive, and then 0. */
	if (s.sysctls.orphan_retries > 1)
		s.sysctls.orphan_retries--;
	property_check(c, property_end(c, &s, 0, &dl) <= end);
}

/*
 * A shorter TCP_USER_TIMEOUT: its expiry is earlier, but the wheel rounds it by up to an eighth of
 * the interval it is armed for, which may be the longer one of an earlier firing. So: no later than
 * that much. Probes of 5.11 to 7.0 break it further: a timeout that passed before the probe was
 * answered underflows, is no limit any more, and one more full interval goes by.
 */
static void property_tighten_user_timeout(struct property_case *c)
{
	struct tcptimer_deadline dl;
	struct tcptimer_snapshot s = c->s;
	__u64 end = property_end(c, &c->s, 0, &dl), other, late;

	if (s.user_timeout_ms < 2 || end == UINT64_MAX)
		return;
	s.user_timeout_ms -= 1 + random_below(&c->r, s.user_timeout_ms - 1);
	other = property_end(c, &s, 0, &dl);
	late = end / 7 + 2;
	if (s.pending == TCPTIMER_PENDING_PROBE0 &&
	    c->profile->probe0_clamp == TCPTIMER_PROBE0_CLAMP_UNDERFLOW)
		late += s.rto_max_jiffies + s.rto_max_jiffies / 7;
	property_check(c, other <= end + late);
}

static void test_properties(void **state)
{
	unsigned long count = property_env("TCPTIMER_PROPERTY_COUNT", 1000000);
	unsigned long seed = property_env("TCPTIMER_PROPERTY_SEED", 20240229);
	unsigned long i, drawn = 0;
	struct property_case c;

	(void)state;
	print_message("%lu snapshots, seed %lu\n", count, seed);
	for (i = 0; i < count; i++) {
		if (!property_draw(&c, i, seed))
			continue;
		drawn++;
		/* each case meets all of them in turn, the cheap ones always */
		property_order(&c);
		property_range(&c);
		switch (i % 3) {
		case 0:
			property_limits(&c);
			break;
		case 1:
			property_tighten_counts(&c);
			break;
		default:
			property_tighten_user_timeout(&c);
			break;
		}
	}
	assert_int_equal(drawn, count);
}

/* Bytes that no kernel ever held: an answer, or one of the named errors. */
static void test_garbage(void **state)
{
	unsigned long count = property_env("TCPTIMER_PROPERTY_COUNT", 1000000) / 50;
	struct engine_random r = { 7 };
	unsigned long i, answered = 0;

	(void)state;
	for (i = 0; i < count; i++) {
		struct tcptimer_engine_params params;
		struct tcptimer_deadline dl;
		struct tcptimer_snapshot s;
		unsigned char *bytes = (unsigned char *)&s;
		size_t at;
		int err;

		random_snapshot(&r, tcptimer_profile_at(i % 9), random_hz(&r), &s);
		for (at = 0; at < sizeof(s); at++)
			if (random_one_in(&r, 100))
				bytes[at] = (unsigned char)random_next(&r);
		params = (struct tcptimer_engine_params){
			.hz = random_hz(&r),
			.peer = random_below(&r, TCPTIMER_PEER_COUNT + 1),
			.flags = random_below(&r, 8),
		};
		err = tcptimer_engine_deadline(tcptimer_profile_at(i % 9), &params, &s, &dl);
		assert_in_range(-err, 0, 7);
		assert_string_not_equal(tcptimer_engine_strerror(err), "unknown error");
		answered += !err;
		if (!err && !dl.never)
			assert_true(dl.at_min_jiffies <= dl.at_max_jiffies);
	}
	print_message("%lu of %lu answered\n", answered, count);
	assert_true(answered > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("engine properties", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives nothing; hands the engine's unit tests their includes and a socket in a known state.
 */
#ifndef TCPTIMER_TESTS_ENGINE_FIXTURE_H
#define TCPTIMER_TESTS_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tcptimer/engine.h"

#define SYN_SENT TCPTIMER_STATE_SYN_SENT
#define ESTAB TCPTIMER_STATE_ESTABLISHED

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline const struct tcptimer_profile *fixture_profile(const char *name)
{
	const struct tcptimer_profile *profile = tcptimer_profile_by_name(name);

	assert_non_null(profile);
	return profile;
}

static inline void fixture_socket(const char *name, __u32 hz, unsigned int state,
				  struct tcptimer_snapshot *s)
{
	assert_int_equal(tcptimer_snapshot_init_defaults(fixture_profile(name), hz, state, s), 0);
}

static inline struct tcptimer_deadline fixture_deadline(const char *name, __u32 hz,
							enum tcptimer_peer peer, __u32 flags,
							const struct tcptimer_snapshot *s)
{
	struct tcptimer_engine_params params = { .hz = hz, .peer = peer, .flags = flags };
	struct tcptimer_deadline dl;

	assert_int_equal(tcptimer_engine_deadline(fixture_profile(name), &params, s, &dl), 0);
	return dl;
}

/* The events of an exact run; returns their number. */
static inline size_t fixture_events(const char *name, __u32 hz, enum tcptimer_peer peer,
				    __u32 flags, const struct tcptimer_snapshot *s,
				    struct tcptimer_engine_event *events, size_t max,
				    struct tcptimer_timeline *line)
{
	struct tcptimer_engine_params params = { .hz = hz, .peer = peer, .flags = flags };

	assert_int_equal(
		tcptimer_engine_timeline(fixture_profile(name), &params, s, events, max, line), 0);
	return line->count;
}

#endif

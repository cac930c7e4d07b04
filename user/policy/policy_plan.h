/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy means for one socket: its rule, each setting old and new, and the end that follows.
 * Receives a policy and snapshots; hands plans to `policy preview` and to audit. Pure.
 */
#ifndef TCPTIMER_POLICY_PLAN_H
#define TCPTIMER_POLICY_PLAN_H

#include "policy/policy.h"
#include "tcptimer/engine.h"

struct policy_kernel {
	const struct tcptimer_profile *profile;
	uint32_t hz;
};

/* What becomes of a setting that the rule has. */
enum policy_verdict {
	POLICY_VERDICT_NONE,     /* the rule does not set it */
	POLICY_VERDICT_CHANGE,   /* old becomes new; mode audit: it would */
	POLICY_VERDICT_SAME,     /* the socket has it already */
	POLICY_VERDICT_STRICTER, /* enforce: what was asked for is stricter than the rule */
	POLICY_VERDICT_YIELDS,   /* default: the application has set it */
	POLICY_VERDICT_LATE,     /* it acts on a handshake that is past, or on a closed socket */
	POLICY_VERDICT_ROUTE,    /* the route's locked rto_min goes before the socket's */
	POLICY_VERDICT_LACKS,    /* this kernel has no such option */
	POLICY_VERDICT_COUNT
};

const char *policy_verdict_name(unsigned int verdict); /* "yields"; never NULL */

struct policy_plan_setting {
	uint8_t verdict;            /* enum policy_verdict */
	int64_t old_value, value;   /* us, a number, 0 or 1; `value` is what the socket has then */
	int32_t old_kernel, kernel; /* the same as in tcptimer/policy_map.h */
};

/* All settings of the socket's rule. */
struct policy_plan {
	const struct policy_rule *rule; /* NULL: no rule takes it, and all below is 0 */
	size_t index;                   /* of the rule */
	uint8_t mode;                   /* enum policy_mode; AUDIT: nothing is changed */
	uint32_t changes;               /* bits of the settings with POLICY_VERDICT_CHANGE */
	bool armed; /* its TCP_USER_TIMEOUT is max_retries' for this stall; without, it has the base */
	uint32_t base_user_timeout_ms; /* what the rule in force has set, 0: none */
	struct policy_plan_setting settings[POLICY_SETTING_COUNT];
};

/*
 * The socket's rule and what it would set. Listeners, requests and TIME_WAIT have none; direction is
 * POLICY_CONNECT or POLICY_ACCEPT (policy_listeners.h). `in_force` is the rule that holds for the
 * socket already (rules_get()), NULL: none is known. What it has set is not the application's; what
 * else the socket has of its own, and what differs from the kernel's default, is.
 */
void policy_plan_make(const struct policy *policy, const struct policy_kernel *kernel,
		      const struct tcptimer_snapshot *s, const char *cgroup, unsigned int direction,
		      const struct tcptimer_policy_rule *in_force, struct policy_plan *ret_plan);

/* The snapshot as it would be with the changes made now, those of audit too. */
void policy_plan_apply(const struct policy_plan *plan, const struct policy_kernel *kernel,
		       struct tcptimer_snapshot *s);

/*
 * When and why a socket ends, with max_retries among its limits (0: none; of a plan's settings the old
 * value before policy_plan_apply(), the new one after): cause POLICY, at the moment when the
 * retransmission after the last allowed would be due. Where no user_timeout is set it takes the place
 * of tcp_retries2, but not of an orphan's limits. 0 or the engine's error.
 */
int policy_plan_deadline(const struct policy_kernel *kernel, const struct tcptimer_snapshot *s,
			 enum tcptimer_peer peer, unsigned int max_retries,
			 struct tcptimer_deadline *ret_deadline);

/*
 * The end that `max_retries` brings: the first firing among the events, made without the limits that
 * would end it before, at which retransmission `max` + 1 or a later one would leave. False: none.
 */
bool policy_retries_end(const struct tcptimer_engine_event *events, size_t count, unsigned int max,
			struct tcptimer_deadline *ret_deadline);

#endif

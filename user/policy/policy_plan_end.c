// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When and why a socket ends with its rule in force, max_retries among its limits.
 * Receives a snapshot that policy_plan_apply() changed; hands the engine's answer. Pure.
 */
#include <errno.h>
#include "policy/policy_plan.h"

/* A loss probe, and what 16 retransmissions and the changes of their timer take. */
#define EVENTS_MAX 64

/* What would end it before a retransmission is due that max_retries counts. */
#define OTHER_LIMITS                                                                               \
	(1u << TCPTIMER_LIMIT_RETRIES2 | 1u << TCPTIMER_LIMIT_ORPHAN_RETRIES |                     \
	 1u << TCPTIMER_LIMIT_USER_TIMEOUT)

/* Against a closed window the kernel counts none, and asks no callback. */
static bool is_retransmission(const struct tcptimer_engine_event *ev)
{
	return ev->timer == TCPTIMER_TIMER_RETRANS && ev->action == TCPTIMER_ACTION_RETRANSMITTED &&
	       !(ev->flags & TCPTIMER_EV_CLOSED_WINDOW);
}

bool policy_retries_end(const struct tcptimer_engine_event *events, size_t count, unsigned int max,
			struct tcptimer_deadline *ret)
{
	for (size_t i = 0; i < count; i++) {
		const struct tcptimer_engine_event *ev = &events[i];

		if (!is_retransmission(ev) || ev->n <= max)
			continue;
		*ret = (struct tcptimer_deadline){
			.timer = ev->timer,
			.cause = TCPTIMER_CAUSE_POLICY,
			.err = ETIMEDOUT,
			.reported = 1,
			.peer = TCPTIMER_PEER_SILENT,
			.limit_value = max,
			.n = ev->n - 1u,
			.at_min_jiffies = ev->at_min_jiffies,
			.at_max_jiffies = ev->at_max_jiffies,
			.at_ms = ev->at_ms,
			.at_min_ms = ev->at_min_ms,
			.at_max_ms = ev->at_max_ms,
		};
		return true;
	}
	return false;
}

/* A user_timeout that is never reached is set meanwhile: then the kernel does not ask tcp_retries2. */
static bool replaces_retries2(const struct tcptimer_snapshot *s)
{
	return !s->user_timeout_ms && !(s->flags & TCPTIMER_F_DEAD);
}

/* Only data that is in flight is counted, and only after the handshake. */
static bool counts_retries(const struct tcptimer_snapshot *s)
{
	return s->packets_out && s->state != TCPTIMER_STATE_SYN_SENT &&
	       s->state != TCPTIMER_STATE_SYN_RECV;
}

int policy_plan_deadline(const struct policy_kernel *kernel, const struct tcptimer_snapshot *s,
			 enum tcptimer_peer peer, unsigned int max_retries,
			 struct tcptimer_deadline *ret)
{
	struct tcptimer_engine_params params = { .hz = kernel->hz, .peer = peer };
	struct tcptimer_engine_event events[EVENTS_MAX];
	struct tcptimer_timeline timeline;
	struct tcptimer_deadline end;
	struct tcptimer_snapshot alone;
	int err;

	if (max_retries && counts_retries(s) && replaces_retries2(s))
		params.ignored_limits = 1u << TCPTIMER_LIMIT_RETRIES2;
	err = tcptimer_engine_deadline(kernel->profile, &params, s, ret);
	if ((err && err != TCPTIMER_ENGINE_ELONG) || !max_retries || !counts_retries(s))
		return err;
	/* with data in flight keepalive ends nothing, and would fill the room for events */
	alone = *s;
	alone.flags &= ~(TCPTIMER_F_KEEPOPEN | TCPTIMER_F_KEEP_PENDING | TCPTIMER_F_DELACK_PENDING);
	params.ignored_limits = OTHER_LIMITS;
	tcptimer_engine_timeline(kernel->profile, &params, &alone, events, EVENTS_MAX, &timeline);
	if (!policy_retries_end(events, timeline.count, max_retries, &end) ||
	    (!err && !ret->never && ret->at_max_jiffies <= end.at_max_jiffies))
		return err;
	end.peer = ret->peer;
	end.reported = !(s->flags & TCPTIMER_F_DEAD);
	if (s->err_soft)
		end.err = s->err_soft;
	*ret = end;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a record of the ring buffer means: what the kernel did, and why a connection ended.
 * Receives raw bytes; hands a checked event and its verdict (tcptimer/judge.h) to commands. Pure.
 */
#include <errno.h>
#include <string.h>
#include "conn.h"
#include "event.h"
#include "tcptimer/judge.h"

int event_decode(const void *data, size_t len, struct tcptimer_event *ret_event)
{
	struct tcptimer_event event; /* aligned, and no writer can change it while it is checked */

	if (!data || len != sizeof(event))
		return -EINVAL;
	memcpy(&event, data, sizeof(event));
	if (event.size != sizeof(event) || event.version != TCPTIMER_EVENT_VERSION)
		return -EINVAL;
	if (event.kind == TCPTIMER_EVENT_NONE || event.kind >= TCPTIMER_EVENT_COUNT)
		return -EINVAL;
	if (event.timer >= TCPTIMER_TIMER_COUNT || event.stall_timer >= TCPTIMER_TIMER_COUNT)
		return -EINVAL;
	if (event.old_state >= TCPTIMER_STATE_COUNT || event.before.state >= TCPTIMER_STATE_COUNT ||
	    event.after.state >= TCPTIMER_STATE_COUNT)
		return -EINVAL;
	if (event.after.kind > TCPTIMER_SOCK_REQUEST)
		return -EINVAL;
	*ret_event = event;
	return 0;
}

/* The write timer is one timer with five purposes: after a loss probe it runs on as retrans. */
static int64_t next_ms(const struct tcptimer_event *event, unsigned int hz)
{
	struct armed_timer timers[ARMED_MAX];
	unsigned int count = conn_timers(&event->after, hz, timers);

	for (unsigned int i = 0; i < count; i++)
		if (timers[i].timer == event->timer ||
		    (judge_is_write_timer(timers[i].timer) && judge_is_write_timer(event->timer)))
			return timers[i].expires_ms > 0 ? timers[i].expires_ms : 0;
	return -1;
}

void event_judge(const struct tcptimer_event *event, unsigned int hz,
		 struct event_verdict *ret_verdict)
{
	struct tcptimer_verdict verdict;
	int64_t next = next_ms(event, hz);

	tcptimer_judge(event, hz, next, &verdict);
	*ret_verdict = (struct event_verdict){ .action = verdict.action,
					       .cause = verdict.cause,
					       .limit = verdict.limit,
					       .n = verdict.n,
					       .err = verdict.err,
					       .next_ms = next };
}

const char *event_policy_limit(const struct tcptimer_event *event,
			       const struct event_verdict *verdict)
{
	if (verdict->cause != TCPTIMER_CAUSE_POLICY)
		return NULL;
	if (verdict->limit == TCPTIMER_CAUSE_USER_TIMEOUT &&
	    (event->after.policy & TCPTIMER_POLICY_LAST_RETRY))
		return "max_retries";
	return tcptimer_cause_name(verdict->limit);
}

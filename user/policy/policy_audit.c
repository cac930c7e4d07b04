// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mode audit: stalled connections that a rule would have ended, had it been enforced.
 * Receives decoded trace events and the time; hands each connection that outlived its moment. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include "policy/policy_audit.h"
#include "policy/policy_audit_table.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

struct policy_audit {
	struct policy_audit_options options;
	struct audit_table table;
	struct policy_audit_counters counters;
	uint64_t *rule_ended;
};

struct policy_audit *policy_audit_new(const struct policy_audit_options *options)
{
	struct policy_audit *audit = calloc(1, sizeof(*audit));
	uint32_t max = options->max;

	if (!audit)
		return NULL;
	audit->options = *options;
	audit->rule_ended = calloc(options->policy->count + 1, sizeof(*audit->rule_ended));
	if (!max || max > POLICY_AUDIT_MAX)
		max = POLICY_AUDIT_MAX;
	if (!audit->rule_ended || audit_table_init(&audit->table, max)) {
		policy_audit_free(audit);
		return NULL;
	}
	return audit;
}

void policy_audit_free(struct policy_audit *audit)
{
	if (!audit)
		return;
	audit_table_free(&audit->table);
	free(audit->rule_ended);
	free(audit);
}

/* ---- events */

static bool is_end(const struct tcptimer_event *event)
{
	switch (event->kind) {
	case TCPTIMER_EVENT_RECOVERED:
	case TCPTIMER_EVENT_ABORT:
	case TCPTIMER_EVENT_RESET:
	case TCPTIMER_EVENT_CLOSED:
		return true;
	default:
		return event->what &
		       (TCPTIMER_W_CLOSED | TCPTIMER_W_DESTROYED | TCPTIMER_W_TIMEWAIT);
	}
}

static bool is_stalled(const struct tcptimer_event *event)
{
	return event->stall_timer != TCPTIMER_TIMER_NONE && !(event->what & TCPTIMER_W_GONE);
}

/* When the peer's answer came, which is told later; else now. */
static uint64_t end_ns(const struct tcptimer_event *event)
{
	return event->kind == TCPTIMER_EVENT_RECOVERED && event->stall_end_ns ?
		       event->stall_end_ns :
		       event->time_ns;
}

/* Another connection at the address of one whose end was lost. */
static bool is_another(const struct audit_watch *w, const struct tcptimer_snapshot *s)
{
	return (w->snap.cookie && s->cookie && w->snap.cookie != s->cookie) ||
	       w->snap.remote_port != s->remote_port || w->snap.local_port != s->local_port;
}

/* Over before its moment: nothing to tell. After it: still to be handed on. */
static void watch_over(struct policy_audit *audit, struct audit_watch *w, uint64_t when_ns)
{
	if (w->told || w->end_ns > when_ns)
		audit_table_remove(&audit->table, w);
	else
		w->over = true;
}

/*
 * The moment has passed, and the connection's timer has fired since: from here on the snapshot is one
 * of a connection that would be no more. By the jiffy too: the tick need not be at a whole multiple.
 */
static bool has_passed(struct policy_audit *audit, struct audit_watch *w,
		       const struct tcptimer_event *event)
{
	if (w->told || event->time_ns >= w->end_ns)
		return true;
	if (event->after.now_jiffies < w->end_jiffies &&
	    (!w->max_retries || event->after.retransmits <= w->max_retries))
		return false;
	audit_table_set(&audit->table, w, event->time_ns);
	return true;
}

/* The rule that would end it, and when. False: none, or no sooner than the kernel does anyway. */
static bool foretell(const struct policy_audit *audit, const struct tcptimer_snapshot *s,
		     const char *cgroup, unsigned int direction, struct policy_plan *plan,
		     struct tcptimer_deadline *ret)
{
	const struct policy_kernel *kernel = &audit->options.kernel;
	enum tcptimer_peer peer = tcptimer_engine_peer(s);
	struct tcptimer_snapshot after = *s;
	struct tcptimer_deadline before;
	int err;

	policy_plan_make(audit->options.policy, kernel, s, cgroup, direction, NULL, plan);
	if (!plan->changes || (plan->mode != POLICY_AUDIT && !audit->options.all))
		return false;
	policy_plan_apply(plan, kernel, &after);
	if (policy_plan_deadline(kernel, &after, peer,
				 (unsigned int)plan->settings[POLICY_MAX_RETRIES].value, ret) ||
	    ret->never)
		return false;
	err = policy_plan_deadline(kernel, s, peer, 0, &before);
	return err || before.never || ret->at_max_jiffies < before.at_max_jiffies;
}

static void watch_set(struct policy_audit *audit, struct audit_watch *w,
		      const struct tcptimer_snapshot *s, const struct policy_plan *plan,
		      const struct tcptimer_deadline *deadline)
{
	uint64_t tick_ns = NSEC_PER_SEC / audit->options.kernel.hz;

	w->rule = (uint32_t)plan->index;
	w->max_retries = (uint8_t)plan->settings[POLICY_MAX_RETRIES].value;
	w->deadline = *deadline;
	w->snap = *s;
	w->end_jiffies = s->now_jiffies + deadline->at_max_jiffies;
	audit_table_set(&audit->table, w,
			s->now_ns - s->now_ns % tick_ns + deadline->at_max_jiffies * tick_ns);
}

static int watch_event(struct policy_audit *audit, struct audit_watch *w,
		       const struct tcptimer_event *event, const char *cgroup,
		       unsigned int direction)
{
	struct tcptimer_deadline deadline;
	struct policy_plan plan;
	bool dropped = false;

	if (!foretell(audit, &event->after, cgroup, direction, &plan, &deadline)) {
		if (w)
			audit_table_remove(&audit->table, w);
		return 0;
	}
	if (!w) {
		w = audit_table_add(&audit->table, event->after.sk, &dropped);
		audit->counters.dropped += dropped || !w;
	}
	if (!w)
		return -ENOMEM;
	watch_set(audit, w, &event->after, &plan, &deadline);
	return 0;
}

int policy_audit_event(struct policy_audit *audit, const struct tcptimer_event *event,
		       const char *cgroup, unsigned int direction)
{
	struct audit_watch *w = audit_table_find(&audit->table, event->after.sk);

	if (w && w->over) /* of the one before, which policy_audit_due() hands on first */
		return 0;
	if (w && !(event->what & TCPTIMER_W_GONE) && is_another(w, &event->after)) {
		audit_table_remove(&audit->table, w);
		w = NULL;
	}
	if (is_end(event)) {
		if (w)
			watch_over(audit, w, end_ns(event));
		return 0;
	}
	if (!is_stalled(event) || !event->after.sk)
		return 0;
	if (w && has_passed(audit, w, event)) {
		w->snap = event->after;
		return 0;
	}
	return watch_event(audit, w, event, cgroup, direction);
}

/* ---- moments */

uint64_t policy_audit_next_ns(const struct policy_audit *audit)
{
	const struct audit_watch *w = audit_table_first(&audit->table);

	return w ? w->end_ns : POLICY_AUDIT_NEVER;
}

unsigned int policy_audit_due(struct policy_audit *audit, uint64_t now_ns,
			      void (*fn)(const struct policy_audit_end *end, void *arg), void *arg)
{
	struct audit_watch *w;
	unsigned int count = 0;

	while ((w = audit_table_first(&audit->table)) && w->end_ns <= now_ns) {
		struct policy_audit_end end = {
			.rule = w->rule,
			.rule_name = audit->options.policy->rules[w->rule].name,
			.at_ns = w->end_ns,
			.deadline = w->deadline,
			.alive = !w->over,
			.snap = &w->snap,
		};

		audit->rule_ended[w->rule]++;
		audit->counters.would_have_ended++;
		count++;
		fn(&end, arg);
		w->told = true;
		audit_table_unset(&audit->table, w);
		if (w->over)
			audit_table_remove(&audit->table, w);
	}
	return count;
}

void policy_audit_counters(const struct policy_audit *audit, struct policy_audit_counters *ret)
{
	*ret = audit->counters;
	ret->watched = audit->table.count;
}

uint64_t policy_audit_rule_ended(const struct policy_audit *audit, size_t rule)
{
	return rule < audit->options.policy->count ? audit->rule_ended[rule] : 0;
}

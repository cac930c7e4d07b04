/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mode audit: stalled connections that a rule would have ended, had it been enforced.
 * Receives decoded trace events and the time; hands each connection that outlived its moment. Pure.
 *
 * Times are CLOCK_MONOTONIC in ns, as events have them. Functions do no I/O and look at no clock. What
 * a stall does not show is out of reach: keepalive that a rule would switch on sends no probes here.
 */
#ifndef TCPTIMER_POLICY_AUDIT_H
#define TCPTIMER_POLICY_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include "policy/policy_plan.h"
#include "tcptimer/event.h"

#define POLICY_AUDIT_MAX 65536 /* connections watched; beyond, the oldest goes and is counted */
#define POLICY_AUDIT_NEVER UINT64_MAX

struct policy_audit;

struct policy_audit_options {
	const struct policy *policy; /* borrowed until policy_audit_free() */
	struct policy_kernel kernel; /* the profile is borrowed likewise */
	bool all; /* rules of every mode are audited (`daemon --audit`), not only those of mode audit */
	uint32_t max; /* connections watched, 1..POLICY_AUDIT_MAX; 0: POLICY_AUDIT_MAX */
};

/* NULL: no memory. A policy that takes another's place takes a new one of these. */
struct policy_audit *policy_audit_new(const struct policy_audit_options *options);
void policy_audit_free(struct policy_audit *audit);

/*
 * An event from event_decode(), in the order of the ring; `cgroup` as cgroups_path() gives it, NULL:
 * unknown. `direction` is POLICY_CONNECT or POLICY_ACCEPT. 0, or -ENOMEM: this one is not watched.
 */
int policy_audit_event(struct policy_audit *audit, const struct tcptimer_event *event,
		       const char *cgroup, unsigned int direction);

/* When policy_audit_due() has something next; POLICY_AUDIT_NEVER: nothing. For a timer. */
uint64_t policy_audit_next_ns(const struct policy_audit *audit);

/* A connection that the rule would have ended. */
struct policy_audit_end {
	size_t rule;           /* its index */
	const char *rule_name; /* borrowed from the policy */
	uint64_t at_ns;        /* when it would have ended */
	struct tcptimer_deadline
		deadline; /* cause, errno, n; its times count from when it was foretold */
	bool alive;       /* it lives on and is stalled still, as far as events told */
	const struct tcptimer_snapshot *snap; /* at its last event; valid during the call */
};

/*
 * Hands every connection whose moment has passed, once a stall, the earliest first. Sweep for
 * recoveries and hand over the events of the ring before: a peer that answered in time is else not
 * known to have. Returns how many.
 */
unsigned int policy_audit_due(struct policy_audit *audit, uint64_t now_ns,
			      void (*fn)(const struct policy_audit_end *end, void *arg), void *arg);

struct policy_audit_counters {
	uint64_t watched;          /* now */
	uint64_t would_have_ended; /* handed by policy_audit_due() so far */
	uint64_t dropped;          /* let go of for want of room, or of memory */
};
void policy_audit_counters(const struct policy_audit *audit,
			   struct policy_audit_counters *ret_counters);
/* Of those handed, this rule's. 0 beyond the last rule. */
uint64_t policy_audit_rule_ended(const struct policy_audit *audit, size_t rule);

#endif

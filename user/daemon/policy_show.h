/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy in force as JSON: its rules and what they have done.
 * Receives a policy and its counters, from the daemon or from the pinned maps; hands a json-c object.
 */
#ifndef TCPTIMER_DAEMON_POLICY_SHOW_H
#define TCPTIMER_DAEMON_POLICY_SHOW_H

#include "daemon/load.h"
#include "tcptimer/policy_map.h"

struct json_object;

struct policy_shown {
	const struct loaded *loaded; /* NULL: not known */
	const char *digest;          /* with loaded */
	int pid;                     /* the daemon's; 0: none runs */
	bool attached;               /* something is pinned and in force */
	uint32_t generation;
	/* Of a rule by its index: 0 or a negative errno. */
	int (*counters)(void *arg, size_t rule, struct tcptimer_policy_counters *ret);
	void *arg;
};

/* The keys of contrib/schema/policy-show.schema.json. A new object; NULL: no memory. */
struct json_object *policy_show_json(const struct policy_shown *shown);
/* "digest", "source", "files", "applied_at", "audit" and "rule_count", for `status` as well. */
void policy_show_source(struct json_object *object, const struct loaded *loaded,
			const char *digest);
/* What may be no UTF-8. */
struct json_object *policy_show_raw(const char *raw);

#endif

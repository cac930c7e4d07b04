// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mode audit in the daemon: what rules that change nothing would have ended, and when.
 * Receives events from trace_watch.c; hands lines to the log, and sums to `status`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <json-c/json.h>
#include "daemon/audit_watch.h"
#include "kernel/kernel.h"
#include "policy/policy_audit.h"
#include "text.h"

struct audit_watch {
	struct daemon *d;
	void (*look)(void *arg);
	void *arg;
	sd_event_source *timer;
	struct policy_audit *audit; /* NULL: no rule is in mode audit */
	uint64_t at_ns;             /* that the timer is set for; POLICY_AUDIT_NEVER: off */
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void arm(struct audit_watch *a)
{
	uint64_t next = a->audit ? policy_audit_next_ns(a->audit) : POLICY_AUDIT_NEVER;

	if (next == a->at_ns)
		return;
	a->at_ns = next;
	if (next != POLICY_AUDIT_NEVER)
		sd_event_source_set_time(a->timer, next / 1000 + 1);
	sd_event_source_set_enabled(a->timer,
				    next == POLICY_AUDIT_NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static void tell(const struct policy_audit_end *end, void *arg)
{
	const struct tcptimer_snapshot *s = end->snap;
	const char *path = cgroups_path(s->cgroup_id);
	char local[64], remote[64], cgroup[512], time[40], number[24];
	const char *error = end->deadline.err ?
				    conn_errno(end->deadline.err, number, sizeof(number)) :
				    "no error";

	text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local));
	text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote));
	text_escape(path ? path : "?", cgroup, sizeof(cgroup));
	text_time((int64_t)end->at_ns + cli_realtime_offset_ns(), time, sizeof(time));
	const struct log_field fields[] = {
		{ "TCPTIMER_RULE", end->rule_name }, { "TCPTIMER_LOCAL", local },
		{ "TCPTIMER_REMOTE", remote },       { "TCPTIMER_CGROUP", cgroup },
		{ "TCPTIMER_ERRNO", error },         { "TCPTIMER_AUDIT", "1" },
	};

	log_line(LOG_SOURCE_AUDIT, LOG_NOTICE, fields, sizeof(fields) / sizeof(fields[0]),
		 "audit: rule '%s' would have ended %s -> %s of %s at %s (%s)%s", end->rule_name,
		 local, remote, cgroup, time, error, end->alive ? "; it lives on" : "");
}

static int on_moment(sd_event_source *source, uint64_t usec, void *arg)
{
	struct audit_watch *a = arg;

	a->at_ns = POLICY_AUDIT_NEVER;
	/* A peer that has answered in time is else not known to have. */
	a->look(a->arg);
	if (a->audit)
		policy_audit_due(a->audit, monotonic_ns(), tell, a);
	arm(a);
	return 0;
}

int audit_watch_new(struct daemon *d, void (*look)(void *arg), void *arg,
		    struct audit_watch **ret_watch)
{
	struct audit_watch *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	*a = (struct audit_watch){ d, look, arg, .at_ns = POLICY_AUDIT_NEVER };
	err = sd_event_add_time(d->event, &a->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_moment,
				a);
	if (err < 0) {
		free(a);
		return err;
	}
	sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
	audit_watch_policy(a);
	*ret_watch = a;
	return 0;
}

void audit_watch_forget(struct audit_watch *watch)
{
	if (!watch)
		return;
	policy_audit_free(watch->audit);
	watch->audit = NULL;
	arm(watch);
}

void audit_watch_free(struct audit_watch *watch)
{
	if (!watch)
		return;
	policy_audit_free(watch->audit);
	sd_event_source_disable_unref(watch->timer);
	free(watch);
}

void audit_watch_policy(struct audit_watch *watch)
{
	const struct policy *policy = &watch->d->running.policy;
	struct policy_audit_options options = {
		.policy = policy, .kernel = { &watch->d->names.profile, watch->d->names.hz }
	};
	bool any = false;

	audit_watch_forget(watch);
	for (size_t i = 0; i < policy->count; i++)
		any |= policy->rules[i].mode == POLICY_AUDIT;
	if (any)
		watch->audit = policy_audit_new(&options);
	if (any && !watch->audit)
		log_error("no memory for the audit: it is off");
}

/* The side that called connect(), which no snapshot tells: that for which the socket's rule matches. */
static unsigned int direction_of(const struct audit_watch *a, const struct conn *conn)
{
	const struct tcptimer_snapshot *s = conn->snap;
	const struct policy *policy = &a->d->running.policy;
	struct policy_socket socket = { .cgroup = conn->cgroup,
					.direction = POLICY_CONNECT,
					.family = s->family,
					.remote_port = s->remote_port,
					.local_port = s->local_port };
	int rule;

	if (s->kind == TCPTIMER_SOCK_REQUEST)
		return POLICY_ACCEPT;
	if (!conn->rule)
		return POLICY_CONNECT;
	memcpy(socket.remote_addr, s->remote_addr, sizeof(socket.remote_addr));
	memcpy(socket.local_addr, s->local_addr, sizeof(socket.local_addr));
	rule = policy_match(policy, &socket);
	return rule >= 0 && !strcmp(policy->rules[rule].name, conn->rule) ? POLICY_CONNECT :
									    POLICY_ACCEPT;
}

void audit_watch_event(struct audit_watch *watch, const struct tcptimer_event *event,
		       const struct conn *conn)
{
	if (!watch || !watch->audit)
		return;
	policy_audit_event(watch->audit, event, conn->cgroup, direction_of(watch, conn));
	arm(watch);
}

struct json_object *audit_watch_json(const struct audit_watch *watch)
{
	struct policy_audit_counters counters = {};
	struct json_object *o = json_object_new_object();

	if (watch && watch->audit)
		policy_audit_counters(watch->audit, &counters);
	json_object_object_add(o, "watched", json_object_new_int64((int64_t)counters.watched));
	json_object_object_add(o, "would_have_ended",
			       json_object_new_int64((int64_t)counters.would_have_ended));
	json_object_object_add(o, "dropped", json_object_new_int64((int64_t)counters.dropped));
	return o;
}

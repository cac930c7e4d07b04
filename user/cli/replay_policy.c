// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `replay --policy`: what a policy would have done to the connections of a recording.
 * Receives policy files, then snapshots and events; hands ends that a rule would have brought.
 */
#include <errno.h>
#include <stdlib.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "cli/replay_policy.h"
#include "policy/policy_yaml.h"
#include "text.h"

int replay_policy_file(const struct command *command, struct replay_policy *p, const char *path)
{
	if (p->file_count == REPLAY_FILES_MAX)
		return cli_usage(command, "more than %d policy files", REPLAY_FILES_MAX);
	p->files[p->file_count++] = path;
	p->given = true;
	return CLI_OK;
}

/* The first fault: `policy check` tells all of them. */
static int policy_fault(const struct policy_report *report)
{
	char safe[512];
	size_t i;

	for (i = 0; i < report->count; i++) {
		const struct policy_finding *f = &report->findings[i];

		if (f->severity == POLICY_ERROR)
			return cli_fail("%s:%u:%u: %s; `tcptimer policy check` tells all",
					text_escape(f->file, safe, sizeof(safe)), f->pos.line,
					f->pos.column, f->text);
	}
	return cli_fail("no memory for the policy");
}

int replay_policy_load(struct replay_policy *p, const struct tcptimer_recording_header *header)
{
	struct policy_report report = {};
	struct policy_audit_options options = { .policy = &p->policy, .all = true };
	int status = CLI_OK;
	size_t i;

	if (!p->given)
		return CLI_OK;
	for (i = 0; i < p->file_count; i++)
		policy_read_file(&p->policy, p->files[i], &report);
	if (report.errors || report.no_memory)
		status = policy_fault(&report);
	policy_report_free(&report);
	if (status)
		return status;
	p->kernel = (struct policy_kernel){ .profile = &header->profile, .hz = header->hz };
	options.kernel = p->kernel;
	p->taken = calloc(p->policy.count + 1, sizeof(*p->taken));
	p->audit = policy_audit_new(&options);
	return p->taken && p->audit ? CLI_OK : cli_fail("no memory for the policy");
}

static unsigned int policy_direction(const struct replay_policy *p, const struct conn *conn)
{
	return policy_listeners_direction(&p->listeners, conn->snap);
}

static void policy_sort(struct replay_policy *p)
{
	if (!p->sorted)
		policy_listeners_sort(&p->listeners);
	p->sorted = true;
}

/* Within a namespace listeners come before all others, and all namespaces before the first event. */
int replay_policy_snapshot(struct replay_policy *p, const struct conn *conn, bool counts)
{
	const struct tcptimer_snapshot *s = conn->snap;
	struct policy_plan plan;

	if (s->state == TCPTIMER_STATE_LISTEN) {
		p->sorted = false;
		return policy_listeners_add(&p->listeners, s);
	}
	policy_sort(p);
	if (!counts || s->kind != TCPTIMER_SOCK_FULL)
		return 0;
	p->connections++;
	policy_plan_make(&p->policy, &p->kernel, s, conn->cgroup, policy_direction(p, conn), NULL,
			 &plan);
	if (plan.rule)
		p->taken[plan.index]++;
	return 0;
}

int replay_policy_event(struct replay_policy *p, const struct tcptimer_event *event,
			const struct conn *conn)
{
	if (!p->given)
		return 0;
	policy_sort(p);
	return policy_audit_event(p->audit, event, conn->cgroup, policy_direction(p, conn));
}

const char *replay_policy_rule(const struct replay_policy *p, const struct conn *conn,
			       uint8_t *ret_mode)
{
	struct policy_plan plan;

	if (!p->given)
		return NULL;
	policy_plan_make(&p->policy, &p->kernel, conn->snap, conn->cgroup,
			 policy_direction(p, conn), NULL, &plan);
	*ret_mode = plan.mode;
	return plan.rule ? plan.rule->name : NULL;
}

/* ---- output */

/* Of a rule's limits the kernel has all but one as its own. */
const char *replay_policy_limit(enum tcptimer_cause cause)
{
	return cause == TCPTIMER_CAUSE_POLICY ? "max_retries" : tcptimer_cause_name(cause);
}

void replay_policy_text(const struct trace_out *out, const struct policy_audit_end *end)
{
	const struct tcptimer_snapshot *s = end->snap;
	char when[32], local[64], remote[64], rule[280];

	trace_out_clock(out, (int64_t)end->at_ns, when, sizeof(when));
	printf("%-12s  %-10s %-10s %-21s  %-21s %8s  rule %s would have ended it (%s)\n", when,
	       "would_end", "-",
	       text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local)),
	       text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote)),
	       "", text_escape(end->rule_name, rule, sizeof(rule)),
	       replay_policy_limit(end->deadline.cause));
}

void replay_policy_json(const struct trace_out *out, const struct policy_audit_end *end)
{
	struct json_object *o = json_object_new_object();
	char when[32];

	json_object_object_add(o, "time",
			       json_object_new_string(text_time(
				       (int64_t)end->at_ns + out->offset_ns, when, sizeof(when))));
	json_object_object_add(o, "event", json_object_new_string("would_end"));
	json_object_object_add(o, "netns", json_object_new_int64(end->snap->netns));
	conn_json_addresses(o, end->snap);
	json_object_object_add(o, "rule", conn_json_text(end->rule_name));
	json_object_object_add(o, "cause",
			       json_object_new_string(tcptimer_cause_name(end->deadline.cause)));
	conn_json_print(o, "", "\n");
}

void replay_policy_summary(const struct replay_policy *p, FILE *out)
{
	struct policy_audit_counters counters;
	char safe[280];
	size_t i;

	if (!p->given)
		return;
	for (i = 0; i < p->policy.count; i++)
		fprintf(out,
			"%-9s %s takes %llu of %llu connections at the start, would have ended %llu\n",
			i ? "" : "policy", text_escape(p->policy.rules[i].name, safe, sizeof(safe)),
			(unsigned long long)p->taken[i], (unsigned long long)p->connections,
			(unsigned long long)policy_audit_rule_ended(p->audit, i));
	policy_audit_counters(p->audit, &counters);
	if (counters.dropped)
		fprintf(out, "%-9s %llu stalled connections were not watched: too many\n", "",
			(unsigned long long)counters.dropped);
}

void replay_policy_free(struct replay_policy *p)
{
	policy_audit_free(p->audit);
	policy_listeners_free(&p->listeners);
	policy_free(&p->policy);
	free(p->taken);
}

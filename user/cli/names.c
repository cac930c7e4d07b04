// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a snapshot to a connection with its names.
 * Receives a snapshot and who holds which socket; hands a conn whose strings live till the next call.
 */
#include "cli/cli.h"
#include "deadline.h"
#include "kernel/kernel.h"
#include "kernel/profile.h"
#include "kernel/rules.h"

int names_init(struct names *names)
{
	int err;

	*names = (struct names){ .hz = probe_hz() };
	err = profile_running(&names->profile);
	if (err)
		return cli_fail("this kernel: %s", tcptimer_engine_strerror(err));
	return CLI_OK;
}

void names_fill_names(struct conn *conn, const struct tcptimer_snapshot *snap,
		      const struct names *names)
{
	const struct tcptimer_policy_rule *rule = rules_get(snap->policy);
	/* A request has no owner of its own: the listener's will be handed the connection. */
	bool request = snap->kind == TCPTIMER_SOCK_REQUEST;
	const struct owner *owner = request ? owners_find(names->owners, snap->listener_sk, 0) :
					      owners_find(names->owners, snap->sk, snap->cookie);

	*conn = (struct conn){
		.snap = snap,
		.cgroup = cgroups_path(snap->cgroup_id),
		.netns_name = netns_name(snap->netns),
		.hz = names->hz,
		.rule = rule && rule->name[0] ? rule->name : NULL,
	};
	if (rule && (rule->set & POLICY_BIT(POLICY_MAX_RETRIES)) && rule->mode != POLICY_AUDIT)
		conn->max_retries = (unsigned int)rule->value[POLICY_MAX_RETRIES];
	/* An orphan has none; an owner found under its address is the one that closed it. */
	if (owner && (request || !(snap->flags & TCPTIMER_F_DEAD))) {
		conn->comm = owner->comm;
		conn->pid = owner->pid;
		conn->owners = owner->processes;
		conn->pids = owner->pids;
	}
}

void names_fill(struct conn *conn, const struct tcptimer_snapshot *snap, const struct names *names)
{
	names_fill_names(conn, snap, names);
	deadline_fill(conn, &names->profile);
}

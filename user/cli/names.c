// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a snapshot to a connection with its names.
 * Receives a snapshot and who holds which socket; hands a conn whose strings live till the next call.
 */
#include "cli/cli.h"
#include "kernel/kernel.h"

void names_fill(struct conn *conn, const struct tcptimer_snapshot *snap, unsigned int hz,
		const struct owners *owners)
{
	/* A request has no owner of its own: the listener's will be handed the connection. */
	uint64_t sk = snap->kind == TCPTIMER_SOCK_REQUEST ? snap->listener_sk : snap->sk;
	const struct owner *owner = owners_find(owners, sk);

	*conn = (struct conn){
		.snap = snap,
		.cgroup = cgroups_path(snap->cgroup_id),
		.netns_name = netns_name(snap->netns),
		.hz = hz,
	};
	if (owner) {
		conn->comm = owner->comm;
		conn->pid = owner->pid;
		conn->owners = owner->processes;
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names of a recording: cgroups, namespaces, rules, owners.
 * Receives records of recording_read(); hands a connection its names. Pure.
 */
#include <stdlib.h>
#include <string.h>
#include "recording_names.h"

#define OVERHEAD 64 /* bytes of a kept name beside its own */

struct names_owner {
	struct tcptimer_recording_owner owner;
	size_t size;
	int pids[]; /* owner.processes of them, or none */
};

/* A copy of `size` bytes under that id. The earlier one's bytes are the caller's to subtract. */
static void *names_put(struct recording_names *names, struct idmap *map, uint64_t id,
		       const void *data, size_t size)
{
	void *copy = names->bytes + size + OVERHEAD <= RECORDING_NAMES_BYTES_MAX ? malloc(size) :
										   NULL;

	if (!copy || idmap_put(map, id, copy)) {
		free(copy);
		names->dropped++;
		return NULL;
	}
	memcpy(copy, data, size);
	names->bytes += size + OVERHEAD;
	return copy;
}

static void names_put_text(struct recording_names *names, struct idmap *map,
			   const struct recording_name *name)
{
	char *old = idmap_take(map, name->id);

	if (old)
		names->bytes -= strlen(old) + 1 + OVERHEAD;
	free(old);
	names_put(names, map, name->id, name->name, strlen(name->name) + 1);
}

static void names_put_owner(struct recording_names *names, const struct recording_owner *record)
{
	size_t pids = record->has_pids ? record->owner.processes : 0;
	struct names_owner *old = idmap_take(&names->owners, record->owner.sk);
	struct names_owner *kept;

	if (old)
		names->bytes -= old->size + OVERHEAD;
	free(old);
	kept = malloc(sizeof(*kept) + pids * sizeof(kept->pids[0]));
	if (!kept) {
		names->dropped++;
		return;
	}
	kept->owner = record->owner;
	kept->size = sizeof(*kept) + pids * sizeof(kept->pids[0]);
	memcpy(kept->pids, record->pids, pids * sizeof(kept->pids[0]));
	names_put(names, &names->owners, record->owner.sk, kept, kept->size);
	free(kept);
}

void recording_names_add(struct recording_names *names, const struct recording_record *record)
{
	switch (record->type) {
	case TCPTIMER_RECORDING_CGROUP:
		names_put_text(names, &names->cgroups, &record->name);
		break;
	case TCPTIMER_RECORDING_NETNS:
		names_put_text(names, &names->netns, &record->name);
		break;
	case TCPTIMER_RECORDING_RULE:
		names_put_text(names, &names->rules, &record->name);
		break;
	case TCPTIMER_RECORDING_OWNER:
		names_put_owner(names, &record->owner);
		break;
	default:
		break;
	}
}

/* As names_fill() of the commands: a request's owner is its listener's, an orphan has none. */
static const struct names_owner *names_owner(const struct recording_names *names,
					     const struct tcptimer_snapshot *s)
{
	bool request = s->kind == TCPTIMER_SOCK_REQUEST;
	const struct names_owner *o;

	if (!request && (s->flags & TCPTIMER_F_DEAD))
		return NULL;
	o = idmap_get(&names->owners, request ? s->listener_sk : s->sk);
	if (o && !request && s->cookie && o->owner.cookie && s->cookie != o->owner.cookie)
		return NULL; /* the address was another socket's */
	return o;
}

void recording_names_fill(const struct recording_names *names, const struct tcptimer_snapshot *snap,
			  unsigned int hz, struct conn *ret_conn)
{
	const struct names_owner *o = names_owner(names, snap);
	uint32_t rule = snap->policy & TCPTIMER_POLICY_RULE;

	*ret_conn = (struct conn){
		.snap = snap,
		.hz = hz,
		.cgroup = snap->cgroup_id ? idmap_get(&names->cgroups, snap->cgroup_id) : NULL,
		.netns_name = idmap_get(&names->netns, snap->netns),
		.rule = rule ? idmap_get(&names->rules, rule) : NULL,
	};
	if (!o)
		return;
	ret_conn->comm = o->owner.comm;
	ret_conn->pid = o->owner.pid;
	ret_conn->owners = o->owner.processes;
	ret_conn->pids = o->size > sizeof(*o) ? o->pids : NULL;
}

static void names_free(struct idmap *map)
{
	size_t i = 0;
	void *value;

	while ((value = idmap_next(map, &i)))
		free(value);
	idmap_free(map);
}

void recording_names_free(struct recording_names *names)
{
	names_free(&names->cgroups);
	names_free(&names->netns);
	names_free(&names->rules);
	names_free(&names->owners);
}

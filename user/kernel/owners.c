// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which process holds which TCP socket, by one pass of iter/task_file.
 * Receives owner records from bpf/snapshot.bpf.c; hands the first owner and the number of owners.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <linux/types.h>
#include "kernel/iter.h"
#include "kernel/kernel.h"
#include "bpf/owner.h"

struct owners_slot {
	uint64_t sk; /* 0: free */
	struct owner owner;
};

struct owners {
	struct owners_slot *slots;
	size_t mask; /* slots - 1; a power of two */
	size_t count;
};

static size_t owners_hash(const struct owners *o, uint64_t sk)
{
	return (size_t)((sk >> 6) * 0x9e3779b97f4a7c15ULL >> 20) & o->mask;
}

static struct owners_slot *owners_slot(const struct owners *o, uint64_t sk)
{
	size_t i = owners_hash(o, sk);

	while (o->slots[i].sk && o->slots[i].sk != sk)
		i = (i + 1) & o->mask;
	return &o->slots[i];
}

static int owners_grow(struct owners *o)
{
	struct owners bigger = { .mask = o->slots ? o->mask * 2 + 1 : 4095, .count = o->count };
	size_t i;

	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; o->slots && i <= o->mask; i++)
		if (o->slots[i].sk)
			*owners_slot(&bigger, o->slots[i].sk) = o->slots[i];
	free(o->slots);
	*o = bigger;
	return 0;
}

/* Another process that holds it: fork, or a descriptor passed on. */
static int owners_more(struct owner *owner, int pid)
{
	unsigned int i;
	int *pids;

	for (i = 0; i < owner->processes; i++)
		if ((owner->pids ? owner->pids[i] : owner->pid) == pid)
			return 0;
	pids = reallocarray(owner->pids, owner->processes + 1, sizeof(*pids));
	if (!pids)
		return -ENOMEM;
	if (!owner->pids)
		pids[0] = owner->pid;
	pids[owner->processes++] = pid;
	owner->pids = pids;
	return 0;
}

static int owners_add(const void *record, void *arg)
{
	const struct tcptimer_owner *rec = record;
	struct owners *o = arg;
	struct owners_slot *slot;

	if (!rec->sk)
		return 0;
	if ((!o->slots || o->count * 2 > o->mask) && owners_grow(o))
		return -ENOMEM;
	slot = owners_slot(o, rec->sk);
	if (!slot->sk) {
		slot->sk = rec->sk;
		slot->owner.cookie = rec->cookie;
		slot->owner.pid = (int)rec->pid;
		slot->owner.processes = 1;
		memcpy(slot->owner.comm, rec->comm, sizeof(slot->owner.comm));
		slot->owner.comm[sizeof(slot->owner.comm) - 1] = '\0';
		o->count++;
		return 0;
	}
	return owners_more(&slot->owner, (int)rec->pid);
}

int owners_load(struct bpf_program *program, struct owners **ret_owners)
{
	struct owners *o = calloc(1, sizeof(*o));
	struct bpf_link *link = NULL;
	int err = -ENOMEM;

	if (!o)
		return -ENOMEM;
	if (owners_grow(o))
		goto out;
	link = bpf_program__attach_iter(program, NULL);
	err = link ? iter_records(link, sizeof(struct tcptimer_owner), owners_add, o) : -errno;
out:
	bpf_link__destroy(link);
	if (err) {
		owners_free(o);
		return err;
	}
	*ret_owners = o;
	return 0;
}

const struct owner *owners_find(const struct owners *owners, uint64_t sk, uint64_t cookie)
{
	struct owners_slot *slot;

	if (!owners || !sk)
		return NULL;
	slot = owners_slot(owners, sk);
	if (!slot->sk || (cookie && slot->owner.cookie && cookie != slot->owner.cookie))
		return NULL;
	return &slot->owner;
}

void owners_free(struct owners *owners)
{
	size_t i;

	if (!owners)
		return;
	for (i = 0; owners->slots && i <= owners->mask; i++)
		free(owners->slots[i].owner.pids);
	free(owners->slots);
	free(owners);
}

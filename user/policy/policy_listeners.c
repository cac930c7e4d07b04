// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which existing sockets were accepted: the kernel keeps no note of it, the listener's port tells.
 * Receives snapshots of listeners, then of others; hands directions. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include "policy/policy.h"
#include "policy/policy_listeners.h"
#include "tcptimer/words.h"

static uint64_t port_key(const struct tcptimer_snapshot *s)
{
	return (uint64_t)s->netns << 16 | s->local_port;
}

int policy_listeners_add(struct policy_listeners *l, const struct tcptimer_snapshot *s)
{
	size_t room = l->room ? 2 * l->room : 64;
	uint64_t *ports;

	if (s->state != TCPTIMER_STATE_LISTEN)
		return 0;
	if (l->count == l->room) {
		ports = reallocarray(l->ports, room, sizeof(*ports));
		if (!ports)
			return -ENOMEM;
		l->ports = ports;
		l->room = room;
	}
	l->ports[l->count++] = port_key(s);
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

void policy_listeners_sort(struct policy_listeners *l)
{
	if (l->count)
		qsort(l->ports, l->count, sizeof(*l->ports), compare);
}

unsigned int policy_listeners_direction(const struct policy_listeners *l,
					const struct tcptimer_snapshot *s)
{
	uint64_t key = port_key(s);

	if (s->kind == TCPTIMER_SOCK_REQUEST || s->state == TCPTIMER_STATE_SYN_RECV)
		return POLICY_ACCEPT;
	if (s->state == TCPTIMER_STATE_SYN_SENT || !l->count)
		return POLICY_CONNECT;
	return bsearch(&key, l->ports, l->count, sizeof(key), compare) ? POLICY_ACCEPT :
									 POLICY_CONNECT;
}

void policy_listeners_free(struct policy_listeners *l)
{
	free(l->ports);
	*l = (struct policy_listeners){};
}

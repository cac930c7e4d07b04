/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which existing sockets were accepted: the kernel keeps no note of it, the listener's port tells.
 * Receives snapshots of listeners, then of others; hands directions. Pure.
 */
#ifndef TCPTIMER_POLICY_LISTENERS_H
#define TCPTIMER_POLICY_LISTENERS_H

#include <stddef.h>
#include <stdint.h>
#include "tcptimer/snapshot.h"

struct policy_listeners {
	uint64_t *ports; /* namespace << 16 | port, sorted by policy_listeners_sort() */
	size_t count, room;
};

/* Notes a listener; other sockets are passed over. 0 or -ENOMEM. */
int policy_listeners_add(struct policy_listeners *listeners, const struct tcptimer_snapshot *s);
/* After the last one was added, before the first is asked for. */
void policy_listeners_sort(struct policy_listeners *listeners);
/*
 * POLICY_ACCEPT: a listener of its namespace has its port, or it is a request or a fast-open child;
 * else, and while it sends SYNs, POLICY_CONNECT.
 */
unsigned int policy_listeners_direction(const struct policy_listeners *listeners,
					const struct tcptimer_snapshot *s);
void policy_listeners_free(struct policy_listeners *listeners);

#endif

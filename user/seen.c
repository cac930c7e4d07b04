// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which sockets were there a moment ago: a hash table of open addressing.
 * Receives connections; hands what was noted of one. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "seen.h"

#define SLOTS_FIRST 1024 /* a power of two */

static struct seen_socket *slot_of(const struct seen *seen, uint64_t sk, uint16_t local_port,
				   uint16_t remote_port)
{
	size_t i = (size_t)((sk >> 6) * 0x9e3779b97f4a7c15ULL >> 20) & seen->mask;

	while (seen->slots[i].sk &&
	       (seen->slots[i].sk != sk || seen->slots[i].local_port != local_port ||
		seen->slots[i].remote_port != remote_port))
		i = (i + 1) & seen->mask;
	return &seen->slots[i];
}

static int grow(struct seen *seen)
{
	struct seen bigger = { .mask = seen->slots ? seen->mask * 2 + 1 : SLOTS_FIRST - 1,
			       .count = seen->count };

	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; seen->slots && i <= seen->mask; i++) {
		const struct seen_socket *s = &seen->slots[i];

		if (s->sk)
			*slot_of(&bigger, s->sk, s->local_port, s->remote_port) = *s;
	}
	free(seen->slots);
	*seen = bigger;
	return 0;
}

int seen_add(struct seen *seen, const struct conn *conn, bool matched)
{
	const struct tcptimer_snapshot *snap = conn->snap;
	struct seen_socket *slot;

	if (!snap->sk)
		return 0;
	if ((!seen->slots || seen->count * 2 > seen->mask) && grow(seen))
		return -ENOMEM;
	slot = slot_of(seen, snap->sk, snap->local_port, snap->remote_port);
	seen->count += !slot->sk;
	*slot = (struct seen_socket){ .sk = snap->sk,
				      .local_port = snap->local_port,
				      .remote_port = snap->remote_port,
				      .matched = matched,
				      .pid = conn->pid };
	if (conn->comm)
		memcpy(slot->comm, conn->comm, strnlen(conn->comm, sizeof(slot->comm) - 1));
	return 0;
}

const struct seen_socket *seen_find(const struct seen *seen, uint64_t sk, uint16_t local_port,
				    uint16_t remote_port)
{
	const struct seen_socket *slot;

	if (!seen->slots)
		return NULL;
	slot = slot_of(seen, sk, local_port, remote_port);
	return slot->sk ? slot : NULL;
}

void seen_free(struct seen *seen)
{
	free(seen->slots);
	*seen = (struct seen){};
}

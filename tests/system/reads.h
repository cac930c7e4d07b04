/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stalled sockets of a namespace, read as `list --stalled` does it or by the iterator.
 * Receives which way; hands all snapshots at once. (struct netns of kernel.h is another than the tests'.)
 */
#ifndef TCPTIMER_TEST_READS_H
#define TCPTIMER_TEST_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tcptimer/snapshot.h"

struct reads {
	struct tcptimer_snapshot *snaps;
	size_t count;
	bool walked;          /* by walk.c, and not by the iterator */
	unsigned int visited; /* namespaces */
};

/* `netns`: an inode number, or NULL for all. Returns 0 or a negative errno. */
int reads_take(struct reads *ret_reads, bool unlocked, bool cookies, const char *netns);
/* How many have that address; *ret_snap is the first of them, or NULL. */
size_t reads_find(const struct reads *reads, uint64_t sk,
		  const struct tcptimer_snapshot **ret_snap);
void reads_free(struct reads *reads);

#endif

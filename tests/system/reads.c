// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives options for user/kernel/snapshots.c from a test.
 * Hands it what that one read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/kernel.h"
#include "reads.h"

static int reads_one(const struct tcptimer_snapshot *snap, void *arg)
{
	struct reads *reads = arg;
	struct tcptimer_snapshot *snaps =
		reallocarray(reads->snaps, reads->count + 1, sizeof(*snaps));

	if (!snaps)
		return -ENOMEM;
	reads->snaps = snaps;
	snaps[reads->count++] = *snap;
	return 0;
}

int reads_take(struct reads *ret_reads, bool unlocked, bool cookies, const char *netns)
{
	struct snapshot_options options = { .states = ~0U,
					    .stalled = true,
					    .unlocked = unlocked,
					    .cookies = cookies,
					    .netns = netns };
	struct snapshot_reader reader;
	int err;

	memset(ret_reads, 0, sizeof(*ret_reads));
	err = snapshots_open(&reader, &options);
	if (err)
		return err;
	ret_reads->walked = reader.walk;
	err = snapshots_read(&reader, reads_one, ret_reads);
	ret_reads->visited = reader.visited;
	snapshots_close(&reader);
	return err;
}

size_t reads_find(const struct reads *reads, uint64_t sk, const struct tcptimer_snapshot **ret_snap)
{
	size_t i, found = 0;

	*ret_snap = NULL;
	for (i = 0; i < reads->count; i++) {
		if (reads->snaps[i].sk != sk)
			continue;
		if (!found++)
			*ret_snap = &reads->snaps[i];
	}
	return found;
}

void reads_free(struct reads *reads)
{
	free(reads->snaps);
	reads->snaps = NULL;
	reads->count = 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every TCP socket of every network namespace, through iter/tcp.
 * Receives what to read; hands each socket's snapshot to a function.
 */
#include <errno.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "kernel/iter.h"
#include "kernel/kernel.h"
#include "kernel/loader.h"
#include "tcptimer.skel.h"

int snapshots_open(struct snapshot_reader *reader, const struct snapshot_options *options)
{
	struct tcptimer_bpf *bpf = loader_open();
	int err;

	memset(reader, 0, sizeof(*reader));
	reader->options = *options;
	if (!bpf)
		return -errno;
	bpf->rodata->cfg_states = options->states;
	bpf->rodata->cfg_family = (unsigned short)options->family;
	bpf->rodata->cfg_stalled = options->stalled;
	loader_want(bpf, "snapshot_tcp");
	if (options->owners)
		loader_want(bpf, "snapshot_owner");
	err = loader_load(bpf);
	if (err) {
		tcptimer_bpf__destroy(bpf);
		return err;
	}
	reader->bpf = bpf;
	return 0;
}

struct snapshots_run {
	struct snapshot_reader *reader;
	struct bpf_link *link;
	int (*fn)(const struct tcptimer_snapshot *snap, void *arg);
	void *arg;
};

static int snapshots_record(const void *record, void *arg)
{
	struct snapshots_run *run = arg;

	return run->fn(record, run->arg);
}

static int snapshots_netns(const struct netns *netns, void *arg)
{
	struct snapshots_run *run = arg;

	if (run->reader->options.netns && !netns_is(netns, run->reader->options.netns))
		return 0;
	run->reader->visited++;
	return iter_records(run->link, sizeof(struct tcptimer_snapshot), snapshots_record, run);
}

int snapshots_read(struct snapshot_reader *reader,
		   int (*fn)(const struct tcptimer_snapshot *snap, void *arg), void *arg)
{
	struct snapshots_run run = { .reader = reader, .fn = fn, .arg = arg };
	int err;

	reader->visited = 0;
	run.link = bpf_program__attach_iter(reader->bpf->progs.snapshot_tcp, NULL);
	if (!run.link)
		return -errno;
	err = netns_each(snapshots_netns, &run, &reader->skipped);
	bpf_link__destroy(run.link);
	return err;
}

void snapshots_close(struct snapshot_reader *reader)
{
	tcptimer_bpf__destroy(reader->bpf);
	reader->bpf = NULL;
}

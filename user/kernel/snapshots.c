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
#include "kernel/rules.h"
#include "snapshot.skel.h"

/* Of the maps of a policy only what it keeps with sockets is looked at: pinned, or else empty. */
static void snapshots_maps(struct snapshot_bpf *bpf)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, bpf->obj) if (map != bpf->maps.snapshot_scratch &&
						    map != bpf->maps.policy_sockets &&
						    map != bpf->maps.rodata)
		bpf_map__set_autocreate(map, false);
	rules_reuse(bpf->maps.policy_sockets);
}

int snapshots_open(struct snapshot_reader *reader, const struct snapshot_options *options)
{
	struct snapshot_bpf *bpf;
	int err;

	memset(reader, 0, sizeof(*reader));
	reader->options = *options;
	kernel_quiet_libbpf();
	bpf = snapshot_bpf__open();
	if (!bpf)
		return -errno;
	bpf->rodata->cfg_hz = probe_hz();
	bpf->rodata->cfg_states = options->states;
	bpf->rodata->cfg_family = (unsigned short)options->family;
	bpf->rodata->cfg_stalled = options->stalled;
	bpf_program__set_autoload(bpf->progs.snapshot_owner, options->owners);
	snapshots_maps(bpf);
	err = snapshot_bpf__load(bpf);
	if (err) {
		snapshot_bpf__destroy(bpf);
		return err;
	}
	reader->bpf = bpf;
	reader->owners = bpf->progs.snapshot_owner;
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
	snapshot_bpf__destroy(reader->bpf);
	reader->bpf = NULL;
}

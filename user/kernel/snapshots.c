// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every TCP socket of every network namespace, through iter/tcp.
 * Receives what to read; hands each socket's snapshot to a function.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "kernel/iter.h"
#include "kernel/kernel.h"
#include "kernel/loader.h"
#include "kernel/profile.h"
#include "kernel/rules.h"
#include "kernel/types.h"
#include "kernel/walk.h"
#include "snapshot.skel.h"

/* Of the maps of a policy only what it keeps with sockets is looked at: pinned, or else empty. */
static void snapshots_maps(struct snapshot_bpf *bpf)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, bpf->obj) if (map != bpf->maps.snapshot_scratch &&
						    map != bpf->maps.policy_sockets &&
						    map != bpf->maps.policy_slots &&
						    map != bpf->maps.rodata)
		bpf_map__set_autocreate(map, false);
	rules_reuse(bpf->maps.policy_sockets, bpf->maps.policy_slots);
}

/* ---- loading: libbpf would spend most of the time reading the kernel's types and looking in them ---- */

static struct types_function snapshots_targets[] = { { .name = "bpf_iter_tcp" },
						     { .name = "bpf_iter_task_file" } };

/* What libbpf does for "iter/TARGET", with the id that is known already. */
static int snapshots_prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const char *target = strchr(bpf_program__section_name(prog), '/') + 1;
	size_t i;
	int id = 0;

	for (i = 0; i < sizeof(snapshots_targets) / sizeof(snapshots_targets[0]); i++)
		if (!strcmp(snapshots_targets[i].name + strlen("bpf_iter_"), target))
			id = (int)snapshots_targets[i].ret_id;
	if (!id)
		id = libbpf_find_vmlinux_btf_id(target, BPF_TRACE_ITER);
	if (id < 0)
		return id;
	opts->attach_prog_fd = 0;
	opts->attach_btf_id = (uint32_t)id;
	return 0;
}

static int snapshots_handler(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = snapshots_prepare);
	static int handler;

	if (!handler)
		handler = libbpf_register_prog_handler("snapshot/", BPF_PROG_TYPE_TRACING,
						       BPF_TRACE_ITER, &opts);
	return handler < 0 ? handler : 0;
}

/* The types that the object names, into the file that libbpf takes them from. */
int snapshots_types(const struct bpf_object *obj, struct types_function *functions, size_t count,
		    int fd)
{
	struct btf *types;
	const void *raw;
	uint32_t size;
	int err = types_like(bpf_object__btf(obj), functions, count, &types);

	if (err)
		return err;
	profile_learn(types); /* the fields that it looks for are named by the programs as well */
	raw = btf__raw_data(types, &size);
	if (!raw || write(fd, raw, size) != (ssize_t)size)
		err = -EIO;
	btf__free(types);
	return err;
}

/* Not loaded yet; from here libbpf reads no types of the kernel. NULL: it has to. */
static struct snapshot_bpf *snapshots_open_light(int fd)
{
	char path[32];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = path);
	struct snapshot_bpf *bpf;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	bpf = snapshot_bpf__open_opts(&opts);
	if (!bpf)
		return NULL;
	/* With a target that is a program, whichever, libbpf leaves the kernel's types alone. */
	if (snapshots_types(bpf->obj, snapshots_targets,
			    sizeof(snapshots_targets) / sizeof(snapshots_targets[0]), fd) ||
	    bpf_program__set_attach_target(bpf->progs.snapshot_tcp, fd, NULL) ||
	    bpf_program__set_attach_target(bpf->progs.snapshot_owner, fd, NULL)) {
		snapshot_bpf__destroy(bpf);
		return NULL;
	}
	return bpf;
}

static int snapshots_load(struct snapshot_bpf *bpf, const struct snapshot_options *options)
{
	int err;

	bpf->rodata->cfg_hz = probe_hz();
	bpf->rodata->cfg_states = options->states;
	bpf->rodata->cfg_family = (unsigned short)options->family;
	bpf->rodata->cfg_stalled = options->stalled;
	bpf_program__set_autoload(bpf->progs.snapshot_owner, options->owners);
	snapshots_maps(bpf);
	err = snapshot_bpf__load(bpf);
	if (err)
		snapshot_bpf__destroy(bpf);
	return err;
}

static int snapshots_open_iterator(struct snapshot_reader *reader)
{
	const struct snapshot_options *options = &reader->options;
	struct snapshot_bpf *bpf = NULL;
	int fd, err;

	kernel_quiet_libbpf();
	err = snapshots_handler();
	if (err)
		return err;
	fd = memfd_create("tcptimer-types", MFD_CLOEXEC);
	if (fd >= 0) {
		bpf = snapshots_open_light(fd);
		if (bpf && snapshots_load(bpf, options))
			bpf = NULL;
		close(fd);
	}
	if (!bpf) {
		kernel_quiet_libbpf();
		bpf = snapshot_bpf__open();
		err = bpf ? snapshots_load(bpf, options) : -errno;
	}
	if (err)
		return err;
	reader->bpf = bpf;
	reader->owners = bpf->progs.snapshot_owner;
	return 0;
}

int snapshots_open(struct snapshot_reader *reader, const struct snapshot_options *options)
{
	memset(reader, 0, sizeof(*reader));
	reader->options = *options;
	if (options->stalled && options->unlocked && !options->owners &&
	    !walk_open(&reader->walk, options))
		return 0;
	return snapshots_open_iterator(reader);
}

struct snapshots_run {
	struct snapshot_reader *reader;
	const struct walk *left; /* only what it left out; NULL: everything */
	struct bpf_link *link;
	int (*fn)(const struct tcptimer_snapshot *snap, void *arg);
	void *arg;
};

static int snapshots_record(const void *record, void *arg)
{
	const struct tcptimer_snapshot *snap = record;
	struct snapshots_run *run = arg;

	return run->left && !walk_left(run->left, snap->sk) ? 0 : run->fn(snap, run->arg);
}

static int snapshots_netns(const struct netns *netns, void *arg)
{
	struct snapshots_run *run = arg;

	if (run->reader->options.netns && !netns_is(netns, run->reader->options.netns))
		return 0;
	if (run->left && !walk_left_in(run->left, netns->inum))
		return 0;
	run->reader->visited += !run->left;
	return iter_records(run->link, sizeof(struct tcptimer_snapshot), snapshots_record, run);
}

static int snapshots_iterate(struct snapshots_run *run, unsigned int *ret_skipped)
{
	int err;

	run->link = bpf_program__attach_iter(run->reader->bpf->progs.snapshot_tcp, NULL);
	if (!run->link)
		return -errno;
	err = netns_each(snapshots_netns, run, ret_skipped);
	bpf_link__destroy(run->link);
	return err;
}

/* By the walk, and by the iterator what had no cookie, which that one makes. */
static int snapshots_walk(struct snapshots_run *run)
{
	struct snapshot_reader *reader = run->reader;
	unsigned int skipped;
	int err;

	err = walk_read(reader->walk, run->fn, run->arg, &reader->visited, &reader->skipped);
	if (err || !walk_left_any(reader->walk))
		return err;
	if (!reader->bpf)
		err = snapshots_open_iterator(reader);
	run->left = reader->walk;
	return err ? err : snapshots_iterate(run, &skipped);
}

int snapshots_read(struct snapshot_reader *reader,
		   int (*fn)(const struct tcptimer_snapshot *snap, void *arg), void *arg)
{
	struct snapshots_run run = { .reader = reader, .fn = fn, .arg = arg };

	if (reader->walk)
		return snapshots_walk(&run);
	reader->visited = 0;
	return snapshots_iterate(&run, &reader->skipped);
}

void snapshots_close(struct snapshot_reader *reader)
{
	walk_close(reader->walk);
	reader->walk = NULL;
	snapshot_bpf__destroy(reader->bpf);
	reader->bpf = NULL;
}

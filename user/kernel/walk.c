// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of connections walked slice by slice, each distinct table once for all its namespaces.
 * Receives records from bpf/walk.bpf.c; hands those of namespaces that can be entered to a function.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bpf/walk.h"
#include "kernel/rules.h"
#include "kernel/types.h"
#include "kernel/walk.h"
#include "walk.skel.h"

#define WALK_STEPS 4096    /* sockets and buckets of a run, which is not preempted: some 0.3 ms */
#define WALK_PATIENCE 1000 /* runs that find a bucket still changing */

/* Numbers, sorted when they are looked up. */
struct walk_set {
	uint64_t *numbers;
	size_t count, room;
};

struct walk {
	struct walk_bpf *bpf;
	struct snapshot_options options;
	struct walk_state *state; /* the programs' maps */
	struct walk_record *records;
	struct walk_set visited;       /* namespaces, by inode number */
	struct walk_set left, left_in; /* without a cookie, and their namespaces */
	struct walk_set seen;          /* sockets of the bucket `seen_bucket`, unsorted */
	uint64_t seen_bucket;
	uint64_t shared, shared_mask; /* the table that namespaces have in common; 0: none yet */
	int (*fn)(const struct tcptimer_snapshot *snap, void *arg);
	void *arg;
};

/* ---- numbers ---- */

static int walk_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int walk_add(struct walk_set *set, uint64_t number)
{
	size_t room = set->room ? set->room * 2 : 64;
	uint64_t *numbers;

	if (set->count == set->room) {
		numbers = reallocarray(set->numbers, room, sizeof(*numbers));
		if (!numbers)
			return -ENOMEM;
		set->numbers = numbers;
		set->room = room;
	}
	set->numbers[set->count++] = number;
	return 0;
}

static void walk_sort(struct walk_set *set)
{
	if (set->count)
		qsort(set->numbers, set->count, sizeof(*set->numbers), walk_compare);
}

static bool walk_has(const struct walk_set *set, uint64_t number)
{
	return set->count &&
	       bsearch(&number, set->numbers, set->count, sizeof(number), walk_compare);
}

/* ---- loading ---- */

enum { WALK_RDONLY_CAST, WALK_TCP_SOCK, WALK_IDS };

static struct types_function walk_ids[WALK_IDS] = {
	[WALK_RDONLY_CAST] = { .name = "bpf_rdonly_cast" },
	[WALK_TCP_SOCK] = { .name = "tcp_sock", .is_struct = true },
};

/* The running kernel's numbers into a program that libbpf is about to load. */
static int walk_prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	struct bpf_insn *insn = (struct bpf_insn *)bpf_program__insns(prog);
	struct bpf_insn *end = insn + bpf_program__insn_cnt(prog);

	for (; insn < end; insn++) {
		if (insn->code == (BPF_JMP | BPF_CALL) && insn->imm == WALK_CAST_CALL) {
			insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
			insn->imm = (int32_t)walk_ids[WALK_RDONLY_CAST].ret_id;
		} else if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_K) &&
			   insn->imm == WALK_CAST_TYPE) {
			insn->imm = (int32_t)walk_ids[WALK_TCP_SOCK].ret_id;
		}
	}
	return 0;
}

static int walk_handler(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = walk_prepare);
	static int handler;

	if (!handler)
		handler = libbpf_register_prog_handler("walk/", BPF_PROG_TYPE_RAW_TRACEPOINT, 0,
						       &opts);
	return handler < 0 ? handler : 0;
}

static struct walk_bpf *walk_load(const struct snapshot_options *options, int fd)
{
	char path[32];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = path);
	struct walk_bpf *bpf;
	struct bpf_map *map;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	bpf = walk_bpf__open_opts(&opts);
	if (!bpf)
		return NULL;
	bpf->rodata->cfg_hz = probe_hz();
	bpf->rodata->cfg_states = options->states;
	bpf->rodata->cfg_family = (unsigned short)options->family;
	/* Of the maps of a policy only what it keeps with sockets is looked at: pinned, or else empty. */
	bpf_object__for_each_map(map, bpf->obj) if (!strncmp(bpf_map__name(map), "policy_", 7) &&
						    map != bpf->maps.policy_sockets &&
						    map != bpf->maps.policy_slots)
		bpf_map__set_autocreate(map, false);
	rules_reuse(bpf->maps.policy_sockets, bpf->maps.policy_slots);
	if (snapshots_types(bpf->obj, walk_ids, WALK_IDS, fd) ||
	    !walk_ids[WALK_RDONLY_CAST].ret_id || !walk_ids[WALK_TCP_SOCK].ret_id ||
	    walk_bpf__load(bpf)) {
		walk_bpf__destroy(bpf);
		return NULL;
	}
	return bpf;
}

static size_t walk_bytes(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = ((bpf_map__value_size(map) + 7UL) & ~7UL) * bpf_map__max_entries(map);

	return (size + page - 1) & ~(page - 1);
}

static void *walk_map(const struct bpf_map *map)
{
	void *data = mmap(NULL, walk_bytes(map), PROT_READ | PROT_WRITE, MAP_SHARED,
			  bpf_map__fd(map), 0);

	return data == MAP_FAILED ? NULL : data;
}

/* The namespace's table, into the state. */
static int walk_look(struct walk *walk)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(walk->bpf->progs.walk_look), &opts);

	return !err && !walk->state->table ? -ENOENT : err;
}

int walk_open(struct walk **ret_walk, const struct snapshot_options *options)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int fd, err = -ENOTSUP;

	if (!walk)
		return -ENOMEM;
	walk->options = *options;
	kernel_quiet_libbpf();
	fd = walk_handler() ? -1 : memfd_create("tcptimer-types", MFD_CLOEXEC);
	if (fd >= 0) {
		walk->bpf = walk_load(options, fd);
		close(fd);
	}
	if (walk->bpf) {
		walk->state = walk_map(walk->bpf->maps.walk_state);
		walk->records = walk_map(walk->bpf->maps.walk_records);
		err = walk->state && walk->records ? walk_look(walk) : -ENOMEM;
	}
	if (err)
		walk_close(walk);
	else
		*ret_walk = walk;
	return err;
}

void walk_close(struct walk *walk)
{
	if (!walk)
		return;
	if (walk->state)
		munmap(walk->state, walk_bytes(walk->bpf->maps.walk_state));
	if (walk->records)
		munmap(walk->records, walk_bytes(walk->bpf->maps.walk_records));
	walk_bpf__destroy(walk->bpf);
	free(walk->visited.numbers);
	free(walk->left.numbers);
	free(walk->left_in.numbers);
	free(walk->seen.numbers);
	free(walk);
}

/* ---- records ---- */

/* A socket that moved within its chain is there twice, and a bucket may be begun anew. */
static int walk_is_new(struct walk *walk, uint64_t bucket, uint64_t sk)
{
	size_t i;

	if (bucket != walk->seen_bucket)
		walk->seen.count = 0;
	walk->seen_bucket = bucket;
	for (i = 0; i < walk->seen.count; i++)
		if (walk->seen.numbers[i] == sk)
			return 0;
	return walk_add(&walk->seen, sk) ?: 1;
}

static int walk_leave(struct walk *walk, const struct tcptimer_snapshot *snap)
{
	struct walk_set *in = &walk->left_in;
	int err = walk_add(&walk->left, snap->sk);

	if (!err && (!in->count || in->numbers[in->count - 1] != snap->netns))
		err = walk_add(in, snap->netns);
	return err;
}

static int walk_record(struct walk *walk, const struct walk_record *record)
{
	const struct tcptimer_snapshot *snap = &record->snapshot;
	int new;

	/* Nobody is in its namespace, or another one was asked for. */
	if (!walk_has(&walk->visited, snap->netns))
		return 0;
	new = walk_is_new(walk, record->bucket, snap->sk);
	if (new <= 0)
		return new;
	if (!snap->cookie && walk->options.cookies)
		return walk_leave(walk, snap);
	return walk->fn(snap, walk->arg);
}

/* ---- the walk ---- */

/* A slice of the table: its records, and where to go on. */
static int walk_slice(struct walk *walk)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct walk_state *w = walk->state;
	int err = bpf_prog_test_run_opts(bpf_program__fd(walk->bpf->progs.walk_table), &opts);
	uint32_t i;

	for (i = 0; !err && i < w->count && i < WALK_ROOM; i++)
		err = walk_record(walk, &walk->records[i]);
	w->after = 0;
	if (w->end == WALK_FULL && w->count)
		w->after = walk->records[w->count - 1].snapshot.sk;
	return err;
}

static int walk_table(struct walk *walk, uint64_t table, uint64_t mask)
{
	struct walk_state *w = walk->state;
	unsigned int tries = 0;
	int err = 0;

	w->table = table;
	w->mask = mask;
	w->bucket = 0;
	w->after = 0;
	w->steps = WALK_STEPS;
	walk->seen_bucket = ~0ULL;
	while (!err && w->bucket <= mask) {
		uint32_t bucket = w->bucket;

		err = walk_slice(walk);
		tries = w->bucket == bucket && w->end != WALK_FULL ? tries + 1 : 0;
		if (tries > WALK_PATIENCE)
			err = -EAGAIN;
	}
	return err;
}

static int walk_netns(const struct netns *netns, void *arg)
{
	struct walk *walk = arg;
	int err;

	if (walk->options.netns && !netns_is(netns, walk->options.netns))
		return 0;
	/* They come in the order of these numbers. */
	err = walk_add(&walk->visited, netns->inum);
	if (!err)
		err = walk_look(walk);
	if (err)
		return err;
	/* A table of its own is there for as long as the namespace, which is entered now. */
	if (walk->state->own)
		return walk_table(walk, walk->state->table, walk->state->mask);
	walk->shared = walk->state->table;
	walk->shared_mask = walk->state->mask;
	return 0;
}

int walk_read(struct walk *walk, int (*fn)(const struct tcptimer_snapshot *snap, void *arg),
	      void *arg, unsigned int *ret_visited, unsigned int *ret_skipped)
{
	int err;

	walk->fn = fn;
	walk->arg = arg;
	walk->visited.count = walk->left.count = walk->left_in.count = 0;
	walk->shared = 0;
	err = netns_each(walk_netns, walk, ret_skipped);
	if (!err && walk->shared)
		err = walk_table(walk, walk->shared, walk->shared_mask);
	*ret_visited = (unsigned int)walk->visited.count;
	walk_sort(&walk->left);
	walk_sort(&walk->left_in);
	return err;
}

bool walk_left_any(const struct walk *walk)
{
	return walk->left.count;
}

bool walk_left(const struct walk *walk, uint64_t sk)
{
	return walk_has(&walk->left, sk);
}

bool walk_left_in(const struct walk *walk, uint64_t inum)
{
	return walk_has(&walk->left_in, inum);
}

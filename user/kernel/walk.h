/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stalled sockets without an iterator, which would lock every healthy one too: for snapshots.c.
 * Receives what to read; hands each stalled socket's snapshot to a function.
 */
#ifndef TCPTIMER_KERNEL_WALK_H
#define TCPTIMER_KERNEL_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/kernel.h"

struct bpf_object;
struct types_function;
struct walk;

/* Negative when this kernel can't (before 6.2): the iterator can. */
int walk_open(struct walk **ret_walk, const struct snapshot_options *options);
/*
 * As snapshots_read(), but for the order: all namespaces that share a table come mixed. -EAGAIN: a chain
 * that never stood still. Left out with options.cookies: sockets that have no cookie yet, which takes a
 * lock to make; walk_left() is true for their addresses, walk_left_in() for their namespaces.
 */
int walk_read(struct walk *walk, int (*fn)(const struct tcptimer_snapshot *snap, void *arg),
	      void *arg, unsigned int *ret_visited, unsigned int *ret_skipped);
bool walk_left_any(const struct walk *walk);
bool walk_left(const struct walk *walk, uint64_t sk);
bool walk_left_in(const struct walk *walk, uint64_t inum);
void walk_close(struct walk *walk);

/*
 * In snapshots.c: the kernel's types that the object names, into the file that libbpf reads them from.
 * Fills in `functions`.
 */
int snapshots_types(const struct bpf_object *obj, struct types_function *functions, size_t count,
		    int fd);

#endif

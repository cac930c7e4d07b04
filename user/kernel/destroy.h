/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ending connections by their cookies, in whatever namespace they are.
 * Receives snapshots that a command has chosen; hands what became of each.
 */
#ifndef TCPTIMER_KERNEL_DESTROY_H
#define TCPTIMER_KERNEL_DESTROY_H

#include <stddef.h>
#include "tcptimer/snapshot.h"

struct destroy_target {
	struct tcptimer_snapshot
		snap; /* with its cookie: another socket in its place is left alone */
	int err; /* 0: destroyed; -ENOENT: gone before; else why it lives on; 1: not tried yet */
};

#define DESTROY_TARGETS_MAX 65536

/*
 * Destroys them by bpf_sock_destroy() (6.5), and what that does not reach by SOCK_DIAG_DESTROY. Each
 * err is filled in. 0, or a negative errno when nothing could be tried.
 */
int destroy_sockets(struct destroy_target *targets, size_t count);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Throwaway cgroups (version 2, wherever it is mounted), and a black hole that can be put over one.
 * Receives names from tests; the harness removes what a test leaves behind.
 */
#ifndef TCPTIMER_TEST_CGROUP_H
#define TCPTIMER_TEST_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct cgroup {
	char path[PATH_MAX]; /* in the file system */
	const char *name;    /* the part below the mount: what /proc/PID/cgroup shows */
};

/* The mount point; mounted privately when this host has none. */
const char *cgroup_mount(void);
/* A new one, unique; `leaf` (or NULL) is made below it, any bytes except '/' and '\n'. */
void cgroup_new(struct cgroup *ret_cgroup, const char *leaf);
/* The calling process goes in: its later sockets belong there. */
void cgroup_join(const struct cgroup *cgroup);
/* Remove those made by that process, and with 0 all whose maker is gone. */
void cgroup_remove(pid_t maker);

/* A cgroup_skb/ingress program: packets to the cgroup's sockets vanish while it is on. */
struct black_hole {
	int map_fd;
	int prog_fd;
	int link_fd;
};

/* Attached, off; goes away with the process. */
void black_hole_attach(struct black_hole *ret_hole, const struct cgroup *cgroup);
void black_hole_set(const struct black_hole *hole, bool on);

#endif

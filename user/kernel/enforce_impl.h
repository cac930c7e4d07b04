/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the enforce_*.c files share.
 * Receives nothing; hands the state of an open enforcement from one file to the next.
 */
#ifndef TCPTIMER_KERNEL_ENFORCE_IMPL_H
#define TCPTIMER_KERNEL_ENFORCE_IMPL_H

#include "kernel/enforce.h"

struct bpf_link;
struct bpf_map;
struct bpf_program;
struct ring_buffer;
struct policy_bpf;

enum { ENFORCE_SOCKOPS, ENFORCE_SETSOCKOPT, ENFORCE_LINKS };
enum {
	ENFORCE_CONTROL = 0,
	ENFORCE_SOCKETS = 4,
	ENFORCE_SLOTS = 7,
	ENFORCE_MAPS = 8
}; /* enforce_map() */

struct enforce {
	char pin_dir[256];
	char cgroup_dir[4352]; /* the directory that the programs are attached to */
	char cgroup[4096];     /* the same, below the mount: "/" or "/a" */
	int cgroup_fd;
	struct policy_bpf *bpf;
	struct bpf_link *links[ENFORCE_LINKS];
	bool links_pending; /* pinned maps don't fit: links change with the first policy */
	bool adopted;
	bool sockets_kept; /* with other maps: what is known of sockets was taken over */
	struct bpf_link *iter;
	struct bpf_link *cgroup_links[3];
	struct ring_buffer *ring;
	struct tcptimer_policy_control *control; /* mapped */
	struct policy *policy; /* a copy of the one in force; NULL: none given yet */
	uint64_t cgroups;
	uint64_t cgroup_lost_seen;
	bool cgroup_rewalk;
	unsigned int cpus;
};

/* Sets enforce_error(). Returns err. */
int enforce_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- enforce_pins.c ---- */

/* "map_control" and so on: the pinned maps of the object, in order. */
struct bpf_map *enforce_map(struct policy_bpf *bpf, unsigned int i, const char **ret_name);
struct bpf_program *enforce_program(struct policy_bpf *bpf, unsigned int i,
				    const char **ret_link_name);
/* Checks what has to be mounted; makes the directory. */
int enforce_pins_prepare(struct enforce *e, const struct enforce_options *options, bool make);
/* Takes pinned maps of the same layout into the object that is to be loaded. */
bool enforce_pins_reuse(struct enforce *e);
int enforce_pins_maps(struct enforce *e);
/* Attaches, or gives the pinned links the new programs; pins them. */
int enforce_pins_links(struct enforce *e);
/* A link or map is pinned there. */
bool enforce_pins_any(const struct enforce *e);
/* Detaches the programs; what is known of sockets stays. */
int enforce_pins_detach(struct enforce *e);
/* Detaches and removes everything. */
int enforce_pins_remove(struct enforce *e);

/* ---- enforce_cgroups.c ---- */

/* For ring_buffer__new(). */
int enforce_cgroup_event(void *arg, void *data, size_t size);
/* Masks of every cgroup for `policy` in `bank`; the other bank's stay. */
int enforce_cgroups_walk(struct enforce *e, const struct policy *policy, unsigned int bank);

#endif

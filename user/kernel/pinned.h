/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy in force, read from its pinned maps without touching it: for when no daemon runs.
 * Receives the directory of the pins; hands the source and counters. Needs root.
 */
#ifndef TCPTIMER_KERNEL_PINNED_H
#define TCPTIMER_KERNEL_PINNED_H

#include <stddef.h>
#include "tcptimer/policy_map.h"

struct pinned {
	struct tcptimer_policy_control control;
	void *source; /* malloc()ed; NULL: none */
	size_t source_size;
	int counters_fd;
};

/*
 * A descriptor of a pinned map whose values are of that size: another one would overrun what they are
 * read into. -ENOENT, -EPROTO: of another size, -errno.
 */
int pinned_map(const char *dir, const char *name, size_t value_size);
/* A rule's counters in a bank, summed over CPUs. 0 or -errno. */
int pinned_sum(int counters_fd, unsigned int bank, size_t rule,
	       struct tcptimer_policy_counters *ret);

/* 0; -ENOENT: nothing is pinned there; -EPROTO: maps of another layout; -errno. */
int pinned_open(const char *pin_dir, struct pinned *ret);
/* Summed over CPUs; `rule` is an index of the policy in force. */
int pinned_counters(const struct pinned *pinned, size_t rule, struct tcptimer_policy_counters *ret);
void pinned_close(struct pinned *pinned);

#endif

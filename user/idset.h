/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of 64-bit ids with an upper bound: what was told before.
 * Receives ids; hands whether one is new. Pure.
 */
#ifndef TCPTIMER_IDSET_H
#define TCPTIMER_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDSET_MAX (1U << 20) /* ids remembered; with one more, all are forgotten */

struct idset {
	uint64_t *slots; /* open addressing, at most half full; 0: free */
	size_t mask, count;
};

/* True: the id was not in the set (or was forgotten, or memory is short). */
bool idset_add(struct idset *set, uint64_t id);
void idset_free(struct idset *set);

#endif

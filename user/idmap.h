/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A map from 64-bit ids to pointers.
 * Receives ids and pointers, which stay the caller's; hands the pointers back. Pure.
 */
#ifndef TCPTIMER_IDMAP_H
#define TCPTIMER_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t id;
	void *value; /* NULL: free */
};

struct idmap {
	struct idmap_slot *slots; /* open addressing, at most half full */
	size_t mask, count;
};

/* The value of that id, or NULL. */
void *idmap_get(const struct idmap *map, uint64_t id);
/* Sets it; `value` is not NULL. 0 or -ENOMEM. */
int idmap_put(struct idmap *map, uint64_t id, void *value);
/* Removes it; returns what it was, or NULL. */
void *idmap_take(struct idmap *map, uint64_t id);
/* The values one by one: *index begins at 0. NULL at the end. Nothing may be removed meanwhile. */
void *idmap_next(const struct idmap *map, size_t *index);
/* Not the values. */
void idmap_free(struct idmap *map);

#endif

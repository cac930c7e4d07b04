// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set of 64-bit ids with an upper bound: what was told before.
 * Receives ids; hands whether one is new. Pure.
 */
#include <stdlib.h>
#include <string.h>
#include "idset.h"

#define IDSET_FIRST 256

static uint64_t *idset_slot(const struct idset *set, uint64_t id)
{
	size_t i = (size_t)(id * 0x9e3779b97f4a7c15ULL >> 20) & set->mask;

	while (set->slots[i] && set->slots[i] != id)
		i = (i + 1) & set->mask;
	return &set->slots[i];
}

static bool idset_grow(struct idset *set)
{
	struct idset bigger = { .mask = set->slots ? set->mask * 2 + 1 : IDSET_FIRST - 1,
				.count = set->count };
	size_t i;

	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (i = 0; set->slots && i <= set->mask; i++)
		if (set->slots[i])
			*idset_slot(&bigger, set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = bigger;
	return true;
}

bool idset_add(struct idset *set, uint64_t id)
{
	uint64_t *slot;

	id = id ? id : 1;
	if (set->count == IDSET_MAX) {
		memset(set->slots, 0, (set->mask + 1) * sizeof(*set->slots));
		set->count = 0;
	}
	if ((!set->slots || set->count * 2 > set->mask) && !idset_grow(set))
		return true;
	slot = idset_slot(set, id);
	if (*slot)
		return false;
	*slot = id;
	set->count++;
	return true;
}

void idset_free(struct idset *set)
{
	free(set->slots);
	*set = (struct idset){};
}

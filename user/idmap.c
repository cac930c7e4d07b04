// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A map from 64-bit ids to pointers.
 * Receives ids and pointers, which stay the caller's; hands the pointers back. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include "idmap.h"

#define IDMAP_FIRST 256

static size_t idmap_home(const struct idmap *map, uint64_t id)
{
	return (size_t)((id ^ id >> 32) * 0x9e3779b97f4a7c15ULL >> 20) & map->mask;
}

static struct idmap_slot *idmap_slot(const struct idmap *map, uint64_t id)
{
	size_t i = idmap_home(map, id);

	while (map->slots[i].value && map->slots[i].id != id)
		i = (i + 1) & map->mask;
	return &map->slots[i];
}

static int idmap_grow(struct idmap *map)
{
	struct idmap bigger = { .mask = map->slots ? map->mask * 2 + 1 : IDMAP_FIRST - 1,
				.count = map->count };
	size_t i;

	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; map->slots && i <= map->mask; i++)
		if (map->slots[i].value)
			*idmap_slot(&bigger, map->slots[i].id) = map->slots[i];
	free(map->slots);
	*map = bigger;
	return 0;
}

void *idmap_get(const struct idmap *map, uint64_t id)
{
	return map->slots ? idmap_slot(map, id)->value : NULL;
}

int idmap_put(struct idmap *map, uint64_t id, void *value)
{
	struct idmap_slot *slot;

	if ((!map->slots || map->count * 2 > map->mask) && idmap_grow(map))
		return -ENOMEM;
	slot = idmap_slot(map, id);
	map->count += !slot->value;
	slot->id = id;
	slot->value = value;
	return 0;
}

void *idmap_take(struct idmap *map, uint64_t id)
{
	struct idmap_slot *slot = map->slots ? idmap_slot(map, id) : NULL;
	void *value = slot ? slot->value : NULL;
	size_t hole, i;

	if (!value)
		return NULL;
	map->count--;
	hole = i = (size_t)(slot - map->slots);
	/* Close the gap: move up what would no longer be found behind it. */
	for (;;) {
		size_t home;

		map->slots[hole].value = NULL;
		do {
			i = (i + 1) & map->mask;
			if (!map->slots[i].value)
				return value;
			home = idmap_home(map, map->slots[i].id);
		} while (((i - home) & map->mask) < ((i - hole) & map->mask));
		map->slots[hole] = map->slots[i];
		hole = i;
	}
}

void *idmap_next(const struct idmap *map, size_t *index)
{
	while (map->slots && *index <= map->mask) {
		void *value = map->slots[(*index)++].value;

		if (value)
			return value;
	}
	return NULL;
}

void idmap_free(struct idmap *map)
{
	free(map->slots);
	*map = (struct idmap){};
}

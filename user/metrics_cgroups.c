// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which cgroups have a series of their own: a bounded number, and the rest together.
 * Receives the cgroups of stalled sockets, round by round; hands labels and counts. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "metrics_cgroups.h"
#include "metrics_text.h"

#define SLOTS_FIRST 1024
/* Of one round; sockets of more cgroups than these are counted together at once. */
#define ROWS_MAX (1U << 18)

int metrics_cgroups_init(struct metrics_cgroups *cgroups, size_t max)
{
	*cgroups = (struct metrics_cgroups){ .max = max, .mask = SLOTS_FIRST - 1 };
	cgroups->slots = calloc(SLOTS_FIRST, sizeof(*cgroups->slots));
	return cgroups->slots ? 0 : -ENOMEM;
}

void metrics_cgroups_free(struct metrics_cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		free(cgroups->rows[i].label);
	free(cgroups->rows);
	free(cgroups->slots);
	*cgroups = (struct metrics_cgroups){};
}

/* FNV-1a */
static uint64_t hash_of(const char *label)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *label; label++)
		hash = (hash ^ (unsigned char)*label) * UINT64_C(1099511628211);
	return hash ^ hash >> 32;
}

static size_t *slot_of(const struct metrics_cgroups *c, const char *label)
{
	size_t i = hash_of(label) & c->mask;

	while (c->slots[i] && strcmp(c->rows[c->slots[i] - 1].label, label))
		i = (i + 1) & c->mask;
	return &c->slots[i];
}

static void index_rows(struct metrics_cgroups *c)
{
	memset(c->slots, 0, (c->mask + 1) * sizeof(*c->slots));
	for (size_t i = 0; i < c->count; i++)
		*slot_of(c, c->rows[i].label) = i + 1;
}

static int grow(struct metrics_cgroups *c)
{
	size_t room = c->room ? c->room * 2 : SLOTS_FIRST / 2, *slots;
	struct metrics_cgroup *rows;

	if (c->count < c->room)
		return 0;
	if (room > ROWS_MAX)
		return -ENOSPC;
	rows = realloc(c->rows, room * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	c->rows = rows;
	slots = calloc(room * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(c->slots);
	c->slots = slots;
	c->mask = room * 2 - 1;
	c->room = room;
	index_rows(c);
	return 0;
}

void metrics_cgroups_begin(struct metrics_cgroups *cgroups)
{
	cgroups->other = 0;
	for (size_t i = 0; i < cgroups->count; i++) {
		cgroups->rows[i].stalled = 0;
		cgroups->rows[i].kept = 1;
	}
	index_rows(cgroups);
}

void metrics_cgroups_add(struct metrics_cgroups *cgroups, const char *path, uint64_t stalled,
			 int64_t now_s)
{
	char label[METRICS_VALUE_MAX], *copy;
	size_t *slot;

	if (!path || !cgroups->max) {
		cgroups->other += stalled;
		return;
	}
	slot = slot_of(cgroups, metrics_value(path, label, sizeof(label)));
	if (!*slot) {
		copy = grow(cgroups) ? NULL : strdup(label);
		if (!copy) {
			cgroups->other += stalled;
			return;
		}
		cgroups->rows[cgroups->count++] = (struct metrics_cgroup){ .label = copy };
		slot = slot_of(cgroups, label); /* it may have moved */
		*slot = cgroups->count;
	}
	cgroups->rows[*slot - 1].stalled += stalled;
	cgroups->rows[*slot - 1].last_s = now_s;
}

static int descending(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

/* Who has a series first: see the header. */
static int by_claim(const void *one, const void *two)
{
	const struct metrics_cgroup *a = one, *b = two;
	int order = descending(a->stalled > 0, b->stalled > 0);

	if (!order)
		order = descending(a->kept, b->kept);
	if (!order)
		order = descending((int64_t)a->stalled, (int64_t)b->stalled);
	if (!order)
		order = descending(a->last_s, b->last_s);
	return order ? order : strcmp(a->label, b->label);
}

void metrics_cgroups_end(struct metrics_cgroups *cgroups, int64_t now_s)
{
	size_t kept = 0;

	if (cgroups->count)
		qsort(cgroups->rows, cgroups->count, sizeof(*cgroups->rows), by_claim);
	for (size_t i = 0; i < cgroups->count; i++) {
		struct metrics_cgroup *row = &cgroups->rows[i];

		if (kept < cgroups->max &&
		    (row->stalled || now_s - row->last_s < METRICS_CGROUPS_KEEP_S)) {
			cgroups->rows[kept++] = *row;
			continue;
		}
		cgroups->other += row->stalled;
		free(row->label);
	}
	cgroups->count = cgroups->shown = kept;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connections that audit watches: chains by socket, a list by age, a heap by moment.
 * Receives sockets and moments from policy_audit.c; hands entries back. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/policy_audit_table.h"

#define ROOM_FIRST 64u

int audit_table_init(struct audit_table *t, uint32_t max)
{
	uint32_t size = 1;

	while (size < max)
		size *= 2;
	*t = (struct audit_table){ .max = max,
				   .free = AUDIT_NONE,
				   .oldest = AUDIT_NONE,
				   .newest = AUDIT_NONE,
				   .mask = size - 1 };
	t->buckets = malloc(size * sizeof(*t->buckets));
	t->heap = malloc(max * sizeof(*t->heap));
	if (!t->buckets || !t->heap) {
		audit_table_free(t);
		return -ENOMEM;
	}
	memset(t->buckets, 0xff, size * sizeof(*t->buckets)); /* AUDIT_NONE */
	return 0;
}

void audit_table_free(struct audit_table *t)
{
	free(t->watches);
	free(t->buckets);
	free(t->heap);
	*t = (struct audit_table){};
}

static uint32_t index_of(const struct audit_table *t, const struct audit_watch *w)
{
	return (uint32_t)(w - t->watches);
}

/* ---- the heap */

static uint64_t moment(const struct audit_table *t, uint32_t place)
{
	return t->watches[t->heap[place]].end_ns;
}

static void heap_swap(struct audit_table *t, uint32_t a, uint32_t b)
{
	uint32_t index = t->heap[a];

	t->heap[a] = t->heap[b];
	t->heap[b] = index;
	t->watches[t->heap[a]].place = a;
	t->watches[t->heap[b]].place = b;
}

static void heap_settle(struct audit_table *t, uint32_t at)
{
	while (at && moment(t, at) < moment(t, (at - 1) / 2)) {
		heap_swap(t, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t least = at, child = 2 * at + 1;

		for (uint32_t i = child; i < child + 2 && i < t->heap_count; i++)
			if (moment(t, i) < moment(t, least))
				least = i;
		if (least == at)
			return;
		heap_swap(t, at, least);
		at = least;
	}
}

void audit_table_set(struct audit_table *t, struct audit_watch *w, uint64_t end_ns)
{
	w->end_ns = end_ns;
	if (w->place == AUDIT_NONE) {
		w->place = t->heap_count++;
		t->heap[w->place] = index_of(t, w);
	}
	heap_settle(t, w->place);
}

void audit_table_unset(struct audit_table *t, struct audit_watch *w)
{
	uint32_t at = w->place;

	if (at == AUDIT_NONE)
		return;
	t->heap_count--;
	if (at != t->heap_count) {
		heap_swap(t, at, t->heap_count);
		heap_settle(t, at);
	}
	w->place = AUDIT_NONE;
}

struct audit_watch *audit_table_first(const struct audit_table *t)
{
	return t->heap_count ? &t->watches[t->heap[0]] : NULL;
}

/* ---- chains and ages */

static uint32_t *bucket_of(const struct audit_table *t, uint64_t sk)
{
	return &t->buckets[(sk >> 6) * 0x9e3779b97f4a7c15ULL >> 24 & t->mask];
}

struct audit_watch *audit_table_find(const struct audit_table *t, uint64_t sk)
{
	uint32_t at = *bucket_of(t, sk);

	while (at != AUDIT_NONE && t->watches[at].sk != sk)
		at = t->watches[at].chain;
	return at == AUDIT_NONE ? NULL : &t->watches[at];
}

static int table_grow(struct audit_table *t)
{
	uint32_t room = t->room ? 2 * t->room : ROOM_FIRST;
	struct audit_watch *watches;

	if (room > t->max)
		room = t->max;
	watches = reallocarray(t->watches, room, sizeof(*watches));
	if (!watches)
		return -ENOMEM;
	t->watches = watches;
	for (uint32_t i = room; i-- > t->room;) {
		watches[i].sk = 0;
		watches[i].chain = t->free;
		t->free = i;
	}
	t->room = room;
	return 0;
}

struct audit_watch *audit_table_add(struct audit_table *t, uint64_t sk, bool *ret_dropped)
{
	uint32_t *bucket = bucket_of(t, sk), at;
	struct audit_watch *w;

	*ret_dropped = t->count == t->max;
	if (*ret_dropped)
		audit_table_remove(t, &t->watches[t->oldest]);
	if (t->free == AUDIT_NONE && table_grow(t))
		return NULL;
	at = t->free;
	w = &t->watches[at];
	t->free = w->chain;
	memset(w, 0, sizeof(*w));
	w->sk = sk;
	w->chain = *bucket;
	*bucket = at;
	w->place = AUDIT_NONE;
	w->newer = AUDIT_NONE;
	w->older = t->newest;
	if (t->newest == AUDIT_NONE)
		t->oldest = at;
	else
		t->watches[t->newest].newer = at;
	t->newest = at;
	t->count++;
	return w;
}

void audit_table_remove(struct audit_table *t, struct audit_watch *w)
{
	uint32_t at = index_of(t, w), *link = bucket_of(t, w->sk);

	audit_table_unset(t, w);
	while (*link != at)
		link = &t->watches[*link].chain;
	*link = w->chain;
	*(w->older == AUDIT_NONE ? &t->oldest : &t->watches[w->older].newer) = w->newer;
	*(w->newer == AUDIT_NONE ? &t->newest : &t->watches[w->newer].older) = w->older;
	w->sk = 0;
	w->chain = t->free;
	t->free = at;
	t->count--;
}

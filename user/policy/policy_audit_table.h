/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections that audit watches: by socket, by age, and by the moment that comes next.
 * Receives sockets and moments from policy_audit.c; hands entries back. Pure.
 */
#ifndef TCPTIMER_POLICY_AUDIT_TABLE_H
#define TCPTIMER_POLICY_AUDIT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tcptimer/engine.h"

#define AUDIT_NONE UINT32_MAX

struct audit_watch {
	/* policy_audit.c's */
	uint64_t end_ns;      /* when the rule would have ended it; CLOCK_MONOTONIC */
	uint64_t end_jiffies; /* the same in jiffies_64 */
	uint32_t rule;
	uint8_t max_retries; /* of the rule, 0: none */
	bool told;           /* handed on: once a stall */
	bool over;           /* it ended or recovered after its moment, and was not handed on yet */
	struct tcptimer_deadline deadline;
	struct tcptimer_snapshot snap; /* at its last event */
	/* the table's */
	uint64_t sk; /* 0: free */
	uint32_t chain, older, newer, place;
};

/* Indexes, not pointers: the entries move when their room grows. */
struct audit_table {
	struct audit_watch *watches;
	uint32_t room, max, count;
	uint32_t free;           /* a chain of them */
	uint32_t oldest, newest; /* in the order of audit_table_add() */
	uint32_t *buckets, mask;
	uint32_t *heap, heap_count; /* the earliest end_ns first */
};

int audit_table_init(struct audit_table *table, uint32_t max); /* 0 or -ENOMEM */
void audit_table_free(struct audit_table *table);

/* Valid until the next audit_table_add(). NULL: not watched. */
struct audit_watch *audit_table_find(const struct audit_table *table, uint64_t sk);
/* A new one, zeroed, which must not be there yet. The oldest goes when all room is taken. NULL: no memory. */
struct audit_watch *audit_table_add(struct audit_table *table, uint64_t sk, bool *ret_dropped);
void audit_table_remove(struct audit_table *table, struct audit_watch *watch);

/* Its moment, which audit_table_first() goes by; and none any more. */
void audit_table_set(struct audit_table *table, struct audit_watch *watch, uint64_t end_ns);
void audit_table_unset(struct audit_table *table, struct audit_watch *watch);
/* The one whose moment comes first. NULL: none has one. */
struct audit_watch *audit_table_first(const struct audit_table *table);

#endif

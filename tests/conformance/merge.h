/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs of several kernels side by side.
 * Filled by merge.c from their JSON; read by table.c.
 */
#ifndef TCPTIMER_CONFORMANCE_MERGE_H
#define TCPTIMER_CONFORMANCE_MERGE_H

#include "conformance.h"

#define RUNS_MAX 16

struct json_object;

/* Of scenarios that passed. */
struct run_sums {
	size_t scenarios;
	size_t events;
	int64_t worst; /* jiffies */
};

struct run {
	struct json_object *top, *list;
	const char *kernel;
	char column[64];
	bool guest;
	int64_t seed, seconds;
	struct run_sums timers[TCPTIMER_TIMER_COUNT]; /* the rows, by the timer under test */
	struct run_sums drawn;                        /* at random */
	struct run_sums all;
	size_t passed, failed, skipped;
	int64_t late;
};

/* The index-th row's name; NULL past the last. */
const char *merge_name(size_t index);
/* Its worst error in that run, or why there is none. */
const char *merge_cell(const struct run *run, const char *name, char *buf, size_t size);

/* table.c: for the README by timer, or with `all` by scenario. */
void table_markdown(FILE *out, const struct run *table, size_t count, bool all);

#endif

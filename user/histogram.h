/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times counted in buckets of 1, 2, 5 and so on, shown as bars.
 * Receives times in ms, also those that the kernel side has counted; hands aligned text. Pure.
 */
#ifndef TCPTIMER_HISTOGRAM_H
#define TCPTIMER_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>
#include "tcptimer/summary_map.h"

struct histogram {
	uint64_t buckets[TCPTIMER_BUCKET_COUNT];
};

/* A negative time counts as 0. */
void histogram_add(struct histogram *h, int64_t ms);
void histogram_merge(struct histogram *h, const __u64 buckets[TCPTIMER_BUCKET_COUNT]);
uint64_t histogram_total(const struct histogram *h);
/* Below this; -1: without end. */
int64_t histogram_bound_ms(unsigned int bucket);
/*
 * A line for each bucket from the first to the last that is not empty: title (on the first), range,
 * number, bar. Lines of at most `width` columns (0: 80), at least 50. Nothing when all are empty. 0 or
 * -EIO.
 */
int histogram_print(const struct histogram *h, const char *title, unsigned int width, FILE *out);

#endif

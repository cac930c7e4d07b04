/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives what rounds of a measurement came to; hands one JSON object a figure to stdout, with median,
 * min and max of the rounds. tests/bench/table.sh makes the table of them.
 */
#ifndef TCPTIMER_BENCH_FIGURE_H
#define TCPTIMER_BENCH_FIGURE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define FIGURE_ROUNDS_MAX 1000

struct figure {
	const char *group;
	const char *name;
	const char *unit;
	const char *goal; /* "< 200", or NULL */
	const char *peer; /* what the ratio is to, measured in turns in the same rounds; or NULL */
	double ratio;     /* median over the rounds of the peer's value by this one's */
	size_t rounds;
	double value[FIGURE_ROUNDS_MAX];
};

static inline uint64_t figure_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Rounds beyond FIGURE_ROUNDS_MAX are not kept. */
void figure_add(struct figure *figure, double value);
double figure_median(const struct figure *figure);
/* Sorts the rounds. Names are the program's own, and hold nothing that JSON escapes. */
void figure_print(struct figure *figure);

#endif

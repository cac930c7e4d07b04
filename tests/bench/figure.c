// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives what rounds of a measurement came to.
 * Hands one JSON object a figure to stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "figure.h"

static int figure_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void figure_add(struct figure *figure, double value)
{
	if (figure->rounds < FIGURE_ROUNDS_MAX)
		figure->value[figure->rounds++] = value;
}

double figure_median(const struct figure *figure)
{
	double sorted[FIGURE_ROUNDS_MAX];
	size_t half = figure->rounds / 2;

	if (!figure->rounds)
		return 0;
	memcpy(sorted, figure->value, figure->rounds * sizeof(*sorted));
	qsort(sorted, figure->rounds, sizeof(*sorted), figure_compare);
	return figure->rounds % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

void figure_print(struct figure *figure)
{
	size_t n = figure->rounds;

	if (!n)
		return;
	qsort(figure->value, n, sizeof(*figure->value), figure_compare);
	printf("{\"group\": \"%s\", \"figure\": \"%s\", \"unit\": \"%s\", \"median\": %.6g, "
	       "\"min\": %.6g, \"max\": %.6g, \"rounds\": %zu",
	       figure->group, figure->name, figure->unit, figure_median(figure), figure->value[0],
	       figure->value[n - 1], n);
	if (figure->goal)
		printf(", \"goal\": \"%s\"", figure->goal);
	if (figure->peer)
		printf(", \"peer\": \"%s\", \"ratio\": %.4g", figure->peer, figure->ratio);
	puts("}");
	fflush(stdout);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The outcome in Markdown: a row a timer for the README, or a row a scenario.
 * Receives runs with their sums from merge.c; hands text to a file.
 */
#include "merge.h"

static void table_head(FILE *out, const char *first, const struct run *table, size_t count)
{
	size_t k;

	fprintf(out, "| %s |", first);
	for (k = 0; k < count; k++)
		fprintf(out, " %s |", table[k].column);
	fprintf(out, "\n|---|");
	for (k = 0; k < count; k++)
		fprintf(out, "---:|");
	fputc('\n', out);
}

static void table_sums(FILE *out, const struct run_sums *sums)
{
	if (sums->scenarios)
		fprintf(out, " %zu / %zu / %lld |", sums->scenarios, sums->events,
			(long long)sums->worst);
	else
		fprintf(out, " |");
}

static void table_by_timer(FILE *out, const struct run *table, size_t count)
{
	unsigned int timer;
	size_t k, any;

	table_head(out, "timer", table, count);
	for (timer = 1; timer < TCPTIMER_TIMER_COUNT; timer++) {
		for (any = 0, k = 0; k < count; k++)
			any += table[k].timers[timer].scenarios;
		if (!any)
			continue;
		fprintf(out, "| `%s` |", tcptimer_timer_name(timer));
		for (k = 0; k < count; k++)
			table_sums(out, &table[k].timers[timer]);
		fputc('\n', out);
	}
	fprintf(out, "| drawn at random |");
	for (k = 0; k < count; k++)
		table_sums(out, &table[k].drawn);
	fprintf(out, "\n| **all** |");
	for (k = 0; k < count; k++)
		table_sums(out, &table[k].all);
	fprintf(out, "\n| failed |");
	for (k = 0; k < count; k++)
		fprintf(out, " %zu |", table[k].failed);
	fputc('\n', out);
}

static void table_by_scenario(FILE *out, const struct run *table, size_t count)
{
	const char *name;
	char buf[32];
	size_t i, k;

	table_head(out, "scenario", table, count);
	for (i = 0; (name = merge_name(i)); i++) {
		fprintf(out, "| %s |", name);
		for (k = 0; k < count; k++)
			fprintf(out, " %s |", merge_cell(&table[k], name, buf, sizeof(buf)));
		fputc('\n', out);
	}
}

void table_markdown(FILE *out, const struct run *table, size_t count, bool all)
{
	if (all) {
		fprintf(out, "Worst error in jiffies; the tolerance is %d.\n\n", TOLERANCE_JIFFIES);
		table_by_scenario(out, table, count);
		return;
	}
	fprintf(out,
		"Scenarios / events held / worst error in jiffies, by `make conformance` (seed %lld):\n\n",
		(long long)table[0].seed);
	table_by_timer(out, table, count);
}

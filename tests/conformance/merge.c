// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One table out of several runs: scenario × kernel, with the worst error of each.
 * Receives the JSON of runs; hands tables to the terminal and to Markdown, and one JSON of all.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include "conformance.h"

#define RUNS_MAX 16

struct run {
	struct json_object *top, *list;
	char column[64];
	size_t random, random_failed, passed, failed, skipped;
	int64_t worst, late;
};

static struct run runs[RUNS_MAX];
static size_t run_count;

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_string(value) : "";
}

static int64_t number_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_int64(value) : 0;
}

static void merge_sums(struct run *run)
{
	size_t i;

	for (i = 0; i < json_object_array_length(run->list); i++) {
		struct json_object *o = json_object_array_get_idx(run->list, i);
		const char *verdict = text_of(o, "verdict");
		bool failed = !strcmp(verdict, verdict_name(VERDICT_FAILED));
		int64_t worst = number_of(o, "worst_jiffies");

		run->failed += failed;
		run->skipped += !strcmp(verdict, verdict_name(VERDICT_SKIPPED));
		run->random += number_of(o, "random") != 0;
		run->random_failed += number_of(o, "random") && failed;
		if (strcmp(verdict, verdict_name(VERDICT_PASSED)))
			continue;
		run->passed++;
		if (llabs(worst) > llabs(run->worst))
			run->worst = worst;
		if (number_of(o, "late_jiffies") > run->late)
			run->late = number_of(o, "late_jiffies");
	}
}

static bool merge_load(const char *path)
{
	struct run *run = &runs[run_count];

	if (run_count == RUNS_MAX)
		return false;
	run->top = json_object_from_file(path);
	if (!run->top || !json_object_object_get_ex(run->top, "scenarios", &run->list)) {
		fprintf(stderr, "conformance: %s is not a run's JSON\n", path);
		return false;
	}
	snprintf(run->column, sizeof(run->column), "%s%s", text_of(run->top, "kernel"),
		 number_of(run->top, "guest") ? "" : " (host)");
	merge_sums(run);
	run_count++;
	return true;
}

static struct json_object *merge_find(const struct run *run, const char *name)
{
	size_t i;

	for (i = 0; i < json_object_array_length(run->list); i++) {
		struct json_object *o = json_object_array_get_idx(run->list, i);

		if (!number_of(o, "random") && !strcmp(text_of(o, "scenario"), name))
			return o;
	}
	return NULL;
}

static const char *merge_cell(const struct run *run, const char *name, char *buf, size_t size)
{
	struct json_object *o = merge_find(run, name);
	const char *verdict = o ? text_of(o, "verdict") : "";

	if (!o || !strcmp(verdict, verdict_name(VERDICT_SKIPPED)))
		return o ? "lacks it" : "";
	if (!strcmp(verdict, verdict_name(VERDICT_FAILED)))
		return "FAILED";
	snprintf(buf, size, "%lld", (long long)number_of(o, "worst_jiffies"));
	return buf;
}

/* Names in the order of the run that has most of them: a guest's. */
static const struct run *merge_longest(void)
{
	const struct run *longest = &runs[0];
	size_t i;

	for (i = 1; i < run_count; i++)
		if (json_object_array_length(runs[i].list) > json_object_array_length(longest->list))
			longest = &runs[i];
	return longest;
}

static void merge_rows(FILE *out, bool markdown)
{
	const struct run *names = merge_longest();
	char buf[32];
	size_t i, k;

	for (i = 0; i < json_object_array_length(names->list); i++) {
		struct json_object *o = json_object_array_get_idx(names->list, i);

		if (number_of(o, "random"))
			continue;
		fprintf(out, markdown ? "| %s |" : "%-58.58s", text_of(o, "scenario"));
		for (k = 0; k < run_count; k++)
			fprintf(out, markdown ? " %s |" : " %16s",
				merge_cell(&runs[k], text_of(o, "scenario"), buf, sizeof(buf)));
		fputc('\n', out);
	}
}

static void merge_markdown(FILE *out)
{
	size_t k;

	fprintf(out, "Worst error in jiffies of each scenario, by kernel; the tolerance is %d.\n\n",
		TOLERANCE_JIFFIES);
	fprintf(out, "| scenario |");
	for (k = 0; k < run_count; k++)
		fprintf(out, " %s |", runs[k].column);
	fprintf(out, "\n|---|");
	for (k = 0; k < run_count; k++)
		fprintf(out, "---:|");
	fputc('\n', out);
	for (k = 0; k < run_count; k++)
		fprintf(out, "%s %zu |%s", k ? "" : "| **drawn at random**: passed |",
			runs[k].random - runs[k].random_failed, k + 1 == run_count ? "\n" : "");
	merge_rows(out, true);
}

static bool merge_json(const char *path)
{
	struct json_object *all = json_object_new_array();
	bool fine;
	size_t k;

	for (k = 0; k < run_count; k++)
		json_object_array_add(all, json_object_get(runs[k].top));
	fine = !json_object_to_file_ext(path, all, JSON_C_TO_STRING_PLAIN);
	json_object_put(all);
	return fine;
}

int merge_runs(char *const *paths, size_t count, const char *json, const char *markdown)
{
	size_t i, passed = 0, failed = 0;
	FILE *out;

	for (i = 0; i < count; i++)
		if (!merge_load(paths[i]))
			failed++;
	if (!run_count)
		return 1;
	printf("%-58s", "scenario");
	for (i = 0; i < run_count; i++)
		printf(" %16.16s", runs[i].column);
	putchar('\n');
	merge_rows(stdout, false);
	for (i = 0; i < run_count; i++) {
		printf("%s: %zu passed, %zu failed, %zu skipped; %zu drawn at random (seed %lld); worst error %lld, latest firing %lld jiffies\n",
		       runs[i].column, runs[i].passed, runs[i].failed, runs[i].skipped, runs[i].random,
		       (long long)number_of(runs[i].top, "seed"), (long long)runs[i].worst,
		       (long long)runs[i].late);
		passed += runs[i].passed;
		failed += runs[i].failed;
	}
	out = markdown ? fopen(markdown, "we") : NULL;
	if (out)
		merge_markdown(out);
	if ((markdown && (!out || fclose(out))) || (json && !merge_json(json))) {
		fprintf(stderr, "conformance: the merged table can't be written\n");
		failed++;
	}
	printf("%zu passed, %zu failed\n", passed, failed);
	return failed ? 1 : 0;
}

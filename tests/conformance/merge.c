// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One table out of several runs: scenario × kernel, with the worst error of each.
 * Receives the JSON of runs; hands the table to the terminal, sums to table.c, one JSON of all and the
 * snapshots of disagreements to files.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include "conformance.h"
#include "merge.h"

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

static void merge_add(struct run_sums *sums, struct json_object *o)
{
	int64_t worst = number_of(o, "worst_jiffies");

	sums->scenarios++;
	sums->events += (size_t)(number_of(o, "events") + number_of(o, "rules"));
	if (llabs(worst) > llabs(sums->worst))
		sums->worst = worst;
}

static unsigned int merge_timer(struct json_object *o)
{
	unsigned int timer;

	for (timer = TCPTIMER_TIMER_COUNT - 1; timer; timer--)
		if (!strcmp(tcptimer_timer_name(timer), text_of(o, "timer")))
			break;
	return timer;
}

static void merge_sums(struct run *run)
{
	size_t i;

	for (i = 0; i < json_object_array_length(run->list); i++) {
		struct json_object *o = json_object_array_get_idx(run->list, i);
		const char *verdict = text_of(o, "verdict");
		bool drawn = number_of(o, "random");

		run->failed += !strcmp(verdict, verdict_name(VERDICT_FAILED));
		run->skipped += !strcmp(verdict, verdict_name(VERDICT_SKIPPED));
		if (strcmp(verdict, verdict_name(VERDICT_PASSED)))
			continue;
		run->passed++;
		merge_add(drawn ? &run->drawn : &run->timers[merge_timer(o)], o);
		merge_add(&run->all, o);
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
	run->guest = number_of(run->top, "guest");
	run->seed = number_of(run->top, "seed");
	run->seconds = number_of(run->top, "seconds");
	run->kernel = text_of(run->top, "kernel");
	snprintf(run->column, sizeof(run->column), "%s%s", run->kernel,
		 run->guest ? "" : " (host)");
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

const char *merge_cell(const struct run *run, const char *name, char *buf, size_t size)
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
		if (json_object_array_length(runs[i].list) >
		    json_object_array_length(longest->list))
			longest = &runs[i];
	return longest;
}

const char *merge_name(size_t index)
{
	const struct run *names = merge_longest();
	struct json_object *o;

	for (; index < json_object_array_length(names->list); index++) {
		o = json_object_array_get_idx(names->list, index);
		if (!number_of(o, "random")) /* rows come first */
			return text_of(o, "scenario");
		break;
	}
	return NULL;
}

static void merge_print(void)
{
	const char *name;
	char buf[32];
	size_t i, k;

	printf("%-58s", "scenario");
	for (k = 0; k < run_count; k++)
		printf(" %16.16s", runs[k].column);
	putchar('\n');
	for (i = 0; (name = merge_name(i)); i++) {
		printf("%-58.58s", name);
		for (k = 0; k < run_count; k++)
			printf(" %16s", merge_cell(&runs[k], name, buf, sizeof(buf)));
		putchar('\n');
	}
	for (k = 0; k < run_count; k++)
		printf("%s: %zu passed, %zu failed, %zu skipped; %zu of those passed drawn at random (seed %lld); %zu events held, worst error %lld, latest firing %lld jiffies; %lld s\n",
		       runs[k].column, runs[k].passed, runs[k].failed, runs[k].skipped,
		       runs[k].drawn.scenarios, (long long)runs[k].seed, runs[k].all.events,
		       (long long)runs[k].all.worst, (long long)runs[k].late,
		       (long long)runs[k].seconds);
}

static int merge_digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* For `tcptimer simulate --snapshot`. */
static bool merge_snapshot(const struct run *run, struct json_object *o, const char *directory)
{
	const char *hex = text_of(o, "snapshot");
	char path[512], name[96], *at;
	bool fine = true;
	FILE *f;

	snprintf(name, sizeof(name), "%s %.64s", run->column, text_of(o, "scenario"));
	for (at = name; *at; at++)
		if (strchr(" /,()", *at))
			*at = '_';
	snprintf(path, sizeof(path), "%s/%s.snapshot", directory, name);
	f = fopen(path, "we");
	for (; f && hex[0] && hex[1]; hex += 2)
		fine &= fputc(merge_digit(hex[0]) << 4 | merge_digit(hex[1]), f) != EOF;
	if (!f || fclose(f) || !fine)
		return false;
	printf("%s, %s: tcptimer simulate --snapshot %s\n", run->column, text_of(o, "scenario"),
	       path);
	return true;
}

static bool merge_snapshots(const char *directory)
{
	bool fine = true;
	size_t k, i;

	for (k = 0; k < run_count; k++)
		for (i = 0; i < json_object_array_length(runs[k].list); i++) {
			struct json_object *o = json_object_array_get_idx(runs[k].list, i);

			if (*text_of(o, "snapshot"))
				fine &= merge_snapshot(&runs[k], o, directory);
		}
	return fine;
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

int merge_runs(char *const *paths, size_t count, const struct merge_options *o)
{
	size_t i, passed = 0, failed = 0;
	FILE *out;

	for (i = 0; i < count; i++)
		failed += !merge_load(paths[i]);
	if (run_count)
		merge_print();
	for (i = 0; i < run_count; i++) {
		passed += runs[i].passed;
		failed += runs[i].failed;
	}
	out = o->markdown ? fopen(o->markdown, "we") : NULL;
	if (out && run_count)
		table_markdown(out, runs, run_count, o->all);
	if ((o->markdown && (!out || fclose(out))) || (o->json && !merge_json(o->json)) ||
	    (o->snapshots && !merge_snapshots(o->snapshots))) {
		fprintf(stderr, "conformance: what was merged can't be written\n");
		failed++;
	}
	printf("%zu passed, %zu failed\n", passed, failed);
	return failed || !passed;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What came out, for people and for programs: table, JSON, Markdown, disagreements side by side.
 * Receives trials with verdicts; hands text to the terminal and to files.
 */
#include <json-c/json.h>
#include "conformance.h"
#include "tcptimer/snapshot_file.h"

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "pending", "passed", "FAILED", "skipped" };

	return names[verdict];
}

void report_table(FILE *out, struct trial *const *trials, size_t count, bool verbose)
{
	size_t i;

	fprintf(out, "%-58s %-8s %6s %6s %5s %7s\n", "scenario", "verdict", "events", "worst",
		"late", "rebased");
	for (i = 0; i < count; i++) {
		const struct trial *t = trials[i];

		if (!verbose && t->random && t->verdict == VERDICT_PASSED)
			continue;
		fprintf(out, "%-58.58s %-8s %6u %6lld %5u %7u %s\n", t->name,
			verdict_name(t->verdict), t->held + t->checks, (long long)t->worst,
			t->worst_late, t->rebased, t->reason);
	}
}

static void side_foretold(const struct forecast *f, size_t i, char *buf, size_t size)
{
	const struct tcptimer_engine_event *ev = &f->events[i];

	*buf = '\0';
	if (i < f->timeline.count)
		snprintf(buf, size, "%+8lld %-11s %-13s n%-3u %s %d", (long long)ev->at_min_jiffies,
			 tcptimer_timer_name(ev->timer), tcptimer_action_name(ev->action), ev->n,
			 ev->cause ? tcptimer_cause_name(ev->cause) : "", ev->err);
}

static void side_seen(const struct trial *trial, const struct seen *seen, char *buf, size_t size)
{
	const struct event_verdict *v = &seen->verdict;
	char held[32] = "-";

	if (seen->held)
		snprintf(held, sizeof(held), "%+lld", (long long)seen->error);
	snprintf(buf, size, "%+8lld %-9s %-11s %-13s n%-3u %s %d late %u held %s%s",
		 (long long)(seen->jiffy - trial->forecast.snap.now_jiffies),
		 tcptimer_event_name(seen->kind), tcptimer_timer_name(seen->timer),
		 tcptimer_action_name(v->action), v->n,
		 v->cause ? tcptimer_cause_name(v->cause) : "", v->err, seen->late, held,
		 seen->anew ? ", foretold anew" : "");
}

static void report_file(FILE *out, const struct trial *trial, const char *directory)
{
	struct tcptimer_snapshot_file file;
	char path[512], name[96], *at;
	FILE *f;

	snprintf(name, sizeof(name), "%.90s", trial->name);
	for (at = name; *at; at++)
		if (*at == ' ' || *at == '/' || *at == ',')
			*at = '_';
	snprintf(path, sizeof(path), "%s/%s.snapshot", directory, name);
	tcptimer_snapshot_file_fill(&observe_profile, &trial->forecast.params,
				    &trial->forecast.snap, &file);
	f = fopen(path, "we");
	if (!f || fwrite(&file, sizeof(file), 1, f) != 1)
		fprintf(out, "  (no snapshot written to %s)\n", path);
	else
		fprintf(out, "  tcptimer simulate --snapshot %s\n", path);
	if (f)
		fclose(f);
}

void report_disagreement(FILE *out, const struct trial *trial, const char *directory)
{
	const struct tcptimer_deadline *dl = &trial->forecast.timeline.deadline;
	char left[160], right[200];
	size_t i, from = 0;

	fprintf(out, "\n%s: %s\n  settings: %s\n  play: %s (at word %zu)\n", trial->name,
		trial->reason, trial->settings, trial->play, trial->word);
	if (!trial->forecast_any)
		return;
	fprintf(out, "  deadline: %s %s %s err %d rst %d at +%lld n %u; limit %s %u\n",
		dl->never ? "never" : "", tcptimer_timer_name(dl->timer),
		tcptimer_cause_name(dl->cause), dl->err, dl->rst, (long long)dl->at_min_jiffies,
		dl->n, tcptimer_limit_name(dl->limit), dl->limit_value);
	for (; from < trial->log_count && trial->log[from].jiffy < trial->forecast.snap.now_jiffies;
	     from++) {
		side_seen(trial, &trial->log[from], right, sizeof(right));
		fprintf(out, "  %-60s | %s\n", "", right);
	}
	fprintf(out, "  %-60s | %s\n", "foretold (jiffies after the snapshot)", "came");
	for (i = 0; (i <= trial->forecast.next + 1 && i < trial->forecast.timeline.count) ||
		    from + i < trial->log_count;
	     i++) {
		side_foretold(&trial->forecast, i, left, sizeof(left));
		*right = '\0';
		if (from + i < trial->log_count)
			side_seen(trial, &trial->log[from + i], right, sizeof(right));
		fprintf(out, "  %-60s | %s\n", left, right);
	}
	if (directory)
		report_file(out, trial, directory);
}

/* What was foretold from, as the bytes of a snapshot file: a guest has no other way to hand it out. */
static struct json_object *json_snapshot(const struct trial *t)
{
	static const char digits[] = "0123456789abcdef";
	static char text[2 * sizeof(struct tcptimer_snapshot_file) + 1];
	struct tcptimer_snapshot_file file;
	const unsigned char *bytes = (const unsigned char *)&file;
	size_t i;

	tcptimer_snapshot_file_fill(&observe_profile, &t->forecast.params, &t->forecast.snap,
				    &file);
	for (i = 0; i < sizeof(file); i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return json_object_new_string(text);
}

static struct json_object *json_trial(const struct trial *t)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "scenario", json_object_new_string(t->name));
	json_object_object_add(o, "timer", json_object_new_string(tcptimer_timer_name(t->timer)));
	json_object_object_add(o, "verdict", json_object_new_string(verdict_name(t->verdict)));
	json_object_object_add(o, "events", json_object_new_int64(t->held));
	json_object_object_add(o, "rules", json_object_new_int64(t->checks));
	json_object_object_add(o, "worst_jiffies", json_object_new_int64(t->worst));
	json_object_object_add(o, "late_jiffies", json_object_new_int64(t->worst_late));
	json_object_object_add(o, "rebased", json_object_new_int64(t->rebased));
	json_object_object_add(o, "random", json_object_new_int64(t->random));
	if (*t->reason)
		json_object_object_add(o, "reason", json_object_new_string(t->reason));
	if (t->verdict == VERDICT_FAILED) {
		json_object_object_add(o, "settings", json_object_new_string(t->settings));
		json_object_object_add(o, "play", json_object_new_string(t->play));
		if (t->forecast_any)
			json_object_object_add(o, "snapshot", json_snapshot(t));
	}
	return o;
}

bool report_json(const char *path, struct trial *const *trials, size_t count, uint64_t seed,
		 double seconds)
{
	struct json_object *top = json_object_new_object(), *list = json_object_new_array();
	size_t i;
	int err;

	json_object_object_add(top, "kernel", json_object_new_string(observe_profile.name));
	json_object_object_add(top, "hz", json_object_new_int64(observe_hz));
	json_object_object_add(top, "guest", json_object_new_boolean(observe_guest));
	json_object_object_add(top, "seed", json_object_new_int64((int64_t)seed));
	json_object_object_add(top, "seconds", json_object_new_double(seconds));
	json_object_object_add(top, "tolerance_jiffies", json_object_new_int64(TOLERANCE_JIFFIES));
	for (i = 0; i < count; i++)
		json_object_array_add(list, json_trial(trials[i]));
	json_object_object_add(top, "scenarios", list);
	if (!strcmp(path, "-"))
		err = printf(REPORT_MARK "%s\n",
			     json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN)) < 0;
	else
		err = json_object_to_file_ext(path, top, JSON_C_TO_STRING_PLAIN);
	json_object_put(top);
	return err == 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The findings of `policy check` as a compiler prints them, with the engine's evidence.
 * Receives the report; hands lines on stdout.
 */
#include <stdio.h>
#include "cli/policy_json.h"
#include "text.h"
#include "timeline_text.h"

static void pad(size_t used, size_t width)
{
	printf("%*s", used < width ? (int)(width - used) : 0, "");
}

static void print_deadline(const char *label, size_t width, const struct tcptimer_deadline *dl)
{
	char range[64], limit[96];

	printf("    %s", label);
	pad(text_width(label), width);
	if (dl->never) {
		puts("  never ends");
		return;
	}
	if (dl->cause == TCPTIMER_CAUSE_POLICY)
		snprintf(limit, sizeof(limit), "max_retries");
	else
		timeline_limit_text(dl, limit, sizeof(limit));
	printf("  ends after %s by %s\n",
	       timeline_range_text(dl->at_min_ms, dl->at_max_ms, range, sizeof(range)), limit);
}

static void print_evidence(const struct policy_checked *checked, const struct policy_evidence *e)
{
	char range[64], text[TIMELINE_TEXT_SIZE];
	size_t with = text_width(e->with_label), without = text_width(e->without_label);

	printf("    Linux %s, HZ %u: %s\n", checked->profile->name, checked->hz, e->scene);
	for (unsigned int i = 0; i < e->event_count; i++) {
		const struct tcptimer_engine_event *ev = &e->events[i];

		if (e->gap && i == e->gap)
			puts("                      …");
		timeline_range_text(ev->at_min_ms, ev->at_max_ms, range, sizeof(range));
		printf("    ");
		pad(text_width(range), 19);
		printf("%s  %s\n", range, timeline_event_text(ev, text, sizeof(text)));
	}
	print_deadline(e->with_label, with > without ? with : without, &e->with);
	print_deadline(e->without_label, with > without ? with : without, &e->without);
}

static void print_finding(const struct policy_checked *checked, const struct policy_finding *f)
{
	char file[512];

	text_escape(f->file, file, sizeof(file));
	if (f->pos.line)
		printf("%s:%u:%u: ", file, f->pos.line, f->pos.column);
	else
		printf("%s: ", file);
	printf("%s: ", policy_severity_name(f->severity));
	if (f->rule[0])
		printf("rule '%s': ", f->rule);
	printf("%s [%s]\n", f->text, f->code);
	if (f->evidence)
		print_evidence(checked, f->evidence);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

void policy_check_text(const struct policy_checked *checked)
{
	const struct policy_report *report = checked->report;
	unsigned long all = (unsigned long)report->errors + report->warnings + report->notes;

	for (size_t i = 0; i < report->count; i++)
		print_finding(checked, &report->findings[i]);
	if (all > report->count)
		printf("%lu more findings are not shown\n", all - report->count);
	printf("%zu rule%s, %u error%s, %u warning%s\n", checked->rule_count,
	       plural(checked->rule_count), report->errors, plural(report->errors),
	       report->warnings, plural(report->warnings));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keeps findings: a growing array, counted also where it is full.
 * Receives findings of the reader and the lint; hands them to the output in order. Pure.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy/policy_report.h"

const char *policy_severity_name(unsigned int severity)
{
	static const char *const names[] = { "error", "warning", "note" };

	return severity < sizeof(names) / sizeof(names[0]) ? names[severity] : "unknown";
}

static struct policy_finding *report_room(struct policy_report *report)
{
	size_t room = report->room ? 2 * report->room : 16;
	struct policy_finding *more;

	if (report->count >= POLICY_FINDINGS_MAX)
		return NULL;
	if (report->count == report->room) {
		more = realloc(report->findings, room * sizeof(*more));
		if (!more) {
			report->no_memory = true;
			return NULL;
		}
		report->findings = more;
		report->room = room;
	}
	return &report->findings[report->count++];
}

struct policy_finding *policy_report_add(struct policy_report *report,
					 enum policy_severity severity, const char *code,
					 const char *file, struct policy_pos pos, const char *rule,
					 const char *format, ...)
{
	struct policy_finding *finding;
	va_list args;

	if (severity == POLICY_ERROR)
		report->errors++;
	else if (severity == POLICY_WARNING)
		report->warnings++;
	else
		report->notes++;
	finding = report_room(report);
	if (!finding)
		return NULL;
	*finding = (struct policy_finding){
		.severity = severity,
		.code = code,
		.file = file,
		.pos = pos,
	};
	snprintf(finding->rule, sizeof(finding->rule), "%s", rule ? rule : "");
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return finding;
}

struct report_order {
	const char *const *files;
	size_t count;
};

static size_t file_place(const struct report_order *order, const char *file)
{
	size_t i = 0;

	while (i < order->count && order->files[i] != file)
		i++;
	return i;
}

static int finding_compare(const void *left, const void *right, void *order)
{
	const struct policy_finding *a = left, *b = right;
	size_t a_file = file_place(order, a->file), b_file = file_place(order, b->file);

	if (a_file != b_file)
		return a_file < b_file ? -1 : 1;
	if (a->pos.line != b->pos.line)
		return a->pos.line < b->pos.line ? -1 : 1;
	if (a->pos.column != b->pos.column)
		return a->pos.column < b->pos.column ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity < b->severity ? -1 : 1;
	return strcmp(a->code, b->code);
}

void policy_report_sort(struct policy_report *report, const char *const *files, size_t count)
{
	struct report_order order = { files, count };

	if (report->count)
		qsort_r(report->findings, report->count, sizeof(*report->findings), finding_compare,
			&order);
}

void policy_report_free(struct policy_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		free(report->findings[i].evidence);
	free(report->findings);
	*report = (struct policy_report){};
}

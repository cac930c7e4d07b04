// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The findings of `policy check` as JSON, described by contrib/schema/policy-check.schema.json.
 * Receives the report; hands a json-c object.
 */
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/policy_json.h"
#include "text.h"
#include "timeline_text.h"

static struct json_object *word_or_null(const char *word)
{
	return *word ? json_object_new_string(word) : NULL;
}

/* Names of files come from outside: valid UTF-8 for a JSON reader. */
struct json_object *policy_raw_json(const char *raw)
{
	size_t size = 3 * strlen(raw) + 1;
	char *utf8 = malloc(size);
	struct json_object *string;

	if (!utf8)
		return NULL;
	string = json_object_new_string(text_utf8(raw, utf8, size));
	free(utf8);
	return string;
}

static struct json_object *json_u64(uint64_t value)
{
	return json_object_new_int64((int64_t)value);
}

struct json_object *policy_deadline_json(const char *label, const struct tcptimer_deadline *dl)
{
	struct json_object *o = json_object_new_object();
	bool policy = dl->cause == TCPTIMER_CAUSE_POLICY;
	char buf[24];

	if (label)
		json_object_object_add(o, "label", json_object_new_string(label));
	json_object_object_add(o, "deadline_ms", dl->never ? NULL : json_u64(dl->at_ms));
	json_object_object_add(o, "deadline_min_ms", dl->never ? NULL : json_u64(dl->at_min_ms));
	json_object_object_add(o, "deadline_max_ms", dl->never ? NULL : json_u64(dl->at_max_ms));
	json_object_object_add(o, "cause",
			       dl->never ? NULL :
					   json_object_new_string(tcptimer_cause_name(dl->cause)));
	json_object_object_add(
		o, "limit",
		dl->never || (!policy && dl->limit == TCPTIMER_LIMIT_NONE) ?
			NULL :
			json_object_new_string(policy ? "max_retries" :
							tcptimer_limit_name(dl->limit)));
	json_object_object_add(o, "errno",
			       dl->never || !dl->err ? NULL :
						       json_object_new_string(timeline_errno_text(
							       dl->err, buf, sizeof(buf))));
	json_object_object_add(o, "attempts", json_u64(dl->never ? 0 : dl->n));
	return o;
}

static struct json_object *json_event(const struct tcptimer_engine_event *ev)
{
	struct json_object *o = json_object_new_object();
	char text[TIMELINE_TEXT_SIZE];

	json_object_object_add(o, "at_ms", json_u64(ev->at_ms));
	json_object_object_add(o, "at_min_ms", json_u64(ev->at_min_ms));
	json_object_object_add(o, "at_max_ms", json_u64(ev->at_max_ms));
	json_object_object_add(o, "timer", json_object_new_string(tcptimer_timer_name(ev->timer)));
	json_object_object_add(o, "action",
			       json_object_new_string(tcptimer_action_name(ev->action)));
	json_object_object_add(o, "text",
			       json_object_new_string(timeline_event_text(ev, text, sizeof(text))));
	return o;
}

static struct json_object *json_evidence(const struct policy_evidence *evidence)
{
	struct json_object *o, *events;

	if (!evidence)
		return NULL;
	o = json_object_new_object();
	events = json_object_new_array();
	json_object_object_add(o, "scene", json_object_new_string(evidence->scene));
	for (unsigned int i = 0; i < evidence->event_count; i++)
		json_object_array_add(events, json_event(&evidence->events[i]));
	json_object_object_add(o, "events", events);
	json_object_object_add(o, "events_left_out", json_object_new_boolean(evidence->gap > 0));
	json_object_object_add(o, "with",
			       policy_deadline_json(evidence->with_label, &evidence->with));
	json_object_object_add(o, "without",
			       policy_deadline_json(evidence->without_label, &evidence->without));
	return o;
}

static struct json_object *json_finding(const struct policy_finding *f)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "severity",
			       json_object_new_string(policy_severity_name(f->severity)));
	json_object_object_add(o, "code", json_object_new_string(f->code));
	json_object_object_add(o, "file", policy_raw_json(f->file));
	json_object_object_add(o, "line", f->pos.line ? json_u64(f->pos.line) : NULL);
	json_object_object_add(o, "column", f->pos.line ? json_u64(f->pos.column) : NULL);
	json_object_object_add(o, "rule", word_or_null(f->rule));
	json_object_object_add(o, "message", policy_raw_json(f->text));
	json_object_object_add(o, "evidence", json_evidence(f->evidence));
	return o;
}

struct json_object *policy_check_json(const struct policy_checked *checked)
{
	const struct policy_report *report = checked->report;
	struct json_object *o = json_object_new_object(), *files, *findings;

	if (!o)
		return NULL;
	files = json_object_new_array();
	findings = json_object_new_array();
	for (size_t i = 0; i < checked->file_count; i++)
		json_object_array_add(files, policy_raw_json(checked->files[i]));
	for (size_t i = 0; i < report->count; i++)
		json_object_array_add(findings, json_finding(&report->findings[i]));
	json_object_object_add(o, "kernel", json_object_new_string(checked->profile->name));
	json_object_object_add(o, "hz", json_u64(checked->hz));
	json_object_object_add(o, "files", files);
	json_object_object_add(o, "rules", json_u64(checked->rule_count));
	json_object_object_add(o, "errors", json_u64(report->errors));
	json_object_object_add(o, "warnings", json_u64(report->warnings));
	json_object_object_add(o, "notes", json_u64(report->notes));
	json_object_object_add(o, "findings", findings);
	return o;
}

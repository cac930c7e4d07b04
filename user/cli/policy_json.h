/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `policy check` shows of its findings, as text and as JSON.
 * Receives the report; hands lines on stdout, or a json-c object.
 */
#ifndef TCPTIMER_CLI_POLICY_JSON_H
#define TCPTIMER_CLI_POLICY_JSON_H

#include <stdint.h>
#include "policy/policy_report.h"

struct json_object;

/* What was checked, and for which kernel. */
struct policy_checked {
	const char *const *files;
	size_t file_count, rule_count;
	const struct tcptimer_profile *profile;
	uint32_t hz;
	const struct policy_report *report;
};

/* The keys of contrib/schema/policy-check.schema.json. A new object; NULL: no memory. */
struct json_object *policy_check_json(const struct policy_checked *checked);
/* An end: deadline_ms and its range, cause, limit, errno, attempts; `label` may be NULL: none. */
struct json_object *policy_deadline_json(const char *label, const struct tcptimer_deadline *dl);
/* A name from outside, made valid UTF-8. */
struct json_object *policy_raw_json(const char *raw);
/* The findings as a compiler's, each with its evidence indented, and a last line that counts. */
void policy_check_text(const struct policy_checked *checked);

#endif

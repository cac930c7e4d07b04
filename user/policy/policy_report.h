/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong or doubtful in a policy: findings with their place, words and evidence.
 * Filled by the reader and the lint; handed to text and JSON. Pure.
 */
#ifndef TCPTIMER_POLICY_REPORT_H
#define TCPTIMER_POLICY_REPORT_H

#include "policy/policy.h"
#include "tcptimer/engine.h"

#define POLICY_FINDINGS_MAX 1000 /* what is beyond is counted, not kept */
#define POLICY_EVIDENCE_EVENTS 5

enum policy_severity { POLICY_ERROR, POLICY_WARNING, POLICY_NOTE };

/*
 * Two answers of the engine to the same scene: as the rule has it, and without the setting (or by the
 * other limit) that the finding is about.
 */
struct policy_evidence {
	const char *scene; /* "established, a segment in flight; the peer answers nothing" */
	char with_label[96], without_label[96];                      /* "user_timeout=20s" */
	struct tcptimer_deadline with, without;                      /* cause POLICY: max_retries */
	struct tcptimer_engine_event events[POLICY_EVIDENCE_EVENTS]; /* of `with` */
	uint8_t event_count;
	uint8_t gap; /* so many of the events stand before those left out; 0: all are here */
};

struct policy_finding {
	uint8_t severity; /* enum policy_severity */
	const char *code; /* "user-timeout-below-rto"; static */
	const char *file; /* borrowed from the caller of policy_read(); raw bytes */
	struct policy_pos pos;
	char rule[POLICY_NAME_MAX + 1];   /* "": none */
	char text[512];                   /* one line, escaped */
	struct policy_evidence *evidence; /* NULL: none */
};

struct policy_report {
	struct policy_finding *findings;
	size_t count, room;
	unsigned int errors, warnings, notes; /* all, also those not kept */
	bool no_memory;                       /* something was not kept for want of memory */
};

/*
 * Adds one line; `rule` may be NULL, `file` is kept as a pointer. What comes from outside has to be
 * escaped by the caller. Returns the finding for evidence, NULL when it was not kept.
 */
struct policy_finding *policy_report_add(struct policy_report *report,
					 enum policy_severity severity, const char *code,
					 const char *file, struct policy_pos pos, const char *rule,
					 const char *format, ...)
	__attribute__((format(printf, 7, 8)));
/* In the order of files and lines, as given and as they stand. */
void policy_report_sort(struct policy_report *report, const char *const *files, size_t count);
void policy_report_free(struct policy_report *report);

const char *policy_severity_name(unsigned int severity); /* "warning" */

#endif

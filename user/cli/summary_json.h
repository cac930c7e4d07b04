/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A summary as JSON: the keys of contrib/schema/summary.schema.json.
 * Receives groups; hands a json-c object.
 */
#ifndef TCPTIMER_CLI_SUMMARY_JSON_H
#define TCPTIMER_CLI_SUMMARY_JSON_H

#include <stdint.h>
#include "summary.h"

struct json_object;

struct summary_losses {
	uint64_t groups; /* events for which the table of groups had no place */
	uint64_t stalls; /* for which the table of stalls had none */
	uint64_t unseen; /* timers that the kernel ran no program for */
	uint64_t missed; /* runs of a program that was running already */
};

struct summary_report {
	const char *time;    /* RFC 3339 */
	int64_t interval_ms; /* 0: a snapshot */
	struct summary_losses lost;
	bool histogram;
};

/* A new object; NULL: no memory. */
struct json_object *summary_json(struct summary *s, const struct summary_report *report);

#endif

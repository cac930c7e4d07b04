/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics as text: families, samples, histograms, escaping; OpenMetrics 1.0 and Prometheus 0.0.4.
 * Receives names of the program and values from anywhere; hands text to a FILE. Pure.
 */
#ifndef TCPTIMER_METRICS_TEXT_H
#define TCPTIMER_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define METRICS_BUCKETS_MAX 16
#define METRICS_VALUE_MAX 1024 /* bytes of a label's value that are kept */

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM, METRICS_INFO };

/* The name is without "_total" and "_info", which samples of counters and infos get. */
struct metrics_family {
	const char *name;
	enum metrics_type type;
	const char *help; /* no backslash, quote or newline in it */
};

struct metrics_label {
	const char *name;
	const char *value; /* raw bytes: escaped, and cut at METRICS_VALUE_MAX */
};

struct metrics_histogram {
	const uint32_t *bounds_ms; /* ascending, `count` of them: borrowed, static */
	unsigned int count;
	uint64_t seen[METRICS_BUCKETS_MAX + 1]; /* each bucket's own; the last: beyond all bounds */
	uint64_t sum_ms;
};

/* Below 0 counts as 0. */
void metrics_observe(struct metrics_histogram *histogram, int64_t ms);

struct metrics_text {
	FILE *out;
	bool openmetrics;
};

/* "# HELP" and "# TYPE"; the samples of the family follow at once, and are not interrupted. */
void metrics_head(const struct metrics_text *text, const struct metrics_family *family);
void metrics_number(const struct metrics_text *text, const struct metrics_family *family,
		    const struct metrics_label *labels, size_t count, uint64_t value);
/* In seconds, to the millisecond. */
void metrics_seconds(const struct metrics_text *text, const struct metrics_family *family,
		     int64_t ms);
void metrics_buckets(const struct metrics_text *text, const struct metrics_family *family,
		     const struct metrics_histogram *histogram);
void metrics_end(const struct metrics_text *text);

/*
 * A label's value that can be compared: printable UTF-8, what is not \xNN (each byte), cut. A backslash
 * stays one, as cgroups of systemd have it. size >= METRICS_VALUE_MAX. Returns buf.
 */
const char *metrics_value(const char *raw, char *buf, size_t size);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics as text: families, samples, histograms, escaping; OpenMetrics 1.0 and Prometheus 0.0.4.
 * Receives names of the program and values from anywhere; hands text to a FILE. Pure.
 */
#include <inttypes.h>
#include <string.h>
#include "metrics_text.h"
#include "text.h"

void metrics_observe(struct metrics_histogram *histogram, int64_t ms)
{
	unsigned int i = 0;

	if (ms < 0)
		ms = 0;
	while (i < histogram->count && ms > histogram->bounds_ms[i])
		i++;
	histogram->seen[i]++;
	histogram->sum_ms += (uint64_t)ms;
}

const char *metrics_value(const char *raw, char *buf, size_t size)
{
	size_t to = 0;

	text_escape(raw, buf, size < METRICS_VALUE_MAX ? size : METRICS_VALUE_MAX);
	/* text_escape() doubles a backslash, the only thing that it puts two of. */
	for (size_t from = 0; buf[from]; from++) {
		buf[to++] = buf[from];
		if (buf[from] == '\\' && buf[from + 1] == '\\')
			from++;
	}
	buf[to] = '\0';
	return buf;
}

static const char *suffix(enum metrics_type type)
{
	return type == METRICS_COUNTER ? "_total" : type == METRICS_INFO ? "_info" : "";
}

void metrics_head(const struct metrics_text *text, const struct metrics_family *family)
{
	static const char *const openmetrics[] = { "counter", "gauge", "histogram", "info" };
	static const char *const prometheus[] = { "counter", "gauge", "histogram", "gauge" };
	/* OpenMetrics names the family without its samples' suffix, Prometheus with it. */
	const char *end = text->openmetrics ? "" : suffix(family->type);

	fprintf(text->out, "# HELP %s%s %s\n", family->name, end, family->help);
	fprintf(text->out, "# TYPE %s%s %s\n", family->name, end,
		(text->openmetrics ? openmetrics : prometheus)[family->type]);
}

static void put_labels(FILE *out, const struct metrics_label *labels, size_t count)
{
	char value[METRICS_VALUE_MAX];

	for (size_t i = 0; i < count; i++) {
		fprintf(out, "%c%s=\"", i ? ',' : '{', labels[i].name);
		metrics_value(labels[i].value, value, sizeof(value));
		for (const char *c = value; *c; c++) {
			if (*c == '\\' || *c == '"')
				putc('\\', out);
			putc(*c, out);
		}
		putc('"', out);
	}
	if (count)
		putc('}', out);
}

void metrics_number(const struct metrics_text *text, const struct metrics_family *family,
		    const struct metrics_label *labels, size_t count, uint64_t value)
{
	fprintf(text->out, "%s%s", family->name, suffix(family->type));
	put_labels(text->out, labels, count);
	fprintf(text->out, " %" PRIu64 "\n", value);
}

/* By integers: a locale's comma would be no number. */
static void put_seconds(FILE *out, int64_t ms)
{
	uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;

	fprintf(out, "%s%" PRIu64 ".%03u", ms < 0 ? "-" : "", size / 1000,
		(unsigned int)(size % 1000));
}

void metrics_seconds(const struct metrics_text *text, const struct metrics_family *family,
		     int64_t ms)
{
	fprintf(text->out, "%s ", family->name);
	put_seconds(text->out, ms);
	putc('\n', text->out);
}

/* OpenMetrics wants "1.0" and "0.25"; the same in both formats, so that series are the same. */
static void put_bound(FILE *out, uint32_t ms)
{
	char digits[4];

	snprintf(digits, sizeof(digits), "%03u", ms % 1000);
	for (size_t i = 2; i && digits[i] == '0'; i--)
		digits[i] = '\0';
	fprintf(out, "%u.%s", ms / 1000, digits);
}

void metrics_buckets(const struct metrics_text *text, const struct metrics_family *family,
		     const struct metrics_histogram *histogram)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < histogram->count; i++) {
		sum += histogram->seen[i];
		fprintf(text->out, "%s_bucket{le=\"", family->name);
		put_bound(text->out, histogram->bounds_ms[i]);
		fprintf(text->out, "\"} %" PRIu64 "\n", sum);
	}
	sum += histogram->seen[histogram->count];
	fprintf(text->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", family->name, sum);
	fprintf(text->out, "%s_sum ", family->name);
	put_seconds(text->out, (int64_t)histogram->sum_ms);
	fprintf(text->out, "\n%s_count %" PRIu64 "\n", family->name, sum);
}

void metrics_end(const struct metrics_text *text)
{
	if (text->openmetrics)
		fputs("# EOF\n", text->out);
}

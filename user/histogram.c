// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Times counted in buckets of 1, 2, 5 and so on, shown as bars.
 * Receives times in ms; hands lines to a stream. Pure but for that stream.
 */
#include <errno.h>
#include <string.h>
#include "histogram.h"
#include "text.h"

#define TITLE_WIDTH 10
#define BAR_MIN 10
#define BAR_MAX 60

#define BOUND(ms) ms,
static const int64_t bounds_ms[] = { TCPTIMER_BUCKETS(BOUND) };

void histogram_add(struct histogram *h, int64_t ms)
{
	h->buckets[tcptimer_bucket(ms > 0 ? (uint64_t)ms : 0)]++;
}

void histogram_merge(struct histogram *h, const __u64 buckets[TCPTIMER_BUCKET_COUNT])
{
	for (size_t i = 0; i < TCPTIMER_BUCKET_COUNT; i++)
		h->buckets[i] += buckets[i];
}

uint64_t histogram_total(const struct histogram *h)
{
	uint64_t total = 0;

	for (size_t i = 0; i < TCPTIMER_BUCKET_COUNT; i++)
		total += h->buckets[i];
	return total;
}

int64_t histogram_bound_ms(unsigned int bucket)
{
	return bucket < TCPTIMER_BUCKET_COUNT - 1 ? bounds_ms[bucket] : -1;
}

static const char *range_text(unsigned int bucket, char *buf, size_t size)
{
	char low[24], high[24];

	if (!bucket)
		snprintf(buf, size, "< %s", text_span(bounds_ms[0], high, sizeof(high)));
	else if (bucket == TCPTIMER_BUCKET_COUNT - 1)
		snprintf(buf, size, ">= %s", text_span(bounds_ms[bucket - 1], low, sizeof(low)));
	else
		snprintf(buf, size, "%s - %s", text_span(bounds_ms[bucket - 1], low, sizeof(low)),
			 text_span(bounds_ms[bucket], high, sizeof(high)));
	return buf;
}

/* Rounded up, so that one among many is seen. */
static unsigned int bar_length(uint64_t count, uint64_t most, unsigned int room)
{
	return (unsigned int)(((double)count * room + (double)most - 1) / (double)most);
}

int histogram_print(const struct histogram *h, const char *title, unsigned int width, FILE *out)
{
	unsigned int first = 0, last = TCPTIMER_BUCKET_COUNT, room, length;
	uint64_t most = 0;
	char range[64], bar[BAR_MAX + 1];

	while (first < last && !h->buckets[first])
		first++;
	while (last > first && !h->buckets[last - 1])
		last--;
	room = (width ? width : 80) > TITLE_WIDTH + 30 + BAR_MIN ?
		       (width ? width : 80) - TITLE_WIDTH - 30 :
		       BAR_MIN;
	if (room > BAR_MAX)
		room = BAR_MAX;
	for (unsigned int i = first; i < last; i++)
		if (h->buckets[i] > most)
			most = h->buckets[i];
	for (unsigned int i = first; i < last; i++) {
		length = h->buckets[i] ? bar_length(h->buckets[i], most, room) : 0;
		if (length > room)
			length = room;
		memset(bar, '#', length);
		bar[length] = '\0';
		fprintf(out, "%-*s %15s %9llu%s%s\n", TITLE_WIDTH, i == first ? title : "",
			range_text(i, range, sizeof(range)), (unsigned long long)h->buckets[i],
			length ? "  " : "", bar);
	}
	return ferror(out) ? -EIO : 0;
}

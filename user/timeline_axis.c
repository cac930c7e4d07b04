// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time axis of a picture: linear, logarithmic, or broken where all lies far ahead.
 * Receives views and the columns of the picture; hands positions and ticks to timeline_svg.c. Pure.
 */
#include <math.h>
#include "timeline_axis.h"

/* Times whose ratio to the first is above this crowd on a linear axis. */
#define LOG_RATIO 20.0
#define BREAK_WIDTH 56.0

/* Round times in ms, as clocks count; the first of each decade or unit is preferred. */
static const struct {
	int64_t ms;
	bool major;
} round_times[] = {
	{ 1, true },           { 2, false },         { 5, false },
	{ 10, true },          { 20, false },        { 50, false },
	{ 100, true },         { 200, false },       { 500, false },
	{ 1000, true },        { 2000, false },      { 5000, false },
	{ 10000, true },       { 20000, false },     { 30000, false },
	{ 60000, true },       { 120000, false },    { 300000, false },
	{ 600000, true },      { 1200000, false },   { 1800000, false },
	{ 3600000, true },     { 7200000, false },   { 14400000, false },
	{ 28800000, false },   { 43200000, false },  { 86400000, true },
	{ 172800000, false },  { 345600000, false }, { 864000000, true },
	{ 2592000000, false }, { 8640000000, true }, { 31536000000, false },
	{ 86400000000, true },
};
#define ROUND_TIMES (sizeof(round_times) / sizeof(round_times[0]))

/* The first and the last moment told, in ms; returns the most events that a view has. */
static size_t extent(const struct timeline_view *const *views, size_t count, double *ret_first,
		     double *ret_last)
{
	double first = 0, last = 0;
	size_t i, j, most = 0;

	for (i = 0; i < count; i++) {
		const struct tcptimer_timeline *timeline = &views[i]->timeline;

		for (j = 0; j < timeline->count; j++) {
			const struct tcptimer_engine_event *ev = &views[i]->events[j];

			if (ev->at_min_ms && (!first || (double)ev->at_min_ms < first))
				first = (double)ev->at_min_ms;
			if ((double)ev->at_max_ms > last)
				last = (double)ev->at_max_ms;
		}
		if (timeline->count > most)
			most = timeline->count;
		if (!timeline->deadline.never && (double)timeline->deadline.at_max_ms > last)
			last = (double)timeline->deadline.at_max_ms;
	}
	*ret_last = last > 0 ? last : 1000;
	*ret_first = first > 0 ? first : *ret_last;
	return most;
}

void axis_init(struct axis *axis, const struct timeline_view *const *views, size_t count,
	       double left, double right)
{
	double first, last;
	size_t most = extent(views, count, &first, &last);

	*axis = (struct axis){ .left = left, .right = right, .start = left };
	if (most > 1 && first > 10000 && last - first < first / 2 && last - first > first / 100) {
		axis->kind = AXIS_BROKEN;
		axis->start = left + BREAK_WIDTH;
		axis->low = first - (last - first) * 0.04;
		axis->high = last + (last - first) * 0.06;
	} else if (last / first > LOG_RATIO) {
		axis->kind = AXIS_LOG;
		axis->low = first / 1.3;
		axis->high = last * 1.12;
	} else {
		axis->kind = AXIS_LINEAR;
		axis->high = last * 1.08;
	}
}

double axis_x(const struct axis *axis, double ms)
{
	double part;

	if (axis->kind == AXIS_BROKEN && ms < axis->low)
		return axis->left;
	if (axis->kind == AXIS_LOG)
		part = ms <= axis->low ? 0 : log(ms / axis->low) / log(axis->high / axis->low);
	else
		part = (ms - axis->low) / (axis->high - axis->low);
	if (part < 0)
		part = 0;
	if (part > 1)
		part = 1;
	return axis->start + part * (axis->right - axis->start);
}

/* Keeps ticks in order; refuses one whose label would touch a neighbour's. */
static bool tick_add(const struct axis *axis, double ms, double width, struct axis_tick *ticks,
		     size_t *count)
{
	double x = axis_x(axis, ms);
	size_t i;

	if (*count == AXIS_TICKS_MAX)
		return false;
	for (i = 0; i < *count; i++)
		if (fabs(ticks[i].x - x) < width)
			return false;
	for (i = *count; i > 0 && ticks[i - 1].x > x; i--)
		ticks[i] = ticks[i - 1];
	ticks[i] = (struct axis_tick){ .x = x, .ms = (int64_t)ms };
	(*count)++;
	return true;
}

static size_t ticks_log(const struct axis *axis, double width, struct axis_tick *ticks)
{
	size_t count = 0, i;
	int minor;

	for (minor = 0; minor <= 1; minor++) {
		for (i = 0; i < ROUND_TIMES; i++) {
			double ms = (double)round_times[i].ms;

			if (round_times[i].major == !minor && ms >= axis->low && ms <= axis->high)
				tick_add(axis, ms, width, ticks, &count);
		}
	}
	return count;
}

size_t axis_ticks(const struct axis *axis, double width, struct axis_tick ret_ticks[AXIS_TICKS_MAX])
{
	double span = axis->high - axis->low, room = axis->right - axis->start, ms;
	size_t count = 0, i = 0;

	if (axis->kind == AXIS_LOG)
		return ticks_log(axis, width, ret_ticks);
	if (axis->kind == AXIS_BROKEN)
		tick_add(axis, 0, width, ret_ticks, &count);
	/* The least round step whose labels have room. */
	while (i + 1 < ROUND_TIMES && (double)round_times[i].ms / span * room < width)
		i++;
	for (ms = ceil(axis->low / (double)round_times[i].ms) * (double)round_times[i].ms;
	     ms <= axis->high && count < AXIS_TICKS_MAX; ms += (double)round_times[i].ms)
		tick_add(axis, ms, width, ret_ticks, &count);
	return count;
}

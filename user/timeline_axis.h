/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time axis of a picture: linear, logarithmic, or broken where all lies far ahead.
 * Receives views and the columns of the picture; hands positions and ticks to timeline_svg.c. Pure.
 */
#ifndef TCPTIMER_TIMELINE_AXIS_H
#define TCPTIMER_TIMELINE_AXIS_H

#include "timeline.h"

enum axis_kind { AXIS_LINEAR, AXIS_LOG, AXIS_BROKEN };

struct axis {
	enum axis_kind kind;
	double left, right; /* columns of the plot */
	double start;       /* column of `low`: right of the break when there is one */
	double low, high;   /* ms at start and right */
};

#define AXIS_TICKS_MAX 24

struct axis_tick {
	double x;
	int64_t ms;
};

/* The scale that shows all events and ends of the views. */
void axis_init(struct axis *axis, const struct timeline_view *const *views, size_t count,
	       double left, double right);
/* Column of a time; times before a break lie at its left. */
double axis_x(const struct axis *axis, double ms);
/* Round times whose labels of that width don't overlap, from left to right. Returns how many. */
size_t axis_ticks(const struct axis *axis, double label_width,
		  struct axis_tick ret_ticks[AXIS_TICKS_MAX]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What timeline_svg.c (rows and labels) and timeline_draw.c (shapes, text, frame) share.
 * Receives nothing; hands the picture's measures and state.
 */
#ifndef TCPTIMER_TIMELINE_SVG_IMPL_H
#define TCPTIMER_TIMELINE_SVG_IMPL_H

#include <stdio.h>
#include "timeline_axis.h"

#define WIDTH 1040.0
#define LEFT 128.0
#define RIGHT (WIDTH - 36.0)
#define CHAR_WIDTH 7.3 /* of the widest common sans-serif at 11px */
#define LABEL_HEIGHT 14.0
#define LANES_MAX 4
#define HEAD_HEIGHT 74.0
#define ROW_BELOW 28.0
#define BLOCK_HEAD 26.0

struct label {
	double x;          /* centre */
	unsigned int lane; /* 0 is next to the mark; LANES_MAX: left out */
	bool lowered;      /* its bar would lie on its neighbour's */
};

/* One timer's events in one view. */
struct row {
	unsigned int timer;
	unsigned int lanes;
	double y; /* of the marks */
};

struct picture {
	FILE *out;
	struct axis axis;
	struct label labels[TIMELINE_EVENTS_MAX];
	struct row rows[TCPTIMER_TIMER_COUNT];
	size_t row_count;
	unsigned int kinds; /* mask of enum timeline_kind that occur */
	bool ranges;
	bool ends;
	double y;
};

/* ---- timeline_draw.c */

/* class: fg, dim; the colours of a dark page are the style sheet's. */
void draw_text(FILE *out, double x, double y, const char *anchor, const char *class,
	       unsigned int size, const char *format, ...) __attribute__((format(printf, 7, 8)));
/* The same on a ground of its own, so that lines behind do not cross it. */
void draw_text_over(FILE *out, double x, double y, const char *text);
/* Columns that a text takes at 11px, rather too many. */
double draw_text_width(const char *text);
void draw_mark(FILE *out, enum timeline_kind kind, double x, double y, const char *tooltip);
const char *draw_colour(enum timeline_kind kind);
/* Axis below everything, with its grid from `top` down; then the legend of what occurs. */
void draw_axis(struct picture *p, double top);
void draw_legend(struct picture *p);
void draw_head(FILE *out, double height, const char *title);

#endif

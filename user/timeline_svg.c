// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timelines as a picture: standalone SVG 1.1, one axis, a block of rows for each view.
 * Receives views that timeline_run() filled; hands SVG on a FILE. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"
#include "timeline_svg.h"
#include "timeline_svg_impl.h"
#include "timeline_text.h"

/* ---- layout */

/* With seconds where the axis shows minutes of hours. */
static const char *event_label(const struct picture *p, const struct tcptimer_engine_event *ev,
			       char *buf, size_t size)
{
	unsigned long long s = (ev->at_ms + 500) / 1000;

	if (p->axis.kind != AXIS_BROKEN || s < 3600 || s >= 86400)
		return text_span((int64_t)ev->at_ms, buf, size);
	snprintf(buf, size, "%lluh%02llum%02llus", s / 3600, s / 60 % 60, s % 60);
	return buf;
}

/* What stands right of this column would touch the line of the end. */
static double right_limit(const struct picture *p, const struct timeline_view *view,
			  const struct tcptimer_engine_event *ev)
{
	const struct tcptimer_deadline *dl = &view->timeline.deadline;

	if (!dl->never && !view->error && ev->at_ms <= dl->at_ms)
		return axis_x(&p->axis, (double)dl->at_ms) - 8;
	return WIDTH - 4;
}

/* Each label goes to the lowest lane where it touches none; the end has its own line. */
static void row_labels(struct picture *p, const struct timeline_view *view, struct row *row)
{
	double taken[LANES_MAX] = {}, bar_end = 0;
	bool lowered = false;
	char text[32];
	unsigned int lane;
	size_t i;

	row->lanes = 1;
	for (i = 0; i < view->timeline.count; i++) {
		const struct tcptimer_engine_event *ev = &view->events[i];
		double half, x = axis_x(&p->axis, (double)ev->at_ms);
		double limit = right_limit(p, view, ev);

		if (ev->timer != row->timer)
			continue;
		half = draw_text_width(event_label(p, ev, text, sizeof(text))) / 2 + 3;
		p->labels[i] = (struct label){ .x = x, .lane = LANES_MAX };
		if (p->labels[i].x + half > limit)
			p->labels[i].x = limit - half;
		lowered = axis_x(&p->axis, (double)ev->at_min_ms) <= bar_end && !lowered;
		p->labels[i].lowered = lowered;
		bar_end = axis_x(&p->axis, (double)ev->at_max_ms);
		if (timeline_kind(ev) == TIMELINE_END || timeline_kind(ev) == TIMELINE_REARMED)
			continue;
		for (lane = 0; lane < LANES_MAX; lane++) {
			if (p->labels[i].x - half < taken[lane])
				continue;
			taken[lane] = p->labels[i].x + half;
			p->labels[i].lane = lane;
			if (lane + 1 > row->lanes)
				row->lanes = lane + 1;
			break;
		}
	}
}

static void block_rows(struct picture *p, const struct timeline_view *view)
{
	size_t i, j;

	p->row_count = 0;
	for (i = 0; i < view->timeline.count; i++) {
		const struct tcptimer_engine_event *ev = &view->events[i];

		p->kinds |= 1u << timeline_kind(ev);
		p->ranges |= ev->at_min_ms != ev->at_max_ms;
		for (j = 0; j < p->row_count && p->rows[j].timer != ev->timer; j++)
			;
		if (j == p->row_count && j < TCPTIMER_TIMER_COUNT)
			p->rows[p->row_count++] = (struct row){ .timer = ev->timer };
	}
}

/* ---- drawing */

/* The bar of its range, and the line to a label that stands higher: below all labels and marks. */
static void draw_span(struct picture *p, const struct tcptimer_engine_event *ev,
		      const struct label *label, double y)
{
	double x = axis_x(&p->axis, (double)ev->at_ms);
	double from = axis_x(&p->axis, (double)ev->at_min_ms);
	double to = axis_x(&p->axis, (double)ev->at_max_ms);

	if (to - from > 1)
		fprintf(p->out,
			"<path d=\"M%.1f %.1fv8m0-4H%.1fm0-4v8\" fill=\"none\" stroke=\"%s\" "
			"stroke-width=\"2\" stroke-opacity=\"0.55\"/>\n",
			from, y - 4 + (label->lowered ? 9 : 0), to, draw_colour(timeline_kind(ev)));
	if (label->lane && label->lane < LANES_MAX)
		fprintf(p->out,
			"<path class=\"rule\" d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#c4c9d0\"/>\n", x,
			y - 7, label->x, y - 10 - label->lane * LABEL_HEIGHT);
}

static void draw_event(struct picture *p, const struct tcptimer_engine_event *ev,
		       const struct label *label, double y)
{
	char text[TIMELINE_TEXT_SIZE], range[64], tooltip[512];

	if (label->lane < LANES_MAX)
		draw_text_over(p->out, label->x, y - 12 - label->lane * LABEL_HEIGHT,
			       event_label(p, ev, range, sizeof(range)));
	timeline_event_text(ev, text, sizeof(text));
	snprintf(tooltip, sizeof(tooltip), "%s: %s",
		 timeline_range_text(ev->at_min_ms, ev->at_max_ms, range, sizeof(range)), text);
	draw_mark(p->out, timeline_kind(ev), axis_x(&p->axis, (double)ev->at_ms), y, tooltip);
}

/* The numbers of retransmissions and probes, below their marks where there is room. */
static void draw_numbers(struct picture *p, const struct timeline_view *view, const struct row *row)
{
	double taken = 0;
	char text[16];
	size_t i;

	for (i = 0; i < view->timeline.count; i++) {
		const struct tcptimer_engine_event *ev = &view->events[i];
		double half, x = axis_x(&p->axis, (double)ev->at_ms);

		if (ev->timer != row->timer || !timeline_number(ev))
			continue;
		snprintf(text, sizeof(text), "%u", timeline_number(ev));
		half = draw_text_width(text) / 2 + 2;
		if (x - half < taken || x + half > right_limit(p, view, ev) + 6)
			continue;
		taken = x + half;
		draw_text(p->out, x, row->y + 23, "middle", "dim", 10, "%s", text);
	}
}

static void draw_row(struct picture *p, const struct timeline_view *view, struct row *row)
{
	size_t i;

	row_labels(p, view, row);
	row->y = p->y + 14 + row->lanes * LABEL_HEIGHT;
	fprintf(p->out, "<path class=\"rule\" d=\"M%.1f %.1fH%.1f\" stroke=\"#c4c9d0\"/>\n", LEFT,
		row->y, RIGHT);
	draw_text(p->out, LEFT - 14, row->y + 4, "end", "fg", 12, "%s",
		  tcptimer_timer_name(row->timer));
	for (i = 0; i < view->timeline.count; i++)
		if (view->events[i].timer == row->timer)
			draw_span(p, &view->events[i], &p->labels[i], row->y);
	for (i = 0; i < view->timeline.count; i++)
		if (view->events[i].timer == row->timer)
			draw_event(p, &view->events[i], &p->labels[i], row->y);
	draw_numbers(p, view, row);
	p->y = row->y + ROW_BELOW;
}

/* A band over the range in which it ends, a line at its middle, and what ends it. */
static void draw_deadline(struct picture *p, const struct timeline_view *view, double top,
			  double bottom)
{
	const struct tcptimer_deadline *dl = &view->timeline.deadline;
	double x = axis_x(&p->axis, (double)dl->at_ms);
	double from = axis_x(&p->axis, (double)dl->at_min_ms);
	double to = axis_x(&p->axis, (double)dl->at_max_ms);
	char range[64], limit[128], err[24], text[256];
	bool right = x > (LEFT + RIGHT) / 2;

	if (dl->never || view->error)
		return;
	p->ends = true;
	p->ranges |= dl->at_min_ms != dl->at_max_ms;
	if (to - from > 1)
		fprintf(p->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
			"fill=\"#d64545\" fill-opacity=\"0.14\"/>\n",
			from, top, to - from, bottom - top);
	fprintf(p->out,
		"<path d=\"M%.1f %.1fV%.1f\" stroke=\"#d64545\" stroke-width=\"1.5\" "
		"stroke-dasharray=\"5 3\"/>\n",
		x, top, bottom);
	timeline_range_text(dl->at_min_ms, dl->at_max_ms, range, sizeof(range));
	snprintf(text, sizeof(text), "ends %s%s%s · %s · %s", range, dl->err ? " · " : "",
		 dl->err ? timeline_errno_text(dl->err, err, sizeof(err)) : "",
		 tcptimer_cause_name(dl->cause), timeline_limit_text(dl, limit, sizeof(limit)));
	draw_text(p->out, right ? to + 4 : from - 4, top - 5, right ? "end" : "start", "fg", 12,
		  "%s", text);
}

static void draw_block(struct picture *p, const struct timeline_view *view, bool titled)
{
	double top = p->y + BLOCK_HEAD;
	size_t i;

	block_rows(p, view);
	if (titled)
		draw_text(p->out, 24, top - 5, "start", "fg", 14, "%s", view->title);
	if (view->timeline.deadline.never)
		draw_text(p->out, LEFT, top - 5, "start", "fg", 12, "%s",
			  view->timeline.count ?
				  "never ends, while the peer is as assumed" :
				  "no timer is armed: nothing happens, and it never ends");
	p->y = top;
	for (i = 0; i < p->row_count; i++)
		draw_row(p, view, &p->rows[i]);
	draw_deadline(p, view, top, p->y);
	p->y += 8;
}

static int svg_body(struct picture *p, const struct timeline_view *const *views, size_t count,
		    const char *title, const char *subtitle)
{
	size_t i;

	axis_init(&p->axis, views, count, LEFT, RIGHT);
	p->y = HEAD_HEIGHT - 12;
	draw_text(p->out, 24, 30, "start", "fg", 16, "%s", title);
	draw_text(p->out, 24, 50, "start", "dim", 12, "%s", subtitle);
	for (i = 0; i < count; i++)
		draw_block(p, views[i], count > 1);
	draw_axis(p, HEAD_HEIGHT);
	draw_legend(p);
	return ferror(p->out) ? -EIO : 0;
}

/* The body is drawn first, for its height. */
int timeline_svg(const struct timeline_view *const *views, size_t count, const char *title,
		 const char *subtitle, FILE *out)
{
	struct picture p = {};
	char *body = NULL;
	size_t size = 0;
	int err;

	if (!count)
		return -EINVAL;
	p.out = open_memstream(&body, &size);
	if (!p.out)
		return -ENOMEM;
	err = svg_body(&p, views, count, title, subtitle);
	if (fclose(p.out) && !err)
		err = -ENOMEM;
	if (!err) {
		draw_head(out, p.y + 6, title);
		fwrite(body, 1, size, out);
		fputs("</svg>\n", out);
		if (ferror(out))
			err = -EIO;
	}
	free(body);
	return err;
}

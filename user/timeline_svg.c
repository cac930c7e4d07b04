// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timelines as a picture: standalone SVG 1.1, one axis, a block of rows for each view.
 * Receives views that timeline_run() filled; hands SVG on a FILE. Pure.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"
#include "timeline_axis.h"
#include "timeline_svg.h"
#include "timeline_text.h"

#define WIDTH 1040.0
#define LEFT 128.0
#define RIGHT (WIDTH - 36.0)
#define CHAR_WIDTH 7.3 /* of the widest common sans-serif at 11px */
#define LABEL_HEIGHT 14.0
#define LANES_MAX 4
#define HEAD_HEIGHT 74.0
#define ROW_BELOW 24.0
#define BLOCK_HEAD 26.0
#define TICK_WIDTH 54.0

/* Each kind of event is told by its shape as well as by its colour. */
static const struct {
	const char *colour;
	const char *path;  /* around 0,0 */
	bool hollow;
} marks[TIMELINE_KIND_COUNT] = {
	[TIMELINE_SYN] = { "#2f86d1", "M-5-5H5V5H-5Z", false },
	[TIMELINE_SYNACK] = { "#2f86d1", "M-5-5H5V5H-5Z", true },
	[TIMELINE_RETRANSMISSION] = { "#2f86d1", "M-5.5 0A5.5 5.5 0 1 1 5.5 0A5.5 5.5 0 1 1-5.5 0Z", false },
	[TIMELINE_LOSS_PROBE] = { "#239a8b", "M-6-5H6L0 6Z", false },
	[TIMELINE_WINDOW_PROBE] = { "#c8741a", "M-6 5H6L0-6Z", false },
	[TIMELINE_KEEPALIVE_PROBE] = { "#9a5cc6", "M0-7L6 0L0 7L-6 0Z", false },
	[TIMELINE_ACK] = { "#3a9d4a", "M-2-6H2V6H-2Z", false },
	[TIMELINE_FAILED] = { "#c8741a", "M-5.5 0A5.5 5.5 0 1 1 5.5 0A5.5 5.5 0 1 1-5.5 0Z", true },
	[TIMELINE_REARMED] = { "#8a8a8a", "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z", true },
	[TIMELINE_HANDED_OVER] = { "#8a8a8a", "M-6 0L-3-5H3L6 0L3 5H-3Z", false },
	[TIMELINE_END] = { "#d64545", "M-6-3.5L-3.5-6L0-2.5L3.5-6L6-3.5L2.5 0L6 3.5L3.5 6L0 2.5"
				      "L-3.5 6L-6 3.5L-2.5 0Z", false },
};

struct label {
	double x;          /* centre */
	unsigned int lane; /* 0 is next to the mark; LANES_MAX: left out */
};

/* One timer's events in one view. */
struct row {
	unsigned int timer;
	unsigned int lanes;
	double y;  /* of the marks */
};

struct picture {
	FILE *out;
	struct axis axis;
	struct label labels[TIMELINE_EVENTS_MAX];
	struct row rows[TCPTIMER_TIMER_COUNT];
	size_t row_count;
	unsigned int kinds;   /* mask of enum timeline_kind that occur */
	bool ranges;
	bool ends;
	double y;
};

/* ---- text */

static void put_text(FILE *out, const char *text)
{
	char clean[1024];
	const char *c;

	for (c = text_utf8(text, clean, sizeof(clean)); *c; c++) {
		switch (*c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			/* XML 1.0 knows no control characters, and neither U+FFFE nor U+FFFF */
			if ((unsigned char)*c < 0x20 || *c == 0x7f) {
				fputc('?', out);
			} else if (!strncmp(c, "\xef\xbf\xbe", 3) || !strncmp(c, "\xef\xbf\xbf", 3)) {
				fputc('?', out);
				c += 2;
			} else {
				fputc(*c, out);
			}
		}
	}
}

__attribute__((format(printf, 7, 8)))
static void put_label(FILE *out, double x, double y, const char *anchor, const char *class,
		      unsigned int size, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\" fill=\"%s\" "
		     "font-size=\"%u\">", x, y, anchor, class, !strcmp(class, "dim") ? "#5a5f66" : "#1d2126",
		size);
	put_text(out, text);
	fputs("</text>\n", out);
}

static double text_columns(const char *text)
{
	return (double)text_width(text) * CHAR_WIDTH;
}

/* ---- layout */

static const char *event_label(const struct tcptimer_engine_event *ev, char *buf, size_t size)
{
	return text_span((int64_t)ev->at_ms, buf, size);
}

/* Each label goes to the lowest lane where it touches none; the end's, which is told apart, has none. */
static void row_labels(struct picture *p, const struct timeline_view *view, struct row *row)
{
	double taken[LANES_MAX];
	char text[32];
	unsigned int lane;
	size_t i;

	for (lane = 0; lane < LANES_MAX; lane++)
		taken[lane] = 0;
	row->lanes = 1;
	for (i = 0; i < view->timeline.count; i++) {
		const struct tcptimer_engine_event *ev = &view->events[i];
		double half, x = axis_x(&p->axis, (double)ev->at_ms);

		if (ev->timer != row->timer)
			continue;
		half = text_columns(event_label(ev, text, sizeof(text))) / 2 + 3;
		p->labels[i] = (struct label){ .x = x, .lane = LANES_MAX };
		if (p->labels[i].x + half > WIDTH - 4)
			p->labels[i].x = WIDTH - 4 - half;
		if (timeline_kind(ev) == TIMELINE_END)
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

static void draw_mark(FILE *out, enum timeline_kind kind, double x, double y, const char *tooltip)
{
	fprintf(out, "<path transform=\"translate(%.1f %.1f)\" d=\"%s\" ", x, y, marks[kind].path);
	if (marks[kind].hollow)
		fprintf(out, "class=\"bg\" fill=\"#ffffff\" stroke=\"%s\" stroke-width=\"2\"", marks[kind].colour);
	else
		fprintf(out, "fill=\"%s\"", marks[kind].colour);
	if (tooltip) {
		fputs("><title>", out);
		put_text(out, tooltip);
		fputs("</title></path>\n", out);
	} else {
		fputs("/>\n", out);
	}
}

static void draw_event(struct picture *p, const struct tcptimer_engine_event *ev,
		       const struct label *label, double y)
{
	double x = axis_x(&p->axis, (double)ev->at_ms);
	double from = axis_x(&p->axis, (double)ev->at_min_ms);
	double to = axis_x(&p->axis, (double)ev->at_max_ms);
	enum timeline_kind kind = timeline_kind(ev);
	char text[TIMELINE_TEXT_SIZE], range[64], tooltip[512];

	timeline_event_text(ev, text, sizeof(text));
	snprintf(tooltip, sizeof(tooltip), "%s: %s",
		 timeline_range_text(ev->at_min_ms, ev->at_max_ms, range, sizeof(range)), text);
	if (to - from > 1)
		fprintf(p->out, "<path d=\"M%.1f %.1fv8m0-4H%.1fm0-4v8\" fill=\"none\" stroke=\"%s\" "
				"stroke-width=\"2\" stroke-opacity=\"0.55\"/>\n",
			from, y - 4, to, marks[kind].colour);
	if (label->lane < LANES_MAX) {
		double top = y - 12 - label->lane * LABEL_HEIGHT;

		if (label->lane)
			fprintf(p->out, "<path class=\"rule\" d=\"M%.1f %.1fV%.1f\" stroke=\"#c4c9d0\"/>\n", x,
				y - 7, top + 2);
		put_label(p->out, label->x, top, "middle", "fg", 11, "%s",
			  event_label(ev, range, sizeof(range)));
	}
	draw_mark(p->out, kind, x, y, tooltip);
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

		if (ev->timer != row->timer || !ev->n || timeline_kind(ev) == TIMELINE_END)
			continue;
		snprintf(text, sizeof(text), "%u", ev->n);
		half = text_columns(text) / 2 + 2;
		if (x - half < taken)
			continue;
		taken = x + half;
		put_label(p->out, x, row->y + 18, "middle", "dim", 10, "%s", text);
	}
}

static void draw_row(struct picture *p, const struct timeline_view *view, struct row *row)
{
	size_t i;

	row_labels(p, view, row);
	row->y = p->y + 14 + row->lanes * LABEL_HEIGHT;
	fprintf(p->out, "<path class=\"rule\" d=\"M%.1f %.1fH%.1f\" stroke=\"#c4c9d0\"/>\n", LEFT, row->y,
		RIGHT);
	put_label(p->out, LEFT - 14, row->y + 4, "end", "fg", 12, "%s", tcptimer_timer_name(row->timer));
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
		fprintf(p->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
				"fill=\"#d64545\" fill-opacity=\"0.14\"/>\n", from, top, to - from, bottom - top);
	fprintf(p->out, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#d64545\" stroke-width=\"1.5\" "
			"stroke-dasharray=\"5 3\"/>\n", x, top, bottom);
	timeline_range_text(dl->at_min_ms, dl->at_max_ms, range, sizeof(range));
	snprintf(text, sizeof(text), "ends %s%s%s · %s · %s", range, dl->err ? " · " : "",
		 dl->err ? timeline_errno_text(dl->err, err, sizeof(err)) : "",
		 tcptimer_cause_name(dl->cause), timeline_limit_text(dl, limit, sizeof(limit)));
	put_label(p->out, right ? to + 4 : from - 4, top - 5, right ? "end" : "start", "fg", 12, "%s", text);
}

static void draw_block(struct picture *p, const struct timeline_view *view, bool titled)
{
	double top = p->y + BLOCK_HEAD;
	size_t i;

	block_rows(p, view);
	if (titled)
		put_label(p->out, 24, top - 5, "start", "fg", 14, "%s", view->title);
	if (view->timeline.deadline.never)
		put_label(p->out, LEFT, top - 5, "start", "fg", 12, "%s",
			  view->timeline.count ? "never ends, while the peer is as assumed" :
						 "no timer is armed: nothing happens, and it never ends");
	p->y = top;
	for (i = 0; i < p->row_count; i++)
		draw_row(p, view, &p->rows[i]);
	draw_deadline(p, view, top, p->y);
	p->y += 8;
}

/* ---- frame */

static void draw_axis(struct picture *p, double top)
{
	static const char *const names[] = { "time from now, linear", "time from now, logarithmic",
					     "time from now, linear after the break" };
	struct axis_tick ticks[AXIS_TICKS_MAX];
	size_t count = axis_ticks(&p->axis, TICK_WIDTH, ticks), i;
	double cut = p->axis.left + 28;
	char text[24];

	for (i = 0; i < count; i++) {
		fprintf(p->out, "<path class=\"rule\" d=\"M%.1f %.1fV%.1f\" stroke=\"#c4c9d0\" "
				"stroke-opacity=\"0.6\" stroke-dasharray=\"1 3\"/>\n", ticks[i].x, top, p->y + 5);
		put_label(p->out, ticks[i].x, p->y + 19, "middle", "dim", 11, "%s",
			  ticks[i].ms ? text_span(ticks[i].ms, text, sizeof(text)) : "now");
	}
	fprintf(p->out, "<path class=\"line\" d=\"M%.1f %.1fH%.1f\" stroke=\"#5a5f66\"/>\n", LEFT, p->y, RIGHT);
	if (p->axis.kind == AXIS_BROKEN)
		fprintf(p->out, "<path class=\"bg\" d=\"M%.1f %.1fh8v12h-8z\" fill=\"#ffffff\"/>\n"
				"<path class=\"line\" d=\"M%.1f %.1fl6-12m2 12l6-12\" stroke=\"#5a5f66\"/>\n",
			cut - 1, p->y - 6, cut - 4, p->y + 6);
	put_label(p->out, RIGHT, p->y + 36, "end", "dim", 11, "%s", names[p->axis.kind]);
	p->y += 56;
}

static void draw_legend(struct picture *p)
{
	double x = LEFT, width;
	unsigned int kind;

	for (kind = 0; kind < TIMELINE_KIND_COUNT; kind++) {
		const char *name = timeline_kind_name((enum timeline_kind)kind);

		if (!(p->kinds >> kind & 1))
			continue;
		width = text_columns(name) + 38;
		if (x + width > RIGHT) {
			x = LEFT;
			p->y += 20;
		}
		draw_mark(p->out, (enum timeline_kind)kind, x + 6, p->y - 4, NULL);
		put_label(p->out, x + 18, p->y, "start", "fg", 11, "%s", name);
		x += width;
	}
	p->y += 20;
	if (p->ranges)
		put_label(p->out, LEFT, p->y, "start", "dim", 11,
			  "A bar spans the earliest and the latest moment that the timer wheel's rounding "
			  "allows; the mark is its middle.");
	p->y += p->ranges ? 18 : 0;
}

static int svg_body(struct picture *p, const struct timeline_view *const *views, size_t count,
		    const char *title, const char *subtitle)
{
	size_t i;

	axis_init(&p->axis, views, count, LEFT, RIGHT);
	p->y = HEAD_HEIGHT - 12;
	put_label(p->out, 24, 30, "start", "fg", 16, "%s", title);
	put_label(p->out, 24, 50, "start", "dim", 12, "%s", subtitle);
	for (i = 0; i < count; i++)
		draw_block(p, views[i], count > 1);
	draw_axis(p, HEAD_HEIGHT);
	draw_legend(p);
	return ferror(p->out) ? -EIO : 0;
}

static void svg_head(FILE *out, double height, const char *title)
{
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\">\n<title>", WIDTH, height, WIDTH, height);
	put_text(out, title);
	fputs("</title>\n<style type=\"text/css\">@media (prefers-color-scheme: dark) {"
	      ".bg{fill:#1b1e23}.fg{fill:#e6e8eb}.dim{fill:#a9b0b8}.rule{stroke:#4a5058}"
	      ".line{stroke:#a9b0b8}}</style>\n", out);
	fprintf(out, "<rect class=\"bg\" width=\"%.0f\" height=\"%.0f\" fill=\"#ffffff\"/>\n", WIDTH, height);
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
		svg_head(out, p.y + 6, title);
		fwrite(body, 1, size, out);
		fputs("</svg>\n", out);
		if (ferror(out))
			err = -EIO;
	}
	free(body);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The shapes, texts and frame of a picture: SVG elements.
 * Receives positions from timeline_svg.c; hands SVG on a FILE. Pure.
 */
#include <stdarg.h>
#include <string.h>
#include "text.h"
#include "timeline_svg_impl.h"

#define TICK_WIDTH 54.0

/* Each kind of event is told by its shape as well as by its colour. */
static const struct {
	const char *colour;
	const char *path; /* around 0,0 */
	bool hollow;
} marks[TIMELINE_KIND_COUNT] = {
	[TIMELINE_SYN] = { "#2f86d1", "M-5-5H5V5H-5Z", false },
	[TIMELINE_SYNACK] = { "#2f86d1", "M-5-5H5V5H-5Z", true },
	[TIMELINE_RETRANSMISSION] = { "#2f86d1", "M-5.5 0A5.5 5.5 0 1 1 5.5 0A5.5 5.5 0 1 1-5.5 0Z",
				      false },
	[TIMELINE_LOSS_PROBE] = { "#239a8b", "M-6-5H6L0 6Z", false },
	[TIMELINE_WINDOW_PROBE] = { "#c8741a", "M-6 5H6L0-6Z", false },
	[TIMELINE_KEEPALIVE_PROBE] = { "#9a5cc6", "M0-7L6 0L0 7L-6 0Z", false },
	[TIMELINE_ACK] = { "#3a9d4a", "M-2-6H2V6H-2Z", false },
	[TIMELINE_FAILED] = { "#c8741a", "M-5.5 0A5.5 5.5 0 1 1 5.5 0A5.5 5.5 0 1 1-5.5 0Z", true },
	[TIMELINE_REARMED] = { "#8a8a8a", "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z", true },
	[TIMELINE_HANDED_OVER] = { "#8a8a8a", "M-6 0L-3-5H3L6 0L3 5H-3Z", false },
	[TIMELINE_END] = { "#d64545",
			   "M-6-3.5L-3.5-6L0-2.5L3.5-6L6-3.5L2.5 0L6 3.5L3.5 6L0 2.5"
			   "L-3.5 6L-6 3.5L-2.5 0Z",
			   false },
};

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
			} else if (!strncmp(c, "\xef\xbf\xbe", 3) ||
				   !strncmp(c, "\xef\xbf\xbf", 3)) {
				fputc('?', out);
				c += 2;
			} else {
				fputc(*c, out);
			}
		}
	}
}

void draw_text(FILE *out, double x, double y, const char *anchor, const char *class,
	       unsigned int size, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(out,
		"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\" fill=\"%s\" "
		"font-size=\"%u\">",
		x, y, anchor, class, !strcmp(class, "dim") ? "#5a5f66" : "#1d2126", size);
	put_text(out, text);
	fputs("</text>\n", out);
}

double draw_text_width(const char *text)
{
	return (double)text_width(text) * CHAR_WIDTH;
}

void draw_text_over(FILE *out, double x, double y, const char *text)
{
	fprintf(out,
		"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" class=\"halo\" fill=\"none\" "
		"stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" font-size=\"11\">",
		x, y);
	put_text(out, text);
	fputs("</text>\n", out);
	draw_text(out, x, y, "middle", "fg", 11, "%s", text);
}

const char *draw_colour(enum timeline_kind kind)
{
	return marks[kind].colour;
}

void draw_mark(FILE *out, enum timeline_kind kind, double x, double y, const char *tooltip)
{
	fprintf(out, "<path transform=\"translate(%.1f %.1f)\" d=\"%s\" ", x, y, marks[kind].path);
	if (marks[kind].hollow)
		fprintf(out, "class=\"bg\" fill=\"#ffffff\" stroke=\"%s\" stroke-width=\"2\"",
			marks[kind].colour);
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

void draw_axis(struct picture *p, double top)
{
	static const char *const names[] = { "time from now, linear", "time from now, logarithmic",
					     "time from now, linear after the break" };
	struct axis_tick ticks[AXIS_TICKS_MAX];
	size_t count = axis_ticks(&p->axis, TICK_WIDTH, ticks), i;
	double cut = p->axis.left + 28;
	char text[24];

	for (i = 0; i < count; i++) {
		fprintf(p->out,
			"<path class=\"rule\" d=\"M%.1f %.1fV%.1f\" stroke=\"#c4c9d0\" "
			"stroke-opacity=\"0.6\" stroke-dasharray=\"1 3\"/>\n",
			ticks[i].x, top, p->y + 5);
		draw_text(p->out, ticks[i].x, p->y + 19, "middle", "dim", 11, "%s",
			  ticks[i].ms ? text_span(ticks[i].ms, text, sizeof(text)) : "now");
	}
	fprintf(p->out, "<path class=\"line\" d=\"M%.1f %.1fH%.1f\" stroke=\"#5a5f66\"/>\n", LEFT,
		p->y, RIGHT);
	if (p->axis.kind == AXIS_BROKEN)
		fprintf(p->out,
			"<path class=\"bg\" d=\"M%.1f %.1fh8v12h-8z\" fill=\"#ffffff\"/>\n"
			"<path class=\"line\" d=\"M%.1f %.1fl6-12m2 12l6-12\" stroke=\"#5a5f66\"/>\n",
			cut - 1, p->y - 6, cut - 4, p->y + 6);
	draw_text(p->out, RIGHT, p->y + 36, "end", "dim", 11, "%s", names[p->axis.kind]);
	p->y += 56;
}

void draw_legend(struct picture *p)
{
	double x = LEFT, width;
	unsigned int kind;

	for (kind = 0; kind < TIMELINE_KIND_COUNT; kind++) {
		const char *name = timeline_kind_name((enum timeline_kind)kind);

		if (!(p->kinds >> kind & 1))
			continue;
		width = draw_text_width(name) + 38;
		if (x + width > RIGHT) {
			x = LEFT;
			p->y += 20;
		}
		draw_mark(p->out, (enum timeline_kind)kind, x + 6, p->y - 4, NULL);
		draw_text(p->out, x + 18, p->y, "start", "fg", 11, "%s", name);
		x += width;
	}
	p->y += 20;
	if (p->ranges)
		draw_text(
			p->out, LEFT, p->y, "start", "dim", 11,
			"A bar spans the earliest and the latest moment that the timer wheel's rounding "
			"allows; the mark is its middle.");
	p->y += p->ranges ? 18 : 0;
}

void draw_head(FILE *out, double height, const char *title)
{
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\">\n<title>",
		WIDTH, height, WIDTH, height);
	put_text(out, title);
	fputs("</title>\n<style type=\"text/css\">@media (prefers-color-scheme: dark) {"
	      ".bg{fill:#1b1e23}.fg{fill:#e6e8eb}.dim{fill:#a9b0b8}.rule{stroke:#4a5058}.halo{stroke:#1b1e23}"
	      ".line{stroke:#a9b0b8}}</style>\n",
	      out);
	fprintf(out, "<rect class=\"bg\" width=\"%.0f\" height=\"%.0f\" fill=\"#ffffff\"/>\n",
		WIDTH, height);
}

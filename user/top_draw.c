// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The live screen's lines: header, table or what stands in its place, and the keys at the foot.
 * Receives the state and the size of the screen; hands printable lines, each cut to the width. Pure.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cgroup_name.h"
#include "text.h"
#include "text_utf8.h"
#include "top.h"

#define LINE_SIZE 4096
#define HEADER_LINES 5 /* with the table's titles */
#define FOOT_LINES 1
#define SPARK_MAX 60

/* ---- text cut and filled to a number of columns ---- */

/* As much of `text` as `width` columns hold, a whole character at the end, filled with blanks. */
static size_t fit(char *buf, size_t size, const char *text, size_t width, bool right, bool ascii)
{
	size_t columns = text_width(text), shown = 0, used = 0;
	bool cut = columns > width;
	size_t room = cut && width > 1 ? width - 1 : width;

	while (!cut && right && shown + columns < width && used + 1 < size) {
		buf[used++] = ' ';
		shown++;
	}
	while (*text && used + 5 < size) {
		uint32_t c;
		size_t length = utf8_decode(text, &c);
		unsigned int takes = length ? utf8_columns(c) : 1;

		if (!length || (ascii && length > 1)) {
			buf[used++] = '?';
			shown += 1;
			text += length ? length : c;
			if (shown >= room)
				break;
			continue;
		}
		if (shown + takes > room)
			break;
		memcpy(buf + used, text, length);
		used += length;
		shown += takes;
		text += length;
	}
	if (cut && width > 1) {
		used += (size_t)snprintf(buf + used, size - used, ascii ? "~" : "\xe2\x80\xa6");
		shown++;
	}
	while (shown++ < width && used + 1 < size)
		buf[used++] = ' ';
	buf[used] = '\0';
	return used;
}

struct canvas {
	struct top_screen *screen;
	unsigned int at, limit; /* the next line, and the first that is not to be written */
	bool ascii, failed;
};

static void put(struct canvas *c, enum top_look_of_line look, const char *text)
{
	char line[LINE_SIZE];

	if (c->at >= c->limit)
		return;
	fit(line, sizeof(line), text, c->screen->width, false, c->ascii);
	free(c->screen->lines[c->at].text);
	c->screen->lines[c->at].look = look;
	c->screen->lines[c->at].text = strdup(line);
	c->failed |= !c->screen->lines[c->at].text;
	c->at++;
}

/* ---- the header ---- */

static const char *counted(const uint64_t *counts, size_t count, const char *(*name)(unsigned int),
			   char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "none");
	for (unsigned int i = 0; i < count && used < size; i++)
		if (counts[i])
			used += (size_t)snprintf(buf + used, size - used, "%s%s %llu",
						 used ? ", " : "", i ? name(i) : "unknown",
						 (unsigned long long)counts[i]);
	return buf;
}

/* Retransmissions a second, a character a look, the latest at the right. */
static void sparkline(const struct top *t, size_t width, char *buf, size_t size)
{
	static const char *const blocks[] = { "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
					      "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
					      "\xe2\x96\x87", "\xe2\x96\x88" };
	static const char *const marks[] = { "_", ".", ":", "-", "=", "+", "*", "#" };
	size_t known = t->look_count < TOP_LOOKS ? t->look_count : TOP_LOOKS, used = 0;
	uint64_t most = 1;

	if (known > width)
		known = width;
	for (size_t i = 1; i <= known; i++) {
		uint64_t n = t->looks[(t->look_count - i) % TOP_LOOKS].retransmitted;

		most = n > most ? n : most;
	}
	buf[0] = '\0';
	for (size_t i = known; i >= 1 && used < size; i--) {
		uint64_t n = t->looks[(t->look_count - i) % TOP_LOOKS].retransmitted;
		size_t level = n ? 1 + (size_t)(n * 6 / most) : 0;

		used += (size_t)snprintf(buf + used, size - used, "%s",
					 t->ascii ? marks[level] : blocks[level]);
	}
}

static double rate_of(const struct top *t)
{
	const struct top_look *look;

	if (!t->look_count)
		return 0;
	look = &t->looks[(t->look_count - 1) % TOP_LOOKS];
	return look->took_ns > 0 ? (double)look->retransmitted * 1e9 / (double)look->took_ns : 0;
}

static const char *sort_word(enum top_sort sort)
{
	static const char *const words[] = {
#define TOP_SORT_WORD(name, word, letter) word,
		TOP_SORTS(TOP_SORT_WORD)
	};

	return words[sort];
}

static void put_header(struct canvas *c, const struct top *t, int64_t now_ns, const char *clock)
{
	char line[LINE_SIZE], list[512], spark[SPARK_MAX * 4], safe[TOP_FILTER_SIZE * 2];
	uint64_t ended[TCPTIMER_CAUSE_COUNT];
	size_t room = c->screen->width > 60 ? c->screen->width - 50 : 10;

	snprintf(line, sizeof(line), "tcptimer top %s  kernel %s  policy %s%s", clock, t->kernel,
		 t->policy, t->frozen ? "  FROZEN" : "");
	put(c, TOP_BOLD, line);
	snprintf(line, sizeof(line), "%llu socket%s, %llu stalled: %s",
		 (unsigned long long)t->sockets, t->sockets == 1 ? "" : "s",
		 (unsigned long long)t->stalled,
		 counted(t->stalled_on, TCPTIMER_TIMER_COUNT, tcptimer_timer_name, list,
			 sizeof(list)));
	put(c, TOP_PLAIN, line);
	top_minute(t, now_ns, ended);
	snprintf(line, sizeof(line), "ended in the last minute: %s; %llu lost",
		 counted(ended, TCPTIMER_CAUSE_COUNT, tcptimer_cause_name, list, sizeof(list)),
		 (unsigned long long)t->lost);
	put(c, TOP_PLAIN, line);
	sparkline(t, room < SPARK_MAX ? room : SPARK_MAX, spark, sizeof(spark));
	snprintf(line, sizeof(line), "retransmissions %s %.1f/s  by %s%s%s%s%s", spark, rate_of(t),
		 sort_word(t->sort), t->inverted ? " inverted" : "", t->tree ? ", tree" : "",
		 t->filter[0] ? "  filter: " : "",
		 t->filter[0] ? text_escape(t->filter, safe, sizeof(safe)) : "");
	put(c, TOP_PLAIN, line);
}

/* ---- the table ---- */

enum column {
	COL_LOCAL,
	COL_REMOTE,
	COL_STATE,
	COL_TIMER,
	COL_TRIES,
	COL_FIRES,
	COL_AGE,
	COL_ENDS,
	COL_CAUSE,
	COL_PROCESS,
	COL_CGROUP,
	COL_COUNT,
};

/* Columns that fall away first where space is short have the larger `from`: the screen's width. */
static const struct {
	const char *title;
	unsigned int width, most, from;
	bool right;
} columns[COL_COUNT] = {
	[COL_LOCAL] = { "LOCAL", 21, 47, 110, false },
	[COL_REMOTE] = { "REMOTE", 19, 47, 0, false },
	[COL_STATE] = { "STATE", 10, 10, 150, false },
	[COL_TIMER] = { "TIMER", 9, 9, 0, false },
	[COL_TRIES] = { "TRIES", 5, 5, 70, true },
	[COL_FIRES] = { "FIRES", 6, 6, 60, true },
	[COL_AGE] = { "STALLED", 7, 7, 0, true },
	[COL_ENDS] = { "ENDS IN", 7, 7, 0, true },
	[COL_CAUSE] = { "CAUSE", 12, 14, 76, false },
	[COL_PROCESS] = { "PROCESS", 16, 24, 130, false },
	[COL_CGROUP] = { "CGROUP", 8, 200, 80, false },
};

/* What the screen has beyond the columns' widths: first to addresses, the rest to the cgroup. */
static void widths_of(unsigned int screen, bool tree, unsigned int ret_widths[COL_COUNT])
{
	static const enum column order[] = { COL_REMOTE, COL_LOCAL, COL_CAUSE, COL_PROCESS,
					     COL_CGROUP };
	unsigned int taken = 0, extra, more;

	for (size_t i = 0; i < COL_COUNT; i++) {
		ret_widths[i] = screen >= columns[i].from ? columns[i].width : 0;
		/* In a tree the branch says the cgroup: its place is the process's. */
		if (tree && i == COL_CGROUP)
			ret_widths[i] = 0;
		if (tree && i == COL_PROCESS && screen >= columns[COL_CGROUP].from)
			ret_widths[i] = columns[COL_CGROUP].width;
		taken += ret_widths[i] ? ret_widths[i] + 1 : 0;
	}
	extra = screen + 1 > taken ? screen + 1 - taken : 0;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!ret_widths[order[i]])
			continue;
		more = columns[order[i]].most - ret_widths[order[i]];
		if (order[i] != COL_CGROUP && more > extra / 3)
			more = extra / 3;
		more = more < extra ? more : extra;
		ret_widths[order[i]] += more;
		extra -= more;
	}
}

static void put_cells(struct canvas *c, bool tree, enum top_look_of_line look,
		      const char *const *cells, bool titles)
{
	unsigned int widths[COL_COUNT];
	char line[LINE_SIZE];
	size_t used = 0;

	widths_of(c->screen->width, tree, widths);
	line[0] = '\0';
	for (size_t i = 0; i < COL_COUNT && used + 1 < sizeof(line); i++) {
		if (!widths[i])
			continue;
		if (used)
			line[used++] = ' ';
		used += fit(line + used, sizeof(line) - used, titles ? columns[i].title : cells[i],
			    widths[i], columns[i].right, c->ascii);
	}
	put(c, look, line);
}

/* What is left of a time that stood at `ms` when it was read. */
static const char *left_text(bool known, int64_t ms, int64_t passed_ms, const char *none, char *buf,
			     size_t size)
{
	if (!known)
		return none;
	ms -= passed_ms;
	return text_span(ms > 0 ? ms : 0, buf, size);
}

static void put_row(struct canvas *c, const struct top *t, const struct top_row *row, bool selected,
		    int64_t now_ns)
{
	const struct tcptimer_snapshot *s = &row->snap;
	int64_t passed_ms = (now_ns - row->at_ns) / 1000000;
	char local[64], remote[66], tries[16], fires[24], age[24], ends[24];
	char cgroup[CGROUP_NAME_SIZE];
	const char *cells[COL_COUNT];

	if (passed_ms < 0)
		passed_ms = 0;
	/* A blank before what belongs to a branch of the tree. */
	remote[0] = ' ';
	text_addr_port(s->family, s->remote_addr, s->remote_port, remote + 1, sizeof(remote) - 1);
	text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local));
	snprintf(tries, sizeof(tries), "%u", row->tries);
	cells[COL_LOCAL] = local;
	cells[COL_REMOTE] = t->tree ? remote : remote + 1;
	cells[COL_STATE] = tcptimer_state_ss_name(s->state);
	cells[COL_TIMER] = tcptimer_timer_name(row->timer);
	cells[COL_TRIES] = tries;
	cells[COL_FIRES] =
		left_text(row->has_fires, row->fires_ms, passed_ms, "-", fires, sizeof(fires));
	cells[COL_AGE] = text_span(row->age_ms + passed_ms, age, sizeof(age));
	cells[COL_ENDS] = left_text(row->has_deadline, row->deadline_ms, passed_ms, "never", ends,
				    sizeof(ends));
	cells[COL_CAUSE] = row->cause ? tcptimer_cause_name(row->cause) : "-";
	cells[COL_PROCESS] = row->process ? row->process : "-";
	cells[COL_CGROUP] = cgroup_name(row->cgroup, cgroup, sizeof(cgroup));
	put_cells(c, t->tree, selected ? TOP_REVERSE : TOP_PLAIN, cells, false);
}

static bool is_branch(const struct top *t, size_t i)
{
	const char *a, *b;

	if (!t->tree)
		return false;
	if (!i)
		return true;
	a = t->rows[i].cgroup ? t->rows[i].cgroup : "";
	b = t->rows[i - 1].cgroup ? t->rows[i - 1].cgroup : "";
	return strcmp(a, b) != 0;
}

static void put_branch(struct canvas *c, const struct top *t, size_t i)
{
	char name[CGROUP_NAME_SIZE], line[CGROUP_NAME_SIZE + 32];
	size_t end = i + 1;

	while (end < t->count && !is_branch(t, end))
		end++;
	snprintf(line, sizeof(line), "%s (%zu)", cgroup_name(t->rows[i].cgroup, name, sizeof(name)),
		 end - i);
	put(c, TOP_BOLD, line);
}

/* Lines that the rows from `first` to `last` take, their branches with them. */
static size_t lines_of(const struct top *t, size_t first, size_t last)
{
	size_t lines = 0;

	for (size_t i = first; i <= last && i < t->count; i++)
		lines += 1 + (is_branch(t, i) || (t->tree && i == first));
	return lines;
}

static void put_table(struct canvas *c, struct top *t, int64_t now_ns, size_t room)
{
	unsigned int end = c->at + (unsigned int)room;

	if (t->first > t->selected)
		t->first = t->selected;
	while (t->first < t->selected && lines_of(t, t->first, t->selected) > room)
		t->first++;
	if (!t->count)
		put(c, TOP_PLAIN,
		    t->filter[0] ? "no connection that matches stalls" : "no connection stalls");
	for (size_t i = t->first; i < t->count && c->at < end; i++) {
		if (is_branch(t, i) || (t->tree && i == t->first))
			put_branch(c, t, i);
		if (c->at < end)
			put_row(c, t, &t->rows[i], i == t->selected, now_ns);
	}
}

/* ---- what stands in the table's place ---- */

static const char help_text[] =
	"Up Down PgUp PgDn Home End   move the bar\n"
	"Enter                        the connection's coming timeline; Esc back\n"
	"F4  /                        filter, in the words of tcptimer(8); empty: everything\n"
	"F5  t                        tree by cgroup\n"
	"F6  >                        sort by ...\n"
	"D A C T                      ... deadline, age, cgroup, timer\n"
	"I                            the other way round\n"
	"F8  Z  Space                 freeze the screen, and go on\n"
	"F10 q                        quit\n"
	"\n"
	"STALLED  how long, by the clock that the kernel compares with its limits\n"
	"FIRES    when the timer that fires first does\n"
	"ENDS IN  when the kernel will end the connection, and CAUSE why\n"
	"\n"
	"any key goes back\n";

/* Bytes of a line that fit the screen: to its end, else to the last blank that does, else all. */
static size_t wrapped(const char *text, size_t width)
{
	size_t length = strcspn(text, "\n"), shown = 0, blank = 0, at = 0;

	while (at < length) {
		uint32_t c;
		size_t taken = utf8_decode(text + at, &c);

		shown += taken ? utf8_columns(c) : 1;
		if (shown > width)
			return blank ? blank : length;
		if (text[at] == ' ')
			blank = at + 1;
		at += taken ? taken : c;
	}
	return length;
}

/* Lines from the first on, those that are too long continued. Returns how many lines all of it takes. */
static size_t put_text(struct canvas *c, const char *text, size_t first, size_t room)
{
	char line[LINE_SIZE];
	size_t lines = 0;

	while (*text) {
		size_t length = wrapped(text, c->screen->width);

		if (lines >= first && lines < first + room) {
			snprintf(line, sizeof(line), "%.*s", (int)length, text);
			put(c, TOP_PLAIN, line);
		}
		text += length + (text[length] == '\n');
		lines++;
	}
	return lines;
}

static void put_menu(struct canvas *c, const struct top *t)
{
	for (unsigned int i = 0; i < TOP_SORT_COUNT; i++)
		put(c, i == t->menu ? TOP_REVERSE : TOP_PLAIN, sort_word((enum top_sort)i));
}

/* ---- the foot ---- */

/* The filter as it is written, escaped: where it is longer than the screen, its end. */
static void filter_tail(const struct top *t, size_t width, char *buf, size_t size)
{
	const char *from = t->edited;

	while (text_width(text_escape(from, buf, size)) + sizeof("filter: _") > width && *from)
		do
			from++;
		while (((unsigned char)*from & 0xc0) == 0x80);
}

static void put_foot(struct canvas *c, const struct top *t)
{
	char line[LINE_SIZE], safe[TOP_FILTER_SIZE * 4];

	c->at = c->screen->height - FOOT_LINES;
	c->limit = c->screen->height;
	switch (t->mode) {
	case TOP_FILTER:
		if (t->message[0]) {
			c->at--;
			put(c, TOP_BOLD, t->message);
		}
		filter_tail(t, c->screen->width, safe, sizeof(safe));
		snprintf(line, sizeof(line), "filter: %s_", safe);
		break;
	case TOP_SORT_MENU:
		snprintf(line, sizeof(line), "sort by: Up Down Enter, Esc back");
		break;
	case TOP_EXPLAIN:
		snprintf(line, sizeof(line), "Up Down PgUp PgDn  Esc back");
		break;
	case TOP_HELP:
		line[0] = '\0';
		break;
	default:
		snprintf(
			line, sizeof(line),
			"F1 Help  F4 Filter  F5 Tree  F6 Sort  F8 Freeze  Enter Explain  F10 Quit");
	}
	put(c, TOP_REVERSE, line);
}

void top_screen_free(struct top_screen *screen)
{
	for (unsigned int i = 0; screen->lines && i < screen->height; i++)
		free(screen->lines[i].text);
	free(screen->lines);
	*screen = (struct top_screen){};
}

static void put_middle(struct canvas *c, struct top *t, int64_t now_ns, size_t room)
{
	static const char *const none[COL_COUNT];

	switch (t->mode) {
	case TOP_HELP:
		put(c, TOP_REVERSE, "help");
		put_text(c, help_text, 0, room);
		break;
	case TOP_EXPLAIN:
		put(c, TOP_REVERSE, "explain");
		t->explain_lines =
			put_text(c, t->explain ? t->explain : "", t->explain_first, room);
		break;
	case TOP_SORT_MENU:
		put(c, TOP_REVERSE, "sort by");
		put_menu(c, t);
		break;
	default:
		put_cells(c, t->tree, TOP_REVERSE, none, true);
		put_table(c, t, now_ns, room);
	}
}

int top_draw(struct top *t, int64_t now_ns, const char *clock, unsigned int height,
	     unsigned int width, struct top_screen *screen)
{
	struct canvas c = { .screen = screen, .limit = height, .ascii = t->ascii };
	size_t room = height > HEADER_LINES + FOOT_LINES ? height - HEADER_LINES - FOOT_LINES : 0;

	top_screen_free(screen);
	screen->lines = calloc(height ? height : 1, sizeof(*screen->lines));
	if (!screen->lines)
		return -ENOMEM;
	screen->height = height;
	screen->width = width < LINE_SIZE / 8 ? width : LINE_SIZE / 8;
	if (t->frozen)
		now_ns = t->frozen_ns;
	t->page = room;
	if (height < HEADER_LINES + FOOT_LINES + 1 || width < 20) {
		put(&c, TOP_PLAIN, "the screen is too small");
		return c.failed ? -ENOMEM : 0;
	}
	c.limit = height - FOOT_LINES;
	put_header(&c, t, now_ns, clock);
	put_middle(&c, t, now_ns, room);
	while (c.at < c.limit && !c.failed)
		put(&c, TOP_PLAIN, "");
	put_foot(&c, t);
	return c.failed ? -ENOMEM : 0;
}

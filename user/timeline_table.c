// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A timeline as a table with its closing lines, and several side by side.
 * Receives views that timeline_run() filled; hands lines on a FILE. Pure.
 */
#include <errno.h>
#include <string.h>
#include "text.h"
#include "timeline_text.h"

/* Fewer equal events than this are shown one by one. */
#define FOLD_MIN 4
#define COMPARE_VIEWS_MAX 12
#define COMPARE_ROWS_MAX 96

static const struct text_column event_columns[] = {
	{ "AT", TEXT_RIGHT, 8 },
	{ "TIMER", TEXT_LEFT, 9 },
	{ "EVENT", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "NEXT IN", TEXT_RIGHT, 7 },
};

static const char *next_text(uint32_t rto_ms, char *buf, size_t size)
{
	return rto_ms ? text_span(rto_ms, buf, size) : "-";
}

static int event_row(struct text_table *table, const struct tcptimer_engine_event *ev, bool repeats)
{
	char at[64], text[TIMELINE_TEXT_SIZE], next[24];
	const char *cells[] = {
		timeline_range_text(ev->at_min_ms, ev->at_max_ms, at, sizeof(at)),
		tcptimer_timer_name(ev->timer),
		timeline_event_text(ev, text, sizeof(text)),
		next_text(ev->rto_ms, next, sizeof(next)),
	};

	if (repeats && strlen(text) + 20 < sizeof(text))
		strcat(text, ", and so on");
	return text_table_row(table, cells);
}

/* Flags that last are told once, where they begin; and not of the end, which matters more. */
static struct tcptimer_engine_event event_news(const struct timeline_view *view, size_t index)
{
	const uint32_t lasting = TCPTIMER_EV_ROUTE_CHECKED | TCPTIMER_EV_MTU_PROBE;
	struct tcptimer_engine_event ev = view->events[index];
	size_t i;

	if (timeline_kind(&ev) == TIMELINE_END)
		ev.flags &= ~lasting;
	for (i = 0; i < index; i++)
		if (view->events[i].timer == ev.timer)
			ev.flags &= ~(view->events[i].flags & lasting);
	return ev;
}

/* "… 8 more probes, one each 75s, until 2h11m" */
static int fold_row(struct text_table *table, const struct tcptimer_engine_event *last,
		    size_t count)
{
	char each[24], until[24], text[TIMELINE_TEXT_SIZE];
	const char *cells[] = { "…", tcptimer_timer_name(last->timer), text, "" };

	text_span((int64_t)last->at_ms, until, sizeof(until));
	if (last->rto_ms)
		snprintf(text, sizeof(text), "… %zu more, one each %s, until %s", count,
			 text_span(last->rto_ms, each, sizeof(each)), until);
	else
		snprintf(text, sizeof(text), "… %zu more until %s", count, until);
	return text_table_row(table, cells);
}

/* A timer set again between the firings of another: told once, not each time. */
static bool event_repeats(const struct timeline_view *view, size_t from, size_t to, size_t index)
{
	const struct tcptimer_engine_event *ev = &view->events[index];
	size_t i;

	if (timeline_kind(ev) != TIMELINE_REARMED || view->timeline.deadline.never)
		return false;
	for (i = from; i < to; i++)
		if (view->events[i].timer == ev->timer && view->events[i].action == ev->action &&
		    view->events[i].rto_ms == ev->rto_ms)
			return true;
	return false;
}

int timeline_print_events(const struct timeline_view *view, FILE *out, unsigned int width)
{
	struct text_table *table;
	struct tcptimer_engine_event ev;
	size_t i = 0, length;
	int err;

	if (!view->timeline.count)
		return 0;
	table = text_table_new(out, event_columns, 4, width, 1);
	err = table ? 0 : -ENOMEM;
	while (!err && i < view->timeline.count) {
		if (event_repeats(view, 0, i, i)) {
			i++;
			continue;
		}
		length = timeline_run_length(view, i);
		ev = event_news(view, i);
		err = event_row(table, &ev, event_repeats(view, i + 1, view->timeline.count, i));
		i++;
		if (length < FOLD_MIN)
			continue;
		i += length - 1;
		if (!err)
			err = fold_row(table, &view->events[i - 1], length - 1);
	}
	if (!err && view->timeline.truncated) {
		const char *cells[] = { "…", "", "and so on", "" };

		err = text_table_row(table, cells);
	}
	if (table && text_table_end(table) && !err)
		err = -EIO;
	return err;
}

static void print_runner_up(const struct timeline_view *view, FILE *out)
{
	const struct tcptimer_deadline *next = &view->timeline.runner_up;
	char limit[128], when[96], err[24];

	if (next->never && !strcmp(timeline_limit_source(view->timeline.deadline.limit), "kernel"))
		return;
	if (next->never) {
		fprintf(out, "without   that limit, nothing would end it\n");
		return;
	}
	fprintf(out, "without   that limit, %s would end it %s%s%s\n",
		timeline_limit_text(next, limit, sizeof(limit)),
		timeline_when_text(next, when, sizeof(when)), next->err ? ": " : "",
		next->err ? timeline_errno_text(next->err, err, sizeof(err)) : "");
}

static void print_never(const struct timeline_view *view, FILE *out)
{
	const struct tcptimer_deadline *silent = &view->silent;
	char limit[128], when[96];
	const char *peer = tcptimer_peer_name(view->timeline.deadline.peer);

	if (view->snap.state == TCPTIMER_STATE_CLOSE) {
		fprintf(out, "ends      at once: the connection is closed\n");
		return;
	}
	if (!view->timeline.count) {
		fprintf(out,
			"ends      never: no timer is armed, so nothing would notice a dead peer\n");
		return;
	}
	fprintf(out, "ends      never, while the peer is as assumed (%s)\n", peer);
	if (!view->has_silent)
		return;
	if (silent->never)
		fprintf(out,
			"silent    also never: no timer is armed that would notice a dead peer\n");
	else
		fprintf(out, "silent    if the peer fell silent now: %s by %s\n",
			timeline_when_text(silent, when, sizeof(when)),
			timeline_limit_text(silent, limit, sizeof(limit)));
}

int timeline_print_end(const struct timeline_view *view, FILE *out)
{
	const struct tcptimer_deadline *dl = &view->timeline.deadline;
	char when[96], outcome[128], limit[128];

	if (view->error == TCPTIMER_ENGINE_ELONG) {
		fprintf(out, "ends      not within %s: %s\n",
			text_span((int64_t)dl->at_min_ms, when, sizeof(when)),
			tcptimer_engine_strerror(view->error));
	} else if (dl->never) {
		print_never(view, out);
	} else {
		fprintf(out, "ends      %s: %s\n", timeline_when_text(dl, when, sizeof(when)),
			timeline_outcome_text(dl, outcome, sizeof(outcome)));
		fprintf(out, "decided   by %s\n", timeline_limit_text(dl, limit, sizeof(limit)));
		if (dl->limit != TCPTIMER_LIMIT_NONE)
			print_runner_up(view, out);
	}
	return ferror(out) ? -EIO : 0;
}

/* ---- side by side */

struct compare_row {
	const struct tcptimer_engine_event *cells[COMPARE_VIEWS_MAX];
	const struct tcptimer_engine_event *first; /* any of them, for the title */
	unsigned int
		occurrence; /* among those of its view that look alike: numbered 0 by the kernel */
};

struct compare {
	struct compare_row rows[COMPARE_ROWS_MAX];
	size_t count;
	size_t omitted;
};

static bool events_alike(const struct tcptimer_engine_event *a,
			 const struct tcptimer_engine_event *b)
{
	return a->timer == b->timer && a->n == b->n && timeline_kind(a) == timeline_kind(b);
}

static unsigned int occurrence_of(const struct timeline_view *view, size_t index)
{
	unsigned int before = 0;
	size_t i;

	for (i = 0; i < index; i++)
		before += events_alike(&view->events[i], &view->events[index]);
	return before;
}

/* Numbered alike: by number, since kernels differ in the times; otherwise by time. */
static bool event_before(const struct tcptimer_engine_event *a,
			 const struct tcptimer_engine_event *b)
{
	if (a->timer == b->timer && timeline_kind(a) == timeline_kind(b) && a->n && b->n)
		return a->n < b->n;
	return a->at_ms < b->at_ms;
}

/* Put an event in the row of its like, or in a new row at its time. */
static void compare_add(struct compare *c, size_t column, const struct tcptimer_engine_event *ev,
			unsigned int occurrence)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		if (c->rows[i].occurrence == occurrence && events_alike(c->rows[i].first, ev)) {
			c->rows[i].cells[column] = ev;
			return;
		}
	}
	if (c->count == COMPARE_ROWS_MAX) {
		c->omitted++;
		return;
	}
	for (i = c->count; i > 0 && event_before(ev, c->rows[i - 1].first); i--)
		c->rows[i] = c->rows[i - 1];
	c->rows[i] = (struct compare_row){ .first = ev, .occurrence = occurrence };
	c->rows[i].cells[column] = ev;
	c->count++;
}

static int compare_row_print(struct text_table *table, const struct compare_row *row, size_t count)
{
	char title[64], at[COMPARE_VIEWS_MAX][64];
	const char *cells[COMPARE_VIEWS_MAX + 1] = { title };
	const char *name = timeline_kind_name(timeline_kind(row->first));
	size_t i;

	if (row->first->n)
		snprintf(title, sizeof(title), "%s %u", name, row->first->n);
	else
		snprintf(title, sizeof(title), "%s", name);
	for (i = 0; i < count; i++) {
		const struct tcptimer_engine_event *ev = row->cells[i];

		cells[i + 1] = ev ? timeline_range_text(ev->at_min_ms, ev->at_max_ms, at[i],
							sizeof(at[i])) :
				    "-";
	}
	return text_table_row(table, cells);
}

/* The closing rows, one fact each. */
struct compare_fact {
	const char *title;
	const char *(*text)(const struct tcptimer_deadline *deadline, char *buf, size_t size);
};

static const char *fact_limit(const struct tcptimer_deadline *dl, char *buf, size_t size)
{
	if (dl->never)
		return "-";
	timeline_limit_text(dl, buf, size);
	buf[strcspn(buf, "(")] = '\0'; /* without where it is set: columns are narrow */
	if (strlen(buf) && buf[strlen(buf) - 1] == ' ')
		buf[strlen(buf) - 1] = '\0';
	return buf;
}

static const char *fact_errno(const struct tcptimer_deadline *dl, char *buf, size_t size)
{
	return dl->err ? timeline_errno_text(dl->err, buf, size) : "-";
}

static const char *fact_deadline(const struct tcptimer_deadline *dl, char *buf, size_t size)
{
	if (dl->never)
		return "never";
	return timeline_range_text(dl->at_min_ms, dl->at_max_ms, buf, size);
}

static const struct compare_fact compare_facts[] = {
	{ "decided by", fact_limit },
	{ "errno", fact_errno },
	{ "deadline", fact_deadline },
};

static int compare_facts_print(struct text_table *table, const struct timeline_view *const *views,
			       size_t count)
{
	char text[COMPARE_VIEWS_MAX][96];
	const char *cells[COMPARE_VIEWS_MAX + 1];
	size_t fact, i;
	int err = 0;

	for (fact = 0; !err && fact < sizeof(compare_facts) / sizeof(compare_facts[0]); fact++) {
		cells[0] = compare_facts[fact].title;
		for (i = 0; i < count; i++)
			cells[i + 1] = compare_facts[fact].text(&views[i]->timeline.deadline,
								text[i], sizeof(text[i]));
		err = text_table_row(table, cells);
	}
	return err;
}

int timeline_print_compare(const struct timeline_view *const *views, size_t count, FILE *out,
			   unsigned int width)
{
	struct text_column columns[COMPARE_VIEWS_MAX + 1] = { { "EVENT", TEXT_LEFT, 12 } };
	struct compare compare = {};
	struct text_table *table;
	size_t i, j;
	int err = 0;

	if (count > COMPARE_VIEWS_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		columns[i + 1] = (struct text_column){ views[i]->title, TEXT_RIGHT, 8 };
		for (j = 0; j < views[i]->timeline.count; j++)
			if (timeline_kind(&views[i]->events[j]) != TIMELINE_END)
				compare_add(&compare, i, &views[i]->events[j],
					    occurrence_of(views[i], j));
	}
	table = text_table_new(out, columns, count + 1, width, 1);
	if (!table)
		return -ENOMEM;
	for (i = 0; !err && i < compare.count; i++)
		err = compare_row_print(table, &compare.rows[i], count);
	if (!err)
		err = compare_facts_print(table, views, count);
	if (text_table_end(table) && !err)
		err = -EIO;
	if (compare.omitted)
		fprintf(out, "%zu later events are left out\n", compare.omitted);
	return err;
}

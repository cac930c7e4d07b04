// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The live screen's state: rows, their order, the bar, and what keys do.
 * Receives looks and keys; hands the state to top_draw.c. Pure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"
#include "top.h"

void top_init(struct top *t)
{
	*t = (struct top){ .kernel = "" };
	snprintf(t->policy, sizeof(t->policy), "none");
}

static void rows_free(struct top *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->rows[i].cgroup);
		free(t->rows[i].process);
	}
	t->count = 0;
}

void top_free(struct top *t)
{
	rows_free(t);
	free(t->rows);
	free(t->explain);
	*t = (struct top){};
}

/* ---- a look ---- */

static struct top_bar bar_of(const struct top *t)
{
	const struct top_row *row = top_selected(t);

	if (!row)
		return (struct top_bar){};
	return (struct top_bar){ true, row->snap.sk, row->snap.local_port, row->snap.remote_port };
}

static void bar_restore(struct top *t, const struct top_bar *bar)
{
	for (size_t i = 0; bar->set && i < t->count; i++) {
		const struct tcptimer_snapshot *snap = &t->rows[i].snap;

		if (snap->sk == bar->sk && snap->local_port == bar->local_port &&
		    snap->remote_port == bar->remote_port) {
			t->selected = i;
			return;
		}
	}
	if (t->selected >= t->count)
		t->selected = t->count ? t->count - 1 : 0;
}

void top_look_begin(struct top *t)
{
	struct top_look *look = &t->looks[t->look_count % TOP_LOOKS];

	t->bar = bar_of(t);
	rows_free(t);
	t->sockets = t->stalled = 0;
	memset(t->stalled_on, 0, sizeof(t->stalled_on));
	*look = (struct top_look){};
}

static int rows_reserve(struct top *t)
{
	size_t size = t->size ? t->size * 2 : 64;
	struct top_row *rows;

	if (t->count < t->size)
		return 0;
	rows = reallocarray(t->rows, size, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	t->size = size;
	return 0;
}

static unsigned int tries_of(const struct tcptimer_snapshot *snap, enum tcptimer_timer timer)
{
	switch (timer) {
	case TCPTIMER_TIMER_PROBE0:
	case TCPTIMER_TIMER_KEEPALIVE:
		return snap->probes_out;
	case TCPTIMER_TIMER_SYNACK:
		return snap->num_timeout;
	default:
		return snap->retransmits;
	}
}

static char *process_text(const struct conn *conn)
{
	char comm[80], buf[128];

	if (!conn->pid)
		return NULL;
	snprintf(buf, sizeof(buf), "%s/%d", text_escape(conn->comm, comm, sizeof(comm)), conn->pid);
	return strdup(buf);
}

int top_look_add(struct top *t, const struct conn *conn, int64_t now_ns)
{
	int timer = tcptimer_stall_timer(conn->snap);
	struct armed_timer timers[ARMED_MAX];
	struct top_row *row;

	t->sockets++;
	if (timer == TCPTIMER_TIMER_NONE)
		return 0;
	t->stalled++;
	t->stalled_on[timer]++;
	if (t->count >= TOP_ROWS_MAX)
		return 0;
	if (rows_reserve(t))
		return -ENOMEM;
	row = &t->rows[t->count];
	*row = (struct top_row){
		.snap = *conn->snap,
		.at_ns = now_ns,
		.timer = (enum tcptimer_timer)timer,
		.age_ms = conn_stall_ms(conn->snap, conn->hz),
		.has_deadline = conn->has_deadline,
		.deadline_ms = conn->deadline_ms,
		.cause = conn->has_deadline ? conn->deadline_cause : TCPTIMER_CAUSE_NONE,
		.tries = tries_of(conn->snap, (enum tcptimer_timer)timer),
		.process = process_text(conn),
	};
	row->has_fires = conn_timers(conn->snap, conn->hz, timers) > 0;
	row->fires_ms = row->has_fires ? timers[0].expires_ms : 0;
	if (conn->cgroup && !(row->cgroup = strdup(conn->cgroup))) {
		free(row->process);
		return -ENOMEM;
	}
	t->count++;
	return 0;
}

void top_look_counts(struct top *t, const struct tcptimer_summary_counts *counts)
{
	struct top_look *look = &t->looks[t->look_count % TOP_LOOKS];

	look->retransmitted += counts->retransmitted;
	for (size_t i = 0; i < TCPTIMER_CAUSE_COUNT; i++)
		look->ended[i] += counts->ended[i];
}

static int compare_cgroups(const struct top_row *a, const struct top_row *b)
{
	return strcmp(a->cgroup ? a->cgroup : "", b->cgroup ? b->cgroup : "");
}

/* The nearest deadline first; what never ends comes last. */
static int compare_deadlines(const struct top_row *a, const struct top_row *b)
{
	if (a->has_deadline != b->has_deadline)
		return a->has_deadline ? -1 : 1;
	return (a->deadline_ms > b->deadline_ms) - (a->deadline_ms < b->deadline_ms);
}

static int compare_by(enum top_sort sort, const struct top_row *a, const struct top_row *b)
{
	int order = 0;

	switch (sort) {
	case TOP_SORT_AGE:
		order = (a->age_ms < b->age_ms) - (a->age_ms > b->age_ms);
		break;
	case TOP_SORT_CGROUP:
		order = compare_cgroups(a, b);
		break;
	case TOP_SORT_TIMER:
		order = strcmp(tcptimer_timer_name(a->timer), tcptimer_timer_name(b->timer));
		break;
	default:
		break;
	}
	return order ? order : compare_deadlines(a, b);
}

static int compare_rows(const void *left, const void *right, void *arg)
{
	const struct top_row *a = left, *b = right;
	const struct top *t = arg;
	int order = t->tree ? compare_cgroups(a, b) : 0;

	if (!order)
		order = t->inverted ? compare_by(t->sort, b, a) : compare_by(t->sort, a, b);
	return order ? order : (a->snap.sk > b->snap.sk) - (a->snap.sk < b->snap.sk);
}

static void sort_rows(struct top *t)
{
	if (t->count)
		qsort_r(t->rows, t->count, sizeof(*t->rows), compare_rows, t);
}

void top_look_end(struct top *t, int64_t now_ns)
{
	struct top_look *look = &t->looks[t->look_count % TOP_LOOKS];
	const struct top_look *last = t->look_count ? &t->looks[(t->look_count - 1) % TOP_LOOKS] :
						      NULL;

	look->at_ns = now_ns;
	look->took_ns = last ? now_ns - last->at_ns : 0;
	t->look_count++;
	sort_rows(t);
	bar_restore(t, &t->bar);
}

uint64_t top_minute(const struct top *t, int64_t now_ns, uint64_t ret_ended[TCPTIMER_CAUSE_COUNT])
{
	size_t known = t->look_count < TOP_LOOKS ? t->look_count : TOP_LOOKS;
	uint64_t sum = 0;

	memset(ret_ended, 0, TCPTIMER_CAUSE_COUNT * sizeof(*ret_ended));
	for (size_t i = 1; i <= known; i++) {
		const struct top_look *look = &t->looks[(t->look_count - i) % TOP_LOOKS];

		if (now_ns - look->at_ns >= TOP_MINUTE_NS)
			break;
		for (size_t cause = 0; cause < TCPTIMER_CAUSE_COUNT; cause++) {
			ret_ended[cause] += look->ended[cause];
			sum += look->ended[cause];
		}
	}
	return sum;
}

/* ---- what is chosen ---- */

const struct top_row *top_selected(const struct top *t)
{
	return t->selected < t->count ? &t->rows[t->selected] : NULL;
}

const struct top_row *top_explained(const struct top *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].snap.sk == t->explain_sk &&
		    t->rows[i].snap.cookie == t->explain_cookie)
			return &t->rows[i];
	return NULL;
}

void top_explain(struct top *t, char *lines, uint64_t sk, uint64_t cookie)
{
	bool same = t->mode == TOP_EXPLAIN && t->explain_sk == sk && t->explain_cookie == cookie;

	free(t->explain);
	t->explain = lines;
	t->explain_sk = sk;
	t->explain_cookie = cookie;
	t->mode = TOP_EXPLAIN;
	if (!same)
		t->explain_first = 0;
}

static void sort_by(struct top *t, enum top_sort sort)
{
	struct top_bar bar = bar_of(t);

	t->sort = sort;
	sort_rows(t);
	bar_restore(t, &bar);
}

static void resort(struct top *t)
{
	sort_by(t, t->sort);
}

static void freeze(struct top *t, int64_t now_ns)
{
	t->frozen = !t->frozen;
	t->frozen_ns = now_ns;
}

void top_filter_taken(struct top *t)
{
	memcpy(t->filter, t->edited, sizeof(t->filter));
	t->message[0] = '\0';
	t->mode = TOP_TABLE;
}

void top_filter_refused(struct top *t, const char *why)
{
	snprintf(t->message, sizeof(t->message), "%s", why);
}

/* ---- keys ---- */

/* Up, down, pages, ends: a position in 0..last. True: the key was one of those. */
static bool key_moves(uint32_t key, size_t *position, size_t last, size_t page)
{
	size_t at = *position;

	if (!page)
		page = 1;
	switch (key) {
	case TOP_KEY_UP:
		at -= at > 0;
		break;
	case TOP_KEY_DOWN:
		at++;
		break;
	case TOP_KEY_PAGE_UP:
		at -= at < page ? at : page;
		break;
	case TOP_KEY_PAGE_DOWN:
		at += page;
		break;
	case TOP_KEY_HOME:
		at = 0;
		break;
	case TOP_KEY_END:
		at = last;
		break;
	default:
		return false;
	}
	*position = at < last ? at : last;
	return true;
}

static void filter_append(struct top *t, uint32_t c)
{
	size_t used = strlen(t->edited);
	char utf8[5] = "";
	size_t length = 1;

	if (c < 0x20 || c == 0x7f || c > 0x10ffff)
		return;
	if (c < 0x80) {
		utf8[0] = (char)c;
	} else if (c < 0x800) {
		length = 2;
		utf8[0] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		length = 3;
		utf8[0] = (char)(0xe0 | c >> 12);
	} else {
		length = 4;
		utf8[0] = (char)(0xf0 | c >> 18);
	}
	for (size_t i = 1; i < length; i++)
		utf8[i] = (char)(0x80 | (c >> 6 * (length - 1 - i) & 0x3f));
	if (used + length < sizeof(t->edited))
		memcpy(t->edited + used, utf8, length + 1);
}

/* A whole character: the bytes that continue one go with their first. */
static void filter_backspace(struct top *t)
{
	size_t used = strlen(t->edited);

	while (used && ((unsigned char)t->edited[used - 1] & 0xc0) == 0x80)
		used--;
	t->edited[used ? used - 1 : 0] = '\0';
}

static enum top_asks key_filter(struct top *t, uint32_t key)
{
	switch (key) {
	case TOP_KEY_ESCAPE:
		t->mode = TOP_TABLE;
		t->message[0] = '\0';
		break;
	case TOP_KEY_ENTER:
		return TOP_ASKS_FILTER;
	case TOP_KEY_BACKSPACE:
		filter_backspace(t);
		break;
	case TOP_KEY_CLEAR:
		t->edited[0] = '\0';
		break;
	default:
		filter_append(t, key);
	}
	return TOP_ASKS_NOTHING;
}

static enum top_asks key_menu(struct top *t, uint32_t key)
{
	size_t at = t->menu;

	if (key_moves(key, &at, TOP_SORT_COUNT - 1, TOP_SORT_COUNT)) {
		t->menu = (unsigned int)at;
	} else {
		if (key == TOP_KEY_ENTER)
			sort_by(t, (enum top_sort)t->menu);
		t->mode = TOP_TABLE;
	}
	return TOP_ASKS_NOTHING;
}

static enum top_asks key_explain(struct top *t, uint32_t key)
{
	size_t last = t->explain_lines > t->page ? t->explain_lines - t->page : 0;

	if (!key_moves(key, &t->explain_first, last, t->page) &&
	    (key == TOP_KEY_ESCAPE || key == 'q' || key == TOP_KEY_ENTER || key == TOP_KEY_F10))
		t->mode = TOP_TABLE;
	return TOP_ASKS_NOTHING;
}

static bool key_sorts(struct top *t, uint32_t key)
{
#define TOP_SORT_KEY(name, word, letter)                                                           \
	if (key == (letter)) {                                                                     \
		sort_by(t, TOP_SORT_##name);                                                       \
		return true;                                                                       \
	}
	TOP_SORTS(TOP_SORT_KEY)
	return false;
}

static enum top_asks key_table(struct top *t, uint32_t key, int64_t now_ns)
{
	if (key_moves(key, &t->selected, t->count ? t->count - 1 : 0, t->page) || key_sorts(t, key))
		return TOP_ASKS_NOTHING;
	switch (key) {
	case 'q':
	case TOP_KEY_F10:
		return TOP_ASKS_QUIT;
	case 'h':
	case '?':
	case TOP_KEY_F1:
		t->mode = TOP_HELP;
		break;
	case '/':
	case '\\':
	case TOP_KEY_F1 + 3:
		memcpy(t->edited, t->filter, sizeof(t->edited));
		t->mode = TOP_FILTER;
		break;
	case 't':
	case TOP_KEY_F1 + 4:
		t->tree = !t->tree;
		resort(t);
		break;
	case '>':
	case '<':
	case TOP_KEY_F1 + 5:
		t->menu = t->sort;
		t->mode = TOP_SORT_MENU;
		break;
	case 'I':
		t->inverted = !t->inverted;
		resort(t);
		break;
	case 'Z':
	case ' ':
	case TOP_KEY_F1 + 7:
		freeze(t, now_ns);
		break;
	case TOP_KEY_ENTER:
		return t->count ? TOP_ASKS_EXPLAIN : TOP_ASKS_NOTHING;
	}
	return TOP_ASKS_NOTHING;
}

enum top_asks top_key(struct top *t, uint32_t key, int64_t now_ns)
{
	switch (t->mode) {
	case TOP_FILTER:
		return key_filter(t, key);
	case TOP_SORT_MENU:
		return key_menu(t, key);
	case TOP_EXPLAIN:
		return key_explain(t, key);
	case TOP_HELP:
		t->mode = TOP_TABLE;
		return TOP_ASKS_NOTHING;
	default:
		return key_table(t, key, now_ns);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live screen without its terminal: what is shown, what keys do to it, and each line's text.
 * Receives looks at the host and keys from user/cli/top.c; hands lines. Pure: time is passed in.
 */
#ifndef TCPTIMER_TOP_H
#define TCPTIMER_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "conn.h"
#include "tcptimer/summary_map.h"

#define TOP_ROWS_MAX 100000 /* stalled connections that are kept; more are counted only */
#define TOP_LOOKS 512       /* remembered, for the last minute and the sparkline */
#define TOP_MINUTE_NS 60000000000LL
#define TOP_FILTER_SIZE 512
#define TOP_NAME_SIZE 256

/*
 * Orders of the table.
 *   X(ENUMERATOR, "word", letter)
 */
#define TOP_SORTS(X)                                                                               \
	X(DEADLINE, "deadline", 'D')                                                               \
	X(AGE, "age", 'A') X(CGROUP, "cgroup", 'C') X(TIMER, "timer", 'T')
#define TOP_SORT_ENUM(name, word, letter) TOP_SORT_##name,
enum top_sort { TOP_SORTS(TOP_SORT_ENUM) TOP_SORT_COUNT };

/* A stalled connection, as it was read at at_ns (CLOCK_MONOTONIC). */
struct top_row {
	struct tcptimer_snapshot snap;
	int64_t at_ns;
	enum tcptimer_timer timer; /* keeps the stall */
	bool has_fires, has_deadline;
	int64_t fires_ms, age_ms, deadline_ms;
	enum tcptimer_cause cause; /* of the deadline */
	unsigned int tries;
	char *cgroup;  /* raw path; NULL: unknown */
	char *process; /* escaped, "NAME/PID"; NULL: none known */
};

/* What one look has brought. */
struct top_look {
	int64_t at_ns, took_ns; /* since the look before it */
	uint64_t retransmitted;
	uint64_t ended[TCPTIMER_CAUSE_COUNT];
};

enum top_mode { TOP_TABLE, TOP_HELP, TOP_SORT_MENU, TOP_FILTER, TOP_EXPLAIN };

/* Keys that are no characters. */
enum top_key {
	TOP_KEY_UP = 0x110000, /* beyond Unicode */
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
	TOP_KEY_BACKSPACE,
	TOP_KEY_CLEAR, /* ^U */
	TOP_KEY_F1,    /* to F10, in this order */
	TOP_KEY_F10 = TOP_KEY_F1 + 9,
};

/* What a key asks of the command. */
enum top_asks {
	TOP_ASKS_NOTHING, /* but to be drawn again */
	TOP_ASKS_QUIT,
	TOP_ASKS_FILTER, /* top.edited is to be the filter: top_filter_taken() or top_filter_refused() */
	TOP_ASKS_EXPLAIN, /* the selected connection: top_explain() */
};

/* The bar stays on its connection, whatever place that has in the next look. */
struct top_bar {
	bool set;
	uint64_t sk;
	uint16_t local_port, remote_port;
};

struct top {
	/* facts, set by the command once */
	const char *kernel; /* printable: "6.18.3 (as 6.18)" */
	bool ascii;         /* the terminal takes no UTF-8 */
	/* facts, set with each look */
	char policy[TOP_NAME_SIZE]; /* printable: "none", "generation 3, 12 rules" */
	uint64_t sockets, stalled, stalled_on[TCPTIMER_TIMER_COUNT], lost;
	struct top_row *rows;
	size_t count, size;
	struct top_look looks[TOP_LOOKS]; /* a ring */
	size_t look_count;                /* so far; the last is at (look_count - 1) % TOP_LOOKS */
	/* what the person has chosen */
	enum top_mode mode;
	enum top_sort sort;
	bool inverted, tree, frozen;
	int64_t frozen_ns;      /* time stands still there */
	struct top_bar bar;     /* between begin and end of a look */
	size_t selected, first; /* in the table; the first line shown */
	size_t page;            /* lines of the table as drawn last */
	unsigned int menu;      /* of TOP_SORT_MENU */
	char filter[TOP_FILTER_SIZE], edited[TOP_FILTER_SIZE];
	char message[TOP_FILTER_SIZE]; /* printable; of a filter refused, or "" */
	/* TOP_EXPLAIN */
	uint64_t explain_sk, explain_cookie;
	char *explain; /* printable lines */
	size_t explain_first, explain_lines;
};

void top_init(struct top *t);
void top_free(struct top *t);

/* A look: forget the rows, take each connection (those that do not stall are counted), then end it. */
void top_look_begin(struct top *t);
/* 0 or -ENOMEM. `now_ns` is when it was read. */
int top_look_add(struct top *t, const struct conn *conn, int64_t now_ns);
void top_look_counts(struct top *t, const struct tcptimer_summary_counts *counts);
void top_look_end(struct top *t, int64_t now_ns);

/* Characters are Unicode's. */
enum top_asks top_key(struct top *t, uint32_t key, int64_t now_ns);
void top_filter_taken(struct top *t);
void top_filter_refused(struct top *t, const char *why);

/* The connection under the bar; NULL: the table is empty. */
const struct top_row *top_selected(const struct top *t);
/* The one that TOP_EXPLAIN shows, in the last look; NULL: it stalls no more. */
const struct top_row *top_explained(const struct top *t);
/* Show these lines (malloc()ed, taken over), of that connection. */
void top_explain(struct top *t, char *lines, uint64_t sk, uint64_t cookie);
/* Ended, by cause, in the minute before now. Returns the sum. */
uint64_t top_minute(const struct top *t, int64_t now_ns, uint64_t ret_ended[TCPTIMER_CAUSE_COUNT]);

/* ---- top_draw.c ---- */

enum top_look_of_line { TOP_PLAIN, TOP_BOLD, TOP_REVERSE };

struct top_line {
	char *text; /* printable UTF-8, no wider than the screen */
	enum top_look_of_line look;
};

struct top_screen {
	unsigned int height, width;
	struct top_line *lines; /* `height` of them */
};

/* 0 or -ENOMEM. Frees what the screen held. */
int top_draw(struct top *t, int64_t now_ns, const char *clock, unsigned int height,
	     unsigned int width, struct top_screen *screen);
void top_screen_free(struct top_screen *screen);

#endif

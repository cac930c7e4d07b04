// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The live screen without a terminal: what stands in each line at each size, and what keys do.
 * Receives user/top*.c; no kernel, no ncurses.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>
#include "text.h"
#include "top.h"

#define HZ 250
#define SECOND 1000000000LL
#define NOW (1000 * SECOND)
#define WIDE                                                                                       \
	"/system.slice/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.service" /* three wide characters */

struct fixture {
	struct top top;
	struct top_screen screen;
};

/* A connection that has sent again, to 192.0.2.`last`. */
static void add(struct top *t, unsigned int last, const char *cgroup, int64_t stall_ms,
		int64_t deadline_ms)
{
	struct tcptimer_snapshot s = { .sk = last * 64,
				       .cookie = last,
				       .family = AF_INET,
				       .state = TCPTIMER_STATE_ESTABLISHED,
				       .rto_jiffies = 50,
				       .now_jiffies = 1000000,
				       .now_ns = 4000000000000ULL,
				       .local_port = 1000,
				       .remote_port = 443 };
	struct conn conn = { .snap = &s,
			     .cgroup = cgroup,
			     .comm = "wo\033rker",
			     .pid = 42,
			     .hz = HZ,
			     .has_deadline = deadline_ms > 0,
			     .deadline_ms = deadline_ms,
			     .deadline_cause = TCPTIMER_CAUSE_RETRIES };
	char addr[32];

	snprintf(addr, sizeof(addr), "192.0.2.%u", last);
	inet_pton(AF_INET, addr, s.remote_addr);
	if (stall_ms) {
		s.packets_out = 1;
		s.retransmits = 3;
		s.retrans_stamp = (uint32_t)(s.now_ns / 1000000 - (uint64_t)stall_ms);
	}
	assert_int_equal(top_look_add(t, &conn, NOW), 0);
}

/* Three stalls: the oldest ends last. */
static void look(struct top *t)
{
	struct tcptimer_summary_counts c = { .retransmitted = 4 };

	c.ended[TCPTIMER_CAUSE_RETRIES] = 1;
	top_look_begin(t);
	add(t, 1, "/a/x.service", 5000, 9000);
	add(t, 2, WIDE, 3000, 60000);
	add(t, 3, "/a/x.service", 70000, 0);
	add(t, 4, "/evil\033[2J", 0, 0);
	top_look_counts(t, &c);
	top_look_end(t, NOW);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	top_init(&f->top);
	f->top.kernel = "6.18";
	look(&f->top);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	top_screen_free(&f->screen);
	top_free(&f->top);
	free(f);
	return 0;
}

static void draw(struct fixture *f, int64_t now_ns, unsigned int height, unsigned int width)
{
	assert_int_equal(top_draw(&f->top, now_ns, "12:00:00", height, width, &f->screen), 0);
}

/* Line i without the blanks at its end. */
static const char *line(const struct fixture *f, unsigned int i)
{
	static char text[4096];
	size_t length;

	snprintf(text, sizeof(text), "%s", f->screen.lines[i].text);
	for (length = strlen(text); length && text[length - 1] == ' ';)
		text[--length] = '\0';
	return text;
}

static void test_screen(void **state)
{
	struct fixture *f = *state;

	draw(f, NOW, 24, 80);
	assert_string_equal(line(f, 0), "tcptimer top 12:00:00  kernel 6.18  policy none");
	assert_string_equal(line(f, 1), "4 sockets, 3 stalled: retrans 3");
	assert_string_equal(line(f, 2), "ended in the last minute: retries 1; 0 lost");
	assert_string_equal(line(f, 3), "retransmissions \xe2\x96\x88 0.0/s  by deadline");
	assert_string_equal(
		line(f, 4),
		"REMOTE              TIMER     TRIES  FIRES STALLED ENDS IN CAUSE        CGROUP");
	assert_string_equal(
		line(f, 5),
		"192.0.2.1:443       retrans       3      -      5s      9s retries      x.servi\xe2\x80\xa6");
	/* A wide character that would be cut in half is left out. */
	assert_string_equal(
		line(f, 6),
		"192.0.2.2:443       retrans       3      -      3s      1m retries      "
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.\xe2\x80\xa6");
	assert_string_equal(
		line(f, 7),
		"192.0.2.3:443       retrans       3      -   1m10s   never -            x.servi\xe2\x80\xa6");
	assert_string_equal(line(f, 8), "");
	assert_int_equal(f->screen.lines[5].look, TOP_REVERSE);
	assert_int_equal(f->screen.lines[6].look, TOP_PLAIN);
	assert_non_null(strstr(line(f, 23), "F10 Quit"));
}

/* Whatever the size: as many lines as there are, none wider than the screen, nothing that moves a cursor. */
static void test_sizes(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 5; round++) {
		f->top.tree = round == 1;
		f->top.mode = round == 2 ? TOP_HELP : round == 3 ? TOP_SORT_MENU : TOP_TABLE;
		if (round == 4) {
			f->top.mode = TOP_FILTER;
			snprintf(
				f->top.edited, sizeof(f->top.edited),
				"dst 192.0.2.1 and \xe6\x97\xa5 or \033 dst 192.0.2.200 and sport = :443");
			top_filter_refused(&f->top, "what is wrong with it, which is long to say");
		}
		for (unsigned int height = 1; height < 40; height++)
			for (unsigned int width = 1; width < 230; width += 7) {
				draw(f, NOW, height, width);
				for (unsigned int i = 0; i < height; i++) {
					const char *text = f->screen.lines[i].text;

					assert_true(!text || text_width(text) <= width);
					assert_true(!text || !strpbrk(text, "\033\n\r\t"));
				}
			}
	}
}

static void test_columns_come_with_width(void **state)
{
	struct fixture *f = *state;

	draw(f, NOW, 24, 40);
	assert_null(strstr(line(f, 4), "CGROUP"));
	draw(f, NOW, 24, 200);
	assert_non_null(strstr(line(f, 4), "LOCAL"));
	assert_non_null(strstr(line(f, 5), "wo\\x1brker/42"));
	assert_non_null(strstr(line(f, 5), "x.service"));
	assert_null(strstr(line(f, 5), "\xe2\x80\xa6"));
}

static void test_countdown_and_freeze(void **state)
{
	struct fixture *f = *state;

	draw(f, NOW + 2 * SECOND, 24, 80);
	assert_non_null(strstr(line(f, 5), "     7s      7s retries"));
	draw(f, NOW + 20 * SECOND, 24, 80); /* due: not below 0 */
	assert_non_null(strstr(line(f, 5), "    25s     0ms retries"));
	assert_int_equal(top_key(&f->top, 'Z', NOW + SECOND), TOP_ASKS_NOTHING);
	draw(f, NOW + 30 * SECOND, 24, 80);
	assert_non_null(strstr(line(f, 0), "FROZEN"));
	assert_non_null(strstr(line(f, 5), "     6s      8s retries"));
	top_key(&f->top, TOP_KEY_F1 + 7, NOW);
	assert_false(f->top.frozen);
}

static void first_is(struct fixture *f, unsigned int last)
{
	assert_int_equal(f->top.rows[0].snap.sk, last * 64);
}

static void test_sorts(void **state)
{
	struct fixture *f = *state;

	first_is(f, 1);
	top_key(&f->top, 'A', NOW);
	first_is(f, 3);
	top_key(&f->top, 'I', NOW);
	first_is(f, 2);
	top_key(&f->top, 'I', NOW);
	top_key(&f->top, 'C', NOW);
	first_is(f, 1);
	/* the menu: from `cgroup` up to `age` */
	top_key(&f->top, TOP_KEY_F1 + 5, NOW);
	assert_int_equal(f->top.mode, TOP_SORT_MENU);
	draw(f, NOW, 24, 80);
	assert_string_equal(line(f, 7), "cgroup");
	assert_int_equal(f->screen.lines[7].look, TOP_REVERSE);
	top_key(&f->top, TOP_KEY_UP, NOW);
	top_key(&f->top, TOP_KEY_ENTER, NOW);
	assert_int_equal(f->top.mode, TOP_TABLE);
	first_is(f, 3);
}

/* The bar stays on its connection, through orders and looks. */
static void test_bar(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(top_selected(&f->top)->snap.sk, 64);
	top_key(&f->top, TOP_KEY_DOWN, NOW);
	assert_int_equal(top_selected(&f->top)->snap.sk, 128);
	top_key(&f->top, 'A', NOW);
	assert_int_equal(top_selected(&f->top)->snap.sk, 128);
	look(&f->top);
	assert_int_equal(top_selected(&f->top)->snap.sk, 128);
	top_key(&f->top, TOP_KEY_END, NOW);
	top_key(&f->top, TOP_KEY_DOWN, NOW);
	assert_int_equal(f->top.selected, 2);
	top_look_begin(&f->top);
	add(&f->top, 9, NULL, 100, 0);
	top_look_end(&f->top, NOW + SECOND);
	assert_int_equal(f->top.selected, 0);
	top_look_begin(&f->top);
	top_look_end(&f->top, NOW + 2 * SECOND);
	assert_null(top_selected(&f->top));
	assert_int_equal(top_key(&f->top, TOP_KEY_ENTER, NOW), TOP_ASKS_NOTHING);
	draw(f, NOW, 24, 80);
	assert_string_equal(line(f, 5), "no connection stalls");
}

/* More rows than lines: the bar is always in sight, in the tree with its branch. */
static void test_scrolls(void **state)
{
	struct fixture *f = *state;

	for (int tree = 0; tree < 2; tree++) {
		top_look_begin(&f->top);
		for (unsigned int i = 1; i <= 100; i++)
			add(&f->top, i, i % 3 ? "/a.service" : "/b.service", 1000, 1000 * i);
		f->top.tree = tree;
		top_look_end(&f->top, NOW);
		top_key(&f->top, TOP_KEY_HOME, NOW);
		for (unsigned int i = 0; i < 100; i++) {
			bool seen = false;

			draw(f, NOW, 12, 80);
			for (unsigned int at = 5; at < 11; at++)
				seen |= f->screen.lines[at].look == TOP_REVERSE;
			assert_true(seen);
			top_key(&f->top, TOP_KEY_DOWN, NOW);
		}
		assert_int_equal(f->top.selected, 99);
	}
}

static void test_tree(void **state)
{
	struct fixture *f = *state;

	top_key(&f->top, TOP_KEY_F1 + 4, NOW);
	draw(f, NOW, 24, 80);
	assert_string_equal(line(f, 5), "x.service (2)");
	assert_int_equal(f->screen.lines[5].look, TOP_BOLD);
	assert_true(!strncmp(line(f, 6), " 192.0.2.1:443 ", 15));
	assert_true(!strncmp(line(f, 7), " 192.0.2.3:443 ", 15));
	assert_string_equal(line(f, 8), "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.service (1)");
	assert_non_null(strstr(line(f, 4), "PROCESS"));
}

static void type(struct top *t, const char *text)
{
	for (; *text; text++)
		top_key(t, (unsigned char)*text, NOW);
}

static void test_filter(void **state)
{
	struct fixture *f = *state;

	top_key(&f->top, '/', NOW);
	assert_int_equal(f->top.mode, TOP_FILTER);
	type(&f->top, "dst q"); /* q is a letter here */
	top_key(&f->top, 0x65e5, NOW);
	top_key(&f->top, 0x1f600, NOW);
	top_key(&f->top, 0x07, NOW);
	assert_string_equal(f->top.edited, "dst q\xe6\x97\xa5\xf0\x9f\x98\x80");
	top_key(&f->top, TOP_KEY_BACKSPACE, NOW);
	top_key(&f->top, TOP_KEY_BACKSPACE, NOW);
	assert_string_equal(f->top.edited, "dst q");
	assert_int_equal(top_key(&f->top, TOP_KEY_ENTER, NOW), TOP_ASKS_FILTER);
	top_filter_refused(&f->top, "no such host");
	draw(f, NOW, 24, 80);
	assert_string_equal(line(f, 22), "no such host");
	assert_string_equal(line(f, 23), "filter: dst q_");
	top_key(&f->top, TOP_KEY_ESCAPE, NOW);
	assert_string_equal(f->top.filter, "");
	top_key(&f->top, TOP_KEY_F1 + 3, NOW);
	assert_string_equal(f->top.edited, ""); /* what is in force, not what was given up */
	for (int i = 0; i < 2 * TOP_FILTER_SIZE; i++)
		top_key(&f->top, 0x65e5, NOW);
	assert_true(strlen(f->top.edited) < sizeof(f->top.edited));
	top_key(&f->top, TOP_KEY_CLEAR, NOW);
	for (int i = 0; i < 3; i++)
		top_key(&f->top, TOP_KEY_BACKSPACE, NOW);
	type(&f->top, "stalled");
	top_filter_taken(&f->top);
	draw(f, NOW, 24, 80);
	assert_non_null(strstr(line(f, 3), "filter: stalled"));
}

static void test_explain(void **state)
{
	struct fixture *f = *state;
	char *lines = NULL;
	size_t size;
	FILE *out = open_memstream(&lines, &size);

	for (int i = 0; i < 40; i++)
		fprintf(out, "line %d\n", i);
	fputs("a last line that is longer than the screen is wide, so that its end stands below it\n",
	      out);
	fclose(out);
	assert_int_equal(top_key(&f->top, TOP_KEY_ENTER, NOW), TOP_ASKS_EXPLAIN);
	top_explain(&f->top, lines, 64, 1);
	assert_non_null(top_explained(&f->top));
	draw(f, NOW, 24, 40);
	assert_string_equal(line(f, 5), "line 0");
	assert_string_equal(line(f, 22), "line 17");
	top_key(&f->top, TOP_KEY_DOWN, NOW);
	draw(f, NOW, 24, 40);
	assert_string_equal(line(f, 5), "line 1");
	top_key(&f->top, TOP_KEY_END, NOW);
	draw(f, NOW, 24, 40);
	assert_string_equal(line(f, 22), "below it");
	assert_string_equal(line(f, 20), "a last line that is longer than the");
	/* a new text of the same connection stays where it was read */
	top_explain(&f->top, strdup("only this\n"), 64, 1);
	draw(f, NOW, 24, 40);
	assert_int_equal(top_key(&f->top, 'q', NOW), TOP_ASKS_NOTHING);
	assert_int_equal(f->top.mode, TOP_TABLE);
	assert_int_equal(top_key(&f->top, 'q', NOW), TOP_ASKS_QUIT);
	assert_int_equal(top_key(&f->top, TOP_KEY_F10, NOW), TOP_ASKS_QUIT);
}

static void test_help(void **state)
{
	struct fixture *f = *state;

	top_key(&f->top, TOP_KEY_F1, NOW);
	draw(f, NOW, 24, 80);
	assert_non_null(strstr(line(f, 6), "Enter"));
	assert_int_equal(top_key(&f->top, 'q', NOW), TOP_ASKS_NOTHING);
	assert_int_equal(f->top.mode, TOP_TABLE);
}

/* Ends count for a minute; the ring is as large as that takes. */
static void test_last_minute(void **state)
{
	struct fixture *f = *state;
	uint64_t ended[TCPTIMER_CAUSE_COUNT];
	struct tcptimer_summary_counts c = {};

	assert_int_equal(top_minute(&f->top, NOW + 59 * SECOND, ended), 1);
	assert_int_equal(ended[TCPTIMER_CAUSE_RETRIES], 1);
	assert_int_equal(top_minute(&f->top, NOW + 60 * SECOND, ended), 0);
	c.ended[TCPTIMER_CAUSE_PEER_RESET] = 1;
	for (int i = 1; i <= 2000; i++) {
		top_look_begin(&f->top);
		top_look_counts(&f->top, &c);
		top_look_end(&f->top, NOW + i * SECOND);
	}
	assert_int_equal(top_minute(&f->top, NOW + 2000 * SECOND, ended), 60);
}

static void test_ascii(void **state)
{
	struct fixture *f = *state;

	f->top.ascii = true;
	for (unsigned int width = 20; width < 200; width++) {
		draw(f, NOW, 24, width);
		for (unsigned int i = 0; i < 24; i++)
			for (const char *at = f->screen.lines[i].text; *at; at++)
				assert_in_range(*at, 0x20, 0x7e);
	}
	draw(f, NOW, 24, 80);
	assert_non_null(strstr(line(f, 6), "???."));
	assert_non_null(strstr(line(f, 3), "retransmissions # "));
}

#define TOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TOP_TEST(test_screen),
		TOP_TEST(test_sizes),
		TOP_TEST(test_columns_come_with_width),
		TOP_TEST(test_countdown_and_freeze),
		TOP_TEST(test_sorts),
		TOP_TEST(test_bar),
		TOP_TEST(test_scrolls),
		TOP_TEST(test_tree),
		TOP_TEST(test_filter),
		TOP_TEST(test_explain),
		TOP_TEST(test_help),
		TOP_TEST(test_last_minute),
		TOP_TEST(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

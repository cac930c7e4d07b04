// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timelines in words and pictures: folding, ranges, the end, side by side, SVG that holds together.
 * Receives nothing; hands cmocka verdicts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "simulation.h"
#include "timeline_axis.h"
#include "timeline_svg.h"
#include "timeline_text.h"

#define VIEWS 3
static struct timeline_view views[VIEWS];

/* Simulate the words; returns how many kernels. */
static size_t simulated(const char *const *words)
{
	struct simulation sim;
	unsigned int left_out;
	char err[512];
	size_t i;

	simulation_init(&sim);
	for (; *words; words++)
		if (simulation_parse(&sim, *words, err, sizeof(err)))
			fail_msg("%s", err);
	assert_in_range(sim.kernel_count, 1, VIEWS);
	for (i = 0; i < sim.kernel_count; i++)
		if (simulation_run(&sim, i, &views[i], &left_out, err, sizeof(err)))
			fail_msg("%s", err);
	return sim.kernel_count;
}
#define SIMULATED(...) simulated((const char *const[]){ __VA_ARGS__, NULL })

enum what { EVENTS, END, COMPARE, SVG };

static char *printed(enum what what, size_t count)
{
	const struct timeline_view *shown[VIEWS] = { &views[0], &views[1], &views[2] };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err;

	assert_non_null(out);
	switch (what) {
	case EVENTS:
		err = timeline_print_events(shown[0], out, 0);
		break;
	case END:
		err = timeline_print_end(shown[0], out);
		break;
	case COMPARE:
		err = timeline_print_compare(shown, count, out, 0);
		break;
	default:
		err = timeline_svg(shown, count, "a < b & \"c\"\033[31m", "\xff\xef\xbf\xbf", out);
	}
	assert_int_equal(fclose(out), 0);
	assert_int_equal(err, 0);
	return text;
}

static void expect(enum what what, size_t count, const char *has, const char *has_not)
{
	char *text = printed(what, count);

	if (has && !strstr(text, has))
		fail_msg("no '%s' in\n%s", has, text);
	if (has_not && strstr(text, has_not))
		fail_msg("'%s' in\n%s", has_not, text);
	free(text);
}

static void ranges(void **state)
{
	static const struct {
		uint64_t min, max;
		const char *text;
	} rows[] = {
		{ 0, 0, "0ms" },
		{ 208, 208, "208ms" },
		{ 1000, 1028, "1s–1.03s" },
		{ 937692, 939736, "15m38s–15m40s" },
		{ 7881988, 7890000, "2h11m–2h12m" },
		{ 60000, 60100, "1m" }, /* the same to a reader */
	};
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(timeline_range_text(rows[i].min, rows[i].max, text,
							sizeof(text)),
				    rows[i].text);
}

/* Every action of every timer has words; flags add theirs; nothing overflows a short buffer. */
static void every_event_has_words(void **state)
{
	char text[TIMELINE_TEXT_SIZE], tiny[8];
	unsigned int timer, action;

	for (timer = 0; timer < TCPTIMER_TIMER_COUNT; timer++) {
		for (action = 0; action < TCPTIMER_ACTION_COUNT; action++) {
			struct tcptimer_engine_event ev = {
				.timer = (__u8)timer, .action = (__u8)action, .n = 3, .err = 110
			};

			assert_true(strlen(timeline_event_text(&ev, text, sizeof(text))) > 3);
			ev.flags = ~0U;
			assert_true(strlen(timeline_event_text(&ev, text, sizeof(text))) > 20);
			timeline_event_text(&ev, tiny, sizeof(tiny));
		}
	}
}

static void long_runs_are_folded(void **state)
{
	SIMULATED("keepalive=on");
	assert_int_equal(timeline_run_length(&views[0], 0), 9);
	expect(EVENTS, 1, "8 more, one each 1m15s", "keepalive probe 2");
	expect(EVENTS, 1, "the connection ends: ETIMEDOUT; RST sent", NULL);
	SIMULATED("state=established"); /* doubling: no two alike until rto_max */
	expect(EVENTS, 1, "retransmission 9", "retransmission 12");
	SIMULATED("peer=zero_window"); /* answered each time: a number would always be 1 */
	expect(EVENTS, 1, "window probe; answered", "window probe 1");
	expect(EVENTS, 1, "and so on", NULL);
}

static void the_end_is_told(void **state)
{
	SIMULATED("state=established", "user_timeout=20s");
	expect(END, 1, "the application gets ETIMEDOUT; nothing goes on the wire", NULL);
	expect(END, 1, "decided   by TCP_USER_TIMEOUT = 20s (socket option)", NULL);
	expect(END, 1, "without   that limit, tcp_retries2 = 15 (sysctl) would end it after 15m",
	       NULL);
	SIMULATED("state=fin_wait1");
	expect(END, 1, "an orphan, no application is told", "ETIMEDOUT");
	SIMULATED("keepalive=on");
	expect(END, 1, "an RST goes out", NULL);
	expect(END, 1, "nothing would end it", NULL);
	SIMULATED("data=none");
	expect(END, 1, "no timer is armed", "silent");
	expect(EVENTS, 1, NULL, "AT");
	SIMULATED("peer=zero_window");
	expect(END, 1, "if the peer fell silent now: after 15m", NULL);
	SIMULATED("state=time_wait");
	expect(END, 1, "TCP_TIMEWAIT_LEN = 1m (kernel)", "without");
}

static void kernels_stand_side_by_side(void **state)
{
	size_t count = SIMULATED("kernel=6.1,6.12,7.2", "state=syn_sent");
	char *text = printed(COMPARE, count), *last, *seven;

	seven = strstr(text, "SYN again 7");
	assert_non_null(seven);
	assert_non_null(strstr(text, "6.12"));
	/* 6.1 sends six; its column has a dash, and 7 comes after 6 whatever the times */
	assert_true(seven > strstr(text, "SYN again 6"));
	assert_non_null(strstr(seven, " - "));
	text[strlen(text) - 1] = '\0';
	last = strrchr(text, '\n');
	assert_int_equal(strncmp(last + 1, "deadline", 8), 0);
	free(text);
}

static void a_difference_is_one_sentence(void **state)
{
	static const struct {
		struct tcptimer_deadline before, after;
		const char *says;
	} rows[] = {
		{ { .never = 1 }, { .never = 1 }, "never ends either way" },
		{ { .never = 1 },
		  { .at_ms = 20000, .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .limit_value = 20000 },
		  "it ends after 20s by TCP_USER_TIMEOUT = 20s (socket option), instead of never" },
		{ { .at_ms = 20000, .limit = TCPTIMER_LIMIT_RETRIES2 },
		  { .never = 1 },
		  "it never ends, instead of after 20s by tcp_retries2" },
		{ { .at_ms = 938000, .limit = TCPTIMER_LIMIT_RETRIES2, .limit_value = 15 },
		  { .at_ms = 20000, .limit = TCPTIMER_LIMIT_USER_TIMEOUT, .limit_value = 20000 },
		  "instead of after 15m38s by tcp_retries2: 15m18s earlier" },
		{ { .at_ms = 1000 }, { .at_ms = 1000 }, "no difference" },
	};
	char text[512];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strstr(timeline_difference_text(&rows[i].before, &rows[i].after, text,
						     sizeof(text)),
			    rows[i].says))
			fail_msg("%s", text);
}

/* Neither ends while the peer answers: what matters is the case that it stops. */
static void silent_ends_are_compared(void **state)
{
	char text[512];

	SIMULATED("peer=acks", "keepalive=on");
	views[1] = views[0];
	SIMULATED("peer=acks", "keepalive=10s/5s/3");
	timeline_views_difference_text(&views[1], &views[0], text, sizeof(text));
	assert_non_null(strstr(text, "never either way while the peer answers; if it fell silent: "
				     "it ends after 25"));
	assert_non_null(strstr(text, "earlier"));
}

static void axes_fit_what_they_show(void **state)
{
	static const struct {
		const char *word;
		enum axis_kind kind;
	} rows[] = {
		{ "state=established", AXIS_LOG },
		{ "keepalive=on", AXIS_BROKEN }, /* two hours of nothing, then eleven minutes */
		{ "state=time_wait", AXIS_LINEAR },
		{ "data=none", AXIS_LINEAR },
	};
	const struct timeline_view *shown[] = { &views[0] };
	struct axis_tick ticks[AXIS_TICKS_MAX];
	struct axis axis;
	size_t i, j, count;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		SIMULATED(rows[i].word);
		axis_init(&axis, shown, 1, 100, 1000);
		assert_int_equal(axis.kind, rows[i].kind);
		count = axis_ticks(&axis, 50, ticks);
		assert_in_range(count, 3, AXIS_TICKS_MAX);
		for (j = 1; j < count; j++)
			assert_true(ticks[j].x - ticks[j - 1].x >= 50 &&
				    ticks[j].ms > ticks[j - 1].ms);
		for (j = 0; j < views[0].timeline.count; j++)
			assert_true(axis_x(&axis, (double)views[0].events[j].at_ms) > 100 &&
				    axis_x(&axis, (double)views[0].events[j].at_max_ms) < 1000);
	}
}

static void pictures_are_escaped(void **state)
{
	size_t count = SIMULATED("kernel=6.1,7.2", "state=syn_sent");
	char *svg = printed(SVG, count), *c;

	assert_non_null(strstr(svg, "a &lt; b &amp; &quot;c&quot;"));
	assert_int_equal(strncmp(svg + strlen(svg) - 7, "</svg>\n", 7), 0);
	assert_null(strstr(svg, "script"));
	for (c = svg; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	assert_null(strstr(svg, "\xef\xbf\xbf"));
	free(svg);
}

/* The end is the same in the text, however it is asked for. */
static void exact_lies_within_the_range(void **state)
{
	uint64_t min, max;

	SIMULATED("state=established");
	min = views[0].timeline.deadline.at_min_ms;
	max = views[0].timeline.deadline.at_max_ms;
	SIMULATED("state=established",
		  "jiffies=4294937296"); /* boot: jiffies wrap after five minutes */
	assert_in_range(views[0].timeline.deadline.at_ms, min, max);
	assert_int_equal(views[0].timeline.deadline.at_min_ms,
			 views[0].timeline.deadline.at_max_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(every_event_has_words),
		cmocka_unit_test(long_runs_are_folded),
		cmocka_unit_test(the_end_is_told),
		cmocka_unit_test(kernels_stand_side_by_side),
		cmocka_unit_test(a_difference_is_one_sentence),
		cmocka_unit_test(silent_ends_are_compared),
		cmocka_unit_test(axes_fit_what_they_show),
		cmocka_unit_test(pictures_are_escaped),
		cmocka_unit_test(exact_lies_within_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

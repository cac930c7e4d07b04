// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics: the text in both formats, escaping, histograms, which cgroups have series, addresses and Accept.
 * Receives user/metrics_*.c; no socket, no kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "metrics_page.h"
#include "metrics_words.h"

/* ---- text ---- */

static const struct metrics_family counter = { "x_done", METRICS_COUNTER, "Done." };
static const struct metrics_family info = { "x_build", METRICS_INFO, "Build." };
static const struct metrics_family waits = { "x_wait_seconds", METRICS_HISTOGRAM, "Waits." };
static const struct metrics_family drift = { "x_drift_seconds", METRICS_GAUGE, "Drift." };

/* What `put` writes; freed by the next call. */
static const char *written(void (*put)(const struct metrics_text *text), bool openmetrics)
{
	static char *bytes;
	struct metrics_text text = { .openmetrics = openmetrics };
	size_t size;

	free(bytes);
	bytes = NULL;
	if (!put)
		return NULL;
	text.out = open_memstream(&bytes, &size);
	put(&text);
	fclose(text.out);
	return bytes;
}

static void put_plain(const struct metrics_text *t)
{
	const struct metrics_label labels[] = { { "a", "1" }, { "b", "\\x2d\"\n" } };

	metrics_head(t, &counter);
	metrics_number(t, &counter, labels, 2, 18446744073709551615ULL);
	metrics_head(t, &info);
	metrics_number(t, &info, labels, 1, 1);
	metrics_end(t);
}

static void test_both_formats(void **state)
{
	assert_string_equal(written(put_plain, false),
			    "# HELP x_done_total Done.\n# TYPE x_done_total counter\n"
			    "x_done_total{a=\"1\",b=\"\\\\x2d\\\"\\\\x0a\"} 18446744073709551615\n"
			    "# HELP x_build_info Build.\n# TYPE x_build_info gauge\n"
			    "x_build_info{a=\"1\"} 1\n");
	assert_string_equal(written(put_plain, true),
			    "# HELP x_done Done.\n# TYPE x_done counter\n"
			    "x_done_total{a=\"1\",b=\"\\\\x2d\\\"\\\\x0a\"} 18446744073709551615\n"
			    "# HELP x_build Build.\n# TYPE x_build info\n"
			    "x_build_info{a=\"1\"} 1\n# EOF\n");
}

static void put_seconds(const struct metrics_text *t)
{
	metrics_seconds(t, &drift, -4);
	metrics_seconds(t, &drift, 1234567);
	metrics_seconds(t, &drift, INT64_MIN);
}

static void test_seconds(void **state)
{
	assert_string_equal(written(put_seconds, true),
			    "x_drift_seconds -0.004\nx_drift_seconds 1234.567\n"
			    "x_drift_seconds -9223372036854775.808\n");
}

static void put_histogram(const struct metrics_text *t)
{
	static const uint32_t bounds[] = { 50, 1000, 20000 };
	struct metrics_histogram h = { .bounds_ms = bounds, .count = 3 };

	/* A bound belongs to its bucket; what a clock that went back gives is 0. */
	metrics_observe(&h, -5);
	metrics_observe(&h, 50);
	metrics_observe(&h, 51);
	metrics_observe(&h, 20000);
	metrics_observe(&h, 20001);
	metrics_buckets(t, &waits, &h);
}

static void test_histogram(void **state)
{
	static const char expected[] = "x_wait_seconds_bucket{le=\"0.05\"} 2\n"
				       "x_wait_seconds_bucket{le=\"1.0\"} 3\n"
				       "x_wait_seconds_bucket{le=\"20.0\"} 4\n"
				       "x_wait_seconds_bucket{le=\"+Inf\"} 5\n"
				       "x_wait_seconds_sum 40.102\n"
				       "x_wait_seconds_count 5\n";

	assert_string_equal(written(put_histogram, true), expected);
	assert_string_equal(written(put_histogram, false), expected);
}

static void test_values(void **state)
{
	static const struct {
		const char *raw, *value;
	} rows[] = {
		{ "/system.slice/dev-disk-by\\x2duuid.swap",
		  "/system.slice/dev-disk-by\\x2duuid.swap" },
		{ "/a\nb\x1b[2J\x7f", "/a\\x0ab\\x1b[2J\\x7f" },
		{ "/\xff\\\xfe", "/\\xff\\\\xfe" },
		{ "/\\\\", "/\\\\" },
		{ "/gr\xc3\xbc\xc3\x9f", "/gr\xc3\xbc\xc3\x9f" },
		{ "/\xe2\x80\xae"
		  "evil",
		  "/\\xe2\\x80\\xae"
		  "evil" }, /* right-to-left override */
		{ NULL, "" },
	};
	char buf[METRICS_VALUE_MAX], longest[3 * METRICS_VALUE_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(metrics_value(rows[i].raw, buf, sizeof(buf)), rows[i].value);
	memset(longest, '\\', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_true(strlen(metrics_value(longest, buf, sizeof(buf))) >= METRICS_VALUE_MAX / 2 - 1);
}

/* ---- the page ---- */

static char *page_of(const struct metrics_page *page, bool openmetrics)
{
	size_t size;
	char *text;

	assert_int_equal(metrics_page_make(page, openmetrics, &text, &size), 0);
	assert_int_equal(strlen(text), size);
	return text;
}

/* Every sample stands behind the head of its family, which comes once. */
static void assert_families(const char *text)
{
	char family[128] = "", seen[8192] = "", name[130];

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (!strncmp(line, "# HELP ", 7)) {
			assert_int_equal(sscanf(line + 7, "%127s", family), 1);
			snprintf(name, sizeof(name), " %s ", family);
			assert_null(strstr(seen, name));
			strcat(seen, name);
		} else if (line[0] != '#') {
			assert_memory_equal(line, family, strlen(family));
		}
	}
}

static struct metrics_page whole_page(void)
{
	static struct metrics_events events;
	static struct metrics_sockets sockets = {
		.states = { [TCPTIMER_STATE_SYN_RECV] = 2, [TCPTIMER_STATE_NEW_SYN_RECV] = 3 },
		.stalled = { [TCPTIMER_TIMER_PROBE0] = 7 },
		.oldest_ms = 412500
	};
	static struct metrics_cgroups cgroups;
	static const struct metrics_loss losses[] = { { "ring_full", 9 } };
	static const struct foretold_sums sums = { .ends = 10, .right_cause = 7, .worst_ms = -12 };
	static const struct metrics_rule rules[] = {
		{ "db",
		  300,
		  { .sockets = 1, .set = 2, .refused = 3, .clamped = 4, .yielded = 5, .ended = 6 } },
		{ "web", 1, {} },
	};

	metrics_events_init(&events);
	metrics_cgroups_free(&cgroups);
	assert_int_equal(metrics_cgroups_init(&cgroups, 4), 0);
	metrics_cgroups_begin(&cgroups);
	metrics_cgroups_add(&cgroups, "/a\"b", 2, 1);
	metrics_cgroups_add(&cgroups, NULL, 3, 1);
	metrics_cgroups_end(&cgroups, 1);
	return (struct metrics_page){ .version = "0.1.0",
				      .kernel = "6.18",
				      .profile = "6.18",
				      .sockets = &sockets,
				      .cgroups = &cgroups,
				      .cost_ms = 6,
				      .events = &events,
				      .losses = losses,
				      .loss_count = 1,
				      .foretold = &sums,
				      .digest = "5f2b",
				      .rules = rules,
				      .rule_count = 2 };
}

static void test_page(void **state)
{
	static const char *const lines[] = {
		"\ntcptimer_build_info{version=\"0.1.0\",kernel=\"6.18\",profile=\"6.18\"} 1\n",
		"\ntcptimer_sockets{state=\"syn_recv\"} 5\n", /* requests too, in one series */
		"\ntcptimer_stalled{timer=\"probe0\"} 7\n",
		"\ntcptimer_oldest_stall_seconds 412.500\n",
		"\ntcptimer_cgroup_stalled{cgroup=\"/a\\\"b\"} 2\n",
		"\ntcptimer_cgroup_stalled{cgroup=\"other\"} 3\n",
		"\ntcptimer_events_lost_total{reason=\"ring_full\"} 9\n",
		"\ntcptimer_prediction_ends_total 10\n",
		"\ntcptimer_prediction_missed_total 3\n",
		"\ntcptimer_prediction_drift_seconds -0.012\n",
		"\ntcptimer_policy_info{digest=\"5f2b\"} 1\n",
		"\ntcptimer_policy_sockets{rule=\"db\"} 300\n",
		"\ntcptimer_policy_options_set_total{rule=\"db\"} 2\n",
		"\ntcptimer_policy_refused_total{rule=\"db\"} 3\n",
		"\ntcptimer_policy_clamped_total{rule=\"db\"} 4\n",
		"\ntcptimer_policy_yielded_total{rule=\"db\"} 5\n",
		"\ntcptimer_policy_ended_total{rule=\"db\"} 6\n",
		"\ntcptimer_policy_ended_total{rule=\"web\"} 0\n",
		"\ntcptimer_ends_total{cause=\"user_timeout\"} 0\n",
		"\ntcptimer_stalls_total{timer=\"synack\"} 0\n",
		"\ntcptimer_recovered_total{timer=\"keepalive\"} 0\n",
		"\ntcptimer_probes_total{timer=\"keepalive\"} 0\n",
		"\ntcptimer_stall_seconds_count 0\n",
		"\ntcptimer_rto_seconds_sum 0.000\n",
		"\ntcptimer_deadline_seconds_bucket{le=\"+Inf\"} 0\n",
	};
	struct metrics_page page = whole_page();

	for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
		char *text = page_of(&page, openmetrics);

		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			const char *at = strstr(text, lines[i]);

			if (!at)
				print_error("not there:%s", lines[i]);
			assert_non_null(at);
			assert_null(strstr(at + 1, lines[i]));
		}
		assert_families(text);
		free(text);
	}
}

/* Nothing attached, and sockets that could not be read: no number that would be a lie. */
static void test_page_without(void **state)
{
	struct metrics_page page = whole_page();
	char *text;

	page.sockets = NULL;
	page.digest = NULL;
	page.rule_count = 0;
	text = page_of(&page, true);
	assert_null(strstr(text, "tcptimer_sockets"));
	assert_null(strstr(text, "tcptimer_stalled"));
	assert_null(strstr(text, "tcptimer_policy"));
	assert_non_null(strstr(text, "tcptimer_ends_total{cause=\"retries\"} 0\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	assert_families(text);
	free(text);
}

/* ---- events ---- */

static void test_events(void **state)
{
	struct metrics_events m;
	struct tcptimer_event event = { .kind = TCPTIMER_EVENT_STALL,
					.timer = TCPTIMER_TIMER_RETRANS,
					.time_ns = 5000000000,
					.stall_since_ns = 5000000000,
					.before = { .rto_jiffies = 51 } };
	struct event_verdict verdict = {};
	struct conn conn = { .hz = 250, .has_deadline = true, .deadline_ms = 20000 };

	metrics_events_init(&m);
	metrics_events_count(&m, &event, &verdict, &conn, false);
	conn.has_deadline = false; /* one that nothing will end is not in the histogram */
	metrics_events_count(&m, &event, &verdict, &conn, false);
	assert_int_equal(m.stalls[TCPTIMER_TIMER_RETRANS], 2);
	assert_int_equal(m.deadline.sum_ms, 20000);
	event.kind = TCPTIMER_EVENT_EXPIRED;
	verdict.action = TCPTIMER_ACTION_RETRANSMITTED;
	metrics_events_count(&m, &event, &verdict, &conn, false);
	verdict.action = TCPTIMER_ACTION_RETRANSMIT_FAILED; /* fired, and sent nothing */
	metrics_events_count(&m, &event, &verdict, &conn, false);
	assert_int_equal(m.retransmissions, 1);
	assert_int_equal(m.rto.sum_ms, 2 * 204);
	event.timer = TCPTIMER_TIMER_KEEPALIVE;
	verdict.action = TCPTIMER_ACTION_PROBED;
	metrics_events_count(&m, &event, &verdict, &conn, false);
	assert_int_equal(m.probes[TCPTIMER_TIMER_KEEPALIVE], 1);
	assert_int_equal(m.retransmissions, 1);
	/* Recovered when the answer came, not when that was seen. */
	event.kind = TCPTIMER_EVENT_RECOVERED;
	event.time_ns = 9000000000;
	event.stall_end_ns = 8000000000;
	verdict.action = TCPTIMER_ACTION_NONE;
	metrics_events_count(&m, &event, &verdict, &conn, false);
	assert_int_equal(m.recovered[TCPTIMER_TIMER_KEEPALIVE], 1);
	assert_int_equal(m.stall.sum_ms, 3000);
	event.kind = TCPTIMER_EVENT_ABORT;
	verdict.cause = TCPTIMER_CAUSE_KEEPALIVE;
	metrics_events_count(&m, &event, &verdict, &conn, true);
	assert_int_equal(m.ends[TCPTIMER_CAUSE_KEEPALIVE], 1);
	assert_int_equal(m.stall.sum_ms, 7000);
}

static void test_sockets(void **state)
{
	struct metrics_sockets sums = {};
	struct tcptimer_snapshot calm = { .state = TCPTIMER_STATE_ESTABLISHED };
	struct tcptimer_snapshot syn = { .state = TCPTIMER_STATE_SYN_SENT,
					 .retransmits = 2,
					 .now_ns = 9000000000,
					 .retrans_stamp = 2000 };

	assert_int_equal(metrics_sockets_add(&sums, &calm, 250), TCPTIMER_TIMER_NONE);
	assert_int_equal(metrics_sockets_add(&sums, &syn, 250), TCPTIMER_TIMER_SYN);
	syn.retrans_stamp = 8000;
	assert_int_equal(metrics_sockets_add(&sums, &syn, 250), TCPTIMER_TIMER_SYN);
	assert_int_equal(sums.states[TCPTIMER_STATE_ESTABLISHED], 1);
	assert_int_equal(sums.states[TCPTIMER_STATE_SYN_SENT], 2);
	assert_int_equal(sums.stalled[TCPTIMER_TIMER_SYN], 2);
	assert_int_equal(sums.oldest_ms, 7000);
}

/* ---- cgroups ---- */

/* The series' value, or -1. */
static long series(const struct metrics_cgroups *c, const char *label)
{
	for (size_t i = 0; i < c->shown; i++)
		if (!strcmp(c->rows[i].label, label))
			return (long)c->rows[i].stalled;
	return -1;
}

static void round_of(struct metrics_cgroups *c, int64_t now_s, const char *const *paths)
{
	metrics_cgroups_begin(c);
	for (; *paths; paths++)
		metrics_cgroups_add(c, *paths, 1, now_s);
	metrics_cgroups_end(c, now_s);
}

static void test_cgroups_keep_their_series(void **state)
{
	struct metrics_cgroups c;

	assert_int_equal(metrics_cgroups_init(&c, 2), 0);
	round_of(&c, 1000, (const char *[]){ "/a", "/b", "/b", "/c", "/c", "/c", NULL });
	/* The two that hurt most. */
	assert_int_equal(c.shown, 2);
	assert_int_equal(series(&c, "/b"), 2);
	assert_int_equal(series(&c, "/c"), 3);
	assert_int_equal(c.other, 1);
	/* A stall goes on: no other takes its place, however many it has. */
	round_of(&c, 1001, (const char *[]){ "/a", "/a", "/b", "/c", NULL });
	assert_int_equal(series(&c, "/a"), -1);
	assert_int_equal(series(&c, "/b"), 1);
	assert_int_equal(c.other, 2);
	/* It is over: seen at 0, as long as no other needs the place. */
	round_of(&c, 1002, (const char *[]){ "/c", NULL });
	assert_int_equal(series(&c, "/b"), 0);
	assert_int_equal(c.other, 0);
	round_of(&c, 1003, (const char *[]){ "/a", "/c", NULL });
	assert_int_equal(series(&c, "/a"), 1);
	assert_int_equal(series(&c, "/b"), -1);
	/* And not for ever. */
	round_of(&c, 1003 + METRICS_CGROUPS_KEEP_S - 1, (const char *[]){ NULL });
	assert_int_equal(c.shown, 2);
	round_of(&c, 1003 + METRICS_CGROUPS_KEEP_S, (const char *[]){ NULL });
	assert_int_equal(c.shown, 0);
	metrics_cgroups_free(&c);
}

static void test_cgroups_are_bounded(void **state)
{
	struct metrics_cgroups c;
	char path[32];
	uint64_t sum;

	assert_int_equal(metrics_cgroups_init(&c, METRICS_CGROUPS_DEFAULT), 0);
	for (int turn = 0; turn < 3; turn++) {
		metrics_cgroups_begin(&c);
		for (int i = 0; i < 20000; i++) {
			snprintf(path, sizeof(path), "/pod-%d", i % 10000 + turn * 5000);
			metrics_cgroups_add(&c, path, 1, 1000 + turn);
		}
		metrics_cgroups_end(&c, 1000 + turn);
		sum = c.other;
		for (size_t i = 0; i < c.shown; i++)
			sum += c.rows[i].stalled;
		assert_int_equal(c.shown, METRICS_CGROUPS_DEFAULT);
		assert_int_equal(c.count, METRICS_CGROUPS_DEFAULT);
		assert_int_equal(sum, 20000);
	}
	metrics_cgroups_free(&c);
	assert_int_equal(metrics_cgroups_init(&c, 0), 0);
	round_of(&c, 1, (const char *[]){ "/a", NULL });
	assert_int_equal(c.shown, 0);
	assert_int_equal(c.other, 1);
	metrics_cgroups_free(&c);
}

/* Two names that are shown the same are one series: two of a name would be no metrics at all. */
static void test_cgroups_shown_the_same(void **state)
{
	struct metrics_cgroups c;

	assert_int_equal(metrics_cgroups_init(&c, 4), 0);
	round_of(&c, 1, (const char *[]){ "/\xff", "/\\xff", NULL });
	assert_int_equal(c.shown, 1);
	assert_int_equal(series(&c, "/\\xff"), 2);
	metrics_cgroups_free(&c);
}

/* ---- words ---- */

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *means; /* NULL: refused */
		bool local;
	} rows[] = {
		{ "9782", "http://127.0.0.1:9782/metrics", true },
		{ ":9782", NULL, false },
		{ "localhost:1", "http://127.0.0.1:1/metrics", true },
		{ "127.9.9.9:65535", "http://127.9.9.9:65535/metrics", true },
		{ "0.0.0.0:9782", "http://0.0.0.0:9782/metrics", false },
		{ "192.0.2.1:80", "http://192.0.2.1:80/metrics", false },
		{ "[::1]:80", "http://[::1]:80/metrics", true },
		{ "[2001:db8::1]:80", "http://[2001:db8::1]:80/metrics", false },
		{ "[::]:80", "http://[::]:80/metrics", false },
		{ "::1:80", NULL, false },
		{ "[::1]", NULL, false },
		{ "[]:80", NULL, false },
		{ "[1.2.3.4]:80", NULL, false },
		{ "0", NULL, false },
		{ "65536", NULL, false },
		{ "99999999999", NULL, false },
		{ "+80", NULL, false },
		{ "80 ", NULL, false },
		{ "", NULL, false },
		{ "example.org:80", NULL, false },
		{ "1.2.3:80", NULL, false },
		{ "unix:/run/tcptimer/metrics.sock", "unix:/run/tcptimer/metrics.sock", true },
		{ "unix:relative", NULL, false },
		{ "unix:", NULL, false },
		{ "unix:/1234567890123456789012345678901234567890123456789012345678901234567890123"
		  "45678901234567890123456789012345678",
		  NULL, false },
	};
	struct metrics_address address;
	const char *words;
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int err;

		words = NULL;
		err = metrics_address_parse(rows[i].text, &address, &words);
		if (!rows[i].means) {
			assert_int_equal(err, -EINVAL);
			assert_non_null(words);
			continue;
		}
		if (err)
			print_error("refused: %s\n", rows[i].text);
		assert_int_equal(err, 0);
		assert_string_equal(metrics_address_text(&address, text, sizeof(text)),
				    rows[i].means);
		assert_int_equal(metrics_address_is_local(&address), rows[i].local);
	}
}

static void test_accept(void **state)
{
	static const struct {
		const char *accept;
		bool openmetrics;
	} rows[] = {
		{ NULL, false },
		{ "", false },
		{ "*/*", false },
		{ "text/plain;version=0.0.4;q=1,*/*;q=0.1", false },
		{ "application/openmetrics-text", true },
		{ "APPLICATION/OpenMetrics-Text ; Version=1.0.0 ; Q=0.5", true },
		/* Prometheus 2.42 */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  true },
		{ "application/openmetrics-text;version=0.0.1", false },
		{ "application/openmetrics-text;version=2.0.0,text/plain", false },
		{ "text/plain;q=0.9, application/openmetrics-text;q=0.899", false },
		{ "text/plain;q=0.899, application/openmetrics-text;q=0.9", true },
		{ "application/openmetrics-text;q=0", false },
		{ "application/openmetrics-text;q=1.5", false },
		{ "application/openmetrics-text;q=-1", false },
		{ "application/openmetrics-text;q=", false },
		{ "application/openmetrics-textual", false },
		{ ";;,,;=,q=1", false },
		{ ",,application/openmetrics-text,", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (metrics_accepts_openmetrics(rows[i].accept) != rows[i].openmetrics)
			print_error("Accept: %s\n", rows[i].accept);
		assert_int_equal(metrics_accepts_openmetrics(rows[i].accept), rows[i].openmetrics);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_formats),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_page_without),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_cgroups_keep_their_series),
		cmocka_unit_test(test_cgroups_are_bounded),
		cmocka_unit_test(test_cgroups_shown_the_same),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_accept),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	written(NULL, false);
	return failed;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections by group: what is counted, the order, the labels, the histograms, the text.
 * Receives user/summary*.c, user/histogram.c and user/seen.c; no kernel.
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
#include "seen.h"
#include "summary.h"

#define HZ 250

/* A connection that has sent again for `stall_ms`, or one that does not stall. */
static struct tcptimer_snapshot snap_of(uint64_t sk, int64_t stall_ms)
{
	struct tcptimer_snapshot s = { .sk = sk,
				       .family = AF_INET,
				       .state = TCPTIMER_STATE_ESTABLISHED,
				       .rto_jiffies = 50,
				       .now_jiffies = 1000000,
				       .now_ns = 4000000000000ULL,
				       .netns = 4026531840U,
				       .local_port = 1000,
				       .remote_port = 443 };

	inet_pton(AF_INET, "192.0.2.2", s.remote_addr);
	if (stall_ms) {
		s.packets_out = 1;
		s.retransmits = 1;
		s.retrans_stamp = (uint32_t)(s.now_ns / 1000000 - (uint64_t)stall_ms);
	}
	return s;
}

static void add(struct summary *s, const char *cgroup, int64_t stall_ms, int64_t deadline_ms)
{
	struct tcptimer_snapshot snap = snap_of(64, stall_ms);
	struct conn conn = { .snap = &snap,
			     .cgroup = cgroup,
			     .hz = HZ,
			     .has_deadline = deadline_ms > 0,
			     .deadline_ms = deadline_ms,
			     .deadline_cause = TCPTIMER_CAUSE_RETRIES };

	assert_int_equal(summary_add_conn(s, &conn), 0);
}

static void test_counts(void **state)
{
	struct summary *s = summary_new(SUMMARY_BY_CGROUP);
	const struct summary_group *const *groups;
	size_t count;

	add(s, "/a", 0, 0);
	add(s, "/a", 1500, 90000);
	add(s, "/a", 700, 30000);
	add(s, "/b", 0, 0);
	add(s, NULL, 0, 0);
	groups = summary_groups(s, &count);
	assert_int_equal(count, 3);
	assert_string_equal(groups[0]->text, "/a");
	assert_int_equal(groups[0]->sockets, 3);
	assert_int_equal(groups[0]->states[TCPTIMER_STATE_ESTABLISHED], 3);
	assert_int_equal(groups[0]->stalled, 2);
	assert_int_equal(groups[0]->stalled_on[TCPTIMER_TIMER_RETRANS], 2);
	assert_int_equal(groups[0]->oldest_ms, 1500);
	assert_true(groups[0]->has_deadline);
	assert_int_equal(groups[0]->deadline_ms, 30000);
	assert_int_equal(histogram_total(&groups[0]->rto), 3);
	assert_int_equal(histogram_total(&groups[0]->stall), 2);
	assert_int_equal(histogram_total(&groups[0]->deadline), 2);
	assert_null(groups[1]->text); /* no name is before any name */
	assert_int_equal(summary_total(s)->sockets, 5);
	assert_int_equal(summary_total(s)->stalled, 2);
	summary_free(s);
}

/* A TIME_WAIT mini-socket is a socket, but its deadline is no one's; requests are syn_recv. */
static void test_mini_sockets(void **state)
{
	struct summary *s = summary_new(SUMMARY_BY_CGROUP);
	struct tcptimer_snapshot snap = snap_of(1, 0);
	struct conn conn = { .snap = &snap, .hz = HZ, .has_deadline = true, .deadline_ms = 5 };

	snap.kind = TCPTIMER_SOCK_TIMEWAIT;
	snap.state = TCPTIMER_STATE_TIME_WAIT;
	assert_int_equal(summary_add_conn(s, &conn), 0);
	assert_false(summary_total(s)->has_deadline);
	assert_int_equal(histogram_total(&summary_total(s)->rto), 0);
	snap.kind = TCPTIMER_SOCK_REQUEST;
	snap.state = TCPTIMER_STATE_NEW_SYN_RECV;
	assert_int_equal(summary_add_conn(s, &conn), 0);
	assert_true(summary_total(s)->has_deadline);
	assert_int_equal(summary_total(s)->states[TCPTIMER_STATE_SYN_RECV], 1);
	assert_int_equal(summary_total(s)->states[TCPTIMER_STATE_NEW_SYN_RECV], 0);
	summary_free(s);
}

/* Rows in the order in which they have to come out, each worse than those after it in one way. */
static void test_order(void **state)
{
	static const struct {
		const char *cgroup;
		unsigned int stalled, sockets;
		uint64_t deaths, closed, timeouts, retransmitted;
	} rows[] = {
		{ "/stalled-twice", 2, 0, 0, 0, 0, 0 },
		{ "/stalled", 1, 0, 0, 0, 0, 0 },
		{ "/died", 0, 0, 2, 0, 0, 0 },
		{ "/timeouts", 0, 0, 1, 0, 2, 0 },
		{ "/fewer", 0, 0, 1, 0, 1, 0 },
		{ "/resent", 0, 0, 0, 50, 0, 7 },
		{ "/many", 0, 5, 0, 0, 0, 0 },
		{ "/a", 0, 1, 0, 9, 0, 0 },
		{ "/b", 0, 1, 0, 0, 0, 0 },
	};
	struct summary *s = summary_new(SUMMARY_BY_CGROUP);
	const struct summary_group *const *groups;
	size_t count = sizeof(rows) / sizeof(rows[0]), n;

	for (size_t i = count; i--;) {
		struct tcptimer_snapshot snap = snap_of(1, 0);
		struct conn who = { .snap = &snap, .cgroup = rows[i].cgroup, .hz = HZ };
		struct tcptimer_summary_counts c = { .timeouts = rows[i].timeouts,
						     .retransmitted = rows[i].retransmitted };

		c.ended[TCPTIMER_CAUSE_RETRIES] = rows[i].deaths;
		c.ended[TCPTIMER_CAUSE_CLOSED] = rows[i].closed;
		assert_int_equal(summary_add_counts(s, &who, &c), 0);
		for (unsigned int j = 0; j < rows[i].stalled; j++)
			add(s, rows[i].cgroup, 500, 0);
		for (unsigned int j = 0; j < rows[i].sockets; j++)
			add(s, rows[i].cgroup, 0, 0);
	}
	groups = summary_groups(s, &n);
	assert_int_equal(n, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(groups[i]->text, rows[i].cgroup);
	summary_free(s);
}

/* More groups than the table begins with: each is found again. */
static void test_many(void **state)
{
	struct summary *s = summary_new(SUMMARY_BY_CGROUP);
	const struct summary_group *const *groups;
	char path[32];
	size_t count;

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(path, sizeof(path), "/group-%d", i);
			add(s, path, 0, 0);
		}
	groups = summary_groups(s, &count);
	assert_int_equal(count, 5000);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(groups[i]->sockets, 2);
	summary_free(s);
}

static void test_labels(void **state)
{
	struct summary_group group = { .text = (char *)"/system.slice/a\033b.service" };
	struct summary_group none = {};
	char buf[512];

	assert_string_equal(summary_label(SUMMARY_BY_CGROUP, &group, false, buf, sizeof(buf)),
			    "a\\x1bb.service");
	assert_string_equal(summary_label(SUMMARY_BY_CGROUP, &group, true, buf, sizeof(buf)),
			    "/system.slice/a\\x1bb.service");
	group.text = (char *)"ng\ninx";
	group.id = 77;
	assert_string_equal(summary_label(SUMMARY_BY_PROCESS, &group, false, buf, sizeof(buf)),
			    "ng\\x0ainx/77");
	assert_string_equal(summary_label(SUMMARY_BY_NETNS, &group, false, buf, sizeof(buf)),
			    "ng\\x0ainx");
	for (int by = 0; by < SUMMARY_BY_COUNT; by++)
		assert_string_equal(
			summary_label((enum summary_by)by, &none, false, buf, sizeof(buf)), "-");
	none.id = 4026531840U;
	assert_string_equal(summary_label(SUMMARY_BY_NETNS, &none, false, buf, sizeof(buf)),
			    "4026531840");
	for (int by = 0; by < SUMMARY_BY_COUNT; by++)
		assert_int_equal(summary_by_of(summary_by_word((enum summary_by)by)), by);
	assert_int_equal(summary_by_of("colour"), -1);
}

static void test_groups_by(void **state)
{
	static const size_t wanted[SUMMARY_BY_COUNT] = { 1, 2, 2, 3, 2 };

	for (int by = 0; by < SUMMARY_BY_COUNT; by++) {
		struct summary *s = summary_new((enum summary_by)by);
		struct tcptimer_snapshot snaps[3] = { snap_of(1, 0), snap_of(2, 0), snap_of(3, 0) };
		size_t count;

		snaps[1].netns = 7;
		inet_pton(AF_INET, "192.0.2.9", snaps[2].remote_addr);
		for (int i = 0; i < 3; i++) {
			struct conn conn = { .snap = &snaps[i],
					     .cgroup = "/x",
					     .comm = "same",
					     .pid = i + 1,
					     .rule = i ? "rule" : NULL,
					     .hz = HZ };

			assert_int_equal(summary_add_conn(s, &conn), 0);
		}
		summary_groups(s, &count);
		assert_int_equal(count, wanted[by]);
		summary_free(s);
	}
}

/* ---- histograms */

static void test_buckets(void **state)
{
	static const struct {
		int64_t ms;
		unsigned int bucket;
	} rows[] = { { -5, 0 },
		     { 0, 0 },
		     { 9, 0 },
		     { 10, 1 },
		     { 19, 1 },
		     { 20, 2 },
		     { 999, 6 },
		     { 1000, 7 },
		     { 7199999, TCPTIMER_BUCKET_COUNT - 2 },
		     { 7200000, TCPTIMER_BUCKET_COUNT - 1 },
		     { INT64_MAX, TCPTIMER_BUCKET_COUNT - 1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct histogram h = {};

		histogram_add(&h, rows[i].ms);
		assert_int_equal(h.buckets[rows[i].bucket], 1);
	}
	assert_int_equal(histogram_bound_ms(0), 10);
	assert_int_equal(histogram_bound_ms(TCPTIMER_BUCKET_COUNT - 1), -1);
}

static void test_bars(void **state)
{
	struct histogram h = {}, empty = {};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; i < 1000; i++)
		histogram_add(&h, 200);
	histogram_add(&h, 1500);
	assert_int_equal(histogram_print(&h, "rto", 60, out), 0);
	assert_int_equal(histogram_print(&empty, "none", 60, out), 0);
	fclose(out);
	assert_string_equal(text, "rto          200ms - 500ms      1000  ####################\n"
				  "                500ms - 1s         0\n"
				  "                   1s - 2s         1  #\n");
	free(text);
}

/* ---- text */

static char *printed(struct summary *s, const struct summary_show *show)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(summary_print(s, show, out), 0);
	fclose(out);
	return text;
}

static void test_text(void **state)
{
	struct summary_show show = { .when = "now" };
	struct summary *s = summary_new(SUMMARY_BY_CGROUP);
	struct tcptimer_snapshot snap = snap_of(1, 0);
	struct conn who = { .snap = &snap, .cgroup = "/system.slice/web.service", .hz = HZ };
	struct tcptimer_summary_counts c = { .retransmitted = 100,
					     .probes = 1,
					     .recovered = 2,
					     .recovered_ms = 3000,
					     .recovered_max_ms = 2000 };
	char *text;

	add(s, who.cgroup, 1500, 30000);
	text = printed(s, &show);
	assert_string_equal(
		text, "now  1 socket in 1 cgroup, 1 stalled (1 retrans)\n"
		      "CGROUP            SOCKETS  STALLED  HOW        OLDEST  DEADLINE  CAUSE    "
		      "STATES\n"
		      "web.service             1        1  1 retrans    1.5s       30s  retries  "
		      "1 established\n");
	free(text);
	c.ended[TCPTIMER_CAUSE_RETRIES] = 2;
	c.ended[TCPTIMER_CAUSE_CLOSED] = 1;
	c.ended[TCPTIMER_CAUSE_NONE] = 1;
	assert_int_equal(summary_add_counts(s, &who, &c), 0);
	show.interval_ms = 5000;
	show.lost = 3;
	text = printed(s, &show);
	assert_non_null(strstr(text, "in 5s 4 ended (unknown 1, retries 2, closed 1), 3 lost\n"));
	assert_non_null(
		strstr(text, "         20      0.20           -  2 after 1.5s, at most 2s"));
	free(text);
	summary_free(s);
	s = summary_new(SUMMARY_BY_REMOTE);
	show.interval_ms = 0;
	text = printed(s, &show);
	assert_string_equal(text, "now  0 sockets in 0 remote addresses, 0 stalled\n");
	free(text);
	summary_free(s);
}

/* ---- what was seen */

static void test_seen(void **state)
{
	struct seen seen = {};
	struct tcptimer_snapshot snap;
	struct conn conn = { .snap = &snap, .pid = 5, .comm = "a name that is too long for it" };

	assert_null(seen_find(&seen, 64, 1, 2));
	for (uint64_t i = 1; i <= 3000; i++) {
		snap = snap_of(i * 64, 0);
		assert_int_equal(seen_add(&seen, &conn, i % 2), 0);
	}
	snap.sk = 0; /* it has no address: not kept */
	assert_int_equal(seen_add(&seen, &conn, true), 0);
	for (uint64_t i = 1; i <= 3000; i++) {
		const struct seen_socket *found = seen_find(&seen, i * 64, 1000, 443);

		assert_non_null(found);
		assert_int_equal(found->matched, i % 2);
		assert_int_equal(found->pid, 5);
		assert_string_equal(found->comm, "a name that is ");
	}
	/* its address is another socket's by now */
	assert_null(seen_find(&seen, 64, 1001, 443));
	assert_null(seen_find(&seen, 64, 1000, 80));
	seen_free(&seen);
	assert_null(seen_find(&seen, 64, 1000, 443));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),  cmocka_unit_test(test_mini_sockets),
		cmocka_unit_test(test_order),   cmocka_unit_test(test_many),
		cmocka_unit_test(test_labels),  cmocka_unit_test(test_groups_by),
		cmocka_unit_test(test_buckets), cmocka_unit_test(test_bars),
		cmocka_unit_test(test_text),    cmocka_unit_test(test_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KEY=VALUE settings: names, values, bounds, messages, and what each does to a snapshot.
 * Receives nothing; hands cmocka verdicts.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "settings.h"
#include "simulation.h"
#include "socket_spec.h"

#define TEST_HZ 250
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void names_find_their_row(void **state)
{
	static const struct {
		const char *name, *row;
	} rows[] = {
		{ "user_timeout", "user_timeout" },
		{ "TCP_USER_TIMEOUT", "user_timeout" },
		{ "syn_retries", "syn_retries" }, /* the option wins over the sysctl's short name */
		{ "tcp_syn_retries", "tcp_syn_retries" },
		{ "net.ipv4.tcp_syn_retries", "tcp_syn_retries" },
		{ "net.ipv4.syn_retries", "tcp_syn_retries" },
		{ "syncnt", "syn_retries" },
		{ "TCP_SYNCNT", "syn_retries" },
		{ "retries2", "tcp_retries2" },
		{ "fin_timeout", "tcp_fin_timeout" },
		{ "thin_linear_timeouts", "thin_linear_timeouts" },
		{ "TCP_THIN_LINEAR_TIMEOUTS",
		  "thin_linear_timeouts" }, /* case tells it from the sysctl */
		{ "tcp_thin_linear_timeouts", "tcp_thin_linear_timeouts" },
		{ "srtt", "rtt" },
		{ "net.ipv4.user_timeout", NULL }, /* no sysctl */
		{ "tcp_", NULL },
		{ "", NULL },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct setting *row = setting_find(rows[i].name, strlen(rows[i].name));

		if (!rows[i].row)
			assert_null(row);
		else if (!row || strcmp(row->name, rows[i].row))
			fail_msg("'%s' finds '%s', not '%s'", rows[i].name,
				 row ? row->name : "nothing", rows[i].row);
	}
}

/* Every row's bounds are taken, and what lies outside is not. */
static void bounds_hold(void **state)
{
	const struct setting *row;
	struct setting_change c;
	char word[96], err[512];
	size_t i;

	for (i = 0; (row = setting_at(i)); i++) {
		const char *unit = row->kind == SETTING_SPAN ? "us" : "";

		assert_ptr_equal(setting_find(row->name, strlen(row->name)), row);
		assert_true(row->help && *row->help);
		if (row->kind != SETTING_SPAN && row->kind != SETTING_COUNT)
			continue;
		snprintf(word, sizeof(word), "%s=%lld%s", row->name, (long long)row->min, unit);
		assert_int_equal(setting_parse(word, NULL, &c, err, sizeof(err)), 0);
		assert_int_equal(c.value, row->min);
		snprintf(word, sizeof(word), "%s=%lld%s", row->name, (long long)row->max, unit);
		assert_int_equal(setting_parse(word, NULL, &c, err, sizeof(err)), 0);
		assert_int_equal(c.value, row->max);
		snprintf(word, sizeof(word), "%s=%lld%s", row->name, (long long)row->max + 1, unit);
		assert_int_equal(setting_parse(word, NULL, &c, err, sizeof(err)), -EINVAL);
		assert_non_null(strstr(err, "out of range"));
		if (row->min > 0) {
			snprintf(word, sizeof(word), "%s=%lld%s", row->name,
				 (long long)row->min - 1, unit);
			assert_int_equal(setting_parse(word, NULL, &c, err, sizeof(err)), -EINVAL);
		}
	}
	assert_true(i > 30);
}

static void spans_and_units(void **state)
{
	static const struct {
		const char *text;
		uint32_t unit_us;
		int64_t us; /* < 0: an error */
	} rows[] = {
		{ "200ms", 0, 200000 },
		{ "1.5s", 0, 1500000 },
		{ "2h", 0, 7200000000 },
		{ "500us", 0, 500 },
		{ "0", 0, 0 },
		{ "5000", 0, -EINVAL },
		{ "5000", 1000, 5000000 },
		{ "7200", 1000000, 7200000000 },
		{ "", 0, -EINVAL },
		{ "us", 0, -EINVAL },
		{ "-1s", 0, -EINVAL },
		{ "1s2", 0, -EINVAL },
		{ "1e3", 1, -EINVAL },
		{ "99999999999999999999", 1, -ERANGE },
		{ "9223372036854775807", 1000, -ERANGE },
		{ "9223372036854775s", 0, -ERANGE },
	};
	int64_t us;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		int err = setting_parse_span(rows[i].text, strlen(rows[i].text), rows[i].unit_us,
					     &us);

		if (rows[i].us < 0 ? err != rows[i].us : err || us != rows[i].us)
			fail_msg("'%s': %d, %lld", rows[i].text, err, (long long)us);
	}
}

static void messages_name_the_remedy(void **state)
{
	static const struct {
		const char *word, *says;
	} rows[] = {
		{ "user_timout=5s", "did you mean 'user_timeout'" },
		{ "tcp_retires2=5", "did you mean 'tcp_retries2'" },
		{ "retires2=5", "did you mean 'tcp_retries2'" },
		{ "kernle=6.1", "did you mean 'kernel'" },
		{ "xyzzy=1", "--settings lists them" },
		{ "user_timeout", "needs a value" },
		{ "user_timeout=", "can't be read" },
		{ "user_timeout=5000", "a time with its unit" },
		{ "tcp_retries2=256", "0..255" },
		{ "tcp_retries2=-1", "can't be read" },
		{ "keepalive=1s/2s", "60s/10s/5" },
		{ "keepalive=1s/2s/128", "out of range" },
		{ "keepalive=0/2s/1", "out of range" },
		{ "keepalive=1s/2s/3/4", "can't be read" },
		{ "orphan=maybe", "on, off" },
		{ "\033]0;x\a=1", "\\x1b]0;x\\x07" },
		{ "rto=\xff", "\\xff" },
	};
	static const char *const more[] = { "kernel", NULL };
	struct setting_change c;
	char err[512];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(setting_parse(rows[i].word, more, &c, err, sizeof(err)), -EINVAL);
		if (!strstr(err, rows[i].says) || strchr(err, '\n'))
			fail_msg("%s", err);
	}
}

/* A snapshot with the words applied. */
static struct tcptimer_snapshot applied(const char *kernel, enum setting_when when,
					unsigned int state, size_t count, const char *const *words)
{
	struct tcptimer_profile profile = *tcptimer_profile_by_name(kernel);
	struct tcptimer_engine_params params = { .hz = TEST_HZ };
	struct setting_change changes[8];
	struct tcptimer_snapshot snap;
	struct setting_target target = { &profile, TEST_HZ, when, &snap, &params };
	char err[512];
	size_t i;

	assert_int_equal(tcptimer_snapshot_init_defaults(&profile, TEST_HZ, state, &snap), 0);
	for (i = 0; i < count; i++)
		if (setting_parse(words[i], NULL, &changes[i], err, sizeof(err)))
			fail_msg("%s", err);
	settings_apply(changes, count, &target);
	settings_apply_counters(changes, count, &target);
	return snap;
}
#define APPLIED(kernel, when, ...)                                                                 \
	applied(kernel, when, TCPTIMER_STATE_ESTABLISHED,                                          \
		COUNT(((const char *const[]){ __VA_ARGS__ })),                                     \
		(const char *const[]){ __VA_ARGS__ })

static void setters_use_the_kernels_units(void **state)
{
	struct tcptimer_snapshot s;

	s = APPLIED("6.18", SETTING_AT_BIRTH, "user_timeout=20s", "syn_retries=3", "linger2=5",
		    "thin_linear_timeouts=on", "tcp_fin_timeout=30", "tcp_retries2=8", "orphan=1");
	assert_int_equal(s.user_timeout_ms, 20000);
	assert_int_equal(s.syn_retries, 3);
	assert_int_equal(s.linger2_jiffies, 5 * TEST_HZ);
	assert_int_equal(s.sysctls.fin_timeout_jiffies, 30 * TEST_HZ);
	assert_int_equal(s.sysctls.retries2, 8);
	assert_true(s.flags & TCPTIMER_F_THIN_LTO);
	assert_true(s.flags & TCPTIMER_F_DEAD);
	s = APPLIED("6.18", SETTING_AT_BIRTH, "linger2=off", "tcp_rto_max_ms=10000",
		    "tcp_rto_min_us=20000", "tcp_invalid_ratelimit=501ms");
	assert_int_equal(s.linger2_jiffies, -1);
	assert_int_equal(s.sysctls.rto_max_ms, 10000);
	assert_int_equal(s.rto_max_jiffies, 10 * TEST_HZ);
	assert_int_equal(s.rto_min_jiffies, 5);
	assert_in_range(s.rto_jiffies, 5, 7); /* the sample of 1 ms, and the new minimum */
	assert_int_equal(s.sysctls.invalid_ratelimit_jiffies, 126); /* rounded up */
	/* The wide field of seconds: as long as an int of jiffies, never wrapped. */
	s = APPLIED("6.18", SETTING_AT_BIRTH, "tcp_keepalive_time=2147483647");
	assert_int_equal(s.keepalive_time_jiffies, 0x7fffffff);
}

static void options_win_over_sysctls(void **state)
{
	struct tcptimer_snapshot s;

	s = APPLIED("6.12", SETTING_AT_BIRTH, "keepalive=60s/10s/5", "tcp_keepalive_time=100",
		    "tcp_keepalive_probes=3");
	assert_int_equal(s.keepalive_time_jiffies, 60 * TEST_HZ);
	assert_int_equal(s.keepalive_probes, 5);
	assert_int_equal(s.sysctls.keepalive_time_jiffies, 100 * TEST_HZ);
	s = APPLIED("6.12", SETTING_AT_BIRTH, "keepcnt=4", "keepalive=on",
		    "tcp_keepalive_time=100");
	assert_int_equal(s.keepalive_time_jiffies, 100 * TEST_HZ);
	assert_int_equal(s.keepalive_probes, 4);
	assert_true(s.flags & TCPTIMER_F_KEEPOPEN);
	s = APPLIED("6.12", SETTING_AT_BIRTH, "keepalive=on", "keepalive=off");
	assert_false(s.flags & TCPTIMER_F_KEEPOPEN);
}

/* On a live socket: SO_KEEPALIVE and TCP_KEEPIDLE arm the timer, the rest waits for its firing. */
static void live_changes_rearm_as_setsockopt(void **state)
{
	struct tcptimer_snapshot s;

	s = APPLIED("6.18", SETTING_LIVE, "keepalive=60s/10s/5");
	assert_true(s.flags & TCPTIMER_F_KEEP_PENDING);
	assert_int_equal(s.keep_expires - s.now_jiffies, 60 * TEST_HZ);
	s = APPLIED("6.18", SETTING_LIVE, "keepalive=on", "keepidle=30s", "keepintvl=1s");
	assert_int_equal(s.keep_expires - s.now_jiffies, 30 * TEST_HZ);
	assert_int_equal(s.keepalive_intvl_jiffies, TEST_HZ);
	s = APPLIED("6.18", SETTING_LIVE, "keepalive=on", "keepalive=off");
	assert_false(s.flags & TCPTIMER_F_KEEP_PENDING);
	/* copied when a socket is made: an old one keeps what it has */
	s = APPLIED("6.18", SETTING_LIVE, "tcp_rto_max_ms=5000");
	assert_int_equal(s.rto_max_jiffies, 120 * TEST_HZ);
	assert_int_equal(s.sysctls.rto_max_ms, 120000);
}

static void what_a_kernel_lacks_is_left_out(void **state)
{
	struct setting_target target = { .profile = tcptimer_profile_by_name("6.12") };
	struct tcptimer_snapshot s = APPLIED("6.12", SETTING_AT_BIRTH, "tcp_rto_max_ms=5000");
	const struct setting *row = setting_find("tcp_rto_max_ms", 14);
	char why[160];

	assert_int_equal(s.sysctls.rto_max_ms, 0);
	assert_int_equal(s.rto_max_jiffies, 120 * TEST_HZ);
	assert_non_null(setting_left_out(row, &target, why, sizeof(why)));
	assert_string_equal(why, "kernel 6.12 has no tcp_rto_max_ms (since 6.15)");
	target.profile = tcptimer_profile_by_name("6.18");
	assert_null(setting_left_out(row, &target, why, sizeof(why)));
}

/* Five retransmissions: 408 + 816 + 1632 + 3264 ms since the first, 6528 ms to the next. */
static void retransmits_come_with_their_history(void **state)
{
	struct tcptimer_snapshot s = APPLIED("6.12", SETTING_AT_BIRTH, "retransmits=5");
	uint32_t now_ms = (uint32_t)(s.now_ns / 1000000);

	assert_int_equal(s.retransmits, 5);
	assert_int_equal(s.rto_jiffies, 51 << 5);
	assert_int_equal(now_ms - s.retrans_stamp, 408 + 816 + 1632 + 3264);
}

static void specs_are_read(void **state)
{
	static const struct {
		const char *words[4];
		int kind; /* < 0: refused */
	} rows[] = {
		{ { "4711" }, SOCKET_SPEC_COOKIE },
		{ { "0x1267" }, SOCKET_SPEC_COOKIE },
		{ { ":443" }, SOCKET_SPEC_PORT },
		{ { "10.0.0.1:443" }, SOCKET_SPEC_END },
		{ { "[fd00::1]:443" }, SOCKET_SPEC_END },
		{ { "10.0.0.1:443", "10.0.0.2:5" }, SOCKET_SPEC_TUPLE },
		{ { "10.0.0.1:443", "->", "10.0.0.2:5" }, SOCKET_SPEC_TUPLE },
		{ { "10.0.0.1:443-10.0.0.2:5" }, SOCKET_SPEC_TUPLE },
		{ { "10.0.0.1:443->10.0.0.2:5" }, SOCKET_SPEC_TUPLE },
		{ { "[::1]:1-[::1]:2" }, SOCKET_SPEC_TUPLE },
		{ { NULL }, -1 },
		{ { "0" }, -1 },
		{ { ":0" }, -1 },
		{ { ":65536" }, -1 },
		{ { "10.0.0.1" }, -1 },
		{ { "fd00::1:443" }, -1 },
		{ { "[]:443" }, -1 },
		{ { "10.0.0.1:443", ":5" }, -1 },
		{ { "10.0.0.1:443", "and", "10.0.0.2:5" }, -1 },
		{ { "10.0.0.1:443-" }, -1 },
	};
	struct socket_spec spec;
	char err[256];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		int argc = 0, status;

		while (rows[i].words[argc])
			argc++;
		status = socket_spec_parse(&spec, argc, (char *const *)rows[i].words, err,
					   sizeof(err));
		if (rows[i].kind < 0 ? !status : status || (int)spec.kind != rows[i].kind)
			fail_msg("'%s'", rows[i].words[0] ? rows[i].words[0] : "");
	}
}

static void specs_match_both_ends(void **state)
{
	struct tcptimer_snapshot s = { .family = 2,
				       .local_addr = { 10, 0, 0, 1 },
				       .local_port = 443,
				       .remote_addr = { 10, 0, 0, 2 },
				       .remote_port = 5,
				       .cookie = 7 };
	struct tcptimer_snapshot mapped = { .family = 10,
					    .local_port = 443,
					    .remote_port = 5,
					    .local_addr = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
					    .remote_addr = { [10] = 0xff, 0xff, 10, 0, 0, 2 } };
	static const struct {
		const char *word;
		int match;
	} rows[] = {
		{ "7", 2 },
		{ "8", 0 },
		{ ":5", 2 },
		{ ":443", 2 },
		{ ":6", 0 },
		{ "10.0.0.2:5", 2 },
		{ "10.0.0.2:443", 0 },
		{ "10.0.0.1:443-10.0.0.2:5", 2 },
		{ "10.0.0.2:5-10.0.0.1:443", 1 },
	};
	struct socket_spec spec;
	char err[256];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		char *words[] = { (char *)rows[i].word };

		assert_int_equal(socket_spec_parse(&spec, 1, words, err, sizeof(err)), 0);
		assert_int_equal(socket_spec_match(&spec, &s), rows[i].match);
		if (spec.kind !=
		    SOCKET_SPEC_COOKIE) /* IPv4 in an IPv6 socket is the same address */
			assert_int_equal(socket_spec_match(&spec, &mapped), rows[i].match);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_find_their_row),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(spans_and_units),
		cmocka_unit_test(messages_name_the_remedy),
		cmocka_unit_test(setters_use_the_kernels_units),
		cmocka_unit_test(options_win_over_sysctls),
		cmocka_unit_test(live_changes_rearm_as_setsockopt),
		cmocka_unit_test(what_a_kernel_lacks_is_left_out),
		cmocka_unit_test(retransmits_come_with_their_history),
		cmocka_unit_test(specs_are_read),
		cmocka_unit_test(specs_match_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

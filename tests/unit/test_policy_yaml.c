// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader of policy files: what it takes, what it refuses, and where it says the fault is.
 * Receives nothing; hands cmocka verdicts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "policy/policy_yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RULE_HEAD "version: 1\nrules:\n  - name: a\n"
#define SET "    set: {user_timeout: 20s}\n"

static int read_text(struct policy *policy, const char *text, struct policy_report *report)
{
	return policy_read(policy, "p.yaml", text, strlen(text), report);
}

static void the_whole_language(void **state)
{
	static const char text[] =
		"version: 1\n"
		"rules:                       # first match wins\n"
		"  - name: db-clients\n"
		"    match:\n"
		"      cgroup: [\"/kubepods.slice/**\", \"/system.slice/docker-*.scope\"]\n"
		"      direction: connect     # connect | accept | any\n"
		"      remote: [10.0.0.0/8, \"fd00::/8\"]\n"
		"      remote_port: [5432, 6379-6390]\n"
		"      local_port: []\n"
		"    mode: audit\n"
		"    set:\n"
		"      user_timeout: 20s\n"
		"      max_retries: 6\n"
		"      syn_retries: 3\n"
		"      syn_rto: 500ms\n"
		"      rto_min: 50ms\n"
		"      rto_max: 10s\n"
		"      delack_max: 1500us\n"
		"      thin_linear_timeouts: true\n"
		"      keepalive: {enable: true, idle: 2min, interval: 5s, probes: 3}\n"
		"  - {name: rest, set: {max_retries: 1}}\n";
	static const struct {
		enum policy_setting_id id;
		int64_t value;
		uint32_t line;
	} rows[] = {
		{ POLICY_USER_TIMEOUT, 20000000, 12 },
		{ POLICY_MAX_RETRIES, 6, 13 },
		{ POLICY_SYN_RETRIES, 3, 14 },
		{ POLICY_SYN_RTO, 500000, 15 },
		{ POLICY_RTO_MIN, 50000, 16 },
		{ POLICY_RTO_MAX, 10000000, 17 },
		{ POLICY_DELACK_MAX, 1500, 18 },
		{ POLICY_THIN_LINEAR, 1, 19 },
		{ POLICY_KEEPALIVE_ENABLE, 1, 20 },
		{ POLICY_KEEPALIVE_IDLE, 120000000, 20 },
		{ POLICY_KEEPALIVE_INTERVAL, 5000000, 20 },
		{ POLICY_KEEPALIVE_PROBES, 3, 20 },
	};
	struct policy_report report = {};
	struct policy policy = {};
	const struct policy_rule *rule;

	assert_int_equal(read_text(&policy, text, &report), 0);
	assert_int_equal(report.count, 0);
	assert_int_equal(policy.count, 2);
	rule = &policy.rules[0];
	assert_string_equal(rule->name, "db-clients");
	assert_int_equal(rule->direction, POLICY_CONNECT);
	assert_int_equal(rule->mode, POLICY_AUDIT);
	assert_int_equal(rule->pos.line, 3);
	assert_int_equal(rule->pos.column, 5);
	assert_int_equal(rule->cgroup_count, 2);
	assert_string_equal(rule->cgroup[1].pattern, "/system.slice/docker-*.scope");
	assert_int_equal(rule->cgroup[1].pos.column, 38);
	assert_int_equal(rule->remote_count, 2);
	assert_int_equal(rule->remote[1].family, AF_INET6);
	assert_int_equal(rule->remote[1].bits, 8);
	assert_int_equal(rule->remote_port_count, 2);
	assert_int_equal(rule->remote_port[1].first, 6379);
	assert_int_equal(rule->remote_port[1].last, 6390);
	assert_int_equal(rule->local_port_count, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct policy_value *value = &rule->settings[rows[i].id];

		assert_true(value->set);
		assert_int_equal(value->value, rows[i].value);
		assert_int_equal(value->pos.line, rows[i].line);
	}
	rule = &policy.rules[1];
	assert_int_equal(rule->mode, POLICY_ENFORCE);
	assert_int_equal(rule->direction, POLICY_ANY);
	assert_false(rule->settings[POLICY_USER_TIMEOUT].set);
	policy_free(&policy);
	policy_report_free(&report);
}

/* One fault a row: its code, its place, and words that its sentence has. */
static const struct refusal {
	const char *text, *code;
	uint32_t line, column;
	const char *words;
} refusals[] = {
	{ "", "empty", 1, 1, "version: 1" },
	{ "# nothing\n", "empty", 1, 1, "empty" },
	{ "a: [", "syntax", 2, 1, "no YAML" },
	{ "version: 1\n\trules: x\n", "syntax", 2, 1, "no YAML" },
	{ "\xff\xfe\x00", "syntax", 1, 1, "no YAML" },
	{ "- a\n", "wrong-kind", 1, 1, "the file takes" },
	{ "just words\n", "wrong-kind", 1, 1, "just words" },
	{ "version: 1\n", "missing-key", 1, 1, "rules" },
	{ "version: 2\nrules: [{name: a, set: {max_retries: 1}}]\n", "unknown-version", 1, 10,
	  "'2'" },
	{ "version: 1\nrules: []\n", "empty", 2, 8, "rules is empty" },
	{ "version: 1\nrules:\n", "no-value", 2, 1, "rules has no value" },
	{ "version: 1\nversion: 1\n", "duplicate-key", 2, 1, "'version'" },
	{ "version: 1\nruls: []\nrules: [{name: a, set: {max_retries: 1}}]\n", "unknown-key", 2, 1,
	  "did you mean 'rules'" },
	{ "--- {version: 1}\n--- {}\n", "syntax", 2, 1, "second document" },
	{ RULE_HEAD "    set: &x {max_retries: 1}\n", "syntax", 4, 10, "anchors" },
	{ RULE_HEAD "    set: *x\n", "syntax", 4, 10, "aliases" },
	{ RULE_HEAD "    set: {max_retries: !!int 1}\n", "syntax", 4, 24, "tags" },
	{ RULE_HEAD "    set: {max_retries: \"1\\0\"}\n", "syntax", 4, 24, "NUL" },
	{ RULE_HEAD "    set: {[a]: 1}\n", "syntax", 4, 11, "a key has to be a word" },
	{ "[[[[[[[[[[[[", "too-deep", 1, 9, "nested" },
	{ RULE_HEAD, "missing-key", 3, 5, "'set'" },
	{ "version: 1\nrules:\n  -" SET, "missing-key", 3, 8, "'name'" },
	{ "version: 1\nrules:\n  - name: a b\n" SET, "invalid-name", 3, 11, "'a b'" },
	{ "version: 1\nrules:\n  - name: \"\"\n" SET, "invalid-name", 3, 11, "empty" },
	{ "version: 1\nrules:\n  - name: a\n" SET "  - name: a\n" SET, "duplicate-name", 5, 11,
	  "p.yaml:3" },
	{ RULE_HEAD "    set: {}\n", "empty", 4, 5, "sets nothing" },
	{ RULE_HEAD "    set: {keepalive: {}}\n", "empty", 4, 5, "sets nothing" },
	{ RULE_HEAD "    set: 20s\n", "wrong-kind", 4, 10, "'20s'" },
	{ RULE_HEAD "    mode: strict\n" SET, "invalid-value", 4, 11, "enforce, default or audit" },
	{ RULE_HEAD "    match: {direction: in}\n" SET, "invalid-value", 4, 24,
	  "any, connect or accept" },
	{ RULE_HEAD "    match: {cgroup: /a}\n" SET, "wrong-kind", 4, 21, "[A, B]" },
	{ RULE_HEAD "    match: {cgroup: [[/a]]}\n" SET, "wrong-kind", 4, 22, "one value" },
	{ RULE_HEAD "    match: {cgroup: [a]}\n" SET, "invalid-glob", 4, 22, "\"/a\"" },
	{ RULE_HEAD "    match: {cgroup: [/a/]}\n" SET, "invalid-glob", 4, 22, "/a/" },
	{ RULE_HEAD "    match: {cgroup: [/sys/fs/cgroup/a]}\n" SET, "invalid-glob", 4, 22,
	  "leave out" },
	{ RULE_HEAD "    match: {remote: [10.0.0.1/8]}\n" SET, "invalid-address", 4, 22,
	  "10.0.0.0/8" },
	{ RULE_HEAD "    match: {remote: [10.0.0.0/33]}\n" SET, "invalid-address", 4, 22,
	  "0 to 32" },
	{ RULE_HEAD "    match: {remote: [10.0.0.0/]}\n" SET, "invalid-address", 4, 22, "0 to 32" },
	{ RULE_HEAD "    match: {local: [host]}\n" SET, "invalid-address", 4, 21, "'host'" },
	{ RULE_HEAD "    match: {local: [\"::ffff:10.0.0.0/104\"]}\n" SET, "invalid-address", 4, 21,
	  "10.0.0.0/8" },
	{ RULE_HEAD "    match: {remote_port: [0]}\n" SET, "invalid-port", 4, 27, "'0'" },
	{ RULE_HEAD "    match: {remote_port: [65536]}\n" SET, "invalid-port", 4, 27, "'65536'" },
	{ RULE_HEAD "    match: {local_port: [9-3]}\n" SET, "invalid-port", 4, 26, "write 3-9" },
	{ RULE_HEAD "    match: {local_port: [3-]}\n" SET, "invalid-port", 4, 26, "FIRST-LAST" },
	{ RULE_HEAD "    set: {user_timout: 1s}\n", "unknown-key", 4, 11,
	  "did you mean 'user_timeout'" },
	{ RULE_HEAD "    set: {frobnicate: 1s}\n", "unknown-key", 4, 11, "it takes user_timeout" },
	{ RULE_HEAD "    set: {user_timeout: }\n", "no-value", 4, 25, "leave it out" },
	{ RULE_HEAD "    set: {user_timeout: 20}\n", "no-unit", 4, 25,
	  "20 has no unit: write 20s or 20ms" },
	{ RULE_HEAD "    set: {user_timeout: 1.5}\n", "no-unit", 4, 25, "1.5 has no unit" },
	{ RULE_HEAD "    set: {rto_min: 20}\n", "no-unit", 4, 20, "write 20ms" },
	{ RULE_HEAD "    set: {keepalive: {idle: 20}}\n", "no-unit", 4, 29, "write 20s" },
	{ RULE_HEAD "    set: {user_timeout: 20parsecs}\n", "invalid-value", 4, 25, "20parsecs" },
	{ RULE_HEAD "    set: {user_timeout: -1s}\n", "invalid-value", 4, 25, "'-1s'" },
	{ RULE_HEAD "    set: {user_timeout: 0s}\n", "out-of-range", 4, 25, "no limit" },
	{ RULE_HEAD "    set: {user_timeout: 25d}\n", "out-of-range", 4, 25, "TCP_USER_TIMEOUT" },
	{ RULE_HEAD "    set: {user_timeout: 1500us}\n", "out-of-range", 4, 25, "1ms or 2ms" },
	{ RULE_HEAD "    set: {rto_min: 1ms}\n", "out-of-range", 4, 20, "1001us..200ms" },
	{ RULE_HEAD "    set: {rto_min: 201ms}\n", "out-of-range", 4, 20, "1001us..200ms" },
	{ RULE_HEAD "    set: {delack_max: 201ms}\n", "out-of-range", 4, 23, "TCP_BPF_DELACK_MAX" },
	{ RULE_HEAD "    set: {rto_max: 999ms}\n", "out-of-range", 4, 20, "1s..120s" },
	{ RULE_HEAD "    set: {rto_max: 121s}\n", "out-of-range", 4, 20, "1s..120s" },
	{ RULE_HEAD "    set: {syn_rto: 121s}\n", "out-of-range", 4, 20, "1ms..120s" },
	{ RULE_HEAD "    set: {max_retries: 0}\n", "out-of-range", 4, 24, "1..15" },
	{ RULE_HEAD "    set: {max_retries: 16}\n", "out-of-range", 4, 24, "1..15" },
	{ RULE_HEAD "    set: {max_retries: 6s}\n", "invalid-value", 4, 24, "without unit" },
	{ RULE_HEAD "    set: {syn_retries: 128}\n", "out-of-range", 4, 24, "1..127" },
	{ RULE_HEAD "    set: {syn_retries: 99999999999999999999}\n", "out-of-range", 4, 24,
	  "1..127" },
	{ RULE_HEAD "    set: {thin_linear_timeouts: yes}\n", "invalid-value", 4, 33, "'yes'" },
	{ RULE_HEAD "    set: {keepalive: true}\n", "wrong-kind", 4, 22, "KEY: VALUE" },
	{ RULE_HEAD "    set: {keepalive: {idle: 1500ms}}\n", "out-of-range", 4, 29, "1s or 2s" },
	{ RULE_HEAD "    set: {keepalive: {interval: 500ms}}\n", "out-of-range", 4, 33,
	  "TCP_KEEPINTVL" },
	{ RULE_HEAD "    set: {keepalive: {idle: 32768s}}\n", "out-of-range", 4, 29,
	  "TCP_KEEPIDLE" },
	{ RULE_HEAD "    set: {keepalive: {probes: 128}}\n", "out-of-range", 4, 31, "1..127" },
	{ RULE_HEAD "    set: {user_timeout: \"\\e[31m\"}\n", "invalid-value", 4, 25, "\\x1b[31m" },
};

static void faults_are_named(void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		const struct refusal *row = &refusals[i];
		struct policy_report report = {};
		struct policy policy = {};
		const struct policy_finding *f;

		if (read_text(&policy, row->text, &report) != -EINVAL || report.count != 1)
			fail_msg("row %zu: %zu findings, first: %s", i, report.count,
				 report.count ? report.findings[0].text : "");
		f = &report.findings[0];
		if (strcmp(f->code, row->code) || f->pos.line != row->line ||
		    f->pos.column != row->column || !strstr(f->text, row->words))
			fail_msg("row %zu: %u:%u [%s] %s", i, f->pos.line, f->pos.column, f->code,
				 f->text);
		assert_int_equal(policy.count, 0);
		assert_null(policy.rules);
		policy_report_free(&report);
	}
}

static void all_faults_at_once(void **state)
{
	struct policy_report report = {};
	struct policy policy = {};

	assert_int_equal(read_text(&policy,
				   RULE_HEAD "    match: {remote: [x, y], remote_port: [0]}\n"
					     "    set: {max_retries: 99, syn_retries: x}\n",
				   &report),
			 -EINVAL);
	assert_int_equal(report.errors, 5);
	policy_report_free(&report);
}

/* A file that is refused changes nothing of what the files before it gave. */
static void files_in_order(void **state)
{
	static const char first[] = RULE_HEAD SET,
			  second[] = "version: 1\nrules: [{name: b, set: {max_retries: 1}}]";
	static const char half[] = "version: 1\nrules: [{name: c, set: {max_retries: 1}}, "
				   "{name: d, set: {max_retries: 0}}]";
	static const char again[] = "version: 1\nrules: [{name: a, set: {max_retries: 1}}]";
	struct policy_report report = {};
	struct policy policy = {};

	assert_int_equal(policy_read(&policy, "1", first, strlen(first), &report), 0);
	assert_int_equal(policy_read(&policy, "2", half, strlen(half), &report), -EINVAL);
	assert_int_equal(policy.count, 1);
	assert_int_equal(policy_read(&policy, "3", again, strlen(again), &report), -EINVAL);
	assert_string_equal(report.findings[1].code, "duplicate-name");
	assert_non_null(strstr(report.findings[1].text, "1:3"));
	assert_int_equal(policy_read(&policy, "4", second, strlen(second), &report), 0);
	assert_int_equal(policy.count, 2);
	assert_string_equal(policy.rules[1].name, "b");
	assert_string_equal(policy.rules[1].file, "4");
	policy_free(&policy);
	policy_report_free(&report);
}

static char *repeat(const char *head, const char *format, unsigned int times, const char *tail)
{
	size_t size = strlen(head) + times * (strlen(format) + 16) + strlen(tail) + 1;
	char *text = malloc(size);
	size_t used;

	assert_non_null(text);
	used = (size_t)snprintf(text, size, "%s", head);
	for (unsigned int i = 0; i < times; i++) {
		char number[16];
		const char *mark = strchr(format, '#');

		snprintf(number, sizeof(number), "%u", i);
		if (mark)
			used += (size_t)snprintf(text + used, size - used, "%.*s%s%s",
						 (int)(mark - format), format, number, mark + 1);
		else
			used += (size_t)snprintf(text + used, size - used, "%s", format);
	}
	snprintf(text + used, size - used, "%s", tail);
	return text;
}

static void limits_hold(void **state)
{
	static const struct {
		const char *head, *format, *tail;
		unsigned int times;
		const char *code; /* NULL: taken */
	} rows[] = {
		{ "version: 1\nrules:\n", "  - {name: r#, set: {max_retries: 1}}\n", "", 256,
		  NULL },
		{ "version: 1\nrules:\n", "  - {name: r#, set: {max_retries: 1}}\n", "", 257,
		  "too-many" },
		{ RULE_HEAD SET "    match: {remote_port: [", "1#,", "]}\n", 32, NULL },
		{ RULE_HEAD SET "    match: {remote_port: [", "1#,", "]}\n", 33, "too-many" },
		{ "version: 1\nrules: [{set: {max_retries: 1}, name: ", "x", "}]", 64, NULL },
		{ "version: 1\nrules: [{set: {max_retries: 1}, name: ", "x", "}]", 65,
		  "invalid-name" },
		{ RULE_HEAD SET "    match: {cgroup: [/", "x", "]}\n", 1023, NULL },
		{ RULE_HEAD SET "    match: {cgroup: [/", "x", "]}\n", 1024, "invalid-glob" },
		{ "", "[", "", 500000, "too-deep" },
		{ "", "- #\n", "", 100000, "too-large" },
		{ "", "k#: 1\n", "", 64, "unknown-key" },
		{ "", "k#: 1\n", "", 65, "too-large" },
		{ "", "k#: 1\n", "", 100000, "too-large" },
		{ RULE_HEAD SET "# ", "x", "", (1 << 20) + 1, "too-large" },
		{ RULE_HEAD "    set: {user_timeout: ", "x", "}", 1000000, "invalid-value" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = repeat(rows[i].head, rows[i].format, rows[i].times, rows[i].tail);
		struct policy_report report = {};
		struct policy policy = {};
		int err = read_text(&policy, text, &report);

		if (err != (rows[i].code ? -EINVAL : 0) ||
		    (err && strcmp(report.findings[0].code, rows[i].code)))
			fail_msg("row %zu: %d %s", i, err,
				 report.count ? report.findings[0].text : "");
		policy_free(&policy);
		policy_report_free(&report);
		free(text);
	}
}

/* 256 rules hold for all files together. */
static void limit_over_files(void **state)
{
	char *text =
		repeat("version: 1\nrules:\n", "  - {name: r#, set: {max_retries: 1}}\n", 200, "");
	char *more =
		repeat("version: 1\nrules:\n", "  - {name: s#, set: {max_retries: 1}}\n", 57, "");
	struct policy_report report = {};
	struct policy policy = {};

	assert_int_equal(read_text(&policy, text, &report), 0);
	assert_int_equal(read_text(&policy, more, &report), -EINVAL);
	assert_string_equal(report.findings[0].code, "too-many");
	assert_int_equal(policy.count, 200);
	policy_free(&policy);
	policy_report_free(&report);
	free(text);
	free(more);
}

static void findings_are_sorted(void **state)
{
	static const char *const files[] = { "b", "a" };
	struct policy_report report = {};

	policy_report_add(&report, POLICY_WARNING, "x", files[1], (struct policy_pos){ 1, 1 }, NULL,
			  "4");
	policy_report_add(&report, POLICY_WARNING, "x", files[0], (struct policy_pos){ 2, 1 }, NULL,
			  "3");
	policy_report_add(&report, POLICY_WARNING, "x", files[0], (struct policy_pos){ 1, 2 }, NULL,
			  "2");
	policy_report_add(&report, POLICY_ERROR, "x", files[0], (struct policy_pos){ 1, 2 }, NULL,
			  "1");
	policy_report_sort(&report, files, 2);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(report.findings[i].text[0], '1' + (int)i);
	policy_report_free(&report);
}

/* The manual's table has a row for each setting, with its option and its first kernel. */
static void the_manual_has_all(void **state)
{
	static char page[65536];
	FILE *file = fopen("man/tcptimer-policy.5", "r");
	char row[160];
	size_t size;

	if (!file)
		fail_msg("man/tcptimer-policy.5 can't be read: run the tests from the top");
	size = fread(page, 1, sizeof(page) - 1, file);
	page[size] = '\0';
	fclose(file);
	for (size_t i = 0; i < POLICY_SETTING_COUNT; i++) {
		const struct policy_setting *s = &policy_settings[i];
		const char *option = strstr(s->option, "TIMEOUT_INIT") ? "TIMEOUT_INIT" : s->option;
		const char *line;

		snprintf(row, sizeof(row), ".It Cm %s Ta ", s->name);
		line = strstr(page, row);
		if (!line)
			fail_msg("no row for %s", s->name);
		snprintf(row, sizeof(row), " Ta Dv %s Ta %s\n", option, s->since);
		assert_non_null(strstr(line, row));
		assert_true(strstr(line, row) < strchr(line, '\n'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_language),  cmocka_unit_test(faults_are_named),
		cmocka_unit_test(all_faults_at_once),  cmocka_unit_test(files_in_order),
		cmocka_unit_test(limits_hold),         cmocka_unit_test(limit_over_files),
		cmocka_unit_test(findings_are_sorted), cmocka_unit_test(the_manual_has_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

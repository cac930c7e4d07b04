// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the lint finds in policies, on which kernel, and what it leaves alone.
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
#include "policy/policy_lint.h"
#include "policy/policy_yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The text's findings for a profile or release; the caller frees both. */
static void lint_text(const char *text, const char *kernel, uint32_t hz, struct policy *policy,
		      struct policy_report *report)
{
	const struct tcptimer_profile *named = tcptimer_profile_by_name(kernel);
	struct tcptimer_kernel_facts facts = { .release = kernel };
	struct tcptimer_profile profile;

	memset(policy, 0, sizeof(*policy));
	memset(report, 0, sizeof(*report));
	if (named)
		profile = *named;
	else
		assert_int_equal(tcptimer_profile_detect(&facts, &profile), 0);
	if (policy_read(policy, "p.yaml", text, strlen(text), report))
		fail_msg("%s", report->count ? report->findings[0].text : "no memory");
	assert_int_equal(policy_lint(policy, &profile, hz, report), 0);
}

/* Codes of all findings but notes, in the order of their words; "" for none. */
static const char *codes(const struct policy_report *report, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < report->count; i++)
		if (report->findings[i].severity != POLICY_NOTE)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
						 report->findings[i].code);
	return buf;
}

/* set: words of one rule, with match: words before */
static const struct row {
	const char *kernel, *match, *set, *codes; /* kernel: 250 HZ, or as in "6.12:1000" */
} rows[] = {
	/* nothing to say */
	{ "6.12", "", "max_retries: 6", "" },
	{ "6.12", "", "user_timeout: 20s", "" },
	{ "6.12", "", "user_timeout: 20s, syn_retries: 3", "" },
	{ "6.12", "",
	  "user_timeout: 25s, keepalive: {enable: true, idle: 10s, interval: 5s, probes: 3}", "" },
	{ "6.12", "", "user_timeout: 60s, keepalive: {enable: true, idle: 10s, interval: 5s}", "" },
	{ "6.12", "", "keepalive: {enable: true, idle: 10s, interval: 5s, probes: 3}", "" },
	{ "6.12", "", "keepalive: {enable: false}", "" },
	{ "6.12", "", "rto_min: 50ms, delack_max: 40ms", "" },
	{ "6.18", "", "rto_max: 10s", "" },
	{ "6.1", "", "rto_min: 50ms, delack_max: 60ms",
	  "" }, /* delack_max is bounded by rto_min since 6.7 */
	/* user_timeout */
	{ "6.12", "", "user_timeout: 150ms",
	  "user-timeout-below-rto user-timeout-kills-zero-window" },
	{ "6.12", "direction: connect", "user_timeout: 900ms",
	  "user-timeout-below-rto user-timeout-kills-zero-window" },
	{ "6.12", "direction: accept", "user_timeout: 900ms", "user-timeout-kills-zero-window" },
	{ "6.12", "direction: connect", "user_timeout: 900ms, syn_rto: 500ms",
	  "user-timeout-kills-zero-window" },
	{ "6.12", "", "user_timeout: 9999ms", "user-timeout-kills-zero-window" },
	{ "6.12", "", "user_timeout: 2h", "user-timeout-too-long" },
	{ "6.12", "",
	  "user_timeout: 20s, keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}",
	  "user-timeout-below-keepalive-idle" },
	{ "6.12", "", "user_timeout: 20s, keepalive: {enable: true}",
	  "user-timeout-below-keepalive-idle" },
	{ "6.12", "",
	  "user_timeout: 60s, keepalive: {enable: true, idle: 10s, interval: 5s, probes: 3}",
	  "keepalive-probes-ignored" },
	{ "6.12", "",
	  "user_timeout: 16s, keepalive: {enable: true, idle: 10s, interval: 5s, probes: 9}",
	  "keepalive-probes-ignored" },
	/* keepalive */
	{ "6.12", "", "keepalive: {idle: 10s}", "keepalive-not-enabled" },
	{ "6.12", "", "keepalive: {enable: false, probes: 3}", "keepalive-not-enabled" },
	/* retries */
	{ "6.12", "", "user_timeout: 20s, max_retries: 12", "max-retries-unreachable" },
	{ "6.12", "", "user_timeout: 20s, max_retries: 4", "" },
	{ "6.12", "", "user_timeout: 20s, syn_retries: 9", "syn-retries-unreachable" },
	{ "6.12", "direction: accept", "syn_retries: 3", "no-effect" },
	/* kernels */
	{ "6.12", "", "rto_max: 10s", "unsupported-setting" },
	{ "6.14.3", "", "rto_max: 10s", "unsupported-setting" },
	{ "6.15.0", "", "rto_max: 10s", "" },
	{ "5.15", "", "max_retries: 6", "kernel-too-old" },
	{ "5.15.162", "", "user_timeout: 20s", "kernel-too-old retransmission-storm" },
	{ "5.15.163", "", "user_timeout: 20s", "kernel-too-old" },
	{ "6.1.99", "", "user_timeout: 20s", "retransmission-storm" },
	{ "6.1.100", "", "user_timeout: 20s", "" },
	{ "6.6.40", "", "user_timeout: 20s", "retransmission-storm" },
	{ "6.6.40", "", "max_retries: 6", "" },
	{ "6.6.41", "", "user_timeout: 20s", "" },
	{ "6.8.12", "", "user_timeout: 20s", "retransmission-storm" },
	{ "6.9.9", "", "user_timeout: 20s", "retransmission-storm" },
	{ "6.9.10", "", "user_timeout: 20s", "" },
	{ "6.10.1", "", "user_timeout: 20s", "" },
	/* bounds that depend on HZ, and on each other */
	{ "6.12:250", "", "rto_min: 4ms", "out-of-range rto-min-below-delack" },
	{ "6.12:1000", "", "rto_min: 4ms", "rto-min-below-delack" },
	{ "6.12:100", "", "delack_max: 10ms", "out-of-range" },
	{ "6.12:100", "", "delack_max: 11ms", "" },
	{ "6.18", "", "rto_max: 1s, syn_rto: 2s", "rto-max-too-low" },
	{ "6.12", "", "rto_min: 50ms, delack_max: 50ms", "delack-max-unreachable" },
	{ "6.12", "", "rto_min: 39ms", "rto-min-below-delack" },
	/* what rules match */
	{ "6.12", "direction: accept, remote_port: [80]", "max_retries: 6", "unlikely-port" },
	{ "6.12", "direction: connect, local_port: [80]", "max_retries: 6", "unlikely-port" },
	{ "6.12", "cgroup: [/a, \"/a/**\"]", "max_retries: 6", "redundant" },
	{ "6.12", "remote: [10.0.0.0/8, 10.0.0.0/8]", "max_retries: 6", "redundant" },
	{ "6.12", "remote: [10.0.0.0/8, \"fd00::/8\", 10.9.0.0/16]", "max_retries: 6",
	  "redundant" },
	{ "6.12", "remote_port: [1-9, 9-10]", "max_retries: 6", "" },
	{ "6.12", "local_port: [1-9, 9]", "max_retries: 6", "redundant" },
};

static void rules_get_their_findings(void **state)
{
	struct policy_report report;
	struct policy policy;
	char text[512], found[256], kernel[16];

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		size_t length = strcspn(row->kernel, ":");
		uint32_t hz = row->kernel[length] ? (uint32_t)atoi(row->kernel + length + 1) : 250;

		snprintf(text, sizeof(text),
			 "version: 1\nrules:\n  - name: a\n    match: {%s}\n    set: {%s}\n",
			 row->match, row->set);
		snprintf(kernel, sizeof(kernel), "%.*s", (int)length, row->kernel);
		lint_text(text, kernel, hz, &policy, &report);
		if (strcmp(codes(&report, found, sizeof(found)), row->codes))
			fail_msg("%s {%s} {%s}: %s", row->kernel, row->match, row->set, found);
		for (size_t j = 0; j < report.count; j++)
			if (strcmp(report.findings[j].code, "kernel-too-old"))
				assert_in_range(report.findings[j].pos.line, 4, 5);
		policy_report_free(&report);
		policy_free(&policy);
	}
}

static void hidden_rules_are_found(void **state)
{
	static const struct {
		const char *first, *second;
		bool hidden;
	} pairs[] = {
		{ "", "cgroup: [/a]", true },
		{ "cgroup: [\"/a/**\"]", "cgroup: [/a/b, /a], direction: connect", true },
		{ "cgroup: [\"/a/**\"]", "cgroup: [/a/b, /b]", false },
		{ "cgroup: [\"/a/**\"]", "", false },
		{ "remote: [10.0.0.0/8], remote_port: [1-9]",
		  "remote: [10.1.0.0/16], remote_port: [5]", true },
		{ "remote: [10.0.0.0/8], remote_port: [1-9]", "remote: [10.1.0.0/16]", false },
	};
	struct policy_report report;
	struct policy policy;
	char text[512], found[256];

	for (size_t i = 0; i < COUNT(pairs); i++) {
		snprintf(text, sizeof(text),
			 "version: 1\nrules:\n  - {name: a, match: {%s}, set: {max_retries: 1}}\n"
			 "  - {name: b, match: {%s}, set: {max_retries: 1}}\n",
			 pairs[i].first, pairs[i].second);
		lint_text(text, "6.12", 250, &policy, &report);
		assert_string_equal(codes(&report, found, sizeof(found)),
				    pairs[i].hidden ? "hidden-rule" : "");
		if (pairs[i].hidden) {
			assert_string_equal(report.findings[0].rule, "b");
			assert_int_equal(report.findings[0].pos.line, 4);
			assert_non_null(strstr(report.findings[0].text, "'a' (p.yaml:3)"));
		}
		policy_report_free(&report);
		policy_free(&policy);
	}
}

static const struct policy_evidence *evidence_of(const struct policy_report *report,
						 const char *code)
{
	for (size_t i = 0; i < report->count; i++)
		if (!strcmp(report->findings[i].code, code))
			return report->findings[i].evidence;
	return NULL;
}

/* The evidence is the engine's: times that were measured, the limit that decides, with and without. */
static void evidence_is_the_engines(void **state)
{
	const struct policy_evidence *e;
	struct policy_report report;
	struct policy policy;

	lint_text("version: 1\nrules: [{name: a, set: {user_timeout: 20s, max_retries: 9, "
		  "keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}}}]",
		  "6.12", 250, &policy, &report);
	e = evidence_of(&report, "user-timeout-below-keepalive-idle");
	assert_non_null(e);
	assert_int_equal(e->with.limit, TCPTIMER_LIMIT_USER_TIMEOUT);
	assert_int_equal(e->with.n, 1);
	assert_in_range(e->with.at_ms, 35000, 38000);
	assert_int_equal(e->without.limit, TCPTIMER_LIMIT_KEEPCNT);
	assert_in_range(e->without.at_ms, 45000, 48000);
	assert_int_equal(e->event_count, 2);
	assert_int_equal(e->gap, 0);
	e = evidence_of(&report, "user-timeout-kills-zero-window");
	assert_non_null(e);
	assert_true(e->without.never);
	assert_in_range(e->with.at_ms, 20000, 21000);
	assert_int_equal(e->event_count, POLICY_EVIDENCE_EVENTS);
	assert_int_equal(e->gap, POLICY_EVIDENCE_EVENTS - 1);
	e = evidence_of(&report, "max-retries-unreachable");
	assert_non_null(e);
	assert_int_equal(e->with.limit, TCPTIMER_LIMIT_USER_TIMEOUT);
	assert_int_equal(e->without.cause, TCPTIMER_CAUSE_POLICY);
	assert_int_equal(e->without.n, 9);
	assert_true(e->without.at_min_ms > e->with.at_max_ms);
	policy_report_free(&report);
	policy_free(&policy);
}

static void nothing_is_no_fault(void **state)
{
	struct policy_report report = {};
	struct policy policy = {};

	assert_int_equal(policy_lint(&policy, tcptimer_profile_by_name("3.15"), 250, &report), 0);
	assert_int_equal(report.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_get_their_findings),
		cmocka_unit_test(hidden_rules_are_found),
		cmocka_unit_test(evidence_is_the_engines),
		cmocka_unit_test(nothing_is_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the reader of policy files, and the lint with what it takes.
 * Receives bytes: a file. Promises checked: all rules or none; every fault one printable line with its
 * place; what was taken is within the limits, and the lint comes to an end with it.
 */
#include <errno.h>
#include "policy/policy_lint.h"
#include "policy/policy_yaml.h"
#include "standalone.h"

#define POLICY_HEAD "version: 1\nrules:\n  - name: a\n"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED(
		POLICY_HEAD
		"    match:\n      cgroup: [\"/a/**\", \"/b/*.scope\"]\n      direction: connect\n"
		"      remote: [10.0.0.0/8, \"fd00::/8\"]\n      remote_port: [5432, 6379-6390]\n"
		"    mode: audit\n    set:\n      user_timeout: 20s\n      max_retries: 6\n"
		"      keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}\n"),
	FUZZ_SEED(
		POLICY_HEAD
		"    set: {syn_retries: 3, syn_rto: 500ms, rto_min: 50ms, rto_max: 10s,\n"
		"      delack_max: 1500us, thin_linear_timeouts: true}\n"
		"  - {name: b, match: {local: [::1], local_port: [1-65535]}, set: {max_retries: 1}}\n"),
	FUZZ_SEED("version: 1\nrules: [{name: a, set: {user_timeout: 20}}]\n"),
	FUZZ_SEED("a: &a [*a, *a]\nb: {? [x] : y}\n"),
	FUZZ_SEED("[[[[[[[[[[[[{\"\\0\\e\": !!x |\n  a\n"),
};

static void check_report(const struct policy_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct policy_finding *f = &report->findings[i];

		FUZZ_CHECK(*f->text && f->code && *f->code && f->file);
		for (const char *c = f->text; *c; c++)
			FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
	}
}

static void check_rule(const struct policy_rule *rule)
{
	unsigned int set = 0;

	FUZZ_CHECK(rule->name[0] && strlen(rule->name) <= POLICY_NAME_MAX);
	FUZZ_CHECK(rule->cgroup_count <= POLICY_LIST_MAX && rule->remote_count <= POLICY_LIST_MAX &&
		   rule->local_count <= POLICY_LIST_MAX &&
		   rule->remote_port_count <= POLICY_LIST_MAX &&
		   rule->local_port_count <= POLICY_LIST_MAX);
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++) {
		if (!rule->settings[id].set)
			continue;
		set++;
		FUZZ_CHECK(rule->settings[id].value >= policy_settings[id].min &&
			   rule->settings[id].value <= policy_settings[id].max);
		FUZZ_CHECK(rule->settings[id].pos.line);
	}
	FUZZ_CHECK(set);
	FUZZ_CHECK(policy_rule_covers(rule, rule));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_report report = {};
	struct policy policy = {};
	int err = policy_read(&policy, "fuzz", data, size, &report);

	check_report(&report);
	if (err) {
		FUZZ_CHECK(err == -EINVAL && report.errors && !policy.count);
	} else {
		FUZZ_CHECK(!report.errors && policy.count && policy.count <= POLICY_RULES_MAX);
		for (size_t i = 0; i < policy.count; i++)
			check_rule(&policy.rules[i]);
		if (policy.count <= 4) /* each takes the engine a while */
			FUZZ_CHECK(!policy_lint(&policy, tcptimer_profile_at(size % 9),
						size & 1 ? 250 : 1000, &report));
		check_report(&report);
	}
	policy_report_free(&report);
	policy_free(&policy);
	return 0;
}

FUZZ_MAIN(seeds)

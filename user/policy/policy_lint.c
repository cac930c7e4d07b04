// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Goes through the rules: what this kernel has not, refuses or does wrong.
 * Receives a policy and a kernel's profile; hands findings to the report. Pure.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "policy/policy_lint_impl.h"
#include "tcptimer/model.h"

#define KERNEL_VERSION3(major, minor, patch)                                                       \
	((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (patch))

struct policy_finding *lint_setting(struct lint *lint, const struct policy_rule *rule,
				    enum policy_severity severity, const char *code,
				    enum policy_setting_id id, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return policy_report_add(lint->report, severity, code, rule->file, rule->settings[id].pos,
				 rule->name, "%s", text);
}

const char *lint_words(const struct policy_rule *rule, enum policy_setting_id id, char *buf,
		       size_t size)
{
	char value[32];

	snprintf(buf, size, "%s %s", policy_settings[id].name,
		 policy_value_text(&policy_settings[id], rule->settings[id].value, value,
				   sizeof(value)));
	return buf;
}

/* ---- what the kernel has */

/* rto_max goes by what was found in the kernel, not by its version: distributions backport. */
static bool kernel_has(const struct tcptimer_profile *profile, enum policy_setting_id id)
{
	const struct policy_setting *row = &policy_settings[id];

	if (id == POLICY_RTO_MAX)
		return profile->rto_max_socket;
	return profile->version >= KERNEL_VERSION3(row->since_major, row->since_minor, 0);
}

static void lint_unsupported(struct lint *lint, const struct policy_rule *rule)
{
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++)
		if (lint_has(rule, id) && !kernel_has(lint->profile, id))
			lint_setting(lint, rule, POLICY_ERROR, "unsupported-setting", id,
				     "kernel %s has no %s (%s, since %s): leave it out there",
				     lint->profile->name, policy_settings[id].name,
				     policy_settings[id].option, policy_settings[id].since);
}

/* bpf_sol_tcp_setsockopt(): TCP_TIMEOUT_MIN to HZ/5, in jiffies. */
static void lint_jiffies(struct lint *lint, const struct policy_rule *rule)
{
	static const enum policy_setting_id ids[] = { POLICY_RTO_MIN, POLICY_DELACK_MAX };
	uint32_t most = lint->hz / 5;
	char words[64];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint64_t jiffies;

		if (!lint_has(rule, ids[i]))
			continue;
		jiffies =
			tcptimer_usecs_to_jiffies((uint32_t)rule->settings[ids[i]].value, lint->hz);
		if (jiffies >= 2 && jiffies <= most)
			continue;
		lint_setting(lint, rule, POLICY_ERROR, "out-of-range", ids[i],
			     "%s is %llu jiffies at HZ %u, and the kernel takes 2 to %u: write %s",
			     lint_words(rule, ids[i], words, sizeof(words)),
			     (unsigned long long)jiffies, lint->hz, most,
			     jiffies < 2 ? lint->hz >= 1000 ? "2ms" :
					   lint->hz >= 250  ? "8ms" :
							      "20ms or more" :
					   "less");
	}
}

/* tcp_rtx_probe0_timed_out() without TCP_USER_TIMEOUT: before 97a9063518f1 and its backports. */
static bool kernel_storms(const struct tcptimer_profile *profile)
{
	if (profile->version >= KERNEL_VERSION3(6, 9, 10))
		return false;
	return profile->shrunk_window == TCPTIMER_SHRUNK_RCV ||
	       profile->shrunk_window == TCPTIMER_SHRUNK_BOTH;
}

static void lint_storm(struct lint *lint, const struct policy_rule *rule)
{
	struct policy_finding *finding;
	char words[64];

	if (!lint_has(rule, POLICY_USER_TIMEOUT) || !kernel_storms(lint->profile) ||
	    !scene_run_both(lint, rule, SCENE_RETRACTED, SETTING_BIT(USER_TIMEOUT)))
		return;
	lint_words(rule, POLICY_USER_TIMEOUT, words, sizeof(words));
	finding = lint_setting(
		lint, rule, POLICY_WARNING, "retransmission-storm", POLICY_USER_TIMEOUT,
		"a peer that retracts its window makes kernel %s retransmit every other jiffy once "
		"%s has passed, for minutes: use 6.9.10, 6.6.41, 6.1.100, 5.15.163 or newer",
		lint->profile->name, words);
	scene_evidence(lint, finding, SCENE_RETRACTED, words, "without it");
}

/* ---- settings beside each other */

static void lint_rto_bounds(struct lint *lint, const struct policy_rule *rule)
{
	static const enum policy_setting_id below[] = { POLICY_RTO_MIN, POLICY_SYN_RTO };
	char most[64], least[64];

	if (!lint_has(rule, POLICY_RTO_MAX))
		return;
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		if (!lint_has(rule, below[i]) ||
		    rule->settings[below[i]].value <= rule->settings[POLICY_RTO_MAX].value)
			continue;
		lint_setting(lint, rule, POLICY_ERROR, "rto-max-too-low", POLICY_RTO_MAX,
			     "%s is below %s: raise the one or lower the other",
			     lint_words(rule, POLICY_RTO_MAX, most, sizeof(most)),
			     lint_words(rule, below[i], least, sizeof(least)));
	}
}

/* TCP_DELACK_MIN of the peer, HZ/25: what Linux itself waits before it acknowledges. */
#define PEER_DELACK_MS 40

static void lint_delack(struct lint *lint, const struct policy_rule *rule)
{
	char rto[64], delack[64];

	if (!lint_has(rule, POLICY_RTO_MIN))
		return;
	lint_words(rule, POLICY_RTO_MIN, rto, sizeof(rto));
	if (lint_ms(rule, POLICY_RTO_MIN) < PEER_DELACK_MS)
		lint_setting(lint, rule, POLICY_WARNING, "rto-min-below-delack", POLICY_RTO_MIN,
			     "%s is less than peers may delay an ACK (%dms and more): data that "
			     "arrived will be sent again",
			     rto, PEER_DELACK_MS);
	if (lint_has(rule, POLICY_DELACK_MAX) && lint->profile->delack_rto_min &&
	    rule->settings[POLICY_DELACK_MAX].value >= rule->settings[POLICY_RTO_MIN].value)
		lint_setting(lint, rule, POLICY_WARNING, "delack-max-unreachable",
			     POLICY_DELACK_MAX,
			     "%s is never reached: this kernel keeps ACKs below %s",
			     lint_words(rule, POLICY_DELACK_MAX, delack, sizeof(delack)), rto);
}

/* ---- all */

static void lint_kernel_floor(struct lint *lint)
{
	if (!lint->policy->count || lint->profile->version >= KERNEL_VERSION3(6, 1, 0))
		return;
	policy_report_add(lint->report, POLICY_ERROR, "kernel-too-old", lint->policy->rules[0].file,
			  (struct policy_pos){}, NULL,
			  "kernel %s can't be given a policy: it takes 6.1 or newer",
			  lint->profile->name);
}

int policy_lint(const struct policy *policy, const struct tcptimer_profile *profile, uint32_t hz,
		struct policy_report *report)
{
	static void (*const checks[])(struct lint * lint, const struct policy_rule *rule) = {
		lint_unsupported, lint_jiffies, lint_rto_bounds, lint_delack, lint_user_timeout,
		lint_keepalive,   lint_retries, lint_storm,      lint_match,
	};
	struct lint *lint = calloc(1, sizeof(*lint));

	if (!lint) {
		report->no_memory = true;
		return -ENOMEM;
	}
	lint->policy = policy;
	lint->profile = profile;
	lint->hz = hz;
	lint->report = report;
	lint_kernel_floor(lint);
	for (size_t i = 0; i < policy->count; i++)
		for (size_t j = 0; j < sizeof(checks) / sizeof(checks[0]); j++)
			checks[j](lint, &policy->rules[i]);
	free(lint);
	return report->no_memory ? -ENOMEM : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lint's files share: the run, and the scenes it asks the engine about.
 * Receives nothing; hands declarations to policy_lint*.c.
 */
#ifndef TCPTIMER_POLICY_LINT_IMPL_H
#define TCPTIMER_POLICY_LINT_IMPL_H

#include "policy/policy_lint.h"
#include "timeline.h"

struct lint {
	const struct policy *policy;
	const struct tcptimer_profile *profile;
	uint32_t hz;
	struct policy_report *report;
	struct timeline_view with, without; /* of the scene asked about last */
};

enum scene {
	SCENE_DATA,        /* a segment in flight, nothing comes back */
	SCENE_IDLE,        /* nothing in flight, nothing comes back */
	SCENE_SYN,         /* connect(), nothing comes back */
	SCENE_ZERO_WINDOW, /* data waits on a closed window, the peer answers each probe */
	SCENE_RETRACTED,   /* a segment in flight, the peer answers that its window closed */
};

#define SETTING_BIT(id) POLICY_BIT(POLICY_##id)
#define SETTINGS_ALL (~0u)

/*
 * Ask the engine what becomes of a connection with those of the rule's settings whose bits are in
 * `mask`, and with one more KEY=VALUE of `simulate` where `extra` is not NULL. Settings that this
 * kernel has not are left out; max_retries is none of its. False when it can't say.
 */
bool scene_run(const struct lint *lint, const struct policy_rule *rule, enum scene scene,
	       uint32_t mask, const char *extra, struct timeline_view *view);
/* The rule with and without the settings of `mask` into lint->with and lint->without. */
bool scene_run_both(struct lint *lint, const struct policy_rule *rule, enum scene scene,
		    uint32_t mask);
/* lint->with and lint->without become the finding's evidence; finding may be NULL. */
void scene_evidence(struct lint *lint, struct policy_finding *finding, enum scene scene,
		    const char *with_label, const char *without_label);

/* A finding at one of the rule's settings. */
struct policy_finding *lint_setting(struct lint *lint, const struct policy_rule *rule,
				    enum policy_severity severity, const char *code,
				    enum policy_setting_id id, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* "user_timeout 20s", of a setting that the rule has. size >= 64. Returns buf. */
const char *lint_words(const struct policy_rule *rule, enum policy_setting_id id, char *buf,
		       size_t size);
static inline bool lint_has(const struct policy_rule *rule, enum policy_setting_id id)
{
	return rule->settings[id].set;
}
static inline int64_t lint_ms(const struct policy_rule *rule, enum policy_setting_id id)
{
	return rule->settings[id].value / 1000;
}

/* policy_lint_limits.c: limits that stand in each other's way */
void lint_user_timeout(struct lint *lint, const struct policy_rule *rule);
void lint_keepalive(struct lint *lint, const struct policy_rule *rule);
void lint_retries(struct lint *lint, const struct policy_rule *rule);
/* policy_lint_match.c: what rules match */
void lint_match(struct lint *lint, const struct policy_rule *rule);

#endif

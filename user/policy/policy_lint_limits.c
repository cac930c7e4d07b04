// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits that stand in each other's way: user_timeout, keepalive, retries.
 * Receives a rule; hands findings with the engine's timeline with and without the setting. Pure.
 */
#include <stdio.h>
#include "policy/policy_lint_impl.h"
#include "policy/policy_plan.h"
#include "text.h"
#include "timeline_text.h"

/* A garbage collection, a slow disk, a paused debugger: readers that come back within this are common. */
#define ZERO_WINDOW_PATIENCE_MS 10000

static uint32_t jiffies_ms(const struct lint *lint, uint32_t jiffies)
{
	return (uint32_t)((uint64_t)jiffies * 1000 / lint->hz);
}

/* ---- user_timeout */

/* The first RTO of that scene is longer than user_timeout: one loss ends the connection. */
static bool lint_first_rto(struct lint *lint, const struct policy_rule *rule, enum scene scene)
{
	const char *what = scene == SCENE_SYN ? "SYN" : "segment";
	struct policy_finding *finding;
	char words[64], rto[24];
	uint32_t rto_ms;

	if (!scene_run_both(lint, rule, scene, SETTING_BIT(USER_TIMEOUT)))
		return false;
	rto_ms = jiffies_ms(lint, lint->with.snap.rto_jiffies);
	if (lint_ms(rule, POLICY_USER_TIMEOUT) >= rto_ms)
		return false;
	lint_words(rule, POLICY_USER_TIMEOUT, words, sizeof(words));
	finding = lint_setting(lint, rule, POLICY_WARNING, "user-timeout-below-rto",
			       POLICY_USER_TIMEOUT,
			       "%s is below the first retransmission timeout of a %s (%s): a %s "
			       "that is lost twice ends the connection",
			       words, what, text_span(rto_ms, rto, sizeof(rto)), what);
	scene_evidence(lint, finding, scene, words, "without it");
	return true;
}

static void lint_zero_window(struct lint *lint, const struct policy_rule *rule)
{
	bool hasty = lint_ms(rule, POLICY_USER_TIMEOUT) < ZERO_WINDOW_PATIENCE_MS;
	struct policy_finding *finding;
	char words[64];

	if (!scene_run_both(lint, rule, SCENE_ZERO_WINDOW, SETTING_BIT(USER_TIMEOUT)) ||
	    lint->with.timeline.deadline.never || !lint->without.timeline.deadline.never)
		return;
	lint_words(rule, POLICY_USER_TIMEOUT, words, sizeof(words));
	finding = lint_setting(lint, rule, hasty ? POLICY_WARNING : POLICY_NOTE,
			       "user-timeout-kills-zero-window", POLICY_USER_TIMEOUT,
			       "%s also ends connections whose peer is alive and answers, but does "
			       "not read for so long; max_retries does not",
			       words);
	scene_evidence(lint, finding, SCENE_ZERO_WINDOW, words, "without it");
}

/* tcp_retries2 no longer counts beside a user_timeout: a long one keeps the dead for longer. */
static void lint_longer(struct lint *lint, const struct policy_rule *rule)
{
	const struct tcptimer_deadline *with = &lint->with.timeline.deadline;
	const struct tcptimer_deadline *without = &lint->without.timeline.deadline;
	struct policy_finding *finding;
	char words[64], span[24], limit[96];

	if (lint_has(rule, POLICY_MAX_RETRIES) ||
	    !scene_run_both(lint, rule, SCENE_DATA, SETTING_BIT(USER_TIMEOUT)) || without->never ||
	    (!with->never && with->at_min_ms <= without->at_max_ms))
		return;
	lint_words(rule, POLICY_USER_TIMEOUT, words, sizeof(words));
	finding = lint_setting(lint, rule, POLICY_WARNING, "user-timeout-too-long",
			       POLICY_USER_TIMEOUT,
			       "%s keeps a dead connection longer than the kernel does by itself "
			       "(%s, by %s)",
			       words, text_span((int64_t)without->at_ms, span, sizeof(span)),
			       timeline_limit_text(without, limit, sizeof(limit)));
	scene_evidence(lint, finding, SCENE_DATA, words, "without it");
}

void lint_user_timeout(struct lint *lint, const struct policy_rule *rule)
{
	if (!lint_has(rule, POLICY_USER_TIMEOUT))
		return;
	if (!lint_first_rto(lint, rule, SCENE_DATA) && rule->direction != POLICY_ACCEPT)
		lint_first_rto(lint, rule, SCENE_SYN);
	lint_zero_window(lint, rule);
	lint_longer(lint, rule);
}

/* ---- keepalive */

static void lint_keepalive_off(struct lint *lint, const struct policy_rule *rule)
{
	static const enum policy_setting_id ids[] = { POLICY_KEEPALIVE_IDLE,
						      POLICY_KEEPALIVE_INTERVAL,
						      POLICY_KEEPALIVE_PROBES };
	struct policy_finding *finding;
	size_t i = 0;

	while (i < 3 && !lint_has(rule, ids[i]))
		i++;
	if (i == 3)
		return;
	finding = lint_setting(lint, rule, POLICY_WARNING, "keepalive-not-enabled", ids[i],
			       "%s has no effect%s: write `enable: true` beside it",
			       policy_settings[ids[i]].name,
			       lint_has(rule, POLICY_KEEPALIVE_ENABLE) ?
				       " while keepalive is off" :
				       " unless the application sets SO_KEEPALIVE");
	if (scene_run(lint, rule, SCENE_IDLE, SETTINGS_ALL, NULL, &lint->with) &&
	    scene_run(lint, rule, SCENE_IDLE, SETTINGS_ALL, "keepalive=on", &lint->without))
		scene_evidence(lint, finding, SCENE_IDLE, "this rule", "enable: true");
}

static void lint_keepalive_idle(struct lint *lint, const struct policy_rule *rule, uint32_t idle_ms)
{
	struct policy_finding *finding;
	char words[64], span[24];

	lint_words(rule, POLICY_USER_TIMEOUT, words, sizeof(words));
	finding = lint_setting(
		lint, rule, POLICY_WARNING, "user-timeout-below-keepalive-idle",
		POLICY_USER_TIMEOUT,
		"%s is below keepalive's idle time (%s): the first probe that stays "
		"unanswered ends the connection%s",
		words, text_span(idle_ms, span, sizeof(span)),
		lint_has(rule, POLICY_KEEPALIVE_PROBES) ? ", keepalive.probes is ignored" : "");
	scene_evidence(lint, finding, SCENE_IDLE, words, "without it");
}

/* tcp_keepalive_timer(): with a user_timeout the probes are not counted; it acts at a probe's time. */
static void lint_keepalive_probes(struct lint *lint, const struct policy_rule *rule)
{
	const struct tcptimer_deadline *with = &lint->with.timeline.deadline;
	const struct tcptimer_deadline *without = &lint->without.timeline.deadline;
	const struct tcptimer_snapshot *s = &lint->with.snap;
	uint64_t fits = (uint64_t)s->keepalive_time_jiffies +
			(uint64_t)s->keepalive_probes * s->keepalive_intvl_jiffies;
	struct policy_finding *finding;
	char words[64], probes[64], span[24];

	if (with->n == without->n && with->never == without->never)
		return;
	lint_words(rule, POLICY_USER_TIMEOUT, words, sizeof(words));
	finding = lint_setting(lint, rule, POLICY_WARNING, "keepalive-probes-ignored",
			       POLICY_KEEPALIVE_PROBES,
			       "%s is ignored beside %s, which ends an idle connection after %u "
			       "probe%s, when the next is due: let user_timeout be %s, or leave "
			       "probes out",
			       lint_words(rule, POLICY_KEEPALIVE_PROBES, probes, sizeof(probes)),
			       words, with->n, with->n == 1 ? "" : "s",
			       text_span((int64_t)(fits * 1000 / lint->hz), span, sizeof(span)));
	scene_evidence(lint, finding, SCENE_IDLE, words, "without it");
}

void lint_keepalive(struct lint *lint, const struct policy_rule *rule)
{
	uint32_t idle_ms;

	if (!lint_has(rule, POLICY_KEEPALIVE_ENABLE) ||
	    !rule->settings[POLICY_KEEPALIVE_ENABLE].value) {
		lint_keepalive_off(lint, rule);
		return;
	}
	if (!lint_has(rule, POLICY_USER_TIMEOUT) ||
	    !scene_run_both(lint, rule, SCENE_IDLE, SETTING_BIT(USER_TIMEOUT)))
		return;
	idle_ms = jiffies_ms(lint, lint->with.snap.keepalive_time_jiffies);
	if (lint_ms(rule, POLICY_USER_TIMEOUT) < idle_ms)
		lint_keepalive_idle(lint, rule, idle_ms);
	else if (lint_has(rule, POLICY_KEEPALIVE_PROBES))
		lint_keepalive_probes(lint, rule);
}

/* ---- retries */

/* The time at which retransmission N + 1 would be due, were there no limit; false: can't be said. */
static bool max_retries_end(struct lint *lint, const struct policy_rule *rule,
			    struct tcptimer_deadline *ret)
{
	const struct timeline_view *view = &lint->without;
	unsigned int n = (unsigned int)rule->settings[POLICY_MAX_RETRIES].value;

	if (!scene_run(lint, rule, SCENE_DATA, SETTINGS_ALL & ~SETTING_BIT(USER_TIMEOUT),
		       "tcp_retries2=255", &lint->without))
		return false;
	return policy_retries_end(view->events, view->timeline.count, n, ret);
}

static void lint_max_retries(struct lint *lint, const struct policy_rule *rule)
{
	const struct tcptimer_deadline *with = &lint->with.timeline.deadline;
	struct tcptimer_deadline end;
	struct policy_finding *finding;
	char words[64], limit[96];

	if (!lint_has(rule, POLICY_MAX_RETRIES) || !max_retries_end(lint, rule, &end) ||
	    !scene_run(lint, rule, SCENE_DATA, SETTINGS_ALL, NULL, &lint->with) || with->never ||
	    with->limit == TCPTIMER_LIMIT_RETRIES2 || with->at_max_ms > end.at_min_ms)
		return;
	lint->without.timeline.deadline = end;
	lint_words(rule, POLICY_MAX_RETRIES, words, sizeof(words));
	timeline_limit_text(with, limit, sizeof(limit));
	finding = lint_setting(lint, rule, POLICY_WARNING, "max-retries-unreachable",
			       POLICY_MAX_RETRIES,
			       "%s is never reached: %s ends the connection after %u "
			       "retransmission%s",
			       words, limit, with->n, with->n == 1 ? "" : "s");
	scene_evidence(lint, finding, SCENE_DATA, "this rule", words);
}

static void lint_syn_retries(struct lint *lint, const struct policy_rule *rule)
{
	const struct tcptimer_deadline *with = &lint->with.timeline.deadline;
	const struct tcptimer_deadline *without = &lint->without.timeline.deadline;
	struct policy_finding *finding;
	char words[64], limit[64];

	if (!lint_has(rule, POLICY_SYN_RETRIES))
		return;
	lint_words(rule, POLICY_SYN_RETRIES, words, sizeof(words));
	if (rule->direction == POLICY_ACCEPT) {
		lint_setting(lint, rule, POLICY_WARNING, "no-effect", POLICY_SYN_RETRIES,
			     "%s has no effect on connections that are accepted: they send no SYN",
			     words);
		return;
	}
	if (!lint_has(rule, POLICY_USER_TIMEOUT) ||
	    !scene_run_both(lint, rule, SCENE_SYN, SETTING_BIT(USER_TIMEOUT)) || with->never ||
	    without->never || with->at_max_ms >= without->at_min_ms)
		return;
	lint_words(rule, POLICY_USER_TIMEOUT, limit, sizeof(limit));
	finding = lint_setting(lint, rule, POLICY_WARNING, "syn-retries-unreachable",
			       POLICY_SYN_RETRIES,
			       "%s is never reached: %s ends the attempt after %u SYN%s sent again",
			       words, limit, with->n, with->n == 1 ? "" : "s");
	scene_evidence(lint, finding, SCENE_SYN, limit, "without it");
}

void lint_retries(struct lint *lint, const struct policy_rule *rule)
{
	lint_max_retries(lint, rule);
	lint_syn_retries(lint, rule);
}

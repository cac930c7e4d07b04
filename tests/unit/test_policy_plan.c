// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a policy means for a socket: verdicts, the socket with its rule in force, and its end.
 * Receives nothing; hands cmocka verdicts.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine_random.h"
#include "policy/policy_compile.h"
#include "policy/policy_listeners.h"
#include "policy/policy_plan.h"
#include "policy/policy_yaml.h"
#include "tcptimer/policy_match.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HZ 250
#define ROUNDS 20000

static struct policy_kernel kernel_618(void)
{
	return (struct policy_kernel){ tcptimer_profile_by_name("6.18"), HZ };
}

/* One rule for everything, with the lines of `mode` and `set`. */
static void policy_of(struct policy *policy, const char *mode, const char *set)
{
	struct policy_report report = {};
	char text[512];
	int length = snprintf(text, sizeof(text),
			      "version: 1\nrules:\n  - name: r\n    mode: %s\n    set: {%s}\n",
			      mode, set);

	*policy = (struct policy){};
	if (policy_read(policy, "test", text, (size_t)length, &report))
		fail_msg("%s", report.count ? report.findings[0].text : "unread");
	policy_report_free(&report);
}

static void established(struct tcptimer_snapshot *s)
{
	struct policy_kernel kernel = kernel_618();

	tcptimer_snapshot_init_defaults(kernel.profile, HZ, TCPTIMER_STATE_ESTABLISHED, s);
	s->family = 2;
}

/* ---- verdicts */

static void with_user_timeout(struct tcptimer_snapshot *s)
{
	s->user_timeout_ms = 5000;
}

static void with_long_user_timeout(struct tcptimer_snapshot *s)
{
	s->user_timeout_ms = 60000;
}

static void with_keepalive(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_KEEPOPEN;
	s->keepalive_time_jiffies = 10 * HZ;
	s->own_keepalive = 1;
}

/* As an administrator has it: no wish of the application's. */
static void with_sysctl(struct tcptimer_snapshot *s)
{
	s->sysctls.keepalive_time_jiffies = 10 * HZ;
	s->keepalive_time_jiffies = 10 * HZ;
}

static void with_route(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_RTO_MIN_ROUTE;
}

static void with_syn(struct tcptimer_snapshot *s)
{
	s->state = TCPTIMER_STATE_SYN_SENT;
}

static void with_orphan(struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_DEAD;
}

static const struct {
	const char *mode, *set;
	void (*change)(struct tcptimer_snapshot *s);
	const char *profile; /* NULL: 6.18 */
	enum policy_setting_id id;
	enum policy_verdict verdict;
	int64_t old_value, value;
} verdicts[] = {
	{ "enforce", "user_timeout: 20s", NULL, NULL, POLICY_USER_TIMEOUT, POLICY_VERDICT_CHANGE, 0,
	  20000000 },
	{ "enforce", "user_timeout: 20s", with_user_timeout, NULL, POLICY_USER_TIMEOUT,
	  POLICY_VERDICT_STRICTER, 5000000, 5000000 },
	{ "enforce", "user_timeout: 20s", with_long_user_timeout, NULL, POLICY_USER_TIMEOUT,
	  POLICY_VERDICT_CHANGE, 60000000, 20000000 },
	{ "enforce", "user_timeout: 5s", with_user_timeout, NULL, POLICY_USER_TIMEOUT,
	  POLICY_VERDICT_SAME, 5000000, 5000000 },
	{ "default", "user_timeout: 20s", NULL, NULL, POLICY_USER_TIMEOUT, POLICY_VERDICT_CHANGE, 0,
	  20000000 },
	{ "default", "user_timeout: 20s", with_long_user_timeout, NULL, POLICY_USER_TIMEOUT,
	  POLICY_VERDICT_YIELDS, 60000000, 60000000 },
	{ "audit", "user_timeout: 20s", with_long_user_timeout, NULL, POLICY_USER_TIMEOUT,
	  POLICY_VERDICT_CHANGE, 60000000, 20000000 },
	{ "audit", "user_timeout: 20s", with_user_timeout, NULL, POLICY_USER_TIMEOUT,
	  POLICY_VERDICT_STRICTER, 5000000, 5000000 },
	{ "enforce", "keepalive: {enable: true, idle: 30s}", with_keepalive, NULL,
	  POLICY_KEEPALIVE_ENABLE, POLICY_VERDICT_SAME, 1, 1 },
	{ "enforce", "keepalive: {enable: true, idle: 30s}", with_keepalive, NULL,
	  POLICY_KEEPALIVE_IDLE, POLICY_VERDICT_STRICTER, 10000000, 10000000 },
	{ "enforce", "keepalive: {enable: true, idle: 30s}", with_sysctl, NULL,
	  POLICY_KEEPALIVE_IDLE, POLICY_VERDICT_CHANGE, 10000000, 30000000 },
	{ "default", "keepalive: {enable: true, idle: 30s}", with_sysctl, NULL,
	  POLICY_KEEPALIVE_IDLE, POLICY_VERDICT_CHANGE, 10000000, 30000000 },
	{ "enforce", "keepalive: {enable: false}", with_keepalive, NULL, POLICY_KEEPALIVE_ENABLE,
	  POLICY_VERDICT_STRICTER, 1, 1 },
	{ "enforce", "keepalive: {enable: true}", with_orphan, NULL, POLICY_KEEPALIVE_ENABLE,
	  POLICY_VERDICT_LATE, 0, 0 },
	{ "enforce", "keepalive: {probes: 3}", NULL, NULL, POLICY_KEEPALIVE_PROBES,
	  POLICY_VERDICT_CHANGE, 9, 3 },
	{ "enforce", "keepalive: {interval: 5s}", NULL, NULL, POLICY_KEEPALIVE_INTERVAL,
	  POLICY_VERDICT_CHANGE, 75000000, 5000000 },
	{ "enforce", "syn_retries: 2", NULL, NULL, POLICY_SYN_RETRIES, POLICY_VERDICT_LATE, 6, 6 },
	{ "enforce", "syn_retries: 2", with_syn, NULL, POLICY_SYN_RETRIES, POLICY_VERDICT_CHANGE, 6,
	  2 },
	{ "enforce", "syn_rto: 500ms", with_syn, NULL, POLICY_SYN_RTO, POLICY_VERDICT_LATE, 0, 0 },
	{ "enforce", "rto_min: 50ms", NULL, NULL, POLICY_RTO_MIN, POLICY_VERDICT_CHANGE, 200000,
	  50000 },
	{ "enforce", "rto_min: 50ms", with_route, NULL, POLICY_RTO_MIN, POLICY_VERDICT_ROUTE,
	  200000, 200000 },
	{ "enforce", "rto_min: 200ms", NULL, NULL, POLICY_RTO_MIN, POLICY_VERDICT_SAME, 200000,
	  200000 },
	{ "enforce", "rto_max: 10s", NULL, NULL, POLICY_RTO_MAX, POLICY_VERDICT_CHANGE, 120000000,
	  10000000 },
	{ "enforce", "rto_max: 10s", NULL, "6.12", POLICY_RTO_MAX, POLICY_VERDICT_LACKS, 120000000,
	  120000000 },
	{ "enforce", "delack_max: 40ms", NULL, NULL, POLICY_DELACK_MAX, POLICY_VERDICT_CHANGE,
	  200000, 40000 },
	{ "enforce", "thin_linear_timeouts: true", NULL, NULL, POLICY_THIN_LINEAR,
	  POLICY_VERDICT_CHANGE, 0, 1 },
	{ "enforce", "max_retries: 6", NULL, NULL, POLICY_MAX_RETRIES, POLICY_VERDICT_CHANGE, 0,
	  6 },
	{ "enforce", "max_retries: 6", NULL, NULL, POLICY_USER_TIMEOUT, POLICY_VERDICT_NONE, 0, 0 },
};

static void verdicts_by_row(void **state)
{
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct policy_kernel kernel = kernel_618();
		const struct policy_plan_setting *setting;
		struct tcptimer_snapshot s;
		struct policy_plan plan;
		struct policy policy;

		established(&s);
		if (verdicts[i].profile)
			kernel.profile = tcptimer_profile_by_name(verdicts[i].profile);
		if (verdicts[i].change)
			verdicts[i].change(&s);
		policy_of(&policy, verdicts[i].mode, verdicts[i].set);
		policy_plan_make(&policy, &kernel, &s, "/a", POLICY_CONNECT, NULL, &plan);
		setting = &plan.settings[verdicts[i].id];
		if (setting->verdict != verdicts[i].verdict ||
		    setting->old_value != verdicts[i].old_value ||
		    setting->value != verdicts[i].value)
			fail_msg("row %zu: %s, %lld -> %lld", i,
				 policy_verdict_name(setting->verdict),
				 (long long)setting->old_value, (long long)setting->value);
		assert_int_equal(plan.changes >> verdicts[i].id & 1,
				 verdicts[i].verdict == POLICY_VERDICT_CHANGE);
		policy_free(&policy);
	}
}

static void kernel_units_stand_beside(void **state)
{
	struct policy_kernel kernel = kernel_618();
	struct tcptimer_snapshot s;
	struct policy_plan plan;
	struct policy policy;

	established(&s);
	policy_of(&policy, "enforce", "user_timeout: 20s, keepalive: {idle: 30s}, rto_min: 50ms");
	policy_plan_make(&policy, &kernel, &s, NULL, POLICY_ACCEPT, NULL, &plan);
	assert_int_equal(plan.settings[POLICY_USER_TIMEOUT].kernel, 20000);
	assert_int_equal(plan.settings[POLICY_KEEPALIVE_IDLE].old_kernel, 7200);
	assert_int_equal(plan.settings[POLICY_KEEPALIVE_IDLE].kernel, 30);
	assert_int_equal(plan.settings[POLICY_RTO_MIN].old_kernel, 200000);
	policy_plan_apply(&plan, &kernel, &s);
	assert_int_equal(s.user_timeout_ms, 20000);
	assert_int_equal(s.keepalive_time_jiffies, 30 * HZ);
	assert_int_equal(s.own_keepalive, 1);
	assert_int_equal(s.rto_min_jiffies, 13); /* 12.5, and the kernel rounds up */
	policy_free(&policy);
}

/* Sockets that are not in use by any connection of an application have no rule. */
static void some_sockets_have_no_rule(void **state)
{
	static const uint8_t states[] = { TCPTIMER_STATE_LISTEN, TCPTIMER_STATE_CLOSE };
	struct policy_kernel kernel = kernel_618();
	struct tcptimer_snapshot s;
	struct policy_plan plan;
	struct policy policy;

	policy_of(&policy, "enforce", "user_timeout: 20s");
	for (size_t i = 0; i < COUNT(states); i++) {
		established(&s);
		s.state = states[i];
		policy_plan_make(&policy, &kernel, &s, NULL, POLICY_ACCEPT, NULL, &plan);
		assert_null(plan.rule);
		assert_int_equal(plan.changes, 0);
	}
	established(&s);
	s.kind = TCPTIMER_SOCK_TIMEWAIT;
	policy_plan_make(&policy, &kernel, &s, NULL, POLICY_ACCEPT, NULL, &plan);
	assert_null(plan.rule);
	s.kind = TCPTIMER_SOCK_FULL;
	policy_plan_make(&policy, &kernel, &s, NULL, POLICY_ACCEPT, NULL, &plan);
	assert_ptr_equal(plan.rule, &policy.rules[0]);
	policy_free(&policy);
}

/* A second policy, or the same once more: what the first has set is no wish of the application's. */
static void a_rule_in_force_is_not_the_application(void **state)
{
	struct policy_kernel kernel = kernel_618();
	struct tcptimer_policy_rule in_force;
	struct tcptimer_snapshot s;
	struct policy_plan plan;
	struct policy first, second;

	established(&s);
	policy_of(&first, "enforce",
		  "user_timeout: 20s, max_retries: 6, keepalive: {idle: 30s}, rto_min: 50ms");
	policy_of(&second, "default",
		  "user_timeout: 40s, max_retries: 8, keepalive: {idle: 60s}, rto_min: 80ms");
	policy_compile_rule(&first.rules[0], HZ, &in_force);
	policy_plan_make(&first, &kernel, &s, NULL, POLICY_CONNECT, NULL, &plan);
	policy_plan_apply(&plan, &kernel, &s);
	policy_plan_make(&first, &kernel, &s, NULL, POLICY_CONNECT, &in_force, &plan);
	assert_int_equal(plan.changes, 0);
	assert_int_equal(plan.settings[POLICY_MAX_RETRIES].value, 6);

	policy_plan_make(&second, &kernel, &s, NULL, POLICY_CONNECT, &in_force, &plan);
	assert_int_equal(plan.changes, 1 << POLICY_MAX_RETRIES | 1 << POLICY_USER_TIMEOUT |
					       1 << POLICY_KEEPALIVE_IDLE | 1 << POLICY_RTO_MIN);
	assert_int_equal(plan.settings[POLICY_MAX_RETRIES].old_value, 6);
	s.keepalive_time_jiffies = 10 * HZ; /* that is the application's */
	policy_plan_make(&second, &kernel, &s, NULL, POLICY_CONNECT, &in_force, &plan);
	assert_int_equal(plan.settings[POLICY_KEEPALIVE_IDLE].verdict, POLICY_VERDICT_YIELDS);
	/* the last retry's, not of an application */
	s.user_timeout_ms = 1234;
	s.policy = TCPTIMER_POLICY_LAST_RETRY | 1;
	policy_plan_make(&second, &kernel, &s, NULL, POLICY_CONNECT, &in_force, &plan);
	assert_int_equal(plan.settings[POLICY_USER_TIMEOUT].verdict, POLICY_VERDICT_CHANGE);
	in_force.mode = POLICY_AUDIT; /* it has changed nothing */
	policy_plan_make(&first, &kernel, &s, NULL, POLICY_CONNECT, &in_force, &plan);
	assert_int_equal(plan.settings[POLICY_MAX_RETRIES].old_value, 0);
	assert_int_equal(plan.settings[POLICY_USER_TIMEOUT].verdict, POLICY_VERDICT_STRICTER);
	policy_free(&first);
	policy_free(&second);
}

/* SO_KEEPALIVE comes last: the first probe is an idle time away, whatever has passed before. */
static void keepalive_starts_with_its_times(void **state)
{
	struct policy_kernel kernel = kernel_618();
	struct tcptimer_snapshot s;
	struct policy_plan plan;
	struct policy policy;

	established(&s);
	tcptimer_snapshot_arm_idle(kernel.profile, HZ, &s);
	s.lrcvtime = s.rcv_tstamp = (uint32_t)s.now_jiffies - 20 * HZ;
	policy_of(&policy, "enforce", "keepalive: {enable: true, idle: 30s}");
	policy_plan_make(&policy, &kernel, &s, NULL, POLICY_CONNECT, NULL, &plan);
	policy_plan_apply(&plan, &kernel, &s);
	assert_true(s.flags & TCPTIMER_F_KEEPOPEN && s.flags & TCPTIMER_F_KEEP_PENDING);
	assert_int_equal(s.keep_expires, s.now_jiffies + 30 * HZ);
	policy_free(&policy);
}

/* ---- ends */

static void deadline_of(const char *set, void (*arm)(struct tcptimer_snapshot *s),
			struct tcptimer_deadline *ret)
{
	struct policy_kernel kernel = kernel_618();
	struct tcptimer_snapshot s;
	struct policy_plan plan;
	struct policy policy;

	established(&s);
	arm(&s);
	policy_of(&policy, "enforce", set);
	policy_plan_make(&policy, &kernel, &s, "/a", POLICY_CONNECT, NULL, &plan);
	policy_plan_apply(&plan, &kernel, &s);
	assert_int_equal(policy_plan_deadline(&kernel, &s, TCPTIMER_PEER_SILENT,
					      (unsigned int)plan.settings[POLICY_MAX_RETRIES].value,
					      ret),
			 0);
	policy_free(&policy);
}

static void arm_data(struct tcptimer_snapshot *s)
{
	struct policy_kernel kernel = kernel_618();

	tcptimer_snapshot_arm_data(kernel.profile, HZ, s);
}

static void arm_blocked(struct tcptimer_snapshot *s)
{
	struct policy_kernel kernel = kernel_618();

	tcptimer_snapshot_arm_probe0(kernel.profile, HZ, s);
}

static void arm_idle(struct tcptimer_snapshot *s)
{
	struct policy_kernel kernel = kernel_618();

	tcptimer_snapshot_arm_idle(kernel.profile, HZ, s);
}

/* In flight when the peer retracted its window. */
static void arm_retracted(struct tcptimer_snapshot *s)
{
	arm_data(s);
	s->snd_wnd = 0;
}

/* Three retransmissions out, the fourth in 1.6 s, and the stamps that belong to that. */
static void arm_stalled(struct tcptimer_snapshot *s)
{
	arm_data(s);
	s->pending = TCPTIMER_PENDING_RETRANS;
	s->retransmits = s->backoff = 3;
	s->total_rto = 3;
	s->ca_state = 4;
	s->rto_jiffies = 8 * 51;
	s->write_expires = s->write_timeout = s->now_jiffies + s->rto_jiffies;
	s->write_flags = 0;
	s->flags &= ~TCPTIMER_F_WRITE_PENDING;
	s->retrans_stamp = (uint32_t)(s->now_ns / 1000000) - 6 * 204;
}

static void ends_by_row(void **state)
{
	struct tcptimer_deadline dl;

	deadline_of("delack_max: 40ms", arm_data, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_RETRIES);

	deadline_of("user_timeout: 20s", arm_data, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	assert_in_range(dl.at_ms, 20000, 21000);

	/* 0.2 s, doubled: 1st, 2nd, 3rd, and the 4th that would be due ends it */
	deadline_of("max_retries: 3", arm_data, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_POLICY);
	assert_int_equal(dl.n, 3);
	assert_int_equal(dl.limit_value, 3);
	assert_int_equal(dl.err, ETIMEDOUT);
	assert_true(dl.reported);
	assert_in_range(dl.at_ms, 3000, 3700);

	/* whichever comes first */
	deadline_of("max_retries: 3, user_timeout: 1s", arm_data, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	deadline_of("max_retries: 3, user_timeout: 20s", arm_data, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_POLICY);

	/* tcp_retries2 would come first */
	deadline_of("max_retries: 15, rto_max: 1s", arm_data, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_RETRIES);

	/* keepalive's timer runs beside it all the time, and changes nothing */
	deadline_of("max_retries: 10, keepalive: {enable: true, idle: 1s}", arm_data, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_POLICY);
	assert_int_equal(dl.n, 10);

	/* of windows and quiet peers it says nothing */
	deadline_of("max_retries: 1", arm_retracted, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_SHRUNK_WINDOW);
	deadline_of("max_retries: 1", arm_blocked, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_PROBE0);
	deadline_of("max_retries: 1", arm_idle, &dl);
	assert_true(dl.never);
	deadline_of("keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}", arm_idle, &dl);
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_KEEPALIVE);
	assert_in_range(dl.at_ms, 45000, 50000);
}

/* The policy comes while a stall is under way: what is out already counts. */
static void ends_of_a_stall_under_way(void **state)
{
	static const struct {
		const char *set;
		unsigned int n;
		uint64_t min_ms, max_ms;
	} rows[] = {
		{ "max_retries: 5", 5, 11000, 12800 }, /* 1.6 + 3.3 + 6.5 s */
		{ "max_retries: 4", 4, 4800, 5400 },
		{ "max_retries: 3", 3, 1632, 1700 }, /* the next one due */
		{ "max_retries: 1", 3, 1632, 1700 }, /* beyond it already */
		{ "max_retries: 1, keepalive: {enable: true, idle: 1s}", 3, 1632, 1700 },
	};
	struct tcptimer_deadline dl;

	for (size_t i = 0; i < COUNT(rows); i++) {
		deadline_of(rows[i].set, arm_stalled, &dl);
		assert_int_equal(dl.cause, TCPTIMER_CAUSE_POLICY);
		assert_int_equal(dl.n, rows[i].n);
		assert_in_range(dl.at_ms, rows[i].min_ms, rows[i].max_ms);
	}
	deadline_of("user_timeout: 1s", arm_stalled, &dl); /* passed: at the next firing */
	assert_int_equal(dl.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	assert_in_range(dl.at_ms, 1632, 1700);
}

/* ---- whatever the socket */

static const char *const modes[] = { "enforce", "default", "audit" };

/* A policy of a few random settings, as its text, so that the reader's bounds hold. */
static void random_set(struct engine_random *r, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
#define ADD(...)                                                                                   \
	if (random_one_in(r, 2))                                                                   \
	used += (size_t)snprintf(text + used, size - used, __VA_ARGS__)
	ADD("user_timeout: %ums, ", 1 + random_magnitude(r, 20));
	ADD("max_retries: %u, ", 1 + random_below(r, 15));
	ADD("syn_retries: %u, ", 1 + random_below(r, 127));
	ADD("rto_min: %uus, ", 1001 + random_below(r, 198000));
	ADD("rto_max: %ums, ", 1000 + random_below(r, 119000));
	ADD("delack_max: %uus, ", 1001 + random_below(r, 198000));
	ADD("thin_linear_timeouts: %s, ", random_one_in(r, 2) ? "true" : "false");
	ADD("keepalive: {enable: %s, idle: %us, interval: %us, probes: %u}, ",
	    random_one_in(r, 4) ? "false" : "true", 1 + random_magnitude(r, 14),
	    1 + random_magnitude(r, 14), 1 + random_below(r, 127));
#undef ADD
	snprintf(text + used, size - used, "syn_rto: %ums", 1 + random_below(r, 120000));
}

static bool is_stricter_or_equal(enum policy_setting_id id, int64_t value, int64_t asked)
{
	if (id == POLICY_THIN_LINEAR || id == POLICY_KEEPALIVE_ENABLE)
		return value >= asked;
	return !asked || (value && value <= asked);
}

/* What differs from what the kernel gives: the application asked for it. */
static bool is_asked(const struct tcptimer_snapshot *s, enum policy_setting_id id)
{
	switch (id) {
	case POLICY_USER_TIMEOUT:
		return s->user_timeout_ms;
	case POLICY_THIN_LINEAR:
		return s->flags & TCPTIMER_F_THIN_LTO;
	case POLICY_KEEPALIVE_ENABLE:
		return s->flags & TCPTIMER_F_KEEPOPEN;
	case POLICY_KEEPALIVE_IDLE:
		return s->own_keepalive & 1;
	case POLICY_KEEPALIVE_INTERVAL:
		return s->own_keepalive & 2;
	case POLICY_KEEPALIVE_PROBES:
		return s->own_keepalive & 4;
	default:
		return false;
	}
}

static void properties_of(const struct policy *policy, const struct policy_kernel *kernel,
			  struct tcptimer_snapshot *s, unsigned long *changed)
{
	struct tcptimer_snapshot before = *s;
	struct policy_plan plan, again;

	policy_plan_make(policy, kernel, s, "/a", POLICY_CONNECT, NULL, &plan);
	assert_memory_equal(s, &before, sizeof(before));
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++) {
		const struct policy_plan_setting *setting = &plan.settings[id];

		if (setting->verdict != POLICY_VERDICT_CHANGE) {
			assert_true(setting->value == setting->old_value);
			continue;
		}
		(*changed)++;
		if (!is_asked(s, id))
			continue;
		assert_int_not_equal(plan.mode, POLICY_DEFAULT);
		if (!is_stricter_or_equal(id, setting->value, setting->old_value))
			fail_msg("setting %u: %lld -> %lld", id, (long long)setting->old_value,
				 (long long)setting->value);
	}
	policy_plan_apply(&plan, kernel, s);
	policy_plan_make(policy, kernel, s, "/a", POLICY_CONNECT, NULL, &again);
	again.changes &= ~(1u << POLICY_MAX_RETRIES);
	if (again.changes)
		fail_msg("a second time it changes %#x, the first %#x", again.changes,
			 plan.changes);
}

static void twice_changes_nothing_and_enforce_never_loosens(void **state)
{
	static const char *const profiles[] = { "6.1", "6.12", "6.18", "7.2" };
	struct engine_random r = { 7 };
	unsigned long changed = 0;
	char set[512];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct policy_kernel kernel = {
			tcptimer_profile_by_name(profiles[random_below(&r, COUNT(profiles))]),
			random_hz(&r)
		};
		struct tcptimer_snapshot s;
		struct policy policy;

		random_set(&r, set, sizeof(set));
		policy_of(&policy, modes[random_below(&r, COUNT(modes))], set);
		random_snapshot(&r, kernel.profile, kernel.hz, &s);
		properties_of(&policy, &kernel, &s, &changed);
		policy_free(&policy);
	}
	assert_true(changed > ROUNDS);
}

/* max_retries ends nothing later than it would have ended. */
static void max_retries_never_lengthens(void **state)
{
	struct engine_random r = { 11 };
	unsigned long shortened = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct policy_kernel kernel = { tcptimer_profile_by_name("6.12"), random_hz(&r) };
		struct tcptimer_engine_params params = { .hz = kernel.hz,
							 .peer = TCPTIMER_PEER_SILENT };
		struct tcptimer_deadline with, without;
		struct tcptimer_snapshot s;
		struct policy_plan plan;
		struct policy policy;
		char set[32];
		int err;

		snprintf(set, sizeof(set), "max_retries: %u", 1 + random_below(&r, 15));
		policy_of(&policy, "enforce", set);
		random_snapshot(&r, kernel.profile, kernel.hz, &s);
		policy_plan_make(&policy, &kernel, &s, NULL, POLICY_CONNECT, NULL, &plan);
		err = tcptimer_engine_deadline(kernel.profile, &params, &s, &without);
		if (!policy_plan_deadline(&kernel, &s, params.peer,
					  (unsigned int)plan.settings[POLICY_MAX_RETRIES].value,
					  &with) &&
		    !err && !without.never) {
			assert_false(with.never);
			assert_true(with.at_max_jiffies <= without.at_max_jiffies);
			if (with.at_max_jiffies < without.at_max_jiffies) {
				assert_int_equal(with.cause, TCPTIMER_CAUSE_POLICY);
				shortened++;
			}
		}
		policy_free(&policy);
	}
	assert_true(shortened > ROUNDS / 100);
}

/* ---- directions */

static void directions(void **state)
{
	struct policy_listeners listeners = {};
	struct tcptimer_snapshot s;

	established(&s);
	s.state = TCPTIMER_STATE_LISTEN;
	for (unsigned int port = 5000; port > 4000; port -= 10) {
		s.local_port = (uint16_t)port;
		s.netns = 4026531840u + port % 3;
		assert_int_equal(policy_listeners_add(&listeners, &s), 0);
	}
	s.state = TCPTIMER_STATE_ESTABLISHED;
	s.local_port = 4321;
	assert_int_equal(policy_listeners_add(&listeners, &s), 0); /* not one */
	policy_listeners_sort(&listeners);

	for (unsigned int port = 4001; port < 5010; port++) {
		bool listens = port % 10 == 0 && port > 4000 && port <= 5000;

		s.local_port = (uint16_t)port;
		s.netns = 4026531840u + port % 3;
		assert_int_equal(policy_listeners_direction(&listeners, &s),
				 listens ? POLICY_ACCEPT : POLICY_CONNECT);
		s.netns++; /* another namespace's listener */
		assert_int_equal(policy_listeners_direction(&listeners, &s), POLICY_CONNECT);
	}
	s.local_port = 4500;
	s.netns = 4026531840u + 4500 % 3;
	s.state = TCPTIMER_STATE_SYN_SENT;
	assert_int_equal(policy_listeners_direction(&listeners, &s), POLICY_CONNECT);
	s.state = TCPTIMER_STATE_SYN_RECV;
	s.local_port = 1;
	assert_int_equal(policy_listeners_direction(&listeners, &s), POLICY_ACCEPT);
	policy_listeners_free(&listeners);
	s.state = TCPTIMER_STATE_ESTABLISHED;
	assert_int_equal(policy_listeners_direction(&listeners, &s), POLICY_CONNECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_by_row),
		cmocka_unit_test(kernel_units_stand_beside),
		cmocka_unit_test(some_sockets_have_no_rule),
		cmocka_unit_test(a_rule_in_force_is_not_the_application),
		cmocka_unit_test(keepalive_starts_with_its_times),
		cmocka_unit_test(ends_by_row),
		cmocka_unit_test(ends_of_a_stall_under_way),
		cmocka_unit_test(twice_changes_nothing_and_enforce_never_loosens),
		cmocka_unit_test(max_retries_never_lengthens),
		cmocka_unit_test(directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a policy means for one socket: its rule, and each setting old and new.
 * Receives a policy and snapshots; hands plans to policy_plan_end.c and its callers. Pure.
 */
#include <string.h>
#include "policy/policy_compile.h"
#include "policy/policy_plan.h"
#include "settings_impl.h"
#include "tcptimer/policy_match.h"

#define US_PER_S INT64_C(1000000)

const char *policy_verdict_name(unsigned int verdict)
{
	static const char *const names[POLICY_VERDICT_COUNT] = {
		"none", "change", "same", "stricter", "yields", "late", "route", "lacks",
	};

	return verdict < POLICY_VERDICT_COUNT ? names[verdict] : "unknown";
}

/* ---- values as the kernel holds them: ms, jiffies, numbers. Only there can they be compared. */

static bool held_in_jiffies(enum policy_setting_id id)
{
	return policy_settings[id].kind == POLICY_KIND_SPAN && id != POLICY_USER_TIMEOUT;
}

/* usecs_to_jiffies() and its kin round up. */
static int64_t held_of_value(enum policy_setting_id id, int64_t value, uint32_t hz)
{
	if (held_in_jiffies(id))
		return (value * hz + US_PER_S - 1) / US_PER_S;
	return policy_kernel_value(id, value, hz);
}

static int64_t value_of_held(enum policy_setting_id id, int64_t held, uint32_t hz)
{
	return held_in_jiffies(id) ? held * US_PER_S / hz :
				     policy_user_value(id, (int32_t)held, hz);
}

static int64_t held_now(const struct tcptimer_snapshot *s, enum policy_setting_id id)
{
	switch (id) {
	case POLICY_USER_TIMEOUT:
		return s->user_timeout_ms;
	case POLICY_SYN_RETRIES:
		return s->syn_retries ? s->syn_retries : s->sysctls.syn_retries;
	case POLICY_RTO_MIN:
		return s->rto_min_jiffies;
	case POLICY_RTO_MAX:
		return s->rto_max_jiffies;
	case POLICY_DELACK_MAX:
		return s->delack_max_jiffies;
	case POLICY_THIN_LINEAR:
		return !!(s->flags & TCPTIMER_F_THIN_LTO);
	case POLICY_KEEPALIVE_ENABLE:
		return !!(s->flags & TCPTIMER_F_KEEPOPEN);
	case POLICY_KEEPALIVE_IDLE:
		return s->keepalive_time_jiffies;
	case POLICY_KEEPALIVE_INTERVAL:
		return s->keepalive_intvl_jiffies;
	case POLICY_KEEPALIVE_PROBES:
		return s->keepalive_probes;
	default: /* max_retries, syn_rto: of no socket */
		return 0;
	}
}

/* What the socket has when nobody asked for anything: tcp_init_sock(), and the sysctls behind it. */
static int64_t held_default(const struct policy_kernel *kernel, const struct tcptimer_snapshot *s,
			    enum policy_setting_id id)
{
	const struct tcptimer_sysctls *sysctls = &s->sysctls;

	switch (id) {
	case POLICY_SYN_RETRIES:
		return sysctls->syn_retries;
	case POLICY_RTO_MIN:
		if (kernel->profile->rto_min_sysctl && sysctls->rto_min_us)
			return (int64_t)tcptimer_usecs_to_jiffies(sysctls->rto_min_us, kernel->hz);
		return TCPTIMER_RTO_MIN_JIFFIES(kernel->hz);
	case POLICY_RTO_MAX:
		if (sysctls->rto_max_ms)
			return (int64_t)tcptimer_msecs_to_jiffies(sysctls->rto_max_ms, kernel->hz);
		return TCPTIMER_RTO_MAX_JIFFIES(kernel->hz);
	case POLICY_DELACK_MAX: /* TCP_DELACK_MAX */
		return TCPTIMER_RTO_MIN_JIFFIES(kernel->hz);
	case POLICY_KEEPALIVE_IDLE:
		return sysctls->keepalive_time_jiffies;
	case POLICY_KEEPALIVE_INTERVAL:
		return sysctls->keepalive_intvl_jiffies;
	case POLICY_KEEPALIVE_PROBES:
		return sysctls->keepalive_probes;
	default:
		return 0;
	}
}

/* ---- verdicts */

/* Too late, or of no use, whatever the socket has. NONE: no such obstacle. */
static enum policy_verdict obstacle(const struct policy_kernel *kernel,
				    const struct tcptimer_snapshot *s, enum policy_setting_id id)
{
	switch (id) {
	case POLICY_SYN_RTO: /* its timer runs already */
		return POLICY_VERDICT_LATE;
	case POLICY_SYN_RETRIES:
		return s->state == TCPTIMER_STATE_SYN_SENT ? POLICY_VERDICT_NONE :
							     POLICY_VERDICT_LATE;
	case POLICY_RTO_MAX:
		return kernel->profile->rto_max_socket ? POLICY_VERDICT_NONE : POLICY_VERDICT_LACKS;
	case POLICY_RTO_MIN:
		return s->flags & TCPTIMER_F_RTO_MIN_ROUTE ? POLICY_VERDICT_ROUTE :
							     POLICY_VERDICT_NONE;
	case POLICY_KEEPALIVE_ENABLE:
	case POLICY_KEEPALIVE_IDLE:
	case POLICY_KEEPALIVE_INTERVAL:
	case POLICY_KEEPALIVE_PROBES: /* an orphan's sk_timer is that of FIN_WAIT2 */
		return s->flags & TCPTIMER_F_DEAD ? POLICY_VERDICT_LATE : POLICY_VERDICT_NONE;
	default:
		return POLICY_VERDICT_NONE;
	}
}

/* max_retries is no property of a socket: it has what the rule in force says. */
static int64_t held_max_retries(const struct tcptimer_policy_rule *in_force)
{
	return in_force && in_force->mode != POLICY_AUDIT ? in_force->value[POLICY_MAX_RETRIES] : 0;
}

static bool policy_has_set(const struct policy_kernel *kernel, const struct tcptimer_snapshot *s,
			   enum policy_setting_id id, int64_t held,
			   const struct tcptimer_policy_rule *in_force)
{
	int64_t value;

	if (!in_force || in_force->mode == POLICY_AUDIT)
		return false;
	if (id == POLICY_USER_TIMEOUT && s->policy & TCPTIMER_POLICY_LAST_RETRY)
		return true;
	value = policy_user_value(id, in_force->value[id], kernel->hz);
	return in_force->set >> id & 1 && held_of_value(id, value, kernel->hz) == held;
}

static bool is_asked(const struct policy_kernel *kernel, const struct tcptimer_snapshot *s,
		     enum policy_setting_id id, int64_t held,
		     const struct tcptimer_policy_rule *in_force)
{
	if (policy_has_set(kernel, s, id, held, in_force))
		return false;
	switch (id) {
	case POLICY_SYN_RETRIES:
		return s->syn_retries;
	case POLICY_KEEPALIVE_IDLE:
		return s->own_keepalive & KEEPALIVE_OWN_TIME;
	case POLICY_KEEPALIVE_INTERVAL:
		return s->own_keepalive & KEEPALIVE_OWN_INTVL;
	case POLICY_KEEPALIVE_PROBES:
		return s->own_keepalive & KEEPALIVE_OWN_PROBES;
	default:
		return held != held_default(kernel, s, id);
	}
}

static enum policy_verdict judge(const struct policy_kernel *kernel,
				 const struct tcptimer_snapshot *s, enum policy_mode mode,
				 enum policy_setting_id id, int64_t held, int64_t wanted,
				 bool asked)
{
	enum policy_verdict verdict = obstacle(kernel, s, id);

	if (verdict != POLICY_VERDICT_NONE)
		return verdict;
	if (held == wanted)
		return POLICY_VERDICT_SAME;
	if (asked && mode == POLICY_DEFAULT)
		return POLICY_VERDICT_YIELDS;
	/* audit tells what enforce would do */
	if (asked && tcptimer_policy_stricter(id, (int32_t)held, (int32_t)wanted) == held)
		return POLICY_VERDICT_STRICTER;
	return POLICY_VERDICT_CHANGE;
}

static void plan_setting(const struct policy_kernel *kernel, const struct tcptimer_snapshot *s,
			 enum policy_setting_id id, const struct tcptimer_policy_rule *in_force,
			 struct policy_plan *plan)
{
	bool is_retries = id == POLICY_MAX_RETRIES;
	int64_t held = is_retries ? held_max_retries(in_force) : held_now(s, id);
	bool asked = !is_retries && is_asked(kernel, s, id, held, in_force);
	struct policy_plan_setting *setting = &plan->settings[id];
	int64_t value = plan->rule->settings[id].value;

	if (id == POLICY_USER_TIMEOUT && plan->armed)
		held = plan->base_user_timeout_ms;
	setting->verdict = (uint8_t)judge(kernel, s, plan->mode, id, held,
					  held_of_value(id, value, kernel->hz), asked);
	setting->old_value = value_of_held(id, held, kernel->hz);
	setting->value = setting->old_value;
	if (setting->verdict == POLICY_VERDICT_CHANGE) {
		setting->value = value;
		plan->changes |= 1u << id;
	}
	setting->old_kernel = policy_kernel_value(id, setting->old_value, kernel->hz);
	setting->kernel = policy_kernel_value(id, setting->value, kernel->hz);
}

void policy_plan_make(const struct policy *policy, const struct policy_kernel *kernel,
		      const struct tcptimer_snapshot *s, const char *cgroup, unsigned int direction,
		      const struct tcptimer_policy_rule *in_force, struct policy_plan *plan)
{
	struct policy_socket socket = { .cgroup = cgroup,
					.direction = (uint8_t)direction,
					.family = s->family,
					.remote_port = s->remote_port,
					.local_port = s->local_port };
	int index;

	memset(plan, 0, sizeof(*plan));
	if (s->kind != TCPTIMER_SOCK_FULL || s->state == TCPTIMER_STATE_LISTEN ||
	    s->state == TCPTIMER_STATE_CLOSE)
		return;
	memcpy(socket.remote_addr, s->remote_addr, sizeof(socket.remote_addr));
	memcpy(socket.local_addr, s->local_addr, sizeof(socket.local_addr));
	index = policy_match(policy, &socket);
	if (index < 0)
		return;
	plan->rule = &policy->rules[index];
	plan->index = (size_t)index;
	plan->mode = plan->rule->mode;
	plan->armed = in_force && s->policy & TCPTIMER_POLICY_LAST_RETRY;
	if (plan->armed && in_force->set >> POLICY_USER_TIMEOUT & 1)
		plan->base_user_timeout_ms = (uint32_t)in_force->value[POLICY_USER_TIMEOUT];
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++)
		if (plan->rule->settings[id].set)
			plan_setting(kernel, s, id, in_force, plan);
}

/* ---- making the changes */

static void add_change(const struct policy_plan *plan, enum policy_setting_id id,
		       struct setting_change *changes, size_t *count)
{
	const char *word = policy_settings[id].word;
	int64_t value = plan->settings[id].value;

	if (!(plan->changes >> id & 1) || !word)
		return;
	changes[*count] = (struct setting_change){
		.setting = setting_find(word, strlen(word)),
		.value = value,
		.off = id == POLICY_KEEPALIVE_ENABLE && !value,
	};
	(*count)++;
}

/* SO_KEEPALIVE last, as the BPF programs set it: it starts the timer with the times set before. */
void policy_plan_apply(const struct policy_plan *plan, const struct policy_kernel *kernel,
		       struct tcptimer_snapshot *s)
{
	struct setting_target target = {
		.profile = kernel->profile, .hz = kernel->hz, .when = SETTING_LIVE, .snap = s
	};
	struct setting_change changes[POLICY_SETTING_COUNT];
	size_t count = 0;

	if (plan->armed)
		s->user_timeout_ms = plan->base_user_timeout_ms;
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++)
		if (id != POLICY_KEEPALIVE_ENABLE)
			add_change(plan, id, changes, &count);
	add_change(plan, POLICY_KEEPALIVE_ENABLE, changes, &count);
	settings_apply(changes, count, &target);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy that can be read would do that nobody wants, for one kernel.
 * Receives a policy and a kernel's profile; hands findings with the engine's evidence. Pure.
 */
#ifndef TCPTIMER_POLICY_LINT_H
#define TCPTIMER_POLICY_LINT_H

#include "policy/policy.h"
#include "policy/policy_report.h"

/*
 * Every rule, by itself and beside those before it. The kernel's sysctls are taken at their defaults,
 * hz is its CONFIG_HZ. 0; -ENOMEM after setting report->no_memory.
 */
int policy_lint(const struct policy *policy, const struct tcptimer_profile *profile, uint32_t hz,
		struct policy_report *report);

#endif

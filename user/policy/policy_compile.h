/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy in the shape that the BPF programs read.
 * Receives rules and cgroup paths; hands what goes into the maps of tcptimer/policy_map.h. Pure.
 */
#ifndef TCPTIMER_POLICY_COMPILE_H
#define TCPTIMER_POLICY_COMPILE_H

#include "policy/policy.h"
#include "tcptimer/policy_map.h"

/* A setting's value in the kernel's units: the comment at tcptimer_policy_rule.value. */
int32_t policy_kernel_value(enum policy_setting_id id, int64_t value, uint32_t hz);
/* And back, to `us`, numbers, 0 and 1 as policy_value_text() takes them. */
int64_t policy_user_value(enum policy_setting_id id, int32_t value, uint32_t hz);

/* A rule in the kernel's shape, for HZ. Every byte is defined. */
void policy_compile_rule(const struct policy_rule *rule, uint32_t hz,
			 struct tcptimer_policy_rule *ret_rule);

/* Adds the bits of a compiled rule, number `at` of its policy, to an index that is zero at first. */
void policy_compile_index(const struct tcptimer_policy_rule *rule, unsigned int at,
			  struct tcptimer_policy_index *index);

/*
 * Which rules may match sockets of the cgroup of that path, and which surely match in every cgroup
 * below it, those that do not exist yet with them. The root is "/"; a slash at the end means nothing.
 * Below a path of PATH_MAX bytes and more only rules without patterns are sure.
 */
void policy_compile_cgroup(const struct policy *policy, const char *path,
			   uint64_t ret_own[TCPTIMER_POLICY_WORDS],
			   uint64_t ret_inherit[TCPTIMER_POLICY_WORDS]);

#endif

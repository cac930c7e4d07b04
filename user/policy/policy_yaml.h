/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads policy files.
 * Receives files or bytes, also hostile ones; hands rules, or findings with line and column.
 */
#ifndef TCPTIMER_POLICY_YAML_H
#define TCPTIMER_POLICY_YAML_H

#include "policy/policy.h"
#include "policy/policy_report.h"

/*
 * Adds the rules of one file behind those that `policy` has: all of them, or none with -EINVAL and at
 * least one finding of severity POLICY_ERROR. -ENOMEM: report->no_memory is set. Names are unique
 * over all files, and POLICY_RULES_MAX holds for them together. `file` is kept as a pointer by rules
 * and findings: it must outlive both.
 */
int policy_read(struct policy *policy, const char *file, const void *bytes, size_t size,
		struct policy_report *report);
/* The same from a path. At most POLICY_FILE_MAX bytes are taken. */
int policy_read_file(struct policy *policy, const char *path, struct policy_report *report);

#endif

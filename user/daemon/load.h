/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy on its way from files to force: bytes, rules, findings.
 * Receives paths of files and directories, also hostile ones; hands a policy that was checked.
 */
#ifndef TCPTIMER_DAEMON_LOAD_H
#define TCPTIMER_DAEMON_LOAD_H

#include "daemon/policy_source.h"
#include "tcptimer/engine.h"

#define LOAD_LINE 1024 /* bytes that hold any finding's line */

struct loaded {
	struct policy_source source;
	struct policy policy; /* borrows names from the source */
	struct policy_report report;
	char **names; /* what findings name beside the source's files */
	size_t name_count;
};

/* One file's bytes behind those before; what can't be read becomes a finding. */
void load_file(struct loaded *loaded, const char *path);
/* All *.yaml of a directory in the order of their names; no such directory: nothing. */
void load_directory(struct loaded *loaded, const char *path);
/*
 * Reads the rules, and holds them against the kernel unless profile is NULL. 0, or -EINVAL when the
 * report has errors, -ENOMEM. The report is sorted.
 */
int load_check(struct loaded *loaded, const struct tcptimer_profile *profile, uint32_t hz);
void load_free(struct loaded *loaded);

/* "a.yaml:3:5: error: rule 'a': 20 has no unit: … [no-unit]", escaped. size >= LOAD_LINE. Returns buf. */
const char *load_finding_text(const struct policy_finding *finding, char *buf, size_t size);

#endif

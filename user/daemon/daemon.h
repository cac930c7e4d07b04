/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: keeps a policy in force, and answers on its control socket.
 * Receives options from the command line; runs until a signal ends it.
 */
#ifndef TCPTIMER_DAEMON_H
#define TCPTIMER_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#define DAEMON_POLICY_FILE "/etc/tcptimer/policy.yaml"
#define DAEMON_POLICY_DIRECTORY "/etc/tcptimer/policy.d"

struct daemon_options {
	const char *const *paths; /* files, and directories of *.yaml; none: the two above */
	size_t path_count;
	const char *pin_dir; /* of a bpffs */
	const char *socket;
	const char *cgroup; /* "/a/b" below the cgroup2 mount; NULL: all */
	bool audit;         /* every rule in mode audit */
	bool detach_on_exit;
	const char *metrics;                /* where: metrics_words.h; NULL: nowhere */
	const char *const *metrics_cgroups; /* patterns: series of their own, beside those of rules */
	size_t metrics_cgroup_count, metrics_cgroups_max;
	bool confine; /* gives up what it does not need: false only to find out what that is */
};

/* Returns when it was told to stop, or could not start: 0, or 1 after saying why. */
int daemon_run(const struct daemon_options *options);

#endif

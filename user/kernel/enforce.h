/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy in force: the pinned programs and maps, existing sockets, cgroups that come and go.
 * Receives policies from the daemon; hands counters and events back. Needs root.
 *
 * Functions return 0 or a negative errno; enforce_error() then has one line with the remedy.
 */
#ifndef TCPTIMER_KERNEL_ENFORCE_H
#define TCPTIMER_KERNEL_ENFORCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "policy/policy_compile.h"
#include "tcptimer/policy_map.h"

#define ENFORCE_PIN_DIR "/sys/fs/bpf/tcptimer"

struct enforce;

struct enforce_options {
	const char *pin_dir; /* a directory of a bpffs, made when missing; NULL: ENFORCE_PIN_DIR */
	const char *cgroup; /* "/a/b" below the cgroup2 mount: acts there and below only; NULL: "/" */
	uint32_t cgroups_max; /* entries of the map of cgroups; 0: TCPTIMER_POLICY_CGROUPS */
};

/* What one pass over the sockets did. */
struct enforce_pass {
	uint64_t seen;        /* sockets looked at */
	uint64_t matched;     /* that a rule takes */
	uint64_t changed;     /* sockets with at least one option changed or put back */
	uint64_t refused;     /* options that the kernel refused */
	unsigned int netns;   /* namespaces visited */
	unsigned int skipped; /* that vanished or could not be entered */
};

struct enforce_state {
	bool adopted;        /* took over what an earlier daemon had pinned */
	uint32_t generation; /* 0: no policy in force */
	uint32_t rules;
	uint64_t applied_ns; /* CLOCK_BOOTTIME */
	uint64_t cgroups;    /* entries in the map */
	uint64_t cgroups_max;
	uint64_t cgroup_events_lost; /* the tree was then walked anew */
	bool max_retries_old; /* max_retries reaches sockets older than the programs; told by a pass */
};

/*
 * Loads the programs, or takes over those that are pinned: their links get the new programs in one
 * step, maps of the same layout stay. From then on what is in force is enforced.
 */
int enforce_open(const struct enforce_options *options, struct enforce **ret_enforce);
/* Lets go of it; what is pinned goes on. */
void enforce_close(struct enforce *e);

/*
 * Puts a policy in force, whole: rules, masks of every cgroup, then every existing socket. `source` is
 * kept beside it for the next daemon. After a failure the policy before is in force unchanged.
 */
int enforce_apply(struct enforce *e, const struct policy *policy, const void *source,
		  size_t source_size, struct enforce_pass *ret_pass);
/* Another pass over the sockets: those that were on their way while the policy changed. */
int enforce_pass(struct enforce *e, struct enforce_pass *ret_pass);
/* What enforce_apply() was given last, also by an earlier daemon. malloc()ed; NULL and 0: none. */
int enforce_source(struct enforce *e, void **ret_source, size_t *ret_size);

/* Readable when cgroups have come or gone: then call enforce_dispatch(). */
int enforce_fd(const struct enforce *e);
int enforce_dispatch(struct enforce *e);

/* Summed over CPUs; `rule` is an index of the policy in force. */
int enforce_counters(struct enforce *e, size_t rule, struct tcptimer_policy_counters *ret_counters);
/* A rule as the kernel has it. */
int enforce_rule(struct enforce *e, size_t rule, struct tcptimer_policy_rule *ret_rule);
int enforce_state(struct enforce *e, struct enforce_state *ret_state);

/*
 * Puts every socket's options back, detaches the programs, removes the pins. Works without a daemon,
 * too: open is done inside. *ret_was: something was there.
 */
int enforce_clear(const struct enforce_options *options, struct enforce_pass *ret_pass,
		  bool *ret_was);

/* What went wrong last and what to do, one line without "tcptimer:". */
const char *enforce_error(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup that came, went or was renamed, as it crosses the ring buffer.
 * Filled by bpf/policy_iter.bpf.c; read by enforce_cgroup_event() in user/kernel/enforce_cgroups.c.
 */
#ifndef TCPTIMER_BPF_CGROUP_EVENT_H
#define TCPTIMER_BPF_CGROUP_EVENT_H

/* What the tracepoints have room for (TRACE_CGROUP_PATH_LEN in kernel/cgroup/cgroup-internal.h). */
#define TCPTIMER_CGROUP_EVENT_PATH 1024

struct tcptimer_cgroup_event {
	__u64 id;
	__u32 gone;      /* 1: it was removed */
	__u32 path_size; /* with its NUL; TCPTIMER_CGROUP_EVENT_PATH: it may be cut; 0: none */
	char path[TCPTIMER_CGROUP_EVENT_PATH]; /* from the root of the hierarchy */
};

_Static_assert(sizeof(struct tcptimer_cgroup_event) == 1040, "tcptimer_cgroup_event");

#endif

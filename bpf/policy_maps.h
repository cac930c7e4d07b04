/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps of a policy, pinned by user/kernel/enforce.c and shared by all policy programs.
 * Defined where POLICY_MAPS is, which is the file that is linked first (bpftool 7.1 takes no other order);
 * declared elsewhere.
 */
#ifndef TCPTIMER_BPF_POLICY_MAPS_H
#define TCPTIMER_BPF_POLICY_MAPS_H

#include "uapi.h"
#include <bpf/bpf_helpers.h>
#include "tcptimer/policy_map.h"

#ifdef POLICY_MAPS
#define POLICY_MAP
#else
#define POLICY_MAP extern
#endif

struct policy_control_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct tcptimer_policy_control);
};

struct policy_rules_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * TCPTIMER_POLICY_RULES); /* two banks */
	__type(key, __u32);
	__type(value, struct tcptimer_policy_rule);
};

struct policy_index_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* by bank */
	__type(key, __u32);
	__type(value, struct tcptimer_policy_index);
};

struct policy_cgroups_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TCPTIMER_POLICY_CGROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* cgroup id */
	__type(value, struct tcptimer_policy_cgroup);
};

struct policy_counters_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * TCPTIMER_POLICY_RULES);
	__type(key, __u32);
	__type(value, struct tcptimer_policy_counters);
};

struct policy_sockets_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tcptimer_policy_sock);
};

struct policy_slots_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TCPTIMER_POLICY_SLOTS);
	__type(key, __u32);
	__type(value, struct tcptimer_policy_slot);
};

struct policy_source_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* by bank */
	__type(key, __u32);
	__type(value, __u8[TCPTIMER_POLICY_SOURCE]);
};

POLICY_MAP struct policy_control_map policy_control SEC(".maps");
POLICY_MAP struct policy_rules_map policy_rules SEC(".maps");
POLICY_MAP struct policy_index_map policy_index SEC(".maps");
POLICY_MAP struct policy_cgroups_map policy_cgroups SEC(".maps");
POLICY_MAP struct policy_counters_map policy_counters SEC(".maps");
POLICY_MAP struct policy_sockets_map policy_sockets SEC(".maps");
POLICY_MAP struct policy_slots_map policy_slots SEC(".maps");
#ifdef POLICY_MAPS
struct policy_source_map policy_source SEC(".maps");
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a socket to its rule: the candidates of its cgroup, then the first whose predicates hold.
 * Receives the key that the caller has read from the socket; hands the index of a rule.
 */
#ifndef TCPTIMER_BPF_POLICY_FIND_H
#define TCPTIMER_BPF_POLICY_FIND_H

#include "policy_maps.h"
#include "compat.h"
#include <bpf/bpf_endian.h>
#include "tcptimer/policy_match.h"

/*
 * A function that the verifier takes on its own, once: its many paths don't multiply those of its
 * callers (a kernel of 6.1 would give up on them). Weak, since more than one file has it.
 */
#define POLICY_FUNCTION __weak __noinline

#define POLICY_NO_RULE (-1)
#define POLICY_DEPTH_MAX 32 /* levels of cgroups looked up for the nearest one known */

static __always_inline struct tcptimer_policy_control *policy_current(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&policy_control, &zero);
}

/* A rule of a bank. */
static __always_inline struct tcptimer_policy_rule *policy_rule_at(__u32 bank, __u32 index)
{
	__u32 key = (bank & 1) * TCPTIMER_POLICY_RULES + index;

	return bpf_map_lookup_elem(&policy_rules, &key);
}

static __always_inline struct tcptimer_policy_counters *policy_count(__u32 active, __u32 index)
{
	__u32 key = (active & 1) * TCPTIMER_POLICY_RULES + index;

	return bpf_map_lookup_elem(&policy_counters, &key);
}

static __always_inline __u64 policy_ancestor(__u64 cgroup, int level)
{
	__u64 at = cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
		   (__u64)(__u32)level * sizeof(__u64);
	struct cgroup *ancestor = NULL;

	bpf_core_read(&ancestor, sizeof(ancestor), (void *)at);
	return ancestor ? BPF_CORE_READ(ancestor, kn, id) : 0;
}

/* The id of the nearest cgroup above the socket's that is known, or 0. */
POLICY_FUNCTION __u64 policy_nearest(__u64 sk)
{
	struct cgroup *cgroup = BPF_CORE_READ(KPTR(sock, sk), sk_cgrp_data.cgroup);
	int i, level;
	__u64 id;

	/* Before 6.x a cgroup v1 classid may sit here, marked by the lowest bit. */
	if (!cgroup || ((__u64)cgroup & 1))
		return 0;
	level = BPF_CORE_READ(cgroup, level);
	for (i = 0; i < POLICY_DEPTH_MAX; i++) {
		if (--level < 0)
			break;
		id = policy_ancestor((__u64)cgroup, level);
		if (bpf_map_lookup_elem(&policy_cgroups, &id))
			return id;
	}
	return 0;
}

/* The rules that may match sockets of a cgroup. NULL: too young to be known. */
static __always_inline const __u64 *policy_own(__u64 id, __u32 bank)
{
	struct tcptimer_policy_cgroup *known = bpf_map_lookup_elem(&policy_cgroups, &id);

	if (!known)
		return NULL;
	barrier_var(known); /* no arithmetic before that test */
	return known->own[bank & 1];
}

/* For such a one: those that the nearest known ancestor hands down. NULL: none. */
static __always_inline const __u64 *policy_inherited(__u64 sk, __u32 bank)
{
	__u64 id = policy_nearest(sk);
	struct tcptimer_policy_cgroup *known = bpf_map_lookup_elem(&policy_cgroups, &id);

	if (!known)
		return NULL;
	barrier_var(known);
	return known->inherit[bank & 1];
}

/* Either, for a socket of which only the address is known. */
static __always_inline const __u64 *policy_candidates(__u64 sk, __u32 bank)
{
	__u64 id = BPF_CORE_READ(KPTR(sock, sk), sk_cgrp_data.cgroup, kn, id);
	const __u64 *mask = policy_own(id, bank);

	return mask ? mask : policy_inherited(sk, bank);
}

/* From the two addresses: IPv4 that an IPv6 socket speaks is IPv4. */
static __always_inline void policy_key_family(struct tcptimer_policy_key *key)
{
	key->family =
		!key->remote[0] && !key->remote[1] && key->remote[2] == bpf_htonl(0xffff) ? 4 : 6;
}

struct policy_search {
	const struct tcptimer_policy_key *key;
	__u64 mask[TCPTIMER_POLICY_WORDS];
	__u32 bank;
	int found;
};

/* Whether the rule at that place of the map of rules takes the socket. */
POLICY_FUNCTION int policy_matches(__u32 at, const struct tcptimer_policy_key *key)
{
	const struct tcptimer_policy_rule *rule = bpf_map_lookup_elem(&policy_rules, &at);

	return rule && key && tcptimer_policy_rule_matches(rule, key);
}

/* The lowest bit that is set, or 64; no instruction counts trailing zeros. */
POLICY_FUNCTION int policy_lowest(__u64 mask)
{
	__u32 bit = 0;

	if (!mask)
		return 64;
	if (!(mask & 0xffffffff))
		bit += 32;
	if (!(mask >> bit & 0xffff))
		bit += 16;
	if (!(mask >> bit & 0xff))
		bit += 8;
	if (!(mask >> bit & 0xf))
		bit += 4;
	if (!(mask >> bit & 3))
		bit += 2;
	return bit + !(mask >> bit & 1);
}

/* The next candidate is tried, and no more one. True: nothing is left to be tried. */
static __always_inline bool policy_search_one(struct policy_search *search)
{
	__u32 word;
	int rule;

	for (word = 0; word < TCPTIMER_POLICY_WORDS; word++)
		if (search->mask[word])
			break;
	if (word >= TCPTIMER_POLICY_WORDS)
		return true;
	rule = word * 64 + policy_lowest(search->mask[word]);
	search->mask[word] &= search->mask[word] - 1;
	if (!policy_matches((search->bank & 1) * TCPTIMER_POLICY_RULES + rule, search->key))
		return false;
	search->found = rule;
	return true;
}

/* bpf_loop()'s callback: one candidate a call; 1 ends the loop. */
static long policy_search_next(__u32 i, void *arg)
{
	return policy_search_one(arg);
}

/* With one candidate it is tried at once. */
static __always_inline bool policy_many(const __u64 *mask)
{
	__u64 first = mask[0];

	return mask[1] | mask[2] | mask[3] | (first & (first - 1));
}

/* The index of the first of those rules of the bank that takes the socket, or POLICY_NO_RULE. */
static __noinline __attribute__((unused)) int policy_find(const struct tcptimer_policy_key *key,
							  const __u64 *mask, __u32 bank)
{
	struct policy_search search = { .key = key, .bank = bank, .found = POLICY_NO_RULE };
	const struct tcptimer_policy_index *index;
	__u32 i;

	for (i = 0; i < TCPTIMER_POLICY_WORDS; i++)
		search.mask[i] = mask[i];
	if (policy_many(mask)) {
		i = bank & 1;
		index = bpf_map_lookup_elem(&policy_index, &i);
		if (index)
			tcptimer_policy_narrow(index, key, search.mask);
	}
	if (!policy_search_one(&search))
		bpf_loop(TCPTIMER_POLICY_RULES, policy_search_next, &search, 0);
	return search.found;
}

/* Whether there are any. */
static __always_inline bool policy_any(const __u64 *mask)
{
	return mask && (mask[0] | mask[1] | mask[2] | mask[3]);
}

#endif

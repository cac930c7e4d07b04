/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a socket to its rule: the candidates of its cgroup, then the first whose predicates hold.
 * Receives a socket's address (untrusted: every read is probed); hands the index of a rule.
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

/*
 * The rules that may match the socket: its cgroup's own, or, when that is too young to be known, those
 * that the nearest known ancestor hands down. NULL: none.
 */
static __always_inline const __u64 *policy_candidates(__u64 sk, __u32 bank)
{
	struct cgroup *cgroup = BPF_CORE_READ(KPTR(sock, sk), sk_cgrp_data.cgroup);
	struct tcptimer_policy_cgroup *known;
	int i, level;
	__u64 id;

	/* Before 6.x a cgroup v1 classid may sit here, marked by the lowest bit. */
	if (!cgroup || ((__u64)cgroup & 1))
		return NULL;
	id = BPF_CORE_READ(cgroup, kn, id);
	known = bpf_map_lookup_elem(&policy_cgroups, &id);
	if (known)
		return known->own[bank & 1];
	level = BPF_CORE_READ(cgroup, level);
	for (i = 0; i < POLICY_DEPTH_MAX; i++) {
		if (--level < 0)
			break;
		id = policy_ancestor((__u64)cgroup, level);
		known = bpf_map_lookup_elem(&policy_cgroups, &id);
		if (known)
			return known->inherit[bank & 1];
	}
	return NULL;
}

static __always_inline void policy_address(__u32 words[4], __u64 sk, bool remote)
{
	struct sock_common *skc = KPTR(sock_common, sk);

	if (BPF_CORE_READ(skc, skc_family) == AF_INET6) {
		bpf_core_read(words, 16, remote ? &skc->skc_v6_daddr : &skc->skc_v6_rcv_saddr);
		return;
	}
	words[0] = words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = remote ? BPF_CORE_READ(skc, skc_daddr) : BPF_CORE_READ(skc, skc_rcv_saddr);
}

static __always_inline void policy_key(struct tcptimer_policy_key *key, __u64 sk, __u32 direction)
{
	struct sock_common *skc = KPTR(sock_common, sk);

	__builtin_memset(key, 0, sizeof(*key));
	policy_address(key->remote, sk, true);
	policy_address(key->local, sk, false);
	key->remote_port = bpf_ntohs(BPF_CORE_READ(skc, skc_dport));
	key->local_port = BPF_CORE_READ(skc, skc_num);
	key->direction = direction;
	key->family =
		!key->remote[0] && !key->remote[1] && key->remote[2] == bpf_htonl(0xffff) ? 4 : 6;
}

struct policy_search {
	struct tcptimer_policy_key key;
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

/* bpf_loop()'s callback: one candidate a call; 1 ends the loop. */
static long policy_search_next(__u32 i, void *arg)
{
	struct policy_search *search = arg;
	__u32 word;
	int rule;

	for (word = 0; word < TCPTIMER_POLICY_WORDS; word++)
		if (search->mask[word])
			break;
	if (word >= TCPTIMER_POLICY_WORDS)
		return 1;
	rule = word * 64 + policy_lowest(search->mask[word]);
	search->mask[word] &= search->mask[word] - 1;
	if (!policy_matches((search->bank & 1) * TCPTIMER_POLICY_RULES + rule, &search->key))
		return 0;
	search->found = rule;
	return 1;
}

/*
 * The index of the socket's rule in the bank that is in force, or POLICY_NO_RULE. `cgroup_of`: the
 * socket whose cgroup decides; a request has none of its own.
 */
POLICY_FUNCTION int policy_find(__u64 sk, __u64 cgroup_of, __u32 direction, __u32 bank)
{
	const __u64 *mask = policy_candidates(cgroup_of, bank);
	struct policy_search search;
	int i;

	if (!mask)
		return POLICY_NO_RULE;
	for (i = 0; i < TCPTIMER_POLICY_WORDS; i++)
		search.mask[i] = mask[i];
	if (!(search.mask[0] | search.mask[1] | search.mask[2] | search.mask[3]))
		return POLICY_NO_RULE;
	search.bank = bank;
	search.found = POLICY_NO_RULE;
	policy_key(&search.key, sk, direction);
	bpf_loop(TCPTIMER_POLICY_RULES, policy_search_next, &search, 0);
	return search.found;
}

/* Whether some rule may match sockets of that socket's cgroup. */
POLICY_FUNCTION int policy_concerns(__u64 sk, __u32 bank)
{
	const __u64 *mask = policy_candidates(sk, bank);

	return mask && (mask[0] | mask[1] | mask[2] | mask[3]);
}

#endif

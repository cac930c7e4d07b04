/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives a rule as the kernel has it and a socket's addresses, from a BPF program or a test.
 * Hands back whether the rule takes the socket, and what `enforce` leaves of an application's wish.
 *
 * Both compilers take it, as model.h. No calls, no division; every loop has a constant bound and
 * every index a constant range, so that the verifier follows pointers into a map's value. One rule takes
 * it some 20 000 instructions: walk rules with bpf_loop(), not with a loop around this.
 */
#ifndef TCPTIMER_POLICY_MATCH_H
#define TCPTIMER_POLICY_MATCH_H

#include "tcptimer/policy_map.h"

#define TCPTIMER_POLICY_INLINE static inline __attribute__((always_inline))

/* Addresses as in tcptimer_policy_cidr: IPv4 that an IPv6 socket speaks is IPv4 here, family 4. */
struct tcptimer_policy_key {
	__u32 remote[4], local[4];
	__u16 remote_port, local_port; /* host order */
	__u32 family;                  /* 4 or 6 */
	__u32 direction;               /* POLICY_CONNECT or POLICY_ACCEPT */
};

TCPTIMER_POLICY_INLINE __u32 tcptimer_policy_cidr_matches(const struct tcptimer_policy_cidr *cidr,
							  __u32 family, const __u32 addr[4])
{
	return cidr->family == family && !((cidr->addr[0] ^ addr[0]) & cidr->mask[0]) &&
	       !((cidr->addr[1] ^ addr[1]) & cidr->mask[1]) &&
	       !((cidr->addr[2] ^ addr[2]) & cidr->mask[2]) &&
	       !((cidr->addr[3] ^ addr[3]) & cidr->mask[3]);
}

/* An empty list takes everything. */
TCPTIMER_POLICY_INLINE __u32 tcptimer_policy_cidrs_match(const struct tcptimer_policy_cidr *list,
							 __u32 count, __u32 family,
							 const __u32 addr[4])
{
	if (!count)
		return 1;
#pragma GCC unroll 1
	for (__u32 i = 0; i < TCPTIMER_POLICY_LIST; i++) {
		if (i >= count)
			break;
		if (tcptimer_policy_cidr_matches(&list[i], family, addr))
			return 1;
	}
	return 0;
}

TCPTIMER_POLICY_INLINE __u32 tcptimer_policy_ports_match(const __u32 *list, __u32 count, __u32 port)
{
	if (!count)
		return 1;
#pragma GCC unroll 1
	for (__u32 i = 0; i < TCPTIMER_POLICY_LIST; i++) {
		if (i >= count)
			break;
		if (port >= list[i] >> 16 && port <= (list[i] & 0xffff))
			return 1;
	}
	return 0;
}

/* All but the cgroup, which the masks of struct tcptimer_policy_cgroup have answered before. */
TCPTIMER_POLICY_INLINE __u32 tcptimer_policy_rule_matches(const struct tcptimer_policy_rule *rule,
							  const struct tcptimer_policy_key *key)
{
	if (rule->direction != POLICY_ANY && rule->direction != key->direction)
		return 0;
	return tcptimer_policy_ports_match(rule->remote_port, rule->remote_port_count,
					   key->remote_port) &&
	       tcptimer_policy_ports_match(rule->local_port, rule->local_port_count,
					   key->local_port) &&
	       tcptimer_policy_cidrs_match(rule->remote, rule->remote_count, key->family,
					   key->remote) &&
	       tcptimer_policy_cidrs_match(rule->local, rule->local_count, key->family, key->local);
}

/* Which word of an address the index looks at. */
TCPTIMER_POLICY_INLINE __u32 tcptimer_policy_index_word(__u32 v6, const __u32 addr[4])
{
	return v6 ? addr[1] : addr[3];
}

/* Takes those rules out of `mask` that can't match; the cgroup's candidates are what it holds before. */
TCPTIMER_POLICY_INLINE void tcptimer_policy_narrow(const struct tcptimer_policy_index *index,
						   const struct tcptimer_policy_key *key,
						   __u64 mask[TCPTIMER_POLICY_WORDS])
{
	__u32 v6 = key->family == 6, kind = (key->direction == POLICY_ACCEPT) << 1 | v6;
	__u32 word = tcptimer_policy_index_word(v6, key->remote);

	for (__u32 i = 0; i < TCPTIMER_POLICY_WORDS; i++)
		mask[i] &= index->kind[kind][i] & index->remote_port[key->remote_port & 0xff][i] &
			   index->local_port[key->local_port & 0xff][i] &
			   index->remote[v6][0][word & 0xff][i] &
			   index->remote[v6][1][word >> 8 & 0xff][i] &
			   index->remote[v6][2][word >> 16 & 0xff][i] &
			   index->remote[v6][3][word >> 24][i];
}

/*
 * What an enforce rule leaves when the application asked for `asked`: that, where it is stricter,
 * else the rule's. Both in the kernel's units. Times and numbers: the smaller is stricter, and 0 is
 * "none" or "the kernel's", so never asked for. Switches: on is stricter. max_retries and syn_rto
 * are no options that an application could set.
 */
TCPTIMER_POLICY_INLINE __s32 tcptimer_policy_stricter(__u32 setting, __s32 asked, __s32 policy)
{
	switch (setting) {
	case POLICY_THIN_LINEAR:
	case POLICY_KEEPALIVE_ENABLE:
		return policy || asked ? 1 : 0;
	case POLICY_MAX_RETRIES:
	case POLICY_SYN_RTO:
		return policy;
	default:
		return asked > 0 && asked < policy ? asked : policy;
	}
}

#endif

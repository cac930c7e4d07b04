/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What policy holds of a socket, for snapshots.
 * Receives a trusted socket; hands tcptimer_snapshot.policy from what the policy programs keep.
 */
#ifndef TCPTIMER_BPF_POLICY_OF_H
#define TCPTIMER_BPF_POLICY_OF_H

#include "compat.h"
#include "policy_slots.h"
#include "tcptimer/snapshot.h"

static __always_inline __u32 policy_word(const struct tcptimer_policy_sock *st, void *sk)
{
	__u64 address = KCAST(inet_connection_sock, sk);
	__u32 policy;

	if (!st->rule)
		return 0;
	/* Banks take turns: enforce_apply(). */
	policy = (st->generation & 1) * TCPTIMER_POLICY_RULES + st->rule;
	if (st->changed & POLICY_BIT(POLICY_USER_TIMEOUT))
		policy |= TCPTIMER_POLICY_USER_TIMEOUT;
	/* A user_timeout of the rule that comes sooner is left as it is. */
	if (st->armed == POLICY_LAST && KREAD(KPTR(inet_connection_sock, address),
					      icsk_user_timeout) != st->base_user_timeout_ms)
		policy |= TCPTIMER_POLICY_LAST_RETRY;
	if (st->changed & POLICY_BIT(POLICY_SYN_RETRIES))
		policy |= TCPTIMER_POLICY_SYN_RETRIES;
	if (st->changed & POLICY_KEEPALIVE_BITS)
		policy |= TCPTIMER_POLICY_KEEPALIVE;
	return policy;
}

static __always_inline __u32 policy_of(void *sk)
{
	const struct tcptimer_policy_sock *st = policy_slot_find(sk);

	if (!st)
		st = bpf_sk_storage_get(&policy_sockets, sk, NULL, 0);
	return st ? policy_word(st, sk) : 0;
}

#endif

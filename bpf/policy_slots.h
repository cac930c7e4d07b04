/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table that keeps what policy knows of most sockets: a storage is two allocations and, at the end,
 * two frees that wait for RCU, together more than all else that policy costs a connection.
 * Receives sockets that the verifier knows the type of; hands the place that is theirs.
 */
#ifndef TCPTIMER_BPF_POLICY_SLOTS_H
#define TCPTIMER_BPF_POLICY_SLOTS_H

#include "compat.h"
#include "policy_maps.h"

/* Its address as a number, which the verifier lets one compute with: read from the stack. */
static __always_inline __u64 policy_address(const void *sk)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

/* Addresses of sockets differ by multiples of 64. */
static __always_inline struct tcptimer_policy_slot *policy_slot_at(__u64 address)
{
	__u32 at = (__u32)(address >> 6) * 0x9e3779b1u >> (32 - TCPTIMER_POLICY_SLOT_BITS);

	return bpf_map_lookup_elem(&policy_slots, &at);
}

/* NULL: it has none, and perhaps a storage. */
static __always_inline struct tcptimer_policy_sock *policy_slot_of(__u64 address, __u64 cookie)
{
	struct tcptimer_policy_slot *slot = policy_slot_at(address);

	return slot && slot->cookie == cookie ? &slot->st : NULL;
}

static __always_inline struct tcptimer_policy_sock *policy_slot_find(const void *sk)
{
	__u64 cookie = ((const struct sock_common *)sk)->skc_cookie.counter;

	return cookie ? policy_slot_of(policy_address(sk), cookie) : NULL;
}

/* Memory of sockets stays that of sockets: another cookie, or no reference, and this one is gone. */
static __always_inline bool policy_slot_lives(__u64 sk, __u64 cookie)
{
	struct sock_common *skc = KPTR(sock_common, sk);

	return (__u64)BPF_CORE_READ(skc, skc_cookie.counter) == cookie &&
	       BPF_CORE_READ(skc, skc_refcnt.refs.counter);
}

/* For a socket that has none; NULL: another that lives has the place. */
static __always_inline struct tcptimer_policy_sock *policy_slot_take(const void *sk, __u64 cookie)
{
	__u64 address = policy_address(sk), old_sk, old_cookie;
	struct tcptimer_policy_slot *slot = policy_slot_at(address);
	bool taken = false;

	if (!slot || !cookie)
		return NULL;
	old_sk = slot->sk;
	old_cookie = slot->cookie;
	if (old_cookie && old_sk != address && policy_slot_lives(old_sk, old_cookie))
		return NULL;
	bpf_spin_lock(&slot->lock);
	if (slot->sk == old_sk && slot->cookie == old_cookie) {
		slot->sk = address;
		slot->cookie = cookie;
		taken = true;
	}
	bpf_spin_unlock(&slot->lock);
	if (!taken)
		return NULL;
	__builtin_memset(&slot->st, 0, sizeof(slot->st));
	return &slot->st;
}

#endif

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

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What policy holds of a socket that the verifier does not know: policy_of() wants one that it does.
 * Receives the copy of a socket; hands tcptimer_snapshot.policy, from the table of places or the list of
 * what programs keep with the socket.
 */
#ifndef TCPTIMER_BPF_WALK_POLICY_H
#define TCPTIMER_BPF_WALK_POLICY_H

#include "compat.h"
#include "policy_of.h"

#define WALK_STORAGES 64 /* programs that keep something with one socket */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node___walk {
	struct hlist_node___walk *next;
};

struct hlist_head {
	struct hlist_node___walk *first;
};

struct bpf_local_storage {
	struct hlist_head list;
};

struct bpf_local_storage_map;

struct bpf_local_storage_data {
	struct bpf_local_storage_map *smap;
	__u8 data[0];
};

struct bpf_local_storage_elem {
	struct hlist_node___walk snode;
	struct bpf_local_storage_data sdata;
};

struct sock___walk {
	struct bpf_local_storage *sk_bpf_storage;
};

#pragma clang attribute pop

struct walk_storage {
	struct hlist_node___walk *node;
	__u64 data; /* of policy_sockets; 0: not found yet */
};

/* One program's storage. Returns nonzero to end the search. */
static long walk_storage(__u32 index, void *data)
{
	struct walk_storage *at = data;
	struct bpf_local_storage_elem *elem;

	if (!at->node)
		return 1;
	elem = (void *)((unsigned long)at->node -
			bpf_core_field_offset(struct bpf_local_storage_elem, snode));
	at->node = BPF_CORE_READ(elem, snode.next);
	if ((void *)BPF_CORE_READ(elem, sdata.smap) != (void *)&policy_sockets)
		return 0;
	at->data = (__u64)elem + bpf_core_field_offset(struct bpf_local_storage_elem, sdata.data);
	return 1;
}

/* `copy` of the socket at `sk`; `st` is room for a copy of what policy keeps. */
static __always_inline __u32 walk_policy(__u64 copy, __u64 sk, struct tcptimer_policy_sock *st)
{
	struct bpf_local_storage *storage = KREAD(KPTR(sock___walk, copy), sk_bpf_storage);
	__u64 cookie = KREAD(KPTR(sock_common, copy), skc_cookie.counter);
	const struct tcptimer_policy_sock *slot = cookie ? policy_slot_of(sk, cookie) : NULL;
	struct walk_storage at = {};

	if (slot)
		return policy_word(slot, (void *)copy);
	if (!storage)
		return 0;
	at.node = BPF_CORE_READ(storage, list.first);
	bpf_loop(WALK_STORAGES, walk_storage, &at, 0);
	if (!at.data || bpf_probe_read_kernel(st, sizeof(*st), (void *)at.data))
		return 0;
	return policy_word(st, (void *)copy);
}

#endif

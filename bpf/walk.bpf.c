// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stalled sockets out of the table of connections, without locks: the healthy ones are passed by.
 * Receives a table's address from user/kernel/walk.c, which runs these programs; hands it records.
 *
 * As __inet_lookup_established() does it: under RCU, and a chain whose end is not that of the bucket it
 * was begun in is walked anew, since a socket that moves takes its reader along. A socket's memory stays
 * a socket's for as long, but maybe another one's; and nobody is kept from changing it. So what decides
 * is read again when a record is full.
 */
#define KREAD_COPY
#include "fill.h"
#include "walk.h"
#include "walk_policy.h"

const volatile __u32 cfg_hz = 250;
const volatile __u32 cfg_states = ~0U; /* mask of 1 << state to write */
const volatile __u16 cfg_family = 0;   /* AF_INET or AF_INET6; 0: both */

#define WALK_LOOPS                                                                                 \
	(1 << 20)      /* sockets and buckets of a run at the very most: longer than any chain */
#define WALK_AGAIN 16  /* times that a bucket is begun anew in one run */
#define WALK_FILLS 4   /* times that a record is filled, for one that stands still */
#define WALK_COPY 4096 /* bytes: more than a struct tcp_sock has */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_nulls_node {
	struct hlist_nulls_node *next;
};

struct inet_ehash_bucket;

struct inet_hashinfo {
	struct inet_ehash_bucket *ehash;
	unsigned int ehash_mask;
	bool pernet; /* 6.1: of one namespace */
};

struct inet_timewait_death_row {
	struct inet_hashinfo *hashinfo;
};

struct netns_ipv4___walk {
	struct inet_timewait_death_row tcp_death_row;
};

struct net___walk {
	struct netns_ipv4___walk ipv4;
};

struct nsproxy {
	struct net___walk *net_ns;
};

struct task_struct___walk {
	struct nsproxy *nsproxy;
};

struct sock_common___walk {
	struct hlist_nulls_node skc_nulls_node;
};

#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct walk_state);
} walk_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WALK_ROOM);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct walk_record);
} walk_records SEC(".maps");

/* What records of one run share, and what is too large for the stack. */
struct walk_scratch {
	__u64 net_of; /* the struct net that `net` was read from; 0: none */
	struct fill_net net;
	struct tcptimer_policy_sock policy;
	__u8 sk[WALK_COPY]; /* of the socket, so that its fields are loaded, not probed */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk_scratch);
} walk_scratch SEC(".maps");

/* ---- a socket that may be stalled ---- */

/* Still the same socket, and what a segment or a timer changes is as it was copied. */
static __always_inline bool walk_settled(const struct tcptimer_snapshot *s)
{
	__u64 sk = s->sk;
	struct sock_common *skc = KPTR(sock_common, sk);
	struct tcp_sock *tp = KPTR(tcp_sock, sk);

	if ((__u64)BPF_CORE_READ(skc, skc_cookie.counter) != s->cookie ||
	    BPF_CORE_READ(skc, skc_state) != s->state ||
	    BPF_CORE_READ(skc, skc_num) != s->local_port ||
	    bpf_ntohs(BPF_CORE_READ(skc, skc_dport)) != s->remote_port)
		return false;
	if (s->kind == TCPTIMER_SOCK_REQUEST)
		return BPF_CORE_READ(KPTR(request_sock, sk), rsk_timer.expires) == s->mini_expires;
	return BPF_CORE_READ(tp, inet_conn.icsk_retransmits) == s->retransmits &&
	       BPF_CORE_READ(tp, inet_conn.icsk_probes_out) == s->probes_out &&
	       BPF_CORE_READ(tp, packets_out) == s->packets_out &&
	       BPF_CORE_READ(tp, snd_una) == s->snd_una &&
	       BPF_CORE_READ(tp, write_seq) == s->write_seq &&
	       BPF_CORE_READ(KPTR(timer_list, sk + compat_write_timer_offset()), expires) ==
		       s->write_expires;
}

static __always_inline void walk_net(struct walk_scratch *scratch, struct sock_common *skc)
{
	__u64 net = (__u64)KREAD(skc, skc_net.net);

	if (scratch->net_of == net)
		return;
	fill_net(skc, &scratch->net.sysctls, &scratch->net.cookie, &scratch->net.inum);
	scratch->net_of = net;
}

/* The record from the copy, which is all that fill.h is handed. */
static __always_inline void walk_fill_copy(struct tcptimer_snapshot *s,
					   struct walk_scratch *scratch, __u64 sk, bool request)
{
	__builtin_memset(s, 0, sizeof(*s));
	walk_net(scratch, KPTR(sock_common, scratch->sk));
	if (request) {
		fill_request(s, (__u64)scratch->sk, &scratch->net);
	} else {
		fill_full(s, (__u64)scratch->sk, &scratch->net);
		s->policy = walk_policy((__u64)scratch->sk, sk, &scratch->policy);
	}
	s->sk = sk;
}

/*
 * A function of its own for the verifier, which then looks at it once. Returns 1 with a record, 0 when
 * the socket is not stalled, -1 when it changed meanwhile.
 */
int walk_fill(__u64 sk, __u32 index, bool request)
{
	__u32 size = request ? bpf_core_type_size(struct tcp_request_sock) :
			       bpf_core_type_size(struct tcp_sock);
	struct walk_record *record = bpf_map_lookup_elem(&walk_records, &index);
	struct walk_scratch *scratch;
	struct tcptimer_snapshot *s;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&walk_scratch, &zero);
	if (!record || !scratch)
		return 0;
	s = &record->snapshot;
	if (size > WALK_COPY || bpf_probe_read_kernel(scratch->sk, size, (void *)sk))
		return -1;
	/* Not of a connection any more, or not yet. */
	if (!KREAD(KPTR(sock_common, scratch->sk), skc_refcnt.refs.counter) ||
	    (KREAD(KPTR(sock_common, scratch->sk), skc_state) == TCPTIMER_STATE_NEW_SYN_RECV) !=
		    request)
		return -1;
	walk_fill_copy(s, scratch, sk, request);
	if (!walk_settled(s))
		return -1;
	return tcptimer_stall_timer(s) != TCPTIMER_TIMER_NONE;
}

/*
 * bpf_rdonly_cast() (6.2), after which fields are loaded, not probed. Its number and that of the type are
 * the running kernel's: user/kernel/walk.c puts them in place of these, where libbpf would read all of the
 * kernel's types.
 */
static __always_inline struct tcp_sock *walk_cast(__u64 sk)
{
	struct tcp_sock *tp;

	asm volatile("r1 = %[sk]\n\t"
		     "r2 = %[type]\n\t"
		     "call %[call]\n\t"
		     "%[tp] = r0"
		     : [tp] "=r"(tp)
		     : [sk] "r"(sk), [type] "i"(WALK_CAST_TYPE), [call] "i"(WALK_CAST_CALL)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
	return tp;
}

/*
 * What tcptimer_stall_timer() cannot do without, of a full socket: most sockets are not stalled, and the
 * walk takes as long as these bytes take to come. Against a window that shrank to zero icsk_retransmits
 * stays 0, and the state TCP_CA_Loss, their neighbour, tells.
 */
static __always_inline bool walk_may_be_stalled(const struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_retransmits || tp->inet_conn.icsk_probes_out ||
	       tp->inet_conn.icsk_probes_tstamp ||
	       BPF_CORE_READ_BITFIELD(tp, inet_conn.icsk_ca_state) == TCPTIMER_CA_LOSS;
}

static __always_inline bool walk_skips(__u16 family, __u32 state)
{
	if (state == TCPTIMER_STATE_NEW_SYN_RECV)
		state = TCPTIMER_STATE_SYN_RECV;
	return (family != AF_INET && family != AF_INET6) || (cfg_family && family != cfg_family) ||
	       !(cfg_states & (1U << (state & 31)));
}

static __always_inline bool walk_wants(__u64 sk, const struct tcp_sock *tp, __u16 family,
				       __u32 state)
{
	switch (state) {
	case TCPTIMER_STATE_TIME_WAIT:
		return false;
	case TCPTIMER_STATE_NEW_SYN_RECV:
		return !walk_skips(family, state) &&
		       BPF_CORE_READ(KPTR(request_sock, sk), num_retrans);
	case TCPTIMER_STATE_SYN_RECV:
	case TCPTIMER_STATE_FIN_WAIT1:
		return !walk_skips(family, state);
	}
	return walk_may_be_stalled(tp) && !walk_skips(family, state);
}

/* ---- the walk ---- */

/* The bucket from its head on; what was found in it is forgotten. Returns nonzero to end the run. */
static __always_inline long walk_anew(struct walk_state *w)
{
	w->count = w->first;
	w->after = w->from;
	if (++w->again > WALK_AGAIN ||
	    bpf_probe_read_kernel(&w->node, sizeof(w->node),
				  (void *)(w->table + 8ULL * w->bucket))) {
		w->end = WALK_RETRY;
		return 1;
	}
	return 0;
}

/* A small table may have fewer than a block. */
static __always_inline void walk_heads(struct walk_state *w)
{
	__u64 begin = w->bucket & ~(WALK_BLOCK - 1ULL);
	__u64 left = w->mask + 1 - begin;
	void *from = (void *)(w->table + 8 * begin);

	if (left >= WALK_BLOCK)
		bpf_probe_read_kernel(w->heads, sizeof(w->heads), from);
	else
		bpf_probe_read_kernel(w->heads, 8 * (left & (WALK_BLOCK - 1)), from);
}

/* At the end of a chain, which names its bucket. */
static __always_inline long walk_bucket(struct walk_state *w, __u32 step)
{
	if (w->node >> 1 != w->bucket)
		return walk_anew(w);
	if (w->after) {
		w->end = WALK_LOST;
		return 1;
	}
	w->bucket++;
	w->first = w->count;
	w->again = 0;
	w->from = 0;
	if (w->bucket > w->mask || step >= w->steps)
		return 1;
	if (!(w->bucket % WALK_BLOCK))
		walk_heads(w);
	w->node = w->heads[w->bucket % WALK_BLOCK];
	return 0;
}

/* One that may be stalled. Returns nonzero to end the run. */
static __always_inline long walk_candidate(struct walk_state *w, __u64 sk, bool request)
{
	struct walk_record *record;
	__u32 index = w->count;
	int i, kept = -1;

	record = bpf_map_lookup_elem(&walk_records, &index);
	if (!record) { /* no room: a whole bucket or none, if there is any before it */
		if (w->first)
			w->count = w->first;
		else
			w->end = WALK_FULL;
		return 1;
	}
	for (i = 0; kept < 0 && i < WALK_FILLS; i++)
		kept = walk_fill(sk, index, request);
	if (kept > 0) {
		record->bucket = w->bucket;
		w->count++;
	}
	return 0;
}

/* A node of the chain is through, or wanted. */
static __always_inline long walk_node(struct walk_state *w, __u64 sk, bool wanted, bool request)
{
	if (w->after) {
		if (w->after == sk)
			w->after = 0;
		return 0;
	}
	return wanted ? walk_candidate(w, sk, request) : 0;
}

static long walk_step(__u32 step, void *data)
{
	struct walk_state *w = *(struct walk_state **)data;
	__u64 node = w->node, sk;
	struct sock_common___walk *skc;
	const struct tcp_sock *tp;
	__u32 state;

	if (node & 1)
		return walk_bucket(w, step);
	if (!node) /* of no chain: it could not be read */
		return walk_anew(w);
	sk = node - bpf_core_field_offset(struct sock_common___walk, skc_nulls_node);
	tp = walk_cast(sk);
	skc = (void *)tp;
	state = tp->inet_conn.icsk_inet.sk.__sk_common.skc_state;
	if (walk_node(w, sk,
		      walk_wants(sk, tp, tp->inet_conn.icsk_inet.sk.__sk_common.skc_family, state),
		      state == TCPTIMER_STATE_NEW_SYN_RECV))
		return 1;
	w->node = (__u64)skc->skc_nulls_node.next;
	return 0;
}

SEC("walk/table")
int walk_table(void *ctx)
{
	struct walk_scratch *scratch;
	struct walk_state *w;
	__u32 zero = 0;

	w = bpf_map_lookup_elem(&walk_state, &zero);
	scratch = bpf_map_lookup_elem(&walk_scratch, &zero);
	if (!w || !scratch || w->bucket > w->mask)
		return 0;
	scratch->net_of = 0; /* its sysctls may have changed since */
	w->count = w->first = w->again = w->end = 0;
	w->from = w->after;
	walk_heads(w);
	w->node = w->heads[w->bucket % WALK_BLOCK];
	bpf_loop(WALK_LOOPS, walk_step, &w, 0);
	return 0;
}

/* The table of the network namespace that the caller is in. */
SEC("walk/look")
int walk_look(void *ctx)
{
	struct task_struct___walk *task = (void *)bpf_get_current_task();
	struct inet_hashinfo *table;
	struct walk_state *w;
	__u32 zero = 0;

	w = bpf_map_lookup_elem(&walk_state, &zero);
	if (!w)
		return 0;
	table = BPF_CORE_READ(task, nsproxy, net_ns, ipv4.tcp_death_row.hashinfo);
	w->table = (__u64)BPF_CORE_READ(table, ehash);
	w->mask = BPF_CORE_READ(table, ehash_mask);
	w->own = BPF_CORE_READ(table, pernet);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

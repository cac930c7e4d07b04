/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting in place of telling: what the trace programs would tell is added up by group, per CPU.
 * Receives the records of trace.bpf.c before they go anywhere; hands sums to user/kernel/counts.c.
 *
 * Included by trace.bpf.c only: there is one definition of a stall, a recovery and an end. Without
 * cfg_count all of this is dead code, and the maps are not made.
 */
#ifndef TCPTIMER_BPF_SUMMARY_H
#define TCPTIMER_BPF_SUMMARY_H

#include "tcptimer/judge.h"
#include "tcptimer/summary_map.h"

const volatile __u32 cfg_count = 0; /* TCPTIMER_BY_*; 0: events are told, not counted */

volatile __u32 summary_bank = 0; /* the bank that is written to */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, TCPTIMER_SUMMARY_GROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tcptimer_summary_key);
	__type(value, struct tcptimer_summary_counts);
} summary_counts SEC(".maps");

/* A group's first counts, all 0, and too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tcptimer_summary_counts);
} summary_zero SEC(".maps");

/* With TCPTIMER_BY_RULE: tcptimer_snapshot.policy by socket; timers can't ask a socket's storage. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} summary_policies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} summary_lost SEC(".maps");

static __always_inline void summary_lose(void)
{
	__u32 zero = 0;
	__u64 *lost = bpf_map_lookup_elem(&summary_lost, &zero);

	if (lost)
		*lost += 1;
}

/* Where the kernel hands the socket itself: what policy holds of it is kept for its timers. */
static __always_inline void summary_policy_keep(void *trusted)
{
	__u64 sk = (__u64)trusted;
	__u32 policy;

	if (!(cfg_count & TCPTIMER_BY_RULE))
		return;
	policy = policy_of(trusted);
	if (policy && bpf_map_update_elem(&summary_policies, &sk, &policy, BPF_ANY))
		summary_lose();
}

static __always_inline void summary_policy_forget(__u64 sk)
{
	if (cfg_count & TCPTIMER_BY_RULE)
		bpf_map_delete_elem(&summary_policies, &sk);
}

static __always_inline __u32 summary_policy(const struct tcptimer_snapshot *s)
{
	__u64 sk = s->sk;
	__u32 *kept;

	if (s->policy)
		return s->policy;
	kept = bpf_map_lookup_elem(&summary_policies, &sk);
	return kept ? *kept : 0;
}

static __always_inline void summary_key(struct tcptimer_summary_key *key,
					const struct tcptimer_snapshot *s)
{
	__u32 by = cfg_count;

	if (by & TCPTIMER_BY_SOCKET)
		by |= TCPTIMER_BY_CGROUP | TCPTIMER_BY_NETNS | TCPTIMER_BY_REMOTE;

	__builtin_memset(key, 0, sizeof(*key));
	key->bank = summary_bank & 1;
	if (by & TCPTIMER_BY_CGROUP)
		key->cgroup_id = s->cgroup_id;
	if (by & TCPTIMER_BY_NETNS)
		key->netns = s->netns;
	if (by & TCPTIMER_BY_RULE)
		key->policy = summary_policy(s) & TCPTIMER_POLICY_RULE;
	if (by & TCPTIMER_BY_REMOTE) {
		key->family = s->family;
		__builtin_memcpy(key->remote_addr, s->remote_addr, TCPTIMER_ADDR_LEN);
	}
	if (by & TCPTIMER_BY_SOCKET) {
		key->sk = s->sk;
		__builtin_memcpy(key->local_addr, s->local_addr, TCPTIMER_ADDR_LEN);
		key->local_port = s->local_port;
		key->remote_port = s->remote_port;
	}
}

static __always_inline struct tcptimer_summary_counts *
summary_group(const struct tcptimer_snapshot *s)
{
	struct tcptimer_summary_counts *counts, *zeroes;
	struct tcptimer_summary_key key;
	__u32 zero = 0;

	summary_key(&key, s);
	counts = bpf_map_lookup_elem(&summary_counts, &key);
	if (!counts) {
		zeroes = bpf_map_lookup_elem(&summary_zero, &zero);
		if (zeroes)
			bpf_map_update_elem(&summary_counts, &key, zeroes, BPF_NOEXIST);
		counts = bpf_map_lookup_elem(&summary_counts, &key);
	}
	if (!counts)
		summary_lose();
	else if (cfg_count & TCPTIMER_BY_SOCKET)
		counts->cookie = s->cookie;
	return counts;
}

static __always_inline void summary_recovered(struct tcptimer_summary_counts *counts,
					      const struct tcptimer_event *ev)
{
	__u64 ms = (ev->stall_end_ns - ev->stall_since_ns) / 1000000;
	__u32 bucket = tcptimer_bucket(ms);

	counts->recovered++;
	counts->recovered_ms += ms;
	if (ms > counts->recovered_max_ms)
		counts->recovered_max_ms = ms;
	barrier_var(bucket); /* the bound is checked in the register that is used */
	if (bucket < TCPTIMER_BUCKET_COUNT)
		counts->recovered_hist[bucket]++;
}

/* The retransmission timer ran out: as against probes, and against retransmissions without a timer. */
static __always_inline bool summary_is_timeout(const struct tcptimer_event *ev, __u32 action)
{
	switch (ev->timer) {
	case TCPTIMER_TIMER_RETRANS:
	case TCPTIMER_TIMER_SYN:
	case TCPTIMER_TIMER_SYNACK:
		break;
	default:
		return false;
	}
	return (ev->what & JUDGE_IN_HANDLER) &&
	       (action == TCPTIMER_ACTION_RETRANSMITTED ||
		action == TCPTIMER_ACTION_RETRANSMIT_FAILED || action == TCPTIMER_ACTION_ABORTED ||
		action == TCPTIMER_ACTION_ENDED);
}

/* A listener that closes is no connection; a mini-socket's was counted when it took over. */
static __always_inline bool summary_is_connection(const struct tcptimer_event *ev)
{
	return ev->old_state != TCPTIMER_STATE_LISTEN &&
	       ev->before.state != TCPTIMER_STATE_LISTEN &&
	       ev->after.kind != TCPTIMER_SOCK_TIMEWAIT;
}

/*
 * A verdict as action | cause << 8. Global functions, this and the next: verified once and by themselves,
 * not along each way that leads to them.
 */
__noinline int summary_judge(const struct tcptimer_event *ev)
{
	struct tcptimer_verdict verdict;

	if (!ev || !cfg_count)
		return 0;
	tcptimer_judge(ev, cfg_hz, -1, &verdict);
	return (verdict.action & 0xff) | (verdict.cause & 0xff) << 8;
}

/* What `trace` would tell, counted. Its words and this one's are judged by the same code. */
__noinline int summary_count(const struct tcptimer_event *ev)
{
	struct tcptimer_summary_counts *counts;
	__u32 verdict, action;

	if (!ev || !cfg_count)
		return 0;
	counts = summary_group(&ev->after);
	if (!counts)
		return 0;
	counts->fired |= 1ULL << (ev->timer & 63);
	if (ev->kind == TCPTIMER_EVENT_STALL) {
		counts->stalls++;
		return 0;
	}
	if (ev->kind == TCPTIMER_EVENT_RECOVERED) {
		summary_recovered(counts, ev);
		return 0;
	}
	verdict = (__u32)summary_judge(ev);
	action = verdict & 0xff;
	if (action == TCPTIMER_ACTION_RETRANSMITTED)
		counts->retransmitted++;
	else if (action == TCPTIMER_ACTION_RETRANSMIT_FAILED)
		counts->retransmit_failed++;
	else if (action == TCPTIMER_ACTION_PROBED)
		counts->probes++;
	if (summary_is_timeout(ev, action))
		counts->timeouts++;
	if (judge_is_end(ev) && summary_is_connection(ev)) {
		__u32 cause = verdict >> 8 & 0xff;

		barrier_var(cause); /* the bound is checked in the register that is used */
		if (cause < TCPTIMER_CAUSE_COUNT)
			counts->ended[cause]++;
	}
	return 0;
}

/* A retransmission of a connection that does not stall: fast, or for an ACK that tells of a loss. */
static __always_inline void summary_retransmit(struct tcptimer_snapshot *s, __u64 sk, int err)
{
	struct tcptimer_summary_counts *counts;

	__builtin_memset(s, 0, sizeof(*s));
	fill_common(s, sk);
	fill_net(KPTR(sock_common, sk), NULL, &s->netns_cookie, &s->netns);
	fill_cgroup(true, s, sk);
	counts = summary_group(s);
	if (!counts)
		return;
	if (err)
		counts->retransmit_failed++;
	else
		counts->retransmitted++;
}

/* An orderly end; FIN_WAIT2 and TIME_WAIT live on as mini-sockets, which are not counted again. */
static __always_inline void summary_closed(const struct tcptimer_snapshot *s)
{
	struct tcptimer_summary_counts *counts = summary_group(s);

	if (counts)
		counts->ended[TCPTIMER_CAUSE_CLOSED]++;
}

/*
 * tcp_close() and tcp_disconnect() send their RST just after the state became CLOSE, which was counted
 * as orderly: take that back.
 */
static __always_inline void summary_reset_sent(struct tcptimer_snapshot *s, __u64 sk)
{
	struct tcptimer_summary_counts *counts;

	__builtin_memset(s, 0, sizeof(*s));
	fill_common(s, sk);
	if (s->state != TCPTIMER_STATE_CLOSE)
		return;
	fill_net(KPTR(sock_common, sk), NULL, &s->netns_cookie, &s->netns);
	fill_cgroup(true, s, sk);
	if (!s->local_port)
		s->local_port = bpf_ntohs(BPF_CORE_READ(KPTR(inet_sock, sk), inet_sport));
	counts = summary_group(s);
	if (!counts)
		return;
	counts->ended[TCPTIMER_CAUSE_LOCAL_RESET]++;
	counts->ended[TCPTIMER_CAUSE_CLOSED]--;
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policy for sockets that are there already: on start, at every change, and when policy is taken away.
 * Receives every TCP socket of the reader's namespace from iter/tcp; sets options, counts in iter_pass.
 */
#include "policy_apply.h"
#include "policy_slots.h"
#include "cgroup_event.h"
#include <bpf/bpf_tracing.h>

/* Beside the stamp: what a pass did, read by user space. One reader at a time. */
struct {
	__u64 seen, matched, changed, refused, netns, unreached;
	__u64 session;
} iter_pass = {};
/* A socket older than the programs got no callbacks: this kernel has no such flag (before 6.12). */
bool iter_flagless = false;
/* Take every rule away. */
bool iter_clear = false;

/* Ports that a namespace listens on: listeners come first in an iteration. */
struct iter_listener {
	__u64 netns_cookie;
	__u32 port;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct iter_listener);
	__type(value, __u64); /* the iteration that saw it */
} iter_listeners SEC(".maps");

static __always_inline void iter_key(struct iter_listener *key, __u64 sk)
{
	struct net *net = BPF_CORE_READ(KPTR(sock_common, sk), skc_net.net);

	key->netns_cookie = BPF_CORE_READ(net, net_cookie);
	key->port = BPF_CORE_READ(KPTR(sock_common, sk), skc_num);
	key->pad = 0;
}

/* The kernel does not keep who called connect(): a port that is listened on took the connection. */
static __always_inline __u32 iter_direction(__u64 sk, __u64 session, __u8 state)
{
	struct iter_listener key;
	__u64 *seen;

	if (state == TCPTIMER_STATE_SYN_SENT)
		return POLICY_CONNECT;
	iter_key(&key, sk);
	seen = bpf_map_lookup_elem(&iter_listeners, &key);
	return seen && *seen == session ? POLICY_ACCEPT : POLICY_CONNECT;
}

/* Callbacks for a socket older than the programs (6.12); where it lacks, max_retries can't reach it. */
static __always_inline bool iter_flags(void *tp, int wanted)
{
	int flags = 0;

	if (bpf_getsockopt(tp, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags)))
		return false;
	if ((flags & wanted) == wanted)
		return true;
	flags |= wanted;
	return !bpf_setsockopt(tp, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags));
}

/*
 * What TCP_USER_TIMEOUT ends a stall when its armed timer fires. The clock itself: tcp_mstamp stands
 * still between a socket's events. A jiffy less, since the one that runs now is over sooner; the timer
 * is armed already, so that less does not end it earlier.
 */
static __always_inline __u32 iter_until_timer_ms(__u64 sk, __u32 stamp)
{
	struct timer_list *timer = KPTR(timer_list, sk + compat_write_timer_offset());
	__u64 expires = compat_write_timeout(sk, BPF_CORE_READ(timer, expires));
	__u64 now = bpf_jiffies64() + 1;
	__u32 left = expires > now ? (__u32)((expires - now) * 1000 / cfg_hz) : 0;
	__u32 elapsed;

	if (compat_usec_ts(sk))
		elapsed = ((__u32)(bpf_ktime_get_ns() / 1000) - stamp) / 1000;
	else
		elapsed = (__u32)(bpf_ktime_get_ns() / 1000000) - stamp;
	return elapsed + left ? elapsed + left : 1;
}

/*
 * A stall that is under way when the policy comes, or changes: with all its retransmissions done, it
 * ends when the next would be due, which is when the timer that is armed fires.
 */
static __always_inline void iter_stall(void *tp, __u64 sk, struct tcptimer_policy_sock *st)
{
	struct inet_connection_sock *icsk = KPTR(inet_connection_sock, sk);
	bool dead = BPF_CORE_READ(KPTR(sock, sk), __sk_common.skc_flags) & (1UL << SOCK_DEAD);
	__u32 stamp = BPF_CORE_READ(KPTR(tcp_sock, sk), retrans_stamp);
	__u32 base = st->base_user_timeout_ms, last;

	if (BPF_CORE_READ(icsk, icsk_retransmits) < st->max_retries) {
		if (base || dead) {
			policy_disarm(tp, st);
		} else if (st->armed != POLICY_KEPT) {
			policy_user_timeout(tp, st, policy_never_ms(sk), POLICY_KEPT);
		}
		return;
	}
	if (st->armed == POLICY_LAST || BPF_CORE_READ(icsk, icsk_pending) != 1 /* RETRANS */ ||
	    !stamp)
		return;
	last = iter_until_timer_ms(sk, stamp);
	policy_user_timeout(tp, st, base && base < last ? base : last, POLICY_LAST);
}

static __always_inline void iter_max_retries(void *tp, __u64 sk, struct tcptimer_policy_sock *st,
					     __u8 state, struct tcptimer_policy_counters *count)
{
	bool stalled = !policy_syn_state(state) &&
		       BPF_CORE_READ(KPTR(inet_connection_sock, sk), icsk_retransmits);
	bool reached;

	if (!st->max_retries || !stalled)
		policy_disarm(tp, st);
	if (!st->rule)
		return;
	reached = iter_flags(tp, st->max_retries && stalled ? POLICY_FLAGS_ARMED : POLICY_FLAGS);
	if (!reached)
		iter_flagless = true;
	if (!st->max_retries)
		return;
	if (!reached) {
		iter_pass.unreached++;
		if (count)
			count->unreached++;
	} else if (stalled) {
		iter_stall(tp, sk, st);
	}
}

static __always_inline void iter_address(__u32 words[4], __u64 sk, bool remote)
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

static __always_inline int iter_find(__u64 sk, __u32 direction, __u32 active)
{
	const __u64 *mask = policy_candidates(sk, active);
	struct sock_common *skc = KPTR(sock_common, sk);
	struct tcptimer_policy_key key = { .direction = direction };

	if (!policy_any(mask))
		return POLICY_NO_RULE;
	iter_address(key.remote, sk, true);
	iter_address(key.local, sk, false);
	key.remote_port = bpf_ntohs(BPF_CORE_READ(skc, skc_dport));
	key.local_port = BPF_CORE_READ(skc, skc_num);
	policy_key_family(&key);
	return policy_find(&key, mask, active);
}

/*
 * What is known of the socket, while the pass looks at it: a copy, since it comes from one of two maps
 * and the verifier would follow each through all that is done with it. The socket is locked meanwhile.
 */
static struct tcptimer_policy_sock iter_known;

static __always_inline struct tcptimer_policy_sock *iter_place(struct tcp_sock *tp, __u64 flags)
{
	struct tcptimer_policy_sock *st = policy_slot_find(tp);

	return st ? st : bpf_sk_storage_get(&policy_sockets, tp, NULL, flags);
}

static __always_inline bool iter_load(struct tcp_sock *tp)
{
	struct tcptimer_policy_sock *st = iter_place(tp, 0);

	if (st)
		iter_known = *st;
	else
		__builtin_memset(&iter_known, 0, sizeof(iter_known));
	return st;
}

static __always_inline void iter_store(struct tcp_sock *tp)
{
	struct tcptimer_policy_sock *st = iter_place(tp, 0);

	if (st)
		*st = iter_known;
}

static __always_inline void iter_rule(struct tcp_sock *tp, __u64 sk, __u8 state, int index,
				      __u32 direction, __u32 active)
{
	struct tcptimer_policy_counters *count = NULL;
	struct tcptimer_policy_sock *st = &iter_known;
	struct tcptimer_policy_rule *rule = NULL;
	bool fresh;

	if (index >= 0) {
		rule = policy_rule_at(active, index);
		count = policy_count(active, index);
	}
	/* The same rule of the policy before: taken over, and not counted once more. */
	fresh = rule && (!st->rule || st->identity != rule->identity);
	if (!st->generation)
		policy_learn_all(tp, st);
	if (st->generation != active >> 1 || st->rule != index + 1 || fresh || !rule)
		policy_take(st, rule, index, direction, active);
	policy_apply(tp, tp, st, state == TCPTIMER_STATE_SYN_SENT, fresh ? count : NULL);
	policy_tally(count, st, fresh);
	iter_max_retries(tp, sk, st, state, fresh ? count : NULL);
	/* audit: only told. Without a rule: put back. */
	iter_pass.changed += st->done_set && (!rule || st->mode != POLICY_AUDIT);
	iter_pass.refused += st->done_refused;
}

static __always_inline void iter_socket(struct sock_common *skc, __u64 sk, __u64 session,
					__u8 state)
{
	struct tcptimer_policy_control *control = policy_current();
	struct tcptimer_policy_sock *st = &iter_known;
	int index = POLICY_NO_RULE;
	__u32 active, direction;
	struct tcp_sock *tp;
	bool known;

	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp || !control)
		return;
	active = control->active;
	iter_pass.seen++;
	known = iter_load(tp);
	direction = st->direction ? st->direction : iter_direction(sk, session, state);
	if (!iter_clear && active)
		index = iter_find(sk, direction, active);
	if (index >= 0) {
		iter_pass.matched++;
		if (!known && !iter_place(tp, BPF_SK_STORAGE_GET_F_CREATE))
			return;
	} else if (!st->rule && !st->changed && !st->armed) {
		return;
	}
	iter_rule(tp, sk, state, index, direction, active);
	iter_store(tp);
}

SEC("iter/tcp")
int policy_existing(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	__u64 session = ctx->meta->session_id;
	struct iter_listener key;
	__u8 state;

	if (iter_pass.session != session) {
		iter_pass.session = session;
		iter_pass.netns++;
	}
	if (!skc)
		return 0;
	state = skc->skc_state;
	switch (state) {
	case TCPTIMER_STATE_LISTEN:
		iter_key(&key, (__u64)skc);
		bpf_map_update_elem(&iter_listeners, &key, &session, BPF_ANY);
		return 0;
	case TCPTIMER_STATE_TIME_WAIT:
	case TCPTIMER_STATE_NEW_SYN_RECV:
	case TCPTIMER_STATE_CLOSE:
		return 0;
	}
	/* The address as a number: functions that the verifier takes on their own get no pointers to it. */
	iter_socket(skc, (__u64)BPF_CORE_READ(KPTR(bpf_iter__tcp, ctx), sk_common), session, state);
	return 0;
}

/* ---- cgroups that come and go ---- */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} cgroup_events SEC(".maps");

__u64 cgroup_events_lost = 0;

/*
 * The path goes with it: the kernel tells of a cgroup before it can be opened (kernfs_activate() comes
 * last), and a reader on the same CPU may be quicker than that.
 */
static __always_inline void cgroup_event(struct cgroup *cgroup, const char *path, __u32 gone)
{
	struct tcptimer_cgroup_event *ev;
	long len;

	if (BPF_CORE_READ(cgroup, root, hierarchy_id)) /* v1 */
		return;
	ev = bpf_ringbuf_reserve(&cgroup_events, sizeof(*ev), 0);
	if (!ev) {
		__sync_fetch_and_add(&cgroup_events_lost, 1);
		return;
	}
	ev->id = BPF_CORE_READ(cgroup, kn, id);
	ev->gone = gone;
	len = bpf_probe_read_kernel_str(ev->path, sizeof(ev->path), path);
	ev->path_size = len > 0 ? len : 0;
	bpf_ringbuf_submit(ev, 0);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(policy_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	cgroup_event(cgroup, path, 0);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(policy_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	cgroup_event(cgroup, path, 1);
	return 0;
}

SEC("tp_btf/cgroup_rename")
int BPF_PROG(policy_cgroup_rename, struct cgroup *cgroup, const char *path)
{
	cgroup_event(cgroup, path, 0);
	return 0;
}

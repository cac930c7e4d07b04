// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policy for new connections, and max_retries for all: before the SYN, at establishment, at each RTO.
 * Receives sock_ops callbacks below the cgroup that it is attached to; sets options of their sockets.
 */
#include "policy_apply.h"
#include "policy_slots.h"

/* ---- places in the table ---- */

/*
 * Held for a few instructions once a connection. In a map of its own: programs of some types, of which
 * one reads the table, may not see a lock.
 */
struct policy_slot_lock {
	struct bpf_spin_lock lock;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct policy_slot_lock);
} policy_slot_lock SEC(".maps");

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
	struct policy_slot_lock *lock;
	__u32 zero = 0;
	bool taken = false;

	lock = bpf_map_lookup_elem(&policy_slot_lock, &zero);
	if (!slot || !lock || !cookie)
		return NULL;
	old_sk = slot->sk;
	old_cookie = slot->cookie;
	if (old_cookie && old_sk != address && policy_slot_lives(old_sk, old_cookie))
		return NULL;
	bpf_spin_lock(&lock->lock);
	if (slot->sk == old_sk && slot->cookie == old_cookie) {
		slot->sk = address;
		slot->cookie = cookie;
		taken = true;
	}
	bpf_spin_unlock(&lock->lock);
	if (!taken)
		return NULL;
	__builtin_memset(&slot->st, 0, sizeof(slot->st));
	return &slot->st;
}

/* ---- callbacks ---- */

static __always_inline void sockops_flags(struct bpf_sock_ops *ctx, __u32 flags)
{
	__u32 now = ctx->bpf_sock_ops_cb_flags;

	if ((now & flags) != flags)
		bpf_sock_ops_cb_flags_set(ctx, now | flags);
}

/* The kernel's own context says which socket, also where that is a request. */
static __always_inline __u64 sockops_sk(struct bpf_sock_ops *ctx)
{
	return (__u64)BPF_CORE_READ(KPTR(bpf_sock_ops_kern, ctx), sk);
}

/* NULL for a request. */
static __always_inline struct tcp_sock *sockops_tcp(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = (void *)ctx->sk;

	return sk ? bpf_skc_to_tcp_sock(sk) : NULL;
}

/* What policy knows of the socket: NULL where it knows nothing. */
static __always_inline struct tcptimer_policy_sock *sockops_known(struct bpf_sock_ops *ctx,
								  struct tcp_sock *tp)
{
	struct bpf_sock *sk = (void *)ctx->sk;
	struct tcptimer_policy_sock *st;

	if (!tp || !sk)
		return NULL;
	st = policy_slot_find(tp);
	return st ? st : bpf_sk_storage_get(&policy_sockets, sk, NULL, 0);
}

/* For one that it knew nothing of. */
static __always_inline struct tcptimer_policy_sock *sockops_take(struct bpf_sock_ops *ctx,
								 struct tcp_sock *tp)
{
	struct bpf_sock *sk = (void *)ctx->sk;
	struct tcptimer_policy_sock *st = policy_slot_take(tp, bpf_get_socket_cookie(ctx));

	if (st || !sk)
		return st;
	return bpf_sk_storage_get(&policy_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

/*
 * The context has it at hand, of a request too. Both families' words are read, without an else: it must
 * not become one read from either of two places, which the verifier refuses of a context.
 */
static __always_inline void sockops_key(struct bpf_sock_ops *ctx, __u32 direction,
					struct tcptimer_policy_key *key)
{
	key->remote[0] = ctx->remote_ip6[0];
	key->remote[1] = ctx->remote_ip6[1];
	key->remote[2] = ctx->remote_ip6[2];
	key->remote[3] = ctx->remote_ip6[3];
	key->local[0] = ctx->local_ip6[0];
	key->local[1] = ctx->local_ip6[1];
	key->local[2] = ctx->local_ip6[2];
	key->local[3] = ctx->local_ip6[3];
	if (ctx->family != AF_INET6) {
		key->remote[0] = key->remote[1] = key->local[0] = key->local[1] = 0;
		key->remote[2] = key->local[2] = bpf_htonl(0xffff);
		key->remote[3] = ctx->remote_ip4;
		key->local[3] = ctx->local_ip4;
	}
	key->remote_port = bpf_ntohl(ctx->remote_port);
	key->local_port = ctx->local_port;
	key->direction = direction;
	policy_key_family(key);
}

/* The index of the rule of the candidates that takes the socket. */
static __always_inline int sockops_find(struct bpf_sock_ops *ctx, const __u64 *mask,
					__u32 direction, __u32 active)
{
	struct tcptimer_policy_key key;

	if (!policy_any(mask))
		return POLICY_NO_RULE;
	sockops_key(ctx, direction, &key);
	return policy_find(&key, mask, active);
}

/*
 * What is known of the socket takes the rule, or none; its options follow. A function that the verifier
 * takes on its own: `st` lies in one of two maps, and each would double what follows.
 */
POLICY_FUNCTION int sockops_rule(struct bpf_sock_ops *ctx, struct tcptimer_policy_sock *st,
				 int index, __u32 direction, __u32 active)
{
	struct tcptimer_policy_counters *count = NULL;
	struct tcptimer_policy_rule *rule = NULL;
	struct tcp_sock *tp = sockops_tcp(ctx);

	if (!tp || !st)
		return 0;
	if (index >= 0) {
		rule = policy_rule_at(active, index);
		count = policy_count(active, index);
	}
	policy_disarm(ctx, st);
	policy_learn_all(tp, st);
	policy_take(st, rule, index, direction, active);
	policy_apply(ctx, tp, st, direction == POLICY_CONNECT, count);
	if (!rule)
		return 0;
	policy_tally(count, st, true);
	sockops_flags(ctx, POLICY_FLAGS);
	return 0;
}

/*
 * connect(), or a connection that came in: its rule, once. A socket that connects once more may find
 * another rule, or none.
 */
static __always_inline void sockops_new(struct bpf_sock_ops *ctx, __u32 direction)
{
	struct tcptimer_policy_control *control = policy_current();
	struct tcptimer_policy_sock *st;
	struct tcp_sock *tp;
	const __u64 *mask;
	__u32 active;
	int index;

	if (!control || !control->active)
		return;
	active = control->active;
	tp = sockops_tcp(ctx);
	if (!tp)
		return;
	mask = policy_own(tp->inet_conn.icsk_inet.sk.sk_cgrp_data.cgroup->kn->id, active);
	if (!mask)
		mask = policy_inherited(sockops_sk(ctx), active);
	index = sockops_find(ctx, mask, direction, active);
	st = sockops_known(ctx, tp);
	if (!st && index >= 0)
		st = sockops_take(ctx, tp);
	if (!st || (index < 0 && !st->rule && !st->changed && !st->armed))
		return;
	sockops_rule(ctx, st, index, direction, active);
}

/* ---- the handshake's timers ---- */

/* The listener, for a request: its cgroup decides. */
static __always_inline __u64 sockops_listener(__u64 req)
{
	return (__u64)BPF_CORE_READ(KPTR(request_sock, req), __req_common.skc_listener);
}

static __always_inline void sockops_timeout_init(struct bpf_sock_ops *ctx)
{
	struct tcptimer_policy_control *control = policy_current();
	struct tcptimer_policy_rule *rule;
	struct tcptimer_policy_sock *st;
	__u32 direction = POLICY_CONNECT;
	__u64 of;
	int index;

	if (!control || !control->active)
		return;
	/* Asked for several times a connection: with 256 rules that is most of what policy costs. */
	if (control->unset[control->active & 1] & POLICY_BIT(POLICY_SYN_RTO))
		return;
	st = sockops_known(ctx, sockops_tcp(ctx));
	if (st && st->generation == control->active >> 1) {
		if ((st->set & POLICY_BIT(POLICY_SYN_RTO)) && st->mode != POLICY_AUDIT)
			ctx->reply = st->policy[POLICY_SYN_RTO];
		return;
	}
	of = sockops_sk(ctx);
	if (ctx->state == TCPTIMER_STATE_NEW_SYN_RECV) {
		of = sockops_listener(of);
		direction = POLICY_ACCEPT;
	} else if (ctx->state == TCPTIMER_STATE_SYN_RECV) {
		direction = POLICY_ACCEPT;
	}
	index = sockops_find(ctx, policy_candidates(of, control->active), direction,
			     control->active);
	if (index < 0)
		return;
	rule = policy_rule_at(control->active, index);
	if (rule && (rule->set & POLICY_BIT(POLICY_SYN_RTO)) && rule->mode != POLICY_AUDIT)
		ctx->reply = rule->value[POLICY_SYN_RTO];
}

/* ---- max_retries ---- */

/* Streams with few segments in flight keep their RTO (tcp_retransmit_timer()). */
static __always_inline bool sockops_thin(__u64 sk, __u8 state, __u32 retransmits_after)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	struct net *net;

	if (state != TCPTIMER_STATE_ESTABLISHED || retransmits_after > 6 ||
	    BPF_CORE_READ(tp, packets_out) >= 4)
		return false;
	if (BPF_CORE_READ_BITFIELD_PROBED(tp, thin_lto))
		return true;
	net = BPF_CORE_READ(KPTR(sock_common, sk), skc_net.net);
	return BPF_CORE_READ(net, ipv4.sysctl_tcp_thin_linear_timeouts);
}

/* The RTO that this retransmission will leave behind. */
static __always_inline __u32 sockops_next_rto(__u64 sk, __u8 state, __u32 rto, __u32 retransmits)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	__u32 max = compat_rto_max_jiffies(sk, 120 * cfg_hz), min, own;

	if (!sockops_thin(sk, state, retransmits + 1))
		return tcptimer_rto_doubled(rto, max);
	own = tcptimer_usecs_to_jiffies(
		(BPF_CORE_READ(tp, srtt_us) >> 3) + BPF_CORE_READ(tp, rttvar_us), cfg_hz);
	min = compat_rto_min_jiffies(sk, cfg_hz, NULL);
	own = own < min ? min : own;
	return own < max ? own : max;
}

/*
 * Before retransmission `done` + 1 of the same data. From the first on, where nothing else limits the
 * stall, a TCP_USER_TIMEOUT that is never reached keeps tcp_retries2 from ending it sooner; the last
 * one's makes the kernel end it when the next would be due. An orphan has limits of its own.
 */
static __always_inline void sockops_retries(struct bpf_sock_ops *ctx,
					    struct tcptimer_policy_sock *st, __u64 sk, __u8 state,
					    __u32 done, __u32 rto)
{
	bool dead = BPF_CORE_READ(KPTR(sock, sk), __sk_common.skc_flags) & (1UL << SOCK_DEAD);
	__u32 base = st->base_user_timeout_ms, last;

	if (done + 1 < st->max_retries) {
		if (base || dead) {
			policy_disarm(ctx, st);
		} else if (st->armed != POLICY_KEPT) {
			policy_user_timeout(ctx, st, policy_never_ms(sk), POLICY_KEPT);
			sockops_flags(ctx, POLICY_FLAGS_ARMED);
		}
		return;
	}
	/* One more than N: it could not leave this host, and the timer came sooner (500 ms). */
	if (done >= st->max_retries && st->armed == POLICY_LAST)
		return;
	last = tcptimer_last_retry_user_timeout_ms(policy_elapsed_ms(sk),
						   sockops_next_rto(sk, state, rto, done), cfg_hz);
	if (base && base <= last)
		last = base;
	policy_user_timeout(ctx, st, last, POLICY_LAST);
	sockops_flags(ctx, POLICY_FLAGS_ARMED);
}

static __always_inline void sockops_rto(struct bpf_sock_ops *ctx)
{
	__u32 done = ctx->args[0], rto = ctx->args[1], expired = ctx->args[2];
	struct tcptimer_policy_sock *st = sockops_known(ctx, sockops_tcp(ctx));
	__u64 sk = sockops_sk(ctx);
	__u8 state;

	if (!st || !st->rule)
		return;
	st->expired = expired != 0;
	state = BPF_CORE_READ(KPTR(sock_common, sk), skc_state);
	if (expired || policy_syn_state(state))
		return;
	if (!done)
		policy_disarm(ctx, st); /* a stall of its own */
	if (st->max_retries)
		sockops_retries(ctx, st, sk, state, done, rto);
}

/* Anything sent or received while armed: with progress made, the stall is over. */
static __always_inline void sockops_progress(struct bpf_sock_ops *ctx)
{
	struct tcptimer_policy_sock *st = sockops_known(ctx, sockops_tcp(ctx));

	if (!st || !st->armed)
		return;
	if (!BPF_CORE_READ(KPTR(inet_connection_sock, sockops_sk(ctx)), icsk_retransmits))
		policy_disarm(ctx, st);
}

/*
 * A packet that is not processed yet: does it acknowledge something that was sent? A closed window
 * ends the stall, too: what is sent again from then on are probes, and no retries.
 */
static __always_inline void sockops_packet(struct bpf_sock_ops *ctx)
{
	struct tcptimer_policy_sock *st = sockops_known(ctx, sockops_tcp(ctx));
	__u8 *tcp = (void *)ctx->skb_data, *end = (void *)ctx->skb_data_end;
	__u64 sk = sockops_sk(ctx);
	__u32 una, ack;

	if (!st || !st->armed)
		return;
	if (!BPF_CORE_READ(KPTR(inet_connection_sock, sk), icsk_retransmits)) {
		policy_disarm(ctx, st);
		return;
	}
	if (tcp + 20 > end)
		return;
	una = BPF_CORE_READ(KPTR(tcp_sock, sk), snd_una);
	ack = bpf_ntohl(*(__u32 *)(tcp + 8));
	if ((__s32)(ack - BPF_CORE_READ(KPTR(tcp_sock, sk), snd_nxt)) > 0)
		return; /* tcp_ack() will not take it */
	if ((__s32)(ack - una) > 0 || (ack == una && !*(__u16 *)(tcp + 14)))
		policy_disarm(ctx, st);
}

/* ---- the end ---- */

/* Whether a limit that policy set has run out. The queue is empty by now: stamps tell. */
static __always_inline bool sockops_policy_ended(__u64 sk, const struct tcptimer_policy_sock *st,
						 __u8 old)
{
	struct inet_connection_sock *icsk = KPTR(inet_connection_sock, sk);
	bool own = (st->changed & POLICY_BIT(POLICY_USER_TIMEOUT)) || st->armed;
	__u32 limit = BPF_CORE_READ(icsk, icsk_user_timeout), jiffies, now, stamp;

	if (old == TCPTIMER_STATE_SYN_SENT)
		return st->expired && (st->changed & (POLICY_BIT(POLICY_SYN_RETRIES) |
						      POLICY_BIT(POLICY_USER_TIMEOUT)));
	if (st->expired)
		return own;
	if (!BPF_CORE_READ(icsk, icsk_probes_out))
		return own && limit && policy_elapsed_ms(sk) >= limit; /* a shrunk window */
	now = (__u32)bpf_jiffies64();
	jiffies = (__u32)tcptimer_msecs_to_jiffies(limit, cfg_hz);
	stamp = BPF_CORE_READ(icsk, icsk_probes_tstamp);
	if (stamp)
		return own && limit && now - stamp >= jiffies;
	if (limit)
		return own;
	return st->changed & POLICY_KEEPALIVE_BITS;
}

static __always_inline void sockops_state(struct bpf_sock_ops *ctx)
{
	__u32 old = ctx->args[0], new = ctx->args[1];
	struct tcptimer_policy_control *control;
	struct tcptimer_policy_counters *count;
	struct tcptimer_policy_sock *st;
	struct tcp_sock *tp;
	__s32 err;

	if (new != TCPTIMER_STATE_CLOSE || old == TCPTIMER_STATE_LISTEN)
		return;
	tp = sockops_tcp(ctx);
	if (!tp)
		return;
	/* tcp_write_err(): sk_err_soft or ETIMEDOUT. A reset by the peer has an error of its own. */
	err = tp->inet_conn.icsk_inet.sk.sk_err;
	if (err != 110 && (!err || err != tp->inet_conn.icsk_inet.sk.sk_err_soft))
		return;
	control = policy_current();
	st = sockops_known(ctx, tp);
	if (!st || !st->rule || !control || st->generation != control->active >> 1)
		return;
	if (!sockops_policy_ended(sockops_sk(ctx), st, old))
		return;
	count = policy_count(control->active, st->rule - 1);
	if (count)
		count->ended++;
}

SEC("sockops")
int policy_sockops(struct bpf_sock_ops *ctx)
{
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		sockops_new(ctx, ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB ? POLICY_CONNECT :
									  POLICY_ACCEPT);
		break;
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		sockops_timeout_init(ctx);
		break;
	case BPF_SOCK_OPS_RTO_CB:
		sockops_rto(ctx);
		break;
	case BPF_SOCK_OPS_RTT_CB:
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		sockops_progress(ctx);
		break;
	case BPF_SOCK_OPS_PARSE_HDR_OPT_CB:
		sockops_packet(ctx);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		sockops_state(ctx);
		break;
	}
	return 1;
}

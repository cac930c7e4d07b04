/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule onto a socket, or off it: each setting read, compared and set. Applying twice changes nothing.
 * Receives what bpf_setsockopt() takes (a sock_ops context, or a socket of iter/tcp) and the storage.
 */
#ifndef TCPTIMER_BPF_POLICY_APPLY_H
#define TCPTIMER_BPF_POLICY_APPLY_H

#include "policy_find.h"
#include "tcptimer/model.h"
#include "tcptimer/words.h"

extern const volatile __u32 cfg_hz;

/*
 * What a socket with a rule is called back for: its RTOs and its end. Flags are OR-ed to those that
 * other programs have set, and never taken away: who else set one since can't be seen. The last three,
 * for the stall's end, are set when max_retries first sets something; each costs a call a packet from
 * then on.
 */
#define POLICY_FLAGS (BPF_SOCK_OPS_RTO_CB_FLAG | BPF_SOCK_OPS_STATE_CB_FLAG)
#define POLICY_FLAGS_ARMED                                                                         \
	(POLICY_FLAGS | BPF_SOCK_OPS_RTT_CB_FLAG | BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG |        \
	 BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG)

/* ---- reading ---- */

static __always_inline __u32 policy_ms(__u32 jiffies)
{
	return tcptimer_jiffies_to_msecs(jiffies, cfg_hz);
}

/* The socket's own value in the rule's unit; 0 where a sysctl holds. */
POLICY_FUNCTION int policy_read(__u64 sk, __u32 id)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	struct inet_connection_sock *icsk = KPTR(inet_connection_sock, sk);

	switch (id) {
	case POLICY_USER_TIMEOUT:
		return BPF_CORE_READ(icsk, icsk_user_timeout);
	case POLICY_SYN_RETRIES:
		return BPF_CORE_READ(icsk, icsk_syn_retries);
	case POLICY_RTO_MIN:
		return tcptimer_jiffies_to_usecs(BPF_CORE_READ(icsk, icsk_rto_min), cfg_hz);
	case POLICY_RTO_MAX:
		return policy_ms(compat_rto_max_jiffies(sk, 120 * cfg_hz));
	case POLICY_DELACK_MAX:
		return tcptimer_jiffies_to_usecs(BPF_CORE_READ(icsk, icsk_delack_max), cfg_hz);
	case POLICY_THIN_LINEAR:
		return BPF_CORE_READ_BITFIELD_PROBED(tp, thin_lto);
	case POLICY_KEEPALIVE_ENABLE:
		return BPF_CORE_READ(KPTR(sock, sk), __sk_common.skc_flags) >> SOCK_KEEPOPEN & 1;
	case POLICY_KEEPALIVE_IDLE:
		return BPF_CORE_READ(tp, keepalive_time) / cfg_hz;
	case POLICY_KEEPALIVE_INTERVAL:
		return BPF_CORE_READ(tp, keepalive_intvl) / cfg_hz;
	case POLICY_KEEPALIVE_PROBES:
		return BPF_CORE_READ(tp, keepalive_probes);
	}
	return 0;
}

#define POLICY_SYSCTL(net, field)                                                                  \
	(bpf_core_field_exists((net)->ipv4.field) ? BPF_CORE_READ(net, ipv4.field) : 0)

/* What holds when the socket has no value of its own. */
POLICY_FUNCTION int policy_default(__u64 sk, __u32 id)
{
	struct net *net = BPF_CORE_READ(KPTR(sock_common, sk), skc_net.net);
	__s32 value;

	switch (id) {
	case POLICY_SYN_RETRIES:
		return BPF_CORE_READ(net, ipv4.sysctl_tcp_syn_retries);
	case POLICY_RTO_MIN:
		value = POLICY_SYSCTL(net, sysctl_tcp_rto_min_us);
		return value ? value : 200000;
	case POLICY_RTO_MAX:
		value = POLICY_SYSCTL(net, sysctl_tcp_rto_max_ms);
		return value ? value : 120000;
	case POLICY_DELACK_MAX:
		return 200000;
	case POLICY_KEEPALIVE_IDLE:
		return BPF_CORE_READ(net, ipv4.sysctl_tcp_keepalive_time) / cfg_hz;
	case POLICY_KEEPALIVE_INTERVAL:
		return BPF_CORE_READ(net, ipv4.sysctl_tcp_keepalive_intvl) / cfg_hz;
	case POLICY_KEEPALIVE_PROBES:
		return BPF_CORE_READ(net, ipv4.sysctl_tcp_keepalive_probes);
	}
	return 0;
}

/* The kernel keeps these in jiffies: what rounds to the same is the same. */
POLICY_FUNCTION int policy_same(__u32 id, __u32 a, __u32 b)
{
	switch (id) {
	case POLICY_RTO_MIN:
	case POLICY_DELACK_MAX:
		return tcptimer_usecs_to_jiffies(a, cfg_hz) == tcptimer_usecs_to_jiffies(b, cfg_hz);
	case POLICY_RTO_MAX:
		return tcptimer_msecs_to_jiffies(a, cfg_hz) == tcptimer_msecs_to_jiffies(b, cfg_hz);
	}
	return a == b;
}

/* ---- setting ---- */

POLICY_FUNCTION int policy_option(__u32 id)
{
	switch (id) {
	case POLICY_USER_TIMEOUT:
		return TCP_USER_TIMEOUT;
	case POLICY_SYN_RETRIES:
		return TCP_SYNCNT;
	case POLICY_RTO_MIN:
		return TCP_BPF_RTO_MIN;
	case POLICY_RTO_MAX:
		return TCP_RTO_MAX_MS;
	case POLICY_DELACK_MAX:
		return TCP_BPF_DELACK_MAX;
	case POLICY_THIN_LINEAR:
		return TCP_THIN_LINEAR_TIMEOUTS;
	case POLICY_KEEPALIVE_ENABLE:
		return SO_KEEPALIVE;
	case POLICY_KEEPALIVE_IDLE:
		return TCP_KEEPIDLE;
	case POLICY_KEEPALIVE_INTERVAL:
		return TCP_KEEPINTVL;
	case POLICY_KEEPALIVE_PROBES:
		return TCP_KEEPCNT;
	}
	return 0;
}

static __always_inline void policy_set(void *ctx, struct tcptimer_policy_sock *st, int id,
				       __s32 value)
{
	int level = id == POLICY_KEEPALIVE_ENABLE ? SOL_SOCKET : SOL_TCP;
	long err = bpf_setsockopt(ctx, level, policy_option(id), &value, sizeof(value));

	if (err) {
		st->done_refused++;
		st->refused_setting = id;
		st->refused_err = (__u16)-err;
	} else {
		st->done_set++;
	}
}

/* ---- one setting of one socket ---- */

/*
 * What a socket without this policy would have, and what the application asked for: seen once. A
 * value that policy set, on a socket that connects once more, is neither.
 */
static __always_inline void policy_learn(__u64 sk, struct tcptimer_policy_sock *st, __u64 id)
{
	__s32 now;

	if ((st->asked | st->changed) & POLICY_BIT(id))
		return;
	now = policy_read(sk, id);
	st->before[id] = now;
	if (now && (id == POLICY_RTO_MIN || id == POLICY_RTO_MAX || id == POLICY_DELACK_MAX) &&
	    policy_same(id, now, policy_default(sk, id)))
		return;
	if (now)
		st->asked |= POLICY_BIT(id);
}

/* The value that the socket is to have. */
static __always_inline __s32 policy_wanted(const struct tcptimer_policy_sock *st, __u64 id,
					   struct tcptimer_policy_counters *count)
{
	bool asked = st->asked & POLICY_BIT(id);
	__s32 stricter;

	if (!(st->set & POLICY_BIT(id)) || st->mode == POLICY_AUDIT)
		return st->before[id];
	if (!asked)
		return st->policy[id];
	if (st->mode == POLICY_DEFAULT) {
		if (count && st->before[id] != st->policy[id])
			count->yielded++;
		return st->before[id];
	}
	stricter = tcptimer_policy_stricter(id, st->before[id], st->policy[id]);
	if (count && stricter != st->before[id])
		count->clamped++;
	return stricter;
}

static __always_inline void policy_apply_one(void *ctx, __u64 sk, struct tcptimer_policy_sock *st,
					     __u64 id, struct tcptimer_policy_counters *count)
{
	__s32 now = policy_read(sk, id), wanted;

	if (!(st->set & POLICY_BIT(id)) && !(st->changed & POLICY_BIT(id)))
		return;
	wanted = policy_wanted(st, id, count);
	if (wanted == st->before[id])
		st->changed &= ~POLICY_BIT(id);
	else
		st->changed |= POLICY_BIT(id);
	if (id == POLICY_USER_TIMEOUT) {
		st->base_user_timeout_ms = wanted;
		if (st->armed) /* the last retry's holds until the stall is over */
			return;
	}
	if (!wanted && now && policy_default(sk, id))
		wanted = policy_default(sk, id); /* setsockopt() takes no 0 that would mean it */
	if (!policy_same(id, now, wanted))
		policy_set(ctx, st, id, wanted);
}

/* audit: what would be set. */
static __always_inline void policy_audit_one(__u64 sk, struct tcptimer_policy_sock *st, __u64 id)
{
	__s32 now = policy_read(sk, id);

	if ((st->set & POLICY_BIT(id)) &&
	    !policy_same(id, now,
			 (st->asked & POLICY_BIT(id)) ?
				 tcptimer_policy_stricter(id, now, st->policy[id]) :
				 st->policy[id]))
		st->done_set++;
}

/*
 * Options one after the other, by bpf_loop(): the verifier then sees the work on one of them once, not
 * every path through all.
 */
struct policy_loop {
	void *ctx;
	__u64 sk;
	struct tcptimer_policy_sock *st;
	struct tcptimer_policy_counters *count;
	bool syn;
	bool orphan;
};

#define POLICY_LOOP POLICY_SETTING_COUNT

/* The keepalive switch is the last: it starts the timer, with the times set before. */
static __always_inline __u64 policy_loop_id(__u64 i)
{
	if (i < POLICY_KEEPALIVE_ENABLE)
		return i;
	return i == POLICY_SETTING_COUNT - 1 ? POLICY_KEEPALIVE_ENABLE : i + 1;
}

/* Settings that are no options have nothing to be read or set. */
static __always_inline bool policy_is_option(__u64 id)
{
	return id < POLICY_SETTING_COUNT && id != POLICY_MAX_RETRIES && id != POLICY_SYN_RTO;
}

/*
 * The same number, its range told anew. On paths that can't be, 6.1 knows it to be above 8 and below 7
 * at once, and refuses it as an index.
 */
static __always_inline __u64 policy_bounded(__u64 id)
{
	asm volatile("%0 &= 15" : "+r"(id));
	return id;
}

static long policy_learn_next(__u32 i, void *arg)
{
	struct policy_loop *loop = arg;
	__u64 id = policy_loop_id(i);

	if (!policy_is_option(id))
		return 0;
	id = policy_bounded(id);
	if (id < POLICY_SETTING_COUNT)
		policy_learn(loop->sk, loop->st, id);
	return 0;
}

static long policy_apply_next(__u32 i, void *arg)
{
	struct policy_loop *loop = arg;
	__u64 id = policy_loop_id(i);

	if (!policy_is_option(id))
		return 0;
	/* Of an orphan the keepalive timer ends FIN_WAIT2: setting any of these would put that off. */
	if (loop->orphan && id >= POLICY_KEEPALIVE_ENABLE)
		return 0;
	/* TCP_SYNCNT is of no use once the SYN is answered. */
	if (id == POLICY_SYN_RETRIES && !loop->syn &&
	    !(loop->st->changed & POLICY_BIT(POLICY_SYN_RETRIES)))
		return 0;
	id = policy_bounded(id);
	if (id >= POLICY_SETTING_COUNT)
		return 0;
	policy_apply_one(loop->ctx, loop->sk, loop->st, id, loop->count);
	if (loop->st->rule && loop->st->mode == POLICY_AUDIT)
		policy_audit_one(loop->sk, loop->st, id);
	return 0;
}

/* Takes the rule into the storage; NULL: no rule any more. */
static __always_inline void policy_take(struct tcptimer_policy_sock *st,
					const struct tcptimer_policy_rule *rule, int index,
					__u32 direction, __u32 active)
{
	int id;

	st->generation = active >> 1;
	st->rule = rule ? index + 1 : 0;
	st->identity = rule ? rule->identity : 0;
	st->direction = direction;
	st->set = rule ? rule->set : 0;
	st->mode = rule ? rule->mode : POLICY_AUDIT;
	st->max_retries = 0;
	if (!rule)
		return;
	for (id = 0; id < POLICY_SETTING_COUNT; id++)
		st->policy[id] = rule->value[id];
	if ((rule->set & POLICY_BIT(POLICY_MAX_RETRIES)) && rule->mode != POLICY_AUDIT)
		st->max_retries = rule->value[POLICY_MAX_RETRIES];
}

/* Everything of a rule but callback flags. The storage has taken the rule (policy_take()). */
static __always_inline void policy_apply(void *ctx, __u64 sk, struct tcptimer_policy_sock *st,
					 bool syn, struct tcptimer_policy_counters *count)
{
	struct policy_loop loop = {
		.ctx = ctx,
		.sk = sk,
		.st = st,
		.count = count,
		.syn = syn,
		.orphan = BPF_CORE_READ(KPTR(sock, sk), __sk_common.skc_flags) & (1UL << SOCK_DEAD),
	};

	st->done_set = st->done_refused = 0;
	bpf_loop(POLICY_LOOP, policy_apply_next, &loop, 0);
}

static __always_inline void policy_learn_all(__u64 sk, struct tcptimer_policy_sock *st)
{
	struct policy_loop loop = { .sk = sk, .st = st };

	bpf_loop(POLICY_LOOP, policy_learn_next, &loop, 0);
	st->base_user_timeout_ms = st->before[POLICY_USER_TIMEOUT];
}

static __always_inline void policy_tally(struct tcptimer_policy_counters *count,
					 const struct tcptimer_policy_sock *st, bool fresh)
{
	/* audit sets nothing, so each pass would find the same again */
	if (!count || (!fresh && st->mode == POLICY_AUDIT))
		return;
	count->sockets += fresh;
	count->set += st->done_set;
	if (!fresh)
		return; /* refused as before */
	count->refused += st->done_refused;
	if (st->done_refused) {
		count->refused_err = st->refused_err;
		count->refused_setting = st->refused_setting;
	}
}

/* ---- max_retries ---- */

static __always_inline bool policy_syn_state(__u8 state)
{
	return state == TCPTIMER_STATE_SYN_SENT || state == TCPTIMER_STATE_SYN_RECV;
}

/* ms since retrans_stamp by the clock that the timer's handler compares with (tcp_time_stamp_ts()). */
static __always_inline __u32 policy_elapsed_ms(__u64 sk)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	__u32 stamp = BPF_CORE_READ(tp, retrans_stamp);
	__u64 now_us = BPF_CORE_READ(tp, tcp_mstamp);

	if (!stamp)
		return 0;
	if (compat_usec_ts(sk))
		return ((__u32)now_us - stamp) / 1000;
	return (__u32)(now_us / 1000) - stamp;
}

/*
 * A user timeout that no stall reaches. With microsecond timestamps retransmits_timed_out() multiplies
 * it by 1000 and compares 32 bits: 2^31 us is the most.
 */
static __always_inline __u32 policy_never_ms(__u64 sk)
{
	return compat_usec_ts(sk) ? 2000000 : 0x7fffffff;
}

static __always_inline void policy_user_timeout(void *ctx, struct tcptimer_policy_sock *st,
						__u32 value, enum policy_armed armed)
{
	__s32 ms = (__s32)value;

	if (!bpf_setsockopt(ctx, SOL_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)))
		st->armed = armed;
}

/* The stall is over, or never was: TCP_USER_TIMEOUT is again what policy or application set. */
static __always_inline void policy_disarm(void *ctx, struct tcptimer_policy_sock *st)
{
	if (st->armed)
		policy_user_timeout(ctx, st, st->base_user_timeout_ms, POLICY_CALM);
}

#endif

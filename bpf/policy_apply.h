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

/* As compat_rto_max_jiffies(), from a socket that need not be probed. */
static __always_inline __u32 policy_rto_max_jiffies(struct tcp_sock *tp)
{
	struct inet_connection_sock___v6_15 *icsk = (void *)tp;

	if (bpf_core_field_exists(icsk->icsk_rto_max))
		return icsk->icsk_rto_max;
	return 120 * cfg_hz;
}

static __always_inline unsigned long policy_sock_flags(struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_inet.sk.__sk_common.skc_flags;
}

/* Mostly there is none: no division. */
static __always_inline __s32 policy_seconds(__u32 jiffies)
{
	return jiffies ? jiffies / cfg_hz : 0;
}

/*
 * The socket's own value in the rule's unit; 0 where a sysctl holds. `tp` is the verifier's: its fields
 * are loaded, not probed, which is what keeps a connection cheap.
 */
static __always_inline __s32 policy_read(struct tcp_sock *tp, __u32 id)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;

	switch (id) {
	case POLICY_USER_TIMEOUT:
		return icsk->icsk_user_timeout;
	case POLICY_SYN_RETRIES:
		return icsk->icsk_syn_retries;
	case POLICY_RTO_MIN:
		return tcptimer_jiffies_to_usecs(icsk->icsk_rto_min, cfg_hz);
	case POLICY_RTO_MAX:
		return policy_ms(policy_rto_max_jiffies(tp));
	case POLICY_DELACK_MAX:
		return tcptimer_jiffies_to_usecs(icsk->icsk_delack_max, cfg_hz);
	case POLICY_THIN_LINEAR:
		return BPF_CORE_READ_BITFIELD(tp, thin_lto);
	case POLICY_KEEPALIVE_ENABLE:
		return policy_sock_flags(tp) >> SOCK_KEEPOPEN & 1;
	case POLICY_KEEPALIVE_IDLE:
		return policy_seconds(tp->keepalive_time);
	case POLICY_KEEPALIVE_INTERVAL:
		return policy_seconds(tp->keepalive_intvl);
	case POLICY_KEEPALIVE_PROBES:
		return tp->keepalive_probes;
	}
	return 0;
}

#define POLICY_SYSCTL(net, field) (bpf_core_field_exists((net)->ipv4.field) ? (net)->ipv4.field : 0)

/* What holds when the socket has no value of its own. */
static __always_inline __s32 policy_default(struct tcp_sock *tp, __u32 id)
{
	struct net *net = tp->inet_conn.icsk_inet.sk.__sk_common.skc_net.net;
	__s32 value;

	switch (id) {
	case POLICY_SYN_RETRIES:
		return net->ipv4.sysctl_tcp_syn_retries;
	case POLICY_RTO_MIN:
		value = POLICY_SYSCTL(net, sysctl_tcp_rto_min_us);
		return value ? value : 200000;
	case POLICY_RTO_MAX:
		value = POLICY_SYSCTL(net, sysctl_tcp_rto_max_ms);
		return value ? value : 120000;
	case POLICY_DELACK_MAX:
		return 200000;
	case POLICY_KEEPALIVE_IDLE:
		return net->ipv4.sysctl_tcp_keepalive_time / cfg_hz;
	case POLICY_KEEPALIVE_INTERVAL:
		return net->ipv4.sysctl_tcp_keepalive_intvl / cfg_hz;
	case POLICY_KEEPALIVE_PROBES:
		return net->ipv4.sysctl_tcp_keepalive_probes;
	}
	return 0;
}

/* The kernel keeps these in jiffies: what rounds to the same is the same. */
POLICY_FUNCTION int policy_same(__u32 id, __u32 a, __u32 b)
{
	if (a == b)
		return true; /* mostly: no division */
	switch (id) {
	case POLICY_RTO_MIN:
	case POLICY_DELACK_MAX:
		return tcptimer_usecs_to_jiffies(a, cfg_hz) == tcptimer_usecs_to_jiffies(b, cfg_hz);
	case POLICY_RTO_MAX:
		return tcptimer_msecs_to_jiffies(a, cfg_hz) == tcptimer_msecs_to_jiffies(b, cfg_hz);
	}
	return false;
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

/* A pass over a socket's settings. */
struct policy_pass {
	void *ctx; /* what bpf_setsockopt() takes */
	struct tcp_sock *tp;
	struct tcptimer_policy_sock *st;
	struct tcptimer_policy_counters *count;
};

/*
 * What a socket without this policy would have, and what the application asked for: seen once. A
 * value that policy set, on a socket that connects once more, is neither.
 */
static __always_inline void policy_learn(struct tcp_sock *tp, struct tcptimer_policy_sock *st,
					 __u32 id)
{
	__s32 now;

	if ((st->asked | st->changed) & POLICY_BIT(id))
		return;
	now = policy_read(tp, id);
	st->before[id] = now;
	if (now && (id == POLICY_RTO_MIN || id == POLICY_RTO_MAX || id == POLICY_DELACK_MAX) &&
	    policy_same(id, now, policy_default(tp, id)))
		return;
	if (now)
		st->asked |= POLICY_BIT(id);
}

/* The value that the socket is to have. */
static __always_inline __s32 policy_wanted(const struct tcptimer_policy_sock *st, __u32 id,
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

static __always_inline void policy_enforce_one(struct policy_pass *pass, __u32 id)
{
	struct tcptimer_policy_sock *st = pass->st;
	__s32 now = policy_read(pass->tp, id), wanted;

	wanted = policy_wanted(st, id, pass->count);
	if (wanted == st->before[id])
		st->changed &= ~POLICY_BIT(id);
	else
		st->changed |= POLICY_BIT(id);
	if (id == POLICY_USER_TIMEOUT) {
		st->base_user_timeout_ms = wanted;
		if (st->armed) /* the last retry's holds until the stall is over */
			return;
	}
	if (!wanted && now) { /* setsockopt() takes no 0 that would mean the default */
		__s32 holds = policy_default(pass->tp, id);

		if (holds)
			wanted = holds;
	}
	if (!policy_same(id, now, wanted))
		policy_set(pass->ctx, st, id, wanted);
}

/* audit: what would be set. */
static __always_inline void policy_audit_one(struct policy_pass *pass, __u32 id)
{
	struct tcptimer_policy_sock *st = pass->st;
	__s32 now = policy_read(pass->tp, id);

	if ((st->set & POLICY_BIT(id)) &&
	    !policy_same(id, now,
			 (st->asked & POLICY_BIT(id)) ?
				 tcptimer_policy_stricter(id, now, st->policy[id]) :
				 st->policy[id]))
		st->done_set++;
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

/* The settings one after the other: the keepalive switch starts the timer, with the times set before. */
#define POLICY_EACH_OPTION(X)                                                                      \
	X(POLICY_USER_TIMEOUT)                                                                     \
	X(POLICY_SYN_RETRIES)                                                                      \
	X(POLICY_RTO_MIN)                                                                          \
	X(POLICY_RTO_MAX)                                                                          \
	X(POLICY_DELACK_MAX)                                                                       \
	X(POLICY_THIN_LINEAR)                                                                      \
	X(POLICY_KEEPALIVE_IDLE)                                                                   \
	X(POLICY_KEEPALIVE_INTERVAL)                                                               \
	X(POLICY_KEEPALIVE_PROBES)                                                                 \
	X(POLICY_KEEPALIVE_ENABLE)

/* One copy of the code for all of them; the verifier knows the number in each call. */
static __noinline void policy_apply_one(struct policy_pass *pass, __u32 id)
{
	if (id >= POLICY_SETTING_COUNT)
		return;
	policy_enforce_one(pass, id);
	if (pass->st->rule && pass->st->mode == POLICY_AUDIT)
		policy_audit_one(pass, id);
}

/* Those that need a look: what the rule sets, and what another one has changed. */
static __always_inline __u32 policy_concerned(const struct tcptimer_policy_sock *st,
					      struct tcp_sock *tp, bool syn)
{
	__u32 bits = st->set | st->changed;

	/* Of an orphan the keepalive timer ends FIN_WAIT2: setting any of these would put that off. */
	if (policy_sock_flags(tp) & (1UL << SOCK_DEAD))
		bits &= ~POLICY_KEEPALIVE_BITS;
	/* TCP_SYNCNT is of no use once the SYN is answered. */
	if (!syn && !(st->changed & POLICY_BIT(POLICY_SYN_RETRIES)))
		bits &= ~POLICY_BIT(POLICY_SYN_RETRIES);
	return bits;
}

/* Everything of a rule but callback flags. The storage has taken the rule (policy_take()). */
static __always_inline void policy_apply(void *ctx, struct tcp_sock *tp,
					 struct tcptimer_policy_sock *st, bool syn,
					 struct tcptimer_policy_counters *count)
{
	struct policy_pass pass = { .ctx = ctx, .tp = tp, .st = st, .count = count };
	__u32 bits = policy_concerned(st, tp, syn);

	st->done_set = st->done_refused = 0;
#define POLICY_APPLY(id)                                                                           \
	if (bits & POLICY_BIT(id))                                                                 \
		policy_apply_one(&pass, id);
	POLICY_EACH_OPTION(POLICY_APPLY)
#undef POLICY_APPLY
}

static __always_inline void policy_learn_all(struct tcp_sock *tp, struct tcptimer_policy_sock *st)
{
#define POLICY_LEARN(id) policy_learn(tp, st, id);
	POLICY_EACH_OPTION(POLICY_LEARN)
#undef POLICY_LEARN
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

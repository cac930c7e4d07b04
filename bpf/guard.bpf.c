// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policy against the application's own setsockopt(): stricter passes, looser is clamped, all is noted.
 * Receives setsockopt() calls below the cgroup that it is attached to, before the kernel does.
 */
#define POLICY_MAPS
#include "policy_apply.h"
#include "policy_slots.h"

/* The setting behind an option, or -1: none of ours. */
static __always_inline int guard_setting(__s32 level, __s32 option)
{
	if (level == SOL_SOCKET)
		return option == SO_KEEPALIVE ? POLICY_KEEPALIVE_ENABLE : -1;
	if (level != SOL_TCP)
		return -1;
	switch (option) {
	case TCP_USER_TIMEOUT:
		return POLICY_USER_TIMEOUT;
	case TCP_SYNCNT:
		return POLICY_SYN_RETRIES;
	case TCP_KEEPIDLE:
		return POLICY_KEEPALIVE_IDLE;
	case TCP_KEEPINTVL:
		return POLICY_KEEPALIVE_INTERVAL;
	case TCP_KEEPCNT:
		return POLICY_KEEPALIVE_PROBES;
	case TCP_THIN_LINEAR_TIMEOUTS:
		return POLICY_THIN_LINEAR;
	case TCP_RTO_MAX_MS:
		return POLICY_RTO_MAX;
	case TCP_RTO_MIN_US:
		return POLICY_RTO_MIN;
	case TCP_DELACK_MAX_US:
		return POLICY_DELACK_MAX;
	}
	return -1;
}

/* TCP_RTO_MIN_US, TCP_DELACK_MAX_US: two jiffies to a fifth of a second. */
static __always_inline bool guard_valid_us(__s32 value)
{
	__u64 jiffies = value > 0 ? tcptimer_usecs_to_jiffies(value, cfg_hz) : 0;

	return jiffies >= 2 && jiffies <= cfg_hz / 5;
}

/* Whether do_tcp_setsockopt() takes it: what it refuses is the kernel's to answer. */
static __always_inline bool guard_valid(int id, __s32 value)
{
	/* 6.15 brought these three together. */
	if ((id == POLICY_RTO_MAX || id == POLICY_RTO_MIN || id == POLICY_DELACK_MAX) &&
	    !bpf_core_field_exists(struct inet_connection_sock___v6_15, icsk_rto_max))
		return false;
	switch (id) {
	case POLICY_USER_TIMEOUT:
		return value >= 0;
	case POLICY_SYN_RETRIES:
	case POLICY_KEEPALIVE_PROBES:
		return value >= 1 && value <= 127;
	case POLICY_KEEPALIVE_IDLE:
	case POLICY_KEEPALIVE_INTERVAL:
		return value >= 1 && value <= 32767;
	case POLICY_THIN_LINEAR:
		return value == 0 || value == 1;
	case POLICY_RTO_MAX:
		return value >= 1000 && value <= 120000;
	case POLICY_RTO_MIN:
	case POLICY_DELACK_MAX:
		return guard_valid_us(value);
	}
	return true;
}

static __always_inline __u64 guard_sk(struct bpf_sockopt *ctx)
{
	return (__u64)BPF_CORE_READ(KPTR(bpf_sockopt_kern, ctx), sk);
}

/* Options are mostly set before a connection begins: then there is a storage, or nothing yet. */
static __always_inline struct tcptimer_policy_sock *guard_known(struct bpf_sockopt *ctx,
								struct bpf_sock *bpf_sk)
{
	struct tcptimer_policy_sock *st = bpf_sk_storage_get(&policy_sockets, bpf_sk, NULL, 0);
	__u64 sk, cookie;

	if (st)
		return st;
	sk = guard_sk(ctx);
	cookie = (__u64)BPF_CORE_READ(KPTR(sock_common, sk), skc_cookie.counter);
	return cookie ? policy_slot_of(sk, cookie) : NULL;
}

/* The value that the kernel is to get for what the application asked. */
static __always_inline __s32 guard_value(struct bpf_sockopt *ctx, struct tcptimer_policy_sock *st,
					 int id, __s32 asked,
					 struct tcptimer_policy_counters *count)
{
	__u32 bit = 1U << (id & 31);
	__s32 value = asked;

	st->asked |= bit;
	if (id >= 0 && id < POLICY_SETTING_COUNT)
		st->before[id] = asked;
	if (!st->rule || st->mode == POLICY_AUDIT || !(st->set & bit)) {
		st->changed &= ~bit;
	} else if (st->mode == POLICY_DEFAULT) {
		st->changed &= ~bit;
		if (count)
			count->yielded++;
	} else if (id >= 0 && id < POLICY_SETTING_COUNT) {
		value = tcptimer_policy_stricter(id, asked, st->policy[id]);
		if (value != asked) {
			st->changed |= bit;
			if (count)
				count->clamped++;
		} else {
			st->changed &= ~bit;
		}
	}
	if (id == POLICY_USER_TIMEOUT) {
		st->base_user_timeout_ms = value;
		/* A last retry is under way: its limit stays, unless this one is sooner. */
		if (st->armed) {
			__s32 now = BPF_CORE_READ(KPTR(inet_connection_sock, guard_sk(ctx)),
						  icsk_user_timeout);

			if (!value || value > now)
				value = now;
		}
	}
	return value;
}

/* True: optval has another value now. */
static __always_inline bool guard_look(struct bpf_sockopt *ctx)
{
	__s32 *optval = (void *)ctx->optval, asked, value;
	int id = guard_setting(ctx->level, ctx->optname);
	struct tcptimer_policy_counters *count = NULL;
	struct bpf_sock *bpf_sk = (void *)ctx->sk;
	struct tcptimer_policy_control *control;
	struct tcptimer_policy_sock *st;

	if (id < 0 || !bpf_sk)
		return false;
	control = policy_current();
	if (!control || !control->active)
		return false;
	/* The buffer is never shorter than 16 bytes; what the caller gave may be. */
	if (ctx->optlen < (__s32)sizeof(*optval) || (void *)(optval + 1) > (void *)ctx->optval_end)
		return false;
	/* MPTCP's own socket has no TCP timers: its subflows have, and get their rules. */
	if (bpf_sk->protocol != IPPROTO_TCP)
		return false;
	asked = *optval;
	if (id == POLICY_KEEPALIVE_ENABLE)
		asked = asked != 0;
	if (!guard_valid(id, asked))
		return false;
	st = guard_known(ctx, bpf_sk);
	if (!st) {
		if (!policy_any(policy_candidates(guard_sk(ctx), control->active)))
			return false;
		st = bpf_sk_storage_get(&policy_sockets, bpf_sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (!st)
			return false;
	}
	if (st->rule && st->generation == control->active >> 1)
		count = policy_count(control->active, st->rule - 1);
	value = guard_value(ctx, st, id, asked, count);
	if (value == asked)
		return false;
	*optval = value;
	return true;
}

SEC("cgroup/setsockopt")
int policy_setsockopt(struct bpf_sockopt *ctx)
{
	if (guard_look(ctx))
		ctx->optlen = sizeof(__s32);
	else if ((__u64)(ctx->optval_end - ctx->optval) < (__u64)(__u32)ctx->optlen)
		/* Longer than the buffer: 0 says that the kernel takes the caller's own bytes. Else
		 * the length stays, and with it what another program may have changed before. */
		ctx->optlen = 0;
	return 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields that moved between 6.1 and 7.2, each with the kernel that moved it.
 * Receives kernel pointers, of known type or not; hands the value that the running kernel has.
 */
#ifndef TCPTIMER_BPF_COMPAT_H
#define TCPTIMER_BPF_COMPAT_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* Signed or not, the pointer that CO-RE code computes with must not be folded by the compiler. */
#define KPTR(type, address) ((struct type *)(unsigned long)(address))

/*
 * How fields are read. Of the sockets that an iterator hands (bpf_skc_to_tcp_sock()) the verifier
 * knows the type, and checks plain loads; of an address that was computed from a timer it knows none,
 * and each read is a probing call, ten times as dear, unless the kernel takes our word for the type:
 * 6.2 (a35b9af4ec2c), bpf_rdonly_cast(); cfg_cast says so. A file with sockets of the first kind only
 * defines KREAD_TYPED before including this, one with casts KREAD_CAST; one that has copied the whole
 * socket, and hands the copy's address, KREAD_COPY. KREAD_PAST is for what a socket's pointer leads to.
 */
#if defined(KREAD_TYPED)
#define KREAD(p, ...) ___arrow(p, __VA_ARGS__)
#define KREAD_PAST(p, ...) ___arrow(p, __VA_ARGS__)
#define KREAD_BITS(p, field) BPF_CORE_READ_BITFIELD(p, field)
#elif defined(KREAD_COPY)
#define ___kread1(p, field) ((p)->field)
#define ___kread3(p, field, ...) BPF_CORE_READ((p)->field, __VA_ARGS__)
#define KREAD(p, ...) ___apply(___kread, ___narg(__VA_ARGS__))(p, __VA_ARGS__)
#define KREAD_PAST(p, ...) BPF_CORE_READ(p, __VA_ARGS__)
#define KREAD_BITS(p, field) BPF_CORE_READ_BITFIELD(p, field)
#elif defined(KREAD_CAST)
extern const volatile bool cfg_cast;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define KREAD(p, ...) (cfg_cast ? ___arrow(p, __VA_ARGS__) : BPF_CORE_READ(p, __VA_ARGS__))
#define KREAD_PAST(p, ...) KREAD(p, __VA_ARGS__)
#define KREAD_BITS(p, field)                                                                       \
	(cfg_cast ? BPF_CORE_READ_BITFIELD(p, field) : BPF_CORE_READ_BITFIELD_PROBED(p, field))
#else
#define KREAD(p, ...) BPF_CORE_READ(p, __VA_ARGS__)
#define KREAD_PAST(p, ...) BPF_CORE_READ(p, __VA_ARGS__)
#define KREAD_BITS(p, field) BPF_CORE_READ_BITFIELD_PROBED(p, field)
#endif
/* An address, from here on of a type that the verifier knows where KREAD needs that. */
#ifdef KREAD_CAST
#define KCAST(type, address)                                                                       \
	(cfg_cast ?                                                                                \
		 (__u64)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct type)) : \
		 (__u64)(address))
#else
#define KCAST(type, address) ((__u64)(address))
#endif
/* `typed` is a constant: false where the pointer's type is unknown in every file. */
#define KREAD_IF(typed, p, ...) ((typed) ? KREAD(p, __VA_ARGS__) : BPF_CORE_READ(p, __VA_ARGS__))

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* 7.x: the write timer became sock's, the keepalive timer inet_connection_sock's. */
struct sock___v7 {
	struct timer_list tcp_retransmit_timer;
};

struct inet_connection_sock___v7 {
	struct timer_list icsk_keepalive_timer;
};

/* Until 6.14 (a7c428ee8f59, f1e30061e8a5): the time asked for beside the timer. */
struct inet_connection_sock___v6_14 {
	unsigned long icsk_timeout;
	struct {
		unsigned long timeout;
	} icsk_ack;
};

/* 6.15 (54a378f43425): TCP_RTO_MAX_MS */
struct inet_connection_sock___v6_15 {
	__u32 icsk_rto_max;
};

/* 6.7: tcp_usec_ts (614e8316aa4c) and total_rto */
struct tcp_sock___v6_7 {
	__u8 tcp_usec_ts : 1;
	__u16 total_rto;
};

/* Of enum tsq_enum; the numbers are the running kernel's. */
enum tsq_enum {
	TCP_WRITE_TIMER_DEFERRED = 3,
	TCP_DELACK_TIMER_DEFERRED = 4,
};

#pragma clang attribute pop

static __always_inline __u64 compat_write_timer_offset(void)
{
	if (bpf_core_field_exists(struct sock___v7, tcp_retransmit_timer))
		return bpf_core_field_offset(struct sock___v7, tcp_retransmit_timer);
	return bpf_core_field_offset(struct inet_connection_sock, icsk_retransmit_timer);
}

static __always_inline __u64 compat_keep_timer_offset(void)
{
	if (bpf_core_field_exists(struct inet_connection_sock___v7, icsk_keepalive_timer))
		return bpf_core_field_offset(struct inet_connection_sock___v7,
					     icsk_keepalive_timer);
	return bpf_core_field_offset(struct sock, sk_timer);
}

static __always_inline __u64 compat_delack_timer_offset(void)
{
	return bpf_core_field_offset(struct inet_connection_sock, icsk_delack_timer);
}

/* icsk_timeout, or the timer's own expires where the kernel keeps no other. */
static __always_inline __u64 compat_write_timeout(__u64 sk, __u64 expires)
{
	struct inet_connection_sock___v6_14 *icsk = (void *)sk;

	if (bpf_core_field_exists(icsk->icsk_timeout))
		return KREAD(icsk, icsk_timeout);
	return expires;
}

static __always_inline __u32 compat_dack_timeout(__u64 sk, __u64 expires)
{
	struct inet_connection_sock___v6_14 *icsk = (void *)sk;

	if (bpf_core_field_exists(icsk->icsk_ack.timeout))
		return (__u32)KREAD(icsk, icsk_ack.timeout);
	return (__u32)expires;
}

static __always_inline __u32 compat_rto_max_of(bool typed, __u64 sk, __u32 before_jiffies)
{
	struct inet_connection_sock___v6_15 *icsk = (void *)sk;

	if (bpf_core_field_exists(icsk->icsk_rto_max))
		return KREAD_IF(typed, icsk, icsk_rto_max);
	return before_jiffies;
}

static __always_inline __u32 compat_rto_max_jiffies(__u64 sk, __u32 before_jiffies)
{
	return compat_rto_max_of(true, sk, before_jiffies);
}

/* tcp_rto_min(): the route's metric when it is locked, else the socket's. ret_route may be NULL. */
static __always_inline __u32 compat_rto_min_jiffies(__u64 sk, __u32 hz, bool *ret_route)
{
	struct dst_entry *dst = KREAD(KPTR(sock, sk), sk_dst_cache);
	__u32 metrics[RTAX_RTO_MIN] = {};
	bool route;

	if (dst)
		bpf_probe_read_kernel(metrics, sizeof(metrics),
				      (void *)(KREAD_PAST(dst, _metrics) & ~DST_METRICS_FLAGS));
	route = metrics[RTAX_LOCK - 1] & (1U << RTAX_RTO_MIN);
	if (ret_route)
		*ret_route = route;
	if (route) /* dst_metric_rtt(): the metric is kept in ms */
		return (metrics[RTAX_RTO_MIN - 1] * hz + 999) / 1000;
	return KREAD(KPTR(inet_connection_sock, sk), icsk_rto_min);
}

static __always_inline bool compat_usec_ts(__u64 sk)
{
	struct tcp_sock___v6_7 *tp = (void *)sk;

	return bpf_core_field_exists(tp->tcp_usec_ts) && KREAD_BITS(tp, tcp_usec_ts);
}

static __always_inline __u16 compat_total_rto(__u64 sk, __u16 before)
{
	struct tcp_sock___v6_7 *tp = (void *)sk;

	if (bpf_core_field_exists(tp->total_rto))
		return KREAD(tp, total_rto);
	return before;
}

#endif

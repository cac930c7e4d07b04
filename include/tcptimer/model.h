/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives numbers read from a socket, in the kernel's units, from the engine or from a BPF program.
 * Hands back the kernel's own arithmetic: the model timeout, conversions, time left to a limit.
 *
 * Both compilers take it: clang -target bpf (which brings its own __u32 and so on) and the host's.
 * Only unsigned division, no loops, no calls. Every duration says its unit; hz is CONFIG_HZ.
 */
#ifndef TCPTIMER_MODEL_H
#define TCPTIMER_MODEL_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* include/linux/jiffies.h: MAX_JIFFY_OFFSET on a 64-bit kernel, "for ever". */
#define TCPTIMER_JIFFIES_FOREVER 0x3ffffffffffffffeULL

/* Constants of include/net/tcp.h in jiffies. The casts are the kernel's: HZ/5 truncates. */
#define TCPTIMER_RTO_MIN_JIFFIES(hz) ((hz) / 5u)        /* TCP_RTO_MIN, the model's base */
#define TCPTIMER_RTO_MAX_JIFFIES(hz) (120u * (hz))      /* TCP_RTO_MAX */
#define TCPTIMER_TIMEOUT_INIT_JIFFIES(hz) (hz)          /* TCP_TIMEOUT_INIT, 1 s since 3.1 */
#define TCPTIMER_RESOURCE_PROBE_JIFFIES(hz) ((hz) / 2u) /* TCP_RESOURCE_PROBE_INTERVAL */
#define TCPTIMER_TIMEWAIT_LEN_JIFFIES(hz) (60u * (hz))  /* TCP_TIMEWAIT_LEN */

/* ilog2() of a number above 0; 0 gives 0. */
static inline __u32 tcptimer_ilog2(__u32 v)
{
	__u32 log = 0;

	if (v >> 16) {
		log += 16;
		v >>= 16;
	}
	if (v >> 8) {
		log += 8;
		v >>= 8;
	}
	if (v >> 4) {
		log += 4;
		v >>= 4;
	}
	if (v >> 2) {
		log += 2;
		v >>= 2;
	}
	return log + (v >> 1);
}

/*
 * msecs_to_jiffies(), include/linux/jiffies.h: rounds up; "negative" (above INT_MAX) is for ever.
 * Where HZ does not divide 1000 the kernel multiplies by a rounded reciprocal, which for spans
 * above some ten days can come out one jiffy longer than this.
 */
static inline __u64 tcptimer_msecs_to_jiffies(__u32 ms, __u32 hz)
{
	if (ms > 0x7fffffffu)
		return TCPTIMER_JIFFIES_FOREVER;
	return ((__u64)ms * hz + 999) / 1000;
}

/* usecs_to_jiffies(): rounds up. */
static inline __u64 tcptimer_usecs_to_jiffies(__u32 us, __u32 hz)
{
	return ((__u64)us * hz + 999999) / 1000000;
}

/* jiffies_to_msecs(): rounds up where HZ does not divide 1000; 32 bits, as the kernel returns them. */
static inline __u32 tcptimer_jiffies_to_msecs(__u64 jiffies, __u32 hz)
{
	return (__u32)((jiffies * 1000 + hz - 1) / hz);
}

/* jiffies_to_usecs(): rounds down; 32 bits. */
static inline __u32 tcptimer_jiffies_to_usecs(__u64 jiffies, __u32 hz)
{
	return (__u32)(jiffies * 1000000 / hz);
}

/*
 * tcp_model_timeout(), net/ipv4/tcp_timer.c (inside retransmits_timed_out() before 4.20): how long
 * `boundary` retransmissions take that start at rto_base and double up to rto_max. In jiffies, 32
 * bits, wrapping as the kernel's does. rto_base is TCP_RTO_MIN, a constant: the socket's own
 * rto_min plays no part. In the SYN states it is tcp_timeout_init().
 *
 * rto_max below rto_base (a BPF TIMEOUT_INIT above tcp_rto_max_ms) makes ilog2(0) = -1, which as an
 * unsigned threshold is above every boundary: the exponential branch, whatever the boundary.
 */
static inline __u32 tcptimer_model_timeout_jiffies(__u32 boundary, __u32 rto_base_jiffies,
						   __u32 rto_max_jiffies)
{
	__u32 ratio = rto_base_jiffies ? rto_max_jiffies / rto_base_jiffies : 0;
	__u32 thresh = tcptimer_ilog2(ratio);

	if (!ratio || boundary <= thresh)
		return ((2u << (boundary & 31)) - 1) * rto_base_jiffies;
	return ((2u << thresh) - 1) * rto_base_jiffies + (boundary - thresh) * rto_max_jiffies;
}

/* The same in ms, as retransmits_timed_out() compares it since 4.19. */
static inline __u32 tcptimer_model_timeout_ms(__u32 boundary, __u32 rto_base_jiffies,
					      __u32 rto_max_jiffies, __u32 hz)
{
	return tcptimer_jiffies_to_msecs(
		tcptimer_model_timeout_jiffies(boundary, rto_base_jiffies, rto_max_jiffies), hz);
}

/*
 * Time left to a limit that counts from a stamp of the same 32-bit clock (ms, us or jiffies): 0 once
 * it passed. Wrap-safe as the kernel's (s32) compare is: differences of 2^31 and more are negative.
 */
static inline __u32 tcptimer_time_left(__u32 now, __u32 stamp, __u32 limit)
{
	__s32 left = (__s32)(limit - (now - stamp));

	return left > 0 ? (__u32)left : 0;
}

/* The RTO after this one: doubled, and bounded (tcp_retransmit_timer()). */
static inline __u32 tcptimer_rto_doubled(__u32 rto_jiffies, __u32 rto_max_jiffies)
{
	__u32 doubled = rto_jiffies << 1;

	return doubled < rto_max_jiffies ? doubled : rto_max_jiffies;
}

/*
 * `max_retries: N` has no socket option. At the RTO_CB of retransmission N (the callback says
 * N - 1: it runs before the count goes up), a TCP_USER_TIMEOUT of this many ms makes the kernel end
 * the connection when retransmission N + 1 would be due, neither earlier nor later:
 * tcp_clamp_rto_to_user_timeout() then finds exactly the doubled RTO left, and the next firing,
 * which is never early, finds elapsed >= user_timeout.
 *
 * elapsed_ms: since tp->retrans_stamp; 0 when that is 0 (N = 1), as this retransmission sets it.
 * next_rto_jiffies: what icsk_rto will be after this retransmission (tcptimer_rto_doubled(), or the
 * same RTO where thin-stream or linear SYN timeouts hold it). Never 0, which would mean "none".
 */
static inline __u32 tcptimer_last_retry_user_timeout_ms(__u32 elapsed_ms, __u32 next_rto_jiffies,
							__u32 hz)
{
	__u64 ms = (__u64)elapsed_ms + tcptimer_jiffies_to_msecs(next_rto_jiffies, hz);

	if (!ms)
		return 1;
	return ms > 0x7fffffffu ? 0x7fffffffu : (__u32)ms;
}

#endif

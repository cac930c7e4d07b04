/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace programs' maps' values that user space reads too: open stalls and losses.
 * Written by trace.bpf.c; read by user/kernel/tracer.c.
 */
#ifndef TCPTIMER_BPF_TRACE_MAP_H
#define TCPTIMER_BPF_TRACE_MAP_H

/* An open stall, keyed by the socket's kernel address. */
struct trace_stall {
	__u64 since_ns;   /* CLOCK_MONOTONIC */
	__u64 identity;   /* ports and hash of the addresses: a reused address is another socket */
	__u8 timer;       /* enum tcptimer_timer */
	__u8 kind;        /* enum tcptimer_sock_kind */
	__u8 flags;       /* TRACE_S_* */
	__u8 retransmits; /* icsk_retransmits and icsk_probes_out at the last event */
	__u8 probes_out;
	__u8 pad[3];
};

#define TRACE_S_DEFERRED 1 /* a write timer was left to the socket's owner */
#define TRACE_S_RST_IN 2
#define TRACE_S_RST_OUT 4
#define TRACE_S_CANDIDATE 16 /* no stall yet: a keepalive probe is out, and may be answered */
#define TRACE_S_CLOSED 8     /* reached CLOSE; the end is told when its reason is known */

/* Indexes of the per-CPU counters of what was not told. */
enum trace_loss {
	TRACE_LOSS_RING,   /* events: the ring buffer was full */
	TRACE_LOSS_TABLE,  /* stalls: the table of open stalls was full */
	TRACE_LOSS_UNSEEN, /* retransmissions that the kernel counted and no program saw */
	TRACE_LOSS_COUNT,
};

#endif

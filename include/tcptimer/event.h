/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thing that happened to one TCP socket's timers, as it crosses the ring buffer.
 * Filled by bpf/trace.bpf.c; validated by event_decode() in user/event.c before anything reads it.
 *
 * A record says facts, before and after; what they mean (action, cause) is decided once, by
 * event_judge() in user/event.c.
 */
#ifndef TCPTIMER_EVENT_H
#define TCPTIMER_EVENT_H

/* Columns of comments are laid out by hand. */
/* clang-format off */

#include "words.h"
#include "snapshot.h"

#define TCPTIMER_EVENT_VERSION 1

/* Bits of tcptimer_event.what: what was seen between the handler's entry and exit. */
#define TCPTIMER_W_RETRANSMIT (1u << 0)  /* tcp_retransmit_skb tracepoint; sent_err is its err */
#define TCPTIMER_W_SYNACK (1u << 1)      /* tcp_retransmit_synack tracepoint */
#define TCPTIMER_W_CLOSED (1u << 2)      /* inet_sock_set_state to CLOSE; after is the state just then */
#define TCPTIMER_W_ERROR (1u << 3)       /* inet_sk_error_report: the application was told */
#define TCPTIMER_W_RST_OUT (1u << 4)     /* tcp_send_reset, or bytes showing an active reset */
#define TCPTIMER_W_RST_IN (1u << 5)      /* tcp_receive_reset */
#define TCPTIMER_W_DESTROYED (1u << 6)   /* tcp_destroy_sock: after is the last state seen */
#define TCPTIMER_W_DEFERRED (1u << 7)    /* the handler found the socket in use and did nothing */
#define TCPTIMER_W_GONE (1u << 8)        /* the socket could not be read after the handler */
#define TCPTIMER_W_LATE (1u << 9)        /* runs for a handler deferred before (release_sock) */
#define TCPTIMER_W_STALL_BEGAN (1u << 10)
#define TCPTIMER_W_STALLED (1u << 11)    /* a stall was open when this happened */
#define TCPTIMER_W_TIMER (1u << 12)      /* inside a timer's handler */
#define TCPTIMER_W_TIMEWAIT (1u << 13)   /* TIME_WAIT or FIN_WAIT2 mini-socket took over */

/* What the timers depend on, before the handler ran. Units as in tcptimer_snapshot. */
struct tcptimer_before {
	__u64 expires;          /* of the timer that fired */
	__u32 rto_jiffies;
	__u32 snd_wnd;
	__u32 packets_out;
	__u32 segs_out;
	__u32 unsent;           /* write_seq - snd_nxt */
	__u32 probes_tstamp;
	__u32 total_retrans;
	__u32 snd_nxt;
	__u8 state;
	__u8 pending;
	__u8 retransmits;
	__u8 backoff;
	__u8 probes_out;
	__u8 num_timeout;
	__u8 delack_pending;
	__u8 ca_state;
};

struct tcptimer_event {
	__u16 size;             /* sizeof(struct tcptimer_event) of the writer */
	__u8 version;           /* TCPTIMER_EVENT_VERSION */
	__u8 kind;              /* enum tcptimer_event_kind */
	__u8 timer;             /* enum tcptimer_timer: the timer that fired or keeps the stall */
	__u8 stall_timer;       /* the stall open at this moment, else NONE */
	__u8 old_state;         /* for a state change: the state left */
	__u8 pad;
	__u32 what;             /* TCPTIMER_W_* */
	__u32 cpu;
	__u64 time_ns;          /* CLOCK_MONOTONIC */
	__u64 stall_since_ns;   /* CLOCK_MONOTONIC at which the stall began; 0: not stalled */
	__u64 stall_end_ns;     /* recovered: when the peer's answer came, to the jiffy */
	__s32 sent_err;         /* of the retransmission: 0 sent, > 0 dropped locally, < 0 -errno */
	__s32 err;              /* sk_err as the application gets it; 0: none */
	struct tcptimer_before before;
	struct tcptimer_snapshot after;
};

/* clang-format on */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TCP socket at one moment, as the kernel's own fields, and its namespace's sysctls.
 * Filled by bpf/fill.h (or by `simulate` from nothing); read by the engine, policy and output.
 *
 * Units are the kernel's: a name ends in its unit. Fields that the kernel lacks are 0. Jiffies
 * stamps of 32 bits are tcp_jiffies32, to be compared wrap-safely with the low half of now_jiffies.
 * Every byte is defined: the filler zeroes the record first.
 */
#ifndef TCPTIMER_SNAPSHOT_H
#define TCPTIMER_SNAPSHOT_H

/* Columns of comments are laid out by hand. */
/* clang-format off */

#ifndef __bpf__
#include <stddef.h>
#include <linux/types.h>
#endif

#define TCPTIMER_ADDR_LEN 16

/* What the socket is: a full socket, a mini-socket of TIME_WAIT or FIN_WAIT2, or a request (SYN_RECV). */
enum tcptimer_sock_kind {
	TCPTIMER_SOCK_FULL = 0,
	TCPTIMER_SOCK_TIMEWAIT = 1,
	TCPTIMER_SOCK_REQUEST = 2,
};

/* icsk_pending, as in include/net/inet_connection_sock.h (the same numbers from 4.14 to 7.2). */
enum tcptimer_pending {
	TCPTIMER_PENDING_NONE = 0,
	TCPTIMER_PENDING_RETRANS = 1,
	TCPTIMER_PENDING_DACK = 2,
	TCPTIMER_PENDING_PROBE0 = 3,
	TCPTIMER_PENDING_LOSS_PROBE = 5,
	TCPTIMER_PENDING_REO_TIMEOUT = 6,
};

/* Bits of tcptimer_snapshot.flags */
#define TCPTIMER_F_DEAD (1u << 0)           /* SOCK_DEAD: an orphan, no process holds it */
#define TCPTIMER_F_KEEPOPEN (1u << 1)       /* SO_KEEPALIVE */
#define TCPTIMER_F_OWNED (1u << 2)          /* locked by a process (sk_lock.owned) */
#define TCPTIMER_F_WRITE_PENDING (1u << 3)  /* the timer is on the wheel (timer_pending()) */
#define TCPTIMER_F_KEEP_PENDING (1u << 4)
#define TCPTIMER_F_DELACK_PENDING (1u << 5)
#define TCPTIMER_F_WRITE_DEFERRED (1u << 6) /* TCP_WRITE_TIMER_DEFERRED in sk_tsq_flags */
#define TCPTIMER_F_DELACK_DEFERRED (1u << 7)
#define TCPTIMER_F_THIN_LTO (1u << 8)       /* TCP_THIN_LINEAR_TIMEOUTS on this socket */
#define TCPTIMER_F_USEC_TS (1u << 9)        /* retrans_stamp is in microseconds (tcp_usec_ts) */
#define TCPTIMER_F_SACK (1u << 10)          /* SACK was agreed */
#define TCPTIMER_F_TFO_CHILD (1u << 11)     /* fastopen_rsk is set: the write timer resends SYN-ACKs */
#define TCPTIMER_F_RTO_MIN_ROUTE (1u << 12) /* rto_min_jiffies is the route's locked metric */
#define TCPTIMER_F_REQ_ACKED (1u << 13)     /* request: ireq acked (TCP_DEFER_ACCEPT) */
#define TCPTIMER_F_MPTCP (1u << 14)         /* a subflow */
#define TCPTIMER_F_MTU_PROBING (1u << 15)   /* icsk_mtup.enabled */
#define TCPTIMER_F_PACED (1u << 16)         /* sk_pacing_status != 0: pacing adds to some arms */
#define TCPTIMER_F_TIMER_HW (1u << 17)      /* the mini-socket's or request's timer is on the wheel */
#define TCPTIMER_F_SYN_FASTOPEN (1u << 18)  /* client side: the SYN carried a fast-open option or data */
#define TCPTIMER_F_REPAIR (1u << 19)        /* TCP_REPAIR: probes are not sent */
#define TCPTIMER_F_SYN_DATA_ACKED (1u << 20)
#define TCPTIMER_F_RCV_SHUTDOWN (1u << 21)
#define TCPTIMER_F_SEND_SHUTDOWN (1u << 22)

/* Bits of tcptimer_snapshot.delack_pending: enum inet_csk_ack_state_t */
#define TCPTIMER_ACK_SCHED 1
#define TCPTIMER_ACK_TIMER 2
#define TCPTIMER_ACK_PUSHED 4
#define TCPTIMER_ACK_PUSHED2 8
#define TCPTIMER_ACK_NOW 16
#define TCPTIMER_ACK_NOMEM 32

/*
 * tcptimer_snapshot.policy: the rule's place in the map of rules + 1, and the limits that policy, not
 * the application, has set. Known where the kernel hands the socket itself: in `list`, and at ends.
 */
#define TCPTIMER_POLICY_RULE 0xffffu
#define TCPTIMER_POLICY_USER_TIMEOUT (1u << 16)
#define TCPTIMER_POLICY_LAST_RETRY (1u << 17) /* max_retries: TCP_USER_TIMEOUT is the last retry's */
#define TCPTIMER_POLICY_SYN_RETRIES (1u << 18)
#define TCPTIMER_POLICY_KEEPALIVE (1u << 19)

/*
 * The namespace's sysctls (struct netns_ipv4), raw as the kernel stores them: those that /proc shows
 * in seconds are jiffies here, tcp_rto_max_ms stays in ms (0: this kernel has none, so 120 s).
 */
struct tcptimer_sysctls {
	__u32 fin_timeout_jiffies;     /* tcp_fin_timeout */
	__u32 keepalive_time_jiffies;  /* tcp_keepalive_time */
	__u32 keepalive_intvl_jiffies; /* tcp_keepalive_intvl */
	__u32 rto_min_us;              /* tcp_rto_min_us, 6.11; 0 when absent */
	__u32 rto_max_ms;              /* tcp_rto_max_ms, 6.15; 0 when absent */
	__u32 invalid_ratelimit_jiffies; /* tcp_invalid_ratelimit */
	__u8 keepalive_probes;
	__u8 syn_retries;
	__u8 synack_retries;
	__u8 syn_linear_timeouts;      /* 6.5; 0 when absent */
	__u8 retries1;
	__u8 retries2;
	__u8 orphan_retries;
	__u8 thin_linear_timeouts;
	__u8 early_retrans;
	__u8 recovery;
	__u8 frto;
	__u8 mtu_probing;
	__u8 rfc1337;
	__u8 tw_reuse;
	__u8 sack;
	__u8 timestamps;
	__u8 pingpong_thresh;
	__u8 syncookies;
	__u8 abort_on_overflow;
	__u8 pad[5];
};

/*
 * Timers: *_expires is the timer_list's expires, in jiffies, as the kernel rounded nothing yet; the
 * wheel bucket it sits in is *_flags >> 22 (kernel/time/timer.c), so index / 64 is the level. Valid
 * only with the PENDING bit. write_timeout is icsk_timeout where that exists (before 6.15), else
 * write_expires: the handler that runs before it re-arms and does nothing.
 */
struct tcptimer_snapshot {
	__u64 cookie;          /* SO_COOKIE; 0 when nobody asked for it yet */
	__u64 sk;              /* the kernel's address: joins records of one run, never shown */
	__u64 listener_sk;     /* request: the listener's address */
	__u64 now_jiffies;     /* jiffies_64 */
	__u64 now_ns;          /* CLOCK_MONOTONIC; tcp_clock_ns() is the same clock */
	__u64 cgroup_id;       /* of the socket's creation; 0 when unknown */
	__u64 netns_cookie;
	__u64 write_expires;
	__u64 write_timeout;
	__u64 keep_expires;    /* sk_timer: keepalive, and FIN_WAIT2 of an orphan */
	__u64 delack_expires;
	__u64 mini_expires;    /* rsk_timer or tw_timer */
	__u32 write_flags;     /* timer_list.flags */
	__u32 keep_flags;
	__u32 delack_flags;
	__u32 mini_flags;
	__u32 netns;           /* inode number of the network namespace */
	__u32 flags;           /* TCPTIMER_F_* */
	__u32 ifindex;         /* sk_bound_dev_if */
	__u32 uid;

	__u8 local_addr[TCPTIMER_ADDR_LEN]; /* network order; IPv4 in the first four bytes */
	__u8 remote_addr[TCPTIMER_ADDR_LEN];
	__u16 local_port;      /* host order */
	__u16 remote_port;
	__u8 family;           /* AF_INET or AF_INET6, numbered as Linux does */
	__u8 state;            /* enum tcptimer_state; a mini-socket's is its substate */
	__u8 kind;             /* enum tcptimer_sock_kind */
	__u8 pending;          /* icsk_pending: enum tcptimer_pending */

	__u32 rto_jiffies;     /* icsk_rto; request: req->timeout */
	__u32 rto_min_jiffies; /* effective: the route's locked metric or icsk_rto_min */
	__u32 rto_max_jiffies; /* icsk_rto_max (6.15) or 120 s */
	__u32 delack_max_jiffies;
	__u32 srtt_us;         /* smoothed RTT << 3 */
	__u32 mdev_us;
	__u32 rttvar_us;
	__u32 min_rtt_us;      /* ~0 when unknown */
	__u32 user_timeout_ms; /* TCP_USER_TIMEOUT; 0: none */

	__u32 packets_out;
	__u32 sacked_out;
	__u32 lost_out;
	__u32 retrans_out;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 write_seq;
	__u32 snd_wnd;
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
	__u32 mss_cache;
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 tlp_high_seq;
	__u32 high_seq;
	__u32 sndbuf_used;     /* sk_wmem_queued */
	__u32 total_retrans;

	__u32 retrans_stamp;   /* ms, or us with F_USEC_TS; 0: nothing retransmitted */
	__u32 rcv_tstamp;      /* jiffies32 of the last ACK received */
	__u32 lrcvtime;        /* jiffies32 of the last data received */
	__u32 lsndtime;        /* jiffies32 of the last data sent */
	__u32 probes_tstamp;   /* jiffies32 of the first window probe of this closed window; 0: none */
	__u32 last_oow_ack_time; /* jiffies32; 0: none */
	__u32 head_stamp_ms;   /* low half of the ms clock at which the write or rtx head was last sent; 0: unknown */

	__u32 keepalive_time_jiffies;  /* effective: the socket's own or the sysctl */
	__u32 keepalive_intvl_jiffies;
	__s32 linger2_jiffies;         /* TCP_LINGER2: 0 the sysctl, < 0 none */
	__s32 err;                     /* sk_err, positive errno */
	__s32 err_soft;                /* sk_err_soft */

	__u32 ack_backlog;             /* request: the listener's request queue (qlen) ... */
	__u32 ack_young;               /* ... its young entries ... */
	__u32 max_ack_backlog;         /* ... and limit */
	__u32 dack_timeout;            /* low half of icsk_ack.timeout where it exists, else of delack_expires */

	__u8 keepalive_probes;         /* effective */
	__u8 own_keepalive;            /* bit 0 time, 1 interval, 2 probes set on the socket itself */
	__u8 retransmits;              /* icsk_retransmits; request and TFO child: num_retrans */
	__u8 backoff;                  /* icsk_backoff */
	__u8 probes_out;               /* icsk_probes_out */
	__u8 syn_retries;              /* icsk_syn_retries (TCP_SYNCNT); request: the listener's; 0: sysctl */
	__u8 num_timeout;              /* request and TFO child: req->num_timeout */
	__u8 ca_state;                 /* enum tcp_ca_state: 0 Open 1 Disorder 2 CWR 3 Recovery 4 Loss */
	__u8 delack_pending;           /* icsk_ack.pending: TCPTIMER_ACK_* */
	__u8 delack_quick;
	__u8 delack_pingpong;
	__u8 delack_retry;             /* icsk_ack.retry; `blocked` on old kernels */
	__u8 defer_accept;             /* request: the listener's rskq_defer_accept */
	__u8 reordering_steps;         /* rack.reo_wnd_steps */
	__u16 total_rto;               /* 6.8; equals retransmits in the SYN states before */
	__u32 delack_ato_jiffies;      /* icsk_ack.ato */
	__u32 fastopen_timeout;        /* TFO child: req->timeout, jiffies */
	__u32 tw_ts_recent_stamp;      /* time wait: seconds */
	__u32 policy;                  /* TCPTIMER_POLICY_*: the rule that holds for it; 0: none known */

	struct tcptimer_sysctls sysctls;
};

#ifndef __bpf__
_Static_assert(sizeof(struct tcptimer_sysctls) == 48, "tcptimer_sysctls");
#endif

/* clang-format on */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel side counts of a group of connections, so that no event has to be copied.
 * Written by bpf/summary.h, summed over CPUs by user/kernel/counts.c; read by `summary` and `top`.
 */
#ifndef TCPTIMER_SUMMARY_MAP_H
#define TCPTIMER_SUMMARY_MAP_H

/* Columns of comments are laid out by hand. */
/* clang-format off */

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "snapshot.h"
#include "words.h"

/* Which parts of a connection make its group: bits of cfg_count. The other parts of the key are 0. */
#define TCPTIMER_BY_CGROUP (1u << 0)
#define TCPTIMER_BY_NETNS (1u << 1)
#define TCPTIMER_BY_REMOTE (1u << 2)
#define TCPTIMER_BY_RULE (1u << 3)
#define TCPTIMER_BY_SOCKET (1u << 4) /* cgroup, netns, both ends, the kernel's address */
#define TCPTIMER_BY_ALL (1u << 5)    /* one group of everything: set with no other bit */

/* Groups of an interval; those that find no place are counted as lost. */
#define TCPTIMER_SUMMARY_GROUPS 16384
#define TCPTIMER_SUMMARY_SOCKETS 65536 /* with TCPTIMER_BY_SOCKET */

struct tcptimer_summary_key {
	__u64 cgroup_id;
	__u64 sk; /* the kernel's address, as in tcptimer_snapshot.sk */
	__u32 netns;
	__u32 policy; /* tcptimer_snapshot.policy: bank and rule */
	__u8 local_addr[TCPTIMER_ADDR_LEN];
	__u8 remote_addr[TCPTIMER_ADDR_LEN];
	__u16 local_port;
	__u16 remote_port;
	__u8 family;
	__u8 bank; /* the interval's: banks take turns, so that one is read while the other is written */
	__u8 pad[2];
};

/*
 * The upper bounds of a histogram of times, in ms; the last bucket has none.
 *   X(ms)
 */
/* clang-format off */
#define TCPTIMER_BUCKETS(X)                                                                        \
	X(10) X(20) X(50) X(100) X(200) X(500) X(1000) X(2000) X(5000) X(10000) X(20000) X(30000)  \
	X(60000) X(120000) X(300000) X(600000) X(900000) X(1800000) X(3600000) X(7200000)
/* clang-format on */

#define TCPTIMER_BUCKET_ONE(ms) +1
#define TCPTIMER_BUCKET_COUNT (1 TCPTIMER_BUCKETS(TCPTIMER_BUCKET_ONE))

/* The bucket of a time: 0 is below the first bound. */
static inline __u32 tcptimer_bucket(__u64 time_ms)
{
	__u32 bucket = 0;

#define TCPTIMER_BUCKET_PASS(ms) bucket += time_ms >= (ms);
	TCPTIMER_BUCKETS(TCPTIMER_BUCKET_PASS)
#undef TCPTIMER_BUCKET_PASS
	return bucket;
}

/* Of one CPU, in one interval. `closed` may be below 0 on one CPU, and not in the sum: see bpf/summary.h. */
struct tcptimer_summary_counts {
	__u64 retransmitted; /* segments, SYNs and SYN-ACKs sent again: action "retransmitted" */
	__u64 retransmit_failed; /* action "retransmit_failed" */
	__u64 probes;            /* window, keepalive and loss probes: action "probed" */
	__u64 timeouts;         /* of the retransmission timer: retrans, syn, synack; and gave up */
	__u64 stalls;           /* begun */
	__u64 recovered;        /* stalls that ended with an answer ... */
	__u64 recovered_ms;     /* ... their lengths, added up, ... */
	__u64 recovered_max_ms; /* ... the longest, ... */
	__u64 recovered_hist[TCPTIMER_BUCKET_COUNT]; /* ... and how many of which length */
	__u64 ended[TCPTIMER_CAUSE_COUNT];
	__u64 fired;  /* mask of 1 << enum tcptimer_timer of its events */
	__u64 cookie; /* with TCPTIMER_BY_SOCKET */
};

#ifndef __bpf__
_Static_assert(sizeof(struct tcptimer_summary_key) == 64, "tcptimer_summary_key");
_Static_assert(TCPTIMER_BUCKET_COUNT == 21, "buckets");
#endif

/* clang-format on */

#endif

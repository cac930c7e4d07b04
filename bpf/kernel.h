/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's types, just the fields that are read; CO-RE finds their real places when loading.
 * Receives nothing; every BPF file includes this one instead of a generated vmlinux.h.
 */
#ifndef TCPTIMER_BPF_KERNEL_H
#define TCPTIMER_BPF_KERNEL_H

#define __bpf__ 1

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __le16;
typedef __u32 __le32;
typedef __u64 __le64;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

/* Numbers of the BPF interface (include/uapi/linux/bpf.h), as far as these programs use them. */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1 << 10 };
enum { BPF_SK_STORAGE_GET_F_CREATE = 1 };
enum { BPF_RB_AVAIL_DATA = 0, BPF_RB_RING_SIZE = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node {
	struct hlist_node **pprev;
};

struct timer_list {
	struct hlist_node entry;
	unsigned long expires;
	void (*function)(struct timer_list *);
	__u32 flags;
};

struct ns_common {
	unsigned int inum;
};

struct inet_timewait_death_row;

struct netns_ipv4 {
	__u8 sysctl_tcp_early_retrans;
	__u8 sysctl_tcp_mtu_probing;
	int sysctl_tcp_keepalive_time;
	int sysctl_tcp_keepalive_intvl;
	__u8 sysctl_tcp_keepalive_probes;
	__u8 sysctl_tcp_syn_retries;
	__u8 sysctl_tcp_synack_retries;
	__u8 sysctl_tcp_syncookies;
	__u8 sysctl_tcp_pingpong_thresh; /* 6.7 */
	__u8 sysctl_tcp_retries1;
	__u8 sysctl_tcp_retries2;
	__u8 sysctl_tcp_orphan_retries;
	__u8 sysctl_tcp_tw_reuse;
	int sysctl_tcp_fin_timeout;
	__u8 sysctl_tcp_sack;
	__u8 sysctl_tcp_timestamps;
	int sysctl_tcp_rto_min_us; /* 6.11 */
	int sysctl_tcp_rto_max_ms; /* 6.15 */
	__u8 sysctl_tcp_recovery;
	__u8 sysctl_tcp_thin_linear_timeouts;
	__u8 sysctl_tcp_rfc1337;
	__u8 sysctl_tcp_abort_on_overflow;
	__u8 sysctl_tcp_frto;
	int sysctl_tcp_invalid_ratelimit;
	__u8 sysctl_tcp_syn_linear_timeouts; /* 6.5 */
};

struct net {
	__u64 net_cookie;
	struct ns_common ns;
	struct netns_ipv4 ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

typedef struct {
	__s64 counter;
} atomic64_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

struct sock_common {
	union {
		struct {
			__be32 skc_daddr;
			__be32 skc_rcv_saddr;
		};
	};
	union {
		struct {
			__be16 skc_dport;
			__u16 skc_num;
		};
	};
	unsigned short skc_family;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	union {
		unsigned long skc_flags;
		struct sock *skc_listener;
	};
	refcount_t skc_refcnt;
};

typedef struct {
	int owned;
} socket_lock_t;

typedef struct {
	__u32 val;
} kuid_t;

struct kernfs_node {
	__u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
	int level;
	struct cgroup *ancestors[1]; /* 6.1; as many as levels */
};

/* What a program's context is for the kernel. */
struct bpf_sock_ops_kern {
	struct sock *sk;
};

struct bpf_sockopt_kern {
	struct sock *sk;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct rb_node {
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct sk_buff {
	union {
		struct {
			struct sk_buff *next;
		};
		struct rb_node rbnode;
	};
	union {
		__u64 skb_mstamp_ns;
	};
};

struct sk_buff_head {
	struct sk_buff *next;
};

struct dst_entry {
	unsigned long _metrics;
};

struct sock {
	struct sock_common __sk_common;
	struct dst_entry *sk_dst_cache;
	socket_lock_t sk_lock;
	int sk_err;
	int sk_err_soft;
	int sk_wmem_queued;
	unsigned long sk_tsq_flags;
	union {
		struct rb_root tcp_rtx_queue;
	};
	struct sk_buff_head sk_write_queue;
	__u32 sk_pacing_status;
	struct timer_list sk_timer;
	kuid_t sk_uid;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	__u32 sk_max_ack_backlog;
	struct sock_cgroup_data sk_cgrp_data;
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
};

struct request_sock_queue {
	__u8 rskq_defer_accept;
	atomic_t qlen;
	atomic_t young;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
	struct timer_list icsk_retransmit_timer;
	struct timer_list icsk_delack_timer;
	__u32 icsk_rto;
	__u32 icsk_rto_min;
	__u32 icsk_delack_max;
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits;
	__u8 icsk_pending;
	__u8 icsk_backoff;
	__u8 icsk_syn_retries;
	__u8 icsk_probes_out;
	struct {
		__u8 pending;
		__u8 quick;
		__u8 pingpong;
		__u8 retry;
		__u32 ato : 8;
		__u32 lrcvtime;
	} icsk_ack;
	struct {
		__u32 enabled : 1;
	} icsk_mtup;
	__u32 icsk_probes_tstamp;
	__u32 icsk_user_timeout;
};

struct minmax_sample {
	__u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_options_received {
	__u16 sack_ok : 3;
};

struct tcp_rack {
	__u8 reo_wnd_steps;
};

struct request_sock;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 snd_wnd;
	__u32 mss_cache;
	__u32 snd_cwnd;
	__u32 lost_out;
	__u32 sacked_out;
	__u8 repair : 1;
	__u32 copied_seq;
	__u32 tlp_high_seq;
	__u32 rttvar_us;
	__u32 retrans_out;
	__u32 snd_ssthresh;
	struct minmax rtt_min;
	__u32 segs_out;
	__u32 write_seq;
	__u32 lsndtime;
	__u32 mdev_us;
	__u64 tcp_mstamp;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 srtt_us;
	__u32 packets_out;
	__u32 rcv_tstamp;
	struct tcp_options_received rx_opt;
	struct tcp_rack rack;
	__u8 thin_lto : 1;
	__u8 syn_data : 1;
	__u8 syn_fastopen : 1;
	__u8 syn_data_acked : 1;
	__u8 keepalive_probes;
	__u32 last_oow_ack_time;
	__u32 high_seq;
	__u32 retrans_stamp;
	__u32 total_retrans;
	unsigned int keepalive_time;
	unsigned int keepalive_intvl;
	int linger2;
	bool is_mptcp;
	struct request_sock *fastopen_rsk;
};

struct request_sock {
	struct sock_common __req_common;
	__u8 num_retrans;
	__u8 num_timeout : 7;
	struct timer_list rsk_timer;
	__u32 timeout;
};

struct inet_request_sock {
	struct request_sock req;
	__u16 acked : 1;
};

struct tcp_request_sock {
	struct inet_request_sock req;
	__u32 last_oow_ack_time;
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	unsigned char tw_substate;
	__be16 tw_sport;
	struct timer_list tw_timer;
};

struct tcp_timewait_sock {
	struct inet_timewait_sock tw_sk;
	__u32 tw_last_oow_ack_time;
	int tw_ts_recent_stamp;
};

/* Iterators' contexts */
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	__u32 uid;
};

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *group_leader;
};

struct socket {
	struct sock *sk;
};

struct file;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* Bits and numbers that BTF has no name for, or that never moved. */
#define SOCK_DEAD 0 /* enum sock_flags */
#define SOCK_KEEPOPEN 3
#define IPPROTO_TCP 6
#define AF_INET 2
#define AF_INET6 10
#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2
#define RTAX_LOCK 1 /* include/uapi/linux/rtnetlink.h */
#define RTAX_RTO_MIN 13
#define DST_METRICS_FLAGS 3UL

#endif

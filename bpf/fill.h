/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a socket's address to a struct tcptimer_snapshot.
 * Receives addresses from iterators and timers (how they are read: KREAD in compat.h); hands a full
 * record.
 */
#ifndef TCPTIMER_BPF_FILL_H
#define TCPTIMER_BPF_FILL_H

#include "compat.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include "tcptimer/event.h"
#include "tcptimer/stall.h"

/* The kernel's CONFIG_HZ, set by the loader. */
extern const volatile __u32 cfg_hz;

/* A red-black tree of segments in flight is never deeper than this (2^22 segments). */
#define FILL_RTX_DEPTH 44

/* expires, flags and whether it is on the wheel (timer_pending(): entry.pprev != NULL). */
static __always_inline bool fill_timer(bool typed, __u64 timer, __u64 *ret_expires,
				       __u32 *ret_flags)
{
	struct timer_list *t = KPTR(timer_list, timer);

	*ret_expires = KREAD_IF(typed, t, expires);
	*ret_flags = KREAD_IF(typed, t, flags);
	return KREAD_IF(typed, t, entry.pprev) != NULL;
}

/* What all sockets of a network namespace have in common. */
struct fill_net {
	struct tcptimer_sysctls sysctls;
	__u64 cookie;
	__u32 inum;
};

/* Of a namespace that is no iterator's to hand. */
#ifdef KREAD_CAST
#define FILL_NET(...) KREAD(net, __VA_ARGS__)
#else
#define FILL_NET(...) BPF_CORE_READ(net, __VA_ARGS__)
#endif

/* A sysctl of the namespace, 0 where the kernel lacks it. */
#define FILL_SYSCTL(field) (bpf_core_field_exists(net->ipv4.field) ? FILL_NET(ipv4.field) : 0)

static __always_inline void fill_sysctls(struct tcptimer_sysctls *c, struct net *net)
{
	c->fin_timeout_jiffies = FILL_SYSCTL(sysctl_tcp_fin_timeout);
	c->keepalive_time_jiffies = FILL_SYSCTL(sysctl_tcp_keepalive_time);
	c->keepalive_intvl_jiffies = FILL_SYSCTL(sysctl_tcp_keepalive_intvl);
	c->rto_min_us = FILL_SYSCTL(sysctl_tcp_rto_min_us);
	c->rto_max_ms = FILL_SYSCTL(sysctl_tcp_rto_max_ms);
	c->invalid_ratelimit_jiffies = FILL_SYSCTL(sysctl_tcp_invalid_ratelimit);
	c->keepalive_probes = FILL_SYSCTL(sysctl_tcp_keepalive_probes);
	c->syn_retries = FILL_SYSCTL(sysctl_tcp_syn_retries);
	c->synack_retries = FILL_SYSCTL(sysctl_tcp_synack_retries);
	c->syn_linear_timeouts = FILL_SYSCTL(sysctl_tcp_syn_linear_timeouts);
	c->retries1 = FILL_SYSCTL(sysctl_tcp_retries1);
	c->retries2 = FILL_SYSCTL(sysctl_tcp_retries2);
	c->orphan_retries = FILL_SYSCTL(sysctl_tcp_orphan_retries);
	c->thin_linear_timeouts = FILL_SYSCTL(sysctl_tcp_thin_linear_timeouts);
	c->early_retrans = FILL_SYSCTL(sysctl_tcp_early_retrans);
	c->recovery = FILL_SYSCTL(sysctl_tcp_recovery);
	c->frto = FILL_SYSCTL(sysctl_tcp_frto);
	c->mtu_probing = FILL_SYSCTL(sysctl_tcp_mtu_probing);
	c->rfc1337 = FILL_SYSCTL(sysctl_tcp_rfc1337);
	c->tw_reuse = FILL_SYSCTL(sysctl_tcp_tw_reuse);
	c->sack = FILL_SYSCTL(sysctl_tcp_sack);
	c->timestamps = FILL_SYSCTL(sysctl_tcp_timestamps);
	c->pingpong_thresh = FILL_SYSCTL(sysctl_tcp_pingpong_thresh);
	c->syncookies = FILL_SYSCTL(sysctl_tcp_syncookies);
	c->abort_on_overflow = FILL_SYSCTL(sysctl_tcp_abort_on_overflow);
}

/* ret_sysctls may be NULL. Probed: typed reads of pointers make the verifier search long (6.18). */
static __always_inline void fill_net(struct sock_common *skc, struct tcptimer_sysctls *ret_sysctls,
				     __u64 *ret_cookie, __u32 *ret_inum)
{
	struct net *net = KPTR(net, KCAST(net, BPF_CORE_READ(skc, skc_net.net)));

	if (ret_sysctls)
		fill_sysctls(ret_sysctls, net);
	*ret_cookie = FILL_NET(net_cookie);
	*ret_inum = FILL_NET(ns.inum);
}

/* The namespace: as known from the socket before, or read now. */
static __always_inline void fill_namespace(struct tcptimer_snapshot *s, struct sock_common *skc,
					   const struct fill_net *known)
{
	if (!known) {
		fill_net(skc, &s->sysctls, &s->netns_cookie, &s->netns);
		return;
	}
	s->sysctls = known->sysctls;
	s->netns_cookie = known->cookie;
	s->netns = known->inum;
}

static __always_inline void fill_word(__u8 *addr, __be32 word)
{
	__builtin_memcpy(addr, &word, sizeof(word));
}

/* What all kinds of sockets share: who and where. */
static __always_inline void fill_common(struct tcptimer_snapshot *s, __u64 sk)
{
	struct sock_common *skc = KPTR(sock_common, KCAST(sock_common, sk));

	s->sk = sk;
	s->now_jiffies = bpf_jiffies64();
	s->now_ns = bpf_ktime_get_ns();
	s->cookie = KREAD(skc, skc_cookie.counter);
	s->family = KREAD(skc, skc_family);
	s->state = KREAD(skc, skc_state);
	s->local_port = KREAD(skc, skc_num);
	s->remote_port = bpf_ntohs(KREAD(skc, skc_dport));
	s->ifindex = KREAD(skc, skc_bound_dev_if);
	if (s->family == AF_INET6) {
		for (int i = 0; i < 4; i++) {
			fill_word(s->local_addr + 4 * i,
				  KREAD(skc, skc_v6_rcv_saddr.in6_u.u6_addr32[i]));
			fill_word(s->remote_addr + 4 * i,
				  KREAD(skc, skc_v6_daddr.in6_u.u6_addr32[i]));
		}
	} else {
		fill_word(s->local_addr, KREAD(skc, skc_rcv_saddr));
		fill_word(s->remote_addr, KREAD(skc, skc_daddr));
	}
}

static __always_inline void fill_cgroup(bool typed, struct tcptimer_snapshot *s, __u64 sk)
{
	struct sock *p = KPTR(sock, typed ? KCAST(sock, sk) : sk);

	s->cgroup_id = KREAD_IF(typed, p, sk_cgrp_data.cgroup, kn, id);
}

static __always_inline __u32 fill_full_flags(__u64 sk)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	struct sock *p = KPTR(sock, sk);
	unsigned long skf = KREAD(p, __sk_common.skc_flags);
	unsigned long tsq = KREAD(p, sk_tsq_flags);
	__u8 shut = KREAD(p, sk_shutdown);
	__u32 f = 0;

	if (skf & (1UL << SOCK_DEAD))
		f |= TCPTIMER_F_DEAD;
	if (skf & (1UL << SOCK_KEEPOPEN))
		f |= TCPTIMER_F_KEEPOPEN;
	if (KREAD(p, sk_lock.owned))
		f |= TCPTIMER_F_OWNED;
	if (tsq & (1UL << bpf_core_enum_value(enum tsq_enum, TCP_WRITE_TIMER_DEFERRED)))
		f |= TCPTIMER_F_WRITE_DEFERRED;
	if (tsq & (1UL << bpf_core_enum_value(enum tsq_enum, TCP_DELACK_TIMER_DEFERRED)))
		f |= TCPTIMER_F_DELACK_DEFERRED;
	if (KREAD_BITS(tp, thin_lto))
		f |= TCPTIMER_F_THIN_LTO;
	if (compat_usec_ts(sk))
		f |= TCPTIMER_F_USEC_TS;
	if (KREAD_BITS(tp, rx_opt.sack_ok))
		f |= TCPTIMER_F_SACK;
	if (KREAD(tp, fastopen_rsk))
		f |= TCPTIMER_F_TFO_CHILD;
	if (KREAD(tp, is_mptcp))
		f |= TCPTIMER_F_MPTCP;
	if (KREAD_BITS(tp, inet_conn.icsk_mtup.enabled))
		f |= TCPTIMER_F_MTU_PROBING;
	if (KREAD(p, sk_pacing_status))
		f |= TCPTIMER_F_PACED;
	if (KREAD_BITS(tp, syn_fastopen) || KREAD_BITS(tp, syn_data))
		f |= TCPTIMER_F_SYN_FASTOPEN;
	if (KREAD_BITS(tp, syn_data_acked))
		f |= TCPTIMER_F_SYN_DATA_ACKED;
	if (KREAD_BITS(tp, repair))
		f |= TCPTIMER_F_REPAIR;
	if (shut & RCV_SHUTDOWN)
		f |= TCPTIMER_F_RCV_SHUTDOWN;
	if (shut & SEND_SHUTDOWN)
		f |= TCPTIMER_F_SEND_SHUTDOWN;
	return f;
}

/* What tcptimer_keepalive_unanswered() measures with. */
static __always_inline void fill_probe_age(struct tcptimer_snapshot *s, __u64 sk)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	__u32 intvl = KREAD(tp, keepalive_intvl);
	struct net *net;

	if (!intvl) {
		net = BPF_CORE_READ(KPTR(sock_common, sk), skc_net.net);
		intvl = BPF_CORE_READ(net, ipv4.sysctl_tcp_keepalive_intvl);
	}
	s->keepalive_intvl_jiffies = intvl;
	s->now_jiffies = bpf_jiffies64();
	s->rto_jiffies = KREAD(tp, inet_conn.icsk_rto);
	fill_timer(true, sk + compat_keep_timer_offset(), &s->keep_expires, &s->keep_flags);
}

/* What tcptimer_stall_timer() looks at on a full socket, and nothing else: the sweep's cheap look. */
static __always_inline void fill_stall_fields(struct tcptimer_snapshot *s, __u64 address)
{
	__u64 sk = KCAST(tcp_sock, address);
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	struct sock *p = KPTR(sock, sk);

	s->kind = TCPTIMER_SOCK_FULL;
	s->state = KREAD(p, __sk_common.skc_state);
	s->flags = KREAD(p, __sk_common.skc_flags) & (1UL << SOCK_KEEPOPEN) ? TCPTIMER_F_KEEPOPEN :
									      0;
	s->packets_out = KREAD(tp, packets_out);
	s->retransmits = KREAD(tp, inet_conn.icsk_retransmits);
	s->snd_wnd = KREAD(tp, snd_wnd);
	s->ca_state = KREAD_BITS(tp, inet_conn.icsk_ca_state);
	s->retrans_stamp = KREAD(tp, retrans_stamp);
	s->write_seq = KREAD(tp, write_seq);
	s->snd_nxt = KREAD(tp, snd_nxt);
	s->probes_tstamp = KREAD(tp, inet_conn.icsk_probes_tstamp);
	s->probes_out = KREAD(tp, inet_conn.icsk_probes_out);
	s->rcv_tstamp = KREAD(tp, rcv_tstamp);
	/* One keepalive probe out: when it left decides. */
	if (s->probes_out == 1 && (s->flags & TCPTIMER_F_KEEPOPEN) && !s->packets_out)
		fill_probe_age(s, sk);
	if (s->state == TCPTIMER_STATE_SYN_RECV || s->state == TCPTIMER_STATE_FIN_WAIT1) {
		struct request_sock *req = KREAD(tp, fastopen_rsk);

		if (req) {
			s->flags |= TCPTIMER_F_TFO_CHILD;
			s->num_timeout = BPF_CORE_READ_BITFIELD_PROBED(req, num_timeout);
			s->fastopen_timeout = BPF_CORE_READ(req, timeout);
		}
	}
}

static __always_inline void fill_full_timers(struct tcptimer_snapshot *s, __u64 sk)
{
	struct inet_connection_sock *icsk = KPTR(inet_connection_sock, sk);

	if (fill_timer(true, sk + compat_write_timer_offset(), &s->write_expires, &s->write_flags))
		s->flags |= TCPTIMER_F_WRITE_PENDING;
	if (fill_timer(true, sk + compat_keep_timer_offset(), &s->keep_expires, &s->keep_flags))
		s->flags |= TCPTIMER_F_KEEP_PENDING;
	if (fill_timer(true, sk + compat_delack_timer_offset(), &s->delack_expires,
		       &s->delack_flags))
		s->flags |= TCPTIMER_F_DELACK_PENDING;
	s->write_timeout = compat_write_timeout(sk, s->write_expires);
	s->dack_timeout = compat_dack_timeout(sk, s->delack_expires);
	s->pending = KREAD(icsk, icsk_pending);
	s->delack_pending = KREAD(icsk, icsk_ack.pending);
	s->delack_quick = KREAD(icsk, icsk_ack.quick);
	s->delack_pingpong = KREAD(icsk, icsk_ack.pingpong);
	s->delack_retry = KREAD(icsk, icsk_ack.retry);
	s->delack_ato_jiffies = KREAD_BITS(icsk, icsk_ack.ato);
	s->delack_max_jiffies = KREAD(icsk, icsk_delack_max);
}

static __always_inline void fill_rto_min(struct tcptimer_snapshot *s, __u64 sk)
{
	bool route;

	s->rto_min_jiffies = compat_rto_min_jiffies(sk, cfg_hz, &route);
	if (route)
		s->flags |= TCPTIMER_F_RTO_MIN_ROUTE;
}

/* One step down to the left, of bpf_loop(): the verifier walks it once, not for each of the steps. */
static long fill_leftmost(__u32 step, struct rb_node **node)
{
	struct rb_node *left = BPF_CORE_READ(*node, rb_left);

	if (!left)
		return 1;
	*node = left;
	return 0;
}

/* When the first segment in the queue that the timer serves was last sent (tcp_skb_timestamp). */
static __always_inline void fill_head_stamp(struct tcptimer_snapshot *s, __u64 sk)
{
	struct sock *p = KPTR(sock, sk);
	struct sk_buff *head;

	if (s->packets_out) {
		struct rb_node *node = BPF_CORE_READ(p, tcp_rtx_queue.rb_node);

		if (!node)
			return;
		bpf_loop(FILL_RTX_DEPTH, fill_leftmost, &node, 0);
		head = (void *)((unsigned long)node -
				bpf_core_field_offset(struct sk_buff, rbnode));
	} else if (s->write_seq != s->snd_nxt) {
		head = BPF_CORE_READ(p, sk_write_queue.next);
	} else {
		return;
	}
	s->head_stamp_ms = BPF_CORE_READ(head, skb_mstamp_ns) / 1000000;
}

static __always_inline void fill_full_rto(struct tcptimer_snapshot *s, __u64 sk)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);

	s->rto_jiffies = KREAD(tp, inet_conn.icsk_rto);
	s->rto_max_jiffies = compat_rto_max_jiffies(sk, 120 * cfg_hz);
	fill_rto_min(s, sk);
	s->srtt_us = KREAD(tp, srtt_us);
	s->mdev_us = KREAD(tp, mdev_us);
	s->rttvar_us = KREAD(tp, rttvar_us);
	s->min_rtt_us = KREAD(tp, rtt_min.s[0].v);
	s->user_timeout_ms = KREAD(tp, inet_conn.icsk_user_timeout);
	s->backoff = KREAD(tp, inet_conn.icsk_backoff);
	s->syn_retries = KREAD(tp, inet_conn.icsk_syn_retries);
	s->total_rto = compat_total_rto(sk, s->retransmits);
	s->reordering_steps = KREAD(tp, rack.reo_wnd_steps);
}

static __always_inline void fill_full_queues(struct tcptimer_snapshot *s, __u64 sk)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	struct sock *p = KPTR(sock, sk);

	s->sacked_out = KREAD(tp, sacked_out);
	s->lost_out = KREAD(tp, lost_out);
	s->retrans_out = KREAD(tp, retrans_out);
	s->snd_una = KREAD(tp, snd_una);
	s->snd_cwnd = KREAD(tp, snd_cwnd);
	s->snd_ssthresh = KREAD(tp, snd_ssthresh);
	s->mss_cache = KREAD(tp, mss_cache);
	s->rcv_nxt = KREAD(tp, rcv_nxt);
	s->copied_seq = KREAD(tp, copied_seq);
	s->tlp_high_seq = KREAD(tp, tlp_high_seq);
	s->high_seq = KREAD(tp, high_seq);
	s->total_retrans = KREAD(tp, total_retrans);
	s->sndbuf_used = KREAD(p, sk_wmem_queued);
	s->lrcvtime = KREAD(tp, inet_conn.icsk_ack.lrcvtime);
	s->lsndtime = KREAD(tp, lsndtime);
	s->last_oow_ack_time = KREAD(tp, last_oow_ack_time);
	s->uid = KREAD(p, sk_uid.val);
	s->err = KREAD(p, sk_err);
	s->err_soft = KREAD(p, sk_err_soft);
}

/* keepalive_time_when() and its neighbours: the socket's own, or the namespace's. */
static __always_inline void fill_keepalive(struct tcptimer_snapshot *s, __u64 sk)
{
	struct tcp_sock *tp = KPTR(tcp_sock, sk);
	__u32 time = KREAD(tp, keepalive_time);
	__u32 intvl = KREAD(tp, keepalive_intvl);
	__u8 probes = KREAD(tp, keepalive_probes);

	s->own_keepalive = (time ? 1 : 0) | (intvl ? 2 : 0) | (probes ? 4 : 0);
	s->keepalive_time_jiffies = time ? time : s->sysctls.keepalive_time_jiffies;
	s->keepalive_intvl_jiffies = intvl ? intvl : s->sysctls.keepalive_intvl_jiffies;
	s->keepalive_probes = probes ? probes : s->sysctls.keepalive_probes;
	s->linger2_jiffies = KREAD(tp, linger2);
}

static __always_inline void fill_listener(struct tcptimer_snapshot *s, __u64 listener)
{
	struct inet_connection_sock *icsk = KPTR(inet_connection_sock, listener);

	s->ack_backlog = BPF_CORE_READ(icsk, icsk_accept_queue.qlen.counter);
	s->ack_young = BPF_CORE_READ(icsk, icsk_accept_queue.young.counter);
	s->max_ack_backlog = BPF_CORE_READ(KPTR(sock, listener), sk_max_ack_backlog);
	s->defer_accept = BPF_CORE_READ(icsk, icsk_accept_queue.rskq_defer_accept);
}

/* A full socket. The record must be zeroed. `known`: the namespace's, or NULL to read it. */
static __always_inline void fill_full(struct tcptimer_snapshot *s, __u64 address,
				      const struct fill_net *known)
{
	__u64 sk = KCAST(tcp_sock, address);

	fill_common(s, sk);
	/* A socket on its way to CLOSE has put its port back already (inet_put_port). */
	if (!s->local_port)
		s->local_port = bpf_ntohs(KREAD(KPTR(inet_sock, sk), inet_sport));
	fill_namespace(s, KPTR(sock_common, sk), known);
	fill_cgroup(true, s, sk);
	fill_stall_fields(s, sk);
	s->flags = fill_full_flags(sk);
	fill_full_timers(s, sk);
	fill_full_rto(s, sk);
	fill_full_queues(s, sk);
	fill_keepalive(s, sk);
	fill_head_stamp(s, sk);
	if (s->state == TCPTIMER_STATE_LISTEN)
		fill_listener(s, sk);
}

/* A request socket (SYN_RECV). The record must be zeroed. */
static __always_inline void fill_request(struct tcptimer_snapshot *s, __u64 req,
					 const struct fill_net *known)
{
	struct tcp_request_sock *treq = KPTR(tcp_request_sock, req);
	struct request_sock *r = KPTR(request_sock, req);
	__u64 listener;

	fill_common(s, req);
	fill_namespace(s, KPTR(sock_common, req), known);
	s->kind = TCPTIMER_SOCK_REQUEST;
	s->state = TCPTIMER_STATE_NEW_SYN_RECV;
	listener = (__u64)BPF_CORE_READ(r, __req_common.skc_listener);
	s->listener_sk = listener;
	fill_cgroup(false, s, listener);
	fill_listener(s, listener);
	s->uid = BPF_CORE_READ(KPTR(sock, listener), sk_uid.val);
	s->syn_retries = BPF_CORE_READ(KPTR(inet_connection_sock, listener), icsk_syn_retries);
	s->rto_max_jiffies = compat_rto_max_of(false, listener, 120 * cfg_hz);
	if (fill_timer(false, req + bpf_core_field_offset(struct request_sock, rsk_timer),
		       &s->mini_expires, &s->mini_flags))
		s->flags |= TCPTIMER_F_TIMER_HW;
	s->rto_jiffies = BPF_CORE_READ(r, timeout);
	s->retransmits = BPF_CORE_READ(r, num_retrans);
	s->num_timeout = BPF_CORE_READ_BITFIELD_PROBED(r, num_timeout);
	if (BPF_CORE_READ_BITFIELD_PROBED(treq, req.acked))
		s->flags |= TCPTIMER_F_REQ_ACKED;
	s->last_oow_ack_time = BPF_CORE_READ(treq, last_oow_ack_time);
}

/* A mini-socket of TIME_WAIT or FIN_WAIT2. The record must be zeroed. */
static __always_inline void fill_timewait(struct tcptimer_snapshot *s, __u64 tw,
					  const struct fill_net *known)
{
	struct tcp_timewait_sock *ttw = KPTR(tcp_timewait_sock, tw);
	struct inet_timewait_sock *t = KPTR(inet_timewait_sock, tw);

	fill_common(s, tw);
	fill_namespace(s, KPTR(sock_common, tw), known);
	s->kind = TCPTIMER_SOCK_TIMEWAIT;
	s->state = BPF_CORE_READ(t, tw_substate);
	s->rto_max_jiffies = 120 * cfg_hz;
	if (fill_timer(false, tw + bpf_core_field_offset(struct inet_timewait_sock, tw_timer),
		       &s->mini_expires, &s->mini_flags))
		s->flags |= TCPTIMER_F_TIMER_HW;
	s->last_oow_ack_time = BPF_CORE_READ(ttw, tw_last_oow_ack_time);
	s->tw_ts_recent_stamp = BPF_CORE_READ(ttw, tw_ts_recent_stamp);
}

#endif

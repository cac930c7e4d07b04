// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Iterators: every TCP socket of a namespace as a snapshot, and who holds which socket.
 * Receives sockets from iter/tcp and files from iter/task_file; hands binary records to user/kernel/.
 */
#define KREAD_TYPED /* iter/tcp hands sockets that the verifier knows */
#include "fill.h"
#include "owner.h"
#include "policy_of.h"

const volatile __u32 cfg_hz = 250;
const volatile __u32 cfg_states = ~0U;   /* mask of 1 << state to write */
const volatile __u16 cfg_family = 0;     /* AF_INET or AF_INET6; 0: both */
const volatile bool cfg_stalled = false; /* only stalled sockets */

/* By itself, user/kernel/snapshots.c loads these without libbpf reading all of the kernel's types. */
#ifdef SNAPSHOT_ALONE
#define SNAPSHOT_SEC(target) SEC("snapshot/" target)
#else
#define SNAPSHOT_SEC(target) SEC("iter/" target)
#endif

/* An iteration stays in one namespace, which is read with its first socket. */
struct snapshot_scratch {
	__u64 session_id; /* of the iteration that `net` belongs to; 0: none */
	struct fill_net net;
	struct tcptimer_snapshot snapshot;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snapshot_scratch);
} snapshot_scratch SEC(".maps");

/* True when the kernel side can tell that this one is not asked for. */
static __always_inline bool snapshot_skips(struct sock_common *skc, __u32 state)
{
	__u16 family = skc->skc_family;

	if (family != AF_INET && family != AF_INET6)
		return true;
	if (cfg_family && family != cfg_family)
		return true;
	return !(cfg_states & (1U << (state & 31)));
}

/* What tcptimer_stall_timer() cannot do without: most sockets are not stalled. */
static __always_inline bool snapshot_may_be_stalled(const struct tcp_sock *tp, __u32 state)
{
	return tp->inet_conn.icsk_retransmits || tp->inet_conn.icsk_probes_out ||
	       tp->inet_conn.icsk_probes_tstamp || (!tp->snd_wnd && tp->retrans_stamp) ||
	       state == TCPTIMER_STATE_SYN_RECV || state == TCPTIMER_STATE_FIN_WAIT1;
}

static __always_inline bool snapshot_stalled_full(struct tcptimer_snapshot *s,
						  const struct tcp_sock *tp, __u32 state)
{
	if (!snapshot_may_be_stalled(tp, state))
		return false;
	fill_stall_fields(s, (__u64)tp);
	return tcptimer_stall_timer(s) != TCPTIMER_TIMER_NONE;
}

static __always_inline int snapshot_full(struct tcptimer_snapshot *s, struct sock_common *skc,
					 const struct fill_net *net)
{
	__u32 state = skc->skc_state;
	struct tcp_sock *tp;

	if (snapshot_skips(skc, state))
		return -1;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp || (cfg_stalled && !snapshot_stalled_full(s, tp, state)))
		return -1;
	__builtin_memset(s, 0, sizeof(*s));
	fill_full(s, (__u64)tp, net);
	s->policy = policy_of(tp);
	return 0;
}

static __always_inline int snapshot_fill(struct tcptimer_snapshot *s, struct sock_common *skc,
					 const struct fill_net *net)
{
	__u64 sk = (__u64)skc;

	switch (skc->skc_state) {
	case TCPTIMER_STATE_TIME_WAIT:
		if (cfg_stalled ||
		    snapshot_skips(skc, BPF_CORE_READ(KPTR(inet_timewait_sock, sk), tw_substate)))
			return -1;
		__builtin_memset(s, 0, sizeof(*s));
		fill_timewait(s, sk, net);
		return 0;
	case TCPTIMER_STATE_NEW_SYN_RECV:
		if (snapshot_skips(skc, TCPTIMER_STATE_SYN_RECV))
			return -1;
		if (cfg_stalled && !BPF_CORE_READ(KPTR(request_sock, sk), num_retrans))
			return -1;
		__builtin_memset(s, 0, sizeof(*s));
		fill_request(s, sk, net);
		return 0;
	default:
		return snapshot_full(s, skc, net);
	}
}

SNAPSHOT_SEC("tcp")
int snapshot_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct snapshot_scratch *scratch;
	struct tcptimer_snapshot *s;
	__u32 zero = 0;

	if (!skc)
		return 0;
	scratch = bpf_map_lookup_elem(&snapshot_scratch, &zero);
	if (!scratch)
		return 0;
	if (scratch->session_id != ctx->meta->session_id) {
		fill_net(skc, &scratch->net.sysctls, &scratch->net.cookie, &scratch->net.inum);
		scratch->session_id = ctx->meta->session_id;
	}
	s = &scratch->snapshot;
	if (snapshot_fill(s, skc, &scratch->net))
		return 0;
	if (!s->cookie)
		s->cookie = bpf_get_socket_cookie(skc);
	bpf_seq_write(ctx->meta->seq, s, sizeof(*s));
	return 0;
}

SNAPSHOT_SEC("task_file")
int snapshot_owner(struct bpf_iter__task_file *ctx)
{
	struct tcptimer_owner rec = {};
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6)
		return 0;
	rec.sk = (__u64)sk;
	rec.cookie = sk->__sk_common.skc_cookie.counter;
	rec.pid = task->tgid;
	rec.fd = ctx->fd;
	BPF_CORE_READ_STR_INTO(&rec.comm, task, group_leader, comm);
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every TCP timer as it fires, with the socket before and after its handler, and how stalls end.
 * Receives tracepoints; hands struct tcptimer_event records to the ring buffer `events`, or, with
 * cfg_count, to the counters of summary.h.
 *
 * Timers' handlers run in softirq, one at a time on a CPU, so what entry saw waits for exit in a
 * per-CPU slot. Other tracepoints may interrupt, or be interrupted by, a timer: each builds its
 * record in a slot of its own.
 */
#define KREAD_CAST /* addresses that are computed from timers, or kept */
#include "fill.h"
#include "policy_of.h"
#include "summary.h"
#include "trace_map.h"

const volatile bool cfg_cast = false; /* bpf_rdonly_cast() is there */
const volatile __u32 cfg_timers = 0;  /* mask of 1 << enum tcptimer_timer told without a stall */
const volatile bool cfg_all = false;  /* tell of every socket, stalled or not */

/* Handlers of the TCP timers: comparing addresses is what names a timer. */
extern const void tcp_write_timer __ksym;
extern const void tcp_keepalive_timer __ksym;
extern const void tcp_delack_timer __ksym;
extern const void reqsk_timer_handler __ksym;
extern const void tw_timer_handler __ksym;

/* Stalls that are open, for user space to know whether sweeping is of use. */
volatile __u64 trace_open_stalls = 0; /* and candidates */
volatile __u64 trace_open_requests = 0;

/* The ring is a quarter full: user space takes the flag and puts a larger one in place. */
volatile bool trace_ring_tight = false;

/* On start: user space can put a larger ring in place ... */
volatile bool trace_seed_grows = false;
/* ... and there are stalls that it has not been told of, since the ring was full. */
volatile bool trace_seed_more = false;

enum trace_slot {
	SLOT_TIMER,
	SLOT_RETRANSMIT,
	SLOT_STATE,
	SLOT_SEND_RESET,
	SLOT_RECEIVE_RESET,
	SLOT_DESTROY,
	SLOT_SWEEP,
	SLOT_SEED,
	SLOT_COUNT,
};

struct trace_scratch {
	__u64 timer; /* SLOT_TIMER: the timer whose handler runs, 0 between handlers */
	__u64 sk;
	__u32 class; /* enum trace_class */
	__u32 pad;
	struct tcptimer_event ev;
};

enum trace_class {
	CLASS_NONE,
	CLASS_WRITE,
	CLASS_KEEPALIVE,
	CLASS_DELACK,
	CLASS_REQUEST,
	CLASS_TIMEWAIT,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOT_COUNT);
	__type(key, __u32);
	__type(value, struct trace_scratch);
} trace_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct trace_stall);
} trace_stalls SEC(".maps");

/* Stalled requests by identity: when the child was established; 0: not yet. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64);
} trace_requests SEC(".maps");

struct trace_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* of the pattern; those that are used have their own size */
};

/* The ring that records go to. As stalls grow in number, user space puts a larger one in its place. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct trace_ring);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TRACE_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} trace_losses SEC(".maps");

static __always_inline struct trace_scratch *trace_slot(__u32 slot)
{
	return bpf_map_lookup_elem(&trace_scratch, &slot);
}

static __always_inline void trace_lose(__u32 what, __u64 events)
{
	__u64 *count = bpf_map_lookup_elem(&trace_losses, &what);

	if (count)
		*count += events;
}

static __always_inline long trace_output(struct tcptimer_event *ev)
{
	__u32 first = 0;
	void *ring = bpf_map_lookup_elem(&events, &first);
	long err = ring ? bpf_ringbuf_output(ring, ev, sizeof(*ev), 0) : -1;

	if (ring && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >
			    bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 4)
		trace_ring_tight = true;
	return err;
}

/* A record with TCPTIMER_W_STALL_BEGAN tells of the stall, too: two events (tracer.c makes them). */
static __always_inline void trace_emit(struct tcptimer_event *ev, __u8 kind)
{
	ev->kind = kind;
	if (cfg_count)
		summary_count(ev);
	else if (trace_output(ev))
		trace_lose(TRACE_LOSS_RING,
			   kind != TCPTIMER_EVENT_STALL && (ev->what & TCPTIMER_W_STALL_BEGAN) ? 2 :
												 1);
}

static __always_inline void trace_event_init(struct tcptimer_event *ev)
{
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->size = sizeof(*ev);
	ev->version = TCPTIMER_EVENT_VERSION;
	ev->time_ns = bpf_ktime_get_ns();
	ev->cpu = bpf_get_smp_processor_id();
}

/* Ports and addresses folded: tells a socket from the next one at its address. */
static __always_inline __u64 trace_identity(__u64 sk)
{
	struct sock_common *skc = KPTR(sock_common, KCAST(sock_common, sk));
	__u64 id = KREAD(skc, skc_daddr);
	__u64 low = 0;

	if (KREAD(skc, skc_family) == AF_INET6)
		bpf_core_read(&low, sizeof(low), &skc->skc_v6_daddr.in6_u.u6_addr8[8]);
	id += low * 0x9e3779b97f4a7c15ULL;
	id = id * 31 + KREAD(skc, skc_rcv_saddr);
	id = (id << 32) ^ ((__u64)KREAD(skc, skc_num) << 16);
	return id ^ KREAD(skc, skc_dport);
}

static __always_inline void trace_stall_open(struct tcptimer_event *ev, __u64 sk, __u8 timer)
{
	struct trace_stall st = {
		.since_ns = ev->time_ns - tcptimer_stall_age_ms(&ev->after, cfg_hz) * 1000000,
		.identity = trace_identity(sk),
		.timer = timer,
		.kind = ev->after.kind,
		.retransmits = ev->after.retransmits,
		.probes_out = ev->after.probes_out,
	};

	if (bpf_map_update_elem(&trace_stalls, &sk, &st, BPF_ANY)) {
		trace_lose(TRACE_LOSS_TABLE, 1);
	} else {
		__sync_fetch_and_add(&trace_open_stalls, 1);
		if (st.kind == TCPTIMER_SOCK_REQUEST) {
			__u64 not_yet = 0;

			bpf_map_update_elem(&trace_requests, &st.identity, &not_yet, BPF_ANY);
			__sync_fetch_and_add(&trace_open_requests, 1);
		}
	}
	ev->stall_timer = timer;
	ev->stall_since_ns = st.since_ns;
	ev->what |= TCPTIMER_W_STALL_BEGAN | TCPTIMER_W_STALLED;
}

static __always_inline void trace_stall_close(__u64 sk)
{
	struct trace_stall *st = bpf_map_lookup_elem(&trace_stalls, &sk);
	__u64 request = st && st->kind == TCPTIMER_SOCK_REQUEST ? st->identity : 0;

	if (!st || bpf_map_delete_elem(&trace_stalls, &sk))
		return;
	__sync_fetch_and_add(&trace_open_stalls, -1);
	if (request) {
		bpf_map_delete_elem(&trace_requests, &request);
		__sync_fetch_and_add(&trace_open_requests, -1);
	}
}

/* The open stall of this socket, if there is one. */
static __always_inline struct trace_stall *trace_stall_find(__u64 sk)
{
	struct trace_stall *st = bpf_map_lookup_elem(&trace_stalls, &sk);

	return st && !(st->flags & TRACE_S_CANDIDATE) ? st : NULL;
}

/* The record takes over what the table knows of the stall. */
static __always_inline void trace_stall_note(struct tcptimer_event *ev,
					     const struct trace_stall *st)
{
	ev->stall_timer = st->timer;
	ev->stall_since_ns = st->since_ns;
	ev->what |= TCPTIMER_W_STALLED;
	if (st->flags & TRACE_S_RST_IN)
		ev->what |= TCPTIMER_W_RST_IN;
	if (st->flags & TRACE_S_RST_OUT)
		ev->what |= TCPTIMER_W_RST_OUT;
}

/*
 * A counter of the kernel's grew since the last event of this stall: timers fired that no program was
 * run for. (Seen on hosts whose kernel skips BPF programs while certain tasks run.)
 */
static __always_inline void trace_unseen(const struct tcptimer_event *ev,
					 const struct trace_stall *st)
{
	__u32 now = 0, last = 0;

	switch (ev->timer) {
	case TCPTIMER_TIMER_RETRANS:
	case TCPTIMER_TIMER_SYN:
		now = ev->before.retransmits;
		last = st->retransmits;
		break;
	case TCPTIMER_TIMER_PROBE0:
	case TCPTIMER_TIMER_KEEPALIVE:
		now = ev->before.probes_out;
		last = st->probes_out;
		break;
	}
	if ((ev->what & TCPTIMER_W_TIMER) && now > last)
		trace_lose(TRACE_LOSS_UNSEEN, now - last);
}

/* When the answer that ended the stall came: the last ACK or data received, to the jiffy. */
static __always_inline __u64 trace_answer_ns(const struct tcptimer_snapshot *s)
{
	__u32 ago = (__u32)s->now_jiffies - s->rcv_tstamp;
	__u32 data_ago = (__u32)s->now_jiffies - s->lrcvtime;

	if (data_ago < ago)
		ago = data_ago;
	if (s->kind != TCPTIMER_SOCK_FULL || ago > 3600 * cfg_hz)
		return s->now_ns;
	return s->now_ns - (__u64)ago * (1000000000 / cfg_hz);
}

static __always_inline void trace_recovered(struct tcptimer_event *ev, __u64 sk)
{
	ev->stall_end_ns = trace_answer_ns(&ev->after);
	if (ev->stall_end_ns < ev->stall_since_ns)
		ev->stall_end_ns = ev->stall_since_ns;
	ev->timer = ev->stall_timer;
	trace_emit(ev, TCPTIMER_EVENT_RECOVERED);
	trace_stall_close(sk);
}

static __always_inline bool trace_wanted(const struct tcptimer_event *ev)
{
	return cfg_all || (cfg_timers & (1U << (ev->timer & 31)));
}

/* A first keepalive probe went out: the sweep sees whether it is answered. */
static __always_inline void trace_candidate(struct tcptimer_event *ev, __u64 sk)
{
	struct trace_stall st = {
		.since_ns = ev->time_ns,
		.identity = trace_identity(sk),
		.timer = TCPTIMER_TIMER_KEEPALIVE,
		.kind = TCPTIMER_SOCK_FULL,
		.probes_out = ev->after.probes_out,
		.flags = TRACE_S_CANDIDATE,
	};

	if (bpf_map_update_elem(&trace_stalls, &sk, &st, BPF_NOEXIST))
		return;
	__sync_fetch_and_add(&trace_open_stalls, 1);
}

/*
 * With `after` filled: open, keep or end the stall, and tell what a stall or the configuration wants
 * told. `kind` is what the event itself is.
 */
static __always_inline void trace_settle(struct tcptimer_event *ev, __u64 sk, __u8 kind)
{
	struct trace_stall *st = trace_stall_find(sk);
	int timer = tcptimer_stall_timer(&ev->after);

	if (st && st->identity != trace_identity(sk)) {
		trace_stall_close(sk);
		st = NULL;
	}
	if (timer == TCPTIMER_TIMER_NONE) {
		if (st)
			trace_stall_note(ev, st);
		if (st || trace_wanted(ev))
			trace_emit(ev, kind);
		if (st)
			trace_recovered(ev, sk);
		else if (ev->timer == TCPTIMER_TIMER_KEEPALIVE && ev->after.probes_out)
			trace_candidate(ev, sk);
		return;
	}
	if (!st) {
		st = bpf_map_lookup_elem(&trace_stalls, &sk);
		if (st) { /* a candidate */
			trace_unseen(ev, st);
			trace_stall_close(sk);
		}
		trace_stall_open(ev, sk, timer);
		if (cfg_count)
			trace_emit(ev, TCPTIMER_EVENT_STALL);
	} else {
		trace_unseen(ev, st);
		st->timer = timer;
		st->retransmits = ev->after.retransmits;
		st->probes_out = ev->after.probes_out;
		trace_stall_note(ev, st);
		if (ev->what & TCPTIMER_W_DEFERRED)
			st->flags |= TRACE_S_DEFERRED;
	}
	trace_emit(ev, kind);
}

/* ---- timers ---- */

static __always_inline __u32 trace_class(struct timer_list *timer)
{
	const void *function = (const void *)timer->function;

	if (function == &tcp_write_timer)
		return CLASS_WRITE;
	if (function == &tcp_delack_timer)
		return CLASS_DELACK;
	if (function == &tcp_keepalive_timer)
		return CLASS_KEEPALIVE;
	if (function == &reqsk_timer_handler)
		return CLASS_REQUEST;
	if (function == &tw_timer_handler)
		return CLASS_TIMEWAIT;
	return CLASS_NONE;
}

static __always_inline __u64 trace_timer_sk(__u64 timer, __u32 class)
{
	switch (class) {
	case CLASS_WRITE:
		return timer - compat_write_timer_offset();
	case CLASS_KEEPALIVE:
		return timer - compat_keep_timer_offset();
	case CLASS_DELACK:
		return timer - compat_delack_timer_offset();
	case CLASS_REQUEST:
		return timer - bpf_core_field_offset(struct request_sock, rsk_timer);
	default:
		return timer - bpf_core_field_offset(struct inet_timewait_sock, tw_timer);
	}
}

static __always_inline __u8 trace_write_timer_name(__u64 sk, __u8 pending, __u8 state)
{
	switch (pending) {
	case TCPTIMER_PENDING_RETRANS:
		if (state == TCPTIMER_STATE_SYN_SENT)
			return TCPTIMER_TIMER_SYN;
		if (BPF_CORE_READ(KPTR(tcp_sock, sk), fastopen_rsk))
			return TCPTIMER_TIMER_SYNACK;
		return TCPTIMER_TIMER_RETRANS;
	case TCPTIMER_PENDING_PROBE0:
		return TCPTIMER_TIMER_PROBE0;
	case TCPTIMER_PENDING_LOSS_PROBE:
		return TCPTIMER_TIMER_LOSS_PROBE;
	case TCPTIMER_PENDING_REO_TIMEOUT:
		return TCPTIMER_TIMER_REO_TIMEOUT;
	}
	return TCPTIMER_TIMER_NONE;
}

static __always_inline __u8 trace_timer_name(__u64 sk, __u32 class, struct tcptimer_before *b)
{
	struct sock *p = KPTR(sock, sk);

	switch (class) {
	case CLASS_WRITE:
		return trace_write_timer_name(sk, b->pending, b->state);
	case CLASS_KEEPALIVE:
		if (b->state == TCPTIMER_STATE_FIN_WAIT2 &&
		    (BPF_CORE_READ(p, __sk_common.skc_flags) & (1UL << SOCK_DEAD)))
			return TCPTIMER_TIMER_FIN_WAIT2;
		return TCPTIMER_TIMER_KEEPALIVE;
	case CLASS_DELACK:
		return TCPTIMER_TIMER_DELACK;
	case CLASS_REQUEST:
		return TCPTIMER_TIMER_SYNACK;
	default:
		return b->state == TCPTIMER_STATE_FIN_WAIT2 ? TCPTIMER_TIMER_FIN_WAIT2 :
							      TCPTIMER_TIMER_TIMEWAIT;
	}
}

static __always_inline void trace_before_full(struct tcptimer_before *b, __u64 address)
{
	__u64 sk = KCAST(tcp_sock, address);
	struct tcp_sock *tp = KPTR(tcp_sock, sk);

	b->state = KREAD(KPTR(sock, sk), __sk_common.skc_state);
	b->pending = KREAD(tp, inet_conn.icsk_pending);
	b->retransmits = KREAD(tp, inet_conn.icsk_retransmits);
	b->backoff = KREAD(tp, inet_conn.icsk_backoff);
	b->probes_out = KREAD(tp, inet_conn.icsk_probes_out);
	b->ca_state = KREAD_BITS(tp, inet_conn.icsk_ca_state);
	b->delack_pending = KREAD(tp, inet_conn.icsk_ack.pending);
	b->rto_jiffies = KREAD(tp, inet_conn.icsk_rto);
	b->probes_tstamp = KREAD(tp, inet_conn.icsk_probes_tstamp);
	b->snd_wnd = KREAD(tp, snd_wnd);
	b->packets_out = KREAD(tp, packets_out);
	b->segs_out = KREAD(tp, segs_out);
	b->snd_nxt = KREAD(tp, snd_nxt);
	b->unsent = KREAD(tp, write_seq) - b->snd_nxt;
	b->total_retrans = KREAD(tp, total_retrans);
	if (KREAD(tp, fastopen_rsk)) {
		struct request_sock *req = KREAD(tp, fastopen_rsk);

		b->num_timeout = BPF_CORE_READ_BITFIELD_PROBED(req, num_timeout);
	}
}

static __always_inline void trace_before(struct tcptimer_before *b, __u64 sk, __u32 class)
{
	if (class == CLASS_REQUEST) {
		struct request_sock *req = KPTR(request_sock, sk);

		b->state = TCPTIMER_STATE_NEW_SYN_RECV;
		b->retransmits = BPF_CORE_READ(req, num_retrans);
		b->num_timeout = BPF_CORE_READ_BITFIELD_PROBED(req, num_timeout);
		b->rto_jiffies = BPF_CORE_READ(req, timeout);
	} else if (class == CLASS_TIMEWAIT) {
		b->state = BPF_CORE_READ(KPTR(inet_timewait_sock, sk), tw_substate);
	} else {
		trace_before_full(b, sk);
	}
}

SEC("tp_btf/timer_expire_entry")
int BPF_PROG(trace_timer_entry, struct timer_list *timer)
{
	__u32 class = trace_class(timer);
	struct trace_scratch *sc;
	struct tcptimer_event *ev;

	if (class == CLASS_NONE)
		return 0;
	if (class == CLASS_DELACK && !cfg_all && !(cfg_timers & (1U << TCPTIMER_TIMER_DELACK)))
		return 0;
	if (class == CLASS_TIMEWAIT && !cfg_all &&
	    !(cfg_timers & (1U << TCPTIMER_TIMER_TIMEWAIT | 1U << TCPTIMER_TIMER_FIN_WAIT2)))
		return 0;
	sc = trace_slot(SLOT_TIMER);
	if (!sc)
		return 0;
	ev = &sc->ev;
	trace_event_init(ev);
	sc->timer = (__u64)timer;
	sc->class = class;
	sc->sk = trace_timer_sk(sc->timer, class);
	ev->what = TCPTIMER_W_TIMER;
	ev->before.expires = timer->expires;
	trace_before(&ev->before, sc->sk, class);
	ev->timer = trace_timer_name(sc->sk, class, &ev->before);
	/* A mini-socket goes with its timer: what can be said of it is said now. */
	if (class == CLASS_TIMEWAIT)
		fill_timewait(&ev->after, sc->sk, NULL);
	return 0;
}

/* What this CPU's running handler serves is `sk`. */
static __always_inline struct trace_scratch *trace_running(__u64 sk)
{
	struct trace_scratch *sc = trace_slot(SLOT_TIMER);

	return sc && sc->timer && sc->sk == sk ? sc : NULL;
}

/* A request that expired is off the wheel and out of reach: its end is judged by `before`. */
static __always_inline void trace_exit_request(struct trace_scratch *sc)
{
	struct tcptimer_event *ev = &sc->ev;
	struct trace_stall *st;

	fill_request(&ev->after, sc->sk, NULL);
	if (ev->after.flags & TCPTIMER_F_TIMER_HW) {
		trace_settle(ev, sc->sk, TCPTIMER_EVENT_EXPIRED);
		return;
	}
	ev->what |= TCPTIMER_W_CLOSED;
	st = trace_stall_find(sc->sk);
	if (st)
		trace_stall_note(ev, st);
	trace_emit(ev, TCPTIMER_EVENT_ABORT);
	trace_stall_close(sc->sk);
}

/* `after` was filled when the state became CLOSE, inside the handler. */
static __always_inline void trace_exit_closed(struct trace_scratch *sc)
{
	struct tcptimer_event *ev = &sc->ev;
	struct trace_stall *st = bpf_map_lookup_elem(&trace_stalls, &sc->sk);

	if (st)
		trace_unseen(ev, st);
	if (st && !(st->flags & TRACE_S_CANDIDATE))
		trace_stall_note(ev, st);
	/* tcp_time_wait() closes the full socket and leaves a mini-socket, with no error and no RST. */
	if (ev->timer == TCPTIMER_TIMER_FIN_WAIT2 && !(ev->what & TCPTIMER_W_RST_OUT)) {
		ev->what |= TCPTIMER_W_TIMEWAIT;
		if ((ev->what & TCPTIMER_W_STALLED) || trace_wanted(ev))
			trace_emit(ev, TCPTIMER_EVENT_EXPIRED);
		if (cfg_count)
			summary_closed(&ev->after);
	} else {
		trace_emit(ev, TCPTIMER_EVENT_ABORT);
	}
	trace_stall_close(sc->sk);
}

static __always_inline void trace_exit_full(struct trace_scratch *sc)
{
	struct tcptimer_event *ev = &sc->ev;
	__u32 deferred = sc->class == CLASS_DELACK ? TCPTIMER_F_DELACK_DEFERRED :
						     TCPTIMER_F_WRITE_DEFERRED;

	if (ev->what & TCPTIMER_W_CLOSED) {
		trace_exit_closed(sc);
		return;
	}
	if (ev->what & TCPTIMER_W_DESTROYED)
		return;
	fill_full(&ev->after, sc->sk, NULL);
	if (ev->after.flags & TCPTIMER_F_OWNED) {
		if (sc->class == CLASS_KEEPALIVE)
			ev->what |= TCPTIMER_W_DEFERRED;
		else if (ev->after.flags & deferred)
			ev->what |= TCPTIMER_W_DEFERRED;
	}
	trace_settle(ev, sc->sk, TCPTIMER_EVENT_EXPIRED);
}

SEC("tp_btf/timer_expire_exit")
int BPF_PROG(trace_timer_exit, struct timer_list *timer)
{
	struct trace_scratch *sc = trace_slot(SLOT_TIMER);

	if (!sc || !sc->timer || sc->timer != (__u64)timer)
		return 0;
	if (sc->class == CLASS_REQUEST) {
		trace_exit_request(sc);
	} else if (sc->class == CLASS_TIMEWAIT) {
		if (trace_wanted(&sc->ev))
			trace_emit(&sc->ev, TCPTIMER_EVENT_CLOSED);
	} else {
		trace_exit_full(sc);
	}
	sc->timer = 0;
	return 0;
}

/* ---- what happens inside handlers, or without them ---- */

/* A retransmission outside a handler: fast recovery, or a handler that its owner now runs. */
static __always_inline void trace_retransmit_alone(__u64 sk, int err)
{
	struct trace_scratch *sc = trace_slot(SLOT_RETRANSMIT);
	struct trace_stall *st;
	struct tcptimer_event *ev;

	if (!sc)
		return;
	st = trace_stall_find(sk);
	if (!st && !cfg_all) {
		struct tcptimer_snapshot *s = &sc->ev.after;

		s->num_timeout = 0;
		fill_stall_fields(s, sk);
		if (tcptimer_stall_timer(s) == TCPTIMER_TIMER_NONE) {
			if (cfg_count)
				summary_retransmit(s, sk, err);
			return;
		}
	}
	ev = &sc->ev;
	trace_event_init(ev);
	ev->what = TCPTIMER_W_RETRANSMIT;
	ev->sent_err = err;
	fill_full(&ev->after, sk, NULL);
	ev->before.state = ev->after.state;
	ev->before.packets_out = ev->after.packets_out;
	ev->before.snd_wnd = ev->after.snd_wnd;
	/* icsk_retransmits > 0 outside a timer: tcp_release_cb() runs what the timer left to it. */
	if (ev->after.retransmits && ((st && (st->flags & TRACE_S_DEFERRED)) || !st)) {
		ev->what |= TCPTIMER_W_LATE;
		ev->timer = ev->after.state == TCPTIMER_STATE_SYN_SENT ? TCPTIMER_TIMER_SYN :
									 TCPTIMER_TIMER_RETRANS;
		ev->before.pending = TCPTIMER_PENDING_RETRANS;
		ev->before.retransmits = ev->after.retransmits - 1;
		if (st)
			st->flags &= ~TRACE_S_DEFERRED;
	}
	trace_settle(ev, sk, TCPTIMER_EVENT_RETRANSMIT);
}

static __always_inline void trace_retransmit(__u64 sk, int err)
{
	struct trace_scratch *sc = trace_running(sk);

	if (!sc) {
		trace_retransmit_alone(sk, err);
		return;
	}
	sc->ev.what |= TCPTIMER_W_RETRANSMIT;
	sc->ev.sent_err = err;
}

/* Until 6.16: told only of what was sent. One of the two is loaded (user/kernel/probe.c). */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(trace_retransmit_skb, struct sock *sk, struct sk_buff *skb)
{
	summary_policy_keep(sk);
	trace_retransmit((__u64)sk, 0);
	return 0;
}

/* 6.17: told of failures too, with their err. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(trace_retransmit_skb_err, struct sock *sk, struct sk_buff *skb, int err)
{
	summary_policy_keep(sk);
	trace_retransmit((__u64)sk, err);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(trace_retransmit_synack, struct sock *sk, struct request_sock *req)
{
	struct trace_scratch *sc = trace_slot(SLOT_TIMER);

	/* The request's own timer, or the write timer of a fast-open child. */
	if (sc && sc->timer && (sc->sk == (__u64)req || sc->class == CLASS_WRITE))
		sc->ev.what |= TCPTIMER_W_SYNACK;
	return 0;
}

/* A child was established: the request it came from, if stalled, recovered. The sweep tells it. */
static __always_inline void trace_request_done(__u64 child)
{
	__u64 identity = trace_identity(child);
	__u64 *when = bpf_map_lookup_elem(&trace_requests, &identity);

	if (when)
		*when = bpf_ktime_get_ns();
}

/* tcp_time_wait() closes the full socket and leaves a mini-socket: the connection has not ended. */
static __always_inline bool trace_replaced(const struct tcptimer_event *ev)
{
	return !ev->err && (ev->old_state == TCPTIMER_STATE_FIN_WAIT1 ||
			    ev->old_state == TCPTIMER_STATE_FIN_WAIT2 ||
			    ev->old_state == TCPTIMER_STATE_CLOSING);
}

/*
 * With every socket told of or counted, an RST that comes outside a stall goes with the CLOSE that it
 * brings about at once; until then the table of stalls knows of it.
 */
static __always_inline void trace_reset_keep(__u64 sk)
{
	struct trace_stall *found = bpf_map_lookup_elem(&trace_stalls, &sk);
	struct trace_stall st = {
		.identity = trace_identity(sk),
		.kind = TCPTIMER_SOCK_FULL,
		.flags = TRACE_S_CANDIDATE | TRACE_S_RST_IN,
	};

	if (found) {
		found->flags |= TRACE_S_RST_IN;
	} else if (bpf_map_update_elem(&trace_stalls, &sk, &st, BPF_NOEXIST)) {
		trace_lose(TRACE_LOSS_TABLE, 1);
	} else {
		__sync_fetch_and_add(&trace_open_stalls, 1);
	}
}

/* The RST kept for this socket, if there is one. */
static __always_inline __u32 trace_reset_take(__u64 sk)
{
	struct trace_stall *st = bpf_map_lookup_elem(&trace_stalls, &sk);
	__u32 what = st && (st->flags & TRACE_S_RST_IN) ? TCPTIMER_W_RST_IN : 0;

	if (what)
		trace_stall_close(sk);
	return what;
}

static __always_inline void trace_closed(struct trace_scratch *sc, struct sock *trusted,
					 __u8 old_state)
{
	__u64 sk = (__u64)trusted;
	struct trace_stall *st = trace_stall_find(sk);
	struct tcptimer_event *ev = &sc->ev;
	__u8 kind;

	if (!st && !cfg_all && !cfg_count)
		return;
	trace_event_init(ev);
	ev->what = TCPTIMER_W_CLOSED;
	ev->old_state = old_state;
	ev->before.state = old_state;
	fill_full(&ev->after, sk, NULL);
	ev->after.policy = policy_of(trusted);
	ev->err = ev->after.err;
	if (st)
		trace_stall_note(ev, st);
	else
		ev->what |= trace_reset_take(sk);
	if (st && !ev->err && tcptimer_stall_timer(&ev->after) == TCPTIMER_TIMER_NONE) {
		/* An orderly end: the answer came after the last sweep. */
		trace_recovered(ev, sk);
		st = NULL;
		if (!cfg_all && !cfg_count)
			return;
	}
	if (!st && trace_replaced(ev)) {
		if (cfg_count)
			summary_closed(&ev->after);
		return;
	}
	if (st && !ev->err && !(st->flags & (TRACE_S_RST_IN | TRACE_S_RST_OUT))) {
		/* Whether an RST follows is known when it does, or when the socket is destroyed. */
		st->flags |= TRACE_S_CLOSED;
		return;
	}
	if (ev->what & (TCPTIMER_W_RST_IN | TCPTIMER_W_RST_OUT)) {
		kind = TCPTIMER_EVENT_RESET;
	} else if (st && ev->err && (st->flags & TRACE_S_DEFERRED)) {
		ev->what |= TCPTIMER_W_LATE;
		kind = TCPTIMER_EVENT_ABORT;
	} else {
		kind = ev->err ? TCPTIMER_EVENT_ABORT : TCPTIMER_EVENT_CLOSED;
	}
	if (st)
		ev->timer = st->timer;
	trace_emit(ev, kind);
	if (st)
		trace_stall_close(sk);
}

/* A stalled SYN was answered. */
static __always_inline void trace_established(__u64 sk, __u8 old_state)
{
	struct trace_stall *st = trace_stall_find(sk);
	struct trace_scratch *sc = trace_slot(SLOT_STATE);
	struct tcptimer_event *ev;

	if (!st || !sc)
		return;
	ev = &sc->ev;
	trace_event_init(ev);
	ev->old_state = old_state;
	fill_full(&ev->after, sk, NULL);
	ev->after.state = TCPTIMER_STATE_ESTABLISHED; /* the tracepoint is just before the store */
	trace_stall_note(ev, st);
	ev->stall_end_ns = ev->time_ns;
	ev->timer = st->timer;
	trace_emit(ev, TCPTIMER_EVENT_RECOVERED);
	trace_stall_close(sk);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(trace_set_state, struct sock *sk, int old_state, int new_state)
{
	struct trace_scratch *sc;
	__u64 key = (__u64)sk;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	/* A socket's first move is when its cookie is made, so that every event can name it. */
	if (new_state == TCPTIMER_STATE_SYN_SENT || new_state == TCPTIMER_STATE_ESTABLISHED)
		bpf_get_socket_cookie(sk);
	if (new_state == TCPTIMER_STATE_CLOSE) {
		sc = trace_running(key);
		if (sc) {
			sc->ev.what |= TCPTIMER_W_CLOSED;
			fill_full(&sc->ev.after, key, NULL);
			sc->ev.after.policy = policy_of(sk);
			sc->ev.err = sc->ev.after.err;
			return 0;
		}
		sc = trace_slot(SLOT_STATE);
		if (sc)
			trace_closed(sc, sk, old_state);
		return 0;
	}
	if (new_state != TCPTIMER_STATE_ESTABLISHED)
		return 0;
	summary_policy_keep(sk);
	if (old_state == TCPTIMER_STATE_SYN_RECV && trace_open_requests)
		trace_request_done(key);
	trace_established(key, old_state);
	return 0;
}

SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(trace_error_report, struct sock *sk)
{
	struct trace_scratch *sc = trace_running((__u64)sk);

	if (sc) {
		sc->ev.what |= TCPTIMER_W_ERROR;
		sc->ev.err = sk->sk_err;
	}
	return 0;
}

/* An RST, seen on a stalled socket outside its timer. `flag` is of trace_stall, `what` of the event. */
static __always_inline void trace_reset(__u32 slot, __u64 sk, __u8 flag, __u32 what)
{
	struct trace_stall *st = trace_stall_find(sk);
	struct trace_scratch *sc;

	if (!st && cfg_count && flag == TRACE_S_RST_OUT) {
		sc = trace_slot(slot);
		if (sc)
			summary_reset_sent(&sc->ev.after, sk);
		return;
	}
	if (!st && !cfg_all)
		return;
	if (st && !(st->flags & TRACE_S_CLOSED)) {
		st->flags |= flag; /* CLOSE follows */
		return;
	}
	sc = trace_slot(slot);
	if (!sc)
		return;
	trace_event_init(&sc->ev);
	sc->ev.what = what | (st ? TCPTIMER_W_CLOSED : 0);
	fill_full(&sc->ev.after, sk, NULL);
	sc->ev.err = sc->ev.after.err;
	if (st) {
		trace_stall_note(&sc->ev, st);
		sc->ev.timer = st->timer;
	}
	trace_emit(&sc->ev, TCPTIMER_EVENT_RESET);
	if (st)
		trace_stall_close(sk);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(trace_send_reset, struct sock *sk)
{
	struct trace_scratch *sc;

	if (!sk)
		return 0;
	sc = trace_running((__u64)sk);
	if (sc)
		sc->ev.what |= TCPTIMER_W_RST_OUT;
	else if (BPF_CORE_READ(sk, __sk_common.skc_state) < TCPTIMER_STATE_LISTEN &&
		 BPF_CORE_READ(sk, __sk_common.skc_state) != TCPTIMER_STATE_TIME_WAIT)
		trace_reset(SLOT_SEND_RESET, (__u64)sk, TRACE_S_RST_OUT, TCPTIMER_W_RST_OUT);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(trace_receive_reset, struct sock *sk)
{
	__u64 key = (__u64)sk;

	if ((!cfg_all && !cfg_count) || trace_stall_find(key))
		trace_reset(SLOT_RECEIVE_RESET, key, TRACE_S_RST_IN, TCPTIMER_W_RST_IN);
	else if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCPTIMER_STATE_CLOSE)
		trace_reset_keep(key);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(trace_destroy_sock, struct sock *sk)
{
	struct trace_scratch *sc = trace_running((__u64)sk);
	__u64 key = (__u64)sk;
	struct trace_stall *st;

	summary_policy_forget(key);
	if (sc) {
		sc->ev.what |= TCPTIMER_W_DESTROYED;
		return 0;
	}
	st = trace_stall_find(key);
	if (!st) {
		trace_stall_close(key); /* a candidate */
		return 0;
	}
	sc = trace_slot(SLOT_DESTROY);
	if (sc) {
		trace_event_init(&sc->ev);
		sc->ev.what = TCPTIMER_W_CLOSED | TCPTIMER_W_DESTROYED;
		fill_full(&sc->ev.after, key, NULL);
		sc->ev.err = sc->ev.after.err;
		trace_stall_note(&sc->ev, st);
		sc->ev.timer = st->timer;
		trace_emit(&sc->ev, TCPTIMER_EVENT_CLOSED);
	}
	trace_stall_close(key);
	return 0;
}

/* ---- recoveries, which no tracepoint tells, and what was stalled before the trace ---- */

/* A stalled request is gone: acknowledged when its child left a mark, else dropped. */
static __always_inline void trace_sweep_request(struct trace_scratch *sc, __u64 sk,
						struct trace_stall *st)
{
	__u64 *when = bpf_map_lookup_elem(&trace_requests, &st->identity);
	bool acked = when && *when;

	fill_request(&sc->ev.after, sk, NULL);
	if (st->identity == trace_identity(sk) && (sc->ev.after.flags & TCPTIMER_F_TIMER_HW))
		return;
	sc->ev.stall_end_ns = acked ? *when : sc->ev.time_ns;
	sc->ev.timer = st->timer;
	trace_emit(&sc->ev, acked ? TCPTIMER_EVENT_RECOVERED : TCPTIMER_EVENT_CLOSED);
	trace_stall_close(sk);
}

/* Its stall fields are filled. Answered: forget it. Unanswered for an RTO: a stall. Else wait on. */
static __always_inline void trace_sweep_candidate(struct tcptimer_event *ev, __u64 sk,
						  const struct trace_stall *st)
{
	int timer = tcptimer_stall_timer(&ev->after);

	if (st->identity != trace_identity(sk) || !ev->after.probes_out || ev->after.packets_out) {
		trace_stall_close(sk);
	} else if (timer != TCPTIMER_TIMER_NONE) {
		trace_event_init(ev);
		fill_full(&ev->after, sk, NULL);
		trace_stall_close(sk);
		trace_stall_open(ev, sk, timer);
		ev->timer = timer;
		trace_emit(ev, TCPTIMER_EVENT_STALL);
	}
}

static __always_inline void trace_sweep_one(struct trace_scratch *sc, __u64 sk,
					    struct trace_stall *st)
{
	struct tcptimer_event *ev = &sc->ev;

	if (st->flags & TRACE_S_CLOSED)
		return;
	if (st->kind == TCPTIMER_SOCK_FULL) {
		ev->after.num_timeout = 0;
		fill_stall_fields(&ev->after, sk);
		if (st->flags & TRACE_S_CANDIDATE) {
			trace_sweep_candidate(ev, sk, st);
			return;
		}
		if (tcptimer_stall_timer(&ev->after) != TCPTIMER_TIMER_NONE)
			return;
	}
	trace_event_init(ev);
	trace_stall_note(ev, st);
	if (st->kind == TCPTIMER_SOCK_REQUEST) {
		trace_sweep_request(sc, sk, st);
		return;
	}
	fill_full(&ev->after, sk, NULL);
	if (ev->after.state == TCPTIMER_STATE_CLOSE)
		return; /* its end is told by tcp_destroy_sock or a reset */
	trace_recovered(ev, sk);
}

/* Verified by itself: walked through as a callback's part, time after time, it is too much for 7.x. */
__noinline int trace_sweep_look(__u64 sk, const struct trace_stall *value)
{
	struct trace_scratch *sc = trace_slot(SLOT_SWEEP);
	struct trace_stall st;

	if (!sc || !value)
		return 0;
	st = *value;
	trace_sweep_one(sc, sk, &st);
	return 0;
}

static long trace_sweep_stall(void *map, __u64 *key, struct trace_stall *value, void *arg)
{
	trace_sweep_look(*key, value);
	return 0;
}

/* No map_elem iterator: a 6.18 build was seen that refuses programs for those. */
SEC("syscall")
int trace_sweep(void *ctx)
{
	bpf_for_each_map_elem(&trace_stalls, trace_sweep_stall, NULL, 0);
	return 0;
}

/* On start, in each namespace: make cookies, and open the stalls that are under way. */
SEC("iter/tcp")
int trace_seed(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct trace_scratch *sc;
	struct tcptimer_event *ev;
	__u64 key = (__u64)skc;
	__u8 state;
	int timer;

	if (!skc)
		return 0;
	state = skc->skc_state;
	sc = trace_slot(SLOT_SEED);
	if (!sc || state == TCPTIMER_STATE_TIME_WAIT)
		return 0;
	bpf_get_socket_cookie(skc);
	if (cfg_count & TCPTIMER_BY_RULE) {
		struct tcp_sock *tp = bpf_skc_to_tcp_sock(skc);

		if (tp)
			summary_policy_keep(tp);
	}
	if (trace_stall_find(key))
		return 0;
	ev = &sc->ev;
	trace_event_init(ev);
	if (state == TCPTIMER_STATE_NEW_SYN_RECV)
		fill_request(&ev->after, key, NULL);
	else
		fill_full(&ev->after, key, NULL);
	timer = tcptimer_stall_timer(&ev->after);
	if (timer == TCPTIMER_TIMER_NONE)
		return 0;
	trace_stall_open(ev, key, timer);
	ev->timer = timer;
	if (cfg_count || !trace_seed_grows) {
		trace_emit(ev, TCPTIMER_EVENT_STALL);
		return 0;
	}
	ev->kind = TCPTIMER_EVENT_STALL;
	if (trace_output(ev)) {
		trace_stall_close(key);
		trace_seed_more = true;
	}
	return 0;
}

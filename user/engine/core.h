/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives nothing; hands the engine's files what they share: a stream, which is one timer of one
 * socket followed from firing to firing, its clocks, and the functions that each subject offers.
 */
#ifndef TCPTIMER_ENGINE_CORE_H
#define TCPTIMER_ENGINE_CORE_H

#include "tcptimer/engine.h"
#include "wheel.h"

/* Firings followed, and jiffies ahead looked, before ELONG is answered. */
#define ENGINE_STEPS_MAX 16384u
#define ENGINE_HORIZON_JIFFIES (1ll << 36)
/* No kernel arms or keeps a duration longer than an int of jiffies. */
#define ENGINE_JIFFIES_MAX 0x7fffffffu

#define ENGINE_INFINITE_SSTHRESH 0x7fffffffu /* TCP_INFINITE_SSTHRESH */
#define ENGINE_THIN_LINEAR_RETRIES 6u        /* TCP_THIN_LINEAR_RETRIES */
/* ilog2(TCP_RTO_MAX / TCP_RTO_MIN) + 1: their ratio is 600 to 720 with every HZ. */
#define ENGINE_PROBE0_BACKOFF_MAX 10u

/* The errno numbers of Linux on x86 and arm, of which an application gets one. */
enum engine_errno {
	ENGINE_EPIPE = 32,
	ENGINE_ECONNRESET = 104,
	ENGINE_ETIMEDOUT = 110,
	ENGINE_ECONNREFUSED = 111,
	ENGINE_EHOSTUNREACH = 113,
};

/* The answer of a test whose time is a range. */
enum engine_answer { ENGINE_NO, ENGINE_YES, ENGINE_MAYBE };

/*
 * A stamp that a rule measures from. since: jiffies from the stamp to the firing at hand. origin:
 * the stamp in relative jiffies. stamp: the kernel's own value (ms, or us with usec_ts), which is
 * what exact runs compare; ranges take since and the nanoseconds by which the stamp's clock may
 * lie off its jiffy.
 */
struct engine_mark {
	bool set;
	__u32 stamp;
	struct engine_span since;
	struct engine_span origin;
	__s64 skew_lo_ns;
	__s64 skew_hi_ns;
	struct engine_phase phase;
};

enum engine_mark_id {
	ENGINE_MARK_RETRANS, /* tp->retrans_stamp */
	ENGINE_MARK_HEAD,    /* tcp_skb_timestamp() of the head */
	ENGINE_MARK_RCV,     /* tp->rcv_tstamp; for keepalive the later of it and lrcvtime */
	ENGINE_MARK_PROBES,  /* icsk_probes_tstamp */
	ENGINE_MARK_COUNT
};

/* How a connection ends at a firing: set by the rule that says so. */
struct engine_end {
	__u8 cause;
	__u8 limit;
	bool rst;
	bool reported;
	__s32 err;
	__u32 limit_value;
};

enum engine_stream_kind {
	ENGINE_STREAM_WRITE,     /* icsk_retransmit_timer */
	ENGINE_STREAM_KEEPALIVE, /* sk_timer: keepalive, FIN_WAIT2 of an orphan */
	ENGINE_STREAM_DELACK,    /* icsk_delack_timer */
	ENGINE_STREAM_MINI,      /* rsk_timer, tw_timer */
	ENGINE_STREAM_COUNT
};

enum engine_state {
	ENGINE_ARMED, /* a firing is to come */
	ENGINE_QUIET, /* the timer is not armed and nothing here will arm it */
	ENGINE_ENDED, /* the connection ended at the last firing */
};

/* Every field is set by engine_stream_init(): from the snapshot, or in stream_clear(). */
struct engine_stream {
	const struct tcptimer_profile *profile;
	const struct tcptimer_snapshot *s;
	__u32 hz;
	__u32 flags; /* TCPTIMER_ENGINE_* */
	__u32 ignored;
	__u32 rtt_jiffies;
	__u32 timeout_init; /* jiffies */
	__u8 peer;
	__u8 kind;  /* enum engine_stream_kind */
	__u8 state; /* enum engine_state */
	__u8 timer; /* enum tcptimer_timer that is armed */
	bool exact;
	bool answer_due; /* the next firing is not a timer's: the peer's fatal answer arrives */
	bool maybe_dead; /* an earlier firing ended it in some phases */
	bool told;       /* events are wanted: what only they say is left out otherwise */

	/* the clock: base_ns is CLOCK_MONOTONIC at the tick of now_jiffies */
	__u64 base_ns;
	__u32 tick_ns;

	/* the socket's fields that its timers change */
	__u32 rto, rto_min, rto_max, user_timeout;
	__u32 packets_out, snd_wnd, ssthresh, ack_young;
	__u32 tlp_outstanding;
	__u8 tcp_state, retransmits, backoff, probes_out, num_timeout, ca_state;
	__u16 total_rto;
	__u16 n; /* sent by this timer since the last answer */
	__s32 err_soft;
	bool unsent; /* data waits in the write queue */

	/* the firing at hand, and what is armed after it */
	struct engine_span at;
	struct engine_phase phase;
	struct engine_span late;  /* how much after its expiry it fired */
	struct engine_span delay; /* armed: from `at` to the expiry */
	struct engine_span slack; /* armed: from the expiry to the firing */
	struct engine_phase next_phase;
	struct engine_mark marks[ENGINE_MARK_COUNT];
	__s8 anchor; /* mark that the expiry is measured from, or -1 */
	struct engine_span anchor_x;

	/* the model time asked for last: one limit is asked at every firing */
	struct {
		__u32 boundary, base; /* base 0: none yet */
		__u32 ms;
	} model;

	struct engine_end end;
	struct engine_span end_at;
	__u32 end_n;
	__u32 steps;
};

/* ---- stream.c: clocks, arming, ends */
int engine_stream_check(const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s);
void engine_stream_init(struct engine_stream *st, enum engine_stream_kind kind,
			const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s);
/* Moves to the armed firing: `at`, the marks, `late`. */
void engine_stream_fire(struct engine_stream *st);
/* Arms delay jiffies after `at`. */
void engine_arm(struct engine_stream *st, __u8 timer, __s64 delay);
/* Arms where the expiry is `x` jiffies after a mark, and delay away from `at`. */
void engine_arm_from(struct engine_stream *st, __u8 timer, enum engine_mark_id mark,
		     struct engine_span x, struct engine_span delay);
/*
 * The same at a moment that lies after `at` (an answer), wait.lo for the shorter delay, wait.hi for the
 * longer: the wheel rounds by the rest.
 */
void engine_arm_from_after(struct engine_stream *st, __u8 timer, enum engine_mark_id mark,
			   struct engine_span x, struct engine_span delay, struct engine_span wait);
/* Arms `delay` after that moment. */
void engine_arm_after(struct engine_stream *st, __u8 timer, __s64 wait, __s64 delay);
/* Arms what the snapshot says is armed. */
void engine_arm_snapshot(struct engine_stream *st, __u8 timer, __u64 expires, bool pending,
			 __u32 timer_flags);
void engine_mark_now(struct engine_stream *st, enum engine_mark_id id);
/* The same for the firing to come, which lies that many jiffies after `at`. */
void engine_mark_ahead(struct engine_stream *st, enum engine_mark_id id, __s64 jiffies);
/* The peer's answer to what is sent now: it comes a round trip later, but before the next firing. */
void engine_mark_answer(struct engine_stream *st, enum engine_mark_id id, __s64 next);
void engine_mark_jiffies(struct engine_stream *st, enum engine_mark_id id, __u32 stamp);
void engine_mark_clock(struct engine_stream *st, enum engine_mark_id id, __u32 stamp, bool usec);
/* ms (exact: as tcp_time_stamp_ts() - stamp gives them) from a mark to the firing at hand. */
/* CLOCK_MONOTONIC in ms at a relative jiffy: tcp_time_stamp_ms() */
static inline __u32 engine_stamp_ms(const struct engine_stream *st, __s64 jiffies)
{
	return (__u32)((st->base_ns + (__u64)jiffies * st->tick_ns) / 1000000);
}
struct engine_span engine_elapsed_ms(const struct engine_stream *st, enum engine_mark_id id);
/* tcp_write_err(), or another end. Fills end; the caller goes on with engine_conclude(). */
void engine_end_write_err(struct engine_stream *st, enum tcptimer_cause cause,
			  enum tcptimer_limit limit, __u32 value);
void engine_end_plain(struct engine_stream *st, enum tcptimer_cause cause,
		      enum tcptimer_limit limit, __u32 value);
/* The event of an end; on MAYBE remembers it and lets the stream live on (returns false). */
bool engine_conclude(struct engine_stream *st, enum engine_answer answer,
		     struct tcptimer_engine_event *ev);
/* The peer's or the network's fatal answer to what was just sent: arms its arrival. */
bool engine_answer_fatal(struct engine_stream *st);
void engine_event_fill(const struct engine_stream *st, struct tcptimer_engine_event *ev);
__u64 engine_jiffies_ms(const struct engine_stream *st, __s64 jiffies);
__u32 engine_interval_ms(const struct engine_stream *st, __u64 jiffies);

/* ---- open.c: init, and the timer that the snapshot has armed */
void engine_stream_open(struct engine_stream *st, enum engine_stream_kind kind,
			const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s);
/* One firing of a stream: fills ev. True when there was one. */
bool engine_stream_step(struct engine_stream *st, struct tcptimer_engine_event *ev);
/* No limit can end this stream, however long it runs. */
bool engine_stream_hopeless(const struct engine_stream *st);

/* ---- one file a subject: a firing of its timer, and whether it is hopeless */
void engine_retrans_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
bool engine_retrans_hopeless(const struct engine_stream *st);
void engine_loss_probe_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
void engine_reo_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
void engine_tfo_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
void engine_request_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
void engine_probe0_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
bool engine_probe0_hopeless(const struct engine_stream *st);
void engine_keepalive_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
bool engine_keepalive_hopeless(const struct engine_stream *st);
void engine_fin_wait2_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
void engine_delack_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);
void engine_timewait_fire(struct engine_stream *st, struct tcptimer_engine_event *ev);

/* limits.c: tcp_write_timeout() and what it asks */
enum engine_answer engine_retransmits_timed_out(struct engine_stream *st, __u32 boundary,
						__u32 user_timeout);
enum engine_answer engine_write_timeout(struct engine_stream *st, struct tcptimer_engine_event *ev);
enum engine_answer engine_rtx_probe0_timed_out(struct engine_stream *st);
/* tcp_model_timeout() in ms, remembered. */
__u32 engine_model_ms(struct engine_stream *st, __u32 boundary, __u32 base);
bool engine_out_of_resources(struct engine_stream *st, bool do_reset);
enum engine_answer engine_syn_timeout(struct engine_stream *st, struct tcptimer_engine_event *ev);

/* skip.c: the firings of a plain series that nothing ends, at once */
void engine_skip(struct engine_stream *st);

/* rto.c */
bool engine_is_thin(const struct engine_stream *st);
__u32 engine_rto_thin(const struct engine_stream *st);
void engine_route_reset(struct engine_stream *st);
void engine_enter_loss(struct engine_stream *st);

/* timewait.c: when a mini-socket of that time goes, from now; 3.15 has slots. */
struct engine_span engine_timewait_slot(const struct engine_stream *st, __u32 timeout);

static inline __u32 engine_min_u32(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

static inline __u32 engine_max_u32(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

static inline __s64 engine_min_s64(__s64 a, __s64 b)
{
	return a < b ? a : b;
}

static inline __s64 engine_max_s64(__s64 a, __s64 b)
{
	return a > b ? a : b;
}

/* ---- what the rules ask at each firing */

static inline bool engine_ignores(const struct engine_stream *st, enum tcptimer_limit limit)
{
	return st->ignored >> limit & 1;
}

static inline bool engine_is_dead(const struct engine_stream *st)
{
	return st->s->flags & TCPTIMER_F_DEAD;
}

static inline bool engine_in_syn_state(const struct engine_stream *st)
{
	return st->tcp_state == TCPTIMER_STATE_SYN_SENT || st->tcp_state == TCPTIMER_STATE_SYN_RECV;
}

/* An interval for an event: 0, and no division, where none is wanted. */
static inline __u32 engine_told_ms(const struct engine_stream *st, __u64 jiffies)
{
	return st->told ? engine_interval_ms(st, jiffies) : 0;
}

/* tcp_orphan_retries(): the number of retries of an orphan, by the sysctl and whether it is alive. */
static inline __u32 engine_orphan_retries(const struct engine_stream *st, bool alive)
{
	__u32 retries = st->s->sysctls.orphan_retries;

	if (st->err_soft && !alive)
		retries = 0;
	if (!retries && alive)
		retries = 8;
	return retries;
}

/* inet_csk_rto_backoff() before its cap: shifts of 64 and more go by 6 bits on x86 and arm64. */
static inline __u64 engine_rto_backoff(const struct engine_stream *st)
{
	return (__u64)st->rto << (st->backoff & 63);
}

/* tcp_probe0_base(): at least TCP_RTO_MIN, the constant, since 4.1. */
static inline __u64 engine_probe0_base(const struct engine_stream *st)
{
	if (!st->profile->probe0_base_min)
		return st->rto;
	return engine_max_u32(st->rto, TCPTIMER_RTO_MIN_JIFFIES(st->hz));
}

/*
 * tcp_probe0_when(), include/net/tcp.h, from a base and a backoff. The exponent stops since 5.15; before,
 * larger ones came to rto_max all the same. rto_max of the socket caps the result.
 */
static inline __u32 engine_probe0_when(const struct engine_stream *st, __u64 base, __u32 backoff)
{
	__u64 when = base << engine_min_u32(ENGINE_PROBE0_BACKOFF_MAX, backoff);

	return when < st->rto_max ? (__u32)when : st->rto_max;
}

#endif

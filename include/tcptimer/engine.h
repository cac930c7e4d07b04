/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference timer engine: what the kernel's TCP timers will do to one socket, and when.
 * Receives a profile, a snapshot and an assumption about the peer; hands on events and a deadline.
 *
 * Pure C11: no allocation, no clock, no I/O, no state of its own; every function may be called from
 * any thread. Time and memory are bounded whatever the bytes of the snapshot are. Nothing is kept of
 * a pointer passed in. Names are static strings, never NULL.
 *
 * Times. "Relative jiffies" and "ms" count from snapshot.now_jiffies. An event lies between its
 * min and its max. They are equal when the snapshot carries absolute jiffies; with
 * TCPTIMER_ENGINE_ANY_PHASE they span every phase of the kernel's timer wheel.
 */
#ifndef TCPTIMER_ENGINE_H
#define TCPTIMER_ENGINE_H

/* Columns of comments are laid out by hand. */
/* clang-format off */

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "tcptimer/model.h"
#include "tcptimer/snapshot.h"
#include "tcptimer/words.h"

/* ---------------------------------------------------------------- errors */

/*
 * Every function that returns int returns 0 or one of these.
 *   X(ENUMERATOR, value, "what to say")
 */
#define TCPTIMER_ENGINE_ERRORS(X)                                                                  \
	X(EARG, -1, "a pointer is missing")                                                        \
	X(EHZ, -2, "HZ is outside 24..10000")                                                      \
	X(ESTATE, -3, "no such TCP state, or not one that this kind of socket can be in")          \
	X(EPEER, -4, "no such assumption about the peer")                                          \
	X(EFIELD, -5, "a duration in the snapshot is longer than any kernel sets")                 \
	X(ELONG, -6, "still alive after as many timer events as the engine follows")               \
	X(ENOPROFILE, -7, "no profile: kernels before 3.15 are not modelled")

#define TCPTIMER_ENGINE_ENUM_ERROR(name, value, text) TCPTIMER_ENGINE_##name = value,
enum tcptimer_engine_error { TCPTIMER_ENGINE_ERRORS(TCPTIMER_ENGINE_ENUM_ERROR) };

const char *tcptimer_engine_strerror(int error);

#define TCPTIMER_HZ_MIN 24
#define TCPTIMER_HZ_MAX 10000

/* ---------------------------------------------------------------- profiles */

/* enum of each behaviour: the values that a field of struct tcptimer_profile takes */
enum tcptimer_wheel_kind {
	TCPTIMER_WHEEL_CASCADING, /* fires at its expiry after apply_slack() cut low bits */
	TCPTIMER_WHEEL_LEVELS,    /* fires at the end of its bucket, up to 12.5 % late */
};
enum tcptimer_retrans_clock {
	TCPTIMER_CLOCK_JIFFIES, /* retrans_stamp in jiffies */
	TCPTIMER_CLOCK_MS,      /* ms; us on sockets with TCPTIMER_F_USEC_TS */
};
enum tcptimer_syn_limit {
	TCPTIMER_SYN_MODEL,            /* only the model time; TCP_USER_TIMEOUT ignored */
	TCPTIMER_SYN_COUNT,            /* only the number of retransmissions */
	TCPTIMER_SYN_COUNT_OR_TIME,    /* the number, or the model time or TCP_USER_TIMEOUT */
};
enum tcptimer_probe0_user_timeout {
	TCPTIMER_PROBE0_UT_NONE,   /* probes pay no attention to it */
	TCPTIMER_PROBE0_UT_HEAD,   /* age of the head segment's stamp, strictly more */
	TCPTIMER_PROBE0_UT_MODEL,  /* model time of the probes sent */
	TCPTIMER_PROBE0_UT_TSTAMP, /* icsk_probes_tstamp */
};
enum tcptimer_probe0_clamp {
	TCPTIMER_PROBE0_CLAMP_NONE,
	TCPTIMER_PROBE0_CLAMP_UNDERFLOW, /* passed: unsigned, so the full backoff */
	TCPTIMER_PROBE0_CLAMP_SIGNED,    /* passed: 2 jiffies */
};
enum tcptimer_shrunk_window {
	TCPTIMER_SHRUNK_RCV,         /* nothing received for TCP_RTO_MAX */
	TCPTIMER_SHRUNK_JIFFIES_MS,  /* as USER_TIMEOUT, but compares jiffies with its ms */
	TCPTIMER_SHRUNK_USER_TIMEOUT,/* as BOTH, or TCP_USER_TIMEOUT if shorter */
	TCPTIMER_SHRUNK_BOTH,        /* nothing received, and retransmitting, for longer */
};
enum tcptimer_tlp_formula {
	TCPTIMER_TLP_RTT2,    /* max(2 rtt, 1.5 rtt + DELACK_MAX when one segment, 10 ms) */
	TCPTIMER_TLP_JIFFIES, /* 2 rtt + rto_min or 2 jiffies, each rounded to jiffies */
	TCPTIMER_TLP_US,      /* 2 rtt + rto_min or 2 ms, summed in us, rounded once */
};
enum tcptimer_ato_inflate {
	TCPTIMER_ATO_RTO,        /* min(2 ato, rto), 32 bits */
	TCPTIMER_ATO_DELACK_MAX, /* min(2 ato, rto, DELACK_MAX) in 8 bits */
	TCPTIMER_ATO_WRAP8,      /* min(2 ato, rto) cut to 8 bits */
};
enum tcptimer_synack_timer {
	TCPTIMER_SYNACK_PRUNE,   /* the listener's keepalive timer walks the table every HZ/5 */
	TCPTIMER_SYNACK_REQUEST, /* each request has its timer */
};
enum tcptimer_tw_timer {
	TCPTIMER_TW_SLOTS, /* 8 slow and 32 fast slots, a host-wide timer each */
	TCPTIMER_TW_OWN,   /* each mini-socket has its timer */
};
enum tcptimer_local_drop {
	TCPTIMER_DROP_ONCE, /* min(rto, HZ/2); retransmits set to 1 the first time, then kept */
	TCPTIMER_DROP_COUNT,/* HZ/2; retransmits counted */
};

/*
 * The behaviours that differ between kernels, each with what introduced it.
 *   X(field, "what the kernel does", "version and commit where known")
 * Every field is one byte: 0 or 1, or one of the enums above.
 */
#define TCPTIMER_BEHAVIOURS(X)                                                                     \
	X(wheel, "timer wheel: 0 cascading with slack, 1 levels", "4.8 500462a9de65")              \
	X(retrans_clock, "clock of retrans_stamp: 0 jiffies, 1 ms", "4.13")                        \
	X(usec_ts, "retrans_stamp may be in us (tcp_usec_ts)", "6.7 614e8316aa4c")                 \
	X(user_timeout_ms, "user_timeout kept in ms, not jiffies", "4.19 9bcc66e1983d")            \
	X(rto_clamp, "the RTO is clamped to the user_timeout left", "4.19 b701a99e431d")           \
	X(stamp_head, "retrans_stamp 0 falls back to the head's stamp", "until 4.x, gone by 5.10") \
	X(syn_limit, "SYN: 0 model, 1 count, 2 count or time", "4.16-level; 5.4 a41e8a88b06e")     \
	X(syn_linear, "tcp_syn_linear_timeouts", "6.5 ccce324dabfe")                               \
	X(local_drop, "dropped locally: 0 counted once, 1 each time", "5.1 590d2026d624")          \
	X(thin_clamp, "thin-stream RTO within rto_min..rto_max", "6.5 e4dd0d3a2f64")               \
	X(backoff_shrunk, "backoff counts as the RTO doubles, not before", "6.8 14dd92d0a117")    \
	X(shrunk_window, "closed window: 0 rcv 1 jiffies/ms 2 user_timeout 3 both", "6.10 97a9063518f1")\
	X(shrunk_twice, "closed window: 2 * rto_max, not 1", "6.6 e89688e3e978 and stables")       \
	X(tlp, "TLP timeout: 0 2rtt, 1 +rto_min, 2 summed in us", "4.13; 6.6 1c2709cfff1d")        \
	X(tlp_needs_rtt, "no TLP before the first RTT sample", "until 4.13")                       \
	X(probe0_ge, "probe limit reached at >=, not >", "5.1 3976535af0cb")                       \
	X(probe0_ut, "probes and user_timeout: 0 no 1 head 2 model 3 stamp", "5.11 9d9b1ee0b2d1")  \
	X(probe0_clamp, "probe clamp: 0 none, 1 underflows, 2 signed", "5.11 344db93ae3ee; 7.1")   \
	X(probe0_base_min, "probe interval at least TCP_RTO_MIN", "4.1 21c8fe9915276")             \
	X(keepalive_syn_sent, "keepalive leaves SYN_SENT alone", "4.14 2dda640040876")             \
	X(delack_rto_min, "a delayed ACK stays below rto_min", "6.7 bbf80d713fe7")                 \
	X(ato_inflate, "missed delayed ACK: 0 32 bits, 1 capped, 2 wraps", "6.12 stable; 6.18")    \
	X(rto_min_sysctl, "tcp_rto_min_us", "6.11 f086edef71be")                                   \
	X(rto_max_socket, "tcp_rto_max_ms and TCP_RTO_MAX_MS", "6.15 54a378f43425")                \
	X(synack_timer, "SYN-ACK timer: 0 the listener's walk, 1 its own", "4.1 fa76ce7328b2")     \
	X(synack_rto_max, "SYN-ACK period capped by the listener's rto_max", "6.19 1e9d3005e02c")  \
	X(tfo_timeout, "fast-open child starts from req->timeout, not 1 s", "5.17 5903123f662e")   \
	X(tw_timer, "TIME_WAIT: 0 host-wide slots, 1 a timer each", "4.2 789f558cfb36")            \
	X(tw_recycle, "tcp_tw_recycle exists", "removed in 4.12 4396e46187ca")                     \
	X(paws_tw_counter, "TIME_WAIT counts PAWS apart, as PAWSTimewait", "6.16")                 \
	X(oow_limit, "tcp_invalid_ratelimit", "3.20/4.0 032ee4236954")

#define TCPTIMER_BEHAVIOUR_FIELD(field, what, since) __u8 field;

struct tcptimer_profile {
	char name[16];  /* "6.12", or the release it was detected from, cut to fit */
	__u32 version;  /* major << 16 | minor << 8 | patch (255 where larger) */
	TCPTIMER_BEHAVIOURS(TCPTIMER_BEHAVIOUR_FIELD)
};

/* One behaviour of a profile, for `doctor`. */
struct tcptimer_behaviour {
	const char *name;  /* the field's name */
	const char *what;
	const char *since;
	__u8 value;
};

/* The built-in profiles, oldest first: "3.15" ... "7.2". NULL past the end. */
const struct tcptimer_profile *tcptimer_profile_at(size_t index);
/* By name ("6.12"); NULL when there is none. */
const struct tcptimer_profile *tcptimer_profile_by_name(const char *name);
size_t tcptimer_behaviour_count(void);
/* The index-th behaviour of this profile; false past the end. */
bool tcptimer_behaviour_at(const struct tcptimer_profile *profile, size_t index,
			   struct tcptimer_behaviour *ret_behaviour);

enum tcptimer_tristate { TCPTIMER_UNKNOWN = 0, TCPTIMER_NO = 1, TCPTIMER_YES = 2 };

/*
 * What is known of a kernel. release is uname's ("6.1.0-39-amd64"); version what its build says of
 * itself ("... Debian 6.1.192-1 ...", uname -v or /proc/version), where distributions put the stable
 * level; either may be NULL. The rest are enum tcptimer_tristate; UNKNOWN leaves the version's word.
 */
struct tcptimer_kernel_facts {
	const char *release;
	const char *version;
	__u8 sysctl_syn_linear_timeouts; /* net.ipv4.tcp_syn_linear_timeouts exists */
	__u8 sysctl_rto_min_us;
	__u8 sysctl_rto_max_ms;
	__u8 btf_icsk_timeout;           /* struct inet_connection_sock.icsk_timeout (before 6.19) */
	__u8 btf_icsk_rto_max;
	__u8 btf_probes_tstamp;          /* .icsk_probes_tstamp */
	__u8 btf_total_rto;              /* struct tcp_sock.total_rto */
	__u8 btf_tcp_usec_ts;
	__u8 btf_keepalive_in_icsk;      /* .icsk_keepalive_timer (7.x) */
	__u8 btf_ato_bits;               /* width of icsk_ack.ato: 32 or 8; 0 unknown */
};

/*
 * The profile of a running kernel: the newest built-in profile not newer than the version, then
 * corrected by the stable level and by the facts. EARG, ENOPROFILE.
 */
int tcptimer_profile_detect(const struct tcptimer_kernel_facts *facts,
			    struct tcptimer_profile *ret_profile);

/* ---------------------------------------------------------------- assumptions */

/* What the peer, or the network, does with what this host sends from now on. */
enum tcptimer_peer {
	TCPTIMER_PEER_AUTO,        /* what the socket's state calls for, see tcptimer_engine_peer() */
	TCPTIMER_PEER_SILENT,      /* nothing comes back */
	TCPTIMER_PEER_ZERO_WINDOW, /* answers, and its window is closed */
	TCPTIMER_PEER_ACKS,        /* acknowledges all */
	TCPTIMER_PEER_UNREACHABLE, /* a router answers ICMP host unreachable */
	TCPTIMER_PEER_RESETS,      /* answers with an RST */
	TCPTIMER_PEER_COUNT
};

const char *tcptimer_peer_name(unsigned int peer); /* "silent", "zero_window", ... */
int tcptimer_peer_by_name(const char *name);       /* -1 when there is none */

/* Limits, as the settings that decide. */
#define TCPTIMER_LIMITS(X)                                                                         \
	X(NONE, "none", "")                                                                        \
	X(USER_TIMEOUT, "TCP_USER_TIMEOUT", "ms")                                                  \
	X(RETRIES2, "tcp_retries2", "")        /* its model time; on probes, their number */       \
	X(ORPHAN_RETRIES, "tcp_orphan_retries", "") /* effective: 8 for a 0 while alive */         \
	X(SYN_RETRIES, "tcp_syn_retries", "")                                                      \
	X(SYNCNT, "TCP_SYNCNT", "")                                                                \
	X(SYNACK_RETRIES, "tcp_synack_retries", "") /* effective, after a full queue's shrinking */\
	X(KEEPALIVE_PROBES, "tcp_keepalive_probes", "")                                            \
	X(KEEPCNT, "TCP_KEEPCNT", "")                                                              \
	X(FIN_TIMEOUT, "tcp_fin_timeout", "ms")                                                    \
	X(LINGER2, "TCP_LINGER2", "ms")                                                            \
	X(FIN_RTO, "3.5 * rto", "ms")          /* the lower bound of the FIN_WAIT2 time */         \
	X(TIMEWAIT_LEN, "TCP_TIMEWAIT_LEN", "ms")                                                  \
	X(RTO_MAX, "2 * rto_max", "ms")        /* closed window with data in flight */             \
	X(MEMORY, "tcp_max_orphans or tcp_mem", "")

#define TCPTIMER_ENUM_LIMIT(name, word, unit) TCPTIMER_LIMIT_##name,
enum tcptimer_limit { TCPTIMER_LIMITS(TCPTIMER_ENUM_LIMIT) TCPTIMER_LIMIT_COUNT };

const char *tcptimer_limit_name(unsigned int limit); /* "tcp_retries2" */
const char *tcptimer_limit_unit(unsigned int limit); /* "ms", or "" for a number */

/* Flags of tcptimer_engine_params */
#define TCPTIMER_ENGINE_ANY_PHASE (1u << 0) /* absolute jiffies are made up: answer in ranges */
#define TCPTIMER_ENGINE_LOCAL_DROP (1u << 1) /* what this host sends, its own queue drops (err > 0) */
#define TCPTIMER_ENGINE_OUT_OF_RESOURCES (1u << 2) /* tcp_check_oom() is true: orphans die */

struct tcptimer_engine_params {
	__u32 hz;             /* CONFIG_HZ */
	__u32 peer;           /* enum tcptimer_peer */
	__u32 flags;          /* TCPTIMER_ENGINE_* */
	__u32 ignored_limits; /* bits 1 << enum tcptimer_limit: as if these limits did not exist */
	__u32 timeout_init_jiffies; /* tcp_timeout_init(): a BPF program's answer; 0: 1 s */
	__u32 rtt_us;         /* of peers that answer; 0: the socket's srtt, or 0 */
};

/* ---------------------------------------------------------------- results */

/* Flags of an event: what else the kernel did at that firing. */
#define TCPTIMER_EV_ROUTE_CHECKED (1u << 0)  /* retries1 passed: dst_negative_advice() */
#define TCPTIMER_EV_ROUTE_RESET (1u << 1)    /* __sk_dst_reset() */
#define TCPTIMER_EV_MTU_PROBE (1u << 2)      /* tcp_mtu_probing() lowered the MSS or began to */
#define TCPTIMER_EV_LINEAR (1u << 3)         /* the RTO was not doubled (thin stream, linear SYN) */
#define TCPTIMER_EV_CLAMPED (1u << 4)        /* the next interval was cut to user_timeout */
#define TCPTIMER_EV_LOCAL_DROP (1u << 5)     /* dropped locally; tried again after HZ/2 */
#define TCPTIMER_EV_CLOSED_WINDOW (1u << 6)  /* the shrunk-window branch: not counted as a retry */
#define TCPTIMER_EV_ANSWERED (1u << 7)       /* the peer answered, as assumed */
#define TCPTIMER_EV_TFO_DISABLED (1u << 8)   /* fast open is disabled on this path */
#define TCPTIMER_EV_RTO_REVERTED (1u << 9)   /* an ICMP error took one backoff back (RFC 6069) */
#define TCPTIMER_EV_RST (1u << 10)           /* an RST left this host */
#define TCPTIMER_EV_RECOVERED (1u << 11)     /* the peer's answer ended the stall */
#define TCPTIMER_EV_LOSS (1u << 12)          /* tcp_enter_loss() */
#define TCPTIMER_EV_MAYBE (1u << 13)         /* not in every phase: the connection may be gone */

struct tcptimer_engine_event {
	__u64 at_min_jiffies; /* relative; the first and the last jiffy at which it can happen */
	__u64 at_max_jiffies;
	__u64 at_ms;          /* the middle of min and max, rounded down */
	__u64 at_min_ms;
	__u64 at_max_ms;
	__u32 rto_ms;         /* the interval armed after it, before the wheel; 0: none */
	__u32 flags;          /* TCPTIMER_EV_* */
	__u16 n;              /* 1st, 2nd ... retransmission or probe since the last answer; 0: neither */
	__u8 timer;           /* enum tcptimer_timer */
	__u8 action;          /* enum tcptimer_action */
	__u8 cause;           /* enum tcptimer_cause, when it ends the connection */
	__u8 pad[3];
	__s32 err;            /* positive errno that the application gets; 0: none */
};

struct tcptimer_deadline {
	__u8 never;           /* under this assumption no timer ever ends it; the rest is 0 */
	__u8 rst;             /* an RST leaves when it ends */
	__u8 reported;        /* the error reaches an application (not for orphans, not for requests) */
	__u8 peer;            /* enum tcptimer_peer that was assumed: never AUTO */
	__u8 timer;           /* enum tcptimer_timer whose handler ends it */
	__u8 cause;           /* enum tcptimer_cause */
	__u8 limit;           /* enum tcptimer_limit: the setting that decided */
	__u8 pad;
	__s32 err;            /* positive errno; 0: none */
	__u32 limit_value;    /* its effective value, in tcptimer_limit_unit() */
	__u32 n;              /* retransmissions or probes out by then, with the snapshot's own */
	__u64 at_min_jiffies; /* relative */
	__u64 at_max_jiffies;
	__u64 at_ms;          /* the middle */
	__u64 at_min_ms;
	__u64 at_max_ms;
};

struct tcptimer_timeline {
	size_t count;         /* events written */
	bool truncated;       /* the buffer was full before the end */
	struct tcptimer_deadline deadline;  /* whole, also when truncated */
	struct tcptimer_deadline runner_up; /* what would have ended it without the deciding limit;
					       .never when nothing would */
};

/* ---------------------------------------------------------------- questions */

/*
 * The assumption that the socket's state calls for: SILENT where something went unanswered (and in
 * SYN, SYN-ACK, FIN_WAIT2 and TIME_WAIT, which only time ends), UNREACHABLE where sk_err_soft is
 * kept meanwhile, ZERO_WINDOW for a closed window whose peer answered the last probe, else ACKS.
 */
enum tcptimer_peer tcptimer_engine_peer(const struct tcptimer_snapshot *s);

/* When and why it ends: the fast path. Errors: all; on ELONG at_*min* is what was followed. */
int tcptimer_engine_deadline(const struct tcptimer_profile *profile,
			     const struct tcptimer_engine_params *params,
			     const struct tcptimer_snapshot *s,
			     struct tcptimer_deadline *ret_deadline);

/* The next event of any timer. timer TCPTIMER_TIMER_NONE when nothing is armed. */
int tcptimer_engine_next(const struct tcptimer_profile *profile,
			 const struct tcptimer_engine_params *params,
			 const struct tcptimer_snapshot *s,
			 struct tcptimer_engine_event *ret_event);

/*
 * Every event in order of at_max_jiffies until the end or until `events` (room for max) is full.
 * max 0 gives the deadline and runner-up alone. With ELONG the events and count stand.
 */
int tcptimer_engine_timeline(const struct tcptimer_profile *profile,
			     const struct tcptimer_engine_params *params,
			     const struct tcptimer_snapshot *s,
			     struct tcptimer_engine_event *events, size_t max,
			     struct tcptimer_timeline *ret_timeline);

/* ---------------------------------------------------------------- starting from nothing */

/* The sysctls a kernel of this profile starts with. */
void tcptimer_sysctls_init_defaults(const struct tcptimer_profile *profile, __u32 hz,
				    struct tcptimer_sysctls *ret_sysctls);

/*
 * A socket of its default settings at the moment that its first timer is armed (now_jiffies 2^32,
 * now_ns a whole tick), for `simulate`:
 *   SYN_SENT       the SYN has just been sent
 *   ESTABLISHED    one segment has just been sent; RTT sample 1 ms, so an RTO just above rto_min
 *   NEW_SYN_RECV   a request (kind REQUEST) whose SYN-ACK has just been sent
 *   FIN_WAIT1, LAST_ACK, CLOSING, CLOSE_WAIT   a segment or FIN in flight, closed: an orphan
 *                  (CLOSE_WAIT: not closed)
 *   FIN_WAIT2, TIME_WAIT   closed; the mini-socket (kind TIMEWAIT), or what FIN_WAIT2 calls for
 * Then change fields, and call the one that arms what the change calls for. ESTATE for others.
 */
int tcptimer_snapshot_init_defaults(const struct tcptimer_profile *profile, __u32 hz,
				    unsigned int state, struct tcptimer_snapshot *ret_snapshot);

/* After changing sysctls: the socket's effective values that are copied from them at birth. */
void tcptimer_snapshot_apply_sysctls(const struct tcptimer_profile *profile, __u32 hz,
				     struct tcptimer_snapshot *s);

/* An RTO of that length, with a smoothed RTT that gives it; and the variance that is left. */
void tcptimer_snapshot_set_rto(const struct tcptimer_profile *profile, __u32 hz,
			       struct tcptimer_snapshot *s, __u32 rto_ms);

/* Moves the socket to another jiffy: now_jiffies and every stamp and expiry with it. */
void tcptimer_snapshot_set_jiffies(const struct tcptimer_profile *profile, __u32 hz,
				   struct tcptimer_snapshot *s, __u64 jiffies);

/* What the socket waits for, in `simulate`. Each arms the timers that the kernel would, now. */
void tcptimer_snapshot_arm_data(const struct tcptimer_profile *profile, __u32 hz,
				struct tcptimer_snapshot *s);   /* a segment was just sent */
void tcptimer_snapshot_arm_probe0(const struct tcptimer_profile *profile, __u32 hz,
				  struct tcptimer_snapshot *s); /* data waits on a closed window */
void tcptimer_snapshot_arm_idle(const struct tcptimer_profile *profile, __u32 hz,
				struct tcptimer_snapshot *s);   /* nothing in flight, nothing to send */
void tcptimer_snapshot_arm_keepalive(const struct tcptimer_profile *profile, __u32 hz,
				     struct tcptimer_snapshot *s); /* SO_KEEPALIVE set just now */
void tcptimer_snapshot_arm_fin_wait2(const struct tcptimer_profile *profile, __u32 hz,
				     struct tcptimer_snapshot *s); /* close() in FIN_WAIT2 just now */
void tcptimer_snapshot_arm_delack(const struct tcptimer_profile *profile, __u32 hz,
				  struct tcptimer_snapshot *s); /* data came, its ACK is delayed */

/* ---------------------------------------------------------------- single rules */

/*
 * setsockopt() on a socket with timers armed. All say whether the keepalive timer is armed after it
 * (return value) and when it expires, in absolute jiffies (the wheel rounds it).
 */
/* SO_KEEPALIVE: tcp_set_keepalive(). Setting it when it is set changes nothing. */
bool tcptimer_keepalive_set(const struct tcptimer_snapshot *s, bool on, __u64 *ret_expires);
/* TCP_KEEPIDLE: tcp_sock_set_keepidle_locked(). TCP_KEEPINTVL, TCP_KEEPCNT re-arm nothing. */
bool tcptimer_keepalive_set_idle(const struct tcptimer_snapshot *s, __u32 idle_jiffies,
				 __u64 *ret_expires);

/* tcp_send_delayed_ack(): when the ACK of data that has just come would leave. */
struct tcptimer_delack {
	bool now;           /* at once: the pending timer is within ato/4 */
	__u64 expires;      /* absolute jiffies, when not now */
	__u32 ato_jiffies;
};
void tcptimer_delack_schedule(const struct tcptimer_profile *profile, __u32 hz,
			      const struct tcptimer_snapshot *s, struct tcptimer_delack *ret_delack);
/* tcp_delack_timer_handler(): ato and pingpong after a missed delayed ACK. */
void tcptimer_delack_missed(const struct tcptimer_profile *profile, __u32 hz,
			    const struct tcptimer_snapshot *s, __u32 *ret_ato_jiffies,
			    __u8 *ret_pingpong);
/* __tcp_send_ack() without memory: the delay until the next try; *retry is icsk_ack.retry. */
__u32 tcptimer_delack_retry(__u32 hz, __u32 rto_max_jiffies, __u8 *retry);

/* tcp_set_rto() and tcp_bound_rto(): the RTO that srtt_us (scaled by 8) and rttvar_us give. */
__u32 tcptimer_rto_from_rtt(__u32 hz, __u32 srtt_us, __u32 rttvar_us, __u32 rto_max_jiffies);
/* tcp_rtt_estimator(), first sample: fills srtt_us, mdev_us, rttvar_us of s. */
void tcptimer_rto_first_sample(__u32 hz, struct tcptimer_snapshot *s, __u32 rtt_us);
/* tcp_schedule_loss_probe(): jiffies until the probe; 0 when none is scheduled. */
__u32 tcptimer_loss_probe_delay(const struct tcptimer_profile *profile, __u32 hz,
				const struct tcptimer_snapshot *s, __u32 rto_left_jiffies);
/* tcp_rack_reo_wnd() and tcp_rack_mark_lost(): jiffies for a wait of remaining_us. */
__u32 tcptimer_reo_wnd_us(const struct tcptimer_snapshot *s, bool reordering_seen);
__u32 tcptimer_reo_delay(const struct tcptimer_profile *profile, __u32 hz,
			 const struct tcptimer_snapshot *s, __u32 remaining_us);
/* tcp_fin_time(): jiffies; *ret_limit says which setting gave it. */
__u32 tcptimer_fin_time(const struct tcptimer_snapshot *s, enum tcptimer_limit *ret_limit);
/* tcp_connect(), tcp_check_req(): the RTO after a handshake that needed a retransmission. */
__u32 tcptimer_rto_initial(const struct tcptimer_profile *profile, __u32 hz, bool retransmitted,
			   __u32 timeout_init_jiffies);

/* A segment that meets a mini-socket: tcp_timewait_state_process(). */
struct tcptimer_tw_segment {
	bool syn, ack, fin, rst;
	bool in_window;     /* tcp_in_window() of FIN_WAIT2 */
	bool at_rcv_nxt;    /* seq == rcv_nxt */
	bool seq_after;     /* seq after rcv_nxt */
	bool end_after;     /* end_seq after rcv_nxt */
	bool end_is_next;   /* end_seq == rcv_nxt + 1 */
	bool empty;         /* end_seq == seq: neither data nor SYN nor FIN */
	bool has_tstamp;    /* a timestamp option */
	bool tstamp_newer;  /* newer than the last accepted */
	bool paws_reject;
};
enum tcptimer_tw_verdict {
	TCPTIMER_TW_DROP,   /* TCP_TW_SUCCESS: nothing is sent */
	TCPTIMER_TW_ACK,    /* an ACK is sent */
	TCPTIMER_TW_RST,    /* an RST is sent, and the caller removes the mini-socket */
	TCPTIMER_TW_SYN,    /* TCP_TW_SYN: a listener, if there is one, reopens the connection */
};
enum tcptimer_tw_timer_effect {
	TCPTIMER_TW_KEPT,      /* the timer runs on */
	TCPTIMER_TW_RESTARTED, /* again for TCP_TIMEWAIT_LEN (3.15 with recycling: for 3.5 rto) */
	TCPTIMER_TW_KILLED,    /* the mini-socket is gone */
};
struct tcptimer_tw_result {
	enum tcptimer_tw_verdict verdict;
	enum tcptimer_tw_timer_effect timer;
	__u8 substate;         /* enum tcptimer_state after it */
	bool ratelimited;      /* it was to be an ACK, but tcp_invalid_ratelimit held it back */
	__u32 timeout_jiffies; /* of a restarted timer */
	const char *counter;   /* the MIB counter that counts it, or NULL */
};
/* recycle: tcp_tw_recycle is on (profiles that have it). EARG, ESTATE when s is no mini-socket. */
int tcptimer_timewait_segment(const struct tcptimer_profile *profile, __u32 hz,
			      const struct tcptimer_snapshot *s,
			      const struct tcptimer_tw_segment *segment, bool recycle,
			      struct tcptimer_tw_result *ret_result);

/* tcp_oow_rate_limited(): may an out-of-window segment be answered? */
enum tcptimer_oow_reason {
	TCPTIMER_OOW_SYN_RECV,  /* a request: duplicate or out-of-window ACK */
	TCPTIMER_OOW_PAWS,
	TCPTIMER_OOW_SEQ,
	TCPTIMER_OOW_FIN_WAIT2, /* mini-socket */
	TCPTIMER_OOW_TIME_WAIT, /* mini-socket */
	TCPTIMER_OOW_CHALLENGE, /* RFC 5961 */
	TCPTIMER_OOW_COUNT
};
struct tcptimer_oow_result {
	bool limited;         /* no ACK is sent */
	const char *counter;  /* "TCPACKSkippedSeq" ...: counted when limited */
	__u32 wait_jiffies;   /* when limited: until the next answer may leave */
	__u32 stamp;          /* last_oow_ack_time after it */
};
/* has_data without syn is never limited (a challenge ACK is): data is no part of an ACK loop. */
void tcptimer_oow_check(const struct tcptimer_profile *profile, const struct tcptimer_snapshot *s,
			enum tcptimer_oow_reason reason, bool has_data, bool syn,
			struct tcptimer_oow_result *ret_result);
const char *tcptimer_oow_counter(enum tcptimer_oow_reason reason);

/* icsk_retransmits a TCP_DEFER_ACCEPT of so many seconds becomes: secs_to_retrans(). */
__u8 tcptimer_defer_accept_periods(__u32 seconds, __u32 timeout_s, __u32 rto_max_s);

/* clang-format on */

#endif

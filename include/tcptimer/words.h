/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The product's words: timers, causes, events and actions, each written once.
 * Receives nothing; hands enums to the BPF programs and enums with names to everything in user space.
 */
#ifndef TCPTIMER_WORDS_H
#define TCPTIMER_WORDS_H

/* Columns of comments are laid out by hand. */
/* clang-format off */

/*
 * Timers. The name is what commands, filters and JSON show. The comment is the kernel's handler.
 *   X(ENUMERATOR, "name")
 */
#define TCPTIMER_TIMERS(X)                                                                         \
	X(NONE, "none")                                                                            \
	X(SYN, "syn")                 /* tcp_write_timer, ICSK_TIME_RETRANS in SYN_SENT */         \
	X(RETRANS, "retrans")         /* tcp_write_timer, ICSK_TIME_RETRANS */                     \
	X(LOSS_PROBE, "loss_probe")   /* tcp_write_timer, ICSK_TIME_LOSS_PROBE */                  \
	X(REO_TIMEOUT, "reo_timeout") /* tcp_write_timer, ICSK_TIME_REO_TIMEOUT */                 \
	X(PROBE0, "probe0")           /* tcp_write_timer, ICSK_TIME_PROBE0 */                      \
	X(KEEPALIVE, "keepalive")     /* tcp_keepalive_timer */                                    \
	X(FIN_WAIT2, "fin_wait2")     /* tcp_keepalive_timer on an orphan; or tw_timer_handler */  \
	X(DELACK, "delack")           /* tcp_delack_timer */                                       \
	X(SYNACK, "synack")           /* reqsk_timer_handler; tcp_write_timer of a TFO child */    \
	X(TIMEWAIT, "timewait")       /* tw_timer_handler */

/* Why a connection ended. NONE: it has not, or the kernel gave no reason that we know. */
#define TCPTIMER_CAUSES(X)                                                                         \
	X(NONE, "none")                                                                            \
	X(RETRIES, "retries")                   /* the tcp_retries2 model ran out */               \
	X(USER_TIMEOUT, "user_timeout")         /* TCP_USER_TIMEOUT */                             \
	X(SYN_RETRIES, "syn_retries")           /* tcp_syn_retries or TCP_SYNCNT */                \
	X(SYNACK_RETRIES, "synack_retries")     /* tcp_synack_retries or the listener's TCP_SYNCNT */ \
	X(KEEPALIVE, "keepalive")               /* keepalive probes unanswered */                  \
	X(PROBE0, "probe0")                     /* zero-window probes unanswered */                \
	X(ORPHAN, "orphan")                     /* tcp_orphan_retries */                           \
	X(OUT_OF_RESOURCES, "out_of_resources") /* tcp_out_of_resources */                         \
	X(FIN_WAIT2, "fin_wait2")               /* tcp_fin_timeout or TCP_LINGER2 */               \
	X(SHRUNK_WINDOW, "shrunk_window")       /* tcp_rtx_probe0_timed_out */                     \
	X(UNREACHABLE, "unreachable")           /* an ICMP error, kept as sk_err_soft or at once */ \
	X(PEER_RESET, "peer_reset")             /* an RST came */                                  \
	X(LOCAL_RESET, "local_reset")           /* this host sent an RST for the application */    \
	X(POLICY, "policy")                     /* a rule of the policy ended it */                \
	X(CLOSED, "closed")                     /* orderly, or closed by the application */

/* What an event of `trace` is. LOST and SUMMARY are made in user space. */
#define TCPTIMER_EVENTS(X)                                                                         \
	X(NONE, "none")                                                                            \
	X(STALL, "stall")         /* a stall began */                                              \
	X(RECOVERED, "recovered") /* a stall ended: the peer answered */                           \
	X(EXPIRED, "expired")     /* a timer's handler ran */                                      \
	X(ABORT, "abort")         /* the kernel gave up */                                         \
	X(RESET, "reset")         /* ended by an RST, sent or received */                          \
	X(CLOSED, "closed")       /* ended otherwise */                                            \
	X(RETRANSMIT, "retransmit") /* a retransmission outside a timer: fast, or deferred */

/* What the kernel did when a timer's handler ran. */
#define TCPTIMER_ACTIONS(X)                                                                        \
	X(NONE, "none")               /* ran and did nothing: stale, or nothing to do */           \
	X(RETRANSMITTED, "retransmitted")                                                          \
	X(RETRANSMIT_FAILED, "retransmit_failed") /* not sent: no route, or no memory (errno) */   \
	X(PROBED, "probed")           /* window, keepalive or loss probe number n */               \
	X(ACKED, "acked")             /* sent a delayed ACK */                                     \
	X(REARMED, "rearmed")         /* set the timer again and sent nothing */                   \
	X(DEFERRED, "deferred")       /* the socket was in use: its owner will run the handler */  \
	X(RECOVERING, "recovering")   /* reo_timeout marked segments lost */                       \
	X(ABORTED, "aborted")         /* ended the connection */                                   \
	X(HANDED_OVER, "handed_over") /* a mini-socket (FIN_WAIT2, TIME_WAIT) took over */         \
	X(ENDED, "ended")             /* a mini-socket or request went away on time */

#define TCPTIMER_ENUM_(prefix, name) TCPTIMER_##prefix##_##name
#define TCPTIMER_ENUM_TIMER(name, word) TCPTIMER_ENUM_(TIMER, name),
#define TCPTIMER_ENUM_CAUSE(name, word) TCPTIMER_ENUM_(CAUSE, name),
#define TCPTIMER_ENUM_EVENT(name, word) TCPTIMER_ENUM_(EVENT, name),
#define TCPTIMER_ENUM_ACTION(name, word) TCPTIMER_ENUM_(ACTION, name),

enum tcptimer_timer { TCPTIMER_TIMERS(TCPTIMER_ENUM_TIMER) TCPTIMER_TIMER_COUNT };
enum tcptimer_cause { TCPTIMER_CAUSES(TCPTIMER_ENUM_CAUSE) TCPTIMER_CAUSE_COUNT };
enum tcptimer_event_kind { TCPTIMER_EVENTS(TCPTIMER_ENUM_EVENT) TCPTIMER_EVENT_COUNT };
enum tcptimer_action { TCPTIMER_ACTIONS(TCPTIMER_ENUM_ACTION) TCPTIMER_ACTION_COUNT };

/* TCP states, numbered as in the kernel's include/net/tcp_states.h: ss's word, ours, ss's filter word. */
#define TCPTIMER_STATES(X)                                                                         \
	X(0, UNKNOWN, "UNKNOWN", "unknown")                                                        \
	X(1, ESTABLISHED, "ESTAB", "established")                                                  \
	X(2, SYN_SENT, "SYN-SENT", "syn_sent")                                                     \
	X(3, SYN_RECV, "SYN-RECV", "syn_recv")                                                     \
	X(4, FIN_WAIT1, "FIN-WAIT-1", "fin_wait1")                                                 \
	X(5, FIN_WAIT2, "FIN-WAIT-2", "fin_wait2")                                                 \
	X(6, TIME_WAIT, "TIME-WAIT", "time_wait")                                                  \
	X(7, CLOSE, "UNCONN", "close")                                                             \
	X(8, CLOSE_WAIT, "CLOSE-WAIT", "close_wait")                                               \
	X(9, LAST_ACK, "LAST-ACK", "last_ack")                                                     \
	X(10, LISTEN, "LISTEN", "listen")                                                          \
	X(11, CLOSING, "CLOSING", "closing")                                                       \
	X(12, NEW_SYN_RECV, "SYN-RECV", "syn_recv") /* a request socket */

#define TCPTIMER_ENUM_STATE(number, name, ss, word) TCPTIMER_STATE_##name = number,
enum tcptimer_state { TCPTIMER_STATES(TCPTIMER_ENUM_STATE) TCPTIMER_STATE_COUNT };

#ifndef __bpf__
/* The word for a value, or "unknown" when it is out of range. Never NULL; static storage. */
const char *tcptimer_timer_name(unsigned int timer);
const char *tcptimer_cause_name(unsigned int cause);
const char *tcptimer_event_name(unsigned int event);
const char *tcptimer_action_name(unsigned int action);
const char *tcptimer_state_name(unsigned int state);    /* "syn_sent" */
const char *tcptimer_state_ss_name(unsigned int state); /* "SYN-SENT" */
/* The timer of that name, or -1. */
int tcptimer_timer_by_name(const char *name);
#endif

/* clang-format on */

#endif

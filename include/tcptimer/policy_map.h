/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy as the kernel has it: what the BPF programs and the daemon share through pinned maps.
 * Written by user/kernel/enforce.c; read by bpf/policy.h, by `trace` and by the next daemon.
 *
 * Rules and masks lie in two banks. A new policy is written to the bank that is not in force; one store
 * to tcptimer_policy_control.active then puts it in force whole.
 */
#ifndef TCPTIMER_POLICY_MAP_H
#define TCPTIMER_POLICY_MAP_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/*
 * Of all that follows: programs take over maps of the same layout only. The upper half is that of
 * struct tcptimer_policy_sock alone: what sockets were like without policy outlives the other maps.
 */
#define TCPTIMER_POLICY_LAYOUT (TCPTIMER_POLICY_LAYOUT_SOCKETS << 16 | 3)
#define TCPTIMER_POLICY_LAYOUT_SOCKETS 1

#define TCPTIMER_POLICY_RULES 256
#define TCPTIMER_POLICY_LIST 32
#define TCPTIMER_POLICY_NAME 68       /* bytes with the 0 */
#define TCPTIMER_POLICY_CGROUPS 65536 /* entries of the map of cgroups */
#define TCPTIMER_POLICY_SLOT_BITS 15
#define TCPTIMER_POLICY_SLOTS (1 << TCPTIMER_POLICY_SLOT_BITS)
#define TCPTIMER_POLICY_WORDS (TCPTIMER_POLICY_RULES / 64)
#define TCPTIMER_POLICY_SOURCE (1 << 20) /* bytes of the files that the policy was read from */

/*
 * The keys below `set:`, and those below its `keepalive:`.
 *   X(ENUMERATOR, member, "key")
 */
#define POLICY_PLAIN_SETTINGS(X)                                                                   \
	X(USER_TIMEOUT, user_timeout, "user_timeout")                                              \
	X(MAX_RETRIES, max_retries, "max_retries")                                                 \
	X(SYN_RETRIES, syn_retries, "syn_retries")                                                 \
	X(SYN_RTO, syn_rto, "syn_rto")                                                             \
	X(RTO_MIN, rto_min, "rto_min")                                                             \
	X(RTO_MAX, rto_max, "rto_max")                                                             \
	X(DELACK_MAX, delack_max, "delack_max")                                                    \
	X(THIN_LINEAR, thin_linear_timeouts, "thin_linear_timeouts")
#define POLICY_KEEPALIVE_SETTINGS(X)                                                               \
	X(KEEPALIVE_ENABLE, enable, "enable")                                                      \
	X(KEEPALIVE_IDLE, idle, "idle")                                                            \
	X(KEEPALIVE_INTERVAL, interval, "interval")                                                \
	X(KEEPALIVE_PROBES, probes, "probes")

#define POLICY_SETTING_ENUM(name, member, key) POLICY_##name,
enum policy_setting_id {
	POLICY_PLAIN_SETTINGS(POLICY_SETTING_ENUM) POLICY_KEEPALIVE_SETTINGS(POLICY_SETTING_ENUM)
		POLICY_SETTING_COUNT
};

#define POLICY_BIT(id) (1u << (id))
#define POLICY_KEEPALIVE_BITS                                                                      \
	(POLICY_BIT(POLICY_KEEPALIVE_ENABLE) | POLICY_BIT(POLICY_KEEPALIVE_IDLE) |                 \
	 POLICY_BIT(POLICY_KEEPALIVE_INTERVAL) | POLICY_BIT(POLICY_KEEPALIVE_PROBES))

enum policy_direction { POLICY_ANY, POLICY_CONNECT, POLICY_ACCEPT };

enum policy_mode {
	POLICY_ENFORCE, /* holds against the application: stricter passes, looser does not */
	POLICY_DEFAULT, /* what the application has not set, and yields to it */
	POLICY_AUDIT,   /* changes nothing, tells what it would have done */
};

/* Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d; `family` keeps ::/0 off IPv4. */
struct tcptimer_policy_cidr {
	__u32 addr[4]; /* zero beyond the mask */
	__u32 mask[4];
	__u32 family; /* 4 or 6 */
};

struct tcptimer_policy_rule {
	char name[TCPTIMER_POLICY_NAME];
	__u8 direction; /* enum policy_direction */
	__u8 mode;      /* enum policy_mode */
	__u8 remote_count, local_count, remote_port_count, local_port_count;
	__u8 pad[2];
	__u32 set;      /* bits 1 << enum policy_setting_id */
	__u32 identity; /* a hash of name, mode, set and value: the same rule in another policy */
	/* The kernel's units: user_timeout and rto_max ms, syn_rto jiffies, rto_min and delack_max us,
	 * keepalive idle and interval s, else numbers and 0 or 1. */
	__s32 value[POLICY_SETTING_COUNT];
	struct tcptimer_policy_cidr remote[TCPTIMER_POLICY_LIST];
	struct tcptimer_policy_cidr local[TCPTIMER_POLICY_LIST];
	__u32 remote_port[TCPTIMER_POLICY_LIST]; /* first << 16 | last */
	__u32 local_port[TCPTIMER_POLICY_LIST];
};

/*
 * Which rules may match a socket, by what stands in its key: and-ed with the candidates of its cgroup,
 * they leave few to be tried. Bits as in struct tcptimer_policy_cgroup. A rule's bit is missing only
 * where it can't match; where it is set, the rule may still say no.
 */
struct tcptimer_policy_index {
	__u64 kind[4][TCPTIMER_POLICY_WORDS]; /* 2 with POLICY_ACCEPT, 1 with IPv6 */
	/* By the port's low byte. */
	__u64 remote_port[256][TCPTIMER_POLICY_WORDS];
	__u64 local_port[256][TCPTIMER_POLICY_WORDS];
	/* By each byte of one word of the remote address, lowest first: 0 IPv4's, 1 IPv6's second. */
	__u64 remote[2][4][256][TCPTIMER_POLICY_WORDS];
};

/* Which rules may match sockets of a cgroup, by bank: bit i % 64 of word i / 64 is rule i. */
struct tcptimer_policy_cgroup {
	__u64 own[2][TCPTIMER_POLICY_WORDS];
	/* For cgroups below it that no entry is there for yet: rules that match all of them. */
	__u64 inherit[2][TCPTIMER_POLICY_WORDS];
};

/* The one element of the map policy_control, mapped by the daemon. */
struct tcptimer_policy_control {
	__u32 layout;         /* TCPTIMER_POLICY_LAYOUT */
	__u32 active;         /* generation << 1 | bank; 0: no policy yet */
	__u32 count[2];       /* rules, by bank */
	__u64 applied_ns;     /* CLOCK_BOOTTIME */
	__u32 source_size[2]; /* bytes in policy_source, by bank */
	__u32 generation;     /* of the policy in force last: no socket has taken a later one */
	__u16 unset[2];       /* bits of settings that no rule sets, by bank: not looked for */
};

/* One a rule and CPU, summed by the reader. */
struct tcptimer_policy_counters {
	__u64 sockets;   /* that the rule took, new or found */
	__u64 set;       /* options changed; audit: that would have been */
	__u64 refused;   /* by the kernel */
	__u64 clamped;   /* enforce: application calls for something looser */
	__u64 yielded;   /* default: settings left as the application had them */
	__u64 ended;     /* connections that a limit of the rule ended */
	__u64 unreached; /* max_retries on sockets that no callback can be had for (before 6.12) */
	__s32 refused_err;     /* of the last refusal: errno, positive */
	__u32 refused_setting; /* enum policy_setting_id */
};

/* What TCP_USER_TIMEOUT is during a stall of a socket with max_retries. */
enum policy_armed {
	POLICY_CALM, /* the base: what policy or application set */
	POLICY_KEPT, /* none that could be reached: keeps tcp_retries2 from ending it sooner */
	POLICY_LAST, /* that of the last retry */
};

/*
 * What policy knows of a socket: its storage. Values are in the units of tcptimer_policy_rule, 0 where
 * the socket has none of its own (the namespace's sysctl holds).
 */
struct tcptimer_policy_sock {
	__u32 generation; /* of the policy that was applied last; 0: none yet, the guard only noted */
	__u32 identity;   /* of its rule */
	__u16 rule;       /* its rule's index + 1; 0: none */
	__u8 mode;        /* enum policy_mode, of that rule */
	__u8 direction;   /* enum policy_direction; POLICY_ANY: not known yet */
	__u32 set;        /* bits of settings that the rule sets */
	__u32 changed;    /* bits of settings that differ from `before` through policy */
	__u32 asked;      /* bits of settings that the application set itself */
	__s32 before[POLICY_SETTING_COUNT]; /* without policy: as found, or as the application asked */
	__s32 policy[POLICY_SETTING_COUNT]; /* the rule's value, with its bit in `set` */
	__u32 base_user_timeout_ms;         /* what TCP_USER_TIMEOUT is outside of a stall */
	__u8 max_retries;                   /* 0: none */
	__u8 armed;                         /* enum policy_armed */
	__u8 expired;                       /* RTO_CB said that the connection ends now */
	__u8 pad;
	/* Of the pass that runs: here, since what lies on a program's stack multiplies its paths. */
	__u16 done_set, done_refused;
	__u16 refused_err, refused_setting;
};

/*
 * A place for that which needs no allocation, in a table by the socket's address. It is the socket's
 * whose cookie it has: nobody gives one back, and the next socket at the address takes it over, as does
 * any other that finds the owner gone. Where the owner lives, a socket has a storage of its own instead.
 */
struct tcptimer_policy_slot {
	__u64 sk;
	__u64 cookie; /* 0: nobody's yet */
	struct tcptimer_policy_sock st;
};

#ifndef __bpf__
_Static_assert(sizeof(struct tcptimer_policy_slot) == 152, "tcptimer_policy_slot");
_Static_assert(sizeof(struct tcptimer_policy_cidr) == 36, "tcptimer_policy_cidr");
_Static_assert(sizeof(struct tcptimer_policy_counters) == 64, "tcptimer_policy_counters");
_Static_assert(sizeof(struct tcptimer_policy_control) == 40, "tcptimer_policy_control");
_Static_assert(POLICY_SETTING_COUNT == 12, "settings");
#endif

#endif

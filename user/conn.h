/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection as commands see it: the kernel's snapshot with the names that user space adds.
 * Receives a snapshot from user/kernel/; handed to the filter, the text and the JSON output.
 */
#ifndef TCPTIMER_CONN_H
#define TCPTIMER_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include "tcptimer/snapshot.h"
#include "tcptimer/stall.h"
#include "tcptimer/words.h"

struct conn {
	const struct tcptimer_snapshot *snap; /* borrowed */
	const char *cgroup;     /* path below the cgroup2 mount, "/…"; NULL: unknown; raw bytes */
	const char *netns_name; /* name under /run/netns; NULL: none; raw bytes */
	const char *comm;       /* of the first owner; NULL: none known; raw bytes */
	int pid;                /* of the first owner; 0: none known */
	unsigned int owners;    /* processes that hold the socket; 0: none or not looked up */
	const int *pids; /* of all owners, `owners` of them; NULL: only `pid` is known; borrowed */
	unsigned int hz; /* the kernel's CONFIG_HZ, > 0 */
	uint32_t fired;  /* trace: 1 << enum tcptimer_timer that this event is about; list: 0 */
	bool in_stall; /* trace: the event belongs to a stall, also when it ends one; list: false */
	bool deadline_known; /* the engine could say: else all below is false and 0 */
	bool has_deadline;   /* the kernel will end the connection by itself ... */
	bool has_silent;     /* ... and would if the peer answered nothing from now on */
	enum tcptimer_cause deadline_cause;
	enum tcptimer_cause silent_cause;
	unsigned int max_retries; /* of that policy; 0: none */
	const char *rule;         /* of the policy that holds for it, or NULL */
	int64_t deadline_ms;      /* from now; valid with has_deadline */
	int64_t silent_ms;        /* from now; valid with has_silent */
};

/* A timer that is armed on the socket. */
struct armed_timer {
	enum tcptimer_timer timer;
	int64_t expires_ms; /* from now to its wheel bucket; negative: due, not run yet */
};

#define ARMED_MAX 4

/*
 * The timers armed on the socket, the soonest first. Returns how many (at most ARMED_MAX).
 * The time is that of the wheel bucket the timer sits in (kernel/time/timer.c calc_index), which
 * is when it fires, not the earlier `expires` that the kernel asked for.
 */
unsigned int conn_timers(const struct tcptimer_snapshot *snap, unsigned int hz,
			 struct armed_timer ret_timers[ARMED_MAX]);

/*
 * How long the socket's stall has lasted, in ms, from the clock that the kernel itself uses for
 * the stall's timer (retrans_stamp, probes_tstamp, ...); 0 when it is not stalled. See tcptimer(8),
 * STALLED.
 */
int64_t conn_stall_ms(const struct tcptimer_snapshot *snap, unsigned int hz);

#endif

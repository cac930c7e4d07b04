/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was foretold of each connection at its last event, to be held against its end.
 * Receives connections with their deadlines, then their ends; hands the drift and its sums. Pure.
 */
#ifndef TCPTIMER_FORETOLD_H
#define TCPTIMER_FORETOLD_H

#include <stdbool.h>
#include <stdint.h>
#include "conn.h"

#define FORETOLD_MAX (1U << 20) /* connections remembered; more are let go of, and not compared */

struct foretold_sums {
	unsigned long ends; /* ends by the kernel that had been foretold */
	unsigned long right_cause;
	unsigned long in_time; /* within two jiffies */
	int64_t worst_ms;      /* the largest drift, signed: > 0 later than foretold */
};

struct foretold;

struct foretold *foretold_new(void);
void foretold_free(struct foretold *foretold);

/* The connection's deadline as of now_ns (CLOCK_MONOTONIC), in place of what was foretold before. */
void foretold_set(struct foretold *foretold, const struct conn *conn, uint64_t now_ns);
void foretold_forget(struct foretold *foretold, uint64_t sk);
/* An end that had been foretold. */
struct foretold_drift {
	int64_t ms; /* how much later than foretold it came */
	bool right_cause;
};

/*
 * The kernel ended it at now_ns, for this cause, leaving `snap`. Returns whether that had been foretold,
 * and how well; forgets it. Not compared: an end that something new brought about since (an ICMP error;
 * a socket option, sysctl or close() that changed the limits).
 */
bool foretold_end(struct foretold *foretold, const struct tcptimer_snapshot *snap,
		  enum tcptimer_cause cause, uint64_t now_ns, struct foretold_drift *ret_drift);
/* Count it in the sums. */
void foretold_count(struct foretold *foretold, const struct foretold_drift *drift, unsigned int hz);
const struct foretold_sums *foretold_sums(const struct foretold *foretold);

#endif

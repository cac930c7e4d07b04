/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections by group: how many, in which states, stalled how and since when, what ended them.
 * Receives connections, and the kernel side's counts of an interval; hands groups, the worst first.
 * Pure.
 */
#ifndef TCPTIMER_SUMMARY_H
#define TCPTIMER_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "conn.h"
#include "histogram.h"
#include "tcptimer/summary_map.h"

/*
 * What makes a group.
 *   X(ENUMERATOR, "word", "TITLE", "one", "many")
 */
#define SUMMARY_BYS(X)                                                                             \
	X(CGROUP, "cgroup", "CGROUP", "cgroup", "cgroups")                                         \
	X(NETNS, "netns", "NETNS", "network namespace", "network namespaces")                      \
	X(REMOTE, "remote", "REMOTE", "remote address", "remote addresses")                        \
	X(PROCESS, "process", "PROCESS", "process", "processes")                                   \
	X(RULE, "rule", "RULE", "rule", "rules")

#define SUMMARY_BY_ENUM(name, word, title, one, many) SUMMARY_BY_##name,
enum summary_by { SUMMARY_BYS(SUMMARY_BY_ENUM) SUMMARY_BY_COUNT };

const char *summary_by_word(enum summary_by by);
/* The one of that word, or -1. */
int summary_by_of(const char *word);

struct summary_group {
	char *text; /* raw: path, namespace's name, address, process, rule; NULL: none or unknown */
	unsigned int id; /* the namespace's inode number, or the process's number; else 0 */
	uint64_t sockets;
	uint64_t states[TCPTIMER_STATE_COUNT];     /* requests count as syn_recv */
	uint64_t stalled;                          /* now ... */
	uint64_t stalled_on[TCPTIMER_TIMER_COUNT]; /* ... and by the timer that keeps the stall */
	int64_t oldest_ms;                         /* of the stalls; valid with `stalled` */
	bool has_deadline; /* of a connection that is none of TIME_WAIT's mini-sockets */
	int64_t deadline_ms;
	enum tcptimer_cause deadline_cause;
	struct histogram rto, stall, deadline; /* of sockets that are there */
	struct tcptimer_summary_counts counts; /* of the interval */
};

struct summary;

struct summary *summary_new(enum summary_by by);
void summary_free(struct summary *s);
enum summary_by summary_by(const struct summary *s);

/* 0 or -ENOMEM. */
int summary_add_conn(struct summary *s, const struct conn *conn);
/* Counts of connections of one group; `who` says which: the same fields make its group. */
int summary_add_counts(struct summary *s, const struct conn *who,
		       const struct tcptimer_summary_counts *counts);

/*
 * The groups, what hurts most first: stalled now, ended other than in order, timeouts, retransmissions,
 * sockets; then by name. Valid until something is added.
 */
const struct summary_group *const *summary_groups(struct summary *s, size_t *ret_count);
/* Everything, as one group. */
const struct summary_group *summary_total(const struct summary *s);

/* Ended, but not in order. */
uint64_t summary_deaths(const struct tcptimer_summary_counts *counts);
/* The group's name for a person, escaped; `full`: a cgroup's path. Returns buf; size >= 512. */
const char *summary_label(enum summary_by by, const struct summary_group *group, bool full,
			  char *buf, size_t size);
/* "retries 2, peer_reset 1", "-" for none. Returns buf. */
const char *summary_ended_text(const struct tcptimer_summary_counts *counts, char *buf,
			       size_t size);

/* ---- summary_text.c ---- */

struct summary_show {
	const char *when;    /* printable; the heading begins with it */
	int64_t interval_ms; /* 0: a snapshot, without counts */
	uint64_t lost;       /* events that could not be counted, in this interval */
	unsigned int width;  /* of the terminal; 0: none */
	bool full, histogram;
};

/* 0, -ENOMEM or -EIO. */
int summary_print(struct summary *s, const struct summary_show *show, FILE *out);

#endif

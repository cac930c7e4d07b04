/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter language: ss's words and ours, parsed from a command line, matched on connections.
 * Receives the words of the command line; hands a verdict a connection, and hints for the kernel.
 * Pure.
 */
#ifndef TCPTIMER_FILTER_H
#define TCPTIMER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "conn.h"

struct filter;

/*
 * What the filter asks of whoever brings the connections. `states`, `stalled` and `exact` hold for every
 * connection that matches, so that the kernel side can skip the rest early.
 */
struct filter_hints {
	uint32_t states; /* mask of 1 << enum tcptimer_state: its state is one of these */
	bool stalled;    /* it is stalled, or its event belongs to a stall (conn.in_stall) */
	/*
	 * What matches has an address, port, cgroup, namespace or process that the filter names; with
	 * states, timers and deadlines alone anything might match.
	 */
	bool exact;
	uint32_t timers; /* mask of 1 << enum tcptimer_timer: those that the filter names at all */
	bool needs_pid;  /* `pid` is used: owners must be looked up */
	bool needs_cgroup;     /* `cgroup` is used: paths must be looked up */
	bool needs_netns_name; /* `netns NAME` is used */
	bool needs_deadline;   /* `deadline` is used: conn.has_deadline must be found out */
};

/*
 * Parse. The words are joined by blanks, as ss does. NULL or no words: everything matches.
 * Returns 0 and *ret_filter (filter_free), or -EINVAL after writing three lines to `err`: the
 * message, the expression (escaped, the part around the place when it is long), and a caret under
 * the offending place; no newline at the end. -ENOMEM when memory is short; `err` says so.
 *
 * expression := conditions joined by `or` (| ||), by `and` (& &&) or nothing, which binds closer,
 *               with `not` (!), which binds closest, and parentheses
 * condition  := state NAME, exclude NAME   neighbours add up: `state A state B` is either
 *             | stalled
 *             | timer NAME                 armed, or the one an event is about; none: none armed
 *             | sport PORT, dport PORT     = != < <= > >= (eq ne lt le gt ge) may stand between;
 *                                          :443 443 :https :6379-6390
 *             | src HOST, dst HOST         10.0.0.1 10.0.0.0/8 127/8 [fd00::]/8:443 *:443 :443
 *             | cgroup PATH                the path itself; `*` within a name, `**` across names;
 *                                          with a slash and `**` at its end, PATH and all below
 *             | netns N                    inode number, or name under /run/netns
 *             | pid N
 *             | deadline < SPAN            or another comparison; deadline = never
 * PATH and names may stand in "double quotes". An IPv4 prefix matches IPv4-mapped IPv6, too.
 */
int filter_parse(int argc, char *const argv[], struct filter **ret_filter, char *err,
		 size_t err_size);
/* The index-th word of the language: conditions and what joins them. NULL past the end. */
const char *filter_word_at(size_t index);
void filter_free(struct filter *filter);

bool filter_match(const struct filter *filter, const struct conn *conn);
void filter_hints(const struct filter *filter, struct filter_hints *ret_hints);

#endif

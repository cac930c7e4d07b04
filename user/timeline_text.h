/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timeline in words.
 * Receives a view that timeline_run() filled; hands lines on a FILE, or short texts. Pure.
 */
#ifndef TCPTIMER_TIMELINE_TEXT_H
#define TCPTIMER_TIMELINE_TEXT_H

#include <stdio.h>
#include "timeline.h"

#define TIMELINE_TEXT_SIZE 256

/* "938ms", or "15m22s–15m57s" where min and max differ. */
const char *timeline_range_text(uint64_t min_ms, uint64_t max_ms, char *buf, size_t size);
/* "retransmission 3; route questioned (tcp_retries1)" */
const char *timeline_event_text(const struct tcptimer_engine_event *event, char *buf, size_t size);
/* "after 15m38s (922.624s–957.440s)"; "never". */
const char *timeline_when_text(const struct tcptimer_deadline *deadline, char *buf, size_t size);
/* "ETIMEDOUT; nothing goes on the wire": what the application and the wire get. */
const char *timeline_outcome_text(const struct tcptimer_deadline *deadline, char *buf, size_t size);
/* "tcp_retries2 = 15 (sysctl net.ipv4.tcp_retries2)" */
const char *timeline_limit_text(const struct tcptimer_deadline *deadline, char *buf, size_t size);
/* Where the limit is set: "socket option", "sysctl", "kernel". */
const char *timeline_limit_source(unsigned int limit);
/* Why the assumption about the peer fits the socket's state, when it was chosen. */
const char *timeline_peer_reason(const struct tcptimer_snapshot *snap, unsigned int peer);
/* "ETIMEDOUT", "110" when there is no name; "none" for 0. */
const char *timeline_errno_text(int err, char *buf, size_t size);
/* One sentence: what a change does to the end. */
const char *timeline_difference_text(const struct tcptimer_deadline *before,
				     const struct tcptimer_deadline *after, char *buf, size_t size);
/* The same for whole timelines: where neither ends, of the case that the peer falls silent. */
const char *timeline_views_difference_text(const struct timeline_view *before,
					   const struct timeline_view *after, char *buf,
					   size_t size);

/* The table of events, long equal runs folded. 0, -ENOMEM or -EIO. */
int timeline_print_events(const struct timeline_view *view, FILE *out, unsigned int width);
/* The closing lines: how it ends, what decided, what would have otherwise. 0 or -EIO. */
int timeline_print_end(const struct timeline_view *view, FILE *out);
/* Profiles side by side: a row an event, a column a view, the end last. 0, -ENOMEM or -EIO. */
int timeline_print_compare(const struct timeline_view *const *views, size_t count, FILE *out,
			   unsigned int width);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a live socket is, in words, above its timeline.
 * Receives a conn with its names; hands lines on stdout.
 */
#ifndef TCPTIMER_CLI_EXPLAIN_TEXT_H
#define TCPTIMER_CLI_EXPLAIN_TEXT_H

#include "conn.h"
#include "timeline.h"

/* "10.0.0.1:41234 -> 10.0.0.2:5432", escaped by its nature. Returns buf; size >= 144. */
const char *explain_ends(const struct tcptimer_snapshot *snap, char *buf, size_t size);
/* Addresses, state, owner, what is armed, what is set, what is assumed. */
void explain_print_socket(const struct conn *conn, const struct timeline_view *view);
/* A table of the sockets that match, with their cookies. */
void explain_print_matches(const struct conn *conns, size_t count);

#endif

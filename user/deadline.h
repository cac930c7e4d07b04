/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the kernel will give up on a connection: the engine's answer in the shape commands show.
 * Receives a snapshot and the running kernel's profile; fills the connection's deadline. Pure.
 */
#ifndef TCPTIMER_DEADLINE_H
#define TCPTIMER_DEADLINE_H

#include "conn.h"
#include "tcptimer/engine.h"

/*
 * Fill conn's deadline: has_deadline, deadline_ms, deadline_cause under the assumption that the
 * socket's state calls for (tcptimer_engine_peer), and has_silent, silent_ms, silent_cause for a peer
 * that answers nothing from now on. conn's max_retries is among the limits: where it runs out first,
 * the cause is POLICY. A socket that the engine knows nothing of gets neither.
 */
void deadline_fill(struct conn *conn, const struct tcptimer_profile *profile);

/* The cause for people: POLICY where the limit is policy's, as the end will be told (event_judge()). */
enum tcptimer_cause deadline_cause_shown(const struct conn *conn, enum tcptimer_cause cause);

/* "15m38s", "never", or "-"; size >= 24. Returns buf or a literal. */
const char *deadline_text(const struct conn *conn, char *buf, size_t size);
const char *deadline_silent_text(const struct conn *conn, char *buf, size_t size);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When the kernel will give up on a connection: the engine's answer in the shape commands show.
 * Receives a snapshot and the running kernel's profile; fills the connection's deadline. Pure.
 */
#include "deadline.h"
#include "policy/policy_plan.h"
#include "text.h"

/* 0 and *ret_ms, *ret_cause; 1 when nothing ever ends it; negative when the engine can't say. */
static int deadline_ask(const struct conn *conn, const struct tcptimer_profile *profile,
			enum tcptimer_peer peer, int64_t *ret_ms, enum tcptimer_cause *ret_cause)
{
	const struct policy_kernel kernel = { .profile = profile, .hz = conn->hz };
	struct tcptimer_deadline deadline;
	int err = policy_plan_deadline(&kernel, conn->snap, peer, conn->max_retries, &deadline);

	if (err)
		return err;
	if (deadline.never)
		return 1;
	*ret_ms = (int64_t)deadline.at_ms;
	*ret_cause = deadline.cause;
	return 0;
}

void deadline_fill(struct conn *conn, const struct tcptimer_profile *profile)
{
	enum tcptimer_peer peer = tcptimer_engine_peer(conn->snap);
	int answer = deadline_ask(conn, profile, peer, &conn->deadline_ms, &conn->deadline_cause);

	conn->deadline_known = answer >= 0;
	conn->has_deadline = answer == 0;
	if (answer < 0)
		return;
	if (peer == TCPTIMER_PEER_SILENT) {
		conn->has_silent = conn->has_deadline;
		conn->silent_ms = conn->deadline_ms;
		conn->silent_cause = conn->deadline_cause;
		return;
	}
	conn->has_silent = !deadline_ask(conn, profile, TCPTIMER_PEER_SILENT, &conn->silent_ms,
					 &conn->silent_cause);
}

enum tcptimer_cause deadline_cause_shown(const struct conn *conn, enum tcptimer_cause cause)
{
	uint32_t policy = conn->snap->policy;

	switch (cause) {
	case TCPTIMER_CAUSE_USER_TIMEOUT:
		policy &= TCPTIMER_POLICY_USER_TIMEOUT | TCPTIMER_POLICY_LAST_RETRY;
		break;
	case TCPTIMER_CAUSE_SYN_RETRIES:
		policy &= TCPTIMER_POLICY_SYN_RETRIES;
		break;
	case TCPTIMER_CAUSE_KEEPALIVE:
		policy &= TCPTIMER_POLICY_KEEPALIVE;
		break;
	default:
		return cause;
	}
	return policy ? TCPTIMER_CAUSE_POLICY : cause;
}

const char *deadline_text(const struct conn *conn, char *buf, size_t size)
{
	if (!conn->deadline_known)
		return "-";
	return conn->has_deadline ? text_span(conn->deadline_ms, buf, size) : "never";
}

const char *deadline_silent_text(const struct conn *conn, char *buf, size_t size)
{
	if (!conn->deadline_known)
		return "-";
	return conn->has_silent ? text_span(conn->silent_ms, buf, size) : "never";
}

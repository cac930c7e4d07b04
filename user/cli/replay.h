/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Within `replay`: timelines of connections that stalled.
 * Receives judged events from replay.c; hands each connection's timeline to stdout when it ended.
 */
#ifndef TCPTIMER_CLI_REPLAY_H
#define TCPTIMER_CLI_REPLAY_H

#include "cli/trace_out.h"
#include "cli/replay_policy.h"
#include "idmap.h"
#include "tcptimer/engine.h"

/* A hostile or endless recording can't make it keep more than that; the rest is counted. */
#define REPLAY_CONNS_MAX 65536
#define REPLAY_EVENTS_MAX 1000000U
#define REPLAY_CONN_EVENTS_MAX 1024U

struct replay_deadline {
	bool known, has; /* the engine could say; it ends by itself */
	enum tcptimer_cause cause;
	int64_t ms;
};

/* A kernel in place of the one that was recorded. */
struct replay_kernel {
	bool given;
	struct tcptimer_profile profile;
};

struct replay_conn;

struct replay_explain {
	const struct trace_out *out; /* json, hz, clock */
	const struct replay_kernel *kernel;
	const struct replay_policy *policy;
	/* Ended, the earliest first: shown once all that the policy would have done is known. */
	struct replay_conn *first_ended, *last_ended;
	struct idmap conns;   /* by sk */
	uint32_t events;      /* kept now */
	uint64_t events_left; /* not kept, for want of room */
	uint64_t conns_left;
	uint64_t shown;
	int err; /* the first failure: -EIO, -ENOMEM */
};

/* What that kernel would make of the connection, at that moment. */
void replay_kernel_ask(const struct replay_kernel *kernel, const struct conn *conn,
		       struct replay_deadline *ret_deadline);

/* After trace_out_judge(). 0, or a negative errno. */
int replay_explain_event(struct replay_explain *explain, const struct tcptimer_event *event,
			 const struct conn *conn);
/* The rule of --policy would have ended that connection. */
void replay_explain_would(struct replay_explain *explain, const struct policy_audit_end *end);
/* Show those that ended before that time. 0, or a negative errno. */
int replay_explain_show(struct replay_explain *explain, int64_t before_ns);
/* Those that were stalled still, or had recovered, when the recording ended. */
int replay_explain_rest(struct replay_explain *explain, uint64_t now_ns);
void replay_explain_free(struct replay_explain *explain);

#endif

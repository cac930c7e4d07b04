/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Within `replay --explain`: one connection with what happened to it since it first stalled.
 * Filled by replay_explain.c; printed by replay_out.c.
 */
#ifndef TCPTIMER_CLI_REPLAY_CONN_H
#define TCPTIMER_CLI_REPLAY_CONN_H

#include "cli/replay.h"

/* Times are CLOCK_MONOTONIC of the recorded host. */
struct replay_event {
	int64_t time_ns;
	int64_t stall_ms;                       /* -1: not stalled at that moment */
	int64_t next_ms;                        /* -1: the timer is not armed */
	struct replay_deadline deadline, other; /* the recorded kernel's; the other one's */
	uint8_t kind, timer, action, cause;     /* enums of tcptimer/words.h */
	unsigned int n;
	int err;
	char *what; /* event_describe() */
};

struct replay_conn {
	struct tcptimer_snapshot snap; /* at the first event */
	char *cgroup, *netns_name, *comm, *rule;
	int pid;
	unsigned int owners;
	int64_t begin_ns;                       /* of the first stall */
	int64_t foretold_ns;                    /* when the first deadline was foretold ... */
	struct replay_deadline foretold, other; /* ... and what */
	bool ended, stalled;
	int64_t end_ns; /* of the connection; not ended: of the recording */
	uint8_t end_kind;
	enum tcptimer_cause cause;
	int err;
	bool has_drift;
	int64_t drift_ms;
	char *taken;  /* the rule of --policy that takes it; NULL: none */
	uint8_t mode; /* of that rule: enum policy_mode */
	bool has_would;
	enum tcptimer_cause would_cause;
	int64_t would_ns;         /* when that rule would have ended it, for the first time */
	struct replay_conn *next; /* of those that ended and wait to be shown */
	struct replay_event *events;
	uint32_t count, room, left_out;
};

/* 0 or a negative errno. */
int replay_out_text(const struct replay_explain *explain, const struct replay_conn *conn);
int replay_out_json(const struct replay_explain *explain, const struct replay_conn *conn);

#endif

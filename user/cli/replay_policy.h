/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `replay --policy`: what a policy would have done to the connections of a recording.
 * Receives policy files, then snapshots and events; hands ends that a rule would have brought.
 */
#ifndef TCPTIMER_CLI_REPLAY_POLICY_H
#define TCPTIMER_CLI_REPLAY_POLICY_H

#include <stdio.h>
#include "cli/trace_out.h"
#include "policy/policy_audit.h"
#include "policy/policy_listeners.h"
#include "tcptimer/recording.h"

#define REPLAY_FILES_MAX 64

struct replay_policy {
	bool given;
	const char *files[REPLAY_FILES_MAX];
	size_t file_count;
	struct policy policy;
	struct policy_kernel kernel; /* that was recorded */
	struct policy_listeners listeners;
	bool sorted;
	struct policy_audit *audit;
	uint64_t *taken; /* by rule: connections at the start */
	uint64_t connections;
};

struct command;
/* A FILE of --policy. CLI_OK or CLI_USAGE. */
int replay_policy_file(const struct command *command, struct replay_policy *p, const char *path);
/* Reads the files. CLI_OK (also without --policy), or CLI_FAILED after the faults. */
int replay_policy_load(struct replay_policy *p, const struct tcptimer_recording_header *header);
/* A socket at the start; `counts`: it is one of those asked for. 0 or -ENOMEM. */
int replay_policy_snapshot(struct replay_policy *p, const struct conn *conn, bool counts);
/* 0 or -ENOMEM. */
int replay_policy_event(struct replay_policy *p, const struct tcptimer_event *event,
			const struct conn *conn);
/* The name of the rule that takes it, and its mode; NULL: none. */
const char *replay_policy_rule(const struct replay_policy *p, const struct conn *conn,
			       uint8_t *ret_mode);
/* Of an end that a rule would have brought: the limit, in the rule's words. */
const char *replay_policy_limit(enum tcptimer_cause cause);
/* A line for an end that a rule would have brought. */
void replay_policy_text(const struct trace_out *out, const struct policy_audit_end *end);
void replay_policy_json(const struct trace_out *out, const struct policy_audit_end *end);
void replay_policy_summary(const struct replay_policy *p, FILE *out);
void replay_policy_free(struct replay_policy *p);

#endif

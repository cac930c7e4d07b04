/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `policy preview` tells of one socket and of each rule.
 * Filled by policy_preview.c; handed to policy_preview_out.c, which writes text or JSON to stdout.
 */
#ifndef TCPTIMER_CLI_POLICY_PREVIEW_H
#define TCPTIMER_CLI_POLICY_PREVIEW_H

#include "cli/cli.h"
#include "policy/policy_plan.h"

enum preview_soon { PREVIEW_LATER, PREVIEW_MINUTE, PREVIEW_AT_ONCE };
#define PREVIEW_AT_ONCE_MS 1000
#define PREVIEW_MINUTE_MS 60000

/* An end under one assumption about the peer, as it is and with the rule in force. */
struct preview_ends {
	bool known; /* the engine could say both; else they are empty */
	struct tcptimer_deadline before, after;
};

/* A socket that would change. */
struct preview_row {
	const struct conn *conn;
	const struct policy_plan *plan;
	unsigned int direction;     /* enum policy_direction */
	struct preview_ends state;  /* the peer does what the socket's state says */
	struct preview_ends silent; /* it answers nothing from now on */
	enum preview_soon soon;     /* the rule would end it, sooner than it would end now */
};

struct preview_rule {
	const struct policy_rule *rule;
	uint64_t sockets;          /* that the rule takes */
	uint64_t change;           /* of those, with a setting that changes; audit: would */
	uint64_t stricter, yields; /* with a setting that is left, for that reason */
	uint64_t at_once, minute;  /* that the rule would end, sooner than now */
	bool has_nearest;
	uint64_t nearest_ms; /* the first end among those that change */
	char nearest[144];   /* whose: "10.0.0.1:40000 -> 10.0.0.2:5432" */
};

struct preview_sums {
	const struct preview_rule *rules;
	size_t rule_count;
	uint64_t without_rule; /* sockets that no rule takes */
	unsigned int netns, skipped;
};

/* What is being previewed: for the head of the JSON object. */
struct preview_head {
	const char *const *files;
	size_t file_count;
	const struct names *names;
	int64_t offset_ns; /* to the real time */
};

/* One shape for text and JSON. Both return CLI_OK or CLI_FAILED after the message. */
struct preview_out;
struct preview_out *preview_out_new(const struct preview_head *head,
				    bool json); /* NULL: no memory */
int preview_out_row(struct preview_out *out, const struct preview_row *row);
/* The sums; frees. With `failed` nothing more is said, but what was begun is ended. */
int preview_out_end(struct preview_out *out, const struct preview_sums *sums, bool failed);

#endif

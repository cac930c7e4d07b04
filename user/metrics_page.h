/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page of metrics: every family with its samples. The names are a contract with
 * contrib/prometheus and contrib/grafana.
 * Receives values from the daemon; hands the text of one scrape. Pure.
 */
#ifndef TCPTIMER_METRICS_PAGE_H
#define TCPTIMER_METRICS_PAGE_H

#include "foretold.h"
#include "metrics_cgroups.h"
#include "metrics_events.h"
#include "tcptimer/policy_map.h"

/* A snapshot of all sockets, summed up. */
struct metrics_sockets {
	uint64_t states[TCPTIMER_STATE_COUNT], stalled[TCPTIMER_TIMER_COUNT];
	int64_t oldest_ms; /* of the stalls; 0: none */
};

/* The socket's part in the sums. Returns the timer of its stall, or TCPTIMER_TIMER_NONE. */
unsigned int metrics_sockets_add(struct metrics_sockets *sockets,
				 const struct tcptimer_snapshot *snap, unsigned int hz);

struct metrics_rule {
	const char *name;
	uint64_t sockets; /* that have the rule now */
	struct tcptimer_policy_counters counters;
};

struct metrics_loss {
	const char *reason;
	uint64_t count;
};

struct metrics_page {
	const char *version, *kernel, *profile;
	const struct metrics_sockets *sockets; /* NULL: could not be read; its families are missing */
	const struct metrics_cgroups *cgroups; /* of the same moment */
	int64_t cost_ms;                       /* that reading them took */
	const struct metrics_events *events;
	const struct metrics_loss *losses;
	size_t loss_count;
	const struct foretold_sums *foretold;
	const char *digest; /* NULL: no policy is attached; "unknown": not known which */
	const struct metrics_rule *rules;
	size_t rule_count;
};

/* malloc()ed, 0 or -ENOMEM. */
int metrics_page_make(const struct metrics_page *page, bool openmetrics, char **ret_text,
		      size_t *ret_size);

#endif

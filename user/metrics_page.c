// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page of metrics: every family with its samples. The names are a contract with
 * contrib/prometheus and contrib/grafana.
 * Receives values from the daemon; hands the text of one scrape. Pure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "metrics_page.h"

#define COUNTER(name, help)                                                                        \
	{                                                                                          \
		"tcptimer_" name, METRICS_COUNTER, help                                            \
	}
#define GAUGE(name, help)                                                                          \
	{                                                                                          \
		"tcptimer_" name, METRICS_GAUGE, help                                              \
	}
#define HISTOGRAM(name, help)                                                                      \
	{                                                                                          \
		"tcptimer_" name, METRICS_HISTOGRAM, help                                          \
	}
#define INFO(name, help)                                                                           \
	{                                                                                          \
		"tcptimer_" name, METRICS_INFO, help                                               \
	}

/* Timers that a stall can have, and those that probe. */
static const enum tcptimer_timer stall_timers[] = {
	TCPTIMER_TIMER_SYN,    TCPTIMER_TIMER_SYNACK,    TCPTIMER_TIMER_RETRANS,
	TCPTIMER_TIMER_PROBE0, TCPTIMER_TIMER_KEEPALIVE,
};
static const enum tcptimer_timer probe_timers[] = {
	TCPTIMER_TIMER_PROBE0,
	TCPTIMER_TIMER_KEEPALIVE,
};
#define STALL_TIMERS (sizeof(stall_timers) / sizeof(stall_timers[0]))
#define PROBE_TIMERS (sizeof(probe_timers) / sizeof(probe_timers[0]))

unsigned int metrics_sockets_add(struct metrics_sockets *sockets,
				 const struct tcptimer_snapshot *snap, unsigned int hz)
{
	unsigned int timer = (unsigned int)tcptimer_stall_timer(snap);
	int64_t age_ms;

	if (snap->state < TCPTIMER_STATE_COUNT)
		sockets->states[snap->state]++;
	if (timer == TCPTIMER_TIMER_NONE)
		return timer;
	sockets->stalled[timer]++;
	age_ms = conn_stall_ms(snap, hz);
	if (age_ms > sockets->oldest_ms)
		sockets->oldest_ms = age_ms;
	return timer;
}

static void put_one(const struct metrics_text *t, const struct metrics_family *f, const char *name,
		    const char *value, uint64_t number)
{
	const struct metrics_label label = { name, value };

	metrics_number(t, f, &label, 1, number);
}

static void put_timers(const struct metrics_text *t, const struct metrics_family *f,
		       const enum tcptimer_timer *timers, size_t count, const uint64_t *numbers)
{
	metrics_head(t, f);
	for (size_t i = 0; i < count; i++)
		put_one(t, f, "timer", tcptimer_timer_name(timers[i]), numbers[timers[i]]);
}

static void put_plain(const struct metrics_text *t, const struct metrics_family *f, uint64_t number)
{
	metrics_head(t, f);
	metrics_number(t, f, NULL, 0, number);
}

static void put_histogram(const struct metrics_text *t, const struct metrics_family *f,
			  const struct metrics_histogram *histogram)
{
	metrics_head(t, f);
	metrics_buckets(t, f, histogram);
}

static void put_build(const struct metrics_text *t, const struct metrics_page *page)
{
	static const struct metrics_family build = INFO(
		"build", "The daemon's version, the kernel, and the timer profile used for it.");
	const struct metrics_label labels[] = { { "version", page->version },
						{ "kernel", page->kernel },
						{ "profile", page->profile } };

	metrics_head(t, &build);
	metrics_number(t, &build, labels, 3, 1);
}

/* ---- now ---- */

static void put_sockets(const struct metrics_text *t, const struct metrics_page *page)
{
	static const struct metrics_family states =
		GAUGE("sockets", "TCP sockets in all network namespaces, by state.");
	static const struct metrics_family stalled =
		GAUGE("stalled", "Stalled connections, by the timer that keeps the stall.");
	static const struct metrics_family oldest = GAUGE(
		"oldest_stall_seconds", "How long the oldest stall has lasted; 0 without any.");
	static const struct metrics_family cost =
		GAUGE("snapshot_seconds", "What it took to look at all sockets.");
	const struct metrics_sockets *s = page->sockets;

	metrics_head(t, &states);
	for (unsigned int i = TCPTIMER_STATE_ESTABLISHED; i < TCPTIMER_STATE_NEW_SYN_RECV; i++)
		/* A request is a socket in SYN-RECV as well: one series for both. */
		put_one(t, &states, "state", tcptimer_state_name(i),
			s->states[i] + (i == TCPTIMER_STATE_SYN_RECV ?
						s->states[TCPTIMER_STATE_NEW_SYN_RECV] :
						0));
	put_timers(t, &stalled, stall_timers, STALL_TIMERS, s->stalled);
	metrics_head(t, &oldest);
	metrics_seconds(t, &oldest, s->oldest_ms);
	metrics_head(t, &cost);
	metrics_seconds(t, &cost, page->cost_ms);
}

static void put_cgroups(const struct metrics_text *t, const struct metrics_cgroups *cgroups)
{
	static const struct metrics_family stalled = GAUGE(
		"cgroup_stalled",
		"Stalled connections of cgroups that a rule or --metrics-cgroup names; other: the rest.");

	metrics_head(t, &stalled);
	for (size_t i = 0; i < cgroups->shown; i++)
		put_one(t, &stalled, "cgroup", cgroups->rows[i].label, cgroups->rows[i].stalled);
	put_one(t, &stalled, "cgroup", "other", cgroups->other);
}

/* ---- since the start ---- */

static void put_stalls(const struct metrics_text *t, const struct metrics_events *e)
{
	static const struct metrics_family stalls = COUNTER("stalls", "Stalls that began.");
	static const struct metrics_family recovered =
		COUNTER("recovered", "Stalls that ended since the peer answered.");
	static const struct metrics_family retransmissions =
		COUNTER("retransmissions",
			"Retransmissions that a timeout sent: of data, SYN and SYN-ACK.");
	static const struct metrics_family probes =
		COUNTER("probes", "Probes of a closed window or an idle peer, within stalls.");
	static const struct metrics_family stall =
		HISTOGRAM("stall_seconds", "How long stalls had lasted that ended, well or not.");
	static const struct metrics_family rto =
		HISTOGRAM("rto_seconds", "Retransmission timeouts that fired, with their backoff.");
	static const struct metrics_family deadline = HISTOGRAM(
		"deadline_seconds",
		"As a stall began: the time until the kernel would give up, where it will.");

	put_timers(t, &stalls, stall_timers, STALL_TIMERS, e->stalls);
	put_timers(t, &recovered, stall_timers, STALL_TIMERS, e->recovered);
	put_plain(t, &retransmissions, e->retransmissions);
	put_timers(t, &probes, probe_timers, PROBE_TIMERS, e->probes);
	put_histogram(t, &stall, &e->stall);
	put_histogram(t, &rto, &e->rto);
	put_histogram(t, &deadline, &e->deadline);
}

static void put_ends(const struct metrics_text *t, const struct metrics_events *e)
{
	static const struct metrics_family ends =
		COUNTER("ends", "Stalled connections that ended, by cause.");

	metrics_head(t, &ends);
	for (unsigned int i = TCPTIMER_CAUSE_NONE + 1; i < TCPTIMER_CAUSE_COUNT; i++)
		put_one(t, &ends, "cause", tcptimer_cause_name(i), e->ends[i]);
}

static void put_trust(const struct metrics_text *t, const struct metrics_page *page)
{
	static const struct metrics_family lost =
		COUNTER("events_lost", "Events that were lost: the counts above lack them.");
	static const struct metrics_family foretold =
		COUNTER("prediction_ends", "Ends by the kernel that had been foretold.");
	static const struct metrics_family missed =
		COUNTER("prediction_missed", "Of those: ended by another cause than foretold.");
	static const struct metrics_family drift = GAUGE(
		"prediction_drift_seconds",
		"The worst error of a deadline since the start; above 0: the end came later.");
	const struct foretold_sums *sums = page->foretold;

	metrics_head(t, &lost);
	for (size_t i = 0; i < page->loss_count; i++)
		put_one(t, &lost, "reason", page->losses[i].reason, page->losses[i].count);
	put_plain(t, &foretold, sums->ends);
	put_plain(t, &missed, sums->ends - sums->right_cause);
	metrics_head(t, &drift);
	metrics_seconds(t, &drift, sums->worst_ms);
}

/* ---- policy ---- */

static void put_rules(const struct metrics_text *t, const struct metrics_page *page)
{
	static const struct metrics_family sockets =
		GAUGE("policy_sockets", "Sockets that the rule holds for.");
#define POLICY_COUNTER(name, member, help)                                                         \
	{                                                                                          \
		COUNTER("policy_" name, help), offsetof(struct tcptimer_policy_counters, member)   \
	}
	static const struct {
		struct metrics_family family;
		size_t offset;
	} counters[] = {
		POLICY_COUNTER("options_set", set,
			       "Socket options that the rule changed; mode audit: would have."),
		POLICY_COUNTER("refused", refused, "Options that the kernel refused to set."),
		POLICY_COUNTER("clamped", clamped,
			       "Mode enforce: what applications asked for that was looser."),
		POLICY_COUNTER("yielded", yielded,
			       "Mode default: options left as applications had set them."),
		POLICY_COUNTER("ended", ended, "Connections that a limit of the rule ended."),
	};

	if (page->sockets) {
		metrics_head(t, &sockets);
		for (size_t i = 0; i < page->rule_count; i++)
			put_one(t, &sockets, "rule", page->rules[i].name, page->rules[i].sockets);
	}
	for (size_t k = 0; k < sizeof(counters) / sizeof(counters[0]); k++) {
		metrics_head(t, &counters[k].family);
		for (size_t i = 0; i < page->rule_count; i++) {
			const char *base = (const char *)&page->rules[i].counters;
			uint64_t number;

			memcpy(&number, base + counters[k].offset, sizeof(number));
			put_one(t, &counters[k].family, "rule", page->rules[i].name, number);
		}
	}
}

static void put_policy(const struct metrics_text *t, const struct metrics_page *page)
{
	static const struct metrics_family info =
		INFO("policy", "The policy in force; the digest is that of its files' bytes.");

	if (page->digest) {
		metrics_head(t, &info);
		put_one(t, &info, "digest", page->digest, 1);
	}
	if (page->rule_count)
		put_rules(t, page);
}

int metrics_page_make(const struct metrics_page *page, bool openmetrics, char **ret_text,
		      size_t *ret_size)
{
	struct metrics_text t = { .out = open_memstream(ret_text, ret_size),
				  .openmetrics = openmetrics };
	bool failed;

	if (!t.out)
		return -ENOMEM;
	put_build(&t, page);
	if (page->sockets) {
		put_sockets(&t, page);
		put_cgroups(&t, page->cgroups);
	}
	put_stalls(&t, page->events);
	put_ends(&t, page->events);
	put_trust(&t, page);
	put_policy(&t, page);
	metrics_end(&t);
	failed = ferror(t.out);
	if (fclose(t.out) || failed) {
		free(*ret_text);
		return -ENOMEM;
	}
	return 0;
}

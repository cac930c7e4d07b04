// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `summary` and `top` look at: every socket now, and what was counted since the last look.
 * Receives snapshots and counters from user/kernel/; hands connections, and counts with whose they are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/types.h>
#include "bpf/trace_map.h"
#include "cli/watch.h"
#include "kernel/rules.h"

/* How often open stalls are looked at: as `trace` does. */
#define WATCH_SWEEP_MS 100
#define WATCH_SWEEP_STALLS 10000

static int watch_open_reader(struct watch *w)
{
	struct snapshot_options read = { .states = ~0U, .owners = w->options.owners };
	struct filter_hints hints;
	int err;

	if (w->options.filtered && !w->options.counting) {
		filter_hints(w->options.filter, &hints);
		read.states = hints.states;
		read.stalled = hints.stalled;
	}
	err = snapshots_open(&w->reader, &read);
	w->reading = !err;
	return err ? cli_fail_kernel("loading the snapshot program", err) : CLI_OK;
}

static int watch_open_tracer(struct watch *w)
{
	struct tracer_options trace = { .count = w->options.count_by };
	struct summary_losses before;
	int err;

	if (w->options.filtered)
		trace.count = TCPTIMER_BY_SOCKET | (trace.count & TCPTIMER_BY_RULE);
	err = tracer_open(&w->tracer, &trace, NULL, NULL);
	if (err)
		return cli_fail_kernel("loading the programs that count", err);
	w->tracing = true;
	/* What was under way is no news. */
	err = counts_take(&w->tracer, NULL, NULL);
	watch_losses(w, &before);
	return err ? cli_fail_kernel("reading the counters", err) : CLI_OK;
}

int watch_open(struct watch *w, const struct watch_options *options)
{
	struct filter_hints hints;
	int status;

	*w = (struct watch){ .options = *options };
	filter_hints(options->filter, &hints);
	w->options.owners |= hints.needs_pid;
	status = cli_need_root(options->what);
	if (!status)
		status = names_init(&w->names);
	if (!status)
		status = watch_open_reader(w);
	if (!status && options->counting)
		status = watch_open_tracer(w);
	return status;
}

void watch_close(struct watch *w)
{
	if (w->tracing)
		tracer_close(&w->tracer);
	if (w->reading)
		snapshots_close(&w->reader);
	owners_free(w->owners);
	seen_free(&w->before);
	seen_free(&w->now);
}

void watch_filter(struct watch *w, struct filter *filter)
{
	w->options.filter = filter;
}

/* ---- sockets ---- */

struct watch_pass {
	struct watch *w;
	int (*fn)(const struct conn *conn, void *arg);
	void *arg;
};

/* Counts by socket are told apart by what their sockets were. */
static bool watch_remembers(const struct watch *w)
{
	return w->tracing && (w->tracer.count & TCPTIMER_BY_SOCKET);
}

static int watch_socket(const struct tcptimer_snapshot *snap, void *arg)
{
	struct watch_pass *pass = arg;
	struct watch *w = pass->w;
	struct conn conn;
	bool matched;

	names_fill(&conn, snap, &w->names);
	matched = filter_match(w->options.filter, &conn);
	if (watch_remembers(w) && seen_add(&w->now, &conn, matched))
		return -ENOMEM;
	return matched ? pass->fn(&conn, pass->arg) : 0;
}

int watch_sockets(struct watch *w, int (*fn)(const struct conn *conn, void *arg), void *arg)
{
	struct watch_pass pass = { w, fn, arg };
	struct owners *fresh;

	seen_free(&w->before);
	w->before = w->now;
	w->now = (struct seen){};
	if (w->options.owners && !owners_load(w->reader.owners, &fresh)) {
		owners_free(w->owners);
		w->owners = fresh;
		w->names.owners = fresh;
	}
	return snapshots_read(&w->reader, watch_socket, &pass);
}

/* ---- counts ---- */

struct watch_counts_pass {
	struct watch *w;
	int (*fn)(const struct conn *who, const struct tcptimer_summary_counts *counts, void *arg);
	void *arg;
};

/*
 * Whether the filter takes a socket that has counted: if it did at this look or at the last. One that
 * came and went between them is judged by its ends, cgroup and namespace.
 */
static bool watch_counts_match(const struct watch *w, const struct conn *who,
			       const struct seen_socket *now, const struct seen_socket *before)
{
	if (!w->options.filtered)
		return true;
	if (now || before)
		return (now && now->matched) || (before && before->matched);
	return filter_match(w->options.filter, who);
}

static int watch_group(const struct tcptimer_summary_key *key,
		       const struct tcptimer_summary_counts *counts, void *arg)
{
	struct watch_counts_pass *pass = arg;
	struct watch *w = pass->w;
	struct tcptimer_snapshot snap = {
		.sk = key->sk,
		.cookie = counts->cookie,
		.cgroup_id = key->cgroup_id,
		.netns = key->netns,
		.family = key->family,
		.local_port = key->local_port,
		.remote_port = key->remote_port,
		.state = TCPTIMER_STATE_ESTABLISHED,
	};
	struct conn who = { .snap = &snap, .hz = w->names.hz, .fired = (uint32_t)counts->fired };
	const struct seen_socket *now, *before, *seen;

	memcpy(snap.local_addr, key->local_addr, sizeof(snap.local_addr));
	memcpy(snap.remote_addr, key->remote_addr, sizeof(snap.remote_addr));
	who.cgroup = cgroups_path(key->cgroup_id);
	who.netns_name = key->netns ? netns_name(key->netns) : NULL;
	who.rule = rules_name(key->policy);
	who.in_stall = counts->stalls || counts->recovered;
	now = seen_find(&w->now, key->sk, key->local_port, key->remote_port);
	before = seen_find(&w->before, key->sk, key->local_port, key->remote_port);
	seen = now && now->pid ? now : before;
	if (seen && seen->pid) {
		who.pid = seen->pid;
		who.comm = seen->comm;
		who.owners = 1;
	}
	return watch_counts_match(w, &who, now, before) ? pass->fn(&who, counts, pass->arg) : 0;
}

int watch_counts(struct watch *w,
		 int (*fn)(const struct conn *who, const struct tcptimer_summary_counts *counts,
			   void *arg),
		 void *arg)
{
	struct watch_counts_pass pass = { w, fn, arg };

	return w->tracing ? counts_take(&w->tracer, watch_group, &pass) : 0;
}

void watch_losses(struct watch *w, struct summary_losses *ret_lost)
{
	struct summary_losses now = {
		.groups = counts_lost(&w->tracer),
		.stalls = tracer_lost_kind(&w->tracer, TRACE_LOSS_TABLE),
		.unseen = tracer_lost_kind(&w->tracer, TRACE_LOSS_UNSEEN),
		.missed = tracer_missed(&w->tracer),
	};
	struct summary_losses last = w->lost;

	w->lost = now;
	*ret_lost = (struct summary_losses){ now.groups - last.groups, now.stalls - last.stalls,
					     now.unseen - last.unseen, now.missed - last.missed };
}

int watch_sweep_ms(const struct watch *w)
{
	uint64_t stalls = w->tracing ? tracer_open_stalls(&w->tracer) : 0;

	return stalls ? (int)(WATCH_SWEEP_MS * (1 + stalls / WATCH_SWEEP_STALLS)) : -1;
}

void watch_sweep(struct watch *w)
{
	if (watch_sweep_ms(w) >= 0)
		tracer_sweep(&w->tracer);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `summary` and `top` look at: every socket now, and what was counted since the last look.
 * Receives a filter; hands connections that match, and counts with whose they are.
 */
#ifndef TCPTIMER_CLI_WATCH_H
#define TCPTIMER_CLI_WATCH_H

#include "cli/cli.h"
#include "cli/summary_json.h"
#include "kernel/kernel.h"
#include "seen.h"
#include "summary.h"

struct watch_options {
	const char *what;  /* the command's name, for messages */
	bool counting;     /* events are counted from watch_open() on */
	bool owners;       /* who holds each socket is looked up */
	uint32_t count_by; /* TCPTIMER_BY_* that a count's `who` needs; with a filter: by socket */
	struct filter *filter; /* borrowed; NULL or of no words: everything */
	bool filtered;         /* it has words */
};

struct watch {
	struct watch_options options;
	struct snapshot_reader reader;
	struct tracer tracer;
	struct names names;
	struct owners *owners;
	struct seen before, now;    /* the sockets of the last look, and of this one */
	struct summary_losses lost; /* until the last look */
	bool reading, tracing;
};

/* CLI_OK, or CLI_FAILED after the message. watch_close() in either case. */
int watch_open(struct watch *w, const struct watch_options *options);
void watch_close(struct watch *w);
/* Another filter from now on: as good as the options' when both have words, or neither. */
void watch_filter(struct watch *w, struct filter *filter);

/* Each connection that matches, valid during the call. 0, a negative errno, or what fn returned. */
int watch_sockets(struct watch *w, int (*fn)(const struct conn *conn, void *arg), void *arg);
/* After watch_sockets(): what was counted since the last call, of connections that match. The same. */
int watch_counts(struct watch *w,
		 int (*fn)(const struct conn *who, const struct tcptimer_summary_counts *counts,
			   void *arg),
		 void *arg);
/* What was lost since the last call. */
void watch_losses(struct watch *w, struct summary_losses *ret_lost);
/* How long may pass before the next watch_sweep(), in ms; -1: no stall is open. */
int watch_sweep_ms(const struct watch *w);
/* Look at open stalls for recoveries, which no hook of the kernel tells. */
void watch_sweep(struct watch *w);

#endif

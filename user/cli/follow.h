/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the trace programs until told to stop: signals, a time limit, sweeps, owners.
 * Receives options; hands each raw record of the ring to a function, and says when a batch is over.
 */
#ifndef TCPTIMER_CLI_FOLLOW_H
#define TCPTIMER_CLI_FOLLOW_H

#include <signal.h>
#include "kernel/kernel.h"

struct follow {
	/* set by the caller */
	struct tracer_options read;
	double seconds; /* 0: until interrupted */
	int (*record)(void *arg, void *data, size_t size);
	void (*turn)(void *arg); /* after what waited was handed over, before waiting again */
	void *arg;
	bool done; /* set by either to end it */

	struct tracer tracer;
	struct owners *owners;
	int64_t owners_due_ns; /* CLOCK_MONOTONIC of the next look, at the soonest */
	uint64_t sweep_ms;     /* between looks at open stalls; 0: none are open */
	int signal_fd, sweep_fd, end_fd;
};

/*
 * Signals are held back from here on; the programs are attached. CLI_OK, or CLI_FAILED after saying
 * why. follow_close() in either case.
 */
int follow_open(struct follow *follow);
/* Until SIGINT, SIGTERM, SIGHUP, the time is over, or done is set. CLI_OK or CLI_FAILED. */
int follow_run(struct follow *follow);
void follow_close(struct follow *follow);

/* Who holds which socket, looked up again when the event's is not known, but not at every event. */
const struct owners *follow_owners(struct follow *follow, const struct tcptimer_event *event);

struct command;
/* The value of -d, -c: CLI_OK, or CLI_USAGE after the message. */
int follow_parse_seconds(const struct command *command, const char *text, double *ret_seconds);
int follow_parse_count(const struct command *command, const char *text, long *ret_count);
/* An option of both: bytes of the ring. */
int follow_parse_ring(const struct command *command, const char *text, uint32_t *ret_bytes);

#endif

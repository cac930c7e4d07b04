/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection made from words: the KEY=VALUE of `simulate`, for one kernel profile or several.
 * Receives the words of the command line; hands snapshots and assumptions for the engine. Pure.
 */
#ifndef TCPTIMER_SIMULATION_H
#define TCPTIMER_SIMULATION_H

#include "settings.h"
#include "timeline.h"

#define SIMULATION_CHANGES_MAX 48
#define SIMULATION_KERNELS_MAX 12

/* What the connection has to send. */
enum simulation_data {
	SIMULATION_DATA_DEFAULT,  /* what the other words call for */
	SIMULATION_DATA_SENT,     /* a segment is in flight */
	SIMULATION_DATA_BLOCKED,  /* data waits on the peer's closed window */
	SIMULATION_DATA_NONE,     /* nothing: idle */
	SIMULATION_DATA_RECEIVED, /* a segment came, its ACK is delayed */
	SIMULATION_DATA_COUNT
};

struct simulation {
	const struct tcptimer_profile *kernels[SIMULATION_KERNELS_MAX];
	size_t kernel_count;
	uint32_t hz;
	uint32_t state; /* enum tcptimer_state */
	uint32_t peer;  /* enum tcptimer_peer; AUTO where none was given */
	uint32_t data;  /* enum simulation_data */
	bool exact;     /* jiffies were given: exact times, else ranges */
	uint64_t jiffies;
	struct setting_change changes[SIMULATION_CHANGES_MAX];
	size_t change_count;
	char words[512]; /* the settings as given, escaped, for titles */
};

/* Kernel 6.12, HZ 250, established, sent data, silent. */
void simulation_init(struct simulation *simulation);
/* Read one KEY=VALUE. 0, or -EINVAL after one line without newline in `err`. */
int simulation_parse(struct simulation *simulation, const char *word, char *err, size_t err_size);
/*
 * Make the socket of the index-th kernel and ask the engine. subject_buf holds view->subject. 0, or
 * -EINVAL after one line in `err`. Settings that this kernel has not are left out, and counted in
 * *ret_left_out with the last one's reason in `err`.
 */
int simulation_run(const struct simulation *simulation, size_t index, struct timeline_view *view,
		   unsigned int *ret_left_out, char *err, size_t err_size);

#endif

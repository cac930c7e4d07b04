/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sockets were there a moment ago, and whose: for counts of those that are gone.
 * Receives connections as they are read; hands what was noted of one. Pure.
 */
#ifndef TCPTIMER_SEEN_H
#define TCPTIMER_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "conn.h"

struct seen_socket {
	uint64_t sk; /* the kernel's address; 0: a free slot */
	uint16_t local_port, remote_port;
	bool matched; /* the filter */
	int pid;      /* of the first owner; 0: none known */
	char comm[16];
};

struct seen {
	struct seen_socket *slots;
	size_t mask; /* slots - 1 */
	size_t count;
};

/* `seen` begins as zeroes. 0 or -ENOMEM. */
int seen_add(struct seen *seen, const struct conn *conn, bool matched);
/* An address is used again: the ports have to agree. NULL: not there. */
const struct seen_socket *seen_find(const struct seen *seen, uint64_t sk, uint16_t local_port,
				    uint16_t remote_port);
/* Free, and zeroes again. */
void seen_free(struct seen *seen);

#endif

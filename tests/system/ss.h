/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `ss -tanoei` says of the sockets of the caller's network namespace.
 * Receives ss's text; hands on a table by cookie.
 */
#ifndef TCPTIMER_TEST_SS_H
#define TCPTIMER_TEST_SS_H

#include <stddef.h>
#include <stdint.h>

struct ss_socket {
	char state[16]; /* "ESTAB" */
	char local[64]; /* "[::1]:80" */
	char remote[64];
	char timer[16];   /* "on", "persist", "keepalive", "timewait"; "" none */
	char cgroup[256]; /* "" not shown */
	uint64_t cookie;
	uint64_t inode;     /* 0: no process has it */
	int64_t expires_ms; /* as exact as ss shows it ... */
	int64_t exact_ms;   /* ... it is less than this much more */
	unsigned int count; /* retransmissions or probes */
	double rto_ms;      /* 0: not shown */
	unsigned int backoff;
	unsigned int unacked;
};

struct ss_table {
	struct ss_socket *sockets;
	size_t count;
};

void ss_read(struct ss_table *ret_table);
const struct ss_socket *ss_find(const struct ss_table *table, uint64_t cookie);

#endif

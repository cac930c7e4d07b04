/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A BPF ring buffer as it is mapped; made and let go in user/kernel/ring.c.
 * Receives its memory; hands each record to a function. Pure; one thread reads.
 */
#ifndef TCPTIMER_RING_H
#define TCPTIMER_RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_RECORD_MAX                                                                            \
	4096 /* of one that goes on at the ring's begin; longer ones are passed by */

struct ring {
	int fd;                  /* of the map; readable when records wait */
	uint32_t bytes;          /* of data: a power of two */
	unsigned long *consumer; /* how far was read: bytes since ever; written here */
	unsigned long *producer; /* how far was written: by the kernel */
	char *data;
};

/*
 * Hand over what waits. How many records, or what fn returned below 0, which ends it after that record.
 * fn's record is aligned to 8 bytes and valid during the call.
 */
int ring_read(struct ring *ring, int (*fn)(void *arg, void *data, size_t size), void *arg);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a BPF ring buffer.
 * Receives what bpf_ringbuf_output() wrote, where user/kernel/ring.c mapped it; hands each record to a
 * function. Pure.
 */
#include <limits.h>
#include <string.h>
#include <linux/bpf.h>
#include "ring.h"

/* So many records until the writer is told of the room: its line of cache is the reader's, too. */
#define RING_PUBLISH 32

/* Where a record lies, or a copy of one that goes on at the ring's begin; NULL: too long for that. */
static void *ring_record(const struct ring *ring, unsigned long at, size_t size, void *copy)
{
	size_t begin = at & (ring->bytes - 1), first = ring->bytes - begin;

	if (size <= first)
		return ring->data + begin;
	if (size > RING_RECORD_MAX)
		return NULL;
	memcpy(copy, ring->data + begin, first);
	memcpy((char *)copy + first, ring->data, size - first);
	return copy;
}

/* The length that stands before the record at `at`, with its bits. */
static uint32_t ring_length(const struct ring *ring, unsigned long at)
{
	const void *header = ring->data + (at & (ring->bytes - 1));

	return __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);
}

int ring_read(struct ring *ring, int (*fn)(void *arg, void *data, size_t size), void *arg)
{
	const uint32_t bits = BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT;
	unsigned long at = *ring->consumer;
	uint64_t copy[RING_RECORD_MAX / sizeof(uint64_t)];
	int count = 0, err = 0;

	while (err >= 0 && count < INT_MAX) {
		uint32_t length, size;
		void *record;

		/* Nothing more: the room is told of first, or the writer would not wake the reader. */
		if (at == __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)) {
			if (at == *ring->consumer)
				break;
			__atomic_store_n(ring->consumer, at, __ATOMIC_SEQ_CST);
			continue;
		}
		length = ring_length(ring, at);
		if (length & BPF_RINGBUF_BUSY_BIT)
			break;
		size = length & ~bits;
		record = length & BPF_RINGBUF_DISCARD_BIT ?
				 NULL :
				 ring_record(ring, at + BPF_RINGBUF_HDR_SZ, size, copy);
		if (record) {
			err = fn(arg, record, size);
			count++;
		}
		at += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7U;
		if (count % RING_PUBLISH == 0)
			__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
	}
	__atomic_store_n(ring->consumer, at, __ATOMIC_SEQ_CST);
	return err < 0 ? err : count;
}

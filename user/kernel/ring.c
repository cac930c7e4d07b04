// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making a BPF ring buffer, and mapping it once: libbpf maps it twice, one behind the other, so that no
 * record breaks, and all of it is resident at once.
 * Receives a size; hands the ring to user/ring.c.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "kernel/kernel.h"

static uint32_t ring_page(void)
{
	return (uint32_t)sysconf(_SC_PAGESIZE);
}

int ring_open(struct ring *ring, uint32_t bytes)
{
	uint32_t page = ring_page();
	int err;

	*ring = (struct ring){ .bytes = bytes };
	ring->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, bytes, NULL);
	if (ring->fd < 0)
		return ring->fd;
	/* The layout of the mapping: kernel/bpf/ringbuf.c */
	ring->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	ring->producer = mmap(NULL, page + (size_t)bytes, PROT_READ, MAP_SHARED, ring->fd, page);
	if (ring->consumer != MAP_FAILED && ring->producer != MAP_FAILED) {
		ring->data = (char *)ring->producer + page;
		return 0;
	}
	err = -errno;
	ring_close(ring);
	return err;
}

void ring_close(struct ring *ring)
{
	uint32_t page = ring_page();

	if (ring->consumer && ring->consumer != MAP_FAILED)
		munmap(ring->consumer, page);
	if (ring->producer && ring->producer != MAP_FAILED)
		munmap(ring->producer, page + (size_t)ring->bytes);
	if (ring->fd >= 0)
		close(ring->fd);
	*ring = (struct ring){ .fd = -1 };
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading an iterator's records.
 * Receives a link; hands each whole record to a function.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/iter.h"

/* The kernel's buffer is 8 pages; one read takes all of it. */
#define ITER_BUFFER (64 << 10)

int iter_records(struct bpf_link *link, size_t size, int (*fn)(const void *record, void *arg),
		 void *arg)
{
	static __thread _Alignas(8) uint8_t buf[ITER_BUFFER];
	int fd = bpf_iter_create(bpf_link__fd(link));
	size_t have = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (!err) {
		ssize_t got = read(fd, buf + have, sizeof(buf) - have);
		size_t done;

		if (got == 0)
			break;
		if (got < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err = -errno;
			break;
		}
		have += (size_t)got;
		for (done = 0; !err && have - done >= size; done += size)
			err = fn(buf + done, arg);
		/* A record cut by the buffer's end waits for its rest. */
		have -= done;
		memmove(buf, buf + done, have);
	}
	close(fd);
	return err;
}

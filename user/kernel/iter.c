// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading an iterator's records.
 * Receives a link; hands each whole record to a function.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/iter.h"
#include "kernel/readahead.h"

/* The kernel's buffer is 8 pages; one read takes all of it. */
#define ITER_BUFFER (64 << 10)
/* With more than this, the kernel goes on in a thread, beside what fn does. */
#define ITER_ALONE (1 << 20)

static ssize_t iter_read(int fd, uint8_t *buf, size_t size)
{
	ssize_t got;

	do
		got = read(fd, buf, size);
	while (got < 0 && (errno == EINTR || errno == EAGAIN));
	return got < 0 ? -errno : got;
}

/* The kernel cuts a record only where the buffer ends, which is a multiple of their size. */
static int iter_each(const uint8_t *records, size_t bytes, size_t size,
		     int (*fn)(const void *record, void *arg), void *arg)
{
	int err = bytes % size ? -EIO : 0;

	for (; !err && bytes; bytes -= size, records += size)
		err = fn(records, arg);
	return err;
}

int iter_records(struct bpf_link *link, size_t size, int (*fn)(const void *record, void *arg),
		 void *arg)
{
	static __thread _Alignas(8) uint8_t buf[ITER_BUFFER];
	int fd = bpf_iter_create(bpf_link__fd(link));
	struct readahead *ahead = NULL;
	const void *data = buf;
	size_t before = 0;
	ssize_t got = 1;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (!err) {
		if (ahead)
			got = readahead_next(ahead, &data);
		else
			got = iter_read(fd, buf, sizeof(buf) - sizeof(buf) % size);
		if (got <= 0)
			break;
		err = iter_each(data, (size_t)got, size, fn, arg);
		if (before < ITER_ALONE && before + (size_t)got >= ITER_ALONE && !err)
			ahead = readahead_new(fd, size);
		before += (size_t)got;
	}
	readahead_free(ahead);
	close(fd);
	return err ? err : (int)(got < 0 ? got : 0);
}

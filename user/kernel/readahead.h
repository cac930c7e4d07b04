/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a file in a thread of its own, a bounded number of bytes ahead of who takes it.
 * Receives a descriptor of an iterator; hands on what the kernel writes, in order.
 */
#ifndef TCPTIMER_KERNEL_READAHEAD_H
#define TCPTIMER_KERNEL_READAHEAD_H

#include <stddef.h>
#include <sys/types.h>

struct readahead;

/* The descriptor stays the caller's. Of records of `size` bytes none is cut. NULL: no thread or memory. */
struct readahead *readahead_new(int fd, size_t size);
/* As read(2), but for a negative errno: *ret_data is valid until the next call. 0: the end. */
ssize_t readahead_next(struct readahead *ahead, const void **ret_data);
/* Ends the thread, which may have to read to the end of the kernel's buffer first. NULL: nothing. */
void readahead_free(struct readahead *ahead);

#endif

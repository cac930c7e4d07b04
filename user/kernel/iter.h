/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an iterator's records.
 * Receives a link; hands each whole record to a function.
 */
#ifndef TCPTIMER_KERNEL_ITER_H
#define TCPTIMER_KERNEL_ITER_H

#include <stddef.h>

struct bpf_link;

/*
 * Run the iterator once, in the calling thread's namespace, and call fn with each record of `size`
 * bytes. Returns 0, a negative errno, or what fn returned when that was not 0.
 */
int iter_records(struct bpf_link *link, size_t size, int (*fn)(const void *record, void *arg),
		 void *arg);

#endif

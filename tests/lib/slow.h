/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A send() that stays inside the kernel, holding the socket's lock, for as long as the test wants.
 * Receives a socket; its timers find it "owned by user" meanwhile.
 */
#ifndef TCPTIMER_TEST_SLOW_H
#define TCPTIMER_TEST_SLOW_H

#include <pthread.h>
#include <stddef.h>

struct slow_send {
	pthread_t thread;
	int socket_fd;
	int fault_fd;
	void *page;
	size_t len; /* of the page, all of which is sent */
};

/* Returns when the sender sits in the kernel with the lock held. */
void slow_send_start(struct slow_send *ret_slow, int fd);
/* Let it go on; returns when send() did. */
void slow_send_end(struct slow_send *slow);

#endif

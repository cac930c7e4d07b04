/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was on the wire, and when, by the kernel's own stamps: a packet socket on one link.
 * Receives every packet of the link; hands on the TCP ones, both directions, in order.
 */
#ifndef TCPTIMER_TEST_CAPTURE_H
#define TCPTIMER_TEST_CAPTURE_H

#include "packet.h"

struct capture {
	int fd;
	struct packet *packets;
	size_t count;
	size_t size;
};

/*
 * The kernel stamps packets only while someone wants it, and begins a little after being asked
 * (net_enable_timestamp() uses a work queue). Called by capture_start(); earlier saves its wait.
 */
void capture_stamps_on(void);
/* Loopback shows each packet twice: as it goes out and as it comes in. */
void capture_start(struct capture *ret_capture, const char *link);
/* Take what came since into packets[]; never waits. */
void capture_drain(struct capture *capture);
void capture_print(const struct capture *capture);

#endif

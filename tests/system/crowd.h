/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd of sockets: every TCP state, every kind of armed timer, both families.
 * Receives a TUN device; the sockets live in the calling process and its namespace.
 */
#ifndef TCPTIMER_TEST_CROWD_H
#define TCPTIMER_TEST_CROWD_H

#include "../lib/peer.h"

#define CROWD_EACH 10 /* of each kind and family */
#define CROWD_MIN 200

/* Returns how many sockets were made. */
size_t crowd_make(struct tun *tun);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which socket is meant: a port, an address and port, both ends, or a cookie.
 * Receives words of the command line; hands a verdict a snapshot. Pure.
 */
#ifndef TCPTIMER_SOCKET_SPEC_H
#define TCPTIMER_SOCKET_SPEC_H

#include <stddef.h>
#include <stdint.h>
#include "tcptimer/snapshot.h"

enum socket_spec_kind {
	SOCKET_SPEC_COOKIE,
	SOCKET_SPEC_PORT,  /* :443, either end's */
	SOCKET_SPEC_END,   /* 10.0.0.1:443, either end's */
	SOCKET_SPEC_TUPLE, /* both ends */
};

struct socket_end {
	uint8_t addr[TCPTIMER_ADDR_LEN]; /* IPv4 as IPv4-mapped IPv6 */
	uint16_t port;
};

struct socket_spec {
	enum socket_spec_kind kind;
	uint64_t cookie;
	struct socket_end ends[2]; /* PORT, END: the first; TUPLE: local, remote */
};

/*
 * "4711" or "0x1267" (a cookie), ":443", "10.0.0.1:443", "[fd00::1]:443", two of the latter as two
 * words (an arrow between them is skipped) or joined by "-". 0, or -EINVAL after one line in `err`.
 */
int socket_spec_parse(struct socket_spec *spec, int argc, char *const argv[], char *err,
		      size_t err_size);

/*
 * 0: another socket. 2: this one. 1: only with the ends swapped, as a dump of packets shows them:
 * it is meant when no socket answers 2.
 */
int socket_spec_match(const struct socket_spec *spec, const struct tcptimer_snapshot *snap);

#endif

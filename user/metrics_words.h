/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words around metrics: where they are served, and which format a client asks for.
 * Receives --metrics' argument, and the Accept header of a client, also a hostile one. Pure.
 */
#ifndef TCPTIMER_METRICS_WORDS_H
#define TCPTIMER_METRICS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct metrics_address {
	struct sockaddr_storage addr; /* AF_INET, AF_INET6 or AF_UNIX */
	socklen_t length;
};

/*
 * "9782" (loopback), "192.0.2.1:9782", "[2001:db8::1]:9782", "localhost:9782", "unix:/run/x.sock".
 * No names are looked up. 0, or -EINVAL with what is wrong in words.
 */
int metrics_address_parse(const char *text, struct metrics_address *ret_address,
			  const char **ret_words);
bool metrics_address_is_local(const struct metrics_address *address);
/* "http://127.0.0.1:9782/metrics", "unix:/run/x.sock", escaped; size >= 512. Returns buf. */
const char *metrics_address_text(const struct metrics_address *address, char *buf, size_t size);

/* Whether the header prefers OpenMetrics to Prometheus' own format; NULL: no header. */
bool metrics_accepts_openmetrics(const char *accept);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which socket is meant: a port, an address and port, both ends, or a cookie.
 * Receives words of the command line; hands a verdict a snapshot. Pure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "socket_spec.h"
#include "text.h"

static void end_set(struct socket_end *end, int family, const uint8_t *addr)
{
	memset(end->addr, 0, sizeof(end->addr));
	if (family == AF_INET) {
		memset(end->addr + 10, 0xff, 2);
		memcpy(end->addr + 12, addr, 4);
	} else {
		memcpy(end->addr, addr, sizeof(end->addr));
	}
}

static int parse_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long port;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	port = strtoul(text, &end, 10);
	if (*end || !port || port > 65535)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* "10.0.0.1:443", "[fd00::1]:443" */
static int parse_end(const char *word, size_t length, struct socket_end *end)
{
	uint8_t addr[TCPTIMER_ADDR_LEN];
	char text[80], *colon, *host = text;
	int family = AF_INET;

	if (length >= sizeof(text))
		return -EINVAL;
	memcpy(text, word, length);
	text[length] = '\0';
	colon = strrchr(text, ':');
	if (!colon || parse_port(colon + 1, &end->port))
		return -EINVAL;
	*colon = '\0';
	if (*host == '[') {
		if (colon - text < 2 || colon[-1] != ']')
			return -EINVAL;
		colon[-1] = '\0';
		host++;
		family = AF_INET6;
	}
	if (inet_pton(family, host, addr) != 1)
		return -EINVAL;
	end_set(end, family, addr);
	return 0;
}

static int parse_cookie(const char *word, uint64_t *ret)
{
	char *end;

	if (*word < '0' || *word > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(word, &end, 0);
	return errno || *end || !*ret ? -EINVAL : 0;
}

static int parse_one(struct socket_spec *spec, const char *word)
{
	const char *dash = strchr(word, '-');
	size_t length = dash ? (size_t)(dash - word) : strlen(word);

	if (!parse_cookie(word, &spec->cookie)) {
		spec->kind = SOCKET_SPEC_COOKIE;
		return 0;
	}
	if (*word == ':' || !strncmp(word, "*:", 2)) {
		spec->kind = SOCKET_SPEC_PORT;
		return parse_port(strchr(word, ':') + 1, &spec->ends[0].port);
	}
	spec->kind = dash ? SOCKET_SPEC_TUPLE : SOCKET_SPEC_END;
	if (parse_end(word, length, &spec->ends[0]))
		return -EINVAL;
	if (!dash)
		return 0;
	dash += dash[1] == '>' ? 2 : 1;
	return parse_end(dash, strlen(dash), &spec->ends[1]);
}

static bool is_arrow(const char *word)
{
	return !strcmp(word, "->") || !strcmp(word, "→") || !strcmp(word, ">") ||
	       !strcmp(word, "-");
}

int socket_spec_parse(struct socket_spec *spec, int argc, char *const argv[], char *err,
		      size_t size)
{
	bool arrow = argc == 3 && is_arrow(argv[1]);
	const char *bad = argc ? argv[0] : "";
	char safe[128];

	*spec = (struct socket_spec){};
	if (argc == 1 && !parse_one(spec, argv[0]))
		return 0;
	if (argc == 2 || arrow) {
		const char *remote = argv[argc - 1];

		spec->kind = SOCKET_SPEC_TUPLE;
		if (!parse_end(argv[0], strlen(argv[0]), &spec->ends[0])) {
			if (!parse_end(remote, strlen(remote), &spec->ends[1]))
				return 0;
			bad = remote;
		}
	} else if (argc > 2) {
		bad = argv[2];
	}
	if (!argc)
		snprintf(err, size, "which socket? ADDR:PORT, :PORT, LOCAL REMOTE, or a cookie");
	else
		snprintf(err, size,
			 "'%s' names no socket; use 10.0.0.1:443, [fd00::1]:443, :443, "
			 "LOCAL REMOTE, or a cookie",
			 text_escape(bad, safe, sizeof(safe)));
	return -EINVAL;
}

static bool end_is(const struct socket_end *a, const struct socket_end *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

int socket_spec_match(const struct socket_spec *spec, const struct tcptimer_snapshot *s)
{
	struct socket_end local = { .port = s->local_port }, remote = { .port = s->remote_port };

	end_set(&local, s->family, s->local_addr);
	end_set(&remote, s->family, s->remote_addr);
	switch (spec->kind) {
	case SOCKET_SPEC_COOKIE:
		return s->cookie == spec->cookie ? 2 : 0;
	case SOCKET_SPEC_PORT:
		return local.port == spec->ends[0].port || remote.port == spec->ends[0].port ? 2 :
											       0;
	case SOCKET_SPEC_END:
		return end_is(&local, &spec->ends[0]) || end_is(&remote, &spec->ends[0]) ? 2 : 0;
	default:
		if (end_is(&local, &spec->ends[0]) && end_is(&remote, &spec->ends[1]))
			return 2;
		return end_is(&local, &spec->ends[1]) && end_is(&remote, &spec->ends[0]) ? 1 : 0;
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words around metrics: where they are served, and which format a client asks for.
 * Receives --metrics' argument, and the Accept header of a client, also a hostile one. Pure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "metrics_words.h"
#include "text.h"

static int bad(const char **ret_words, const char *words)
{
	*ret_words = words;
	return -EINVAL;
}

static int parse_unix(const char *path, struct metrics_address *ret, const char **ret_words)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->addr;

	if (path[0] != '/')
		return bad(ret_words, "what follows unix: is an absolute path");
	if (strlen(path) >= sizeof(un->sun_path))
		return bad(ret_words, "a socket's path has at most 107 bytes");
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	ret->length = sizeof(*un);
	return 0;
}

/* Digits only: 1 to 65535, or -1. */
static int parse_port(const char *text)
{
	int port = 0;

	if (!*text || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
		return -1;
	for (; *text; text++)
		port = port * 10 + (*text - '0');
	return port && port <= 65535 ? port : -1;
}

static int parse_host(const char *host, int port, struct metrics_address *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->addr;
	char inner[INET6_ADDRSTRLEN + 2];
	size_t length = strlen(host);

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		ret->length = sizeof(*in);
		return 0;
	}
	if (length < 4 || host[0] != '[' || host[length - 1] != ']')
		return -EINVAL;
	snprintf(inner, sizeof(inner), "%.*s", (int)length - 2, host + 1);
	if (inet_pton(AF_INET6, inner, &in6->sin6_addr) != 1)
		return -EINVAL;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	ret->length = sizeof(*in6);
	return 0;
}

int metrics_address_parse(const char *text, struct metrics_address *ret_address,
			  const char **ret_words)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 3] = "127.0.0.1";
	int port;

	*ret_address = (struct metrics_address){};
	if (!strncmp(text, "unix:", 5))
		return parse_unix(text + 5, ret_address, ret_words);
	port = parse_port(colon ? colon + 1 : text);
	if (port < 0)
		return bad(ret_words, "a port is a number from 1 to 65535");
	if (colon) {
		if ((size_t)(colon - text) >= sizeof(host))
			return bad(ret_words, "the address is too long");
		memcpy(host, text, (size_t)(colon - text));
		host[colon - text] = '\0';
	}
	if (parse_host(host, port, ret_address))
		return bad(ret_words, "the address is IPv4, or IPv6 in brackets; no names");
	return 0;
}

bool metrics_address_is_local(const struct metrics_address *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->addr;

	switch (address->addr.ss_family) {
	case AF_INET:
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	default:
		return true;
	}
}

const char *metrics_address_text(const struct metrics_address *address, char *buf, size_t size)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->addr;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&address->addr;
	char host[INET6_ADDRSTRLEN], path[448];

	switch (address->addr.ss_family) {
	case AF_INET:
		snprintf(buf, size, "http://%s:%u/metrics",
			 inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)),
			 ntohs(in->sin_port));
		break;
	case AF_INET6:
		snprintf(buf, size, "http://[%s]:%u/metrics",
			 inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)),
			 ntohs(in6->sin6_port));
		break;
	default:
		snprintf(buf, size, "unix:%s", text_escape(un->sun_path, path, sizeof(path)));
		break;
	}
	return buf;
}

/* ---- Accept: "TYPE;PARAMETER=VALUE;q=0.5, TYPE …" (RFC 9110, 12.5.1) ---- */

#define BLANKS " \t"

/* The part up to one of `ends`, without blanks around it; *text goes behind it. */
static const char *take_part(const char **text, const char *ends, int *ret_length)
{
	const char *start = *text + strspn(*text, BLANKS);
	const char *end = *text + strcspn(*text, ends);

	*text = end;
	while (end > start && strchr(BLANKS, end[-1]))
		end--;
	*ret_length = end > start ? (int)(end - start) : 0;
	return start;
}

static bool part_is(const char *part, int length, const char *word)
{
	return length == (int)strlen(word) && !strncasecmp(part, word, (size_t)length);
}

/* "0.75" in thousandths; what is no weight counts for nothing. */
static int parse_weight(const char *text, int length)
{
	int weight, scale = 100;

	if (length < 1 || length > 5 || (text[0] != '0' && text[0] != '1'))
		return 0;
	weight = (text[0] - '0') * 1000;
	if (length > 1 && text[1] != '.')
		return 0;
	for (int i = 2; i < length; i++, scale /= 10) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		weight += (text[i] - '0') * scale;
	}
	return weight <= 1000 ? weight : 0;
}

/* The parameters of one type: its weight; 0 for a version that is not ours. */
static int take_parameters(const char **text, bool openmetrics)
{
	int weight = 1000, length;
	bool known = true;

	while (**text == ';') {
		const char *part;

		(*text)++;
		part = take_part(text, ";,", &length);
		if (length >= 2 && !strncasecmp(part, "q=", 2))
			weight = parse_weight(part + 2, length - 2);
		else if (openmetrics && length >= 8 && !strncasecmp(part, "version=", 8))
			known = part_is(part + 8, length - 8, "1.0.0");
	}
	return known ? weight : 0;
}

bool metrics_accepts_openmetrics(const char *accept)
{
	int openmetrics = 0, plain = 0;

	while (accept && *accept) {
		int length, weight;
		const char *type = take_part(&accept, ";,", &length);
		bool is_openmetrics = part_is(type, length, "application/openmetrics-text");
		bool is_plain = part_is(type, length, "text/plain");

		weight = take_parameters(&accept, is_openmetrics);
		if (is_openmetrics && weight > openmetrics)
			openmetrics = weight;
		if (is_plain && weight > plain)
			plain = weight;
		accept += *accept == ',';
	}
	return openmetrics && openmetrics >= plain;
}

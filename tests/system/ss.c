// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives lines of ss, one a socket.
 * Hands on the fields that tcptimer shows too.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include "../lib/sys.h"
#include "../lib/tool.h"
#include "ss.h"

/* "2min13sec", "10sec", "1.204ms" (seconds!), "204ms": what iproute2's print_ms_timer() writes. */
static int64_t timer_ms(const char *text, int64_t *ret_exact_ms)
{
	int64_t ms = 0, number;
	char *end;

	*ret_exact_ms = 1;
	while (*text) {
		number = strtol(text, &end, 10);
		CHECK(end != text, "ss: timer %s", text);
		if (strncmp(end, "min", 3) == 0) {
			ms += number * 60000;
			*ret_exact_ms = number > 9 ? 60000 : 1000;
			text = end + 3;
		} else if (strncmp(end, "sec", 3) == 0) {
			ms += number * 1000;
			if (number > 9)
				*ret_exact_ms = 1000;
			text = end + 3;
		} else if (*end == '.') {
			ms += number * 1000;
			text = end + 1;
		} else {
			ms += number;
			text = end + 2;
		}
	}
	return ms;
}

static void take_timer(char *text, struct ss_socket *sock)
{
	/* strsep(): a timer that is due right now has nothing between its commas */
	char *name = strsep(&text, ","), *expires = strsep(&text, ","), *count = strsep(&text, ")");

	CHECK(name && expires && count, "ss: timer");
	snprintf(sock->timer, sizeof(sock->timer), "%s", name);
	sock->expires_ms = timer_ms(expires, &sock->exact_ms);
	sock->count = (unsigned int)atoi(count);
}

static void take_word(char *word, struct ss_socket *sock)
{
	if (strncmp(word, "timer:(", 7) == 0)
		take_timer(word + 7, sock);
	else if (strncmp(word, "sk:", 3) == 0)
		sock->cookie = strtoull(word + 3, NULL, 16);
	else if (strncmp(word, "ino:", 4) == 0)
		sock->inode = strtoull(word + 4, NULL, 10);
	else if (strncmp(word, "cgroup:", 7) == 0)
		snprintf(sock->cgroup, sizeof(sock->cgroup), "%.255s", word + 7);
	else if (strncmp(word, "rto:", 4) == 0)
		sock->rto_ms = strtod(word + 4, NULL);
	else if (strncmp(word, "backoff:", 8) == 0)
		sock->backoff = (unsigned int)atoi(word + 8);
	else if (strncmp(word, "unacked:", 8) == 0)
		sock->unacked = (unsigned int)atoi(word + 8);
}

static void take_line(char *line, struct ss_socket *sock)
{
	char *save, *rest, *word;

	memset(sock, 0, sizeof(*sock));
	CHECK(sscanf(line, "%15s %*s %*s %63s %63s", sock->state, sock->local, sock->remote) == 3,
	      "ss: %s", line);
	for (rest = line; (word = strtok_r(rest, " \t", &save)); rest = NULL) {
		char copy[512];

		snprintf(copy, sizeof(copy), "%.511s", word);
		take_word(copy, sock);
	}
}

void ss_read(struct ss_table *ret_table)
{
	char *line, *save, *rest;
	struct tool ss;

	program_run(&ss, (const char *const[]){ "ss", "-HOtanoei", NULL });
	if (ss.status == 127)
		check_skip("no ss here (package iproute2)");
	CHECK(ss.status == 0, "ss: %s", ss.err.data);
	memset(ret_table, 0, sizeof(*ret_table));
	for (rest = ss.out.data; (line = strtok_r(rest, "\n", &save)); rest = NULL) {
		ret_table->sockets = reallocarray(ret_table->sockets, ret_table->count + 1,
						  sizeof(*ret_table->sockets));
		CHECK(ret_table->sockets, "no memory");
		take_line(line, &ret_table->sockets[ret_table->count++]);
	}
}

const struct ss_socket *ss_find(const struct ss_table *table, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		if (table->sockets[i].cookie == cookie)
			return &table->sockets[i];
	return NULL;
}

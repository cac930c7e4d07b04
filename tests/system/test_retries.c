// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * max_retries: N retransmissions leave this host, no more and no fewer, and the kernel ends it then.
 * Receives packets and errno of real connections, fifteen a scenario: N from 1 to 15.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "../lib/enforced.h"

#define N_MAX 15
#define PORT 7000 /* + N */
#define RTO_MAX_MS 1000

enum {
	LONG_USER_TIMEOUT = 1, /* one beside it that comes later than any of them */
	SACK = 2,              /* with loss probes */
	TIMESTAMPS = 4,
	THIN = 8,
	LOW_RETRIES2 = 16, /* the sysctl alone would end it after 3 */
	ACCEPTED = 32,
	THICK = 64, /* more than three segments in flight */
};

static void rules_of(long how, char *buf, size_t size)
{
	size_t used = 0;

	for (int n = 1; n <= N_MAX; n++)
		used += (size_t)snprintf(
			buf + used, size - used,
			"- {name: n%d, match: {remote_port: [%d]}, set: {max_retries: %d, "
			"rto_min: 20ms, rto_max: 1s%s%s}}\n",
			n, PORT + n, n, how & LONG_USER_TIMEOUT ? ", user_timeout: 60s" : "",
			how & THIN ? ", thin_linear_timeouts: true" : "");
	CHECK(used < size, "rules too long");
}

static void all_connect(struct enforced *en, struct link *links, long how)
{
	int listener = -1;
	uint16_t port;

	en->world.peer.sack = how & SACK;
	en->world.peer.ts = how & TIMESTAMPS;
	if (how & ACCEPTED)
		listener = app_listen(en->world.family, &port);
	for (int i = 0; i < N_MAX; i++) {
		uint16_t peer_port = (uint16_t)(PORT + i + 1);

		if (how & ACCEPTED)
			link_accept(en, &links[i], peer_port, listener);
		else
			link_connect(en, &links[i], peer_port);
		link_exchange(en, &links[i]);
	}
}

static void all_send(struct link *links, long how)
{
	for (int i = 0; i < N_MAX; i++)
		app_send(links[i].fd, how & THICK ? 5000 : 700);
}

/* TcpExt's TCPLossProbes of this namespace. */
static unsigned long loss_probes(void)
{
	FILE *file = fopen("/proc/self/net/netstat", "re");
	char names[8192], values[8192], *n, *v, *save_n, *save_v;
	unsigned long found = 0;

	CHECK(file && fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file),
	      "netstat");
	fclose(file);
	n = strtok_r(names, " \n", &save_n);
	v = strtok_r(values, " \n", &save_v);
	for (; n && v; n = strtok_r(NULL, " \n", &save_n), v = strtok_r(NULL, " \n", &save_v))
		if (!strcmp(n, "TCPLossProbes"))
			found = strtoul(v, NULL, 10);
	return found;
}

static void wire_print(const struct link *link, const struct sends *sends)
{
	fprintf(stderr, "  port %u:", link->peer.port);
	for (size_t i = 1; i < sends->count; i++)
		fprintf(stderr, " +%llu",
			(unsigned long long)((sends->at_ns[i] - sends->at_ns[i - 1]) /
					     NSEC_PER_MSEC));
	if (sends->count)
		fprintf(stderr, " then error %d after %llu ms\n", link->error,
			(unsigned long long)((link->error_ns - sends->at_ns[sends->count - 1]) /
					     NSEC_PER_MSEC));
}

/*
 * The end is when the next retransmission would have been due: not before the gap that went before
 * (doubled, up to rto_max; a stream that is thin does not double).
 */
static void check_end(const struct link *link, const struct sends *sends, bool doubled)
{
	uint64_t last = sends->at_ns[sends->count - 1], after = link->error_ns - last, gap;

	if (sends->count < 3)
		return;
	gap = last - sends->at_ns[sends->count - 2];
	/* The wheel may have made that gap longer than it was asked for, by an eighth. */
	gap -= gap / 8;
	if (doubled)
		gap = 2 * gap < RTO_MAX_MS * NSEC_PER_MSEC ? 2 * gap : RTO_MAX_MS * NSEC_PER_MSEC;
	CHECK(after + 8 * NSEC_PER_MSEC >= gap, "port %u: ended %llu ms after the last, not %llu",
	      link->peer.port, (unsigned long long)(after / NSEC_PER_MSEC),
	      (unsigned long long)(gap / NSEC_PER_MSEC));
}

static void exactly(const struct scenario *scenario)
{
	bool rto_max = sysctl_read("ipv4/tcp_rto_max_ms") >= 0;
	unsigned long probes, more = 0;
	struct link links[N_MAX] = {};
	struct enforced en;
	char rules[8192];
	uint64_t begin;

	enforced_world(&en, scenario);
	if (scenario->arg & LOW_RETRIES2)
		sysctl_write("ipv4/tcp_retries2", 3);
	enforced_open(&en);
	rules_of(scenario->arg, rules, sizeof(rules));
	enforced_apply(&en, rules);
	all_connect(&en, links, scenario->arg);
	probes = loss_probes();
	begin = realtime_ns();
	all_send(links, scenario->arg);
	/* Before 6.15 nothing bounds the RTO below two minutes: the first few, then. */
	links_await(&en, links, rto_max ? N_MAX : 8, 60000);
	probes = loss_probes() - probes;
	for (int i = 0; i < (rto_max ? N_MAX : 8); i++) {
		struct sends sends;
		size_t retries, n = (size_t)i + 1;

		link_sends(&en, &links[i], SENDS_DATA, begin, &sends);
		wire_print(&links[i], &sends);
		retries = sends.count - (scenario->arg & THICK ? 5 : 1);
		more += retries - n;
		CHECK(retries == n || (probes && retries == n + 1),
		      "max_retries %zu: %zu retransmissions", n, retries);
		CHECK(links[i].error == ETIMEDOUT, "max_retries %zu: %s", n,
		      strerror(links[i].error));
		if (!(scenario->arg & (SACK | THICK)))
			check_end(&links[i], &sends, !(scenario->arg & THIN));
		CHECK(enforced_counters(&en, (size_t)i).ended == 1, "ended %llu",
		      (unsigned long long)enforced_counters(&en, (size_t)i).ended);
	}
	/* A loss probe is sent without a timeout, and not counted: each one explains one packet more. */
	CHECK(more <= probes, "%lu packets too many, %lu loss probes", more, probes);
	enforced_clear(&en);
}

/* The stall is older than the programs: N fewer than, as many as, and more than went out before. */
static void under_way(const struct scenario *scenario)
{
	struct sends before[N_MAX], after[N_MAX], sends;
	size_t ends = N_MAX;
	struct link links[N_MAX] = {};
	struct enforced en;
	char rules[8192];
	uint64_t begin;

	enforced_world(&en, scenario);
	if (!sysctl_write("ipv4/tcp_rto_min_us", 20000))
		check_skip("the kernel has no callbacks for older sockets");
	/* Before 6.15 nothing bounds the RTO below two minutes: the first few, then. */
	if (!sysctl_write("ipv4/tcp_rto_max_ms", RTO_MAX_MS))
		ends = 8;
	all_connect(&en, links, scenario->arg);
	begin = realtime_ns();
	all_send(links, scenario->arg);
	do {
		links_run(&en, links, N_MAX, 20);
		link_sends(&en, &links[0], SENDS_DATA, begin, &sends);
	} while (sends.count < 7);
	enforced_open(&en);
	rules_of(scenario->arg, rules, sizeof(rules));
	for (int i = 0; i < N_MAX; i++)
		link_sends(&en, &links[i], SENDS_DATA, begin, &before[i]);
	if (scenario->arg & LOW_RETRIES2)
		sysctl_write("ipv4/tcp_retries2", 2); /* run out by now, but for the policy */
	enforced_apply(&en, rules);
	CHECK(en.pass.matched == N_MAX && (ends < N_MAX || !en.pass.refused),
	      "%llu sockets matched, %llu refused", (unsigned long long)en.pass.matched,
	      (unsigned long long)en.pass.refused);
	for (int i = 0; i < N_MAX; i++)
		link_sends(&en, &links[i], SENDS_DATA, begin, &after[i]);
	links_await(&en, links, ends, 60000);
	for (size_t i = 0; i < ends; i++) {
		size_t n = i + 1, probes = scenario->arg & SACK ? 1 : 0, most, least;

		link_sends(&en, &links[i], SENDS_DATA, begin, &sends);
		wire_print(&links[i], &sends);
		least = before[i].count - 1 - probes > n ? before[i].count - 1 - probes : n;
		most = after[i].count - 1 > n + probes ? after[i].count - 1 : n + probes;
		CHECK(sends.count - 1 >= least && sends.count - 1 <= most,
		      "max_retries %zu with %zu done: %zu retransmissions", n, before[i].count - 1,
		      sends.count - 1);
		CHECK(links[i].error == ETIMEDOUT, "max_retries %zu: %s", n,
		      strerror(links[i].error));
	}
	enforced_clear(&en);
}

static const struct scenario scenarios[] = {
	SCENARIO_BOTH("stall under way", under_way, 0),
	{ "stall under way, tcp_retries2 lower", under_way, AF_INET, LOW_RETRIES2 },
	{ "stall under way, SACK, timestamps", under_way, AF_INET6, SACK | TIMESTAMPS },
	SCENARIO_BOTH("N retransmissions", exactly, 0),
	{ "with user_timeout", exactly, AF_INET, LONG_USER_TIMEOUT },
	{ "with SACK", exactly, AF_INET6, SACK },
	{ "with SACK and timestamps", exactly, AF_INET, SACK | TIMESTAMPS },
	{ "with timestamps", exactly, AF_INET6, TIMESTAMPS },
	{ "thin", exactly, AF_INET, THIN },
	{ "thin, user_timeout, timestamps", exactly, AF_INET6,
	  THIN | LONG_USER_TIMEOUT | TIMESTAMPS },
	{ "tcp_retries2 lower", exactly, AF_INET, LOW_RETRIES2 },
	{ "several segments", exactly, AF_INET6, THICK },
	{ "accepted", exactly, AF_INET, ACCEPTED },
};

int main(void)
{
	return scenario_main("test_retries", scenarios, sizeof(scenarios) / sizeof(scenarios[0]),
			     13, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nothing of max_retries outlives its stall: not into a zero window, a keepalive, or the next stall.
 * Receives packets, errno and options of connections that recover in every way that the kernel has.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include "../lib/enforced.h"

#define PORT 7001
#define N 6

enum way { FAST, STAMPS, CLOSING, SHRUNK, WAYS = 7 };
enum {
	EARLY = 8, /* recovers after the second retransmission; else after the last */
	USER_TIMEOUT = 16,
	KEEPALIVE = 32, /* a quiet peer follows the recovery; else a closed window */
};

static const char plain_rules[] =
	"- {name: r, set: {max_retries: 6, rto_min: 20ms, rto_max: 1s}}\n";
static const char timeout_rules[] =
	"- {name: r, set: {max_retries: 6, rto_min: 20ms, rto_max: 1s, user_timeout: 30s}}\n";

static int user_timeout(const struct link *link)
{
	return option_get(link->fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
}

/* Data goes out and is not acknowledged until so many retransmissions have left. */
static uint64_t stall(struct enforced *en, struct link *link, size_t retransmissions)
{
	uint64_t begin = realtime_ns();
	struct sends sends;

	app_send(link->fd, 700);
	do {
		links_run(en, link, 1, 4);
		link_sends(en, link, SENDS_DATA, begin, &sends);
		CHECK(!link->error, "ended early: %s", strerror(link->error));
	} while (sends.count < retransmissions + 1);
	CHECK(sends.count == retransmissions + 1, "%zu retransmissions", sends.count - 1);
	return begin;
}

/* With a byte: the kernel takes a smaller window only from a segment that is newer. */
static void close_window(struct link *link)
{
	link->peer.window = 0;
	peer_send(&link->peer, TCP_PSH | TCP_ACK, 1);
}

static void recover(struct enforced *en, struct link *link, enum way way)
{
	if (way == SHRUNK) {
		/* It answers, and takes back the window that the data went into. */
		close_window(link);
		link->peer.react = peer_react_full;
		peer_run(&link->peer, 4000);
		CHECK(!app_error(link->fd), "ended in a shrunk window");
	}
	link->peer.rcv_nxt += 700;
	peer_ack(&link->peer, way == CLOSING ? 0 : 65535);
	links_run(en, link, 1, 20);
}

/* Longer than anything that max_retries could have left behind. */
static void closed_window(struct enforced *en, struct link *link, int base)
{
	uint32_t acked = link->peer.rcv_nxt;

	close_window(link);
	links_run(en, link, 1, 20);
	CHECK(user_timeout(link) == base, "TCP_USER_TIMEOUT %d in a closed window",
	      user_timeout(link));
	app_send(link->fd, 700);
	link->peer.react = peer_react_full;
	peer_run(&link->peer, 3500);
	CHECK(!app_error(link->fd), "ended in a closed window");
	CHECK(user_timeout(link) == base, "TCP_USER_TIMEOUT %d", user_timeout(link));
	link->peer.react = peer_react_ack;
	peer_ack(&link->peer, 65535);
	for (int i = 0; i < 50 && link->peer.rcv_nxt == acked; i++)
		peer_run(&link->peer, 200);
	CHECK(link->peer.rcv_nxt == acked + 700, "what waited did not come");
	link->peer.react = NULL;
	CHECK(!app_error(link->fd), "ended when the window opened");
}

/* With a left-over user timeout, the kernel would not count probes. */
static void keepalive(struct enforced *en, struct link *link)
{
	uint64_t begin = realtime_ns();
	struct sends sends;

	app_set(link->fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	app_set(link->fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	app_set(link->fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	app_set(link->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	links_await(en, link, 1, 15000);
	link_sends(en, link, SENDS_PROBE, begin, &sends);
	CHECK(sends.count == 3, "%zu probes, not TCP_KEEPCNT", sends.count);
	CHECK(link->error == ETIMEDOUT, "%s", strerror(link->error));
}

static void recovery(const struct scenario *scenario)
{
	enum way way = scenario->arg & WAYS;
	int base = scenario->arg & USER_TIMEOUT ? 30000 : 0;
	struct enforced en;
	struct sends sends;
	struct link link = {};
	uint64_t begin;

	enforced_world(&en, scenario);
	en.world.peer.sack = false;
	en.world.peer.ts = way == STAMPS;
	enforced_open(&en);
	enforced_apply(&en, base ? timeout_rules : plain_rules);
	link_connect(&en, &link, PORT);
	link_exchange(&en, &link);
	CHECK(user_timeout(&link) == base, "TCP_USER_TIMEOUT %d before", user_timeout(&link));
	stall(&en, &link, scenario->arg & EARLY ? 2 : N);
	recover(&en, &link, way);
	if (way != FAST)
		CHECK(user_timeout(&link) == base, "TCP_USER_TIMEOUT %d after the recovery",
		      user_timeout(&link));
	if (scenario->arg & KEEPALIVE) {
		keepalive(&en, &link);
	} else {
		if (way != CLOSING)
			peer_ack(&link.peer, 65535);
		closed_window(&en, &link, base);
		/* Before 6.15 nothing bounds the RTO, which is long by now: user_timeout comes first. */
		if (sysctl_read("ipv4/tcp_rto_max_ms") < 0)
			return;
		begin = stall(&en, &link, N); /* of its own, with all its retransmissions */
		links_await(&en, &link, 1, 10000);
		link_sends(&en, &link, SENDS_DATA, begin, &sends);
		CHECK(sends.count == N + 1, "second stall: %zu retransmissions", sends.count - 1);
		CHECK(link.error == ETIMEDOUT, "second stall: %s", strerror(link.error));
	}
	enforced_clear(&en);
}

/* The policy came while the stall was under way: what it armed is gone with the stall, too. */
static void recovery_of_old(const struct scenario *scenario)
{
	struct enforced en;
	struct sends sends;
	struct link link = {};
	uint64_t begin;

	enforced_world(&en, scenario);
	if (!sysctl_write("ipv4/tcp_rto_min_us", 20000))
		check_skip("the kernel has no callbacks for older sockets");
	en.world.peer.sack = false;
	en.world.peer.ts = (scenario->arg & WAYS) == STAMPS;
	link_connect(&en, &link, PORT);
	link_exchange(&en, &link);
	stall(&en, &link, scenario->arg & EARLY ? 4 : N + 1);
	enforced_open(&en);
	enforced_apply(&en, plain_rules);
	recover(&en, &link, scenario->arg & WAYS);
	closed_window(&en, &link, 0);
	begin = stall(&en, &link, N);
	links_await(&en, &link, 1, 10000);
	link_sends(&en, &link, SENDS_DATA, begin, &sends);
	CHECK(sends.count == N + 1, "second stall: %zu retransmissions", sends.count - 1);
	CHECK(link.error == ETIMEDOUT, "second stall: %s", strerror(link.error));
	enforced_clear(&en);
}

static const struct scenario scenarios[] = {
	{ "shrunk window after the last", recovery, AF_INET, SHRUNK },
	{ "shrunk window after the second", recovery, AF_INET6, SHRUNK | EARLY },
	{ "plain ACK after the last", recovery, AF_INET6, FAST },
	{ "plain ACK after the second", recovery, AF_INET, FAST | EARLY },
	{ "plain ACK, user_timeout", recovery, AF_INET, FAST | USER_TIMEOUT },
	{ "ACK with timestamps after the last", recovery, AF_INET, STAMPS },
	{ "ACK with timestamps after the second", recovery, AF_INET6, STAMPS | EARLY },
	{ "ACK that closes the window after the last", recovery, AF_INET, CLOSING },
	{ "ACK that closes the window after the second", recovery, AF_INET6, CLOSING | EARLY },
	{ "older than policy, all retries done", recovery_of_old, AF_INET, FAST },
	{ "older than policy, retries left, timestamps", recovery_of_old, AF_INET6,
	  STAMPS | EARLY },
	SCENARIO_BOTH("keepalive after the last", recovery, FAST | KEEPALIVE),
	{ "keepalive after the second", recovery, AF_INET, FAST | KEEPALIVE | EARLY },
	{ "keepalive after the second, timestamps", recovery, AF_INET6,
	  STAMPS | KEEPALIVE | EARLY },
};

int main(void)
{
	return scenario_main("test_recovery", scenarios, sizeof(scenarios) / sizeof(scenarios[0]),
			     15, NULL);
}

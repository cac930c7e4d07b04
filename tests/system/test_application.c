// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policy beside others: the application's own setsockopt(), other programs' sock_ops, MPTCP.
 * Receives packets and errno of connections whose application asks for something else.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../lib/enforced.h"
#include "../lib/other_sockops.h"

#define PORT 7000
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* How many retransmissions a user timeout lets happen: RTO 200 ms, 400 ms, … */
enum { RETRIES_300MS = 1, RETRIES_700MS = 2 };

struct wish { /* what the application asks for; 0, 0: the end */
	int level, option, value;
};

static void ask(int fd, const struct wish *wishes)
{
	for (; wishes && wishes->level; wishes++)
		app_set(fd, wishes->level, wishes->option, wishes->value);
}

/* One connection each, to the port of its rule. */
struct row {
	uint16_t port;
	const struct wish *before, *after; /* connect() */
	size_t packets; /* data, SYNs, or probes, that leave; 0: the connection lives on */
};

#define WISHES(...) ((const struct wish[]){ __VA_ARGS__, {} })
#define USER_TIMEOUT(ms)                                                                           \
	{                                                                                          \
		IPPROTO_TCP, TCP_USER_TIMEOUT, ms                                                  \
	}

static void rows_connect(struct enforced *en, struct link *links, const struct row *rows,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		link_socket(en, &links[i], rows[i].port);
		ask(links[i].fd, rows[i].before);
		link_connect(en, &links[i], rows[i].port);
		ask(links[i].fd, rows[i].after);
	}
}

static void rows_check(struct enforced *en, const struct link *links, const struct row *rows,
		       size_t count, enum sends_kind kind, uint64_t begin)
{
	struct sends sends;

	for (size_t i = 0; i < count; i++) {
		link_sends(en, &links[i], kind, begin, &sends);
		if (!rows[i].packets) {
			CHECK(!links[i].error, "row %zu: %s", i, strerror(links[i].error));
			continue;
		}
		CHECK(links[i].error == ETIMEDOUT, "row %zu: %s", i, strerror(links[i].error));
		CHECK(sends.count == rows[i].packets, "row %zu: %zu packets", i, sends.count);
	}
}

/* ---- TCP_USER_TIMEOUT ---- */

static const char user_timeout_rules[] =
	"- {name: e, match: {remote_port: [7000]}, set: {user_timeout: 700ms}}\n"
	"- {name: d, match: {remote_port: [7001]}, mode: default, set: {user_timeout: 700ms}}\n"
	"- {name: a, match: {remote_port: [7002]}, mode: audit, set: {user_timeout: 300ms}}\n";

static const struct row user_timeout_rows[] = {
	{ 7000, NULL, NULL, 1 + RETRIES_700MS },
	{ 7000, WISHES(USER_TIMEOUT(60000)), NULL, 1 + RETRIES_700MS },
	{ 7000, NULL, WISHES(USER_TIMEOUT(60000)), 1 + RETRIES_700MS },
	{ 7000, NULL, WISHES(USER_TIMEOUT(0)), 1 + RETRIES_700MS },
	{ 7000, WISHES(USER_TIMEOUT(300)), NULL, 1 + RETRIES_300MS },
	{ 7000, NULL, WISHES(USER_TIMEOUT(300)), 1 + RETRIES_300MS },
	{ 7000, WISHES(USER_TIMEOUT(300)), WISHES(USER_TIMEOUT(5000)), 1 + RETRIES_700MS },
	{ 7001, NULL, NULL, 1 + RETRIES_700MS },
	{ 7001, WISHES(USER_TIMEOUT(300)), NULL, 1 + RETRIES_300MS },
	{ 7001, NULL, WISHES(USER_TIMEOUT(300)), 1 + RETRIES_300MS },
	{ 7001, WISHES(USER_TIMEOUT(60000)), NULL, 0 },
	{ 7001, NULL, WISHES(USER_TIMEOUT(60000)), 0 },
	{ 7002, NULL, NULL, 0 },
	{ 7002, WISHES(USER_TIMEOUT(700)), NULL, 1 + RETRIES_700MS },
};
#define USER_TIMEOUT_ROWS (sizeof(user_timeout_rows) / sizeof(user_timeout_rows[0]))

static void user_timeout(const struct scenario *scenario)
{
	struct link links[USER_TIMEOUT_ROWS] = {};
	struct enforced en;
	uint64_t begin;

	enforced_world(&en, scenario);
	en.world.peer.sack = false;
	enforced_open(&en);
	enforced_apply(&en, user_timeout_rules);
	rows_connect(&en, links, user_timeout_rows, USER_TIMEOUT_ROWS);
	for (size_t i = 0; i < USER_TIMEOUT_ROWS; i++)
		link_exchange(&en, &links[i]);
	begin = realtime_ns();
	for (size_t i = 0; i < USER_TIMEOUT_ROWS; i++)
		app_send(links[i].fd, 700);
	links_run(&en, links, USER_TIMEOUT_ROWS, 2500);
	rows_check(&en, links, user_timeout_rows, USER_TIMEOUT_ROWS, SENDS_DATA, begin);
	CHECK(enforced_counters(&en, 0).clamped == 4, "clamped %llu",
	      (unsigned long long)enforced_counters(&en, 0).clamped);
	CHECK(enforced_counters(&en, 1).yielded == 4, "yielded %llu",
	      (unsigned long long)enforced_counters(&en, 1).yielded);
	CHECK(enforced_counters(&en, 2).set == 2, "audit would set %llu",
	      (unsigned long long)enforced_counters(&en, 2).set);
	CHECK(enforced_counters(&en, 2).ended == 0, "audit ended something");
	enforced_clear(&en);
}

/* Calls that the kernel answers itself, and such as are longer than they need to be. */
static void calls(const struct scenario *scenario)
{
	static char page[8192];
	struct link link = {};
	struct enforced en;
	int fd, value;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, "- {name: e, set: {user_timeout: 700ms, syn_retries: 2, keepalive: "
			    "{idle: 10s}}}\n");
	link_connect(&en, &link, PORT);
	fd = link.fd;
#define ASK(option, pointer, size) setsockopt(fd, IPPROTO_TCP, option, pointer, size)
#define REFUSED(call, error) CHECK((call) == -1 && errno == (error), "%s", strerror(errno))
	value = -1;
	REFUSED(ASK(TCP_USER_TIMEOUT, &value, 4), EINVAL);
	value = 0;
	REFUSED(ASK(TCP_SYNCNT, &value, 4), EINVAL);
	value = 128;
	REFUSED(ASK(TCP_SYNCNT, &value, 4), EINVAL);
	value = 32768;
	REFUSED(ASK(TCP_KEEPIDLE, &value, 4), EINVAL);
	value = 60000;
	REFUSED(ASK(TCP_USER_TIMEOUT, &value, 2), EINVAL);
	REFUSED(ASK(TCP_USER_TIMEOUT, &value, 0), EINVAL);
	REFUSED(ASK(TCP_USER_TIMEOUT, NULL, 4), EFAULT);
	CHECK(enforced_counters(&en, 0).clamped == 0, "an invalid call was clamped");
	CHECK(option_get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 700, "user timeout");
	memcpy(page, &value, sizeof(value));
	MUST(ASK(TCP_USER_TIMEOUT, page, 8));
	CHECK(option_get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 700, "8 bytes");
	MUST(ASK(TCP_USER_TIMEOUT, page, sizeof(page)));
	CHECK(option_get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 700, "8192 bytes");
	CHECK(enforced_counters(&en, 0).clamped == 2, "not clamped");
	value = 300;
	memcpy(page, &value, sizeof(value));
	MUST(ASK(TCP_USER_TIMEOUT, page, sizeof(page)));
	CHECK(option_get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 300, "stricter, 8192 bytes");
	value = 4242;
	memcpy(page, &value, sizeof(value));
	MUST(setsockopt(fd, SOL_SOCKET, SO_MARK, page, sizeof(page)));
	CHECK(option_get(fd, SOL_SOCKET, SO_MARK) == 4242, "another option, 8192 bytes");
	enforced_clear(&en);
}

/* ---- keepalive ---- */

#define KEEPALIVE(on)                                                                              \
	{                                                                                          \
		SOL_SOCKET, SO_KEEPALIVE, on                                                       \
	}

static const char keepalive_rules[] =
	"- {name: e, match: {remote_port: [7000]}, set: {keepalive: {enable: true, idle: 1s, "
	"interval: 1s, probes: 2}}}\n"
	"- {name: d, match: {remote_port: [7001]}, mode: default, set: {keepalive: {enable: true, "
	"idle: 1s, interval: 1s, probes: 2}}}\n"
	"- {name: a, match: {remote_port: [7002]}, mode: audit, set: {keepalive: {enable: true, "
	"idle: 1s, interval: 1s, probes: 2}}}\n";

static const struct row keepalive_rows[] = {
	{ 7000, NULL, NULL, 2 },
	{ 7000, NULL, WISHES(KEEPALIVE(0)), 2 },
	{ 7000,
	  WISHES(KEEPALIVE(0), { IPPROTO_TCP, TCP_KEEPIDLE, 100 }, { IPPROTO_TCP, TCP_KEEPCNT, 9 }),
	  NULL, 2 },
	{ 7000, NULL,
	  WISHES({ IPPROTO_TCP, TCP_KEEPIDLE, 100 }, { IPPROTO_TCP, TCP_KEEPINTVL, 99 }), 2 },
	{ 7000, NULL, WISHES({ IPPROTO_TCP, TCP_KEEPCNT, 1 }), 1 },
	{ 7001, NULL, NULL, 2 },
	{ 7001, WISHES(KEEPALIVE(1), { IPPROTO_TCP, TCP_KEEPIDLE, 30 }), NULL, 0 },
	{ 7001, NULL, WISHES(KEEPALIVE(0)), 0 },
	{ 7002, NULL, NULL, 0 },
};
#define KEEPALIVE_ROWS (sizeof(keepalive_rows) / sizeof(keepalive_rows[0]))

static void keepalive(const struct scenario *scenario)
{
	struct link links[KEEPALIVE_ROWS] = {};
	struct enforced en;
	uint64_t begin;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, keepalive_rules);
	rows_connect(&en, links, keepalive_rows, KEEPALIVE_ROWS);
	begin = realtime_ns();
	links_run(&en, links, KEEPALIVE_ROWS, 4500);
	rows_check(&en, links, keepalive_rows, KEEPALIVE_ROWS, SENDS_PROBE, begin);
	CHECK(enforced_counters(&en, 2).set == 4, "audit would set %llu",
	      (unsigned long long)enforced_counters(&en, 2).set);
	enforced_clear(&en);
}

/* ---- TCP_SYNCNT ---- */

#define SYNCNT(n)                                                                                  \
	{                                                                                          \
		IPPROTO_TCP, TCP_SYNCNT, n                                                         \
	}

static const char syn_rules[] =
	"- {name: e, match: {remote_port: [7000]}, set: {syn_retries: 2, syn_rto: 100ms}}\n"
	"- {name: d, match: {remote_port: [7001]}, mode: default, set: {syn_retries: 1, "
	"syn_rto: 100ms}}\n"
	"- {name: a, match: {remote_port: [7002]}, mode: audit, set: {syn_retries: 1}}\n";

static const struct row syn_rows[] = {
	{ 7000, WISHES(SYNCNT(6)), NULL, 3 }, { 7000, NULL, WISHES(SYNCNT(6)), 3 },
	{ 7000, WISHES(SYNCNT(1)), NULL, 2 }, { 7001, NULL, NULL, 2 },
	{ 7001, WISHES(SYNCNT(3)), NULL, 4 }, { 7001, NULL, WISHES(SYNCNT(3)), 4 },
	{ 7002, WISHES(SYNCNT(6)), NULL, 0 },
};
#define SYN_ROWS (sizeof(syn_rows) / sizeof(syn_rows[0]))

static void syncnt(const struct scenario *scenario)
{
	struct link links[SYN_ROWS] = {};
	struct enforced en;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, syn_rules);
	for (size_t i = 0; i < SYN_ROWS; i++) {
		link_socket(&en, &links[i], syn_rows[i].port);
		ask(links[i].fd, syn_rows[i].before);
		link_syn(&en, &links[i], syn_rows[i].port);
		ask(links[i].fd, syn_rows[i].after);
	}
	links_run(&en, links, SYN_ROWS, 4200);
	rows_check(&en, links, syn_rows, SYN_ROWS, SENDS_SYN, 0);
	enforced_clear(&en);
}

/* ---- the rest ---- */

static const struct row rto_rows[] = {
	{ 7000, WISHES({ IPPROTO_TCP, TCP_RTO_MAX_MS, 60000 }), NULL, 0 },
	{ 7000, NULL, WISHES({ IPPROTO_TCP, TCP_RTO_MAX_MS, 60000 }), 0 },
	{ 7001, NULL, WISHES({ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 0 }), 0 },
};
#define RTO_ROWS (sizeof(rto_rows) / sizeof(rto_rows[0]))

static void rto(const struct scenario *scenario)
{
	struct link links[RTO_ROWS] = {};
	struct enforced en;
	struct sends sends;
	uint64_t begin;

	enforced_world(&en, scenario);
	if (sysctl_read("ipv4/tcp_rto_max_ms") < 0)
		check_skip("no TCP_RTO_MAX_MS before 6.15");
	en.world.peer.sack = false;
	enforced_open(&en);
	enforced_apply(&en, "- {name: m, match: {remote_port: [7000]}, set: {rto_max: 1s}}\n"
			    "- {name: t, match: {remote_port: [7001]}, "
			    "set: {thin_linear_timeouts: true}}\n");
	rows_connect(&en, links, rto_rows, RTO_ROWS);
	for (size_t i = 0; i < RTO_ROWS; i++)
		link_exchange(&en, &links[i]);
	begin = realtime_ns();
	for (size_t i = 0; i < RTO_ROWS; i++)
		app_send(links[i].fd, 700);
	links_run(&en, links, RTO_ROWS, 5000);
	/* 200, 400, 800, 1000, 1000, 1000 ms; without the rule the fifth would end 6.2 s after. */
	for (size_t i = 0; i < 2; i++) {
		link_sends(&en, &links[i], SENDS_DATA, begin, &sends);
		CHECK(sends.count >= 6, "row %zu: %zu packets", i, sends.count);
	}
	/* 200 ms each; doubled, there would be five. */
	link_sends(&en, &links[2], SENDS_DATA, begin, &sends);
	CHECK(sends.count >= 7, "thin: %zu packets", sends.count);
	CHECK(sends.at_ns[6] - sends.at_ns[0] < 3 * NSEC_PER_SEC, "thin: not linear");
	CHECK(enforced_counters(&en, 0).clamped == 2 && enforced_counters(&en, 1).clamped == 1,
	      "not counted as clamped");
	enforced_clear(&en);
}

/* While max_retries ends a stall, the application's wish is kept for later and does not undo it. */
static void armed(const struct scenario *scenario)
{
	static const int asked[] = { 60000, 0, 60000, 0 };
	struct link links[4] = {};
	struct enforced en;
	struct sends sends;
	uint64_t begin;

	enforced_world(&en, scenario);
	en.world.peer.sack = false;
	enforced_open(&en);
	enforced_apply(&en, "- {name: r, set: {max_retries: 6, rto_min: 20ms}}\n");
	for (int i = 0; i < 4; i++) {
		link_connect(&en, &links[i], (uint16_t)(PORT + i));
		link_exchange(&en, &links[i]);
	}
	begin = realtime_ns();
	for (int i = 0; i < 4; i++)
		app_send(links[i].fd, 700);
	for (int i = 0; i < 4; i++) {
		/* Two while retries are left, two after the last. */
		do {
			links_run(&en, links, 4, 4);
			link_sends(&en, &links[i], SENDS_DATA, begin, &sends);
		} while (sends.count < (i < 2 ? 3 : 7));
		app_set(links[i].fd, IPPROTO_TCP, TCP_USER_TIMEOUT, asked[i]);
	}
	links_await(&en, links, 4, 20000);
	for (int i = 0; i < 4; i++) {
		link_sends(&en, &links[i], SENDS_DATA, begin, &sends);
		CHECK(sends.count == 7, "%d: %zu retransmissions", i, sends.count - 1);
		CHECK(links[i].error == ETIMEDOUT, "%d: %s", i, strerror(links[i].error));
	}
	enforced_clear(&en);
}

/* A socket connects again: what policy had set is not taken for the application's wish. */
static void again(const struct scenario *scenario)
{
	struct link link = {};
	struct enforced en;
	struct sends sends;
	int fd;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, "- {name: one, match: {remote_port: [7000]}, "
			    "set: {syn_retries: 1, syn_rto: 100ms, user_timeout: 5s}}\n"
			    "- {name: two, match: {remote_port: [7001]}, mode: default, "
			    "set: {syn_retries: 3, syn_rto: 100ms, user_timeout: 9s}}\n");
	link_syn(&en, &link, 7000);
	links_await(&en, &link, 1, 10000);
	CHECK(link.error == ETIMEDOUT, "%s", strerror(link.error));
	fd = link.fd;
	for (uint16_t port = 7001; port <= 7002; port++) {
		struct sockaddr none = { .sa_family = AF_UNSPEC };

		MUST(connect(fd, &none, sizeof(none)));
		peer_init(&link.peer, &en.world.tun, en.world.family, port);
		link.error = 0;
		link_syn(&en, &link, port);
		CHECK(option_get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == (port == 7001 ? 9000 : 0),
		      "port %u: TCP_USER_TIMEOUT %d", port,
		      option_get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
		if (port == 7002)
			break;
		links_await(&en, &link, 1, 10000);
		link_sends(&en, &link, SENDS_SYN, 0, &sends);
		CHECK(sends.count == 4, "%zu SYNs", sends.count);
	}
	enforced_clear(&en);
}

/* ---- other programs ---- */

enum { SAME = 0, PARENT = 1, BEFORE = 0, AFTER = 2 };

static void other_program(const struct scenario *scenario)
{
	struct other_sockops other;
	struct link link = {};
	char path[PATH_MAX];
	struct enforced en;
	struct sends sends;
	uint64_t begin;

	enforced_world(&en, scenario);
	/* A world's cgroup has none of ours above it: one more level. */
	snprintf(path, sizeof(path), "%s", en.cgroup.path);
	cgroup_new(&en.cgroup, "leaf");
	cgroup_join(&en.cgroup);
	en.options.cgroup = en.cgroup.name;
	snprintf(path, sizeof(path), "%s", en.cgroup.path);
	if (scenario->arg & PARENT)
		*strrchr(path, '/') = '\0';
	if (!(scenario->arg & AFTER))
		other_sockops_attach(&other, path);
	en.world.peer.sack = false;
	en.world.peer.ts = true;
	enforced_open(&en);
	enforced_apply(&en, "- {name: r, set: {max_retries: 3, rto_min: 20ms}}\n");
	if (scenario->arg & AFTER)
		other_sockops_attach(&other, path);
	link_connect(&en, &link, PORT);
	link_exchange(&en, &link);
	begin = realtime_ns();
	app_send(link.fd, 700);
	links_await(&en, &link, 1, 10000);
	link_sends(&en, &link, SENDS_DATA, begin, &sends);
	CHECK(sends.count == 4 && link.error == ETIMEDOUT, "%zu retransmissions, %s",
	      sends.count - 1, strerror(link.error));
	CHECK(other_sockops_count(&other, BPF_SOCK_OPS_TCP_CONNECT_CB) == 1, "its CONNECT_CB");
	CHECK(other_sockops_count(&other, BPF_SOCK_OPS_RETRANS_CB) == 3, "its RETRANS_CB: %llu",
	      (unsigned long long)other_sockops_count(&other, BPF_SOCK_OPS_RETRANS_CB));
	CHECK(other_sockops_count(&other, BPF_SOCK_OPS_RTT_CB) >= 1, "its RTT_CB");
	enforced_clear(&en);
	/* And on without ours. */
	link = (struct link){};
	link_connect(&en, &link, PORT + 1);
	CHECK(other_sockops_count(&other, BPF_SOCK_OPS_TCP_CONNECT_CB) == 2, "after clear");
}

/* Both ends MPTCP over loopback: the subflow takes the rule. */
static void mptcp(const struct scenario *scenario)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	struct link link = {};
	struct black_hole hole;
	int listener, client, server;
	struct enforced en;
	struct sends sends;
	uint64_t begin;
	char byte = 'x';

	enforced_world(&en, scenario);
	if (sysctl_read("mptcp/enabled") != 1)
		check_skip("no MPTCP here");
	capture_start(&en.world.wire, "lo");
	enforced_open(&en);
	enforced_apply(&en, "- {name: r, match: {direction: connect}, "
			    "set: {max_retries: 3, rto_min: 20ms}}\n");
	black_hole_attach(&hole, &en.cgroup);
	listener = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
	MUST(bind(listener, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(listener, 5));
	MUST(getsockname(listener, (struct sockaddr *)&addr, &len));
	client = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
	MUST(connect(client, (struct sockaddr *)&addr, sizeof(addr)));
	server = MUST(accept(listener, NULL, NULL));
	for (int i = 0; i < 10; i++) {
		CHECK(send(client, &byte, 1, 0) == 1 && recv(server, &byte, 1, 0) == 1, "there");
		CHECK(send(server, &byte, 1, 0) == 1 && recv(client, &byte, 1, 0) == 1, "back");
	}
	sleep_ms(200);
	link.port = app_port(client);
	link.peer.port = ntohs(addr.sin_port);
	black_hole_set(&hole, true);
	begin = realtime_ns();
	CHECK(send(client, &byte, 1, 0) == 1, "send");
	for (int i = 0; i < 500 && !enforced_counters(&en, 0).ended; i++)
		sleep_ms(20);
	CHECK(enforced_counters(&en, 0).ended == 1, "the subflow did not end");
	link_sends(&en, &link, SENDS_DATA, begin, &sends);
	/* The first, a loss probe, three retransmissions. */
	CHECK(sends.count == 4 || sends.count == 5, "%zu packets", sends.count);
	enforced_clear(&en);
	close(server);
}

static const struct scenario scenarios[] = {
	{ "RTO", rto, AF_INET, 0 },
	SCENARIO_BOTH("keepalive", keepalive, 0),
	{ "TCP_SYNCNT", syncnt, AF_INET, 0 },
	SCENARIO_BOTH("user timeout", user_timeout, 0),
	{ "while a stall is ended", armed, AF_INET, 0 },
	{ "a socket that connects again", again, AF_INET6, 0 },
	{ "invalid and long calls", calls, AF_INET, 0 },
	{ "other sock_ops there before", other_program, AF_INET, SAME | BEFORE },
	{ "other sock_ops comes after", other_program, AF_INET6, SAME | AFTER },
	{ "other sock_ops above, there before", other_program, AF_INET6, PARENT | BEFORE },
	{ "other sock_ops above, comes after", other_program, AF_INET, PARENT | AFTER },
	{ "MPTCP", mptcp, AF_INET, 0 },
};

int main(void)
{
	return scenario_main("test_application", scenarios,
			     sizeof(scenarios) / sizeof(scenarios[0]), 14, NULL);
}

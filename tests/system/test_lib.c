// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test library itself, without tcptimer: does the remote TCP make each stall, as `ss` sees it?
 * Receives nothing; what fails here would make every other system test lie.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "../lib/cgroup.h"
#include "../lib/rtnl.h"
#include "../lib/world.h"

static void ss_shows(const char *text)
{
	struct tool ss;

	program_run(&ss, (const char *const[]){ "ss", "-tanoei", NULL });
	CHECK(ss.status == 0, "ss: %s", ss.err.data);
	CHECK(strstr(ss.out.data, text), "no %s in\n%s", text, ss.out.data);
}

static size_t sent_since_mark(struct world *world)
{
	size_t i, count = 0;

	capture_drain(&world->wire);
	for (i = 0; i < world->wire.count; i++)
		count += world->wire.packets[i].out &&
			 world->wire.packets[i].time_ns > world->mark_ns;
	return count;
}

static void retrans(const struct scenario *scenario)
{
	struct world world;
	char backoff[32];
	struct tool ss;
	size_t sent;

	world_start(&world, scenario);
	world.peer.sack = scenario->arg;
	world.peer.ts = scenario->arg;
	world_connect(&world);
	app_send(world.fd, 500);
	world_mark(&world);
	/* Between two retransmissions, the first of which with SACK is a loss probe. */
	do {
		world_run(&world, 100);
		sent = sent_since_mark(&world);
		program_run(&ss, (const char *const[]){ "ss", "-tanoei", NULL });
	} while (sent < 2 + (size_t)scenario->arg || sent != sent_since_mark(&world));
	CHECK(strstr(ss.out.data, "timer:(on,"), "no timer in\n%s", ss.out.data);
	snprintf(backoff, sizeof(backoff), "backoff:%zu", sent - (size_t)scenario->arg);
	CHECK(strstr(ss.out.data, backoff), "no %s in\n%s", backoff, ss.out.data);
	CHECK(app_await_error(world.fd, 5000) == ETIMEDOUT, "no ETIMEDOUT");
}

static void zero_window(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	world.peer.window = 0;
	world_connect(&world);
	world.peer.react = peer_react_full;
	app_send(world.fd, 500);
	world_mark(&world);
	world_run(&world, 1000);
	ss_shows("timer:(persist,");
	CHECK(sent_since_mark(&world) >= 2, "no window probes");
	peer_ack(&world.peer, 65535);
	/* A probe may have left while `ss` ran: it waits in the device before the data. */
	do
		CHECK(peer_next(&world.peer, &world.peer.last, 1000), "no data");
	while (!world.peer.last.len);
	CHECK(world.peer.last.len == 500, "%u bytes", world.peer.last.len);
}

static void silent_syn(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	world_adopt(&world, app_connect(&world.peer));
	world_mark(&world);
	world_run(&world, 1500);
	ss_shows("SYN-SENT");
	CHECK(sent_since_mark(&world) == 1, "no second SYN");
	CHECK(app_await_error(world.fd, 5000) == ETIMEDOUT, "no ETIMEDOUT");
}

static void silent_synack(const struct scenario *scenario)
{
	struct world world;
	uint16_t port;

	world_start(&world, scenario);
	app_listen(scenario->family, &port);
	peer_syn(&world.peer, port);
	world_run(&world, 1500);
	ss_shows("SYN-RECV");
	CHECK(sent_since_mark(&world) == 2, "no second SYN-ACK");
}

static void dead_keepalive(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	world_connect(&world);
	app_set(world.fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	app_set(world.fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	app_set(world.fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
	app_set(world.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	world_mark(&world);
	world_run(&world, 1500);
	ss_shows("timer:(keepalive,");
	CHECK(app_await_error(world.fd, 5000) == ETIMEDOUT, "no ETIMEDOUT");
	CHECK(sent_since_mark(&world) == 3, "two probes and an RST, not %zu",
	      sent_since_mark(&world));
}

static void errors_from_the_peer(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	world_adopt(&world, app_connect(&world.peer));
	CHECK(peer_next(&world.peer, &world.peer.last, 1000), "no SYN");
	peer_unreachable(&world.peer);
	CHECK(app_await_error(world.fd, 1000) == EHOSTUNREACH, "the ICMP error was not believed");
	close(world.fd);
	peer_init(&world.peer, &world.tun, world.family, 7778);
	world_connect(&world);
	peer_send(&world.peer, TCP_RST | TCP_ACK, 0);
	CHECK(app_await_error(world.fd, 1000) == ECONNRESET, "the RST was not believed");
}

static void passive(const struct scenario *scenario)
{
	struct world world;
	uint16_t port;
	int listener;
	char data[64];

	world_start(&world, scenario);
	world.peer.ts = true;
	listener = app_listen(scenario->family, &port);
	peer_connect(&world.peer, port);
	world_adopt(&world, app_accept(listener));
	world.peer.react = peer_react_ack;
	peer_send(&world.peer, TCP_PSH | TCP_ACK, 10);
	sleep_ms(20);
	CHECK(read(world.fd, data, sizeof(data)) == 10, "the peer's bytes did not come");
	app_send(world.fd, 3000);
	world_run(&world, 100);
	ss_shows("bytes_acked:3000");
	peer_send(&world.peer, TCP_FIN | TCP_ACK, 0);
	world_run(&world, 50);
	ss_shows("CLOSE-WAIT");
}

static void hole(const struct scenario *scenario)
{
	static const uint8_t other[4] = { 192, 0, 2, 2 };
	struct cgroup cgroup;
	struct black_hole black_hole;
	struct netns netns;
	struct peer peer;
	struct capture wire;
	int fd;

	(void)scenario;
	netns_enter_new(&netns);
	rtnl_addr_add("lo", AF_INET, other, 24);
	cgroup_new(&cgroup, "a\033[31mb\xff");
	black_hole_attach(&black_hole, &cgroup);
	peer_init(&peer, NULL, AF_INET, 9);
	/* A closed port answers with an RST to the socket that asked. */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };

	memcpy(&addr.sin_addr, other, 4);
	CHECK(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) && errno == ECONNREFUSED, "%s",
	      strerror(errno));
	cgroup_join(&cgroup);
	close(fd);
	capture_start(&wire, "lo");
	black_hole_set(&black_hole, true);
	fd = app_connect(&peer);
	CHECK(app_await_error(fd, 300) == 0, "the RST came through the hole");
	black_hole_set(&black_hole, false);
	CHECK(app_await_error(fd, 3000) == ECONNREFUSED, "the hole stays");
	capture_drain(&wire);
	CHECK(wire.count >= 6, "%zu packets seen", wire.count);
}

static void veth(const struct scenario *scenario)
{
	static const uint8_t here[4] = { 192, 0, 2, 1 }, there[4] = { 192, 0, 2, 2 };
	struct netns first, second;
	struct peer peer;
	uint16_t port;
	int listener, fd;

	(void)scenario;
	netns_enter_new(&first);
	netns_enter_new(&second);
	rtnl_veth_add("v1", "v0", first.fd);
	rtnl_link_up("v1");
	rtnl_addr_add("v1", AF_INET, here, 24);
	listener = app_listen(AF_INET, &port);
	netns_enter(&first);
	rtnl_link_up("v0");
	rtnl_addr_add("v0", AF_INET, there, 24);
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	memcpy(&addr.sin_addr, here, 4);
	fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	close(app_accept(listener));
	peer_init(&peer, NULL, AF_INET, 1);
	rtnl_route_unreachable(AF_INET, (uint8_t[4]){ 198, 51, 100, 0 }, 24);
	rtnl_route_add("v0", AF_INET, (uint8_t[4]){ 203, 0, 113, 0 }, 24, 50);
}

static const struct scenario scenarios[] = {
	SCENARIO_BOTH("retransmissions", retrans, 0),
	SCENARIO_BOTH("retransmissions with SACK and timestamps", retrans, 1),
	SCENARIO_BOTH("zero window", zero_window, 0),
	SCENARIO_BOTH("silent SYN", silent_syn, 0),
	SCENARIO_BOTH("silent SYN-ACK", silent_synack, 0),
	SCENARIO_BOTH("dead keepalive", dead_keepalive, 0),
	SCENARIO_BOTH("errors from the peer", errors_from_the_peer, 0),
	SCENARIO_BOTH("passive connection", passive, 0),
	{ "black hole", hole, AF_INET, 0 },
	{ "veth pair", veth, AF_INET, 0 },
};

int main(void)
{
	return scenario_main("test_lib", scenarios, sizeof(scenarios) / sizeof(scenarios[0]), 8,
			     NULL);
}

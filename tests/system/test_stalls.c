// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How each stall ends other than by its own timer running out: answers, resets, errors, limits, closing.
 * Receives trace's JSON lines and the capture; cause and errno have to be what the application saw.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../lib/cgroup.h"
#include "../lib/rtnl.h"
#include "../lib/world.h"

/* What the test uses to bring a socket into a stall; each waits for the first expiry's line. */
static void stall_retrans(struct world *world)
{
	world->peer.sack = false;
	world_connect(world);
	app_send(world->fd, 700);
	world_mark(world);
	world_await(world, "expired", "retrans", 3000);
}

static void stall_probe0(struct world *world)
{
	world->peer.window = 0;
	world_connect(world);
	app_send(world->fd, 700);
	world_mark(world);
	world_await(world, "expired", "probe0", 3000);
}

static void stall_keepalive(struct world *world)
{
	world_connect(world);
	app_set(world->fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	app_set(world->fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	app_set(world->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	world_mark(world);
	world_await(world, "expired", "keepalive", 3000);
}

static void stall_syn(struct world *world)
{
	world_adopt(world, app_connect(&world->peer));
	world_mark(world);
	world_await(world, "expired", "syn", 3000);
}

static void stall_synack(struct world *world)
{
	uint16_t port;

	world->fd = app_listen(world->family, &port);
	peer_syn(&world->peer, port);
	CHECK(peer_next(&world->peer, &world->peer.last, 1000), "no SYN-ACK");
	world->peer.rcv_nxt = world->peer.last.seq + 1;
	world_mark(world);
	world_await(world, "expired", "synack", 3000);
}

static const struct {
	const char *timer;
	const char *action;
	void (*begin)(struct world *world);
	const char *refused; /* what an RST tells the application */
	int refused_errno;
	int quiet; /* packets before the stall: a first keepalive probe may be answered */
} stalls[] = {
	{ "retrans", "retransmitted", stall_retrans, "ECONNRESET", ECONNRESET },
	{ "probe0", "probed", stall_probe0, "ECONNRESET", ECONNRESET },
	{ "keepalive", "probed", stall_keepalive, "ECONNRESET", ECONNRESET, 1 },
	{ "syn", "retransmitted", stall_syn, "ECONNREFUSED", ECONNREFUSED },
	{ "synack", "retransmitted", stall_synack, NULL, 0 },
};

enum { RETRANS, PROBE0, KEEPALIVE, SYN, SYNACK };

static void begin(struct world *world, const struct scenario *scenario)
{
	world_start(world, scenario);
	world_trace(world, TOOL(NULL));
	stalls[scenario->arg].begin(world);
	/* Well clear of the timer, so that the answer's time is another than the expiry's. */
	world_run(world, 60);
}

/* The answer that each stall waits for. */
static void answer(struct world *world, long stall)
{
	struct packet packet;

	world->answer_ns = realtime_ns();
	switch (stall) {
	case RETRANS:
		world->peer.rcv_nxt += 700;
		peer_ack(&world->peer, 65535);
		break;
	case PROBE0:
		peer_ack(&world->peer, 65535);
		CHECK(peer_next(&world->peer, &packet, 1000) && packet.len == 700, "no data");
		peer_react_ack(&world->peer, &packet);
		break;
	case KEEPALIVE:
	case SYNACK:
		peer_ack(&world->peer, 65535);
		break;
	case SYN:
		peer_answer_syn(&world->peer);
		CHECK(peer_next(&world->peer, &packet, 1000), "no ACK");
		break;
	}
}

static void recovered(const struct scenario *scenario)
{
	/* Opening a window lets data out; answering a SYN brings an ACK. */
	int wire = scenario->arg == PROBE0 || scenario->arg == SYN;
	const char *timer = stalls[scenario->arg].timer;
	int quiet = stalls[scenario->arg].quiet;
	struct world world;

	begin(&world, scenario);
	answer(&world, scenario->arg);
	world_run(&world, 600);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = timer, .n = -1, .quiet = quiet },
		     { "expired", timer, stalls[scenario->arg].action, quiet + 1, NULL, NULL, 1 },
		     { .event = "recovered", .timer = timer, .n = -1, .wire = wire });
}

static void reset_by_peer(const struct scenario *scenario)
{
	const char *timer = stalls[scenario->arg].timer;
	int quiet = stalls[scenario->arg].quiet;
	const char *error = stalls[scenario->arg].refused;
	/* The kernel drops a request without saying why: the cause can't be known. */
	struct step last = { .event = "closed", .n = -1 };
	struct world world;

	if (scenario->arg != SYNACK)
		last = (struct step){
			.event = "reset", .n = -1, .cause = "peer_reset", .error = error
		};

	begin(&world, scenario);
	if (scenario->arg == SYN)
		world.peer.rcv_nxt = world.peer.last.seq + 1;
	peer_send(&world.peer, TCP_RST | TCP_ACK, 0);
	world_run(&world, 100);
	if (error)
		CHECK(app_error(world.fd) == stalls[scenario->arg].refused_errno, "not %s", error);
	world_run(&world, 400);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = timer, .n = -1, .quiet = quiet },
		     { "expired", timer, stalls[scenario->arg].action, quiet + 1, NULL, NULL, 1 },
		     last);
}

enum { HELD, ORPHAN };

/* Told of every socket, one also hears of an RST that comes without a stall: once, as what it is. */
static void reset_in_calm(const struct scenario *scenario)
{
	bool orphan = scenario->arg == ORPHAN;
	struct world world;

	world_start(&world, scenario);
	world_trace(&world, TOOL("-a"));
	world_connect(&world);
	if (orphan) {
		close(world.fd);
		CHECK(peer_next(&world.peer, &world.peer.last, 1000), "no FIN");
	}
	world_mark(&world);
	peer_send(&world.peer, TCP_RST | TCP_ACK, 0);
	world_run(&world, 100);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "reset",
			       .n = -1,
			       .cause = "peer_reset",
			       .error = orphan ? NULL : "ECONNRESET",
			       .calm = true });
}

/* The application gives up: SO_LINGER 0 sends an RST, a plain close() of a SYN_SENT nothing. */
static void reset_by_application(const struct scenario *scenario)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	const char *timer = stalls[scenario->arg].timer;
	int quiet = stalls[scenario->arg].quiet;
	struct world world;

	begin(&world, scenario);
	MUST(setsockopt(world.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close(world.fd);
	world_run(&world, 400);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = timer, .n = -1, .quiet = quiet },
		     { "expired", timer, stalls[scenario->arg].action, quiet + 1, NULL, NULL, 1 },
		     { .event = "reset", .n = -1, .cause = "local_reset", .wire = 1 });
}

static void closed_by_application(const struct scenario *scenario)
{
	struct world world;

	begin(&world, scenario);
	close(world.fd);
	world_run(&world, 400);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = "syn", .n = -1 },
		     { "expired", "syn", "retransmitted", 1, NULL, NULL, 1, false },
		     { .event = "closed", .n = -1, .cause = "closed" });
}

/* An ICMP error ends a SYN_SENT at once, and is only remembered by an established socket. */
static void unreachable(const struct scenario *scenario)
{
	const struct step last = {
		.event = "abort",
		.n = -1,
		.action = "aborted",
		.cause = "unreachable",
		.error = "EHOSTUNREACH",
	};
	struct world world;
	int error;

	begin(&world, scenario);
	world.answer_ns = realtime_ns();
	peer_unreachable(&world.peer);
	world_await(&world, last.event, NULL, 10000);
	error = app_error(world.fd);
	CHECK(error == EHOSTUNREACH, "the application saw %s", strerror(error));
	world_end(&world);
	world_expect_end(&world, &last);
}

/* The route goes away: what the timer does can't leave this host. */
static void no_route(const struct scenario *scenario)
{
	struct world world;
	uint8_t addr[16];

	begin(&world, scenario);
	tun_addr(world.family, true, addr);
	rtnl_route_unreachable(world.family, addr, world.family == AF_INET ? 32 : 128);
	world_await(&world, "abort", "retrans", 10000);
	CHECK(app_error(world.fd) == EHOSTUNREACH, "the application saw something else");
	world_end(&world);
	WORLD_EXPECT(
		&world, { .event = "stall", .timer = "retrans", .n = -1 },
		{ "expired", "retrans", "retransmitted", 1, NULL, NULL, 1, false },
		{ "expired", "retrans", "retransmit_failed", 2, NULL, "EHOSTUNREACH", 0, false },
		{ "expired", "retrans", "retransmit_failed", 3, NULL, "EHOSTUNREACH", 0, false },
		{ "abort", "retrans", "aborted", -1, "unreachable", "EHOSTUNREACH", 0, false });
}

static void user_timeout(const struct scenario *scenario)
{
	const char *timer = stalls[scenario->arg].timer;
	const struct step last = {
		.event = "abort",
		.timer = timer,
		.n = -1,
		.action = "aborted",
		.cause = "user_timeout",
		.error = "ETIMEDOUT",
		.wire = scenario->arg == KEEPALIVE,
	};
	struct world world;
	uint64_t age_ms;

	begin(&world, scenario);
	/* No other limit may come first. */
	sysctl_write("ipv4/tcp_retries2", 15);
	sysctl_write("ipv4/tcp_syn_retries", 6);
	app_set(world.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1200);
	world_await(&world, "abort", timer, 10000);
	CHECK(app_error(world.fd) == ETIMEDOUT, "the application saw something else");
	world_end(&world);
	world_expect_end(&world, &last);
	age_ms = (uint64_t)json_number(world_line(&world, "abort", 0), "stall_ms");
	/* The keepalive timer looks at the idle time, which includes TCP_KEEPIDLE. */
	CHECK(scenario->arg == KEEPALIVE || age_ms >= 1200, "earlier than TCP_USER_TIMEOUT: %llu",
	      (unsigned long long)age_ms);
	CHECK(json_number(world_line(&world, "abort", 0), "user_timeout_ms") == 1200,
	      "user_timeout_ms");
}

static void orphan(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	sysctl_write("ipv4/tcp_orphan_retries", 1);
	world.peer.sack = false;
	world_trace(&world, TOOL(NULL));
	world_connect(&world);
	app_send(world.fd, 700);
	close(world.fd);
	world_mark(&world);
	world_await(&world, "abort", "retrans", 10000);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = "retrans", .n = -1 },
		     { "expired", "retrans", "retransmitted", 1, NULL, NULL, 1, false },
		     { "expired", "retrans", "retransmitted", 2, NULL, NULL, 1, false },
		     { "abort", "retrans", "aborted", -1, "orphan", NULL, 0, false });
	CHECK(json_flag(world_line(&world, "abort", 0), "orphan"), "orphan");
	CHECK(!strcmp(json_text(world_line(&world, "expired", 0), "state"), "fin_wait1"), "state");
}

/* The peer takes its window back while data is out: probes by retransmission, not counted. */
static void shrunk_window(const struct scenario *scenario)
{
	const struct step last = { "abort",         "retrans",   "aborted", -1,
				   "shrunk_window", "ETIMEDOUT", 0,         false };
	struct world world;

	world_start(&world, scenario);
	if (!sysctl_write("ipv4/tcp_rto_max_ms", 1000))
		check_skip("without tcp_rto_max_ms this takes four minutes: held in the guests");
	world.peer.sack = false;
	world_trace(&world, TOOL(NULL));
	world_connect(&world);
	app_send(world.fd, 700);
	world.peer.window = 0;
	peer_send(&world.peer, TCP_PSH | TCP_ACK, 1);
	peer_run(&world.peer, 100); /* the ACK of that byte */
	world_mark(&world);
	world_await(&world, "abort", "retrans", 15000);
	CHECK(app_error(world.fd) == ETIMEDOUT, "the application saw something else");
	world_end(&world);
	world_expect_end(&world, &last);
	CHECK(world_count(&world, "stall", NULL) == 1, "one stall");
}

/* Three segments behind the first are acknowledged: sent again at once, without any timer. */
static void fast_retransmit(const struct scenario *scenario)
{
	struct world world;
	uint32_t first;

	world_start(&world, scenario);
	world_trace(&world, TOOL("-a"));
	world.peer.delay_ms = 200; /* a loss probe waits for two round trips */
	world_connect(&world);
	first = world.peer.rcv_nxt;
	app_send(world.fd, 4000);
	peer_run(&world.peer, 20);
	world_mark(&world);
	peer_sack(&world.peer, first + 1000, first + 4000);
	peer_run(&world.peer, 20);
	world.peer.rcv_nxt = first + 4000;
	peer_ack(&world.peer, 65535);
	world_run(&world, 500);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "retransmit", .n = -1, .wire = 1, .calm = true });
}

/* A deaf cgroup instead of a silent peer: both ends are the kernel's, over loopback. */
static void black_hole(const struct scenario *scenario)
{
	static const uint8_t addr[4] = { 192, 0, 2, 2 };
	struct cgroup cgroup;
	struct black_hole hole;
	struct world world;
	struct peer peer;
	int listener, server, client;
	size_t i;

	world_start(&world, scenario);
	rtnl_addr_add("lo", AF_INET, addr, 32);
	cgroup_new(&cgroup, "deaf");
	cgroup_join(&cgroup);
	black_hole_attach(&hole, &cgroup);
	world_trace(&world, TOOL(NULL));
	peer_init(&peer, NULL, AF_INET, 0);
	listener = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(listen(listener, 5));
	peer.port = app_port(listener);
	client = app_connect(&peer);
	server = app_accept(listener);
	app_send(client, 10);
	sleep_ms(100);
	black_hole_set(&hole, true);
	app_send(client, 10);
	world_await(&world, "expired", "retrans", 3000);
	black_hole_set(&hole, false);
	world_await(&world, "recovered", "retrans", 5000);
	world_end(&world);
	for (i = 0; i < world.trace.count; i++) {
		struct json_object *line = world.trace.lines[i];

		CHECK((uint64_t)json_number(line, "cookie") == app_cookie(client), "cookie: %s",
		      json_object_to_json_string(line));
		CHECK(strcmp(json_text(line, "cgroup"), cgroup.name) == 0, "cgroup is %s, not %s",
		      json_text(line, "cgroup"), cgroup.name);
	}
	CHECK(world_count(&world, "stall", NULL) == 1, "one stall");
	CHECK(world_count(&world, "abort", NULL) == 0, "no abort");
	close(server);
}

static const struct scenario scenarios[] = {
	SCENARIO_BOTH("shrunk window", shrunk_window, 0),
	SCENARIO_BOTH("unreachable while retransmitting", unreachable, RETRANS),
	SCENARIO_BOTH("unreachable while connecting", unreachable, SYN),
	SCENARIO_BOTH("no route", no_route, RETRANS),
	SCENARIO_BOTH("user timeout of retrans", user_timeout, RETRANS),
	SCENARIO_BOTH("user timeout of probe0", user_timeout, PROBE0),
	SCENARIO_BOTH("user timeout of keepalive", user_timeout, KEEPALIVE),
	SCENARIO_BOTH("user timeout of syn", user_timeout, SYN),
	SCENARIO_BOTH("orphan", orphan, 0),
	SCENARIO_BOTH("retrans recovers", recovered, RETRANS),
	SCENARIO_BOTH("probe0 recovers", recovered, PROBE0),
	SCENARIO_BOTH("keepalive recovers", recovered, KEEPALIVE),
	SCENARIO_BOTH("syn recovers", recovered, SYN),
	SCENARIO_BOTH("synack recovers", recovered, SYNACK),
	SCENARIO_BOTH("retrans reset by the peer", reset_by_peer, RETRANS),
	SCENARIO_BOTH("probe0 reset by the peer", reset_by_peer, PROBE0),
	SCENARIO_BOTH("keepalive reset by the peer", reset_by_peer, KEEPALIVE),
	SCENARIO_BOTH("syn reset by the peer", reset_by_peer, SYN),
	SCENARIO_BOTH("synack reset by the peer", reset_by_peer, SYNACK),
	SCENARIO_BOTH("calm, reset by the peer", reset_in_calm, HELD),
	SCENARIO_BOTH("orphan reset by the peer", reset_in_calm, ORPHAN),
	SCENARIO_BOTH("retrans reset by the application", reset_by_application, RETRANS),
	SCENARIO_BOTH("probe0 reset by the application", reset_by_application, PROBE0),
	SCENARIO_BOTH("keepalive reset by the application", reset_by_application, KEEPALIVE),
	SCENARIO_BOTH("syn closed by the application", closed_by_application, SYN),
	SCENARIO_BOTH("fast retransmit", fast_retransmit, 0),
	{ "black hole", black_hole, AF_INET, 0 },
};

int main(void)
{
	return scenario_main("test_stalls", scenarios, sizeof(scenarios) / sizeof(scenarios[0]), 10,
			     "trace.schema.json");
}

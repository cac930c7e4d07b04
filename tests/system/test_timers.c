// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ten timers, each made to fire for real, from arming to its end: does trace tell what the wire shows?
 * Receives trace's JSON lines and the capture; order, counts, times, cause and errno have to agree.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../lib/world.h"

/* arg of the scenarios that can be seen without -a too */
enum { STALLED_ONLY = 0, ALL = 1, NAMED = 2 };

static void start_trace(struct world *world, const struct scenario *scenario, const char *timer)
{
	if (scenario->arg == ALL)
		world_trace(world, TOOL("-a"));
	else if (scenario->arg == NAMED)
		world_trace(world, TOOL("timer", timer));
	else
		world_trace(world, TOOL(NULL));
}

static void timer_syn(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	start_trace(&world, scenario, "syn");
	world_adopt(&world, app_connect(&world.peer));
	world_mark(&world);
	world_await(&world, "abort", "syn", 10000);
	CHECK(app_error(world.fd) == ETIMEDOUT, "the application saw no ETIMEDOUT");
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = "syn", .n = -1 },
		     { "expired", "syn", "retransmitted", 1, NULL, NULL, 1, false },
		     { "abort", "syn", "aborted", -1, "syn_retries", "ETIMEDOUT", 0, false });
}

static void timer_retrans(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	world.peer.sack = false;
	start_trace(&world, scenario, "retrans");
	world_connect(&world);
	app_send(world.fd, 700);
	world_mark(&world);
	world_await(&world, "abort", "retrans", 10000);
	CHECK(app_error(world.fd) == ETIMEDOUT, "the application saw no ETIMEDOUT");
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = "retrans", .n = -1 },
		     { "expired", "retrans", "retransmitted", 1, NULL, NULL, 1, false },
		     { "expired", "retrans", "retransmitted", 2, NULL, NULL, 1, false },
		     { "expired", "retrans", "retransmitted", 3, NULL, NULL, 1, false },
		     { "abort", "retrans", "aborted", -1, "retries", "ETIMEDOUT", 0, false });
	CHECK(json_number(world_line(&world, "expired", 0), "unacked") == 1, "one segment is out");
	CHECK(json_number(world_line(&world, "expired", 2), "retransmits") == 3, "retransmits");
	CHECK(json_number(world_line(&world, "expired", 2), "backoff") == 3, "backoff");
	CHECK(json_number(world_line(&world, "expired", 2), "rto_ms") ==
		      4 * json_number(world_line(&world, "expired", 0), "rto_ms"),
	      "the RTO did not double twice");
}

static void timer_loss_probe(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	world.peer.ts = true;
	start_trace(&world, scenario, "loss_probe");
	world_connect(&world);
	app_send(world.fd, 700);
	world_mark(&world);
	if (scenario->arg == NAMED) {
		world_run(&world, 350);
		peer_run(&world.peer, 10);
		world.peer.rcv_nxt += 700;
		peer_ack(&world.peer, 65535);
		world_run(&world, 500);
		world_end(&world);
		WORLD_EXPECT(&world, { "expired", "loss_probe", "probed", 1, NULL, NULL, 1, true });
		return;
	}
	world_await(&world, "abort", "retrans", 10000);
	world_end(&world);
	WORLD_EXPECT(&world, { "expired", "loss_probe", "probed", 1, NULL, NULL, 1, true },
		     { .event = "stall", .timer = "retrans", .n = -1 },
		     { "expired", "retrans", "retransmitted", 1, NULL, NULL, 1, false },
		     { "expired", "retrans", "retransmitted", 2, NULL, NULL, 1, false },
		     { "expired", "retrans", "retransmitted", 3, NULL, NULL, 1, false },
		     { "abort", "retrans", "aborted", -1, "retries", "ETIMEDOUT", 0, false });
}

/* A round trip of 200 ms, two segments out, the second selectively acknowledged. */
static void timer_reo_timeout(const struct scenario *scenario)
{
	struct world world;
	struct packet packet;
	uint32_t first;

	world_start(&world, scenario);
	world.peer.delay_ms = 200;
	start_trace(&world, scenario, "reo_timeout");
	world_connect(&world);
	first = world.peer.rcv_nxt;
	app_send(world.fd, 2000);
	CHECK(peer_next(&world.peer, &packet, 1000) && packet.len == 1000, "no first segment");
	CHECK(peer_next(&world.peer, &packet, 1000) && packet.len == 1000, "no second segment");
	world_mark(&world);
	sleep_ms(200);
	peer_sack(&world.peer, first + 1000, first + 2000);
	CHECK(peer_next(&world.peer, &packet, 1000) && packet.seq == first, "no retransmission");
	world.peer.rcv_nxt = first + 2000;
	peer_ack(&world.peer, 65535);
	world_run(&world, 800);
	world_end(&world);
	WORLD_EXPECT(&world, { "expired", "reo_timeout", "recovering", -1, NULL, NULL, 1, true });
}

static void timer_probe0(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	world.peer.window = 0;
	start_trace(&world, scenario, "probe0");
	world_connect(&world);
	app_send(world.fd, 700);
	world_mark(&world);
	world_await(&world, "abort", "probe0", 10000);
	CHECK(app_error(world.fd) == ETIMEDOUT, "the application saw no ETIMEDOUT");
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = "probe0", .n = -1 },
		     { "expired", "probe0", "probed", 1, NULL, NULL, 1, false },
		     { "expired", "probe0", "probed", 2, NULL, NULL, 1, false },
		     { "abort", "probe0", "aborted", -1, "probe0", "ETIMEDOUT", 0, false });
	CHECK(json_number(world_line(&world, "expired", 1), "probes_out") == 2, "probes_out");
	CHECK(json_number(world_line(&world, "expired", 1), "unacked") == 0, "nothing is out");
}

static void timer_keepalive(const struct scenario *scenario)
{
	struct json_object *line;
	struct world world;

	world_start(&world, scenario);
	start_trace(&world, scenario, "keepalive");
	world_connect(&world);
	app_set(world.fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	app_set(world.fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	app_set(world.fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
	app_set(world.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	world_mark(&world);
	world_await(&world, "abort", "keepalive", 10000);
	CHECK(app_error(world.fd) == ETIMEDOUT, "the application saw no ETIMEDOUT");
	world_end(&world);
	/* The first probe may be answered, and is no stall until an RTO has passed. */
	if (scenario->arg == STALLED_ONLY)
		WORLD_EXPECT(&world,
			     { .event = "stall", .timer = "keepalive", .n = -1, .quiet = 1 },
			     { "expired", "keepalive", "probed", 2, NULL, NULL, 1 },
			     { "abort", "keepalive", "aborted", -1, "keepalive", "ETIMEDOUT", 1 });
	else
		WORLD_EXPECT(&world,
			     { "expired", "keepalive", "probed", 1, NULL, NULL, 1, .calm = true },
			     { .event = "stall", .timer = "keepalive", .n = -1 },
			     { "expired", "keepalive", "probed", 2, NULL, NULL, 1 },
			     { "abort", "keepalive", "aborted", -1, "keepalive", "ETIMEDOUT", 1 });
	line = world_line(&world, "expired", 0);
	CHECK(json_flag(line, "keepalive.enabled"), "keepalive.enabled");
	CHECK(json_number(line, "keepalive.idle_ms") == 1000, "keepalive.idle_ms");
	CHECK(json_number(line, "keepalive.interval_ms") == 1000, "keepalive.interval_ms");
	CHECK(json_number(line, "keepalive.probes") == 2, "keepalive.probes");
}

static void timer_delack(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	start_trace(&world, scenario, "delack");
	world_connect(&world);
	app_set(world.fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	world_mark(&world);
	peer_send(&world.peer, TCP_PSH | TCP_ACK, 10);
	world_run(&world, 600);
	world_end(&world);
	if (scenario->arg == STALLED_ONLY)
		CHECK(world.trace.count == 0, "a calm connection's timer was told");
	else
		WORLD_EXPECT(&world, { "expired", "delack", "acked", -1, NULL, NULL, 1, true });
}

static void timer_synack(const struct scenario *scenario)
{
	struct world world;
	uint16_t port;

	world_start(&world, scenario);
	start_trace(&world, scenario, "synack");
	app_listen(scenario->family, &port);
	peer_syn(&world.peer, port);
	world_mark(&world);
	world_await(&world, "abort", "synack", 10000);
	world_end(&world);
	WORLD_EXPECT(&world, { .event = "stall", .timer = "synack", .n = -1 },
		     { "expired", "synack", "retransmitted", 1, NULL, NULL, 1, false },
		     { "abort", "synack", NULL, -1, "synack_retries", NULL, 0, false });
	CHECK(strcmp(json_text(world_line(&world, "expired", 0), "state"), "syn_recv") == 0,
	      "state");
}

/* The application closed, the peer took the FIN and never sends its own. */
static void go_fin_wait2(struct world *world)
{
	close(world->fd);
	world->peer.react = peer_react_ack;
	world_run(world, 100);
	world_mark(world);
}

static void timer_fin_wait2(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	sysctl_write("ipv4/tcp_fin_timeout", 1);
	start_trace(&world, scenario, "fin_wait2");
	world_connect(&world);
	go_fin_wait2(&world);
	world_await(&world, "closed", "fin_wait2", 8000);
	world_end(&world);
	WORLD_EXPECT(&world, { "closed", "fin_wait2", "ended", -1, "fin_wait2", NULL, 0, true });
}

/* Longer than a minute: the socket's own timer first, then the mini-socket for the rest. */
static void timer_fin_wait2_long(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	start_trace(&world, scenario, "fin_wait2");
	world_connect(&world);
	app_set(world.fd, IPPROTO_TCP, TCP_LINGER2, 61);
	go_fin_wait2(&world);
	world_run(&world, 3000);
	world_end(&world);
	WORLD_EXPECT(&world, { "expired", "fin_wait2", "handed_over", -1, NULL, NULL, 0, true },
		     { "closed", "fin_wait2", "ended", -1, "fin_wait2", NULL, 0, true });
}

static void timer_timewait(const struct scenario *scenario)
{
	struct world world;
	struct json_object *line;
	uint64_t since_ns;

	world_start(&world, scenario);
	start_trace(&world, scenario, "timewait");
	world_connect(&world);
	go_fin_wait2(&world);
	peer_send(&world.peer, TCP_FIN | TCP_ACK, 0);
	since_ns = realtime_ns();
	world_run(&world, 100);
	world_mark(&world);
	world_await(&world, "closed", "timewait", 70000);
	world_end(&world);
	WORLD_EXPECT(&world, { "closed", "timewait", "ended", -1, "closed", NULL, 0, true });
	line = world_line(&world, "closed", 0);
	CHECK(json_time_ns(line) > since_ns + 60 * NSEC_PER_SEC, "before its minute was over");
	CHECK(strcmp(json_text(line, "state"), "time_wait") == 0, "state");
}

static const struct scenario scenarios[] = {
	SCENARIO_BOTH("timewait", timer_timewait, ALL),
	SCENARIO_BOTH("timewait, named", timer_timewait, NAMED),
	SCENARIO_BOTH("synack", timer_synack, ALL),
	SCENARIO_BOTH("synack, stalled only", timer_synack, STALLED_ONLY),
	SCENARIO_BOTH("syn", timer_syn, ALL),
	SCENARIO_BOTH("syn, stalled only", timer_syn, STALLED_ONLY),
	SCENARIO_BOTH("retrans", timer_retrans, ALL),
	SCENARIO_BOTH("retrans, stalled only", timer_retrans, STALLED_ONLY),
	SCENARIO_BOTH("keepalive", timer_keepalive, ALL),
	SCENARIO_BOTH("keepalive, stalled only", timer_keepalive, STALLED_ONLY),
	SCENARIO_BOTH("probe0", timer_probe0, ALL),
	SCENARIO_BOTH("probe0, stalled only", timer_probe0, STALLED_ONLY),
	SCENARIO_BOTH("loss_probe", timer_loss_probe, ALL),
	SCENARIO_BOTH("loss_probe, named", timer_loss_probe, NAMED),
	SCENARIO_BOTH("fin_wait2", timer_fin_wait2, ALL),
	SCENARIO_BOTH("fin_wait2 over a minute", timer_fin_wait2_long, ALL),
	SCENARIO_BOTH("reo_timeout", timer_reo_timeout, ALL),
	SCENARIO_BOTH("reo_timeout, named", timer_reo_timeout, NAMED),
	SCENARIO_BOTH("delack", timer_delack, ALL),
	SCENARIO_BOTH("delack, named", timer_delack, NAMED),
	SCENARIO_BOTH("delack, stalled only", timer_delack, STALLED_ONLY),
};

int main(void)
{
	return scenario_main("test_timers", scenarios, sizeof(scenarios) / sizeof(scenarios[0]), 10,
			     "trace.schema.json");
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many timers at one moment: a usual ring buffer takes them all, a tiny one says how many it lost, or grows.
 * Receives trace's JSON lines and the capture; what was on the wire is told or counted.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "../lib/world.h"
#include "growing.h"

#define SOCKETS 200

static void connect_all(struct world *world)
{
	struct peer peer;
	uint16_t i;

	for (i = 0; i < SOCKETS; i++) {
		peer_init(&peer, &world->tun, world->family, (uint16_t)(20000 + i));
		app_connect(&peer);
	}
	world_mark(world);
}

static size_t count_sent(struct world *world)
{
	size_t i, count = 0;

	capture_drain(&world->wire);
	for (i = 0; i < world->wire.count; i++)
		count += world->wire.packets[i].out &&
			 world->wire.packets[i].time_ns > world->mark_ns;
	return count;
}

static int64_t count_lost(const struct world *world)
{
	int64_t lost = 0;
	size_t i;

	for (i = 0; i < world->trace.count; i++)
		if (strcmp(json_text(world->trace.lines[i], "event"), "lost") == 0)
			lost += json_number(world->trace.lines[i], "lost");
	return lost;
}

static void burst(const struct scenario *scenario)
{
	struct world world;
	size_t sent;

	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	world_trace(&world, TOOL(NULL));
	connect_all(&world);
	world_run(&world, 4500);
	world_end(&world);
	sent = count_sent(&world);
	CHECK(sent == SOCKETS, "%zu second SYNs on the wire", sent);
	CHECK(count_lost(&world) == 0, "lost %lld", (long long)count_lost(&world));
	CHECK(world_count(&world, "stall", "syn") == SOCKETS, "%zu stalls",
	      world_count(&world, "stall", "syn"));
	CHECK(world_count(&world, "expired", "syn") == SOCKETS, "%zu expiries",
	      world_count(&world, "expired", "syn"));
	CHECK(world_count(&world, "abort", "syn") == SOCKETS, "%zu aborts",
	      world_count(&world, "abort", "syn"));
}

/* The reader stands still while the timers fire; its ring holds a handful of records. */
static void tiny_ring(const struct scenario *scenario)
{
	size_t sent, told;
	struct world world;
	int64_t lost;

	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	world_trace(&world, TOOL("-a", "--ring-size", "4096", "--"));
	connect_all(&world);
	kill(world.trace.pid, SIGSTOP);
	peer_run(&world.peer, 1300);
	kill(world.trace.pid, SIGCONT);
	world_run(&world, 3200);
	world_end(&world);
	sent = count_sent(&world);
	CHECK(sent == SOCKETS, "%zu second SYNs on the wire", sent);
	told = world_count(&world, "expired", "syn") + world_count(&world, "abort", "syn");
	lost = count_lost(&world);
	CHECK(lost > 0 && told < 2 * SOCKETS, "nothing lost: the test did not test (told %zu)",
	      told);
	/* Other namespaces' events may be among the lost. */
	CHECK(told + (size_t)lost >= 2 * SOCKETS, "%d expiries, told %zu, lost %lld", 2 * SOCKETS,
	      told, (long long)lost);
	CHECK(strstr(world.trace.err.data, "lost"), "the summary is silent: %s",
	      world.trace.err.data);
}

/* A ring of seven records is too small for the first timers; by the second ones it is not. */
static void growing_ring(const struct scenario *scenario)
{
	struct growing *ring;
	struct world world;
	int i;

	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	world_trace(&world, TOOL(NULL));
	ring = growing_open(strtoul(world.netns_text, NULL, 10), 4096);
	CHECK(ring, "the trace programs do not load");
	connect_all(&world);
	for (i = 0; i < 80; i++) {
		peer_run(&world.peer, 50);
		growing_consume(ring);
	}
	CHECK(growing_bytes(ring) >= SOCKETS * 528, "it has %u bytes", growing_bytes(ring));
	CHECK(growing_second_syns(ring) == SOCKETS, "%zu second SYNs told",
	      growing_second_syns(ring));
	growing_close(ring);
	world_end(&world);
}

static const struct scenario scenarios[] = {
	SCENARIO_BOTH("burst", burst, 0),
	{ "tiny ring", tiny_ring, AF_INET, 0 },
	{ "growing ring", growing_ring, AF_INET, 0 },
};

int main(void)
{
	return scenario_main("test_loss", scenarios, sizeof(scenarios) / sizeof(scenarios[0]), 3,
			     "trace.schema.json");
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers that expire while a process holds the socket: the kernel puts them off, trace has to say so.
 * Receives trace's JSON lines and the capture; nothing may be told as sent that was not on the wire.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "../lib/slow.h"
#include "../lib/world.h"

static bool line_is(struct json_object *line, const char *timer, const char *action)
{
	return strcmp(json_text(line, "timer"), timer) == 0 &&
	       strcmp(json_text(line, "action"), action) == 0;
}

static size_t lines_before(const struct world *world, const char *timer, const char *action,
			   uint64_t before_ns)
{
	size_t i, count = 0;

	for (i = 0; i < world->trace.count; i++)
		count += json_time_ns(world->trace.lines[i]) + NSEC_PER_MSEC < before_ns &&
			 line_is(world->trace.lines[i], timer, action);
	return count;
}

/* Nothing but `deferred` may be told of that timer before the lock was released. */
static void check_only_deferred(const struct world *world, const char *timer, uint64_t released_ns)
{
	size_t i;

	for (i = 0; i < world->trace.count; i++) {
		struct json_object *line = world->trace.lines[i];

		/* The printed time is cut off after its milliseconds. */
		if (json_time_ns(line) + NSEC_PER_MSEC >= released_ns)
			break;
		CHECK(line_is(line, timer, "deferred"), "told while the socket was held: %s",
		      json_object_to_json_string(line));
		CHECK(strcmp(json_text(line, "event"), "expired") == 0, "event: %s",
		      json_object_to_json_string(line));
	}
	for (i = 0; i < world->wire.count; i++)
		CHECK(!world->wire.packets[i].out ||
			      world->wire.packets[i].time_ns <= world->mark_ns ||
			      world->wire.packets[i].time_ns >= released_ns,
		      "something was sent while the socket was held");
}

/* Retransmissions of that byte after ns. */
static const struct packet *find_sent(const struct world *world, uint32_t seq, uint64_t after_ns)
{
	size_t i;

	for (i = 0; i < world->wire.count; i++) {
		const struct packet *packet = &world->wire.packets[i];

		if (packet->out && packet->seq == seq && packet->time_ns > after_ns)
			return packet;
	}
	return NULL;
}

/* The byte after the last one that this host sent. */
static uint32_t sent_up_to(struct world *world)
{
	uint32_t end = world->peer.rcv_nxt;
	size_t i;

	capture_drain(&world->wire);
	for (i = 0; i < world->wire.count; i++) {
		const struct packet *packet = &world->wire.packets[i];

		if (packet->out && (int32_t)(packet->seq + packet->len - end) > 0)
			end = packet->seq + packet->len;
	}
	return end;
}

static void deferred_retrans(const struct scenario *scenario)
{
	const struct packet *packet;
	struct slow_send slow;
	struct world world;
	uint64_t released_ns;
	uint32_t first;
	size_t i, told = 0;

	world_start(&world, scenario);
	world.peer.sack = false;
	world_trace(&world, TOOL("-a"));
	world_connect(&world);
	first = world.peer.rcv_nxt;
	app_send(world.fd, 100);
	slow_send_start(&slow, world.fd);
	world_mark(&world);
	world_run(&world, 600);
	released_ns = realtime_ns();
	slow_send_end(&slow);
	world_run(&world, 100);
	world.peer.rcv_nxt = sent_up_to(&world);
	peer_ack(&world.peer, 65535);
	world_run(&world, 300);
	world_end(&world);

	check_only_deferred(&world, "retrans", released_ns);
	CHECK(lines_before(&world, "retrans", "deferred", released_ns) == 1,
	      "deferred once, told %zu", lines_before(&world, "retrans", "deferred", released_ns));
	packet = find_sent(&world, first, world.mark_ns);
	CHECK(packet, "the handler never ran for the socket's owner");
	CHECK(!find_sent(&world, first, packet->time_ns), "retransmitted more than once");
	for (i = 0; i < world.trace.count; i++) {
		struct json_object *line = world.trace.lines[i];
		uint64_t time_ns = json_time_ns(line);

		if (strcmp(json_text(line, "event"), "retransmit") != 0)
			continue;
		told++;
		CHECK(time_ns + world_tolerance_ns(time_ns) >= packet->time_ns &&
			      time_ns <= packet->time_ns + world_tolerance_ns(time_ns),
		      "the late retransmission has another time: %s",
		      json_object_to_json_string(line));
	}
	CHECK(told == 1, "the late retransmission is told %zu times", told);
}

static void deferred_keepalive(const struct scenario *scenario)
{
	struct slow_send slow;
	struct world world;
	uint64_t released_ns;
	size_t count;

	world_start(&world, scenario);
	world.peer.react = peer_react_ack;
	world_trace(&world, TOOL("-a", "timer", "keepalive"));
	world_connect(&world);
	app_set(world.fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	app_set(world.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	slow_send_start(&slow, world.fd);
	world_mark(&world);
	world_run(&world, 1500);
	released_ns = realtime_ns();
	slow_send_end(&slow);
	world_run(&world, 300);
	world_end(&world);

	check_only_deferred(&world, "keepalive", released_ns);
	/* The kernel tries again each HZ/20: 50 to 64 ms in its wheel, in the half second that is left. */
	count = lines_before(&world, "keepalive", "deferred", released_ns);
	CHECK(count >= 3 && count <= 11, "deferred %zu times", count);
	CHECK(world_count(&world, "stall", NULL) == 0, "a stall was told, but no probe was sent");
}

static void deferred_delack(const struct scenario *scenario)
{
	struct slow_send slow;
	struct world world;
	uint64_t released_ns;

	world_start(&world, scenario);
	world.peer.react = peer_react_ack;
	world_trace(&world, TOOL("-a", "timer", "delack"));
	world_connect(&world);
	app_set(world.fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	peer_send(&world.peer, TCP_PSH | TCP_ACK, 10);
	slow_send_start(&slow, world.fd);
	world_mark(&world);
	world_run(&world, 300);
	released_ns = realtime_ns();
	slow_send_end(&slow);
	world_run(&world, 300);
	world_end(&world);

	check_only_deferred(&world, "delack", released_ns);
	CHECK(lines_before(&world, "delack", "deferred", released_ns) == 1,
	      "deferred once, told %zu", lines_before(&world, "delack", "deferred", released_ns));
}

static const struct scenario scenarios[] = {
	SCENARIO_BOTH("deferred retrans", deferred_retrans, 0),
	SCENARIO_BOTH("deferred keepalive", deferred_keepalive, 0),
	SCENARIO_BOTH("deferred delack", deferred_delack, 0),
};

int main(void)
{
	return scenario_main("test_deferred", scenarios, sizeof(scenarios) / sizeof(scenarios[0]),
			     8, "trace.schema.json");
}

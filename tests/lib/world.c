// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a scenario from the harness and sets its world up; keeps peer, wire and trace going.
 * Hands the test lines and packets; prints both when a check fails.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/socket.h>
#include "world.h"

#define PEER_PORT 7777
#define SLICE_MS 20

static void world_print(void *arg)
{
	struct world *world = arg;

	fprintf(stderr, "  netns %u, cookie %llu, marked at %llu.%06llu\n", world->netns.inode,
		(unsigned long long)world->cookie,
		(unsigned long long)(world->mark_ns / NSEC_PER_SEC % 100000),
		(unsigned long long)(world->mark_ns / 1000 % 1000000));
	if (world->trace.pid && world->trace.status < 0)
		trace_stop(&world->trace);
	trace_print(&world->trace);
	capture_drain(&world->wire);
	capture_print(&world->wire);
}

void world_start(struct world *ret_world, const struct scenario *scenario)
{
	memset(ret_world, 0, sizeof(*ret_world));
	ret_world->family = scenario->family ? scenario->family : AF_INET;
	ret_world->fd = -1;
	netns_enter_new(&ret_world->netns);
	snprintf(ret_world->netns_text, sizeof(ret_world->netns_text), "%u",
		 ret_world->netns.inode);
	sysctl_write("ipv4/tcp_retries2", 2);
	sysctl_write("ipv4/tcp_syn_retries", 1);
	sysctl_write("ipv4/tcp_syn_linear_timeouts", 0);
	sysctl_write("ipv4/tcp_synack_retries", 1);
	tun_open(&ret_world->tun);
	capture_start(&ret_world->wire, ret_world->tun.name);
	peer_init(&ret_world->peer, &ret_world->tun, ret_world->family, PEER_PORT);
	noise_start();
	check_on_fail(world_print, ret_world);
}

void world_trace(struct world *world, const char *const *words)
{
	const char *all[16] = { NULL };
	size_t i;

	for (i = 0; words[i]; i++)
		all[i] = words[i];
	if (i && all[i - 1][0] != '-')
		all[i++] = "and";
	all[i++] = "netns";
	all[i] = world->netns_text;
	trace_start(&world->trace, all);
}

void world_adopt(struct world *world, int fd)
{
	world->fd = fd;
	world->cookie = app_cookie(fd);
}

void world_connect(struct world *world)
{
	world_adopt(world, app_connect(&world->peer));
	peer_accept(&world->peer);
	CHECK(app_error(world->fd) == 0, "connect failed");
}

void world_mark(struct world *world)
{
	world->mark_ns = realtime_ns();
}

void world_run(struct world *world, unsigned int ms)
{
	uint64_t end_ns = realtime_ns() + ms * NSEC_PER_MSEC, now_ns;

	while ((now_ns = realtime_ns()) < end_ns) {
		uint64_t left = (end_ns - now_ns) / NSEC_PER_MSEC + 1;

		peer_run(&world->peer, left < SLICE_MS ? (unsigned int)left : SLICE_MS);
		if (world->trace.pid)
			trace_pump(&world->trace, 0);
	}
}

void world_await(struct world *world, const char *event, const char *timer, unsigned int max_ms)
{
	uint64_t end_ns = realtime_ns() + max_ms * NSEC_PER_MSEC;

	while (!world_count(world, event, timer)) {
		CHECK(realtime_ns() < end_ns, "no %s of %s within %u ms", event,
		      timer ? timer : "any timer", max_ms);
		world_run(world, SLICE_MS);
	}
}

bool line_is_stale(struct json_object *line)
{
	return strcmp(json_text(line, "event"), "expired") == 0 &&
	       strcmp(json_text(line, "action"), "none") == 0 &&
	       strcmp(json_text(line, "timer"), "(null)") == 0;
}

void world_end(struct world *world)
{
	size_t i, kept = 0;

	trace_stop(&world->trace);
	capture_drain(&world->wire);
	/* What is left out of the steps; the schema test has seen these lines, too. */
	for (i = 0; i < world->trace.count; i++)
		if (!line_is_stale(world->trace.lines[i]))
			world->trace.lines[kept++] = world->trace.lines[i];
	world->trace.count = kept;
}

size_t world_count(const struct world *world, const char *event, const char *timer)
{
	size_t i, count = 0;

	for (i = 0; i < world->trace.count; i++) {
		struct json_object *line = world->trace.lines[i];

		if (strcmp(json_text(line, "event"), event) == 0 &&
		    (!timer || strcmp(json_text(line, "timer"), timer) == 0))
			count++;
	}
	return count;
}

struct json_object *world_line(struct world *world, const char *event, size_t k)
{
	size_t i;

	for (i = 0; i < world->trace.count; i++)
		if (strcmp(json_text(world->trace.lines[i], "event"), event) == 0 && k-- == 0)
			return world->trace.lines[i];
	FAIL("no such %s line", event);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives rules and connections to make from tests.
 * Hands rules to user/kernel/enforce.c as the daemon does; hands tests the packets that left.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "enforced.h"
#include "pins.h"
#include "policy/policy_yaml.h"

void enforced_cgroup(struct enforced *ret_enforced)
{
	memset(ret_enforced, 0, sizeof(*ret_enforced));
	cgroup_new(&ret_enforced->cgroup, NULL);
	cgroup_join(&ret_enforced->cgroup);
	pins_path(ret_enforced->pin_dir, sizeof(ret_enforced->pin_dir));
	ret_enforced->options = (struct enforce_options){ .pin_dir = ret_enforced->pin_dir,
							  .cgroup = ret_enforced->cgroup.name };
}

void enforced_world(struct enforced *ret_enforced, const struct scenario *scenario)
{
	enforced_cgroup(ret_enforced);
	ret_enforced->options.cgroup = ret_enforced->cgroup.name;
	world_start(&ret_enforced->world, scenario);
	sysctl_write("ipv4/tcp_retries2", 15);
	sysctl_write("ipv4/tcp_syn_retries", 6);
	sysctl_write("ipv4/tcp_synack_retries", 5);
}

void enforced_open(struct enforced *en)
{
	int err = enforce_open(&en->options, &en->enforce);

	CHECK(!err, "enforce_open: %s", enforce_error());
	/* A callback that this kernel left out is no fault of policy: once more, when that is proven. */
	check_fail_status = CHECK_EXIT_FAIL_TRACED;
}

void enforced_close(struct enforced *en)
{
	enforce_close(en->enforce);
	en->enforce = NULL;
}

int enforced_try(struct enforced *en, const char *rules)
{
	struct policy_report report = {};
	struct policy policy = {};
	char *text;
	int err;

	CHECK(asprintf(&text, "version: 1\nrules:\n%s", rules) > 0, "no memory");
	err = policy_read(&policy, "test.yaml", text, strlen(text), &report);
	CHECK(!err, "policy: %s\n%s", report.count ? report.findings[0].text : "", text);
	err = enforce_apply(en->enforce, &policy, text, strlen(text), &en->pass);
	policy_free(&policy);
	policy_report_free(&report);
	free(text);
	return err;
}

void enforced_apply(struct enforced *en, const char *rules)
{
	int err = enforced_try(en, rules);

	CHECK(!err, "enforce_apply: %s", enforce_error());
}

void enforced_clear(struct enforced *en)
{
	bool was = false;
	int err;

	if (en->enforce)
		enforced_close(en);
	err = enforce_clear(&en->options, &en->pass, &was);
	CHECK(!err, "enforce_clear: %s", enforce_error());
	CHECK(was, "nothing was there to clear");
	CHECK(access(en->pin_dir, F_OK) && errno == ENOENT, "%s is still there", en->pin_dir);
}

struct tcptimer_policy_counters enforced_counters(struct enforced *en, size_t rule)
{
	struct tcptimer_policy_counters counters;

	CHECK(!enforce_counters(en->enforce, rule, &counters), "%s", enforce_error());
	return counters;
}

/* ---- connections ---- */

static void link_init(struct enforced *en, struct link *link, uint16_t peer_port)
{
	bool sack = en->world.peer.sack, ts = en->world.peer.ts;

	memset(link, 0, sizeof(*link));
	peer_init(&link->peer, &en->world.tun, en->world.family, peer_port);
	link->peer.sack = sack;
	link->peer.ts = ts;
}

void link_socket(struct enforced *en, struct link *link, uint16_t peer_port)
{
	link_init(en, link, peer_port);
	link->fd = app_socket(en->world.family);
}

void link_syn(struct enforced *en, struct link *link, uint16_t peer_port)
{
	if (!link->fd)
		link_socket(en, link, peer_port);
	app_connect_socket(link->fd, &link->peer);
	link->port = app_port(link->fd);
	link->peer.kernel_port = link->port;
}

void link_connect(struct enforced *en, struct link *link, uint16_t peer_port)
{
	link_syn(en, link, peer_port);
	peer_accept(&link->peer);
	CHECK(app_error(link->fd) == 0, "connect failed");
}

void link_accept(struct enforced *en, struct link *link, uint16_t peer_port, int listener)
{
	link_init(en, link, peer_port);
	peer_connect(&link->peer, app_port(listener));
	link->fd = app_accept(listener);
	link->port = app_port(listener);
}

void link_exchange(struct enforced *en, struct link *link)
{
	struct packet packet;

	(void)en;
	app_send(link->fd, 100);
	do {
		CHECK(peer_next(&link->peer, &packet, 5000), "no data");
	} while (!packet.len || packet.seq != link->peer.rcv_nxt);
	peer_react_ack(&link->peer, &packet);
}

static bool links_ended(struct link *links, size_t count)
{
	size_t i, ended = 0;

	for (i = 0; i < count; i++) {
		struct pollfd pollfd = { .fd = links[i].fd };

		if (!links[i].error && poll(&pollfd, 1, 0) == 1) {
			links[i].error = app_error(links[i].fd);
			links[i].error_ns = realtime_ns();
		}
		ended += links[i].error != 0;
	}
	return ended == count;
}

static bool links_step(struct enforced *en, struct link *links, size_t count)
{
	struct packet packet;

	while (tun_read(&en->world.tun, &packet, 0))
		;
	sleep_ms(2);
	capture_drain(&en->world.wire);
	return links_ended(links, count);
}

void links_run(struct enforced *en, struct link *links, size_t count, unsigned int ms)
{
	uint64_t end_ns = realtime_ns() + ms * NSEC_PER_MSEC;

	while (realtime_ns() < end_ns)
		links_step(en, links, count);
}

void links_await(struct enforced *en, struct link *links, size_t count, unsigned int max_ms)
{
	uint64_t end_ns = realtime_ns() + max_ms * NSEC_PER_MSEC;

	while (!links_step(en, links, count))
		CHECK(realtime_ns() < end_ns, "not all have ended within %u ms", max_ms);
}

static bool sends_kind(const struct packet *packet, enum sends_kind kind)
{
	switch (kind) {
	case SENDS_DATA:
		return packet->len > 0;
	case SENDS_SYN:
		return packet->flags == TCP_SYN;
	case SENDS_SYNACK:
		return packet->flags == (TCP_SYN | TCP_ACK);
	case SENDS_PROBE:
		return packet->flags == TCP_ACK && !packet->len;
	}
	return false;
}

void link_sends(struct enforced *en, const struct link *link, enum sends_kind kind,
		uint64_t from_ns, struct sends *ret_sends)
{
	size_t i;

	ret_sends->count = 0;
	capture_drain(&en->world.wire);
	for (i = 0; i < en->world.wire.count; i++) {
		const struct packet *packet = &en->world.wire.packets[i];

		if (!packet->out || packet->time_ns < from_ns || packet->src_port != link->port ||
		    packet->dst_port != link->peer.port || !sends_kind(packet, kind))
			continue;
		CHECK(ret_sends->count < 64, "more than 64 packets");
		ret_sends->at_ns[ret_sends->count++] = packet->time_ns;
	}
}

int option_get(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	MUST(getsockopt(fd, level, option, &value, &len));
	return value;
}

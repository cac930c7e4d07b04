// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each setting of a rule, on the wire: on connections made and accepted under it, and on older ones.
 * Receives packets and errno; connections that no rule takes go their old way beside them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../lib/enforced.h"

#define PORT 7000

enum how { CONNECTED, ACCEPTED, OLDER, OLDER_BY_PROCESS, OLDER_BY_MOUNT };

/* One connection of its own each; the peer's port is PORT + its number. */
enum { USER_TIMEOUT, RTO_MIN, RTO_MAX, THIN, KEEPALIVE, NONE, LINKS };

static const char rules[] =
	"- {name: user-timeout, match: {remote_port: [7000]}, set: {user_timeout: 700ms}}\n"
	"- {name: rto-min, match: {remote_port: [7001]}, set: {rto_min: 20ms}}\n"
	"- {name: rto-max, match: {remote_port: [7002]}, set: {rto_max: 1s}}\n"
	"- {name: thin, match: {remote_port: [7003]}, set: {thin_linear_timeouts: true}}\n"
	"- {name: keepalive, match: {remote_port: [7004]}, "
	"set: {keepalive: {enable: true, idle: 1s, interval: 1s, probes: 2}}}\n";

static uint64_t gap_ms(const struct sends *sends, size_t i)
{
	CHECK(i < sends->count, "only %zu packets with data", sends->count);
	return (sends->at_ns[i] - sends->at_ns[i - 1]) / NSEC_PER_MSEC;
}

/*
 * A timer is never early. By jiffies, the wheel, and a machine that is busy it comes later: half as
 * much again is still told from the doubled time that it would be without a rule.
 */
static uint64_t late_ms(const struct sends *sends, size_t i, uint64_t set_ms)
{
	return set_ms + set_ms / 2 + 16 +
	       noise_worst(sends->at_ns[i - 1], sends->at_ns[i]) / NSEC_PER_MSEC;
}

#define CHECK_GAP(sends, i, set_ms)                                                                \
	CHECK(gap_ms(sends, i) + 5 >= (uint64_t)(set_ms) &&                                        \
		      gap_ms(sends, i) <= late_ms(sends, i, set_ms),                               \
	      "retransmission %d came after %llu ms, not %d", (int)(i),                            \
	      (unsigned long long)gap_ms(sends, i), (int)(set_ms))

static void check_data(struct enforced *en, struct link *links, uint64_t begin, bool rto_max)
{
	struct sends sends;

	link_sends(en, &links[USER_TIMEOUT], SENDS_DATA, begin, &sends);
	CHECK(links[USER_TIMEOUT].error == ETIMEDOUT, "user_timeout: %s",
	      strerror(links[USER_TIMEOUT].error));
	CHECK(sends.count == 3, "user_timeout 700ms: %zu retransmissions", sends.count - 1);
	link_sends(en, &links[RTO_MIN], SENDS_DATA, begin, &sends);
	CHECK_GAP(&sends, 1, 20);
	CHECK_GAP(&sends, 2, 40);
	link_sends(en, &links[THIN], SENDS_DATA, begin, &sends);
	for (size_t i = 1; i <= 6; i++)
		CHECK_GAP(&sends, i, 200);
	link_sends(en, &links[NONE], SENDS_DATA, begin, &sends);
	for (size_t i = 1; i <= 4; i++)
		CHECK_GAP(&sends, i, 100 << i);
	CHECK(!links[NONE].error, "without a rule: %s", strerror(links[NONE].error));
	if (!rto_max)
		return;
	link_sends(en, &links[RTO_MAX], SENDS_DATA, begin, &sends);
	CHECK_GAP(&sends, 3, 800);
	CHECK_GAP(&sends, 4, 1000);
	CHECK_GAP(&sends, 5, 1000);
	CHECK(!links[RTO_MAX].error, "rto_max: %s", strerror(links[RTO_MAX].error));
}

static void check_keepalive(struct enforced *en, struct link *link, uint64_t begin)
{
	struct sends sends;

	link_sends(en, link, SENDS_PROBE, begin, &sends);
	CHECK(sends.count == 2, "keepalive: %zu probes", sends.count);
	CHECK(sends.at_ns[1] - sends.at_ns[0] < 2 * NSEC_PER_SEC, "keepalive: interval");
	CHECK(link->error == ETIMEDOUT, "keepalive: %s", strerror(link->error));
}

static void all_connect(struct enforced *en, struct link *links, enum how how)
{
	int listener = -1;
	uint16_t port;

	if (how == ACCEPTED)
		listener = app_listen(en->world.family, &port);
	for (int i = 0; i < LINKS; i++)
		if (how == ACCEPTED)
			link_accept(en, &links[i], (uint16_t)(PORT + i), listener);
		else
			link_connect(en, &links[i], (uint16_t)(PORT + i));
}

/*
 * The application's namespace is left, so that only what is said holds it. The file system that it is
 * mounted in is this process' own, and goes with it.
 */
static pid_t leave_netns(enum how how)
{
	pid_t holder = 0, parent = getpid();
	struct netns other;

	if (how == OLDER_BY_MOUNT) {
		MUST(unshare(CLONE_NEWNS));
		MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		MUST(mount("tcptimer-test", "/tmp", "tmpfs", 0, NULL));
		close(MUST(open("/tmp/netns", O_CREAT | O_RDONLY | O_CLOEXEC, 0600)));
		MUST(mount("/proc/thread-self/ns/net", "/tmp/netns", NULL, MS_BIND, NULL));
	} else if (how == OLDER_BY_PROCESS) {
		holder = MUST(fork());
		if (!holder) {
			die_with_parent(parent);
			pause();
			_exit(0);
		}
	} else {
		return 0;
	}
	netns_enter_new(&other);
	return holder;
}

/* The same policy once more: no socket changes, nothing is counted anew. */
static void apply_again(struct enforced *en)
{
	struct tcptimer_policy_counters before[5], after;

	for (size_t i = 0; i < 5; i++)
		before[i] = enforced_counters(en, i);
	enforced_apply(en, rules);
	CHECK(en->pass.changed == 0, "%llu sockets changed by the same policy",
	      (unsigned long long)en->pass.changed);
	for (size_t i = 0; i < 5; i++) {
		after = enforced_counters(en, i);
		CHECK(!memcmp(&before[i], &after, sizeof(after)), "rule %zu counts anew", i);
		CHECK(after.sockets == 1, "rule %zu took %llu sockets", i,
		      (unsigned long long)after.sockets);
		CHECK(after.refused == 0 || i == RTO_MAX, "rule %zu: refused, errno %d", i,
		      after.refused_err);
	}
}

static void settings(const struct scenario *scenario)
{
	bool rto_max = sysctl_read("ipv4/tcp_rto_max_ms") >= 0;
	enum how how = (enum how)scenario->arg;
	struct link links[LINKS] = {};
	struct enforce_state state;
	struct enforced en;
	uint64_t idle, begin;
	pid_t holder;

	enforced_world(&en, scenario);
	en.world.peer.sack = false; /* no loss probes */
	enforced_open(&en);
	if (how >= OLDER) {
		all_connect(&en, links, how);
		holder = leave_netns(how);
		enforced_apply(&en, rules);
		CHECK(en.pass.changed == (rto_max ? LINKS - 1U : LINKS - 2U),
		      "%llu sockets changed", (unsigned long long)en.pass.changed);
	} else {
		enforced_apply(&en, rules);
		all_connect(&en, links, how);
		holder = 0;
	}
	apply_again(&en);
	idle = realtime_ns();
	for (int i = 0; i < LINKS; i++)
		if (i != KEEPALIVE)
			link_exchange(&en, &links[i]);
	/* The least RTO went into the variance: it comes down by a quarter each round trip. */
	for (int i = 0; how != CONNECTED && i < 24; i++)
		link_exchange(&en, &links[RTO_MIN]);
	begin = realtime_ns();
	for (int i = 0; i < LINKS; i++)
		if (i != KEEPALIVE)
			app_send(links[i].fd, 700);
	links_run(&en, links, LINKS, rto_max ? 4600 : 3500);
	check_data(&en, links, begin, rto_max);
	links_await(&en, &links[KEEPALIVE], 1, 10000);
	check_keepalive(&en, &links[KEEPALIVE], idle);
	CHECK(!enforce_state(en.enforce, &state), "state");
	/* Before 6.12 no callback tells of the end of sockets that are older. */
	for (size_t i = 0; i < 5 && (how < OLDER || state.max_retries_old); i++)
		CHECK(enforced_counters(&en, i).ended == (i == USER_TIMEOUT || i == KEEPALIVE),
		      "rule %zu ended %llu", i,
		      (unsigned long long)enforced_counters(&en, i).ended);
	enforced_clear(&en);
	if (holder) {
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
	}
}

/* ---- the handshake ---- */

static void syn(const struct scenario *scenario)
{
	struct link links[3] = {};
	struct enforced en;
	struct sends sends;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, "- {name: a, match: {remote_port: [7000]}, set: {syn_retries: 2, "
			    "syn_rto: 200ms}}\n"
			    "- {name: b, match: {remote_port: [7001]}, set: {syn_retries: 1}}\n");
	for (int i = 0; i < 3; i++)
		link_syn(&en, &links[i], (uint16_t)(PORT + i));
	links_await(&en, links, 2, 20000);
	link_sends(&en, &links[0], SENDS_SYN, 0, &sends);
	CHECK(sends.count == 3, "syn_retries 2: %zu SYNs", sends.count);
	CHECK_GAP(&sends, 1, 200);
	CHECK_GAP(&sends, 2, 400);
	CHECK(links[0].error == ETIMEDOUT, "%s", strerror(links[0].error));
	link_sends(&en, &links[1], SENDS_SYN, 0, &sends);
	CHECK(sends.count == 2, "syn_retries 1: %zu SYNs", sends.count);
	CHECK_GAP(&sends, 1, 1000);
	CHECK(links[1].error == ETIMEDOUT, "%s", strerror(links[1].error));
	link_sends(&en, &links[2], SENDS_SYN, 0, &sends);
	CHECK(!app_error(links[2].fd) && sends.count >= 2, "without a rule");
	CHECK_GAP(&sends, 1, 1000);
	CHECK(enforced_counters(&en, 0).ended == 1, "ended");
	enforced_clear(&en);
}

/* connect() is on its way when the policy comes. */
static void syn_older(const struct scenario *scenario)
{
	struct link links[2] = {};
	struct enforced en;
	struct sends sends;

	enforced_world(&en, scenario);
	link_syn(&en, &links[0], PORT);
	link_syn(&en, &links[1], PORT + 1);
	enforced_open(&en);
	enforced_apply(&en, "- {name: a, match: {remote_port: [7000]}, set: {syn_retries: 1}}\n");
	CHECK(en.pass.changed == 1, "changed %llu", (unsigned long long)en.pass.changed);
	links_await(&en, links, 1, 20000);
	link_sends(&en, &links[0], SENDS_SYN, 0, &sends);
	CHECK(sends.count == 2 && links[0].error == ETIMEDOUT, "%zu SYNs, %s", sends.count,
	      strerror(links[0].error));
	CHECK(!app_error(links[1].fd), "the other one ended, too");
	enforced_clear(&en);
}

static void synack(const struct scenario *scenario)
{
	int listener;
	struct link links[2] = {};
	struct enforced en;
	struct sends sends;
	uint16_t port;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, "- {name: a, match: {direction: accept, remote_port: [7000]}, "
			    "set: {syn_rto: 200ms}}\n");
	listener = app_listen(en.world.family, &port);
	for (int i = 0; i < 2; i++) {
		peer_init(&links[i].peer, &en.world.tun, en.world.family, (uint16_t)(PORT + i));
		links[i].port = port;
		links[i].fd = listener;
		peer_syn(&links[i].peer, port);
	}
	links_run(&en, links, 2, 2200);
	link_sends(&en, &links[0], SENDS_SYNACK, 0, &sends);
	CHECK_GAP(&sends, 1, 200);
	CHECK_GAP(&sends, 2, 400);
	link_sends(&en, &links[1], SENDS_SYNACK, 0, &sends);
	CHECK_GAP(&sends, 1, 1000);
	enforced_clear(&en);
}

/* ---- delayed ACKs ---- */

/* When the ACK of what the peer sends leaves, in an exchange that goes to and fro. */
static uint64_t ack_delay_ms(struct enforced *en, struct link *link)
{
	struct packet packet;
	uint64_t sent;

	link_exchange(en, link); /* it answers: the kernel holds ACKs back from now on */
	app_set(link->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	sent = realtime_ns();
	peer_send(&link->peer, TCP_ACK | TCP_PSH, 10);
	do {
		CHECK(peer_next(&link->peer, &packet, 5000), "no ACK");
	} while (packet.ack != link->peer.snd_nxt);
	capture_drain(&en->world.wire);
	for (size_t i = en->world.wire.count; i-- > 0;)
		if (en->world.wire.packets[i].out &&
		    en->world.wire.packets[i].src_port == link->port)
			return (en->world.wire.packets[i].time_ns - sent) / NSEC_PER_MSEC;
	FAIL("no ACK on the wire");
}

/* The least that the kernel holds an ACK back is 40 ms: less is policy's. Some of several tries. */
static void delack(const struct scenario *scenario)
{
	uint64_t with = UINT64_MAX, without = UINT64_MAX, ms;
	struct link links[2] = {};
	struct enforced en;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, "- {name: a, match: {remote_port: [7000]}, set: {delack_max: 10ms}}\n");
	link_connect(&en, &links[0], PORT);
	link_connect(&en, &links[1], PORT + 1);
	for (int i = 0; i < 20; i++) {
		ms = ack_delay_ms(&en, &links[0]);
		with = ms < with ? ms : with;
		ms = ack_delay_ms(&en, &links[1]);
		without = ms < without ? ms : without;
	}
	CHECK(without >= 35, "without a rule ACKs are held back %llu ms",
	      (unsigned long long)without);
	CHECK(with >= 4 && with < 30, "delack_max 10ms: %llu ms", (unsigned long long)with);
	enforced_clear(&en);
}

/* ---- many connections: in the table of sockets some find their place taken ---- */

#define CROWD 1500

static void crowd_open(int fds[2], const struct sockaddr_in *addr, int listener)
{
	fds[0] = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(fds[0], (const struct sockaddr *)addr, sizeof(*addr)));
	fds[1] = MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

static void crowd_close(int fds[2])
{
	const struct linger reset = { .l_onoff = 1 };

	MUST(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
	close(fds[0]);
	close(fds[1]);
}

static void crowd_check(int (*fds)[2], int wanted)
{
	int i, end, value;

	for (i = 0; i < CROWD; i++)
		for (end = 0; end < 2; end++) {
			value = option_get(fds[i][end], IPPROTO_TCP, TCP_USER_TIMEOUT);
			CHECK(value == wanted, "%d.%d has %d, not %d", i, end, value, wanted);
		}
}

/* Each has the rule once, and each is put back: also those at the addresses of sockets that are gone. */
static void crowd(const struct scenario *scenario)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static int fds[CROWD][2];
	socklen_t len = sizeof(addr);
	struct enforced en;
	int i, listener;

	MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 4 * CROWD, 4 * CROWD }));
	enforced_world(&en, scenario);
	listener = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(bind(listener, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(listener, 5));
	MUST(getsockname(listener, (struct sockaddr *)&addr, &len));
	enforced_open(&en);
	enforced_apply(&en, "- {name: all, set: {user_timeout: 5s}}\n");
	for (i = 0; i < CROWD; i++)
		crowd_open(fds[i], &addr, listener);
	crowd_check(fds, 5000);
	for (i = 0; i < CROWD; i += 2)
		crowd_close(fds[i]);
	for (i = 0; i < CROWD; i += 2)
		crowd_open(fds[i], &addr, listener);
	crowd_check(fds, 5000);
	CHECK(enforced_counters(&en, 0).sockets == 3 * CROWD, "the rule took %llu sockets",
	      (unsigned long long)enforced_counters(&en, 0).sockets);
	enforced_apply(&en, "- {name: all, set: {user_timeout: 6s}}\n");
	crowd_check(fds, 6000);
	enforced_clear(&en);
	crowd_check(fds, 0);
}

static const struct scenario scenarios[] = {
	SCENARIO_BOTH("settings at connect", settings, CONNECTED),
	SCENARIO_BOTH("settings at accept", settings, ACCEPTED),
	SCENARIO_BOTH("settings of older connections", settings, OLDER),
	{ "in a namespace held by a process", settings, AF_INET, OLDER_BY_PROCESS },
	{ "in a namespace held by a mount", settings, AF_INET6, OLDER_BY_MOUNT },
	SCENARIO_BOTH("SYN", syn, 0),
	{ "SYN under way", syn_older, AF_INET, 0 },
	SCENARIO_BOTH("SYN-ACK", synack, 0),
	{ "delayed ACK", delack, AF_INET, 0 },
	{ "many connections", crowd, AF_INET, 0 },
};

int main(void)
{
	return scenario_main("test_enforce", scenarios, sizeof(scenarios) / sizeof(scenarios[0]),
			     14, NULL);
}

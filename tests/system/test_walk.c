// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stalled sockets found without locks beside those that the iterator finds, field by field.
 * Receives both readings of the same crowd; they differ in nothing but the moment.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../lib/enforced.h"
#include "../lib/world.h"
#include "crowd.h"
#include "reads.h"
#include "tcptimer/stall.h"

#define ROUNDS 10
#define TIMERS 16  /* more than enum tcptimer_timer has */
#define MANY 600   /* more than one run of the walk has room for, in one bucket */
#define CHURNS 100 /* readings while connections come and go */

static void take(struct reads *reads, bool unlocked, bool cookies, const struct world *world)
{
	int err = reads_take(reads, unlocked, cookies, world ? world->netns_text : NULL);

	CHECK(!err, "reading: %s", strerror(-err));
	CHECK(reads->walked == unlocked, "the walk did not load");
	CHECK(reads->visited >= 1, "no namespace");
}

/* What is the same at any moment, as long as nothing happens to the socket. */
static struct tcptimer_snapshot timeless(const struct tcptimer_snapshot *snap)
{
	struct tcptimer_snapshot s = *snap;

	s.now_jiffies = 0;
	s.now_ns = 0;
	/* Whether the iterator, or anybody, has it locked. */
	s.flags &= ~TCPTIMER_F_OWNED;
	return s;
}

static bool same(const struct tcptimer_snapshot *a, const struct tcptimer_snapshot *b)
{
	struct tcptimer_snapshot x = timeless(a), y = timeless(b);

	return !memcmp(&x, &y, sizeof(x));
}

static void tell(const struct tcptimer_snapshot *a, const struct tcptimer_snapshot *b)
{
	struct tcptimer_snapshot x = timeless(a), y = timeless(b);
	size_t i;

	for (i = 0; i < sizeof(x); i++)
		if (((uint8_t *)&x)[i] != ((uint8_t *)&y)[i])
			fprintf(stderr, "byte %zu: %u, walked %u\n", i, ((uint8_t *)&x)[i],
				((uint8_t *)&y)[i]);
}

/*
 * Sockets that are the same before and after are the same in between, and there once; nothing else is
 * there but what was there before or after. Counts those compared by timer and family.
 */
static void compare(const struct reads *before, const struct reads *walked,
		    const struct reads *after, unsigned int ret_seen[TIMERS][2])
{
	const struct tcptimer_snapshot *a, *b, *c;
	size_t i;

	for (i = 0; i < before->count; i++) {
		size_t found;

		a = &before->snaps[i];
		reads_find(after, a->sk, &c);
		if (!c || !same(a, c))
			continue;
		found = reads_find(walked, a->sk, &b);
		CHECK(found == 1, "found %zu times: state %u", found, a->state);
		if (!same(a, b))
			tell(a, b);
		CHECK(same(a, b), "differs: state %u, port %u", a->state, a->local_port);
		ret_seen[tcptimer_stall_timer(a)][a->family == AF_INET6]++;
	}
	for (i = 0; i < walked->count; i++)
		CHECK(reads_find(before, walked->snaps[i].sk, &a) ||
			      reads_find(after, walked->snaps[i].sk, &c),
		      "only walked: state %u", walked->snaps[i].state);
}

static void round_of(const struct world *world, unsigned int ret_seen[TIMERS][2])
{
	struct reads before, walked, after;

	take(&before, false, true, world);
	take(&walked, true, true, world);
	take(&after, false, true, world);
	compare(&before, &walked, &after, ret_seen);
	reads_free(&before);
	reads_free(&walked);
	reads_free(&after);
}

static const enum tcptimer_timer stall_timers[] = {
	TCPTIMER_TIMER_SYN,    TCPTIMER_TIMER_SYNACK,    TCPTIMER_TIMER_RETRANS,
	TCPTIMER_TIMER_PROBE0, TCPTIMER_TIMER_KEEPALIVE,
};

/* A timer of which too few sockets were compared; NULL: enough of all. */
static const char *lacking(unsigned int seen[TIMERS][2])
{
	size_t i;

	for (i = 0; i < sizeof(stall_timers) / sizeof(stall_timers[0]); i++)
		if (seen[stall_timers[i]][0] < CROWD_EACH / 2 ||
		    seen[stall_timers[i]][1] < CROWD_EACH / 2)
			return tcptimer_timer_name(stall_timers[i]);
	return NULL;
}

/* Probed since a second ago, without an answer. */
static void make_keepalive(struct world *world)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct peer peer;
	int i, fd;

	for (i = 0; i < 2 * CROWD_EACH; i++) {
		peer_init(&peer, &world->tun, families[i % 2], (uint16_t)(20000 + i));
		fd = app_established(&peer);
		app_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
		app_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
		app_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	}
}

static void compare_crowd(struct world *world)
{
	unsigned int seen[TIMERS][2] = { 0 }, round;

	check_on_fail(NULL, NULL);
	make_keepalive(world);
	crowd_make(&world->tun);
	world_run(world, 3300);
	for (round = 0; round < ROUNDS && lacking(seen); round++) {
		round_of(world, seen);
		world_run(world, 300);
	}
	CHECK(!lacking(seen), "too few sockets compared of %s", lacking(seen));
}

static void walk_crowd(const struct scenario *scenario)
{
	struct world world;

	world_start(&world, scenario);
	compare_crowd(&world);
}

/* Namespaces made from here get tables of that many buckets. */
static void own_tables(const struct scenario *scenario, long buckets)
{
	struct world outer;

	world_start(&outer, scenario);
	if (!sysctl_write("ipv4/tcp_child_ehash_entries", buckets))
		check_skip("no tcp_child_ehash_entries on this kernel");
}

static void walk_own_table(const struct scenario *scenario)
{
	struct world world;

	own_tables(scenario, scenario->arg);
	world_start(&world, scenario);
	CHECK(sysctl_read("ipv4/tcp_ehash_entries") == scenario->arg, "%ld buckets",
	      sysctl_read("ipv4/tcp_ehash_entries"));
	compare_crowd(&world);
}

/* ret_fds may be NULL. */
static void connect_many(struct world *world, int *ret_fds, unsigned int count)
{
	struct peer peer;
	unsigned int i;
	int fd;

	sysctl_write("ipv4/tcp_syn_retries", 6);
	for (i = 0; i < count; i++) {
		peer_init(&peer, &world->tun, AF_INET, (uint16_t)(10000 + i));
		fd = app_connect(&peer);
		if (ret_fds)
			ret_fds[i] = fd;
	}
}

/* One bucket, and far more in it than a run has room for. */
static void walk_one_bucket(const struct scenario *scenario)
{
	const struct tcptimer_snapshot *snap;
	struct reads walked;
	struct world world;
	size_t i;

	own_tables(scenario, 1);
	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	connect_many(&world, NULL, MANY);
	world_run(&world, 1500);
	take(&walked, true, false, &world);
	CHECK(walked.count == MANY, "%zu of %d", walked.count, MANY);
	for (i = 0; i < walked.count; i++)
		CHECK(reads_find(&walked, walked.snaps[i].sk, &snap) == 1, "twice");
}

/* Over all namespaces at once: of one that shares the host's table, and of one that has its own. */
static void walk_namespaces(const struct scenario *scenario)
{
	const struct tcptimer_snapshot *snap;
	struct world shared, own;
	struct reads all, one;
	size_t i;
	pid_t pid;

	world_start(&shared, scenario);
	check_on_fail(NULL, NULL);
	connect_many(&shared, NULL, 20);
	if (!sysctl_write("ipv4/tcp_child_ehash_entries", 16))
		check_skip("no tcp_child_ehash_entries on this kernel");
	pid = MUST(fork()); /* stays in the first namespace, which can be found by it */
	if (!pid) {
		pause();
		_exit(0);
	}
	world_start(&own, scenario);
	connect_many(&own, NULL, 30);
	world_run(&own, 1500);
	take(&all, true, false, NULL);
	take(&one, true, false, &shared);
	CHECK(one.count == 20, "%zu in the first", one.count);
	for (i = 0; i < one.count; i++)
		CHECK(reads_find(&all, one.snaps[i].sk, &snap) == 1, "not once in all");
	take(&one, true, false, &own);
	CHECK(one.count == 30, "%zu in the second", one.count);
	for (i = 0; i < one.count; i++)
		CHECK(reads_find(&all, one.snaps[i].sk, &snap) == 1, "not once in all");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Nobody is in the first one any more: as with the iterator, nothing of it is shown. */
	take(&all, true, false, NULL);
	for (i = 0; i < all.count; i++)
		CHECK(all.snaps[i].netns != shared.netns.inode, "of a namespace that nobody is in");
}

/* Whoever asks for cookies gets them, also of sockets that had none. */
static void walk_cookies(const struct scenario *scenario)
{
	struct reads with;
	struct world world;
	size_t i, k, found;
	int fds[20];

	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	connect_many(&world, fds, 20);
	world_run(&world, 1500);
	take(&with, true, true, &world);
	CHECK(with.count == 20, "%zu", with.count);
	for (i = 0; i < 20; i++) {
		for (k = found = 0; k < with.count; k++)
			found += with.snaps[k].cookie == app_cookie(fds[i]);
		CHECK(found == 1, "a cookie found %zu times", found);
	}
}

/* Connections to itself, as fast as it can, until it is killed. */
static void churn(void)
{
	uint16_t port;
	int listener = app_listen(AF_INET, &port);
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	MUST(getsockname(listener, (struct sockaddr *)&addr, &len));
	for (;;) {
		struct linger reset = { .l_onoff = 1 };
		int fd = MUST(socket(AF_INET, SOCK_STREAM, 0)), accepted;

		if (!connect(fd, (struct sockaddr *)&addr, len)) {
			accepted = accept(listener, NULL, NULL);
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(accepted);
		}
		close(fd);
	}
}

/* In a table of so few buckets each chain changes all the time; who is stalled is there, once. */
static void walk_churn(const struct scenario *scenario)
{
	const struct tcptimer_snapshot *snap;
	struct reads first, walked;
	struct world world;
	unsigned int round;
	pid_t pid;
	size_t i;

	own_tables(scenario, scenario->arg);
	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	connect_many(&world, NULL, 100);
	world_run(&world, 1500);
	take(&first, false, true, &world);
	CHECK(first.count == 100, "%zu", first.count);
	pid = MUST(fork());
	if (!pid) {
		die_with_parent(getppid());
		churn();
	}
	for (round = 0; round < CHURNS; round++) {
		take(&walked, true, false, &world);
		for (i = 0; i < first.count; i++)
			CHECK(reads_find(&walked, first.snaps[i].sk, &snap) == 1,
			      "not once, in round %u", round);
		reads_free(&walked);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Whose rule it is, and what that rule has changed, is read past the kernel's own functions. */
static void walk_policy(const struct scenario *scenario)
{
	unsigned int seen[TIMERS][2] = { 0 }, round;
	struct reads walked;
	struct enforced en;
	size_t i;

	enforced_world(&en, scenario);
	setenv("TCPTIMER_PIN_DIR", en.pin_dir, 1);
	enforced_open(&en);
	enforced_apply(&en, "- {name: slow, set: {user_timeout: 60s, syn_retries: 4}}\n");
	connect_many(&en.world, NULL, 20);
	world_run(&en.world, 1500);
	take(&walked, true, true, &en.world);
	CHECK(walked.count == 20, "%zu", walked.count);
	for (i = 0; i < walked.count; i++)
		CHECK(walked.snaps[i].policy & TCPTIMER_POLICY_SYN_RETRIES, "policy %#x",
		      walked.snaps[i].policy);
	for (round = 0; round < ROUNDS && seen[TCPTIMER_TIMER_SYN][0] < 10; round++) {
		round_of(&en.world, seen);
		world_run(&en.world, 300);
	}
	CHECK(seen[TCPTIMER_TIMER_SYN][0] >= 10, "%u compared", seen[TCPTIMER_TIMER_SYN][0]);
	enforced_clear(&en);
}

static const struct scenario scenarios[] = {
	{ "the walk agrees with the iterator", walk_crowd, 0, 0 },
	{ "a namespace's own table", walk_own_table, 0, 16 },
	{ "a table of two blocks", walk_own_table, 0, 128 },
	{ "one bucket with more than there is room for", walk_one_bucket, 0, 0 },
	{ "several namespaces, one with its own table", walk_namespaces, 0, 0 },
	{ "cookies", walk_cookies, 0, 0 },
	{ "connections that come and go, one bucket", walk_churn, 0, 1 },
	{ "connections that come and go, 16 buckets", walk_churn, 0, 16 },
	{ "a policy", walk_policy, 0, 0 },
};

int main(void)
{
	return scenario_main("test_walk", scenarios, sizeof(scenarios) / sizeof(scenarios[0]), 3,
			     NULL);
}

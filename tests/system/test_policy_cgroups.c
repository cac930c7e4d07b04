// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rule takes a connection: by address, port, direction and cgroup, as cgroups come and go.
 * Receives SYNs: each rule sends its second one after a time of its own, so the wire tells the rule.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../lib/enforced.h"

#define RTO_NONE 1000 /* ms: TCP_TIMEOUT_INIT */

/* ---- matching ---- */

static const char match_rules[] =
	"- {name: port, match: {remote_port: [7000, 7100-7110]}, set: {syn_rto: 100ms}}\n"
	"- {name: local, match: {local_port: [4000-4001]}, set: {syn_rto: 150ms}}\n"
	"- {name: net, match: {remote: [192.0.2.0/30]}, set: {syn_rto: 250ms}}\n"
	"- {name: six, match: {remote: [\"2001:db8::4/126\"], direction: connect}, "
	"set: {syn_rto: 400ms}}\n"
	"- {name: accepted, match: {direction: accept, remote_port: [8000]}, "
	"set: {syn_rto: 100ms}}\n"
	"- {name: any6, match: {remote: [\"::/0\"], remote_port: [9000]}, set: {syn_rto: 600ms}}\n";

static const struct {
	int family;
	const char *remote;
	uint16_t remote_port, local_port;
	unsigned int rto_ms;
} matches[] = {
	{ AF_INET, "192.0.2.2", 7000, 0, 100 }, /* first match: its network's rule comes later */
	{ AF_INET, "192.0.2.2", 7001, 0, 250 },
	{ AF_INET, "192.0.2.9", 7001, 0, RTO_NONE },
	{ AF_INET, "192.0.2.9", 7100, 0, 100 },
	{ AF_INET, "192.0.2.9", 7110, 0, 100 },
	{ AF_INET, "192.0.2.9", 7111, 0, RTO_NONE },
	{ AF_INET, "192.0.2.9", 7099, 0, RTO_NONE },
	{ AF_INET, "192.0.2.2", 7002, 4000, 150 },
	{ AF_INET, "192.0.2.2", 7002, 4002, 250 },
	{ AF_INET6, "2001:db8::5", 7001, 0, 400 },
	{ AF_INET6, "2001:db8::7", 7001, 0, 400 },
	{ AF_INET6, "2001:db8::8", 7001, 0, RTO_NONE },
	{ AF_INET6, "2001:db8::8", 7000, 0, 100 },
	{ AF_INET6, "::ffff:192.0.2.2", 7003, 0, 250 }, /* IPv4, whatever the socket is called */
	{ AF_INET6, "::ffff:192.0.2.9", 9000, 0, RTO_NONE },
	{ AF_INET6, "2001:db8::9", 9000, 0, 600 },
	{ AF_INET, "192.0.2.9", 9000, 0, RTO_NONE },
	{ AF_INET6, "2001:db8::9", 8000, 0, RTO_NONE }, /* a connect(), not accepted */
};
#define MATCHES (sizeof(matches) / sizeof(matches[0]))

static void connect_to(struct link *link, int family, const char *remote, uint16_t port,
		       uint16_t local_port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) }, own6 = {};
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) }, own = {};
	bool v4 = family == AF_INET;
	int one = 1;

	link->fd = MUST(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	link->peer.port = port;
	if (local_port) {
		own.sin_family = AF_INET;
		own6.sin6_family = AF_INET6;
		own.sin_port = own6.sin6_port = htons(local_port);
		MUST(setsockopt(link->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		MUST(bind(link->fd, v4 ? (void *)&own : (void *)&own6,
			  v4 ? sizeof(own) : sizeof(own6)));
	}
	CHECK(inet_pton(family, remote, v4 ? (void *)&in.sin_addr : (void *)&in6.sin6_addr) == 1,
	      "address %s", remote);
	CHECK(connect(link->fd, v4 ? (void *)&in : (void *)&in6, v4 ? sizeof(in) : sizeof(in6)) &&
		      errno == EINPROGRESS,
	      "connect to %s: %s", remote, strerror(errno));
	link->port = app_port(link->fd);
}

/* Between the first SYN and the second: never sooner than the rule's time, nor half as late again. */
static void check_syn(struct enforced *en, const struct link *link, unsigned int rto_ms,
		      const char *what)
{
	struct sends sends;
	uint64_t gap;

	link_sends(en, link, SENDS_SYN, 0, &sends);
	CHECK(sends.count >= 2, "%s: no second SYN", what);
	gap = (sends.at_ns[1] - sends.at_ns[0]) / NSEC_PER_MSEC;
	CHECK(gap + 5 >= rto_ms &&
		      gap <= rto_ms + rto_ms / 4 + 8 +
				      noise_worst(sends.at_ns[0], sends.at_ns[1]) / NSEC_PER_MSEC,
	      "%s: second SYN after %llu ms, not %u", what, (unsigned long long)gap, rto_ms);
}

static void matching(const struct scenario *scenario)
{
	struct link links[MATCHES] = {};
	struct enforced en;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, match_rules);
	for (size_t i = 0; i < MATCHES; i++)
		connect_to(&links[i], matches[i].family, matches[i].remote, matches[i].remote_port,
			   matches[i].local_port);
	links_run(&en, links, MATCHES, 1400);
	for (size_t i = 0; i < MATCHES; i++)
		check_syn(&en, &links[i], matches[i].rto_ms, matches[i].remote);
	CHECK(enforced_counters(&en, 0).sockets == 4 && enforced_counters(&en, 2).sockets == 3 &&
		      enforced_counters(&en, 4).sockets == 0,
	      "counters");
	enforced_clear(&en);
}

/* As many rules as there may be: the last takes what is its own. */
static void many_rules(const struct scenario *scenario)
{
	static char rules[65536];
	struct link links[4] = {};
	struct enforced en;
	size_t used = 0;

	enforced_world(&en, scenario);
	enforced_open(&en);
	for (int i = 0; i < TCPTIMER_POLICY_RULES; i++)
		used += (size_t)snprintf(
			rules + used, sizeof(rules) - used,
			"- {name: r%d, match: {remote_port: [%d]}, set: {syn_rto: %dms}}\n", i,
			1000 + i,
			i == 63  ? 100 :
			i == 64  ? 200 :
			i == 255 ? 400 :
				   50);
	enforced_apply(&en, rules);
	connect_to(&links[0], AF_INET, "192.0.2.2", 1063, 0);
	connect_to(&links[1], AF_INET, "192.0.2.2", 1064, 0);
	connect_to(&links[2], AF_INET, "192.0.2.2", 1255, 0);
	connect_to(&links[3], AF_INET, "192.0.2.2", 1256, 0);
	links_run(&en, links, 4, 1400);
	check_syn(&en, &links[0], 100, "rule 64");
	check_syn(&en, &links[1], 200, "rule 65");
	check_syn(&en, &links[2], 400, "rule 256");
	check_syn(&en, &links[3], RTO_NONE, "no rule");
	CHECK(enforced_counters(&en, 255).sockets == 1, "rule 256 took none");
	enforced_clear(&en);
}

/* ---- cgroups ---- */

static void cgroup_below(const struct cgroup *above, const char *name, struct cgroup *ret_cgroup)
{
	static char paths[16][PATH_MAX];
	static unsigned int used;

	CHECK(used < 16, "more than 16 cgroups");
	CHECK(snprintf(paths[used], PATH_MAX, "%s/%s", above->path, name) < PATH_MAX, "path");
	memcpy(ret_cgroup->path, paths[used++], PATH_MAX);
	ret_cgroup->name = ret_cgroup->path + (above->name - above->path);
	MUST(mkdir(ret_cgroup->path, 0755));
}

static void connect_in(struct enforced *en, const struct cgroup *cgroup, struct link *link,
		       uint16_t port)
{
	cgroup_join(cgroup);
	connect_to(link, AF_INET, "192.0.2.2", port, 0);
	cgroup_join(&en->cgroup);
}

/* A cgroup that the policy has not seen: its ancestor's rules at once, its own once it was told. */
static void born_later(const struct scenario *scenario)
{
	struct cgroup old, special, deep, odd;
	struct link links[8] = {};
	struct enforced en;
	char rules[8192];

	enforced_world(&en, scenario);
	cgroup_below(&en.cgroup, "old", &old);
	enforced_open(&en);
	snprintf(rules, sizeof(rules),
		 "- {name: own, match: {cgroup: [\"%s/special\", \"%s/* (deleted)\"]}, "
		 "set: {syn_rto: 100ms}}\n"
		 "- {name: below, match: {cgroup: [\"%s/**\"]}, set: {syn_rto: 250ms}}\n",
		 en.cgroup.name, en.cgroup.name, en.cgroup.name);
	enforced_apply(&en, rules);
	cgroup_below(&en.cgroup, "special", &special);
	cgroup_below(&old, "deep", &deep);
	connect_in(&en, &old, &links[0], 7000);
	connect_in(&en, &special, &links[1], 7001);
	connect_in(&en, &deep, &links[2], 7002);
	CHECK(!enforce_dispatch(en.enforce), "%s", enforce_error());
	connect_in(&en, &special, &links[3], 7003);
	connect_in(&en, &deep, &links[4], 7004);
	/* A new policy meets a cgroup that it was not told of: nothing is without a rule meanwhile. */
	cgroup_below(&en.cgroup, "x (deleted)", &odd);
	enforced_apply(&en, rules);
	enforced_apply(&en, rules);
	connect_in(&en, &odd, &links[5], 7005);
	connect_in(&en, &special, &links[6], 7006);
	connect_in(&en, &en.cgroup, &links[7], 7007);
	links_run(&en, links, 8, 700);
	check_syn(&en, &links[0], 250, "known before");
	check_syn(&en, &links[1], 250, "not told yet");
	check_syn(&en, &links[2], 250, "two levels, not told yet");
	check_syn(&en, &links[3], 100, "told");
	check_syn(&en, &links[4], 250, "two levels, told");
	check_syn(&en, &links[5], 100, "named as if deleted");
	check_syn(&en, &links[6], 100, "after a new policy");
	check_syn(&en, &links[7], 250, "the cgroup itself");
	enforced_clear(&en);
}

/* The kernel knows no renaming in cgroup v2; removing it does, also while sockets live. */
static void removed(const struct scenario *scenario)
{
	struct enforce_state before, after;
	struct link link = {};
	struct cgroup gone;
	struct enforced en;
	char rules[8192];

	enforced_world(&en, scenario);
	cgroup_below(&en.cgroup, "gone", &gone);
	enforced_open(&en);
	snprintf(rules, sizeof(rules),
		 "- {name: own, match: {cgroup: [\"%s/gone\"]}, set: {user_timeout: 60s}}\n"
		 "- {name: below, match: {cgroup: [\"%s/**\"]}, set: {user_timeout: 30s}}\n",
		 en.cgroup.name, en.cgroup.name);
	enforced_apply(&en, rules);
	cgroup_join(&gone);
	link_connect(&en, &link, 7000);
	cgroup_join(&en.cgroup);
	CHECK(option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 60000, "its own rule");
	CHECK(!enforce_state(en.enforce, &before), "state");
	MUST(rmdir(gone.path));
	CHECK(!enforce_dispatch(en.enforce), "%s", enforce_error());
	CHECK(!enforce_state(en.enforce, &after) && after.cgroups == before.cgroups - 1,
	      "%llu cgroups known, %llu before", (unsigned long long)after.cgroups,
	      (unsigned long long)before.cgroups);
	CHECK(option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 60000, "it was taken away");
	CHECK(!enforce_pass(en.enforce, &en.pass), "%s", enforce_error());
	CHECK(option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 30000,
	      "the nearest living ancestor's: %d",
	      option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
	enforced_clear(&en);
	CHECK(option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 0, "after clear");
}

/* ---- many ---- */

static void make_many(const struct enforced *en, int count, bool make)
{
	int dir = MUST(open(en->cgroup.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	char name[16];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		MUST(make ? mkdirat(dir, name, 0755) : unlinkat(dir, name, AT_REMOVEDIR));
	}
	close(dir);
}

static void many_cgroups(const struct scenario *scenario)
{
	struct enforce_state state;
	struct link links[2] = {};
	struct cgroup last = {};
	struct enforced en;
	char rules[8192];
	uint64_t begin;

	enforced_world(&en, scenario);
	enforced_open(&en);
	make_many(&en, 10000, true);
	snprintf(rules, sizeof(rules),
		 "- {name: own, match: {cgroup: [\"%s/c9999\"]}, set: {syn_rto: 100ms}}\n"
		 "- {name: below, match: {cgroup: [\"%s/c*\"]}, set: {syn_rto: 250ms}}\n",
		 en.cgroup.name, en.cgroup.name);
	begin = realtime_ns();
	enforced_apply(&en, rules);
	printf("10000 cgroups: applied in %llu ms\n",
	       (unsigned long long)((realtime_ns() - begin) / NSEC_PER_MSEC));
	CHECK(!enforce_state(en.enforce, &state) && state.cgroups == 10001, "%llu cgroups",
	      (unsigned long long)state.cgroups);
	snprintf(last.path, sizeof(last.path), "%.4000s/c9999", en.cgroup.path);
	connect_in(&en, &last, &links[0], 7000);
	snprintf(last.path, sizeof(last.path), "%.4000s/c77", en.cgroup.path);
	connect_in(&en, &last, &links[1], 7001);
	links_run(&en, links, 2, 700);
	check_syn(&en, &links[0], 100, "one of 10000");
	check_syn(&en, &links[1], 250, "another");
	make_many(&en, 10000, false);
	/* More events than the ring holds: the tree is walked anew. */
	CHECK(!enforce_dispatch(en.enforce), "%s", enforce_error());
	CHECK(!enforce_state(en.enforce, &state) && state.cgroups == 1, "%llu cgroups left",
	      (unsigned long long)state.cgroups);
	enforced_clear(&en);
}

/* No room for another cgroup: said, and the policy before stays in force. */
static void full_map(const struct scenario *scenario)
{
	struct link links[2] = {};
	struct enforce_state before, after;
	struct enforced en;
	int err;

	enforced_world(&en, scenario);
	en.options.cgroups_max = 64;
	make_many(&en, 63, true);
	enforced_open(&en);
	enforced_apply(&en, "- {name: one, set: {syn_rto: 100ms}}\n");
	CHECK(!enforce_state(en.enforce, &before), "state");
	MUST(mkdir(strcat(strcpy((char[PATH_MAX + 8]){}, en.cgroup.path), "/new"), 0755));
	err = enforced_try(&en, "- {name: two, set: {syn_rto: 400ms}}\n");
	CHECK(err == -E2BIG && strstr(enforce_error(), "no room for more than 64 cgroups"),
	      "%d: %s", err, enforce_error());
	CHECK(!enforce_state(en.enforce, &after) && after.generation == before.generation,
	      "generation %u", after.generation);
	connect_to(&links[0], AF_INET, "192.0.2.2", 7000, 0);
	links_run(&en, links, 1, 400);
	check_syn(&en, &links[0], 100, "the policy before");
	/* Some go, and nobody has told: their entries make room. */
	make_many(&en, 63, false);
	enforced_apply(&en, "- {name: two, set: {syn_rto: 400ms}}\n");
	connect_to(&links[1], AF_INET, "192.0.2.2", 7001, 0);
	links_run(&en, links, 2, 700);
	check_syn(&en, &links[1], 400, "the next policy");
	enforced_clear(&en);
}

/* ---- what must not grow ---- */

struct usage {
	unsigned int fds;
	long rss_kb;
	uint64_t cgroups;
};

static struct usage usage(struct enforced *en)
{
	struct enforce_state state;
	struct usage now = {};
	char line[256];
	DIR *dir = opendir("/proc/self/fd");
	FILE *file = fopen("/proc/self/status", "re");

	CHECK(dir && file, "/proc");
	while (readdir(dir))
		now.fds++;
	closedir(dir);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmRSS: %ld", &now.rss_kb);
	fclose(file);
	CHECK(!enforce_state(en->enforce, &state), "state");
	now.cgroups = state.cgroups;
	return now;
}

static void cycle_cgroups(struct enforced *en, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		make_many(en, 100, true);
		CHECK(!enforce_dispatch(en->enforce), "%s", enforce_error());
		make_many(en, 100, false);
		CHECK(!enforce_dispatch(en->enforce), "%s", enforce_error());
	}
}

static void cycle_netns(struct enforced *en, int rounds)
{
	pid_t parent = getpid();

	for (int i = 0; i < rounds; i++) {
		pid_t holders[10];
		int ready[2];
		char byte;

		MUST(pipe2(ready, O_CLOEXEC));
		for (int n = 0; n < 10; n++) {
			holders[n] = MUST(fork());
			if (holders[n])
				continue;
			die_with_parent(parent);
			MUST(unshare(CLONE_NEWNET));
			MUST(write(ready[1], "x", 1));
			pause();
			_exit(0);
		}
		for (int n = 0; n < 10; n++)
			CHECK(read(ready[0], &byte, 1) == 1, "no namespace");
		CHECK(!enforce_pass(en->enforce, &en->pass), "%s", enforce_error());
		CHECK(en->pass.netns >= 11, "only %u namespaces seen", en->pass.netns);
		for (int n = 0; n < 10; n++) {
			kill(holders[n], SIGKILL);
			waitpid(holders[n], NULL, 0);
		}
		close(ready[0]);
		close(ready[1]);
	}
}

static void no_growth(const struct scenario *scenario)
{
	struct usage before, after;
	struct enforced en;

	enforced_world(&en, scenario);
	enforced_open(&en);
	enforced_apply(&en, "- {name: one, set: {user_timeout: 5s}}\n");
	cycle_cgroups(&en, 2);
	cycle_netns(&en, 1);
	before = usage(&en);
	cycle_cgroups(&en, 20);
	cycle_netns(&en, 20);
	after = usage(&en);
	CHECK(after.fds == before.fds, "%u file descriptors, %u before", after.fds, before.fds);
	CHECK(after.cgroups == before.cgroups && after.cgroups == 1, "%llu cgroups known",
	      (unsigned long long)after.cgroups);
	CHECK(after.rss_kb <= before.rss_kb + 512, "%ld kB, %ld kB before", after.rss_kb,
	      before.rss_kb);
	printf("2000 cgroups, 200 namespaces: %ld kB before, %ld kB after\n", before.rss_kb,
	       after.rss_kb);
	enforced_clear(&en);
}

static const struct scenario scenarios[] = {
	{ "2000 cgroups and 200 namespaces come and go", no_growth, 0, 0 },
	{ "map of cgroups is full", full_map, AF_INET, 0 },
	{ "10000 cgroups", many_cgroups, AF_INET, 0 },
	{ "which rule matches", matching, AF_INET, 0 },
	{ "256 rules", many_rules, AF_INET, 0 },
	{ "cgroups made later", born_later, AF_INET, 0 },
	{ "cgroup removed", removed, AF_INET, 0 },
};

int main(void)
{
	return scenario_main("test_policy_cgroups", scenarios,
			     sizeof(scenarios) / sizeof(scenarios[0]), 4, NULL);
}

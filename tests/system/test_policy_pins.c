// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy that outlives its process: killed at any moment, adopted, upgraded, and taken away whole.
 * Receives options, packets and errno of connections that open all the while.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../lib/enforced.h"

#define PORT 7000
#define KILLS 50

/* ---- options ---- */

static const struct {
	const char *name;
	int level, option;
} options[] = {
	{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT },
	{ "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE },
	{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE },
	{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL },
	{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT },
	{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT },
	{ "TCP_THIN_LINEAR_TIMEOUTS", IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS },
	{ "TCP_RTO_MAX_MS", IPPROTO_TCP, 44 }, /* since 6.15, as the next two */
	{ "TCP_RTO_MIN_US", IPPROTO_TCP, 45 },
	{ "TCP_DELACK_MAX_US", IPPROTO_TCP, 46 },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

struct values {
	int value[OPTIONS];
};

static struct values values_of(int fd)
{
	struct values values = {};

	for (size_t i = 0; i < OPTIONS; i++) {
		socklen_t len = sizeof(values.value[i]);

		if (getsockopt(fd, options[i].level, options[i].option, &values.value[i], &len))
			CHECK(errno == ENOPROTOOPT, "%s: %s", options[i].name, strerror(errno));
	}
	return values;
}

static void values_same(int fd, const struct values *before, const char *what)
{
	struct values now = values_of(fd);

	for (size_t i = 0; i < OPTIONS; i++)
		CHECK(now.value[i] == before->value[i], "%s: %s is %d, was %d", what,
		      options[i].name, now.value[i], before->value[i]);
}

static bool values_differ(int fd, const struct values *before)
{
	struct values now = values_of(fd);

	return memcmp(&now, before, sizeof(now)) != 0;
}

static uint32_t attached(const struct enforced *en, enum bpf_attach_type type)
{
	int fd = MUST(open(en->cgroup.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	uint32_t count = 0;

	MUST(bpf_prog_query(fd, type, 0, NULL, NULL, &count));
	close(fd);
	return count;
}

/* ---- clear ---- */

static const char all_rules[] =
	"- {name: all, set: {user_timeout: 30s, syn_retries: 3, rto_min: 20ms, rto_max: 1s, "
	"delack_max: 20ms, thin_linear_timeouts: true, keepalive: {enable: true, idle: 9s, "
	"interval: 8s, probes: 7}}}\n";

/* Every option of living sockets is as it was, those that the application has set with them. */
static void clear(const struct scenario *scenario)
{
	struct link before = {}, own = {}, during = {}, after = {}, connecting = {}, other = {};
	struct values before_values, own_values, connecting_values, other_values, new_values;
	struct enforced en;
	struct cgroup sibling;

	enforced_world(&en, scenario);
	link_connect(&en, &before, PORT);
	link_connect(&en, &own, PORT + 1);
	app_set(own.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 77000);
	app_set(own.fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
	app_set(own.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	link_syn(&en, &connecting, PORT + 2);
	cgroup_new(&sibling, NULL);
	cgroup_join(&sibling);
	link_connect(&en, &other, PORT + 3);
	cgroup_join(&en.cgroup);
	before_values = new_values = values_of(before.fd);
	own_values = values_of(own.fd);
	connecting_values = values_of(connecting.fd);
	other_values = values_of(other.fd);

	enforced_open(&en);
	enforced_apply(&en, all_rules);
	link_connect(&en, &during, PORT + 4);
	CHECK(values_differ(before.fd, &before_values) && values_differ(own.fd, &own_values) &&
		      values_differ(during.fd, &new_values) &&
		      values_differ(connecting.fd, &connecting_values),
	      "a socket without policy");
	CHECK(option_get(own.fd, IPPROTO_TCP, TCP_KEEPIDLE) == 5, "stricter than the rule");
	values_same(other.fd, &other_values, "of another cgroup");
	app_set(during.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 88000);
	CHECK(attached(&en, BPF_CGROUP_SOCK_OPS) == 1 && attached(&en, BPF_CGROUP_SETSOCKOPT) == 1,
	      "not attached");
	/* Another policy in between: what was before is still what was before all of them. */
	enforced_apply(&en, "- {name: all, set: {user_timeout: 20s, syn_retries: 2}}\n");
	enforced_clear(&en);
	CHECK(en.pass.changed == 4, "%llu sockets put back", (unsigned long long)en.pass.changed);

	values_same(before.fd, &before_values, "older than policy");
	values_same(own.fd, &own_values, "with options of its own");
	values_same(connecting.fd, &connecting_values, "connecting");
	values_same(other.fd, &other_values, "of another cgroup");
	new_values.value[0] = 88000; /* what the application has asked for meanwhile */
	values_same(during.fd, &new_values, "younger than policy");
	link_connect(&en, &after, PORT + 5);
	values_same(after.fd, &before_values, "after policy");
	CHECK(attached(&en, BPF_CGROUP_SOCK_OPS) == 0 && attached(&en, BPF_CGROUP_SETSOCKOPT) == 0,
	      "still attached");
}

/* A stall that max_retries would have ended goes on as the kernel has it. */
static void clear_armed(const struct scenario *scenario)
{
	struct link links[2] = {};
	struct enforced en;
	struct sends sends;
	uint64_t begin;

	enforced_world(&en, scenario);
	en.world.peer.sack = false;
	enforced_open(&en);
	enforced_apply(&en, "- {name: six, match: {remote_port: [7000]}, "
			    "set: {max_retries: 6, rto_min: 20ms}}\n"
			    "- {name: seven, match: {remote_port: [7001]}, "
			    "set: {max_retries: 7, rto_min: 20ms}}\n");
	for (int i = 0; i < 2; i++) {
		link_connect(&en, &links[i], (uint16_t)(PORT + i));
		link_exchange(&en, &links[i]);
	}
	begin = realtime_ns();
	for (int i = 0; i < 2; i++)
		app_send(links[i].fd, 700);
	do {
		links_run(&en, links, 2, 4);
		link_sends(&en, &links[0], SENDS_DATA, begin, &sends);
	} while (sends.count < 7);
	CHECK(option_get(links[0].fd, IPPROTO_TCP, TCP_USER_TIMEOUT) > 0, "not armed");
	enforced_clear(&en);
	for (int i = 0; i < 2; i++)
		CHECK(option_get(links[i].fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 0,
		      "TCP_USER_TIMEOUT %d",
		      option_get(links[i].fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
	links_run(&en, links, 2, 7000);
	for (int i = 0; i < 2; i++) {
		link_sends(&en, &links[i], SENDS_DATA, begin, &sends);
		CHECK(sends.count >= 9 && !links[i].error, "%zu retransmissions, %s",
		      sends.count - 1, strerror(links[i].error));
	}
}

/* ---- without a process ---- */

static void adopted(const struct scenario *scenario)
{
	static const char rules[] = "- {name: r, set: {max_retries: 3, rto_min: 20ms}}\n";
	struct enforce_state before, after;
	struct link links[2] = {};
	struct enforced en;
	struct sends sends;
	uint64_t begin;
	size_t size;
	void *source;

	enforced_world(&en, scenario);
	en.world.peer.sack = false;
	enforced_open(&en);
	enforced_apply(&en, rules);
	CHECK(!enforce_state(en.enforce, &before) && !before.adopted, "adopted from nobody");
	for (int i = 0; i < 2; i++) {
		enforced_close(&en);
		if (i)
			enforced_open(&en);
		link_connect(&en, &links[i], (uint16_t)(PORT + i));
		link_exchange(&en, &links[i]);
		begin = realtime_ns();
		app_send(links[i].fd, 700);
		links_await(&en, &links[i], 1, 10000);
		link_sends(&en, &links[i], SENDS_DATA, begin, &sends);
		CHECK(sends.count == 4 && links[i].error == ETIMEDOUT,
		      "%s a process: %zu retransmissions, %s", i ? "with" : "without",
		      sends.count - 1, strerror(links[i].error));
	}
	CHECK(!enforce_state(en.enforce, &after) && after.adopted &&
		      after.generation == before.generation && after.rules == 1,
	      "not adopted");
	CHECK(!enforce_source(en.enforce, &source, &size) && source && size > sizeof(rules) - 1 &&
		      !memcmp((char *)source + size - (sizeof(rules) - 1), rules,
			      sizeof(rules) - 1),
	      "another source");
	free(source);
	CHECK(enforced_counters(&en, 0).ended == 2, "counters were lost");
	enforced_clear(&en);
}

/* ---- connections all the while ---- */

/* Shared with the process that connects. */
struct opener {
	volatile bool stop;
	volatile bool must; /* every connection that begins from now on has a policy */
	volatile unsigned long connections, checked, without;
};

static void opener_run(struct opener *opener)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	struct linger reset = { .l_onoff = 1 };
	socklen_t len = sizeof(addr);

	MUST(bind(listener, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(listener, 5));
	MUST(getsockname(listener, (struct sockaddr *)&addr, &len));
	while (!opener->stop) {
		bool must = opener->must;
		int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), server, value;

		MUST(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
		server = MUST(accept(listener, NULL, NULL));
		value = option_get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
		opener->connections++;
		if (must) {
			opener->checked++;
			opener->without += value != 5000 && value != 6000;
			value = option_get(server, IPPROTO_TCP, TCP_USER_TIMEOUT);
			opener->without += value != 5000 && value != 6000;
		}
		MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
		close(fd);
		close(server);
		usleep(300);
	}
}

static pid_t opener_start(struct opener **ret_opener)
{
	pid_t parent = getpid(), pid;

	*ret_opener = mmap(NULL, sizeof(**ret_opener), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(*ret_opener != MAP_FAILED, "no memory");
	pid = MUST(fork());
	if (pid)
		return pid;
	die_with_parent(parent);
	opener_run(*ret_opener);
	_exit(0);
}

static void opener_check(const struct opener *opener, unsigned long least)
{
	CHECK(opener->checked >= least, "only %lu connections", opener->checked);
	CHECK(opener->without == 0, "%lu of %lu connections without policy", opener->without,
	      opener->checked);
}

static void opener_end(struct opener *opener, pid_t pid)
{
	int status;

	opener->stop = true;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the opener failed");
}

static void one_rule(char *buf, size_t size, int round)
{
	snprintf(buf, size, "- {name: r, set: {user_timeout: %ds}}\n", round % 2 ? 5 : 6);
}

/* open, apply, close, again and again; every seventh time all is cleared, when it may. */
static void applier_run(struct enforced *en, int round, bool may_clear)
{
	char rule[128];
	bool was;

	for (;; round++) {
		if (may_clear && round % 3 == 0)
			CHECK(!enforce_clear(&en->options, &en->pass, &was), "%s", enforce_error());
		enforced_open(en);
		one_rule(rule, sizeof(rule), round);
		enforced_apply(en, rule);
		enforced_close(en);
	}
}

static void kill_at(struct enforced *en, int round, unsigned int after_us, bool may_clear)
{
	pid_t parent = getpid(), pid = MUST(fork());
	int status;

	if (!pid) {
		die_with_parent(parent);
		applier_run(en, round, may_clear);
	}
	usleep(after_us);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the applier ended by itself");
}

static void killed(const struct scenario *scenario)
{
	struct opener *opener;
	struct enforced en;
	char rule[128];
	pid_t pid;

	enforced_world(&en, scenario);
	srandom((unsigned int)getpid());
	pid = opener_start(&opener);
	enforced_open(&en);
	one_rule(rule, sizeof(rule), 0);
	enforced_apply(&en, rule);
	enforced_close(&en);
	opener->must = true;
	for (int i = 0; i < KILLS; i++) {
		kill_at(&en, i, (unsigned int)(random() % 250000), false);
		CHECK(opener->without == 0, "kill %d: %lu connections without policy", i,
		      opener->without);
	}
	/* What is left can be taken over. */
	enforced_open(&en);
	enforced_apply(&en, rule);
	opener_check(opener, 1000);
	opener->must = false;
	enforced_close(&en);
	/* The same with clears among them: whatever is left, the next policy holds. */
	for (int i = 0; i < KILLS / 3; i++) {
		kill_at(&en, 3 * i, (unsigned int)(random() % 250000), true);
		enforced_open(&en);
		enforced_apply(&en, rule);
		opener->must = true;
		usleep(20000);
		opener_check(opener, 1000);
		opener->must = false;
		usleep(2000); /* one that began before has ended */
		enforced_close(&en);
	}
	enforced_clear(&en);
	CHECK(attached(&en, BPF_CGROUP_SOCK_OPS) == 0, "still attached");
	opener_end(opener, pid);
}

/* As after an upgrade: the pinned maps are another version's. */
static void upgraded(const struct scenario *scenario)
{
	struct tcptimer_policy_control control;
	struct enforce_state state;
	struct link link = {}, young = {};
	struct opener *opener;
	struct enforced en;
	uint32_t zero = 0;
	char path[256];
	pid_t pid;
	int map;

	enforced_world(&en, scenario);
	link_connect(&en, &link, PORT);
	pid = opener_start(&opener);
	enforced_open(&en);
	enforced_apply(&en, "- {name: r, set: {user_timeout: 5s}}\n");
	enforced_close(&en);
	link_connect(&en, &young, PORT + 1);
	opener->must = true;
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/map_control", en.pin_dir);
		map = MUST(bpf_obj_get(path));
		MUST(bpf_map_lookup_elem(map, &zero, &control));
		/* The last time also what it knows of sockets is another version's. */
		control.layout += i < 2 ? 1 : 1 << 16;
		MUST(bpf_map_update_elem(map, &zero, &control, BPF_ANY));
		close(map);
		enforced_open(&en);
		CHECK(!enforce_state(en.enforce, &state) && !state.adopted, "adopted");
		usleep(50000);
		enforced_apply(&en, i % 2 ? "- {name: r, set: {user_timeout: 5s}}\n" :
					    "- {name: r, set: {user_timeout: 6s}}\n");
		usleep(50000);
		CHECK(option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == (i % 2 ? 5000 : 6000) ||
			      i == 2,
		      "an older socket has %d", option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
		enforced_close(&en);
		if (i == 1) {
			/* Cleared by the next version: what sockets were like is still known. */
			opener->must = false;
			usleep(2000);
			enforced_clear(&en);
			CHECK(option_get(link.fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 0,
			      "not as it was before policy");
			CHECK(option_get(young.fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 0,
			      "set under policy, and left");
			enforced_open(&en);
			enforced_apply(&en, "- {name: r, set: {user_timeout: 5s}}\n");
			enforced_close(&en);
			opener->must = true;
		}
		opener_check(opener, 20);
	}
	opener->must = false;
	enforced_clear(&en);
	opener_end(opener, pid);
}

static unsigned int wipe(const struct enforced *en)
{
	DIR *dir = opendir(en->pin_dir);
	struct dirent *entry;
	unsigned int count = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			count += !unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	MUST(rmdir(en->pin_dir));
	return count;
}

/* Somebody removes the pins: the process holds what it has, and the next policy pins it again. */
static void wiped(const struct scenario *scenario)
{
	struct enforce_state state;
	struct opener *opener;
	struct enforced en;
	pid_t pid;

	enforced_world(&en, scenario);
	pid = opener_start(&opener);
	enforced_open(&en);
	enforced_apply(&en, "- {name: r, set: {user_timeout: 5s}}\n");
	opener->must = true;
	CHECK(wipe(&en) == 10, "pins");
	usleep(50000);
	enforced_apply(&en, "- {name: r, set: {user_timeout: 6s}}\n");
	enforced_close(&en);
	usleep(50000);
	opener_check(opener, 20);
	enforced_open(&en);
	CHECK(!enforce_state(en.enforce, &state) && state.adopted, "not pinned again");
	opener_check(opener, 20);
	opener->must = false;
	usleep(2000);
	/* Nobody holds them: nothing is left, and the next daemon begins anew. */
	enforced_close(&en);
	wipe(&en);
	enforced_open(&en);
	CHECK(!enforce_state(en.enforce, &state) && !state.adopted && !state.generation, "adopted");
	enforced_apply(&en, "- {name: r, set: {user_timeout: 5s}}\n");
	opener->must = true;
	usleep(50000);
	opener_check(opener, 20);
	opener->must = false;
	enforced_clear(&en);
	opener_end(opener, pid);
}

static void cgroup_gone(const struct scenario *scenario)
{
	struct cgroup elsewhere;
	struct enforced en;
	int err;

	enforced_world(&en, scenario);
	cgroup_new(&elsewhere, NULL);
	enforced_open(&en);
	enforced_apply(&en, "- {name: r, set: {user_timeout: 5s}}\n");
	cgroup_join(&elsewhere);
	MUST(rmdir(en.cgroup.path));
	CHECK(!enforce_dispatch(en.enforce), "%s", enforce_error());
	CHECK(!enforce_pass(en.enforce, &en.pass), "%s", enforce_error());
	err = enforced_try(&en, "- {name: r, set: {user_timeout: 6s}}\n");
	CHECK(err == -ENOENT && strstr(enforce_error(), "is gone"), "%d: %s", err, enforce_error());
	enforced_clear(&en);
}

static const struct scenario scenarios[] = {
	{ "killed at any moment", killed, AF_INET, 0 },
	SCENARIO_BOTH("clear while stalls are ended", clear_armed, 0),
	{ "upgraded", upgraded, AF_INET, 0 },
	SCENARIO_BOTH("clear", clear, 0),
	{ "adopted", adopted, AF_INET, 0 },
	{ "pins removed", wiped, AF_INET, 0 },
	{ "cgroup removed", cgroup_gone, AF_INET, 0 },
};

int main(void)
{
	return scenario_main("test_policy_pins", scenarios,
			     sizeof(scenarios) / sizeof(scenarios[0]), 9, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `tcptimer list` beside `ss` on the same crowd of sockets, field by field, and its options.
 * Receives both outputs; whatever ss knows has to be the same.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
#include "../lib/cgroup.h"
#include "../lib/world.h"
#include "crowd.h"
#include "ss.h"

#define STATES 10
#define ROUNDS 10
/* Of each state and family at least this many sockets must have been compared. */
#define STATE_MIN (CROWD_EACH / 2)

static const char *const state_words[STATES][2] = {
	{ "LISTEN", "listen" },       { "SYN-SENT", "syn_sent" },     { "SYN-RECV", "syn_recv" },
	{ "ESTAB", "established" },   { "FIN-WAIT-1", "fin_wait1" },  { "FIN-WAIT-2", "fin_wait2" },
	{ "TIME-WAIT", "time_wait" }, { "CLOSE-WAIT", "close_wait" }, { "LAST-ACK", "last_ack" },
	{ "CLOSING", "closing" },
};

/* `list --json WORDS… netns N` as an array. */
static struct json_object *list_read(const struct world *world, const char *const *words)
{
	const char *all[16] = { "list", "--json" };
	struct json_object *array;
	struct tool tool;
	const char *text;
	size_t i;

	for (i = 0; words[i]; i++)
		all[i + 2] = words[i];
	all[i + 2] = "netns";
	all[i + 3] = world->netns_text;
	tool_run(&tool, all);
	CHECK(tool.status == 0, "list: %d: %s", tool.status, tool.err.data);
	CHECK(utf8_valid(tool.out.data, tool.out.len), "not UTF-8");
	array = json_tokener_parse(tool.out.data);
	CHECK(json_object_is_type(array, json_type_array), "not an array: %.200s", tool.out.data);
	text = json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN);
	if (tool_keep_fd >= 0)
		dprintf(tool_keep_fd, "%s\n", text);
	return array;
}

static int state_index(const char *ss_state)
{
	int i;

	for (i = 0; i < STATES; i++)
		if (strcmp(state_words[i][0], ss_state) == 0)
			return i;
	FAIL("ss shows a state %s", ss_state);
}

#define SAME(cond, ...)                                                                            \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "differs: " __VA_ARGS__);                                  \
			fprintf(stderr,                                                            \
				"\n  list: %s\n  ss: %s %s %s timer:(%s,%lld,%u) rto:%g "          \
				"backoff:%u unacked:%u ino:%llu cgroup:%s\n",                      \
				json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN),      \
				ss->state, ss->local, ss->remote, ss->timer,                       \
				(long long)ss->expires_ms, ss->count, ss->rto_ms, ss->backoff,     \
				ss->unacked, (unsigned long long)ss->inode, ss->cgroup);           \
			same = false;                                                              \
		}                                                                                  \
	} while (0)

static bool same_names(struct json_object *line, const struct ss_socket *ss)
{
	bool v6 = strcmp(json_text(line, "family"), "inet6") == 0, same = true;
	char local[128], remote[128];

	snprintf(local, sizeof(local), v6 ? "[%s]:%lld" : "%s:%lld", json_text(line, "local_addr"),
		 (long long)json_number(line, "local_port"));
	snprintf(remote, sizeof(remote), v6 ? "[%s]:%lld" : "%s:%lld",
		 json_text(line, "remote_addr"), (long long)json_number(line, "remote_port"));
	SAME(strcmp(local, ss->local) == 0, "local %s", local);
	/* ss writes "*" for the port nobody has yet. */
	if (strcmp(ss->state, "LISTEN") != 0)
		SAME(strcmp(remote, ss->remote) == 0, "remote %s", remote);
	SAME(strcmp(json_text(line, "state"), state_words[state_index(ss->state)][1]) == 0,
	     "state");
	if (ss->cgroup[0])
		SAME(strcmp(json_text(line, "cgroup"), ss->cgroup) == 0, "cgroup");
	return same;
}

static bool has_no_mini(const struct ss_socket *ss)
{
	return strcmp(ss->timer, "timewait") != 0 && strcmp(ss->state, "SYN-RECV") != 0;
}

static bool same_numbers(struct json_object *line, const struct ss_socket *ss)
{
	bool same = true;

	if (ss->rto_ms > 0 && strcmp(ss->state, "LISTEN") != 0)
		SAME((double)json_number(line, "rto_ms") == ss->rto_ms, "rto_ms");
	SAME(json_number(line, "backoff") == ss->backoff, "backoff");
	if (strcmp(ss->state, "LISTEN") != 0)
		SAME(json_number(line, "unacked") == ss->unacked, "unacked");
	if (strcmp(ss->timer, "on") == 0)
		SAME(json_number(line, "retransmits") == ss->count, "retransmits");
	if (strcmp(ss->timer, "persist") == 0)
		SAME(json_number(line, "probes_out") == ss->count, "probes_out");
	if (has_no_mini(ss))
		SAME(json_flag(line, "orphan") == (ss->inode == 0), "orphan");
	if (strcmp(ss->timer, "on") == 0 || strcmp(ss->timer, "persist") == 0)
		SAME(json_flag(line, "stalled") == (ss->count > 0), "stalled");
	return same;
}

/* ss's name for one of ours. */
static const char *ss_timer(const char *timer, const struct ss_socket *ss)
{
	if (strcmp(timer, "probe0") == 0)
		return "persist";
	if (strcmp(timer, "keepalive") == 0)
		return "keepalive";
	if (strcmp(timer, "timewait") == 0)
		return "timewait";
	if (strcmp(timer, "fin_wait2") == 0)
		return ss->timer; /* "keepalive" or "timewait": whichever ss took it for */
	return strcmp(timer, "delack") == 0 ? "(not shown)" : "on";
}

/*
 * The timer that ss shows is armed in the list too, and fires when ss says plus what the timer wheel
 * rounds up (an eighth of the time it was armed for), minus the time that passed between the two.
 */
static bool same_timer(struct json_object *line, const struct ss_socket *ss,
		       const struct ss_socket *after)
{
	struct json_object *timers;
	bool same = true, found = false;
	int64_t armed_ms = (int64_t)ss->rto_ms << ss->backoff, ms;
	size_t i;

	CHECK(json_object_object_get_ex(line, "timers", &timers), "no timers");
	for (i = 0; i < json_object_array_length(timers) && !found; i++) {
		struct json_object *timer = json_object_array_get_idx(timers, i);

		if (i == 0)
			SAME(strcmp(json_text(line, "timer"), json_text(timer, "name")) == 0,
			     "timer");
		if (strcmp(ss_timer(json_text(timer, "name"), ss), ss->timer) != 0)
			continue;
		found = true;
		if (strcmp(ss->timer, "keepalive") == 0)
			armed_ms = json_number(line, "keepalive.idle_ms");
		if (!has_no_mini(ss))
			armed_ms = 60000;
		ms = json_number(timer, "expires_ms");
		SAME(ms + 8 >= after->expires_ms, "fires too early: %lld, later %lld",
		     (long long)ms, (long long)after->expires_ms);
		SAME(ms <= ss->expires_ms + ss->exact_ms + armed_ms * 127 / 1000 + 8,
		     "fires too late: %lld, armed for %lld", (long long)ms, (long long)armed_ms);
	}
	if (ss->timer[0])
		SAME(found, "no timer like ss's %s", ss->timer);
	return same;
}

static bool changed(const struct ss_socket *before, const struct ss_socket *after)
{
	return !after || strcmp(before->state, after->state) != 0 ||
	       strcmp(before->timer, after->timer) != 0 || before->count != after->count ||
	       before->expires_ms + before->exact_ms < after->expires_ms;
}

/* Returns how many differ; counts those compared by state and family. */
static size_t compare_all(struct json_object *array, const struct ss_table *before,
			  const struct ss_table *after, unsigned int ret_seen[STATES][2])
{
	size_t i, k, differ = 0;

	for (i = 0; i < before->count; i++) {
		const struct ss_socket *ss = &before->sockets[i];
		const struct ss_socket *later = ss_find(after, ss->cookie);
		struct json_object *line = NULL;

		for (k = 0; k < json_object_array_length(array) && !line; k++) {
			line = json_object_array_get_idx(array, k);
			if ((uint64_t)json_number(line, "cookie") != ss->cookie)
				line = NULL;
		}
		if (changed(ss, later))
			continue; /* its timer fired meanwhile */
		CHECK(line, "not listed: %s %s %s", ss->state, ss->local, ss->remote);
		if (!same_names(line, ss) || !same_numbers(line, ss) ||
		    !same_timer(line, ss, later))
			differ++;
		ret_seen[state_index(ss->state)][ss->local[0] == '[']++;
	}
	return differ;
}

/* A state of which too few sockets were compared so far; NULL: enough of all. */
static const char *state_lacking(unsigned int seen[STATES][2])
{
	size_t i;

	for (i = 0; i < STATES; i++)
		if (seen[i][0] < STATE_MIN || seen[i][1] < STATE_MIN)
			return state_words[i][0];
	return NULL;
}

static void list_like_ss(const struct scenario *scenario)
{
	unsigned int seen[STATES][2] = { 0 }, round;
	struct ss_table before, after;
	struct json_object *array;
	struct cgroup cgroup;
	struct world world;
	size_t made, differ;

	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	cgroup_new(&cgroup, "crowd");
	cgroup_join(&cgroup);
	made = crowd_make(&world.tun);
	CHECK(made >= CROWD_MIN, "%zu sockets", made);
	world_run(&world, 3300);
	/* Sockets whose timers fire while we look are compared the next time. */
	for (round = 0; round < ROUNDS && (round == 0 || state_lacking(seen)); round++) {
		ss_read(&before); /* makes the cookies, too */
		array = list_read(&world, TOOL(NULL));
		ss_read(&after);
		CHECK(before.count >= made, "ss shows %zu of %zu", before.count, made);
		CHECK(json_object_array_length(array) == before.count, "%zu listed, %zu in ss",
		      json_object_array_length(array), before.count);
		differ = compare_all(array, &before, &after, seen);
		CHECK(differ == 0, "%zu of %zu sockets differ", differ, before.count);
		world_run(&world, 300);
	}
	CHECK(!state_lacking(seen), "too few sockets compared in %s", state_lacking(seen));
}

static size_t count_where(struct json_object *array, const char *path, const char *value)
{
	size_t i, count = 0;

	for (i = 0; i < json_object_array_length(array); i++)
		count += !strcmp(json_text(json_object_array_get_idx(array, i), path), value);
	return count;
}

static size_t listed(const struct world *world, const char *const *words)
{
	return json_object_array_length(list_read(world, words));
}

static void list_options(const struct scenario *scenario)
{
	struct json_object *all, *owned;
	struct world world;
	char pid[16];
	size_t total, i;

	world_start(&world, scenario);
	check_on_fail(NULL, NULL);
	crowd_make(&world.tun);
	world_run(&world, 1500);
	all = list_read(&world, TOOL(NULL));
	total = json_object_array_length(all);
	CHECK(listed(&world, TOOL("-4")) == count_where(all, "family", "inet"), "-4");
	CHECK(listed(&world, TOOL("-6")) == count_where(all, "family", "inet6"), "-6");
	CHECK(listed(&world, TOOL("--stalled")) == count_where(all, "stalled", "true"),
	      "--stalled");
	CHECK(listed(&world, TOOL("stalled", "and")) == count_where(all, "stalled", "true"),
	      "stalled");
	for (i = 0; i < STATES; i++)
		CHECK(listed(&world, TOOL("state", state_words[i][1], "and")) ==
			      count_where(all, "state", state_words[i][1]),
		      "state %s", state_words[i][1]);
	CHECK(listed(&world, TOOL("timer", "probe0", "and")) == 2 * CROWD_EACH, "timer probe0");
	CHECK(listed(&world, TOOL("not", "timer", "probe0", "and")) == total - 2 * CROWD_EACH,
	      "not timer probe0");
	CHECK(listed(&world, TOOL("dport", "=", ":10000", "and")) == 1, "dport");
	CHECK(listed(&world, TOOL("dst", "192.0.2.0/24", "and")) > 0, "dst");

	owned = list_read(&world, TOOL("-p", "state", "established", "and"));
	snprintf(pid, sizeof(pid), "%d", getpid());
	CHECK(count_where(owned, "pid", pid) == json_object_array_length(owned), "-p: pid");
	CHECK(count_where(all, "pid", "(null)") == total, "without -p no pid");
	CHECK(listed(&world, TOOL("pid", pid, "and", "state", "established", "and")) ==
		      json_object_array_length(owned),
	      "pid in the filter");
}

/* Two namespaces that only a process holds: both are listed, with their own numbers. */
static void list_namespaces(const struct scenario *scenario)
{
	struct world first, second;
	uint16_t port;

	world_start(&first, scenario);
	app_listen(AF_INET, &port);
	world_start(&second, scenario);
	check_on_fail(NULL, NULL);
	app_listen(AF_INET6, &port);
	app_listen(AF_INET6, &port);
	CHECK(listed(&second, TOOL(NULL)) == 2, "the second");
	/* No process is in the first one now, only a descriptor: nothing on the host can find it. */
	netns_enter(&first.netns);
	CHECK(listed(&first, TOOL(NULL)) == 1, "the first");
}

static const struct scenario scenarios[] = {
	{ "list agrees with ss", list_like_ss, 0, 0 },
	{ "list options and filters", list_options, 0, 0 },
	{ "list of other namespaces", list_namespaces, 0, 0 },
};

int main(void)
{
	return scenario_main("test_list", scenarios, sizeof(scenarios) / sizeof(scenarios[0]), 3,
			     "list.schema.json");
}

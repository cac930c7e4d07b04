// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line from outside: hostile names, bad filters, no privileges, limits, summary, doctor.
 * Receives text and exit statuses as a user's terminal and scripts would.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../lib/cgroup.h"
#include "../lib/world.h"

#define NOBODY 65534

/* Clears the screen, sets a title, turns text around, isn't UTF-8; '\n' is refused in a cgroup's name. */
#define HOSTILE_CGROUP "e\033[2J\033]0;pwn\a\xe2\x80\xae\xc2\x9b\xff\xc0\xaf\"\\\r"
#define HOSTILE_COMM "a\033[2J\n\xff\t\a"

static size_t lines_in(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* Nothing that a terminal would act upon. */
static void check_harmless(const char *data, size_t len, const char *what)
{
	size_t i;

	CHECK(utf8_valid(data, len), "%s is not UTF-8: %s", what, data);
	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)data[i];

		CHECK(byte == '\n' || (byte >= 0x20 && byte != 0x7f), "%s: byte %#x at %zu of %s",
		      what, byte, i, data);
	}
	CHECK(!memmem(data, len, "\xc2\x9b", 2), "%s: a C1 control: %s", what, data);
	CHECK(!memmem(data, len, "\xe2\x80\xae", 3), "%s: text direction changed: %s", what, data);
}

static void hostile_world(struct world *world, const struct scenario *scenario)
{
	struct cgroup cgroup;

	world_start(world, scenario);
	cgroup_new(&cgroup, HOSTILE_CGROUP);
	cgroup_join(&cgroup);
	MUST(prctl(PR_SET_NAME, HOSTILE_COMM));
	world->peer.sack = false;
}

static void hostile_list(const struct scenario *scenario)
{
	static const char spawn[] =
		"import pty,sys; sys.exit(0 if pty.spawn(sys.argv[1:]) == 0 else 1)";
	const char *path = getenv("TCPTIMER");
	struct json_object *array;
	struct world world;
	struct tool tool;

	hostile_world(&world, scenario);
	world_connect(&world);
	tool_run(&tool, TOOL("list", "-p", "netns", world.netns_text));
	CHECK(tool.status == 0, "list: %s", tool.err.data);
	check_harmless(tool.out.data, tool.out.len, "list");
	CHECK(lines_in(tool.out.data) == 2, "not a header and a line: %s", tool.out.data);
	tool_run(&tool, TOOL("list", "-p", "--no-header", "netns", world.netns_text));
	CHECK(lines_in(tool.out.data) == 1, "--no-header: %s", tool.out.data);

	tool_run(&tool, TOOL("list", "-p", "--json", "netns", world.netns_text));
	check_harmless(tool.out.data, tool.out.len, "list --json");
	array = json_tokener_parse(tool.out.data);
	CHECK(json_object_is_type(array, json_type_array) && json_object_array_length(array) == 1,
	      "not an array of one: %s", tool.out.data);
	CHECK(json_number(json_object_array_get_idx(array, 0), "pid") == getpid(), "pid: %s",
	      tool.out.data);

	/* The same on a terminal: colours are its own affair, what the names ask for is not. */
	program_run(&tool, (const char *const[]){ "/usr/bin/python3", "-c", spawn,
						  path ? path : "build/tcptimer", "list", "-p",
						  "netns", world.netns_text, NULL });
	CHECK(tool.status == 0 && tool.out.len, "on a terminal: %s", tool.err.data);
	CHECK(!strstr(tool.out.data, "\033[2J") && !strstr(tool.out.data, "\033]0") &&
		      !strchr(tool.out.data, '\a') && !strchr(tool.out.data, '\t'),
	      "it reached the terminal: %s", tool.out.data);
	CHECK(utf8_valid(tool.out.data, tool.out.len), "not UTF-8 on a terminal");
}

/* Text trace of a dying connection: a header, a line per event, the summary. */
static void text_trace(struct world *world, struct tool *tool)
{
	uint64_t end_ns = realtime_ns() + 60 * NSEC_PER_SEC;
	size_t lines;

	tool_start(tool, 0, TOOL("trace", "netns", world->netns_text));
	while (!tool->out.data || !strchr(tool->out.data, '\n')) {
		CHECK(realtime_ns() < end_ns && tool->out_fd >= 0, "no header");
		tool_pump(tool, 20);
	}
	world_connect(world);
	app_send(world->fd, 700);
	CHECK(app_await_error(world->fd, 10000) == ETIMEDOUT, "the connection lives");
	tool_pump(tool, 300);
	lines = lines_in(tool->out.data);
	tool_stop(tool, SIGINT);
	CHECK(tool->status == 0, "status %d: %s", tool->status, tool->err.data);
	CHECK(lines == 6, "%zu lines, not header, stall, three expiries, abort: %s", lines,
	      tool->out.data);
}

static void hostile_trace(const struct scenario *scenario)
{
	struct world world;
	struct tool tool;

	hostile_world(&world, scenario);
	text_trace(&world, &tool);
	check_harmless(tool.out.data, tool.out.len, "trace");
	check_harmless(tool.err.data, tool.err.len, "trace's stderr");
}

static void summary(const struct scenario *scenario)
{
	static const char *const facts[] = {
		"stall 1",
		"expired 3",
		"abort 1",
		"retrans",
		"retries 1",
		"lost",
		/* every end is held against what was foretold */
		"foretold  1 ends, 1 by the cause foretold, 1 within two jiffies",
	};
	const char *text;
	struct world world;
	struct tool tool;
	size_t i;

	world_start(&world, scenario);
	world.peer.sack = false;
	if (scenario->arg) { /* --json: the summary goes to stderr */
		world_trace(&world, TOOL(NULL));
		world_connect(&world);
		app_send(world.fd, 700);
		world_await(&world, "abort", "retrans", 10000);
		trace_stop(&world.trace);
		text = world.trace.err.data;
	} else {
		text_trace(&world, &tool);
		text = tool.out.data;
	}
	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		CHECK(strstr(text, facts[i]), "no \"%s\" in the summary: %s", facts[i], text);
}

static void limits(const struct scenario *scenario)
{
	struct world world;
	struct tool tool;
	uint64_t begin_ns;

	world_start(&world, scenario);
	world.peer.sack = false;
	world_trace(&world, TOOL("-c", "2", "--"));
	world_connect(&world);
	app_send(world.fd, 700);
	trace_pump(&world.trace, 5000);
	CHECK(world.trace.out_fd < 0, "-c 2 did not end it");
	tool_stop(&world.trace, 0);
	CHECK(world.trace.status == 0 && world.trace.count == 2, "status %d, %zu lines",
	      world.trace.status, world.trace.count);

	begin_ns = realtime_ns();
	tool_run(&tool, TOOL("trace", "--json", "-d", "1", "netns", "1"));
	CHECK(tool.status == 0 && tool.out.len == 0, "-d 1: %d: %s%s", tool.status, tool.out.data,
	      tool.err.data);
	CHECK(realtime_ns() - begin_ns >= NSEC_PER_SEC, "-d 1 ended sooner");
}

/* Expression, and where in it the caret has to be. */
static const struct {
	const char *words;
	size_t column;
} bad_filters[] = {
	{ "state foo", 6 },       { "state established and dport = :99999", 30 },
	{ "dst 10.0.0.0/33", 4 }, { "timer nosuch", 6 },
	{ "( stalled", 0 },       { "stalled stalled )", 16 },
	{ "bogus", 0 },
};

static void bad_filter(const char *command, size_t i)
{
	const char *line, *expression, *caret;
	struct tool tool;

	tool_run(&tool, TOOL(command, bad_filters[i].words));
	CHECK(tool.status == 2, "%s '%s': status %d, not 2", command, bad_filters[i].words,
	      tool.status);
	CHECK(tool.out.len == 0, "%s on stdout", tool.out.data);
	/* The message may quote a part of it: the expression itself is the last. */
	expression = NULL;
	for (line = tool.err.data; (line = strstr(line, bad_filters[i].words)); line++)
		expression = line;
	caret = strrchr(tool.err.data, '^');
	CHECK(expression && caret && caret > expression, "no mark: %s", tool.err.data);
	for (line = caret; line > tool.err.data && line[-1] != '\n'; line--)
		CHECK(*line == ' ' || line == caret, "more than a mark: %s", tool.err.data);
	caret -= line - tool.err.data;
	for (line = expression; line > tool.err.data && line[-1] != '\n'; line--)
		;
	CHECK((size_t)(caret - tool.err.data) ==
		      (size_t)(expression - line) + bad_filters[i].column,
	      "the mark is elsewhere:\n%s", tool.err.data);
}

static void usage(const struct scenario *scenario)
{
	static const char *const wrong[][4] = {
		{ "trace", "-d", "x", NULL },
		{ "trace", "-d", "-1", NULL },
		{ "trace", "-c", "0x", NULL },
		{ "list", "--nosuch", NULL },
		{ "nosuch", NULL },
		{ "list", "-N", NULL },
	};
	struct tool tool;
	size_t i;

	(void)scenario;
	for (i = 0; i < sizeof(bad_filters) / sizeof(bad_filters[0]); i++) {
		bad_filter("list", i);
		bad_filter("trace", i);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		tool_run(&tool, wrong[i]);
		CHECK(tool.status == 2 && tool.out.len == 0 && tool.err.len, "%s %s: %d: %s%s",
		      wrong[i][0], wrong[i][1] ? wrong[i][1] : "", tool.status, tool.out.data,
		      tool.err.data);
	}
}

static void without_root(const struct scenario *scenario)
{
	static const char *const commands[] = { "list", "trace", "doctor" };
	struct tool tool;
	size_t i;

	(void)scenario;
	for (i = 0; i < 3; i++) {
		const char *said;

		tool_run_as(&tool, NOBODY, TOOL(commands[i]));
		CHECK(tool.status == 1, "%s: status %d: %s", commands[i], tool.status,
		      tool.err.data);
		said = i == 2 ? tool.out.data : tool.err.data;
		CHECK(strstr(said, "root") || strstr(said, "CAP_"),
		      "%s does not say what lacks: %s", commands[i], said);
		if (i < 2)
			CHECK(lines_in(tool.err.data) == 1 && tool.out.len == 0,
			      "%s: not one plain line: %s%s", commands[i], tool.out.data,
			      tool.err.data);
	}
}

static void doctor(const struct scenario *scenario)
{
	struct tool tool, schema;
	struct json_object *object;
	int fd;

	(void)scenario;
	tool_run(&tool, TOOL("doctor"));
	CHECK(tool.status == 0, "doctor: %s%s", tool.out.data, tool.err.data);
	check_harmless(tool.out.data, tool.out.len, "doctor");
	tool_run(&tool, TOOL("doctor", "--json"));
	CHECK(tool.status == 0, "doctor --json: %s", tool.err.data);
	object = json_tokener_parse(tool.out.data);
	CHECK(json_object_is_type(object, json_type_object), "not an object: %s", tool.out.data);
	CHECK(json_flag(object, "ok"), "not ok, but status 0");
	fd = MUST(memfd_create("doctor", MFD_CLOEXEC));
	dprintf(fd, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	schema_hold(&schema, "doctor.schema.json", fd);
	if (schema.status == CHECK_EXIT_SKIP)
		check_skip("%s", schema.err.data);
	CHECK(schema.status == 0, "%s", schema.err.data);

	/* The main job can't run without privileges: the JSON says so too, and so does the status. */
	tool_run_as(&tool, NOBODY, TOOL("doctor", "--json"));
	object = json_tokener_parse(tool.out.data);
	CHECK(tool.status == 1 && object && !json_flag(object, "ok"), "as nobody: %d: %s",
	      tool.status, tool.out.data);
}

static const struct scenario scenarios[] = {
	{ "summary in text", summary, AF_INET, 0 },
	{ "summary beside JSON", summary, AF_INET6, 1 },
	{ "hostile names in list", hostile_list, AF_INET, 0 },
	{ "hostile names in trace", hostile_trace, AF_INET6, 0 },
	{ "-c and -d", limits, AF_INET, 0 },
	{ "bad usage and bad filters", usage, 0, 0 },
	{ "without root", without_root, 0, 0 },
	{ "doctor", doctor, 0, 0 },
};

int main(void)
{
	return scenario_main("test_output", scenarios, sizeof(scenarios) / sizeof(scenarios[0]), 8,
			     "trace.schema.json");
}

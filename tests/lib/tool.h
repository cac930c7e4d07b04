/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the real tcptimer (environment TCPTIMER, else build/tcptimer), from the first namespace.
 * Receives its arguments; hands on its exit status, its output, and its JSON lines as they come.
 */
#ifndef TCPTIMER_TEST_TOOL_H
#define TCPTIMER_TEST_TOOL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buffer {
	char *data; /* NUL after the end */
	size_t len;
};

struct tool {
	pid_t pid;
	int out_fd;
	int err_fd;
	struct buffer out;
	struct buffer err;
	int status;    /* the exit status, or 128 + the signal; -1: still running */
	size_t parsed; /* of `out`: JSON lines taken so far */
	struct json_object **lines;
	size_t count;
};

/* Start; `words` ends with NULL and leaves out the program's name. uid 0: stay root. */
void tool_start(struct tool *ret_tool, uid_t uid, const char *const *words);
/* Read what it says for at most that long, or until it ends. */
void tool_pump(struct tool *tool, unsigned int ms);
/* Send a signal (0: none), read until the end, reap. */
void tool_stop(struct tool *tool, int signal);
/* The whole run; status, out and err are filled. program_run(): of another program, in the caller's netns. */
void tool_run(struct tool *ret_tool, const char *const *words);
void tool_run_as(struct tool *ret_tool, uid_t uid, const char *const *words);
void program_run(struct tool *ret_tool, const char *const *words);
#define TOOL(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* `trace --json` with these further words; returns when it says that it is tracing. */
void trace_start(struct tool *ret_tool, const char *const *words);
/* Read events for that long into lines[]: objects, each from one line. */
void trace_pump(struct tool *tool, unsigned int ms);
/* Until a line with that event (and timer, unless NULL) is there; false after ms. */
bool trace_await(struct tool *tool, const char *event, const char *timer, unsigned int ms);
/* Interrupt it, take what remains. */
void trace_stop(struct tool *tool);
void trace_print(const struct tool *tool);

/* Fields by "a.b" paths. Text: "(null)" for null, "(absent)" when missing. */
const char *json_text(struct json_object *object, const char *path);
/* Fails the test when missing or not a number. */
int64_t json_number(struct json_object *object, const char *path);
bool json_flag(struct json_object *object, const char *path);
/* The RFC 3339 `time` in ns since 1970. */
uint64_t json_time_ns(struct json_object *object);
/* Well-formed UTF-8? */
bool utf8_valid(const char *data, size_t len);

/* Where JSON lines are kept for the schema test: a descriptor, or -1. */
extern int tool_keep_fd;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands share: their table, exit codes, messages, options, the JSON of a connection.
 * Receives argv; each command hands text or JSON to stdout.
 */
#ifndef TCPTIMER_CLI_H
#define TCPTIMER_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "conn.h"
#include "filter.h"
#include "tcptimer/engine.h"

/* Exit status of every command. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct command {
	const char *name;
	const char *synopsis; /* after the name */
	const char *summary;  /* one line */
	const char *options;  /* one line an option */
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command commands[];
extern const size_t command_count;

/* "tcptimer: …" on stderr, one line. Returns CLI_FAILED. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a pointer to the command's help. Returns CLI_USAGE. */
int cli_usage(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cli_help(const struct command *command);
/* CLI_OK, or CLI_FAILED after saying what is missing to run `what`. */
int cli_need_root(const char *what);

/* What went wrong in the kernel side, with the kernel's own words where there are any. */
int cli_fail_kernel(const char *what, int err);

/* getopt_long's answer to a word it does not know. Returns CLI_USAGE. */
int cli_bad_option(const struct command *command, char **argv, int opt);

/* A number within bounds: 0 or -EINVAL. */
int cli_number(const char *text, long min, long max, long *ret);

/* Parse the filter words that are left. CLI_OK, or CLI_USAGE after the message. */
int cli_filter(int argc, char **argv, struct filter **ret_filter);

/*
 * --kernel VERSION: a built-in profile ("6.12"), or what a release stands for ("6.6.40"). CLI_OK, or
 * CLI_USAGE after the message.
 */
int cli_kernel(const struct command *command, const char *word,
	       struct tcptimer_profile *ret_profile);

/* Columns of the terminal on stdout; 0 when stdout is none. */
unsigned int cli_width(void);
/* Blank lines of stdout can't be written (a closed pipe, a full disk): CLI_FAILED after saying so. */
int cli_flush(void);

/* ---- names.c: from a snapshot to a connection with its names ---- */

struct owners;
struct names {
	unsigned int hz;
	struct tcptimer_profile profile; /* the running kernel's */
	const struct owners *owners;     /* NULL: not looked up */
};

/* hz and profile of the running kernel. CLI_OK, or CLI_FAILED after saying why. */
int names_init(struct names *names);
/* The strings live until the next call. */
void names_fill(struct conn *conn, const struct tcptimer_snapshot *snap, const struct names *names);
/* The same without the deadline, which takes the engine's time. */
void names_fill_names(struct conn *conn, const struct tcptimer_snapshot *snap,
		      const struct names *names);

/* ---- conn_json.c ---- */

struct json_object;
struct json_out;
/* What an event says of its moment, in place of what the snapshot shows. */
struct conn_moment {
	enum tcptimer_timer timer; /* that fired; NONE: none did */
	bool stalled;
	int64_t stall_ms;
};
/*
 * The keys that `list` and `trace` share, documented in tcptimer-events(5), into an object that is open.
 * moment NULL: the soonest timer, and the stall as the snapshot has it.
 */
void conn_json_write(struct json_out *out, const struct conn *conn, int64_t time_ns,
		     const struct conn_moment *moment);
/* The same as an object of its own, of which nothing can be got but its text. NULL: no memory. */
struct json_object *conn_json(const struct conn *conn, int64_t time_ns);
/* deadline_cause; NULL: nothing ends it. */
const char *conn_json_cause(const struct conn *conn);
/* Print what was written. Returns CLI_OK or CLI_FAILED. */
int conn_json_line(struct json_out *out, const char *before, const char *after);
/* family, addresses, ports and cookie, into an object. */
void conn_json_addresses(struct json_object *object, const struct tcptimer_snapshot *snap);
/* A string from outside, as valid UTF-8; null for NULL. */
struct json_object *conn_json_text(const char *raw);
/* "ETIMEDOUT", or its number in decimal when libc has no name. Static storage or buf. */
const char *conn_errno(int err, char *buf, size_t size);
/* Print an object as one line. Returns CLI_OK or CLI_FAILED. Puts the object. */
int conn_json_print(struct json_object *object, const char *before, const char *after);

/* Offset from CLOCK_MONOTONIC to CLOCK_REALTIME, now. */
int64_t cli_realtime_offset_ns(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon's files share: its state, and what each of them does with it.
 * Receives nothing; hands declarations to user/daemon/.
 */
#ifndef TCPTIMER_DAEMON_IMPL_H
#define TCPTIMER_DAEMON_IMPL_H

#include "cli/cli.h" /* struct names */
#include "daemon/daemon.h"
#include "daemon/libs.h"
#include "daemon/load.h"
#include "daemon/log.h"
#include "daemon/watch.h"
#include "kernel/enforce.h"

struct trace_watch;
struct ctl_server;
struct metrics;
struct metrics_http;

struct daemon {
	const struct daemon_options *options;
	sd_event *event;
	struct names names; /* the kernel's profile and HZ */
	int64_t started_ns; /* CLOCK_REALTIME */
	uint64_t started_monotonic_ns;
	int lock_fd, pins_fd; /* locked while it lives */

	struct enforce *enforce; /* NULL: `policy clear` detached it */
	sd_event_source *enforce_source;
	sd_event_source *second_pass;
	bool adopted;          /* took over what another daemon had put in force */
	struct loaded running; /* what is in force, when `known` */
	bool known;
	char digest[SOURCE_DIGEST];
	char error[512]; /* why daemon_attach(), daemon_put() or daemon_clear() failed */

	struct watch *watch;
	char tried[SOURCE_DIGEST]; /* of the files when they were read last; "": never */
	int64_t reload_ns;         /* CLOCK_REALTIME of that */
	unsigned int reload_errors, reload_warnings;

	struct trace_watch *trace;
	struct ctl_server *ctl;
	int metrics_fd; /* listens; -1: no metrics, and the two below are NULL */
	struct metrics *metrics;
	struct metrics_http *metrics_http;
};

/* ---- daemon_policy.c: failures have their line in d->error ---- */

/* Loads or takes over the programs and puts them into the loop. */
int daemon_attach(struct daemon *d);
/* The policy of the start: kept, from files, or none. 0; -errno after logging why it can't start. */
int daemon_start_policy(struct daemon *d);
enum reload_reason { RELOAD_SIGNAL, RELOAD_FILES };
/* The files' policy in place of what is in force; what is wrong with it is logged and changes nothing. */
void daemon_reload(struct daemon *d, enum reload_reason reason);
/*
 * Puts a checked policy in force and takes it over, on success and on failure. A failure
 * leaves the one before in force.
 */
int daemon_put(struct daemon *d, struct loaded *loaded, struct enforce_pass *ret_pass);
/* Detaches and takes all away; the daemon stays. */
int daemon_clear(struct daemon *d, struct enforce_pass *ret_pass, bool *ret_was);
/* Tells systemd in one line what goes on. */
void daemon_tell(struct daemon *d);

/* ---- daemon_answer.c ---- */

struct json_object;
struct ctl_request;
/* The whole answer to a request. NULL: no memory. */
struct json_object *daemon_answer(struct daemon *d, struct ctl_request *request);

/* ---- trace_watch.c: the ends of connections ---- */

int trace_watch_new(struct daemon *d, struct trace_watch **ret_watch);
/* The policy has changed, and with new_pins the maps that it lies in. NULL: nothing to tell yet. */
void trace_watch_policy(struct trace_watch *watch, bool new_pins);
/* The running policy goes: nothing of it may be used any more. */
void trace_watch_forget(struct trace_watch *watch);
void trace_watch_free(struct trace_watch *watch);
/* Adds the keys of `status`. */
void trace_watch_json(struct trace_watch *watch, struct json_object *object);

struct metrics_page;
struct metrics_loss;
#define TRACE_WATCH_LOSSES 5
/* Fills the page's events, foretold and losses; `losses`, TRACE_WATCH_LOSSES of them, lives as long. */
void trace_watch_metrics(const struct trace_watch *watch, struct metrics_page *page,
			 struct metrics_loss *losses);

/* ---- ctl_server.c ---- */

int ctl_server_new(struct daemon *d, struct ctl_server **ret_server);
void ctl_server_free(struct ctl_server *server);
struct json_object *ctl_server_json(const struct ctl_server *server);

/* ---- metrics.c: what there is to tell ---- */

int metrics_new(struct daemon *d, struct metrics **ret_metrics);
/* The policy has changed, and with new_pins the maps that it lies in. NULL: nothing to do. */
void metrics_policy(struct metrics *metrics, bool new_pins);
/*
 * The text of a scrape, at most a second old: borrowed until the next call. NULL: no memory.
 */
const char *metrics_text_of(struct metrics *metrics, bool openmetrics, size_t *ret_size);
void metrics_free(struct metrics *metrics);

/* ---- metrics_http.c: who asks ---- */

/* Listens, before privileges go. 0 or -errno after logging. */
int metrics_http_listen(struct daemon *d);
int metrics_http_new(struct daemon *d, struct metrics_http **ret_http);
void metrics_http_free(struct metrics_http *http);

/* ---- confine.c ---- */

/* Capabilities, system calls and resources that it will not need from here on. 0 or -errno after logging. */
int confine(void);

#endif

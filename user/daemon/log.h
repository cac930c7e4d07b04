/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: journald with fields when stderr is the journal, else lines on stderr.
 * Receives one line with values that the caller has escaped; bounds how many lines a source may cause.
 */
#ifndef TCPTIMER_DAEMON_LOG_H
#define TCPTIMER_DAEMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

/* Who causes the lines: each may fill its own share only. */
enum log_source {
	LOG_SOURCE_DAEMON,   /* starts, stops, reloads: not bounded */
	LOG_SOURCE_FINDINGS, /* what is wrong with files */
	LOG_SOURCE_ENDS,     /* connections that policy ended */
	LOG_SOURCE_AUDIT,    /* what it would have done */
	LOG_SOURCE_CLIENTS,  /* who speaks to the control socket */
	LOG_SOURCES,
};

/* A journal field: "TCPTIMER_RULE", "db-clients". Values may be any bytes. */
struct log_field {
	const char *name, *value;
};
#define LOG_FIELDS_MAX 12

void log_open(void);
/* priority: LOG_ERR … of syslog.h; fields may be NULL. */
void log_line(enum log_source source, int priority, const struct log_field *fields, size_t count,
	      const char *format, ...) __attribute__((format(printf, 5, 6)));
#define log_info(...) log_line(LOG_SOURCE_DAEMON, LOG_INFO, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_line(LOG_SOURCE_DAEMON, LOG_WARNING, NULL, 0, __VA_ARGS__)
#define log_error(...) log_line(LOG_SOURCE_DAEMON, LOG_ERR, NULL, 0, __VA_ARGS__)
/* Lines left out so far, since their source had its share. */
uint64_t log_left_out(void);

#endif

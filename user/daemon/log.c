// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's log: journald with fields when stderr is the journal, else lines on stderr.
 * Receives one line with values that the caller has escaped; bounds how many lines a source may cause.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "daemon/libs.h"
#include "daemon/log.h"

#define LOG_LINE 2048
#define LOG_SHARE 100  /* lines of one source ... */
#define LOG_SHARE_S 10 /* ... in this time */

static struct {
	time_t since;
	unsigned int lines;
	uint64_t left_out, told; /* of those left out, so many have been told about */
} shares[LOG_SOURCES];
static bool journal;

/* systemd.exec(5): device and inode of the stream that stderr was at the start. */
void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	journal = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
		  !fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

uint64_t log_left_out(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LOG_SOURCES; i++)
		sum += shares[i].left_out;
	return sum;
}

static void send_journal(int priority, const struct log_field *fields, size_t count,
			 const char *line)
{
	char text[LOG_LINE + 8], level[16], *extra[LOG_FIELDS_MAX] = {};
	struct iovec iov[LOG_FIELDS_MAX + 3];
	int n = 0;

	snprintf(text, sizeof(text), "MESSAGE=%s", line);
	snprintf(level, sizeof(level), "PRIORITY=%d", priority);
	iov[n++] = (struct iovec){ text, strlen(text) };
	iov[n++] = (struct iovec){ level, strlen(level) };
	for (size_t i = 0; i < count && i < LOG_FIELDS_MAX; i++) {
		if (!fields[i].value ||
		    asprintf(&extra[i], "%s=%s", fields[i].name, fields[i].value) < 0)
			continue;
		iov[n++] = (struct iovec){ extra[i], strlen(extra[i]) };
	}
	sd_journal_sendv(iov, n);
	for (size_t i = 0; i < LOG_FIELDS_MAX; i++)
		free(extra[i]);
}

static void send_line(int priority, const struct log_field *fields, size_t count, const char *line)
{
	if (journal)
		send_journal(priority, fields, count, line);
	else
		fprintf(stderr, "tcptimer: %s\n", line);
}

/* Whether the source has some of its share left; tells of what was left out once it has again. */
static bool take_share(enum log_source source)
{
	char line[128];
	struct timespec now;

	if (source == LOG_SOURCE_DAEMON)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!shares[source].since || now.tv_sec - shares[source].since >= LOG_SHARE_S) {
		shares[source].since = now.tv_sec;
		shares[source].lines = 0;
		if (shares[source].left_out != shares[source].told) {
			snprintf(line, sizeof(line), "%llu lines like the next were left out",
				 (unsigned long long)(shares[source].left_out -
						      shares[source].told));
			shares[source].told = shares[source].left_out;
			send_line(LOG_WARNING, NULL, 0, line);
		}
	}
	if (shares[source].lines >= LOG_SHARE) {
		shares[source].left_out++;
		return false;
	}
	shares[source].lines++;
	return true;
}

void log_line(enum log_source source, int priority, const struct log_field *fields, size_t count,
	      const char *format, ...)
{
	char line[LOG_LINE];
	va_list args;

	if (!take_share(source))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	send_line(priority, fields, count, line);
}

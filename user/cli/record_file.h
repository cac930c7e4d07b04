/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file or pipe that a recording goes to.
 * Receives whole records; hands them to the kernel a batch at a time, and never waits for a reader
 * beyond the recording's end.
 */
#ifndef TCPTIMER_CLI_RECORD_FILE_H
#define TCPTIMER_CLI_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_BUFFER (64U << 10) /* bytes held back until a batch of events is over */

struct record_file {
	const char *path; /* "-": stdout */
	int fd;
	int stop_fds[2];   /* readable when the recording is to end; -1: none */
	bool regular;      /* a file that can be cut */
	uint64_t at_begin; /* where the recording begins in it */
	uint64_t flushed;  /* bytes of the recording that are in it */
	size_t held;
	char buffer[RECORD_BUFFER];
};

/* CLI_OK, or CLI_FAILED after the message. */
int record_file_open(struct record_file *file);
/* For recording_writer.write: 0 or a negative errno. */
int record_file_write(void *file, const void *data, size_t len);
/* 0, or a negative errno: -EINTR when it was to end while a pipe was full. */
int record_file_flush(struct record_file *file);
/* Says what went wrong. Returns CLI_FAILED. */
int record_file_fail(const struct record_file *file, int err);
/* Cut what is not a whole record, close. 0 or a negative errno. */
int record_file_close(struct record_file *file, bool failed);

#endif

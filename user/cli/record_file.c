// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file or pipe that a recording goes to.
 * Receives whole records from record.c; hands them to the kernel a batch at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/record_file.h"
#include "text.h"

int record_file_open(struct record_file *f)
{
	struct stat st;
	char safe[512];

	if (strcmp(f->path, "-")) {
		/* What a host's connections are is for its administrator. */
		f->fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (f->fd < 0)
			return cli_fail("'%s': %s", text_escape(f->path, safe, sizeof(safe)),
					strerror(errno));
	} else {
		f->fd = STDOUT_FILENO;
		if (isatty(f->fd))
			return cli_fail("a recording is no text for a terminal: name a FILE, or "
					"pipe it into a program");
	}
	if (!fstat(f->fd, &st) && S_ISREG(st.st_mode)) {
		off_t at = lseek(f->fd, 0, SEEK_CUR);

		f->regular = at >= 0;
		f->at_begin = at > 0 ? (uint64_t)at : 0;
	}
	return CLI_OK;
}

/* Room for PIPE_BUF bytes in the pipe, or the end of the recording while there is none. */
static int file_await(const struct record_file *f)
{
	struct pollfd fds[3] = {
		{ .fd = f->fd, .events = POLLOUT },
		{ .fd = f->stop_fds[0], .events = POLLIN },
		{ .fd = f->stop_fds[1], .events = POLLIN },
	};

	while (poll(fds, 3, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return fds[0].revents ? 0 : -EINTR;
}

static int file_write_out(struct record_file *f, const char *data, size_t len)
{
	while (len) {
		size_t piece = f->regular || len < PIPE_BUF ? len : PIPE_BUF;
		int err = f->regular ? 0 : file_await(f);
		ssize_t done;

		if (err)
			return err;
		done = write(f->fd, data, piece);
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done < 0)
			continue;
		data += done;
		len -= (size_t)done;
	}
	return 0;
}

int record_file_flush(struct record_file *f)
{
	int err = f->held ? file_write_out(f, f->buffer, f->held) : 0;

	if (!err)
		f->flushed += f->held;
	f->held = 0;
	return err;
}

int record_file_write(void *file, const void *data, size_t len)
{
	struct record_file *f = file;

	if (f->held + len > sizeof(f->buffer)) {
		int err = record_file_flush(f);

		if (err)
			return err;
	}
	memcpy(f->buffer + f->held, data, len);
	f->held += len;
	return 0;
}

int record_file_fail(const struct record_file *f, int err)
{
	char safe[512];

	text_escape(f->path, safe, sizeof(safe));
	switch (err) {
	case -EPIPE:
		return cli_fail("'%s': the reader of the pipe has gone; the recording ends here",
				safe);
	case -EINTR:
		return cli_fail("'%s': the reader of the pipe did not take it all; the recording "
				"ends without an end mark",
				safe);
	default:
		return cli_fail("'%s': %s; %s", safe, strerror(-err),
				f->flushed ? "what was written before can be replayed" :
					     "nothing could be written");
	}
}

/* Half a record at the end of a full disk would be no harm; without it the file is whole. */
int record_file_close(struct record_file *f, bool failed)
{
	int err = 0;

	if (failed && f->regular && ftruncate(f->fd, (off_t)(f->at_begin + f->flushed)))
		err = -errno;
	if (f->fd != STDOUT_FILENO && close(f->fd) && !err)
		err = -errno;
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other end of the control socket: one request, one answer.
 * Receives a request from a command; hands it the daemon's answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/ctl_client.h"

/* A policy for a host with many namespaces takes its time; nothing else does. */
#define CALL_TIMEOUT_S 120

static int client_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = CALL_TIMEOUT_S };
	int fd, err = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	if (err)
		close(fd);
	else
		*ret_fd = fd;
	return err;
}

static int client_send(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* It has turned away what it does not want, and its answer says why. */
		if (n < 0)
			return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static int client_receive(int fd, struct ctl_frame *frame)
{
	char bytes[65536];
	int state = 0;

	while (!state) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EBADMSG;
		state = ctl_frame_take(frame, bytes, (size_t)n);
	}
	return state < 0 ? state : 0;
}

int ctl_client_call(const char *path, const struct ctl_request *request, char **ret_answer,
		    size_t *ret_size)
{
	struct ctl_frame frame = { .max = CTL_ANSWER_MAX };
	char *bytes = NULL;
	int fd = -1, err;
	size_t size;

	err = ctl_frame_make(ctl_request_json(request), CTL_REQUEST_MAX, &bytes, &size);
	if (!err)
		err = client_connect(path, &fd);
	if (!err)
		err = client_send(fd, bytes, size);
	if (!err)
		err = client_receive(fd, &frame);
	if (!err) {
		*ret_answer = frame.bytes;
		*ret_size = frame.length;
		frame.bytes = NULL;
	}
	ctl_frame_free(&frame);
	free(bytes);
	if (fd >= 0)
		close(fd);
	return err;
}

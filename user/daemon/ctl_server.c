// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: one request and one answer a connection, never waiting for either end.
 * Receives bytes of clients, also hostile ones; hands requests to daemon_answer.c, answers to clients.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <json-c/json.h>
#include "daemon/ctl_proto.h"
#include "daemon/daemon_impl.h"
#include "text.h"

#define CLIENTS_MAX 16
#define CLIENT_IDLE_US 5000000   /* without a byte either way */
#define CLIENT_WHOLE_US 60000000 /* from accept to close, whatever it does */
#define CLIENT_CHUNK 65536       /* bytes at a turn, so that others have theirs */

struct client {
	struct ctl_server *server;
	int fd; /* -1: free */
	pid_t pid;
	sd_event_source *io, *idle, *whole;
	struct ctl_frame frame;
	char *answer;
	size_t answer_size, sent;
};

struct ctl_server {
	struct daemon *d;
	int fd;
	sd_event_source *accept;
	struct client clients[CLIENTS_MAX];
	unsigned int count;
	uint64_t served, refused;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static void client_close(struct client *c)
{
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->idle);
	sd_event_source_disable_unref(c->whole);
	ctl_frame_free(&c->frame);
	free(c->answer);
	close(c->fd);
	c->server->count--;
	*c = (struct client){ .server = c->server, .fd = -1 };
}

static void client_log(const struct client *c, const char *words)
{
	log_line(LOG_SOURCE_CLIENTS, LOG_WARNING, NULL, 0, "control socket: pid %d %s", c->pid,
		 words);
}

static int client_late(sd_event_source *source, uint64_t usec, void *arg)
{
	struct client *c = arg;

	client_log(c, "was too slow and is closed");
	c->server->refused++;
	client_close(c);
	return 0;
}

static void client_progress(struct client *c)
{
	sd_event_source_set_time_relative(c->idle, CLIENT_IDLE_US);
}

/* Sends what the client takes now. */
static void client_send(struct client *c)
{
	size_t left = c->answer_size - c->sent;
	ssize_t n = send(c->fd, c->answer + c->sent, left < CLIENT_CHUNK ? left : CLIENT_CHUNK,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		c->server->refused++;
		client_close(c);
		return;
	}
	client_progress(c);
	c->sent += (size_t)n;
	if (c->sent < c->answer_size)
		return;
	c->server->served++;
	client_close(c);
}

static void client_answer(struct client *c, struct json_object *answer)
{
	int err = ctl_frame_make(answer, CTL_ANSWER_MAX, &c->answer, &c->answer_size);

	if (err == -EMSGSIZE)
		err = ctl_frame_make(ctl_answer_error("the answer is too large", NULL),
				     CTL_ANSWER_MAX, &c->answer, &c->answer_size);
	ctl_frame_free(&c->frame);
	if (err || sd_event_source_set_io_events(c->io, EPOLLOUT) < 0) {
		client_log(c, "gets no answer: no memory");
		client_close(c);
		return;
	}
	client_progress(c);
}

static void client_request(struct client *c)
{
	struct ctl_request request;
	char error[256];
	int err =
		ctl_request_parse(c->frame.bytes, c->frame.length, &request, error, sizeof(error));

	ctl_frame_free(&c->frame);
	if (err) {
		client_log(c, "sent no request that is known");
		c->server->refused++;
		client_answer(c, ctl_answer_error(err == -ENOMEM ? "no memory" : error, NULL));
		return;
	}
	client_answer(c, daemon_answer(c->server->d, &request));
	ctl_request_free(&request);
}

static void client_receive(struct client *c)
{
	char bytes[CLIENT_CHUNK];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int state;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	client_progress(c);
	state = ctl_frame_take(&c->frame, bytes, (size_t)n);
	if (state > 0) {
		client_request(c);
	} else if (state < 0) {
		client_log(c, "sent no request, or one that is too large");
		c->server->refused++;
		client_answer(c, ctl_answer_error(state == -ENOMEM ?
							  "no memory" :
							  "no request of a length that is taken",
						  NULL));
	}
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct client *c = arg;

	if (c->answer && revents & EPOLLOUT)
		client_send(c);
	else if (!c->answer && revents & (EPOLLIN | EPOLLHUP))
		client_receive(c);
	else
		client_close(c);
	return 0;
}

/* Root, or who runs the daemon. The mode of the socket says the same; this holds wherever it lies. */
static bool may_speak(int fd, pid_t *ret_pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	*ret_pid = peer.pid;
	return peer.uid == 0 || peer.uid == geteuid();
}

/* Says no without waiting: what does not fit the socket's buffer is not sent. */
static void turn_away(struct ctl_server *s, int fd, const char *words)
{
	char *frame;
	size_t size;

	s->refused++;
	if (!ctl_frame_make(ctl_answer_error(words, NULL), CTL_ANSWER_MAX, &frame, &size)) {
		send(fd, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		free(frame);
	}
	close(fd);
}

static int client_open(struct ctl_server *s, struct client *c, int fd, pid_t pid)
{
	int err;

	*c = (struct client){ .server = s, .fd = fd, .pid = pid };
	c->frame.max = CTL_REQUEST_MAX;
	s->count++;
	err = sd_event_add_io(s->d->event, &c->io, fd, EPOLLIN, on_client, c);
	if (err >= 0)
		err = sd_event_add_time_relative(s->d->event, &c->idle, CLOCK_MONOTONIC,
						 CLIENT_IDLE_US, 100000, client_late, c);
	if (err >= 0)
		err = sd_event_add_time_relative(s->d->event, &c->whole, CLOCK_MONOTONIC,
						 CLIENT_WHOLE_US, 1000000, client_late, c);
	if (err < 0)
		client_close(c);
	return err;
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t revents, void *arg)
{
	struct ctl_server *s = arg;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	pid_t pid = 0;

	if (fd < 0)
		return 0;
	if (!may_speak(fd, &pid)) {
		log_line(LOG_SOURCE_CLIENTS, LOG_WARNING, NULL, 0,
			 "control socket: pid %d is not root's and is turned away", pid);
		turn_away(s, fd, "only root may speak to the daemon");
		return 0;
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (s->clients[i].fd < 0) {
			client_open(s, &s->clients[i], fd, pid);
			return 0;
		}
	}
	turn_away(s, fd, "the daemon is serving as many as it can; try again");
	return 0;
}

static int listen_at(struct ctl_server *s, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int err = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	/* One that a daemon left which was killed: the lock says that none runs. */
	unlink(path);
	mask = umask(0177);
	if (bind(s->fd, (struct sockaddr *)&address, sizeof(address)) || listen(s->fd, 64))
		err = -errno;
	umask(mask);
	if (!err)
		strcpy(s->path, path);
	return err;
}

int ctl_server_new(struct daemon *d, struct ctl_server **ret_server)
{
	struct ctl_server *s = calloc(1, sizeof(*s));
	char safe[256];
	int err = -ENOMEM;

	if (s) {
		s->d = d;
		s->fd = -1;
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			s->clients[i].fd = -1;
		err = listen_at(s, d->options->socket);
	}
	if (!err)
		err = sd_event_add_io(d->event, &s->accept, s->fd, EPOLLIN, on_accept, s);
	if (err < 0) {
		log_error("the control socket %s: %s; --socket names another place",
			  text_escape(d->options->socket, safe, sizeof(safe)), strerror(-err));
		ctl_server_free(s);
		return err;
	}
	*ret_server = s;
	return 0;
}

void ctl_server_free(struct ctl_server *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			client_close(&s->clients[i]);
	sd_event_source_disable_unref(s->accept);
	if (s->fd >= 0)
		close(s->fd);
	if (s->path[0])
		unlink(s->path);
	free(s);
}

struct json_object *ctl_server_json(const struct ctl_server *s)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "now", json_object_new_int64(s->count));
	json_object_object_add(o, "max", json_object_new_int64(CLIENTS_MAX));
	json_object_object_add(o, "served", json_object_new_int64((int64_t)s->served));
	json_object_object_add(o, "refused", json_object_new_int64((int64_t)s->refused));
	return o;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics: who asks. libmicrohttpd without threads, driven by the daemon's loop.
 * Receives requests of scrapers, also hostile ones; hands them the text of metrics.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "daemon/daemon_impl.h"
#include "metrics_words.h"
#include "text.h"

#define CONNECTIONS_MAX 16     /* more wait in the kernel's queue until one is done */
#define CONNECTION_IDLE_S 5    /* without a byte either way */
#define CONNECTION_WHOLE_S 10  /* from accept to close, whatever it does */
#define CONNECTION_MEMORY 8192 /* the head of a request; a larger one is refused */
#define NEVER UINT64_MAX

struct metrics_connection {
	struct MHD_Connection *handle; /* NULL: free */
	uint64_t until_us;             /* CLOCK_MONOTONIC */
};

struct metrics_http {
	struct daemon *d;
	struct MHD_Daemon *mhd;
	sd_event_source *ready, *timer;
	struct metrics_connection connections[CONNECTIONS_MAX];
	bool closed; /* a connection, in the running MHD_run() */
};

static uint64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- one request ---- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned int status, const char *type,
			      const char *body, size_t size)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, (void *)body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	/* Its place is for the next one: scrapers come seconds apart. */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_words(struct MHD_Connection *c, unsigned int status,
				    const char *words)
{
	return answer(c, status, "text/plain; charset=utf-8", words, strlen(words));
}

static enum MHD_Result answer_metrics(struct metrics_http *http, struct MHD_Connection *c)
{
	const char *accept =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	bool openmetrics = metrics_accepts_openmetrics(accept);
	size_t size = 0;
	const char *text = metrics_text_of(http->d->metrics, openmetrics, &size);

	if (!text)
		return answer_words(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory\n");
	return answer(c, MHD_HTTP_OK,
		      openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
				    "text/plain; version=0.0.4; charset=utf-8",
		      text, size);
}

/* Called with the head of a request; answered at once, so that a body is never waited for. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer_words(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
	if (!strcmp(url, "/metrics"))
		return answer_metrics(arg, c);
	if (!strcmp(url, "/health"))
		return answer_words(c, MHD_HTTP_OK, "ok\n");
	return answer_words(c, MHD_HTTP_NOT_FOUND, "there are /metrics and /health\n");
}

/* Paths are compared as they came: what is written otherwise is another one. */
static size_t unescape(void *arg, struct MHD_Connection *c, char *text)
{
	return strlen(text);
}

/* ---- the loop ---- */

/* When the library wants to be called, or the first connection has had its time. */
static void arm(struct metrics_http *http)
{
	uint64_t until_us = NEVER;
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (MHD_get_timeout(http->mhd, &wait_ms) == MHD_YES)
		until_us = monotonic_us() + wait_ms * 1000;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (http->connections[i].handle && http->connections[i].until_us < until_us)
			until_us = http->connections[i].until_us;
	if (until_us != NEVER)
		sd_event_source_set_time(http->timer, until_us);
	sd_event_source_set_enabled(http->timer,
				    until_us == NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/*
 * With all places taken the library waits for no new connections, and takes that up again as it is
 * called after one has gone: nothing else would call it then.
 */
static void run(struct metrics_http *http)
{
	do {
		http->closed = false;
		MHD_run(http->mhd);
	} while (http->closed);
	arm(http);
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	run(arg);
	return 0;
}

/* The library's timeout is for silence only: one byte in a while would hold a place for ever. */
static int on_time(sd_event_source *source, uint64_t usec, void *arg)
{
	struct metrics_http *http = arg;
	uint64_t now_us = monotonic_us();

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct metrics_connection *c = &http->connections[i];
		const union MHD_ConnectionInfo *info;

		if (!c->handle || c->until_us > now_us)
			continue;
		c->until_us = NEVER;
		info = MHD_get_connection_info(c->handle, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		log_line(LOG_SOURCE_CLIENTS, LOG_WARNING, NULL, 0,
			 "metrics: a client was too slow and is closed");
	}
	run(http);
	return 0;
}

static void on_connection(void *arg, struct MHD_Connection *handle, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct metrics_http *http = arg;
	struct metrics_connection *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (c)
			*c = (struct metrics_connection){};
		http->closed = true;
		return;
	}
	for (size_t i = 0; i < CONNECTIONS_MAX && !*context; i++) {
		c = &http->connections[i];
		if (c->handle)
			continue;
		*c = (struct metrics_connection){ handle, monotonic_us() +
								  CONNECTION_WHOLE_S * 1000000ULL };
		*context = c;
	}
}

/* ---- its life ---- */

/* A socket that a daemon left which was killed; one that answers is another daemon's. */
static bool is_left_over(const struct metrics_address *address)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&address->addr;
	struct stat st;
	bool left;
	int fd;

	if (address->addr.ss_family != AF_UNIX || lstat(un->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	left = fd >= 0 && connect(fd, (const struct sockaddr *)un, address->length) &&
	       errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return left && !unlink(un->sun_path);
}

static int bind_to(int fd, const struct metrics_address *address)
{
	const struct sockaddr *addr = (const struct sockaddr *)&address->addr;
	mode_t mask =
		umask(0117); /* a UNIX socket is for root, and for the group of its directory */
	int on = 1, off = 0, err;

	if (addr->sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	err = bind(fd, addr, address->length) ? -errno : 0;
	if (err == -EADDRINUSE && is_left_over(address))
		err = bind(fd, addr, address->length) ? -errno : 0;
	umask(mask);
	if (!err && listen(fd, 64))
		err = -errno;
	return err;
}

int metrics_http_listen(struct daemon *d)
{
	struct metrics_address address;
	const char *words = NULL;
	char safe[512];
	int err = metrics_address_parse(d->options->metrics, &address, &words);

	if (err) {
		log_error("--metrics '%s': %s",
			  text_escape(d->options->metrics, safe, sizeof(safe)), words);
		return err;
	}
	if (!libs_load_microhttpd())
		return -ELIBACC;
	d->metrics_fd =
		socket(address.addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	err = d->metrics_fd < 0 ? -errno : bind_to(d->metrics_fd, &address);
	metrics_address_text(&address, safe, sizeof(safe));
	if (err) {
		log_error("metrics at %s: %s; --metrics names another place", safe, strerror(-err));
		return err;
	}
	log_info("metrics at %s%s", safe,
		 metrics_address_is_local(&address) ? "" :
						      ", for everyone who reaches that address");
	return 0;
}

int metrics_http_new(struct daemon *d, struct metrics_http **ret_http)
{
	struct metrics_http *http = calloc(1, sizeof(*http));
	const union MHD_DaemonInfo *info = NULL;
	int err = -ENOMEM;

	if (http) {
		http->d = d;
		http->mhd = MHD_start_daemon(
			MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET,
			d->metrics_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_IDLE_S,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
			MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
			on_connection, http, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
			MHD_OPTION_END);
	}
	if (http && http->mhd) {
		d->metrics_fd = -1; /* the library's now */
		info = MHD_get_daemon_info(http->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	}
	if (info)
		err = sd_event_add_io(d->event, &http->ready, info->epoll_fd, EPOLLIN, on_ready,
				      http);
	if (err >= 0)
		err = sd_event_add_time(d->event, &http->timer, CLOCK_MONOTONIC, NEVER, 10000,
					on_time, http);
	if (err < 0) {
		log_error("metrics: libmicrohttpd: %s", strerror(-err));
		metrics_http_free(http);
		return err;
	}
	/* As the trace, whose events a flood of scrapes must not keep waiting, and after all else. */
	sd_event_source_set_priority(http->ready, SD_EVENT_PRIORITY_IDLE);
	sd_event_source_set_priority(http->timer, SD_EVENT_PRIORITY_IDLE);
	arm(http);
	*ret_http = http;
	return 0;
}

void metrics_http_free(struct metrics_http *http)
{
	struct metrics_address address;
	const char *words;

	if (!http)
		return;
	sd_event_source_disable_unref(http->ready);
	sd_event_source_disable_unref(http->timer);
	if (http->mhd)
		MHD_stop_daemon(http->mhd);
	if (!metrics_address_parse(http->d->options->metrics, &address, &words) &&
	    address.addr.ss_family == AF_UNIX)
		unlink(((struct sockaddr_un *)&address.addr)->sun_path);
	free(http);
}

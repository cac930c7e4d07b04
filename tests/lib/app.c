// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives wishes for sockets of this host, the application's end of the test's connections.
 * Hands on descriptors, and what the kernel tells the application about them.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include "peer.h"
#include "sys.h"

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t addr_make(int family, bool remote, uint16_t port, union sockaddr_any *ret_addr)
{
	uint8_t raw[16];

	tun_addr(family, remote, raw);
	memset(ret_addr, 0, sizeof(*ret_addr));
	ret_addr->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&ret_addr->in.sin_addr, raw, 4);
		ret_addr->in.sin_port = htons(port);
		return sizeof(ret_addr->in);
	}
	memcpy(&ret_addr->in6.sin6_addr, raw, 16);
	ret_addr->in6.sin6_port = htons(port);
	return sizeof(ret_addr->in6);
}

int app_socket(int family)
{
	return MUST(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void app_connect_socket(int fd, const struct peer *peer)
{
	union sockaddr_any addr;
	socklen_t len = addr_make(peer->family, true, peer->port, &addr);

	CHECK(connect(fd, &addr.sa, len) < 0 && errno == EINPROGRESS, "connect: %s",
	      strerror(errno));
}

int app_connect(const struct peer *peer)
{
	int fd = app_socket(peer->family);

	app_connect_socket(fd, peer);
	return fd;
}

int app_established(struct peer *peer)
{
	int fd = app_connect(peer);

	peer_accept(peer);
	CHECK(app_error(fd) == 0, "connect failed");
	return fd;
}

int app_listen(int family, uint16_t *ret_port)
{
	int fd = app_socket(family);
	union sockaddr_any addr;
	socklen_t len = addr_make(family, false, 0, &addr);

	MUST(bind(fd, &addr.sa, len));
	MUST(listen(fd, 1024));
	*ret_port = app_port(fd);
	return fd;
}

int app_accept(int listener)
{
	struct pollfd pollfd = { .fd = listener, .events = POLLIN };

	CHECK(poll(&pollfd, 1, 5000) == 1, "nothing to accept");
	return MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

uint16_t app_port(int fd)
{
	union sockaddr_any addr;
	socklen_t len = sizeof(addr);

	MUST(getsockname(fd, &addr.sa, &len));
	return ntohs(addr.in.sin_port);
}

uint64_t app_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	MUST(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	return cookie;
}

int app_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	return error;
}

void app_set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		FAIL("setsockopt %d/%d=%d: %s", level, option, value, strerror(errno));
}

void app_send(int fd, size_t len)
{
	static const char data[65536];
	ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

	CHECK(sent == (ssize_t)len, "send: %zd of %zu: %s", sent, len, strerror(errno));
}

int app_await_error(int fd, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = 0 };

	if (poll(&pollfd, 1, timeout_ms) != 1)
		return 0;
	return app_error(fd);
}

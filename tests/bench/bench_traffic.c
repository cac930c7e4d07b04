// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_traffic PROCS CONNECTIONS MEBIBYTES CALLS: joins the cgroup whose cgroup.procs PROCS is (or "-"),
 * then works over loopback in a namespace of its own. Hands one line to stdout: ns a connection (connect,
 * accept, close, close), ns a MiB of bulk, ns a setsockopt() of a TCP option.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/figure.h"

#define CHUNK (256u << 10)

static int must(int value, const char *what)
{
	if (value < 0) {
		fprintf(stderr, "bench_traffic: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return value;
}

static void cgroup_enter(const char *procs)
{
	int fd;

	if (!strcmp(procs, "-"))
		return;
	fd = must(open(procs, O_WRONLY | O_CLOEXEC), procs);
	must((int)write(fd, "0", 1), "cgroup.procs");
	close(fd);
}

static void netns_new(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	must(unshare(CLONE_NEWNET), "unshare");
	fd = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	must(ioctl(fd, SIOCSIFFLAGS, &ifr), "lo up");
	close(fd);
}

static int listener_new(struct sockaddr_in *ret_addr)
{
	socklen_t len = sizeof(*ret_addr);
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	*ret_addr = (struct sockaddr_in){ .sin_family = AF_INET };
	ret_addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(fd, (struct sockaddr *)ret_addr, len), "bind");
	must(listen(fd, 128), "listen");
	must(getsockname(fd, (struct sockaddr *)ret_addr, &len), "getsockname");
	return fd;
}

static int connected(const struct sockaddr_in *addr, int listener, int *ret_accepted)
{
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	must(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), "connect");
	*ret_accepted = must(accept(listener, NULL, NULL), "accept");
	return fd;
}

/* Ended by a reset, so that no TIME_WAIT piles up and takes the ports. */
static double connections_ns(unsigned int count)
{
	const struct linger reset = { 1, 0 };
	struct sockaddr_in addr;
	int listener = listener_new(&addr), accepted;
	uint64_t start = figure_now_ns();
	unsigned int i;

	for (i = 0; i < count; i++) {
		int fd = connected(&addr, listener, &accepted);

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		close(accepted);
	}
	start = figure_now_ns() - start;
	close(listener);
	return count ? (double)start / count : 0;
}

static double bulk_ns(unsigned int mebibytes)
{
	static char chunk[CHUNK];
	struct sockaddr_in addr;
	int listener = listener_new(&addr), accepted;
	int fd = connected(&addr, listener, &accepted);
	size_t left = (size_t)mebibytes << 20;
	uint64_t start;
	pid_t reader = must(fork(), "fork");

	if (!reader) {
		close(fd);
		while (read(accepted, chunk, sizeof(chunk)) > 0)
			;
		_exit(0);
	}
	close(accepted);
	start = figure_now_ns();
	while (left) {
		ssize_t sent = must((int)write(fd, chunk, left < CHUNK ? left : CHUNK), "write");

		left -= (size_t)sent;
	}
	close(fd);
	waitpid(reader, NULL, 0);
	start = figure_now_ns() - start;
	close(listener);
	return mebibytes ? (double)start / mebibytes : 0;
}

static double calls_ns(unsigned int count)
{
	int value = 15000, fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
	uint64_t start = figure_now_ns();
	unsigned int i;

	for (i = 0; i < count; i++)
		must(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value)),
		     "TCP_USER_TIMEOUT");
	start = figure_now_ns() - start;
	close(fd);
	return count ? (double)start / count : 0;
}

int main(int argc, char **argv)
{
	double connection, bulk, call;

	if (argc != 5) {
		fprintf(stderr, "bench_traffic PROCS CONNECTIONS MEBIBYTES CALLS: 4 words\n");
		return 2;
	}
	cgroup_enter(argv[1]);
	netns_new();
	connection = connections_ns((unsigned int)atoi(argv[2]));
	bulk = bulk_ns((unsigned int)atoi(argv[3]));
	call = calls_ns((unsigned int)atoi(argv[4]));
	printf("%.1f %.1f %.1f\n", connection, bulk, call);
	return 0;
}

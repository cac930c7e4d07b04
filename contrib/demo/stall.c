/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The applications of the demo and the peer that they talk to: plain sockets and system calls.
 * Receives its part from contrib/demo/demo.sh; hands back on stdout "ready", and at the end
 * "end CALL ERROR SECONDS": what the application saw of its stall.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LIFETIME_S 60 /* nothing of the demo outlives this */
#define PEER_FDS_MAX 32
#define DEAF_RCVBUF 8192 /* small: its window closes after a few segments */
#define KEEPALIVE_IDLE_S 3
#define KEEPALIVE_INTERVAL_S 1
#define KEEPALIVE_PROBES 3

static const char usage_text[] = "usage: demo-stall peer ANSWERING_PORT DEAF_PORT\n"
				 "       demo-stall request|connect|stream|idle NAME ADDR PORT\n";

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "demo-stall: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *error_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{ 0, "OK" },
		{ ETIMEDOUT, "ETIMEDOUT" },
		{ ECONNRESET, "ECONNRESET" },
		{ ECONNREFUSED, "ECONNREFUSED" },
		{ EHOSTUNREACH, "EHOSTUNREACH" },
		{ ENETUNREACH, "ENETUNREACH" },
		{ EPIPE, "EPIPE" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].err == err)
			return names[i].name;
	}
	return "OTHER";
}

static void report_ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* What the call returned to the application: an error, or 0 for success. */
static int report_end(const char *call, int err, double since_s)
{
	printf("end %s %s %.1f\n", call, error_name(err), now_s() - since_s);
	return fflush(stdout) ? 1 : 0;
}

static struct sockaddr_in address(const char *addr, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	if (*end || !number || number > 65535 || inet_pton(AF_INET, addr, &sin.sin_addr) != 1) {
		fprintf(stderr, "demo-stall: not an IPv4 address and port: '%s' '%s'\n", addr,
			port);
		exit(2);
	}
	sin.sin_port = htons((in_port_t)number);
	return sin;
}

static void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die("setsockopt");
}

static int listen_on(const char *port, int rcvbuf)
{
	struct sockaddr_in sin = address("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (rcvbuf)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 16))
		die("listen");
	return fd;
}

/* The peer: answers on one port; on the other it accepts and never reads. */
static int run_peer(const char *answering_port, const char *deaf_port)
{
	struct pollfd fds[PEER_FDS_MAX] = {
		{ .fd = listen_on(answering_port, 0), .events = POLLIN },
		{ .fd = listen_on(deaf_port, DEAF_RCVBUF), .events = POLLIN },
	};
	nfds_t count = 2;

	report_ready();
	while (poll(fds, count, -1) > 0) {
		for (nfds_t i = 0; i < count; i++) {
			char buf[4096];
			ssize_t got;

			if (!fds[i].revents)
				continue;
			if (i < 2) {
				int fd = accept(fds[i].fd, NULL, NULL);

				if (fd < 0 || count == PEER_FDS_MAX)
					die("accept");
				fds[count].revents = 0;
				fds[count].events = i ? 0 : POLLIN;
				fds[count++].fd = fd;
				continue;
			}
			got = read(fds[i].fd, buf, sizeof(buf));
			if (got <= 0 || write(fds[i].fd, "!", 1) != 1) {
				close(fds[i].fd);
				fds[i].fd = -1;
			}
		}
	}
	die("poll");
	return 1;
}

static int open_connection(const struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)sin, sizeof(*sin)))
		die("connect");
	return fd;
}

/* One request and its answer. Returns the error of the call that failed, *ret_call names it. */
static int ask(int fd, const char **ret_call)
{
	char answer;
	ssize_t got;

	*ret_call = "write";
	if (write(fd, "?", 1) != 1)
		return errno;
	*ret_call = "read";
	got = read(fd, &answer, 1);
	return got < 0 ? errno : got ? 0 : ECONNRESET;
}

/* Asks once; waits for SIGUSR1 (the peer has vanished by then), asks again and waits for the answer. */
static int run_request(const struct sockaddr_in *sin)
{
	int fd = open_connection(sin), sig, err;
	const char *call;
	sigset_t set;
	double since_s;

	errno = ask(fd, &call);
	if (errno)
		die(call);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	report_ready();
	sigwait(&set, &sig);
	since_s = now_s();
	err = ask(fd, &call);
	err = report_end(call, err, since_s);
	sleep(1); /* an answered connection is kept for the next request */
	return err;
}

/* Connects to an address that nobody answers for. */
static int run_connect(const struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), err = 0;
	double since_s = now_s();

	if (fd < 0)
		die("socket");
	report_ready();
	if (connect(fd, (const struct sockaddr *)sin, sizeof(*sin)))
		err = errno;
	return report_end("connect", err, since_s);
}

/* Writes until the peer's window is closed and the send buffer full, and then blocks in write(). */
static int run_stream(const struct sockaddr_in *sin)
{
	static const struct timespec between = { .tv_nsec = 1000000 };
	int fd = open_connection(sin);
	char record[512] = { 0 };
	double since_s = now_s();
	ssize_t got;

	report_ready();
	while ((got = write(fd, record, sizeof(record))) > 0) {
		/* A short write is one that the abort cut off: the next returns the error. */
		if (got < (ssize_t)sizeof(record))
			continue;
		nanosleep(&between, NULL);
		since_s = now_s();
	}
	return report_end("write", errno, since_s);
}

/* Keeps a connection for later, as a pool does, with keepalive on, and waits for the peer to speak. */
static int run_idle(const struct sockaddr_in *sin)
{
	int fd = open_connection(sin), err;
	const char *call;
	char byte;
	ssize_t got;
	double since_s;

	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	errno = ask(fd, &call);
	if (errno)
		die(call);
	report_ready();
	since_s = now_s();
	got = read(fd, &byte, 1);
	err = got < 0 ? errno : got ? 0 : ECONNRESET;
	return report_end("read", err, since_s);
}

static const struct {
	const char *name;
	int (*run)(const struct sockaddr_in *sin);
} parts[] = {
	{ "request", run_request },
	{ "connect", run_connect },
	{ "stream", run_stream },
	{ "idle", run_idle },
};

int main(int argc, char *argv[])
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	alarm(LIFETIME_S);
	signal(SIGPIPE, SIG_IGN);

	if (argc == 4 && !strcmp(argv[1], "peer"))
		return run_peer(argv[2], argv[3]);
	for (size_t i = 0; argc == 5 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!strcmp(argv[1], parts[i].name)) {
			struct sockaddr_in sin = address(argv[3], argv[4]);

			prctl(PR_SET_NAME, argv[2]);
			return parts[i].run(&sin);
		}
	}
	fputs(usage_text, stderr);
	return 2;
}

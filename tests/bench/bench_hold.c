// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_hold SOCKETS NAMESPACES STALLED: receives sizes; holds that many TCP sockets over loopback in
 * namespaces of its own, and says "ready PID..." (one process a namespace) on stdout. Ends with stdin.
 * STALLED of the connections make no progress: in turns data waits on a zero window, and data is sent again to
 * a peer that drops it. HOLD_RTO_MAX_MS in the environment: their namespaces' tcp_rto_max_ms (6.15), so that
 * probes and retransmissions go on at that pace.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>

#define WORKER_SOCKETS 18000u /* of a process, below the descriptor limit */
#define BACKLOG 128u

static void die(const char *what)
{
	fprintf(stderr, "bench_hold: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int must(int value, const char *what)
{
	if (value < 0)
		die(what);
	return value;
}

static void sysctl_ipv4(const char *name, const char *value)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = must(open(path, O_WRONLY), name);
	must((int)write(fd, value, strlen(value)), name);
	close(fd);
}

static void netns_new(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	const char *rto_max_ms = getenv("HOLD_RTO_MAX_MS");
	int fd;

	must(unshare(CLONE_NEWNET), "unshare");
	fd = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	must(ioctl(fd, SIOCSIFFLAGS, &ifr), "lo up");
	close(fd);
	if (!rto_max_ms)
		return;
	sysctl_ipv4("tcp_rto_max_ms", rto_max_ms);
	sysctl_ipv4("tcp_retries2", "255");
}

/* Never read: the sender fills both buffers, and then probes a closed window. */
static void stall_window(int fd)
{
	static char data[4096];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (send(fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
		;
}

/* A socket filter that takes nothing: to the sender the peer is silent. */
static int filter_nothing(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return must(bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "hold_nothing", "GPL", insns,
				  sizeof(insns) / sizeof(insns[0]), NULL),
		    "a socket filter");
}

static void stall_retransmit(int fd, int peer, int filter)
{
	must(setsockopt(peer, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)), "SO_ATTACH_BPF");
	must((int)send(fd, "", 1, MSG_NOSIGNAL), "send");
}

/* Small buffers; and gone with its holder: orphans would be in the way of what is measured next. */
static void prepare(int fd)
{
	struct linger linger = { .l_onoff = 1 };
	int size = 2048;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* One process's share; address 127.0.HI.LO by its number, so that ports do not run out. */
static void worker_connections(unsigned int number, unsigned int pairs, unsigned int stalled)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int filter = stalled ? filter_nothing() : -1;
	int listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
	unsigned int i;

	prepare(listener);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
	must(bind(listener, (struct sockaddr *)&addr, len), "bind");
	must(listen(listener, BACKLOG), "listen");
	must(getsockname(listener, (struct sockaddr *)&addr, &len), "getsockname");
	for (i = 0; i < pairs; i++) {
		int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket"), peer;

		prepare(fd);
		must(connect(fd, (struct sockaddr *)&addr, len), "connect");
		peer = must(accept(listener, NULL, NULL), "accept");
		if (i >= stalled)
			continue;
		if (i % 2)
			stall_retransmit(fd, peer, filter);
		else
			stall_window(fd);
	}
}

static void worker(unsigned int number, unsigned int sockets, unsigned int stalled, int own_netns,
		   int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (own_netns)
		netns_new();
	worker_connections(number, sockets / 2, stalled);
	if (write(ready, "", 1) != 1)
		die("write");
	close(ready);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	unsigned int sockets = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	unsigned int spaces = argc > 2 ? (unsigned int)atoi(argv[2]) : 1;
	unsigned int stalled = argc > 3 ? (unsigned int)atoi(argv[3]) : 0;
	unsigned int workers, i;
	struct rlimit limit;
	pid_t *pids;
	int ready[2];
	char byte;

	if (!sockets || !spaces || argc > 4) {
		fprintf(stderr, "bench_hold SOCKETS NAMESPACES STALLED: numbers above 0\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	workers = spaces > 1 ? spaces : (sockets + WORKER_SOCKETS - 1) / WORKER_SOCKETS;
	pids = calloc(workers, sizeof(*pids));
	must(pipe2(ready, O_CLOEXEC), "pipe");
	if (spaces == 1)
		netns_new();
	for (i = 0; i < workers; i++) {
		pids[i] = must(fork(), "fork");
		if (!pids[i])
			worker(i, sockets / workers, (stalled + workers - 1) / workers, spaces > 1,
			       ready[1]);
	}
	close(ready[1]);
	for (i = 0; i < workers; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("a worker ended early");
	printf("ready");
	for (i = 0; i < (spaces > 1 ? workers : 1); i++)
		printf(" %d", pids[i]);
	puts("");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (i = 0; i < workers; i++)
		kill(pids[i], SIGKILL);
	return 0;
}

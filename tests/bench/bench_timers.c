// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_timers PROCESSES: fires kernel timers that are none of TCP, many a second, till stdin ends: each
 * process waits on a UDP socket that nobody writes to, for a jiffy at a time (SO_RCVTIMEO).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void wait_for_ever(void)
{
	const struct timeval jiffy = { .tv_usec = 1000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &jiffy, sizeof(jiffy)))
		_exit(1);
	for (;;)
		recv(fd, &byte, 1, 0);
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0, i;
	char byte;

	if (count <= 0) {
		fprintf(stderr, "bench_timers PROCESSES: a number above 0\n");
		return 2;
	}
	for (i = 0; i < count; i++)
		if (!fork())
			wait_for_ever();
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_run GROUP ROUNDS GOAL NAME COMMAND [PEER COMMAND]: receives shell commands; runs them in turns
 * (A B A B), each with its output to a file, and hands figures to stdout: wall time, CPU time, memory.
 * GOAL is for the ratio of wall times, or "".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/figure.h"

struct side {
	const char *name, *command;
	struct figure wall, cpu, memory;
};

static double timeval_ms(const struct timeval *t)
{
	return (double)t->tv_sec * 1000 + (double)t->tv_usec / 1000;
}

/* A file, as people do who keep it: to /dev/null programs take short cuts. */
static int output_open(void)
{
	char path[] = "/tmp/tcptimer-bench-XXXXXX";
	int fd = mkstemp(path);

	if (fd >= 0)
		unlink(path);
	return fd;
}

static int side_once(struct side *side, int keep)
{
	uint64_t start = figure_now_ns();
	struct rusage usage;
	int status, out = output_open();
	pid_t pid;

	if (out < 0) {
		fprintf(stderr, "bench_run: no temporary file: %s\n", strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		dup2(out, STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", side->command, (char *)NULL);
		_exit(127);
	}
	close(out);
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return -1;
	start = figure_now_ns() - start;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "bench_run: %s: status %#x\n", side->command, status);
		return -1;
	}
	if (!keep)
		return 0;
	figure_add(&side->wall, (double)start / 1e6);
	figure_add(&side->cpu, timeval_ms(&usage.ru_utime) + timeval_ms(&usage.ru_stime));
	figure_add(&side->memory, (double)usage.ru_maxrss / 1024);
	return 0;
}

static double ratio(const struct figure *peer, const struct figure *own)
{
	static struct figure ratios;
	size_t i;

	ratios.rounds = 0;
	for (i = 0; i < own->rounds; i++)
		figure_add(&ratios, peer->value[i] / own->value[i]);
	return figure_median(&ratios);
}

static void figure_compare_print(struct figure *own, const struct figure *peer, const char *what,
				 const struct side *side, const struct side *other)
{
	static char name[256];

	snprintf(name, sizeof(name), "%s: %s", side->name, what);
	own->name = name;
	if (other->name) {
		own->peer = other->name;
		own->ratio = ratio(peer, own);
	}
	figure_print(own);
}

static void side_init(struct side *side, const char *group)
{
	side->wall = (struct figure){ .group = group, .unit = "ms" };
	side->cpu = side->wall;
	side->memory = side->wall;
	side->memory.unit = "MiB";
}

int main(int argc, char **argv)
{
	static struct side own, peer;
	size_t rounds, i;

	if (argc != 6 && argc != 8) {
		fprintf(stderr,
			"bench_run GROUP ROUNDS GOAL NAME COMMAND [PEER COMMAND]: 5 or 7 words\n");
		return 2;
	}
	rounds = strtoul(argv[2], NULL, 10);
	side_init(&own, argv[1]);
	side_init(&peer, argv[1]);
	own.wall.goal = argv[3][0] ? argv[3] : NULL;
	own.name = argv[4];
	own.command = argv[5];
	if (argc == 8) {
		peer.name = argv[6];
		peer.command = argv[7];
	}
	/* The first of each is not counted. */
	for (i = 0; i <= rounds; i++)
		if (side_once(&own, i > 0) || (peer.name && side_once(&peer, i > 0)))
			return 1;
	figure_compare_print(&own.wall, &peer.wall, "wall time", &own, &peer);
	figure_compare_print(&own.cpu, &peer.cpu, "CPU time", &own, &peer);
	figure_compare_print(&own.memory, &peer.memory, "peak memory", &own, &peer);
	return 0;
}

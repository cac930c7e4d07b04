/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which cgroups have a series of their own: a bounded number, and the rest together.
 * Receives the cgroups of stalled sockets, round by round; hands labels and counts. Pure.
 */
#ifndef TCPTIMER_METRICS_CGROUPS_H
#define TCPTIMER_METRICS_CGROUPS_H

#include <stddef.h>
#include <stdint.h>

#define METRICS_CGROUPS_DEFAULT 512
#define METRICS_CGROUPS_MAX 65536
/* How long a cgroup keeps its series, at 0, after its last stall: so that it is seen to have ended. */
#define METRICS_CGROUPS_KEEP_S 600

/*
 * One that has a series keeps it while it has stalled sockets, and then at 0 for METRICS_CGROUPS_KEEP_S
 * or until another one needs the place. New ones come in by how many of their sockets are stalled. So
 * no more than `max` series are there at a time, and none comes or goes without a stall.
 */
struct metrics_cgroup {
	char *label; /* metrics_value() of the path */
	uint64_t stalled;
	int64_t last_s; /* of the last round with a stall */
	uint32_t kept;  /* had a series in the round before */
};

struct metrics_cgroups {
	struct metrics_cgroup *rows; /* the first `shown` of them have a series */
	size_t count, room, shown, max;
	size_t *slots; /* by the hash of the label: index + 1; 0: free */
	size_t mask;
	uint64_t other; /* stalled sockets of all other cgroups */
};

/* 0 or -ENOMEM. */
int metrics_cgroups_init(struct metrics_cgroups *cgroups, size_t max);
void metrics_cgroups_free(struct metrics_cgroups *cgroups);
/* A round: begin, add the cgroups of stalled sockets, end. */
void metrics_cgroups_begin(struct metrics_cgroups *cgroups);
/* So many more stalled sockets; path NULL: of cgroups that get no series. Raw bytes. */
void metrics_cgroups_add(struct metrics_cgroups *cgroups, const char *path, uint64_t stalled,
			 int64_t now_s);
void metrics_cgroups_end(struct metrics_cgroups *cgroups, int64_t now_s);

#endif

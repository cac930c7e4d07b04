/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another program's sock_ops, as network agents attach them: wants callbacks, counts what it gets.
 * Receives a cgroup from a test; hands back how often each callback came.
 */
#ifndef TCPTIMER_TEST_OTHER_SOCKOPS_H
#define TCPTIMER_TEST_OTHER_SOCKOPS_H

#include <stdint.h>

struct other_sockops {
	int map_fd;
	int prog_fd;
	int link_fd;
};

/* ORs RETRANS_CB and RTT_CB into a socket's flags at connect(). Attached until the process ends. */
void other_sockops_attach(struct other_sockops *ret_other, const char *cgroup_path);
/* Of one BPF_SOCK_OPS_*. */
uint64_t other_sockops_count(const struct other_sockops *other, uint32_t op);

#endif

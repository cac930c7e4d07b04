/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds a socket: one record a descriptor.
 * Written by iter/task_file in snapshot.bpf.c; read by user/kernel/owners.c.
 */
#ifndef TCPTIMER_BPF_OWNER_H
#define TCPTIMER_BPF_OWNER_H

struct tcptimer_owner {
	__u64 sk;     /* the kernel's address, as in tcptimer_snapshot.sk */
	__u64 cookie; /* SO_COOKIE, or 0: tells a socket from the next one at its address */
	__u32 pid;    /* of the process (tgid) */
	__u32 fd;
	char comm[16]; /* of its main thread; any bytes */
};

#endif

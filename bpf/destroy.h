/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One socket that was to be destroyed, and what the kernel said.
 * Written by iter/tcp in destroy.bpf.c; read by user/kernel/destroy.c.
 */
#ifndef TCPTIMER_BPF_DESTROY_H
#define TCPTIMER_BPF_DESTROY_H

#define DESTROY_MAX 65536 /* connections at a time */

struct destroy_result {
	__u64 cookie;
	__s32 err; /* 0, or a negative errno */
	__u32 pad;
};

#endif

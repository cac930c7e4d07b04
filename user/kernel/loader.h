/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening and loading the one BPF object with the programs that a command needs.
 * Receives names of programs; hands a loaded skeleton.
 */
#ifndef TCPTIMER_KERNEL_LOADER_H
#define TCPTIMER_KERNEL_LOADER_H

#include <stdbool.h>
#include <stddef.h>

struct tcptimer_bpf;

/* Rows of the object: every program, its hook, and the commands that need it. */
struct loader_program {
	const char *program;
	const char *hook;
	const char *needed_by;
	bool main_job; /* `list` and `trace` can't do without */
};

extern const struct loader_program loader_programs[];
extern const size_t loader_program_count;

/* Open the object: hz is set, no program is to load yet. NULL and errno on failure. */
struct tcptimer_bpf *loader_open(void);
/* Have the program of that name loaded by loader_load(). */
void loader_want(struct tcptimer_bpf *bpf, const char *program);
/* Maps used by no wanted program are made as small as can be. Returns 0 or -errno. */
int loader_load(struct tcptimer_bpf *bpf);

#endif

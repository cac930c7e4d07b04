/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel's profile for the engine.
 * Receives nothing but the system; hands a profile to every command that foretells.
 */
#ifndef TCPTIMER_KERNEL_PROFILE_H
#define TCPTIMER_KERNEL_PROFILE_H

#include "tcptimer/engine.h"

struct btf;

/*
 * What the running kernel does: its version, corrected by its sysctls and BTF. Needs no privilege;
 * what can't be read (no BTF, no /proc) leaves the version's word. Looked up once, then kept. 0, or an
 * error of the engine's (enum tcptimer_engine_error).
 */
int profile_running(struct tcptimer_profile *ret);
/* For who has the kernel's struct tcp_sock, with what it holds, at hand: profile_running() need not read it. */
void profile_learn(const struct btf *types);

#endif

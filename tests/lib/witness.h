/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does this kernel run BPF at every timer? A counting program beside the kernel's own trace ring.
 * Receives nothing; hands the harness how often the kernel left BPF out.
 *
 * Some hosts' kernels run no tracing program while a task of the host's own agent is current: a
 * timer's softirq that interrupts it is invisible to BPF, and to nothing else. A scenario that
 * failed meanwhile says nothing about tcptimer.
 */
#ifndef TCPTIMER_TEST_WITNESS_H
#define TCPTIMER_TEST_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

/* False when this kernel or user can't: then nothing is known to have been left out. */
bool witness_start(void);
/* Timers whose tracepoint BPF missed since witness_start(); also in children. */
uint64_t witness_missed(void);
void witness_stop(void);

#endif

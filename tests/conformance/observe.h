/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The project's own programs, loaded once for all trials: the trace, and one reader of snapshots.
 * Receives records from the kernel; hands decoded events and snapshots to the trials.
 */
#ifndef TCPTIMER_CONFORMANCE_OBSERVE_H
#define TCPTIMER_CONFORMANCE_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>
#include "event.h"
#include "tcptimer/engine.h"

extern unsigned int observe_hz;
extern struct tcptimer_profile observe_profile;
extern uint32_t observe_version; /* 0x060c6b: 6.12.107 */
extern bool observe_guest;

/* Fills the above; ends the program when the kernel is too old. */
void observe_identify(void);
bool observe_open(void (*fn)(const struct tcptimer_event *event));
int observe_fd(void);
void observe_consume(void);
uint64_t observe_lost(void);   /* events for which the trace had no room */
uint64_t observe_unseen(void); /* firings that the kernel counted, and ran no program for */
uint64_t observe_missed(void); /* runs of programs left out by the kernel */
/* The socket of the caller's namespace between these ports; false when there is none. */
bool observe_snapshot(uint16_t local_port, uint16_t remote_port,
		      struct tcptimer_snapshot *ret_snapshot);
uint64_t observe_ns(void); /* CLOCK_MONOTONIC */

#endif

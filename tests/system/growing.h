/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tracer of the test's own, whose ring begins small and grows.
 * Receives a namespace; hands how large the ring is, and how many second SYNs of it were told.
 */
#ifndef TCPTIMER_TEST_GROWING_H
#define TCPTIMER_TEST_GROWING_H

#include <stddef.h>
#include <stdint.h>

struct growing;

/* NULL when the programs do not load. */
struct growing *growing_open(unsigned long netns, uint32_t bytes);
/* Take what waits. */
void growing_consume(struct growing *growing);
uint32_t growing_bytes(const struct growing *growing);
/* Timers of connections in SYN_SENT that fired for the second time. */
size_t growing_second_syns(const struct growing *growing);
void growing_close(struct growing *growing);

#endif

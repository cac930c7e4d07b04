// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tracer of the test's own, whose ring begins small and grows.
 * Receives records from user/kernel/tracer.c; hands counts to test_loss.c.
 */
#include <stdlib.h>
#include "growing.h"
#include "kernel/kernel.h"

struct growing {
	struct tracer tracer;
	unsigned long netns;
	size_t second_syns;
};

static int growing_record(void *arg, void *data, size_t size)
{
	struct growing *g = arg;
	const struct tcptimer_event *event = data;

	/* The second time is the last: it ends the connection. */
	g->second_syns += size == sizeof(*event) && event->kind == TCPTIMER_EVENT_ABORT &&
			  event->timer == TCPTIMER_TIMER_SYN && event->after.netns == g->netns;
	return 0;
}

struct growing *growing_open(unsigned long netns, uint32_t bytes)
{
	const struct tracer_options options = { .ring_bytes = bytes, .ring_grows = true };
	struct growing *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->netns = netns;
	if (!tracer_open(&g->tracer, &options, growing_record, g))
		return g;
	free(g);
	return NULL;
}

void growing_consume(struct growing *growing)
{
	tracer_consume(&growing->tracer);
}

uint32_t growing_bytes(const struct growing *growing)
{
	return growing->tracer.rings[growing->tracer.ring_count - 1].bytes;
}

size_t growing_second_syns(const struct growing *growing)
{
	return growing->second_syns;
}

void growing_close(struct growing *growing)
{
	tracer_close(&growing->tracer);
	free(growing);
}

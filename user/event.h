/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes of the ring buffer to a record that can be trusted, and from its facts to what they
 * mean.
 * Receives raw records from user/kernel/; hands validated events and verdicts to commands. Pure.
 */
#ifndef TCPTIMER_USER_EVENT_H
#define TCPTIMER_USER_EVENT_H

#include <stddef.h>
#include <stdint.h>
#include "tcptimer/event.h"

/* What an event's facts amount to. */
struct event_verdict {
	enum tcptimer_action action; /* what the kernel did; NONE for STALL and RECOVERED */
	enum tcptimer_cause cause;   /* why the connection ended; NONE while it lives */
	enum tcptimer_cause limit;   /* cause POLICY: which limit of the rule; else the cause */
	unsigned int n;              /* which retransmission or probe, from 1; 0: neither */
	int err;         /* errno that the application sees, or why a send failed; 0: none */
	int64_t next_ms; /* until this timer fires again (its bucket); -1: not armed */
};

/*
 * Copy a record out of `data`. Returns 0, or -EINVAL (length other than a record's, wrong size,
 * unknown version, kind or timer, state or kind of socket out of range): then *ret_event is
 * untouched.
 */
int event_decode(const void *data, size_t len, struct tcptimer_event *ret_event);

/* Judge a decoded event. `hz`: the kernel's CONFIG_HZ, > 0. */
void event_judge(const struct tcptimer_event *event, unsigned int hz,
		 struct event_verdict *ret_verdict);

/* The rule's key whose limit ended the connection ("max_retries"); NULL unless cause is POLICY. */
const char *event_policy_limit(const struct tcptimer_event *event,
			       const struct event_verdict *verdict);

/* The sentence for a person: "sent retransmission 3, next in 1.7s". Returns buf. */
const char *event_describe(const struct tcptimer_event *event, const struct event_verdict *verdict,
			   char *buf, size_t size);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An event as a sentence for a person.
 * Receives a judged event; hands one line of ASCII. Pure.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "event.h"
#include "tcptimer/judge.h"
#include "text.h"

#define SPAN_SIZE 24
#define NAME_SIZE 24

struct sentence {
	char *buf;
	size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *out, const char *format, ...)
{
	va_list args;
	int length;

	if (out->used + 1 >= out->size)
		return;
	va_start(args, format);
	length = vsnprintf(out->buf + out->used, out->size - out->used, format, args);
	va_end(args);
	if (length > 0)
		out->used += (size_t)length < out->size - out->used ? (size_t)length :
								      out->size - out->used - 1;
}

static void say_span(struct sentence *out, const char *before, int64_t ms)
{
	char span[SPAN_SIZE];

	say(out, "%s%s", before, text_span(ms, span, sizeof(span)));
}

static void say_next(struct sentence *out, const struct event_verdict *verdict)
{
	if (verdict->next_ms >= 0)
		say_span(out, ", next in ", verdict->next_ms);
}

/* By the name that a program's source has. */
static const char *err_name(int err, char buf[NAME_SIZE])
{
	const char *name = strerrorname_np(err);

	if (name)
		return name;
	snprintf(buf, NAME_SIZE, "errno %d", err);
	return buf;
}

/* What is sent again when this timer fires: "retransmission 3", "SYN retransmission 1". */
static const char *resent(const struct tcptimer_event *event)
{
	switch (event->timer) {
	case TCPTIMER_TIMER_SYN:
		return "SYN retransmission";
	case TCPTIMER_TIMER_SYNACK:
		return "SYN-ACK retransmission";
	default:
		return "retransmission";
	}
}

static void say_retransmitted(struct sentence *out, const struct tcptimer_event *event,
			      const struct event_verdict *verdict)
{
	if (verdict->n)
		say(out, "sent %s %u", resent(event), verdict->n);
	else if (event->what & JUDGE_IN_HANDLER)
		say(out, "sent the segment again");
	else
		say(out, "retransmitted, not by a timer");
}

static void say_failed(struct sentence *out, const struct tcptimer_event *event,
		       const struct event_verdict *verdict)
{
	char name[NAME_SIZE];

	if (verdict->n)
		say(out, "could not send %s %u", resent(event), verdict->n);
	else
		say(out, "could not send the segment again");
	if (event->sent_err > 0)
		say(out, ": dropped by this host");
	else if (verdict->err)
		say(out, ": %s", err_name(verdict->err, name));
}

static void say_probed(struct sentence *out, const struct tcptimer_event *event,
		       const struct event_verdict *verdict)
{
	if (event->timer == TCPTIMER_TIMER_LOSS_PROBE)
		say(out, "sent a loss probe");
	else if (!verdict->n)
		say(out, "window open again, sent data");
	else if (event->timer == TCPTIMER_TIMER_KEEPALIVE)
		say(out, "sent keepalive probe %u", verdict->n);
	else
		say(out, "sent window probe %u", verdict->n);
}

/* The limit of the rule that ran out. */
static void say_policy(struct sentence *out, const struct tcptimer_event *event,
		       const struct event_verdict *verdict)
{
	const struct tcptimer_snapshot *after = &event->after;

	switch (verdict->limit) {
	case TCPTIMER_CAUSE_SYN_RETRIES:
		say(out, ": SYN unanswered %u times", after->retransmits + 1U);
		break;
	case TCPTIMER_CAUSE_KEEPALIVE:
		say(out, ": keepalive probes unanswered %u times", after->probes_out + 0U);
		break;
	default:
		if (after->policy & TCPTIMER_POLICY_LAST_RETRY)
			say(out, ": retransmissions unanswered %u times", after->retransmits + 0U);
		else
			say_span(out, ": TCP_USER_TIMEOUT of ", after->user_timeout_ms);
		break;
	}
}

/* Why, in words; the numbers that the kernel compared stand with them where they are known. */
static void say_cause(struct sentence *out, const struct tcptimer_event *event,
		      const struct event_verdict *verdict)
{
	static const char *const words[TCPTIMER_CAUSE_COUNT] = {
		[TCPTIMER_CAUSE_NONE] = "ended",
		[TCPTIMER_CAUSE_RETRIES] = "gave up: retransmissions unanswered",
		[TCPTIMER_CAUSE_USER_TIMEOUT] = "gave up: TCP_USER_TIMEOUT",
		[TCPTIMER_CAUSE_SYN_RETRIES] = "gave up: SYN unanswered",
		[TCPTIMER_CAUSE_SYNACK_RETRIES] = "gave up: SYN-ACK unanswered",
		[TCPTIMER_CAUSE_KEEPALIVE] = "gave up: keepalive probes unanswered",
		[TCPTIMER_CAUSE_PROBE0] = "gave up: window probes unanswered",
		[TCPTIMER_CAUSE_ORPHAN] = "gave up an orphan: peer silent",
		[TCPTIMER_CAUSE_OUT_OF_RESOURCES] = "gave up an orphan: too many, or memory short",
		[TCPTIMER_CAUSE_FIN_WAIT2] = "gave up waiting for the peer's FIN",
		[TCPTIMER_CAUSE_SHRUNK_WINDOW] = "gave up: window shrunk to zero, peer silent",
		[TCPTIMER_CAUSE_UNREACHABLE] = "network error",
		[TCPTIMER_CAUSE_PEER_RESET] = "reset by the peer",
		[TCPTIMER_CAUSE_LOCAL_RESET] = "reset by this host",
		[TCPTIMER_CAUSE_POLICY] = "ended by policy",
		[TCPTIMER_CAUSE_CLOSED] = "closed",
	};
	const struct tcptimer_snapshot *after = &event->after;
	unsigned int resends;
	char name[NAME_SIZE];

	if ((unsigned int)verdict->cause >= TCPTIMER_CAUSE_COUNT)
		return;
	say(out, "%s", words[verdict->cause]);
	switch (verdict->cause) {
	case TCPTIMER_CAUSE_RETRIES:
		say(out, " %u times", after->retransmits + 0U);
		break;
	case TCPTIMER_CAUSE_SYN_RETRIES: /* the first one counts, too */
		say(out, " %u times", after->retransmits + 1U);
		break;
	case TCPTIMER_CAUSE_KEEPALIVE:
	case TCPTIMER_CAUSE_PROBE0:
		say(out, " %u times", after->probes_out + 0U);
		break;
	case TCPTIMER_CAUSE_SYNACK_RETRIES: /* a request's memory is not its own any more */
		resends = after->kind == TCPTIMER_SOCK_REQUEST ? event->before.num_timeout :
								 after->num_timeout;
		say(out, " %u times", resends + 1);
		break;
	case TCPTIMER_CAUSE_USER_TIMEOUT:
		say_span(out, " of ", after->user_timeout_ms);
		break;
	case TCPTIMER_CAUSE_POLICY:
		say_policy(out, event, verdict);
		break;
	default:
		break;
	}
	if (verdict->err)
		say(out, " (%s)", err_name(verdict->err, name));
}

static void say_stall(struct sentence *out, const struct tcptimer_event *event)
{
	switch (event->stall_timer) {
	case TCPTIMER_TIMER_SYN:
		say(out, "SYN unanswered");
		break;
	case TCPTIMER_TIMER_SYNACK:
		say(out, "SYN-ACK unanswered");
		break;
	case TCPTIMER_TIMER_PROBE0:
		say(out, "data waits: window closed");
		break;
	case TCPTIMER_TIMER_KEEPALIVE:
		say(out, "idle, and a keepalive probe unanswered");
		break;
	default:
		say(out, "data unanswered: %u segment%s", event->after.packets_out,
		    event->after.packets_out == 1 ? "" : "s");
		break;
	}
}

static void say_recovered(struct sentence *out, const struct tcptimer_event *event)
{
	uint64_t end = event->stall_end_ns ? event->stall_end_ns : event->time_ns;

	say(out, "peer answered");
	if (event->stall_since_ns && end >= event->stall_since_ns)
		say_span(out, " after ", (int64_t)((end - event->stall_since_ns) / 1000000));
}

static void say_action(struct sentence *out, const struct tcptimer_event *event,
		       const struct event_verdict *verdict)
{
	switch (verdict->action) {
	case TCPTIMER_ACTION_NONE:
		say(out, "nothing to do");
		break;
	case TCPTIMER_ACTION_RETRANSMITTED:
		say_retransmitted(out, event, verdict);
		break;
	case TCPTIMER_ACTION_RETRANSMIT_FAILED:
		say_failed(out, event, verdict);
		break;
	case TCPTIMER_ACTION_PROBED:
		say_probed(out, event, verdict);
		break;
	case TCPTIMER_ACTION_ACKED:
		say(out, "sent the delayed ACK");
		break;
	case TCPTIMER_ACTION_REARMED:
		say(out, "sent nothing");
		break;
	case TCPTIMER_ACTION_DEFERRED:
		say(out, "socket in use, put off");
		break;
	case TCPTIMER_ACTION_RECOVERING:
		say(out, "marked segments lost");
		break;
	case TCPTIMER_ACTION_HANDED_OVER:
		say(out, event->after.state == TCPTIMER_STATE_FIN_WAIT2 ?
				 "waits for the peer's FIN without its socket" :
				 "waits in TIME-WAIT");
		return;
	case TCPTIMER_ACTION_ABORTED:
	case TCPTIMER_ACTION_ENDED:
	case TCPTIMER_ACTION_COUNT:
		say_cause(out, event, verdict);
		return;
	}
	say_next(out, verdict);
}

const char *event_describe(const struct tcptimer_event *event, const struct event_verdict *verdict,
			   char *buf, size_t size)
{
	struct sentence out = { .buf = buf, .size = size };

	if (!size)
		return buf;
	buf[0] = '\0';
	if (event->kind == TCPTIMER_EVENT_RECOVERED) {
		say_recovered(&out, event);
		return buf;
	}
	if (event->kind == TCPTIMER_EVENT_STALL)
		say_stall(&out, event);
	else if (verdict->action == TCPTIMER_ACTION_NONE && judge_is_end(event))
		say_cause(&out, event, verdict);
	else
		say_action(&out, event, verdict);
	return buf;
}

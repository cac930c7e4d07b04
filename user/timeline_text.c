// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words for an event, a deadline, a limit, an assumption.
 * Receives what the engine answered; hands short texts to timeline_table.c and the commands. Pure.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include "text.h"
#include "timeline_text.h"

static const char *const limit_source_words[] = { "kernel", "socket option", "sysctl", "kernel" };
enum limit_source { LIMIT_BY_NONE, LIMIT_BY_OPTION, LIMIT_BY_SYSCTL, LIMIT_BY_KERNEL };

/* Who sets which limit. */
static const unsigned char limit_sources[TCPTIMER_LIMIT_COUNT] = {
	[TCPTIMER_LIMIT_USER_TIMEOUT] = LIMIT_BY_OPTION,
	[TCPTIMER_LIMIT_RETRIES2] = LIMIT_BY_SYSCTL,
	[TCPTIMER_LIMIT_ORPHAN_RETRIES] = LIMIT_BY_SYSCTL,
	[TCPTIMER_LIMIT_SYN_RETRIES] = LIMIT_BY_SYSCTL,
	[TCPTIMER_LIMIT_SYNCNT] = LIMIT_BY_OPTION,
	[TCPTIMER_LIMIT_SYNACK_RETRIES] = LIMIT_BY_SYSCTL,
	[TCPTIMER_LIMIT_KEEPALIVE_PROBES] = LIMIT_BY_SYSCTL,
	[TCPTIMER_LIMIT_KEEPCNT] = LIMIT_BY_OPTION,
	[TCPTIMER_LIMIT_FIN_TIMEOUT] = LIMIT_BY_SYSCTL,
	[TCPTIMER_LIMIT_LINGER2] = LIMIT_BY_OPTION,
	[TCPTIMER_LIMIT_FIN_RTO] = LIMIT_BY_KERNEL,
	[TCPTIMER_LIMIT_TIMEWAIT_LEN] = LIMIT_BY_KERNEL,
	[TCPTIMER_LIMIT_RTO_MAX] = LIMIT_BY_KERNEL,
	[TCPTIMER_LIMIT_MEMORY] = LIMIT_BY_SYSCTL,
};

const char *timeline_limit_source(unsigned int limit)
{
	return limit_source_words[limit < TCPTIMER_LIMIT_COUNT ? limit_sources[limit] : 0];
}

const char *timeline_errno_text(int err, char *buf, size_t size)
{
	const char *name = err ? strerrorname_np(err) : "none";

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%d", err);
	return buf;
}

const char *timeline_range_text(uint64_t min_ms, uint64_t max_ms, char *buf, size_t size)
{
	char min[24], max[24];

	text_span((int64_t)min_ms, min, sizeof(min));
	text_span((int64_t)max_ms, max, sizeof(max));
	if (!strcmp(min, max))
		snprintf(buf, size, "%s", min);
	else
		snprintf(buf, size, "%s–%s", min, max);
	return buf;
}

/* ---- events */

/* What is said beside the kind, when the flag is set. */
static const struct {
	uint32_t flag;
	const char *text;
} event_notes[] = {
	{ TCPTIMER_EV_LOCAL_DROP, "dropped on this host, again in 500ms" },
	{ TCPTIMER_EV_CLOSED_WINDOW, "into a closed window" },
	{ TCPTIMER_EV_ANSWERED, "answered" },
	{ TCPTIMER_EV_RECOVERED, "recovered" },
	{ TCPTIMER_EV_LINEAR, "not doubled" },
	{ TCPTIMER_EV_RTO_REVERTED, "ICMP error took one doubling back" },
	{ TCPTIMER_EV_CLAMPED, "next cut to TCP_USER_TIMEOUT" },
	{ TCPTIMER_EV_ROUTE_CHECKED, "route questioned" },
	{ TCPTIMER_EV_MTU_PROBE, "smaller MSS tried" },
	{ TCPTIMER_EV_TFO_DISABLED, "fast open off for this path" },
	{ TCPTIMER_EV_RST, "RST sent" },
};

static const char *event_ended_text(const struct tcptimer_engine_event *ev, char *buf, size_t size)
{
	char err[24];

	if (ev->action == TCPTIMER_ACTION_ENDED)
		snprintf(buf, size, "%s is over: the socket is gone",
			 ev->timer == TCPTIMER_TIMER_TIMEWAIT  ? "TIME_WAIT" :
			 ev->timer == TCPTIMER_TIMER_FIN_WAIT2 ? "FIN_WAIT2" :
								 "the handshake");
	else if (ev->err)
		snprintf(buf, size, "the connection ends: %s",
			 timeline_errno_text(ev->err, err, sizeof(err)));
	else
		snprintf(buf, size, "the connection ends");
	return buf;
}

static const char *event_kind_text(const struct tcptimer_engine_event *ev, char *buf, size_t size)
{
	enum timeline_kind kind = timeline_kind(ev);

	switch (kind) {
	case TIMELINE_END:
		return event_ended_text(ev, buf, size);
	case TIMELINE_REARMED:
		snprintf(buf, size, "%s",
			 ev->action == TCPTIMER_ACTION_REARMED ?
				 "nothing sent, timer set again" :
			 ev->action == TCPTIMER_ACTION_RECOVERING ?
				 "segments marked lost (RACK)" :
			 ev->action == TCPTIMER_ACTION_DEFERRED ?
				 "socket in use, handler runs later" :
				 "nothing to do");
		break;
	case TIMELINE_HANDED_OVER:
		snprintf(buf, size, "a mini-socket takes over");
		break;
	case TIMELINE_FAILED:
		snprintf(buf, size, "attempt %u could not be sent", ev->n);
		break;
	default:
		if (timeline_number(ev))
			snprintf(buf, size, "%s %u", timeline_kind_name(kind), timeline_number(ev));
		else
			snprintf(buf, size, "%s", timeline_kind_name(kind));
	}
	return buf;
}

const char *timeline_event_text(const struct tcptimer_engine_event *ev, char *buf, size_t size)
{
	size_t used, i;

	event_kind_text(ev, buf, size);
	if (ev->flags & TCPTIMER_EV_MAYBE && strlen(buf) + 24 < size)
		strcat(buf,
		       timeline_kind(ev) == TIMELINE_END ? " (at times)" : " (if still alive)");
	for (i = 0; i < sizeof(event_notes) / sizeof(event_notes[0]); i++) {
		if (!(ev->flags & event_notes[i].flag))
			continue;
		used = strlen(buf);
		snprintf(buf + used, size - used, "; %s", event_notes[i].text);
	}
	return buf;
}

/* ---- deadlines */

const char *timeline_when_text(const struct tcptimer_deadline *dl, char *buf, size_t size)
{
	char about[24];

	if (dl->never) {
		snprintf(buf, size, "never");
		return buf;
	}
	text_span((int64_t)dl->at_ms, about, sizeof(about));
	if (dl->at_min_ms == dl->at_max_ms)
		snprintf(buf, size, "after %s (%llu.%03llus)", about, dl->at_ms / 1000,
			 dl->at_ms % 1000);
	else
		snprintf(buf, size, "after %s (%llu.%03llus–%llu.%03llus)", about,
			 dl->at_min_ms / 1000, dl->at_min_ms % 1000, dl->at_max_ms / 1000,
			 dl->at_max_ms % 1000);
	return buf;
}

const char *timeline_outcome_text(const struct tcptimer_deadline *dl, char *buf, size_t size)
{
	const char *wire = dl->rst ? "an RST goes out" : "nothing goes on the wire";
	char err[24];

	if (dl->cause == TCPTIMER_CAUSE_CLOSED || dl->cause == TCPTIMER_CAUSE_FIN_WAIT2)
		snprintf(buf, size, "no application holds the socket; %s", wire);
	else if (dl->cause == TCPTIMER_CAUSE_SYNACK_RETRIES && !dl->reported)
		snprintf(buf, size, "no application hears of it; %s", wire);
	else if (!dl->reported)
		snprintf(buf, size, "an orphan, no application is told; %s", wire);
	else if (dl->cause == TCPTIMER_CAUSE_PEER_RESET)
		snprintf(buf, size, "the application gets %s; the peer's RST ends it",
			 timeline_errno_text(dl->err, err, sizeof(err)));
	else
		snprintf(buf, size, "the application gets %s; %s",
			 timeline_errno_text(dl->err, err, sizeof(err)), wire);
	return buf;
}

const char *timeline_limit_text(const struct tcptimer_deadline *dl, char *buf, size_t size)
{
	const char *name = tcptimer_limit_name(dl->limit);
	const char *source = timeline_limit_source(dl->limit);
	char value[24];

	if (dl->limit == TCPTIMER_LIMIT_NONE) {
		snprintf(buf, size, "%s",
			 dl->cause == TCPTIMER_CAUSE_UNREACHABLE ? "the ICMP error" :
			 dl->cause == TCPTIMER_CAUSE_PEER_RESET  ? "the peer's answer" :
								   "no setting");
		return buf;
	}
	if (dl->limit == TCPTIMER_LIMIT_MEMORY) {
		snprintf(buf, size, "%s (%s)", name, source);
		return buf;
	}
	if (!strcmp(tcptimer_limit_unit(dl->limit), "ms"))
		text_span(dl->limit_value, value, sizeof(value));
	else
		snprintf(value, sizeof(value), "%u", dl->limit_value);
	snprintf(buf, size, "%s = %s (%s)", name, value, source);
	return buf;
}

const char *timeline_peer_reason(const struct tcptimer_snapshot *s, unsigned int peer)
{
	switch (peer) {
	case TCPTIMER_PEER_UNREACHABLE:
		return "an ICMP error came and is kept";
	case TCPTIMER_PEER_ZERO_WINDOW:
		return "it answered the last probe and keeps its window closed";
	case TCPTIMER_PEER_ACKS:
		return s->packets_out ? "nothing went unanswered so far" :
					"nothing waits for an answer";
	default:
		break;
	}
	if (s->kind == TCPTIMER_SOCK_TIMEWAIT || s->state == TCPTIMER_STATE_FIN_WAIT2)
		return "only time ends this state";
	if (s->kind == TCPTIMER_SOCK_REQUEST || s->state == TCPTIMER_STATE_SYN_SENT)
		return "the handshake is not answered yet";
	if (s->packets_out)
		return "sent data went unanswered";
	return "probes went unanswered";
}

/* "13m40s earlier", "2h later", "at the same time". */
static const char *difference_span(const struct tcptimer_deadline *before,
				   const struct tcptimer_deadline *after, char *buf, size_t size)
{
	int64_t ms = (int64_t)(after->at_ms - before->at_ms);
	char span[24];

	if (!ms)
		snprintf(buf, size, "no earlier and no later");
	else
		snprintf(buf, size, "%s %s", text_span(ms < 0 ? -ms : ms, span, sizeof(span)),
			 ms < 0 ? "earlier" : "later");
	return buf;
}

const char *timeline_difference_text(const struct tcptimer_deadline *before,
				     const struct tcptimer_deadline *after, char *buf, size_t size)
{
	char was[24], will[24], span[64], limit[96];

	text_span((int64_t)before->at_ms, was, sizeof(was));
	text_span((int64_t)after->at_ms, will, sizeof(will));
	timeline_limit_text(after, limit, sizeof(limit));
	if (before->never && after->never)
		snprintf(buf, size, "no difference: it never ends either way");
	else if (before->never)
		snprintf(buf, size, "it ends after %s by %s, instead of never", will, limit);
	else if (after->never)
		snprintf(buf, size, "it never ends, instead of after %s by %s", was,
			 tcptimer_limit_name(before->limit));
	else if (before->at_ms == after->at_ms && before->cause == after->cause &&
		 before->limit == after->limit)
		snprintf(buf, size, "no difference: it ends after %s by %s", will, limit);
	else
		snprintf(buf, size, "it ends after %s by %s, instead of after %s by %s: %s", will,
			 limit, was, tcptimer_limit_name(before->limit),
			 difference_span(before, after, span, sizeof(span)));
	return buf;
}

const char *timeline_views_difference_text(const struct timeline_view *before,
					   const struct timeline_view *after, char *buf,
					   size_t size)
{
	const struct tcptimer_deadline *was = &before->timeline.deadline;
	const struct tcptimer_deadline *will = &after->timeline.deadline;
	char sentence[384];

	if (!was->never || !will->never || !before->has_silent || !after->has_silent)
		return timeline_difference_text(was, will, buf, size);
	snprintf(buf, size, "never either way while the peer answers; if it fell silent: %s",
		 timeline_difference_text(&before->silent, &after->silent, sentence,
					  sizeof(sentence)));
	return buf;
}

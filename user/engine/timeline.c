// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a snapshot and an assumption from the engine's callers.
 * Hands on the next event, the timeline and the deadline, by following each of the socket's timers.
 */
#include "core.h"

/* ---- assumptions */

/* Data in flight: answered so far, unless an RTO passed since the last progress. */
static enum tcptimer_peer peer_of_flight(const struct tcptimer_snapshot *s)
{
	__u32 quiet = (__u32)s->now_jiffies - s->rcv_tstamp;
	bool closed = !s->snd_wnd && !(s->flags & TCPTIMER_F_DEAD);

	/* A closed window is not counted in retransmits; its answers stamp rcv_tstamp. */
	if (closed)
		return s->retrans_stamp && quiet > (__u64)s->rto_jiffies << 1 ?
			       TCPTIMER_PEER_SILENT :
			       TCPTIMER_PEER_ZERO_WINDOW;
	if (!s->retransmits)
		return TCPTIMER_PEER_ACKS;
	return s->err_soft ? TCPTIMER_PEER_UNREACHABLE : TCPTIMER_PEER_SILENT;
}

enum tcptimer_peer tcptimer_engine_peer(const struct tcptimer_snapshot *s)
{
	if (s->kind != TCPTIMER_SOCK_FULL || s->state == TCPTIMER_STATE_SYN_SENT ||
	    s->state == TCPTIMER_STATE_SYN_RECV || (s->flags & TCPTIMER_F_TFO_CHILD))
		return TCPTIMER_PEER_SILENT;
	if (s->packets_out)
		return peer_of_flight(s);
	/* One probe is out until its answer comes; a second means that the first had none. */
	if (s->write_seq != s->snd_nxt)
		return s->probes_out > 1 ? TCPTIMER_PEER_SILENT : TCPTIMER_PEER_ZERO_WINDOW;
	if (s->state == TCPTIMER_STATE_FIN_WAIT2 && (s->flags & TCPTIMER_F_DEAD))
		return TCPTIMER_PEER_SILENT;
	return s->probes_out ? TCPTIMER_PEER_SILENT : TCPTIMER_PEER_ACKS;
}

/* ---- deadlines */

static void deadline_fill(const struct engine_stream *st, struct tcptimer_deadline *dl)
{
	bool certain = st->state == ENGINE_ENDED;

	*dl = (struct tcptimer_deadline){
		.never = !certain && !st->maybe_dead,
		.peer = st->peer,
	};
	if (dl->never)
		return;
	dl->rst = st->end.rst;
	dl->reported = st->end.reported;
	dl->timer = st->timer;
	dl->cause = st->end.cause;
	dl->limit = st->end.limit;
	dl->limit_value = st->end.limit_value;
	dl->err = st->end.reported ? st->end.err : 0;
	dl->n = st->end_n;
	dl->at_min_jiffies = (__u64)st->end_at.lo;
	dl->at_max_jiffies = (__u64)st->end_at.hi;
	dl->at_min_ms = engine_jiffies_ms(st, st->end_at.lo);
	dl->at_max_ms = ((__u64)st->end_at.hi * st->tick_ns + 999999) / 1000000;
	dl->at_ms = dl->at_min_ms + (dl->at_max_ms - dl->at_min_ms) / 2;
}

/* Whichever of two timers ends the connection first. */
static void deadline_merge(struct tcptimer_deadline *dl, const struct tcptimer_deadline *other)
{
	struct tcptimer_deadline first, second;

	if (other->never)
		return;
	if (dl->never) {
		*dl = *other;
		return;
	}
	first = *dl;
	second = *other;
	if (other->at_max_jiffies < dl->at_max_jiffies) {
		first = *other;
		second = *dl;
	}
	if (second.at_min_jiffies < first.at_min_jiffies) {
		first.at_min_jiffies = second.at_min_jiffies;
		first.at_min_ms = second.at_min_ms;
		first.at_ms = first.at_min_ms + (first.at_max_ms - first.at_min_ms) / 2;
	}
	*dl = first;
}

/* Follows one timer to its end. ELONG when that is further than the engine looks. */
static int deadline_stream(enum engine_stream_kind kind, const struct tcptimer_profile *profile,
			   const struct tcptimer_engine_params *params,
			   const struct tcptimer_snapshot *s, struct tcptimer_deadline *dl)
{
	struct tcptimer_engine_event ev; /* not told: nobody reads it */
	struct engine_stream st;
	bool fired = true;

	engine_stream_open(&st, kind, profile, params, s);
	while (fired && st.state == ENGINE_ARMED && !engine_stream_hopeless(&st)) {
		engine_skip(&st);
		fired = engine_stream_step(&st, &ev);
	}
	deadline_fill(&st, dl);
	if (fired)
		return 0;
	dl->at_min_jiffies = (__u64)st.at.lo;
	dl->at_min_ms = engine_jiffies_ms(&st, st.at.lo);
	return TCPTIMER_ENGINE_ELONG;
}

static int deadline_all(const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s, struct tcptimer_deadline *ret_deadline)
{
	struct tcptimer_deadline keepalive;
	int err, keepalive_err;

	if (s->kind != TCPTIMER_SOCK_FULL)
		return deadline_stream(ENGINE_STREAM_MINI, profile, params, s, ret_deadline);
	err = deadline_stream(ENGINE_STREAM_WRITE, profile, params, s, ret_deadline);
	/* Most sockets have no such timer; opening a stream costs more than asking. */
	if (!(s->flags & TCPTIMER_F_KEEP_PENDING))
		return err;
	keepalive_err = deadline_stream(ENGINE_STREAM_KEEPALIVE, profile, params, s, &keepalive);
	/* A timer that was not followed to its end matters only when no other ends it. */
	if (keepalive_err) {
		if (!ret_deadline->never)
			return 0;
		*ret_deadline = keepalive;
		return keepalive_err;
	}
	if (err) {
		if (keepalive.never)
			return err;
		*ret_deadline = keepalive;
		return 0;
	}
	deadline_merge(ret_deadline, &keepalive);
	return 0;
}

int tcptimer_engine_deadline(const struct tcptimer_profile *profile,
			     const struct tcptimer_engine_params *params,
			     const struct tcptimer_snapshot *s,
			     struct tcptimer_deadline *ret_deadline)
{
	int err = engine_stream_check(profile, params, s);

	if (!ret_deadline)
		return TCPTIMER_ENGINE_EARG;
	if (!err)
		return deadline_all(profile, params, s, ret_deadline);
	*ret_deadline = (struct tcptimer_deadline){ .never = 1 };
	return err;
}

/* What would end it, and when, if the limit that decides did not exist. */
static void runner_up(const struct tcptimer_profile *profile,
		      const struct tcptimer_engine_params *params,
		      const struct tcptimer_snapshot *s, const struct tcptimer_deadline *decided,
		      struct tcptimer_deadline *ret_deadline)
{
	struct tcptimer_engine_params without = *params;

	*ret_deadline = (struct tcptimer_deadline){ .never = 1, .peer = decided->peer };
	if (decided->never || decided->limit == TCPTIMER_LIMIT_NONE)
		return;
	without.ignored_limits |= 1u << decided->limit;
	if (deadline_all(profile, &without, s, ret_deadline))
		*ret_deadline = (struct tcptimer_deadline){ .never = 1, .peer = decided->peer };
}

/* ---- timelines */

struct timeline_head {
	struct engine_stream st;
	struct tcptimer_engine_event ev;
	bool ready; /* ev is the stream's next event */
};

static void timeline_open(struct timeline_head *heads, const struct tcptimer_profile *profile,
			  const struct tcptimer_engine_params *params,
			  const struct tcptimer_snapshot *s)
{
	size_t i;

	for (i = 0; i < ENGINE_STREAM_COUNT; i++) {
		engine_stream_open(&heads[i].st, (enum engine_stream_kind)i, profile, params, s);
		heads[i].st.told = true;
		heads[i].ready = engine_stream_step(&heads[i].st, &heads[i].ev);
	}
}

/* Timers of one jiffy fire in the order of the wheel's lists, which nothing tells: an end comes last. */
static bool timeline_precedes(const struct timeline_head *a, const struct timeline_head *b)
{
	if (a->ev.at_max_jiffies != b->ev.at_max_jiffies)
		return a->ev.at_max_jiffies < b->ev.at_max_jiffies;
	return (a->st.state == ENGINE_ENDED) < (b->st.state == ENGINE_ENDED);
}

/* The stream whose next event comes first; NULL when none has one. */
static struct timeline_head *timeline_first(struct timeline_head *heads)
{
	struct timeline_head *first = NULL;
	size_t i;

	for (i = 0; i < ENGINE_STREAM_COUNT; i++)
		if (heads[i].ready && (!first || timeline_precedes(&heads[i], first)))
			first = &heads[i];
	return first;
}

int tcptimer_engine_next(const struct tcptimer_profile *profile,
			 const struct tcptimer_engine_params *params,
			 const struct tcptimer_snapshot *s, struct tcptimer_engine_event *ret_event)
{
	struct timeline_head heads[ENGINE_STREAM_COUNT];
	struct timeline_head *first;
	int err = engine_stream_check(profile, params, s);

	if (!ret_event)
		return TCPTIMER_ENGINE_EARG;
	*ret_event = (struct tcptimer_engine_event){ 0 };
	if (err)
		return err;
	timeline_open(heads, profile, params, s);
	first = timeline_first(heads);
	if (first)
		*ret_event = first->ev;
	return 0;
}

static void timeline_events(const struct tcptimer_profile *profile,
			    const struct tcptimer_engine_params *params,
			    const struct tcptimer_snapshot *s, struct tcptimer_engine_event *events,
			    size_t max, struct tcptimer_timeline *timeline)
{
	struct timeline_head heads[ENGINE_STREAM_COUNT];
	struct timeline_head *first;

	timeline_open(heads, profile, params, s);
	while ((first = timeline_first(heads))) {
		if (timeline->count == max) {
			timeline->truncated = true;
			return;
		}
		events[timeline->count] = first->ev;
		timeline->count++;
		if (first->st.state == ENGINE_ENDED)
			return;
		first->ready = engine_stream_step(&first->st, &first->ev);
		if (!first->ready && first->st.state == ENGINE_ARMED)
			timeline->truncated = true;
	}
}

int tcptimer_engine_timeline(const struct tcptimer_profile *profile,
			     const struct tcptimer_engine_params *params,
			     const struct tcptimer_snapshot *s,
			     struct tcptimer_engine_event *events, size_t max,
			     struct tcptimer_timeline *ret_timeline)
{
	int err = engine_stream_check(profile, params, s);

	if (!ret_timeline || (!events && max))
		return TCPTIMER_ENGINE_EARG;
	*ret_timeline = (struct tcptimer_timeline){ .deadline.never = 1, .runner_up.never = 1 };
	if (err)
		return err;
	err = deadline_all(profile, params, s, &ret_timeline->deadline);
	if (!err)
		runner_up(profile, params, s, &ret_timeline->deadline, &ret_timeline->runner_up);
	timeline_events(profile, params, s, events, max, ret_timeline);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a snapshot and an assumption from the engine's callers.
 * Hands on the next event, the timeline and the deadline, by following each of the socket's timers.
 */
#include "core.h"

/* ---- opening: which timers of the socket are armed */

/*
 * The clocks that the write timer's rules measure by. The head's stamp is not always known: data
 * that was never sent again left when tp->lsndtime says.
 */
static void open_write_marks(struct engine_stream *st)
{
	const struct tcptimer_snapshot *s = st->s;
	bool usec = st->profile->usec_ts && (s->flags & TCPTIMER_F_USEC_TS);

	engine_mark_clock(st, ENGINE_MARK_RETRANS, s->retrans_stamp, usec);
	engine_mark_jiffies(st, ENGINE_MARK_RCV, s->rcv_tstamp);
	if (s->probes_tstamp)
		engine_mark_jiffies(st, ENGINE_MARK_PROBES, s->probes_tstamp);
	if (s->head_stamp_ms) {
		engine_mark_clock(st, ENGINE_MARK_HEAD, s->head_stamp_ms, false);
		if (usec)
			st->marks[ENGINE_MARK_HEAD].stamp *= 1000;
	} else if (s->packets_out) {
		engine_mark_jiffies(st, ENGINE_MARK_HEAD, s->lsndtime);
	}
}

static __u8 open_write_timer(const struct tcptimer_snapshot *s)
{
	switch (s->pending) {
	case TCPTIMER_PENDING_RETRANS:
		if (s->flags & TCPTIMER_F_TFO_CHILD)
			return TCPTIMER_TIMER_SYNACK;
		return s->state == TCPTIMER_STATE_SYN_SENT ? TCPTIMER_TIMER_SYN :
							     TCPTIMER_TIMER_RETRANS;
	case TCPTIMER_PENDING_PROBE0:
		return TCPTIMER_TIMER_PROBE0;
	case TCPTIMER_PENDING_LOSS_PROBE:
		return TCPTIMER_TIMER_LOSS_PROBE;
	case TCPTIMER_PENDING_REO_TIMEOUT:
		return TCPTIMER_TIMER_REO_TIMEOUT;
	default:
		return TCPTIMER_TIMER_NONE;
	}
}

static bool open_closed(const struct tcptimer_snapshot *s)
{
	return s->kind != TCPTIMER_SOCK_FULL || s->state == TCPTIMER_STATE_CLOSE ||
	       s->state == TCPTIMER_STATE_LISTEN;
}

/* tcp_write_timer(): one timer, and icsk_pending says for what. Deferred: it runs on release. */
static void open_write(struct engine_stream *st)
{
	const struct tcptimer_snapshot *s = st->s;
	bool pending = s->flags & TCPTIMER_F_WRITE_PENDING;
	__u8 timer = open_write_timer(s);

	if (open_closed(s) || timer == TCPTIMER_TIMER_NONE)
		return;
	open_write_marks(st);
	engine_arm_snapshot(st, timer, s->write_expires, pending, s->write_flags);
	if (!pending && (s->flags & TCPTIMER_F_WRITE_DEFERRED)) {
		engine_arm(st, timer, 0);
		st->slack = (struct engine_span){ 0, 0 };
		st->next_phase = st->phase;
	}
}

/* sk_timer: FIN_WAIT2 of an orphan, else keepalive. Idle counts from the later of ACK and data. */
static void open_keepalive(struct engine_stream *st)
{
	const struct tcptimer_snapshot *s = st->s;
	__u32 now = (__u32)s->now_jiffies;
	__u8 timer = TCPTIMER_TIMER_KEEPALIVE;

	if (open_closed(s) || !(s->flags & TCPTIMER_F_KEEP_PENDING))
		return;
	if (s->state == TCPTIMER_STATE_FIN_WAIT2 && engine_is_dead(st))
		timer = TCPTIMER_TIMER_FIN_WAIT2;
	engine_mark_jiffies(st, ENGINE_MARK_RCV,
			    now - s->lrcvtime < now - s->rcv_tstamp ? s->lrcvtime : s->rcv_tstamp);
	engine_arm_snapshot(st, timer, s->keep_expires, true, s->keep_flags);
}

static void open_delack(struct engine_stream *st)
{
	const struct tcptimer_snapshot *s = st->s;

	if (!open_closed(s) && (s->flags & TCPTIMER_F_DELACK_PENDING))
		engine_arm_snapshot(st, TCPTIMER_TIMER_DELACK, s->delack_expires, true,
				    s->delack_flags);
}

/* The timer of a request or of a mini-socket; before 4.2 and 4.1 they had none of their own. */
static void open_mini(struct engine_stream *st)
{
	const struct tcptimer_snapshot *s = st->s;
	bool pending = s->flags & TCPTIMER_F_TIMER_HW;
	__s64 rel = (__s64)(s->mini_expires - s->now_jiffies);
	__u8 timer = TCPTIMER_TIMER_SYNACK;

	if (s->kind == TCPTIMER_SOCK_FULL)
		return;
	if (s->kind == TCPTIMER_SOCK_TIMEWAIT)
		timer = s->state == TCPTIMER_STATE_FIN_WAIT2 ? TCPTIMER_TIMER_FIN_WAIT2 :
							       TCPTIMER_TIMER_TIMEWAIT;
	engine_arm_snapshot(st, timer, s->mini_expires, pending, s->mini_flags);
	if (timer == TCPTIMER_TIMER_SYNACK && st->profile->synack_timer == TCPTIMER_SYNACK_PRUNE) {
		st->slack = (struct engine_span){ 0, 3 * (__s64)(st->hz / 5) };
	} else if (timer != TCPTIMER_TIMER_SYNACK && st->profile->tw_timer == TCPTIMER_TW_SLOTS) {
		st->delay = engine_timewait_slot(st, rel > 0 ? (__u32)rel : 0);
		st->slack = (struct engine_span){ 0, 0 };
	} else {
		return;
	}
	st->slack.lo = engine_max_s64(st->slack.lo, -st->delay.lo);
	st->slack.hi = engine_max_s64(st->slack.hi, st->slack.lo);
	st->next_phase.bits = 0;
}

static void stream_open(struct engine_stream *st, enum engine_stream_kind kind,
			const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s)
{
	engine_stream_init(st, kind, profile, params, s);
	switch (kind) {
	case ENGINE_STREAM_WRITE:
		open_write(st);
		break;
	case ENGINE_STREAM_KEEPALIVE:
		open_keepalive(st);
		break;
	case ENGINE_STREAM_DELACK:
		open_delack(st);
		break;
	default:
		open_mini(st);
		break;
	}
}

/* ---- stepping */

/* tcp_write_timer_handler(): time_after(icsk_timeout, jiffies) only re-arms. */
static bool step_too_early(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	const struct tcptimer_snapshot *s = st->s;
	__s64 rest = (__s64)(s->write_timeout - s->now_jiffies) - st->at.lo;

	if (st->kind != ENGINE_STREAM_WRITE || st->steps != 1 ||
	    s->write_timeout == s->write_expires || rest <= 0)
		return false;
	ev->action = TCPTIMER_ACTION_REARMED;
	ev->rto_ms = engine_interval_ms(st, (__u64)rest);
	engine_arm(st, st->timer, rest);
	return true;
}

bool engine_stream_step(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	if (st->state != ENGINE_ARMED || st->steps >= ENGINE_STEPS_MAX ||
	    st->at.hi > ENGINE_HORIZON_JIFFIES)
		return false;
	engine_stream_fire(st);
	engine_event_fill(st, ev);
	st->state = ENGINE_QUIET;
	if (st->answer_due) {
		engine_conclude(st, ENGINE_YES, ev);
		return true;
	}
	if (step_too_early(st, ev))
		return true;
	switch (st->timer) {
	case TCPTIMER_TIMER_SYN:
	case TCPTIMER_TIMER_RETRANS:
		engine_retrans_fire(st, ev);
		break;
	case TCPTIMER_TIMER_LOSS_PROBE:
		engine_loss_probe_fire(st, ev);
		break;
	case TCPTIMER_TIMER_REO_TIMEOUT:
		engine_reo_fire(st, ev);
		break;
	case TCPTIMER_TIMER_PROBE0:
		engine_probe0_fire(st, ev);
		break;
	case TCPTIMER_TIMER_KEEPALIVE:
		engine_keepalive_fire(st, ev);
		break;
	case TCPTIMER_TIMER_DELACK:
		engine_delack_fire(st, ev);
		break;
	case TCPTIMER_TIMER_SYNACK:
		if (st->kind == ENGINE_STREAM_MINI)
			engine_request_fire(st, ev);
		else
			engine_tfo_fire(st, ev);
		break;
	default: /* FIN_WAIT2 and TIMEWAIT */
		if (st->kind == ENGINE_STREAM_MINI)
			engine_timewait_fire(st, ev);
		else
			engine_fin_wait2_fire(st, ev);
		break;
	}
	return true;
}

bool engine_stream_hopeless(const struct engine_stream *st)
{
	if (st->answer_due || st->maybe_dead)
		return false;
	switch (st->timer) {
	case TCPTIMER_TIMER_SYN:
	case TCPTIMER_TIMER_RETRANS:
	case TCPTIMER_TIMER_LOSS_PROBE:
	case TCPTIMER_TIMER_REO_TIMEOUT:
		return engine_retrans_hopeless(st);
	case TCPTIMER_TIMER_PROBE0:
		return engine_probe0_hopeless(st);
	case TCPTIMER_TIMER_KEEPALIVE:
		return engine_keepalive_hopeless(st);
	case TCPTIMER_TIMER_SYNACK:
		return engine_ignores(st, TCPTIMER_LIMIT_SYNACK_RETRIES) &&
		       (st->peer == TCPTIMER_PEER_SILENT ||
			(st->flags & TCPTIMER_ENGINE_LOCAL_DROP));
	case TCPTIMER_TIMER_TIMEWAIT:
		return engine_ignores(st, TCPTIMER_LIMIT_TIMEWAIT_LEN);
	case TCPTIMER_TIMER_FIN_WAIT2:
		return engine_ignores(st, TCPTIMER_LIMIT_FIN_TIMEOUT) ||
		       engine_ignores(st, TCPTIMER_LIMIT_LINGER2) ||
		       engine_ignores(st, TCPTIMER_LIMIT_FIN_RTO);
	default: /* a delayed ACK ends nothing */
		return true;
	}
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
	struct tcptimer_deadline first = *dl, second = *other;

	if (other->never)
		return;
	if (dl->never || other->at_max_jiffies < dl->at_max_jiffies) {
		first = *other;
		second = *dl;
	}
	if (!second.never && second.at_min_jiffies < first.at_min_jiffies) {
		first.at_min_jiffies = second.at_min_jiffies;
		first.at_min_ms = second.at_min_ms;
		first.at_ms = first.at_min_ms + (first.at_max_ms - first.at_min_ms) / 2;
	}
	*dl = first;
}

/* Follows one timer to its end. ELONG when that is further than the engine looks. */
static int deadline_stream(struct engine_stream *st, struct tcptimer_deadline *dl)
{
	struct tcptimer_engine_event ev;

	while (!engine_stream_hopeless(st) && engine_stream_step(st, &ev))
		;
	deadline_fill(st, dl);
	if (st->state != ENGINE_ARMED || engine_stream_hopeless(st))
		return 0;
	dl->at_min_jiffies = (__u64)st->at.lo;
	dl->at_min_ms = engine_jiffies_ms(st, st->at.lo);
	return TCPTIMER_ENGINE_ELONG;
}

static int deadline_all(const struct tcptimer_profile *profile,
			const struct tcptimer_engine_params *params,
			const struct tcptimer_snapshot *s, struct tcptimer_deadline *ret_deadline)
{
	static const enum engine_stream_kind kinds[] = {
		ENGINE_STREAM_WRITE, ENGINE_STREAM_KEEPALIVE, ENGINE_STREAM_MINI,
	};
	struct tcptimer_deadline dl, far = { .never = 1 };
	struct engine_stream st;
	int err = 0;
	size_t i;

	*ret_deadline = (struct tcptimer_deadline){ .never = 1 };
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((kinds[i] == ENGINE_STREAM_MINI) == (s->kind == TCPTIMER_SOCK_FULL))
			continue;
		stream_open(&st, kinds[i], profile, params, s);
		ret_deadline->peer = st.peer;
		if (st.state != ENGINE_ARMED)
			continue;
		if (deadline_stream(&st, &dl)) {
			err = TCPTIMER_ENGINE_ELONG;
			far = dl;
		} else {
			deadline_merge(ret_deadline, &dl);
		}
	}
	/* A timer that was not followed to its end matters only when no other ends it. */
	if (err && ret_deadline->never) {
		*ret_deadline = far;
		return err;
	}
	return 0;
}

int tcptimer_engine_deadline(const struct tcptimer_profile *profile,
			     const struct tcptimer_engine_params *params,
			     const struct tcptimer_snapshot *s,
			     struct tcptimer_deadline *ret_deadline)
{
	int err;

	if (!ret_deadline)
		return TCPTIMER_ENGINE_EARG;
	*ret_deadline = (struct tcptimer_deadline){ .never = 1 };
	err = engine_stream_check(profile, params, s);
	return err ? err : deadline_all(profile, params, s, ret_deadline);
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

static size_t timeline_open(struct timeline_head *heads, const struct tcptimer_profile *profile,
			    const struct tcptimer_engine_params *params,
			    const struct tcptimer_snapshot *s)
{
	size_t i;

	for (i = 0; i < ENGINE_STREAM_COUNT; i++) {
		stream_open(&heads[i].st, (enum engine_stream_kind)i, profile, params, s);
		heads[i].ready = engine_stream_step(&heads[i].st, &heads[i].ev);
	}
	return i;
}

/* The stream whose next event comes first; NULL when none has one. */
static struct timeline_head *timeline_first(struct timeline_head *heads)
{
	struct timeline_head *first = NULL;
	size_t i;

	for (i = 0; i < ENGINE_STREAM_COUNT; i++)
		if (heads[i].ready &&
		    (!first || heads[i].ev.at_max_jiffies < first->ev.at_max_jiffies))
			first = &heads[i];
	return first;
}

int tcptimer_engine_next(const struct tcptimer_profile *profile,
			 const struct tcptimer_engine_params *params,
			 const struct tcptimer_snapshot *s,
			 struct tcptimer_engine_event *ret_event)
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
			    const struct tcptimer_snapshot *s,
			    struct tcptimer_engine_event *events, size_t max,
			    struct tcptimer_timeline *timeline)
{
	struct timeline_head heads[ENGINE_STREAM_COUNT];
	struct timeline_head *first;
	__u64 last_max = 0;

	timeline_open(heads, profile, params, s);
	while ((first = timeline_first(heads))) {
		if (timeline->count == max) {
			timeline->truncated = true;
			return;
		}
		events[timeline->count] = first->ev;
		/* An earlier maybe-end widens an end's range backwards, never its max. */
		if (first->ev.at_max_jiffies > last_max)
			last_max = first->ev.at_max_jiffies;
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

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a snapshot and one of its timers from the timeline.
 * Hands back that timer as a stream, armed as the socket has it, and each of its firings.
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

/* What is out already, by the counter that the kernel keeps for the armed timer. */
static __u16 open_counted(const struct engine_stream *st)
{
	switch (st->timer) {
	case TCPTIMER_TIMER_PROBE0:
	case TCPTIMER_TIMER_KEEPALIVE:
		return st->probes_out;
	case TCPTIMER_TIMER_SYNACK: /* resends of a request; TCP_DEFER_ACCEPT has turns without one */
		return st->s->kind == TCPTIMER_SOCK_REQUEST ? st->retransmits : st->num_timeout;
	default: /* loss_probe and reo_timeout come before the first retransmission, or amid them */
		return st->retransmits;
	}
}

void engine_stream_open(struct engine_stream *st, enum engine_stream_kind kind,
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
	st->n = open_counted(st);
}

/* ---- stepping */

/* tcp_write_timer_handler(): time_after(icsk_timeout, jiffies) only re-arms. */
static bool step_too_early(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	const struct tcptimer_snapshot *s = st->s;
	__s64 rest;

	if (st->kind != ENGINE_STREAM_WRITE || st->steps != 1 ||
	    s->write_timeout == s->write_expires)
		return false;
	rest = (__s64)(s->write_timeout - s->now_jiffies) - st->at.lo;
	if (rest <= 0)
		return false;
	ev->action = TCPTIMER_ACTION_REARMED;
	ev->rto_ms = engine_told_ms(st, (__u64)rest);
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
		if (st->kind == ENGINE_STREAM_MINI)
			ev->action = TCPTIMER_ACTION_ENDED;
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
	default: /* FIN_WAIT2; nobody asks about a delayed ACK, which ends nothing */
		return engine_ignores(st, TCPTIMER_LIMIT_FIN_TIMEOUT) ||
		       engine_ignores(st, TCPTIMER_LIMIT_LINGER2) ||
		       engine_ignores(st, TCPTIMER_LIMIT_FIN_RTO);
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine's timeline of a snapshot held against what the trace then records, event by event.
 * Receives snapshots, events and the times of the peer's answers; hands verdicts and figures.
 *
 * A firing that the machine delayed, or an answer of the peer that came a jiffy later than assumed,
 * is no disagreement, but what follows starts from there, and the wheel's rounding magnifies it: so
 * the engine foretells anew from the socket as it is then. How often that was is counted and shown.
 * An answer that ends the stall ends what was foretold, too: what comes after is foretold anew.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "conformance.h"

#define ENOUGH_EVENTS (observe_guest ? 12 : 4) /* of a timeline that never ends */
#define QUIET_NS (5 * NSEC_PER_SEC)            /* nothing foretold: for so long nothing may come */
#define OVERDUE_NS (3 * NSEC_PER_SEC)
#define SETTLE_NS (50 * NSEC_PER_MSEC) /* after the end: RST and SO_ERROR are there by then */
#define KEEP_NS (200 * NSEC_PER_MSEC)  /* for a record that is later than the one that followed */

static uint64_t tick_ns(void)
{
	return (NSEC_PER_SEC + observe_hz / 2) / observe_hz;
}

/* The jiffy of a moment, by a record that holds both clocks. */
static uint64_t jiffy_at(const struct tcptimer_snapshot *s, uint64_t ns)
{
	return s->now_jiffies + ns / tick_ns() - s->now_ns / tick_ns();
}

static uint64_t ns_of_jiffy(const struct tcptimer_snapshot *s, uint64_t jiffy)
{
	uint64_t base = s->now_ns - s->now_ns % tick_ns();

	return base + (uint64_t)((int64_t)(jiffy - s->now_jiffies) * (int64_t)tick_ns());
}

static uint32_t manner_peer(const struct trial *trial)
{
	switch (trial->manner) {
	case MANNER_ZERO:
		return TCPTIMER_PEER_ZERO_WINDOW;
	case MANNER_RESETS:
		return TCPTIMER_PEER_RESETS;
	case MANNER_ICMP:
		return TCPTIMER_PEER_UNREACHABLE;
	case MANNER_ACKS:
	case MANNER_HANDSHAKE:
		return TCPTIMER_PEER_ACKS;
	default:
		return TCPTIMER_PEER_SILENT;
	}
}

/* When the next event has to have come. */
static void hold_overdue(struct trial *trial)
{
	const struct forecast *f = &trial->forecast;
	uint64_t at = f->snap.now_jiffies;

	trial->overdue_ns = observe_ns() + QUIET_NS;
	if (f->next >= f->timeline.count)
		return;
	at += f->events[f->next].at_max_jiffies;
	trial->overdue_ns = ns_of_jiffy(&f->snap, at) + OVERDUE_NS;
}

static void hold_foretell(struct trial *trial, const struct tcptimer_snapshot *snap)
{
	struct forecast *f = &trial->forecast;
	int err;

	f->active = true;
	f->next = 0;
	f->snap = trial->last = *snap;
	f->snap.flags &= ~TCPTIMER_F_OWNED; /* by the reader itself */
	f->params = (struct tcptimer_engine_params){
		.hz = observe_hz,
		.peer = manner_peer(trial),
		.rtt_us = trial->rtt_ms ? trial->rtt_ms * 1000 : 1,
	};
	err = tcptimer_engine_timeline(&observe_profile, &f->params, &f->snap, f->events,
				       FORECAST_EVENTS, &f->timeline);
	if (err && err != TCPTIMER_ENGINE_ELONG)
		trial_fail(trial, "the engine: %s", tcptimer_engine_strerror(err));
	trial->rst_before = trial->rst_out;
	trial->forecast_any = true;
	hold_overdue(trial);
}

void hold_snapshot(struct trial *trial)
{
	struct tcptimer_snapshot snap;

	observe_consume(); /* what happened before is not foretold */
	if (trial_snapshot(trial, &snap)) {
		hold_foretell(trial, &snap);
	} else if (trial->random) {
		trial->verdict = VERDICT_SKIPPED;
		snprintf(trial->reason, sizeof(trial->reason), "over before its moment");
	} else {
		trial_fail(trial, "no socket to take a snapshot of");
	}
}

void hold_drop(struct trial *trial)
{
	observe_consume();
	trial->forecast.active = false;
	trial->overdue_ns = 0;
}

/* The bucket that the timer of this event sat in, by the latest record of the socket. */
static bool hold_bucket(const struct tcptimer_snapshot *last, const struct tcptimer_event *event,
			uint64_t *ret_bucket)
{
	uint64_t expires;
	uint32_t flags, index;

	switch (event->timer) {
	case TCPTIMER_TIMER_KEEPALIVE:
		expires = last->keep_expires, flags = last->keep_flags;
		break;
	case TCPTIMER_TIMER_DELACK:
		expires = last->delack_expires, flags = last->delack_flags;
		break;
	case TCPTIMER_TIMER_FIN_WAIT2:
	case TCPTIMER_TIMER_TIMEWAIT:
	case TCPTIMER_TIMER_SYNACK:
		expires = last->mini_expires, flags = last->mini_flags;
		if (last->kind == TCPTIMER_SOCK_FULL && event->timer == TCPTIMER_TIMER_FIN_WAIT2)
			expires = last->keep_expires, flags = last->keep_flags;
		break;
	default:
		expires = last->write_expires, flags = last->write_flags;
		break;
	}
	if (expires != event->before.expires)
		return false;
	index = flags >> 22;
	*ret_bucket = ((expires >> 3 * (index / 64)) + 1) << 3 * (index / 64);
	return (*ret_bucket >> 3 * (index / 64)) % 64 == index % 64;
}

static bool counts(unsigned int action)
{
	return action == TCPTIMER_ACTION_RETRANSMITTED || action == TCPTIMER_ACTION_PROBED ||
	       action == TCPTIMER_ACTION_RETRANSMIT_FAILED;
}

static struct seen *hold_log(struct trial *trial, const struct tcptimer_event *event)
{
	struct seen *seen;
	uint64_t bucket;

	if (trial->log_count == TRIAL_LOG) {
		memmove(trial->log, trial->log + 1, sizeof(*seen) * (TRIAL_LOG - 1));
		trial->log_count--;
	}
	seen = &trial->log[trial->log_count++];
	*seen = (struct seen){
		.jiffy = jiffy_at(&event->after, event->time_ns),
		.kind = event->kind,
		.timer = event->timer,
		.closed = event->what & TCPTIMER_W_CLOSED,
		.in_handler = event->what & (TCPTIMER_W_TIMER | TCPTIMER_W_LATE),
	};
	event_judge(event, observe_hz, &seen->verdict);
	trial->sends += counts(seen->verdict.action);
	if ((event->what & TCPTIMER_W_TIMER) && hold_bucket(&trial->last, event, &bucket)) {
		seen->late_known = true;
		seen->late = seen->jiffy > bucket ? (uint32_t)(seen->jiffy - bucket) : 0;
		/* Ran across a tick: what it armed counts from the later jiffy. */
		if (event->after.now_jiffies > seen->jiffy && !seen->late)
			trial->rebase_due = true;
		if (seen->late)
			trial->rebase_due = true;
		if (seen->late > trial->worst_late)
			trial->worst_late = seen->late;
	}
	return seen;
}

/* What the engine does not foretell: stalls, and timers that were cancelled in name only. */
static bool hold_ignores(const struct seen *seen)
{
	/* An RST came on a socket that was not stalled: its end is told by the next record. */
	if (seen->kind == TCPTIMER_EVENT_RESET && !seen->closed)
		return true;
	if (seen->kind == TCPTIMER_EVENT_STALL || seen->kind == TCPTIMER_EVENT_RECOVERED)
		return true;
	if (seen->kind == TCPTIMER_EVENT_RETRANSMIT)
		return true;
	return seen->kind == TCPTIMER_EVENT_EXPIRED && seen->timer == TCPTIMER_TIMER_NONE;
}

/* Events foretold for one and the same jiffy come in the order of the wheel's lists. */
static struct tcptimer_engine_event *hold_expected(struct forecast *f, unsigned int timer)
{
	size_t i;

	if (f->next >= f->timeline.count)
		return NULL;
	for (i = f->next; i < f->timeline.count && i < f->next + 4; i++) {
		struct tcptimer_engine_event other = f->events[i];

		if (other.at_min_jiffies > f->events[f->next].at_min_jiffies + TOLERANCE_JIFFIES)
			break;
		if (other.timer != timer)
			continue;
		memmove(&f->events[f->next + 1], &f->events[f->next],
			(i - f->next) * sizeof(other));
		f->events[f->next] = other;
		break;
	}
	return &f->events[f->next];
}

static bool is_end(const struct seen *seen)
{
	return seen->kind == TCPTIMER_EVENT_ABORT || seen->kind == TCPTIMER_EVENT_RESET ||
	       seen->kind == TCPTIMER_EVENT_CLOSED || seen->verdict.action == TCPTIMER_ACTION_ENDED;
}

/* The kernel counts no retransmission into a closed window: the trace gives no number. */
static bool hold_uncounted(const struct tcptimer_engine_event *exp, const struct event_verdict *v)
{
	return (exp->flags & TCPTIMER_EV_CLOSED_WINDOW) && !v->n;
}

/* Before 6.17 no tracepoint tells of a probe that could not be sent. */
static bool hold_untold(const struct tcptimer_engine_event *exp, const struct event_verdict *v)
{
	return exp->timer == TCPTIMER_TIMER_LOSS_PROBE && observe_version < 0x061100 &&
	       exp->action == TCPTIMER_ACTION_RETRANSMIT_FAILED &&
	       v->action == TCPTIMER_ACTION_REARMED;
}

/* Everything but the time. The kernel's own counters, from which the trace numbers, have 8 bits. */
static void hold_facts(struct trial *trial, const struct tcptimer_engine_event *exp,
		       const struct seen *seen)
{
	const struct event_verdict *v = &seen->verdict;

	if (seen->in_handler && exp->timer != seen->timer)
		trial_fail(trial, "%s fired, %s was foretold", tcptimer_timer_name(seen->timer),
			   tcptimer_timer_name(exp->timer));
	else if (seen->in_handler && exp->action != v->action && !hold_untold(exp, v))
		trial_fail(trial, "%s %s, foretold was %s", tcptimer_timer_name(seen->timer),
			   tcptimer_action_name(v->action), tcptimer_action_name(exp->action));
	else if (counts(v->action) && (uint8_t)exp->n != (uint8_t)v->n && !hold_uncounted(exp, v))
		trial_fail(trial, "%s number %u, foretold was %u", tcptimer_timer_name(seen->timer),
			   v->n, exp->n);
	else if (exp->cause != v->cause)
		trial_fail(trial, "ended by %s, foretold was %s", tcptimer_cause_name(v->cause),
			   tcptimer_cause_name(exp->cause));
	else if (is_end(seen) && exp->err != v->err)
		trial_fail(trial, "error %d, foretold was %d", v->err, exp->err);
}

static void hold_time(struct trial *trial, uint64_t foretold, struct seen *seen)
{
	int64_t error = (int64_t)(seen->jiffy - foretold);
	int64_t allowed = TOLERANCE_JIFFIES;

	seen->held = true;
	seen->error = error;
	if (!observe_guest && seen->late_known)
		allowed += seen->late;
	if (!seen->in_handler && trial->answer_jiffy > foretold)
		allowed += (int64_t)(trial->answer_jiffy -
				     foretold); /* how late the peer's answer was */
	if (llabs(error) > llabs(trial->worst))
		trial->worst = error;
	if (llabs(error) > allowed)
		trial_fail(trial, "%s came %lld jiffies from the time foretold",
			   tcptimer_timer_name(seen->timer), (long long)error);
}

/*
 * The rest of an RTO counts from the head's stamp, of which a snapshot has the ms and the kernel the us:
 * a jiffy may be lost to that, within the tolerance, and the next event starts from there.
 */
static bool hold_is_coarse(const struct tcptimer_engine_event *exp)
{
	return (exp->timer == TCPTIMER_TIMER_LOSS_PROBE ||
		exp->timer == TCPTIMER_TIMER_REO_TIMEOUT) &&
	       (exp->action == TCPTIMER_ACTION_RETRANSMIT_FAILED ||
		exp->action == TCPTIMER_ACTION_REARMED);
}

static void hold_ended(struct trial *trial)
{
	trial->ended = true;
	trial->overdue_ns = 0;
	trial->end_check_ns = observe_ns() + SETTLE_NS;
}

/* The end came, or the socket is followed on: from this event's record, when it fired late. */
static void hold_next(struct trial *trial, const struct tcptimer_event *event, struct seen *seen)
{
	struct forecast *f = &trial->forecast;
	bool answers = trial->manner != MANNER_SILENT && counts(seen->verdict.action);
	const struct tcptimer_engine_event *exp = &f->events[f->next];
	bool over;

	trial->recovered = exp->flags & TCPTIMER_EV_RECOVERED &&
			   exp->timer != TCPTIMER_TIMER_KEEPALIVE;
	f->next++;
	trial->held++;
	if (is_end(seen)) {
		hold_ended(trial);
		return;
	}
	if (trial->random && trial->held >= HOLD_DRAWN_EVENTS) {
		trial->verdict = VERDICT_PASSED;
		trial->cut = true;
		return;
	}
	/* Where the peer answers, its answer comes first: hold_answered() goes on from there. */
	over = (f->next == f->timeline.count && f->timeline.truncated) || trial->coarse;
	trial->coarse = hold_is_coarse(exp);
	if (trial->rebase_due && seen->verdict.action == TCPTIMER_ACTION_HANDED_OVER) {
		trial->deferred = true; /* the record is of the full socket, which is no more */
		trial->rebase_due = false;
	} else if ((trial->rebase_due || trial->recovered || over) && answers) {
		trial->answer_anew = true;
		trial->rebase_due = false;
	} else if ((trial->rebase_due || over) && trial->manner != MANNER_SILENT) {
		trial->deferred = true; /* an answer to another timer's segment may be under way */
		trial->rebase_due = false;
	} else if (trial->rebase_due || over) {
		trial->rebased += trial->rebase_due;
		trial->rebase_due = false;
		seen->anew = true;
		hold_foretell(trial, &event->after);
	}
	hold_overdue(trial);
}

/* The timer of this event, moved to the bucket in which the machine let it fire. */
static void hold_move(struct tcptimer_snapshot *snap, unsigned int timer, uint64_t jiffy)
{
	uint32_t index = (uint32_t)(jiffy % 64) << 22, low = (1u << 22) - 1;

	if (timer == TCPTIMER_TIMER_KEEPALIVE) {
		snap->keep_expires = jiffy - 1;
		snap->keep_flags = (snap->keep_flags & low) | index;
	} else {
		snap->write_expires = snap->write_timeout = jiffy - 1;
		snap->write_flags = (snap->write_flags & low) | index;
	}
}

/*
 * What a limit decides may turn with a firing that the machine delayed, by jiffies or by the ms within
 * one. So on a host, where that delay was measured, the engine is asked what the same socket does when
 * its timer fires that much later. True when it agrees.
 */
static bool hold_belated(struct trial *trial, const struct tcptimer_event *event,
			 const struct tcptimer_snapshot *before, const struct seen *seen)
{
	const struct tcptimer_engine_event *exp;
	struct tcptimer_snapshot moved;
	unsigned int more;

	if (observe_guest || before->kind != TCPTIMER_SOCK_FULL ||
	    (trial->manner != MANNER_SILENT && trial->forecast.next))
		return false;
	for (more = 0; more <= 1; more++) {
		moved = *before;
		hold_move(&moved, seen->timer, seen->jiffy + more);
		trial->verdict = VERDICT_PENDING;
		hold_foretell(trial, &moved);
		exp = hold_expected(&trial->forecast, seen->timer);
		if (exp)
			hold_facts(trial, exp, seen);
		if (exp && trial->verdict == VERDICT_PENDING)
			break;
	}
	trial->last = event->after;
	trial->rebased++;
	return more <= 1;
}

/* It fired while the peer's answer to an earlier segment was under way: the engine takes that to be first. */
static bool hold_outran(const struct trial *trial, const struct tcptimer_event *event)
{
	return trial->random && trial->delayed_ns && (event->what & TCPTIMER_W_TIMER) &&
	       trial->delayed_ns - trial->rtt_ms * NSEC_PER_MSEC < event->time_ns;
}

static void hold_compare(struct trial *trial, const struct tcptimer_event *event,
			 const struct tcptimer_snapshot *before, struct seen *seen)
{
	static struct forecast kept;
	struct forecast *f = &trial->forecast;
	struct tcptimer_engine_event *exp = hold_expected(f, seen->timer);
	char reason[sizeof(trial->reason)];

	if (!exp && f->timeline.truncated) {
		trial->deferred = true; /* more than the forecast has room for */
		return;
	}
	if (!exp) {
		trial_fail(trial, "%s %s, nothing was foretold", tcptimer_timer_name(seen->timer),
			   tcptimer_action_name(seen->verdict.action));
		return;
	}
	hold_facts(trial, exp, seen);
	if (trial->verdict == VERDICT_FAILED && seen->in_handler) {
		strcpy(reason, trial->reason);
		kept = *f;
		if (hold_belated(trial, event, before, seen)) {
			exp = &f->events[f->next];
		} else { /* as it was foretold, for the report */
			*f = kept;
			trial->verdict = VERDICT_FAILED;
			strcpy(trial->reason, reason);
		}
	}
	hold_time(trial, f->snap.now_jiffies + exp->at_min_jiffies, seen);
	if (trial->verdict == VERDICT_PENDING)
		hold_next(trial, event, seen);
	if (trial->verdict == VERDICT_FAILED && hold_outran(trial, event)) {
		trial->verdict = VERDICT_SKIPPED;
		snprintf(trial->reason, sizeof(trial->reason),
			 "fired before the peer's answer came");
	}
}

static void hold_take(struct trial *trial, const struct tcptimer_event *event)
{
	struct tcptimer_snapshot before = trial->last;
	struct forecast *f = &trial->forecast;
	struct seen *seen;

	seen = hold_log(trial, event);
	if (event->kind == TCPTIMER_EVENT_EXPIRED && event->timer == trial->timer)
		trial->fired++;
	/* A stall that begins in a handler is told just before what the handler did. */
	if (event->kind != TCPTIMER_EVENT_STALL || !(event->what & TCPTIMER_W_TIMER))
		trial->last = event->after;
	if (f->active && event->time_ns < f->snap.now_ns)
		return; /* just before the snapshot, and read just after it */
	if (!f->active && trial->random && is_end(seen) && !trial_play_over(trial) &&
	    trial->verdict == VERDICT_PENDING) {
		trial->verdict = VERDICT_SKIPPED;
		snprintf(trial->reason, sizeof(trial->reason), "over before its moment");
	}
	if (!f->active || trial->ended || trial->verdict != VERDICT_PENDING || hold_ignores(seen))
		return;
	if (seen->verdict.action == TCPTIMER_ACTION_DEFERRED) { /* a reader held the socket */
		trial->deferred = true;
		return;
	}
	trial->last_jiffy = seen->jiffy;
	trial->answer_anew = false;
	if (trial->recovered && seen->kind == TCPTIMER_EVENT_CLOSED && !seen->in_handler)
		hold_ended(trial); /* what the answer acknowledged was the last FIN */
	else
		hold_compare(trial, event, &before, seen);
}

static void hold_take_kept(struct trial *trial)
{
	trial->kept_ns = 0;
	hold_take(trial, &trial->kept);
}

/*
 * A handler lets go of the socket before the trace's program at its exit has run. Where a host takes
 * the CPU away just then, what the answer brings about on another CPU is recorded first, with the
 * later time: it waits for the other.
 */
void hold_event(struct trial *trial, const struct tcptimer_event *event)
{
	bool end = event->kind == TCPTIMER_EVENT_RESET || event->kind == TCPTIMER_EVENT_CLOSED;

	if (event->after.remote_port != trial->peer.port)
		return;
	if (trial->kept_ns && event->time_ns >= trial->kept.time_ns)
		hold_take_kept(trial);
	if (end && trial->unrecorded && !trial->kept_ns) {
		trial->kept = *event;
		trial->kept_ns = observe_ns() + KEEP_NS;
		return;
	}
	hold_take(trial, event);
	if (trial->kept_ns && event->kind != TCPTIMER_EVENT_STALL)
		hold_take_kept(trial);
}

/* A request goes without a word of the trace: an RST or an ICMP error took it, as foretold. */
static bool hold_request_gone(struct trial *trial)
{
	struct forecast *f = &trial->forecast;
	struct tcptimer_snapshot snap;

	if (f->snap.kind != TCPTIMER_SOCK_REQUEST || f->next >= f->timeline.count ||
	    !f->events[f->next].cause || trial_snapshot(trial, &snap))
		return false;
	trial->held++;
	f->next++;
	hold_ended(trial);
	return true;
}

/*
 * The wheel's clock is this jiffy or, when a timer of any kind fired in it, the next. Where what the
 * answer armed is just so far away that a level begins there, either level may be taken.
 */
static bool hold_on_boundary(const struct tcptimer_snapshot *snap, uint64_t jiffy)
{
	uint64_t delta = snap->write_expires - jiffy;
	unsigned int shift;

	for (shift = 0; shift < 24; shift += 3)
		if (snap->flags & TCPTIMER_F_WRITE_PENDING && delta == 63ULL << shift)
			return true;
	return false;
}

/* The peer answered at sent_ns what the last event sent; foretold was an answer after rtt. */
void hold_answered(struct trial *trial, uint64_t sent_ns)
{
	struct tcptimer_snapshot snap;
	uint64_t jiffy, foretold;
	bool there;

	if (!trial->forecast.active || trial->ended || trial->verdict != VERDICT_PENDING) {
		observe_consume();
		return;
	}
	jiffy = jiffy_at(&trial->forecast.snap, sent_ns);
	foretold = trial->last_jiffy + (uint64_t)trial->rtt_ms * observe_hz / 1000;
	trial->answer_jiffy = jiffy;
	if (trial->last_jiffy && jiffy > foretold && jiffy - foretold > trial->worst_late)
		trial->worst_late = (uint32_t)(jiffy - foretold);
	observe_consume(); /* an end that the answer brought about */
	if (trial->ended || hold_request_gone(trial))
		return;
	there = trial_snapshot(trial, &snap) && snap.state != TCPTIMER_STATE_CLOSE;
	/* On a host an ICMP error's time within its jiffy, which RFC 6069 subtracts, is anyone's guess. */
	if (jiffy == foretold && !trial->answer_anew &&
	    (observe_guest || trial->manner != MANNER_ICMP) &&
	    !(there && hold_on_boundary(&snap, jiffy)))
		return;
	if (!there) {
		if (trial->recovered)
			hold_ended(trial);
		return;
	}
	/* `recovered` stays until the next event: it may take several answers to acknowledge the last FIN. */
	trial->rebased++;
	hold_foretell(trial, &snap);
}

/* Before the peer answers: the record of what it answers to is taken in first. */
void hold_await_event(struct trial *trial)
{
	unsigned int tries;

	observe_consume();
	if (observe_guest || !trial->forecast.active)
		return;
	for (tries = 0; tries < 50 && trial->sends == trial->sends_answered; tries++) {
		usleep(100);
		observe_consume();
	}
	trial->unrecorded = trial->sends == trial->sends_answered;
	trial->sends_answered = trial->sends;
}

/* A handler was deferred to a process that held the socket: follow it from what that left. */
static void hold_deferred(struct trial *trial)
{
	struct tcptimer_snapshot snap;

	trial->deferred = false;
	if (!trial->forecast.active || trial->ended || !trial_snapshot(trial, &snap))
		return;
	trial->rebased++;
	hold_foretell(trial, &snap);
}

/* The end is some time ago: what the wire and the application saw of it. */
static void hold_end(struct trial *trial)
{
	const struct tcptimer_deadline *dl = &trial->forecast.timeline.deadline;
	int err = 0;
	socklen_t len = sizeof(err);
	bool rst = trial->rst_out > trial->rst_before;

	if (rst != (bool)dl->rst)
		trial_fail(trial, rst ? "an RST left, none was foretold" :
					"no RST left, one was foretold");
	if (trial->owned && getsockopt(trial->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		trial_fail(trial, "SO_ERROR: %s", strerror(errno));
	if (trial->owned && err != dl->err)
		trial_fail(trial, "the application got error %d, foretold was %d", err, dl->err);
	if (trial->verdict == VERDICT_PENDING)
		trial->verdict = VERDICT_PASSED;
}

void hold_settle(struct trial *trial)
{
	const struct forecast *f = &trial->forecast;
	bool endless = f->timeline.deadline.never;
	uint64_t now = observe_ns();

	if (trial->kept_ns && now >= trial->kept_ns)
		hold_take_kept(trial);
	if (trial->verdict != VERDICT_PENDING)
		return;
	if (trial->deferred)
		hold_deferred(trial);
	if (trial->ended) {
		if (now >= trial->end_check_ns)
			hold_end(trial);
		return;
	}
	if (!trial_play_over(trial)) {
		if (trial->overdue_ns && now >= trial->overdue_ns && f->next < f->timeline.count)
			trial_fail(trial, "%s did not fire",
				   tcptimer_timer_name(f->events[f->next].timer));
		return;
	}
	if (!f->active) {
		if (trial->checks)
			trial->verdict = VERDICT_PASSED;
		else
			trial_fail(trial, "the play ends without a snapshot");
		return;
	}
	if (endless && trial->held >= ENOUGH_EVENTS) {
		trial->verdict = VERDICT_PASSED;
		return;
	}
	if (now < trial->overdue_ns)
		return;
	if (f->next < f->timeline.count)
		trial_fail(trial, "%s did not fire", tcptimer_timer_name(f->events[f->next].timer));
	else if (!endless)
		trial_fail(trial, "the end did not come");
	else
		trial->verdict = VERDICT_PASSED;
}

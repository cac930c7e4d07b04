// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream whose zero-window probe timer fires: nothing in flight, data that may not go.
 * Hands back what tcp_probe_timer() and tcp_send_probe0() do there, and arms the next probe.
 */
#include <string.h>
#include "core.h"

/* tcp_clamp_probe0_to_user_timeout() for one distance from icsk_probes_tstamp. */
static __s64 probe0_clamped(const struct engine_stream *st, __s64 since, __s64 when)
{
	/* u32, as the kernel keeps it */
	__s64 left = (__s64)(__u32)tcptimer_msecs_to_jiffies(st->user_timeout, st->hz) -
		     engine_max_s64(since, 0);

	/* 5.11 to 7.0: unsigned, so that a time long passed is no limit at all. */
	if (left < 0 && st->profile->probe0_clamp == TCPTIMER_PROBE0_CLAMP_UNDERFLOW)
		return when;
	return engine_min_s64(engine_max_s64(left, 2), when); /* TCP_TIMEOUT_MIN */
}

/* From now to the next probe, when it is armed rtt after now: an answer's time, or 0. */
static struct engine_span probe0_delay(const struct engine_stream *st, __u32 when, __u32 rtt)
{
	const struct engine_mark *mark = &st->marks[ENGINE_MARK_PROBES];
	struct engine_span delay = { when, when };

	if (st->profile->probe0_clamp != TCPTIMER_PROBE0_CLAMP_NONE && st->user_timeout &&
	    mark->set) {
		delay.hi = probe0_clamped(st, mark->since.lo + rtt, when);
		delay.lo = probe0_clamped(st, mark->since.hi + rtt, when);
	}
	/* inet_csk_reset_xmit_timer() caps it, too. */
	delay.lo = engine_min_s64(delay.lo, st->rto_max) + rtt;
	delay.hi = engine_min_s64(delay.hi, st->rto_max) + rtt;
	return delay;
}

/*
 * __mod_timer() does nothing when the expiry is the one that is armed already: what TCP_USER_TIMEOUT
 * clamped when the probe left stays in its bucket when the answer comes, though it is nearer by then.
 */
static struct engine_span probe0_wait(const struct engine_stream *st, struct engine_span delay,
				      __u32 when, __u32 rtt)
{
	struct engine_span sent = probe0_delay(st, when, 0);
	struct engine_span stays = { 0, 0 }, moves = { rtt, rtt }, either = { rtt, 0 };

	if (!memcmp(&sent, &delay, sizeof(sent)))
		return stays;
	return delay.lo == delay.hi ? moves : either;
}

/* Arms the next probe `when` jiffies after an answer that comes rtt after now, or from now. */
static void probe0_arm(struct engine_stream *st, struct tcptimer_engine_event *ev, __u32 when,
		       __u32 rtt)
{
	const struct engine_mark *mark = &st->marks[ENGINE_MARK_PROBES];
	struct engine_span delay = probe0_delay(st, when, rtt);
	struct engine_span wait = probe0_wait(st, delay, when, rtt);
	struct engine_span x;

	if (delay.lo < engine_min_s64(when, st->rto_max) + rtt)
		ev->flags |= TCPTIMER_EV_CLAMPED;
	ev->rto_ms = engine_told_ms(st, (__u64)engine_max_s64(delay.lo, delay.hi));
	x.lo = mark->since.lo + delay.hi;
	x.hi = mark->since.hi + delay.lo;
	if (delay.lo == delay.hi) {
		engine_arm_from_after(st, TCPTIMER_TIMER_PROBE0, ENGINE_MARK_COUNT, delay, delay,
				      wait);
	} else if (delay.lo < delay.hi) {
		engine_arm_from_after(st, TCPTIMER_TIMER_PROBE0, ENGINE_MARK_PROBES, x, delay,
				      wait);
	} else {
		/* The underflow: the range straddles the jump from the clamp to the full backoff. */
		x.lo = engine_min_s64(delay.lo, delay.hi);
		x.hi = engine_max_s64(delay.lo, delay.hi);
		x.lo = engine_min_s64(x.lo, 2 + (__s64)rtt);
		engine_arm_from_after(st, TCPTIMER_TIMER_PROBE0, ENGINE_MARK_COUNT, x, x, wait);
	}
}

/*
 * TCP_USER_TIMEOUT, which counts from the first probe of this closed window (5.11), and so also
 * ends a connection whose peer answers every probe. From 5.1 it was compared with the model time of
 * the probes out; from 3.18 with the age of the head's stamp (strictly more); before, not at all.
 */
static enum engine_answer probe0_user_timeout(struct engine_stream *st)
{
	__u64 timeout = tcptimer_msecs_to_jiffies(st->user_timeout, st->hz);
	enum engine_mark_id id = ENGINE_MARK_PROBES;
	const struct engine_mark *mark;
	__u32 model;
	bool lo, hi;

	switch (st->profile->probe0_ut) {
	case TCPTIMER_PROBE0_UT_NONE:
		return ENGINE_NO;
	case TCPTIMER_PROBE0_UT_MODEL:
		model = tcptimer_model_timeout_ms(st->probes_out, TCPTIMER_RTO_MIN_JIFFIES(st->hz),
						  st->rto_max, st->hz);
		return st->user_timeout && model >= st->user_timeout ? ENGINE_YES : ENGINE_NO;
	case TCPTIMER_PROBE0_UT_HEAD:
		id = ENGINE_MARK_HEAD;
		timeout++;
		break;
	}
	mark = &st->marks[id];
	if (!mark->set) {
		engine_mark_now(st, id);
		return ENGINE_NO;
	}
	if (!st->user_timeout)
		return ENGINE_NO;
	lo = mark->since.lo >= (__s64)timeout;
	hi = mark->since.hi >= (__s64)timeout;
	return lo ? ENGINE_YES : hi ? ENGINE_MAYBE : ENGINE_NO;
}

/*
 * The limits of tcp_probe_timer(): tcp_retries2 probes (before 5.1 one more), or for an orphan
 * tcp_orphan_retries; an orphan whose interval reached rto_max ends by its backoff as well, which
 * answers do not reset. True when one is reached.
 */
static bool probe0_limit(struct engine_stream *st)
{
	__u32 max = st->s->sysctls.retries2;
	enum tcptimer_limit limit = TCPTIMER_LIMIT_RETRIES2;
	enum tcptimer_cause cause = TCPTIMER_CAUSE_PROBE0;

	if (engine_is_dead(st)) {
		bool alive = engine_rto_backoff(st) < st->rto_max;

		max = engine_orphan_retries(st, alive);
		limit = TCPTIMER_LIMIT_ORPHAN_RETRIES;
		cause = TCPTIMER_CAUSE_ORPHAN;
		if (!alive && st->backoff >= max && !engine_ignores(st, limit)) {
			engine_end_write_err(st, cause, limit, max);
			return true;
		}
		if (engine_out_of_resources(st, true))
			return true;
	}
	if (engine_ignores(st, limit))
		return false;
	if (st->profile->probe0_ge ? st->probes_out < max : st->probes_out <= max)
		return false;
	engine_end_write_err(st, cause, limit, max);
	return true;
}

/* tcp_write_wakeup() with room in the window: a probe that is data, and so in flight from now on. */
static void probe0_becomes_data(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	st->packets_out = 1;
	st->probes_out = 0;
	st->backoff = 0;
	st->n = 0;
	ev->n = 0; /* no probe: tcp_send_probe0() counts none */
	st->marks[ENGINE_MARK_PROBES].set = false;
	engine_mark_now(st, ENGINE_MARK_HEAD);
	if (st->peer == TCPTIMER_PEER_ACKS) {
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		return;
	}
	if (engine_answer_fatal(st))
		return;
	engine_arm(st, TCPTIMER_TIMER_RETRANS, st->rto);
	ev->rto_ms = engine_told_ms(st, st->rto);
}

/* Dropped by this host's own queue: tcp_send_probe0() tries again after HZ/2, without backoff. */
static void probe0_local_drop(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	__u32 wait = TCPTIMER_RESOURCE_PROBE_JIFFIES(st->hz);
	__u64 when = engine_rto_backoff(st);

	ev->action = TCPTIMER_ACTION_RETRANSMIT_FAILED;
	ev->flags |= TCPTIMER_EV_LOCAL_DROP;
	if (st->profile->local_drop == TCPTIMER_DROP_COUNT)
		st->probes_out++;
	else if (!st->probes_out)
		st->probes_out = 1;
	if (st->profile->local_drop == TCPTIMER_DROP_ONCE && when < wait)
		wait = (__u32)when;
	probe0_arm(st, ev, wait, 0);
}

/* tcp_probe_timer(), net/ipv4/tcp_timer.c, and tcp_send_probe0(), tcp_output.c */
void engine_probe0_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	enum engine_answer answer;
	bool answered;

	if (st->packets_out || !st->unsent)
		return;
	answer = probe0_user_timeout(st);
	if (answer != ENGINE_NO) {
		engine_end_write_err(st, TCPTIMER_CAUSE_USER_TIMEOUT, TCPTIMER_LIMIT_USER_TIMEOUT,
				     st->user_timeout);
		if (engine_conclude(st, answer, ev))
			return;
	}
	if (probe0_limit(st)) {
		engine_conclude(st, ENGINE_YES, ev);
		return;
	}
	ev->n = ++st->n;
	if (st->flags & TCPTIMER_ENGINE_LOCAL_DROP) {
		probe0_local_drop(st, ev);
		return;
	}
	ev->action = TCPTIMER_ACTION_PROBED;
	if (st->snd_wnd && st->snd_wnd > st->s->snd_nxt - st->s->snd_una) {
		probe0_becomes_data(st, ev);
		return;
	}
	st->probes_out++;
	if (st->backoff < st->s->sysctls.retries2)
		st->backoff++;
	if (engine_answer_fatal(st))
		return;
	if (st->peer == TCPTIMER_PEER_ACKS) { /* the window opens */
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		return;
	}
	/* An ICMP error leaves nothing: the probe's sequence number is out of window (tcp_v4_err()). */
	answered = st->peer == TCPTIMER_PEER_ZERO_WINDOW;
	if (answered) {
		/* tcp_ack(): probes_out = 0. tcp_ack_probe() re-arms from then; backoff is kept. */
		ev->flags |= TCPTIMER_EV_ANSWERED;
		st->probes_out = 0;
		st->err_soft = 0;
		st->n = 0;
	}
	probe0_arm(st, ev, engine_probe0_when(st, engine_probe0_base(st), st->backoff),
		   answered ? st->rtt_jiffies : 0);
}

/*
 * An orphan whose probes are answered ends by its backoff, which answers leave alone, once the
 * interval reached rto_max. But tcp_retries2 stops backoff: where it does so too early, never.
 */
static bool probe0_orphan_stays(const struct engine_stream *st)
{
	struct engine_stream last = *st;

	if (engine_ignores(st, TCPTIMER_LIMIT_ORPHAN_RETRIES))
		return true;
	if (st->probes_out >= engine_orphan_retries(st, engine_rto_backoff(st) < st->rto_max))
		return false;
	last.err_soft = 0; /* an answer clears it */
	last.backoff = st->backoff < st->s->sysctls.retries2 ? st->s->sysctls.retries2 :
							       st->backoff;
	return engine_rto_backoff(&last) < last.rto_max ||
	       last.backoff < engine_orphan_retries(&last, false);
}

/* Before 5.1 probes dropped here counted once, so that only a limit of 0 was ever passed. */
static bool probe0_dropped_for_ever(const struct engine_stream *st)
{
	__u32 max = engine_is_dead(st) ? engine_orphan_retries(st, true) : st->s->sysctls.retries2;

	return (st->flags & TCPTIMER_ENGINE_LOCAL_DROP) &&
	       st->profile->local_drop == TCPTIMER_DROP_ONCE &&
	       engine_max_u32(st->probes_out, 1) <= max &&
	       (!engine_is_dead(st) || engine_rto_backoff(st) < st->rto_max);
}

/* Answered probes end only orphans, and sockets with a TCP_USER_TIMEOUT that probes heed. */
bool engine_probe0_hopeless(const struct engine_stream *st)
{
	bool dead = engine_is_dead(st);
	bool heeded = st->user_timeout && st->profile->probe0_ut != TCPTIMER_PROBE0_UT_NONE;
	bool answered = st->peer == TCPTIMER_PEER_ZERO_WINDOW &&
			!(st->flags & TCPTIMER_ENGINE_LOCAL_DROP);
	bool room = st->snd_wnd && st->snd_wnd > st->s->snd_nxt - st->s->snd_una;

	if (!(st->flags & TCPTIMER_ENGINE_LOCAL_DROP) &&
	    (st->peer == TCPTIMER_PEER_ACKS || st->peer == TCPTIMER_PEER_RESETS || room))
		return false;
	if (dead && (st->flags & TCPTIMER_ENGINE_OUT_OF_RESOURCES) &&
	    !engine_ignores(st, TCPTIMER_LIMIT_MEMORY))
		return false;
	if (heeded && !(answered && st->profile->probe0_ut == TCPTIMER_PROBE0_UT_MODEL))
		return false;
	if (probe0_dropped_for_ever(st))
		return true;
	if (dead)
		return answered ? probe0_orphan_stays(st) :
				  engine_ignores(st, TCPTIMER_LIMIT_ORPHAN_RETRIES);
	if (answered) {
		__u32 max = st->s->sysctls.retries2;

		return st->profile->probe0_ge ? st->probes_out < max : st->probes_out <= max;
	}
	return engine_ignores(st, TCPTIMER_LIMIT_RETRIES2);
}

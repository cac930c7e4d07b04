// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream whose sk_timer fires, or a setsockopt() that changes it while armed.
 * Hands back what tcp_keepalive_timer() does, and when the timer expires after the change.
 */
#include "core.h"

/* keepalive_probes(): the socket's own, else the sysctl; filled in effective by the snapshot. */
static enum tcptimer_limit keepalive_limit(const struct engine_stream *st)
{
	return st->s->own_keepalive & 4 ? TCPTIMER_LIMIT_KEEPCNT : TCPTIMER_LIMIT_KEEPALIVE_PROBES;
}

/* "It is alive without keepalive": data in flight or queued leaves the matter to the write timer. */
static bool keepalive_busy(const struct engine_stream *st)
{
	return st->packets_out || st->unsent;
}

/*
 * The two conditions of tcp_keepalive_timer(): with TCP_USER_TIMEOUT (2.6.37) the silence alone
 * counts, once a probe is out, and the number of probes does not; without it, their number alone.
 * icsk_probes_out is 8 bits: the 256th probe under a user_timeout wraps it, and skips one test.
 */
static enum engine_answer keepalive_expired(const struct engine_stream *st)
{
	const struct engine_span *idle = &st->marks[ENGINE_MARK_RCV].since;
	__s64 timeout;

	if (!st->user_timeout) {
		if (engine_ignores(st, keepalive_limit(st)))
			return ENGINE_NO;
		return st->probes_out >= st->s->keepalive_probes ? ENGINE_YES : ENGINE_NO;
	}
	if (!st->probes_out)
		return ENGINE_NO;
	timeout = (__s64)tcptimer_msecs_to_jiffies(st->user_timeout, st->hz);
	if (idle->lo >= timeout)
		return ENGINE_YES;
	return idle->hi >= timeout ? ENGINE_MAYBE : ENGINE_NO;
}

/* An RST leaves, and tcp_write_err() tells the application. */
static void keepalive_end(struct engine_stream *st)
{
	if (st->user_timeout)
		engine_end_write_err(st, TCPTIMER_CAUSE_USER_TIMEOUT, TCPTIMER_LIMIT_USER_TIMEOUT,
				     st->user_timeout);
	else
		engine_end_write_err(st, TCPTIMER_CAUSE_KEEPALIVE, keepalive_limit(st),
				     st->s->keepalive_probes);
	st->end.rst = true;
}

/* tcp_write_wakeup(), and the peer's answer: which is heard at the next firing. */
static void keepalive_probe(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	__u32 wait = st->s->keepalive_intvl_jiffies;

	ev->n = ++st->n;
	if (st->flags & TCPTIMER_ENGINE_LOCAL_DROP) {
		/* "try harder": not counted */
		ev->action = TCPTIMER_ACTION_RETRANSMIT_FAILED;
		ev->flags |= TCPTIMER_EV_LOCAL_DROP;
		wait = TCPTIMER_RESOURCE_PROBE_JIFFIES(st->hz);
		ev->rto_ms = engine_told_ms(st, wait);
		engine_arm(st, TCPTIMER_TIMER_KEEPALIVE, wait);
		return;
	}
	ev->action = TCPTIMER_ACTION_PROBED;
	st->probes_out++;
	if (engine_answer_fatal(st))
		return;
	/* An ICMP error leaves nothing: the probe's sequence number is out of window (tcp_v4_err()). */
	ev->rto_ms = engine_told_ms(st, wait);
	if (st->peer == TCPTIMER_PEER_ACKS || st->peer == TCPTIMER_PEER_ZERO_WINDOW) {
		/* tcp_ack(): rcv_tstamp is now; probes_out = 0, err_soft = 0. */
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		st->probes_out = 0;
		st->err_soft = 0;
		st->n = 0;
		engine_mark_answer(st, ENGINE_MARK_RCV, wait);
	}
	engine_arm(st, TCPTIMER_TIMER_KEEPALIVE, wait);
}

/*
 * "It is tp->rcv_tstamp + keepalive_time_when(tp)". In ranges a part may have idled long enough, and
 * probes now; it is followed as if it probed at the next firing, which for that reaches back to now.
 */
static void keepalive_wait(struct engine_stream *st, struct tcptimer_engine_event *ev, __s64 time)
{
	const struct engine_mark *rcv = &st->marks[ENGINE_MARK_RCV];
	bool straddles = rcv->since.hi >= time;
	struct engine_span wait = { time - rcv->since.hi, time - rcv->since.lo };
	struct engine_span x = { time, time };

	ev->action = TCPTIMER_ACTION_REARMED;
	ev->rto_ms = engine_told_ms(st, (__u64)wait.hi);
	if (wait.lo == wait.hi) {
		engine_arm(st, TCPTIMER_TIMER_KEEPALIVE, wait.lo);
		return;
	}
	if (straddles) {
		wait.lo = 0;
		x.hi = rcv->since.hi;
		ev->flags |= TCPTIMER_EV_MAYBE;
	}
	engine_arm_from(st, TCPTIMER_TIMER_KEEPALIVE, ENGINE_MARK_RCV, x, wait);
	if (straddles) {
		st->slack.lo = 0;
		st->next_phase.bits = 0;
	}
}

/*
 * tcp_keepalive_timer(), net/ipv4/tcp_timer.c, but for its FIN_WAIT2 part (finwait.c). Idle is
 * keepalive_time_elapsed(): since the later of the last ACK and the last data, in jiffies. A socket
 * in use by its process is tried again after HZ/20, which moments of use do not add up to.
 */
void engine_keepalive_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	const struct engine_mark *rcv = &st->marks[ENGINE_MARK_RCV];
	__s64 time = st->s->keepalive_time_jiffies;
	enum engine_answer answer;

	/* CLOSE, too, but a closed socket has no stream */
	if (!(st->s->flags & TCPTIMER_F_KEEPOPEN) ||
	    (st->profile->keepalive_syn_sent && st->tcp_state == TCPTIMER_STATE_SYN_SENT))
		return;
	if (keepalive_busy(st)) {
		ev->action = TCPTIMER_ACTION_REARMED;
		ev->rto_ms = engine_told_ms(st, (__u64)time);
		engine_arm(st, TCPTIMER_TIMER_KEEPALIVE, time);
		return;
	}
	if (rcv->since.lo < time) {
		keepalive_wait(st, ev, time);
		return;
	}
	answer = keepalive_expired(st);
	if (answer != ENGINE_NO) {
		keepalive_end(st);
		if (engine_conclude(st, answer, ev))
			return;
	}
	keepalive_probe(st, ev);
}

/*
 * A peer that answers keeps the connection for ever. A probe that never leaves is not counted, so
 * that only what was out before can add up. Data queued puts keepalive off for as long as it is.
 */
bool engine_keepalive_hopeless(const struct engine_stream *st)
{
	bool counted = st->probes_out >= st->s->keepalive_probes &&
		       !engine_ignores(st, keepalive_limit(st));

	if (keepalive_busy(st) || !(st->s->flags & TCPTIMER_F_KEEPOPEN))
		return true;
	if (st->flags & TCPTIMER_ENGINE_LOCAL_DROP)
		return st->user_timeout ? !st->probes_out : !counted;
	/* What was unanswered before the peer came back may yet end it at the very next firing. */
	if (st->peer == TCPTIMER_PEER_ACKS || st->peer == TCPTIMER_PEER_ZERO_WINDOW)
		return st->user_timeout ? !st->probes_out : !counted;
	if (st->peer == TCPTIMER_PEER_RESETS)
		return false;
	return !st->user_timeout && engine_ignores(st, keepalive_limit(st));
}

/* keepalive_time_elapsed(), include/net/tcp.h (2.6.37 counts data as well as ACKs). */
static __u32 keepalive_elapsed(const struct tcptimer_snapshot *s)
{
	__u32 now = (__u32)s->now_jiffies;

	return engine_min_u32(now - s->lrcvtime, now - s->rcv_tstamp);
}

static bool keepalive_no_timer(const struct tcptimer_snapshot *s)
{
	return s->kind != TCPTIMER_SOCK_FULL || s->state == TCPTIMER_STATE_CLOSE ||
	       s->state == TCPTIMER_STATE_LISTEN;
}

/*
 * tcp_set_keepalive(), net/ipv4/tcp_timer.c, called by SO_KEEPALIVE before the flag changes. Off
 * stops the timer; on arms it for a whole keepalive_time, however long the socket idled.
 */
bool tcptimer_keepalive_set(const struct tcptimer_snapshot *s, bool on, __u64 *ret_expires)
{
	bool armed = s->flags & TCPTIMER_F_KEEP_PENDING;

	*ret_expires = s->keep_expires;
	if (keepalive_no_timer(s))
		return armed;
	if (!on)
		return false;
	if (s->flags & TCPTIMER_F_KEEPOPEN)
		return armed;
	*ret_expires = s->now_jiffies + s->keepalive_time_jiffies;
	return true;
}

/* tcp_sock_set_keepidle_locked(), net/ipv4/tcp.c: what is left of the new time, or none. */
bool tcptimer_keepalive_set_idle(const struct tcptimer_snapshot *s, __u32 idle_jiffies,
				 __u64 *ret_expires)
{
	__u32 elapsed = keepalive_elapsed(s);

	*ret_expires = s->keep_expires;
	if (keepalive_no_timer(s) || !(s->flags & TCPTIMER_F_KEEPOPEN))
		return s->flags & TCPTIMER_F_KEEP_PENDING;
	*ret_expires = s->now_jiffies + (idle_jiffies > elapsed ? idle_jiffies - elapsed : 0);
	return true;
}

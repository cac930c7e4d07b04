// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a stream whose SYN-ACK timer fires: a request's, or a fast-open child's write timer.
 * Hands back what reqsk_timer_handler() and tcp_fastopen_synack_timer() do there.
 */
#include "core.h"

/* The listener's TCP_SYNCNT, else the sysctl. */
static __u32 synack_retries(const struct engine_stream *st)
{
	return st->s->syn_retries ? st->s->syn_retries : st->s->sysctls.synack_retries;
}

/*
 * reqsk_timer_handler(), net/ipv4/inet_connection_sock.c (inet_csk_reqsk_queue_prune() before 4.2):
 * with more than half of the listener's queue full, old requests give way: the limit shrinks, to 2
 * at least, until the young ones would fill the queue.
 */
static __u32 synack_limit(const struct engine_stream *st)
{
	__u32 limit = synack_retries(st);
	__u64 queued = st->s->ack_backlog;
	/* Whatever is queued now will have had its first timeout a period from now. */
	__u64 young = st->at.lo > (__s64)st->rto ? 0 : (__u64)st->ack_young << 1;

	if (queued << 1 <= engine_max_u32(8, st->s->max_ack_backlog))
		return limit;
	while (limit > 2 && queued >= young) {
		limit--;
		young <<= 1;
	}
	return limit;
}

/* syn_ack_recalc(): TCP_DEFER_ACCEPT keeps a request that was acknowledged, and mostly in silence. */
static bool synack_expired(const struct engine_stream *st, __u32 limit, bool *ret_resend)
{
	bool acked = st->s->flags & TCPTIMER_F_REQ_ACKED;
	__u8 defer = st->s->defer_accept;
	bool over = st->num_timeout >= limit;

	if (!defer) {
		*ret_resend = true;
		return over;
	}
	*ret_resend = !acked || st->num_timeout >= defer - 1;
	return over && (!acked || st->num_timeout >= defer);
}

/*
 * The next period: req->timeout << num_timeout in 64 bits, capped by 120 s, or since 6.19 by the
 * listener's rto_max. In 3.15 the listener's own timer walks the table every HZ/5, all of it within
 * three walks, so a request is found up to that late.
 */
static void synack_arm(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	__u64 cap = st->profile->synack_rto_max ? st->rto_max : TCPTIMER_RTO_MAX_JIFFIES(st->hz);
	__u64 period = (__u64)st->rto << (st->num_timeout & 63);

	if (period > cap)
		period = cap;
	ev->rto_ms = engine_told_ms(st, period);
	engine_arm(st, TCPTIMER_TIMER_SYNACK, (__s64)period);
	if (st->profile->synack_timer == TCPTIMER_SYNACK_PRUNE) {
		st->slack = (struct engine_span){ 0, 3 * (__s64)(st->hz / 5) };
		st->next_phase.bits = 0;
	}
}

/* The firing of a request's timer: reqsk_timer_handler(). No error is left: there is no socket. */
void engine_request_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	bool acked = st->s->flags & TCPTIMER_F_REQ_ACKED;
	bool drop = st->flags & TCPTIMER_ENGINE_LOCAL_DROP;
	__u32 limit = synack_limit(st);
	bool resend, expired;

	expired = synack_expired(st, limit, &resend) &&
		  !engine_ignores(st, TCPTIMER_LIMIT_SYNACK_RETRIES);
	if (expired || (resend && drop && !acked)) {
		if (expired)
			engine_end_plain(st, TCPTIMER_CAUSE_SYNACK_RETRIES,
					 st->s->syn_retries ? TCPTIMER_LIMIT_SYNCNT :
							      TCPTIMER_LIMIT_SYNACK_RETRIES,
					 limit);
		else /* a SYN-ACK that does not leave takes the request with it */
			engine_end_plain(st, TCPTIMER_CAUSE_CLOSED, TCPTIMER_LIMIT_NONE, 0);
		engine_conclude(st, ENGINE_YES, ev);
		ev->action = TCPTIMER_ACTION_ENDED;
		return;
	}
	/* The first timeout makes it old. */
	if (st->num_timeout++ == 0 && st->ack_young)
		st->ack_young--;
	if (!resend || drop) {
		ev->action = drop && resend ? TCPTIMER_ACTION_RETRANSMIT_FAILED :
					      TCPTIMER_ACTION_REARMED;
		synack_arm(st, ev);
		return;
	}
	ev->action = TCPTIMER_ACTION_RETRANSMITTED;
	ev->n = ++st->n;
	if (st->peer == TCPTIMER_PEER_ACKS || st->peer == TCPTIMER_PEER_ZERO_WINDOW) {
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		return;
	}
	if (!engine_answer_fatal(st))
		synack_arm(st, ev);
}

/*
 * tcp_fastopen_synack_timer(), net/ipv4/tcp_timer.c: the child of a fast open resends SYN-ACKs by its
 * write timer, one time more than a request, and then ends as an established socket does. Whether a
 * SYN-ACK left is not asked. The period is 32 bits, from req->timeout (5.17) or from 1 s.
 */
void engine_tfo_fire(struct engine_stream *st, struct tcptimer_engine_event *ev)
{
	__u32 limit = st->s->syn_retries ? st->s->syn_retries : st->s->sysctls.synack_retries + 1u;
	__u32 first = st->profile->tfo_timeout && st->s->fastopen_timeout ?
			      st->s->fastopen_timeout :
			      TCPTIMER_TIMEOUT_INIT_JIFFIES(st->hz);
	bool drop = st->flags & TCPTIMER_ENGINE_LOCAL_DROP;
	__u32 period;

	if (st->num_timeout >= limit && !engine_ignores(st, TCPTIMER_LIMIT_SYNACK_RETRIES)) {
		engine_end_write_err(st, TCPTIMER_CAUSE_SYNACK_RETRIES,
				     st->s->syn_retries ? TCPTIMER_LIMIT_SYNCNT :
							  TCPTIMER_LIMIT_SYNACK_RETRIES,
				     limit);
		engine_conclude(st, ENGINE_YES, ev);
		return;
	}
	if (st->retransmits == 1)
		ev->flags |= TCPTIMER_EV_LOSS;
	st->num_timeout++;
	st->retransmits++;
	ev->action = drop ? TCPTIMER_ACTION_RETRANSMIT_FAILED : TCPTIMER_ACTION_RETRANSMITTED;
	ev->n = ++st->n;
	if (!drop && (st->peer == TCPTIMER_PEER_ACKS || st->peer == TCPTIMER_PEER_ZERO_WINDOW)) {
		ev->flags |= TCPTIMER_EV_ANSWERED | TCPTIMER_EV_RECOVERED;
		return;
	}
	if (engine_answer_fatal(st))
		return;
	period = engine_min_u32(first << (st->num_timeout & 31), st->rto_max);
	ev->rto_ms = engine_told_ms(st, period);
	engine_arm(st, TCPTIMER_TIMER_SYNACK, period);
}

/* secs_to_retrans(), net/ipv4/tcp.c: how many SYN-ACK periods cover that time. */
__u8 tcptimer_defer_accept_periods(__u32 seconds, __u32 timeout_s, __u32 rto_max_s)
{
	__u64 period = timeout_s;
	__u64 covered = timeout_s;
	__u8 periods = 1;

	if (!seconds || seconds > 0x7fffffffu)
		return 0;
	while (seconds > covered && periods < 255) {
		periods++;
		period = period << 1 > rto_max_s ? rto_max_s : period << 1;
		covered += period;
	}
	return periods;
}

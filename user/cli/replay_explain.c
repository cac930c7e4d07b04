// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timelines of connections that stalled: what happened, how it ended, what was foretold of it.
 * Receives judged events from replay.c; hands each connection to replay_out.c once it has ended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/replay_conn.h"

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void conn_free(struct replay_explain *x, struct replay_conn *c)
{
	uint32_t i;

	for (i = 0; i < c->count; i++)
		free(c->events[i].what);
	x->events -= c->count;
	free(c->events);
	free(c->cgroup);
	free(c->netns_name);
	free(c->comm);
	free(c->rule);
	free(c->taken);
	free(c);
}

static void conn_ask(const struct replay_explain *x, const struct conn *conn,
		     struct replay_deadline *ret_own, struct replay_deadline *ret_other)
{
	*ret_own = (struct replay_deadline){ .known = conn->deadline_known,
					     .has = conn->has_deadline,
					     .cause = conn->deadline_cause,
					     .ms = conn->deadline_ms };
	replay_kernel_ask(x->kernel, conn, ret_other);
}

/* The first event of it that belongs to a stall. */
static struct replay_conn *conn_begin(struct replay_explain *x, const struct tcptimer_event *event,
				      const struct conn *conn)
{
	struct replay_conn *c;

	if (x->conns.count >= REPLAY_CONNS_MAX) {
		x->conns_left++;
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c || idmap_put(&x->conns, event->after.sk, c)) {
		free(c);
		x->err = -ENOMEM;
		return NULL;
	}
	c->snap = event->after;
	c->begin_ns = (int64_t)(event->stall_since_ns ? event->stall_since_ns : event->time_ns);
	c->foretold_ns = (int64_t)event->after.now_ns;
	conn_ask(x, conn, &c->foretold, &c->other);
	c->cgroup = copy(conn->cgroup);
	c->netns_name = copy(conn->netns_name);
	c->comm = copy(conn->comm);
	c->rule = copy(conn->rule);
	c->pid = conn->pid;
	c->owners = conn->owners;
	c->taken = copy(replay_policy_rule(x->policy, conn, &c->mode));
	return c;
}

static struct replay_event *conn_room(struct replay_explain *x, struct replay_conn *c)
{
	struct replay_event *grown;

	if (c->count >= REPLAY_CONN_EVENTS_MAX || x->events >= REPLAY_EVENTS_MAX) {
		c->left_out++;
		x->events_left++;
		return NULL;
	}
	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 8;
		grown = reallocarray(c->events, c->room, sizeof(*grown));
		if (!grown) {
			x->err = -ENOMEM;
			return NULL;
		}
		c->events = grown;
	}
	x->events++;
	return &c->events[c->count++];
}

static void conn_event(struct replay_explain *x, struct replay_conn *c,
		       const struct tcptimer_event *event, const struct conn *conn)
{
	const struct event_verdict *verdict = &x->out->verdict;
	struct replay_event *e = conn_room(x, c);
	char what[256];

	c->snap.policy |= event->after.policy;
	c->stalled = event->kind != TCPTIMER_EVENT_RECOVERED;
	if (!e)
		return;
	*e = (struct replay_event){
		.time_ns = trace_event_time_ns(event),
		.stall_ms = event->stall_timer ? trace_event_stall_ms(event) : -1,
		.next_ms = verdict->next_ms,
		.kind = event->kind,
		.timer = event->timer,
		.action = (uint8_t)verdict->action,
		.cause = (uint8_t)verdict->cause,
		.n = verdict->n,
		.err = verdict->err,
	};
	conn_ask(x, conn, &e->deadline, &e->other);
	event_describe(event, verdict, what, sizeof(what));
	e->what = strdup(what);
	if (!e->what)
		x->err = -ENOMEM;
}

static void conn_end(const struct replay_explain *x, struct replay_conn *c,
		     const struct tcptimer_event *event)
{
	c->ended = true;
	c->stalled = false;
	c->end_ns = trace_event_time_ns(event);
	c->end_kind = event->kind;
	c->cause = x->out->verdict.cause;
	c->err = x->out->verdict.err;
	c->has_drift = x->out->has_drift;
	c->drift_ms = x->out->drift.ms;
}

static int conn_show(struct replay_explain *x, struct replay_conn *c)
{
	x->shown++;
	return x->out->json ? replay_out_json(x, c) : replay_out_text(x, c);
}

static bool event_ends(const struct tcptimer_event *event)
{
	return event->kind == TCPTIMER_EVENT_ABORT || event->kind == TCPTIMER_EVENT_RESET ||
	       event->kind == TCPTIMER_EVENT_CLOSED;
}

/* Nothing more happens to it. */
static void conn_wait(struct replay_explain *x, struct replay_conn *c)
{
	idmap_take(&x->conns, c->snap.sk);
	if (x->last_ended)
		x->last_ended->next = c;
	else
		x->first_ended = c;
	x->last_ended = c;
}

int replay_explain_show(struct replay_explain *x, int64_t before_ns)
{
	struct replay_conn *c;

	while (!x->err && (c = x->first_ended) && c->end_ns < before_ns) {
		x->first_ended = c->next;
		if (!c->next)
			x->last_ended = NULL;
		x->err = conn_show(x, c);
		conn_free(x, c);
	}
	return x->err;
}

static void conn_would(struct replay_conn *c, const struct policy_audit_end *end)
{
	if (c->has_would)
		return;
	c->has_would = true;
	c->would_ns = (int64_t)end->at_ns;
	c->would_cause = end->deadline.cause;
}

void replay_explain_would(struct replay_explain *x, const struct policy_audit_end *end)
{
	struct replay_conn *c = idmap_get(&x->conns, end->snap->sk);

	if (c && c->snap.cookie == end->snap->cookie) {
		conn_would(c, end);
		return;
	}
	for (c = x->first_ended; c; c = c->next)
		if (c->snap.sk == end->snap->sk && c->snap.cookie == end->snap->cookie)
			conn_would(c, end);
}

int replay_explain_event(struct replay_explain *x, const struct tcptimer_event *event,
			 const struct conn *conn)
{
	struct replay_conn *c = idmap_get(&x->conns, event->after.sk);

	/* The address is another socket's by now: the end of the one before was lost. */
	if (c && c->snap.cookie && event->after.cookie && c->snap.cookie != event->after.cookie) {
		c->end_ns = (int64_t)event->time_ns;
		conn_wait(x, c);
		c = NULL;
	}
	if (!c && event->stall_timer && !x->err)
		c = conn_begin(x, event, conn);
	if (!c || x->err)
		return x->err;
	/* Between two stalls nothing is told but its end. */
	if (!event->stall_timer && !event_ends(event) && !c->stalled)
		return 0;
	conn_event(x, c, event, conn);
	if (event_ends(event)) {
		conn_end(x, c, event);
		conn_wait(x, c);
	}
	return x->err;
}

static int by_begin(const void *a, const void *b)
{
	const struct replay_conn *const *x = a, *const *y = b;

	if ((*x)->begin_ns != (*y)->begin_ns)
		return (*x)->begin_ns < (*y)->begin_ns ? -1 : 1;
	return (*x)->snap.sk < (*y)->snap.sk ? -1 : (*x)->snap.sk > (*y)->snap.sk;
}

int replay_explain_rest(struct replay_explain *x, uint64_t now_ns)
{
	struct replay_conn **sorted = calloc(x->conns.count + 1, sizeof(struct replay_conn *));
	size_t index = 0, count = 0, i;
	struct replay_conn *c;

	if (!sorted)
		return x->err = -ENOMEM;
	replay_explain_show(x, INT64_MAX);
	while ((c = idmap_next(&x->conns, &index)))
		sorted[count++] = c;
	qsort(sorted, count, sizeof(struct replay_conn *), by_begin);
	for (i = 0; i < count && !x->err; i++) {
		sorted[i]->end_ns = (int64_t)now_ns;
		x->err = conn_show(x, sorted[i]);
	}
	free(sorted);
	return x->err;
}

void replay_explain_free(struct replay_explain *x)
{
	struct replay_conn *c;
	size_t i = 0;

	while ((c = idmap_next(&x->conns, &i)))
		conn_free(x, c);
	while ((c = x->first_ended)) {
		x->first_ended = c->next;
		conn_free(x, c);
	}
	idmap_free(&x->conns);
}

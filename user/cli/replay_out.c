// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A recorded connection's timeline as text or JSON (contrib/schema/replay-explain.schema.json).
 * Receives a connection from replay_explain.c; hands lines to stdout.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "cli/explain_text.h"
#include "cli/replay_conn.h"
#include "text.h"

static int64_t conn_ms(int64_t ns)
{
	return ns / 1000000;
}

/* ---- text */

static void text_names(const struct replay_conn *c)
{
	char safe[1024];

	if (c->pid)
		printf("process   %s/%d", text_escape(c->comm, safe, sizeof(safe)), c->pid);
	else
		printf("process   -");
	if (c->owners > 1)
		printf(" and %u more", c->owners - 1);
	putchar('\n');
	if (c->cgroup)
		printf("cgroup    %s\n", text_escape(c->cgroup, safe, sizeof(safe)));
	printf("netns     %u", c->snap.netns);
	if (c->netns_name)
		printf(" (%s)", text_escape(c->netns_name, safe, sizeof(safe)));
	if (c->rule)
		printf("\nrule      %s", text_escape(c->rule, safe, sizeof(safe)));
	puts("\n");
}

static void text_deadline(const struct replay_explain *x, const struct replay_event *e)
{
	char span[24];

	if (e->kind != TCPTIMER_EVENT_EXPIRED)
		return;
	if (e->deadline.has)
		printf("; ends in %s (%s)", text_span(e->deadline.ms, span, sizeof(span)),
		       tcptimer_cause_name(e->deadline.cause));
	if (e->other.has)
		printf("; on %s in %s (%s)", x->kernel->profile.name,
		       text_span(e->other.ms, span, sizeof(span)),
		       tcptimer_cause_name(e->other.cause));
}

static void text_event(const struct replay_explain *x, const struct replay_event *e)
{
	char when[32], age[24] = "";

	trace_out_clock(x->out, e->time_ns, when, sizeof(when));
	if (e->stall_ms >= 0)
		text_span(e->stall_ms, age, sizeof(age));
	printf("%-12s  %8s  %-10s %-10s %s", when, age, tcptimer_event_name(e->kind),
	       e->timer ? tcptimer_timer_name(e->timer) : "-", e->what);
	text_deadline(x, e);
	putchar('\n');
}

static void text_foretold(const char *title, const struct replay_conn *c,
			  const struct replay_deadline *d)
{
	int64_t ms = conn_ms(c->foretold_ns - c->begin_ns) + d->ms;
	char span[24];

	if (!d->known)
		return;
	if (d->has)
		printf("%s after %s (%s)\n", title, text_span(ms, span, sizeof(span)),
		       tcptimer_cause_name(d->cause));
	else
		printf("%s never\n", title);
}

static void text_policy(const struct replay_conn *c)
{
	char safe[280], after[24], sooner[24];

	if (!c->taken) {
		puts("policy    no rule takes it");
		return;
	}
	printf("policy    rule %s (%s)", text_escape(c->taken, safe, sizeof(safe)),
	       policy_mode_name(c->mode));
	if (c->has_would)
		printf(" would have ended it after %s (%s), %s sooner",
		       text_span(conn_ms(c->would_ns - c->begin_ns), after, sizeof(after)),
		       replay_policy_limit(c->would_cause),
		       text_span(conn_ms(c->end_ns - c->would_ns), sooner, sizeof(sooner)));
	else
		printf(" would not have ended it%s", c->ended ? "" : " by then");
	putchar('\n');
}

static void text_end(const struct replay_explain *x, const struct replay_conn *c)
{
	char span[24], number[16], title[64];

	text_span(conn_ms(c->end_ns - c->begin_ns), span, sizeof(span));
	if (c->ended)
		printf("ended     after %s: %s", span,
		       c->cause ? tcptimer_cause_name(c->cause) : tcptimer_event_name(c->end_kind));
	else if (c->stalled)
		printf("open      stalled still after %s, as the recording ended", span);
	else
		printf("open      recovered, as the recording ended");
	if (c->err)
		printf("; the application got %s", conn_errno(c->err, number, sizeof(number)));
	putchar('\n');
	text_foretold("foretold ", c, &c->foretold);
	if (c->has_drift)
		printf("drift     %+lldms from what was foretold last\n", (long long)c->drift_ms);
	snprintf(title, sizeof(title), "kernel    %s:", x->kernel->profile.name);
	text_foretold(title, c, &c->other);
	if (x->policy->given)
		text_policy(c);
}

int replay_out_text(const struct replay_explain *x, const struct replay_conn *c)
{
	char ends[144];
	uint32_t i;

	printf("%s%s  cookie %llu\n", x->shown > 1 ? "\n" : "",
	       explain_ends(&c->snap, ends, sizeof(ends)), (unsigned long long)c->snap.cookie);
	text_names(c);
	printf("%-12s  %8s  %-10s %-10s %s\n", "TIME", "STALLED", "EVENT", "TIMER", "WHAT");
	for (i = 0; i < c->count; i++)
		text_event(x, &c->events[i]);
	if (c->left_out)
		printf("… and %u events more\n", c->left_out);
	putchar('\n');
	text_end(x, c);
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

/* ---- JSON */

static struct json_object *json_time(const struct replay_explain *x, int64_t time_ns)
{
	char when[32];

	return json_object_new_string(text_time(time_ns + x->out->offset_ns, when, sizeof(when)));
}

static struct json_object *json_word(unsigned int value, const char *(*name)(unsigned int))
{
	return value ? json_object_new_string(name(value)) : NULL;
}

static struct json_object *json_errno(int err)
{
	char number[16];

	return err ? json_object_new_string(conn_errno(err, number, sizeof(number))) : NULL;
}

/* PREFIXdeadline_ms and PREFIXdeadline_cause, `shift` ms later. */
static void json_deadline(struct json_object *o, const char *ms_key, const char *cause_key,
			  const struct replay_deadline *d, int64_t shift_ms)
{
	json_object_object_add(o, ms_key, d->has ? json_object_new_int64(d->ms + shift_ms) : NULL);
	json_object_object_add(o, cause_key, json_word(d->has ? d->cause : 0, tcptimer_cause_name));
}

static struct json_object *json_event(const struct replay_explain *x, const struct replay_conn *c,
				      const struct replay_event *e)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "time", json_time(x, e->time_ns));
	json_object_object_add(o, "at_ms",
			       json_object_new_int64(conn_ms(e->time_ns - c->begin_ns)));
	json_object_object_add(o, "event", json_object_new_string(tcptimer_event_name(e->kind)));
	json_object_object_add(o, "timer", json_word(e->timer, tcptimer_timer_name));
	json_object_object_add(o, "action",
			       json_object_new_string(tcptimer_action_name(e->action)));
	json_object_object_add(o, "n", e->n ? json_object_new_int((int)e->n) : NULL);
	json_object_object_add(o, "cause", json_word(e->cause, tcptimer_cause_name));
	json_object_object_add(o, "errno", json_errno(e->err));
	json_object_object_add(o, "next_ms",
			       e->next_ms >= 0 ? json_object_new_int64(e->next_ms) : NULL);
	json_deadline(o, "deadline_ms", "deadline_cause", &e->deadline, 0);
	if (x->kernel->given)
		json_deadline(o, "kernel_deadline_ms", "kernel_deadline_cause", &e->other, 0);
	return o;
}

static void json_names(struct json_object *o, const struct replay_conn *c)
{
	json_object_object_add(o, "netns", json_object_new_int64(c->snap.netns));
	json_object_object_add(o, "netns_name", conn_json_text(c->netns_name));
	json_object_object_add(o, "cgroup", conn_json_text(c->cgroup));
	conn_json_addresses(o, &c->snap);
	json_object_object_add(o, "rule", conn_json_text(c->rule));
	json_object_object_add(o, "pid", c->pid ? json_object_new_int(c->pid) : NULL);
	json_object_object_add(o, "comm", conn_json_text(c->comm));
}

static void json_policy(struct json_object *o, const struct replay_conn *c)
{
	json_object_object_add(o, "policy_rule", conn_json_text(c->taken));
	json_object_object_add(o, "policy_mode",
			       c->taken ? json_object_new_string(policy_mode_name(c->mode)) : NULL);
	json_object_object_add(
		o, "policy_end_ms",
		c->has_would ? json_object_new_int64(conn_ms(c->would_ns - c->begin_ns)) : NULL);
	json_object_object_add(o, "policy_cause",
			       json_word(c->has_would ? c->would_cause : 0, tcptimer_cause_name));
}

static void json_end(const struct replay_explain *x, struct json_object *o,
		     const struct replay_conn *c)
{
	int64_t shift_ms = conn_ms(c->foretold_ns - c->begin_ns);

	json_object_object_add(o, "stalled", json_object_new_boolean(c->stalled));
	json_object_object_add(o, "end",
			       c->ended ? json_object_new_string(tcptimer_event_name(c->end_kind)) :
					  NULL);
	json_object_object_add(o, "end_ms",
			       c->ended ? json_object_new_int64(conn_ms(c->end_ns - c->begin_ns)) :
					  NULL);
	json_object_object_add(o, "cause", json_word(c->cause, tcptimer_cause_name));
	json_object_object_add(o, "errno", json_errno(c->err));
	json_deadline(o, "foretold_ms", "foretold_cause", &c->foretold, shift_ms);
	json_object_object_add(o, "drift_ms",
			       c->has_drift ? json_object_new_int64(c->drift_ms) : NULL);
	if (x->policy->given)
		json_policy(o, c);
	if (!x->kernel->given)
		return;
	json_object_object_add(o, "kernel", json_object_new_string(x->kernel->profile.name));
	json_deadline(o, "kernel_foretold_ms", "kernel_foretold_cause", &c->other, shift_ms);
}

int replay_out_json(const struct replay_explain *x, const struct replay_conn *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *events = json_object_new_array();
	uint32_t i;

	if (!o || !events) {
		json_object_put(o);
		json_object_put(events);
		return -ENOMEM;
	}
	json_names(o, c);
	json_object_object_add(o, "stalled_since", json_time(x, c->begin_ns));
	for (i = 0; i < c->count; i++)
		json_object_array_add(events, json_event(x, c, &c->events[i]));
	json_object_object_add(o, "events", events);
	json_object_object_add(o, "events_left_out", json_object_new_int64(c->left_out));
	json_end(x, o, c);
	return conn_json_print(o, "", "\n") || fflush(stdout) ? -EIO : 0;
}

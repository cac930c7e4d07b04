// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `trace` prints: header, a line an event, losses, the closing summary.
 * Receives judged events; hands text or JSON lines to stdout; the caller flushes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "cli/trace_out.h"
#include "deadline.h"
#include "kernel/kernel.h"
#include "text.h"

#define TRACE_FORMAT "%-12s  %-10s %-10s %-21s  %-21s %8s  %s\n"

void trace_out_begin(const struct trace_out *out)
{
	if (out->json)
		fputs("tracing\n", stderr);
	else
		printf(TRACE_FORMAT, "TIME", "EVENT", "TIMER", "LOCAL", "REMOTE", "STALLED",
		       "WHAT");
	fflush(stdout);
}

/* A recovery happened when the answer came, not when the sweep saw it. */
int64_t trace_event_time_ns(const struct tcptimer_event *event)
{
	return (int64_t)(event->kind == TCPTIMER_EVENT_RECOVERED ? event->stall_end_ns :
								   event->time_ns);
}

int64_t trace_event_stall_ms(const struct tcptimer_event *event)
{
	int64_t since_ns = (int64_t)event->stall_since_ns;

	return since_ns ? (trace_event_time_ns(event) - since_ns) / 1000000 : 0;
}

static bool trace_ends(const struct tcptimer_event *event)
{
	return event->kind == TCPTIMER_EVENT_ABORT || event->kind == TCPTIMER_EVENT_RESET ||
	       event->kind == TCPTIMER_EVENT_CLOSED || (event->what & TCPTIMER_W_CLOSED);
}

void trace_out_judge(struct trace_out *out, const struct tcptimer_event *event, struct conn *conn)
{
	out->event = event;
	event_judge(event, out->hz, &out->verdict);
	conn->fired = event->timer ? 1U << event->timer : 0;
	conn->in_stall = event->stall_timer != TCPTIMER_TIMER_NONE;
	out->has_drift = false;
	if (!trace_ends(event)) {
		foretold_set(out->foretold, conn, event->after.now_ns);
		return;
	}
	/* No timer of what is left foretells anything. */
	conn->deadline_known = conn->has_deadline = conn->has_silent = false;
	if (event->kind == TCPTIMER_EVENT_ABORT)
		out->has_drift = foretold_end(out->foretold, &event->after, out->verdict.limit,
					      event->time_ns, &out->drift);
	else
		foretold_forget(out->foretold, event->after.sk);
}

static int trace_out_json(struct trace_out *out, const struct tcptimer_event *event,
			  const struct conn *conn)
{
	const struct event_verdict *verdict = &out->verdict;
	const struct conn_moment moment = {
		.timer = event->timer,
		.stalled = event->stall_timer != TCPTIMER_TIMER_NONE,
		.stall_ms = trace_event_stall_ms(event),
	};
	struct json_out *j = &out->line;
	char number[16];

	json_out_reset(j);
	json_out_open(j, '{');
	conn_json_write(j, conn, trace_event_time_ns(event) + out->offset_ns, &moment);
	json_out_key_string(j, "event", tcptimer_event_name(event->kind));
	json_out_key_string(j, "action", tcptimer_action_name(verdict->action));
	json_out_key_maybe(j, "n", verdict->n != 0, verdict->n);
	json_out_key_string(j, "cause",
			    verdict->cause ? tcptimer_cause_name(verdict->cause) : NULL);
	json_out_key_string(j, "limit", event_policy_limit(event, verdict));
	json_out_key_string(j, "errno",
			    verdict->err ? conn_errno(verdict->err, number, sizeof(number)) : NULL);
	json_out_key_maybe(j, "drift_ms", out->has_drift, out->drift.ms);
	json_out_key_maybe(j, "next_ms", verdict->next_ms >= 0, verdict->next_ms);
	if (out->more_json)
		out->more_json(out, conn, j);
	json_out_close(j, '}');
	return conn_json_line(j, "", "\n") ? -EIO : 0;
}

void trace_out_clock(const struct trace_out *out, int64_t time_ns, char *buf, size_t size)
{
	int64_t real_ns = time_ns + out->offset_ns;
	time_t seconds = (time_t)(real_ns / 1000000000);
	struct tm tm;
	size_t len;

	localtime_r(&seconds, &tm);
	len = strftime(buf, size, "%H:%M:%S", &tm);
	snprintf(buf + len, size - len, ".%03d", (int)(real_ns / 1000000 % 1000));
}

static int trace_out_text(const struct trace_out *out, const struct tcptimer_event *event,
			  const struct conn *conn)
{
	const struct event_verdict *verdict = &out->verdict;
	const struct tcptimer_snapshot *s = &event->after;
	char when[32], local[64], remote[64], age[24] = "", what[160], where[512] = "", comm[80];
	char rule[288];

	trace_out_clock(out, trace_event_time_ns(event), when, sizeof(when));
	text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local));
	text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote));
	if (event->stall_timer)
		text_span(trace_event_stall_ms(event), age, sizeof(age));
	event_describe(event, verdict, what, sizeof(what));
	printf("%-12s  %-10s %-10s %-21s  %-21s %8s  %s", when, tcptimer_event_name(event->kind),
	       event->timer ? tcptimer_timer_name(event->timer) : "-", local, remote, age, what);
	if (verdict->cause == TCPTIMER_CAUSE_POLICY && conn->rule)
		printf("; rule %s", text_escape(conn->rule, rule, sizeof(rule)));
	if (event->kind == TCPTIMER_EVENT_EXPIRED && conn->has_deadline)
		printf("; ends in %s (%s)", text_span(conn->deadline_ms, age, sizeof(age)),
		       tcptimer_cause_name(deadline_cause_shown(conn, conn->deadline_cause)));
	if (out->more_text)
		out->more_text(out, conn);
	/* Who it is, once a stall begins and once it ends. */
	if (event->kind != TCPTIMER_EVENT_EXPIRED && event->kind != TCPTIMER_EVENT_RETRANSMIT) {
		if (conn->pid)
			printf("  %s/%d", text_escape(conn->comm, comm, sizeof(comm)), conn->pid);
		if (conn->cgroup && strcmp(conn->cgroup, "/"))
			printf("  %s", text_cgroup(conn->cgroup, 40, where, sizeof(where)));
	}
	putchar('\n');
	return ferror(stdout) ? -EIO : 0;
}

void trace_out_count(struct trace_out *out, const struct tcptimer_event *event)
{
	struct trace_sums *sums = &out->sums;

	sums->events[event->kind]++;
	if (event->kind == TCPTIMER_EVENT_EXPIRED || event->kind == TCPTIMER_EVENT_ABORT)
		sums->timers[event->timer]++;
	if (out->verdict.cause)
		sums->causes[out->verdict.cause]++;
	if (out->has_drift)
		foretold_count(out->foretold, &out->drift, out->hz);
}

int trace_out_event(struct trace_out *out, const struct tcptimer_event *event,
		    const struct conn *conn)
{
	trace_out_count(out, event);
	return out->json ? trace_out_json(out, event, conn) : trace_out_text(out, event, conn);
}

/* What each CPU lost since the last time, in place of what it lost in all. */
static void trace_new_losses(struct trace_out *out, uint64_t *by_cpu, unsigned int cpus)
{
	uint64_t *told = out->sums.lost_by_cpu;
	unsigned int cpu;

	if (!told)
		told = out->sums.lost_by_cpu = calloc(cpus, sizeof(*told));
	for (cpu = 0; told && cpu < cpus; cpu++) {
		uint64_t all = by_cpu[cpu];

		by_cpu[cpu] -= told[cpu];
		told[cpu] = all;
	}
}

static void trace_losses_text(const uint64_t *by_cpu, unsigned int cpus, uint64_t new, uint64_t all)
{
	unsigned int cpu;

	printf("-- %llu events lost, %llu in all (by cpu:", (unsigned long long)new,
	       (unsigned long long)all);
	for (cpu = 0; cpu < cpus; cpu++)
		if (by_cpu[cpu])
			printf(" %u=%llu", cpu, (unsigned long long)by_cpu[cpu]);
	puts(")");
}

static void trace_losses_json(const uint64_t *by_cpu, unsigned int cpus, uint64_t new,
			      int64_t realtime_ns)
{
	struct json_object *o = json_object_new_object(), *array = json_object_new_array();
	unsigned int cpu;
	char when[32];

	text_time(realtime_ns, when, sizeof(when));
	json_object_object_add(o, "time", json_object_new_string(when));
	json_object_object_add(o, "event", json_object_new_string("lost"));
	json_object_object_add(o, "lost", json_object_new_int64((int64_t) new));
	for (cpu = 0; cpu < cpus; cpu++) {
		struct json_object *c;

		if (!by_cpu[cpu])
			continue;
		c = json_object_new_object();
		json_object_object_add(c, "cpu", json_object_new_int((int)cpu));
		json_object_object_add(c, "lost", json_object_new_int64((int64_t)by_cpu[cpu]));
		json_object_array_add(array, c);
	}
	json_object_object_add(o, "cpus", array);
	conn_json_print(o, "", "\n");
}

void trace_out_lost(struct trace_out *out, const uint64_t *by_cpu, unsigned int cpus,
		    int64_t realtime_ns)
{
	uint64_t new = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < cpus; cpu++)
		new += by_cpu[cpu];
	out->sums.lost += new;
	if (out->json)
		trace_losses_json(by_cpu, cpus, new, realtime_ns);
	else
		trace_losses_text(by_cpu, cpus, new, out->sums.lost);
	fflush(stdout);
}

void trace_out_losses(struct trace_out *out, const struct tracer *tracer)
{
	uint64_t by_cpu[TRACER_CPUS_MAX];
	uint64_t lost = tracer_lost(tracer, by_cpu);
	struct timespec now;

	if (lost == out->sums.lost)
		return;
	trace_new_losses(out, by_cpu, tracer->cpus);
	clock_gettime(CLOCK_REALTIME, &now);
	trace_out_lost(out, by_cpu, tracer->cpus, now.tv_sec * 1000000000LL + now.tv_nsec);
}

static void trace_sum_line(FILE *file, const char *title, const unsigned long *counts, size_t n,
			   const char *(*name)(unsigned int))
{
	const char *comma = "";
	unsigned int i;

	fprintf(file, "%-9s", title);
	for (i = 1; i < n; i++) {
		if (!counts[i])
			continue;
		fprintf(file, "%s %s %lu", comma, name(i), counts[i]);
		comma = ",";
	}
	fputs(*comma ? "\n" : " none\n", file);
}

static void trace_sum_losses(FILE *file, uint64_t sum, const struct trace_lost *lost)
{
	const char *comma = " (";
	unsigned int kind;

	fprintf(file, "%-9s %llu", "lost", (unsigned long long)sum);
	for (kind = 0; sum && kind < TRACER_LOSS_KINDS; kind++) {
		uint64_t of_kind = lost->kinds[kind];

		if (!of_kind)
			continue;
		fprintf(file, "%s%s: %llu", comma, tracer_loss_name(kind),
			(unsigned long long)of_kind);
		comma = ", ";
	}
	fputs(*comma == ',' ? ")\n" : "\n", file);
}

void trace_out_summary(struct trace_out *out, const struct trace_lost *lost)
{
	FILE *file = out->json ? stderr : stdout;
	const struct trace_sums *sums = &out->sums;
	const struct foretold_sums *held = foretold_sums(out->foretold);

	fputs("\n-- summary\n", file);
	trace_sum_line(file, "events", sums->events, TCPTIMER_EVENT_COUNT, tcptimer_event_name);
	trace_sum_line(file, "timers", sums->timers, TCPTIMER_TIMER_COUNT, tcptimer_timer_name);
	trace_sum_line(file, "ended", sums->causes, TCPTIMER_CAUSE_COUNT, tcptimer_cause_name);
	fprintf(file, "%-9s stalls begun %lu, recovered %lu\n", "stalls",
		sums->events[TCPTIMER_EVENT_STALL], sums->events[TCPTIMER_EVENT_RECOVERED]);
	if (held->ends)
		fprintf(file,
			"%-9s %lu ends, %lu by the cause foretold, %lu within two jiffies; worst %+lldms\n",
			"foretold", held->ends, held->right_cause, held->in_time,
			(long long)held->worst_ms);
	trace_sum_losses(file, sums->lost, lost);
	if (lost->missed)
		fprintf(file, "%-9s %llu runs of a program that was running already\n", "missed",
			(unsigned long long)lost->missed);
	if (sums->malformed)
		fprintf(file, "%-9s %lu records did not decode\n", "malformed", sums->malformed);
	fflush(file);
	free(out->sums.lost_by_cpu);
	json_out_free(&out->line);
	out->sums.lost_by_cpu = NULL;
}

void trace_out_end(struct trace_out *out, const struct tracer *tracer)
{
	struct trace_lost lost = { .missed = tracer_missed(tracer) };
	unsigned int kind;

	_Static_assert(sizeof(lost.kinds) / sizeof(lost.kinds[0]) == TRACER_LOSS_KINDS, "losses");
	for (kind = 0; kind < TRACER_LOSS_KINDS; kind++)
		lost.kinds[kind] = tracer_lost_kind(tracer, kind);
	trace_out_summary(out, &lost);
}

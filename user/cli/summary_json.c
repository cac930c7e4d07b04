// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A summary as JSON: the keys of contrib/schema/summary.schema.json.
 * Receives groups; hands a json-c object.
 */
#include <json-c/json.h>
#include "cli/summary_json.h"
#include "text.h"

static void add_count(struct json_object *o, const char *key, uint64_t count)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)count));
}

static struct json_object *states_json(const struct summary_group *group)
{
	struct json_object *o = json_object_new_object();

	for (unsigned int i = 0; i < TCPTIMER_STATE_NEW_SYN_RECV; i++)
		if (group->states[i])
			add_count(o, tcptimer_state_name(i), group->states[i]);
	return o;
}

static struct json_object *stalled_json(const struct summary_group *group)
{
	static const enum tcptimer_timer timers[] = { TCPTIMER_TIMER_RETRANS, TCPTIMER_TIMER_PROBE0,
						      TCPTIMER_TIMER_KEEPALIVE, TCPTIMER_TIMER_SYN,
						      TCPTIMER_TIMER_SYNACK };
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		add_count(o, tcptimer_timer_name(timers[i]), group->stalled_on[timers[i]]);
	return o;
}

static struct json_object *ended_json(const struct tcptimer_summary_counts *counts)
{
	struct json_object *o = json_object_new_object();

	for (unsigned int i = 0; i < TCPTIMER_CAUSE_COUNT; i++)
		if (counts->ended[i])
			add_count(o, i ? tcptimer_cause_name(i) : "unknown", counts->ended[i]);
	return o;
}

/* Buckets that are not empty: how many below `below_ms`, and not below the bound before it. */
static struct json_object *histogram_json(const __u64 *buckets)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < TCPTIMER_BUCKET_COUNT; i++) {
		int64_t bound_ms = histogram_bound_ms(i);
		struct json_object *o;

		if (!buckets[i])
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "from_ms",
				       json_object_new_int64(i ? histogram_bound_ms(i - 1) : 0));
		json_object_object_add(o, "below_ms",
				       bound_ms < 0 ? NULL : json_object_new_int64(bound_ms));
		add_count(o, "count", buckets[i]);
		json_object_array_add(array, o);
	}
	return array;
}

static void add_counts(struct json_object *o, const struct tcptimer_summary_counts *c)
{
	struct json_object *recovered = json_object_new_object();

	add_count(o, "retransmissions", c->retransmitted);
	add_count(o, "retransmissions_failed", c->retransmit_failed);
	add_count(o, "probes", c->probes);
	add_count(o, "timeouts", c->timeouts);
	add_count(o, "stalls_begun", c->stalls);
	add_count(recovered, "count", c->recovered);
	json_object_object_add(
		recovered, "mean_ms",
		c->recovered ? json_object_new_int64((int64_t)(c->recovered_ms / c->recovered)) :
			       NULL);
	json_object_object_add(recovered, "max_ms",
			       c->recovered ? json_object_new_int64((int64_t)c->recovered_max_ms) :
					      NULL);
	json_object_object_add(o, "recovered", recovered);
	json_object_object_add(o, "ended", ended_json(c));
}

static void add_histograms(struct json_object *o, const struct summary_group *group)
{
	struct json_object *h = json_object_new_object();
	__u64 copy[TCPTIMER_BUCKET_COUNT];
	const struct {
		const char *key;
		const struct histogram *of;
	} rows[] = { { "rto", &group->rto },
		     { "stalled", &group->stall },
		     { "deadline", &group->deadline } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t j = 0; j < TCPTIMER_BUCKET_COUNT; j++)
			copy[j] = rows[i].of->buckets[j];
		json_object_object_add(h, rows[i].key, histogram_json(copy));
	}
	json_object_object_add(h, "recovered", histogram_json(group->counts.recovered_hist));
	json_object_object_add(o, "histograms", h);
}

static void add_group(struct json_object *o, const struct summary_group *group,
		      const struct summary_report *report)
{
	add_count(o, "sockets", group->sockets);
	json_object_object_add(o, "states", states_json(group));
	add_count(o, "stalled", group->stalled);
	json_object_object_add(o, "stalled_on", stalled_json(group));
	json_object_object_add(o, "oldest_stall_ms",
			       group->stalled ? json_object_new_int64(group->oldest_ms) : NULL);
	json_object_object_add(o, "deadline_ms",
			       group->has_deadline ? json_object_new_int64(group->deadline_ms) :
						     NULL);
	json_object_object_add(o, "deadline_cause",
			       group->has_deadline ? json_object_new_string(tcptimer_cause_name(
							     group->deadline_cause)) :
						     NULL);
	if (report->interval_ms)
		add_counts(o, &group->counts);
	if (report->histogram)
		add_histograms(o, group);
}

static struct json_object *losses_json(const struct summary_losses *lost)
{
	struct json_object *o = json_object_new_object();

	add_count(o, "groups", lost->groups);
	add_count(o, "stalls", lost->stalls);
	add_count(o, "unseen", lost->unseen);
	add_count(o, "missed", lost->missed);
	return o;
}

static struct json_object *group_json(enum summary_by by, const struct summary_group *group,
				      const struct summary_report *report)
{
	struct json_object *o = json_object_new_object();
	char text[8192], name[512];

	json_object_object_add(
		o, "group",
		group->text ? json_object_new_string(text_utf8(group->text, text, sizeof(text))) :
			      NULL);
	json_object_object_add(o, "id", group->id ? json_object_new_int64(group->id) : NULL);
	json_object_object_add(
		o, "name",
		json_object_new_string(summary_label(by, group, false, name, sizeof(name))));
	add_group(o, group, report);
	return o;
}

struct json_object *summary_json(struct summary *s, const struct summary_report *report)
{
	struct json_object *o = json_object_new_object(), *total = json_object_new_object();
	struct json_object *array = json_object_new_array();
	const struct summary_group *const *groups;
	size_t count;

	groups = summary_groups(s, &count);
	if (!o || !total || !array || !groups) {
		json_object_put(o);
		json_object_put(total);
		json_object_put(array);
		return NULL;
	}
	json_object_object_add(o, "time", json_object_new_string(report->time));
	json_object_object_add(o, "by", json_object_new_string(summary_by_word(summary_by(s))));
	json_object_object_add(o, "interval_ms",
			       report->interval_ms ? json_object_new_int64(report->interval_ms) :
						     NULL);
	json_object_object_add(o, "lost", report->interval_ms ? losses_json(&report->lost) : NULL);
	add_group(total, summary_total(s), report);
	json_object_object_add(o, "total", total);
	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, group_json(summary_by(s), groups[i], report));
	json_object_object_add(o, "groups", array);
	return o;
}

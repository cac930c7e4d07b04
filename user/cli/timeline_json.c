// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A timeline as JSON: the keys that `simulate` and `explain` share (contrib/schema/).
 * Receives a view that timeline_run() filled; hands a json-c object.
 */
#include <string.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "cli/timeline_json.h"
#include "timeline_text.h"

/* The flags of an event that are told, each under its word. */
static const struct {
	uint32_t flag;
	const char *word;
} flag_words[] = {
	{ TCPTIMER_EV_ROUTE_CHECKED, "route_checked" },
	{ TCPTIMER_EV_ROUTE_RESET, "route_reset" },
	{ TCPTIMER_EV_MTU_PROBE, "mtu_probe" },
	{ TCPTIMER_EV_LINEAR, "linear" },
	{ TCPTIMER_EV_CLAMPED, "clamped" },
	{ TCPTIMER_EV_LOCAL_DROP, "local_drop" },
	{ TCPTIMER_EV_CLOSED_WINDOW, "closed_window" },
	{ TCPTIMER_EV_ANSWERED, "answered" },
	{ TCPTIMER_EV_TFO_DISABLED, "fast_open_disabled" },
	{ TCPTIMER_EV_RTO_REVERTED, "rto_reverted" },
	{ TCPTIMER_EV_RST, "rst" },
	{ TCPTIMER_EV_RECOVERED, "recovered" },
	{ TCPTIMER_EV_LOSS, "loss" },
	{ TCPTIMER_EV_MAYBE, "maybe" },
};

static struct json_object *json_flags(uint32_t flags)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
		if (flags & flag_words[i].flag)
			json_object_array_add(array, json_object_new_string(flag_words[i].word));
	return array;
}

static struct json_object *json_errno(int err)
{
	char number[24];

	return err ? json_object_new_string(conn_errno(err, number, sizeof(number))) : NULL;
}

static struct json_object *json_event(const struct tcptimer_engine_event *ev)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "at_ms", json_object_new_uint64(ev->at_ms));
	json_object_object_add(o, "at_min_ms", json_object_new_uint64(ev->at_min_ms));
	json_object_object_add(o, "at_max_ms", json_object_new_uint64(ev->at_max_ms));
	json_object_object_add(o, "timer", json_object_new_string(tcptimer_timer_name(ev->timer)));
	json_object_object_add(o, "action",
			       json_object_new_string(tcptimer_action_name(ev->action)));
	json_object_object_add(o, "n", json_object_new_int(ev->n));
	json_object_object_add(o, "rto_ms", json_object_new_int64(ev->rto_ms));
	json_object_object_add(o, "flags", json_flags(ev->flags));
	return o;
}

static struct json_object *json_limit(const struct tcptimer_deadline *dl)
{
	const char *unit = tcptimer_limit_unit(dl->limit);
	struct json_object *o;

	if (dl->never || dl->limit == TCPTIMER_LIMIT_NONE)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "name", json_object_new_string(tcptimer_limit_name(dl->limit)));
	json_object_object_add(o, "value", json_object_new_int64(dl->limit_value));
	json_object_object_add(o, "unit", *unit ? json_object_new_string(unit) : NULL);
	json_object_object_add(o, "set_by",
			       json_object_new_string(timeline_limit_source(dl->limit)));
	return o;
}

/* The keys of an end, all null when it never comes. */
static void json_add_deadline(struct json_object *o, const struct tcptimer_deadline *dl)
{
	bool ends = !dl->never;

	json_object_object_add(o, "deadline_ms", ends ? json_object_new_uint64(dl->at_ms) : NULL);
	json_object_object_add(o, "deadline_min_ms",
			       ends ? json_object_new_uint64(dl->at_min_ms) : NULL);
	json_object_object_add(o, "deadline_max_ms",
			       ends ? json_object_new_uint64(dl->at_max_ms) : NULL);
	json_object_object_add(
		o, "cause", ends ? json_object_new_string(tcptimer_cause_name(dl->cause)) : NULL);
	json_object_object_add(o, "errno", json_errno(dl->err));
	json_object_object_add(o, "rst", json_object_new_boolean(dl->rst));
	json_object_object_add(o, "limit", json_limit(dl));
}

static struct json_object *json_deadline(const struct tcptimer_deadline *dl)
{
	struct json_object *o;

	if (dl->never)
		return NULL;
	o = json_object_new_object();
	json_add_deadline(o, dl);
	return o;
}

void timeline_json_add(struct json_object *o, const struct timeline_view *view)
{
	const struct tcptimer_timeline *timeline = &view->timeline;
	struct tcptimer_deadline end = timeline->deadline;
	struct json_object *events = json_object_new_array();
	size_t i;

	if (view->error) /* not followed to its end */
		end = (struct tcptimer_deadline){ .never = 1, .peer = end.peer };
	for (i = 0; i < timeline->count; i++)
		json_object_array_add(events, json_event(&view->events[i]));
	json_object_object_add(o, "kernel", json_object_new_string(view->profile.name));
	json_object_object_add(o, "hz", json_object_new_int64(view->params.hz));
	json_object_object_add(o, "peer", json_object_new_string(tcptimer_peer_name(end.peer)));
	json_object_object_add(o, "events", events);
	json_object_object_add(o, "truncated", json_object_new_boolean(timeline->truncated));
	json_add_deadline(o, &end);
	json_object_object_add(o, "runner_up", json_deadline(&timeline->runner_up));
	json_object_object_add(o, "if_silent",
			       view->has_silent ? json_deadline(&view->silent) : NULL);
}

struct json_object *timeline_json(const struct timeline_view *view)
{
	struct json_object *o = json_object_new_object();

	if (o)
		timeline_json_add(o, view);
	return o;
}

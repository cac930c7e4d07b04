// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the daemon answers to each request of its control socket.
 * Receives requests that were parsed; hands JSON, after doing what was asked.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>
#include "daemon/ctl_proto.h"
#include "daemon/daemon_impl.h"
#include "daemon/policy_show.h"
#include "text.h"

#define FINDINGS_ANSWERED 100

static struct json_object *number(uint64_t value)
{
	return json_object_new_int64((int64_t)value);
}

static const struct loaded *known(const struct daemon *d)
{
	return d->enforce && d->known ? &d->running : NULL;
}

static int rule_counters(void *arg, size_t rule, struct tcptimer_policy_counters *ret)
{
	struct daemon *d = arg;

	return d->enforce ? enforce_counters(d->enforce, rule, ret) : -ENOENT;
}

static struct enforce_state state_of(struct daemon *d)
{
	struct enforce_state state = {};

	if (d->enforce && enforce_state(d->enforce, &state))
		state = (struct enforce_state){};
	return state;
}

/* ---- status ---- */

static struct json_object *kernel_json(const struct daemon *d)
{
	struct json_object *o = json_object_new_object();
	struct utsname uts;

	uname(&uts);
	json_object_object_add(o, "release", policy_show_raw(uts.release));
	json_object_object_add(o, "profile", json_object_new_string(d->names.profile.name));
	json_object_object_add(o, "hz", number(d->names.hz));
	return o;
}

static struct json_object *policy_json(struct daemon *d, const struct enforce_state *state)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "attached", json_object_new_boolean(d->enforce != NULL));
	json_object_object_add(o, "adopted", json_object_new_boolean(d->adopted));
	json_object_object_add(o, "generation", number(state->generation));
	policy_show_source(o, known(d), d->digest);
	return o;
}

static struct json_object *rules_json(struct daemon *d)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; known(d) && i < d->running.policy.count; i++) {
		struct json_object *o = json_object_new_object();
		struct tcptimer_policy_counters c = {};

		if (rule_counters(d, i, &c))
			c = (struct tcptimer_policy_counters){};
		json_object_object_add(o, "name",
				       json_object_new_string(d->running.policy.rules[i].name));
		json_object_object_add(o, "sockets", number(c.sockets));
		json_object_object_add(o, "ended", number(c.ended));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *maps_json(struct daemon *d, const struct enforce_state *state)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "cgroups", number(state->cgroups));
	json_object_object_add(o, "cgroups_max", number(state->cgroups_max));
	json_object_object_add(o, "rules", number(state->rules));
	json_object_object_add(o, "rules_max", number(TCPTIMER_POLICY_RULES));
	json_object_object_add(o, "cgroup_events_lost", number(state->cgroup_events_lost));
	return o;
}

/* What the last look at the files found. */
static struct json_object *reload_json(const struct daemon *d)
{
	struct json_object *o;
	char time[40];

	if (!d->reload_ns)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "at",
			       json_object_new_string(text_time(d->reload_ns, time, sizeof(time))));
	json_object_object_add(o, "errors", number(d->reload_errors));
	json_object_object_add(o, "warnings", number(d->reload_warnings));
	return o;
}

static struct json_object *answer_status(struct daemon *d)
{
	struct json_object *o = json_object_new_object();
	struct enforce_state state = state_of(d);
	struct timespec now;
	char time[40];

	clock_gettime(CLOCK_MONOTONIC, &now);
	json_object_object_add(o, "version", json_object_new_string(TCPTIMER_VERSION));
	json_object_object_add(o, "pid", number((uint64_t)getpid()));
	json_object_object_add(
		o, "started_at",
		json_object_new_string(text_time(d->started_ns, time, sizeof(time))));
	json_object_object_add(o, "uptime_ms",
			       number(((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec -
				       d->started_monotonic_ns) /
				      1000000));
	json_object_object_add(o, "kernel", kernel_json(d));
	json_object_object_add(o, "policy", policy_json(d, &state));
	json_object_object_add(o, "last_reload", reload_json(d));
	json_object_object_add(o, "rules", rules_json(d));
	json_object_object_add(o, "maps", maps_json(d, &state));
	trace_watch_json(d->trace, o);
	json_object_object_add(o, "clients", ctl_server_json(d->ctl));
	json_object_object_add(o, "log_lines_left_out", number(log_left_out()));
	return o;
}

/* ---- policy ---- */

static struct json_object *answer_show(struct daemon *d)
{
	struct enforce_state state = state_of(d);
	struct policy_shown shown = {
		.loaded = known(d),
		.digest = d->digest,
		.pid = getpid(),
		.attached = d->enforce != NULL,
		.generation = state.generation,
		.counters = rule_counters,
		.arg = d,
	};

	return policy_show_json(&shown);
}

static void add_pass(struct json_object *o, const struct enforce_pass *pass)
{
	json_object_object_add(o, "sockets_seen", number(pass->seen));
	json_object_object_add(o, "sockets_matched", number(pass->matched));
	json_object_object_add(o, "sockets_changed", number(pass->changed));
	json_object_object_add(o, "options_refused", number(pass->refused));
	json_object_object_add(o, "netns", number(pass->netns));
	json_object_object_add(o, "netns_skipped", number(pass->skipped));
}

static struct json_object *findings_json(const struct policy_report *report)
{
	struct json_object *array = json_object_new_array();
	char line[LOAD_LINE];

	for (size_t i = 0; i < report->count && json_object_array_length(array) < FINDINGS_ANSWERED;
	     i++)
		if (report->findings[i].severity == POLICY_ERROR)
			json_object_array_add(array,
					      json_object_new_string(load_finding_text(
						      &report->findings[i], line, sizeof(line))));
	return array;
}

/* Takes the request's files over. The daemon looks at them itself, whatever the client has done. */
static struct json_object *answer_apply(struct daemon *d, struct ctl_request *request)
{
	struct loaded loaded = { .source = request->source };
	struct enforce_pass pass = {};
	struct json_object *o, *findings;
	unsigned int warnings;
	int err;

	request->source = (struct policy_source){};
	err = load_check(&loaded, &d->names.profile, d->names.hz);
	warnings = loaded.report.warnings;
	if (err) {
		findings = findings_json(&loaded.report);
		load_free(&loaded);
		return ctl_answer_error(err == -ENOMEM ? "no memory for the policy" :
							 "the policy has errors",
					findings);
	}
	err = daemon_put(d, &loaded, &pass);
	if (err) {
		log_error("`tcptimer policy apply`: %s", d->error);
		return ctl_answer_error(d->error, NULL);
	}
	o = json_object_new_object();
	json_object_object_add(o, "digest", json_object_new_string(d->digest));
	json_object_object_add(o, "rule_count", number(d->running.policy.count));
	json_object_object_add(o, "audit", json_object_new_boolean(d->options->audit));
	json_object_object_add(o, "warnings", number(warnings));
	add_pass(o, &pass);
	return ctl_answer(o);
}

static struct json_object *answer_clear(struct daemon *d)
{
	struct enforce_pass pass = {};
	struct json_object *o;
	bool was = false;

	if (daemon_clear(d, &pass, &was)) {
		log_error("`tcptimer policy clear`: %s", d->error);
		return ctl_answer_error(d->error, NULL);
	}
	log_info("the policy was cleared: nothing is attached until `tcptimer policy apply` or "
		 "SIGHUP");
	o = json_object_new_object();
	json_object_object_add(o, "was_attached", json_object_new_boolean(was));
	add_pass(o, &pass);
	return ctl_answer(o);
}

struct json_object *daemon_answer(struct daemon *d, struct ctl_request *request)
{
	switch (request->command) {
	case CTL_STATUS:
		return ctl_answer(answer_status(d));
	case CTL_POLICY_SHOW:
		return ctl_answer(answer_show(d));
	case CTL_POLICY_APPLY:
		return answer_apply(d, request);
	default:
		return answer_clear(d);
	}
}

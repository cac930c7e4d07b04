// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy in force as JSON: its rules and what they have done.
 * Receives a policy and its counters, from the daemon or from the pinned maps; hands a json-c object.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "daemon/policy_show.h"
#include "text.h"

static struct json_object *number(uint64_t value)
{
	return json_object_new_int64((int64_t)value);
}

struct json_object *policy_show_raw(const char *raw)
{
	size_t size = 3 * strlen(raw) + 1;
	char *utf8 = malloc(size);
	struct json_object *string;

	if (!utf8)
		return NULL;
	string = json_object_new_string(text_utf8(raw, utf8, size));
	free(utf8);
	return string;
}

static struct json_object *cidrs(const struct policy_cidr *list, unsigned int count)
{
	struct json_object *array = json_object_new_array();
	char addr[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];

	for (unsigned int i = 0; i < count; i++) {
		inet_ntop(list[i].family, list[i].addr, addr, sizeof(addr));
		snprintf(text, sizeof(text), "%s/%u", addr, list[i].bits);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

static struct json_object *ports(const struct policy_ports *list, unsigned int count)
{
	struct json_object *array = json_object_new_array();
	char text[16];

	for (unsigned int i = 0; i < count; i++) {
		if (list[i].first == list[i].last)
			snprintf(text, sizeof(text), "%u", list[i].first);
		else
			snprintf(text, sizeof(text), "%u-%u", list[i].first, list[i].last);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

static struct json_object *match_json(const struct policy_rule *rule)
{
	struct json_object *o = json_object_new_object(), *globs = json_object_new_array();

	for (unsigned int i = 0; i < rule->cgroup_count; i++)
		json_object_array_add(globs, policy_show_raw(rule->cgroup[i].pattern));
	json_object_object_add(o, "cgroup", globs);
	json_object_object_add(o, "direction",
			       json_object_new_string(policy_direction_name(rule->direction)));
	json_object_object_add(o, "remote", cidrs(rule->remote, rule->remote_count));
	json_object_object_add(o, "remote_port", ports(rule->remote_port, rule->remote_port_count));
	json_object_object_add(o, "local", cidrs(rule->local, rule->local_count));
	json_object_object_add(o, "local_port", ports(rule->local_port, rule->local_port_count));
	return o;
}

/* "user_timeout": {"us": 20000000, "text": "20s"}, "max_retries": {"value": 6, …} */
static struct json_object *settings_json(const struct policy_rule *rule)
{
	struct json_object *o = json_object_new_object(), *entry, *value;
	char text[64];

	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++) {
		const struct policy_setting *row = &policy_settings[id];
		int64_t raw = rule->settings[id].value;

		if (!rule->settings[id].set)
			continue;
		entry = json_object_new_object();
		value = row->kind == POLICY_KIND_BOOL ? json_object_new_boolean(raw != 0) :
							json_object_new_int64(raw);
		json_object_object_add(entry, row->kind == POLICY_KIND_SPAN ? "us" : "value",
				       value);
		json_object_object_add(
			entry, "text",
			json_object_new_string(policy_value_text(row, raw, text, sizeof(text))));
		json_object_object_add(o, row->name, entry);
	}
	return o;
}

static struct json_object *counters_json(const struct policy_shown *shown, size_t rule)
{
	struct tcptimer_policy_counters c = {};
	struct json_object *o, *err = NULL, *setting = NULL;
	char buf[24];

	if (shown->counters(shown->arg, rule, &c))
		return NULL;
	o = json_object_new_object();
	if (c.refused) {
		err = json_object_new_string(conn_errno(c.refused_err, buf, sizeof(buf)));
		if (c.refused_setting < POLICY_SETTING_COUNT)
			setting = json_object_new_string(policy_settings[c.refused_setting].name);
	}
	json_object_object_add(o, "sockets", number(c.sockets));
	json_object_object_add(o, "set", number(c.set));
	json_object_object_add(o, "refused", number(c.refused));
	json_object_object_add(o, "refused_errno", err);
	json_object_object_add(o, "refused_setting", setting);
	json_object_object_add(o, "clamped", number(c.clamped));
	json_object_object_add(o, "yielded", number(c.yielded));
	json_object_object_add(o, "ended", number(c.ended));
	json_object_object_add(o, "unreached", number(c.unreached));
	return o;
}

static struct json_object *rule_json(const struct policy_shown *shown, size_t index)
{
	const struct policy_rule *rule = &shown->loaded->policy.rules[index];
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(rule->name));
	json_object_object_add(o, "mode", json_object_new_string(policy_mode_name(rule->mode)));
	json_object_object_add(o, "file", policy_show_raw(rule->file));
	json_object_object_add(o, "line", number(rule->pos.line));
	json_object_object_add(o, "match", match_json(rule));
	json_object_object_add(o, "set", settings_json(rule));
	json_object_object_add(o, "counters", counters_json(shown, index));
	return o;
}

static const char *source_word(const struct loaded *loaded)
{
	return loaded->source.kind == SOURCE_APPLY ? "apply" :
	       loaded->source.count                ? "files" :
						     "none";
}

void policy_show_source(struct json_object *o, const struct loaded *loaded, const char *digest)
{
	struct json_object *files = json_object_new_array();
	char time[40];

	for (size_t i = 0; loaded && i < loaded->source.count; i++)
		json_object_array_add(files, policy_show_raw(loaded->source.files[i].name));
	json_object_object_add(o, "digest", loaded ? json_object_new_string(digest) : NULL);
	json_object_object_add(o, "source",
			       json_object_new_string(loaded ? source_word(loaded) : "unknown"));
	json_object_object_add(o, "files", files);
	json_object_object_add(o, "applied_at",
			       loaded && loaded->source.time_ns ?
				       json_object_new_string(text_time(loaded->source.time_ns,
									time, sizeof(time))) :
				       NULL);
	json_object_object_add(o, "audit", json_object_new_boolean(loaded && loaded->source.audit));
	json_object_object_add(o, "rule_count", loaded ? number(loaded->policy.count) : NULL);
}

struct json_object *policy_show_json(const struct policy_shown *shown)
{
	struct json_object *o = json_object_new_object(), *rules;

	if (!o)
		return NULL;
	rules = json_object_new_array();
	for (size_t i = 0; shown->loaded && i < shown->loaded->policy.count; i++)
		json_object_array_add(rules, rule_json(shown, i));
	json_object_object_add(o, "pid", shown->pid ? number((uint64_t)shown->pid) : NULL);
	json_object_object_add(o, "attached", json_object_new_boolean(shown->attached));
	json_object_object_add(o, "generation", number(shown->generation));
	policy_show_source(o, shown->loaded, shown->digest);
	json_object_object_add(o, "rules", rules);
	return o;
}

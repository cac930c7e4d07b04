// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `policy preview` as text and as JSON (contrib/schema/policy-preview.schema.json).
 * Receives rows and sums from policy_preview.c; writes them to stdout.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/policy_json.h"
#include "cli/policy_preview.h"
#include "text.h"

/* Options that a connection may change, as "keepalive.interval 1m15s→5s, ". */
#define CHANGES_SIZE 1024

struct preview_out {
	const struct preview_head *head;
	struct text_table *table; /* text: from the first row on */
	bool json;
	uint64_t rows;
};

/* The order of the cells in row_text(). */
static const struct text_column columns[] = {
	{ "", TEXT_LEFT, 2 },
	{ "LOCAL", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "REMOTE", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "CGROUP", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "RULE", TEXT_LEFT, 4 },
	{ "DEADLINE", TEXT_LEFT, 8 },
	{ "IF-SILENT", TEXT_LEFT, 9 },
	{ "CHANGES", TEXT_LEFT, 7 },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const struct text_column sum_columns[] = {
	{ "RULE", TEXT_LEFT, 4 },      { "MODE", TEXT_LEFT, 7 },
	{ "SOCKETS", TEXT_RIGHT, 7 },  { "CHANGE", TEXT_RIGHT, 6 },
	{ "STRICTER", TEXT_RIGHT, 8 }, { "YIELDS", TEXT_RIGHT, 6 },
	{ "AT-ONCE", TEXT_RIGHT, 7 },  { "IN-1MIN", TEXT_RIGHT, 7 },
	{ "NEAREST", TEXT_RIGHT, 7 },  { "CONNECTION", TEXT_LEFT, 10 },
};
#define SUM_COLUMNS (sizeof(sum_columns) / sizeof(sum_columns[0]))

/* ---- text */

/* 0 of these is none: no limit at all. */
static const char *value_text(enum policy_setting_id id, int64_t value, char *buf, size_t size)
{
	if (!value && (id == POLICY_USER_TIMEOUT || id == POLICY_MAX_RETRIES))
		return "none";
	return policy_value_text(&policy_settings[id], value, buf, size);
}

static const char *changes_text(const struct policy_plan *plan, char *buf, size_t size)
{
	char before[32], after[32];
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT && used < size; id++) {
		const struct policy_plan_setting *setting = &plan->settings[id];

		if (!(plan->changes >> id & 1))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s %s→%s", used ? ", " : "",
					 policy_settings[id].name,
					 value_text(id, setting->old_value, before, sizeof(before)),
					 value_text(id, setting->value, after, sizeof(after)));
	}
	return buf;
}

/* Causes are the kernel's; what no kernel has is the rule's key. */
static const char *cause_text(const struct tcptimer_deadline *dl)
{
	return dl->cause == TCPTIMER_CAUSE_POLICY ? "max_retries" : tcptimer_cause_name(dl->cause);
}

static const char *end_text(const struct tcptimer_deadline *dl, bool cause, char *buf, size_t size)
{
	char span[24];

	if (dl->never)
		return "never";
	text_span((int64_t)dl->at_ms, span, sizeof(span));
	snprintf(buf, size, cause ? "%s %s" : "%s", span, cause_text(dl));
	return buf;
}

/* "15m38s→20.3s user_timeout", or "never" when that is so before and after. */
static const char *ends_text(const struct preview_ends *ends, char *buf, size_t size)
{
	const struct tcptimer_deadline *before = &ends->before, *after = &ends->after;
	char from[64], to[64];

	if (!ends->known)
		return "-";
	if (before->never == after->never &&
	    (before->never || (before->at_ms == after->at_ms && before->cause == after->cause)))
		return end_text(after, true, buf, size);
	snprintf(buf, size, "%s→%s",
		 end_text(before, before->cause != after->cause, from, sizeof(from)),
		 end_text(after, true, to, sizeof(to)));
	return buf;
}

static int row_text(struct preview_out *out, const struct preview_row *row)
{
	static const char *const marks[] = { "", "!", "!!" };
	const struct tcptimer_snapshot *s = row->conn->snap;
	char local[64], remote[64], cgroup[512], rule[POLICY_NAME_MAX + 16], state[160],
		silent[160];
	char changes[CHANGES_SIZE];
	const char *cells[COLUMNS];
	size_t n = 0;
	int err;

	snprintf(rule, sizeof(rule), "%s%s", row->plan->rule->name,
		 row->plan->mode == POLICY_AUDIT ? " (audit)" : "");
	if (!out->table)
		out->table = text_table_new(stdout, columns, COLUMNS, cli_width(), true);
	if (!out->table)
		return cli_fail("no memory for the table");
	cells[n++] = marks[row->soon];
	cells[n++] = text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local));
	cells[n++] =
		text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote));
	cells[n++] = row->conn->cgroup ?
			     text_cgroup(row->conn->cgroup, 40, cgroup, sizeof(cgroup)) :
			     "-";
	cells[n++] = rule;
	cells[n++] = ends_text(&row->state, state, sizeof(state));
	cells[n++] = row->state.known && row->state.before.peer == TCPTIMER_PEER_SILENT ?
			     "same" :
			     ends_text(&row->silent, silent, sizeof(silent));
	cells[n++] = changes_text(row->plan, changes, sizeof(changes));
	err = text_table_row(out->table, cells);
	return err ? cli_fail("the table: %s", strerror(-err)) : CLI_OK;
}

static const char *number(uint64_t value, char *buf, size_t size)
{
	snprintf(buf, size, "%llu", (unsigned long long)value);
	return buf;
}

static int sum_row(struct text_table *table, const struct preview_rule *rule)
{
	char numbers[6][24], nearest[24];
	const char *cells[SUM_COLUMNS];
	size_t n = 0;

	cells[n++] = rule->rule->name;
	cells[n++] = policy_mode_name(rule->rule->mode);
	cells[n++] = number(rule->sockets, numbers[0], sizeof(numbers[0]));
	cells[n++] = number(rule->change, numbers[1], sizeof(numbers[1]));
	cells[n++] = number(rule->stricter, numbers[2], sizeof(numbers[2]));
	cells[n++] = number(rule->yields, numbers[3], sizeof(numbers[3]));
	cells[n++] = number(rule->at_once, numbers[4], sizeof(numbers[4]));
	cells[n++] = number(rule->minute, numbers[5], sizeof(numbers[5]));
	cells[n++] = rule->has_nearest ?
			     text_span((int64_t)rule->nearest_ms, nearest, sizeof(nearest)) :
			     "-";
	cells[n++] = rule->has_nearest ? rule->nearest : "-";
	return text_table_row(table, cells);
}

static int sums_text(const struct preview_sums *sums)
{
	struct text_table *table =
		text_table_new(stdout, sum_columns, SUM_COLUMNS, cli_width(), true);
	uint64_t audited = 0;
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < sums->rule_count && !err; i++) {
		err = sum_row(table, &sums->rules[i]);
		if (sums->rules[i].rule->mode == POLICY_AUDIT)
			audited += sums->rules[i].change;
	}
	if (table && text_table_end(table) && !err)
		err = -EIO;
	if (err)
		return cli_fail("the table: %s", strerror(-err));
	printf("%llu socket%s without a rule\n", (unsigned long long)sums->without_rule,
	       sums->without_rule == 1 ? "" : "s");
	if (audited)
		puts("audit changes nothing: its rows tell what enforce would change");
	return CLI_OK;
}

/* ---- JSON */

static struct json_object *json_value(enum policy_setting_id id, int64_t value)
{
	switch (policy_settings[id].kind) {
	case POLICY_KIND_BOOL:
		return json_object_new_boolean(value != 0);
	default:
		return json_object_new_int64(value);
	}
}

/* Times end in their unit: user_timeout_us. */
static struct json_object *json_setting(enum policy_setting_id id,
					const struct policy_plan_setting *setting)
{
	struct json_object *o = json_object_new_object();
	bool span = policy_settings[id].kind == POLICY_KIND_SPAN;

	json_object_object_add(o, "setting", json_object_new_string(policy_settings[id].name));
	json_object_object_add(o, "verdict",
			       json_object_new_string(policy_verdict_name(setting->verdict)));
	json_object_object_add(o, span ? "old_us" : "old", json_value(id, setting->old_value));
	json_object_object_add(o, span ? "new_us" : "new", json_value(id, setting->value));
	return o;
}

static struct json_object *json_ends(const struct preview_ends *ends)
{
	struct json_object *o;

	if (!ends->known)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "old", policy_deadline_json(NULL, &ends->before));
	json_object_object_add(o, "new", policy_deadline_json(NULL, &ends->after));
	return o;
}

static int row_json(struct preview_out *out, const struct preview_row *row)
{
	static const char *const soon[] = { "later", "minute", "at_once" };
	int64_t time_ns = (int64_t)row->conn->snap->now_ns + out->head->offset_ns;
	struct json_object *o = json_object_new_object(), *settings = json_object_new_array();

	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++)
		if (row->plan->settings[id].verdict != POLICY_VERDICT_NONE)
			json_object_array_add(settings, json_setting(id, &row->plan->settings[id]));
	json_object_object_add(o, "connection", conn_json(row->conn, time_ns));
	json_object_object_add(o, "rule", json_object_new_string(row->plan->rule->name));
	json_object_object_add(o, "mode",
			       json_object_new_string(policy_mode_name(row->plan->mode)));
	json_object_object_add(o, "direction",
			       json_object_new_string(policy_direction_name(row->direction)));
	json_object_object_add(o, "settings", settings);
	json_object_object_add(o, "end", json_ends(&row->state));
	json_object_object_add(o, "end_if_silent", json_ends(&row->silent));
	json_object_object_add(o, "soon", json_object_new_string(soon[row->soon]));
	return conn_json_print(o, out->rows ? ",\n" : "\n", "");
}

static struct json_object *json_u64(uint64_t value)
{
	return json_object_new_int64((int64_t)value);
}

static struct json_object *json_rule(const struct preview_rule *rule)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "rule", json_object_new_string(rule->rule->name));
	json_object_object_add(o, "mode",
			       json_object_new_string(policy_mode_name(rule->rule->mode)));
	json_object_object_add(o, "sockets", json_u64(rule->sockets));
	json_object_object_add(o, "change", json_u64(rule->change));
	json_object_object_add(o, "stricter", json_u64(rule->stricter));
	json_object_object_add(o, "yields", json_u64(rule->yields));
	json_object_object_add(o, "at_once", json_u64(rule->at_once));
	json_object_object_add(o, "within_minute", json_u64(rule->minute));
	json_object_object_add(o, "nearest_ms",
			       rule->has_nearest ? json_u64(rule->nearest_ms) : NULL);
	return o;
}

static int sums_json(const struct preview_sums *sums)
{
	struct json_object *rules = json_object_new_array();

	if (!rules)
		return cli_fail("no memory for output");
	for (size_t i = 0; i < sums->rule_count; i++)
		json_object_array_add(rules, json_rule(&sums->rules[i]));
	if (conn_json_print(rules, "],\n\"rules\":", ""))
		return CLI_FAILED;
	printf(",\n\"without_rule\":%llu,\"namespaces\":%u,\"namespaces_skipped\":%u}\n",
	       (unsigned long long)sums->without_rule, sums->netns, sums->skipped);
	return CLI_OK;
}

static void head_json(const struct preview_head *head)
{
	struct json_object *files = json_object_new_array();

	for (size_t i = 0; i < head->file_count; i++)
		json_object_array_add(files, policy_raw_json(head->files[i]));
	conn_json_print(json_object_new_string(head->names->profile.name), "{\"kernel\":", "");
	printf(",\"hz\":%u", head->names->hz);
	conn_json_print(files, ",\"files\":", ",\n\"sockets\":[");
}

/* ---- both */

struct preview_out *preview_out_new(const struct preview_head *head, bool json)
{
	struct preview_out *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->head = head;
	out->json = json;
	if (json)
		head_json(head);
	return out;
}

int preview_out_row(struct preview_out *out, const struct preview_row *row)
{
	int status = out->json ? row_json(out, row) : row_text(out, row);

	out->rows++;
	return status;
}

int preview_out_end(struct preview_out *out, const struct preview_sums *sums, bool failed)
{
	bool json = out->json, none = !out->rows;
	int err = out->table ? text_table_end(out->table) : 0;

	free(out);
	if (failed)
		return CLI_FAILED;
	if (err)
		return cli_fail("the table: %s", strerror(-err));
	if (json)
		return sums_json(sums);
	if (none)
		puts("no socket would change");
	putchar('\n');
	return sums_text(sums);
}

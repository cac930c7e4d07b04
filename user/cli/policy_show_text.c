// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `policy show` for people: each rule with what it matches, sets, and has done.
 * Receives the JSON that the daemon or the pinned maps gave; hands text to stdout.
 */
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/ctl_call.h"
#include "cli/policy_live.h"
#include "text.h"

static const struct text_column columns[] = {
	{ "RULE", TEXT_LEFT, 10 },    { "MODE", TEXT_LEFT, 7 },       { "SOCKETS", TEXT_RIGHT, 7 },
	{ "SET", TEXT_RIGHT, 6 },     { "REFUSED", TEXT_RIGHT, 7 },   { "CLAMPED", TEXT_RIGHT, 7 },
	{ "YIELDED", TEXT_RIGHT, 7 }, { "UNREACHED", TEXT_RIGHT, 9 }, { "ENDED", TEXT_RIGHT, 6 },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
static const char *const counters[] = { "sockets", "set",       "refused", "clamped",
					"yielded", "unreached", "ended" };
#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static size_t length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static const char *element(struct json_object *array, size_t i, char *safe, size_t size)
{
	struct json_object *value = json_object_array_get_idx(array, i);

	return text_escape(value ? json_object_get_string(value) : "", safe, size);
}

/* "  cgroup /a /b" */
static void print_list(struct json_object *match, const char *key, const char *words)
{
	struct json_object *array = ctl_part(match, key);
	char safe[512];

	if (!length(array))
		return;
	printf("  %s", words);
	for (size_t i = 0; i < length(array); i++)
		printf(" %s", element(array, i, safe, sizeof(safe)));
}

static void print_match(struct json_object *match)
{
	const char *direction = ctl_word(match, "direction");
	char safe[32];

	printf("  match");
	if (strcmp(direction, "any"))
		printf("  %s", text_escape(direction, safe, sizeof(safe)));
	print_list(match, "cgroup", "cgroup");
	print_list(match, "remote", "remote");
	print_list(match, "remote_port", "remote_port");
	print_list(match, "local", "local");
	print_list(match, "local_port", "local_port");
	if (!strcmp(direction, "any") && !length(ctl_part(match, "cgroup")) &&
	    !length(ctl_part(match, "remote")) && !length(ctl_part(match, "remote_port")) &&
	    !length(ctl_part(match, "local")) && !length(ctl_part(match, "local_port")))
		printf("  every connection");
	putchar('\n');
}

static void print_settings(struct json_object *set)
{
	const char *between = "  set    ";
	char key_safe[64], safe[64];

	json_object_object_foreach(set, key, value)
	{
		printf("%s%s %s", between, text_escape(key, key_safe, sizeof(key_safe)),
		       text_escape(ctl_word(value, "text"), safe, sizeof(safe)));
		between = ", ";
	}
	putchar('\n');
}

static void print_rule(struct json_object *rule)
{
	struct json_object *done = ctl_part(rule, "counters"), *set = ctl_part(rule, "set");
	char safe[80], setting[64];

	printf("%s\n", text_escape(ctl_word(rule, "name"), safe, sizeof(safe)));
	print_match(ctl_part(rule, "match"));
	if (json_object_is_type(set, json_type_object))
		print_settings(set);
	if (ctl_number(done, "refused"))
		printf("  refused by the kernel, last: %s with %s\n",
		       text_escape(ctl_word(done, "refused_setting"), setting, sizeof(setting)),
		       text_escape(ctl_word(done, "refused_errno"), safe, sizeof(safe)));
	if (ctl_number(done, "unreached"))
		printf("  unreached: sockets older than the policy, on a kernel before 6.12, keep no "
		       "max_retries\n");
}

static int print_table(struct json_object *rules)
{
	struct text_table *table = text_table_new(stdout, columns, COLUMNS, 0, 1);
	int err = table ? 0 : -1;

	for (size_t i = 0; !err && i < length(rules); i++) {
		struct json_object *rule = json_object_array_get_idx(rules, i);
		struct json_object *done = ctl_part(rule, "counters");
		char name[80], mode[32], numbers[COUNTERS][24];
		const char *cells[COLUMNS];

		cells[0] = text_escape(ctl_word(rule, "name"), name, sizeof(name));
		cells[1] = text_escape(ctl_word(rule, "mode"), mode, sizeof(mode));
		for (size_t c = 0; c < COUNTERS; c++) {
			snprintf(numbers[c], sizeof(numbers[c]), "%lld",
				 (long long)ctl_number(done, counters[c]));
			cells[2 + c] = done ? numbers[c] : "-";
		}
		err = text_table_row(table, cells);
	}
	if (table && text_table_end(table))
		err = -1;
	return err ? cli_fail("no memory for the table") : CLI_OK;
}

static void print_head(struct json_object *shown)
{
	struct json_object *files = ctl_part(shown, "files");
	const char *digest = ctl_word(shown, "digest"), *source = ctl_word(shown, "source");
	char safe[512];

	if (!ctl_flag(shown, "attached"))
		puts("policy   none: it was cleared");
	else if (!strcmp(source, "unknown"))
		puts("policy   in force, but its files can't be read back");
	else if (!strcmp(source, "none"))
		puts("policy   none: no policy files");
	else
		printf("policy   %s%s\n", text_escape(digest, safe, sizeof(safe)),
		       ctl_flag(shown, "audit") ? ", all rules in mode audit" : "");
	if (length(files))
		printf("source   %s", !strcmp(source, "apply") ? "policy apply" : "files");
	for (size_t i = 0; i < length(files); i++)
		printf("%s%s", i ? ", " : ": ", element(files, i, safe, sizeof(safe)));
	if (length(files))
		printf("\nsince    %s\n",
		       text_escape(ctl_word(shown, "applied_at"), safe, sizeof(safe)));
	if (ctl_number(shown, "pid"))
		printf("daemon   pid %lld\n", (long long)ctl_number(shown, "pid"));
	else
		puts("daemon   none runs; what is pinned goes on without it");
}

int policy_show_text(struct json_object *shown)
{
	struct json_object *rules = ctl_part(shown, "rules");
	int status;

	print_head(shown);
	if (!length(rules))
		return CLI_OK;
	putchar('\n');
	status = print_table(rules);
	putchar('\n');
	for (size_t i = 0; i < length(rules); i++)
		print_rule(json_object_array_get_idx(rules, i));
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads a policy's YAML with libcyaml, and turns its words into rules.
 * Receives bytes from anywhere; hands all rules of a file, or findings with line and column. Pure.
 *
 * libcyaml tells line and column to its log alone, in words that change from version to version, and
 * never for what a value means. So a file is walked twice: first by policy_scan.c, which keeps the place
 * of every key and value and refuses what could unfold, and by policy_shape.c, which holds those places
 * against the schema below; then libcyaml loads by the same schema, all values as words. Each word's
 * place is that of the scan's node at the same path, since both see the same events in the same order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/policy_scan.h"
#include "policy/policy_shape.h"
#include "policy/policy_values.h"
#include "policy/policy_yaml.h"
#include "text.h"

/* ---- the schema: what libcyaml loads */

#define YAML_WORD(name, member, key) char *member;
struct yaml_keepalive {
	POLICY_KEEPALIVE_SETTINGS(YAML_WORD)
};

struct yaml_set {
	POLICY_PLAIN_SETTINGS(YAML_WORD)
	struct yaml_keepalive *keepalive;
};

struct yaml_match {
	char *direction;
	char **cgroup, **remote, **local, **remote_port, **local_port;
	unsigned int cgroup_count, remote_count, local_count, remote_port_count, local_port_count;
};

struct yaml_rule {
	char *name, *mode;
	struct yaml_match *match;
	struct yaml_set *set;
};

struct yaml_policy {
	char *version;
	struct yaml_rule *rules;
	unsigned int rules_count;
};

#define OPTIONAL_ (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define WORD_FIELD(key, structure, member, flags)                                                  \
	CYAML_FIELD_STRING_PTR(key, flags, structure, member, 0, CYAML_UNLIMITED)
#define WORDS_FIELD(key)                                                                           \
	CYAML_FIELD_SEQUENCE(#key, OPTIONAL_, struct yaml_match, key, &word_schema, 0,             \
			     POLICY_LIST_MAX)

static const cyaml_schema_value_t word_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED),
};

#define KEEPALIVE_FIELD(name, member, key)                                                         \
	WORD_FIELD(key, struct yaml_keepalive, member, OPTIONAL_),
static const cyaml_schema_field_t keepalive_fields[] = { POLICY_KEEPALIVE_SETTINGS(KEEPALIVE_FIELD)
								 CYAML_FIELD_END };

#define SET_FIELD(name, member, key) WORD_FIELD(key, struct yaml_set, member, OPTIONAL_),
static const cyaml_schema_field_t set_fields[] = {
	POLICY_PLAIN_SETTINGS(SET_FIELD) CYAML_FIELD_MAPPING_PTR(
		"keepalive", OPTIONAL_, struct yaml_set, keepalive, keepalive_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t match_fields[] = {
	WORDS_FIELD(cgroup),      WORD_FIELD("direction", struct yaml_match, direction, OPTIONAL_),
	WORDS_FIELD(remote),      WORDS_FIELD(local),
	WORDS_FIELD(remote_port), WORDS_FIELD(local_port),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t rule_fields[] = {
	WORD_FIELD("name", struct yaml_rule, name, CYAML_FLAG_POINTER),
	CYAML_FIELD_MAPPING_PTR("match", OPTIONAL_, struct yaml_rule, match, match_fields),
	WORD_FIELD("mode", struct yaml_rule, mode, OPTIONAL_),
	CYAML_FIELD_MAPPING_PTR("set", CYAML_FLAG_POINTER, struct yaml_rule, set, set_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t rule_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_rule, rule_fields),
};

static const cyaml_schema_field_t policy_fields[] = {
	WORD_FIELD("version", struct yaml_policy, version, CYAML_FLAG_POINTER),
	CYAML_FIELD_SEQUENCE("rules", CYAML_FLAG_POINTER, struct yaml_policy, rules, &rule_schema,
			     1, POLICY_RULES_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t policy_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_policy, policy_fields),
};

static const cyaml_config_t yaml_config = {
	.log_fn = NULL,
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
	.flags = CYAML_CFG_NO_ALIAS,
};

/* Where each setting's word is. */
#define PLAIN_OFFSET(name, member, key) [POLICY_##name] = offsetof(struct yaml_set, member),
#define KEEPALIVE_OFFSET(name, member, key)                                                        \
	[POLICY_##name] = offsetof(struct yaml_keepalive, member),
static const size_t setting_offsets[POLICY_SETTING_COUNT] = { POLICY_PLAIN_SETTINGS(
	PLAIN_OFFSET) POLICY_KEEPALIVE_SETTINGS(KEEPALIVE_OFFSET) };

/* ---- from words to rules */

struct reader {
	struct scan scan;
	const char *file;
	const struct policy *before; /* the rules of the files before */
	struct policy_report *report;
	struct policy_rule *rules;
	size_t count;
	const char *rule; /* the current one's name; NULL: it has none that can be said */
};

static void refuse(struct reader *r, struct policy_pos pos, int err,
		   const struct value_error *error)
{
	if (err == -ENOMEM)
		r->report->no_memory = true;
	else if (err)
		policy_report_add(r->report, POLICY_ERROR, error->code, r->file, pos, r->rule, "%s",
				  error->text);
}

/* The node of `key` below `map`; `map` itself where it has none, which the shape check ruled out. */
static const struct scan_node *node_of(const struct reader *r, const struct scan_node *map,
				       const char *key)
{
	const struct scan_node *node = map ? scan_entry(&r->scan, map, key) : NULL;

	return node ? node : map;
}

static void read_globs(struct reader *r, const struct scan_node *match, char *const *words,
		       unsigned int count, struct policy_rule *rule)
{
	const struct scan_node *node = scan_first(&r->scan, node_of(r, match, "cgroup"));
	struct value_error error;

	for (unsigned int i = 0; i < count && node; i++, node = scan_next(&r->scan, node)) {
		struct policy_glob *glob = &rule->cgroup[rule->cgroup_count];
		int err = value_glob(words[i], &glob->pattern, &error);

		glob->pos = node->pos;
		rule->cgroup_count += !err;
		refuse(r, node->pos, err, &error);
	}
}

static void read_cidrs(struct reader *r, const struct scan_node *list, char *const *words,
		       unsigned int count, struct policy_cidr *cidrs, uint8_t *ret_count)
{
	const struct scan_node *node = scan_first(&r->scan, list);
	struct value_error error;

	for (unsigned int i = 0; i < count && node; i++, node = scan_next(&r->scan, node)) {
		int err = value_cidr(words[i], &cidrs[*ret_count], &error);

		cidrs[*ret_count].pos = node->pos;
		*ret_count += !err;
		refuse(r, node->pos, err, &error);
	}
}

static void read_ports(struct reader *r, const struct scan_node *list, char *const *words,
		       unsigned int count, struct policy_ports *ports, uint8_t *ret_count)
{
	const struct scan_node *node = scan_first(&r->scan, list);
	struct value_error error;

	for (unsigned int i = 0; i < count && node; i++, node = scan_next(&r->scan, node)) {
		int err = value_ports(words[i], &ports[*ret_count], &error);

		ports[*ret_count].pos = node->pos;
		*ret_count += !err;
		refuse(r, node->pos, err, &error);
	}
}

static void read_match(struct reader *r, const struct scan_node *node,
		       const struct yaml_match *match, struct policy_rule *rule)
{
	static const char *const directions[] = { "any", "connect", "accept", NULL };
	struct value_error error;

	if (match->direction) {
		rule->direction_pos = node_of(r, node, "direction")->pos;
		refuse(r, rule->direction_pos,
		       value_choice(match->direction, "direction", directions, &rule->direction,
				    &error),
		       &error);
	}
	read_globs(r, node, match->cgroup, match->cgroup_count, rule);
	read_cidrs(r, node_of(r, node, "remote"), match->remote, match->remote_count, rule->remote,
		   &rule->remote_count);
	read_cidrs(r, node_of(r, node, "local"), match->local, match->local_count, rule->local,
		   &rule->local_count);
	read_ports(r, node_of(r, node, "remote_port"), match->remote_port, match->remote_port_count,
		   rule->remote_port, &rule->remote_port_count);
	read_ports(r, node_of(r, node, "local_port"), match->local_port, match->local_port_count,
		   rule->local_port, &rule->local_port_count);
}

static void read_settings(struct reader *r, const struct scan_node *set,
			  const struct yaml_set *words, struct policy_rule *rule)
{
	const struct scan_node *keepalive = scan_entry(&r->scan, set, "keepalive");
	struct value_error error;
	unsigned int found = 0;

	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++) {
		bool nested = id >= POLICY_KEEPALIVE_ENABLE;
		const void *holder = nested ? (const void *)words->keepalive : words;
		struct policy_value *value = &rule->settings[id];
		const char *word;
		int err;

		if (!holder)
			continue;
		word = *(char *const *)((const char *)holder + setting_offsets[id]);
		if (!word)
			continue;
		found++;
		value->pos = node_of(r, nested ? keepalive : set, policy_settings[id].key)->pos;
		err = value_setting(&policy_settings[id], word, &value->value, &error);
		value->set = !err;
		refuse(r, value->pos, err, &error);
	}
	if (!found)
		policy_report_add(r->report, POLICY_ERROR, "empty", r->file, set->key_pos, r->rule,
				  "this rule sets nothing: give `set:` a key, or remove the rule");
}

/* Its file and line, when another rule has the name. */
static const struct policy_rule *rule_by_name(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->before->count; i++)
		if (!strcmp(r->before->rules[i].name, name))
			return &r->before->rules[i];
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->rules[i].name, name))
			return &r->rules[i];
	return NULL;
}

static void read_name(struct reader *r, const struct scan_node *node, const char *word,
		      struct policy_rule *rule)
{
	const struct policy_rule *other;
	struct value_error error;
	char name[POLICY_NAME_MAX + 1], safe[128];
	int err = value_name(word, name, &error);

	refuse(r, node->pos, err, &error);
	if (err)
		return;
	other = rule_by_name(r, name);
	memcpy(rule->name, name, sizeof(name));
	r->rule = rule->name;
	if (other)
		policy_report_add(r->report, POLICY_ERROR, "duplicate-name", r->file, node->pos,
				  r->rule, "the name '%s' is taken by the rule at %s:%u", name,
				  text_escape(other->file, safe, sizeof(safe)), other->pos.line);
}

static void read_rule(struct reader *r, const struct scan_node *node, const struct yaml_rule *words)
{
	static const char *const modes[] = { "enforce", "default", "audit", NULL };
	struct policy_rule *rule = &r->rules[r->count];
	struct value_error error;

	rule->file = r->file;
	rule->pos = node->pos;
	r->rule = NULL;
	read_name(r, node_of(r, node, "name"), words->name, rule);
	if (words->mode)
		refuse(r, node_of(r, node, "mode")->pos,
		       value_choice(words->mode, "mode", modes, &rule->mode, &error), &error);
	if (words->match)
		read_match(r, node_of(r, node, "match"), words->match, rule);
	read_settings(r, node_of(r, node, "set"), words->set, rule);
	r->count++;
}

static void read_version(struct reader *r, const char *word)
{
	struct policy_pos pos = node_of(r, &r->scan.nodes[0], "version")->pos;
	char safe[96];

	if (strcmp(word, "1"))
		policy_report_add(r->report, POLICY_ERROR, "unknown-version", r->file, pos, NULL,
				  "version '%s' is not known: this tcptimer reads version 1",
				  text_escape(word, safe, sizeof(safe)));
}

/* Every rule, also behind a wrong one, so that one run names all that is wrong. */
static int read_policy(struct reader *r, const struct yaml_policy *words)
{
	const struct scan_node *list = node_of(r, &r->scan.nodes[0], "rules");
	const struct scan_node *node = scan_first(&r->scan, list);

	r->rules = calloc(words->rules_count, sizeof(*r->rules));
	if (!r->rules) {
		r->report->no_memory = true;
		return -ENOMEM;
	}
	read_version(r, words->version);
	if (r->before->count + words->rules_count > POLICY_RULES_MAX)
		policy_report_add(r->report, POLICY_ERROR, "too-many", r->file, list->pos, NULL,
				  "%zu rules with those of the files before: at most %d",
				  r->before->count + words->rules_count, POLICY_RULES_MAX);
	for (unsigned int i = 0; i < words->rules_count && node; i++) {
		read_rule(r, node, &words->rules[i]);
		node = scan_next(&r->scan, node);
	}
	return 0;
}

/* libcyaml's turn: what the shape check let pass, it takes. */
static int yaml_load(struct reader *r, const void *bytes, size_t size, struct yaml_policy **ret)
{
	cyaml_err_t err = cyaml_load_data(bytes, size, &yaml_config, &policy_schema,
					  (cyaml_data_t **)ret, NULL);

	if (err == CYAML_OK && *ret)
		return 0;
	if (err == CYAML_ERR_OOM) {
		r->report->no_memory = true;
		return -ENOMEM;
	}
	policy_report_add(r->report, POLICY_ERROR, "syntax", r->file, r->scan.nodes[0].pos, NULL,
			  "libcyaml can't load it: %s", cyaml_strerror(err));
	return -EINVAL;
}

static int policy_append(struct policy *policy, struct reader *r)
{
	struct policy_rule *rules =
		realloc(policy->rules, (policy->count + r->count) * sizeof(*rules));

	if (!rules) {
		r->report->no_memory = true;
		return -ENOMEM;
	}
	memcpy(rules + policy->count, r->rules, r->count * sizeof(*rules));
	policy->rules = rules;
	policy->count += r->count;
	r->count = 0;
	return 0;
}

int policy_read(struct policy *policy, const char *file, const void *bytes, size_t size,
		struct policy_report *report)
{
	struct reader r = { .file = file, .before = policy, .report = report };
	unsigned int errors = report->errors;
	struct yaml_policy *words = NULL;
	int err;

	err = scan_read(&r.scan, file, bytes, size, report);
	if (!err)
		err = shape_check(&r.scan, file, &policy_schema, report);
	if (!err)
		err = yaml_load(&r, bytes, size, &words);
	if (!err)
		err = read_policy(&r, words);
	if (!err)
		err = report->no_memory ? -ENOMEM : report->errors != errors ? -EINVAL : 0;
	if (!err)
		err = policy_append(policy, &r);
	for (size_t i = 0; i < r.count; i++)
		policy_rule_free(&r.rules[i]);
	free(r.rules);
	if (words)
		cyaml_free(&yaml_config, &policy_schema, words, 0);
	scan_free(&r.scan);
	return err;
}

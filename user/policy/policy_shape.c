// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds a text's nodes against a libcyaml schema, so that what libcyaml would refuse without a place
 * is refused with one. Receives nodes and the schema; hands findings. Pure.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "policy/policy_shape.h"
#include "policy/policy_values.h"
#include "text.h"

#define SHAPE_SAFE 96
#define FIELDS_MAX 16 /* keys of one mapping of the schema */

struct shape {
	const struct scan *scan;
	const char *file;
	struct policy_report *report;
};

static void shape_value(const struct shape *shape, const struct scan_node *node,
			const cyaml_schema_value_t *schema, const char *name);

static void shape_wrong_kind(const struct shape *shape, const struct scan_node *node,
			     const cyaml_schema_value_t *schema, const char *name)
{
	static const char *const has[] = { "a single value", "a mapping (KEY: VALUE)", "a list" };
	const char *wants = schema->type == CYAML_MAPPING  ? "KEY: VALUE lines below it" :
			    schema->type == CYAML_SEQUENCE ? "a list, as in [A, B]" :
							     "one value";
	char safe[SHAPE_SAFE];

	if (node->kind == SCAN_WORD && !*node->word)
		policy_report_add(shape->report, POLICY_ERROR, "no-value", shape->file,
				  node->key_pos, NULL, "%s has no value: write %s, or leave it out",
				  name, wants);
	else if (node->kind == SCAN_WORD)
		policy_report_add(shape->report, POLICY_ERROR, "wrong-kind", shape->file, node->pos,
				  NULL, "'%s' is %s, and %s takes %s",
				  text_escape(node->word, safe, sizeof(safe)), has[node->kind],
				  name, wants);
	else
		policy_report_add(shape->report, POLICY_ERROR, "wrong-kind", shape->file, node->pos,
				  NULL, "this is %s, and %s takes %s", has[node->kind], name,
				  wants);
}

static void shape_unknown(const struct shape *shape, const struct scan_node *node,
			  const cyaml_schema_value_t *schema, const char *name)
{
	const cyaml_schema_field_t *field = schema->mapping.fields;
	const char *keys[FIELDS_MAX + 1], *nearest;
	char safe[SHAPE_SAFE], list[192] = "";
	size_t count = 0, used = 0;

	for (; field->key && count < FIELDS_MAX; field++) {
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 count ? ", " : "", field->key);
		if (used >= sizeof(list))
			used = sizeof(list) - 1;
		keys[count++] = field->key;
	}
	keys[count] = NULL;
	text_escape(node->key, safe, sizeof(safe));
	nearest = value_nearest(node->key, keys);
	if (nearest)
		policy_report_add(shape->report, POLICY_ERROR, "unknown-key", shape->file,
				  node->key_pos, NULL, "%s has no key '%s' (did you mean '%s'?)",
				  name, safe, nearest);
	else
		policy_report_add(shape->report, POLICY_ERROR, "unknown-key", shape->file,
				  node->key_pos, NULL, "%s has no key '%s'; it takes %s", name,
				  safe, list);
}

static void shape_map(const struct shape *shape, const struct scan_node *map,
		      const cyaml_schema_value_t *schema, const char *name)
{
	const cyaml_schema_field_t *field;
	const struct scan_node *node;

	for (node = scan_first(shape->scan, map); node; node = scan_next(shape->scan, node)) {
		for (field = schema->mapping.fields; field->key; field++)
			if (!strcmp(field->key, node->key))
				break;
		if (field->key)
			shape_value(shape, node, &field->value, field->key);
		else
			shape_unknown(shape, node, schema, name);
	}
	for (field = schema->mapping.fields; field->key; field++)
		if (!(field->value.flags & CYAML_FLAG_OPTIONAL) &&
		    !scan_entry(shape->scan, map, field->key))
			policy_report_add(shape->report, POLICY_ERROR, "missing-key", shape->file,
					  map->pos, NULL, "%s has no '%s': write `%s: …`", name,
					  field->key, field->key);
}

static void shape_list(const struct shape *shape, const struct scan_node *list,
		       const cyaml_schema_value_t *schema, const char *name)
{
	const char *element = schema->sequence.entry->type == CYAML_MAPPING ? "a rule" : name;
	const struct scan_node *node = scan_first(shape->scan, list);

	if (list->count < schema->sequence.min)
		policy_report_add(shape->report, POLICY_ERROR, "empty", shape->file, list->pos,
				  NULL, "%s is empty: write at least %u", name,
				  schema->sequence.min);
	for (uint32_t i = 0; node; node = scan_next(shape->scan, node), i++) {
		if (i == schema->sequence.max) {
			policy_report_add(shape->report, POLICY_ERROR, "too-many", shape->file,
					  node->pos, NULL, "%s has more than %u elements: %s", name,
					  schema->sequence.max,
					  schema->sequence.entry->type == CYAML_MAPPING ?
						  "join rules by wider patterns" :
						  "use wider ones, or a second rule");
			return;
		}
		shape_value(shape, node, schema->sequence.entry, element);
	}
}

/* As deep as the schema is. */
static void shape_value(const struct shape *shape, const struct scan_node *node,
			const cyaml_schema_value_t *schema, const char *name)
{
	enum scan_kind wants = schema->type == CYAML_MAPPING  ? SCAN_MAP :
			       schema->type == CYAML_SEQUENCE ? SCAN_LIST :
								SCAN_WORD;

	if (node->kind != wants)
		shape_wrong_kind(shape, node, schema, name);
	else if (wants == SCAN_MAP)
		shape_map(shape, node, schema, name);
	else if (wants == SCAN_LIST)
		shape_list(shape, node, schema, name);
}

int shape_check(const struct scan *scan, const char *file, const cyaml_schema_value_t *schema,
		struct policy_report *report)
{
	struct shape shape = { scan, file, report };
	unsigned int errors = report->errors;

	shape_value(&shape, &scan->nodes[0], schema, "the file");
	return report->errors == errors ? 0 : -EINVAL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks a YAML text event by event (libyaml), keeps the places, and refuses what is hostile.
 * Receives bytes from anywhere; hands a tree of nodes, or one finding. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "policy/policy_scan.h"
#include "text.h"

struct scanner {
	struct scan *scan;
	const char *file;
	struct policy_report *report;
	yaml_parser_t parser;
	struct {
		uint32_t node, last_child;
		char *key; /* read, its value is awaited */
		struct policy_pos key_pos;
	} open[SCAN_DEPTH_MAX];
	unsigned int depth;
	unsigned int documents;
};

static struct policy_pos scan_pos(yaml_mark_t mark)
{
	return (struct policy_pos){ (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

static int scan_refuse(struct scanner *s, const char *code, struct policy_pos pos, const char *text)
{
	policy_report_add(s->report, POLICY_ERROR, code, s->file, pos, NULL, "%s", text);
	return -EINVAL;
}

static int scan_no_memory(struct scanner *s)
{
	s->report->no_memory = true;
	return -ENOMEM;
}

/* libyaml's own words; `problem` is a static string of the library, or NULL. */
static int scan_syntax(struct scanner *s)
{
	const yaml_parser_t *p = &s->parser;
	struct policy_pos pos = scan_pos(p->problem_mark);
	char safe[256];

	if (p->error == YAML_MEMORY_ERROR)
		return scan_no_memory(s);
	if (p->error == YAML_READER_ERROR)
		pos = scan_pos(p->mark);
	policy_report_add(
		s->report, POLICY_ERROR, "syntax", s->file, pos, NULL, "this is no YAML: %s",
		text_escape(p->problem ? p->problem : "it can't be parsed", safe, sizeof(safe)));
	return -EINVAL;
}

/* A copy of a scalar, or a finding: a NUL would cut it short for whoever reads it as a C string. */
static int scan_word(struct scanner *s, const yaml_event_t *event, char **ret)
{
	size_t length = event->data.scalar.length;

	if (memchr(event->data.scalar.value, '\0', length))
		return scan_refuse(s, "syntax", scan_pos(event->start_mark),
				   "a NUL character in a value: remove it");
	*ret = malloc(length + 1);
	if (!*ret)
		return scan_no_memory(s);
	memcpy(*ret, event->data.scalar.value, length);
	(*ret)[length] = '\0';
	return 0;
}

static int scan_key(struct scanner *s, const yaml_event_t *event)
{
	struct policy_pos pos = scan_pos(event->start_mark);
	const struct scan_node *map = &s->scan->nodes[s->open[s->depth - 1].node];
	char *key, safe[64];
	int err;

	if (event->type != YAML_SCALAR_EVENT)
		return scan_refuse(s, "syntax", pos, "a key has to be a word: write KEY: VALUE");
	if (map->count == SCAN_KEYS_MAX)
		return scan_refuse(s, "too-large", pos, "more keys than any policy has");
	err = scan_word(s, event, &key);
	if (err)
		return err;
	if (scan_entry(s->scan, map, key)) {
		policy_report_add(s->report, POLICY_ERROR, "duplicate-key", s->file, pos, NULL,
				  "'%s' stands here a second time: keep one of the two",
				  text_escape(key, safe, sizeof(safe)));
		free(key);
		return -EINVAL;
	}
	s->open[s->depth - 1].key = key;
	s->open[s->depth - 1].key_pos = pos;
	return 0;
}

/* A new node, hung below the innermost open one. */
static int scan_add(struct scanner *s, enum scan_kind kind, const yaml_event_t *event,
		    uint32_t *ret)
{
	struct scan *scan = s->scan;
	struct scan_node *node;
	uint32_t index = (uint32_t)scan->count;

	if (scan->count == SCAN_NODES_MAX)
		return scan_refuse(
			s, "too-large", scan_pos(event->start_mark),
			"more than 65536 values: split the policy, or match by wider patterns");
	if (scan->count == scan->room) {
		size_t room = scan->room ? 2 * scan->room : 256;

		node = realloc(scan->nodes, room * sizeof(*node));
		if (!node)
			return scan_no_memory(s);
		scan->nodes = node;
		scan->room = room;
	}
	node = &scan->nodes[scan->count++];
	*node = (struct scan_node){ .kind = (uint8_t)kind, .pos = scan_pos(event->start_mark) };
	node->key_pos = node->pos;
	if (s->depth) {
		struct scan_node *above = &scan->nodes[s->open[s->depth - 1].node];
		uint32_t last = s->open[s->depth - 1].last_child;

		if (last)
			scan->nodes[last].next = index;
		else
			above->first = index;
		above->count++;
		s->open[s->depth - 1].last_child = index;
		if (above->kind == SCAN_MAP) {
			node->key = s->open[s->depth - 1].key;
			node->key_pos = s->open[s->depth - 1].key_pos;
			s->open[s->depth - 1].key = NULL;
		}
	}
	*ret = index;
	return 0;
}

static int scan_value(struct scanner *s, const yaml_event_t *event)
{
	uint32_t index;
	int err;

	if (event->type == YAML_SCALAR_EVENT) {
		err = scan_add(s, SCAN_WORD, event, &index);
		return err ? err : scan_word(s, event, &s->scan->nodes[index].word);
	}
	if (s->depth == SCAN_DEPTH_MAX)
		return scan_refuse(s, "too-deep", scan_pos(event->start_mark),
				   "nested deeper than any policy is: look for brackets too many");
	err = scan_add(s, event->type == YAML_MAPPING_START_EVENT ? SCAN_MAP : SCAN_LIST, event,
		       &index);
	if (err)
		return err;
	s->open[s->depth].node = index;
	s->open[s->depth].last_child = 0;
	s->open[s->depth].key = NULL;
	s->depth++;
	return 0;
}

static bool event_is_marked(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return event->type == YAML_ALIAS_EVENT;
	}
}

/* One event. 0, or a negative errno. */
static int scan_event(struct scanner *s, const yaml_event_t *event)
{
	struct policy_pos pos = scan_pos(event->start_mark);
	bool in_map;

	if (event_is_marked(event))
		return scan_refuse(
			s, "syntax", pos,
			"aliases (*), anchors (&) and tags (!) are not read: write the value "
			"out, in quotes where it begins with a star");
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (s->documents++)
			return scan_refuse(
				s, "syntax", pos,
				"a second document begins: put it into a file of its own");
		return 0;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		s->depth--;
		return 0;
	case YAML_SCALAR_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		in_map = s->depth && s->scan->nodes[s->open[s->depth - 1].node].kind == SCAN_MAP;
		return in_map && !s->open[s->depth - 1].key ? scan_key(s, event) :
							      scan_value(s, event);
	default:
		return 0;
	}
}

static int scan_events(struct scanner *s)
{
	yaml_event_t event;
	bool end = false;
	int err = 0;

	while (!end && !err) {
		if (!yaml_parser_parse(&s->parser, &event))
			return scan_syntax(s);
		end = event.type == YAML_STREAM_END_EVENT;
		err = scan_event(s, &event);
		yaml_event_delete(&event);
	}
	return err;
}

int scan_read(struct scan *scan, const char *file, const void *bytes, size_t size,
	      struct policy_report *report)
{
	struct scanner s = { .scan = scan, .file = file, .report = report };
	struct policy_pos top = { 1, 1 };
	int err;

	*scan = (struct scan){};
	if (size > POLICY_FILE_MAX)
		return scan_refuse(&s, "too-large", top, "the file is larger than 1 MiB: split it");
	if (!yaml_parser_initialize(&s.parser))
		return scan_no_memory(&s);
	yaml_parser_set_encoding(&s.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&s.parser, bytes, size);
	err = scan_events(&s);
	for (unsigned int i = 0; i < s.depth; i++)
		free(s.open[i].key);
	yaml_parser_delete(&s.parser);
	if (!err && !scan->count)
		err = scan_refuse(&s, "empty", top,
				  "the file is empty: write `version: 1` and `rules:`");
	if (err)
		scan_free(scan);
	return err;
}

void scan_free(struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++) {
		free(scan->nodes[i].key);
		free(scan->nodes[i].word);
	}
	free(scan->nodes);
	*scan = (struct scan){};
}

const struct scan_node *scan_first(const struct scan *scan, const struct scan_node *node)
{
	return node->first ? &scan->nodes[node->first] : NULL;
}

const struct scan_node *scan_next(const struct scan *scan, const struct scan_node *node)
{
	return node->next ? &scan->nodes[node->next] : NULL;
}

const struct scan_node *scan_entry(const struct scan *scan, const struct scan_node *map,
				   const char *key)
{
	const struct scan_node *node;

	for (node = scan_first(scan, map); node; node = scan_next(scan, node))
		if (node->key && !strcmp(node->key, key))
			return node;
	return NULL;
}

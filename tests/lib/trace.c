// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives the lines of `tcptimer trace --json` from tool.c.
 * Hands on each as an object once its newline came, and fields out of objects.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "sys.h"
#include "tool.h"

#define READY_MS 60000
#define SETTLE_MS 300
#define TRACE_WORDS 32

int tool_keep_fd = -1;

static void line_take(struct tool *tool, const char *line, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(16);
	struct json_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, line, (int)len);
	CHECK(object && json_object_is_type(object, json_type_object) &&
		      json_tokener_get_parse_end(tokener) == len,
	      "not a JSON object: %.*s", (int)len, line);
	json_tokener_free(tokener);
	tool->lines = reallocarray(tool->lines, tool->count + 1, sizeof(*tool->lines));
	CHECK(tool->lines, "no memory");
	tool->lines[tool->count++] = object;
	if (tool_keep_fd >= 0)
		CHECK(write(tool_keep_fd, line, len + 1) == (ssize_t)len + 1, "keep");
}

static void lines_take(struct tool *tool)
{
	while (tool->parsed < tool->out.len) {
		const char *line = tool->out.data + tool->parsed;
		const char *end = memchr(line, '\n', tool->out.len - tool->parsed);

		if (!end)
			return;
		line_take(tool, line, (size_t)(end - line));
		tool->parsed += (size_t)(end - line) + 1;
	}
}

void trace_pump(struct tool *tool, unsigned int ms)
{
	tool_pump(tool, ms);
	lines_take(tool);
}

void trace_start(struct tool *ret_tool, const char *const *words)
{
	const char *all[TRACE_WORDS] = { "trace", "--json" };
	uint64_t end_ns = realtime_ns() + READY_MS * NSEC_PER_MSEC;
	size_t i;

	for (i = 0; words[i]; i++) {
		CHECK(i + 3 < TRACE_WORDS, "too many words");
		all[i + 2] = words[i];
	}
	tool_start(ret_tool, 0, all);
	while (!ret_tool->err.data || !strstr(ret_tool->err.data, "tracing\n")) {
		CHECK(ret_tool->out_fd >= 0 && realtime_ns() < end_ns, "trace did not start: %s",
		      ret_tool->err.data ? ret_tool->err.data : "silence");
		tool_pump(ret_tool, 20);
	}
}

bool trace_await(struct tool *tool, const char *event, const char *timer, unsigned int ms)
{
	uint64_t end_ns = realtime_ns() + ms * NSEC_PER_MSEC;
	size_t seen = 0;

	for (;;) {
		for (; seen < tool->count; seen++)
			if (strcmp(json_text(tool->lines[seen], "event"), event) == 0 &&
			    (!timer || strcmp(json_text(tool->lines[seen], "timer"), timer) == 0))
				return true;
		if (realtime_ns() >= end_ns || tool->out_fd < 0)
			return false;
		trace_pump(tool, 20);
	}
}

void trace_stop(struct tool *tool)
{
	trace_pump(tool, SETTLE_MS);
	tool_stop(tool, SIGINT);
	lines_take(tool);
	CHECK(tool->parsed == tool->out.len, "the last line has no end");
	CHECK(tool->status == 0, "trace ended with %d: %s", tool->status, tool->err.data);
}

void trace_print(const struct tool *tool)
{
	size_t i;

	for (i = 0; i < tool->count; i++)
		fprintf(stderr, "  line %s\n",
			json_object_to_json_string_ext(tool->lines[i], JSON_C_TO_STRING_PLAIN));
	if (tool->err.data)
		fprintf(stderr, "  stderr: %s\n", tool->err.data);
}

static bool json_find(struct json_object *object, const char *path, struct json_object **ret_value)
{
	char key[64];

	for (;;) {
		size_t len = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)len, path);
		if (!json_object_is_type(object, json_type_object) ||
		    !json_object_object_get_ex(object, key, &object))
			return false;
		if (!path[len])
			break;
		path += len + 1;
	}
	*ret_value = object;
	return true;
}

const char *json_text(struct json_object *object, const char *path)
{
	struct json_object *value;

	if (!json_find(object, path, &value))
		return "(absent)";
	return value ? json_object_get_string(value) : "(null)";
}

int64_t json_number(struct json_object *object, const char *path)
{
	struct json_object *value;

	CHECK(json_find(object, path, &value), "no %s in %s", path,
	      json_object_to_json_string(object));
	CHECK(json_object_is_type(value, json_type_int), "%s is no number in %s", path,
	      json_object_to_json_string(object));
	return json_object_get_int64(value);
}

bool json_flag(struct json_object *object, const char *path)
{
	struct json_object *value;

	CHECK(json_find(object, path, &value) && json_object_is_type(value, json_type_boolean),
	      "%s is no boolean in %s", path, json_object_to_json_string(object));
	return json_object_get_boolean(value);
}

uint64_t json_time_ns(struct json_object *object)
{
	const char *text = json_text(object, "time"), *rest;
	uint64_t ns = 0, unit = NSEC_PER_SEC / 10;
	struct tm tm = { 0 };
	int hours = 0, minutes = 0;
	long offset = 0;

	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	CHECK(rest, "time %s is not RFC 3339", text);
	if (*rest == '.')
		for (rest++; isdigit((unsigned char)*rest); rest++, unit /= 10)
			ns += (uint64_t)(*rest - '0') * unit;
	if (*rest != 'Z') {
		CHECK(sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2 && strlen(rest) == 6,
		      "time %s is not RFC 3339", text);
		offset = (hours * 60L + minutes) * (*rest == '-' ? -60 : 60);
	} else {
		CHECK(rest[1] == '\0', "time %s is not RFC 3339", text);
	}
	return (uint64_t)(timegm(&tm) - offset) * NSEC_PER_SEC + ns;
}

bool utf8_valid(const char *data, size_t len)
{
	const unsigned char *at = (const unsigned char *)data, *end = at + len;

	while (at < end) {
		unsigned int more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
		uint32_t value = more == 0 ? *at : *at & (0x3fu >> more);

		if ((*at >= 0x80 && *at < 0xc2) || *at > 0xf4 || at + more >= end)
			return false;
		while (more--) {
			if ((*++at & 0xc0) != 0x80)
				return false;
			value = value << 6 | (*at & 0x3f);
		}
		if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
			return false;
		at++;
	}
	return true;
}

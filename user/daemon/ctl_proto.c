// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The language of the control socket: four bytes of length (big-endian), then one JSON object.
 * Receives bytes from either end, also hostile ones; hands requests and answers. Pure.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "daemon/ctl_proto.h"
#include "text.h"

static const char *const ctl_words[] = {
#define CTL_COMMAND_WORD(name, word) [CTL_##name] = word,
	CTL_COMMANDS(CTL_COMMAND_WORD)
};

static int frame_grow(struct ctl_frame *frame, size_t need)
{
	size_t room = frame->room ? frame->room : 1024;
	char *bytes;

	if (need <= frame->room)
		return 0;
	while (room < need)
		room *= 2;
	if (room > frame->length)
		room = frame->length;
	bytes = realloc(frame->bytes, room);
	if (!bytes)
		return -ENOMEM;
	frame->bytes = bytes;
	frame->room = room;
	return 0;
}

int ctl_frame_take(struct ctl_frame *frame, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	while (size && frame->have < CTL_HEAD) {
		frame->head[frame->have++] = *at++;
		size--;
		if (frame->have < CTL_HEAD)
			continue;
		frame->length = (size_t)frame->head[0] << 24 | (size_t)frame->head[1] << 16 |
				(size_t)frame->head[2] << 8 | frame->head[3];
		if (!frame->length)
			return -EBADMSG;
		if (frame->length > frame->max)
			return -EMSGSIZE;
	}
	if (frame->have < CTL_HEAD)
		return 0;
	if (size > CTL_HEAD + frame->length - frame->have)
		return -EBADMSG;
	if (size) {
		size_t used = frame->have - CTL_HEAD;

		if (frame_grow(frame, used + size))
			return -ENOMEM;
		memcpy(frame->bytes + used, at, size);
		frame->have += size;
	}
	return frame->have == CTL_HEAD + frame->length;
}

void ctl_frame_free(struct ctl_frame *frame)
{
	free(frame->bytes);
	*frame = (struct ctl_frame){ .max = frame->max };
}

int ctl_frame_make(struct json_object *object, size_t max, char **ret_frame, size_t *ret_size)
{
	size_t length = 0;
	const char *text = object ? json_object_to_json_string_length(
					    object,
					    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
					    &length) :
				    NULL;
	int err = !text ? -ENOMEM : length > max ? -EMSGSIZE : 0;

	if (!err) {
		*ret_frame = malloc(CTL_HEAD + length);
		err = *ret_frame ? 0 : -ENOMEM;
	}
	if (!err) {
		for (unsigned int i = 0; i < CTL_HEAD; i++)
			(*ret_frame)[i] = (char)(length >> 8 * (CTL_HEAD - 1 - i));
		memcpy(*ret_frame + CTL_HEAD, text, length);
		*ret_size = CTL_HEAD + length;
	}
	json_object_put(object);
	return err;
}

/*
 * Fewer values than `max`? A parsed value takes many times its bytes: "[1,1,1,…" of 2 MiB would take
 * a hundred. Each value but the first stands behind one of these characters.
 */
static bool few_values(const char *json, size_t size, size_t max)
{
	bool string = false;
	size_t count = 0;

	for (size_t i = 0; i < size && count <= max; i++) {
		if (string && json[i] == '\\')
			i++;
		else if (json[i] == '"')
			string = !string;
		else if (!string && (json[i] == ',' || json[i] == '[' || json[i] == '{'))
			count++;
	}
	return count <= max;
}

static struct json_object *json_of(const char *json, size_t size, int depth)
{
	struct json_tokener *tokener = json_tokener_new_ex(depth);
	struct json_object *object;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, json, (int)size);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != size ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

/* A string without a 0 inside, or NULL. */
static const char *word_of(struct json_object *object, const char *key)
{
	struct json_object *value;
	const char *word;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	word = json_object_get_string(value);
	return strlen(word) == (size_t)json_object_get_string_len(value) ? word : NULL;
}

__attribute__((format(printf, 3, 4))) static int refuse(char *error, size_t size,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return -EINVAL;
}

static int take_file(struct json_object *file, struct policy_source *source, char *error,
		     size_t error_size)
{
	char utf8[3 * SOURCE_NAME_MAX + 1];
	struct json_object *content;
	const char *name;
	int err;

	if (!json_object_is_type(file, json_type_object) || json_object_object_length(file) != 2 ||
	    !(name = word_of(file, "name")) || !*name ||
	    !json_object_object_get_ex(file, "content", &content) ||
	    !json_object_is_type(content, json_type_string))
		return refuse(error, error_size,
			      "a file is not {\"name\": \"…\", \"content\": \"…\"}");
	/* json-c lets overlong forms pass; what is taken has to come out again as it is. */
	if (strlen(name) > SOURCE_NAME_MAX || strcmp(text_utf8(name, utf8, sizeof(utf8)), name))
		return refuse(error, error_size, "a file's name is too long, or no UTF-8");
	err = source_add(source, name, json_object_get_string(content),
			 (size_t)json_object_get_string_len(content));
	if (err == -E2BIG)
		return refuse(
			error, error_size,
			"the files are more than a policy may have: %d files, %d bytes in all",
			SOURCE_FILES_MAX, TCPTIMER_POLICY_SOURCE);
	return err;
}

static int take_files(struct json_object *object, struct policy_source *source, char *error,
		      size_t error_size)
{
	struct json_object *files;
	int err = 0;

	if (!json_object_object_get_ex(object, "files", &files) ||
	    !json_object_is_type(files, json_type_array) || !json_object_array_length(files))
		return refuse(error, error_size, "policy_apply needs \"files\", an array");
	for (size_t i = 0; !err && i < json_object_array_length(files); i++)
		err = take_file(json_object_array_get_idx(files, i), source, error, error_size);
	return err;
}

static int take_request(struct json_object *object, struct ctl_request *ret, char *error,
			size_t error_size)
{
	const char *word = word_of(object, "command");
	char safe[64];
	int keys;

	if (!word)
		return refuse(error, error_size, "the request has no \"command\"");
	for (ret->command = 0; ret->command < CTL_COMMAND_COUNT; ret->command++)
		if (!strcmp(word, ctl_words[ret->command]))
			break;
	if (ret->command == CTL_COMMAND_COUNT)
		return refuse(error, error_size, "no command '%s'",
			      text_escape(word, safe, sizeof(safe)));
	keys = ret->command == CTL_POLICY_APPLY ? 2 : 1;
	if (json_object_object_length(object) > keys)
		return refuse(error, error_size, "the request has keys that '%s' does not take",
			      word);
	ret->source.kind = SOURCE_APPLY;
	return keys == 2 ? take_files(object, &ret->source, error, error_size) : 0;
}

int ctl_request_parse(const char *json, size_t size, struct ctl_request *ret_request, char *error,
		      size_t error_size)
{
	struct json_object *object;
	int err;

	*ret_request = (struct ctl_request){};
	error[0] = '\0';
	if (size > CTL_REQUEST_MAX || !few_values(json, size, CTL_REQUEST_VALUES))
		return refuse(error, error_size, "the request is too large");
	object = json_of(json, size, CTL_REQUEST_DEPTH);
	if (!object)
		return refuse(error, error_size, "the request is no JSON object");
	err = take_request(object, ret_request, error, error_size);
	json_object_put(object);
	if (err)
		ctl_request_free(ret_request);
	return err;
}

void ctl_request_free(struct ctl_request *request)
{
	source_free(&request->source);
}

struct json_object *ctl_request_json(const struct ctl_request *request)
{
	struct json_object *o = json_object_new_object(), *files;

	if (!o)
		return NULL;
	json_object_object_add(o, "command", json_object_new_string(ctl_words[request->command]));
	if (request->command != CTL_POLICY_APPLY)
		return o;
	files = json_object_new_array();
	for (size_t i = 0; i < request->source.count; i++) {
		const struct source_file *file = &request->source.files[i];
		struct json_object *entry = json_object_new_object();
		char name[3 * SOURCE_NAME_MAX + 1];

		json_object_object_add(
			entry, "name",
			json_object_new_string(text_utf8(file->name, name, sizeof(name))));
		json_object_object_add(entry, "content",
				       json_object_new_string_len(file->bytes, (int)file->size));
		json_object_array_add(files, entry);
	}
	json_object_object_add(o, "files", files);
	return o;
}

struct json_object *ctl_answer(struct json_object *result)
{
	struct json_object *o = result ? json_object_new_object() : NULL;

	if (!o)
		return NULL;
	json_object_object_add(o, "ok", json_object_new_boolean(true));
	json_object_object_add(o, "result", result);
	return o;
}

struct json_object *ctl_answer_error(const char *error, struct json_object *findings)
{
	struct json_object *o = json_object_new_object();
	char utf8[2048];

	if (!o) {
		json_object_put(findings);
		return NULL;
	}
	json_object_object_add(o, "ok", json_object_new_boolean(false));
	json_object_object_add(o, "error",
			       json_object_new_string(text_utf8(error, utf8, sizeof(utf8))));
	json_object_object_add(o, "findings", findings ? findings : json_object_new_array());
	return o;
}

int ctl_answer_parse(const char *json, size_t size, struct json_object **ret_answer,
		     struct json_object **ret_result, const char **ret_error)
{
	struct json_object *o = size <= CTL_ANSWER_MAX ? json_of(json, size, 16) : NULL, *ok;

	*ret_result = NULL;
	*ret_error = NULL;
	if (o && json_object_object_get_ex(o, "ok", &ok) &&
	    json_object_is_type(ok, json_type_boolean)) {
		*ret_answer = o;
		if (json_object_get_boolean(ok))
			json_object_object_get_ex(o, "result", ret_result);
		else
			*ret_error = word_of(o, "error");
		if (json_object_is_type(*ret_result, json_type_object) || *ret_error)
			return 0;
	}
	*ret_answer = NULL;
	json_object_put(o);
	return -EINVAL;
}

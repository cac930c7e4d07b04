/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON written as it comes, without a tree in between: for lines that come by the hundred thousand.
 * Receives keys and values, also hostile strings; hands text in ASCII and valid UTF-8. Pure.
 */
#ifndef TCPTIMER_JSON_OUT_H
#define TCPTIMER_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSON_OUT_STRING_MAX 8191 /* bytes of a string's UTF-8, before it is escaped: cut there */

struct json_out {
	char *text; /* no NUL behind it; used again by the next line */
	size_t used, size;
	bool comma;  /* the next key or value has one before it */
	bool failed; /* no memory: the text is not whole */
};

/* Empties it; memory stays for the next. */
void json_out_reset(struct json_out *out);
void json_out_free(struct json_out *out);

/* ---- values: in arrays and at the top by themselves; in objects each after its key */

void json_out_open(struct json_out *out, char bracket);  /* '{' or '[' */
void json_out_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_out_int(struct json_out *out, int64_t value);
void json_out_uint(struct json_out *out, uint64_t value);
void json_out_bool(struct json_out *out, bool value);
void json_out_null(struct json_out *out);
/* What is no UTF-8 is replaced, what could fool a reader's eye is escaped. NULL: null. */
void json_out_string(struct json_out *out, const char *raw);

/* ---- keys: our own words, which need no escaping */

/* Room for so many bytes at text + used, or NULL. */
char *json_out_grow(struct json_out *out, size_t length);

static inline char *json_out_room(struct json_out *out, size_t length)
{
	return out->size - out->used < length ? json_out_grow(out, length) : out->text + out->used;
}

/* Inline: the length is known to the compiler, and the copy a few stores. */
static inline void json_out_key(struct json_out *out, const char *key)
{
	size_t length = strlen(key);
	char *at = json_out_room(out, length + 4);

	if (!at)
		return;
	if (out->comma)
		*at++ = ',';
	*at++ = '"';
	memcpy(at, key, length);
	memcpy(at + length, "\":", 2);
	out->used += length + 3 + out->comma;
	out->comma = false;
}

static inline void json_out_key_int(struct json_out *out, const char *key, int64_t value)
{
	json_out_key(out, key);
	json_out_int(out, value);
}

static inline void json_out_key_bool(struct json_out *out, const char *key, bool value)
{
	json_out_key(out, key);
	json_out_bool(out, value);
}

static inline void json_out_key_string(struct json_out *out, const char *key, const char *raw)
{
	json_out_key(out, key);
	json_out_string(out, raw);
}

/* A number that may be missing: null. */
static inline void json_out_key_maybe(struct json_out *out, const char *key, bool has,
				      int64_t value)
{
	json_out_key(out, key);
	if (has)
		json_out_int(out, value);
	else
		json_out_null(out);
}

/*
 * A character that a terminal or a reader's eye could be fooled by: DEL, C1, zero-width, line and
 * paragraph separators, bidi. Returns its length in UTF-8 and the character, or 0.
 */
size_t json_out_hazard(const char *at, unsigned int *ret_char);

#endif

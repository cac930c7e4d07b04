// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON written as it comes, without a tree in between: for lines that come by the hundred thousand.
 * Receives keys and values, also hostile strings; hands text in ASCII and valid UTF-8. Pure.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include "json_out.h"
#include "text.h"

#define NUMBER_MAX 20 /* digits and sign of 64 bits */
#define ESCAPED_MAX 6 /* \u0000, the longest that a byte becomes */

void json_out_reset(struct json_out *out)
{
	out->used = 0;
	out->comma = out->failed = false;
}

void json_out_free(struct json_out *out)
{
	free(out->text);
	*out = (struct json_out){};
}

char *json_out_grow(struct json_out *out, size_t length)
{
	size_t size = (out->used + length) * 2 + 1024;
	char *text = out->failed ? NULL : realloc(out->text, size);

	if (!text) {
		out->failed = true;
		return NULL;
	}
	out->text = text;
	out->size = size;
	return text + out->used;
}

static void put(struct json_out *out, const char *text, size_t length)
{
	char *at = json_out_room(out, length + 1);

	if (!at)
		return;
	if (out->comma)
		*at++ = ',';
	memcpy(at, text, length);
	out->used += length + out->comma;
	out->comma = true;
}

void json_out_open(struct json_out *out, char bracket)
{
	put(out, &bracket, 1);
	out->comma = false;
}

void json_out_close(struct json_out *out, char bracket)
{
	out->comma = false;
	put(out, &bracket, 1);
}

static void put_number(struct json_out *out, bool negative, uint64_t value)
{
	char digits[NUMBER_MAX + 1], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	if (negative)
		*--at = '-';
	put(out, at, (size_t)(digits + sizeof(digits) - at));
}

void json_out_int(struct json_out *out, int64_t value)
{
	put_number(out, value < 0, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_out_uint(struct json_out *out, uint64_t value)
{
	put_number(out, false, value);
}

void json_out_bool(struct json_out *out, bool value)
{
	if (value)
		put(out, "true", 4);
	else
		put(out, "false", 5);
}

void json_out_null(struct json_out *out)
{
	put(out, "null", 4);
}

size_t json_out_hazard(const char *at, unsigned int *ret_char)
{
	const unsigned char *c = (const unsigned char *)at;

	if (c[0] == 0x7f) {
		*ret_char = c[0];
		return 1;
	}
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
		*ret_char = c[1];
		return 2;
	}
	if (c[0] != 0xe2 || (c[1] != 0x80 && c[1] != 0x81) || (c[2] & 0xc0) != 0x80)
		return 0;
	*ret_char = 0x2000U | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU);
	if ((*ret_char >= 0x200b && *ret_char <= 0x200f) ||
	    (*ret_char >= 0x2028 && *ret_char <= 0x202e) ||
	    (*ret_char >= 0x2060 && *ret_char <= 0x206f))
		return 3;
	return 0;
}

/* The escape that has a letter of its own, or 0. */
static char short_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

/* Valid UTF-8, at most ESCAPED_MAX bytes a byte. Returns where it ends. */
static char *escape(char *to, const char *utf8)
{
	while (*utf8) {
		unsigned int character = (unsigned char)*utf8;
		char letter = short_escape(*utf8);
		size_t hazard = character < 0x20 ? 1 : json_out_hazard(utf8, &character);

		if (letter) {
			*to++ = '\\';
			*to++ = letter;
			utf8++;
		} else if (hazard) {
			static const char hex[] = "0123456789abcdef";

			*to++ = '\\';
			*to++ = 'u';
			for (int shift = 12; shift >= 0; shift -= 4)
				*to++ = hex[character >> shift & 0xf];
			utf8 += hazard;
		} else {
			*to++ = *utf8++;
		}
	}
	return to;
}

/* Printable ASCII that needs no escape, up to here. */
static size_t plain_length(const char *raw)
{
	size_t n = 0;

	while (raw[n] >= 0x20 && raw[n] < 0x7f && raw[n] != '"' && raw[n] != '\\')
		n++;
	return n;
}

void json_out_string(struct json_out *out, const char *raw)
{
	char valid[JSON_OUT_STRING_MAX + 1];
	size_t length;
	bool plain;
	char *at;

	if (!raw) {
		json_out_null(out);
		return;
	}
	length = plain_length(raw);
	plain = !raw[length] && length <= JSON_OUT_STRING_MAX;
	if (!plain) {
		raw = text_utf8(raw, valid, sizeof(valid));
		length = strlen(raw) * ESCAPED_MAX;
	}
	at = json_out_room(out, length + 3);
	if (!at)
		return;
	if (out->comma)
		*at++ = ',';
	*at++ = '"';
	at = plain ? mempcpy(at, raw, length) : escape(at, raw);
	*at++ = '"';
	out->used = (size_t)(at - out->text);
	out->comma = true;
}

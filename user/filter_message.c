// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the filter's parser says of an expression that it refuses.
 * Receives the expression and the place; hands three lines, safe to print: the message, the
 * expression or the part of it around the place, and a caret. Pure.
 */
#include <stdint.h>
#include <string.h>
#include "filter_impl.h"
#include "text.h"
#include "text_utf8.h"

#define QUOTED_MAX 80
#define SHOWN_MAX 72       /* of a long expression, so many columns are shown, ... */
#define BEFORE_CARET 48    /* ... and so many of them at most before the place */
#define BYTES_PER_COLUMN 8 /* beyond which a heap of combining characters is cut, too */

struct message {
	size_t used;
	char text[2048]; /* more than all parts at their longest */
};

static void put_text(struct message *message, const char *text, size_t length)
{
	if (length >= sizeof(message->text) - message->used)
		return;
	memcpy(message->text + message->used, text, length);
	message->used += length;
}

static void put_string(struct message *message, const char *text)
{
	put_text(message, text, strlen(text));
}

/* The start of the longest end of the first `length` bytes that takes at most `width` columns. */
static size_t tail_start(const char *text, size_t length, size_t width)
{
	char out[TEXT_UNIT_MAX];
	size_t columns = 0, bytes = 0, start = 0;

	for (size_t i = 0; i < length;) {
		struct text_unit unit = text_escape_unit(text + i, out);

		columns += unit.columns;
		bytes += unit.length;
		i += unit.raw;
	}
	while (start < length && (columns > width || bytes > width * BYTES_PER_COLUMN)) {
		struct text_unit unit = text_escape_unit(text + start, out);

		columns -= unit.columns;
		bytes -= unit.length;
		start += unit.raw;
	}
	return start;
}

/* Escaped, as much of [from, to) as takes at most `width` columns; returns the columns. */
static size_t put_escaped(struct message *message, const char *text, size_t from, size_t to,
			  size_t width)
{
	char out[TEXT_UNIT_MAX];
	size_t columns = 0, bytes = 0;

	while (from < to && text[from]) {
		struct text_unit unit = text_escape_unit(text + from, out);

		columns += unit.columns;
		bytes += unit.length;
		if (columns > width || bytes > width * BYTES_PER_COLUMN) {
			put_string(message, "…");
			return columns - unit.columns + 1;
		}
		put_text(message, out, unit.length);
		from += unit.raw;
	}
	return columns;
}

/* The expression around `at`, and the caret under it. */
static void put_place(struct message *message, const char *text, size_t at)
{
	size_t start = tail_start(text, at, BEFORE_CARET), columns = 0;

	put_string(message, "\n  ");
	if (start) {
		put_string(message, "…");
		columns++;
	}
	columns += put_escaped(message, text, start, at, BEFORE_CARET);
	put_escaped(message, text, at, SIZE_MAX, SHOWN_MAX - columns);
	put_string(message, "\n  ");
	while (columns-- > 0)
		put_string(message, " ");
	put_string(message, "^");
}

void filter_message(const char *expression, const struct filter_token *token, bool quote,
		    const char *text, char *err, size_t err_size)
{
	struct message message = { 0 };

	if (quote) {
		put_string(&message, "\"");
		put_escaped(&message, token->text, 0, token->text_length, QUOTED_MAX);
		put_string(&message, "\" ");
	}
	put_string(&message, text);
	put_place(&message, expression, token->start);
	message.text[message.used] = '\0';
	text_utf8(message.text, err, err_size); /* cut at a whole character */
}

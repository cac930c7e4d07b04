/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UTF-8, one character at a time, for the files of user/text*.c and for the filter's messages.
 * Receives raw bytes, also hostile ones; hands code points and widths.
 */
#ifndef TCPTIMER_TEXT_UTF8_H
#define TCPTIMER_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character that starts at `text` (NUL-terminated, not at its end). Returns its length and sets
 * *ret_c; or 0 for what is no UTF-8 (overlong, surrogate, beyond U+10FFFF, cut short), with
 * *ret_c the number of bytes to be replaced together (a maximal subpart, Unicode 3.9), at least 1.
 */
size_t utf8_decode(const char *text, uint32_t *ret_c);

/* Columns on a terminal: 0, 1 or 2. */
unsigned int utf8_columns(uint32_t c);

/* One unit of escaped text (see text_escape), written to `out` without a terminator. */
#define TEXT_UNIT_MAX 16 /* four bytes as \xNN */
struct text_unit {
	size_t raw;     /* bytes taken from the raw text */
	size_t length;  /* bytes written */
	size_t columns; /* on a terminal */
};

struct text_unit text_escape_unit(const char *raw, char out[TEXT_UNIT_MAX]);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names from outside made safe to print: escaping, valid UTF-8, widths, cgroup paths that fit.
 * Receives raw bytes, also hostile ones; hands printable UTF-8 to the output. Pure.
 */
#include <string.h>
#include "text.h"
#include "text_utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS "\xe2\x80\xa6"    /* U+2026, one column */
#define CONTAINER_ID_LEN 64
#define CONTAINER_ID_SHOWN 12
#define CGROUP_PATH_MAX 4096

/* Unicode's table 3-7: how long a lead byte's sequence is, and what its second byte may be. */
static size_t sequence_length(unsigned char lead, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xbf;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead == 0xe0)
		*ret_low = 0xa0; /* overlong below */
	else if (lead == 0xed)
		*ret_high = 0x9f; /* surrogates above */
	else if (lead == 0xf0)
		*ret_low = 0x90; /* overlong below */
	else if (lead == 0xf4)
		*ret_high = 0x8f; /* beyond U+10FFFF above */
	return lead < 0xf0 ? 3 : 4;
}

size_t utf8_decode(const char *text, uint32_t *ret_c)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char low, high;
	size_t length;
	uint32_t c;

	if (bytes[0] < 0x80) {
		*ret_c = bytes[0];
		return 1;
	}
	length = sequence_length(bytes[0], &low, &high);
	if (!length) {
		*ret_c = 1;
		return 0;
	}
	c = bytes[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if (bytes[i] < low || bytes[i] > high) { /* a NUL, too: nothing is read beyond it */
			*ret_c = (uint32_t)i;
			return 0;
		}
		c = c << 6 | (bytes[i] & 0x3fU);
		low = 0x80;
		high = 0xbf;
	}
	*ret_c = c;
	return length;
}

/* Characters that move or hide others: never sent to a terminal as they are. */
static bool is_dangerous(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || /* C0, DEL, C1 */
	       c == 0xad ||                           /* soft hyphen */
	       c == 0x34f ||                          /* combining grapheme joiner */
	       c == 0x61c ||                          /* Arabic letter mark (bidi) */
	       c == 0x115f || c == 0x1160 ||          /* Hangul fillers */
	       (c >= 0x180b && c <= 0x180f) ||        /* Mongolian selectors, vowel separator */
	       (c >= 0x200b && c <= 0x200f) ||        /* zero-width, bidi marks */
	       (c >= 0x2028 && c <= 0x202e) ||        /* separators, bidi embeddings */
	       (c >= 0x2060 && c <= 0x206f) ||        /* joiners, bidi isolates, deprecated */
	       c == 0x3164 || c == 0xffa0 ||          /* Hangul fillers */
	       (c >= 0xfe00 && c <= 0xfe0f) ||        /* variation selectors */
	       c == 0xfeff ||                         /* zero-width no-break space */
	       (c >= 0xfff0 && c <= 0xfffb) ||        /* interlinear annotation */
	       (c & 0xfffe) == 0xfffe ||              /* noncharacters */
	       (c >= 0xfdd0 && c <= 0xfdef) ||        /* noncharacters */
	       (c >= 0x1bca0 && c <= 0x1bca3) ||      /* shorthand format controls */
	       (c >= 0x1d173 && c <= 0x1d17a) ||      /* musical format controls */
	       (c >= 0xe0000 && c <= 0xe0fff);        /* tags, variation selectors */
}

static size_t escape_bytes(const char *raw, size_t count, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		unsigned char byte = (unsigned char)raw[i];

		*out++ = '\\';
		*out++ = 'x';
		*out++ = digits[byte >> 4];
		*out++ = digits[byte & 15];
	}
	return 4 * count;
}

/* Printable ASCII that stays as it is: nearly all that there is. */
static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

struct text_unit text_escape_unit(const char *raw, char out[TEXT_UNIT_MAX])
{
	struct text_unit unit;
	uint32_t c;

	if (is_plain(*raw)) {
		out[0] = *raw;
		return (struct text_unit){ 1, 1, 1 };
	}
	unit.raw = utf8_decode(raw, &c);
	if (!unit.raw) {
		unit.raw = c;
		unit.columns = unit.length = escape_bytes(raw, unit.raw, out);
	} else if (c == '\\') {
		out[0] = out[1] = '\\';
		unit.columns = unit.length = 2;
	} else if (is_dangerous(c)) {
		unit.columns = unit.length = escape_bytes(raw, unit.raw, out);
	} else {
		memcpy(out, raw, unit.raw);
		unit.length = unit.raw;
		unit.columns = utf8_columns(c);
	}
	return unit;
}

const char *text_escape(const char *raw, char *buf, size_t size)
{
	char out[TEXT_UNIT_MAX];
	size_t used = 0;

	if (!size)
		return buf;
	while (raw && *raw) {
		struct text_unit unit;

		if (is_plain(*raw)) {
			if (size - used <= 1)
				break;
			buf[used++] = *raw++;
			continue;
		}
		unit = text_escape_unit(raw, out);
		if (unit.length >= size - used)
			break;
		memcpy(buf + used, out, unit.length);
		used += unit.length;
		raw += unit.raw;
	}
	buf[used] = '\0';
	return buf;
}

const char *text_utf8(const char *raw, char *buf, size_t size)
{
	size_t used = 0;

	if (!size)
		return buf;
	while (raw && *raw) {
		uint32_t c;
		size_t taken = utf8_decode(raw, &c);
		size_t length = taken ? taken : sizeof(REPLACEMENT) - 1;

		if (length >= size - used)
			break;
		memcpy(buf + used, taken ? raw : REPLACEMENT, length);
		used += length;
		raw += taken ? taken : c;
	}
	buf[used] = '\0';
	return buf;
}

size_t text_measure(const char *utf8, size_t *ret_bytes)
{
	const char *at = utf8;
	size_t width = 0;

	while (*at) {
		uint32_t c;
		size_t length;

		if (*at >= 0x20 && *at < 0x7f) { /* nearly all */
			width++;
			at++;
			continue;
		}
		length = utf8_decode(at, &c);
		width += length ? utf8_columns(c) : 1; /* a terminal shows U+FFFD */
		at += length ? length : c;
	}
	*ret_bytes = (size_t)(at - utf8);
	return width;
}

size_t text_width(const char *utf8)
{
	size_t bytes;

	return text_measure(utf8, &bytes);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Copy, each run of exactly 64 hex digits (a container's id) cut to 12. */
static void shorten_ids(const char *path, char *out)
{
	while (*path) {
		size_t run = 0;

		while (is_hex(path[run]))
			run++;
		if (!run) { /* up to what may be an id */
			*out++ = *path++;
			continue;
		}
		memcpy(out, path, run == CONTAINER_ID_LEN ? CONTAINER_ID_SHOWN : run);
		out += run == CONTAINER_ID_LEN ? CONTAINER_ID_SHOWN : run;
		path += run;
	}
	*out = '\0';
}

static size_t escaped_columns(const char *raw)
{
	char out[TEXT_UNIT_MAX];
	size_t columns = 0;

	while (*raw) {
		struct text_unit unit = { 1, 1, 1 };

		if (!is_plain(*raw))
			unit = text_escape_unit(raw, out);
		columns += unit.columns;
		raw += unit.raw;
	}
	return columns;
}

/*
 * The longest end of `path` that takes at most `width` columns. One that starts at a '/' reads
 * better, where that gives away less than half of the width.
 */
static const char *fitting_end(const char *path, size_t columns, size_t width)
{
	char out[TEXT_UNIT_MAX];
	const char *end;

	while (*path && columns > width) {
		struct text_unit unit = text_escape_unit(path, out);

		columns -= unit.columns;
		path += unit.raw;
	}
	end = strchr(path, '/');
	return end && escaped_columns(end) > width / 2 ? end : path;
}

const char *text_cgroup(const char *path, size_t width, char *buf, size_t size)
{
	char shortened[CGROUP_PATH_MAX];
	size_t length = path ? strlen(path) : 0, columns;
	const char *end;

	if (!length)
		return text_escape("", buf, size);
	if (length >= sizeof(shortened)) /* no cgroup's path; its end says most */
		path += length - sizeof(shortened) + 1;
	shorten_ids(path, shortened);
	columns = escaped_columns(shortened);
	if (columns <= width || !width)
		return text_escape(shortened, buf, size);
	if (size < sizeof(ELLIPSIS))
		return text_escape("", buf, size);

	end = fitting_end(shortened, columns, width - 1);
	memcpy(buf, ELLIPSIS, sizeof(ELLIPSIS));
	text_escape(end, buf + sizeof(ELLIPSIS) - 1, size - sizeof(ELLIPSIS) + 1);
	return buf;
}

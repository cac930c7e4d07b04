/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people: escaping, durations, addresses, aligned columns.
 * Receives raw values, also hostile ones; hands printable UTF-8 to stdout. Pure.
 */
#ifndef TCPTIMER_TEXT_H
#define TCPTIMER_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Make a name from outside safe to print: printable UTF-8 passes; control characters (C0, DEL,
 * C1), bidi and zero-width controls, line separators, noncharacters and invalid bytes become \xNN
 * (each byte), a backslash becomes \\. Always terminated, cut at a whole escape or character. NULL
 * is empty. Returns buf.
 */
const char *text_escape(const char *raw, char *buf, size_t size);

/*
 * Valid UTF-8 for a JSON library: what is invalid becomes U+FFFD, one for each maximal subpart as
 * Unicode recommends (and Python's "replace" does); everything else is kept. Returns buf.
 */
const char *text_utf8(const char *raw, char *buf, size_t size);

/* Columns that a string takes on a terminal, wide and combining characters as wcwidth counts. */
size_t text_width(const char *utf8);
/* The same, and its bytes. */
size_t text_measure(const char *utf8, size_t *ret_bytes);

/* Decimal digits; size >= 21. Returns buf. */
const char *text_number(uint64_t number, char *buf, size_t size);

/*
 * A time span for a person, three significant digits at most: "0ms" "37ms" "1.25s" "38.4s" "4m12s"
 * "15m38s" "2h11m" "3d4h"; negative: "-1.25s". Returns buf; size >= 24.
 */
const char *text_span(int64_t ms, char *buf, size_t size);

/* Parse a span with unit (ms, s, m, min, h, d; "1.5s", "2min", "90s"): 0, or -EINVAL, -ERANGE. */
int text_parse_span(const char *text, int64_t *ret_ms);

/* "10.0.0.1:443", "[fd00::1]:443"; family AF_INET or AF_INET6. size >= 64. Returns buf. */
const char *text_addr_port(int family, const uint8_t *addr, unsigned int port, char *buf,
			   size_t size);
const char *text_addr(int family, const uint8_t *addr, char *buf, size_t size);

/*
 * A cgroup path for a column of `width` columns: container ids (64 hex digits) cut to 12, leading
 * parts replaced by "…" when it is still too long. Escaped. Returns buf.
 */
const char *text_cgroup(const char *path, size_t width, char *buf, size_t size);

/* RFC 3339 in UTC with milliseconds: "2026-01-31T09:14:03.123Z". size >= 32. Returns buf. */
const char *text_time(int64_t realtime_ns, char *buf, size_t size);

/*
 * Aligned columns. Cells are taken as they are (escape before). The table sizes each column to its
 * widest cell, then takes width from the columns marked TEXT_SHRINK (last ones first, never below
 * their header) until the line fits `width` (0: no limit). Streams: at most TEXT_TABLE_ROWS rows
 * are held to measure; later rows use the widths found (wider cells push the line).
 */
enum text_align { TEXT_LEFT = 0, TEXT_RIGHT = 1, TEXT_SHRINK = 2 /* OR-ed; cut with "…" */ };

struct text_column {
	const char *header;
	unsigned int flags;
	unsigned int min_width;
};

#define TEXT_TABLE_ROWS 512

struct text_table;
struct text_table *text_table_new(FILE *out, const struct text_column *columns, size_t count,
				  unsigned int width, int with_header);
/* One row: `count` cells, copied. Returns 0 or -ENOMEM, -EIO. */
int text_table_row(struct text_table *table, const char *const *cells);
/* Print what is held and stream from now on, for output to be seen at once. 0, -ENOMEM or -EIO. */
int text_table_flush(struct text_table *table);
/* Print what is held and free. Returns 0, -ENOMEM or -EIO. */
int text_table_end(struct text_table *table);

#endif

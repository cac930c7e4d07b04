// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Aligned columns: holds the first rows to find the widths, then streams.
 * Receives escaped cells; hands lines to a stream. Pure but for that stream.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"
#include "text_utf8.h"

#define GAP 2 /* blanks between columns */
#define ELLIPSIS "\xe2\x80\xa6"
#define ELLIPSIS_LEN (sizeof(ELLIPSIS) - 1)

struct buffer {
	char *data;
	size_t used, size;
};

struct text_table {
	FILE *out;
	struct text_column *columns; /* a copy; the headers are borrowed */
	size_t *widths;              /* as printed */
	size_t *lengths;             /* of the row at hand: cells' columns ... */
	size_t *bytes;               /* ... and bytes */
	size_t count;
	size_t limit; /* the terminal's width; 0: none */
	bool with_header;
	bool streaming;
	bool failed;         /* the stream took no more */
	size_t held;         /* rows in `cells` */
	struct buffer cells; /* the held rows' cells, each with its NUL */
	struct buffer line;
};

static int buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t size = buffer->size ? buffer->size : 512;
	char *data;

	if (buffer->size - buffer->used >= more)
		return 0;
	while (size - buffer->used < more)
		if (__builtin_mul_overflow(size, 2, &size))
			return -ENOMEM;
	data = realloc(buffer->data, size);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->size = size;
	return 0;
}

static void table_free(struct text_table *table)
{
	free(table->columns);
	free(table->widths);
	free(table->lengths);
	free(table->bytes);
	free(table->cells.data);
	free(table->line.data);
	free(table);
}

struct text_table *text_table_new(FILE *out, const struct text_column *columns, size_t count,
				  unsigned int width, int with_header)
{
	struct text_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = calloc(count + 1, sizeof(*columns));
	table->widths = calloc(count + 1, sizeof(*table->widths));
	table->lengths = calloc(count + 1, sizeof(*table->lengths));
	table->bytes = calloc(count + 1, sizeof(*table->bytes));
	if (!table->columns || !table->widths || !table->lengths || !table->bytes) {
		table_free(table);
		return NULL;
	}
	memcpy(table->columns, columns, count * sizeof(*columns));
	table->out = out;
	table->count = count;
	table->limit = width;
	table->with_header = with_header;
	for (size_t i = 0; i < count; i++) {
		table->widths[i] = with_header ? text_width(columns[i].header) : 0;
		if (table->widths[i] < columns[i].min_width)
			table->widths[i] = columns[i].min_width;
	}
	return table;
}

static char *put_blanks(char *out, size_t count)
{
	memset(out, ' ', count);
	return out + count;
}

/* The bytes of a cell that fill `width` columns together with an ellipsis; sets the columns. */
static size_t cut_length(const char *cell, size_t width, size_t *ret_columns)
{
	size_t columns = 0, length = 0;

	while (cell[length]) {
		uint32_t c;
		size_t bytes = utf8_decode(cell + length, &c);
		size_t wide = bytes ? utf8_columns(c) : 1;

		if (columns + wide > width - 1)
			break;
		columns += wide;
		length += bytes ? bytes : c;
	}
	*ret_columns = columns + 1;
	return length;
}

/* A cell in its column. One that is too wide is cut under TEXT_SHRINK, else it pushes the rest. */
static char *put_cell(const struct text_table *table, char *out, size_t index, const char *cell)
{
	size_t width = table->widths[index], columns = table->lengths[index];
	size_t bytes = table->bytes[index];
	bool right = table->columns[index].flags & TEXT_RIGHT;
	bool cut = false;

	if ((table->columns[index].flags & TEXT_SHRINK) && table->limit && columns > width) {
		cut = width > 0;
		bytes = cut ? cut_length(cell, width, &columns) : 0;
		columns = cut ? columns : 0;
	}
	if (right && columns < width)
		out = put_blanks(out, width - columns);
	memcpy(out, cell, bytes);
	out += bytes;
	if (cut) {
		memcpy(out, ELLIPSIS, ELLIPSIS_LEN);
		out += ELLIPSIS_LEN;
	}
	if (!right && columns < width)
		out = put_blanks(out, width - columns);
	return out;
}

/* Print one row, measured. */
static int put_row(struct text_table *table, const char *const *cells)
{
	size_t room = 1;
	char *out;

	for (size_t i = 0; i < table->count; i++)
		room += table->bytes[i] + table->widths[i] + GAP + ELLIPSIS_LEN;
	table->line.used = 0;
	if (buffer_reserve(&table->line, room))
		return -ENOMEM;
	out = table->line.data;
	for (size_t i = 0; i < table->count; i++) {
		if (i)
			out = put_blanks(out, GAP);
		out = put_cell(table, out, i, cells[i]);
	}
	while (out > table->line.data && out[-1] == ' ')
		out--;
	*out++ = '\n';
	if (fwrite(table->line.data, 1, (size_t)(out - table->line.data), table->out) !=
	    (size_t)(out - table->line.data)) {
		table->failed = true;
		return -EIO;
	}
	return 0;
}

static void measure_row(struct text_table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->count; i++)
		table->lengths[i] = text_measure(cells[i], &table->bytes[i]);
}

/* Take what is too much from the shrinking columns, the last first. */
static void fit_widths(struct text_table *table)
{
	size_t total = table->count ? (table->count - 1) * GAP : 0;

	for (size_t i = 0; i < table->count; i++)
		total += table->widths[i];
	for (size_t i = table->count; i > 0 && table->limit && total > table->limit; i--) {
		struct text_column *column = &table->columns[i - 1];
		size_t least = text_width(column->header), spare;

		if (!(column->flags & TEXT_SHRINK))
			continue;
		if (least < column->min_width)
			least = column->min_width;
		spare = table->widths[i - 1] > least ? table->widths[i - 1] - least : 0;
		if (spare > total - table->limit)
			spare = total - table->limit;
		table->widths[i - 1] -= spare;
		total -= spare;
	}
}

static int put_header(struct text_table *table, const char **cells)
{
	for (size_t i = 0; i < table->count; i++)
		cells[i] = table->columns[i].header;
	measure_row(table, cells);
	return put_row(table, cells);
}

int text_table_flush(struct text_table *table)
{
	const char *cell = table->cells.data, **cells;
	int err = 0;

	if (table->streaming)
		return fflush(table->out) || table->failed ? -EIO : 0;
	cells = calloc(table->count + 1, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	fit_widths(table);
	table->streaming = true;
	if (table->with_header)
		err = put_header(table, cells);
	for (; table->held > 0 && !err; table->held--) {
		for (size_t i = 0; i < table->count; i++) {
			cells[i] = cell;
			cell += strlen(cell) + 1;
		}
		measure_row(table, cells);
		err = put_row(table, cells);
	}
	free(cells);
	free(table->cells.data);
	table->cells = (struct buffer){ 0 };
	if (!err && fflush(table->out))
		err = -EIO;
	return err;
}

static int hold_row(struct text_table *table, const char *const *cells)
{
	size_t bytes = 0;

	for (size_t i = 0; i < table->count; i++)
		bytes += table->bytes[i] + 1;
	if (buffer_reserve(&table->cells, bytes))
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		size_t length = table->bytes[i] + 1;

		memcpy(table->cells.data + table->cells.used, cells[i], length);
		table->cells.used += length;
		if (table->lengths[i] > table->widths[i])
			table->widths[i] = table->lengths[i];
	}
	table->held++;
	return table->held == TEXT_TABLE_ROWS ? text_table_flush(table) : 0;
}

int text_table_row(struct text_table *table, const char *const *cells)
{
	if (table->failed)
		return -EIO;
	measure_row(table, cells);
	return table->streaming ? put_row(table, cells) : hold_row(table, cells);
}

int text_table_end(struct text_table *table)
{
	int err = text_table_flush(table);

	if (table->failed || ferror(table->out))
		err = -EIO;
	table_free(table);
	return err;
}

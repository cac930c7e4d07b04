// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of scenarios: rows_*.c, in order.
 * Receives their rows; hands them to main.c one by one.
 */
#include "rows.h"

extern const struct row_table rows_syn, rows_data, rows_idle, rows_close;

static const struct row_table *const tables[] = { &rows_syn, &rows_data, &rows_idle, &rows_close };

const struct row *row_at(size_t index)
{
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (index < tables[i]->count)
			return &tables[i]->rows[index];
		index -= tables[i]->count;
	}
	return NULL;
}

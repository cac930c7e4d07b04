// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `simulate` and `explain` share of output: the picture's file, the list of settings.
 * Receives views; hands files and lines.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/timeline_out.h"
#include "settings.h"
#include "text.h"
#include "timeline_svg.h"

int timeline_write_svg(const char *path, const struct timeline_view *const *views, size_t count,
		       const char *title, const char *subtitle)
{
	char safe[512];
	FILE *file;
	int err;

	if (!strcmp(path, "-")) {
		err = timeline_svg(views, count, title, subtitle, stdout);
		return err ? cli_fail("writing the SVG: %s", strerror(-err)) : cli_flush();
	}
	file = fopen(path, "we");
	if (!file)
		return cli_fail("'%s' can't be written: %s", text_escape(path, safe, sizeof(safe)),
				strerror(errno));
	err = timeline_svg(views, count, title, subtitle, file);
	if (fclose(file) && !err)
		err = -errno;
	if (err)
		return cli_fail("writing '%s': %s", text_escape(path, safe, sizeof(safe)),
				strerror(-err));
	return CLI_OK;
}

void timeline_print_settings(void)
{
	static const struct text_column columns[] = {
		{ "SETTING", TEXT_LEFT, 7 },
		{ "SINCE", TEXT_LEFT, 5 },
		{ "VALUE", TEXT_LEFT, 5 },
		{ "WHAT", TEXT_LEFT | TEXT_SHRINK, 12 },
	};
	struct text_table *table = text_table_new(stdout, columns, 4, cli_width(), 1);
	const struct setting *row;
	char range[160];
	size_t i;

	for (i = 0; table && (row = setting_at(i)); i++) {
		const char *cells[] = { row->name, row->since ? row->since : "-",
					setting_range_text(row, range, sizeof(range)), row->help };

		text_table_row(table, cells);
	}
	if (table)
		text_table_end(table);
}

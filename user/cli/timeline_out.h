/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `simulate` and `explain` share of output: the picture's file, the list of settings.
 * Receives views; hands files and lines.
 */
#ifndef TCPTIMER_CLI_TIMELINE_OUT_H
#define TCPTIMER_CLI_TIMELINE_OUT_H

#include "timeline.h"

/* Write the SVG to a file; "-" is stdout. CLI_OK, or CLI_FAILED after the message. */
int timeline_write_svg(const char *path, const struct timeline_view *const *views, size_t count,
		       const char *title, const char *subtitle);
/* A table of every KEY=VALUE setting, to stdout. */
void timeline_print_settings(void);

#endif

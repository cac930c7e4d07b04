/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timelines as a picture: standalone SVG 1.1, one axis, a block of rows for each view.
 * Receives views that timeline_run() filled; hands SVG on a FILE. Pure.
 */
#ifndef TCPTIMER_TIMELINE_SVG_H
#define TCPTIMER_TIMELINE_SVG_H

#include <stdio.h>
#include "timeline.h"

/* title and subtitle are escaped here. 0, -EIO, or -EINVAL without a view. */
int timeline_svg(const struct timeline_view *const *views, size_t count, const char *title,
		 const char *subtitle, FILE *out);

#endif

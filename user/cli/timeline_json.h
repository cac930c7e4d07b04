/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timeline as JSON: the keys that `simulate` and `explain` share (contrib/schema/).
 * Receives a view that timeline_run() filled; hands a json-c object.
 */
#ifndef TCPTIMER_CLI_TIMELINE_JSON_H
#define TCPTIMER_CLI_TIMELINE_JSON_H

#include "timeline.h"

struct json_object;

/* kernel, hz, peer, events, deadline_*, cause, errno, limit, … A new object; NULL: no memory. */
struct json_object *timeline_json(const struct timeline_view *view);
/* The same keys put into an object that has others. */
void timeline_json_add(struct json_object *object, const struct timeline_view *view);

#endif

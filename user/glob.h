/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patterns for cgroup paths, the same for the filter and for policy.
 * Receives a pattern and a path; hands back whether they match. Pure.
 */
#ifndef TCPTIMER_GLOB_H
#define TCPTIMER_GLOB_H

#include <stdbool.h>

#define GLOB_MAX 1024 /* longest pattern, in bytes */

/*
 * `*` stands for any part of one name, also an empty one; `**` for any part of the path, slashes
 * too. `**` as a whole name stands for any number of names, also for none: a pattern that ends in a
 * slash and `**` matches what stands before that slash, and everything below it. All other
 * characters, `?`, `[` and `\` with them (systemd writes \x2d), stand for themselves. A pattern
 * beyond GLOB_MAX matches nothing.
 */
bool glob_match(const char *pattern, const char *path);

#endif

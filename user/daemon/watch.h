/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches policy files: also ones replaced by a rename, and files and directories that appear later.
 * Receives paths; calls back once the changes have settled.
 */
#ifndef TCPTIMER_DAEMON_WATCH_H
#define TCPTIMER_DAEMON_WATCH_H

#include <stddef.h>
#include "daemon/libs.h"

struct watch;

/* The paths are borrowed. Nothing is watched before watch_arm(). 0 or a negative errno. */
int watch_new(sd_event *event, const char *const *paths, size_t count, void (*changed)(void *arg),
	      void *arg, struct watch **ret_watch);
/*
 * Watches what is there now in place of what was: call it before the files are read, so that no change
 * is missed. 0; a negative errno: some path is not watched.
 */
int watch_arm(struct watch *watch);
void watch_free(struct watch *watch);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `simulate --snapshot FILE`: a socket that was written to a file, in place of one made from words, and the writing of it.
 * Receives the file's name; hands a view that the engine has filled.
 */
#ifndef TCPTIMER_CLI_SIMULATE_SNAPSHOT_H
#define TCPTIMER_CLI_SIMULATE_SNAPSHOT_H

#include "simulation.h"

struct command;

/*
 * Read the file and run the engine on it: with its own profile, and its peer or the one that the words
 * of the command line gave (simulation->peer unless AUTO). Settings among the words are refused.
 * subject: room for view->subject. CLI_OK, CLI_FAILED or CLI_USAGE after the message.
 */
int simulate_snapshot(const struct command *command, const char *path,
		      const struct simulation *simulation, struct timeline_view *view,
		      char *subject, size_t subject_size);

/* Write the view's socket for simulate_snapshot() to read. CLI_OK, or CLI_FAILED after the message. */
int simulate_snapshot_save(const char *path, const struct timeline_view *view);

#endif

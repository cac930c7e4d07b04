/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands of `policy` that act on the policy in force.
 * Each receives the command's row and its own argv, and returns the exit status.
 */
#ifndef TCPTIMER_CLI_POLICY_LIVE_H
#define TCPTIMER_CLI_POLICY_LIVE_H

struct command;
struct json_object;

int policy_apply(const struct command *command, int argc, char **argv);
int policy_show(const struct command *command, int argc, char **argv);
int policy_clear(const struct command *command, int argc, char **argv);

/* policy_show_text.c: what policy_show_json() made, for people. Returns CLI_OK or CLI_FAILED. */
int policy_show_text(struct json_object *shown);

#endif

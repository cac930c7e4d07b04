/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands' entries: each receives its row and its own argv, and returns the exit status.
 */
#ifndef TCPTIMER_CLI_COMMANDS_H
#define TCPTIMER_CLI_COMMANDS_H

struct command;

int list_run(const struct command *command, int argc, char **argv);
int trace_run(const struct command *command, int argc, char **argv);
int summary_run(const struct command *command, int argc, char **argv);
int top_run(const struct command *command, int argc, char **argv);
int explain_run(const struct command *command, int argc, char **argv);
int simulate_run(const struct command *command, int argc, char **argv);
int policy_preview(const struct command *command, int argc, char **argv);
int policy_run(const struct command *command, int argc, char **argv);
int daemon_command_run(const struct command *command, int argc, char **argv);
int status_run(const struct command *command, int argc, char **argv);
int record_run(const struct command *command, int argc, char **argv);
int replay_run(const struct command *command, int argc, char **argv);
int kill_run(const struct command *command, int argc, char **argv);
int doctor_run(const struct command *command, int argc, char **argv);
/* `tcptimer --completion`. Returns the exit status. */
int completion_print(void);

#endif

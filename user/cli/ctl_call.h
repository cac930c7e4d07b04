/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands that speak to the daemon share: their options, the call, its failures.
 * Receives argv and requests; hands results, or has said why there is none.
 */
#ifndef TCPTIMER_CLI_CTL_CALL_H
#define TCPTIMER_CLI_CTL_CALL_H

#include "cli/cli.h"
#include "daemon/ctl_proto.h"

struct ctl_place {
	const char *socket;
	const char *pin_dir;
	bool json;
};

/*
 * --socket, --pin-dir and, where `json` is, --json; optind is at the first word left. CLI_OK, -1 when
 * help was all, or CLI_USAGE.
 */
int ctl_options(const struct command *command, int argc, char **argv, bool json,
		struct ctl_place *ret_place);

#define CTL_NO_DAEMON (-2)
/*
 * CLI_OK with the answer, to be put by the caller, and its result; CLI_FAILED after saying why;
 * CTL_NO_DAEMON, said by nobody yet.
 */
int ctl_call(const struct ctl_place *place, const struct ctl_request *request,
	     struct json_object **ret_answer, struct json_object **ret_result);

/* Keys of a result; what is missing or of another kind is 0, "" and NULL. */
int64_t ctl_number(struct json_object *object, const char *key);
const char *ctl_word(struct json_object *object, const char *key);
bool ctl_flag(struct json_object *object, const char *key);
struct json_object *ctl_part(struct json_object *object, const char *key);

#endif

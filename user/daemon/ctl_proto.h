/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language of the control socket: four bytes of length (big-endian), then one JSON object.
 * Receives bytes from either end, also hostile ones; hands requests and answers. Pure.
 */
#ifndef TCPTIMER_DAEMON_CTL_PROTO_H
#define TCPTIMER_DAEMON_CTL_PROTO_H

#include "daemon/policy_source.h"

#define CTL_SOCKET "/run/tcptimer/ctl.sock"
#define CTL_HEAD 4
/* Newlines and quotes take two bytes in JSON; nothing of a policy file takes more. */
#define CTL_REQUEST_MAX (2u * TCPTIMER_POLICY_SOURCE + (64u << 10))
#define CTL_ANSWER_MAX (32u << 20)
/* Values in a request: an object of two keys, and two a file. What has more is not parsed at all. */
#define CTL_REQUEST_VALUES 2048
#define CTL_REQUEST_DEPTH 4

/*   X(ENUMERATOR, "word") */
#define CTL_COMMANDS(X)                                                                            \
	X(STATUS, "status")                                                                        \
	X(POLICY_SHOW, "policy_show")                                                              \
	X(POLICY_APPLY, "policy_apply")                                                            \
	X(POLICY_CLEAR, "policy_clear")
#define CTL_COMMAND_ENUM(name, word) CTL_##name,
enum ctl_command { CTL_COMMANDS(CTL_COMMAND_ENUM) CTL_COMMAND_COUNT };

struct json_object;

/* ---- frames ---- */

/* One frame on its way in. Memory grows with what has come, not with what the length says. */
struct ctl_frame {
	uint8_t head[CTL_HEAD];
	size_t have; /* bytes taken so far, the head's among them */
	size_t length, max;
	char *bytes; /* of `length`, when it is complete */
	size_t room;
};

/*
 * Takes bytes as they come. 1: complete; 0: there is more to come; -EMSGSIZE: longer than frame->max;
 * -EBADMSG: empty, or something comes behind it; -ENOMEM.
 */
int ctl_frame_take(struct ctl_frame *frame, const void *bytes, size_t size);
void ctl_frame_free(struct ctl_frame *frame);
/* An object as a frame, malloc()ed; puts the object. 0; -EMSGSIZE beyond `max`; -ENOMEM. */
int ctl_frame_make(struct json_object *object, size_t max, char **ret_frame, size_t *ret_size);

/* ---- requests ---- */

struct ctl_request {
	uint8_t command;             /* enum ctl_command */
	struct policy_source source; /* policy_apply: its files */
};

/*
 * 0; -ENOMEM; -EINVAL with one printable line in error, without a value that could be long:
 *   {"command": "status"}
 *   {"command": "policy_apply", "files": [{"name": "a.yaml", "content": "version: 1\n…"}]}
 */
int ctl_request_parse(const char *json, size_t size, struct ctl_request *ret_request, char *error,
		      size_t error_size);
void ctl_request_free(struct ctl_request *request);
/* The request as an object; NULL: no memory. */
struct json_object *ctl_request_json(const struct ctl_request *request);

/* ---- answers ---- */

/* {"ok": true, "result": …}; takes the reference. NULL: no memory. */
struct json_object *ctl_answer(struct json_object *result);
/* {"ok": false, "error": "one line", "findings": […]}; findings may be NULL. */
struct json_object *ctl_answer_error(const char *error, struct json_object *findings);
/*
 * An answer taken apart: 0, or -EINVAL when it is none. *ret_answer holds the rest alive and is put by
 * the caller. *ret_result is NULL when the daemon said no: then *ret_error is its line.
 */
int ctl_answer_parse(const char *json, size_t size, struct json_object **ret_answer,
		     struct json_object **ret_result, const char **ret_error);

#endif

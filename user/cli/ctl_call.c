// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the commands that speak to the daemon share: their options, the call, its failures.
 * Receives argv and requests; hands results, or has said why there is none.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/ctl_call.h"
#include "daemon/ctl_client.h"
#include "kernel/rules.h"
#include "text.h"

enum { OPT_SOCKET = 256, OPT_PIN_DIR, OPT_JSON };

int ctl_options(const struct command *command, int argc, char **argv, bool json,
		struct ctl_place *ret_place)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "pin-dir", required_argument, NULL, OPT_PIN_DIR },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, OPT_JSON },
		{},
	};
	const char *socket = getenv("TCPTIMER_SOCKET");
	int opt;

	*ret_place = (struct ctl_place){ socket && *socket ? socket : CTL_SOCKET, rules_pin_dir(),
					 false };
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case OPT_SOCKET:
			ret_place->socket = optarg;
			break;
		case OPT_PIN_DIR:
			ret_place->pin_dir = optarg;
			break;
		case OPT_JSON:
			if (!json)
				return cli_bad_option(command, argv, '?');
			ret_place->json = true;
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	return CLI_OK;
}

static int call_failed(const struct ctl_place *place, int err)
{
	char safe[256];

	text_escape(place->socket, safe, sizeof(safe));
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		return CTL_NO_DAEMON;
	case -EACCES:
	case -EPERM:
		return cli_fail("the daemon's socket %s is for root only; try with sudo", safe);
	case -EAGAIN:
		return cli_fail("the daemon at %s does not answer; its log may say why", safe);
	case -EMSGSIZE:
		return cli_fail("the files are more than a policy may have: 1 MiB in all");
	default:
		return cli_fail("speaking to the daemon at %s: %s", safe, strerror(-err));
	}
}

static int answer_failed(struct json_object *answer, const char *error)
{
	struct json_object *findings = ctl_part(answer, "findings");
	char safe[2048];

	for (size_t i = 0; json_object_is_type(findings, json_type_array) &&
			   i < json_object_array_length(findings);
	     i++)
		fprintf(stderr, "%s\n",
			text_escape(json_object_get_string(json_object_array_get_idx(findings, i)),
				    safe, sizeof(safe)));
	return cli_fail("the daemon says: %s", text_escape(error, safe, sizeof(safe)));
}

int ctl_call(const struct ctl_place *place, const struct ctl_request *request,
	     struct json_object **ret_answer, struct json_object **ret_result)
{
	const char *error;
	char *bytes;
	size_t size;
	int err = ctl_client_call(place->socket, request, &bytes, &size), status;

	if (err)
		return call_failed(place, err);
	err = ctl_answer_parse(bytes, size, ret_answer, ret_result, &error);
	free(bytes);
	if (err)
		return cli_fail("the daemon's answer can't be read: is it of another version?");
	if (!error)
		return CLI_OK;
	status = answer_failed(*ret_answer, error);
	json_object_put(*ret_answer);
	return status;
}

struct json_object *ctl_part(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
}

int64_t ctl_number(struct json_object *object, const char *key)
{
	struct json_object *value = ctl_part(object, key);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}

const char *ctl_word(struct json_object *object, const char *key)
{
	struct json_object *value = ctl_part(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

bool ctl_flag(struct json_object *object, const char *key)
{
	struct json_object *value = ctl_part(object, key);

	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

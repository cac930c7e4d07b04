// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer status: what the daemon does, and how well.
 * Receives the daemon's JSON; hands text, or the JSON itself, to stdout.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/commands.h"
#include "cli/ctl_call.h"
#include "text.h"

static const char *word(struct json_object *object, const char *key)
{
	static char safe[4][256];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	return text_escape(ctl_word(object, key), safe[turn], sizeof(safe[turn]));
}

static long long number(struct json_object *object, const char *key)
{
	return (long long)ctl_number(object, key);
}

static void print_policy(struct json_object *status)
{
	struct json_object *policy = ctl_part(status, "policy");
	struct json_object *reload = ctl_part(status, "last_reload");

	if (!ctl_flag(policy, "attached"))
		puts("policy    none: it was cleared; SIGHUP or `policy apply` attaches again");
	else if (!strcmp(ctl_word(policy, "source"), "none"))
		puts("policy    none: no policy files");
	else if (!strcmp(ctl_word(policy, "source"), "unknown"))
		puts("policy    in force, but its files can't be read back");
	else
		printf("policy    %.12s from %s, %lld rules, since %s%s%s\n",
		       word(policy, "digest"), word(policy, "source"), number(policy, "rule_count"),
		       word(policy, "applied_at"), ctl_flag(policy, "audit") ? ", all audit" : "",
		       ctl_flag(policy, "adopted") ? "; adopted from an earlier daemon" : "");
	if (number(reload, "errors"))
		printf("files     refused at %s with %lld error%s: see the daemon's log\n",
		       word(reload, "at"), number(reload, "errors"),
		       number(reload, "errors") == 1 ? "" : "s");
}

static void print_events(struct json_object *status)
{
	struct json_object *events = ctl_part(status, "events");
	struct json_object *lost = ctl_part(events, "lost");
	struct json_object *foretold = ctl_part(status, "foretold");
	struct json_object *ends = ctl_part(status, "ends");
	const char *between = "ends      ";

	printf("events    %lld seen, %lld lost, %lld malformed; %lld stalls are open\n",
	       number(events, "seen"),
	       number(lost, "ring_full") + number(lost, "table_full") + number(lost, "unseen"),
	       number(events, "malformed"), number(events, "open_stalls"));
	if (json_object_is_type(ends, json_type_object)) {
		json_object_object_foreach(ends, cause, count)
		{
			char safe[64];

			if (!json_object_get_int64(count))
				continue;
			printf("%s%s %lld", between, text_escape(cause, safe, sizeof(safe)),
			       (long long)json_object_get_int64(count));
			between = ", ";
		}
		if (between[0] == ',')
			putchar('\n');
	}
	if (number(foretold, "ends"))
		printf("foretold  %lld ends, %lld by the cause foretold, %lld within two jiffies; worst "
		       "%+lldms\n",
		       number(foretold, "ends"), number(foretold, "right_cause"),
		       number(foretold, "in_time"), number(foretold, "worst_ms"));
}

static void print_status(struct json_object *status)
{
	struct json_object *kernel = ctl_part(status, "kernel"), *maps = ctl_part(status, "maps");
	struct json_object *clients = ctl_part(status, "clients"),
			   *rules = ctl_part(status, "rules");
	struct json_object *audit = ctl_part(status, "audit");
	char span[24];

	printf("daemon    pid %lld, version %s, up %s\n", number(status, "pid"),
	       word(status, "version"), text_span(number(status, "uptime_ms"), span, sizeof(span)));
	printf("kernel    %s, profile %s, HZ %lld\n", word(kernel, "release"),
	       word(kernel, "profile"), number(kernel, "hz"));
	print_policy(status);
	for (size_t i = 0;
	     json_object_is_type(rules, json_type_array) && i < json_object_array_length(rules);
	     i++) {
		struct json_object *rule = json_object_array_get_idx(rules, i);

		printf("%s%s: %lld sockets, %lld ended\n", i ? "          " : "rules     ",
		       word(rule, "name"), number(rule, "sockets"), number(rule, "ended"));
	}
	print_events(status);
	if (number(audit, "watched") || number(audit, "would_have_ended"))
		printf("audit     %lld stalled connections watched, %lld would have ended\n",
		       number(audit, "watched"), number(audit, "would_have_ended"));
	printf("maps      %lld of %lld cgroups, %lld of %lld rules\n", number(maps, "cgroups"),
	       number(maps, "cgroups_max"), number(maps, "rules"), number(maps, "rules_max"));
	if (number(maps, "cgroup_events_lost"))
		printf("          %lld cgroup events were lost, the tree was walked anew\n",
		       number(maps, "cgroup_events_lost"));
	printf("clients   %lld now, %lld served, %lld refused\n", number(clients, "now"),
	       number(clients, "served"), number(clients, "refused"));
	if (number(status, "log_lines_left_out"))
		printf("log       %lld lines were left out\n",
		       number(status, "log_lines_left_out"));
}

int status_run(const struct command *command, int argc, char **argv)
{
	struct ctl_request request = { .command = CTL_STATUS };
	struct json_object *answer, *result;
	struct ctl_place place;
	char safe[256];
	int status = ctl_options(command, argc, argv, true, &place);

	if (status)
		return status < 0 ? cli_flush() : status;
	if (optind < argc)
		return cli_usage(command, "'%s' is one word too many",
				 text_escape(argv[optind], safe, sizeof(safe)));
	status = ctl_call(&place, &request, &answer, &result);
	if (status == CTL_NO_DAEMON)
		return cli_fail(
			"no daemon runs (nobody answers at %s); `tcptimer policy show` tells "
			"what is in force without one",
			text_escape(place.socket, safe, sizeof(safe)));
	if (status)
		return status;
	if (place.json)
		status = conn_json_print(json_object_get(result), "", "\n");
	else
		print_status(result);
	json_object_put(answer);
	return status ? status : cli_flush();
}

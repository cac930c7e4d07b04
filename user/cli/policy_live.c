// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer policy apply, show and clear: the policy in force, through the daemon.
 * Receives files and options; hands requests to the daemon, or reads and clears the pins without one.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/commands.h"
#include "cli/ctl_call.h"
#include "cli/policy_live.h"
#include "daemon/load.h"
#include "daemon/lock.h"
#include "daemon/policy_show.h"
#include "kernel/enforce.h"
#include "kernel/kernel.h"
#include "kernel/pinned.h"
#include "kernel/profile.h"
#include "text.h"

static const char *plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

static int no_words(const struct command *command, int argc, char **argv)
{
	char safe[64];

	if (optind == argc)
		return CLI_OK;
	return cli_usage(command, "'%s' is one word too many",
			 text_escape(argv[optind], safe, sizeof(safe)));
}

static int no_daemon(const struct ctl_place *place)
{
	char safe[256];

	return cli_fail("no daemon runs (nobody answers at %s); start one: tcptimer daemon",
			text_escape(place->socket, safe, sizeof(safe)));
}

static void print_pass(struct json_object *result)
{
	int64_t skipped = ctl_number(result, "netns_skipped");

	printf("sockets  %lld seen, %lld changed, %lld option%s refused, in %lld network "
	       "namespace%s\n",
	       (long long)ctl_number(result, "sockets_seen"),
	       (long long)ctl_number(result, "sockets_changed"),
	       (long long)ctl_number(result, "options_refused"),
	       plural(ctl_number(result, "options_refused")),
	       (long long)ctl_number(result, "netns"), plural(ctl_number(result, "netns")));
	if (skipped)
		printf("         %lld namespace%s vanished or could not be entered\n",
		       (long long)skipped, plural(skipped));
}

/* ---- apply ---- */

/* CLI_OK with the files read; errors and warnings are on stderr. */
static int apply_check(char **files, int count, struct loaded *ret)
{
	struct tcptimer_profile profile;
	char line[LOAD_LINE];
	int err;

	if (profile_running(&profile))
		return cli_fail("the running kernel is not one that is modelled; `tcptimer doctor` "
				"tells more");
	for (int i = 0; i < count; i++)
		load_file(ret, files[i]);
	err = load_check(ret, &profile, probe_hz());
	for (size_t i = 0; i < ret->report.count; i++)
		if (ret->report.findings[i].severity != POLICY_NOTE)
			fprintf(stderr, "%s\n",
				load_finding_text(&ret->report.findings[i], line, sizeof(line)));
	if (err == -ENOMEM)
		return cli_fail("no memory for the policy");
	if (err)
		return cli_fail("nothing was changed: the policy has %u error%s",
				ret->report.errors, plural(ret->report.errors));
	return CLI_OK;
}

static int apply_send(const struct ctl_place *place, struct loaded *loaded)
{
	struct ctl_request request = { .command = CTL_POLICY_APPLY, .source = loaded->source };
	struct json_object *answer, *result;
	int status = ctl_call(place, &request, &answer, &result);
	char safe[80];

	if (status)
		return status == CTL_NO_DAEMON ? no_daemon(place) : status;
	printf("policy   %.12s, %lld rule%s%s\n",
	       text_escape(ctl_word(result, "digest"), safe, sizeof(safe)),
	       (long long)ctl_number(result, "rule_count"),
	       plural(ctl_number(result, "rule_count")),
	       ctl_flag(result, "audit") ? ", all in mode audit (daemon --audit)" : "");
	print_pass(result);
	json_object_put(answer);
	return cli_flush();
}

int policy_apply(const struct command *command, int argc, char **argv)
{
	struct loaded loaded = {};
	struct ctl_place place;
	int status = ctl_options(command, argc, argv, false, &place);

	if (status)
		return status < 0 ? cli_flush() : status;
	if (optind == argc)
		return cli_usage(command, "apply needs a FILE");
	status = apply_check(argv + optind, argc - optind, &loaded);
	if (!status)
		status = apply_send(&place, &loaded);
	load_free(&loaded);
	return status;
}

/* ---- show ---- */

static int show_print(const struct ctl_place *place, struct json_object *shown)
{
	int status = place->json ? conn_json_print(json_object_get(shown), "", "\n") :
				   policy_show_text(shown);

	return status ? status : cli_flush();
}

static int pinned_rule(void *arg, size_t rule, struct tcptimer_policy_counters *ret)
{
	return pinned_counters(arg, rule, ret);
}

static int show_pinned(const struct ctl_place *place, const struct pinned *pinned)
{
	struct loaded loaded = {};
	char digest[SOURCE_DIGEST] = "";
	struct policy_shown shown = { .digest = digest,
				      .attached = true,
				      .generation = pinned->control.active >> 1,
				      .counters = pinned_rule,
				      .arg = (void *)(uintptr_t)pinned };
	struct json_object *object;
	int status;

	if (!pinned->source_size ||
	    (!source_decode(pinned->source, pinned->source_size, &loaded.source) &&
	     !load_check(&loaded, NULL, 0)))
		shown.loaded = &loaded;
	for (size_t i = 0; loaded.source.audit && i < loaded.policy.count; i++)
		loaded.policy.rules[i].mode = POLICY_AUDIT;
	source_digest(&loaded.source, digest);
	object = policy_show_json(&shown);
	status = object ? show_print(place, object) : cli_fail("no memory");
	json_object_put(object);
	load_free(&loaded);
	return status;
}

static int show_without_daemon(const struct ctl_place *place)
{
	char safe[256];
	struct pinned pinned;
	int status = cli_need_root("policy show"), err;

	if (status)
		return status;
	err = pinned_open(place->pin_dir, &pinned);
	text_escape(place->pin_dir, safe, sizeof(safe));
	if (err == -ENOENT || err == -ENOTDIR)
		return cli_fail(
			"no policy is in force: no daemon runs, and nothing is pinned in %s", safe);
	if (err == -EPROTO)
		return cli_fail("no daemon runs, and what is pinned in %s is of another version: "
				"start this one's daemon, or `tcptimer policy clear`",
				safe);
	if (err)
		return cli_fail("no daemon runs, and what is pinned in %s can't be read: %s", safe,
				strerror(-err));
	status = show_pinned(place, &pinned);
	pinned_close(&pinned);
	return status;
}

int policy_show(const struct command *command, int argc, char **argv)
{
	struct ctl_request request = { .command = CTL_POLICY_SHOW };
	struct json_object *answer, *result;
	struct ctl_place place;
	int status = ctl_options(command, argc, argv, true, &place);

	if (!status)
		status = no_words(command, argc, argv);
	if (status)
		return status < 0 ? cli_flush() : status;
	status = ctl_call(&place, &request, &answer, &result);
	if (status)
		return status == CTL_NO_DAEMON ? show_without_daemon(&place) : status;
	status = show_print(&place, result);
	json_object_put(answer);
	return status;
}

/* ---- clear ---- */

static int clear_without_daemon(const struct ctl_place *place)
{
	struct enforce_options options = { .pin_dir = place->pin_dir };
	int status = cli_need_root("policy clear"), holder;
	struct enforce_pass pass = {};
	bool was = false;
	char safe[256];

	if (status)
		return status;
	text_escape(place->pin_dir, safe, sizeof(safe));
	holder = lock_holder(place->pin_dir);
	if (holder)
		return cli_fail("a daemon with pid %d works on %s; name its socket with --socket",
				holder, safe);
	if (enforce_clear(&options, &pass, &was))
		return cli_fail("%s", enforce_error());
	if (!was) {
		printf("nothing was in force: no daemon runs, and nothing is pinned in %s\n", safe);
		return cli_flush();
	}
	printf("cleared without a daemon: nothing is attached any more\n"
	       "sockets  %llu seen, %llu put back as they were\n",
	       (unsigned long long)pass.seen, (unsigned long long)pass.changed);
	return cli_flush();
}

int policy_clear(const struct command *command, int argc, char **argv)
{
	struct ctl_request request = { .command = CTL_POLICY_CLEAR };
	struct json_object *answer, *result;
	struct ctl_place place;
	int status = ctl_options(command, argc, argv, false, &place);

	if (!status)
		status = no_words(command, argc, argv);
	if (status)
		return status < 0 ? cli_flush() : status;
	status = ctl_call(&place, &request, &answer, &result);
	if (status)
		return status == CTL_NO_DAEMON ? clear_without_daemon(&place) : status;
	puts(ctl_flag(result, "was_attached") ?
		     "cleared: nothing is attached any more; the daemon stays" :
		     "nothing was in force; the daemon stays");
	printf("sockets  %lld seen, %lld put back as they were\n",
	       (long long)ctl_number(result, "sockets_seen"),
	       (long long)ctl_number(result, "sockets_changed"));
	json_object_put(answer);
	return cli_flush();
}

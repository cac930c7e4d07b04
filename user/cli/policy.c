// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer policy check: reads policy files and tells what is wrong with them, for a kernel.
 * Receives files; hands findings as text or JSON. Needs no privilege.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/policy_json.h"
#include "cli/policy_live.h"
#include "kernel/kernel.h"
#include "kernel/profile.h"
#include "policy/policy_lint.h"
#include "policy/policy_yaml.h"
#include "text.h"

#define PROFILE_HZ 250 /* of a kernel that is not the running one: most distributions' */

struct check {
	struct tcptimer_profile profile;
	uint32_t hz;
	const char *kernel; /* NULL: the running one */
	char **files;
	size_t file_count;
	bool json;
	bool strict;
};

enum { OPT_JSON = 256, OPT_STRICT, OPT_KERNEL };

static const struct option check_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int check_kernel(const struct command *command, struct check *c)
{
	c->hz = c->kernel ? PROFILE_HZ : probe_hz();
	if (c->kernel)
		return cli_kernel(command, c->kernel, &c->profile);
	return profile_running(&c->profile) ?
		       cli_fail("the running kernel is not one that is modelled; name one with "
				"--kernel") :
		       CLI_OK;
}

/* CLI_OK, -1 when help was all, or CLI_USAGE. */
static int check_parse(const struct command *command, int argc, char **argv, struct check *c)
{
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", check_options, NULL)) != -1) {
		switch (opt) {
		case OPT_JSON:
			c->json = true;
			break;
		case OPT_STRICT:
			c->strict = true;
			break;
		case OPT_KERNEL:
			c->kernel = optarg;
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	if (optind == argc)
		return cli_usage(command, "check needs a FILE");
	c->files = argv + optind;
	c->file_count = (size_t)(argc - optind);
	return CLI_OK;
}

static int check_print(const struct check *c, const struct policy *policy,
		       const struct policy_report *report)
{
	struct policy_checked checked = { (const char *const *)c->files,
					  c->file_count,
					  policy->count,
					  &c->profile,
					  c->hz,
					  report };
	struct json_object *object;
	int status;

	if (!c->json) {
		policy_check_text(&checked);
		return cli_flush();
	}
	object = policy_check_json(&checked);
	if (!object)
		return cli_fail("no memory for the findings");
	status = conn_json_print(object, "", "\n");
	return status ? status : cli_flush();
}

/* What can't be read as a whole is not looked at by the lint: half a policy has other faults. */
static int check_files(const struct check *c)
{
	struct policy_report report = {};
	struct policy policy = {};
	int status;

	for (size_t i = 0; i < c->file_count; i++)
		policy_read_file(&policy, c->files[i], &report);
	if (!report.errors && !report.no_memory)
		policy_lint(&policy, &c->profile, c->hz, &report);
	policy_report_sort(&report, (const char *const *)c->files, c->file_count);
	status = report.no_memory ? cli_fail("no memory for the policy") :
				    check_print(c, &policy, &report);
	if (!status && (report.errors || (c->strict && report.warnings)))
		status = CLI_FAILED;
	policy_report_free(&report);
	policy_free(&policy);
	return status;
}

static int policy_check(const struct command *command, int argc, char **argv)
{
	struct check c = {};
	int status = check_parse(command, argc, argv, &c);

	if (status)
		return status < 0 ? cli_flush() : status;
	status = check_kernel(command, &c);
	return status ? status : check_files(&c);
}

static const struct {
	const char *name;
	const char *summary;
	int (*run)(const struct command *command, int argc, char **argv);
} subcommands[] = {
	{ "check", "what is wrong with policy files, file:line:column", policy_check },
	{ "preview", "which live sockets they would change, and how", policy_preview },
	{ "apply", "check them, and put them in force through the daemon", policy_apply },
	{ "show", "the rules in force and what each has done", policy_show },
	{ "clear", "detach everything and put all sockets back as they were", policy_clear },
};
#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

int policy_run(const struct command *command, int argc, char **argv)
{
	char safe[64];

	if (argc < 2) {
		fprintf(stderr, "usage: tcptimer %s %s\n\n", command->name, command->synopsis);
		for (size_t i = 0; i < SUBCOMMANDS; i++)
			fprintf(stderr, "  %-10s %s\n", subcommands[i].name,
				subcommands[i].summary);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		cli_help(command);
		return cli_flush();
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (!strcmp(argv[1], subcommands[i].name))
			return subcommands[i].run(command, argc - 1, argv + 1);
	return cli_usage(command, "no subcommand '%s'", text_escape(argv[1], safe, sizeof(safe)));
}

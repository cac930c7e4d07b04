// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer daemon: its options.
 * Receives argv; hands options to user/daemon/daemon.c.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "daemon/ctl_proto.h"
#include "daemon/daemon.h"
#include "kernel/rules.h"
#include "metrics_cgroups.h"
#include "metrics_words.h"
#include "glob.h"
#include "text.h"

#define PATHS_MAX 64
#define PATTERNS_MAX 64

enum {
	OPT_POLICY = 256,
	OPT_AUDIT,
	OPT_DETACH,
	OPT_PIN_DIR,
	OPT_SOCKET,
	OPT_CGROUP,
	OPT_METRICS,
	OPT_METRICS_CGROUP,
	OPT_METRICS_CGROUPS_MAX,
	OPT_UNCONFINED,
};

static const struct option daemon_long[] = {
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "audit", no_argument, NULL, OPT_AUDIT },
	{ "detach-on-exit", no_argument, NULL, OPT_DETACH },
	{ "pin-dir", required_argument, NULL, OPT_PIN_DIR },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "cgroup", required_argument, NULL, OPT_CGROUP },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "metrics-cgroup", required_argument, NULL, OPT_METRICS_CGROUP },
	{ "metrics-cgroups-max", required_argument, NULL, OPT_METRICS_CGROUPS_MAX },
	{ "unconfined", no_argument, NULL, OPT_UNCONFINED },
	{ "help", no_argument, NULL, 'h' },
	{},
};

struct daemon_words {
	struct daemon_options options;
	const char *paths[PATHS_MAX];
	const char *patterns[PATTERNS_MAX];
};

static int take_metrics(const struct command *command, int opt, struct daemon_words *w)
{
	struct metrics_address address;
	const char *words;
	char safe[256];
	long max;

	switch (opt) {
	case OPT_METRICS:
		if (metrics_address_parse(optarg, &address, &words))
			return cli_usage(command,
					 "--metrics '%s': %s; PORT, ADDRESS:PORT or unix:PATH",
					 text_escape(optarg, safe, sizeof(safe)), words);
		w->options.metrics = optarg;
		return CLI_OK;
	case OPT_METRICS_CGROUP:
		if ((optarg[0] != '/' && optarg[0] != '*') || strlen(optarg) > GLOB_MAX)
			return cli_usage(
				command,
				"'%s' is no pattern for cgroups: it begins with / or *, and "
				"has at most %d bytes",
				text_escape(optarg, safe, sizeof(safe)), GLOB_MAX);
		if (w->options.metrics_cgroup_count == PATTERNS_MAX)
			return cli_usage(command, "more than %d --metrics-cgroup", PATTERNS_MAX);
		w->patterns[w->options.metrics_cgroup_count++] = optarg;
		return CLI_OK;
	default:
		if (cli_number(optarg, 0, METRICS_CGROUPS_MAX, &max))
			return cli_usage(command, "'%s' is no number from 0 to %d",
					 text_escape(optarg, safe, sizeof(safe)),
					 METRICS_CGROUPS_MAX);
		w->options.metrics_cgroups_max = (size_t)max;
		return CLI_OK;
	}
}

static int take_option(const struct command *command, char **argv, int opt, struct daemon_words *w)
{
	char safe[256];

	switch (opt) {
	case OPT_POLICY:
		if (w->options.path_count == PATHS_MAX)
			return cli_usage(command, "more than %d --policy; name a directory",
					 PATHS_MAX);
		w->paths[w->options.path_count++] = optarg;
		return CLI_OK;
	case OPT_AUDIT:
		w->options.audit = true;
		return CLI_OK;
	case OPT_DETACH:
		w->options.detach_on_exit = true;
		return CLI_OK;
	case OPT_PIN_DIR:
		if (optarg[0] != '/')
			return cli_usage(command, "'%s' is no absolute path",
					 text_escape(optarg, safe, sizeof(safe)));
		w->options.pin_dir = optarg;
		return CLI_OK;
	case OPT_SOCKET:
		w->options.socket = optarg;
		return CLI_OK;
	case OPT_CGROUP:
		if (optarg[0] != '/')
			return cli_usage(command,
					 "'%s' is no cgroup: it begins with / at the mount",
					 text_escape(optarg, safe, sizeof(safe)));
		w->options.cgroup = optarg;
		return CLI_OK;
	case OPT_METRICS:
	case OPT_METRICS_CGROUP:
	case OPT_METRICS_CGROUPS_MAX:
		return take_metrics(command, opt, w);
	case OPT_UNCONFINED:
		w->options.confine = false;
		return CLI_OK;
	default:
		return cli_bad_option(command, argv, opt);
	}
}

int daemon_command_run(const struct command *command, int argc, char **argv)
{
	const char *socket = getenv("TCPTIMER_SOCKET");
	struct daemon_words w = { .options = { .confine = true,
					       .socket = socket && *socket ? socket : CTL_SOCKET,
					       .metrics_cgroups_max = METRICS_CGROUPS_DEFAULT } };
	int opt, status = CLI_OK;
	char safe[256];

	opterr = 0;
	while (!status && (opt = getopt_long(argc, argv, ":h", daemon_long, NULL)) != -1) {
		if (opt == 'h') {
			cli_help(command);
			return cli_flush();
		}
		status = take_option(command, argv, opt, &w);
	}
	if (!status && optind < argc)
		status = cli_usage(command,
				   "'%s' is one word too many; policy files come after "
				   "--policy",
				   text_escape(argv[optind], safe, sizeof(safe)));
	if (!status && !w.options.metrics && w.options.metrics_cgroup_count)
		status = cli_usage(command, "--metrics-cgroup without --metrics");
	if (!status)
		status = cli_need_root(command->name);
	if (status)
		return status;
	if (!w.options.path_count) {
		w.paths[w.options.path_count++] = DAEMON_POLICY_FILE;
		w.paths[w.options.path_count++] = DAEMON_POLICY_DIRECTORY;
	}
	w.options.paths = w.paths;
	w.options.metrics_cgroups = w.patterns;
	/* The trace looks there as well, for the rules of connections. */
	if (w.options.pin_dir && setenv("TCPTIMER_PIN_DIR", w.options.pin_dir, 1))
		return cli_fail("no memory");
	w.options.pin_dir = rules_pin_dir();
	return daemon_run(&w.options) ? CLI_FAILED : CLI_OK;
}

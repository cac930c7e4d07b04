// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the commands share: messages, options, the terminal.
 * Receives words of the command line; hands messages to stderr.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "kernel/kernel.h"
#include "text.h"

int cli_fail(const char *format, ...)
{
	va_list args;

	fputs("tcptimer: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CLI_FAILED;
}

int cli_usage(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tcptimer %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; see `tcptimer %s -h`\n", command->name);
	return CLI_USAGE;
}

void cli_help(const struct command *command)
{
	printf("usage: tcptimer %s %s\n\n%s\n\n%s", command->name, command->synopsis,
	       command->summary, command->options);
	if (strstr(command->synopsis, "FILTER"))
		fputs("\nFILTER is ss's: state established, dport = :443, dst 10.0.0.0/8, and, or, not, ( ),\n"
		      "cgroup PATH; and stalled, timer NAME, deadline < 30s, netns NS, pid N. See tcptimer(8).\n",
		      stdout);
}

int cli_need_root(const char *what)
{
	const char *missing;

	if (probe_privileged(&missing))
		return CLI_OK;
	return cli_fail("`%s` needs root (missing here: %s); try: sudo tcptimer %s", what, missing,
			what);
}

int cli_fail_kernel(const char *what, int err)
{
	const char *said = kernel_error();
	char safe[512];

	if (said[0])
		return cli_fail("%s: %s (%s); `tcptimer doctor` tells what is missing", what,
				strerror(-err), text_escape(said, safe, sizeof(safe)));
	return cli_fail("%s: %s; `tcptimer doctor` tells what is missing", what, strerror(-err));
}

int cli_bad_option(const struct command *command, char **argv, int opt)
{
	char word[128];

	if (opt == ':')
		return cli_usage(command, "option '%s' needs a value",
				 text_escape(argv[optind - 1], word, sizeof(word)));
	return cli_usage(command, "no option '%s'",
			 text_escape(argv[optind - 1], word, sizeof(word)));
}

int cli_number(const char *text, long min, long max, long *ret)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

int cli_filter(int argc, char **argv, struct filter **ret_filter)
{
	char message[4096];
	int err = filter_parse(argc, argv, ret_filter, message, sizeof(message));

	if (!err)
		return CLI_OK;
	if (err == -ENOMEM)
		return cli_fail("no memory for the filter");
	fputs("tcptimer: ", stderr);
	fputs(message, stderr);
	if (!message[0] || message[strlen(message) - 1] != '\n')
		fputc('\n', stderr);
	return CLI_USAGE;
}

int cli_kernel(const struct command *command, const char *word,
	       struct tcptimer_profile *ret_profile)
{
	const struct tcptimer_profile *named = tcptimer_profile_by_name(word);
	struct tcptimer_kernel_facts facts = { .release = word };
	char safe[64], list[256] = "";
	size_t used = 0;

	if (named) {
		*ret_profile = *named;
		return CLI_OK;
	}
	if (!tcptimer_profile_detect(&facts, ret_profile))
		return CLI_OK;
	for (size_t i = 0; (named = tcptimer_profile_at(i)) && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, " %s", named->name);
	return cli_usage(command,
			 "no kernel '%s'; the profiles are%s, a release as in 6.6.40 will do too",
			 text_escape(word, safe, sizeof(safe)), list);
}

unsigned int cli_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long width;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns && !cli_number(columns, 20, 10000, &width) ? (unsigned int)width : 80;
}

int cli_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return CLI_OK;
	if (errno == EPIPE)
		return CLI_OK; /* the reader had enough */
	return cli_fail("writing to stdout: %s", strerror(errno));
}

int64_t cli_realtime_offset_ns(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (real.tv_sec - mono.tv_sec) * 1000000000LL + real.tv_nsec - mono.tv_nsec;
}

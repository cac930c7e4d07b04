// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer simulate: what a kernel would do to a connection made from words.
 * Receives KEY=VALUE words; hands a timeline as text, JSON or SVG. Needs no privilege.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/simulate_snapshot.h"
#include "cli/timeline_json.h"
#include "cli/timeline_out.h"
#include "simulation.h"
#include "text.h"
#include "timeline_text.h"

struct simulate {
	struct simulation simulation;
	struct timeline_view *views;
	const struct timeline_view *shown[SIMULATION_KERNELS_MAX];
	const char *svg;
	const char *snapshot; /* a file, in place of what the words make */
	char subject[128];
	bool json;
	bool compare;
};

enum { OPT_JSON = 256, OPT_SVG, OPT_COMPARE, OPT_SETTINGS, OPT_SNAPSHOT };

static const struct option simulate_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "compare", no_argument, NULL, OPT_COMPARE },
	{ "settings", no_argument, NULL, OPT_SETTINGS },
	{ "snapshot", required_argument, NULL, OPT_SNAPSHOT },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int simulate_settings(void)
{
	timeline_print_settings();
	return -1;
}

static int simulate_parse(const struct command *command, int argc, char **argv, struct simulate *s)
{
	char message[512];
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", simulate_options, NULL)) != -1) {
		switch (opt) {
		case OPT_JSON:
			s->json = true;
			break;
		case OPT_SVG:
			s->svg = optarg;
			break;
		case OPT_COMPARE:
			s->compare = true;
			break;
		case OPT_SNAPSHOT:
			s->snapshot = optarg;
			break;
		case OPT_SETTINGS:
			return simulate_settings();
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	for (; optind < argc; optind++)
		if (simulation_parse(&s->simulation, argv[optind], message, sizeof(message)))
			return cli_usage(command, "%s", message);
	if (s->snapshot && s->compare)
		return cli_usage(command, "--snapshot has the one kernel that it was taken on");
	if (s->simulation.kernel_count > 1 && !s->compare)
		return cli_usage(command, "several kernels are for --compare");
	return CLI_OK;
}

/* One view a kernel. A setting that a kernel has not is an error, or with --compare a remark. */
static int simulate_run_all(const struct command *command, struct simulate *s)
{
	unsigned int left_out;
	char message[512];
	size_t i;

	for (i = 0; i < s->simulation.kernel_count; i++) {
		if (simulation_run(&s->simulation, i, &s->views[i], &left_out, message,
				   sizeof(message)))
			return cli_usage(command, "%s", message);
		s->shown[i] = &s->views[i];
		if (left_out && !s->compare)
			return cli_usage(command, "%s", message);
		if (left_out)
			fprintf(stderr, "tcptimer simulate: left out: %s\n", message);
	}
	return CLI_OK;
}

static const char *simulate_title(const struct simulate *s, char *buf, size_t size)
{
	const struct simulation *sim = &s->simulation;
	size_t used = 0, i;

	if (s->snapshot) {
		snprintf(buf, size, "Linux %s, HZ %u: %s", s->views[0].profile.name,
			 s->views[0].params.hz, s->views[0].subject);
		return buf;
	}
	used += (size_t)snprintf(buf, size, "Linux ");
	for (i = 0; i < sim->kernel_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
					 sim->kernels[i]->name);
	if (used < size)
		snprintf(buf + used, size - used, ", HZ %u: %s, %s", sim->hz,
			 tcptimer_state_name(sim->state), s->views[0].subject);
	return buf;
}

static const char *simulate_subtitle(const struct simulate *s, char *buf, size_t size)
{
	const struct simulation *sim = &s->simulation;

	snprintf(buf, size, "peer %s; %s%s; %s",
		 tcptimer_peer_name(s->views[0].timeline.deadline.peer),
		 sim->change_count ? "with " :
		 s->snapshot       ? "the snapshot's settings" :
				     "the kernel's defaults",
		 sim->words,
		 sim->exact || s->snapshot ? "exact, for the jiffies given" :
					     "ranges: every phase of the timer wheel");
	return buf;
}

static int simulate_json(const struct simulate *s)
{
	size_t i;
	int status = CLI_OK;

	if (!s->compare) {
		status = conn_json_print(timeline_json(s->shown[0]), "", "\n");
		return status ? status : cli_flush();
	}
	for (i = 0; !status && i < s->simulation.kernel_count; i++)
		status = conn_json_print(timeline_json(s->shown[i]), i ? ",\n" : "[\n", "");
	if (!status)
		puts("\n]");
	return status ? status : cli_flush();
}

static int simulate_text(const struct simulate *s)
{
	char title[512], subtitle[1024];
	int err;

	printf("%s\n%s\n\n", simulate_title(s, title, sizeof(title)),
	       simulate_subtitle(s, subtitle, sizeof(subtitle)));
	if (s->compare) {
		err = timeline_print_compare(s->shown, s->simulation.kernel_count, stdout,
					     cli_width());
	} else {
		err = timeline_print_events(s->shown[0], stdout, cli_width());
		if (s->shown[0]->timeline.count)
			putchar('\n');
		if (!err)
			err = timeline_print_end(s->shown[0], stdout);
	}
	return err == -ENOMEM ? cli_fail("no memory for the table") : cli_flush();
}

int simulate_run(const struct command *command, int argc, char **argv)
{
	struct simulate s = {};
	char title[512], subtitle[1024];
	int status;

	simulation_init(&s.simulation);
	status = simulate_parse(command, argc, argv, &s);
	if (status)
		return status < 0 ? cli_flush() : status;
	s.views = calloc(s.simulation.kernel_count, sizeof(*s.views));
	if (!s.views)
		return cli_fail("no memory for the timeline");
	s.shown[0] = &s.views[0];
	status = s.snapshot ? simulate_snapshot(command, s.snapshot, &s.simulation, &s.views[0],
						s.subject, sizeof(s.subject)) :
			      simulate_run_all(command, &s);
	if (status)
		goto out;
	if (s.svg)
		status = timeline_write_svg(s.svg, s.shown, s.simulation.kernel_count,
					    simulate_title(&s, title, sizeof(title)),
					    simulate_subtitle(&s, subtitle, sizeof(subtitle)));
	if (!status && (!s.svg || strcmp(s.svg, "-")))
		status = s.json ? simulate_json(&s) : simulate_text(&s);
out:
	free(s.views);
	return status;
}

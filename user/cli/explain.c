// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer explain: one live connection, what is coming, what ends it and which setting decides.
 * Receives a snapshot from user/kernel/; hands a timeline as text, JSON or SVG.
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
#include "cli/explain_text.h"
#include "cli/timeline_json.h"
#include "cli/timeline_out.h"
#include "kernel/kernel.h"
#include "settings.h"
#include "socket_spec.h"
#include "text.h"
#include "timeline_text.h"

#define WHAT_IF_MAX 32
#define MATCHES_MAX 1000 /* counted beyond, and not kept */
#define MATCHES_SHOWN 20

struct explain {
	struct snapshot_reader reader;
	struct socket_spec spec;
	struct names names;
	struct setting_change changes[WHAT_IF_MAX];
	const char *words[WHAT_IF_MAX]; /* of the changes */
	size_t change_count;
	uint32_t peer;
	const char *svg;
	const char *save; /* the snapshot, for `simulate --snapshot` */
	bool json;
	struct tcptimer_snapshot *matches;
	size_t kept, matched;
	int best;                    /* of socket_spec_match() so far */
	struct timeline_view *views; /* as it is; with --what-if a second */
	size_t view_count;
	struct conn conn;
};

enum { OPT_JSON = 256, OPT_SVG, OPT_WHAT_IF, OPT_PEER, OPT_SETTINGS, OPT_SAVE };

static const struct option explain_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "save", required_argument, NULL, OPT_SAVE },
	{ "what-if", required_argument, NULL, OPT_WHAT_IF },
	{ "peer", required_argument, NULL, OPT_PEER },
	{ "settings", no_argument, NULL, OPT_SETTINGS },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int explain_what_if(const struct command *command, struct explain *e, const char *word)
{
	char message[512];

	if (e->change_count == WHAT_IF_MAX)
		return cli_usage(command, "more than %d settings", WHAT_IF_MAX);
	if (setting_parse(word, NULL, &e->changes[e->change_count], message, sizeof(message)))
		return cli_usage(command, "%s", message);
	e->words[e->change_count++] = word;
	return CLI_OK;
}

static int explain_peer(const struct command *command, struct explain *e, const char *word)
{
	int peer = tcptimer_peer_by_name(word);
	char safe[64];

	if (peer < 0)
		return cli_usage(command,
				 "no peer '%s'; use auto, silent, zero_window, acks, unreachable "
				 "or resets",
				 text_escape(word, safe, sizeof(safe)));
	e->peer = (uint32_t)peer;
	return CLI_OK;
}

static int explain_option(const struct command *command, char **argv, int opt, struct explain *e)
{
	switch (opt) {
	case OPT_JSON:
		e->json = true;
		return CLI_OK;
	case OPT_SVG:
		e->svg = optarg;
		return CLI_OK;
	case OPT_SAVE:
		e->save = optarg;
		return CLI_OK;
	case OPT_WHAT_IF:
		return explain_what_if(command, e, optarg);
	case OPT_PEER:
		return explain_peer(command, e, optarg);
	case OPT_SETTINGS:
		timeline_print_settings();
		return -1;
	case 'h':
		cli_help(command);
		return -1;
	default:
		return cli_bad_option(command, argv, opt);
	}
}

static int explain_parse(const struct command *command, int argc, char **argv, struct explain *e)
{
	char message[512];
	int opt, status;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", explain_options, NULL)) != -1) {
		status = explain_option(command, argv, opt, e);
		if (status)
			return status;
	}
	if (socket_spec_parse(&e->spec, argc - optind, argv + optind, message, sizeof(message)))
		return cli_usage(command, "%s", message);
	return CLI_OK;
}

/* ---- finding the socket */

static int explain_socket(const struct tcptimer_snapshot *snap, void *arg)
{
	struct explain *e = arg;
	int match = socket_spec_match(&e->spec, snap);

	if (!match || match < e->best)
		return 0;
	if (match > e->best) {
		e->best = match;
		e->kept = e->matched = 0;
	}
	e->matched++;
	if (e->kept < MATCHES_MAX)
		e->matches[e->kept++] = *snap;
	return 0;
}

static int explain_ambiguous(struct explain *e, const char *what)
{
	struct conn conns[MATCHES_SHOWN];
	size_t i, shown = e->kept < MATCHES_SHOWN ? e->kept : MATCHES_SHOWN;

	for (i = 0; i < shown; i++)
		conns[i] = (struct conn){ .snap = &e->matches[i], .hz = e->names.hz };
	explain_print_matches(conns, shown);
	if (e->matched > shown)
		printf("… and %zu more\n", e->matched - shown);
	cli_flush();
	return cli_fail(
		"%zu sockets match '%s'; pick one: `tcptimer explain COOKIE`, or both its ends, "
		"`tcptimer explain LOCAL REMOTE`",
		e->matched, what);
}

static int explain_find(struct explain *e, const char *what)
{
	int err = snapshots_read(&e->reader, explain_socket, e);

	if (err)
		return cli_fail_kernel("reading the sockets", err);
	if (!e->matched)
		return cli_fail(
			"no TCP socket matches '%s' (listeners apart); `tcptimer list` shows all",
			what);
	if (e->matched > 1)
		return explain_ambiguous(e, what);
	return CLI_OK;
}

/* ---- asking the engine */

static int explain_view(struct explain *e, size_t index, const char *title)
{
	struct timeline_view *view = &e->views[index];

	view->profile = e->names.profile;
	view->params = (struct tcptimer_engine_params){ .hz = e->names.hz, .peer = e->peer };
	view->snap = e->matches[0];
	view->title = title;
	view->subject = tcptimer_state_name(view->snap.state);
	if (index) {
		struct setting_target target = { &view->profile, e->names.hz, SETTING_LIVE,
						 &view->snap, &view->params };

		settings_apply(e->changes, e->change_count, &target);
		settings_apply_counters(e->changes, e->change_count, &target);
	}
	if (timeline_run(view))
		return cli_fail("this socket: %s", tcptimer_engine_strerror(view->error));
	return CLI_OK;
}

/* The reason for each --what-if that changes nothing here; returns how many. */
static size_t explain_left_out(const struct explain *e, void (*tell)(const char *why, void *arg),
			       void *arg)
{
	struct setting_target target = { .profile = &e->names.profile, .when = SETTING_LIVE };
	size_t i, count = 0;
	char why[160];

	for (i = 0; i < e->change_count; i++) {
		if (!setting_left_out(e->changes[i].setting, &target, why, sizeof(why)))
			continue;
		tell(why, arg);
		count++;
	}
	return count;
}

/* ---- output */

static void tell_text(const char *why, void *arg)
{
	(void)arg;
	printf("note      %s\n", why);
}

static void explain_words(const struct explain *e, char *buf, size_t size)
{
	char raw[1024] = "";
	size_t used = 0, i;

	for (i = 0; i < e->change_count && used < sizeof(raw); i++)
		used += (size_t)snprintf(raw + used, sizeof(raw) - used, "%s%s", i ? " " : "",
					 e->words[i]);
	text_escape(raw, buf, size);
}

static int explain_text(const struct explain *e)
{
	char words[1024], sentence[512];
	int err;

	explain_print_socket(&e->conn, &e->views[0]);
	err = timeline_print_events(&e->views[0], stdout, cli_width());
	if (e->views[0].timeline.count)
		putchar('\n');
	if (!err)
		err = timeline_print_end(&e->views[0], stdout);
	if (!err && e->view_count > 1) {
		explain_words(e, words, sizeof(words));
		printf("\nwith      %s\n", words);
		explain_left_out(e, tell_text, NULL);
		putchar('\n');
		err = timeline_print_events(&e->views[1], stdout, cli_width());
		if (e->views[1].timeline.count)
			putchar('\n');
		if (!err)
			err = timeline_print_end(&e->views[1], stdout);
		printf("so        %s\n",
		       timeline_views_difference_text(&e->views[0], &e->views[1], sentence,
						      sizeof(sentence)));
	}
	return err == -ENOMEM ? cli_fail("no memory for the table") : cli_flush();
}

static void tell_json(const char *why, void *arg)
{
	json_object_array_add(arg, json_object_new_string(why));
}

static struct json_object *explain_what_if_json(const struct explain *e)
{
	const struct tcptimer_deadline *before = &e->views[0].timeline.deadline;
	const struct tcptimer_deadline *after = &e->views[1].timeline.deadline;
	struct json_object *o = json_object_new_object(), *words = json_object_new_array();
	struct json_object *left_out = json_object_new_array();
	char sentence[512], word[512];
	size_t i;

	for (i = 0; i < e->change_count; i++)
		json_object_array_add(
			words, json_object_new_string(text_utf8(e->words[i], word, sizeof(word))));
	explain_left_out(e, tell_json, left_out);
	json_object_object_add(o, "settings", words);
	json_object_object_add(o, "left_out", left_out);
	timeline_json_add(o, &e->views[1]);
	json_object_object_add(
		o, "difference_ms",
		before->never || after->never ?
			NULL :
			json_object_new_int64((int64_t)(after->at_ms - before->at_ms)));
	json_object_object_add(o, "difference",
			       json_object_new_string(timeline_views_difference_text(
				       &e->views[0], &e->views[1], sentence, sizeof(sentence))));
	return o;
}

static int explain_json(const struct explain *e)
{
	const struct timeline_view *view = &e->views[0];
	int64_t time_ns = (int64_t)view->snap.now_ns + cli_realtime_offset_ns();
	struct json_object *o = json_object_new_object();
	int status;

	if (!o)
		return cli_fail("no memory for output");
	json_object_object_add(o, "connection", conn_json(&e->conn, time_ns));
	json_object_object_add(o, "peer_chosen", json_object_new_boolean(view->peer_chosen));
	json_object_object_add(o, "peer_reason",
			       view->peer_chosen ?
				       json_object_new_string(timeline_peer_reason(
					       &view->snap, view->timeline.deadline.peer)) :
				       NULL);
	timeline_json_add(o, view);
	json_object_object_add(o, "what_if", e->view_count > 1 ? explain_what_if_json(e) : NULL);
	status = conn_json_print(o, "", "\n");
	return status ? status : cli_flush();
}

static int explain_svg(const struct explain *e)
{
	const struct timeline_view *views[] = { &e->views[0], &e->views[1] };
	char ends[144], title[256], subtitle[1400], words[1024] = "";

	explain_words(e, words, sizeof(words));
	snprintf(title, sizeof(title), "%s, %s", explain_ends(e->conn.snap, ends, sizeof(ends)),
		 e->views[0].subject);
	snprintf(subtitle, sizeof(subtitle), "Linux %s, HZ %u; peer %s%s%s", e->names.profile.name,
		 e->names.hz, tcptimer_peer_name(e->views[0].timeline.deadline.peer),
		 e->change_count ? "; what if " : "", words);
	return timeline_write_svg(e->svg, views, e->view_count, title, subtitle);
}

static int explain_output(struct explain *e)
{
	int status = CLI_OK;

	e->view_count = e->change_count ? 2 : 1;
	e->views = calloc(e->view_count, sizeof(*e->views));
	if (!e->views)
		return cli_fail("no memory for the timeline");
	status = explain_view(e, 0, "as it is");
	if (!status && e->view_count > 1)
		status = explain_view(e, 1, "what if");
	if (status)
		return status;
	names_fill(&e->conn, &e->matches[0], &e->names);
	if (e->save)
		status = simulate_snapshot_save(e->save, &e->views[0]);
	if (!status && e->svg)
		status = explain_svg(e);
	if (!status && (!e->svg || strcmp(e->svg, "-")))
		status = e->json ? explain_json(e) : explain_text(e);
	return status;
}

static int explain_live(struct explain *e, const char *what)
{
	struct owners *owners = NULL;
	/* Listeners end by no timer, and share the port of every connection they made. */
	struct snapshot_options options = { .states = ~(1U << TCPTIMER_STATE_LISTEN),
					    .owners = true };
	int status, err = snapshots_open(&e->reader, &options);

	if (err)
		return cli_fail_kernel("loading the snapshot program", err);
	status = explain_find(e, what);
	if (!status && !owners_load(e->reader.owners, &owners))
		e->names.owners = owners;
	if (!status)
		status = explain_output(e);
	snapshots_close(&e->reader);
	owners_free(owners);
	return status;
}

int explain_run(const struct command *command, int argc, char **argv)
{
	struct explain *e = calloc(1, sizeof(*e));
	char what[256], word[512] = "";
	int status, i;

	if (!e)
		return cli_fail("no memory");
	status = explain_parse(command, argc, argv, e);
	if (status) {
		free(e);
		return status < 0 ? cli_flush() : status;
	}
	for (i = optind; i < argc; i++)
		snprintf(word + strlen(word), sizeof(word) - strlen(word), "%s%s",
			 i > optind ? " " : "", argv[i]);
	text_escape(word, what, sizeof(what));
	status = cli_need_root(command->name);
	if (!status)
		status = names_init(&e->names);
	e->matches = calloc(MATCHES_MAX, sizeof(*e->matches));
	if (!status)
		status = e->matches ? explain_live(e, what) : cli_fail("no memory for the sockets");
	free(e->views);
	free(e->matches);
	free(e);
	return status;
}

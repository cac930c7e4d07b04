// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer policy preview: which live sockets a policy would change, and when they would end.
 * Receives policy files and snapshots from user/kernel/; hands rows and sums to policy_preview_out.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/commands.h"
#include "cli/policy_json.h"
#include "cli/policy_preview.h"
#include "kernel/kernel.h"
#include "kernel/rules.h"
#include "policy/policy_lint.h"
#include "policy/policy_listeners.h"
#include "policy/policy_yaml.h"
#include "text.h"

/* What policy acts on: not on listeners, requests and mini-sockets. */
#define NO_CONNECTIONS                                                                             \
	(1u << TCPTIMER_STATE_TIME_WAIT | 1u << TCPTIMER_STATE_NEW_SYN_RECV |                      \
	 1u << TCPTIMER_STATE_CLOSE)

struct preview {
	struct preview_head head;
	struct names names;
	struct policy_kernel kernel;
	struct policy policy;
	struct filter *filter;
	struct owners *owners;
	struct preview_rule *rules;
	struct preview_sums sums;
	struct policy_listeners listeners; /* of the namespace that is read */
	uint32_t netns;
	bool listeners_sorted;
	struct preview_out *out;
	bool json;
};

enum { OPT_JSON = 256 };

static const struct option preview_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static bool ends_with(const char *word, const char *tail)
{
	size_t length = strlen(word), tail_length = strlen(tail);

	return length > tail_length && !strcmp(word + length - tail_length, tail);
}

/* No filter begins with a path, or with a word of that ending. */
static bool is_file(const char *word)
{
	return word[0] == '/' || word[0] == '.' || ends_with(word, ".yaml") ||
	       ends_with(word, ".yml");
}

/* CLI_OK, -1 when help was all, or CLI_USAGE. */
static int preview_parse(const struct command *command, int argc, char **argv, struct preview *p)
{
	size_t count = 1;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", preview_options, NULL)) != -1) {
		switch (opt) {
		case OPT_JSON:
			p->json = true;
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	if (optind == argc)
		return cli_usage(command, "preview needs a FILE");
	while (optind + (int)count < argc && is_file(argv[optind + count]))
		count++;
	p->head.files = (const char *const *)argv + optind;
	p->head.file_count = count;
	return cli_filter(argc - optind - (int)count, argv + optind + count, &p->filter);
}

/* ---- the files */

static int print_errors(const struct preview *p, const struct policy_report *report)
{
	struct policy_checked checked = { p->head.files,     p->head.file_count, p->policy.count,
					  p->kernel.profile, p->kernel.hz,       report };
	struct json_object *object;

	if (p->json) {
		object = policy_check_json(&checked);
		if (!object || conn_json_print(object, "", "\n"))
			return cli_fail("no memory for the findings");
	} else {
		policy_check_text(&checked);
	}
	cli_flush();
	return CLI_FAILED;
}

static int preview_files(struct preview *p)
{
	struct policy_report report = {};
	int status = CLI_OK;

	for (size_t i = 0; i < p->head.file_count; i++)
		policy_read_file(&p->policy, p->head.files[i], &report);
	if (!report.errors && !report.no_memory)
		policy_lint(&p->policy, p->kernel.profile, p->kernel.hz, &report);
	policy_report_sort(&report, p->head.files, p->head.file_count);
	if (report.no_memory)
		status = cli_fail("no memory for the policy");
	else if (report.errors)
		status = print_errors(p, &report);
	else if (report.warnings)
		fprintf(stderr, "tcptimer: %u warning%s; `tcptimer policy check` tells them\n",
			report.warnings, report.warnings == 1 ? "" : "s");
	policy_report_free(&report);
	return status;
}

/* ---- sockets */

static bool ends_fill(const struct preview *p, const struct policy_plan *plan,
		      const struct tcptimer_snapshot *before, const struct tcptimer_snapshot *after,
		      enum tcptimer_peer peer, struct preview_ends *ends)
{
	const struct policy_plan_setting *retries = &plan->settings[POLICY_MAX_RETRIES];

	ends->known = !policy_plan_deadline(&p->kernel, before, peer,
					    (unsigned int)retries->old_value, &ends->before) &&
		      !policy_plan_deadline(&p->kernel, after, peer, (unsigned int)retries->value,
					    &ends->after);
	return ends->known;
}

static enum preview_soon soon_of(const struct preview_ends *ends)
{
	if (!ends->known || ends->after.never || ends->after.at_ms > PREVIEW_MINUTE_MS ||
	    (!ends->before.never && ends->before.at_ms <= ends->after.at_ms))
		return PREVIEW_LATER;
	return ends->after.at_ms <= PREVIEW_AT_ONCE_MS ? PREVIEW_AT_ONCE : PREVIEW_MINUTE;
}

static void count_nearest(struct preview_rule *rule, const struct preview_row *row)
{
	const struct tcptimer_snapshot *s = row->conn->snap;
	char local[64], remote[64];

	if (!row->state.known || row->state.after.never ||
	    (rule->has_nearest && rule->nearest_ms <= row->state.after.at_ms))
		return;
	rule->has_nearest = true;
	rule->nearest_ms = row->state.after.at_ms;
	snprintf(rule->nearest, sizeof(rule->nearest), "%s -> %s",
		 text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local)),
		 text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote)));
}

static void count_plan(struct preview_rule *rule, const struct policy_plan *plan)
{
	bool stricter = false, yields = false;

	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++) {
		stricter |= plan->settings[id].verdict == POLICY_VERDICT_STRICTER;
		yields |= plan->settings[id].verdict == POLICY_VERDICT_YIELDS;
	}
	rule->sockets++;
	rule->change += plan->changes != 0;
	rule->stricter += stricter;
	rule->yields += yields;
}

/* Within a namespace the iterator hands listeners before all others. */
static int note_listener(struct preview *p, const struct tcptimer_snapshot *snap)
{
	if (snap->netns != p->netns) {
		p->netns = snap->netns;
		p->listeners.count = 0;
	}
	if (snap->state == TCPTIMER_STATE_LISTEN) {
		p->listeners_sorted = false;
		return policy_listeners_add(&p->listeners, snap);
	}
	if (!p->listeners_sorted)
		policy_listeners_sort(&p->listeners);
	p->listeners_sorted = true;
	return 0;
}

static int preview_row(struct preview *p, struct preview_row *row)
{
	const struct tcptimer_snapshot *snap = row->conn->snap;
	struct preview_rule *rule = &p->rules[row->plan->index];
	struct tcptimer_snapshot after = *snap;

	policy_plan_apply(row->plan, &p->kernel, &after);
	if (ends_fill(p, row->plan, snap, &after, tcptimer_engine_peer(snap), &row->state))
		ends_fill(p, row->plan, snap, &after, TCPTIMER_PEER_SILENT, &row->silent);
	row->soon = soon_of(&row->state);
	rule->at_once += row->soon == PREVIEW_AT_ONCE;
	rule->minute += row->soon == PREVIEW_MINUTE;
	count_nearest(rule, row);
	return preview_out_row(p->out, row) ? -EIO : 0;
}

static int preview_socket(const struct tcptimer_snapshot *snap, void *arg)
{
	struct preview *p = arg;
	struct preview_row row = {};
	struct policy_plan plan;
	struct conn conn;
	int err = note_listener(p, snap);

	if (err || snap->state == TCPTIMER_STATE_LISTEN || snap->kind != TCPTIMER_SOCK_FULL)
		return err;
	names_fill(&conn, snap, &p->names);
	if (!filter_match(p->filter, &conn))
		return 0;
	row.conn = &conn;
	row.plan = &plan;
	row.direction = policy_listeners_direction(&p->listeners, snap);
	policy_plan_make(&p->policy, &p->kernel, snap, conn.cgroup, row.direction,
			 rules_get(snap->policy), &plan);
	if (!plan.rule) {
		p->sums.without_rule++;
		return 0;
	}
	count_plan(&p->rules[plan.index], &plan);
	return plan.changes ? preview_row(p, &row) : 0;
}

static int preview_read(struct preview *p, struct snapshot_reader *reader)
{
	int err = 0, status;

	if (reader->options.owners)
		err = owners_load(reader->owners, &p->owners);
	if (err)
		return cli_fail_kernel("finding the processes", err);
	p->names.owners = p->owners;
	p->out = preview_out_new(&p->head, p->json);
	if (!p->out)
		return cli_fail("no memory for the table");
	err = snapshots_read(reader, preview_socket, p);
	p->sums.netns = reader->visited;
	p->sums.skipped = reader->skipped;
	status = preview_out_end(p->out, &p->sums, err != 0);
	if (err && err != -EIO)
		return cli_fail_kernel("reading the sockets", err);
	if (reader->skipped)
		fprintf(stderr,
			"tcptimer: %u network namespaces vanished or could not be entered\n",
			reader->skipped);
	return status ? status : cli_flush();
}

static int preview_sockets(struct preview *p)
{
	struct snapshot_options options = {};
	struct snapshot_reader reader;
	struct filter_hints hints;
	int status, err;

	filter_hints(p->filter, &hints);
	options.states = (hints.states & ~NO_CONNECTIONS) | 1u << TCPTIMER_STATE_LISTEN;
	options.owners = hints.needs_pid;
	p->rules = calloc(p->policy.count ? p->policy.count : 1, sizeof(*p->rules));
	if (!p->rules)
		return cli_fail("no memory for the rules");
	for (size_t i = 0; i < p->policy.count; i++)
		p->rules[i].rule = &p->policy.rules[i];
	p->sums.rules = p->rules;
	p->sums.rule_count = p->policy.count;
	err = snapshots_open(&reader, &options);
	if (err)
		return cli_fail_kernel("loading the snapshot program", err);
	status = preview_read(p, &reader);
	snapshots_close(&reader);
	return status;
}

int policy_preview(const struct command *command, int argc, char **argv)
{
	struct preview p = {};
	int status = preview_parse(command, argc, argv, &p);

	if (status)
		return status < 0 ? cli_flush() : status;
	status = names_init(&p.names);
	p.kernel = (struct policy_kernel){ &p.names.profile, p.names.hz };
	p.head.names = &p.names;
	p.head.offset_ns = cli_realtime_offset_ns();
	if (!status)
		status = preview_files(&p);
	if (!status)
		status = cli_need_root("policy preview");
	if (!status)
		status = preview_sockets(&p);
	owners_free(p.owners);
	policy_listeners_free(&p.listeners);
	free(p.rules);
	policy_free(&p.policy);
	filter_free(p.filter);
	return status;
}

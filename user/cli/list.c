// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer list: every TCP socket of the host with its timers.
 * Receives snapshots from user/kernel/; hands a table or a JSON array to stdout.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "deadline.h"
#include "json_out.h"
#include "kernel/kernel.h"
#include "text.h"

#define LIST_OUT (64 << 10) /* bytes written at a time */

struct list {
	struct snapshot_options read;
	struct snapshot_reader reader;
	struct filter *filter;
	struct owners *owners;
	struct text_table *table;
	bool json;
	struct json_out out; /* its memory, from one row to the next */
	bool no_header;
	bool processes;
	struct names names;
	int64_t offset_ns;
	unsigned long rows;
};

enum { OPT_STALLED = 256, OPT_JSON, OPT_NO_HEADER };

static const struct option list_options[] = {
	{ "stalled", no_argument, NULL, OPT_STALLED },
	{ "processes", no_argument, NULL, 'p' },
	{ "netns", required_argument, NULL, 'N' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "no-header", no_argument, NULL, OPT_NO_HEADER },
	{ "help", no_argument, NULL, 'h' },
	{},
};

/* The order of the cells in list_row(). */
static const struct text_column list_columns[] = {
	{ "STATE", TEXT_LEFT, 10 },
	{ "LOCAL", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "REMOTE", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "TIMER", TEXT_LEFT, 9 },
	{ "FIRES", TEXT_RIGHT, 6 },
	{ "TRIES", TEXT_RIGHT, 5 },
	{ "BACKOFF", TEXT_RIGHT, 7 },
	{ "RTO", TEXT_RIGHT, 5 },
	{ "STALLED", TEXT_RIGHT, 7 },
	{ "DEADLINE", TEXT_RIGHT, 8 },
	{ "IF-SILENT", TEXT_RIGHT, 9 },
	{ "CAUSE", TEXT_LEFT, 7 },
	{ "CGROUP", TEXT_LEFT | TEXT_SHRINK, 12 },
	{ "PROCESS", TEXT_LEFT | TEXT_SHRINK, 12 },
};

#define LIST_COLUMNS (sizeof(list_columns) / sizeof(list_columns[0]))

static int list_parse(const struct command *command, int argc, char **argv, struct list *l)
{
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":p46N:h", list_options, NULL)) != -1) {
		switch (opt) {
		case OPT_STALLED:
			l->read.stalled = true;
			break;
		case 'p':
			l->processes = true;
			break;
		case '4':
			l->read.family = AF_INET;
			break;
		case '6':
			l->read.family = AF_INET6;
			break;
		case 'N':
			l->read.netns = optarg;
			break;
		case OPT_JSON:
			l->json = true;
			break;
		case OPT_NO_HEADER:
			l->no_header = true;
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

/* Retransmissions or probes so far, whichever the armed timer counts. */
static unsigned int list_tries(const struct tcptimer_snapshot *s, enum tcptimer_timer timer)
{
	switch (timer) {
	case TCPTIMER_TIMER_PROBE0:
	case TCPTIMER_TIMER_KEEPALIVE:
		return s->probes_out;
	case TCPTIMER_TIMER_SYNACK:
		return s->num_timeout;
	default:
		return s->retransmits;
	}
}

static const char *list_process(const struct conn *conn, char *buf, size_t size)
{
	char comm[80];

	if (!conn->pid)
		return "-";
	text_escape(conn->comm, comm, sizeof(comm));
	if (conn->owners > 1)
		snprintf(buf, size, "%s/%d+%u", comm, conn->pid, conn->owners - 1);
	else
		snprintf(buf, size, "%s/%d", comm, conn->pid);
	return buf;
}

static int list_row(struct list *l, const struct conn *conn)
{
	const struct tcptimer_snapshot *s = conn->snap;
	struct armed_timer timers[ARMED_MAX];
	unsigned int count = conn_timers(s, l->names.hz, timers);
	enum tcptimer_timer timer = count ? timers[0].timer : TCPTIMER_TIMER_NONE;
	char local[64], remote[64], fires[24], tries[24], backoff[24], rto[24], age[24];
	char deadline[24], silent[24], cgroup[512], process[128];
	enum tcptimer_cause cause = conn->has_deadline ? conn->deadline_cause : conn->silent_cause;
	const char *cells[LIST_COLUMNS];
	size_t n = 0;

	cells[n++] = tcptimer_state_ss_name(s->state);
	cells[n++] = text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local));
	cells[n++] =
		text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote));
	cells[n++] = count ? tcptimer_timer_name(timer) : "-";
	cells[n++] = count ? text_span(timers[0].expires_ms, fires, sizeof(fires)) : "-";
	cells[n++] = count ? text_number(list_tries(s, timer), tries, sizeof(tries)) : "-";
	cells[n++] = s->backoff ? text_number(s->backoff, backoff, sizeof(backoff)) : "-";
	cells[n++] = s->rto_jiffies ? text_span((int64_t)s->rto_jiffies * 1000 / l->names.hz, rto,
						sizeof(rto)) :
				      "-";
	cells[n++] = tcptimer_stall_timer(s) ?
			     text_span(conn_stall_ms(s, l->names.hz), age, sizeof(age)) :
			     "-";
	cells[n++] = deadline_text(conn, deadline, sizeof(deadline));
	cells[n++] = deadline_silent_text(conn, silent, sizeof(silent));
	cells[n++] = cause ? tcptimer_cause_name(deadline_cause_shown(conn, cause)) : "-";
	cells[n++] = conn->cgroup ? text_cgroup(conn->cgroup, 40, cgroup, sizeof(cgroup)) : "-";
	cells[n++] =
		list_process(conn, process, sizeof(process)); /* the last: without -p no column */
	return text_table_row(l->table, cells);
}

/* The keys that `trace` has too, and `cause`: here the one that is to come. */
static int list_json(struct list *l, const struct conn *conn)
{
	json_out_reset(&l->out);
	json_out_open(&l->out, '{');
	conn_json_write(&l->out, conn, (int64_t)conn->snap->now_ns + l->offset_ns, NULL);
	json_out_key_string(&l->out, "cause", conn_json_cause(conn));
	json_out_close(&l->out, '}');
	return conn_json_line(&l->out, l->rows > 1 ? ",\n" : "\n", "") ? -EIO : 0;
}

static int list_socket(const struct tcptimer_snapshot *snap, void *arg)
{
	struct list *l = arg;
	struct conn conn;

	names_fill(&conn, snap, &l->names);
	if (!filter_match(l->filter, &conn))
		return 0;
	l->rows++;
	if (!l->json)
		return list_row(l, &conn);
	return list_json(l, &conn);
}

static int list_read(struct list *l)
{
	int err = 0;

	if (l->read.owners)
		err = owners_load(l->reader.owners, &l->owners);
	if (err)
		return cli_fail_kernel("finding the processes", err);
	l->names.owners = l->owners;
	if (l->json) {
		putchar('[');
	} else {
		size_t columns = LIST_COLUMNS - !l->processes;

		l->table =
			text_table_new(stdout, list_columns, columns, cli_width(), !l->no_header);
		if (!l->table)
			return cli_fail("no memory for the table");
	}
	err = snapshots_read(&l->reader, list_socket, l);
	if (l->json)
		puts(l->rows ? "\n]" : "]");
	else if (text_table_end(l->table) && !err)
		err = -EIO;
	if (err && err != -EIO)
		return cli_fail_kernel("reading the sockets", err);
	if (l->reader.skipped)
		fprintf(stderr,
			"tcptimer: %u network namespaces vanished or could not be entered\n",
			l->reader.skipped);
	return cli_flush();
}

int list_run(const struct command *command, int argc, char **argv)
{
	struct list l = { .read = { .states = ~0U } };
	static char out[LIST_OUT];
	struct filter_hints hints;
	char name[256];
	int status = list_parse(command, argc, argv, &l);
	int err;

	if (status)
		return status < 0 ? cli_flush() : status;
	status = cli_filter(argc - optind, argv + optind, &l.filter);
	if (status)
		return status;
	filter_hints(l.filter, &hints);
	l.read.states = hints.states;
	l.read.stalled |= hints.stalled;
	l.read.owners = l.processes || hints.needs_pid;
	l.read.unlocked = true;
	l.read.cookies = l.json; /* a row shows none */
	l.offset_ns = cli_realtime_offset_ns();
	status = cli_need_root(command->name);
	if (!status && l.read.netns && !netns_exists(l.read.netns))
		status = cli_fail(
			"no network namespace '%s'; `lsns -t net` and /run/netns name them",
			text_escape(l.read.netns, name, sizeof(name)));
	if (status)
		goto out;
	/* Before the names, which are spared reading the kernel's types then. */
	err = snapshots_open(&l.reader, &l.read);
	if (err) {
		status = cli_fail_kernel("loading the snapshot program", err);
		goto out;
	}
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	status = names_init(&l.names);
	if (!status)
		status = list_read(&l);
	snapshots_close(&l.reader);
out:
	json_out_free(&l.out);
	owners_free(l.owners);
	filter_free(l.filter);
	return status;
}

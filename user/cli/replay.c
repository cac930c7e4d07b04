// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer replay: a recording through the same eyes as a live trace, or through another kernel's.
 * Receives the bytes of a recording; hands the lines of `trace`, or timelines, to stdout.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/replay.h"
#include "deadline.h"
#include "kernel/kernel.h"
#include "recording_names.h"
#include "text.h"

#define REPLAY_BUFFER (256U << 10)
/* A recovery is told when it was looked for, up to this long after it happened. */
#define REPLAY_LATE_NS UINT64_C(1000000000)

struct replay {
	const char *path; /* "-": stdin */
	int fd;
	bool at_end; /* nothing is left to read of the file */
	size_t begin, have;
	char buffer[REPLAY_BUFFER];
	struct recording_reader reader;
	struct recording_names names;
	struct filter *filter;
	struct trace_out out;
	struct trace_lost lost;
	struct replay_kernel kernel;
	struct replay_policy policy;
	struct replay_explain explain;
	bool explains;
	bool done;        /* the reader of stdout had enough */
	uint64_t last_ns; /* the latest time told */
	int status;
};

enum { OPT_EXPLAIN = 256, OPT_KERNEL, OPT_POLICY, OPT_JSON };

static const struct option replay_options[] = {
	{ "explain", no_argument, NULL, OPT_EXPLAIN },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int replay_parse(const struct command *command, int argc, char **argv, struct replay *r)
{
	int opt, status = CLI_OK;

	opterr = 0;
	while (!status && (opt = getopt_long(argc, argv, ":h", replay_options, NULL)) != -1) {
		switch (opt) {
		case OPT_EXPLAIN:
			r->explains = true;
			break;
		case OPT_KERNEL:
			r->kernel.given = true;
			status = cli_kernel(command, optarg, &r->kernel.profile);
			break;
		case OPT_POLICY:
			status = replay_policy_file(command, &r->policy, optarg);
			break;
		case OPT_JSON:
			r->out.json = true;
			break;
		case 'h':
			cli_help(command);
			return -1;
		default:
			return cli_bad_option(command, argv, opt);
		}
	}
	if (status)
		return status;
	if (optind == argc)
		return cli_usage(command, "needs a FILE; - is stdin");
	r->path = argv[optind];
	return cli_filter(argc - optind - 1, argv + optind + 1, &r->filter);
}

/* ---- the file */

static int replay_open(struct replay *r)
{
	char safe[512];

	r->fd = strcmp(r->path, "-") ? open(r->path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (r->fd < 0)
		return cli_fail("'%s': %s", text_escape(r->path, safe, sizeof(safe)),
				strerror(errno));
	return CLI_OK;
}

/* More of the file behind what waits in the buffer, which always has room for a whole record. */
static int replay_fill(struct replay *r)
{
	char safe[512];
	ssize_t got;

	fflush(stdout); /* a writer at the other end of a pipe may let wait */
	memmove(r->buffer, r->buffer + r->begin, r->have);
	r->begin = 0;
	do
		got = read(r->fd, r->buffer + r->have, sizeof(r->buffer) - r->have);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return cli_fail("'%s': %s", text_escape(r->path, safe, sizeof(safe)),
				strerror(errno));
	r->have += (size_t)got;
	r->at_end = got == 0;
	return CLI_OK;
}

static int replay_damage(const struct replay *r, int err)
{
	char safe[512];

	fflush(stdout);
	return cli_fail("'%s': %s, at byte %" PRIu64 "%s", text_escape(r->path, safe, sizeof(safe)),
			recording_strerror(err), r->reader.offset,
			r->reader.offset ? "; all before it was replayed" : "");
}

static int replay_header(struct replay *r)
{
	int err, status = CLI_OK;

	while (!status && !r->at_end && r->have < sizeof(struct tcptimer_recording_header))
		status = replay_fill(r);
	if (status)
		return status;
	err = recording_read_header(&r->reader, r->buffer, r->have);
	if (err)
		return replay_damage(r, err);
	r->begin = sizeof(struct tcptimer_recording_header);
	r->have -= r->begin;
	r->out.hz = r->reader.header.hz;
	r->out.offset_ns =
		(int64_t)r->reader.header.start_real_ns - (int64_t)r->reader.header.start_ns;
	r->last_ns = r->reader.header.start_ns;
	return CLI_OK;
}

/* ---- another kernel */

/* Stamps in microseconds came with 6.7: what an older kernel would have kept, and as long ago. */
static void replay_older_stamp(struct tcptimer_snapshot *s)
{
	uint32_t now_ms = (uint32_t)(s->now_ns / 1000000);
	uint32_t age_us = tcptimer_stamp_age((uint32_t)(s->now_ns / 1000), s->retrans_stamp);

	s->flags &= ~TCPTIMER_F_USEC_TS;
	if (!s->retrans_stamp)
		return;
	s->retrans_stamp = now_ms - age_us / 1000;
	s->retrans_stamp += !s->retrans_stamp; /* 0 is none */
}

void replay_kernel_ask(const struct replay_kernel *kernel, const struct conn *conn,
		       struct replay_deadline *ret)
{
	struct tcptimer_snapshot snap = *conn->snap;
	struct conn other = *conn;

	*ret = (struct replay_deadline){};
	if (!kernel->given || !conn->deadline_known)
		return;
	if ((snap.flags & TCPTIMER_F_USEC_TS) && !kernel->profile.usec_ts)
		replay_older_stamp(&snap);
	other.snap = &snap;
	deadline_fill(&other, &kernel->profile);
	*ret = (struct replay_deadline){ .known = other.deadline_known,
					 .has = other.has_deadline,
					 .cause = other.deadline_cause,
					 .ms = other.deadline_ms };
}

static const struct replay *replay_of(const struct trace_out *out)
{
	return (const struct replay *)((const char *)out - offsetof(struct replay, out));
}

static void replay_kernel_text(const struct trace_out *out, const struct conn *conn)
{
	const struct replay_kernel *kernel = &replay_of(out)->kernel;
	struct replay_deadline other;
	char span[24];

	if (out->event->kind != TCPTIMER_EVENT_EXPIRED)
		return;
	replay_kernel_ask(kernel, conn, &other);
	if (other.has)
		printf("; on %s in %s (%s)", kernel->profile.name,
		       text_span(other.ms, span, sizeof(span)), tcptimer_cause_name(other.cause));
	else if (other.known && conn->has_deadline)
		printf("; on %s never", kernel->profile.name);
}

static void replay_kernel_json(const struct trace_out *out, const struct conn *conn,
			       struct json_out *json)
{
	const struct replay_kernel *kernel = &replay_of(out)->kernel;
	struct replay_deadline other;

	replay_kernel_ask(kernel, conn, &other);
	json_out_key_string(json, "kernel", kernel->profile.name);
	json_out_key_maybe(json, "kernel_deadline_ms", other.has, other.ms);
	json_out_key_string(json, "kernel_deadline_cause",
			    other.has ? tcptimer_cause_name(other.cause) : NULL);
}

/* ---- records */

/* stdout takes no more: a full disk, or a reader that had enough, which is no fault. */
static int replay_stop(struct replay *r)
{
	r->done = true;
	return cli_flush();
}

static int replay_event(struct replay *r, const struct tcptimer_event *event)
{
	struct conn conn;

	if (r->last_ns < event->time_ns)
		r->last_ns = event->time_ns;
	recording_names_fill(&r->names, &event->after, r->out.hz, &conn);
	deadline_fill(&conn, &r->reader.header.profile);
	trace_out_judge(&r->out, event, &conn);
	if (!filter_match(r->filter, &conn))
		return CLI_OK;
	if (replay_policy_event(&r->policy, event, &conn))
		return cli_fail("no memory for the policy's work");
	if (r->explains) {
		int err = replay_explain_event(&r->explain, event, &conn);

		trace_out_count(&r->out, event);
		return err == -ENOMEM ? cli_fail("no memory for the timelines") :
		       err            ? replay_stop(r) :
					CLI_OK;
	}
	return trace_out_event(&r->out, event, &conn) ? replay_stop(r) : CLI_OK;
}

/* A rule would have ended it: a line of its own, or a fact of its timeline. */
static void replay_would(const struct policy_audit_end *end, void *arg)
{
	struct replay *r = arg;

	if (r->explains)
		replay_explain_would(&r->explain, end);
	else if (r->out.json)
		replay_policy_json(&r->out, end);
	else
		replay_policy_text(&r->out, end);
}

/* What the policy would have done by now, as far as recoveries have been told. */
static int replay_due(struct replay *r, uint64_t now_ns)
{
	if (r->policy.given)
		policy_audit_due(r->policy.audit, now_ns, replay_would, r);
	if (r->explains && replay_explain_show(&r->explain, (int64_t)now_ns))
		return replay_stop(r);
	return CLI_OK;
}

static int replay_snapshot(struct replay *r, const struct tcptimer_snapshot *snap)
{
	struct conn conn;
	int err;

	if (!r->policy.given)
		return CLI_OK;
	recording_names_fill(&r->names, snap, r->out.hz, &conn);
	deadline_fill(&conn, &r->reader.header.profile);
	err = replay_policy_snapshot(&r->policy, &conn, filter_match(r->filter, &conn));
	return err ? cli_fail("no memory for the listeners") : CLI_OK;
}

static void replay_lost(struct replay *r, const struct tcptimer_recording_lost *lost)
{
	uint64_t by_cpu[TRACER_CPUS_MAX] = {};
	unsigned int cpu = lost->cpu < TRACER_CPUS_MAX ? lost->cpu : TRACER_CPUS_MAX - 1;

	by_cpu[cpu] = lost->lost;
	trace_out_lost(&r->out, by_cpu, TRACER_CPUS_MAX, (int64_t)lost->time_ns + r->out.offset_ns);
}

static int replay_record(struct replay *r, const struct recording_record *record)
{
	int status;

	switch (record->type) {
	case TCPTIMER_RECORDING_EVENT:
		status = replay_event(r, &record->event);
		if (!status && r->last_ns > REPLAY_LATE_NS)
			status = replay_due(r, r->last_ns - REPLAY_LATE_NS);
		return status;
	case TCPTIMER_RECORDING_LOST:
		replay_lost(r, &record->lost);
		return CLI_OK;
	case TCPTIMER_RECORDING_SNAPSHOT:
		return replay_snapshot(r, &record->snapshot);
	case TCPTIMER_RECORDING_END:
		memcpy(r->lost.kinds, record->end.lost, sizeof(r->lost.kinds));
		r->lost.missed = record->end.missed;
		r->last_ns = record->end.time_ns;
		return CLI_OK;
	default:
		recording_names_add(&r->names, record);
		return CLI_OK;
	}
}

static int replay_records(struct replay *r)
{
	static struct recording_record record;
	int status = CLI_OK;

	while (!status && !r->done) {
		int took = recording_read(&r->reader, r->buffer + r->begin, r->have, r->at_end,
					  &record);

		if (took < 0)
			return replay_damage(r, took);
		if (took) {
			r->begin += (size_t)took;
			r->have -= (size_t)took;
			status = replay_record(r, &record);
		} else if (r->at_end) {
			break;
		} else {
			status = replay_fill(r);
		}
	}
	return status;
}

/* ---- around them */

static void replay_title(const struct replay *r)
{
	const struct tcptimer_recording_header *h = &r->reader.header;
	FILE *out = r->out.json ? stderr : stdout;
	char host[260], release[260], when[32];

	fprintf(out, "-- recorded on %s, Linux %s, from %s%s\n",
		text_escape(h->host, host, sizeof(host)),
		text_escape(h->release, release, sizeof(release)),
		text_time((int64_t)h->start_real_ns, when, sizeof(when)),
		h->flags & TCPTIMER_RECORDING_ALL ? ", every timer event" : "");
	fflush(out);
}

static void replay_left_out(const struct replay *r)
{
	if (r->names.dropped)
		fprintf(stderr, "tcptimer: %" PRIu64 " names were left out: too many\n",
			r->names.dropped);
	if (r->explain.events_left)
		fprintf(stderr,
			"tcptimer: %" PRIu64 " events were left out of timelines: too many\n",
			r->explain.events_left);
	if (r->explain.conns_left)
		fprintf(stderr, "tcptimer: %" PRIu64 " connections were left out: too many\n",
			r->explain.conns_left);
}

static int replay_all(struct replay *r)
{
	int status = replay_header(r);

	if (status)
		return status;
	if (!r->kernel.given)
		r->out.more_text = NULL, r->out.more_json = NULL;
	status = replay_policy_load(&r->policy, &r->reader.header);
	if (status)
		return status;
	replay_title(r);
	if (!r->explains && !r->out.json)
		trace_out_begin(&r->out);
	status = replay_records(r);
	if (!r->done && replay_due(r, r->last_ns))
		status = CLI_FAILED;
	if (!r->done && r->explains && replay_explain_rest(&r->explain, r->last_ns) &&
	    replay_stop(r))
		status = CLI_FAILED;
	if (r->done)
		return status;
	replay_left_out(r);
	trace_out_summary(&r->out, &r->lost);
	replay_policy_summary(&r->policy, r->out.json ? stderr : stdout);
	return status;
}

int replay_run(const struct command *command, int argc, char **argv)
{
	static struct replay r = { .fd = -1 };
	int status = replay_parse(command, argc, argv, &r);

	if (status)
		return status < 0 ? cli_flush() : status;
	r.out.more_text = replay_kernel_text;
	r.out.more_json = replay_kernel_json;
	r.explain.out = &r.out;
	r.explain.kernel = &r.kernel;
	r.explain.policy = &r.policy;
	r.out.foretold = foretold_new();
	status = r.out.foretold ? replay_open(&r) : cli_fail("no memory");
	if (!status) {
		status = replay_all(&r);
		if (cli_flush())
			status = CLI_FAILED;
	}
	if (r.fd > STDIN_FILENO)
		close(r.fd);
	replay_explain_free(&r.explain);
	replay_policy_free(&r.policy);
	recording_names_free(&r.names);
	foretold_free(r.out.foretold);
	filter_free(r.filter);
	return status;
}

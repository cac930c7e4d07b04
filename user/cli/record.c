// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer record: sockets, timer events and their names into a file, to be replayed later.
 * Receives snapshots and events from user/kernel/; hands a recording to a file or a pipe.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/record_file.h"
#include "event.h"
#include "idset.h"
#include "kernel/rules.h"
#include "recording.h"
#include "text.h"

struct record {
	struct follow follow;
	struct recording_writer writer;
	struct names names;
	struct record_file file;
	struct idset cgroups, netns, owners, rules; /* names that were written */
	long count;                                 /* 0: no bound */
	uint64_t snapshots, malformed;
	uint64_t events[TCPTIMER_EVENT_COUNT], event_count;
	uint64_t lost_by_cpu[TRACER_CPUS_MAX]; /* told so far ... */
	uint64_t lost;                         /* ... and their sum */
	unsigned int skipped, namespaces;
	int status;
};

enum { OPT_RING = 256 };

static const struct option record_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "ring-size", required_argument, NULL, OPT_RING },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int record_parse(const struct command *command, int argc, char **argv, struct record *r)
{
	int opt, status = CLI_OK;

	opterr = 0;
	while (!status && (opt = getopt_long(argc, argv, ":ad:c:h", record_options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			r->follow.read.all = true;
			break;
		case 'd':
			status = follow_parse_seconds(command, optarg, &r->follow.seconds);
			break;
		case 'c':
			status = follow_parse_count(command, optarg, &r->count);
			break;
		case OPT_RING:
			status = follow_parse_ring(command, optarg, &r->follow.read.ring_bytes);
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
	if (argc - optind != 1)
		return cli_usage(command, "needs one FILE; - is stdout");
	r->file.path = argv[optind];
	return CLI_OK;
}

/* The first failure, once: it ends the recording. */
static void record_check(struct record *r)
{
	if (!r->writer.err)
		r->writer.err = record_file_flush(&r->file);
	if (!r->writer.err)
		return;
	r->follow.done = true;
	if (!r->status)
		r->status = record_file_fail(&r->file, r->writer.err);
}

/* ---- names: each before the first record that needs it */

static uint64_t record_mix(uint64_t a, uint64_t b)
{
	return (a ^ b * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL ^ a >> 29;
}

static uint64_t record_text_id(uint64_t id, const char *text)
{
	uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 1099511628211ULL;
	return record_mix(id, hash);
}

/* The first owner, or how many there are, may be others later: then it is written again. */
static void record_owner(struct record *r, const struct tcptimer_snapshot *s,
			 const struct conn *conn)
{
	struct tcptimer_recording_owner owner = {
		.sk = s->kind == TCPTIMER_SOCK_REQUEST ? s->listener_sk : s->sk,
		.cookie = s->kind == TCPTIMER_SOCK_REQUEST ? 0 : s->cookie,
		.pid = conn->pid,
		.processes = conn->owners,
	};

	if (!conn->pid || !owner.sk)
		return;
	snprintf(owner.comm, sizeof(owner.comm), "%s", conn->comm);
	if (idset_add(&r->owners, record_mix(record_mix(owner.sk, owner.cookie),
					     (uint64_t)owner.pid << 32 | owner.processes)))
		recording_put_owner(&r->writer, &owner, conn->pids);
}

static void record_names(struct record *r, const struct tcptimer_snapshot *s)
{
	const char *rule = rules_name(s->policy);
	struct conn conn;

	names_fill_names(&conn, s, &r->names);
	if (conn.cgroup && idset_add(&r->cgroups, record_text_id(s->cgroup_id, conn.cgroup)))
		recording_put_cgroup(&r->writer, s->cgroup_id, conn.cgroup);
	if (conn.netns_name && idset_add(&r->netns, record_text_id(s->netns, conn.netns_name)))
		recording_put_netns(&r->writer, s->netns, conn.netns_name);
	if (rule && idset_add(&r->rules, record_text_id(s->policy & TCPTIMER_POLICY_RULE, rule)))
		recording_put_rule(&r->writer, s->policy & TCPTIMER_POLICY_RULE, rule);
	record_owner(r, s, &conn);
}

/* ---- what is recorded */

static int record_snapshot(const struct tcptimer_snapshot *snap, void *arg)
{
	struct record *r = arg;

	record_names(r, snap);
	if (!recording_put_snapshot(&r->writer, snap))
		r->snapshots++;
	return r->writer.err;
}

/* Every socket, once the trace programs are attached: no event falls between the two. */
static int record_start(struct record *r)
{
	struct snapshot_options options = { .states = ~0U };
	struct snapshot_reader reader;
	int err = snapshots_open(&reader, &options);

	if (err)
		return cli_fail_kernel("loading the snapshot program", err);
	err = owners_load(r->follow.tracer.owners, &r->follow.owners);
	if (err)
		fprintf(stderr, "tcptimer: who holds the sockets can't be found: %s\n",
			strerror(-err));
	r->names.owners = r->follow.owners;
	err = snapshots_read(&reader, record_snapshot, r);
	r->skipped = reader.skipped;
	r->namespaces = reader.visited;
	snapshots_close(&reader);
	if (err && !r->writer.err)
		return cli_fail_kernel("reading the sockets", err);
	record_check(r);
	return r->status;
}

static int record_event(void *arg, void *data, size_t size)
{
	struct record *r = arg;
	struct tcptimer_event event;

	if (r->follow.done)
		return 0;
	if (event_decode(data, size, &event)) {
		r->malformed++;
		return 0;
	}
	r->names.owners = follow_owners(&r->follow, &event);
	record_names(r, &event.after);
	if (recording_put_event(&r->writer, &event)) {
		record_check(r);
		return 0;
	}
	r->events[event.kind]++;
	if (++r->event_count == (uint64_t)r->count)
		r->follow.done = true;
	return 0;
}

static uint64_t record_now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void record_losses(struct record *r)
{
	uint64_t by_cpu[TRACER_CPUS_MAX];
	uint64_t lost = tracer_lost(&r->follow.tracer, by_cpu);
	unsigned int cpu;

	if (lost == r->lost)
		return;
	for (cpu = 0; cpu < r->follow.tracer.cpus; cpu++) {
		struct tcptimer_recording_lost rec = {
			.time_ns = record_now_ns(CLOCK_MONOTONIC),
			.lost = by_cpu[cpu] - r->lost_by_cpu[cpu],
			.cpu = cpu,
		};

		r->lost_by_cpu[cpu] = by_cpu[cpu];
		if (rec.lost)
			recording_put_lost(&r->writer, &rec);
	}
	r->lost = lost;
}

static void record_turn(void *arg)
{
	struct record *r = arg;

	record_losses(r);
	record_check(r);
}

static int record_header(struct record *r)
{
	struct tcptimer_recording_header header = {
		.hz = r->names.hz,
		.flags = r->follow.read.all ? TCPTIMER_RECORDING_ALL : 0,
		.start_ns = record_now_ns(CLOCK_MONOTONIC),
		.start_real_ns = record_now_ns(CLOCK_REALTIME),
		.profile = r->names.profile,
	};
	struct utsname uts;

	if (!uname(&uts)) {
		snprintf(header.release, sizeof(header.release), "%.63s", uts.release);
		snprintf(header.host, sizeof(header.host), "%.63s", uts.nodename);
	}
	/* The library draws from the kernel; without it there is no recording. */
	if (getrandom(&r->writer.veil, sizeof(r->writer.veil), 0) != sizeof(r->writer.veil))
		return cli_fail("random numbers: %s", strerror(errno));
	recording_begin(&r->writer, &header);
	record_check(r);
	return r->status;
}

static void record_end(struct record *r)
{
	struct tcptimer_recording_end end = {
		.time_ns = record_now_ns(CLOCK_MONOTONIC),
		.snapshots = r->snapshots,
		.events = r->event_count,
		.missed = tracer_missed(&r->follow.tracer),
		.skipped = r->skipped,
	};
	unsigned int kind;

	_Static_assert(TRACER_LOSS_KINDS == TCPTIMER_RECORDING_LOSS_KINDS, "kinds of losses");
	for (kind = 0; kind < TRACER_LOSS_KINDS; kind++)
		end.lost[kind] = tracer_lost_kind(&r->follow.tracer, kind);
	if (!r->writer.err) {
		record_losses(r);
		recording_put_end(&r->writer, &end);
		record_check(r);
	}
}

static void record_summary(const struct record *r)
{
	FILE *out = strcmp(r->file.path, "-") ? stdout : stderr;
	const char *comma = "";
	unsigned int kind;
	char safe[512];

	fprintf(out, "-- recorded %s\n", text_escape(r->file.path, safe, sizeof(safe)));
	fprintf(out, "%-9s %llu at the start, in %u network namespace%s\n", "sockets",
		(unsigned long long)r->snapshots, r->namespaces, r->namespaces == 1 ? "" : "s");
	fprintf(out, "%-9s %llu", "events", (unsigned long long)r->event_count);
	for (kind = 1; kind < TCPTIMER_EVENT_COUNT; kind++) {
		if (!r->events[kind])
			continue;
		fprintf(out, "%s %s %llu", *comma ? comma : ":", tcptimer_event_name(kind),
			(unsigned long long)r->events[kind]);
		comma = ",";
	}
	fprintf(out, "\n%-9s %llu\n", "bytes", (unsigned long long)r->file.flushed);
	fprintf(out, "%-9s %llu\n", "lost", (unsigned long long)r->lost);
	if (r->malformed)
		fprintf(out, "%-9s %llu records did not decode\n", "malformed",
			(unsigned long long)r->malformed);
}

static int record_follow(struct record *r)
{
	int err, status = follow_open(&r->follow);

	r->file.stop_fds[0] = r->follow.signal_fd;
	r->file.stop_fds[1] = r->follow.end_fd;
	if (!status)
		status = record_header(r);
	if (!status)
		status = record_start(r);
	if (!status) {
		fputs("recording\n", stderr);
		status = follow_run(&r->follow);
	}
	if (r->follow.tracer.bpf && r->writer.bytes)
		record_end(r);
	if (!status)
		status = r->status;
	if (r->writer.bytes)
		record_summary(r);
	err = record_file_close(&r->file, r->writer.err);
	if (err && !status)
		status = cli_fail("closing the recording: %s", strerror(-err));
	return status ? status : cli_flush();
}

int record_run(const struct command *command, int argc, char **argv)
{
	static struct record r = { .follow = { .record = record_event, .turn = record_turn },
				   .writer = { .write = record_file_write } };
	int status = record_parse(command, argc, argv, &r);

	if (status)
		return status < 0 ? cli_flush() : status;
	r.follow.arg = &r;
	r.writer.arg = &r.file;
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like a full disk */
	status = cli_need_root(command->name);
	if (!status)
		status = names_init(&r.names);
	if (!status)
		status = record_file_open(&r.file);
	if (!status) {
		status = record_follow(&r);
		follow_close(&r.follow);
	}
	idset_free(&r.cgroups);
	idset_free(&r.netns);
	idset_free(&r.owners);
	idset_free(&r.rules);
	return status;
}

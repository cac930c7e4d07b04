// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The project's own programs, loaded once for all trials: the trace, and one reader of snapshots.
 * Receives records from the kernel; hands decoded events and snapshots to the trials.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/iter.h"
#include "kernel/kernel.h"
#include "kernel/profile.h"
#include "bpf/trace_map.h"
#include "snapshot.skel.h"
#include "observe.h"

unsigned int observe_hz;
struct tcptimer_profile observe_profile;
uint32_t observe_version;
bool observe_guest;

static struct tracer tracer;
static struct snapshot_reader reader;
static struct bpf_link *reader_link;
static void (*observe_fn)(const struct tcptimer_event *event);

uint64_t observe_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static int observe_record(void *arg, void *data, size_t size)
{
	struct tcptimer_event event;

	(void)arg;
	if (!event_decode(data, size, &event))
		observe_fn(&event);
	return 0;
}

void observe_identify(void)
{
	unsigned int major = 0, minor = 0, patch = 0;
	struct utsname uts;
	int err;

	observe_guest = getenv("TCPTIMER_GUEST") != NULL;
	kernel_quiet_libbpf();
	observe_hz = probe_hz();
	uname(&uts);
	sscanf(uts.release, "%u.%u.%u", &major, &minor, &patch);
	observe_version = major << 16 | minor << 8 | (patch > 255 ? 255 : patch);
	err = profile_running(&observe_profile);
	if (err) {
		fprintf(stderr, "conformance: %s\n", tcptimer_engine_strerror(err));
		exit(1);
	}
}

bool observe_open(void (*fn)(const struct tcptimer_event *event))
{
	struct tracer_options trace = { .all = true };
	struct snapshot_options snap = { .states = ~0U };
	int err;

	observe_fn = fn;
	err = tracer_open(&tracer, &trace, observe_record, NULL);
	if (!err)
		err = snapshots_open(&reader, &snap);
	if (!err) {
		reader_link = bpf_program__attach_iter(reader.bpf->progs.snapshot_tcp, NULL);
		err = reader_link ? 0 : -1;
	}
	if (err)
		fprintf(stderr, "conformance: the programs don't load: %s\n", kernel_error());
	return !err;
}

int observe_fd(void)
{
	return tracer.epoll_fd;
}

void observe_consume(void)
{
	tracer_consume(&tracer);
}

uint64_t observe_lost(void)
{
	return tracer_lost_kind(&tracer, TRACE_LOSS_RING) +
	       tracer_lost_kind(&tracer, TRACE_LOSS_TABLE);
}

uint64_t observe_unseen(void)
{
	return tracer_lost_kind(&tracer, TRACE_LOSS_UNSEEN);
}

/* Runs of a program that the kernel left out, because it was running on that CPU already. */
uint64_t observe_missed(void)
{
	return tracer_missed(&tracer);
}

struct observe_wanted {
	uint16_t local_port, remote_port;
	bool found;
	struct tcptimer_snapshot *ret;
};

static int observe_match(const void *record, void *arg)
{
	const struct tcptimer_snapshot *snap = record;
	struct observe_wanted *wanted = arg;

	if (snap->local_port == wanted->local_port && snap->remote_port == wanted->remote_port) {
		*wanted->ret = *snap;
		wanted->found = true;
	}
	return 0;
}

bool observe_snapshot(uint16_t local_port, uint16_t remote_port,
		      struct tcptimer_snapshot *ret_snapshot)
{
	struct observe_wanted wanted = { local_port, remote_port, false, ret_snapshot };

	if (iter_records(reader_link, sizeof(*ret_snapshot), observe_match, &wanted) < 0)
		return false;
	return wanted.found;
}

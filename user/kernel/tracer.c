// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The trace programs: loading, attaching, the ring buffer, sweeps, losses.
 * Receives options; hands raw records to a function.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/iter.h"
#include "kernel/kernel.h"
#include "kernel/loader.h"
#include "bpf/trace_map.h"
#include "tcptimer.skel.h"

static const char *const tracer_programs[] = {
	"snapshot_owner",     "trace_timer_entry",  "trace_timer_exit", "trace_retransmit_synack",
	"trace_set_state",    "trace_error_report", "trace_send_reset", "trace_receive_reset",
	"trace_destroy_sock", "trace_sweep",        "trace_seed",
};

/* What is counted also where nothing stalls: a healthy peer's keepalive probes are probes. */
#define TRACER_COUNTED                                                                             \
	(1U << TCPTIMER_TIMER_SYN | 1U << TCPTIMER_TIMER_RETRANS |                                 \
	 1U << TCPTIMER_TIMER_LOSS_PROBE | 1U << TCPTIMER_TIMER_PROBE0 |                           \
	 1U << TCPTIMER_TIMER_KEEPALIVE | 1U << TCPTIMER_TIMER_SYNACK)

/* Iterators attach on their own terms; the rest by their section. */
static int tracer_attach(struct tracer *t)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, t->bpf->obj) {
		struct bpf_link *link;

		if (!bpf_program__autoload(prog) ||
		    strncmp(bpf_program__section_name(prog), "tp_btf/", 7))
			continue;
		link = bpf_program__attach(prog);
		if (!link)
			return -errno;
		t->links[t->link_count++] = link;
	}
	return 0;
}

static int tracer_seed_record(const void *record, void *arg)
{
	return 0; /* the program writes none: it fills the table and the ring */
}

static int tracer_seed_netns(const struct netns *netns, void *arg)
{
	return iter_records(arg, 1, tracer_seed_record, NULL);
}

/* ---- rings: another takes the place of one that is too small for the stalls, or too large */

/* A larger one first, then the rest of what waits: it may take long, and the ring runs over meanwhile. */
static bool tracer_ring_small(const struct tracer *t)
{
	return t->ring_grows && t->bpf->bss->trace_ring_tight &&
	       t->rings[t->ring_count - 1].bytes < t->ring_max;
}

/* A record that begins a stall stands for two events. */
static int tracer_record(void *arg, void *data, size_t size)
{
	struct tracer *t = arg;
	const struct tcptimer_event *event = data;
	struct tcptimer_event began;
	int first = 0, err;

	if (size == sizeof(began) && event->kind != TCPTIMER_EVENT_STALL &&
	    (event->what & TCPTIMER_W_STALL_BEGAN)) {
		memcpy(&began, event, sizeof(began));
		began.kind = TCPTIMER_EVENT_STALL;
		first = t->fn(t->arg, &began, sizeof(began));
	}
	err = t->fn(t->arg, data, size);
	if (!err && !first && (++t->batch >= TRACER_BATCH || tracer_ring_small(t)))
		err = -EAGAIN; /* the ring stays readable */
	return err ? err : first;
}

/* From here on records go to a ring of so many bytes; what waits in the others is read before. */
static int tracer_ring_put(struct tracer *t, uint32_t bytes)
{
	struct ring *ring = &t->rings[t->ring_count];
	struct epoll_event readable = { .events = EPOLLIN };
	uint32_t first = 0;
	int err;

	if (t->ring_count == TRACER_RINGS_MAX)
		return -EBUSY;
	err = ring_open(ring, bytes);
	if (err)
		return err;
	if (epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, ring->fd, &readable))
		err = -errno;
	/* Waits for the programs that have found the old one. */
	if (!err)
		err = bpf_map_update_elem(bpf_map__fd(t->bpf->maps.events), &first, &ring->fd, 0);
	if (err)
		ring_close(ring);
	else
		t->ring_count++;
	return err;
}

/* A small part of the machine's memory, not less than `least`. */
static uint32_t tracer_ring_bound(uint32_t bytes, uint32_t least)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	while (bytes > least && bytes > memory / TRACER_RING_SHARE)
		bytes /= 2;
	return bytes;
}

/* TCP sockets of the host, in all its namespaces; 0: unknown. */
static uint64_t tracer_sockets(void)
{
	FILE *file = fopen("/proc/net/sockstat", "re");
	unsigned long long sockets = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "TCP: inuse %*d orphan %*d tw %*d alloc %llu", &sockets) == 1)
			break;
	if (file)
		fclose(file);
	return sockets;
}

/* An event of each socket that there is. A larger one takes its place while somebody reads. */
static uint32_t tracer_ring_start(void)
{
	uint64_t needed = tracer_sockets() * (sizeof(struct tcptimer_event) + 8);
	uint32_t bytes = TRACER_RING_BYTES_START;

	while (bytes < needed && bytes < TRACER_RING_BYTES_MAX)
		bytes *= 2;
	return tracer_ring_bound(bytes, TRACER_RING_BYTES_MIN);
}

static int tracer_ring_open(struct tracer *t)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	bool chosen = t->ring_bytes;
	int err;

	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll_fd < 0)
		return -errno;
	if (!chosen)
		t->ring_bytes = tracer_ring_start();
	if (t->ring_bytes < page)
		t->ring_bytes = page;
	err = tracer_ring_put(t, t->ring_bytes);
	while (err == -ENOMEM && !chosen && t->ring_bytes > TRACER_RING_BYTES_MIN) {
		t->ring_bytes /= 2; /* a cgroup's limit is less than the machine has */
		err = tracer_ring_put(t, t->ring_bytes);
	}
	t->ring_max = tracer_ring_bound(TRACER_RING_BYTES_MAX, t->ring_bytes);
	return err;
}

/*
 * Timers of many stalls fire in one bucket of the wheel, faster than anyone reads: the ring has room for
 * one event of each.
 */
static uint32_t tracer_ring_wanted(struct tracer *t)
{
	uint64_t needed = tracer_open_stalls(t) * (sizeof(struct tcptimer_event) + 8);
	uint32_t wanted = t->ring_bytes;

	while (wanted < needed && wanted < t->ring_max)
		wanted *= 2;
	return wanted;
}

static int64_t tracer_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

/* Smaller when eight times too large, and it has not been needed for a while: not to and fro. */
static bool tracer_ring_idle(struct tracer *t, uint32_t bytes, uint32_t wanted)
{
	return wanted <= bytes / 8 && t->ring_count == 1 &&
	       tracer_now_s() - t->grown_s >= TRACER_RING_KEEP_S;
}

/*
 * It grows in steps: a small one is in place before the ring there is has filled, and has room for what
 * comes while the kernel clears the pages of the next. When many begin to stall there is no time for more.
 */
static uint32_t tracer_ring_step(const struct tracer *t, uint32_t bytes)
{
	return bytes < t->ring_max / TRACER_RING_STEP ? bytes * TRACER_RING_STEP : t->ring_max;
}

void tracer_ring_fit(struct tracer *t)
{
	uint32_t wanted, bytes;

	if (!t->ring_grows)
		return;
	bytes = t->rings[t->ring_count - 1].bytes;
	wanted = tracer_ring_wanted(t);
	if (t->bpf->bss->trace_ring_tight) {
		t->bpf->bss->trace_ring_tight = false;
		t->grown_s = tracer_now_s();
		wanted = t->ring_max;
	}
	if (wanted > bytes) {
		t->grown_s = tracer_now_s();
		/* Without memory for it the one there is goes on, and is not asked for more again. */
		if (tracer_ring_put(t, tracer_ring_step(t, bytes)) == -ENOMEM)
			t->ring_max = bytes;
	} else if (tracer_ring_idle(t, bytes, wanted)) {
		tracer_ring_put(t, wanted);
	}
}

int tracer_consume(struct tracer *tracer)
{
	int n;

	tracer->batch = 0;
	tracer_ring_fit(tracer);
	while (tracer->ring_count > 1) {
		n = ring_read(&tracer->rings[0], tracer_record, tracer);
		if (n < 0)
			return n;
		ring_close(&tracer->rings[0]);
		tracer->ring_count--;
		memmove(tracer->rings, tracer->rings + 1,
			tracer->ring_count * sizeof(tracer->rings[0]));
	}
	return ring_read(&tracer->rings[0], tracer_record, tracer);
}

bool tracer_crowded(const struct tracer *tracer)
{
	return tracer->batch >= TRACER_CROWD && tracer->batch < TRACER_BATCH;
}

bool tracer_ring_large(const struct tracer *tracer)
{
	return tracer->ring_count &&
	       tracer->rings[tracer->ring_count - 1].bytes > tracer->ring_bytes;
}

/* Stalls that are under way as the trace begins. Nobody reads yet: the ring grows until it holds them. */
static int tracer_seed(struct tracer *t)
{
	struct bpf_link *link = bpf_program__attach_iter(t->bpf->progs.trace_seed, NULL);
	int err;

	if (!link)
		return -errno;
	t->bpf->bss->trace_seed_grows = t->ring_grows;
	do {
		uint32_t bytes = t->count ? 0 : t->rings[t->ring_count - 1].bytes;

		if (t->bpf->bss->trace_seed_more &&
		    (bytes >= t->ring_max || tracer_ring_put(t, tracer_ring_step(t, bytes))))
			t->bpf->bss->trace_seed_grows = false;
		t->bpf->bss->trace_seed_more = false;
		t->skipped = 0;
		err = netns_each(tracer_seed_netns, link, &t->skipped);
	} while (!err && t->bpf->bss->trace_seed_more);
	t->bpf->bss->trace_seed_grows = false;
	bpf_link__destroy(link);
	return err;
}

static int tracer_load(struct tracer *t, const struct tracer_options *options)
{
	size_t i;

	t->bpf = loader_open();
	if (!t->bpf)
		return -errno;
	for (i = 0; i < sizeof(tracer_programs) / sizeof(tracer_programs[0]); i++)
		loader_want(t->bpf, tracer_programs[i]);
	t->owners = t->bpf->progs.snapshot_owner;
	loader_want(t->bpf, probe_retransmit_has_err() ? "trace_retransmit_skb_err" :
							 "trace_retransmit_skb");
	t->bpf->rodata->cfg_cast = probe_has_function("bpf_rdonly_cast");
	t->bpf->rodata->cfg_all = options->all;
	t->bpf->rodata->cfg_timers = options->timers;
	if (options->count) {
		t->bpf->rodata->cfg_count = options->count;
		t->bpf->rodata->cfg_timers |= TRACER_COUNTED;
	}
	if (options->count & TCPTIMER_BY_SOCKET)
		bpf_map__set_max_entries(t->bpf->maps.summary_counts, TCPTIMER_SUMMARY_SOCKETS);
	return loader_load(t->bpf);
}

int tracer_open(struct tracer *tracer, const struct tracer_options *options,
		int (*fn)(void *arg, void *data, size_t size), void *arg)
{
	int err;

	*tracer = (struct tracer){ .count = options->count,
				   .ring_bytes = options->ring_bytes,
				   .ring_grows = options->ring_grows && !options->count,
				   .fn = fn,
				   .arg = arg,
				   .epoll_fd = -1 };
	err = tracer_load(tracer, options);
	if (err)
		goto fail;
	tracer->cpus = (unsigned int)libbpf_num_possible_cpus();
	if (!options->count)
		err = tracer_ring_open(tracer);
	if (!err)
		err = tracer_attach(tracer);
	if (!err)
		err = tracer_seed(tracer);
	if (!err)
		return 0;
fail:
	tracer_close(tracer);
	return err;
}

int tracer_sweep(struct tracer *tracer)
{
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(tracer->bpf->progs.trace_sweep), &opts);
}

uint64_t tracer_open_stalls(const struct tracer *tracer)
{
	return tracer->bpf->bss->trace_open_stalls;
}

const char *tracer_loss_name(unsigned int kind)
{
	static const char *const names[] = {
		[TRACE_LOSS_RING] = "the buffer was full",
		[TRACE_LOSS_TABLE] = "the table of stalls was full",
		[TRACE_LOSS_UNSEEN] = "the kernel ran no program",
	};

	_Static_assert(TRACER_LOSS_KINDS == TRACE_LOSS_COUNT, "kinds of losses");
	return kind < TRACE_LOSS_COUNT ? names[kind] : "unknown";
}

uint64_t tracer_lost_kind(const struct tracer *tracer, unsigned int kind)
{
	uint64_t values[TRACER_CPUS_MAX], sum = 0;
	unsigned int cpu;

	if (tracer->cpus > TRACER_CPUS_MAX ||
	    bpf_map_lookup_elem(bpf_map__fd(tracer->bpf->maps.trace_losses), &kind, values))
		return 0;
	for (cpu = 0; cpu < tracer->cpus; cpu++)
		sum += values[cpu];
	return sum;
}

uint64_t tracer_lost(const struct tracer *tracer, uint64_t *ret_by_cpu)
{
	uint64_t values[TRACER_CPUS_MAX], sum = 0;
	uint32_t what;
	unsigned int cpu;

	if (tracer->cpus > TRACER_CPUS_MAX)
		return 0;
	if (ret_by_cpu)
		memset(ret_by_cpu, 0, tracer->cpus * sizeof(*ret_by_cpu));
	for (what = 0; what < TRACE_LOSS_COUNT; what++) {
		if (bpf_map_lookup_elem(bpf_map__fd(tracer->bpf->maps.trace_losses), &what, values))
			continue;
		for (cpu = 0; cpu < tracer->cpus; cpu++) {
			sum += values[cpu];
			if (ret_by_cpu)
				ret_by_cpu[cpu] += values[cpu];
		}
	}
	return sum;
}

uint64_t tracer_missed(const struct tracer *tracer)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, tracer->bpf->obj) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}

void tracer_detach(struct tracer *tracer)
{
	while (tracer->link_count)
		bpf_link__destroy(tracer->links[--tracer->link_count]);
	tracer->ring_grows = false;
}

void tracer_close(struct tracer *tracer)
{
	tracer_detach(tracer);
	while (tracer->ring_count)
		ring_close(&tracer->rings[--tracer->ring_count]);
	if (tracer->epoll_fd >= 0)
		close(tracer->epoll_fd);
	tcptimer_bpf__destroy(tracer->bpf);
	*tracer = (struct tracer){ .epoll_fd = -1 };
}

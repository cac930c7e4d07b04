// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The trace programs: loading, attaching, the ring buffer, sweeps, losses.
 * Receives options; hands raw records to a function.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

/* Stalls that are under way as the trace begins. */
static int tracer_seed(struct tracer *t)
{
	struct bpf_link *link = bpf_program__attach_iter(t->bpf->progs.trace_seed, NULL);
	int err;

	if (!link)
		return -errno;
	err = netns_each(tracer_seed_netns, link, &t->skipped);
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
	t->bpf->rodata->cfg_all = options->all;
	t->bpf->rodata->cfg_timers = options->timers;
	if (options->ring_bytes)
		bpf_map__set_max_entries(t->bpf->maps.events, options->ring_bytes);
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

	*tracer = (struct tracer){ .count = options->count };
	err = tracer_load(tracer, options);
	if (err)
		goto fail;
	tracer->cpus = (unsigned int)libbpf_num_possible_cpus();
	tracer->epoll_fd = -1;
	if (!options->count) {
		tracer->ring =
			ring_buffer__new(bpf_map__fd(tracer->bpf->maps.events), fn, arg, NULL);
		if (!tracer->ring) {
			err = -errno;
			goto fail;
		}
		tracer->epoll_fd = ring_buffer__epoll_fd(tracer->ring);
	}
	err = tracer_attach(tracer);
	if (!err)
		err = tracer_seed(tracer);
	if (!err)
		return 0;
fail:
	tracer_close(tracer);
	return err;
}

int tracer_consume(struct tracer *tracer)
{
	return ring_buffer__consume(tracer->ring);
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

void tracer_close(struct tracer *tracer)
{
	ring_buffer__free(tracer->ring);
	while (tracer->link_count)
		bpf_link__destroy(tracer->links[--tracer->link_count]);
	tcptimer_bpf__destroy(tracer->bpf);
	memset(tracer, 0, sizeof(*tracer));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The counters of bpf/summary.h, interval by interval.
 * Receives the per-CPU map of groups; hands each group's sums to a function.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/kernel.h"
#include "tcptimer.skel.h"

/* Programs that had read the old bank's number are done by then: they run in softirq, in microseconds. */
#define COUNTS_SETTLE_NS 2000000

/* Sums of what CPUs have. The longest is the longest of all; masks and cookies are put together. */
static void counts_add(struct tcptimer_summary_counts *sum,
		       const struct tcptimer_summary_counts *one)
{
	size_t i;

	sum->retransmitted += one->retransmitted;
	sum->retransmit_failed += one->retransmit_failed;
	sum->probes += one->probes;
	sum->timeouts += one->timeouts;
	sum->stalls += one->stalls;
	sum->recovered += one->recovered;
	sum->recovered_ms += one->recovered_ms;
	if (one->recovered_max_ms > sum->recovered_max_ms)
		sum->recovered_max_ms = one->recovered_max_ms;
	for (i = 0; i < TCPTIMER_BUCKET_COUNT; i++)
		sum->recovered_hist[i] += one->recovered_hist[i];
	for (i = 0; i < TCPTIMER_CAUSE_COUNT; i++)
		sum->ended[i] += one->ended[i];
	sum->fired |= one->fired;
	if (one->cookie)
		sum->cookie = one->cookie;
}

/* A reset sent after the close it takes back, with the interval's end between them. */
static void counts_clamp(struct tcptimer_summary_counts *sum)
{
	if ((int64_t)sum->ended[TCPTIMER_CAUSE_CLOSED] < 0)
		sum->ended[TCPTIMER_CAUSE_CLOSED] = 0;
}

struct counts_keys {
	struct tcptimer_summary_key *keys;
	size_t count;
};

/* The keys of one bank. The map holds no more than its limit, so neither does this. */
static int counts_keys(int fd, uint8_t bank, uint32_t max, struct counts_keys *ret_keys)
{
	struct tcptimer_summary_key key, *last = NULL;

	*ret_keys = (struct counts_keys){ .keys = calloc(max, sizeof(key)) };
	if (!ret_keys->keys)
		return -ENOMEM;
	while (ret_keys->count < max && !bpf_map_get_next_key(fd, last, &key)) {
		struct tcptimer_summary_key *slot = &ret_keys->keys[ret_keys->count];

		if (key.bank == bank) {
			*slot = key;
			ret_keys->count++;
		}
		last = &key;
	}
	return 0;
}

static int counts_one(const struct tracer *tracer, int fd, const struct tcptimer_summary_key *key,
		      struct tcptimer_summary_counts *values, struct tcptimer_summary_counts *sum)
{
	unsigned int cpu;

	*sum = (struct tcptimer_summary_counts){};
	if (bpf_map_lookup_elem(fd, key, values))
		return -errno;
	bpf_map_delete_elem(fd, key);
	for (cpu = 0; cpu < tracer->cpus; cpu++)
		counts_add(sum, &values[cpu]);
	counts_clamp(sum);
	return 0;
}

int counts_take(struct tracer *tracer,
		int (*fn)(const struct tcptimer_summary_key *key,
			  const struct tcptimer_summary_counts *counts, void *arg),
		void *arg)
{
	static const struct timespec settle = { .tv_nsec = COUNTS_SETTLE_NS };
	int fd = bpf_map__fd(tracer->bpf->maps.summary_counts);
	uint8_t bank = tracer->bpf->bss->summary_bank & 1;
	struct tcptimer_summary_counts *values, sum;
	struct counts_keys keys = {};
	int err;

	values = calloc(tracer->cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	tracer->bpf->bss->summary_bank = !bank;
	nanosleep(&settle, NULL);
	err = counts_keys(fd, bank, bpf_map__max_entries(tracer->bpf->maps.summary_counts), &keys);
	for (size_t i = 0; !err && i < keys.count; i++)
		if (!counts_one(tracer, fd, &keys.keys[i], values, &sum) && fn)
			err = fn(&keys.keys[i], &sum, arg);
	free(keys.keys);
	free(values);
	return err;
}

uint64_t counts_lost(const struct tracer *tracer)
{
	uint64_t values[TRACER_CPUS_MAX], sum = 0;
	uint32_t zero = 0;

	if (tracer->cpus > TRACER_CPUS_MAX ||
	    bpf_map_lookup_elem(bpf_map__fd(tracer->bpf->maps.summary_lost), &zero, values))
		return 0;
	for (unsigned int cpu = 0; cpu < tracer->cpus; cpu++)
		sum += values[cpu];
	return sum;
}

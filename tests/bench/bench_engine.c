// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_engine [SNAPSHOTS [ROUNDS [KIND]]]: receives nothing but sizes; hands figures to stdout: ns of a
 * deadline and of a whole timeline, a kind of socket each, and over varied snapshots.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/figure.h"
#include "unit/engine_random.h"

#define HZ 250u
#define BATCH 4096u /* snapshots drawn at a time: drawing is not timed */
#define EVENTS 64

struct bench_case {
	struct tcptimer_snapshot s;
	const struct tcptimer_profile *profile;
	struct tcptimer_engine_params params;
};

static struct bench_case cases[BATCH];
static volatile uint64_t sink;

static double deadlines_ns(uint32_t count)
{
	struct tcptimer_deadline deadline;
	uint64_t sum = 0, start = figure_now_ns();
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (!tcptimer_engine_deadline(cases[i].profile, &cases[i].params, &cases[i].s,
					      &deadline))
			sum += deadline.at_ms;
	}
	start = figure_now_ns() - start;
	sink += sum;
	return (double)start;
}

static double timelines_ns(uint32_t count)
{
	struct tcptimer_engine_event events[EVENTS];
	struct tcptimer_timeline line;
	uint64_t sum = 0, start = figure_now_ns();
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (!tcptimer_engine_timeline(cases[i].profile, &cases[i].params, &cases[i].s,
					      events, EVENTS, &line))
			sum += line.count;
	}
	start = figure_now_ns() - start;
	sink += sum;
	return (double)start;
}

/* ---- kinds of socket */

static void make_flight(const struct tcptimer_profile *p, struct tcptimer_snapshot *s)
{
	tcptimer_snapshot_arm_data(p, HZ, s);
}

static void make_user_timeout(const struct tcptimer_profile *p, struct tcptimer_snapshot *s)
{
	tcptimer_snapshot_arm_data(p, HZ, s);
	s->user_timeout_ms = 20000;
}

static void make_probe0(const struct tcptimer_profile *p, struct tcptimer_snapshot *s)
{
	tcptimer_snapshot_arm_probe0(p, HZ, s);
}

static void make_idle(const struct tcptimer_profile *p, struct tcptimer_snapshot *s)
{
	tcptimer_snapshot_arm_idle(p, HZ, s);
}

static void make_keepalive(const struct tcptimer_profile *p, struct tcptimer_snapshot *s)
{
	tcptimer_snapshot_arm_idle(p, HZ, s);
	tcptimer_snapshot_arm_keepalive(p, HZ, s);
}

static void make_nothing(const struct tcptimer_profile *p, struct tcptimer_snapshot *s)
{
	(void)p;
	(void)s;
}

static const struct {
	const char *name;
	uint8_t state, peer;
	void (*make)(const struct tcptimer_profile *p, struct tcptimer_snapshot *s);
} kinds[] = {
	{ "data in flight, silent peer", 1, TCPTIMER_PEER_SILENT, make_flight },
	{ "data in flight, peer that acks", 1, TCPTIMER_PEER_ACKS, make_flight },
	{ "data in flight, TCP_USER_TIMEOUT 20 s", 1, TCPTIMER_PEER_SILENT, make_user_timeout },
	{ "zero window, silent peer", 1, TCPTIMER_PEER_SILENT, make_probe0 },
	{ "zero window, peer that answers", 1, TCPTIMER_PEER_ZERO_WINDOW, make_probe0 },
	{ "idle", 1, TCPTIMER_PEER_SILENT, make_idle },
	{ "idle with keepalive, silent peer", 1, TCPTIMER_PEER_SILENT, make_keepalive },
	{ "SYN_SENT", 2, TCPTIMER_PEER_SILENT, make_nothing },
	{ "orphan in FIN_WAIT1", 4, TCPTIMER_PEER_SILENT, make_nothing },
	{ "TIME_WAIT", 6, TCPTIMER_PEER_SILENT, make_nothing },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Each case at another moment, so that the wheel rounds each otherwise. */
static int kind_fill(size_t kind)
{
	const struct tcptimer_profile *p = tcptimer_profile_by_name("6.18");
	struct engine_random r = { kind };
	uint32_t i;

	for (i = 0; i < BATCH; i++) {
		struct bench_case *c = &cases[i];

		*c = (struct bench_case){ .profile = p, .params.hz = HZ };
		c->params.peer = kinds[kind].peer;
		if (tcptimer_snapshot_init_defaults(p, HZ, kinds[kind].state, &c->s))
			return -1;
		kinds[kind].make(p, &c->s);
		tcptimer_snapshot_set_jiffies(p, HZ, &c->s,
					      (1ull << 32) + random_below(&r, 1u << 20));
	}
	return 0;
}

static int kinds_run(uint32_t snapshots, size_t rounds)
{
	static struct figure deadline, timeline;
	char name[2][96];
	size_t kind, round;

	for (kind = 0; kind < KINDS; kind++) {
		if (kind_fill(kind)) {
			fprintf(stderr, "no snapshot of '%s'\n", kinds[kind].name);
			return 1;
		}
		snprintf(name[0], sizeof(name[0]), "deadline: %s", kinds[kind].name);
		snprintf(name[1], sizeof(name[1]), "timeline: %s", kinds[kind].name);
		deadline = (struct figure){
			.group = "engine", .name = name[0], .unit = "ns", .goal = "< 200"
		};
		timeline = (struct figure){ .group = "engine", .name = name[1], .unit = "ns" };
		deadlines_ns(BATCH);
		for (round = 0; round < rounds; round++) {
			uint32_t left = snapshots / KINDS / BATCH / (uint32_t)rounds + 1;
			uint32_t batches = left;
			double lines = timelines_ns(BATCH), sum = 0;

			while (left--)
				sum += deadlines_ns(BATCH);
			figure_add(&deadline, sum / batches / BATCH);
			figure_add(&timeline, lines / BATCH);
		}
		figure_print(&deadline);
		figure_print(&timeline);
	}
	return 0;
}

/* ---- varied */

static void varied_fill(struct engine_random *r)
{
	static const char *const names[] = { "6.1", "6.12", "6.18", "7.2" };
	uint32_t i = 0;

	while (i < BATCH) {
		struct bench_case *c = &cases[i];

		*c = (struct bench_case){ .profile = tcptimer_profile_by_name(
						  names[random_below(r, 4)]) };
		c->params.hz = random_one_in(r, 2) ? 250 : 1000;
		i += random_snapshot(r, c->profile, c->params.hz, &c->s);
	}
}

static int compare_ns(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define AGAIN 8 /* calls a snapshot, so that reading the clock counts for little */

/* A few of them retransmit thousands of times, which a mean would be all about: percentiles. */
static void varied_batch(double *ret_median, double *ret_p90)
{
	static double ns[BATCH];
	struct tcptimer_deadline deadline;
	uint32_t i, again;

	for (i = 0; i < BATCH; i++) {
		uint64_t start = figure_now_ns();

		for (again = 0; again < AGAIN; again++) {
			if (!tcptimer_engine_deadline(cases[i].profile, &cases[i].params,
						      &cases[i].s, &deadline))
				sink += deadline.at_ms;
		}
		ns[i] = (double)(figure_now_ns() - start) / AGAIN;
	}
	qsort(ns, BATCH, sizeof(*ns), compare_ns);
	*ret_median = ns[BATCH / 2];
	*ret_p90 = ns[BATCH * 9 / 10];
}

static void varied_run(uint32_t snapshots, size_t rounds)
{
	static struct figure figures[] = {
		{ .name = "deadline: varied snapshots, the median one", .goal = "< 200" },
		{ .name = "deadline: varied snapshots, 90 % are below" },
		{ .name = "timeline: varied snapshots, mean" },
	};
	size_t round, i;

	for (round = 0; round < rounds; round++) {
		uint32_t batches = snapshots / BATCH / (uint32_t)rounds + 1, batch;
		struct engine_random r = { round };
		double median = 0, p90 = 0, lines = 0, one, other;

		for (batch = 0; batch < batches; batch++) {
			varied_fill(&r);
			varied_batch(&one, &other);
			median += one;
			p90 += other;
			lines += timelines_ns(BATCH);
		}
		figure_add(&figures[0], median / batches);
		figure_add(&figures[1], p90 / batches);
		figure_add(&figures[2], lines / batches / BATCH);
	}
	for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		figures[i].group = "engine";
		figures[i].unit = "ns";
		figure_print(&figures[i]);
	}
}

/* One kind's deadlines and nothing else: what callgrind counts. */
static int only(size_t kind, uint32_t count)
{
	if (kind >= KINDS || count > BATCH || kind_fill(kind))
		return 2;
	deadlines_ns(count);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t snapshots = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 11;

	if (argc > 3)
		return only(strtoul(argv[3], NULL, 10), snapshots);
	if (!snapshots || !rounds || rounds > FIGURE_ROUNDS_MAX) {
		fprintf(stderr, "bench_engine [SNAPSHOTS [ROUNDS]]: both above 0\n");
		return 2;
	}
	varied_run(snapshots, rounds);
	return kinds_run(snapshots, rounds);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conformance [--random N] [--seed N] [--only TEXT] [--all] [--json FILE] [--snapshots DIR] [--verbose]
 * conformance --list [--all]
 * conformance --merge [--json FILE] [--markdown FILE] [--snapshots DIR] [--all] RUN.json...
 *   --all: on a host too, rows that take long there; in Markdown, a row a scenario. --json -: one marked line on the terminal.
 * Receives options; hands rows to the trials, and their verdicts to the reports and the exit status.
 */
#include <getopt.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "conformance.h"
#include "lib/witness.h"

#define SHRINK_MAX (observe_guest ? 2 : 1) /* disagreements that are made smaller */
#define SHRINK_HELD 60                     /* of those that show early */

struct options {
	const char *only, *json, *markdown, *snapshots;
	unsigned int random;
	uint64_t seed;
	bool list, verbose, all, merge;
};

static struct trial **trials;
static size_t trial_count, trial_size;

static void add(const struct row *row, int family, unsigned int random)
{
	struct trial *trial = malloc(sizeof(*trial));

	if (trial_count == trial_size) {
		trial_size = trial_size ? 2 * trial_size : 64;
		trials = realloc(trials, trial_size * sizeof(trials[0]));
	}
	if (!trial || !trials || !trial_init(trial, row, family)) {
		fprintf(stderr, "conformance: \"%s\": too long\n", row->name);
		exit(1);
	}
	trial->random = random;
	trials[trial_count++] = trial;
}

static void add_row(const struct row *row, unsigned int random)
{
	if (row->families & FAMILY_4)
		add(row, AF_INET, random);
	if (row->families & FAMILY_6)
		add(row, AF_INET6, random);
}

static void add_rows(const struct options *o)
{
	const struct row *row;
	struct row drawn;
	unsigned int i;
	size_t at;

	for (at = 0; (row = row_at(at)); at++)
		if ((o->all || observe_guest || row->host) &&
		    (!o->only || strstr(row->name, o->only)))
			add_row(row, 0);
	for (i = 1; i <= o->random; i++) {
		random_row(o->seed, i, &drawn);
		add_row(&drawn, i);
	}
}

static void parse(int argc, char **argv, struct options *o)
{
	/* clang-format off */
	static const struct option longs[] = {
		{ "random", required_argument, NULL, 'r' },  { "seed", required_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },    { "json", required_argument, NULL, 'j' },
		{ "markdown", required_argument, NULL, 'm' }, { "list", no_argument, NULL, 'l' },
		{ "snapshots", required_argument, NULL, 'd' }, { "verbose", no_argument, NULL, 'v' },
		{ "all", no_argument, NULL, 'a' },           { "merge", no_argument, NULL, 'g' },
		{ NULL, 0, NULL, 0 },
	};
	/* clang-format on */
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		/* clang-format off */
		switch (c) {
		case 'r': o->random = (unsigned int)strtoul(optarg, NULL, 0); break;
		case 's': o->seed = strtoull(optarg, NULL, 0); break;
		case 'o': o->only = optarg; break;
		case 'j': o->json = optarg; break;
		case 'm': o->markdown = optarg; break;
		case 'd': o->snapshots = optarg; break;
		case 'l': o->list = true; break;
		case 'v': o->verbose = true; break;
		case 'a': o->all = true; break;
		case 'g': o->merge = true; break;
		default: exit(2);
		}
		/* clang-format on */
	}
}

static int conclude(const struct options *o, double seconds, size_t *ret_passed, size_t *ret_failed)
{
	size_t i, sums[4] = { 0 }, drawn = 0, events = 0, cut = 0, over = 0;
	int64_t worst = 0;
	uint32_t late = 0;

	for (i = 0; i < trial_count; i++) {
		const struct trial *t = trials[i];

		sums[t->verdict]++;
		drawn += t->random != 0;
		events += t->held + t->checks;
		cut += t->cut;
		over += t->random && t->verdict == VERDICT_SKIPPED;
		if (t->verdict == VERDICT_PASSED && llabs(t->worst) > llabs(worst))
			worst = t->worst;
		if (t->worst_late > late)
			late = t->worst_late;
		if (t->verdict == VERDICT_FAILED)
			report_disagreement(stdout, t, o->snapshots);
	}
	printf("\nkernel %s, HZ %u, %s; %zu scenarios (%zu of them random, seed %llu), %zu events held\n",
	       observe_profile.name, observe_hz, observe_guest ? "virtual time" : "real time",
	       trial_count, drawn, (unsigned long long)o->seed, events);
	printf("worst error of those passed %lld jiffies, latest firing %u jiffies; events lost %llu, programs left out %llu times; %.1f s\n",
	       (long long)worst, late, (unsigned long long)(observe_lost() + observe_unseen()),
	       (unsigned long long)observe_missed(), seconds);
	if (observe_lost() || (observe_guest && observe_unseen())) {
		printf("events were lost: nothing is proven\n");
		sums[VERDICT_FAILED]++;
	}
	printf("%zu skipped: this kernel lacks what they take; of the draws, %zu were over before their moment or outran an answer, %zu not followed to their end (%u events, or three hours)\n",
	       sums[VERDICT_SKIPPED] - over, over, cut, HOLD_DRAWN_EVENTS);
	*ret_passed = sums[VERDICT_PASSED];
	*ret_failed = sums[VERDICT_FAILED];
	return sums[VERDICT_FAILED] ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 }; /* some four a trial */
	struct options o = { .seed = 1 };
	uint64_t begin = observe_ns();
	size_t i, passed, failed, again;
	unsigned int shrunk = 0;
	double seconds;
	int status;

	parse(argc, argv, &o);
	if (o.merge)
		return merge_runs(argv + optind, (size_t)(argc - optind),
				  &(struct merge_options){ o.json, o.markdown, o.snapshots,
							   o.all });
	setrlimit(RLIMIT_NOFILE, &files);
	setvbuf(stdout, NULL, _IOLBF, 0);
	netns_remember_first();
	observe_identify();
	add_rows(&o);
	if (o.list) {
		for (i = 0; i < trial_count; i++)
			printf("%s\t%s\t%s\n", trials[i]->name, trials[i]->settings,
			       trials[i]->play);
		return 0;
	}
	if (!observe_guest && !witness_start())
		printf("no witness of what this kernel runs no BPF program for: every failure stands\n");
	run_trials(trials, trial_count, observe_guest ? RUN_GUEST_S : RUN_HOST_S);
	again = observe_guest ? 0 : again_run(trials, trial_count);
	seconds = (double)(observe_ns() - begin) / 1e9;
	report_table(stdout, trials, trial_count, o.verbose);
	if (!observe_guest)
		printf("%zu run again: the kernel ran no BPF program at %llu timers\n", again,
		       (unsigned long long)witness_missed());
	status = conclude(&o, seconds, &passed, &failed);
	if (o.json && !report_json(o.json, trials, trial_count, o.seed, seconds))
		fprintf(stderr, "conformance: %s can't be written\n", o.json);
	/* What this program does last may take long: all else is told by now. */
	for (i = 0; i < trial_count && shrunk < SHRINK_MAX; i++)
		if (trials[i]->random && trials[i]->verdict == VERDICT_FAILED &&
		    trials[i]->held < SHRINK_HELD) {
			random_shrink(trials[i]);
			shrunk++;
		}
	witness_stop();
	printf("%zu passed, %zu failed\n", passed, failed);
	return status;
}

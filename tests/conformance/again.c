// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disagreements that a host's kernel may have brought about by leaving BPF programs out.
 * Receives trials with verdicts; hands those, run once more, back in their places.
 *
 * Some kernels run no BPF program while certain tasks are current (tests/lib/witness.h), so that the
 * trace misses a firing. A trial that failed is run again if, and only if, the witness counted that
 * while it ran, or the trace itself found that it had missed something. A disagreement that came when
 * nothing was missed stands, and so does one that comes back in the same words again and again.
 */
#include <stdlib.h>
#include "conformance.h"
#include "lib/witness.h"

#define AGAIN_TRIES 8
#define AGAIN_SAME 3 /* a firing that is missed each time makes the same words, too */
#define AGAIN_LIMIT_S 40

static uint64_t unseen_now(void)
{
	return witness_missed() + observe_unseen();
}

void again_begin(struct trial *trial)
{
	if (!observe_guest)
		trial->unseen = unseen_now();
}

/* Counter and ring are not read at one and the same moment: what is missing is missing a moment later. */
void again_end(struct trial *trial)
{
	uint64_t first, second;

	if (observe_guest || trial->verdict != VERDICT_FAILED)
		return;
	first = unseen_now();
	sleep_ms(1);
	second = unseen_now();
	if (second < first)
		first = second;
	trial->unseen = first > trial->unseen ? first - trial->unseen : 0;
}

static struct trial *again_copy(const struct trial *old)
{
	struct trial *trial = malloc(sizeof(*trial));

	if (trial && !trial_vary(trial, old, old->settings, old->play)) {
		free(trial);
		return NULL;
	}
	return trial;
}

static bool again_wanted(const struct trial *trial)
{
	return trial->verdict == VERDICT_FAILED && trial->unseen && trial->repeated < AGAIN_SAME;
}

/* The trials that are to run again, each with its place. */
static size_t again_collect(struct trial **trials, size_t count, struct trial **ret_again,
			    size_t *ret_places)
{
	size_t i, found = 0;

	for (i = 0; i < count; i++) {
		if (!again_wanted(trials[i]))
			continue;
		ret_again[found] = again_copy(trials[i]);
		if (!ret_again[found])
			continue;
		printf("%s: %s; meanwhile %llu events were seen by no BPF program: once more\n",
		       trials[i]->name, trials[i]->reason, (unsigned long long)trials[i]->unseen);
		trial_down(trials[i]);
		ret_places[found++] = i;
	}
	return found;
}

size_t again_run(struct trial **trials, size_t count)
{
	struct trial **again = calloc(count, sizeof(trials[0]));
	size_t *places = calloc(count, sizeof(places[0]));
	size_t sum = 0, found, i;
	unsigned int tries;

	for (tries = 1; again && places && tries < AGAIN_TRIES; tries++) {
		found = again_collect(trials, count, again, places);
		if (!found)
			break;
		run_trials(again, found, AGAIN_LIMIT_S);
		for (i = 0; i < found; i++) {
			struct trial *old = trials[places[i]];

			again[i]->repeated =
				strcmp(again[i]->reason, old->reason) ? 0 : old->repeated + 1;
			trials[places[i]] = again[i];
			free(old);
		}
		sum += found;
	}
	free(again);
	free(places);
	return sum;
}

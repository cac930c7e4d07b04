// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was foretold of each connection at its last event, to be held against its end.
 * Receives connections with their deadlines, then their ends; hands the drift and its sums. Pure.
 */
#include <stdlib.h>
#include "foretold.h"

struct foretold_slot {
	uint64_t sk; /* 0: free */
	uint64_t at_ns;
	uint32_t settings; /* foretold_settings() when it was foretold */
	enum tcptimer_cause cause;
};

struct foretold {
	struct foretold_slot *slots; /* open addressing, at most half full */
	uint64_t mask;
	uint64_t count;
	struct foretold_sums sums;
};

/* What the application or an administrator can change between the telling and the end, folded. */
static uint32_t foretold_settings(const struct tcptimer_snapshot *s)
{
	const uint32_t limits[] = {
		s->user_timeout_ms,
		s->syn_retries,
		s->rto_max_jiffies,
		s->rto_min_jiffies,
		s->keepalive_time_jiffies,
		s->keepalive_intvl_jiffies,
		s->keepalive_probes,
		(uint32_t)s->linger2_jiffies,
		s->sysctls.retries2,
		s->sysctls.syn_retries,
		s->sysctls.orphan_retries,
		s->sysctls.synack_retries,
		s->flags & (TCPTIMER_F_KEEPOPEN | TCPTIMER_F_DEAD),
	};
	uint32_t hash = 2166136261U; /* FNV-1a over words */
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		hash = (hash ^ limits[i]) * 16777619U;
	return hash;
}

struct foretold *foretold_new(void)
{
	struct foretold *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->mask = 1023;
	f->slots = calloc(f->mask + 1, sizeof(*f->slots));
	if (!f->slots) {
		free(f);
		return NULL;
	}
	return f;
}

void foretold_free(struct foretold *foretold)
{
	if (!foretold)
		return;
	free(foretold->slots);
	free(foretold);
}

static uint64_t foretold_home(const struct foretold *f, uint64_t sk)
{
	return ((sk >> 6) * 0x9e3779b97f4a7c15ULL >> 24) & f->mask;
}

static struct foretold_slot *foretold_slot(const struct foretold *f, uint64_t sk)
{
	uint64_t i = foretold_home(f, sk);

	while (f->slots[i].sk && f->slots[i].sk != sk)
		i = (i + 1) & f->mask;
	return &f->slots[i];
}

static bool foretold_grow(struct foretold *f)
{
	struct foretold bigger = { .mask = f->mask * 2 + 1 };
	uint64_t i;

	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (i = 0; i <= f->mask; i++)
		if (f->slots[i].sk)
			*foretold_slot(&bigger, f->slots[i].sk) = f->slots[i];
	free(f->slots);
	f->slots = bigger.slots;
	f->mask = bigger.mask;
	return true;
}

void foretold_set(struct foretold *foretold, const struct conn *conn, uint64_t now_ns)
{
	uint64_t sk = conn->snap->sk;
	struct foretold_slot *slot;

	if (!conn->has_deadline) {
		foretold_forget(foretold, sk);
		return;
	}
	if (foretold->count * 2 > foretold->mask &&
	    (foretold->count >= FORETOLD_MAX || !foretold_grow(foretold)))
		return;
	slot = foretold_slot(foretold, sk);
	if (!slot->sk)
		foretold->count++;
	slot->sk = sk;
	slot->at_ns = now_ns + (uint64_t)conn->deadline_ms * 1000000;
	slot->settings = foretold_settings(conn->snap);
	/* What max_retries foretells, the kernel does by TCP_USER_TIMEOUT. */
	slot->cause = conn->deadline_cause == TCPTIMER_CAUSE_POLICY ? TCPTIMER_CAUSE_USER_TIMEOUT :
								      conn->deadline_cause;
}

void foretold_forget(struct foretold *foretold, uint64_t sk)
{
	struct foretold_slot *slot = foretold_slot(foretold, sk);
	uint64_t hole = (uint64_t)(slot - foretold->slots), i = hole;

	if (!slot->sk)
		return;
	foretold->count--;
	/* Close the gap: move up what would no longer be found behind it. */
	for (;;) {
		uint64_t home;

		foretold->slots[hole].sk = 0;
		do {
			i = (i + 1) & foretold->mask;
			if (!foretold->slots[i].sk)
				return;
			home = foretold_home(foretold, foretold->slots[i].sk);
		} while (((i - home) & foretold->mask) < ((i - hole) & foretold->mask));
		foretold->slots[hole] = foretold->slots[i];
		hole = i;
	}
}

static int64_t foretold_abs(int64_t value)
{
	return value < 0 ? -value : value;
}

bool foretold_end(struct foretold *foretold, const struct tcptimer_snapshot *snap,
		  enum tcptimer_cause cause, uint64_t now_ns, struct foretold_drift *ret_drift)
{
	struct foretold_slot told = *foretold_slot(foretold, snap->sk);

	foretold_forget(foretold, snap->sk);
	if (!told.sk || told.settings != foretold_settings(snap))
		return false;
	if (cause == TCPTIMER_CAUSE_UNREACHABLE && told.cause != cause)
		return false;
	ret_drift->ms = (int64_t)(now_ns - told.at_ns) / 1000000;
	ret_drift->right_cause = told.cause == cause;
	return true;
}

void foretold_count(struct foretold *foretold, const struct foretold_drift *drift, unsigned int hz)
{
	struct foretold_sums *sums = &foretold->sums;

	sums->ends++;
	sums->right_cause += drift->right_cause;
	sums->in_time += foretold_abs(drift->ms) <= 2 * 1000 / (int64_t)hz;
	if (foretold_abs(drift->ms) > foretold_abs(sums->worst_ms))
		sums->worst_ms = drift->ms;
}

const struct foretold_sums *foretold_sums(const struct foretold *foretold)
{
	return &foretold->sums;
}

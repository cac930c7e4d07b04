// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections by group: the table of groups, what is added to one, and their order.
 * Receives connections and counts; hands groups. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cgroup_name.h"
#include "summary.h"
#include "text.h"

#define SLOTS_FIRST 256 /* a power of two */

struct summary {
	enum summary_by by;
	struct summary_group **slots; /* by hash, open addressing */
	size_t mask;
	const struct summary_group **sorted;
	size_t count;
	struct summary_group total;
};

static const struct {
	const char *word;
} bys[] = {
#define SUMMARY_BY_ROW(name, word, title, one, many) { word },
	SUMMARY_BYS(SUMMARY_BY_ROW)
};

const char *summary_by_word(enum summary_by by)
{
	return bys[by].word;
}

int summary_by_of(const char *word)
{
	for (int i = 0; i < SUMMARY_BY_COUNT; i++)
		if (!strcmp(bys[i].word, word))
			return i;
	return -1;
}

struct summary *summary_new(enum summary_by by)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->by = by;
	s->mask = SLOTS_FIRST - 1;
	s->slots = calloc(SLOTS_FIRST, sizeof(*s->slots));
	if (s->slots)
		return s;
	free(s);
	return NULL;
}

void summary_free(struct summary *s)
{
	if (!s)
		return;
	for (size_t i = 0; i <= s->mask; i++) {
		if (s->slots[i])
			free(s->slots[i]->text);
		free(s->slots[i]);
	}
	free(s->slots);
	free(s->sorted);
	free(s);
}

enum summary_by summary_by(const struct summary *s)
{
	return s->by;
}

/* ---- finding a group ---- */

struct subject {
	const char *text; /* NULL: none */
	unsigned int id;
	char buf[64];
};

static void subject_of(enum summary_by by, const struct conn *conn, struct subject *ret)
{
	const struct tcptimer_snapshot *snap = conn->snap;

	*ret = (struct subject){};
	switch (by) {
	case SUMMARY_BY_NETNS:
		ret->text = conn->netns_name;
		ret->id = snap->netns;
		break;
	case SUMMARY_BY_REMOTE: /* a listener's is 0.0.0.0 or :: */
		ret->text = text_addr(snap->family, snap->remote_addr, ret->buf, sizeof(ret->buf));
		break;
	case SUMMARY_BY_PROCESS:
		ret->text = conn->pid ? conn->comm : NULL;
		ret->id = (unsigned int)conn->pid;
		break;
	case SUMMARY_BY_RULE:
		ret->text = conn->rule;
		break;
	default:
		ret->text = conn->cgroup;
	}
}

static bool is_same(const struct summary_group *group, const struct subject *subject)
{
	if (group->id != subject->id || !group->text != !subject->text)
		return false;
	return !group->text || !strcmp(group->text, subject->text);
}

/* FNV-1a: names come from outside, but a slow table is all that a clash brings about. */
static size_t hash_of(const char *text, unsigned int id)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ id;

	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	return (size_t)(hash ^ hash >> 32);
}

static struct summary_group **slot_of(const struct summary *s, const struct subject *subject)
{
	size_t i = hash_of(subject->text, subject->id) & s->mask;

	while (s->slots[i] && !is_same(s->slots[i], subject))
		i = (i + 1) & s->mask;
	return &s->slots[i];
}

static int grow(struct summary *s)
{
	struct summary bigger = { .mask = s->mask * 2 + 1 };

	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i <= s->mask; i++) {
		struct subject subject;

		if (!s->slots[i])
			continue;
		subject.text = s->slots[i]->text;
		subject.id = s->slots[i]->id;
		*slot_of(&bigger, &subject) = s->slots[i];
	}
	free(s->slots);
	s->slots = bigger.slots;
	s->mask = bigger.mask;
	return 0;
}

static struct summary_group *group_of(struct summary *s, const struct conn *conn)
{
	struct summary_group **slot, *group;
	struct subject subject;

	subject_of(s->by, conn, &subject);
	slot = slot_of(s, &subject);
	if (*slot)
		return *slot;
	if (s->count * 2 > s->mask) {
		if (grow(s))
			return NULL;
		slot = slot_of(s, &subject);
	}
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->id = subject.id;
	if (subject.text && !(group->text = strdup(subject.text))) {
		free(group);
		return NULL;
	}
	*slot = group;
	s->count++;
	return group;
}

/* ---- adding to it ---- */

static void add_deadline(struct summary_group *group, const struct conn *conn)
{
	if (!conn->has_deadline || conn->snap->kind == TCPTIMER_SOCK_TIMEWAIT)
		return;
	histogram_add(&group->deadline, conn->deadline_ms);
	if (group->has_deadline && group->deadline_ms <= conn->deadline_ms)
		return;
	group->has_deadline = true;
	group->deadline_ms = conn->deadline_ms;
	group->deadline_cause = conn->deadline_cause;
}

static void add_conn(struct summary_group *group, const struct conn *conn)
{
	const struct tcptimer_snapshot *snap = conn->snap;
	unsigned int state = snap->state;
	int timer = tcptimer_stall_timer(snap);

	if (state == TCPTIMER_STATE_NEW_SYN_RECV)
		state = TCPTIMER_STATE_SYN_RECV;
	group->sockets++;
	if (state < TCPTIMER_STATE_COUNT)
		group->states[state]++;
	if (timer != TCPTIMER_TIMER_NONE) {
		int64_t age_ms = conn_stall_ms(snap, conn->hz);

		if (!group->stalled || age_ms > group->oldest_ms)
			group->oldest_ms = age_ms;
		group->stalled++;
		group->stalled_on[timer]++;
		histogram_add(&group->stall, age_ms);
	}
	if (snap->kind == TCPTIMER_SOCK_FULL && state != TCPTIMER_STATE_LISTEN &&
	    state != TCPTIMER_STATE_CLOSE)
		histogram_add(&group->rto, (int64_t)snap->rto_jiffies * 1000 / conn->hz);
	add_deadline(group, conn);
}

int summary_add_conn(struct summary *s, const struct conn *conn)
{
	struct summary_group *group = group_of(s, conn);

	if (!group)
		return -ENOMEM;
	add_conn(group, conn);
	add_conn(&s->total, conn);
	return 0;
}

static void add_counts(struct tcptimer_summary_counts *sum,
		       const struct tcptimer_summary_counts *one)
{
	sum->retransmitted += one->retransmitted;
	sum->retransmit_failed += one->retransmit_failed;
	sum->probes += one->probes;
	sum->timeouts += one->timeouts;
	sum->stalls += one->stalls;
	sum->recovered += one->recovered;
	sum->recovered_ms += one->recovered_ms;
	if (one->recovered_max_ms > sum->recovered_max_ms)
		sum->recovered_max_ms = one->recovered_max_ms;
	for (size_t i = 0; i < TCPTIMER_BUCKET_COUNT; i++)
		sum->recovered_hist[i] += one->recovered_hist[i];
	for (size_t i = 0; i < TCPTIMER_CAUSE_COUNT; i++)
		sum->ended[i] += one->ended[i];
}

int summary_add_counts(struct summary *s, const struct conn *who,
		       const struct tcptimer_summary_counts *counts)
{
	struct summary_group *group = group_of(s, who);

	if (!group)
		return -ENOMEM;
	add_counts(&group->counts, counts);
	add_counts(&s->total.counts, counts);
	return 0;
}

/* ---- the order ---- */

uint64_t summary_deaths(const struct tcptimer_summary_counts *counts)
{
	uint64_t deaths = 0;

	for (size_t i = 0; i < TCPTIMER_CAUSE_COUNT; i++)
		if (i != TCPTIMER_CAUSE_CLOSED)
			deaths += counts->ended[i];
	return deaths;
}

static int more_first(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare(const void *left, const void *right)
{
	const struct summary_group *a = *(const struct summary_group *const *)left;
	const struct summary_group *b = *(const struct summary_group *const *)right;
	int order = more_first(a->stalled, b->stalled);

	if (!order)
		order = more_first(summary_deaths(&a->counts), summary_deaths(&b->counts));
	if (!order)
		order = more_first(a->counts.timeouts, b->counts.timeouts);
	if (!order)
		order = more_first(a->counts.retransmitted, b->counts.retransmitted);
	if (!order)
		order = more_first(a->sockets, b->sockets);
	if (!order)
		order = strcmp(a->text ? a->text : "", b->text ? b->text : "");
	return order ? order : (a->id > b->id) - (a->id < b->id);
}

const struct summary_group *const *summary_groups(struct summary *s, size_t *ret_count)
{
	size_t n = 0;

	*ret_count = 0;
	free(s->sorted);
	s->sorted = calloc(s->count + 1, sizeof(*s->sorted));
	if (!s->sorted)
		return NULL;
	for (size_t i = 0; i <= s->mask; i++)
		if (s->slots[i])
			s->sorted[n++] = s->slots[i];
	qsort(s->sorted, n, sizeof(*s->sorted), compare);
	*ret_count = n;
	return s->sorted;
}

const struct summary_group *summary_total(const struct summary *s)
{
	return &s->total;
}

const char *summary_label(enum summary_by by, const struct summary_group *group, bool full,
			  char *buf, size_t size)
{
	char name[256];

	if (!group->text && !(by == SUMMARY_BY_NETNS && group->id))
		return "-";
	switch (by) {
	case SUMMARY_BY_CGROUP:
		return full ? text_escape(group->text, buf, size) :
			      cgroup_name(group->text, buf, size);
	case SUMMARY_BY_NETNS:
		if (!group->text) {
			snprintf(buf, size, "%u", group->id);
			return buf;
		}
		return text_escape(group->text, buf, size);
	case SUMMARY_BY_PROCESS:
		snprintf(buf, size, "%s/%u", text_escape(group->text, name, sizeof(name)),
			 group->id);
		return buf;
	default:
		return text_escape(group->text, buf, size);
	}
}

const char *summary_ended_text(const struct tcptimer_summary_counts *counts, char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "-");
	for (unsigned int i = 0; i < TCPTIMER_CAUSE_COUNT && used < size; i++)
		if (counts->ended[i])
			used += (size_t)snprintf(buf + used, size - used, "%s%s %llu",
						 used ? ", " : "",
						 i ? tcptimer_cause_name(i) : "unknown",
						 (unsigned long long)counts->ended[i]);
	return buf;
}

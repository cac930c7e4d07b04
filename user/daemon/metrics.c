// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics: what there is to tell. Sockets are looked at when somebody asks, and not more often than a
 * bounded part of the time.
 * Receives snapshots, counters of rules and of the trace; hands a page of text to metrics_http.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include "daemon/daemon_impl.h"
#include "glob.h"
#include "kernel/kernel.h"
#include "kernel/rules.h"
#include "metrics_page.h"
#include "text.h"

#define MADE_NS UINT64_C(1000000000) /* a page is answered again for so long */
/* The next look at the sockets is this many times further away than the last one took. */
#define LOOK_SHARE 20
#define RULE_NUMBERS (2 * TCPTIMER_POLICY_RULES) /* of both banks */
#define IDS_MAX (1U << 20)                       /* stalled sockets whose cgroups are told apart */

struct metrics_id {
	uint64_t id;
	bool named; /* by a rule or an option */
};

struct metrics {
	struct daemon *d;
	struct snapshot_reader reader;
	char release[64];

	uint64_t looked_ns, cost_ns; /* the last look at the sockets: when it ended, what it took */
	bool looked;
	struct metrics_sockets sockets;
	uint64_t by_number[RULE_NUMBERS]; /* sockets by their rule's place in the map */

	struct metrics_cgroups cgroups;
	uint64_t *ids; /* of each stalled socket's cgroup */
	size_t id_count, id_room;
	struct metrics_id *known; /* sorted; of the last look */
	size_t known_count;

	struct {
		char *text;
		size_t size;
		uint64_t made_ns; /* 0: not yet */
	} pages[2];
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- cgroups ---- */

static bool is_named(const struct metrics *m, const char *path)
{
	const struct daemon_options *o = m->d->options;
	const struct policy *policy = &m->d->running.policy;

	for (size_t i = 0; i < o->metrics_cgroup_count; i++)
		if (glob_match(o->metrics_cgroups[i], path))
			return true;
	/* A rule without patterns takes sockets of any cgroup, and names none. */
	for (size_t i = 0; i < policy->count; i++)
		for (size_t j = 0; j < policy->rules[i].cgroup_count; j++)
			if (glob_match(policy->rules[i].cgroup[j].pattern, path))
				return true;
	return false;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int by_id(const void *a, const void *b)
{
	return by_number(&((const struct metrics_id *)a)->id, &((const struct metrics_id *)b)->id);
}

static void note_cgroup(struct metrics *m, uint64_t id)
{
	size_t room = m->id_room ? m->id_room * 2 : 1024;
	uint64_t *ids;

	if (m->id_count == m->id_room) {
		ids = room > IDS_MAX ? NULL : realloc(m->ids, room * sizeof(*ids));
		if (!ids) {
			metrics_cgroups_add(&m->cgroups, NULL, 1, 0);
			return;
		}
		m->ids = ids;
		m->id_room = room;
	}
	m->ids[m->id_count++] = id;
}

/* Each cgroup is held against the patterns once, not once a socket and look. */
static void count_cgroups(struct metrics *m, int64_t now_s)
{
	struct metrics_id *known = m->id_count ? calloc(m->id_count, sizeof(*known)) : NULL;
	size_t count = 0, end;

	if (m->id_count)
		qsort(m->ids, m->id_count, sizeof(*m->ids), by_number);
	for (size_t i = 0; i < m->id_count; i = end) {
		struct metrics_id id = { m->ids[i], false }, *before = NULL;
		const char *path = cgroups_path(id.id);

		for (end = i; end < m->id_count && m->ids[end] == id.id;)
			end++;
		if (m->known_count)
			before = bsearch(&id, m->known, m->known_count, sizeof(id), by_id);
		id.named = before ? before->named : path && is_named(m, path);
		metrics_cgroups_add(&m->cgroups, id.named ? path : NULL, end - i, now_s);
		if (known)
			known[count++] = id;
	}
	free(m->known);
	m->known = known;
	m->known_count = count;
}

/* ---- sockets ---- */

static int take_socket(const struct tcptimer_snapshot *snap, void *arg)
{
	struct metrics *m = arg;
	unsigned int number = snap->policy & TCPTIMER_POLICY_RULE;

	if (metrics_sockets_add(&m->sockets, snap, m->d->names.hz))
		note_cgroup(m, snap->cgroup_id);
	if (number && number <= RULE_NUMBERS)
		m->by_number[number - 1]++;
	return 0;
}

static int open_reader(struct metrics *m)
{
	const struct snapshot_options options = { .states = ~0U };

	return snapshots_open(&m->reader, &options);
}

static void look(struct metrics *m)
{
	uint64_t start_ns = monotonic_ns();
	int64_t now_s = (int64_t)(start_ns / 1000000000);
	char safe[512];
	int err;

	memset(&m->sockets, 0, sizeof(m->sockets));
	memset(m->by_number, 0, sizeof(m->by_number));
	m->id_count = 0;
	metrics_cgroups_begin(&m->cgroups);
	err = m->reader.bpf ? 0 : open_reader(m);
	if (!err)
		err = snapshots_read(&m->reader, take_socket, m);
	count_cgroups(m, now_s);
	metrics_cgroups_end(&m->cgroups, now_s);
	m->looked = !err;
	m->looked_ns = monotonic_ns();
	m->cost_ns = m->looked_ns - start_ns;
	if (err)
		log_line(LOG_SOURCE_CLIENTS, LOG_WARNING, NULL, 0,
			 "metrics: reading the sockets: %s%s%s", strerror(-err),
			 kernel_error()[0] ? ": " : "",
			 text_escape(kernel_error(), safe, sizeof(safe)));
}

/* ---- rules ---- */

/* Sockets by the names of rules: the number of a rule differs between the banks. */
static void count_rules(struct metrics *m, struct metrics_rule *rules, size_t count)
{
	for (uint32_t number = 1; number <= RULE_NUMBERS; number++) {
		const char *name = m->by_number[number - 1] ? rules_name(number) : NULL;

		for (size_t i = 0; name && i < count; i++) {
			if (!strcmp(rules[i].name, name)) {
				rules[i].sockets += m->by_number[number - 1];
				break;
			}
		}
	}
}

/* The names are the running policy's: what is in force without one is counted by none. */
static size_t take_rules(struct metrics *m, struct metrics_rule rules[TCPTIMER_POLICY_RULES])
{
	const struct policy *policy = &m->d->running.policy;
	size_t count = 0;

	if (!m->d->enforce || !m->d->known)
		return 0;
	for (size_t i = 0; i < policy->count && i < TCPTIMER_POLICY_RULES; i++) {
		struct metrics_rule *rule = &rules[count];

		*rule = (struct metrics_rule){ .name = policy->rules[i].name };
		if (!enforce_counters(m->d->enforce, i, &rule->counters))
			count++;
	}
	count_rules(m, rules, count);
	return count;
}

/* ---- the page ---- */

static int make(struct metrics *m, bool openmetrics)
{
	const struct daemon *d = m->d;
	struct metrics_rule rules[TCPTIMER_POLICY_RULES];
	struct metrics_loss losses[TRACE_WATCH_LOSSES];
	struct metrics_page page = {
		.version = TCPTIMER_VERSION,
		.kernel = m->release,
		.profile = d->names.profile.name,
		.sockets = m->looked ? &m->sockets : NULL,
		.cgroups = &m->cgroups,
		.cost_ms = (int64_t)(m->cost_ns / 1000000),
		.digest = !d->enforce ? NULL :
			  d->known    ? d->digest :
					"unknown",
		.rules = rules,
	};

	page.rule_count = take_rules(m, rules);
	trace_watch_metrics(d->trace, &page, losses);
	return metrics_page_make(&page, openmetrics, &m->pages[openmetrics].text,
				 &m->pages[openmetrics].size);
}

const char *metrics_text_of(struct metrics *metrics, bool openmetrics, size_t *ret_size)
{
	uint64_t now_ns = monotonic_ns(), rest_ns = LOOK_SHARE * metrics->cost_ns;
	bool fresh = metrics->pages[openmetrics].text &&
		     now_ns - metrics->pages[openmetrics].made_ns < MADE_NS;

	if (!fresh) {
		free(metrics->pages[openmetrics].text);
		metrics->pages[openmetrics].text = NULL;
		if (!metrics->looked_ns ||
		    now_ns - metrics->looked_ns >= (rest_ns > MADE_NS ? rest_ns : MADE_NS))
			look(metrics);
		if (make(metrics, openmetrics)) {
			metrics->pages[openmetrics].text = NULL;
			return NULL;
		}
		metrics->pages[openmetrics].made_ns = monotonic_ns();
	}
	*ret_size = metrics->pages[openmetrics].size;
	return metrics->pages[openmetrics].text;
}

/* ---- its life ---- */

int metrics_new(struct daemon *d, struct metrics **ret_metrics)
{
	struct metrics *m = calloc(1, sizeof(*m));
	struct utsname uts;
	char safe[512];
	int err = -ENOMEM;

	if (m) {
		m->d = d;
		if (!uname(&uts))
			text_escape(uts.release, m->release, sizeof(m->release));
		err = metrics_cgroups_init(&m->cgroups, d->options->metrics_cgroups_max);
	}
	if (!err)
		err = open_reader(m);
	if (err) {
		log_error("metrics: %s%s%s", strerror(-err), kernel_error()[0] ? ": " : "",
			  text_escape(kernel_error(), safe, sizeof(safe)));
		metrics_free(m);
		return err;
	}
	*ret_metrics = m;
	return 0;
}

void metrics_policy(struct metrics *metrics, bool new_pins)
{
	if (!metrics)
		return;
	/* Other patterns, and other rules: the next scrape looks anew. */
	metrics->known_count = 0;
	memset(metrics->by_number, 0, sizeof(metrics->by_number));
	metrics->looked_ns = metrics->cost_ns = 0;
	for (size_t i = 0; i < 2; i++) {
		free(metrics->pages[i].text);
		metrics->pages[i].text = NULL;
	}
	/* Which rule a socket has stands in a pinned map: the program takes the new one. */
	if (new_pins && metrics->reader.bpf)
		snapshots_close(&metrics->reader);
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	if (metrics->reader.bpf)
		snapshots_close(&metrics->reader);
	metrics_cgroups_free(&metrics->cgroups);
	free(metrics->ids);
	free(metrics->known);
	for (size_t i = 0; i < 2; i++)
		free(metrics->pages[i].text);
	free(metrics);
}

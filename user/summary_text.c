// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A summary as text: a heading over everything, a line for each group, bars.
 * Receives groups; hands lines to a stream. Pure but for that stream.
 */
#include <errno.h>
#include <string.h>
#include "summary.h"
#include "text.h"

#define LIST_SIZE 256
#define NAME_SIZE 512

static const struct {
	const char *title, *one, *many;
} bys[] = {
#define SUMMARY_BY_ROW(name, word, title, one, many) { title, one, many },
	SUMMARY_BYS(SUMMARY_BY_ROW)
};

/* The order of the cells in print_row(); counts are left out of a snapshot. */
static const struct text_column columns[] = {
	{ NULL, TEXT_LEFT | TEXT_SHRINK, 16 }, /* by what */
	{ "SOCKETS", TEXT_RIGHT, 7 },
	{ "STALLED", TEXT_RIGHT, 7 },
	{ "HOW", TEXT_LEFT | TEXT_SHRINK, 9 },
	{ "OLDEST", TEXT_RIGHT, 6 },
	{ "DEADLINE", TEXT_RIGHT, 8 },
	{ "CAUSE", TEXT_LEFT, 7 },
	{ "RETRANS/S", TEXT_RIGHT, 9 },
	{ "PROBES/S", TEXT_RIGHT, 8 },
	{ "TIMEOUTS/S", TEXT_RIGHT, 10 },
	{ "RECOVERED", TEXT_LEFT, 9 },
	{ "ENDED", TEXT_LEFT | TEXT_SHRINK, 7 },
	{ "STATES", TEXT_LEFT | TEXT_SHRINK, 12 },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define COUNTS_FIRST 7
#define COUNTS_COLUMNS 5

static const char *how_text(const struct summary_group *group, char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "-");
	for (unsigned int i = 0; i < TCPTIMER_TIMER_COUNT && used < size; i++)
		if (group->stalled_on[i])
			used += (size_t)snprintf(buf + used, size - used, "%s%llu %s",
						 used ? ", " : "",
						 (unsigned long long)group->stalled_on[i],
						 tcptimer_timer_name(i));
	return buf;
}

static const char *states_text(const struct summary_group *group, char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "-");
	for (unsigned int i = 0; i < TCPTIMER_STATE_COUNT && used < size; i++)
		if (group->states[i])
			used += (size_t)snprintf(buf + used, size - used, "%s%llu %s",
						 used ? ", " : "",
						 (unsigned long long)group->states[i],
						 tcptimer_state_name(i));
	return buf;
}

static const char *rate_text(uint64_t count, int64_t interval_ms, char *buf, size_t size)
{
	double rate = (double)count * 1000 / (double)interval_ms;

	if (!count)
		return "-";
	snprintf(buf, size, rate < 10 ? "%.2f" : "%.0f", rate);
	return buf;
}

/* "3, mean 1.2s, at most 2.5s" */
static const char *recovered_text(const struct tcptimer_summary_counts *c, char *buf, size_t size)
{
	char mean[24], most[24];

	if (!c->recovered)
		return "-";
	text_span((int64_t)(c->recovered_ms / c->recovered), mean, sizeof(mean));
	text_span((int64_t)c->recovered_max_ms, most, sizeof(most));
	if (c->recovered == 1)
		snprintf(buf, size, "1 after %s", most);
	else
		snprintf(buf, size, "%llu after %s, at most %s", (unsigned long long)c->recovered,
			 mean, most);
	return buf;
}

static int print_row(struct text_table *table, enum summary_by by,
		     const struct summary_group *group, const struct summary_show *show)
{
	const struct tcptimer_summary_counts *c = &group->counts;
	char name[NAME_SIZE], sockets[24], stalled[24], how[LIST_SIZE], oldest[24], deadline[24];
	char retrans[24], probes[24], timeouts[24], recovered[96], ended[LIST_SIZE];
	char states[LIST_SIZE];
	const char *cells[COLUMNS];
	size_t n = 0;

	snprintf(sockets, sizeof(sockets), "%llu", (unsigned long long)group->sockets);
	snprintf(stalled, sizeof(stalled), "%llu", (unsigned long long)group->stalled);
	cells[n++] = summary_label(by, group, show->full, name, sizeof(name));
	cells[n++] = sockets;
	cells[n++] = stalled;
	cells[n++] = how_text(group, how, sizeof(how));
	cells[n++] = group->stalled ? text_span(group->oldest_ms, oldest, sizeof(oldest)) : "-";
	cells[n++] = group->has_deadline ?
			     text_span(group->deadline_ms, deadline, sizeof(deadline)) :
			     "-";
	cells[n++] = group->has_deadline ? tcptimer_cause_name(group->deadline_cause) : "-";
	if (show->interval_ms) {
		cells[n++] =
			rate_text(c->retransmitted, show->interval_ms, retrans, sizeof(retrans));
		cells[n++] = rate_text(c->probes, show->interval_ms, probes, sizeof(probes));
		cells[n++] = rate_text(c->timeouts, show->interval_ms, timeouts, sizeof(timeouts));
		cells[n++] = recovered_text(c, recovered, sizeof(recovered));
		cells[n++] = summary_ended_text(c, ended, sizeof(ended));
	}
	cells[n++] = states_text(group, states, sizeof(states));
	return text_table_row(table, cells);
}

static int print_table(enum summary_by by, const struct summary_group *const *groups, size_t count,
		       const struct summary_show *show, FILE *out)
{
	struct text_column shown[COLUMNS];
	struct text_table *table;
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		if (show->interval_ms || i < COUNTS_FIRST || i >= COUNTS_FIRST + COUNTS_COLUMNS)
			shown[n++] = columns[i];
	shown[0].header = bys[by].title;
	table = text_table_new(out, shown, n, show->width, 1);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = print_row(table, by, groups[i], show);
	return text_table_end(table) ? -EIO : err;
}

static void print_heading(enum summary_by by, const struct summary_group *total, size_t groups,
			  const struct summary_show *show, FILE *out)
{
	char how[LIST_SIZE], ended[LIST_SIZE], span[24];

	fprintf(out, "%s  %llu socket%s in %zu %s, %llu stalled", show->when,
		(unsigned long long)total->sockets, total->sockets == 1 ? "" : "s", groups,
		groups == 1 ? bys[by].one : bys[by].many, (unsigned long long)total->stalled);
	if (total->stalled)
		fprintf(out, " (%s)", how_text(total, how, sizeof(how)));
	if (show->interval_ms)
		fprintf(out, "; in %s %llu ended (%s), %llu lost",
			text_span(show->interval_ms, span, sizeof(span)),
			(unsigned long long)(summary_deaths(&total->counts) +
					     total->counts.ended[TCPTIMER_CAUSE_CLOSED]),
			summary_ended_text(&total->counts, ended, sizeof(ended)),
			(unsigned long long)show->lost);
	fputc('\n', out);
}

static int print_bars(enum summary_by by, const struct summary_group *group,
		      const struct summary_show *show, FILE *out)
{
	struct histogram recovered = {};
	char name[NAME_SIZE];
	int err = 0;

	histogram_merge(&recovered, group->counts.recovered_hist);
	if (!histogram_total(&group->rto) && !histogram_total(&group->stall) &&
	    !histogram_total(&group->deadline) && !histogram_total(&recovered))
		return 0;
	fprintf(out, "\n%s\n", summary_label(by, group, show->full, name, sizeof(name)));
	err = histogram_print(&group->rto, "rto", show->width, out);
	if (!err)
		err = histogram_print(&group->stall, "stalled", show->width, out);
	if (!err)
		err = histogram_print(&group->deadline, "deadline", show->width, out);
	if (!err)
		err = histogram_print(&recovered, "recovered", show->width, out);
	return err;
}

int summary_print(struct summary *s, const struct summary_show *show, FILE *out)
{
	enum summary_by by = summary_by(s);
	const struct summary_group *const *groups;
	size_t count;
	int err = 0;

	groups = summary_groups(s, &count);
	if (!groups)
		return -ENOMEM;
	print_heading(by, summary_total(s), count, show, out);
	if (count)
		err = print_table(by, groups, count, show, out);
	for (size_t i = 0; show->histogram && !err && i < count; i++)
		err = print_bars(by, groups[i], show, out);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of scenarios: adding one is adding a row. Words: settings.c and play.c.
 * Hands rows to main.c and run.c.
 */
#include "conformance.h"

static const struct row rows_first[] = {
	{ "syn: unanswered, syn_retries=1", TCPTIMER_TIMER_SYN, FAMILY_BOTH, true, 0,
	  "syn_retries=1", "syn snap" },
	{ "retrans: retries2=3", TCPTIMER_TIMER_RETRANS, FAMILY_BOTH, true, 0,
	  "retries2=3 sack=0", "connect send=1 snap" },
	{ "probe0: retries2=3, unanswered", TCPTIMER_TIMER_PROBE0, FAMILY_4, true, 0,
	  "retries2=3", "connect send=1 win=0 send=10 snap" },
	{ "keepalive: 1/1/3", TCPTIMER_TIMER_KEEPALIVE, FAMILY_4, true, 0,
	  "KEEPALIVE=1 KEEPIDLE=1 KEEPINTVL=1 KEEPCNT=3", "connect snap" },
	{ "synack: unanswered, synack_retries=1", TCPTIMER_TIMER_SYNACK, FAMILY_4, true, 0,
	  "synack_retries=1", "listen half snap" },
};

const struct row_table row_tables[] = {
	{ rows_first, sizeof(rows_first) / sizeof(rows_first[0]) },
};

const size_t row_table_count = sizeof(row_tables) / sizeof(row_tables[0]);

const struct row *row_at(size_t index)
{
	size_t i;

	for (i = 0; i < row_table_count; i++) {
		if (index < row_tables[i].count)
			return &row_tables[i].rows[index];
		index -= row_tables[i].count;
	}
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios side by side: each one a process of its own, reported as one cmocka test.
 * Receives a table of scenarios; hands cmocka's verdicts to the terminal.
 */
#ifndef TCPTIMER_TEST_SCENARIO_H
#define TCPTIMER_TEST_SCENARIO_H

#include <stddef.h>

struct scenario {
	const char *name;
	void (*run)(const struct scenario *scenario);
	int family; /* AF_INET, AF_INET6; 0: the scenario has none */
	long arg;
};

/* Rows for both families. */
#define SCENARIO_BOTH(name_, run_, arg_)                                                           \
	{ name_ " IPv4", run_, AF_INET, arg_ },                                                    \
	{                                                                                          \
		name_ " IPv6", run_, AF_INET6, arg_                                                \
	}

/*
 * Run all as a cmocka group, `parallel` at a time, longest first in the table. With `schema`, a last
 * test holds every JSON line that any scenario read against contrib/schema/SCHEMA.
 * Returns what main() returns. Environment SCENARIO: only those whose name contains it.
 */
int scenario_main(const char *group, const struct scenario *scenarios, size_t count,
		  unsigned int parallel, const char *schema);

struct tool;
/* Hold the JSON lines of a file against contrib/schema/SCHEMA; status 0, or 77 when it can't be done. */
void schema_hold(struct tool *ret_tool, const char *schema, int fd);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rule hides a later one: proofs that every socket of the one is a socket of the other.
 * Receives rules; hands true only where it is certain. Pure.
 */
#include <stdio.h>
#include <string.h>
#include "glob.h"
#include "policy/policy.h"

/* What matches everything below what it matches: all patterns that end in "**" as a whole name. */
static bool glob_is_closed(const char *pattern)
{
	size_t length = strlen(pattern);

	return !strcmp(pattern, "**") || (length >= 3 && !strcmp(pattern + length - 3, "/**"));
}

/*
 * `covered` read as a path, its stars as characters: no plain character of a pattern is a star, so a
 * star was taken by a star of `pattern`, which takes whatever that star stands for as well. So much for
 * `*`. A `**` may stand for slashes too: then only a pattern that is closed downwards will do, and it
 * has to match all that stands before the `**`, without its slash: that is matched itself.
 */
bool policy_glob_covers(const char *pattern, const char *covered)
{
	const char *deep = strstr(covered, "**");
	char head[GLOB_MAX + 2];
	size_t length;

	if (!strcmp(pattern, covered) || !strcmp(pattern, "**") || !strcmp(pattern, "/**"))
		return true;
	if (strlen(covered) > GLOB_MAX || strlen(pattern) > GLOB_MAX)
		return false;
	if (!deep)
		return glob_match(pattern, covered);
	if (!glob_is_closed(pattern))
		return false;
	length = (size_t)(deep - covered);
	memcpy(head, covered, length);
	if (length && head[length - 1] == '/')
		length--;
	else
		head[length++] = '*';
	head[length] = '\0';
	return length && glob_match(pattern, head);
}

static bool cgroups_cover(const struct policy_rule *a, const struct policy_rule *b)
{
	if (!a->cgroup_count)
		return true;
	for (unsigned int i = 0; i < b->cgroup_count; i++) {
		unsigned int j = 0;

		while (j < a->cgroup_count &&
		       !policy_glob_covers(a->cgroup[j].pattern, b->cgroup[i].pattern))
			j++;
		if (j == a->cgroup_count)
			return false;
	}
	return b->cgroup_count > 0;
}

bool policy_cidr_covers(const struct policy_cidr *a, const struct policy_cidr *b)
{
	unsigned int rest = a->bits % 8;

	if (a->family != b->family || a->bits > b->bits || memcmp(a->addr, b->addr, a->bits / 8))
		return false;
	return !rest || !((a->addr[a->bits / 8] ^ b->addr[a->bits / 8]) & (0xff00u >> rest) & 0xff);
}

static bool cidrs_cover(const struct policy_cidr *a, unsigned int a_count,
			const struct policy_cidr *b, unsigned int b_count)
{
	if (!a_count)
		return true;
	for (unsigned int i = 0; i < b_count; i++) {
		unsigned int j = 0;

		while (j < a_count && !policy_cidr_covers(&a[j], &b[i]))
			j++;
		if (j == a_count)
			return false;
	}
	return b_count > 0;
}

/* The last port that a run of ranges covers without a gap from `first` on; 0 when none has it. */
static unsigned int ports_reach(const struct policy_ports *a, unsigned int count,
				unsigned int first)
{
	unsigned int reach = first - 1;
	bool grown;

	do {
		grown = false;
		for (unsigned int i = 0; i < count; i++) {
			if (a[i].first <= reach + 1 && a[i].last > reach) {
				reach = a[i].last;
				grown = true;
			}
		}
	} while (grown);
	return reach >= first ? reach : 0;
}

static bool ports_cover(const struct policy_ports *a, unsigned int a_count,
			const struct policy_ports *b, unsigned int b_count)
{
	if (!a_count)
		return true;
	for (unsigned int i = 0; i < b_count; i++)
		if (ports_reach(a, a_count, b[i].first) < b[i].last)
			return false;
	return b_count > 0;
}

bool policy_rule_covers(const struct policy_rule *a, const struct policy_rule *b)
{
	return (a->direction == POLICY_ANY || a->direction == b->direction) &&
	       ports_cover(a->remote_port, a->remote_port_count, b->remote_port,
			   b->remote_port_count) &&
	       ports_cover(a->local_port, a->local_port_count, b->local_port,
			   b->local_port_count) &&
	       cidrs_cover(a->remote, a->remote_count, b->remote, b->remote_count) &&
	       cidrs_cover(a->local, a->local_count, b->local, b->local_count) &&
	       cgroups_cover(a, b);
}

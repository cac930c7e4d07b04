// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules that can't match what they look like: hidden ones, elements that add nothing, odd ports.
 * Receives a rule and those before it; hands findings. Pure.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include "policy/policy_lint_impl.h"
#include "text.h"

#define ELEMENT_SIZE 128

static void lint_hidden(struct lint *lint, const struct policy_rule *rule)
{
	const struct policy_rule *before = lint->policy->rules;
	char file[96];

	for (; before < rule; before++) {
		if (!policy_rule_covers(before, rule))
			continue;
		policy_report_add(lint->report, POLICY_WARNING, "hidden-rule", rule->file,
				  rule->pos, rule->name,
				  "this rule never applies: '%s' (%s:%u) stands before it and "
				  "matches all that it does",
				  before->name, text_escape(before->file, file, sizeof(file)),
				  before->pos.line);
		return;
	}
}

/* ---- elements of a list */

/* Does element a of a list cover its element b? */
typedef bool element_covers(const void *list, unsigned int a, unsigned int b);
/* An element in words, and its place. */
typedef struct policy_pos element_words(const void *list, unsigned int i, char *buf, size_t size);

static bool globs_cover(const void *list, unsigned int a, unsigned int b)
{
	const struct policy_glob *globs = list;

	return policy_glob_covers(globs[a].pattern, globs[b].pattern);
}

static struct policy_pos glob_words(const void *list, unsigned int i, char *buf, size_t size)
{
	const struct policy_glob *glob = (const struct policy_glob *)list + i;

	text_escape(glob->pattern, buf, size);
	return glob->pos;
}

static bool cidrs_cover(const void *list, unsigned int a, unsigned int b)
{
	const struct policy_cidr *cidrs = list;

	return policy_cidr_covers(&cidrs[a], &cidrs[b]);
}

static struct policy_pos cidr_words(const void *list, unsigned int i, char *buf, size_t size)
{
	const struct policy_cidr *cidr = (const struct policy_cidr *)list + i;
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(cidr->family, cidr->addr, addr, sizeof(addr));
	snprintf(buf, size, "%s/%u", addr, cidr->bits);
	return cidr->pos;
}

static bool ports_cover(const void *list, unsigned int a, unsigned int b)
{
	const struct policy_ports *ports = list;

	return ports[a].first <= ports[b].first && ports[b].last <= ports[a].last;
}

static struct policy_pos ports_words(const void *list, unsigned int i, char *buf, size_t size)
{
	const struct policy_ports *ports = (const struct policy_ports *)list + i;

	if (ports->first == ports->last)
		snprintf(buf, size, "%u", ports->first);
	else
		snprintf(buf, size, "%u-%u", ports->first, ports->last);
	return ports->pos;
}

static void lint_list(struct lint *lint, const struct policy_rule *rule, const void *list,
		      unsigned int count, element_covers *covers, element_words *words)
{
	char inner[ELEMENT_SIZE], outer[ELEMENT_SIZE];

	for (unsigned int i = 0; i < count; i++) {
		unsigned int j = 0;
		struct policy_pos pos;

		/* of two that are equal, the second adds nothing */
		while (j < count &&
		       (j == i || !covers(list, j, i) || (j > i && covers(list, i, j))))
			j++;
		if (j == count)
			continue;
		words(list, j, outer, sizeof(outer));
		pos = words(list, i, inner, sizeof(inner));
		policy_report_add(lint->report, POLICY_WARNING, "redundant", rule->file, pos,
				  rule->name, "'%s' adds nothing to '%s': remove one of them",
				  inner, outer);
	}
}

static void lint_lists(struct lint *lint, const struct policy_rule *rule)
{
	lint_list(lint, rule, rule->cgroup, rule->cgroup_count, globs_cover, glob_words);
	lint_list(lint, rule, rule->remote, rule->remote_count, cidrs_cover, cidr_words);
	lint_list(lint, rule, rule->local, rule->local_count, cidrs_cover, cidr_words);
	lint_list(lint, rule, rule->remote_port, rule->remote_port_count, ports_cover, ports_words);
	lint_list(lint, rule, rule->local_port, rule->local_port_count, ports_cover, ports_words);
}

/* The side that connects gets its port from the kernel, seldom one that a rule could name. */
static void lint_ports(struct lint *lint, const struct policy_rule *rule)
{
	if (rule->direction == POLICY_ACCEPT && rule->remote_port_count)
		policy_report_add(lint->report, POLICY_WARNING, "unlikely-port", rule->file,
				  rule->remote_port[0].pos, rule->name,
				  "remote_port of an accepted connection is whatever its peer was "
				  "given: is local_port meant?");
	if (rule->direction == POLICY_CONNECT && rule->local_port_count)
		policy_report_add(lint->report, POLICY_WARNING, "unlikely-port", rule->file,
				  rule->local_port[0].pos, rule->name,
				  "local_port of a connect() is whatever the kernel gives: is "
				  "remote_port meant?");
}

void lint_match(struct lint *lint, const struct policy_rule *rule)
{
	lint_hidden(lint, rule);
	lint_lists(lint, rule);
	lint_ports(lint, rule);
}

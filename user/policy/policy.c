// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rule a socket takes: small predicates and one loop.
 * Receives a policy and a socket's addresses; hands the index of the first rule that matches. Pure.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "glob.h"
#include "policy/policy.h"

const char *policy_direction_name(unsigned int direction)
{
	static const char *const names[] = { "any", "connect", "accept" };

	return direction < sizeof(names) / sizeof(names[0]) ? names[direction] : "unknown";
}

const char *policy_mode_name(unsigned int mode)
{
	static const char *const names[] = { "enforce", "default", "audit" };

	return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "unknown";
}

static bool cgroup_matches(const struct policy_rule *rule, const char *cgroup)
{
	if (!rule->cgroup_count)
		return true;
	for (unsigned int i = 0; cgroup && i < rule->cgroup_count; i++)
		if (glob_match(rule->cgroup[i].pattern, cgroup))
			return true;
	return false;
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (memcmp(a, b, bits / 8))
		return false;
	return !rest || !((a[bits / 8] ^ b[bits / 8]) & mask);
}

/* IPv4 that an IPv6 socket speaks: the rules know it as IPv4. */
static const uint8_t *address_plain(uint8_t *family, const uint8_t *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (*family != AF_INET6 || memcmp(addr, mapped, sizeof(mapped)))
		return addr;
	*family = AF_INET;
	return addr + sizeof(mapped);
}

static bool address_matches(const struct policy_cidr *list, unsigned int count, uint8_t family,
			    const uint8_t *addr)
{
	const uint8_t *plain = address_plain(&family, addr);

	if (!count)
		return true;
	for (unsigned int i = 0; i < count; i++)
		if (list[i].family == family && bits_equal(list[i].addr, plain, list[i].bits))
			return true;
	return false;
}

static bool port_matches(const struct policy_ports *list, unsigned int count, unsigned int port)
{
	if (!count)
		return true;
	for (unsigned int i = 0; i < count; i++)
		if (list[i].first <= port && port <= list[i].last)
			return true;
	return false;
}

static bool rule_matches(const struct policy_rule *rule, const struct policy_socket *s)
{
	return (rule->direction == POLICY_ANY || rule->direction == s->direction) &&
	       port_matches(rule->remote_port, rule->remote_port_count, s->remote_port) &&
	       port_matches(rule->local_port, rule->local_port_count, s->local_port) &&
	       address_matches(rule->remote, rule->remote_count, s->family, s->remote_addr) &&
	       address_matches(rule->local, rule->local_count, s->family, s->local_addr) &&
	       cgroup_matches(rule, s->cgroup);
}

int policy_match(const struct policy *policy, const struct policy_socket *s)
{
	for (size_t i = 0; i < policy->count; i++)
		if (rule_matches(&policy->rules[i], s))
			return (int)i;
	return -1;
}

void policy_rule_free(struct policy_rule *rule)
{
	for (unsigned int i = 0; i < rule->cgroup_count; i++)
		free(rule->cgroup[i].pattern);
	rule->cgroup_count = 0;
}

void policy_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->count; i++)
		policy_rule_free(&policy->rules[i]);
	free(policy->rules);
	*policy = (struct policy){};
}

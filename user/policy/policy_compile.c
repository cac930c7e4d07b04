// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy in the shape that the BPF programs read.
 * Receives rules and cgroup paths; hands what goes into the maps of tcptimer/policy_map.h. Pure.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "glob.h"
#include "policy/policy_compile.h"
#include "tcptimer/policy_match.h"

#define US_PER_S INT64_C(1000000)

static int64_t unit_us(enum policy_setting_id id)
{
	return policy_settings[id].kind == POLICY_KIND_SPAN ? policy_settings[id].step_us : 1;
}

int32_t policy_kernel_value(enum policy_setting_id id, int64_t value, uint32_t hz)
{
	/* rounded up: a timer that is asked for half a jiffy takes one */
	int64_t kernel = id == POLICY_SYN_RTO ? (value * hz + US_PER_S - 1) / US_PER_S :
						value / unit_us(id);

	return kernel > INT32_MAX ? INT32_MAX : (int32_t)kernel;
}

int64_t policy_user_value(enum policy_setting_id id, int32_t value, uint32_t hz)
{
	return id == POLICY_SYN_RTO ? value * US_PER_S / hz : value * unit_us(id);
}

/* The words hold the address' bytes as they stand: network order on every host. */
static void compile_cidr(const struct policy_cidr *cidr, struct tcptimer_policy_cidr *ret)
{
	unsigned int skip = cidr->family == AF_INET ? 12 : 0, bits = cidr->bits + 8 * skip;
	uint8_t addr[16] = {}, mask[16] = {};

	if (skip)
		addr[10] = addr[11] = 0xff;
	memcpy(addr + skip, cidr->addr, sizeof(addr) - skip);
	for (unsigned int i = 0; i < sizeof(mask) && 8 * i < bits; i++)
		mask[i] = (uint8_t)(bits >= 8 * i + 8 ? 0xff : 0xff00u >> (bits - 8 * i));
	memcpy(ret->addr, addr, sizeof(addr));
	memcpy(ret->mask, mask, sizeof(mask));
	ret->family = skip ? 4 : 6;
}

static void compile_settings(const struct policy_rule *rule, uint32_t hz,
			     struct tcptimer_policy_rule *ret)
{
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++) {
		if (!rule->settings[id].set)
			continue;
		ret->set |= 1u << id;
		ret->value[id] = policy_kernel_value(id, rule->settings[id].value, hz);
	}
}

/* FNV-1a over name, mode, settings and values. */
static uint32_t rule_identity(const struct tcptimer_policy_rule *rule)
{
	const struct {
		const void *bytes;
		size_t size;
	} parts[] = {
		{ rule->name, sizeof(rule->name) },
		{ &rule->mode, sizeof(rule->mode) },
		{ &rule->set, sizeof(rule->set) },
		{ rule->value, sizeof(rule->value) },
	};
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t n = 0; n < parts[i].size; n++)
			hash = (hash ^ ((const uint8_t *)parts[i].bytes)[n]) * 16777619u;
	return hash ? hash : 1;
}

void policy_compile_rule(const struct policy_rule *rule, uint32_t hz,
			 struct tcptimer_policy_rule *ret)
{
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->name, sizeof(ret->name), "%s", rule->name);
	ret->direction = rule->direction;
	ret->mode = rule->mode;
	ret->remote_count = rule->remote_count;
	ret->local_count = rule->local_count;
	ret->remote_port_count = rule->remote_port_count;
	ret->local_port_count = rule->local_port_count;
	for (unsigned int i = 0; i < rule->remote_count; i++)
		compile_cidr(&rule->remote[i], &ret->remote[i]);
	for (unsigned int i = 0; i < rule->local_count; i++)
		compile_cidr(&rule->local[i], &ret->local[i]);
	for (unsigned int i = 0; i < rule->remote_port_count; i++)
		ret->remote_port[i] = (uint32_t)rule->remote_port[i].first << 16 |
				      rule->remote_port[i].last;
	for (unsigned int i = 0; i < rule->local_port_count; i++)
		ret->local_port[i] = (uint32_t)rule->local_port[i].first << 16 |
				     rule->local_port[i].last;
	compile_settings(rule, hz, ret);
	ret->identity = rule_identity(ret);
}

/* ---- the index ---- */

static void index_add(__u64 words[TCPTIMER_POLICY_WORDS], unsigned int at)
{
	words[at / 64] |= UINT64_C(1) << at % 64;
}

static void index_ports(const uint32_t *list, unsigned int count, unsigned int at,
			__u64 table[256][TCPTIMER_POLICY_WORDS])
{
	for (unsigned int low = 0; !count && low < 256; low++)
		index_add(table[low], at);
	for (unsigned int i = 0; i < count; i++) {
		unsigned int first = list[i] >> 16, last = list[i] & 0xffff;

		for (unsigned int port = first; port <= last && port < first + 256; port++)
			index_add(table[port & 0xff], at);
	}
}

static bool index_takes_family(const struct tcptimer_policy_cidr *list, unsigned int count,
			       unsigned int family)
{
	for (unsigned int i = 0; i < count; i++)
		if (list[i].family == family)
			return true;
	return !count;
}

/* The bytes that a prefix leaves to choose from: those that agree in the bits of its mask. */
static void index_cidr(const struct tcptimer_policy_cidr *cidr, unsigned int at,
		       struct tcptimer_policy_index *index)
{
	unsigned int v6 = cidr->family == 6;
	uint32_t addr = tcptimer_policy_index_word(v6, cidr->addr);
	uint32_t mask = tcptimer_policy_index_word(v6, cidr->mask);

	for (unsigned int i = 0; i < 4; i++)
		for (uint32_t byte = 0; byte < 256; byte++)
			if (!((byte ^ addr >> 8 * i) & mask >> 8 * i & 0xff))
				index_add(index->remote[v6][i][byte], at);
}

void policy_compile_index(const struct tcptimer_policy_rule *rule, unsigned int at,
			  struct tcptimer_policy_index *index)
{
	static const struct tcptimer_policy_cidr any[] = { { .family = 4 }, { .family = 6 } };

	for (unsigned int kind = 0; kind < 4; kind++) {
		unsigned int direction = kind & 2 ? POLICY_ACCEPT : POLICY_CONNECT;
		unsigned int family = kind & 1 ? 6 : 4;

		if ((rule->direction == POLICY_ANY || rule->direction == direction) &&
		    index_takes_family(rule->remote, rule->remote_count, family) &&
		    index_takes_family(rule->local, rule->local_count, family))
			index_add(index->kind[kind], at);
	}
	index_ports(rule->remote_port, rule->remote_port_count, at, index->remote_port);
	index_ports(rule->local_port, rule->local_port_count, at, index->local_port);
	for (unsigned int i = 0; i < rule->remote_count; i++)
		index_cidr(&rule->remote[i], at, index);
	for (unsigned int i = 0; !rule->remote_count && i < 2; i++)
		index_cidr(&any[i], at, index);
}

/* ---- cgroups ---- */

static bool ends_with(const char *pattern, const char *tail)
{
	size_t length = strlen(pattern), tail_length = strlen(tail);

	return length >= tail_length && !strcmp(pattern + length - tail_length, tail);
}

/*
 * `below` is the path with a slash behind it. Stars that take slashes, at the pattern's end, take
 * whatever follows what they match; and a last "*" behind a "**" that stands for whole names is the
 * last name of any path, if it can be the one right below. The path's own stars are plain characters.
 */
static bool matches_all_below(const char *pattern, const char *below, const char *child)
{
	if (ends_with(pattern, "**"))
		return glob_match(pattern, below);
	if (ends_with(pattern, "/**/*") || !strcmp(pattern, "**/*"))
		return glob_match(pattern, child);
	return false;
}

struct paths {
	char own[PATH_MAX + 1];   /* "/a" */
	char below[PATH_MAX + 2]; /* "/a/" */
	char child[PATH_MAX + 3]; /* "/a/x" */
	bool known;               /* false: too long */
};

static void paths_fill(struct paths *paths, const char *path)
{
	size_t length = strlen(path);

	while (length && path[length - 1] == '/')
		length--;
	paths->known = length < PATH_MAX;
	if (!paths->known)
		return;
	snprintf(paths->own, sizeof(paths->own), "%.*s", length ? (int)length : 1,
		 length ? path : "/");
	snprintf(paths->below, sizeof(paths->below), "%.*s/", (int)length, path);
	snprintf(paths->child, sizeof(paths->child), "%.*s/x", (int)length, path);
}

static void compile_masks(const struct policy_rule *rule, const struct paths *paths,
			  const char *path, bool *ret_own, bool *ret_inherit)
{
	*ret_own = *ret_inherit = !rule->cgroup_count;
	for (unsigned int i = 0; i < rule->cgroup_count; i++) {
		const char *pattern = rule->cgroup[i].pattern;

		*ret_own |= glob_match(pattern, paths->known ? paths->own : path);
		*ret_inherit |= paths->known &&
				matches_all_below(pattern, paths->below, paths->child);
	}
}

void policy_compile_cgroup(const struct policy *policy, const char *path,
			   uint64_t ret_own[TCPTIMER_POLICY_WORDS],
			   uint64_t ret_inherit[TCPTIMER_POLICY_WORDS])
{
	struct paths paths;

	paths_fill(&paths, path);
	memset(ret_own, 0, TCPTIMER_POLICY_WORDS * sizeof(ret_own[0]));
	memset(ret_inherit, 0, TCPTIMER_POLICY_WORDS * sizeof(ret_inherit[0]));
	for (size_t i = 0; i < policy->count && i < TCPTIMER_POLICY_RULES; i++) {
		bool own, inherit;

		compile_masks(&policy->rules[i], &paths, path, &own, &inherit);
		ret_own[i / 64] |= (uint64_t)own << i % 64;
		ret_inherit[i / 64] |= (uint64_t)inherit << i % 64;
	}
}

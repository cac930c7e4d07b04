// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy as the BPF programs read it takes the same sockets, with the same values.
 * Receives nothing; hands cmocka verdicts.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "glob.h"
#include "policy/policy_compile.h"
#include "policy/policy_values.h"
#include "tcptimer/policy_match.h"
#include "engine_random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAIRS 1000000
#define SOCKETS_A_RULE 50

/* ---- values */

static void values_have_the_kernels_units(void **state)
{
	static const struct {
		enum policy_setting_id id;
		int64_t value;
		uint32_t hz;
		int32_t kernel;
	} rows[] = {
		{ POLICY_USER_TIMEOUT, 20000000, 250, 20000 }, /* ms */
		{ POLICY_USER_TIMEOUT, 0x7fffffff * INT64_C(1000), 250, 0x7fffffff },
		{ POLICY_MAX_RETRIES, 6, 250, 6 },
		{ POLICY_SYN_RETRIES, 127, 250, 127 },
		{ POLICY_SYN_RTO, 500000, 250, 125 }, /* jiffies */
		{ POLICY_SYN_RTO, 500000, 1000, 500 },
		{ POLICY_SYN_RTO, 500000, 100, 50 },
		{ POLICY_SYN_RTO, 1000, 100, 1 }, /* never 0, which would be no answer */
		{ POLICY_SYN_RTO, 1000, 1000, 1 },
		{ POLICY_SYN_RTO, 5000, 250, 2 },  /* 1.25: up */
		{ POLICY_SYN_RTO, 10000, 300, 3 }, /* exact */
		{ POLICY_SYN_RTO, 120000000, 1000, 120000 },
		{ POLICY_RTO_MIN, 50000, 250, 50000 },    /* us */
		{ POLICY_RTO_MAX, 10000000, 250, 10000 }, /* ms */
		{ POLICY_DELACK_MAX, 1001, 250, 1001 },   /* us */
		{ POLICY_THIN_LINEAR, 1, 250, 1 },
		{ POLICY_KEEPALIVE_ENABLE, 0, 250, 0 },
		{ POLICY_KEEPALIVE_IDLE, 30000000, 250, 30 }, /* s */
		{ POLICY_KEEPALIVE_INTERVAL, INT64_C(32767000000), 250, 32767 },
		{ POLICY_KEEPALIVE_PROBES, 3, 250, 3 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy_rule rule = { .name = "r" };
		struct tcptimer_policy_rule compiled;

		rule.settings[rows[i].id] =
			(struct policy_value){ .set = true, .value = rows[i].value };
		policy_compile_rule(&rule, rows[i].hz, &compiled);
		if (compiled.set != 1u << rows[i].id ||
		    compiled.value[rows[i].id] != rows[i].kernel)
			fail_msg("row %zu: %d, bits %#x", i, compiled.value[rows[i].id],
				 compiled.set);
		if (rows[i].id != POLICY_SYN_RTO &&
		    policy_user_value(rows[i].id, rows[i].kernel, rows[i].hz) != rows[i].value)
			fail_msg("row %zu: not back", i);
	}
	assert_true(policy_user_value(POLICY_SYN_RTO, 125, 250) == 500000);
}

static void what_is_not_set_is_not_there(void **state)
{
	struct policy_rule rule = { .name = "quiet", .mode = POLICY_AUDIT };
	struct tcptimer_policy_rule compiled, zero;

	memset(&compiled, 0xa5, sizeof(compiled));
	memset(&zero, 0, sizeof(zero));
	policy_compile_rule(&rule, 250, &compiled);
	assert_string_equal(compiled.name, "quiet");
	assert_int_equal(compiled.mode, POLICY_AUDIT);
	memset(compiled.name, 0, sizeof(compiled.name));
	compiled.mode = 0;
	assert_int_not_equal(compiled.identity, 0);
	compiled.identity = 0;
	assert_memory_equal(&compiled, &zero, sizeof(zero));
}

static void addresses_and_ports_are_packed(void **state)
{
	static const uint8_t v4[16] = { [10] = 0xff, [11] = 0xff, 10, 1, 2 };
	static const uint8_t v4_mask[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe };
	struct policy_rule rule = { .remote_count = 2, .remote_port_count = 1 };
	struct tcptimer_policy_rule compiled;
	struct value_error error;

	assert_int_equal(value_cidr("10.1.2.0/23", &rule.remote[0], &error), 0);
	assert_int_equal(value_cidr("::/0", &rule.remote[1], &error), 0);
	assert_int_equal(value_ports("6379-6390", &rule.remote_port[0], &error), 0);
	policy_compile_rule(&rule, 250, &compiled);
	assert_memory_equal(compiled.remote[0].addr, v4, 16);
	assert_memory_equal(compiled.remote[0].mask, v4_mask, 16);
	assert_int_equal(compiled.remote[0].family, 4);
	assert_int_equal(compiled.remote[1].family, 6);
	assert_int_equal(compiled.remote[1].mask[0], 0);
	assert_int_equal(compiled.remote_port[0], 6379u << 16 | 6390);
	assert_int_equal(compiled.remote_count, 2);
}

/* ---- matching, against policy_match() */

/* Few bits differ, so that prefixes of every length are met and missed alike. */
static void random_address(struct engine_random *r, uint8_t family, uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned int size = family == AF_INET ? 4 : 16;

	memset(addr, 0, 16);
	addr[0] = family == AF_INET ? 10 : 0xfd;
	if (random_one_in(r, 4))
		addr[random_below(r, size)] ^= (uint8_t)(1u << random_below(r, 8));
	addr[size - 1] = (uint8_t)random_below(r, 4);
	if (family == AF_INET6 && random_one_in(r, 3)) {
		memcpy(addr, mapped, sizeof(mapped));
		addr[12] = 10;
		addr[13] = addr[14] = 0;
	}
}

static void random_cidr(struct engine_random *r, struct policy_cidr *cidr)
{
	unsigned int size;
	uint8_t addr[16];

	cidr->family = random_one_in(r, 2) ? AF_INET : AF_INET6;
	size = cidr->family == AF_INET ? 4 : 16;
	do
		random_address(r, cidr->family, addr);
	while (cidr->family == AF_INET6 && addr[10] == 0xff); /* the reader makes those IPv4 */
	cidr->bits = (uint8_t)random_below(r, 8 * size + 1);
	memset(cidr->addr, 0, sizeof(cidr->addr));
	for (unsigned int bit = 0; bit < cidr->bits; bit++)
		cidr->addr[bit / 8] |= addr[bit / 8] & 0x80 >> bit % 8;
}

static void random_ports(struct engine_random *r, struct policy_ports *ports)
{
	ports->first = (uint16_t)(1 + random_magnitude(r, 16) % 65535);
	ports->last = (uint16_t)(ports->first + random_below(r, 65536u - ports->first));
	if (random_one_in(r, 2))
		ports->last = ports->first;
}

static uint8_t random_count(struct engine_random *r)
{
	if (random_one_in(r, 2))
		return 0;
	return (uint8_t)(random_one_in(r, 8) ? POLICY_LIST_MAX : 1 + random_below(r, 3));
}

static void random_rule(struct engine_random *r, struct policy_rule *rule)
{
	memset(rule, 0, sizeof(*rule));
	rule->direction = (uint8_t)random_below(r, 3);
	rule->remote_count = random_count(r);
	rule->local_count = random_count(r);
	rule->remote_port_count = random_count(r);
	rule->local_port_count = random_count(r);
	for (unsigned int i = 0; i < POLICY_LIST_MAX; i++) {
		random_cidr(r, &rule->remote[i]);
		random_cidr(r, &rule->local[i]);
		random_ports(r, &rule->remote_port[i]);
		random_ports(r, &rule->local_port[i]);
	}
}

static uint16_t random_port(struct engine_random *r, const struct policy_ports *ports)
{
	switch (random_below(r, 4)) {
	case 0:
		return ports->first;
	case 1:
		return ports->last;
	case 2:
		return (uint16_t)(ports->last + 1);
	default:
		return (uint16_t)(1 + random_magnitude(r, 16) % 65535);
	}
}

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, mapped, sizeof(mapped));
}

/* Both ends speak one family, also in IPv6 clothes. */
static void random_ends(struct engine_random *r, const struct policy_rule *rule,
			struct policy_socket *s)
{
	memset(s, 0, sizeof(*s));
	s->cgroup = "/a";
	s->direction = (uint8_t)(POLICY_CONNECT + random_below(r, 2));
	s->family = random_one_in(r, 2) ? AF_INET : AF_INET6;
	random_address(r, s->family, s->remote_addr);
	do
		random_address(r, s->family, s->local_addr);
	while (s->family == AF_INET6 && is_mapped(s->local_addr) != is_mapped(s->remote_addr));
	s->remote_port = random_port(r, &rule->remote_port[0]);
	s->local_port = random_port(r, &rule->local_port[0]);
}

/* As the BPF programs fill it from a socket. */
static void key_of(const struct policy_socket *s, struct tcptimer_policy_key *key)
{
	bool v4 = s->family == AF_INET || is_mapped(s->remote_addr);
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	memset(key, 0, sizeof(*key));
	memcpy(key->remote, s->remote_addr, 16);
	memcpy(key->local, s->local_addr, 16);
	if (s->family == AF_INET) {
		memcpy(mapped + 12, s->remote_addr, 4);
		memcpy(key->remote, mapped, 16);
		memcpy(mapped + 12, s->local_addr, 4);
		memcpy(key->local, mapped, 16);
	}
	key->remote_port = s->remote_port;
	key->local_port = s->local_port;
	key->family = v4 ? 4 : 6;
	key->direction = s->direction;
}

static bool index_keeps(const struct tcptimer_policy_index *index,
			const struct tcptimer_policy_key *key, unsigned int at)
{
	__u64 mask[TCPTIMER_POLICY_WORDS] = {};

	mask[at / 64] = UINT64_C(1) << at % 64;
	tcptimer_policy_narrow(index, key, mask);
	return mask[at / 64] != 0;
}

static void compiled_matches_as_policy_match(void **state)
{
	static struct tcptimer_policy_index index;
	struct engine_random r = { 20 };
	unsigned long taken = 0, left = 0, spared = 0;
	unsigned int at = 0;
	struct tcptimer_policy_rule compiled;
	struct tcptimer_policy_key key;
	struct policy_socket s;
	struct policy_rule rule;
	struct policy policy = { &rule, 1 };

	for (unsigned int i = 0; i < PAIRS; i++) {
		bool matches, indexed;

		if (i % SOCKETS_A_RULE == 0) {
			random_rule(&r, &rule);
			policy_compile_rule(&rule, 250, &compiled);
			memset(&index, 0, sizeof(index));
			at = (unsigned int)random_below(&r, TCPTIMER_POLICY_RULES);
			policy_compile_index(&compiled, at, &index);
		}
		random_ends(&r, &rule, &s);
		key_of(&s, &key);
		matches = !policy_match(&policy, &s);
		indexed = index_keeps(&index, &key, at);
		spared += !indexed;
		if (matches && !indexed)
			fail_msg("pair %u: the index leaves out rule %u, which matches", i, at);
		taken += matches;
		left += !matches;
		if (tcptimer_policy_rule_matches(&compiled, &key) != matches)
			fail_msg("pair %u: policy_match() says %d", i, matches);
	}
	assert_true(taken > PAIRS / 10);
	assert_true(left > PAIRS / 10);
	assert_true(spared > left / 2);
}

/* As the BPF programs do: the first of the narrowed candidates that matches. Hands how many it tried. */
static int first_by_index(const struct tcptimer_policy_index *index,
			  const struct tcptimer_policy_rule *rules,
			  const struct tcptimer_policy_key *key, unsigned long *tried)
{
	__u64 mask[TCPTIMER_POLICY_WORDS];

	memset(mask, 0xff, sizeof(mask));
	tcptimer_policy_narrow(index, key, mask);
	for (int i = 0; i < TCPTIMER_POLICY_RULES; i++) {
		if (!(mask[i / 64] >> i % 64 & 1))
			continue;
		++*tried;
		if (tcptimer_policy_rule_matches(&rules[i], key))
			return i;
	}
	return -1;
}

static void first_match_wins_through_the_index(void **state)
{
	static struct tcptimer_policy_rule rules[TCPTIMER_POLICY_RULES];
	static struct tcptimer_policy_index index;
	struct policy policy = { calloc(TCPTIMER_POLICY_RULES, sizeof(struct policy_rule)),
				 TCPTIMER_POLICY_RULES };
	unsigned long tried = 0, found = 0;
	struct engine_random r = { 21 };
	struct tcptimer_policy_key key;
	struct policy_socket s;

	assert_non_null(policy.rules);
	for (unsigned int i = 0; i < policy.count; i++) {
		do /* none that takes everything */
			random_rule(&r, &policy.rules[i]);
		while (!policy.rules[i].remote_count || !policy.rules[i].remote_port_count);
		policy_compile_rule(&policy.rules[i], 250, &rules[i]);
		policy_compile_index(&rules[i], i, &index);
	}
	for (unsigned int i = 0; i < 20000; i++) {
		int wanted;

		random_ends(&r, &policy.rules[random_below(&r, policy.count)], &s);
		key_of(&s, &key);
		wanted = policy_match(&policy, &s);
		found += wanted >= 0;
		if (first_by_index(&index, rules, &key, &tried) != wanted)
			fail_msg("socket %u: policy_match() says %d", i, wanted);
	}
	assert_true(found > 1000);
	free(policy.rules);
}

/* Ports and networks of their own, as a file of many services has them: one or two are left to try. */
static void index_leaves_few(void **state)
{
	static struct tcptimer_policy_rule rules[TCPTIMER_POLICY_RULES];
	static struct tcptimer_policy_index index;
	unsigned long tried = 0;
	struct policy_socket s = { .family = AF_INET, .direction = POLICY_CONNECT };
	struct tcptimer_policy_key key;
	struct value_error error;
	char text[32];

	for (unsigned int i = 0; i < TCPTIMER_POLICY_RULES; i++) {
		struct policy_rule rule = { .direction = POLICY_CONNECT };

		if (i != TCPTIMER_POLICY_RULES - 1) {
			rule.remote_count = rule.remote_port_count = 1;
			snprintf(text, sizeof(text), "10.0.%u.0/24", i);
			assert_int_equal(value_cidr(text, &rule.remote[0], &error), 0);
			snprintf(text, sizeof(text), "%u", 1000 + i);
			assert_int_equal(value_ports(text, &rule.remote_port[0], &error), 0);
		}
		policy_compile_rule(&rule, 250, &rules[i]);
		policy_compile_index(&rules[i], i, &index);
	}
	memcpy(s.remote_addr, (uint8_t[]){ 10, 0, 7, 1 }, 4);
	s.remote_port = 1007;
	key_of(&s, &key);
	assert_int_equal(first_by_index(&index, rules, &key, &tried), 7);
	s.remote_port = 1008; /* that network's other service */
	key_of(&s, &key);
	assert_int_equal(first_by_index(&index, rules, &key, &tried), 255);
	assert_int_equal(tried, 2);
	s.direction = POLICY_ACCEPT;
	key_of(&s, &key);
	assert_int_equal(first_by_index(&index, rules, &key, &tried), -1);
	assert_int_equal(tried, 2);
}

/* ---- cgroups */

static void cgroup_rows(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool own, inherit;
	} rows[] = {
		{ NULL, "/", true, true },
		{ NULL, "/a", true, true },
		{ "/a/**", "/a", true, true },
		{ "/a/**", "/a/", true, true },
		{ "/a/**", "/a/b", true, true },
		{ "/a/**", "/", false, false },
		{ "/a/**", "/ab", false, false },
		{ "/**", "/", true, true },
		{ "**", "/", true, true },
		{ "**", "/a/b", true, true },
		{ "/*", "/", true, false },
		{ "/*", "/a", true, false },
		{ "/a/*", "/a", false, false },
		{ "/a/*", "/a/b", true, false },
		{ "/a", "/a", true, false },
		{ "/a/**/x", "/a", false, false },
		{ "/a/**/x", "/a/x", true, false },
		{ "/a/**/*", "/a", false, true }, /* all below, not itself */
		{ "/a/**/*", "/a/b", true, true },
		{ "/a/**/*", "/", false, false },
		{ "**/*", "/a", true, true },
		{ "/a/b**", "/a/bc", true, true },
		{ "/a/b**", "/a", false, false },
		{ "/a/*/**", "/a", false, true },
		{ "/a/*/**", "/a/b", true, true },
		{ "/a*b/**", "/a*b", true, true }, /* the path's own star */
		{ "/a*b/**", "/a**b", true, true },
		{ "/ab/**", "/a*", false, false },
		{ "/ab/**", "/**", false, false },
		{ "/a/**", "/**", false, false },
		{ "/a/**", "/*", false, false },
		{ "/a/\\x2d/**", "/a/\\x2d", true, true },
	};
	struct policy_rule rule = {};
	struct policy policy = { &rule, 1 };
	uint64_t own[TCPTIMER_POLICY_WORDS], inherit[TCPTIMER_POLICY_WORDS];

	for (size_t i = 0; i < COUNT(rows); i++) {
		rule.cgroup_count = rows[i].pattern != NULL;
		rule.cgroup[0].pattern = (char *)rows[i].pattern;
		policy_compile_cgroup(&policy, rows[i].path, own, inherit);
		if (own[0] != rows[i].own || inherit[0] != rows[i].inherit)
			fail_msg("'%s' at '%s': own %d, inherit %d",
				 rows[i].pattern ? rows[i].pattern : "none", rows[i].path,
				 (int)own[0], (int)inherit[0]);
	}
}

/* Every path of few names below: a rule that is inherited takes each of them. */
static void inherit_is_sound_and_own_exact(void **state)
{
	static const char *const parts[] = { "",      "/a",    "/b",     "/ab",  "/*",
					     "/a*",   "/*b",   "/**",    "/a**", "/**b",
					     "/**/a", "/**/*", "/**/**", "/***" };
	static const char *const names[] = { "", "/a", "/b", "/*", "/a*", "/**", "/aab" };
	struct policy_rule rule = { .cgroup_count = 1 };
	struct policy policy = { &rule, 1 };
	uint64_t own[TCPTIMER_POLICY_WORDS], inherit[TCPTIMER_POLICY_WORDS];
	unsigned long inherited = 0, missed = 0;
	char pattern[64], path[64], below[128];

	rule.cgroup[0].pattern = pattern;
	for (size_t p = COUNT(parts); p < COUNT(parts) * COUNT(parts); p++) {
		snprintf(pattern, sizeof(pattern), "%s%s", parts[p / COUNT(parts)],
			 parts[p % COUNT(parts)]);
		for (size_t q = 0; q < COUNT(names) * COUNT(names); q++) {
			bool all = true;

			snprintf(path, sizeof(path), "%s%s", names[q / COUNT(names)],
				 names[q % COUNT(names)]);
			if (!path[0])
				strcpy(path, "/");
			policy_compile_cgroup(&policy, path, own, inherit);
			if (own[0] != glob_match(pattern, path))
				fail_msg("'%s' at '%s': own %d", pattern, path, (int)own[0]);
			for (size_t k = COUNT(names); k < COUNT(names) * COUNT(names); k++) {
				snprintf(below, sizeof(below), "%s%s%s", path[1] ? path : "",
					 names[k / COUNT(names)], names[k % COUNT(names)]);
				all &= glob_match(pattern, below);
			}
			inherited += inherit[0];
			missed += all && !inherit[0];
			if (inherit[0] && !all)
				fail_msg("'%s' is inherited at '%s'", pattern, path);
		}
	}
	assert_true(inherited > 500);
	assert_true(missed < inherited / 4);
}

static void rules_have_their_bits(void **state)
{
	static const size_t with[] = { 0, 63, 64, 130, 255 };
	struct policy policy = { calloc(TCPTIMER_POLICY_RULES, sizeof(struct policy_rule)),
				 TCPTIMER_POLICY_RULES };
	uint64_t own[TCPTIMER_POLICY_WORDS], inherit[TCPTIMER_POLICY_WORDS];
	char other[] = "/other", *deep = malloc(3 * PATH_MAX);

	assert_non_null(policy.rules);
	assert_non_null(deep);
	for (size_t i = 0; i < policy.count; i++) {
		policy.rules[i].cgroup_count = 1;
		policy.rules[i].cgroup[0].pattern = other;
	}
	for (size_t i = 0; i < COUNT(with); i++)
		policy.rules[with[i]].cgroup_count = 0;
	policy_compile_cgroup(&policy, "/a", own, inherit);
	for (size_t i = 0; i < policy.count; i++) {
		bool set = own[i / 64] >> i % 64 & 1, wanted = false;

		for (size_t j = 0; j < COUNT(with); j++)
			wanted |= with[j] == i;
		assert_int_equal(set, wanted);
	}
	assert_memory_equal(own, inherit, sizeof(own));
	/* longer than any cgroup's path can be */
	memset(deep, '/', 1);
	memset(deep + 1, 'a', 3 * PATH_MAX - 2);
	deep[3 * PATH_MAX - 1] = '\0';
	policy_compile_cgroup(&policy, deep, own, inherit);
	assert_int_equal(own[0], 1 | 1ULL << 63);
	assert_int_equal(inherit[2], 1ULL << 2);
	free(deep);
	free(policy.rules);
}

/* ---- enforce */

static void stricter_rows(void **state)
{
	static const struct {
		enum policy_setting_id id;
		int32_t asked, policy, left;
	} rows[] = {
		{ POLICY_USER_TIMEOUT, 0, 20000, 20000 }, /* 0: none */
		{ POLICY_USER_TIMEOUT, 5000, 20000, 5000 },
		{ POLICY_USER_TIMEOUT, 30000, 20000, 20000 },
		{ POLICY_USER_TIMEOUT, -1, 20000, 20000 },
		{ POLICY_SYN_RETRIES, 2, 3, 2 },
		{ POLICY_SYN_RETRIES, 6, 3, 3 },
		{ POLICY_SYN_RETRIES, 0, 3, 3 }, /* the sysctl's */
		{ POLICY_RTO_MIN, 5000, 50000, 5000 },
		{ POLICY_RTO_MAX, 120000, 10000, 10000 },
		{ POLICY_DELACK_MAX, 200000, 40000, 40000 },
		{ POLICY_KEEPALIVE_IDLE, 7200, 30, 30 },
		{ POLICY_KEEPALIVE_IDLE, 10, 30, 10 },
		{ POLICY_KEEPALIVE_INTERVAL, 75, 5, 5 },
		{ POLICY_KEEPALIVE_PROBES, 2, 3, 2 },
		{ POLICY_KEEPALIVE_ENABLE, 0, 1, 1 },
		{ POLICY_KEEPALIVE_ENABLE, 1, 1, 1 },
		{ POLICY_KEEPALIVE_ENABLE, 1, 0, 1 }, /* stricter than the rule asks */
		{ POLICY_KEEPALIVE_ENABLE, 0, 0, 0 },
		{ POLICY_THIN_LINEAR, 0, 1, 1 },
		{ POLICY_THIN_LINEAR, 7, 0, 1 }, /* any number is on */
		{ POLICY_MAX_RETRIES, 3, 6, 6 },
		{ POLICY_SYN_RTO, 3, 6, 6 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int32_t left = tcptimer_policy_stricter(rows[i].id, rows[i].asked, rows[i].policy);

		if (left != rows[i].left)
			fail_msg("row %zu: %d", i, left);
		/* asked again, it stays */
		assert_int_equal(tcptimer_policy_stricter(rows[i].id, left, rows[i].policy), left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_the_kernels_units),
		cmocka_unit_test(what_is_not_set_is_not_there),
		cmocka_unit_test(addresses_and_ports_are_packed),
		cmocka_unit_test(compiled_matches_as_policy_match),
		cmocka_unit_test(first_match_wins_through_the_index),
		cmocka_unit_test(index_leaves_few),
		cmocka_unit_test(cgroup_rows),
		cmocka_unit_test(inherit_is_sound_and_own_exact),
		cmocka_unit_test(rules_have_their_bits),
		cmocka_unit_test(stricter_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rule a socket takes, and which rule hides another.
 * Receives nothing; hands cmocka verdicts.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "glob.h"
#include "policy/policy.h"
#include "policy/policy_values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A rule from words: lists separated by blanks; NULL: empty. */
struct rule_words {
	const char *cgroup, *remote, *local, *remote_port, *local_port;
	uint8_t direction;
};

static char *next_word(char **rest)
{
	char *word;

	do
		word = strsep(rest, " ");
	while (word && !*word);
	return word;
}

static void rule_make(struct policy_rule *rule, const struct rule_words *words)
{
	struct value_error error;
	char buf[512], *rest, *word;

	memset(rule, 0, sizeof(*rule));
	rule->direction = words->direction;
#define FILL(list, parse, out)                                                                     \
	snprintf(buf, sizeof(buf), "%s", words->list ? words->list : "");                          \
	for (rest = buf; (word = next_word(&rest));)                                               \
	assert_int_equal(parse(word, out, &error), 0)
	FILL(cgroup, value_glob, &rule->cgroup[rule->cgroup_count++].pattern);
	FILL(remote, value_cidr, &rule->remote[rule->remote_count++]);
	FILL(local, value_cidr, &rule->local[rule->local_count++]);
	FILL(remote_port, value_ports, &rule->remote_port[rule->remote_port_count++]);
	FILL(local_port, value_ports, &rule->local_port[rule->local_port_count++]);
#undef FILL
}

static void socket_make(struct policy_socket *s, const char *cgroup, uint8_t direction,
			const char *remote, uint16_t remote_port, const char *local,
			uint16_t local_port)
{
	memset(s, 0, sizeof(*s));
	s->cgroup = cgroup;
	s->direction = direction;
	s->family = strchr(remote, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(s->family, remote, s->remote_addr), 1);
	assert_int_equal(inet_pton(s->family, local, s->local_addr), 1);
	s->remote_port = remote_port;
	s->local_port = local_port;
}

static void one_rule_matches(void **state)
{
	static const struct {
		struct rule_words rule;
		const char *cgroup, *remote, *local;
		uint16_t remote_port, local_port;
		uint8_t direction;
		bool matches;
	} rows[] = {
		{ {}, "/a", "10.0.0.1", "10.0.0.2", 1, 2, POLICY_CONNECT, true },
		{ {}, NULL, "::1", "::1", 1, 2, POLICY_ACCEPT, true },
		{ { .cgroup = "/a/**" }, "/a", "::1", "::1", 1, 2, POLICY_ACCEPT, true },
		{ { .cgroup = "/a/**" }, "/a/b/c", "::1", "::1", 1, 2, POLICY_ACCEPT, true },
		{ { .cgroup = "/a/**" }, "/ab", "::1", "::1", 1, 2, POLICY_ACCEPT, false },
		{ { .cgroup = "/a/**" }, NULL, "::1", "::1", 1, 2, POLICY_ACCEPT, false },
		{ { .cgroup = "/x /a/*.scope" },
		  "/a/c.scope",
		  "::1",
		  "::1",
		  1,
		  2,
		  POLICY_ACCEPT,
		  true },
		{ { .cgroup = "/a/*.scope" },
		  "/a/b/c.scope",
		  "::1",
		  "::1",
		  1,
		  2,
		  POLICY_ACCEPT,
		  false },
		{ { .direction = POLICY_CONNECT }, "/", "::1", "::1", 1, 2, POLICY_CONNECT, true },
		{ { .direction = POLICY_CONNECT }, "/", "::1", "::1", 1, 2, POLICY_ACCEPT, false },
		{ { .direction = POLICY_ACCEPT }, "/", "::1", "::1", 1, 2, POLICY_ACCEPT, true },
		{ { .remote = "10.0.0.0/8" },
		  "/",
		  "10.255.1.2",
		  "1.1.1.1",
		  1,
		  2,
		  POLICY_CONNECT,
		  true },
		{ { .remote = "10.0.0.0/8" },
		  "/",
		  "11.0.0.0",
		  "10.0.0.1",
		  1,
		  2,
		  POLICY_CONNECT,
		  false },
		{ { .remote = "10.0.0.0/8" },
		  "/",
		  "::ffff:10.1.2.3",
		  "::1",
		  1,
		  2,
		  POLICY_CONNECT,
		  true },
		{ { .remote = "::/0" }, "/", "10.1.2.3", "10.0.0.1", 1, 2, POLICY_CONNECT, false },
		{ { .remote = "::/0" }, "/", "::ffff:10.1.2.3", "::1", 1, 2, POLICY_CONNECT, false },
		{ { .remote = "0.0.0.0/0" },
		  "/",
		  "255.1.2.3",
		  "1.1.1.1",
		  1,
		  2,
		  POLICY_CONNECT,
		  true },
		{ { .remote = "10.1.2.3" }, "/", "10.1.2.3", "1.1.1.1", 1, 2, POLICY_CONNECT, true },
		{ { .remote = "10.1.2.3" }, "/", "10.1.2.2", "1.1.1.1", 1, 2, POLICY_CONNECT, false },
		{ { .remote = "10.1.2.0/23" },
		  "/",
		  "10.1.3.255",
		  "1.1.1.1",
		  1,
		  2,
		  POLICY_CONNECT,
		  true },
		{ { .remote = "10.1.2.0/23" },
		  "/",
		  "10.1.4.0",
		  "1.1.1.1",
		  1,
		  2,
		  POLICY_CONNECT,
		  false },
		{ { .remote = "fd00::/8" }, "/", "fdff::1", "::1", 1, 2, POLICY_CONNECT, true },
		{ { .remote = "2001:db8::/33" },
		  "/",
		  "2001:db8:8000::",
		  "::1",
		  1,
		  2,
		  POLICY_CONNECT,
		  false },
		{ { .local = "10.0.0.0/8" }, "/", "1.1.1.1", "10.0.0.9", 1, 2, POLICY_CONNECT, true },
		{ { .local = "10.0.0.0/8" },
		  "/",
		  "10.1.1.1",
		  "1.0.0.9",
		  1,
		  2,
		  POLICY_CONNECT,
		  false },
		{ { .remote_port = "5432 6379-6390" },
		  "/",
		  "::1",
		  "::1",
		  6379,
		  2,
		  POLICY_CONNECT,
		  true },
		{ { .remote_port = "5432 6379-6390" },
		  "/",
		  "::1",
		  "::1",
		  6390,
		  2,
		  POLICY_CONNECT,
		  true },
		{ { .remote_port = "5432 6379-6390" },
		  "/",
		  "::1",
		  "::1",
		  6391,
		  2,
		  POLICY_CONNECT,
		  false },
		{ { .remote_port = "5432" }, "/", "::1", "::1", 1, 5432, POLICY_CONNECT, false },
		{ { .local_port = "65535" }, "/", "::1", "::1", 1, 65535, POLICY_ACCEPT, true },
	};
	struct policy_socket s;
	struct policy_rule rule;
	struct policy policy = { &rule, 1 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		rule_make(&rule, &rows[i].rule);
		socket_make(&s, rows[i].cgroup, rows[i].direction, rows[i].remote,
			    rows[i].remote_port, rows[i].local, rows[i].local_port);
		if (policy_match(&policy, &s) != (rows[i].matches ? 0 : -1))
			fail_msg("row %zu", i);
		policy_rule_free(&rule);
	}
}

static void first_match_wins(void **state)
{
	static const struct rule_words words[] = {
		{ .cgroup = "/a/**", .remote_port = "443" },
		{ .cgroup = "/a/**" },
		{ .remote_port = "443" },
	};
	struct policy_rule rules[COUNT(words)];
	struct policy policy = { rules, COUNT(words) };
	struct policy_socket s;

	for (size_t i = 0; i < COUNT(words); i++)
		rule_make(&rules[i], &words[i]);
	socket_make(&s, "/a/b", POLICY_CONNECT, "10.0.0.1", 443, "10.0.0.2", 1);
	assert_int_equal(policy_match(&policy, &s), 0);
	s.remote_port = 80;
	assert_int_equal(policy_match(&policy, &s), 1);
	s.cgroup = "/b";
	assert_int_equal(policy_match(&policy, &s), -1);
	s.remote_port = 443;
	assert_int_equal(policy_match(&policy, &s), 2);
	policy.count = 0;
	assert_int_equal(policy_match(&policy, &s), -1);
	for (size_t i = 0; i < COUNT(words); i++)
		policy_rule_free(&rules[i]);
}

static void globs_cover(void **state)
{
	static const struct {
		const char *pattern, *covered;
		bool covers;
	} rows[] = {
		{ "/a", "/a", true },
		{ "/a", "/b", false },
		{ "/a/**", "/a", true },
		{ "/a/**", "/a/b", true },
		{ "/a/**", "/ab", false },
		{ "/a/**", "/a/*", true },
		{ "/a/**", "/a*", false },
		{ "/a/**", "/a/b-*/c/**", true },
		{ "/a/*", "/a/b", true },
		{ "/a/*", "/a/b*c", true },
		{ "/a/*", "/a/**", false },
		{ "/a/*", "/a/*/b", false },
		{ "/a/*b", "/a/*c", false },
		{ "/a/*/*", "/a/**", false },
		{ "/a/b*", "/a/*", false },
		{ "/a/*.scope", "/a/d-*.scope", true },
		{ "/a/d-*.scope", "/a/*.scope", false },
		{ "**", "/a/**/b", true },
		{ "/**", "**", true },
		{ "/a/**", "/**", false },
		{ "/a/**", "/a/**/b", true },
		{ "/a/*/**", "/a/**", false },
		{ "/a/*/**", "/a/b**", true },
		{ "/a/**/c", "/a/*/c", true },
		{ "/a/**/c", "/a/**/b/c", false },
		{ "/a/b**", "/a/b*", true },
		{ "/a", "/a/**", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (policy_glob_covers(rows[i].pattern, rows[i].covered) != rows[i].covers)
			fail_msg("'%s' over '%s'", rows[i].pattern, rows[i].covered);
}

/* Soundness: what is claimed holds for every path that can be written of few characters. */
static void globs_cover_is_sound(void **state)
{
	static const char *const parts[] = { "",    "/a",  "/b",   "/ab",  "/*",   "/a*",
					     "/*b", "/**", "/a**", "/*/b", "/**/a" };
	static const char *const names[] = { "", "/a", "/b", "/ab", "/aab", "/ba" };
	char patterns[COUNT(parts) * COUNT(parts)][32];
	char paths[COUNT(names) * COUNT(names) * COUNT(names)][32];
	size_t n = 0, m = 0, claims = 0;

	for (size_t i = 1; i < COUNT(parts); i++)
		for (size_t j = 0; j < COUNT(parts); j++)
			snprintf(patterns[n++], 32, "%s%s", parts[i], parts[j]);
	for (size_t i = 1; i < COUNT(names); i++)
		for (size_t j = 0; j < COUNT(names); j++)
			for (size_t k = 0; k < COUNT(names); k++)
				snprintf(paths[m++], 32, "%s%s%s", names[i], names[j], names[k]);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			if (!policy_glob_covers(patterns[i], patterns[j]))
				continue;
			claims++;
			for (size_t k = 0; k < m; k++)
				if (glob_match(patterns[j], paths[k]) &&
				    !glob_match(patterns[i], paths[k]))
					fail_msg("'%s' over '%s': not for '%s'", patterns[i],
						 patterns[j], paths[k]);
		}
	}
	assert_true(claims > n);
}

static void rules_cover(void **state)
{
	static const struct {
		struct rule_words rule, covered;
		bool covers;
	} rows[] = {
		{ {}, {}, true },
		{ {}, { .cgroup = "/a", .remote = "10.0.0.0/8", .local_port = "1" }, true },
		{ { .cgroup = "/a/**" }, {}, false },
		{ { .cgroup = "/x /a/**" }, { .cgroup = "/a/b /x" }, true },
		{ { .cgroup = "/x /a/**" }, { .cgroup = "/a/b /y" }, false },
		{ { .direction = POLICY_CONNECT }, { .direction = POLICY_CONNECT }, true },
		{ { .direction = POLICY_CONNECT }, { .direction = POLICY_ANY }, false },
		{ { .direction = POLICY_ANY }, { .direction = POLICY_ACCEPT }, true },
		{ { .remote = "10.0.0.0/8" }, { .remote = "10.1.0.0/16 10.2.3.4" }, true },
		{ { .remote = "10.1.0.0/16" }, { .remote = "10.0.0.0/8" }, false },
		{ { .remote = "10.0.0.0/9" }, { .remote = "10.128.0.0/9" }, false },
		{ { .remote = "0.0.0.0/0" }, {}, false }, /* IPv6 */
		{ { .remote = "::/0" }, { .remote = "10.0.0.0/8" }, false },
		{ { .remote_port = "1-10 11-20" }, { .remote_port = "5-15" }, true }, /* joined */
		{ { .remote_port = "11-20 1-10" }, { .remote_port = "1-20" }, true },
		{ { .remote_port = "1-10 12-20" }, { .remote_port = "5-15" }, false },
		{ { .remote_port = "1-65535" }, { .remote_port = "65535" }, true },
		{ { .local_port = "80" }, { .remote_port = "80" }, false },
		{ { .local = "fd00::/8" }, { .local = "fd00::1" }, true },
	};
	struct policy_rule rule, covered;

	for (size_t i = 0; i < COUNT(rows); i++) {
		rule_make(&rule, &rows[i].rule);
		rule_make(&covered, &rows[i].covered);
		if (policy_rule_covers(&rule, &covered) != rows[i].covers)
			fail_msg("row %zu", i);
		policy_rule_free(&rule);
		policy_rule_free(&covered);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_rule_matches), cmocka_unit_test(first_match_wins),
		cmocka_unit_test(globs_cover),      cmocka_unit_test(globs_cover_is_sound),
		cmocka_unit_test(rules_cover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

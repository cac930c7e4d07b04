/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy: rules in order, each with what it matches, how it holds, and what it sets.
 * Filled by policy_yaml.c from files; read by the lint, and by what applies it. Pure.
 */
#ifndef TCPTIMER_POLICY_H
#define TCPTIMER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "policy/policy_settings.h"

#define POLICY_RULES_MAX TCPTIMER_POLICY_RULES
#define POLICY_NAME_MAX 64                   /* bytes of [A-Za-z0-9._-] */
#define POLICY_LIST_MAX TCPTIMER_POLICY_LIST /* globs, CIDRs or port ranges of one list */
#define POLICY_FILE_MAX (1u << 20)           /* bytes of one file */

/* Where something stands in its file, both counted from 1 (columns in characters); 0: nowhere. */
struct policy_pos {
	uint32_t line, column;
};

struct policy_cidr {
	uint8_t family; /* AF_INET or AF_INET6; never IPv4 in IPv6 clothes */
	uint8_t bits;
	uint8_t addr[16]; /* network order, zero beyond `bits` */
	struct policy_pos pos;
};

struct policy_ports {
	uint16_t first, last; /* first <= last, 1..65535 */
	struct policy_pos pos;
};

struct policy_glob {
	char *pattern; /* glob.h; begins with '/' or '*' */
	struct policy_pos pos;
};

struct policy_value {
	bool set;
	int64_t value; /* us, a number, or 0 and 1: policy_settings[].kind */
	struct policy_pos pos;
};

/*
 * One rule. It matches a socket when all of these do:
 *   cgroup       one of the patterns matches the path of the cgroup that the socket was made in
 *   direction    connect: this host called connect(); accept: it was accepted; any: both
 *   remote, local            one of the CIDRs has the address
 *   remote_port, local_port  one of the ranges has the port
 * An empty list matches everything. The first rule of the policy that matches is the socket's rule;
 * no later one adds to it, also where the first sets less.
 */
// cgroup "/a/**" matches /a and /a/b/c, not /ab; "/a/*.scope" matches /a/x.scope, not /a/b/x.scope
// remote 10.0.0.0/8 matches 10.1.2.3, also as ::ffff:10.1.2.3; ::/0 every IPv6 address, no IPv4 one
// remote_port 6379-6390 matches 6379, 6390 and all between
// rules 1. cgroup /a/** remote_port 443, 2. cgroup /a/**: /a/b takes 1 to port 443, else 2
struct policy_rule {
	char name[POLICY_NAME_MAX + 1];
	const char *file; /* borrowed from the caller of policy_read() */
	struct policy_pos pos;
	uint8_t direction; /* enum policy_direction */
	uint8_t mode;      /* enum policy_mode */
	struct policy_pos direction_pos;
	uint8_t cgroup_count, remote_count, local_count, remote_port_count, local_port_count;
	struct policy_glob cgroup[POLICY_LIST_MAX];
	struct policy_cidr remote[POLICY_LIST_MAX];
	struct policy_cidr local[POLICY_LIST_MAX];
	struct policy_ports remote_port[POLICY_LIST_MAX];
	struct policy_ports local_port[POLICY_LIST_MAX];
	struct policy_value settings[POLICY_SETTING_COUNT];
};

struct policy {
	struct policy_rule *rules;
	size_t count;
};

/* A socket, as rules see it. Addresses in network order, IPv4 in the first four bytes. */
struct policy_socket {
	const char *cgroup; /* "/a/b"; NULL: unknown, which only a rule without patterns matches */
	uint8_t direction;  /* POLICY_CONNECT or POLICY_ACCEPT */
	uint8_t family;     /* AF_INET or AF_INET6 */
	uint8_t remote_addr[16], local_addr[16];
	uint16_t remote_port, local_port; /* host order */
};

/* The index of the socket's rule, or -1: none matches. */
int policy_match(const struct policy *policy, const struct policy_socket *socket);

/*
 * Does `covered` never match what `rule` does not? True only when that is certain: a false answer may
 * still be a rule that is hidden in a way that no simple proof shows.
 */
bool policy_rule_covers(const struct policy_rule *rule, const struct policy_rule *covered);
/* The same for single elements. */
bool policy_glob_covers(const char *pattern, const char *covered);
bool policy_cidr_covers(const struct policy_cidr *cidr, const struct policy_cidr *covered);

const char *policy_direction_name(unsigned int direction); /* "connect"; never NULL */
const char *policy_mode_name(unsigned int mode);           /* "enforce"; never NULL */

/* Frees the rules and leaves an empty policy. */
void policy_free(struct policy *policy);
void policy_rule_free(struct policy_rule *rule); /* what it points to */

#endif

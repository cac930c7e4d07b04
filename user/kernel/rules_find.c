// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rule holds for a socket, where the kernel's side could not say: from the pinned maps.
 * Receives snapshots of the trace; hands tcptimer_snapshot.policy.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "kernel/kernel.h"
#include "kernel/pinned.h"
#include "kernel/rules.h"
#include "tcptimer/policy_match.h"

#define RETRY_S 1     /* when there were no pins */
#define FIND_KNOWN 64 /* cgroups of this tick; a slot holds the last that fell into it */

static int control_fd = -1, cgroups_fd = -1;

static struct find_known {
	uint64_t cgroup; /* 0: none */
	bool found;
	uint64_t mask[TCPTIMER_POLICY_WORDS];
} find_known[FIND_KNOWN];
static struct tcptimer_policy_control control; /* of this tick, when it is known */
static bool control_known;

static void find_unknow(void)
{
	control_known = false;
	for (unsigned int i = 0; i < FIND_KNOWN; i++)
		find_known[i].cgroup = 0;
}

static bool find_ready(void)
{
	static time_t tried;
	struct timespec now;

	if (control_fd >= 0 && cgroups_fd >= 0)
		return true;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (tried && now.tv_sec - tried < RETRY_S)
		return false;
	tried = now.tv_sec;
	rules_find_forget();
	control_fd =
		pinned_map(rules_pin_dir(), "map_control", sizeof(struct tcptimer_policy_control));
	cgroups_fd =
		pinned_map(rules_pin_dir(), "map_cgroups", sizeof(struct tcptimer_policy_cgroup));
	return control_fd >= 0 && cgroups_fd >= 0;
}

void rules_find_forget(void)
{
	if (control_fd >= 0)
		close(control_fd);
	if (cgroups_fd >= 0)
		close(cgroups_fd);
	control_fd = cgroups_fd = -1;
	find_unknow();
}

/* As policy_candidates() in bpf/policy_find.h: the cgroup's own, or what an ancestor hands down. */
static bool find_mask(uint64_t cgroup, unsigned int bank, uint64_t ret_mask[TCPTIMER_POLICY_WORDS])
{
	struct tcptimer_policy_cgroup known;
	char path[8704];
	const char *below = cgroups_path(cgroup);
	struct stat st;
	char *slash;

	if (!bpf_map_lookup_elem(cgroups_fd, &cgroup, &known)) {
		memcpy(ret_mask, known.own[bank], sizeof(known.own[bank]));
		return true;
	}
	if (!below || !cgroups_mount() ||
	    snprintf(path, sizeof(path), "%s%s", cgroups_mount(), below) >= (int)sizeof(path))
		return false;
	while ((slash = strrchr(path, '/')) && (size_t)(slash - path) >= strlen(cgroups_mount())) {
		uint64_t id;

		*slash = '\0';
		if (stat(path, &st))
			continue;
		id = st.st_ino;
		if (!bpf_map_lookup_elem(cgroups_fd, &id, &known)) {
			memcpy(ret_mask, known.inherit[bank], sizeof(known.inherit[bank]));
			return true;
		}
	}
	return false;
}

static void find_address(uint32_t words[4], const struct tcptimer_snapshot *s, const uint8_t *addr)
{
	if (s->family == AF_INET6) {
		memcpy(words, addr, 16);
		return;
	}
	words[0] = words[1] = 0;
	words[2] = htonl(0xffff);
	memcpy(&words[3], addr, 4);
}

static bool find_matches(const struct tcptimer_policy_rule *rule, const struct tcptimer_snapshot *s)
{
	struct tcptimer_policy_key key = {
		.remote_port = s->remote_port,
		.local_port = s->local_port,
		.direction = rule->direction,
	};

	if (s->state == TCPTIMER_STATE_SYN_SENT)
		key.direction = POLICY_CONNECT;
	else if (s->kind == TCPTIMER_SOCK_REQUEST)
		key.direction = POLICY_ACCEPT;
	find_address(key.remote, s, s->remote_addr);
	find_address(key.local, s, s->local_addr);
	key.family = !key.remote[0] && !key.remote[1] && key.remote[2] == htonl(0xffff) ? 4 : 6;
	return tcptimer_policy_rule_matches(rule, &key);
}

/* Limits that have the rule's value are taken for the rule's. */
static uint32_t find_limits(const struct tcptimer_policy_rule *rule,
			    const struct tcptimer_snapshot *s)
{
	uint32_t limits = 0;

	if (rule->mode == POLICY_AUDIT)
		return 0;
	if ((rule->set & POLICY_BIT(POLICY_USER_TIMEOUT)) &&
	    s->user_timeout_ms == (uint32_t)rule->value[POLICY_USER_TIMEOUT])
		limits |= TCPTIMER_POLICY_USER_TIMEOUT;
	else if ((rule->set & POLICY_BIT(POLICY_MAX_RETRIES)) &&
		 s->retransmits >= rule->value[POLICY_MAX_RETRIES])
		limits |= TCPTIMER_POLICY_LAST_RETRY;
	if ((rule->set & POLICY_BIT(POLICY_SYN_RETRIES)) &&
	    s->syn_retries == rule->value[POLICY_SYN_RETRIES])
		limits |= TCPTIMER_POLICY_SYN_RETRIES;
	if ((rule->set & POLICY_BIT(POLICY_KEEPALIVE_ENABLE)) &&
	    rule->value[POLICY_KEEPALIVE_ENABLE])
		limits |= TCPTIMER_POLICY_KEEPALIVE;
	return limits;
}

/* Of this tick: the policy that is in force, and which of its rules may take sockets of the cgroup. */
static const uint64_t *find_candidates(uint64_t cgroup, unsigned int *ret_bank)
{
	struct find_known *known = &find_known[(cgroup ^ cgroup >> 32) % FIND_KNOWN];
	static int64_t tick_ns;
	uint32_t zero = 0;

	if (rules_ticked(&tick_ns))
		find_unknow();
	if (!control_known) {
		if (!find_ready())
			return NULL;
		if (bpf_map_lookup_elem(control_fd, &zero, &control) || !control.active ||
		    control.layout != TCPTIMER_POLICY_LAYOUT) {
			rules_forget(); /* cleared: the next policy's pins may be others */
			return NULL;
		}
		control_known = true;
	}
	*ret_bank = control.active & 1;
	if (known->cgroup != cgroup) {
		known->found = find_mask(cgroup, *ret_bank, known->mask);
		known->cgroup = cgroup;
	}
	return known->found ? known->mask : NULL;
}

uint32_t rules_find(const struct tcptimer_snapshot *s)
{
	const uint64_t *mask;
	unsigned int bank;
	uint32_t i;

	if (s->kind == TCPTIMER_SOCK_TIMEWAIT || !s->cgroup_id)
		return 0;
	mask = find_candidates(s->cgroup_id, &bank);
	for (i = 0; mask && i < TCPTIMER_POLICY_RULES; i++) {
		const struct tcptimer_policy_rule *rule;

		if (!(mask[i / 64] >> i % 64 & 1))
			continue;
		rule = rules_get(bank * TCPTIMER_POLICY_RULES + i + 1);
		if (rule && find_matches(rule, s))
			return (bank * TCPTIMER_POLICY_RULES + i + 1) | find_limits(rule, s);
	}
	return 0;
}

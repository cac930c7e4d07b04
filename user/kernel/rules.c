// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules that are in force, for commands that only look: which rule holds for a socket.
 * Receives tcptimer_snapshot.policy; hands names out of the maps that the daemon has pinned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/enforce.h"
#include "kernel/pinned.h"
#include "kernel/rules.h"
#include "tcptimer/snapshot.h"
#include "tcptimer.skel.h"

const char *rules_pin_dir(void)
{
	const char *dir = getenv("TCPTIMER_PIN_DIR");

	return dir && dir[0] == '/' ? dir : ENFORCE_PIN_DIR;
}

/* Of another layout, or none: then no socket is known to have a rule. */
void rules_reuse(struct bpf_map *sockets)
{
	int fd = pinned_map(rules_pin_dir(), "map_sockets", bpf_map__value_size(sockets));

	if (fd < 0)
		return;
	bpf_map__reuse_fd(sockets, fd);
	close(fd);
}

static int rules_fd = -1;

void rules_forget(void)
{
	rules_find_forget();
	if (rules_fd >= 0)
		close(rules_fd);
	rules_fd = -1;
}

const struct tcptimer_policy_rule *rules_get(uint32_t policy)
{
	static struct tcptimer_policy_rule rule;
	uint32_t key = (policy & TCPTIMER_POLICY_RULE) - 1;

	if (!(policy & TCPTIMER_POLICY_RULE))
		return NULL;
	/* Opened anew each time it fails only: a daemon that starts later is found. */
	if (rules_fd < 0)
		rules_fd = pinned_map(rules_pin_dir(), "map_rules", sizeof(rule));
	if (rules_fd < 0 || bpf_map_lookup_elem(rules_fd, &key, &rule))
		return NULL;
	rule.name[sizeof(rule.name) - 1] = '\0';
	return &rule;
}

const char *rules_name(uint32_t policy)
{
	const struct tcptimer_policy_rule *rule = rules_get(policy);

	return rule && rule->name[0] ? rule->name : NULL;
}

bool rules_in_force(uint32_t *ret_generation, uint32_t *ret_rules)
{
	struct tcptimer_policy_control control = {};
	int fd = pinned_map(rules_pin_dir(), "map_control", sizeof(control));
	uint32_t zero = 0;
	bool found;

	if (fd < 0)
		return false;
	found = !bpf_map_lookup_elem(fd, &zero, &control);
	close(fd);
	if (!found || control.layout != TCPTIMER_POLICY_LAYOUT || !control.active)
		return false;
	*ret_generation = control.active >> 1;
	*ret_rules = control.count[control.active & 1];
	return true;
}

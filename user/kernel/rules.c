// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules that are in force, for commands that only look: which rule holds for a socket.
 * Receives tcptimer_snapshot.policy; hands names out of the maps that the daemon has pinned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static bool reuse_map(struct bpf_map *map, const char *name)
{
	int fd = pinned_map(rules_pin_dir(), name, bpf_map__value_size(map));

	if (fd < 0)
		return false;
	bpf_map__reuse_fd(map, fd);
	close(fd);
	return true;
}

/* Of another layout, or none: then no socket is known to have a rule. */
void rules_reuse(struct bpf_map *sockets, struct bpf_map *slots)
{
	reuse_map(sockets, "map_sockets");
	if (!reuse_map(slots, "map_slots"))
		bpf_map__set_max_entries(slots, 1);
}

#define RULES_KNOWN 16 /* of this tick; a slot holds the last that fell into it */

static int rules_fd = -1;
static struct rules_known {
	uint32_t number; /* its place in the map + 1; 0: none */
	bool found;
	struct tcptimer_policy_rule rule;
} rules_known[RULES_KNOWN];

bool rules_ticked(int64_t *last_ns)
{
	struct timespec now;
	int64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (now_ns == *last_ns)
		return false;
	*last_ns = now_ns;
	return true;
}

static void rules_unknow(void)
{
	for (unsigned int i = 0; i < RULES_KNOWN; i++)
		rules_known[i].number = 0;
}

void rules_forget(void)
{
	rules_unknow();
	rules_find_forget();
	if (rules_fd >= 0)
		close(rules_fd);
	rules_fd = -1;
}

static bool rules_read(uint32_t key, struct tcptimer_policy_rule *ret_rule)
{
	/* Opened anew each time it fails only: a daemon that starts later is found. */
	if (rules_fd < 0)
		rules_fd = pinned_map(rules_pin_dir(), "map_rules", sizeof(*ret_rule));
	if (rules_fd < 0 || bpf_map_lookup_elem(rules_fd, &key, ret_rule))
		return false;
	ret_rule->name[sizeof(ret_rule->name) - 1] = '\0';
	return true;
}

const struct tcptimer_policy_rule *rules_get(uint32_t policy)
{
	static int64_t tick_ns;
	uint32_t number = policy & TCPTIMER_POLICY_RULE;
	struct rules_known *known = &rules_known[number % RULES_KNOWN];

	if (!number)
		return NULL;
	if (rules_ticked(&tick_ns))
		rules_unknow();
	if (known->number != number) {
		known->found = rules_read(number - 1, &known->rule);
		known->number = number;
	}
	return known->found ? &known->rule : NULL;
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

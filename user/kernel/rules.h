/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that are in force, for commands that only look: which rule holds for a socket.
 * Receives tcptimer_snapshot.policy; hands names out of the maps that the daemon has pinned.
 */
#ifndef TCPTIMER_KERNEL_RULES_H
#define TCPTIMER_KERNEL_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include "tcptimer/policy_map.h"
#include "tcptimer/snapshot.h"

struct bpf_map;

/* Before loading: what is pinned of sockets takes the place of the object's own, which is empty. */
void rules_reuse(struct bpf_map *sockets, struct bpf_map *slots);
/* The rule, or NULL: none, or it is gone. Valid until the next call. */
const struct tcptimer_policy_rule *rules_get(uint32_t policy);
/* The rule's name, or NULL: none, or it is gone. Valid until the next call. */
const char *rules_name(uint32_t policy);
/*
 * tcptimer_snapshot.policy for a snapshot that came without: the first rule in force that takes the
 * socket, and the limits that have the rule's value. Who called connect() is not in a snapshot, so that
 * a rule of either direction will do. 0: none.
 */
uint32_t rules_find(const struct tcptimer_snapshot *s);
/* Other pins have taken the place of those that were known: look again. */
void rules_forget(void);
void rules_find_forget(void);
/*
 * What these functions have read is taken as still so until the kernel's clock ticks: at most a jiffy,
 * in which events come by the hundred. Whether it ticked since *last, which is set.
 */
bool rules_ticked(int64_t *last_ns);
/* Whether a policy is in force, its generation and how many rules it has. */
bool rules_in_force(uint32_t *ret_generation, uint32_t *ret_rules);
/* Where the pins are: TCPTIMER_PIN_DIR, else ENFORCE_PIN_DIR. */
const char *rules_pin_dir(void);

#endif

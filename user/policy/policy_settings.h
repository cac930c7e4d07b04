/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys that a rule may set: one table of units, bounds and kernels.
 * Receives nothing; hands rows to the reader, the lint, the manual's table and messages. Pure.
 */
#ifndef TCPTIMER_POLICY_SETTINGS_H
#define TCPTIMER_POLICY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tcptimer/policy_map.h" /* enum policy_setting_id */

enum policy_setting_kind {
	POLICY_KIND_SPAN,  /* a time; its value is in us */
	POLICY_KIND_COUNT, /* a number */
	POLICY_KIND_BOOL,  /* true or false */
};

struct policy_setting {
	const char *key;    /* as in the file: "idle" */
	const char *name;   /* with the key above it: "keepalive.idle" */
	const char *option; /* what the kernel calls it */
	const char *since;  /* the first kernel on which BPF can set it */
	uint8_t since_major, since_minor;
	uint8_t kind;     /* enum policy_setting_kind */
	uint32_t step_us; /* span: the kernel's own unit, of which it takes whole ones */
	int64_t min, max; /* us, or a number: what setsockopt() and bpf_setsockopt() take */
	const char *word; /* the same in `simulate`; NULL: none */
	const char *help; /* one line */
};

extern const struct policy_setting policy_settings[POLICY_SETTING_COUNT];

/* "1ms..24d20h", "1..127", "true, false": what a value may be. Returns buf. */
const char *policy_setting_range(const struct policy_setting *setting, char *buf, size_t size);
/* "20s", "1500us", "6", "true". Returns buf. */
const char *policy_value_text(const struct policy_setting *setting, int64_t value, char *buf,
			      size_t size);

#endif

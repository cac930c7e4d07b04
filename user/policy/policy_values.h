/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single values of a policy: names, patterns, addresses, ports, settings.
 * Receives words from anywhere; hands values, or what is wrong with the word and the remedy. Pure.
 */
#ifndef TCPTIMER_POLICY_VALUES_H
#define TCPTIMER_POLICY_VALUES_H

#include "policy/policy.h"

/* What is wrong with a word: one printable line, and the finding's code. */
struct value_error {
	const char *code; /* static */
	char text[400];
};

/* All: 0, or -EINVAL with *ret_error filled; -ENOMEM. ret_*.pos is not touched. */
int value_name(const char *word, char ret[POLICY_NAME_MAX + 1], struct value_error *ret_error);
int value_glob(const char *word, char **ret, struct value_error *ret_error);
int value_cidr(const char *word, struct policy_cidr *ret, struct value_error *ret_error);
int value_ports(const char *word, struct policy_ports *ret, struct value_error *ret_error);
int value_setting(const struct policy_setting *row, const char *word, int64_t *ret,
		  struct value_error *ret_error);
/* The index of the word in a list that ends with NULL; `what` names it: "mode". */
int value_choice(const char *word, const char *what, const char *const *choices, uint8_t *ret,
		 struct value_error *ret_error);

/* The one of `words` (ends with NULL) that a mistyped word may mean; NULL: none is near. */
const char *value_nearest(const char *word, const char *const *words);

#endif

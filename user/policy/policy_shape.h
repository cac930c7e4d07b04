/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a YAML text have the shape that a libcyaml schema asks for?
 * Receives the text's nodes and the schema; hands findings with line and column. Pure.
 */
#ifndef TCPTIMER_POLICY_SHAPE_H
#define TCPTIMER_POLICY_SHAPE_H

#include <cyaml/cyaml.h>
#include "policy/policy_scan.h"

/* All that is wrong with the shape. 0, or -EINVAL after at least one finding. */
int shape_check(const struct scan *scan, const char *file, const cyaml_schema_value_t *schema,
		struct policy_report *report);

#endif

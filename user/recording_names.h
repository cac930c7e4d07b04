/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of a recording: cgroups, namespaces, rules, owners.
 * Receives records of recording_read(); hands a connection its names. Pure.
 */
#ifndef TCPTIMER_RECORDING_NAMES_H
#define TCPTIMER_RECORDING_NAMES_H

#include "conn.h"
#include "idmap.h"
#include "recording.h"

/* What a hostile recording can make a reader keep; what is beyond is counted in `dropped`. */
#define RECORDING_NAMES_BYTES_MAX (256U << 20)

struct recording_names {
	struct idmap cgroups, netns, rules, owners;
	size_t bytes;
	uint64_t dropped;
};

/* Keeps a copy of a CGROUP, NETNS, RULE or OWNER record, in place of an earlier one; passes others. */
void recording_names_add(struct recording_names *names, const struct recording_record *record);
/* snap, hz and names; the strings live until the next record is added. No deadline. */
void recording_names_fill(const struct recording_names *names, const struct tcptimer_snapshot *snap,
			  unsigned int hz, struct conn *ret_conn);
void recording_names_free(struct recording_names *names);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One snapshot in a file, with all that the engine needs to foretell from it on another machine.
 * Written by tests/conformance when engine and kernel disagree; read by `simulate --snapshot FILE`.
 *
 * The file is a struct tcptimer_snapshot_file in the byte order of its writer, whole: a version or
 * size that differs is refused, never guessed at. Pure: works on memory, does no I/O.
 */
#ifndef TCPTIMER_SNAPSHOT_FILE_H
#define TCPTIMER_SNAPSHOT_FILE_H

#include <stddef.h>
#include "tcptimer/engine.h"

#define TCPTIMER_SNAPSHOT_FILE_MAGIC "TCPTSNAP"
#define TCPTIMER_SNAPSHOT_FILE_VERSION 1

struct tcptimer_snapshot_file {
	char magic[8];         /* TCPTIMER_SNAPSHOT_FILE_MAGIC, no NUL */
	__u32 version;         /* TCPTIMER_SNAPSHOT_FILE_VERSION */
	__u32 size;            /* of this struct */
	__u32 snapshot_size;   /* sizeof(struct tcptimer_snapshot) */
	__u32 hz;              /* CONFIG_HZ of the kernel that it was taken from */
	__u32 peer;            /* enum tcptimer_peer that was assumed */
	__u32 rtt_us;          /* of that peer's answers, as in tcptimer_engine_params */
	char profile_name[16]; /* NUL-terminated; profile says what it does */
	struct tcptimer_profile profile;
	struct tcptimer_snapshot snapshot;
};

/* What a read refuses a file for. */
enum tcptimer_snapshot_file_error {
	TCPTIMER_SNAPSHOT_FILE_SHORT = -1,  /* not as long as a snapshot file is */
	TCPTIMER_SNAPSHOT_FILE_MAGIC_ = -2, /* not a snapshot file, or of another byte order */
	TCPTIMER_SNAPSHOT_FILE_OTHER = -3,  /* of another version of tcptimer */
	TCPTIMER_SNAPSHOT_FILE_VALUES = -4, /* a field that no writer sets so */
};

const char *tcptimer_snapshot_file_strerror(int error);

void tcptimer_snapshot_file_fill(const struct tcptimer_profile *profile,
				 const struct tcptimer_engine_params *params,
				 const struct tcptimer_snapshot *snapshot,
				 struct tcptimer_snapshot_file *ret_file);
/* 0, or an error above; then *ret_file is untouched. `data` need not be aligned. */
int tcptimer_snapshot_file_read(const void *data, size_t len,
				struct tcptimer_snapshot_file *ret_file);

#endif

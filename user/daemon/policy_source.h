/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a policy was read from, as they are kept beside it in the kernel.
 * Receives names and bytes; hands a blob, and the same files out of a blob that may be damaged. Pure.
 */
#ifndef TCPTIMER_DAEMON_POLICY_SOURCE_H
#define TCPTIMER_DAEMON_POLICY_SOURCE_H

#include "policy/policy.h"
#include "policy/policy_report.h"

#define SOURCE_FILES_MAX POLICY_RULES_MAX /* each has a rule at least */
#define SOURCE_NAME_MAX 4095              /* bytes, as of a path */
#define SOURCE_DIGEST 65                  /* bytes of a digest in hex, with the 0 */

enum source_kind { SOURCE_FILES, SOURCE_APPLY };

struct source_file {
	char *name;  /* raw bytes without a 0 */
	char *bytes; /* `size` of them */
	size_t size;
};

struct policy_source {
	uint8_t kind; /* enum source_kind: who put it in force, the daemon's files or `policy apply` */
	bool audit;      /* every rule was taken in mode audit */
	int64_t time_ns; /* CLOCK_REALTIME when it first came in force; 0: not yet */
	struct source_file *files;
	size_t count;
};

/* Adds a copy behind those that are there. 0; -E2BIG when it is more than a blob takes; -ENOMEM. */
int source_add(struct policy_source *source, const char *name, const void *bytes, size_t size);
void source_free(struct policy_source *source);
/* The same files with the same bytes in the same order. */
bool source_same(const struct policy_source *a, const struct policy_source *b);

/* At most TCPTIMER_POLICY_SOURCE bytes, malloc()ed. 0, -E2BIG or -ENOMEM. */
int source_encode(const struct policy_source *source, void **ret_blob, size_t *ret_size);
/* 0, -EINVAL for what source_encode() never writes, -ENOMEM; *ret is empty then. */
int source_decode(const void *blob, size_t size, struct policy_source *ret);

/* SHA-256 of all bytes in order, what `cat FILES | sha256sum` prints. */
void source_digest(const struct policy_source *source, char ret[SOURCE_DIGEST]);

/*
 * The rules of all files; their names are borrowed from `source`. No file: an empty policy. 0, or
 * -EINVAL after at least one finding, -ENOMEM with report->no_memory.
 */
int source_read(const struct policy_source *source, struct policy *policy,
		struct policy_report *report);

#endif

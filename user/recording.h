/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing and reading recordings (tcptimer/recording.h).
 * Receives records or the bytes of a file; hands bytes, or records that can be trusted. Pure.
 */
#ifndef TCPTIMER_USER_RECORDING_H
#define TCPTIMER_USER_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include "tcptimer/recording.h"

#define RECORDING_NAME_MAX                                                                         \
	4352 /* bytes of a name with its NUL: a cgroup's path, "(deleted)" and all */
/* Bytes that recording_read() may need at once. */
#define RECORDING_PIECE_MAX (sizeof(struct tcptimer_recording_head) + TCPTIMER_RECORDING_BODY_MAX)

/* ---- writing */

struct recording_writer {
	/* set by the caller */
	int (*write)(void *arg, const void *data,
		     size_t len); /* all of it: 0, or a negative errno */
	void *arg;
	uint64_t veil; /* random: hides the kernel's addresses */

	uint64_t bytes;  /* written, whole records only */
	uint32_t number; /* of the last record */
	int err;         /* the first that write() returned; nothing is written after it */
};

/* Sizes, magic and checksum are filled in. 0 or the error of write(). */
int recording_begin(struct recording_writer *writer,
		    const struct tcptimer_recording_header *header);
/* The same return values; names are cut to what the format takes. */
int recording_put_snapshot(struct recording_writer *writer, const struct tcptimer_snapshot *snap);
int recording_put_event(struct recording_writer *writer, const struct tcptimer_event *event);
int recording_put_lost(struct recording_writer *writer, const struct tcptimer_recording_lost *lost);
int recording_put_cgroup(struct recording_writer *writer, uint64_t id, const char *path);
int recording_put_netns(struct recording_writer *writer, uint32_t inum, const char *name);
int recording_put_rule(struct recording_writer *writer, uint32_t rule, const char *name);
/* pids: `processes` of them; NULL: only the first is known. */
int recording_put_owner(struct recording_writer *writer,
			const struct tcptimer_recording_owner *owner, const int *pids);
int recording_put_end(struct recording_writer *writer, const struct tcptimer_recording_end *end);

/* ---- reading */

/* What is wrong with a recording: the first four with its header, then with a record. */
enum recording_error {
	RECORDING_SHORT = -1,  /* not as long as a header */
	RECORDING_MAGIC = -2,  /* not a recording */
	RECORDING_ORDER = -3,  /* of a machine with the other byte order */
	RECORDING_OTHER = -4,  /* of another version of tcptimer */
	RECORDING_HEADER = -5, /* the header's checksum, or values that no writer sets */
	RECORDING_CUT = -6,    /* the file ends within a record */
	RECORDING_OPEN = -7,   /* it ends between records, without an end mark */
	RECORDING_SUM = -8,    /* a checksum differs */
	RECORDING_GAP = -9,    /* records are missing or doubled */
	RECORDING_VALUES = -10 /* a record holds what no writer writes */
};

const char *recording_strerror(int error);

struct recording_name {
	uint64_t id;
	char name[RECORDING_NAME_MAX];
};

struct recording_owner {
	struct tcptimer_recording_owner owner;
	bool has_pids;
	int pids[TCPTIMER_RECORDING_PIDS_MAX];
};

struct recording_record {
	uint16_t type; /* enum tcptimer_recording_type */
	union {
		struct tcptimer_snapshot snapshot;
		struct tcptimer_event event;
		struct tcptimer_recording_lost lost;
		struct recording_name name; /* CGROUP, NETNS, RULE */
		struct recording_owner owner;
		struct tcptimer_recording_end end;
	};
};

struct recording_reader {
	struct tcptimer_recording_header header;
	uint64_t offset; /* of the header or record that is read next: where the damage is */
	uint32_t number; /* of the last record */
	bool ended;      /* the end mark was read */
};

/* Reads a header from `data`, as much of the file as there is. 0 or an error. */
int recording_read_header(struct recording_reader *reader, const void *data, size_t len);
/*
 * Reads the next record; `data` need not be aligned, `last` says that the file ends with it. Returns
 * the bytes taken; 0: more are needed (`last` was false), or the end mark was read before; or an
 * error, and so again. `data` beyond the end mark is damage.
 */
int recording_read(struct recording_reader *reader, const void *data, size_t len, bool last,
		   struct recording_record *ret_record);

#endif

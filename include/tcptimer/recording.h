/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `tcptimer record` writes and `tcptimer replay` reads: sockets, timer events, names, losses.
 * Written by user/recording_write.c; validated by user/recording_read.c before anything looks at it.
 *
 * A recording is a header and then records until the end mark, each behind a head with its length,
 * type, number and checksum; nothing is padded, nothing is aligned. Numbers are in the byte order of
 * the machine that wrote it, which byte_order tells. It is a stream: nothing before is changed later,
 * and whatever part of it was written can be read.
 *
 *   offset  bytes
 *        0    256  struct tcptimer_recording_header
 *      256     16  struct tcptimer_recording_head of record 1
 *      272      n  its body: n is head.length
 *    272+n     16  head of record 2 …
 *
 * The event and snapshot structs change with the product: a reader refuses a recording whose header
 * names other sizes than its own. What a checksum covers it is the CRC-32 of zlib's crc32().
 */
#ifndef TCPTIMER_RECORDING_H
#define TCPTIMER_RECORDING_H

/* Columns of comments are laid out by hand. */
/* clang-format off */

#include <stddef.h>
#include "tcptimer/engine.h"
#include "tcptimer/event.h"

#define TCPTIMER_RECORDING_MAGIC "TCPTREC\n"
#define TCPTIMER_RECORDING_ORDER 0x01020304U /* as the writer's machine lays it out */
#define TCPTIMER_RECORDING_VERSION 1
#define TCPTIMER_RECORDING_BODY_MAX 8192U /* bytes of a body; a longer one is damage */

/* Bits of tcptimer_recording_header.flags */
#define TCPTIMER_RECORDING_ALL (1u << 0) /* every timer event, not only those of stalled connections */

struct tcptimer_recording_header {
	char magic[8];         /*   0  TCPTIMER_RECORDING_MAGIC, no NUL */
	__u32 byte_order;      /*   8  TCPTIMER_RECORDING_ORDER */
	__u32 version;         /*  12  TCPTIMER_RECORDING_VERSION */
	__u32 size;            /*  16  of this struct */
	__u32 event_size;      /*  20  sizeof(struct tcptimer_event) */
	__u32 snapshot_size;   /*  24  sizeof(struct tcptimer_snapshot) */
	__u32 profile_size;    /*  28  sizeof(struct tcptimer_profile) */
	__u32 hz;              /*  32  CONFIG_HZ of the kernel that was recorded */
	__u32 flags;           /*  36  TCPTIMER_RECORDING_ALL */
	__u64 start_ns;        /*  40  CLOCK_MONOTONIC at the start, the clock of every record ... */
	__u64 start_real_ns;   /*  48  ... and CLOCK_REALTIME at the same moment, since 1970 */
	char release[64];      /*  56  uname -r; NUL-terminated, raw bytes */
	char host[64];         /* 120  uname -n; NUL-terminated, raw bytes */
	struct tcptimer_profile profile; /* 184  what that kernel does, deviations and all */
	__u8 reserved[16];     /* 236  zero */
	__u32 checksum;        /* 252  of the bytes before */
};

struct tcptimer_recording_head {
	__u32 length;   /*  0  bytes of the body, at most TCPTIMER_RECORDING_BODY_MAX */
	__u16 type;     /*  4  enum tcptimer_recording_type */
	__u16 reserved; /*  6  zero */
	__u32 number;   /*  8  of this record: 1, 2, … (2^32 - 1 is followed by 0) */
	__u32 checksum; /* 12  of the 12 bytes before, then of the body */
};

/*
 * The address fields sk and listener_sk of events, snapshots and owners are not the kernel's: equal
 * ones were equal, which is all that they tell. A name stands before the first record that needs it,
 * once; or again, when it has changed or after very many others. Names are raw bytes without a NUL
 * and reach to the end of the body.
 */
enum tcptimer_recording_type {
	TCPTIMER_RECORDING_SNAPSHOT = 1, /* struct tcptimer_snapshot: a socket at the start */
	TCPTIMER_RECORDING_EVENT = 2,    /* struct tcptimer_event */
	TCPTIMER_RECORDING_LOST = 3,     /* struct tcptimer_recording_lost */
	TCPTIMER_RECORDING_CGROUP = 4,   /* __u64 id, then its path below the mount: "/a/b" */
	TCPTIMER_RECORDING_NETNS = 5,    /* __u32 inode, then the name it is mounted under */
	TCPTIMER_RECORDING_OWNER = 6,    /* struct tcptimer_recording_owner, then its __s32 pids */
	TCPTIMER_RECORDING_RULE = 7,     /* __u32 as in tcptimer_snapshot.policy, then its name */
	TCPTIMER_RECORDING_END = 8,      /* struct tcptimer_recording_end: the last record */
	TCPTIMER_RECORDING_TYPE_COUNT
};

/* Events that were not told, on one CPU, since the last such record of that CPU. */
struct tcptimer_recording_lost {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 lost;
	__u32 cpu;
	__u32 pad;
};

/* Who held a socket when it was first met, or when that had changed. */
struct tcptimer_recording_owner {
	__u64 sk;
	__u64 cookie;    /* 0: the socket had none yet */
	__s32 pid;       /* of the first process */
	__u32 processes; /* how many hold it; their pids follow when they are 2..PIDS_MAX, else none */
	char comm[16];   /* of the first; NUL-terminated, raw bytes */
};

#define TCPTIMER_RECORDING_PIDS_MAX 1024U
#define TCPTIMER_RECORDING_LOSS_KINDS 3

struct tcptimer_recording_end {
	__u64 time_ns;   /* CLOCK_MONOTONIC */
	__u64 snapshots; /* records of each kind before */
	__u64 events;
	__u64 lost[TCPTIMER_RECORDING_LOSS_KINDS]; /* enum trace_loss: buffer, table, unseen */
	__u64 missed;    /* runs of a program that the kernel left out */
	__u32 skipped;   /* network namespaces that could not be entered */
	__u32 pad;
};

_Static_assert(sizeof(struct tcptimer_recording_header) == 256, "recording header");
_Static_assert(offsetof(struct tcptimer_recording_header, profile) == 184, "recording header");
_Static_assert(offsetof(struct tcptimer_recording_header, checksum) == 252, "recording header");
_Static_assert(sizeof(struct tcptimer_recording_head) == 16, "recording head");
_Static_assert(sizeof(struct tcptimer_recording_lost) == 24, "recording lost");
_Static_assert(sizeof(struct tcptimer_recording_owner) == 40, "recording owner");
_Static_assert(sizeof(struct tcptimer_recording_end) == 64, "recording end");

/* clang-format on */

#endif

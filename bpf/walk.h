/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bpf/walk.bpf.c and user/kernel/walk.c tell each other, in maps that both have in memory.
 * Receives a table of connections and where in it to begin; hands records of stalled sockets.
 */
#ifndef TCPTIMER_BPF_WALK_H
#define TCPTIMER_BPF_WALK_H

#include "tcptimer/snapshot.h"

#define WALK_ROOM 256 /* records of one run */
#define WALK_BLOCK 64 /* heads of chains read at a time; a power of two */

struct walk_record {
	struct tcptimer_snapshot snapshot;
	__u64 bucket;
};

/* In walk_table, in place of the numbers of bpf_rdonly_cast() and of struct tcp_sock. */
#define WALK_CAST_CALL 0x7ca57ca1
#define WALK_CAST_TYPE 0x7ca57ca2

/* How a run ended. */
enum walk_end {
	WALK_GOES_ON, /* its share is done; or the table is, when `bucket` is beyond it */
	WALK_FULL,    /* of `bucket` there are more: go on after the last record */
	WALK_LOST,    /* `after` has left its chain: begin the bucket anew */
	WALK_RETRY,   /* the chain changed again and again: begin the bucket anew */
};

/* Zeroed by user space, which sets what is said to be asked. */
struct walk_state {
	__u64 table; /* by walk_look: the address of the table of this network namespace; then asked */
	__u64 mask;   /* the same: its buckets - 1 */
	__u64 own;    /* the same: no other namespace's sockets are in it */
	__u64 after;  /* asked: pass by all of the first bucket up to this socket; 0: none */
	__u32 bucket; /* asked: where to begin; then where to go on */
	__u32 steps;  /* asked: end at the next bucket after so many sockets and buckets */
	__u32 count;  /* records written */
	__u32 end;    /* enum walk_end */
	/* the run's own */
	__u64 node;  /* of the chain: the next to look at */
	__u32 first; /* record of this bucket */
	__u32 again; /* times that the bucket was begun anew */
	__u64 from;  /* `after` when the bucket was begun */
	__u64 heads[WALK_BLOCK];
};

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side of user space: BPF programs, namespaces, cgroups, owners of sockets.
 * Receives requests from commands; hands them snapshots, events and names. Needs root.
 *
 * All of it runs in the calling thread. Functions that return int return 0 or a negative errno, after
 * printing nothing: the message is the command's, with kernel_error() for what the kernel or libbpf said.
 */
#ifndef TCPTIMER_KERNEL_H
#define TCPTIMER_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ring.h"
#include "tcptimer/event.h"
#include "tcptimer/summary_map.h"

struct tcptimer_bpf; /* the skeleton */
struct snapshot_bpf; /* that of bpf/snapshot.bpf.c by itself */
struct bpf_program;

/* ---- probe.c: what this kernel and this process can do ---- */

/* CONFIG_HZ, from the resolution of the coarse clocks. */
unsigned int probe_hz(void);
/* The capabilities that BPF and other namespaces take. False: *ret_missing names them. */
bool probe_privileged(const char **ret_missing);
/* The tcp_retransmit_skb tracepoint has its err argument (6.17). */
bool probe_retransmit_has_err(void);
/* The kernel's types, which those two keep: some 8 MiB. */
void probe_forget(void);
/* Kernel's BTF has a tracepoint, or a function, of that name. */
bool probe_has_tracepoint(const char *name);
bool probe_has_function(const char *name);
/* What libbpf said last of a failure, one line; "" when nothing. */
const char *kernel_error(void);
/* Route libbpf's words to kernel_error(), or all of them to stderr when TCPTIMER_DEBUG is set. */
void kernel_quiet_libbpf(void);

/* ---- netns.c ---- */

struct netns {
	unsigned int inum; /* inode number, as in lsns(8) */
	const char *name;  /* of its bind mount (/run/netns/NAME), or NULL */
	int fd;
};

/*
 * Enter each network namespace that a process or a bind mount holds, once, and call fn there; the
 * thread is back in its own afterwards. Stops when fn returns nonzero, and returns that. Those that
 * vanished meanwhile or can't be entered are counted in *ret_skipped.
 */
int netns_each(int (*fn)(const struct netns *netns, void *arg), void *arg,
	       unsigned int *ret_skipped);
/* Whether a namespace of that name or inode number is there. */
bool netns_exists(const char *which);
/* The entry is the one that `which`, a name or inode number, says. */
bool netns_is(const struct netns *netns, const char *which);
/* The name under which a namespace is bind-mounted, or NULL. Looked up once, then cached. */
const char *netns_name(unsigned int inum);

/* ---- cgroups.c ---- */

/* Where cgroup2 is mounted, or NULL. */
const char *cgroups_mount(void);
/* It shows the whole hierarchy, and not a cgroup namespace's part of it. */
bool cgroups_mount_is_root(void);
/* The path of a cgroup below that mount ("/system.slice/…"), or NULL when it is gone. Cached. */
const char *cgroups_path(uint64_t id);
/* The same, looked up anew; malloc()ed. */
char *cgroups_resolve(uint64_t id);
bool cgroups_exists(uint64_t id);

/* ---- owners.c ---- */

struct owners;
struct owner {
	int pid;                /* of the first that was found */
	int *pids;              /* all of them, when there are more; else NULL */
	uint64_t cookie;        /* of the socket; 0: it had none yet */
	unsigned int processes; /* how many hold it */
	char comm[16];          /* raw */
};

/* Which processes hold which TCP sockets, now: the program is snapshot_owner, loaded. */
int owners_load(struct bpf_program *program, struct owners **ret_owners);
/* By the kernel's address; a cookie other than 0 has to agree, since addresses are used again. */
const struct owner *owners_find(const struct owners *owners, uint64_t sk, uint64_t cookie);
void owners_free(struct owners *owners);

/* ---- snapshots.c ---- */

struct walk;

struct snapshot_options {
	uint32_t states;   /* mask of 1 << enum tcptimer_state */
	int family;        /* AF_INET, AF_INET6, or 0 for both */
	bool stalled;      /* only stalled sockets */
	bool owners;       /* load the programs that find owners */
	bool unlocked;     /* the order does not matter: stalled ones may come by walk.c, sooner */
	bool cookies;      /* then too, each socket with its cookie */
	const char *netns; /* a name or inode number, or NULL for all */
};

struct snapshot_reader {
	struct walk *walk; /* of walk.c, or NULL */
	struct snapshot_bpf *bpf;
	struct bpf_program *owners; /* for owners_load(), with options.owners */
	struct snapshot_options options;
	unsigned int skipped; /* namespaces that could not be entered */
	unsigned int visited; /* namespaces read */
};

int snapshots_open(struct snapshot_reader *reader, const struct snapshot_options *options);
/* Call fn with every socket; *snap is only valid during the call. Nonzero from fn stops. */
int snapshots_read(struct snapshot_reader *reader,
		   int (*fn)(const struct tcptimer_snapshot *snap, void *arg), void *arg);
void snapshots_close(struct snapshot_reader *reader);

/* ---- loader.c ---- */

/* Lets go of the pages of the object that was loaded; they come back from the binary when needed. */
void loader_forget(void);

/* ---- ring.c ---- */

/* `bytes`: a power of two, a page at least. */
int ring_open(struct ring *ring, uint32_t bytes);
void ring_close(struct ring *ring);

/* ---- tracer.c ---- */

#define TRACER_CPUS_MAX 1024
#define TRACER_RINGS_MAX 8
#define TRACER_BATCH 4096
#define TRACER_CROWD 16
#define TRACER_PAUSE_MS 2
#define TRACER_RING_BYTES_START (64U << 20) /* by default, where sockets are few */
#define TRACER_RING_BYTES_MIN (1U << 20)    /* by default at least, where memory is short */
#define TRACER_RING_BYTES_MAX (256U << 20)  /* that it grows to: 508 000 events ... */
#define TRACER_RING_SHARE 64                /* ... neither more than this part of the memory */
#define TRACER_RING_STEP 8                  /* by which it grows */
#define TRACER_RING_KEEP_S 10               /* that it stays large */

struct tracer_options {
	bool all;            /* every TCP timer event */
	uint32_t timers;     /* mask of timers told without a stall */
	uint32_t ring_bytes; /* of the ring buffer, a power of two; 0: the default */
	bool ring_grows;     /* with the number of open stalls, and shrinks again */
	uint32_t count;      /* TCPTIMER_BY_*: count by group, and tell nothing; see counts.c */
};

struct tracer {
	struct tcptimer_bpf *bpf;
	struct bpf_program *owners; /* for owners_load() */
	/* The last is written to; those before it wait to be read to their end. */
	struct ring rings[TRACER_RINGS_MAX];
	unsigned int ring_count;
	uint32_t ring_bytes; /* at least; when it does not grow, at most too */
	uint32_t ring_max;
	bool ring_grows;
	int64_t grown_s;    /* when it last had to grow */
	unsigned int batch; /* records since tracer_consume() was called */
	int (*fn)(void *arg, void *data, size_t size);
	void *arg;
	struct bpf_link *links[16]; /* of the tracepoints */
	unsigned int link_count;
	int epoll_fd;   /* readable when events wait */
	uint32_t count; /* of the options */
	unsigned int cpus;
	unsigned int skipped; /* namespaces whose stalls were not looked for at the start */
};

/* fn gets each record as it lies in the ring: decode it first. The tracer must stay where it is. */
int tracer_open(struct tracer *tracer, const struct tracer_options *options,
		int (*fn)(void *arg, void *data, size_t size), void *arg);
/*
 * Hand over what waits, without blocking. -EAGAIN: after TRACER_BATCH records there may be more, which
 * epoll_fd says too, and the caller's other work is due; or what fn returned below 0.
 */
int tracer_consume(struct tracer *tracer);
/*
 * The last call handed over many: TRACER_PAUSE_MS later there will be more, and they had better come
 * together. Waking the reader costs whoever runs the timer more than the record does.
 */
bool tracer_crowded(const struct tracer *tracer);
/* A ring as large as the stalls need, for a while at least: tracer_consume() does it, too. */
void tracer_ring_fit(struct tracer *tracer);
/* It is larger than at the start: tracer_ring_fit() is due, TRACER_RING_KEEP_S after the last crowd. */
bool tracer_ring_large(const struct tracer *tracer);
/* Look at every open stall for a recovery; tells through fn at the next consume. */
int tracer_sweep(struct tracer *tracer);
/* Stalls that are open. */
uint64_t tracer_open_stalls(const struct tracer *tracer);
/* Why events were lost: enum trace_loss of bpf/trace_map.h, with the words for it. */
#define TRACER_LOSS_KINDS 3
const char *tracer_loss_name(unsigned int kind);
/* Events lost so far for that reason. */
uint64_t tracer_lost_kind(const struct tracer *tracer, unsigned int kind);
/* Events lost so far, by CPU (array of tracer->cpus, or NULL); returns their sum. */
uint64_t tracer_lost(const struct tracer *tracer, uint64_t *ret_by_cpu);
/* Runs that the kernel left out, since the program was running on that CPU already. */
uint64_t tracer_missed(const struct tracer *tracer);
/* Nothing more is told; what waits can be consumed. */
void tracer_detach(struct tracer *tracer);
void tracer_close(struct tracer *tracer);

/* ---- counts.c: a tracer that counts ---- */

/* Open it with `options.count` set: fn is not called, and there is nothing to consume. */

/*
 * Call fn with each group's counts of the interval that ends now, summed over CPUs, and begin the next
 * interval. `closed` is 0 at least. Nonzero from fn stops.
 */
int counts_take(struct tracer *tracer,
		int (*fn)(const struct tcptimer_summary_key *key,
			  const struct tcptimer_summary_counts *counts, void *arg),
		void *arg);
/* Events that found no place in the table of groups, so far. */
uint64_t counts_lost(const struct tracer *tracer);

/* ---- programs.c: the rows that doctor shows and that open uses ---- */

struct program_check {
	const char *program; /* name in the BPF object */
	const char *hook;    /* "tp_btf/timer_expire_entry" */
	const char *needed_by;
	bool loads;
	bool attaches;
	bool main_job;    /* `list` and `trace` cannot do without */
	char detail[256]; /* why not */
};

/* Try every program on its own: load, then attach. Returns how many rows were filled. */
size_t programs_check(struct program_check *ret_checks, size_t max);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine held against the running kernel: rows, trials of them, and what came out.
 * Receives rows (rows_*.c, random.c); hands trials from one file to the next, in the order below.
 */
#ifndef TCPTIMER_CONFORMANCE_H
#define TCPTIMER_CONFORMANCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/peer.h"
#include "lib/sys.h"
#include "event.h"
#include "observe.h"

/* Columns of comments are laid out by hand. */
/* clang-format off */

/* Never widened: on a host, the lateness measured of the very firing is added. */
#define TOLERANCE_JIFFIES 2

/* ---- rows.c: the table. Adding a scenario is adding a row (rows.h). */

enum { FAMILY_4 = 1, FAMILY_6 = 2, FAMILY_BOTH = 3 };

struct row {
	const char *name;
	uint8_t timer;         /* the one under test; `event=K` in play counts its firings */
	uint8_t families;      /* FAMILY_*: a scenario each */
	bool host;             /* short enough for a host, where seconds are real */
	uint32_t since;        /* kernel version that it takes: 0x060f00 for 6.15; 0: any */
	const char *settings;  /* settings.c: words `name=value` for namespace and socket, at birth */
	const char *play;      /* play.c: words, in order; `snap` is the stated moment */
};

struct row_table {
	const struct row *rows;
	size_t count;
};

/* Row `index` of all tables, or NULL past the end. */
const struct row *row_at(size_t index);

/* ---- settings.c */

struct trial;
/*
 * One word `name=value`, now: to_socket, on the trial's socket, else on its namespace, in which the
 * caller is. A word of the other kind does nothing. False: the trial has failed.
 */
bool settings_apply(struct trial *trial, const char *word, bool to_socket);
bool settings_known(const char *word);

/* ---- trials: one row, one family, one namespace */

#define TRIAL_WORDS 48
#define TRIAL_TEXT 512
#define TRIAL_LOG 192
#define FORECAST_EVENTS 160

enum manner {        /* how the peer treats what the kernel sends */
	MANNER_SILENT,
	MANNER_HANDSHAKE, /* completes it, and acknowledges all */
	MANNER_ACKS,
	MANNER_ZERO,      /* acknowledges nothing more, with a closed window */
	MANNER_RESETS,
	MANNER_ICMP,
};

enum verdict { VERDICT_PENDING, VERDICT_PASSED, VERDICT_FAILED, VERDICT_SKIPPED };

/* What the kernel did, as traced. */
struct seen {
	uint64_t jiffy;
	uint32_t late;        /* jiffies after the bucket that it waited in */
	bool late_known;
	uint8_t kind;         /* enum tcptimer_event_kind */
	uint8_t timer;
	bool closed;
	bool in_handler;
	bool held;            /* compared: `error` jiffies from the time foretold */
	bool anew;            /* the engine foretold anew after it */
	int64_t error;
	struct event_verdict verdict;
};

struct forecast {
	bool active;
	struct tcptimer_snapshot snap;
	struct tcptimer_engine_params params;
	struct tcptimer_engine_event events[FORECAST_EVENTS];
	struct tcptimer_timeline timeline;
	size_t next;          /* the event that is to come */
};

struct trial {
	char name[96];
	char settings[TRIAL_TEXT], play[TRIAL_TEXT];
	uint8_t timer;
	int family;
	uint32_t since;
	unsigned int random;  /* number of a random one, from 1; 0: a row */

	/* the world */
	bool up;
	struct netns netns;
	struct tun tun;
	struct peer peer;
	int fd, listener;
	uint16_t listen_port;
	unsigned int route_rto_min_ms;
	bool owned;           /* the application holds fd: it is to be told of errors */

	/* the play */
	char words_text[TRIAL_TEXT];
	char *words[TRIAL_WORDS];
	size_t word_count, word;
	bool word_begun;
	uint64_t wait_until_ns;
	enum manner manner;
	uint32_t rtt_ms;      /* between a packet and the peer's answer */
	struct packet delayed; /* answered at delayed_ns, when not 0 */
	uint64_t delayed_ns;
	unsigned int fired;   /* firings of `timer` */
	unsigned int rst_out; /* RSTs that the kernel sent */
	unsigned int packets;
	struct packet last_out;
	uint64_t last_out_ns;
	bool started;

	/* what was foretold, and what came */
	struct forecast forecast;
	bool forecast_any;
	struct tcptimer_snapshot last; /* the latest known, for buckets */
	bool rebase_due;
	uint64_t last_jiffy;  /* of the last event held */
	bool ended;           /* the end came, as foretold */
	uint64_t answer_jiffy; /* of the peer's latest answer */
	bool answer_anew;     /* foretell anew from the next answer on */
	uint64_t end_check_ns;
	uint64_t overdue_ns;  /* by then the next event has to have come */
	struct seen log[TRIAL_LOG];
	size_t log_count;
	size_t sends, sends_answered; /* events that sent something; as many when the peer answered last */
	bool unrecorded;      /* the peer answered something before its record was there */
	struct tcptimer_event kept; /* the end that such an answer brought about; until kept_ns, when not 0 */
	uint64_t kept_ns;
	bool deferred;
	bool coarse;          /* the next event counts from a stamp of which only the ms are known */
	bool recovered;       /* the last event's answer ends the stall */
	unsigned int rst_before;

	/* figures */
	enum verdict verdict;
	char reason[256];
	unsigned int held;    /* events compared */
	bool cut;             /* a draw whose end is too far away: held as far as followed */
	unsigned int rebased; /* forecasts made anew, after a late firing or answer */
	int64_t worst;        /* jiffies, the largest |came - foretold| */
	uint32_t worst_late;
	unsigned int checks;  /* single rules held (TIME_WAIT, keepalive options) */
	uint64_t unseen;      /* events that no BPF program saw: before it began, then while it ran */
	unsigned int repeated; /* times that the disagreement came back in the same words */
	struct trial *next;   /* in the hash of namespaces */
};

/* ---- trial.c: worlds; play.c: words; answer.c: the peer */

bool trial_init(struct trial *trial, const struct row *row, int family);
/* Another trial like `of`, with these settings and this play. */
bool trial_vary(struct trial *ret_trial, const struct trial *of, const char *settings,
		const char *play);
bool trial_up(struct trial *trial); /* makes its world */
void trial_close(struct trial *trial); /* its sockets, at once */
void trial_down(struct trial *trial);  /* and its world */
/* Run words until one waits. */
void trial_step(struct trial *trial);
void trial_react(struct trial *trial); /* read what the kernel sent, and answer */
void trial_answer(struct trial *trial, const struct packet *packet);
bool trial_play_over(const struct trial *trial);
/* When the trial wants to be called next; UINT64_MAX: on events only. */
uint64_t trial_wake_ns(const struct trial *trial);
__attribute__((format(printf, 2, 3))) void trial_fail(struct trial *trial, const char *format, ...);
bool trial_snapshot(struct trial *trial, struct tcptimer_snapshot *ret_snapshot);

/* ---- hold.c: forecast against what came */

/* A draw is followed for so many events at most: an RTO of some ms may fire for hours. */
#define HOLD_DRAWN_EVENTS 400

void hold_snapshot(struct trial *trial); /* `snap`: foretell from now */
void hold_event(struct trial *trial, const struct tcptimer_event *event);
void hold_await_event(struct trial *trial);
void hold_answered(struct trial *trial, uint64_t sent_ns);
void hold_drop(struct trial *trial); /* something new happens: what was foretold is void */
/* The play is over: is there more to wait for? Sets the verdict when not. */
void hold_settle(struct trial *trial);

/* ---- rules.c: single rules of the engine */

void rules_tw_segment(struct trial *trial, const char *segment);
void rules_keepalive(struct trial *trial, const char *word);

/* ---- run.c */

/* Seconds that all trials together may take; a guest's pass in virtual time. */
#define RUN_GUEST_S (3 * 3600)
#define RUN_HOST_S 90
void run_trials(struct trial **trials, size_t count, unsigned int limit_s);

/* ---- again.c: on a host, whose kernel may leave BPF programs out */

void again_begin(struct trial *trial);
void again_end(struct trial *trial);
/* Runs again what may have failed of that; how many trials that were. */
size_t again_run(struct trial **trials, size_t count);

/* ---- random.c */

/* Draw trial number `index` of this seed; deterministic for a kernel's version. */
void random_row(uint64_t seed, unsigned int index, struct row *ret_row);
/* Smaller cases that still disagree, found by running; prints the smallest. */
void random_shrink(const struct trial *trial);

/* ---- report.c */

void report_table(FILE *out, struct trial *const *trials, size_t count, bool verbose);
void report_disagreement(FILE *out, const struct trial *trial, const char *directory);
/* path "-": to the terminal, in one line that begins with REPORT_MARK. */
#define REPORT_MARK "@conformance "
bool report_json(const char *path, struct trial *const *trials, size_t count, uint64_t seed,
		 double seconds);
const char *verdict_name(enum verdict verdict);

/* ---- merge.c: runs' JSON files to one table, and to files where not NULL; the exit status */

struct merge_options {
	const char *json, *markdown;
	const char *snapshots; /* a directory */
	bool all;              /* in Markdown, a row a scenario */
};

int merge_runs(char *const *paths, size_t count, const struct merge_options *options);

/* clang-format on */

#endif

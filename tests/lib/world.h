/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One scenario's world: a namespace, a TUN device with a remote TCP, a capture, a running trace.
 * Receives what a test expects of the trace; ends the test when the lines or the wire say otherwise.
 */
#ifndef TCPTIMER_TEST_WORLD_H
#define TCPTIMER_TEST_WORLD_H

#include "capture.h"
#include "peer.h"
#include "scenario.h"
#include "sys.h"
#include "tool.h"

struct world {
	int family;
	struct netns netns;
	char netns_text[16]; /* its inode number, for filters */
	struct tun tun;
	struct peer peer;
	struct capture wire;
	struct tool trace;
	int fd;             /* the application's socket, when there is one */
	uint64_t cookie;    /* its cookie; 0: not known */
	uint64_t mark_ns;   /* packets after this belong to the steps */
	uint64_t age_ns;    /* of the stall, as the line before told */
	uint64_t answer_ns; /* when the peer answered what ends the stall; 0: it never did */
};

/* Everything but the trace; short timeouts in the namespace's sysctls. */
void world_start(struct world *ret_world, const struct scenario *scenario);
/* `trace --json WORDS… netns N`. */
void world_trace(struct world *world, const char *const *words);
/* world->fd becomes an established connection to world->peer, its cookie known. */
void world_connect(struct world *world);
void world_adopt(struct world *world, int fd);
/* What this host sends from now on must be told by the trace. */
void world_mark(struct world *world);
/* Let the trace run for that long while the peer reacts as it is set to. */
void world_run(struct world *world, unsigned int ms);
/* The same until that event came; fails after max_ms. */
void world_await(struct world *world, const char *event, const char *timer, unsigned int max_ms);
/* Stop the trace, take the rest of the wire. */
void world_end(struct world *world);
/* Is it the firing of a timer that the kernel had cancelled already? */
bool line_is_stale(struct json_object *line);

/* One line that the trace has to show. */
struct step {
	const char *event;
	const char *timer;  /* NULL: any */
	const char *action; /* NULL: any */
	int n;              /* < 0: any */
	const char *cause;  /* NULL: none, as long as the connection lives */
	const char *error;  /* the errno's name; NULL: null */
	int wire;           /* packets that it put on the wire */
	bool calm;          /* the connection is not stalled at that moment */
	int quiet;          /* packets that went out before, untold: there was no stall yet */
};

/*
 * The lines are these, no other, in order; the packets that this host sent since world_mark() are
 * those that the steps tell, no other, each within the tolerance of its line's time; every line is
 * about this world's connection; each next_ms foretold the next expiry of that timer.
 *
 * Write timers that fire although nothing is pending are left out: the kernel cancels lazily, so a
 * calm connection's first RTO still comes (event expired, action none, no timer's name).
 */
void world_expect(struct world *world, const struct step *steps, size_t count);
#define WORLD_EXPECT(world, ...)                                                                   \
	do {                                                                                       \
		const struct step steps_[] = { __VA_ARGS__ };                                      \
		world_expect(world, steps_, sizeof(steps_) / sizeof(steps_[0]));                   \
	} while (0)

/*
 * For endings whose steps depend on the kernel's choices: every packet since world_mark() is told by
 * exactly one line that says something was sent, and the last line is this one.
 */
void world_expect_end(struct world *world, const struct step *last);

/* How far a line's time may be from the kernel's stamp on the packet it tells of. */
uint64_t world_tolerance_ns(uint64_t time_ns);
/* The k-th line (from 0) of that event; fails when there is none. */
struct json_object *world_line(struct world *world, const char *event, size_t k);
size_t world_count(const struct world *world, const char *event, const char *timer);

#endif

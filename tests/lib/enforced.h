/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world under a policy: a cgroup and a pin directory of its own, programs, connections on the wire.
 * Receives rules in YAML from tests; hands on what the kernel then did, packet by packet.
 */
#ifndef TCPTIMER_TEST_ENFORCED_H
#define TCPTIMER_TEST_ENFORCED_H

#include "cgroup.h"
#include "kernel/enforce.h"
#include "world.h"

struct enforced {
	struct world world;
	struct cgroup cgroup;
	char pin_dir[128];
	struct enforce_options options;
	struct enforce *enforce;  /* NULL: not opened, or closed */
	struct enforce_pass pass; /* of the last apply */
};

/* A namespace with its TUN device, a cgroup that the caller is in; no programs yet. */
void enforced_world(struct enforced *ret_enforced, const struct scenario *scenario);
/* The same without a world: for scenarios that speak over loopback. */
void enforced_cgroup(struct enforced *ret_enforced);
void enforced_open(struct enforced *en);
void enforced_close(struct enforced *en);
/* "- {name: …}" a line: the rules of a policy that is put in force. */
void enforced_apply(struct enforced *en, const char *rules);
/* The same, the error handed on: 0 or a negative errno. */
int enforced_try(struct enforced *en, const char *rules);
/* Everything taken away; fails when something is left. */
void enforced_clear(struct enforced *en);
/* Of a rule of the policy in force, from 0. */
struct tcptimer_policy_counters enforced_counters(struct enforced *en, size_t rule);

/* One connection of several, told apart by the peer's port. */
struct link {
	struct peer peer;
	int fd;
	uint16_t port; /* this host's */
	int error;     /* what the application got; 0: nothing yet */
	uint64_t error_ns;
};

/* The application connects to the peer's port, or accepts from it; established afterwards. */
void link_connect(struct enforced *en, struct link *link, uint16_t peer_port);
void link_accept(struct enforced *en, struct link *link, uint16_t peer_port, int listener);
/* Before either connect: a socket for options that are set first. Else the link is all zero. */
void link_socket(struct enforced *en, struct link *link, uint16_t peer_port);
/* connect() only: the peer says nothing. */
void link_syn(struct enforced *en, struct link *link, uint16_t peer_port);
/* Send and have it acknowledged: the kernel measures its RTO anew. */
void link_exchange(struct enforced *en, struct link *link);
/* Let time pass; errors that the applications get are noted. The peers say nothing. */
void links_run(struct enforced *en, struct link *links, size_t count, unsigned int ms);
/* Until every one of them has its error, or max_ms. */
void links_await(struct enforced *en, struct link *links, size_t count, unsigned int max_ms);

/* When packets with data (or a SYN, SYN-ACK) left this connection, since `from_ns`. */
struct sends {
	size_t count;
	uint64_t at_ns[64];
};
enum sends_kind { SENDS_DATA, SENDS_SYN, SENDS_SYNACK, SENDS_PROBE };
void link_sends(struct enforced *en, const struct link *link, enum sends_kind kind,
		uint64_t from_ns, struct sends *ret_sends);
/* An option of type int; fails when it can't be read. */
int option_get(int fd, int level, int option);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places in a YAML text: a tree of its keys and values, with line and column.
 * Receives bytes from anywhere; hands nodes to policy_yaml.c. Pure.
 */
#ifndef TCPTIMER_POLICY_SCAN_H
#define TCPTIMER_POLICY_SCAN_H

#include "policy/policy_report.h"

/* More than a policy of 256 rules with all lists full has: 256 * (5 * 32 + 40) and their keys. */
#define SCAN_NODES_MAX 65536
/* rules, rule, match, remote, element; set, keepalive: the document itself is 1. */
#define SCAN_DEPTH_MAX 8
/* Of one mapping: each new key is compared with all before. */
#define SCAN_KEYS_MAX 64

enum scan_kind { SCAN_WORD, SCAN_MAP, SCAN_LIST };

struct scan_node {
	uint8_t kind; /* enum scan_kind */
	char *key;    /* of a mapping's entry; NULL: none */
	char *word;   /* SCAN_WORD: its text */
	struct policy_pos key_pos, pos;
	uint32_t first, next; /* index of the first child, of the next sibling; 0: none */
	uint32_t count;       /* children */
};

struct scan {
	struct scan_node *nodes; /* [0] is the document's top */
	size_t count, room;
};

/*
 * Reads all of it. One document, UTF-8, keys that are plain words and stand once in their mapping; no
 * aliases, anchors or tags, so that the text can't unfold into more than its size; depth and number of
 * nodes are bounded. 0; -EINVAL after a finding; -ENOMEM after setting report->no_memory.
 */
int scan_read(struct scan *scan, const char *file, const void *bytes, size_t size,
	      struct policy_report *report);
void scan_free(struct scan *scan);

/* The entry of that key, NULL: none. */
const struct scan_node *scan_entry(const struct scan *scan, const struct scan_node *map,
				   const char *key);
/* The first child and the one after; NULL: none. */
const struct scan_node *scan_first(const struct scan *scan, const struct scan_node *node);
const struct scan_node *scan_next(const struct scan *scan, const struct scan_node *node);

#endif

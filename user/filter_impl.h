/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Within the filter: words, conditions and the tree they form.
 * Receives from filter_lex.c and filter_parse.c; hands to filter.c. No other file includes it.
 */
#ifndef TCPTIMER_FILTER_IMPL_H
#define TCPTIMER_FILTER_IMPL_H

#include "filter.h"

/* A hostile filter can't exhaust the stack (each level is one call) nor time. */
#define FILTER_DEPTH_MAX 64
#define FILTER_WORDS_MAX 1024
#define FILTER_TEXT_MAX 65536

enum filter_token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_EQ, /* the comparisons, in this order */
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_UNCLOSED, /* a quote without its end */
};

struct filter_token {
	enum filter_token_kind kind;
	size_t start; /* in the expression */
	size_t length;
	const char *text; /* a word's, without quotes, `text_length` long; not terminated */
	size_t text_length;
	bool quoted;
};

/* The token at or after `from`; the next search begins at start + length. */
struct filter_token filter_lex(const char *expression, size_t from);

enum filter_kind {
	FILTER_AND, /* of the children */
	FILTER_OR,
	FILTER_STATES,
	FILTER_STALLED,
	FILTER_TIMER,
	FILTER_PORT,
	FILTER_HOST,
	FILTER_CGROUP,
	FILTER_NETNS,
	FILTER_PID,
	FILTER_DEADLINE,
};

struct filter_ports {
	uint32_t low, high; /* inclusive; low > high: none */
};

struct filter_node {
	enum filter_kind kind;
	bool negate;
	bool remote;        /* PORT, HOST: dport, dst */
	unsigned int child; /* AND, OR: the first; 0: none */
	unsigned int next;  /* sibling; 0: none */
	uint32_t mask;      /* STATES; TIMER: 1 << enum */
	struct filter_ports ports;
	int family; /* HOST: AF_INET, AF_INET6; AF_UNSPEC: any address */
	unsigned int prefix;
	uint8_t addr[TCPTIMER_ADDR_LEN];
	char *text;                     /* CGROUP: pattern; NETNS: name; owned */
	bool has_number;                /* NETNS: the name is a number, too */
	uint32_t number;                /* NETNS: inode; PID */
	enum filter_token_kind compare; /* DEADLINE */
	bool never;
	int64_t ms;
};

/* Nodes are joined by index; 0 is no node. */
struct filter {
	struct filter_node *nodes;
	unsigned int count, size;
	unsigned int root; /* 0: everything matches */
	struct filter_hints hints;
};

/*
 * The values of conditions (user/filter_value.c), from a terminated word into the node. NULL when
 * it is good, else the remedy, to stand behind the quoted word: static storage.
 */
#define FILTER_VALUE_MAX 256 /* of all but paths and quoted names */

extern const char filter_no_memory[]; /* returned, by its address, when memory is short */

const char *filter_value_state(const char *text, uint32_t *ret_mask);
const char *filter_value_timer(const char *text, struct filter_node *node);
const char *filter_value_ports(const char *text, enum filter_token_kind compare,
			       struct filter_node *node);
const char *filter_value_host(const char *text, struct filter_node *node);
const char *filter_value_netns(const char *text, struct filter_node *node);
const char *filter_value_pid(const char *text, struct filter_node *node);
const char *filter_value_deadline(const char *text, enum filter_token_kind compare,
				  struct filter_node *node);
const char *filter_value_cgroup(const char *text, struct filter_node *node);

/*
 * What is wrong, and where, into err (user/filter_message.c): three lines, cut to err_size at a whole
 * character. `quote`: the token's word stands before `text`.
 */
void filter_message(const char *expression, const struct filter_token *token, bool quote,
		    const char *text, char *err, size_t err_size);

/* Fill filter->hints from the tree. */
void filter_find_hints(struct filter *filter);

#endif

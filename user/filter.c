// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter at work: does a connection match, and what must every match be.
 * Receives the tree from filter_parse.c and connections; hands verdicts and hints. Pure.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "filter_impl.h"
#include "glob.h"

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (unsigned int i = 0; i < filter->count; i++)
		free(filter->nodes[i].text);
	free(filter->nodes);
	free(filter);
}

static bool match_prefix(const uint8_t *addr, const uint8_t *prefix, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(addr, prefix, bytes))
		return false;
	return !rest || !((addr[bytes] ^ prefix[bytes]) >> (8 - rest));
}

static bool match_ports(const struct filter_node *node, const struct tcptimer_snapshot *snap)
{
	unsigned int port = node->remote ? snap->remote_port : snap->local_port;

	return port >= node->ports.low && port <= node->ports.high;
}

static bool match_host(const struct filter_node *node, const struct tcptimer_snapshot *snap)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *addr = node->remote ? snap->remote_addr : snap->local_addr;
	int family = snap->family;

	if (!match_ports(node, snap))
		return false;
	if (node->family == AF_UNSPEC)
		return true;
	if (node->family == AF_INET && family == AF_INET6 && !memcmp(addr, mapped, 12)) {
		addr += 12;
		family = AF_INET;
	}
	return node->family == family && match_prefix(addr, node->addr, node->prefix);
}

#define TIMER_NONE (1U << TCPTIMER_TIMER_NONE) /* `timer none`: no timer is armed */

static bool match_timer(const struct filter_node *node, const struct conn *conn)
{
	struct armed_timer timers[ARMED_MAX];
	unsigned int count;

	if (conn->fired & node->mask)
		return true;
	count = conn_timers(conn->snap, conn->hz, timers);
	if (node->mask == TIMER_NONE)
		return !count;
	for (unsigned int i = 0; i < count; i++)
		if (node->mask & 1U << timers[i].timer)
			return true;
	return false;
}

static bool match_netns(const struct filter_node *node, const struct conn *conn)
{
	if (node->has_number && node->number == conn->snap->netns)
		return true;
	return conn->netns_name && !strcmp(conn->netns_name, node->text);
}

static bool match_pid(const struct filter_node *node, const struct conn *conn)
{
	if (conn->pid > 0 && (uint32_t)conn->pid == node->number)
		return true;
	for (unsigned int i = 0; conn->pids && i < conn->owners; i++)
		if (conn->pids[i] > 0 && (uint32_t)conn->pids[i] == node->number)
			return true;
	return false;
}

static bool match_deadline(const struct filter_node *node, const struct conn *conn)
{
	if (node->never)
		return conn->deadline_known && conn->has_deadline == (node->compare == TOKEN_NE);
	if (!conn->deadline_known || !conn->has_deadline)
		return false;
	switch (node->compare) {
	case TOKEN_LT:
		return conn->deadline_ms < node->ms;
	case TOKEN_LE:
		return conn->deadline_ms <= node->ms;
	case TOKEN_GT:
		return conn->deadline_ms > node->ms;
	case TOKEN_GE:
		return conn->deadline_ms >= node->ms;
	case TOKEN_NE:
		return conn->deadline_ms != node->ms;
	default:
		return conn->deadline_ms == node->ms;
	}
}

static bool match_condition(const struct filter_node *node, const struct conn *conn)
{
	switch (node->kind) {
	case FILTER_STATES:
		return conn->snap->state < TCPTIMER_STATE_COUNT &&
		       (node->mask & 1U << conn->snap->state);
	case FILTER_STALLED:
		return conn->in_stall || tcptimer_stall_timer(conn->snap) != TCPTIMER_TIMER_NONE;
	case FILTER_TIMER:
		return match_timer(node, conn);
	case FILTER_PORT:
		return match_ports(node, conn->snap);
	case FILTER_HOST:
		return match_host(node, conn->snap);
	case FILTER_CGROUP:
		return conn->cgroup && glob_match(node->text, conn->cgroup);
	case FILTER_NETNS:
		return match_netns(node, conn);
	case FILTER_PID:
		return match_pid(node, conn);
	default:
		return match_deadline(node, conn);
	}
}

/* As deep as parentheses were nested, twice: in each an `or`, in each an `and`. */
static bool match_node(const struct filter *filter, unsigned int index, const struct conn *conn)
{
	const struct filter_node *node = &filter->nodes[index];
	bool match;

	if (node->kind == FILTER_AND || node->kind == FILTER_OR) {
		match = node->kind == FILTER_AND;
		for (unsigned int i = node->child; i; i = filter->nodes[i].next) {
			if (match_node(filter, i, conn) != match) {
				match = !match;
				break;
			}
		}
	} else {
		match = match_condition(node, conn);
	}
	return match != node->negate;
}

bool filter_match(const struct filter *filter, const struct conn *conn)
{
	return !filter || !filter->root || match_node(filter, filter->root, conn);
}

/*
 * Hints: what follows for a connection from a node being true, and from its being false. Too little
 * is safe, too much is not.
 */

struct need {
	uint32_t states;
	bool stalled;
	bool exact;
};

static const struct need need_nothing = { .states = UINT32_MAX };

static struct need need_both(struct need a, struct need b)
{
	return (struct need){
		.states = a.states & b.states,
		.stalled = a.stalled || b.stalled,
		.exact = a.exact || b.exact,
	};
}

static struct need need_either(struct need a, struct need b)
{
	return (struct need){
		.states = a.states | b.states,
		.stalled = a.stalled && b.stalled,
		.exact = a.exact && b.exact,
	};
}

/* Not all addresses, not all ports above or below one, not a cgroup of wildcards alone. */
static bool names_thing(const struct filter_node *node)
{
	bool some_ports = node->ports.low > 0 && node->ports.high < UINT16_MAX;

	switch (node->kind) {
	case FILTER_HOST:
		return some_ports || (node->family != AF_UNSPEC && node->prefix);
	case FILTER_PORT:
		return some_ports;
	case FILTER_CGROUP:
		return node->text[strspn(node->text, "/*")];
	case FILTER_NETNS:
	case FILTER_PID:
		return true;
	default:
		return false;
	}
}

/* From the node's being `truth`. */
static struct need find_need(const struct filter *filter, unsigned int index, bool truth)
{
	const struct filter_node *node = &filter->nodes[index];
	struct need need = need_nothing;

	truth ^= node->negate;
	switch (node->kind) {
	case FILTER_AND:
	case FILTER_OR:
		need = find_need(filter, node->child, truth);
		for (unsigned int i = filter->nodes[node->child].next; i;
		     i = filter->nodes[i].next) {
			struct need other = find_need(filter, i, truth);

			/* An `and` is true by all, false by any; an `or` the other way round. */
			need = (node->kind == FILTER_AND) == truth ? need_both(need, other) :
								     need_either(need, other);
		}
		break;
	case FILTER_STATES:
		need.states = truth ? node->mask : ~node->mask;
		break;
	case FILTER_STALLED:
		need.stalled = truth;
		break;
	default:
		need.exact = truth && names_thing(node);
		break;
	}
	return need;
}

void filter_find_hints(struct filter *filter)
{
	struct filter_hints *hints = &filter->hints;
	struct need need = need_nothing;

	if (filter->root)
		need = find_need(filter, filter->root, true);
	*hints = (struct filter_hints){
		.states = need.states & ((1U << TCPTIMER_STATE_COUNT) - 1),
		.stalled = need.stalled,
		.exact = need.exact,
	};
	for (unsigned int i = 1; i < filter->count; i++) {
		const struct filter_node *node = &filter->nodes[i];

		if (node->kind == FILTER_TIMER)
			hints->timers |= node->mask & ~TIMER_NONE;
		hints->needs_pid |= node->kind == FILTER_PID;
		hints->needs_cgroup |= node->kind == FILTER_CGROUP;
		hints->needs_netns_name |= node->kind == FILTER_NETNS;
		hints->needs_deadline |= node->kind == FILTER_DEADLINE;
	}
}

void filter_hints(const struct filter *filter, struct filter_hints *ret_hints)
{
	if (filter)
		*ret_hints = filter->hints;
	else
		*ret_hints = (struct filter_hints){ .states = (1U << TCPTIMER_STATE_COUNT) - 1 };
}

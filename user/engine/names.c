// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives the engine's enumerators, or words from a command line.
 * Hands back the one for the other: errors, limits and assumptions about the peer.
 */
#include <string.h>

#include "core.h"

#define ERROR_CASE(name, value, text)                                                              \
	case TCPTIMER_ENGINE_##name:                                                               \
		return text;

const char *tcptimer_engine_strerror(int error)
{
	switch (error) {
		TCPTIMER_ENGINE_ERRORS(ERROR_CASE)
	case 0:
		return "no error";
	default:
		return "unknown error";
	}
}

#define LIMIT_NAME(name, word, unit) word,
#define LIMIT_UNIT(name, word, unit) unit,

static const char *const limit_names[] = { TCPTIMER_LIMITS(LIMIT_NAME) };
static const char *const limit_units[] = { TCPTIMER_LIMITS(LIMIT_UNIT) };

const char *tcptimer_limit_name(unsigned int limit)
{
	return limit < TCPTIMER_LIMIT_COUNT ? limit_names[limit] : "unknown";
}

const char *tcptimer_limit_unit(unsigned int limit)
{
	return limit < TCPTIMER_LIMIT_COUNT ? limit_units[limit] : "";
}

static const char *const peer_names[TCPTIMER_PEER_COUNT] = {
	[TCPTIMER_PEER_AUTO] = "auto",
	[TCPTIMER_PEER_SILENT] = "silent",
	[TCPTIMER_PEER_ZERO_WINDOW] = "zero_window",
	[TCPTIMER_PEER_ACKS] = "acks",
	[TCPTIMER_PEER_UNREACHABLE] = "unreachable",
	[TCPTIMER_PEER_RESETS] = "resets",
};

const char *tcptimer_peer_name(unsigned int peer)
{
	return peer < TCPTIMER_PEER_COUNT ? peer_names[peer] : "unknown";
}

int tcptimer_peer_by_name(const char *name)
{
	int i;

	for (i = 0; name && i < (int)TCPTIMER_PEER_COUNT; i++)
		if (!strcmp(peer_names[i], name))
			return i;
	return -1;
}

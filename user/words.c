// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names of timers, causes, events, actions and states.
 * Receives the X-macros of words.h; hands the words to every command, text and JSON alike. Pure.
 */
#include <string.h>
#include "tcptimer/words.h"

#define WORD(name, word) word,
#define STATE_WORD(number, name, ss, word) [number] = word,
#define STATE_SS(number, name, ss, word) [number] = ss,
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const timers[] = { TCPTIMER_TIMERS(WORD) };
static const char *const causes[] = { TCPTIMER_CAUSES(WORD) };
static const char *const events[] = { TCPTIMER_EVENTS(WORD) };
static const char *const actions[] = { TCPTIMER_ACTIONS(WORD) };
static const char *const states[] = { TCPTIMER_STATES(STATE_WORD) };
static const char *const ss_states[] = { TCPTIMER_STATES(STATE_SS) };

static const char *word(const char *const table[], size_t count, unsigned int value)
{
	return value < count ? table[value] : "unknown";
}

const char *tcptimer_timer_name(unsigned int timer)
{
	return word(timers, COUNT(timers), timer);
}

const char *tcptimer_cause_name(unsigned int cause)
{
	return word(causes, COUNT(causes), cause);
}

const char *tcptimer_event_name(unsigned int event)
{
	return word(events, COUNT(events), event);
}

const char *tcptimer_action_name(unsigned int action)
{
	return word(actions, COUNT(actions), action);
}

const char *tcptimer_state_name(unsigned int state)
{
	return word(states, COUNT(states), state);
}

const char *tcptimer_state_ss_name(unsigned int state)
{
	return word(ss_states, COUNT(ss_states), state);
}

int tcptimer_timer_by_name(const char *name)
{
	for (unsigned int i = 0; i < COUNT(timers); i++)
		if (!strcmp(name, timers[i]))
			return (int)i;
	return -1;
}

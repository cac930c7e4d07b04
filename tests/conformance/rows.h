/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adding a scenario is adding a row to one of rows_*.c:
 *   R4|R6|RB(timer, name, settings, play)       in guests, where hours are minutes
 *   H4|H6|HB(timer, name, settings, play)       on this host as well: short, seconds are real
 *   RV|HV(version, timer, name, settings, play) kernels from that version on, IPv4
 * 4, 6, B: over IPv4, over IPv6, over both. Words: settings.c and play.c; `snap` is the stated moment.
 */
#ifndef TCPTIMER_CONFORMANCE_ROWS_H
#define TCPTIMER_CONFORMANCE_ROWS_H

#include "conformance.h"

/* clang-format off */
#define CONFORMANCE_ROW(timer, families, host, since, name, settings, play) \
	{ name, TCPTIMER_TIMER_##timer, families, host, since, settings, play }
#define R4(timer, name, settings, play) CONFORMANCE_ROW(timer, FAMILY_4, false, 0, name, settings, play)
#define R6(timer, name, settings, play) CONFORMANCE_ROW(timer, FAMILY_6, false, 0, name, settings, play)
#define RB(timer, name, settings, play) CONFORMANCE_ROW(timer, FAMILY_BOTH, false, 0, name, settings, play)
#define H4(timer, name, settings, play) CONFORMANCE_ROW(timer, FAMILY_4, true, 0, name, settings, play)
#define H6(timer, name, settings, play) CONFORMANCE_ROW(timer, FAMILY_6, true, 0, name, settings, play)
#define HB(timer, name, settings, play) CONFORMANCE_ROW(timer, FAMILY_BOTH, true, 0, name, settings, play)
#define RV(since, timer, name, settings, play) \
	CONFORMANCE_ROW(timer, FAMILY_4, false, since, name, settings, play)
#define HV(since, timer, name, settings, play) CONFORMANCE_ROW(timer, FAMILY_4, true, since, name, settings, play)
#define CONFORMANCE_ROWS(rows) { rows, sizeof(rows) / sizeof(rows[0]) }
/* clang-format on */

/* beginnings of plays */
#define CLOSED_WINDOW "connect send=1 win=0 send=10 " /* data waits on it */

/* kernel versions that brought a setting */
#define V_SYN_LINEAR 0x060500
#define V_RTO_MIN_SYSCTL 0x060b00
#define V_RTO_MAX 0x060f00

#endif

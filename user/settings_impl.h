/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What settings.c and settings_table.c share.
 * Receives nothing; hands the rows to the parser.
 */
#ifndef TCPTIMER_SETTINGS_IMPL_H
#define TCPTIMER_SETTINGS_IMPL_H

#include "settings.h"

/* Bits of tcptimer_snapshot.own_keepalive */
#define KEEPALIVE_OWN_TIME 1
#define KEEPALIVE_OWN_INTVL 2
#define KEEPALIVE_OWN_PROBES 4

extern const struct setting settings_table[];
extern const size_t settings_count;

/* Setters of rows that name a field: the value, in the field's unit. */
void setting_store(const struct setting_change *change, const struct setting_target *target);
/* The RTO as after one RTT sample, by the socket's minimum and maximum. */
void setting_first_sample(const struct setting_target *target, uint32_t rtt_us);

#endif

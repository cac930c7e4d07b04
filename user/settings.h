/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KEY=VALUE settings of `simulate` and `explain --what-if`: socket options, sysctls, counters.
 * Receives words of the command line; hands changes, applied to a snapshot. Pure.
 */
#ifndef TCPTIMER_SETTINGS_H
#define TCPTIMER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tcptimer/engine.h"

enum setting_kind {
	SETTING_SPAN,      /* a time with its unit; kept in us */
	SETTING_COUNT,     /* a number */
	SETTING_BOOL,      /* on or off; 1, 0, true, false, yes, no */
	SETTING_KEEPALIVE, /* on, off, or IDLE/INTVL/CNT */
};

/* Where an administrator or an application sets it. */
enum setting_place {
	SETTING_OPTION,  /* setsockopt() */
	SETTING_SYSCTL,  /* net.ipv4.NAME */
	SETTING_FIELD,   /* the connection's own state: measured times, who holds it */
	SETTING_COUNTER, /* what its timers count: only after they are armed */
};

/* Is the socket being made, or does it exist: some sysctls are copied at birth and then ignored. */
enum setting_when { SETTING_AT_BIRTH, SETTING_LIVE };

struct setting_change;

/* What a change is applied to. */
struct setting_target {
	const struct tcptimer_profile *profile;
	uint32_t hz;
	enum setting_when when;
	struct tcptimer_snapshot *snap;
	struct tcptimer_engine_params *params; /* NULL: syn_rto only changes the armed timer */
};

struct setting {
	const char *name;
	const char *aliases; /* separated by blanks; NULL: none. Sysctls also go without "tcp_" */
	const char *help;    /* one line */
	const char *since;   /* the first kernel that has it; NULL: all that are modelled */
	uint8_t kind;        /* enum setting_kind */
	uint8_t place;       /* enum setting_place */
	bool at_birth;       /* sysctl: copied into each new socket, changes no existing one */
	bool off;            /* a span that may be `off` (linger2) */
	uint32_t unit_us;    /* span: what a number without unit counts; 0: a unit is required */
	int64_t min,
		max;    /* us, or a number, as the kernel allows; setting_range_text() words them */
	uint16_t needs; /* 1 + offset of the behaviour in struct tcptimer_profile; 0: none */
	uint16_t field; /* offset in struct tcptimer_snapshot, for setters that store */
	uint8_t size;   /* bytes of that field */
	uint32_t field_us; /* span: the field's unit; 0: jiffies */
	uint32_t flag;     /* bool: TCPTIMER_F_* */
	/* NULL: store into the field */
	void (*set)(const struct setting_change *change, const struct setting_target *target);
};

struct setting_change {
	const struct setting *setting;
	int64_t value; /* us, a number, or 0 and 1 */
	bool off;      /* SETTING_SPAN `off`; SETTING_KEEPALIVE off */
	bool triple;   /* SETTING_KEEPALIVE: the three below were given */
	int64_t idle_us, intvl_us;
	unsigned int count;
};

/* The index-th row, NULL past the end. */
const struct setting *setting_at(size_t index);
/* By name or alias, with or without "net.ipv4." and, for sysctls, "tcp_". NULL: none. */
const struct setting *setting_find(const char *name, size_t length);
/*
 * The known name nearest to a mistyped one, also among `more` (ends with NULL; may be NULL); NULL
 * when none is near.
 */
const char *setting_nearest(const char *name, size_t length, const char *const *more);
/* "0..255", "1s..9h6m", "on, off": what a value may be. Returns buf. */
const char *setting_range_text(const struct setting *setting, char *buf, size_t size);

/*
 * Read KEY=VALUE. `more` names keys that the caller knows besides, for suggestions. 0, or -EINVAL
 * after writing one line without newline to `err`: what is wrong, quoted and escaped, and the remedy.
 */
int setting_parse(const char *word, const char *const *more, struct setting_change *ret_change,
		  char *err, size_t err_size);

/* A time with its unit ("200ms", "500us", "2h"), or a bare number of unit_us. 0, -EINVAL, -ERANGE. */
int setting_parse_span(const char *text, size_t length, uint32_t unit_us, int64_t *ret_us);

/* Does a kernel of that profile have it? */
bool setting_exists(const struct setting *setting, const struct tcptimer_profile *profile);

/*
 * Apply changes: sysctls first, then what sockets copy from them at birth (SETTING_AT_BIRTH), then
 * options and fields in the order given, so that an option wins over its sysctl whatever the order.
 * Those that this kernel has not, or that change no existing socket (SETTING_LIVE), are left out.
 */
void settings_apply(const struct setting_change *changes, size_t count,
		    const struct setting_target *target);

/* The rows of SETTING_COUNTER, in the order given: after the caller armed the socket's timers. */
void settings_apply_counters(const struct setting_change *changes, size_t count,
			     const struct setting_target *target);

/* Does settings_apply() leave it out, and why: one sentence for people in buf; NULL: applied. */
const char *setting_left_out(const struct setting *setting, const struct setting_target *target,
			     char *buf, size_t size);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the words of `simulate` and makes the socket that they describe.
 * Receives KEY=VALUE words; hands filled views, or one line that says what is wrong. Pure.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "simulation.h"
#include "text.h"

#define DATA_BIT(data) (1u << SIMULATION_DATA_##data)

/* The states that can be made, and what each may have to send (default first). */
static const struct simulated_state {
	uint8_t state;     /* what `state=` means */
	uint8_t made;      /* what the engine is asked to make */
	uint8_t data;      /* the default */
	uint8_t data_mask; /* bits of enum simulation_data */
	const char *said;  /* of the default; NULL: by the data's words */
} simulated_states[] = {
	{ TCPTIMER_STATE_ESTABLISHED, TCPTIMER_STATE_ESTABLISHED, SIMULATION_DATA_SENT,
	  DATA_BIT(SENT) | DATA_BIT(BLOCKED) | DATA_BIT(NONE) | DATA_BIT(RECEIVED), NULL },
	{ TCPTIMER_STATE_CLOSE_WAIT, TCPTIMER_STATE_CLOSE_WAIT, SIMULATION_DATA_SENT,
	  DATA_BIT(SENT) | DATA_BIT(BLOCKED) | DATA_BIT(NONE), NULL },
	{ TCPTIMER_STATE_SYN_SENT, TCPTIMER_STATE_SYN_SENT, 0, 0, "a SYN in flight" },
	{ TCPTIMER_STATE_SYN_RECV, TCPTIMER_STATE_NEW_SYN_RECV, 0, 0, "a SYN-ACK in flight" },
	{ TCPTIMER_STATE_FIN_WAIT1, TCPTIMER_STATE_FIN_WAIT1, SIMULATION_DATA_SENT,
	  DATA_BIT(SENT) | DATA_BIT(BLOCKED), NULL },
	{ TCPTIMER_STATE_LAST_ACK, TCPTIMER_STATE_LAST_ACK, SIMULATION_DATA_SENT,
	  DATA_BIT(SENT) | DATA_BIT(BLOCKED), NULL },
	{ TCPTIMER_STATE_CLOSING, TCPTIMER_STATE_CLOSING, SIMULATION_DATA_SENT, DATA_BIT(SENT),
	  NULL },
	{ TCPTIMER_STATE_FIN_WAIT2, TCPTIMER_STATE_FIN_WAIT2, 0, 0,
	  "closed, the peer's FIN is awaited" },
	{ TCPTIMER_STATE_TIME_WAIT, TCPTIMER_STATE_TIME_WAIT, 0, 0, "closed by both sides" },
};

static const struct {
	const char *word;
	const char *said;
} data_words[SIMULATION_DATA_COUNT] = {
	[SIMULATION_DATA_DEFAULT] = { "", "" },
	[SIMULATION_DATA_SENT] = { "sent", "a segment in flight" },
	[SIMULATION_DATA_BLOCKED] = { "blocked", "data waits on a closed window" },
	[SIMULATION_DATA_NONE] = { "none", "idle" },
	[SIMULATION_DATA_RECEIVED] = { "received", "a segment came, its ACK is delayed" },
};

static const char *const own_keys[] = { "kernel", "hz", "state", "peer", "data", "jiffies", NULL };

void simulation_init(struct simulation *sim)
{
	*sim = (struct simulation){
		.kernels = { tcptimer_profile_by_name("6.12") },
		.kernel_count = 1,
		.hz = 250,
		.state = TCPTIMER_STATE_ESTABLISHED,
		.peer = TCPTIMER_PEER_SILENT,
	};
}

/* ---- words */

__attribute__((format(printf, 3, 4))) static int wrong(char *err, size_t size, const char *format,
						       ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, size, format, args);
	va_end(args);
	return -EINVAL;
}

static void kernels_list(char *buf, size_t size)
{
	const struct tcptimer_profile *profile;
	size_t i, used = 0;

	buf[0] = '\0';
	for (i = 0; (profile = tcptimer_profile_at(i)) && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " " : "",
					 profile->name);
}

/* "6.12", or "6.1,6.12,7.2" */
static int parse_kernel(struct simulation *sim, const char *value, char *err, size_t size)
{
	char list[256], safe[64], word[16];

	sim->kernel_count = 0;
	for (;;) {
		size_t length = strcspn(value, ",");
		const struct tcptimer_profile *profile = NULL;

		if (length < sizeof(word)) {
			memcpy(word, value, length);
			word[length] = '\0';
			profile = tcptimer_profile_by_name(word);
		}
		if (!profile) {
			kernels_list(list, sizeof(list));
			return wrong(err, size, "no kernel '%s'; the profiles are %s",
				     text_escape(value, safe, sizeof(safe)), list);
		}
		if (sim->kernel_count == SIMULATION_KERNELS_MAX)
			return wrong(err, size, "more than %d kernels", SIMULATION_KERNELS_MAX);
		sim->kernels[sim->kernel_count++] = profile;
		if (!value[length])
			return 0;
		value += length + 1;
	}
}

static int parse_number(const char *value, uint64_t max, uint64_t *ret)
{
	char *end;

	errno = 0;
	if (*value < '0' || *value > '9')
		return -EINVAL;
	*ret = strtoull(value, &end, 10);
	return errno || *end || *ret > max ? -EINVAL : 0;
}

static int parse_hz(struct simulation *sim, const char *value, char *err, size_t size)
{
	char safe[64];
	uint64_t hz;

	if (parse_number(value, TCPTIMER_HZ_MAX, &hz) || hz < TCPTIMER_HZ_MIN)
		return wrong(err, size, "hz='%s' is not CONFIG_HZ: a number, %d..%d",
			     text_escape(value, safe, sizeof(safe)), TCPTIMER_HZ_MIN,
			     TCPTIMER_HZ_MAX);
	sim->hz = (uint32_t)hz;
	return 0;
}

static int parse_state(struct simulation *sim, const char *value, char *err, size_t size)
{
	char safe[64], word[24];
	size_t i;

	/* ss writes syn-sent, the kernel and we syn_sent */
	for (i = 0; value[i] && i + 1 < sizeof(word); i++)
		word[i] = value[i] == '-' ? '_' : value[i];
	word[i] = '\0';
	for (i = 0; i < sizeof(simulated_states) / sizeof(simulated_states[0]); i++) {
		if (!strcmp(tcptimer_state_name(simulated_states[i].state), word)) {
			sim->state = simulated_states[i].state;
			return 0;
		}
	}
	return wrong(err, size,
		     "no state '%s' to simulate; use established, syn_sent, syn_recv, fin_wait1, "
		     "fin_wait2, time_wait, close_wait, last_ack or closing",
		     text_escape(value, safe, sizeof(safe)));
}

static int parse_peer(struct simulation *sim, const char *value, char *err, size_t size)
{
	int peer = tcptimer_peer_by_name(value);
	char safe[64];

	if (peer < 0)
		return wrong(err, size,
			     "no peer '%s'; use silent, zero_window, acks, unreachable, resets "
			     "or auto",
			     text_escape(value, safe, sizeof(safe)));
	sim->peer = (uint32_t)peer;
	return 0;
}

static int parse_data(struct simulation *sim, const char *value, char *err, size_t size)
{
	char safe[64];
	uint32_t i;

	for (i = SIMULATION_DATA_SENT; i < SIMULATION_DATA_COUNT; i++) {
		if (!strcmp(data_words[i].word, value)) {
			sim->data = i;
			return 0;
		}
	}
	return wrong(err, size, "data='%s' can't be read; use sent, blocked, none or received",
		     text_escape(value, safe, sizeof(safe)));
}

static int parse_jiffies(struct simulation *sim, const char *value, char *err, size_t size)
{
	char safe[64];

	if (parse_number(value, UINT64_MAX >> 1, &sim->jiffies))
		return wrong(err, size, "jiffies='%s' is not a number of jiffies",
			     text_escape(value, safe, sizeof(safe)));
	sim->exact = true;
	return 0;
}

static const struct {
	const char *key;
	int (*parse)(struct simulation *sim, const char *value, char *err, size_t size);
} own_parsers[] = {
	{ "kernel", parse_kernel }, { "hz", parse_hz },     { "state", parse_state },
	{ "peer", parse_peer },     { "data", parse_data }, { "jiffies", parse_jiffies },
};

static int parse_change(struct simulation *sim, const char *word, char *err, size_t size)
{
	size_t used = strlen(sim->words);
	char safe[128];
	int status;

	if (sim->change_count == SIMULATION_CHANGES_MAX)
		return wrong(err, size, "more than %d settings", SIMULATION_CHANGES_MAX);
	status = setting_parse(word, own_keys, &sim->changes[sim->change_count], err, size);
	if (status)
		return status;
	sim->change_count++;
	snprintf(sim->words + used, sizeof(sim->words) - used, "%s%s", used ? " " : "",
		 text_escape(word, safe, sizeof(safe)));
	return 0;
}

int simulation_parse(struct simulation *sim, const char *word, char *err, size_t size)
{
	size_t length = strcspn(word, "="), i;
	const char *nearest;
	char safe[128];

	if (!word[length] && !setting_find(word, length)) {
		nearest = setting_nearest(word, length, own_keys);
		return wrong(err, size, "'%s' is not KEY=VALUE; as in %s=…",
			     text_escape(word, safe, sizeof(safe)),
			     nearest ? nearest : "state=syn_sent rto");
	}
	for (i = 0; i < sizeof(own_parsers) / sizeof(own_parsers[0]); i++)
		if (word[length] && strlen(own_parsers[i].key) == length &&
		    !memcmp(own_parsers[i].key, word, length))
			return own_parsers[i].parse(sim, word + length + 1, err, size);
	return parse_change(sim, word, err, size);
}

/* ---- making the socket */

static bool has_change(const struct simulation *sim, const char *name)
{
	size_t i;

	for (i = 0; i < sim->change_count; i++)
		if (!strcmp(sim->changes[i].setting->name, name))
			return true;
	return false;
}

static uint32_t data_called_for(const struct simulation *sim, const struct simulated_state *row,
				const struct tcptimer_snapshot *snap)
{
	if (sim->data)
		return sim->data;
	if (sim->peer == TCPTIMER_PEER_ZERO_WINDOW && row->data_mask & DATA_BIT(BLOCKED))
		return SIMULATION_DATA_BLOCKED;
	if (snap->flags & TCPTIMER_F_KEEPOPEN && row->data_mask & DATA_BIT(NONE))
		return SIMULATION_DATA_NONE;
	return row->data;
}

static void arm_data(const struct simulation *sim, uint32_t data, struct timeline_view *view)
{
	struct tcptimer_snapshot *s = &view->snap;

	switch (data) {
	case SIMULATION_DATA_SENT:
		tcptimer_snapshot_arm_data(&view->profile, sim->hz, s);
		if (sim->peer == TCPTIMER_PEER_ZERO_WINDOW)
			s->snd_wnd = 0; /* it shrank after the segment left */
		break;
	case SIMULATION_DATA_BLOCKED:
		tcptimer_snapshot_arm_probe0(&view->profile, sim->hz, s);
		break;
	case SIMULATION_DATA_NONE:
		tcptimer_snapshot_arm_idle(&view->profile, sim->hz, s);
		break;
	case SIMULATION_DATA_RECEIVED:
		tcptimer_snapshot_arm_idle(&view->profile, sim->hz, s);
		tcptimer_snapshot_arm_delack(&view->profile, sim->hz, s);
		break;
	}
	if (s->flags & TCPTIMER_F_KEEPOPEN && s->keepalive_time_jiffies &&
	    (s->state == TCPTIMER_STATE_ESTABLISHED || s->state == TCPTIMER_STATE_CLOSE_WAIT))
		tcptimer_snapshot_arm_keepalive(&view->profile, sim->hz, s);
}

/* A timeout that is not the one the timer was made with, or that counters changed. */
static void arm_again(const struct simulation *sim, struct tcptimer_snapshot *s)
{
	if (s->kind == TCPTIMER_SOCK_REQUEST) {
		s->mini_expires = s->now_jiffies + s->rto_jiffies;
	} else if (s->state == TCPTIMER_STATE_SYN_SENT || (s->packets_out && s->retransmits)) {
		s->pending = TCPTIMER_PENDING_RETRANS;
		s->write_expires = s->now_jiffies + s->rto_jiffies;
		s->write_timeout = s->write_expires;
		s->flags &= ~TCPTIMER_F_WRITE_PENDING;
	} else if (s->pending == TCPTIMER_PENDING_PROBE0 && has_change(sim, "probes_out")) {
		s->probes_tstamp = (uint32_t)s->now_jiffies ? (uint32_t)s->now_jiffies : 1;
	}
}

static void make_arm(const struct simulation *sim, const struct simulated_state *row, uint32_t data,
		     struct timeline_view *view)
{
	struct setting_target target = { &view->profile, sim->hz, SETTING_AT_BIRTH, &view->snap,
					 &view->params };

	if (row->state == TCPTIMER_STATE_FIN_WAIT2)
		tcptimer_snapshot_arm_fin_wait2(&view->profile, sim->hz, &view->snap);
	else
		arm_data(sim, data, view);
	settings_apply_counters(sim->changes, sim->change_count, &target);
	arm_again(sim, &view->snap);
	if (sim->exact)
		tcptimer_snapshot_set_jiffies(&view->profile, sim->hz, &view->snap, sim->jiffies);
}

int simulation_run(const struct simulation *sim, size_t index, struct timeline_view *view,
		   unsigned int *ret_left_out, char *err, size_t size)
{
	struct setting_target target = { &view->profile, sim->hz, SETTING_AT_BIRTH, &view->snap,
					 &view->params };
	const struct simulated_state *row = simulated_states;
	uint32_t data;
	size_t i;

	while (row->state != sim->state)
		row++;
	*ret_left_out = 0;
	view->profile = *sim->kernels[index];
	view->params = (struct tcptimer_engine_params){
		.hz = sim->hz,
		.peer = sim->peer,
		.flags = sim->exact ? 0 : TCPTIMER_ENGINE_ANY_PHASE,
	};
	tcptimer_snapshot_init_defaults(&view->profile, sim->hz, row->made, &view->snap);
	for (i = 0; i < sim->change_count; i++)
		if (setting_left_out(sim->changes[i].setting, &target, err, size))
			(*ret_left_out)++;
	settings_apply(sim->changes, sim->change_count, &target);
	data = data_called_for(sim, row, &view->snap);
	if (data && !(row->data_mask >> data & 1))
		return wrong(err, size, "state=%s can't have data=%s",
			     tcptimer_state_name(sim->state), data_words[data].word);
	make_arm(sim, row, data, view);
	view->title = view->profile.name;
	view->subject = row->said ? row->said : data_words[data].said;
	if (view->snap.state == TCPTIMER_STATE_CLOSE)
		view->subject = "closed with TCP_LINGER2 off: an RST goes out at once";
	else if (view->snap.flags & TCPTIMER_F_DEAD && data == SIMULATION_DATA_SENT)
		view->subject = "a FIN in flight, closed by the application";
	if (timeline_run(view))
		return wrong(err, size, "%s", tcptimer_engine_strerror(view->error));
	return 0;
}

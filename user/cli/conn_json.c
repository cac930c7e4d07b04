// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection as JSON: the keys that `list` and `trace` share (contrib/schema/).
 * Receives a conn; hands a json-c object, or its line on stdout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "deadline.h"
#include "json_out.h"
#include "text.h"

static int64_t json_ms(uint64_t jiffies, unsigned int hz)
{
	return (int64_t)(jiffies * 1000 / hz);
}

static const char *family_name(const struct tcptimer_snapshot *s)
{
	return s->family == 10 ? "inet6" : "inet";
}

struct json_object *conn_json_text(const char *raw)
{
	char buf[8192];

	return raw ? json_object_new_string(text_utf8(raw, buf, sizeof(buf))) : NULL;
}

void conn_json_addresses(struct json_object *o, const struct tcptimer_snapshot *s)
{
	char addr[64];

	json_object_object_add(o, "family", json_object_new_string(family_name(s)));
	json_object_object_add(
		o, "local_addr",
		json_object_new_string(text_addr(s->family, s->local_addr, addr, sizeof(addr))));
	json_object_object_add(o, "local_port", json_object_new_int(s->local_port));
	json_object_object_add(
		o, "remote_addr",
		json_object_new_string(text_addr(s->family, s->remote_addr, addr, sizeof(addr))));
	json_object_object_add(o, "remote_port", json_object_new_int(s->remote_port));
	json_object_object_add(o, "cookie", json_object_new_uint64(s->cookie));
}

static void write_timers(struct json_out *out, const struct armed_timer *timers, unsigned int count)
{
	unsigned int i;

	json_out_key(out, "timers");
	json_out_open(out, '[');
	for (i = 0; i < count; i++) {
		json_out_open(out, '{');
		json_out_key_string(out, "name", tcptimer_timer_name(timers[i].timer));
		json_out_key_int(out, "expires_ms", timers[i].expires_ms);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
}

static void write_keepalive(struct json_out *out, const struct tcptimer_snapshot *s,
			    unsigned int hz)
{
	json_out_key(out, "keepalive");
	json_out_open(out, '{');
	json_out_key_bool(out, "enabled", (s->flags & TCPTIMER_F_KEEPOPEN) != 0);
	json_out_key_int(out, "idle_ms", json_ms(s->keepalive_time_jiffies, hz));
	json_out_key_int(out, "interval_ms", json_ms(s->keepalive_intvl_jiffies, hz));
	json_out_key_int(out, "probes", s->keepalive_probes);
	json_out_close(out, '}');
}

const char *conn_json_cause(const struct conn *conn)
{
	enum tcptimer_cause cause = conn->has_deadline ? conn->deadline_cause : conn->silent_cause;

	return cause ? tcptimer_cause_name(deadline_cause_shown(conn, cause)) : NULL;
}

static void write_addresses(struct json_out *out, const struct tcptimer_snapshot *s)
{
	char addr[64];

	json_out_key_string(out, "family", family_name(s));
	json_out_key_string(out, "local_addr",
			    text_addr(s->family, s->local_addr, addr, sizeof(addr)));
	json_out_key_int(out, "local_port", s->local_port);
	json_out_key_string(out, "remote_addr",
			    text_addr(s->family, s->remote_addr, addr, sizeof(addr)));
	json_out_key_int(out, "remote_port", s->remote_port);
	json_out_key(out, "cookie");
	json_out_uint(out, s->cookie);
}

void conn_json_write(struct json_out *out, const struct conn *conn, int64_t time_ns,
		     const struct conn_moment *moment)
{
	const struct tcptimer_snapshot *s = conn->snap;
	struct armed_timer timers[ARMED_MAX];
	unsigned int count = conn_timers(s, conn->hz, timers);
	struct conn_moment as_is = {
		.timer = count ? timers[0].timer : TCPTIMER_TIMER_NONE,
		.stalled = tcptimer_stall_timer(s) != TCPTIMER_TIMER_NONE,
		.stall_ms = conn_stall_ms(s, conn->hz),
	};
	char when[32];

	if (!moment)
		moment = &as_is;
	json_out_key_string(out, "time", text_time(time_ns, when, sizeof(when)));
	json_out_key_int(out, "netns", s->netns);
	json_out_key_string(out, "netns_name", conn->netns_name);
	json_out_key_string(out, "cgroup", conn->cgroup);
	json_out_key_string(out, "state", tcptimer_state_name(s->state));
	write_addresses(out, s);
	json_out_key_string(out, "timer",
			    moment->timer ? tcptimer_timer_name(moment->timer) : NULL);
	write_timers(out, timers, count);
	json_out_key_int(out, "rto_ms", json_ms(s->rto_jiffies, conn->hz));
	json_out_key_int(out, "backoff", s->backoff);
	json_out_key_int(out, "retransmits", s->retransmits);
	json_out_key_int(out, "probes_out", s->probes_out);
	json_out_key_int(out, "unacked", s->packets_out);
	json_out_key_int(out, "user_timeout_ms", s->user_timeout_ms);
	write_keepalive(out, s, conn->hz);
	json_out_key_bool(out, "stalled", moment->stalled);
	json_out_key_int(out, "stall_ms", moment->stall_ms);
	json_out_key_maybe(out, "deadline_ms", conn->has_deadline, conn->deadline_ms);
	json_out_key_maybe(out, "deadline_if_silent_ms", conn->has_silent, conn->silent_ms);
	json_out_key_string(out, "deadline_cause", conn_json_cause(conn));
	json_out_key_string(out, "rule", conn->rule);
	json_out_key_bool(out, "orphan", (s->flags & TCPTIMER_F_DEAD) != 0);
	json_out_key_maybe(out, "pid", conn->pid != 0, conn->pid);
	json_out_key_string(out, "comm", conn->comm);
}

/* An object whose text is written already. */
struct json_object *conn_json(const struct conn *conn, int64_t time_ns)
{
	struct json_object *o = json_object_new_object();
	struct json_out out = {};
	char *text;

	json_out_open(&out, '{');
	conn_json_write(&out, conn, time_ns, NULL);
	json_out_close(&out, '}');
	text = out.failed ? NULL : strndup(out.text, out.used);
	json_out_free(&out);
	if (!o || !text) {
		free(text);
		json_object_put(o);
		return NULL;
	}
	json_object_set_serializer(o, json_object_userdata_to_json_string, text,
				   json_object_free_userdata);
	return o;
}

int conn_json_line(struct json_out *out, const char *before, const char *after)
{
	if (out->failed)
		return cli_fail("no memory for output");
	fputs(before, stdout);
	fwrite(out->text, 1, out->used, stdout);
	fputs(after, stdout);
	return ferror(stdout) ? CLI_FAILED : CLI_OK;
}

const char *conn_errno(int err, char *buf, size_t size)
{
	const char *name = strerrorname_np(err);

	if (name)
		return name;
	snprintf(buf, size, "%d", err);
	return buf;
}

/* The text of a JSON value: hazards only occur inside its strings, where \u says the same. */
static int json_write(FILE *out, const char *text)
{
	const char *from = text;
	unsigned int character;
	size_t len;

	for (; *text; text++) {
		if ((unsigned char)*text < 0x7f)
			continue;
		len = json_out_hazard(text, &character);
		if (!len)
			continue;
		fwrite(from, 1, (size_t)(text - from), out);
		fprintf(out, "\\u%04x", character);
		text += len - 1;
		from = text + 1;
	}
	fwrite(from, 1, (size_t)(text - from), out);
	return ferror(out) ? -EIO : 0;
}

int conn_json_print(struct json_object *object, const char *before, const char *after)
{
	const char *line;
	int status = CLI_OK;

	if (!object)
		return cli_fail("no memory for output");
	line = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
	fputs(before, stdout);
	if (!line || json_write(stdout, line))
		status = CLI_FAILED;
	fputs(after, stdout);
	json_object_put(object);
	return status;
}

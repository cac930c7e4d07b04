// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection as JSON: the keys that `list` and `trace` share (contrib/schema/).
 * Receives a conn; hands a json-c object, or its line on stdout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "deadline.h"
#include "text.h"

static int64_t json_ms(uint64_t jiffies, unsigned int hz)
{
	return (int64_t)(jiffies * 1000 / hz);
}

struct json_object *conn_json_text(const char *raw)
{
	char buf[8192];

	return raw ? json_object_new_string(text_utf8(raw, buf, sizeof(buf))) : NULL;
}

void conn_json_addresses(struct json_object *o, const struct tcptimer_snapshot *s)
{
	char addr[64];

	json_object_object_add(o, "family",
			       json_object_new_string(s->family == 10 ? "inet6" : "inet"));
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

static struct json_object *json_timers(const struct armed_timer *timers, unsigned int count)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct json_object *t = json_object_new_object();

		json_object_object_add(
			t, "name", json_object_new_string(tcptimer_timer_name(timers[i].timer)));
		json_object_object_add(t, "expires_ms",
				       json_object_new_int64(timers[i].expires_ms));
		json_object_array_add(array, t);
	}
	return array;
}

static struct json_object *json_keepalive(const struct tcptimer_snapshot *s, unsigned int hz)
{
	struct json_object *k = json_object_new_object();

	json_object_object_add(k, "enabled",
			       json_object_new_boolean((s->flags & TCPTIMER_F_KEEPOPEN) != 0));
	json_object_object_add(k, "idle_ms",
			       json_object_new_int64(json_ms(s->keepalive_time_jiffies, hz)));
	json_object_object_add(k, "interval_ms",
			       json_object_new_int64(json_ms(s->keepalive_intvl_jiffies, hz)));
	json_object_object_add(k, "probes", json_object_new_int(s->keepalive_probes));
	return k;
}

static void json_add_deadline(struct json_object *o, const struct conn *conn)
{
	enum tcptimer_cause cause = conn->has_deadline ? conn->deadline_cause : conn->silent_cause;

	json_object_object_add(o, "deadline_ms",
			       conn->has_deadline ? json_object_new_int64(conn->deadline_ms) :
						    NULL);
	json_object_object_add(o, "deadline_if_silent_ms",
			       conn->has_silent ? json_object_new_int64(conn->silent_ms) : NULL);
	json_object_object_add(o, "deadline_cause",
			       cause ? json_object_new_string(tcptimer_cause_name(
					       deadline_cause_shown(conn, cause))) :
				       NULL);
}

struct json_object *conn_json(const struct conn *conn, enum tcptimer_timer timer, int64_t time_ns)
{
	const struct tcptimer_snapshot *s = conn->snap;
	struct json_object *o = json_object_new_object();
	struct armed_timer timers[ARMED_MAX];
	unsigned int count = conn_timers(s, conn->hz, timers);
	char when[32];

	if (!o)
		return NULL;
	if (timer == TCPTIMER_TIMER_NONE && count)
		timer = timers[0].timer;
	json_object_object_add(o, "time",
			       json_object_new_string(text_time(time_ns, when, sizeof(when))));
	json_object_object_add(o, "netns", json_object_new_int64(s->netns));
	json_object_object_add(o, "netns_name", conn_json_text(conn->netns_name));
	json_object_object_add(o, "cgroup", conn_json_text(conn->cgroup));
	json_object_object_add(o, "state", json_object_new_string(tcptimer_state_name(s->state)));
	conn_json_addresses(o, s);
	json_object_object_add(o, "timer",
			       timer == TCPTIMER_TIMER_NONE ?
				       NULL :
				       json_object_new_string(tcptimer_timer_name(timer)));
	json_object_object_add(o, "timers", json_timers(timers, count));
	json_object_object_add(o, "rto_ms",
			       json_object_new_int64(json_ms(s->rto_jiffies, conn->hz)));
	json_object_object_add(o, "backoff", json_object_new_int(s->backoff));
	json_object_object_add(o, "retransmits", json_object_new_int(s->retransmits));
	json_object_object_add(o, "probes_out", json_object_new_int(s->probes_out));
	json_object_object_add(o, "unacked", json_object_new_int64(s->packets_out));
	json_object_object_add(o, "user_timeout_ms", json_object_new_int64(s->user_timeout_ms));
	json_object_object_add(o, "keepalive", json_keepalive(s, conn->hz));
	json_object_object_add(o, "stalled",
			       json_object_new_boolean(tcptimer_stall_timer(s) !=
						       TCPTIMER_TIMER_NONE));
	json_object_object_add(o, "stall_ms", json_object_new_int64(conn_stall_ms(s, conn->hz)));
	json_add_deadline(o, conn);
	json_object_object_add(o, "rule", conn_json_text(conn->rule));
	json_object_object_add(o, "orphan",
			       json_object_new_boolean((s->flags & TCPTIMER_F_DEAD) != 0));
	json_object_object_add(o, "pid", conn->pid ? json_object_new_int(conn->pid) : NULL);
	json_object_object_add(o, "comm", conn_json_text(conn->comm));
	return o;
}

const char *conn_errno(int err, char *buf, size_t size)
{
	const char *name = strerrorname_np(err);

	if (name)
		return name;
	snprintf(buf, size, "%d", err);
	return buf;
}

/*
 * A character that a terminal or a reader's eye could be fooled by: DEL, C1, zero-width, line and
 * paragraph separators, bidi. Returns its length in UTF-8 and the character, or 0.
 */
static size_t json_hazard(const char *at, unsigned int *ret_char)
{
	const unsigned char *c = (const unsigned char *)at;

	if (c[0] == 0x7f) {
		*ret_char = c[0];
		return 1;
	}
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
		*ret_char = c[1];
		return 2;
	}
	if (c[0] != 0xe2 || (c[1] != 0x80 && c[1] != 0x81) || (c[2] & 0xc0) != 0x80)
		return 0;
	*ret_char = 0x2000U | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU);
	if ((*ret_char >= 0x200b && *ret_char <= 0x200f) ||
	    (*ret_char >= 0x2028 && *ret_char <= 0x202e) ||
	    (*ret_char >= 0x2060 && *ret_char <= 0x206f))
		return 3;
	return 0;
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
		len = json_hazard(text, &character);
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

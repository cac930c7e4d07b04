// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Single rules of the engine: what a segment does to a mini-socket, an option to an armed timer.
 * Receives words of a play; makes it happen, and holds the outcome against the rule.
 */
#include <stdlib.h>
#include "conformance.h"

#define FAR_BYTES 100000u /* bytes beyond the sequence number expected */

/* Segments that meet a mini-socket: flags, sequence number relative to the one expected, payload. */
/* clang-format off */
static const struct tw_row {
	const char *word;
	uint8_t flags;
	int32_t seq;
	uint32_t len;
} tw_rows[] = {
	{ "ack", TCP_ACK, 0, 0 },
	{ "ack_old", TCP_ACK, -1, 0 },
	{ "ack_beyond", TCP_ACK, FAR_BYTES * 100, 0 },
	{ "rst", TCP_RST, 0, 0 },
	{ "rst_ack", TCP_RST | TCP_ACK, 0, 0 },
	{ "rst_beyond", TCP_RST, FAR_BYTES, 0 },
	{ "rst_old", TCP_RST, -1, 0 },
	{ "data", TCP_ACK | TCP_PSH, 0, 100 },
	{ "data_old", TCP_ACK | TCP_PSH, -100, 100 },
	{ "fin", TCP_FIN | TCP_ACK, 0, 0 },
	{ "fin_again", TCP_FIN | TCP_ACK, -1, 0 },
	{ "fin_data", TCP_FIN | TCP_ACK, 0, 10 },
	{ "syn_new", TCP_SYN, FAR_BYTES, 0 },
	{ "syn_next", TCP_SYN, 0, 0 },
	{ "syn_old", TCP_SYN, -(int32_t)FAR_BYTES, 0 },
	{ "syn_ack", TCP_SYN | TCP_ACK, FAR_BYTES, 0 },
};
/* clang-format on */

/* On a host, what is foretold from one snapshot may be brought about later, but before the next one. */
static int64_t rules_allowed(const struct tcptimer_snapshot *before,
			     const struct tcptimer_snapshot *after)
{
	return TOLERANCE_JIFFIES +
	       (observe_guest ? 0 : (int64_t)(after->now_jiffies - before->now_jiffies));
}

static const struct tw_row *tw_find(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(tw_rows) / sizeof(tw_rows[0]); i++)
		if (!strcmp(tw_rows[i].word, word))
			return &tw_rows[i];
	return NULL;
}

/* The segment as the engine is told of it. */
static struct tcptimer_tw_segment tw_describe(const struct tw_row *row)
{
	int32_t end =
		row->seq + (int32_t)row->len + !!(row->flags & TCP_SYN) + !!(row->flags & TCP_FIN);

	return (struct tcptimer_tw_segment){
		.syn = row->flags & TCP_SYN,
		.ack = row->flags & TCP_ACK,
		.fin = row->flags & TCP_FIN,
		.rst = row->flags & TCP_RST,
		/* tcp_in_window(): the window is well below FAR_BYTES * 100 */
		.in_window = row->seq == 0 || (end > 0 && row->seq < 60000),
		.at_rcv_nxt = row->seq == 0,
		.seq_after = row->seq > 0,
		.end_after = end > 0,
		.end_is_next = end == 1,
		.empty = end == row->seq,
	};
}

static void tw_send(struct peer *peer, const struct tw_row *row)
{
	uint32_t snd_nxt = peer->snd_nxt;

	peer->snd_nxt += (uint32_t)row->seq;
	peer_send(peer, row->flags, row->len);
	peer->snd_nxt = snd_nxt;
}

static void tw_answer(struct trial *trial, const struct tcptimer_tw_result *res,
		      unsigned int packets)
{
	bool answered = trial->packets > packets;
	uint8_t flags = trial->last_out.flags;
	uint8_t wanted = res->verdict == TCPTIMER_TW_RST ? TCP_RST :
			 res->verdict == TCPTIMER_TW_SYN && trial->listener >= 0 ?
							   TCP_SYN | TCP_ACK :
							   TCP_ACK;

	if (res->verdict == TCPTIMER_TW_DROP) {
		if (answered)
			trial_fail(trial, "answered with flags %#x, foretold was silence", flags);
	} else if (!answered) {
		trial_fail(trial, "no answer, foretold was flags %#x", wanted);
	} else if ((flags & (TCP_SYN | TCP_RST)) != (wanted & (TCP_SYN | TCP_RST))) {
		trial_fail(trial, "answered with flags %#x, foretold was %#x", flags, wanted);
	}
}

static void tw_timer(struct trial *trial, const struct tcptimer_tw_result *res,
		     const struct tcptimer_snapshot *before)
{
	struct tcptimer_snapshot after;
	bool there = trial_snapshot(trial, &after);
	bool reopened = res->verdict == TCPTIMER_TW_SYN && trial->listener >= 0;
	bool gone = res->timer == TCPTIMER_TW_KILLED || reopened;
	uint64_t expires = before->mini_expires;
	int64_t error;

	there = there && after.kind == TCPTIMER_SOCK_TIMEWAIT;
	if (there == gone) {
		trial_fail(trial, there ? "the mini-socket stayed" : "the mini-socket went");
		return;
	}
	if (!there)
		return;
	if (res->timer == TCPTIMER_TW_RESTARTED)
		expires = after.now_jiffies + res->timeout_jiffies;
	error = (int64_t)(after.mini_expires - expires);
	if (llabs(error) > llabs(trial->worst))
		trial->worst = error;
	if (llabs(error) > rules_allowed(before, &after))
		trial_fail(trial, "expires %lld jiffies from what was foretold", (long long)error);
	if (after.state != res->substate)
		trial_fail(trial, "is in %s, foretold was %s", tcptimer_state_name(after.state),
			   tcptimer_state_name(res->substate));
}

void rules_tw_segment(struct trial *trial, const char *word)
{
	const struct tw_row *row = tw_find(word);
	struct tcptimer_tw_segment segment;
	struct tcptimer_snapshot before;
	struct tcptimer_tw_result res;
	unsigned int packets;
	int err;

	if (!row || !trial_snapshot(trial, &before)) {
		trial_fail(trial, row ? "no mini-socket" : "no such segment");
		return;
	}
	segment = tw_describe(row);
	err = tcptimer_timewait_segment(&observe_profile, observe_hz, &before, &segment, false,
					&res);
	if (err) {
		trial_fail(trial, "the engine: %s", tcptimer_engine_strerror(err));
		return;
	}
	packets = trial->packets;
	tw_send(&trial->peer, row);
	sleep_ms(observe_guest ? 0 : 2);
	trial_react(trial);
	tw_answer(trial, &res, packets);
	tw_timer(trial, &res, &before);
	trial->checks++;
}

/*
 * How far what was armed lies from what was foretold. Armed for this very jiffy, it may have fired
 * before the second snapshot: then the trace says when.
 */
static int64_t rules_keep_error(struct trial *trial, const struct tcptimer_snapshot *after,
				uint64_t expires)
{
	size_t i;

	if (expires >= after->now_jiffies)
		return (int64_t)(after->keep_expires - expires);
	observe_consume();
	for (i = trial->log_count; i-- > 0;)
		if (trial->log[i].timer == TCPTIMER_TIMER_KEEPALIVE &&
		    trial->log[i].jiffy > expires)
			return (int64_t)(trial->log[i].jiffy - expires - 1);
	return (int64_t)(after->keep_expires - expires);
}

/* `KEEPALIVE=` or `KEEPIDLE=` on a socket whose timer may be armed. */
void rules_keepalive(struct trial *trial, const char *word)
{
	long value = atol(word + strcspn(word, "=") + 1);
	struct tcptimer_snapshot before, after;
	__u64 expires = 0;
	int64_t error;
	bool armed;

	if (!trial_snapshot(trial, &before)) {
		trial_fail(trial, "no socket");
		return;
	}
	if (!strncmp(word, "KEEPIDLE=", 9))
		armed = tcptimer_keepalive_set_idle(&before, (uint32_t)value * observe_hz,
						    &expires);
	else
		armed = tcptimer_keepalive_set(&before, value != 0, &expires);
	if (!settings_apply(trial, word, true) || !trial_snapshot(trial, &after))
		return;
	trial->checks++;
	if (armed != !!(after.flags & TCPTIMER_F_KEEP_PENDING)) {
		trial_fail(trial, armed ? "the timer is not armed" : "the timer is armed");
		return;
	}
	error = armed ? rules_keep_error(trial, &after, expires) : 0;
	if (llabs(error) > llabs(trial->worst))
		trial->worst = error;
	if (llabs(error) > rules_allowed(&before, &after))
		trial_fail(trial, "expires %lld jiffies from what was foretold", (long long)error);
}

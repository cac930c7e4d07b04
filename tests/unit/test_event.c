// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records of the ring buffer: which are refused, what the others mean, and how that is said.
 * Receives nothing; hands cmocka's verdict to tests/run.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "event.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TEST_HZ 250U
#define NOW_JIFFIES 1000000U
#define NOW_NS UINT64_C(4000000000000) /* ms: 4000000 */

/* A record as the kernel side writes it: valid, and of an idle connection. */
static struct tcptimer_event blank(void)
{
	struct tcptimer_event event;

	memset(&event, 0, sizeof(event));
	event.size = sizeof(event);
	event.version = TCPTIMER_EVENT_VERSION;
	event.kind = TCPTIMER_EVENT_EXPIRED;
	event.what = TCPTIMER_W_TIMER;
	event.before.state = event.after.state = TCPTIMER_STATE_ESTABLISHED;
	event.before.snd_wnd = event.after.snd_wnd = 65535;
	event.after.now_jiffies = NOW_JIFFIES;
	event.after.now_ns = NOW_NS;
	event.after.rto_max_jiffies = 120 * TEST_HZ;
	event.after.sysctls.retries2 = 15;
	event.after.sysctls.syn_retries = 6;
	event.after.sysctls.syn_linear_timeouts = 4;
	event.after.sysctls.synack_retries = 5;
	return event;
}

/* The write timer on the wheel for `pending`, 50 jiffies ahead: its bucket is the 51st. */
static void arm_write(struct tcptimer_event *event, unsigned int pending)
{
	event->after.flags |= TCPTIMER_F_WRITE_PENDING;
	event->after.pending = (uint8_t)pending;
	event->after.write_expires = NOW_JIFFIES + 50;
	event->after.write_flags = (NOW_JIFFIES + 51) % 64 << 22;
}

#define NEXT_MS (51 * 4)

/*
 * Decoding
 */

static void test_decode(void **state)
{
	struct tcptimer_event event = blank(), got;
	unsigned char raw[sizeof(event) + 1];

	event.time_ns = 42;
	event.after.cookie = 0x1122334455667788;
	memcpy(raw + 1, &event, sizeof(event)); /* also where nothing is aligned */
	assert_int_equal(event_decode(raw + 1, sizeof(event), &got), 0);
	assert_memory_equal(&got, &event, sizeof(event));
	(void)state;
}

static void check_refused(const void *data, size_t len)
{
	struct tcptimer_event got, untouched;

	memset(&got, 0xa5, sizeof(got));
	memset(&untouched, 0xa5, sizeof(untouched));
	assert_int_equal(event_decode(data, len, &got), -EINVAL);
	assert_memory_equal(&got, &untouched, sizeof(got));
}

/* Each length but the right one, read from memory that ends there. */
static void test_decode_lengths(void **state)
{
	struct tcptimer_event event = blank();

	for (size_t len = 0; len < 2 * sizeof(event); len++) {
		unsigned char *data = calloc(1, len ? len : 1);

		assert_non_null(data);
		memcpy(data, &event, len < sizeof(event) ? len : sizeof(event));
		if (len != sizeof(event))
			check_refused(data, len);
		free(data);
	}
	check_refused(NULL, 0);
	check_refused(NULL, sizeof(event));
	(void)state;
}

static void test_decode_values(void **state)
{
	static const struct {
		const char *what;
		size_t offset;
		unsigned int first_bad;
	} fields[] = {
		{ "kind", offsetof(struct tcptimer_event, kind), TCPTIMER_EVENT_COUNT },
		{ "timer", offsetof(struct tcptimer_event, timer), TCPTIMER_TIMER_COUNT },
		{ "stall_timer", offsetof(struct tcptimer_event, stall_timer),
		  TCPTIMER_TIMER_COUNT },
		{ "old_state", offsetof(struct tcptimer_event, old_state), TCPTIMER_STATE_COUNT },
		{ "before.state", offsetof(struct tcptimer_event, before.state),
		  TCPTIMER_STATE_COUNT },
		{ "after.state", offsetof(struct tcptimer_event, after.state),
		  TCPTIMER_STATE_COUNT },
		{ "after.kind", offsetof(struct tcptimer_event, after.kind),
		  TCPTIMER_SOCK_REQUEST + 1 },
	};
	struct tcptimer_event event, got;

	for (size_t i = 0; i < COUNT(fields); i++) {
		for (unsigned int value = 0; value < 256; value++) {
			event = blank();
			((unsigned char *)&event)[fields[i].offset] = (unsigned char)value;
			if (value >= fields[i].first_bad ||
			    (fields[i].offset == offsetof(struct tcptimer_event, kind) && !value))
				check_refused(&event, sizeof(event));
			else if (event_decode(&event, sizeof(event), &got))
				fail_msg("%s: %u refused", fields[i].what, value);
		}
	}
	for (unsigned int size = 0; size < 65536; size++) {
		event = blank();
		event.size = (uint16_t)size;
		if (size != sizeof(event))
			check_refused(&event, sizeof(event));
	}
	event = blank();
	event.version = TCPTIMER_EVENT_VERSION + 1;
	check_refused(&event, sizeof(event));
	(void)state;
}

/*
 * What the kernel did: rows of facts and their meaning
 */

struct action_row {
	const char *what;
	enum tcptimer_timer timer;
	unsigned int kind, seen, pending, after_pending; /* seen: TCPTIMER_W_* besides W_TIMER */
	unsigned int before, after;                      /* the counter that the timer keeps */
	int sent_err;
	enum tcptimer_action action;
	unsigned int n;
	int err;
	const char *says;
};

#define RTX TCPTIMER_W_RETRANSMIT
#define P(name) TCPTIMER_PENDING_##name
#define T(name) TCPTIMER_TIMER_##name
#define A(name) TCPTIMER_ACTION_##name
#define EXPIRED TCPTIMER_EVENT_EXPIRED

static const struct action_row actions[] = {
	{ "first retransmission", T(RETRANS), EXPIRED, RTX, P(RETRANS), P(RETRANS), 0, 1, 0,
	  A(RETRANSMITTED), 1, 0, "sent retransmission 1, next in 204ms" },
	{ "third", T(RETRANS), EXPIRED, RTX, P(RETRANS), P(RETRANS), 2, 3, 0, A(RETRANSMITTED), 3,
	  0, "sent retransmission 3, next in 204ms" },
	{ "the counter wrapped", T(RETRANS), EXPIRED, RTX, P(RETRANS), P(RETRANS), 255, 0, 0,
	  A(RETRANSMITTED), 256, 0, "sent retransmission 256, next in 204ms" },
	{ "no route", T(RETRANS), EXPIRED, RTX, P(RETRANS), P(RETRANS), 0, 1, -EHOSTUNREACH,
	  A(RETRANSMIT_FAILED), 1, EHOSTUNREACH,
	  "could not send retransmission 1: EHOSTUNREACH, next in 204ms" },
	{ "dropped here", T(RETRANS), EXPIRED, RTX, P(RETRANS), P(RETRANS), 0, 1, 1,
	  A(RETRANSMIT_FAILED), 1, ENOBUFS,
	  "could not send retransmission 1: dropped by this host, next in 204ms" },
	{ "absurd err", T(RETRANS), EXPIRED, RTX, P(RETRANS), P(RETRANS), 0, 1, INT32_MIN,
	  A(RETRANSMIT_FAILED), 1, 0, "could not send retransmission 1, next in 204ms" },
	{ "unknown err", T(RETRANS), EXPIRED, RTX, P(RETRANS), P(RETRANS), 0, 1, -4095,
	  A(RETRANSMIT_FAILED), 1, 4095,
	  "could not send retransmission 1: errno 4095, next in 204ms" },
	{ "failed on a kernel before 6.17", T(RETRANS), EXPIRED, 0, P(RETRANS), P(RETRANS), 0, 1, 0,
	  A(RETRANSMIT_FAILED), 1, 0, "could not send retransmission 1, next in 204ms" },
	{ "syn", T(SYN), EXPIRED, RTX, P(RETRANS), P(RETRANS), 0, 1, 0, A(RETRANSMITTED), 1, 0,
	  "sent SYN retransmission 1, next in 204ms" },
	{ "stale", T(RETRANS), EXPIRED, 0, P(NONE), P(NONE), 0, 0, 0, A(NONE), 0, 0,
	  "nothing to do" },
	{ "too early", T(RETRANS), EXPIRED, 0, P(RETRANS), P(RETRANS), 1, 1, 0, A(REARMED), 0, 0,
	  "sent nothing, next in 204ms" },
	{ "nothing in flight", T(RETRANS), EXPIRED, 0, P(RETRANS), P(NONE), 0, 0, 0, A(NONE), 0, 0,
	  "nothing to do" },
	{ "deferred", T(RETRANS), EXPIRED, TCPTIMER_W_DEFERRED, P(RETRANS), P(NONE), 1, 1, 0,
	  A(DEFERRED), 0, 0, "socket in use, put off" },
	{ "loss probe, old data", T(LOSS_PROBE), EXPIRED, RTX, P(LOSS_PROBE), P(RETRANS), 0, 0, 0,
	  A(PROBED), 1, 0, "sent a loss probe, next in 204ms" },
	{ "loss probe, not sent", T(LOSS_PROBE), EXPIRED, RTX, P(LOSS_PROBE), P(RETRANS), 0, 0, -11,
	  A(RETRANSMIT_FAILED), 1, EAGAIN,
	  "could not send retransmission 1: EAGAIN, next in 204ms" },
	{ "loss probe, none needed", T(LOSS_PROBE), EXPIRED, 0, P(LOSS_PROBE), P(RETRANS), 0, 0, 0,
	  A(REARMED), 0, 0, "sent nothing, next in 204ms" },
	{ "reordering", T(REO_TIMEOUT), EXPIRED, RTX, P(REO_TIMEOUT), P(RETRANS), 0, 0, 0,
	  A(RECOVERING), 0, 0, "marked segments lost, next in 204ms" },
	{ "reordering, too early", T(REO_TIMEOUT), EXPIRED, 0, P(REO_TIMEOUT), P(REO_TIMEOUT), 0, 0,
	  0, A(REARMED), 0, 0, "sent nothing, next in 204ms" },
	{ "window probe", T(PROBE0), EXPIRED, 0, P(PROBE0), P(PROBE0), 1, 2, 0, A(PROBED), 2, 0,
	  "sent window probe 2, next in 204ms" },
	{ "window probe, none needed", T(PROBE0), EXPIRED, 0, P(PROBE0), P(NONE), 1, 0, 0, A(NONE),
	  0, 0, "nothing to do" },
	{ "outside a timer", T(NONE), TCPTIMER_EVENT_RETRANSMIT, RTX, P(NONE), P(RETRANS), 0, 0, 0,
	  A(RETRANSMITTED), 0, 0, "retransmitted, not by a timer" },
	{ "outside, failed", T(NONE), TCPTIMER_EVENT_RETRANSMIT, RTX, P(NONE), P(RETRANS), 0, 0, -1,
	  A(RETRANSMIT_FAILED), 0, EPERM, "could not send the segment again: EPERM" },
	{ "by the owner, late", T(RETRANS), EXPIRED, RTX | TCPTIMER_W_LATE, P(NONE), P(RETRANS), 1,
	  2, 0, A(RETRANSMITTED), 2, 0, "sent retransmission 2, next in 204ms" },
	{ "a stall begins", T(RETRANS), TCPTIMER_EVENT_STALL, RTX, P(RETRANS), P(RETRANS), 0, 1, 0,
	  A(NONE), 0, 0, "data unanswered: 3 segments" },
};

static struct tcptimer_event action_event(const struct action_row *row)
{
	struct tcptimer_event event = blank();

	event.timer = (uint8_t)row->timer;
	event.kind = (uint8_t)row->kind;
	event.what = row->seen;
	if (row->kind != TCPTIMER_EVENT_RETRANSMIT && !(row->seen & TCPTIMER_W_LATE))
		event.what |= TCPTIMER_W_TIMER;
	event.sent_err = row->sent_err;
	event.before.pending = (uint8_t)row->pending;
	event.before.packets_out = event.after.packets_out = 3;
	if (row->after_pending)
		arm_write(&event, row->after_pending);
	if (row->timer == T(SYN))
		event.before.state = event.after.state = TCPTIMER_STATE_SYN_SENT;
	if (row->timer == T(PROBE0)) {
		event.before.probes_out = (uint8_t)row->before;
		event.after.probes_out = (uint8_t)row->after;
	} else {
		event.before.retransmits = (uint8_t)row->before;
		event.after.retransmits = (uint8_t)row->after;
	}
	return event;
}

static void check_verdict(const char *what, const struct tcptimer_event *event,
			  const struct event_verdict *want, const char *says)
{
	struct event_verdict got;
	char text[160];

	event_judge(event, TEST_HZ, &got);
	if (got.action != want->action || got.n != want->n || got.err != want->err ||
	    got.cause != want->cause)
		fail_msg("%s: %s n %u err %d cause %s", what, tcptimer_action_name(got.action),
			 got.n, got.err, tcptimer_cause_name(got.cause));
	if (says && strcmp(event_describe(event, &got, text, sizeof(text)), says))
		fail_msg("%s: says \"%s\", not \"%s\"", what, text, says);
}

static void test_actions(void **state)
{
	for (size_t i = 0; i < COUNT(actions); i++) {
		const struct action_row *row = &actions[i];
		struct tcptimer_event event = action_event(row);
		struct event_verdict got,
			want = { .action = row->action, .n = row->n, .err = row->err };

		check_verdict(row->what, &event, &want, row->says);
		event_judge(&event, TEST_HZ, &got);
		assert_int_equal(got.next_ms,
				 row->after_pending && row->timer != T(NONE) ? NEXT_MS : -1);
	}
	(void)state;
}

/* A window shrunk to zero: the RTO resends and counts nothing; an orphan is counted as ever. */
static void test_shrunk_window(void **state)
{
	struct tcptimer_event event = blank();
	struct event_verdict want = { .action = A(RETRANSMITTED) };

	event.timer = T(RETRANS);
	event.what |= RTX;
	event.before.pending = P(RETRANS);
	event.before.snd_wnd = event.after.snd_wnd = 0;
	check_verdict("shrunk", &event, &want, "sent the segment again");
	event.what = RTX | TCPTIMER_W_LATE;
	check_verdict("shrunk, late", &event, &want, "sent the segment again");
	event.what = RTX | TCPTIMER_W_TIMER;
	event.after.flags = TCPTIMER_F_DEAD;
	event.after.retransmits = want.n = 1;
	check_verdict("shrunk, orphan", &event, &want, "sent retransmission 1");
	(void)state;
}

static void test_loss_probe_new_data(void **state)
{
	struct tcptimer_event event = blank();
	struct event_verdict want = { .action = A(PROBED), .n = 1 };

	event.timer = T(LOSS_PROBE);
	event.before.pending = P(LOSS_PROBE);
	event.before.snd_nxt = UINT32_MAX - 10;
	event.after.snd_nxt = 1000;
	check_verdict("new data", &event, &want, "sent a loss probe");
	(void)state;
}

static void test_probe0_opens(void **state)
{
	struct tcptimer_event event = blank();
	struct event_verdict want = { .action = A(PROBED) };

	event.timer = T(PROBE0);
	event.before.pending = P(PROBE0);
	event.before.probes_out = 3;
	event.after.packets_out = 1;
	arm_write(&event, P(RETRANS));
	check_verdict("room after all", &event, &want,
		      "window open again, sent data, next in 204ms");
	(void)state;
}

static void test_keepalive(void **state)
{
	struct tcptimer_event event = blank();
	struct event_verdict want = { .action = A(PROBED), .n = 2 };

	event.timer = T(KEEPALIVE);
	event.before.probes_out = 1;
	event.after.probes_out = 2;
	event.after.flags = TCPTIMER_F_KEEP_PENDING;
	event.after.keep_expires = NOW_JIFFIES + 12;
	event.after.keep_flags = (NOW_JIFFIES + 13) % 64 << 22;
	check_verdict("probe", &event, &want, "sent keepalive probe 2, next in 52ms");
	event.after.probes_out = 1;
	want = (struct event_verdict){ .action = A(REARMED) };
	check_verdict("busy", &event, &want, "sent nothing, next in 52ms");
	event.what |= TCPTIMER_W_DEFERRED;
	want.action = A(DEFERRED);
	check_verdict("in use", &event, &want, "socket in use, put off, next in 52ms");
	(void)state;
}

static void test_delack(void **state)
{
	static const struct {
		unsigned int before, after;
		bool pending;
		enum tcptimer_action action;
	} rows[] = {
		{ TCPTIMER_ACK_SCHED | TCPTIMER_ACK_TIMER, 0, false, A(ACKED) },
		{ TCPTIMER_ACK_SCHED | TCPTIMER_ACK_TIMER | TCPTIMER_ACK_PUSHED, 0, false,
		  A(ACKED) },
		{ TCPTIMER_ACK_TIMER, 0, false, A(NONE) },
		{ TCPTIMER_ACK_SCHED, 0, false, A(NONE) },
		{ 0, 0, false, A(NONE) },
		{ TCPTIMER_ACK_SCHED | TCPTIMER_ACK_TIMER, TCPTIMER_ACK_SCHED | TCPTIMER_ACK_TIMER,
		  true, A(REARMED) },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tcptimer_event event = blank();
		struct event_verdict want = { .action = rows[i].action };

		event.timer = T(DELACK);
		event.before.delack_pending = (uint8_t)rows[i].before;
		event.after.delack_pending = (uint8_t)rows[i].after;
		if (rows[i].pending)
			event.after.flags = TCPTIMER_F_DELACK_PENDING;
		check_verdict("delack", &event, &want, NULL);
	}
	(void)state;
}

/* A timer that is due already fires now, not in the past. */
static void test_due(void **state)
{
	struct tcptimer_event event = action_event(&actions[0]);
	struct event_verdict got, want = { .action = A(RETRANSMITTED), .n = 1 };

	event.after.write_expires = NOW_JIFFIES - 20;
	event.after.write_flags = (NOW_JIFFIES - 19) % 64 << 22;
	event_judge(&event, TEST_HZ, &got);
	assert_int_equal(got.next_ms, 0);
	check_verdict("due", &event, &want, "sent retransmission 1, next in 0ms");
	(void)state;
}

/*
 * Mini-sockets
 */

static struct tcptimer_event request(unsigned int what, unsigned int before, unsigned int after)
{
	struct tcptimer_event event = blank();

	event.timer = T(SYNACK);
	event.what |= what;
	event.before.state = event.after.state = TCPTIMER_STATE_NEW_SYN_RECV;
	event.after.kind = TCPTIMER_SOCK_REQUEST;
	event.before.num_timeout = (uint8_t)before;
	event.after.num_timeout = (uint8_t)after;
	return event;
}

static void test_synack(void **state)
{
	struct tcptimer_event event = request(TCPTIMER_W_SYNACK, 1, 2);
	struct event_verdict want = { .action = A(RETRANSMITTED), .n = 2 };

	event.before.retransmits = 1;
	event.after.flags = TCPTIMER_F_TIMER_HW;
	event.after.mini_expires = NOW_JIFFIES + 50;
	event.after.mini_flags = (NOW_JIFFIES + 51) % 64 << 22;
	check_verdict("resent", &event, &want, "sent SYN-ACK retransmission 2, next in 204ms");
	/* after three turns of TCP_DEFER_ACCEPT that sent nothing, the first resend is the first */
	event.before.num_timeout = 3;
	event.after.num_timeout = 4;
	event.before.retransmits = 0;
	want.n = 1;
	check_verdict("resent after turns without", &event, &want,
		      "sent SYN-ACK retransmission 1, next in 204ms");
	event.what = TCPTIMER_W_TIMER;
	want = (struct event_verdict){ .action = A(REARMED) };
	check_verdict("defer accept", &event, &want, "sent nothing, next in 204ms");

	/* a fast-open child: the write timer, and failures count */
	event = request(TCPTIMER_W_SYNACK, 0, 1);
	event.after.kind = TCPTIMER_SOCK_FULL;
	event.after.flags = TCPTIMER_F_TFO_CHILD;
	event.before.pending = P(RETRANS);
	want = (struct event_verdict){ .action = A(RETRANSMITTED), .n = 1 };
	check_verdict("child", &event, &want, "sent SYN-ACK retransmission 1");
	event.what = TCPTIMER_W_TIMER;
	want.action = A(RETRANSMIT_FAILED);
	check_verdict("child, not sent", &event, &want, "could not send SYN-ACK retransmission 1");
	event.after.num_timeout = 0;
	want = (struct event_verdict){ .action = A(NONE) };
	check_verdict("child, nothing", &event, &want, "nothing to do");
	(void)state;
}

static void test_requests_end(void **state)
{
	static const struct {
		const char *what;
		unsigned int timeouts, syncnt;
		uint32_t backlog, young, max;
		enum tcptimer_cause cause;
	} rows[] = {
		{ "limit", 5, 0, 1, 0, 128, TCPTIMER_CAUSE_SYNACK_RETRIES },
		{ "before the limit: the listener closed", 4, 0, 1, 0, 128, TCPTIMER_CAUSE_CLOSED },
		{ "TCP_SYNCNT of the listener", 2, 2, 1, 0, 128, TCPTIMER_CAUSE_SYNACK_RETRIES },
		{ "crowded, and all are old", 2, 0, 100, 0, 128, TCPTIMER_CAUSE_SYNACK_RETRIES },
		{ "crowded, but most are young", 4, 0, 100, 60, 128, TCPTIMER_CAUSE_CLOSED },
		{ "crowded, half is young", 4, 0, 100, 50, 128, TCPTIMER_CAUSE_SYNACK_RETRIES },
		{ "crowded, a quarter is young", 4, 0, 100, 26, 128,
		  TCPTIMER_CAUSE_SYNACK_RETRIES },
		{ "small backlogs count as 8", 4, 0, 4, 0, 1, TCPTIMER_CAUSE_CLOSED },
		{ "never below 2", 1, 0, 100, 0, 128, TCPTIMER_CAUSE_CLOSED },
		{ "garbage", 255, 255, UINT32_MAX, UINT32_MAX, UINT32_MAX,
		  TCPTIMER_CAUSE_SYNACK_RETRIES },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tcptimer_event event = request(TCPTIMER_W_CLOSED, rows[i].timeouts, 0);
		struct event_verdict want = { .action = A(ENDED), .cause = rows[i].cause };

		event.kind = TCPTIMER_EVENT_ABORT;
		event.after.syn_retries = (uint8_t)rows[i].syncnt;
		event.after.ack_backlog = rows[i].backlog;
		event.after.ack_young = rows[i].young;
		event.after.max_ack_backlog = rows[i].max;
		check_verdict(rows[i].what, &event, &want,
			      i ? NULL : "gave up: SYN-ACK unanswered 6 times");
		/* gone, but not by its timer: nothing tells why */
		event.kind = TCPTIMER_EVENT_CLOSED;
		event.what = 0;
		want = (struct event_verdict){ .action = A(NONE) };
		check_verdict(rows[i].what, &event, &want, "ended");
	}
	(void)state;
}

static void test_time_wait(void **state)
{
	struct tcptimer_event event = blank();
	struct event_verdict want = { .action = A(ENDED), .cause = TCPTIMER_CAUSE_CLOSED };

	event.kind = TCPTIMER_EVENT_CLOSED;
	event.timer = T(TIMEWAIT);
	event.after.kind = TCPTIMER_SOCK_TIMEWAIT;
	event.before.state = event.after.state = TCPTIMER_STATE_TIME_WAIT;
	check_verdict("time wait over", &event, &want, "closed");
	event.timer = T(FIN_WAIT2);
	event.before.state = event.after.state = TCPTIMER_STATE_FIN_WAIT2;
	want.cause = TCPTIMER_CAUSE_FIN_WAIT2;
	check_verdict("fin_wait2 over", &event, &want, "gave up waiting for the peer's FIN");
	/* still on the wheel: nothing ended */
	event.kind = TCPTIMER_EVENT_EXPIRED;
	event.after.flags = TCPTIMER_F_TIMER_HW;
	event.after.mini_expires = NOW_JIFFIES + 50;
	event.after.mini_flags = (NOW_JIFFIES + 51) % 64 << 22;
	want = (struct event_verdict){ .action = A(REARMED) };
	check_verdict("re-armed", &event, &want, "sent nothing, next in 204ms");
	event.what |= TCPTIMER_W_GONE;
	want = (struct event_verdict){ .action = A(ENDED), .cause = TCPTIMER_CAUSE_FIN_WAIT2 };
	check_verdict("gone", &event, &want, NULL);

	event = blank();
	event.timer = T(FIN_WAIT2);
	event.before.state = event.after.state = TCPTIMER_STATE_FIN_WAIT2;
	event.after.flags = TCPTIMER_F_DEAD;
	event.what |= TCPTIMER_W_CLOSED | TCPTIMER_W_TIMEWAIT;
	want = (struct event_verdict){ .action = A(HANDED_OVER) };
	check_verdict("handed over", &event, &want, "waits for the peer's FIN without its socket");
	event.kind = TCPTIMER_EVENT_CLOSED;
	event.after.state = TCPTIMER_STATE_TIME_WAIT;
	want.cause = TCPTIMER_CAUSE_CLOSED;
	check_verdict("closed in order", &event, &want, "waits in TIME-WAIT");
	(void)state;
}

/*
 * Why it ended
 */

#define DEAD TCPTIMER_F_DEAD
#define C(name) TCPTIMER_CAUSE_##name

static const struct cause_row {
	const char *what;
	unsigned int kind, seen, timer, state, flags;
	int err;
	uint32_t user_timeout, since_ms; /* since the first retransmission or window probe */
	unsigned int count;              /* retransmissions, probes or SYN-ACKs so far */
	uint32_t snd_wnd;
	enum tcptimer_action action;
	enum tcptimer_cause cause;
	int app_err;
	const char *says;
} causes[] = {
	{ "retries2", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 1, 0, ETIMEDOUT, 0,
	  924600, 15, 1, A(ABORTED), C(RETRIES), ETIMEDOUT,
	  "gave up: retransmissions unanswered 15 times (ETIMEDOUT)" },
	{ "user_timeout", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 1, 0, ETIMEDOUT, 5000,
	  5004, 4, 1, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT,
	  "gave up: TCP_USER_TIMEOUT of 5s (ETIMEDOUT)" },
	{ "user_timeout, a tick short by rounding", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER,
	  T(RETRANS), 1, 0, ETIMEDOUT, 5000, 4997, 4, 1, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT,
	  NULL },
	{ "user_timeout, more than a tick short", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER,
	  T(RETRANS), 1, 0, ETIMEDOUT, 5000, 4994, 4, 1, A(ABORTED), C(RETRIES), ETIMEDOUT, NULL },
	{ "user_timeout not passed", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 1, 0,
	  ETIMEDOUT, 5000, 3000, 4, 1, A(ABORTED), C(RETRIES), ETIMEDOUT, NULL },
	{ "soft error kept", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 1, 0, EHOSTUNREACH,
	  0, 924600, 15, 1, A(ABORTED), C(UNREACHABLE), EHOSTUNREACH,
	  "network error (EHOSTUNREACH)" },
	{ "orphan", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), TCPTIMER_STATE_FIN_WAIT1,
	  DEAD, ETIMEDOUT, 0, 100000, 8, 1, A(ABORTED), C(ORPHAN), 0,
	  "gave up an orphan: peer silent" },
	{ "orphan with a soft error", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS),
	  TCPTIMER_STATE_FIN_WAIT1, DEAD, EHOSTUNREACH, 0, 100000, 8, 1, A(ABORTED), C(ORPHAN), 0,
	  NULL },
	{ "orphan with user_timeout", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS),
	  TCPTIMER_STATE_FIN_WAIT1, DEAD, ETIMEDOUT, 5000, 5100, 8, 1, A(ABORTED), C(USER_TIMEOUT),
	  0, NULL },
	{ "too many orphans", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER | TCPTIMER_W_RST_OUT,
	  T(RETRANS), TCPTIMER_STATE_FIN_WAIT1, DEAD, 0, 0, 1000, 1, 1, A(ABORTED),
	  C(OUT_OF_RESOURCES), 0, "gave up an orphan: too many, or memory short" },
	{ "shrunk window", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 1, 0, ETIMEDOUT, 0,
	  241000, 0, 0, A(ABORTED), C(SHRUNK_WINDOW), ETIMEDOUT, NULL },
	{ "shrunk window, user_timeout", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 1, 0,
	  ETIMEDOUT, 5000, 5100, 0, 0, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT, NULL },
	{ "shrunk window, 6.1: by the lower of the two", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER,
	  T(RETRANS), 1, 0, ETIMEDOUT, 30000, 20000, 0, 0, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT,
	  NULL },
	{ "shrunk window, user_timeout far", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 1,
	  0, ETIMEDOUT, 500000, 241000, 0, 0, A(ABORTED), C(SHRUNK_WINDOW), ETIMEDOUT, NULL },
	{ "syn, counted out", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(SYN), 2, 0, ETIMEDOUT, 0,
	  131000, 10, 0, A(ABORTED), C(SYN_RETRIES), ETIMEDOUT,
	  "gave up: SYN unanswered 11 times (ETIMEDOUT)" },
	{ "syn, by the model", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(SYN), 2, 0, ETIMEDOUT, 0,
	  7000, 5, 0, A(ABORTED), C(SYN_RETRIES), ETIMEDOUT, NULL },
	{ "syn, user_timeout", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(SYN), 2, 0, ETIMEDOUT,
	  2500, 2504, 2, 0, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT, NULL },
	{ "syn, count before user_timeout", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(SYN), 2, 0,
	  ETIMEDOUT, 2500, 131000, 10, 0, A(ABORTED), C(SYN_RETRIES), ETIMEDOUT, NULL },
	{ "crossed syn", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(RETRANS), 3, 0, ETIMEDOUT, 0,
	  63000, 6, 0, A(ABORTED), C(SYN_RETRIES), ETIMEDOUT, NULL },
	{ "icmp to a syn", TCPTIMER_EVENT_ABORT, 0, T(NONE), 2, 0, EHOSTUNREACH, 0, 0, 0, 0,
	  A(ABORTED), C(UNREACHABLE), EHOSTUNREACH, "network error (EHOSTUNREACH)" },
	{ "icmp port unreachable to a stalled syn", TCPTIMER_EVENT_ABORT, TCPTIMER_W_STALLED,
	  T(NONE), 2, 0, ECONNREFUSED, 0, 0, 0, 0, A(ABORTED), C(UNREACHABLE), ECONNREFUSED, NULL },
	{ "refused", TCPTIMER_EVENT_ABORT, 0, T(NONE), 2, 0, ECONNREFUSED, 0, 0, 0, 0, A(ABORTED),
	  C(PEER_RESET), ECONNREFUSED, "reset by the peer (ECONNREFUSED)" },
	{ "probe0", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(PROBE0), 1, 0, ETIMEDOUT, 0, 900000,
	  15, 0, A(ABORTED), C(PROBE0), ETIMEDOUT,
	  "gave up: window probes unanswered 15 times (ETIMEDOUT)" },
	{ "probe0, user_timeout", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(PROBE0), 1, 0,
	  ETIMEDOUT, 5000, 5000, 3, 0, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT, NULL },
	{ "probe0, user_timeout not passed", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(PROBE0), 1,
	  0, ETIMEDOUT, 5000, 4900, 15, 0, A(ABORTED), C(PROBE0), ETIMEDOUT, NULL },
	{ "probe0, orphan", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(PROBE0), 4, DEAD, ETIMEDOUT,
	  0, 60000, 8, 0, A(ABORTED), C(ORPHAN), 0, NULL },
	{ "probe0, too many orphans", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(PROBE0), 4, DEAD, 0,
	  0, 60000, 1, 0, A(ABORTED), C(OUT_OF_RESOURCES), 0, NULL },
	{ "keepalive, with its RST", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER | TCPTIMER_W_RST_OUT,
	  T(KEEPALIVE), 1, 0, ETIMEDOUT, 0, 0, 9, 1, A(ABORTED), C(KEEPALIVE), ETIMEDOUT,
	  "gave up: keepalive probes unanswered 9 times (ETIMEDOUT)" },
	{ "keepalive, by user_timeout", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER | TCPTIMER_W_RST_OUT,
	  T(KEEPALIVE), 1, 0, ETIMEDOUT, 6000, 0, 2, 1, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT,
	  NULL },
	{ "keepalive, unreachable", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER | TCPTIMER_W_RST_OUT,
	  T(KEEPALIVE), 1, 0, ENETUNREACH, 0, 0, 9, 1, A(ABORTED), C(UNREACHABLE), ENETUNREACH,
	  NULL },
	{ "fin_wait2 with an RST", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER | TCPTIMER_W_RST_OUT,
	  T(FIN_WAIT2), 5, DEAD, 0, 0, 0, 0, 1, A(ABORTED), C(FIN_WAIT2), 0, NULL },
	{ "tfo child", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(SYNACK), 3, TCPTIMER_F_TFO_CHILD,
	  ETIMEDOUT, 0, 0, 6, 1, A(ABORTED), C(SYNACK_RETRIES), ETIMEDOUT,
	  "gave up: SYN-ACK unanswered 7 times (ETIMEDOUT)" },
	{ "delack ends nothing", TCPTIMER_EVENT_ABORT, TCPTIMER_W_TIMER, T(DELACK), 1, 0, ETIMEDOUT,
	  0, 0, 0, 1, A(ABORTED), C(NONE), ETIMEDOUT, "ended (ETIMEDOUT)" },
	{ "an EXPIRED that closed", TCPTIMER_EVENT_EXPIRED, TCPTIMER_W_TIMER, T(RETRANS), 1, 0,
	  ETIMEDOUT, 0, 924600, 15, 1, A(ABORTED), C(RETRIES), ETIMEDOUT, NULL },
	{ "late, by the owner", TCPTIMER_EVENT_ABORT, TCPTIMER_W_LATE, T(RETRANS), 1, 0, ETIMEDOUT,
	  5000, 5004, 4, 1, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT, NULL },
	{ "late probe0", TCPTIMER_EVENT_ABORT, TCPTIMER_W_LATE, T(PROBE0), 1, 0, ETIMEDOUT, 5000,
	  5000, 4, 0, A(ABORTED), C(USER_TIMEOUT), ETIMEDOUT, NULL },
	{ "an icmp error ran the timer", TCPTIMER_EVENT_ABORT, 0, T(NONE), 1, 0, ETIMEDOUT, 0,
	  924600, 15, 1, A(ABORTED), C(RETRIES), ETIMEDOUT, NULL },
	{ "rst from the peer", TCPTIMER_EVENT_RESET, TCPTIMER_W_RST_IN, T(NONE), 1, 0, ECONNRESET,
	  0, 0, 0, 1, A(NONE), C(PEER_RESET), ECONNRESET, "reset by the peer (ECONNRESET)" },
	{ "rst from the peer, error only", TCPTIMER_EVENT_ABORT, 0, T(NONE), 1, 0, ECONNRESET, 0, 0,
	  0, 1, A(ABORTED), C(PEER_RESET), ECONNRESET, NULL },
	{ "rst in close_wait", TCPTIMER_EVENT_ABORT, 0, T(NONE), 8, 0, EPIPE, 0, 0, 0, 1,
	  A(ABORTED), C(PEER_RESET), EPIPE, NULL },
	{ "rst for the application", TCPTIMER_EVENT_RESET, TCPTIMER_W_RST_OUT, T(NONE), 1, 0, 0, 0,
	  0, 0, 1, A(NONE), C(LOCAL_RESET), 0, "reset by this host" },
	{ "ss -K", TCPTIMER_EVENT_ABORT, 0, T(NONE), 1, 0, ECONNABORTED, 0, 0, 0, 1, A(ABORTED),
	  C(LOCAL_RESET), ECONNABORTED, NULL },
	{ "closed", TCPTIMER_EVENT_CLOSED, 0, T(NONE), 1, 0, 0, 0, 0, 0, 1, A(NONE), C(CLOSED), 0,
	  "closed" },
};

static struct tcptimer_event cause_event(const struct cause_row *row)
{
	struct tcptimer_event event = blank();

	event.kind = (uint8_t)row->kind;
	event.what = row->seen | TCPTIMER_W_CLOSED;
	event.timer = (uint8_t)row->timer;
	event.before.pending = P(RETRANS);
	/* where no handler ran, only the state that was left is known */
	if (row->seen & TCPTIMER_W_TIMER)
		event.before.state = (uint8_t)row->state;
	else
		event.before.state = 0;
	event.old_state = event.after.state = (uint8_t)row->state;
	event.before.snd_wnd = row->seen & TCPTIMER_W_TIMER ? row->snd_wnd : 0;
	event.after.snd_wnd = row->snd_wnd;
	event.after.flags = row->flags;
	event.err = event.after.err = row->err;
	event.after.user_timeout_ms = row->user_timeout;
	event.after.retrans_stamp = (uint32_t)(NOW_NS / 1000000) - row->since_ms;
	event.after.probes_tstamp = NOW_JIFFIES - row->since_ms / 1000 * TEST_HZ -
				    row->since_ms % 1000 * TEST_HZ / 1000;
	event.after.retransmits = event.after.probes_out = (uint8_t)row->count;
	event.after.num_timeout = (uint8_t)row->count;
	if (row->seen & TCPTIMER_W_TIMER) {
		event.before.retransmits = event.before.probes_out = (uint8_t)row->count;
		event.before.probes_tstamp = event.after.probes_tstamp;
	}
	return event;
}

static void test_causes(void **state)
{
	for (size_t i = 0; i < COUNT(causes); i++) {
		const struct cause_row *row = &causes[i];
		struct tcptimer_event event = cause_event(row);
		struct event_verdict want = { .action = row->action,
					      .cause = row->cause,
					      .err = row->app_err };

		check_verdict(row->what, &event, &want, row->says);
	}
	(void)state;
}

/* Timestamps in microseconds wrap after 71 minutes; a user_timeout is still found. */
/* The limit that ran out was policy's: so it says, and which key of the rule. */
static void test_policy(void **state)
{
	static const struct {
		unsigned int timer;
		uint32_t policy, user_timeout_ms;
		int err;
		enum tcptimer_cause cause, limit;
		const char *key, *text;
	} rows[] = {
		{ TCPTIMER_TIMER_RETRANS, 1 | TCPTIMER_POLICY_USER_TIMEOUT, 3000, ETIMEDOUT,
		  TCPTIMER_CAUSE_POLICY, TCPTIMER_CAUSE_USER_TIMEOUT, "user_timeout",
		  "ended by policy: TCP_USER_TIMEOUT of 3s (ETIMEDOUT)" },
		{ TCPTIMER_TIMER_RETRANS, 1 | TCPTIMER_POLICY_LAST_RETRY, 3000, ETIMEDOUT,
		  TCPTIMER_CAUSE_POLICY, TCPTIMER_CAUSE_USER_TIMEOUT, "max_retries",
		  "ended by policy: retransmissions unanswered 4 times (ETIMEDOUT)" },
		/* An ICMP error gave the errno; the limit is policy's all the same. */
		{ TCPTIMER_TIMER_RETRANS, 1 | TCPTIMER_POLICY_USER_TIMEOUT, 3000, EHOSTUNREACH,
		  TCPTIMER_CAUSE_POLICY, TCPTIMER_CAUSE_USER_TIMEOUT, "user_timeout",
		  "ended by policy: TCP_USER_TIMEOUT of 3s (EHOSTUNREACH)" },
		/* A rule holds for it, but the limit is the application's, or the host's. */
		{ TCPTIMER_TIMER_RETRANS, 1 | TCPTIMER_POLICY_KEEPALIVE, 3000, ETIMEDOUT,
		  TCPTIMER_CAUSE_USER_TIMEOUT, TCPTIMER_CAUSE_USER_TIMEOUT, NULL, NULL },
		{ TCPTIMER_TIMER_RETRANS, 1 | TCPTIMER_POLICY_USER_TIMEOUT, 0, ETIMEDOUT,
		  TCPTIMER_CAUSE_RETRIES, TCPTIMER_CAUSE_RETRIES, NULL, NULL },
		{ TCPTIMER_TIMER_KEEPALIVE, 1 | TCPTIMER_POLICY_KEEPALIVE, 0, ETIMEDOUT,
		  TCPTIMER_CAUSE_POLICY, TCPTIMER_CAUSE_KEEPALIVE, "keepalive",
		  "ended by policy: keepalive probes unanswered 3 times (ETIMEDOUT)" },
		{ TCPTIMER_TIMER_SYN, 1 | TCPTIMER_POLICY_SYN_RETRIES, 0, ETIMEDOUT,
		  TCPTIMER_CAUSE_POLICY, TCPTIMER_CAUSE_SYN_RETRIES, "syn_retries",
		  "ended by policy: SYN unanswered 5 times (ETIMEDOUT)" },
		{ TCPTIMER_TIMER_SYN, 1, 0, ETIMEDOUT, TCPTIMER_CAUSE_SYN_RETRIES,
		  TCPTIMER_CAUSE_SYN_RETRIES, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tcptimer_event event = blank();
		struct event_verdict verdict;
		char text[160];

		event.kind = TCPTIMER_EVENT_ABORT;
		event.timer = (uint8_t)rows[i].timer;
		event.what |= TCPTIMER_W_CLOSED;
		event.before.pending = TCPTIMER_PENDING_RETRANS;
		if (rows[i].timer == TCPTIMER_TIMER_SYN)
			event.before.state = TCPTIMER_STATE_SYN_SENT;
		event.after.retransmits = 4;
		event.after.probes_out = 3;
		event.after.retrans_stamp = (uint32_t)(NOW_NS / 1000000) - 3000;
		event.after.user_timeout_ms = rows[i].user_timeout_ms;
		event.after.policy = rows[i].policy;
		event.err = event.after.err = rows[i].err;
		event_judge(&event, TEST_HZ, &verdict);
		assert_int_equal(verdict.cause, rows[i].cause);
		assert_int_equal(verdict.limit, rows[i].limit);
		if (rows[i].key)
			assert_string_equal(event_policy_limit(&event, &verdict), rows[i].key);
		else
			assert_null(event_policy_limit(&event, &verdict));
		if (rows[i].text)
			assert_string_equal(event_describe(&event, &verdict, text, sizeof(text)),
					    rows[i].text);
	}
}

static void test_microseconds(void **state)
{
	struct cause_row row = causes[1];
	struct tcptimer_event event = cause_event(&row);
	struct event_verdict want = { .action = A(ABORTED),
				      .cause = C(USER_TIMEOUT),
				      .err = ETIMEDOUT };

	event.after.flags |= TCPTIMER_F_USEC_TS;
	event.after.now_ns = (UINT64_C(0x100000000) + 3000000) * 1000;
	event.after.retrans_stamp = UINT32_MAX - 2000000;
	check_verdict("5 s of us", &event, &want, NULL);
	event.after.retrans_stamp = 0;
	want.cause = C(RETRIES);
	check_verdict("no stamp", &event, &want, NULL);
	(void)state;
}

/* tcp_retries2 = 0: the first firing of the probe timer only stamps its time, and ends by the count. */
static void test_first_probe(void **state)
{
	const struct cause_row row = { .kind = TCPTIMER_EVENT_ABORT,
				       .seen = TCPTIMER_W_TIMER,
				       .timer = T(PROBE0),
				       .state = 1,
				       .err = ETIMEDOUT,
				       .user_timeout = 1 };
	struct tcptimer_event event = cause_event(&row);
	struct event_verdict want = { .action = A(ABORTED), .cause = C(PROBE0), .err = ETIMEDOUT };

	event.before.probes_tstamp = 0;
	check_verdict("stamped just now", &event, &want, NULL);
	event.before.probes_tstamp = event.after.probes_tstamp;
	check_verdict("stamped in this jiffy", &event, &want, NULL);
	event.after.now_jiffies++;
	want.cause = C(USER_TIMEOUT);
	check_verdict("a jiffy ago", &event, &want, NULL);
	(void)state;
}

/* The error in the record is the application's; else the socket's own, unless nobody holds it. */
static void test_errors(void **state)
{
	struct tcptimer_event event = cause_event(&causes[0]);
	struct event_verdict want = { .action = A(ABORTED), .cause = C(RETRIES), .err = ETIMEDOUT };

	event.after.err = 0;
	check_verdict("in the record only", &event, &want, NULL);
	event.after.err = ETIMEDOUT;
	event.err = 0;
	check_verdict("from the socket", &event, &want, NULL);
	event.err = -5;
	check_verdict("negative in the record", &event, &want, NULL);
	event.after.err = -5;
	want.err = 0;
	check_verdict("negative in both", &event, &want, NULL);
	(void)state;
}

/*
 * Sentences
 */

static void test_recovered(void **state)
{
	struct tcptimer_event event = blank();
	struct event_verdict want = { .action = A(NONE) };

	event.kind = TCPTIMER_EVENT_RECOVERED;
	event.what |= RTX | TCPTIMER_W_STALLED | TCPTIMER_W_CLOSED;
	event.stall_since_ns = 1000000000;
	event.stall_end_ns = 4250000000;
	check_verdict("recovered", &event, &want, "peer answered after 3.25s");
	event.stall_end_ns = 0;
	event.time_ns = 3000000000;
	check_verdict("end not known", &event, &want, "peer answered after 2s");
	event.time_ns = event.stall_since_ns;
	check_verdict("at once", &event, &want, "peer answered after 0ms");
	event.time_ns = 1;
	check_verdict("clocks apart", &event, &want, "peer answered");
	event.stall_since_ns = 0;
	check_verdict("begin not known", &event, &want, "peer answered");
	(void)state;
}

static void test_stall_sentences(void **state)
{
	static const struct {
		enum tcptimer_timer timer;
		const char *says;
	} rows[] = {
		{ T(SYN), "SYN unanswered" },
		{ T(SYNACK), "SYN-ACK unanswered" },
		{ T(PROBE0), "data waits: window closed" },
		{ T(KEEPALIVE), "idle, and a keepalive probe unanswered" },
		{ T(RETRANS), "data unanswered: 7 segments" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tcptimer_event event = blank();
		struct event_verdict want = { .action = A(NONE) };

		event.kind = TCPTIMER_EVENT_STALL;
		event.stall_timer = (uint8_t)rows[i].timer;
		event.after.packets_out = 7;
		check_verdict("stall", &event, &want, rows[i].says);
	}
	(void)state;
}

/* Every verdict has a sentence, of printable ASCII, in every size of buffer. */
static void test_all_sentences(void **state)
{
	char whole[200];

	for (unsigned int action = 0; action <= TCPTIMER_ACTION_COUNT; action++) {
		for (unsigned int cause = 0; cause <= TCPTIMER_CAUSE_COUNT; cause++) {
			struct tcptimer_event event = blank();
			struct event_verdict verdict = { .action = action,
							 .cause = cause,
							 .n = 7,
							 .err = 9999,
							 .next_ms = 1700 };

			event.after.user_timeout_ms = UINT32_MAX;
			event_describe(&event, &verdict, whole, sizeof(whole));
			assert_true(cause == TCPTIMER_CAUSE_COUNT || strlen(whole) > 5);
			assert_true(strlen(whole) < sizeof(whole) - 1);
			for (const char *c = whole; *c; c++)
				assert_true(*c >= 0x20 && *c < 0x7f);
		}
	}
	for (size_t size = 0; size < 40; size++) {
		struct tcptimer_event event = action_event(&actions[0]);
		char *buf = malloc(size + 1);
		struct event_verdict verdict;

		assert_non_null(buf);
		buf[size] = '#';
		event_judge(&event, TEST_HZ, &verdict);
		assert_ptr_equal(event_describe(&event, &verdict, buf, size), buf);
		assert_int_equal(buf[size], '#');
		if (size) {
			assert_int_equal(strlen(buf), size - 1 < 36 ? size - 1 : 36);
			assert_memory_equal(buf, actions[0].says, strlen(buf));
		}
		free(buf);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_lengths),
		cmocka_unit_test(test_decode_values),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_shrunk_window),
		cmocka_unit_test(test_loss_probe_new_data),
		cmocka_unit_test(test_probe0_opens),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_delack),
		cmocka_unit_test(test_synack),
		cmocka_unit_test(test_requests_end),
		cmocka_unit_test(test_time_wait),
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_microseconds),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_first_probe),
		cmocka_unit_test(test_recovered),
		cmocka_unit_test(test_stall_sentences),
		cmocka_unit_test(test_all_sentences),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}

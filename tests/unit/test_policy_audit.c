// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Audit: sequences of events, the moment at which a rule would have ended the connection, and room.
 * Receives nothing; hands cmocka verdicts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine_random.h"
#include "policy/policy_audit.h"
#include "policy/policy_audit_table.h"
#include "policy/policy_yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HZ 250
#define TICK_NS (1000000000ull / HZ)
#define STALL_EVENTS 12

/* A connection that sends one segment into the void, retransmission by retransmission. */
struct stall {
	struct policy_kernel kernel;
	struct tcptimer_snapshot sent; /* as the segment left */
	struct tcptimer_engine_event at[STALL_EVENTS];
	struct tcptimer_timeline timeline;
};

static void stall_start(struct stall *stall)
{
	struct tcptimer_engine_params params = { .hz = HZ, .peer = TCPTIMER_PEER_SILENT };

	stall->kernel = (struct policy_kernel){ tcptimer_profile_by_name("6.12"), HZ };
	tcptimer_snapshot_init_defaults(stall->kernel.profile, HZ, TCPTIMER_STATE_ESTABLISHED,
					&stall->sent);
	stall->sent.sysctls.early_retrans = 0; /* no loss probe before */
	tcptimer_snapshot_arm_data(stall->kernel.profile, HZ, &stall->sent);
	stall->sent.family = 2;
	stall->sent.sk = 0xffff888000001000;
	stall->sent.cookie = 7;
	tcptimer_engine_timeline(stall->kernel.profile, &params, &stall->sent, stall->at,
				 STALL_EVENTS, &stall->timeline);
	assert_int_equal(stall->timeline.count, STALL_EVENTS);
	assert_int_equal(stall->at[0].action, TCPTIMER_ACTION_RETRANSMITTED);
}

static uint64_t stall_ns(const struct stall *stall, unsigned int n)
{
	return stall->sent.now_ns + stall->at[n - 1].at_min_jiffies * TICK_NS;
}

/* The n-th retransmission has just left. */
static void stall_event(const struct stall *stall, unsigned int n, struct tcptimer_event *event)
{
	struct tcptimer_snapshot *s = &event->after;

	memset(event, 0, sizeof(*event));
	event->kind = n > 1 ? TCPTIMER_EVENT_EXPIRED : TCPTIMER_EVENT_STALL;
	event->timer = event->stall_timer = TCPTIMER_TIMER_RETRANS;
	event->what = TCPTIMER_W_TIMER | TCPTIMER_W_STALLED | TCPTIMER_W_RETRANSMIT;
	event->time_ns = stall_ns(stall, n) + 20000;
	*s = stall->sent;
	s->now_jiffies += stall->at[n - 1].at_min_jiffies;
	s->now_ns = event->time_ns;
	s->pending = TCPTIMER_PENDING_RETRANS;
	s->retransmits = s->backoff = (uint8_t)n;
	s->total_rto = (uint16_t)n;
	s->ca_state = 4;
	s->rto_jiffies = stall->at[n - 1].rto_ms * HZ / 1000;
	s->write_expires = s->write_timeout = s->now_jiffies + s->rto_jiffies;
	s->flags &= ~TCPTIMER_F_WRITE_PENDING;
	s->retrans_stamp = (uint32_t)(stall_ns(stall, 1) / 1000000);
}

static void end_event(const struct stall *stall, enum tcptimer_event_kind kind, uint64_t time_ns,
		      struct tcptimer_event *event)
{
	memset(event, 0, sizeof(*event));
	event->kind = (uint8_t)kind;
	event->time_ns = time_ns;
	event->after = stall->sent;
	event->after.packets_out = 0;
}

struct setup {
	struct stall stall;
	struct policy policy;
	struct policy_audit *audit;
};

static void setup_new(struct setup *setup, const char *mode, const char *set, bool all,
		      uint32_t max)
{
	struct policy_report report = {};
	char text[512];
	int length = snprintf(
		text, sizeof(text),
		"version: 1\nrules:\n"
		"  - {name: other, match: {remote_port: [9]}, mode: audit, set: {max_retries: 1}}\n"
		"  - {name: r, mode: %s, set: {%s}}\n",
		mode, set);

	stall_start(&setup->stall);
	setup->policy = (struct policy){};
	assert_int_equal(policy_read(&setup->policy, "test", text, (size_t)length, &report), 0);
	policy_report_free(&report);
	setup->audit = policy_audit_new(&(struct policy_audit_options){
		.policy = &setup->policy, .kernel = setup->stall.kernel, .all = all, .max = max });
	assert_non_null(setup->audit);
}

static void setup_free(struct setup *setup)
{
	policy_audit_free(setup->audit);
	policy_free(&setup->policy);
}

static void give(struct setup *setup, const struct tcptimer_event *event)
{
	assert_int_equal(policy_audit_event(setup->audit, event, "/a", POLICY_CONNECT), 0);
}

static void give_retransmission(struct setup *setup, unsigned int n)
{
	struct tcptimer_event event;

	stall_event(&setup->stall, n, &event);
	give(setup, &event);
}

static void give_end(struct setup *setup, enum tcptimer_event_kind kind, uint64_t time_ns)
{
	struct tcptimer_event event;

	end_event(&setup->stall, kind, time_ns, &event);
	give(setup, &event);
}

struct told {
	unsigned int count;
	struct policy_audit_end last;
	struct tcptimer_snapshot snap;
};

static void tell(const struct policy_audit_end *end, void *arg)
{
	struct told *told = arg;

	assert_true(end->at_ns >= told->last.at_ns);
	told->count++;
	told->last = *end;
	told->snap = *end->snap;
}

static uint64_t watched(const struct setup *setup)
{
	struct policy_audit_counters counters;

	policy_audit_counters(setup->audit, &counters);
	return counters.watched;
}

/* ---- sequences */

static void max_retries_is_told_as_the_next_fires(void **state)
{
	struct told told = {};
	struct setup setup;
	uint64_t moment;

	setup_new(&setup, "audit", "max_retries: 3", false, 0);
	assert_true(policy_audit_next_ns(setup.audit) == POLICY_AUDIT_NEVER);
	for (unsigned int n = 1; n <= 3; n++) {
		give_retransmission(&setup, n);
		moment = policy_audit_next_ns(setup.audit);
		/* the firing of the fourth, foretold the same by each */
		if (moment > stall_ns(&setup.stall, 4) + 20000 ||
		    moment + TICK_NS < stall_ns(&setup.stall, 4))
			fail_msg("after %u: %llu, not %llu", n, (unsigned long long)moment,
				 (unsigned long long)stall_ns(&setup.stall, 4));
		assert_int_equal(policy_audit_due(setup.audit, moment - 1, tell, &told), 0);
	}
	give_retransmission(&setup, 4);
	assert_int_equal(
		policy_audit_due(setup.audit, stall_ns(&setup.stall, 4) + 30000, tell, &told), 1);
	assert_int_equal(told.last.rule, 1);
	assert_string_equal(told.last.rule_name, "r");
	assert_int_equal(told.last.deadline.cause, TCPTIMER_CAUSE_POLICY);
	assert_int_equal(told.last.deadline.n, 3);
	assert_true(told.last.alive);
	assert_true(told.last.at_ns == moment);
	assert_int_equal(told.snap.retransmits, 4);
	/* once a stall */
	assert_true(policy_audit_next_ns(setup.audit) == POLICY_AUDIT_NEVER);
	give_retransmission(&setup, 5);
	give_retransmission(&setup, 6);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 0);
	assert_int_equal(watched(&setup), 1);
	assert_int_equal(policy_audit_rule_ended(setup.audit, 1), 1);
	assert_int_equal(policy_audit_rule_ended(setup.audit, 0), 0);
	give_end(&setup, TCPTIMER_EVENT_RECOVERED, stall_ns(&setup.stall, 6) + 1000000);
	assert_int_equal(watched(&setup), 0);
	/* and again in the next stall */
	give_retransmission(&setup, 1);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 1);
	assert_int_equal(policy_audit_rule_ended(setup.audit, 1), 2);
	setup_free(&setup);
}

/* No event comes at that moment: the real retransmission is later than the cut one would be. */
static void user_timeout_is_told_without_an_event(void **state)
{
	struct told told = {};
	struct setup setup;
	uint64_t moment;

	setup_new(&setup, "audit", "user_timeout: 2s", false, 0);
	give_retransmission(&setup, 1);
	moment = policy_audit_next_ns(setup.audit);
	assert_in_range((moment - stall_ns(&setup.stall, 1)) / 1000000, 1996, 2100);
	give_retransmission(&setup, 2);
	assert_true(policy_audit_next_ns(setup.audit) - moment + 2 * TICK_NS <= 4 * TICK_NS);
	assert_int_equal(policy_audit_due(setup.audit, moment + 2 * TICK_NS, tell, &told), 1);
	assert_int_equal(told.last.deadline.cause, TCPTIMER_CAUSE_USER_TIMEOUT);
	assert_true(told.last.alive);
	setup_free(&setup);
}

/* The tick begins a little before the moment as computed: the firing in it is past the moment. */
static void the_jiffy_counts_too(void **state)
{
	struct tcptimer_event event;
	struct told told = {};
	struct setup setup;
	uint64_t moment;

	setup_new(&setup, "audit", "user_timeout: 2s", false, 0);
	give_retransmission(&setup, 1);
	moment = policy_audit_next_ns(setup.audit);
	stall_event(&setup.stall, 4, &event);
	event.after.now_jiffies =
		setup.stall.sent.now_jiffies + (moment - setup.stall.sent.now_ns) / TICK_NS;
	event.time_ns = event.after.now_ns = moment - 1000;
	give(&setup, &event);
	assert_true(policy_audit_next_ns(setup.audit) == moment - 1000);
	assert_int_equal(policy_audit_due(setup.audit, moment, tell, &told), 1);
	setup_free(&setup);
}

static void recovered_in_time_is_not_told(void **state)
{
	struct tcptimer_event event;
	struct told told = {};
	struct setup setup;

	setup_new(&setup, "audit", "max_retries: 3", false, 0);
	give_retransmission(&setup, 1);
	give_retransmission(&setup, 2);
	give_end(&setup, TCPTIMER_EVENT_RECOVERED, stall_ns(&setup.stall, 2) + 1000000);
	assert_int_equal(watched(&setup), 0);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 0);
	/* seen late, but the answer came in time */
	give_retransmission(&setup, 1);
	end_event(&setup.stall, TCPTIMER_EVENT_RECOVERED, stall_ns(&setup.stall, 5), &event);
	event.stall_end_ns = stall_ns(&setup.stall, 4) - 50000000;
	give(&setup, &event);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 0);
	assert_int_equal(watched(&setup), 0);
	/* the kernel, or the peer, was first */
	give_retransmission(&setup, 1);
	give_end(&setup, TCPTIMER_EVENT_RESET, stall_ns(&setup.stall, 2));
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 0);
	setup_free(&setup);
}

/* The daemon was late: what outlived its moment and is over by now is told as that. */
static void over_after_its_moment_is_told(void **state)
{
	static const enum tcptimer_event_kind kinds[] = { TCPTIMER_EVENT_RECOVERED,
							  TCPTIMER_EVENT_ABORT,
							  TCPTIMER_EVENT_CLOSED };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct told told = {};
		struct setup setup;

		setup_new(&setup, "audit", "max_retries: 3", false, 0);
		give_retransmission(&setup, 2);
		give_end(&setup, kinds[i], stall_ns(&setup.stall, 5));
		/* its address is used again before that is handed on */
		give_retransmission(&setup, 1);
		assert_int_equal(
			policy_audit_due(setup.audit, stall_ns(&setup.stall, 5), tell, &told), 1);
		assert_false(told.last.alive);
		assert_int_equal(watched(&setup), 0);
		setup_free(&setup);
	}
}

static void only_what_a_rule_ends_is_watched(void **state)
{
	static const struct {
		const char *mode, *set;
		bool all;
		bool watched;
	} rows[] = {
		{ "audit", "max_retries: 3", false, true },
		{ "audit", "max_retries: 3", true, true },
		{ "enforce", "max_retries: 3", false, false },
		{ "enforce", "max_retries: 3", true, true }, /* daemon --audit */
		{ "default", "user_timeout: 20s", true, true },
		{ "audit", "user_timeout: 2h", false, false }, /* tcp_retries2 is sooner */
		{ "audit", "delack_max: 40ms", false, false },
		{ "audit", "keepalive: {enable: true, idle: 1s}", false, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct setup setup;

		setup_new(&setup, rows[i].mode, rows[i].set, rows[i].all, 0);
		give_retransmission(&setup, 1);
		if (watched(&setup) != rows[i].watched)
			fail_msg("row %zu", i);
		setup_free(&setup);
	}
}

static void events_without_a_stall_are_passed_over(void **state)
{
	struct tcptimer_event event;
	struct setup setup;

	setup_new(&setup, "audit", "max_retries: 3", false, 0);
	stall_event(&setup.stall, 1, &event);
	event.stall_timer = TCPTIMER_TIMER_NONE;
	give(&setup, &event);
	stall_event(&setup.stall, 1, &event);
	event.what |= TCPTIMER_W_GONE;
	give(&setup, &event);
	stall_event(&setup.stall, 1, &event);
	event.after.sk = 0;
	give(&setup, &event);
	assert_int_equal(watched(&setup), 0);
	setup_free(&setup);
}

/* An option that the application sets meanwhile is in the next event, and so is what follows. */
static void what_changes_is_foretold_anew(void **state)
{
	struct tcptimer_event event;
	struct told told = {};
	struct setup setup;

	setup_new(&setup, "audit", "user_timeout: 20s", false, 0);
	give_retransmission(&setup, 1);
	stall_event(&setup.stall, 2, &event);
	event.after.user_timeout_ms = 5000; /* sooner than the rule's */
	give(&setup, &event);
	assert_int_equal(watched(&setup), 0);
	/* another connection at the same address */
	give_retransmission(&setup, 8);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 1);
	told.last.at_ns = 0;
	stall_event(&setup.stall, 1, &event);
	event.after.cookie = 8;
	give(&setup, &event);
	assert_int_equal(watched(&setup), 1);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 1);
	assert_int_equal(told.snap.cookie, 8);
	setup_free(&setup);
}

/* ---- room */

static void the_oldest_goes_first(void **state)
{
	struct policy_audit_counters counters;
	struct tcptimer_event event;
	struct told told = {};
	struct setup setup;

	setup_new(&setup, "audit", "max_retries: 3", false, 4);
	for (unsigned int i = 1; i <= 6; i++) {
		stall_event(&setup.stall, 1, &event);
		event.after.sk += 0x1000 * i;
		event.after.cookie = i;
		event.after.now_ns += i;
		give(&setup, &event);
	}
	policy_audit_counters(setup.audit, &counters);
	assert_int_equal(counters.watched, 4);
	assert_int_equal(counters.dropped, 2);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 4);
	/* what is left are 3 to 6: 1 and 2 are unknown, and take a place anew */
	stall_event(&setup.stall, 2, &event);
	event.after.sk += 0x1000 * 6;
	event.after.cookie = 6;
	give(&setup, &event);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 0);
	event.after.sk = setup.stall.sent.sk + 0x1000;
	event.after.cookie = 1;
	give(&setup, &event);
	assert_int_equal(policy_audit_due(setup.audit, UINT64_MAX - 1, tell, &told), 1);
	policy_audit_counters(setup.audit, &counters);
	assert_int_equal(counters.dropped, 3);
	assert_int_equal(counters.would_have_ended, 5);
	setup_free(&setup);
}

#define MODEL_SOCKETS 300u
#define MODEL_ROOM 200u
#define MODEL_STEPS 200000

/* One entry a socket, and walks over all of them, in place of chains, list and heap. */
struct model {
	bool there[MODEL_SOCKETS];
	uint64_t moment[MODEL_SOCKETS]; /* 0: none */
	uint64_t added[MODEL_SOCKETS];  /* in which step */
	uint32_t count;
};

static uint64_t model_first(const struct model *m)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < MODEL_SOCKETS; i++)
		if (m->there[i] && m->moment[i] && m->moment[i] < first)
			first = m->moment[i];
	return first;
}

static void model_drop_oldest(struct model *m)
{
	size_t oldest = MODEL_SOCKETS;

	for (size_t i = 0; i < MODEL_SOCKETS; i++)
		if (m->there[i] && (oldest == MODEL_SOCKETS || m->added[i] < m->added[oldest]))
			oldest = i;
	m->there[oldest] = false;
	m->count--;
}

static uint64_t model_sk(size_t i)
{
	return 0xffff888000000000 + 0x440 * i;
}

static void model_add(struct model *m, struct audit_table *table, size_t i, unsigned int step)
{
	struct audit_watch *w;
	bool dropped;

	if (m->count == MODEL_ROOM) {
		model_drop_oldest(m);
		w = audit_table_add(table, model_sk(i), &dropped);
		assert_true(dropped);
	} else {
		w = audit_table_add(table, model_sk(i), &dropped);
		assert_false(dropped);
	}
	assert_non_null(w);
	m->there[i] = true;
	m->moment[i] = 0;
	m->added[i] = step;
	m->count++;
}

static void model_step(struct model *m, struct audit_table *table, struct engine_random *r,
		       unsigned int step)
{
	size_t i = random_below(r, MODEL_SOCKETS);
	struct audit_watch *w = audit_table_find(table, model_sk(i));

	assert_int_equal(w != NULL, m->there[i]);
	switch (random_below(r, 8)) {
	case 0:
		if (!w)
			break;
		audit_table_remove(table, w);
		m->there[i] = false;
		m->count--;
		break;
	case 1:
		if (w)
			audit_table_unset(table, w);
		m->moment[i] = 0;
		break;
	case 2:
	case 3:
	case 4:
		if (!w)
			break;
		m->moment[i] = 1 + random_below(r, 1000000);
		audit_table_set(table, w, m->moment[i]);
		break;
	default:
		if (!w)
			model_add(m, table, i, step);
	}
	assert_int_equal(table->count, m->count);
	w = audit_table_first(table);
	assert_true((w ? w->end_ns : UINT64_MAX) == model_first(m));
}

static void the_table_is_one_of_entries(void **state)
{
	struct engine_random r = { 5 };
	struct audit_table table;
	static struct model m;

	assert_int_equal(audit_table_init(&table, MODEL_ROOM), 0);
	for (unsigned int step = 0; step < MODEL_STEPS; step++)
		model_step(&m, &table, &r, step);
	assert_true(m.count > MODEL_ROOM / 2);
	audit_table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(max_retries_is_told_as_the_next_fires),
		cmocka_unit_test(user_timeout_is_told_without_an_event),
		cmocka_unit_test(the_jiffy_counts_too),
		cmocka_unit_test(recovered_in_time_is_not_told),
		cmocka_unit_test(over_after_its_moment_is_told),
		cmocka_unit_test(only_what_a_rule_ends_is_watched),
		cmocka_unit_test(events_without_a_stall_are_passed_over),
		cmocka_unit_test(what_changes_is_foretold_anew),
		cmocka_unit_test(the_oldest_goes_first),
		cmocka_unit_test(the_table_is_one_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

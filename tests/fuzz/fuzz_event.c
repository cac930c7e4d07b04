// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the reading of ring buffer records: whatever bytes come, decoded, judged and described.
 * Receives bytes: a choice of HZ, then a record. Promises checked: verdicts within their ranges,
 * timers in the order of time, a sentence in printable ASCII.
 */
#include "conn.h"
#include "event.h"
#include "standalone.h"

/* HZ, version, kind, timer, stall's timer, state left, padding, what; the rest is zero. */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\0\1\3\2\2\1\0\1\20"),    /* retrans: sent one */
	FUZZ_SEED("\1\1\4\2\2\1\0\4\20"),    /* retrans: gave up */
	FUZZ_SEED("\2\1\3\1\1\2\0\1\20"),    /* syn */
	FUZZ_SEED("\3\1\4\6\6\1\0\24\20"),   /* keepalive, with an RST */
	FUZZ_SEED("\0\1\3\5\5\1\0\0\20"),    /* probe0 */
	FUZZ_SEED("\1\1\6\12\0\6\0\4\20"),   /* timewait */
	FUZZ_SEED("\2\1\4\11\11\14\0\4\20"), /* synack */
	FUZZ_SEED("\2\1\2\2\2\2\0\0\10"),    /* recovered */
};

static void check_timers(const struct tcptimer_snapshot *snap, unsigned int hz)
{
	struct armed_timer timers[ARMED_MAX];
	unsigned int count = conn_timers(snap, hz, timers);

	FUZZ_CHECK(count <= ARMED_MAX);
	for (unsigned int i = 0; i < count; i++) {
		FUZZ_CHECK(timers[i].timer > TCPTIMER_TIMER_NONE &&
			   timers[i].timer < TCPTIMER_TIMER_COUNT);
		FUZZ_CHECK(!i || timers[i - 1].expires_ms <= timers[i].expires_ms);
	}
	FUZZ_CHECK(conn_stall_ms(snap, hz) >= 0);
	FUZZ_CHECK(!conn_stall_ms(snap, hz) || tcptimer_stall_timer(snap));
}

static void check_verdict(const struct tcptimer_event *event, unsigned int hz)
{
	struct event_verdict verdict;
	char text[256], small[20];

	event_judge(event, hz, &verdict);
	FUZZ_CHECK((unsigned int)verdict.action < TCPTIMER_ACTION_COUNT);
	FUZZ_CHECK((unsigned int)verdict.cause < TCPTIMER_CAUSE_COUNT);
	FUZZ_CHECK(verdict.n <= 256);
	FUZZ_CHECK(verdict.err >= 0);
	FUZZ_CHECK(verdict.next_ms >= -1);
	event_describe(event, &verdict, text, sizeof(text));
	FUZZ_CHECK(strlen(text) > 4 && strlen(text) < sizeof(text) - 1);
	for (const char *c = text; *c; c++)
		FUZZ_CHECK(*c >= 0x20 && *c < 0x7f);
	event_describe(event, &verdict, small, sizeof(small));
	FUZZ_CHECK(!strncmp(text, small, sizeof(small) - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int hertz[] = { 100, 250, 300, 1000 };
	struct tcptimer_event event, filled;
	unsigned int hz;

	if (!size)
		return 0;
	hz = hertz[data[0] % 4];
	data++;
	size--;
	/* as it is ... */
	if (!event_decode(data, size, &event)) {
		FUZZ_CHECK(size == sizeof(event));
		check_verdict(&event, hz);
	}
	/* ... and made to pass the first checks, so that what is behind them is reached, too */
	memset(&filled, 0, sizeof(filled));
	memcpy((char *)&filled + 2, data, size < sizeof(filled) - 2 ? size : sizeof(filled) - 2);
	filled.size = sizeof(filled);
	filled.version = TCPTIMER_EVENT_VERSION;
	if (event_decode(&filled, sizeof(filled), &event))
		return 0;
	FUZZ_CHECK(event.kind < TCPTIMER_EVENT_COUNT && event.timer < TCPTIMER_TIMER_COUNT);
	check_verdict(&event, hz);
	check_timers(&event.after, hz);
	return 0;
}

FUZZ_MAIN(seeds)

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives bytes from libFuzzer (or, with FUZZ_STANDALONE, from a generator of its own).
 * Hands them to every question of the timer engine as a snapshot and its parameters.
 *
 * Standalone: fuzz_engine [N [SEED]] runs over N pseudo-random inputs.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcptimer/engine.h"

#define FUZZ_EVENTS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_input {
	struct tcptimer_engine_params params;
	struct tcptimer_tw_segment segment;
	uint8_t profile;
	uint8_t hz;
	uint8_t patch_count;
	uint8_t state;
};

static void fuzz_require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static void fuzz_timeline(const struct tcptimer_profile *profile,
			  const struct tcptimer_engine_params *params,
			  const struct tcptimer_snapshot *s)
{
	struct tcptimer_engine_event events[FUZZ_EVENTS];
	struct tcptimer_timeline line;
	struct tcptimer_deadline dl;
	uint64_t last = 0;
	size_t i;
	int err;

	err = tcptimer_engine_timeline(profile, params, s, events, FUZZ_EVENTS, &line);
	fuzz_require(err <= 0 && err >= TCPTIMER_ENGINE_ENOPROFILE, "a named error");
	fuzz_require(err == tcptimer_engine_deadline(profile, params, s, &dl), "the same answer");
	fuzz_require(!memcmp(&dl, &line.deadline, sizeof(dl)), "the same deadline");
	fuzz_require(line.count <= FUZZ_EVENTS, "within the buffer");
	for (i = 0; i < line.count; i++) {
		fuzz_require(events[i].at_min_jiffies <= events[i].at_max_jiffies, "min <= max");
		fuzz_require(events[i].at_max_jiffies >= last, "in order");
		last = events[i].at_max_jiffies;
	}
}

static void fuzz_rules(const struct tcptimer_profile *profile, uint32_t hz,
		       const struct tcptimer_snapshot *s, const struct fuzz_input *in)
{
	struct tcptimer_tw_result tw;
	struct tcptimer_oow_result oow;
	struct tcptimer_delack delack;
	enum tcptimer_limit limit;
	__u64 expires;
	__u32 ato;
	__u8 pingpong;

	tcptimer_timewait_segment(profile, hz, s, &in->segment, in->state & 1, &tw);
	tcptimer_oow_check(profile, s, in->state % TCPTIMER_OOW_COUNT, in->hz & 1, in->hz & 2,
			   &oow);
	tcptimer_delack_schedule(profile, hz, s, &delack);
	tcptimer_delack_missed(profile, hz, s, &ato, &pingpong);
	tcptimer_fin_time(s, &limit);
	tcptimer_keepalive_set(s, in->state & 1, &expires);
	tcptimer_keepalive_set_idle(s, in->params.rtt_us, &expires);
	tcptimer_loss_probe_delay(profile, hz, s, in->params.timeout_init_jiffies);
	tcptimer_reo_delay(profile, hz, s, tcptimer_reo_wnd_us(s, in->state & 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t hz_common[] = { 24, 100, 250, 300, 1000, 10000 };
	const struct tcptimer_profile *profile;
	struct tcptimer_snapshot s;
	struct fuzz_input in;
	size_t at;

	if (size < sizeof(in))
		return 0;
	memset(&in, 0, sizeof(in));
	memcpy(&in.params, data, sizeof(in.params));
	data += sizeof(in.params);
	size -= sizeof(in.params);
	in.profile = data[0];
	in.hz = data[1];
	in.patch_count = data[2];
	in.state = data[3];
	/* bool takes only 0 and 1 */
	for (at = 0; at < sizeof(in.segment); at++)
		((unsigned char *)&in.segment)[at] = data[4] >> (at & 7) & 1;
	data += 5;
	size -= 5;

	profile = tcptimer_profile_at(in.profile % 9);
	if (in.hz < 240)
		in.params.hz = hz_common[in.hz % 6];
	/* A socket of some state, some of its bytes replaced; or nothing but the bytes. */
	if (tcptimer_snapshot_init_defaults(profile, hz_common[in.hz % 6], in.state % 13, &s))
		memset(&s, 0, sizeof(s));
	if (in.patch_count == 255) {
		memset(&s, 0, sizeof(s));
		memcpy(&s, data, size < sizeof(s) ? size : sizeof(s));
	}
	for (at = 0; at + 3 <= size && at < in.patch_count * 3u; at += 3)
		((unsigned char *)&s)[(data[at] | data[at + 1] << 8) % sizeof(s)] = data[at + 2];

	fuzz_timeline(profile, &in.params, &s);
	fuzz_rules(profile, hz_common[in.hz % 6], &s, &in);
	return 0;
}

#ifdef FUZZ_STANDALONE
static uint64_t fuzz_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;
	uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint8_t data[1024];
	unsigned long i;
	size_t at;

	for (i = 0; i < count; i++) {
		for (at = 0; at < sizeof(data); at++)
			data[at] = (uint8_t)fuzz_next(&state);
		/* mostly small numbers where these are durations and flags, and known peers */
		for (at = 0; at < sizeof(struct tcptimer_engine_params); at++)
			if (at % 4 || !(i % 4))
				data[at] = 0;
		data[4] %= 7;
		data[sizeof(struct tcptimer_engine_params) + 2] %= i % 16 ? 24 : 255;
		LLVMFuzzerTestOneInput(data, sizeof(data));
	}
	printf("%lu inputs\n", count);
	return 0;
}
#endif

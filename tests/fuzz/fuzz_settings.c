// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the words of `simulate` and the socket of `explain`.
 * Receives bytes: words, one to a NUL. Promises checked: one printable line for what is refused;
 * for what is accepted, a timeline that the engine can make, in words and as a picture.
 */
#include <errno.h>
#include "simulation.h"
#include "socket_spec.h"
#include "standalone.h"
#include "timeline_svg.h"
#include "timeline_text.h"

#define SETTINGS_WORDS 24

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("state=established\0user_timeout=20s\0rto=300ms"),
	FUZZ_SEED("kernel=6.1,6.12,7.2\0state=syn_sent\0syn_retries=3\0tcp_syn_linear_timeouts=0"),
	FUZZ_SEED("keepalive=60s/10s/5\0data=none\0jiffies=4294967296\0hz=1000"),
	FUZZ_SEED("peer=zero_window\0tcp_rto_max_ms=10000\0kernel=6.18\0probes_out=3"),
	FUZZ_SEED("state=fin_wait2\0linger2=off\0net.ipv4.tcp_fin_timeout=70"),
	FUZZ_SEED("retransmits=255\0backoff=255\0tcp_retries2=255\0orphan=on\0peer=unreachable"),
	FUZZ_SEED("10.0.0.1:443\0->\0[fd00::1]:5"),
	FUZZ_SEED("10.0.0.1:443-10.0.0.2:5"),
	FUZZ_SEED("0x1267"),
};

static void check_line(const char *line)
{
	FUZZ_CHECK(*line);
	for (; *line; line++)
		FUZZ_CHECK((unsigned char)*line >= 0x20 && *line != 0x7f);
}

static void check_view(struct timeline_view *view)
{
	const struct timeline_view *shown[] = { view };
	static FILE *out;
	size_t i;

	for (i = 1; i < view->timeline.count; i++)
		FUZZ_CHECK(view->events[i].at_max_jiffies >= view->events[i - 1].at_max_jiffies);
	for (i = 0; i < view->timeline.count; i++)
		FUZZ_CHECK(view->events[i].at_min_ms <= view->events[i].at_max_ms);
	if (!out)
		out = fopen("/dev/null", "w");
	FUZZ_CHECK(out);
	FUZZ_CHECK(!timeline_print_events(view, out, 80));
	FUZZ_CHECK(!timeline_print_end(view, out));
	FUZZ_CHECK(!timeline_print_compare(shown, 1, out, 0));
	FUZZ_CHECK(!timeline_svg(shown, 1, view->subject, view->title, out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct timeline_view view;
	struct simulation sim;
	struct socket_spec spec;
	struct tcptimer_snapshot snap = { .family = 2 };
	char text[4096], *words[SETTINGS_WORDS], err[512];
	unsigned int left_out;
	int argc = 0, i;
	size_t at;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (at = 0; at < size && argc < SETTINGS_WORDS; at += strlen(text + at) + 1)
		words[argc++] = text + at;
	if (socket_spec_parse(&spec, argc, words, err, sizeof(err)))
		check_line(err);
	else
		socket_spec_match(&spec, &snap);
	simulation_init(&sim);
	for (i = 0; i < argc; i++) {
		if (simulation_parse(&sim, words[i], err, sizeof(err))) {
			check_line(err);
			return 0;
		}
	}
	if (simulation_run(&sim, sim.kernel_count - 1, &view, &left_out, err, sizeof(err)))
		check_line(err);
	else
		check_view(&view);
	return 0;
}

FUZZ_MAIN(seeds)

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the filter: any words at all, against connections of all kinds.
 * Receives bytes: words, one to a NUL. Promises checked: three printable lines for what is refused;
 * for what is accepted, hints that hold for every connection that matches.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include "filter.h"
#include "glob.h"
#include "standalone.h"
#include "text.h"

#define FILTER_WORDS 64
#define CONNS 6

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("state established ( dport = :443 or sport >= 1024 ) not stalled"),
	FUZZ_SEED("state\0connected\0exclude\0time-wait\0dst\0[fd00::]/8:443"),
	FUZZ_SEED("src 10.0.0.0/8 and dst != 192.0.2.7 || sport = :6379-6390"),
	FUZZ_SEED("cgroup \"/system.slice/*.service/**\" && netns web & pid 1234"),
	FUZZ_SEED("timer retrans | timer != keepalive | deadline < 1m30s or deadline = never"),
	FUZZ_SEED("! ( ( ( stalled ) ) ) exclude bucket state big"),
	FUZZ_SEED("dst inet6:::ffff:10.1.2.3 or src inet:* or dport neq 5 or sport leq 7"),
};

static void fill_conns(struct tcptimer_snapshot *snaps, struct conn *conns)
{
	static const unsigned int states[CONNS] = { 1, 2, 10, 6, 12, 5 };

	memset(snaps, 0, CONNS * sizeof(*snaps));
	for (unsigned int i = 0; i < CONNS; i++) {
		snaps[i].state = (uint8_t)states[i];
		snaps[i].kind = states[i] == 6  ? TCPTIMER_SOCK_TIMEWAIT :
				states[i] == 12 ? TCPTIMER_SOCK_REQUEST :
						  TCPTIMER_SOCK_FULL;
		snaps[i].family = i % 2 ? AF_INET6 : AF_INET;
		snaps[i].local_port = (uint16_t)(22 + i * 1000);
		snaps[i].remote_port = (uint16_t)(i ? 443 : 0);
		snaps[i].retransmits = (uint8_t)(i % 3);
		snaps[i].packets_out = 1;
		snaps[i].pending = (uint8_t)i;
		snaps[i].flags = TCPTIMER_F_WRITE_PENDING | TCPTIMER_F_TIMER_HW;
		snaps[i].netns = 100 + i;
		memset(snaps[i].local_addr, i == 3 ? 0 : (int)i + 9, sizeof(snaps[i].local_addr));
		if (i == 3)
			memset(snaps[i].local_addr + 10, 0xff, 2);
		conns[i] = (struct conn){ .snap = &snaps[i], .hz = 250, .pid = (int)i };
		conns[i].deadline_known = i > 1;
		conns[i].has_deadline = i > 2;
		conns[i].deadline_ms = i * 10000;
		conns[i].cgroup = i ? "/system.slice/web.service/a" : NULL;
		conns[i].netns_name = i == 4 ? "web" : NULL;
	}
}

static void check_filter(const struct filter *filter)
{
	struct tcptimer_snapshot snaps[CONNS];
	struct filter_hints hints;
	struct conn conns[CONNS];

	fill_conns(snaps, conns);
	filter_hints(filter, &hints);
	for (unsigned int i = 0; i < CONNS; i++) {
		if (!filter_match(filter, &conns[i]))
			continue;
		FUZZ_CHECK(hints.states & 1U << snaps[i].state);
		FUZZ_CHECK(!hints.stalled || tcptimer_stall_timer(&snaps[i]));
	}
}

static void check_message(const char *err)
{
	char again[8192];
	unsigned int lines = 1;

	for (const char *c = err; *c; c++) {
		lines += *c == '\n';
		FUZZ_CHECK(*c == '\n' || ((unsigned char)*c >= 0x20 && *c != 0x7f));
	}
	FUZZ_CHECK(lines == 3 || !strcmp(err, "the filter is too long: at most 64 KiB"));
	FUZZ_CHECK(lines == 1 || err[strlen(err) - 1] == '^');
	FUZZ_CHECK(!strcmp(err, text_utf8(err, again, sizeof(again))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *words[FILTER_WORDS], err[4096], small[17];
	struct filter *filter;
	int count = 0, ret;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at <= size && count < FILTER_WORDS; at += strlen(text + at) + 1)
		words[count++] = text + at;
	ret = filter_parse(count, words, &filter, err, sizeof(err));
	if (!ret) {
		check_filter(filter);
		filter_free(filter);
	} else {
		FUZZ_CHECK(ret == -EINVAL);
		check_message(err);
		FUZZ_CHECK(filter_parse(count, words, &filter, small, sizeof(small)) == -EINVAL);
		FUZZ_CHECK(strlen(small) < sizeof(small));
	}
	if (count > 1)
		glob_match(words[0], words[1]);
	free(text);
	return 0;
}

FUZZ_MAIN(seeds)

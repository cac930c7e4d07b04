// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A trial's world: a namespace with a TUN device, its settings, and its end.
 * Receives rows from main; hands trials that are up to run.c.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "conformance.h"
#include "lib/rtnl.h"

void trial_fail(struct trial *trial, const char *format, ...)
{
	va_list args;

	if (trial->verdict != VERDICT_PENDING)
		return;
	trial->verdict = VERDICT_FAILED;
	va_start(args, format);
	vsnprintf(trial->reason, sizeof(trial->reason), format, args);
	va_end(args);
}

bool trial_init(struct trial *trial, const struct row *row, int family)
{
	char *save = NULL, *word;

	memset(trial, 0, sizeof(*trial));
	snprintf(trial->name, sizeof(trial->name), "%s%s", row->name,
		 row->families == FAMILY_BOTH ? (family == AF_INET ? ", IPv4" : ", IPv6") : "");
	snprintf(trial->settings, sizeof(trial->settings), "%s", row->settings);
	snprintf(trial->play, sizeof(trial->play), "%s", row->play);
	strcpy(trial->words_text, trial->play);
	trial->timer = row->timer;
	trial->family = family;
	trial->since = row->since;
	trial->fd = trial->listener = trial->netns.fd = trial->tun.fd = -1;
	for (word = strtok_r(trial->words_text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		if (trial->word_count == TRIAL_WORDS)
			return false;
		trial->words[trial->word_count++] = word;
	}
	if (trial->since > observe_version) {
		trial->verdict = VERDICT_SKIPPED;
		snprintf(trial->reason, sizeof(trial->reason), "takes %u.%u", trial->since >> 16,
			 trial->since >> 8 & 255);
	}
	return strlen(row->play) < TRIAL_TEXT && strlen(row->settings) < TRIAL_TEXT;
}

bool trial_vary(struct trial *ret_trial, const struct trial *of, const char *settings,
		const char *play)
{
	struct row row = {
		.name = of->name,
		.timer = of->timer,
		.families = FAMILY_4, /* a name has its family already */
		.since = of->since,
		.settings = settings,
		.play = play,
	};
	bool done = trial_init(ret_trial, &row, of->family);

	ret_trial->random = of->random;
	return done;
}

bool trial_up(struct trial *trial)
{
	char text[TRIAL_TEXT], *save = NULL, *word;
	uint8_t addr[16];

	netns_enter_new(&trial->netns);
	tun_open(&trial->tun);
	peer_init(&trial->peer, &trial->tun, trial->family, 7777);
	trial->up = true;
	strcpy(text, trial->settings);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!settings_apply(trial, word, false))
			return false;
	if (trial->route_rto_min_ms) {
		tun_addr(trial->family, true, addr);
		rtnl_route_add(trial->tun.name, trial->family, addr,
			       trial->family == AF_INET ? 32 : 128, trial->route_rto_min_ms);
	}
	return true;
}

static void close_at(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void trial_close(struct trial *trial)
{
	struct linger now = { .l_onoff = 1 };

	if (trial->fd >= 0) /* nothing is left behind in the kernel */
		setsockopt(trial->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close_at(&trial->fd);
	close_at(&trial->listener);
}

void trial_down(struct trial *trial)
{
	trial_close(trial);
	close_at(&trial->tun.fd);
	close_at(&trial->netns.fd);
	trial->up = false;
}

bool trial_snapshot(struct trial *trial, struct tcptimer_snapshot *ret_snapshot)
{
	uint16_t port = trial->peer.kernel_port ? trial->peer.kernel_port : trial->listen_port;

	netns_enter(&trial->netns);
	return observe_snapshot(port, trial->peer.port, ret_snapshot);
}

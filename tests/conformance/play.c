// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of a row's play, in one table: what application and peer do, and what is waited for.
 * Receives a trial whose turn it is; runs its words until one has to wait.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "conformance.h"

#define PLAY_MSS 1000

/* True when the word is done, false while it waits. */
typedef bool word_fn(struct trial *trial, long value, bool first);

static void play_sockaddr(struct trial *trial, bool remote, uint16_t port,
			  struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_addr;
	struct sockaddr_in *in = (struct sockaddr_in *)ret_addr;
	uint8_t raw[16];

	memset(ret_addr, 0, sizeof(*ret_addr));
	tun_addr(trial->family, remote, raw);
	ret_addr->ss_family = (sa_family_t)trial->family;
	if (trial->family == AF_INET) {
		memcpy(&in->sin_addr, raw, 4);
		in->sin_port = htons(port);
		*ret_len = sizeof(*in);
	} else {
		memcpy(&in6->sin6_addr, raw, 16);
		in6->sin6_port = htons(port);
		*ret_len = sizeof(*in6);
	}
}

/* A socket with the row's options, in the trial's namespace. */
static int play_socket(struct trial *trial)
{
	char text[TRIAL_TEXT], *save = NULL, *word;
	int fd = socket(trial->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	trial->fd = fd;
	trial->owned = true;
	strcpy(text, trial->settings);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!settings_apply(trial, word, true))
			break;
	return fd;
}

static bool word_syn(struct trial *trial, long value, bool first)
{
	struct sockaddr_storage addr;
	socklen_t len;

	(void)value, (void)first;
	play_sockaddr(trial, true, trial->peer.port, &addr, &len);
	if (connect(play_socket(trial), (struct sockaddr *)&addr, len) < 0 && errno != EINPROGRESS)
		trial_fail(trial, "connect: %s", strerror(errno));
	trial->peer.kernel_port = app_port(trial->fd);
	return true;
}

static unsigned int play_state(const struct trial *trial)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(trial->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return TCPTIMER_STATE_CLOSE;
	return info.tcpi_state;
}

/* Waits for the handshake; then the peer falls silent, unless told otherwise. */
static bool play_established(struct trial *trial)
{
	if (trial->delayed_ns || play_state(trial) != TCPTIMER_STATE_ESTABLISHED)
		return false;
	trial->manner = MANNER_SILENT;
	return true;
}

static bool word_connect(struct trial *trial, long value, bool first)
{
	if (first) {
		trial->manner = MANNER_HANDSHAKE;
		word_syn(trial, value, true);
	}
	return play_established(trial);
}

static bool word_listen(struct trial *trial, long value, bool first)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd;

	(void)first;
	play_sockaddr(trial, false, 0, &addr, &len);
	fd = play_socket(trial);
	if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, value ? (int)value : 128))
		trial_fail(trial, "listen: %s", strerror(errno));
	trial->listener = fd;
	trial->listen_port = app_port(fd);
	trial->fd = -1;
	trial->owned = false;
	return true;
}

/* The peer's SYN, carrying `value` bytes (fast open); what is answered stays unanswered. */
static bool word_half(struct trial *trial, long value, bool first)
{
	(void)first;
	trial->peer.kernel_port = trial->listen_port;
	peer_send(&trial->peer, TCP_SYN, (uint32_t)value);
	return true;
}

static bool word_accept(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	trial->fd = accept4(trial->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	trial->owned = trial->fd >= 0;
	if (trial->fd >= 0)
		trial->manner = MANNER_SILENT;
	return trial->fd >= 0;
}

static bool word_passive(struct trial *trial, long value, bool first)
{
	if (first) {
		trial->manner = MANNER_HANDSHAKE;
		word_half(trial, 0, true);
	}
	return word_accept(trial, value, first);
}

/* The handshake is done, and the listener waits for data: TCP_DEFER_ACCEPT. */
static bool word_passive_ack(struct trial *trial, long value, bool first)
{
	if (first) {
		trial->manner = MANNER_HANDSHAKE;
		word_half(trial, value, true);
	}
	trial_react(trial);
	if (!trial->packets)
		return false;
	trial->manner = MANNER_SILENT;
	return true;
}

/* `value` other SYNs that stay unanswered, from other ports. */
static bool word_crowd(struct trial *trial, long value, bool first)
{
	uint16_t port = trial->peer.port;

	(void)first;
	while (value-- > 0) {
		trial->peer.port = (uint16_t)(port + 1 + value);
		word_half(trial, 0, true);
	}
	trial->peer.port = port;
	return true;
}

static bool word_send(struct trial *trial, long value, bool first)
{
	static const char data[1 << 20];
	ssize_t sent = send(trial->fd, data, value ? (size_t)value : 1, MSG_NOSIGNAL);

	(void)first;
	if (sent < 0)
		trial_fail(trial, "send: %s", strerror(errno));
	return true;
}

static bool word_segments(struct trial *trial, long value, bool first)
{
	return word_send(trial, value * PLAY_MSS, first);
}

static bool word_read(struct trial *trial, long value, bool first)
{
	char data[4096];

	(void)value, (void)first;
	while (read(trial->fd, data, sizeof(data)) > 0)
		;
	return true;
}

static bool word_close(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	close(trial->fd);
	trial->fd = -1;
	trial->owned = false;
	return true;
}

static bool word_shutdown(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	if (shutdown(trial->fd, SHUT_WR))
		trial_fail(trial, "shutdown: %s", strerror(errno));
	return true;
}

/* All that came is acknowledged, with a window of `value`. */
static bool word_win(struct trial *trial, long value, bool first)
{
	(void)first;
	if (trial->packets && !(trial->last_out.flags & (TCP_SYN | TCP_RST)))
		trial->peer.rcv_nxt = trial->last_out.seq + trial->last_out.len +
				      !!(trial->last_out.flags & TCP_FIN);
	peer_ack(&trial->peer, (uint16_t)value);
	return true;
}

/* Nothing new is acknowledged, and the window closes. */
static bool word_shrink(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	peer_ack(&trial->peer, 0);
	return true;
}

/* `value` more bytes are acknowledged. */
static bool word_ack(struct trial *trial, long value, bool first)
{
	(void)first;
	trial->peer.rcv_nxt += (uint32_t)value;
	peer_send(&trial->peer, TCP_ACK, 0);
	return true;
}

static bool word_data(struct trial *trial, long value, bool first)
{
	(void)first;
	peer_send(&trial->peer, TCP_ACK | TCP_PSH, (uint32_t)(value ? value : 1));
	return true;
}

static bool word_fin(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	peer_send(&trial->peer, TCP_FIN | TCP_ACK, 0);
	return true;
}

static bool word_reset(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	peer_send(&trial->peer, TCP_RST | TCP_ACK, 0);
	return true;
}

/* The peer has the `value`-th segment in flight, but not the first. */
static bool word_sacked(struct trial *trial, long value, bool first)
{
	uint32_t from = trial->peer.rcv_nxt + (uint32_t)(value - 1) * PLAY_MSS;

	(void)first;
	peer_sack(&trial->peer, from, from + PLAY_MSS);
	return true;
}

static bool word_icmp(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	trial->peer.last = trial->last_out;
	peer_unreachable(&trial->peer);
	return true;
}

static bool word_wait(struct trial *trial, long value, bool first)
{
	if (first)
		trial->wait_until_ns = observe_ns() + (uint64_t)value * NSEC_PER_MSEC;
	if (observe_ns() < trial->wait_until_ns)
		return false;
	trial->wait_until_ns = 0;
	return true;
}

/* Until the kernel's next packet is here: it was sent, but may not have been read. */
static bool word_sent(struct trial *trial, long value, bool first)
{
	if (first)
		trial->wait_until_ns = observe_ns() + 100 * NSEC_PER_MSEC;
	if (trial->packets < (unsigned int)value && observe_ns() < trial->wait_until_ns)
		return false;
	trial->wait_until_ns = 0;
	return true;
}

static bool word_event(struct trial *trial, long value, bool first)
{
	(void)first;
	return trial->fired >= (unsigned int)value;
}

static bool word_rtt(struct trial *trial, long value, bool first)
{
	(void)first;
	trial->rtt_ms = (uint32_t)value;
	return true;
}

static bool word_snap(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	hold_snapshot(trial);
	return true;
}

static bool word_silent(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	trial->manner = MANNER_SILENT;
	return true;
}

static bool word_acks(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	trial->manner = MANNER_ACKS;
	return true;
}

static bool word_zero(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	trial->manner = MANNER_ZERO;
	return true;
}

static bool word_resets(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	trial->manner = MANNER_RESETS;
	return true;
}

static bool word_unreachable(struct trial *trial, long value, bool first)
{
	(void)value, (void)first;
	trial->manner = MANNER_ICMP;
	return true;
}

static const struct {
	const char *word;
	word_fn *fn;
	bool quiet; /* changes nothing on the socket: what was foretold stands */
} play_words[] = {
	/* the application */
	{ "syn", word_syn, false },
	{ "connect", word_connect, false },
	{ "listen", word_listen, false },
	{ "half", word_half, false },
	{ "passive", word_passive, false },
	{ "passive_ack", word_passive_ack, false },
	{ "crowd", word_crowd, false },
	{ "accept", word_accept, false },
	{ "send", word_send, false },         /* bytes */
	{ "segments", word_segments, false }, /* of the peer's PLAY_MSS */
	{ "read", word_read, false },
	{ "close", word_close, false },
	{ "shutdown", word_shutdown, false },
	/* the peer's manner from here on */
	{ "silent", word_silent, false },
	{ "acks", word_acks, false },
	{ "zero", word_zero, false },
	{ "resets", word_resets, false },
	{ "unreachable", word_unreachable, false },
	{ "rtt", word_rtt, false },
	/* one segment of the peer's */
	{ "win", word_win, false },
	{ "shrink", word_shrink, false },
	{ "ack", word_ack, false },
	{ "data", word_data, false },
	{ "fin", word_fin, false },
	{ "reset", word_reset, false },
	{ "sacked", word_sacked, false },
	{ "icmp", word_icmp, false },
	/* waiting, and the stated moment */
	{ "wait", word_wait, true },
	{ "sent", word_sent, true },
	{ "event", word_event, true },
	{ "snap", word_snap, true },
};

bool trial_play_over(const struct trial *trial)
{
	return trial->word == trial->word_count;
}

/* An option at this point of the play, or one whose effect on an armed timer is foretold. */
static bool play_other(struct trial *trial, const char *word)
{
	hold_drop(trial);
	if (!strncmp(word, "tw:", 3)) {
		rules_tw_segment(trial, word + 3);
	} else if (!strncmp(word, "rule:", 5)) {
		rules_keepalive(trial, word + 5);
	} else if (!settings_known(word)) {
		trial_fail(trial, "no word is called \"%s\"", word);
	} else {
		settings_apply(trial, word, false);
		if (trial->verdict == VERDICT_PENDING)
			settings_apply(trial, word, true);
	}
	return true;
}

static bool play_word(struct trial *trial, const char *word, bool first)
{
	size_t len = strcspn(word, "="), i;

	for (i = 0; i < sizeof(play_words) / sizeof(play_words[0]); i++) {
		if (strlen(play_words[i].word) != len || strncmp(play_words[i].word, word, len))
			continue;
		if (first && !play_words[i].quiet)
			hold_drop(trial);
		return play_words[i].fn(trial, word[len] ? atol(word + len + 1) : 0, first);
	}
	return play_other(trial, word);
}

void trial_step(struct trial *trial)
{
	while (trial->verdict == VERDICT_PENDING && !trial_play_over(trial)) {
		bool first = !trial->word_begun;

		netns_enter(&trial->netns);
		trial->word_begun = true;
		if (!play_word(trial, trial->words[trial->word], first))
			return;
		trial->word++;
		trial->word_begun = false;
		/* What the word made the kernel send is answered before the next. */
		trial_react(trial);
	}
}

uint64_t trial_wake_ns(const struct trial *trial)
{
	uint64_t wake = UINT64_MAX;

	if (trial->delayed_ns)
		wake = trial->delayed_ns;
	if (trial->wait_until_ns && trial->wait_until_ns < wake)
		wake = trial->wait_until_ns;
	if (trial->end_check_ns && trial->end_check_ns < wake)
		wake = trial->end_check_ns;
	if (trial->overdue_ns && trial->overdue_ns < wake)
		wake = trial->overdue_ns;
	if (trial->kept_ns && trial->kept_ns < wake)
		wake = trial->kept_ns;
	return wake;
}

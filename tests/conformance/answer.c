// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The peer of a trial: reads what the kernel sends, and answers as its manner says.
 * Receives packets from the TUN device; hands the kernel answers, and hold.c the time of each.
 */
#include "conformance.h"

static void answer_reset(struct peer *peer, const struct packet *packet)
{
	if (packet->flags & TCP_SYN)
		peer->rcv_nxt = packet->seq + 1;
	if (packet->flags & TCP_ACK)
		peer->snd_nxt = packet->ack;
	peer_send(peer, TCP_RST | TCP_ACK, 0);
}

static void answer_handshake(struct peer *peer, const struct packet *packet)
{
	if (packet->flags == TCP_SYN) {
		peer_answer_syn(peer);
	} else if (packet->flags == (TCP_SYN | TCP_ACK)) {
		peer->rcv_nxt = packet->seq + 1;
		peer->agreed_ts = peer->ts && packet->has_ts;
		peer_send(peer, TCP_ACK, 0);
	} else {
		peer_react_ack(peer, packet);
	}
}

/* All that was ever sent is acknowledged: only the acknowledgements had been lost. */
static void answer_all(struct peer *peer, const struct packet *packet)
{
	uint32_t end = packet->seq + packet->len + !!(packet->flags & TCP_FIN);

	if (packet->flags & TCP_SYN) {
		answer_handshake(peer, packet);
		return;
	}
	if ((int32_t)(end - peer->rcv_nxt) > 0)
		peer->rcv_nxt = end;
	peer_react_full(peer, packet);
}

void trial_answer(struct trial *trial, const struct packet *packet)
{
	struct peer *peer = &trial->peer;
	bool asks = packet->len || packet->flags & (TCP_SYN | TCP_FIN) ||
		    packet->seq + 1 == peer->rcv_nxt;

	if (trial->manner == MANNER_SILENT || (packet->flags & TCP_RST))
		return;
	if (!asks && trial->manner != MANNER_HANDSHAKE)
		return;
	hold_await_event(trial);
	switch (trial->manner) {
	case MANNER_HANDSHAKE:
		answer_handshake(peer, packet);
		break;
	case MANNER_ACKS:
		answer_all(peer, packet);
		break;
	case MANNER_ZERO:
		peer->window = 0;
		peer_react_full(peer, packet);
		break;
	case MANNER_RESETS:
		answer_reset(peer, packet);
		break;
	case MANNER_ICMP:
		peer->last = *packet;
		peer_unreachable(peer);
		break;
	default:
		return;
	}
	hold_answered(trial, observe_ns());
}

static void react_to(struct trial *trial, const struct packet *packet)
{
	trial->packets++;
	trial->last_out = *packet;
	trial->last_out_ns = observe_ns();
	if (packet->flags & TCP_RST)
		trial->rst_out++;
	if (trial->rtt_ms && trial->manner != MANNER_SILENT) {
		if (trial->delayed_ns) /* an answer is under way: it is for this one, too */
			return;
		trial->delayed = *packet;
		trial->delayed_ns = trial->last_out_ns + trial->rtt_ms * NSEC_PER_MSEC;
		return;
	}
	trial_answer(trial, packet);
}

void trial_react(struct trial *trial)
{
	struct packet packet;

	if (trial->delayed_ns && observe_ns() >= trial->delayed_ns) {
		trial->delayed_ns = 0;
		trial_answer(trial, &trial->delayed);
	}
	while (trial->up && peer_next(&trial->peer, &packet, 0))
		react_to(trial, &packet);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives the kernel's segments from tun.c and the test's wishes.
 * Hands the kernel the segments of a remote TCP that does exactly what the test says.
 */
#define _GNU_SOURCE
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include "peer.h"
#include "sys.h"

#define HANDSHAKE_MS 5000

void peer_init(struct peer *ret_peer, struct tun *tun, int family, uint16_t port)
{
	memset(ret_peer, 0, sizeof(*ret_peer));
	ret_peer->tun = tun;
	ret_peer->family = family;
	ret_peer->port = port;
	ret_peer->snd_nxt = 1000000;
	ret_peer->window = 65535;
	ret_peer->mss = 1000;
	ret_peer->sack = true;
}

bool peer_next(struct peer *peer, struct packet *ret_packet, int timeout_ms)
{
	uint64_t end_ns = realtime_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;

	for (;;) {
		uint64_t now_ns = realtime_ns();
		int left = now_ns >= end_ns ? 0 : (int)((end_ns - now_ns) / NSEC_PER_MSEC) + 1;

		if (!tun_read(peer->tun, ret_packet, left))
			return false;
		if (ret_packet->dst_port != peer->port || ret_packet->family != peer->family)
			continue;
		if (peer->kernel_port && ret_packet->src_port != peer->kernel_port)
			continue;
		peer->kernel_port = ret_packet->src_port;
		if (ret_packet->has_ts)
			peer->ts_recent = ret_packet->ts_val;
		peer->last = *ret_packet;
		return true;
	}
}

void peer_run(struct peer *peer, unsigned int ms)
{
	uint64_t end_ns = realtime_ns() + ms * NSEC_PER_MSEC, now_ns;
	struct packet packet;

	while ((now_ns = realtime_ns()) < end_ns)
		if (peer_next(peer, &packet, (int)((end_ns - now_ns) / NSEC_PER_MSEC)) &&
		    peer->react)
			peer->react(peer, &packet);
}

static void segment_fill(const struct peer *peer, uint8_t flags, struct packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->family = peer->family;
	tun_addr(peer->family, true, packet->src);
	tun_addr(peer->family, false, packet->dst);
	packet->src_port = peer->port;
	packet->dst_port = peer->kernel_port;
	packet->flags = flags;
	packet->seq = peer->snd_nxt;
	packet->ack = flags & TCP_ACK ? peer->rcv_nxt : 0;
	packet->window = peer->window;
	packet->has_ts = flags & TCP_SYN ? peer->ts : peer->agreed_ts;
	packet->ts_val = (uint32_t)(realtime_ns() / NSEC_PER_MSEC);
	packet->ts_ecr = peer->ts_recent;
}

static void segment_send(struct peer *peer, const struct packet *packet)
{
	static uint8_t buf[PACKET_MAX];

	tun_write(peer->tun, buf, packet_build(packet, buf));
}

void peer_send(struct peer *peer, uint8_t flags, uint32_t len)
{
	struct packet packet;

	segment_fill(peer, flags, &packet);
	packet.len = len;
	if (flags & TCP_SYN) {
		packet.mss = peer->mss;
		packet.sack_ok = peer->sack;
	}
	segment_send(peer, &packet);
	peer->snd_nxt += len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
}

void peer_ack(struct peer *peer, uint16_t window)
{
	peer->window = window;
	peer_send(peer, TCP_ACK, 0);
}

void peer_sack(struct peer *peer, uint32_t from, uint32_t to)
{
	struct packet packet;

	segment_fill(peer, TCP_ACK, &packet);
	packet.sack_from = from;
	packet.sack_to = to;
	segment_send(peer, &packet);
}

void peer_unreachable(struct peer *peer)
{
	uint8_t buf[PACKET_RAW + 64];
	size_t len;

	if (peer->family == AF_INET)
		len = packet_build_icmp(&peer->last, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, buf);
	else
		len = packet_build_icmp(&peer->last, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR,
					buf);
	tun_write(peer->tun, buf, len);
}

/* peer->last is a SYN. */
void peer_answer_syn(struct peer *peer)
{
	peer->rcv_nxt = peer->last.seq + 1;
	peer->sack = peer->sack && peer->last.sack_ok;
	peer->ts = peer->agreed_ts = peer->ts && peer->last.has_ts;
	peer_send(peer, TCP_SYN | TCP_ACK, 0);
}

void peer_accept(struct peer *peer)
{
	struct packet packet;

	CHECK(peer_next(peer, &packet, HANDSHAKE_MS), "no SYN");
	CHECK(packet.flags == TCP_SYN, "flags %#x, not a SYN", packet.flags);
	if (peer->delay_ms)
		sleep_ms(peer->delay_ms);
	peer_answer_syn(peer);
	CHECK(peer_next(peer, &packet, HANDSHAKE_MS), "no ACK of the handshake");
	CHECK(packet.flags == TCP_ACK, "flags %#x, not an ACK", packet.flags);
}

void peer_syn(struct peer *peer, uint16_t kernel_port)
{
	peer->kernel_port = kernel_port;
	peer_send(peer, TCP_SYN, 0);
}

void peer_connect(struct peer *peer, uint16_t kernel_port)
{
	struct packet packet;

	peer_syn(peer, kernel_port);
	CHECK(peer_next(peer, &packet, HANDSHAKE_MS), "no SYN-ACK");
	CHECK(packet.flags == (TCP_SYN | TCP_ACK), "flags %#x, not a SYN-ACK", packet.flags);
	peer->rcv_nxt = packet.seq + 1;
	peer->agreed_ts = peer->ts && packet.has_ts;
	if (peer->delay_ms)
		sleep_ms(peer->delay_ms);
	peer_send(peer, TCP_ACK, 0);
}

void peer_react_full(struct peer *peer, const struct packet *packet)
{
	bool probe = packet->seq + 1 == peer->rcv_nxt; /* keepalive, or a window probe */

	if (!(packet->flags & TCP_RST) && (packet->len || probe || packet->flags & TCP_FIN))
		peer_send(peer, TCP_ACK, 0);
}

void peer_react_ack(struct peer *peer, const struct packet *packet)
{
	if (packet->seq == peer->rcv_nxt)
		peer->rcv_nxt += packet->len + !!(packet->flags & TCP_FIN);
	peer_react_full(peer, packet);
}

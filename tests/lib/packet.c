// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives bytes to take apart from captures, and fields to put together from the remote TCP.
 * Hands on struct packet, or bytes ready for a TUN device.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include "packet.h"

static void parse_options(const uint8_t *at, const uint8_t *end, struct packet *packet)
{
	uint32_t word;

	while (at < end && *at != TCPOPT_EOL) {
		if (*at == TCPOPT_NOP) {
			at++;
			continue;
		}
		if (at + 2 > end || at[1] < 2 || at + at[1] > end)
			return;
		if (at[0] == TCPOPT_MAXSEG && at[1] == 4) {
			packet->mss = (uint16_t)(at[2] << 8 | at[3]);
		} else if (at[0] == TCPOPT_SACK_PERMITTED) {
			packet->sack_ok = true;
		} else if (at[0] == TCPOPT_TIMESTAMP && at[1] == 10) {
			packet->has_ts = true;
			memcpy(&word, at + 2, 4);
			packet->ts_val = ntohl(word);
			memcpy(&word, at + 6, 4);
			packet->ts_ecr = ntohl(word);
		}
		at += at[1];
	}
}

int packet_parse(const void *data, size_t len, struct packet *ret_packet)
{
	const uint8_t *at = data, *end = at + len;
	struct tcphdr tcp;

	memset(ret_packet, 0, sizeof(*ret_packet));
	if (len < sizeof(struct iphdr))
		return -EINVAL;
	if (at[0] >> 4 == 4) {
		const struct iphdr *ip = data;

		if (ip->protocol != IPPROTO_TCP || ntohs(ip->tot_len) > len)
			return -EINVAL;
		ret_packet->family = AF_INET;
		memcpy(ret_packet->src, &ip->saddr, 4);
		memcpy(ret_packet->dst, &ip->daddr, 4);
		end = at + ntohs(ip->tot_len);
		at += ip->ihl * 4;
	} else {
		const struct ip6_hdr *ip6 = data;

		if (at[0] >> 4 != 6 || len < sizeof(*ip6) || ip6->ip6_nxt != IPPROTO_TCP ||
		    ntohs(ip6->ip6_plen) + sizeof(*ip6) > len)
			return -EINVAL;
		ret_packet->family = AF_INET6;
		memcpy(ret_packet->src, &ip6->ip6_src, 16);
		memcpy(ret_packet->dst, &ip6->ip6_dst, 16);
		end = at + sizeof(*ip6) + ntohs(ip6->ip6_plen);
		at += sizeof(*ip6);
	}
	if (at + sizeof(tcp) > end)
		return -EINVAL;
	memcpy(&tcp, at, sizeof(tcp));
	if (tcp.doff < 5 || at + tcp.doff * 4 > end)
		return -EINVAL;
	ret_packet->src_port = ntohs(tcp.source);
	ret_packet->dst_port = ntohs(tcp.dest);
	ret_packet->seq = ntohl(tcp.seq);
	ret_packet->ack = ntohl(tcp.ack_seq);
	ret_packet->window = ntohs(tcp.window);
	ret_packet->flags = at[13] & 0x1f;
	parse_options(at + sizeof(tcp), at + tcp.doff * 4, ret_packet);
	ret_packet->len = (uint32_t)(end - at - tcp.doff * 4);
	ret_packet->raw_len = len < PACKET_RAW ? len : PACKET_RAW;
	memcpy(ret_packet->raw, data, ret_packet->raw_len);
	return 0;
}

static uint32_t sum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (; len > 1; len -= 2, at += 2)
		sum += (uint32_t)at[0] << 8 | at[1];
	if (len)
		sum += (uint32_t)at[0] << 8;
	return sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint16_t transport_sum(const struct packet *packet, uint8_t proto, const void *data,
			      size_t len)
{
	size_t addr_len = packet->family == AF_INET ? 4 : 16;
	uint32_t sum = proto + (uint32_t)len;

	sum = sum_add(sum, packet->src, addr_len);
	sum = sum_add(sum, packet->dst, addr_len);
	return sum_end(sum_add(sum, data, len));
}

/* The IP header for `len` bytes after it; returns its length. */
static size_t build_ip(const struct packet *packet, uint8_t proto, size_t len, uint8_t *buf)
{
	if (packet->family == AF_INET) {
		struct iphdr ip = {
			.version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = proto,
			.tot_len = htons((uint16_t)(sizeof(ip) + len)),
		};

		memcpy(&ip.saddr, packet->src, 4);
		memcpy(&ip.daddr, packet->dst, 4);
		ip.check = sum_end(sum_add(0, &ip, sizeof(ip)));
		memcpy(buf, &ip, sizeof(ip));
		return sizeof(ip);
	}
	struct ip6_hdr ip6 = { 0 };

	ip6.ip6_flow = htonl(6u << 28);
	ip6.ip6_plen = htons((uint16_t)len);
	ip6.ip6_nxt = proto;
	ip6.ip6_hlim = 64;
	memcpy(&ip6.ip6_src, packet->src, 16);
	memcpy(&ip6.ip6_dst, packet->dst, 16);
	memcpy(buf, &ip6, sizeof(ip6));
	return sizeof(ip6);
}

static size_t put_word(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, 4);
	return 4;
}

static size_t build_options(const struct packet *packet, uint8_t *buf)
{
	uint8_t *at = buf;

	if (packet->mss)
		at += put_word(at, TCPOPT_MAXSEG << 24 | 4 << 16 | packet->mss);
	if (packet->sack_ok)
		at += put_word(at, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 |
					   TCPOPT_SACK_PERMITTED << 8 | 2);
	if (packet->has_ts) {
		at += put_word(at,
			       TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TIMESTAMP << 8 | 10);
		at += put_word(at, packet->ts_val);
		at += put_word(at, packet->ts_ecr);
	}
	if (packet->sack_from != packet->sack_to) {
		at += put_word(at, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_SACK << 8 | 10);
		at += put_word(at, packet->sack_from);
		at += put_word(at, packet->sack_to);
	}
	return (size_t)(at - buf);
}

size_t packet_build(const struct packet *packet, uint8_t *buf)
{
	size_t ip_len = packet->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	uint8_t *at = buf + ip_len;
	size_t opt_len = build_options(packet, at + sizeof(struct tcphdr));
	size_t tcp_len = sizeof(struct tcphdr) + opt_len;
	struct tcphdr tcp = {
		.source = htons(packet->src_port),
		.dest = htons(packet->dst_port),
		.seq = htonl(packet->seq),
		.ack_seq = htonl(packet->ack),
		.window = htons(packet->window),
		.doff = (tcp_len / 4) & 0xf,
	};

	memcpy(at, &tcp, sizeof(tcp));
	at[13] = packet->flags;
	memset(at + tcp_len, 'x', packet->len);
	tcp.check = transport_sum(packet, IPPROTO_TCP, at, tcp_len + packet->len);
	memcpy(at + offsetof(struct tcphdr, check), &tcp.check, 2);
	build_ip(packet, IPPROTO_TCP, tcp_len + packet->len, buf);
	return ip_len + tcp_len + packet->len;
}

size_t packet_build_icmp(const struct packet *about, uint8_t type, uint8_t code, uint8_t *buf)
{
	struct packet back = { .family = about->family };
	size_t ip_len = back.family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	size_t len = 8 + about->raw_len;
	uint8_t *at = buf + ip_len;
	uint16_t sum;

	memcpy(back.src, about->dst, 16);
	memcpy(back.dst, about->src, 16);
	memset(at, 0, 8);
	at[0] = type;
	at[1] = code;
	memcpy(at + 8, about->raw, about->raw_len);
	if (back.family == AF_INET)
		sum = sum_end(sum_add(0, at, len));
	else
		sum = transport_sum(&back, IPPROTO_ICMPV6, at, len);
	memcpy(at + 2, &sum, 2);
	build_ip(&back, back.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6, len, buf);
	return ip_len + len;
}

const char *packet_text(const struct packet *packet, char *buf, size_t size)
{
	unsigned long long us = packet->time_ns / 1000;

	snprintf(buf, size, "%llu.%06llu %s %u > %u %s%s%s%s%s seq %u ack %u win %u len %u",
		 us / 1000000 % 100000, us % 1000000, packet->out ? "out" : "in ", packet->src_port,
		 packet->dst_port, packet->flags & TCP_SYN ? "S" : "",
		 packet->flags & TCP_FIN ? "F" : "", packet->flags & TCP_RST ? "R" : "",
		 packet->flags & TCP_PSH ? "P" : "", packet->flags & TCP_ACK ? "." : "",
		 packet->seq, packet->ack, packet->window, packet->len);
	return buf;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP/IP packet taken apart and put together, IPv4 and IPv6, checksums right.
 * Receives bytes from a TUN device or a packet socket, or fields from the test's own remote TCP.
 */
#ifndef TCPTIMER_TEST_PACKET_H
#define TCPTIMER_TEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65536
#define PACKET_RAW 128 /* enough for an IPv6 header with TCP and its options: what ICMP quotes */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

struct packet {
	uint64_t time_ns; /* CLOCK_REALTIME; captured: the kernel's stamp */
	int family;
	bool out;        /* captured: this host sent it */
	uint8_t src[16]; /* network order; IPv4 in the first four bytes */
	uint8_t dst[16];
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t flags; /* TCP_* */
	uint32_t seq;
	uint32_t ack;
	uint16_t window; /* as on the wire, not scaled */
	uint32_t len;    /* of the payload */
	uint16_t mss;    /* options; 0: absent */
	bool sack_ok;
	bool has_ts;
	uint32_t ts_val;
	uint32_t ts_ecr;
	uint32_t sack_from; /* one block; 0, 0: absent */
	uint32_t sack_to;
	uint8_t raw[PACKET_RAW]; /* parsed: the packet's beginning */
	size_t raw_len;
};

/* Take apart. 0, or -EINVAL when it is not a whole TCP packet. */
int packet_parse(const void *data, size_t len, struct packet *ret_packet);
/* Put together, the payload being `len` bytes of 'x'. Returns the length; buf holds PACKET_MAX. */
size_t packet_build(const struct packet *packet, uint8_t *buf);
/* An ICMP error quoting `about`, sent to its source by its destination. */
size_t packet_build_icmp(const struct packet *about, uint8_t type, uint8_t code, uint8_t *buf);
/* One line for a person, without newline. Returns buf. */
const char *packet_text(const struct packet *packet, char *buf, size_t size);

#endif

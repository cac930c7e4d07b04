/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The remote TCP that a test plays itself, packet by packet, behind a TUN device.
 * Receives what the kernel sends into the device; hands the kernel what the test decides.
 */
#ifndef TCPTIMER_TEST_PEER_H
#define TCPTIMER_TEST_PEER_H

#include "packet.h"

/* A TUN device with 192.0.2.1/24 and 2001:db8::1/64; every other address of these is the test's. */
struct tun {
	int fd;
	char name[16];
};

void tun_open(struct tun *ret_tun);
/* The next packet the kernel sent (TCP only, others are thrown away). False after timeout_ms. */
bool tun_read(struct tun *tun, struct packet *ret_packet, int timeout_ms);
void tun_write(struct tun *tun, const void *data, size_t len);
/* This host's address, or the remote's, in network order; 4 or 16 bytes. */
void tun_addr(int family, bool remote, uint8_t ret_addr[16]);

/* One end of one connection. Fields below "settings" may be changed at any time. */
struct peer {
	struct tun *tun;
	int family;
	uint16_t port;        /* the peer's */
	uint16_t kernel_port; /* known once a packet came or peer_connect() was called */
	uint32_t snd_nxt;
	uint32_t rcv_nxt;   /* what the next ACK says: the test may hold it back */
	struct packet last; /* the kernel's last packet */
	uint32_t ts_recent;
	bool agreed_ts;
	/* settings */
	uint16_t window; /* advertised; never scaled */
	uint16_t mss;
	bool sack;             /* offer it */
	bool ts;               /* agree to timestamps when the kernel offers them */
	unsigned int delay_ms; /* before each answer of peer_accept(): the path's round trip */
	/* How peer_run() answers a packet; NULL: with silence. */
	void (*react)(struct peer *peer, const struct packet *packet);
};

void peer_init(struct peer *ret_peer, struct tun *tun, int family, uint16_t port);
/* The kernel's next packet for this connection. */
bool peer_next(struct peer *peer, struct packet *ret_packet, int timeout_ms);
/* For that long, read what the kernel sends and answer through peer->react. */
void peer_run(struct peer *peer, unsigned int ms);

/* Send a segment with `len` bytes at snd_nxt, acknowledging rcv_nxt; snd_nxt moves on. */
void peer_send(struct peer *peer, uint8_t flags, uint32_t len);
void peer_ack(struct peer *peer, uint16_t window);
/* A duplicate ACK with a SACK block of the kernel's bytes [from, to). */
void peer_sack(struct peer *peer, uint32_t from, uint32_t to);
/* An ICMP "host unreachable" (IPv6: "address unreachable") about the kernel's last packet. */
void peer_unreachable(struct peer *peer);

/* The kernel connects: answer its SYN and await the ACK. */
void peer_accept(struct peer *peer);
void peer_answer_syn(struct peer *peer);
/* Connect to the kernel's listener at that port. */
void peer_syn(struct peer *peer, uint16_t kernel_port);
void peer_connect(struct peer *peer, uint16_t kernel_port);

/* Reactions for peer->react: take and acknowledge all that comes; answer but take nothing. */
void peer_react_ack(struct peer *peer, const struct packet *packet);
void peer_react_full(struct peer *peer, const struct packet *packet);

/* The application's side, on this host; non-blocking sockets, closed at exec. */
int app_connect(const struct peer *peer); /* sends the SYN, to be answered by peer_accept() */
/* The same in two steps, for options that are set before. */
int app_socket(int family);
void app_connect_socket(int fd, const struct peer *peer);
int app_established(struct peer *peer); /* the same with the handshake done */
int app_listen(int family, uint16_t *ret_port);
int app_accept(int listener);
uint16_t app_port(int fd);
uint64_t app_cookie(int fd);
/* SO_ERROR, positive; clears it. */
int app_error(int fd);
void app_set(int fd, int level, int option, int value);
/* Send `len` bytes, all of them taken by the kernel at once. */
void app_send(int fd, size_t len);
/* Wait until the application is told of an error; that error, or 0 after timeout_ms. */
int app_await_error(int fd, int timeout_ms);

#endif

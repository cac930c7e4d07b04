// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a TUN device from a test; plays the remote end of each of many connections.
 * Hands on sockets that stay in the state in which they were left.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../lib/sys.h"
#include "crowd.h"

static void make_listen(struct peer *peer)
{
	uint16_t port;

	app_listen(peer->family, &port);
}

static void make_syn_sent(struct peer *peer)
{
	app_connect(peer);
}

static void make_syn_recv(struct peer *peer)
{
	static uint16_t ports[2];
	uint16_t *port = &ports[peer->family == AF_INET6];

	if (!*port)
		app_listen(peer->family, port);
	peer_syn(peer, *port);
}

static void make_idle(struct peer *peer)
{
	app_established(peer);
}

static void make_retrans(struct peer *peer)
{
	int fd;

	peer->sack = false;
	fd = app_established(peer);
	app_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 3600000);
	app_send(fd, 2500);
}

static void make_probe0(struct peer *peer)
{
	peer->window = 0;
	app_send(app_established(peer), 100);
}

static void make_keepalive(struct peer *peer)
{
	int fd = app_established(peer);

	app_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 300);
	app_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 30);
	app_set(fd, IPPROTO_TCP, TCP_KEEPCNT, 7);
	app_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static void make_fin_wait1(struct peer *peer)
{
	int fd = app_established(peer);

	app_send(fd, 100);
	close(fd);
}

/* The peer takes the FIN of a socket that is closed already, or only shut down. */
static void take_fin(struct peer *peer)
{
	struct packet packet;

	CHECK(peer_next(peer, &packet, 1000) && packet.flags & TCP_FIN, "no FIN");
	peer_react_ack(peer, &packet);
}

static void make_fin_wait2(struct peer *peer)
{
	close(app_established(peer));
	take_fin(peer);
}

static void make_fin_wait2_held(struct peer *peer)
{
	MUST(shutdown(app_established(peer), SHUT_WR));
	take_fin(peer);
}

static void make_time_wait(struct peer *peer)
{
	make_fin_wait2(peer);
	peer_send(peer, TCP_FIN | TCP_ACK, 0);
}

static void make_close_wait(struct peer *peer)
{
	app_established(peer);
	peer_send(peer, TCP_FIN | TCP_ACK, 0);
}

static void make_last_ack(struct peer *peer)
{
	int fd = app_established(peer);

	peer_send(peer, TCP_FIN | TCP_ACK, 0);
	close(fd);
}

static void make_closing(struct peer *peer)
{
	close(app_established(peer));
	peer_send(peer, TCP_FIN | TCP_ACK, 0);
}

static void (*const makers[])(struct peer *peer) = {
	make_time_wait,      make_idle,      make_keepalive, make_close_wait, make_fin_wait2,
	make_fin_wait2_held, make_listen,    make_syn_recv,  make_syn_sent,   make_retrans,
	make_probe0,         make_fin_wait1, make_last_ack,  make_closing,
};

size_t crowd_make(struct tun *tun)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct peer peer;
	uint16_t port = 10000;
	size_t i, k, family, made = 0;

	sysctl_write("ipv4/tcp_syn_retries", 6);
	sysctl_write("ipv4/tcp_synack_retries", 5);
	sysctl_write("ipv4/tcp_retries2", 15);
	for (i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		for (family = 0; family < 2; family++)
			for (k = 0; k < CROWD_EACH; k++) {
				peer_init(&peer, tun, families[family], port++);
				makers[i](&peer);
				made++;
			}
	/* The queue behind the device is short: let later packets of the kernel in. */
	while (tun_read(tun, &peer.last, 50))
		;
	return made;
}

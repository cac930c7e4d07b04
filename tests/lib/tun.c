// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives the kernel's packets from a TUN device, and bytes to inject from the remote TCP.
 * Hands on parsed TCP packets; the device and its addresses go with the network namespace.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "peer.h"
#include "rtnl.h"
#include "sys.h"

static const char *const tun_addrs[2][2] = {
	{ "192.0.2.1", "192.0.2.2" },
	{ "2001:db8::1", "2001:db8::2" },
};

void tun_addr(int family, bool remote, uint8_t ret_addr[16])
{
	memset(ret_addr, 0, 16);
	inet_pton(family, tun_addrs[family == AF_INET6][remote], ret_addr);
}

/*
 * The kernel makes a new IPv6 address's own route a little later, in a work queue; until then it
 * drops what comes for it. Wait until a datagram to the address arrives.
 */
static void addr_await(const uint8_t *addr)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(sin6);
	int fd = MUST(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	unsigned int tries;
	char byte = 0;

	memcpy(&sin6.sin6_addr, addr, 16);
	MUST(bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)));
	MUST(getsockname(fd, (struct sockaddr *)&sin6, &len));
	for (tries = 0; tries < 2000; tries++) {
		sendto(fd, &byte, 1, 0, (struct sockaddr *)&sin6, sizeof(sin6));
		if (recv(fd, &byte, 1, 0) == 1)
			break;
		sleep_ms(1);
	}
	CHECK(tries < 2000, "the IPv6 address does not become usable");
	close(fd);
}

void tun_open(struct tun *ret_tun)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct packet packet;
	uint8_t addr[16];

	ret_tun->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (ret_tun->fd < 0)
		check_skip("can't open /dev/net/tun: %s", strerror(errno));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "tun%%d");
	MUST(ioctl(ret_tun->fd, TUNSETIFF, &ifr));
	snprintf(ret_tun->name, sizeof(ret_tun->name), "%.15s", ifr.ifr_name);
	rtnl_link_up(ret_tun->name);
	tun_addr(AF_INET, false, addr);
	rtnl_addr_add(ret_tun->name, AF_INET, addr, 24);
	tun_addr(AF_INET6, false, addr);
	rtnl_addr_add(ret_tun->name, AF_INET6, addr, 64);
	addr_await(addr);
	/* Until then the datagrams went out here; they would fill the device's queue. */
	while (tun_read(ret_tun, &packet, 0))
		;
}

bool tun_read(struct tun *tun, struct packet *ret_packet, int timeout_ms)
{
	uint64_t end_ns = realtime_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	static uint8_t buf[PACKET_MAX];

	for (;;) {
		struct pollfd pollfd = { .fd = tun->fd, .events = POLLIN };
		ssize_t len = read(tun->fd, buf, sizeof(buf));
		uint64_t now_ns = realtime_ns();

		if (len > 0 && packet_parse(buf, (size_t)len, ret_packet) == 0) {
			ret_packet->time_ns = now_ns;
			ret_packet->out = true;
			return true;
		}
		if (len > 0)
			continue;
		CHECK(errno == EAGAIN, "TUN: %s", strerror(errno));
		if (now_ns >= end_ns)
			return false;
		poll(&pollfd, 1, (int)((end_ns - now_ns) / NSEC_PER_MSEC) + 1);
	}
}

void tun_write(struct tun *tun, const void *data, size_t len)
{
	CHECK(write(tun->fd, data, len) == (ssize_t)len, "TUN write: %s", strerror(errno));
}

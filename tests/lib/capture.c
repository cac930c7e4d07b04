// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives packets with CLOCK_REALTIME stamps, taken in the path of the sender, from a packet socket.
 * Hands on decoded packets: the scheduling of the test itself doesn't blur their times.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include "capture.h"
#include "sys.h"

#define RCVBUF (8 << 20)

void capture_stamps_on(void)
{
	static int fd = -1;
	int on = 1;

	if (fd >= 0)
		return;
	fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)));
	sleep_ms(50);
}

void capture_start(struct capture *ret_capture, const char *link)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(link),
	};
	int fd = MUST(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	int on = 1, size = RCVBUF;

	capture_stamps_on();
	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
	MUST(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)));
	MUST(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	memset(ret_capture, 0, sizeof(*ret_capture));
	ret_capture->fd = fd;
}

static uint64_t stamp_of(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	struct timespec stamp;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(cmsg), sizeof(stamp));
		return (uint64_t)stamp.tv_sec * NSEC_PER_SEC + (uint64_t)stamp.tv_nsec;
	}
	FAIL("a packet without its time");
}

void capture_drain(struct capture *capture)
{
	static uint8_t buf[PACKET_MAX];

	for (;;) {
		char control[128];
		struct sockaddr_ll addr;
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr msg = {
			.msg_name = &addr,
			.msg_namelen = sizeof(addr),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t len = recvmsg(capture->fd, &msg, 0);
		struct packet packet;

		if (len < 0)
			break;
		if (packet_parse(buf, (size_t)len, &packet))
			continue;
		packet.time_ns = stamp_of(&msg);
		packet.out = addr.sll_pkttype == PACKET_OUTGOING;
		CHECK(!capture->count || packet.time_ns + NSEC_PER_MSEC >=
						 capture->packets[capture->count - 1].time_ns,
		      "the kernel stamped packets out of order");
		if (capture->count == capture->size) {
			capture->size = capture->size ? 2 * capture->size : 64;
			capture->packets =
				reallocarray(capture->packets, capture->size, sizeof(packet));
			CHECK(capture->packets, "no memory");
		}
		capture->packets[capture->count++] = packet;
	}
	CHECK(errno == EAGAIN || errno == ENETDOWN, "packet socket: %s", strerror(errno));
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	MUST(getsockopt(capture->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len));
	CHECK(stats.tp_drops == 0, "the capture lost %u packets", stats.tp_drops);
}

void capture_print(const struct capture *capture)
{
	char text[160];
	size_t i;

	for (i = 0; i < capture->count; i++)
		fprintf(stderr, "  wire %s\n",
			packet_text(&capture->packets[i], text, sizeof(text)));
}

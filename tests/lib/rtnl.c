// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives links, addresses and routes to make from the tests.
 * Hands one rtnetlink request each to the kernel, and waits for its acknowledgement.
 */
#define _GNU_SOURCE
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>
#include "rtnl.h"
#include "sys.h"

struct request {
	struct nlmsghdr hdr;
	char body[1024];
};

static void *request_begin(struct request *req, int type, int flags, size_t body_len)
{
	memset(req, 0, sizeof(*req));
	req->hdr.nlmsg_type = (uint16_t)type;
	req->hdr.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	req->hdr.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
	return NLMSG_DATA(&req->hdr);
}

static struct rtattr *request_add(struct request *req, int type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(req->hdr.nlmsg_len);
	struct rtattr *attr = (struct rtattr *)((char *)req + at);

	CHECK(at + RTA_SPACE(len) <= sizeof(*req), "rtnetlink request too long");
	attr->rta_type = (uint16_t)type;
	attr->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	req->hdr.nlmsg_len = (uint32_t)(at + RTA_SPACE(len));
	return attr;
}

static struct rtattr *request_nest(struct request *req, int type)
{
	return request_add(req, type, NULL, 0);
}

static void request_nest_end(struct request *req, struct rtattr *nest)
{
	nest->rta_len = (uint16_t)((char *)req + req->hdr.nlmsg_len - (char *)nest);
}

static void request_send(struct request *req, const char *what)
{
	struct {
		struct nlmsghdr hdr;
		struct nlmsgerr err;
		char rest[512];
	} answer;
	int fd = MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

	MUST(send(fd, req, req->hdr.nlmsg_len, 0));
	MUST(recv(fd, &answer, sizeof(answer), 0));
	close(fd);
	CHECK(answer.hdr.nlmsg_type == NLMSG_ERROR, "%s: unexpected answer", what);
	CHECK(answer.err.error == 0, "%s: %s", what, strerror(-answer.err.error));
}

static int link_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	CHECK(index != 0, "no link %s", name);
	return (int)index;
}

static void link_change(const char *name, unsigned int flags)
{
	struct request req;
	struct ifinfomsg *info = request_begin(&req, RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = link_index(name);
	info->ifi_change = IFF_UP;
	info->ifi_flags = flags;
	request_send(&req, name);
}

void rtnl_link_up(const char *name)
{
	link_change(name, IFF_UP);
}

void rtnl_link_down(const char *name)
{
	link_change(name, 0);
}

static size_t addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

void rtnl_addr_add(const char *name, int family, const void *addr, unsigned int prefix_len)
{
	struct request req;
	struct ifaddrmsg *msg =
		request_begin(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*msg));

	msg->ifa_family = (uint8_t)family;
	msg->ifa_prefixlen = (uint8_t)prefix_len;
	msg->ifa_index = (uint32_t)link_index(name);
	if (family == AF_INET6)
		msg->ifa_flags = IFA_F_NODAD;
	request_add(&req, IFA_LOCAL, addr, addr_len(family));
	request_add(&req, IFA_ADDRESS, addr, addr_len(family));
	request_send(&req, "address");
}

void rtnl_veth_add(const char *name, const char *peer, int peer_netns_fd)
{
	struct request req;
	struct rtattr *linkinfo, *data, *other;

	request_begin(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	request_add(&req, IFLA_IFNAME, name, strlen(name) + 1);
	linkinfo = request_nest(&req, IFLA_LINKINFO);
	request_add(&req, IFLA_INFO_KIND, "veth", 4);
	data = request_nest(&req, IFLA_INFO_DATA);
	other = request_nest(&req, VETH_INFO_PEER);
	/* The other end's ifinfomsg comes first inside, then its attributes. */
	req.hdr.nlmsg_len += (uint32_t)NLMSG_ALIGN(sizeof(struct ifinfomsg));
	request_add(&req, IFLA_IFNAME, peer, strlen(peer) + 1);
	request_add(&req, IFLA_NET_NS_FD, &peer_netns_fd, sizeof(peer_netns_fd));
	request_nest_end(&req, other);
	request_nest_end(&req, data);
	request_nest_end(&req, linkinfo);
	request_send(&req, "veth");
}

static struct rtmsg *route_begin(struct request *req, int family, unsigned int prefix_len, int type)
{
	struct rtmsg *msg =
		request_begin(req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*msg));

	msg->rtm_family = (uint8_t)family;
	msg->rtm_dst_len = (uint8_t)prefix_len;
	msg->rtm_table = RT_TABLE_MAIN;
	msg->rtm_protocol = RTPROT_STATIC;
	msg->rtm_scope = RT_SCOPE_UNIVERSE;
	msg->rtm_type = (uint8_t)type;
	return msg;
}

void rtnl_route_add(const char *name, int family, const void *dst, unsigned int prefix_len,
		    unsigned int rto_min_ms)
{
	struct request req;
	struct rtmsg *msg = route_begin(&req, family, prefix_len, RTN_UNICAST);
	int index = link_index(name);

	if (family == AF_INET)
		msg->rtm_scope = RT_SCOPE_LINK;
	request_add(&req, RTA_DST, dst, addr_len(family));
	request_add(&req, RTA_OIF, &index, sizeof(index));
	if (rto_min_ms) {
		uint32_t lock = 1u << RTAX_RTO_MIN, metric = rto_min_ms;
		struct rtattr *metrics = request_nest(&req, RTA_METRICS);

		request_add(&req, RTAX_LOCK, &lock, sizeof(lock));
		request_add(&req, RTAX_RTO_MIN, &metric, sizeof(metric));
		request_nest_end(&req, metrics);
	}
	request_send(&req, "route");
}

void rtnl_route_unreachable(int family, const void *dst, unsigned int prefix_len)
{
	struct request req;

	route_begin(&req, family, prefix_len, RTN_UNREACHABLE);
	request_add(&req, RTA_DST, dst, addr_len(family));
	request_send(&req, "unreachable route");
}

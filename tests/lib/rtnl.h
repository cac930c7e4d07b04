/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses and routes of the caller's network namespace, through rtnetlink: no `ip` needed.
 * Receives names and addresses from tests; everything ends the test when the kernel refuses.
 */
#ifndef TCPTIMER_TEST_RTNL_H
#define TCPTIMER_TEST_RTNL_H

#include <stdint.h>

void rtnl_link_up(const char *name);
void rtnl_link_down(const char *name);
/* `family` AF_INET or AF_INET6; `addr` in network order; usable at once (no duplicate detection). */
void rtnl_addr_add(const char *name, int family, const void *addr, unsigned int prefix_len);
/* A pair of Ethernet links, `name` here and `peer` in the namespace of that descriptor. */
void rtnl_veth_add(const char *name, const char *peer, int peer_netns_fd);

/* A route by device. rto_min_ms: 0 none, else the metric, locked (as `ip route … rto_min lock`). */
void rtnl_route_add(const char *name, int family, const void *dst, unsigned int prefix_len,
		    unsigned int rto_min_ms);
/* Whatever is sent there fails with EHOSTUNREACH. */
void rtnl_route_unreachable(int family, const void *dst, unsigned int prefix_len);

#endif

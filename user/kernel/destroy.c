// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ending connections: the iterator with bpf_sock_destroy(), and SOCK_DIAG_DESTROY for the rest.
 * Receives targets with their cookies; hands back what the kernel said of each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "kernel/destroy.h"
#include "kernel/iter.h"
#include "kernel/kernel.h"
#include "kernel/loader.h"
#include "bpf/destroy.h"
#include "tcptimer.skel.h"

#define NOT_TRIED 1
#define ANSWER_SECONDS 5 /* netlink answers at once; a kernel that does not is not waited for */

struct destroy {
	struct destroy_target *targets;
	size_t count;
	struct bpf_link *link;
};

/* ---- by the iterator */

/* A handful, chosen by a person: looked through one by one. */
static int destroy_record(const void *record, void *arg)
{
	const struct destroy_result *result = record;
	struct destroy *d = arg;
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->targets[i].snap.cookie == result->cookie)
			d->targets[i].err = result->err;
	return 0;
}

static int destroy_netns(const struct netns *netns, void *arg)
{
	struct destroy *d = arg;
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->targets[i].snap.netns == netns->inum)
			return iter_records(d->link, sizeof(struct destroy_result), destroy_record,
					    d);
	return 0;
}

static int destroy_choose(struct tcptimer_bpf *bpf, const struct destroy *d)
{
	int fd = bpf_map__fd(bpf->maps.destroy_cookies);
	uint8_t chosen = 1;
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->targets[i].snap.kind == TCPTIMER_SOCK_FULL &&
		    bpf_map_update_elem(fd, &d->targets[i].snap.cookie, &chosen, BPF_ANY))
			return -errno;
	return 0;
}

/* The kernel has the function, and lets iterators call it (6.5). */
static bool destroy_has_kfunc(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, "bpf_sock_destroy", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

static int destroy_by_bpf(struct destroy *d)
{
	struct tcptimer_bpf *bpf = loader_open();
	unsigned int skipped;
	int err;

	if (!bpf)
		return -errno;
	loader_want(bpf, "destroy_chosen");
	err = loader_load(bpf);
	if (!err)
		err = destroy_choose(bpf, d);
	if (!err) {
		d->link = bpf_program__attach_iter(bpf->progs.destroy_chosen, NULL);
		err = d->link ? netns_each(destroy_netns, d, &skipped) : -errno;
		bpf_link__destroy(d->link);
	}
	tcptimer_bpf__destroy(bpf);
	return err;
}

/* ---- by netlink, in the namespace that the caller is in */

static void diag_id(const struct tcptimer_snapshot *s, struct inet_diag_sockid *id)
{
	size_t len = s->family == AF_INET6 ? 16 : 4;

	id->idiag_sport = htons(s->local_port);
	id->idiag_dport = htons(s->remote_port);
	memcpy(id->idiag_src, s->local_addr, len);
	memcpy(id->idiag_dst, s->remote_addr, len);
	id->idiag_if = s->ifindex;
	id->idiag_cookie[0] = (uint32_t)s->cookie;
	id->idiag_cookie[1] = (uint32_t)(s->cookie >> 32);
}

/* The kernel's answer: 0 or a negative errno. */
static int diag_answer(int fd)
{
	char buffer[4096] __attribute__((aligned(8)));
	const struct nlmsghdr *head = (const void *)buffer;
	struct nlmsgerr answer;
	ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

	if (got < 0)
		return -errno;
	if ((size_t)got < NLMSG_LENGTH(sizeof(answer)) || head->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	memcpy(&answer, NLMSG_DATA(head), sizeof(answer));
	return answer.error;
}

static int diag_destroy(int fd, const struct tcptimer_snapshot *s)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 req;
	} msg = {
		.head = { .nlmsg_len = sizeof(msg),
			  .nlmsg_type = SOCK_DESTROY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.req = { .sdiag_family = s->family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = ~0U },
	};

	diag_id(s, &msg.req.id);
	if (send(fd, &msg, sizeof(msg), 0) != sizeof(msg))
		return -errno;
	return diag_answer(fd);
}

static int diag_netns(const struct netns *netns, void *arg)
{
	struct timeval wait = { .tv_sec = ANSWER_SECONDS };
	struct destroy *d = arg;
	int fd = -1;
	size_t i;

	for (i = 0; i < d->count; i++) {
		struct destroy_target *t = &d->targets[i];

		if (t->err != NOT_TRIED || t->snap.netns != netns->inum)
			continue;
		if (fd < 0) {
			fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
			if (fd < 0)
				return -errno;
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		}
		t->err = diag_destroy(fd, &t->snap);
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

int destroy_sockets(struct destroy_target *targets, size_t count)
{
	struct destroy d = { .targets = targets, .count = count };
	unsigned int skipped;
	int err = 0;
	size_t i;

	for (i = 0; i < count; i++)
		targets[i].err = NOT_TRIED;
	kernel_quiet_libbpf();
	/* Where it fails, or is not there, netlink is the way. */
	if (destroy_has_kfunc())
		destroy_by_bpf(&d);
	err = netns_each(diag_netns, &d, &skipped);
	for (i = 0; i < count; i++)
		if (targets[i].err == NOT_TRIED) /* its namespace has gone, and it with it */
			targets[i].err = -ENOENT;
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a socket to keep locked from a test: tcp_sendmsg() copies from user memory under the lock.
 * Hands it a page that userfaultfd leaves missing until the test gives it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "slow.h"
#include "sys.h"

static void *slow_thread(void *arg)
{
	struct slow_send *slow = arg;
	ssize_t sent = send(slow->socket_fd, slow->page, slow->len, MSG_NOSIGNAL);

	CHECK(sent == (ssize_t)slow->len, "send: %zd: %s", sent, strerror(errno));
	return NULL;
}

void slow_send_start(struct slow_send *ret_slow, int fd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct pollfd pollfd = { .events = POLLIN };
	struct uffd_msg msg;

	ret_slow->socket_fd = fd;
	ret_slow->len = (size_t)sysconf(_SC_PAGESIZE);
	ret_slow->fault_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (ret_slow->fault_fd < 0)
		check_skip("userfaultfd: %s", strerror(errno));
	MUST(ioctl(ret_slow->fault_fd, UFFDIO_API, &api));
	ret_slow->page = mmap(NULL, ret_slow->len, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(ret_slow->page != MAP_FAILED, "mmap: %s", strerror(errno));
	reg.range.start = (uintptr_t)ret_slow->page;
	reg.range.len = ret_slow->len;
	MUST(ioctl(ret_slow->fault_fd, UFFDIO_REGISTER, &reg));
	CHECK(pthread_create(&ret_slow->thread, NULL, slow_thread, ret_slow) == 0, "thread");
	pollfd.fd = ret_slow->fault_fd;
	CHECK(poll(&pollfd, 1, 5000) == 1, "send() did not touch the page");
	MUST(read(ret_slow->fault_fd, &msg, sizeof(msg)));
	CHECK(msg.event == UFFD_EVENT_PAGEFAULT, "event %u", msg.event);
}

void slow_send_end(struct slow_send *slow)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)slow->page, .len = slow->len },
	};

	MUST(ioctl(slow->fault_fd, UFFDIO_ZEROPAGE, &zero));
	CHECK(pthread_join(slow->thread, NULL) == 0, "join");
	close(slow->fault_fd);
	munmap(slow->page, slow->len);
}

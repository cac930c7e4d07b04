// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives failures, namespaces to make and sysctls to write from the tests.
 * Hands on exit codes to the harness, and how late this machine wakes its threads.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "rtnl.h"
#include "sys.h"

int check_fail_status = CHECK_EXIT_FAIL;
static void (*fail_hook)(void *);
static void *fail_hook_arg;

void check_on_fail(void (*hook)(void *), void *arg)
{
	fail_hook = hook;
	fail_hook_arg = arg;
}

void check_fail(const char *file, int line, const char *condition, const char *format, ...)
{
	void (*hook)(void *) = fail_hook;
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%d: %s%s", file, line, condition, *condition ? ": " : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fail_hook = NULL;
	if (hook)
		hook(fail_hook_arg);
	_exit(check_fail_status);
}

void check_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(CHECK_EXIT_SKIP);
}

uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

void die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CHECK_EXIT_FAIL);
}

static int first_netns = -1;

void netns_remember_first(void)
{
	if (first_netns < 0)
		first_netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

int netns_first_fd(void)
{
	return first_netns;
}

void netns_enter_new(struct netns *ret_netns)
{
	struct stat stat;

	if (unshare(CLONE_NEWNET))
		check_skip("can't make a network namespace: %s (root is needed)", strerror(errno));
	ret_netns->fd = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
	MUST(fstat(ret_netns->fd, &stat));
	ret_netns->inode = (unsigned int)stat.st_ino;
	rtnl_link_up("lo");
	/* Other congestion controls pace, which adds to some timers; cached metrics carry RTOs over. */
	sysctl_write_text("ipv4/tcp_congestion_control", "reno");
	sysctl_write("ipv4/tcp_no_metrics_save", 1);
	/* Without these the kernel itself would speak on new links. */
	sysctl_write("ipv6/conf/default/router_solicitations", 0);
	sysctl_write("ipv6/conf/default/accept_dad", 0);
	sysctl_write("ipv6/conf/default/addr_gen_mode", 1);
}

void netns_enter(const struct netns *netns)
{
	MUST(setns(netns->fd, CLONE_NEWNET));
}

static int sysctl_open(const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	return open(path, flags | O_CLOEXEC);
}

bool sysctl_write_text(const char *name, const char *text)
{
	int fd = sysctl_open(name, O_WRONLY);

	if (fd < 0) {
		CHECK(errno == ENOENT, "%s: %s", name, strerror(errno));
		return false;
	}
	if (write(fd, text, strlen(text)) < 0)
		FAIL("sysctl %s=%s: %s", name, text, strerror(errno));
	close(fd);
	return true;
}

bool sysctl_write(const char *name, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	return sysctl_write_text(name, text);
}

long sysctl_read(const char *name)
{
	int fd = sysctl_open(name, O_RDONLY);
	char text[64];
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	text[len] = '\0';
	return atol(text);
}

/* A late wake-up: it should have been at `due_ns` and came `late_ns` after. */
struct noise {
	uint64_t due_ns;
	uint64_t late_ns;
};

#define NOISE_MAX 4096
#define NOISE_FLOOR_NS (NSEC_PER_MSEC / 2)

static struct noise noises[NOISE_MAX];
static unsigned int noise_count;
static pthread_mutex_t noise_lock = PTHREAD_MUTEX_INITIALIZER;

static void *noise_thread(void *arg)
{
	(void)arg;
	for (;;) {
		uint64_t due = realtime_ns() + NSEC_PER_MSEC, now;

		sleep_ms(1);
		now = realtime_ns();
		if (now < due + NOISE_FLOOR_NS)
			continue;
		pthread_mutex_lock(&noise_lock);
		/* When the table is full the oldest go: scenarios are shorter than that. */
		noises[noise_count++ % NOISE_MAX] = (struct noise){ due, now - due };
		pthread_mutex_unlock(&noise_lock);
	}
	return NULL;
}

void noise_start(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, noise_thread, NULL) == 0, "pthread_create");
	pthread_detach(thread);
}

uint64_t noise_worst(uint64_t from_ns, uint64_t to_ns)
{
	unsigned int i, count;
	uint64_t worst = NOISE_FLOOR_NS;

	pthread_mutex_lock(&noise_lock);
	count = noise_count < NOISE_MAX ? noise_count : NOISE_MAX;
	for (i = 0; i < count; i++) {
		const struct noise *noise = &noises[i];

		if (noise->due_ns > to_ns || noise->due_ns + noise->late_ns < from_ns)
			continue;
		if (noise->late_ns > worst)
			worst = noise->late_ns;
	}
	pthread_mutex_unlock(&noise_lock);
	return worst;
}

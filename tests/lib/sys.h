/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every real-kernel test stands on: failing, skipping, clocks, namespaces, sysctls, scheduling noise.
 * Receives calls from tests; ends the calling process with CHECK_EXIT_* when the world does not hold.
 */
#ifndef TCPTIMER_TEST_SYS_H
#define TCPTIMER_TEST_SYS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL

/* FAIL_TRACED: failed with a trace or a policy in force, whose programs the kernel may have left out (witness.h) */
enum { CHECK_EXIT_FAIL = 1, CHECK_EXIT_FAIL_TRACED = 2, CHECK_EXIT_SKIP = 77 };
extern int check_fail_status;

/* Fail the calling scenario with a message; the hook (if any) first prints what it knows. */
__attribute__((noreturn, format(printf, 4, 5))) void
check_fail(const char *file, int line, const char *condition, const char *format, ...);
/* Skip the calling scenario: something that it needs is not here. CI=true makes it a failure. */
__attribute__((noreturn, format(printf, 1, 2))) void check_skip(const char *format, ...);
void check_on_fail(void (*hook)(void *), void *arg);

#define FAIL(...) check_fail(__FILE__, __LINE__, "", __VA_ARGS__)
#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			check_fail(__FILE__, __LINE__, #cond, __VA_ARGS__);                        \
	} while (0)
/* A system call that has to work. */
#define MUST(call)                                                                                 \
	({                                                                                         \
		__typeof__(call) must_ret_ = (call);                                               \
		if (must_ret_ < 0)                                                                 \
			check_fail(__FILE__, __LINE__, #call, "%s", strerror(errno));              \
		must_ret_;                                                                         \
	})

uint64_t realtime_ns(void);
void sleep_ms(unsigned int ms);

/* The caller dies with its parent; call it first thing after fork(). */
void die_with_parent(pid_t parent);

/* A network namespace that lives as long as its descriptor or a process inside. */
struct netns {
	int fd;
	unsigned int inode;
};

/* Remember the namespace that the test program started in; called by the harness. */
void netns_remember_first(void);
int netns_first_fd(void);
/* Make a namespace with loopback up and calm TCP settings; the caller is inside afterwards. */
void netns_enter_new(struct netns *ret_netns);
/* The caller (this thread) goes into an existing one. */
void netns_enter(const struct netns *netns);

/* Write a sysctl of the caller's namespace: "ipv4/tcp_retries2". False when this kernel lacks it. */
bool sysctl_write(const char *name, long value);
bool sysctl_write_text(const char *name, const char *text);
/* -1 when this kernel lacks it. */
long sysctl_read(const char *name);

/* A thread that sleeps a millisecond at a time and notes each time it woke late. */
void noise_start(void);
/* The longest lateness in ns that touched [from_ns, to_ns] of CLOCK_REALTIME. */
uint64_t noise_worst(uint64_t from_ns, uint64_t to_ns);

#endif

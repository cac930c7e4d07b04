// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the daemon gives up once it runs: capabilities, privileges by exec, system calls, resources.
 * Receives nothing; hands back a process that can do its work and little else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "daemon/daemon_impl.h"

/* CAP_SYS_ADMIN stands for CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN where BPF asks for them. */
static const cap_value_t kept[] = {
	CAP_SYS_ADMIN,  /* setns() into each network namespace; loads and attaches programs again */
	CAP_SYS_PTRACE, /* /proc/PID/ns/net of processes of other users */
	CAP_DAC_READ_SEARCH, /* open_by_handle_at(): paths of cgroups; policy files of any owner */
	CAP_SYSLOG, /* addresses of kernel functions in /proc/kallsyms under kptr_restrict */
};

static int drop_capabilities(void)
{
	cap_t caps = cap_init();
	int err = 0;

	if (!caps)
		return -ENOMEM;
	/* The bounding set first: taking from it is a capability as well. */
	for (cap_value_t cap = 0; !err && cap <= CAP_LAST_CAP && CAP_IS_SUPPORTED(cap); cap++) {
		bool keep = false;

		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			keep |= kept[i] == cap;
		if (!keep && cap_get_bound(cap) > 0 && cap_drop_bound(cap))
			err = errno == EPERM ? 0 : -errno; /* no CAP_SETPCAP: systemd has done it */
	}
	/* A capability that it was started without can't be kept; what needs it will say so. */
	for (size_t i = 0; !err && i < sizeof(kept) / sizeof(kept[0]); i++) {
		cap_flag_value_t have = CAP_CLEAR;
		cap_t now = cap_get_proc();

		if (!now || cap_get_flag(now, kept[i], CAP_PERMITTED, &have))
			err = -errno;
		cap_free(now);
		if (!err && have == CAP_SET &&
		    (cap_set_flag(caps, CAP_PERMITTED, 1, &kept[i], CAP_SET) ||
		     cap_set_flag(caps, CAP_EFFECTIVE, 1, &kept[i], CAP_SET)))
			err = -errno;
	}
	cap_reset_ambient();
	if (!err && cap_set_proc(caps))
		err = -errno;
	cap_free(caps);
	return err;
}

static int limit_resources(void)
{
	static const struct {
		int what;
		rlim_t limit;
	} limits[] = {
		{ RLIMIT_CORE, 0 },        /* a dump would hold kernel addresses */
		{ RLIMIT_NPROC, 0 },       /* no process, no thread */
		{ RLIMIT_FSIZE, 1 << 20 }, /* writes no file but the pid, and memfds for journald */
		{ RLIMIT_NOFILE, 1024 },   /* clients, watches, links, maps: bounded each */
		{ RLIMIT_DATA, 1 << 30 },  /* a policy of 1 MiB takes some 10 MiB to read */
		{ RLIMIT_MSGQUEUE, 0 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit now, want;

		if (getrlimit((__rlimit_resource_t)limits[i].what, &now))
			return -errno;
		want.rlim_max = now.rlim_max < limits[i].limit ? now.rlim_max : limits[i].limit;
		want.rlim_cur = want.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].what, &want))
			return -errno;
	}
	return 0;
}

/* clang-format off */
/*
 * What is not here fails with EPERM: no exec, fork, thread, ptrace, mount, module, key; no socket but
 * UNIX ones. Of what libmicrohttpd calls for a scrape (accept4, recvfrom, sendmsg, setsockopt, shutdown,
 * epoll_ctl) nothing had to be added: its socket listens before.
 */
static const char *const allowed[] = {
	/* the loop */
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "timerfd_create",
	"timerfd_settime", "signalfd4", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn",
	"inotify_init1", "inotify_add_watch", "inotify_rm_watch", "eventfd2", "ppoll", "poll",
	"restart_syscall", "clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday",
	/* files: policies, /proc, pins, cgroups */
	"openat", "close", "read", "pread64", "readv", "write", "writev", "lseek", "fstat", "stat",
	"lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2",
	"readlink", "readlinkat", "getdents64", "fcntl", "flock", "umask", "getcwd",
	"open_by_handle_at", "name_to_handle_at", "dup", "dup3", "ftruncate", "memfd_create",
	/* made and taken away: the pins and the socket */
	"mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2",
	/* the control socket, systemd, journald; scrapers, at a socket that listened before */
	"accept4", "connect", "getsockopt", "setsockopt", "getsockname", "recvfrom", "recvmsg",
	"sendto", "sendmsg", "shutdown",
	/* memory and the process itself */
	"brk", "munmap", "mremap", "madvise", "futex", "getrandom", "exit", "exit_group", "getpid",
	"gettid", "getuid", "geteuid", "getgid", "getegid", "capget", "uname", "sysinfo",
	"sched_getaffinity", "sched_yield", "prlimit64", "getrlimit", "tgkill",
	/* what it is for */
	"bpf",
};
/* clang-format on */

#define ALLOW_IF(call, ...) seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(call), 1, __VA_ARGS__)

/* Calls that are allowed with some arguments only. */
static int allow_some(scmp_filter_ctx filter)
{
	int err = ALLOW_IF(socket, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));

	if (!err)
		err = ALLOW_IF(setns, SCMP_A1(SCMP_CMP_EQ, CLONE_NEWNET));
	/* No memory becomes code. */
	if (!err)
		err = ALLOW_IF(mmap, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err)
		err = ALLOW_IF(mprotect, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err;
}

static int filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = filter ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int call = seccomp_syscall_resolve_name(allowed[i]);

		/* Newer than this libseccomp, or of another architecture: __NR_SCMP_ERROR, or below 0. */
		if (call != __NR_SCMP_ERROR)
			err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	}
	if (!err)
		err = allow_some(filter);
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int confine(void)
{
	const char *what = "capabilities";
	int err = drop_capabilities();

	if (!err) {
		what = "no_new_privs";
		err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
	}
	if (!err) {
		what = "resource limits";
		err = limit_resources();
	}
	if (!err) {
		what = "the filter of system calls";
		err = filter_calls();
	}
	if (err)
		log_error("giving up what is not needed: %s: %s", what, strerror(-err));
	return err;
}

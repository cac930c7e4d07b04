// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running the trace programs until told to stop: signals, a time limit, sweeps, owners.
 * Receives records from user/kernel/tracer.c; hands them to the command's function.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/follow.h"
#include "text.h"

/* How often open stalls are looked at for a recovery, which no tracepoint tells. */
#define FOLLOW_SWEEP_MS 100
/* ... so many at a time: with more, the looks are further apart, and cost no more in all. */
#define FOLLOW_SWEEP_STALLS 2000
/* How often, at most, who holds a socket that is not known yet is asked ... */
#define FOLLOW_OWNERS_MS 500
/* ... and what part of the time that may take, on a host with many descriptors: one in so many. */
#define FOLLOW_OWNERS_SHARE 20

int follow_parse_seconds(const struct command *command, const char *text, double *ret_seconds)
{
	char *end, safe[64];
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds < 1e9))
		return cli_usage(command, "'%s' is no number of seconds above 0",
				 text_escape(text, safe, sizeof(safe)));
	*ret_seconds = seconds;
	return CLI_OK;
}

int follow_parse_count(const struct command *command, const char *text, long *ret_count)
{
	char safe[64];

	if (cli_number(text, 1, 1000000000, ret_count))
		return cli_usage(command, "'%s' is no count from 1 to 1000000000",
				 text_escape(text, safe, sizeof(safe)));
	return CLI_OK;
}

int follow_parse_ring(const struct command *command, const char *text, uint32_t *ret_bytes)
{
	char safe[64];
	long value;

	if (cli_number(text, 4096, 1L << 30, &value) || (value & (value - 1)))
		return cli_usage(command, "'%s' is no power of two from 4096 to 1073741824",
				 text_escape(text, safe, sizeof(safe)));
	*ret_bytes = (uint32_t)value;
	return CLI_OK;
}

static int64_t follow_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool follow_knows(const struct follow *f, const struct tcptimer_snapshot *s)
{
	if (s->kind == TCPTIMER_SOCK_REQUEST) /* named by its listener */
		return owners_find(f->owners, s->listener_sk, 0);
	return s->flags & TCPTIMER_F_DEAD || owners_find(f->owners, s->sk, s->cookie);
}

const struct owners *follow_owners(struct follow *f, const struct tcptimer_event *event)
{
	struct owners *fresh;
	int64_t begin_ns, pause_ns;

	if (follow_knows(f, &event->after) || (int64_t)event->time_ns < f->owners_due_ns)
		return f->owners;
	begin_ns = follow_now_ns();
	if (!owners_load(f->tracer.owners, &fresh)) {
		owners_free(f->owners);
		f->owners = fresh;
	}
	pause_ns = (follow_now_ns() - begin_ns) * FOLLOW_OWNERS_SHARE;
	if (pause_ns < FOLLOW_OWNERS_MS * 1000000LL)
		pause_ns = FOLLOW_OWNERS_MS * 1000000LL;
	f->owners_due_ns = begin_ns + pause_ns;
	return f->owners;
}

/* Sweep while there are stalls, and be woken by nothing while there are none. */
static void follow_arm_sweep(struct follow *f)
{
	uint64_t stalls = tracer_open_stalls(&f->tracer);
	uint64_t ms = stalls ? FOLLOW_SWEEP_MS * (1 + stalls / FOLLOW_SWEEP_STALLS) : 0;
	struct itimerspec every = {};

	if (ms == f->sweep_ms)
		return;
	every.it_value.tv_sec = (time_t)(ms / 1000);
	every.it_value.tv_nsec = (long)(ms % 1000 * 1000000);
	every.it_interval = every.it_value;
	timerfd_settime(f->sweep_fd, 0, &every, NULL);
	f->sweep_ms = ms;
}

static int follow_add(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int follow_end_timer(double seconds)
{
	struct itimerspec when = {};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	when.it_value.tv_sec = (time_t)seconds;
	when.it_value.tv_nsec = (long)((seconds - (double)when.it_value.tv_sec) * 1e9);
	if (fd >= 0)
		timerfd_settime(fd, 0, &when, NULL);
	return fd;
}

static int follow_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int follow_open(struct follow *f)
{
	int err;

	f->signal_fd = follow_signals();
	f->end_fd = f->seconds > 0 ? follow_end_timer(f->seconds) : -1;
	f->sweep_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	f->read.ring_grows = !f->read.ring_bytes;
	err = tracer_open(&f->tracer, &f->read, f->record, f->arg);
	if (err)
		return cli_fail_kernel("loading the trace programs", err);
	if (f->tracer.skipped)
		fprintf(stderr,
			"tcptimer: %u network namespaces vanished or could not be entered\n",
			f->tracer.skipped);
	return CLI_OK;
}

/* What a descriptor that is readable asks for. Events themselves are taken after every wake-up. */
static void follow_wake(struct follow *f, int fd)
{
	uint64_t expirations;

	if (fd == f->signal_fd || fd == f->end_fd) {
		/* What came before the end is told. */
		tracer_detach(&f->tracer);
		while (!f->done && tracer_consume(&f->tracer) == -EAGAIN)
			;
		f->done = true;
	} else if (fd == f->sweep_fd &&
		   read(fd, &expirations, sizeof(expirations)) == sizeof(expirations)) {
		tracer_sweep(&f->tracer);
	}
}

static void follow_pause(const struct follow *f)
{
	const struct timespec pause = { .tv_nsec = TRACER_PAUSE_MS * 1000000L };

	if (tracer_crowded(&f->tracer))
		nanosleep(&pause, NULL);
}

int follow_run(struct follow *f)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int err = epoll_fd < 0 ? -errno : 0;

	if (!err)
		err = follow_add(epoll_fd, f->tracer.epoll_fd);
	if (!err)
		err = follow_add(epoll_fd, f->signal_fd);
	if (!err)
		err = follow_add(epoll_fd, f->sweep_fd);
	if (!err && f->end_fd >= 0)
		err = follow_add(epoll_fd, f->end_fd);
	while (!err && !f->done) {
		struct epoll_event ready[4];
		int i, n;

		tracer_consume(&f->tracer);
		f->turn(f->arg);
		follow_arm_sweep(f);
		if (f->done)
			break;
		follow_pause(f);
		n = epoll_wait(epoll_fd, ready, 4, -1);
		if (n < 0 && errno != EINTR)
			err = -errno;
		for (i = 0; i < n; i++)
			follow_wake(f, ready[i].data.fd);
	}
	if (epoll_fd >= 0)
		close(epoll_fd);
	return err ? cli_fail("waiting for events: %s", strerror(-err)) : CLI_OK;
}

void follow_close(struct follow *f)
{
	if (f->tracer.bpf)
		tracer_close(&f->tracer);
	owners_free(f->owners);
	f->owners = NULL;
	close(f->sweep_fd);
	close(f->signal_fd);
	if (f->end_fd >= 0)
		close(f->end_fd);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All trials at once, in one process: an epoll loop over their TUN devices and the trace.
 * Receives trials that were initialized; hands them back with their verdicts.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "conformance.h"

#define NETNS_BUCKETS 1024
#define START_GAP_NS (5 * NSEC_PER_MSEC) /* between two beginnings: spreads the wheel's phases */

static struct trial *by_netns[NETNS_BUCKETS];
static int epoll_fd = -1;

static void run_event(const struct tcptimer_event *event)
{
	struct trial *trial = by_netns[event->after.netns % NETNS_BUCKETS];

	while (trial && trial->netns.inode != event->after.netns)
		trial = trial->next;
	if (trial && trial->started)
		hold_event(trial, event);
}

static void run_add(struct trial *trial)
{
	struct trial **bucket = &by_netns[trial->netns.inode % NETNS_BUCKETS];
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = trial };

	trial->next = *bucket;
	*bucket = trial;
	MUST(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, trial->tun.fd, &ev));
}

static void run_trial(struct trial *trial)
{
	trial_react(trial);
	trial_step(trial);
	hold_settle(trial);
}

/* Waits for packets or events, no longer than until `wake`. */
static void run_wait(uint64_t wake)
{
	struct epoll_event events[64];
	uint64_t now = observe_ns();
	int i, count, timeout = -1;

	if (wake != UINT64_MAX)
		timeout = wake <= now ? 0 : (int)((wake - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
	count = epoll_wait(epoll_fd, events, 64, timeout);
	observe_consume();
	for (i = 0; i < count; i++)
		if (events[i].data.ptr) {
			struct trial *trial = events[i].data.ptr;

			if (trial->started)
				run_trial(trial);
		}
}

static void run_begin(struct trial *trial)
{
	trial->started = trial->verdict == VERDICT_PENDING;
	if (trial->started)
		again_begin(trial);
}

/*
 * Its timers and answers would go on for hours. The device stays until the end: to take it away makes
 * this process wait, and so the other trials' peers.
 */
static void run_stop(struct trial *trial)
{
	again_end(trial);
	trial->started = false;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, trial->tun.fd, NULL);
	trial_close(trial);
}

/* Trials whose time has come, and the next time that one's will. */
static uint64_t run_due(struct trial **trials, size_t count, size_t *ret_pending)
{
	uint64_t wake = UINT64_MAX, now = observe_ns();
	size_t i;

	*ret_pending = 0;
	for (i = 0; i < count; i++) {
		struct trial *trial = trials[i];

		if (!trial->started)
			continue;
		if (!trial_play_over(trial) || trial_wake_ns(trial) <= now || trial->deferred ||
		    (trial->forecast.timeline.deadline.never && !trial->ended))
			run_trial(trial);
		if (trial->verdict != VERDICT_PENDING) {
			run_stop(trial);
			continue;
		}
		++*ret_pending;
		if (trial_wake_ns(trial) < wake)
			wake = trial_wake_ns(trial);
	}
	return wake;
}

static void run_up(struct trial **trials, size_t count)
{
	struct epoll_event ev = { .events = EPOLLIN };
	size_t i;

	memset(by_netns, 0, sizeof(by_netns));
	epoll_fd = MUST(epoll_create1(EPOLL_CLOEXEC));
	MUST(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, observe_fd(), &ev));
	for (i = 0; i < count; i++)
		if (trials[i]->verdict == VERDICT_PENDING && trial_up(trials[i]))
			run_add(trials[i]);
}

/* What was drawn for a guest may outlive three hours; all that came until then was as foretold. */
static void run_out_of_time(struct trial *trial)
{
	if (trial->verdict != VERDICT_PENDING)
		return;
	trial->cut = observe_guest && trial->random && trial->held;
	if (trial->cut)
		trial->verdict = VERDICT_PASSED;
	else
		trial_fail(trial, "did not come to its end");
	run_stop(trial);
}

void run_trials(struct trial **trials, size_t count, unsigned int limit_s)
{
	uint64_t wake, start, limit;
	size_t begun = 0, pending, i;

	static bool open;

	if (!open && !observe_open(run_event))
		exit(1);
	open = true;
	run_up(trials, count);
	start = observe_ns();
	limit = start + limit_s * NSEC_PER_SEC;
	do {
		if (begun < count && observe_ns() >= start + begun * START_GAP_NS) {
			run_begin(trials[begun++]);
		}
		wake = run_due(trials, count, &pending);
		if (limit < wake)
			wake = limit;
		if (begun < count && start + begun * START_GAP_NS < wake)
			wake = start + begun * START_GAP_NS;
		if (begun == count && !pending)
			break;
		run_wait(wake);
	} while (observe_ns() < limit);
	for (i = 0; i < count; i++)
		run_out_of_time(trials[i]);
	close(epoll_fd);
}

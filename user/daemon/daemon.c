// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's life: locks, event loop, signals, systemd.
 * Receives options; hands what happens to the files beside it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "daemon/daemon_impl.h"
#include "daemon/lock.h"
#include "kernel/kernel.h"
#include "text.h"

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct daemon *d = arg;

	sd_notify(0, "STOPPING=1");
	return sd_event_exit(d->event, 0);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct daemon *d = arg;

	/* systemd compares the time with that of its request: sd_notify(3), RELOADING=1 */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(monotonic_ns() / 1000));
	log_info("reloading");
	daemon_reload(d, RELOAD_SIGNAL);
	sd_notify(0, "READY=1");
	daemon_tell(d);
	return 0;
}

static void on_files(void *arg)
{
	daemon_reload(arg, RELOAD_FILES);
}

static int open_loop(struct daemon *d)
{
	static const int stops[] = { SIGTERM, SIGINT };
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	err = sd_event_new(&d->event);
	for (size_t i = 0; err >= 0 && i < sizeof(stops) / sizeof(stops[0]); i++)
		err = sd_event_add_signal(d->event, NULL, stops[i], on_stop, d);
	if (err >= 0)
		err = sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
	if (err >= 0)
		err = sd_event_set_watchdog(d->event, true);
	if (err >= 0)
		err = watch_new(d->event, d->options->paths, d->options->path_count, on_files, d,
				&d->watch);
	if (err < 0) {
		log_error("the event loop: %s", strerror(-err));
		return err;
	}
	return 0;
}

static int lock_socket(struct daemon *d)
{
	char safe[512];
	int holder = 0;

	d->lock_fd = lock_beside(d->options->socket, &holder);
	if (d->lock_fd == -EWOULDBLOCK) {
		log_error("a daemon runs already, with pid %d; stop it first, or see `tcptimer "
			  "status`",
			  holder);
		return d->lock_fd;
	}
	if (d->lock_fd < 0) {
		log_error("locking beside %s: %s; --socket names another place",
			  text_escape(d->options->socket, safe, sizeof(safe)),
			  strerror(-d->lock_fd));
		return d->lock_fd;
	}
	return 0;
}

static int start(struct daemon *d)
{
	int err = open_loop(d);

	if (!err)
		err = lock_socket(d);
	if (!err && names_init(&d->names)) /* has said why */
		err = -ENOTSUP;
	if (!err && d->options->metrics)
		err = metrics_http_listen(d);
	if (!err) {
		err = daemon_attach(d);
		if (err)
			log_error("%s", d->error);
	}
	if (!err)
		err = daemon_start_policy(d);
	if (!err)
		err = trace_watch_new(d, &d->trace);
	if (!err)
		err = ctl_server_new(d, &d->ctl);
	if (!err && d->options->metrics)
		err = metrics_new(d, &d->metrics);
	if (!err && d->options->metrics)
		err = metrics_http_new(d, &d->metrics_http);
	if (!err && d->options->confine)
		err = confine();
	return err;
}

static void stop(struct daemon *d, bool ran)
{
	bool detach = ran && d->options->detach_on_exit, was = false;
	struct enforce_pass pass = {};

	ctl_server_free(d->ctl);
	d->ctl = NULL;
	metrics_http_free(d->metrics_http);
	metrics_free(d->metrics);
	d->metrics = NULL;
	if (detach && d->enforce) {
		if (daemon_clear(d, &pass, &was))
			log_error("detaching: %s", d->error);
		else
			log_info("detached: no policy is in force any more");
	} else if (ran) {
		log_info(d->enforce ? "stopping; the policy stays in force" : "stopping");
	}
	trace_watch_free(d->trace);
	sd_event_source_disable_unref(d->second_pass);
	sd_event_source_disable_unref(d->enforce_source);
	if (d->enforce)
		enforce_close(d->enforce);
	watch_free(d->watch);
	load_free(&d->running);
	sd_event_unref(d->event);
	if (d->pins_fd >= 0)
		close(d->pins_fd);
	if (d->metrics_fd >= 0)
		close(d->metrics_fd);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon d = { .options = options, .lock_fd = -1, .pins_fd = -1, .metrics_fd = -1 };
	int err;

	if (!libs_load_systemd())
		return 1;
	log_open();
	d.started_ns = (int64_t)monotonic_ns() + cli_realtime_offset_ns();
	d.started_monotonic_ns = monotonic_ns();
	err = start(&d);
	if (!err) {
		log_info("tcptimer " TCPTIMER_VERSION " is ready, pid %d%s", getpid(),
			 d.adopted ? "; took over what an earlier daemon had put in place" : "");
		sd_notify(0, "READY=1");
		/* Loading took the kernel's types to pieces: some 16 MiB that are not needed again. */
		probe_forget();
		loader_forget();
		malloc_trim(0);
		daemon_tell(&d);
		err = sd_event_loop(d.event);
		if (err)
			log_error("the event loop: %s", strerror(-err));
	}
	stop(&d, !err);
	return err ? 1 : 0;
}

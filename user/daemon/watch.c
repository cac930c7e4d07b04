// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watches policy files: also ones replaced by a rename, and files and directories that appear later.
 * Receives paths; calls back once the changes have settled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/watch.h"

#define WATCH_SETTLE_US 200000  /* without a further change */
#define WATCH_LATEST_US 2000000 /* ... but no later than this after the first */
/*
 * Not IN_MODIFY: a file that is being written is not looked at before it is closed. IN_CREATE is for
 * links and directories, which nobody closes.
 */
#define WATCH_MASK                                                                                 \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |   \
	 IN_MOVE_SELF | IN_ONLYDIR)
#define WATCHES_MAX 256

/* One directory, and which of its names matter. */
struct watched {
	struct watch *watch;
	sd_event_source *source;
	char *dir;
	char *name; /* NULL: every name that could be a policy's */
};

struct watch {
	sd_event *event;
	const char *const *paths;
	size_t count;
	void (*changed)(void *arg);
	void *arg;
	sd_event_source *settle;
	uint64_t latest_us; /* 0: nothing is settling */
	struct watched watched[WATCHES_MAX];
	size_t watched_count;
};

static int watch_settled(sd_event_source *source, uint64_t usec, void *arg)
{
	struct watch *w = arg;

	w->latest_us = 0;
	w->changed(w->arg);
	return 0;
}

static void watch_settle(struct watch *w)
{
	uint64_t now = 0, at;

	sd_event_now(w->event, CLOCK_MONOTONIC, &now);
	if (!w->latest_us)
		w->latest_us = now + WATCH_LATEST_US;
	at = now + WATCH_SETTLE_US;
	sd_event_source_set_time(w->settle, at < w->latest_us ? at : w->latest_us);
	sd_event_source_set_enabled(w->settle, SD_EVENT_ONESHOT);
}

static bool matters(const struct watched *d, const struct inotify_event *event)
{
	const char *name = event->len ? event->name : "";
	char path[PATH_MAX];
	const char *dot;
	struct stat st;

	if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
		return true;
	/* Kubernetes changes mounted files by renaming the directory "..data" that they link to. */
	if (strncmp(name, "..", 2)) {
		dot = strrchr(name, '.');
		if (d->name ? strcmp(name, d->name) :
			      !dot || name[0] == '.' || strcmp(dot, ".yaml"))
			return false;
	}
	if (!(event->mask & IN_CREATE) || event->mask & IN_ISDIR)
		return true;
	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	return lstat(path, &st) || !S_ISREG(st.st_mode) || st.st_nlink > 1;
}

static int watch_event(sd_event_source *source, const struct inotify_event *event, void *arg)
{
	struct watched *d = arg;

	if (matters(d, event))
		watch_settle(d->watch);
	return 0;
}

static int watch_directory(struct watch *w, const char *dir, const char *name)
{
	struct watched *d = &w->watched[w->watched_count];
	int err;

	if (w->watched_count == WATCHES_MAX)
		return -ENOSPC;
	*d = (struct watched){ .watch = w };
	d->dir = strdup(dir);
	d->name = name ? strdup(name) : NULL;
	if (!d->dir || (name && !d->name))
		err = -ENOMEM;
	else
		err = sd_event_add_inotify(w->event, &d->source, dir, WATCH_MASK, watch_event, d);
	if (err < 0) {
		free(d->dir);
		free(d->name);
		return err;
	}
	w->watched_count++;
	return 0;
}

/* The nearest directory above that is there, and what should appear in it. */
static int watch_parent(struct watch *w, const char *path)
{
	char dir[PATH_MAX], name[PATH_MAX];
	struct stat st;
	char *slash;
	size_t len;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	for (;;) {
		for (len = strlen(dir); len > 1 && dir[len - 1] == '/'; len--)
			dir[len - 1] = '\0';
		slash = strrchr(dir, '/');
		snprintf(name, sizeof(name), "%s", slash ? slash + 1 : dir);
		if (!slash)
			strcpy(dir, ".");
		else if (slash == dir)
			dir[1] = '\0';
		else
			*slash = '\0';
		if (!stat(dir, &st) && S_ISDIR(st.st_mode))
			return watch_directory(w, dir, name);
		if (!slash || !strcmp(dir, "/"))
			return -ENOENT;
	}
}

static int watch_path(struct watch *w, const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	int err = watch_parent(w, path);

	/* A link: what it leads to changes elsewhere. */
	if (!err && !lstat(path, &st) && S_ISLNK(st.st_mode) && realpath(path, real))
		err = watch_parent(w, real);
	if (!err && !stat(path, &st) && S_ISDIR(st.st_mode))
		err = watch_directory(w, path, NULL);
	return err;
}

static void watch_disarm(struct watch *w)
{
	while (w->watched_count) {
		struct watched *d = &w->watched[--w->watched_count];

		sd_event_source_disable_unref(d->source);
		free(d->dir);
		free(d->name);
	}
}

int watch_new(sd_event *event, const char *const *paths, size_t count, void (*changed)(void *arg),
	      void *arg, struct watch **ret_watch)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	*w = (struct watch){ event, paths, count, changed, arg };
	err = sd_event_add_time(event, &w->settle, CLOCK_MONOTONIC, UINT64_MAX, 1000, watch_settled,
				w);
	if (err < 0) {
		free(w);
		return err;
	}
	sd_event_source_set_enabled(w->settle, SD_EVENT_OFF);
	*ret_watch = w;
	return 0;
}

int watch_arm(struct watch *watch)
{
	int first = 0;

	watch_disarm(watch);
	for (size_t i = 0; i < watch->count; i++) {
		int err = watch_path(watch, watch->paths[i]);

		if (err && !first)
			first = err;
	}
	return first;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	watch_disarm(watch);
	sd_event_source_disable_unref(watch->settle);
	free(watch);
}

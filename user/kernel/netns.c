// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every network namespace of the host: those of processes and those kept by a bind mount.
 * Receives a function to call in each; hands it the namespace, entered.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kernel/kernel.h"

struct netns_entry {
	unsigned int inum;
	char *path; /* by which to open it */
	char *name; /* last part of a bind mount's path, or NULL */
};

struct netns_set {
	struct netns_entry *entries;
	size_t count;
	size_t room;
};

static int netns_compare(const void *a, const void *b)
{
	const struct netns_entry *x = a, *y = b;

	return x->inum < y->inum ? -1 : x->inum > y->inum;
}

static int netns_add(struct netns_set *set, unsigned int inum, const char *path, const char *name)
{
	struct netns_entry *e;
	size_t i;

	/* Neighbouring processes mostly share one: the last few entries answer nearly always. */
	for (i = set->count; i-- > 0;) {
		if (set->entries[i].inum == inum) {
			if (name && !set->entries[i].name)
				set->entries[i].name = strdup(name);
			return 0;
		}
	}
	if (set->count == set->room) {
		size_t room = set->room ? set->room * 2 : 64;

		e = reallocarray(set->entries, room, sizeof(*e));
		if (!e)
			return -ENOMEM;
		set->entries = e;
		set->room = room;
	}
	e = &set->entries[set->count];
	e->inum = inum;
	e->path = strdup(path);
	e->name = name ? strdup(name) : NULL;
	if (!e->path)
		return -ENOMEM;
	set->count++;
	return 0;
}

/* \040 and its kin, as mountinfo writes blanks and backslashes. */
static void netns_unescape(char *path)
{
	char *out = path;

	for (; *path; path++) {
		if (path[0] == '\\' && isdigit((unsigned char)path[1]) &&
		    isdigit((unsigned char)path[2]) && isdigit((unsigned char)path[3])) {
			*out++ = (char)((path[1] - '0') << 6 | (path[2] - '0') << 3 |
					(path[3] - '0'));
			path += 3;
		} else {
			*out++ = *path;
		}
	}
	*out = '\0';
}

/* Bind mounts of namespaces: file system type nsfs, root net:[INUM]. */
static int netns_from_mounts(struct netns_set *set)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!file)
		return -errno;
	while (!err && getline(&line, &size, file) > 0) {
		char root[256], path[4096];
		unsigned int inum;
		const char *name;

		if (sscanf(line, "%*u %*u %*s %255s %4095s", root, path) != 2 ||
		    sscanf(root, "net:[%u]", &inum) != 1)
			continue;
		netns_unescape(path);
		name = strrchr(path, '/');
		err = netns_add(set, inum, path, name ? name + 1 : path);
	}
	free(line);
	fclose(file);
	return err;
}

static int netns_from_processes(struct netns_set *set)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int last = 0;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc))) {
		char path[300], target[32];
		unsigned int inum;
		ssize_t length;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		/* Read, not followed, which would make the kernel find its inode for each process. */
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		length = readlinkat(dirfd(proc), path + strlen("/proc/"), target,
				    sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (sscanf(target, "net:[%u]", &inum) != 1 || inum == last)
			continue;
		last = inum;
		err = netns_add(set, last, path, NULL);
	}
	closedir(proc);
	return err;
}

static void netns_set_free(struct netns_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		free(set->entries[i].path);
		free(set->entries[i].name);
	}
	free(set->entries);
}

static int netns_collect(struct netns_set *set)
{
	int err = netns_from_mounts(set);

	if (!err)
		err = netns_from_processes(set);
	if (set->count)
		qsort(set->entries, set->count, sizeof(*set->entries), netns_compare);
	return err;
}

/*
 * Open it and see that it still is the namespace that was found: pids and mounts come and go. The
 * caller's own is found by `home` alone once the thread is elsewhere, if nobody else is in it.
 */
static int netns_open(const struct netns_entry *entry, int home)
{
	struct stat st;
	int fd;

	if (!fstat(home, &st) && (unsigned int)st.st_ino == entry->inum)
		return fcntl(home, F_DUPFD_CLOEXEC, 0);
	fd = open(entry->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || (unsigned int)st.st_ino != entry->inum) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

int netns_each(int (*fn)(const struct netns *netns, void *arg), void *arg,
	       unsigned int *ret_skipped)
{
	struct netns_set set = {};
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;
	size_t i;

	*ret_skipped = 0;
	if (home < 0)
		return -errno;
	err = netns_collect(&set);
	for (i = 0; !err && i < set.count; i++) {
		struct netns netns = { .inum = set.entries[i].inum, .name = set.entries[i].name };

		netns.fd = netns_open(&set.entries[i], home);
		if (netns.fd < 0 || setns(netns.fd, CLONE_NEWNET)) {
			(*ret_skipped)++;
		} else {
			err = fn(&netns, arg);
		}
		if (netns.fd >= 0)
			close(netns.fd);
	}
	if (setns(home, CLONE_NEWNET) && !err)
		err = -errno;
	close(home);
	netns_set_free(&set);
	return err;
}

bool netns_is(const struct netns *netns, const char *which)
{
	char inum[16];

	snprintf(inum, sizeof(inum), "%u", netns->inum);
	return !strcmp(which, inum) || (netns->name && !strcmp(which, netns->name));
}

bool netns_exists(const char *which)
{
	struct netns_set set = {};
	bool found = false;
	size_t i;

	netns_collect(&set);
	for (i = 0; !found && i < set.count; i++) {
		struct netns netns = { .inum = set.entries[i].inum, .name = set.entries[i].name };

		found = netns_is(&netns, which);
	}
	netns_set_free(&set);
	return found;
}

const char *netns_name(unsigned int inum)
{
	static struct netns_set set;
	static unsigned int missed[64];
	struct netns_entry key = { .inum = inum }, *found;

	found = set.count ? bsearch(&key, set.entries, set.count, sizeof(key), netns_compare) :
			    NULL;
	if (found)
		return found->name;
	if (missed[inum % 64] == inum)
		return NULL;
	/* An unknown one: it may have been made since. Those without a mount are asked for once. */
	missed[inum % 64] = inum;
	netns_set_free(&set);
	memset(&set, 0, sizeof(set));
	netns_from_mounts(&set);
	if (set.count)
		qsort(set.entries, set.count, sizeof(*set.entries), netns_compare);
	found = set.count ? bsearch(&key, set.entries, set.count, sizeof(key), netns_compare) :
			    NULL;
	return found ? found->name : NULL;
}

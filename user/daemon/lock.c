// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One daemon at a time: a lock beside its socket, and one on the directory of its pins.
 * Receives paths; hands descriptors that hold the lock, or who holds it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "daemon/lock.h"

/* /proc/locks: "1: FLOCK  ADVISORY  WRITE 4711 00:1d:12345 0 EOF", device and inode of the file. */
static int find_holder(int fd)
{
	FILE *file = fopen("/proc/locks", "re");
	unsigned int major, minor;
	unsigned long inode;
	int pid, found = 0;
	char *line = NULL;
	size_t size = 0;
	struct stat st;

	if (!file || fstat(fd, &st)) {
		if (file)
			fclose(file);
		return 0;
	}
	while (!found && getline(&line, &size, file) > 0)
		if (sscanf(line, "%*s FLOCK %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode) ==
			    4 &&
		    inode == st.st_ino && major == major(st.st_dev) && minor == minor(st.st_dev))
			found = pid;
	free(line);
	fclose(file);
	return found;
}

static int lock(int fd, int *ret_holder)
{
	int err;

	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = -errno;
	*ret_holder = err == -EWOULDBLOCK ? find_holder(fd) : 0;
	close(fd);
	return err;
}

int lock_beside(const char *socket_path, int *ret_holder)
{
	char path[PATH_MAX], pid[16] = "";
	const char *slash = strrchr(socket_path, '/');
	int length = slash ? (int)(slash - socket_path) : 1, fd, err;

	*ret_holder = 0;
	if (snprintf(path, sizeof(path), "%.*s/daemon.lock", length, slash ? socket_path : ".") >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	path[length] = '\0';
	if (length && mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	path[length] = '/';
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	/* The one that runs says who it is, also where /proc/locks shows other namespaces' pids. */
	if (pread(fd, pid, sizeof(pid) - 1, 0) > 0)
		*ret_holder = atoi(pid);
	err = flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;
	if (!err && (ftruncate(fd, 0) || dprintf(fd, "%d\n", getpid()) < 0))
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* The directory that it lies in, or will: nothing is made elsewhere. */
static bool on_bpffs(const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];
	struct statfs fs;

	return slash && slash != path &&
	       snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path) <
		       (int)sizeof(parent) &&
	       !statfs(parent, &fs) && fs.f_type == BPF_FS_MAGIC;
}

int lock_directory(const char *path, int *ret_holder)
{
	int fd;

	*ret_holder = 0;
	if (!on_bpffs(path))
		return -ENODEV;
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : lock(fd, ret_holder);
}

int lock_holder(const char *path)
{
	int holder = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fd = fd < 0 ? fd : lock(fd, &holder);
	if (fd >= 0)
		close(fd);
	return holder;
}

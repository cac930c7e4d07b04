// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives wishes for a pin directory from tests, and users to clean up after from the harness.
 * Hands on paths below /sys/fs/bpf.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "pins.h"
#include "sys.h"

#define PINS_MOUNT "/sys/fs/bpf"
#define PINS_PREFIX "tcptimer-test-"

static bool pins_mounted(void)
{
	struct statfs fs;

	return !statfs(PINS_MOUNT, &fs) && fs.f_type == BPF_FS_MAGIC;
}

void pins_path(char *buf, size_t size)
{
	static unsigned int number;

	if (!pins_mounted() &&
	    (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	     mount("tcptimer-test", PINS_MOUNT, "bpf", 0, NULL)))
		check_skip("no bpf file system, and none can be mounted: %s", strerror(errno));
	snprintf(buf, size, PINS_MOUNT "/" PINS_PREFIX "%d-%u", getpid(), number++);
}

static void pins_remove_dir(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type == DT_DIR)
			pins_remove_dir(dirfd(dir), entry->d_name);
		else
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

void pins_remove(pid_t user)
{
	DIR *dir = pins_mounted() ? opendir(PINS_MOUNT) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid;

		if (strncmp(entry->d_name, PINS_PREFIX, strlen(PINS_PREFIX)) != 0)
			continue;
		pid = atoi(entry->d_name + strlen(PINS_PREFIX));
		if (user ? pid == user : pid > 0 && kill(pid, 0) && errno == ESRCH)
			pins_remove_dir(dirfd(dir), entry->d_name);
	}
	if (dir)
		closedir(dir);
}

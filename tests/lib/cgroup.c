// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives cgroups to make from tests and makers to clean up after from the harness.
 * Hands on directories in the cgroup2 file system.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cgroup.h"
#include "sys.h"

#define CGROUP_PREFIX "tcptimer-test-"

static char mount_point[512];

static bool mount_find(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;

	while (mounts && !mount_point[0] && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			snprintf(mount_point, sizeof(mount_point), "%s", entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return mount_point[0];
}

const char *cgroup_mount(void)
{
	char dir[] = "/tmp/tcptimer-cgroup2-XXXXXX";

	if (mount_point[0] || mount_find())
		return mount_point;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mkdtemp(dir) || mount("tcptimer-test", dir, "cgroup2", 0, NULL))
		check_skip("no cgroup2 mount, and none can be made: %s", strerror(errno));
	/* The directory below a private mount stays; it is empty and has a unique name. */
	snprintf(mount_point, sizeof(mount_point), "%s", dir);
	return mount_point;
}

void cgroup_new(struct cgroup *ret_cgroup, const char *leaf)
{
	static unsigned int number;
	const char *root = cgroup_mount();
	int len = snprintf(ret_cgroup->path, sizeof(ret_cgroup->path), "%s/" CGROUP_PREFIX "%d-%u",
			   root, getpid(), number++);

	if (mkdir(ret_cgroup->path, 0755))
		check_skip("can't make cgroup %s: %s", ret_cgroup->path, strerror(errno));
	if (leaf) {
		snprintf(ret_cgroup->path + len, sizeof(ret_cgroup->path) - (size_t)len, "/%s",
			 leaf);
		MUST(mkdir(ret_cgroup->path, 0755));
	}
	ret_cgroup->name = ret_cgroup->path + strlen(root);
}

void cgroup_join(const struct cgroup *cgroup)
{
	char path[PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->path);
	fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(fd, "0", 1));
	close(fd);
}

static void remove_tree(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			remove_tree(dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

void cgroup_remove(pid_t maker)
{
	DIR *dir = mount_point[0] || mount_find() ? opendir(mount_point) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid;

		if (strncmp(entry->d_name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) != 0)
			continue;
		pid = atoi(entry->d_name + strlen(CGROUP_PREFIX));
		if (maker ? pid == maker : pid > 0 && kill(pid, 0) && errno == ESRCH)
			remove_tree(dirfd(dir), entry->d_name);
	}
	if (dir)
		closedir(dir);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cgroup ids to paths.
 * Receives ids that sockets carry; hands the path below the cgroup2 mount, from a bounded cache.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kernel/kernel.h"

#define CGROUPS_CACHE 4096 /* entries; a slot holds the last id that hashed to it */
#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h: the handle is the 64-bit id */

struct cgroups_entry {
	uint64_t id;
	char *path;
};

const char *cgroups_mount(void)
{
	static char mount[4096];
	static bool looked;
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	if (looked)
		return mount[0] ? mount : NULL;
	looked = true;
	file = fopen("/proc/self/mountinfo", "re");
	if (!file)
		return NULL;
	while (!mount[0] && getline(&line, &size, file) > 0) {
		const char *dash = strstr(line, " - ");

		if (dash && !strncmp(dash, " - cgroup2 ", 11))
			sscanf(line, "%*u %*u %*s %*s %4095s", mount);
	}
	free(line);
	fclose(file);
	return mount[0] ? mount : NULL;
}

bool cgroups_mount_is_root(void)
{
	const char *mount = cgroups_mount();
	struct stat st;

	return mount && !stat(mount, &st) && st.st_ino == 1; /* kernfs numbers from its root on */
}

/* kernfs takes its ids as file handles: no walk over the tree. */
char *cgroups_resolve(uint64_t id)
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} h = { .handle = { .handle_bytes = sizeof(uint64_t), .handle_type = FILEID_KERNFS } };
	static int mount_fd = -1;
	const char *mount = cgroups_mount();
	char link[64], path[4352];
	ssize_t len;
	int fd;

	if (!mount)
		return NULL;
	if (mount_fd < 0)
		mount_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount_fd < 0)
		return NULL;
	memcpy(h.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount_fd, &h.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (len < 0)
		return NULL;
	path[len] = '\0';
	/* A removed cgroup that sockets still hold: "PATH (deleted)" */
	if (strncmp(path, mount, strlen(mount)))
		return NULL;
	return strdup(path[strlen(mount)] ? path + strlen(mount) : "/");
}

bool cgroups_exists(uint64_t id)
{
	char *path = cgroups_resolve(id), full[8704];
	struct stat st;
	bool exists;

	/* A removed one that sockets still hold is "PATH (deleted)", which may be a cgroup's name, too. */
	exists = path &&
		 snprintf(full, sizeof(full), "%s%s", cgroups_mount(), path) < (int)sizeof(full) &&
		 !stat(full, &st) && st.st_ino == id;
	free(path);
	return exists;
}

const char *cgroups_path(uint64_t id)
{
	static struct cgroups_entry cache[CGROUPS_CACHE];
	struct cgroups_entry *e = &cache[(id ^ id >> 32) % CGROUPS_CACHE];

	if (!id)
		return NULL;
	if (e->id != id) {
		free(e->path);
		e->path = cgroups_resolve(id);
		e->id = id;
	}
	return e->path;
}

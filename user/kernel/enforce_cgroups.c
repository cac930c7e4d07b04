// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rules each cgroup's sockets may take, kept as cgroups come and go.
 * Receives the tree, and events of the kernel's cgroup tracepoints; hands masks to the map.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bpf/cgroup_event.h"
#include "kernel/enforce_impl.h"
#include "kernel/kernel.h"
#include "policy/policy_compile.h"
#include "text.h"
#include "policy.skel.h"

#define DEPTH_MAX 64 /* levels; the kernel's own cgroup.max.depth is seldom lower */

struct walk {
	struct enforce *e;
	const struct policy *policy;
	unsigned int bank;
	uint64_t count;
	char path[4096]; /* below the mount */
};

/*
 * A cgroup that is new to the map, in the bank that is in force: what it had until now, the nearest
 * known ancestor's. An entry of its own must not take that away.
 */
static void cgroup_inherit(struct tcptimer_policy_cgroup *entry,
			   const struct tcptimer_policy_cgroup *above, unsigned int bank)
{
	memset(entry, 0, sizeof(*entry));
	if (!above)
		return;
	memcpy(entry->own[bank], above->inherit[bank], sizeof(entry->own[bank]));
	memcpy(entry->inherit[bank], above->inherit[bank], sizeof(entry->inherit[bank]));
}

/* `above`: the entry of the cgroup right above it, NULL: none. ret_entry may be NULL. */
static int cgroup_set(struct enforce *e, const struct policy *policy, unsigned int bank,
		      uint64_t id, const char *path, const struct tcptimer_policy_cgroup *above,
		      struct tcptimer_policy_cgroup *ret_entry)
{
	int fd = bpf_map__fd(e->bpf->maps.policy_cgroups);
	struct tcptimer_policy_cgroup entry;
	bool known = !bpf_map_lookup_elem(fd, &id, &entry);

	if (!known)
		cgroup_inherit(&entry, above, e->control->active & 1);
	policy_compile_cgroup(policy, path, (uint64_t *)entry.own[bank],
			      (uint64_t *)entry.inherit[bank]);
	if (ret_entry)
		*ret_entry = entry;
	if (!bpf_map_update_elem(fd, &id, &entry, BPF_ANY)) {
		e->cgroups += !known;
		return 0;
	}
	if (errno == E2BIG)
		return enforce_fail(
			-E2BIG,
			"no room for more than %u cgroups; remove some, or let the daemon "
			"act on a part of the tree",
			bpf_map__max_entries(e->bpf->maps.policy_cgroups));
	return enforce_fail(-errno, "no room for cgroup number %llu: %s",
			    (unsigned long long)e->cgroups, strerror(errno));
}

/* Symbolic links and mounts there are none in a cgroup tree; what vanishes meanwhile is skipped. */
static int cgroup_walk(struct walk *w, int dir_fd, const struct tcptimer_policy_cgroup *above,
		       unsigned int depth)
{
	struct tcptimer_policy_cgroup here;
	size_t len = strlen(w->path);
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int err;

	if (fstat(dir_fd, &st)) {
		close(dir_fd);
		return 0;
	}
	err = cgroup_set(w->e, w->policy, w->bank, st.st_ino, w->path, above, &here);
	w->count++;
	dir = err || depth == DEPTH_MAX ? NULL : fdopendir(dir_fd);
	if (!dir) {
		close(dir_fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		int fd;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		if (len + strlen(entry->d_name) + 2 > sizeof(w->path))
			continue;
		fd = openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		snprintf(w->path + len, sizeof(w->path) - len, "%s%s", len > 1 ? "/" : "",
			 entry->d_name);
		err = cgroup_walk(w, fd, &here, depth + 1);
		w->path[len] = '\0';
	}
	closedir(dir);
	return err;
}

/* Entries of cgroups that are gone: those that the walk did not meet. */
static void cgroup_prune(struct enforce *e)
{
	int fd = bpf_map__fd(e->bpf->maps.policy_cgroups);
	uint64_t key, next, *keys = NULL;
	size_t count = 0, room = 0, i;
	bool first = true;

	while (!bpf_map_get_next_key(fd, first ? NULL : &key, &next)) {
		if (count == room) {
			uint64_t *more =
				reallocarray(keys, room = room ? 2 * room : 1024, sizeof(*keys));

			if (!more)
				break;
			keys = more;
		}
		keys[count++] = key = next;
		first = false;
	}
	e->cgroups = count;
	for (i = 0; i < count; i++)
		if (!cgroups_exists(keys[i]) && !bpf_map_delete_elem(fd, &keys[i]))
			e->cgroups--;
	free(keys);
}

static int cgroups_walk_once(struct enforce *e, const struct policy *policy, unsigned int bank)
{
	struct walk w = { .e = e, .policy = policy, .bank = bank };
	char safe[128];
	int fd = openat(e->cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	struct stat here, there;

	/* A removed one can be opened for as long as somebody holds it. */
	if (fd < 0 || fstat(fd, &here) || stat(e->cgroup_dir, &there) ||
	    here.st_ino != there.st_ino) {
		if (fd >= 0)
			close(fd);
		return enforce_fail(-ENOENT, "cgroup '%s' is gone; name one that exists",
				    text_escape(e->cgroup, safe, sizeof(safe)));
	}
	snprintf(w.path, sizeof(w.path), "%s", e->cgroup);
	return cgroup_walk(&w, fd, NULL, 0);
}

int enforce_cgroups_walk(struct enforce *e, const struct policy *policy, unsigned int bank)
{
	int err = cgroups_walk_once(e, policy, bank);

	/* Also after a failure: entries of cgroups that are gone may be what fills the map. */
	cgroup_prune(e);
	if (err == -E2BIG)
		err = cgroups_walk_once(e, policy, bank);
	if (!err)
		e->cgroup_rewalk = false;
	return err;
}

/* At or below the cgroup that this enforcement acts on. */
static bool cgroup_ours(const struct enforce *e, const char *path)
{
	size_t len = strlen(e->cgroup);

	if (len == 1)
		return true;
	return !strncmp(path, e->cgroup, len) && (path[len] == '/' || !path[len]);
}

/*
 * The path below the mount. The event's is of the whole hierarchy: of use where the mount shows that,
 * and no other namespace's part of it.
 */
static char *cgroup_event_path(const struct tcptimer_cgroup_event *ev)
{
	if (!ev->path_size || ev->path_size >= sizeof(ev->path) || !cgroups_mount_is_root())
		return cgroups_resolve(ev->id);
	return strndup(ev->path, sizeof(ev->path));
}

/* Called by the ring buffer for each event. */
int enforce_cgroup_event(void *arg, void *data, size_t size)
{
	const struct tcptimer_cgroup_event *ev = data;
	struct enforce *e = arg;
	char *path;

	if (size < sizeof(*ev) || !e->policy)
		return 0;
	if (ev->gone) {
		if (!bpf_map_delete_elem(bpf_map__fd(e->bpf->maps.policy_cgroups), &ev->id))
			e->cgroups--;
		return 0;
	}
	path = cgroup_event_path(ev);
	if (path && cgroup_ours(e, path))
		cgroup_set(e, e->policy, e->control->active & 1, ev->id, path, NULL, NULL);
	free(path);
	return 0;
}

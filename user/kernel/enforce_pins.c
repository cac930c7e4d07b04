// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pinned programs and maps: put there, taken over by the next daemon without a gap, taken away.
 * Receives an object before and after loading; hands links that outlive the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/enforce_impl.h"
#include "kernel/kernel.h"
#include "text.h"
#include "policy.skel.h"

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

static const char *const map_names[ENFORCE_MAPS] = {
	"map_control", "map_rules",  "map_cgroups", "map_counters",
	"map_sockets", "map_source", "map_index",   "map_slots",
};
static const char *const link_names[ENFORCE_LINKS] = { "link_sockops", "link_setsockopt" };

struct bpf_map *enforce_map(struct policy_bpf *bpf, unsigned int i, const char **ret_name)
{
	struct bpf_map *const maps[ENFORCE_MAPS] = {
		bpf->maps.policy_control,  bpf->maps.policy_rules,   bpf->maps.policy_cgroups,
		bpf->maps.policy_counters, bpf->maps.policy_sockets, bpf->maps.policy_source,
		bpf->maps.policy_index,    bpf->maps.policy_slots,
	};

	*ret_name = map_names[i];
	return maps[i];
}

struct bpf_program *enforce_program(struct policy_bpf *bpf, unsigned int i,
				    const char **ret_link_name)
{
	*ret_link_name = link_names[i];
	return i == ENFORCE_SOCKOPS ? bpf->progs.policy_sockops : bpf->progs.policy_setsockopt;
}

static void pins_path(const struct enforce *e, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", e->pin_dir, name);
}

/* Of the directory, or of the first above it that exists. */
static bool pins_on_bpffs(const char *dir)
{
	char path[256];
	struct statfs fs;
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	while (statfs(path, &fs)) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash || slash == path)
			return false;
		*slash = '\0';
	}
	return fs.f_type == BPF_FS_MAGIC;
}

static int pins_cgroup(struct enforce *e, const char *cgroup)
{
	const char *mount = cgroups_mount();
	char safe[128];
	struct statfs fs;

	if (!mount)
		return enforce_fail(-ENOENT, "cgroup v2 is not mounted; mount it: mount -t cgroup2 "
					     "cgroup2 /sys/fs/cgroup");
	cgroup = cgroup ? cgroup : "/";
	if (cgroup[0] != '/' || strstr(cgroup, "/../") || strlen(cgroup) >= sizeof(e->cgroup))
		return enforce_fail(-EINVAL, "no cgroup path: '%s'; it begins with / below %s",
				    text_escape(cgroup, safe, sizeof(safe)), mount);
	snprintf(e->cgroup, sizeof(e->cgroup), "%s", cgroup);
	while (strlen(e->cgroup) > 1 && e->cgroup[strlen(e->cgroup) - 1] == '/')
		e->cgroup[strlen(e->cgroup) - 1] = '\0';
	snprintf(e->cgroup_dir, sizeof(e->cgroup_dir), "%s%s", mount,
		 strcmp(e->cgroup, "/") ? e->cgroup : "");
	e->cgroup_fd = open(e->cgroup_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->cgroup_fd < 0)
		return enforce_fail(-errno, "no cgroup '%s' below %s: %s",
				    text_escape(cgroup, safe, sizeof(safe)), mount,
				    strerror(errno));
	if (fstatfs(e->cgroup_fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return enforce_fail(-EINVAL, "'%s' is no cgroup of %s",
				    text_escape(cgroup, safe, sizeof(safe)), mount);
	return 0;
}

int enforce_pins_prepare(struct enforce *e, const struct enforce_options *options, bool make)
{
	const char *dir = options->pin_dir ? options->pin_dir : ENFORCE_PIN_DIR;
	char safe[128];
	struct stat st;
	int err;

	e->cgroup_fd = -1;
	if (dir[0] != '/' || strlen(dir) >= sizeof(e->pin_dir) - 32)
		return enforce_fail(-EINVAL, "no directory for pins: '%s'; it is an absolute path",
				    text_escape(dir, safe, sizeof(safe)));
	snprintf(e->pin_dir, sizeof(e->pin_dir), "%s", dir);
	if (!pins_on_bpffs(dir))
		return enforce_fail(-ENOENT,
				    "'%s' is not on a bpf file system; mount it: mount -t bpf bpf "
				    "/sys/fs/bpf",
				    text_escape(dir, safe, sizeof(safe)));
	if (make && mkdir(dir, 0700) && errno != EEXIST)
		return enforce_fail(-errno, "can't make '%s': %s",
				    text_escape(dir, safe, sizeof(safe)), strerror(errno));
	if (make && (lstat(dir, &st) || !S_ISDIR(st.st_mode) || st.st_uid))
		return enforce_fail(-EPERM, "'%s' is no directory of root's",
				    text_escape(dir, safe, sizeof(safe)));
	err = pins_cgroup(e, options->cgroup);
	/* What is pinned can be taken away also when the cgroup is gone. */
	return !make && e->cgroup_fd < 0 && e->cgroup_dir[0] && err == -ENOENT ? 0 : err;
}

/* The layout that the pinned control map says: its first four bytes, whatever follows. 0: none. */
static uint32_t pins_layout(int fd)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info), zero = 0, layout = 0;
	void *value;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != BPF_MAP_TYPE_ARRAY ||
	    info.value_size < sizeof(layout))
		return 0;
	value = calloc(1, info.value_size);
	if (value && !bpf_map_lookup_elem(fd, &zero, value))
		memcpy(&layout, value, sizeof(layout));
	free(value);
	return layout;
}

static bool pins_fits(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       (info.type == BPF_MAP_TYPE_SK_STORAGE ||
		info.max_entries == bpf_map__max_entries(map));
}

bool enforce_pins_reuse(struct enforce *e)
{
	bool same = true, kept[ENFORCE_MAPS] = {};
	int fds[ENFORCE_MAPS];
	uint32_t layout = 0;
	const char *name;
	char path[320];
	unsigned int i;

	for (i = 0; i < ENFORCE_MAPS; i++) {
		struct bpf_map *map = enforce_map(e->bpf, i, &name);
		bool fits;

		pins_path(e, name, path, sizeof(path));
		fds[i] = bpf_obj_get(path);
		fits = fds[i] >= 0 && pins_fits(fds[i], map);
		if (i == ENFORCE_CONTROL)
			layout = fds[i] < 0 ? 0 : pins_layout(fds[i]);
		if (i == ENFORCE_SOCKETS || i == ENFORCE_SLOTS)
			kept[i] = fits && layout >> 16 == TCPTIMER_POLICY_LAYOUT_SOCKETS;
		same = same && fits;
	}
	same = same && layout == TCPTIMER_POLICY_LAYOUT;
	for (i = 0; i < ENFORCE_MAPS; i++) {
		if ((same || kept[i]) && bpf_map__reuse_fd(enforce_map(e->bpf, i, &name), fds[i]))
			same = kept[i] = false;
		if (fds[i] >= 0)
			close(fds[i]);
	}
	e->sockets_kept = (kept[ENFORCE_SOCKETS] || kept[ENFORCE_SLOTS]) && !same;
	return same;
}

/* The map that is pinned there is this one. */
static bool pins_is_map(const char *path, const struct bpf_map *map)
{
	struct bpf_map_info there = {}, here = {};
	uint32_t len = sizeof(there);
	int fd = bpf_obj_get(path);
	bool is;

	if (fd < 0)
		return false;
	is = !bpf_obj_get_info_by_fd(fd, &there, &len);
	len = sizeof(here);
	is = is && !bpf_obj_get_info_by_fd(bpf_map__fd(map), &here, &len) && there.id == here.id;
	close(fd);
	return is;
}

/*
 * Others are put in the place of those that are there. The control map goes first and comes last:
 * without it, the rest is no set that anyone would take over.
 */
int enforce_pins_maps(struct enforce *e)
{
	const char *name;
	char path[320];
	unsigned int i;
	bool there = true;

	for (i = 0; i < ENFORCE_MAPS; i++) {
		struct bpf_map *map = enforce_map(e->bpf, i, &name);

		pins_path(e, name, path, sizeof(path));
		there = there && pins_is_map(path, map);
	}
	if (there)
		return 0;
	if (mkdir(e->pin_dir, 0700) && errno != EEXIST)
		return enforce_fail(-errno, "can't make %s: %s", e->pin_dir, strerror(errno));
	enforce_map(e->bpf, ENFORCE_CONTROL, &name);
	pins_path(e, name, path, sizeof(path));
	unlink(path);
	for (i = ENFORCE_MAPS; i-- > 0;) {
		struct bpf_map *map = enforce_map(e->bpf, i, &name);

		pins_path(e, name, path, sizeof(path));
		unlink(path);
		if (bpf_obj_pin(bpf_map__fd(map), path))
			return enforce_fail(-errno, "can't pin %s: %s", path, strerror(errno));
	}
	return 0;
}

/* The pinned link hangs on the cgroup that is asked for. */
static bool pins_link_here(const struct enforce *e, struct bpf_link *link)
{
	struct bpf_link_info info = {};
	uint32_t len = sizeof(info);
	struct stat st;

	return !bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &len) &&
	       !fstat(e->cgroup_fd, &st) && info.cgroup.cgroup_id == st.st_ino;
}

/* Ours already; pinned once more when somebody has removed the pin, made anew when it is detached. */
static bool pins_link_ours(struct enforce *e, unsigned int i, const char *path)
{
	if (!e->links[i])
		return false;
	if (pins_link_here(e, e->links[i]) &&
	    (!access(path, F_OK) || !bpf_obj_pin(bpf_link__fd(e->links[i]), path)))
		return true;
	bpf_link__destroy(e->links[i]);
	e->links[i] = NULL;
	return false;
}

static int pins_link(struct enforce *e, unsigned int i)
{
	struct bpf_link *old, *link = NULL;
	struct bpf_program *prog;
	const char *name;
	char path[320];

	prog = enforce_program(e->bpf, i, &name);
	pins_path(e, name, path, sizeof(path));
	if (pins_link_ours(e, i, path))
		return 0;
	old = bpf_link__open(path);
	if (old && pins_link_here(e, old) && !bpf_link__update_program(old, prog)) {
		e->links[i] = old; /* one step: no connection is without */
		return 0;
	}
	link = bpf_program__attach_cgroup(prog, e->cgroup_fd);
	if (!link) {
		bpf_link__destroy(old);
		return enforce_fail(-errno, "can't attach to %s: %s", e->cgroup_dir,
				    strerror(errno));
	}
	if (old) {
		bpf_link__unpin(old);
		bpf_link__destroy(old);
	}
	unlink(path);
	if (bpf_link__pin(link, path)) {
		int err = -errno;

		bpf_link__destroy(link);
		return enforce_fail(err, "can't pin %s: %s", path, strerror(-err));
	}
	e->links[i] = link;
	return 0;
}

int enforce_pins_links(struct enforce *e)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ENFORCE_LINKS; i++)
		err = pins_link(e, i);
	return err;
}

static bool pins_there(const struct enforce *e, const char *name)
{
	char path[320];

	pins_path(e, name, path, sizeof(path));
	return !access(path, F_OK);
}

bool enforce_pins_any(const struct enforce *e)
{
	return pins_there(e, link_names[ENFORCE_SOCKOPS]) ||
	       pins_there(e, link_names[ENFORCE_SETSOCKOPT]) || pins_there(e, map_names[0]);
}

int enforce_pins_detach(struct enforce *e)
{
	char path[320];
	unsigned int i;
	int err = 0;

	for (i = 0; i < ENFORCE_LINKS; i++) {
		struct bpf_link *link = e->links[i];

		pins_path(e, link_names[i], path, sizeof(path));
		if (!link)
			link = bpf_link__open(path);
		e->links[i] = NULL;
		if (link) {
			bpf_link__detach(link); /* also where somebody else still holds it */
			bpf_link__destroy(link);
		}
		if (unlink(path) && errno != ENOENT)
			err = enforce_fail(-errno, "can't remove %s: %s", path, strerror(errno));
	}
	return err;
}

int enforce_pins_remove(struct enforce *e)
{
	int err = enforce_pins_detach(e);
	char path[320];
	unsigned int i;

	for (i = 0; i < ENFORCE_MAPS; i++) {
		pins_path(e, map_names[i], path, sizeof(path));
		unlink(path);
	}
	rmdir(e->pin_dir);
	return err;
}

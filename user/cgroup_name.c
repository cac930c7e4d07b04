// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cgroup as a person names it: a table of what service managers and container engines call theirs.
 * Receives raw paths; hands printable text. Pure.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "cgroup_name.h"
#include "text.h"

#define PARTS_MAX 64 /* of a path; what lies deeper is not looked at */
#define CONTAINER_ID_LEN 64
#define CONTAINER_ID_SHOWN 12
#define POD_UID_LEN 36
#define POD_HASH_LEN 32 /* of a static pod: no dashes */

/* A component of a path, between slashes; not terminated. */
struct part {
	const char *at;
	size_t length;
};

/*
 * Containers: a component that is `before`, then 64 hexadecimal digits, then ".scope" or nothing. With
 * `parent` the component above it has to be that; "pod": a pod's.
 */
static const struct {
	const char *parent, *before, *name;
} containers[] = {
	{ NULL, "docker-", "docker" }, /* Docker, systemd driver */
	{ "docker", "", "docker" },    /* Docker, cgroupfs driver */
	{ NULL, "libpod-conmon-", "podman conmon" },
	{ NULL, "libpod-", "podman" },
	{ NULL, "libpod-payload-", "podman" },
	{ NULL, "cri-containerd-", "containerd" }, /* containerd under Kubernetes, systemd driver */
	{ NULL, "nerdctl-", "containerd" },
	{ NULL, "crio-conmon-", "cri-o conmon" },
	{ NULL, "crio-", "cri-o" },
	{ "pod", "", "container" }, /* any engine under Kubernetes, cgroupfs driver */
};

/* The suffixes of systemd's units that hold processes, or units. */
static const char *const unit_suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

static bool part_is(const struct part *part, const char *word)
{
	return part->length == strlen(word) && !memcmp(part->at, word, part->length);
}

static bool part_starts(const struct part *part, const char *word)
{
	return part->length >= strlen(word) && !memcmp(part->at, word, strlen(word));
}

static bool part_ends(const struct part *part, const char *word)
{
	size_t length = strlen(word);

	return part->length > length && !memcmp(part->at + part->length - length, word, length);
}

static struct part part_without(struct part part, const char *suffix)
{
	if (part_ends(&part, suffix))
		part.length -= strlen(suffix);
	return part;
}

static bool is_hex(const char *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!(at[i] >= '0' && at[i] <= '9') && !(at[i] >= 'a' && at[i] <= 'f'))
			return false;
	return true;
}

/* 8-4-4-4-12 digits; systemd's slices have '_' for '-', which would be a level. */
static bool is_pod_uid(const char *at)
{
	for (size_t i = 0; i < POD_UID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? at[i] != '-' && at[i] != '_' : !is_hex(at + i, 1))
			return false;
	}
	return true;
}

/*
 * "podUID", "kubepods-burstable-podUID.slice", "kubelet-kubepods-podUID.slice": the uid with dashes.
 * False: no pod.
 */
static bool part_pod(struct part part, char ret_uid[POD_UID_LEN + 1])
{
	size_t length = POD_UID_LEN;
	const char *uid;

	part = part_without(part, ".slice");
	if (part.length < POD_UID_LEN + 3 || !is_pod_uid(part.at + part.length - length)) {
		length = POD_HASH_LEN;
		if (part.length < length + 3 || !is_hex(part.at + part.length - length, length))
			return false;
	}
	uid = part.at + part.length - length;
	if (memcmp(uid - 3, "pod", 3) || (uid - 3 > part.at && uid[-4] != '-'))
		return false;
	for (size_t i = 0; i < length; i++)
		ret_uid[i] = uid[i] == '_' ? '-' : uid[i];
	ret_uid[length] = '\0';
	return true;
}

/* The container that parts[i] is; NULL: none. *ret_id is where its digits are. */
static const char *part_container(const struct part *parts, size_t i, const char **ret_id)
{
	struct part part = part_without(parts[i], ".scope");
	char uid[POD_UID_LEN + 1];

	if (part.length < CONTAINER_ID_LEN)
		return NULL;
	*ret_id = part.at + part.length - CONTAINER_ID_LEN;
	if (!is_hex(*ret_id, CONTAINER_ID_LEN))
		return NULL;
	part.length -= CONTAINER_ID_LEN;
	for (size_t row = 0; row < sizeof(containers) / sizeof(containers[0]); row++) {
		const char *parent = containers[row].parent;

		if (!part_is(&part, containers[row].before))
			continue;
		if (!parent)
			return containers[row].name;
		if (i && (!strcmp(parent, "pod") ? part_pod(parts[i - 1], uid) :
						   part_is(&parts[i - 1], parent)))
			return containers[row].name;
	}
	/* containerd told a systemd path without the systemd driver: "SLICE:cri-containerd:ID" */
	return part_ends(&part, ":cri-containerd:") ? "containerd" : NULL;
}

/* The pod that holds parts[i], or is it. */
static bool parts_pod(const struct part *parts, size_t i, char ret_uid[POD_UID_LEN + 1])
{
	for (size_t up = 0; up <= i && up < 3; up++) {
		struct part part = parts[i - up];
		const char *colon = memchr(part.at, ':', part.length);

		if (part_pod(part, ret_uid))
			return true;
		if (colon && part_pod((struct part){ part.at, (size_t)(colon - part.at) }, ret_uid))
			return true;
	}
	return false;
}

static bool part_is_unit(const struct part *part)
{
	for (size_t i = 0; i < sizeof(unit_suffixes) / sizeof(unit_suffixes[0]); i++)
		if (part_ends(part, unit_suffixes[i]))
			return true;
	return false;
}

/* "1000" of "user@1000.service" in parts[0..end). Length 0: no user's manager. */
static struct part parts_user(const struct part *parts, size_t end)
{
	while (end--) {
		struct part part = parts[end];

		if (!part_starts(&part, "user@") || !part_ends(&part, ".service"))
			continue;
		part = part_without(part, ".service");
		return (struct part){ part.at + 5, part.length - 5 };
	}
	return (struct part){ "", 0 };
}

static size_t split(const char *path, struct part parts[PARTS_MAX])
{
	size_t count = 0;

	while (count < PARTS_MAX) {
		path += strspn(path, "/");
		if (!*path)
			break;
		parts[count].at = path;
		parts[count].length = strcspn(path, "/");
		path += parts[count++].length;
	}
	return count;
}

/* parts[i] as a container or pod, raw; false when it is neither. */
static bool name_container(const struct part *parts, size_t i, char *buf, size_t size)
{
	const char *id, *container = part_container(parts, i, &id);
	char uid[POD_UID_LEN + 1];

	if (container) {
		bool pod = parts_pod(parts, i, uid);

		snprintf(buf, size, "%s%s%s%s %.*s", pod ? "pod " : "", pod ? uid : "",
			 pod ? " " : "", container, CONTAINER_ID_SHOWN, id);
		return true;
	}
	if (!part_pod(parts[i], uid))
		return false;
	snprintf(buf, size, "pod %s", uid);
	return true;
}

/* parts[i] as a unit, raw; false when it is none. */
static bool name_unit(const struct part *parts, size_t i, char *buf, size_t size)
{
	struct part user = parts_user(parts, i);

	if (!part_is_unit(&parts[i]))
		return false;
	if (user.length)
		snprintf(buf, size, "user %.*s %.*s", (int)user.length, user.at,
			 (int)parts[i].length, parts[i].at);
	else
		snprintf(buf, size, "%.*s", (int)parts[i].length, parts[i].at);
	return true;
}

/* The innermost container, else the innermost unit: a container may have units of its own. */
static size_t name_innermost(const struct part *parts, size_t count, char *buf, size_t size)
{
	size_t i;

	for (i = count; i--;)
		if (name_container(parts, i, buf, size))
			return i;
	for (i = count; i--;)
		if (name_unit(parts, i, buf, size))
			return i;
	return count;
}

const char *cgroup_name(const char *path, char *buf, size_t size)
{
	struct part parts[PARTS_MAX];
	char raw[CGROUP_NAME_SIZE];
	const char *below;
	size_t count, i;

	if (!path)
		return text_escape("-", buf, size);
	count = split(path, parts);
	i = name_innermost(parts, count, raw, sizeof(raw));
	if (i == count)
		return text_cgroup(path, 0, buf, size);
	below = parts[i].at + parts[i].length;
	/* Podman's level for the container's processes: no news. */
	if (!strcmp(below, "/container"))
		below = "";
	snprintf(raw + strlen(raw), sizeof(raw) - strlen(raw), "%s", below);
	return text_escape(raw, buf, size);
}

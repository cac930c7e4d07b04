/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup as a person names it: the unit, the container, the pod; from its path alone.
 * Receives paths below the cgroup2 mount, raw and perhaps hostile; hands printable text. Pure.
 */
#ifndef TCPTIMER_CGROUP_NAME_H
#define TCPTIMER_CGROUP_NAME_H

#include <stddef.h>

#define CGROUP_NAME_SIZE 512

/*
 * What the innermost part of the path that is known says, and what lies below it:
 *   "docker 0123456789ab"      a container, the first 12 digits of its id; also podman, cri-o, …
 *   "pod UID containerd 0123456789ab"    Kubernetes; "pod UID" alone for the pod's own cgroup
 *   "nginx.service"            a systemd unit; "user 1000 app.scope" of that user's manager
 *   "docker 0123456789ab/init" a cgroup below it
 * A path with nothing known is shown itself. Escaped, cut at a whole character. "-" for NULL. Returns
 * buf.
 */
const char *cgroup_name(const char *path, char *buf, size_t size);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy in force, read from its pinned maps without touching it: for when no daemon runs.
 * Receives the directory of the pins; hands the source and counters. Needs root.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/pinned.h"

int pinned_map(const char *dir, const char *name, size_t value_size)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.value_size != value_size) {
		close(fd);
		return -EPROTO;
	}
	return fd;
}

static int read_one(const char *dir, const char *name, uint32_t key, void *ret, size_t size)
{
	int fd = pinned_map(dir, name, size), err;

	if (fd < 0)
		return fd;
	err = bpf_map_lookup_elem(fd, &key, ret);
	close(fd);
	return err;
}

int pinned_open(const char *pin_dir, struct pinned *ret)
{
	size_t size;
	int err;

	*ret = (struct pinned){ .counters_fd = -1 };
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL); /* errors are returned */
	err = read_one(pin_dir, "map_control", 0, &ret->control, sizeof(ret->control));
	if (!err && ret->control.layout != TCPTIMER_POLICY_LAYOUT)
		err = -EPROTO;
	if (!err) {
		ret->source = malloc(TCPTIMER_POLICY_SOURCE);
		err = ret->source ? read_one(pin_dir, "map_source", ret->control.active & 1,
					     ret->source, TCPTIMER_POLICY_SOURCE) :
				    -ENOMEM;
	}
	if (!err) {
		size = ret->control.source_size[ret->control.active & 1];
		ret->source_size = size <= TCPTIMER_POLICY_SOURCE ? size : 0;
		ret->counters_fd = pinned_map(pin_dir, "map_counters",
					      sizeof(struct tcptimer_policy_counters));
		err = ret->counters_fd < 0 ? ret->counters_fd : 0;
	}
	if (err)
		pinned_close(ret);
	return err;
}

int pinned_sum(int counters_fd, unsigned int bank, size_t rule,
	       struct tcptimer_policy_counters *ret)
{
	uint32_t key = bank * TCPTIMER_POLICY_RULES + (uint32_t)rule;
	int cpus = libbpf_num_possible_cpus(), err;
	struct tcptimer_policy_counters *values;

	*ret = (struct tcptimer_policy_counters){};
	if (cpus <= 0 || rule >= TCPTIMER_POLICY_RULES)
		return -EINVAL;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	err = bpf_map_lookup_elem(counters_fd, &key, values);
	for (int cpu = 0; !err && cpu < cpus; cpu++) {
		ret->sockets += values[cpu].sockets;
		ret->set += values[cpu].set;
		ret->refused += values[cpu].refused;
		ret->clamped += values[cpu].clamped;
		ret->yielded += values[cpu].yielded;
		ret->ended += values[cpu].ended;
		ret->unreached += values[cpu].unreached;
		if (values[cpu].refused_err) {
			ret->refused_err = values[cpu].refused_err;
			ret->refused_setting = values[cpu].refused_setting;
		}
	}
	free(values);
	return err;
}

int pinned_counters(const struct pinned *pinned, size_t rule, struct tcptimer_policy_counters *ret)
{
	return pinned_sum(pinned->counters_fd, pinned->control.active & 1, rule, ret);
}

void pinned_close(struct pinned *pinned)
{
	free(pinned->source);
	if (pinned->counters_fd >= 0)
		close(pinned->counters_fd);
	*pinned = (struct pinned){ .counters_fd = -1 };
}

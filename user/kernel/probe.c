// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What this kernel and this process can do.
 * Receives nothing but the system; hands facts to the loader and to `doctor`.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "kernel/kernel.h"

static char last_error[512];

unsigned int probe_hz(void)
{
	struct timespec res;

	/* hrtimer_resolution's coarse sibling is TICK_NSEC: exactly one jiffy, rounded to ns. */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) || res.tv_sec || !res.tv_nsec)
		return 250;
	return (unsigned int)((1000000000L + res.tv_nsec / 2) / res.tv_nsec);
}

bool probe_privileged(const char **ret_missing)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	const unsigned int bpf = 39, perfmon = 38, admin = 21; /* linux/capability.h */
	uint64_t have;

	*ret_missing = NULL;
	if (syscall(SYS_capget, &header, data))
		return geteuid() == 0;
	have = data[0].effective | (uint64_t)data[1].effective << 32;
	if (have & 1ULL << admin)
		return true; /* implies the other two; entering namespaces takes it anyway */
	if (!(have & 1ULL << bpf) || !(have & 1ULL << perfmon))
		*ret_missing = "CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN";
	else
		*ret_missing = "CAP_SYS_ADMIN";
	return false;
}

static struct btf *kernel_btf;

static const struct btf *probe_btf(void)
{
	if (!kernel_btf)
		kernel_btf = btf__load_vmlinux_btf();
	return kernel_btf;
}

void probe_forget(void)
{
	btf__free(kernel_btf);
	kernel_btf = NULL;
}

/* The function prototype behind btf_trace_NAME, or NULL. */
static const struct btf_type *probe_tracepoint(const char *name)
{
	const struct btf *btf = probe_btf();
	const struct btf_type *type;
	char full[128];
	int id;

	if (!btf)
		return NULL;
	snprintf(full, sizeof(full), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, full, BTF_KIND_TYPEDEF);
	if (id < 0)
		return NULL;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (!type || !btf_is_ptr(type))
		return NULL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? type : NULL;
}

bool probe_has_tracepoint(const char *name)
{
	return probe_tracepoint(name) != NULL;
}

bool probe_has_function(const char *name)
{
	const struct btf *btf = probe_btf();

	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) >= 0;
}

bool probe_retransmit_has_err(void)
{
	const struct btf_type *proto = probe_tracepoint("tcp_retransmit_skb");

	return proto && btf_vlen(proto) >= 4; /* void *, sk, skb, err */
}

__attribute__((format(printf, 2, 0))) static int probe_print(enum libbpf_print_level level,
							     const char *format, va_list args)
{
	char line[512];

	if (getenv("TCPTIMER_DEBUG"))
		return vfprintf(stderr, format, args);
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	/* The first complaint names the cause; those after it are its consequences. */
	if (!last_error[0])
		snprintf(last_error, sizeof(last_error), "%s", line);
	return 0;
}

void kernel_quiet_libbpf(void)
{
	last_error[0] = '\0';
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(probe_print);
}

const char *kernel_error(void)
{
	return last_error;
}

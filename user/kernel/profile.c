// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is known of the running kernel: uname, sysctls that exist, fields of its structs in BTF.
 * Receives nothing but the system; hands facts to the engine's detection, and on its profile.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/btf.h>
#include "kernel/kernel.h"
#include "kernel/profile.h"
#include "kernel/types.h"

/* Anonymous structs and unions within structs: deeper than any kernel nests them. */
#define DEPTH_MAX 8

/*
 * A member by name, also within anonymous structs and unions. Returns the struct that holds it,
 * and its index there; or NULL.
 */
static const struct btf_type *profile_member(const struct btf *btf, const struct btf_type *type,
					     const char *name, unsigned int depth,
					     uint32_t *ret_index)
{
	const struct btf_member *member = btf_members(type);
	const struct btf_type *found;
	uint32_t i;

	for (i = 0; i < btf_vlen(type); i++, member++) {
		const char *member_name = btf__name_by_offset(btf, member->name_off);
		const struct btf_type *inner;

		if (member_name && !strcmp(member_name, name)) {
			*ret_index = i;
			return type;
		}
		if ((member_name && member_name[0]) || depth >= DEPTH_MAX)
			continue;
		inner = btf__type_by_id(btf, member->type);
		if (!inner || !btf_is_composite(inner))
			continue;
		found = profile_member(btf, inner, name, depth + 1, ret_index);
		if (found)
			return found;
	}
	return NULL;
}

static const struct btf_type *profile_struct(const struct btf *btf, const char *name)
{
	int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) : -1;

	return id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
}

static uint8_t profile_has_field(const struct btf *btf, const struct btf_type *type,
				 const char *name)
{
	uint32_t index;

	if (!type)
		return TCPTIMER_UNKNOWN;
	return profile_member(btf, type, name, 0, &index) ? TCPTIMER_YES : TCPTIMER_NO;
}

/* Bits of icsk_ack.ato: 32 up to 6.7, then a bit field of 8; 0 when it can't be told. */
static uint8_t profile_ato_bits(const struct btf *btf, const struct btf_type *icsk)
{
	const struct btf_type *holder, *ack;
	uint32_t index, bits;

	holder = icsk ? profile_member(btf, icsk, "icsk_ack", 0, &index) : NULL;
	if (!holder)
		return 0;
	ack = btf__type_by_id(btf, btf_members(holder)[index].type);
	if (!ack || !btf_is_composite(ack))
		return 0;
	holder = profile_member(btf, ack, "ato", 0, &index);
	if (!holder)
		return 0;
	bits = btf_member_bitfield_size(holder, index);
	if (!bits)
		bits = 8 * (uint32_t)btf__resolve_size(btf, btf_members(holder)[index].type);
	return bits <= 32 ? (uint8_t)bits : 0;
}

static uint8_t profile_has_sysctl(const char *name)
{
	char path[128];

	/* Without /proc nothing is known. */
	if (access("/proc/sys/net/ipv4/tcp_retries2", F_OK))
		return TCPTIMER_UNKNOWN;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	return access(path, F_OK) ? TCPTIMER_NO : TCPTIMER_YES;
}

/* What the build says of itself: distributions put their stable level into one of the two. */
static void profile_build(const struct utsname *uts, char *buf, size_t size)
{
	FILE *file = fopen("/proc/version", "re");
	size_t used;

	snprintf(buf, size, "%s ", uts->version);
	if (!file)
		return;
	used = strlen(buf);
	if (fgets(buf + used, (int)(size - used), file))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(file);
}

static int profile_look(const struct btf *btf, struct tcptimer_profile *ret)
{
	const struct btf_type *icsk, *tcp;
	char build[1024];
	struct tcptimer_kernel_facts facts = { .version = build };
	struct utsname uts;

	if (uname(&uts))
		return TCPTIMER_ENGINE_ENOPROFILE;
	profile_build(&uts, build, sizeof(build));
	facts.release = uts.release;
	facts.sysctl_syn_linear_timeouts = profile_has_sysctl("tcp_syn_linear_timeouts");
	facts.sysctl_rto_min_us = profile_has_sysctl("tcp_rto_min_us");
	facts.sysctl_rto_max_ms = profile_has_sysctl("tcp_rto_max_ms");
	icsk = profile_struct(btf, "inet_connection_sock");
	tcp = profile_struct(btf, "tcp_sock");
	facts.btf_icsk_timeout = profile_has_field(btf, icsk, "icsk_timeout");
	facts.btf_icsk_rto_max = profile_has_field(btf, icsk, "icsk_rto_max");
	facts.btf_probes_tstamp = profile_has_field(btf, icsk, "icsk_probes_tstamp");
	facts.btf_keepalive_in_icsk = profile_has_field(btf, icsk, "icsk_keepalive_timer");
	facts.btf_ato_bits = profile_ato_bits(btf, icsk);
	facts.btf_total_rto = profile_has_field(btf, tcp, "total_rto");
	facts.btf_tcp_usec_ts = profile_has_field(btf, tcp, "tcp_usec_ts");
	return tcptimer_profile_detect(&facts, ret);
}

static struct tcptimer_profile kept;
static bool known;

void profile_learn(const struct btf *types)
{
	if (!known)
		known = !profile_look(types, &kept);
}

/* Of `local` a name is all that counts. */
static struct btf *profile_types(void)
{
	struct btf *local = btf__new_empty(), *types = NULL;

	if (local && btf__add_struct(local, "tcp_sock", 0) > 0)
		types_like(local, NULL, 0, &types);
	btf__free(local);
	return types ? types : btf__load_vmlinux_btf();
}

int profile_running(struct tcptimer_profile *ret)
{
	struct btf *types;
	int err;

	if (!known) {
		kernel_quiet_libbpf();
		types = profile_types();
		err = profile_look(types, &kept);
		btf__free(types);
		if (err)
			return err;
		known = true;
	}
	*ret = kept;
	return 0;
}

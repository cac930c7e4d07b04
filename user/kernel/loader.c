// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening and loading the one BPF object with the programs that a command needs.
 * Receives names of programs; hands a loaded skeleton.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "kernel/kernel.h"
#include "kernel/loader.h"
#include "kernel/rules.h"
#include "tcptimer.skel.h"

const struct loader_program loader_programs[] = {
	{ "snapshot_tcp", "iter/tcp", "list, explain, summary, top", true },
	{ "snapshot_owner", "iter/task_file", "list -p, explain, trace", false },
	{ "trace_timer_entry", "tp_btf/timer_expire_entry", "trace, summary, top", true },
	{ "trace_timer_exit", "tp_btf/timer_expire_exit", "trace, summary, top", true },
	{ "trace_retransmit_skb", "tp_btf/tcp_retransmit_skb", "trace, summary, top", true },
	{ "trace_retransmit_skb_err", "tp_btf/tcp_retransmit_skb", "trace, summary, top", true },
	{ "trace_retransmit_synack", "tp_btf/tcp_retransmit_synack", "trace, summary, top", true },
	{ "trace_set_state", "tp_btf/inet_sock_set_state", "trace, summary, top", true },
	{ "trace_error_report", "tp_btf/inet_sk_error_report", "trace, summary, top", true },
	{ "trace_send_reset", "tp_btf/tcp_send_reset", "trace, summary, top", true },
	{ "trace_receive_reset", "tp_btf/tcp_receive_reset", "trace, summary, top", true },
	{ "trace_destroy_sock", "tp_btf/tcp_destroy_sock", "trace, summary, top", true },
	{ "trace_sweep", "syscall", "trace, summary, top", true },
	{ "trace_seed", "iter/tcp", "trace, summary, top", true },
	{ "destroy_chosen", "iter/tcp", "kill", false },
	{ "policy_sockops", "sockops", "daemon", false },
	{ "policy_setsockopt", "cgroup/setsockopt", "daemon", false },
	{ "policy_existing", "iter/tcp", "daemon", false },
	{ "policy_cgroup_mkdir", "tp_btf/cgroup_mkdir", "daemon", false },
	{ "policy_cgroup_rmdir", "tp_btf/cgroup_rmdir", "daemon", false },
	{ "policy_cgroup_rename", "tp_btf/cgroup_rename", "daemon", false },
};
const size_t loader_program_count = sizeof(loader_programs) / sizeof(loader_programs[0]);

struct tcptimer_bpf *loader_open(void)
{
	struct tcptimer_bpf *bpf;
	struct bpf_program *prog;

	kernel_quiet_libbpf();
	bpf = tcptimer_bpf__open();
	if (!bpf)
		return NULL;
	bpf_object__for_each_program(prog, bpf->obj)
		bpf_program__set_autoload(prog, false);
	bpf->rodata->cfg_hz = probe_hz();
	return bpf;
}

void loader_want(struct tcptimer_bpf *bpf, const char *program)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(bpf->obj, program);

	if (prog)
		bpf_program__set_autoload(prog, true);
}

/* The maps of a policy are large, and pinned ones are another process's. */
static void loader_leave_policy(struct tcptimer_bpf *bpf)
{
	bpf_map__set_autocreate(bpf->maps.policy_control, false);
	bpf_map__set_autocreate(bpf->maps.policy_rules, false);
	bpf_map__set_autocreate(bpf->maps.policy_index, false);
	bpf_map__set_autocreate(bpf->maps.policy_slot_lock, false);
	bpf_map__set_autocreate(bpf->maps.policy_cgroups, false);
	bpf_map__set_autocreate(bpf->maps.policy_counters, false);
	bpf_map__set_autocreate(bpf->maps.policy_source, false);
	bpf_map__set_autocreate(bpf->maps.iter_listeners, false);
	bpf_map__set_autocreate(bpf->maps.cgroup_events, false);
}

int loader_load(struct tcptimer_bpf *bpf)
{
	/* `list` traces nothing: a ring of one page, tables of one entry. */
	if (!bpf_program__autoload(bpf->progs.trace_timer_exit)) {
		bpf_map__set_autocreate(bpf->maps.trace_stalls, false);
		bpf_map__set_autocreate(bpf->maps.trace_requests, false);
		bpf_map__set_autocreate(bpf->maps.events, false);
		bpf_map__set_autocreate(bpf->maps.trace_losses, false);
		bpf_map__set_autocreate(bpf->maps.trace_scratch, false);
	}
	if (!bpf_program__autoload(bpf->progs.destroy_chosen))
		bpf_map__set_autocreate(bpf->maps.destroy_cookies, false);
	if (!bpf->rodata->cfg_count) {
		bpf_map__set_autocreate(bpf->maps.summary_counts, false);
		bpf_map__set_autocreate(bpf->maps.summary_zero, false);
		bpf_map__set_autocreate(bpf->maps.summary_lost, false);
	} else {
		bpf_map__set_autocreate(bpf->maps.events, false);
	}
	if (!(bpf->rodata->cfg_count & TCPTIMER_BY_RULE))
		bpf_map__set_autocreate(bpf->maps.summary_policies, false);
	loader_leave_policy(bpf);
	rules_reuse(bpf->maps.policy_sockets, bpf->maps.policy_slots);
	return tcptimer_bpf__load(bpf);
}

void loader_forget(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin;
	size_t size;

	begin = ((uintptr_t)tcptimer_bpf__elf_bytes(&size) + page - 1) & ~(page - 1);
	size &= ~(page - 1);
	if (size > page)
		madvise((void *)begin, size - page, MADV_DONTNEED);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether each hook works on this kernel: every program is loaded and attached on its own.
 * Receives the loader's rows; hands one checked row each to `doctor`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/kernel.h"
#include "kernel/loader.h"
#include "tcptimer.skel.h"

/* The one of the pair for the tracepoint's other prototype does not count as missing. */
static bool programs_other_prototype(const char *program)
{
	return !strcmp(program, probe_retransmit_has_err() ? "trace_retransmit_skb" :
							     "trace_retransmit_skb_err");
}

/* Without a policy in its maps it does nothing there. */
static struct bpf_link *programs_attach_cgroup(struct bpf_program *prog)
{
	const char *mount = cgroups_mount();
	struct bpf_link *link;
	int fd;

	errno = ENOENT;
	fd = mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_cgroup(prog, fd);
	close(fd);
	return link;
}

static struct bpf_link *programs_attach(struct bpf_program *prog)
{
	if (!strcmp(bpf_program__section_name(prog), "sockops") ||
	    !strncmp(bpf_program__section_name(prog), "cgroup", 6))
		return programs_attach_cgroup(prog);
	if (!strncmp(bpf_program__section_name(prog), "iter", 4))
		return bpf_program__attach_iter(prog, NULL);
	return bpf_program__attach(prog);
}

static void programs_explain(struct program_check *check, int err)
{
	const char *said = kernel_error();

	snprintf(check->detail, sizeof(check->detail), "%s%s%.180s", strerror(err),
		 said[0] ? ": " : "", said);
}

static void programs_try(struct program_check *check)
{
	struct tcptimer_bpf *bpf = loader_open();
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, run);
	struct bpf_program *prog;
	struct bpf_link *link = NULL;

	if (!bpf) {
		programs_explain(check, errno);
		return;
	}
	bpf->rodata->cfg_cast = probe_has_function("bpf_rdonly_cast");
	prog = bpf_object__find_program_by_name(bpf->obj, check->program);
	loader_want(bpf, check->program);
	if (!prog || tcptimer_bpf__load(bpf)) {
		programs_explain(check, errno);
		goto out;
	}
	check->loads = true;
	if (!strcmp(bpf_program__section_name(prog), "syscall"))
		check->attaches = !bpf_prog_test_run_opts(bpf_program__fd(prog), &run);
	else
		check->attaches = (link = programs_attach(prog)) != NULL;
	if (!check->attaches)
		programs_explain(check, errno);
	bpf_link__destroy(link);
out:
	tcptimer_bpf__destroy(bpf);
}

size_t programs_check(struct program_check *ret_checks, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < loader_program_count && n < max; i++) {
		struct program_check *check = &ret_checks[n];

		if (programs_other_prototype(loader_programs[i].program))
			continue;
		memset(check, 0, sizeof(*check));
		check->program = loader_programs[i].program;
		check->hook = loader_programs[i].hook;
		check->needed_by = loader_programs[i].needed_by;
		check->main_job = loader_programs[i].main_job;
		programs_try(check);
		n++;
	}
	return n;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a cgroup to make deaf from a test; hands the kernel a program that drops at its ingress.
 * Written in instructions, so that neither a compiler for BPF nor an object is needed.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <unistd.h>
#include "cgroup.h"
#include "insn.h"
#include "sys.h"

void black_hole_attach(struct black_hole *ret_hole, const struct cgroup *cgroup)
{
	int map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "hole_on", 4, 4, 1, NULL);
	int dir_fd = MUST(open(cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (map_fd < 0)
		check_skip("can't make a BPF map: %s", strerror(-map_fd));
	/* return *hole_on ? 0 (drop) : 1 (pass) */
	struct bpf_insn insns[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 1, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 1, 0, 1, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	ret_hole->map_fd = map_fd;
	ret_hole->prog_fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "black_hole", "GPL", insns,
					  sizeof(insns) / sizeof(insns[0]), NULL);
	if (ret_hole->prog_fd < 0)
		check_skip("can't load a BPF program: %s", strerror(-ret_hole->prog_fd));
	ret_hole->link_fd =
		bpf_link_create(ret_hole->prog_fd, dir_fd, BPF_CGROUP_INET_INGRESS, NULL);
	CHECK(ret_hole->link_fd >= 0, "attach: %s", strerror(-ret_hole->link_fd));
	close(dir_fd);
}

void black_hole_set(const struct black_hole *hole, bool on)
{
	__u32 key = 0, value = on;

	CHECK(bpf_map_update_elem(hole->map_fd, &key, &value, BPF_ANY) == 0, "map: %s",
	      strerror(errno));
}

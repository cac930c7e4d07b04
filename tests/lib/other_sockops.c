// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a cgroup from a test; hands the kernel a sock_ops program written in instructions.
 * Hands back the counts that the program keeps by callback.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <unistd.h>
#include "insn.h"
#include "other_sockops.h"
#include "sys.h"

#define OPS 32

void other_sockops_attach(struct other_sockops *ret_other, const char *cgroup_path)
{
	int map_fd = MUST(bpf_map_create(BPF_MAP_TYPE_ARRAY, "other_ops", 4, 8, OPS, NULL));
	int dir_fd = MUST(open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 7, 6, offsetof(struct bpf_sock_ops, op), 0),
		/* counts[op]++ */
		INSN(BPF_STX | BPF_MEM | BPF_W, 10, 7, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD),
		/* connect(): flags |= … */
		INSN(BPF_JMP | BPF_JNE | BPF_K, 7, 0, 4, BPF_SOCK_OPS_TCP_CONNECT_CB),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 6,
		     offsetof(struct bpf_sock_ops, bpf_sock_ops_cb_flags), 0),
		INSN(BPF_ALU64 | BPF_OR | BPF_K, 2, 0, 0,
		     BPF_SOCK_OPS_RETRANS_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sock_ops_cb_flags_set),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	ret_other->map_fd = map_fd;
	ret_other->prog_fd = bpf_prog_load(BPF_PROG_TYPE_SOCK_OPS, "other_sockops", "GPL", insns,
					   sizeof(insns) / sizeof(insns[0]), NULL);
	CHECK(ret_other->prog_fd >= 0, "load: %s", strerror(-ret_other->prog_fd));
	ret_other->link_fd = bpf_link_create(ret_other->prog_fd, dir_fd, BPF_CGROUP_SOCK_OPS, NULL);
	CHECK(ret_other->link_fd >= 0, "attach: %s", strerror(-ret_other->link_fd));
	close(dir_fd);
}

uint64_t other_sockops_count(const struct other_sockops *other, uint32_t op)
{
	uint64_t count = 0;

	CHECK(op < OPS && !bpf_map_lookup_elem(other->map_fd, &op, &count), "map: %s",
	      strerror(errno));
	return count;
}

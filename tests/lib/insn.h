/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One BPF instruction, for the few programs that the tests write by hand. */
#ifndef TCPTIMER_TEST_INSN_H
#define TCPTIMER_TEST_INSN_H

#include <linux/bpf.h>

#define INSN(code_, dst, src, off_, imm_)                                                          \
	((struct bpf_insn){ .code = (code_),                                                       \
			    .dst_reg = (dst),                                                      \
			    .src_reg = (src),                                                      \
			    .off = (off_),                                                         \
			    .imm = (imm_) })

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few of the kernel's types that programs name, out of the hundred thousand in its BTF.
 * Receives names; hands a BTF so small that reading and searching it costs nothing.
 */
#ifndef TCPTIMER_KERNEL_TYPES_H
#define TCPTIMER_KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;

struct types_function {
	const char *name;
	uint32_t ret_id; /* in the kernel's BTF; 0: it has none of that name */
	bool is_struct;  /* a struct is meant */
};

/*
 * Each struct, union and enum of the kernel that has the name of one in `local` (without ___flavour),
 * and all that it holds by value; pointers point to void. Ids are other than the kernel's. If `local`
 * names any members, members of other names may be left out: size and places are as they were. Fills in
 * `functions`. The result is for btf__free(). Returns 0 or a negative errno: then ask libbpf, which
 * reads the whole, in ten times the time.
 */
int types_like(const struct btf *local, struct types_function *functions, size_t function_count,
	       struct btf **ret);

#endif

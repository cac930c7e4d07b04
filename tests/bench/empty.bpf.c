// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that does nothing, at the tracepoint where trace looks at every timer.
 * Receives timers; hands nothing: what it takes by the kernel's statistics is their own clock.
 */
#include "bpf/kernel.h"
#include <bpf/bpf_helpers.h>

SEC("tp_btf/timer_expire_entry")
int empty_timer_entry(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

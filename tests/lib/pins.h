/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories for pins in a bpf file system, one a caller, mounted privately when this host has none.
 * Receives calls from tests; the harness removes what a test leaves behind.
 */
#ifndef TCPTIMER_TEST_PINS_H
#define TCPTIMER_TEST_PINS_H

#include <stddef.h>
#include <sys/types.h>

/* The path of a directory that nobody has; not made. */
void pins_path(char *buf, size_t size);
/* Remove those of that process, and with 0 all whose user is gone. */
void pins_remove(pid_t user);

#endif

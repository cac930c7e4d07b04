// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives each timer_expire_entry twice: in a BPF program, and in a ring of an own tracefs instance.
 * Hands on the difference. The tracefs mount is detached: nobody else sees it.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "insn.h"
#include "sys.h"
#include "witness.h"

#define WITNESS_PREFIX "tcptimer-test-"
#define WITNESS_EVENT "events/timer/timer_expire_entry/"
#define CPUS_MAX 1024

static int map_fd = -1;
static int prog_fd = -1;
static int link_fd = -1;
static int instances_fd = -1;
static int instance_fd = -1;
static char instance_name[32];
static int64_t lead_before; /* the two did not start at the same moment */

static bool counter_start(void)
{
	map_fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "witness", 4, 8, 1, NULL);
	/* ++*count; return 0 */
	struct bpf_insn insns[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 1),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	if (map_fd < 0)
		return false;
	prog_fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "witness", "GPL", insns,
				sizeof(insns) / sizeof(insns[0]), NULL);
	if (prog_fd < 0)
		return false;
	link_fd = bpf_raw_tracepoint_open("timer_expire_entry", prog_fd);
	return link_fd >= 0;
}

static uint64_t counter_read(void)
{
	static uint64_t values[CPUS_MAX];
	uint64_t sum = 0;
	__u32 key = 0;
	long cpu;

	memset(values, 0, sizeof(values));
	bpf_map_lookup_elem(map_fd, &key, values);
	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF) && cpu < CPUS_MAX; cpu++)
		sum += values[cpu];
	return sum;
}

static bool file_write(const char *path, const char *text)
{
	int fd = openat(instance_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

static void instances_clean(void)
{
	DIR *dir = fdopendir(dup(instances_fd));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid;

		if (strncmp(entry->d_name, WITNESS_PREFIX, strlen(WITNESS_PREFIX)) != 0)
			continue;
		pid = atoi(entry->d_name + strlen(WITNESS_PREFIX));
		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			unlinkat(instances_fd, entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

static bool rings_start(void)
{
	int fs_fd = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC), mount_fd;

	if (fs_fd < 0)
		return false;
	syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	mount_fd = (int)syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, 0);
	close(fs_fd);
	if (mount_fd < 0)
		return false;
	instances_fd = openat(mount_fd, "instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(mount_fd);
	if (instances_fd < 0)
		return false;
	instances_clean();
	snprintf(instance_name, sizeof(instance_name), WITNESS_PREFIX "%d", getpid());
	if (mkdirat(instances_fd, instance_name, 0700))
		return false;
	instance_fd = openat(instances_fd, instance_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return instance_fd >= 0 && file_write("buffer_size_kb", "4") &&
	       file_write(WITNESS_EVENT "enable", "1");
}

/* What one CPU's ring buffer took in all: what it holds and what it pushed out. */
static uint64_t ring_read(long cpu)
{
	unsigned long long number, sum = 0;
	char path[64], line[256];
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "per_cpu/cpu%ld/stats", cpu);
	fd = openat(instance_fd, path, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "entries: %llu", &number) == 1 ||
		    sscanf(line, "overrun: %llu", &number) == 1 ||
		    sscanf(line, "dropped events: %llu", &number) == 1)
			sum += number;
	if (file)
		fclose(file);
	return sum;
}

static uint64_t rings_read(void)
{
	uint64_t sum = 0;
	long cpu;

	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++)
		sum += ring_read(cpu);
	return sum;
}

/* The ring's count beyond the program's; read at a moment when no timer fired in between. */
static int64_t ring_lead(void)
{
	uint64_t counted, hits;
	unsigned int tries;

	for (tries = 0; tries < 1000; tries++) {
		counted = counter_read();
		hits = rings_read();
		if (counter_read() == counted)
			break;
	}
	return (int64_t)(hits - counted);
}

bool witness_start(void)
{
	if (!counter_start() || !rings_start()) {
		witness_stop();
		return false;
	}
	lead_before = ring_lead();
	return true;
}

uint64_t witness_missed(void)
{
	int64_t missed = instance_fd < 0 ? 0 : ring_lead() - lead_before;

	return missed > 0 ? (uint64_t)missed : 0;
}

void witness_stop(void)
{
	int *const fds[] = { &link_fd, &prog_fd, &map_fd, &instance_fd, &instances_fd };
	size_t i;

	if (instance_fd >= 0)
		file_write(WITNESS_EVENT "enable", "0");
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] == &instances_fd && *fds[i] >= 0)
			unlinkat(*fds[i], instance_name, AT_REMOVEDIR);
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

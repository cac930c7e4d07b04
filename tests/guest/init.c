// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Process 1 of a guest: mounts what the tests need, loads modules, runs /command, powers off.
 * Receives an initramfs made by run.sh; hands output and a last line "guest: exit N" to the console.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *at)
{
	mkdir(at, 0755);
	if (mount(type, at, type, 0, NULL))
		printf("guest: mount %s: %m\n", at);
}

static void load_modules(void)
{
	DIR *dir = opendir("/modules");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char path[300];
		int fd;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			printf("guest: module %s: %m\n", e->d_name);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		printf("guest: lo: %m\n");
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	static char *const env[] = { "PATH=/bin",
				     "HOME=/",
				     "CI=true",
				     "TCPTIMER=/bin/tcptimer",
				     "LD_LIBRARY_PATH=/lib",
				     "TCPTIMER_GUEST=1",
				     NULL };
	char line[4096], *argv[64] = {}, *word, *save;
	int status = -1, argc = 0;
	FILE *file;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("tmpfs", "/tmp");
	mount_at("tmpfs", "/run");
	mount_at("bpf", "/sys/fs/bpf");
	mount_at("cgroup2", "/sys/fs/cgroup");
	mount_at("tracefs", "/sys/kernel/tracing");
	mkdir("/run/netns", 0755);
	mkdir("/dev/net", 0755);
	load_modules();
	loopback_up();
	file = fopen("/command", "re");
	if (!file || !fgets(line, sizeof(line), file))
		printf("guest: no /command\n");
	line[strcspn(line, "\n")] = '\0';
	for (word = strtok_r(line, " ", &save); word && argc < 63;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	printf("\nguest: begin\n");
	pid = fork();
	if (pid == 0) {
		execve(argv[0], argv, env);
		printf("guest: %s: %m\n", argv[0]);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	printf("guest: exit %d\n",
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}

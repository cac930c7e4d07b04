// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What cgroups are called, by their paths: those that real hosts have, and hostile ones.
 * Receives user/cgroup_name.c; no kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cgroup_name.h"

#define ID "7f3c0a9d81e24b56c7d8e9f00112233445566778899aabbccddeeff001122334"
#define SHORT "7f3c0a9d81e2"
#define UID "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
#define UID_ "0b1c2d3e_4f50_6172_8394_a5b6c7d8e9f0"
#define HASH "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
#define BURST "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice"

static const struct {
	const char *path, *name;
} rows[] = {
	/* systemd */
	{ "/system.slice/nginx.service", "nginx.service" },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service" },
	{ "/init.scope", "init.scope" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4711.scope",
	  "user 1000 app-gnome-firefox-4711.scope" },
	{ "/system.slice/postgresql@15-main.service/worker", "postgresql@15-main.service/worker" },
	{ "/system.slice/ssh.socket", "ssh.socket" },
	/* Docker */
	{ "/system.slice/docker-" ID ".scope", "docker " SHORT },
	{ "/docker/" ID, "docker " SHORT },
	{ "/system.slice/docker-" ID ".scope/init.scope", "docker " SHORT "/init.scope" },
	{ "/machine.slice/libpod-" ID ".scope/container/system.slice/nginx.service",
	  "podman " SHORT "/container/system.slice/nginx.service" },
	{ "/docker/" ID "/child", "docker " SHORT "/child" },
	/* Podman */
	{ "/machine.slice/libpod-" ID ".scope", "podman " SHORT },
	{ "/machine.slice/libpod-" ID ".scope/container", "podman " SHORT },
	{ "/machine.slice/libpod-conmon-" ID ".scope", "podman conmon " SHORT },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container",
	  "podman " SHORT },
	{ "/libpod_parent/libpod-" ID, "podman " SHORT },
	/* Kubernetes with containerd, CRI-O, Docker; both drivers; kind */
	{ BURST "/cri-containerd-" ID ".scope", "pod " UID " containerd " SHORT },
	{ BURST "/crio-" ID ".scope", "pod " UID " cri-o " SHORT },
	{ BURST "/crio-" ID ".scope/container", "pod " UID " cri-o " SHORT },
	{ BURST "/crio-conmon-" ID ".scope", "pod " UID " cri-o conmon " SHORT },
	{ BURST "/docker-" ID ".scope", "pod " UID " docker " SHORT },
	{ BURST, "pod " UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope",
	  "pod " UID " containerd " SHORT },
	{ "/kubepods/besteffort/pod" UID "/" ID, "pod " UID " container " SHORT },
	{ "/kubepods/pod" UID, "pod " UID },
	{ "/kubepods/burstable/pod" HASH "/" ID, "pod " HASH " container " SHORT },
	{ "/docker/" ID "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
	  ".slice/cri-containerd-" ID ".scope",
	  "pod " UID " containerd " SHORT },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
	  ".slice:cri-containerd:" ID,
	  "pod " UID " containerd " SHORT },
	{ "/system.slice/nerdctl-" ID ".scope", "containerd " SHORT },
	/* nothing known: the path */
	{ "/", "/" },
	{ "/user.slice", "/user.slice" },
	{ "/lxc.payload.web1", "/lxc.payload.web1" },
	{ "/mygroup/sub", "/mygroup/sub" },
	{ "/kubepods.slice", "/kubepods.slice" },
	{ "", "" },
	{ NULL, "-" },
	/* nearly */
	{ "/x/" ID, "/x/" SHORT },
	{ "/docker/" ID "0", "/docker/" ID "0" },
	{ "/tripod" UID, "/tripod" UID },
	{ "/kubepods/pod0b1c2d3e-4f50-6172-8394-a5b6c7d8e9fX",
	  "/kubepods/pod0b1c2d3e-4f50-6172-8394-a5b6c7d8e9fX" },
	{ "/.service", "/.service" },
	{ "/user@.service/a.scope", "a.scope" },
	/* hostile */
	{ "/system.slice/a\033[2Jb.service", "a\\x1b[2Jb.service" },
	{ "/system.slice/\xff\xfe.scope", "\\xff\\xfe.scope" },
	{ "/docker/" ID "/\n\r", "docker " SHORT "/\\x0a\\x0d" },
	{ "/x\xe2\x80\xaey", "/x\\xe2\\x80\\xaey" },
	{ "//a//b.service//", "b.service//" },
};

static void test_rows(void **state)
{
	char buf[CGROUP_NAME_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(cgroup_name(rows[i].path, buf, sizeof(buf)), rows[i].name);
}

/* Paths as long and as deep as the kernel allows, and buffers as small as can be. */
static void test_bounds(void **state)
{
	static char path[8192];
	char buf[CGROUP_NAME_SIZE], tiny[8];
	size_t used = 0;

	while (used < sizeof(path) - 3)
		used += (size_t)sprintf(path + used, "/a");
	assert_true(strlen(cgroup_name(path, buf, sizeof(buf))) < sizeof(buf));
	memset(path, 'x', sizeof(path) - 1);
	memcpy(path + sizeof(path) - 9, ".service", 8);
	path[0] = '/';
	assert_true(strlen(cgroup_name(path, buf, sizeof(buf))) == sizeof(buf) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(strlen(cgroup_name(rows[i].path, tiny, sizeof(tiny))) < sizeof(tiny));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

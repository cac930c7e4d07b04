// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading the libraries that only the daemon needs.
 * Receives the names of their functions; hands the pointers, or one line on stderr.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "daemon/libs.h"

/* With the ABI that the headers of the build are of; the package names the same in its Depends. */
#define SYSTEMD "libsystemd.so.0"
#define MICROHTTPD "libmicrohttpd.so.12"

struct function {
	const char *name;
	void *pointer; /* to the pointer in `libs` */
};

struct libs libs;

#define FUNCTION(name) { #name, &name },
static const struct function systemd[] = { LIBS_SYSTEMD(FUNCTION) };
static const struct function microhttpd[] = { LIBS_MICROHTTPD(FUNCTION) };

/* All is bound now: behind confine() no memory becomes code. Never unloaded. */
static bool load(const char *library, const struct function *functions, size_t count)
{
	void *handle = dlopen(library, RTLD_NOW);
	void *found = handle;

	for (size_t i = 0; found && i < count; i++) {
		found = dlsym(handle, functions[i].name);
		memcpy(functions[i].pointer, &found, sizeof(found));
	}
	if (!found) /* dlerror() names the library */
		fprintf(stderr, "tcptimer: the daemon needs this library: %s\n", dlerror());
	return found;
}

bool libs_load_systemd(void)
{
	return load(SYSTEMD, systemd, sizeof(systemd) / sizeof(systemd[0]));
}

bool libs_load_microhttpd(void)
{
	return load(MICROHTTPD, microhttpd, sizeof(microhttpd) / sizeof(microhttpd[0]));
}

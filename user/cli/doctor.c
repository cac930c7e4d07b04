// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer doctor: what this kernel and these privileges allow.
 * Receives checks from user/kernel/; hands a table or JSON; exits 1 when the main job can't run.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <json-c/json.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "kernel/kernel.h"
#include "kernel/walk.h"
#include "kernel/profile.h"
#include "policy/policy_settings.h"
#include "text.h"

#define DOCTOR_MAX 64

struct doctor_check {
	const char *name;
	const char *needed_by;
	bool ok;
	bool main_job; /* without it `list` and `trace` don't run */
	char detail[256];
};

struct doctor {
	struct doctor_check checks[DOCTOR_MAX];
	size_t count;
	bool ok;
	bool no_daemon;
	char kernel[2 * sizeof(((struct utsname *)0)->release)];
};

__attribute__((format(printf, 6, 7))) static void doctor_add(struct doctor *d, const char *name,
							     const char *needed_by, bool ok,
							     bool main_job, const char *format, ...)
{
	struct doctor_check *c = &d->checks[d->count];
	va_list args;

	if (d->count == DOCTOR_MAX)
		return;
	d->count++;
	c->name = name;
	c->needed_by = needed_by;
	c->ok = ok;
	c->main_job = main_job;
	va_start(args, format);
	vsnprintf(c->detail, sizeof(c->detail), format, args);
	va_end(args);
	if (!ok && strstr(needed_by, "daemon"))
		d->no_daemon = true;
	if (!ok && main_job)
		d->ok = false;
}

static void doctor_kernel(struct doctor *d)
{
	struct utsname uts;
	unsigned int major = 0, minor = 0;

	uname(&uts);
	snprintf(d->kernel, sizeof(d->kernel), "%s", uts.release);
	sscanf(uts.release, "%u.%u", &major, &minor);
	if (major > 6 || (major == 6 && minor >= 1))
		doctor_add(d, "kernel", "all", true, false, "%s (%s), HZ %u", uts.release,
			   uts.machine, probe_hz());
	else
		doctor_add(d, "kernel", "all", false, false,
			   "%s is older than 6.1, the oldest that is tested", uts.release);
}

/* The newest built-in profile that is not newer than this one. */
static const struct tcptimer_profile *doctor_nearest(const struct tcptimer_profile *profile)
{
	const struct tcptimer_profile *p, *nearest = tcptimer_profile_at(0);
	size_t i;

	for (i = 0; (p = tcptimer_profile_at(i)); i++)
		if (p->version >> 8 <= profile->version >> 8)
			nearest = p;
	return nearest;
}

/* What the engine takes this kernel to do: the nearest profile, and what differs from it here. */
static void doctor_profile(struct doctor *d)
{
	const struct tcptimer_profile *nearest;
	struct tcptimer_behaviour here, there;
	struct tcptimer_profile profile;
	char differs[192] = "";
	size_t i, len = 0;
	int err = profile_running(&profile);

	if (err) {
		doctor_add(d, "timer profile", "list, trace, explain", false, false, "%s",
			   tcptimer_engine_strerror(err));
		return;
	}
	nearest = doctor_nearest(&profile);
	for (i = 0;
	     tcptimer_behaviour_at(&profile, i, &here) && tcptimer_behaviour_at(nearest, i, &there);
	     i++)
		if (here.value != there.value && len < sizeof(differs))
			len += (size_t)snprintf(differs + len, sizeof(differs) - len, "%s %s=%u",
						len ? "," : ", but", here.name, here.value);
	doctor_add(d, "timer profile", "list, trace, explain", true, false, "%s: as %s%s",
		   profile.name, nearest->name, differs);
}

static void doctor_btf(struct doctor *d)
{
	bool ok = !access("/sys/kernel/btf/vmlinux", R_OK);

	doctor_add(d, "btf", "all", ok, true, "%s",
		   ok ? "/sys/kernel/btf/vmlinux" :
			"no /sys/kernel/btf/vmlinux: the kernel needs CONFIG_DEBUG_INFO_BTF");
}

/* "list, trace" as an array */
static struct json_object *doctor_needed_by(const char *names)
{
	struct json_object *array = json_object_new_array();

	while (*names) {
		size_t len = strcspn(names, ",");

		json_object_array_add(array, json_object_new_string_len(names, (int)len));
		names += len;
		names += strspn(names, ", ");
	}
	return array;
}

/* Handlers of timers are found by their addresses, which kptr_restrict 2 hides from everyone. */
static void doctor_kallsyms(struct doctor *d)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long address = 0;
	bool ok;

	ok = file && fscanf(file, "%lx", &address) == 1 && address;
	if (file)
		fclose(file);
	/* The first symbol may be at 0 (per-CPU): then another look would be needed; ask for the handler. */
	if (!ok) {
		char *line = NULL;
		size_t size = 0;

		file = fopen("/proc/kallsyms", "re");
		while (!ok && file && getline(&line, &size, file) > 0)
			ok = strstr(line, " tcp_write_timer\n") && strtoul(line, NULL, 16);
		free(line);
		if (file)
			fclose(file);
	}
	doctor_add(d, "kallsyms", "trace", ok, true, "%s",
		   ok ? "addresses are shown" :
			"addresses are hidden; as root: sysctl kernel.kptr_restrict=1");
}

static void doctor_lockdown(struct doctor *d)
{
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";
	bool tight;

	if (!file) {
		doctor_add(d, "lockdown", "all", true, true, "none");
		return;
	}
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	tight = strstr(line, "[confidentiality]") != NULL;
	doctor_add(
		d, "lockdown", "all", !tight, true, "%s%s", line,
		tight ? ": BPF may not read kernel memory; boot with lockdown=integrity or none" :
			"");
}

static void doctor_cgroup(struct doctor *d)
{
	const char *mount = cgroups_mount();

	if (mount)
		doctor_add(d, "cgroup2", "list, trace, daemon", true, false, "names of cgroups: %s",
			   mount);
	else
		doctor_add(
			d, "cgroup2", "list, trace, daemon", false, false,
			"names of cgroups: not mounted; as root: mount -t cgroup2 none /sys/fs/cgroup");
}

/* Where policy's programs are pinned. */
static void doctor_bpffs(struct doctor *d)
{
	struct statfs fs;

	if (!statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC)
		doctor_add(d, "bpffs", "daemon", true, false, "/sys/fs/bpf");
	else
		doctor_add(d, "bpffs", "daemon", false, false,
			   "not mounted; as root: mount -t bpf bpf /sys/fs/bpf");
}

/* What a policy may set that this kernel lacks (user/policy/policy_settings.c has the versions). */
static void doctor_settings(struct doctor *d)
{
	char missing[256] = "";
	size_t used = 0, i;
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	for (i = 0; i < POLICY_SETTING_COUNT; i++) {
		const struct policy_setting *s = &policy_settings[i];

		if (s->since_major > major || (s->since_major == major && s->since_minor > minor))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used,
						 "%s%s takes %s", used ? ", " : "", s->name,
						 s->since);
	}
	if (major < 6 || (major == 6 && minor < 12))
		used += (size_t)snprintf(
			missing + used, sizeof(missing) - used,
			"%smax_retries reaches connections that are older than the daemon from 6.12 on",
			used ? ", " : "");
	if (used)
		doctor_add(d, "policy settings", "policy", false, false, "%s", missing);
	else
		doctor_add(d, "policy settings", "policy", true, false, "all");
}

static void doctor_programs(struct doctor *d)
{
	struct program_check rows[DOCTOR_MAX];
	size_t i, n = programs_check(rows, DOCTOR_MAX);

	for (i = 0; i < n; i++) {
		bool ok = rows[i].loads && rows[i].attaches;

		doctor_add(d, rows[i].program, rows[i].needed_by, ok, rows[i].main_job, "%s%s%s",
			   rows[i].hook,
			   ok            ? "" :
			   rows[i].loads ? " loads, does not attach: " :
					   " does not load: ",
			   rows[i].detail);
	}
}

static int doctor_walk_socket(const struct tcptimer_snapshot *snap, void *arg)
{
	return 0;
}

/* What `list --stalled` has for speed: by the iterator it tells the same. */
static void doctor_walk(struct doctor *d)
{
	const struct snapshot_options options = { .states = ~0U, .stalled = true };
	unsigned int visited, skipped;
	struct walk *walk = NULL;
	int err = walk_open(&walk, &options);

	if (!err)
		err = walk_read(walk, doctor_walk_socket, NULL, &visited, &skipped);
	walk_close(walk);
	if (err)
		doctor_add(d, "walk_table", "list --stalled", false, false,
			   "raw_tp does not run (%s), which takes Linux 6.2: snapshot_tcp instead, "
			   "slower",
			   strerror(-err));
	else
		doctor_add(d, "walk_table", "list --stalled", true, false, "raw_tp");
}

static void doctor_look(struct doctor *d)
{
	const char *missing;
	bool privileged = probe_privileged(&missing);

	d->ok = true;
	doctor_kernel(d);
	doctor_profile(d);
	doctor_btf(d);
	if (privileged)
		doctor_add(d, "privileges", "all", true, true, "CAP_SYS_ADMIN");
	else
		doctor_add(d, "privileges", "all", false, true,
			   "missing %s: everything here needs root; try: sudo tcptimer doctor",
			   missing);
	doctor_lockdown(d);
	doctor_cgroup(d);
	doctor_bpffs(d);
	doctor_settings(d);
	if (!privileged)
		return;
	doctor_kallsyms(d);
	doctor_programs(d);
	doctor_walk(d);
}

static int doctor_json(const struct doctor *d)
{
	struct json_object *o = json_object_new_object(), *array = json_object_new_array();
	size_t i;

	json_object_object_add(o, "kernel", json_object_new_string(d->kernel));
	json_object_object_add(o, "hz", json_object_new_int((int)probe_hz()));
	json_object_object_add(o, "ok", json_object_new_boolean(d->ok));
	for (i = 0; i < d->count; i++) {
		const struct doctor_check *c = &d->checks[i];
		struct json_object *row = json_object_new_object();
		char detail[2048];

		json_object_object_add(row, "name", json_object_new_string(c->name));
		json_object_object_add(row, "ok", json_object_new_boolean(c->ok));
		json_object_object_add(row, "needed_by", doctor_needed_by(c->needed_by));
		json_object_object_add(
			row, "detail",
			json_object_new_string(text_utf8(c->detail, detail, sizeof(detail))));
		json_object_array_add(array, row);
	}
	json_object_object_add(o, "checks", array);
	return conn_json_print(o, "", "\n");
}

static void doctor_text(const struct doctor *d)
{
	char detail[2048];
	size_t i;

	for (i = 0; i < d->count; i++) {
		const struct doctor_check *c = &d->checks[i];

		printf("%-4s %-25s %s\n",
		       c->ok       ? "ok" :
		       c->main_job ? "FAIL" :
				     "warn",
		       c->name, text_escape(c->detail, detail, sizeof(detail)));
		if (!c->ok)
			printf("     %-25s needed by: %s\n", "", c->needed_by);
	}
	if (!d->ok)
		puts("\n`list` or `trace` can't run: see FAIL above.");
	else if (d->no_daemon)
		puts("\n`list` and `trace` can run, `daemon` can't: see warn above.");
	else
		puts("\n`list`, `trace` and `daemon` can run.");
}

int doctor_run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	static struct doctor d;
	bool json = false;
	int opt, status;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt == 'j') {
			json = true;
		} else if (opt == 'h') {
			cli_help(command);
			return cli_flush();
		} else {
			return cli_bad_option(command, argv, opt);
		}
	}
	if (optind < argc)
		return cli_usage(command, "'%s' is one word too many", argv[optind]);
	doctor_look(&d);
	if (json)
		status = doctor_json(&d);
	else
		doctor_text(&d);
	status = cli_flush();
	return status ? status : d.ok ? CLI_OK : CLI_FAILED;
}

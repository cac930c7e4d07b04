// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives scenarios from a test's main(); runs them as child processes, several at a time.
 * Hands on each one's verdict to cmocka, with what it printed when it failed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "capture.h"
#include "cgroup.h"
#include "pins.h"
#include "scenario.h"
#include "sys.h"
#include "tool.h"
#include "witness.h"

#define SCENARIO_SECONDS 170
#define TRIES_MAX 3

struct job {
	const struct scenario *scenario;
	const char *schema;
	pid_t pid; /* 0: not started; -1: reaped */
	int status;
	int output_fd;
	unsigned int tries;
	uint64_t missed; /* by BPF on this kernel, when it began */
};

static struct job *jobs;
static size_t job_count;
static size_t started;
static size_t running;
static unsigned int parallel_max;

static void job_start(struct job *job)
{
	pid_t parent = getpid();

	if (job->tries++)
		close(job->output_fd);
	job->missed = witness_missed();
	job->output_fd = MUST(memfd_create("output", MFD_CLOEXEC));
	fflush(NULL);
	job->pid = MUST(fork());
	running++;
	if (job->pid)
		return;
	die_with_parent(parent);
	dup2(job->output_fd, STDOUT_FILENO);
	dup2(job->output_fd, STDERR_FILENO);
	/* The kernel ends a scenario that hangs. */
	alarm(SCENARIO_SECONDS);
	job->scenario->run(job->scenario);
	_exit(0);
}

static void jobs_start(void)
{
	while (started < job_count && running < parallel_max) {
		if (jobs[started].scenario)
			job_start(&jobs[started]);
		started++;
	}
}

static void job_print(const struct job *job)
{
	char chunk[4096];
	ssize_t len;

	lseek(job->output_fd, 0, SEEK_SET);
	while ((len = read(job->output_fd, chunk, sizeof(chunk))) > 0)
		fwrite(chunk, 1, (size_t)len, stderr);
}

/*
 * A scenario with a trace failed while the kernel left BPF programs out (witness.h): nothing is
 * known of tcptimer, so once more.
 */
static bool job_again(struct job *job, int status)
{
	uint64_t missed = witness_missed() - job->missed;

	if (job->tries >= TRIES_MAX || !missed || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != CHECK_EXIT_FAIL_TRACED)
		return false;
	job_print(job);
	fprintf(stderr,
		"NOTE: this kernel ran no BPF program at %llu timers meanwhile; again: %s\n",
		(unsigned long long)missed, job->scenario->name);
	job_start(job);
	return true;
}

static void jobs_reap_one(void)
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);
	size_t i;

	for (i = 0; i < job_count; i++) {
		if (jobs[i].pid != pid)
			continue;
		cgroup_remove(pid);
		pins_remove(pid);
		running--;
		if (job_again(&jobs[i], status))
			return;
		jobs[i].pid = -1;
		jobs[i].status = status;
		return;
	}
}

static bool in_ci(void)
{
	const char *ci = getenv("CI");

	return ci && strcmp(ci, "true") == 0;
}

static void job_test(void **state)
{
	struct job *job = *state;

	while (job->pid >= 0) {
		jobs_start();
		jobs_reap_one();
	}
	jobs_start();
	if (WIFEXITED(job->status) && WEXITSTATUS(job->status) == 0)
		return;
	job_print(job);
	if (WIFEXITED(job->status) && WEXITSTATUS(job->status) == CHECK_EXIT_SKIP) {
		if (in_ci())
			fail_msg("%s would be skipped, which CI=true forbids", job->scenario->name);
		skip();
	}
	if (WIFSIGNALED(job->status))
		fail_msg("%s: ended by signal %d", job->scenario->name, WTERMSIG(job->status));
	fail_msg("%s", job->scenario->name);
}

void schema_hold(struct tool *ret_tool, const char *schema, int fd)
{
	const char *src = getenv("TCPTIMER_SRC");
	char script[512], file[512];

	snprintf(script, sizeof(script), "%s/tests/system/validate.py", src ? src : ".");
	snprintf(file, sizeof(file), "%s/contrib/schema/%s", src ? src : ".", schema);
	lseek(fd, 0, SEEK_SET);
	dup2(fd, STDIN_FILENO);
	program_run(ret_tool, (const char *const[]){ "/usr/bin/python3", script, file, NULL });
}

/* Every line that was kept, through a JSON Schema validator. */
static void schema_test(void **state)
{
	struct job *job = *state;
	struct tool tool;

	if (lseek(tool_keep_fd, 0, SEEK_END) == 0)
		fail_msg("no scenario kept a line");
	schema_hold(&tool, job->schema, tool_keep_fd);
	if (tool.status == CHECK_EXIT_SKIP) {
		fputs(tool.err.data, stderr);
		if (in_ci())
			fail_msg("the schema test would be skipped, which CI=true forbids");
		skip();
	}
	if (tool.status)
		fail_msg("%s: %s%s", job->schema, tool.out.data, tool.err.data);
}

static bool wanted(const struct scenario *scenario)
{
	const char *only = getenv("SCENARIO");

	return !only || strstr(scenario->name, only);
}

int scenario_main(const char *group, const struct scenario *scenarios, size_t count,
		  unsigned int parallel, const char *schema)
{
	struct CMUnitTest *tests = calloc(count + 1, sizeof(*tests));
	struct timespec begin, end;
	size_t i, used = 0;
	int ret;

	jobs = calloc(count + 1, sizeof(*jobs));
	if (!tests || !jobs)
		return 1;
	parallel_max = parallel;
	netns_remember_first();
	capture_stamps_on();
	witness_start();
	if (schema) {
		tool_keep_fd = memfd_create("lines", MFD_CLOEXEC);
		/* Scenarios write side by side: a memfd's offset has no lock, its end does. */
		fcntl(tool_keep_fd, F_SETFL, O_APPEND);
	}
	cgroup_remove(0);
	pins_remove(0);
	for (i = 0; i < count; i++) {
		if (!wanted(&scenarios[i]))
			continue;
		jobs[used].scenario = &scenarios[i];
		tests[used] =
			(struct CMUnitTest){ scenarios[i].name, job_test, NULL, NULL, &jobs[used] };
		used++;
	}
	job_count = used;
	if (schema) {
		jobs[used].schema = schema;
		tests[used] = (struct CMUnitTest){ schema, schema_test, NULL, NULL, &jobs[used] };
		used++;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ret = _cmocka_run_group_tests(group, tests, used, NULL, NULL);
	witness_stop();
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%s: %ld s\n", group, (long)(end.tv_sec - begin.tv_sec));
	free(tests);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives command lines of tcptimer from tests; runs it as a child that dies with its test.
 * Hands on output and exit status.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sys.h"
#include "tool.h"

#define RUN_MS 60000
#define TOOL_WORDS 64

static const char *tool_path(void)
{
	const char *path = getenv("TCPTIMER");

	return path ? path : "build/tcptimer";
}

static void child_exec(const char *const *words, uid_t uid, pid_t parent)
{
	if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		_exit(126);
	die_with_parent(parent);
	execvp(words[0], (char *const *)(uintptr_t)words);
	fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
	_exit(127);
}

static void start(struct tool *ret_tool, uid_t uid, int netns_fd, const char *const *words)
{
	pid_t parent = getpid();
	int out[2], err[2];

	memset(ret_tool, 0, sizeof(*ret_tool));
	ret_tool->status = -1;
	MUST(pipe2(out, O_CLOEXEC));
	MUST(pipe2(err, O_CLOEXEC));
	fcntl(out[1], F_SETPIPE_SZ, 1 << 20);
	fflush(NULL);
	ret_tool->pid = MUST(fork());
	if (ret_tool->pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		if (netns_fd >= 0 && setns(netns_fd, CLONE_NEWNET))
			_exit(126);
		child_exec(words, uid, parent);
	}
	close(out[1]);
	close(err[1]);
	ret_tool->out_fd = out[0];
	ret_tool->err_fd = err[0];
	MUST(fcntl(out[0], F_SETFL, O_NONBLOCK));
	MUST(fcntl(err[0], F_SETFL, O_NONBLOCK));
}

void tool_start(struct tool *ret_tool, uid_t uid, const char *const *words)
{
	const char *all[TOOL_WORDS] = { tool_path() };
	size_t i;

	if (strcmp(words[0], "trace") == 0)
		check_fail_status = CHECK_EXIT_FAIL_TRACED;
	for (i = 0; words[i]; i++) {
		CHECK(i + 2 < TOOL_WORDS, "too many words");
		all[i + 1] = words[i];
	}
	start(ret_tool, uid, netns_first_fd(), all);
}

/* Returns false at the end of file. */
static bool buffer_fill(struct buffer *buffer, int *fd)
{
	char chunk[65536];
	ssize_t len;

	while (*fd >= 0 && (len = read(*fd, chunk, sizeof(chunk))) > 0) {
		buffer->data = realloc(buffer->data, buffer->len + (size_t)len + 1);
		CHECK(buffer->data, "no memory");
		memcpy(buffer->data + buffer->len, chunk, (size_t)len);
		buffer->len += (size_t)len;
		buffer->data[buffer->len] = '\0';
	}
	if (*fd < 0 || len == 0) {
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		return false;
	}
	return true;
}

void tool_pump(struct tool *tool, unsigned int ms)
{
	uint64_t end_ns = realtime_ns() + ms * NSEC_PER_MSEC, now_ns;

	for (;;) {
		struct pollfd pollfds[2] = {
			{ .fd = tool->out_fd, .events = POLLIN },
			{ .fd = tool->err_fd, .events = POLLIN },
		};
		bool out = buffer_fill(&tool->out, &tool->out_fd);
		bool err = buffer_fill(&tool->err, &tool->err_fd);

		now_ns = realtime_ns();
		if ((!out && !err) || now_ns >= end_ns)
			return;
		poll(pollfds, 2, (int)((end_ns - now_ns) / NSEC_PER_MSEC) + 1);
	}
}

void tool_stop(struct tool *tool, int signal)
{
	int status;

	if (tool->status >= 0)
		return;
	if (signal)
		kill(tool->pid, signal);
	tool_pump(tool, RUN_MS);
	if (tool->out_fd >= 0 || tool->err_fd >= 0) {
		kill(tool->pid, SIGKILL);
		waitpid(tool->pid, &status, 0);
		tool->status = 128 + SIGKILL;
		FAIL("it did not end within %d ms: %s", RUN_MS,
		     tool->err.data ? tool->err.data : "");
	}
	MUST(waitpid(tool->pid, &status, 0));
	tool->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (!tool->out.data)
		tool->out.data = strdup("");
	if (!tool->err.data)
		tool->err.data = strdup("");
}

void tool_run_as(struct tool *ret_tool, uid_t uid, const char *const *words)
{
	tool_start(ret_tool, uid, words);
	tool_stop(ret_tool, 0);
}

void tool_run(struct tool *ret_tool, const char *const *words)
{
	tool_run_as(ret_tool, 0, words);
}

void program_run(struct tool *ret_tool, const char *const *words)
{
	start(ret_tool, 0, -1, words);
	tool_stop(ret_tool, 0);
}

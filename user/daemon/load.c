// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy on its way from files to force: bytes, rules, findings.
 * Receives paths of files and directories, also hostile ones; hands a policy that was checked.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/load.h"
#include "policy/policy_lint.h"
#include "text.h"

#define LOAD_ERRORS 20 /* of one directory's files */

/* A finding's file outlives it: keep a copy. */
static const char *keep_name(struct loaded *l, const char *name)
{
	char **names = reallocarray(l->names, l->name_count + 1, sizeof(*names));
	char *copy = strdup(name);

	if (names)
		l->names = names;
	if (!names || !copy) {
		free(copy);
		l->report.no_memory = true;
		return "";
	}
	return l->names[l->name_count++] = copy;
}

static void refuse(struct loaded *l, const char *path, const char *code, const char *words)
{
	policy_report_add(&l->report, POLICY_ERROR, code, keep_name(l, path), (struct policy_pos){},
			  NULL, "%s", words);
}

/* At most `max` bytes, malloc()ed. No device and no FIFO: a read from one may never come back. */
static int read_bytes(const char *path, size_t max, char **ret_bytes, size_t *ret_size,
		      const char **ret_words)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	struct stat st;
	ssize_t got = 1;
	char *bytes;
	size_t size = 0;

	if (fd < 0 || fstat(fd, &st)) {
		*ret_words = strerror(errno);
		err = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		*ret_words = "it is no regular file";
		err = -EINVAL;
	}
	bytes = err ? NULL : malloc(max);
	if (!err && !bytes)
		err = -ENOMEM;
	while (!err && size < max && got) {
		got = read(fd, bytes + size, max - size);
		if (got < 0) {
			*ret_words = strerror(errno);
			err = -errno;
		} else {
			size += (size_t)got;
		}
	}
	if (fd >= 0)
		close(fd);
	if (err) {
		free(bytes);
		return err;
	}
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

void load_file(struct loaded *l, const char *path)
{
	const char *words = "";
	char line[256], *bytes;
	size_t size;
	/* One byte more tells a file that is too large. */
	int err = read_bytes(path, POLICY_FILE_MAX + 1, &bytes, &size, &words);

	if (err == -ENOMEM) {
		l->report.no_memory = true;
		return;
	}
	if (err) {
		snprintf(line, sizeof(line), "can't be read: %s", words);
		refuse(l, path, "unreadable", line);
		return;
	}
	if (size > POLICY_FILE_MAX) {
		refuse(l, path, "too-large", "the file is larger than 1 MiB: split it");
	} else {
		err = source_add(&l->source, path, bytes, size);
		if (err == -E2BIG)
			refuse(l, path, "too-large",
			       "the files of the policy are more than 1 MiB or 256 files together");
		else if (err)
			l->report.no_memory = true;
	}
	free(bytes);
}

/* Not those of editors: ".a.yaml.swp", "a.yaml~"; nor a hidden ".#a.yaml". */
static int is_policy(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && !strcmp(dot, ".yaml");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

void load_directory(struct loaded *l, const char *path)
{
	struct dirent **entries;
	char line[256], *file;
	int count = scandir(path, &entries, is_policy, by_name);

	if (count < 0 && errno == ENOENT)
		return;
	if (count < 0) {
		snprintf(line, sizeof(line), "can't be read: %s", strerror(errno));
		refuse(l, path, "unreadable", line);
		return;
	}
	for (int i = 0; i < count; i++) {
		/* A directory full of them is told about, not read to its end. */
		if (l->report.errors < LOAD_ERRORS) {
			if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0) {
				l->report.no_memory = true;
			} else {
				load_file(l, file);
				free(file);
			}
		}
		free(entries[i]);
	}
	free(entries);
}

static void sort(struct loaded *l)
{
	size_t count = l->source.count + l->name_count;
	const char **files = calloc(count + 1, sizeof(*files));

	if (!files)
		return;
	for (size_t i = 0; i < l->source.count; i++)
		files[i] = l->source.files[i].name;
	for (size_t i = 0; i < l->name_count; i++)
		files[l->source.count + i] = l->names[i];
	policy_report_sort(&l->report, files, count);
	free(files);
}

int load_check(struct loaded *l, const struct tcptimer_profile *profile, uint32_t hz)
{
	source_read(&l->source, &l->policy, &l->report);
	/* Half a policy has other faults. */
	if (profile && !l->report.errors && !l->report.no_memory)
		policy_lint(&l->policy, profile, hz, &l->report);
	sort(l);
	return l->report.no_memory ? -ENOMEM : l->report.errors ? -EINVAL : 0;
}

void load_free(struct loaded *l)
{
	policy_report_free(&l->report);
	policy_free(&l->policy);
	source_free(&l->source);
	for (size_t i = 0; i < l->name_count; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct loaded){};
}

const char *load_finding_text(const struct policy_finding *f, char *buf, size_t size)
{
	char file[256], place[32] = "", rule[POLICY_NAME_MAX + 16] = "";

	text_escape(f->file, file, sizeof(file));
	if (f->pos.line)
		snprintf(place, sizeof(place), ":%u:%u", f->pos.line, f->pos.column);
	if (f->rule[0])
		snprintf(rule, sizeof(rule), "rule '%s': ", f->rule);
	snprintf(buf, size, "%s%s: %s: %s%s [%s]", file, place, policy_severity_name(f->severity),
		 rule, f->text, f->code);
	return buf;
}

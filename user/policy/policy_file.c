// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes a policy file's bytes, and no more of them than a policy may have.
 * Receives a path; hands bytes to policy_yaml.c, or a finding that says why there are none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy/policy_yaml.h"

static int file_unreadable(struct policy_report *report, const char *path, int err)
{
	policy_report_add(report, POLICY_ERROR, "unreadable", path, (struct policy_pos){}, NULL,
			  "can't be read: %s", strerror(err));
	return -EINVAL;
}

int policy_read_file(struct policy *policy, const char *path, struct policy_report *report)
{
	FILE *file = fopen(path, "re");
	char *bytes;
	size_t size;
	int err;

	if (!file)
		return file_unreadable(report, path, errno);
	/* One byte more tells a file that is too large. */
	bytes = malloc(POLICY_FILE_MAX + 1);
	if (!bytes) {
		report->no_memory = true;
		fclose(file);
		return -ENOMEM;
	}
	errno = 0;
	size = fread(bytes, 1, POLICY_FILE_MAX + 1, file);
	if (ferror(file))
		err = file_unreadable(report, path, errno ? errno : EIO);
	else
		err = policy_read(policy, path, bytes, size, report);
	free(bytes);
	fclose(file);
	return err;
}

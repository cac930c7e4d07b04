// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a snapshot with its profile from a program, or the bytes of a file from a command.
 * Hands on the bytes to write, or the snapshot once header and sizes are what they must be. Pure.
 */
#include <string.h>
#include "tcptimer/snapshot_file.h"

const char *tcptimer_snapshot_file_strerror(int error)
{
	switch (error) {
	case TCPTIMER_SNAPSHOT_FILE_SHORT:
		return "it is not as long as a snapshot file is";
	case TCPTIMER_SNAPSHOT_FILE_MAGIC_:
		return "it is not a snapshot file";
	case TCPTIMER_SNAPSHOT_FILE_OTHER:
		return "another version of tcptimer wrote it";
	case TCPTIMER_SNAPSHOT_FILE_VALUES:
		return "its header holds values that no writer sets";
	default:
		return "no error";
	}
}

void tcptimer_snapshot_file_fill(const struct tcptimer_profile *profile,
				 const struct tcptimer_engine_params *params,
				 const struct tcptimer_snapshot *snapshot,
				 struct tcptimer_snapshot_file *ret_file)
{
	memset(ret_file, 0, sizeof(*ret_file));
	memcpy(ret_file->magic, TCPTIMER_SNAPSHOT_FILE_MAGIC, sizeof(ret_file->magic));
	ret_file->version = TCPTIMER_SNAPSHOT_FILE_VERSION;
	ret_file->size = sizeof(*ret_file);
	ret_file->snapshot_size = sizeof(ret_file->snapshot);
	ret_file->hz = params->hz;
	ret_file->peer = params->peer;
	ret_file->rtt_us = params->rtt_us;
	memcpy(ret_file->profile_name, profile->name, sizeof(ret_file->profile_name) - 1);
	ret_file->profile = *profile;
	ret_file->snapshot = *snapshot;
}

int tcptimer_snapshot_file_read(const void *data, size_t len,
				struct tcptimer_snapshot_file *ret_file)
{
	struct tcptimer_snapshot_file file;
	size_t header = offsetof(struct tcptimer_snapshot_file, profile_name);

	if (!data || len < header)
		return TCPTIMER_SNAPSHOT_FILE_SHORT;
	memcpy(&file, data, header);
	if (memcmp(file.magic, TCPTIMER_SNAPSHOT_FILE_MAGIC, sizeof(file.magic)))
		return TCPTIMER_SNAPSHOT_FILE_MAGIC_;
	if (file.version != TCPTIMER_SNAPSHOT_FILE_VERSION || file.size != sizeof(file) ||
	    file.snapshot_size != sizeof(file.snapshot))
		return TCPTIMER_SNAPSHOT_FILE_OTHER;
	if (len != sizeof(file))
		return TCPTIMER_SNAPSHOT_FILE_SHORT;
	memcpy(&file, data, sizeof(file));
	if (file.hz < TCPTIMER_HZ_MIN || file.hz > TCPTIMER_HZ_MAX ||
	    file.peer >= TCPTIMER_PEER_COUNT || file.profile_name[sizeof(file.profile_name) - 1] ||
	    file.profile.name[sizeof(file.profile.name) - 1])
		return TCPTIMER_SNAPSHOT_FILE_VALUES;
	*ret_file = file;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives what `record` sees: sockets, events, names, losses.
 * Hands bytes of the format in tcptimer/recording.h to a function, a record at a time. Pure.
 */
#include <string.h>
#include <zlib.h>
#include "recording.h"

static int recording_out(struct recording_writer *w, const void *data, size_t len)
{
	if (!w->err)
		w->err = w->write(w->arg, data, len);
	if (!w->err)
		w->bytes += len;
	return w->err;
}

int recording_begin(struct recording_writer *writer, const struct tcptimer_recording_header *header)
{
	struct tcptimer_recording_header out = *header;

	memcpy(out.magic, TCPTIMER_RECORDING_MAGIC, sizeof(out.magic));
	out.byte_order = TCPTIMER_RECORDING_ORDER;
	out.version = TCPTIMER_RECORDING_VERSION;
	out.size = sizeof(out);
	out.event_size = sizeof(struct tcptimer_event);
	out.snapshot_size = sizeof(struct tcptimer_snapshot);
	out.profile_size = sizeof(struct tcptimer_profile);
	memset(out.reserved, 0, sizeof(out.reserved));
	out.checksum = (__u32)crc32(0, (const void *)&out, offsetof(__typeof__(out), checksum));
	return recording_out(writer, &out, sizeof(out));
}

/* A record in one piece, so that what fails leaves no half of it in the caller's buffer. */
static int recording_put(struct recording_writer *w, enum tcptimer_recording_type type,
			 const void *fixed, size_t fixed_len, const void *rest, size_t rest_len)
{
	struct tcptimer_recording_head head = {
		.length = (__u32)(fixed_len + rest_len),
		.type = type,
		.number = w->number + 1,
	};
	unsigned char piece[RECORDING_PIECE_MAX];
	unsigned char *body = piece + sizeof(head);
	uLong sum;

	memcpy(body, fixed, fixed_len);
	if (rest_len)
		memcpy(body + fixed_len, rest, rest_len);
	sum = crc32(0, (const void *)&head, offsetof(__typeof__(head), checksum));
	head.checksum = (__u32)crc32(sum, body, head.length);
	memcpy(piece, &head, sizeof(head));
	if (recording_out(w, piece, sizeof(head) + head.length))
		return w->err;
	w->number++;
	return 0;
}

/* Who reads a recording learns which sockets are one, not where the kernel keeps them. */
static uint64_t recording_veiled(const struct recording_writer *w, uint64_t address)
{
	return address ? address ^ w->veil : 0;
}

int recording_put_snapshot(struct recording_writer *writer, const struct tcptimer_snapshot *snap)
{
	struct tcptimer_snapshot out = *snap;

	out.sk = recording_veiled(writer, snap->sk);
	out.listener_sk = recording_veiled(writer, snap->listener_sk);
	return recording_put(writer, TCPTIMER_RECORDING_SNAPSHOT, &out, sizeof(out), NULL, 0);
}

int recording_put_event(struct recording_writer *writer, const struct tcptimer_event *event)
{
	struct tcptimer_event out = *event;

	out.after.sk = recording_veiled(writer, event->after.sk);
	out.after.listener_sk = recording_veiled(writer, event->after.listener_sk);
	return recording_put(writer, TCPTIMER_RECORDING_EVENT, &out, sizeof(out), NULL, 0);
}

int recording_put_lost(struct recording_writer *writer, const struct tcptimer_recording_lost *lost)
{
	return recording_put(writer, TCPTIMER_RECORDING_LOST, lost, sizeof(*lost), NULL, 0);
}

static int recording_put_name(struct recording_writer *w, enum tcptimer_recording_type type,
			      const void *id, size_t id_len, const char *name)
{
	return recording_put(w, type, id, id_len, name, strnlen(name, RECORDING_NAME_MAX - 1));
}

int recording_put_cgroup(struct recording_writer *writer, uint64_t id, const char *path)
{
	return recording_put_name(writer, TCPTIMER_RECORDING_CGROUP, &id, sizeof(id), path);
}

int recording_put_netns(struct recording_writer *writer, uint32_t inum, const char *name)
{
	return recording_put_name(writer, TCPTIMER_RECORDING_NETNS, &inum, sizeof(inum), name);
}

int recording_put_rule(struct recording_writer *writer, uint32_t rule, const char *name)
{
	return recording_put_name(writer, TCPTIMER_RECORDING_RULE, &rule, sizeof(rule), name);
}

int recording_put_owner(struct recording_writer *writer,
			const struct tcptimer_recording_owner *owner, const int *pids)
{
	struct tcptimer_recording_owner out = *owner;
	bool several = pids && owner->processes > 1 &&
		       owner->processes <= TCPTIMER_RECORDING_PIDS_MAX;

	out.sk = recording_veiled(writer, owner->sk);
	return recording_put(writer, TCPTIMER_RECORDING_OWNER, &out, sizeof(out), pids,
			     several ? owner->processes * sizeof(*pids) : 0);
}

int recording_put_end(struct recording_writer *writer, const struct tcptimer_recording_end *end)
{
	return recording_put(writer, TCPTIMER_RECORDING_END, end, sizeof(*end), NULL, 0);
}

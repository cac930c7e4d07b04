// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives the bytes of a recording, from anywhere, as they come.
 * Hands records whose checksum, place and values are those of a writer, or what is wrong. Pure.
 */
#include <string.h>
#include <zlib.h>
#include "event.h"
#include "recording.h"

#define FAMILY_INET 2 /* Linux's AF_INET and AF_INET6, as in tcptimer_snapshot.family */
#define FAMILY_INET6 10
/* Nanoseconds that can be added and subtracted: 146 years. */
#define TIME_NS_MAX (UINT64_C(1) << 62)

const char *recording_strerror(int error)
{
	switch (error) {
	case RECORDING_SHORT:
		return "it is not as long as a recording's header";
	case RECORDING_MAGIC:
		return "it is not a recording of `tcptimer record`";
	case RECORDING_ORDER:
		return "a machine of the other byte order wrote it";
	case RECORDING_OTHER:
		return "another version of tcptimer wrote it";
	case RECORDING_HEADER:
		return "its header is damaged";
	case RECORDING_CUT:
		return "it ends within a record";
	case RECORDING_OPEN:
		return "it ends without an end mark";
	case RECORDING_SUM:
		return "a checksum differs";
	case RECORDING_GAP:
		return "records are missing or doubled";
	case RECORDING_VALUES:
		return "a record holds what is never written";
	default:
		return "no error";
	}
}

static bool has_nul(const void *bytes, size_t len)
{
	return memchr(bytes, '\0', len) != NULL;
}

static bool header_good(const struct tcptimer_recording_header *h)
{
	return h->hz >= TCPTIMER_HZ_MIN && h->hz <= TCPTIMER_HZ_MAX && h->start_ns < TIME_NS_MAX &&
	       h->start_real_ns < TIME_NS_MAX && has_nul(h->release, sizeof(h->release)) &&
	       has_nul(h->host, sizeof(h->host)) &&
	       has_nul(h->profile.name, sizeof(h->profile.name));
}

int recording_read_header(struct recording_reader *reader, const void *data, size_t len)
{
	struct tcptimer_recording_header h;

	memset(reader, 0, sizeof(*reader));
	if (len < sizeof(h.magic))
		return RECORDING_SHORT;
	if (memcmp(data, TCPTIMER_RECORDING_MAGIC, sizeof(h.magic)))
		return RECORDING_MAGIC;
	if (len < sizeof(h))
		return RECORDING_SHORT;
	memcpy(&h, data, sizeof(h));
	if (h.byte_order == __builtin_bswap32(TCPTIMER_RECORDING_ORDER))
		return RECORDING_ORDER;
	if (h.byte_order != TCPTIMER_RECORDING_ORDER)
		return RECORDING_HEADER;
	if (h.version != TCPTIMER_RECORDING_VERSION || h.size != sizeof(h) ||
	    h.event_size != sizeof(struct tcptimer_event) ||
	    h.snapshot_size != sizeof(struct tcptimer_snapshot) ||
	    h.profile_size != sizeof(struct tcptimer_profile))
		return RECORDING_OTHER;
	if (h.checksum != crc32(0, (const void *)&h, offsetof(__typeof__(h), checksum)) ||
	    !header_good(&h))
		return RECORDING_HEADER;
	reader->header = h;
	reader->offset = sizeof(h);
	return 0;
}

/* ---- records: each takes `len` bytes that a checksum vouched for, and trusts none of them */

static bool snapshot_good(const struct tcptimer_snapshot *s)
{
	return s->state < TCPTIMER_STATE_COUNT && s->kind <= TCPTIMER_SOCK_REQUEST &&
	       (s->family == FAMILY_INET || s->family == FAMILY_INET6) && s->now_ns < TIME_NS_MAX;
}

static bool read_snapshot(const void *body, size_t len, struct tcptimer_snapshot *ret)
{
	if (len != sizeof(*ret))
		return false;
	memcpy(ret, body, len);
	return snapshot_good(ret);
}

static bool read_event(const void *body, size_t len, struct tcptimer_event *ret)
{
	return !event_decode(body, len, ret) && snapshot_good(&ret->after) &&
	       ret->time_ns < TIME_NS_MAX && ret->stall_since_ns < TIME_NS_MAX &&
	       ret->stall_end_ns < TIME_NS_MAX;
}

static bool read_lost(const void *body, size_t len, struct tcptimer_recording_lost *ret)
{
	if (len != sizeof(*ret))
		return false;
	memcpy(ret, body, len);
	return ret->time_ns < TIME_NS_MAX;
}

/* An id of id_len bytes, then a name that is not empty. */
static bool read_name(const void *body, size_t len, size_t id_len, struct recording_name *ret)
{
	const char *name = (const char *)body + id_len;
	uint32_t id;

	if (len <= id_len || len - id_len >= sizeof(ret->name) || has_nul(name, len - id_len))
		return false;
	if (id_len == sizeof(id)) {
		memcpy(&id, body, sizeof(id));
		ret->id = id;
	} else {
		memcpy(&ret->id, body, sizeof(ret->id));
	}
	memcpy(ret->name, name, len - id_len);
	ret->name[len - id_len] = '\0';
	return true;
}

static bool read_owner(const void *body, size_t len, struct recording_owner *ret)
{
	const struct tcptimer_recording_owner *owner = &ret->owner;
	size_t rest;

	if (len < sizeof(*owner))
		return false;
	memcpy(&ret->owner, body, sizeof(*owner));
	rest = len - sizeof(*owner);
	ret->has_pids = rest;
	if (rest && (owner->processes < 2 || owner->processes > TCPTIMER_RECORDING_PIDS_MAX ||
		     rest != owner->processes * sizeof(ret->pids[0])))
		return false;
	memcpy(ret->pids, (const char *)body + sizeof(*owner), rest);
	return owner->sk && owner->pid > 0 && owner->processes &&
	       has_nul(owner->comm, sizeof(owner->comm));
}

static bool read_end(const void *body, size_t len, struct tcptimer_recording_end *ret)
{
	if (len != sizeof(*ret))
		return false;
	memcpy(ret, body, len);
	return ret->time_ns < TIME_NS_MAX;
}

static bool read_body(unsigned int type, const void *body, size_t len, struct recording_record *ret)
{
	switch (type) {
	case TCPTIMER_RECORDING_SNAPSHOT:
		return read_snapshot(body, len, &ret->snapshot);
	case TCPTIMER_RECORDING_EVENT:
		return read_event(body, len, &ret->event);
	case TCPTIMER_RECORDING_LOST:
		return read_lost(body, len, &ret->lost);
	case TCPTIMER_RECORDING_CGROUP:
		return read_name(body, len, sizeof(uint64_t), &ret->name);
	case TCPTIMER_RECORDING_NETNS:
	case TCPTIMER_RECORDING_RULE:
		return read_name(body, len, sizeof(uint32_t), &ret->name);
	case TCPTIMER_RECORDING_OWNER:
		return read_owner(body, len, &ret->owner);
	case TCPTIMER_RECORDING_END:
		return read_end(body, len, &ret->end);
	default:
		return false;
	}
}

/* 0: the head is good and `len` holds the body, too; 1: more bytes are needed; or an error. */
static int read_head(const struct recording_reader *reader, const void *data, size_t len, bool last,
		     struct tcptimer_recording_head *ret)
{
	uLong sum;

	if (len < sizeof(*ret))
		return !last ? 1 : len ? RECORDING_CUT : RECORDING_OPEN;
	memcpy(ret, data, sizeof(*ret));
	/* A damaged length must not be waited for: it is known by its bound. */
	if (ret->length > TCPTIMER_RECORDING_BODY_MAX)
		return RECORDING_SUM;
	if (len - sizeof(*ret) < ret->length)
		return last ? RECORDING_CUT : 1;
	sum = crc32(0, data, offsetof(__typeof__(*ret), checksum));
	sum = crc32(sum, (const unsigned char *)data + sizeof(*ret), ret->length);
	if (ret->checksum != sum)
		return RECORDING_SUM;
	if (ret->number != reader->number + 1)
		return RECORDING_GAP;
	return ret->reserved ? RECORDING_VALUES : 0;
}

int recording_read(struct recording_reader *reader, const void *data, size_t len, bool last,
		   struct recording_record *ret_record)
{
	struct tcptimer_recording_head head;
	int err;

	if (reader->ended)
		return len ? RECORDING_VALUES : 0;
	err = read_head(reader, data, len, last, &head);
	if (err)
		return err > 0 ? 0 : err;
	if (!read_body(head.type, (const char *)data + sizeof(head), head.length, ret_record))
		return RECORDING_VALUES;
	ret_record->type = head.type;
	reader->number = head.number;
	reader->offset += sizeof(head) + head.length;
	reader->ended = head.type == TCPTIMER_RECORDING_END;
	return (int)(sizeof(head) + head.length);
}

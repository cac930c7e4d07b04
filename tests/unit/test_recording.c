// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings: what is written is read back, and any cut or damage is found where it is.
 * Receives user/recording_*.c and user/idmap.c, idset.c; no kernel, no libbpf.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>
#include "idset.h"
#include "recording_names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VEIL UINT64_C(0xa5a5a5a5deadbeef)
#define SK UINT64_C(0xffff888012345600)

struct file {
	unsigned char data[16384];
	size_t len;
	size_t max; /* a disk of that size; 0: none */
};

static int file_write(void *arg, const void *data, size_t len)
{
	struct file *file = arg;

	if (file->max && file->len + len > file->max)
		return -ENOSPC;
	assert_true(file->len + len <= sizeof(file->data));
	memcpy(file->data + file->len, data, len);
	file->len += len;
	return 0;
}

static struct tcptimer_recording_header a_header(void)
{
	struct tcptimer_recording_header h = { .hz = 250, .start_ns = 5, .start_real_ns = 1000 };

	strcpy(h.release, "6.12.1-test");
	strcpy(h.host, "db\033[2J");
	h.profile = *tcptimer_profile_by_name("6.12");
	return h;
}

static struct tcptimer_snapshot a_snapshot(void)
{
	return (struct tcptimer_snapshot){ .sk = SK,
					   .cookie = 77,
					   .cgroup_id = 4711,
					   .netns = 4026531840U,
					   .family = 2,
					   .state = TCPTIMER_STATE_ESTABLISHED,
					   .policy = 3 };
}

static struct tcptimer_event an_event(void)
{
	struct tcptimer_event event = { .size = sizeof(event),
					.version = TCPTIMER_EVENT_VERSION,
					.kind = TCPTIMER_EVENT_EXPIRED,
					.timer = TCPTIMER_TIMER_RETRANS,
					.stall_timer = TCPTIMER_TIMER_RETRANS,
					.time_ns = 99 };

	event.after = a_snapshot();
	return event;
}

/* One record of each type; returns how many. */
static unsigned int write_all(struct file *file)
{
	struct recording_writer w = { .write = file_write, .arg = file, .veil = VEIL };
	struct tcptimer_recording_header h = a_header();
	struct tcptimer_snapshot snap = a_snapshot();
	struct tcptimer_event event = an_event();
	struct tcptimer_recording_lost lost = { .time_ns = 100, .lost = 3, .cpu = 1 };
	struct tcptimer_recording_owner owner = {
		.sk = SK, .cookie = 77, .pid = 12, .processes = 2, .comm = "sh"
	};
	struct tcptimer_recording_end end = {
		.time_ns = 200, .snapshots = 1, .events = 1, .lost = { 3 }
	};

	assert_int_equal(recording_begin(&w, &h), 0);
	assert_int_equal(recording_put_cgroup(&w, 4711, "/a.slice"), 0);
	assert_int_equal(recording_put_netns(&w, 4026531840U, "two"), 0);
	assert_int_equal(recording_put_rule(&w, 3, "db"), 0);
	assert_int_equal(recording_put_owner(&w, &owner, (const int[]){ 12, 13 }), 0);
	assert_int_equal(recording_put_snapshot(&w, &snap), 0);
	assert_int_equal(recording_put_event(&w, &event), 0);
	assert_int_equal(recording_put_lost(&w, &lost), 0);
	assert_int_equal(recording_put_end(&w, &end), 0);
	assert_int_equal(w.bytes, file->len);
	return w.number;
}

static const uint16_t types_in_order[] = {
	TCPTIMER_RECORDING_CGROUP, TCPTIMER_RECORDING_NETNS,    TCPTIMER_RECORDING_RULE,
	TCPTIMER_RECORDING_OWNER,  TCPTIMER_RECORDING_SNAPSHOT, TCPTIMER_RECORDING_EVENT,
	TCPTIMER_RECORDING_LOST,   TCPTIMER_RECORDING_END,
};

/* Reads to the end or the damage. Returns the last answer; *ret_good: records before. */
static int read_all(const unsigned char *data, size_t len, struct recording_reader *reader,
		    unsigned int *ret_good)
{
	static struct recording_record record;
	size_t at = sizeof(struct tcptimer_recording_header);
	int took = recording_read_header(reader, data, len);

	*ret_good = 0;
	if (took)
		return took;
	while ((took = recording_read(reader, data + at, len - at, true, &record)) > 0) {
		assert_int_equal(record.type, types_in_order[*ret_good]);
		(*ret_good)++;
		at += (size_t)took;
		assert_int_equal(reader->offset, at);
	}
	return took;
}

static void test_round_trip(void **state)
{
	static struct recording_record record;
	struct file file = {};
	unsigned int count = write_all(&file), good;
	struct recording_names names = {};
	struct recording_reader reader;
	struct tcptimer_snapshot snap = a_snapshot();
	struct conn conn;
	size_t at = 256;

	assert_int_equal(count, COUNT(types_in_order));
	assert_int_equal(read_all(file.data, file.len, &reader, &good), 0);
	assert_int_equal(good, count);
	assert_true(reader.ended);
	assert_int_equal(reader.header.hz, 250);
	assert_string_equal(reader.header.release, "6.12.1-test");
	assert_memory_equal(&reader.header.profile, tcptimer_profile_by_name("6.12"),
			    sizeof(struct tcptimer_profile));

	assert_int_equal(recording_read_header(&reader, file.data, file.len), 0);
	while (!reader.ended) {
		int took = recording_read(&reader, file.data + at, file.len - at, false, &record);

		assert_true(took > 0);
		at += (size_t)took;
		recording_names_add(&names, &record);
		if (record.type == TCPTIMER_RECORDING_SNAPSHOT) {
			assert_true(record.snapshot.sk && record.snapshot.sk != SK);
			snap.sk = record.snapshot.sk;
			assert_memory_equal(&record.snapshot, &snap, sizeof(snap));
		} else if (record.type == TCPTIMER_RECORDING_EVENT) {
			assert_int_equal(record.event.after.sk, snap.sk);
			assert_int_equal(record.event.time_ns, 99);
		} else if (record.type == TCPTIMER_RECORDING_LOST) {
			assert_int_equal(record.lost.lost, 3);
		}
	}
	assert_int_equal(record.end.lost[0], 3);
	recording_names_fill(&names, &snap, 250, &conn);
	assert_string_equal(conn.cgroup, "/a.slice");
	assert_string_equal(conn.netns_name, "two");
	assert_string_equal(conn.rule, "db");
	assert_string_equal(conn.comm, "sh");
	assert_int_equal(conn.pid, 12);
	assert_int_equal(conn.owners, 2);
	assert_int_equal(conn.pids[1], 13);
	/* Another socket at the same address, an orphan, a request: not this owner's. */
	snap.cookie = 78;
	recording_names_fill(&names, &snap, 250, &conn);
	assert_int_equal(conn.pid, 0);
	snap.cookie = 77;
	snap.flags = TCPTIMER_F_DEAD;
	recording_names_fill(&names, &snap, 250, &conn);
	assert_int_equal(conn.pid, 0);
	recording_names_free(&names);
	(void)state;
}

/* No byte of the kernel's address is in the file. */
static void test_no_addresses(void **state)
{
	struct file file = {};
	uint64_t sk = SK;

	write_all(&file);
	assert_null(memmem(file.data, file.len, &sk, sizeof(sk)));
	(void)state;
}

/* Cut after any byte: what is whole is read, and the place of the rest is told. */
static void test_cut(void **state)
{
	struct file file = {};
	unsigned int count = write_all(&file), good, last = 0;
	struct recording_reader reader;

	for (size_t len = 0; len < file.len; len++) {
		int err = read_all(file.data, len, &reader, &good);

		if (len < 8) {
			assert_int_equal(err, RECORDING_SHORT);
		} else if (len < 256) {
			assert_int_equal(err, RECORDING_SHORT);
			assert_int_equal(reader.offset, 0);
		} else {
			assert_int_equal(err,
					 reader.offset == len ? RECORDING_OPEN : RECORDING_CUT);
			assert_true(good >= last && good < count);
			last = good;
		}
	}
	assert_int_equal(last, count - 1);
	(void)state;
}

/* A byte changed anywhere: all before its record is read, and nothing from there on. */
static void test_damage(void **state)
{
	struct file file = {};
	unsigned int count = write_all(&file), good;
	struct recording_reader reader;

	for (size_t at = 0; at < file.len; at++) {
		int err;

		file.data[at] ^= 0x10;
		err = read_all(file.data, file.len, &reader, &good);
		file.data[at] ^= 0x10;
		assert_true(err < 0);
		assert_true(reader.offset <= at && good < count);
		if (at < 256)
			assert_int_equal(reader.offset, 0);
		else
			assert_true(err == RECORDING_SUM || err == RECORDING_CUT);
	}
	(void)state;
}

/* A record left out, doubled, or something behind the end mark. */
static void test_order(void **state)
{
	struct file file = {}, other;
	struct recording_reader reader;
	size_t first = 16 + 8 + 8; /* the cgroup's record */
	unsigned int good;

	write_all(&file);
	other = file;
	memmove(other.data + 256, other.data + 256 + first, other.len - 256 - first);
	assert_int_equal(read_all(other.data, other.len - first, &reader, &good), RECORDING_GAP);
	assert_int_equal(good, 0);
	other = file;
	memmove(other.data + 256 + first, other.data + 256, other.len - 256);
	assert_int_equal(read_all(other.data, other.len + first, &reader, &good), RECORDING_GAP);
	assert_int_equal(good, 1);
	assert_int_equal(reader.offset, 256 + first);
	assert_int_equal(read_all(file.data, file.len + 1, &reader, &good), RECORDING_VALUES);
	assert_int_equal(reader.offset, file.len);
	(void)state;
}

static void seal(struct tcptimer_recording_header *h)
{
	h->checksum = (__u32)crc32(0, (const void *)h, offsetof(__typeof__(*h), checksum));
}

static void test_headers(void **state)
{
	struct recording_reader reader;
	struct tcptimer_recording_header h;
	struct file file = {};
	unsigned char *data = file.data;

	write_all(&file);
	memcpy(&h, data, sizeof(h));
#define REFUSED(change, error)                                                                     \
	do {                                                                                       \
		struct tcptimer_recording_header h_ = h;                                           \
		h_.change;                                                                         \
		seal(&h_);                                                                         \
		assert_int_equal(recording_read_header(&reader, &h_, sizeof(h_)), error);          \
	} while (0)
	REFUSED(version = 2, RECORDING_OTHER);
	REFUSED(event_size++, RECORDING_OTHER);
	REFUSED(snapshot_size = 0, RECORDING_OTHER);
	REFUSED(profile_size++, RECORDING_OTHER);
	REFUSED(byte_order = 0x04030201, RECORDING_ORDER);
	REFUSED(byte_order = 0, RECORDING_HEADER);
	REFUSED(hz = 0, RECORDING_HEADER);
	REFUSED(hz = 1000000, RECORDING_HEADER);
	REFUSED(start_ns = UINT64_MAX, RECORDING_HEADER);
	REFUSED(start_real_ns = UINT64_MAX, RECORDING_HEADER);
	REFUSED(magic[0] = 't', RECORDING_MAGIC);
	for (size_t i = 0; i < sizeof(h.host); i++)
		h.host[i] = 'x';
	REFUSED(hz = 250, RECORDING_HEADER);
	assert_int_equal(recording_read_header(&reader, "#!/bin/sh\n", 10), RECORDING_MAGIC);
	(void)state;
}

/* Records with good checksums that no writer writes: none is handed on. */
static void test_values(void **state)
{
	static const struct {
		const char *what;
		uint16_t type, reserved;
		const char *body;
		size_t len;
	} rows[] = {
		{ "no type", 0, 0, "", 0 },
		{ "a type to come", TCPTIMER_RECORDING_TYPE_COUNT, 0, "x", 1 },
		{ "half a snapshot", TCPTIMER_RECORDING_SNAPSHOT, 0, "x", 1 },
		{ "an event of another size", TCPTIMER_RECORDING_EVENT, 0, "x", 1 },
		{ "a cgroup without a path", TCPTIMER_RECORDING_CGROUP, 0, "12345678", 8 },
		{ "a cgroup without an id", TCPTIMER_RECORDING_CGROUP, 0, "1234", 4 },
		{ "a NUL in a name", TCPTIMER_RECORDING_NETNS, 0, "1234a\0b", 7 },
		{ "an owner cut short", TCPTIMER_RECORDING_OWNER, 0, "12345678", 8 },
		{ "losses too long", TCPTIMER_RECORDING_LOST, 0, "1234567812345678123456789", 25 },
		{ "the reserved bits", TCPTIMER_RECORDING_CGROUP, 1, "12345678/a", 10 },
		{ "an owner of 0 pids", TCPTIMER_RECORDING_OWNER, 0,
		  "1234567812345678\1\0\0\0\0\0\0\0shshshshshshsh\0", 40 },
		{ "an owner of 4 billion", TCPTIMER_RECORDING_OWNER, 0,
		  "1234567812345678\1\0\0\0\xff\xff\xff\xff"
		  "ab\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0",
		  44 },
		{ "a comm without an end", TCPTIMER_RECORDING_OWNER, 0,
		  "1234567812345678\1\0\0\0\1\0\0\0aaaaaaaaaaaaaaaa", 40 },
	};
	static struct recording_record record;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tcptimer_recording_head head = { .length = (__u32)rows[i].len,
							.type = rows[i].type,
							.reserved = rows[i].reserved,
							.number = 1 };
		struct recording_reader reader = { .offset = 256 };
		unsigned char piece[128];
		uLong sum = crc32(0, (const void *)&head, 12);

		head.checksum = (__u32)crc32(sum, (const void *)rows[i].body, head.length);
		memcpy(piece, &head, sizeof(head));
		memcpy(piece + sizeof(head), rows[i].body, rows[i].len);
		if (recording_read(&reader, piece, sizeof(head) + rows[i].len, true, &record) !=
		    RECORDING_VALUES)
			fail_msg("%s: taken", rows[i].what);
	}
	(void)state;
}

/* A length of gigabytes is damage, not something to wait for. */
static void test_length(void **state)
{
	static struct recording_record record;
	struct tcptimer_recording_head head = { .length = 0x7fffffff, .type = 1, .number = 1 };
	struct recording_reader reader = { .offset = 256 };

	assert_int_equal(recording_read(&reader, &head, sizeof(head), false, &record),
			 RECORDING_SUM);
	head.length = TCPTIMER_RECORDING_BODY_MAX;
	assert_int_equal(recording_read(&reader, &head, sizeof(head), false, &record), 0);
	assert_int_equal(recording_read(&reader, &head, sizeof(head), true, &record),
			 RECORDING_CUT);
	(void)state;
}

/* A disk that fills up: the error stays, what is there is whole. */
static void test_full(void **state)
{
	struct file file = { .max = 1000 };
	struct recording_writer w = { .write = file_write, .arg = &file, .veil = VEIL };
	struct tcptimer_recording_header h = a_header();
	struct tcptimer_event event = an_event();
	struct recording_reader reader;
	static struct recording_record record;

	assert_int_equal(recording_begin(&w, &h), 0);
	assert_int_equal(recording_put_event(&w, &event), 0);
	assert_int_equal(recording_put_event(&w, &event), -ENOSPC);
	file.max = 0;
	assert_int_equal(recording_put_event(&w, &event), -ENOSPC);
	assert_int_equal(w.number, 1);
	assert_int_equal(w.bytes, 256 + 16 + sizeof(event));
	assert_int_equal(recording_read_header(&reader, file.data, file.len), 0);
	assert_int_equal(recording_read(&reader, file.data + 256, file.len - 256, true, &record),
			 16 + sizeof(event));
	assert_int_equal(recording_read(&reader, file.data, 0, true, &record), RECORDING_OPEN);
	(void)state;
}

/* Names of any length: cut to what the format takes, and read again. */
static void test_long_names(void **state)
{
	static char path[3 * RECORDING_NAME_MAX];
	static struct recording_record record;
	struct file file = {};
	struct recording_writer w = { .write = file_write, .arg = &file };
	struct recording_reader reader = { .offset = 0 };

	memset(path, 'a', sizeof(path) - 1);
	assert_int_equal(recording_put_cgroup(&w, 1, path), 0);
	assert_true(recording_read(&reader, file.data, file.len, true, &record) > 0);
	assert_int_equal(strlen(record.name.name), RECORDING_NAME_MAX - 1);
	(void)state;
}

/* A name that changes takes the earlier one's place, also in the bytes that are counted. */
static void test_names_replaced(void **state)
{
	static struct recording_record record = { .type = TCPTIMER_RECORDING_CGROUP };
	struct recording_names names = {};
	struct tcptimer_snapshot snap = a_snapshot();
	struct conn conn;
	size_t bytes = 0;

	for (unsigned int i = 0; i < 3000; i++) {
		record.name.id = 4000 + i % 1000;
		snprintf(record.name.name, sizeof(record.name.name), "/%04u", i);
		recording_names_add(&names, &record);
		if (i == 999)
			bytes = names.bytes;
	}
	assert_int_equal(names.bytes, bytes);
	assert_int_equal(names.cgroups.count, 1000);
	recording_names_fill(&names, &snap, 250, &conn);
	assert_string_equal(conn.cgroup, "/2711");
	recording_names_free(&names);
	(void)state;
}

/* Against an array of flags: any order of putting and taking. */
static void test_idmap(void **state)
{
	struct idmap map = {};
	static char present[512];
	uint32_t random = 1;
	size_t index = 0, count = 0;

	for (unsigned int i = 0; i < 50000; i++) {
		uint64_t id;

		random = random * 1664525 + 1013904223;
		id = (random >> 8) % 512;
		assert_true(!!idmap_get(&map, id << 20) == present[id]);
		if (random >> 31) {
			assert_int_equal(idmap_put(&map, id << 20, &present[id]), 0);
			count += !present[id];
			present[id] = 1;
		} else {
			assert_ptr_equal(idmap_take(&map, id << 20),
					 present[id] ? &present[id] : NULL);
			count -= (size_t)present[id];
			present[id] = 0;
		}
		assert_int_equal(map.count, count);
	}
	while (idmap_next(&map, &index))
		count--;
	assert_int_equal(count, 0);
	idmap_free(&map);
	(void)state;
}

static void test_idset(void **state)
{
	struct idset set = {};

	for (uint64_t id = 0; id < 5000; id++) {
		assert_true(idset_add(&set, id * 7 + 3));
		assert_false(idset_add(&set, id * 7 + 3));
	}
	for (uint64_t id = 0; id < IDSET_MAX; id++)
		idset_add(&set, id << 24 | 1);
	assert_true(set.count <= IDSET_MAX);
	assert_true(idset_add(&set, 3)); /* forgotten meanwhile: told again */
	idset_free(&set);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_names_replaced),
		cmocka_unit_test(test_idmap),
		cmocka_unit_test(test_idset),
	};

	return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}

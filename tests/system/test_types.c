// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What snapshots are read with: the small BTF beside the kernel's own, and reading ahead.
 * Receives this kernel's BTF and a pipe; libbpf's view of the one, and the bytes of the other, decide.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/btf.h>
#include "kernel/readahead.h"
#include "kernel/types.h"
#include "snapshot.skel.h"

#define STRUCTS 6
#define RECORD 88
#define RECORDS 20000

static const char *const structs[STRUCTS] = {
	"tcp_sock",      "tcp_timewait_sock", "request_sock",
	"net___flavour", "sk_buff",           "no_such_struct"
};

static struct btf *small_btf(struct types_function *functions, size_t count)
{
	struct btf *local = btf__new_empty(), *small = NULL;
	size_t i;

	assert_non_null(local);
	for (i = 0; i < STRUCTS; i++)
		assert_true(btf__add_struct(local, structs[i], 0) > 0);
	assert_true(btf__add_enum(local, "tsq_enum", 4) > 0);
	assert_int_equal(types_like(local, functions, count, &small), 0);
	btf__free(local);
	return small;
}

static const struct btf_type *plain(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (btf_is_mod(type) || btf_is_typedef(type))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* The same members at the same places, of the same kinds; those without a name looked into. */
static unsigned int same_struct(const struct btf *a, const struct btf_type *x, const struct btf *b,
				const struct btf_type *y)
{
	unsigned int i, compared = 0;

	assert_int_equal(x->info, y->info);
	assert_int_equal(x->size, y->size);
	for (i = 0; i < btf_vlen(x); i++) {
		const struct btf_member *m = btf_members(x) + i, *n = btf_members(y) + i;
		const struct btf_type *t = plain(a, m->type), *u = plain(b, n->type);

		assert_string_equal(btf__name_by_offset(a, m->name_off),
				    btf__name_by_offset(b, n->name_off));
		assert_int_equal(m->offset, n->offset);
		assert_int_equal(btf_kind(t), btf_kind(u));
		assert_int_equal(btf__resolve_size(a, m->type), btf__resolve_size(b, n->type));
		compared++;
		if (btf_is_composite(t))
			compared += same_struct(a, t, b, u);
	}
	return compared;
}

static void test_structs(void **state)
{
	struct btf *whole = btf__load_vmlinux_btf(), *small = small_btf(NULL, 0);
	unsigned int i, compared = 0;

	assert_non_null(whole);
	for (i = 0; i < STRUCTS - 1; i++) {
		const char *flavour = strstr(structs[i], "___");
		char name[64] = "";
		int x, y;

		strncat(name, structs[i],
			flavour ? (size_t)(flavour - structs[i]) : sizeof(name) - 1);
		x = btf__find_by_name_kind(whole, name, BTF_KIND_STRUCT);
		y = btf__find_by_name_kind(small, name, BTF_KIND_STRUCT);
		assert_true(x > 0 && y > 0);
		compared += same_struct(whole, btf__type_by_id(whole, (uint32_t)x), small,
					btf__type_by_id(small, (uint32_t)y));
	}
	assert_true(compared > 500);
	assert_true(btf__type_cnt(small) < btf__type_cnt(whole) / 20);
	assert_true(btf__find_by_name_kind(small, "no_such_struct", BTF_KIND_STRUCT) < 0);
	btf__free(small);
	btf__free(whole);
}

/* Where a member is, also one of an anonymous struct or union, in bits; -1: it has none of that name. */
static int64_t member_at(const struct btf *btf, const struct btf_type *type, const char *name)
{
	unsigned int i;

	for (i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *m = btf_members(type) + i;
		const struct btf_type *inner = plain(btf, m->type);
		int64_t at = -1;

		if (!strcmp(btf__name_by_offset(btf, m->name_off), name))
			at = 0;
		else if (!m->name_off && btf_is_composite(inner))
			at = member_at(btf, inner, name);
		if (at >= 0)
			return at + btf_member_bit_offset(type, i);
	}
	return -1;
}

static const struct btf_type *struct_of(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
}

/* All that the programs name is found where the kernel has it; what they do not name is mostly gone. */
static void test_members(void **state)
{
	struct snapshot_bpf *bpf = snapshot_bpf__open();
	const struct btf *local = bpf_object__btf(bpf->obj);
	struct btf *whole = btf__load_vmlinux_btf(), *small = NULL;
	unsigned int id, i, found = 0;

	assert_int_equal(types_like(local, NULL, 0, &small), 0);
	for (id = 1; id < btf__type_cnt(local); id++) {
		const struct btf_type *type = btf__type_by_id(local, id), *x, *y;
		char name[128];

		if (!btf_is_struct(type))
			continue;
		snprintf(name, sizeof(name), "%s", btf__name_by_offset(local, type->name_off));
		if (strstr(name, "___"))
			*strstr(name, "___") = '\0';
		x = *name ? struct_of(whole, name) : NULL;
		if (!x)
			continue;
		y = struct_of(small, name);
		assert_non_null(y);
		assert_int_equal(x->size, y->size);
		for (i = 0; i < btf_vlen(type); i++) {
			const char *member =
				btf__name_by_offset(local, btf_members(type)[i].name_off);

			if (!*member)
				continue;
			assert_int_equal(member_at(whole, x, member), member_at(small, y, member));
			found += member_at(small, y, member) >= 0;
		}
	}
	assert_true(found > 150);
	assert_true(btf_vlen(struct_of(small, "task_struct")) <
		    btf_vlen(struct_of(whole, "task_struct")) / 4);
	btf__free(small);
	btf__free(whole);
	snapshot_bpf__destroy(bpf);
}

/* What user/kernel/profile.c asks for, of types that the snapshot's programs name: as the whole answers. */
static void test_profile(void **state)
{
	static const struct {
		const char *type, *member;
	} facts[] = {
		{ "inet_connection_sock", "icsk_timeout" },
		{ "inet_connection_sock", "icsk_rto_max" },
		{ "inet_connection_sock", "icsk_probes_tstamp" },
		{ "inet_connection_sock", "icsk_keepalive_timer" },
		{ "inet_connection_sock", "icsk_ack" },
		{ "tcp_sock", "total_rto" },
		{ "tcp_sock", "tcp_usec_ts" },
	};
	struct snapshot_bpf *bpf = snapshot_bpf__open();
	const struct btf *local = bpf_object__btf(bpf->obj);
	struct btf *whole = btf__load_vmlinux_btf(), *small = NULL;
	size_t i;

	assert_int_equal(types_like(local, NULL, 0, &small), 0);
	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		unsigned int id, named = 0;

		/* On this kernel or on another: some type of the programs has such a member. */
		for (id = 1; id < btf__type_cnt(local); id++)
			if (btf_is_struct(btf__type_by_id(local, id)))
				named += member_at(local, btf__type_by_id(local, id),
						   facts[i].member) >= 0;
		assert_true(named > 0);
		assert_int_equal(member_at(whole, struct_of(whole, facts[i].type), facts[i].member),
				 member_at(small, struct_of(small, facts[i].type),
					   facts[i].member));
	}
	btf__free(small);
	btf__free(whole);
	snapshot_bpf__destroy(bpf);
}

static void test_enum(void **state)
{
	struct btf *small = small_btf(NULL, 0);
	int id = btf__find_by_name_kind(small, "tsq_enum", BTF_KIND_ENUM);
	const struct btf_type *type;
	unsigned int i, found = 0;

	assert_true(id > 0);
	type = btf__type_by_id(small, (uint32_t)id);
	for (i = 0; i < btf_vlen(type); i++)
		found += !strcmp(btf__name_by_offset(small, btf_enum(type)[i].name_off),
				 "TCP_WRITE_TIMER_DEFERRED");
	assert_int_equal(found, 1);
	btf__free(small);
}

static void test_functions(void **state)
{
	struct types_function functions[] = { { .name = "bpf_iter_tcp" },
					      { .name = "no_such_function" },
					      { .name = "tcp_sock", .is_struct = true },
					      { .name = "tcp_sock" } };
	struct btf *whole = btf__load_vmlinux_btf();

	btf__free(small_btf(functions, 4));
	assert_int_equal(functions[0].ret_id,
			 btf__find_by_name_kind(whole, "bpf_iter_tcp", BTF_KIND_FUNC));
	assert_int_equal(functions[1].ret_id, 0);
	assert_int_equal(functions[2].ret_id,
			 btf__find_by_name_kind(whole, "tcp_sock", BTF_KIND_STRUCT));
	assert_int_equal(functions[3].ret_id, 0);
	btf__free(whole);
}

/* More records than all chunks hold, written by another process; taken up to `limit`. */
static unsigned int read_ahead(unsigned int limit)
{
	unsigned char record[RECORD] = {};
	struct readahead *ahead;
	unsigned int count = 0;
	const void *data;
	int pipe_fds[2];
	ssize_t got = 0;
	uint32_t number;

	assert_int_equal(pipe(pipe_fds), 0);
	if (!fork()) {
		close(pipe_fds[0]);
		for (number = 0; number < RECORDS; number++) {
			memcpy(record, &number, sizeof(number));
			if (write(pipe_fds[1], record, sizeof(record)) != sizeof(record))
				break;
		}
		_exit(0);
	}
	close(pipe_fds[1]);
	ahead = readahead_new(pipe_fds[0], RECORD);
	assert_non_null(ahead);
	while (count < limit && (got = readahead_next(ahead, &data)) > 0) {
		assert_int_equal(got % RECORD, 0);
		for (const unsigned char *at = data; got > 0; got -= RECORD, at += RECORD) {
			memcpy(&number, at, sizeof(number));
			assert_int_equal(number, count);
			count++;
		}
	}
	assert_true(got >= 0);
	readahead_free(ahead);
	close(pipe_fds[0]);
	return count;
}

static void test_ahead(void **state)
{
	assert_int_equal(read_ahead(UINT32_MAX), RECORDS);
}

/* Who takes no more does not wait for the rest. */
static void test_ahead_stopped(void **state)
{
	unsigned int count = read_ahead(1);

	assert_true(count > 0 && count < RECORDS);
}

static void test_ahead_error(void **state)
{
	struct readahead *ahead = readahead_new(-1, RECORD);
	const void *data;

	assert_non_null(ahead);
	assert_int_equal(readahead_next(ahead, &data), -EBADF);
	readahead_free(ahead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structs),       cmocka_unit_test(test_enum),
		cmocka_unit_test(test_members),       cmocka_unit_test(test_profile),
		cmocka_unit_test(test_functions),     cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_ahead_stopped), cmocka_unit_test(test_ahead_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

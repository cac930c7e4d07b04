// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When memory is short: each allocation fails once, and the filter and the table say so and leak
 * nothing.
 * Receives nothing; hands cmocka's verdict to tests/run.sh. Stands in for the C library's
 * allocator, under the sanitizers, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "filter.h"
#include "text.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

static bool counting;
static unsigned int fail_at; /* of the allocations counted, from 1; 0: none */
static unsigned int allocations;
static int blocks; /* that are held */

static bool fails(void)
{
	return counting && ++allocations == fail_at;
}

void *malloc(size_t size)
{
	if (fails())
		return NULL;
	blocks += counting;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	if (fails())
		return NULL;
	blocks += counting;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	blocks += counting && !old;
	return __libc_realloc(old, size);
}

void free(void *block)
{
	blocks -= counting && block;
	__libc_free(block);
}

static void count_from(unsigned int failing)
{
	fail_at = failing;
	allocations = 0;
	blocks = 0;
	counting = true;
}

/* Whether all went well with the allocation numbered `failing` failing. */
static bool run_filter(unsigned int failing)
{
	static char *words[] = { "state established cgroup /a/** netns web or ( not stalled and "
				 "dst 10/8 or timer retrans ) sport 1 sport 2 sport 3 sport 4" };
	struct filter *filter = NULL;
	char err[256] = "";
	int ret;

	count_from(failing);
	ret = filter_parse(1, words, &filter, err, sizeof(err));
	if (!ret)
		filter_free(filter);
	counting = false;
	assert_int_equal(blocks, 0);
	if (!ret)
		return true;
	assert_int_equal(ret, -ENOMEM);
	assert_string_equal(err, "memory is short");
	assert_null(filter);
	return false;
}

static bool run_table(unsigned int failing, FILE *out)
{
	static const struct text_column columns[] = { { "A", TEXT_LEFT, 0 },
						      { "B", TEXT_RIGHT, 0 } };
	static char wide[4000];
	const char *const cells[] = { "x", wide };
	struct text_table *table;
	int err = 0, end = 0;

	memset(wide, 'w', sizeof(wide) - 1);
	count_from(failing);
	table = text_table_new(out, columns, 2, 80, 1);
	if (table) {
		for (int i = 0; i < 3 && !err; i++)
			err = text_table_row(table, cells);
		end = text_table_end(table);
	}
	counting = false;
	assert_int_equal(blocks, 0);
	assert_true(!err || err == -ENOMEM);
	assert_true(!end || end == -ENOMEM);
	return table && !err && !end;
}

static void test_filter(void **state)
{
	unsigned int failing = 1;

	while (!run_filter(failing))
		failing++;
	assert_true(failing > 5); /* each of them was met */
	assert_true(failing > allocations);
	(void)state;
}

static void test_table(void **state)
{
	FILE *out = fopen("/dev/null", "w");
	unsigned int failing = 1;

	assert_non_null(out);
	setvbuf(out, NULL, _IONBF, 0);
	while (!run_table(failing, out))
		failing++;
	assert_true(failing > 6);
	assert_true(failing > allocations);
	fclose(out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A ring buffer as the kernel fills it: which records are handed over, in which order, and what the
 * writer is told of the room.
 * Receives rings filled by hand; hands them to user/ring.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include "ring.h"

#define BYTES 256
#define SIZE 40 /* of a record: with its header 48, so that the sixth goes on at the begin */

struct fixture {
	unsigned long consumer, producer;
	uint64_t data[BYTES / 8];
	struct ring ring;
	unsigned int told[16], count;
	unsigned int stop_after; /* 0: never */
};

static void fixture_begin(struct fixture *f)
{
	*f = (struct fixture){};
	f->ring = (struct ring){ .fd = -1,
				 .bytes = BYTES,
				 .consumer = &f->consumer,
				 .producer = &f->producer,
				 .data = (char *)f->data };
}

/* As __bpf_ringbuf_reserve(): a length, 4 bytes of the kernel's own, then the record, byte by byte. */
static void write_record(struct fixture *f, unsigned char fill, uint32_t bits)
{
	uint32_t header[2] = { SIZE | bits, 0xffffffff };
	unsigned char record[SIZE + 8];

	memcpy(record, header, sizeof(header));
	memset(record + sizeof(header), fill, SIZE);
	for (size_t i = 0; i < sizeof(record); i++)
		f->ring.data[(f->producer + i) % BYTES] = (char)record[i];
	f->producer += sizeof(record);
}

static int take(void *arg, void *data, size_t size)
{
	struct fixture *f = arg;
	const unsigned char *bytes = data;

	assert_int_equal(size, SIZE);
	assert_int_equal((uintptr_t)data % 8, 0);
	for (size_t i = 1; i < size; i++)
		assert_int_equal(bytes[i], bytes[0]);
	f->told[f->count++] = bytes[0];
	return f->count == f->stop_after ? -11 : 0;
}

static void in_order_across_the_end(void **state)
{
	struct fixture f;

	fixture_begin(&f);
	assert_int_equal(ring_read(&f.ring, take, &f), 0);
	for (unsigned char fill = 1; fill <= 4; fill++)
		write_record(&f, fill, 0);
	assert_int_equal(ring_read(&f.ring, take, &f), 4);
	for (unsigned char fill = 5; fill <= 9; fill++)
		write_record(&f, fill, 0);
	assert_int_equal(ring_read(&f.ring, take, &f), 5);
	assert_int_equal(f.count, 9);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(f.told[i], i + 1);
	assert_int_equal(f.consumer, f.producer);
}

/* One that is being written holds up those behind it. */
static void busy(void **state)
{
	uint32_t length = SIZE;
	struct fixture f;

	fixture_begin(&f);
	write_record(&f, 1, 0);
	write_record(&f, 2, BPF_RINGBUF_BUSY_BIT);
	write_record(&f, 3, 0);
	assert_int_equal(ring_read(&f.ring, take, &f), 1);
	assert_int_equal(f.consumer, SIZE + 8);
	memcpy(f.ring.data + SIZE + 8, &length, sizeof(length));
	assert_int_equal(ring_read(&f.ring, take, &f), 2);
	assert_int_equal(f.told[2], 3);
}

static void discarded(void **state)
{
	struct fixture f;

	fixture_begin(&f);
	write_record(&f, 1, BPF_RINGBUF_DISCARD_BIT);
	write_record(&f, 2, 0);
	assert_int_equal(ring_read(&f.ring, take, &f), 1);
	assert_int_equal(f.told[0], 2);
	assert_int_equal(f.consumer, f.producer);
}

/* What was handed over is not handed over again; what was not, is. */
static void stopped(void **state)
{
	struct fixture f;

	fixture_begin(&f);
	f.stop_after = 2;
	for (unsigned char fill = 1; fill <= 3; fill++)
		write_record(&f, fill, 0);
	assert_int_equal(ring_read(&f.ring, take, &f), -11);
	assert_int_equal(f.consumer, 2 * (SIZE + 8));
	assert_int_equal(ring_read(&f.ring, take, &f), 1);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.told[2], 3);
}

/* The writer has more room while the reader is not done yet. */
static int take_and_look(void *arg, void *data, size_t size)
{
	struct fixture *f = arg;

	if (f->count++ < 100)
		write_record(f, (unsigned char)f->count, 0);
	assert_true(f->producer - f->consumer <= 64 * (SIZE + 8UL));
	return 0;
}

static void room_is_told(void **state)
{
	struct fixture f;

	fixture_begin(&f);
	write_record(&f, 0, 0);
	assert_int_equal(ring_read(&f.ring, take_and_look, &f), 101);
	assert_int_equal(f.consumer, f.producer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_across_the_end),
		cmocka_unit_test(busy),
		cmocka_unit_test(discarded),
		cmocka_unit_test(stopped),
		cmocka_unit_test(room_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

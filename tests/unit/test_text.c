// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text for people: hostile names, widths, spans, addresses, times, cgroups, tables.
 * Receives nothing; hands cmocka's verdict to tests/run.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <cmocka.h>
#include "text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ELLIPSIS "\xe2\x80\xa6"
#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *raw, *escaped, *utf8; /* utf8 NULL: as raw */
} names[] = {
	{ "", "", NULL },
	{ "plain", "plain", NULL },
	{ " ~!\"", " ~!\"", NULL },
	{ "back\\slash", "back\\\\slash", NULL },
	{ "\\x41", "\\\\x41", NULL },
	/* terminal escapes and lines */
	{ "\033[2J\033]0;t\007", "\\x1b[2J\\x1b]0;t\\x07", NULL },
	{ "a\nb\rc\td\x7f", "a\\x0ab\\x0dc\\x09d\\x7f", NULL },
	{ "\x01\x1f", "\\x01\\x1f", NULL },
	{ "\xc2\x9b"
	  "31m",
	  "\\xc2\\x9b"
	  "31m",
	  NULL }, /* C1 CSI */
	{ "\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f", NULL },
	{ "\xc2\xa0", "\xc2\xa0", NULL }, /* the first character after C1 */
	{ "\xe2\x80\xa8\xe2\x80\xa9", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9", NULL },
	/* bidi and zero width */
	{ "\xe2\x80\xae", "\\xe2\\x80\\xae", NULL },
	{ "\xe2\x80\xaa\xe2\x80\xac", "\\xe2\\x80\\xaa\\xe2\\x80\\xac", NULL },
	{ "\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9", NULL },
	{ "\xe2\x80\x8b\xe2\x80\x8e\xe2\x80\x8f", "\\xe2\\x80\\x8b\\xe2\\x80\\x8e\\xe2\\x80\\x8f",
	  NULL },
	{ "\xd8\x9c", "\\xd8\\x9c", NULL },
	{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf", NULL },
	{ "\xc2\xad", "\\xc2\\xad", NULL },
	{ "\xcd\x8f", "\\xcd\\x8f", NULL },
	{ "\xe1\xa0\x8e", "\\xe1\\xa0\\x8e", NULL },
	{ "\xe1\x85\x9f\xe3\x85\xa4\xef\xbe\xa0", "\\xe1\\x85\\x9f\\xe3\\x85\\xa4\\xef\\xbe\\xa0",
	  NULL },
	{ "\xef\xb8\x8f", "\\xef\\xb8\\x8f", NULL },
	{ "\xef\xbf\xb9", "\\xef\\xbf\\xb9", NULL },
	{ "\xf0\x9b\xb2\xa0", "\\xf0\\x9b\\xb2\\xa0", NULL },
	{ "\xf0\x9d\x85\xb3", "\\xf0\\x9d\\x85\\xb3", NULL },
	{ "\xf3\xa0\x80\x81", "\\xf3\\xa0\\x80\\x81", NULL },
	/* noncharacters */
	{ "\xef\xbf\xbe\xef\xb7\x90", "\\xef\\xbf\\xbe\\xef\\xb7\\x90", NULL },
	{ "\xf4\x8f\xbf\xbf", "\\xf4\\x8f\\xbf\\xbf", NULL },
	/* what is to be read stays */
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", NULL },
	{ "\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xbd\xa0\xe5\xa5\xbd", NULL },
	{ "e\xcc\x81", "e\xcc\x81", NULL },
	{ "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7", NULL },
	{ "\xef\xbf\xbd", "\xef\xbf\xbd", NULL },
	/* invalid: lone, overlong, surrogates, beyond the end, cut short */
	{ "\x80", "\\x80", FFFD },
	{ "\xff\xfe", "\\xff\\xfe", FFFD FFFD },
	{ "\xc0\xaf", "\\xc0\\xaf", FFFD FFFD },
	{ "\xc1\xbf", "\\xc1\\xbf", FFFD FFFD },
	{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf", FFFD FFFD FFFD },
	{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf", FFFD FFFD FFFD },
	{ "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf", FFFD FFFD FFFD FFFD },
	{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf", FFFD FFFD FFFD FFFD },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", FFFD FFFD FFFD },
	{ "\xed\xbf\xbf", "\\xed\\xbf\\xbf", FFFD FFFD FFFD },
	{ "\xed\x9f\xbf", "\xed\x9f\xbf", NULL },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", FFFD FFFD FFFD FFFD },
	{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80", FFFD FFFD FFFD FFFD },
	{ "\xe2\x80", "\\xe2\\x80", FFFD },
	{ "\xf0\x9f\x90", "\\xf0\\x9f\\x90", FFFD },
	{ "\xc3", "\\xc3", FFFD },
	{ "\xe2\x80z", "\\xe2\\x80z", FFFD "z" },
	{ "\xf0\x9f\x90\xc3\xbc", "\\xf0\\x9f\\x90\xc3\xbc", FFFD "\xc3\xbc" },
	{ "\xe2\xe2\x80\xa6", "\\xe2" ELLIPSIS, FFFD ELLIPSIS },
};

static void test_names(void **state)
{
	char buf[256];

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *utf8 = names[i].utf8 ? names[i].utf8 : names[i].raw;

		assert_string_equal(text_escape(names[i].raw, buf, sizeof(buf)), names[i].escaped);
		assert_string_equal(text_utf8(names[i].raw, buf, sizeof(buf)), utf8);
	}
	assert_string_equal(text_escape(NULL, buf, sizeof(buf)), "");
	assert_string_equal(text_utf8(NULL, buf, sizeof(buf)), "");
	(void)state;
}

static void encode(uint32_t c, char out[5])
{
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	int length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	memset(out, 0, 5);
	for (int i = length - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(leads[length] | c);
}

/*
 * Into every size of buffer: terminated, nothing beyond, a prefix of the whole, cut at whole units,
 * and not before it has to be.
 */
static void check_cut(const char *(*make)(const char *, char *, size_t), const char *raw)
{
	char whole[512];

	make(raw, whole, sizeof(whole));
	for (size_t size = 0; size < strlen(whole) + 3; size++) {
		char *buf = malloc(size + 1), again[512];

		assert_non_null(buf);
		buf[size] = '#';
		assert_ptr_equal(make(raw, buf, size), buf);
		assert_int_equal(buf[size], '#');
		if (size) {
			assert_memory_equal(buf, whole, strlen(buf));
			assert_true(strlen(buf) + 16 >= size || !strcmp(buf, whole));
			assert_string_equal(text_utf8(buf, again, sizeof(again)), buf);
		}
		if (size > strlen(whole))
			assert_string_equal(buf, whole);
		free(buf);
	}
}

/* The ends of every range that must not reach a terminal, and their neighbours that may. */
static void test_ranges(void **state)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x7f, 0x9f },       { 0xad, 0xad },       { 0x34f, 0x34f },
		{ 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x180b, 0x180f },
		{ 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },
		{ 0x3164, 0x3164 },   { 0xfdd0, 0xfdef },   { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },
		{ 0xfffe, 0xffff },   { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
		{ 0x1fffe, 0x1ffff }, { 0xe0000, 0xe0fff },
	};
	char raw[5], escaped[32];

	for (size_t i = 0; i < COUNT(ranges); i++) {
		for (uint32_t c = ranges[i].first - 1; c <= ranges[i].last + 1; c++) {
			bool inside = c >= ranges[i].first && c <= ranges[i].last;

			if (c == 0xdffff || c == 0x10000 || c == 0x20000)
				continue; /* a noncharacter, and the starts of planes */
			encode(c, raw);
			text_escape(raw, escaped, sizeof(escaped));
			if (inside == !strcmp(raw, escaped))
				fail_msg("U+%04X: %s", c, escaped);
		}
	}
	(void)state;
}

static void test_cuts(void **state)
{
	char buf[8];

	for (size_t i = 0; i < COUNT(names); i++) {
		check_cut(text_escape, names[i].raw);
		check_cut(text_utf8, names[i].raw);
	}
	assert_string_equal(text_escape("ab\033", buf, 6), "ab"); /* "ab\x1b" needs 7 */
	assert_string_equal(text_escape("ab\\", buf, 4), "ab");
	assert_string_equal(text_escape("\xe4\xbd\xa0", buf, 3), "");
	assert_string_equal(text_utf8("a\xff", buf, 4), "a");
	(void)state;
}

static void test_long_name(void **state)
{
	char raw[4097], *buf = malloc(4 * 4096 + 1);

	assert_non_null(buf);
	memset(raw, 0x1b, 4096);
	raw[4096] = '\0';
	text_escape(raw, buf, 4 * 4096 + 1);
	assert_int_equal(strlen(buf), 4 * 4096);
	text_escape(raw, buf, 4 * 4096);
	assert_int_equal(strlen(buf), 4 * 4095);
	memset(raw, 0xff, 4096);
	text_utf8(raw, buf, 3 * 4096 + 1);
	assert_int_equal(strlen(buf), 3 * 4096);
	assert_int_equal(text_width(raw), 4096);
	free(buf);
	(void)state;
}

/* What is escaped is fit for a terminal, whatever two bytes it was made of. */
static void test_all_pairs(void **state)
{
	char raw[3] = "", buf[16], again[64];

	for (int pair = 0x0101; pair < 0x10000; pair++) {
		raw[0] = (char)(pair >> 8);
		raw[1] = (char)(pair & 0xff);
		text_escape(raw, buf, sizeof(buf));
		for (const char *c = buf; *c; c++)
			assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
		assert_string_equal(text_utf8(buf, again, sizeof(again)), buf);
	}
	(void)state;
}

static void test_width(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "~", 1 },
		{ "\xc3\xbc", 1 },                 /* U+00FC */
		{ "e\xcc\x81", 1 },                /* with a combining accent */
		{ "\xe4\xbd\xa0\xe5\xa5\xbd", 4 }, /* two ideographs */
		{ "\xea\xb0\x80", 2 },             /* a Hangul syllable */
		{ "\xef\xbc\xa1", 2 },             /* fullwidth A */
		{ "\xef\xbd\xb1", 1 },             /* halfwidth katakana */
		{ "\xf0\x9f\x90\xa7", 2 },         /* a penguin */
		{ "\xe2\x80\x8b", 0 },             /* zero width space */
		{ ELLIPSIS, 1 },
		{ "\xff", 1 },
		{ "\xe2\x80", 1 },
		{ "\x1b", 0 },
		{ "\x7f", 0 },
		{ "\xc2\xad", 1 },
		{ "\xf0\xa0\x80\x80", 2 }, /* plane 2 */
		{ "\xf4\x8f\xbf\xbd", 1 }, /* private use */
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(text_width(rows[i].text), rows[i].width);
	(void)state;
}

static const struct {
	int64_t ms;
	const char *text;
} spans[] = {
	{ 0, "0ms" },
	{ 1, "1ms" },
	{ 37, "37ms" },
	{ 999, "999ms" },
	{ 1000, "1s" },
	{ 1004, "1s" },
	{ 1005, "1.01s" },
	{ 1250, "1.25s" },
	{ 1700, "1.7s" },
	{ 9994, "9.99s" },
	{ 9995, "10s" },
	{ 10049, "10s" },
	{ 10050, "10.1s" },
	{ 38400, "38.4s" },
	{ 59949, "59.9s" },
	{ 59950, "1m" },
	{ 60000, "1m" },
	{ 60500, "1m1s" },
	{ 252000, "4m12s" },
	{ 938700, "15m39s" },
	{ 938000, "15m38s" },
	{ 3599499, "59m59s" },
	{ 3599500, "1h" },
	{ 7860000, "2h11m" },
	{ 7905280, "2h12m" },
	{ 86369999, "23h59m" },
	{ 86370000, "1d" },
	{ 273600000, "3d4h" },
	{ -1, "-1ms" },
	{ -1250, "-1.25s" },
	{ -252000, "-4m12s" },
	{ INT64_MAX, "106751991167d7h" },
	{ INT64_MIN, "-106751991167d7h" },
};

static void test_span(void **state)
{
	char buf[24], small[24] = "x";

	for (size_t i = 0; i < COUNT(spans); i++)
		assert_string_equal(text_span(spans[i].ms, buf, sizeof(buf)), spans[i].text);
	assert_string_equal(text_span(INT64_MIN, small, 23), "");
	assert_ptr_equal(text_span(1, NULL, 0), NULL);
	(void)state;
}

static void test_parse_span(void **state)
{
	static const struct {
		const char *text;
		int ret;
		int64_t ms;
	} rows[] = {
		{ "0s", 0, 0 },
		{ "500ms", 0, 500 },
		{ "90s", 0, 90000 },
		{ "1.5s", 0, 1500 },
		{ "0.001s", 0, 1 },
		{ "1.000s", 0, 1000 },
		{ "2min", 0, 120000 },
		{ "2m", 0, 120000 },
		{ "1.5h", 0, 5400000 },
		{ "1d", 0, 86400000 },
		{ "1m30s", 0, 90000 },
		{ "1h2m3s4ms", 0, 3723004 },
		{ "15m38s", 0, 938000 },
		{ "9223372036854775807ms", 0, INT64_MAX },
		{ "9223372036854775808ms", -ERANGE, 0 },
		{ "18446744073709551616ms", -ERANGE, 0 },
		{ "106751991168d", -ERANGE, 0 },
		{ "999999999999999999999s", -ERANGE, 0 },
		{ "99999999999999999d", -ERANGE, 0 },
		{ "0.00000000000000000001s", -ERANGE, 0 },
		{ "106751991167d23h", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "5", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-5s", -EINVAL, 0 },
		{ "+5s", -EINVAL, 0 },
		{ " 5s", -EINVAL, 0 },
		{ "5s ", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "5S", -EINVAL, 0 },
		{ "5sec", -EINVAL, 0 },
		{ "5us", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "5.s", -EINVAL, 0 },
		{ "1.2.3s", -EINVAL, 0 },
		{ "0.5ms", -EINVAL, 0 },
		{ "1.0001s", -EINVAL, 0 },
		{ "30s1m", -EINVAL, 0 },
		{ "1s2s", -EINVAL, 0 },
		{ "1m2min", -EINVAL, 0 },
		{ "1e3s", -EINVAL, 0 },
		{ "0x10s", -EINVAL, 0 },
		{ "\xff", -EINVAL, 0 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ms = -7;
		int ret = text_parse_span(rows[i].text, &ms);

		if (ret != rows[i].ret || ms != (ret ? -7 : rows[i].ms))
			fail_msg("\"%s\": %d, %lld", rows[i].text, ret, (long long)ms);
	}
	(void)state;
}

/* A span is read back as what it was printed for, to the digits that it shows. */
static void test_span_round_trip(void **state)
{
	char buf[24], again[24];
	int64_t back;

	for (int64_t ms = 0; ms < 400000000; ms += ms / 1000 + 1) {
		text_span(ms, buf, sizeof(buf));
		assert_int_equal(text_parse_span(buf, &back), 0);
		assert_true(llabs(back - ms) * 50 <= ms || back == ms);
		assert_string_equal(text_span(back, again, sizeof(again)), buf);
	}
	(void)state;
}

static void test_addresses(void **state)
{
	static const struct {
		int family;
		const char *addr;
		unsigned int port;
		const char *with_port;
	} rows[] = {
		{ AF_INET, "10.0.0.1", 443, "10.0.0.1:443" },
		{ AF_INET, "255.255.255.255", 65535, "255.255.255.255:65535" },
		{ AF_INET, "0.0.0.0", 0, "0.0.0.0:*" },
		{ AF_INET6, "fd00::1", 443, "[fd00::1]:443" },
		{ AF_INET6, "::", 0, "[::]:*" },
		{ AF_INET6, "::ffff:1.2.3.4", 80, "[::ffff:1.2.3.4]:80" },
		{ AF_INET6, "1111:2222:3333:4444:5555:6666:7777:8888", 65535,
		  "[1111:2222:3333:4444:5555:6666:7777:8888]:65535" },
	};
	uint8_t addr[16] = { 0 };
	char buf[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(inet_pton(rows[i].family, rows[i].addr, addr), 1);
		assert_string_equal(text_addr(rows[i].family, addr, buf, sizeof(buf)),
				    rows[i].addr);
		assert_string_equal(text_addr_port(rows[i].family, addr, rows[i].port, buf,
						   sizeof(buf)),
				    rows[i].with_port);
	}
	assert_string_equal(text_addr(77, addr, buf, sizeof(buf)), "?");
	assert_string_equal(text_addr_port(0, addr, 1, buf, sizeof(buf)), "?:1");
	assert_string_equal(text_addr_port(AF_INET6, addr, UINT32_MAX, buf, 8), "[1111:2");
	assert_ptr_equal(text_addr(AF_INET, addr, buf, 0), buf);
	(void)state;
}

static void test_time(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ INT64_C(1769850843123999999), "2026-01-31T09:14:03.123Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -1000000, "1969-12-31T23:59:59.999Z" },
		{ INT64_C(951782400000000000), "2000-02-29T00:00:00.000Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854Z" },
		{ INT64_MIN, "1677-09-21T00:12:43.145Z" },
	};
	char buf[32];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_time(rows[i].ns, buf, sizeof(buf)), rows[i].text);
	(void)state;
}

#define ID16 "0123456789abcdef"
#define ID64 ID16 ID16 ID16 ID16

static void test_cgroup(void **state)
{
	static const struct {
		const char *path;
		size_t width;
		const char *text;
	} rows[] = {
		{ "/", 10, "/" },
		{ "", 10, "" },
		{ "/system.slice", 40, "/system.slice" },
		{ "/system.slice", 13, "/system.slice" },
		{ "/a/docker-" ID64 ".scope", 40, "/a/docker-0123456789ab.scope" },
		{ "/docker/" ID64, 40, "/docker/0123456789ab" },
		{ "/docker/0123456789ABCDEF" ID16 ID16 ID16, 40, "/docker/0123456789AB" },
		{ "/docker/" ID64 "0", 0, "/docker/" ID64 "0" }, /* 65 digits: no id */
		{ "/docker/0" ID16 ID16 ID16, 0, "/docker/0" ID16 ID16 ID16 },
		{ ID64 "/" ID64, 40, "0123456789ab/0123456789ab" },
		{ "/system.slice/foo.service", 20, ELLIPSIS "/foo.service" },
		{ "/kubepods.slice/pod1234/container", 20, ELLIPSIS "/pod1234/container" },
		{ "/kubepods.slice/pod1234/c", 12, ELLIPSIS "/pod1234/c" },
		/* one name that is too long: better its end than a '/' that leaves nothing */
		{ "/averyveryverylongname", 10, ELLIPSIS "ylongname" },
		{ "/averyveryverylongname/x", 12, ELLIPSIS "ylongname/x" },
		{ "/averyveryverylongname/", 12, ELLIPSIS "rylongname/" },
		{ "/a\033[31m\nb", 40, "/a\\x1b[31m\\x0ab" },
		{ "/xxxxxx/a\033b", 10, ELLIPSIS "/a\\x1bb" },
		{ "/xxx\033\033\033", 6, ELLIPSIS "\\x1b" }, /* an escape is not cut in two */
		{ "/\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0", 5, ELLIPSIS "\xe4\xbd\xa0\xe4\xbd\xa0" },
		{ "/dev-\\x2d1", 40, "/dev-\\\\x2d1" },
		{ "/abc", 1, ELLIPSIS },
	};
	char buf[128], longest[5000];

	for (size_t i = 0; i < COUNT(rows); i++) {
		text_cgroup(rows[i].path, rows[i].width, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].text);
		assert_true(!rows[i].width || text_width(buf) <= rows[i].width);
	}
	assert_string_equal(text_cgroup(NULL, 10, buf, sizeof(buf)), "");
	assert_string_equal(text_cgroup("/abcdef", 3, buf, 3), "");
	assert_string_equal(text_cgroup("/abcdef", 4, buf, 6), ELLIPSIS "de");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest + sizeof(longest) - 5, "/end", 5);
	longest[0] = '/';
	assert_string_equal(text_cgroup(longest, 6, buf, sizeof(buf)), ELLIPSIS "/end");
	text_cgroup(longest, 0, buf, sizeof(buf)); /* cut to its buffer */
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
	(void)state;
}

/*
 * Tables
 */

static const struct text_column columns[] = {
	{ "STATE", TEXT_LEFT, 0 },
	{ "N", TEXT_RIGHT, 3 },
	{ "NAME", TEXT_LEFT | TEXT_SHRINK, 0 },
	{ "WHERE", TEXT_LEFT | TEXT_SHRINK, 0 },
};

#define CELLS COUNT(columns)

static char *print_table(unsigned int width, int with_header, const char *const rows[][CELLS],
			 size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct text_table *table;

	assert_non_null(out);
	table = text_table_new(out, columns, CELLS, width, with_header);
	assert_non_null(table);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(text_table_row(table, rows[i]), 0);
	assert_int_equal(text_table_end(table), 0);
	fclose(out);
	return text;
}

static void check_table(unsigned int width, int with_header, const char *const rows[][CELLS],
			size_t count, const char *expected)
{
	char *text = print_table(width, with_header, rows, count);

	assert_string_equal(text, expected);
	free(text);
}

static void test_table(void **state)
{
	static const char *const rows[][CELLS] = {
		{ "ESTAB", "7", "alpha", "/system.slice" },
		{ "SYN-SENT", "12345", "b", "" },
		{ "X", "", "\xe4\xbd\xa0\xe5\xa5\xbd", "end" },
	};

	check_table(0, 1, rows, 3,
		    "STATE         N  NAME   WHERE\n"
		    "ESTAB         7  alpha  /system.slice\n"
		    "SYN-SENT  12345  b\n"
		    "X                \xe4\xbd\xa0\xe5\xa5\xbd   end\n");
	check_table(0, 0, rows, 1, "ESTAB    7  alpha  /system.slice\n");
	check_table(0, 1, rows, 0, "STATE    N  NAME  WHERE\n");
	check_table(0, 0, rows, 0, "");
	check_table(0, 0, (const char *const[][CELLS]){ { "", "", "", "" } }, 1, "\n");
	/* 37 columns are wanted: the last shrinking column gives first, to its header at least */
	check_table(37, 0, rows, 2,
		    "ESTAB         7  alpha  /system.slice\n"
		    "SYN-SENT  12345  b\n");
	check_table(34, 0, rows, 2,
		    "ESTAB         7  alpha  /system.s" ELLIPSIS "\n"
		    "SYN-SENT  12345  b\n");
	check_table(28, 1, rows, 3,
		    "STATE         N  NAME  WHERE\n"
		    "ESTAB         7  alp" ELLIPSIS "  /sys" ELLIPSIS "\n"
		    "SYN-SENT  12345  b\n"
		    "X                \xe4\xbd\xa0\xe5\xa5\xbd  end\n");
	check_table(1, 1, rows, 3,
		    "STATE         N  NAME  WHERE\n"
		    "ESTAB         7  alp" ELLIPSIS "  /sys" ELLIPSIS "\n"
		    "SYN-SENT  12345  b\n"
		    "X                \xe4\xbd\xa0\xe5\xa5\xbd  end\n");
	(void)state;
}

/* A wide character that would only half fit leaves its column to a blank. */
static void test_table_wide(void **state)
{
	static const char *const rows[][CELLS] = {
		{ "a", "1", "x", "\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0" },
		{ "a", "1", "x", "\xff\xff\xff\xff\xff\xff\xff" },
	};

	check_table(17, 0, rows, 2,
		    "a    1  x  \xe4\xbd\xa0\xe4\xbd\xa0" ELLIPSIS "\n"
		    "a    1  x  \xff\xff\xff\xff\xff" ELLIPSIS "\n");
	(void)state;
}

/* A shrinking column keeps its header and the width asked for it. */
static void test_table_least_width(void **state)
{
	static const struct text_column least[] = { { "A", TEXT_SHRINK, 4 },
						    { "LONG", TEXT_SHRINK, 0 } };
	static const char *const row[] = { "abcdefgh", "abcdefgh" };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct text_table *table = text_table_new(out, least, 2, 3, 1);

	assert_int_equal(text_table_row(table, row), 0);
	assert_int_equal(text_table_end(table), 0);
	fclose(out);
	assert_string_equal(text, "A     LONG\nabc" ELLIPSIS "  abc" ELLIPSIS "\n");
	free(text);
	(void)state;
}

/* Beyond the rows that are held, widths stay: too wide a cell is cut if it may be, else pushes. */
static void test_table_streams(void **state)
{
	static const char *const narrow[] = { "a", "1", "b", "c" };
	static const char *const wide[] = { "ESTABLISHED", "123456", "a longer name", "x" };
	char *text = NULL;
	size_t size;

	for (unsigned int width = 0; width <= 40; width += 40) {
		FILE *out = open_memstream(&text, &size);
		struct text_table *table = text_table_new(out, columns, CELLS, width, 1);
		const char *line;

		for (int i = 0; i < TEXT_TABLE_ROWS - 1; i++)
			assert_int_equal(text_table_row(table, narrow), 0);
		fflush(out);
		assert_int_equal(size, 0);
		assert_int_equal(text_table_row(table, narrow), 0);
		fflush(out);
		assert_true(size > TEXT_TABLE_ROWS * 10);
		assert_int_equal(text_table_row(table, wide), 0);
		assert_int_equal(text_table_row(table, narrow), 0);
		assert_int_equal(text_table_end(table), 0);
		fclose(out);
		line = strstr(text, "ESTABLISHED");
		assert_non_null(line);
		if (width)
			assert_string_equal(line, "ESTABLISHED  123456  a l" ELLIPSIS "  x\n"
						  "a        1  b     c\n");
		else
			assert_string_equal(line, "ESTABLISHED  123456  a longer name  x\n"
						  "a        1  b     c\n");
		free(text);
	}
	(void)state;
}

static void test_table_flush(void **state)
{
	static const char *const row[] = { "a", "1", "b", "c" };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct text_table *table = text_table_new(out, columns, CELLS, 0, 1);

	assert_int_equal(text_table_flush(table), 0);
	assert_string_equal(text, "STATE    N  NAME  WHERE\n");
	assert_int_equal(text_table_row(table, row), 0);
	assert_int_equal(text_table_flush(table), 0);
	assert_non_null(strstr(text, "\na        1  b     c\n"));
	assert_int_equal(text_table_end(table), 0);
	fclose(out);
	free(text);
	(void)state;
}

/* A full disk or a closed pipe is told, not lost. */
static void test_table_fails(void **state)
{
	static const char *const row[] = { "a", "1", "b", "c" };
	FILE *full = fopen("/dev/full", "w");
	struct text_table *table;
	int err = 0;

	assert_non_null(full);
	table = text_table_new(full, columns, CELLS, 0, 1);
	for (int i = 0; i < 100000 && !err; i++)
		err = text_table_row(table, row);
	assert_int_equal(err, -EIO);
	assert_int_equal(text_table_row(table, row), -EIO);
	assert_int_equal(text_table_end(table), -EIO);
	fclose(full);

	full = fopen("/dev/full", "w");
	table = text_table_new(full, columns, CELLS, 0, 1);
	assert_int_equal(text_table_row(table, row), 0);
	assert_int_equal(text_table_end(table), -EIO);
	fclose(full);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_all_pairs),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_parse_span),
		cmocka_unit_test(test_span_round_trip),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_wide),
		cmocka_unit_test(test_table_least_width),
		cmocka_unit_test(test_table_streams),
		cmocka_unit_test(test_table_flush),
		cmocka_unit_test(test_table_fails),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

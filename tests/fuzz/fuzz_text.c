// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes text for people: names from outside, spans, cgroups, tables.
 * Receives bytes: two numbers, then a string. Promises checked: no control character, valid UTF-8,
 * nothing beyond a buffer's end, columns no wider than asked.
 */
#include <sys/socket.h>
#include "standalone.h"
#include "text.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED(
		"\20\5/kubepods.slice/pod1/docker-0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef.scope"),
	FUZZ_SEED("\7\3\xe4\xbd\xa0\xe5\xa5\xbd e\xcc\x81 \xf0\x9f\x90\xa7"),
	FUZZ_SEED("\3\11\033[31m\xc2\x9b\xe2\x80\xae\xff\xc0\xaf\xed\xa0\x80"),
	FUZZ_SEED("\30\2 1m30s"),
	FUZZ_SEED("\30\2 12.345678h"),
};

static void check_safe(const char *text)
{
	char again[65536];

	for (const char *c = text; *c; c++)
		FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
	FUZZ_CHECK(!strcmp(text, text_utf8(text, again, sizeof(again))));
}

static void check_names(const char *raw, size_t size)
{
	char *buf = malloc(size + 1), whole[65536];

	if (!buf)
		return;
	buf[size] = '#';
	text_escape(raw, buf, size);
	FUZZ_CHECK(buf[size] == '#');
	text_escape(raw, whole, sizeof(whole));
	check_safe(whole);
	FUZZ_CHECK(!size || !strncmp(buf, whole, strlen(buf)));
	text_utf8(raw, buf, size);
	FUZZ_CHECK(buf[size] == '#');
	text_utf8(raw, whole, sizeof(whole));
	FUZZ_CHECK(!strcmp(whole, text_utf8(raw, whole, sizeof(whole))));
	free(buf);
}

static void check_cgroup(const char *raw, size_t width, size_t size)
{
	char *buf = malloc(size + 1);

	if (!buf)
		return;
	buf[size] = '#';
	text_cgroup(raw, width, buf, size);
	FUZZ_CHECK(buf[size] == '#');
	if (size) {
		check_safe(buf);
		FUZZ_CHECK(!width || text_width(buf) <= width);
	}
	free(buf);
}

static void check_span(const char *text)
{
	char span[24], again[24];
	int64_t ms;

	if (text_parse_span(text, &ms))
		return;
	FUZZ_CHECK(ms >= 0);
	text_span(ms, span, sizeof(span));
	if (ms > INT64_MAX / 2)
		return;
	FUZZ_CHECK(!text_parse_span(span, &ms));
	FUZZ_CHECK(!strcmp(span, text_span(ms, again, sizeof(again))));
}

/* Cells: the string, whole and from two places within. */
static void check_table(const char *text, size_t length, unsigned int width, unsigned int rows)
{
	static const struct text_column columns[] = {
		{ "A", TEXT_LEFT, 2 },
		{ "NAME", TEXT_RIGHT | TEXT_SHRINK, 0 },
		{ "REST", TEXT_LEFT | TEXT_SHRINK, 0 },
	};
	const char *cells[] = { text + length * 2 / 3, text, text + length / 3 };
	char *printed = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&printed, &size);
	struct text_table *table = text_table_new(out, columns, 3, width, rows % 2);

	FUZZ_CHECK(table);
	for (unsigned int i = 0; i < rows; i++) {
		FUZZ_CHECK(!text_table_row(table, cells));
		if (i == 9)
			FUZZ_CHECK(!text_table_flush(table));
	}
	FUZZ_CHECK(!text_table_end(table));
	fclose(out);
	FUZZ_CHECK(rows == 0 || printed[size - 1] == '\n');
	free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, buf[8192], addr[64];
	size_t a, b;

	if (size < 2 || size > 4096)
		return 0;
	a = data[0];
	b = data[1];
	data += 2;
	size -= 2;
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_names(text, a);
	check_cgroup(text, b, a);
	check_cgroup(text, a, 16384);
	check_span(text);
	check_table(text_escape(text, buf, sizeof(buf)), strlen(buf), (unsigned int)a,
		    (unsigned int)b % 16);
	check_table(text, strlen(text), (unsigned int)b, 3);
	if (size >= 26) {
		int64_t number;

		memcpy(&number, data, sizeof(number));
		check_safe(text_span(number, addr, sizeof(addr)));
		check_safe(text_time(number, addr, sizeof(addr)));
		check_safe(text_addr_port(a % 2 ? AF_INET : AF_INET6, data + 8, (unsigned int)b,
					  addr, sizeof(addr)));
	}
	free(text);
	return 0;
}

FUZZ_MAIN(seeds)

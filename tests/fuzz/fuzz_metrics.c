// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes what metrics take from outside: the Accept header, --metrics' argument, names of cgroups.
 * Receives bytes. Promises checked: an address that is taken is told and taken again the same; a name
 * becomes one line that the format's own rules read back, and is bounded.
 */
#include <stdbool.h>
#include "metrics_text.h"
#include "metrics_words.h"
#include "standalone.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED(
		"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
	FUZZ_SEED("[2001:db8::1]:9782"),
	FUZZ_SEED("192.0.2.1:9782"),
	FUZZ_SEED("unix:/run/tcptimer/metrics.sock"),
	FUZZ_SEED("/system.slice/dev-disk\\x2duuid.swap\xff\n\"\xe2\x80\xae"),
};

static void check_address(const char *text)
{
	struct metrics_address address, again;
	const char *words = NULL;
	char told[512], *end;

	if (metrics_address_parse(text, &address, &words)) {
		FUZZ_CHECK(words && *words);
		return;
	}
	metrics_address_text(&address, told, sizeof(told));
	FUZZ_CHECK(strlen(told) < sizeof(told) - 1);
	if (address.addr.ss_family == AF_UNIX)
		return; /* escaped */
	end = strstr(told, "/metrics");
	FUZZ_CHECK(end && !strncmp(told, "http://", 7));
	*end = '\0';
	FUZZ_CHECK(!metrics_address_parse(told + 7, &again, &words));
	FUZZ_CHECK(!memcmp(&address.addr, &again.addr, address.length));
}

/* The sample of a label with that value: what the format's escapes say is the value again. */
static void check_value(const char *raw)
{
	static const struct metrics_family family = { "x", METRICS_GAUGE, "X." };
	const struct metrics_label label = { "a", raw };
	char value[METRICS_VALUE_MAX], read[METRICS_VALUE_MAX + 1], *text;
	struct metrics_text out = {};
	size_t size, n = 0;
	const char *c;

	metrics_value(raw, value, sizeof(value));
	for (c = value; *c; c++)
		FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
	out.out = open_memstream(&text, &size);
	FUZZ_CHECK(out.out);
	metrics_number(&out, &family, &label, 1, 7);
	fclose(out.out);
	FUZZ_CHECK(!strncmp(text, "x{a=\"", 5));
	for (c = text + 5; *c && *c != '"'; c++) {
		if (*c == '\\')
			c++;
		FUZZ_CHECK(n < METRICS_VALUE_MAX);
		read[n++] = *c;
	}
	read[n] = '\0';
	FUZZ_CHECK(!strcmp(read, value));
	FUZZ_CHECK(!strcmp(c, "\"} 7\n"));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	metrics_accepts_openmetrics(text);
	check_address(text);
	check_value(text);
	free(text);
	return 0;
}

FUZZ_MAIN(seeds)

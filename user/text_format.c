// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time spans, times and addresses as text, and spans read from text.
 * Receives numbers and words; hands short printable strings. Pure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "text.h"

#define SECOND_MS UINT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* Appends without a terminator; returns the new end. */
static char *put_number(char *out, uint64_t number)
{
	char digits[20];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count)
		*out++ = digits[--count];
	return out;
}

static char *put_padded(char *out, unsigned int number, unsigned int digits)
{
	for (unsigned int i = digits; i > 0; i--, number /= 10)
		out[i - 1] = (char)('0' + number % 10);
	return out + digits;
}

const char *text_number(uint64_t number, char *buf, size_t size)
{
	if (size > 20)
		*put_number(buf, number) = '\0';
	else if (size) /* the contract; nothing is written beyond a smaller buffer */
		buf[0] = '\0';
	return buf;
}

static uint64_t round_to(uint64_t ms, uint64_t unit)
{
	return (ms + unit / 2) / unit * unit;
}

/* "4m12s", "2h": two neighbouring units, the lesser left out when it is 0. */
static char *put_two(char *out, uint64_t ms, uint64_t unit_ms, char unit, uint64_t lesser_ms,
		     char lesser)
{
	out = put_number(out, ms / unit_ms);
	*out++ = unit;
	if (ms % unit_ms / lesser_ms) {
		out = put_number(out, ms % unit_ms / lesser_ms);
		*out++ = lesser;
	}
	return out;
}

/* Milliseconds, a multiple of 10, as seconds without closing zeros: "1.25s", "38.4s", "2s". */
static char *put_seconds(char *out, uint64_t ms)
{
	unsigned int hundredths = (unsigned int)(ms % SECOND_MS / 10);

	out = put_number(out, ms / SECOND_MS);
	if (hundredths) {
		*out++ = '.';
		if (hundredths % 10)
			out = put_padded(out, hundredths, 2);
		else
			out = put_number(out, hundredths / 10);
	}
	*out++ = 's';
	return out;
}

const char *text_span(int64_t ms, char *buf, size_t size)
{
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	char *out = buf;

	if (size < 24) { /* the contract; nothing is written beyond a smaller buffer */
		if (size)
			buf[0] = '\0';
		return buf;
	}
	if (ms < 0)
		*out++ = '-';
	/* Rounding may reach the next unit: each step looks at the rounded value. */
	if (left < SECOND_MS) {
		out = put_number(out, left);
		*out++ = 'm';
		*out++ = 's';
	} else if (round_to(left, 10) < 10 * SECOND_MS) {
		out = put_seconds(out, round_to(left, 10));
	} else if (round_to(left, 100) < MINUTE_MS) {
		out = put_seconds(out, round_to(left, 100));
	} else if (round_to(left, SECOND_MS) < HOUR_MS) {
		out = put_two(out, round_to(left, SECOND_MS), MINUTE_MS, 'm', SECOND_MS, 's');
	} else if (round_to(left, MINUTE_MS) < DAY_MS) {
		out = put_two(out, round_to(left, MINUTE_MS), HOUR_MS, 'h', MINUTE_MS, 'm');
	} else {
		out = put_two(out, round_to(left, HOUR_MS), DAY_MS, 'd', HOUR_MS, 'h');
	}
	*out = '\0';
	return buf;
}

static uint64_t span_unit(const char *text, size_t length)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "ms", 1 },          { "s", SECOND_MS }, { "m", MINUTE_MS },
		{ "min", MINUTE_MS }, { "h", HOUR_MS },   { "d", DAY_MS },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == length && !memcmp(units[i].name, text, length))
			return units[i].ms;
	return 0;
}

/* Digits, and after a point more: *ret_value over *ret_scale, a power of ten. */
static int parse_decimal(const char **text, uint64_t *ret_value, uint64_t *ret_scale)
{
	const char *p = *text;
	uint64_t value = 0, scale = 1;
	bool point = false, digit = false;

	for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			digit = false;
			continue;
		}
		digit = true;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
		if (point && __builtin_mul_overflow(scale, 10, &scale))
			return -ERANGE;
	}
	if (!digit || p == *text || **text == '.')
		return -EINVAL;
	*text = p;
	*ret_value = value;
	*ret_scale = scale;
	return 0;
}

int text_parse_span(const char *text, int64_t *ret_ms)
{
	uint64_t total = 0, last_unit = UINT64_MAX;

	if (!*text)
		return -EINVAL;
	while (*text) {
		uint64_t value, scale, unit, part;
		size_t length = 0;
		int err = parse_decimal(&text, &value, &scale);

		if (err)
			return err;
		while (text[length] >= 'a' && text[length] <= 'z')
			length++;
		unit = span_unit(text, length);
		if (!unit || unit >= last_unit) /* "1m30s", but not "30s1m" */
			return -EINVAL;
		if (__builtin_mul_overflow(value, unit, &part))
			return -ERANGE;
		if (part % scale) /* finer than a millisecond */
			return -EINVAL;
		if (__builtin_add_overflow(total, part / scale, &total) || total > INT64_MAX)
			return -ERANGE;
		last_unit = unit;
		text += length;
	}
	*ret_ms = (int64_t)total;
	return 0;
}

/* inet_ntop(), for IPv4 by hand: `list` prints two addresses a socket. */
static char *put_addr(char *out, int family, const uint8_t *addr)
{
	if (family == AF_INET) {
		for (int i = 0; i < 4; i++) {
			out = put_number(out, addr[i]);
			*out++ = '.';
		}
		return out - 1;
	}
	if (family == AF_INET6 && inet_ntop(AF_INET6, addr, out, INET6_ADDRSTRLEN))
		return out + strlen(out);
	*out++ = '?';
	return out;
}

static const char *copy_out(char *buf, size_t size, const char *text, size_t length)
{
	if (!size)
		return buf;
	if (length >= size)
		length = size - 1;
	memcpy(buf, text, length);
	buf[length] = '\0';
	return buf;
}

const char *text_addr(int family, const uint8_t *addr, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN + 1];

	return copy_out(buf, size, text, (size_t)(put_addr(text, family, addr) - text));
}

const char *text_addr_port(int family, const uint8_t *addr, unsigned int port, char *buf,
			   size_t size)
{
	char text[INET6_ADDRSTRLEN + 24];
	char *out = text;

	if (family == AF_INET6)
		*out++ = '[';
	out = put_addr(out, family, addr);
	if (family == AF_INET6)
		*out++ = ']';
	*out++ = ':';
	if (port)
		out = put_number(out, port);
	else
		*out++ = '*'; /* as ss(8): no port yet, or a listener's peer */
	return copy_out(buf, size, text, (size_t)(out - text));
}

const char *text_time(int64_t realtime_ns, char *buf, size_t size)
{
	int64_t seconds = realtime_ns / 1000000000, ns = realtime_ns % 1000000000;
	char text[32], *out = text;
	struct tm tm;
	time_t time;

	if (ns < 0) {
		seconds--;
		ns += 1000000000;
	}
	time = (time_t)seconds;
	gmtime_r(&time, &tm); /* can't fail: 64 bits of ns stay within the years 1677 to 2262 */
	out = put_padded(out, (unsigned int)(tm.tm_year + 1900), 4);
	*out++ = '-';
	out = put_padded(out, (unsigned int)tm.tm_mon + 1, 2);
	*out++ = '-';
	out = put_padded(out, (unsigned int)tm.tm_mday, 2);
	*out++ = 'T';
	out = put_padded(out, (unsigned int)tm.tm_hour, 2);
	*out++ = ':';
	out = put_padded(out, (unsigned int)tm.tm_min, 2);
	*out++ = ':';
	out = put_padded(out, (unsigned int)tm.tm_sec, 2);
	*out++ = '.';
	out = put_padded(out, (unsigned int)(ns / 1000000), 3);
	*out++ = 'Z';
	return copy_out(buf, size, text, (size_t)(out - text));
}

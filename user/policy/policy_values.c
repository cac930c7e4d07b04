// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads single values of a policy, and words what is wrong with them.
 * Receives words from anywhere; hands values, or one line with the remedy. Pure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "glob.h"
#include "policy/policy_values.h"
#include "settings.h"
#include "text.h"

#define VALUE_SAFE 96 /* a word in a message */

__attribute__((format(printf, 3, 4))) static int wrong(struct value_error *error, const char *code,
						       const char *format, ...)
{
	va_list args;

	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

static bool is_digits(const char *word)
{
	return *word && !word[strspn(word, "0123456789")];
}

/* A number of at most max; false for anything else. */
static bool number(const char *word, size_t length, unsigned long max, unsigned long *ret)
{
	unsigned long value = 0;

	if (!length)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		value = 10 * value + (unsigned long)(word[i] - '0');
		if (value > max)
			return false;
	}
	*ret = value;
	return true;
}

int value_name(const char *word, char ret[POLICY_NAME_MAX + 1], struct value_error *error)
{
	char safe[VALUE_SAFE];
	size_t length = strlen(word);

	if (!length)
		return wrong(error, "invalid-name", "a rule's name is empty: give it one");
	if (length > POLICY_NAME_MAX ||
	    word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			      "0123456789._-")])
		return wrong(error, "invalid-name",
			     "'%s' is no name for a rule: use up to %d of A-Z a-z 0-9 . _ -",
			     text_escape(word, safe, sizeof(safe)), POLICY_NAME_MAX);
	memcpy(ret, word, length + 1);
	return 0;
}

int value_glob(const char *word, char **ret, struct value_error *error)
{
	static const char mount[] = "/sys/fs/cgroup";
	size_t length = strlen(word);
	char safe[VALUE_SAFE];

	text_escape(word, safe, sizeof(safe));
	if (!length)
		return wrong(error, "invalid-glob",
			     "an empty pattern matches no cgroup: write \"/**\" for all");
	if (length > GLOB_MAX)
		return wrong(error, "invalid-glob", "'%s' is longer than %d bytes: use stars", safe,
			     GLOB_MAX);
	if (!strncmp(word, mount, strlen(mount)))
		return wrong(error, "invalid-glob",
			     "'%s' matches no cgroup: leave out %s, paths begin below it", safe,
			     mount);
	if (*word != '/' && *word != '*')
		return wrong(error, "invalid-glob",
			     "'%s' matches no cgroup: paths begin with '/', write \"/%s\"", safe,
			     safe);
	if (strstr(word, "//") || (length > 1 && word[length - 1] == '/'))
		return wrong(error, "invalid-glob",
			     "'%s' matches no cgroup: a path has no empty names; \"…/**\" is "
			     "a cgroup and all below it",
			     safe);
	*ret = strdup(word);
	return *ret ? 0 : -ENOMEM;
}

/* Clear what lies beyond `bits`. True when something was set there. */
static bool cidr_mask(struct policy_cidr *cidr, unsigned int size)
{
	bool beyond = false;

	for (unsigned int i = 0; i < size; i++) {
		unsigned int keep = cidr->bits <= 8 * i ? 0 : cidr->bits - 8 * i;
		uint8_t mask = keep >= 8 ? 0xff : (uint8_t)(0xff00u >> keep);

		beyond |= (cidr->addr[i] & (uint8_t)~mask) != 0;
		cidr->addr[i] &= mask;
	}
	return beyond;
}

static int cidr_check(struct policy_cidr *cidr, const char *safe, struct value_error *error)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char plain[INET6_ADDRSTRLEN];

	if (cidr->family == AF_INET6 && cidr->bits >= 96 && !memcmp(cidr->addr, mapped, 12)) {
		inet_ntop(AF_INET, cidr->addr + 12, plain, sizeof(plain));
		return wrong(error, "invalid-address",
			     "'%s' is IPv4 written as IPv6: write %s/%u, which matches both", safe,
			     plain, cidr->bits - 96u);
	}
	if (cidr_mask(cidr, cidr->family == AF_INET ? 4 : 16)) {
		inet_ntop(cidr->family, cidr->addr, plain, sizeof(plain));
		return wrong(error, "invalid-address",
			     "'%s' has bits beyond its /%u: write %s/%u, or leave out the /%u for "
			     "the one address",
			     safe, cidr->bits, plain, cidr->bits, cidr->bits);
	}
	return 0;
}

int value_cidr(const char *word, struct policy_cidr *ret, struct value_error *error)
{
	size_t length = strcspn(word, "/");
	char addr[INET6_ADDRSTRLEN + 1], safe[VALUE_SAFE];
	unsigned long bits;
	bool known = false;

	text_escape(word, safe, sizeof(safe));
	memset(ret->addr, 0, sizeof(ret->addr));
	if (length < sizeof(addr)) {
		memcpy(addr, word, length);
		addr[length] = '\0';
		ret->family = strchr(addr, ':') ? AF_INET6 : AF_INET;
		known = inet_pton(ret->family, addr, ret->addr) == 1;
	}
	if (!known)
		return wrong(error, "invalid-address",
			     "'%s' is no address: write 10.0.0.0/8 or \"fd00::/8\"", safe);
	bits = ret->family == AF_INET ? 32 : 128;
	if (word[length] && !number(word + length + 1, strlen(word + length + 1), bits, &bits))
		return wrong(error, "invalid-address",
			     "'%s' has no prefix length after its slash: write 0 to %lu", safe,
			     bits);
	ret->bits = (uint8_t)bits;
	return cidr_check(ret, safe, error);
}

int value_ports(const char *word, struct policy_ports *ret, struct value_error *error)
{
	size_t length = strcspn(word, "-");
	unsigned long first, last;
	char safe[VALUE_SAFE];

	text_escape(word, safe, sizeof(safe));
	if (!number(word, length, 65535, &first) || !first)
		return wrong(error, "invalid-port",
			     "'%s' is no port: write 1 to 65535, or a range as in 6379-6390", safe);
	last = first;
	if (word[length] &&
	    (!number(word + length + 1, strlen(word + length + 1), 65535, &last) || !last))
		return wrong(error, "invalid-port",
			     "'%s' is no range of ports: write FIRST-LAST, as in 6379-6390", safe);
	if (last < first)
		return wrong(error, "invalid-port", "'%s' ends before it begins: write %lu-%lu",
			     safe, last, first);
	ret->first = (uint16_t)first;
	ret->last = (uint16_t)last;
	return 0;
}

int value_choice(const char *word, const char *what, const char *const *choices, uint8_t *ret,
		 struct value_error *error)
{
	char safe[VALUE_SAFE], list[128] = "";
	size_t used = 0;

	for (unsigned int i = 0; choices[i]; i++) {
		if (!strcmp(choices[i], word)) {
			*ret = (uint8_t)i;
			return 0;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 !i             ? "" :
					 choices[i + 1] ? ", " :
							  " or ",
					 choices[i]);
	}
	return wrong(error, "invalid-value", "'%s' is no %s: write %s",
		     text_escape(word, safe, sizeof(safe)), what, list);
}

/* ---- settings */

static int setting_range_error(const struct policy_setting *row, const char *safe,
			       struct value_error *error)
{
	char range[64];

	policy_setting_range(row, range, sizeof(range));
	if (row - policy_settings == POLICY_MAX_RETRIES)
		return wrong(error, "out-of-range", "'%s' is out of range: %s takes %s", safe,
			     row->name, range);
	return wrong(error, "out-of-range", "'%s' is out of range: the kernel takes %s for %s (%s)",
		     safe, range, row->name, row->option);
}

/* "20 has no unit: write 20s or 20ms", with the units that make sense for the row. */
static int setting_unit_error(const struct policy_setting *row, const char *safe,
			      struct value_error *error)
{
	if (row->step_us >= 1000000)
		return wrong(error, "no-unit", "%s has no unit: write %ss", safe, safe);
	if (row->max <= 1000000)
		return wrong(error, "no-unit", "%s has no unit: write %sms", safe, safe);
	return wrong(error, "no-unit", "%s has no unit: write %ss or %sms", safe, safe, safe);
}

static int setting_step_error(const struct policy_setting *row, const char *safe, int64_t us,
			      struct value_error *error)
{
	int64_t down = us - us % row->step_us;
	char low[32], high[32];

	if (down < row->min)
		down = row->min - row->step_us;
	policy_value_text(row, down + row->step_us, high, sizeof(high));
	if (down < row->min)
		return wrong(error, "out-of-range", "'%s' is finer than %s: write %s", safe,
			     row->option, high);
	return wrong(error, "out-of-range", "'%s' is finer than %s: write %s or %s", safe,
		     row->option, policy_value_text(row, down, low, sizeof(low)), high);
}

static int setting_span(const struct policy_setting *row, const char *word, int64_t *ret,
			struct value_error *error)
{
	char safe[VALUE_SAFE];
	int err;

	text_escape(word, safe, sizeof(safe));
	if (*word && !word[strspn(word, "0123456789.")] && strspn(word, "0.") != strlen(word))
		return setting_unit_error(row, safe, error);
	err = setting_parse_span(word, strlen(word), 0, ret);
	if (err == -EINVAL)
		return wrong(
			error, "invalid-value",
			"'%s' is no time: write a number and its unit, us, ms, s, min, h or d, "
			"as in 500ms or 20s",
			safe);
	if (!err && !*ret && row - policy_settings == POLICY_USER_TIMEOUT)
		return wrong(error, "out-of-range",
			     "'%s' would be no limit at all: leave user_timeout out", safe);
	if (err || *ret < row->min || *ret > row->max)
		return setting_range_error(row, safe, error);
	if (*ret % row->step_us)
		return setting_step_error(row, safe, *ret, error);
	return 0;
}

int value_setting(const struct policy_setting *row, const char *word, int64_t *ret,
		  struct value_error *error)
{
	char safe[VALUE_SAFE], range[64];
	unsigned long value;

	text_escape(word, safe, sizeof(safe));
	if (!*word)
		return wrong(error, "no-value",
			     "%s has no value: give it one of %s, or leave it out", row->name,
			     policy_setting_range(row, range, sizeof(range)));
	switch (row->kind) {
	case POLICY_KIND_SPAN:
		return setting_span(row, word, ret, error);
	case POLICY_KIND_BOOL:
		if (strcmp(word, "true") && strcmp(word, "false"))
			return wrong(error, "invalid-value", "'%s' is neither true nor false",
				     safe);
		*ret = !strcmp(word, "true");
		return 0;
	default:
		break;
	}
	if (!is_digits(word))
		return wrong(error, "invalid-value", "'%s' is no number: %s takes %s, without unit",
			     safe, row->name, policy_setting_range(row, range, sizeof(range)));
	if (!number(word, strlen(word), (unsigned long)row->max, &value) ||
	    (int64_t)value < row->min)
		return setting_range_error(row, safe, error);
	*ret = (int64_t)value;
	return 0;
}

/* ---- mistyped words */

#define NEAR_MAX 32

static unsigned int distance(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	unsigned int row[NEAR_MAX + 1];

	if (a_length > NEAR_MAX || b_length > NEAR_MAX)
		return NEAR_MAX;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned int corner = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned int best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_length];
}

const char *value_nearest(const char *word, const char *const *words)
{
	unsigned int best = (unsigned int)(strlen(word) / 3 + 1);
	const char *nearest = NULL;

	for (; *words; words++) {
		unsigned int d = distance(word, *words);

		if (d <= best && d < strlen(word)) {
			best = d - (d > 0);
			nearest = *words;
		}
	}
	return nearest;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads KEY=VALUE settings by the rows of settings_table.c, and applies them in the right order.
 * Receives words of the command line; hands changed snapshots, or one line of what is wrong. Pure.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "settings_impl.h"
#include "text.h"

#define NAME_MAX_LENGTH 40

const struct setting *setting_at(size_t index)
{
	return index < settings_count ? &settings_table[index] : NULL;
}

static bool name_is(const char *word, size_t word_length, const char *name, size_t length)
{
	return word_length == length && !strncasecmp(word, name, length);
}

/* Is it one of the names in a list separated by blanks? */
static bool name_among(const char *list, const char *name, size_t length)
{
	while (list && *list) {
		size_t word = strcspn(list, " ");

		if (name_is(list, word, name, length))
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}

const struct setting *setting_find(const char *name, size_t length)
{
	static const char prefix[] = "net.ipv4.";
	bool sysctl = length > sizeof(prefix) - 1 && !strncasecmp(name, prefix, sizeof(prefix) - 1);
	size_t i;

	if (sysctl) {
		name += sizeof(prefix) - 1;
		length -= sizeof(prefix) - 1;
	}
	/* Names win over aliases: TCP_SYNCNT's `syn_retries` over the sysctl's short name.
	 * Case tells TCP_THIN_LINEAR_TIMEOUTS, the option, from the sysctl. */
	for (i = 0; i < settings_count; i++)
		if ((!sysctl || settings_table[i].place == SETTING_SYSCTL) &&
		    strlen(settings_table[i].name) == length &&
		    !memcmp(settings_table[i].name, name, length))
			return &settings_table[i];
	for (i = 0; i < settings_count && !sysctl; i++)
		if (name_among(settings_table[i].aliases, name, length))
			return &settings_table[i];
	for (i = 0; i < settings_count; i++) {
		const struct setting *row = &settings_table[i];

		if (row->place == SETTING_SYSCTL &&
		    name_is(row->name + 4, strlen(row->name) - 4, name, length))
			return row;
	}
	return NULL;
}

/* Levenshtein's distance of a (length a_length) and b, both cut at NAME_MAX_LENGTH. */
static unsigned int name_distance(const char *a, size_t a_length, const char *b)
{
	unsigned int row[NAME_MAX_LENGTH + 1];
	size_t b_length = strlen(b), i, j;

	if (a_length > NAME_MAX_LENGTH || b_length > NAME_MAX_LENGTH)
		return NAME_MAX_LENGTH;
	for (j = 0; j <= b_length; j++)
		row[j] = (unsigned int)j;
	for (i = 1; i <= a_length; i++) {
		unsigned int corner = row[0];

		row[0] = (unsigned int)i;
		for (j = 1; j <= b_length; j++) {
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

const char *setting_nearest(const char *name, size_t length, const char *const *more)
{
	unsigned int best = (unsigned int)length / 3 + 1; /* farther is a guess, not a mistype */
	const char *nearest = NULL;
	unsigned int distance;
	size_t i;

	for (; more && *more; more++) {
		distance = name_distance(name, length, *more);
		if (distance <= best && distance < length) {
			best = distance - (distance > 0);
			nearest = *more;
		}
	}
	for (i = 0; i < settings_count; i++) {
		const char *known = settings_table[i].name;

		distance = name_distance(name, length, known);
		if (settings_table[i].place == SETTING_SYSCTL) {
			unsigned int bare = name_distance(name, length, known + 4);

			distance = bare < distance ? bare : distance;
		}
		if (distance <= best && distance < length) {
			best = distance - (distance > 0);
			nearest = known;
		}
	}
	return nearest;
}

/* ---- values */

static int decimal(const char *text, size_t length, int64_t *ret)
{
	int64_t value = 0;
	size_t i;

	if (!length)
		return -EINVAL;
	for (i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

int setting_parse_span(const char *text, size_t length, uint32_t unit_us, int64_t *ret_us)
{
	char word[64];
	int64_t value;
	int err;

	if (length > 2 && !memcmp(text + length - 2, "us", 2))
		return decimal(text, length - 2, ret_us);
	err = decimal(text, length, &value);
	if (err != -EINVAL) {
		if (err || (!unit_us && value))
			return err ? err : -EINVAL;
		return __builtin_mul_overflow(value, (int64_t)unit_us, ret_us) ? -ERANGE : 0;
	}
	if (length >= sizeof(word))
		return -EINVAL;
	memcpy(word, text, length);
	word[length] = '\0';
	if (strlen(word) != length)
		return -EINVAL;
	err = text_parse_span(word, &value);
	if (err)
		return err;
	return __builtin_mul_overflow(value, 1000, ret_us) ? -ERANGE : 0;
}

static int parse_bool(const char *text, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "on", true },  { "off", false }, { "1", true },    { "0", false },
		      { "yes", true }, { "no", false },  { "true", true }, { "false", false } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcasecmp(words[i].word, text)) {
			*ret = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

/* IDLE/INTVL/CNT, each within the bounds of the option that it stands for. */
static int parse_triple(const char *text, struct setting_change *c)
{
	const struct setting *idle = setting_find("keepidle", 8);
	const struct setting *intvl = setting_find("keepintvl", 9);
	const struct setting *count = setting_find("keepcnt", 7);
	size_t first = strcspn(text, "/"), second;
	int64_t number;
	int err;

	if (!text[first])
		return -EINVAL;
	second = strcspn(text + first + 1, "/");
	if (!text[first + 1 + second])
		return -EINVAL;
	err = setting_parse_span(text, first, idle->unit_us, &c->idle_us);
	if (!err)
		err = setting_parse_span(text + first + 1, second, intvl->unit_us, &c->intvl_us);
	text += first + second + 2;
	if (!err)
		err = decimal(text, strlen(text), &number);
	if (err)
		return err;
	if (c->idle_us < idle->min || c->idle_us > idle->max || c->intvl_us < intvl->min ||
	    c->intvl_us > intvl->max || number < count->min || number > count->max)
		return -ERANGE;
	c->count = (unsigned int)number;
	c->triple = true;
	return 0;
}

static int parse_value(const char *text, struct setting_change *c)
{
	const struct setting *row = c->setting;
	bool on;
	int err;

	switch (row->kind) {
	case SETTING_SPAN:
		if (row->off && !strcasecmp(text, "off")) {
			c->off = true;
			return 0;
		}
		err = setting_parse_span(text, strlen(text), row->unit_us, &c->value);
		break;
	case SETTING_COUNT:
		err = decimal(text, strlen(text), &c->value);
		break;
	case SETTING_BOOL:
		err = parse_bool(text, &on);
		if (!err)
			c->value = on;
		return err;
	default:
		err = parse_bool(text, &on);
		c->off = !err && !on;
		return err ? parse_triple(text, c) : 0;
	}
	if (err)
		return err;
	return c->value < row->min || c->value > row->max ? -ERANGE : 0;
}

/* ---- words about them */

static const char *span_text(int64_t us, char *buf, size_t size)
{
	char span[24];

	if (us % 1000)
		snprintf(buf, size, "%lldus", (long long)us);
	else
		snprintf(buf, size, "%s", text_span(us / 1000, span, sizeof(span)));
	return buf;
}

const char *setting_range_text(const struct setting *row, char *buf, size_t size)
{
	char min[32], max[32];

	switch (row->kind) {
	case SETTING_COUNT:
		snprintf(buf, size, "%lld..%lld", (long long)row->min, (long long)row->max);
		break;
	case SETTING_BOOL:
		snprintf(buf, size, "on, off");
		break;
	case SETTING_KEEPALIVE:
		snprintf(buf, size, "on, off, IDLE/INTVL/CNT");
		break;
	default:
		snprintf(buf, size, "%s..%s%s", span_text(row->min, min, sizeof(min)),
			 span_text(row->max, max, sizeof(max)), row->off ? ", off" : "");
	}
	return buf;
}

/* What a value is, for a message: "a time with its unit (500ms, 20s, 2h), 0ms..2m". */
static const char *value_text(const struct setting *row, char *buf, size_t size)
{
	static const char *const kinds[] = {
		[SETTING_SPAN] = "a time with its unit (500ms, 20s, 2h), ",
		[SETTING_COUNT] = "a number, ",
		[SETTING_BOOL] = "",
		[SETTING_KEEPALIVE] = "as in 60s/10s/5 (up to 32767s/32767s/127), ",
	};
	char range[96];

	snprintf(buf, size, "%s%s", kinds[row->kind],
		 setting_range_text(row, range, sizeof(range)));
	return buf;
}

__attribute__((format(printf, 3, 4))) static int parse_error(char *err, size_t size,
							     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, size, format, args);
	va_end(args);
	return -EINVAL;
}

int setting_parse(const char *word, const char *const *more, struct setting_change *ret_change,
		  char *err, size_t err_size)
{
	size_t length = strcspn(word, "=");
	char safe[128], name[96], key[128], range[160];
	const char *nearest;

	*ret_change = (struct setting_change){};
	text_escape(word, safe, sizeof(safe));
	snprintf(name, sizeof(name), "%.*s", (int)(length < 64 ? length : 64), word);
	text_escape(name, key, sizeof(key));
	ret_change->setting = setting_find(word, length);
	if (!ret_change->setting) {
		nearest = setting_nearest(word, length, more);
		if (nearest)
			return parse_error(err, err_size, "no setting '%s' (did you mean '%s'?)",
					   key, nearest);
		return parse_error(err, err_size, "no setting '%s'; --settings lists them", key);
	}
	value_text(ret_change->setting, range, sizeof(range));
	if (!word[length])
		return parse_error(err, err_size, "'%s' needs a value after %s=: %s", safe,
				   ret_change->setting->name, range);
	switch (parse_value(word + length + 1, ret_change)) {
	case 0:
		return 0;
	case -ERANGE:
		return parse_error(err, err_size, "'%s' is out of range; the kernel takes %s", safe,
				   range);
	default:
		return parse_error(err, err_size, "'%s' can't be read; %s is %s", safe,
				   ret_change->setting->name, range);
	}
}

/* ---- applying */

bool setting_exists(const struct setting *row, const struct tcptimer_profile *profile)
{
	return !row->needs || ((const uint8_t *)profile)[row->needs - 1];
}

const char *setting_left_out(const struct setting *row, const struct setting_target *target,
			     char *buf, size_t size)
{
	if (!setting_exists(row, target->profile))
		snprintf(buf, size, "kernel %s has no %s (since %s)", target->profile->name,
			 row->name, row->since);
	else if (row->at_birth && target->when == SETTING_LIVE)
		snprintf(buf, size,
			 "%s is copied when a socket is made: this one keeps what it has",
			 row->name);
	else
		return NULL;
	return buf;
}

static void apply_place(const struct setting_change *changes, size_t count,
			const struct setting_target *target, enum setting_place place)
{
	char why[160];
	size_t i;

	for (i = 0; i < count; i++) {
		const struct setting *row = changes[i].setting;

		if (row->place != place || setting_left_out(row, target, why, sizeof(why)))
			continue;
		if (row->set)
			row->set(&changes[i], target);
		else
			setting_store(&changes[i], target);
	}
}

void settings_apply(const struct setting_change *changes, size_t count,
		    const struct setting_target *target)
{
	apply_place(changes, count, target, SETTING_SYSCTL);
	if (target->when == SETTING_AT_BIRTH) {
		tcptimer_snapshot_apply_sysctls(target->profile, target->hz, target->snap);
		if (target->snap->srtt_us && target->snap->kind == TCPTIMER_SOCK_FULL)
			setting_first_sample(target, target->snap->srtt_us >> 3);
	}
	apply_place(changes, count, target, SETTING_OPTION);
	apply_place(changes, count, target, SETTING_FIELD);
}

void settings_apply_counters(const struct setting_change *changes, size_t count,
			     const struct setting_target *target)
{
	apply_place(changes, count, target, SETTING_COUNTER);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON as it is written: held against what json-c reads, and writes, of the same values.
 * Receives nothing; hands cmocka's verdict to tests/run.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "json_out.h"
#include "text.h"

static struct json_object *parsed(const struct json_out *out)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	assert_false(out->failed);
	o = json_tokener_parse_ex(tokener, out->text, (int)out->used);
	assert_int_equal(json_tokener_get_error(tokener), json_tokener_success);
	json_tokener_free(tokener);
	return o;
}

static void test_values(void **state)
{
	static const char expected[] =
		"{\"a\":-9223372036854775808,\"b\":18446744073709551615,\"c\":0,\"d\":true,\"e\":false,"
		"\"f\":null,\"g\":null,\"h\":7,\"i\":\"x\",\"j\":[{},[],1,\"\",null],\"k\":{\"l\":{}}}";
	struct json_out out = {};
	struct json_object *o;

	json_out_open(&out, '{');
	json_out_key_int(&out, "a", INT64_MIN);
	json_out_key(&out, "b");
	json_out_uint(&out, UINT64_MAX);
	json_out_key_int(&out, "c", 0);
	json_out_key_bool(&out, "d", true);
	json_out_key_bool(&out, "e", false);
	json_out_key_string(&out, "f", NULL);
	json_out_key_maybe(&out, "g", false, 7);
	json_out_key_maybe(&out, "h", true, 7);
	json_out_key_string(&out, "i", "x");
	json_out_key(&out, "j");
	json_out_open(&out, '[');
	json_out_open(&out, '{');
	json_out_close(&out, '}');
	json_out_open(&out, '[');
	json_out_close(&out, ']');
	json_out_int(&out, 1);
	json_out_string(&out, "");
	json_out_null(&out);
	json_out_close(&out, ']');
	json_out_key(&out, "k");
	json_out_open(&out, '{');
	json_out_key(&out, "l");
	json_out_open(&out, '{');
	json_out_close(&out, '}');
	json_out_close(&out, '}');
	json_out_close(&out, '}');
	assert_int_equal(out.used, sizeof(expected) - 1);
	assert_memory_equal(out.text, expected, out.used);
	o = parsed(&out);
	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), expected);
	json_object_put(o);
	json_out_free(&out);
}

/* What a reader gets of it is what text_utf8() makes of it, and no byte of the text can fool an eye. */
static void check_string(const char *raw)
{
	char *valid = malloc(JSON_OUT_STRING_MAX + 1);
	struct json_out out = {};
	struct json_object *o;
	unsigned int character;

	assert_non_null(valid);
	text_utf8(raw, valid, JSON_OUT_STRING_MAX + 1);
	json_out_string(&out, raw);
	o = parsed(&out);
	assert_int_equal(json_object_get_string_len(o), strlen(valid));
	assert_string_equal(json_object_get_string(o), valid);
	for (size_t i = 0; i + 3 < out.used; i++) {
		assert_true((unsigned char)out.text[i] >= 0x20);
		assert_int_equal(json_out_hazard(out.text + i, &character), 0);
	}
	json_object_put(o);
	json_out_free(&out);
	free(valid);
}

static void test_strings(void **state)
{
	static const char *const rows[] = {
		"",
		"plain",
		"\"quoted\\\"",
		"/a/b",
		"\b\f\n\r\t\x01\x1f\x7f",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		"\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82",
		"\xc2\x80\xc2\x9f\xc2\xa0",
		"\xe2\x80\x8b\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_string(rows[i]);
}

static void test_escapes(void **state)
{
	static const char expected[] = "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\\u0080\\u202e/\"";
	struct json_out out = {};

	json_out_string(&out, "\"\\\b\f\n\r\t\x01\x7f\xc2\x80\xe2\x80\xae/");
	assert_int_equal(out.used, sizeof(expected) - 1);
	assert_memory_equal(out.text, expected, out.used);
	json_out_free(&out);
}

/* Any byte, next to any: valid, and what json-c would have written of the same text. */
static void test_bytes(void **state)
{
	for (int first = 1; first < 256; first++) {
		for (int second = 0; second < 256; second++) {
			const char raw[] = { (char)first, (char)second, '\0' };

			check_string(raw);
		}
	}
}

static void test_long_strings(void **state)
{
	static const char units[][4] = { "a", "\x01", "\xe2\x80\xae" };

	for (size_t unit = 0; unit < sizeof(units) / sizeof(units[0]); unit++) {
		for (size_t length = JSON_OUT_STRING_MAX - 2; length <= JSON_OUT_STRING_MAX + 2;
		     length++) {
			char *raw = calloc(length + 4, 1);

			assert_non_null(raw);
			while (strlen(raw) < length)
				strcat(raw, units[unit]);
			check_string(raw);
			free(raw);
		}
	}
}

/* A line after a longer one shows nothing of it. */
static void test_reset(void **state)
{
	struct json_out out = {};

	json_out_open(&out, '[');
	json_out_string(&out, "longer than what comes");
	json_out_reset(&out);
	json_out_int(&out, 1);
	assert_int_equal(out.used, 1);
	assert_memory_equal(out.text, "1", 1);
	json_out_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),       cmocka_unit_test(test_strings),
		cmocka_unit_test(test_escapes),      cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_long_strings), cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

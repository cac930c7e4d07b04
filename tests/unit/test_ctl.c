// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket's frames and requests, and the files kept beside a policy.
 * Receives user/daemon/ctl_proto.c and policy_source.c; no socket, no kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "daemon/ctl_proto.h"

#define GOOD "version: 1\nrules:\n  - {name: a, set: {max_retries: 1}}\n"

static int take(struct ctl_frame *frame, const char *bytes, size_t size)
{
	return ctl_frame_take(frame, bytes, size);
}

static void test_frame_in_one_piece(void **state)
{
	struct ctl_frame frame = { .max = 16 };

	assert_int_equal(take(&frame, "\0\0\0\2{}", 6), 1);
	assert_int_equal(frame.length, 2);
	assert_memory_equal(frame.bytes, "{}", 2);
	/* What comes behind a complete frame is an error, not the next request. */
	assert_int_equal(take(&frame, "x", 1), -EBADMSG);
	ctl_frame_free(&frame);
}

static void test_frame_byte_by_byte(void **state)
{
	struct ctl_frame frame = { .max = 5000 };
	char bytes[CTL_HEAD + 5000] = { 0, 0, 5000 >> 8, (char)(5000 & 0xff) };

	memset(bytes + CTL_HEAD, 'x', 5000);
	bytes[sizeof(bytes) - 1] = 'y';
	for (size_t i = 0; i < sizeof(bytes) - 1; i++)
		assert_int_equal(take(&frame, bytes + i, 1), 0);
	assert_int_equal(take(&frame, bytes + sizeof(bytes) - 1, 1), 1);
	assert_memory_equal(frame.bytes, bytes + CTL_HEAD, 5000);
	ctl_frame_free(&frame);
}

static void test_frame_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int err;
	} rows[] = {
		{ "\0\0\0\0", 4, -EBADMSG },    /* empty */
		{ "\0\0\0\021", 4, -EMSGSIZE }, /* one more than max: refused at its head */
		{ "\377\377\377\377", 4, -EMSGSIZE }, { "GET / HTTP", 10, -EMSGSIZE },
		{ "\0\0\0\1xy", 6, -EBADMSG }, /* longer than it said */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ctl_frame frame = { .max = 16 };

		assert_int_equal(take(&frame, rows[i].bytes, rows[i].size), rows[i].err);
		ctl_frame_free(&frame);
	}
}

/* A length alone takes no memory of that size. */
static void test_frame_memory_follows_bytes(void **state)
{
	struct ctl_frame frame = { .max = CTL_REQUEST_MAX };

	assert_int_equal(take(&frame, "\0\040\0\0{", 5), 0);
	assert_int_equal(frame.length, 2 << 20);
	assert_true(frame.room <= 1024);
	ctl_frame_free(&frame);
}

static void test_frame_made_is_taken(void **state)
{
	struct ctl_frame frame = { .max = 64 };
	struct json_object *object = json_object_new_object();
	char *bytes;
	size_t size;

	json_object_object_add(object, "command", json_object_new_string("status"));
	assert_int_equal(ctl_frame_make(json_object_get(object), 4, &bytes, &size), -EMSGSIZE);
	assert_int_equal(ctl_frame_make(object, 64, &bytes, &size), 0);
	assert_int_equal(ctl_frame_take(&frame, bytes, size), 1);
	assert_memory_equal(frame.bytes, "{\"command\":\"status\"}", frame.length);
	free(bytes);
	ctl_frame_free(&frame);
}

static int parse(const char *json, struct ctl_request *ret, char *error)
{
	return ctl_request_parse(json, strlen(json), ret, error, 200);
}

static void test_requests_refused(void **state)
{
	static const struct {
		const char *json, *words;
	} rows[] = {
		{ "", "no JSON object" },
		{ "{", "no JSON object" },
		{ "[]", "no JSON object" },
		{ "null", "no JSON object" },
		{ "{} {}", "no JSON object" },
		{ "{'command':'status'}", "no JSON object" },
		{ "{\"command\":\"\377\"}", "no JSON object" },
		{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}", "no JSON object" },
		{ "{}", "has no \"command\"" },
		{ "{\"command\":1}", "has no \"command\"" },
		{ "{\"command\":\"status\\u0000\"}", "has no \"command\"" },
		{ "{\"command\":\"\\u001b[31m\"}", "no command '\\x1b[31m'" },
		{ "{\"command\":\"status\",\"x\":1}", "keys that 'status' does not take" },
		{ "{\"command\":\"policy_apply\"}", "needs \"files\"" },
		{ "{\"command\":\"policy_apply\",\"files\":[]}", "needs \"files\"" },
		{ "{\"command\":\"policy_apply\",\"files\":{}}", "needs \"files\"" },
		{ "{\"command\":\"policy_apply\",\"files\":[1]}", "a file is not" },
		{ "{\"command\":\"policy_apply\",\"files\":[{\"name\":\"\",\"content\":\"\"}]}",
		  "a file is not" },
		{ "{\"command\":\"policy_apply\",\"files\":[{\"name\":\"a\\u0000b\",\"content\":\"\"}]}",
		  "a file is not" },
		{ "{\"command\":\"policy_apply\",\"files\":[{\"name\":\"a\"}]}", "a file is not" },
		{ "{\"command\":\"policy_apply\",\"files\":[{\"name\":\"\xc1\xb6\",\"content\":\"\"}]}",
		  "no UTF-8" },
		{ "{\"command\":\"policy_apply\",\"files\":[{\"name\":\"a\",\"content\":1}]}",
		  "a file is not" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ctl_request request;
		char error[200];

		if (parse(rows[i].json, &request, error) != -EINVAL)
			fail_msg("taken: %s", rows[i].json);
		if (!strstr(error, rows[i].words))
			fail_msg("%s: said '%s'", rows[i].json, error);
	}
}

/* "[0,0,0,…" would take a hundred times its size in memory. */
static void test_many_values_refused_unparsed(void **state)
{
	size_t size = 1 << 20;
	char *json = malloc(size + 1), error[200];
	struct ctl_request request;

	for (size_t i = 0; i < size; i++)
		json[i] = i % 2 ? ',' : '0';
	json[0] = '[';
	json[size] = '\0';
	assert_int_equal(parse(json, &request, error), -EINVAL);
	assert_string_equal(error, "the request is too large");
	free(json);
	/* Commas within a string are none of a value's. */
	json = malloc(8192);
	snprintf(json, 8192,
		 "{\"command\":\"policy_apply\",\"files\":[{\"name\":\"a\",\"content\":\"%0*d\"}]}",
		 4000, 0);
	for (char *c = strstr(json, "000"); *c == '0'; c++)
		*c = ',';
	assert_int_equal(parse(json, &request, error), 0);
	assert_int_equal(request.source.files[0].size, 4000);
	ctl_request_free(&request);
	free(json);
}

static void test_apply_goes_through(void **state)
{
	struct ctl_request sent = { .command = CTL_POLICY_APPLY }, got;
	const char *json;
	char error[200];

	source_add(&sent.source, "a \"quoted\".yaml", GOOD, strlen(GOOD));
	source_add(&sent.source, "b\377.yaml", "x\0y", 3);
	struct json_object *object = ctl_request_json(&sent);
	json = json_object_to_json_string(object);
	assert_int_equal(parse(json, &got, error), 0);
	assert_int_equal(got.command, CTL_POLICY_APPLY);
	assert_int_equal(got.source.kind, SOURCE_APPLY);
	assert_int_equal(got.source.count, 2);
	assert_string_equal(got.source.files[0].name, "a \"quoted\".yaml");
	assert_memory_equal(got.source.files[0].bytes, GOOD, strlen(GOOD));
	assert_string_equal(got.source.files[1].name, "b\357\277\275.yaml");
	assert_int_equal(got.source.files[1].size, 3);
	json_object_put(object);
	ctl_request_free(&sent);
	ctl_request_free(&got);
}

/* The largest policy that source_add() takes fits a request, whatever its bytes are in YAML. */
static void test_largest_policy_fits(void **state)
{
	struct ctl_request sent = { .command = CTL_POLICY_APPLY }, got;
	size_t size = TCPTIMER_POLICY_SOURCE - 64, json_size;
	char *bytes = malloc(size), error[200], *json;

	memset(bytes, '\n', size);
	assert_int_equal(source_add(&sent.source, "a", bytes, size), 0);
	assert_int_equal(
		ctl_frame_make(ctl_request_json(&sent), CTL_REQUEST_MAX, &json, &json_size), 0);
	assert_int_equal(ctl_request_parse(json + CTL_HEAD, json_size - CTL_HEAD, &got, error,
					   sizeof(error)),
			 0);
	assert_true(source_same(&sent.source, &got.source));
	free(json);
	free(bytes);
	ctl_request_free(&sent);
	ctl_request_free(&got);
}

static void test_answers(void **state)
{
	struct json_object *answer, *result;
	const char *error, *text;

	answer = ctl_answer(json_object_new_object());
	text = json_object_to_json_string(answer);
	struct json_object *parsed;
	assert_int_equal(ctl_answer_parse(text, strlen(text), &parsed, &result, &error), 0);
	assert_non_null(result);
	assert_null(error);
	json_object_put(parsed);
	json_object_put(answer);
	answer = ctl_answer_error("no", NULL);
	text = json_object_to_json_string(answer);
	assert_int_equal(ctl_answer_parse(text, strlen(text), &parsed, &result, &error), 0);
	assert_null(result);
	assert_string_equal(error, "no");
	json_object_put(parsed);
	json_object_put(answer);
	static const char *const none[] = { "{}", "[]", "{\"ok\":true}", "{\"ok\":false}",
					    "{\"ok\":1,\"result\":{}}" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(ctl_answer_parse(none[i], strlen(none[i]), &parsed, &result,
						  &error),
				 -EINVAL);
}

static struct policy_source two_files(void)
{
	struct policy_source source = { .kind = SOURCE_APPLY,
					.audit = true,
					.time_ns = 1234567890 };

	assert_int_equal(source_add(&source, "/etc/a.yaml", GOOD, strlen(GOOD)), 0);
	assert_int_equal(source_add(&source, "b", "", 0), 0);
	return source;
}

static void test_source_comes_back(void **state)
{
	struct policy_source source = two_files(), back;
	void *blob;
	size_t size;

	assert_int_equal(source_encode(&source, &blob, &size), 0);
	assert_int_equal(source_decode(blob, size, &back), 0);
	assert_int_equal(back.kind, SOURCE_APPLY);
	assert_true(back.audit);
	assert_int_equal(back.time_ns, 1234567890);
	assert_true(source_same(&source, &back));
	back.files[0].bytes[0] ^= 1;
	assert_false(source_same(&source, &back));
	source_free(&back);
	source_free(&source);
	free(blob);
}

/* Every blob that was cut, and every one with a byte changed in what describes it, is refused or whole. */
static void test_damaged_source(void **state)
{
	struct policy_source source = two_files(), back;
	unsigned int refused = 0;
	uint8_t *blob;
	size_t size;

	assert_int_equal(source_encode(&source, (void **)&blob, &size), 0);
	for (size_t cut = 0; cut < size; cut++) {
		void *part = malloc(cut ? cut : 1); /* a read beyond it is seen by the sanitizer */

		memcpy(part, blob, cut);
		assert_int_equal(source_decode(part, cut, &back), -EINVAL);
		assert_int_equal(back.count, 0);
		free(part);
	}
	for (size_t at = 0; at < size; at++) {
		blob[at] ^= 0xff;
		if (source_decode(blob, size, &back))
			refused++;
		source_free(&back);
		blob[at] ^= 0xff;
	}
	/* all of magic, kind, audit, count and lengths: 8 + 4 + 4 + 4 + 2 * 8, and the time's sign */
	assert_true(refused >= 37);
	free(blob);
	source_free(&source);
}

static void test_source_limits(void **state)
{
	struct policy_source source = {};
	char *bytes = calloc(1, TCPTIMER_POLICY_SOURCE + 1);
	char name[SOURCE_NAME_MAX + 2];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(source_add(&source, name, "", 0), -E2BIG);
	assert_int_equal(source_add(&source, "a", bytes, TCPTIMER_POLICY_SOURCE), -E2BIG);
	assert_int_equal(source_add(&source, "a", bytes, TCPTIMER_POLICY_SOURCE / 2), 0);
	assert_int_equal(source_add(&source, "b", bytes, TCPTIMER_POLICY_SOURCE / 2), -E2BIG);
	source_free(&source);
	for (int i = 0; i < SOURCE_FILES_MAX; i++)
		assert_int_equal(source_add(&source, "a", "", 0), 0);
	assert_int_equal(source_add(&source, "a", "", 0), -E2BIG);
	source_free(&source);
	free(bytes);
}

/* What `printf abc | sha256sum` prints, also in two files. */
static void test_digest(void **state)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct policy_source source = {};
	char digest[SOURCE_DIGEST];

	source_add(&source, "1", "a", 1);
	source_add(&source, "2", "bc", 2);
	source_digest(&source, digest);
	assert_string_equal(digest, abc);
	source_free(&source);
}

static void test_source_read(void **state)
{
	struct policy_report report = {};
	struct policy_source source = {};
	struct policy policy = {};

	assert_int_equal(source_read(&source, &policy, &report), 0);
	assert_int_equal(policy.count, 0);
	source_add(&source, "bad.yaml", "x", 1);
	source_add(&source, "good.yaml", GOOD, strlen(GOOD));
	source_add(&source, "again.yaml", GOOD, strlen(GOOD));
	assert_int_equal(source_read(&source, &policy, &report), -EINVAL);
	assert_int_equal(report.errors, 2); /* no policy; the name `a` twice */
	assert_string_equal(report.findings[0].file, "bad.yaml");
	assert_string_equal(report.findings[1].file, "again.yaml");
	policy_report_free(&report);
	policy_free(&policy);
	source_free(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_in_one_piece),
		cmocka_unit_test(test_frame_byte_by_byte),
		cmocka_unit_test(test_frame_refused),
		cmocka_unit_test(test_frame_memory_follows_bytes),
		cmocka_unit_test(test_frame_made_is_taken),
		cmocka_unit_test(test_requests_refused),
		cmocka_unit_test(test_many_values_refused_unparsed),
		cmocka_unit_test(test_apply_goes_through),
		cmocka_unit_test(test_largest_policy_fits),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_source_comes_back),
		cmocka_unit_test(test_damaged_source),
		cmocka_unit_test(test_source_limits),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_source_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

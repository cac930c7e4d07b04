// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes what comes from the control socket, and what is read back from the kernel's map.
 * Receives bytes: a frame, cut into pieces by its own first byte; and a source blob. Promises checked:
 * a request that is taken goes out and comes in again the same; a refusal is one printable line.
 */
#include <errno.h>
#include <json-c/json.h>
#include "daemon/ctl_proto.h"
#include "standalone.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\x01\0\0\0\x14{\"command\":\"status\"}"),
	FUZZ_SEED("\x07\0\0\0\x19{\"command\":\"policy_show\"}"),
	FUZZ_SEED("\x20\0\0\0\x52{\"command\":\"policy_apply\",\"files\":[{\"name\":\"a.yaml\","
		  "\"content\":\"version: 1\\n\"}]}"),
	FUZZ_SEED("tcptpol\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0axy"),
	FUZZ_SEED("\x05\0\0\0\x0e{\"ok\":true,\"result\":{}}"),
};

static void check_line(const char *line)
{
	FUZZ_CHECK(*line);
	for (; *line; line++)
		FUZZ_CHECK((unsigned char)*line >= 0x20 && *line != 0x7f);
}

static void check_request(const char *json, size_t size)
{
	struct ctl_request request, again;
	struct ctl_frame frame = { .max = CTL_REQUEST_MAX };
	char error[256], *bytes;
	size_t length;

	if (ctl_request_parse(json, size, &request, error, sizeof(error))) {
		check_line(error);
		FUZZ_CHECK(!request.source.count);
		return;
	}
	FUZZ_CHECK(request.command < CTL_COMMAND_COUNT);
	FUZZ_CHECK((request.command == CTL_POLICY_APPLY) == (request.source.count > 0));
	if (!ctl_frame_make(ctl_request_json(&request), CTL_REQUEST_MAX, &bytes, &length)) {
		FUZZ_CHECK(ctl_frame_take(&frame, bytes, length) == 1);
		FUZZ_CHECK(!ctl_request_parse(frame.bytes, frame.length, &again, error,
					      sizeof(error)));
		FUZZ_CHECK(again.command == request.command &&
			   source_same(&again.source, &request.source));
		ctl_request_free(&again);
		ctl_frame_free(&frame);
		free(bytes);
	}
	ctl_request_free(&request);
}

static void check_frame(const uint8_t *data, size_t size)
{
	struct ctl_frame frame = { .max = 4096 };
	size_t step = data[0] % 32 + 1, at = 1;
	int state = 0;

	while (!state && at < size) {
		size_t piece = size - at < step ? size - at : step;

		state = ctl_frame_take(&frame, data + at, piece);
		at += piece;
	}
	FUZZ_CHECK(state == 0 || state == 1 || state == -EMSGSIZE || state == -EBADMSG);
	FUZZ_CHECK(frame.room <= 4096);
	if (state == 1) {
		FUZZ_CHECK(frame.length == at - 1 - CTL_HEAD);
		check_request(frame.bytes, frame.length);
	}
	ctl_frame_free(&frame);
}

static void check_source(const uint8_t *data, size_t size)
{
	struct policy_source source, again;
	void *blob;
	size_t length;

	if (source_decode(data, size, &source)) {
		FUZZ_CHECK(!source.count);
		return;
	}
	/* There is one way only to write it. */
	FUZZ_CHECK(!source_encode(&source, &blob, &length));
	FUZZ_CHECK(length == size && !memcmp(blob, data, size));
	FUZZ_CHECK(!source_decode(blob, length, &again) && source_same(&source, &again));
	free(blob);
	source_free(&source);
	source_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_object *answer, *result;
	const char *error;

	if (!size)
		return 0;
	check_frame(data, size);
	check_source(data, size);
	check_request((const char *)data, size);
	if (!ctl_answer_parse((const char *)data, size, &answer, &result, &error)) {
		FUZZ_CHECK((result != NULL) != (error != NULL));
		json_object_put(answer);
	}
	return 0;
}

FUZZ_MAIN(seeds)

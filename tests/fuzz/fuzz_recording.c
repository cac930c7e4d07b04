// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the reading of recordings: the bytes as they are, and records with checksums made good.
 * Receives bytes. Promises checked: what is handed on is within its ranges, nothing is taken beyond
 * the input, an error stays, and names, verdicts and deadlines of any record can be asked for.
 */
#include <zlib.h>
#include "deadline.h"
#include "event.h"
#include "policy/policy_plan.h"
#include "policy/policy_yaml.h"
#include "recording_names.h"
#include "standalone.h"

/* A type, then the begin of its body; the rest is zero. */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\1\0\0\0\0"),
	FUZZ_SEED("\2\100\0\1\2\3\4\5\6\7\10\2\140\0\10\7\6\5\4\3\2\1"),
	FUZZ_SEED("\3\30\0\1"),
	FUZZ_SEED("\4\20\0\7\0\0\0\0\0\0\0/a.slice"),
	FUZZ_SEED("\5\7\0\7\0\0\0two"),
	FUZZ_SEED("\6\50\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0sh"),
	FUZZ_SEED("\7\6\0\1\0\0\0db"),
	FUZZ_SEED("\10\100\0"),
	FUZZ_SEED("TCPTREC\n\4\3\2\1\1\0\0\0"),
};

static const char policy_text[] =
	"version: 1\nrules: [{name: a, match: {remote_port: [1-1000]}, set: {max_retries: 3}},\n"
	"{name: b, set: {user_timeout: 5s, keepalive: {enable: true, idle: 1s}}}]\n";

static void check_plan(const struct recording_reader *reader, const struct conn *conn)
{
	const struct policy_kernel kernel = { &reader->header.profile, reader->header.hz };
	struct tcptimer_snapshot after = *conn->snap;
	static struct policy policy;
	struct tcptimer_deadline deadline;
	struct policy_plan plan;

	if (!policy.count) {
		struct policy_report report = {};

		policy_read(&policy, "p", policy_text, sizeof(policy_text) - 1, &report);
		FUZZ_CHECK(policy.count == 2 && !report.errors);
	}
	policy_plan_make(&policy, &kernel, conn->snap, conn->cgroup, POLICY_CONNECT, NULL, &plan);
	FUZZ_CHECK(!plan.rule || plan.index < 2);
	policy_plan_apply(&plan, &kernel, &after);
	policy_plan_deadline(&kernel, &after, TCPTIMER_PEER_SILENT, 3, &deadline);
}

/* All that replay asks of a socket. */
static void check_socket(const struct recording_reader *reader, const struct recording_names *names,
			 const struct tcptimer_snapshot *snap)
{
	struct conn conn;

	FUZZ_CHECK(snap->state < TCPTIMER_STATE_COUNT);
	recording_names_fill(names, snap, reader->header.hz, &conn);
	FUZZ_CHECK(!conn.pids || conn.owners > 1);
	FUZZ_CHECK(!conn.pid == !conn.comm);
	deadline_fill(&conn, &reader->header.profile);
	FUZZ_CHECK(!conn.has_deadline || conn.deadline_ms >= 0);
	check_plan(reader, &conn);
}

static void check_record(const struct recording_reader *reader, struct recording_names *names,
			 const struct recording_record *record)
{
	struct event_verdict verdict;

	FUZZ_CHECK(record->type > 0 && record->type < TCPTIMER_RECORDING_TYPE_COUNT);
	recording_names_add(names, record);
	if (record->type == TCPTIMER_RECORDING_EVENT) {
		event_judge(&record->event, reader->header.hz, &verdict);
		check_socket(reader, names, &record->event.after);
	} else if (record->type == TCPTIMER_RECORDING_SNAPSHOT) {
		check_socket(reader, names, &record->snapshot);
	}
}

static void read_all(const uint8_t *data, size_t size)
{
	static struct recording_record record;
	struct recording_names names = {};
	struct recording_reader reader;
	size_t at = 256;
	int took;

	if (recording_read_header(&reader, data, size)) {
		FUZZ_CHECK(!reader.offset);
		return;
	}
	FUZZ_CHECK(size >= 256 && reader.offset == 256);
	while ((took = recording_read(&reader, data + at, size - at, true, &record)) > 0) {
		at += (size_t)took;
		FUZZ_CHECK(at <= size && reader.offset == at);
		check_record(&reader, &names, &record);
	}
	FUZZ_CHECK(took == 0 ? reader.ended && at == size : took >= RECORDING_VALUES);
	FUZZ_CHECK(recording_read(&reader, data + at, size - at, true, &record) == took);
	FUZZ_CHECK(recording_strerror(took)[0]);
	/* A part of it is waited for, never taken to be damage. */
	if (!took && at > 256) {
		recording_read_header(&reader, data, 256);
		FUZZ_CHECK(recording_read(&reader, data + 256, 15, false, &record) == 0);
	}
	recording_names_free(&names);
}

/* What the bytes are laid over: a stalled connection's event, or a socket. */
static size_t plain_body(unsigned int type, uint8_t *body)
{
	struct tcptimer_event event = { .size = sizeof(event),
					.version = TCPTIMER_EVENT_VERSION,
					.kind = TCPTIMER_EVENT_EXPIRED,
					.timer = TCPTIMER_TIMER_RETRANS,
					.stall_timer = TCPTIMER_TIMER_RETRANS,
					.what = TCPTIMER_W_TIMER,
					.before = { .state = TCPTIMER_STATE_ESTABLISHED },
					.after = { .sk = 64,
						   .family = 2,
						   .state = TCPTIMER_STATE_ESTABLISHED,
						   .pending = TCPTIMER_PENDING_RETRANS,
						   .flags = TCPTIMER_F_WRITE_PENDING,
						   .packets_out = 1,
						   .retransmits = 1 } };

	if (type == TCPTIMER_RECORDING_EVENT) {
		memcpy(body, &event, sizeof(event));
		return sizeof(event);
	}
	if (type == TCPTIMER_RECORDING_SNAPSHOT) {
		memcpy(body, &event.after, sizeof(event.after));
		return sizeof(event.after);
	}
	return 0;
}

/* A header that is good but for its profile and HZ, then records whose heads are made good. */
static void read_mended(const uint8_t *data, size_t size)
{
	static uint8_t file[1 << 16];
	struct tcptimer_recording_header h = { .byte_order = TCPTIMER_RECORDING_ORDER,
					       .version = TCPTIMER_RECORDING_VERSION,
					       .size = sizeof(h),
					       .event_size = sizeof(struct tcptimer_event),
					       .snapshot_size = sizeof(struct tcptimer_snapshot),
					       .profile_size = sizeof(struct tcptimer_profile),
					       .hz = 250 };
	size_t used = sizeof(h);
	uint32_t number = 0;

	memcpy(h.magic, TCPTIMER_RECORDING_MAGIC, sizeof(h.magic));
	memcpy(&h.profile, tcptimer_profile_by_name("6.12"), sizeof(h.profile));
	if (size > 64)
		memcpy((uint8_t *)&h.profile + 20, data + size - 32, 32);
	h.checksum = (__u32)crc32(0, (const void *)&h, 252);
	memcpy(file, &h, sizeof(h));
	while (size > 3) {
		struct tcptimer_recording_head head = { .type = data[0], .number = ++number };
		size_t want = data[1] | (size_t)(data[2] & 31) << 8, from = 0, got, i;
		uint8_t *body = file + used + sizeof(head);

		if (used + RECORDING_PIECE_MAX > sizeof(file))
			break;
		memset(body, 0, TCPTIMER_RECORDING_BODY_MAX);
		head.length = (__u32)plain_body(head.type, body);
		if (head.length)
			from = want %
			       head.length; /* the bytes change what is there, from here on */
		else
			head.length = want > TCPTIMER_RECORDING_BODY_MAX ?
					      TCPTIMER_RECORDING_BODY_MAX :
					      (__u32)want;
		data += 3;
		size -= 3;
		got = size < head.length - from ? size : head.length - from;
		if (from && got > 8)
			got = 8;
		for (i = 0; i < got; i++)
			body[from + i] ^= data[i];
		head.checksum = (__u32)crc32(crc32(0, (const void *)&head, 12), body, head.length);
		memcpy(file + used, &head, sizeof(head));
		used += sizeof(head) + head.length;
		data += got;
		size -= got;
	}
	read_all(file, used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_all(data, size);
	read_mended(data, size);
	return 0;
}

FUZZ_MAIN(seeds)

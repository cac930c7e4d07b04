// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives the steps that a test expects, the trace's lines and the captured packets.
 * Hands back nothing when they agree, and ends the test at the first that does not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include "witness.h"
#include "world.h"

/*
 * Line and packet are both stamped by the kernel inside one run of a timer's handler, so they differ
 * by the handler's own work, the rounding of the printed time, and by how long this (virtual)
 * machine stood still in between: as long as the noise thread found in the run, at that time.
 */
#define TOLERANCE_NS (2 * NSEC_PER_MSEC)
#define NOISE_AROUND_NS (100 * NSEC_PER_MSEC)
/* What a timer may be late over its bucket: two jiffies of a 250 Hz kernel. */
#define JIFFIES_NS (8 * NSEC_PER_MSEC)

uint64_t world_tolerance_ns(uint64_t time_ns)
{
	return TOLERANCE_NS + noise_worst(time_ns - NOISE_AROUND_NS, time_ns + NOISE_AROUND_NS);
}

static void check_near(uint64_t got_ns, uint64_t want_ns, uint64_t tolerance_ns, const char *what)
{
	uint64_t off_ns = got_ns > want_ns ? got_ns - want_ns : want_ns - got_ns;

	CHECK(off_ns <= tolerance_ns,
	      "%s is %.3f ms off (line %.6f, wanted %.6f, tolerance %.3f ms)", what,
	      (double)off_ns / 1e6, (double)(got_ns % (1000 * NSEC_PER_SEC)) / 1e9,
	      (double)(want_ns % (1000 * NSEC_PER_SEC)) / 1e9, (double)tolerance_ns / 1e6);
}

static void check_text(struct json_object *line, const char *key, const char *want)
{
	CHECK(strcmp(json_text(line, key), want) == 0, "%s is %s, not %s, in %s", key,
	      json_text(line, key), want,
	      json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
}

/* The line is about the world's own connection. */
static void check_identity(struct world *world, struct json_object *line)
{
	char addr[INET6_ADDRSTRLEN];
	uint8_t raw[16];

	check_text(line, "family", world->family == AF_INET ? "inet" : "inet6");
	CHECK(json_number(line, "netns") == world->netns.inode, "another netns");
	tun_addr(world->family, false, raw);
	check_text(line, "local_addr", inet_ntop(world->family, raw, addr, sizeof(addr)));
	tun_addr(world->family, true, raw);
	check_text(line, "remote_addr", inet_ntop(world->family, raw, addr, sizeof(addr)));
	CHECK(json_number(line, "remote_port") == world->peer.port, "another remote port: %s",
	      json_object_to_json_string(line));
	CHECK(json_number(line, "local_port") == world->peer.kernel_port, "another local port: %s",
	      json_object_to_json_string(line));
	if (world->cookie)
		CHECK((uint64_t)json_number(line, "cookie") == world->cookie, "another cookie: %s",
		      json_object_to_json_string(line));
}

static void check_step(struct json_object *line, const struct step *step)
{
	check_text(line, "event", step->event);
	if (step->timer)
		check_text(line, "timer", step->timer);
	if (step->action)
		check_text(line, "action", step->action);
	if (step->n >= 0)
		CHECK(json_number(line, "n") == step->n, "n is %s, not %d, in %s",
		      json_text(line, "n"), step->n, json_object_to_json_string(line));
	check_text(line, "cause", step->cause ? step->cause : "(null)");
	check_text(line, "errno", step->error ? step->error : "(null)");
	check_text(line, "stalled", step->calm ? "false" : "true");
}

/*
 * The stall's age: at least since its first sign on the wire (the stall line), at most since this
 * host last sent something before that (the test's mark).
 */
static void check_age(struct world *world, struct json_object *line)
{
	uint64_t time_ns = json_time_ns(line), age_ns, since_ns = 0;
	uint64_t slack_ns = JIFFIES_NS + world_tolerance_ns(time_ns);
	size_t i;

	if (!json_flag(line, "stalled") || !world_count(world, "stall", NULL))
		return;
	age_ns = (uint64_t)json_number(line, "stall_ms") * NSEC_PER_MSEC;
	CHECK(age_ns + JIFFIES_NS >= world->age_ns, "the stall grew younger: %s",
	      json_object_to_json_string(line));
	world->age_ns = age_ns;
	for (i = 0; i < world->wire.count; i++)
		if (world->wire.packets[i].out && world->wire.packets[i].time_ns <= world->mark_ns)
			since_ns = world->wire.packets[i].time_ns;
	CHECK(age_ns + slack_ns >= time_ns - json_time_ns(world_line(world, "stall", 0)),
	      "stall_ms is too short: %s", json_object_to_json_string(line));
	CHECK(!since_ns || age_ns <= time_ns - since_ns + slack_ns, "stall_ms is too long: %s",
	      json_object_to_json_string(line));
}

/* Every expiry of a timer says when it fires next; the next line about it must be then. */
static void check_foretold(struct world *world, size_t from)
{
	struct json_object *line = world->trace.lines[from];
	uint64_t due_ns, time_ns;
	size_t i;

	if (world->answer_ns && json_time_ns(line) < world->answer_ns)
		return; /* what the peer sent may have set the timer again */

	if (strcmp(json_text(line, "event"), "expired") != 0 ||
	    strcmp(json_text(line, "next_ms"), "(null)") == 0 || json_number(line, "next_ms") < 0)
		return;
	due_ns = json_time_ns(line) + (uint64_t)json_number(line, "next_ms") * NSEC_PER_MSEC;
	for (i = from + 1; i < world->trace.count; i++) {
		struct json_object *next = world->trace.lines[i];
		const char *event = json_text(next, "event");

		if (strcmp(event, "stall") == 0)
			continue; /* begins between two firings, when the first stays unanswered */
		if (strcmp(event, "expired") != 0 && strcmp(event, "abort") != 0)
			return; /* an answer came between */
		if (strcmp(json_text(next, "timer"), json_text(line, "timer")) != 0)
			continue;
		time_ns = json_time_ns(next);
		check_near(time_ns, due_ns, JIFFIES_NS + world_tolerance_ns(time_ns), "next_ms");
		return;
	}
}

static const struct packet *next_sent(const struct world *world, size_t *at)
{
	while (*at < world->wire.count) {
		const struct packet *packet = &world->wire.packets[(*at)++];

		if (packet->out && packet->time_ns > world->mark_ns)
			return packet;
	}
	return NULL;
}

/* A keepalive probe is no stall at once: the line comes when an RTO went by without an answer. */
static void check_quiet(struct world *world, struct json_object *line, int count, size_t *at)
{
	uint64_t time_ns = json_time_ns(line);
	uint64_t rto_ns = (uint64_t)json_number(line, "rto_ms") * NSEC_PER_MSEC;
	const struct packet *packet;

	while (count--) {
		packet = next_sent(world, at);
		CHECK(packet, "nothing on the wire before %s", json_object_to_json_string(line));
		CHECK(packet->time_ns + rto_ns <= time_ns + JIFFIES_NS,
		      "a stall before an RTO has passed: %s", json_object_to_json_string(line));
	}
}

/* The next `count` packets that this host sent are those of the line. */
static void check_wire(struct world *world, struct json_object *line, int count, size_t *at)
{
	uint64_t time_ns = json_time_ns(line), tolerance_ns = world_tolerance_ns(time_ns);
	const struct packet *packet;
	char text[160];

	/* The end of a stall is known by the kernel's stamp in jiffies. */
	if (strcmp(json_text(line, "event"), "recovered") == 0) {
		tolerance_ns += JIFFIES_NS;
		if (world->answer_ns)
			check_near(time_ns, world->answer_ns, tolerance_ns, "the recovery");
	}
	while (count--) {
		packet = next_sent(world, at);
		CHECK(packet, "nothing on the wire for %s", json_object_to_json_string(line));
		check_near(time_ns, packet->time_ns, tolerance_ns,
			   packet_text(packet, text, sizeof(text)));
	}
}

/*
 * Losses are told for the whole host: they are no steps. With a ring of the usual size nothing is
 * lost but what the kernel kept from BPF, and that is witnessed.
 */
static void take_losses(struct world *world)
{
	size_t i, kept = 0;
	uint64_t lost = 0;

	for (i = 0; i < world->trace.count; i++) {
		struct json_object *line = world->trace.lines[i];

		if (strcmp(json_text(line, "event"), "lost") == 0)
			lost += (uint64_t)json_number(line, "lost");
		else
			world->trace.lines[kept++] = line;
	}
	world->trace.count = kept;
	CHECK(!lost || lost <= witness_missed(), "%llu events lost, but the kernel kept back %llu",
	      (unsigned long long)lost, (unsigned long long)witness_missed());
}

void world_expect(struct world *world, const struct step *steps, size_t count)
{
	const struct packet *packet;
	size_t i, at = 0;
	uint64_t last_ns = 0;
	char text[160];

	take_losses(world);
	for (i = 0; i < count && i < world->trace.count; i++) {
		struct json_object *line = world->trace.lines[i];
		uint64_t time_ns = json_time_ns(line);

		check_step(line, &steps[i]);
		check_identity(world, line);
		check_age(world, line);
		CHECK(time_ns >= last_ns, "line %zu is earlier than the one before", i);
		last_ns = time_ns;
		check_quiet(world, line, steps[i].quiet, &at);
		check_wire(world, line, steps[i].wire, &at);
		check_foretold(world, i);
	}
	CHECK(world->trace.count == count, "%zu lines, not %zu", world->trace.count, count);
	packet = next_sent(world, &at);
	CHECK(!packet, "on the wire, but not told: %s", packet_text(packet, text, sizeof(text)));
}

static bool says_sent(struct json_object *line)
{
	static const char *const actions[] = { "retransmitted", "probed", "acked" };
	size_t i;

	if (strcmp(json_text(line, "event"), "stall") == 0)
		return false;
	if (strcmp(json_text(line, "event"), "retransmit") == 0)
		return true;
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(json_text(line, "action"), actions[i]) == 0)
			return true;
	return false;
}

void world_expect_end(struct world *world, const struct step *last)
{
	const struct packet *packet;
	struct json_object *line;
	size_t i, at = 0;
	char text[160];

	take_losses(world);
	CHECK(world->trace.count, "no line at all");
	for (i = 0; i < world->trace.count; i++) {
		line = world->trace.lines[i];
		check_identity(world, line);
		check_age(world, line);
		if (i + 1 == world->trace.count) {
			check_step(line, last);
			check_wire(world, line, last->wire, &at);
		} else {
			check_text(line, "cause", "(null)");
			/* told of stalls only, the probe before a keepalive stall is untold */
			if (i == 0 && strcmp(json_text(line, "event"), "stall") == 0)
				check_quiet(world, line,
					    strcmp(json_text(line, "timer"), "keepalive") == 0,
					    &at);
			check_wire(world, line, says_sent(line), &at);
			check_foretold(world, i);
		}
	}
	packet = next_sent(world, &at);
	CHECK(!packet, "on the wire, but not told: %s", packet_text(packet, text, sizeof(text)));
}

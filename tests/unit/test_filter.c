// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter language against eight connections of all kinds: what matches, what is refused, and
 * how.
 * Receives nothing; hands cmocka's verdict to tests/run.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <cmocka.h>
#include "filter.h"
#include "glob.h"
#include "text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ERR_SIZE 2048

/* Each connection goes by a letter; a row of the table says which letters match. */
enum { E, SIX, M, L, T, R, S, F, CONNS };
static const char letters[] = "e6mltrsf";
static const int e_pids[] = { 1234, 77 };

static struct tcptimer_snapshot snaps[CONNS];
static struct conn conns[CONNS];

static void set_address(uint8_t *addr, int family, const char *text)
{
	assert_int_equal(inet_pton(family, text, addr), 1);
}

static struct tcptimer_snapshot *add_conn(int index, int family, unsigned int state,
					  const char *local, unsigned int local_port,
					  const char *remote, unsigned int remote_port)
{
	struct tcptimer_snapshot *snap = &snaps[index];

	memset(snap, 0, sizeof(*snap));
	snap->family = (uint8_t)family;
	snap->state = (uint8_t)state;
	snap->now_jiffies = 1000000;
	snap->local_port = (uint16_t)local_port;
	snap->remote_port = (uint16_t)remote_port;
	snap->netns = 4026531840U;
	set_address(snap->local_addr, family, local);
	set_address(snap->remote_addr, family, remote);
	conns[index] = (struct conn){ .snap = snap, .hz = 250 };
	conns[index].deadline_known = state != TCPTIMER_STATE_LISTEN;
	return snap;
}

static int setup(void **state)
{
	struct tcptimer_snapshot *snap;

	snap = add_conn(E, AF_INET, TCPTIMER_STATE_ESTABLISHED, "10.0.0.1", 40000, "192.0.2.7",
			443);
	snap->flags = TCPTIMER_F_WRITE_PENDING | TCPTIMER_F_KEEP_PENDING | TCPTIMER_F_KEEPOPEN;
	snap->pending = TCPTIMER_PENDING_RETRANS;
	snap->write_expires = snap->keep_expires = snap->now_jiffies + 10;
	snap->packets_out = 3;
	snap->snd_wnd = 1000;
	snap->retransmits = 2;
	snap->netns = 100;
	conns[E].netns_name = "web";
	conns[E].cgroup = "/system.slice/web.service";
	conns[E].pid = 1234;
	conns[E].pids = e_pids;
	conns[E].owners = 2;
	conns[E].has_deadline = true;
	conns[E].deadline_ms = 20000;

	snap = add_conn(SIX, AF_INET6, TCPTIMER_STATE_ESTABLISHED, "fd00::1", 6379, "fd00:1::2",
			50000);
	snap->flags = TCPTIMER_F_DELACK_PENDING;
	snap->delack_pending = TCPTIMER_ACK_TIMER;
	snap->netns = 200;
	conns[SIX].netns_name = "4026531840";
	conns[SIX].cgroup = "/kubepods.slice/pod1/c1";
	conns[SIX].pid = 9;

	add_conn(M, AF_INET6, TCPTIMER_STATE_CLOSE_WAIT, "::ffff:10.1.2.3", 8080,
		 "::ffff:198.51.100.9", 1024);

	add_conn(L, AF_INET, TCPTIMER_STATE_LISTEN, "0.0.0.0", 22, "0.0.0.0", 0);

	snap = add_conn(T, AF_INET, TCPTIMER_STATE_TIME_WAIT, "127.0.0.1", 6390, "127.0.0.1",
			33000);
	snap->kind = TCPTIMER_SOCK_TIMEWAIT;
	snap->flags = TCPTIMER_F_TIMER_HW;

	snap = add_conn(R, AF_INET, TCPTIMER_STATE_NEW_SYN_RECV, "10.0.0.1", 443, "203.0.113.5",
			6000);
	snap->kind = TCPTIMER_SOCK_REQUEST;
	snap->flags = TCPTIMER_F_TIMER_HW;
	snap->retransmits = 1;

	snap = add_conn(S, AF_INET6, TCPTIMER_STATE_SYN_SENT, "fd00::1", 40001, "2001:db8::1",
			65535);
	snap->flags = TCPTIMER_F_WRITE_PENDING;
	snap->pending = TCPTIMER_PENDING_RETRANS;
	snap->retransmits = 3;
	conns[S].has_deadline = true;
	conns[S].deadline_ms = 90000;
	conns[S].cgroup = "/";

	snap = add_conn(F, AF_INET, TCPTIMER_STATE_FIN_WAIT2, "10.0.0.1", 1, "192.0.2.8", 443);
	snap->flags = TCPTIMER_F_KEEP_PENDING | TCPTIMER_F_DEAD;
	(void)state;
	return 0;
}

static struct filter *must_parse(const char *expression)
{
	struct filter *filter = NULL;
	char *words[] = { (char *)expression, NULL };
	char err[ERR_SIZE] = "";

	if (filter_parse(1, words, &filter, err, sizeof(err)))
		fail_msg("refused: %s\n%s", expression, err);
	assert_non_null(filter);
	return filter;
}

static const struct {
	const char *expression, *matches;
} matches[] = {
	{ "", "e6mltrsf" },
	{ " \t\n ", "e6mltrsf" },

	/* states, by all their names */
	{ "state established", "e6" },
	{ "state ESTAB", "e6" },
	{ "state syn-sent", "s" },
	{ "state syn_sent", "s" },
	{ "state Syn-Sent", "s" },
	{ "state syn-recv", "r" },
	{ "state syn-rcv", "r" },
	{ "state new-syn-recv", "r" },
	{ "state fin-wait-1", "" },
	{ "state fin-wait-2", "f" },
	{ "state fin_wait2", "f" },
	{ "state FIN-WAIT-2", "f" },
	{ "state time-wait", "t" },
	{ "state closed", "" },
	{ "state close", "" },
	{ "state unconnected", "" },
	{ "state unconn", "" },
	{ "state close-wait", "m" },
	{ "state last-ack", "" },
	{ "state listening", "l" },
	{ "state listen", "l" },
	{ "state closing", "" },
	{ "state all", "e6mltrsf" },
	{ "state connected", "e6mtrsf" },
	{ "state synchronized", "e6mtrf" },
	{ "state bucket", "tr" },
	{ "state big", "e6mlsf" },
	/* neighbours add up, as in ss; with `and` they do not */
	{ "state established state listening", "e6l" },
	{ "state connected exclude established", "mtrsf" },
	{ "exclude established exclude time-wait", "mlrsf" },
	{ "state established exclude established state listening", "l" },
	{ "state established and state listening", "" },
	{ "state established or state listening", "e6l" },
	{ "not state established state listening", "mtrsf" },
	{ "dport = :443 state established", "e" },

	/* ports */
	{ "sport = :443", "r" },
	{ "sport == :443", "r" },
	{ "sport eq :443", "r" },
	{ "sport :443", "r" },
	{ "sport 443", "r" },
	{ "sport=443", "r" },
	{ "dport = :https", "ef" },
	{ "dport = https", "ef" },
	{ "dport != :443", "6mltrs" },
	{ "dport ne 443", "6mltrs" },
	{ "dport neq 443", "6mltrs" },
	{ "not dport != 443", "ef" },
	{ "sport < 22", "f" },
	{ "sport lt :22", "f" },
	{ "sport <= 22", "lf" },
	{ "sport le 22", "lf" },
	{ "sport leq 22", "lf" },
	{ "sport > 40000", "s" },
	{ "sport gt 40000", "s" },
	{ "sport >= 40000", "es" },
	{ "sport ge 40000", "es" },
	{ "sport geq 40000", "es" },
	{ "sport>=40000", "es" },
	{ "dport < 0", "" },
	{ "dport <= 0", "l" },
	{ "dport > 65535", "" },
	{ "dport >= 65535", "s" },
	{ "sport = :6379-6390", "6t" },
	{ "sport 6379-6390", "6t" },
	{ "sport != 6379-6390", "emlrsf" },
	{ "sport 443-443", "r" },
	{ "sport = :*", "e6mltrsf" },
	{ "dport = 0", "l" },

	/* addresses: an IPv4 prefix matches IPv4-mapped IPv6, in either notation */
	{ "src 10.0.0.1", "erf" },
	{ "src = 10.0.0.1", "erf" },
	{ "src == 10.0.0.1", "erf" },
	{ "src != 10.0.0.1", "6mlts" },
	{ "src 10.0.0.0/8", "emrf" },
	{ "src 10/8", "emrf" },
	{ "src 10.1/16", "m" },
	{ "src 10.0.0.0/15", "emrf" },
	{ "src 10.0.0.0/16", "erf" },
	{ "src 0.0.0.0/0", "emltrf" },
	{ "src inet:*", "emltrf" },
	{ "src inet6:*", "6ms" },
	{ "src inet6:[fd00::1]", "6s" },
	{ "src inet:10.0.0.1:40000", "e" },
	{ "src [::ffff:10.1.2.3]", "m" },
	{ "src ::ffff:10.0.0.0/104", "emrf" },
	{ "src [::ffff:0:0]/95", "m" },
	{ "src [::]/0", "6ms" },
	{ "src *", "e6mltrsf" },
	{ "dst 192.0.2.7", "e" },
	{ "dst 255.255.255.255 or dst 192.0.002.008", "f" },
	{ "dst 192.0.2.0/29", "e" },
	{ "dst 192.0.2.0/28", "ef" },
	{ "dst 192.0.2.7:443", "e" },
	{ "dst 192.0.2.7:80", "" },
	{ "dst 192.0.2.0/24:https", "ef" },
	{ "dst 192.0.2.0/24:400-500", "ef" },
	{ "dst 192.0.2.7:*", "e" },
	{ "dst :443", "ef" },
	{ "dst *:443", "ef" },
	{ "dst [fd00:1::2]", "6" },
	{ "dst fd00:1::2", "6" },
	{ "dst [fd00:1::2]:50000", "6" },
	{ "dst [fd00:1::]/32:50000", "6" },
	{ "dst [fd00:1::/32]:50000", "6" },
	{ "dst [fd00:1::]/33", "6" },
	{ "dst [fd00::]/32", "" },
	{ "dst fd00::/31", "6" },
	{ "dst [2000::]/3", "s" },
	{ "dst 198.51.100.9:1024", "m" },

	/* cgroups */
	{ "cgroup /system.slice/web.service", "e" },
	{ "cgroup = /system.slice/web.service", "e" },
	{ "cgroup system.slice/web.service/", "e" },
	{ "cgroup /sys/fs/cgroup/system.slice/web.service", "e" },
	{ "cgroup \"/system.slice/web.service\"", "e" },
	{ "cgroup /system.slice", "" },
	{ "cgroup /system.slice/**", "e" },
	{ "cgroup /system.slice/*.service", "e" },
	{ "cgroup /**/c1", "6" },
	{ "cgroup /kubepods.slice/*", "" },
	{ "cgroup /**", "e6s" },
	{ "cgroup /", "s" },
	{ "cgroup /sys/fs/cgroup", "s" },
	{ "cgroup != /", "e6mltrf" },

	/* namespaces, processes */
	{ "netns 100", "e" },
	{ "netns web", "e" },
	{ "netns /run/netns/web", "e" },
	{ "netns /var/run/netns/web", "e" },
	{ "netns net:[200]", "6" },
	{ "netns [web200]", "" },
	{ "netns 4026531840", "6mltrsf" },
	{ "netns != web", "6mltrsf" },
	{ "netns 99999999999", "" },
	{ "pid 1234", "e" },
	{ "pid = 77", "e" },
	{ "pid 9", "6" },
	{ "pid != 9", "emltrsf" },
	{ "pid 2147483647", "" },

	/* timers and stalls */
	{ "stalled", "ers" },
	{ "not stalled", "6mltf" },
	{ "timer retrans", "e" },
	{ "timer keepalive", "e" },
	{ "timer = syn", "s" },
	{ "timer != syn", "e6mltrf" },
	{ "timer delack", "6" },
	{ "timer synack", "r" },
	{ "timer timewait", "t" },
	{ "timer fin_wait2", "f" },
	{ "timer probe0", "" },
	{ "timer none", "ml" },

	/* deadlines */
	{ "deadline < 30s", "e" },
	{ "deadline < 20s", "" },
	{ "deadline <= 20s", "e" },
	{ "deadline > 20s", "s" },
	{ "deadline >= 20000ms", "es" },
	{ "deadline = 1m30s", "s" },
	{ "deadline != 20s", "s" },
	{ "deadline = never", "6mtrf" },
	{ "deadline != never", "es" },

	/* how conditions join: `not` closest, then `and` and nothing, then `or` */
	{ "state listening or state time-wait and sport 1", "l" },
	{ "sport 1 and state time-wait or state listening", "l" },
	{ "state listening || state time-wait && sport 1", "l" },
	{ "state listening | state time-wait & sport 1", "l" },
	{ "state listening or state time-wait sport 1", "l" },
	{ "( state listening or state time-wait ) and sport 6390", "t" },
	{ "(state listening or state time-wait) sport 6390", "t" },
	{ "not stalled and state established", "6" },
	{ "! stalled state established", "6" },
	{ "!stalled state established", "6" },
	{ "not ( stalled and state established )", "6mltrsf" },
	{ "not not stalled", "ers" },
	{ "not not not stalled", "6mltf" },
	{ "! ( not stalled or not timer retrans )", "e" },
	{ "((((stalled))))", "ers" },
	{ "stalled dport 443 src 10/8 cgroup /system.slice/** pid 77 timer retrans", "e" },
	{ "sport 22 or sport 1 or sport 443 or sport 6390", "ltrf" },
};

static void test_matches(void **state)
{
	for (size_t i = 0; i < COUNT(matches); i++) {
		struct filter *filter = must_parse(matches[i].expression);
		char got[CONNS + 1];
		size_t used = 0;

		for (int c = 0; c < CONNS; c++)
			if (filter_match(filter, &conns[c]))
				got[used++] = letters[c];
		got[used] = '\0';
		if (strcmp(got, matches[i].matches))
			fail_msg("%s: matches \"%s\", not \"%s\"", matches[i].expression, got,
				 matches[i].matches);
		filter_free(filter);
	}
	(void)state;
}

/* The shell hands over words as it likes: how they were split makes no difference. */
static void test_words(void **state)
{
	char *split[] = { "state", "listening", "(", "sport", "=", ":22", ")" };
	char *mixed[] = { "state listening", "( sport = :22", ")" };
	struct filter *filter;
	char err[ERR_SIZE];

	assert_int_equal(filter_parse(COUNT(split), split, &filter, err, sizeof(err)), 0);
	assert_true(filter_match(filter, &conns[L]));
	assert_false(filter_match(filter, &conns[E]));
	filter_free(filter);
	assert_int_equal(filter_parse(COUNT(mixed), mixed, &filter, err, sizeof(err)), 0);
	assert_true(filter_match(filter, &conns[L]));
	assert_false(filter_match(filter, &conns[E]));
	filter_free(filter);
	assert_int_equal(filter_parse(0, NULL, &filter, err, sizeof(err)), 0);
	assert_true(filter_match(filter, &conns[E]));
	filter_free(filter);
	assert_true(filter_match(NULL, &conns[E]));
	filter_free(NULL);
	(void)state;
}

/* In a trace, an event matches by its timer and its stall even when the socket has moved on. */
static void test_events(void **state)
{
	struct filter *stalled = must_parse("stalled"), *delack = must_parse("timer delack");

	assert_false(filter_match(stalled, &conns[M]));
	assert_false(filter_match(delack, &conns[M]));
	conns[M].in_stall = true;
	conns[M].fired = 1U << TCPTIMER_TIMER_DELACK;
	assert_true(filter_match(stalled, &conns[M]));
	assert_true(filter_match(delack, &conns[M]));
	conns[M].in_stall = false;
	conns[M].fired = 0;
	filter_free(stalled);
	filter_free(delack);
	(void)state;
}

/* `caret`: the column under which the caret must stand, counted in the expression from 0. */
static const struct {
	const char *expression;
	size_t caret;
	const char *says;
} refused[] = {
	{ "frob", 0, "\"frob\" is no condition" },
	{ "stalled frob", 8, "\"frob\" is no condition" },
	{ "\"stalled\"", 0, "\"stalled\" is no condition" },
	{ "dev eth0", 0, "\"dev\" is no condition" },
	{ "state", 0, "\"state\" needs a name" },
	{ "state )", 6, "needs a name" },
	{ "state establish", 6, "\"establish\" is no state: use established" },
	{ "state unknown", 6, "is no state" },
	{ "state --", 6, "is no state" },
	{ "state aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 6, "is no state" },
	{ "exclude all or exclude x", 23, "\"x\" is no state" },
	{ "state established \"", 18, "a quote without its end" },
	{ "sport", 0, "\"sport\" needs a port" },
	{ "sport =", 0, "\"sport\" needs a port" },
	{ "sport = )", 8, "needs a port" },
	{ "sport = :70000", 8, "\":70000\" is no port" },
	{ "sport = :", 8, "\":\" is no port" },
	{ "sport = :nosuch", 8, "is no port: use a number up to 65535" },
	{ "sport = :-1", 8, "is no port" },
	{ "sport 12x", 6, "is no port" },
	{ "sport 99999999999999999999999", 6, "is no port" },
	{ "sport 2-1", 6, "is an empty range" },
	{ "sport 1-70000", 6, "both ends are numbers up to 65535" },
	{ "sport 1-", 6, "both ends" },
	{ "sport 123456789-123456790", 6, "both ends are at most 65535" },
	{ "sport < 1-2", 8, "is more than one port" },
	{ "sport < *", 8, "is more than one port" },
	{ "sport 10.0.0.1", 6, "is an address: sport and dport take a port" },
	{ "sport [::1]", 6, "is an address" },
	{ "sport 10.0.0.1:80", 6, "is an address" },
	{ "dst", 0, "\"dst\" needs an address" },
	{ "dst 10.0.0", 4, "is part of an address" },
	{ "dst 10", 4, "is part of an address" },
	{ "dst 256.0.0.1", 4, "is no address" },
	{ "dst 1.2.3.4.5", 4, "is no address" },
	{ "dst 1..2/8", 4, "is no address" },
	{ "dst 0001.0.0.1", 4, "is no address" },
	{ "dst 10./8", 4, "is no address" },
	{ "dst 1000/8", 4, "is no address" },
	{ "dst example.org", 4, "names are not looked up" },
	{ "dst 10.0.0.0/33", 4, "has 0 to 32 bits" },
	{ "dst 10.0.0.0/", 4, "has 0 to 32 bits" },
	{ "dst 10.0.0.0/-1", 4, "has 0 to 32 bits" },
	{ "dst [::]/129", 4, "has 0 to 128 bits" },
	{ "dst [::1", 4, "is no address" },
	{ "dst []", 4, "has no address" },
	{ "dst [10.0.0.1]", 4, "is no address" },
	{ "dst inet:[::1]", 4, "is no address" },
	{ "dst inet6:10.0.0.1", 4, "is no address" },
	{ "dst inet:", 4, "has no address" },
	{ "dst \"\"", 4, "has no address" },
	{ "dst 10.0.0.1:", 4, "is no port" },
	{ "dst 10.0.0.1:99999", 4, "is no port" },
	{ "dst < 10.0.0.1", 4, "only ports and deadlines are less or greater" },
	{ "cgroup", 0, "\"cgroup\" needs a path" },
	{ "cgroup >= /a", 7, "only ports and deadlines" },
	{ "netns", 0, "\"netns\" needs a number or a name" },
	{ "netns a/b", 6, "is no network namespace" },
	{ "netns \"\"", 6, "is no network namespace" },
	{ "pid", 0, "\"pid\" needs a number" },
	{ "pid 0", 4, "is no process" },
	{ "pid -1", 4, "is no process" },
	{ "pid 2147483648", 4, "is no process" },
	{ "pid x", 4, "is no process" },
	{ "timer", 0, "\"timer\" needs a name" },
	{ "timer foo", 6, "is no timer: use one of none syn retrans" },
	{ "deadline", 8, "needs a comparison" },
	{ "deadline 30s", 9, "needs a comparison" },
	{ "deadline <", 0, "needs a comparison and a time" },
	{ "deadline < 30", 11, "is no time span" },
	{ "deadline < never", 11, "goes with = or != only" },
	{ "and stalled", 0, "a condition is missing" },
	{ "stalled and", 11, "a condition is missing" },
	{ "stalled or", 10, "a condition is missing" },
	{ "stalled or or stalled", 11, "a condition is missing" },
	{ "not", 3, "a condition is missing" },
	{ "not \"", 4, "a quote without its end" },
	{ "()", 1, "a condition is missing" },
	{ "( stalled", 0, "a parenthesis is not closed" },
	{ "stalled ( sport 1", 8, "a parenthesis is not closed" },
	{ "stalled )", 8, "a parenthesis was not opened" },
	{ "( \"", 2, "a quote without its end" },
	{ "stalled = 1", 8, "a condition is missing" },
	{ "stalled and \"", 12, "a quote without its end" },
	{ "stalled or \"", 11, "a quote without its end" },
	{ "sport = \"", 8, "a quote without its end" },
	{ "state \"", 6, "a quote without its end" },
};

/* Three lines: message, expression, caret. */
static void check_message(const char *expression, const char *err, const char *says, size_t caret)
{
	const char *second = strchr(err, '\n'), *third = second ? strchr(second + 1, '\n') : NULL;
	const char *under = third ? strchr(third, '^') : NULL;

	if (!strstr(err, says))
		fail_msg("%s: says\n%s\nnot: %s", expression, err, says);
	if (!under || strchr(third + 1, '\n'))
		fail_msg("%s: no three lines:\n%s", expression, err);
	assert_int_equal(under - (third + 1), caret + 2);
	assert_int_equal(strspn(third + 1, " "), caret + 2);
	assert_int_equal(under[1], '\0');
}

static void test_refused(void **state)
{
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct filter *filter = (struct filter *)&filter;
		char *words[] = { (char *)refused[i].expression };
		char err[ERR_SIZE] = "";

		if (filter_parse(1, words, &filter, err, sizeof(err)) != -EINVAL)
			fail_msg("accepted: %s", refused[i].expression);
		assert_ptr_equal(filter, &filter);
		check_message(refused[i].expression, err, refused[i].says, refused[i].caret);
		assert_non_null(strstr(err, refused[i].expression));
	}
	(void)state;
}

static int parse_repeated(const char *before, const char *piece, size_t count, const char *after,
			  char *err)
{
	size_t size = strlen(before) + strlen(piece) * count + strlen(after) + 1;
	char *text = malloc(size), *words[] = { text };
	struct filter *filter;
	int ret;

	assert_non_null(text);
	strcpy(text, before);
	for (size_t i = 0, at = strlen(before); i < count; i++, at += strlen(piece))
		strcpy(text + at, piece);
	strcat(text, after);
	ret = filter_parse(1, words, &filter, err, ERR_SIZE);
	if (!ret) {
		filter_match(filter, &conns[E]);
		filter_free(filter);
	}
	free(text);
	return ret;
}

static void test_bounds(void **state)
{
	char closed[128] = "stalled", err[ERR_SIZE];

	for (int i = 0; i < 64; i++)
		strcat(closed, ")");
	assert_int_equal(parse_repeated("", "(", 64, "stalled", err), -EINVAL);
	assert_non_null(strstr(err, "not closed"));
	assert_int_equal(parse_repeated("", "(", 64, closed, err), 0);
	assert_int_equal(parse_repeated("", "(", 65, "stalled", err), -EINVAL);
	assert_non_null(strstr(err, "nested too deeply"));
	assert_int_equal(parse_repeated("", "not ", 1000, "stalled", err), 0);
	assert_int_equal(parse_repeated("", "stalled ", 1024, "", err), 0);
	assert_int_equal(parse_repeated("", "stalled ", 1025, "", err), -EINVAL);
	assert_non_null(strstr(err, "at most 1024 words"));
	assert_int_equal(parse_repeated("", "(", 100000, "", err), -EINVAL);
	assert_string_equal(err, "the filter is too long: at most 64 KiB");
	assert_int_equal(parse_repeated("cgroup /", "a", 4000, "", err), 0);
	assert_int_equal(parse_repeated("cgroup /", "a", 4096, "", err), -EINVAL);
	assert_non_null(strstr(err, "is too long"));
	assert_int_equal(parse_repeated("cgroup /", "*a", 511, "", err), 0);
	assert_int_equal(parse_repeated("cgroup /", "*a", 511, "a", err), 0);
	assert_int_equal(parse_repeated("cgroup /", "*a", 512, "", err), -EINVAL);
	assert_non_null(strstr(err, "is too long a pattern"));
	assert_int_equal(parse_repeated("pid ", "1", 300, "", err), -EINVAL);
	assert_non_null(strstr(err, "is too long"));
	assert_int_equal(parse_repeated("dst ", "1", 255, "", err), -EINVAL);
	assert_non_null(strstr(err, "is no address"));
	(void)state;
}

/* Nothing hostile in an expression reaches the terminal, and a long one is cut around the place. */
static void test_hostile_messages(void **state)
{
	static const struct {
		const char *expression, *shows;
	} rows[] = {
		{ "fr\033[31mob", "fr\\x1b[31mob" },
		{ "fr\xff\xc0\xafob", "fr\\xff\\xc0\\xafob" },
		{ "fr\xe2\x80\xaeob", "fr\\xe2\\x80\\xaeob" },
		{ "netns \"a/\nb\"", "a/\\x0ab" },
	};
	char err[ERR_SIZE], exact[64]; /* shorter than any message */

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *words[] = { (char *)rows[i].expression };
		struct filter *filter;

		assert_int_equal(filter_parse(1, words, &filter, err, sizeof(err)), -EINVAL);
		assert_non_null(strstr(err, rows[i].shows));
		for (const char *c = err; *c; c++)
			assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	}
	/* 300 wide characters, then the fault: cut on both sides, and the caret stays right */
	assert_int_equal(parse_repeated("netns \"", "\xe4\xbd\xa0", 300,
					"\" frob stalled stalled "
					"stalled stalled stalled",
					err),
			 -EINVAL);
	check_message("wide", err, "\"frob\" is no condition", 49);
	assert_non_null(strstr(err, "\n  \xe2\x80\xa6\xe4\xbd\xa0"));
	assert_non_null(strstr(err, "\xe2\x80\xa6\n"));
	/* a heap of combining characters is cut, too, though it has no width */
	assert_int_equal(parse_repeated("x", "\xcc\x81", 20000, "", err), -EINVAL);
	assert_true(strlen(err) < 1500);
	/* a message is cut to its buffer at a whole character */
	for (size_t size = 0; size < sizeof(exact); size++) {
		char *words[] = { "\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0" };
		struct filter *filter;
		char *buf = malloc(size + 1);

		assert_non_null(buf);
		buf[size] = '#';
		assert_int_equal(filter_parse(1, words, &filter, buf, size), -EINVAL);
		assert_int_equal(buf[size], '#');
		if (size) {
			assert_true(strlen(buf) < size);
			assert_true(strlen(buf) + 3 >= size);
			assert_string_equal(buf, text_utf8(buf, exact, sizeof(exact)));
		}
		free(buf);
	}
	(void)state;
}

#define ALL ((1U << TCPTIMER_STATE_COUNT) - 1)
#define STATE_BIT(name) (1U << TCPTIMER_STATE_##name)
#define TBIT(name) (1U << TCPTIMER_TIMER_##name)

static const struct {
	const char *expression;
	struct filter_hints hints;
} hints[] = {
	{ "", { .states = ALL } },
	{ "stalled", { .states = ALL, .stalled = true } },
	{ "not stalled", { .states = ALL } },
	{ "not not stalled", { .states = ALL, .stalled = true } },
	{ "stalled or sport 1", { .states = ALL } },
	{ "stalled or stalled", { .states = ALL, .stalled = true } },
	{ "not (not stalled or sport 1)", { .states = ALL, .stalled = true } },
	{ "not (not stalled and not stalled)", { .states = ALL, .stalled = true } },
	{ "not (not stalled and sport 1)", { .states = ALL } },
	{ "state established", { .states = STATE_BIT(ESTABLISHED) } },
	{ "not state established", { .states = ALL & ~STATE_BIT(ESTABLISHED) } },
	{ "state established sport 1", { .states = STATE_BIT(ESTABLISHED), .exact = true } },
	{ "state established or sport 1", { .states = ALL } },
	{ "state established or state listen and stalled",
	  { .states = STATE_BIT(ESTABLISHED) | STATE_BIT(LISTEN) } },
	{ "not ( state established or state listen )",
	  { .states = ALL & ~STATE_BIT(ESTABLISHED) & ~STATE_BIT(LISTEN) } },
	{ "not ( state established and state listen )", { .states = ALL } },
	{ "state syn-recv", { .states = STATE_BIT(SYN_RECV) | STATE_BIT(NEW_SYN_RECV) } },
	{ "timer delack", { .states = ALL, .timers = TBIT(DELACK) } },
	{ "timer delack or not timer timewait",
	  { .states = ALL, .timers = TBIT(DELACK) | TBIT(TIMEWAIT) } },
	{ "timer none", { .states = ALL } },
	{ "pid 1 or sport 1", { .states = ALL, .needs_pid = true, .exact = true } },
	{ "cgroup /a", { .states = ALL, .needs_cgroup = true, .exact = true } },
	{ "cgroup /**", { .states = ALL, .needs_cgroup = true } },
	{ "cgroup /a/*", { .states = ALL, .needs_cgroup = true, .exact = true } },
	{ "dst 10.0.0.0/8", { .states = ALL, .exact = true } },
	{ "dst 0.0.0.0/0", { .states = ALL } },
	{ "src ::/0", { .states = ALL } },
	{ "dst *:443", { .states = ALL, .exact = true } },
	{ "dport 6379-6390", { .states = ALL, .exact = true } },
	{ "dport > 1024", { .states = ALL } },
	{ "dport != 443", { .states = ALL } },
	{ "not dport != 443", { .states = ALL, .exact = true } },
	{ "not dst 10.0.0.1", { .states = ALL } },
	{ "dport 1 or stalled", { .states = ALL } },
	{ "not (not dport 1 and not sport 1)", { .states = ALL, .exact = true } },
	{ "netns a stalled",
	  { .states = ALL, .stalled = true, .needs_netns_name = true, .exact = true } },
	{ "not netns a", { .states = ALL, .needs_netns_name = true } },
	{ "stalled deadline < 1s", { .states = ALL, .stalled = true, .needs_deadline = true } },
};

static void check_hints(const char *expression, const struct filter_hints *got,
			const struct filter_hints *want)
{
	if (got->states != want->states || got->stalled != want->stalled ||
	    got->exact != want->exact || got->timers != want->timers ||
	    got->needs_pid != want->needs_pid || got->needs_cgroup != want->needs_cgroup ||
	    got->needs_netns_name != want->needs_netns_name ||
	    got->needs_deadline != want->needs_deadline)
		fail_msg(
			"%s: states %x stalled %d exact %d timers %x pid %d cgroup %d netns %d deadline %d",
			expression, got->states, got->stalled, got->exact, got->timers,
			got->needs_pid, got->needs_cgroup, got->needs_netns_name,
			got->needs_deadline);
}

static void test_hints(void **state)
{
	struct filter_hints got;

	for (size_t i = 0; i < COUNT(hints); i++) {
		struct filter *filter = must_parse(hints[i].expression);

		filter_hints(filter, &got);
		check_hints(hints[i].expression, &got, &hints[i].hints);
		filter_free(filter);
	}
	filter_hints(NULL, &got);
	check_hints("no filter", &got, &hints[0].hints);
	(void)state;
}

/* What the kernel side is told to skip must never be what the filter would have let through. */
static void test_hints_are_safe(void **state)
{
	for (size_t i = 0; i < COUNT(matches); i++) {
		struct filter *filter = must_parse(matches[i].expression);
		struct filter_hints got;

		filter_hints(filter, &got);
		for (int c = 0; c < CONNS; c++) {
			if (!filter_match(filter, &conns[c]))
				continue;
			assert_true(got.states & 1U << snaps[c].state);
			assert_true(!got.stalled || tcptimer_stall_timer(&snaps[c]));
		}
		filter_free(filter);
	}
	(void)state;
}

static const struct {
	const char *pattern, *path;
	bool match;
} globs[] = {
	{ "/a", "/a", true },
	{ "/a", "/a/b", false },
	{ "/a", "/ab", false },
	{ "/a/*", "/a/b", true },
	{ "/a/*", "/a/", true },
	{ "/a/*", "/a", false },
	{ "/a/*", "/a/b/c", false },
	{ "/a*", "/abc", true },
	{ "/a*", "/a/b", false },
	{ "/*/c", "/b/c", true },
	{ "/*/c", "/b/b/c", false },
	{ "/a/*.scope", "/a/docker-1.scope", true },
	{ "/a/*.scope", "/a/docker-1.scopes", false },
	{ "/a/*-*.scope", "/a/b-c-d.scope", true },
	{ "/a/**", "/a", true },
	{ "/a/**", "/a/b", true },
	{ "/a/**", "/a/b/c", true },
	{ "/a/**", "/ab", false },
	{ "/a/**", "/", false },
	{ "/**", "/", true },
	{ "/**", "/a/b", true },
	{ "**", "/a/b", true },
	{ "**", "", true },
	{ "/**/x", "/x", true },
	{ "/**/x", "/a/b/x", true },
	{ "/**/x", "/a/bx", false },
	{ "/**/x", "/a/x/b", false },
	{ "/**/x/**", "/a/x/b", true },
	{ "/**/x/**", "/a/x", true },
	{ "/**/x/**", "/a/y/b", false },
	{ "/a/**/b/**/c", "/a/b/c", true },
	{ "/a/**/b/**/c", "/a/1/2/b/3/c", true },
	{ "/a/**/b/**/c", "/a/b", false },
	{ "/a**b", "/a/x/b", true },
	{ "/a**b", "/ab", true },
	{ "/a**b", "/a/x/c", false },
	{ "/a/b**", "/a/bc/d", true },
	{ "/a/***", "/a/b/c", true },
	{ "/a?[b]", "/axb", false },
	{ "/a?[b]*", "/a?[b]c", true },
	{ "/dev-\\x2d*", "/dev-\\x2d1", true },
	{ "/*", "", false },
	{ "", "", true },
};

static void test_glob(void **state)
{
	char pattern[1100] = "/", path[4097] = "/";

	for (size_t i = 0; i < COUNT(globs); i++)
		if (glob_match(globs[i].pattern, globs[i].path) != globs[i].match)
			fail_msg("%s on %s: not %d", globs[i].pattern, globs[i].path,
				 globs[i].match);
	/* What would take a backtracking matcher for ever. */
	for (int i = 0; i < 200; i++)
		strcat(pattern, "*a**b");
	memset(path + 1, 'a', 4095);
	assert_false(glob_match(pattern, path));
	memset(pattern, '*', sizeof(pattern) - 1);
	assert_false(glob_match(pattern, path)); /* too long a pattern */
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches), cmocka_unit_test(test_words),
		cmocka_unit_test(test_events),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),  cmocka_unit_test(test_hostile_messages),
		cmocka_unit_test(test_hints),   cmocka_unit_test(test_hints_are_safe),
		cmocka_unit_test(test_glob),
	};

	return cmocka_run_group_tests_name("filter", tests, setup, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a live socket is, in words, above its timeline.
 * Receives a conn with its names; hands lines on stdout.
 */
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/explain_text.h"
#include "text.h"
#include "timeline_text.h"

const char *explain_ends(const struct tcptimer_snapshot *s, char *buf, size_t size)
{
	char local[64], remote[64];

	snprintf(buf, size, "%s -> %s",
		 text_addr_port(s->family, s->local_addr, s->local_port, local, sizeof(local)),
		 text_addr_port(s->family, s->remote_addr, s->remote_port, remote, sizeof(remote)));
	return buf;
}

static const char *process_text(const struct conn *conn, char *buf, size_t size)
{
	char comm[80];

	if (!conn->pid)
		return conn->snap->flags & TCPTIMER_F_DEAD ? "none: closed by its application" :
							     "-";
	text_escape(conn->comm, comm, sizeof(comm));
	if (conn->owners > 1)
		snprintf(buf, size, "%s/%d and %u more", comm, conn->pid, conn->owners - 1);
	else
		snprintf(buf, size, "%s/%d", comm, conn->pid);
	return buf;
}

static void print_names(const struct conn *conn)
{
	char process[160], cgroup[1024], netns[256];
	const struct tcptimer_snapshot *s = conn->snap;

	printf("process   %s\n", process_text(conn, process, sizeof(process)));
	if (conn->cgroup)
		printf("cgroup    %s\n", text_escape(conn->cgroup, cgroup, sizeof(cgroup)));
	if (conn->netns_name)
		printf("netns     %u (%s)\n", s->netns,
		       text_escape(conn->netns_name, netns, sizeof(netns)));
	else
		printf("netns     %u\n", s->netns);
}

/* What the connection waits for, now. */
static void print_now(const struct conn *conn)
{
	const struct tcptimer_snapshot *s = conn->snap;
	struct armed_timer timers[ARMED_MAX];
	unsigned int count = conn_timers(s, conn->hz, timers), i;
	char span[24];

	printf("now       ");
	if (s->kind == TCPTIMER_SOCK_FULL && s->packets_out)
		printf("%u segment%s in flight, %u retransmission%s so far, ", s->packets_out,
		       s->packets_out == 1 ? "" : "s", s->retransmits,
		       s->retransmits == 1 ? "" : "s");
	else if (s->kind == TCPTIMER_SOCK_FULL && s->write_seq != s->snd_nxt)
		printf("data waits on a closed window, %u probe%s unanswered, ", s->probes_out,
		       s->probes_out == 1 ? "" : "s");
	else if (s->kind == TCPTIMER_SOCK_REQUEST)
		printf("%u SYN-ACK retransmission%s so far, ", s->num_timeout,
		       s->num_timeout == 1 ? "" : "s");
	else if (s->kind == TCPTIMER_SOCK_FULL)
		printf("nothing in flight, nothing to send, ");
	if (tcptimer_stall_timer(s))
		printf("stalled for %s, ",
		       text_span(conn_stall_ms(s, conn->hz), span, sizeof(span)));
	if (!count)
		printf("no timer is armed");
	for (i = 0; i < count; i++)
		printf("%s%s fires in %s", i ? ", " : "", tcptimer_timer_name(timers[i].timer),
		       text_span(timers[i].expires_ms, span, sizeof(span)));
	putchar('\n');
}

/* The sysctl that would end it if no option did. */
static const char *sysctl_text(const struct tcptimer_snapshot *s, char *buf, size_t size)
{
	if (s->state == TCPTIMER_STATE_SYN_SENT && s->sysctls.syn_linear_timeouts)
		snprintf(buf, size, "tcp_syn_retries %u and tcp_syn_linear_timeouts %u",
			 s->sysctls.syn_retries, s->sysctls.syn_linear_timeouts);
	else if (s->state == TCPTIMER_STATE_SYN_SENT)
		snprintf(buf, size, "tcp_syn_retries %u", s->sysctls.syn_retries);
	else if (s->flags & TCPTIMER_F_DEAD)
		snprintf(buf, size, "tcp_orphan_retries %u", s->sysctls.orphan_retries);
	else
		snprintf(buf, size, "tcp_retries2 %u", s->sysctls.retries2);
	return buf;
}

/* The socket's options that play a part; keepalive's three may be the sysctls', and it says so. */
static void print_options(const struct conn *conn)
{
	const struct tcptimer_snapshot *s = conn->snap;
	char idle[24], intvl[24], span[24], sysctl[80];
	unsigned int hz = conn->hz, said = 0;

	if (s->kind != TCPTIMER_SOCK_FULL)
		return;
	printf("set       ");
	if (s->user_timeout_ms)
		printf("%sTCP_USER_TIMEOUT %s", said++ ? ", " : "",
		       text_span(s->user_timeout_ms, span, sizeof(span)));
	if (s->flags & TCPTIMER_F_KEEPOPEN)
		printf("%sSO_KEEPALIVE %s/%s/%u%s", said++ ? ", " : "",
		       text_span((int64_t)s->keepalive_time_jiffies * 1000 / hz, idle,
				 sizeof(idle)),
		       text_span((int64_t)s->keepalive_intvl_jiffies * 1000 / hz, intvl,
				 sizeof(intvl)),
		       s->keepalive_probes, s->own_keepalive ? "" : " by the sysctls");
	if (s->syn_retries)
		printf("%sTCP_SYNCNT %u", said++ ? ", " : "", s->syn_retries);
	if (s->linger2_jiffies)
		printf("%sTCP_LINGER2 %s", said++ ? ", " : "",
		       s->linger2_jiffies < 0 ? "off" :
						text_span((int64_t)s->linger2_jiffies * 1000 / hz,
							  span, sizeof(span)));
	if (s->flags & TCPTIMER_F_THIN_LTO)
		printf("%sTCP_THIN_LINEAR_TIMEOUTS", said++ ? ", " : "");
	printf("%s%s\n", said ? "; " : "no option that limits it; ",
	       sysctl_text(s, sysctl, sizeof(sysctl)));
}

static void print_rto(const struct conn *conn)
{
	const struct tcptimer_snapshot *s = conn->snap;
	char rto[24], rtt[24];

	if (!s->rto_jiffies || s->kind == TCPTIMER_SOCK_TIMEWAIT)
		return;
	printf("rto       %s",
	       text_span((int64_t)s->rto_jiffies * 1000 / conn->hz, rto, sizeof(rto)));
	if (s->backoff)
		printf(", doubled %u times", s->backoff);
	if (s->srtt_us >= 8000)
		printf("; round trip %s", text_span(s->srtt_us / 8000, rtt, sizeof(rtt)));
	else if (s->srtt_us)
		printf("; round trip %uus", s->srtt_us / 8);
	putchar('\n');
}

void explain_print_socket(const struct conn *conn, const struct timeline_view *view)
{
	const struct tcptimer_snapshot *s = conn->snap;
	unsigned int peer = view->timeline.deadline.peer;
	char ends[144];

	printf("%s  %s  cookie %llu\n", explain_ends(s, ends, sizeof(ends)),
	       tcptimer_state_ss_name(s->state), (unsigned long long)s->cookie);
	print_names(conn);
	print_now(conn);
	print_rto(conn);
	print_options(conn);
	if (view->peer_chosen)
		printf("peer      taken to be %s: %s; --peer takes another\n",
		       tcptimer_peer_name(peer), timeline_peer_reason(s, peer));
	else
		printf("peer      %s, as given\n", tcptimer_peer_name(peer));
	putchar('\n');
}

void explain_print_matches(const struct conn *conns, size_t count)
{
	static const struct text_column columns[] = {
		{ "COOKIE", TEXT_RIGHT, 6 },
		{ "STATE", TEXT_LEFT, 10 },
		{ "LOCAL", TEXT_LEFT | TEXT_SHRINK, 12 },
		{ "REMOTE", TEXT_LEFT | TEXT_SHRINK, 12 },
		{ "NETNS", TEXT_RIGHT, 10 },
	};
	struct text_table *table = text_table_new(stdout, columns, 5, cli_width(), 1);
	char cookie[24], local[64], remote[64], netns[16];
	size_t i;

	for (i = 0; table && i < count; i++) {
		const struct tcptimer_snapshot *s = conns[i].snap;
		const char *cells[] = {
			cookie,
			tcptimer_state_ss_name(s->state),
			text_addr_port(s->family, s->local_addr, s->local_port, local,
				       sizeof(local)),
			text_addr_port(s->family, s->remote_addr, s->remote_port, remote,
				       sizeof(remote)),
			netns,
		};

		snprintf(cookie, sizeof(cookie), "%llu", (unsigned long long)s->cookie);
		snprintf(netns, sizeof(netns), "%u", s->netns);
		text_table_row(table, cells);
	}
	if (table)
		text_table_end(table);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rows of the settable keys, with the bounds of the kernel's own checks.
 * Receives nothing; hands rows and the words for their values. Pure.
 */
#include <stdio.h>
#include "policy/policy_settings.h"
#include "text.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

#define ROW(above, key_, option_, major, minor)                                                    \
	.key = key_, .name = above key_, .option = option_, .since = #major "." #minor,            \
	.since_major = major, .since_minor = minor
#define SPAN(step, low, high) .kind = POLICY_KIND_SPAN, .step_us = step, .min = low, .max = high
#define COUNT(low, high) .kind = POLICY_KIND_COUNT, .min = low, .max = high
#define BOOL() .kind = POLICY_KIND_BOOL, .min = 0, .max = 1

/*
 * Bounds: do_tcp_setsockopt() in net/ipv4/tcp.c, and bpf_sol_tcp_setsockopt() in net/core/filter.c for
 * rto_min and delack_max, which take TCP_TIMEOUT_MIN (2 jiffies) to HZ/5: 1001 us is two jiffies at
 * HZ 1000, the least that any kernel takes; the lint knows the kernel's HZ. A user_timeout of 0
 * would be none. max_retries has no option: 15 is tcp_retries2's default, which ends it otherwise.
 */
const struct policy_setting policy_settings[POLICY_SETTING_COUNT] = {
	[POLICY_USER_TIMEOUT] = { ROW("", "user_timeout", "TCP_USER_TIMEOUT", 5, 9),
				  SPAN(MS, MS, 0x7fffffff * MS), .word = "user_timeout",
				  .help = "how long data may stay unacknowledged, from its first retransmission or probe on" },
	[POLICY_MAX_RETRIES] = { ROW("", "max_retries", "TCP_USER_TIMEOUT", 5, 9), COUNT(1, 15),
				 .help = "retransmissions of the same data; the next that would be due ends the connection" },
	[POLICY_SYN_RETRIES] = { ROW("", "syn_retries", "TCP_SYNCNT", 5, 9), COUNT(1, 127),
				 .word = "syn_retries",
				 .help = "SYN retransmissions of a connect()" },
	[POLICY_SYN_RTO] = { ROW("", "syn_rto", "BPF_SOCK_OPS_TIMEOUT_INIT", 4, 13),
			     SPAN(MS, MS, 120 * SECOND), .word = "syn_rto",
			     .help = "time until the first SYN or SYN-ACK is sent again" },
	[POLICY_RTO_MIN] = { ROW("", "rto_min", "TCP_BPF_RTO_MIN", 5, 10), SPAN(1, 1001, 200 * MS),
			     .word = "rto_min", .help = "least retransmission timeout" },
	[POLICY_RTO_MAX] = { ROW("", "rto_max", "TCP_RTO_MAX_MS", 6, 15),
			     SPAN(MS, SECOND, 120 * SECOND), .word = "rto_max",
			     .help = "longest retransmission timeout" },
	[POLICY_DELACK_MAX] = { ROW("", "delack_max", "TCP_BPF_DELACK_MAX", 5, 10),
				SPAN(1, 1001, 200 * MS), .word = "delack_max",
				.help = "longest delay of an ACK" },
	[POLICY_THIN_LINEAR] = { ROW("", "thin_linear_timeouts", "TCP_THIN_LINEAR_TIMEOUTS", 6, 1),
				 BOOL(), .word = "thin_linear_timeouts",
				 .help = "streams with few segments in flight: six retransmissions without doubling" },
	[POLICY_KEEPALIVE_ENABLE] = { ROW("keepalive.", "enable", "SO_KEEPALIVE", 5, 9), BOOL(),
				      .word = "keepalive",
				      .help = "probe a peer that has been quiet" },
	[POLICY_KEEPALIVE_IDLE] = { ROW("keepalive.", "idle", "TCP_KEEPIDLE", 5, 9),
				    SPAN(SECOND, SECOND, 32767 * SECOND), .word = "keepidle",
				    .help = "quiet time before the first probe" },
	[POLICY_KEEPALIVE_INTERVAL] = { ROW("keepalive.", "interval", "TCP_KEEPINTVL", 5, 9),
					SPAN(SECOND, SECOND, 32767 * SECOND), .word = "keepintvl",
					.help = "time between probes" },
	[POLICY_KEEPALIVE_PROBES] = { ROW("keepalive.", "probes", "TCP_KEEPCNT", 5, 9),
				      COUNT(1, 127), .word = "keepcnt",
				      .help = "probes unanswered before the connection ends; ignored beside a user_timeout" },
};

static const char *span_text(int64_t us, char *buf, size_t size)
{
	if (us % MS)
		snprintf(buf, size, "%lldus", (long long)us);
	else if (us % SECOND || us >= 600 * SECOND)
		text_span(us / MS, buf, size);
	else
		snprintf(buf, size, "%llds", (long long)(us / SECOND));
	return buf;
}

const char *policy_value_text(const struct policy_setting *row, int64_t value, char *buf,
			      size_t size)
{
	switch (row->kind) {
	case POLICY_KIND_SPAN:
		return span_text(value, buf, size);
	case POLICY_KIND_BOOL:
		snprintf(buf, size, "%s", value ? "true" : "false");
		break;
	default:
		snprintf(buf, size, "%lld", (long long)value);
	}
	return buf;
}

const char *policy_setting_range(const struct policy_setting *row, char *buf, size_t size)
{
	char min[32], max[32];

	if (row->kind == POLICY_KIND_BOOL)
		snprintf(buf, size, "true, false");
	else
		snprintf(buf, size, "%s..%s", policy_value_text(row, row->min, min, sizeof(min)),
			 policy_value_text(row, row->max, max, sizeof(max)));
	return buf;
}

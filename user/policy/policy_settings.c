// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rows of the settable keys, with the bounds of the kernel's own checks.
 * Receives nothing; hands rows and the words for their values. Pure.
 */
#include <stdio.h>
#include "policy/policy_settings.h"
#include "text.h"

#define US_PER_MS INT64_C(1000)
#define US_PER_S (1000 * US_PER_MS)

#define POLICY_ROW(above, key_, option_, major, minor)                                             \
	.key = key_, .name = above key_, .option = option_, .since = #major "." #minor,            \
	.since_major = major, .since_minor = minor
#define POLICY_SPAN(step, low, high)                                                               \
	.kind = POLICY_KIND_SPAN, .step_us = step, .min = low, .max = high
#define POLICY_NUMBER(low, high) .kind = POLICY_KIND_COUNT, .min = low, .max = high
#define POLICY_BOOL() .kind = POLICY_KIND_BOOL, .min = 0, .max = 1

/*
 * Bounds: do_tcp_setsockopt() in net/ipv4/tcp.c, and bpf_sol_tcp_setsockopt() in net/core/filter.c for
 * rto_min and delack_max, which take TCP_TIMEOUT_MIN (2 jiffies) to HZ/5: 1001 us is two jiffies at
 * HZ 1000, the least that any kernel takes; the lint knows the kernel's HZ. A user_timeout of 0
 * would be none. max_retries has no option: 15 is tcp_retries2's default, which ends it otherwise.
 */
const struct policy_setting policy_settings[POLICY_SETTING_COUNT] = {
	[POLICY_USER_TIMEOUT] = { POLICY_ROW("", "user_timeout", "TCP_USER_TIMEOUT", 5, 9),
				  POLICY_SPAN(US_PER_MS, US_PER_MS, 0x7fffffff * US_PER_MS),
				  .word = "user_timeout",
				  .help = "how long data may stay unacknowledged, from its first retransmission or probe on" },
	[POLICY_MAX_RETRIES] = { POLICY_ROW("", "max_retries", "TCP_USER_TIMEOUT", 5, 9),
				 POLICY_NUMBER(1, 15),
				 .help = "retransmissions of the same data; the next that would be due ends the connection" },
	[POLICY_SYN_RETRIES] = { POLICY_ROW("", "syn_retries", "TCP_SYNCNT", 5, 9),
				 POLICY_NUMBER(1, 127), .word = "syn_retries",
				 .help = "SYN retransmissions of a connect()" },
	[POLICY_SYN_RTO] = { POLICY_ROW("", "syn_rto", "BPF_SOCK_OPS_TIMEOUT_INIT", 4, 13),
			     POLICY_SPAN(US_PER_MS, US_PER_MS, 120 * US_PER_S), .word = "syn_rto",
			     .help = "time until the first SYN or SYN-ACK is sent again" },
	[POLICY_RTO_MIN] = { POLICY_ROW("", "rto_min", "TCP_BPF_RTO_MIN", 5, 10),
			     POLICY_SPAN(1, 1001, 200 * US_PER_MS), .word = "rto_min",
			     .help = "least retransmission timeout" },
	[POLICY_RTO_MAX] = { POLICY_ROW("", "rto_max", "TCP_RTO_MAX_MS", 6, 15),
			     POLICY_SPAN(US_PER_MS, US_PER_S, 120 * US_PER_S), .word = "rto_max",
			     .help = "longest retransmission timeout" },
	[POLICY_DELACK_MAX] = { POLICY_ROW("", "delack_max", "TCP_BPF_DELACK_MAX", 5, 10),
				POLICY_SPAN(1, 1001, 200 * US_PER_MS), .word = "delack_max",
				.help = "longest delay of an ACK" },
	[POLICY_THIN_LINEAR] = { POLICY_ROW("", "thin_linear_timeouts", "TCP_THIN_LINEAR_TIMEOUTS",
					    6, 1),
				 POLICY_BOOL(), .word = "thin_linear_timeouts",
				 .help = "streams with few segments in flight: six retransmissions without doubling" },
	[POLICY_KEEPALIVE_ENABLE] = { POLICY_ROW("keepalive.", "enable", "SO_KEEPALIVE", 5, 9),
				      POLICY_BOOL(), .word = "keepalive",
				      .help = "probe a peer that has been quiet" },
	[POLICY_KEEPALIVE_IDLE] = { POLICY_ROW("keepalive.", "idle", "TCP_KEEPIDLE", 5, 9),
				    POLICY_SPAN(US_PER_S, US_PER_S, 32767 * US_PER_S),
				    .word = "keepidle",
				    .help = "quiet time before the first probe" },
	[POLICY_KEEPALIVE_INTERVAL] = { POLICY_ROW("keepalive.", "interval", "TCP_KEEPINTVL", 5, 9),
					POLICY_SPAN(US_PER_S, US_PER_S, 32767 * US_PER_S),
					.word = "keepintvl", .help = "time between probes" },
	[POLICY_KEEPALIVE_PROBES] = { POLICY_ROW("keepalive.", "probes", "TCP_KEEPCNT", 5, 9),
				      POLICY_NUMBER(1, 127), .word = "keepcnt",
				      .help = "probes unanswered before the connection ends; ignored beside a user_timeout" },
};

static const char *span_text(int64_t us, char *buf, size_t size)
{
	if (us % US_PER_MS)
		snprintf(buf, size, "%lldus", (long long)us);
	else if (us % US_PER_S || us >= 600 * US_PER_S)
		text_span(us / US_PER_MS, buf, size);
	else
		snprintf(buf, size, "%llds", (long long)(us / US_PER_S));
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

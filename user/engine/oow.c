// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a socket and why a segment for it is out of window.
 * Hands back whether tcp_invalid_ratelimit lets an ACK answer it, and the counter when not.
 */
#include "core.h"

static const char *const oow_counters[TCPTIMER_OOW_COUNT] = {
	[TCPTIMER_OOW_SYN_RECV] = "TCPACKSkippedSynRecv",
	[TCPTIMER_OOW_PAWS] = "TCPACKSkippedPAWS",
	[TCPTIMER_OOW_SEQ] = "TCPACKSkippedSeq",
	[TCPTIMER_OOW_FIN_WAIT2] = "TCPACKSkippedFinWait2",
	[TCPTIMER_OOW_TIME_WAIT] = "TCPACKSkippedTimeWait",
	[TCPTIMER_OOW_CHALLENGE] = "TCPACKSkippedChallenge",
};

const char *tcptimer_oow_counter(enum tcptimer_oow_reason reason)
{
	return (unsigned int)reason < TCPTIMER_OOW_COUNT ? oow_counters[reason] : "unknown";
}

/*
 * tcp_oow_rate_limited() and __tcp_oow_rate_limited(), net/ipv4/tcp_input.c (4.0): one answer in
 * tcp_invalid_ratelimit (500 ms), so that two hosts do not answer each other for ever. A stamp of 0
 * is "never", and so is one of the future. Challenge ACKs ask the second function alone.
 */
void tcptimer_oow_check(const struct tcptimer_profile *profile, const struct tcptimer_snapshot *s,
			enum tcptimer_oow_reason reason, bool has_data, bool syn,
			struct tcptimer_oow_result *ret_result)
{
	__u32 now = (__u32)s->now_jiffies;
	__s32 elapsed = (__s32)(now - s->last_oow_ack_time);
	__s32 limit = (__s32)s->sysctls.invalid_ratelimit_jiffies;

	*ret_result = (struct tcptimer_oow_result){
		.counter = tcptimer_oow_counter(reason),
		.stamp = s->last_oow_ack_time,
	};
	if (!profile->oow_limit)
		return;
	if (reason != TCPTIMER_OOW_CHALLENGE && has_data && !syn)
		return;
	if (s->last_oow_ack_time && elapsed >= 0 && elapsed < limit) {
		ret_result->limited = true;
		ret_result->wait_jiffies = (__u32)(limit - elapsed);
		return;
	}
	ret_result->stamp = now;
}

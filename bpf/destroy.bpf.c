// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ending connections that a person chose: each socket whose cookie is in a map is destroyed.
 * Receives the sockets of the reader's namespace from iter/tcp; hands a record for each one tried.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include "destroy.h"
#include "tcptimer/words.h"

/* 6.5 (4ddbcb886268): tcp_abort() with ECONNABORTED. Weak, so that the object loads without it. */
extern int bpf_sock_destroy(struct sock_common *sock) __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DESTROY_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* cookie */
	__type(value, __u8);
} destroy_cookies SEC(".maps");

SEC("iter/tcp")
int destroy_chosen(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct destroy_result result = {};

	if (!skc)
		return 0;
	/* The call reads fields that a mini-socket and a request do not have. */
	if (skc->skc_state == TCPTIMER_STATE_TIME_WAIT ||
	    skc->skc_state == TCPTIMER_STATE_NEW_SYN_RECV ||
	    skc->skc_state == TCPTIMER_STATE_LISTEN)
		return 0;
	result.cookie = skc->skc_cookie.counter;
	if (!result.cookie || !bpf_map_lookup_elem(&destroy_cookies, &result.cookie))
		return 0;
	result.err = bpf_sock_destroy(skc);
	bpf_seq_write(ctx->meta->seq, &result, sizeof(result));
	return 0;
}

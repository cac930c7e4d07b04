// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives a profile, HZ and a TCP state from `simulate` and the tests.
 * Hands on a snapshot as that kernel would hold it, with its first timer armed just now.
 */
#include "core.h"

#define DEFAULT_JIFFIES (1ull << 32)

static __u64 defaults_now_ns(__u32 hz)
{
	return (__u64)((1000000000u + hz / 2) / hz) * 1000 * hz;
}

/* tcp_sk_init(), net/ipv4/tcp_ipv4.c, and the globals before it */
void tcptimer_sysctls_init_defaults(const struct tcptimer_profile *profile, __u32 hz,
				    struct tcptimer_sysctls *ret_sysctls)
{
	*ret_sysctls = (struct tcptimer_sysctls){
		.fin_timeout_jiffies = 60 * hz,
		.keepalive_time_jiffies = 7200 * hz,
		.keepalive_intvl_jiffies = 75 * hz,
		.keepalive_probes = 9,
		.rto_min_us = profile->rto_min_sysctl ? 200000 : 0,
		.rto_max_ms = profile->rto_max_socket ? 120000 : 0,
		.invalid_ratelimit_jiffies = profile->oow_limit ? hz / 2 : 0,
		.syn_retries = 6,
		.synack_retries = 5,
		.syn_linear_timeouts = profile->syn_linear ? 4 : 0,
		.retries1 = 3,
		.retries2 = 15,
		.early_retrans = 3,
		.recovery = 1,
		.frto = 2,
		.tw_reuse = profile->tw_recycle ? 0 : 2,
		.sack = 1,
		.timestamps = 1,
		.pingpong_thresh = 1,
	};
}

/* tcp_init_sock(): what a socket copies from its namespace. */
void tcptimer_snapshot_apply_sysctls(const struct tcptimer_profile *profile, __u32 hz,
				     struct tcptimer_snapshot *s)
{
	s->rto_min_jiffies = TCPTIMER_RTO_MIN_JIFFIES(hz);
	s->rto_max_jiffies = TCPTIMER_RTO_MAX_JIFFIES(hz);
	if (profile->rto_min_sysctl && s->sysctls.rto_min_us)
		s->rto_min_jiffies = (__u32)tcptimer_usecs_to_jiffies(s->sysctls.rto_min_us, hz);
	if (profile->rto_max_socket && s->sysctls.rto_max_ms)
		s->rto_max_jiffies = (__u32)tcptimer_msecs_to_jiffies(s->sysctls.rto_max_ms, hz);
	if (!(s->own_keepalive & 1))
		s->keepalive_time_jiffies = s->sysctls.keepalive_time_jiffies;
	if (!(s->own_keepalive & 2))
		s->keepalive_intvl_jiffies = s->sysctls.keepalive_intvl_jiffies;
	if (!(s->own_keepalive & 4))
		s->keepalive_probes = s->sysctls.keepalive_probes;
}

static __u32 defaults_timer_flags(const struct tcptimer_profile *profile, __u32 hz, __u64 now,
				  __u64 expires)
{
	unsigned int level = wheel_level(hz, expires - now);

	if (profile->wheel == TCPTIMER_WHEEL_CASCADING)
		return 0;
	return (level * 64 + (__u32)(wheel_bucket(expires, level) >> (3 * level) & 63)) << 22;
}

static void defaults_arm_write(struct tcptimer_snapshot *s, __u8 pending, __u64 delay)
{
	s->pending = pending;
	s->write_expires = s->now_jiffies + delay;
	s->write_timeout = s->write_expires;
	s->flags &= ~(TCPTIMER_F_WRITE_PENDING | TCPTIMER_F_WRITE_DEFERRED);
}

static void defaults_arm_keep(const struct tcptimer_profile *profile, __u32 hz,
			      struct tcptimer_snapshot *s, __u64 expires)
{
	if (profile->wheel == TCPTIMER_WHEEL_CASCADING)
		expires = wheel_apply_slack(s->now_jiffies, expires);
	s->keep_expires = expires;
	s->keep_flags = defaults_timer_flags(profile, hz, s->now_jiffies, expires);
	s->flags |= TCPTIMER_F_KEEP_PENDING;
}

void tcptimer_snapshot_set_rto(const struct tcptimer_profile *profile, __u32 hz,
			       struct tcptimer_snapshot *s, __u32 rto_ms)
{
	__u32 floor_us = tcptimer_jiffies_to_usecs(s->rto_min_jiffies, hz);
	__u64 rto_us = (__u64)rto_ms * 1000;
	__u64 rtt_us = rto_us > floor_us ? rto_us - floor_us : 1;

	(void)profile;
	if (rto_us && rto_us <= floor_us)
		floor_us = (__u32)rto_us - 1;
	s->rto_jiffies = (__u32)tcptimer_msecs_to_jiffies(engine_min_u32(rto_ms, 0x1fffffff), hz);
	s->srtt_us = rtt_us > 0x1fffffff ? 0xfffffff8 : (__u32)rtt_us << 3;
	s->mdev_us = s->rttvar_us = floor_us;
}

void tcptimer_snapshot_arm_data(const struct tcptimer_profile *profile, __u32 hz,
				struct tcptimer_snapshot *s)
{
	__u32 probe;

	if (!s->packets_out)
		s->packets_out = 1;
	s->snd_nxt = s->snd_una + s->packets_out * 1000;
	s->write_seq = s->snd_nxt;
	s->retransmits = 0;
	s->backoff = 0;
	s->retrans_stamp = 0;
	s->head_stamp_ms = (__u32)(s->now_ns / 1000000);
	s->lsndtime = (__u32)s->now_jiffies;
	probe = tcptimer_loss_probe_delay(profile, hz, s, s->rto_jiffies);
	if (probe)
		defaults_arm_write(s, TCPTIMER_PENDING_LOSS_PROBE, probe);
	else
		defaults_arm_write(s, TCPTIMER_PENDING_RETRANS, s->rto_jiffies);
}

/* tcp_check_probe_timer(): the first probe after tcp_probe0_base(). */
void tcptimer_snapshot_arm_probe0(const struct tcptimer_profile *profile, __u32 hz,
				  struct tcptimer_snapshot *s)
{
	__u32 base = s->rto_jiffies;

	if (profile->probe0_base_min)
		base = engine_max_u32(base, TCPTIMER_RTO_MIN_JIFFIES(hz));
	s->packets_out = 0;
	s->snd_wnd = 0;
	s->snd_nxt = s->snd_una;
	s->write_seq = s->snd_nxt + 1000;
	s->probes_out = 0;
	s->probes_tstamp = 0;
	s->backoff = 0;
	s->head_stamp_ms = 0;
	defaults_arm_write(s, TCPTIMER_PENDING_PROBE0, base);
}

void tcptimer_snapshot_arm_idle(const struct tcptimer_profile *profile, __u32 hz,
				struct tcptimer_snapshot *s)
{
	(void)profile;
	(void)hz;
	s->packets_out = 0;
	s->snd_nxt = s->snd_una;
	s->write_seq = s->snd_nxt;
	defaults_arm_write(s, TCPTIMER_PENDING_NONE, 0);
}

void tcptimer_snapshot_arm_keepalive(const struct tcptimer_profile *profile, __u32 hz,
				     struct tcptimer_snapshot *s)
{
	s->flags |= TCPTIMER_F_KEEPOPEN;
	defaults_arm_keep(profile, hz, s, s->now_jiffies + s->keepalive_time_jiffies);
}

/* __tcp_close(), and tcp_rcv_state_process() as the FIN of an orphan is acknowledged. */
void tcptimer_snapshot_arm_fin_wait2(const struct tcptimer_profile *profile, __u32 hz,
				     struct tcptimer_snapshot *s)
{
	__u32 length = TCPTIMER_TIMEWAIT_LEN_JIFFIES(hz);
	enum tcptimer_limit limit;
	__u32 time = tcptimer_fin_time(s, &limit);

	tcptimer_snapshot_arm_idle(profile, hz, s);
	s->flags |= TCPTIMER_F_DEAD;
	s->flags &= ~TCPTIMER_F_KEEP_PENDING;
	s->kind = TCPTIMER_SOCK_FULL;
	s->state = TCPTIMER_STATE_FIN_WAIT2;
	if (s->linger2_jiffies < 0) { /* an RST at once */
		s->state = TCPTIMER_STATE_CLOSE;
	} else if (time > length) {
		defaults_arm_keep(profile, hz, s, s->now_jiffies + time - length);
	} else {
		s->kind = TCPTIMER_SOCK_TIMEWAIT;
		s->mini_expires = s->now_jiffies + time;
	}
}

void tcptimer_snapshot_arm_delack(const struct tcptimer_profile *profile, __u32 hz,
				  struct tcptimer_snapshot *s)
{
	struct tcptimer_delack delack;

	tcptimer_delack_schedule(profile, hz, s, &delack);
	s->delack_expires = delack.expires;
	if (profile->wheel == TCPTIMER_WHEEL_CASCADING)
		s->delack_expires = wheel_apply_slack(s->now_jiffies, delack.expires);
	s->dack_timeout = (__u32)s->delack_expires;
	s->delack_flags = defaults_timer_flags(profile, hz, s->now_jiffies, s->delack_expires);
	s->delack_pending |= TCPTIMER_ACK_SCHED | TCPTIMER_ACK_TIMER;
	s->flags |= TCPTIMER_F_DELACK_PENDING;
}

static __u32 defaults_shift(__u32 stamp, __u64 delta)
{
	return stamp ? stamp + (__u32)delta : 0;
}

void tcptimer_snapshot_set_jiffies(const struct tcptimer_profile *profile, __u32 hz,
				   struct tcptimer_snapshot *s, __u64 jiffies)
{
	__u64 delta = jiffies - s->now_jiffies;

	s->now_jiffies = jiffies;
	s->write_expires += delta;
	s->write_timeout += delta;
	s->keep_expires += delta;
	s->delack_expires += delta;
	s->mini_expires += delta;
	s->dack_timeout += (__u32)delta;
	s->rcv_tstamp += (__u32)delta;
	s->lrcvtime += (__u32)delta;
	s->lsndtime += (__u32)delta;
	s->probes_tstamp = defaults_shift(s->probes_tstamp, delta);
	s->last_oow_ack_time = defaults_shift(s->last_oow_ack_time, delta);
	/* The buckets are those of timers armed at the new jiffy. */
	s->flags &= ~(TCPTIMER_F_WRITE_PENDING | TCPTIMER_F_TIMER_HW);
	s->keep_flags = defaults_timer_flags(profile, hz, jiffies, s->keep_expires);
	s->delack_flags = defaults_timer_flags(profile, hz, jiffies, s->delack_expires);
}

static void defaults_syn_sent(__u32 hz, struct tcptimer_snapshot *s)
{
	s->snd_wnd = 0;
	s->srtt_us = 0;
	s->rttvar_us = 0;
	s->packets_out = 1;
	s->snd_nxt = s->snd_una + 1;
	s->write_seq = s->snd_nxt;
	s->rto_jiffies = TCPTIMER_TIMEOUT_INIT_JIFFIES(hz);
	/* tcp_connect() stamps the first SYN */
	s->retrans_stamp = (__u32)(s->now_ns / 1000000);
	s->head_stamp_ms = s->retrans_stamp;
	defaults_arm_write(s, TCPTIMER_PENDING_RETRANS, s->rto_jiffies);
}

int tcptimer_snapshot_init_defaults(const struct tcptimer_profile *profile, __u32 hz,
				    unsigned int state, struct tcptimer_snapshot *ret_snapshot)
{
	struct tcptimer_snapshot *s = ret_snapshot;

	if (!profile || !s)
		return TCPTIMER_ENGINE_EARG;
	if (hz < TCPTIMER_HZ_MIN || hz > TCPTIMER_HZ_MAX)
		return TCPTIMER_ENGINE_EHZ;
	*s = (struct tcptimer_snapshot){
		.now_jiffies = DEFAULT_JIFFIES,
		.now_ns = defaults_now_ns(hz),
		.family = 2, /* AF_INET */
		.state = (__u8)state,
		.flags = TCPTIMER_F_SACK,
		.delack_max_jiffies = hz / 5,
		.delack_ato_jiffies = hz >= 100 ? hz / 25 : 4,
		.min_rtt_us = 1000,
		.snd_una = 1,
		.snd_wnd = 65535,
		.snd_cwnd = 10,
		.snd_ssthresh = ENGINE_INFINITE_SSTHRESH,
		.mss_cache = 1460,
		.rcv_tstamp = (__u32)DEFAULT_JIFFIES,
		.lrcvtime = (__u32)DEFAULT_JIFFIES,
		.lsndtime = (__u32)DEFAULT_JIFFIES,
		.reordering_steps = 1,
		.max_ack_backlog = 4096,
	};
	tcptimer_sysctls_init_defaults(profile, hz, &s->sysctls);
	tcptimer_snapshot_apply_sysctls(profile, hz, s);
	tcptimer_rto_first_sample(hz, s, 1000);
	s->rto_jiffies = tcptimer_rto_from_rtt(hz, s->srtt_us, s->rttvar_us, s->rto_max_jiffies);
	switch (state) {
	case TCPTIMER_STATE_SYN_SENT:
		defaults_syn_sent(hz, s);
		return 0;
	case TCPTIMER_STATE_FIN_WAIT1:
	case TCPTIMER_STATE_LAST_ACK:
	case TCPTIMER_STATE_CLOSING:
		s->flags |= TCPTIMER_F_DEAD;
		/* fall through */
	case TCPTIMER_STATE_ESTABLISHED:
	case TCPTIMER_STATE_CLOSE_WAIT:
		tcptimer_snapshot_arm_data(profile, hz, s);
		return 0;
	case TCPTIMER_STATE_FIN_WAIT2:
		tcptimer_snapshot_arm_fin_wait2(profile, hz, s);
		return 0;
	case TCPTIMER_STATE_TIME_WAIT:
		s->kind = TCPTIMER_SOCK_TIMEWAIT;
		s->mini_expires = s->now_jiffies + TCPTIMER_TIMEWAIT_LEN_JIFFIES(hz);
		return 0;
	case TCPTIMER_STATE_NEW_SYN_RECV:
	case TCPTIMER_STATE_SYN_RECV:
		s->state = TCPTIMER_STATE_NEW_SYN_RECV;
		s->kind = TCPTIMER_SOCK_REQUEST;
		s->rto_jiffies = TCPTIMER_TIMEOUT_INIT_JIFFIES(hz);
		s->mini_expires = s->now_jiffies + s->rto_jiffies;
		return 0;
	default:
		return TCPTIMER_ENGINE_ESTATE;
	}
}

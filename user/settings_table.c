// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rows of the KEY=VALUE settings, and how each changes a snapshot.
 * Receives parsed changes from settings.c; hands snapshot fields in the kernel's units. Pure.
 */
#include <string.h>
#include "engine/wheel.h"
#include "settings_impl.h"

#define USEC 1
#define MSEC (1000 * USEC)
#define SEC_US (1000 * MSEC)
#define INT_MAX_S ((int64_t)0x7fffffff * SEC_US)
#define INT_MAX_MS ((int64_t)0x7fffffff * MSEC)
#define JIFFIES_MAX 0x7fffffff

/* Rounds up, as usecs_to_jiffies(), in 64 bits; no longer than a kernel's int of jiffies. */
static uint32_t us_to_jiffies(int64_t us, uint32_t hz)
{
	uint64_t jiffies =
		((uint64_t)us / SEC_US) * hz + ((uint64_t)us % SEC_US * hz + SEC_US - 1) / SEC_US;

	return jiffies > JIFFIES_MAX ? JIFFIES_MAX : (uint32_t)jiffies;
}

static void store(const struct setting *row, struct tcptimer_snapshot *snap, uint32_t value)
{
	uint8_t *field = (uint8_t *)snap + row->field;
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;

	switch (row->size) {
	case 1:
		memcpy(field, &byte, 1);
		break;
	case 2:
		memcpy(field, &half, 2);
		break;
	default:
		memcpy(field, &value, 4);
	}
}

static uint32_t span_of(const struct setting *row, int64_t us, uint32_t hz)
{
	if (!row->field_us)
		return us_to_jiffies(us, hz);
	return (uint32_t)((us + row->field_us - 1) / row->field_us);
}

void setting_store(const struct setting_change *c, const struct setting_target *t)
{
	const struct setting *row = c->setting;

	store(row, t->snap,
	      row->kind == SETTING_SPAN ? span_of(row, c->value, t->hz) : (uint32_t)c->value);
}

static void set_flag(const struct setting_change *c, const struct setting_target *t)
{
	if (c->value)
		t->snap->flags |= c->setting->flag;
	else
		t->snap->flags &= ~c->setting->flag;
}

/* keepalive_time_when() and its kin: the sysctl holds unless the socket has its own. */
static void keepalive_effective(struct tcptimer_snapshot *s)
{
	if (!(s->own_keepalive & KEEPALIVE_OWN_TIME))
		s->keepalive_time_jiffies = s->sysctls.keepalive_time_jiffies;
	if (!(s->own_keepalive & KEEPALIVE_OWN_INTVL))
		s->keepalive_intvl_jiffies = s->sysctls.keepalive_intvl_jiffies;
	if (!(s->own_keepalive & KEEPALIVE_OWN_PROBES))
		s->keepalive_probes = s->sysctls.keepalive_probes;
}

static void set_keepalive_sysctl(const struct setting_change *c, const struct setting_target *t)
{
	setting_store(c, t);
	keepalive_effective(t->snap);
}

/* mod_timer(): the expiry, and the wheel's bucket for it. */
static void keepalive_arm(const struct setting_target *t, bool armed, uint64_t expires)
{
	struct tcptimer_snapshot *s = t->snap;
	uint64_t delta = expires > s->now_jiffies ? expires - s->now_jiffies : 0;
	unsigned int level = wheel_level(t->hz, delta);
	uint64_t slot = ((expires >> (3 * level)) + 1) & 63;

	s->flags &= ~TCPTIMER_F_KEEP_PENDING;
	if (!armed)
		return;
	s->flags |= TCPTIMER_F_KEEP_PENDING;
	s->keep_expires = expires;
	s->keep_flags = (uint32_t)(level * 64 + slot) << 22;
}

static void set_keepalive(const struct setting_change *c, const struct setting_target *t)
{
	struct tcptimer_snapshot *s = t->snap;
	__u64 expires = 0;
	bool armed;

	if (c->triple) {
		s->keepalive_time_jiffies = us_to_jiffies(c->idle_us, t->hz);
		s->keepalive_intvl_jiffies = us_to_jiffies(c->intvl_us, t->hz);
		s->keepalive_probes = (uint8_t)c->count;
		s->own_keepalive = KEEPALIVE_OWN_TIME | KEEPALIVE_OWN_INTVL | KEEPALIVE_OWN_PROBES;
	}
	if (t->when == SETTING_LIVE) { /* at birth the caller arms what is called for */
		armed = tcptimer_keepalive_set(s, !c->off, &expires);
		keepalive_arm(t, armed, expires);
	}
	if (c->off)
		s->flags &= ~TCPTIMER_F_KEEPOPEN;
	else
		s->flags |= TCPTIMER_F_KEEPOPEN;
	if (t->when == SETTING_LIVE && c->triple) {
		armed = tcptimer_keepalive_set_idle(s, s->keepalive_time_jiffies, &expires);
		keepalive_arm(t, armed, expires);
	}
}

/* TCP_KEEPIDLE starts the timer anew on a socket with SO_KEEPALIVE; the other two do not. */
static void set_keepidle(const struct setting_change *c, const struct setting_target *t)
{
	__u64 expires = 0;
	bool armed;

	setting_store(c, t);
	t->snap->own_keepalive |= KEEPALIVE_OWN_TIME;
	if (t->when != SETTING_LIVE)
		return;
	armed = tcptimer_keepalive_set_idle(t->snap, t->snap->keepalive_time_jiffies, &expires);
	keepalive_arm(t, armed, expires);
}

static void set_keepintvl(const struct setting_change *c, const struct setting_target *t)
{
	setting_store(c, t);
	t->snap->own_keepalive |= KEEPALIVE_OWN_INTVL;
}

static void set_keepcnt(const struct setting_change *c, const struct setting_target *t)
{
	setting_store(c, t);
	t->snap->own_keepalive |= KEEPALIVE_OWN_PROBES;
}

/* do_tcp_setsockopt(): negative is -1, above TCP_FIN_TIMEOUT_MAX is that. */
static void set_linger2(const struct setting_change *c, const struct setting_target *t)
{
	t->snap->linger2_jiffies = c->off ? -1 : (int32_t)us_to_jiffies(c->value, t->hz);
}

static void set_sack(const struct setting_change *c, const struct setting_target *t)
{
	setting_store(c, t);
	if (c->value)
		t->snap->flags |= TCPTIMER_F_SACK;
	else
		t->snap->flags &= ~TCPTIMER_F_SACK;
}

/* At birth the first RTT sample is still to come, and finds the new minimum. */
static void set_rto_min(const struct setting_change *c, const struct setting_target *t)
{
	struct tcptimer_snapshot *s = t->snap;

	setting_store(c, t);
	if (t->when == SETTING_AT_BIRTH && s->srtt_us)
		setting_first_sample(t, s->srtt_us >> 3);
}

void setting_first_sample(const struct setting_target *t, uint32_t rtt_us)
{
	struct tcptimer_snapshot *s = t->snap;

	tcptimer_rto_first_sample(t->hz, s, rtt_us);
	s->rto_jiffies = tcptimer_rto_from_rtt(t->hz, s->srtt_us, s->rttvar_us, s->rto_max_jiffies);
}

static void set_rtt(const struct setting_change *c, const struct setting_target *t)
{
	setting_first_sample(t, (uint32_t)c->value);
}

static void set_rto(const struct setting_change *c, const struct setting_target *t)
{
	if (t->when == SETTING_LIVE || !t->snap->srtt_us)
		setting_store(
			c, t); /* as it is now, with its backoff; before the first sample, alone */
	else
		tcptimer_snapshot_set_rto(t->profile, t->hz, t->snap,
					  (uint32_t)((c->value + MSEC - 1) / MSEC));
}

/* tcp_timeout_init(): what a BPF program answers at TCP_BPF_SOCK_OPS_TIMEOUT_INIT. */
static void set_syn_rto(const struct setting_change *c, const struct setting_target *t)
{
	if (t->when == SETTING_AT_BIRTH)
		setting_store(c, t);
	if (t->params)
		t->params->timeout_init_jiffies = us_to_jiffies(c->value, t->hz);
}

/*
 * So many retransmissions are out, the last one now: the RTO doubled as often, and the stamp of the
 * first as long ago as the intervals between them. On a live socket the counter alone.
 */
static void set_retransmits(const struct setting_change *c, const struct setting_target *t)
{
	struct tcptimer_snapshot *s = t->snap;
	uint32_t first = s->rto_jiffies;
	uint64_t since = 0;
	int64_t i;

	setting_store(c, t);
	if (t->when == SETTING_LIVE || !c->value)
		return;
	for (i = 0; i < c->value; i++) {
		s->rto_jiffies = tcptimer_rto_doubled(s->rto_jiffies, s->rto_max_jiffies);
		if (i + 1 < c->value)
			since += s->rto_jiffies;
	}
	if (s->state == TCPTIMER_STATE_SYN_SENT)
		since += first; /* the stamp is that of the SYN itself */
	s->backoff = (uint8_t)c->value;
	s->total_rto = (uint16_t)c->value;
	s->ca_state = 4; /* TCP_CA_Loss */
	s->retrans_stamp = (uint32_t)(s->now_ns / 1000000 - since * 1000 / t->hz);
	if (!s->retrans_stamp)
		s->retrans_stamp = 1;
}

/* ---- rows */

#define FIELD_(member)                                                                             \
	.field = offsetof(struct tcptimer_snapshot, member),                                       \
	.size = sizeof(((struct tcptimer_snapshot *)0)->member)
#define NEEDS_(behaviour) .needs = 1 + offsetof(struct tcptimer_profile, behaviour)

/* SYSCTL_N: a number. SYSCTL_S: seconds in /proc, jiffies in the kernel. */
#define SYSCTL_N(word, low, high, text)                                                            \
	.name = "tcp_" #word, .kind = SETTING_COUNT, .place = SETTING_SYSCTL, .min = low,          \
	.max = high, FIELD_(sysctls.word), .help = text
#define SYSCTL_S(word, low, text)                                                                  \
	.name = "tcp_" #word, .kind = SETTING_SPAN, .place = SETTING_SYSCTL, .unit_us = SEC_US,    \
	.min = low, .max = INT_MAX_S, FIELD_(sysctls.word##_jiffies), .help = text
#define OPTION(word, options, text)                                                                \
	.name = word, .aliases = options, .place = SETTING_OPTION, .help = text
#define STATE(word, options, text)                                                                 \
	.name = word, .aliases = options, .place = SETTING_FIELD, .help = text
#define COUNTER(word, text)                                                                        \
	.name = word, .place = SETTING_COUNTER, .kind = SETTING_COUNT, .max = 255, .help = text
#define SPAN_(low, high) .kind = SETTING_SPAN, .min = low, .max = high
#define COUNT_(low, high) .kind = SETTING_COUNT, .min = low, .max = high

const struct setting settings_table[] = {
	/* setsockopt(): do_tcp_setsockopt() in net/ipv4/tcp.c gives the bounds */
	{ OPTION("user_timeout", "TCP_USER_TIMEOUT",
		 "time that data may stay unacknowledged; 0: no limit"),
	  SPAN_(0, INT_MAX_MS), FIELD_(user_timeout_ms), .field_us = MSEC },
	{ OPTION("syn_retries", "syncnt TCP_SYNCNT", "SYN retransmissions of this socket"),
	  COUNT_(1, 127), FIELD_(syn_retries) },
	{ OPTION("keepalive", "SO_KEEPALIVE", "on, off, or TCP_KEEPIDLE/TCP_KEEPINTVL/TCP_KEEPCNT"),
	  .kind = SETTING_KEEPALIVE, .set = set_keepalive },
	{ OPTION("keepidle", "TCP_KEEPIDLE", "idle time before the first keepalive probe"),
	  SPAN_(SEC_US, 32767LL * SEC_US), .unit_us = SEC_US, FIELD_(keepalive_time_jiffies),
	  .set = set_keepidle },
	{ OPTION("keepintvl", "TCP_KEEPINTVL", "time between keepalive probes"),
	  SPAN_(SEC_US, 32767LL * SEC_US), .unit_us = SEC_US, FIELD_(keepalive_intvl_jiffies),
	  .set = set_keepintvl },
	{ OPTION("keepcnt", "TCP_KEEPCNT", "keepalive probes before the connection ends"),
	  COUNT_(1, 127), FIELD_(keepalive_probes), .set = set_keepcnt },
	{ OPTION("linger2", "TCP_LINGER2", "FIN_WAIT2 after close(); off: none"),
	  SPAN_(0, 120LL * SEC_US), .unit_us = SEC_US, .off = true, .set = set_linger2 },
	{ OPTION("thin_linear_timeouts", "TCP_THIN_LINEAR_TIMEOUTS",
		 "thin streams: six RTOs without doubling"),
	  .kind = SETTING_BOOL, .max = 1, .flag = TCPTIMER_F_THIN_LTO, .set = set_flag },
	{ OPTION("rto_min", "TCP_RTO_MIN_US TCP_BPF_RTO_MIN",
		 "minimum RTO, also as a route's `rto_min`"),
	  SPAN_(1, 120LL * SEC_US), FIELD_(rto_min_jiffies), .set = set_rto_min },
	{ OPTION("rto_max", "TCP_RTO_MAX_MS", "maximum RTO"), .since = "6.15",
	  NEEDS_(rto_max_socket), SPAN_(SEC_US, 120LL * SEC_US), FIELD_(rto_max_jiffies) },
	{ OPTION("delack_max", "TCP_DELACK_MAX_US TCP_BPF_DELACK_MAX", "longest delay of an ACK"),
	  SPAN_(1, 200LL * MSEC), FIELD_(delack_max_jiffies) },
	{ OPTION("syn_rto", NULL, "first RTO of a SYN, as a BPF program answers at TIMEOUT_INIT"),
	  SPAN_(MSEC, 120LL * SEC_US), FIELD_(rto_jiffies), .set = set_syn_rto },

	/* the connection's own state */
	{ STATE("rtt", "srtt", "smoothed round-trip time, as after one sample"),
	  SPAN_(1, 120LL * SEC_US), .set = set_rtt },
	{ STATE("rto", NULL, "retransmission timeout as it is now"), SPAN_(MSEC, 120LL * SEC_US),
	  FIELD_(rto_jiffies), .set = set_rto },
	{ COUNTER("retransmits", "retransmissions already out, the last one now"),
	  FIELD_(retransmits), .set = set_retransmits },
	{ COUNTER("backoff", "doublings of the timeout so far"), FIELD_(backoff) },
	{ COUNTER("probes_out", "window or keepalive probes unanswered so far"),
	  FIELD_(probes_out) },
	{ STATE("packets_out", NULL, "segments in flight"), COUNT_(1, 0x7fffffff),
	  FIELD_(packets_out) },
	{ STATE("orphan", NULL, "the application has closed the socket"), .kind = SETTING_BOOL,
	  .max = 1, .flag = TCPTIMER_F_DEAD, .set = set_flag },
	{ STATE("err_soft", NULL, "errno that an ICMP error left (113: host unreachable)"),
	  COUNT_(0, 4095), FIELD_(err_soft) },

	/* sysctls: net/ipv4/sysctl_net_ipv4.c gives the bounds */
	{ SYSCTL_N(retries1, 0, 255, "retransmissions before the route is questioned") },
	{ SYSCTL_N(retries2, 0, 255, "retransmissions, as model time, before a connection ends") },
	{ SYSCTL_N(orphan_retries, 0, 255, "the same after close(); 0: 8") },
	{ SYSCTL_N(syn_retries, 1, 127, "SYN retransmissions") },
	{ SYSCTL_N(syn_linear_timeouts, 0, 127, "SYN retransmissions without doubling, on top"),
	  .since = "6.5", NEEDS_(syn_linear) },
	{ SYSCTL_N(synack_retries, 0, 255, "SYN-ACK retransmissions") },
	{ SYSCTL_S(keepalive_time, 0, "idle time before the first keepalive probe"),
	  .set = set_keepalive_sysctl },
	{ SYSCTL_S(keepalive_intvl, 0, "time between keepalive probes"),
	  .set = set_keepalive_sysctl },
	{ SYSCTL_N(keepalive_probes, 0, 255, "keepalive probes before the connection ends"),
	  .set = set_keepalive_sysctl },
	{ SYSCTL_S(fin_timeout, 0, "FIN_WAIT2 after close()") },
	{ .name = "tcp_rto_min_us",
	  .kind = SETTING_SPAN,
	  .place = SETTING_SYSCTL,
	  .unit_us = USEC,
	  .field_us = USEC,
	  .min = 1,
	  .max = 0x7fffffff,
	  FIELD_(sysctls.rto_min_us),
	  .help = "minimum RTO of new sockets",
	  .since = "6.11",
	  NEEDS_(rto_min_sysctl),
	  .at_birth = true },
	{ .name = "tcp_rto_max_ms",
	  .kind = SETTING_SPAN,
	  .place = SETTING_SYSCTL,
	  .unit_us = MSEC,
	  .field_us = MSEC,
	  .min = SEC_US,
	  .max = 120LL * SEC_US,
	  FIELD_(sysctls.rto_max_ms),
	  .help = "maximum RTO of new sockets",
	  .since = "6.15",
	  NEEDS_(rto_max_socket),
	  .at_birth = true },
	{ SYSCTL_N(thin_linear_timeouts, 0, 255,
		   "TCP_THIN_LINEAR_TIMEOUTS for every socket; 0: off") },
	{ SYSCTL_N(early_retrans, 0, 4, "3 or 4: tail loss probes; 0: none") },
	{ SYSCTL_N(recovery, 0, 255, "1: RACK") },
	{ SYSCTL_N(frto, 0, 255, "detection of spurious RTOs") },
	{ SYSCTL_N(mtu_probing, 0, 255, "1: after a black hole, 2: always") },
	{ SYSCTL_N(sack, 0, 255, "selective acknowledgements; no tail loss probes without"),
	  .set = set_sack, .at_birth = true },
	{ .name = "tcp_invalid_ratelimit",
	  .kind = SETTING_SPAN,
	  .place = SETTING_SYSCTL,
	  .unit_us = MSEC,
	  .min = 0,
	  .max = INT_MAX_MS,
	  FIELD_(sysctls.invalid_ratelimit_jiffies),
	  .help = "least time between answers to out-of-window segments",
	  .since = "4.0",
	  NEEDS_(oow_limit) },
	{ SYSCTL_N(rfc1337, 0, 255, "1: an RST does not end TIME_WAIT") },
	{ SYSCTL_N(tw_reuse, 0, 2, "reuse of TIME_WAIT ports by connect()") },
	{ SYSCTL_N(pingpong_thresh, 1, 255, "exchanges before ACKs are delayed") },
};
const size_t settings_count = sizeof(settings_table) / sizeof(settings_table[0]);

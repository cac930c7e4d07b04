// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receives what is known of a kernel.
 * Hands on its profile: the table of the behaviours in which kernels differ, version by version.
 */
#include <string.h>

#include "core.h"

#define KERNEL(major, minor) ((__u32)(major) << 16 | (__u32)(minor) << 8)
#define PATCH_UNKNOWN 0xffu

/*
 * What each kernel does, at its latest stable level.
 *   X(behaviour, 3.15, 4.3, 5.10, 5.15, 6.1, 6.6, 6.12, 6.18, 7.2)
 * 6.1, 6.12 and 7.2 were read in Debian's sources (6.1.176, 6.12.107, 7.2.13), 6.18 as
 * measured; 4.3 is the source that the product began from; of the others, stable backports are
 * from public logs and memory.
 */
/* clang-format off */
#define PROFILE_TABLE(X)                                                                           \
	X(wheel,              0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(retrans_clock,      0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(usec_ts,            0, 0, 0, 0, 0, 0, 1, 1, 1)                                           \
	X(user_timeout_ms,    0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(rto_clamp,          0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(stamp_head,         1, 1, 0, 0, 0, 0, 0, 0, 0)                                           \
	X(syn_limit,          0, 0, 2, 2, 2, 2, 2, 2, 2)                                           \
	X(syn_linear,         0, 0, 0, 0, 0, 1, 1, 1, 1)                                           \
	X(local_drop,         0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(thin_clamp,         0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(backoff_shrunk,     0, 0, 0, 0, 0, 0, 1, 1, 1)                                           \
	X(shrunk_window,      0, 0, 1, 1, 1, 1, 2, 2, 2)                                           \
	X(shrunk_twice,       0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(tlp,                0, 0, 2, 2, 2, 2, 2, 2, 2)                                           \
	X(tlp_needs_rtt,      1, 1, 0, 0, 0, 0, 0, 0, 0)                                           \
	X(probe0_ge,          0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(probe0_ut,          0, 1, 3, 3, 3, 3, 3, 3, 3)                                           \
	X(probe0_clamp,       0, 0, 1, 1, 1, 1, 2, 2, 2)                                           \
	X(probe0_base_min,    0, 1, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(keepalive_syn_sent, 0, 0, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(delack_rto_min,     0, 0, 0, 0, 0, 1, 1, 1, 1)                                           \
	X(ato_inflate,        0, 0, 0, 0, 0, 0, 1, 2, 1)                                           \
	X(rto_min_sysctl,     0, 0, 0, 0, 0, 0, 1, 1, 1)                                           \
	X(rto_max_socket,     0, 0, 0, 0, 0, 0, 0, 1, 1)                                           \
	X(synack_timer,       0, 1, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(synack_rto_max,     0, 0, 0, 0, 0, 0, 0, 0, 1)                                           \
	X(tfo_timeout,        0, 0, 0, 1, 1, 1, 1, 1, 1)                                           \
	X(tw_timer,           0, 1, 1, 1, 1, 1, 1, 1, 1)                                           \
	X(tw_recycle,         1, 1, 0, 0, 0, 0, 0, 0, 0)                                           \
	X(paws_tw_counter,    0, 0, 0, 0, 0, 0, 0, 1, 1)                                           \
	X(oow_limit,          0, 1, 1, 1, 1, 1, 1, 1, 1)
/* clang-format on */

#define COLUMN_3_15(field, a, b, c, d, e, f, g, h, i) .field = a,
#define COLUMN_4_3(field, a, b, c, d, e, f, g, h, i) .field = b,
#define COLUMN_5_10(field, a, b, c, d, e, f, g, h, i) .field = c,
#define COLUMN_5_15(field, a, b, c, d, e, f, g, h, i) .field = d,
#define COLUMN_6_1(field, a, b, c, d, e, f, g, h, i) .field = e,
#define COLUMN_6_6(field, a, b, c, d, e, f, g, h, i) .field = f,
#define COLUMN_6_12(field, a, b, c, d, e, f, g, h, i) .field = g,
#define COLUMN_6_18(field, a, b, c, d, e, f, g, h, i) .field = h,
#define COLUMN_7_2(field, a, b, c, d, e, f, g, h, i) .field = i,

#define PROFILE(major, minor)                                                                      \
	{                                                                                          \
		.name = #major "." #minor, .version = KERNEL(major, minor) | PATCH_UNKNOWN,        \
		PROFILE_TABLE(COLUMN_##major##_##minor)                                            \
	}

static const struct tcptimer_profile profiles[] = {
	PROFILE(3, 15), PROFILE(4, 3),  PROFILE(5, 10), PROFILE(5, 15), PROFILE(6, 1),
	PROFILE(6, 6),  PROFILE(6, 12), PROFILE(6, 18), PROFILE(7, 2),
};

#define PROFILE_COUNT (sizeof(profiles) / sizeof(profiles[0]))

#define FIELD(field) offsetof(struct tcptimer_profile, field)

/* What a release changed, for kernels between the profiles. In order of version. */
static const struct profile_change {
	__u32 version;
	__u16 field;
	__u8 value;
} changes[] = {
	{ KERNEL(3, 18), FIELD(probe0_ut), TCPTIMER_PROBE0_UT_HEAD },
	{ KERNEL(4, 0), FIELD(oow_limit), 1 },
	{ KERNEL(4, 1), FIELD(probe0_base_min), 1 },
	{ KERNEL(4, 1), FIELD(synack_timer), TCPTIMER_SYNACK_REQUEST },
	{ KERNEL(4, 2), FIELD(tw_timer), TCPTIMER_TW_OWN },
	{ KERNEL(4, 8), FIELD(wheel), TCPTIMER_WHEEL_LEVELS },
	{ KERNEL(4, 12), FIELD(tw_recycle), 0 },
	{ KERNEL(4, 13), FIELD(retrans_clock), TCPTIMER_CLOCK_MS },
	{ KERNEL(4, 13), FIELD(tlp), TCPTIMER_TLP_JIFFIES },
	{ KERNEL(4, 13), FIELD(tlp_needs_rtt), 0 },
	{ KERNEL(4, 14), FIELD(keepalive_syn_sent), 1 },
	{ KERNEL(4, 16), FIELD(syn_limit), TCPTIMER_SYN_COUNT },
	{ KERNEL(4, 19), FIELD(user_timeout_ms), 1 },
	{ KERNEL(4, 19), FIELD(rto_clamp), 1 },
	{ KERNEL(5, 1), FIELD(stamp_head), 0 },
	{ KERNEL(5, 1), FIELD(local_drop), TCPTIMER_DROP_COUNT },
	{ KERNEL(5, 1), FIELD(probe0_ge), 1 },
	{ KERNEL(5, 1), FIELD(probe0_ut), TCPTIMER_PROBE0_UT_MODEL },
	{ KERNEL(5, 4), FIELD(syn_limit), TCPTIMER_SYN_COUNT_OR_TIME },
	{ KERNEL(5, 11), FIELD(probe0_ut), TCPTIMER_PROBE0_UT_TSTAMP },
	{ KERNEL(5, 11), FIELD(probe0_clamp), TCPTIMER_PROBE0_CLAMP_UNDERFLOW },
	{ KERNEL(5, 17), FIELD(tfo_timeout), 1 },
	{ KERNEL(6, 5), FIELD(syn_linear), 1 },
	{ KERNEL(6, 5), FIELD(thin_clamp), 1 },
	{ KERNEL(6, 6), FIELD(shrunk_window), TCPTIMER_SHRUNK_BOTH },
	{ KERNEL(6, 6), FIELD(shrunk_twice), 1 },
	{ KERNEL(6, 6), FIELD(tlp), TCPTIMER_TLP_US },
	{ KERNEL(6, 7), FIELD(usec_ts), 1 },
	{ KERNEL(6, 7), FIELD(delack_rto_min), 1 },
	{ KERNEL(6, 8), FIELD(backoff_shrunk), 1 },
	{ KERNEL(6, 10), FIELD(shrunk_window), TCPTIMER_SHRUNK_USER_TIMEOUT },
	{ KERNEL(6, 10), FIELD(ato_inflate), TCPTIMER_ATO_WRAP8 },
	{ KERNEL(6, 11), FIELD(rto_min_sysctl), 1 },
	{ KERNEL(6, 15), FIELD(rto_max_socket), 1 },
	{ KERNEL(6, 16), FIELD(paws_tw_counter), 1 },
	{ KERNEL(6, 19), FIELD(synack_rto_max), 1 },
	{ KERNEL(7, 1), FIELD(probe0_clamp), TCPTIMER_PROBE0_CLAMP_SIGNED },
	{ KERNEL(7, 2), FIELD(ato_inflate), TCPTIMER_ATO_DELACK_MAX },
};

/* What came to a stable series later than to its release: KERNEL() | the level it came with. */
static const struct profile_change stable_changes[] = {
	{ KERNEL(5, 10) | 11, FIELD(probe0_ut), TCPTIMER_PROBE0_UT_TSTAMP },
	{ KERNEL(5, 10) | 11, FIELD(probe0_clamp), TCPTIMER_PROBE0_CLAMP_UNDERFLOW },
	{ KERNEL(5, 10) | 195, FIELD(thin_clamp), 1 },
	{ KERNEL(5, 10) | 199, FIELD(tlp), TCPTIMER_TLP_US },
	{ KERNEL(5, 10) | 222, FIELD(shrunk_window), TCPTIMER_SHRUNK_JIFFIES_MS },
	{ KERNEL(5, 10) | 222, FIELD(shrunk_twice), 1 },
	{ KERNEL(5, 15) | 27, FIELD(tfo_timeout), 1 },
	{ KERNEL(5, 15) | 132, FIELD(thin_clamp), 1 },
	{ KERNEL(5, 15) | 137, FIELD(tlp), TCPTIMER_TLP_US },
	{ KERNEL(5, 15) | 163, FIELD(shrunk_window), TCPTIMER_SHRUNK_JIFFIES_MS },
	{ KERNEL(5, 15) | 163, FIELD(shrunk_twice), 1 },
	{ KERNEL(6, 1) | 53, FIELD(thin_clamp), 1 },
	{ KERNEL(6, 1) | 60, FIELD(tlp), TCPTIMER_TLP_US },
	{ KERNEL(6, 1) | 100, FIELD(shrunk_window), TCPTIMER_SHRUNK_JIFFIES_MS },
	{ KERNEL(6, 1) | 100, FIELD(shrunk_twice), 1 },
	{ KERNEL(6, 6) | 3, FIELD(delack_rto_min), 1 },
	{ KERNEL(6, 6) | 41, FIELD(shrunk_window), TCPTIMER_SHRUNK_JIFFIES_MS },
	{ KERNEL(6, 12) | 83, FIELD(probe0_clamp), TCPTIMER_PROBE0_CLAMP_SIGNED },
	{ KERNEL(6, 12) | 83, FIELD(ato_inflate), TCPTIMER_ATO_DELACK_MAX },
	{ KERNEL(6, 18) | 24, FIELD(probe0_clamp), TCPTIMER_PROBE0_CLAMP_SIGNED },
};

#define BEHAVIOUR_ROW(field, what, since) { #field, what, since, FIELD(field) },

static const struct behaviour_row {
	const char *name;
	const char *what;
	const char *since;
	size_t field;
} behaviours[] = { TCPTIMER_BEHAVIOURS(BEHAVIOUR_ROW) };

#define BEHAVIOUR_COUNT (sizeof(behaviours) / sizeof(behaviours[0]))

const struct tcptimer_profile *tcptimer_profile_at(size_t index)
{
	return index < PROFILE_COUNT ? &profiles[index] : NULL;
}

const struct tcptimer_profile *tcptimer_profile_by_name(const char *name)
{
	size_t i;

	for (i = 0; name && i < PROFILE_COUNT; i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}

size_t tcptimer_behaviour_count(void)
{
	return BEHAVIOUR_COUNT;
}

bool tcptimer_behaviour_at(const struct tcptimer_profile *profile, size_t index,
			   struct tcptimer_behaviour *ret_behaviour)
{
	if (index >= BEHAVIOUR_COUNT)
		return false;
	*ret_behaviour = (struct tcptimer_behaviour){
		.name = behaviours[index].name,
		.what = behaviours[index].what,
		.since = behaviours[index].since,
		.value = ((const __u8 *)profile)[behaviours[index].field],
	};
	return true;
}

/* ---- detection */

/* A number of up to three digits; *text moves behind it. -1 when there is none, or a longer one. */
static int version_number(const char **text)
{
	const char *start = *text;
	int number = 0;

	while (**text >= '0' && **text <= '9' && *text - start < 4)
		number = number * 10 + *(*text)++ - '0';
	return *text == start || *text - start > 3 ? -1 : number;
}

/* "6.12.107...": the parts before the first that is none. False without major and minor. */
static bool version_parse(const char *text, __u32 *ret_version, int *ret_patch)
{
	int major = version_number(&text), minor;

	if (major < 0 || *text++ != '.')
		return false;
	minor = version_number(&text);
	if (minor < 0 || major > 255 || minor > 255)
		return false;
	*ret_version = KERNEL(major, minor);
	*ret_patch = -1;
	if (*text == '.') {
		text++;
		*ret_patch = version_number(&text);
	}
	return true;
}

/*
 * Distributions freeze the release's third number ("6.1.0-39-amd64") and put the stable level into
 * the build's version ("... Debian 6.1.192-1 ..."). The first place there that repeats the release's
 * first two numbers tells it.
 */
static int version_stable_level(const char *text, __u32 version, int patch)
{
	int found;
	__u32 other;

	for (; text && *text; text++) {
		if (text[0] < '0' || text[0] > '9')
			continue;
		if (version_parse(text, &other, &found) && other == version && found > 0)
			return found;
		while (text[1] >= '0' && text[1] <= '9')
			text++;
	}
	return patch;
}

static void profile_set(struct tcptimer_profile *profile, __u16 field, __u8 value)
{
	((__u8 *)profile)[field] = value;
}

static void profile_set_known(struct tcptimer_profile *profile, __u16 field, __u8 fact)
{
	if (fact != TCPTIMER_UNKNOWN)
		profile_set(profile, field, fact == TCPTIMER_YES);
}

/* The oldest profile, and all changes up to that release and stable level. */
static void profile_build(struct tcptimer_profile *profile, __u32 version, __u32 patch)
{
	size_t i;

	*profile = profiles[0];
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (changes[i].version <= version)
			profile_set(profile, changes[i].field, changes[i].value);
	for (i = 0; i < sizeof(stable_changes) / sizeof(stable_changes[0]); i++) {
		const struct profile_change *change = &stable_changes[i];

		if ((change->version & ~0xffu) == version && (change->version & 0xff) <= patch)
			profile_set(profile, change->field, change->value);
	}
	profile->version = version | patch;
}

static void profile_name(struct tcptimer_profile *profile, bool patch_known)
{
	unsigned int parts[3] = { profile->version >> 16, profile->version >> 8 & 255,
				  profile->version & 255 };
	unsigned int count = patch_known ? 3 : 2;
	size_t len = 0;
	unsigned int i;

	memset(profile->name, 0, sizeof(profile->name));
	for (i = 0; i < count; i++) {
		if (i)
			profile->name[len++] = '.';
		if (parts[i] >= 100)
			profile->name[len++] = (char)('0' + parts[i] / 100);
		if (parts[i] >= 10)
			profile->name[len++] = (char)('0' + parts[i] / 10 % 10);
		profile->name[len++] = (char)('0' + parts[i] % 10);
	}
}

/* What the kernel has says more than its version does: distributions backport. */
static void profile_apply_facts(struct tcptimer_profile *profile,
				const struct tcptimer_kernel_facts *facts)
{
	profile_set_known(profile, FIELD(syn_linear), facts->sysctl_syn_linear_timeouts);
	profile_set_known(profile, FIELD(rto_min_sysctl), facts->sysctl_rto_min_us);
	profile_set_known(profile, FIELD(rto_max_socket), facts->sysctl_rto_max_ms);
	profile_set_known(profile, FIELD(rto_max_socket), facts->btf_icsk_rto_max);
	profile_set_known(profile, FIELD(backoff_shrunk), facts->btf_total_rto);
	profile_set_known(profile, FIELD(usec_ts), facts->btf_tcp_usec_ts);

	/* 614e8316aa4c (6.7) gave sockets us stamps, and rtx_delta its ms. */
	if (facts->btf_tcp_usec_ts == TCPTIMER_YES &&
	    profile->shrunk_window == TCPTIMER_SHRUNK_JIFFIES_MS)
		profile->shrunk_window = TCPTIMER_SHRUNK_USER_TIMEOUT;
	if (facts->btf_probes_tstamp == TCPTIMER_YES) {
		profile->probe0_ut = TCPTIMER_PROBE0_UT_TSTAMP;
		if (profile->probe0_clamp == TCPTIMER_PROBE0_CLAMP_NONE)
			profile->probe0_clamp = TCPTIMER_PROBE0_CLAMP_UNDERFLOW;
	} else if (facts->btf_probes_tstamp == TCPTIMER_NO &&
		   profile->probe0_ut == TCPTIMER_PROBE0_UT_TSTAMP) {
		profile->probe0_ut = TCPTIMER_PROBE0_UT_MODEL;
		profile->probe0_clamp = TCPTIMER_PROBE0_CLAMP_NONE;
	}
	if (facts->btf_ato_bits > 8)
		profile->ato_inflate = TCPTIMER_ATO_RTO;
	else if (facts->btf_ato_bits && profile->ato_inflate == TCPTIMER_ATO_RTO)
		profile->ato_inflate = TCPTIMER_ATO_WRAP8;
}

int tcptimer_profile_detect(const struct tcptimer_kernel_facts *facts,
			    struct tcptimer_profile *ret_profile)
{
	__u32 version, oldest = profiles[0].version & ~0xffu;
	int patch;

	if (!facts || !ret_profile || !facts->release)
		return TCPTIMER_ENGINE_EARG;
	if (!version_parse(facts->release, &version, &patch) || version < oldest)
		return TCPTIMER_ENGINE_ENOPROFILE;
	patch = version_stable_level(facts->version, version, patch);
	/* ".0" is how a distribution says nothing: the series' latest is taken. */
	if (patch <= 0 || patch > (int)PATCH_UNKNOWN)
		patch = PATCH_UNKNOWN;
	profile_build(ret_profile, version, (__u32)patch);
	profile_apply_facts(ret_profile, facts);
	profile_name(ret_profile, patch != (int)PATCH_UNKNOWN);
	return 0;
}

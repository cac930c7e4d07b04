// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of a row's settings, and of option changes in its play: one table.
 * Receives `name=value` from rows; sets sysctls of the trial's namespace or options of its socket.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "conformance.h"

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif
#ifndef TCP_RTO_MIN_US
#define TCP_RTO_MIN_US 45
#endif
#ifndef TCP_DELACK_MAX_US
#define TCP_DELACK_MAX_US 46
#endif

enum setting_kind { SETTING_SYSCTL, SETTING_OPTION, SETTING_TRIAL };

struct setting {
	const char *word;
	enum setting_kind kind;
	const char *sysctl;
	int level, option;
};

/* clang-format off */
#define NAMESPACE_SYSCTL(word, name) { word, SETTING_SYSCTL, "ipv4/tcp_" name, 0, 0 }
#define SOCKET_OPTION(word, level, option) { word, SETTING_OPTION, NULL, level, option }
/* clang-format on */

/* A capital: the socket's own option where a sysctl has the same name. */
static const struct setting settings[] = {
	NAMESPACE_SYSCTL("retries1", "retries1"),
	NAMESPACE_SYSCTL("retries2", "retries2"),
	NAMESPACE_SYSCTL("orphan_retries", "orphan_retries"),
	NAMESPACE_SYSCTL("syn_retries", "syn_retries"),
	NAMESPACE_SYSCTL("syn_linear", "syn_linear_timeouts"),
	NAMESPACE_SYSCTL("synack_retries", "synack_retries"),
	NAMESPACE_SYSCTL("fin_timeout", "fin_timeout"),
	NAMESPACE_SYSCTL("keepalive_time", "keepalive_time"),
	NAMESPACE_SYSCTL("keepalive_intvl", "keepalive_intvl"),
	NAMESPACE_SYSCTL("keepalive_probes", "keepalive_probes"),
	NAMESPACE_SYSCTL("thin", "thin_linear_timeouts"),
	NAMESPACE_SYSCTL("early_retrans", "early_retrans"),
	NAMESPACE_SYSCTL("recovery", "recovery"),
	NAMESPACE_SYSCTL("frto", "frto"),
	NAMESPACE_SYSCTL("sack", "sack"),
	NAMESPACE_SYSCTL("timestamps", "timestamps"),
	NAMESPACE_SYSCTL("rfc1337", "rfc1337"),
	NAMESPACE_SYSCTL("tw_reuse", "tw_reuse"),
	NAMESPACE_SYSCTL("mtu_probing", "mtu_probing"),
	NAMESPACE_SYSCTL("fastopen", "fastopen"),
	NAMESPACE_SYSCTL("syncookies", "syncookies"),
	NAMESPACE_SYSCTL("invalid_ratelimit", "invalid_ratelimit"),
	NAMESPACE_SYSCTL("rto_min_us", "rto_min_us"),
	NAMESPACE_SYSCTL("rto_max_ms", "rto_max_ms"),
	SOCKET_OPTION("user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT),
	SOCKET_OPTION("SYNCNT", IPPROTO_TCP, TCP_SYNCNT),
	SOCKET_OPTION("KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE),
	SOCKET_OPTION("KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE),
	SOCKET_OPTION("KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL),
	SOCKET_OPTION("KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT),
	SOCKET_OPTION("LINGER2", IPPROTO_TCP, TCP_LINGER2),
	SOCKET_OPTION("THIN", IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
	SOCKET_OPTION("NODELAY", IPPROTO_TCP, TCP_NODELAY),
	SOCKET_OPTION("CORK", IPPROTO_TCP, TCP_CORK),
	SOCKET_OPTION("QUICKACK", IPPROTO_TCP, TCP_QUICKACK),
	SOCKET_OPTION("DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT),
	SOCKET_OPTION("FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN),
	SOCKET_OPTION("RTO_MAX_MS", IPPROTO_TCP, TCP_RTO_MAX_MS),
	SOCKET_OPTION("RTO_MIN_US", IPPROTO_TCP, TCP_RTO_MIN_US),
	SOCKET_OPTION("DELACK_MAX_US", IPPROTO_TCP, TCP_DELACK_MAX_US),
	/* of the test's own world */
	{ "route_rto_min", SETTING_TRIAL, NULL, 0, 0 }, /* ms, locked */
	{ "rtt", SETTING_TRIAL, NULL, 0, 0 },           /* ms, before each of the peer's answers */
	{ "ts", SETTING_TRIAL, NULL, 0, 0 },            /* the peer agrees to timestamps */
};

static const struct setting *setting_find(const char *word, const char **ret_value)
{
	size_t len = strcspn(word, "="), i;

	*ret_value = word + len + (word[len] == '=');
	for (i = 0; word[len] == '=' && i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strlen(settings[i].word) == len && !strncmp(settings[i].word, word, len))
			return &settings[i];
	return NULL;
}

bool settings_known(const char *word)
{
	const char *value;

	return setting_find(word, &value) != NULL;
}

static bool setting_trial(struct trial *trial, const struct setting *setting, long value)
{
	if (!strcmp(setting->word, "rtt"))
		trial->rtt_ms = (uint32_t)value;
	else if (!strcmp(setting->word, "ts"))
		trial->peer.ts = value;
	else
		trial->route_rto_min_ms = (unsigned int)value;
	return true;
}

bool settings_apply(struct trial *trial, const char *word, bool to_socket)
{
	const char *text;
	const struct setting *setting = setting_find(word, &text);
	int value = (int)strtol(text, NULL, 0);

	if (!setting) {
		trial_fail(trial, "no setting is called \"%s\"", word);
		return false;
	}
	if (to_socket != (setting->kind == SETTING_OPTION))
		return true;
	switch (setting->kind) {
	case SETTING_SYSCTL:
		if (sysctl_write_text(setting->sysctl, text))
			return true;
		trial_fail(trial, "this kernel has no %s", setting->sysctl);
		return false;
	case SETTING_OPTION:
		if (!setsockopt(trial->fd, setting->level, setting->option, &value, sizeof(value)))
			return true;
		trial_fail(trial, "setsockopt \"%s\": %s", word, strerror(errno));
		return false;
	default:
		return setting_trial(trial, setting, value);
	}
}

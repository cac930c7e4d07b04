// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The values of the filter's conditions: states, ports, hosts, paths, numbers.
 * Receives one terminated word from the parser; hands a filled node, or what is wrong. Pure, but
 * that service names come from getservbyname(3).
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "filter_impl.h"
#include "glob.h"
#include "text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define STATE_BIT(name) (1U << TCPTIMER_STATE_##name)
#define PORT_MAX 65535U

const char filter_no_memory[] = "memory is short";

/* Decimal digits only, up to `max`; false for all else. */
static bool parse_number(const char *text, uint32_t max, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > max)
			return false;
	}
	*ret_number = (uint32_t)number;
	return true;
}

/*
 * States. Letter case, '-' and '_' make no difference, so that ss's words, ss's display and ours
 * are all understood. A request and a TCP Fast Open child are both SYN-RECV, as to ss.
 */
#define STATE_MAX_LEN 31
#define STATE_NAME(number, name, ss, word) { word, 1U << (number) }, { ss, 1U << (number) },
#define SYN_RECVS (STATE_BIT(SYN_RECV) | STATE_BIT(NEW_SYN_RECV))
#define ALL_STATES ((1U << TCPTIMER_STATE_COUNT) - 1 - STATE_BIT(UNKNOWN))
#define CONNECTED (ALL_STATES & ~(STATE_BIT(LISTEN) | STATE_BIT(CLOSE)))

static const struct {
	const char *name;
	uint32_t mask;
} state_names[] = {
	{ "all", ALL_STATES },
	{ "connected", CONNECTED },
	{ "synchronized", CONNECTED & ~STATE_BIT(SYN_SENT) },
	{ "bucket", SYN_RECVS | STATE_BIT(TIME_WAIT) },
	{ "big", ALL_STATES & ~(SYN_RECVS | STATE_BIT(TIME_WAIT)) },
	{ "syn-rcv", SYN_RECVS },
	{ "listening", STATE_BIT(LISTEN) },
	{ "closed", STATE_BIT(CLOSE) },
	{ "unconnected", STATE_BIT(CLOSE) },
	{ "new-syn-recv", STATE_BIT(NEW_SYN_RECV) },
	TCPTIMER_STATES(STATE_NAME) /* "syn_recv" is there twice, and stands for both */
};

static bool squeeze(const char *text, char out[STATE_MAX_LEN + 1])
{
	size_t used = 0;

	for (; *text; text++) {
		if (*text == '-' || *text == '_')
			continue;
		if (used == STATE_MAX_LEN)
			return false;
		out[used++] = *text;
	}
	out[used] = '\0';
	return used > 0;
}

const char *filter_value_state(const char *text, uint32_t *ret_mask)
{
	char wanted[STATE_MAX_LEN + 1], name[STATE_MAX_LEN + 1];
	uint32_t mask = 0;

	if (squeeze(text, wanted))
		for (size_t i = 0; i < COUNT(state_names); i++)
			if (squeeze(state_names[i].name, name) && !strcasecmp(wanted, name))
				mask |= state_names[i].mask;
	mask &= ALL_STATES;
	if (!mask)
		return "is no state: use established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, "
		       "time-wait, closed, close-wait, last-ack, listening, closing, all, "
		       "connected, synchronized, bucket or big";
	*ret_mask = mask;
	return NULL;
}

#define TIMER_LIST(name, word) " " word

const char *filter_value_timer(const char *text, struct filter_node *node)
{
	int timer = tcptimer_timer_by_name(text);

	if (timer < 0)
		return "is no timer: use one of" TCPTIMER_TIMERS(TIMER_LIST);
	node->mask = 1U << timer;
	return NULL;
}

static bool parse_port(const char *text, uint32_t *ret_port)
{
	struct servent *service;

	if (*text >= '0' && *text <= '9')
		return parse_number(text, PORT_MAX, ret_port);
	service = *text ? getservbyname(text, "tcp") : NULL;
	if (!service)
		return false;
	*ret_port = ntohs((uint16_t)service->s_port);
	return true;
}

/* "443", "https", "6379-6390" or "*", without a colon. */
static const char *parse_ports(const char *text, struct filter_ports *ret_ports)
{
	const char *dash = *text >= '0' && *text <= '9' ? strchr(text, '-') : NULL;
	char low[8];

	*ret_ports = (struct filter_ports){ 0, PORT_MAX };
	if (!strcmp(text, "*"))
		return NULL;
	if (!dash) {
		if (!parse_port(text, &ret_ports->low))
			return "is no port: use a number up to 65535, a name of /etc/services, or "
			       "a range such as :6379-6390";
		ret_ports->high = ret_ports->low;
		return NULL;
	}
	if ((size_t)(dash - text) >= sizeof(low))
		return "is no range of ports: both ends are at most 65535";
	memcpy(low, text, (size_t)(dash - text));
	low[dash - text] = '\0';
	if (!parse_number(low, PORT_MAX, &ret_ports->low) ||
	    !parse_number(dash + 1, PORT_MAX, &ret_ports->high))
		return "is no range of ports: both ends are numbers up to 65535";
	if (ret_ports->low > ret_ports->high)
		return "is an empty range: the lower port comes first";
	return NULL;
}

const char *filter_value_ports(const char *text, enum filter_token_kind compare,
			       struct filter_node *node)
{
	struct filter_ports *ports = &node->ports;
	const char *wrong;

	if (*text == ':')
		text++;
	else if (strchr(text, ':') || strchr(text, '.') || *text == '[')
		return "is an address: sport and dport take a port, src and dst an address";
	wrong = parse_ports(text, ports);
	if (wrong)
		return wrong;
	if (compare == TOKEN_EQ)
		return NULL;
	if (compare == TOKEN_NE) {
		node->negate = !node->negate;
		return NULL;
	}
	if (ports->low != ports->high)
		return "is more than one port: a range goes with = or != only";
	switch (compare) {
	case TOKEN_LT: /* nothing is less than 0: low > high */
		*ports = ports->low ? (struct filter_ports){ 0, ports->low - 1 } :
				      (struct filter_ports){ 1, 0 };
		break;
	case TOKEN_LE:
		ports->low = 0;
		break;
	case TOKEN_GT:
		*ports = (struct filter_ports){ ports->low + 1, PORT_MAX };
		break;
	default:
		ports->high = PORT_MAX;
		break;
	}
	return NULL;
}

/* As iproute2's: with a prefix length, the last bytes may be left out ("10/8", "193.233.7/24"). */
static bool parse_ipv4(const char *text, bool partial, uint8_t addr[4])
{
	memset(addr, 0, 4);
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int digits = 0, value = 0;

		for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
			value = value * 10 + (unsigned int)(*text - '0');
		if (!digits || value > 255)
			return false;
		addr[i] = (uint8_t)value;
		if (!*text)
			return i == 3 || partial;
		if (*text++ != '.')
			return false;
	}
	return false;
}

/* An IPv4-mapped prefix is the IPv4 prefix: connections are compared so, too. */
static void unmap(struct filter_node *node)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (node->family != AF_INET6 || node->prefix < 96 || memcmp(node->addr, mapped, 12))
		return;
	node->family = AF_INET;
	node->prefix -= 96;
	memmove(node->addr, node->addr + 12, 4);
}

/* ADDRESS or ADDRESS/LENGTH; `text` is changed. */
static const char *parse_prefix(char *text, int family, struct filter_node *node)
{
	char *slash = strchr(text, '/');
	uint32_t most;

	if (slash)
		*slash = '\0';
	if (family != AF_INET6 && parse_ipv4(text, slash, node->addr))
		node->family = AF_INET;
	else if (family != AF_INET && inet_pton(AF_INET6, text, node->addr) == 1)
		node->family = AF_INET6;
	else if (family != AF_INET6 && parse_ipv4(text, true, node->addr))
		return "is part of an address: give four numbers, or a length as in 10.0.0.0/8";
	else
		return "is no address: use 10.0.0.1, 10.0.0.0/8, [fd00::1] or [fd00::]/8 (names "
		       "are not looked up)";
	most = node->family == AF_INET ? 32 : 128;
	node->prefix = most;
	if (slash && !parse_number(slash + 1, most, &node->prefix))
		return node->family == AF_INET ?
			       "has no good prefix length: an IPv4 prefix has 0 to 32 bits" :
			       "has no good prefix length: an IPv6 prefix has 0 to 128 bits";
	unmap(node);
	return NULL;
}

/*
 * Split ADDRESS, [ADDRESS]/LENGTH, [ADDRESS/LENGTH] or a bare IPv6 address from its port: the
 * address is left in `text`, without brackets. Returns the port, NULL when there is none.
 */
static char *split_host(char *text, int *family)
{
	char *colon = strchr(text, ':'), *end;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end)
			return NULL;
		memmove(text, text + 1, (size_t)(end - text - 1));
		memmove(end - 1, end + 1, strlen(end + 1) + 1);
		colon = strchr(end - 1, ':');
		if (*family == AF_UNSPEC)
			*family = AF_INET6;
	} else if (colon && strchr(colon + 1, ':')) {
		return NULL; /* a bare IPv6 address */
	}
	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

const char *filter_value_host(const char *word, struct filter_node *node)
{
	char text[FILTER_VALUE_MAX], *host = text, *port;
	const char *wrong = NULL;
	int family = AF_UNSPEC;

	memcpy(text, word, strlen(word) + 1);
	if (!strncmp(host, "inet:", 5)) {
		family = AF_INET;
		host += 5;
	} else if (!strncmp(host, "inet6:", 6)) {
		family = AF_INET6;
		host += 6;
	}
	node->family = family;
	node->prefix = 0;
	node->ports = (struct filter_ports){ 0, PORT_MAX };
	port = split_host(host, &family);
	if (*host && strcmp(host, "*"))
		wrong = parse_prefix(host, family, node);
	else if (!*host && !port)
		wrong = "has no address: use 10.0.0.1, 10.0.0.0/8, [fd00::1] or [fd00::]/8";
	if (!wrong && port)
		wrong = parse_ports(port, &node->ports);
	return wrong;
}

static const char *keep_text(const char *text, size_t length, struct filter_node *node)
{
	node->text = malloc(length + 2);
	if (!node->text)
		return filter_no_memory;
	memcpy(node->text, text, length);
	node->text[length] = '\0';
	return NULL;
}

/* "web", "/run/netns/web", "4026531840", or as a link of /proc shows it: "net:[4026531840]". */
const char *filter_value_netns(const char *text, struct filter_node *node)
{
	static const char *const dirs[] = { "/run/netns/", "/var/run/netns/" };
	size_t length = strlen(text);

	for (size_t i = 0; i < COUNT(dirs); i++) {
		if (!strncmp(text, dirs[i], strlen(dirs[i]))) {
			text += strlen(dirs[i]);
			length = strlen(text);
			break;
		}
	}
	if (length > 6 && !strncmp(text, "net:[", 5) && text[length - 1] == ']') {
		text += 5;
		length -= 6;
	}
	if (!length || memchr(text, '/', length))
		return "is no network namespace: use its inode number, or its name in /run/netns";
	if (keep_text(text, length, node))
		return filter_no_memory;
	node->has_number = parse_number(node->text, UINT32_MAX, &node->number);
	return NULL;
}

const char *filter_value_pid(const char *text, struct filter_node *node)
{
	if (!parse_number(text, INT32_MAX, &node->number) || !node->number)
		return "is no process: use its number";
	return NULL;
}

const char *filter_value_deadline(const char *text, enum filter_token_kind compare,
				  struct filter_node *node)
{
	node->compare = compare;
	node->never = !strcmp(text, "never");
	if (node->never) {
		if (compare != TOKEN_EQ && compare != TOKEN_NE)
			return "goes with = or != only";
	} else if (text_parse_span(text, &node->ms)) {
		return "is no time span: use a number with ms, s, m, h or d, as 1m30s, or never";
	}
	return NULL;
}

/* Below the cgroup2 mount, with one slash at the front and none at the end. */
const char *filter_value_cgroup(const char *text, struct filter_node *node)
{
	static const char mount[] = "/sys/fs/cgroup";
	size_t length;

	if (!strncmp(text, mount, sizeof(mount) - 1) &&
	    (text[sizeof(mount) - 1] == '/' || !text[sizeof(mount) - 1]))
		text += sizeof(mount) - 1;
	text += strspn(text, "/");
	length = strlen(text);
	while (length && text[length - 1] == '/')
		length--;
	if (strchr(text, '*') && length + 1 > GLOB_MAX)
		return "is too long a pattern: at most 1024 bytes";
	node->text = malloc(length + 2);
	if (!node->text)
		return filter_no_memory;
	node->text[0] = '/';
	memcpy(node->text + 1, text, length);
	node->text[length + 1] = '\0';
	return NULL;
}

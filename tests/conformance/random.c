// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scenarios drawn from the space of parameters, and made smaller when they disagree.
 * Receives a seed; hands rows to main.c.
 */
#include <stdarg.h>
#include <stdlib.h>
#include "conformance.h"

/* splitmix64: each row has a stream of its own, so that one can be drawn again alone. */
static uint64_t random_state;

static uint64_t draw_bits(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static unsigned int draw(unsigned int low, unsigned int high)
{
	return low + (unsigned int)(draw_bits() % (high - low + 1));
}

static bool chance(unsigned int percent)
{
	return draw(1, 100) <= percent;
}

/* Durations spread over the orders of magnitude that the kernel's timers span. */
static unsigned int draw_ms(unsigned int low, unsigned int high)
{
	unsigned int span = low;

	while (span < high && chance(75))
		span *= 2;
	return draw(low, span < high ? span : high);
}

struct text {
	char *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->at, text->left, format, args);
	va_end(args);
	if (len > 0 && (size_t)len < text->left) {
		text->at += len;
		text->left -= (size_t)len;
	}
}

/*
 * On a host, where seconds are real, what was drawn is made short: of two words that set the same, the
 * later holds.
 */
static void draw_short(struct text *set, const char *settings)
{
	bool keep = strstr(settings, "KEEPALIVE"), ut = strstr(settings, "user_timeout");

	put(set, "retries2=%u orphan_retries=%u synack_retries=%u syn_retries=%u fin_timeout=%u ",
	    draw(2, 4), draw(1, 3), draw(0, 1), draw(1, 2), draw(1, 3));
	if (keep)
		put(set, "KEEPIDLE=%u KEEPINTVL=%u KEEPCNT=%u ", draw(1, 2), draw(1, 2),
		    draw(1, 3));
	if (ut || chance(30))
		put(set, "user_timeout=%u ", draw_ms(1000, 4000));
	if (strstr(settings, "SYNCNT"))
		put(set, "SYNCNT=%u ", draw(1, 2));
	if (strstr(settings, "syn_linear"))
		put(set, "syn_linear=%u ", draw(0, 2));
	if (strstr(settings, "LINGER2"))
		put(set, "LINGER2=%u ", draw(1, 4));
	if (strstr(settings, "rtt="))
		put(set, "rtt=%u ", draw(5, 80));
	if (strstr(settings, "route_rto_min"))
		put(set, "route_rto_min=%u ", draw_ms(20, 300));
	if (strstr(settings, "rto_min_us"))
		put(set, "rto_min_us=%u ", draw_ms(20, 300) * 1000);
}

/* What any connection may have. An RTO of a few jiffies that ICMP errors hold down fires for hours. */
static void draw_common(struct text *set, const char *peer)
{
	bool answers = *peer && strcmp(peer, "shrink ");

	if (chance(40))
		put(set, "retries2=%u ", draw(0, 17));
	if (chance(10))
		put(set, "retries1=%u ", draw(1, 8));
	/* The engine takes answers to come before the timer's next firing. */
	if (chance(40))
		put(set, "user_timeout=%u ", draw_ms(answers ? 1000 : 1, 900000));
	if (chance(40))
		put(set, "sack=0 ");
	if (chance(20))
		put(set, "rtt=%u ", draw_ms(1, answers ? 150 : 900));
	if (chance(15))
		put(set, "thin=1 ");
	if (chance(15))
		put(set, "route_rto_min=%u ", draw_ms(answers ? 200 : 4, 2000));
	else if (!answers && observe_version >= 0x060b00 && chance(15))
		put(set, "rto_min_us=%u ", draw_ms(4, 2000) * 1000);
	if (observe_version >= 0x060f00 && chance(25))
		put(set, chance(50) ? "rto_max_ms=%u " : "RTO_MAX_MS=%u ", draw_ms(1000, 120000));
	if (chance(25))
		put(set, "orphan_retries=%u ", draw(0, 12));
	if (chance(10))
		put(set, "early_retrans=0 ");
	if (chance(10))
		put(set, "ts=1 ");
	if (chance(25))
		put(set, "KEEPALIVE=1 KEEPIDLE=%u KEEPINTVL=%u KEEPCNT=%u ", draw_ms(1, 2000),
		    draw_ms(1, 300), draw(1, 12));
}

/* The stated moment: at once, after k firings, or between two; with an option changed just before. */
static void draw_moment(struct text *play, unsigned int firings)
{
	if (chance(50))
		put(play, "event=%u ", draw(1, firings));
	if (chance(15))
		put(play, "wait=%u ", draw(1, 900));
	if (chance(15))
		put(play, "user_timeout=%u ", draw_ms(1, observe_guest ? 300000 : 4000));
	if (chance(8))
		put(play, "retries2=%u ", draw(0, observe_guest ? 12 : 4));
	put(play, "snap");
}

static void draw_syn(struct row *row, struct text *set, struct text *play)
{
	row->timer = TCPTIMER_TIMER_SYN;
	if (chance(40))
		put(set, "syn_retries=%u ", draw(1, 12));
	if (chance(40))
		put(set, "SYNCNT=%u ", draw(1, 12));
	if (chance(40))
		put(set, "user_timeout=%u ", draw_ms(1, 300000));
	if (observe_version >= 0x060500 && chance(50))
		put(set, "syn_linear=%u ", draw(0, 8));
	if (observe_version >= 0x060f00 && chance(30))
		put(set, "rto_max_ms=%u ", draw_ms(1000, 120000));
	put(play, "syn ");
	if (chance(20))
		put(play, chance(50) ? "resets " : "unreachable ");
	else if (chance(40))
		put(play, "event=1 ");
	put(play, "snap");
}

static void draw_synack(struct row *row, struct text *set, struct text *play)
{
	bool child = chance(30);

	row->timer = TCPTIMER_TIMER_SYNACK;
	if (chance(60))
		put(set, "synack_retries=%u ", draw(0, 9));
	if (chance(30))
		put(set, "SYNCNT=%u ", draw(1, 9));
	if (observe_version >= 0x060f00 && chance(30))
		put(set, "rto_max_ms=%u ", draw_ms(1000, 120000));
	if (child)
		put(set, "fastopen=0x602 FASTOPEN=16 ");
	put(play, child ? "listen half=10 accept " : "listen half ");
	put(play, "snap");
}

static void draw_data(struct row *row, struct text *set, struct text *play)
{
	static const char *const peers[] = { "",      "",        "",       "", "unreachable ",
					     "acks ", "resets ", "shrink " };

	const char *peer = peers[draw(0, 7)];

	row->timer = TCPTIMER_TIMER_RETRANS;
	draw_common(set, peer);
	if (!observe_guest && !strcmp(peer, "shrink ")) /* two minutes, else */
		put(set, "user_timeout=%u ", draw_ms(50, 4000));
	put(play, chance(20) ? "listen passive " : "connect ");
	if (chance(10))
		put(play, "fin ");
	put(play, "segments=%u ", draw(1, 6));
	if (chance(25))
		put(play, "close ");
	put(play, "%s", peer);
	if (chance(20))
		put(play, "wait=%u ", draw(1, 400));
	put(play, "snap");
}

static void draw_probe0(struct row *row, struct text *set, struct text *play)
{
	static const char *const peers[] = {
		"", "", "", "zero ", "zero ", "unreachable ", "resets "
	};

	const char *peer = peers[draw(0, 6)];

	row->timer = TCPTIMER_TIMER_PROBE0;
	draw_common(set, peer);
	put(play, "connect send=1 win=0 send=10 %s", peer);
	if (chance(30))
		put(play, "close ");
	put(play, "snap");
}

static void draw_keepalive(struct row *row, struct text *set, struct text *play)
{
	static const char *const peers[] = { "", "", "", "acks ", "unreachable ", "resets " };

	const char *peer = peers[draw(0, 5)];

	row->timer = TCPTIMER_TIMER_KEEPALIVE;
	draw_common(set, peer);
	put(set, "KEEPALIVE=1 KEEPIDLE=%u KEEPINTVL=%u KEEPCNT=%u ", draw_ms(1, 3000),
	    draw_ms(1, 300), draw(1, 20));
	put(play, "connect %s", peer);
	if (chance(20))
		put(play, "wait=%u rule:KEEPIDLE=%u ", draw(1, 900),
		    observe_guest ? draw_ms(1, 300) : draw(1, 3));
	put(play, "snap");
}

static void draw_close(struct row *row, struct text *set, struct text *play)
{
	row->timer = TCPTIMER_TIMER_FIN_WAIT2;
	if (chance(60))
		put(set, "fin_timeout=%u ", draw_ms(1, 400));
	if (chance(50))
		put(set, "LINGER2=%u ", draw_ms(1, 120));
	if (chance(30))
		put(set, "rtt=%u ", draw_ms(1, 900));
	put(play, "connect %s win=65535 ", chance(30) ? "shutdown" : "close");
	if (observe_guest && chance(25))
		put(play, "fin "); /* TIME_WAIT: a minute */
	put(play, "snap");
}

/* The middle of what is under way: the trial's own timer may not fire that often. */
static void draw_middle(struct row *row, struct text *set, struct text *play)
{
	row->timer = chance(50) ? TCPTIMER_TIMER_RETRANS : TCPTIMER_TIMER_PROBE0;
	put(set, "retries2=%u ", draw(8, 15));
	if (chance(40))
		put(set, "rtt=%u ", draw_ms(1, 500));
	if (chance(40))
		put(set, "sack=0 ");
	if (chance(20))
		put(set, "thin=1 ");
	if (row->timer == TCPTIMER_TIMER_RETRANS)
		put(play, "connect send=%u ", draw(1, 3000));
	else
		put(play, "connect send=1 win=0 send=10 ");
	draw_moment(play, observe_guest ? 6 : 2);
}

void random_row(uint64_t seed, unsigned int index, struct row *ret_row)
{
	static char name[32], settings[TRIAL_TEXT], play[TRIAL_TEXT];
	static void (*const kinds[])(struct row *, struct text *, struct text *) = {
		draw_syn,    draw_synack,    draw_data,  draw_data,   draw_probe0,
		draw_probe0, draw_keepalive, draw_close, draw_middle, draw_middle,
	};
	struct text set = { settings, sizeof(settings) }, does = { play, sizeof(play) };

	random_state = seed * 1000003 + index;
	*settings = *play = '\0';
	snprintf(name, sizeof(name), "random %u", index);
	*ret_row = (struct row){
		.name = name,
		.families = chance(30) ? FAMILY_6 : FAMILY_4,
		.settings = settings,
		.play = play,
	};
	kinds[draw(0, sizeof(kinds) / sizeof(kinds[0]) - 1)](ret_row, &set, &does);
	if (!observe_guest)
		draw_short(&set, settings);
}

/* ---- shrinking: without one word of the settings or, of the play, of what is not needed */

#define SHRINK_ROUNDS 4
#define SHRINK_LIMIT_S (observe_guest ? RUN_GUEST_S : 15)

static size_t shrink_words(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text != ' ' && (text[1] == ' ' || !text[1]);
	return count;
}

/* The text without its word number `skip`. */
static void shrink_copy(const char *text, size_t skip, char *ret_text)
{
	size_t at = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (len && at++ != skip) {
			memcpy(ret_text, text, len);
			ret_text += len;
			*ret_text++ = ' ';
		}
		text += len + strspn(text + len, " ");
	}
	*ret_text = '\0';
}

static struct trial *shrink_variant(const struct trial *trial, size_t skip)
{
	char settings[TRIAL_TEXT], play[TRIAL_TEXT];
	size_t words = shrink_words(trial->settings);
	struct trial *variant = malloc(sizeof(*variant));

	shrink_copy(trial->settings, skip, settings);
	shrink_copy(trial->play, skip >= words ? skip - words : SIZE_MAX, play);
	if (!variant || !trial_vary(variant, trial, settings, play)) {
		free(variant);
		return NULL;
	}
	return variant;
}

/* The same words, whatever the numbers in them. */
static bool shrink_alike(const char *a, const char *b)
{
	static const char digits[] = "-0123456789";

	while (*a && *b) {
		a += strspn(a, digits);
		b += strspn(b, digits);
		if (*a != *b)
			return false;
		a += *a != 0;
		b += *b != 0;
	}
	return *a == *b;
}

void random_shrink(const struct trial *trial)
{
	const struct trial *smallest = trial;
	unsigned int round;

	for (round = 0; round < SHRINK_ROUNDS; round++) {
		size_t words = shrink_words(smallest->settings) + shrink_words(smallest->play);
		struct trial *variants[2 * TRIAL_WORDS], *found = NULL;
		size_t count = 0, i;

		for (i = 0; i < words && count < 2 * TRIAL_WORDS; i++) {
			variants[count] = shrink_variant(smallest, i);
			count += variants[count] != NULL;
		}
		run_trials(variants, count, SHRINK_LIMIT_S);
		for (i = 0; i < count; i++) {
			/* A play that can't be played is no disagreement. */
			if (variants[i]->verdict == VERDICT_FAILED && variants[i]->held &&
			    shrink_alike(variants[i]->reason, smallest->reason))
				found = variants[i];
			trial_down(variants[i]);
		}
		if (!found)
			break;
		smallest = found;
	}
	printf("%s, made smaller: settings \"%s\" play \"%s\": %s\n", trial->name,
	       smallest->settings, smallest->play, smallest->reason);
	report_disagreement(stdout, smallest, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cgroup path patterns: all ways through the pattern are followed at once, so that no pattern and
 * no path, however hostile, takes longer than the product of their lengths.
 * Receives a pattern and a path; hands back whether they match. Pure.
 */
#include <stdint.h>
#include <string.h>
#include "glob.h"

/* What stands at a place of the pattern. */
enum step_kind {
	STEP_CHAR,  /* this character */
	STEP_STAR,  /* any characters but a slash */
	STEP_ANY,   /* any characters */
	STEP_GATE,  /* between names: go on, or take another name (the STEP_NAME that follows) */
	STEP_NAME,  /* within a name that is taken; its slash leads back to the gate */
	STEP_END,   /* matched, if the path ends here */
	STEP_BELOW, /* matched, if the path ends here or has a slash here */
};

struct step {
	uint8_t kind;
	char c;
};

static size_t glob_compile(const char *pattern, struct step steps[GLOB_MAX + 2])
{
	size_t count = 0;
	char before = '\0';

	for (const char *p = pattern; *p; before = p[-1]) {
		if (*p == '/' && !strcmp(p, "/**")) {
			steps[count++].kind = STEP_BELOW;
			return count;
		}
		if (before == '/' && !strncmp(p, "**/", 3)) {
			steps[count++].kind = STEP_GATE;
			steps[count++].kind = STEP_NAME;
			p += 3;
		} else if (p[0] == '*' && p[1] == '*') {
			steps[count++].kind = STEP_ANY;
			p += 2;
		} else {
			steps[count].kind = *p == '*' ? STEP_STAR : STEP_CHAR;
			steps[count++].c = *p++;
		}
	}
	steps[count++].kind = STEP_END;
	return count;
}

/* The places that all ways have come to: each once. */
struct places {
	size_t count;
	unsigned short list[GLOB_MAX + 2];
};

struct ways {
	const struct step *steps;
	size_t count;
	unsigned int turn;               /* counts the path's characters */
	unsigned int seen[GLOB_MAX + 2]; /* the turn that a place was last come to */
	struct places now, next;
	bool ended; /* at the last step */
};

/* Come to a place, and to those beyond it that take no character to reach. */
static void ways_add(struct ways *ways, struct places *places, size_t at)
{
	while (ways->seen[at] != ways->turn) {
		ways->seen[at] = ways->turn;
		places->list[places->count++] = (unsigned short)at;
		ways->ended |= at == ways->count - 1;
		if (ways->steps[at].kind == STEP_STAR || ways->steps[at].kind == STEP_ANY)
			at++;
		else if (ways->steps[at].kind == STEP_GATE)
			at += 2;
	}
}

/* Where `c` leads from a place; `count` when nowhere. */
static size_t step_take(const struct ways *ways, size_t at, char c)
{
	switch ((enum step_kind)ways->steps[at].kind) {
	case STEP_CHAR:
		return c == ways->steps[at].c ? at + 1 : ways->count;
	case STEP_STAR:
		return c != '/' ? at : ways->count;
	case STEP_ANY:
		return at;
	case STEP_GATE:
		return c != '/' ? at + 1 : ways->count;
	case STEP_NAME:
		return c == '/' ? at - 1 : at;
	case STEP_END:
	case STEP_BELOW:
		break;
	}
	return ways->count;
}

static void ways_take(struct ways *ways, char c)
{
	ways->next.count = 0;
	ways->ended = false;
	ways->turn++;
	for (size_t i = 0; i < ways->now.count; i++) {
		size_t to = step_take(ways, ways->now.list[i], c);

		if (to < ways->count)
			ways_add(ways, &ways->next, to);
	}
	ways->now.count = ways->next.count;
	memcpy(ways->now.list, ways->next.list, ways->next.count * sizeof(ways->next.list[0]));
}

static bool glob_run(const struct step *steps, size_t count, const char *path)
{
	bool below = steps[count - 1].kind == STEP_BELOW;
	struct ways ways;

	ways.steps = steps;
	ways.count = count;
	ways.turn = 1;
	ways.now.count = 0;
	ways.ended = false;
	memset(ways.seen, 0, count * sizeof(ways.seen[0]));
	ways_add(&ways, &ways.now, 0);
	for (; *path && ways.now.count; path++) {
		if (below && ways.ended && *path == '/')
			return true;
		ways_take(&ways, *path);
	}
	return ways.ended;
}

/* What stands behind the last star is the path's end: most paths are told apart by that. */
static bool tail_matches(const char *pattern, const char *path)
{
	const char *tail = strrchr(pattern, '*') + 1;
	size_t tail_length = strlen(tail), length = strlen(path);

	return length >= tail_length && !memcmp(path + length - tail_length, tail, tail_length);
}

bool glob_match(const char *pattern, const char *path)
{
	struct step steps[GLOB_MAX + 2];
	size_t literal = strcspn(pattern, "*");

	if (!pattern[literal])
		return !strcmp(pattern, path);
	/* The slash before the stars is theirs: a path may end before it. */
	if (literal) {
		literal--;
		if (strncmp(pattern, path, literal))
			return false;
		pattern += literal;
		path += literal;
	}
	if (strlen(pattern) > GLOB_MAX || !tail_matches(pattern, path))
		return false;
	return glob_run(steps, glob_compile(pattern, steps), path);
}

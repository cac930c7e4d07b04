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

/* Places that are reached without taking a character. Steps lead forwards only: one pass does. */
static void glob_skip(const struct step *steps, size_t count, uint8_t *at)
{
	for (size_t i = 0; i < count; i++) {
		if (!at[i])
			continue;
		if (steps[i].kind == STEP_STAR || steps[i].kind == STEP_ANY)
			at[i + 1] = 1;
		else if (steps[i].kind == STEP_GATE)
			at[i + 2] = 1;
	}
}

/* Take one character from every place in `at`; returns whether any place is left. */
static bool glob_take(const struct step *steps, size_t count, char c, const uint8_t *at,
		      uint8_t *next)
{
	bool any = false;

	memset(next, 0, count);
	for (size_t i = 0; i < count; i++) {
		size_t to = count;

		if (!at[i])
			continue;
		switch ((enum step_kind)steps[i].kind) {
		case STEP_CHAR:
			to = c == steps[i].c ? i + 1 : count;
			break;
		case STEP_STAR:
			to = c != '/' ? i : count;
			break;
		case STEP_ANY:
			to = i;
			break;
		case STEP_GATE:
			to = c != '/' ? i + 1 : count;
			break;
		case STEP_NAME:
			to = c == '/' ? i - 1 : i;
			break;
		case STEP_END:
		case STEP_BELOW:
			break;
		}
		if (to < count)
			next[to] = 1;
		any |= to < count;
	}
	return any;
}

bool glob_match(const char *pattern, const char *path)
{
	struct step steps[GLOB_MAX + 2];
	uint8_t places[2][GLOB_MAX + 2] = { { 1 } };
	size_t count, literal = strcspn(pattern, "*");
	unsigned int now = 0;

	if (!pattern[literal])
		return !strcmp(pattern, path);
	/* The slash before the stars is theirs: a path may end before it. */
	if (literal && strncmp(pattern, path, literal - 1))
		return false;
	if (strlen(pattern) > GLOB_MAX)
		return false;
	count = glob_compile(pattern, steps);
	glob_skip(steps, count, places[now]);
	for (; *path; path++) {
		if (places[now][count - 1] && steps[count - 1].kind == STEP_BELOW && *path == '/')
			return true;
		if (!glob_take(steps, count, *path, places[now], places[!now]))
			return false;
		now = !now;
		glob_skip(steps, count, places[now]);
	}
	return places[now][count - 1];
}

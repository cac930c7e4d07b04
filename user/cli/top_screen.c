// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The terminal of `top`: ncurses behind a few functions.
 * Receives top_draw()'s lines; hands keys. No colours: bold and reverse are all that is used.
 */
#define NCURSES_WIDECHAR 1
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/top_screen.h"
#include "text.h"
#include <curses.h>
#include <term.h>
#undef lines /* a capability's short name */

#define ESCAPE_MS 25 /* after Esc: what comes within is a key's sequence */

static SCREEN *terminal;

static bool has_string(const char *name)
{
	const char *value = tigetstr((char *)name);

	return value && value != (char *)-1;
}

int top_screen_check(const char **ret_why)
{
	static char why[160];
	const char *term = getenv("TERM");
	char safe[64];
	int known = 0;

	*ret_why = why;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		*ret_why = "`top` needs a terminal";
		return -ENOTTY;
	}
	if (!term || !*term) {
		*ret_why = "`top` needs to know the terminal, and TERM is not set";
		return -ENOTTY;
	}
	text_escape(term, safe, sizeof(safe));
	if (setupterm(NULL, STDOUT_FILENO, &known) != OK) {
		snprintf(why, sizeof(why), "TERM=%s is no terminal that is known here", safe);
		return -ENOTTY;
	}
	if (!has_string("cup") || !has_string("clear")) {
		snprintf(why, sizeof(why), "TERM=%s cannot move its cursor, which `top` needs",
			 safe);
		return -ENOTTY;
	}
	return 0;
}

bool top_screen_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

int top_screen_open(const char **ret_why)
{
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		*ret_why = "the terminal could not be set up";
		return -ENOTTY;
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	return 0;
}

void top_screen_close(void)
{
	if (!terminal)
		return;
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

void top_screen_size(unsigned int *ret_height, unsigned int *ret_width)
{
	int height, width;

	getmaxyx(stdscr, height, width);
	*ret_height = height > 0 ? (unsigned int)height : 1;
	*ret_width = width > 0 ? (unsigned int)width : 1;
}

void top_screen_show(const struct top_screen *screen)
{
	for (unsigned int i = 0; i < screen->height; i++) {
		const struct top_line *line = &screen->lines[i];

		attrset(line->look == TOP_REVERSE ? A_REVERSE :
			line->look == TOP_BOLD    ? A_BOLD :
						    A_NORMAL);
		mvaddstr((int)i, 0, line->text ? line->text : "");
		clrtoeol();
	}
	attrset(A_NORMAL);
	refresh();
}

static const struct {
	int curses;
	uint32_t key;
} special[] = {
	{ KEY_UP, TOP_KEY_UP },         { KEY_DOWN, TOP_KEY_DOWN },
	{ KEY_PPAGE, TOP_KEY_PAGE_UP }, { KEY_NPAGE, TOP_KEY_PAGE_DOWN },
	{ KEY_HOME, TOP_KEY_HOME },     { KEY_END, TOP_KEY_END },
	{ KEY_ENTER, TOP_KEY_ENTER },   { KEY_BACKSPACE, TOP_KEY_BACKSPACE },
};

static uint32_t key_of_special(int curses)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].curses == curses)
			return special[i].key;
	if (curses > KEY_F(0) && curses <= KEY_F(10))
		return TOP_KEY_F1 + (uint32_t)(curses - KEY_F(1));
	return 0;
}

static uint32_t key_of_character(wint_t c)
{
	switch (c) {
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case 27:
		return TOP_KEY_ESCAPE;
	case 8:
	case 127:
		return TOP_KEY_BACKSPACE;
	case 'U' - '@':
		return TOP_KEY_CLEAR;
	default:
		return (uint32_t)c;
	}
}

bool top_screen_key(uint32_t *ret_key)
{
	wint_t c;
	int got = get_wch(&c);

	if (got == ERR)
		return false;
	*ret_key = got == KEY_CODE_YES ? key_of_special((int)c) : key_of_character(c);
	return true;
}

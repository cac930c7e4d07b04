/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal of `top`: ncurses behind a few functions.
 * Receives top_draw()'s lines; hands keys.
 */
#ifndef TCPTIMER_CLI_TOP_SCREEN_H
#define TCPTIMER_CLI_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include "top.h"

/* 0, or -ENOTTY with the reason, printable, when there is no terminal, or none that will do. */
int top_screen_check(const char **ret_why);
/* The locale's characters are UTF-8. */
bool top_screen_utf8(void);
/* Takes the terminal over; as top_screen_check(). */
int top_screen_open(const char **ret_why);
/* Gives it back as it was. */
void top_screen_close(void);
void top_screen_size(unsigned int *ret_height, unsigned int *ret_width);
/* Only what has changed is sent. */
void top_screen_show(const struct top_screen *screen);
/* The next key that waits, as top_key() takes it; false: none. */
bool top_screen_key(uint32_t *ret_key);

#endif

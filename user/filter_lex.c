// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter's words: where each begins, and what it is.
 * Receives the joined expression; hands one token at a time to the parser. Pure.
 */
#include <string.h>
#include "filter_impl.h"

#define BLANKS " \t\n\r\v\f"

static const struct {
	const char *text;
	enum filter_token_kind kind;
} symbols[] = {
	/* the longer of two that begin alike comes first */
	{ "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE }, { "&&", TOKEN_AND }, { "&", TOKEN_AND },
	{ "||", TOKEN_OR },  { "|", TOKEN_OR },    { "!=", TOKEN_NE },  { "!", TOKEN_NOT },
	{ "==", TOKEN_EQ },  { "=", TOKEN_EQ },    { "<=", TOKEN_LE },  { "<", TOKEN_LT },
	{ ">=", TOKEN_GE },  { ">", TOKEN_GT },
}, operators[] = {
	{ "and", TOKEN_AND }, { "or", TOKEN_OR },  { "not", TOKEN_NOT }, { "eq", TOKEN_EQ },
	{ "ne", TOKEN_NE },   { "neq", TOKEN_NE }, { "lt", TOKEN_LT },   { "le", TOKEN_LE },
	{ "leq", TOKEN_LE },  { "gt", TOKEN_GT },  { "ge", TOKEN_GE },   { "geq", TOKEN_GE },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct filter_token lex_quoted(const char *expression, size_t start)
{
	const char *text = expression + start + 1;
	const char *end = strchr(text, '"');
	struct filter_token token = {
		.kind = TOKEN_WORD, .start = start, .text = text, .quoted = true
	};

	if (!end) {
		token.kind = TOKEN_UNCLOSED;
		token.length = strlen(text) + 1;
		return token;
	}
	token.text_length = (size_t)(end - text);
	token.length = token.text_length + 2;
	return token;
}

struct filter_token filter_lex(const char *expression, size_t from)
{
	size_t start = from + strspn(expression + from, BLANKS);
	const char *text = expression + start;
	struct filter_token token = { .kind = TOKEN_WORD, .start = start, .text = text };

	if (!*text) {
		token.kind = TOKEN_END;
		return token;
	}
	if (*text == '"')
		return lex_quoted(expression, start);
	for (size_t i = 0; i < COUNT(symbols); i++) {
		size_t length = strlen(symbols[i].text);

		if (!strncmp(text, symbols[i].text, length)) {
			token.kind = symbols[i].kind;
			token.length = length;
			return token;
		}
	}
	token.length = token.text_length = strcspn(text, BLANKS "()!&|=<>");
	for (size_t i = 0; i < COUNT(operators); i++)
		if (strlen(operators[i].text) == token.length &&
		    !memcmp(text, operators[i].text, token.length))
			token.kind = operators[i].kind;
	return token;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter's grammar.
 * Receives the command line's words; hands a tree of conditions to filter.c, or a message. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "filter_impl.h"
#include "text.h"

struct parser {
	const char *expression;
	struct filter_token token; /* the one to be read next */
	unsigned int words;
	unsigned int depth;
	struct filter *filter;
	char *err;
	size_t err_size;
};

/* `quote`: the token stands before the text. Returns -EINVAL. */
static int fail(const struct parser *parser, const struct filter_token *token, bool quote,
		const char *text)
{
	filter_message(parser->expression, token, quote, text, parser->err, parser->err_size);
	return -EINVAL;
}

static int fail_memory(const struct parser *parser)
{
	text_utf8(filter_no_memory, parser->err, parser->err_size);
	return -ENOMEM;
}

/*
 * Words and nodes
 */

static int advance(struct parser *parser)
{
	size_t from = parser->token.start + parser->token.length;

	parser->token = filter_lex(parser->expression, from);
	if (parser->token.kind == TOKEN_UNCLOSED)
		return fail(parser, &parser->token, false, "a quote without its end: add \"");
	if (parser->token.kind != TOKEN_END && ++parser->words > FILTER_WORDS_MAX)
		return fail(parser, &parser->token, false,
			    "the filter is too long: at most 1024 words");
	return 0;
}

static bool at_word(const struct parser *parser, const char *word)
{
	const struct filter_token *token = &parser->token;

	return token->kind == TOKEN_WORD && !token->quoted && token->text_length == strlen(word) &&
	       !memcmp(token->text, word, token->text_length);
}

/* Returns 0 when memory is short. The pointer from node_at() holds until the next node_new(). */
static unsigned int node_new(struct parser *parser, enum filter_kind kind)
{
	struct filter *filter = parser->filter;

	if (filter->count == filter->size) {
		unsigned int size = filter->size ? 2 * filter->size : 8;
		struct filter_node *nodes = realloc(filter->nodes, size * sizeof(*nodes));

		if (!nodes)
			return 0;
		filter->nodes = nodes;
		filter->size = size;
		if (!filter->count)
			filter->nodes[filter->count++] = (struct filter_node){ 0 };
	}
	filter->nodes[filter->count] = (struct filter_node){ .kind = kind };
	return filter->count++;
}

static struct filter_node *node_at(const struct parser *parser, unsigned int node)
{
	return &parser->filter->nodes[node];
}

/*
 * Conditions
 */

enum condition_value { VALUE_NONE, VALUE_TEXT, VALUE_EQUAL, VALUE_COMPARE };

static const struct condition {
	const char *word;
	enum filter_kind kind;
	enum condition_value value; /* none; a word; with = or !=; with any comparison */
	bool remote;
	bool text;           /* a value may be long, or quoted */
	const char *lacking; /* what to say when no value follows */
} conditions[] = {
	{ "stalled", FILTER_STALLED, VALUE_NONE, false, false, NULL },
	{ "timer", FILTER_TIMER, VALUE_EQUAL, false, false, "needs a name: timer retrans" },
	{ "sport", FILTER_PORT, VALUE_COMPARE, false, false, "needs a port: sport = :443" },
	{ "dport", FILTER_PORT, VALUE_COMPARE, true, false, "needs a port: dport = :443" },
	{ "src", FILTER_HOST, VALUE_EQUAL, false, false, "needs an address: src 10.0.0.0/8" },
	{ "dst", FILTER_HOST, VALUE_EQUAL, true, false, "needs an address: dst 10.0.0.0/8" },
	{ "cgroup", FILTER_CGROUP, VALUE_EQUAL, false, true, "needs a path: cgroup /system.slice" },
	{ "netns", FILTER_NETNS, VALUE_EQUAL, false, true, "needs a number or a name: netns web" },
	{ "pid", FILTER_PID, VALUE_EQUAL, false, false, "needs a number: pid 1234" },
	{ "deadline", FILTER_DEADLINE, VALUE_COMPARE, false, false,
	  "needs a comparison and a time: deadline < 30s" },
};

#define UNKNOWN                                                                                    \
	"is no condition: use state, exclude, stalled, timer, sport, dport, src, dst, cgroup, "    \
	"netns, pid or deadline"

const char *filter_word_at(size_t index)
{
	static const char *const others[] = { "state", "exclude", "and", "or", "not" };
	size_t count = sizeof(conditions) / sizeof(conditions[0]);

	if (index < count)
		return conditions[index].word;
	index -= count;
	return index < sizeof(others) / sizeof(others[0]) ? others[index] : NULL;
}

static const struct condition *find_condition(const struct parser *parser)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (at_word(parser, conditions[i].word))
			return &conditions[i];
	return NULL;
}

/* The token at hand as a terminated word: what is at hand must be one, and not too long. */
static int take_value(const struct parser *parser, const struct filter_token *subject,
		      const char *lacking, char *value, size_t size)
{
	const struct filter_token *token = &parser->token;

	if (token->kind != TOKEN_WORD)
		return fail(parser, token->kind == TOKEN_END ? subject : token,
			    token->kind == TOKEN_END, lacking);
	if (token->text_length >= size)
		return fail(parser, token, true, "is too long");
	memcpy(value, token->text, token->text_length);
	value[token->text_length] = '\0';
	return 0;
}

/* state A exclude B state C: one condition, as in ss; a list that begins with exclude is of all. */
static int parse_states(struct parser *parser, unsigned int *ret_node)
{
	unsigned int node = node_new(parser, FILTER_STATES);
	uint32_t mask = at_word(parser, "exclude") ? UINT32_MAX : 0;
	char value[FILTER_VALUE_MAX];

	if (!node)
		return fail_memory(parser);
	while (at_word(parser, "state") || at_word(parser, "exclude")) {
		struct filter_token subject = parser->token;
		bool exclude = at_word(parser, "exclude");
		uint32_t named = 0;
		const char *wrong;
		int err = advance(parser);

		if (!err)
			err = take_value(parser, &subject, "needs a name: state established", value,
					 sizeof(value));
		if (err)
			return err;
		wrong = filter_value_state(value, &named);
		if (wrong)
			return fail(parser, &parser->token, true, wrong);
		mask = exclude ? mask & ~named : mask | named;
		err = advance(parser);
		if (err)
			return err;
	}
	node_at(parser, node)->mask = mask;
	*ret_node = node;
	return 0;
}

static const char *fill_node(const struct condition *condition, const char *value,
			     enum filter_token_kind compare, struct filter_node *node)
{
	node->remote = condition->remote;
	if (condition->value == VALUE_EQUAL)
		node->negate = compare == TOKEN_NE;
	switch (condition->kind) {
	case FILTER_TIMER:
		return filter_value_timer(value, node);
	case FILTER_PORT:
		return filter_value_ports(value, compare, node);
	case FILTER_HOST:
		return filter_value_host(value, node);
	case FILTER_CGROUP:
		return filter_value_cgroup(value, node);
	case FILTER_NETNS:
		return filter_value_netns(value, node);
	case FILTER_PID:
		return filter_value_pid(value, node);
	default:
		return filter_value_deadline(value, compare, node);
	}
}

/* The comparison at hand, if there is one, else `=`. */
static int parse_compare(struct parser *parser, const struct condition *condition,
			 enum filter_token_kind *ret_compare)
{
	enum filter_token_kind kind = parser->token.kind;

	*ret_compare = TOKEN_EQ;
	if (kind < TOKEN_EQ || kind > TOKEN_GE) {
		if (condition->kind == FILTER_DEADLINE)
			return fail(parser, &parser->token, false,
				    "deadline needs a comparison and "
				    "a time: deadline < 30s");
		return 0;
	}
	if (condition->value == VALUE_EQUAL && kind != TOKEN_EQ && kind != TOKEN_NE)
		return fail(parser, &parser->token, false,
			    "only ports and deadlines are less or greater: use = or !=");
	*ret_compare = kind;
	return advance(parser);
}

static int parse_condition(struct parser *parser, unsigned int *ret_node)
{
	const struct condition *condition = find_condition(parser);
	struct filter_token subject = parser->token;
	enum filter_token_kind compare;
	char value[4096 + 1]; /* PATH_MAX */
	const char *wrong;
	int err;

	if (subject.kind != TOKEN_WORD)
		return fail(parser, &subject, false,
			    "a condition is missing here, such as stalled");
	if (at_word(parser, "state") || at_word(parser, "exclude"))
		return parse_states(parser, ret_node);
	if (!condition)
		return fail(parser, &subject, true, UNKNOWN);
	*ret_node = node_new(parser, condition->kind);
	if (!*ret_node)
		return fail_memory(parser);
	err = advance(parser);
	if (err || condition->value == VALUE_NONE)
		return err;
	err = parse_compare(parser, condition, &compare);
	if (!err)
		err = take_value(parser, &subject, condition->lacking, value,
				 condition->text ? sizeof(value) : FILTER_VALUE_MAX);
	if (err)
		return err;
	wrong = fill_node(condition, value, compare, node_at(parser, *ret_node));
	if (wrong == filter_no_memory)
		return fail_memory(parser);
	if (wrong)
		return fail(parser, &parser->token, true, wrong);
	return advance(parser);
}

/*
 * The grammar: or, and, not, in the order of ss(8)
 */

static int parse_or(struct parser *parser, unsigned int *ret_node);

static int parse_group(struct parser *parser, unsigned int *ret_node)
{
	struct filter_token open = parser->token;
	int err;

	if (++parser->depth > FILTER_DEPTH_MAX)
		return fail(parser, &open, false, "parentheses are nested too deeply: at most 64");
	err = advance(parser);
	if (!err)
		err = parse_or(parser, ret_node);
	if (err)
		return err;
	if (parser->token.kind != TOKEN_CLOSE)
		return fail(parser, parser->token.kind == TOKEN_END ? &open : &parser->token, false,
			    "a parenthesis is not closed: add )");
	parser->depth--;
	return advance(parser);
}

static int parse_not(struct parser *parser, unsigned int *ret_node)
{
	bool negate = false;
	int err;

	for (; parser->token.kind == TOKEN_NOT; negate = !negate) {
		err = advance(parser);
		if (err)
			return err;
	}
	if (parser->token.kind == TOKEN_OPEN)
		err = parse_group(parser, ret_node);
	else
		err = parse_condition(parser, ret_node);
	if (!err && negate)
		node_at(parser, *ret_node)->negate = !node_at(parser, *ret_node)->negate;
	return err;
}

/* One operand stands for itself; with more, they become children of a new node. */
static int join(struct parser *parser, enum filter_kind kind, unsigned int operand,
		unsigned int *node, unsigned int *last)
{
	if (!*node) {
		*node = operand;
		return 0;
	}
	if (!*last) {
		unsigned int parent = node_new(parser, kind);

		if (!parent)
			return fail_memory(parser);
		node_at(parser, parent)->child = *node;
		*last = *node;
		*node = parent;
	}
	node_at(parser, *last)->next = operand;
	*last = operand;
	return 0;
}

static int parse_and(struct parser *parser, unsigned int *ret_node)
{
	unsigned int node = 0, last = 0, operand;
	int err;

	do {
		if (node && parser->token.kind == TOKEN_AND) {
			err = advance(parser);
			if (err)
				return err;
		}
		err = parse_not(parser, &operand);
		if (!err)
			err = join(parser, FILTER_AND, operand, &node, &last);
		if (err)
			return err;
	} while (parser->token.kind != TOKEN_OR && parser->token.kind != TOKEN_CLOSE &&
		 parser->token.kind != TOKEN_END);
	*ret_node = node;
	return 0;
}

static int parse_or(struct parser *parser, unsigned int *ret_node)
{
	unsigned int node = 0, last = 0, operand;
	int err = parse_and(parser, &operand);

	while (!err) {
		err = join(parser, FILTER_OR, operand, &node, &last);
		if (err || parser->token.kind != TOKEN_OR)
			break;
		err = advance(parser);
		if (!err)
			err = parse_and(parser, &operand);
	}
	*ret_node = node;
	return err;
}

static int parse_expression(struct parser *parser)
{
	int err = advance(parser);

	if (err || parser->token.kind == TOKEN_END)
		return err;
	err = parse_or(parser, &parser->filter->root);
	if (!err && parser->token.kind == TOKEN_CLOSE)
		err = fail(parser, &parser->token, false, "a parenthesis was not opened: remove )");
	return err;
}

/* The words joined by blanks. NULL when memory is short or, with -EINVAL, they are too many. */
static char *join_words(int argc, char *const argv[], int *ret_err)
{
	size_t length = 0, used = 0;
	char *text;

	*ret_err = -ENOMEM;
	for (int i = 0; i < argc; i++) {
		length += strlen(argv[i]) + 1;
		if (length > FILTER_TEXT_MAX) {
			*ret_err = -EINVAL;
			return NULL;
		}
	}
	text = malloc(length + 1);
	if (!text)
		return NULL;
	for (int i = 0; i < argc; i++) {
		size_t word = strlen(argv[i]);

		memcpy(text + used, argv[i], word);
		used += word;
		text[used++] = ' ';
	}
	text[used ? used - 1 : 0] = '\0';
	*ret_err = 0;
	return text;
}

int filter_parse(int argc, char *const argv[], struct filter **ret_filter, char *err,
		 size_t err_size)
{
	struct parser parser = { .err = err, .err_size = err_size };
	char *text;
	int ret;

	if (!argv)
		argc = 0;
	text = join_words(argc, argv, &ret);
	if (!text) {
		text_utf8(ret == -ENOMEM ? filter_no_memory :
					   "the filter is too long: at most 64 KiB",
			  err, err_size);
		return ret;
	}
	parser.expression = text;
	parser.filter = calloc(1, sizeof(*parser.filter));
	ret = parser.filter ? parse_expression(&parser) : fail_memory(&parser);
	free(text);
	if (ret) {
		filter_free(parser.filter);
		return ret;
	}
	filter_find_hints(parser.filter);
	*ret_filter = parser.filter;
	return 0;
}

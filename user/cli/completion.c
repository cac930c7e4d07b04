// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `tcptimer --completion`: bash completion, made from the tables that the commands are made from.
 * Receives the tables of commands, settings, conditions and words; hands a script to stdout.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/commands.h"
#include "settings.h"

/* What stands before the lists; a word of KEY=VALUE comes as three, since = divides words for bash. */
static const char completion_head[] =
	"# bash completion for tcptimer: made by `tcptimer --completion`, not to be edited\n"
	"_tcptimer_words()\n"
	"{\n"
	"\tlocal word\n"
	"\tfor word in $1; do\n"
	"\t\t[[ $word == \"$2\"* ]] && COMPREPLY+=(\"$word\")\n"
	"\tdone\n"
	"\tif [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *= ]]; then\n"
	"\t\tcompopt -o nospace 2>/dev/null\n"
	"\tfi\n"
	"}\n"
	"_tcptimer_files()\n"
	"{\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tlocal file\n"
	"\twhile IFS= read -r file; do\n"
	"\t\tCOMPREPLY+=(\"$file\")\n"
	"\tdone < <(compgen -f -- \"$1\")\n"
	"}\n"
	"_tcptimer_netns()\n"
	"{\n"
	"\tlocal path\n"
	"\tfor path in /run/netns/*; do\n"
	"\t\t[[ -e $path && ${path##*/} == \"$1\"* ]] && COMPREPLY+=(\"${path##*/}\")\n"
	"\tdone\n"
	"}\n";

static const char completion_begin[] =
	"_tcptimer()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal command=${COMP_WORDS[1]}\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
	"\t\t_tcptimer_words \"$_tcptimer_commands\" \"$cur\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\telse\n"
	"\t\tprev=\" $prev\"\n" /* an option's or condition's value, not a key's */
	"\tfi\n"
	"\tcase \"$command$prev\" in\n";

/* ---- the lists */

static void print_states(void)
{
	unsigned int i;

	/* The last is a request: ss's word for it is the one of SYN_RECV. */
	for (i = 1; i < TCPTIMER_STATE_NEW_SYN_RECV; i++)
		printf("%s%s", i > 1 ? " " : "", tcptimer_state_name(i));
}

static void print_timers(void)
{
	unsigned int i;

	for (i = 0; i < TCPTIMER_TIMER_COUNT; i++)
		printf("%s%s", i ? " " : "", tcptimer_timer_name(i));
}

static void print_peers(void)
{
	unsigned int i;

	for (i = 0; i < TCPTIMER_PEER_COUNT; i++)
		printf("%s%s", i ? " " : "", tcptimer_peer_name(i));
}

static void print_kernels(void)
{
	const struct tcptimer_profile *profile;
	size_t i;

	for (i = 0; (profile = tcptimer_profile_at(i)); i++)
		printf("%s%s", i ? " " : "", profile->name);
}

static void print_settings(void)
{
	const struct setting *setting;
	size_t i;

	for (i = 0; (setting = setting_at(i)); i++)
		printf("%s%s=", i ? " " : "", setting->name);
}

static void print_filter(void)
{
	const char *word;
	size_t i;

	for (i = 0; (word = filter_word_at(i)); i++)
		printf("%s%s", i ? " " : "", word);
}

static void print_commands(void)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		printf("%s%s", i ? " " : "", commands[i].name);
	fputs(" help", stdout);
}

static const struct {
	const char *name;
	void (*print)(void);
} lists[] = {
	{ "commands", print_commands }, { "states", print_states },
	{ "timers", print_timers },     { "peers", print_peers },
	{ "kernels", print_kernels },   { "settings", print_settings },
	{ "filter", print_filter },
};

/* ---- what the lines of a command's help say */

struct help_word {
	const char *text;
	size_t length;
	const char *value; /* of an option: "FILE"; NULL: none */
	size_t value_length;
};

static bool is_upper_word(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!isupper((unsigned char)text[i]) && text[i] != '=')
			return false;
	return length > 0;
}

/*
 * The next word of a line's left part; "-N, --netns NS  one network namespace" has two, both with the
 * value NS. The left part ends with two blanks, or with the first word that is neither.
 */
static const char *help_next(const char *at, struct help_word *ret)
{
	size_t length = strcspn(at, " ,\n");
	const char *after = at + length;

	*ret = (struct help_word){ .text = at, .length = length };
	if (!length)
		return NULL;
	if (after[0] == ',' && after[1] == ' ')
		return after + 2;
	if (after[0] == ' ' && at[0] == '-') {
		size_t value = strcspn(after + 1, " \n");

		if (is_upper_word(after + 1, value)) {
			ret->value = after + 1;
			ret->value_length = value;
		}
	}
	return NULL;
}

/* Calls fn for each option, key ("state=") and subcommand of the command's help. */
static void help_each(const struct command *command,
		      void (*fn)(const struct command *command, const struct help_word *word))
{
	const char *line, *at;

	for (line = command->options; *line; line = strchr(line, '\n') + 1) {
		struct help_word words[4];
		size_t count = 0, i;

		if (strncmp(line, "  ", 2) || line[2] == ' ')
			continue; /* goes on with the line before */
		for (at = line + 2; at && count < 4; count++)
			at = help_next(at, &words[count]);
		for (i = 0; i < count; i++) {
			if (!words[i].value && count) {
				words[i].value = words[count - 1].value;
				words[i].value_length = words[count - 1].value_length;
			}
			fn(command, &words[i]);
		}
	}
}

static void print_offer(const struct command *command, const struct help_word *word)
{
	const char *equals = memchr(word->text, '=', word->length);

	if (word->text[0] == '-' || (!equals && islower((unsigned char)word->text[0])))
		printf("%.*s ", (int)word->length, word->text);
	else if (equals && islower((unsigned char)word->text[0]))
		printf("%.*s ", (int)(equals + 1 - word->text), word->text);
}

/* Values by what the help calls them; others (numbers, addresses) are the user's to know. */
static const struct {
	const char *value;
	const char *action;
} values[] = {
	{ "FILE", "_tcptimer_files \"$cur\"" },
	{ "PATH", "_tcptimer_files \"$cur\"" },
	{ "DIR", "_tcptimer_files \"$cur\"" },
	{ "NS", "_tcptimer_netns \"$cur\"" },
	{ "VERSION", "_tcptimer_words \"$_tcptimer_kernels\" \"$cur\"" },
	{ "ASSUMPTION", "_tcptimer_words \"$_tcptimer_peers\" \"$cur\"" },
	{ "KEY=VALUE", "_tcptimer_words \"$_tcptimer_settings\" \"$cur\"" },
};

static void print_value(const struct command *command, const struct help_word *word)
{
	size_t i;

	if (!word->value)
		return;
	printf("\t\"%s %.*s\")", command->name, (int)word->length, word->text);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strlen(values[i].value) == word->value_length &&
		    !strncmp(values[i].value, word->value, word->value_length))
			printf(" %s;", values[i].action);
	puts(" return ;;");
}

static void print_command(const struct command *command)
{
	printf("\t%s)\n\t\t_tcptimer_words \"", command->name);
	help_each(command, print_offer);
	puts("-h\" \"$cur\"");
	/* The letters of an option are not a file's. */
	if (strstr(command->synopsis, "FILE"))
		puts("\t\t[[ $cur == -* ]] || _tcptimer_files \"$cur\"");
	if (strstr(command->synopsis, "KEY=VALUE"))
		puts("\t\t_tcptimer_words \"$_tcptimer_settings\" \"$cur\"");
	if (strstr(command->synopsis, "FILTER"))
		puts("\t\t_tcptimer_words \"$_tcptimer_filter\" \"$cur\"");
	puts("\t\t;;");
}

int completion_print(void)
{
	size_t i;

	fputs(completion_head, stdout);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		printf("_tcptimer_%s=\"", lists[i].name);
		lists[i].print();
		puts("\"");
	}
	fputs(completion_begin, stdout);
	for (i = 0; i < command_count; i++)
		help_each(&commands[i], print_value);
	/* Keys of `simulate`, and conditions of every filter. */
	puts("\tsimulatekernel) _tcptimer_words \"$_tcptimer_kernels\" \"$cur\"; return ;;\n"
	     "\tsimulatepeer) _tcptimer_words \"$_tcptimer_peers\" \"$cur\"; return ;;\n"
	     "\tsimulatestate) _tcptimer_words \"$_tcptimer_states\" \"$cur\"; return ;;\n"
	     "\t*\" state\"|*\" exclude\") _tcptimer_words \"$_tcptimer_states\" \"$cur\"; return ;;\n"
	     "\t*\" timer\") _tcptimer_words \"$_tcptimer_timers\" \"$cur\"; return ;;\n"
	     "\t*\" netns\") _tcptimer_netns \"$cur\"; return ;;\n"
	     "\t*) [[ $prev == \" \"* ]] || return ;;\n" /* the value of another key */
	     "\tesac\n"
	     "\tcase $command in");
	for (i = 0; i < command_count; i++)
		print_command(&commands[i]);
	puts("\tesac\n"
	     "}\n"
	     "complete -F _tcptimer tcptimer");
	return cli_flush();
}

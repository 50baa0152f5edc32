/*
 * command: the table of what a person can type. Usage texts, completions and podpis(1) come from it.
 *
 * Each command's entry stands in its own file under commands/, named NAME_command ("admin list" is
 * admin_list_command); command.c lists them in the order of `podpis help`.
 */
#ifndef PODPIS_PROVISION_COMMAND_H
#define PODPIS_PROVISION_COMMAND_H

#include "provision/context.h"
#include "provision/i18n.h"

struct command {
	const char *name;      /* one or two words */
	const char *arguments; /* for the usage line, "" when there are none */
	const char *summary;   /* one line, English, for gettext */
	const struct option *options[OPTIONS_TABLES_MAX]; /* tables besides options_common */
	unsigned minimum, maximum;                        /* how many arguments */
	/*
	 * Does it. False with err filled: its code is the exit code. A command that shows something and then
	 * has to say "still working" fails with ERROR_WAITING after showing it.
	 */
	bool (*run)(struct context *context, struct error *err);
};

/* The whole table, ended by NULL. */
extern const struct command *const commands[];

/* The command that argv begins with; *words is how many words its name takes. NULL: none. */
const struct command *command_find(int argc, char *const *argv, int *words);

/* Is it the first word of commands of two, as "vault" is? */
bool command_is_group(const char *word);

/* Of all commands, or of a group's. */
void command_usage_all(FILE *out, const char *group);
void command_usage(FILE *out, const struct command *command);

#endif

/*
 * manual: prints the commands' part of podpis(1) for scdoc, from the tables that the tool works by. Run at build
 * time; not installed.
 */
#include <string.h>

#include "provision/command.h"

/* What scdoc would take for its own. */
static void put(const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\*_#[]<>~", *text) != NULL)
			putchar('\\');
		putchar(*text);
	}
}

static void put_option(const struct option *option)
{
	printf("*--");
	put(option->name);
	putchar('*');
	if (option->argument != NULL) {
		printf(" _");
		put(option->argument);
		putchar('_');
	}
	printf("\n\t");
	put(option->help);
	printf("%s.\n\n", option->repeated ? "; may be given several times" : "");
}

static void put_table(const struct option *options)
{
	for (; options->name != NULL; options++)
		put_option(options);
}

static void put_command(const struct command *command)
{
	/* A heading is no markup to scdoc: it passes a backslash on. */
	printf("## podpis %s%s%s\n\n", command->name, command->arguments[0] != '\0' ? " " : "",
		command->arguments);
	put(command->summary);
	printf(".\n\n");
	for (size_t i = 0; i < OPTIONS_TABLES_MAX && command->options[i] != NULL; i++)
		put_table(command->options[i]);
}

int main(void)
{
	printf("# OPTIONS OF EVERY COMMAND\n\n");
	put_table(options_common);
	printf("# COMMANDS\n\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		put_command(commands[i]);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

/*
 * completion: prints the completion of podpis for a shell, from the tables that the tool works by. Run at build
 * time with bash, zsh or fish for an argument; not installed.
 *
 * After --option the shells offer what an argument's name in the table says: files, folders, or nothing.
 */
#include <string.h>

#include "provision/command.h"

/* What a value's name in the usage stands for; others can't be completed. */
enum kind { KIND_NONE, KIND_FILE, KIND_FOLDER };

static enum kind kind_of(const char *argument)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = {
		{"FILE", KIND_FILE},
		{"PATH", KIND_FILE},
		{"FOLDER", KIND_FOLDER},
	};

	for (size_t i = 0; argument != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argument, kinds[i].name) == 0)
			return kinds[i].kind;
	}
	return KIND_NONE;
}

/* The text inside of single quotes: a quote ends them, is put in escaped, and begins them anew. */
static void put_quoted(const char *text, const char *escaped)
{
	for (; *text != '\0'; text++) {
		if (strchr(escaped, *text) != NULL)
			putchar('\\');
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
}

/* Calls `each` for every option of the command, the common ones last. */
static void every_option(const struct command *command,
	void (*each)(const struct command *command, const struct option *option))
{
	const struct option *tables[OPTIONS_TABLES_MAX + 1] = {NULL};
	size_t count = 0;

	while (count < OPTIONS_TABLES_MAX && command->options[count] != NULL) {
		tables[count] = command->options[count];
		count++;
	}
	tables[count] = options_common;
	for (size_t i = 0; i <= count; i++) {
		for (const struct option *option = tables[i]; option->name != NULL; option++)
			each(command, option);
	}
}

static bool takes_files(const struct command *command)
{
	return strstr(command->arguments, "FILE") != NULL ||
	       strstr(command->arguments, "SIGNATURE") != NULL;
}

/* ---- bash */

static void bash_option(const struct command *command, const struct option *option)
{
	(void)command;
	printf(" --%s", option->name);
}

static void bash_value(const struct command *command, const struct option *option)
{
	static const char *const actions[] = {[KIND_NONE] = ":",
		[KIND_FILE] = "_podpis_path -f",
		[KIND_FOLDER] = "_podpis_path -d"};

	if (option->argument != NULL)
		printf("\t'%s --%s') %s; return ;;\n", command->name, option->name,
			actions[kind_of(option->argument)]);
}

static void bash(void)
{
	fputs("# bash completion of podpis(1)\n"
	      "_podpis_path() {\n"
	      "\ttype compopt >/dev/null 2>&1 && compopt -o filenames 2>/dev/null\n"
	      "\tlocal IFS=$'\\n'\n"
	      "\tCOMPREPLY=($(compgen \"$1\" -- \"$word\"))\n"
	      "}\n\n"
	      "_podpis() {\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal first=${COMP_WORDS[1]-} second=${COMP_WORDS[2]-} command= words=\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W 'help --help --version",
		stdout);
	for (size_t i = 0; commands[i] != NULL; i++)
		printf(" %.*s", (int)strcspn(commands[i]->name, " "), commands[i]->name);
	fputs("' -- \"$word\" | sort -u))\n\t\treturn\n\tfi\n\tcase $first in\n", stdout);
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *name = commands[i]->name, *space = strchr(name, ' ');
		size_t first = strcspn(name, " ");

		if (space == NULL) {
			printf("\t%s) command=$first ;;\n", name);
			continue;
		}
		/* Once for each first word: the table keeps those together. */
		if (i > 0 && strncmp(commands[i - 1]->name, name, first + 1) == 0)
			continue;
		printf("\t%.*s)\n\t\tif [ \"$COMP_CWORD\" -eq 2 ]; "
		       "then\n\t\t\tCOMPREPLY=($(compgen "
		       "-W '",
			(int)first, name);
		for (size_t j = i; commands[j] != NULL; j++) {
			if (strncmp(commands[j]->name, name, first + 1) == 0)
				printf("%s%s", j == i ? "" : " ", commands[j]->name + first + 1);
		}
		fputs("' -- \"$word\"))\n\t\t\treturn\n\t\tfi\n\t\tcommand=\"$first $second\" ;;\n",
			stdout);
	}
	fputs("\tesac\n\tcase \"$command $previous\" in\n", stdout);
	for (size_t i = 0; commands[i] != NULL; i++)
		every_option(commands[i], bash_value);
	fputs("\tesac\n\tcase $command in\n", stdout);
	for (size_t i = 0; commands[i] != NULL; i++) {
		printf("\t'%s') words='", commands[i]->name);
		every_option(commands[i], bash_option);
		printf("'%s ;;\n", takes_files(commands[i])
					   ? "; [[ $word == -* ]] || { _podpis_path -f; return; }"
					   : "");
	}
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
	      "complete -F _podpis podpis\n",
		stdout);
}

/* ---- zsh */

static void zsh_option(const struct command *command, const struct option *option)
{
	static const char *const actions[] = {
		[KIND_NONE] = " ", [KIND_FILE] = "_files", [KIND_FOLDER] = "_files -/"};

	(void)command;
	printf(" \\\n\t\t\t'%s--%s%s[", option->repeated ? "*" : "", option->name,
		option->argument != NULL ? "=" : "");
	put_quoted(option->help, "[]\\:");
	putchar(']');
	if (option->argument != NULL) {
		putchar(':');
		put_quoted(option->argument, ":\\");
		printf(":%s", actions[kind_of(option->argument)]);
	}
	putchar('\'');
}

static void zsh(void)
{
	fputs("#compdef podpis\n# zsh completion of podpis(1)\n"
	      "_podpis() {\n\tlocal name=$words[2]\n\tlocal -a list\n"
	      "\tif (( CURRENT == 2 )); then\n\t\tlist=(",
		stdout);
	for (size_t i = 0; commands[i] != NULL; i++) {
		size_t first = strcspn(commands[i]->name, " ");

		if (commands[i]->name[first] == '\0') {
			printf("\n\t\t\t'%s:", commands[i]->name);
			put_quoted(commands[i]->summary, ":\\");
			putchar('\'');
		} else if (i == 0 ||
			   strncmp(commands[i - 1]->name, commands[i]->name, first + 1) != 0) {
			printf("\n\t\t\t'%.*s'", (int)first, commands[i]->name);
		}
	}
	fputs("\n\t\t\t'help:list the commands'\n\t\t)\n"
	      "\t\t_describe -t commands 'podpis command' list\n\t\treturn\n\tfi\n",
		stdout);
	fputs("\tcase $name in\n", stdout);
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *name = commands[i]->name;
		size_t first = strcspn(name, " ");

		if (name[first] == '\0' ||
			(i > 0 && strncmp(commands[i - 1]->name, name, first + 1) == 0))
			continue;
		printf("\t(%.*s)\n\t\tif (( CURRENT == 3 )); then\n\t\t\tlist=(", (int)first, name);
		for (size_t j = i; commands[j] != NULL; j++) {
			if (strncmp(commands[j]->name, name, first + 1) != 0)
				continue;
			printf("\n\t\t\t\t'%s:", commands[j]->name + first + 1);
			put_quoted(commands[j]->summary, ":\\");
			putchar('\'');
		}
		fputs("\n\t\t\t)\n\t\t\t_describe -t commands 'podpis command' list\n\t\t\treturn\n"
		      "\t\tfi\n\t\tname+=\" $words[3]\"\n\t\tshift words\n\t\t(( CURRENT-- "
		      "))\n\t\t;;\n",
			stdout);
	}
	fputs("\tesac\n\tshift words\n\t(( CURRENT-- ))\n\tcase $name in\n", stdout);
	for (size_t i = 0; commands[i] != NULL; i++) {
		printf("\t('%s')\n\t\t_arguments -S", commands[i]->name);
		every_option(commands[i], zsh_option);
		if (commands[i]->maximum > 0) {
			fputs(" \\\n\t\t\t'*:", stdout);
			put_quoted(commands[i]->arguments, ":\\");
			printf(":%s'", takes_files(commands[i]) ? "_files" : " ");
		}
		fputs("\n\t\t;;\n", stdout);
	}
	fputs("\tesac\n}\n_podpis \"$@\"\n", stdout);
}

/* ---- fish */

static void fish_option(const struct command *command, const struct option *option)
{
	static const char *const actions[] = {[KIND_NONE] = " -x",
		[KIND_FILE] = " -r -F",
		[KIND_FOLDER] = " -x -a '(__fish_complete_directories)'"};

	printf("complete -c podpis -n '__podpis_is %s' -l %s%s -d '", command->name, option->name,
		option->argument != NULL ? actions[kind_of(option->argument)] : "");
	/* In fish's quotes a backslash escapes them. */
	for (const char *text = option->help; *text != '\0'; text++) {
		if (strchr("'\\", *text) != NULL)
			putchar('\\');
		putchar(*text);
	}
	printf("'\n");
}

static void fish_command(
	const char *condition, const char *name, size_t length, const char *summary)
{
	printf("complete -c podpis -n '%s' -a '%.*s' -d '", condition, (int)length, name);
	for (; *summary != '\0'; summary++) {
		if (strchr("'\\", *summary) != NULL)
			putchar('\\');
		putchar(*summary);
	}
	printf("'\n");
}

static void fish(void)
{
	fputs("# fish completion of podpis(1)\n"
	      "function __podpis_at\n"
	      "\tset -l words (commandline -opc)\n"
	      "\ttest \"$words[2..-1]\" = \"$argv\"\n"
	      "end\n"
	      "function __podpis_is\n"
	      "\tset -l words (commandline -opc)\n"
	      "\ttest (count $words) -gt (count $argv); or return\n"
	      "\ttest \"$words[2..\"(math (count $argv) + 1)\"]\" = \"$argv\"\n"
	      "end\n"
	      "complete -c podpis -f\n"
	      "complete -c podpis -n __podpis_at -a help -d 'list the commands'\n"
	      "complete -c podpis -n __podpis_at -l help -d 'list the commands'\n"
	      "complete -c podpis -n __podpis_at -l version -d 'print the version'\n",
		stdout);
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *name = commands[i]->name;
		size_t first = strcspn(name, " ");
		char condition[64];

		if (name[first] == '\0') {
			fish_command("__podpis_at", name, first, commands[i]->summary);
		} else {
			if (i == 0 || strncmp(commands[i - 1]->name, name, first + 1) != 0)
				fish_command("__podpis_at", name, first, "");
			snprintf(
				condition, sizeof(condition), "__podpis_at %.*s", (int)first, name);
			fish_command(condition, name + first + 1, strlen(name + first + 1),
				commands[i]->summary);
		}
		every_option(commands[i], fish_option);
		if (takes_files(commands[i]))
			printf("complete -c podpis -n '__podpis_is %s' -F\n", name);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t i = 0; argc == 2 && i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(argv[1], shells[i].name) == 0) {
			shells[i].print();
			return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
		}
	}
	fputs("usage: podpis-completion bash|zsh|fish\n", stderr);
	return 2;
}

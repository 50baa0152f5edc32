#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asn1/gost_provider.h"
#include "provision/command.h"
#include "provision/installed.h"

/* error.h: the formats of asn1/ and module/support, too, are in the catalogue. */
const char *error_translate(const char *format)
{
	return gettext(format);
}

/* Also where the command line is wrong before it. */
static bool wants_json(int argc, char *const *argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* To a person in the person's language; to a program in one that does not change under it. */
static void speak(int argc, char *const *argv)
{
	char *messages = installed_find(INSTALLED_MESSAGES);

	setlocale(LC_CTYPE, "");
	if (!wants_json(argc, argv))
		setlocale(LC_MESSAGES, "");
	if (messages != NULL)
		bindtextdomain(PODPIS_TEXT_DOMAIN, messages);
	textdomain(PODPIS_TEXT_DOMAIN);
	free(messages);
}

static int run(struct context *context, int argc, char **argv)
{
	const struct option *tables[OPTIONS_TABLES_MAX + 2] = {options_common};
	const struct command *command = context->command;
	struct error err = {0};
	bool done;

	for (size_t i = 0; i < OPTIONS_TABLES_MAX && command->options[i] != NULL; i++)
		tables[i + 1] = command->options[i];
	done = options_parse(&context->options, tables, argc, argv, &err);
	if (done && options_has(&context->options, "help")) {
		command_usage(stdout, command);
		return 0;
	}
	output_init(&context->output,
		done ? options_has(&context->options, "json") : wants_json(argc, argv));
	if (options_has(&context->options, "dry-run"))
		output_json(&context->output, "dry_run", json_true());
	if (done && (context->options.argument_count < command->minimum ||
			    context->options.argument_count > command->maximum))
		done = error_set(&err, ERROR_USAGE, _("usage: podpis %s%s%s; --help explains it"),
			command->name, command->arguments[0] != '\0' ? " " : "",
			command->arguments);
	if (done) {
		context->config = config_load(NULL);
		done = command->run(context, &err);
	}
	output_finish(&context->output, done ? NULL : &err);
	if (!done)
		return err.code == ERROR_NONE ? (int)ERROR_FAILED : (int)err.code;
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : (int)ERROR_FAILED;
}

static bool is_help(const char *word)
{
	return word != NULL && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
}

/* What was typed is no command, but may be the first word of several. */
static int no_command(struct output *output, int argc, char **argv)
{
	bool group = command_is_group(argv[1]);
	struct error err = {0};

	if (group && is_help(argv[2])) {
		command_usage_all(stdout, argv[1]);
		return 0;
	}
	output_init(output, wants_json(argc, argv));
	if (group)
		error_set(&err, ERROR_USAGE,
			_("podpis %s stands before a command; podpis %s --help lists them"),
			argv[1], argv[1]);
	else
		error_set(&err, ERROR_USAGE, _("there is no command %s; podpis help lists them"),
			argv[1]);
	output_finish(output, &err);
	return ERROR_USAGE;
}

int main(int argc, char **argv)
{
	struct context context = {0};
	struct gost_provider *gost;
	int words = 0, code;
	bool guarded;

	guarded = secret_guard_process();
	pins_init(&context.pins);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	speak(argc, argv);

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("podpis " PODPIS_VERSION);
		return 0;
	}
	if (argc < 2 || is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
		command_usage_all(argc < 2 ? stderr : stdout, NULL);
		return argc < 2 ? (int)ERROR_USAGE : 0;
	}
	context.command = command_find(argc - 1, argv + 1, &words);
	if (context.command == NULL)
		return no_command(&context.output, argc, argv);
	context.log = log_new(secure_getenv("PODPIS_LOG"), "podpis", LOG_LEVEL_WARNING);
	if (!guarded)
		log_warning(context.log, "the system would dump this process's memory on a crash");
	/* Chains with GOST signatures are OpenSSL's to validate, too. */
	gost = gost_provider_load();
	if (gost == NULL)
		log_warning(context.log, "OpenSSL: GOST signatures can't be verified");
	code = run(&context, argc - 1 - words, argv + 1 + words);
	modules_clear(&context.modules);
	config_free(context.config);
	pins_clear(&context.pins);
	gost_provider_unload(gost);
	log_free(context.log);
	return code;
}

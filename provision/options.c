#include "provision/options.h"

#include <string.h>

#include "provision/i18n.h"

const struct option options_common[] = {
	{"json", NULL, N_("print one JSON value"), false},
	{"help", NULL, N_("explain this command"), false},
	{0},
};

const struct option options_dry_run[] = {
	{"dry-run", NULL, N_("show what would be sent and written, and do neither"), false},
	{0},
};

const struct option options_authority[] = {
	{"authority", "NAME", N_("the [authority NAME] of podpis.conf"), false},
	{0},
};

const struct option options_slot[] = {
	{"slot", "LABEL", N_("the token, by its label or its slot's name"), false},
	{"module", "FILE", N_("another PKCS#11 module than Podpis's own"), false},
	{"pin-file", "FILE", N_("the token's PIN is this file's first line"), false},
	{0},
};

const struct option options_signer[] = {
	{"signer", "URI", N_("the signature that signs, as a PKCS#11 URI"), false},
	{"signer-module", "FILE", N_("the PKCS#11 module that the signature is in"), false},
	{"signer-pin-file", "FILE", N_("its PIN is this file's first line"), false},
	{0},
};

static const struct option *find(
	const struct option *const *tables, const char *name, size_t length)
{
	for (; *tables != NULL; tables++) {
		for (const struct option *option = *tables; option->name != NULL; option++) {
			if (strlen(option->name) == length &&
				memcmp(option->name, name, length) == 0)
				return option;
		}
	}
	return NULL;
}

static bool add(
	struct options *options, const struct option *option, const char *value, struct error *err)
{
	if (!option->repeated && options_get(options, option->name) != NULL)
		return error_set(err, ERROR_USAGE, _("--%s is given twice"), option->name);
	if (options->count == OPTIONS_MAX)
		return error_set(err, ERROR_USAGE, _("too many options"));
	options->list[options->count].option = option;
	options->list[options->count].value = value;
	options->count++;
	return true;
}

static bool parse_option(struct options *options, const struct option *const *tables, int argc,
	char *const *argv, int *i, struct error *err)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option *option = find(tables, name, length);

	if (option == NULL)
		return error_set(
			err, ERROR_USAGE, _("there is no option --%.*s"), (int)length, name);
	if (option->argument == NULL) {
		if (equals != NULL)
			return error_set(err, ERROR_USAGE, _("--%s takes no value"), option->name);
		return add(options, option, "", err);
	}
	if (equals != NULL)
		return add(options, option, equals + 1, err);
	if (*i + 1 >= argc)
		return error_set(err, ERROR_USAGE, _("--%s wants a value: %s"), option->name,
			option->argument);
	return add(options, option, argv[++*i], err);
}

bool options_parse(struct options *options, const struct option *const *tables, int argc,
	char *const *argv, struct error *err)
{
	bool ended = false;

	*options = (struct options){0};
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (!ended && strcmp(word, "--") == 0) {
			ended = true;
		} else if (!ended && strcmp(word, "-h") == 0) {
			if (!options_has(options, "help") &&
				!add(options, find(tables, "help", 4), "", err))
				return false;
		} else if (!ended && strncmp(word, "--", 2) == 0) {
			if (!parse_option(options, tables, argc, argv, &i, err))
				return false;
		} else if (!ended && word[0] == '-' && word[1] != '\0') {
			return error_set(err, ERROR_USAGE, _("there is no option %s"), word);
		} else if (options->argument_count == OPTIONS_ARGUMENTS_MAX) {
			return error_set(err, ERROR_USAGE, _("too many arguments"));
		} else {
			options->arguments[options->argument_count++] = word;
		}
	}
	return true;
}

const char *options_get(const struct options *options, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < options->count; i++) {
		if (strcmp(options->list[i].option->name, name) == 0)
			value = options->list[i].value;
	}
	return value;
}

bool options_has(const struct options *options, const char *name)
{
	return options_get(options, name) != NULL;
}

const char *options_next(const struct options *options, const char *name, size_t *cursor)
{
	while (*cursor < options->count) {
		const struct option_value *value = &options->list[(*cursor)++];

		if (strcmp(value->option->name, name) == 0)
			return value->value;
	}
	return NULL;
}

bool options_names(const struct options *options, const char *name, const char *value)
{
	const char *given;
	size_t cursor = 0;

	while ((given = options_next(options, name, &cursor)) != NULL) {
		if (strcmp(given, value) == 0)
			return true;
	}
	return false;
}

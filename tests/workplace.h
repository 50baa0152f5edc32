/*
 * workplace: a person's home of a test's own, with a podpis.conf, and the context that a command would get.
 *
 * One a process: it is the environment (HOME, XDG_*, PODPIS_CONFIG) that says where it is.
 */
#ifndef PODPIS_TESTS_WORKPLACE_H
#define PODPIS_TESTS_WORKPLACE_H

#include "provision/context.h"
#include "tests/folder.h"

struct workplace {
	char *home;
	struct context context;
};

/* The environment first; podpis.conf is written by workplace_configure. */
static inline void workplace_begin(struct workplace *workplace)
{
	static const char *const variables[] = {"PODPIS_LOG", "PODPIS_PIN", "PODPIS_SIGNER_PIN",
		"PODPIS_SO_PIN", "http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"};
	char *path;

	*workplace = (struct workplace){.home = folder_make()};
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	setenv("HOME", workplace->home, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_STATE_HOME");
	path = folder_path(workplace->home, "podpis.conf");
	setenv("PODPIS_CONFIG", path, 1);
	free(path);
	output_init(&workplace->context.output, true);
	workplace->context.output.progress = fopen("/dev/null", "w");
}

static inline void workplace_configure(struct workplace *workplace, const char *text)
{
	free(folder_write(workplace->home, "podpis.conf", text, strlen(text)));
	config_free(workplace->context.config);
	workplace->context.config = config_load(NULL);
	if (workplace->context.config == NULL || workplace->context.config->problem != NULL)
		abort();
}

static inline void workplace_end(struct workplace *workplace)
{
	struct context *context = &workplace->context;

	modules_clear(&context->modules);
	pins_clear(&context->pins);
	config_free(context->config);
	json_decref(context->output.root);
	fclose(context->output.progress);
	folder_remove(workplace->home);
}

/* An option of the command line; the table's entry is made up, only its name counts. */
static inline void workplace_option(
	struct workplace *workplace, struct option *entry, const char *name, const char *value)
{
	struct options *options = &workplace->context.options;

	*entry = (struct option){.name = name, .argument = "VALUE"};
	options->list[options->count++] = (struct option_value){entry, value};
}

#endif

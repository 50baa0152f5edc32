#include "provision/context.h"

#include <string.h>

#include "module/support/buffer.h"
#include "provision/i18n.h"

bool context_check_config(const struct context *context, struct error *err)
{
	if (context->config == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	if (context->config->problem != NULL)
		return error_set(err, ERROR_USAGE, "%s", context->config->problem);
	return true;
}

bool context_authority(const struct context *context, const char **name, struct error *err)
{
	const char *wanted = options_get(&context->options, "authority");
	const struct config *config = context->config;
	struct buffer names = BUFFER_INIT(512);
	const char *only = NULL;
	size_t count = 0;

	if (!context_check_config(context, err))
		return false;
	for (size_t i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];

		if (section->kind != CONFIG_AUTHORITY)
			continue;
		if (wanted != NULL && strcmp(wanted, section->name) == 0) {
			*name = wanted;
			buffer_free(&names);
			return true;
		}
		buffer_printf(&names, "%s%s", count > 0 ? ", " : "", section->name);
		only = section->name;
		count++;
	}
	if (wanted != NULL)
		error_set(err, ERROR_WORKPLACE,
			_("there is no [authority %s] in the configuration%s%s; podpis setup adds "
			  "one"),
			wanted, count > 0 ? _("; there is ") : "", buffer_text(&names));
	else if (count == 0)
		error_set(err, ERROR_WORKPLACE,
			_("no authority is configured; podpis setup --authority NAME --url URL "
			  "adds one"));
	else if (count > 1)
		error_set(err, ERROR_USAGE, _("which authority? --authority %s"),
			buffer_text(&names));
	buffer_free(&names);
	if (wanted != NULL || count != 1)
		return false;
	*name = only;
	return true;
}

#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"
#include "provision/workplace/check.h"

void check_configuration(struct checks *checks)
{
	const struct config *config = checks->context->config;
	char *named = config_path();
	size_t broken = 0;

	if (config == NULL || (config->path == NULL && config->problem == NULL)) {
		check_row(checks, "configuration", named != NULL ? named : "podpis.conf",
			VERDICT_NOTE, "podpis setup", _("there is none: the only slot is a vault"));
		free(named);
		return;
	}
	if (config->problem != NULL)
		check_row(checks, "configuration", config->path != NULL ? config->path : named,
			VERDICT_WRONG, NULL, "%s", config->problem);
	for (size_t i = 0; i < config->count; i++) {
		if (config->sections[i].problem == NULL)
			continue;
		broken++;
		check_row(checks, "configuration", config->sections[i].name, VERDICT_WRONG, NULL,
			"%s", config->sections[i].problem);
	}
	if (config->path != NULL) {
		if (config->problem == NULL && broken == 0)
			check_row(checks, "configuration", config->path, VERDICT_FINE, NULL,
				_("every line is understood"));
		check_mode(checks, "configuration-permissions", config->path, 0022);
	}
	free(named);
}

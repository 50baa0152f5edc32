#include "provision/authority/authority.h"

#include <stdlib.h>
#include <string.h>

#include "provision/authority/cabinet.h"
#include "provision/authority/file.h"
#include "provision/i18n.h"

static const struct authority_class *const classes[] = {&cabinet_class, &file_class};

bool authority_open(const struct config *config, const char *name, struct log *log,
	struct authority **out, struct error *err)
{
	const struct config_section *section = config_find(config, CONFIG_AUTHORITY, name);
	const char *protocol;

	if (section == NULL)
		return error_set(err, ERROR_WORKPLACE, _("there is no [authority %s] in %s"), name,
			config->path != NULL ? config->path : "podpis.conf");
	if (section->problem != NULL)
		return error_set(err, ERROR_USAGE, "%s", section->problem);
	protocol = config_get(section, "protocol");
	for (size_t i = 0; protocol != NULL && i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(protocol, classes[i]->protocol) == 0)
			return classes[i]->open(section, log, out, err) ||
			       error_prefix(err, "%s", name);
	return error_set(err, ERROR_USAGE,
		_("[authority %s]: the protocol is cabinet or file, not %s"), name,
		protocol != NULL ? protocol : _("left out"));
}

void authority_close(struct authority *authority)
{
	if (authority != NULL)
		authority->class->close(authority);
}

void authority_status_clear(struct authority_status *status)
{
	free(status->id);
	free(status->words);
	free(status->reason);
	for (size_t i = 0; i < status->field_count; i++) {
		free(status->fields[i].name);
		free(status->fields[i].reason);
	}
	free(status->fields);
	for (size_t i = 0; i < status->document_count; i++) {
		free(status->documents[i].id);
		free(status->documents[i].title);
		free(status->documents[i].media_type);
	}
	free(status->documents);
	if (status->token != NULL)
		explicit_bzero(status->token, strlen(status->token));
	free(status->token);
	free(status->holder);
	free(status->summary);
	memset(status, 0, sizeof(*status));
}

void authority_template_clear(struct authority_template *templ)
{
	name_clear(&templ->subject);
	extensions_clear(&templ->extensions);
	free(templ->note);
	memset(templ, 0, sizeof(*templ));
}

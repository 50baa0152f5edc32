#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/policy.h"
#include "provision/workplace/whole_file.h"

/* Firefox reads the system's file, else the one beside its program: what is first made would hide the other. */
static const char *const files[] = {
	"/etc/firefox/policies/policies.json",
	"/usr/lib/firefox-esr/distribution/policies.json",
	"/usr/lib/firefox/distribution/policies.json",
	"/usr/lib64/firefox/distribution/policies.json",
	"/opt/firefox/distribution/policies.json",
};

static const char *read_by_firefox(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (access(files[i], F_OK) == 0)
			return files[i];
	return files[0];
}

static bool registered(const char *path, const char *module)
{
	struct buffer text = BUFFER_INIT(WHOLE_FILE_MAX);
	struct place_view view = {.state = PLACE_ABSENT};
	bool there, found = whole_file_read(path, &text, &there, NULL) &&
			    policy_look(buffer_text(&text), module, &view, NULL) &&
			    view.state != PLACE_ABSENT;

	buffer_free(&text);
	return found;
}

/*
 * The module for every profile on the machine, so that it is a matter of the administrator's, by name. Not the
 * authorities' root certificates: what a policy installs Firefox trusts for servers, too.
 */
bool firefox_policy_places(struct places *places, const char *module, bool asked, struct error *err)
{
	const char *path = read_by_firefox();
	struct place *place;

	if (!asked && (getuid() != 0 || !registered(path, module)))
		return true;
	if (getuid() != 0)
		return error_set(err, ERROR_PERSON,
			_("firefox-policy: %s is for everybody on this machine: as root, please"),
			path);
	place = places_add(places, "firefox-policy", PLACE_POLICY, "%s", path);
	if (place != NULL) {
		place->mode = 0644;
		place->text = strdup(module);
	}
	return (place != NULL && place->text != NULL) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
}

#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/program.h"

/*
 * OpenSSH would ask the module for keys at every login, so that it is a person's choice: without --for ssh there
 * is but a hint. An Include counts for every host only at the file's beginning.
 */
bool ssh_places(struct places *places, const char *module, bool asked, struct error *err)
{
	const char *home = place_home();
	char *config = place_config_home();
	struct place *fragment = NULL, *include = NULL;
	bool done = true;

	if (!asked && !program_there("ssh"))
		goto out;
	if (home != NULL && config != NULL)
		fragment = places_add(places, "ssh", PLACE_LINES, "%s/podpis/ssh.conf", config);
	if (fragment != NULL && asked)
		include = places_add(places, "ssh", PLACE_LINES, "%s/.ssh/config", home);
	done = fragment != NULL && (include != NULL || !asked);
	if (!done) {
		error_set(err, ERROR_WORKPLACE, _("there is no place for ssh's configuration"));
		goto out;
	}
	if (asked) {
		fragment->text =
			place_text("# Podpis, by podpis setup\nPKCS11Provider \"%s\"\n", module);
		include->front = true;
		include->text = place_text("Include \"%s\"\n", fragment->path);
		done = fragment->text != NULL && include->text != NULL;
	} else {
		free(fragment->path);
		fragment->path = NULL;
		fragment->hint = place_text(_("ssh -o PKCS11Provider=%s … logs in with the key; "
					      "podpis setup --for ssh writes it into "
					      "~/.ssh/config"),
			module);
		done = fragment->hint != NULL;
	}
	if (!done)
		error_set(err, ERROR_FAILED, _("out of memory"));
out:
	free(config);
	return done;
}

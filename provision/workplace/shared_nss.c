#include <stdlib.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/nss.h"

char *nss_shared(struct error *err)
{
	const char *home = place_home();
	char *folder = home != NULL ? place_text("%s/.pki/nssdb", home) : NULL;

	if (folder == NULL)
		error_set(err, ERROR_WORKPLACE, _("there is no place for ~/.pki/nssdb"));
	return folder;
}

bool nss_places(struct places *places, const char *module, bool asked, struct error *err)
{
	char *folder = asked ? nss_shared(err) : NULL;
	bool done = !asked || folder != NULL;

	if (folder != NULL && nss_place(places, "nss", folder, module) == NULL)
		done = error_set(err, ERROR_FAILED, _("out of memory"));
	free(folder);
	return done;
}

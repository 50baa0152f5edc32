#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/nss.h"
#include "provision/workplace/program.h"

/* The person's database, ~/.pki/nssdb. */
static struct place *shared(struct places *places, const char *application, const char *module,
	bool wanted, bool *fine, struct error *err)
{
	const char *home = place_home();
	char *folder = home != NULL ? place_text("%s/.pki/nssdb", home) : NULL;
	struct place *place = NULL;

	*fine = true;
	if (folder != NULL && (wanted || nss_there(folder)))
		place = nss_place(places, application, folder, module);
	if (folder == NULL || ((wanted || nss_there(folder)) && place == NULL))
		*fine = error_set(err, ERROR_WORKPLACE, _("there is no place for ~/.pki/nssdb"));
	free(folder);
	return place;
}

/* The program that holds the lock of a Chromium's profile: a symbolic link HOST-PID. */
static long chromium_runs(const char *browser)
{
	char *config = place_config_home();
	char *path = config != NULL ? place_text("%s/%s/SingletonLock", config, browser) : NULL,
	     target[512];
	ssize_t length = path != NULL ? readlink(path, target, sizeof(target) - 1) : -1;
	const char *dash;
	long process = 0;

	if (length > 0) {
		target[length] = '\0';
		dash = strrchr(target, '-');
		process = dash != NULL ? strtol(dash + 1, NULL, 10) : 0;
	}
	free(path);
	free(config);
	return process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM) ? process : 0;
}

bool chromium_places(struct places *places, const char *module, bool asked, struct error *err)
{
	static const char *const browsers[] = {"chromium", "google-chrome"};
	bool installed = program_there("chromium") || program_there("google-chrome"), fine;
	struct place *place = shared(places, "chromium", module, asked || installed, &fine, err);

	for (size_t i = 0;
		place != NULL && place->busy == NULL && i < sizeof(browsers) / sizeof(browsers[0]);
		i++) {
		long process = chromium_runs(browsers[i]);

		if (process != 0)
			place->busy =
				place_text(_("%s is running (process %ld)"), browsers[i], process);
	}
	return fine;
}

bool libreoffice_places(struct places *places, const char *module, bool asked, struct error *err)
{
	bool fine;
	struct place *place;

	if (!asked && !program_there("soffice") && !program_there("libreoffice"))
		return true;
	place = shared(places, "libreoffice", module, true, &fine, err);
	if (place != NULL)
		place->hint = strdup(_("LibreOffice takes the first profile of Firefox or "
				       "Thunderbird; without one, "
				       "name ~/.pki/nssdb in its options: Security, Certificate"));
	return fine;
}

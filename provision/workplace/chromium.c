#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/nss.h"
#include "provision/workplace/program.h"

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
	bool installed = program_there("chromium") || program_there("google-chrome");
	char *folder = nss_shared(err);
	bool done = folder != NULL, wanted = done && (asked || installed || nss_there(folder));
	struct place *place = wanted ? nss_place(places, "chromium", folder, module) : NULL;

	if (wanted && place == NULL)
		done = error_set(err, ERROR_FAILED, _("out of memory"));
	for (size_t i = 0;
		place != NULL && place->busy == NULL && i < sizeof(browsers) / sizeof(browsers[0]);
		i++) {
		long process = chromium_runs(browsers[i]);

		if (process != 0)
			place->busy =
				place_text(_("%s is running (process %ld)"), browsers[i], process);
	}
	free(folder);
	return done;
}

#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/mozilla.h"
#include "provision/workplace/nss.h"

/*
 * Where profiles.ini is, from the home or, since Firefox 147, from $XDG_CONFIG_HOME; one that is packed with its own
 * system can't load a library of this one.
 */
static const struct {
	const char *folder;
	const char *packed;
	bool configuration;
} roots[] = {
	{".mozilla/firefox", NULL, false},
	{"mozilla/firefox", NULL, true},
	{"snap/firefox/common/.mozilla/firefox", "snap", false},
	{".var/app/org.mozilla.firefox/.mozilla/firefox", "flatpak", false},
	{".var/app/org.mozilla.firefox/config/mozilla/firefox", "flatpak", false},
};

struct finder {
	struct places *places;
	const char *module, *packed;
	bool full;
};

static void add_profile(void *context, const struct mozilla_profile *profile)
{
	struct finder *finder = context;
	struct place *place;
	long process;

	if (!profile->there)
		return;
	place = nss_place(finder->places, "firefox", profile->folder, finder->module);
	process = mozilla_holder(profile->folder);
	finder->full = place == NULL || finder->full;
	if (place != NULL && finder->packed != NULL)
		place->never = place_text(
			_("Firefox from a %s can't load a library of this system; the one "
			  "that the "
			  "system's package manager installs, or Mozilla's own, can"),
			finder->packed);
	else if (place != NULL && process != 0)
		place->busy = place_text(_("Firefox is running (process %ld)"), process);
}

bool firefox_places(struct places *places, const char *module, bool asked, struct error *err)
{
	const char *home = place_home();
	char *config = place_config_home();
	size_t before = places->count;
	bool done = true;

	for (size_t i = 0; done && home != NULL && i < sizeof(roots) / sizeof(roots[0]); i++) {
		char *root = place_text(
			"%s/%s", roots[i].configuration ? config : home, roots[i].folder);
		struct finder finder = {
			.places = places, .module = module, .packed = roots[i].packed};

		done = root != NULL && mozilla_profiles(root, add_profile, &finder, err);
		if (done && finder.full)
			done = error_set(err, ERROR_FAILED, _("%s: too many profiles"), root);
		free(root);
	}
	free(config);
	if (done && asked && places->count == before)
		return error_set(err, ERROR_WORKPLACE,
			_("there is no profile of Firefox yet: start Firefox once; or, as root, "
			  "podpis setup --system registers Podpis in all profiles to come"));
	return done;
}

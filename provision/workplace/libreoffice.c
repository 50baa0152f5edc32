#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/mozilla.h"
#include "provision/workplace/nss.h"
#include "provision/workplace/program.h"
#include "provision/workplace/whole_file.h"

/*
 * LibreOffice has no NSS database of its own and does not look at ~/.pki/nssdb. It takes, in this order: the one
 * that MOZILLA_CERTIFICATE_FOLDER names; the one that its options name (Security, Certificate); the standard profile
 * of Thunderbird, Firefox or SeaMonkey; or none. Where that would be none, the option is set for the person.
 */

/* From the home; the first that has a profile is taken. */
static const char *const roots[] = {".thunderbird", ".mozilla-thunderbird", ".mozilla/thunderbird",
	".icedove", ".mozilla/firefox", ".mozilla/seamonkey"};

/* One that is packed with its own system can't load a library of this one. */
static const struct {
	const char *folder; /* from the home */
	const char *packed;
} packed[] = {
	{"snap/libreoffice/current/.config/libreoffice/4/user", "snap"},
	{".var/app/org.libreoffice.LibreOffice/config/libreoffice/4/user", "flatpak"},
};

/* As LibreOffice writes it, so that a line of ours is one of its own when it writes the file anew. */
static const char frame[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			    "<oor:items xmlns:oor=\"http://openoffice.org/2001/registry\""
			    " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\""
			    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n"
			    "</oor:items>\n";
static const char head[] = "<item oor:path=\"/org.openoffice.Office.Common/Security/Scripting\">"
			   "<prop oor:name=\"CertDir\" oor:op=\"fuse\"><value>";
static const char tail[] = "</value></prop></item>\n";

static const struct {
	char character;
	const char *entity;
} entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

#define ENTITIES (sizeof(entities) / sizeof(entities[0]))

static void escape(const char *text, struct buffer *out)
{
	for (; *text != '\0'; text++) {
		size_t i = 0;

		while (i < ENTITIES && entities[i].character != *text)
			i++;
		if (i < ENTITIES)
			buffer_append_text(out, entities[i].entity);
		else
			buffer_append(out, text, 1);
	}
}

static void unescape(const char *text, size_t length, struct buffer *out)
{
	for (size_t at = 0, taken; at < length; at += taken) {
		size_t i = 0;

		while (i < ENTITIES &&
			strncmp(text + at, entities[i].entity, strlen(entities[i].entity)) != 0)
			i++;
		taken = i < ENTITIES ? strlen(entities[i].entity) : 1;
		buffer_append(out, i < ENTITIES ? &entities[i].character : text + at, 1);
	}
}

/* NSS's name of a database without what says that it is one. */
static char *database(const char *name)
{
	return strdup(strncmp(name, "sql:", 4) == 0 ? name + 4 : name);
}

/* What the options name; *folder NULL: nothing. */
static bool chosen(const char *settings, char **folder, struct error *err)
{
	struct buffer text = BUFFER_INIT(WHOLE_FILE_MAX), value = BUFFER_INIT(4096);
	bool there = false, done = whole_file_read(settings, &text, &there, err);
	const char *at = done ? strstr(buffer_text(&text), head) : NULL,
		   *end = at != NULL ? strstr(at, tail) : NULL;

	*folder = NULL;
	if (end != NULL)
		unescape(at + strlen(head), (size_t)(end - at) - strlen(head), &value);
	if (done && value.length > 0)
		*folder = database(buffer_text(&value));
	buffer_free(&value);
	buffer_free(&text);
	return done;
}

/* The profile with Default=1, else the first by its name. */
static void prefer(void *context, const struct mozilla_profile *profile)
{
	struct mozilla_profile *best = context;

	if (best->folder[0] == '\0' || profile->standard ||
		(!best->standard && strcmp(profile->name, best->name) < 0))
		*best = *profile;
}

static bool find_profile(struct mozilla_profile *best, struct error *err)
{
	const char *home = place_home();
	bool done = true;

	*best = (struct mozilla_profile){.standard = false};
	for (size_t i = 0; done && best->folder[0] == '\0' && home != NULL &&
			   i < sizeof(roots) / sizeof(roots[0]);
		i++) {
		char *root = place_text("%s/%s", home, roots[i]);

		done = root != NULL && mozilla_profiles(root, prefer, best, err);
		free(root);
	}
	return done;
}

/* A process of this person's; another's can't be asked for its files. */
static long running(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	long process = 0;

	while (processes != NULL && process == 0 && (entry = readdir(processes)) != NULL) {
		char *path = place_text("/proc/%s/exe", entry->d_name), target[4096];
		ssize_t length = path != NULL ? readlink(path, target, sizeof(target) - 1) : -1;

		target[length > 0 ? length : 0] = '\0';
		if (strstr(target, "/soffice.bin") != NULL)
			process = strtol(entry->d_name, NULL, 10);
		free(path);
	}
	if (processes != NULL)
		closedir(processes);
	return process;
}

/* LibreOffice writes its options when it ends, as it knows them. A lock alone may be left by a crash. */
static void look_busy(struct place *place, const char *profile)
{
	char *lock = place_text("%s/.lock", profile);
	long process = lock != NULL && access(lock, F_OK) == 0 ? running() : 0;

	if (process != 0)
		place->busy = place_text(_("%s is running (process %ld)"), "LibreOffice", process);
	free(lock);
}

/* The option, where LibreOffice finds it. */
static bool add_option(
	struct places *places, const char *profile, const char *folder, struct error *err)
{
	struct place *place = places_add(
		places, "libreoffice", PLACE_FRAMED, "%s/user/registrymodifications.xcu", profile);
	struct buffer name = BUFFER_INIT(3 * 4096);

	if (place != NULL) {
		escape(folder, &name);
		place->frame = frame;
		place->text = buffer_ok(&name)
				      ? place_text("%s%s%s", head, buffer_text(&name), tail)
				      : NULL;
		look_busy(place, profile);
	}
	buffer_free(&name);
	return (place != NULL && place->text != NULL) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool add_database(
	struct places *places, const char *module, const char *folder, struct error *err)
{
	struct place *place = nss_place(places, "libreoffice", folder, module);
	long process = mozilla_holder(folder);

	if (place != NULL && folder[0] != '/')
		place->never = place_text(
			_("LibreOffice is told to take its certificates from %s, which can't be "
			  "changed here; ~/.pki/nssdb can"),
			folder);
	else if (place != NULL && process != 0)
		place->busy =
			place_text(_("Firefox or Thunderbird is running (process %ld)"), process);
	return place != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool add_packed(struct places *places, struct error *err)
{
	const char *home = place_home();

	for (size_t i = 0; home != NULL && i < sizeof(packed) / sizeof(packed[0]); i++) {
		char *folder = place_text("%s/%s", home, packed[i].folder);
		struct place *place = NULL;

		if (folder != NULL && access(folder, F_OK) == 0) {
			place = places_add(places, "libreoffice", PLACE_FRAMED,
				"%s/registrymodifications.xcu", folder);
			if (place == NULL)
				return error_set(err, ERROR_FAILED, _("out of memory"));
			place->never = place_text(
				_("LibreOffice from a %s can't load a library of this system; "
				  "the one that the system's package manager installs, or "
				  "libreoffice.org's, can"),
				packed[i].packed);
		}
		free(folder);
	}
	return true;
}

bool libreoffice_places(struct places *places, const char *module, bool asked, struct error *err)
{
	const char *environment = secure_getenv("MOZILLA_CERTIFICATE_FOLDER");
	char *config = place_config_home(), *shared = NULL, *profile = NULL, *settings = NULL,
	     *folder = NULL;
	struct mozilla_profile mozilla;
	bool done = false;

	if (!add_packed(places, err))
		goto out;
	if (!asked && !program_there("soffice") && !program_there("libreoffice")) {
		done = true;
		goto out;
	}
	shared = nss_shared(err);
	if (shared == NULL)
		goto out;
	profile = place_text("%s/libreoffice/4", config);
	settings = place_text("%s/user/registrymodifications.xcu", profile);
	if (environment != NULL && environment[0] != '\0')
		folder = database(environment);
	else if (!chosen(settings, &folder, err) ||
		 (folder == NULL && !find_profile(&mozilla, err)))
		goto out;
	else if (folder == NULL && mozilla.there)
		folder = strdup(mozilla.folder);
	done = add_database(places, module, folder != NULL ? folder : shared, err) &&
	       ((folder != NULL && strcmp(folder, shared) != 0) ||
		       add_option(places, profile, shared, err));
out:
	free(folder);
	free(settings);
	free(profile);
	free(shared);
	free(config);
	return done;
}

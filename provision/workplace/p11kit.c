#include "provision/workplace/p11kit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module/support/folder.h"
#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/whole_file.h"

#define SYSTEM_FOLDER "/etc/pkcs11/modules"
#define OWN_NAME      "/podpis.module"

/* From the weakest: a file of the same name in a later folder stands in its place. */
static size_t folders(char *list[3])
{
	char *config = getuid() != 0 ? place_config_home() : NULL;
	size_t count = 0;

	list[count++] = strdup(PODPIS_P11KIT_DIR);
	list[count++] = strdup(SYSTEM_FOLDER);
	if (config != NULL)
		list[count++] = place_text("%s/pkcs11/modules", config);
	free(config);
	return count;
}

/* The value of "module:", as a path; NULL when there is none. The caller frees. */
static char *module_of(const char *text)
{
	for (const char *line = text; *line != '\0';
		line += strcspn(line, "\n"), line += *line == '\n') {
		const char *value = line + strspn(line, " \t");
		size_t length;

		if (strncmp(value, "module:", 7) != 0)
			continue;
		value += 7;
		value += strspn(value, " \t");
		length = strcspn(value, " \t\r\n");
		return value[0] == '/'
			       ? strndup(value, length)
			       : place_text("%s/%.*s", PODPIS_MODULE_DIR, (int)length, value);
	}
	return NULL;
}

static bool hidden(char *const *list, size_t count, size_t folder, const char *name)
{
	bool found = false;

	for (size_t i = folder + 1; i < count && !found; i++) {
		char *path = list[i] != NULL ? place_text("%s/%s", list[i], name) : NULL;

		found = path != NULL && access(path, F_OK) == 0;
		free(path);
	}
	return found;
}

static void judge(
	const char *path, const char *library, const char *module, struct place_view *view)
{
	const char *slash = strrchr(path, '/');
	bool own = slash != NULL && strcmp(slash, OWN_NAME) == 0;

	if (view->state != PLACE_ABSENT) {
		/* The other is the one that setup did not write. */
		if (view->state != PLACE_THERE || !own)
			snprintf(view->other, sizeof(view->other), "%s", path);
		view->state = PLACE_TWICE;
	} else if (place_same_file(library, module)) {
		view->state = PLACE_THERE;
		snprintf(view->other, sizeof(view->other), "%s", path);
	} else {
		view->state = PLACE_OTHER;
		snprintf(view->other, sizeof(view->other), "%s", library);
	}
}

static bool look_in(char *const *list, size_t count, size_t folder, const char *module,
	struct place_view *view, struct error *err)
{
	char **names = NULL;
	size_t length = 0;
	bool done = list[folder] == NULL || folder_names(list[folder], false, &names, &length, err);

	for (size_t i = 0; done && i < length; i++) {
		size_t end = strlen(names[i]);
		struct buffer text = BUFFER_INIT(WHOLE_FILE_MAX);
		char *path = place_text("%s/%s", list[folder], names[i]), *library = NULL;
		bool there = false;

		if (path != NULL && end > 7 && strcmp(names[i] + end - 7, ".module") == 0 &&
			!hidden(list, count, folder, names[i]) &&
			whole_file_read(path, &text, &there, NULL) && there)
			library = module_of(buffer_text(&text));
		if (library != NULL && place_is_podpis(library))
			judge(path, library, module, view);
		free(library);
		free(path);
		buffer_free(&text);
	}
	folder_names_free(names, length);
	return done;
}

bool p11kit_look_in(char *const *list, size_t count, const char *module, struct place_view *view,
	struct error *err)
{
	bool done = true;

	*view = (struct place_view){.state = PLACE_ABSENT};
	for (size_t i = 0; done && i < count; i++)
		done = look_in(list, count, i, module, view, err);
	return done;
}

bool p11kit_look(const char *module, struct place_view *view, struct error *err)
{
	char *list[3] = {NULL};
	size_t count = folders(list);
	bool done = p11kit_look_in(list, count, module, view, err);

	for (size_t i = 0; i < count; i++)
		free(list[i]);
	return done;
}

bool p11kit_places(struct places *places, const char *module, bool asked, struct error *err)
{
	bool root = getuid() == 0, here = access(PODPIS_P11KIT_DIR, F_OK) == 0;
	char *config = place_config_home();
	struct place *place = NULL;

	if (!asked && !here) {
		free(config);
		return true;
	}
	if (root)
		place = places_add(places, "p11-kit", PLACE_P11KIT, SYSTEM_FOLDER OWN_NAME);
	else if (config != NULL)
		place = places_add(
			places, "p11-kit", PLACE_P11KIT, "%s/pkcs11/modules" OWN_NAME, config);
	free(config);
	if (place == NULL)
		return error_set(
			err, ERROR_WORKPLACE, _("there is no place for p11-kit's configuration"));
	place->mode = root ? 0644 : 0600;
	place->text = place_text("# Podpis, by podpis setup\nmodule: %s\n", module);
	if (root && !asked) {
		/* A change for everybody on this machine is made by name only. */
		free(place->path);
		place->path = NULL;
		place->hint = strdup(
			_("p11-kit ignores root's own configuration; podpis setup --for p11-kit "
			  "registers the module for everybody"));
	} else {
		place->hint = strdup(
			_("p11-kit, GnuTLS and OpenSSL have no trust store of a person's own: whom "
			  "to trust is told to a program in a file, or to everybody on this "
			  "machine by the administrator"));
	}
	return place->text != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

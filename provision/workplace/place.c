#include "provision/workplace/place.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/nss.h"
#include "provision/workplace/p11kit.h"
#include "provision/workplace/policy.h"
#include "provision/workplace/whole_file.h"

static const struct {
	const char *name;
	application_places *places;
} applications[] = {
	{"p11-kit", p11kit_places},
	{"firefox", firefox_places},
	{"firefox-policy", firefox_policy_places},
	{"chromium", chromium_places},
	{"libreoffice", libreoffice_places},
	{"nss", nss_places},
	{"openssl", openssl_places},
	{"ssh", ssh_places},
};

#define APPLICATIONS (sizeof(applications) / sizeof(applications[0]))

static bool named(const char *wanted, const char *name)
{
	size_t length = strlen(name), word;

	for (; *wanted != '\0'; wanted += word + (wanted[word] == ',')) {
		word = strcspn(wanted, ",");
		if (word == length && memcmp(wanted, name, length) == 0)
			return true;
	}
	return false;
}

static bool all_known(const char *wanted, struct error *err)
{
	for (size_t word; *wanted != '\0'; wanted += word + (wanted[word] == ',')) {
		bool known = false;
		char name[32];

		word = strcspn(wanted, ",");
		snprintf(name, sizeof(name), "%.*s", (int)word, wanted);
		for (size_t i = 0; i < APPLICATIONS; i++)
			known = known || strcmp(name, applications[i].name) == 0;
		if (!known && strcmp(name, "none") != 0)
			return error_set(err, ERROR_USAGE,
				_("--for %s: there is p11-kit, firefox, firefox-policy, chromium, "
				  "libreoffice, nss, openssl, ssh, none"),
				name);
	}
	return true;
}

bool places_find(struct places *places, const char *module, const char *wanted, struct error *err)
{
	*places = (struct places){0};
	if (wanted != NULL && !all_known(wanted, err))
		return false;
	/* Without a home there is nothing that an application would look at. */
	if (wanted == NULL && place_home() == NULL)
		return true;
	for (size_t i = 0; i < APPLICATIONS; i++) {
		bool asked = wanted != NULL && named(wanted, applications[i].name);
		size_t before = places->count;

		if (wanted != NULL && !asked)
			continue;
		if (!applications[i].places(places, module, asked, err))
			return false;
		if (asked && places->count == before)
			return error_set(err, ERROR_WORKPLACE, _("%s: nothing of it is here"),
				applications[i].name);
	}
	return true;
}

void places_clear(struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->list[i];

		free(place->path);
		free(place->text);
		free(place->database);
		free(place->busy);
		free(place->never);
		free(place->hint);
	}
	places->count = 0;
}

static char *format_text(const char *format, va_list list)
{
	char *text = NULL;

	return vasprintf(&text, format, list) < 0 ? NULL : text;
}

char *place_text(const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = format_text(format, list);
	va_end(list);
	return text;
}

struct place *places_add(struct places *places, const char *application, enum place_syntax syntax,
	const char *format, ...)
{
	struct place *place = &places->list[places->count];
	va_list list;

	if (places->count == PLACES_MAX)
		return NULL;
	*place = (struct place){.application = application, .syntax = syntax};
	va_start(list, format);
	place->path = format_text(format, list);
	va_end(list);
	if (place->path == NULL)
		return NULL;
	places->count++;
	return place;
}

const char *place_home(void)
{
	const char *home = secure_getenv("HOME");

	return home != NULL && home[0] == '/' ? home : NULL;
}

char *place_config_home(void)
{
	const char *config = secure_getenv("XDG_CONFIG_HOME"), *home = place_home();

	if (config != NULL && config[0] == '/')
		return strdup(config);
	return home != NULL ? place_text("%s/.config", home) : NULL;
}

bool place_same_file(const char *a, const char *b)
{
	struct stat first, second;

	return strcmp(a, b) == 0 ||
	       (stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
		       first.st_ino == second.st_ino);
}

bool place_is_podpis(const char *library)
{
	const char *slash = strrchr(library, '/');

	return strcmp(slash != NULL ? slash + 1 : library, "podpis-pkcs11.so") == 0;
}

/* The piece, where whole lines of the text are it. */
static const char *find_lines(const char *text, const char *piece)
{
	const char *at = piece[0] != '\0' ? strstr(text, piece) : NULL;

	while (at != NULL && at != text && at[-1] != '\n' && piece[0] != '\n')
		at = strstr(at + 1, piece);
	return at;
}

bool place_look(
	const struct place *place, const char *module, struct place_view *view, struct error *err)
{
	struct buffer text = BUFFER_INIT(WHOLE_FILE_MAX);
	bool there = false, done = true;

	*view = (struct place_view){.state = PLACE_ABSENT};
	if (place->syntax == PLACE_P11KIT)
		return p11kit_look(module, view, err);
	if (!whole_file_read(place->path, &text, &there, err))
		return false;
	if (place->syntax == PLACE_POLICY) {
		done = policy_look(buffer_text(&text), module, view, err);
	} else if (there && place->syntax == PLACE_NSS) {
		nss_look(buffer_text(&text), module, view);
	} else if (there && find_lines(buffer_text(&text), place->text) != NULL) {
		view->state = PLACE_THERE;
	} else if (text.length > 0 && place->syntax == PLACE_LINES && !place->front) {
		view->state = PLACE_OTHER;
		snprintf(view->other, sizeof(view->other), "%s", place->path);
	}
	buffer_free(&text);
	return done;
}

struct maker {
	const struct place *place;
	struct record *record;
	struct error *err;
	bool failed;
};

static void made_folder(void *context, const char *folder)
{
	struct maker *maker = context;

	/* What everybody is to read has to be in folders that everybody may enter. */
	if ((maker->place->mode & 0004) != 0 && chmod(folder, 0755) != 0)
		maker->failed = true;
	maker->failed =
		!record_add(maker->record,
			json_pack("{s:s, s:s}", "kind", "folder", "path", folder), maker->err) ||
		maker->failed;
}

static bool make_database(const struct place *place, struct record *record, struct error *err)
{
	if (place->database == NULL || nss_there(place->database))
		return true;
	return record_add(record,
		       json_pack("{s:s, s:s}", "kind", "database", "path", place->database), err) &&
	       nss_make(place->database, err);
}

/* What has to go before a paragraph, so that it is one. */
static const char *separator(const struct place *place, const struct buffer *old)
{
	const char *text = buffer_text(old);

	if (place->front || place->syntax == PLACE_FRAMED || old->length == 0)
		return "";
	if (text[old->length - 1] != '\n')
		return "\n\n";
	return old->length > 1 && text[old->length - 2] == '\n' ? "" : "\n";
}

/* The last line of a frame, which is to be found in the file. */
static const char *closing(const char *frame)
{
	const char *line = frame + strlen(frame) - 1;

	while (line != frame && line[-1] != '\n')
		line--;
	return line;
}

/* What is to be put in, and where. The caller frees *piece. */
static bool find_piece(const struct place *place, const struct buffer *old, size_t *offset,
	char **piece, struct error *err)
{
	const char *text = buffer_text(old), *at;

	if (place->syntax == PLACE_POLICY)
		return policy_piece(text, place->text, offset, piece, err);
	*offset = place->front ? 0 : old->length;
	if (place->syntax == PLACE_FRAMED) {
		at = find_lines(text, closing(place->frame));
		if (at == NULL)
			return error_set(err, ERROR_FAILED, _("%s: not a file of %s"), place->path,
				place->application);
		*offset = (size_t)(at - text);
	}
	*piece = place_text("%s%s", separator(place, old), place->text);
	return *piece != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool place_add(const struct place *place, struct record *record, struct error *err)
{
	struct buffer old = BUFFER_INIT(WHOLE_FILE_MAX), text = BUFFER_INIT(2 * WHOLE_FILE_MAX);
	struct maker maker = {.place = place, .record = record, .err = err};
	char *piece = NULL;
	size_t offset = 0;
	bool there = false, done = false;

	if (!whole_file_folders(place->path, made_folder, &maker, err) || maker.failed ||
		!make_database(place, record, err) ||
		!whole_file_read(place->path, &old, &there, err))
		goto out;
	if (place->frame != NULL && old.length == 0)
		buffer_append_text(&old, place->frame);
	if (!find_piece(place, &old, &offset, &piece, err))
		goto out;
	buffer_append(&text, old.data, offset);
	buffer_append_text(&text, piece);
	buffer_append(&text, buffer_text(&old) + offset, old.length - offset);
	if (!buffer_ok(&text)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	done = record_add(record,
		       json_pack("{s:s, s:s, s:s, s:b, s:s*, s:s*}", "kind", "text", "path",
			       place->path, "text", piece, "created", !there, "frame", place->frame,
			       "library", place->syntax == PLACE_POLICY ? place->text : NULL),
		       err) &&
	       whole_file_write(place->path, text.data, text.length, there ? 0 : place->mode, err);
out:
	free(piece);
	buffer_free(&text);
	buffer_free(&old);
	return done;
}

/* The library that a piece names: other programs may have written the file anew, of pkcs11.txt or policies.json. */
static bool without_library(const char *text, const json_t *entry, struct buffer *rest)
{
	const char *piece = record_text(entry, "text"), *policy = record_text(entry, "library");
	const char *library = strstr(piece, "library=");
	size_t length = library != NULL ? strcspn(library + 8, "\n") : 0;
	char *name = library != NULL ? strndup(library + 8, length) : NULL;
	bool done = policy[0] != '\0'
			    ? policy_without(text, policy, rest)
			    : name != NULL && strstr(text, "library=") != NULL &&
				      nss_without(text, name, rest) && rest->length < strlen(text);

	free(name);
	return done;
}

bool place_take_back(const json_t *entry, bool *left, struct error *err)
{
	const char *path = record_text(entry, "path"), *piece = record_text(entry, "text"), *at;
	struct buffer text = BUFFER_INIT(WHOLE_FILE_MAX), rest = BUFFER_INIT(WHOLE_FILE_MAX);
	struct place_view view;
	bool there = false, done = false;

	if (!whole_file_read(path, &text, &there, err))
		goto out;
	at = there ? find_lines(buffer_text(&text), piece) : NULL;
	if (at != NULL) {
		buffer_append(&rest, text.data, (size_t)(at - buffer_text(&text)));
		buffer_append_text(&rest, at + strlen(piece));
	}
	/* Our words, with others put around them since: there they go by their name, with their comma. */
	if (at != NULL && record_text(entry, "library")[0] != '\0' &&
		!policy_look(buffer_text(&rest), "", &view, NULL)) {
		buffer_reset(&rest);
		at = NULL;
	}
	if (there && at == NULL && !without_library(buffer_text(&text), entry, &rest)) {
		*left = text.length > 0;
		done = true;
		goto out;
	}
	if (there && !buffer_ok(&rest))
		error_set(err, ERROR_FAILED, _("out of memory"));
	else if (there && strcmp(buffer_text(&rest), record_text(entry, "frame")) == 0 &&
		 json_is_true(json_object_get(entry, "created")))
		done = unlink(path) == 0 ||
		       error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	else
		done = !there || whole_file_write(path, rest.data, rest.length, 0, err);
out:
	buffer_free(&text);
	buffer_free(&rest);
	return done;
}

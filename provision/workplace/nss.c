#include "provision/workplace/nss.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "provision/i18n.h"
#include "provision/workplace/program.h"
#include "provision/workplace/whole_file.h"

static const char *const files[] = {"cert9.db", "key4.db", "pkcs11.txt"};

struct place *nss_place(
	struct places *places, const char *application, const char *folder, const char *module)
{
	struct place *place = places_add(places, application, PLACE_NSS, "%s/pkcs11.txt", folder);

	if (place == NULL)
		return NULL;
	place->database = strdup(folder);
	place->text = place_text("library=%s\nname=Podpis\n\n", module);
	return place->database != NULL && place->text != NULL ? place : NULL;
}

/* The paragraph at `text`: its length, with the empty lines behind it, and its library (caller frees; or NULL). */
static size_t paragraph(const char *text, char **library)
{
	const char *line = text;
	size_t length;

	*library = NULL;
	for (; (length = strcspn(line, "\n")) > 0; line += length + (line[length] == '\n'))
		if (strncmp(line, "library=", 8) == 0 && *library == NULL)
			*library = strndup(line + 8, length - 8);
	line += strspn(line, "\n");
	return (size_t)(line - text);
}

void nss_look(const char *text, const char *module, struct place_view *view)
{
	size_t length;
	char *library;

	*view = (struct place_view){.state = PLACE_ABSENT};
	for (; *text != '\0'; text += length) {
		length = paragraph(text, &library);
		if (library != NULL && place_is_podpis(library)) {
			bool same = place_same_file(library, module);

			if (view->state != PLACE_ABSENT)
				view->state = PLACE_TWICE;
			else
				view->state = same ? PLACE_THERE : PLACE_OTHER;
			if (!same || view->other[0] == '\0')
				snprintf(view->other, sizeof(view->other), "%s", library);
		}
		free(library);
	}
}

bool nss_without(const char *text, const char *library, struct buffer *out)
{
	size_t length;
	char *name;

	for (; *text != '\0'; text += length) {
		length = paragraph(text, &name);
		if (name == NULL || strcmp(name, library) != 0)
			buffer_append(out, text, length);
		free(name);
	}
	return buffer_ok(out);
}

bool nss_there(const char *folder)
{
	bool there = true;

	for (size_t i = 0; there && i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = place_text("%s/%s", folder, files[i]);

		there = path != NULL && access(path, F_OK) == 0;
		free(path);
	}
	return there;
}

static bool certutil(const char *folder, const char *const *rest, struct error *err)
{
	char *database = place_text("sql:%s", folder);
	const char *arguments[16] = {"certutil", "-d", database};
	size_t count = 3;
	bool done;

	if (database == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	while (*rest != NULL && count < sizeof(arguments) / sizeof(arguments[0]) - 1)
		arguments[count++] = *rest++;
	done = program_run(arguments, err);
	if (!done && err != NULL && err->code == ERROR_WORKPLACE)
		error_set(err, ERROR_WORKPLACE,
			_("NSS's certutil is not installed, which writes NSS databases (Debian's "
			  "package "
			  "libnss3-tools)"));
	free(database);
	return done;
}

bool nss_make(const char *folder, struct error *err)
{
	return certutil(folder, (const char *const[]){"-N", "--empty-password", NULL}, err);
}

/* One number, asked with a value bound to ?1 if there is one; -1 when the database can't be read. */
static int ask(const char *folder, const char *file, const char *query, const uint8_t *value,
	size_t length)
{
	char *path = place_text("%s/%s", folder, file);
	sqlite3 *database = NULL;
	sqlite3_stmt *statement = NULL;
	int answer = -1;

	if (path != NULL && length <= WHOLE_FILE_MAX &&
		sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
		sqlite3_busy_timeout(database, 1000) == SQLITE_OK &&
		sqlite3_prepare_v2(database, query, -1, &statement, NULL) == SQLITE_OK &&
		(value == NULL || sqlite3_bind_blob(statement, 1, value, (int)length,
					  SQLITE_STATIC) == SQLITE_OK) &&
		sqlite3_step(statement) == SQLITE_ROW)
		answer = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(database);
	free(path);
	return answer;
}

/* a11 is CKA_VALUE, a0 CKA_CLASS, numbers in network order. */
bool nss_holds(const char *folder, const uint8_t *der, size_t length)
{
	return ask(folder, "cert9.db",
		       "SELECT count(*) FROM nssPublic WHERE a11 = ?1 AND a0 = x'00000001'", der,
		       length) > 0;
}

static void digest(sqlite3_context *context, int count, sqlite3_value **values)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	char text[2 * sizeof(sum) + 1];

	(void)count;
	SHA256(sqlite3_value_blob(values[0]), (size_t)sqlite3_value_bytes(values[0]), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

bool nss_holds_sha256(const char *folder, const char *sha256)
{
	char *path = place_text("%s/cert9.db", folder);
	sqlite3 *database = NULL;
	sqlite3_stmt *statement = NULL;
	bool holds = false;

	if (path != NULL &&
		sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
		sqlite3_busy_timeout(database, 1000) == SQLITE_OK &&
		sqlite3_create_function(database, "sha256", 1, SQLITE_UTF8, NULL, digest, NULL,
			NULL) == SQLITE_OK &&
		sqlite3_prepare_v2(database,
			"SELECT 1 FROM nssPublic WHERE a0 = x'00000001' AND sha256(a11) = ?1", -1,
			&statement, NULL) == SQLITE_OK &&
		sqlite3_bind_text(statement, 1, sha256, -1, SQLITE_STATIC) == SQLITE_OK)
		holds = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_finalize(statement);
	sqlite3_close(database);
	free(path);
	return holds;
}

bool nss_remove_empty(const char *folder, bool *removed, struct error *err)
{
	struct buffer text = BUFFER_INIT(WHOLE_FILE_MAX);
	char *list = place_text("%s/pkcs11.txt", folder), *library = NULL;
	const char *at;
	bool there = false, empty, done = false;

	*removed = false;
	if (list == NULL || !whole_file_read(list, &text, &there, err))
		goto out;
	at = buffer_text(&text);
	at += there ? paragraph(at, &library) : 0;
	empty = *at == '\0' &&
		ask(folder, "cert9.db", "SELECT count(*) FROM nssPublic", NULL, 0) <= 0 &&
		ask(folder, "key4.db", "SELECT count(*) FROM nssPrivate", NULL, 0) <= 0;
	for (size_t i = 0; empty && i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = place_text("%s/%s", folder, files[i]);

		if (path == NULL || (unlink(path) != 0 && errno != ENOENT)) {
			error_set(
				err, ERROR_FAILED, "%s/%s: %s", folder, files[i], strerror(errno));
			free(path);
			goto out;
		}
		free(path);
	}
	*removed = empty;
	done = true;
out:
	free(library);
	free(list);
	buffer_free(&text);
	return done;
}

bool nss_trust(const char *folder, const struct certificate *certificate, const char *nickname,
	struct error *err)
{
	char file[] = "/tmp/podpis.XXXXXX";
	int fd = mkstemp(file);
	bool done = fd >= 0 && write(fd, certificate->der, certificate->length) ==
				       (ssize_t)certificate->length;

	if (fd >= 0)
		close(fd);
	if (!done)
		error_set(err, ERROR_FAILED, "%s: %s", file, strerror(errno));
	else
		done = certutil(folder,
			(const char *const[]){"-A", "-n", nickname, "-t", ",C,", "-i", file, NULL},
			err);
	if (fd >= 0)
		unlink(file);
	return done;
}

bool nss_forget(const char *folder, const char *nickname, struct error *err)
{
	return certutil(folder, (const char *const[]){"-D", "-n", nickname, NULL}, err);
}

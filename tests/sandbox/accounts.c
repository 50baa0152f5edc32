#include "tests/sandbox/accounts.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "tests/sandbox/codec.h"
#include "tests/sandbox/profile.h"

#define SALT     16
#define PASSWORD 21 /* characters of the token that a password is cut from, with the NUL */

/* What the colleagues have in common stands in `common` below. INN and SNILS have right checksums. */
static const struct seed {
	const char *login, *role;
	const char *surname, *given_name, *patronymic, *birth_date, *inn, *snils, *title, *email,
		*phone;
	const char *ogrn;
	bool head; /* signs for the organisation */
} seeds[] = {
	{"admin", "administrator", "Петрова", "Анна", "Сергеевна", "1984-03-12", "770123450148",
		"11223344595", "Администратор", "petrova@example.ru", "+79161234501", NULL, false},
	{"ivanov", "employee", "Иванов", "Иван", "Иванович", "1990-07-01", "770234561252",
		"12345678156", "Инженер", "ivanov@example.ru", "+79161234502", NULL, false},
	{"sidorova", "employee", "Сидорова", "Мария", "Петровна", "1987-11-23", "770345672367",
		"23456789200", "Бухгалтер", "sidorova@example.ru", "+79161234503", NULL, false},
	{"volkova", "employee", "Волкова", "Елена", "Андреевна", "1975-01-30", "770456783471",
		"34567890325", "Генеральный директор", "volkova@example.ru", "+79161234504",
		"1027700998874", true},
	{"smirnov", "employee", "Смирнов", "Пётр", NULL, "1993-05-17", "770567894586",
		"45678901440", NULL, "smirnov@example.ru", "+79161234505", "320774600123457",
		false},
};

static const char *const common[][2] = {
	{"country", "RU"},
	{"region", "77 Москва"},
	{"locality", "Москва"},
	{"street", "ул. Тверская, д. 1"},
};

static void put(json_t *person, const char *name, const char *value)
{
	if (value != NULL)
		json_object_set_new(person, name, json_string(value));
}

static json_t *person_of(const struct seed *seed)
{
	json_t *person = json_object();

	put(person, "surname", seed->surname);
	put(person, "given-name", seed->given_name);
	put(person, "patronymic", seed->patronymic);
	put(person, "birth-date", seed->birth_date);
	put(person, "inn", seed->inn);
	put(person, "snils", seed->snils);
	put(person, "ogrn", seed->ogrn);
	if (seed->head) {
		put(person, "inn-le", "7709988778");
		put(person, "organisation", "ООО «Ромашка»");
		put(person, "department", "Дирекция");
	}
	put(person, "title", seed->title);
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		put(person, common[i][0], common[i][1]);
	put(person, "email", seed->email);
	put(person, "phone", seed->phone);
	return person;
}

static bool hash_password(const char *password, const uint8_t salt[SALT], uint8_t out[CODEC_SHA256])
{
	return EVP_PBE_scrypt(password, strlen(password), salt, SALT, 1 << 14, 8, 1, 64 << 20, out,
		       CODEC_SHA256) == 1;
}

static bool make(struct store *store, const struct seed *seed, int place, struct error *err)
{
	char password[CODEC_TOKEN_MAX];
	uint8_t salt[SALT], hash[CODEC_SHA256];
	struct buffer text = BUFFER_INIT(8192);
	json_t *person = person_of(seed);
	char name[64];
	bool ok = false;

	if (!codec_token(password) || !codec_random(salt, sizeof salt)) {
		error_set(err, ERROR_FAILED, "no random bytes");
		goto out;
	}
	password[PASSWORD - 1] = '\0';
	if (!hash_password(password, salt, hash)) {
		error_set(err, ERROR_FAILED, "scrypt failed");
		goto out;
	}
	/* The files first: an account without its file could not be used. */
	snprintf(name, sizeof name, "accounts/%s.password", seed->login);
	buffer_printf(&text, "%s\n", password);
	if (!store_write_file(store, name, text.data, text.length, 0600, err))
		goto out;
	buffer_reset(&text);
	for (enum profile_field field = 0; field < PROFILE_FIELDS; field++) {
		const struct profile_field_info *info = profile_field(field);
		const char *value = json_string_value(json_object_get(person, info->name));

		if (value != NULL)
			buffer_printf(&text, "%s = %s\n", info->name, value);
	}
	snprintf(name, sizeof name, "accounts/%s.ini", seed->login);
	if (!store_write_file(store, name, text.data, text.length, 0600, err))
		goto out;

	char *json = json_dumps(person, JSON_COMPACT);
	store_run(store, "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?)", "ssbbsi", seed->login,
		seed->role, salt, sizeof salt, hash, sizeof hash, json, (int64_t)place);
	free(json);
	ok = true;
out:
	OPENSSL_cleanse(password, sizeof password);
	buffer_free(&text);
	json_decref(person);
	return ok;
}

bool accounts_open(struct store *store, struct error *err)
{
	if (store_number(store, 0, "SELECT count(*) FROM accounts", "") > 0)
		return true;
	store_begin(store);
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		if (!make(store, &seeds[i], (int)i, err)) {
			store_rollback(store);
			return false;
		}
	}
	return store_commit(store) ||
	       error_set(err, ERROR_FAILED, "the accounts could not be written");
}

bool accounts_check(struct store *store, const char *login, const char *password)
{
	struct buffer salt = BUFFER_INIT(SALT);
	uint8_t hash[CODEC_SHA256] = {0};
	sqlite3_stmt *query =
		store_query(store, "SELECT salt, hash FROM accounts WHERE login = ?", "s", login);
	bool known = store_next(store, &query) && store_blob(query, 0, &salt), ok;

	/* An unknown login takes as long as a wrong password. */
	if (!known) {
		buffer_reset(&salt);
		buffer_extend(&salt, SALT);
	}
	ok = salt.length == SALT && hash_password(password, salt.data, hash) && known &&
	     store_equals(query, 1, hash, sizeof hash);
	store_end(&query);
	buffer_free(&salt);
	return ok;
}

bool accounts_password(struct store *store, const char *login, struct buffer *out)
{
	struct buffer line = BUFFER_INIT(256);
	char path[512];
	bool ok = accounts_exists(store, login) &&
		  snprintf(path, sizeof path, "%s/accounts/%s.password", store_dir(store), login) <
			  (int)sizeof path &&
		  buffer_read_file(&line, path) &&
		  buffer_append(out, line.data, strcspn(buffer_text(&line), "\n"));

	buffer_free(&line);
	return ok;
}

bool accounts_exists(struct store *store, const char *login)
{
	return store_number(store, 0, "SELECT count(*) FROM accounts WHERE login = ?", "s", login) >
	       0;
}

bool accounts_is_administrator(struct store *store, const char *login)
{
	return store_number(store, 0,
		       "SELECT count(*) FROM accounts WHERE login = ? AND role = 'administrator'",
		       "s", login) > 0;
}

json_t *accounts_person(struct store *store, const char *login)
{
	sqlite3_stmt *query =
		store_query(store, "SELECT person FROM accounts WHERE login = ?", "s", login);
	json_t *person = NULL;

	if (store_next(store, &query))
		person = json_loads(store_text(query, 0), 0, NULL);
	store_end(&query);
	return person;
}

json_t *accounts_full_name(const json_t *person)
{
	static const char *const parts[] = {"surname", "given-name", "patronymic"};
	struct buffer name = BUFFER_INIT(1024);

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		const char *part = json_string_value(json_object_get(person, parts[i]));

		if (part != NULL && *part != '\0')
			buffer_printf(&name, "%s%s", name.length > 0 ? " " : "", part);
	}
	json_t *string = json_string(buffer_text(&name));
	buffer_free(&name);
	return string;
}

json_t *accounts_list(struct store *store, const char *login_member, bool files)
{
	json_t *list = json_array();
	sqlite3_stmt *query =
		store_query(store, "SELECT login, role, person FROM accounts ORDER BY place", "");

	while (store_next(store, &query)) {
		const char *login = store_text(query, 0);
		json_t *person = json_loads(store_text(query, 2), 0, NULL);
		json_t *account = json_pack("{ssssso}", login_member, login, "role",
			store_text(query, 1), "name", accounts_full_name(person));

		if (files) {
			const char *dir = store_dir(store);

			json_object_set_new(account, "password_file",
				json_sprintf("%s/accounts/%s.password", dir, login));
			json_object_set_new(
				account, "data", json_sprintf("%s/accounts/%s.ini", dir, login));
		}
		json_array_append_new(list, account);
		json_decref(person);
	}
	return list;
}

/*
 * The vault's file: the input tells what is done to a whole vault, before it is opened, searched, logged into and
 * written. Bytes are changed as they lie in the file; and, by somebody who has the keys, rows are changed with
 * their checksums and tags made right again, so that what stands in them gets as far as it can.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "module/crypto/key.h"
#include "module/store/vault/load.h"
#include "module/store/vault/row_object.h"
#include "tests/fuzz/fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OBJECTS      8
#define CHANGES_MAX  16

static const uint8_t uuid[SEAL_UUID] = "podpis fuzz uuid", token_key[SEAL_KEY] = "fuzz";
static struct store_environment environment;
static char folder[FUZZ_FOLDER], path[64], journal[80];
static uint8_t *whole; /* the vault's file as it was made */
static size_t whole_size;

struct program {
	const uint8_t *data;
	size_t size, at;
};

static uint8_t byte(struct program *program)
{
	return program->at < program->size ? program->data[program->at++] : 0;
}

static uint32_t number(struct program *program)
{
	uint32_t value = byte(program);

	value = value << 8 | byte(program);
	value = value << 8 | byte(program);
	return value << 8 | byte(program);
}

static struct seal *make_seal(void)
{
	struct seal *seal = NULL;

	fuzz_holds(seal_new(environment.crypto, uuid, token_key, &seal) == CKR_OK);
	return seal;
}

/*
 * What is done to the file
 */

struct blob {
	uint8_t data[8192];
	size_t length;
};

static void change_blob(struct program *program, struct blob *blob)
{
	size_t at = blob->length > 0 ? number(program) % blob->length : 0;
	uint8_t action = byte(program), value = byte(program);

	if (action % 4 == 0 && blob->length > 0) {
		blob->data[at] = value;
	} else if (action % 4 == 1) {
		blob->length = at;
	} else if (action % 4 == 2 && blob->length + value <= sizeof(blob->data)) {
		memmove(blob->data + at + value, blob->data + at, blob->length - at);
		memset(blob->data + at, value, value);
		blob->length += value;
	} else if (blob->length >= 4) {
		record_put32(blob->data + at % (blob->length - 3), number(program));
	}
}

struct wanted {
	uint64_t id;
	bool found;
	struct row_object row;
	struct blob open, sealed;
};

static void take(struct blob *blob, const uint8_t *data, size_t length)
{
	blob->length = length < sizeof(blob->data) ? length : sizeof(blob->data);
	memcpy(blob->data, data, blob->length);
}

static CK_RV want(void *argument, const struct row_object *row)
{
	struct wanted *wanted = argument;

	if (row->id != wanted->id)
		return CKR_OK;
	wanted->found = true;
	wanted->row = *row;
	take(&wanted->open, row->open, row->open_length);
	take(&wanted->sealed, row->sealed, row->sealed_length);
	return CKR_OK;
}

/* Opens one sealed attribute, changes it, seals it again. */
static void change_sealed(struct program *program, struct seal *seal, struct wanted *wanted)
{
	struct blob *sealed = &wanted->sealed, plain = {.length = 0};
	struct buffer out = BUFFER_INIT(sizeof(sealed->data));
	struct record_entry entry;
	uint8_t header[RECORD_HEADER];
	size_t at = 0, skip = byte(program) % 24;

	while (record_next(sealed->data, sealed->length, &at, &entry)) {
		bool chosen = skip-- == 0 && entry.length >= SEAL_OVERHEAD &&
			      seal_open(seal, wanted->id, (uint32_t)entry.type, entry.value,
				      entry.length, plain.data) == CKR_OK;
		if (!chosen) {
			buffer_append(
				&out, entry.value - RECORD_HEADER, RECORD_HEADER + entry.length);
			continue;
		}
		plain.length = entry.length - SEAL_OVERHEAD;
		change_blob(program, &plain);
		record_put32(header, (uint32_t)entry.type);
		record_put32(header + 4, (uint32_t)(plain.length + SEAL_OVERHEAD));
		buffer_append(&out, header, sizeof(header));
		seal_close(seal, wanted->id, (uint32_t)entry.type, plain.data, plain.length, &out);
	}
	if (buffer_ok(&out) && out.length > 0)
		take(sealed, out.data, out.length);
	buffer_free(&out);
}

/* The page and the root list what is there now. */
static void list(struct row_context *rows, struct seal *seal, struct row_page *page)
{
	struct row_root root = {0};

	if (row_page_put(rows, seal, page) == CKR_OK && row_root_get(rows, &root) == CKR_OK &&
		row_root_list(&root, page->number, page->tag) == CKR_OK)
		row_root_put(rows, seal, &root);
	row_root_free(&root);
}

static void change_object(struct program *program, struct row_context *rows, struct seal *seal)
{
	static struct wanted wanted;
	struct row_page page;

	wanted.id = 1 + byte(program) % OBJECTS;
	wanted.found = false;
	if (row_page_get(rows, 0, &page) != CKR_OK ||
		row_object_get(rows, &page, want, &wanted) != CKR_OK || !wanted.found)
		return;
	switch (byte(program) % 3) {
	case 0:
		change_blob(program, &wanted.open);
		break;
	case 1:
		change_blob(program, &wanted.sealed);
		break;
	default:
		change_sealed(program, seal, &wanted);
	}
	wanted.row.open = wanted.open.data;
	wanted.row.open_length = wanted.open.length;
	wanted.row.sealed = wanted.sealed.data;
	wanted.row.sealed_length = wanted.sealed.length;
	if (row_object_put(rows, seal, &wanted.row) != CKR_OK)
		return;
	memcpy(page.objects[wanted.id], wanted.row.tag, SEAL_TAG);
	list(rows, seal, &page);
}

static void change_page(struct program *program, struct row_context *rows, struct seal *seal)
{
	uint64_t to = byte(program) % 4 == 0 ? (uint64_t)number(program) << 31 : 0;
	struct row_page page;
	size_t slot;

	if (row_page_get(rows, 0, &page) != CKR_OK)
		return;
	slot = byte(program) % ROW_PAGE;
	page.listed[slot] = !page.listed[slot];
	page.objects[slot][byte(program) % SEAL_TAG] ^= byte(program);
	page.number = to;
	list(rows, seal, &page);
}

static void change_root(struct program *program, struct row_context *rows, struct seal *seal)
{
	struct row_root root = {0};
	uint8_t which = byte(program);

	if (row_root_get(rows, &root) != CKR_OK)
		return;
	if (which % 4 == 0)
		root.label[byte(program) % ROW_LABEL] = byte(program);
	else if (which % 4 == 1)
		root.next = (uint64_t)number(program) << byte(program) % 40;
	else if (which % 4 == 2)
		root.generation = (uint64_t)number(program) << byte(program) % 40;
	else
		root.wraps[byte(program) % 2][byte(program) % SEAL_CHECKSUM] ^= byte(program);
	row_root_put(rows, seal, &root);
	row_root_free(&root);
}

static void change_pin(struct program *program, struct row_context *rows, struct seal *seal)
{
	struct row_root root = {0};
	struct row_pin pin;
	CK_USER_TYPE role = byte(program) % 2;
	uint8_t which = byte(program);

	if (row_pin_get(rows, role, &pin) != CKR_OK || row_root_get(rows, &root) != CKR_OK)
		return;
	if (which % 4 == 0)
		pin.wrap.n = (uint64_t)number(program) << byte(program) % 40;
	else if (which % 4 == 1)
		pin.wrap.r = number(program);
	else if (which % 4 == 2)
		pin.wrap.p = number(program);
	else
		pin.tries = number(program);
	if (row_pin_put(rows, &pin) == CKR_OK && which < 0xc0) {
		memcpy(root.wraps[role], pin.digest, SEAL_CHECKSUM);
		row_root_put(rows, seal, &root);
	}
	row_root_free(&root);
}

/* Any value in any column, nothing made right. */
static void change_column(struct program *program, struct row_context *rows)
{
	static const char *const columns[] = {"identity SET uuid", "identity SET checksum",
		"vault SET uuid", "vault SET label", "vault SET generation", "vault SET next",
		"vault SET so", "vault SET pages", "vault SET tag", "pin SET n", "pin SET tries",
		"pin SET salt", "pin SET wrapped", "pin SET checksum", "page SET number",
		"page SET entries", "page SET tag", "object SET id", "object SET version",
		"object SET open", "object SET sealed", "object SET checksum", "object SET tag"};
	static const char *const values[] = {
		"NULL", "''", "x''", "'text'", "zeroblob(%u)", "%u", "-%u", "%u.5"};
	char text[160], value[40];
	sqlite3 *db = NULL;

	(void)rows;
	sqlite3_snprintf(sizeof(value), value, values[byte(program) % COUNT(values)],
		number(program) >> byte(program) % 32);
	sqlite3_snprintf(sizeof(text), text,
		"PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF;"
		"UPDATE OR REPLACE %s = %s WHERE rowid = %u",
		columns[byte(program) % COUNT(columns)], value, byte(program) % OBJECTS);
	if (sqlite3_open(path, &db) == SQLITE_OK) {
		sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
		sqlite3_exec(db, text, NULL, NULL, NULL);
	}
	sqlite3_close(db);
}

static void change_row(struct program *program, uint8_t kind)
{
	struct row_context rows = {.table = table_new(environment.log, path)};
	struct seal *seal = make_seal();
	bool present = false;

	fuzz_holds(rows.table != NULL);
	memcpy(rows.uuid, uuid, SEAL_UUID);
	if (table_begin(rows.table, TABLE_WRITE, &present) == CKR_OK && present) {
		if (kind == 0)
			change_page(program, &rows, seal);
		else if (kind == 1)
			change_root(program, &rows, seal);
		else if (kind == 2)
			change_pin(program, &rows, seal);
		else
			change_object(program, &rows, seal);
		(void)table_commit(rows.table);
	}
	table_free(rows.table);
	seal_free(seal);
}

static void change_file(struct program *program, const char *name)
{
	uint8_t length = byte(program) % 8, value;
	off_t at = (off_t)(number(program) % whole_size);
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	fuzz_holds(fd >= 0);
	for (int i = 0; i <= length; i++) {
		value = byte(program);
		fuzz_holds(pwrite(fd, &value, 1, at + i) == 1);
	}
	/* Cut or long at times. */
	if (byte(program) % 16 == 15)
		fuzz_holds(ftruncate(fd, (off_t)(number(program) % (2 * whole_size))) == 0);
	close(fd);
}

static void change(struct program *program)
{
	uint8_t kind = byte(program) % 8;

	if (kind < 5)
		change_row(program, kind);
	else if (kind == 5)
		change_column(program, NULL);
	else
		change_file(program, kind == 7 && byte(program) % 8 == 7 ? journal : path);
}

/*
 * What the module does with it
 */

static struct store *open_vault(void)
{
	struct config_pair pairs[] = {{(char *)(uintptr_t) "path", path, 1}};
	struct config_section section = {.kind = CONFIG_SLOT,
		.name = (char *)(uintptr_t) "fuzz",
		.count = 1,
		.pairs = pairs};
	struct store *store = NULL;

	fuzz_holds(vault_store_class.open(&section, &environment, &store) == CKR_OK);
	return store;
}

/* As guard.c does it after the PIN, which costs what fuzzing can't pay. */
static CK_RV enter(struct vault *vault)
{
	struct seal *seal = make_seal();
	struct vault_login *login = calloc(1, sizeof(*login));
	bool present = false;
	CK_RV rv;

	fuzz_holds(login != NULL);
	atomic_init(&login->references, 1);
	pthread_mutex_lock(&vault->disk);
	rv = table_begin(vault->rows.table, TABLE_READ, &present);
	if (rv == CKR_OK && present) {
		rv = load_login(vault, seal, CKU_USER, login);
		table_rollback(vault->rows.table);
	} else {
		rv = CKR_DEVICE_ERROR;
	}
	pthread_mutex_unlock(&vault->disk);
	if (rv != CKR_OK) {
		seal_free(seal);
		free(login);
	}
	return rv;
}

static void use_object(struct token *token, const struct object *object)
{
	static const CK_MECHANISM_TYPE mechanisms[] = {
		CKM_ECDSA, CKM_EDDSA, CKM_RSA_PKCS, CKM_RSA_PKCS_PSS};
	struct attributes *secrets = NULL;
	struct operation *operation = NULL;
	struct object *again = NULL;
	uint8_t hash[32] = {1}, out[1024];
	size_t length = sizeof(out);

	if (token->class->get(token, object->id, &again) == CKR_OK)
		fuzz_holds(again->id == object->id);
	object_unref(again);
	if (token->class->reveal(token, object->id, &secrets) == CKR_OK)
		attributes_free(secrets);
	for (size_t i = 0; i < COUNT(mechanisms); i++) {
		CK_MECHANISM mechanism = {mechanisms[i], NULL, 0};
		if (token->class->prepare(
			    token, object->id, OPERATION_SIGN, &mechanism, &operation) != CKR_OK)
			continue;
		if (operation->output_max <= sizeof(out))
			operation->class->run(operation, hash, sizeof(hash), out, &length);
		operation_free(operation);
	}
}

static void use_objects(struct token *token)
{
	struct object_list found = {0};

	if (token->class->find(token, NULL, 0, &found) != CKR_OK)
		return;
	for (size_t i = 0; i < found.count; i++) {
		fuzz_holds(i == 0 || found.objects[i - 1]->id < found.objects[i]->id);
		use_object(token, found.objects[i]);
	}
	object_list_free(&found);
}

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA, public_class = CKO_PUBLIC_KEY,
		       private_class = CKO_PRIVATE_KEY;

static CK_RV create(struct token *token, bool is_private, struct object **out)
{
	CK_ATTRIBUTE list[] = {{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, is_private ? &yes : &no, 1}, {CKA_LABEL, "label", 5},
		{CKA_VALUE, "value of some length", 20}};
	struct attributes *attributes = NULL;
	CK_RV rv = attributes_new(NULL, list, COUNT(list), &attributes);

	if (rv == CKR_OK)
		rv = token->class->create(token, &attributes, 1, out);
	attributes_free(attributes);
	return rv;
}

/* What was written is there afterwards, for another reader, too. */
static void write_objects(struct token *token)
{
	CK_ATTRIBUTE changes[] = {{CKA_LABEL, "changed", 7}};
	struct object *object = NULL, *changed = NULL, *other = NULL, *second = NULL;
	struct store *reader;
	uint64_t id;

	if (create(token, true, &object) != CKR_OK)
		return;
	id = object->id;
	object_unref(object);
	fuzz_holds(token->class->get(token, id, &object) == CKR_OK);
	object_unref(object);
	if (token->class->change(token, id, changes, 1, &changed) == CKR_OK)
		fuzz_holds(changed->id == id);
	object_unref(changed);
	reader = open_vault();
	if (enter((struct vault *)reader) == CKR_OK) {
		struct token *again = reader->class->token(reader, 0);
		fuzz_holds(again->class->get(again, id, &other) == CKR_OK);
		object_unref(other);
	}
	reader->class->close(reader);
	fuzz_holds(token->class->remove(token, id) == CKR_OK);
	(void)token->class->remove(token, 1);
	(void)token->class->change(token, 2, changes, 1, &second);
	object_unref(second);
}

static void write_whole(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	fuzz_holds(fd >= 0 && write(fd, whole, whole_size) == (ssize_t)whole_size);
	close(fd);
	unlink(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program program = {.data = data, .size = size};
	struct token_info info;
	struct store *store;
	struct token *token;

	write_whole();
	for (size_t i = 0; i < CHANGES_MAX && program.at < size; i++)
		change(&program);
	store = open_vault();
	token = store->class->token(store, 0);
	(void)token->class->info(token, &info);
	use_objects(token);
	if (enter((struct vault *)store) == CKR_OK) {
		use_objects(token);
		write_objects(token);
		token->class->logout(token);
		use_objects(token);
	}
	store->class->close(store);
	return 0;
}

/*
 * The vault that is altered
 */

static void make_file(void)
{
	struct row_context rows = {.table = table_new(environment.log, path)};
	struct row_root root = {.generation = 1, .next = 1};
	struct row_pin pins[2] = {{.present = true}, {.present = true}};
	struct seal *seal = make_seal();
	bool present;

	memcpy(rows.uuid, uuid, SEAL_UUID);
	memcpy(root.uuid, uuid, SEAL_UUID);
	memset(root.label, ' ', ROW_LABEL);
	fuzz_holds(table_begin(rows.table, TABLE_CREATE, &present) == CKR_OK);
	fuzz_holds(row_identity_put(&rows) == CKR_OK);
	for (CK_USER_TYPE role = CKU_SO; role <= CKU_USER; role++) {
		fuzz_holds(pin_wrap(environment.crypto, uuid, role, (const uint8_t *)"123456", 6,
				   token_key, &pins[role].wrap) == CKR_OK);
		fuzz_holds(row_pin_put(&rows, &pins[role]) == CKR_OK);
		memcpy(root.wraps[role], pins[role].digest, SEAL_CHECKSUM);
	}
	fuzz_holds(row_root_put(&rows, seal, &root) == CKR_OK);
	fuzz_holds(table_commit(rows.table) == CKR_OK);
	table_free(rows.table);
	seal_free(seal);
}

static void make_keys(
	struct token *token, CK_MECHANISM_TYPE mechanism, const CK_ATTRIBUTE *parameter)
{
	struct attributes *templ = NULL, *parts[2] = {NULL}, *sets[2] = {NULL};
	struct object *objects[2] = {NULL};
	struct key *key = NULL;

	fuzz_holds(attributes_new(NULL, parameter, 1, &templ) == CKR_OK);
	fuzz_holds(key_generate(environment.crypto, mechanism, templ, &key) == CKR_OK);
	for (int i = 0; i < 2; i++) {
		CK_ATTRIBUTE more[] = {{CKA_CLASS, i == 0 ? &public_class : &private_class,
					       sizeof(CK_OBJECT_CLASS)},
			{CKA_PRIVATE, i == 0 ? &no : &yes, 1}, {CKA_SIGN, &yes, 1}};
		fuzz_holds(key_encode(key, i == 1, &parts[i]) == CKR_OK);
		fuzz_holds(attributes_new(parts[i], more, COUNT(more), &sets[i]) == CKR_OK);
	}
	fuzz_holds(token->class->create(token, sets, 2, objects) == CKR_OK);
	for (int i = 0; i < 2; i++) {
		object_unref(objects[i]);
		attributes_free(parts[i]);
		attributes_free(sets[i]);
	}
	attributes_free(templ);
	key_unref(key);
}

static void remove_folder(void)
{
	unlink(path);
	unlink(journal);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	static const uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, (void *)(uintptr_t)p256, sizeof(p256)};
	struct object *object = NULL;

	(void)argc, (void)argv;
	fuzz_make_folder(folder);
	atexit(remove_folder);
	snprintf(path, sizeof(path), "%s/vault.db", folder);
	snprintf(journal, sizeof(journal), "%s-journal", path);
	crypto_settle();
	environment.log = log_new("error:/dev/null", "fuzz", LOG_LEVEL_ERROR);
	fuzz_holds(crypto_new(environment.log, &environment.crypto) == CKR_OK);
	make_file();
	struct store *store = open_vault();
	struct token *token = store->class->token(store, 0);
	fuzz_holds(enter((struct vault *)store) == CKR_OK);
	make_keys(token, CKM_EC_KEY_PAIR_GEN, &curve);
	curve = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)(uintptr_t)ed25519, sizeof(ed25519)};
	make_keys(token, CKM_EC_EDWARDS_KEY_PAIR_GEN, &curve);
	for (int i = 4; i < OBJECTS; i++) {
		fuzz_holds(create(token, i % 2 == 0, &object) == CKR_OK);
		object_unref(object);
	}
	store->class->close(store);

	struct buffer file = BUFFER_INIT(1 << 20);
	fuzz_holds(buffer_read_file(&file, path));
	whole = file.data;
	whole_size = file.length;
	return 0;
}

/*
 * Calls through the C_* interface: the input is a program, of templates, mechanisms and calls in any order, with
 * handles that are, were, or never were. The user is logged in all the time: a login costs what fuzzing can't pay.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/pkcs11.h"
#include "tests/fuzz/fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SESSIONS     3
#define OBJECTS      12
#define TEMPLATE_MAX 12
#define CALLS_MAX    200
#define KEPT         8 /* objects that stay: four key pairs */
#define PIN          "123456"
#define DATA_MAX     600
#define OUTPUT_MAX   1024

static CK_BBOOL yes = CK_TRUE;
static CK_SESSION_HANDLE main_session;
static CK_OBJECT_HANDLE kept[KEPT];

/* The program and where it is read; past its end everything is 0. */
struct program {
	const uint8_t *data;
	size_t size, at;
	CK_SESSION_HANDLE sessions[SESSIONS];
	CK_OBJECT_HANDLE objects[OBJECTS];
	size_t next; /* place for the next object */
};

static uint8_t byte(struct program *program)
{
	return program->at < program->size ? program->data[program->at++] : 0;
}

/* Exactly as long as asked for, on the heap, so that the sanitizers see a step beyond. */
static uint8_t *bytes(struct program *program, size_t length)
{
	uint8_t *out = calloc(1, length > 0 ? length : 1);

	fuzz_holds(out != NULL);
	for (size_t i = 0; i < length && program->at < program->size; i++)
		out[i] = byte(program);
	return out;
}

static size_t length_of(struct program *program)
{
	uint8_t first = byte(program);

	return first < 0xf0 ? first : (size_t)(first & 0xf) * 256 % DATA_MAX;
}

static CK_SESSION_HANDLE session_of(struct program *program)
{
	uint8_t which = byte(program);

	if (which == 0xff)
		return which * 12345UL; /* never was one */
	return which % 4 == 3 ? main_session : program->sessions[which % 4];
}

static CK_OBJECT_HANDLE object_of(struct program *program)
{
	uint8_t which = byte(program);

	if (which == 0xff)
		return 0x7fffffffffffUL;
	if (which == 0xfe)
		return CK_INVALID_HANDLE;
	return which % 2 == 0 ? kept[which / 2 % KEPT] : program->objects[which / 2 % OBJECTS];
}

static void keep(struct program *program, CK_OBJECT_HANDLE object)
{
	program->objects[program->next++ % OBJECTS] = object;
}

/* Without CKA_DESTROYABLE: what a program makes has to go again. */
static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL,
	CKA_APPLICATION, CKA_VALUE, CKA_OBJECT_ID, CKA_CERTIFICATE_TYPE, CKA_ISSUER,
	CKA_SERIAL_NUMBER, CKA_TRUSTED, CKA_CERTIFICATE_CATEGORY, CKA_CHECK_VALUE, CKA_KEY_TYPE,
	CKA_SUBJECT, CKA_ID, CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP,
	CKA_SIGN, CKA_VERIFY, CKA_DERIVE, CKA_START_DATE, CKA_END_DATE, CKA_MODULUS,
	CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2,
	CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT, CKA_PUBLIC_KEY_INFO, CKA_VALUE_LEN,
	CKA_EXTRACTABLE, CKA_LOCAL, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_SENSITIVE,
	CKA_KEY_GEN_MECHANISM, CKA_MODIFIABLE, CKA_COPYABLE, CKA_EC_PARAMS, CKA_EC_POINT,
	CKA_ALWAYS_AUTHENTICATE, CKA_WRAP_WITH_TRUSTED, CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE,
	CKA_ALLOWED_MECHANISMS, CKA_UNIQUE_ID, CKA_PROFILE_ID, CKA_GOSTR3410_PARAMS,
	CKA_GOSTR3411_PARAMS, CKA_GOST28147_PARAMS, CKA_SIGN_RECOVER, CKA_VERIFY_RECOVER,
	CKA_VENDOR_DEFINED, CKF_ARRAY_ATTRIBUTE | 0x123};

/* Values that templates often need: what a fuzzer would not find by itself. */
static CK_ULONG numbers[] = {CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY,
	CKO_SECRET_KEY, CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_GOSTR3410, CKK_GOSTR3410_512,
	CKK_GENERIC_SECRET, CKC_X_509, 32, CK_UNAVAILABLE_INFORMATION};
static CK_BBOOL booleans[] = {CK_TRUE, CK_FALSE, 2};
static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_BYTE ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static CK_BYTE gost_256[] = {0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x01, 0x01};
static CK_BYTE gost_512[] = {0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x02, 0x01};
static CK_BYTE streebog[] = {0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x02, 0x02};
static const struct {
	CK_BYTE *der;
	CK_ULONG length;
} oids[] = {{p256, sizeof(p256)}, {ed25519, sizeof(ed25519)}, {gost_256, sizeof(gost_256)},
	{gost_512, sizeof(gost_512)}, {streebog, sizeof(streebog)}};

static void attribute_of(struct program *program, CK_ATTRIBUTE *out, void **memory)
{
	uint8_t shape = byte(program) % 6, which = byte(program);

	*out = (CK_ATTRIBUTE){types[byte(program) % COUNT(types)], NULL, 0};
	*memory = NULL;
	if (shape == 0) {
		*out = (CK_ATTRIBUTE){
			out->type, &numbers[which % COUNT(numbers)], sizeof(CK_ULONG)};
	} else if (shape == 1) {
		*out = (CK_ATTRIBUTE){out->type, &booleans[which % COUNT(booleans)], 1};
	} else if (shape == 2) {
		*out = (CK_ATTRIBUTE){
			out->type, oids[which % COUNT(oids)].der, oids[which % COUNT(oids)].length};
	} else if (shape == 3) {
		out->ulValueLen = which; /* no value, but a length */
	} else {
		out->ulValueLen = length_of(program);
		out->pValue = *memory = bytes(program, out->ulValueLen);
	}
}

struct template
{
	CK_ATTRIBUTE list[TEMPLATE_MAX];
	void *memory[TEMPLATE_MAX];
	CK_ULONG count;
};

static void template_of(struct program *program, struct template *out)
{
	out->count = byte(program) % (TEMPLATE_MAX + 1);
	for (CK_ULONG i = 0; i < out->count; i++)
		attribute_of(program, &out->list[i], &out->memory[i]);
}

static void template_free(struct template *template)
{
	for (CK_ULONG i = 0; i < template->count; i++)
		free(template->memory[i]);
}

/* No RSA key generation: it takes too long. */
static const CK_MECHANISM_TYPE mechanisms[] = {CKM_RSA_PKCS, CKM_RSA_X_509, CKM_RSA_PKCS_PSS,
	CKM_RSA_PKCS_OAEP, CKM_SHA1_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS,
	CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA512,
	CKM_EDDSA, CKM_ECDH1_DERIVE, CKM_EC_KEY_PAIR_GEN, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_SHA_1,
	CKM_SHA256, CKM_SHA384, CKM_SHA512, CKM_AES_CBC, CKM_GOSTR3410_KEY_PAIR_GEN, CKM_GOSTR3410,
	CKM_GOSTR3410_WITH_GOSTR3411_12_256, CKM_GOSTR3410_512_KEY_PAIR_GEN, CKM_GOSTR3410_512,
	CKM_GOSTR3410_WITH_GOSTR3411_12_512, CKM_GOSTR3411_12_256, CKM_GOSTR3411_12_512,
	CKM_VENDOR_DEFINED};

struct mechanism {
	CK_MECHANISM base;
	union {
		CK_RSA_PKCS_OAEP_PARAMS oaep;
		CK_ECDH1_DERIVE_PARAMS ecdh;
		CK_RSA_PKCS_PSS_PARAMS pss;
	} parameters;
	void *memory;
};

static void mechanism_of(struct program *program, struct mechanism *out)
{
	static const CK_MECHANISM_TYPE hashes[] = {
		CKM_SHA_1, CKM_SHA256, CKM_SHA384, CKM_SHA512, 0};
	uint8_t shape = byte(program);
	size_t length;

	*out = (struct mechanism){.base = {mechanisms[byte(program) % COUNT(mechanisms)], NULL, 0}};
	if (shape % 4 == 0)
		return;
	if (shape % 4 == 1 && out->base.mechanism != CKM_RSA_PKCS_OAEP &&
		out->base.mechanism != CKM_ECDH1_DERIVE) {
		/* Any bytes, where the parameters hold no pointers. */
		length = length_of(program);
		out->base.pParameter = out->memory = bytes(program, length);
		out->base.ulParameterLen = length;
		return;
	}
	out->base.pParameter = &out->parameters;
	length = length_of(program);
	if (out->base.mechanism == CKM_RSA_PKCS_OAEP) {
		out->memory = bytes(program, length);
		out->parameters.oaep =
			(CK_RSA_PKCS_OAEP_PARAMS){hashes[byte(program) % COUNT(hashes)],
				byte(program) % 6, byte(program) % 3, out->memory, length};
		out->base.ulParameterLen = sizeof(out->parameters.oaep);
	} else if (out->base.mechanism == CKM_ECDH1_DERIVE) {
		out->memory = bytes(program, length);
		out->parameters.ecdh = (CK_ECDH1_DERIVE_PARAMS){
			byte(program) % 3 + 1, 0, NULL, length, out->memory};
		out->base.ulParameterLen = sizeof(out->parameters.ecdh);
	} else {
		out->parameters.pss = (CK_RSA_PKCS_PSS_PARAMS){
			hashes[byte(program) % COUNT(hashes)], byte(program) % 6, length};
		out->base.ulParameterLen = sizeof(out->parameters.pss);
	}
}

/* A function of input and output: C_Sign, C_Digest ... */
typedef CK_RV transform(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG_PTR);
typedef CK_RV update(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG);
typedef CK_RV final(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR);
typedef CK_RV begin(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE);

/* The output's room: none to be asked for (NULL), too little, or enough. */
static uint8_t *room_of(struct program *program, CK_ULONG *length)
{
	uint8_t shape = byte(program);

	*length = shape % 3 == 0 ? 0 : shape % 3 == 1 ? shape : OUTPUT_MAX;
	return shape % 3 == 0 ? NULL : bytes(program, *length);
}

/* What stays within its room says how long it is. */
static void check_length(CK_RV rv, const uint8_t *out, CK_ULONG room, CK_ULONG length)
{
	if (rv == CKR_OK && out != NULL)
		fuzz_holds(length <= room);
	if (rv == CKR_BUFFER_TOO_SMALL)
		fuzz_holds(out != NULL && length > room && length != CK_UNAVAILABLE_INFORMATION);
}

static void call_transform(struct program *program, transform *function)
{
	CK_SESSION_HANDLE session = session_of(program);
	size_t length = length_of(program);
	uint8_t *in = bytes(program, length);
	CK_ULONG room, out_length;
	uint8_t *out = room_of(program, &room);

	out_length = room;
	check_length(function(session, in, length, out, &out_length), out, room, out_length);
	free(in);
	free(out);
}

static void call_final(struct program *program, final *function)
{
	CK_SESSION_HANDLE session = session_of(program);
	CK_ULONG room, length;
	uint8_t *out = room_of(program, &room);

	length = room;
	check_length(function(session, out, &length), out, room, length);
	free(out);
}

static void call_update(struct program *program, update *function)
{
	CK_SESSION_HANDLE session = session_of(program);
	size_t length = length_of(program);
	uint8_t *in = bytes(program, length);

	function(session, byte(program) == 0xff ? NULL : in, length);
	free(in);
}

static void call_begin(struct program *program, begin *function)
{
	struct mechanism mechanism;
	CK_SESSION_HANDLE session = session_of(program);

	mechanism_of(program, &mechanism);
	function(session, &mechanism.base, object_of(program));
	free(mechanism.memory);
}

static void open_session(struct program *program)
{
	CK_SESSION_HANDLE *session = &program->sessions[byte(program) % SESSIONS];

	C_CloseSession(*session);
	C_OpenSession(0, byte(program) % 8 | CKF_SERIAL_SESSION, NULL, NULL, session);
}

static void create_object(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	CK_SESSION_HANDLE session = session_of(program);

	template_of(program, &template);
	if (C_CreateObject(session, template.list, template.count, &object) == CKR_OK)
		keep(program, object);
	template_free(&template);
}

static void copy_object(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE from = object_of(program), object = CK_INVALID_HANDLE;
	CK_SESSION_HANDLE session = session_of(program);

	template_of(program, &template);
	if (C_CopyObject(session, from, template.list, template.count, &object) == CKR_OK)
		keep(program, object);
	template_free(&template);
}

static void get_values(struct program *program)
{
	CK_OBJECT_HANDLE object = object_of(program);
	CK_SESSION_HANDLE session = session_of(program);
	CK_ATTRIBUTE list[TEMPLATE_MAX];
	CK_ULONG rooms[TEMPLATE_MAX], count = byte(program) % (TEMPLATE_MAX + 1);

	for (CK_ULONG i = 0; i < count; i++) {
		list[i].type = types[byte(program) % COUNT(types)];
		list[i].pValue = room_of(program, &rooms[i]);
		list[i].ulValueLen = rooms[i];
	}
	C_GetAttributeValue(session, object, list, count);
	for (CK_ULONG i = 0; i < count; i++) {
		if (list[i].pValue != NULL && list[i].ulValueLen != CK_UNAVAILABLE_INFORMATION)
			fuzz_holds(list[i].ulValueLen <= rooms[i]);
		free(list[i].pValue);
	}
}

/* The keys that stay are only looked at. */
static bool is_kept(CK_OBJECT_HANDLE object)
{
	for (size_t i = 0; i < KEPT; i++)
		if (kept[i] == object)
			return true;
	return false;
}

static void set_values(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE object = object_of(program);
	CK_SESSION_HANDLE session = session_of(program);

	template_of(program, &template);
	if (!is_kept(object))
		C_SetAttributeValue(session, object, template.list, template.count);
	template_free(&template);
}

static void destroy_object(struct program *program)
{
	CK_OBJECT_HANDLE object = object_of(program);

	if (!is_kept(object))
		C_DestroyObject(session_of(program), object);
}

static void find_objects(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE found[4];
	CK_ULONG count = 0;
	CK_SESSION_HANDLE session = session_of(program);
	uint8_t shape = byte(program);

	template_of(program, &template);
	C_FindObjectsInit(session, template.list, template.count);
	if (C_FindObjects(session, found, shape % 5, &count) == CKR_OK) {
		fuzz_holds(count <= shape % 5U);
		if (count > 0)
			keep(program, found[0]);
	}
	if (shape < 0xf0)
		C_FindObjectsFinal(session);
	template_free(&template);
}

static void generate_keys(struct program *program)
{
	struct template public_part, private_part;
	struct mechanism mechanism;
	CK_OBJECT_HANDLE keys[2] = {0};
	CK_SESSION_HANDLE session = session_of(program);

	mechanism_of(program, &mechanism);
	template_of(program, &public_part);
	template_of(program, &private_part);
	if (C_GenerateKeyPair(session, &mechanism.base, public_part.list, public_part.count,
		    private_part.list, private_part.count, &keys[0], &keys[1]) == CKR_OK) {
		keep(program, keys[0]);
		keep(program, keys[1]);
	}
	template_free(&public_part);
	template_free(&private_part);
	free(mechanism.memory);
}

static void derive_key(struct program *program)
{
	struct template template;
	struct mechanism mechanism;
	CK_OBJECT_HANDLE base = object_of(program), key = 0;
	CK_SESSION_HANDLE session = session_of(program);

	mechanism_of(program, &mechanism);
	template_of(program, &template);
	if (C_DeriveKey(session, &mechanism.base, base, template.list, template.count, &key) ==
		CKR_OK)
		keep(program, key);
	template_free(&template);
	free(mechanism.memory);
}

static void verify_once(struct program *program)
{
	CK_SESSION_HANDLE session = session_of(program);
	size_t length = length_of(program), signature_length = length_of(program);
	uint8_t *data = bytes(program, length), *signature = bytes(program, signature_length);

	if (byte(program) % 2 == 0)
		C_Verify(session, data, length, signature, signature_length);
	else
		C_VerifyFinal(session, signature, signature_length);
	free(data);
	free(signature);
}

static CK_RV digest_begin(
	CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
	return key % 4 == 3 ? C_DigestKey(session, key) : C_DigestInit(session, mechanism);
}

static void ask(struct program *program)
{
	CK_SESSION_INFO session;
	CK_TOKEN_INFO token;
	CK_SLOT_INFO slot;
	CK_MECHANISM_INFO mechanism;
	CK_ULONG size, count = byte(program);
	CK_MECHANISM_TYPE list[256];

	C_GetSessionInfo(session_of(program), &session);
	C_GetTokenInfo(byte(program), &token);
	C_GetSlotInfo(byte(program), &slot);
	C_GetMechanismList(0, list, &count);
	C_GetMechanismInfo(0, mechanisms[byte(program) % COUNT(mechanisms)], &mechanism);
	C_GetObjectSize(session_of(program), object_of(program), &size);
	C_GetOperationState(session_of(program), NULL, &size);
	C_SessionCancel(session_of(program), (CK_FLAGS)byte(program) << 8);
}

/* One call. A row either has a function of its own or one of the four shapes. */
static const struct {
	void (*whole)(struct program *program);
	transform *transform;
	update *update;
	final *final;
	begin *begin;
} calls[] = {
	{.whole = open_session},
	{.whole = create_object},
	{.whole = copy_object},
	{.whole = get_values},
	{.whole = set_values},
	{.whole = destroy_object},
	{.whole = find_objects},
	{.whole = generate_keys},
	{.whole = derive_key},
	{.whole = verify_once},
	{.whole = ask},
	{.begin = C_SignInit},
	{.begin = C_VerifyInit},
	{.begin = C_EncryptInit},
	{.begin = C_DecryptInit},
	{.begin = digest_begin},
	{.begin = C_SignRecoverInit},
	{.begin = C_VerifyRecoverInit},
	{.transform = C_Sign},
	{.transform = C_SignRecover},
	{.transform = C_VerifyRecover},
	{.transform = C_Encrypt},
	{.transform = C_Decrypt},
	{.transform = C_Digest},
	{.transform = C_EncryptUpdate},
	{.transform = C_DecryptUpdate},
	{.update = C_SignUpdate},
	{.update = C_VerifyUpdate},
	{.update = C_DigestUpdate},
	{.final = C_SignFinal},
	{.final = C_EncryptFinal},
	{.final = C_DecryptFinal},
	{.final = C_DigestFinal},
};

static void call(struct program *program)
{
	size_t which = byte(program) % COUNT(calls);

	if (calls[which].whole != NULL)
		calls[which].whole(program);
	else if (calls[which].transform != NULL)
		call_transform(program, calls[which].transform);
	else if (calls[which].update != NULL)
		call_update(program, calls[which].update);
	else if (calls[which].final != NULL)
		call_final(program, calls[which].final);
	else
		call_begin(program, calls[which].begin);
}

/* What the program left on the token goes: the next one begins where this one did. */
static void clean_up(struct program *program)
{
	CK_OBJECT_HANDLE found[256];
	CK_ULONG count = 0;

	for (size_t i = 0; i < SESSIONS; i++)
		C_CloseSession(program->sessions[i]);
	/* Ends what the program began in the session that stays. */
	C_SessionCancel(main_session,
		CKF_SIGN | CKF_VERIFY | CKF_ENCRYPT | CKF_DECRYPT | CKF_DIGEST | CKF_FIND_OBJECTS);
	fuzz_holds(C_FindObjectsInit(main_session, NULL, 0) == CKR_OK);
	fuzz_holds(C_FindObjects(main_session, found, COUNT(found), &count) == CKR_OK);
	fuzz_holds(C_FindObjectsFinal(main_session) == CKR_OK);
	for (CK_ULONG i = 0; i < count; i++)
		if (!is_kept(found[i]))
			C_DestroyObject(main_session, found[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program program = {.data = data, .size = size};

	for (size_t i = 0; i < SESSIONS; i++)
		fuzz_holds(C_OpenSession(0, CKF_SERIAL_SESSION | (i == 0 ? 0 : CKF_RW_SESSION),
				   NULL, NULL, &program.sessions[i]) == CKR_OK);
	for (size_t i = 0; i < CALLS_MAX && program.at < program.size; i++)
		call(&program);
	clean_up(&program);
	return 0;
}

static void generate(CK_MECHANISM_TYPE type, CK_ATTRIBUTE parameter, CK_OBJECT_HANDLE keys[2])
{
	CK_MECHANISM mechanism = {type, NULL, 0};
	CK_ATTRIBUTE public_part[] = {
		{CKA_TOKEN, &yes, 1}, parameter, {CKA_VERIFY, &yes, 1}, {CKA_ENCRYPT, &yes, 1}};
	CK_ATTRIBUTE private_part[] = {{CKA_TOKEN, &yes, 1}, {CKA_SIGN, &yes, 1},
		{CKA_DECRYPT, &yes, 1}, {CKA_DERIVE, &yes, 1}};
	bool rsa = type == CKM_RSA_PKCS_KEY_PAIR_GEN;

	fuzz_holds(C_GenerateKeyPair(main_session, &mechanism, public_part, rsa ? 4 : 3,
			   private_part, rsa ? 3 : 2, &keys[0], &keys[1]) == CKR_OK);
}

static char folder[FUZZ_FOLDER];

static void remove_folder(void)
{
	static const char *const names[] = {"podpis.conf", "vault.db", "vault.db-journal"};
	char path[128];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	CK_UTF8CHAR label[32], pin[] = PIN;
	CK_ULONG bits = 2048;
	char path[128];

	(void)argc, (void)argv;
	fuzz_make_folder(folder);
	atexit(remove_folder);
	setenv("HOME", folder, 1);
	setenv("PODPIS_LOG", "error:/dev/null", 1);
	snprintf(path, sizeof(path), "%s/podpis.conf", folder);
	setenv("PODPIS_CONFIG", path, 1);
	FILE *file = fopen(path, "w");
	fuzz_holds(file != NULL);
	fprintf(file, "[slot fuzz]\nstore = vault\npath = %s/vault.db\n", folder);
	fuzz_holds(fclose(file) == 0);
	memset(label, ' ', sizeof(label));
	fuzz_holds(C_Initialize(NULL) == CKR_OK);
	fuzz_holds(C_InitToken(0, pin, 6, label) == CKR_OK);
	fuzz_holds(C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
			   &main_session) == CKR_OK);
	fuzz_holds(C_Login(main_session, CKU_SO, pin, 6) == CKR_OK);
	fuzz_holds(C_InitPIN(main_session, pin, 6) == CKR_OK);
	fuzz_holds(C_Logout(main_session) == CKR_OK);
	fuzz_holds(C_Login(main_session, CKU_USER, pin, 6) == CKR_OK);
	generate(CKM_RSA_PKCS_KEY_PAIR_GEN, (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)},
		kept);
	generate(CKM_EC_KEY_PAIR_GEN, (CK_ATTRIBUTE){CKA_EC_PARAMS, p256, sizeof(p256)}, kept + 2);
	generate(CKM_EC_EDWARDS_KEY_PAIR_GEN,
		(CK_ATTRIBUTE){CKA_EC_PARAMS, ed25519, sizeof(ed25519)}, kept + 4);
	generate(CKM_GOSTR3410_KEY_PAIR_GEN,
		(CK_ATTRIBUTE){CKA_GOSTR3410_PARAMS, gost_256, sizeof(gost_256)}, kept + 6);
	return 0;
}

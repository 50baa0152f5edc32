/*
 * Calls through the C_* interface: the input is a program, of templates, mechanisms and calls in any order, with
 * handles that are, were, or never were. The user is logged in all the time: a login costs what fuzzing can't pay.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/pkcs11.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/program.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CALLS_MAX    200
#define PIN          "123456"
#define OUTPUT_MAX   1024

static CK_BBOOL yes = CK_TRUE;
static CK_SESSION_HANDLE main_session;
static CK_OBJECT_HANDLE kept[PROGRAM_KEPT];

/* A function of input and output: C_Sign, C_Digest ... */
typedef CK_RV transform(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG_PTR);
typedef CK_RV update(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG);
typedef CK_RV final(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR);
typedef CK_RV begin(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE);

/* The output's room: none to be asked for (NULL), too little, or enough. */
static uint8_t *room_of(struct program *program, CK_ULONG *length)
{
	uint8_t shape = program_byte(program);

	*length = shape % 3 == 0 ? 0 : shape % 3 == 1 ? shape : OUTPUT_MAX;
	return shape % 3 == 0 ? NULL : program_bytes(program, *length);
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
	CK_SESSION_HANDLE session = program_session(program);
	size_t length = program_length(program);
	uint8_t *in = program_bytes(program, length);
	CK_ULONG room, out_length;
	uint8_t *out = room_of(program, &room);

	out_length = room;
	check_length(function(session, in, length, out, &out_length), out, room, out_length);
	free(in);
	free(out);
}

static void call_final(struct program *program, final *function)
{
	CK_SESSION_HANDLE session = program_session(program);
	CK_ULONG room, length;
	uint8_t *out = room_of(program, &room);

	length = room;
	check_length(function(session, out, &length), out, room, length);
	free(out);
}

static void call_update(struct program *program, update *function)
{
	CK_SESSION_HANDLE session = program_session(program);
	size_t length = program_length(program);
	uint8_t *in = program_bytes(program, length);

	function(session, program_byte(program) == 0xff ? NULL : in, length);
	free(in);
}

static void call_begin(struct program *program, begin *function)
{
	struct mechanism mechanism;
	CK_SESSION_HANDLE session = program_session(program);

	program_mechanism(program, &mechanism);
	function(session, &mechanism.base, program_object(program));
	free(mechanism.memory);
}

static void open_session(struct program *program)
{
	CK_SESSION_HANDLE *session = &program->sessions[program_byte(program) % PROGRAM_SESSIONS];

	C_CloseSession(*session);
	C_OpenSession(0, program_byte(program) % 8 | CKF_SERIAL_SESSION, NULL, NULL, session);
}

static void create_object(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	CK_SESSION_HANDLE session = program_session(program);

	program_template(program, &template);
	if (C_CreateObject(session, template.list, template.count, &object) == CKR_OK)
		program_keep(program, object);
	program_template_free(&template);
}

static void copy_object(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE from = program_object(program), object = CK_INVALID_HANDLE;
	CK_SESSION_HANDLE session = program_session(program);

	program_template(program, &template);
	if (C_CopyObject(session, from, template.list, template.count, &object) == CKR_OK)
		program_keep(program, object);
	program_template_free(&template);
}

static void get_values(struct program *program)
{
	CK_OBJECT_HANDLE object = program_object(program);
	CK_SESSION_HANDLE session = program_session(program);
	CK_ATTRIBUTE list[PROGRAM_TEMPLATE_MAX];
	CK_ULONG rooms[PROGRAM_TEMPLATE_MAX],
		count = program_byte(program) % (PROGRAM_TEMPLATE_MAX + 1);

	for (CK_ULONG i = 0; i < count; i++) {
		list[i].type = program_attribute_type(program);
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
	for (size_t i = 0; i < PROGRAM_KEPT; i++)
		if (kept[i] == object)
			return true;
	return false;
}

static void set_values(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE object = program_object(program);
	CK_SESSION_HANDLE session = program_session(program);

	program_template(program, &template);
	if (!is_kept(object))
		C_SetAttributeValue(session, object, template.list, template.count);
	program_template_free(&template);
}

static void destroy_object(struct program *program)
{
	CK_OBJECT_HANDLE object = program_object(program);

	if (!is_kept(object))
		C_DestroyObject(program_session(program), object);
}

static void find_objects(struct program *program)
{
	struct template template;
	CK_OBJECT_HANDLE found[4];
	CK_ULONG count = 0;
	CK_SESSION_HANDLE session = program_session(program);
	uint8_t shape = program_byte(program);

	program_template(program, &template);
	C_FindObjectsInit(session, template.list, template.count);
	if (C_FindObjects(session, found, shape % 5, &count) == CKR_OK) {
		fuzz_holds(count <= shape % 5U);
		if (count > 0)
			program_keep(program, found[0]);
	}
	if (shape < 0xf0)
		C_FindObjectsFinal(session);
	program_template_free(&template);
}

static void generate_keys(struct program *program)
{
	struct template public_part, private_part;
	struct mechanism mechanism;
	CK_OBJECT_HANDLE keys[2] = {0};
	CK_SESSION_HANDLE session = program_session(program);

	program_mechanism(program, &mechanism);
	program_template(program, &public_part);
	program_template(program, &private_part);
	if (C_GenerateKeyPair(session, &mechanism.base, public_part.list, public_part.count,
		    private_part.list, private_part.count, &keys[0], &keys[1]) == CKR_OK) {
		program_keep(program, keys[0]);
		program_keep(program, keys[1]);
	}
	program_template_free(&public_part);
	program_template_free(&private_part);
	free(mechanism.memory);
}

static void derive_key(struct program *program)
{
	struct template template;
	struct mechanism mechanism;
	CK_OBJECT_HANDLE base = program_object(program), key = 0;
	CK_SESSION_HANDLE session = program_session(program);

	program_mechanism(program, &mechanism);
	program_template(program, &template);
	if (C_DeriveKey(session, &mechanism.base, base, template.list, template.count, &key) ==
		CKR_OK)
		program_keep(program, key);
	program_template_free(&template);
	free(mechanism.memory);
}

static void verify_once(struct program *program)
{
	CK_SESSION_HANDLE session = program_session(program);
	size_t length = program_length(program), signature_length = program_length(program);
	uint8_t *data = program_bytes(program, length),
		*signature = program_bytes(program, signature_length);

	if (program_byte(program) % 2 == 0)
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
	CK_ULONG size, count = program_byte(program);
	CK_MECHANISM_TYPE list[256];

	C_GetSessionInfo(program_session(program), &session);
	C_GetTokenInfo(program_byte(program), &token);
	C_GetSlotInfo(program_byte(program), &slot);
	C_GetMechanismList(0, list, &count);
	C_GetMechanismInfo(0, program_mechanism_type(program), &mechanism);
	C_GetObjectSize(program_session(program), program_object(program), &size);
	C_GetOperationState(program_session(program), NULL, &size);
	C_SessionCancel(program_session(program), (CK_FLAGS)program_byte(program) << 8);
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
	size_t which = program_byte(program) % COUNT(calls);

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

	for (size_t i = 0; i < PROGRAM_SESSIONS; i++)
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
	struct program program = {
		.data = data, .size = size, .main_session = main_session, .kept = kept};

	for (size_t i = 0; i < PROGRAM_SESSIONS; i++)
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
	generate(CKM_EC_KEY_PAIR_GEN,
		(CK_ATTRIBUTE){CKA_EC_PARAMS, program_p256, sizeof(program_p256)}, kept + 2);
	generate(CKM_EC_EDWARDS_KEY_PAIR_GEN,
		(CK_ATTRIBUTE){CKA_EC_PARAMS, program_ed25519, sizeof(program_ed25519)}, kept + 4);
	generate(CKM_GOSTR3410_KEY_PAIR_GEN,
		(CK_ATTRIBUTE){CKA_GOSTR3410_PARAMS, program_gost_256, sizeof(program_gost_256)},
		kept + 6);
	return 0;
}

/*
 * misbehaving_module: a small PKCS#11 module that does what it is told to do wrong, and counts.
 *
 * The file that MISBEHAVING names says what, in words:
 *   fail, abort, hang       in C_Initialize
 *   cant-lock               C_Initialize answers CKR_CANT_LOCK to who wants locks
 *   calls-back              C_Initialize asks the module of PODPIS_TEST_MODULE for its slots
 *   serial=X                the token's serial number (else 1); none: no token in the first slot
 *   slots=N                 slots (else 1); the token is in the last but for token-in=0
 *   removed                 C_GenerateRandom answers CKR_DEVICE_REMOVED, and all sessions are closed
 *   block                   C_GenerateRandom comes back when the word is gone
 * The counters are exported, for a test that has it in its own process.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "module/support/pkcs11.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define SESSIONS 64
#define MY_ERROR (CKR_VENDOR_DEFINED | 0x123)

__attribute__((visibility("default"))) atomic_int misbehaving_initialized, misbehaving_finalized,
	misbehaving_inside, misbehaving_most_inside, misbehaving_blocked;
__attribute__((visibility("default"))) CK_FLAGS misbehaving_flags;

static atomic_bool initialized;
static atomic_bool open_sessions[SESSIONS];

/* The value behind `word=`, "" for a word alone, NULL when it is not there; the buffer is the thread's. */
static const char *told(const char *word)
{
	static _Thread_local char text[512];
	const char *path = getenv("MISBEHAVING");
	FILE *file = path != NULL ? fopen(path, "r") : NULL;
	size_t length = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;
	char *rest = NULL;

	if (file != NULL)
		fclose(file);
	text[length] = '\0';
	for (char *each = strtok_r(text, " \n", &rest); each != NULL;
		each = strtok_r(NULL, " \n", &rest)) {
		size_t size = strlen(word);
		if (strncmp(each, word, size) == 0 && (each[size] == '\0' || each[size] == '='))
			return each[size] == '=' ? each + size + 1 : each + size;
	}
	return NULL;
}

static void moment(void)
{
	const struct timespec time = {.tv_nsec = 1000000};
	nanosleep(&time, NULL);
}

static void call_back(void)
{
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *list = NULL;
	CK_ULONG count = 0;
	void *library = dlopen(getenv("PODPIS_TEST_MODULE"), RTLD_NOW | RTLD_LOCAL);

	*(void **)&get = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
	if (get != NULL && get(&list) == CKR_OK)
		list->C_GetSlotList(CK_TRUE, NULL, &count);
}

static CK_RV initialize(CK_VOID_PTR reserved)
{
	const CK_C_INITIALIZE_ARGS *arguments = reserved;

	if (initialized)
		return CKR_CRYPTOKI_ALREADY_INITIALIZED;
	if (told("fail") != NULL)
		return CKR_GENERAL_ERROR;
	if (told("abort") != NULL)
		abort();
	if (told("hang") != NULL)
		for (;;)
			pause();
	if (told("cant-lock") != NULL && arguments != NULL &&
		(arguments->flags & CKF_OS_LOCKING_OK) != 0)
		return CKR_CANT_LOCK;
	if (told("calls-back") != NULL)
		call_back();
	misbehaving_flags = arguments != NULL ? arguments->flags : 0;
	for (size_t i = 0; i < SESSIONS; i++)
		open_sessions[i] = false;
	misbehaving_initialized++;
	initialized = true;
	return CKR_OK;
}

static CK_RV finalize(CK_VOID_PTR reserved)
{
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	misbehaving_finalized++;
	initialized = false;
	return CKR_OK;
}

static void pad(CK_UTF8CHAR *field, size_t size, const char *text)
{
	memset(field, ' ', size);
	memcpy(field, text, strlen(text));
}

static CK_RV get_info(CK_INFO *info)
{
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	*info = (CK_INFO){.cryptokiVersion = {3, 0}};
	pad(info->manufacturerID, 32, "Misbehaving");
	pad(info->libraryDescription, 32, "Misbehaving");
	return CKR_OK;
}

static CK_ULONG slots(void)
{
	const char *count = told("slots");
	return count != NULL ? strtoul(count, NULL, 10) : 1;
}

static CK_SLOT_ID token_slot(void)
{
	return told("token-in") != NULL ? 40 : 40 + slots() - 1;
}

static bool has_token(CK_SLOT_ID slot)
{
	return slot == token_slot() && told("none") == NULL;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
	CK_ULONG found = 0;

	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	for (CK_SLOT_ID slot = 40; slot < 40 + slots(); slot++) {
		if (present && !has_token(slot))
			continue;
		if (list != NULL && found < *count)
			list[found] = slot;
		found++;
	}
	CK_RV rv = list != NULL && found > *count ? CKR_BUFFER_TOO_SMALL : CKR_OK;
	*count = found;
	return rv;
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	*info = (CK_SLOT_INFO){.flags = CKF_HW_SLOT | CKF_REMOVABLE_DEVICE |
					(has_token(slot) ? CKF_TOKEN_PRESENT : 0)};
	pad(info->slotDescription, 64, "a reader");
	pad(info->manufacturerID, 32, "Misbehaving");
	return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const char *serial;

	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	if (!has_token(slot))
		return CKR_TOKEN_NOT_PRESENT;
	*info = (CK_TOKEN_INFO){.flags = CKF_TOKEN_INITIALIZED, .ulMaxPinLen = 77};
	serial = told("serial");
	pad(info->serialNumber, 16, serial != NULL ? serial : "1");
	pad(info->label, 32, "theirs");
	pad(info->manufacturerID, 32, "Misbehaving");
	pad(info->model, 16, "M");
	return CKR_OK;
}

static CK_RV get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	if (list != NULL)
		list[0] = CKM_VENDOR_DEFINED | 7;
	*count = 1;
	return CKR_OK;
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	*info = (CK_MECHANISM_INFO){.ulMinKeySize = slot, .ulMaxKeySize = type};
	return CKR_OK;
}

static bool is_open(CK_SESSION_HANDLE session)
{
	return session >= 1 && session <= SESSIONS && open_sessions[session - 1];
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application,
	CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	if (!has_token(slot))
		return CKR_TOKEN_NOT_PRESENT;
	for (size_t i = 0; i < SESSIONS; i++) {
		bool expected = false;
		if (atomic_compare_exchange_strong(&open_sessions[i], &expected, true)) {
			*out = i + 1;
			return CKR_OK;
		}
	}
	return CKR_SESSION_COUNT;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	if (!is_open(session))
		return CKR_SESSION_HANDLE_INVALID;
	open_sessions[session - 1] = false;
	return CKR_OK;
}

static CK_RV check(CK_SESSION_HANDLE session)
{
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	return is_open(session) ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

static CK_RV get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
	CK_RV rv = check(session);
	if (rv == CKR_OK)
		*info = (CK_SESSION_INFO){.slotID = token_slot(),
			.state = CKS_RO_USER_FUNCTIONS,
			.ulDeviceError = 99};
	return rv;
}

static CK_RV get_operation_state(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *length)
{
	CK_RV rv = check(session);
	if (rv == CKR_OK && out != NULL)
		memcpy(out, "state", 5);
	*length = 5;
	return rv;
}

static CK_RV set_operation_state(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG length,
	CK_OBJECT_HANDLE a, CK_OBJECT_HANDLE b)
{
	return length == 5 && a == 11 && b == 12 ? check(session) : MY_ERROR;
}

/* A PIN pad's: without a PIN. */
static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
	return pin == NULL && length == 0 ? check(session) : MY_ERROR;
}

static CK_RV login_user(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin,
	CK_ULONG length, CK_UTF8CHAR *name, CK_ULONG name_length)
{
	return name_length == 4 && memcmp(name, "name", 4) == 0 ? check(session) : MY_ERROR;
}

/* Every attribute there is: its value is its own number and the object's. */
static CK_RV get_attribute_value(
	CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++) {
		const CK_ULONG value[2] = {templ[i].type, object};
		if (templ[i].pValue != NULL)
			memcpy(templ[i].pValue, value, sizeof(value));
		templ[i].ulValueLen = sizeof(value);
	}
	return check(session);
}

static CK_RV generate_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *templ,
	CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	*key = mechanism->mechanism;
	return check(session);
}

static CK_RV wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping,
	CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *length)
{
	*length = wrapping * 1000 + key;
	return out == NULL ? check(session) : MY_ERROR;
}

static CK_RV sign_message(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length,
	CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
	for (CK_ULONG i = 0; i < length; i++)
		out[i] = data[length - 1 - i];
	*out_length = length;
	return check(session);
}

static CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG length)
{
	int inside = ++misbehaving_inside, most = misbehaving_most_inside;
	CK_RV rv = check(session);

	while (inside > most &&
		!atomic_compare_exchange_weak(&misbehaving_most_inside, &most, inside))
		;
	if (rv == CKR_OK && told("removed") != NULL) {
		for (size_t i = 0; i < SESSIONS; i++)
			open_sessions[i] = false;
		rv = CKR_DEVICE_REMOVED;
	}
	misbehaving_blocked += told("block") != NULL;
	while (told("block") != NULL)
		moment();
	memset(out, 0x5a, length);
	misbehaving_inside--;
	return rv;
}

static CK_RV get_function_list(CK_FUNCTION_LIST **list);

static CK_FUNCTION_LIST_3_0 functions = {
	.version = {3, 0},
	.C_Initialize = initialize,
	.C_Finalize = finalize,
	.C_GetInfo = get_info,
	.C_GetFunctionList = get_function_list,
	.C_GetSlotList = get_slot_list,
	.C_GetSlotInfo = get_slot_info,
	.C_GetTokenInfo = get_token_info,
	.C_GetMechanismList = get_mechanism_list,
	.C_GetMechanismInfo = get_mechanism_info,
	.C_OpenSession = open_session,
	.C_CloseSession = close_session,
	.C_GetSessionInfo = get_session_info,
	.C_GetOperationState = get_operation_state,
	.C_SetOperationState = set_operation_state,
	.C_Login = login,
	.C_LoginUser = login_user,
	.C_GetAttributeValue = get_attribute_value,
	.C_GenerateKey = generate_key,
	.C_WrapKey = wrap_key,
	.C_GenerateRandom = generate_random,
	.C_SignMessage = sign_message,
};

static CK_RV get_function_list(CK_FUNCTION_LIST **list)
{
	static CK_FUNCTION_LIST older;

	memcpy(&older, &functions, sizeof(older));
	older.version.major = 2;
	older.version.minor = 40;
	*list = &older;
	return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	return get_function_list(list);
}

CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface,
	CK_FLAGS flags)
{
	static CK_UTF8CHAR standard[] = "PKCS 11";
	static CK_INTERFACE only = {standard, &functions, 0};

	/* Whatever the name. */
	if (version != NULL && (version->major != 3 || version->minor != 0))
		return CKR_ARGUMENTS_BAD;
	*interface = &only;
	return CKR_OK;
}

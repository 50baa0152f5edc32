#include "provision/slot.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/buffer.h"
#include "module/support/text.h"
#include "provision/i18n.h"
#include "provision/installed.h"

#define SLOTS_MAX      256
#define PIN_LENGTH_MAX 4096 /* a bound above is none */

static const struct {
	CK_RV rv;
	const char *name;
} rv_names[] = {
#define RV(name)                                                                                   \
	{                                                                                          \
		name, #name                                                                        \
	}
	RV(CKR_CANCEL),
	RV(CKR_HOST_MEMORY),
	RV(CKR_SLOT_ID_INVALID),
	RV(CKR_GENERAL_ERROR),
	RV(CKR_FUNCTION_FAILED),
	RV(CKR_ARGUMENTS_BAD),
	RV(CKR_ATTRIBUTE_READ_ONLY),
	RV(CKR_ATTRIBUTE_SENSITIVE),
	RV(CKR_ATTRIBUTE_TYPE_INVALID),
	RV(CKR_ATTRIBUTE_VALUE_INVALID),
	RV(CKR_DATA_INVALID),
	RV(CKR_DATA_LEN_RANGE),
	RV(CKR_DEVICE_ERROR),
	RV(CKR_DEVICE_MEMORY),
	RV(CKR_DEVICE_REMOVED),
	RV(CKR_FUNCTION_CANCELED),
	RV(CKR_FUNCTION_NOT_SUPPORTED),
	RV(CKR_KEY_HANDLE_INVALID),
	RV(CKR_KEY_SIZE_RANGE),
	RV(CKR_KEY_TYPE_INCONSISTENT),
	RV(CKR_KEY_FUNCTION_NOT_PERMITTED),
	RV(CKR_MECHANISM_INVALID),
	RV(CKR_MECHANISM_PARAM_INVALID),
	RV(CKR_OBJECT_HANDLE_INVALID),
	RV(CKR_OPERATION_ACTIVE),
	RV(CKR_OPERATION_NOT_INITIALIZED),
	RV(CKR_PIN_INCORRECT),
	RV(CKR_PIN_INVALID),
	RV(CKR_PIN_LEN_RANGE),
	RV(CKR_PIN_EXPIRED),
	RV(CKR_PIN_LOCKED),
	RV(CKR_SESSION_CLOSED),
	RV(CKR_SESSION_COUNT),
	RV(CKR_SESSION_HANDLE_INVALID),
	RV(CKR_SESSION_READ_ONLY),
	RV(CKR_SESSION_EXISTS),
	RV(CKR_SIGNATURE_INVALID),
	RV(CKR_TEMPLATE_INCOMPLETE),
	RV(CKR_TEMPLATE_INCONSISTENT),
	RV(CKR_TOKEN_NOT_PRESENT),
	RV(CKR_TOKEN_NOT_RECOGNIZED),
	RV(CKR_TOKEN_WRITE_PROTECTED),
	RV(CKR_USER_ALREADY_LOGGED_IN),
	RV(CKR_USER_NOT_LOGGED_IN),
	RV(CKR_USER_PIN_NOT_INITIALIZED),
	RV(CKR_USER_TYPE_INVALID),
	RV(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
	RV(CKR_USER_TOO_MANY_TYPES),
	RV(CKR_BUFFER_TOO_SMALL),
	RV(CKR_CRYPTOKI_NOT_INITIALIZED),
	RV(CKR_FUNCTION_REJECTED),
#undef RV
};

const char *slot_rv_text(CK_RV rv, char number[24])
{
	for (size_t i = 0; i < sizeof(rv_names) / sizeof(rv_names[0]); i++) {
		if (rv_names[i].rv == rv)
			return rv_names[i].name;
	}
	snprintf(number, 24, "0x%08lx", rv);
	return number;
}

bool slot_fail(struct error *err, const char *function, CK_RV rv)
{
	static const CK_RV pin_codes[] = {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE,
		CKR_PIN_EXPIRED, CKR_PIN_LOCKED};
	enum error_code code = ERROR_FAILED;
	char number[24];

	for (size_t i = 0; i < sizeof(pin_codes) / sizeof(pin_codes[0]); i++) {
		if (rv == pin_codes[i])
			code = ERROR_PIN;
	}
	return error_set(
		err, code, _("the token says %s (%s)"), slot_rv_text(rv, number), function);
}

static bool load(struct module *module, struct error *err)
{
	CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
	CK_C_GetFunctionList get_list;
	CK_RV rv;

	module->library = dlopen(module->path, RTLD_NOW | RTLD_LOCAL);
	if (module->library == NULL)
		return error_set(err, ERROR_WORKPLACE, _("the PKCS#11 module can't be loaded: %s"),
			dlerror());
	/* POSIX's way to turn the object pointer into a function's. */
	*(void **)&get_list = dlsym(module->library, "C_GetFunctionList");
	if (get_list == NULL)
		return error_set(
			err, ERROR_WORKPLACE, _("%s is not a PKCS#11 module"), module->path);
	rv = get_list(&module->functions);
	if (rv != CKR_OK || module->functions == NULL)
		return error_set(err, ERROR_WORKPLACE, _("%s gives no functions"), module->path);
	rv = module->functions->C_Initialize(&arguments);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		char number[24];

		module->functions = NULL;
		return error_set(err, ERROR_WORKPLACE, _("%s does not start: %s"), module->path,
			slot_rv_text(rv, number));
	}
	return true;
}

static void unload(struct module *module)
{
	if (module->functions != NULL)
		module->functions->C_Finalize(NULL);
	if (module->library != NULL)
		dlclose(module->library);
	free(module->path);
	*module = (struct module){0};
}

bool modules_load(
	struct modules *modules, const char *path, CK_FUNCTION_LIST **out, struct error *err)
{
	struct module module = {
		.path = path != NULL ? strdup(path) : installed_find(INSTALLED_MODULE)};

	if (module.path == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	for (size_t i = 0; i < modules->count; i++) {
		if (strcmp(modules->list[i].path, module.path) == 0) {
			*out = modules->list[i].functions;
			free(module.path);
			return true;
		}
	}
	if (modules->count == MODULES_MAX) {
		free(module.path);
		return error_set(err, ERROR_FAILED, _("too many PKCS#11 modules"));
	}
	if (!load(&module, err)) {
		unload(&module);
		return false;
	}
	modules->list[modules->count++] = module;
	*out = module.functions;
	return true;
}

const void *modules_interface(
	const struct modules *modules, const CK_FUNCTION_LIST *functions, const char *name)
{
	CK_INTERFACE *interface = NULL;
	CK_C_GetInterface get = NULL;

	for (size_t i = 0; i < modules->count; i++)
		if (modules->list[i].functions == functions)
			*(void **)&get = dlsym(modules->list[i].library, "C_GetInterface");
	if (get == NULL || get((CK_UTF8CHAR *)(uintptr_t)name, NULL, &interface, 0) != CKR_OK)
		return NULL;
	return interface->pFunctionList;
}

void modules_clear(struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		unload(&modules->list[i]);
	modules->count = 0;
}

static void trim(char *out, const unsigned char *text, size_t length)
{
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\0'))
		length--;
	memcpy(out, text, length);
	out[length] = '\0';
}

/* Tokens that don't know a bound say so in several ways. */
static CK_ULONG pin_bound(CK_ULONG length)
{
	return length == CK_UNAVAILABLE_INFORMATION || length > PIN_LENGTH_MAX ? 0 : length;
}

/* Reads slot and token; false when there is no usable token in it. */
bool slot_describe(CK_FUNCTION_LIST *functions, CK_SLOT_ID id, struct slot *slot)
{
	CK_SLOT_INFO info;
	CK_TOKEN_INFO token;

	*slot = (struct slot){.functions = functions, .id = id};
	if (functions->C_GetSlotInfo(id, &info) != CKR_OK)
		return false;
	trim(slot->description, info.slotDescription, sizeof(info.slotDescription));
	if ((info.flags & CKF_TOKEN_PRESENT) == 0 ||
		functions->C_GetTokenInfo(id, &token) != CKR_OK)
		return false;
	trim(slot->label, token.label, sizeof(token.label));
	trim(slot->serial, token.serialNumber, sizeof(token.serialNumber));
	trim(slot->manufacturer, token.manufacturerID, sizeof(token.manufacturerID));
	trim(slot->model, token.model, sizeof(token.model));
	slot->flags = token.flags;
	slot->pin_minimum = pin_bound(token.ulMinPinLen);
	slot->pin_maximum = pin_bound(token.ulMaxPinLen);
	return true;
}

static bool same_text(const char *wanted, const char *have)
{
	return wanted == NULL || strcmp(wanted, have) == 0;
}

static bool fits(const struct slot *slot, const struct slot_wish *wish)
{
	if ((slot->flags & CKF_TOKEN_INITIALIZED) == 0 && !wish->uninitialised)
		return false;
	if (wish->name != NULL && strcmp(wish->name, slot->label) != 0 &&
		strcmp(wish->name, slot->description) != 0)
		return false;
	return same_text(wish->label, slot->label) && same_text(wish->serial, slot->serial) &&
	       same_text(wish->manufacturer, slot->manufacturer) &&
	       same_text(wish->model, slot->model);
}

/* Nothing is known of the token, but its slot is the one that was named. */
static bool fits_unread(const struct slot *slot, const struct slot_wish *wish)
{
	return wish->unreadable &&
	       (wish->name == NULL || strcmp(wish->name, slot->description) == 0);
}

static const char *wish_text(const struct slot_wish *wish)
{
	return wish->name != NULL ? wish->name : wish->label != NULL ? wish->label : wish->serial;
}

static bool find(CK_FUNCTION_LIST *functions, const struct slot_wish *wish, struct slot *out,
	struct error *err)
{
	CK_SLOT_ID ids[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	struct buffer there = BUFFER_INIT(700);
	struct slot slot, found = {0}, unread = {0};
	size_t hits = 0, unread_hits = 0;
	CK_RV rv;

	rv = functions->C_GetSlotList(CK_FALSE, ids, &count);
	if (rv != CKR_OK)
		return slot_fail(err, "C_GetSlotList", rv);
	for (CK_ULONG i = 0; i < count; i++) {
		bool present = slot_describe(functions, ids[i], &slot);

		buffer_printf(&there, "%s%s (%s%s)", there.length > 0 ? ", " : "", slot.description,
			present ? slot.label : _("no token"),
			present && (slot.flags & CKF_TOKEN_INITIALIZED) == 0 ? _("not initialised")
									     : "");
		if (present && fits(&slot, wish)) {
			found = slot;
			hits++;
		} else if (!present && fits_unread(&slot, wish)) {
			unread = slot;
			unread_hits++;
		}
	}
	/* One of which nothing is known is meant only where no other can be. */
	if (hits == 0) {
		found = unread;
		hits = unread_hits;
	}
	if (hits == 1)
		*out = found;
	else if (hits > 1)
		error_set(err, ERROR_USAGE, _("several tokens fit; say which with --slot: %s"),
			buffer_text(&there));
	else if (wish_text(wish) != NULL)
		error_set(err, ERROR_WORKPLACE, _("there is no token %s; there is: %s"),
			wish_text(wish), there.length > 0 ? buffer_text(&there) : _("none"));
	else
		error_set(err, ERROR_WORKPLACE,
			_("there is no initialised token (podpis setup makes one); there is: %s"),
			there.length > 0 ? buffer_text(&there) : _("none"));
	buffer_free(&there);
	return hits == 1;
}

bool slot_open(
	struct modules *modules, const struct slot_wish *wish, struct slot *out, struct error *err)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION;
	CK_FUNCTION_LIST *functions;
	struct slot slot;
	CK_RV rv;

	if (!modules_load(modules, wish->module_path, &functions, err) ||
		!find(functions, wish, &slot, err))
		return false;
	if (wish->module_path != NULL) {
		slot.module_path = strdup(wish->module_path);
		if (slot.module_path == NULL)
			return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	if ((slot.flags & CKF_WRITE_PROTECTED) == 0)
		flags |= CKF_RW_SESSION;
	rv = functions->C_OpenSession(slot.id, flags, NULL, NULL, &slot.session);
	if (rv != CKR_OK) {
		free(slot.module_path);
		return slot_fail(err, "C_OpenSession", rv);
	}
	*out = slot;
	return true;
}

bool slot_same(const struct slot *a, const struct slot *b)
{
	return a->functions == b->functions && a->id == b->id;
}

void slot_close(struct slot *slot)
{
	if (slot->functions != NULL && slot->session != CK_INVALID_HANDLE)
		slot->functions->C_CloseSession(slot->session);
	secret_free(slot->pin);
	free(slot->module_path);
	*slot = (struct slot){0};
}

bool slot_check_pin(
	const struct slot *slot, const char *what, const struct secret *pin, struct error *err)
{
	if (pin->length >= slot->pin_minimum &&
		(slot->pin_maximum == 0 || pin->length <= slot->pin_maximum))
		return true;
	if (slot->pin_maximum == 0)
		return error_set(err, ERROR_PIN, _("%s of %s has %lu bytes or more"), what,
			slot->label, slot->pin_minimum);
	return error_set(err, ERROR_PIN, _("%s of %s has %lu to %lu bytes"), what, slot->label,
		slot->pin_minimum, slot->pin_maximum);
}

/* What the token lets out about the tries that are left (PKCS #11 v2.40, CK_TOKEN_INFO). */
static const char *tries_left(CK_USER_TYPE user, CK_FLAGS flags)
{
	bool so = user == CKU_SO;

	if ((flags & (so ? CKF_SO_PIN_LOCKED : CKF_USER_PIN_LOCKED)) != 0)
		return so ? _("it is locked now, for good")
			  : _("it is locked now; the SO PIN unlocks it");
	if ((flags & (so ? CKF_SO_PIN_FINAL_TRY : CKF_USER_PIN_FINAL_TRY)) != 0)
		return _("one try is left, then it is locked");
	/* In spite of its name: a wrong one was entered since the last right one (PKCS #11 v3.0, 3.3). */
	if ((flags & (so ? CKF_SO_PIN_COUNT_LOW : CKF_USER_PIN_COUNT_LOW)) != 0)
		return _("further wrong ones lock it");
	return _("there are tries left");
}

static bool locked(const struct slot *slot, CK_USER_TYPE user, struct error *err)
{
	return error_set(err, ERROR_PIN,
		user == CKU_SO ? _("the SO PIN of %s is locked, for good")
			       : _("the PIN of %s is locked; the SO PIN unlocks it"),
		slot->label);
}

/* A PIN was not taken by `function`: says which, and what is known of the tries that are left. */
static bool pin_refused(const struct slot *slot, CK_USER_TYPE user, const char *function, CK_RV rv,
	struct error *err)
{
	CK_TOKEN_INFO token = {.flags = 0};
	const char *name = user == CKU_SO ? _("SO PIN") : _("PIN");

	if (rv == CKR_USER_PIN_NOT_INITIALIZED)
		return error_set(
			err, ERROR_WORKPLACE, _("the token %s has no user PIN yet"), slot->label);
	slot->functions->C_GetTokenInfo(slot->id, &token);
	if (rv == CKR_PIN_LOCKED)
		return locked(slot, user, err);
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID)
		return error_set(err, ERROR_PIN, _("the %s of %s is wrong; %s"), name, slot->label,
			tries_left(user, token.flags));
	return slot_fail(err, function, rv);
}

bool slot_login(struct slot *slot, const struct secret *pin, struct error *err)
{
	CK_TOKEN_INFO token;
	struct secret *copy;
	CK_RV rv;

	if (slot->logged_in)
		return true;
	if ((slot->flags & CKF_USER_PIN_LOCKED) != 0)
		return locked(slot, CKU_USER, err);
	if (!slot_check_pin(slot, _("the PIN"), pin, err))
		return error_prefix(err, _("not tried"));
	copy = secret_new(pin->data, pin->length);
	if (copy == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	rv = slot->functions->C_Login(slot->session, CKU_USER, copy->data, (CK_ULONG)copy->length);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
		secret_free(slot->pin);
		slot->pin = copy;
		slot->logged_in = true;
		return true;
	}
	secret_free(copy);
	pin_refused(slot, CKU_USER, "C_Login", rv, err);
	if (slot->functions->C_GetTokenInfo(slot->id, &token) == CKR_OK)
		slot->flags = token.flags;
	return false;
}

bool slot_login_so(struct slot *slot, const struct secret *so_pin, struct error *err)
{
	CK_RV rv = slot->functions->C_Login(
		slot->session, CKU_SO, so_pin->data, (CK_ULONG)so_pin->length);

	slot->logged_in = rv == CKR_OK;
	return rv == CKR_OK || pin_refused(slot, CKU_SO, "C_Login", rv, err);
}

bool slot_login_with(struct slot *slot, struct pins *pins, const struct options *options,
	enum pin_kind kind, struct error *err)
{
	struct secret *pin = NULL;
	char prompt[160];
	bool done;

	if (slot->logged_in || (slot->flags & CKF_LOGIN_REQUIRED) == 0)
		return true;
	/* Nobody is asked for what can't be used. */
	if ((slot->flags & CKF_USER_PIN_LOCKED) != 0)
		return locked(slot, CKU_USER, err);
	snprintf(prompt, sizeof(prompt), _("PIN of %s"), slot->label);
	if ((slot->flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY)) != 0)
		snprintf(prompt, sizeof(prompt), _("PIN of %s (%s)"), slot->label,
			tries_left(CKU_USER, slot->flags));
	if (!pin_get(pins, options, kind, prompt, &pin, err))
		return false;
	done = slot_login(slot, pin, err);
	secret_free(pin);
	return done;
}

bool slot_find(
	struct modules *modules, const struct slot_wish *wish, struct slot *out, struct error *err)
{
	CK_FUNCTION_LIST *functions;

	return modules_load(modules, wish->module_path, &functions, err) &&
	       find(functions, wish, out, err);
}

bool slot_init_token(const struct slot *slot, const char *label, bool replace,
	const struct secret *so_pin, const struct secret *user_pin, struct error *err)
{
	CK_FUNCTION_LIST *functions = slot->functions;
	unsigned char padded[32];
	CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
	CK_SLOT_ID id = slot->id;
	struct slot now;
	bool init = replace || (slot->flags & CKF_TOKEN_INITIALIZED) == 0, done = false;
	CK_RV rv = CKR_OK;

	if (!slot_check_pin(slot, _("the SO PIN"), so_pin, err) ||
		!slot_check_pin(slot, _("the PIN"), user_pin, err))
		return false;
	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, text_cut(label, strlen(label), sizeof(padded)));
	if (init)
		rv = functions->C_InitToken(id, so_pin->data, (CK_ULONG)so_pin->length, padded);
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED)
		return pin_refused(slot, CKU_SO, "C_InitToken", rv, err);
	if (rv != CKR_OK)
		return slot_fail(err, "C_InitToken", rv);
	/* SoftHSM moves an initialised token to another slot. */
	if (init &&
		(!slot_describe(functions, id, &now) || (now.flags & CKF_TOKEN_INITIALIZED) == 0)) {
		struct slot_wish wish = {.label = label};

		if (!find(functions, &wish, &now, err))
			return false;
		id = now.id;
	}
	rv = functions->C_OpenSession(
		id, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		return slot_fail(err, "C_OpenSession", rv);
	rv = functions->C_Login(session, CKU_SO, so_pin->data, (CK_ULONG)so_pin->length);
	if (rv != CKR_OK) {
		pin_refused(slot, CKU_SO, "C_Login", rv, err);
		goto out;
	}
	rv = functions->C_InitPIN(session, user_pin->data, (CK_ULONG)user_pin->length);
	if (rv != CKR_OK)
		slot_fail(err, "C_InitPIN", rv);
	else
		done = true;
	functions->C_Logout(session);
out:
	functions->C_CloseSession(session);
	return done;
}

#include "module/store/token/library.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/podpis-vault.h"
#include "module/store/token/quirks.h"

/* Modules that hand their calls on to all others, ourselves among them: told at last by what C_GetInfo says. */
static const struct {
	const char *manufacturer, *description, *why;
} refused[] = {
	{"Podpis", "Podpis PKCS#11 module", "it is Podpis itself"},
	{"PKCS#11 Kit", "PKCS#11 Kit Proxy Module", "it is p11-kit's proxy, which leads back here"},
};

static CK_RV library_problem(struct library *library, CK_RV rv, const char *what)
{
	snprintf(library->problem, sizeof(library->problem), "%s", what);
	return rv;
}

/* The shared object that an address lies in. */
static const void *library_image(const void *address)
{
	Dl_info info;
	return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/* A symbol of the object itself; dlsym would also take one of the libraries that it needs. */
static void *library_symbol(void *handle, const char *name, const void *image)
{
	void *symbol = dlsym(handle, name);
	return symbol != NULL && library_image(symbol) == image ? symbol : NULL;
}

/* A copy of Podpis: another object with the same vendor interface. */
static bool library_is_copy(CK_C_GetInterface get)
{
	CK_UTF8CHAR name[] = PODPIS_VAULT_INTERFACE;
	CK_INTERFACE *interface = NULL;

	/* Some give what they have, whatever the name. */
	return get != NULL && get(name, NULL, &interface, 0) == CKR_OK && interface != NULL &&
	       interface->pInterfaceName != NULL &&
	       strcmp((const char *)interface->pInterfaceName, PODPIS_VAULT_INTERFACE) == 0;
}

/* The table of 3.x that a module offers; all of 3.x begin with 3.0's. NULL: it has none. */
static const CK_FUNCTION_LIST_3_0 *library_interface(CK_C_GetInterface get)
{
	CK_UTF8CHAR name[] = "PKCS 11";
	CK_VERSION wanted[] = {{3, 2}, {3, 1}, {3, 0}};
	CK_INTERFACE *interface = NULL;

	for (size_t i = 0; get != NULL && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (get(name, &wanted[i], &interface, 0) != CKR_OK || interface == NULL)
			continue;
		const CK_FUNCTION_LIST_3_0 *list = interface->pFunctionList;
		if (list != NULL && list->version.major == 3)
			return list;
	}
	return NULL;
}

static atomic_bool past, watched;

static void library_pass(void)
{
	atomic_store(&past, true);
}

bool library_is_past(void)
{
	return atomic_load(&past);
}

/*
 * Exit handlers run from the last to the first, and a library's static destructors are among them, registered while it
 * is loaded: so one that is registered after that runs before them, and after every handler of the host's that could
 * still use the library. It raises a flag and nothing else; this module is never unloaded.
 */
static bool library_watch_exit(bool new)
{
	if (new || !atomic_load(&watched))
		atomic_store(&watched, atexit(library_pass) == 0);
	return atomic_load(&watched);
}

CK_RV library_load(struct library *library, const char *path)
{
	CK_FUNCTION_LIST *list = NULL;
	CK_C_GetFunctionList get;
	CK_C_GetInterface get_interface;

	if (library->loaded)
		return CKR_OK;
	bool new = dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (handle == NULL) {
		const char *cause = dlerror();
		return library_problem(
			library, CKR_GENERAL_ERROR, cause != NULL ? cause : "can't be loaded");
	}
	/* The handles are not kept, nor closed: RTLD_NODELETE. */
	if (!library_watch_exit(new))
		return library_problem(library, CKR_HOST_MEMORY, "no memory for an exit handler");
	*(void **)&get = dlsym(handle, "C_GetFunctionList");
	if (get == NULL)
		return library_problem(library, CKR_GENERAL_ERROR,
			"it is not a PKCS#11 module: there is no C_GetFunctionList");
	const void *image = library_image(*(void **)&get);
	*(void **)&get_interface = library_symbol(handle, "C_GetInterface", image);
	if (image == library_image(refused) || library_is_copy(get_interface))
		return library_problem(library, CKR_GENERAL_ERROR, refused[0].why);
	if (library_symbol(handle, "p11_kit_modules_load", image) != NULL)
		return library_problem(library, CKR_GENERAL_ERROR, refused[1].why);
	const CK_FUNCTION_LIST_3_0 *list_3 = library_interface(get_interface);
	if (list_3 != NULL)
		library->functions = *list_3;
	else if (get(&list) == CKR_OK && list != NULL)
		/* 3.0's table begins with 2.40's, and so does the copy. */
		memcpy(&library->functions, list, sizeof(*list));
	else
		return library_problem(
			library, CKR_GENERAL_ERROR, "C_GetFunctionList gives no functions");
	const CK_FUNCTION_LIST_3_0 *f = &library->functions;
	if (f->C_Initialize == NULL || f->C_Finalize == NULL || f->C_GetInfo == NULL ||
		f->C_GetSlotList == NULL || f->C_GetSlotInfo == NULL || f->C_GetTokenInfo == NULL ||
		f->C_OpenSession == NULL || f->C_CloseSession == NULL)
		return library_problem(
			library, CKR_GENERAL_ERROR, "its function list has gaps at the start");
	library->loaded = true;
	return CKR_OK;
}

/* As an application may do it: with the system's locks, or, where it can't have them, without any. */
static CK_RV library_initialize(struct library *library, CK_FLAGS flags)
{
	CK_C_INITIALIZE_ARGS arguments = {.flags = flags | CKF_OS_LOCKING_OK};
	CK_RV rv = library->functions.C_Initialize(&arguments);

	library->serial = rv == CKR_CANT_LOCK;
	if (library->serial) {
		arguments.flags = flags;
		rv = library->functions.C_Initialize(&arguments);
	}
	return rv;
}

static bool library_says(const CK_UTF8CHAR *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length > size || memcmp(field, text, length) != 0)
		return false;
	for (size_t i = length; i < size; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return false;
	return true;
}

static const char *library_refusal(const CK_INFO *info)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (library_says(info->manufacturerID, sizeof(info->manufacturerID),
			    refused[i].manufacturer) &&
			library_says(info->libraryDescription, sizeof(info->libraryDescription),
				refused[i].description))
			return refused[i].why;
	return NULL;
}

CK_RV library_start(struct library *library, CK_FLAGS flags, bool inherited, bool *owner)
{
	const CK_FUNCTION_LIST_3_0 *f = &library->functions;
	CK_INFO info;
	CK_RV rv = library_initialize(library, flags);

	if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED && inherited) {
		f->C_Finalize(NULL);
		rv = library_initialize(library, flags);
	}
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		snprintf(library->problem, sizeof(library->problem), "C_Initialize answers 0x%lx",
			rv);
		return rv;
	}
	*owner = rv == CKR_OK;
	rv = f->C_GetInfo(&info);
	const char *why = rv == CKR_OK ? library_refusal(&info) : NULL;
	if (rv == CKR_OK && why == NULL) {
		library->quirks = quirks_of(&info);
		return CKR_OK;
	}
	if (why == NULL)
		snprintf(library->problem, sizeof(library->problem), "C_GetInfo answers 0x%lx", rv);
	else
		snprintf(library->problem, sizeof(library->problem), "%s", why);
	if (*owner)
		f->C_Finalize(NULL);
	return rv != CKR_OK ? rv : CKR_GENERAL_ERROR;
}

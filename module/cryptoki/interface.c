/*
 * interface: the function tables, made from one list (PKCS #11 v3.0, 3.8 and 5.4.4 to 5.4.6).
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "module/cryptoki/vendor.h"

#define INTERFACE_MEMBER(name) .name = name,

static CK_FUNCTION_LIST functions_2_40 = {
	.version = {2, 40}, PKCS11_FUNCTIONS_2_40(INTERFACE_MEMBER)};

static CK_FUNCTION_LIST_3_0 functions_3_0 = {.version = {3, 0},
	PKCS11_FUNCTIONS_2_40(INTERFACE_MEMBER) PKCS11_FUNCTIONS_3_0(INTERFACE_MEMBER)};

static CK_UTF8CHAR interface_name[] = "PKCS 11", vault_name[] = PODPIS_VAULT_INTERFACE,
		   cloud_name[] = PODPIS_CLOUD_INTERFACE;

/*
 * The first of a name is the one for those who don't say which version. None is CKF_INTERFACE_FORK_SAFE: a
 * child has to call C_Initialize itself.
 */
static CK_INTERFACE interfaces[] = {
	{interface_name, &functions_3_0, 0},
	{interface_name, &functions_2_40, 0},
	{vault_name, (void *)(uintptr_t)&vendor_vault_functions, 0},
	{cloud_name, (void *)(uintptr_t)&vendor_cloud_functions, 0},
};

#define INTERFACES (sizeof(interfaces) / sizeof(interfaces[0]))

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	if (list == NULL)
		return CKR_ARGUMENTS_BAD;
	*list = &functions_2_40;
	return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
	CK_RV rv = CKR_OK;

	if (count == NULL)
		return CKR_ARGUMENTS_BAD;
	if (list != NULL && *count < INTERFACES)
		rv = CKR_BUFFER_TOO_SMALL;
	else if (list != NULL)
		memcpy(list, interfaces, sizeof(interfaces));
	*count = INTERFACES;
	return rv;
}

/* Every table begins with its version. Who gives no name means the standard's. */
static bool interface_fits(const CK_INTERFACE *interface, const CK_UTF8CHAR *name,
	const CK_VERSION *version, CK_FLAGS flags)
{
	const CK_VERSION *own = interface->pFunctionList;

	if (name == NULL)
		name = interface_name;
	return strcmp((const char *)name, (const char *)interface->pInterfaceName) == 0 &&
	       (version == NULL ||
		       (version->major == own->major && version->minor == own->minor)) &&
	       (flags & ~interface->flags) == 0;
}

CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface,
	CK_FLAGS flags)
{
	if (interface == NULL)
		return CKR_ARGUMENTS_BAD;
	for (size_t i = 0; i < INTERFACES; i++) {
		if (interface_fits(&interfaces[i], name, version, flags)) {
			*interface = &interfaces[i];
			return CKR_OK;
		}
	}
	return CKR_ARGUMENTS_BAD;
}

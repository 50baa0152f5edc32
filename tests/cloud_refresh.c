/*
 * cloud_refresh MODULE: has the module ask the services of its cloud slots for their credentials (podpis-cloud.h).
 */
#include <dlfcn.h>
#include <stdio.h>

#include "module/support/pkcs11.h"

#include "module/podpis-cloud.h"

#define SLOTS 64

int main(int argc, char *argv[])
{
	void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	CK_UTF8CHAR standard[] = "PKCS 11", vendor[] = PODPIS_CLOUD_INTERFACE;
	CK_INTERFACE *interface = NULL;
	CK_SLOT_ID slots[SLOTS];
	CK_ULONG count = SLOTS;
	CK_C_GetInterface get = NULL;
	int failed = 0;

	if (library != NULL)
		*(void **)&get = dlsym(library, "C_GetInterface");
	if (get == NULL || get(standard, NULL, &interface, 0) != CKR_OK)
		return 2;
	CK_FUNCTION_LIST *p11 = interface->pFunctionList;
	if (get(vendor, NULL, &interface, 0) != CKR_OK)
		return 2;
	PODPIS_CLOUD_FUNCTIONS *cloud = interface->pFunctionList;
	if (p11->C_Initialize(NULL) != CKR_OK ||
		p11->C_GetSlotList(CK_FALSE, slots, &count) != CKR_OK)
		return 1;
	for (CK_ULONG i = 0; i < count; i++) {
		PODPIS_CLOUD_REPORT report = {.tell = NULL};
		CK_RV rv = cloud->refresh(slots[i], 0, &report);

		if (rv != CKR_OK && rv != CKR_FUNCTION_NOT_SUPPORTED) {
			fprintf(stderr, "slot %lu: 0x%lx\n", slots[i], rv);
			failed = 1;
		}
	}
	p11->C_Finalize(NULL);
	return failed;
}

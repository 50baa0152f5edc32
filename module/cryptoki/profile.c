#include "module/cryptoki/profile.h"

#include <string.h>

static const struct {
	CK_ULONG id;
	const char *name;
} profiles[] = {
	{CKP_BASELINE_PROVIDER, "Baseline provider"},
	{CKP_AUTHENTICATION_TOKEN, "Authentication token"},
	{CKP_PUBLIC_CERTIFICATES_TOKEN, "Public certificates token"},
};

CK_RV profile_place(struct shelf *shelf)
{
	CK_OBJECT_CLASS class = CKO_PROFILE;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		CK_ULONG id = profiles[i].id;
		void *name = (void *)(uintptr_t)profiles[i].name;
		size_t length = strlen(profiles[i].name);
		CK_ATTRIBUTE list[] = {
			{CKA_CLASS, &class, sizeof(class)},
			{CKA_TOKEN, &yes, sizeof(yes)},
			{CKA_PRIVATE, &no, sizeof(no)},
			{CKA_MODIFIABLE, &no, sizeof(no)},
			{CKA_COPYABLE, &no, sizeof(no)},
			{CKA_DESTROYABLE, &no, sizeof(no)},
			{CKA_LABEL, name, length},
			{CKA_UNIQUE_ID, name, length},
			{CKA_PROFILE_ID, &id, sizeof(id)},
		};
		struct attributes *attributes = NULL;
		CK_RV rv = attributes_new(NULL, list, sizeof(list) / sizeof(list[0]), &attributes);
		if (rv == CKR_OK)
			rv = shelf_add(shelf, SHELF_ON_TOKEN, attributes, NULL);
		if (rv != CKR_OK)
			return rv;
	}
	return CKR_OK;
}

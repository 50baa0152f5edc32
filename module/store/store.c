#include <string.h>

#include "module/store/store.h"
#include "module/store/cloud_part.h"
#include "module/store/token/token.h"
#include "module/store/vault/vault.h"

static const struct store_class *const classes[] = {
	&vault_store_class, &token_store_class, &cloud_part_class};

const struct store_class *store_class_find(const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(classes[i]->name, name) == 0)
			return classes[i];
	return NULL;
}

#include "module/store/token/quirks.h"

#include <string.h>

/* By the beginning of the manufacturer's name and the library's version. */
static const struct {
	const char *manufacturer;
	CK_VERSION from, to;
	unsigned quirks;
} modules[] = {
	/* Tried with 2.6.1. */
	{"SoftHSM ", {2, 0}, {2, 6}, QUIRK_TOKENS_AT_START},
};

static unsigned version_number(const CK_VERSION *version)
{
	return version->major * 256u + version->minor;
}

unsigned quirks_of(const CK_INFO *info)
{
	unsigned version = version_number(&info->libraryVersion);

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (memcmp(info->manufacturerID, modules[i].manufacturer,
			    strlen(modules[i].manufacturer)) == 0 &&
			version >= version_number(&modules[i].from) &&
			version <= version_number(&modules[i].to))
			return modules[i].quirks;
	return 0;
}

/* The configuration's file: everything is a section or a problem, and what is asked for is found or not there. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "module/support/config.h"
#include "tests/fuzz/fuzz.h"

static void look(const struct config *config)
{
	static const char *const keys[] = {"store", "path", "module", "url", "login", "protocol"};

	for (size_t i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];
		fuzz_holds(section->name != NULL);
		fuzz_holds(config_find(config, section->kind, section->name) != NULL);
		for (size_t k = 0; k < section->count; k++)
			fuzz_holds(config_get(section, section->pairs[k].key) != NULL);
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			(void)config_get(section, keys[k]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = memfd_create("podpis.conf", MFD_CLOEXEC);

	fuzz_holds(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct config *config = config_load(path);
	fuzz_holds(config != NULL);
	look(config);
	config_free(config);
	close(fd);
	return 0;
}

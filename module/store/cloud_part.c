#include "module/store/cloud_part.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_FILE "podpis-cloud.so"

/* Beside the module, as in a build tree; else where it is installed. */
static char *part_path(void)
{
	Dl_info info;
	const char *slash;
	char *path = NULL;

	if (dladdr(&cloud_part_class, &info) != 0 &&
		(slash = strrchr(info.dli_fname, '/')) != NULL) {
		if (asprintf(&path, "%.*s/" PART_FILE, (int)(slash - info.dli_fname),
			    info.dli_fname) < 0)
			return NULL;
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return strdup(PODPIS_PRIVATE_DIR "/" PART_FILE);
}

static const struct store_class *part_load(struct log *log)
{
	const struct cloud_part *part = NULL;
	char *path = part_path();
	void *library;

	if (path == NULL)
		return NULL;
	/* Never unloaded: what OpenSSL and libcurl keep points into it. */
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (library != NULL)
		part = dlsym(library, "podpis_cloud_part");
	if (part == NULL) {
		const char *why = dlerror();
		log_error(log, "the cloud part can't be loaded: %s", why != NULL ? why : path);
	} else if (strcmp(part->build, CLOUD_PART_BUILD) != 0) {
		log_error(log, "%s is not this module's: %s, not " CLOUD_PART_BUILD, path,
			part->build);
		part = NULL;
	}
	free(path);
	return part != NULL ? part->class : NULL;
}

static CK_RV part_open(const struct config_section *section,
	const struct store_environment *environment, struct store **out)
{
	const struct store_class *class = part_load(environment->log);

	return class != NULL ? class->open(section, environment, out) : CKR_OK;
}

const struct store_class cloud_part_class = {.name = "cloud", .open = part_open};

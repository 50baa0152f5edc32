#include "module/store/cloud_part.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PART_FILE "podpis-cloud.so"

/*
 * Beside the module, as in a build tree; else where it is installed, below whatever root the module's own folder is
 * below (as for podpis-probe, probe.c).
 */
static bool part_path(char path[PATH_MAX])
{
	static const char installed[] = PODPIS_MODULE_DIR;
	Dl_info info = {0};
	int root = 0;

	if (dladdr(&cloud_part_class, &info) != 0 && strchr(info.dli_fname, '/') != NULL) {
		int directory = (int)(strrchr(info.dli_fname, '/') - info.dli_fname);

		root = directory - (int)(sizeof(installed) - 1);
		if (root < 0 ||
			memcmp(info.dli_fname + root, installed, sizeof(installed) - 1) != 0)
			root = 0;
		if (snprintf(path, PATH_MAX, "%.*s/" PART_FILE, directory, info.dli_fname) <
				PATH_MAX &&
			access(path, R_OK) == 0)
			return true;
	}
	return snprintf(path, PATH_MAX, "%.*s" PODPIS_PRIVATE_DIR "/" PART_FILE, root,
		       root > 0 ? info.dli_fname : "") < PATH_MAX;
}

static const struct store_class *part_load(struct log *log)
{
	const struct cloud_part *part = NULL;
	char path[PATH_MAX];
	void *library;

	if (!part_path(path))
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
	return part != NULL ? part->class : NULL;
}

static CK_RV part_open(const struct config_section *section,
	const struct store_environment *environment, struct store **out)
{
	const struct store_class *class = part_load(environment->log);

	return class != NULL ? class->open(section, environment, out) : CKR_OK;
}

const struct store_class cloud_part_class = {.name = "cloud", .open = part_open};

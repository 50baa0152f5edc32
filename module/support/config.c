#include "module/support/config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "module/support/ini.h"

#define SYSTEM_PATH    "/etc/podpis/podpis.conf"
#define SECTIONS_MAX   256
#define NAME_MAX_BYTES 64 /* a slot description's length */

static const struct {
	const char *name;
	enum config_kind kind;
	bool named;
} kinds[] = {
	{"slot", CONFIG_SLOT, true},
	{"authority", CONFIG_AUTHORITY, true},
	{"module", CONFIG_MODULE, false},
};

/* Every key there is, and where. podpis.conf(5) explains them in this order. */
static const struct {
	enum config_kind kind;
	const char *key;
	bool path; /* `~/` is the home directory */
} keys[] = {
	{CONFIG_SLOT, "store", false},
	{CONFIG_SLOT, "path", true},
	{CONFIG_SLOT, "module", true},
	{CONFIG_SLOT, "token", false},
	{CONFIG_SLOT, "url", false},
	{CONFIG_SLOT, "ca-file", true},
	{CONFIG_SLOT, "login", false},
	{CONFIG_SLOT, "client-id", false},
	{CONFIG_SLOT, "client-secret-file", true},
	{CONFIG_SLOT, "username", false},
	{CONFIG_SLOT, "password-file", true},
	{CONFIG_SLOT, "bearer-command", false},
	{CONFIG_SLOT, "credential", false},
	{CONFIG_AUTHORITY, "protocol", false},
	{CONFIG_AUTHORITY, "url", false},
	{CONFIG_AUTHORITY, "ca-file", true},
	{CONFIG_AUTHORITY, "folder", true},
	{CONFIG_AUTHORITY, "anchors", true},
	{CONFIG_MODULE, "sha1", false},
};

struct reading {
	struct config *config;
	struct config_section *section; /* NULL: before the first, or one that can't be kept */
};

static char *home_directory(void)
{
	const char *home = secure_getenv("HOME");
	struct passwd entry, *found = NULL;
	char text[4096];

	if (home != NULL && home[0] == '/')
		return strdup(home);
	if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) != 0 || found == NULL)
		return NULL;
	return strdup(found->pw_dir);
}

static char *join(const char *a, const char *b)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", a, b) < 0)
		return NULL;
	return path;
}

/* $VARIABLE when it is an absolute path (XDG Base Directory Specification), else ~/fallback; then /podpis. */
static char *xdg_dir(const char *variable, const char *fallback)
{
	const char *set = secure_getenv(variable);
	char *home, *base, *dir;

	if (set != NULL && set[0] == '/')
		return join(set, "podpis");
	home = home_directory();
	base = home != NULL ? join(home, fallback) : NULL;
	dir = base != NULL ? join(base, "podpis") : NULL;
	free(home);
	free(base);
	return dir;
}

char *config_data_dir(void)
{
	return xdg_dir("XDG_DATA_HOME", ".local/share");
}

char *config_state_dir(void)
{
	return xdg_dir("XDG_STATE_HOME", ".local/state");
}

char *config_path(void)
{
	const char *named = secure_getenv("PODPIS_CONFIG");
	char *dir, *path;

	if (named != NULL && named[0] != '\0')
		return strdup(named);
	if (getauxval(AT_SECURE) != 0)
		return strdup(SYSTEM_PATH);
	dir = xdg_dir("XDG_CONFIG_HOME", ".config");
	path = dir != NULL ? join(dir, "podpis.conf") : NULL;
	free(dir);
	if (path != NULL && access(path, F_OK) != 0 && access(SYSTEM_PATH, F_OK) == 0) {
		free(path);
		return strdup(SYSTEM_PATH);
	}
	return path;
}

/* The first problem of a section stands; later ones are often its consequence. */
static bool problem(
	char **where, const struct ini_line *line, const char *cause, const char *detail)
{
	if (*where != NULL)
		return true;
	return asprintf(where, "%s:%u: %s%s%s%s", line->file, line->number, cause,
		       detail != NULL ? " '" : "", detail != NULL ? detail : "",
		       detail != NULL ? "'" : "") >= 0;
}

static struct config_section *add_section(
	struct config *config, enum config_kind kind, const char *name, unsigned line)
{
	struct config_section *grown =
		reallocarray(config->sections, config->count + 1, sizeof(config->sections[0]));
	struct config_section *section;

	if (grown == NULL)
		return NULL;
	config->sections = grown;
	section = &grown[config->count];
	*section = (struct config_section){.kind = kind, .name = strdup(name), .line = line};
	if (section->name == NULL)
		return NULL;
	config->count++;
	return section;
}

static bool open_section(struct reading *reading, const struct ini_line *line, struct error *err)
{
	struct config *config = reading->config;
	const char *name = strchr(line->section, ' ');
	size_t length = name != NULL ? (size_t)(name - line->section) : strlen(line->section);
	const struct config_section *same;

	reading->section = NULL;
	name = name != NULL ? name + 1 : "";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) != length ||
			memcmp(kinds[i].name, line->section, length) != 0)
			continue;
		if (config->count == SECTIONS_MAX)
			return error_set(err, ERROR_USAGE, "%s:%u: more than %d sections",
				line->file, line->number, SECTIONS_MAX);
		same = config_find(config, kinds[i].kind, name);
		reading->section = add_section(config, kinds[i].kind, name, line->number);
		if (reading->section == NULL)
			return error_set(err, ERROR_FAILED, "no memory");
		if (kinds[i].named != (name[0] != '\0'))
			return problem(&reading->section->problem, line,
				kinds[i].named ? "the section needs a name: ["
					       : "the section has no name, only [",
				kinds[i].name);
		if (strlen(name) > NAME_MAX_BYTES)
			return problem(&reading->section->problem, line,
				"the name is longer than 64 bytes", NULL);
		if (same != NULL)
			return problem(&reading->section->problem, line, "a second section",
				line->section);
		return true;
	}
	return problem(&config->problem, line, "unknown section", line->section);
}

static char *expand(const char *value, bool path)
{
	char *home, *expanded;

	if (!path || strncmp(value, "~/", 2) != 0)
		return strdup(value);
	home = home_directory();
	expanded = home != NULL ? join(home, value + 2) : NULL;
	free(home);
	return expanded;
}

static bool add_pair(struct reading *reading, const struct ini_line *line, struct error *err)
{
	struct config_section *section = reading->section;
	struct config_pair *grown;
	bool path = false, known = false;

	if (section == NULL)
		/* An unknown section was named already; its keys are nobody's. */
		return line->section[0] != '\0' ||
		       problem(&reading->config->problem, line, "a key before the first section",
			       line->key);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].kind == section->kind && strcmp(keys[i].key, line->key) == 0) {
			known = true;
			path = keys[i].path;
		}
	}
	if (!known)
		return problem(&section->problem, line, "unknown key", line->key);
	if (config_get(section, line->key) != NULL)
		return problem(&section->problem, line, "the key is there twice:", line->key);
	grown = reallocarray(section->pairs, section->count + 1, sizeof(section->pairs[0]));
	if (grown == NULL)
		return error_set(err, ERROR_FAILED, "no memory");
	section->pairs = grown;
	grown[section->count] = (struct config_pair){
		.key = strdup(line->key), .value = expand(line->value, path), .line = line->number};
	section->count++;
	if (grown[section->count - 1].key == NULL || grown[section->count - 1].value == NULL)
		return error_set(err, ERROR_FAILED, "no memory");
	return true;
}

static bool take_line(void *context, const struct ini_line *line, struct error *err)
{
	return line->key == NULL ? open_section(context, line, err) : add_pair(context, line, err);
}

/* What stands there without a file: one vault. */
static bool add_default_vault(struct config *config)
{
	struct config_section *section;
	char *dir = config_data_dir();
	char *path = dir != NULL ? join(dir, "vault.db") : NULL;
	bool ok = false;

	section = add_section(config, CONFIG_SLOT, "vault", 0);
	if (section == NULL)
		goto out;
	if (path == NULL) {
		section->problem = strdup("there is no home directory to keep a vault in");
		ok = section->problem != NULL;
		goto out;
	}
	section->pairs = calloc(2, sizeof(section->pairs[0]));
	if (section->pairs == NULL)
		goto out;
	section->count = 2;
	section->pairs[0] = (struct config_pair){.key = strdup("store"), .value = strdup("vault")};
	section->pairs[1] = (struct config_pair){.key = strdup("path"), .value = strdup(path)};
	ok = section->pairs[0].key != NULL && section->pairs[0].value != NULL &&
	     section->pairs[1].key != NULL && section->pairs[1].value != NULL;
out:
	free(dir);
	free(path);
	return ok;
}

struct config *config_load(const char *path)
{
	struct config *config = calloc(1, sizeof(*config));
	struct reading reading = {.config = config};
	struct error err = {.code = ERROR_NONE};

	if (config == NULL)
		return NULL;
	config->path = path != NULL ? strdup(path) : config_path();
	if (config->path == NULL || access(config->path, F_OK) != 0) {
		/* A file that was named and is not there is a fault; the usual place may be empty. */
		if (path != NULL || secure_getenv("PODPIS_CONFIG") != NULL) {
			if (asprintf(&config->problem, "%s: there is no such file", config->path) <
				0)
				config->problem = NULL;
		}
		free(config->path);
		config->path = NULL;
		if (config->problem == NULL && !add_default_vault(config)) {
			config_free(config);
			return NULL;
		}
		return config;
	}
	if (!ini_read(config->path, take_line, &reading, &err)) {
		free(config->problem);
		config->problem = strdup(err.message);
	}
	return config;
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->count; i++) {
		struct config_section *section = &config->sections[i];

		for (size_t k = 0; k < section->count; k++) {
			free(section->pairs[k].key);
			free(section->pairs[k].value);
		}
		free(section->pairs);
		free(section->name);
		free(section->problem);
	}
	free(config->sections);
	free(config->path);
	free(config->problem);
	free(config);
}

const struct config_section *config_find(
	const struct config *config, enum config_kind kind, const char *name)
{
	for (size_t i = 0; i < config->count; i++) {
		if (config->sections[i].kind == kind && strcmp(config->sections[i].name, name) == 0)
			return &config->sections[i];
	}
	return NULL;
}

const char *config_get(const struct config_section *section, const char *key)
{
	for (size_t i = 0; i < section->count; i++) {
		if (strcmp(section->pairs[i].key, key) == 0)
			return section->pairs[i].value;
	}
	return NULL;
}

#include "module/support/config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "module/support/ini.h"
#include "module/support/token_uri.h"

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
	{CONFIG_SLOT, "probe", false},
	{CONFIG_SLOT, "url", false},
	{CONFIG_SLOT, "ca-file", true},
	{CONFIG_SLOT, "login", false},
	{CONFIG_SLOT, "client-id", false},
	{CONFIG_SLOT, "client-secret-file", true},
	{CONFIG_SLOT, "username", false},
	{CONFIG_SLOT, "password-file", true},
	{CONFIG_SLOT, "bearer-command", false},
	{CONFIG_SLOT, "credential", false},
	{CONFIG_SLOT, "signatures", false},
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

char *config_home_dir(void)
{
	return xdg_dir("XDG_CONFIG_HOME", ".config");
}

char *config_data_dir(void)
{
	return xdg_dir("XDG_DATA_HOME", ".local/share");
}

char *config_state_dir(void)
{
	return xdg_dir("XDG_STATE_HOME", ".local/state");
}

char *config_cache_dir(void)
{
	return xdg_dir("XDG_CACHE_HOME", ".cache");
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

/*
 * `~/` is the home directory. Any other path is taken from the file's own folder: the current one is the
 * host's business. A bare module's name stays: dlopen looks for it.
 */
static char *expand(const char *file, const char *key, const char *value)
{
	const char *slash = strrchr(file, '/');
	char *home, *expanded = NULL;

	if (strncmp(value, "~/", 2) == 0) {
		home = home_directory();
		expanded = home != NULL ? join(home, value + 2) : NULL;
		free(home);
		return expanded;
	}
	if (value[0] == '/' || value[0] == '\0' || slash == NULL ||
		(strcmp(key, "module") == 0 && strchr(value, '/') == NULL))
		return strdup(value);
	if (asprintf(&expanded, "%.*s/%s", (int)(slash - file), file, value) < 0)
		return NULL;
	return expanded;
}

static bool append_pair(
	struct config_section *section, const char *key, const char *value, unsigned line)
{
	struct config_pair *grown =
		reallocarray(section->pairs, section->count + 1, sizeof(section->pairs[0]));

	if (grown == NULL)
		return false;
	section->pairs = grown;
	grown += section->count++;
	*grown = (struct config_pair){.key = strdup(key), .value = strdup(value), .line = line};
	return grown->key != NULL && grown->value != NULL;
}

static bool add_pair(struct reading *reading, const struct ini_line *line, struct error *err)
{
	struct config_section *section = reading->section;
	bool path = false, known = false, ok = false;
	char *value;

	if (section == NULL)
		/* Keys behind an unknown section are nobody's; it was named already. */
		return reading->config->problem != NULL ||
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
	value = path ? expand(line->file, line->key, line->value) : strdup(line->value);
	if (value == NULL || !append_pair(section, line->key, value, line->number))
		error_set(err, ERROR_FAILED, "no memory or no home directory");
	else
		ok = true;
	free(value);
	return ok;
}

/* A section that can't be read hides the keys behind it, too; any other line spoils its own section only. */
static bool take_complaint(
	void *context, const struct ini_line *line, const char *cause, struct error *err)
{
	struct reading *reading = context;
	char **where = &reading->config->problem;

	if (line->section == NULL)
		reading->section = NULL;
	else if (reading->section != NULL)
		where = &reading->section->problem;
	return problem(where, line, cause, NULL) || error_set(err, ERROR_FAILED, "no memory");
}

static bool take_line(void *context, const struct ini_line *line, struct error *err)
{
	return line->key == NULL ? open_section(context, line, err) : add_pair(context, line, err);
}

static bool one_of(const char *value, const char *const words[])
{
	for (; *words != NULL; words++) {
		if (strcmp(value, *words) == 0)
			return true;
	}
	return false;
}

/* What each store and each protocol needs, and which of the keys mean nothing to it. */
static const struct {
	enum config_kind kind;
	const char *key, *value; /* the rule is for sections with key = value */
	const char *needs[3];
	const char *takes[11];
} rules[] = {
	{CONFIG_SLOT, "store", "vault", {NULL}, {"path"}},
	{CONFIG_SLOT, "store", "token", {"module"}, {"module", "token", "probe"}},
	{CONFIG_SLOT, "store", "cloud", {"url"},
		{"url", "ca-file", "login", "client-id", "client-secret-file", "username",
			"password-file", "bearer-command", "credential", "signatures"}},
	{CONFIG_AUTHORITY, "protocol", "cabinet", {"url"}, {"url", "ca-file", "anchors"}},
	{CONFIG_AUTHORITY, "protocol", "cmp", {"url"}, {"url", "ca-file", "anchors"}},
	{CONFIG_AUTHORITY, "protocol", "est", {"url"}, {"url", "ca-file", "anchors"}},
	{CONFIG_AUTHORITY, "protocol", "file", {"folder"}, {"folder", "anchors"}},
};

/* Keys whose values are words. */
static const struct {
	enum config_kind kind;
	const char *key;
	const char *words[6];
} choices[] = {
	{CONFIG_SLOT, "login", {"oauth2code", "client", "basic", "external", "none"}},
	{CONFIG_SLOT, "probe", {"yes", "no"}},
	{CONFIG_MODULE, "sha1", {"yes", "no"}},
};

static bool check_pairs(struct config_section *section, const char *file, const char *key,
	const char *const takes[])
{
	struct ini_line line = {.file = file};

	for (size_t i = 0; i < section->count; i++) {
		const struct config_pair *pair = &section->pairs[i];

		line.number = pair->line;
		if (pair->value[0] == '\0')
			return problem(&section->problem, &line, "no value for the key", pair->key);
		if (strcmp(pair->key, key) != 0 && !one_of(pair->key, takes))
			return problem(&section->problem, &line,
				"the section's kind has no use for the key", pair->key);
		for (size_t k = 0; k < sizeof(choices) / sizeof(choices[0]); k++) {
			if (choices[k].kind == section->kind &&
				strcmp(choices[k].key, pair->key) == 0 &&
				!one_of(pair->value, choices[k].words))
				return problem(&section->problem, &line,
					"no value of this key:", pair->value);
		}
		if (section->kind == CONFIG_SLOT && strcmp(pair->key, "token") == 0) {
			struct token_uri uri;
			const char *cause = token_uri_parse(pair->value, &uri);
			if (cause != NULL)
				/* A URI may have a PIN in it, which is not repeated. */
				return problem(&section->problem, &line, cause, NULL);
		}
	}
	return true;
}

/* A vault without a path lies where vaults lie, under the slot's name. */
static bool default_path(struct config_section *section, const struct ini_line *line)
{
	char *dir, *path = NULL;
	bool ok;

	if (section->name[0] == '.' || strchr(section->name, '/') != NULL)
		return problem(&section->problem, line, "the section lacks the key", "path");
	dir = config_data_dir();
	if (dir == NULL)
		return problem(&section->problem, line,
			"there is no home directory to keep a vault in", NULL);
	ok = asprintf(&path, "%s/%s.db", dir, section->name) >= 0 &&
	     append_pair(section, "path", path, 0);
	free(path);
	free(dir);
	return ok;
}

/* What can be said only of a whole section. False without memory. */
static bool check_section(struct config_section *section, const char *file)
{
	static const char *const sha1[] = {"sha1", NULL};
	struct ini_line line = {.file = file, .number = section->line};
	const char *key = section->kind == CONFIG_SLOT ? "store" : "protocol";
	const char *value = config_get(section, key);

	if (section->problem != NULL)
		return true;
	if (section->kind == CONFIG_MODULE)
		return check_pairs(section, file, "", sha1);
	if (value == NULL)
		return problem(&section->problem, &line, "the section lacks the key", key);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].kind != section->kind || strcmp(rules[i].value, value) != 0)
			continue;
		for (const char *const *need = rules[i].needs; *need != NULL; need++) {
			if (config_get(section, *need) == NULL)
				return problem(&section->problem, &line,
					"the section lacks the key", *need);
		}
		if (!check_pairs(section, file, key, rules[i].takes))
			return false;
		return section->problem != NULL || section->kind != CONFIG_SLOT ||
		       strcmp(value, "vault") != 0 || config_get(section, "path") != NULL ||
		       default_path(section, &line);
	}
	for (size_t i = 0; i < section->count; i++) {
		if (strcmp(section->pairs[i].key, key) == 0)
			line.number = section->pairs[i].line;
	}
	return problem(&section->problem, &line,
		section->kind == CONFIG_SLOT ? "unknown store" : "unknown protocol", value);
}

/* What stands there without a file: one vault. */
static bool add_default_vault(struct config *config)
{
	static const struct ini_line line = {.file = "(no configuration)"};
	struct config_section *section = add_section(config, CONFIG_SLOT, "vault", 0);

	return section != NULL && append_pair(section, "store", "vault", 0) &&
	       default_path(section, &line);
}

/* No [slot] section and nothing that might have become one: the default vault stands in for it. */
static bool wants_default(const struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		if (config->sections[i].kind == CONFIG_SLOT)
			return false;
	}
	return config->problem == NULL;
}

static struct config *load(const char *path, struct buffer *text)
{
	const char *named = path != NULL ? path : secure_getenv("PODPIS_CONFIG");
	struct config *config = calloc(1, sizeof(*config));
	struct reading reading = {.config = config};
	struct error err = {.code = ERROR_NONE};

	if (config == NULL)
		return NULL;
	config->path = path != NULL ? strdup(path) : config_path();
	if (config->path != NULL && !(text != NULL ? ini_parse_on(config->path, text, take_line,
							     take_complaint, &reading, &err)
						   : ini_read_on(config->path, take_line,
							     take_complaint, &reading, &err))) {
		/* A file that was named and is not there is a fault; the usual place may be empty. */
		if (err.code != ERROR_WORKPLACE || (named != NULL && named[0] != '\0')) {
			free(config->problem);
			config->problem = strdup(err.message);
			if (config->problem == NULL)
				goto fail;
		}
		if (err.code == ERROR_WORKPLACE) {
			free(config->path);
			config->path = NULL;
		}
	}
	for (size_t i = 0; i < config->count; i++) {
		if (!check_section(&config->sections[i], config->path))
			goto fail;
	}
	if (wants_default(config) && !add_default_vault(config))
		goto fail;
	return config;
fail:
	config_free(config);
	return NULL;
}

struct config *config_load(const char *path)
{
	return load(path, NULL);
}

struct config *config_parse(const char *path, struct buffer *text)
{
	return load(path, text);
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

/*
 * config: podpis.conf, for the module and for the tool (podpis.conf(5)).
 *
 * Where it is: PODPIS_CONFIG, else $XDG_CONFIG_HOME/podpis/podpis.conf (~/.config), else
 * /etc/podpis/podpis.conf. In a set-user-id process the environment is ignored (secure_getenv) and only
 * the system's file is read. With no file, or none of its sections a slot, there is one vault slot, "vault",
 * at $XDG_DATA_HOME/podpis/vault.db (~/.local/share); a vault section without a path gets NAME.db there.
 * A file that was named and is not there is a problem, and gives no slot.
 *
 * A broken section does not take the others with it (docs/architecture.md, rule 6): it stays in the list, in its
 * place, with `problem` saying file, line and cause. Keys that a store or an authority defines itself are kept as
 * pairs; each is checked against the table of known keys here, so that a typing error is named.
 */
#ifndef PODPIS_SUPPORT_CONFIG_H
#define PODPIS_SUPPORT_CONFIG_H

#include <stddef.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

enum config_kind { CONFIG_SLOT, CONFIG_AUTHORITY, CONFIG_MODULE };

struct config_pair {
	char *key;
	char *value; /* of a path key: absolute where the file is; see podpis.conf(5) */
	unsigned line;
};

struct config_section {
	enum config_kind kind;
	char *name;    /* "rutoken" of [slot rutoken]; "" for [module] */
	unsigned line; /* 0 for what stands there by default */
	size_t count;
	struct config_pair *pairs;
	char *problem; /* NULL, or why this section can't be used: "file:line: cause" */
};

struct config {
	char *path; /* the file that was read, NULL when there is none */
	size_t count;
	struct config_section *sections; /* in the file's order */
	char *problem; /* NULL, or what is wrong outside of the sections: the first such "file:line: cause" */
};

/* The path that the environment names, whether a file is there or not. NULL without memory or home. */
char *config_path(void);

/* `path` NULL: as above. NULL only without memory; what is wrong stands in the `problem`s. */
struct config *config_load(const char *path);
/* What config_load would make of `path` if it held that text, which is cut up. The file need not be there. */
struct config *config_parse(const char *path, struct buffer *text);
void config_free(struct config *config);

const struct config_section *config_find(
	const struct config *config, enum config_kind kind, const char *name);

/* NULL when the key is not there. */
const char *config_get(const struct config_section *section, const char *key);

/* The directories of the XDG Base Directory Specification with "podpis" behind; caller frees; NULL as above. */
char *config_home_dir(void);
char *config_data_dir(void);
char *config_state_dir(void);
char *config_cache_dir(void);

#endif

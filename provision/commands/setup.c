#include "provision/commands/commands.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/authority/authority.h"
#include "provision/token_pin.h"
#include "provision/workplace/anchors.h"
#include "provision/workplace/settings.h"
#include "provision/workplace/workplace.h"

static const struct option options_setup[] = {
	{"label", "TEXT", N_("the token's label; Podpis when not given"), false},
	{"slot", "NAME", N_("the slot's name in podpis.conf; vault when not given"), false},
	{"vault", "FILE", N_("where the vault is; $XDG_DATA_HOME/podpis/NAME.db when not given"),
		false},
	{"module", "FILE", N_("initialises a token of this PKCS#11 module, not a vault"), false},
	{"pin-file", "FILE", N_("the PIN that the token gets is this file's first line"), false},
	{"so-pin-file", "FILE",
		N_("the same for the SO PIN; a file that is not there is made with a random one"),
		false},
	{0},
};

static const struct option options_setup_authority[] = {
	{"authority", "NAME", N_("adds [authority NAME]"), false},
	{"protocol", "NAME", N_("cabinet (when not given) or file"), false},
	{"url", "URL", N_("cabinet: where it is"), false},
	{"ca-file", "FILE", N_("cabinet: whom to trust for its TLS, PEM; else the system's"),
		false},
	{"folder", "FOLDER", N_("file: where requests and documents are exchanged"), false},
	{"anchors", "FILE", N_("the authority's root certificates, PEM"), false},
	{0},
};

static const struct option options_setup_workplace[] = {
	{"for", "LIST",
		N_("the applications that get to know the module, with commas between: p11-kit, "
		   "firefox, firefox-policy, chromium, libreoffice, nss, openssl, ssh, none; those "
		   "that are there when not given, but for nss, ssh, firefox-policy, and as root "
		   "p11-kit"),
		false},
	{"system", NULL,
		N_("only what is for everybody on this machine, when --for says nothing else: "
		   "p11-kit, firefox-policy; no podpis.conf, no token"),
		false},
	{"yes", NULL, N_("trusts the authorities' root certificates without a question"), false},
	{"undo", NULL,
		N_("takes back what setup added to the applications; podpis.conf and the vault "
		   "stay"),
		false},
	{0},
};

#define SETTINGS_MAX (2u << 20) /* bytes of podpis.conf */

static const char *given(const struct context *context, const char *name, const char *otherwise)
{
	const char *value = options_get(&context->options, name);

	return value != NULL ? value : otherwise;
}

/* Files are named from the root, so that podpis.conf means the same from everywhere. NULL stays NULL. */
static bool absolute(const char *path, char **out, struct error *err)
{
	char *here;
	bool done;

	*out = NULL;
	if (path == NULL)
		return true;
	if (path[0] == '/' || strncmp(path, "~/", 2) == 0) {
		*out = strdup(path);
	} else {
		here = getcwd(NULL, 0);
		done = here != NULL && asprintf(out, "%s/%s", here, path) >= 0;
		free(here);
		if (!done)
			*out = NULL;
	}
	return *out != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool add_slot(struct context *context, struct buffer *added, struct error *err)
{
	const char *name = given(context, "slot", "vault"), *vault = given(context, "vault", NULL);
	const struct config_section *section = config_find(context->config, CONFIG_SLOT, name);
	char *folder = config_data_dir(), *path = NULL;
	bool done = false;

	if (folder == NULL) {
		error_set(err, ERROR_WORKPLACE,
			_("there is no place for the vault: neither XDG_DATA_HOME nor HOME is "
			  "set"));
		goto out;
	}
	/* A slot that is there stays as it is, whatever its store. */
	if (vault == NULL && section != NULL && section->line != 0) {
		done = true;
		goto out;
	}
	if (vault != NULL) {
		if (!absolute(vault, &path, err))
			goto out;
	} else if (asprintf(&path, "%s/%s.db", folder, name) < 0) {
		path = NULL;
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	done = settings_ensure(context->config, CONFIG_SLOT, name,
		(struct setting[]){{"store", "vault"}, {"path", path}, {NULL, NULL}}, added, err);
out:
	free(folder);
	free(path);
	return done;
}

static bool add_authority(struct context *context, struct buffer *added, struct error *err)
{
	const char *name = options_get(&context->options, "authority");
	const char *protocol = given(context, "protocol", "cabinet");
	static const char *const others[] = {"url", "ca-file", "folder", "anchors", "protocol"};
	char *ca = NULL, *folder = NULL, *anchors = NULL;
	bool done = false;

	for (size_t i = 0; name == NULL && i < sizeof(others) / sizeof(others[0]); i++) {
		if (options_has(&context->options, others[i]))
			return error_set(err, ERROR_USAGE,
				_("--%s belongs to an authority: name it with --authority NAME"),
				others[i]);
	}
	if (name == NULL)
		return true;
	if (strcmp(protocol, "cabinet") == 0 && !options_has(&context->options, "url") &&
		config_find(context->config, CONFIG_AUTHORITY, name) == NULL)
		return error_set(err, ERROR_USAGE, _("where is the authority %s? --url URL"), name);
	if (strcmp(protocol, "file") == 0 && !options_has(&context->options, "folder") &&
		config_find(context->config, CONFIG_AUTHORITY, name) == NULL)
		return error_set(err, ERROR_USAGE, _("which folder? --folder FOLDER"));
	if (absolute(given(context, "ca-file", NULL), &ca, err) &&
		absolute(given(context, "folder", NULL), &folder, err) &&
		absolute(given(context, "anchors", NULL), &anchors, err))
		done = settings_ensure(context->config, CONFIG_AUTHORITY, name,
			(struct setting[]){{"protocol", protocol},
				{"url", options_get(&context->options, "url")}, {"ca-file", ca},
				{"folder", folder}, {"anchors", anchors}, {NULL, NULL}},
			added, err);
	free(ca);
	free(folder);
	free(anchors);
	return done;
}

/* What the server's certificate is held against: read as it will be, by OpenSSL. */
static bool check_ca_file(const struct config_section *section, struct error *err)
{
	const char *path = config_get(section, "ca-file");
	X509_STORE *store;
	bool done;

	if (path == NULL)
		return true;
	if (access(path, R_OK) != 0)
		return error_set(err, ERROR_USAGE, "%s: %s", path, strerror(errno));
	store = X509_STORE_new();
	done = store != NULL && X509_STORE_load_file(store, path) == 1;
	X509_STORE_free(store);
	ERR_clear_error();
	return done || error_set(err, ERROR_USAGE, _("%s: no certificate in PEM in it"), path);
}

static bool check_anchors(const struct config_section *section, struct error *err)
{
	struct certificates anchors = {0};
	bool done = anchors_of_file(section, &anchors, err);

	certificates_clear(&anchors);
	return done;
}

/* Can what this configuration says be used? From here on it is the one in force. */
static bool check_settings(struct context *context, struct config *config, struct error *err)
{
	const char *name = options_get(&context->options, "authority");
	struct authority *authority = NULL;
	const struct config_section *section;

	config_free(context->config);
	context->config = config;
	if (!context_check_config(context, err))
		return false;
	if (name == NULL)
		return true;
	section = config_find(config, CONFIG_AUTHORITY, name);
	if (section != NULL && section->problem == NULL &&
		(!check_ca_file(section, err) || !check_anchors(section, err)))
		return false;
	if (!authority_open(config, name, context->log, &authority, err))
		return false;
	authority_close(authority);
	return true;
}

/* The same of the file as it would be: its name and lines are then nobody's. */
static bool check_candidate(
	struct context *context, const char *path, struct buffer *text, struct error *err)
{
	struct error problem = {0};
	size_t length = strlen(path);
	const char *cause = problem.message;

	if (check_settings(context, config_parse(path, text), &problem))
		return true;
	if (strncmp(cause, path, length) == 0 && strstr(cause + length, ": ") != NULL)
		cause = strstr(cause + length, ": ") + 2;
	return error_set(err, problem.code, _("nothing is added to podpis.conf: %s"), cause);
}

/* Writes what was added when it can be used; with --dry-run it is only looked at. */
static bool add(
	struct context *context, const char *path, const struct buffer *added, struct error *err)
{
	struct buffer text = BUFFER_INIT(SETTINGS_MAX), candidate = BUFFER_INIT(SETTINGS_MAX);
	bool dry_run = options_has(&context->options, "dry-run"), done;

	done = settings_join(path, added, &text, err) &&
	       (buffer_append(&candidate, text.data, text.length) ||
		       error_set(err, ERROR_FAILED, _("out of memory"))) &&
	       check_candidate(context, path, &candidate, err) &&
	       (dry_run || settings_write(path, &text, err));
	if (done)
		output_text(&context->output,
			dry_run ? _("To be added to %s:\n\n%s") : _("Added to %s:\n\n%s"), path,
			buffer_text(added));
	buffer_free(&candidate);
	buffer_free(&text);
	/* The module and every later command read the same. */
	return done && (dry_run || check_settings(context, config_load(NULL), err));
}

static bool configure(struct context *context, struct error *err)
{
	struct buffer added = BUFFER_INIT(64 * 1024);
	char *path = config_path();
	bool own_module = options_get(&context->options, "module") == NULL, done = false;

	if (path == NULL) {
		error_set(err, ERROR_WORKPLACE,
			_("there is no place for podpis.conf: neither XDG_CONFIG_HOME nor HOME is "
			  "set"));
		goto out;
	}
	if (!context_check_config(context, err) ||
		(own_module && !add_slot(context, &added, err)) ||
		!add_authority(context, &added, err))
		goto out;
	output_json(&context->output, "configuration", json_string(path));
	output_json(&context->output, "configuration_changed", json_boolean(added.length > 0));
	if (added.length == 0) {
		output_text(&context->output, _("%s says it already.\n"), path);
		done = check_settings(context, config_load(NULL), err);
	} else {
		done = add(context, path, &added, err);
	}
out:
	free(path);
	buffer_free(&added);
	return done;
}

static bool find_token(struct context *context, struct slot *slot, struct error *err)
{
	const char *module = options_get(&context->options, "module");
	struct slot_wish wish = {
		.module_path = module,
		.name = module == NULL ? given(context, "slot", "vault")
				       : options_get(&context->options, "slot"),
		.uninitialised = true,
	};

	/* In a foreign module the token that this label was given to is meant; else a slot without a token. */
	if (module != NULL && wish.name == NULL) {
		wish.name = given(context, "label", "Podpis");
		if (slot_find(&context->modules, &wish, slot, NULL))
			return true;
		wish.name = NULL;
	}
	return slot_find(&context->modules, &wish, slot, err);
}

static bool make_token(struct context *context, struct error *err)
{
	const char *label = given(context, "label", "Podpis");
	struct slot slot = {0};

	if (!find_token(context, &slot, err))
		return false;
	if ((slot.flags & CKF_TOKEN_INITIALIZED) == 0 ||
		(slot.flags & CKF_USER_PIN_INITIALIZED) == 0)
		return token_pin_initialise(context, &slot, label, false, err);
	output_text(&context->output, _("The token %s is initialised already.\n"), slot.label);
	output_json(&context->output, "token", json_string(slot.label));
	output_json(&context->output, "token_initialised", json_false());
	return true;
}

/* A file that PODPIS_CONFIG names and that is not there is a fault for all others; here it is to be made. */
static void load(struct context *context)
{
	config_free(context->config);
	context->config = config_load(NULL);
	if (context->config != NULL && context->config->path == NULL &&
		context->config->problem != NULL) {
		config_free(context->config);
		context->config = config_load("/dev/null");
	}
}

/* Another `podpis setup` may be making the same: what is there is looked at when it is done. */
static bool wait_for_others(struct context *context, int *lock, struct error *err)
{
	char *path = config_path();
	bool done;

	if (path == NULL)
		return true; /* said later, with the reason */
	done = settings_lock(path, lock, err);
	free(path);
	if (!done)
		return false;
	load(context);
	return true;
}

/* A foreign module is registered by whoever it came from. */
static bool register_module(struct context *context, struct error *err)
{
	const char *wanted = given(context, "for",
		options_has(&context->options, "system") ? "p11-kit,firefox-policy" : NULL);
	struct places places = {0};
	struct record record = {0};
	char *module = NULL;
	bool done, registered;

	if (options_has(&context->options, "module"))
		return true;
	done = workplace_module(&module, err) && record_open(&record, err) &&
	       places_find(&places, module, wanted, err);
	if (done) {
		registered = workplace_register(context, &places, &record, err);
		/* What can be done is done, whatever could not. */
		done = anchors_install(context, &places, &record, registered ? err : NULL) &&
		       registered;
	}
	places_clear(&places);
	record_close(&record);
	free(module);
	return done;
}

static bool undo(struct context *context, struct error *err)
{
	struct record record = {0};
	bool done = record_open(&record, err) && workplace_undo(context, &record, err);

	record_close(&record);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	bool own = !options_has(&context->options, "system"), done;
	int lock = -1;

	if (options_has(&context->options, "dry-run")) {
		load(context);
		return options_has(&context->options, "undo")
			       ? undo(context, err)
			       : (!own || configure(context, err)) && register_module(context, err);
	}
	done = wait_for_others(context, &lock, err);
	if (done && options_has(&context->options, "undo"))
		done = undo(context, err);
	else
		done = done && (!own || (configure(context, err) && make_token(context, err))) &&
		       register_module(context, err);
	if (lock >= 0)
		close(lock);
	return done;
}

const struct command setup_command = {
	.name = "setup",
	.arguments = "",
	.summary = N_("makes the workplace: configuration, vault, applications; run again it adds "
		      "what is missing"),
	.options = {options_setup, options_setup_authority, options_setup_workplace,
		options_dry_run},
	.run = run,
};

#include "provision/workplace/anchors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asn1/certificate.h"
#include "asn1/spki.h"
#include "module/support/text.h"
#include "provision/authority/authority.h"
#include "provision/i18n.h"
#include "provision/workplace/nss.h"

#define PEM_MAX (1 << 20)

bool anchors_of_file(
	const struct config_section *authority, struct certificates *anchors, struct error *err)
{
	const char *path = config_get(authority, "anchors");
	struct buffer pem = BUFFER_INIT(PEM_MAX);
	bool done = true;

	*anchors = (struct certificates){0};
	if (path != NULL && !buffer_read_file(&pem, path))
		done = error_set(err, ERROR_USAGE, "%s: %s", path, strerror(errno));
	else if (path != NULL)
		done = certificates_read(pem.data, pem.length, anchors, err) ||
		       error_prefix(err, "%s", path);
	buffer_free(&pem);
	return done;
}

/* Those of the file, else those that the authority names when it is asked. */
static bool load(struct context *context, const struct config_section *section,
	struct certificates *anchors, struct error *err)
{
	struct buffer pem = BUFFER_INIT(PEM_MAX);
	struct authority *authority = NULL;
	bool done;

	if (config_get(section, "anchors") != NULL)
		return anchors_of_file(section, anchors, err);
	*anchors = (struct certificates){0};
	done = authority_open(context->config, section->name, context->log, &authority, err) &&
	       (authority->class->anchors == NULL ||
		       authority->class->anchors(authority, &pem, err)) &&
	       (pem.length == 0 || certificates_read(pem.data, pem.length, anchors, err));
	if (authority != NULL)
		authority_close(authority);
	buffer_free(&pem);
	return done;
}

static void hexadecimal(const uint8_t digest[32], char text[65])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

/* What a person can compare with what the authority published: in groups, as everywhere. */
static void show(struct context *context, const char *authority, const struct certificate *anchor)
{
	struct buffer text = BUFFER_INIT(256), name = BUFFER_INIT(8192);

	for (size_t i = 0; i < sizeof(anchor->sha256); i++)
		buffer_printf(&text, "%s%02X", i > 0 ? ":" : "", anchor->sha256[i]);
	name_print(&anchor->subject, &name);
	output_text(&context->output, _("Root certificate of %s:\n   %s\n   SHA-256 %s\n"),
		authority, buffer_text(&name), buffer_text(&text));
	buffer_free(&name);
	buffer_free(&text);
}

/* A database of these places that lacks it, from *cursor on; NULL: none. */
static const struct place *lacking(
	const struct places *places, const struct certificate *anchor, size_t *cursor)
{
	while (*cursor < places->count) {
		const struct place *place = &places->list[(*cursor)++];

		if (place->database != NULL && place->busy == NULL && nss_there(place->database) &&
			!nss_holds(place->database, anchor->der, anchor->length))
			return place;
	}
	return NULL;
}

static bool agreed(struct context *context)
{
	char line[16];

	if (options_has(&context->options, "yes"))
		return true;
	fprintf(stderr, "%s", _("Trust it for signatures, in the applications above? [y/N] "));
	return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

static bool trust(struct context *context, const struct places *places,
	const struct certificate *anchor, struct record *record, struct error *err)
{
	char sha256[65], nickname[128];
	const struct place *place;
	size_t cursor = 0;

	hexadecimal(anchor->sha256, sha256);
	/* NSS takes what stands before a colon for a token's name. */
	snprintf(nickname, sizeof(nickname), "Podpis %.16s", sha256);
	while ((place = lacking(places, anchor, &cursor)) != NULL) {
		if (!record_add(record,
			    json_pack("{s:s, s:s, s:s, s:s}", "kind", "anchor", "path",
				    place->database, "nickname", nickname, "sha256", sha256),
			    err) ||
			!nss_trust(place->database, anchor, nickname, err))
			return error_prefix(err, "%s: %s", place->application, place->database);
		output_text(&context->output, _("%s: %s: the root certificate is added\n"),
			place->application, place->database);
	}
	return true;
}

/* NSS takes no certificate whose key it does not know, and it knows no GOST. */
static bool nss_can_hold(const struct certificate *anchor)
{
	struct spki key;
	bool known;

	if (!spki_decode(anchor->spki, anchor->spki_length, &key, NULL))
		return false;
	known = key.type == SPKI_RSA || key.type == SPKI_EC;
	spki_clear(&key);
	return known;
}

static bool install(struct context *context, const struct places *places, const char *authority,
	const struct certificates *anchors, struct record *record, json_t *rows, struct error *err)
{
	bool able = options_has(&context->options, "yes") || isatty(STDIN_FILENO);
	bool done = true;

	for (size_t i = 0; done && i < anchors->count; i++) {
		const struct certificate *anchor = &anchors->list[i];
		char sha256[65];
		size_t cursor = 0;
		bool added = false;

		if (lacking(places, anchor, &cursor) == NULL)
			continue;
		show(context, authority, anchor);
		hexadecimal(anchor->sha256, sha256);
		if (!nss_can_hold(anchor))
			output_text(&context->output, "%s\n",
				_("It is not added: NSS does not know keys of its kind."));
		else if (options_has(&context->options, "dry-run") || !able)
			output_text(&context->output, "%s\n",
				_("It is not added; podpis setup --yes adds it."));
		else if (agreed(context))
			added = done = trust(context, places, anchor, record, err);
		json_array_append_new(rows, json_pack("{s:s, s:s, s:b}", "authority", authority,
						    "sha256", sha256, "added", added));
	}
	return done;
}

/* A folder has nobody to be asked. */
static void would_ask(struct context *context, const struct config_section *section)
{
	const char *url = config_get(section, "url");

	if (url != NULL)
		output_text(&context->output,
			_("%s would be asked for the root certificates of %s, which are then shown "
			  "before they are trusted.\n"),
			url, section->name);
}

bool anchors_install(struct context *context, const struct places *places, struct record *record,
	struct error *err)
{
	bool able = options_has(&context->options, "yes") || isatty(STDIN_FILENO), done = true;
	json_t *rows = json_array();
	size_t databases = 0;

	for (size_t i = 0; i < places->count; i++)
		databases += places->list[i].database != NULL;
	for (size_t i = 0; done && databases > 0 && i < context->config->count; i++) {
		const struct config_section *section = &context->config->sections[i];
		struct certificates anchors = {0};
		struct error cause = {0};

		if (section->kind != CONFIG_AUTHORITY || section->problem != NULL ||
			/* Who is not going to be asked does not need the network. */
			(config_get(section, "anchors") == NULL && !able))
			continue;
		if (config_get(section, "anchors") == NULL &&
			options_has(&context->options, "dry-run"))
			would_ask(context, section);
		else if (load(context, section, &anchors, &cause))
			done = install(context, places, section->name, &anchors, record, rows, err);
		else
			output_progress(&context->output,
				_("%s: its root certificates are not known: %s"), section->name,
				cause.message);
		certificates_clear(&anchors);
	}
	output_json(&context->output, "anchors", rows);
	return done;
}

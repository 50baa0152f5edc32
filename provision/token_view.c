#include "provision/token_view.h"

#include <stdlib.h>
#include <string.h>

#include "module/support/text.h"
#include "provision/certificate_check.h"
#include "provision/certificate_view.h"
#include "provision/i18n.h"
#include "provision/token_object.h"

#define LABEL_MAX 1024 /* bytes */
#define KEYS_MAX  1024

static void put_hex(const uint8_t *bytes, size_t length, struct buffer *out)
{
	for (size_t i = 0; i < length; i++)
		buffer_printf(out, "%02x", bytes[i]);
}

/* Another module's text may be anything. */
static json_t *plain(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	if (copy == NULL)
		return NULL;
	text_plain(copy);
	value = json_string(copy);
	free(copy);
	return value;
}

/* Of any object with a CKA_ID. Without a type in it the URI means the certificate and the key. */
static void place(struct output *output, struct slot *slot, CK_OBJECT_HANDLE handle,
	const uint8_t *id, size_t id_length, json_t *object)
{
	struct buffer label = BUFFER_INIT(LABEL_MAX), hex = BUFFER_INIT(4 * TOKEN_ID_MAX);
	char *uri = id_length > 0 ? uri_format(slot, id, id_length, NULL) : NULL;

	token_object_read(slot, handle, CKA_LABEL, &label);
	put_hex(id, id_length, &hex);
	output_field(output, _("Label"), buffer_text(&label));
	output_field(output, _("URI"), uri);
	json_object_set_new(object, "label", plain(buffer_text(&label)));
	json_object_set_new(object, "id", json_string(buffer_text(&hex)));
	json_object_set_new(object, "uri", uri != NULL ? json_string(uri) : json_null());
	free(uri);
	buffer_free(&label);
	buffer_free(&hex);
}

void token_view_place(struct output *output, struct slot *slot, const struct token_certificate *one,
	json_t *object)
{
	output_field(output, _("Slot"), slot->description);
	json_object_set_new(object, "slot", plain(slot->description));
	place(output, slot, one->handle, one->id, one->id_length, object);
}

static size_t with_id(struct slot *slot, CK_OBJECT_CLASS class, const uint8_t *id, size_t length)
{
	CK_OBJECT_HANDLE handle;
	size_t count = 0;

	return length > 0 && token_object_by_id(slot, class, id, length, &handle, 1, &count, NULL)
		       ? count
		       : 0;
}

/* Cards often hold no public keys: without a login nothing is known of theirs. */
static void show_key(struct output *output, struct slot *slot, const struct token_certificate *one,
	json_t *object)
{
	bool seen = one->has_key || with_id(slot, CKO_PUBLIC_KEY, one->id, one->id_length) > 0;
	struct buffer text = BUFFER_INIT(256);

	certificate_view_key(&one->certificate, &text);
	json_object_set_new(object, "key", json_string(buffer_text(&text)));
	json_object_set_new(
		object, "has_key", seen || slot->logged_in ? json_boolean(seen) : json_null());
	if (!seen)
		buffer_printf(&text, " (%s)",
			slot->logged_in ? _("there is none beside it: nothing can be signed")
					: _("not seen without a login"));
	output_field(output, _("Key"), buffer_text(&text));
	buffer_free(&text);
}

static void show_dates(
	struct output *output, const struct certificate *certificate, time_t now, json_t *object)
{
	bool early = now<certificate->not_before, late = now> certificate->not_after;
	char from[OUTPUT_TIME_MAX], until[OUTPUT_TIME_MAX], text[128];

	output_time(certificate->not_before, from);
	output_time(certificate->not_after, until);
	json_object_set_new(object, "not_before", json_string(from));
	json_object_set_new(object, "not_after", json_string(until));
	json_object_set_new(object, "valid_now", json_boolean(!early && !late));
	if (early)
		output_field(output, _("Valid from"), from);
	snprintf(text, sizeof(text), late ? _("%s, which is over") : "%s", until);
	output_field(output, _("Valid until"), text);
}

/* For a person, and as a member of the object. */
static const char *common_name(const struct name *name, const char *member, json_t *object)
{
	const char *text = name_get(name, "2.5.4.3");

	json_object_set_new(object, member, text != NULL ? json_string(text) : json_null());
	return text != NULL ? text : _("a certificate without a name");
}

static void show_certificate(struct output *output, struct slot *slot,
	const struct token_certificate *one, time_t now, json_t *list)
{
	const struct certificate *certificate = &one->certificate;
	struct buffer sha256 = BUFFER_INIT(128);
	json_t *object = json_object();

	put_hex(certificate->sha256, sizeof(certificate->sha256), &sha256);
	output_text(output, "  %s\n", common_name(&certificate->subject, "name", object));
	output_field(output, _("Issuer"), common_name(&certificate->issuer, "issuer", object));
	json_object_set_new(
		object, "authority", json_boolean(certificate_is_authority(certificate)));
	json_object_set_new(object, "sha256", json_string(buffer_text(&sha256)));
	show_dates(output, certificate, now, object);
	if (!certificate_is_authority(certificate))
		show_key(output, slot, one, object);
	place(output, slot, one->handle, one->id, one->id_length, object);
	json_array_append_new(list, object);
	buffer_free(&sha256);
}

/* Their certificates are on the way, or lost. */
static bool show_lone_keys(
	struct output *output, struct slot *slot, json_t *list, struct error *err)
{
	CK_OBJECT_CLASS class = slot->logged_in ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_OBJECT_HANDLE *handles = calloc(KEYS_MAX, sizeof(*handles));
	size_t count = 0;
	bool done;

	if (handles == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	done = token_object_find(slot, templ, 1, handles, KEYS_MAX, &count, err);
	for (size_t i = 0; done && i < count; i++) {
		struct buffer id = BUFFER_INIT(TOKEN_ID_MAX);
		json_t *object = json_object();

		token_object_read(slot, handles[i], CKA_ID, &id);
		if (with_id(slot, CKO_CERTIFICATE, id.data, id.length) == 0) {
			output_text(output, "  %s\n", _("a key without a certificate"));
			place(output, slot, handles[i], id.data, id.length, object);
			json_array_append(list, object);
		}
		json_decref(object);
		buffer_free(&id);
	}
	free(handles);
	return done;
}

json_t *token_view(
	struct output *output, struct slot *slot, bool all, time_t now, struct error *err)
{
	json_t *certificates = json_array(), *keys = json_array();
	struct token_certificates held = {0};
	bool done = token_certificates_load(slot, &held, err);

	for (size_t i = 0; done && i < held.count; i++)
		if (all || !certificate_is_authority(&held.list[i].certificate))
			show_certificate(output, slot, &held.list[i], now, certificates);
	done = done && show_lone_keys(output, slot, keys, err);
	if (done && json_array_size(certificates) + json_array_size(keys) == 0)
		output_text(output, "  %s\n", _("neither certificates nor keys"));
	token_certificates_clear(&held);
	if (done)
		return json_pack("{s:o, s:o, s:o, s:o, s:o}", "slot", plain(slot->description),
			"token", plain(slot->label), "serial", plain(slot->serial), "certificates",
			certificates, "keys", keys);
	json_decref(certificates);
	json_decref(keys);
	return NULL;
}

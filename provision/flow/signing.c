#include "provision/flow/signing.h"

#include <string.h>

#include "asn1/cms.h"
#include "provision/flow/cloud_key.h"
#include "provision/i18n.h"

void signing_init(struct signing *signing, struct flow *flow)
{
	*signing = (struct signing){.flow = flow};
}

void signing_clear(struct signing *signing)
{
	token_signer_clear(&signing->signer);
	token_key_clear(&signing->key);
	slot_close(&signing->other);
	slot_close(&signing->slot);
	*signing = (struct signing){0};
}

bool signing_find_slot(struct context *context, struct slot *slot, struct error *err)
{
	struct slot_wish wish = {
		.module_path = options_get(&context->options, "module"),
		.name = options_get(&context->options, "slot"),
	};

	return slot_open(&context->modules, &wish, slot, err);
}

static bool open_by_uri(struct context *context, const char *text, const char *module,
	struct slot *slot, struct error *err)
{
	struct uri uri = {0};
	bool done = uri_open(&context->modules, text, module, &uri, slot, err);

	uri_clear(&uri);
	return done;
}

bool signing_open_slot(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct context *context = flow->context;

	if (!signing->has_slot) {
		if (flow->row.slot_uri == NULL)
			return error_set(err, ERROR_WORKPLACE,
				_("the key of application %lld is not at this workplace"),
				(long long)flow->row.id);
		if (!open_by_uri(context, flow->row.slot_uri,
			    options_get(&context->options, "module"), &signing->slot, err))
			return false;
		signing->has_slot = true;
	}
	return slot_login_with(&signing->slot, &context->pins, &context->options, PIN_USER, err);
}

bool signing_open_key(struct signing *signing, struct error *err)
{
	const struct journal_application *row = &signing->flow->row;

	if (signing->has_key)
		return true;
	if (row->key_id.data == NULL)
		return error_set(err, ERROR_WORKPLACE,
			_("the key of application %lld is not at this workplace"),
			(long long)row->id);
	if (!signing_open_slot(signing, err) ||
		!token_key_open(&signing->slot, row->key_id.data, row->key_id.length,
			row->spki.data, row->spki.length, &signing->key, err))
		return false;
	signing->has_key = true;
	return true;
}

/* Where the signer is: the new key's token when it is that one, so that one login does. */
static bool open_signer_slot(struct signing *signing, const struct uri *uri, struct error *err)
{
	struct context *context = signing->flow->context;
	const char *module = options_get(&context->options, "signer-module");
	struct slot_wish wish = uri_wish(uri);
	enum pin_kind kind = PIN_SIGNER;
	struct slot own = {0};

	if (module != NULL)
		wish.module_path = module;
	if (!slot_open(&context->modules, &wish, &signing->other, err))
		return false;
	signing->signer_slot = &signing->other;
	if (signing->has_slot && slot_same(&signing->slot, &signing->other)) {
		slot_close(&signing->other);
		signing->signer_slot = &signing->slot;
		kind = PIN_USER;
	} else if (!signing->has_slot && signing->flow->row.slot_uri != NULL &&
		   !cloud_key_is(&signing->flow->row) &&
		   open_by_uri(context, signing->flow->row.slot_uri,
			   options_get(&context->options, "module"), &own, NULL)) {
		if (slot_same(&own, &signing->other))
			kind = PIN_USER;
		slot_close(&own);
	}
	if (kind == PIN_USER && !pin_given(&context->pins, &context->options, PIN_USER) &&
		pin_given(&context->pins, &context->options, PIN_SIGNER))
		kind = PIN_SIGNER;
	return slot_login_with(signing->signer_slot, &context->pins, &context->options, kind, err);
}

bool signing_open_signer(
	struct signing *signing, const char *text, const uint8_t *sha256, struct error *err)
{
	struct uri uri = {0};
	bool done = false;

	if (signing->has_signer)
		return true;
	if (!uri_parse(text, &uri, err))
		return false;
	if (!open_signer_slot(signing, &uri, err) ||
		!token_signer_open(signing->signer_slot, &uri, sha256, &signing->signer, err))
		goto out;
	signing->has_signer = true;
	done = true;
out:
	uri_clear(&uri);
	return done;
}

bool signing_open_pinned(struct signing *signing, struct error *err)
{
	const struct journal_application *row = &signing->flow->row;
	const char *given = options_get(&signing->flow->context->options, "signer");

	if (row->signer_uri == NULL || row->signer_sha256.length != 32)
		return error_set(err, ERROR_FAILED,
			_("application %lld was not signed, so no signature can be the same"),
			(long long)row->id);
	if (given == NULL)
		return signing_open_signer(signing, row->signer_uri, row->signer_sha256.data, err);
	if (!signing_open_signer(signing, given, NULL, err))
		return false;
	if (memcmp(signing->signer.own->certificate.sha256, row->signer_sha256.data, 32) != 0)
		return error_set(err, ERROR_USAGE,
			_("--signer is another signature than the one that signed application "
			  "%lld; it has "
			  "to be %s"),
			(long long)row->id, row->signer_uri);
	return true;
}

bool signing_by_new_key(struct signing *signing, const uint8_t *content, size_t length, time_t when,
	struct buffer *cms, struct error *err)
{
	uint8_t identifier[20];
	struct signer signer;
	struct cms_signing wish = {.signing_time = when};
	struct cms said = {0};
	bool done;

	if (!signing_open_key(signing, err))
		return false;
	if (!spki_key_identifier(signing->key.spki.data, signing->key.spki.length, identifier, err))
		return false;
	signer = token_key_signer(&signing->key);
	wish.signer = &signer;
	wish.key_identifier = identifier;
	wish.key_identifier_length = sizeof(identifier);
	if (!cms_sign(&wish, content, length, cms, err))
		return false;
	/* Looked at before it goes out, as token_signer_sign does. */
	done = cms_verify(cms->data, cms->length, content, length, signing->key.spki.data,
		signing->key.spki.length, &said, err);
	cms_clear(&said);
	return done ||
	       error_prefix(err, _("what the token %s signed is not right"), signing->slot.label);
}

#include "provision/flow/cloud_key.h"

#include <stdlib.h>
#include <string.h>

#include "provision/cloud_slots.h"
#include "provision/i18n.h"
#include "provision/token_key.h"
#include "provision/uri.h"

static bool is_cloud(const struct config_section *section)
{
	const char *store = section != NULL ? config_get(section, "store") : NULL;

	return store != NULL && strcmp(store, "cloud") == 0;
}

bool cloud_key_wanted(const struct context *context)
{
	const char *name = options_get(&context->options, "slot");

	return name != NULL && is_cloud(config_find(context->config, CONFIG_SLOT, name));
}

bool cloud_key_choose(struct flow *flow, const char *kind, struct error *err)
{
	const char *name = options_get(&flow->context->options, "slot");
	const struct config_section *section;
	char *uri = NULL;
	bool done;

	if (!cloud_slots_section(flow->context, name, &section, err))
		return false;
	uri = uri_format_slot(section->name);
	done = uri != NULL && journal_text(&flow->row.slot_uri, uri) &&
	       journal_text(&flow->row.key_spec, kind);
	free(uri);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool cloud_key_is(const struct journal_application *row)
{
	char *name = row->slot_uri != NULL ? uri_slot(row->slot_uri) : NULL;
	bool is = name != NULL;

	free(name);
	return is;
}

int cloud_key_leaf(const struct certificates *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct certificate *one = &list->list[i];
		bool issues = false;

		for (size_t j = 0; j < list->count && !issues; j++)
			issues = list->list[j].issuer_length == one->subject_length &&
				 memcmp(list->list[j].issuer_der, one->subject_der,
					 one->subject_length) == 0;
		if (!issues)
			return (int)i;
	}
	return -1;
}

static bool find(struct flow *flow, const struct certificate *leaf, struct cloud_slots *cloud,
	const struct cloud_slot **out, struct error *err)
{
	char *name = uri_slot(flow->row.slot_uri);
	const struct config_section *section = NULL;
	unsigned long count = 0;
	bool done = false;

	if (name == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!cloud_slots_section(flow->context, name, &section, err) ||
		!cloud_slots_open(flow->context, cloud, err) ||
		!cloud_slots_refresh(flow->context, cloud, section, &count, err))
		goto out;
	done = cloud_slots_find(cloud, section, leaf->sha256, out, err);
	if (done && *out == NULL)
		done = error_set(err, ERROR_WAITING,
			_("none of the %lu credentials in %s has this certificate; the authority "
			  "may need a while: install it again later"),
			count, section->name);
out:
	free(name);
	return done;
}

/* With the token's PIN, and what the credential wants besides it. */
static bool prove(
	struct flow *flow, struct slot *slot, const struct certificate *leaf, struct error *err)
{
	struct context *context = flow->context;
	struct token_key key = {0};
	bool done;

	if (!pin_given(&context->pins, &context->options, PIN_USER)) {
		output_progress(&context->output,
			_("The service shows this certificate for its key; with --pin-file a "
			  "signature would prove it."));
		return true;
	}
	done = slot_login_with(slot, &context->pins, &context->options, PIN_USER, err) &&
	       token_key_open(slot, leaf->key_sha1, sizeof(leaf->key_sha1), leaf->spki,
		       leaf->spki_length, &key, err) &&
	       token_key_prove(&key, err);
	token_key_clear(&key);
	return done;
}

static bool fill(struct flow *flow, const struct slot *slot, const struct certificate *leaf,
	struct error *err)
{
	struct journal_application *row = &flow->row;
	char *uri = uri_format(slot, leaf->key_sha1, sizeof(leaf->key_sha1), "private");
	bool done = uri != NULL && journal_text(&row->key_uri, uri) &&
		    journal_text(&row->label, slot->label) &&
		    journal_bytes(&row->key_id, leaf->key_sha1, sizeof(leaf->key_sha1)) &&
		    journal_bytes(&row->spki, leaf->spki, leaf->spki_length);

	free(uri);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool cloud_key_install(struct flow *flow, const struct certificate *leaf, struct error *err)
{
	struct context *context = flow->context;
	struct cloud_slots cloud = {.functions = NULL};
	const struct cloud_slot *found = NULL;
	struct slot slot = {0};
	bool done = false;

	if (!find(flow, leaf, &cloud, &found, err) ||
		!cloud_slots_open_token(context, found, &slot, err))
		goto out;
	if (found->credential.status[0] != '\0') {
		error_set(err, ERROR_FAILED, _("the credential %s does not sign: it is %s"),
			found->credential.id, found->credential.status);
		goto out;
	}
	done = prove(flow, &slot, leaf, err) && fill(flow, &slot, leaf, err);
	if (done)
		output_json(&context->output, "credential", json_string(found->credential.id));
out:
	slot_close(&slot);
	cloud_slots_close(&cloud);
	return done;
}

#include "provision/uri.h"

#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"

void uri_clear(struct uri *uri)
{
	free(uri->module_path);
	free(uri->label);
	free(uri->serial);
	free(uri->manufacturer);
	free(uri->model);
	free(uri->object);
	*uri = (struct uri){0};
}

/* Padded fields of CK_TOKEN_INFO: all NUL or 0xff means that the URI doesn't say. */
static bool take(char **out, const unsigned char *text, size_t length, bool said)
{
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\0'))
		length--;
	if (!said || length == 0)
		return true;
	*out = strndup((const char *)text, length);
	return *out != NULL;
}

/* p11-kit keeps "not said" as zero bytes. */
static bool said(const unsigned char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] != '\0')
			return true;
	}
	return false;
}

bool uri_parse(const char *text, struct uri *uri, struct error *err)
{
	P11KitUri *parsed = p11_kit_uri_new();
	struct uri made = {0};
	CK_TOKEN_INFO *token;
	CK_ATTRIBUTE *attribute;
	const char *path;
	bool good = false;
	int rc;

	if (parsed == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, parsed);
	if (rc != P11_KIT_URI_OK) {
		error_set(err, rc == P11_KIT_URI_UNEXPECTED ? ERROR_FAILED : ERROR_USAGE,
			_("%s is not a PKCS#11 URI: %s"), text, p11_kit_uri_message(rc));
		goto out;
	}
	if (p11_kit_uri_any_unrecognized(parsed)) {
		error_set(err, ERROR_USAGE, _("%s: the URI has a part that is not known"), text);
		goto out;
	}
	token = p11_kit_uri_get_token_info(parsed);
	path = p11_kit_uri_get_module_path(parsed);
	good = take(&made.label, token->label, 32, said(token->label, 32)) &&
	       take(&made.serial, token->serialNumber, 16, said(token->serialNumber, 16)) &&
	       take(&made.manufacturer, token->manufacturerID, 32,
		       said(token->manufacturerID, 32)) &&
	       take(&made.model, token->model, 16, said(token->model, 16));
	if (good && path != NULL)
		good = (made.module_path = strdup(path)) != NULL;
	attribute = p11_kit_uri_get_attribute(parsed, CKA_LABEL);
	if (good && attribute != NULL && attribute->ulValueLen > 0)
		good = (made.object = strndup(attribute->pValue, attribute->ulValueLen)) != NULL;
	if (!good) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	attribute = p11_kit_uri_get_attribute(parsed, CKA_ID);
	if (attribute != NULL) {
		if (attribute->ulValueLen > sizeof(made.id)) {
			good = error_set(err, ERROR_USAGE, _("%s: the id is too long"), text);
			goto out;
		}
		memcpy(made.id, attribute->pValue, attribute->ulValueLen);
		made.id_length = attribute->ulValueLen;
	}
	*uri = made;
	made = (struct uri){0};
out:
	uri_clear(&made);
	p11_kit_uri_free(parsed);
	return good;
}

static void pad(unsigned char *out, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length == 0)
		return;
	memset(out, ' ', size);
	memcpy(out, text, length < size ? length : size);
}

char *uri_format(const struct slot *slot, const uint8_t *id, size_t id_length, const char *type)
{
	P11KitUri *uri = p11_kit_uri_new();
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE attribute;
	CK_TOKEN_INFO *token;
	char *text = NULL;

	if (uri == NULL)
		return NULL;
	token = p11_kit_uri_get_token_info(uri);
	pad(token->label, sizeof(token->label), slot->label);
	pad(token->serialNumber, sizeof(token->serialNumber), slot->serial);
	pad(token->manufacturerID, sizeof(token->manufacturerID), slot->manufacturer);
	pad(token->model, sizeof(token->model), slot->model);
	if (slot->module_path != NULL)
		p11_kit_uri_set_module_path(uri, slot->module_path);
	if (id_length > 0) {
		attribute = (CK_ATTRIBUTE){CKA_ID, (void *)(uintptr_t)id, (CK_ULONG)id_length};
		p11_kit_uri_set_attribute(uri, &attribute);
	}
	if (type != NULL) {
		class = strcmp(type, "cert") == 0 ? CKO_CERTIFICATE : CKO_PRIVATE_KEY;
		attribute = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof(class)};
		p11_kit_uri_set_attribute(uri, &attribute);
	}
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, &text) !=
		P11_KIT_URI_OK)
		text = NULL;
	p11_kit_uri_free(uri);
	return text;
}

char *uri_format_slot(const char *description)
{
	P11KitUri *uri = p11_kit_uri_new();
	CK_SLOT_INFO *slot;
	char *text = NULL;

	if (uri == NULL)
		return NULL;
	slot = p11_kit_uri_get_slot_info(uri);
	pad(slot->slotDescription, sizeof(slot->slotDescription), description);
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_SLOT, &text) != P11_KIT_URI_OK)
		text = NULL;
	p11_kit_uri_free(uri);
	return text;
}

char *uri_slot(const char *text)
{
	P11KitUri *uri = p11_kit_uri_new();
	char *description = NULL;
	CK_SLOT_INFO *slot;

	if (uri == NULL)
		return NULL;
	if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_SLOT, uri) == P11_KIT_URI_OK) {
		slot = p11_kit_uri_get_slot_info(uri);
		if (!take(&description, slot->slotDescription, sizeof(slot->slotDescription),
			    said(slot->slotDescription, sizeof(slot->slotDescription))))
			description = NULL;
	}
	p11_kit_uri_free(uri);
	return description;
}

struct slot_wish uri_wish(const struct uri *uri)
{
	return (struct slot_wish){
		.module_path = uri->module_path,
		.label = uri->label,
		.serial = uri->serial,
		.manufacturer = uri->manufacturer,
		.model = uri->model,
	};
}

bool uri_open(struct modules *modules, const char *text, const char *module, struct uri *uri,
	struct slot *slot, struct error *err)
{
	struct slot_wish wish;

	if (!uri_parse(text, uri, err))
		return false;
	wish = uri_wish(uri);
	if (module != NULL)
		wish.module_path = module;
	return slot_open(modules, &wish, slot, err);
}

/*
 * Reading SignedData, declared in cms.h; cms_verify.c has its signers.
 */
#include <stdlib.h>
#include <string.h>

#include "asn1/ber.h"
#include "asn1/cms_parts.h"

void cms_clear(struct cms *cms)
{
	free(cms->certificates);
	*cms = (struct cms){0};
}

void cms_signed_clear_signer(struct cms_signed *signed_data)
{
	asn1_delete_structure(&signed_data->info);
	buffer_free(&signed_data->info_der);
	certificate_clear(&signed_data->signer);
	signed_data->algorithm = NULL;
}

void cms_signed_clear(struct cms_signed *signed_data)
{
	cms_signed_clear_signer(signed_data);
	asn1_delete_structure(&signed_data->data);
	cms_clear(&signed_data->cms);
	free(signed_data->crls);
	signed_data->crls = NULL;
	buffer_free(&signed_data->copy);
}

/* Looked at before the structure is, so that another kind of CMS is called by its name. */
static bool check_content_type(const uint8_t *der, size_t length, struct error *err)
{
	struct der_element outer, type;
	char oid[OID_TEXT_MAX];

	if (!der_element(der, length, &outer, NULL) || outer.tag != DER_TAG_SEQUENCE ||
		!der_element(outer.value, outer.length, &type, NULL) ||
		!oid_decode(outer.value, type.size, oid, NULL))
		return true; /* the decoder will tell */
	if (strcmp(oid, OID_SIGNED_DATA) != 0)
		return error_set(
			err, ERROR_FAILED, "contentType: %s, not signedData", oid_name(oid));
	return true;
}

static bool is_there(
	const struct cms_certificate *list, size_t count, const uint8_t *der, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].length == length && memcmp(list[i].der, der, length) == 0)
			return true;
	return false;
}

/* The members of a set that are SEQUENCEs; the other choices have context tags. */
static bool list_set(struct cms_signed *signed_data, const char *set, struct cms_certificate **list,
	size_t *listed, struct error *err)
{
	char path[DER_FIELD_MAX];
	const uint8_t *start;
	size_t count, length, i;

	if (!der_present(signed_data->data, set))
		return true;
	if (!der_count(signed_data->data, set, CMS_CERTIFICATES_MAX, &count, err))
		return false;
	if (count == 0)
		return true;
	*list = calloc(count, sizeof(**list));
	if (*list == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	for (i = 0; i < count; i++) {
		der_field(path, set, i + 1, "");
		if (!der_slice(signed_data->data, path, signed_data->der, signed_data->length,
			    &start, &length, err))
			return false;
		if (start[0] != (0x20 | DER_TAG_SEQUENCE)) {
			if (!signed_data->strict)
				continue;
			return error_set(err, ERROR_FAILED, "%s: not an X.509 certificate", path);
		}
		if (signed_data->strict && is_there(*list, *listed, start, length))
			return error_set(err, ERROR_FAILED, "%s: there twice", path);
		(*list)[(*listed)++] = (struct cms_certificate){start, length};
	}
	return true;
}

static bool find_content(struct cms_signed *signed_data, struct error *err)
{
	static const char field[] = "content.encapContentInfo.eContent";
	struct der_element element;
	const uint8_t *start;
	size_t length;

	if (!der_present(signed_data->data, field))
		return true;
	if (!der_slice(signed_data->data, field, signed_data->der, signed_data->length, &start,
		    &length, err) ||
		!der_element(start, length, &element, err))
		return false;
	/* The slice has the [0] around it. */
	if (element.class == ASN1_CLASS_CONTEXT_SPECIFIC &&
		!der_element(element.value, element.length, &element, err))
		return false;
	signed_data->cms.content = element.value;
	signed_data->cms.content_length = element.length;
	return true;
}

static bool decode(struct cms_signed *signed_data, struct error *err)
{
	char oid[OID_TEXT_MAX];

	if (!check_content_type(signed_data->der, signed_data->length, err) ||
		!(signed_data->strict ? der_decode : der_decode_unsorted)("CMS.ContentInfo",
			signed_data->der, signed_data->length, &signed_data->data, err) ||
		!der_read_oid(signed_data->data, "contentType", oid, err))
		return false;
	if (strcmp(oid, OID_SIGNED_DATA) != 0)
		return error_set(
			err, ERROR_FAILED, "contentType: %s, not signedData", oid_name(oid));
	return true;
}

bool cms_signed_read(struct cms_signed *signed_data, struct error *err)
{
	return decode(signed_data, err) &&
	       der_read_oid(signed_data->data, "content.encapContentInfo.eContentType",
		       signed_data->content_type, err) &&
	       list_set(signed_data, "content.certificates", &signed_data->cms.certificates,
		       &signed_data->cms.certificate_count, err) &&
	       find_content(signed_data, err) &&
	       der_count(signed_data->data, "content.signerInfos", CMS_SIGNERS_MAX,
		       &signed_data->signer_count, err);
}

bool cms_certificates(const uint8_t *der, size_t length, struct cms *cms, struct error *err)
{
	struct cms_signed signed_data = CMS_SIGNED_INIT;
	bool done;

	signed_data.der = der;
	signed_data.length = length;
	done = decode(&signed_data, err) &&
	       list_set(&signed_data, "content.certificates", &signed_data.cms.certificates,
		       &signed_data.cms.certificate_count, err);
	if (done) {
		*cms = signed_data.cms;
		signed_data.cms = (struct cms){0};
	}
	cms_signed_clear(&signed_data);
	return done ? true : error_prefix(err, "PKCS #7");
}

bool cms_open(
	const uint8_t *data, size_t length, struct cms_signed **signed_data, struct error *err)
{
	struct cms_signed *made = calloc(1, sizeof(*made));
	bool done = false;

	if (made == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	*made = CMS_SIGNED_INIT;
	if (!ber_to_der(data, length, &made->copy, err))
		goto out;
	made->der = made->copy.data;
	made->length = made->copy.length;
	done = cms_signed_read(made, err) &&
	       list_set(made, "content.crls", &made->crls, &made->crl_count, err);
out:
	if (done) {
		*signed_data = made;
		return true;
	}
	/* To a caller with a file that is none, it is the file that is wrong. */
	if (err != NULL)
		err->code = ERROR_USAGE;
	cms_close(made);
	return error_prefix(err, "signature");
}

void cms_close(struct cms_signed *signed_data)
{
	if (signed_data == NULL)
		return;
	cms_signed_clear(signed_data);
	free(signed_data);
}

void cms_content(
	const struct cms_signed *signed_data, const uint8_t **content, size_t *content_length)
{
	*content = signed_data->cms.content;
	*content_length = signed_data->cms.content_length;
}

const struct cms_certificate *cms_signed_certificates(
	const struct cms_signed *signed_data, size_t *count)
{
	*count = signed_data->cms.certificate_count;
	return signed_data->cms.certificates;
}

const struct cms_certificate *cms_signed_crls(const struct cms_signed *signed_data, size_t *count)
{
	*count = signed_data->crl_count;
	return signed_data->crls;
}

size_t cms_signer_count(const struct cms_signed *signed_data)
{
	return signed_data->signer_count;
}

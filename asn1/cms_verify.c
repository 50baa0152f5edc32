/*
 * Verifying the signers of a SignedData, declared in cms.h; cms_read.c takes it apart.
 */
#include <stdlib.h>
#include <string.h>

#include "asn1/attribute.h"
#include "asn1/cms_parts.h"
#include "asn1/date.h"
#include "asn1/signing_certificate.h"
#include "asn1/spki.h"
#include "module/support/text.h"

enum { SIGNER_INFO_ISSUER = 1, SIGNER_INFO_KEY = 3 }; /* RFC 5652, 5.3: versions */

static bool check_oid(asn1_node node, const char *field, const char *expected, struct error *err)
{
	char oid[OID_TEXT_MAX];

	if (!der_read_oid(node, field, oid, err))
		return false;
	if (strcmp(oid, expected) != 0)
		return error_set(err, ERROR_FAILED, "%s: %s, not %s", field, oid_name(oid),
			oid_name(expected));
	return true;
}

static bool open_signer(struct cms_signed *signed_data, size_t number, struct error *err)
{
	char path[DER_FIELD_MAX];

	cms_signed_clear_signer(signed_data);
	der_field(path, "content.signerInfos", number + 1, "");
	if (!der_read(signed_data->data, path, &signed_data->info_der, err) ||
		!(signed_data->strict ? der_decode : der_decode_unsorted)("CMS.SignerInfo",
			signed_data->info_der.data, signed_data->info_der.length,
			&signed_data->info, err))
		return error_prefix(err, "signerInfo");
	return true;
}

static bool read_algorithms(struct cms_signed *signed_data, struct error *err)
{
	return algorithm_read_cms(signed_data->info, "digestAlgorithm", "signatureAlgorithm",
		&signed_data->algorithm, err);
}

/* RFC 5652, 5.1: a reader need not take a signer whose digest is not listed. */
static bool check_digest_list(struct cms_signed *signed_data, struct error *err)
{
	char path[DER_FIELD_MAX], oid[OID_TEXT_MAX], digest[OID_TEXT_MAX];
	enum algorithm_parameters parameters;
	size_t count, i;

	if (!der_read_oid(signed_data->info, "digestAlgorithm.algorithm", digest, err) ||
		!der_count(signed_data->data, "content.digestAlgorithms", 16, &count, err))
		return false;
	for (i = 1; i <= count; i++) {
		der_field(path, "content.digestAlgorithms", i, "");
		if (!algorithm_read(signed_data->data, path, oid, &parameters, err))
			return false;
		if (strcmp(oid, digest) == 0)
			return true;
	}
	return error_set(
		err, ERROR_FAILED, "digestAlgorithms: without the signer's %s", oid_name(digest));
}

/* Whom a SignerInfo names: issuer and serial number, or a key's identifier. */
struct identifier {
	bool by_key;
	struct buffer issuer, serial, key;
};

#define IDENTIFIER_INIT                                                                            \
	((struct identifier){.issuer = BUFFER_INIT(DER_MAX),                                       \
		.serial = BUFFER_INIT(DER_MAX),                                                    \
		.key = BUFFER_INIT(DER_MAX)})

static void identifier_clear(struct identifier *identifier)
{
	buffer_free(&identifier->issuer);
	buffer_free(&identifier->serial);
	buffer_free(&identifier->key);
}

static bool read_identifier(
	const struct cms_signed *signed_data, struct identifier *identifier, struct error *err)
{
	asn1_node info = signed_data->info;
	unsigned version;

	identifier->by_key = der_present(info, "sid.subjectKeyIdentifier");
	if (identifier->by_key ? !der_read(info, "sid.subjectKeyIdentifier", &identifier->key, err)
			       : (!der_read(info, "sid.issuerAndSerialNumber.issuer",
					  &identifier->issuer, err) ||
					 !der_read(info, "sid.issuerAndSerialNumber.serialNumber",
						 &identifier->serial, err)))
		return false;
	if (!der_read_number(info, "version", &version, err))
		return false;
	if (version != (identifier->by_key ? SIGNER_INFO_KEY : SIGNER_INFO_ISSUER))
		return error_set(err, ERROR_FAILED,
			"signerInfo: version %u does not go with its sid", version);
	if (identifier->by_key && identifier->key.length == 0)
		return error_set(err, ERROR_FAILED, "sid.subjectKeyIdentifier: empty");
	return true;
}

static bool matches(const struct certificate *certificate, const struct identifier *identifier)
{
	const struct extension *extension;
	struct der_element element;

	if (!identifier->by_key)
		return certificate->issuer_length == identifier->issuer.length &&
		       memcmp(certificate->issuer_der, identifier->issuer.data,
			       identifier->issuer.length) == 0 &&
		       der_element(certificate->serial_der, certificate->serial_length, &element,
			       NULL) &&
		       element.length == identifier->serial.length &&
		       memcmp(element.value, identifier->serial.data, element.length) == 0;
	extension = extensions_find(&certificate->extensions, OID_SUBJECT_KEY_IDENTIFIER);
	if (extension == NULL)
		return identifier->key.length == sizeof(certificate->key_sha1) &&
		       memcmp(certificate->key_sha1, identifier->key.data,
			       identifier->key.length) == 0;
	return der_element(extension->value, extension->length, &element, NULL) &&
	       element.tag == DER_TAG_OCTET_STRING && element.length == identifier->key.length &&
	       memcmp(element.value, identifier->key.data, element.length) == 0;
}

/* Takes the certificate as the signer's when it is named; *err when it is a second one. */
static bool try_certificate(struct cms_signed *signed_data, const struct cms_certificate *one,
	const struct identifier *identifier, struct error *err)
{
	struct certificate certificate = {0}, *signer = &signed_data->signer;
	bool again;

	if (!certificate_decode(one->der, one->length, &certificate, err))
		return !signed_data->strict;
	if (!matches(&certificate, identifier)) {
		certificate_clear(&certificate);
		return true;
	}
	if (signer->der == NULL) {
		*signer = certificate;
		return true;
	}
	again = signer->length == one->length && memcmp(signer->der, one->der, one->length) == 0;
	certificate_clear(&certificate);
	return again || error_set(err, ERROR_FAILED, "sid: names two of the certificates");
}

static bool find_signer(struct cms_signed *signed_data, const struct certificates *others,
	const struct identifier *identifier, struct error *err)
{
	const struct cms *cms = &signed_data->cms;
	struct cms_certificate other;
	size_t i;

	for (i = 0; i < cms->certificate_count; i++)
		if (!try_certificate(signed_data, &cms->certificates[i], identifier, err))
			return false;
	for (i = 0; others != NULL && i < others->count; i++) {
		other = (struct cms_certificate){others->list[i].der, others->list[i].length};
		if (!try_certificate(signed_data, &other, identifier, err))
			return false;
	}
	return true;
}

/* The value of a signed attribute, decoded as that type; NULL in `node` when there is none. */
static bool read_attribute(const struct cms_signed *signed_data, const char *oid, const char *type,
	asn1_node *node, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	bool found = false, done;

	*node = NULL;
	done = attribute_find(signed_data->info, "signedAttrs", oid, &value, &found, err) &&
	       (!found || der_decode(type, value.data, value.length, node, err));
	buffer_free(&value);
	return done;
}

static bool check_attribute_type(const struct cms_signed *signed_data, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	done = read_attribute(signed_data, OID_CONTENT_TYPE, "CMS.ContentType", &node, err) &&
	       (node != NULL ? check_oid(node, "", signed_data->content_type, err)
			     : error_set(err, ERROR_FAILED, "missing"));
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "contentType");
}

static bool check_attribute_digest(
	const struct cms_signed *signed_data, const struct cms_source *source, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	uint8_t digest[MESSAGE_DIGEST_MAX];
	bool done = false;
	size_t size;

	if (!read_attribute(signed_data, OID_MESSAGE_DIGEST, "CMS.MessageDigest", &node, err))
		goto out;
	if (node == NULL) {
		error_set(err, ERROR_FAILED, "missing");
		goto out;
	}
	if (!der_read(node, "", &value, err) ||
		!source->digest(
			source->context, signed_data->algorithm->digest, digest, &size, err))
		goto out;
	if (value.length != size || memcmp(value.data, digest, size) != 0) {
		error_set(err, ERROR_FAILED, "the content is not the one that was signed");
		goto out;
	}
	done = true;
out:
	asn1_delete_structure(&node);
	buffer_free(&value);
	return done ? true : error_prefix(err, "messageDigest");
}

static bool read_time(const struct cms_signed *signed_data, time_t *when, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	done = read_attribute(signed_data, OID_SIGNING_TIME, "X509.Time", &node, err) &&
	       (node == NULL || date_read(node, "", when, err));
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "signingTime");
}

/* RFC 5652, 11. */
static bool check_attributes(
	struct cms_signed *signed_data, const struct cms_source *source, struct error *err)
{
	if (!der_present(signed_data->info, "signedAttrs"))
		return error_set(err, ERROR_FAILED, "signedAttrs: missing");
	return attributes_check(signed_data->info, "signedAttrs", false, err) &&
	       check_attribute_type(signed_data, err) &&
	       check_attribute_digest(signed_data, source, err) &&
	       read_time(signed_data, &signed_data->cms.signing_time, err);
}

static bool check_signature(const struct cms_signed *signed_data, const uint8_t *spki,
	size_t spki_length, struct error *err)
{
	struct buffer attributes = BUFFER_INIT(DER_MAX), signature = BUFFER_INIT(DER_MAX);
	bool done = false;

	/* In DER, sorted, however they were sent (RFC 5652, 5.4). */
	if (!der_encode(signed_data->info, "signedAttrs", &attributes, err) ||
		!der_read(signed_data->info, "signature", &signature, err))
		goto out;
	/* Signed with the tag of a SET OF, not with the [0] of the structure. */
	attributes.data[0] = 0x20 | DER_TAG_SET;
	done = signature_verify(signed_data->algorithm->signature, spki, spki_length,
		attributes.data, attributes.length, signature.data, signature.length, err);
out:
	buffer_free(&attributes);
	buffer_free(&signature);
	return done;
}

static bool check_signing_certificate(struct cms_signed *signed_data, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	bool done, found = false;

	done = attribute_find(
		signed_data->info, "signedAttrs", OID_SIGNING_CERTIFICATE_V2, &value, &found, err);
	if (done && found &&
		!signing_certificate_check(value.data, value.length, &signed_data->signer,
			signed_data->cms.certificate_sha256,
			&signed_data->cms.has_certificate_sha256, err))
		done = error_prefix(err, "signingCertificateV2");
	buffer_free(&value);
	return done;
}

static bool check_key(const struct cms_signed *signed_data, const uint8_t **spki,
	size_t *spki_length, struct error *err)
{
	const struct certificate *signer = &signed_data->signer;

	if (*spki == NULL) {
		if (signer->der == NULL)
			return error_set(err, ERROR_FAILED,
				"certificates: the signer's is not there, and no key was given");
		*spki = signer->spki;
		*spki_length = signer->spki_length;
		return true;
	}
	if (signer->der != NULL &&
		!spki_equal(*spki, *spki_length, signer->spki, signer->spki_length))
		return error_set(err, ERROR_FAILED,
			"certificates: the signer's certificate has another key");
	return true;
}

/* Bytes as a source. */
static bool digest_bytes(void *context, const char *name, uint8_t digest[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err)
{
	const struct cms_certificate *bytes = context;

	return algorithm_digest(name, bytes->der, bytes->length, digest, length, err);
}

static bool verify(struct cms_signed *signed_data, const struct cms_source *source,
	const uint8_t *spki, size_t spki_length, struct error *err)
{
	struct cms_certificate attached = {
		signed_data->cms.content, signed_data->cms.content_length};
	struct cms_source own = {digest_bytes, &attached};

	if (attached.der == NULL && source == NULL)
		return error_set(err, ERROR_FAILED, "eContent: missing, and no content was given");
	if (attached.der != NULL && source != NULL)
		return error_set(err, ERROR_FAILED,
			"eContent: there, but a detached signature was expected");
	return check_key(signed_data, &spki, &spki_length, err) &&
	       check_attributes(signed_data, source != NULL ? source : &own, err) &&
	       check_signature(signed_data, spki, spki_length, err) &&
	       check_signing_certificate(signed_data, err);
}

bool cms_verify(const uint8_t *der, size_t length, const uint8_t *content, size_t content_length,
	const uint8_t *spki, size_t spki_length, struct cms *cms, struct error *err)
{
	struct cms_signed signed_data = CMS_SIGNED_INIT;
	struct cms_certificate bytes = {content, content_length};
	struct cms_source source = {digest_bytes, &bytes};
	struct identifier identifier = IDENTIFIER_INIT;
	bool done = false;
	size_t i;

	signed_data.der = der;
	signed_data.length = length;
	signed_data.strict = true;
	if (!cms_signed_read(&signed_data, err) ||
		!check_oid(
			signed_data.data, "content.encapContentInfo.eContentType", OID_DATA, err))
		goto out;
	if (signed_data.signer_count != 1) {
		error_set(err, ERROR_FAILED, "signerInfos: %zu signers, not one",
			signed_data.signer_count);
		goto out;
	}
	if (!open_signer(&signed_data, 0, err) || !read_algorithms(&signed_data, err) ||
		!check_digest_list(&signed_data, err) ||
		!read_identifier(&signed_data, &identifier, err) ||
		!find_signer(&signed_data, NULL, &identifier, err) ||
		!verify(&signed_data, content != NULL ? &source : NULL, spki, spki_length, err))
		goto out;
	for (i = 0; i < signed_data.cms.certificate_count; i++)
		if (signed_data.signer.der != NULL &&
			signed_data.cms.certificates[i].length == signed_data.signer.length &&
			memcmp(signed_data.cms.certificates[i].der, signed_data.signer.der,
				signed_data.signer.length) == 0) {
			signed_data.cms.signer_certificate = signed_data.cms.certificates[i].der;
			signed_data.cms.signer_certificate_length = signed_data.signer.length;
		}
	signed_data.cms.algorithm = signed_data.algorithm->signature;
	*cms = signed_data.cms;
	signed_data.cms = (struct cms){0};
	done = true;
out:
	identifier_clear(&identifier);
	cms_signed_clear(&signed_data);
	return done ? true : error_prefix(err, "signature");
}

static void name_signer(const struct identifier *identifier, char named[512])
{
	struct buffer text = BUFFER_INIT(64 * 1024);
	struct name issuer = {0};
	const struct buffer *number = identifier->by_key ? &identifier->key : &identifier->serial;
	size_t i, length;

	buffer_append_text(&text, identifier->by_key ? "key identifier " : "serial number ");
	for (i = 0; i < number->length && i < 32; i++)
		buffer_printf(&text, "%02X", number->data[i]);
	if (!identifier->by_key &&
		name_decode(identifier->issuer.data, identifier->issuer.length, &issuer, NULL)) {
		buffer_append_text(&text, ", issuer ");
		name_print(&issuer, &text);
		name_clear(&issuer);
	}
	length = text_cut(buffer_text(&text), text.length, 511);
	memcpy(named, buffer_text(&text), length);
	named[length] = '\0';
	buffer_free(&text);
}

/* What can't be read is the verification's matter. */
static bool has_signing_certificate(const struct cms_signed *signed_data)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	bool found = false;

	if (der_present(signed_data->info, "signedAttrs"))
		attribute_find(signed_data->info, "signedAttrs", OID_SIGNING_CERTIFICATE_V2, &value,
			&found, NULL);
	buffer_free(&value);
	return found;
}

bool cms_signer_read(struct cms_signed *signed_data, size_t number,
	const struct certificates *others, struct cms_signer *signer, struct error *err)
{
	struct identifier identifier = IDENTIFIER_INIT;
	struct cms_signer read = {0};
	bool done = false;

	if (!open_signer(signed_data, number, err) ||
		!read_identifier(signed_data, &identifier, err) ||
		!find_signer(signed_data, others, &identifier, err) ||
		(der_present(signed_data->info, "signedAttrs") &&
			!read_time(signed_data, &read.signing_time, err)))
		goto out;
	name_signer(&identifier, read.named);
	read.cades = has_signing_certificate(signed_data);
	read.certificate = signed_data->signer.der != NULL ? &signed_data->signer : NULL;
	/* An algorithm that is not known is the verification's matter. */
	if (read_algorithms(signed_data, NULL))
		read.algorithm = signed_data->algorithm->name;
	*signer = read;
	done = true;
out:
	identifier_clear(&identifier);
	return done;
}

bool cms_signer_verify(
	struct cms_signed *signed_data, const struct cms_source *source, struct error *err)
{
	return read_algorithms(signed_data, err) && verify(signed_data, source, NULL, 0, err);
}

/*
 * Reading SignedData and verifying its signature, declared in cms.h.
 */
#include "asn1/cms.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/algorithm.h"
#include "asn1/attribute.h"
#include "asn1/certificate.h"
#include "asn1/cms_parts.h"
#include "asn1/date.h"
#include "asn1/der.h"
#include "asn1/oid.h"
#include "asn1/signing_certificate.h"
#include "asn1/spki.h"

enum { SIGNER_INFO_ISSUER = 1, SIGNER_INFO_KEY = 3 }; /* RFC 5652, 5.3: versions */

/* What is read of one signature; `data` belongs to the whole, `info` to its SignerInfo. */
struct reading {
	const uint8_t *der;
	size_t length;
	asn1_node data, info;
	struct buffer info_der;
	const struct algorithm *algorithm;
	struct certificate signer; /* empty when it is not embedded */
	struct cms cms;
};

static void reading_clear(struct reading *reading)
{
	asn1_delete_structure(&reading->data);
	asn1_delete_structure(&reading->info);
	buffer_free(&reading->info_der);
	certificate_clear(&reading->signer);
	cms_clear(&reading->cms);
}

void cms_clear(struct cms *cms)
{
	free(cms->certificates);
	*cms = (struct cms){0};
}

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

static bool list_certificates(struct reading *reading, bool once, struct error *err)
{
	static const char list[] = "content.certificates";
	struct cms *cms = &reading->cms;
	struct cms_certificate *certificate;
	char path[DER_FIELD_MAX];
	size_t count, i, j;

	if (!der_present(reading->data, list))
		return true;
	if (!der_count(reading->data, list, CMS_CERTIFICATES_MAX, &count, err))
		return false;
	if (count == 0)
		return true;
	cms->certificates = calloc(count, sizeof(*cms->certificates));
	if (cms->certificates == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	for (i = 0; i < count; i++) {
		certificate = &cms->certificates[i];
		der_field(path, list, i + 1, "");
		if (!der_slice(reading->data, path, reading->der, reading->length,
			    &certificate->der, &certificate->length, err))
			return false;
		/* The other CertificateChoices have context tags. */
		if (certificate->der[0] != (0x20 | DER_TAG_SEQUENCE))
			return error_set(err, ERROR_FAILED, "%s: not an X.509 certificate", path);
		for (j = 0; once && j < i; j++)
			if (cms->certificates[j].length == certificate->length &&
				memcmp(cms->certificates[j].der, certificate->der,
					certificate->length) == 0)
				return error_set(err, ERROR_FAILED, "%s: there twice", path);
	}
	cms->certificate_count = count;
	return true;
}

static bool find_content(struct reading *reading, struct error *err)
{
	static const char field[] = "content.encapContentInfo.eContent";
	struct der_element element;
	const uint8_t *start;
	size_t length;

	if (!der_present(reading->data, field))
		return true;
	if (!der_slice(reading->data, field, reading->der, reading->length, &start, &length, err) ||
		!der_element(start, length, &element, err))
		return false;
	/* The slice has the [0] around it. */
	if (element.class == ASN1_CLASS_CONTEXT_SPECIFIC &&
		!der_element(element.value, element.length, &element, err))
		return false;
	reading->cms.content = element.value;
	reading->cms.content_length = element.length;
	return true;
}

bool cms_certificates(const uint8_t *der, size_t length, struct cms *cms, struct error *err)
{
	struct reading reading = {.der = der, .length = length, .info_der = BUFFER_INIT(DER_MAX)};
	bool done;

	done = check_content_type(der, length, err) &&
	       der_decode_unsorted("CMS.ContentInfo", der, length, &reading.data, err) &&
	       check_oid(reading.data, "contentType", OID_SIGNED_DATA, err) &&
	       list_certificates(&reading, false, err);
	if (done) {
		*cms = reading.cms;
		reading.cms = (struct cms){0};
	}
	reading_clear(&reading);
	return done ? true : error_prefix(err, "PKCS #7");
}

/* The one SignerInfo, with digest and signature algorithms. */
static bool read_signer_info(struct reading *reading, struct error *err)
{
	char path[DER_FIELD_MAX], oid[OID_TEXT_MAX], digest[OID_TEXT_MAX];
	enum algorithm_parameters parameters;
	size_t count, i;

	if (!der_count(reading->data, "content.signerInfos", DER_ELEMENTS_MAX, &count, err))
		return false;
	if (count != 1)
		return error_set(err, ERROR_FAILED, "signerInfos: %zu signers, not one", count);
	if (!der_read(reading->data, "content.signerInfos.?1", &reading->info_der, err) ||
		!der_decode("CMS.SignerInfo", reading->info_der.data, reading->info_der.length,
			&reading->info, err))
		return error_prefix(err, "signerInfo");
	if (!algorithm_read_cms(reading->info, "digestAlgorithm", "signatureAlgorithm",
		    &reading->algorithm, err) ||
		!der_read_oid(reading->info, "digestAlgorithm.algorithm", digest, err))
		return false;
	reading->cms.algorithm = reading->algorithm->signature;
	if (!der_count(reading->data, "content.digestAlgorithms", 16, &count, err))
		return false;
	for (i = 1; i <= count; i++) {
		der_field(path, "content.digestAlgorithms", i, "");
		if (!algorithm_read(reading->data, path, oid, &parameters, err))
			return false;
		if (strcmp(oid, digest) == 0)
			return true;
	}
	return error_set(
		err, ERROR_FAILED, "digestAlgorithms: without the signer's %s", oid_name(digest));
}

/* `expected` is from the SignerInfo, which has issuer and serial number or a key identifier. */
static bool matches(const struct certificate *certificate, bool by_key, const struct buffer *issuer,
	const struct buffer *serial, const struct buffer *identifier)
{
	const struct extension *extension;
	struct der_element element;

	if (!by_key)
		return certificate->issuer_length == issuer->length &&
		       memcmp(certificate->issuer_der, issuer->data, issuer->length) == 0 &&
		       der_element(certificate->serial_der, certificate->serial_length, &element,
			       NULL) &&
		       element.length == serial->length &&
		       memcmp(element.value, serial->data, serial->length) == 0;
	extension = extensions_find(&certificate->extensions, OID_SUBJECT_KEY_IDENTIFIER);
	if (extension == NULL)
		return identifier->length == sizeof(certificate->key_sha1) &&
		       memcmp(certificate->key_sha1, identifier->data, identifier->length) == 0;
	return der_element(extension->value, extension->length, &element, NULL) &&
	       element.tag == DER_TAG_OCTET_STRING && element.length == identifier->length &&
	       memcmp(element.value, identifier->data, identifier->length) == 0;
}

static bool find_signer(struct reading *reading, struct error *err)
{
	struct buffer issuer = BUFFER_INIT(DER_MAX), serial = BUFFER_INIT(DER_MAX),
		      identifier = BUFFER_INIT(DER_MAX);
	struct cms *cms = &reading->cms;
	struct certificate certificate = {0};
	unsigned version;
	bool by_key, done = false;
	size_t i;

	by_key = der_present(reading->info, "sid.subjectKeyIdentifier");
	if (by_key ? !der_read(reading->info, "sid.subjectKeyIdentifier", &identifier, err)
		   : (!der_read(reading->info, "sid.issuerAndSerialNumber.issuer", &issuer, err) ||
			     !der_read(reading->info, "sid.issuerAndSerialNumber.serialNumber",
				     &serial, err)))
		goto out;
	if (!der_read_number(reading->info, "version", &version, err))
		goto out;
	if (version != (by_key ? SIGNER_INFO_KEY : SIGNER_INFO_ISSUER)) {
		error_set(err, ERROR_FAILED, "signerInfo: version %u does not go with its sid",
			version);
		goto out;
	}
	if (by_key && identifier.length == 0) {
		error_set(err, ERROR_FAILED, "sid.subjectKeyIdentifier: empty");
		goto out;
	}
	for (i = 0; i < cms->certificate_count; i++) {
		if (!certificate_decode(cms->certificates[i].der, cms->certificates[i].length,
			    &certificate, err))
			goto out;
		if (!matches(&certificate, by_key, &issuer, &serial, &identifier)) {
			certificate_clear(&certificate);
			continue;
		}
		if (cms->signer_certificate != NULL) {
			certificate_clear(&certificate);
			error_set(err, ERROR_FAILED, "sid: names two of the certificates");
			goto out;
		}
		cms->signer_certificate = cms->certificates[i].der;
		cms->signer_certificate_length = cms->certificates[i].length;
		reading->signer = certificate;
		certificate = (struct certificate){0};
	}
	done = true;
out:
	buffer_free(&issuer);
	buffer_free(&serial);
	buffer_free(&identifier);
	return done;
}

/* The value of a signed attribute, decoded as that type; NULL in `node` when there is none. */
static bool read_attribute(struct reading *reading, const char *oid, const char *type,
	asn1_node *node, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	bool found = false, done;

	*node = NULL;
	done = attribute_find(reading->info, "signedAttrs", oid, &value, &found, err) &&
	       (!found || der_decode(type, value.data, value.length, node, err));
	buffer_free(&value);
	return done;
}

static bool check_attribute_type(struct reading *reading, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	done = read_attribute(reading, OID_CONTENT_TYPE, "CMS.ContentType", &node, err) &&
	       (node != NULL ? check_oid(node, "", OID_DATA, err)
			     : error_set(err, ERROR_FAILED, "missing"));
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "contentType");
}

static bool check_attribute_digest(
	struct reading *reading, const uint8_t *content, size_t length, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	uint8_t digest[64];
	bool done = false;
	size_t size;

	if (!read_attribute(reading, OID_MESSAGE_DIGEST, "CMS.MessageDigest", &node, err))
		goto out;
	if (node == NULL) {
		error_set(err, ERROR_FAILED, "missing");
		goto out;
	}
	if (!der_read(node, "", &value, err) ||
		!algorithm_digest(reading->algorithm->digest, content, length, digest, &size, err))
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

static bool read_attribute_time(struct reading *reading, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	done = read_attribute(reading, OID_SIGNING_TIME, "X509.Time", &node, err) &&
	       (node == NULL || date_read(node, "", &reading->cms.signing_time, err));
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "signingTime");
}

/* RFC 5652, 11. */
static bool check_attributes(
	struct reading *reading, const uint8_t *content, size_t length, struct error *err)
{
	if (!der_present(reading->info, "signedAttrs"))
		return error_set(err, ERROR_FAILED, "signedAttrs: missing");
	return attributes_check(reading->info, "signedAttrs", false, err) &&
	       check_attribute_type(reading, err) &&
	       check_attribute_digest(reading, content, length, err) &&
	       read_attribute_time(reading, err);
}

static bool check_signature(
	struct reading *reading, const uint8_t *spki, size_t spki_length, struct error *err)
{
	struct buffer attributes = BUFFER_INIT(DER_MAX), signature = BUFFER_INIT(DER_MAX);
	bool done = false;

	if (!der_encode(reading->info, "signedAttrs", &attributes, err) ||
		!der_read(reading->info, "signature", &signature, err))
		goto out;
	/* Signed with the tag of a SET OF, not with the [0] of the structure (RFC 5652, 5.4). */
	attributes.data[0] = 0x20 | DER_TAG_SET;
	done = signature_verify(reading->algorithm->signature, spki, spki_length, attributes.data,
		attributes.length, signature.data, signature.length, err);
out:
	buffer_free(&attributes);
	buffer_free(&signature);
	return done;
}

static bool check_signing_certificate(struct reading *reading, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	bool found, done;

	done = attribute_find(
		reading->info, "signedAttrs", OID_SIGNING_CERTIFICATE_V2, &value, &found, err);
	if (done && found &&
		!signing_certificate_check(value.data, value.length, &reading->signer,
			reading->cms.certificate_sha256, &reading->cms.has_certificate_sha256, err))
		done = error_prefix(err, "signingCertificateV2");
	buffer_free(&value);
	return done;
}

static bool check_key(
	const struct reading *reading, const uint8_t **spki, size_t *spki_length, struct error *err)
{
	const struct certificate *signer = &reading->signer;

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

bool cms_verify(const uint8_t *der, size_t length, const uint8_t *content, size_t content_length,
	const uint8_t *spki, size_t spki_length, struct cms *cms, struct error *err)
{
	struct reading reading = {.der = der, .length = length, .info_der = BUFFER_INIT(DER_MAX)};
	bool done = false;

	if (!check_content_type(der, length, err) ||
		!der_decode("CMS.ContentInfo", der, length, &reading.data, err) ||
		!check_oid(reading.data, "contentType", OID_SIGNED_DATA, err) ||
		!check_oid(reading.data, "content.encapContentInfo.eContentType", OID_DATA, err) ||
		!list_certificates(&reading, true, err) || !find_content(&reading, err) ||
		!read_signer_info(&reading, err) || !find_signer(&reading, err))
		goto out;
	if (reading.cms.content == NULL && content == NULL) {
		error_set(err, ERROR_FAILED, "eContent: missing, and no content was given");
		goto out;
	}
	if (reading.cms.content != NULL && content != NULL) {
		error_set(err, ERROR_FAILED,
			"eContent: there, but a detached signature was expected");
		goto out;
	}
	if (content == NULL) {
		content = reading.cms.content;
		content_length = reading.cms.content_length;
	}
	if (!check_key(&reading, &spki, &spki_length, err) ||
		!check_attributes(&reading, content, content_length, err) ||
		!check_signature(&reading, spki, spki_length, err) ||
		!check_signing_certificate(&reading, err))
		goto out;
	*cms = reading.cms;
	reading.cms = (struct cms){0};
	done = true;
out:
	reading_clear(&reading);
	return done ? true : error_prefix(err, "signature");
}

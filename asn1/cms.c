#include "asn1/cms.h"

#include <string.h>

#include "asn1/algorithm.h"
#include "asn1/attribute.h"
#include "asn1/certificate.h"
#include "asn1/cms_parts.h"
#include "asn1/date.h"
#include "asn1/der.h"
#include "asn1/signing_certificate.h"

/* Encodes what was put into a node and frees the node. */
static bool finish(bool done, asn1_node *node, struct buffer *der, struct error *err)
{
	done = done && der_encode(*node, "", der, err);
	asn1_delete_structure(node);
	return done;
}

static bool encode_content_type(struct buffer *der, struct error *err)
{
	asn1_node node = NULL;

	return finish(der_create("CMS.ContentType", &node, err) &&
			      der_write_text(node, "", OID_DATA, err),
		&node, der, err);
}

static bool encode_digest(
	const uint8_t *digest, size_t length, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;

	return finish(der_create("CMS.MessageDigest", &node, err) &&
			      der_write(node, "", digest, length, err),
		&node, der, err);
}

static bool encode_time(time_t date, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;

	return finish(der_create("X509.Time", &node, err) && date_write(node, "", date, err), &node,
		der, err);
}

/* What is signed: the attributes as a SET OF in DER, which libtasn1 sorts. */
static bool add_attributes(asn1_node node, const struct cms_signing *signing,
	const struct certificate *certificate, const uint8_t *digest, size_t length,
	struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	bool done = false;

	if (!encode_content_type(&value, err) ||
		!attribute_add(node, "signedAttrs", OID_CONTENT_TYPE, &value, err))
		goto out;
	buffer_reset(&value);
	if (!encode_digest(digest, length, &value, err) ||
		!attribute_add(node, "signedAttrs", OID_MESSAGE_DIGEST, &value, err))
		goto out;
	buffer_reset(&value);
	if (!encode_time(signing->signing_time, &value, err) ||
		!attribute_add(node, "signedAttrs", OID_SIGNING_TIME, &value, err))
		goto out;
	buffer_reset(&value);
	if (certificate != NULL && (!signing_certificate_encode(certificate, &value, err) ||
					   !attribute_add(node, "signedAttrs",
						   OID_SIGNING_CERTIFICATE_V2, &value, err)))
		goto out;
	done = true;
out:
	buffer_free(&value);
	return done;
}

static bool write_identifier(asn1_node node, const struct cms_signing *signing,
	const struct certificate *certificate, struct error *err)
{
	struct der_element serial;

	if (certificate == NULL)
		return der_write_number(node, "version", 3, err) &&
		       der_write_text(node, "sid", "subjectKeyIdentifier", err) &&
		       der_write(node, "sid.subjectKeyIdentifier", signing->key_identifier,
			       signing->key_identifier_length, err);
	return der_element(certificate->serial_der, certificate->serial_length, &serial, err) &&
	       der_write_number(node, "version", 1, err) &&
	       der_write_text(node, "sid", "issuerAndSerialNumber", err) &&
	       der_write(node, "sid.issuerAndSerialNumber.issuer", certificate->issuer_der,
		       certificate->issuer_length, err) &&
	       der_write(node, "sid.issuerAndSerialNumber.serialNumber", serial.value,
		       serial.length, err);
}

static bool create_signer_info(const struct cms_signing *signing,
	const struct certificate *certificate, const uint8_t *digest, size_t length,
	const struct algorithm *algorithm, struct buffer *der, struct error *err)
{
	struct buffer attributes = BUFFER_INIT(DER_MAX), signature = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	bool done = false, built;

	built = der_create("CMS.SignerInfo", &node, err) &&
		write_identifier(node, signing, certificate, err) &&
		algorithm_write(
			node, "digestAlgorithm", algorithm->digest_oid, PARAMETERS_ABSENT, err) &&
		add_attributes(node, signing, certificate, digest, length, err) &&
		algorithm_write(node, "signatureAlgorithm", algorithm->cms_oid,
			algorithm->cms_written, err) &&
		der_write(node, "unsignedAttrs", NULL, 0, err) &&
		der_encode(node, "signedAttrs", &attributes, err);
	if (!built) {
		error_prefix(err, "signature");
		goto out;
	}
	/* Signed with the tag of a SET OF, not with the [0] of the structure (RFC 5652, 5.4). */
	attributes.data[0] = 0x20 | DER_TAG_SET;
	if (!signing->signer->sign(
		    signing->signer->context, attributes.data, attributes.length, &signature, err))
		goto out;
	if (!der_write(node, "signature", signature.data, signature.length, err) ||
		!der_encode(node, "", der, err)) {
		error_prefix(err, "signature");
		goto out;
	}
	done = true;
out:
	asn1_delete_structure(&node);
	buffer_free(&attributes);
	buffer_free(&signature);
	return done;
}

/* The chain may name a certificate again, a set has it once. */
static bool add_certificates(asn1_node node, const struct cms_signing *signing, struct error *err)
{
	const struct cms_certificate *list = signing->certificates;
	size_t i, j;

	if (signing->certificate_count == 0)
		return der_write(node, "content.certificates", NULL, 0, err);
	for (i = 0; i < signing->certificate_count; i++) {
		if (!der_check(list[i].der, list[i].length, DER_MAX, err))
			return error_prefix(err, "certificates.?%zu", i + 1);
		for (j = 0; j < i; j++)
			if (list[i].length == list[j].length &&
				memcmp(list[i].der, list[j].der, list[i].length) == 0)
				break;
		if (j < i)
			continue;
		if (!der_write_text(node, "content.certificates", "NEW", err) ||
			!der_write(node, "content.certificates.?LAST", list[i].der, list[i].length,
				err))
			return false;
	}
	return true;
}

static bool create_signed_data(const struct cms_signing *signing, const uint8_t *content,
	size_t length, const struct algorithm *algorithm, const struct buffer *signer_info,
	struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	/* Version 3 when the signer is named by the key's identifier (RFC 5652, 5.1). */
	done = der_create("CMS.ContentInfo", &node, err) &&
	       der_write_text(node, "contentType", OID_SIGNED_DATA, err) &&
	       der_write_number(
		       node, "content.version", signing->certificate_count > 0 ? 1 : 3, err) &&
	       der_write_text(node, "content.digestAlgorithms", "NEW", err) &&
	       algorithm_write(node, "content.digestAlgorithms.?1", algorithm->digest_oid,
		       PARAMETERS_ABSENT, err) &&
	       der_write_text(node, "content.encapContentInfo.eContentType", OID_DATA, err) &&
	       der_write(node, "content.encapContentInfo.eContent", content,
		       content != NULL ? length : 0, err) &&
	       add_certificates(node, signing, err) &&
	       der_write(node, "content.crls", NULL, 0, err) &&
	       der_write_text(node, "content.signerInfos", "NEW", err) &&
	       der_write(node, "content.signerInfos.?1", signer_info->data, signer_info->length,
		       err) &&
	       der_encode(node, "", der, err);
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "signature");
}

const char *cms_digest_name(enum signature_algorithm algorithm)
{
	const struct algorithm *row = algorithm_find(algorithm);

	return row != NULL ? row->digest : NULL;
}

/* `content` NULL: detached. */
static bool sign(const struct cms_signing *signing, const struct algorithm *algorithm,
	const uint8_t *content, size_t length, const uint8_t *digest, size_t digest_length,
	struct buffer *der, struct error *err)
{
	struct buffer signer_info = BUFFER_INIT(DER_MAX);
	struct certificate certificate = {0};
	bool has_certificate = signing->certificate_count > 0, done = false;

	if (signing->certificate_count > CMS_CERTIFICATES_MAX) {
		error_set(err, ERROR_USAGE, "more than %d certificates", CMS_CERTIFICATES_MAX);
		goto out;
	}
	if (!has_certificate && signing->key_identifier_length == 0) {
		error_set(err, ERROR_USAGE, "neither a certificate nor a key identifier");
		goto out;
	}
	if (has_certificate && !certificate_decode(signing->certificates[0].der,
				       signing->certificates[0].length, &certificate, err)) {
		error_prefix(err, "signer");
		goto out;
	}
	done = create_signer_info(signing, has_certificate ? &certificate : NULL, digest,
		       digest_length, algorithm, &signer_info, err) &&
	       create_signed_data(signing, content, length, algorithm, &signer_info, der, err);
out:
	certificate_clear(&certificate);
	buffer_free(&signer_info);
	return done;
}

bool cms_sign(const struct cms_signing *signing, const uint8_t *content, size_t length,
	struct buffer *der, struct error *err)
{
	const struct algorithm *algorithm = algorithm_find(signing->signer->algorithm);
	/* NULL would leave eContent out. */
	const uint8_t *bytes = content != NULL ? content : (const uint8_t *)"";
	uint8_t digest[MESSAGE_DIGEST_MAX];
	size_t size;

	if (algorithm == NULL)
		return error_set(err, ERROR_FAILED, "unknown signature algorithm");
	if (length > CMS_CONTENT_MAX)
		return error_set(err, ERROR_USAGE, "the content has %zu bytes, %u at most", length,
			CMS_CONTENT_MAX);
	return algorithm_digest(algorithm->digest, bytes, length, digest, &size, err) &&
	       sign(signing, algorithm, signing->attached ? bytes : NULL, length, digest, size, der,
		       err);
}

bool cms_sign_digest(const struct cms_signing *signing, const uint8_t *digest, size_t digest_length,
	struct buffer *der, struct error *err)
{
	const struct algorithm *algorithm = algorithm_find(signing->signer->algorithm);

	if (algorithm == NULL)
		return error_set(err, ERROR_FAILED, "unknown signature algorithm");
	return sign(signing, algorithm, NULL, 0, digest, digest_length, der, err);
}

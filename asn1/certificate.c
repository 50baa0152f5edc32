#include "asn1/certificate.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/algorithm.h"
#include "asn1/date.h"
#include "asn1/der.h"

#define CERTIFICATE_MAX (256u * 1024) /* bytes */
#define SERIAL_MAX      21            /* bytes: 20 (RFC 5280, 4.1.2.2) and a zero in front */

enum { VERSION_1, VERSION_2, VERSION_3 };

/* Where the parts stand in `certificate->der`. */
static bool find_parts(asn1_node node, struct certificate *certificate, struct error *err)
{
	const struct {
		const char *field;
		const uint8_t **start;
		size_t *length;
	} parts[] = {
		{"tbsCertificate.serialNumber", &certificate->serial_der,
			&certificate->serial_length},
		{"tbsCertificate.issuer", &certificate->issuer_der, &certificate->issuer_length},
		{"tbsCertificate.subject", &certificate->subject_der, &certificate->subject_length},
		{"tbsCertificate.subjectPublicKeyInfo", &certificate->spki,
			&certificate->spki_length},
	};
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!der_slice(node, parts[i].field, certificate->der, certificate->length,
			    parts[i].start, parts[i].length, err))
			return false;
	return true;
}

static bool check_version(asn1_node node, struct error *err)
{
	unsigned version = VERSION_1;
	bool written = der_present(node, "tbsCertificate.version");

	if (written && !der_read_number(node, "tbsCertificate.version", &version, err))
		return false;
	if (written && version == VERSION_1)
		return error_set(
			err, ERROR_FAILED, "version: the default is written out, which is not DER");
	if (version > VERSION_3)
		return error_set(err, ERROR_FAILED, "version: %u is not known", version + 1);
	if (version < VERSION_3 && der_present(node, "tbsCertificate.extensions"))
		return error_set(
			err, ERROR_FAILED, "version: %u, but it has extensions", version + 1);
	if (version < VERSION_2 && (der_present(node, "tbsCertificate.issuerUniqueID") ||
					   der_present(node, "tbsCertificate.subjectUniqueID")))
		return error_set(err, ERROR_FAILED, "version: 1, but it has unique identifiers");
	return true;
}

/* The algorithm stands inside, where it is signed, and outside; they must be the same. */
static bool check_algorithm(
	asn1_node node, const struct certificate *certificate, struct error *err)
{
	const uint8_t *inside, *outside;
	size_t inside_length, outside_length;

	if (!der_slice(node, "tbsCertificate.signature", certificate->der, certificate->length,
		    &inside, &inside_length, err) ||
		!der_slice(node, "signatureAlgorithm", certificate->der, certificate->length,
			&outside, &outside_length, err))
		return false;
	if (inside_length != outside_length || memcmp(inside, outside, inside_length) != 0)
		return error_set(err, ERROR_FAILED,
			"signatureAlgorithm: another one than in tbsCertificate");
	return true;
}

static bool read_algorithms(asn1_node node, struct certificate *certificate, struct error *err)
{
	return der_read_oid(
		       node, "signatureAlgorithm.algorithm", certificate->signature_oid, err) &&
	       der_read_oid(node, "tbsCertificate.subjectPublicKeyInfo.algorithm.algorithm",
		       certificate->key_oid, err);
}

static bool read_names(struct certificate *certificate, struct error *err)
{
	if (!name_decode(
		    certificate->issuer_der, certificate->issuer_length, &certificate->issuer, err))
		return error_prefix(err, "issuer");
	if (certificate->issuer.count == 0)
		return error_set(err, ERROR_FAILED, "issuer: empty");
	if (!name_decode(certificate->subject_der, certificate->subject_length,
		    &certificate->subject, err))
		return error_prefix(err, "subject");
	return true;
}

static bool read_validity(asn1_node node, struct certificate *certificate, struct error *err)
{
	if (!date_read(node, "tbsCertificate.validity.notBefore", &certificate->not_before, err) ||
		!date_read(node, "tbsCertificate.validity.notAfter", &certificate->not_after, err))
		return false;
	if (certificate->not_after < certificate->not_before)
		return error_set(err, ERROR_FAILED, "validity: ends before it begins");
	return true;
}

static bool read_extensions(asn1_node node, struct certificate *certificate, struct error *err)
{
	struct buffer value = BUFFER_INIT(CERTIFICATE_MAX);
	bool done = true;

	if (der_present(node, "tbsCertificate.extensions"))
		done = der_read(node, "tbsCertificate.extensions", &value, err) &&
		       extensions_decode(value.data, value.length, &certificate->extensions, err);
	buffer_free(&value);
	return done;
}

static bool read_digests(asn1_node node, struct certificate *certificate, struct error *err)
{
	struct buffer key = BUFFER_INIT(CERTIFICATE_MAX);
	uint8_t sha256[64], whole_sha1[64], sha1[64];
	size_t size;
	bool done;

	done = der_read_bits(
		       node, "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey", &key, err) &&
	       algorithm_digest(
		       "SHA256", certificate->der, certificate->length, sha256, &size, err) &&
	       algorithm_digest(
		       "SHA1", certificate->der, certificate->length, whole_sha1, &size, err) &&
	       algorithm_digest("SHA1", key.data, key.length, sha1, &size, err);
	if (done) {
		memcpy(certificate->sha256, sha256, sizeof(certificate->sha256));
		memcpy(certificate->sha1, whole_sha1, sizeof(certificate->sha1));
		memcpy(certificate->key_sha1, sha1, sizeof(certificate->key_sha1));
	}
	buffer_free(&key);
	return done;
}

bool certificate_decode(
	const uint8_t *der, size_t length, struct certificate *certificate, struct error *err)
{
	struct certificate *read = NULL;
	asn1_node node = NULL;
	bool done = false;

	if (length == 0 || length > CERTIFICATE_MAX) {
		error_set(err, ERROR_FAILED, "%zu bytes, must be 1 to %u", length, CERTIFICATE_MAX);
		goto out;
	}
	read = calloc(1, sizeof(*read));
	if (read == NULL || (read->der = malloc(length)) == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	memcpy(read->der, der, length);
	read->length = length;
	if (!der_decode("X509.Certificate", read->der, length, &node, err) ||
		!find_parts(node, read, err) || !check_version(node, err) ||
		!check_algorithm(node, read, err) || !read_algorithms(node, read, err))
		goto out;
	if (read->serial_length > SERIAL_MAX + 2) {
		error_set(err, ERROR_FAILED, "serialNumber: more than 20 bytes");
		goto out;
	}
	if (!read_names(read, err) || !read_validity(node, read, err) ||
		!read_extensions(node, read, err) || !read_digests(node, read, err))
		goto out;
	*certificate = *read;
	done = true;
out:
	if (read != NULL && !done)
		certificate_clear(read);
	free(read);
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "certificate");
}

bool certificate_is_signed_by(const struct certificate *certificate, const uint8_t *spki,
	size_t spki_length, struct error *err)
{
	struct buffer signature = BUFFER_INIT(CERTIFICATE_MAX);
	const struct algorithm *algorithm;
	asn1_node node = NULL;
	const uint8_t *signed_part;
	size_t length;
	bool done;

	done = der_decode("X509.Certificate", certificate->der, certificate->length, &node, err) &&
	       algorithm_read_signature(node, "signatureAlgorithm", &algorithm, err) &&
	       der_read_bits(node, "signatureValue", &signature, err) &&
	       der_slice(node, "tbsCertificate", certificate->der, certificate->length,
		       &signed_part, &length, err) &&
	       signature_verify(algorithm->signature, spki, spki_length, signed_part, length,
		       signature.data, signature.length, err);
	asn1_delete_structure(&node);
	buffer_free(&signature);
	return done ? true : error_prefix(err, "certificate");
}

void certificate_clear(struct certificate *certificate)
{
	name_clear(&certificate->issuer);
	name_clear(&certificate->subject);
	extensions_clear(&certificate->extensions);
	free(certificate->der);
	*certificate = (struct certificate){0};
}

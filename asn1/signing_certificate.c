#include "asn1/signing_certificate.h"

#include <string.h>

#include "asn1/algorithm.h"
#include "asn1/der.h"

#define SHA256 "SHA256"

bool signing_certificate_encode(
	const struct certificate *certificate, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	struct der_element serial;
	bool done;

	/* SHA-256 is the default and therefore not named. */
	done = der_element(certificate->serial_der, certificate->serial_length, &serial, err) &&
	       der_create("CMS.SigningCertificateV2", &node, err) &&
	       der_write_text(node, "certs", "NEW", err) &&
	       der_write(node, "certs.?1.hashAlgorithm", NULL, 0, err) &&
	       der_write(node, "certs.?1.certHash", certificate->sha256, 32, err) &&
	       der_write_text(node, "certs.?1.issuerSerial.issuer", "NEW", err) &&
	       der_write_text(node, "certs.?1.issuerSerial.issuer.?1", "directoryName", err) &&
	       der_write(node, "certs.?1.issuerSerial.issuer.?1.directoryName",
		       certificate->issuer_der, certificate->issuer_length, err) &&
	       der_write(node, "certs.?1.issuerSerial.serialNumber", serial.value, serial.length,
		       err) &&
	       der_write(node, "policies", NULL, 0, err) && der_encode(node, "", der, err);
	asn1_delete_structure(&node);
	return done;
}

static bool read_digest(asn1_node node, const char **name, struct error *err)
{
	enum algorithm_parameters parameters;
	char oid[64];

	*name = SHA256;
	if (!der_present(node, "certs.?1.hashAlgorithm.algorithm"))
		return true;
	if (!algorithm_read(node, "certs.?1.hashAlgorithm", oid, &parameters, err))
		return false;
	*name = algorithm_digest_name(oid);
	if (*name == NULL)
		return error_set(err, ERROR_FAILED, "hashAlgorithm: %s is not supported", oid);
	/* With NULL parameters it is another value than the default's. */
	if (strcmp(*name, SHA256) == 0 && parameters == PARAMETERS_ABSENT)
		return error_set(err, ERROR_FAILED,
			"hashAlgorithm: the default is written out, which is not DER");
	return true;
}

static bool check_issuer(asn1_node node, const struct certificate *certificate, struct error *err)
{
	struct buffer issuer = BUFFER_INIT(DER_MAX), serial = BUFFER_INIT(DER_MAX);
	struct der_element element;
	bool done = false;
	size_t count;

	if (!der_present(node, "certs.?1.issuerSerial.serialNumber"))
		return true;
	if (!der_count(node, "certs.?1.issuerSerial.issuer", 1, &count, err) ||
		!der_read(node, "certs.?1.issuerSerial.issuer.?1.directoryName", &issuer, err) ||
		!der_read(node, "certs.?1.issuerSerial.serialNumber", &serial, err) ||
		!der_element(certificate->serial_der, certificate->serial_length, &element, err))
		goto out;
	if (issuer.length != certificate->issuer_length ||
		memcmp(issuer.data, certificate->issuer_der, issuer.length) != 0 ||
		serial.length != element.length ||
		memcmp(serial.data, element.value, serial.length) != 0) {
		error_set(err, ERROR_FAILED, "issuerSerial: not those of the signer's certificate");
		goto out;
	}
	done = true;
out:
	buffer_free(&issuer);
	buffer_free(&serial);
	return done;
}

bool signing_certificate_check(const uint8_t *der, size_t length,
	const struct certificate *certificate, uint8_t sha256[32], bool *has_sha256,
	struct error *err)
{
	struct buffer hash = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	const char *name;
	uint8_t digest[64];
	bool done = false;
	size_t count, size;

	if (!der_decode("CMS.SigningCertificateV2", der, length, &node, err) ||
		!der_count(node, "certs", DER_ELEMENTS_MAX, &count, err))
		goto out;
	if (count == 0) {
		error_set(err, ERROR_FAILED, "certs: empty");
		goto out;
	}
	if (!read_digest(node, &name, err) || !der_read(node, "certs.?1.certHash", &hash, err))
		goto out;
	if (certificate->der != NULL) {
		if (!algorithm_digest(
			    name, certificate->der, certificate->length, digest, &size, err))
			goto out;
		if (hash.length != size || memcmp(hash.data, digest, size) != 0) {
			error_set(err, ERROR_FAILED,
				"certHash: not that of the signer's certificate");
			goto out;
		}
		if (!check_issuer(node, certificate, err))
			goto out;
	}
	*has_sha256 = strcmp(name, SHA256) == 0 && hash.length == 32;
	if (*has_sha256)
		memcpy(sha256, hash.data, 32);
	done = true;
out:
	asn1_delete_structure(&node);
	buffer_free(&hash);
	return done;
}

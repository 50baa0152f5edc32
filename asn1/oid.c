#include "asn1/oid.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"

bool oid_valid(const char *oid)
{
	size_t number = 0, digits = 0;
	unsigned long long value = 0, first = 0, digit;
	const char *at;

	if (strlen(oid) >= OID_TEXT_MAX)
		return false;
	for (at = oid;; at++) {
		if (*at >= '0' && *at <= '9') {
			digit = (unsigned long long)(*at - '0');
			if ((digits > 0 && value == 0) || value > (UINT64_MAX - 80 - digit) / 10)
				return false;
			value = value * 10 + digit;
			digits++;
			continue;
		}
		if ((*at != '.' && *at != '\0') || digits == 0)
			return false;
		if (number == 0)
			first = value;
		if ((number == 0 && value > 2) || (number == 1 && first < 2 && value > 39))
			return false;
		number++;
		if (*at == '\0')
			return number >= 2;
		value = 0;
		digits = 0;
	}
}

bool oid_encode(const char *oid, struct buffer *der, struct error *err)
{
	uint8_t bytes[OID_TEXT_MAX + 8];
	int length = sizeof(bytes);

	if (!oid_valid(oid))
		return error_set(err, ERROR_USAGE, "\"%.80s\" is not an object identifier", oid);
	if (asn1_object_id_der(oid, bytes, &length, 0) != ASN1_SUCCESS)
		return error_set(err, ERROR_FAILED, "%s: cannot be encoded", oid);
	if (!buffer_append(der, bytes, (size_t)length))
		return error_set(err, ERROR_FAILED, "too large, or out of memory");
	return true;
}

bool oid_decode(const uint8_t *der, size_t length, char oid[OID_TEXT_MAX], struct error *err)
{
	struct der_element element;
	char text[2 * DER_FIELD_MAX];
	int used = 0;

	if (!der_check(der, length, OID_TEXT_MAX, err) || !der_element(der, length, &element, err))
		return false;
	if (element.class != ASN1_CLASS_UNIVERSAL || element.tag != DER_TAG_OID)
		return error_set(err, ERROR_FAILED, "not an OBJECT IDENTIFIER");
	if (asn1_get_object_id_der(der + 1, (int)length - 1, &used, text, sizeof(text)) !=
			ASN1_SUCCESS ||
		!oid_valid(text))
		return error_set(
			err, ERROR_FAILED, "an object identifier of more than 63 characters");
	memcpy(oid, text, strlen(text) + 1);
	return true;
}

/* Only what appears in messages. */
static const struct {
	const char *oid, *name;
} names[] = {
	{"1.2.840.113549.1.1.1", "rsaEncryption"},
	{"1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
	{"1.2.840.113549.1.1.10", "RSASSA-PSS"},
	{"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
	{"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
	{"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
	{"1.2.840.10045.2.1", "ecPublicKey"},
	{"1.2.840.10045.4.1", "ecdsa-with-SHA1"},
	{"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
	{"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
	{"1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
	{"1.2.840.10045.3.1.7", "P-256"},
	{"1.3.132.0.10", "secp256k1"},
	{"1.3.132.0.34", "P-384"},
	{"1.3.132.0.35", "P-521"},
	{"1.3.101.112", "Ed25519"},
	{"1.3.101.113", "Ed448"},
	{"1.3.14.3.2.26", "SHA-1"},
	{"2.16.840.1.101.3.4.2.1", "SHA-256"},
	{"2.16.840.1.101.3.4.2.2", "SHA-384"},
	{"2.16.840.1.101.3.4.2.3", "SHA-512"},
	{"1.2.643.7.1.1.1.1", "GOST R 34.10-2012 (256 bit)"},
	{"1.2.643.7.1.1.1.2", "GOST R 34.10-2012 (512 bit)"},
	{"1.2.643.7.1.1.2.2", "Streebog-256"},
	{"1.2.643.7.1.1.2.3", "Streebog-512"},
	{"1.2.643.7.1.1.3.2", "GOST R 34.10-2012 with Streebog-256"},
	{"1.2.643.7.1.1.3.3", "GOST R 34.10-2012 with Streebog-512"},
	{"1.2.840.113549.1.7.1", "data"},
	{"1.2.840.113549.1.7.2", "signedData"},
	{"1.2.840.113549.1.7.3", "envelopedData"},
	{"1.2.840.113549.1.9.3", "contentType"},
	{"1.2.840.113549.1.9.4", "messageDigest"},
	{"1.2.840.113549.1.9.5", "signingTime"},
	{"1.2.840.113549.1.9.14", "extensionRequest"},
	{"1.2.840.113549.1.9.16.2.47", "signingCertificateV2"},
	{"2.5.29.14", "subjectKeyIdentifier"},
	{"2.5.29.15", "keyUsage"},
	{"2.5.29.16", "privateKeyUsagePeriod"},
	{"2.5.29.17", "subjectAltName"},
	{"2.5.29.19", "basicConstraints"},
	{"2.5.29.32", "certificatePolicies"},
	{"2.5.29.35", "authorityKeyIdentifier"},
	{"2.5.29.37", "extKeyUsage"},
	{"1.2.643.100.111", "subjectSignTool"},
	{"1.2.643.100.112", "issuerSignTool"},
	{"1.2.643.100.114", "identificationKind"},
};

const char *oid_name(const char *oid)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].oid, oid) == 0)
			return names[i].name;
	return oid;
}

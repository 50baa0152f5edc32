#include "asn1/algorithm.h"

#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"

#define OID_RSA          "1.2.840.113549.1.1.1"
#define OID_SHA256       "2.16.840.1.101.3.4.2.1"
#define OID_SHA384       "2.16.840.1.101.3.4.2.2"
#define OID_SHA512       "2.16.840.1.101.3.4.2.3"
#define OID_ED25519      "1.3.101.112"
#define OID_PKCS1(n)     "1.2.840.113549.1.1." #n
#define OID_ECDSA(n)     "1.2.840.10045.4.3." #n
#define OID_TC26(arc, n) "1.2.643.7.1.1." #arc "." #n

/*
 * RSA: NULL is written, absent is taken too (RFC 4055, 5); CMS names the key's algorithm (RFC 3370, 3.2).
 * ECDSA: absent (RFC 5758, 3.2). Ed25519: absent (RFC 8410, 3), its digest in CMS is SHA-512 (RFC 8419, 3.1).
 */
#define RSA(bits, n)                                                                               \
	{                                                                                          \
		SIGNATURE_RSA_SHA##bits, "RSA with SHA-" #bits, "RSA", OID_PKCS1(n),               \
			PARAMETERS_NULL, PARAMETERS_EITHER, OID_RSA, PARAMETERS_NULL,              \
			PARAMETERS_EITHER, OID_SHA##bits, "SHA" #bits, "SHA" #bits                 \
	}
#define ECDSA(bits, n)                                                                             \
	{                                                                                          \
		SIGNATURE_ECDSA_SHA##bits, "ECDSA with SHA-" #bits, "EC", OID_ECDSA(n),            \
			PARAMETERS_ABSENT, PARAMETERS_ABSENT, OID_ECDSA(n), PARAMETERS_ABSENT,     \
			PARAMETERS_ABSENT, OID_SHA##bits, "SHA" #bits, "SHA" #bits                 \
	}

/* Absent (RFC 9215, 2, 5); the OpenSSL engine writes NULL in places. CMS names the key's algorithm (RFC 4490, 3.2). */
#define GOST(bits, key, digest)                                                                    \
	{                                                                                          \
		SIGNATURE_GOST_##bits, "GOST R 34.10-2012 (" #bits " bit)", NULL,                  \
			OID_TC26(3, digest), PARAMETERS_ABSENT, PARAMETERS_EITHER,                 \
			OID_TC26(1, key), PARAMETERS_ABSENT, PARAMETERS_EITHER,                    \
			OID_TC26(2, digest), STREEBOG_##bits, NULL                                 \
	}

static const struct algorithm algorithms[] = {
	RSA(256, 11),
	RSA(384, 12),
	RSA(512, 13),
	ECDSA(256, 2),
	ECDSA(384, 3),
	ECDSA(512, 4),
	{SIGNATURE_ED25519, "Ed25519", "ED25519", OID_ED25519, PARAMETERS_ABSENT, PARAMETERS_ABSENT,
		OID_ED25519, PARAMETERS_ABSENT, PARAMETERS_ABSENT, OID_SHA512, "SHA512", NULL},
	GOST(256, 1, 2),
	GOST(512, 2, 3),
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

const struct algorithm *algorithm_find(enum signature_algorithm signature)
{
	size_t i;

	for (i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].signature == signature)
			return &algorithms[i];
	return NULL;
}

static void join(char path[DER_FIELD_MAX], const char *field, const char *part)
{
	size_t length = strlen(field);

	if (length > DER_FIELD_MAX - 16)
		length = DER_FIELD_MAX - 16;
	memcpy(path, field, length);
	if (length > 0)
		path[length++] = '.';
	memcpy(path + length, part, strlen(part) + 1);
}

bool algorithm_write(asn1_node node, const char *field, const char *oid,
	enum algorithm_parameters parameters, struct error *err)
{
	static const uint8_t null[] = {DER_TAG_NULL, 0};
	char path[DER_FIELD_MAX];

	join(path, field, "algorithm");
	if (!der_write_text(node, path, oid, err))
		return false;
	join(path, field, "parameters");
	return parameters == PARAMETERS_NULL ? der_write(node, path, null, sizeof(null), err)
					     : der_write(node, path, NULL, 0, err);
}

bool algorithm_read(asn1_node node, const char *field, char oid[64],
	enum algorithm_parameters *parameters, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	char path[DER_FIELD_MAX], type[64];
	bool done = false;

	join(path, field, "algorithm");
	if (!der_read_oid(node, path, type, err))
		goto out;
	join(path, field, "parameters");
	if (der_present(node, path)) {
		if (!der_read(node, path, &value, err))
			goto out;
		if (value.length != 2 || value.data[0] != DER_TAG_NULL) {
			error_set(err, ERROR_FAILED, "%s: unexpected parameters for %s", path,
				oid_name(type));
			goto out;
		}
	}
	*parameters = value.length > 0 ? PARAMETERS_NULL : PARAMETERS_ABSENT;
	memcpy(oid, type, sizeof(type));
	done = true;
out:
	buffer_free(&value);
	return done;
}

static bool unknown(const char *field, const char *oid, struct error *err)
{
	const char *name = oid_name(oid);

	return error_set(err, ERROR_FAILED, "%s: the algorithm %s%s%s%s is not supported", field,
		oid, name != oid ? " (" : "", name != oid ? name : "", name != oid ? ")" : "");
}

static bool check_parameters(const char *field, const char *oid, enum algorithm_parameters found,
	enum algorithm_parameters allowed, struct error *err)
{
	if ((found & allowed) != 0)
		return true;
	return error_set(err, ERROR_FAILED, "%s: the parameters of %s must be %s", field,
		oid_name(oid), allowed == PARAMETERS_NULL ? "NULL" : "absent");
}

bool algorithm_read_signature(
	asn1_node node, const char *field, const struct algorithm **algorithm, struct error *err)
{
	enum algorithm_parameters parameters;
	char oid[64];
	size_t i;

	if (!algorithm_read(node, field, oid, &parameters, err))
		return false;
	for (i = 0; i < ALGORITHMS; i++)
		if (strcmp(algorithms[i].oid, oid) == 0)
			break;
	if (i == ALGORITHMS)
		return unknown(field, oid, err);
	if (!check_parameters(field, oid, parameters, algorithms[i].read, err))
		return false;
	*algorithm = &algorithms[i];
	return true;
}

bool algorithm_read_cms(asn1_node node, const char *digest_field, const char *signature_field,
	const struct algorithm **algorithm, struct error *err)
{
	enum algorithm_parameters digest_parameters, parameters;
	char digest[64], oid[64];
	const struct algorithm *row;
	bool known = false;
	size_t i;

	if (!algorithm_read(node, digest_field, digest, &digest_parameters, err) ||
		!algorithm_read(node, signature_field, oid, &parameters, err))
		return false;
	if (algorithm_digest_name(digest) == NULL)
		return unknown(digest_field, digest, err);
	for (i = 0; i < ALGORITHMS; i++) {
		row = &algorithms[i];
		if (strcmp(row->cms_oid, oid) != 0 && strcmp(row->oid, oid) != 0)
			continue;
		known = true;
		if (strcmp(row->digest_oid, digest) != 0)
			continue;
		if (!check_parameters(signature_field, oid, parameters,
			    strcmp(row->cms_oid, oid) == 0 ? row->cms_read : row->read, err))
			return false;
		*algorithm = row;
		return true;
	}
	if (!known)
		return unknown(signature_field, oid, err);
	return error_set(err, ERROR_FAILED, "%s: %s does not go with the digest %s",
		signature_field, oid_name(oid), oid_name(digest));
}

const char *algorithm_digest_name(const char *oid)
{
	size_t i;

	for (i = 0; i < ALGORITHMS; i++)
		if (strcmp(algorithms[i].digest_oid, oid) == 0)
			return algorithms[i].digest;
	return NULL;
}

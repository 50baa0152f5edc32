#include "asn1/spki.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/algorithm.h"
#include "asn1/der.h"
#include "asn1/oid.h"
#include "module/gost/gost_curve.h"

#define OID_RSA_KEY        "1.2.840.113549.1.1.1"
#define OID_EC_KEY         "1.2.840.10045.2.1"
#define OID_ED25519        "1.3.101.112"
#define OID_GOST_256       "1.2.643.7.1.1.1.1"
#define OID_GOST_512       "1.2.643.7.1.1.1.2"
#define OID_STREEBOG_256   "1.2.643.7.1.1.2.2"
#define OID_STREEBOG_512   "1.2.643.7.1.1.2.3"

#define RSA_BITS_MIN       1024
#define RSA_BITS_MAX       16384
#define RSA_EXPONENT_BYTES 8
#define ED25519_BYTES      32

static const struct curve {
	const char *oid, *name;
	unsigned bits;
	size_t coordinate; /* bytes */
	enum signature_algorithm signature;
} curves[] = {
	{"1.2.840.10045.3.1.7", "P-256", 256, 32, SIGNATURE_ECDSA_SHA256},
	{"1.3.132.0.34", "P-384", 384, 48, SIGNATURE_ECDSA_SHA384},
	{"1.3.132.0.35", "P-521", 521, 66, SIGNATURE_ECDSA_SHA512},
};

static const struct curve *curve_find(
	const uint8_t *parameters, size_t length, char oid[OID_TEXT_MAX], struct error *err)
{
	size_t i;

	if (length == 0 || parameters[0] != DER_TAG_OID) {
		error_set(err, ERROR_FAILED, "parameters: the curve is not named by its OID");
		return NULL;
	}
	if (!oid_decode(parameters, length, oid, err)) {
		error_prefix(err, "parameters");
		return NULL;
	}
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(curves[i].oid, oid) == 0)
			return &curves[i];
	error_set(err, ERROR_FAILED, "parameters: the curve %s%s%s%s is not supported", oid,
		oid_name(oid) != oid ? " (" : "", oid_name(oid) != oid ? oid_name(oid) : "",
		oid_name(oid) != oid ? ")" : "");
	return NULL;
}

static bool check_point(
	const struct curve *curve, const uint8_t *point, size_t length, struct error *err)
{
	if (length > 0 && (point[0] == 2 || point[0] == 3))
		return error_set(err, ERROR_FAILED, "subjectPublicKey: a compressed point");
	if (length != 1 + 2 * curve->coordinate || point[0] != 4)
		return error_set(err, ERROR_FAILED,
			"subjectPublicKey: not a point of %s, which is 04 and %zu bytes",
			curve->name, 2 * curve->coordinate);
	return true;
}

static bool encode(const char *oid, const void *parameters, size_t parameters_length,
	const void *bits, size_t length, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done;

	if (!der_create("X509.SubjectPublicKeyInfo", &node, err))
		return false;
	done = der_write_text(node, "algorithm.algorithm", oid, err) &&
	       der_write(node, "algorithm.parameters", parameters, parameters_length, err) &&
	       der_write_bits(node, "subjectPublicKey", bits, length, err) &&
	       der_encode(node, "", der, err);
	asn1_delete_structure(&node);
	return done;
}

static unsigned bits_of(const uint8_t *number, size_t length)
{
	unsigned bits;
	uint8_t first;

	while (length > 0 && *number == 0) {
		number++;
		length--;
	}
	if (length == 0 || length > RSA_BITS_MAX / 8 + 1)
		return length == 0 ? 0 : RSA_BITS_MAX + 1;
	for (bits = (unsigned)(length - 1) * 8, first = *number; first != 0; first >>= 1)
		bits++;
	return bits;
}

static bool check_rsa(const uint8_t *modulus, size_t modulus_length, const uint8_t *exponent,
	size_t exponent_length, struct error *err)
{
	unsigned bits = bits_of(modulus, modulus_length);
	unsigned exponent_bits = bits_of(exponent, exponent_length);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || (modulus[modulus_length - 1] & 1) == 0)
		return error_set(err, ERROR_FAILED, "modulus: not an odd number of %d to %d bits",
			RSA_BITS_MIN, RSA_BITS_MAX);
	if (exponent_bits < 2 || exponent_bits > RSA_EXPONENT_BYTES * 8 ||
		(exponent[exponent_length - 1] & 1) == 0)
		return error_set(err, ERROR_FAILED,
			"publicExponent: not an odd number from 3 up to %d bits",
			RSA_EXPONENT_BYTES * 8);
	return true;
}

bool spki_encode_rsa(const uint8_t *modulus, size_t modulus_length, const uint8_t *exponent,
	size_t exponent_length, struct buffer *der, struct error *err)
{
	static const uint8_t null[] = {DER_TAG_NULL, 0};
	struct buffer key = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	bool done = false;

	if (!check_rsa(modulus, modulus_length, exponent, exponent_length, err) ||
		!der_create("X509.RSAPublicKey", &node, err))
		return error_prefix(err, "public key");
	done = der_write_unsigned(node, "modulus", modulus, modulus_length, err) &&
	       der_write_unsigned(node, "publicExponent", exponent, exponent_length, err) &&
	       der_encode(node, "", &key, err) &&
	       encode(OID_RSA_KEY, null, sizeof(null), key.data, key.length, der, err);
	asn1_delete_structure(&node);
	buffer_free(&key);
	return done ? true : error_prefix(err, "public key");
}

/* CKA_EC_POINT is a DER OCTET STRING; some modules give the bare point. */
static void unwrap_point(const uint8_t **point, size_t *length, size_t expected)
{
	struct der_element element;

	if (*length == expected || !der_element(*point, *length, &element, NULL))
		return;
	if (element.class == ASN1_CLASS_UNIVERSAL && element.tag == DER_TAG_OCTET_STRING &&
		element.size == *length) {
		*point = element.value;
		*length = element.length;
	}
}

bool spki_encode_ec(const uint8_t *parameters, size_t parameters_length, const uint8_t *point,
	size_t point_length, struct buffer *der, struct error *err)
{
	const struct curve *curve;
	char oid[OID_TEXT_MAX];

	curve = curve_find(parameters, parameters_length, oid, err);
	if (curve == NULL)
		return error_prefix(err, "public key");
	unwrap_point(&point, &point_length, 1 + 2 * curve->coordinate);
	if (!check_point(curve, point, point_length, err) ||
		!encode(OID_EC_KEY, parameters, parameters_length, point, point_length, der, err))
		return error_prefix(err, "public key");
	return true;
}

bool spki_encode_ed25519(
	const uint8_t *point, size_t point_length, struct buffer *der, struct error *err)
{
	unwrap_point(&point, &point_length, ED25519_BYTES);
	if (point_length != ED25519_BYTES)
		return error_set(err, ERROR_FAILED,
			"public key: an Ed25519 key has 32 bytes, this one %zu", point_length);
	return encode(OID_ED25519, NULL, 0, point, point_length, der, err);
}

static const struct gost_set *set_find(
	const uint8_t *parameters, size_t length, char oid[OID_TEXT_MAX], struct error *err)
{
	const struct gost_set *set = gost_set_find(parameters, length);

	if (!oid_decode(parameters, length, oid, err)) {
		error_prefix(err, "publicKeyParamSet");
		return NULL;
	}
	if (set == NULL)
		error_set(err, ERROR_FAILED, "publicKeyParamSet: %s is not supported", oid);
	return set;
}

static bool is_512(const struct gost_set *set)
{
	return set->curve->bytes == 64;
}

static bool encode_gost_parameters(
	const struct gost_set *set, const char *oid, struct buffer *der, struct error *err)
{
	const char *digest = is_512(set) ? OID_STREEBOG_512 : OID_STREEBOG_256;
	asn1_node node = NULL;
	bool done;

	if (!der_create("X509.GostPublicKeyParameters", &node, err))
		return false;
	done = der_write_text(node, "publicKeyParamSet", oid, err) &&
	       (set->digest == GOST_DIGEST_NAMED
			       ? der_write_text(node, "digestParamSet", digest, err)
			       : der_write(node, "digestParamSet", NULL, 0, err)) &&
	       der_encode(node, "", der, err);
	asn1_delete_structure(&node);
	return done;
}

bool spki_encode_gost(const uint8_t *parameters, size_t parameters_length, const uint8_t *point,
	size_t point_length, struct buffer *der, struct error *err)
{
	struct buffer encoded = BUFFER_INIT(DER_MAX), key = BUFFER_INIT(DER_MAX);
	char oid[OID_TEXT_MAX];
	const struct gost_set *set = set_find(parameters, parameters_length, oid, err);
	bool done = false;

	if (set == NULL)
		goto out;
	if (point_length != 2 * set->curve->bytes) {
		error_set(err, ERROR_FAILED, "a key of %s has %zu bytes, this one %zu", set->name,
			2 * set->curve->bytes, point_length);
		goto out;
	}
	done = encode_gost_parameters(set, oid, &encoded, err) &&
	       der_encode_primitive(DER_TAG_OCTET_STRING, point, point_length, &key, err) &&
	       encode(is_512(set) ? OID_GOST_512 : OID_GOST_256, encoded.data, encoded.length,
		       key.data, key.length, der, err);
out:
	buffer_free(&encoded);
	buffer_free(&key);
	return done ? true : error_prefix(err, "public key");
}

/* What the structure says, before it is known to be a key of its type. */
struct parts {
	struct buffer parameters, key;
	bool has_parameters;
};

/* What the result points to: first, then second. */
static bool keep(struct spki *spki, const struct buffer *first, const struct buffer *second,
	struct error *err)
{
	spki->memory = malloc(first->length + second->length + 1);
	if (spki->memory == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	if (first->length > 0)
		memcpy(spki->memory, first->data, first->length);
	if (second->length > 0)
		memcpy(spki->memory + first->length, second->data, second->length);
	return true;
}

static bool decode_rsa(const struct parts *parts, struct spki *spki, struct error *err)
{
	struct buffer modulus = BUFFER_INIT(DER_MAX), exponent = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	bool done = false;

	if (parts->parameters.length != 2 || parts->parameters.data[0] != DER_TAG_NULL)
		return error_set(err, ERROR_FAILED, "parameters: those of an RSA key must be NULL");
	if (!der_decode("X509.RSAPublicKey", parts->key.data, parts->key.length, &node, err)) {
		error_prefix(err, "subjectPublicKey");
		goto out;
	}
	if (!der_read_unsigned(node, "modulus", &modulus, err) ||
		!der_read_unsigned(node, "publicExponent", &exponent, err) ||
		!check_rsa(modulus.data, modulus.length, exponent.data, exponent.length, err) ||
		!keep(spki, &modulus, &exponent, err))
		goto out;
	spki->type = SPKI_RSA;
	spki->bits = bits_of(modulus.data, modulus.length);
	spki->modulus = spki->memory;
	spki->modulus_length = modulus.length;
	spki->exponent = spki->memory + modulus.length;
	spki->exponent_length = exponent.length;
	done = true;
out:
	asn1_delete_structure(&node);
	buffer_free(&modulus);
	buffer_free(&exponent);
	return done;
}

static bool decode_ec(const struct parts *parts, struct spki *spki, struct error *err)
{
	const struct curve *curve;
	char oid[OID_TEXT_MAX];

	curve = curve_find(parts->parameters.data, parts->parameters.length, oid, err);
	if (curve == NULL || !check_point(curve, parts->key.data, parts->key.length, err) ||
		!keep(spki, &parts->parameters, &parts->key, err))
		return false;
	spki->type = SPKI_EC;
	spki->bits = curve->bits;
	spki->parameters = spki->memory;
	spki->parameters_length = parts->parameters.length;
	spki->point = spki->memory + parts->parameters.length;
	spki->point_length = parts->key.length;
	return true;
}

static bool decode_ed25519(const struct parts *parts, struct spki *spki, struct error *err)
{
	if (parts->has_parameters)
		return error_set(
			err, ERROR_FAILED, "parameters: those of an Ed25519 key must be absent");
	if (parts->key.length != ED25519_BYTES)
		return error_set(err, ERROR_FAILED,
			"subjectPublicKey: an Ed25519 key has 32 bytes, this one %zu",
			parts->key.length);
	if (!keep(spki, &parts->parameters, &parts->key, err))
		return false;
	spki->type = SPKI_ED25519;
	spki->bits = 256;
	spki->point = spki->memory;
	spki->point_length = parts->key.length;
	return true;
}

/* The digest that RFC 9215, 4.2, wants or forbids beside the set. */
static bool check_gost_digest(asn1_node node, const struct gost_set *set, struct error *err)
{
	const char *expected = is_512(set) ? OID_STREEBOG_512 : OID_STREEBOG_256;
	bool present = der_present(node, "digestParamSet");
	char oid[OID_TEXT_MAX];

	if (!present)
		return set->digest != GOST_DIGEST_NAMED ||
		       error_set(err, ERROR_FAILED, "digestParamSet: missing with %s", set->name);
	if (set->digest == GOST_DIGEST_OMITTED)
		return error_set(
			err, ERROR_FAILED, "digestParamSet: there, but not with %s", set->name);
	if (!der_read_oid(node, "digestParamSet", oid, err))
		return false;
	return strcmp(oid, expected) == 0 ||
	       error_set(err, ERROR_FAILED, "digestParamSet: %s does not go with %s", oid_name(oid),
		       set->name);
}

static bool decode_gost(
	const struct parts *parts, size_t size, struct spki *spki, struct error *err)
{
	struct buffer point = BUFFER_INIT(DER_MAX), set_oid = BUFFER_INIT(DER_MAX);
	char oid[OID_TEXT_MAX], text[OID_TEXT_MAX];
	const struct gost_set *set;
	struct der_element element;
	asn1_node node = NULL;
	bool done = false;

	if (!der_decode("X509.GostPublicKeyParameters", parts->parameters.data,
		    parts->parameters.length, &node, err) ||
		!der_read_oid(node, "publicKeyParamSet", oid, err) ||
		!oid_encode(oid, &set_oid, err)) {
		error_prefix(err, "parameters");
		goto out;
	}
	set = set_find(set_oid.data, set_oid.length, text, err);
	if (set == NULL || !check_gost_digest(node, set, err)) {
		error_prefix(err, "parameters");
		goto out;
	}
	if (!der_check(parts->key.data, parts->key.length, DER_MAX, err) ||
		!der_element(parts->key.data, parts->key.length, &element, err)) {
		error_prefix(err, "subjectPublicKey");
		goto out;
	}
	if (set->curve->bytes != size || element.class != ASN1_CLASS_UNIVERSAL ||
		element.tag != DER_TAG_OCTET_STRING || element.length != 2 * size) {
		error_set(err, ERROR_FAILED,
			"subjectPublicKey: not a key of %zu bytes on a curve of that size",
			2 * size);
		goto out;
	}
	if (!buffer_append(&point, element.value, element.length)) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	if (!keep(spki, &set_oid, &point, err))
		goto out;
	spki->type = SPKI_GOST;
	spki->bits = (unsigned)(8 * size);
	spki->parameters = spki->memory;
	spki->parameters_length = set_oid.length;
	spki->point = spki->memory + set_oid.length;
	spki->point_length = point.length;
	done = true;
out:
	asn1_delete_structure(&node);
	buffer_free(&point);
	buffer_free(&set_oid);
	return done;
}

static bool decode_gost_256(const struct parts *parts, struct spki *spki, struct error *err)
{
	return decode_gost(parts, 32, spki, err);
}

static bool decode_gost_512(const struct parts *parts, struct spki *spki, struct error *err)
{
	return decode_gost(parts, 64, spki, err);
}

static const struct {
	const char *oid;
	bool (*decode)(const struct parts *parts, struct spki *spki, struct error *err);
} types[] = {
	{OID_RSA_KEY, decode_rsa},
	{OID_EC_KEY, decode_ec},
	{OID_ED25519, decode_ed25519},
	{OID_GOST_256, decode_gost_256},
	{OID_GOST_512, decode_gost_512},
};

bool spki_decode(const uint8_t *der, size_t length, struct spki *spki, struct error *err)
{
	struct parts parts = {.parameters = BUFFER_INIT(DER_MAX), .key = BUFFER_INIT(DER_MAX)};
	struct spki read = {0};
	asn1_node node = NULL;
	bool done = false;
	char oid[64];
	size_t i;

	if (!der_decode("X509.SubjectPublicKeyInfo", der, length, &node, err) ||
		!der_read_oid(node, "algorithm.algorithm", oid, err) ||
		!der_read_bits(node, "subjectPublicKey", &parts.key, err))
		goto out;
	parts.has_parameters = der_present(node, "algorithm.parameters");
	if (parts.has_parameters && !der_read(node, "algorithm.parameters", &parts.parameters, err))
		goto out;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].oid, oid) == 0)
			break;
	if (i == sizeof(types) / sizeof(types[0])) {
		error_set(err, ERROR_FAILED,
			"algorithm: keys of the type %s%s%s%s are not supported", oid,
			oid_name(oid) != oid ? " (" : "", oid_name(oid) != oid ? oid_name(oid) : "",
			oid_name(oid) != oid ? ")" : "");
		goto out;
	}
	done = types[i].decode(&parts, &read, err);
	if (done)
		*spki = read;
out:
	asn1_delete_structure(&node);
	buffer_free(&parts.parameters);
	buffer_free(&parts.key);
	return done ? true : error_prefix(err, "public key");
}

void spki_clear(struct spki *spki)
{
	free(spki->memory);
	*spki = (struct spki){0};
}

static bool equal(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
	return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

bool spki_equal(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
	struct spki first = {0}, second = {0};
	bool same;

	/* Of a type that is not known here only the bytes can be compared. */
	if (!spki_decode(a, a_length, &first, NULL) || !spki_decode(b, b_length, &second, NULL))
		same = first.memory == NULL && a_length > 0 && equal(a, a_length, b, b_length);
	else
		same = first.type == second.type &&
		       equal(first.modulus, first.modulus_length, second.modulus,
			       second.modulus_length) &&
		       equal(first.exponent, first.exponent_length, second.exponent,
			       second.exponent_length) &&
		       equal(first.parameters, first.parameters_length, second.parameters,
			       second.parameters_length) &&
		       equal(first.point, first.point_length, second.point, second.point_length);
	spki_clear(&first);
	spki_clear(&second);
	return same;
}

bool spki_key_identifier(
	const uint8_t *der, size_t length, uint8_t identifier[20], struct error *err)
{
	struct buffer bits = BUFFER_INIT(DER_MAX);
	asn1_node node = NULL;
	uint8_t digest[64];
	size_t size, i;
	bool done;

	done = der_decode("X509.SubjectPublicKeyInfo", der, length, &node, err) &&
	       der_read_bits(node, "subjectPublicKey", &bits, err) &&
	       algorithm_digest("SHA1", bits.data, bits.length, digest, &size, err);
	for (i = 0; done && i < 20; i++)
		identifier[i] = digest[i];
	asn1_delete_structure(&node);
	buffer_free(&bits);
	return done ? true : error_prefix(err, "public key");
}

enum signature_algorithm spki_signature_algorithm(const struct spki *spki)
{
	size_t i;

	if (spki->type == SPKI_ED25519)
		return SIGNATURE_ED25519;
	if (spki->type == SPKI_GOST)
		return spki->bits == 512 ? SIGNATURE_GOST_512 : SIGNATURE_GOST_256;
	for (i = 0; spki->type == SPKI_EC && i < sizeof(curves) / sizeof(curves[0]); i++)
		if (curves[i].bits == spki->bits)
			return curves[i].signature;
	return SIGNATURE_RSA_SHA256;
}

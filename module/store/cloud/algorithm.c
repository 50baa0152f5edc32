#include "module/store/cloud/algorithm.h"

#include <string.h>

#include "module/crypto/hash.h"

#define OID_RSA       "1.2.840.113549.1.1.1"
#define OID_PSS       "1.2.840.113549.1.1.10"
#define OID_EC        "1.2.840.10045.2.1"
#define SIGNATURE_MAX 512 /* bytes */

/* The hashes that services sign: SHA-2. The last byte of the DER OID tells them apart. */
static const struct digest {
	CK_MECHANISM_TYPE mechanism;
	CK_RSA_PKCS_MGF_TYPE mgf;
	size_t size;
	const char *oid, *with_rsa, *with_ecdsa;
	uint8_t oid_end;
} digests[] = {
	{CKM_SHA256, CKG_MGF1_SHA256, 32, "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11",
		"1.2.840.10045.4.3.2", 1},
	{CKM_SHA384, CKG_MGF1_SHA384, 48, "2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12",
		"1.2.840.10045.4.3.3", 2},
	{CKM_SHA512, CKG_MGF1_SHA512, 64, "2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13",
		"1.2.840.10045.4.3.4", 3},
};
#define DIGESTS (sizeof(digests) / sizeof(digests[0]))

/* GOST's keys have one hash each, Streebog of their own length. */
static const struct gost {
	CK_MECHANISM_TYPE mechanism;
	size_t size;
	const char *key, *oid, *with_hash;
} gosts[] = {
	{CKM_GOSTR3410, 32, "1.2.643.7.1.1.1.1", "1.2.643.7.1.1.2.2", "1.2.643.7.1.1.3.2"},
	{CKM_GOSTR3410_512, 64, "1.2.643.7.1.1.1.2", "1.2.643.7.1.1.2.3", "1.2.643.7.1.1.3.3"},
};

static const struct gost *gost_of(const struct credential *credential)
{
	return &gosts[credential->key.bits == 512];
}

static bool serves(const struct credential *credential, const char *generic, bool with_hash)
{
	if (credential_has_algorithm(credential, generic))
		return true;
	for (size_t i = 0; with_hash && i < DIGESTS; i++) {
		if (credential_has_algorithm(credential, credential->key.type == SPKI_RSA
								 ? digests[i].with_rsa
								 : digests[i].with_ecdsa))
			return true;
	}
	return false;
}

/* The generic OID, where the hash's goes beside it; else the one that names both. NULL: neither is served. */
static const char *choose_oid(
	const struct credential *credential, const char *generic, const char *with_hash)
{
	return credential_has_algorithm(credential, generic)     ? generic
	       : credential_has_algorithm(credential, with_hash) ? with_hash
								 : NULL;
}

size_t algorithm_mechanisms(
	const struct credential *credential, CK_MECHANISM_TYPE *list, size_t max)
{
	size_t count = 0;

	if (credential->key.type == SPKI_RSA && serves(credential, OID_RSA, true) && count < max)
		list[count++] = CKM_RSA_PKCS;
	if (credential->key.type == SPKI_RSA && serves(credential, OID_PSS, false) && count < max)
		list[count++] = CKM_RSA_PKCS_PSS;
	if (credential->key.type == SPKI_EC && serves(credential, OID_EC, true) && count < max)
		list[count++] = CKM_ECDSA;
	if (credential->key.type == SPKI_GOST && count < max) {
		const struct gost *gost = gost_of(credential);

		list[count] = gost->mechanism;
		count += choose_oid(credential, gost->key, gost->with_hash) != NULL;
	}
	return count;
}

static const struct digest *digest_of_size(size_t size)
{
	for (size_t i = 0; i < DIGESTS; i++) {
		if (digests[i].size == size)
			return &digests[i];
	}
	return NULL;
}

/* RFC 8017, 9.2: a DigestInfo of one of the hashes, and nothing else. */
static CK_RV read_digest_info(
	const uint8_t *in, size_t length, const struct digest **out, const uint8_t **hash)
{
	for (size_t i = 0; i < DIGESTS; i++) {
		const struct hash_info *info = hash_info(digests[i].mechanism);

		if (length == info->prefix_size + info->size &&
			memcmp(in, info->prefix, info->prefix_size) == 0) {
			*out = &digests[i];
			*hash = in + info->prefix_size;
			return CKR_OK;
		}
	}
	return CKR_DATA_INVALID;
}

/*
 * RSASSA-PSS-params ::= SEQUENCE { [0] hashAlgorithm, [1] maskGenAlgorithm, [2] saltLength }: the same bytes but
 * for the hashes and the length of the salt.
 */
static void write_pss(
	const struct digest *digest, const struct digest *mask, uint8_t salt, struct algorithm *out)
{
	static const uint8_t frame[] = {0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
		0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06,
		0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09,
		0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03, 0x02,
		0x01, 0x20};

	memcpy(out->parameters, frame, sizeof(frame));
	out->parameters[16] = digest->oid_end;
	out->parameters[46] = mask->oid_end;
	out->parameters[53] = salt;
	out->parameters_length = sizeof(frame);
}

static CK_RV choose_pss(const struct credential *credential, const CK_MECHANISM *mechanism,
	size_t in_length, struct algorithm *out)
{
	const CK_RSA_PKCS_PSS_PARAMS *given = mechanism->pParameter;
	const struct digest *digest = NULL, *mask = NULL;

	if (given == NULL || mechanism->ulParameterLen != sizeof(*given))
		return CKR_MECHANISM_PARAM_INVALID;
	for (size_t i = 0; i < DIGESTS; i++) {
		if (digests[i].mechanism == given->hashAlg)
			digest = &digests[i];
		if (digests[i].mgf == given->mgf)
			mask = &digests[i];
	}
	if (digest == NULL || mask == NULL || given->sLen > 127)
		return CKR_MECHANISM_PARAM_INVALID;
	if (in_length != digest->size)
		return CKR_DATA_LEN_RANGE;
	if (!credential_has_algorithm(credential, OID_PSS))
		return CKR_MECHANISM_INVALID;
	*out = (struct algorithm){.sign = OID_PSS, .hash = digest->oid, .size = digest->size};
	write_pss(digest, mask, (uint8_t)given->sLen, out);
	return CKR_OK;
}

/* The digest as Streebog gives it. */
static CK_RV choose_gost(
	const struct credential *credential, size_t in_length, struct algorithm *out)
{
	const struct gost *gost = gost_of(credential);
	const char *oid = choose_oid(credential, gost->key, gost->with_hash);

	if (in_length != gost->size)
		return CKR_DATA_LEN_RANGE;
	if (oid == NULL)
		return CKR_MECHANISM_INVALID;
	*out = (struct algorithm){.sign = oid, .hash = gost->oid, .size = gost->size};
	return CKR_OK;
}

CK_RV algorithm_choose(const struct credential *credential, const CK_MECHANISM *mechanism,
	const uint8_t *in, size_t in_length, struct algorithm *out, const uint8_t **hash)
{
	const struct digest *digest = NULL;
	const char *oid = NULL;
	CK_RV rv = CKR_OK;

	*hash = in;
	switch (mechanism->mechanism) {
	case CKM_RSA_PKCS_PSS:
		return choose_pss(credential, mechanism, in_length, out);
	case CKM_GOSTR3410:
	case CKM_GOSTR3410_512:
		return choose_gost(credential, in_length, out);
	case CKM_RSA_PKCS:
		rv = read_digest_info(in, in_length, &digest, hash);
		if (rv == CKR_OK)
			oid = choose_oid(credential, OID_RSA, digest->with_rsa);
		break;
	case CKM_ECDSA:
		digest = digest_of_size(in_length);
		if (digest == NULL)
			rv = CKR_DATA_LEN_RANGE;
		else
			oid = choose_oid(credential, OID_EC, digest->with_ecdsa);
		break;
	default:
		break;
	}
	if (rv != CKR_OK)
		return rv;
	if (oid == NULL)
		return CKR_MECHANISM_INVALID;
	*out = (struct algorithm){.sign = oid, .hash = digest->oid, .size = digest->size};
	return CKR_OK;
}

bool algorithm_equal(const struct algorithm *a, const struct algorithm *b)
{
	return strcmp(a->sign, b->sign) == 0 && strcmp(a->hash, b->hash) == 0 &&
	       a->parameters_length == b->parameters_length &&
	       memcmp(a->parameters, b->parameters, a->parameters_length) == 0;
}

/* One INTEGER of ECDSA-Sig-Value (RFC 3279, 2.2.3), strict DER, into `size` bytes. */
static bool read_integer(const uint8_t **at, const uint8_t *end, uint8_t *out, size_t size)
{
	size_t length;
	const uint8_t *value;

	if (end - *at < 3 || (*at)[0] != 0x02 || (*at)[1] > 0x7f || (*at)[1] == 0 ||
		(*at)[1] > end - *at - 2)
		return false;
	length = (*at)[1];
	value = *at + 2;
	*at = value + length;
	if ((value[0] & 0x80) != 0 || (length > 1 && value[0] == 0 && (value[1] & 0x80) == 0))
		return false;
	if (value[0] == 0) {
		value++;
		length--;
	}
	if (length > size)
		return false;
	memset(out, 0, size - length);
	memcpy(out + size - length, value, length);
	return true;
}

static bool read_ecdsa(const uint8_t *der, size_t length, uint8_t *out, size_t size)
{
	const uint8_t *at = der, *end = der + length;
	size_t inner, header = 2;

	if (length < 8 || at[0] != 0x30)
		return false;
	inner = at[1];
	if (at[1] == 0x81 && at[2] > 0x7f) {
		inner = at[2];
		header = 3;
	}
	at += header;
	return inner == length - header && inner != 0x81 && read_integer(&at, end, out, size / 2) &&
	       read_integer(&at, end, out + size / 2, size / 2) && at == end;
}

static bool read_plain(const uint8_t *given, size_t length, uint8_t *out, size_t size)
{
	if (length != size)
		return false;
	memcpy(out, given, size);
	return true;
}

/* r || s, as ECDSA has it; GOST's is s || r. */
static bool read_exchanged(const uint8_t *given, size_t length, uint8_t *out, size_t size)
{
	if (length != size)
		return false;
	memcpy(out, given + size / 2, size / 2);
	memcpy(out + size / 2, given, size / 2);
	return true;
}

/* From the last byte to the first, as CryptoAPI has it. */
static bool read_reversed(const uint8_t *given, size_t length, uint8_t *out, size_t size)
{
	if (length != size)
		return false;
	for (size_t i = 0; i < size; i++)
		out[i] = given[size - 1 - i];
	return true;
}

/* Numbers that are little-endian, as GOST's other ones. */
static bool read_little_endian(const uint8_t *given, size_t length, uint8_t *out, size_t size)
{
	return length == size && read_reversed(given, size / 2, out, size / 2) &&
	       read_reversed(given + size / 2, size / 2, out + size / 2, size / 2);
}

bool algorithm_signature(const struct credential *credential, unsigned shape, const uint8_t *given,
	size_t length, uint8_t *out, size_t size)
{
	typedef bool read_shape(const uint8_t *given, size_t length, uint8_t *out, size_t size);
	static read_shape *const shapes[][ALGORITHM_SHAPES] = {
		[SPKI_RSA] = {read_plain},
		[SPKI_EC] = {read_ecdsa, read_plain},
		[SPKI_GOST] = {read_plain, read_exchanged, read_reversed, read_little_endian},
	};
	read_shape *read = shapes[credential->key.type][shape];

	return read != NULL && size <= SIGNATURE_MAX && read(given, length, out, size);
}

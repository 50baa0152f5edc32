#include "module/cryptoki/mechanism.h"

#include <stddef.h>
#include <string.h>

#include "module/cryptoki/argument.h"
#include "module/cryptoki/module.h"
#include "module/crypto/hash.h"

#define NONE     MECHANISM_NONE
#define SIGNS    (CKF_SIGN | CKF_VERIFY)
#define RECOVERS (CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER)
#define CRYPTS   (CKF_ENCRYPT | CKF_DECRYPT)
#define EDWARDS  (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)
#define CURVE    (EDWARDS | CKF_EC_COMPRESS)
#define RSA_BITS 1024, 4096 /* on the token from 2048 (object_place) */
#define EC_BITS  256, 521
#define ED_BITS  255, 256
#define GOST     CKM_GOSTR3410
#define GOST_512 CKM_GOSTR3410_512
#define RSA_PKCS CKM_RSA_PKCS
#define RSA_PSS  CKM_RSA_PKCS_PSS
#define WHOLE    MECHANISM_WHOLE
#define DIGEST   MECHANISM_DIGEST
#define INFO     MECHANISM_DIGESTINFO
#define PLAIN    MECHANISM_NO_PARAMETER
#define PSS      MECHANISM_PSS

/* clang-format off */
static const struct mechanism mechanisms[] = {
	/* type                      raw            hash        key      bits      flags                 input   parameter */
	{CKM_RSA_PKCS_KEY_PAIR_GEN,  RSA_PKCS,      NONE,       CKK_RSA, RSA_BITS, CKF_GENERATE_KEY_PAIR, WHOLE, PLAIN},
	{CKM_RSA_PKCS,               RSA_PKCS,      NONE,       CKK_RSA, RSA_BITS, SIGNS | RECOVERS | CRYPTS, WHOLE, PLAIN},
	{CKM_RSA_X_509,              CKM_RSA_X_509, NONE,       CKK_RSA, RSA_BITS, SIGNS | RECOVERS,     WHOLE,  PLAIN},
	{CKM_RSA_PKCS_OAEP,          CKM_RSA_PKCS_OAEP, NONE,   CKK_RSA, RSA_BITS, CRYPTS,               WHOLE,  MECHANISM_OAEP},
	{CKM_RSA_PKCS_PSS,           RSA_PSS,       NONE,       CKK_RSA, RSA_BITS, SIGNS,                WHOLE,  PSS},
	{CKM_SHA1_RSA_PKCS,          RSA_PKCS,      CKM_SHA_1,  CKK_RSA, RSA_BITS, SIGNS,                INFO,   PLAIN},
	{CKM_SHA224_RSA_PKCS,        RSA_PKCS,      CKM_SHA224, CKK_RSA, RSA_BITS, SIGNS,                INFO,   PLAIN},
	{CKM_SHA256_RSA_PKCS,        RSA_PKCS,      CKM_SHA256, CKK_RSA, RSA_BITS, SIGNS,                INFO,   PLAIN},
	{CKM_SHA384_RSA_PKCS,        RSA_PKCS,      CKM_SHA384, CKK_RSA, RSA_BITS, SIGNS,                INFO,   PLAIN},
	{CKM_SHA512_RSA_PKCS,        RSA_PKCS,      CKM_SHA512, CKK_RSA, RSA_BITS, SIGNS,                INFO,   PLAIN},
	{CKM_SHA1_RSA_PKCS_PSS,      RSA_PSS,       CKM_SHA_1,  CKK_RSA, RSA_BITS, SIGNS,                DIGEST, PSS},
	{CKM_SHA224_RSA_PKCS_PSS,    RSA_PSS,       CKM_SHA224, CKK_RSA, RSA_BITS, SIGNS,                DIGEST, PSS},
	{CKM_SHA256_RSA_PKCS_PSS,    RSA_PSS,       CKM_SHA256, CKK_RSA, RSA_BITS, SIGNS,                DIGEST, PSS},
	{CKM_SHA384_RSA_PKCS_PSS,    RSA_PSS,       CKM_SHA384, CKK_RSA, RSA_BITS, SIGNS,                DIGEST, PSS},
	{CKM_SHA512_RSA_PKCS_PSS,    RSA_PSS,       CKM_SHA512, CKK_RSA, RSA_BITS, SIGNS,                DIGEST, PSS},
	{CKM_EC_KEY_PAIR_GEN,        CKM_ECDSA,     NONE,       CKK_EC,  EC_BITS,  CKF_GENERATE_KEY_PAIR | CURVE, WHOLE, PLAIN},
	{CKM_ECDSA,                  CKM_ECDSA,     NONE,       CKK_EC,  EC_BITS,  SIGNS | CURVE,        WHOLE,  PLAIN},
	{CKM_ECDSA_SHA1,             CKM_ECDSA,     CKM_SHA_1,  CKK_EC,  EC_BITS,  SIGNS | CURVE,        DIGEST, PLAIN},
	{CKM_ECDSA_SHA224,           CKM_ECDSA,     CKM_SHA224, CKK_EC,  EC_BITS,  SIGNS | CURVE,        DIGEST, PLAIN},
	{CKM_ECDSA_SHA256,           CKM_ECDSA,     CKM_SHA256, CKK_EC,  EC_BITS,  SIGNS | CURVE,        DIGEST, PLAIN},
	{CKM_ECDSA_SHA384,           CKM_ECDSA,     CKM_SHA384, CKK_EC,  EC_BITS,  SIGNS | CURVE,        DIGEST, PLAIN},
	{CKM_ECDSA_SHA512,           CKM_ECDSA,     CKM_SHA512, CKK_EC,  EC_BITS,  SIGNS | CURVE,        DIGEST, PLAIN},
	{CKM_ECDH1_DERIVE,           CKM_ECDH1_DERIVE, NONE,    CKK_EC,  EC_BITS,  CKF_DERIVE | CURVE,   WHOLE,  MECHANISM_ECDH},
	{CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA,    NONE,       CKK_EC_EDWARDS, ED_BITS, CKF_GENERATE_KEY_PAIR | EDWARDS, WHOLE, PLAIN},
	{CKM_EDDSA,                  CKM_EDDSA,     NONE,       CKK_EC_EDWARDS, ED_BITS, SIGNS | EDWARDS, WHOLE,  MECHANISM_EDDSA},
	{CKM_GOSTR3410_KEY_PAIR_GEN, GOST,          NONE,       CKK_GOSTR3410, 256, 256, CKF_GENERATE_KEY_PAIR, WHOLE, PLAIN},
	{CKM_GOSTR3410,              GOST,          NONE,       CKK_GOSTR3410, 256, 256, SIGNS,          WHOLE,  PLAIN},
	{CKM_GOSTR3410_WITH_GOSTR3411_12_256, GOST, CKM_GOSTR3411_12_256, CKK_GOSTR3410, 256, 256, SIGNS, DIGEST, PLAIN},
	{CKM_GOSTR3410_512_KEY_PAIR_GEN, GOST_512,  NONE,       CKK_GOSTR3410_512, 512, 512, CKF_GENERATE_KEY_PAIR, WHOLE, PLAIN},
	{CKM_GOSTR3410_512,          GOST_512,      NONE,       CKK_GOSTR3410_512, 512, 512, SIGNS,      WHOLE,  PLAIN},
	{CKM_GOSTR3410_WITH_GOSTR3411_12_512, GOST_512, CKM_GOSTR3411_12_512, CKK_GOSTR3410_512, 512, 512, SIGNS, DIGEST, PLAIN},
	{CKM_SHA_1,                  NONE,          CKM_SHA_1,  NONE,    0, 0,     CKF_DIGEST,           DIGEST, PLAIN},
	{CKM_SHA224,                 NONE,          CKM_SHA224, NONE,    0, 0,     CKF_DIGEST,           DIGEST, PLAIN},
	{CKM_SHA256,                 NONE,          CKM_SHA256, NONE,    0, 0,     CKF_DIGEST,           DIGEST, PLAIN},
	{CKM_SHA384,                 NONE,          CKM_SHA384, NONE,    0, 0,     CKF_DIGEST,           DIGEST, PLAIN},
	{CKM_SHA512,                 NONE,          CKM_SHA512, NONE,    0, 0,     CKF_DIGEST,           DIGEST, PLAIN},
	{CKM_GOSTR3411_12_256,       NONE,          CKM_GOSTR3411_12_256, NONE, 0, 0, CKF_DIGEST,       DIGEST, PLAIN},
	{CKM_GOSTR3411_12_512,       NONE,          CKM_GOSTR3411_12_512, NONE, 0, 0, CKF_DIGEST,       DIGEST, PLAIN},
};
/* clang-format on */

#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

static bool mechanism_no_parameter(const struct mechanism *row, const CK_MECHANISM *mechanism)
{
	(void)row;
	return mechanism->ulParameterLen == 0;
}

/* Current Mechanisms v3.0, 2.1.10: the hash is the one that the mechanism makes, MGF1 with any hash. */
static bool mechanism_pss_parameter(const struct mechanism *row, const CK_MECHANISM *mechanism)
{
	const CK_RSA_PKCS_PSS_PARAMS *parameter = mechanism->pParameter;

	if (parameter == NULL || mechanism->ulParameterLen != sizeof(*parameter))
		return false;
	const struct hash_info *info = hash_info(parameter->hashAlg);
	return info != NULL && info->mgf != 0 &&
	       (row->hash == MECHANISM_NONE || row->hash == parameter->hashAlg);
}

static bool mechanism_oaep_parameter(const struct mechanism *row, const CK_MECHANISM *mechanism)
{
	const CK_RSA_PKCS_OAEP_PARAMS *parameter = mechanism->pParameter;

	(void)row;
	return parameter != NULL && mechanism->ulParameterLen == sizeof(*parameter) &&
	       hash_info(parameter->hashAlg) != NULL && hash_info(parameter->hashAlg)->mgf != 0 &&
	       argument_is_bytes(parameter->pSourceData, parameter->ulSourceDataLen) &&
	       (parameter->ulSourceDataLen == 0 || parameter->source == CKZ_DATA_SPECIFIED);
}

static bool mechanism_eddsa_parameter(const struct mechanism *row, const CK_MECHANISM *mechanism)
{
	const CK_EDDSA_PARAMS *parameter = mechanism->pParameter;

	(void)row;
	if (mechanism->ulParameterLen == 0)
		return true;
	return parameter != NULL && mechanism->ulParameterLen == sizeof(*parameter) &&
	       parameter->phFlag == CK_FALSE && parameter->ulContextDataLen == 0;
}

static bool mechanism_ecdh_parameter(const struct mechanism *row, const CK_MECHANISM *mechanism)
{
	const CK_ECDH1_DERIVE_PARAMS *parameter = mechanism->pParameter;

	(void)row;
	return parameter != NULL && mechanism->ulParameterLen == sizeof(*parameter) &&
	       parameter->ulPublicDataLen > 0 &&
	       argument_is_bytes(parameter->pPublicData, parameter->ulPublicDataLen) &&
	       argument_is_bytes(parameter->pSharedData, parameter->ulSharedDataLen);
}

/* Is the row's hash switched off? */
static bool mechanism_is_off(const struct module *module, const struct mechanism *row)
{
	return row->hash == CKM_SHA_1 && row->raw != MECHANISM_NONE && !module->sha1;
}

static const struct mechanism *mechanism_row(const struct module *module, CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (mechanisms[i].type == type)
			return mechanism_is_off(module, &mechanisms[i]) ? NULL : &mechanisms[i];
	return NULL;
}

CK_RV mechanism_find(const struct module *module, const CK_MECHANISM *mechanism, CK_FLAGS flag,
	const struct mechanism **out)
{
	static bool (*const checks[])(
		const struct mechanism *row, const CK_MECHANISM *mechanism) = {
		[MECHANISM_NO_PARAMETER] = mechanism_no_parameter,
		[MECHANISM_PSS] = mechanism_pss_parameter,
		[MECHANISM_OAEP] = mechanism_oaep_parameter,
		[MECHANISM_EDDSA] = mechanism_eddsa_parameter,
		[MECHANISM_ECDH] = mechanism_ecdh_parameter,
	};

	if (mechanism == NULL)
		return CKR_ARGUMENTS_BAD;
	const struct mechanism *row = mechanism_row(module, mechanism->mechanism);
	if (row == NULL || (row->flags & flag) == 0)
		return CKR_MECHANISM_INVALID;
	if (!checks[row->parameter](row, mechanism))
		return CKR_MECHANISM_PARAM_INVALID;
	*out = row;
	return CKR_OK;
}

bool mechanism_is_for(const struct token_class *class, const struct mechanism *row)
{
	return !class->signs_only || row->raw == MECHANISM_NONE ||
	       ((row->flags & CKF_SIGN) != 0 && row->hash != CKM_SHA_1 && row->hash != CKM_SHA224);
}

bool mechanism_is_allowed(const struct attributes *key, CK_MECHANISM_TYPE type)
{
	const CK_ATTRIBUTE *allowed = attributes_find(key, CKA_ALLOWED_MECHANISMS);

	if (allowed == NULL || allowed->ulValueLen == 0)
		return true;
	for (CK_ULONG at = 0; at + sizeof(type) <= allowed->ulValueLen; at += sizeof(type))
		if (memcmp((const uint8_t *)allowed->pValue + at, &type, sizeof(type)) == 0)
			return true;
	return false;
}

#define MECHANISM_RAW_MAX 64 /* raw mechanisms of one store */

struct mechanism_offer {
	CK_MECHANISM_TYPE raw[MECHANISM_RAW_MAX];
	CK_ULONG count;
	const struct token_class *class;
};

static CK_RV mechanism_ask(struct module *module, CK_SLOT_ID slot_id, struct mechanism_offer *offer)
{
	struct slot *slot = NULL;
	CK_RV rv = slot_find_token(&module->slots, slot_id, &slot, NULL);

	if (rv != CKR_OK)
		return rv;
	struct token *token = slot->token;
	offer->count = MECHANISM_RAW_MAX;
	offer->class = token->class;
	return token->class->mechanisms(token, offer->raw, &offer->count);
}

static bool mechanism_is_offered(const struct module *module, const struct mechanism_offer *offer,
	const struct mechanism *row)
{
	if (mechanism_is_off(module, row) || !mechanism_is_for(offer->class, row))
		return false;
	if (row->raw == MECHANISM_NONE)
		return hash_info(row->hash) != NULL;
	for (CK_ULONG i = 0; i < offer->count; i++)
		if (offer->raw[i] == row->raw)
			return true;
	return false;
}

CK_RV mechanism_list(
	struct module *module, CK_SLOT_ID slot_id, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	struct mechanism_offer offer;
	CK_ULONG found = 0;
	CK_RV rv;

	if (count == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = mechanism_ask(module, slot_id, &offer);
	if (rv != CKR_OK)
		return rv;
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (!mechanism_is_offered(module, &offer, &mechanisms[i]))
			continue;
		if (list != NULL && found < *count)
			list[found] = mechanisms[i].type;
		found++;
	}
	rv = list != NULL && found > *count ? CKR_BUFFER_TOO_SMALL : CKR_OK;
	*count = found;
	return rv;
}

CK_RV mechanism_info(
	struct module *module, CK_SLOT_ID slot_id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *out)
{
	const struct mechanism *row = mechanism_row(module, type);
	struct mechanism_offer offer;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = mechanism_ask(module, slot_id, &offer);
	if (rv != CKR_OK)
		return rv;
	if (row == NULL || !mechanism_is_offered(module, &offer, row))
		return CKR_MECHANISM_INVALID;
	*out = (CK_MECHANISM_INFO){
		.ulMinKeySize = row->size_min,
		.ulMaxKeySize = row->size_max,
		.flags = offer.class->signs_only ? row->flags & ~(RECOVERS | CRYPTS) : row->flags,
	};
	return CKR_OK;
}

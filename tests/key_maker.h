/*
 * key_maker: keys for tests, from the module's own generator.
 */
#ifndef PODPIS_TESTS_KEY_MAKER_H
#define PODPIS_TESTS_KEY_MAKER_H

#include <string.h>

#include "module/crypto/key.h"

enum key_kind { KEY_RSA_2048, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_KINDS };

struct key_recipe {
	const char *name;
	CK_MECHANISM_TYPE generation, raw; /* raw: its plainest signature */
	CK_KEY_TYPE type;
	CK_ULONG bits;
	size_t params_size;
	uint8_t params[10];
};

static const struct key_recipe key_recipes[KEY_KINDS] = {
	[KEY_RSA_2048] = {"RSA-2048", CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, CKK_RSA, 2048, 0,
		{0}},
	[KEY_P256] = {"P-256", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKK_EC, 256, 10,
		{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
	[KEY_P384] = {"P-384", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKK_EC, 384, 7,
		{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},
	[KEY_P521] = {"P-521", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKK_EC, 521, 7,
		{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},
	[KEY_ED25519] = {"Ed25519", CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, CKK_EC_EDWARDS, 256, 5,
		{0x06, 0x03, 0x2b, 0x65, 0x70}},
};

static inline CK_RV key_make(struct crypto *crypto, enum key_kind kind, struct key **out)
{
	const struct key_recipe *recipe = &key_recipes[kind];
	CK_ATTRIBUTE asked = {
		CKA_EC_PARAMS, (void *)(uintptr_t)recipe->params, recipe->params_size};
	struct attributes *templ = NULL;
	CK_RV rv;

	if (recipe->params_size == 0)
		asked = (CK_ATTRIBUTE){
			CKA_MODULUS_BITS, (void *)(uintptr_t)&recipe->bits, sizeof(recipe->bits)};
	rv = attributes_new(NULL, &asked, 1, &templ);
	if (rv == CKR_OK)
		rv = key_generate(crypto, recipe->generation, templ, out);
	attributes_free(templ);
	return rv;
}

/* The attributes of the object that holds one part of the key. */
static inline CK_RV key_object(const struct key *key, bool private_part, struct attributes **out)
{
	CK_OBJECT_CLASS class = private_part ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
	CK_ATTRIBUTE extra = {CKA_CLASS, &class, sizeof(class)};
	struct attributes *part = NULL;
	CK_RV rv = key_encode(key, private_part, &part);

	if (rv == CKR_OK)
		rv = attributes_new(part, &extra, 1, out);
	attributes_free(part);
	return rv;
}

/* One signature with the plainest mechanism, and its verification with `verifier`. */
static inline CK_RV key_sign_and_verify(
	struct key *signer, struct key *verifier, CK_MECHANISM_TYPE mechanism)
{
	static const uint8_t digest[32] = "thirty-two bytes, hashed or not";
	CK_MECHANISM raw = {mechanism, NULL, 0};
	struct operation *operation = NULL;
	uint8_t signature[512];
	size_t length = sizeof(signature);
	CK_RV rv = key_prepare(signer, OPERATION_SIGN, &raw, &operation);

	if (rv != CKR_OK)
		return rv;
	rv = operation->class->run(operation, digest, sizeof(digest), signature, &length);
	operation_free(operation);
	if (rv != CKR_OK)
		return rv;
	rv = key_prepare(verifier, OPERATION_VERIFY, &raw, &operation);
	if (rv != CKR_OK)
		return rv;
	rv = operation->class->verify(operation, digest, sizeof(digest), signature, length);
	operation_free(operation);
	return rv;
}

#endif

/* For EVP_MD_meth_new, see below. */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED

#include "asn1/gost_provider.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "asn1/spki.h"
#include "module/gost/gost_signature.h"
#include "module/gost/streebog.h"

#define NAME     "podpis-gost"
#define PROPERTY "provider=" NAME

/* Short name first: what OBJ_nid2sn gives; then the long one and the OID, which OpenSSL looks for, too. */
#define KEY_256  "gost2012_256:GOST R 34.10-2012 with 256 bit modulus:1.2.643.7.1.1.1.1"
#define KEY_512  "gost2012_512:GOST R 34.10-2012 with 512 bit modulus:1.2.643.7.1.1.1.2"
#define HASH_256 "md_gost12_256:GOST R 34.11-2012 with 256 bit hash:1.2.643.7.1.1.2.2"
#define HASH_512 "md_gost12_512:GOST R 34.11-2012 with 512 bit hash:1.2.643.7.1.1.2.3"
#define SPKI_MAX 1024 /* bytes */

/* One provider context: how its decoders read. */
struct provider {
	OSSL_FUNC_BIO_read_ex_fn *read;
};

/* ---- digests */

#define DIGEST(bits)                                                                               \
	static void *digest_##bits##_new(void *context)                                            \
	{                                                                                          \
		struct streebog *digest = calloc(1, sizeof(*digest));                              \
                                                                                                   \
		(void)context;                                                                     \
		if (digest != NULL)                                                                \
			streebog_init(digest, bits / 8);                                           \
		return digest;                                                                     \
	}                                                                                          \
	static int digest_##bits##_get_params(OSSL_PARAM params[])                                 \
	{                                                                                          \
		return digest_get_params(params, bits / 8);                                        \
	}                                                                                          \
	static const OSSL_DISPATCH digest_##bits[] = {                                             \
		{OSSL_FUNC_DIGEST_NEWCTX, (void (*)(void))digest_##bits##_new},                    \
		{OSSL_FUNC_DIGEST_FREECTX, (void (*)(void))digest_free},                           \
		{OSSL_FUNC_DIGEST_DUPCTX, (void (*)(void))digest_dup},                             \
		{OSSL_FUNC_DIGEST_INIT, (void (*)(void))digest_init},                              \
		{OSSL_FUNC_DIGEST_UPDATE, (void (*)(void))digest_update},                          \
		{OSSL_FUNC_DIGEST_FINAL, (void (*)(void))digest_final},                            \
		{OSSL_FUNC_DIGEST_GET_PARAMS, (void (*)(void))digest_##bits##_get_params},         \
		{OSSL_FUNC_DIGEST_GETTABLE_PARAMS, (void (*)(void))digest_gettable},               \
		{0, NULL},                                                                         \
	};

static void digest_free(void *context)
{
	free(context);
}

static void *digest_dup(void *context)
{
	struct streebog *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *(struct streebog *)context;
	return copy;
}

static int digest_init(void *context, const OSSL_PARAM params[])
{
	struct streebog *digest = context;

	(void)params;
	streebog_init(digest, digest->size);
	return 1;
}

static int digest_update(void *context, const unsigned char *in, size_t length)
{
	streebog_update(context, in, length);
	return 1;
}

static int digest_final(void *context, unsigned char *out, size_t *length, size_t size)
{
	struct streebog *digest = context;

	if (size < digest->size)
		return 0;
	*length = digest->size;
	streebog_final(digest, out);
	return 1;
}

/* Those of `params` that there are get the value. */
static int tell_size(OSSL_PARAM params[], const char *name, size_t value)
{
	OSSL_PARAM *param = OSSL_PARAM_locate(params, name);

	return param == NULL || OSSL_PARAM_set_size_t(param, value);
}

static int digest_get_params(OSSL_PARAM params[], size_t size)
{
	return tell_size(params, OSSL_DIGEST_PARAM_BLOCK_SIZE, STREEBOG512_BLOCK_SIZE) &&
	       tell_size(params, OSSL_DIGEST_PARAM_SIZE, size);
}

static const OSSL_PARAM *digest_gettable(void *context)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_size_t(OSSL_DIGEST_PARAM_BLOCK_SIZE, NULL),
		OSSL_PARAM_size_t(OSSL_DIGEST_PARAM_SIZE, NULL),
		OSSL_PARAM_END,
	};

	(void)context;
	return params;
}

DIGEST(256)
DIGEST(512)

/* ---- public keys */

struct public_key {
	struct gost_group *group;
	const struct gost_set *set;
	struct gost_point point;
	uint8_t value[2 * GOST_BYTES_MAX];
};

static void key_free(void *key)
{
	if (key != NULL)
		gost_group_free(((struct public_key *)key)->group);
	free(key);
}

static struct public_key *key_read(const uint8_t *der, size_t length)
{
	struct public_key *key = calloc(1, sizeof(*key));
	struct spki spki = {0};
	bool done = false;

	if (key == NULL || !spki_decode(der, length, &spki, NULL) || spki.type != SPKI_GOST)
		goto out;
	key->set = gost_set_find(spki.parameters, spki.parameters_length);
	key->group = gost_group_new(key->set->curve);
	if (key->group == NULL || !gost_point_load(key->group, &key->point, spki.point))
		goto out;
	memcpy(key->value, spki.point, spki.point_length);
	done = true;
out:
	spki_clear(&spki);
	if (!done) {
		key_free(key);
		key = NULL;
	}
	return key;
}

/* The decoder's key changes hands. */
static void *key_load(const void *reference, size_t size)
{
	struct public_key *key = NULL;

	if (size == sizeof(key)) {
		key = *(struct public_key *const *)reference;
		*(struct public_key **)(uintptr_t)reference = NULL;
	}
	return key;
}

static int key_has(const void *key, int selection)
{
	return key != NULL && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct public_key *first = a, *second = b;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 || first->set != second->set)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 ||
	       memcmp(first->value, second->value, 2 * first->set->curve->bytes) == 0;
}

static int key_get_params(void *context, OSSL_PARAM params[])
{
	const struct public_key *key = context;
	size_t bytes = key->set->curve->bytes;
	const char *digest = bytes == 32 ? "md_gost12_256" : "md_gost12_512";
	OSSL_PARAM *bits = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_BITS);
	OSSL_PARAM *strength = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_SECURITY_BITS);
	OSSL_PARAM *size = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MAX_SIZE);
	OSSL_PARAM *name = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MANDATORY_DIGEST);

	return (bits == NULL || OSSL_PARAM_set_int(bits, (int)(8 * bytes))) &&
	       (strength == NULL || OSSL_PARAM_set_int(strength, (int)(4 * bytes))) &&
	       (size == NULL || OSSL_PARAM_set_int(size, (int)(2 * bytes))) &&
	       (name == NULL || OSSL_PARAM_set_utf8_string(name, digest));
}

static const OSSL_PARAM *key_gettable(void *context)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)context;
	return params;
}

static const OSSL_DISPATCH keys[] = {
	{OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))key_load},
	{OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))key_free},
	{OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))key_has},
	{OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))key_match},
	{OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))key_get_params},
	{OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))key_gettable},
	{0, NULL},
};

/* ---- SubjectPublicKeyInfo to key */

static void *decoder_new(void *context)
{
	return context;
}

static void decoder_free(void *context)
{
	(void)context;
}

static int decoder_does_selection(void *context, int selection)
{
	(void)context;
	return selection == 0 || (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0;
}

static int decoder_decode(void *context, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *callback,
	void *argument, OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
	const struct provider *provider = context;
	int type = OSSL_OBJECT_PKEY, result;
	struct public_key *key;
	uint8_t der[SPKI_MAX];
	OSSL_PARAM params[4];
	size_t length = 0, got = 0;

	(void)selection;
	(void)passphrase;
	(void)passphrase_argument;
	while (length < sizeof(der) &&
		provider->read(in, der + length, sizeof(der) - length, &got) == 1 && got > 0)
		length += got;
	key = key_read(der, length);
	/* Something else: others may know it. */
	if (key == NULL)
		return 1;
	params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
		(char *)(uintptr_t)(key->set->curve->bytes == 32 ? "gost2012_256" : "gost2012_512"),
		0);
	params[2] =
		OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &key, sizeof(key));
	params[3] = OSSL_PARAM_construct_end();
	result = callback(params, argument);
	key_free(key); /* NULL when it was taken */
	return result;
}

static const OSSL_DISPATCH decoder[] = {
	{OSSL_FUNC_DECODER_NEWCTX, (void (*)(void))decoder_new},
	{OSSL_FUNC_DECODER_FREECTX, (void (*)(void))decoder_free},
	{OSSL_FUNC_DECODER_DOES_SELECTION, (void (*)(void))decoder_does_selection},
	{OSSL_FUNC_DECODER_DECODE, (void (*)(void))decoder_decode},
	{0, NULL},
};

/* ---- signatures: s || r over the digest of the key's size */

struct verification {
	const struct public_key *key; /* outlives it */
	struct streebog digest;
};

static void *verification_new(void *context, const char *properties)
{
	(void)context;
	(void)properties;
	return calloc(1, sizeof(struct verification));
}

static void verification_free(void *verification)
{
	free(verification);
}

static void *verification_dup(void *context)
{
	struct verification *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *(struct verification *)context;
	return copy;
}

static int verification_init(void *context, void *key, const OSSL_PARAM params[])
{
	struct verification *verification = context;

	(void)params;
	if (key != NULL)
		verification->key = key;
	if (verification->key == NULL)
		return 0;
	streebog_init(&verification->digest, verification->key->set->curve->bytes);
	return 1;
}

static int verification_run(void *context, const unsigned char *signature, size_t signature_length,
	const unsigned char *digest, size_t length)
{
	const struct public_key *key = ((struct verification *)context)->key;

	return length == key->set->curve->bytes && signature_length == 2 * length &&
	       gost_signature_verify(key->group, &key->point, digest, signature);
}

/* No other digest goes with the key (RFC 9215, 2). */
static int is_own_digest(const struct verification *verification, const char *name)
{
	static const char *const names[2][2] = {
		{"md_gost12_256", "GOST R 34.11-2012 with 256 bit hash"},
		{"md_gost12_512", "GOST R 34.11-2012 with 512 bit hash"},
	};
	size_t size = verification->digest.size == 64;

	return name == NULL || name[0] == '\0' || OPENSSL_strcasecmp(name, names[size][0]) == 0 ||
	       OPENSSL_strcasecmp(name, names[size][1]) == 0;
}

static int digest_verification_init(
	void *context, const char *digest, void *key, const OSSL_PARAM params[])
{
	return verification_init(context, key, params) && is_own_digest(context, digest);
}

static int digest_verification_update(void *context, const unsigned char *data, size_t length)
{
	streebog_update(&((struct verification *)context)->digest, data, length);
	return 1;
}

static int digest_verification_final(
	void *context, const unsigned char *signature, size_t signature_length)
{
	struct verification *verification = context;
	uint8_t digest[GOST_BYTES_MAX];

	streebog_final(&verification->digest, digest);
	return verification_run(
		context, signature, signature_length, digest, verification->digest.size);
}

static int verification_set_params(void *context, const OSSL_PARAM params[])
{
	const OSSL_PARAM *digest = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);

	return digest == NULL || (digest->data_type == OSSL_PARAM_UTF8_STRING &&
					 is_own_digest(context, digest->data));
}

static const OSSL_PARAM *verification_settable(void *context, void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)context;
	(void)provider;
	return params;
}

static const OSSL_DISPATCH signatures[] = {
	{OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))verification_new},
	{OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))verification_free},
	{OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))verification_dup},
	{OSSL_FUNC_SIGNATURE_VERIFY_INIT, (void (*)(void))verification_init},
	{OSSL_FUNC_SIGNATURE_VERIFY, (void (*)(void))verification_run},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, (void (*)(void))digest_verification_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, (void (*)(void))digest_verification_update},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, (void (*)(void))digest_verification_final},
	{OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))verification_set_params},
	{OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))verification_settable},
	{0, NULL},
};

/* ---- the provider */

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM digests[] = {{HASH_256, PROPERTY, digest_256, NULL},
		{HASH_512, PROPERTY, digest_512, NULL}, {NULL, NULL, NULL, NULL}};
	static const OSSL_ALGORITHM managements[] = {{KEY_256, PROPERTY, keys, NULL},
		{KEY_512, PROPERTY, keys, NULL}, {NULL, NULL, NULL, NULL}};
	static const OSSL_ALGORITHM verifications[] = {{KEY_256, PROPERTY, signatures, NULL},
		{KEY_512, PROPERTY, signatures, NULL}, {NULL, NULL, NULL, NULL}};
	static const OSSL_ALGORITHM decoders[] = {
		{KEY_256, PROPERTY ",input=der,structure=SubjectPublicKeyInfo", decoder, NULL},
		{KEY_512, PROPERTY ",input=der,structure=SubjectPublicKeyInfo", decoder, NULL},
		{NULL, NULL, NULL, NULL}};

	(void)context;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_DIGEST:
		return digests;
	case OSSL_OP_KEYMGMT:
		return managements;
	case OSSL_OP_SIGNATURE:
		return verifications;
	case OSSL_OP_DECODER:
		return decoders;
	default:
		return NULL;
	}
}

static void teardown(void *context)
{
	free(context);
}

static int initialise(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **context)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
		{OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
		{0, NULL},
	};
	struct provider *provider = calloc(1, sizeof(*provider));

	(void)handle;
	if (provider == NULL)
		return 0;
	for (; in->function_id != 0; in++)
		if (in->function_id == OSSL_FUNC_BIO_READ_EX)
			provider->read = OSSL_FUNC_BIO_read_ex(in);
	if (provider->read == NULL) {
		free(provider);
		return 0;
	}
	*out = functions;
	*context = provider;
	return 1;
}

/*
 * OpenSSL 3.0 looks for the digest of a certificate's signature in its old table, and takes from there the number that
 * CMS compares digests by. What stands in the table has to work, too.
 */
static int old_update(EVP_MD_CTX *context, const void *data, size_t length)
{
	streebog_update(EVP_MD_CTX_get0_md_data(context), data, length);
	return 1;
}

static int old_final(EVP_MD_CTX *context, unsigned char *digest)
{
	streebog_final(EVP_MD_CTX_get0_md_data(context), digest);
	return 1;
}

static int old_init_256(EVP_MD_CTX *context)
{
	streebog_init(EVP_MD_CTX_get0_md_data(context), 32);
	return 1;
}

static int old_init_512(EVP_MD_CTX *context)
{
	streebog_init(EVP_MD_CTX_get0_md_data(context), 64);
	return 1;
}

static const struct {
	int number, size;
	int (*init)(EVP_MD_CTX *context);
} olds[2] = {{NID_id_GostR3411_2012_256, 32, old_init_256},
	{NID_id_GostR3411_2012_512, 64, old_init_512}};

struct gost_provider {
	OSSL_PROVIDER *provider;
	EVP_MD *olds[2];
};

static EVP_MD *old_new(size_t i)
{
	EVP_MD *digest = EVP_MD_meth_new(olds[i].number, NID_undef);

	if (digest != NULL && EVP_MD_meth_set_result_size(digest, olds[i].size) == 1 &&
		EVP_MD_meth_set_input_blocksize(digest, STREEBOG512_BLOCK_SIZE) == 1 &&
		EVP_MD_meth_set_app_datasize(digest, sizeof(struct streebog)) == 1 &&
		EVP_MD_meth_set_init(digest, olds[i].init) == 1 &&
		EVP_MD_meth_set_update(digest, old_update) == 1 &&
		EVP_MD_meth_set_final(digest, old_final) == 1 && EVP_add_digest(digest) == 1)
		return digest;
	EVP_MD_meth_free(digest);
	return NULL;
}

static void old_free(EVP_MD *digest)
{
	if (digest == NULL)
		return;
	OBJ_NAME_remove(OBJ_nid2sn(EVP_MD_get_type(digest)), OBJ_NAME_TYPE_MD_METH);
	OBJ_NAME_remove(OBJ_nid2ln(EVP_MD_get_type(digest)), OBJ_NAME_TYPE_MD_METH);
	EVP_MD_meth_free(digest);
}

void gost_provider_unload(struct gost_provider *provider)
{
	if (provider == NULL)
		return;
	if (provider->provider != NULL)
		OSSL_PROVIDER_unload(provider->provider);
	for (size_t i = 0; i < 2; i++)
		old_free(provider->olds[i]);
	free(provider);
}

struct gost_provider *gost_provider_load(void)
{
	struct gost_provider *loaded = calloc(1, sizeof(*loaded));

	if (loaded == NULL)
		return NULL;
	/* The table comes first: a digest that is fetched looks there for its number. */
	for (size_t i = 0; i < 2; i++)
		loaded->olds[i] = old_new(i);
	if (loaded->olds[0] != NULL && loaded->olds[1] != NULL &&
		OSSL_PROVIDER_add_builtin(NULL, NAME, initialise) == 1)
		loaded->provider = OSSL_PROVIDER_try_load(NULL, NAME, 1);
	if (loaded->provider != NULL)
		return loaded;
	gost_provider_unload(loaded);
	return NULL;
}

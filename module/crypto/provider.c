#include "module/crypto/provider.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

/*
 * The implementations are the default provider's own and want its context. Ours has to be another one, for
 * that is all that a query for algorithms is told; so the few functions that take a provider context are
 * put in place of theirs, and pass theirs on.
 */
struct provider {
	OSSL_PROVIDER *standard;
	void *standard_context;
	struct algorithm *algorithms;
	OSSL_ALGORITHM
	*lists[OSSL_OP__HIGHEST + 1]; /* by operation, each ended by an empty entry */
};

/* The functions of theirs that ours stand for. */
struct algorithm {
	union {
		OSSL_FUNC_keymgmt_new_fn *new_key;
		OSSL_FUNC_signature_newctx_fn *new_signature;
		OSSL_FUNC_asym_cipher_newctx_fn *new_cipher;
		OSSL_FUNC_keyexch_newctx_fn *new_exchange;
		OSSL_FUNC_digest_newctx_fn *new_digest;
	};
	OSSL_FUNC_keymgmt_gen_init_fn *generate;
	OSSL_DISPATCH *functions;
};

enum {
	ALG_RSA_KEY,
	ALG_EC_KEY,
	ALG_ED25519_KEY,
	ALG_RSA_SIGNATURE,
	ALG_EC_SIGNATURE,
	ALG_ED25519_SIGNATURE,
	ALG_RSA_CIPHER,
	ALG_EC_EXCHANGE,
	ALG_SHA1,
	ALG_SHA224,
	ALG_SHA256,
	ALG_SHA384,
	ALG_SHA512,
	ALGORITHMS
};

/*
 * A key management names the algorithms that go with its keys; the default's would say "RSA" and "ECDSA",
 * and an ENGINE that knows these would be asked after all.
 */
#define KEY_FUNCTIONS(index, name)                                                                 \
	static void *index##_new(void *context)                                                    \
	{                                                                                          \
		const struct provider *provider = context;                                         \
                                                                                                   \
		return provider->algorithms[index].new_key(provider->standard_context);            \
	}                                                                                          \
	static void *index##_generate(void *context, int selection, const OSSL_PARAM params[])     \
	{                                                                                          \
		const struct provider *provider = context;                                         \
                                                                                                   \
		return provider->algorithms[index].generate(                                       \
			provider->standard_context, selection, params);                            \
	}                                                                                          \
	static const char *index##_operation_name(int operation)                                   \
	{                                                                                          \
		(void)operation;                                                                   \
		return name;                                                                       \
	}                                                                                          \
	static const OSSL_DISPATCH index##_ours[] = {                                              \
		{OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))index##_new},                              \
		{OSSL_FUNC_KEYMGMT_GEN_INIT, (void (*)(void))index##_generate},                    \
		{OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))index##_operation_name},  \
		{0, NULL},                                                                         \
	};

/* The property query of a key is ours; the digests that a signature fetches are not ours to offer. */
#define SIGNATURE_FUNCTIONS(index)                                                                 \
	static void *index##_new(void *context, const char *properties)                            \
	{                                                                                          \
		const struct provider *provider = context;                                         \
                                                                                                   \
		(void)properties;                                                                  \
		return provider->algorithms[index].new_signature(                                  \
			provider->standard_context, NULL);                                         \
	}                                                                                          \
	static const OSSL_DISPATCH index##_ours[] = {                                              \
		{OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))index##_new},                         \
		{0, NULL},                                                                         \
	};

#define CONTEXT_FUNCTIONS(index, function, member)                                                 \
	static void *index##_new(void *context)                                                    \
	{                                                                                          \
		const struct provider *provider = context;                                         \
                                                                                                   \
		return provider->algorithms[index].member(provider->standard_context);             \
	}                                                                                          \
	static const OSSL_DISPATCH index##_ours[] = {                                              \
		{function, (void (*)(void))index##_new},                                           \
		{0, NULL},                                                                         \
	};

KEY_FUNCTIONS(ALG_RSA_KEY, PROVIDER_RSA)
KEY_FUNCTIONS(ALG_EC_KEY, PROVIDER_EC)
KEY_FUNCTIONS(ALG_ED25519_KEY, PROVIDER_ED25519)
SIGNATURE_FUNCTIONS(ALG_RSA_SIGNATURE)
SIGNATURE_FUNCTIONS(ALG_EC_SIGNATURE)
SIGNATURE_FUNCTIONS(ALG_ED25519_SIGNATURE)
CONTEXT_FUNCTIONS(ALG_RSA_CIPHER, OSSL_FUNC_ASYM_CIPHER_NEWCTX, new_cipher)
CONTEXT_FUNCTIONS(ALG_EC_EXCHANGE, OSSL_FUNC_KEYEXCH_NEWCTX, new_exchange)
CONTEXT_FUNCTIONS(ALG_SHA1, OSSL_FUNC_DIGEST_NEWCTX, new_digest)
CONTEXT_FUNCTIONS(ALG_SHA224, OSSL_FUNC_DIGEST_NEWCTX, new_digest)
CONTEXT_FUNCTIONS(ALG_SHA256, OSSL_FUNC_DIGEST_NEWCTX, new_digest)
CONTEXT_FUNCTIONS(ALG_SHA384, OSSL_FUNC_DIGEST_NEWCTX, new_digest)
CONTEXT_FUNCTIONS(ALG_SHA512, OSSL_FUNC_DIGEST_NEWCTX, new_digest)

/* What the default provider calls an algorithm, what we call it, and what we put in place of its functions. */
static const struct {
	int operation;
	const char *theirs; /* one of the colon-separated names, whole: RSA-PSS is not RSA */
	const char *ours;
	const OSSL_DISPATCH *functions;
} rows[ALGORITHMS] = {
	[ALG_RSA_KEY] = {OSSL_OP_KEYMGMT, "RSA", PROVIDER_RSA, ALG_RSA_KEY_ours},
	[ALG_EC_KEY] = {OSSL_OP_KEYMGMT, "EC", PROVIDER_EC, ALG_EC_KEY_ours},
	[ALG_ED25519_KEY] = {OSSL_OP_KEYMGMT, "ED25519", PROVIDER_ED25519, ALG_ED25519_KEY_ours},
	[ALG_RSA_SIGNATURE] = {OSSL_OP_SIGNATURE, "RSA", PROVIDER_RSA, ALG_RSA_SIGNATURE_ours},
	[ALG_EC_SIGNATURE] = {OSSL_OP_SIGNATURE, "ECDSA", PROVIDER_EC, ALG_EC_SIGNATURE_ours},
	[ALG_ED25519_SIGNATURE] = {OSSL_OP_SIGNATURE, "ED25519", PROVIDER_ED25519,
		ALG_ED25519_SIGNATURE_ours},
	[ALG_RSA_CIPHER] = {OSSL_OP_ASYM_CIPHER, "RSA", PROVIDER_RSA, ALG_RSA_CIPHER_ours},
	[ALG_EC_EXCHANGE] = {OSSL_OP_KEYEXCH, "ECDH", PROVIDER_EC, ALG_EC_EXCHANGE_ours},
	[ALG_SHA1] = {OSSL_OP_DIGEST, "SHA1", PROVIDER_PREFIX "SHA1", ALG_SHA1_ours},
	[ALG_SHA224] = {OSSL_OP_DIGEST, "SHA2-224", PROVIDER_PREFIX "SHA2-224", ALG_SHA224_ours},
	[ALG_SHA256] = {OSSL_OP_DIGEST, "SHA2-256", PROVIDER_PREFIX "SHA2-256", ALG_SHA256_ours},
	[ALG_SHA384] = {OSSL_OP_DIGEST, "SHA2-384", PROVIDER_PREFIX "SHA2-384", ALG_SHA384_ours},
	[ALG_SHA512] = {OSSL_OP_DIGEST, "SHA2-512", PROVIDER_PREFIX "SHA2-512", ALG_SHA512_ours},
};

static bool has_name(const char *names, const char *wanted)
{
	size_t length = strlen(wanted);

	while (names != NULL) {
		if (strncmp(names, wanted, length) == 0 &&
			(names[length] == ':' || names[length] == '\0'))
			return true;
		names = strchr(names, ':');
		if (names != NULL)
			names++;
	}
	return false;
}

static const OSSL_DISPATCH *find_function(const OSSL_DISPATCH *functions, int id)
{
	for (; functions->function_id != 0; functions++) {
		if (functions->function_id == id)
			return functions;
	}
	return NULL;
}

/* Their functions with ours in place of those that ours stand for. */
static OSSL_DISPATCH *replace(const OSSL_DISPATCH *theirs, const OSSL_DISPATCH *ours)
{
	OSSL_DISPATCH *merged;
	size_t count = 1;

	for (const OSSL_DISPATCH *f = theirs; f->function_id != 0; f++)
		count++;
	for (const OSSL_DISPATCH *f = ours; f->function_id != 0; f++)
		count++;
	merged = calloc(count, sizeof(*merged));
	if (merged == NULL)
		return NULL;
	count = 0;
	for (const OSSL_DISPATCH *f = theirs; f->function_id != 0; f++) {
		if (find_function(ours, f->function_id) == NULL)
			merged[count++] = *f;
	}
	for (const OSSL_DISPATCH *f = ours; f->function_id != 0; f++)
		merged[count++] = *f;
	return merged;
}

/* Takes over one algorithm from those that the default provider offers for its operation. */
static bool take_over(struct provider *provider, size_t index, OSSL_ALGORITHM *entry)
{
	struct algorithm *algorithm = &provider->algorithms[index];
	const OSSL_DISPATCH *created, *generated;
	const OSSL_ALGORITHM *theirs;
	int no_cache = 0;

	/* A constant table: there is nothing to give back. */
	theirs =
		OSSL_PROVIDER_query_operation(provider->standard, rows[index].operation, &no_cache);
	while (theirs != NULL && theirs->algorithm_names != NULL &&
		!has_name(theirs->algorithm_names, rows[index].theirs))
		theirs++;
	if (theirs == NULL || theirs->algorithm_names == NULL)
		return false;

	/* The constructor is the first of ours, whatever the operation. */
	created = find_function(theirs->implementation, rows[index].functions[0].function_id);
	if (created == NULL)
		return false;
	algorithm->new_key = (OSSL_FUNC_keymgmt_new_fn *)created->function;
	if (rows[index].operation == OSSL_OP_KEYMGMT) {
		generated = find_function(theirs->implementation, OSSL_FUNC_KEYMGMT_GEN_INIT);
		if (generated == NULL)
			return false;
		algorithm->generate = (OSSL_FUNC_keymgmt_gen_init_fn *)generated->function;
	}
	algorithm->functions = replace(theirs->implementation, rows[index].functions);
	if (algorithm->functions == NULL)
		return false;
	*entry = (OSSL_ALGORITHM){
		.algorithm_names = rows[index].ours,
		.property_definition = PROVIDER_QUERY,
		.implementation = algorithm->functions,
	};
	return true;
}

static void provider_free(struct provider *provider)
{
	if (provider == NULL)
		return;
	for (size_t i = 0; provider->algorithms != NULL && i < ALGORITHMS; i++)
		free(provider->algorithms[i].functions);
	for (size_t i = 0; i <= OSSL_OP__HIGHEST; i++)
		free(provider->lists[i]);
	free(provider->algorithms);
	free(provider);
}

static struct provider *provider_new(OSSL_PROVIDER *standard)
{
	struct provider *provider = calloc(1, sizeof(*provider));
	size_t counts[OSSL_OP__HIGHEST + 1] = {0};

	if (provider == NULL)
		return NULL;
	provider->standard = standard;
	provider->standard_context = OSSL_PROVIDER_get0_provider_ctx(standard);
	provider->algorithms = calloc(ALGORITHMS, sizeof(provider->algorithms[0]));
	if (provider->algorithms == NULL)
		goto fail;
	for (size_t i = 0; i < ALGORITHMS; i++) {
		int operation = rows[i].operation;

		if (provider->lists[operation] == NULL)
			provider->lists[operation] = calloc(ALGORITHMS + 1, sizeof(OSSL_ALGORITHM));
		if (provider->lists[operation] == NULL ||
			!take_over(provider, i, &provider->lists[operation][counts[operation]++]))
			goto fail;
	}
	return provider;
fail:
	provider_free(provider);
	return NULL;
}

static const OSSL_ALGORITHM *query_operation(void *context, int operation, int *no_cache)
{
	const struct provider *provider = context;

	*no_cache = 0;
	if (operation < 0 || operation > OSSL_OP__HIGHEST)
		return NULL;
	return provider->lists[operation];
}

static void teardown(void *context)
{
	provider_free(context);
}

static const OSSL_DISPATCH provider_functions[] = {
	{OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation},
	{0, NULL},
};

/* OpenSSL calls it inside OSSL_PROVIDER_load, and tells only a handle; the library context leads to the rest. */
static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **context)
{
	const OSSL_DISPATCH *get_libctx = find_function(in, OSSL_FUNC_CORE_GET_LIBCTX);
	OSSL_PROVIDER *standard = NULL;
	OSSL_LIB_CTX *libctx;

	if (get_libctx == NULL)
		return 0;
	libctx = (OSSL_LIB_CTX *)((OSSL_FUNC_core_get_libctx_fn *)get_libctx->function)(handle);
	/* It is loaded already: this only finds it, and the reference goes back at once. */
	standard = OSSL_PROVIDER_try_load(libctx, "default", 1);
	if (standard == NULL)
		return 0;
	*context = provider_new(standard);
	OSSL_PROVIDER_unload(standard);
	*out = provider_functions;
	return *context != NULL;
}

bool provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **out)
{
	OSSL_PROVIDER *provider;

	if (OSSL_PROVIDER_add_builtin(libctx, PROVIDER_NAME, provider_init) != 1)
		return false;
	provider = OSSL_PROVIDER_load(libctx, PROVIDER_NAME);
	if (provider == NULL)
		return false;
	*out = provider;
	return true;
}

/* Engines are what is tested here; the rest of the project must not use what OpenSSL deprecates. */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/engine.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "module/crypto/hash.h"
#include "module/crypto/provider.h"
#include "tests/key_maker.h"

static struct log *silence;
static struct crypto *crypto;

/* How often the host's ENGINE was asked to do anything. It always refuses. */
static atomic_int asked;

static const int key_nids[] = {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_EC, EVP_PKEY_ED25519};
static const int digest_nids[] = {NID_sha1, NID_sha224, NID_sha256, NID_sha384, NID_sha512};

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

/* Made when an engine gives them; ENGINE_free frees them. */
static EVP_PKEY_METHOD *methods[COUNT(key_nids)];
static EVP_PKEY_ASN1_METHOD *asn1_methods[COUNT(key_nids)];

static int refuse_context(EVP_PKEY_CTX *context)
{
	(void)context;
	asked++;
	return 0;
}

static int refuse_generation(EVP_PKEY_CTX *context, EVP_PKEY *pkey)
{
	(void)pkey;
	return refuse_context(context);
}

static int give_methods(ENGINE *engine, EVP_PKEY_METHOD **method, const int **nids, int nid)
{
	(void)engine;
	if (method == NULL) {
		*nids = key_nids;
		return COUNT(key_nids);
	}
	asked++;
	for (int i = 0; i < COUNT(key_nids); i++) {
		if (key_nids[i] != nid)
			continue;
		if (methods[i] == NULL) {
			methods[i] = EVP_PKEY_meth_new(nid, 0);
			EVP_PKEY_meth_set_init(methods[i], refuse_context);
			EVP_PKEY_meth_set_keygen(methods[i], refuse_context, refuse_generation);
		}
		*method = methods[i];
		return 1;
	}
	*method = NULL;
	return 0;
}

static int refuse_part(const EVP_PKEY *pkey, unsigned char *out, size_t *length)
{
	(void)pkey;
	(void)out;
	(void)length;
	asked++;
	return 0;
}

static int refuse_to_set(EVP_PKEY *pkey, const unsigned char *part, size_t length)
{
	(void)pkey;
	(void)part;
	(void)length;
	asked++;
	return 0;
}

static int refuse_control(EVP_PKEY *pkey, int operation, long number, void *argument)
{
	(void)pkey;
	(void)operation;
	(void)number;
	(void)argument;
	asked++;
	return 0;
}

/*
 * That it is asked for its methods does not count, only what these are asked: OpenSSL goes through the methods
 * of all engines to compare their names with that of any key.
 */
static int give_asn1_methods(
	ENGINE *engine, EVP_PKEY_ASN1_METHOD **method, const int **nids, int nid)
{
	static const char *const names[COUNT(key_nids)] = {"RSA", "RSA-PSS", "EC", "ED25519"};

	(void)engine;
	if (method == NULL) {
		*nids = key_nids;
		return COUNT(key_nids);
	}
	for (int i = 0; i < COUNT(key_nids); i++) {
		if (key_nids[i] != nid)
			continue;
		if (asn1_methods[i] == NULL) {
			asn1_methods[i] = EVP_PKEY_asn1_new(nid, 0, names[i], "the engine's");
			EVP_PKEY_asn1_set_ctrl(asn1_methods[i], refuse_control);
			EVP_PKEY_asn1_set_get_pub_key(asn1_methods[i], refuse_part);
			EVP_PKEY_asn1_set_get_priv_key(asn1_methods[i], refuse_part);
			EVP_PKEY_asn1_set_set_pub_key(asn1_methods[i], refuse_to_set);
			EVP_PKEY_asn1_set_set_priv_key(asn1_methods[i], refuse_to_set);
		}
		*method = asn1_methods[i];
		return 1;
	}
	*method = NULL;
	return 0;
}

static int give_digests(ENGINE *engine, const EVP_MD **digest, const int **nids, int nid)
{
	(void)engine;
	(void)nid;
	if (digest == NULL) {
		*nids = digest_nids;
		return COUNT(digest_nids);
	}
	asked++;
	*digest = NULL;
	return 0;
}

static int refuse_random(unsigned char *out, int length)
{
	(void)out;
	(void)length;
	asked++;
	return 0;
}

static int refuse_status(void)
{
	asked++;
	return 0;
}

static int refuse_rsa(
	int length, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	(void)length;
	(void)from;
	(void)to;
	(void)rsa;
	(void)padding;
	asked++;
	return -1;
}

static ENGINE *engine_new(const char *id)
{
	ENGINE *engine = ENGINE_new();

	assert_non_null(engine);
	assert_int_equal(ENGINE_set_id(engine, id), 1);
	assert_int_equal(ENGINE_set_name(engine, id), 1);
	return engine;
}

/* Makes it the host's default for all that it has, as `default_algorithms = ALL` does. */
static void install(ENGINE *engine)
{
	assert_int_equal(ENGINE_add(engine), 1);
	assert_int_equal(ENGINE_set_default(engine, ENGINE_METHOD_ALL), 1);
	asked = 0;
}

static void remove_engine(ENGINE *engine)
{
	ENGINE_unregister_pkey_meths(engine);
	ENGINE_unregister_pkey_asn1_meths(engine);
	ENGINE_unregister_digests(engine);
	ENGINE_unregister_RAND(engine);
	ENGINE_unregister_RSA(engine);
	ENGINE_remove(engine);
	ENGINE_free(engine);
	memset(methods, 0, sizeof(methods));
	memset(asn1_methods, 0, sizeof(asn1_methods));
}

static CK_RV whole_life(struct crypto *world, enum key_kind kind)
{
	struct key *key = NULL, *private_key = NULL, *public_key = NULL;
	struct attributes *private_part = NULL, *public_part = NULL;
	CK_RV rv = key_make(world, kind, &key);

	if (rv == CKR_OK)
		rv = key_object(key, true, &private_part);
	if (rv == CKR_OK)
		rv = key_object(key, false, &public_part);
	if (rv == CKR_OK)
		rv = key_decode(world, private_part, &private_key);
	if (rv == CKR_OK)
		rv = key_decode(world, public_part, &public_key);
	if (rv == CKR_OK)
		rv = key_sign_and_verify(private_key, public_key, key_recipes[kind].raw);
	key_unref(key);
	key_unref(private_key);
	key_unref(public_key);
	attributes_free(private_part);
	attributes_free(public_part);
	return rv;
}

static void assert_hashes(void)
{
	static const CK_MECHANISM_TYPE mechanisms[] = {
		CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512};
	uint8_t out[HASH_SIZE_MAX];

	for (int i = 0; i < COUNT(mechanisms); i++) {
		struct hash *hash = NULL;

		assert_int_equal(hash_new(crypto, mechanisms[i], &hash), CKR_OK);
		assert_int_equal(hash_update(hash, "abc", 3), CKR_OK);
		assert_int_equal(hash_final(hash, out), CKR_OK);
		hash_free(hash);
	}
}

static void assert_everything_works(void)
{
	uint8_t bytes[64];

	for (int kind = 0; kind < KEY_KINDS; kind++) {
		if (whole_life(crypto, (enum key_kind)kind) != CKR_OK)
			fail_msg("%s", key_recipes[kind].name);
	}
	assert_int_equal(crypto_random(crypto, bytes, sizeof(bytes)), CKR_OK);
	assert_hashes();
}

/* It does what it is there for: a private library context alone does not keep it out. */
static void assert_in_the_way(void)
{
	OSSL_LIB_CTX *plain = OSSL_LIB_CTX_new();
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(plain, NULL, "EC", "P-256");

	assert_null(pkey);
	assert_true(asked > 0);
	OSSL_LIB_CTX_free(plain);
	asked = 0;
}

static void key_methods_are_never_asked(void **state)
{
	ENGINE *engine = engine_new("key methods");

	(void)state;
	ENGINE_set_pkey_meths(engine, give_methods);
	ENGINE_set_pkey_asn1_meths(engine, give_asn1_methods);
	install(engine);
	assert_in_the_way();
	assert_everything_works();
	assert_int_equal(asked, 0);
	remove_engine(engine);
}

static void nor_when_the_world_is_made_after_them(void **state)
{
	ENGINE *engine = engine_new("key methods, earlier");
	struct crypto *later = NULL;

	(void)state;
	ENGINE_set_pkey_meths(engine, give_methods);
	ENGINE_set_pkey_asn1_meths(engine, give_asn1_methods);
	install(engine);
	assert_int_equal(crypto_new(silence, &later), CKR_OK);
	for (int kind = 0; kind < KEY_KINDS; kind++)
		assert_int_equal(whole_life(later, (enum key_kind)kind), CKR_OK);
	assert_int_equal(asked, 0);
	crypto_free(later);
	remove_engine(engine);
}

static void digests_are_never_asked(void **state)
{
	ENGINE *engine = engine_new("digests");

	(void)state;
	ENGINE_set_digests(engine, give_digests);
	install(engine);
	assert_hashes();
	/* Nor by a signature over a digest that is there already. */
	assert_int_equal(whole_life(crypto, KEY_RSA_2048), CKR_OK);
	assert_int_equal(asked, 0);
	remove_engine(engine);
}

/* Random bytes are ours; what OpenSSL draws itself comes from the host's engine, and its refusal is final. */
static void random_numbers_come_from_our_own_generator(void **state)
{
	static const RAND_METHOD refusing = {
		NULL, refuse_random, NULL, NULL, refuse_random, refuse_status};
	ENGINE *engine = engine_new("random");
	struct key *key = NULL;
	uint8_t bytes[32] = {0};

	(void)state;
	assert_int_equal(key_make(crypto, KEY_P256, &key), CKR_OK);
	ENGINE_set_RAND(engine, &refusing);
	install(engine);
	assert_int_equal(RAND_set_rand_engine(engine), 1);
	assert_int_equal(RAND_bytes_ex(NULL, bytes, sizeof(bytes), 0), 0);
	assert_true(asked > 0);
	asked = 0;
	assert_int_equal(crypto_random(crypto, bytes, sizeof(bytes)), CKR_OK);
	assert_int_equal(asked, 0);
	assert_int_equal(key_sign_and_verify(key, key, CKM_ECDSA), CKR_FUNCTION_FAILED);
	RAND_set_rand_method(NULL);
	remove_engine(engine);
	assert_int_equal(key_sign_and_verify(key, key, CKM_ECDSA), CKR_OK);
	key_unref(key);
}

/* A limit: RSA methods sit below the provider. A refusal is an error, not a crash and not a wrong signature. */
static void methods_below_the_provider_fail_cleanly(void **state)
{
	ENGINE *engine = engine_new("RSA methods");
	RSA_METHOD *method = RSA_meth_new("refusing", 0);
	struct key *before = NULL;

	(void)state;
	RSA_meth_set_priv_enc(method, refuse_rsa);
	RSA_meth_set_priv_dec(method, refuse_rsa);
	RSA_meth_set_pub_enc(method, refuse_rsa);
	RSA_meth_set_pub_dec(method, refuse_rsa);
	assert_int_equal(key_make(crypto, KEY_RSA_2048, &before), CKR_OK);
	ENGINE_set_RSA(engine, method);
	install(engine);
	assert_int_not_equal(whole_life(crypto, KEY_RSA_2048), CKR_OK);
	/* Keys that were there before keep the method that they had. */
	assert_int_equal(key_sign_and_verify(before, before, CKM_RSA_PKCS), CKR_OK);
	/* EC and Ed25519 do not care. */
	assert_int_equal(whole_life(crypto, KEY_P256), CKR_OK);
	assert_int_equal(whole_life(crypto, KEY_ED25519), CKR_OK);
	remove_engine(engine);
	RSA_meth_free(method);
	key_unref(before);
	assert_int_equal(whole_life(crypto, KEY_RSA_2048), CKR_OK);
}

/* No name, number or property of ours is one that an ENGINE, or a host's own fetch, could know. */
static void names_are_nobody_elses(void **state)
{
	static const char *const names[] = {PROVIDER_RSA, PROVIDER_EC, PROVIDER_ED25519};
	OSSL_LIB_CTX *libctx = crypto_libctx(crypto);

	(void)state;
	for (int i = 0; i < COUNT(names); i++) {
		EVP_KEYMGMT *ours = EVP_KEYMGMT_fetch(libctx, names[i], PROVIDER_QUERY);
		EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(libctx, names[i], PROVIDER_QUERY);

		assert_non_null(ours);
		assert_non_null(signature);
		assert_int_equal(EVP_KEYMGMT_is_a(ours, "RSA"), 0);
		assert_int_equal(EVP_KEYMGMT_is_a(ours, "EC"), 0);
		assert_null(EVP_KEYMGMT_fetch(NULL, names[i], NULL));
		assert_null(EVP_KEYMGMT_fetch(libctx, names[i], "provider=default"));
		EVP_KEYMGMT_free(ours);
		EVP_SIGNATURE_free(signature);
	}
	assert_null(EVP_KEYMGMT_fetch(libctx, "RSA", PROVIDER_QUERY));
	assert_null(EVP_KEYMGMT_fetch(libctx, "RSA-PSS", PROVIDER_QUERY));
	assert_null(EVP_SIGNATURE_fetch(libctx, "ECDSA", PROVIDER_QUERY));
}

static int set_up(void **state)
{
	(void)state;
	silence = log_new("error:/dev/null", "provider_test", LOG_LEVEL_ERROR);
	return crypto_new(silence, &crypto) == CKR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	crypto_free(crypto);
	log_free(silence);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_nobody_elses),
		cmocka_unit_test(key_methods_are_never_asked),
		cmocka_unit_test(nor_when_the_world_is_made_after_them),
		cmocka_unit_test(digests_are_never_asked),
		cmocka_unit_test(random_numbers_come_from_our_own_generator),
		cmocka_unit_test(methods_below_the_provider_fail_cleanly),
	};

	return cmocka_run_group_tests_name("provider", tests, set_up, tear_down);
}

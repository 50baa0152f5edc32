#include "tests/token_fixture.h"

#include "asn1/spki.h"
#include "provision/token_key.h"
#include "provision/token_object.h"

static const char *const specs[] = {
	"rsa:2048", "rsa:3072", "ec:P-256", "ec:P-384", "ec:P-521", "ed25519"};

static struct workplace workplace;
static struct slot slot;

static int setup(void **state)
{
	(void)state;
	token_begin(&workplace, &slot);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	token_end(&workplace, &slot);
	return 0;
}

static enum token_key_found look(const char *id)
{
	enum token_key_found found = TOKEN_KEY_NONE;
	struct error err = {0};

	assert_done(token_key_look(&slot, (const uint8_t *)id, strlen(id), &found, &err), &err);
	return found;
}

static void generate(const char *spec, const char *id)
{
	struct error err = {0};

	assert_done(
		token_key_generate(&slot, spec, (const uint8_t *)id, strlen(id), "the label", &err),
		&err);
}

static bool open_key(
	const char *id, const struct buffer *spki, struct token_key *key, struct error *err)
{
	*err = (struct error){0};
	return token_key_open(&slot, (const uint8_t *)id, strlen(id),
		spki != NULL ? spki->data : NULL, spki != NULL ? spki->length : 0, key, err);
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct buffer signature = BUFFER_INIT(4096);
		struct token_key key = {0};
		struct signer signer;
		struct error err;
		char id[16];

		snprintf(id, sizeof(id), "kind-%zu", i);
		assert_true(token_key_spec_check(specs[i], NULL));
		assert_int_equal(look(id), TOKEN_KEY_NONE);
		generate(specs[i], id);
		assert_int_equal(look(id), TOKEN_KEY_PAIR);
		assert_true(open_key(id, NULL, &key, &err));
		for (size_t k = 0; k < sizeof(specs) / sizeof(specs[0]); k++)
			assert_int_equal(
				token_key_spec_fits(specs[k], key.spki.data, key.spki.length),
				k == i);
		assert_false(token_key_spec_fits("gost:256", key.spki.data, key.spki.length));
		assert_false(token_key_spec_fits(specs[i], key.spki.data, key.spki.length - 1));
		token_key_clear(&key);
		assert_done(open_key(id, NULL, &key, &err), &err);
		assert_done(token_key_prove(&key, &err), &err);
		signer = token_key_signer(&key);
		assert_done(
			signer.sign(signer.context, (const uint8_t *)"data", 4, &signature, &err),
			&err);
		assert_done(
			signature_verify(signer.algorithm, key.spki.data, key.spki.length,
				(const uint8_t *)"data", 4, signature.data, signature.length, &err),
			&err);
		assert_false(signature_verify(signer.algorithm, key.spki.data, key.spki.length,
			(const uint8_t *)"dato", 4, signature.data, signature.length, &err));
		token_key_clear(&key);
		buffer_free(&signature);
	}
}

static void test_attributes(void **state)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		CK_BBOOL value;
	} wanted[] = {
		{CKA_SENSITIVE, CK_TRUE},
		{CKA_EXTRACTABLE, CK_FALSE},
		{CKA_PRIVATE, CK_TRUE},
		{CKA_SIGN, CK_TRUE},
		{CKA_DECRYPT, CK_FALSE},
		{CKA_UNWRAP, CK_FALSE},
	};
	struct token_key key = {0};
	struct error err;

	(void)state;
	generate("rsa:2048", "attributes");
	assert_true(open_key("attributes", NULL, &key, &err));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct buffer value = BUFFER_INIT(8);

		assert_true(token_object_read(&slot, key.private_key, wanted[i].type, &value));
		assert_int_equal(value.length, 1);
		assert_int_equal(value.data[0], wanted[i].value);
		buffer_free(&value);
	}
	token_key_clear(&key);
}

static void test_specs(void **state)
{
	static const char *const wrong[] = {
		"", "rsa", "rsa:1024", "rsa:2048 ", "ec:p-256", "ec:P-192", "Ed25519", "dsa:1024"};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(token_key_spec_check(wrong[i], &err));
		assert_int_equal(err.code, ERROR_USAGE);
		assert_non_null(strstr(err.message, "ed25519"));
	}
}

/* A certificate's public key that is not this private key's: the proof fails, nothing is believed. */
static void test_wrong_half(void **state)
{
	struct token_key key = {0}, other = {0};
	struct error err;

	(void)state;
	generate("ec:P-256", "half-a");
	generate("ec:P-256", "half-b");
	assert_true(open_key("half-b", NULL, &other, &err));
	assert_true(open_key("half-a", &other.spki, &key, &err));
	assert_refused(token_key_prove(&key, &err), &err, "proof");
	token_key_clear(&key);
	token_key_clear(&other);
	assert_false(open_key("no-such-key", NULL, &key, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	/* Two private keys of one id: which is meant nobody can say. */
	generate("ec:P-256", "half-a");
	assert_false(open_key("half-a", NULL, &key, &err));
	assert_int_equal(err.code, ERROR_FAILED);
}

/* What a token that was interrupted between the halves leaves is seen, renamed as far as it goes, removed. */
static void test_halves(void **state)
{
	CK_OBJECT_HANDLE handle[2];
	struct error err = {0};
	size_t count = 0;

	(void)state;
	generate("ed25519", "left");
	assert_true(token_object_by_id(
		&slot, CKO_PUBLIC_KEY, (const uint8_t *)"left", 4, handle, 2, &count, &err));
	assert_int_equal(count, 1);
	assert_int_equal(slot.functions->C_DestroyObject(slot.session, handle[0]), CKR_OK);
	assert_int_equal(look("left"), TOKEN_KEY_HALF);
	assert_done(token_key_rename(&slot, (const uint8_t *)"left", 4, (const uint8_t *)"moved", 5,
			    NULL, &err),
		&err);
	assert_int_equal(look("left"), TOKEN_KEY_NONE);
	assert_int_equal(look("moved"), TOKEN_KEY_HALF);
	assert_done(token_key_destroy(&slot, (const uint8_t *)"moved", 5, &err), &err);
	assert_int_equal(look("moved"), TOKEN_KEY_NONE);
	assert_true(token_key_destroy(&slot, (const uint8_t *)"moved", 5, &err));
}

static void test_names(void **state)
{
	struct error err = {0};
	bool taken = false;

	(void)state;
	generate("ed25519", "reserved");
	assert_true(token_key_label_taken(&slot, "the label", &taken, &err) && taken);
	assert_done(token_key_rename(&slot, (const uint8_t *)"reserved", 8,
			    (const uint8_t *)"final", 5, "Новое имя", &err),
		&err);
	/* Again, as after a kill in the middle. */
	assert_done(token_key_rename(&slot, (const uint8_t *)"reserved", 8,
			    (const uint8_t *)"final", 5, "Новое имя", &err),
		&err);
	assert_int_equal(look("final"), TOKEN_KEY_PAIR);
	assert_true(token_key_label_taken(&slot, "Новое имя", &taken, &err) && taken);
	assert_true(token_key_label_taken(&slot, "Новое", &taken, &err) && !taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_wrong_half),
		cmocka_unit_test(test_halves),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("token_key", tests, setup, teardown);
}

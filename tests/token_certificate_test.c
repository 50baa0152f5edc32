#include "tests/token_fixture.h"

#include "asn1/cms.h"
#include "provision/token_certificate.h"
#include "provision/token_object.h"

static struct workplace workplace;
static struct slot slot;
static struct test_key authority;
static X509 *root;

static int setup(void **state)
{
	(void)state;
	token_begin(&workplace, &slot);
	authority = test_key_new(SIGNATURE_ECDSA_SHA256);
	root = token_authority(&authority, "Test authority");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	X509_free(root);
	test_key_free(&authority);
	token_end(&workplace, &slot);
	return 0;
}

/* A key with a certificate that ends in that many seconds. */
static struct certificate make(const char *id, const char *name, long seconds)
{
	struct certificate certificate = {0};
	struct token_key key = {0};
	struct error err = {0};
	X509 *x509;

	assert_done(
		token_key_generate(&slot, "ec:P-256", (const uint8_t *)id, strlen(id), name, &err),
		&err);
	assert_done(
		token_key_open(&slot, (const uint8_t *)id, strlen(id), NULL, 0, &key, &err), &err);
	x509 = token_certify(&authority, root, key.spki.data, key.spki.length, NULL, name, seconds);
	token_decode(x509, &certificate);
	assert_done(token_certificate_write(
			    &slot, &certificate, (const uint8_t *)id, strlen(id), name, &err),
		&err);
	X509_free(x509);
	token_key_clear(&key);
	return certificate;
}

static bool open_signer(
	const char *text, const uint8_t *sha256, struct token_signer *signer, struct error *err)
{
	struct uri uri = {0};
	bool done;

	*err = (struct error){0};
	if (text != NULL)
		assert_true(uri_parse(text, &uri, err));
	done = token_signer_open(&slot, text != NULL ? &uri : NULL, sha256, signer, err);
	uri_clear(&uri);
	return done;
}

static void test_writes(void **state)
{
	struct certificate one = make("write", "Иванов", 86400);
	struct token_certificates list = {0};
	const struct token_certificate *found;
	struct buffer value = BUFFER_INIT(1024);
	struct error err = {0};
	size_t before;

	(void)state;
	assert_done(token_certificates_load(&slot, &list, &err), &err);
	before = list.count;
	found = token_certificates_find(&list, one.sha256);
	assert_non_null(found);
	assert_true(found->has_key);
	assert_true(token_object_read(&slot, found->handle, CKA_SERIAL_NUMBER, &value));
	assert_bytes(&value, one.serial_der, one.serial_length);
	token_certificates_clear(&list);
	/* The very same again: only its names are put right. */
	assert_done(token_certificate_write(
			    &slot, &one, (const uint8_t *)"write", 5, "Новая метка", &err),
		&err);
	assert_done(token_certificates_load(&slot, &list, &err), &err);
	assert_int_equal(list.count, before);
	found = token_certificates_find(&list, one.sha256);
	buffer_reset(&value);
	assert_true(token_object_read(&slot, found->handle, CKA_LABEL, &value));
	assert_string_equal(buffer_text(&value), "Новая метка");
	token_certificates_clear(&list);
	certificate_clear(&one);
	buffer_free(&value);
}

static void test_signer(void **state)
{
	struct certificate old = make("old", "Old", -60), current = make("current", "Now", 86400),
			   second = {0};
	struct buffer cms = BUFFER_INIT(1 << 20);
	struct token_signer signer = {0};
	struct cms said = {0};
	struct error err;
	uint8_t nobody[32] = {0};

	(void)state;
	/* The one that has ended is not meant, whether nothing is said or just the token. */
	assert_done(open_signer("pkcs11:token=token;object=Now", NULL, &signer, &err), &err);
	token_signer_clear(&signer);
	{
		struct certificate *written = &current;
		struct token_certificates list = {0};

		/* The test before has left one that is valid, too: it goes. */
		assert_true(token_certificates_load(&slot, &list, &err));
		for (size_t i = 0; i < list.count; i++)
			if (list.list[i].id_length == 5 && memcmp(list.list[i].id, "write", 5) == 0)
				slot.functions->C_DestroyObject(slot.session, list.list[i].handle);
		token_certificates_clear(&list);
		assert_done(open_signer(NULL, NULL, &signer, &err), &err);
		assert_memory_equal(signer.own->certificate.sha256, written->sha256, 32);
		token_signer_clear(&signer);
		assert_done(open_signer("pkcs11:token=token", NULL, &signer, &err), &err);
		assert_memory_equal(signer.own->certificate.sha256, written->sha256, 32);
	}
	/* CAdES-BES that verifies, and names its certificate. */
	assert_done(
		token_signer_sign(&signer, (const uint8_t *)"document", 8, time(NULL), &cms, &err),
		&err);
	assert_done(cms_verify(cms.data, cms.length, (const uint8_t *)"document", 8, NULL, 0, &said,
			    &err),
		&err);
	assert_true(said.has_certificate_sha256);
	assert_memory_equal(said.certificate_sha256, current.sha256, 32);
	cms_clear(&said);
	token_signer_clear(&signer);
	/* Named by its id or its hash, the old one is. */
	assert_done(open_signer("pkcs11:id=old", NULL, &signer, &err), &err);
	token_signer_clear(&signer);
	assert_done(open_signer(NULL, old.sha256, &signer, &err), &err);
	token_signer_clear(&signer);
	assert_false(open_signer(NULL, nobody, &signer, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_false(open_signer("pkcs11:object=Nobody", NULL, &signer, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	second = make("second", "Second", 86400);
	assert_false(open_signer(NULL, NULL, &signer, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "Now"));
	assert_non_null(strstr(err.message, "Second"));
	certificate_clear(&old);
	certificate_clear(&current);
	certificate_clear(&second);
	buffer_free(&cms);
}

/* A certificate beside a key that is not its own: what comes out is looked at, and does not go out. */
static void test_wrong_key(void **state)
{
	struct certificate right = make("wrong-key", "Wrong key", 86400), wrong = {0};
	struct test_key stranger = test_key_new(SIGNATURE_ECDSA_SHA256);
	struct buffer cms = BUFFER_INIT(1 << 20);
	struct token_signer signer = {0};
	struct error err;
	X509 *x509 = token_certify(
		&authority, root, stranger.spki, stranger.spki_length, NULL, "Strange", 86400);

	(void)state;
	token_decode(x509, &wrong);
	assert_true(token_certificate_write(
		&slot, &wrong, (const uint8_t *)"wrong-key", 9, "Strange", &err));
	assert_done(open_signer(NULL, wrong.sha256, &signer, &err), &err);
	assert_refused(token_signer_sign(&signer, (const uint8_t *)"x", 1, time(NULL), &cms, &err),
		&err, "not right");
	token_signer_clear(&signer);
	X509_free(x509);
	test_key_free(&stranger);
	certificate_clear(&right);
	certificate_clear(&wrong);
	buffer_free(&cms);
}

static void test_chain(void **state)
{
	struct certificate leaf = make("chain", "Leaf", 86400), top = {0};
	const struct certificate *chain[4];
	struct token_certificates list = {0};
	struct error err = {0};

	(void)state;
	token_decode(root, &top);
	assert_done(token_certificate_write(&slot, &top, (const uint8_t *)"root", 4, "Root", &err),
		&err);
	assert_true(token_certificates_load(&slot, &list, &err));
	/* The self-signed one is left out. */
	assert_int_equal(token_certificates_chain(&list, &leaf, chain, 4), 0);
	assert_false(token_certificates_find(&list, top.sha256)->has_key);
	token_certificates_clear(&list);
	certificate_clear(&leaf);
	certificate_clear(&top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_signer),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_chain),
	};

	return cmocka_run_group_tests_name("token_certificate", tests, setup, teardown);
}

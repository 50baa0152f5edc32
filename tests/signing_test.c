#include "tests/flow_story.h"

#include "asn1/cms.h"

static struct story story;
static struct flow flow;
static struct signing signing;

static int setup(void **state)
{
	(void)state;
	story_begin(&story, "");
	story_open(&story, story_apply(&story), &flow);
	signing_init(&signing, &flow);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	signing_clear(&signing);
	flow_close(&flow);
	story_end(&story);
	return 0;
}

static void again(void)
{
	signing_clear(&signing);
	signing_init(&signing, &flow);
}

static void test_new_key(void **state)
{
	struct buffer cms = BUFFER_INIT(1 << 20);
	struct cms said = {0};
	struct error err = {0};

	(void)state;
	assert_done(
		signing_by_new_key(&signing, (const uint8_t *)"memo", 4, time(NULL), &cms, &err),
		&err);
	assert_done(cms_verify(cms.data, cms.length, (const uint8_t *)"memo", 4, flow.row.spki.data,
			    flow.row.spki.length, &said, &err),
		&err);
	assert_int_equal(said.certificate_count, 0);
	cms_clear(&said);
	buffer_free(&cms);
	/* The key of another application would be another key: the journal says which it is. */
	again();
	flow.row.key_id.data[0] ^= 1;
	assert_false(signing_open_key(&signing, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	again();
	journal_bytes(&flow.row.key_id, NULL, 0);
	assert_false(signing_open_key(&signing, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
}

static void test_slot(void **state)
{
	struct error err = {0};

	(void)state;
	journal_text(&flow.row.slot_uri, "pkcs11:token=another");
	assert_false(signing_open_slot(&signing, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	journal_text(&flow.row.slot_uri, "not a URI");
	assert_false(signing_open_slot(&signing, &err));
	journal_text(&flow.row.slot_uri, NULL);
	assert_false(signing_open_slot(&signing, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
}

static void put_certificate(const char *label, uint8_t sha256[32])
{
	struct certificate certificate = {0};
	struct slot slot = {0};
	struct error err = {0};
	X509 *x509;

	x509 = token_certify(&story.authority_key, story.root, flow.row.spki.data,
		flow.row.spki.length, NULL, label, 86400);
	token_decode(x509, &certificate);
	memcpy(sha256, certificate.sha256, 32);
	token_open(&story.workplace, "token", &slot);
	assert_done(token_certificate_write(&slot, &certificate, flow.row.key_id.data,
			    flow.row.key_id.length, label, &err),
		&err);
	slot_close(&slot);
	certificate_clear(&certificate);
	X509_free(x509);
}

/* The same signature at the second signing, whatever else is in the token, and no other. */
static void test_pinned(void **state)
{
	uint8_t first[32], second[32];
	struct error err = {0};

	(void)state;
	assert_false(signing_open_pinned(&signing, &err));
	assert_non_null(strstr(err.message, "was not signed"));
	put_certificate("First", first);
	journal_text(&flow.row.signer_uri, flow.row.key_uri);
	journal_bytes(&flow.row.signer_sha256, first, 32);
	assert_done(signing_open_pinned(&signing, &err), &err);
	assert_memory_equal(signing.signer.own->certificate.sha256, first, 32);
	/* One login for both, since it is the same token. */
	again();
	assert_true(signing_open_slot(&signing, &err));
	assert_true(signing_open_pinned(&signing, &err));
	assert_ptr_equal(signing.signer_slot, &signing.slot);
	/* Another certificate for the very same key, with the same CKA_ID, is not the one. */
	put_certificate("Second", second);
	again();
	assert_done(signing_open_pinned(&signing, &err), &err);
	assert_memory_equal(signing.signer.own->certificate.sha256, first, 32);
	again();
	story_option(&story, "signer", "pkcs11:token=token;object=Second");
	assert_false(signing_open_pinned(&signing, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	again();
	story_forget_options(&story);
	story_option(&story, "signer", "pkcs11:token=token;object=First");
	err = (struct error){0};
	assert_done(signing_open_pinned(&signing, &err), &err);
	/* It is not there any more. */
	again();
	story_forget_options(&story);
	flow.row.signer_sha256.data[0] ^= 1;
	assert_false(signing_open_pinned(&signing, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pinned, setup, teardown),
	};

	return cmocka_run_group_tests_name("signing", tests, NULL, NULL);
}

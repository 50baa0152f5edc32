#include "tests/token_fixture.h"

#include "provision/token_object.h"

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

/* A certificate object of some bytes. */
static CK_OBJECT_HANDLE create(const char *id, const struct buffer *value)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_CERTIFICATE_TYPE, &type, sizeof(type)},
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_PRIVATE, &no, sizeof(no)},
		{CKA_ID, (void *)(uintptr_t)id, (CK_ULONG)strlen(id)},
		{CKA_VALUE, value->data, (CK_ULONG)value->length},
		{CKA_SUBJECT, (void *)(uintptr_t) "\x30\x00", 2},
	};
	CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;

	assert_int_equal(slot.functions->C_CreateObject(
				 slot.session, templ, sizeof(templ) / sizeof(templ[0]), &handle),
		CKR_OK);
	return handle;
}

static void certificate_of(struct buffer *der, const char *name)
{
	struct test_key key = test_key_new(SIGNATURE_ECDSA_SHA256);
	X509 *x509 = test_certificate(&key, name);

	test_certificate_der(x509, der);
	X509_free(x509);
	test_key_free(&key);
}

static void test_finds(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	CK_OBJECT_HANDLE handles[100];
	struct error err = {0};
	size_t count = 0;

	(void)state;
	certificate_of(&der, "many");
	for (unsigned i = 0; i < 70; i++)
		create("many", &der);
	create("one", &der);
	assert_done(token_object_by_id(&slot, CKO_CERTIFICATE, (const uint8_t *)"many", 4, handles,
			    100, &count, &err),
		&err);
	assert_int_equal(count, 70);
	/* No more than there is room for, and the search is over: the next one can begin. */
	assert_true(token_object_by_id(
		&slot, CKO_CERTIFICATE, (const uint8_t *)"many", 4, handles, 3, &count, &err));
	assert_int_equal(count, 3);
	assert_true(token_object_by_id(
		&slot, CKO_CERTIFICATE, (const uint8_t *)"one", 3, handles, 100, &count, &err));
	assert_int_equal(count, 1);
	assert_true(token_object_by_id(
		&slot, CKO_PRIVATE_KEY, (const uint8_t *)"one", 3, handles, 100, &count, &err));
	assert_int_equal(count, 0);
	buffer_free(&der);
}

static void test_reads(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX), value = BUFFER_INIT(BUFFER_MAX),
		      small = BUFFER_INIT(8);
	CK_OBJECT_HANDLE handle;

	(void)state;
	certificate_of(&der, "read");
	handle = create("read", &der);
	assert_true(token_object_read(&slot, handle, CKA_VALUE, &value));
	assert_bytes(&value, der.data, der.length);
	assert_false(token_object_read(&slot, handle, CKA_VALUE, &small));
	assert_false(token_object_read(&slot, handle, CKA_MODULUS, &value));
	assert_false(token_object_read(&slot, handle + 1000, CKA_VALUE, &value));
	buffer_free(&der);
	buffer_free(&value);
	buffer_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_reads),
	};

	return cmocka_run_group_tests_name("token_object", tests, setup, teardown);
}

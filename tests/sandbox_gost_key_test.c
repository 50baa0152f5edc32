/* Keys of every parameter set, kept and loaded; what they sign is read strictly and verified by asn1/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/x509.h>
#include <string.h>

#include "asn1/certificate.h"
#include "module/gost/gost_curve.h"
#include "tests/sandbox/gost_key.h"

#define DER_LIMIT 65536

static void kept_and_loaded(void **state)
{
	const struct gost_set *set;

	(void)state;
	for (size_t i = 0; (set = gost_set_at(i)) != NULL; i++) {
		struct buffer kept = BUFFER_INIT(DER_LIMIT), a = BUFFER_INIT(DER_LIMIT),
			      b = BUFFER_INIT(DER_LIMIT);
		struct gost_key *key = gost_key_generate(set->name);

		assert_non_null(key);
		assert_true(gost_key_save(key, &kept));
		struct gost_key *same = gost_key_load(kept.data, kept.length);
		assert_non_null(same);
		assert_true(gost_key_spki(key, &a) && gost_key_spki(same, &b));
		assert_int_equal(a.length, b.length);
		assert_memory_equal(a.data, b.data, a.length);
		gost_key_free(same);

		struct gost_key *other = gost_key_other(key);
		assert_non_null(other);
		buffer_reset(&b);
		assert_true(gost_key_spki(other, &b));
		assert_int_equal(a.length, b.length);
		assert_memory_not_equal(a.data, b.data, a.length);
		gost_key_free(other);

		/* A byte less, a byte more, zero, and more than q. */
		assert_null(gost_key_load(kept.data, kept.length - 1));
		assert_true(buffer_append(&kept, "", 1));
		assert_null(gost_key_load(kept.data, kept.length));
		memset(kept.data + set->oid_length, 0, set->curve->bytes);
		assert_null(gost_key_load(kept.data, kept.length - 1));
		memset(kept.data + set->oid_length, 0xff, set->curve->bytes);
		assert_null(gost_key_load(kept.data, kept.length - 1));
		gost_key_free(key);
		buffer_free(&kept);
		buffer_free(&a);
		buffer_free(&b);
	}
	assert_null(gost_key_generate("P-256"));
	assert_null(gost_key_load((const uint8_t *)"\x06\x01\x2a", 3));
	assert_null(gost_key_load((const uint8_t *)"", 0));
}

/* Signed by a key that nobody keeps. */
static void certificate_make(struct buffer *der)
{
	X509 *certificate = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t *bytes = NULL;

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 60);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		(const unsigned char *)"someone", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	int length = i2d_X509(certificate, &bytes);
	assert_true(length > 0 && buffer_append(der, bytes, (size_t)length));
	OPENSSL_free(bytes);
	EVP_PKEY_free(key);
	X509_free(certificate);
}

static bool signed_by(const struct buffer *der, const struct buffer *spki)
{
	struct certificate certificate;
	struct error err;

	if (!certificate_decode(der->data, der->length, &certificate, &err))
		return false;
	bool is = certificate_is_signed_by(&certificate, spki->data, spki->length, &err);
	certificate_clear(&certificate);
	return is;
}

static void signed_anew(void **state)
{
	struct buffer certificate = BUFFER_INIT(DER_LIMIT);
	const struct gost_set *set;

	(void)state;
	certificate_make(&certificate);
	for (size_t i = 0; (set = gost_set_at(i)) != NULL; i++) {
		struct buffer out = BUFFER_INIT(DER_LIMIT), spki = BUFFER_INIT(DER_LIMIT),
			      others = BUFFER_INIT(DER_LIMIT);
		struct gost_key *key = gost_key_generate(set->name), *other = gost_key_other(key);

		assert_true(gost_key_spki(key, &spki) && gost_key_spki(other, &others));
		assert_true(gost_key_sign(key, certificate.data, certificate.length, &out));
		assert_true(signed_by(&out, &spki));
		assert_false(signed_by(&out, &others));
		assert_false(signed_by(&certificate, &spki));
		out.data[out.length - 1] ^= 1;
		assert_false(signed_by(&out, &spki));
		gost_key_free(key);
		gost_key_free(other);
		buffer_free(&out);
		buffer_free(&spki);
		buffer_free(&others);
	}
	buffer_free(&certificate);
}

static void what_is_nothing_to_sign(void **state)
{
	static const struct {
		const char *der;
		size_t length;
	} cases[] = {{"", 0}, {"\x30\x00", 2}, {"\x30\x02\x30\x00", 4},
		{"\x30\x05\x30\x03\x02\x01", 6}, {"\x30\x05\x30\x03\x02\x01\x07", 7}};
	struct gost_key *key = gost_key_generate("CryptoPro-A");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer out = BUFFER_INIT(DER_LIMIT);

		assert_false(
			gost_key_sign(key, (const uint8_t *)cases[i].der, cases[i].length, &out));
		assert_int_equal(out.length, 0);
		buffer_free(&out);
	}
	gost_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_and_loaded),
		cmocka_unit_test(signed_anew),
		cmocka_unit_test(what_is_nothing_to_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

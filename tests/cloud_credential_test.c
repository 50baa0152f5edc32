#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "module/store/cloud/credential.h"
#include "module/support/base64.h"

static struct buffer certificate = BUFFER_INIT(8192); /* base64 */

static int setup(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	uint8_t *der = NULL;
	int length;

	(void)state;
	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 7);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
		(const unsigned char *)"Holder", -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	X509_set_pubkey(x509, key);
	X509_sign(x509, key, EVP_sha256());
	length = i2d_X509(x509, &der);
	bool ok = length > 0 && base64_encode(der, (size_t)length, &certificate);
	OPENSSL_free(der);
	X509_free(x509);
	EVP_PKEY_free(key);
	return ok ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	buffer_free(&certificate);
	return 0;
}

/* credentials/info with `auth` as members in front; `key` NULL: an ordinary one. */
static bool read(const char *auth, const char *key, unsigned version, struct credential *out,
	struct error *err)
{
	char text[8192];
	json_t *json;

	snprintf(text, sizeof(text),
		"{%s, \"key\": %s, \"cert\": {\"status\": \"valid\", \"certificates\": [\"%s\"]}}",
		auth,
		key != NULL ? key
			    : "{\"status\": \"enabled\", \"algo\": [\"1.2.840.10045.4.3.2\"]}",
		buffer_text(&certificate));
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	bool ok = credential_read("id", json, version, out, err);
	json_decref(json);
	return ok;
}

static void test_both_versions(void **state)
{
	struct credential c;
	struct error err = {0};

	(void)state;
	assert_true(read("\"authMode\": \"explicit\", \"SCAL\": \"2\", \"multisign\": 5, "
			 "\"PIN\": {\"presence\": \"true\"}, "
			 "\"OTP\": {\"presence\": \"true\", \"type\": \"online\"}",
		NULL, 1, &c, &err));
	assert_int_equal(c.mode, CREDENTIAL_EXPLICIT);
	assert_true(c.pin && c.otp && c.otp_sent);
	assert_int_equal(c.scal, 2);
	assert_int_equal(c.multisign, 5);
	assert_null(c.problem);
	assert_int_equal(c.chain_count, 1);
	assert_int_equal(c.key.type, SPKI_EC);
	assert_true(credential_has_algorithm(&c, "1.2.840.10045.4.3.2"));
	assert_false(credential_has_algorithm(&c, "1.2.840.10045.2.1"));
	credential_clear(&c);

	assert_true(read(
		"\"auth\": {\"mode\": \"explicit\", \"expression\": \"a AND b\", \"objects\": ["
		"{\"type\": \"Password\", \"id\": \"a\"}, "
		"{\"type\": \"Password\", \"id\": \"b\", \"generator\": \"totp\"}]}",
		NULL, 2, &c, &err));
	assert_true(c.pin && c.otp && !c.otp_sent);
	assert_string_equal(c.pin_object, "a");
	assert_string_equal(c.otp_object, "b");
	assert_int_equal(c.scal, 1);
	assert_int_equal(c.multisign, 1);
	credential_clear(&c);

	/* Fewer than one signature for an authorisation is one. */
	assert_true(
		read("\"auth\": {\"mode\": \"implicit\"}, \"multisign\": -3", NULL, 2, &c, &err));
	assert_int_equal(c.multisign, 1);
	credential_clear(&c);

	/* Explicit, with nothing to give: the service sees to it itself. */
	assert_true(read("\"auth\": {\"mode\": \"explicit\", \"objects\": []}", NULL, 2, &c, &err));
	assert_int_equal(c.mode, CREDENTIAL_IMPLICIT);
	credential_clear(&c);
	assert_true(read("\"authMode\": \"oauth2code\"",
		"{\"status\": \"disabled\", \"algo\": [\"1.2\"]}", 1, &c, &err));
	assert_int_equal(c.mode, CREDENTIAL_OAUTH2CODE);
	assert_string_equal(c.problem, "disabled");
	credential_clear(&c);
}

/* Of what satisfies the expression, that which asks least of the person. */
static void test_choice(void **state)
{
	static const char objects[] =
		"[{\"type\": \"Password\", \"id\": \"PIN\"}, "
		"{\"type\": \"ChallengeResponse\", \"id\": \"OTP\"}, "
		"{\"type\": \"PasswordOOB\", \"id\": \"APP\"}, "
		"{\"type\": \"Eye\", \"id\": \"EYE\"}, {\"type\": \"Password\", \"id\": \"PIN2\"}]";
	static const struct {
		const char *expression, *pin, *otp, *elsewhere;
	} samples[] = {
		{"PIN OR OTP", "PIN", "", ""},
		{"OTP OR PIN", "PIN", "", ""},
		{"EYE OR OTP", "", "OTP", ""},
		{"APP XOR (PIN AND OTP)", "", "", "APP"},
		{"(EYE AND PIN) OR (PIN2 AND OTP)", "PIN2", "OTP", ""},
		{"PIN AND (OTP OR APP)", "PIN", "", "APP"},
		{"PIN AND PIN2 OR OTP", "", "OTP", ""},
		{"EYE AND PIN", NULL, NULL, NULL},
		{"PIN AND PIN2", NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct credential c;
		struct error err = {0};
		char auth[800];

		snprintf(auth, sizeof(auth),
			"\"auth\": {\"mode\": \"explicit\", \"expression\": \"%s\", \"objects\": "
			"%s}",
			samples[i].expression, objects);
		if (samples[i].pin == NULL) {
			assert_false(read(auth, NULL, 2, &c, &err));
			assert_non_null(strstr(err.message, "not known"));
			continue;
		}
		if (!read(auth, NULL, 2, &c, &err))
			fail_msg("%s: %s", samples[i].expression, err.message);
		assert_string_equal(c.pin_object, samples[i].pin);
		assert_int_equal(c.pin, *samples[i].pin != '\0');
		assert_string_equal(c.otp_object, samples[i].otp);
		assert_int_equal(c.otp, *samples[i].otp != '\0');
		assert_int_equal(c.otp_sent, c.otp);
		assert_string_equal(c.elsewhere[0], samples[i].elsewhere);
		assert_int_equal(c.elsewhere_count, *samples[i].elsewhere != '\0');
		assert_int_equal(
			c.mode, c.pin || c.otp ? CREDENTIAL_EXPLICIT : CREDENTIAL_IMPLICIT);
		credential_clear(&c);
	}
}

/* What is not understood is not offered. */
static void test_refused(void **state)
{
	static const struct {
		const char *auth, *key;
		unsigned version;
		const char *says;
	} wrong[] = {
		{"\"authMode\": \"telepathy\"", NULL, 1, "authMode"},
		{"\"authMode\": 7", NULL, 1, "authMode"},
		{"\"authMode\": \"explicit\"", NULL, 2, "auth/mode"},
		{"\"auth\": {\"mode\": \"explicit\", \"expression\": \"a OR b\", \"objects\": "
		 "[{\"type\": \"Password\", \"id\": \"a\"}]}",
			NULL, 2, "not understood"},
		{"\"auth\": {\"mode\": \"explicit\", \"objects\": [{\"type\": \"Password\", "
		 "\"id\": "
		 "\"a\"}, {\"type\": \"Password\", \"id\": \"b\"}]}",
			NULL, 2, "not known"},
		{"\"auth\": {\"mode\": \"explicit\", \"objects\": [{\"type\": \"Eye\"}]}", NULL, 2,
			"not known"},
		{"\"authMode\": \"implicit\"", "{\"algo\": []}", 1, "no algorithm"},
		{"\"authMode\": \"implicit\"", "[]", 1, "no algorithm"},
	};
	struct credential c;
	json_t *json = json_pack("{s:s,s:{s:[s]},s:{s:[s]}}", "authMode", "implicit", "key", "algo",
		"1.2", "cert", "certificates", "AAAA");
	struct error problem = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct error err = {0};

		assert_false(read(wrong[i].auth, wrong[i].key, wrong[i].version, &c, &err));
		assert_non_null(strstr(err.message, wrong[i].says));
	}
	assert_false(credential_read("id", json, 1, &c, &problem));
	assert_non_null(strstr(problem.message, "certificate 1"));
	assert_false(credential_read("", json, 1, &c, &problem));
	/* A name with a line break in it would not be found again. */
	assert_false(credential_read("a\nb", json, 1, &c, &problem));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_versions),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

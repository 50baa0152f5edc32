#include "tests/asn1_support.h"

#include "asn1/certificate.h"
#include "provision/certificate_view.h"
#include "provision/certificate_warning.h"

#define DAY 86400

static const time_t now = 1800000000;

/* The certificate of an organisation's head, as an accredited authority issues it. */
struct recipe {
	const char *organisation, *inn, *extra_oid, *extra_value;
	int extra_tag;
	time_t begin, end, key_end;
	unsigned usage;
};

static const struct recipe good = {
	.organisation = "ООО «Ромашка»",
	.inn = "500100732259",
	.begin = now - DAY,
	.end = now + 365 * DAY,
	.key_end = now + 365 * DAY,
	.usage = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION,
};

static void extend(X509 *x509, const char *name, bool critical, struct buffer *der)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj(name, 1);
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(value, der->data, (int)der->length);
	extension = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, value);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	buffer_reset(der);
}

static void extend_all(X509 *x509, const struct recipe *recipe)
{
	static const char *const purposes[] = {"1.3.6.1.5.5.7.3.2", "1.2.643.2.2.34.6", "1.2.3.4"};
	static const char *const policies[] = {"1.2.643.100.113.1", "1.2.643.100.113.2", "1.2.3.5"};
	static const struct issuer_sign_tool tool = {
		"КриптоПро CSP", "КриптоПро УЦ 2.0", "СФ/124-0001", "СФ/128-0002"};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct error err;

	assert_done(key_usage_encode(recipe->usage, &der, &err), &err);
	extend(x509, OID_KEY_USAGE, true, &der);
	assert_done(oid_list_encode(purposes, 3, &der, &err), &err);
	extend(x509, OID_EXT_KEY_USAGE, false, &der);
	assert_done(policies_encode(policies, 3, &der, &err), &err);
	extend(x509, OID_CERTIFICATE_POLICIES, false, &der);
	assert_done(sign_tool_encode("Podpis \x1b[31mred", &der, &err), &err);
	extend(x509, OID_SUBJECT_SIGN_TOOL, false, &der);
	assert_done(issuer_sign_tool_encode(&tool, &der, &err), &err);
	extend(x509, OID_ISSUER_SIGN_TOOL, false, &der);
	assert_done(identification_kind_encode(IDENTIFICATION_BIOMETRIC, &der, &err), &err);
	extend(x509, OID_IDENTIFICATION_KIND, false, &der);
	assert_done(key_period_encode(recipe->begin, recipe->key_end, &der, &err), &err);
	extend(x509, OID_PRIVATE_KEY_USAGE_PERIOD, false, &der);
	assert_done(email_name_encode("ivanov@example.ru", &der, &err), &err);
	extend(x509, OID_SUBJECT_ALT_NAME, false, &der);
	buffer_append(&der, "\x02\x01\x05", 3);
	extend(x509, "1.2.3.6", false, &der);
	buffer_free(&der);
}

static X509_NAME *make_subject(const struct recipe *recipe)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct name name = {0};
	struct error err;
	const uint8_t *at;
	X509_NAME *x509;

	assert_done(name_add(&name, "2.5.4.3", "Иванов Иван Иванович", &err), &err);
	assert_done(name_add(&name, "2.5.4.10", recipe->organisation, &err), &err);
	assert_done(name_add(&name, "1.2.643.100.1", "1027700132195", &err), &err);
	assert_done(name_add(&name, "1.2.643.100.4", "7707083893", &err), &err);
	assert_done(name_add(&name, "1.2.643.100.3", "11223344595", &err), &err);
	assert_done(name_encode(&name, &der, &err), &err);
	at = der.data;
	x509 = d2i_X509_NAME(NULL, &at, (long)der.length);
	assert_non_null(x509);
	/* What we would not write, others do. */
	if (recipe->inn != NULL)
		assert_int_equal(
			X509_NAME_add_entry_by_txt(x509, "1.2.643.3.131.1.1", V_ASN1_NUMERICSTRING,
				(const unsigned char *)recipe->inn, -1, -1, 0),
			1);
	if (recipe->extra_oid != NULL)
		assert_int_equal(
			X509_NAME_add_entry_by_txt(x509, recipe->extra_oid, recipe->extra_tag,
				(const unsigned char *)recipe->extra_value, -1, -1, 0),
			1);
	name_clear(&name);
	buffer_free(&der);
	return x509;
}

static void make_x509(const struct recipe *recipe, struct buffer *der)
{
	struct test_key key = test_key_new(SIGNATURE_ECDSA_SHA256);
	X509_NAME *subject = make_subject(recipe);
	X509 *x509 = X509_new();

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 0x0a0b0c);
	X509_set_subject_name(x509, subject);
	X509_set_issuer_name(x509, subject);
	ASN1_TIME_set(X509_getm_notBefore(x509), recipe->begin);
	ASN1_TIME_set(X509_getm_notAfter(x509), recipe->end);
	X509_set_pubkey(x509, key.key);
	extend_all(x509, recipe);
	assert_true(X509_sign(x509, key.key, EVP_sha256()) > 0);
	test_certificate_der(x509, der);
	X509_free(x509);
	X509_NAME_free(subject);
	test_key_free(&key);
}

static void make(const struct recipe *recipe, struct certificate *certificate)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct error err;

	make_x509(recipe, &der);
	assert_done(certificate_decode(der.data, der.length, certificate, &err), &err);
	buffer_free(&der);
}

/* The view as text; the object is the caller's. */
static char *view(const struct certificate *certificate, json_t **object)
{
	struct output output;
	char *text = NULL;
	size_t length;

	output_init(&output, false);
	output.colour = false;
	output.out = open_memstream(&text, &length);
	*object = certificate_view(&output, certificate, now);
	fclose(output.out);
	assert_non_null(*object);
	return text;
}

static const char *member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void names_every_field(void **state)
{
	static const char *const wanted[] = {"ОГРН: ", "1027700132195", "ИНН ЮЛ: ", "7707083893",
		"СНИЛС: ", "11223344595", "ИНН: ", "500100732259",
		"Средство ЭП владельца: ", "Podpis ?[31mred", "Класс средства ЭП: ", "КС1, КС2",
		"Политики сертификата: ", "1.2.3.5", "Средство ЭП издателя: ", "КриптоПро CSP",
		"Заключение на средство УЦ: ", "СФ/128-0002",
		"Вид идентификации: ", "3: remotely, by biometric data (ЕСИА и ЕБС)",
		"Срок действия ключа по: ", "digitalSignature (цифровая подпись), nonRepudiation",
		"clientAuth (проверка подлинности клиента), cpRegCenterUser",
		"email:ivanov@example.ru", "1.2.3.6: ", "020105", "0A0B0C", "Издатель"};
	struct certificate certificate = {0};
	json_t *object;
	char *text;

	(void)state;
	make(&good, &certificate);
	text = view(&certificate, &object);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(text, wanted[i]) == NULL)
			fail_msg("no \"%s\" in:\n%s", wanted[i], text);
	assert_null(strchr(text, '\x1b'));
	assert_null(strstr(text, "Warning"));
	assert_string_equal(member(object, "serial"), "0A0B0C");
	assert_string_equal(member(object, "issuer_ca_tool"), "КриптоПро УЦ 2.0");
	assert_int_equal(json_integer_value(json_object_get(object, "identification_kind")), 3);
	assert_int_equal(json_array_size(json_object_get(object, "subject")), 6);
	assert_int_equal(json_array_size(json_object_get(object, "means_classes")), 2);
	assert_int_equal(json_array_size(json_object_get(object, "policies")), 1);
	assert_int_equal(json_array_size(json_object_get(object, "warnings")), 0);
	json_decref(object);
	free(text);
	certificate_clear(&certificate);
}

static void warns(void **state)
{
	static const char long_name[] =
		"Общество с ограниченной ответственностью «Научно-производственное предприятие»";
	struct recipe recipes[8];
	static const char *const words[] = {
		"the certificate ended on",
		"valid only from",
		"before the certificate ends",
		"does not allow signing",
		"RFC 5280 allows 64",
		"with 00 before it as until 2021",
		"INN 500100732258: not a number that can be",
		"INNLE is not a NumericString",
	};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		recipes[i] = good;
	recipes[0].end = recipes[0].key_end = now - 1;
	recipes[1].begin = now + DAY;
	recipes[2].key_end = now + DAY;
	recipes[3].usage = KEY_USAGE_KEY_ENCIPHERMENT;
	recipes[4].organisation = long_name;
	recipes[5].inn = "007707083893";
	recipes[6].inn = "500100732258";
	recipes[7].extra_oid = "1.2.643.100.4";
	recipes[7].extra_value = "7707083893";
	recipes[7].extra_tag = V_ASN1_UTF8STRING;
	for (size_t i = 0; i < 8; i++) {
		struct certificate_findings findings = {0};
		struct certificate certificate = {0};
		bool said = false;

		make(&recipes[i], &certificate);
		certificate_warnings(&certificate, now, &findings);
		for (size_t j = 0; j < findings.count; j++)
			said = said || strstr(findings.list[j].text, words[i]) != NULL;
		if (!said)
			fail_msg("nothing said of \"%s\"; first of %zu: %s", words[i],
				findings.count, findings.list[0].text);
		certificate_clear(&certificate);
	}
}

/* What we encode is what others read. */
static void others_read_it(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX), text = BUFFER_INIT(BUFFER_MAX);
	char folder[128];

	(void)state;
	test_folder(folder);
	make_x509(&good, &der);
	test_write(folder, "c.der", der.data, der.length);
	assert_int_equal(
		test_run("cd %s && openssl x509 -inform DER -in c.der -text >openssl 2>&1 && "
			 "openssl asn1parse -inform DER -in c.der >parse && "
			 "certtool --certificate-info --inder --infile c.der >certtool 2>&1",
			folder),
		0);
	test_read(folder, "openssl", &text);
	assert_non_null(strstr(buffer_text(&text), "Policy: Class of Signing Tool KC2"));
	assert_non_null(strstr(buffer_text(&text), "Not Before: "));
	assert_non_null(strstr(buffer_text(&text), "email:ivanov@example.ru"));
	buffer_reset(&text);
	test_read(folder, "parse", &text);
	assert_non_null(strstr(buffer_text(&text), "NUMERICSTRING     :7707083893"));
	assert_non_null(strstr(buffer_text(&text), "NUMERICSTRING     :1027700132195"));
	assert_non_null(strstr(buffer_text(&text), "NUMERICSTRING     :11223344595"));
	buffer_reset(&text);
	test_read(folder, "certtool", &text);
	assert_non_null(strstr(buffer_text(&text), "RFC822Name: ivanov@example.ru"));
	test_run("rm -r %s", folder);
	buffer_free(&der);
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_every_field),
		cmocka_unit_test(warns),
		cmocka_unit_test(others_read_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

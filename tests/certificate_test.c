#include "tests/asn1_support.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "asn1/certificate.h"
#include "asn1/spki.h"

/* A qualified certificate, as the profile has it, made by OpenSSL. */
static const char configuration[] = "[req]\n"
				    "distinguished_name = subject\n"
				    "prompt = no\n"
				    "utf8 = yes\n"
				    "string_mask = utf8only\n"
				    "x509_extensions = extensions\n"
				    "[subject]\n"
				    "CN = Иванов Иван Иванович\n"
				    "SN = Иванов\n"
				    "GN = Иван Иванович\n"
				    "C = RU\n"
				    "ST = 77 Москва\n"
				    "L = Москва\n"
				    "SNILS = 11223344595\n"
				    "INN = 500100732259\n"
				    "emailAddress = ivanov@example.ru\n"
				    "[extensions]\n"
				    "keyUsage = critical, digitalSignature, nonRepudiation\n"
				    "extendedKeyUsage = clientAuth, emailProtection\n"
				    "subjectKeyIdentifier = hash\n"
				    "basicConstraints = critical, CA:FALSE\n"
				    "certificatePolicies = 1.2.643.100.113.1, 1.2.643.100.113.2\n"
				    "1.2.643.100.111 = ASN1:FORMAT:UTF8,UTF8String:СКЗИ «Подпись»\n"
				    "1.2.643.100.112 = ASN1:SEQUENCE:tools\n"
				    "1.2.643.100.114 = ASN1:INTEGER:1\n"
				    "2.5.29.16 = ASN1:SEQUENCE:period\n"
				    "crlDistributionPoints = URI:http://example.ru/ca.crl\n"
				    "[tools]\n"
				    "a = FORMAT:UTF8,UTF8:Средство ЭП\n"
				    "b = FORMAT:UTF8,UTF8:Средство УЦ\n"
				    "c = FORMAT:UTF8,UTF8:СФ/1\n"
				    "d = FORMAT:UTF8,UTF8:СФ/2\n"
				    "[period]\n"
				    "a = IMP:0,GENTIME:20260101000000Z\n"
				    "b = IMP:1,GENTIME:20270331235959Z\n";

static void qualified(const struct test_key *key, struct buffer *der)
{
	test_openssl_req(key, configuration, "-x509 -days 400", der);
}

static time_t openssl_time(const ASN1_TIME *date)
{
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(date, &tm), 1);
	return timegm(&tm);
}

static void check_slice(const uint8_t *ours, size_t ours_length, uint8_t *theirs, int theirs_length)
{
	assert_int_equal(ours_length, theirs_length);
	assert_memory_equal(ours, theirs, ours_length);
	OPENSSL_free(theirs);
}

/* Every part as OpenSSL reads it. */
static void check_against_openssl(const struct buffer *der)
{
	struct certificate certificate = {0};
	uint8_t digest[EVP_MAX_MD_SIZE], *bytes;
	const uint8_t *at = der->data;
	X509_EXTENSION *extension;
	char oid[64];
	unsigned size;
	struct error err;
	X509 *x509;
	int i, length;

	x509 = d2i_X509(NULL, &at, (long)der->length);
	assert_non_null(x509);
	assert_done(certificate_decode(der->data, der->length, &certificate, &err), &err);
	assert_int_equal(certificate.length, der->length);
	assert_memory_equal(certificate.der, der->data, der->length);
	bytes = NULL;
	length = i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), &bytes);
	check_slice(certificate.serial_der, certificate.serial_length, bytes, length);
	bytes = NULL;
	length = i2d_X509_NAME(X509_get_issuer_name(x509), &bytes);
	check_slice(certificate.issuer_der, certificate.issuer_length, bytes, length);
	bytes = NULL;
	length = i2d_X509_NAME(X509_get_subject_name(x509), &bytes);
	check_slice(certificate.subject_der, certificate.subject_length, bytes, length);
	bytes = NULL;
	length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &bytes);
	check_slice(certificate.spki, certificate.spki_length, bytes, length);
	assert_int_equal(certificate.not_before, openssl_time(X509_get0_notBefore(x509)));
	assert_int_equal(certificate.not_after, openssl_time(X509_get0_notAfter(x509)));
	assert_int_equal(X509_digest(x509, EVP_sha256(), digest, &size), 1);
	assert_memory_equal(certificate.sha256, digest, 32);
	assert_int_equal(X509_pubkey_digest(x509, EVP_sha1(), digest, &size), 1);
	assert_memory_equal(certificate.key_sha1, digest, 20);
	assert_int_equal(
		certificate.subject.count, X509_NAME_entry_count(X509_get_subject_name(x509)));
	assert_int_equal(certificate.extensions.count, X509_get_ext_count(x509));
	for (i = 0; i < X509_get_ext_count(x509); i++) {
		extension = X509_get_ext(x509, i);
		OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(extension), 1);
		assert_string_equal(certificate.extensions.list[i].oid, oid);
		assert_int_equal(certificate.extensions.list[i].critical,
			X509_EXTENSION_get_critical(extension) == 1);
		assert_int_equal(certificate.extensions.list[i].length,
			ASN1_STRING_length(X509_EXTENSION_get_data(extension)));
	}
	certificate_clear(&certificate);
	X509_free(x509);
}

static const enum signature_algorithm kinds[] = {SIGNATURE_RSA_SHA256, SIGNATURE_ECDSA_SHA256,
	SIGNATURE_ECDSA_SHA384, SIGNATURE_ECDSA_SHA512, SIGNATURE_ED25519};

static void reads_what_openssl_reads(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct test_key key = test_key_new(kinds[i]);

		qualified(&key, &der);
		check_against_openssl(&der);
		test_key_free(&key);
	}
	buffer_free(&der);
}

static const struct extension *find(const struct certificate *certificate, const char *oid)
{
	const struct extension *extension = extensions_find(&certificate->extensions, oid);

	assert_non_null(extension);
	return extension;
}

static void reads_the_russian_profile(void **state)
{
	struct test_key key = test_key_new(SIGNATURE_ECDSA_SHA256);
	struct buffer der = BUFFER_INIT(BUFFER_MAX), text = BUFFER_INIT(BUFFER_MAX);
	struct certificate certificate = {0};
	const struct extension *extension;
	enum identification_kind kind;
	struct issuer_sign_tool tool;
	time_t before, after;
	char oids[4][64];
	unsigned usage;
	struct error err;
	size_t count;

	(void)state;
	qualified(&key, &der);
	assert_done(certificate_decode(der.data, der.length, &certificate, &err), &err);
	assert_string_equal(name_get(&certificate.subject, "1.2.643.100.3"), "11223344595");
	assert_string_equal(name_get(&certificate.subject, "1.2.643.3.131.1.1"), "500100732259");
	assert_string_equal(name_get(&certificate.issuer, "2.5.4.42"), "Иван Иванович");
	extension = find(&certificate, OID_KEY_USAGE);
	assert_true(extension->critical);
	assert_done(key_usage_decode(extension->value, extension->length, &usage, &err), &err);
	assert_int_equal(usage, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION);
	extension = find(&certificate, OID_CERTIFICATE_POLICIES);
	assert_done(
		policies_decode(extension->value, extension->length, oids, 4, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_string_equal(oids[1], "1.2.643.100.113.2");
	extension = find(&certificate, OID_EXT_KEY_USAGE);
	assert_done(
		oid_list_decode(extension->value, extension->length, oids, 4, &count, &err), &err);
	assert_string_equal(oids[1], "1.3.6.1.5.5.7.3.4");
	extension = find(&certificate, OID_SUBJECT_SIGN_TOOL);
	assert_done(sign_tool_decode(extension->value, extension->length, &text, &err), &err);
	assert_string_equal(buffer_text(&text), "СКЗИ «Подпись»");
	extension = find(&certificate, OID_ISSUER_SIGN_TOOL);
	assert_done(
		issuer_sign_tool_decode(extension->value, extension->length, &tool, &err), &err);
	assert_string_equal(tool.ca_tool, "Средство УЦ");
	extension = find(&certificate, OID_IDENTIFICATION_KIND);
	assert_done(
		identification_kind_decode(extension->value, extension->length, &kind, &err), &err);
	assert_int_equal(kind, IDENTIFICATION_SIGNATURE);
	extension = find(&certificate, OID_PRIVATE_KEY_USAGE_PERIOD);
	assert_done(key_period_decode(extension->value, extension->length, &before, &after, &err),
		&err);
	assert_int_equal(before, 1767225600);
	assert_int_equal(after, 1806537599);
	assert_true(
		spki_equal(certificate.spki, certificate.spki_length, key.spki, key.spki_length));
	certificate_clear(&certificate);
	buffer_free(&der);
	buffer_free(&text);
	test_key_free(&key);
}

/* RFC 5280, 4.1.2.5, in both directions of the century. */
static void reads_both_times(void **state)
{
	static const struct {
		const char *before, *after, *words;
		time_t not_before, not_after;
	} rows[] = {
		{"500101000000Z", "491231235959Z", NULL, -631152000, 2524607999},
		{"260101000000Z", "99991231235959Z", NULL, 1767225600, 253402300799},
		{"20500101000000Z", "20500102000000Z", NULL, 2524608000, 2524694400},
		{"20260101000000Z", "491231235959Z", "notBefore: a GeneralizedTime before 2050", 0,
			0},
		{"270101000000Z", "260101000000Z", "validity: ends before it begins", 0, 0},
		{"260229000000Z", "270101000000Z", "notBefore: no such date", 0, 0},
		{"260101000060Z", "270101000000Z", "notBefore: no such date", 0, 0},
		{"260101240000Z", "270101000000Z", "notBefore: no such date", 0, 0},
	};
	struct test_key key = test_key_new(SIGNATURE_ED25519);
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct certificate certificate = {0};
	ASN1_TIME *time;
	struct error err;
	X509 *x509;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		x509 = test_certificate(&key, "t");
		/* By hand: OpenSSL would not write some of them. */
		time = ASN1_STRING_type_new(
			strlen(rows[i].before) == 13 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
		ASN1_STRING_set(time, rows[i].before, -1);
		X509_set1_notBefore(x509, time);
		ASN1_STRING_free(time);
		time = ASN1_STRING_type_new(
			strlen(rows[i].after) == 13 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
		ASN1_STRING_set(time, rows[i].after, -1);
		X509_set1_notAfter(x509, time);
		ASN1_STRING_free(time);
		assert_true(X509_sign(x509, key.key, NULL) > 0);
		buffer_reset(&der);
		test_certificate_der(x509, &der);
		if (rows[i].words != NULL) {
			assert_refused(certificate_decode(der.data, der.length, &certificate, &err),
				&err, rows[i].words);
			assert_null(certificate.der);
		} else {
			assert_done(
				certificate_decode(der.data, der.length, &certificate, &err), &err);
			assert_int_equal(certificate.not_before, rows[i].not_before);
			assert_int_equal(certificate.not_after, rows[i].not_after);
			certificate_clear(&certificate);
		}
		X509_free(x509);
	}
	buffer_free(&der);
	test_key_free(&key);
}

static void says_what_is_wrong(void **state)
{
	/* [0] { INTEGER 2 } at the beginning, and ed25519 in tbsCertificate */
	static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
	struct test_key key = test_key_new(SIGNATURE_ED25519);
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	X509 *x509 = test_certificate(&key, "Иван");
	struct certificate certificate = {0};
	struct error err;
	size_t at;

	(void)state;
	test_certificate_der(x509, &der);
	at = test_find(der.data, der.length, version, sizeof(version)) + 4;
	der.data[at] = 0;
	assert_refused(certificate_decode(der.data, der.length, &certificate, &err), &err,
		"certificate: version: the default is written out");
	der.data[at] = 1;
	assert_refused(certificate_decode(der.data, der.length, &certificate, &err), &err,
		"certificate: version: 2, but it has extensions");
	der.data[at] = 3;
	assert_refused(certificate_decode(der.data, der.length, &certificate, &err), &err,
		"certificate: version: 4 is not known");
	der.data[at] = 2;
	/* The last Ed25519 is the outer algorithm: 1.3.101.112 to .113 */
	for (at = der.length - 5; memcmp(der.data + at, "\x06\x03\x2b\x65\x70", 5) != 0; at--)
		continue;
	der.data[at + 4] = 0x71;
	assert_refused(certificate_decode(der.data, der.length, &certificate, &err), &err,
		"certificate: signatureAlgorithm: another one than in tbsCertificate");
	der.data[at + 4] = 0x70;
	assert_refused(certificate_decode(der.data, der.length - 1, &certificate, &err), &err,
		"certificate: not DER at byte 0: ");
	assert_refused(
		certificate_decode(der.data, 0, &certificate, &err), &err, "certificate: 0 bytes");
	assert_refused(certificate_decode(key.spki, key.spki_length, &certificate, &err), &err,
		"certificate: not Certificate");
	assert_done(certificate_decode(der.data, der.length, &certificate, &err), &err);
	certificate_clear(&certificate);
	X509_free(x509);
	buffer_free(&der);
	test_key_free(&key);
}

/* A chain in a folder, in every form that a person may have; returns how many were read. */
static size_t read_file(const char *folder, const char *name, struct error *err)
{
	struct buffer data = BUFFER_INIT(BUFFER_MAX);
	struct certificates certificates = {0};
	size_t count = 0;

	*err = (struct error){0};
	test_read(folder, name, &data);
	if (certificates_read(data.data, data.length, &certificates, err)) {
		count = certificates.count;
		assert_non_null(certificates.list[0].der);
		assert_int_equal(err->code, ERROR_NONE);
	} else {
		assert_null(certificates.list);
		assert_int_equal(err->code, ERROR_USAGE);
	}
	certificates_clear(&certificates);
	buffer_free(&data);
	return count;
}

static void prepare(char folder[128])
{
	test_folder(folder);
	assert_int_equal(
		test_run(
			"cd %s && exec 2>log && set -e\n"
			"for n in 1 2 3; do openssl req -x509 -newkey ed25519 -nodes -keyout "
			"k$n.pem -subj "
			"/CN=n$n -days 9 -out $n.pem; openssl x509 -in $n.pem -outform DER -out "
			"$n.der; done\n"
			"cat 1.pem 2.pem 3.pem > chain.pem\n"
			"cat k1.pem 1.pem 2.pem > with-key.pem\n"
			"cat 1.pem 2.pem 1.pem > repeated.pem\n"
			"for n in 1 2; do openssl x509 -in $n.pem -text; done > text.pem\n"
			"sed 's/$/\\r/' chain.pem > crlf.pem\n"
			"{ printf '\\357\\273\\277'; cat 1.pem; } > bom.pem\n"
			"openssl crl2pkcs7 -nocrl -certfile chain.pem -out p7.pem\n"
			"openssl crl2pkcs7 -nocrl -certfile chain.pem -outform DER -out p7.der\n"
			"sed 's/PKCS7/CMS/' p7.pem > cms.pem\n"
			/* BER: indefinite lengths, the content in pieces */
			"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
			"-keyout k4.pem -subj /CN=n4 -days 9 -out 4.pem\n"
			"for form in DER PEM; do openssl cms -sign -in chain.pem -binary -nodetach "
			"-stream -signer 4.pem -inkey k4.pem -certfile chain.pem -outform $form "
			"-out ber.$form; openssl cms -sign -keyid -in chain.pem -binary -nodetach "
			"-stream -signer 4.pem -inkey k4.pem -certfile chain.pem -outform $form "
			"-out ber-keyid.$form; done\n"
			"base64 ber.DER > ber.base64\n"
			"head -c 900 ber.DER > ber-cut.der; { cat ber.DER; echo; } > "
			"ber-trailing.der\n"
			"openssl cms -data_create -in 1.pem -binary -stream -outform DER -out "
			"ber-data.der\n"
			"grep -v -e - 1.pem > base64\n"
			"grep -v -e - 1.pem | tr -d '\\n' > base64-line\n"
			/* What is none */
			"openssl req -new -key k1.pem -subj /CN=x -out req.pem\n"
			"openssl req -in req.pem -outform DER -out req.der\n"
			"openssl pkey -in k1.pem -outform DER -out key.der\n"
			"openssl pkey -in k1.pem -pubout -out pub.pem\n"
			"openssl pkey -in k1.pem -pubout -outform DER -out pub.der\n"
			"openssl pkcs12 -export -in 1.pem -inkey k1.pem -passout pass:x -out "
			"p12.der\n"
			"openssl pkcs8 -topk8 -in k1.pem -passout pass:x -outform DER -out "
			"encrypted.der\n"
			"openssl x509 -in 1.pem -trustout -out trusted.pem\n"
			"touch index; printf "
			"'[ca]\\ndefault_ca=a\\n[a]\\ndatabase=index\\ndefault_md=sha256\\n"
			"default_crl_days=9\\n' > ca.cnf\n"
			"openssl ca -config ca.cnf -gencrl -keyfile k1.pem -cert 1.pem -out "
			"crl.pem\n"
			"openssl crl -in crl.pem -outform DER -out crl.der\n"
			"openssl crl2pkcs7 -nocrl -outform DER -out empty.der\n"
			"sed '2s/^..../!!!!/' 1.pem > damaged.pem\n"
			"head -c 200 1.der > cut.der\n"
			"iconv -f UTF-8 -t UTF-16 1.pem > utf16.pem\n"
			"{ cat 1.der; echo; } > trailing.der\n"
			": > nothing; echo hello > plain; printf '%%%%PDF-1.7' > pdf; printf "
			"'PK\\003\\004' > zip\n"
			"printf '<!DOCTYPE html>' > html; printf '{\"a\":1}' > json; printf "
			"'\\001\\002' > binary",
			folder),
		0);
}

static void reads_every_form(void **state)
{
	static const struct {
		const char *name;
		size_t count;
	} rows[] = {
		{"1.pem", 1},
		{"1.der", 1},
		{"chain.pem", 3},
		{"ber.DER", 4},
		{"ber.PEM", 4},
		{"ber-keyid.DER", 4},
		{"ber.base64", 4},
		{"with-key.pem", 2},
		{"repeated.pem", 2},
		{"text.pem", 2},
		{"crlf.pem", 3},
		{"bom.pem", 1},
		{"p7.pem", 3},
		{"p7.der", 3},
		{"cms.pem", 3},
		{"base64", 1},
		{"base64-line", 1},
	};
	char folder[128];
	struct error err;
	size_t i;

	(void)state;
	prepare(folder);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (read_file(folder, rows[i].name, &err) != rows[i].count)
			fail_msg("%s: %s", rows[i].name, err.message);
	assert_int_equal(test_run("rm -r %s", folder), 0);
}

static void says_what_junk_looks_like(void **state)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{"req.pem",
			"a certificate request (PEM \"CERTIFICATE REQUEST\"), not a certificate"},
		{"req.der", "a certificate request, not a certificate"},
		{"k1.pem", "a private key (PEM \"PRIVATE KEY\"), not a certificate"},
		{"key.der", "a private key, not a certificate"},
		{"pub.pem", "a public key (PEM \"PUBLIC KEY\"), not a certificate"},
		{"pub.der", "a public key, not a certificate"},
		{"p12.der", "a PKCS #12 file (.p12, .pfx), not a certificate"},
		{"encrypted.der", "an encrypted private key, not a certificate"},
		{"trusted.pem", "OpenSSL's own format of trusted certificates"},
		{"crl.pem", "a revocation list (PEM \"X509 CRL\"), not a certificate"},
		{"crl.der", "a revocation list, not a certificate"},
		{"empty.der", "a PKCS #7 structure without certificates"},
		{"damaged.pem", "PEM block 1 is damaged: "},
		{"cut.der", "a length that goes beyond the end"},
		{"trailing.der", "more bytes behind the end"},
		{"ber-cut.der", ""},
		{"ber-trailing.der", ""},
		{"ber-data.der", ""},
		{"utf16.pem", "text in UTF-16, not a certificate"},
		{"nothing", "nothing at all, not a certificate"},
		{"plain", "plain text, not a certificate: PEM, DER and PKCS #7 are understood"},
		{"pdf", "a PDF document, not a certificate"},
		{"zip", "a ZIP archive or an office document, not a certificate"},
		{"html", "a web page, not a certificate"},
		{"json", "a JSON document, not a certificate"},
		{"binary", "binary data of an unknown kind, not a certificate"},
	};
	char folder[128];
	struct error err;
	size_t i;

	(void)state;
	prepare(folder);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_file(folder, rows[i].name, &err) != 0)
			fail_msg("%s was taken for a certificate", rows[i].name);
		if (strstr(err.message, rows[i].words) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].name, err.message,
				rows[i].words);
	}
	assert_int_equal(test_run("rm -r %s", folder), 0);
}

/* What is taken agrees with what OpenSSL sees in the same bytes. */
static void try_mutant(const uint8_t *data, size_t length, void *context)
{
	struct certificate certificate = {0};
	struct certificates certificates = {0};
	const uint8_t *at = data;
	unsigned *taken = context;
	struct error err;
	X509 *x509;

	if (certificate_decode(data, length, &certificate, &err)) {
		++*taken;
		assert_true(certificate.not_before <= certificate.not_after);
		x509 = d2i_X509(NULL, &at, (long)length);
		if (x509 != NULL) {
			assert_ptr_equal(at, data + length);
			assert_int_equal(certificate.extensions.count, X509_get_ext_count(x509));
			X509_free(x509);
		}
		certificate_clear(&certificate);
	} else {
		assert_non_null(strstr(err.message, "certificate: "));
	}
	if (certificates_read(data, length, &certificates, &err))
		certificates_clear(&certificates);
}

static void try_file(const uint8_t *data, size_t length, void *context)
{
	struct certificates certificates = {0};
	unsigned *taken = context;

	if (certificates_read(data, length, &certificates, NULL)) {
		++*taken;
		assert_in_range(certificates.count, 1, 32);
		certificates_clear(&certificates);
	}
}

static void mutants(void **state)
{
	struct test_key key = test_key_new(SIGNATURE_ECDSA_SHA256);
	struct buffer data = BUFFER_INIT(BUFFER_MAX);
	unsigned taken = 0;
	char folder[128];

	(void)state;
	qualified(&key, &data);
	test_mutate(&data, 5000, try_mutant, &taken);
	assert_in_range(taken, 100, 4500);
	prepare(folder);
	taken = 0;
	test_read(folder, "p7.der", &data);
	test_mutate(&data, 3000, try_file, &taken);
	test_read(folder, "ber.DER", &data);
	test_mutate(&data, 3000, try_file, &taken);
	test_read(folder, "chain.pem", &data);
	test_mutate(&data, 2000, try_file, &taken);
	test_read(folder, "base64", &data);
	test_mutate(&data, 2000, try_file, &taken);
	assert_in_range(taken, 100, 9000);
	assert_int_equal(test_run("rm -r %s", folder), 0);
	buffer_free(&data);
	test_key_free(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_openssl_reads),
		cmocka_unit_test(reads_the_russian_profile),
		cmocka_unit_test(reads_both_times),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(says_what_junk_looks_like),
		cmocka_unit_test(mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

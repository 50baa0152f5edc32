/*
 * cms_person: somebody with a key and a certificate who signs one content.
 */
#ifndef PODPIS_TESTS_CMS_PERSON_H
#define PODPIS_TESTS_CMS_PERSON_H

#include "asn1/cms.h"
#include "tests/asn1_support.h"

static const char content[] = "{\"version\":1,\"person\":\"Иванов\"}\r\nline\n";
#define CONTENT_LENGTH (sizeof(content) - 1)
#define CONTENT        ((const uint8_t *)content)

#define SIGNING_TIME   1767225599 /* 2025-12-31T23:59:59Z */

/* A key with its certificate. */
struct person {
	struct test_key key;
	X509 *x509;
	struct buffer der;
};

static inline void person_new(struct person *person, enum signature_algorithm algorithm)
{
	person->key = test_key_new(algorithm);
	person->x509 = test_certificate(&person->key, "Иванов Иван Иванович");
	person->der = BUFFER_INIT(BUFFER_MAX);
	test_certificate_der(person->x509, &person->der);
}

static inline void person_free(struct person *person)
{
	test_key_free(&person->key);
	X509_free(person->x509);
	buffer_free(&person->der);
}

static inline void person_sign(struct person *person, bool attached, struct buffer *der)
{
	const struct cms_certificate certificates[] = {{person->der.data, person->der.length}};
	const struct cms_signing signing = {
		.signer = test_key_signer(&person->key),
		.certificates = certificates,
		.certificate_count = 1,
		.attached = attached,
		.signing_time = SIGNING_TIME,
	};
	struct error err;

	buffer_reset(der);
	assert_done(cms_sign(&signing, CONTENT, CONTENT_LENGTH, der, &err), &err);
}

#endif

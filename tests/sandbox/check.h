/*
 * check: what the authority checks of an application before it believes it: the fields, the PKCS#10.
 */
#ifndef PODPIS_SANDBOX_CHECK_H
#define PODPIS_SANDBOX_CHECK_H

#include <jansson.h>
#include <openssl/x509.h>

#include "module/support/buffer.h"
#include "tests/sandbox/codec.h"
#include "tests/sandbox/profile.h"

#define CHECK_MESSAGE_MAX 256

/* What was refused: the API's code, Russian words, fields ([{name, reason}], made by who calls). */
struct check_problem {
	const char *code;
	char message[CHECK_MESSAGE_MAX];
	json_t *fields;
};

/* Fills the problem and returns false. */
bool check_refuse(struct check_problem *problem, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Formats and checksums; what a person can correct is appended to `fields`. */
void check_fields(const json_t *person, json_t *fields);

bool check_inn(const char *text);   /* 10 or 12 digits */
bool check_snils(const char *text); /* 11 digits */
bool check_ogrn(const char *text);  /* 13 digits, or 15 (OGRNIP) */

/*
 * Proof of possession, kind and size of the key, subject and extensions as dictated. On success *out is the
 * request (the caller frees it) and `spki` the SHA-256 of its SubjectPublicKeyInfo. Codes: invalid-request,
 * weak-key.
 */
bool check_request(const struct buffer *der, const struct profile_template *templ, X509_REQ **out,
	uint8_t spki[CODEC_SHA256], struct check_problem *problem);

#endif

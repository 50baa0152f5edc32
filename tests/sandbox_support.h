/*
 * sandbox_support: what the tests of the sandbox's parts share: a person, keys, requests, a sandbox of its own.
 */
#ifndef PODPIS_TESTS_SANDBOX_SUPPORT_H
#define PODPIS_TESTS_SANDBOX_SUPPORT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/ca.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/profile.h"
#include "tests/sandbox/sandbox.h"

struct bench {
	char dir[256];
	struct options options;
	struct sandbox sandbox;
};

static inline void bench_remove(struct bench *bench)
{
	static const char *const files[] = {"/lock", "/state.db", "/state.db-wal", "/state.db-shm"};
	static const char *const logins[] = {"admin", "ivanov", "sidorova", "volkova", "smirnov"};
	char path[512];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s%s", bench->dir, files[i]);
		unlink(path);
	}
	for (size_t i = 0; i < sizeof logins / sizeof *logins; i++) {
		snprintf(path, sizeof path, "%s/accounts/%s.ini", bench->dir, logins[i]);
		unlink(path);
		snprintf(path, sizeof path, "%s/accounts/%s.password", bench->dir, logins[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/accounts", bench->dir);
	rmdir(path);
	rmdir(bench->dir);
}

static inline bool bench_open(struct bench *bench, struct error *err)
{
	bench->sandbox = (struct sandbox){.options = &bench->options, .faults = faults_new()};
	return store_open(bench->dir, &bench->sandbox.store, err) &&
	       accounts_open(bench->sandbox.store, err) &&
	       ca_open(bench->sandbox.store, false, "127.0.0.1", &bench->sandbox.ca, err);
}

static inline bool bench_make(struct bench *bench, int64_t verify_ms)
{
	const char *tmp = getenv("TMPDIR");
	struct error err = {0};

	*bench = (struct bench){.options = {.verify_ms = verify_ms, .token_seconds = 900}};
	snprintf(bench->dir, sizeof bench->dir, "%s/podpis-sandbox-unit.XXXXXX",
		tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(bench->dir) == NULL)
		return false;
	bool ok = bench_open(bench, &err);
	if (!ok)
		fprintf(stderr, "%s\n", err.message);
	return ok;
}

static inline void bench_close(struct bench *bench)
{
	ca_close(bench->sandbox.ca);
	faults_free(bench->sandbox.faults);
	store_close(bench->sandbox.store);
}

/* As the template says, signed by the key. */
static inline X509_REQ *make_request(const struct profile_template *templ, EVP_PKEY *key)
{
	X509_REQ *request = X509_REQ_new();
	X509_NAME *name = profile_template_name(templ);
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();

	for (unsigned i = 0; i < templ->extension_count; i++) {
		const struct profile_extension *from = &templ->extensions[i];
		ASN1_OBJECT *oid = OBJ_txt2obj(from->oid, 1);
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

		ASN1_OCTET_STRING_set(value, from->der, (int)from->length);
		sk_X509_EXTENSION_push(
			extensions, X509_EXTENSION_create_by_OBJ(NULL, oid, from->critical, value));
		ASN1_OCTET_STRING_free(value);
		ASN1_OBJECT_free(oid);
	}
	X509_REQ_set_version(request, 0);
	X509_REQ_set_subject_name(request, name);
	X509_REQ_set_pubkey(request, key);
	X509_REQ_add_extensions(request, extensions);
	X509_REQ_sign(request, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256());
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_NAME_free(name);
	return request;
}

static inline void request_der(X509_REQ *request, struct buffer *out)
{
	uint8_t *der = NULL;
	int length = i2d_X509_REQ(request, &der);

	buffer_reset(out);
	buffer_append(out, der, (size_t)length);
	OPENSSL_free(der);
}

static inline json_t *ivanov(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "surname", "Иванов",
		"given-name", "Иван", "patronymic", "Иванович", "birth-date", "1990-07-01", "inn",
		"770234561252", "snils", "12345678156", "country", "RU", "region", "77 Москва",
		"locality", "Москва", "email", "ivanov@example.ru", "phone", "+79161234502");
}

#endif

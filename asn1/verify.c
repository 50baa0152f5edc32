/*
 * What needs OpenSSL, in its default context: verification and digests. A file of its own, so that a
 * program which only builds structures does not link it.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "asn1/algorithm.h"
#include "asn1/spki.h"

static bool fail(struct error *err, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	error_set(err, ERROR_FAILED, "%s%s%s", what, reason != NULL ? ": " : "",
		reason != NULL ? reason : "");
	return false;
}

bool signature_verify(enum signature_algorithm algorithm, const uint8_t *spki, size_t spki_length,
	const uint8_t *data, size_t length, const uint8_t *signature, size_t signature_length,
	struct error *err)
{
	const struct algorithm *row = algorithm_find(algorithm);
	const uint8_t *at = spki;
	EVP_MD_CTX *context = NULL;
	EVP_PKEY *key = NULL;
	struct spki strict;
	bool done = false;

	if (row == NULL)
		return error_set(err, ERROR_FAILED, "unknown signature algorithm");
	/* OpenSSL reads keys generously; one that we would not write is not taken. */
	if (!spki_decode(spki, spki_length, &strict, err))
		return false;
	spki_clear(&strict);
	ERR_set_mark();
	key = d2i_PUBKEY(NULL, &at, (long)spki_length);
	if (key == NULL) {
		fail(err, "the public key is not valid");
		goto out;
	}
	if (!EVP_PKEY_is_a(key, row->key)) {
		error_set(err, ERROR_FAILED, "the signature is %s, the key is %s", row->name,
			EVP_PKEY_get0_type_name(key));
		goto out;
	}
	context = EVP_MD_CTX_new();
	if (context == NULL || EVP_DigestVerifyInit_ex(context, NULL, row->verify_digest, NULL,
				       NULL, key, NULL) != 1) {
		fail(err, "the signature cannot be verified");
		goto out;
	}
	if (EVP_DigestVerify(context, signature, signature_length, data, length) != 1) {
		error_set(err, ERROR_FAILED, "the signature does not match");
		goto out;
	}
	done = true;
out:
	ERR_pop_to_mark();
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return done;
}

bool algorithm_digest(const char *name, const void *data, size_t length, uint8_t digest[64],
	size_t *digest_length, struct error *err)
{
	uint8_t value[EVP_MAX_MD_SIZE];
	size_t size = 0, i;

	if (EVP_Q_digest(NULL, name, NULL, data, length, value, &size) != 1)
		return fail(err, name);
	for (i = 0; i < size; i++)
		digest[i] = value[i];
	*digest_length = size;
	return true;
}

/*
 * What needs OpenSSL, in its default context, or module/gost: verification (message_digest.c has the hashes). A
 * file of its own, so that a program which only builds structures does not link it.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "asn1/algorithm.h"
#include "asn1/message_digest.h"
#include "asn1/spki.h"
#include "module/gost/gost_signature.h"

static bool fail(struct error *err, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	error_set(err, ERROR_FAILED, "%s%s%s", what, reason != NULL ? ": " : "",
		reason != NULL ? reason : "");
	return false;
}

static bool verify_gost(const struct spki *spki, const uint8_t *data, size_t length,
	const uint8_t *signature, size_t signature_length, struct error *err)
{
	const struct gost_set *set = gost_set_find(spki->parameters, spki->parameters_length);
	struct gost_group *group = gost_group_new(set->curve);
	uint8_t digest[MESSAGE_DIGEST_MAX];
	struct gost_point point;
	bool done = false;
	size_t size;

	if (group == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
	} else if (!gost_point_load(group, &point, spki->point)) {
		error_set(err, ERROR_FAILED, "the public key is not valid");
	} else if (algorithm_digest(set->curve->bytes == 32 ? STREEBOG_256 : STREEBOG_512, data,
			   length, digest, &size, err)) {
		done = signature_length == spki->point_length &&
		       gost_signature_verify(group, &point, digest, signature);
		if (!done)
			error_set(err, ERROR_FAILED, "the signature does not match");
	}
	gost_group_free(group);
	return done;
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
	if (row->key == NULL) {
		if (strict.type == SPKI_GOST && spki_signature_algorithm(&strict) == algorithm)
			done = verify_gost(&strict, data, length, signature, signature_length, err);
		else
			error_set(err, ERROR_FAILED, "the signature is %s, the key is not",
				row->name);
		spki_clear(&strict);
		return done;
	}
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

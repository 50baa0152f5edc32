#include "tests/sandbox/gost_key.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/algorithm.h"
#include "asn1/der.h"
#include "asn1/oid.h"
#include "asn1/spki.h"
#include "module/gost/gost_signature.h"
#include "module/gost/streebog.h"
#include "tests/sandbox/codec.h"

#define SIGNED_MAX (1 << 20) /* bytes: a list may be long */
#define SEQUENCE   0x30

struct gost_key {
	const struct gost_set *set;
	struct gost_group *group;
	const struct gost_table *table; /* the group's */
	uint8_t d[GOST_BYTES_MAX];
};

static bool random_bytes(void *context, uint8_t *out, size_t length)
{
	(void)context;
	return codec_random(out, length);
}

void gost_key_free(struct gost_key *key)
{
	if (key == NULL)
		return;
	gost_group_free(key->group);
	OPENSSL_cleanse(key->d, sizeof key->d);
	free(key);
}

/* Without a number yet. */
static struct gost_key *key_new(const struct gost_set *set)
{
	struct gost_key *key = set != NULL ? calloc(1, sizeof *key) : NULL;

	if (key == NULL)
		return NULL;
	key->set = set;
	key->group = gost_group_new(set->curve);
	key->table = key->group != NULL ? gost_group_table(key->group) : NULL;
	if (key->table != NULL)
		return key;
	gost_key_free(key);
	return NULL;
}

struct gost_key *gost_key_generate(const char *set)
{
	struct gost_key *key = key_new(gost_set_named(set));

	if (key != NULL && gost_private_generate(key->group, random_bytes, NULL, key->d))
		return key;
	gost_key_free(key);
	return NULL;
}

struct gost_key *gost_key_other(const struct gost_key *key)
{
	return gost_key_generate(key->set->name);
}

bool gost_key_save(const struct gost_key *key, struct buffer *out)
{
	return buffer_append(out, key->set->oid, key->set->oid_length) &&
	       buffer_append(out, key->d, key->set->curve->bytes);
}

struct gost_key *gost_key_load(const uint8_t *data, size_t length)
{
	struct der_element oid;
	struct gost_key *key;

	if (!der_element(data, length, &oid, NULL))
		return NULL;
	key = key_new(gost_set_find(data, oid.size));
	if (key != NULL && length == oid.size + key->set->curve->bytes) {
		memcpy(key->d, data + oid.size, key->set->curve->bytes);
		if (gost_private_is_valid(key->group, key->d))
			return key;
	}
	gost_key_free(key);
	return NULL;
}

bool gost_key_spki(const struct gost_key *key, struct buffer *der)
{
	uint8_t point[2 * GOST_BYTES_MAX];

	return gost_private_public(key->group, key->table, random_bytes, NULL, key->d, point) &&
	       spki_encode_gost(key->set->oid, key->set->oid_length, point,
		       2 * key->set->curve->bytes, der, NULL);
}

/* ---- signing */

static bool append_sequence(const struct buffer *body, struct buffer *out)
{
	size_t at = out->length;

	if (!der_encode_primitive(DER_TAG_SEQUENCE, body->data, body->length, out, NULL))
		return false;
	out->data[at] = SEQUENCE;
	return true;
}

static bool append_algorithm(const struct gost_key *key, struct buffer *out)
{
	const struct algorithm *algorithm = algorithm_find(
		key->set->curve->bytes == 32 ? SIGNATURE_GOST_256 : SIGNATURE_GOST_512);
	struct buffer oid = BUFFER_INIT(OID_TEXT_MAX);
	bool ok = oid_encode(algorithm->oid, &oid, NULL) && append_sequence(&oid, out);

	buffer_free(&oid);
	return ok;
}

/* What is signed, of a certificate as of a list: its first SEQUENCE names the algorithm (RFC 5280, 4.1 and 5.1). */
static bool append_body(
	const struct gost_key *key, const struct der_element *tbs, struct buffer *out)
{
	struct buffer body = BUFFER_INIT(SIGNED_MAX);
	struct der_element part;
	size_t at = 0;
	bool named = false, ok = true;

	for (; ok && at < tbs->length; at += part.size) {
		ok = der_element(tbs->value + at, tbs->length - at, &part, NULL);
		if (ok && !named && part.class == 0 && part.tag == DER_TAG_SEQUENCE)
			ok = named = append_algorithm(key, &body);
		else
			ok = ok && buffer_append(&body, tbs->value + at, part.size);
	}
	ok = ok && named && append_sequence(&body, out);
	buffer_free(&body);
	return ok;
}

bool gost_key_sign_digest(const struct gost_key *key, const uint8_t *digest, struct buffer *out)
{
	uint8_t signature[2 * GOST_BYTES_MAX];
	struct gost_signer signer;

	gost_signer_init(&signer, key->group, key->table, random_bytes, NULL, key->d);
	bool ok = gost_signer_sign(&signer, digest, signature) &&
		  buffer_append(out, signature, 2 * key->set->curve->bytes);
	gost_signer_clear(&signer);
	return ok;
}

static bool append_signature(
	const struct gost_key *key, const uint8_t *data, size_t length, struct buffer *out)
{
	/* The unused bits of a BIT STRING, of which there are none, and s || r. */
	struct buffer bits = BUFFER_INIT(1 + 2 * GOST_BYTES_MAX);
	uint8_t digest[GOST_BYTES_MAX];
	struct streebog streebog;

	streebog_init(&streebog, key->set->curve->bytes);
	streebog_update(&streebog, data, length);
	streebog_final(&streebog, digest);
	bool ok = buffer_append(&bits, "", 1) && gost_key_sign_digest(key, digest, &bits) &&
		  der_encode_primitive(DER_TAG_BIT_STRING, bits.data, bits.length, out, NULL);
	buffer_free(&bits);
	return ok;
}

bool gost_key_sign(
	const struct gost_key *key, const uint8_t *der, size_t length, struct buffer *out)
{
	struct buffer body = BUFFER_INIT(SIGNED_MAX);
	struct der_element whole, tbs;
	bool ok = der_element(der, length, &whole, NULL) &&
		  der_element(whole.value, whole.length, &tbs, NULL) &&
		  append_body(key, &tbs, &body);

	/* Algorithm and signature follow the bytes that were signed. */
	size_t signed_length = body.length;
	ok = ok && append_algorithm(key, &body) &&
	     append_signature(key, body.data, signed_length, &body) && append_sequence(&body, out);
	buffer_free(&body);
	return ok;
}

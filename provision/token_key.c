#include "provision/token_key.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "module/gost/gost_curve.h"
#include "module/gost/streebog.h"
#include "provision/i18n.h"
#include "provision/token_object.h"

#define SIGNATURE_MAX 2048
#define SPKI_MAX      4096
#define PROOF_BYTES   64

/* DER of the curves' OIDs, as CKA_EC_PARAMS wants them. */
static const CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const CK_BYTE p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
/* PrintableString "edwards25519", which SoftHSM wants, and the OID of RFC 8410, of PKCS #11 v3.1. */
static const CK_BYTE edwards_name[] = {
	0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};
static const CK_BYTE edwards_oid[] = {0x06, 0x03, 0x2b, 0x65, 0x70};

/* The digest that goes with a GOST key (CKA_GOSTR3411_PARAMS). */
static const CK_BYTE streebog_256[] = {0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x02, 0x02};
static const CK_BYTE streebog_512[] = {0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x02, 0x03};

struct key_spec {
	const char *name;
	CK_MECHANISM_TYPE mechanism;
	CK_KEY_TYPE type;
	CK_ULONG bits; /* RSA */
	const CK_BYTE *parameters, *other_parameters;
	CK_ULONG parameters_length, other_length;
};

/* "gost:" and a parameter set's name, or a length: the set of that length that most others know. */
#define GOST_PREFIX "gost:"
static const struct {
	const char *length, *set;
} gost_lengths[] = {{"256", "CryptoPro-A"}, {"512", "tc26-512-A"}};

static const struct key_spec specs[] = {
	{"rsa:2048", CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, 2048, NULL, NULL, 0, 0},
	{"rsa:3072", CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, 3072, NULL, NULL, 0, 0},
	{"rsa:4096", CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, 4096, NULL, NULL, 0, 0},
	{"ec:P-256", CKM_EC_KEY_PAIR_GEN, CKK_EC, 0, p256, NULL, sizeof(p256), 0},
	{"ec:P-384", CKM_EC_KEY_PAIR_GEN, CKK_EC, 0, p384, NULL, sizeof(p384), 0},
	{"ec:P-521", CKM_EC_KEY_PAIR_GEN, CKK_EC, 0, p521, NULL, sizeof(p521), 0},
	{"ed25519", CKM_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS, 0, edwards_oid, edwards_name,
		sizeof(edwards_oid), sizeof(edwards_name)},
};
#define SPEC_COUNT (sizeof(specs) / sizeof(specs[0]))

struct algorithm {
	enum signature_algorithm algorithm;
	CK_MECHANISM_TYPE hashing; /* hashes and signs; 0: none that is safe to use everywhere */
	CK_MECHANISM_TYPE raw;
	const char *digest;    /* OpenSSL's name; NULL: Streebog, or none */
	const uint8_t *prefix; /* of the DigestInfo (RFC 8017, 9.2 note 1) */
	size_t prefix_length;
	size_t streebog; /* bytes of its digest */
};

static const uint8_t info256[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
static const uint8_t info384[] = {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30};
static const uint8_t info512[] = {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40};

static const struct algorithm algorithms[] = {
	{SIGNATURE_RSA_SHA256, CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS, "SHA256", info256,
		sizeof(info256), 0},
	{SIGNATURE_RSA_SHA384, CKM_SHA384_RSA_PKCS, CKM_RSA_PKCS, "SHA384", info384,
		sizeof(info384), 0},
	{SIGNATURE_RSA_SHA512, CKM_SHA512_RSA_PKCS, CKM_RSA_PKCS, "SHA512", info512,
		sizeof(info512), 0},
	/* Hashed here: a good many tokens have plain CKM_ECDSA only. */
	{SIGNATURE_ECDSA_SHA256, 0, CKM_ECDSA, "SHA256", NULL, 0, 0},
	{SIGNATURE_ECDSA_SHA384, 0, CKM_ECDSA, "SHA384", NULL, 0, 0},
	{SIGNATURE_ECDSA_SHA512, 0, CKM_ECDSA, "SHA512", NULL, 0, 0},
	{SIGNATURE_ED25519, CKM_EDDSA, CKM_EDDSA, NULL, NULL, 0, 0},
	{SIGNATURE_GOST_256, CKM_GOSTR3410_WITH_GOSTR3411_12_256, CKM_GOSTR3410, NULL, NULL, 0, 32},
	{SIGNATURE_GOST_512, CKM_GOSTR3410_WITH_GOSTR3411_12_512, CKM_GOSTR3410_512, NULL, NULL, 0,
		64},
};

static const struct algorithm *algorithm_find(enum signature_algorithm algorithm)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].algorithm == algorithm)
			return &algorithms[i];
	}
	return NULL;
}

static const struct gost_set *gost_find(const char *name)
{
	for (size_t i = 0; i < sizeof(gost_lengths) / sizeof(gost_lengths[0]); i++)
		if (strcmp(gost_lengths[i].length, name) == 0)
			name = gost_lengths[i].set;
	return gost_set_named(name);
}

static void gost_spec(const char *name, const struct gost_set *set, struct key_spec *out)
{
	bool is_512 = set->curve->bytes == 64;

	*out = (struct key_spec){.name = name,
		.mechanism = is_512 ? CKM_GOSTR3410_512_KEY_PAIR_GEN : CKM_GOSTR3410_KEY_PAIR_GEN,
		.type = is_512 ? CKK_GOSTR3410_512 : CKK_GOSTR3410,
		.parameters = set->oid,
		.parameters_length = (CK_ULONG)set->oid_length};
}

static bool spec_find(const char *name, struct key_spec *out, struct error *err)
{
	struct buffer names = BUFFER_INIT(1024);
	const struct gost_set *set = NULL;
	size_t i;

	for (i = 0; i < SPEC_COUNT; i++) {
		if (strcmp(specs[i].name, name) == 0) {
			*out = specs[i];
			buffer_free(&names);
			return true;
		}
		buffer_printf(&names, "%s, ", specs[i].name);
	}
	if (strncmp(name, GOST_PREFIX, strlen(GOST_PREFIX)) == 0)
		set = gost_find(name + strlen(GOST_PREFIX));
	if (set != NULL) {
		gost_spec(name, set, out);
		buffer_free(&names);
		return true;
	}
	buffer_printf(&names, GOST_PREFIX "256, " GOST_PREFIX "512");
	for (i = 0; (set = gost_set_at(i)) != NULL; i++)
		buffer_printf(&names, ", " GOST_PREFIX "%s", set->name);
	error_set(err, ERROR_USAGE, _("there is no kind of key %s; there are: %s"), name,
		buffer_text(&names));
	buffer_free(&names);
	return false;
}

bool token_key_spec_check(const char *spec, struct error *err)
{
	struct key_spec found;

	return spec_find(spec, &found, err);
}

bool token_key_spec_fits(const char *spec, const uint8_t *spki, size_t spki_length)
{
	struct spki key = {0};
	struct key_spec wanted;
	bool fits;

	if (!spec_find(spec, &wanted, NULL) || !spki_decode(spki, spki_length, &key, NULL))
		return false;
	if (key.type == SPKI_RSA)
		fits = wanted.type == CKK_RSA && wanted.bits == key.bits;
	else if (key.type == SPKI_ED25519)
		fits = wanted.type == CKK_EC_EDWARDS;
	else
		fits = wanted.parameters_length == key.parameters_length &&
		       memcmp(wanted.parameters, key.parameters, key.parameters_length) == 0;
	spki_clear(&key);
	return fits;
}

static CK_RV generate(struct slot *slot, const struct key_spec *spec, const CK_BYTE *parameters,
	CK_ULONG parameters_length, const uint8_t *id, size_t id_length, const char *label)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_BYTE exponent[] = {1, 0, 1};
	CK_ULONG bits = spec->bits, public_count = 4, private_count = 7;
	CK_KEY_TYPE type = spec->type;
	const CK_BYTE *digest = type == CKK_GOSTR3410 ? streebog_256 : streebog_512;
	CK_ATTRIBUTE public_part[8] = {
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_VERIFY, &yes, sizeof(yes)},
		{CKA_ID, (void *)(uintptr_t)id, (CK_ULONG)id_length},
		{CKA_LABEL, (void *)(uintptr_t)label, (CK_ULONG)strlen(label)},
	};
	CK_ATTRIBUTE private_part[9] = {
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_PRIVATE, &yes, sizeof(yes)},
		{CKA_SENSITIVE, &yes, sizeof(yes)},
		{CKA_EXTRACTABLE, &no, sizeof(no)},
		{CKA_SIGN, &yes, sizeof(yes)},
		{CKA_ID, (void *)(uintptr_t)id, (CK_ULONG)id_length},
		{CKA_LABEL, (void *)(uintptr_t)label, (CK_ULONG)strlen(label)},
	};
	CK_MECHANISM mechanism = {spec->mechanism, NULL, 0};
	CK_OBJECT_HANDLE public_key, private_key;

	if (spec->bits != 0) {
		public_part[public_count++] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)};
		public_part[public_count++] =
			(CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)};
		/* Tokens differ in what an RSA key may do when nothing is said: this one signs. */
		public_part[public_count++] = (CK_ATTRIBUTE){CKA_ENCRYPT, &no, sizeof(no)};
		public_part[public_count++] = (CK_ATTRIBUTE){CKA_WRAP, &no, sizeof(no)};
		private_part[private_count++] = (CK_ATTRIBUTE){CKA_DECRYPT, &no, sizeof(no)};
		private_part[private_count++] = (CK_ATTRIBUTE){CKA_UNWRAP, &no, sizeof(no)};
	} else if (type == CKK_GOSTR3410 || type == CKK_GOSTR3410_512) {
		public_part[public_count++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
		public_part[public_count++] = (CK_ATTRIBUTE){
			CKA_GOSTR3410_PARAMS, (void *)(uintptr_t)parameters, parameters_length};
		public_part[public_count++] = (CK_ATTRIBUTE){
			CKA_GOSTR3411_PARAMS, (void *)(uintptr_t)digest, sizeof(streebog_256)};
		private_part[private_count++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
	} else {
		public_part[public_count++] = (CK_ATTRIBUTE){
			CKA_EC_PARAMS, (void *)(uintptr_t)parameters, parameters_length};
	}
	return slot->functions->C_GenerateKeyPair(slot->session, &mechanism, public_part,
		public_count, private_part, private_count, &public_key, &private_key);
}

bool token_key_generate(struct slot *slot, const char *spec, const uint8_t *id, size_t id_length,
	const char *label, struct error *err)
{
	struct key_spec found;
	CK_RV rv;

	if (!spec_find(spec, &found, err))
		return false;
	rv = generate(
		slot, &found, found.parameters, found.parameters_length, id, id_length, label);
	/* A refusal of the parameters made nothing; the other way to write the same curve may be known. */
	if (rv != CKR_OK && found.other_parameters != NULL && rv != CKR_USER_NOT_LOGGED_IN)
		rv = generate(slot, &found, found.other_parameters, found.other_length, id,
			id_length, label);
	if (rv == CKR_MECHANISM_INVALID)
		return error_set(
			err, ERROR_USAGE, _("the token %s can't make %s keys"), slot->label, spec);
	return rv == CKR_OK || slot_fail(err, "C_GenerateKeyPair", rv);
}

/* SubjectPublicKeyInfo of a public key object. */
static bool read_spki(
	struct slot *slot, CK_OBJECT_HANDLE public_key, struct buffer *spki, struct error *err)
{
	struct buffer type = BUFFER_INIT(64), first = BUFFER_INIT(SPKI_MAX),
		      second = BUFFER_INIT(SPKI_MAX);
	CK_KEY_TYPE key_type = CK_UNAVAILABLE_INFORMATION;
	bool done = false;

	if (token_object_read(slot, public_key, CKA_KEY_TYPE, &type) &&
		type.length == sizeof(key_type))
		memcpy(&key_type, type.data, sizeof(key_type));
	if (key_type == CKK_RSA && token_object_read(slot, public_key, CKA_MODULUS, &first) &&
		token_object_read(slot, public_key, CKA_PUBLIC_EXPONENT, &second))
		done = spki_encode_rsa(
			first.data, first.length, second.data, second.length, spki, err);
	else if (key_type == CKK_EC && token_object_read(slot, public_key, CKA_EC_PARAMS, &first) &&
		 token_object_read(slot, public_key, CKA_EC_POINT, &second))
		done = spki_encode_ec(
			first.data, first.length, second.data, second.length, spki, err);
	else if (key_type == CKK_EC_EDWARDS &&
		 token_object_read(slot, public_key, CKA_EC_POINT, &second))
		done = spki_encode_ed25519(second.data, second.length, spki, err);
	else if ((key_type == CKK_GOSTR3410 || key_type == CKK_GOSTR3410_512) &&
		 token_object_read(slot, public_key, CKA_GOSTR3410_PARAMS, &first) &&
		 token_object_read(slot, public_key, CKA_VALUE, &second))
		done = spki_encode_gost(
			first.data, first.length, second.data, second.length, spki, err);
	else
		error_set(err, ERROR_FAILED, _("the public key can't be read from the token"));
	buffer_free(&type);
	buffer_free(&first);
	buffer_free(&second);
	return done;
}

bool token_key_look(struct slot *slot, const uint8_t *id, size_t id_length,
	enum token_key_found *found, struct error *err)
{
	CK_OBJECT_HANDLE handle;
	size_t private_count = 0, public_count = 0;

	if (!token_object_by_id(
		    slot, CKO_PRIVATE_KEY, id, id_length, &handle, 1, &private_count, err) ||
		!token_object_by_id(
			slot, CKO_PUBLIC_KEY, id, id_length, &handle, 1, &public_count, err))
		return false;
	*found = private_count + public_count == 2   ? TOKEN_KEY_PAIR
		 : private_count + public_count == 1 ? TOKEN_KEY_HALF
						     : TOKEN_KEY_NONE;
	return true;
}

/* A mechanism of the token that signs with this algorithm. */
static bool choose_mechanism(struct token_key *key, struct error *err)
{
	const struct algorithm *algorithm = algorithm_find(key->algorithm);
	CK_FUNCTION_LIST *functions = key->slot->functions;
	CK_MECHANISM_INFO info;

	if (algorithm->hashing != 0 &&
		functions->C_GetMechanismInfo(key->slot->id, algorithm->hashing, &info) == CKR_OK &&
		(info.flags & CKF_SIGN) != 0) {
		key->mechanism = algorithm->hashing;
		key->hash = false;
		return true;
	}
	if (functions->C_GetMechanismInfo(key->slot->id, algorithm->raw, &info) != CKR_OK ||
		(info.flags & CKF_SIGN) == 0)
		return error_set(err, ERROR_FAILED,
			_("the token %s can't sign with this kind of key"), key->slot->label);
	key->mechanism = algorithm->raw;
	key->hash = true;
	return true;
}

bool token_key_open(struct slot *slot, const uint8_t *id, size_t id_length, const uint8_t *spki,
	size_t spki_length, struct token_key *out, struct error *err)
{
	struct token_key key = {.slot = slot, .spki = BUFFER_INIT(SPKI_MAX)};
	struct buffer flag = BUFFER_INIT(64);
	CK_OBJECT_HANDLE handles[2];
	struct spki decoded = {0};
	size_t count = 0;
	bool done = false;

	if (!token_object_by_id(slot, CKO_PRIVATE_KEY, id, id_length, handles, 2, &count, err))
		goto out;
	if (count != 1) {
		error_set(err, count == 0 ? ERROR_WORKPLACE : ERROR_FAILED,
			count == 0 ? _("the private key is not in the token %s")
				   : _("several private keys in the token %s have this CKA_ID"),
			slot->label);
		goto out;
	}
	key.private_key = handles[0];
	if (!token_object_by_id(slot, CKO_PUBLIC_KEY, id, id_length, handles, 2, &count, err))
		goto out;
	key.public_key = count > 0 ? handles[0] : CK_INVALID_HANDLE;
	if (spki != NULL)
		buffer_append(&key.spki, spki, spki_length);
	else if (count == 0) {
		error_set(err, ERROR_WORKPLACE, _("the public key is not in the token %s"),
			slot->label);
		goto out;
	} else if (!read_spki(slot, key.public_key, &key.spki, err)) {
		goto out;
	}
	if (!spki_decode(key.spki.data, key.spki.length, &decoded, err))
		goto out;
	key.algorithm = spki_signature_algorithm(&decoded);
	key.always_authenticate =
		token_object_read(slot, key.private_key, CKA_ALWAYS_AUTHENTICATE, &flag) &&
		flag.length == 1 && flag.data[0] != CK_FALSE;
	if (!choose_mechanism(&key, err))
		goto out;
	*out = key;
	key = (struct token_key){0};
	done = true;
out:
	spki_clear(&decoded);
	buffer_free(&flag);
	token_key_clear(&key);
	return done;
}

void token_key_clear(struct token_key *key)
{
	buffer_free(&key->spki);
	*key = (struct token_key){0};
}

static bool make_digest(const struct algorithm *algorithm, const uint8_t *data, size_t length,
	uint8_t digest[EVP_MAX_MD_SIZE], size_t *digest_length, struct error *err)
{
	struct streebog running;
	unsigned size = 0;

	if (algorithm->streebog != 0) {
		streebog_init(&running, algorithm->streebog);
		streebog_update(&running, data, length);
		streebog_final(&running, digest);
		*digest_length = algorithm->streebog;
		return true;
	}
	if (EVP_Digest(data, length, digest, &size, EVP_get_digestbyname(algorithm->digest),
		    NULL) != 1)
		return error_set(err, ERROR_FAILED, _("%s is not available"), algorithm->digest);
	*digest_length = size;
	return true;
}

/* The bytes that go into the mechanism: the data, or their digest in what the raw mechanism wants. */
static bool make_input(const struct token_key *key, const uint8_t *data, size_t length,
	struct buffer *input, struct error *err)
{
	const struct algorithm *algorithm = algorithm_find(key->algorithm);
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_length = 0;

	if (!key->hash)
		return buffer_append(input, data, length) ||
		       error_set(err, ERROR_FAILED, _("out of memory"));
	if (!make_digest(algorithm, data, length, digest, &digest_length, err))
		return false;
	return (buffer_append(input, algorithm->prefix, algorithm->prefix_length) &&
		       buffer_append(input, digest, digest_length)) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool sign(void *context, const uint8_t *data, size_t length, struct buffer *signature,
	struct error *err)
{
	struct token_key *key = context;
	struct slot *slot = key->slot;
	CK_MECHANISM mechanism = {key->mechanism, NULL, 0};
	struct buffer input = BUFFER_INIT(length + 128);
	CK_BYTE raw[SIGNATURE_MAX];
	CK_ULONG raw_length = sizeof(raw);
	bool done = false;
	CK_RV rv;

	if (!make_input(key, data, length, &input, err))
		goto out;
	rv = slot->functions->C_SignInit(slot->session, &mechanism, key->private_key);
	if (rv != CKR_OK) {
		slot_fail(err, "C_SignInit", rv);
		goto out;
	}
	/* PKCS #11 v2.40, 4.9: the login for this one signature comes after C_SignInit. */
	if (key->always_authenticate && slot->pin != NULL) {
		rv = slot->functions->C_Login(slot->session, CKU_CONTEXT_SPECIFIC, slot->pin->data,
			(CK_ULONG)slot->pin->length);
		if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN) {
			slot_fail(err, "C_Login", rv);
			goto out;
		}
	}
	rv = slot->functions->C_Sign(
		slot->session, input.data, (CK_ULONG)input.length, raw, &raw_length);
	if (rv != CKR_OK) {
		slot_fail(err, "C_Sign", rv);
		goto out;
	}
	done = signature_from_pkcs11(key->algorithm, raw, raw_length, signature, err);
out:
	buffer_free(&input);
	return done;
}

struct signer token_key_signer(struct token_key *key)
{
	return (struct signer){.algorithm = key->algorithm, .context = key, .sign = sign};
}

bool token_key_prove(struct token_key *key, struct error *err)
{
	struct buffer signature = BUFFER_INIT(SIGNATURE_MAX);
	uint8_t challenge[PROOF_BYTES];
	bool done = false;

	if (RAND_bytes(challenge, sizeof(challenge)) != 1) {
		error_set(err, ERROR_FAILED, _("no random numbers"));
		goto out;
	}
	done = sign(key, challenge, sizeof(challenge), &signature, err) &&
	       signature_verify(key->algorithm, key->spki.data, key->spki.length, challenge,
		       sizeof(challenge), signature.data, signature.length, err);
	if (!done)
		error_prefix(err, _("the proof with a signature failed"));
out:
	buffer_free(&signature);
	return done;
}

static CK_RV set_names(struct slot *slot, CK_OBJECT_HANDLE object, const uint8_t *id,
	size_t id_length, const char *label)
{
	CK_ATTRIBUTE changes[2] = {{CKA_ID, (void *)(uintptr_t)id, (CK_ULONG)id_length}};
	CK_ULONG count = 1;

	if (label != NULL)
		changes[count++] = (CK_ATTRIBUTE){
			CKA_LABEL, (void *)(uintptr_t)label, (CK_ULONG)strlen(label)};
	return slot->functions->C_SetAttributeValue(slot->session, object, changes, count);
}

bool token_key_rename(struct slot *slot, const uint8_t *from, size_t from_length, const uint8_t *to,
	size_t to_length, const char *label, struct error *err)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
	CK_OBJECT_HANDLE handles[2], renamed[2];
	size_t count, done_count = 0;

	for (size_t i = 0; i < 2; i++) {
		CK_RV rv;

		if (!token_object_by_id(
			    slot, classes[i], from, from_length, handles, 1, &count, err))
			return false;
		if (count == 0)
			continue;
		rv = set_names(slot, handles[0], to, to_length, label);
		if (rv != CKR_OK) {
			for (size_t j = 0; j < done_count; j++)
				set_names(slot, renamed[j], from, from_length, NULL);
			return slot_fail(err, "C_SetAttributeValue", rv);
		}
		renamed[done_count++] = handles[0];
	}
	return true;
}

bool token_key_destroy(struct slot *slot, const uint8_t *id, size_t id_length, struct error *err)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
	CK_OBJECT_HANDLE handles[2];
	size_t count;

	for (size_t i = 0; i < 2; i++) {
		if (!token_object_by_id(slot, classes[i], id, id_length, handles, 2, &count, err))
			return false;
		for (size_t j = 0; j < count; j++) {
			CK_RV rv = slot->functions->C_DestroyObject(slot->session, handles[j]);

			if (rv != CKR_OK)
				return slot_fail(err, "C_DestroyObject", rv);
		}
	}
	return true;
}

bool token_key_label_taken(struct slot *slot, const char *label, bool *taken, struct error *err)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_LABEL, (void *)(uintptr_t)label, (CK_ULONG)strlen(label)},
	};
	CK_OBJECT_HANDLE handle;
	size_t count = 0;

	if (!token_object_find(slot, templ, 2, &handle, 1, &count, err))
		return false;
	*taken = count > 0;
	return true;
}

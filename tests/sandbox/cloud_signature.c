#include "tests/sandbox/cloud_signature.h"

#include <openssl/asn1.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

#include "tests/sandbox/authorization.h"
#include "tests/sandbox/codec.h"
#include "tests/sandbox/csc.h"
#include "tests/sandbox/deferred.h"
#include "tests/sandbox/store.h"

/* How a key is used, by the algorithm's OID; the digest NULL: hashAlgo says. */
static const struct algorithm {
	const char *oid;
	enum credential_key type;
	int padding;
	const char *digest; /* its OID */
} algorithms[] = {
	{"1.2.840.113549.1.1.1", CREDENTIAL_RSA, RSA_PKCS1_PADDING, NULL},
	{"1.2.840.113549.1.1.10", CREDENTIAL_RSA, RSA_PKCS1_PSS_PADDING, NULL},
	{"1.2.840.113549.1.1.11", CREDENTIAL_RSA, RSA_PKCS1_PADDING, "2.16.840.1.101.3.4.2.1"},
	{"1.2.840.113549.1.1.12", CREDENTIAL_RSA, RSA_PKCS1_PADDING, "2.16.840.1.101.3.4.2.2"},
	{"1.2.840.113549.1.1.13", CREDENTIAL_RSA, RSA_PKCS1_PADDING, "2.16.840.1.101.3.4.2.3"},
	{"1.2.840.10045.2.1", CREDENTIAL_EC, 0, NULL},
	{"1.2.840.10045.4.3.2", CREDENTIAL_EC, 0, "2.16.840.1.101.3.4.2.1"},
	{"1.2.840.10045.4.3.3", CREDENTIAL_EC, 0, "2.16.840.1.101.3.4.2.2"},
	{"1.2.840.10045.4.3.4", CREDENTIAL_EC, 0, "2.16.840.1.101.3.4.2.3"},
	{"1.2.643.7.1.1.1.1", CREDENTIAL_GOST_256, 0, CSC_STREEBOG_256},
	{"1.2.643.7.1.1.3.2", CREDENTIAL_GOST_256, 0, CSC_STREEBOG_256},
	{"1.2.643.7.1.1.1.2", CREDENTIAL_GOST_512, 0, CSC_STREEBOG_512},
	{"1.2.643.7.1.1.3.3", CREDENTIAL_GOST_512, 0, CSC_STREEBOG_512},
};

/* One request, checked. */
struct order {
	const struct algorithm *algorithm;
	const char *digest; /* OID */
	const json_t *hashes;
	int salt; /* of PSS, bytes */
	const EVP_MD *mgf1;
};

static const EVP_MD *digest_by_oid(const char *oid)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	const EVP_MD *digest = object != NULL ? EVP_get_digestbyobj(object) : NULL;

	ASN1_OBJECT_free(object);
	return digest;
}

static bool invalid(struct response *response, const char *name)
{
	return csc_error(response, 400, "invalid_request", "Invalid parameter %s", name);
}

/* RSASSA-PSS-params (RFC 4055, 3.1). */
static bool read_pss(struct request *request, struct response *response, struct order *order)
{
	struct buffer der = BUFFER_INIT(1024);
	const char *text = NULL;
	RSA_PSS_PARAMS *params = NULL;
	const uint8_t *p;
	const ASN1_OBJECT *hash = NULL, *mask = NULL;
	bool ok = false;

	if (!csc_string(request, response, "signAlgoParams", false, &text))
		return false;
	if (codec_unbase64(text, strlen(text), &der)) {
		p = der.data;
		params = d2i_RSA_PSS_PARAMS(NULL, &p, (long)der.length);
	}
	if (params != NULL && params->hashAlgorithm != NULL && params->maskGenAlgorithm != NULL &&
		params->saltLength != NULL) {
		X509_ALGOR *inner = NULL;

		X509_ALGOR_get0(&hash, NULL, NULL, params->hashAlgorithm);
		if (params->maskGenAlgorithm->parameter != NULL &&
			params->maskGenAlgorithm->parameter->type == V_ASN1_SEQUENCE)
			inner = ASN1_TYPE_unpack_sequence(
				ASN1_ITEM_rptr(X509_ALGOR), params->maskGenAlgorithm->parameter);
		if (inner != NULL) {
			X509_ALGOR_get0(&mask, NULL, NULL, inner);
			order->mgf1 = EVP_get_digestbyobj(mask);
		}
		X509_ALGOR_free(inner);
		order->salt = (int)ASN1_INTEGER_get(params->saltLength);
		ok = order->mgf1 != NULL && order->salt >= 0 && order->salt <= 64 &&
		     EVP_get_digestbyobj(hash) == digest_by_oid(order->digest);
	}
	RSA_PSS_PARAMS_free(params);
	buffer_free(&der);
	return ok || invalid(response, "signAlgoParams");
}

static bool read_algorithm(struct request *request, struct response *response,
	const struct credential *credential, struct order *order)
{
	const char *oid = NULL, *hash = NULL;
	const char *hash_name = csc_version(request) == 1 ? "hashAlgo" : "hashAlgorithmOID";

	if (!csc_string(request, response, "signAlgo", false, &oid))
		return false;
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		if (strcmp(algorithms[i].oid, oid) == 0 && algorithms[i].type == credential->type)
			order->algorithm = &algorithms[i];
	}
	if (order->algorithm == NULL)
		return invalid(response, "signAlgo");
	/* Only what the algorithm does not say by itself has to be said. */
	if (!csc_string(request, response, hash_name, order->algorithm->digest != NULL, &hash))
		return false;
	order->digest = order->algorithm->digest != NULL ? order->algorithm->digest : hash;
	if (hash != NULL && strcmp(hash, order->digest) != 0)
		return invalid(response, hash_name);
	if (csc_digest_size(order->digest) == 0)
		return invalid(response, hash_name);
	return order->algorithm->padding != RSA_PKCS1_PSS_PADDING ||
	       read_pss(request, response, order);
}

/* r || s, each as long as the field. */
static bool to_raw(const EVP_PKEY *key, struct buffer *signature)
{
	const uint8_t *p = signature->data;
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &p, (long)signature->length);
	int size = (EVP_PKEY_get_bits(key) + 7) / 8;
	uint8_t raw[132];
	bool ok = parsed != NULL && size * 2 <= (int)sizeof raw &&
		  BN_bn2binpad(ECDSA_SIG_get0_r(parsed), raw, size) == size &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(parsed), raw + size, size) == size;

	buffer_reset(signature);
	ok = ok && buffer_append(signature, raw, (size_t)size * 2);
	ECDSA_SIG_free(parsed);
	return ok;
}

static void reverse(uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length / 2; i++) {
		uint8_t byte = bytes[i];

		bytes[i] = bytes[length - 1 - i];
		bytes[length - 1 - i] = byte;
	}
}

/* s || r, or as others write it. */
static bool sign_gost(
	const struct credential *credential, const struct buffer *hash, struct buffer *signature)
{
	bool ok = gost_key_sign_digest(credential->gost, hash->data, signature);

	/* The halves change places where all is turned round, and then each half. */
	if (ok && credential->order != CREDENTIAL_SR)
		reverse(signature->data, signature->length);
	for (size_t half = 0; ok && credential->order == CREDENTIAL_RS && half < 2; half++)
		reverse(signature->data + half * signature->length / 2, signature->length / 2);
	return ok;
}

static bool sign_one(const struct credential *credential, const struct order *order,
	const struct buffer *hash, struct buffer *signature)
{
	if (credential->gost != NULL)
		return sign_gost(credential, hash, signature);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, credential->key, NULL);
	size_t length = (size_t)EVP_PKEY_get_size(credential->key);
	uint8_t *out = buffer_extend(signature, length);
	bool ok = context != NULL && out != NULL && EVP_PKEY_sign_init(context) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(context, digest_by_oid(order->digest)) == 1 &&
		  (order->algorithm->type == CREDENTIAL_EC ||
			  EVP_PKEY_CTX_set_rsa_padding(context, order->algorithm->padding) == 1) &&
		  (order->algorithm->padding != RSA_PKCS1_PSS_PADDING ||
			  (EVP_PKEY_CTX_set_rsa_pss_saltlen(context, order->salt) == 1 &&
				  EVP_PKEY_CTX_set_rsa_mgf1_md(context, order->mgf1) == 1)) &&
		  EVP_PKEY_sign(context, out, &length, hash->data, hash->length) == 1;

	EVP_PKEY_CTX_free(context);
	signature->length = ok ? length : 0;
	return ok && (!credential->raw || order->algorithm->type != CREDENTIAL_EC ||
			     to_raw(credential->key, signature));
}

static json_t *sign_all(const struct credential *credential, const struct order *order)
{
	struct buffer hash = BUFFER_INIT(128), signature = BUFFER_INIT(1024),
		      text = BUFFER_INIT(2048);
	json_t *list = json_array();
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(order->hashes); i++) {
		const json_t *one = json_array_get(order->hashes, i);

		buffer_reset(&hash);
		buffer_reset(&signature);
		buffer_reset(&text);
		ok = codec_unbase64(json_string_value(one), json_string_length(one), &hash) &&
		     sign_one(credential, order, &hash, &signature) &&
		     codec_base64(signature.data, signature.length, &text) &&
		     json_array_append_new(list, json_string(buffer_text(&text))) == 0;
	}
	buffer_free(&hash);
	buffer_free(&signature);
	buffer_free(&text);
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

static bool check_lengths(struct response *response, const struct order *order)
{
	struct buffer hash = BUFFER_INIT(128);
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(order->hashes); i++) {
		const json_t *one = json_array_get(order->hashes, i);

		buffer_reset(&hash);
		ok = codec_unbase64(json_string_value(one), json_string_length(one), &hash) &&
		     hash.length == csc_digest_size(order->digest);
	}
	buffer_free(&hash);
	return ok || csc_error(response, 400, "invalid_request", "Invalid digest value length");
}

/* With version 2 an access token that was given for this credential stands for the SAD. */
static bool read_sad(struct request *request, struct response *response,
	const struct credential *credential, const char **sad)
{
	bool token = csc_version(request) == 2 &&
		     strcmp(request->caller.credential, credential->id) == 0;

	if (token && json_object_get(request->json, "SAD") == NULL) {
		*sad = request->caller.token;
		return true;
	}
	return csc_string(request, response, "SAD", false, sad);
}

/* When the caller wants the signatures (v2.0, 11.10): now, or later from signPolling. */
struct operation {
	bool later;
	int64_t keep_ms;
};

static bool read_operation(struct request *request, struct response *response,
	const struct credential *credential, struct operation *out)
{
	const char *mode = "S", *uri = NULL;

	*out = (struct operation){.keep_ms = DEFERRED_KEEP_MS};
	if (csc_version(request) == 1)
		return true;
	if (!csc_string(request, response, "operationMode", true, &mode) ||
		!csc_string(request, response, "response_uri", true, &uri) ||
		!csc_number(request, response, "validity_period", true, &out->keep_ms))
		return false;
	out->later = strcmp(mode, "A") == 0;
	if (!out->later && (strcmp(mode, "S") != 0 || credential->signing_ms > 0))
		return invalid(response, "operationMode");
	/* Both belong to the asynchronous mode. Nobody is notified. */
	if (uri != NULL && (!out->later || strncasecmp(uri, "https://", 8) != 0))
		return invalid(response, "response_uri");
	if (json_object_get(request->json, "validity_period") != NULL &&
		(!out->later || out->keep_ms < 1))
		return invalid(response, "validity_period");
	return true;
}

void cloud_signature_sign(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct credential credential;
	struct operation operation;
	struct order order = {0};
	const char *sad = NULL;
	char handle[CODEC_TOKEN_MAX];
	json_t *answer = NULL;

	if (!csc_credential(request, response, &credential) ||
		!read_sad(request, response, &credential, &sad) ||
		!csc_hashes(request, response, false, &order.hashes) ||
		!read_algorithm(request, response, &credential, &order) ||
		!read_operation(request, response, &credential, &operation) ||
		!check_lengths(response, &order))
		goto out;
	if (*credential_problem(&credential) != '\0') {
		csc_error(response, 400, "invalid_request", "%s", credential_problem(&credential));
		goto out;
	}
	if (!authorization_take(request, response, sad, &credential, order.hashes))
		goto out;
	answer = sign_all(&credential, &order);
	if (answer == NULL) {
		response->status = 500;
		goto out;
	}
	store_run(store, "UPDATE credentials SET signatures = signatures + ? WHERE id = ?", "is",
		(int64_t)json_array_size(order.hashes), credential.id);
	answer = json_pack("{s:o}", "signatures", answer);
	if (!operation.later)
		http_json(response, 200, answer);
	else if (deferred_put(request, answer, credential.signing_ms, operation.keep_ms, handle))
		http_json(response, 200, json_pack("{s:s}", "responseID", handle));
	else
		response->status = 500;
out:
	credential_clear(&credential);
}

void cloud_signature_poll(struct request *request, struct response *response)
{
	const char *handle = NULL;
	json_t *answer = NULL;

	if (!csc_string(request, response, "requestID", false, &handle))
		return;
	switch (deferred_get(request, handle, &answer)) {
	case DEFERRED_UNKNOWN:
		invalid(response, "requestID");
		break;
	case DEFERRED_PENDING:
		csc_error(response, 202, "accepted_request", "The request is being processed");
		break;
	case DEFERRED_READY:
		http_json(response, 200, answer);
	}
}

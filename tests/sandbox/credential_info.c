/*
 * What credentials/info tells of a credential (credential.h).
 */
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/codec.h"
#include "tests/sandbox/credential_kind.h"

/* By enum credential_mode and credential_otp. */
static const char *const modes[] = {"implicit", "explicit", "oauth2code"};
static const char *const otps[] = {"", "online", "offline"};

static json_t *base64(const struct buffer *der)
{
	struct buffer out = BUFFER_INIT(131072);
	json_t *string;

	codec_base64(der->data, der->length, &out);
	string = json_string(buffer_text(&out));
	buffer_free(&out);
	return string;
}

static json_t *name_text(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	json_t *string = NULL;

	if (bio != NULL &&
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		long length = BIO_get_mem_data(bio, &data);

		string = json_stringn(data, (size_t)length);
	}
	BIO_free(bio);
	return string;
}

static json_t *time_text(const ASN1_TIME *time)
{
	struct tm tm;
	char out[20] = "";

	if (ASN1_TIME_to_tm(time, &tm) == 1)
		strftime(out, sizeof out, "%Y%m%d%H%M%SZ", &tm);
	return json_string(out);
}

static void add_certificate_info(json_t *cert, const X509 *x509)
{
	BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
	char *hex = serial != NULL ? BN_bn2hex(serial) : NULL;

	json_object_set_new(cert, "issuerDN", name_text(X509_get_issuer_name(x509)));
	json_object_set_new(cert, "subjectDN", name_text(X509_get_subject_name(x509)));
	json_object_set_new(cert, "serialNumber", json_string(hex != NULL ? hex : ""));
	json_object_set_new(cert, "validFrom", time_text(X509_get0_notBefore(x509)));
	json_object_set_new(cert, "validTo", time_text(X509_get0_notAfter(x509)));
	OPENSSL_free(hex);
	BN_free(serial);
}

static json_t *certificate_part(
	struct sandbox *sandbox, const struct credential *c, const char *certificates, bool info)
{
	json_t *cert = json_pack("{s:s}", "status", c->certificate), *list;
	struct buffer der = BUFFER_INIT(65536);

	if (strcmp(certificates, "none") != 0) {
		list = json_array();
		json_array_append_new(list, base64(&c->der));
		if (strcmp(certificates, "chain") == 0) {
			if (ca_issuer(sandbox->ca, credential_family(c->key_name), &der))
				json_array_append_new(list, base64(&der));
			buffer_reset(&der);
			if (ca_root(sandbox->ca, credential_family(c->key_name), &der))
				json_array_append_new(list, base64(&der));
		}
		json_object_set_new(cert, "certificates", list);
	}
	if (info) {
		const uint8_t *p = c->der.data;
		X509 *x509 = d2i_X509(NULL, &p, (long)c->der.length);

		if (x509 != NULL)
			add_certificate_info(cert, x509);
		X509_free(x509);
	}
	buffer_free(&der);
	return cert;
}

static json_t *key_part(const struct credential *c)
{
	const struct credential_kind *kind = credential_kind_find(c->key_name);
	json_t *algorithms = json_array();

	for (size_t i = 0; i < 6 && kind->algorithms[i] != NULL; i++)
		json_array_append_new(algorithms, json_string(kind->algorithms[i]));
	return json_pack("{s:s,s:o,s:i,s:s*}", "status", c->key_status, "algo", algorithms, "len",
		(int)kind->bits, "curve", kind->curve_oid);
}

/* Version 1: PIN and OTP stand beside everything else. */
static void add_auth_v1(json_t *info, const struct credential *c)
{
	json_object_set_new(info, "authMode", json_string(modes[c->mode]));
	if (c->mode != CREDENTIAL_EXPLICIT)
		return;
	json_object_set_new(info, "PIN",
		json_pack("{s:s,s:s,s:s}", "presence", c->pin[0] != '\0' ? "true" : "false",
			"format", "A", "label", "PIN"));
	json_object_set_new(info, "OTP",
		json_pack("{s:s,s:s*,s:s,s:s,s:s*}", "presence",
			c->otp != CREDENTIAL_NO_OTP ? "true" : "false", "type",
			c->otp != CREDENTIAL_NO_OTP ? otps[c->otp] : NULL, "format", "N", "label",
			"OTP", "ID", c->otp != CREDENTIAL_NO_OTP ? "phone" : NULL));
}

/* Version 2: an expression over authentication objects. */
static json_t *auth_v2(const struct credential *c)
{
	json_t *objects = json_array();
	char expression[64] = "";

	if (c->mode != CREDENTIAL_EXPLICIT) {
		json_decref(objects);
		return json_pack("{s:s}", "mode",
			c->mode == CREDENTIAL_IMPLICIT ? "explicit" : "oauth2code");
	}
	if (c->pin[0] != '\0')
		json_array_append_new(objects, json_pack("{s:s,s:s,s:s,s:s}", "type", "Password",
						       "id", "PIN", "format", "A", "label", "PIN"));
	if (c->otp != CREDENTIAL_NO_OTP)
		json_array_append_new(objects,
			json_pack("{s:s,s:s,s:s,s:s,s:s*}", "type",
				c->otp == CREDENTIAL_ONLINE ? "ChallengeResponse" : "Password",
				"id", "OTP", "format", "N", "label", "OTP", "generator",
				c->otp == CREDENTIAL_OFFLINE ? "totp" : NULL));
	if (c->phone)
		json_array_append_new(
			objects, json_pack("{s:s,s:s,s:s}", "type", "ChallengeResponseOOB", "id",
					 "PHONE", "label", "Телефон"));
	for (size_t i = 0; i < json_array_size(objects); i++)
		snprintf(expression + strlen(expression), sizeof expression - strlen(expression),
			"%s%s",
			i == 0      ? ""
			: c->either ? " OR "
				    : " AND ",
			json_string_value(json_object_get(json_array_get(objects, i), "id")));
	return json_pack("{s:s,s:s*,s:o}", "mode", "explicit", "expression",
		*expression != '\0' ? expression : NULL, "objects", objects);
}

json_t *credential_info(struct sandbox *sandbox, const struct credential *c, unsigned version,
	const char *certificates, bool certificate_info, bool auth_info)
{
	json_t *info = json_pack("{s:s,s:o,s:o,s:I,s:s}", "description", "Ключ в облаке", "key",
		key_part(c), "cert", certificate_part(sandbox, c, certificates, certificate_info),
		"multisign", (json_int_t)c->multisign, "lang", "ru-RU");
	char scal[2] = {(char)('0' + c->scal), '\0'};

	json_object_set_new(info, "SCAL", json_string(scal));
	if (version == 1)
		json_object_set_new(info, "authMode", json_string(modes[c->mode]));
	if (auth_info && version == 1)
		add_auth_v1(info, c);
	else if (auth_info)
		json_object_set_new(info, "auth", auth_v2(c));
	return info;
}

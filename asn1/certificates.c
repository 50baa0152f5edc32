/*
 * Certificates in whatever a person may have them, declared in certificate.h.
 */
#include "asn1/certificate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "asn1/cms.h"
#include "asn1/der.h"
#include "asn1/oid.h"

#define CERTIFICATES_MAX 32

static const char pem_begin[] = "-----BEGIN ";

static bool add(
	struct certificates *certificates, const uint8_t *der, size_t length, struct error *err)
{
	struct certificate *list;
	size_t i;

	/* Twice the same is no harm in a file. */
	for (i = 0; i < certificates->count; i++)
		if (certificates->list[i].length == length &&
			memcmp(certificates->list[i].der, der, length) == 0)
			return true;
	if (certificates->count >= CERTIFICATES_MAX)
		return error_set(err, ERROR_USAGE, "more than %d certificates", CERTIFICATES_MAX);
	list = realloc(certificates->list, (certificates->count + 1) * sizeof(*list));
	if (list == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	certificates->list = list;
	if (!certificate_decode(der, length, &list[certificates->count], err))
		return false;
	certificates->count++;
	return true;
}

/*
 * PKCS #7 may be BER (RFC 2315, 7), and Windows' authorities and streaming writers use that: indefinite lengths,
 * octet strings in pieces. OpenSSL takes it apart, and what is taken out of it, each certificate in DER, goes
 * through the strict decoder as any other.
 */
static bool add_ber(
	struct certificates *certificates, const uint8_t *ber, size_t length, struct error *err)
{
	const unsigned char *at = ber;
	unsigned char *der = NULL;
	STACK_OF(X509) *list = NULL;
	CMS_ContentInfo *content;
	bool done = false;
	int size;

	ERR_set_mark();
	content = d2i_CMS_ContentInfo(NULL, &at, (long)length);
	if (content != NULL && at == ber + length &&
		OBJ_obj2nid(CMS_get0_type(content)) == NID_pkcs7_signed)
		list = CMS_get1_certs(content);
	for (int i = 0; i < sk_X509_num(list); i++) {
		size = i2d_X509(sk_X509_value(list, i), &der);
		done = size > 0 && add(certificates, der, (size_t)size, err);
		OPENSSL_free(der);
		der = NULL;
		if (!done)
			break;
	}
	sk_X509_pop_free(list, X509_free);
	CMS_ContentInfo_free(content);
	ERR_pop_to_mark();
	return done;
}

static bool add_der(
	struct certificates *certificates, const uint8_t *der, size_t length, struct error *err)
{
	struct cms cms = {0};
	bool done;
	size_t i;

	if (!cms_certificates(der, length, &cms, err))
		return false;
	done = cms.certificate_count > 0 ||
	       error_set(err, ERROR_USAGE, "a PKCS #7 structure without certificates");
	for (i = 0; done && i < cms.certificate_count; i++)
		done = add(certificates, cms.certificates[i].der, cms.certificates[i].length, err);
	cms_clear(&cms);
	return done;
}

static bool add_signed_data(
	struct certificates *certificates, const uint8_t *data, size_t length, struct error *err)
{
	struct error why = {0};

	/* What is said of the file is what the strict reader finds wrong with it. */
	return add_der(certificates, data, length, &why) ||
	       add_ber(certificates, data, length, NULL) ||
	       error_set(err, why.code, "%s", why.message);
}

/* What PEM calls things that are not certificates. */
static const struct {
	const char *ending, *what;
} pem_kinds[] = {
	{"CERTIFICATE REQUEST", "a certificate request"},
	{"PRIVATE KEY", "a private key"},
	{"PUBLIC KEY", "a public key"},
	{"X509 CRL", "a revocation list"},
	{"EC PARAMETERS", "the parameters of a key"},
	{"TRUSTED CERTIFICATE", "OpenSSL's own format of trusted certificates"},
	{"MESSAGE", "a PGP message"},
	{"KEY BLOCK", "a PGP key"},
	{"SIGNATURE", "a PGP signature"},
};

static const char *pem_kind(const char *label)
{
	size_t length = strlen(label), ending, i;

	for (i = 0; i < sizeof(pem_kinds) / sizeof(pem_kinds[0]); i++) {
		ending = strlen(pem_kinds[i].ending);
		if (length >= ending && strcmp(label + length - ending, pem_kinds[i].ending) == 0)
			return pem_kinds[i].what;
	}
	return "something else";
}

static bool add_pem_block(struct certificates *certificates, const char *label, const uint8_t *der,
	size_t length, struct error *err)
{
	/* Other blocks may stand beside certificates. */
	if (strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0)
		return add(certificates, der, length, err);
	if (strcmp(label, "PKCS7") == 0 || strcmp(label, "CMS") == 0 ||
		strcmp(label, "PKCS #7 SIGNED DATA") == 0)
		return add_signed_data(certificates, der, length, err);
	return true;
}

static bool read_pem(
	const uint8_t *data, size_t length, struct certificates *certificates, struct error *err)
{
	BIO *file = BIO_new_mem_buf(data, (int)length);
	char *label = NULL, *header = NULL, other[64] = "";
	unsigned char *der = NULL;
	bool done = false;
	size_t block = 0;
	long size;

	ERR_set_mark();
	if (file == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	while (PEM_read_bio(file, &label, &header, &der, &size) == 1) {
		block++;
		if (!add_pem_block(certificates, label, der, (size_t)size, err)) {
			error_prefix(err, "PEM block %zu", block);
			goto out;
		}
		if (other[0] == '\0')
			BIO_snprintf(other, sizeof(other), "%s", label);
		OPENSSL_free(label);
		OPENSSL_free(header);
		/* A private key may have been in it. */
		OPENSSL_clear_free(der, (size_t)size);
		label = header = NULL;
		der = NULL;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		error_set(err, ERROR_USAGE, "PEM block %zu is damaged: %s", block + 1,
			ERR_reason_error_string(ERR_peek_last_error()));
		goto out;
	}
	if (certificates->count == 0) {
		error_set(err, ERROR_USAGE, "%s (PEM \"%s\"), not a certificate", pem_kind(other),
			other);
		goto out;
	}
	done = true;
out:
	ERR_pop_to_mark();
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(file);
	return done;
}

/* What a SEQUENCE that is not a certificate looks like, by its first elements. */
static const char *der_kind(const uint8_t *der, size_t length)
{
	struct der_element outer, first, second, inner;
	char oid[OID_TEXT_MAX];

	/* Cut short: the decoder says so. */
	if (!der_element(der, length, &outer, NULL))
		return NULL;
	if (!der_element(outer.value, outer.length, &first, NULL))
		return "data that begin as DER does";
	if (!der_element(outer.value + first.size, outer.length - first.size, &second, NULL))
		return "data that begin as DER does";
	if (first.tag == DER_TAG_OID && oid_decode(outer.value, first.size, oid, NULL))
		return "a PKCS #7 structure of another kind";
	if (first.tag == DER_TAG_INTEGER && first.length == 1 && first.value[0] == 3)
		return "a PKCS #12 file (.p12, .pfx)";
	if (first.tag == DER_TAG_INTEGER)
		return "a private key";
	if (first.tag != DER_TAG_SEQUENCE)
		return "data that begin as DER does";
	if (second.tag == DER_TAG_BIT_STRING)
		return "a public key";
	if (second.tag == DER_TAG_OCTET_STRING)
		return "an encrypted private key";
	if (!der_element(first.value, first.length, &inner, NULL))
		return "data that begin as DER does";
	if (inner.class != ASN1_CLASS_UNIVERSAL)
		return NULL;
	/* The version of a request is 0, that of a revocation list 1 or left out. */
	if (inner.tag == DER_TAG_INTEGER && inner.length == 1 && inner.value[0] <= 1)
		return inner.value[0] == 0 ? "a certificate request" : "a revocation list";
	if (inner.tag == DER_TAG_SEQUENCE)
		return "a revocation list";
	return NULL;
}

static bool read_der(
	const uint8_t *data, size_t length, struct certificates *certificates, struct error *err)
{
	struct der_element outer, first;
	struct error why = {0};
	const char *kind;

	if (der_element(data, length, &outer, NULL) &&
		der_element(outer.value, outer.length, &first, NULL) && first.tag == DER_TAG_OID &&
		first.class == ASN1_CLASS_UNIVERSAL) {
		if (add_signed_data(certificates, data, length, &why))
			return true;
	} else if (add_ber(certificates, data, length, NULL)) {
		return true;
	} else if (add(certificates, data, length, &why)) {
		return true;
	} else {
		kind = der_kind(data, length);
		if (kind != NULL)
			return error_set(err, ERROR_USAGE, "%s, not a certificate", kind);
	}
	return error_set(err, ERROR_USAGE, "%s", why.message);
}

/* Base64 without PEM's lines around it, as some authorities' pages give it. */
static bool read_base64(
	const uint8_t *data, size_t length, struct certificates *certificates, struct error *err)
{
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	unsigned char *der = malloc(length + 4);
	int size = 0, rest = 0;
	bool done = false;

	if (context == NULL || der == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	EVP_DecodeInit(context);
	if (EVP_DecodeUpdate(context, der, &size, data, (int)length) < 0 ||
		EVP_DecodeFinal(context, der + size, &rest) < 0) {
		error_set(err, ERROR_USAGE, "text that looks like base64 but is damaged");
		goto out;
	}
	done = read_der(der, (size_t)(size + rest), certificates, err);
out:
	EVP_ENCODE_CTX_free(context);
	free(der);
	return done;
}

static bool is_base64(const uint8_t *data, size_t length)
{
	size_t i;

	/* "MI" is how a SEQUENCE of more than 255 bytes begins. */
	if (length < 64 || data[0] != 'M' || data[1] != 'I')
		return false;
	for (i = 0; i < length; i++)
		if (!isalnum(data[i]) && strchr("+/=\r\n\t ", data[i]) == NULL)
			return false;
	return true;
}

static const struct {
	const char *start;
	size_t length;
	const char *what;
} signatures[] = {
	{"\xff\xfe", 2, "text in UTF-16"},
	{"\xfe\xff", 2, "text in UTF-16"},
	{"%PDF", 4, "a PDF document"},
	{"PK\x03\x04", 4, "a ZIP archive or an office document"},
	{"Rar!", 4, "a RAR archive"},
	{"7z\xbc\xaf", 4, "a 7z archive"},
	{"\x89PNG", 4, "a picture"},
	{"\xff\xd8\xff", 3, "a picture"},
	{"\x7f"
	 "ELF",
		4, "a program"},
	{"MZ", 2, "a program"},
	{"<!", 2, "a web page"},
	{"<html", 5, "a web page"},
	{"<HTML", 5, "a web page"},
	{"<?xml", 5, "an XML document"},
	{"{", 1, "a JSON document"},
	{"\xfe\xed\xfe\xed", 4, "a Java key store"},
};

static bool refuse(const uint8_t *data, size_t length, struct error *err)
{
	const char *what = NULL;
	size_t i;

	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]) && what == NULL; i++)
		if (length >= signatures[i].length &&
			memcmp(data, signatures[i].start, signatures[i].length) == 0)
			what = signatures[i].what;
	for (i = 0; i < length && what == NULL; i++)
		if (data[i] < 0x20 && strchr("\t\r\n\f", data[i]) == NULL)
			what = "binary data of an unknown kind";
	if (what == NULL)
		what = length == 0 ? "nothing at all" : "plain text";
	return error_set(err, ERROR_USAGE,
		"%s, not a certificate: PEM, DER and PKCS #7 are understood", what);
}

bool certificates_read(
	const uint8_t *data, size_t length, struct certificates *certificates, struct error *err)
{
	struct certificates read = {0};
	bool done;

	if (length > DER_CMS_MAX)
		return error_set(err, ERROR_USAGE, "%zu bytes, %u at most", length, DER_CMS_MAX);
	if (length == 0)
		return refuse((const uint8_t *)"", 0, err);
	/* A byte order mark and blank space in front. */
	if (length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		length -= 3;
	}
	while (length > 0 && memchr(" \t\r\n", data[0], 4) != NULL) {
		data++;
		length--;
	}
	if (length > 0 && data[0] == (0x20 | DER_TAG_SEQUENCE))
		done = read_der(data, length, &read, err);
	else if (length > 0 && memmem(data, length, pem_begin, strlen(pem_begin)) != NULL)
		done = read_pem(data, length, &read, err);
	else if (is_base64(data, length))
		done = read_base64(data, length, &read, err);
	else
		done = refuse(data, length, err);
	if (done)
		*certificates = read;
	else
		certificates_clear(&read);
	return done;
}

void certificates_clear(struct certificates *certificates)
{
	size_t i;

	for (i = 0; i < certificates->count; i++)
		certificate_clear(&certificates->list[i]);
	free(certificates->list);
	*certificates = (struct certificates){0};
}

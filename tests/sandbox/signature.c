#include "tests/sandbox/signature.h"

#include <gnutls/pkcs7.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/ca.h"

#define CODE "invalid-signature"

/* ---- the structure */

static CMS_ContentInfo *read_cms(const struct buffer *cms, struct check_problem *problem)
{
	const uint8_t *p = cms->data;
	CMS_ContentInfo *content = d2i_CMS_ContentInfo(NULL, &p, (long)cms->length);
	STACK_OF(CMS_SignerInfo) *signers = NULL;
	const char *wrong = NULL;

	if (content == NULL || p != cms->data + cms->length)
		wrong = "это не CMS в кодировке DER";
	else if (OBJ_obj2nid(CMS_get0_type(content)) != NID_pkcs7_signed)
		wrong = "это не SignedData";
	else if (CMS_is_detached(content) != 1)
		wrong = "подпись должна быть отсоединённой";
	else if (OBJ_obj2nid(CMS_get0_eContentType(content)) != NID_pkcs7_data)
		wrong = "тип содержимого не id-data";
	else if ((signers = CMS_get0_SignerInfos(content)) == NULL ||
		 sk_CMS_SignerInfo_num(signers) != 1)
		wrong = "подписавший должен быть один";
	if (wrong == NULL)
		return content;
	check_refuse(problem, CODE, "Подпись не принята: %s", wrong);
	CMS_ContentInfo_free(content);
	return NULL;
}

/* Content type and message digest are looked at by the verifiers themselves. */
static bool has_attributes(CMS_SignerInfo *signer, struct check_problem *problem)
{
	static const struct {
		int nid;
		const char *name;
	} wanted[] = {
		{NID_pkcs9_contentType, "contentType"},
		{NID_pkcs9_messageDigest, "messageDigest"},
		{NID_pkcs9_signingTime, "signingTime"},
	};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		if (CMS_signed_get_attr_by_NID(signer, wanted[i].nid, -1) < 0)
			return check_refuse(problem, CODE,
				"Подпись не принята: нет подписанного атрибута %s", wanted[i].name);
	}
	return true;
}

/* RFC 5035: the attribute names this very certificate. */
static bool names_certificate(CMS_SignerInfo *signer, X509 *certificate)
{
	int at = CMS_signed_get_attr_by_NID(signer, NID_id_smime_aa_signingCertificateV2, -1);
	X509_ATTRIBUTE *attribute = at >= 0 ? CMS_signed_get_attr(signer, at) : NULL;
	ASN1_TYPE *value = attribute != NULL ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;

	if (value == NULL || value->type != V_ASN1_SEQUENCE)
		return false;
	const uint8_t *p = value->value.sequence->data;
	ESS_SIGNING_CERT_V2 *named =
		d2i_ESS_SIGNING_CERT_V2(NULL, &p, value->value.sequence->length);
	STACK_OF(X509) *chain = sk_X509_new_null();
	bool ok = named != NULL && chain != NULL && sk_X509_push(chain, certificate) > 0 &&
		  OSSL_ESS_check_signing_certs(NULL, named, chain, 1) > 0;

	sk_X509_free(chain);
	ESS_SIGNING_CERT_V2_free(named);
	return ok;
}

/* ---- the verifiers */

static bool gnutls_agrees(
	const struct buffer *cms, const void *content, size_t length, X509 *signer)
{
	uint8_t *der = NULL;
	int der_length = i2d_X509(signer, &der);
	gnutls_datum_t cms_data = {cms->data, (unsigned)cms->length};
	gnutls_datum_t data = {(uint8_t *)(uintptr_t)content, (unsigned)length};
	gnutls_datum_t signer_data = {der, der_length > 0 ? (unsigned)der_length : 0};
	gnutls_pkcs7_t pkcs7 = NULL;
	gnutls_x509_crt_t certificate = NULL;
	unsigned bits; /* asked for, else it does not look at the curve */
	bool ok = der_length > 0 && gnutls_pkcs7_init(&pkcs7) >= 0 &&
		  gnutls_x509_crt_init(&certificate) >= 0 &&
		  gnutls_pkcs7_import(pkcs7, &cms_data, GNUTLS_X509_FMT_DER) >= 0 &&
		  gnutls_x509_crt_import(certificate, &signer_data, GNUTLS_X509_FMT_DER) >= 0 &&
		  gnutls_pkcs7_get_signature_count(pkcs7) == 1 &&
		  /* Of GOST's curves it has two. */
		  (gnutls_x509_crt_get_pk_algorithm(certificate, &bits) ==
				  GNUTLS_E_ECC_UNSUPPORTED_CURVE ||
			  /* The dates are looked at with the sandbox's clock, elsewhere. */
			  gnutls_pkcs7_verify_direct(pkcs7, certificate, 0, &data,
				  GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
					  GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS) >= 0);

	if (pkcs7 != NULL)
		gnutls_pkcs7_deinit(pkcs7);
	if (certificate != NULL)
		gnutls_x509_crt_deinit(certificate);
	OPENSSL_free(der);
	return ok;
}

static bool openssl_agrees(CMS_ContentInfo *cms, const void *content, size_t length, X509 *signer)
{
	EVP_PKEY *key = X509_get0_pubkey(signer);

	/* OpenSSL 3.0 knows no CMS with Ed25519 (RFC 8419). */
	if (key != NULL && EVP_PKEY_is_a(key, "ED25519"))
		return true;
	STACK_OF(X509) *certificates = sk_X509_new_null();
	BIO *data = BIO_new_mem_buf(content, (int)length);
	bool ok = key != NULL && certificates != NULL && data != NULL &&
		  sk_X509_push(certificates, signer) > 0 &&
		  CMS_verify(cms, certificates, NULL, data, NULL,
			  CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;

	BIO_free(data);
	sk_X509_free(certificates);
	return ok;
}

static bool verify(CMS_ContentInfo *content_info, const struct buffer *cms, const void *content,
	size_t length, X509 *signer, struct check_problem *problem)
{
	if (!gnutls_agrees(cms, content, length, signer) ||
		!openssl_agrees(content_info, content, length, signer))
		return check_refuse(problem, CODE, "Подпись неверна");
	return true;
}

bool signature_by_certificate(const struct buffer *cms, const void *content, size_t length,
	X509 **signer, struct check_problem *problem)
{
	CMS_ContentInfo *info = read_cms(cms, problem);
	STACK_OF(X509) *certificates = NULL;
	X509 *found = NULL;
	bool ok = false;

	if (info == NULL)
		goto out;
	CMS_SignerInfo *by = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(info), 0);
	certificates = CMS_get1_certs(info);
	for (int i = 0; i < sk_X509_num(certificates) && found == NULL; i++) {
		if (CMS_SignerInfo_cert_cmp(by, sk_X509_value(certificates, i)) == 0)
			found = sk_X509_value(certificates, i);
	}
	if (found == NULL) {
		check_refuse(
			problem, CODE, "Подпись не принята: в ней нет сертификата подписавшего");
		goto out;
	}
	if (!has_attributes(by, problem))
		goto out;
	if (!names_certificate(by, found)) {
		check_refuse(problem, CODE,
			"Подпись не принята: атрибут signingCertificateV2 отсутствует или о другом "
			"сертификате");
		goto out;
	}
	ok = verify(info, cms, content, length, found, problem);
	if (ok) {
		X509_up_ref(found);
		*signer = found;
	}
out:
	sk_X509_pop_free(certificates, X509_free);
	CMS_ContentInfo_free(info);
	ERR_clear_error();
	return ok;
}

bool signature_by_key(const struct buffer *cms, const void *content, size_t length, X509 *stand_in,
	struct check_problem *problem)
{
	CMS_ContentInfo *info = read_cms(cms, problem);
	STACK_OF(X509) *certificates = NULL;
	ASN1_OCTET_STRING *identifier = NULL;
	bool ok = false;

	if (info == NULL)
		goto out;
	CMS_SignerInfo *by = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(info), 0);
	certificates = CMS_get1_certs(info);
	const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(stand_in);
	if (sk_X509_num(certificates) > 0) {
		check_refuse(problem, "wrong-signer",
			"Документ нужно подписать новым ключом, без сертификата");
		goto out;
	}
	if (!CMS_SignerInfo_get0_signer_id(by, &identifier, NULL, NULL) || identifier == NULL ||
		own == NULL || ASN1_OCTET_STRING_cmp(identifier, own) != 0) {
		check_refuse(problem, "wrong-signer",
			"Документ подписан не тем ключом, на который запрошен сертификат");
		goto out;
	}
	ok = has_attributes(by, problem) && verify(info, cms, content, length, stand_in, problem);
out:
	sk_X509_pop_free(certificates, X509_free);
	CMS_ContentInfo_free(info);
	ERR_clear_error();
	return ok;
}

/* ---- who */

void signature_subject(X509 *certificate, const char *oid, char *out, size_t size)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = X509_NAME_get_index_by_OBJ(X509_get_subject_name(certificate), object, -1);
	unsigned char *text = NULL;

	out[0] = '\0';
	if (at >= 0) {
		X509_NAME_ENTRY *entry =
			X509_NAME_get_entry(X509_get_subject_name(certificate), at);

		if (ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry)) >= 0)
			snprintf(out, size, "%s", (const char *)text);
	}
	OPENSSL_free(text);
	ASN1_OBJECT_free(object);
}

static bool key_has_ended(struct store *store, X509 *certificate)
{
	PKEY_USAGE_PERIOD *period =
		X509_get_ext_d2i(certificate, NID_private_key_usage_period, NULL, NULL);
	time_t now = (time_t)store_seconds(store);
	bool ended = period != NULL && period->notAfter != NULL &&
		     X509_cmp_time(period->notAfter, &now) < 0;

	PKEY_USAGE_PERIOD_free(period);
	return ended;
}

bool signature_signer_allowed(struct sandbox *sandbox, X509 *signer, const char *account,
	uint8_t hash[CODEC_SHA256], struct check_problem *problem)
{
	static const char code[] = "wrong-signer";
	json_t *person = accounts_person(sandbox->store, account);
	const char *snils = json_string_value(json_object_get(person, "snils"));
	char signer_snils[16];
	sqlite3_stmt *query = NULL;
	unsigned length = 0;
	bool ok = false;

	X509_digest(signer, EVP_sha256(), hash, &length);
	query = store_query(sandbox->store,
		"SELECT account, revoked FROM certificates WHERE hash = ?", "b", hash,
		(size_t)CODEC_SHA256);
	signature_subject(signer, "1.2.643.100.3", signer_snils, sizeof signer_snils);
	if (!store_next(sandbox->store, &query))
		check_refuse(problem, code,
			"Сертификат подписавшего выдан не этим удостоверяющим центром");
	else if (strcmp(store_text(query, 0), account) != 0 || snils == NULL ||
		 strcmp(signer_snils, snils) != 0)
		check_refuse(problem, code, "Сертификат подписавшего выдан другому лицу");
	else if (sqlite3_column_type(query, 1) != SQLITE_NULL)
		check_refuse(problem, code, "Сертификат подписавшего отозван");
	else if (!ca_issued(sandbox->ca, signer))
		check_refuse(problem, code,
			"Срок действия сертификата подписавшего истёк или не наступил");
	else if (key_has_ended(sandbox->store, signer))
		check_refuse(problem, code, "Срок действия ключа подписавшего истёк");
	else if ((X509_get_key_usage(signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
		check_refuse(problem, code, "Сертификат подписавшего не предназначен для подписи");
	else
		ok = true;
	store_end(&query);
	json_decref(person);
	return ok;
}

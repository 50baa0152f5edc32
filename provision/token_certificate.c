#include "provision/token_certificate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "asn1/algorithm.h"
#include "asn1/cms.h"
#include "provision/i18n.h"
#include "provision/token_object.h"

#define CERTIFICATE_MAX (64 * 1024)
#define CHAIN_MAX       8

static bool load_one(struct slot *slot, CK_OBJECT_HANDLE handle, struct token_certificate *out,
	struct error *err)
{
	struct buffer der = BUFFER_INIT(CERTIFICATE_MAX), id = BUFFER_INIT(TOKEN_ID_MAX);
	CK_OBJECT_HANDLE key;
	size_t keys = 0;
	bool done = false;

	*out = (struct token_certificate){.handle = handle};
	if (!token_object_read(slot, handle, CKA_VALUE, &der) ||
		!certificate_decode(der.data, der.length, &out->certificate, NULL))
		goto out;
	if (token_object_read(slot, handle, CKA_ID, &id) && id.length > 0) {
		memcpy(out->id, id.data, id.length);
		out->id_length = id.length;
		if (!token_object_by_id(
			    slot, CKO_PRIVATE_KEY, out->id, out->id_length, &key, 1, &keys, err)) {
			certificate_clear(&out->certificate);
			goto out;
		}
		out->has_key = keys > 0;
	}
	done = true;
out:
	buffer_free(&der);
	buffer_free(&id);
	return done;
}

bool token_certificates_load(
	struct slot *slot, struct token_certificates *certificates, struct error *err)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)}};
	struct token_certificates made = {0};
	CK_OBJECT_HANDLE *handles;
	size_t count = 0;
	bool done = false;

	handles = calloc(TOKEN_OBJECTS_MAX, sizeof(*handles));
	if (handles == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	if (!token_object_find(slot, templ, 1, handles, TOKEN_OBJECTS_MAX, &count, err))
		goto out;
	made.list = calloc(count > 0 ? count : 1, sizeof(*made.list));
	if (made.list == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		if (load_one(slot, handles[i], &made.list[made.count], err))
			made.count++;
	}
	*certificates = made;
	made = (struct token_certificates){0};
	done = true;
out:
	token_certificates_clear(&made);
	free(handles);
	return done;
}

void token_certificates_clear(struct token_certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		certificate_clear(&certificates->list[i].certificate);
	free(certificates->list);
	*certificates = (struct token_certificates){0};
}

const struct token_certificate *token_certificates_find(
	const struct token_certificates *certificates, const uint8_t sha256[32])
{
	for (size_t i = 0; i < certificates->count; i++) {
		if (memcmp(certificates->list[i].certificate.sha256, sha256, 32) == 0)
			return &certificates->list[i];
	}
	return NULL;
}

static bool issued_by(const struct certificate *child, const struct certificate *parent)
{
	return child->issuer_length == parent->subject_length &&
	       memcmp(child->issuer_der, parent->subject_der, child->issuer_length) == 0;
}

size_t token_certificates_chain(const struct token_certificates *certificates,
	const struct certificate *leaf, const struct certificate **chain, size_t max)
{
	const struct certificate *at = leaf;
	size_t count = 0;

	while (count < max) {
		const struct certificate *parent = NULL;

		for (size_t i = 0; i < certificates->count && parent == NULL; i++) {
			const struct certificate *one = &certificates->list[i].certificate;

			if (issued_by(at, one) && one != at)
				parent = one;
		}
		if (parent == NULL || issued_by(parent, parent))
			break;
		chain[count++] = parent;
		at = parent;
	}
	return count;
}

static bool find_same(struct slot *slot, const struct certificate *certificate,
	CK_OBJECT_HANDLE *handle, bool *found, struct error *err)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_VALUE, certificate->der, (CK_ULONG)certificate->length},
	};
	size_t count = 0;

	if (!token_object_find(slot, templ, 3, handle, 1, &count, err))
		return false;
	*found = count > 0;
	return true;
}

static void date_of(time_t when, CK_DATE *date)
{
	struct tm tm;
	char text[16];

	memset(date, 0, sizeof(*date));
	if (gmtime_r(&when, &tm) != NULL && strftime(text, sizeof(text), "%Y%m%d", &tm) == 8)
		memcpy(date, text, 8);
}

bool token_certificate_write(struct slot *slot, const struct certificate *certificate,
	const uint8_t *id, size_t id_length, const char *label, struct error *err)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_DATE start, end;
	/* What Firefox, libp11 and p11-kit look for; private is said, since tokens differ in their default. */
	CK_ATTRIBUTE templ[] = {
		{CKA_ID, (void *)(uintptr_t)id, (CK_ULONG)id_length},
		{CKA_LABEL, (void *)(uintptr_t)label, (CK_ULONG)strlen(label)},
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_CERTIFICATE_TYPE, &type, sizeof(type)},
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_PRIVATE, &no, sizeof(no)},
		{CKA_VALUE, certificate->der, (CK_ULONG)certificate->length},
		{CKA_SUBJECT, (void *)(uintptr_t)certificate->subject_der,
			(CK_ULONG)certificate->subject_length},
		{CKA_ISSUER, (void *)(uintptr_t)certificate->issuer_der,
			(CK_ULONG)certificate->issuer_length},
		{CKA_SERIAL_NUMBER, (void *)(uintptr_t)certificate->serial_der,
			(CK_ULONG)certificate->serial_length},
		{CKA_START_DATE, &start, sizeof(start)},
		{CKA_END_DATE, &end, sizeof(end)},
	};
	CK_OBJECT_HANDLE handle;
	bool found = false;
	CK_RV rv;

	if (!find_same(slot, certificate, &handle, &found, err))
		return false;
	if (found) {
		rv = slot->functions->C_SetAttributeValue(slot->session, handle, templ, 2);
		if (rv == CKR_OK)
			return true;
		/* A token that keeps what it has is right when it has the right id. */
		if (rv != CKR_ATTRIBUTE_READ_ONLY)
			return slot_fail(err, "C_SetAttributeValue", rv);
		return true;
	}
	date_of(certificate->not_before, &start);
	date_of(certificate->not_after, &end);
	rv = slot->functions->C_CreateObject(
		slot->session, templ, sizeof(templ) / sizeof(templ[0]), &handle);
	/* Some tokens refuse the dates: they are only a hint, the certificate has them. */
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
		rv == CKR_TEMPLATE_INCONSISTENT)
		rv = slot->functions->C_CreateObject(
			slot->session, templ, sizeof(templ) / sizeof(templ[0]) - 2, &handle);
	return rv == CKR_OK || slot_fail(err, "C_CreateObject", rv);
}

static bool uri_fits(const struct token_certificate *one, const struct uri *uri)
{
	return uri == NULL || uri->id_length == 0 ||
	       (uri->id_length == one->id_length && memcmp(uri->id, one->id, one->id_length) == 0);
}

bool token_certificate_fits(
	struct slot *slot, const struct token_certificate *one, const struct uri *uri)
{
	struct buffer label = BUFFER_INIT(1024);
	bool fits;

	if (!uri_fits(one, uri))
		return false;
	if (uri == NULL || uri->object == NULL)
		return true;
	fits = token_object_read(slot, one->handle, CKA_LABEL, &label) &&
	       strcmp(buffer_text(&label), uri->object) == 0;
	buffer_free(&label);
	return fits;
}

static bool names_one(const struct uri *uri)
{
	return uri != NULL && (uri->id_length > 0 || uri->object != NULL);
}

/* What tells one signature from another of the same person's, as --signer takes it first. */
static void describe(const struct token_certificate *one, struct buffer *out)
{
	const char *name = name_get(&one->certificate.subject, "2.5.4.3");
	char day[16] = "";
	struct tm tm;

	for (size_t i = 0; i < one->id_length; i++)
		buffer_printf(out, "%02X", one->id[i]);
	if (gmtime_r(&one->certificate.not_after, &tm) != NULL)
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	buffer_printf(out, _(" (%s, until %s)"), name != NULL ? name : "?", day);
}

bool token_signer_open(struct slot *slot, const struct uri *uri, const uint8_t *sha256,
	struct token_signer *out, struct error *err)
{
	struct token_signer signer = {.slot = slot};
	struct buffer names = BUFFER_INIT(700);
	size_t hits = 0;
	time_t now = time(NULL);
	bool done = false;

	if (!token_certificates_load(slot, &signer.certificates, err))
		goto out;
	for (size_t i = 0; i < signer.certificates.count; i++) {
		const struct token_certificate *one = &signer.certificates.list[i];

		if (!one->has_key || !token_certificate_fits(slot, one, uri) ||
			(sha256 != NULL && memcmp(sha256, one->certificate.sha256, 32) != 0))
			continue;
		/* Where nobody says which, one that has ended is not meant. */
		if (!names_one(uri) && sha256 == NULL &&
			(one->certificate.not_after < now || one->certificate.not_before > now))
			continue;
		if (hits++ > 0)
			buffer_append_text(&names, "; ");
		describe(one, &names);
		signer.own = one;
	}
	if (hits == 0) {
		error_set(err, ERROR_WORKPLACE,
			sha256 != NULL ? _("the certificate that signed the application is not in "
					   "the token %s")
				       : _("there is no signature of that kind in the token %s"),
			slot->label);
		goto out;
	}
	if (hits > 1) {
		error_set(err, ERROR_USAGE,
			_("several signatures fit, say which with --signer: %s"),
			buffer_text(&names));
		goto out;
	}
	signer.uri = uri_format(slot, signer.own->id, signer.own->id_length, "private");
	if (signer.uri == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!token_key_open(slot, signer.own->id, signer.own->id_length,
		    signer.own->certificate.spki, signer.own->certificate.spki_length, &signer.key,
		    err))
		goto out;
	*out = signer;
	signer = (struct token_signer){0};
	done = true;
out:
	token_signer_clear(&signer);
	buffer_free(&names);
	return done;
}

void token_signer_clear(struct token_signer *signer)
{
	token_key_clear(&signer->key);
	token_certificates_clear(&signer->certificates);
	free(signer->uri);
	*signer = (struct token_signer){0};
}

/* The digest that was signed, for check_made. */
struct signed_digest {
	uint8_t value[MESSAGE_DIGEST_MAX];
	size_t length;
};

static bool give_digest(void *context, const char *name, uint8_t digest[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err)
{
	const struct signed_digest *made = context;

	(void)name;
	(void)err;
	memcpy(digest, made->value, made->length);
	*length = made->length;
	return true;
}

/*
 * What a token made is looked at before it goes out: CAdES-BES, by this certificate, and it verifies. `digest`
 * is the content's, NULL when that is in the structure.
 */
static bool check_made(const struct token_signer *signer, struct signed_digest *digest,
	const struct buffer *cms, struct error *err)
{
	const struct certificate *own = &signer->own->certificate;
	struct cms_source source = {give_digest, digest};
	struct cms_signed *made = NULL;
	struct cms_signer said;
	bool done;

	done = cms_open(cms->data, cms->length, &made, err) &&
	       cms_signer_read(made, 0, NULL, &said, err) &&
	       cms_signer_verify(made, digest != NULL ? &source : NULL, err);
	if (!done) {
		if (err != NULL)
			err->code = ERROR_FAILED;
		error_prefix(err, _("what the token %s signed is not right"), signer->slot->label);
	} else if (!said.cades || memcmp(said.certificate->sha256, own->sha256, 32) != 0) {
		done = error_set(err, ERROR_FAILED,
			_("what was signed does not name its certificate (signingCertificateV2)"));
	}
	cms_close(made);
	return done;
}

/* The digest, or (NULL) the content, which then goes into the structure. */
static bool sign(struct token_signer *signer, struct signed_digest *digest, const uint8_t *content,
	size_t length, time_t signing_time, struct buffer *cms, struct error *err)
{
	const struct certificate *chain[CHAIN_MAX];
	struct cms_certificate embedded[CHAIN_MAX + 1];
	struct signer key = token_key_signer(&signer->key);
	struct cms_signing signing = {
		.signer = &key,
		.certificates = embedded,
		.attached = digest == NULL,
		.signing_time = signing_time,
	};
	size_t count = token_certificates_chain(
		&signer->certificates, &signer->own->certificate, chain, CHAIN_MAX);

	embedded[0] = (struct cms_certificate){
		signer->own->certificate.der, signer->own->certificate.length};
	for (size_t i = 0; i < count; i++)
		embedded[i + 1] = (struct cms_certificate){chain[i]->der, chain[i]->length};
	signing.certificate_count = count + 1;
	return (digest != NULL ? cms_sign_digest(&signing, digest->value, digest->length, cms, err)
			       : cms_sign(&signing, content, length, cms, err)) &&
	       check_made(signer, digest, cms, err);
}

bool token_signer_sign(struct token_signer *signer, const uint8_t *content, size_t length,
	time_t signing_time, struct buffer *cms, struct error *err)
{
	const char *name = cms_digest_name(signer->key.algorithm);
	struct signed_digest digest;

	return algorithm_digest(name, content != NULL ? content : (const uint8_t *)"", length,
		       digest.value, &digest.length, err) &&
	       sign(signer, &digest, NULL, 0, signing_time, cms, err);
}

bool token_signer_attach(struct token_signer *signer, const uint8_t *content, size_t length,
	time_t signing_time, struct buffer *cms, struct error *err)
{
	return sign(signer, NULL, content, length, signing_time, cms, err);
}

bool token_signer_sign_digest(struct token_signer *signer, const uint8_t *digest, size_t length,
	time_t signing_time, struct buffer *cms, struct error *err)
{
	struct signed_digest copy = {.length = length};

	if (length > sizeof(copy.value))
		return error_set(err, ERROR_FAILED, _("no digest has %zu bytes"), length);
	memcpy(copy.value, digest, length);
	return sign(signer, &copy, NULL, 0, signing_time, cms, err);
}

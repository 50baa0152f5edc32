#include "provision/signature_check.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/base64.h"
#include "provision/chain.h"
#include "provision/named_file.h"
#include "provision/i18n.h"

static bool read_pem(const struct buffer *text, struct buffer *bytes, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(text->data, (int)text->length);
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool done = false;
	long size = 0;

	if (bio == NULL || PEM_read_bio(bio, &label, &header, &der, &size) != 1)
		error_set(err, ERROR_USAGE, _("damaged PEM"));
	else if (strcmp(label, "CMS") != 0 && strcmp(label, "PKCS7") != 0 &&
		 strcmp(label, "PKCS #7 SIGNED DATA") != 0)
		error_set(err, ERROR_USAGE, _("not a signature but PEM \"%s\""), label);
	else
		done = buffer_append(bytes, der, (size_t)size) ||
		       error_set(err, ERROR_FAILED, _("out of memory"));
	ERR_clear_error();
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	return done;
}

/* Base64 in lines, without PEM's marks: what many cabinets hand out as .sig. */
static bool read_base64(struct buffer *text, struct buffer *bytes)
{
	char *to = (char *)text->data;

	for (const char *from = buffer_text(text); *from != '\0'; from++)
		if (strchr(" \t\r\n", *from) == NULL)
			*to++ = *from;
	*to = '\0';
	return base64_decode((const char *)text->data, (size_t)(to - (char *)text->data), bytes);
}

bool signature_read(const char *path, struct buffer *bytes, struct error *err)
{
	struct buffer data = BUFFER_INIT(SIGNATURE_MAX * 3 / 2);
	bool done = false;

	if (!named_file_read(path, &data, err)) {
		buffer_free(&data);
		return false;
	}
	if (data.length == 0)
		error_set(err, ERROR_USAGE, _("an empty file, not a signature"));
	else if (data.data[0] == 0x30)
		done = buffer_append(bytes, data.data, data.length) ||
		       error_set(err, ERROR_USAGE, _("larger than %u bytes"), SIGNATURE_MAX);
	else if (memmem(data.data, data.length, "-----BEGIN ", 11) != NULL)
		done = read_pem(&data, bytes, err);
	else if (memcmp(data.data, "MI", data.length < 2 ? data.length : 2) == 0)
		done = read_base64(&data, bytes) ||
		       error_set(err, ERROR_USAGE, _("damaged base64, not a signature"));
	else
		error_set(err, ERROR_USAGE, _("not a signature (CMS in DER, PEM or base64)"));
	buffer_free(&data);
	return done || error_prefix(err, "%s", path);
}

/* A failure to read is kept: it says nothing about the signature. */
struct reading {
	struct signature_content *content;
	struct error failure;
};

static bool digest_content(void *context, const char *name, uint8_t digest[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err)
{
	struct reading *reading = context;
	struct signature_content *content = reading->content;

	if (content->name == NULL || strcmp(content->name, name) != 0) {
		content->name = NULL;
		if (!named_file_digest(content->path, name, content->digest, &content->length,
			    &reading->failure)) {
			if (err != NULL)
				*err = reading->failure;
			return false;
		}
		content->name = name;
	}
	memcpy(digest, content->digest, content->length);
	*length = content->length;
	return true;
}

/* Everything that may be on the way up: what was given, and what the file brought along. */
static bool gather(const struct cms_signed *signed_data, const struct certificates *given,
	struct certificates *others, struct error *err)
{
	const struct cms_certificate *list;
	size_t count, i;

	list = cms_signed_certificates(signed_data, &count);
	others->list = calloc(count + given->count + 1, sizeof(*others->list));
	if (others->list == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	for (i = 0; i < count; i++)
		if (certificate_decode(
			    list[i].der, list[i].length, &others->list[others->count], NULL))
			others->count++;
	for (i = 0; i < given->count; i++)
		if (certificate_decode(given->list[i].der, given->list[i].length,
			    &others->list[others->count], NULL))
			others->count++;
	return true;
}

/* The given lists and those in the file: whoever put them there, their signatures are checked. */
static bool gather_crls(const struct cms_signed *signed_data, const struct crls *given,
	struct crls *crls, struct error *err)
{
	const struct cms_certificate *list;
	size_t count;

	if (given->list != NULL && (crls->list = sk_X509_CRL_deep_copy(
					    given->list, X509_CRL_dup, X509_CRL_free)) == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	list = cms_signed_crls(signed_data, &count);
	for (size_t i = 0; i < count; i++)
		crls_add(crls, list[i].der, list[i].length, NULL);
	return true;
}

static bool check_chain(struct cms_signed *signed_data, const struct signature_question *question,
	struct signature_verdict *verdict, struct error *err)
{
	struct certificates others = {0};
	struct crls crls = {0};
	struct error why = {0};
	struct chain chain = {
		.anchors = question->anchors,
		.others = &others,
		.when = question->when,
		.leaf_dates_known = true,
	};
	bool done = false;

	if (!gather(signed_data, question->others, &others, err))
		goto out;
	if (!chain_verify(&chain, verdict->signer.certificate, NULL, 0, NULL, &why)) {
		certificate_findings_add(&verdict->findings, "chain", false,
			_("the chain does not lead to an anchor: %s"), why.message);
	} else if (question->crls != NULL) {
		if (!gather_crls(signed_data, question->crls, &crls, err))
			goto out;
		chain.crls = &crls;
		if (!chain_verify(&chain, verdict->signer.certificate, NULL, 0, NULL, &why))
			certificate_findings_add(
				&verdict->findings, "revocation", false, "%s", why.message);
	}
	done = true;
out:
	certificates_clear(&others);
	crls_clear(&crls);
	return done;
}

bool signature_check(struct cms_signed *signed_data, size_t number,
	const struct signature_question *question, struct signature_verdict *out, struct error *err)
{
	struct signature_verdict verdict = {0};
	struct reading reading = {.content = question->content};
	struct cms_source source = {digest_content, &reading};
	struct error why = {0};
	time_t used;

	if (!cms_signer_read(signed_data, number, question->others, &verdict.signer, &why)) {
		certificate_findings_add(&verdict.findings, "signature", false, "%s", why.message);
		*out = verdict;
		return true;
	}
	verdict.read = true;
	if (verdict.signer.certificate == NULL) {
		certificate_findings_add(&verdict.findings, "certificate", false,
			_("the signer's certificate is not in the file (%s); give it with "
			  "--certificate"),
			verdict.signer.named);
		*out = verdict;
		return true;
	}
	verdict.verified =
		cms_signer_verify(signed_data, question->content != NULL ? &source : NULL, &why);
	if (!verdict.verified) {
		if (reading.failure.code != ERROR_NONE) {
			if (err != NULL)
				*err = reading.failure;
			return false;
		}
		certificate_findings_add(&verdict.findings, "signature", false, "%s", why.message);
	}
	used = verdict.signer.signing_time != 0 ? verdict.signer.signing_time : question->when;
	certificate_check_use(verdict.signer.certificate, question->when, used, &verdict.findings);
	if (!check_chain(signed_data, question, &verdict, err))
		return false;
	*out = verdict;
	return true;
}

#include "provision/authority/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "asn1/certificate.h"
#include "asn1/spki.h"
#include "module/support/text.h"
#include "provision/authority/certificate_pem.h"
#include "module/support/folder.h"
#include "provision/authority/status.h"
#include "provision/i18n.h"

static const struct {
	const char *ending, *media_type;
} media_types[] = {
	{".txt", "text/plain; charset=utf-8"},
	{".pdf", "application/pdf"},
	{".xml", "application/xml"},
	{".html", "text/html; charset=utf-8"},
};

static bool ends(const char *name, const char *ending)
{
	size_t length = strlen(name), end = strlen(ending);

	return length > end && strcasecmp(name + length - end, ending) == 0;
}

static bool sha256(const struct buffer *data, uint8_t hash[32])
{
	return EVP_Digest(buffer_text(data), data->length, hash, NULL, EVP_sha256(), NULL) == 1;
}

/* A document is named by what its file is called; the name itself may be anything that a person likes. */
static bool document_id(const char *name, char id[33])
{
	uint8_t hash[32];

	if (EVP_Digest(name, strlen(name), hash, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < 16; i++)
		snprintf(id + 2 * i, 3, "%02x", hash[i]);
	return true;
}

static bool join(const char *box, const char *name, char **out, struct error *err)
{
	if (asprintf(out, "%s/%s", box, name) >= 0)
		return true;
	*out = NULL;
	return error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool exists(const char *box, const char *name, bool *out, struct error *err)
{
	struct buffer data = BUFFER_INIT(FILE_BYTES);
	bool ok = folder_read(box, name, &data, out, err);

	buffer_free(&data);
	return ok;
}

static bool has_name(char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool file_box_document(
	const char *box, const char *document, char **name, struct buffer *out, struct error *err)
{
	char *folder = NULL, **names = NULL, id[33];
	bool there = false, ok = false;
	size_t count = 0;

	if (!join(box, "documents", &folder, err) ||
		!folder_names(folder, false, &names, &count, err))
		goto out;
	for (size_t i = 0; i < count; i++) {
		if (ends(names[i], ".p7s") || !document_id(names[i], id) ||
			strcmp(id, document) != 0)
			continue;
		ok = folder_read(folder, names[i], out, &there, err) && there;
		if (ok) {
			*name = strdup(names[i]);
			ok = *name != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
	}
	if (!ok)
		error_set(
			err, ERROR_USAGE, _("there is no document %.64s in %s"), document, folder);
out:
	folder_names_free(names, count);
	free(folder);
	return ok;
}

static bool describe(const char *folder, const char *name, bool applicant_signs,
	struct authority_document *out, struct error *err)
{
	struct buffer content = BUFFER_INIT(FILE_BYTES);
	bool there = false, ok = false;
	char id[33];

	if (!folder_read(folder, name, &content, &there, err))
		goto out;
	if (!there || !sha256(&content, out->sha256) || !document_id(name, id)) {
		error_set(err, ERROR_FAILED, _("%s/%s can't be read"), folder, name);
		goto out;
	}
	out->id = strdup(id);
	out->title = strdup(name);
	out->media_type = strdup("application/octet-stream");
	for (size_t i = 0; i < sizeof(media_types) / sizeof(media_types[0]); i++) {
		if (ends(name, media_types[i].ending)) {
			free(out->media_type);
			out->media_type = strdup(media_types[i].media_type);
		}
	}
	if (out->id == NULL || out->title == NULL || out->media_type == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	text_plain(out->title);
	out->size = content.length;
	out->signer = applicant_signs ? DOCUMENT_SIGNER_APPLICATION : DOCUMENT_SIGNER_NEW_KEY;
	/* A form that the tool can read says so by its name (README.txt). */
	out->is_form = strcmp(name, "form.txt") == 0;
	ok = true;
out:
	buffer_free(&content);
	return ok;
}

/* The documents there; *waiting: how many are not signed yet. */
static bool list_documents(const char *box, bool applicant_signs, struct authority_status *status,
	size_t *waiting, struct error *err)
{
	char *folder = NULL, **names = NULL, *beside = NULL;
	size_t count = 0;
	bool ok = false;

	if (!join(box, "documents", &folder, err) ||
		!folder_names(folder, false, &names, &count, err))
		goto out;
	status->documents = calloc(count + 1, sizeof(*status->documents));
	if (status->documents == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		if (ends(names[i], ".p7s"))
			continue;
		if (status->document_count == STATUS_DOCUMENTS_MAX) {
			error_set(err, ERROR_FAILED, _("%s holds too many documents"), folder);
			goto out;
		}
		if (!describe(folder, names[i], applicant_signs,
			    &status->documents[status->document_count++], err) ||
			asprintf(&beside, "%s.p7s", names[i]) < 0)
			goto out;
		*waiting += has_name(names, count, beside) ? 0 : 1;
		free(beside);
		beside = NULL;
	}
	ok = true;
out:
	free(beside);
	folder_names_free(names, count);
	free(folder);
	return ok;
}

static bool is_certificate(const char *name)
{
	return strncmp(name, "certificate.", 12) == 0 || strncmp(name, "chain.", 6) == 0;
}

static bool has_certificate(const char *box, bool *out, struct error *err)
{
	char **names = NULL;
	size_t count = 0;

	if (!folder_names(box, false, &names, &count, err))
		return false;
	*out = false;
	for (size_t i = 0; i < count; i++)
		*out = *out || strncmp(names[i], "certificate.", 12) == 0;
	folder_names_free(names, count);
	return true;
}

static char *full_name(const json_t *application)
{
	static const char *const parts[] = {"surname", "given-name", "patronymic"};
	const json_t *person = json_object_get(application, "person");
	struct buffer name = BUFFER_INIT(512);
	char *copy = NULL;

	for (size_t i = 0; i < 3; i++) {
		const char *part = json_string_value(json_object_get(person, parts[i]));

		if (part != NULL)
			buffer_printf(&name, "%s%s", name.length > 0 ? " " : "", part);
	}
	if (buffer_ok(&name) && name.length > 0)
		copy = strdup(buffer_text(&name));
	if (copy != NULL)
		text_plain(copy);
	buffer_free(&name);
	return copy;
}

bool file_box_status(
	const char *box, const char *id, struct authority_status *out, struct error *err)
{
	bool there = false, is_signed = false, issued = false, received = false, cancelled = false;
	bool revoking = false, revoked = false;
	struct buffer application = BUFFER_INIT(FILE_BYTES);
	struct authority_status status = {0};
	json_t *json = NULL;
	size_t waiting = 0;
	bool ok = false;

	if (!folder_read(box, "application.json", &application, &there, err))
		goto out;
	if (!there) {
		error_set(err, ERROR_USAGE, _("there is no application in %s"), box);
		goto out;
	}
	json = json_loadb(
		buffer_text(&application), application.length, JSON_REJECT_DUPLICATES, NULL);
	if (!exists(box, "application.json.p7s", &is_signed, err) ||
		!exists(box, "cancelled", &cancelled, err) ||
		!exists(box, "received", &received, err) ||
		!exists(box, FILE_REVOCATION, &revoking, err) ||
		!exists(box, "revoked", &revoked, err) || !has_certificate(box, &issued, err) ||
		!list_documents(box, is_signed, &status, &waiting, err))
		goto out;
	if (cancelled) {
		status.state = STATE_CANCELLED;
		status.words = strdup(_("Withdrawn"));
	} else if (revoking && revoked) {
		status.state = STATE_REVOKED;
		status.words = strdup(_("The certificate is revoked"));
	} else if (received) {
		/* It may have come by --certificate, past the folder. */
		status.state = STATE_CONFIRMED;
		status.words = strdup(_("Done. The certificate is installed"));
		status.actions = (issued ? ACTION_DOWNLOAD : 0) | ACTION_REVOKE;
	} else if (issued) {
		status.state = STATE_READY;
		status.words = strdup(_("Done. The certificate is in the folder"));
		status.actions = ACTION_DOWNLOAD | ACTION_CONFIRM | ACTION_REVOKE;
	} else if (waiting > 0) {
		status.state = STATE_AWAITING_SIGNATURES;
		status.words = strdup(_("Documents in the folder are to be signed"));
		status.actions = ACTION_SIGN | ACTION_CANCEL;
	} else {
		status.state = status.document_count > 0 ? STATE_REVIEWING : STATE_PROCESSING;
		status.words = strdup(_("Take the files to the authority; README.txt says how"));
		status.actions = ACTION_CANCEL;
		status.poll = true;
	}
	if (revoking && (status.actions & ACTION_REVOKE) != 0) {
		free(status.words);
		status.words = strdup(_("The revocation is asked for in the folder; REVOCATION.txt "
					"says how to go on"));
	}
	status.id = strdup(id);
	status.holder = full_name(json);
	status.summary = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	if (status.id == NULL || status.words == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	*out = status;
	ok = true;
out:
	if (!ok)
		authority_status_clear(&status);
	json_decref(json);
	buffer_free(&application);
	return ok;
}

/* Appends the certificates for (own) or not for the request's key. */
static bool append(const struct certificates *all, const struct csr *csr, bool own,
	struct buffer *pem, size_t *count, struct error *err)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct certificate *certificate = &all->list[i];

		if (spki_equal(certificate->spki, certificate->spki_length, csr->spki,
			    csr->spki_length) != own)
			continue;
		if (!certificate_pem(certificate->der, certificate->length, pem, err))
			return false;
		(*count)++;
	}
	return true;
}

bool file_box_certificates(const char *box, struct buffer *pem, struct error *err)
{
	struct buffer data = BUFFER_INIT(FILE_BYTES), own = BUFFER_INIT(1 << 20),
		      rest = BUFFER_INIT(1 << 20);
	size_t count = 0, own_count = 0, rest_count = 0;
	struct certificates all = {0};
	struct csr csr = {0};
	char **names = NULL;
	bool there = false, ok = false;

	if (!folder_read(box, "request.p10", &data, &there, err))
		goto out;
	if (!there) {
		error_set(err, ERROR_FAILED, _("%s/request.p10 is gone"), box);
		goto out;
	}
	if (!csr_decode(data.data, data.length, &csr, err) ||
		!folder_names(box, false, &names, &count, err))
		goto out;
	for (size_t i = 0; i < count; i++) {
		if (!is_certificate(names[i]))
			continue;
		buffer_reset(&data);
		certificates_clear(&all);
		if (!folder_read(box, names[i], &data, &there, err))
			goto out;
		if (!certificates_read(data.data, data.length, &all, err)) {
			error_prefix(err, "%s/%s", box, names[i]);
			goto out;
		}
		if (!append(&all, &csr, true, &own, &own_count, err) ||
			!append(&all, &csr, false, &rest, &rest_count, err))
			goto out;
	}
	if (own_count == 0) {
		error_set(err, rest_count > 0 ? ERROR_FAILED : ERROR_WAITING,
			rest_count > 0 ? _("no certificate in %s is for the request's key")
				       : _("there is no certificate in %s yet"),
			box);
		goto out;
	}
	ok = (buffer_append(pem, own.data, own.length) &&
		     buffer_append(pem, rest.data, rest.length)) ||
	     error_set(err, ERROR_FAILED, _("out of memory"));
out:
	folder_names_free(names, count);
	certificates_clear(&all);
	csr_clear(&csr);
	buffer_free(&data);
	buffer_free(&own);
	buffer_free(&rest);
	return ok;
}

/* Both languages in one file: who reads it is not always who typed the command. */
static const char russian[] =
	"Заявление на выпуск сертификата электронной подписи\n"
	"====================================================\n"
	"\n"
	"request.pem, request.p10   запрос на сертификат (PKCS#10): загрузите один из них в личном "
	"кабинете\n"
	"                           удостоверяющего центра или передайте его на носителе\n"
	"application.json           данные заявления; по ним заполните анкету в кабинете\n"
	"%s"
	"\n"
	"1. Подайте заявление в удостоверяющий центр с этими файлами. Закрытый ключ остаётся у "
	"вас.\n"
	"2. Документы, которые центр пришлёт на подпись (бланк сертификата, памятка), положите в "
	"папку\n"
	"   documents и выполните: podpis sign %s\n"
	"   Рядом с каждым появится подпись, файл с окончанием .p7s: отправьте подписи в центр.\n"
	"   Бланк в виде текста со строками «поле (название): значение» назовите form.txt: он "
	"будет сверен с\n"
	"   заявлением.\n"
	"3. Выпущенный сертификат положите сюда под именем certificate.cer (или .pem, .crt, .p7b), "
	"цепочку, если\n"
	"   она отдельно, под именем chain.pem, и выполните: podpis install %s\n"
	"\n"
	"\n";

static const char english[] =
	"Application for a certificate\n"
	"=============================\n"
	"\n"
	"request.pem, request.p10   the certificate request (PKCS#10): upload one of them in the "
	"authority's web\n"
	"                           cabinet, or bring it on a medium\n"
	"application.json           the data to fill in there\n"
	"%s"
	"\n"
	"1. Apply at the authority with these files. The private key stays with you.\n"
	"2. Put documents that the authority wants signed (certificate form, memo) into the folder "
	"documents and\n"
	"   run: podpis sign %s\n"
	"   The signature of each appears beside it, ending in .p7s: send the signatures to the "
	"authority.\n"
	"   A form that is a text with lines \"field (label): value\" is called form.txt, and is "
	"compared with\n"
	"   the application.\n"
	"3. Put the issued certificate here as certificate.cer (or .pem, .crt, .p7b), the chain, "
	"when it comes\n"
	"   apart, as chain.pem, and run: podpis install %s\n";

bool file_box_explain(const char *box, bool is_signed, struct error *err)
{
	const char *id = strrchr(box, '/') != NULL ? strrchr(box, '/') + 1 : box;
	struct buffer text = BUFFER_INIT(16 << 10);
	bool ok;

	buffer_printf(&text, russian,
		is_signed ? "application.json.p7s       ваша подпись под заявлением (CMS, "
			    "отсоединённая)\n"
			  : "",
		id, id);
	buffer_printf(&text, english,
		is_signed ? "application.json.p7s       your signature under the application (CMS, "
			    "detached)\n"
			  : "",
		id, id);
	ok = buffer_ok(&text) || error_set(err, ERROR_FAILED, _("out of memory"));
	ok = ok && folder_write(box, "README.txt", text.data, text.length, err);
	buffer_free(&text);
	return ok;
}

static const char revocation[] =
	"Заявление на отзыв (прекращение действия) сертификата\n"
	"======================================================\n"
	"\n"
	"revocation.json            заявление: сертификат (SHA-256) и причина\n"
	"revocation.json.p7s        подпись владельца под заявлением (CMS, отсоединённая)\n"
	"\n"
	"1. Передайте оба файла в удостоверяющий центр или подайте заявление в его кабинете. До "
	"ответа центра "
	"сертификат\n"
	"   действует.\n"
	"2. Когда центр отзовёт сертификат, создайте здесь файл revoked и выполните: podpis "
	"refresh %s\n"
	"\n"
	"\n"
	"Request to revoke a certificate\n"
	"===============================\n"
	"\n"
	"revocation.json            the request: the certificate (SHA-256) and the reason\n"
	"revocation.json.p7s        the holder's signature under it (CMS, detached)\n"
	"\n"
	"1. Give both files to the authority, or ask in its web cabinet. Until the authority has "
	"answered the "
	"certificate is\n"
	"   valid.\n"
	"2. When the authority has revoked it, make a file revoked here, and run: podpis refresh "
	"%s\n";

bool file_box_explain_revocation(const char *box, struct error *err)
{
	const char *id = strrchr(box, '/') != NULL ? strrchr(box, '/') + 1 : box;
	struct buffer text = BUFFER_INIT(16 << 10);
	bool ok = buffer_printf(&text, revocation, id, id) ||
		  error_set(err, ERROR_FAILED, _("out of memory"));

	ok = ok && folder_write(box, "REVOCATION.txt", text.data, text.length, err);
	buffer_free(&text);
	return ok;
}

#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <time.h>

#include "asn1/cms.h"
#include "provision/certificate_check.h"
#include "provision/named_file.h"

static const struct option options_cms_sign[] = {
	{"signer", "WHICH",
		N_("the signature: a PKCS#11 URI, a label or a CKA_ID in hexadecimal; the only one "
		   "there is when not given"),
		false},
	{"attached", NULL, N_("puts the document into the signature (up to 31 MiB)"), false},
	{"pem", NULL, N_("writes PEM, not DER"), false},
	{"out", "PATH",
		N_("writes to this file, into this folder, or with - to standard output; FILE.sig "
		   "when not given"),
		false},
	{"force", NULL, N_("replaces signatures that are there"), false},
	{0},
};

#define CMS_MAX (32u << 20) /* bytes */

/* One document on its way. */
struct job {
	const char *path;
	char *out;
};

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool name_output(const struct context *context, struct job *job, struct error *err)
{
	const char *out = options_get(&context->options, "out"), *slash, *name;
	int length;

	slash = strrchr(job->path, '/');
	name = slash != NULL ? slash + 1 : job->path;
	if (out == NULL)
		length = asprintf(&job->out, "%s.sig", job->path);
	else if (is_folder(out))
		length = asprintf(&job->out, "%s/%s.sig", out, name);
	else if (context->options.argument_count > 1)
		return error_set(err, ERROR_USAGE,
			_("%s is not a folder, and there are several documents"), out);
	else
		length = asprintf(&job->out, "%s", out);
	if (length >= 0)
		return true;
	job->out = NULL;
	return error_set(err, ERROR_FAILED, _("out of memory"));
}

/* What would fail is found before anything is signed. */
static bool plan(struct context *context, struct job *jobs, struct error *err)
{
	bool force = options_has(&context->options, "force");
	struct stat status;

	for (size_t i = 0; i < context->options.argument_count; i++) {
		jobs[i].path = context->options.arguments[i];
		if (stat(jobs[i].path, &status) != 0)
			return error_set(err, ERROR_USAGE, "%s: %m", jobs[i].path);
		if (S_ISDIR(status.st_mode))
			return error_set(err, ERROR_USAGE, _("%s is a folder"), jobs[i].path);
		if (!name_output(context, &jobs[i], err))
			return false;
		if (!force && !named_file_is_stdout(jobs[i].out) &&
			lstat(jobs[i].out, &status) == 0)
			return error_set(err, ERROR_USAGE,
				_("%s is there already (--force replaces it)"), jobs[i].out);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(jobs[i].out, jobs[j].out) == 0)
				return error_set(err, ERROR_USAGE,
					_("two documents would be signed into %s"), jobs[i].out);
		}
	}
	return true;
}

/* A CKA_ID in hexadecimal. */
static bool take_id(const char *text, struct uri *uri)
{
	size_t length = strlen(text);

	if (length == 0 || length % 2 != 0 || length / 2 > sizeof(uri->id) ||
		strspn(text, "0123456789abcdefABCDEF") != length)
		return false;
	for (size_t i = 0; i < length / 2; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		uri->id[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	uri->id_length = length / 2;
	return true;
}

/* The token that --slot and --module mean, or that the URI does; logged in. */
static bool open_slot(
	struct context *context, const struct uri *uri, struct slot *slot, struct error *err)
{
	struct slot_wish wish = uri_wish(uri);
	const char *module = options_get(&context->options, "module");

	if (module != NULL)
		wish.module_path = module;
	wish.name = options_get(&context->options, "slot");
	return slot_open(&context->modules, &wish, slot, err) &&
	       slot_login_with(slot, &context->pins, &context->options, PIN_USER, err);
}

static bool open_signer(
	struct context *context, struct slot *slot, struct token_signer *signer, struct error *err)
{
	const char *which = options_get(&context->options, "signer");
	struct uri uri = {0}, id = {0};
	struct error why = {0};
	bool done = false;

	if (which != NULL && strncasecmp(which, "pkcs11:", 7) == 0) {
		if (!uri_parse(which, &uri, err))
			return false;
	} else if (which != NULL && (uri.object = strdup(which)) == NULL) {
		return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	if (!open_slot(context, &uri, slot, err))
		goto out;
	done = token_signer_open(slot, which != NULL ? &uri : NULL, NULL, signer, &why);
	/* A label may look like an id: it comes first. */
	if (!done && uri.object != NULL && why.code == ERROR_WORKPLACE && take_id(uri.object, &id))
		done = token_signer_open(slot, &id, NULL, signer, &why);
	if (!done && err != NULL)
		*err = why;
out:
	uri_clear(&uri);
	return done;
}

/* A signature that nobody would take is not made. */
static bool check_signer(const struct token_signer *signer, struct error *err)
{
	struct certificate_findings findings = {0};
	time_t now = time(NULL);

	certificate_check_use(&signer->own->certificate, now, now, &findings);
	return findings.count == 0 || error_set(err, ERROR_USAGE, "%s", findings.list[0].text);
}

static bool make(struct context *context, struct token_signer *signer, const char *path,
	struct buffer *cms, struct error *err)
{
	struct buffer content = BUFFER_INIT(CMS_MAX);
	uint8_t digest[MESSAGE_DIGEST_MAX];
	size_t length;
	bool done;

	if (options_has(&context->options, "attached"))
		done = (named_file_read(path, &content, err) ||
			       error_prefix(err, _("too large to be in its signature"))) &&
		       token_signer_attach(
			       signer, content.data, content.length, time(NULL), cms, err);
	else
		done = named_file_digest(path, cms_digest_name(signer->key.algorithm), digest,
			       &length, err) &&
		       token_signer_sign_digest(signer, digest, length, time(NULL), cms, err);
	buffer_free(&content);
	return done;
}

static bool to_pem(struct buffer *cms, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool done = false;
	long length;

	if (bio != NULL && cms->length <= INT32_MAX &&
		PEM_write_bio(bio, "CMS", "", cms->data, (long)cms->length) > 0) {
		length = BIO_get_mem_data(bio, &text);
		buffer_free(cms);
		*cms = BUFFER_INIT(2 * CMS_MAX);
		done = buffer_append(cms, text, (size_t)length);
	}
	BIO_free(bio);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool sign_one(struct context *context, struct token_signer *signer, const struct job *job,
	json_t *list, struct error *err)
{
	bool force = options_has(&context->options, "force");
	struct buffer cms = BUFFER_INIT(CMS_MAX);
	bool done;

	done = make(context, signer, job->path, &cms, err) &&
	       (!options_has(&context->options, "pem") || to_pem(&cms, err)) &&
	       named_file_write(
		       job->out, cms.data, cms.length, named_file_mode(job->path), force, err);
	if (done)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "document", job->path, "file", job->out));
	buffer_free(&cms);
	return done;
}

static bool sign_all(struct context *context, struct token_signer *signer, const struct job *jobs,
	struct error *err)
{
	size_t count = context->options.argument_count;
	json_t *list = json_array();
	struct buffer subject = BUFFER_INIT(64 * 1024);
	bool done = true;

	name_print(&signer->own->certificate.subject, &subject);
	output_progress(&context->output, _("Signing as %s"), buffer_text(&subject));
	output_json(&context->output, "signer", json_string(buffer_text(&subject)));
	for (size_t i = 0; i < count && done; i++) {
		done = sign_one(context, signer, &jobs[i], list, err);
		if (!done && count > 1)
			error_prefix(err, _("%zu of %zu documents are signed; the next"), i, count);
		if (done)
			output_progress(&context->output, "[%zu/%zu] %s → %s", i + 1, count,
				jobs[i].path, jobs[i].out);
	}
	output_json(&context->output, "signed", list);
	buffer_free(&subject);
	return done;
}

/* --dry-run: what would be written, without a login. */
static bool preview(struct context *context, const struct job *jobs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < context->options.argument_count; i++) {
		output_text(&context->output, _("%s would be signed into %s\n"), jobs[i].path,
			jobs[i].out);
		json_array_append_new(list,
			json_pack("{s:s, s:s}", "document", jobs[i].path, "file", jobs[i].out));
	}
	output_json(&context->output, "to_sign", list);
	return true;
}

static bool run(struct context *context, struct error *err)
{
	struct job jobs[OPTIONS_ARGUMENTS_MAX] = {0};
	struct token_signer signer = {0};
	struct slot slot = {.session = CK_INVALID_HANDLE};
	bool done = false;

	if (!plan(context, jobs, err) ||
		(named_file_is_stdout(jobs[0].out) && !output_give_stdout(&context->output, err)))
		goto out;
	if (options_has(&context->options, "dry-run")) {
		done = preview(context, jobs);
		goto out;
	}
	if (!open_signer(context, &slot, &signer, err))
		goto out;
	done = check_signer(&signer, err) && sign_all(context, &signer, jobs, err);
out:
	token_signer_clear(&signer);
	slot_close(&slot);
	for (size_t i = 0; i < OPTIONS_ARGUMENTS_MAX; i++)
		free(jobs[i].out);
	return done;
}

const struct command cms_sign_command = {
	.name = "cms sign",
	.arguments = "FILE…",
	.summary = N_("signs documents: CMS, CAdES-BES, detached into FILE.sig"),
	.options = {options_slot, options_cms_sign, options_dry_run},
	.minimum = 1,
	.maximum = OPTIONS_ARGUMENTS_MAX,
	.run = run,
};

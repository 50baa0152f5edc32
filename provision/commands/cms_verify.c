#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "provision/authority/authority.h"
#include "provision/named_file.h"
#include "provision/signature_check.h"

static const struct option options_cms_verify[] = {
	{"content", "FILE",
		N_("what a detached signature is over; FILE of FILE.sig when not given"), false},
	{"anchor", "FILE", N_("certificates that are trusted; else the authority's anchors"), true},
	{"certificate", "FILE", N_("certificates that the signature came without"), true},
	{"crl", "PATH", N_("a revocation list, or a folder of them: nothing on them is valid"),
		true},
	{"at", "TIME", N_("as of then (2026-01-31T12:00:00Z), not of now"), false},
	{"out", "FILE",
		N_("writes the content of an attached signature, if it is valid; -: to standard "
		   "output, and all else to standard error"),
		false},
	{"force", NULL, N_("replaces that file"), false},
	{0},
};

#define CERTIFICATES_FILE_MAX (16u << 20)

/* What the options say, loaded. */
struct wish {
	struct certificates anchors, others;
	struct crls crls;
	bool has_crls;
	time_t when;
};

static void wish_clear(struct wish *wish)
{
	certificates_clear(&wish->anchors);
	certificates_clear(&wish->others);
	crls_clear(&wish->crls);
}

/* Moves the certificates of `more` behind those of `all`. */
static bool append(struct certificates *all, struct certificates *more, struct error *err)
{
	struct certificate *list =
		realloc(all->list, (all->count + more->count + 1) * sizeof(*list));

	if (list == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	memcpy(&list[all->count], more->list, more->count * sizeof(*list));
	all->list = list;
	all->count += more->count;
	more->count = 0;
	return true;
}

static bool add_bytes(struct certificates *all, const struct buffer *bytes, struct error *err)
{
	struct certificates more = {0};
	bool done = certificates_read(bytes->data, bytes->length, &more, err) &&
		    append(all, &more, err);

	certificates_clear(&more);
	return done;
}

static bool load_files(const struct options *options, const char *option, struct certificates *all,
	struct error *err)
{
	const char *path;
	size_t cursor = 0;
	bool done = true;

	while (done && (path = options_next(options, option, &cursor)) != NULL) {
		struct buffer bytes = BUFFER_INIT(CERTIFICATES_FILE_MAX);

		done = named_file_read(path, &bytes, err) &&
		       (add_bytes(all, &bytes, err) || error_prefix(err, "%s", path));
		buffer_free(&bytes);
	}
	return done;
}

static bool load_authority(struct context *context, struct certificates *anchors, struct error *err)
{
	struct buffer pem = BUFFER_INIT(CERTIFICATES_FILE_MAX);
	struct authority *authority = NULL;
	const char *name;
	bool done = false;

	if (!context_authority(context, &name, err)) {
		error_prefix(err, _("no --anchor was given"));
		goto out;
	}
	if (!context_check_config(context, err) ||
		!authority_open(context->config, name, context->log, &authority, err) ||
		(authority->class->anchors != NULL &&
			!authority->class->anchors(authority, &pem, err)))
		goto out;
	done = pem.length > 0
		       ? add_bytes(anchors, &pem, err)
		       : error_set(err, ERROR_USAGE,
				 _("%s names no trust anchor: give one with --anchor FILE"), name);
out:
	authority_close(authority);
	buffer_free(&pem);
	return done;
}

static bool load_wish(struct context *context, struct wish *wish, struct error *err)
{
	const char *at = options_get(&context->options, "at"), *path;
	size_t cursor = 0;

	wish->when = time(NULL);
	if (at != NULL && !output_parse_time(at, &wish->when))
		return error_set(err, ERROR_USAGE,
			_("--at %s is not a time such as 2026-01-31T12:00:00Z"), at);
	if (!load_files(&context->options, "anchor", &wish->anchors, err) ||
		!load_files(&context->options, "certificate", &wish->others, err))
		return false;
	if (wish->anchors.count == 0 && !load_authority(context, &wish->anchors, err))
		return false;
	while ((path = options_next(&context->options, "crl", &cursor)) != NULL) {
		if (!crls_load(&wish->crls, path, err))
			return false;
		wish->has_crls = true;
	}
	return true;
}

/* The document beside its signature: the name without the ending. */
static char *beside(const char *path)
{
	static const char *const endings[] = {".sig", ".sgn", ".p7s", ".pem"};
	size_t length = strlen(path);
	struct stat status;
	char *name;

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (length <= 4 || strcasecmp(path + length - 4, endings[i]) != 0)
			continue;
		name = strndup(path, length - 4);
		if (name != NULL && stat(name, &status) == 0 && S_ISREG(status.st_mode))
			return name;
		free(name);
	}
	return NULL;
}

static json_t *findings_json(const struct certificate_findings *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "check", findings->list[i].field, "problem",
				      findings->list[i].text));
	return list;
}

/* What it was made as; a form that proves nothing here must not read as one that does. */
static const char *form(const struct signature_verdict *verdict, char text[128])
{
	const char *name = verdict->signer.cades ? "CAdES-BES" : "CMS";

	snprintf(text, 128, verdict->verified ? "%s" : _("%s, which does not verify"), name);
	return text;
}

/* One signer, to a person and as JSON. */
static json_t *tell_signer(struct context *context, const struct wish *wish, size_t number,
	const struct signature_verdict *verdict)
{
	const struct certificate *certificate = verdict->signer.certificate;
	bool good = verdict->findings.count == 0;
	struct output *output = &context->output;
	struct buffer subject = BUFFER_INIT(64 * 1024);
	char when[OUTPUT_TIME_MAX] = "", text[128];
	json_t *object;

	if (certificate != NULL)
		name_print(&certificate->subject, &subject);
	if (verdict->signer.signing_time != 0)
		output_time(verdict->signer.signing_time, when);
	output_text(output, "  %zu. %s%s%s\n", number + 1,
		output_colour(output, good ? COLOUR_GOOD : COLOUR_BAD),
		good ? _("valid") : _("NOT valid"), output_colour(output, COLOUR_NONE));
	output_field(output, _("Signed by"), buffer_text(&subject));
	if (certificate == NULL && verdict->read)
		output_field(output, _("Signed by"), verdict->signer.named);
	output_field(output, _("Says it was signed"), when);
	output_field(output, _("Algorithm"), verdict->signer.algorithm);
	if (verdict->read)
		output_field(output, _("Form"), form(verdict, text));
	output_field(output, _("Revocation"),
		wish->has_crls ? _("looked up in the lists given") : _("not checked (no --crl)"));
	for (size_t i = 0; i < verdict->findings.count; i++)
		output_field(
			output, verdict->findings.list[i].field, verdict->findings.list[i].text);
	object = json_pack("{s:b, s:s?, s:s?, s:s?, s:b, s:b, s:b, s:o}", "valid", good, "subject",
		certificate != NULL ? buffer_text(&subject) : NULL, "signing_time",
		when[0] != '\0' ? when : NULL, "algorithm", verdict->signer.algorithm, "cades",
		verdict->signer.cades, "verified", verdict->verified, "revocation_checked",
		wish->has_crls, "problems", findings_json(&verdict->findings));
	buffer_free(&subject);
	return object;
}

static bool write_content(struct context *context, const char *path,
	const struct cms_signed *signed_data, struct error *err)
{
	const char *out = options_get(&context->options, "out");
	const uint8_t *content;
	size_t length;

	if (out == NULL || options_has(&context->options, "dry-run"))
		return true;
	cms_content(signed_data, &content, &length);
	if (content == NULL)
		return error_set(
			err, ERROR_USAGE, _("%s: a detached signature has no content"), path);
	return named_file_write(out, content, length, named_file_mode(path),
		options_has(&context->options, "force"), err);
}

/* `*bad`: a signature that is not valid; false: it could not be looked at. */
static bool verify_one(struct context *context, const struct wish *wish, const char *path,
	json_t *list, bool *bad, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(SIGNATURE_MAX);
	struct signature_content document = {.path = options_get(&context->options, "content")};
	struct signature_question question = {
		.anchors = &wish->anchors,
		.others = &wish->others,
		.crls = wish->has_crls ? &wish->crls : NULL,
		.when = wish->when,
	};
	struct cms_signed *signed_data = NULL;
	const uint8_t *content;
	char *found = NULL;
	json_t *signers = json_array();
	size_t length, good = 0, count = 0, i;
	bool done = false;

	if (!signature_read(path, &bytes, err))
		goto out;
	if (!cms_open(bytes.data, bytes.length, &signed_data, err)) {
		error_prefix(err, "%s", path);
		goto out;
	}
	cms_content(signed_data, &content, &length);
	if (content == NULL && document.path == NULL)
		document.path = found = beside(path);
	if (document.path != NULL)
		question.content = &document;
	if (content == NULL && document.path == NULL) {
		error_set(err, ERROR_USAGE,
			_("%s is a detached signature: say with --content what it is over"), path);
		goto out;
	}
	count = cms_signer_count(signed_data);
	if (count == 0) {
		error_set(err, ERROR_USAGE, _("%s: nobody has signed it"), path);
		goto out;
	}
	output_text(&context->output, "%s%s%s\n", path, document.path != NULL ? " → " : "",
		document.path != NULL ? document.path : "");
	for (i = 0; i < count; i++) {
		struct signature_verdict verdict;

		if (!signature_check(signed_data, i, &question, &verdict, err))
			goto out;
		good += verdict.findings.count == 0;
		json_array_append_new(signers, tell_signer(context, wish, i, &verdict));
	}
	*bad = good < count;
	done = *bad || write_content(context, path, signed_data, err);
out:
	json_array_append_new(
		list, json_pack("{s:s, s:s?, s:b, s:O}", "file", path, "content", document.path,
			      "valid", done && !*bad, "signers", signers));
	json_decref(signers);
	cms_close(signed_data);
	buffer_free(&bytes);
	free(found);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	const struct options *options = &context->options;
	size_t count = options->argument_count, refused = 0;
	struct wish wish = {0};
	json_t *list = json_array();
	bool done = false;

	if (count > 1 && (options_has(options, "content") || options_has(options, "out"))) {
		error_set(err, ERROR_USAGE, _("--content and --out are for one signature"));
		goto out;
	}
	if (named_file_is_stdout(options_get(options, "out")) &&
		!output_give_stdout(&context->output, err))
		goto out;
	if (!load_wish(context, &wish, err))
		goto out;
	for (size_t i = 0; i < count; i++) {
		bool bad = false;

		if (!verify_one(context, &wish, options->arguments[i], list, &bad, err))
			goto out;
		refused += bad;
	}
	done = refused == 0 ||
	       error_set(err, ERROR_FAILED,
		       P_("%zu signature is not valid", "%zu signatures are not valid",
			       (unsigned long)refused),
		       refused);
out:
	output_json(&context->output, "signatures", list);
	wish_clear(&wish);
	return done;
}

const struct command cms_verify_command = {
	.name = "cms verify",
	.arguments = "SIGNATURE…",
	.summary = N_("verifies signed documents: content, signature, chain, dates, revocation"),
	.options = {options_authority, options_cms_verify, options_dry_run},
	.minimum = 1,
	.maximum = OPTIONS_ARGUMENTS_MAX,
	.run = run,
};

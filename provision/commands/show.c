#include "provision/commands/commands.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provision/certificate_view.h"
#include "provision/named_file.h"
#include "provision/flow/documents.h"
#include "provision/person.h"
#include "provision/token_view.h"

static const struct option options_show[] = {
	{"documents", NULL, N_("fetches the documents to sign and shows their text"), false},
	{"certificate", "WHAT", N_("shows a certificate: a file, or a PKCS#11 URI; no application"),
		false},
	{0},
};

static const struct option options_show_module[] = {
	{"module", "FILE", N_("another PKCS#11 module than Podpis's own"), false},
	{0},
};

#define CERTIFICATE_FILE_MAX (16u << 20) /* bytes */

static void show_person(struct output *output, const struct journal_application *row)
{
	json_t *person = row->person != NULL ? json_loads(row->person, 0, NULL) : NULL;

	for (size_t i = 0; i < PERSON_FIELD_COUNT && person != NULL; i++) {
		const struct person_field_info *info = person_field_info((enum person_field)i);

		output_field(output, _(info->label),
			json_string_value(json_object_get(person, info->name)));
	}
	json_decref(person);
}

static void show_renewed(struct output *output, const struct journal_application *row)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)row->renews);
	output_field(output, _("Renews application"), row->renews != 0 ? id : NULL);
}

static void show_times(struct output *output, const struct journal_application *row)
{
	const struct {
		const char *label;
		int64_t when;
	} times[] = {
		{_("Created"), row->created},
		{_("Changed"), row->updated},
		{_("Installed"), row->installed},
		{_("Valid until"), row->not_after},
	};
	char text[OUTPUT_TIME_MAX];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i].when != 0)
			output_field(
				output, times[i].label, output_time((time_t)times[i].when, text));
	}
}

static bool show_events(struct flow *flow, struct error *err)
{
	struct output *output = &flow->context->output;
	struct journal_event *events = NULL;
	json_t *list = json_array();
	size_t count = 0;

	if (!journal_events(flow->journal, flow->row.id, &events, &count, err)) {
		json_decref(list);
		return false;
	}
	output_text(output, "%s:\n", _("Events"));
	for (size_t i = 0; i < count; i++) {
		char when[OUTPUT_TIME_MAX];

		output_time((time_t)events[i].at, when);
		output_text(output, "  %s  %-18s %s\n", when, events[i].kind,
			events[i].detail != NULL ? events[i].detail : "");
		json_array_append_new(list, json_pack("{s:s, s:s, s:s?}", "at", when, "kind",
						    events[i].kind, "detail", events[i].detail));
	}
	output_json(output, "events", list);
	journal_events_free(events, count);
	return true;
}

/* Only plain text is shown; what a terminal would take as a command is not. */
static bool show_documents(struct flow *flow, struct error *err)
{
	struct output *output = &flow->context->output;
	struct documents documents = {0};
	json_t *list = json_array();
	bool done;

	done = documents_read(&flow->row, &documents, err) &&
	       (flow_dry_run(flow) || documents_fetch(flow, &documents, err));
	for (size_t i = 0; i < documents.count && done; i++) {
		const struct document *document = &documents.list[i];
		bool text =
			!flow_dry_run(flow) && strncmp(document->media_type, "text/plain", 10) == 0;

		output_text(output, "\n%s== %s: %s%s\n", output_colour(output, COLOUR_BOLD),
			document->id, document->title, output_colour(output, COLOUR_NONE));
		if (flow_dry_run(flow))
			output_text(
				output, _("It would be fetched from %s.\n"), flow->row.authority);
		else if (text)
			output_lines(output, buffer_text(&document->content));
		else
			output_text(output, "(%s, %zu %s)\n", document->media_type,
				document->content.length, _("bytes"));
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o?}", "id", document->id, "title",
				      document->title, "text",
				      text ? json_stringn(buffer_text(&document->content),
						     document->content.length)
					   : json_null()));
	}
	output_json(output, "texts", list);
	documents_clear(&documents);
	return done;
}

static json_t *show_certificate(
	struct context *context, const struct certificate *certificate, json_t *list)
{
	json_t *object;

	output_text(&context->output, "%s", json_array_size(list) > 0 ? "\n" : "");
	object = certificate_view(&context->output, certificate, time(NULL));
	json_array_append_new(list, object);
	return object;
}

/* Whatever of the token's certificates the URI means; nobody has to log in for that. */
static bool show_installed(
	struct context *context, const char *text, json_t *list, struct error *err)
{
	const char *module = options_get(&context->options, "module");
	struct token_certificates certificates = {0};
	struct slot slot = {.session = CK_INVALID_HANDLE};
	struct uri uri = {0};
	bool done = false;

	if (!uri_open(&context->modules, text, module, &uri, &slot, err) ||
		!token_certificates_load(&slot, &certificates, err))
		goto out;
	for (size_t i = 0; i < certificates.count; i++) {
		const struct token_certificate *one = &certificates.list[i];

		if (token_certificate_fits(&slot, one, &uri))
			token_view_place(&context->output, &slot, one,
				show_certificate(context, &one->certificate, list));
	}
	done = json_array_size(list) > 0 ||
	       error_set(err, ERROR_WORKPLACE,
		       _("there is no certificate of that kind in the token %s"), slot.label);
out:
	token_certificates_clear(&certificates);
	slot_close(&slot);
	uri_clear(&uri);
	return done;
}

/* The certificate that the journal keeps. */
static void show_own(struct context *context, const struct journal_application *row)
{
	struct certificates certificates = {0};
	const char *pem = row->certificates;

	if (pem == NULL ||
		!certificates_read((const uint8_t *)pem, strlen(pem), &certificates, NULL))
		return;
	output_json(&context->output, "certificate",
		certificate_view(&context->output, &certificates.list[0], time(NULL)));
	certificates_clear(&certificates);
}

/* The PKCS#10, for other programs to look at. */
static void show_request(struct context *context, const struct journal_application *row)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;

	if (bio != NULL && row->request.length > 0 &&
		PEM_write_bio(bio, "CERTIFICATE REQUEST", "", row->request.data,
			(long)row->request.length) > 0) {
		long length = BIO_get_mem_data(bio, &pem);

		output_json(&context->output, "request", json_stringn(pem, (size_t)length));
	}
	BIO_free(bio);
}

static bool show_file(struct context *context, const char *path, json_t *list, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(CERTIFICATE_FILE_MAX);
	struct certificates certificates = {0};
	bool done;

	done = named_file_read(path, &bytes, err) &&
	       (certificates_read(bytes.data, bytes.length, &certificates, err) ||
		       error_prefix(err, "%s", path));
	for (size_t i = 0; i < certificates.count; i++)
		show_certificate(context, &certificates.list[i], list);
	certificates_clear(&certificates);
	buffer_free(&bytes);
	return done;
}

static bool run_certificate(struct context *context, const char *what, struct error *err)
{
	json_t *list = json_array();
	bool done;

	if (context->options.argument_count > 0) {
		json_decref(list);
		return error_set(err, ERROR_USAGE,
			_("either an application's ID or --certificate, not both"));
	}
	done = strncasecmp(what, "pkcs11:", 7) == 0 ? show_installed(context, what, list, err)
						    : show_file(context, what, list, err);
	output_json(&context->output, "certificates", list);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	const char *certificate = options_get(&context->options, "certificate");
	const struct journal_application *row;
	struct flow flow;
	bool done;

	if (certificate != NULL)
		return run_certificate(context, certificate, err);
	if (context->options.argument_count == 0)
		return error_set(
			err, ERROR_USAGE, _("which: an application's ID, or --certificate FILE?"));
	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	row = &flow.row;
	commands_tell(&flow, true);
	output_field(&context->output, _("Authority"), row->authority);
	output_field(&context->output, _("Authority's ID"), row->remote_id);
	output_field(&context->output, _("Profile"), row->profile);
	output_field(&context->output, _("Identification"), row->identification);
	output_field(&context->output, _("Filed for"), row->account);
	show_renewed(&context->output, row);
	show_person(&context->output, row);
	output_field(&context->output, _("Label"), row->label);
	output_field(&context->output, _("Key"), row->key_uri);
	output_field(&context->output, _("Signed by"), row->signer_uri);
	show_times(&context->output, row);
	show_request(context, row);
	show_own(context, row);
	done = show_events(&flow, err) &&
	       (!options_has(&context->options, "documents") || show_documents(&flow, err));
	flow_close(&flow);
	return done;
}

const struct command show_command = {
	.name = "show",
	.arguments = "[ID]",
	.summary = N_("shows all that is known about an application, or a certificate"),
	.options = {options_show, options_authority, options_show_module, options_dry_run},
	.maximum = 1,
	.run = run,
};

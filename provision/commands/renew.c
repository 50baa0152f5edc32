#include "provision/commands/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provision/flow/draft.h"
#include "provision/flow/renewal.h"
#include "provision/flow/submission.h"

#define DAYS_MAX 3650

static const struct option options_renew[] = {
	{"due", NULL, N_("renews whatever ends soon, and goes on with what was begun"), false},
	{"days", "N", N_("with --due: how soon; 60 when not given"), false},
	{"approval-days", "N", N_("so long the certificate has to be good yet; 3 when not given"),
		false},
	{"wait", NULL, N_("waits for the authority, and goes on as obtain does"), false},
	{"key", "KIND", N_("another kind of key than the old one"), false},
	{"another", NULL, N_("a new one, even if it was renewed or is being renewed"), false},
	{"accept", "FIELD", N_("takes a difference in this field"), true},
	{0},
};

static bool days_of(const struct context *context, const char *name, unsigned usual, unsigned *days,
	struct error *err)
{
	const char *text = options_get(&context->options, name);
	unsigned long value = usual;
	char *end = NULL;

	if (text != NULL) {
		errno = 0;
		value = strtoul(text, &end, 10);
		if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' ||
			value > DAYS_MAX)
			return error_set(err, ERROR_USAGE, _("--%s wants a number of days, not %s"),
				name, text);
	}
	*days = (unsigned)value;
	return true;
}

/* Whatever would make it fail, before anything is made: the old application as the authority has it today. */
static bool check(struct flow *old, struct error *err)
{
	struct certificates certificates = {0};
	unsigned days;
	bool done;

	if (!days_of(old->context, "approval-days", RENEWAL_APPROVAL_DAYS, &days, err) ||
		(!flow_dry_run(old) && !flow_refresh(old, err)))
		return false;
	done = renewal_certificate(&old->row, &certificates, err) &&
	       renewal_allowed(&certificates.list[0], time(NULL), days, err);
	certificates_clear(&certificates);
	return done ||
	       error_prefix(err, _("application %lld is not renewed"), (long long)old->row.id);
}

/*
 * An earlier renewal of the same certificate that is not under way any more. One that was installed is all that is
 * wanted; after one that was refused a person may want another, but not a timer.
 */
static bool find_earlier(struct flow *flow, int64_t *id, struct error *err)
{
	bool timer = options_has(&flow->context->options, "due"), done;
	struct journal_application row = {0};

	*id = 0;
	if (options_has(&flow->context->options, "another"))
		return true;
	done = journal_find_fingerprint(flow->journal, flow->row.fingerprint, id, err) &&
	       (*id == 0 || journal_load(flow->journal, *id, &row, err));
	if (done && *id != 0 && row.state != STATE_INSTALLED && !timer)
		*id = 0;
	journal_application_clear(&row);
	return done;
}

/* The renewal's place in the journal: a new one, or the one that is there. *id 0: it was only shown. */
static bool begin(struct context *context, int64_t old_id, int64_t *id, struct error *err)
{
	struct flow old, flow = {.lock = -1};
	struct signing signing = {0};
	bool done = false;

	if (!flow_open_id(context, old_id, &old, err))
		return false;
	if (!check(&old, err) || !flow_new(context, &flow, err))
		goto out;
	signing_init(&signing, &flow);
	if (!renewal_fill(&signing, &old.row, err))
		goto out;
	/* Nobody who holds one lock waits for another. */
	flow_pause(&old);
	done = find_earlier(&flow, id, err) && (*id != 0 || draft_find(&flow, id, err));
	if (!done || *id != 0)
		goto out;
	if (flow_dry_run(&flow)) {
		done = draft_show(&flow, err);
		goto out;
	}
	done = draft_keys(&signing, err) && submission_try(&flow, err) && draft_add(&flow, id, err);
	if (done && *id == 0)
		*id = flow.row.id;
out:
	signing_clear(&signing);
	flow_close(&flow);
	flow_close(&old);
	return done;
}

/* The application that a certificate in a token came of. */
static bool find_uri(struct context *context, const char *text, int64_t *id, struct error *err)
{
	const char *module = options_get(&context->options, "module");
	struct token_certificates certificates = {0};
	struct slot slot = {.session = CK_INVALID_HANDLE};
	struct journal *journal = NULL;
	struct uri uri = {0};
	size_t found = 0;
	bool done = false;

	if (!uri_open(&context->modules, text, module, &uri, &slot, err) ||
		!token_certificates_load(&slot, &certificates, err) || !journal_look(&journal, err))
		goto out;
	for (size_t i = 0; i < certificates.count; i++) {
		const struct token_certificate *one = &certificates.list[i];
		int64_t known = 0;

		if (!token_certificate_fits(&slot, one, &uri))
			continue;
		if (!journal_find_certificate(journal, one->certificate.sha256, &known, err))
			goto out;
		if (known != 0) {
			*id = known;
			found++;
		}
	}
	if (found == 1)
		done = true;
	else if (found == 0)
		error_set(err, ERROR_USAGE,
			_("the journal has no application for that certificate; podpis apply "
			  "--identification signature --signer %s applies for a new one"),
			text);
	else
		error_set(err, ERROR_USAGE,
			_("%zu certificates are meant by that URI; its id says which one"), found);
out:
	journal_close(journal);
	token_certificates_clear(&certificates);
	slot_close(&slot);
	uri_clear(&uri);
	return done;
}

static bool find(struct context *context, const char *name, int64_t *id, struct error *err)
{
	struct flow flow;

	if (strncasecmp(name, "pkcs11:", 7) == 0)
		return find_uri(context, name, id, err);
	if (!flow_open(context, name, &flow, err))
		return false;
	*id = flow.row.id;
	flow_close(&flow);
	return true;
}

/* --dry-run, and there is one under way: nothing would be begun. */
static bool tell(struct context *context, int64_t id, struct error *err)
{
	struct flow flow;

	if (!flow_open_id(context, id, &flow, err))
		return false;
	commands_tell(&flow, true);
	flow_close(&flow);
	return true;
}

static bool renew(struct context *context, const char *name, struct error *err)
{
	int64_t old = 0, id = 0;
	json_t *list;
	bool done;

	if (!find(context, name, &old, err) || !begin(context, old, &id, err))
		return false;
	if (options_has(&context->options, "dry-run"))
		return id == 0 || tell(context, id, err);
	if (!options_has(&context->options, "wait"))
		return apply_go_on(context, id, err);
	list = json_array();
	done = obtain_application(context, id, list, err);
	output_json(&context->output, "applications", list);
	return done;
}

/* What ends, when, and what becomes of it. */
static bool renew_one(
	struct context *context, int64_t old, json_t *due, json_t *list, struct error *err)
{
	int64_t id = 0;
	json_t *one = json_pack("{s:o}", "id", json_sprintf("%lld", (long long)old));
	bool done;

	output_text(&context->output, _("The certificate of application %lld is due.\n"),
		(long long)old);
	done = begin(context, old, &id, err) &&
	       (id == 0 || obtain_application(context, id, list, err));
	json_object_set_new(
		one, "renewal", id != 0 ? json_sprintf("%lld", (long long)id) : json_null());
	json_object_set_new(one, "problem", done ? json_null() : json_string(err->message));
	json_array_append_new(due, one);
	/* The first problem becomes the error; all are said. */
	if (!done)
		output_text(&context->output, "  %s\n", err->message);
	return done;
}

static bool renew_due(struct context *context, struct error *err)
{
	json_t *due = json_array(), *list = json_array();
	struct journal *journal = NULL;
	struct error first = {0};
	int64_t *ids = NULL;
	size_t count = 0;
	unsigned days;
	bool done;

	done = days_of(context, "days", RENEWAL_DUE_DAYS, &days, err) &&
	       journal_look(&journal, err) &&
	       renewal_due(journal, time(NULL), days, &ids, &count, err);
	journal_close(journal);
	for (size_t i = 0; i < count && done; i++) {
		struct error problem = {0};

		/* As obtain has it: one does not hold up the others, and what is worse than waiting counts. */
		if (!renew_one(context, ids[i], due, list, &problem) &&
			(first.code == ERROR_NONE || first.code == ERROR_WAITING))
			first = problem;
	}
	if (done && count == 0)
		output_text(&context->output, _("No certificate ends within %u days.\n"), days);
	output_json(&context->output, "due", due);
	output_json(&context->output, "applications", list);
	free(ids);
	if (!done)
		return false;
	*err = first;
	return first.code == ERROR_NONE;
}

static bool run(struct context *context, struct error *err)
{
	const struct options *options = &context->options;
	bool due = options_has(options, "due");

	if (due == (options->argument_count > 0))
		return error_set(err, ERROR_USAGE,
			_("which: an application's ID, a certificate's PKCS#11 URI, or --due?"));
	return due ? renew_due(context, err) : renew(context, options->arguments[0], err);
}

const struct command renew_command = {
	.name = "renew",
	.arguments = "[ID|URI]",
	.summary = N_("applies for the next certificate in time, signed with the one that ends"),
	.options = {options_renew, options_slot, options_signer, options_authority,
		options_dry_run},
	.maximum = 1,
	.run = run,
};

#include <stdlib.h>
#include <string.h>

#include "provision/flow/journal.h"
#include "provision/i18n.h"
#include "provision/certificate_check.h"
#include "provision/token_certificate.h"
#include "provision/token_object.h"
#include "provision/workplace/anchors.h"
#include "provision/workplace/check.h"

#define PERIOD_DAYS 60 /* so long a renewal may take, with the weekends in it */
#define CHAIN_MAX   8
#define KEYS_MAX    1024

struct look {
	struct checks *checks;
	struct slot *slot;
	struct token_certificates certificates;
	struct certificates anchors[16]; /* of the configured authorities */
	size_t anchor_count;
};

static bool same(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
	return a_length == b_length && memcmp(a, b, a_length) == 0;
}

static bool self_issued(const struct certificate *certificate)
{
	return same(certificate->issuer_der, certificate->issuer_length, certificate->subject_der,
		certificate->subject_length);
}

/* "token: Ivan Ivanov", by the common name. */
static void subject_of(
	const struct look *look, const struct certificate *certificate, char text[320])
{
	const char *name = name_get(&certificate->subject, "2.5.4.3");

	snprintf(text, 320, "%s: %s", look->slot->label,
		name != NULL ? name : _("a certificate without a name"));
}

static size_t with_id(struct look *look, CK_OBJECT_CLASS class, const uint8_t *id, size_t length)
{
	CK_OBJECT_HANDLE handles[4];
	size_t count = 0;

	return token_object_by_id(look->slot, class, id, length, handles, 4, &count, NULL) ? count
											   : 0;
}

static void check_key(struct look *look, const struct token_certificate *one, const char *subject)
{
	if (with_id(look, CKO_PRIVATE_KEY, one->id, one->id_length) == 0 &&
		with_id(look, CKO_PUBLIC_KEY, one->id, one->id_length) == 0)
		check_row(look->checks, "certificate-without-key", subject, VERDICT_WRONG,
			look->slot->logged_in
				? NULL
				: _("podpis doctor --pin-file FILE sees private keys, too"),
			_("there is no key of its CKA_ID beside the certificate: nothing can be "
			  "signed with it"));
}

/* Is there another certificate for the same person that lives longer? Then this one's end is nobody's worry. */
static bool succeeded(const struct look *look, const struct certificate *certificate)
{
	for (size_t i = 0; i < look->certificates.count; i++) {
		const struct certificate *other = &look->certificates.list[i].certificate;

		if (other->not_after > certificate->not_after &&
			other->not_before <= look->checks->now &&
			same(other->subject_der, other->subject_length, certificate->subject_der,
				certificate->subject_length))
			return true;
	}
	return false;
}

static void check_period(
	struct look *look, const struct certificate *certificate, const char *subject)
{
	const struct extension *extension =
		extensions_find(&certificate->extensions, OID_PRIVATE_KEY_USAGE_PERIOD);
	time_t begin = 0, end = 0, now = look->checks->now, last = certificate->not_after;
	char when[OUTPUT_TIME_MAX], here[OUTPUT_TIME_MAX];

	if (certificate->not_before > now) {
		check_row(look->checks, "clock", subject, VERDICT_WRONG, "timedatectl set-ntp true",
			_("it is valid from %s on, and the clock says %s: is the clock right?"),
			output_time(certificate->not_before, when), output_time(now, here));
		return;
	}
	if (extension != NULL &&
		key_period_decode(extension->value, extension->length, &begin, &end, NULL) &&
		end != 0 && end < last)
		last = end;
	output_time(last, when);
	if (succeeded(look, certificate))
		return;
	if (last < now)
		check_row(look->checks, "period", subject, VERDICT_WRONG, "podpis apply",
			last == end ? _("its key's period ended on %s") : _("it ended on %s"),
			when);
	else if (last - now < (time_t)PERIOD_DAYS * 86400)
		check_row(look->checks, "period", subject, VERDICT_WRONG, "podpis renew --due",
			last == end ? _("its key may sign until %s only, %ld days")
				    : _("it ends on %s, in %ld days"),
			when, (long)((last - now) / 86400));
	else
		check_row(look->checks, "period", subject, VERDICT_FINE, NULL,
			_("can be used until %s"), when);
}

/* The issuer of `certificate` is one of the authorities' roots. */
static bool anchored(const struct look *look, const struct certificate *certificate)
{
	for (size_t i = 0; i < look->anchor_count; i++)
		for (size_t j = 0; j < look->anchors[i].count; j++)
			if (same(look->anchors[i].list[j].subject_der,
				    look->anchors[i].list[j].subject_length,
				    certificate->issuer_der, certificate->issuer_length))
				return true;
	return false;
}

static bool root_in_token(const struct look *look, const struct certificate *certificate)
{
	for (size_t i = 0; i < look->certificates.count; i++) {
		const struct certificate *other = &look->certificates.list[i].certificate;

		if (self_issued(other) &&
			same(other->subject_der, other->subject_length, certificate->issuer_der,
				certificate->issuer_length))
			return true;
	}
	return false;
}

/*
 * Where the roots are known, the chain has to lead to one; where they are not, one certificate above the person's
 * is all that can be asked for.
 */
static void check_chain(
	struct look *look, const struct certificate *certificate, const char *subject)
{
	const struct certificate *chain[CHAIN_MAX];
	size_t count = token_certificates_chain(&look->certificates, certificate, chain, CHAIN_MAX);
	const struct certificate *last = count > 0 ? chain[count - 1] : certificate;
	struct buffer issuer = BUFFER_INIT(4096);

	if (self_issued(certificate) || anchored(look, last) || root_in_token(look, last) ||
		(look->anchor_count == 0 && count > 0)) {
		check_row(look->checks, "chain", subject, VERDICT_FINE, NULL,
			_("the chain is complete"));
	} else {
		name_print(&last->issuer, &issuer);
		check_row(look->checks, "chain", subject, VERDICT_WRONG, "podpis install",
			_("the chain is incomplete: there is no certificate of %s"),
			buffer_text(&issuer));
	}
	buffer_free(&issuer);
}

/* Keys whose certificate is still on its way. */
static bool applied_for(const uint8_t *id, size_t length)
{
	struct journal *journal = NULL;
	int64_t *ids = NULL;
	size_t count = 0;
	bool found = false;

	if (!journal_look(&journal, NULL))
		return false;
	if (journal_ids(journal, &ids, &count, NULL))
		for (size_t i = 0; i < count && !found; i++) {
			struct journal_application row = {0};

			found = journal_load(journal, ids[i], &row, NULL) &&
				!flow_state_info(row.state)->final &&
				row.state != STATE_INSTALLED &&
				(same(row.key_id.data, row.key_id.length, id, length) ||
					same(row.key_reserved.data, row.key_reserved.length, id,
						length));
			journal_application_clear(&row);
		}
	free(ids);
	journal_close(journal);
	return found;
}

static void check_lone_keys(struct look *look)
{
	CK_OBJECT_CLASS class = look->slot->logged_in ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_OBJECT_HANDLE *handles = calloc(KEYS_MAX, sizeof(*handles));
	size_t count = 0;

	if (handles == NULL ||
		!token_object_find(look->slot, templ, 1, handles, KEYS_MAX, &count, NULL))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		struct buffer id = BUFFER_INIT(TOKEN_ID_MAX), label = BUFFER_INIT(256);
		char subject[320];

		token_object_read(look->slot, handles[i], CKA_ID, &id);
		token_object_read(look->slot, handles[i], CKA_LABEL, &label);
		snprintf(
			subject, sizeof(subject), "%s: %s", look->slot->label, buffer_text(&label));
		if (with_id(look, CKO_CERTIFICATE, id.data, id.length) > 0)
			;
		else if (applied_for(id.data, id.length))
			check_row(look->checks, "key-without-certificate", subject, VERDICT_NOTE,
				"podpis obtain", _("the key's certificate is applied for"));
		else
			check_row(look->checks, "key-without-certificate", subject, VERDICT_WRONG,
				"podpis install, podpis apply",
				_("the key has no certificate, and none is applied for"));
		buffer_free(&id);
		buffer_free(&label);
	}
	free(handles);
}

static void load_anchors(struct look *look)
{
	const struct config *config = look->checks->context->config;

	for (size_t i = 0; config != NULL && i < config->count && look->anchor_count < 16; i++)
		if (config->sections[i].kind == CONFIG_AUTHORITY &&
			config->sections[i].problem == NULL &&
			anchors_of_file(
				&config->sections[i], &look->anchors[look->anchor_count], NULL) &&
			look->anchors[look->anchor_count].count > 0)
			look->anchor_count++;
}

void check_certificates(struct checks *checks, struct slot *slot, bool vault)
{
	struct look look = {.checks = checks, .slot = slot};
	struct error cause = {0};
	char subject[320];

	if (!token_certificates_load(slot, &look.certificates, &cause)) {
		check_row(checks, "certificates", slot->label, VERDICT_WRONG, NULL, "%s",
			cause.message);
		return;
	}
	load_anchors(&look);
	for (size_t i = 0; i < look.certificates.count; i++) {
		const struct token_certificate *one = &look.certificates.list[i];

		if (certificate_is_authority(&one->certificate))
			continue;
		subject_of(&look, &one->certificate, subject);
		/* Cards often hold no public keys: without a login nothing is known of theirs. */
		if (vault || slot->logged_in)
			check_key(&look, one, subject);
		check_period(&look, &one->certificate, subject);
		check_chain(&look, &one->certificate, subject);
	}
	if (vault || slot->logged_in)
		check_lone_keys(&look);
	for (size_t i = 0; i < look.anchor_count; i++)
		certificates_clear(&look.anchors[i]);
	token_certificates_clear(&look.certificates);
}
